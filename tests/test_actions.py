"""The list of flags and the plan: nothing people wrote is lost, and no more is said than the numbers bear."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ysj_analysis import (
    absent,
    action_figures,
    action_plan,
    action_sentences,
    actions,
    disclosure,
    load,
    measures,
    monitor,
    pipeline,
)
from ysj_analysis.reading import DataError, NotHeld
from ysj_analysis.wording import Said, Words

RULE = "ratio above 2"
ONE = {
    "area": "A",
    "stage": "custody",
    "base": "sentenced",
    "group": "Black",
    "reference": "White",
    "rule": RULE,
}


def flags(*years, **more):
    """Flags of one comparison: (year, flag) pairs."""
    return pd.DataFrame([ONE | more | {"year": year, "flag": flag} for year, flag in years])


def ledger_of(*lines):
    """A list with these lines, as it is read from a file."""
    table = pd.DataFrame(list(lines), columns=list(actions.COLUMNS), dtype=object)
    return table.where(table.notna(), "").astype(str)


EMPTY = pd.DataFrame(columns=list(actions.COLUMNS), dtype=str)


def test_a_flag_becomes_a_line_once(tmp_path):
    found = flags((2021, "watch"), (2022, "flagged"), (2023, "flagged"))
    table = actions.update(tmp_path, found)
    assert table[["stage", "group", "first_flagged", "last_flagged", "flag"]].to_numpy().tolist() == [
        ["custody", "Black", "2022", "2023", "flagged"]
    ]
    before = (tmp_path / "actions.csv").read_bytes()
    assert actions.update(tmp_path, found).equals(table)
    assert (tmp_path / "actions.csv").read_bytes() == before
    pd.testing.assert_frame_equal(actions.read(tmp_path), table)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["actions.csv"]


def test_what_is_only_watched_or_not_assessed_is_no_line():
    assert actions.merged(EMPTY, flags((2022, "watch"), (2023, "not assessed"))).empty


def test_what_people_wrote_outlives_new_flags(tmp_path):
    actions.update(tmp_path, flags((2022, "flagged")))
    written = actions.read(tmp_path).assign(
        owner="Head of service",
        hypothesis='Says "so", and\nmore',
        decision="change",
        review_date="2024-03-31",
        baseline_year="2022",
        target="1.5",
        minutes="item 4",
    )
    written.to_csv(tmp_path / "actions.csv", index=False)
    kept = actions.read(tmp_path)
    new = pd.concat(
        [flags((2022, "flagged"), (2023, "not flagged")), flags((2023, "flagged"), group="Mixed")]
    )
    table = actions.update(tmp_path, new)
    typed = [*actions.TYPED, "minutes"]
    assert table.loc[0, typed].tolist() == kept.loc[0, typed].tolist()
    assert table.loc[0, ["first_flagged", "last_flagged", "flag"]].tolist() == ["2022", "2022", "not flagged"]
    assert table["group"].tolist() == ["Black", "Mixed"]
    assert table.loc[1, typed].eq("").all()


TYPED_TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["Black", "Mixed", "Asian"]), TYPED_TEXT), unique_by=lambda t: t[0]),
    st.lists(
        st.tuples(
            st.sampled_from(["Black", "Mixed", "Asian"]),
            st.integers(2018, 2023),
            st.sampled_from(["flagged", "progress", "watch", "not flagged", "not assessed"]),
        ),
        unique_by=lambda t: t[:2],
    ),
)
def test_merging_keeps_every_line_and_adds_what_is_flagged(lines, found):
    ledger = ledger_of(*(ONE | {"group": g, "owner": o} for g, o in lines))
    table = pd.DataFrame(
        [ONE | {"group": g, "year": y, "flag": f} for g, y, f in found], columns=[*ONE, "year", "flag"]
    )
    merged = actions.merged(ledger, table)
    assert merged["owner"].tolist()[: len(lines)] == [o for _, o in lines]
    raised = {g for g, _, f in found if f in ("flagged", "progress")}
    assert set(merged["group"]) == {g for g, _ in lines} | raised
    assert not merged.duplicated(list(actions.KEY)).any()
    for group in raised:
        years = [y for g, y, f in found if g == group and f in ("flagged", "progress")]
        row = merged[merged["group"].eq(group)].iloc[0]
        assert [row["first_flagged"], row["last_flagged"]] == [str(min(years)), str(max(years))]
    assert actions.merged(merged, table).equals(merged)


HEAD = "area,stage,base,group,reference,decision,review_date,baseline_year,target,flag"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "area,stage,base,grup,reference\nA,b,c,d,e\n",
            r"1 of 5 columns .* missing: group.*Did you mean 'grup'",
        ),
        (f"{HEAD}\nA,s,b,,W,,,,,\n", r"1 of 1 lines do not say which flag.*First: row 2"),
        (f"{HEAD}\nA,s,b,g,W,,,,,\nA,s,b,g,W,,,,,\n", r"1 of 2 lines are about the same flag.*First: row 3"),
        (
            f"{HEAD}\nA,s,b,g,W,ignore,,,,\n",
            r"1 of 1 lines have another decision.*row 2: 'ignore'. Write explain",
        ),
        (f"{HEAD}\nA,s,b,g,W,,31/03/2025,,,\n", r"review_date that is no day. First: row 2. Write a day as"),
        (f"{HEAD}\nA,s,b,g,W,,2025-02-30,,,\n", r"review_date that is no day"),
        (f"{HEAD}\nA,s,b,g,W,,,22,1.5,\n", r"baseline_year that is no year"),
        (f"{HEAD}\nA,s,b,g,W,,,2022,lower,\n", r"target that is no ratio"),
        (f"{HEAD}\nA,s,b,g,W,,,2022,0,\n", r"target that is no ratio"),
        (f"{HEAD}\nA,s,b,g,W,,,2022,,\n", r"a baseline_year or a target without the other"),
        (f"{HEAD}\nA,s,b,g,W,,,,,red\n", r"a flag that the kit does not write. First: row 2: 'red'"),
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(tmp_path, text, message):
    (tmp_path / "actions.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        actions.read(tmp_path)
    with pytest.raises(DataError):
        actions.update(tmp_path, flags((2023, "flagged")))
    assert (tmp_path / "actions.csv").read_text(encoding="utf-8") == text


def test_no_file_is_a_line_on_the_page_and_no_error(tmp_path):
    with pytest.raises(NotHeld):
        actions.read(tmp_path)
    none = absent.where_held(actions.read, tmp_path)
    shown = disclosure.release(absent.where_held(actions.listed, none, area="A"))
    assert action_sentences.listed(shown, Words())[0].startswith("This study holds no actions.csv")


def test_listed_by_area_and_by_the_day(tmp_path):
    ledger = ledger_of(
        ONE | {"review_date": "2024-03-31", "decision": "change", "flag": "flagged"},
        ONE | {"group": "Mixed", "flag": "not flagged"},
        ONE | {"area": "B"},
    )
    rows = actions.listed(ledger, area="A", on="2024-06-30")
    assert rows["standing"].tolist() == ["to be changed, review past", "no decision yet"]
    assert actions.listed(ledger, area="A")["standing"].tolist() == ["to be changed", "no decision yet"]
    with pytest.raises(ValueError, match="on is 'June'"):
        actions.listed(ledger, area="A", on="June")
    said = action_sentences.listed(disclosure.release(rows, counts=(), texts=actions.TEXTS), Words())
    assert (
        said[0]
        == "2 comparisons are on the list of flags: 1 with no decision yet, 1 to be changed and 1 with review past."
    )
    assert "no longer flagged" in said[2]
    assert all(isinstance(text, Said) for text in said)


def test_a_count_that_people_wrote_is_printed_by_the_rule():
    ledger = ledger_of(ONE | {"hypothesis": "3 children from 2 families, 23 in all"})
    shown = disclosure.release(actions.listed(ledger, area="A"), counts=(), texts=actions.TEXTS)
    said = " ".join(action_sentences.listed(shown, Words()))
    assert "[c] children from [c] families" in said
    assert "as a hypothesis, not a finding" in said


# -- the plan ----------------------------------------------------------------------------------------


def ratios(then, now, **more):
    """Relative rates of 2018 and 2023 from (events, denominator, events, denominator)."""
    table = pd.DataFrame(
        [
            {
                "area": "A",
                "year": year,
                "years": 1,
                "unit": "children",
                "stage": "arrest",
                "base": "population",
            }
            | {"group": group, "events": x, "denominator": n}
            for year, four in ((2018, then), (2023, now))
            for group, x, n in (("Black", *four[:2]), ("White", *four[2:]))
        ]
    )
    return disclosure.working(table.assign(**more)).measure(measures.relative_rates)


def plan(target, **more):
    line = ONE | {"stage": "arrest", "base": "population", "baseline_year": "2018", "target": target} | more
    return disclosure.release(ledger_of(line), counts=())


THEN = (400, 4000, 200, 8000)  # ratio 4
STANDINGS = {
    "met": ((150, 4000, 300, 8000), "1.5"),  # ratio 1.0, interval under 1.5
    "towards": ((250, 4000, 200, 8000), "1.5"),  # 2.5
    "away": ((700, 4000, 200, 8000), "1.5"),  # 7
    "cannot tell": ((390, 4000, 205, 8000), "1.5"),
}


@pytest.mark.parametrize("standing", STANDINGS)
def test_where_it_stands_follows_from_two_intervals(standing):
    now, target = STANDINGS[standing]
    found = ratios(THEN, now).derive(action_plan.progress, plan=plan(target), year=2023)
    row = found.table.iloc[0]
    assert row["standing"] == standing
    assert row["baseline"] == pytest.approx(4.0)
    assert row["estimate"] == pytest.approx((now[0] / now[1]) / (now[2] / now[3]), abs=0.005)
    # Wald on the log of the ratio of ratios, written out
    expected = np.log(now[0] / now[1] * now[3] / now[2] / 4)
    error = np.sqrt(sum(1 / x for x in (now[0], now[2], THEN[0], THEN[2])))
    assert np.log(row[["change", "change_low", "change_high"]].astype(float)).to_numpy() == pytest.approx(
        [expected, expected - 1.959964 * error, expected + 1.959964 * error], abs=1e-5
    )
    said = action_sentences.progress(found, Words())
    assert action_plan.STANDING[standing] in said[0]
    assert "4.00 in 2018-19" in said[0]
    assert said[1] == action_sentences.PLAN_CAVEAT


def test_a_favourable_stage_has_its_target_above():
    better = ratios((50, 4000, 200, 8000), (200, 4000, 200, 8000)).derive(
        action_plan.progress, plan=plan("1.8"), year=2023
    )
    assert better.table["standing"].tolist() == ["towards"]


def test_what_is_hidden_absent_or_overlapping_is_too_few():
    few = ratios((4, 4000, 2, 8000), (1, 4000, 2, 8000)).derive(
        action_plan.progress, plan=plan("1.5"), year=2023
    )
    assert few.table["standing"].tolist() == ["too few"]
    assert "too few children to say" in action_sentences.progress(few, Words())[0]
    other = ratios(THEN, THEN).derive(action_plan.progress, plan=plan("1.5", stage="custody"), year=2023)
    assert other.table["standing"].tolist() == ["too few"]
    assert "too few" in action_sentences.progress(other, Words())[0]
    pooled = ratios(THEN, (250, 4000, 200, 8000), years=6)
    assert pooled.derive(action_plan.progress, plan=plan("1.5"), year=2023).table["standing"].tolist() == [
        "too few"
    ]


def test_no_target_is_no_row_and_no_sentence():
    none = ratios(THEN, THEN).derive(action_plan.progress, plan=plan("", baseline_year=""), year=2023)
    assert none.table.empty
    assert action_sentences.progress(none, Words()) == []
    assert (
        "nothing can be drawn"
        in action_figures.plan(ratios(THEN, THEN), none, name="p", title="P", words=Words()).html
    )


def test_the_plan_is_drawn_with_its_target_and_baseline():
    table = ratios(THEN, STANDINGS["towards"][0])
    found = table.derive(action_plan.progress, plan=plan("1.5"), year=2023)
    drawn = action_figures.plan(table, found, name="plan", title="The plan", words=Words())
    assert "target 1.50" in drawn.html
    assert "Black children, arrest, target 1.50: 2018-19 4.00" in drawn.data["alt"]
    assert "nan" not in drawn.html


def test_from_flags_to_the_page_through_the_gate(tmp_path):
    study = load.study("data/synthetic")
    words = Words.of(study)
    counts = pipeline.conditional(pipeline.stage_counts(study, window=3), study.stages)
    table = disclosure.release(counts[counts["area"].eq("Islington")]).measure(measures.relative_rates)
    rule = monitor.Rule(threshold=1.5, declared="2016-04-01")
    found = table.derive(monitor.concerns, rule=rule, stages=study.stages)
    assert found.table["group"].ne("Unknown").all()
    ledger = actions.update(tmp_path, found.table)
    assert {"arrest", "Black"} <= {*ledger["stage"], *ledger["group"]}
    ledger = ledger.assign(baseline_year="2018", target="1.2")
    ledger.to_csv(tmp_path / "actions.csv", index=False)
    whole = disclosure.release(actions.read(tmp_path), counts=())
    told = table.derive(action_plan.progress, plan=whole, year=2023)
    assert len(told.table) == len(ledger)
    said = [
        *action_sentences.progress(told, words),
        *action_sentences.listed(
            disclosure.release(
                actions.listed(actions.read(tmp_path), area="Islington"), counts=(), texts=actions.TEXTS
            ),
            words,
        ),
    ]
    single = pipeline.conditional(pipeline.stage_counts(study), study.stages)
    charted = disclosure.release(single[single["area"].eq("Islington")].reset_index(drop=True)).derive(
        monitor.control_chart
    )
    told = action_sentences.control(charted, words)
    assert any("further than chance gives" in text for text in told)
    said += told
    assert not re.search(
        r"\b(caus\w+|because|due to|bias\w*|(un)?fair\w*|discriminat\w+|offenders?|likely|worked|effective)\b|nan",
        " ".join(said),
    )


def test_a_concern_is_on_the_side_that_is_worse():
    with pytest.raises(ValueError, match="give one above 1"):
        monitor.concerns(pd.DataFrame(), monitor.Rule(threshold=0.8, declared="2020-01-01"), stages={})


@pytest.mark.parametrize("missing", ["flag", "rule", "year"])
def test_flags_need_their_columns(missing):
    with pytest.raises(ValueError, match=f"1 of 7 columns are not in the flags: {missing}"):
        actions.merged(EMPTY, flags((2023, "flagged")).drop(columns=missing))


# -- control charts ----------------------------------------------------------------------------------


def years(*events, denominator=4000, base="population"):
    table = pd.DataFrame({"events": events, "year": range(2012, 2012 + len(events))})
    fixed = {"area": "A", "years": 1, "unit": "children", "stage": "arrest", "base": base, "group": "Black"}
    return disclosure.working(table.assign(**fixed, denominator=denominator)).derive(monitor.control_chart)


VOICES = {
    "further than chance gives above it in 2018-19 (60 in 4,000, 15.00 against": (
        20,
        18,
        22,
        19,
        21,
        20,
        60,
        20,
    ),
    "further than chance gives below it in 2018-19 (20 in 4,000, 5.00 against": (
        60,
        62,
        58,
        61,
        59,
        60,
        20,
        60,
    ),
    "no year from 2012-13 to 2017-18 lies outside what chance gives": (20, 18, 22, 19, 21, 20),
    "too few years can be shown": (20, np.nan, np.nan, 19, np.nan, 20),
    "above it for 8 years up to 2027-28": (*[8] * 8, *[14] * 8),
}


@pytest.mark.parametrize("voice", VOICES)
def test_a_year_unlike_the_others_is_said_with_its_counts(voice):
    series = years(*VOICES[voice])
    said = action_sentences.control(series, Words())
    assert len(said) == 1
    assert voice in said[0]
    assert "nan" not in said[0]


def test_shares_are_charted_as_shares_and_hidden_years_leave_a_gap():
    series = years(20, 22, np.nan, 19, 21, 60, denominator=80, base="arrest")
    shown = action_figures.control(series, name="c", title="Charges", words=Words())
    assert "2012-13 25.0%" in shown.data["alt"]
    assert "2014-15" not in shown.data["alt"]
    assert "2017-18 75.0% (outside 99.8%)" in shown.data["alt"]
    assert "Share" in shown.html
    assert "nan" not in shown.html
    assert "75.0% against" in action_sentences.control(series, Words())[0]
    none = disclosure.working(series.table.assign(estimate=np.nan))
    assert "nothing can be drawn" in action_figures.control(none, name="c", title="C", words=Words()).html
