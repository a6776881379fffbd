"""Every field measure from the study to the page: counted, released, said in four voices, laid out and drawn."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ysj_analysis import (
    cross_borough,
    custody,
    disclosure,
    entrants,
    field,
    field_sentences,
    figures,
    follow_up_sentences,
    load,
    measures,
    models,
    out_of_court,
    present,
    remand,
    reoffending,
    support,
    timeliness,
)
from ysj_analysis.absent import Absent
from ysj_analysis.matched import matched
from ysj_analysis.reading import NotHeld

STUDY = load.study("data/synthetic")
WORDS = field.words(STUDY)
AT = {"area": "Islington", "year": 2023, "years": 5}

SHARES = (
    remand.partition, remand.alternative, remand.without_custody, custody.proposals, custody.long_sentences,
    entrants.local, entrants.yjb, timeliness.within, support.needs, support.programmes,
)  # fmt: skip
GRADED = (remand.by_gravity, custody.by_gravity, out_of_court.against_court)

FORBIDDEN = re.compile(
    r"\bcaus|\bbias|\bfair|\bunfair|times more likely|times as likely|offenders\b|\bnan\b|BAME|no disparity",
    re.I,
)


def everything(policy):
    """All that the field measures say of the synthetic study in one edition."""
    said = []
    for function in SHARES:
        shown = field.released(function, STUDY, policy=policy, **AT)
        said += field_sentences.comparisons(shown.measure(measures.relative_rates), WORDS)
    for function in GRADED:
        said += field_sentences.matched(matched(field.released(function, STUDY, policy=policy, **AT)), WORDS)
    said += follow_up_sentences.waits(field.for_board(timeliness.times, STUDY, policy=policy, **AT), WORDS)
    said += follow_up_sentences.lengths(field.for_board(custody.lengths, STUDY, policy=policy, **AT), WORDS)
    cohorts = field.released(reoffending.cohorts, STUDY, policy=policy, **AT)
    said += follow_up_sentences.frequencies(field.frequencies(cohorts), WORDS)
    said += field_sentences.comparisons(field.reoffended(cohorts).measure(measures.relative_rates), WORDS)
    if not policy.protects:
        said += follow_up_sentences.frequency_ratios(cohorts.derive(reoffending.frequency_ratios), WORDS)
    said += field_sentences.rebased(
        field.rebased(STUDY, area="Islington", earlier=2020, year=2023, policy=policy), WORDS
    )
    across = field.across(STUDY, stage="arrest", year=2023, policy=policy)
    for placed in (
        across.measure(measures.rates).derive(cross_borough.against_all),
        across.measure(measures.relative_rates).derive(cross_borough.against_shared),
    ):
        said += field_sentences.places(placed, WORDS)
    return said


@pytest.mark.parametrize("edition", ["public", "restricted"])
def test_everything_is_said_without_a_forbidden_word(edition):
    said = everything(disclosure.policy(edition))
    assert len(said) > 60
    for text in said:
        assert not FORBIDDEN.search(text), text
        assert text[0].isupper()
        assert text.endswith((".", ")."))
        assert "  " not in text
    apart = [t for t in said if "cannot be told apart" in t]
    assert apart
    assert all("not evidence that there is no difference" in t for t in apart)


def test_nothing_small_is_printed_in_a_public_sentence():
    counted = re.compile(r"(\d[\d,]*) (?:of|in) (\d[\d,]*)")
    found = [
        int(n.replace(",", ""))
        for t in everything(disclosure.PUBLIC)
        for pair in counted.findall(t)
        for n in pair
    ]
    assert found
    assert min(found) >= 10
    assert all(n % 5 == 0 for n in found)


@pytest.mark.parametrize("about", field_sentences.CAVEATS)
def test_a_caveat_is_plain(about):
    assert not FORBIDDEN.search(field_sentences.caveat(about))
    present.text(str(field_sentences.caveat(about)))


def test_each_is_laid_out_and_drawn_in_one_line():
    for function in SHARES:
        shown = field.released(function, STUDY, **AT)
        ratios = shown.measure(measures.relative_rates)
        page = present.table(
            [shown.measure(measures.rates), ratios], name="field", title="Field", words=WORDS,
            columns={"Number": "events", "Out of": "denominator", "Share": "rate_per_1000|proportion.with_interval",
                     "Relative rate": "rate_ratio|risk_ratio.with_interval"},
        )  # fmt: skip
        assert "<table" in page.html
        assert "nan" not in page.html
        figures.relative_rates(ratios, name="field", title="Field", words=WORDS)
    ratios = matched(field.released(out_of_court.against_court, STUDY, **AT))
    drawn = figures.relative_rates(ratios, name="matched", title="Alike in gravity", words=WORDS)
    assert "Dealt with out of court" in drawn.data["alt"]


# -- four voices -------------------------------------------------------------------------------------


def row(**values):
    given = {
        "measure": "mantel_haenszel_risk_ratio", "area": "A", "year": 2023, "years": 5, "unit": "children",
        "stage": "graded_yda", "base": "graded_remand", "group": "Black", "reference": "White", "events": 40.0,
        "denominator": 100.0, "reference_events": 30.0, "reference_denominator": 100.0, "estimate": 1.5, "low": 1.1,
        "high": 2.0, "note": "",
    }  # fmt: skip
    return given | values


VOICES = {
    "clearly above": {"estimate": 1.5, "low": 1.1, "high": 2.0},
    "clearly below": {"estimate": 0.5, "low": 0.3, "high": 0.8},
    "cannot be told apart": {"estimate": 1.1, "low": 0.8, "high": 1.6},
    "oo few": {"estimate": np.nan, "low": np.nan, "high": np.nan},
}


def shown(*rows):
    return disclosure.working(pd.DataFrame(rows))


@pytest.mark.parametrize("voice", VOICES)
def test_matched_has_four_voices(voice):
    (said,) = field_sentences.matched(shown(row(**VOICES[voice])), WORDS)
    assert voice in said
    assert ("40 of 100" in said) == (voice != "oo few")
    assert "2019-20 to 2023-24" in said


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("measure", [reoffending.PER_CHILD, reoffending.PER_REOFFENDER])
def test_frequency_ratios_have_four_voices(voice, measure):
    values = VOICES[voice] | {
        "measure": f"{measure}_ratio",
        "stage": "reoffended_year",
        "base": "cohort_year",
    }
    (said,) = follow_up_sentences.frequency_ratios(shown(row(**values)), WORDS)
    assert voice in said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"estimate": 12.0, "low": 3.0, "high": 21.0},
            "Black children waited 12 days longer than White children",
        ),
        (
            {"estimate": -12.0, "low": -21.0, "high": -3.0},
            "Black children waited 12 days less than White",
        ),
        (
            {"estimate": 5.0, "low": -4.0, "high": 14.0},
            "cannot be told apart from White children: 5 days longer",
        ),
        ({"estimate": np.nan, "low": np.nan, "high": np.nan}, "Too few Black children or White children"),
    ],
)
def test_waits_have_four_voices(values, words):
    own = {
        "measure": "restricted_mean_difference_days",
        "stage": "outcome",
        "base": "offence",
        "horizon": 365,
    }
    (said,) = follow_up_sentences.waits(shown(row(**own, **values)), WORDS)
    assert words in said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"estimate": 1.5, "low": 1.1, "high": 2.0}, "is clearly above that of 2020-21 (1.50 times"),
        ({"estimate": 0.5, "low": 0.3, "high": 0.8}, "is clearly below that of 2020-21 (0.50 times"),
        ({"estimate": 1.1, "low": 0.8, "high": 1.6}, "the two years cannot be told apart (1.10 times"),
        ({"estimate": np.nan, "low": np.nan, "high": np.nan}, "too few to say whether the rate changed"),
        ({"change": np.nan}, "Too few children became"),
    ],
)
def test_a_change_of_base_has_four_voices(values, words):
    own = {
        "earlier_year": 2020, "year": 2023, "change": 20.0, "by_count": 5.0, "by_rebasing": 15.0, "by_population": 0.2,
        "earlier_rate": 100.0, "rate": 120.0, "per": 100_000, "earlier_events": 40.0, "rebased_denominator": 1e4,
        "earlier_denominator": 1e4, "group": "all",
    }  # fmt: skip
    (said,) = field_sentences.rebased(shown(row(**(own | values))), WORDS)
    assert words in said


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("above", "is clearly above"),
        ("below", "is clearly below"),
        ("within", "cannot be told apart"),
        ("", "too few"),
    ],
)
def test_a_borough_beside_others_has_four_voices(place, words):
    own = {"measure": "rate_per_1000", "stage": "arrest", "base": "population", "target": 1.2, "place": place}
    (said,) = field_sentences.places(shown(row(**own)), WORDS)
    assert words in said


def test_what_cannot_be_compared_is_said_together():
    ratios = field.released(remand.partition, STUDY, **AT).measure(measures.relative_rates)
    said = field_sentences.comparisons(ratios, WORDS)
    assert sum("youth detention accommodation (YDA)" in t for t in said) == 1
    assert not any("not recorded" in t for t in said)


def test_every_comparison_is_said_once():
    for policy in (disclosure.PUBLIC, disclosure.RESTRICTED):
        ratios = field.released(timeliness.within, STUDY, policy=policy, **AT).measure(
            measures.relative_rates
        )
        said = field_sentences.comparisons(ratios.where(stage="outcome_91"), WORDS)
        for group in ("Asian", "Black", "Mixed", "Other"):
            assert sum(WORDS.people(group).lower() in t.lower() for t in said) == 1


def test_a_clear_difference_among_few_is_said_and_an_unclear_one_is_too_few():
    ratio = {"measure": "risk_ratio", "note": "unreliable"}
    clear, unclear = row(**ratio, low=1.1), row(**ratio, low=0.2)
    assert "1.50 times the proportion" in field_sentences.comparisons(shown(clear), WORDS)[0]
    assert field_sentences.comparisons(shown(unclear), WORDS)[0].startswith(
        "Too few to compare Black children with White"
    )


# -- editions ----------------------------------------------------------------------------------------


def test_a_public_edition_has_no_median_and_says_so_in_one_line():
    none = field.for_board(timeliness.times, STUDY, policy=disclosure.PUBLIC, **AT)
    assert isinstance(none, Absent)
    assert present.table(none, name="a", title="A", words=WORDS).html == ""
    assert follow_up_sentences.waits(none, WORDS) == [none.why]
    assert not isinstance(
        field.for_board(timeliness.times, STUDY, policy=disclosure.RESTRICTED, **AT), Absent
    )


def test_squares_stay_out_of_a_public_edition():
    cohorts = field.released(reoffending.cohorts, STUDY, **AT)
    assert "squares" not in cohorts.table
    assert "reoffences" in cohorts.counts
    assert field.frequencies(cohorts).where(measure=reoffending.PER_CHILD).table["low"].isna().all()


def test_what_a_study_does_not_hold_is_one_line():
    bare = dataclasses.replace(STUDY, sentencing=None, support=None, offences=None)
    for function in (custody.proposals, support.needs, timeliness.within, reoffending.cohorts):
        none = field.released(function, bare, **AT)
        assert isinstance(none, Absent)
        assert none.why.count(".") >= 2
    assert isinstance(
        field.across(dataclasses.replace(STUDY, areas=("Camden",)), stage="arrest", year=2023), Absent
    )
    assert isinstance(field.frequencies(none), Absent)
    assert isinstance(field.reoffended(none), Absent)


# -- like with like, from what is printed ------------------------------------------------------------


CELLS = st.lists(st.tuples(st.integers(8, 60), st.integers(0, 120)), min_size=4, max_size=4)


def strata(cells):
    return pd.DataFrame(
        {"group": ["Black", "White"] * 2, "base": "graded_remand", "gravity": ["low", "low", "high", "high"],
         "events": [float(x) for x, _ in cells], "denominator": [float(x + more) for x, more in cells]}
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@example(cells=[(8, 108), (8, 0), (8, 0), (8, 108)], moves=[0, 0, -2, 0, 0, 0, 0, 0])
@example(cells=[(8, 10), (8, 0), (8, 0), (8, 110)], moves=[-1, -2, 0, -2, -2, 2, 0, 0])
@given(cells=CELLS, moves=st.lists(st.integers(-2, 2), min_size=8, max_size=8))
def test_the_printed_interval_holds_that_of_every_table_that_prints_the_same(cells, moves):
    table = strata(cells)
    printed = disclosure.release(table)
    found = matched(printed).table.iloc[0]
    true = printed.table.assign(
        events=printed.table["events"] + moves[:4], denominator=printed.table["denominator"] + moves[4:]
    )
    true = true.assign(events=np.minimum(true["events"], true["denominator"]))
    true = true[["group", "base", "gravity", "events", "denominator"]]
    assert (disclosure.PUBLIC.printed(true["denominator"]) == printed.table["denominator"]).all()
    inside = models.stratified(true, by=["gravity"]).iloc[0]
    if np.isfinite(found["low"]):
        assert found["low"] <= inside["low"] + 1e-9
        assert found["high"] >= inside["high"] - 1e-9


def test_working_figures_are_those_of_models():
    table = strata([(18, 42), (16, 64), (42, 48), (30, 90)])
    found = matched(disclosure.release(table, policy=disclosure.RESTRICTED)).table
    own = models.stratified(table, by=["gravity"])
    assert found[["estimate", "low", "high"]].to_numpy() == pytest.approx(
        own[["estimate", "low", "high"]].to_numpy(), nan_ok=True
    )


def test_a_hidden_stratum_is_left_out_and_said():
    table = strata([(3, 57), (16, 64), (42, 48), (30, 90)])
    found = matched(disclosure.release(table)).table.iloc[0]
    assert (found["events"], found["denominator"], found["strata"]) == (40, 90, 1)
    assert "strata_dropped" in found["note"]
    few = matched(disclosure.release(strata([(3, 57), (16, 64), (7, 48), (30, 90)]))).table.iloc[0]
    assert few["note"] == "suppressed"
    assert few[["estimate", "low", "high", "events"]].isna().all()


# -- boroughs ----------------------------------------------------------------------------------------


def test_areas_stand_in_alphabetical_order_and_none_is_ranked():
    table = cross_borough.counts(STUDY, stage="custody", base="population", year=2023)
    assert table["area"].unique().tolist() == ["Camden", "Hackney", "Haringey", "Islington"]
    assert not {"rank", "position"} & set(cross_borough.against_all(measures.rates(table)))


def test_the_shared_relative_rate_is_mantel_haenszel_over_areas():
    table = cross_borough.counts(STUDY, stage="charge", year=2023)
    found = cross_borough.against_shared(measures.relative_rates(table))
    own = models.stratified(table.drop(columns="note"), by=["area"]).set_index("group")
    for group in ("Asian", "Black", "Mixed", "Other"):
        rows = found[found["group"].eq(group)]
        assert rows["target"].to_numpy() == pytest.approx(own.loc[group, "estimate"])
        assert rows["target_low"].to_numpy() == pytest.approx(own.loc[group, "low"])
        assert rows["areas"].eq(4).all()
    assert found.loc[found["group"].eq("White"), "target"].isna().all()


def test_the_target_is_all_areas_together():
    table = cross_borough.counts(STUDY, stage="arrest", year=2023)
    found = cross_borough.against_all(measures.rates(table))
    black = found[found["group"].eq("Black")]
    assert black["target"].to_numpy() == pytest.approx(
        1000 * black["events"].sum() / black["denominator"].sum()
    )
    out = (black["low"] > black["target"]) | (black["high"] < black["target"])
    assert (black["place"].isin(["above", "below"]) == out).all()
    assert (black["lower_998"] <= black["lower_95"]).all()


def test_a_field_measure_stands_beside_other_boroughs_too():
    table = cross_borough.counts(STUDY, stage="out_of_court", year=2023, function=ungraded)
    assert table["area"].nunique() == 4


def ungraded(study, *, window):
    return out_of_court.against_court(study, window=window, graded=False)


def test_two_boroughs_and_two_stages_are_refused():
    two = dataclasses.replace(STUDY, areas=("Camden", "Hackney"))
    with pytest.raises(NotHeld, match="holds 2 of at least 3 areas"):
        cross_borough.counts(two, stage="arrest", year=2023)
    with pytest.raises(NotHeld, match="are of bail on charge in 2023"):
        cross_borough.counts(STUDY, stage="bail", base="charge", year=2023)
    both = pd.concat(
        [cross_borough.counts(STUDY, stage=s, base="population", year=2023) for s in ("arrest", "charge")]
    )
    with pytest.raises(load.DataError, match="several stages"):
        cross_borough.against_all(measures.rates(both))


def test_areas_that_do_not_stand_out_are_said_together():
    study = load.study("data/synthetic")
    words = field.words(study)
    shown = field.across(study, stage="arrest", year=2023)
    placed = shown.measure(measures.rates).derive(cross_borough.against_all)
    said, table = field_sentences.stand_out(placed, words), placed.table
    table = table[table["group"].astype(str).ne("Unknown")]
    apart = table["place"].isin(["above", "below"]).sum()
    assert len(said) == apart + 1
    assert said[-1].startswith(
        f"Of {(table['place'] == 'within').sum()} other rates that can be set beside those of all"
    )
    assert "league" not in " ".join(said)


def test_several_measures_of_too_few_are_one_sentence_and_what_is_absent_one_line():
    """Three measures of a few children, one of which the study lacks: two sentences, no list of every group."""
    hidden = {"low": np.nan, "high": np.nan, "estimate": np.nan}
    few = [
        shown(*(row(group=g, stage=s, **hidden) for g in ("Asian", "Black")))
        for s in ("graded_yda", "custody")
    ]
    said = field_sentences.together([*few, Absent("This study holds no remands.")], WORDS)
    assert len(said) == 2
    assert said[0].startswith("Too few to compare any group with White children (2019-20 to 2023-24): ")
    assert said[0].endswith("; custodial sentence.")
    assert said[1] == "This study holds no remands."
    assert field_sentences.caveat("remand", Absent("None held.")) == ""


@pytest.mark.parametrize(("events", "silent"), [(3, True), (40, False)])
def test_of_what_is_hidden_throughout_no_caveat_is_said(events, silent):
    table = pd.DataFrame({"group": ["Black", "Unknown"], "events": [events, 40], "denominator": [90, 90]})
    assert (field_sentences.caveat("remand", disclosure.release(table)) == "") is silent
