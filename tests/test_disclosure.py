"""What may be shown: policies by hand, one way to make a Released, and nothing from what is hidden."""

import copy
import itertools
import pickle

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import decompose, disclosure, figures, formulas, load, measures, pipeline, present
from ysj_analysis.disclosure import DisclosureError, Policy, Released, release

SHOWN = ["estimate", "low", "high", "p_value"]
COUNTS = ["events", "denominator", "reference_events", "reference_denominator"]


def two(x, n, rx, rn, base="arrest"):
    """One comparison of two groups."""
    return pd.DataFrame(
        {"group": ["Black", "White"], "base": base, "events": [x, rx], "denominator": [n, rn]}
    )


@pytest.fixture(scope="module")
def study():
    return load.study("data/synthetic")


@pytest.fixture(scope="module")
def counts(study):
    return pipeline.for_report(study, area="Islington", year=2023, years=5)


# -- policies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "true", "printed"),
    [
        # Nearest 5 by hand: 8-12 is 10, 13-17 is 15. 0-7 is hidden.
        (disclosure.PUBLIC, [0, 1, 7, 8, 9, 10, 12, 13, 17, 18], [None] * 3 + [10] * 4 + [15, 15, 20]),
        (disclosure.ONS, [0, 9, 10, 12, 13, 17, 18], [None] * 4 + [15, 15, 20]),
        (disclosure.RESTRICTED, [0, 1, 7, 8, 13], [0, 1, 7, 8, 13]),
        (Policy("tens", "", 6, 11, 0, 0), [5, 6, 16, 17], [None, 11, 11, 22]),
    ],
)
def test_counts_are_printed_by_hand(rule, true, printed):
    shown = rule.printed(true)
    assert [None if np.isnan(v) else v for v in shown] == printed


@pytest.mark.parametrize("rule", [disclosure.PUBLIC, disclosure.ONS])
def test_every_print_stands_for_as_many_counts(rule):
    shown = pd.Series(rule.printed(np.arange(rule.hidden_below + 40 * rule.round_to)))
    assert set(shown.value_counts()) == {rule.round_to}
    assert shown.isna().sum() == rule.hidden_below


def test_a_missing_count_stays_missing():
    assert np.isnan(disclosure.PUBLIC.printed([np.nan])).all()


@pytest.mark.parametrize(
    ("hidden_below", "round_to", "message"),
    [
        (
            10,
            5,
            r"policy x: hiding counts below 10 does not line up with rounding to 5.*Hide below 8 or 13\.",
        ),
        (1, 5, r"Hide below 3\."),
        (0, 5, r"hiding counts below 0 hides none.*Hide below 3 or more"),
        (-2, 1, r"hiding counts below -2 hides none"),
        (8, 4, r"counts are rounded to 4; use an odd number"),
        (8, 0, r"counts are rounded to 0"),
    ],
)
def test_a_policy_that_does_not_line_up_is_refused(hidden_below, round_to, message):
    with pytest.raises(DisclosureError, match=message):
        Policy("x", "", hidden_below, round_to, 10, 30)


def test_a_policy_is_frozen_and_says_itself():
    with pytest.raises(AttributeError):
        disclosure.PUBLIC.hidden_below = 1
    assert "counts of 0 to 7 are shown as [c]" in disclosure.PUBLIC.sentence()
    assert "at least 10 and both bases at least 30" in disclosure.PUBLIC.sentence()
    assert disclosure.RESTRICTED.sentence() == (
        "OFFICIAL-SENSITIVE: restricted edition: counts are shown as they are."
    )
    assert "exact" not in Policy("t", "h", 8, 1, 0, 0).sentence()


def test_editions():
    assert disclosure.policy("public") is disclosure.PUBLIC
    with pytest.raises(DisclosureError, match="edition is 'open'; it must be one of public, ons, restricted"):
        disclosure.policy("open")
    assert "working" not in disclosure.EDITIONS
    assert "published" not in disclosure.EDITIONS


# -- only this module makes a Released ---------------------------------------------------------------


def test_nothing_else_makes_one():
    table = two(40, 100, 40, 100)
    for make in (
        lambda: Released(table, disclosure.PUBLIC, ("events",)),
        lambda: Released(),
        lambda: type("Mine", (Released,), {}),
        lambda: pickle.dumps(release(table)),
    ):
        with pytest.raises(TypeError):
            make()


def test_it_cannot_be_changed():
    one = release(two(4, 100, 40, 100))
    for name in ("table", "policy", "counts", "source", "_table", "new"):
        with pytest.raises(AttributeError):
            setattr(one, name, None)
    with pytest.raises(AttributeError):
        del one._table
    before = one.table
    changed = one.table
    changed.loc[0, "events"] = 4.0
    changed["extra"] = 1
    pd.testing.assert_frame_equal(one.table, before)
    assert copy.deepcopy(one) is one
    assert copy.copy(one) is one


def test_neither_its_maker_nor_a_function_can_change_it():
    own = two(40, 100, 40, 100)
    shown = disclosure.working(own)
    own.loc[0, "events"] = 1
    assert shown.table["events"].to_list() == [40, 40]
    given = own.copy()
    release(own)
    pd.testing.assert_frame_equal(own, given)
    kept = []
    derived = shown.derive(lambda t: kept.append(t) or t)
    kept[0].loc[0, "events"] = 99
    assert 99 not in derived.table["events"].to_list() + shown.table["events"].to_list()


@pytest.mark.parametrize("thing", [pd.DataFrame({"events": [1]}), {"events": [1]}, [1], "text", None, 3])
def test_what_was_not_released_is_a_type_error(thing, study):
    from ysj_analysis.wording import Words

    words = Words.of(study)
    kind = type(thing).__name__
    with pytest.raises(TypeError, match=f"not {kind}: call disclosure.release"):
        disclosure.require(thing)
    for show in (
        lambda: present.table([thing], name="t", title="t", words=words),
        lambda: present.methods(thing),
        lambda: figures.relative_rates(thing, name="t", title="t", words=words),
    ):
        with pytest.raises(TypeError, match="released"):
            show()
    if not isinstance(thing, pd.DataFrame):
        for take in (release, disclosure.working, lambda t: disclosure.published(t, source="a")):
            with pytest.raises(TypeError, match="takes a DataFrame"):
                take(thing)


def test_what_was_released_is_not_released_again():
    with pytest.raises(TypeError, match="released already"):
        release(release(two(40, 100, 40, 100)))


def test_a_policy_must_be_one():
    with pytest.raises(TypeError, match="policy is a str; give a Policy"):
        release(two(40, 100, 40, 100), policy="restricted")


@pytest.mark.parametrize(
    "private",
    [
        [0.04, 0.4],
        np.array([4, 40]),
        pd.Series([4, 40], dtype=object),
        pd.Series([4, 40], dtype="Int64"),
        pd.Series([4, 40], dtype="category"),
        pd.to_datetime(["2023-01-04", "2023-02-01"]),
        pd.to_timedelta([4, 5], unit="D"),
    ],
)
def test_numbers_that_are_not_counts_are_refused(private):
    with pytest.raises(DisclosureError, match=r"1 of 5 columns hold numbers.*: share"):
        release(two(40, 100, 40, 100).assign(share=private))
    assert release(two(40, 100, 40, 100).assign(share=private), policy=disclosure.RESTRICTED)
    exact = Policy("exact", "", 8, 1, 10, 30)
    with pytest.raises(DisclosureError):
        release(two(40, 100, 40, 100).assign(share=private), policy=exact)


def test_text_years_and_flags_pass():
    t = two(40, 100, 40, 100).assign(year=2023, years=5, sex=pd.Categorical(["m", "f"]), synthetic=True)
    assert release(t).table["year"].to_list() == [2023, 2023]


def test_working_restricted_and_published():
    true = two(4, 17, 3, 21)
    for shown in (
        disclosure.working(true),
        release(true, policy=disclosure.RESTRICTED),
        disclosure.published(true, source="The Plan, page 7"),
    ):
        assert shown.table["events"].to_list() == [4, 3]
        assert shown.hidden == 0
        ratio = shown.measure(measures.relative_rates).table
        assert np.isfinite(ratio.loc[0, "estimate"])
        assert "widened" not in ratio.loc[0, "method"]
    assert disclosure.published(true, source="The Plan").source == "The Plan"
    assert disclosure.working(true).policy.heading == "Working figures, not for publication"
    with pytest.raises(DisclosureError, match="published figures need a source"):
        disclosure.published(true, source=" ")


# -- nothing from what is hidden ---------------------------------------------------------------------


def test_a_hidden_group_hides_totals():
    t = pd.DataFrame(
        {"group": list("ABC"), "base": "arrest", "events": [40, 4, 50], "denominator": [100, 90, 120]}
    )
    shown = release(t)
    for reference in ("all-others", "overall"):
        out = shown.measure(measures.relative_rates, reference=reference).table.set_index("group")
        # For B itself all others are A and C, both printed; its own count is hidden all the same.
        assert out[["estimate", "low", "high", "p_value"]].isna().all().all()
        assert out.loc[["A", "C"], "reference_events"].isna().all()
    share = shown.measure(measures.representation).table
    assert share[["estimate", "low", "high", "reference_events"]].isna().all().all()
    assert shown.hidden == 1


@pytest.mark.parametrize(
    ("x", "n", "rx", "rn", "shown"),
    [
        (8, 28, 8, 28, True),  # print 10, 30, 10, 30
        (8, 27, 8, 28, False),  # 27 prints 25
        (8, 28, 8, 27, False),
        (7, 28, 8, 28, False),
        (8, 28, 7, 28, False),
        (12, 32, 12, 32, True),
    ],
)
def test_the_floor_is_10_and_30_as_printed(x, n, rx, rn, shown):
    for measure in (measures.relative_rates, measures.disparity, measures.parity_gap, measures.differences):
        out = release(two(x, n, rx, rn)).measure(measure, reference="White").table
        rows = out[out["group"] == "Black"]
        assert rows["estimate"].notna().all() == shown
        assert rows[SHOWN].isna().all().all() != shown
        assert (rows["note"] == "suppressed").all() != shown


def test_the_references_own_row_says_so_and_rates_have_no_floor():
    out = release(two(9, 24, 4, 21)).measure(measures.relative_rates).table
    assert out["note"].to_list() == ["suppressed", "reference suppressed"]
    rate = release(two(9, 24, 4, 21)).measure(measures.rates).table
    assert rate["estimate"].notna().to_list() == [True, False]


TAKEN = [
    (measures.rates, {}),
    (measures.relative_rates, {"reference": "White"}),
    (measures.relative_rates, {"reference": "all-others"}),
    (measures.relative_rates, {"reference": "overall"}),
    (measures.disparity, {"reference": "White"}),
    (measures.representation, {}),
    (measures.parity_gap, {"reference": "White"}),
    (measures.parity_gap, {"convention": "total-fixed"}),
]


@pytest.mark.parametrize("base", ["population", "arrest"])
@pytest.mark.parametrize(
    ("x", "n", "rx", "rn"), [(10, 30, 10, 30), (10, 100, 40, 45), (25, 60, 15, 300), (40, 45, 10, 100)]
)
def test_an_interval_holds_that_of_every_table_that_prints_so(base, x, n, rx, rn):
    """Brute force over the 625 true tables behind a printed one."""
    if base == "population":
        n, rn = 20 * n, 20 * rn
    bins = [np.arange(v - 2, v + 3) for v in (x, n, rx, rn)]
    true = np.array(list(itertools.product(*bins)), float)
    poisson = np.full(len(true), base == "population")
    printed = release(two(x, n, rx, rn, base))
    assert (disclosure.PUBLIC.printed(true) == [x, n, rx, rn]).all()
    for measure, arguments in TAKEN:
        table = printed.measure(measure, **arguments).table
        for row in table[(table["group"] == "Black") & table["low"].notna()].itertuples():
            a, b, c, d = true.T
            if row.reference == "overall":
                c, d = a + c, b + d
            _, low, high, p = formulas.interval(np.full(len(true), row.measure), a, b, c, d, poisson=poisson)
            assert row.low <= np.nanmin(low) + 1e-9, (row.measure, row.reference)
            assert row.high >= np.nanmax(high) - 1e-9, (row.measure, row.reference)
            if not np.isnan(row.p_value) and row.reference == "White":
                assert row.p_value >= min(p.max(), 0.0499) or row.p_value == 1
                assert row.p_value in (0.001, 0.01, 0.05, 1.0)


def test_p_values_are_bands():
    def band(x, rx):
        out = release(two(x, 1000, rx, 1000)).measure(measures.relative_rates).table
        return out.loc[0, "p_value"]

    # By hand, z of the difference of two proportions at the counts nearest to each other: 5.6, 2.8, 0.
    assert [band(200, 100), band(200, 150), band(200, 200)] == [0.001, 0.01, 1.0]


def test_parity_inside_the_widened_interval_is_not_called_different():
    """55 and 35 of 100 have p < 0.05; 53 of 102 and 37 of 98 have not."""
    out = release(two(50, 100, 35, 100)).measure(measures.relative_rates).table.loc[0]
    exact = measures.relative_rates(two(50, 100, 35, 100)).loc[0]
    assert exact["p_value"] < 0.05
    assert out["low"] < 1 < out["high"]
    assert out["p_value"] == 1.0


def test_ends_of_intervals_are_rounded_outwards(counts):
    ratios = release(counts).measure(measures.relative_rates, reference="White").table.dropna(subset="low")
    raw = measures.relative_rates(release(counts).table, reference="White").loc[ratios.index]
    assert len(ratios) > 10
    assert (ratios["low"] <= raw["low"]).all()
    assert (ratios["high"] >= raw["high"]).all()
    for column in ("estimate", "low", "high"):
        assert np.allclose(ratios[column] * 100, np.round(ratios[column] * 100), atol=1e-6)


def test_every_printed_figure_recomputes_from_printed_counts(counts):
    """From the synthetic study: the four printed counts of a row give its estimate; its ends are outside."""
    shown = release(counts)
    for measure, arguments in TAKEN:
        rows = shown.measure(measure, **arguments).table
        rows = rows[rows["estimate"].notna() & rows["note"].ne("reference")]
        name, _ = formulas.split(rows["measure"])
        digits = np.select(
            [np.isin(name, ["proportion", "risk_difference"]), np.char.startswith(name, "events")], [3, 0], 2
        )
        one = rows.assign(**{c: rows[c].fillna(1) for c in COUNTS})
        estimate, low, high, _ = formulas.interval(
            rows["measure"],
            *(one[c].to_numpy() for c in COUNTS),
            poisson=one["base"].eq("population").to_numpy(),
        )
        assert len(rows) > 3
        finite = np.isfinite(estimate)
        away = np.abs(estimate[finite] - rows["estimate"].to_numpy()[finite])
        assert (away <= 0.5 / 10.0 ** digits[finite] + 1e-9).all()
        assert np.array_equal(estimate[~finite], rows["estimate"].to_numpy()[~finite])
        inside = rows["low"].notna()
        assert (rows["low"] <= low)[inside].all()
        assert (rows["high"] >= high)[inside].all()
        assert disclosure.PUBLIC.could_print(rows["events"]).all()


def test_two_private_tables_that_print_the_same_are_equal(counts):
    """1,000 random alternatives with the same print, through every measure for the first 20 of them."""
    rng = np.random.default_rng(20231101)
    rule, first = disclosure.PUBLIC, release(counts)
    true = counts[["events", "denominator"]].to_numpy(float)
    shown = rule.printed(true)
    taken = [first.measure(f, **a) for f, a in TAKEN]
    for number in range(1000):
        other = np.where(
            np.isnan(shown), rng.integers(0, 8, true.shape), shown + rng.integers(-2, 3, true.shape)
        )
        other = np.where(np.isnan(true), true, other)
        alternative = release(counts.assign(events=other[:, 0], denominator=other[:, 1]))
        assert alternative == first
        if number < 20:
            for (f, a), before in zip(TAKEN, taken, strict=True):
                assert alternative.measure(f, **a) == before
    assert first != release(counts, policy=disclosure.ONS)
    assert first != first.where(stage="arrest")
    assert first != "text"


# -- measure, derive, where --------------------------------------------------------------------------


def test_what_a_measure_is_given_must_be_released_too():
    area = pd.DataFrame({"group": ["London"], "events": [4], "denominator": [90]})
    shown = release(two(40, 100, 50, 120))
    with pytest.raises(TypeError, match=r"reference is a DataFrame that was not released"):
        shown.measure(measures.relative_rates, reference=area)
    hidden = shown.measure(measures.relative_rates, reference=release(area)).table
    assert hidden["estimate"].isna().all()
    source = disclosure.published(area.assign(events=40), source="Youth Justice Board, table 1.2")
    assert shown.measure(measures.relative_rates, reference=source).table["estimate"].notna().all()


def test_a_function_cannot_bring_in_other_counts():
    shown = release(two(40, 100, 4, 120))
    true = two(41, 100, 4, 120)
    with pytest.raises(DisclosureError, match=r"events is not a printed count in 2 of 2 rows\. First: row 0"):
        shown.derive(lambda _: true)
    with pytest.raises(DisclosureError, match="events is not a printed count"):
        shown.measure(lambda _: measures.rates(true))
    with pytest.raises(TypeError, match="must give a table, not float"):
        shown.derive(lambda t: t["events"].sum())
    with pytest.raises(TypeError, match="other is a Series that was not released"):
        shown.derive(lambda t, other: t.assign(events=other), other=true["events"])
    added = shown.derive(lambda t: t.groupby("base", as_index=False)["denominator"].sum())
    assert added.counts == ("denominator",)
    assert added.table["denominator"].to_list() == [220]


def test_a_measure_that_cannot_be_held_against_the_floor_is_refused():
    shown = release(two(40, 100, 50, 120))
    with pytest.raises(DisclosureError, match="no column named measure"):
        shown.measure(lambda t: t)
    with pytest.raises(DisclosureError, match=r"2 of 2 rows are of a measure.*: peto_ratio"):
        shown.measure(lambda t: measures.rates(t).assign(measure="peto_ratio"))
    with pytest.raises(DisclosureError, match=r"2 of 7 columns.*reference_events, reference_denominator"):
        shown.measure(lambda t: measures.relative_rates(t).drop(columns=COUNTS[2:]))
    with pytest.raises(DisclosureError, match=r"1 of 7 columns.*events"):
        shown.measure(lambda t: measures.rates(t).drop(columns="events"))


def test_a_measure_needs_no_optional_columns():
    shown = release(two(40, 100, 50, 120))
    few = ["measure", "group", "base", "events", "denominator", "estimate"]
    out = shown.measure(lambda t: measures.rates(t)[few]).table
    assert out["estimate"].to_list() == [0.4, 0.417]
    assert disclosure.working(two(4, 9, 5, 8)).measure(measures.rates).table["estimate"].notna().all()


def test_where_on_nothing_and_on_no_column():
    shown = release(two(40, 100, 50, 120))
    empty = shown.where(group="Chinese")
    assert len(empty.table) == 0
    assert empty.hidden == 0
    assert empty.where(group="Chinese") == empty
    assert len(empty.measure(measures.rates).table) == 0
    with pytest.raises(ValueError, match="no column 'sex' to choose by; it has group, base"):
        shown.where(sex="f")
    assert len(shown.where(group=["Black", "White"]).table) == 2


def test_a_cascade_of_released_ratios_is_released(counts, study):
    shown = release(pipeline.conditional(counts, study.stages))
    ratios = shown.measure(measures.relative_rates, reference="White")
    end = decompose.end_of_path(ratios.table, study.stages)
    steps = ratios.derive(decompose.cascade, stages=study.stages, to=end)
    assert isinstance(steps, Released)
    assert steps.policy is disclosure.PUBLIC


def test_it_shows_itself_without_its_values():
    text = repr(release(two(40, 100, 50, 120)))
    assert text == "Released(2 rows, policy='public', counts=('events', 'denominator'))"


@pytest.mark.parametrize(("events", "shown"), [(90, True), (93, False), (100, False)])
def test_a_comparison_of_the_rest_needs_enough_of_the_rest(events, shown):
    """Of 100, 90 leave 10 who did not reach the stage, 93 print 95 and leave 5, 100 leave none."""
    table = release(two(events, 100, 60, 100)).measure(measures.disparity).table.query("group == 'Black'")
    known = table.set_index("measure")["estimate"].notna()
    assert known[["risk_ratio", "risk_difference"]].all()
    assert known[["complement_ratio", "odds_ratio"]].to_list() == [shown, shown]
    assert shown or set(table.set_index("measure").loc[["complement_ratio", "odds_ratio"], "note"]) == {
        "suppressed"
    }


def test_counts_inside_a_text_are_printed_by_the_same_rule():
    """A ledger says what was changed in words; a small count there is as small as in a column."""
    ledger = pd.DataFrame(
        {
            "what": ["5 empty cells of column 'Ethnicity'", "1,234 rows read", "7 of 12 rows, ages 10 to 17"],
            "why": ["census 2021", "all of 2019 to 2023", "0 events"],
            "removed": [5.0, 0.0, 7.0],
        }
    )
    printed = disclosure.release(ledger, counts=("removed",), texts=("what", "why")).table
    assert printed["what"].to_list() == [
        "[c] empty cells of column 'Ethnicity'",
        "1,235 rows read",
        "[c] of 10 rows, ages 10 to 17",
    ]
    assert printed["why"].to_list() == ["census 2021", "all of 2019 to 2023", "[c] events"]
    board = disclosure.release(
        ledger, policy=disclosure.RESTRICTED, counts=("removed",), texts=("what", "why")
    )
    assert board.table["what"].to_list() == ledger["what"].to_list()


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("events", -1, r"events is negative in 1 of 2 rows: -1\. First: row 0"),
        ("events", 45.5, r"events is not a whole number in 1 of 2 rows: 45\.5\. First: row 0"),
        ("denominator", float("inf"), "denominator is infinite in 1 of 2 rows"),
    ],
)
def test_what_cannot_be_a_count_is_not_released(column, value, match):
    table = pd.DataFrame({"group": ["Black", "White"], "events": [40.0, 60.0], "denominator": [90.5, 150.0]})
    assert len(disclosure.release(table).table) == 2  # child-years may be a fraction
    table.loc[0, column] = value
    with pytest.raises(ValueError, match=match):
        disclosure.release(table)
