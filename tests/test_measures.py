"""How large is the difference? Against print, R and statsmodels; and what must hold of any table."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.rates import confint_poisson

from ysj_analysis import formulas, measures
from ysj_analysis.vocabulary import MEASURE, UNKNOWN

POPULATION, STAGE = "population", "arrest"
VALUES = ["estimate", "low", "high", "p_value"]


def frame(events, denominators, groups=("Asian", "Black", "White"), base=STAGE, **more):
    return pd.DataFrame(
        {
            "group": list(groups)[: len(events)],
            "base": base,
            **more,
            "events": events,
            "denominator": denominators,
        }
    )


def two(x, n, rx, rn, base=STAGE):
    return frame([x, rx], [n, rn], ("Black", "White"), base)


def first(table, *columns):
    row = table.iloc[0]
    return [round(float(row[c]), 4) for c in columns] if columns else row


# -- the Youth Justice Plan 2023-24, section 6.5 -----------------------------------------------------

PLAN = frame(
    [6, 45, 20, 5, 24],
    [10, 25, 14, 9, 43],  # adds to 101, as printed
    ("Asian", "Black", "Mixed", "Other", "White"),
    POPULATION,
)


def test_the_plan_relative_to_white_and_to_all_others():
    white = measures.relative_rates(PLAN, reference="White").set_index("group")["estimate"]
    others = measures.relative_rates(PLAN, reference="all-others").set_index("group")["estimate"]
    assert white["Black"] == pytest.approx(3.225)
    assert round(others["Black"], 2) == 2.49


def test_the_plan_over_representation():
    black = frame([45, 55], [25, 75], ("Black", "Others"), POPULATION)
    assert measures.representation(black)["estimate"].iloc[0] == pytest.approx(1.80)


def test_nine_of_eleven_remands_of_the_plan():
    """statistics.md 3f: 9 of 11 against 39% is 2.10 (1.34 to 2.43); 4 of 5 is 2.05 (0.96 to 2.47)."""
    for x, n, share, expected in ((9, 11, 39, (2.10, 1.34, 2.43)), (4, 5, 39, (2.05, 0.96, 2.47))):
        table = frame([x, n - x], [share, 100 - share], ("Black or Mixed", "Others"), POPULATION)
        found = measures.representation(table).iloc[0][["estimate", "low", "high"]].astype(float)
        assert found.round(2).to_list() == pytest.approx(expected, abs=0.011)


# -- worked examples in print ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_proportions_of_newcombe_1998(x, n, low, high):
    """Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3."""
    assert first(measures.rates(two(x, n, 1, 2)), "low", "high") == [low, high]


@pytest.mark.parametrize(
    ("counts", "estimate", "low", "high"),
    [
        ((56, 70, 48, 80), 0.2, 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.6, 0.1705, 0.8090),
        ((5, 56, 0, 29), 0.0893, -0.0381, 0.1926),
        ((0, 10, 0, 20), 0.0, -0.1611, 0.2775),
        ((10, 10, 0, 20), 1.0, 0.6791, 1.0),
    ],
)
def test_differences_of_newcombe_1998(counts, estimate, low, high):
    """Newcombe (1998), Statistics in Medicine 17:873-890, table II, method 10."""
    assert first(measures.differences(two(*counts)), "estimate", "low", "high") == [estimate, low, high]


def test_a_rate_of_four_children():
    """R 4.2.2, poisson.test(4, 3.75)$conf.int: 0.2906308 2.7310903."""
    table = frame([4, 12], [3750, 6450], ("Black", "White"), POPULATION)
    assert first(measures.rates(table), "low", "high") == [0.2906, 2.7311]
    assert first(measures.rates(table, per=100_000), "low", "high") == [29.0631, 273.1090]


def test_breast_cancer_and_fluoroscopy():
    """Boice and Monson (1977), in Rothman and Greenland: 41 in 28,010 against 15 in 19,017; 1.86.

    The mid-P tail at each limit is 2.5%, by the definition.
    """
    found = first(measures.relative_rates(two(41, 28010, 15, 19017, POPULATION)))
    assert round(found["estimate"], 2) == 1.86
    low, high = (limit * 28010 / (limit * 28010 + 19017) for limit in (found["low"], found["high"]))
    assert stats.binom.sf(41, 56, low) + stats.binom.pmf(41, 56, low) / 2 == pytest.approx(0.025)
    assert stats.binom.cdf(40, 56, high) + stats.binom.pmf(41, 56, high) / 2 == pytest.approx(0.025)


def test_the_physicians_health_study():
    """New England Journal of Medicine 1989: 104 of 11,037 against 189 of 11,034; relative risk 0.55."""
    found = measures.disparity(two(104, 11037, 189, 11034)).set_index(["measure", "group"])["estimate"]
    assert round(found["risk_ratio", "Black"], 2) == 0.55
    assert round(1 / found["odds_ratio", "Black"], 2) == 1.83  # Agresti, Categorical Data Analysis, 2.2
    assert round(found["risk_difference", "Black"], 4) == -0.0077


def test_a_rare_decision_has_a_large_ratio_and_a_small_gap():
    """From 40% and 20% to 4% and 1%: the ratio doubles, the gap closes, the complement comes to 1."""
    often, seldom = (
        measures.disparity(two(*c)).set_index(["measure", "group"])["estimate"]
        for c in ((40, 100, 20, 100), (4, 100, 1, 100))
    )
    assert (often["risk_ratio", "Black"], seldom["risk_ratio", "Black"]) == (2, 4)
    assert often["risk_difference", "Black"] == pytest.approx(0.20)
    assert seldom["risk_difference", "Black"] == pytest.approx(0.03)
    assert often["complement_ratio", "Black"] == 0.75
    assert seldom["complement_ratio", "Black"] == pytest.approx(0.97, abs=0.001)


def test_children_above_parity():
    """90 of 3,750 where 48 of 6,450 would be 27.9: 62.1 above; of 138 in all, 50.7 would be the share."""
    table = two(90, 3750, 48, 6450, POPULATION)
    fixed = first(measures.parity_gap(table))
    assert fixed["estimate"] == pytest.approx(90 - 3750 * 48 / 6450)
    total = first(measures.parity_gap(table, convention="total-fixed"))
    assert total["estimate"] == pytest.approx(90 - 138 * 3750 / 10200)
    assert fixed["low"] < fixed["estimate"] < fixed["high"]
    assert (fixed["measure"], total["measure"]) == ("events_above_parity", "events_above_share")
    shares = measures.parity_gap(table, convention="total-fixed")["estimate"]
    assert shares.sum() == pytest.approx(0)
    with pytest.raises(
        ValueError, match="convention is 'both'; it must be 'reference-fixed' or 'total-fixed'"
    ):
        measures.parity_gap(table, convention="both")


# -- statsmodels and scipy as oracles ----------------------------------------------------------------

TABLES = [(4, 11, 6, 30), (1, 5, 20, 90), (12, 40, 3, 60), (7, 200, 90, 900), (33, 34, 20, 31)]


@pytest.mark.parametrize("table", TABLES)
def test_against_statsmodels(table):
    x, n, rx, rn = table
    rates = first(measures.rates(two(*table)))
    assert (rates["low"], rates["high"]) == pytest.approx(proportion_confint(x, n, method="wilson"))
    difference = first(measures.differences(two(*table)))
    expected = confint_proportions_2indep(x, n, rx, rn, compare="diff", method="newcomb")
    assert (difference["low"], difference["high"]) == pytest.approx(expected)
    ratio = first(measures.relative_rates(two(*table)))
    expected = confint_proportions_2indep(x, n, rx, rn, compare="ratio", method="score", correction=True)
    assert (ratio["low"], ratio["high"]) == pytest.approx(expected, rel=1e-6)
    chi = stats.chi2_contingency([[x, n - x], [rx, rn - rx]], correction=False)[0]
    assert ratio["p_value"] == pytest.approx(stats.chi2.sf(chi * (n + rn - 1) / (n + rn), 1))


@pytest.mark.parametrize("x", [1, 4, 9])
def test_small_rates_against_statsmodels(x):
    found = first(measures.rates(frame([x], [700], base=POPULATION), per=1))
    assert (found["low"], found["high"]) == pytest.approx(confint_poisson(x, 700, method="exact-c"))


# -- many comparisons --------------------------------------------------------------------------------


def test_benjamini_and_hochberg_1995():
    """Their section 3.2, 15 tests: four stand at 5%, where Bonferroni's and Holm's leave three."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    table = pd.DataFrame({"p_value": p})
    assert (measures.adjust_p(table)["p_adjusted"] <= 0.05).sum() == 4
    assert (measures.adjust_p(table, method="holm")["p_adjusted"] <= 0.05).sum() == 3


def test_adjusted_as_r_adjusts():
    """R 4.2.2, p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05, NA), "BH") and p.adjust(c(...), "holm")."""
    table = pd.DataFrame({"p_value": [0.01, 0.02, 0.03, 0.04, 0.05, np.nan]}, index=[3, 3, 1, 0, 7, 7])
    adjusted = measures.adjust_p(table)
    assert adjusted["p_adjusted"].to_list()[:5] == pytest.approx([0.05] * 5)
    assert np.isnan(adjusted["p_adjusted"].to_list()[5])
    assert set(adjusted["family"]) == {"this table (Benjamini-Hochberg, 5 comparisons)"}
    assert list(adjusted.index) == [3, 3, 1, 0, 7, 7]
    table = pd.DataFrame({"p_value": [0.01, 0.04, 0.03, 0.005]})
    assert measures.adjust_p(table, method="holm")["p_adjusted"].to_list() == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )


@given(
    st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.01, 0.02, 0.04, 0.3, 1.0]), min_size=1, max_size=12),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_adjusted_as_statsmodels_adjusts_family_by_family(p, data):
    family = data.draw(st.lists(st.sampled_from("ab"), min_size=len(p), max_size=len(p)))
    table = pd.DataFrame({"p_value": p, "stage": family, "year": 2023})
    for ours, theirs in (("bh", "fdr_bh"), ("holm", "holm")):
        adjusted = measures.adjust_p(table, method=ours, family=["stage", "year"])
        for _, part in adjusted.groupby("stage"):
            assert part["p_adjusted"].to_list() == pytest.approx(
                multipletests(part["p_value"], method=theirs)[1]
            )
            assert part["family"].iloc[0].endswith(f", {len(part)} comparisons)")


def test_bad_adjustments():
    table = pd.DataFrame({"p_value": [0.5, 1.5]})
    with pytest.raises(
        ValueError, match=r"p_value is not between 0 and 1 in 1 of 2 rows: 1\.5\. First: row 1"
    ):
        measures.adjust_p(table)
    with pytest.raises(ValueError, match=r"method is 'bonferroni'; it must be one of 'bh', 'holm'\."):
        measures.adjust_p(table, method="bonferroni")
    with pytest.raises(ValueError, match=r"1 of 2 columns needed are missing: stage\. The table has p_value"):
        measures.adjust_p(table, family=["stage"])


# -- the edge-case contract --------------------------------------------------------------------------


@pytest.mark.parametrize("base", [POPULATION, STAGE])
@pytest.mark.parametrize(
    ("counts", "estimate", "note"),
    [
        ((0, 50, 8, 90), 0.0, "zero_numerator"),
        ((8, 50, 0, 90), np.inf, "zero_reference"),
        ((0, 50, 0, 90), np.nan, "no_events"),
        ((8, 0, 8, 90), np.nan, "no_denominator"),
        ((8, np.nan, 8, 90), np.nan, "no_denominator"),
        ((np.nan, 50, 8, 90), np.nan, "suppressed"),
        ((8, 50, np.nan, 90), np.nan, "suppressed"),
        ((8, 50, 8, 0), np.nan, "no_denominator"),
    ],
)
def test_the_edges_of_a_relative_rate(base, counts, estimate, note):
    x, n, rx, rn = counts
    if base == STAGE and 0 in (n, rn):
        x, rx = (0 if n == 0 else x), (0 if rn == 0 else rx)
    found = first(measures.relative_rates(two(x, n, rx, rn, base)))
    assert found["estimate"] == estimate or (np.isnan(estimate) and np.isnan(found["estimate"]))
    assert found["note"].split()[0] == note
    if note == "zero_numerator":
        assert found["low"] == 0
        assert 0 < found["high"] < np.inf
    elif note == "zero_reference":
        assert found["high"] == np.inf
        assert 0 < found["low"] < np.inf
    elif note == "no_events":
        assert (found["low"], found["high"]) == (0, np.inf)
    else:
        assert np.isnan(found[["low", "high", "p_value"]].astype(float)).all()


def test_the_reference_is_one_and_has_no_interval():
    for function, equal in (
        (measures.relative_rates, 1),
        (measures.differences, 0),
        (measures.parity_gap, 0),
    ):
        row = function(two(4, 30, 9, 90)).iloc[1]
        assert (row["estimate"], row["note"]) == (equal, "reference")
        assert np.isnan(row[["low", "high", "p_value"]].astype(float)).all()
    assert measures.relative_rates(two(4, 30, np.nan, 90)).iloc[1]["note"] == "reference suppressed"
    assert measures.relative_rates(two(4, 30, 0, 0)).iloc[1]["note"] == "reference no_denominator"
    assert np.isnan(measures.relative_rates(two(4, 30, 0, 90)).iloc[1]["estimate"])


def test_a_noted_row_is_masked_and_so_is_what_is_compared_with_it():
    table = two(4, 30, 9, 90).assign(note=["", "immature"])
    found = measures.relative_rates(table)
    assert found["estimate"].isna().all()
    assert found["note"].to_list() == ["suppressed", "immature"]
    assert found["reference_events"].isna().all()
    assert found["events"].to_list() == [4, 9]


def test_a_hidden_count_is_never_taken_for_none():
    table = frame([5, np.nan, 20], [50, 60, 100])
    for reference in ("all-others", "overall"):
        found = measures.relative_rates(table, reference=reference)
        assert found["reference_events"].isna().all()
        assert found["estimate"].isna().all()
    assert measures.representation(table)["note"].to_list() == ["suppressed"] * 3
    assert measures.rates(table)["method"].to_list() == ["Wilson"] * 3
    assert measures.rates(table.assign(base=POPULATION))["method"].to_list() == [
        "exact (Garwood)",
        "exact (Garwood) under 10 events, Byar from 10",
        "Byar",
    ]


def test_children_of_unknown_ethnicity_are_compared_but_are_nobodys_reference():
    table = frame([5, 12, 20, 7], [50, 60, 100, 10], ("Asian", "Black", "White", UNKNOWN))
    others = measures.relative_rates(table, reference="all-others").set_index("group")
    assert others.loc["Black", "reference_events"] == 25
    assert others.loc["Black", "reference_denominator"] == 150
    assert others.loc[UNKNOWN, "reference_events"] == 37
    overall = measures.relative_rates(table, reference="overall")
    assert set(overall["reference_events"]) == {37}
    index = measures.representation(table).set_index("group")
    assert np.isnan(index.loc[UNKNOWN, "estimate"])
    assert index.loc[UNKNOWN, "note"] == "no_denominator"
    assert index["estimate"].drop(UNKNOWN).notna().all()


# -- references --------------------------------------------------------------------------------------


def test_a_comparator_table():
    table = pd.concat(
        [two(4, 300, 1, 500, POPULATION).assign(area="Islington", year=y) for y in (2022, 2023)]
    )
    london = pd.DataFrame(
        {"year": [2023, 2022], "group": "White", "events": [500, 400], "denominator": [500_000, 500_000]}
    )
    found = measures.relative_rates(table, reference=london)
    assert found["estimate"].round(3).to_list() == [16.667, 2.5, 13.333, 2.0]
    assert set(found["reference"]) == {"White"}
    assert found["low"].notna().all()  # White children here are compared with White children there
    as_text = london.assign(year=pd.Categorical(["2023", "2022"]))
    pd.testing.assert_frame_equal(measures.relative_rates(table, reference=as_text), found)
    one = london.iloc[:1].drop(columns="year")
    assert set(measures.relative_rates(table, reference=one)["reference_events"]) == {500}


def test_comparators_that_cannot_be_used():
    table = two(4, 300, 1, 500, POPULATION).assign(area="Islington", year=2023)
    london = pd.DataFrame({"year": [2022], "group": "White", "events": [500], "denominator": [500_000]})
    with pytest.raises(
        ValueError, match=r"the reference has no row for 2 of 2 rows of the table\. First: row 0 \(base"
    ):
        measures.relative_rates(table, reference=london)
    with pytest.raises(ValueError, match="1 of 2 rows of the comparator table cannot be told apart by year"):
        measures.relative_rates(table, reference=pd.concat([london, london]))
    with pytest.raises(ValueError, match="1 of 3 columns of the comparator table are missing: denominator"):
        measures.relative_rates(table, reference=london.drop(columns="denominator"))


def test_references_that_are_not_there():
    table = frame([5, 12, 20], [50, 60, 100])
    message = r"reference 'Wite' is not one of the 3 groups in the table \(Asian, Black, White\)\. Choose one of them"
    with pytest.raises(ValueError, match=message):
        measures.relative_rates(table, reference="Wite")
    alone = frame([5], [50])
    with pytest.raises(
        ValueError, match="reference is 'all-others', but 1 of 1 groups is of known ethnicity"
    ):
        measures.relative_rates(alone, reference="all-others")
    years = pd.concat([table.assign(year=2022), table.iloc[:2].assign(year=2023)])
    with pytest.raises(
        ValueError, match=r"no row for 2 of 5 rows of the table\. First: row 3 \(base arrest, year 2023\)"
    ):
        measures.relative_rates(years)


# -- tables that cannot be used ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "function", [measures.rates, measures.relative_rates, measures.disparity, measures.parity_gap]
)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": [1, 2.5, 3]}, r"events is not a whole number in 1 of 3 rows: 2\.5\. First: row 1, column events\."),
        ({"events": [1, 2, -3]}, r"events is negative in 1 of 3 rows: -3\. First: row 2, column events\. Correct it\."),
        ({"events": [1, 2, np.inf]}, r"events is infinite in 1 of 3 rows: inf\. First: row 2, column events\."),
        ({"events": ["1", "[c]", "3"]}, r"events is not a number in 1 of 3 rows: '\[c\]'\. First: row 1"),
        ({"events": [51, 2, 3]}, r"events is above denominator in 1 of 3 rows: 51\. First: row 0, column events\."),
        ({"denominator": [50, 60.5, 100]}, r"denominator is not a whole number in 1 of 3 rows: 60\.5\. First: row 1"),
        ({"denominator": [50, -60, 100]}, r"denominator is negative in 1 of 3 rows: -60\. First: row 1"),
        ({"group": ["White"] * 3}, r"2 of 3 rows repeat a group within one comparison\. First: row 1, group White\."),
    ],
)  # fmt: skip
def test_impossible_tables(function, change, message):
    with pytest.raises(ValueError, match=message):
        function(frame([5, 12, 20], [50, 60, 100]).assign(**change))


def test_child_years_need_not_be_whole():
    assert measures.rates(frame([5, 12], [50.5, 60], base=POPULATION))["estimate"].notna().all()


def test_other_bad_arguments():
    table = frame([5, 12, 20], [50, 60, 100])
    with pytest.raises(ValueError, match=r"1 of 4 columns a measure needs are missing: base\. The"):
        measures.rates(table.drop(columns="base"))
    for per in (0, 0.5, -1000):
        with pytest.raises(ValueError, match=f"per is {per}; it must be a whole number of 1 or more"):
            measures.rates(table, per=per)
    with pytest.raises(ValueError, match=r"level is 95, and must lie between 0 and 1"):
        measures.rates(table, level=95)


# -- what holds of any table -------------------------------------------------------------------------

FUNCTIONS = [
    measures.rates,
    measures.relative_rates,
    lambda t: measures.relative_rates(t, reference="all-others"),
    lambda t: measures.relative_rates(t, reference="overall"),
    measures.differences,
    measures.disparity,
    measures.representation,
    measures.parity_gap,
    lambda t: measures.parity_gap(t, convention="total-fixed"),
]


@st.composite
def tables(draw, base=None):
    groups = ("Asian", "Black", "White", UNKNOWN)[: draw(st.integers(3, 4))]
    rows = []
    for year in range(2020, 2020 + draw(st.integers(1, 3))):
        for group in groups:
            n = draw(st.integers(0, 60))
            x = draw(st.one_of(st.integers(0, n), st.just(np.nan)))
            rows.append((year, draw(st.just(base or STAGE)), group, "male", x, n))
    return pd.DataFrame(rows, columns=["year", "base", "group", "sex", "events", "denominator"])


@given(tables(), st.sampled_from(FUNCTIONS), st.randoms())
@settings(max_examples=80, deadline=None)
def test_rows_in_another_order_give_the_same_rows_in_that_order(table, function, random):
    order = list(range(len(table)))
    random.shuffle(order)
    straight, turned = function(table), function(table.iloc[order])
    kinds = len(straight) // len(table)
    back = np.concatenate([np.array(order) + k * len(table) for k in range(kinds)])
    pd.testing.assert_frame_equal(straight.iloc[back].reset_index(drop=True), turned)


@given(tables(), st.sampled_from(FUNCTIONS))
@settings(max_examples=40, deadline=None)
def test_the_argument_is_left_alone_and_no_row_is_lost(table, function):
    before = table.copy(deep=True)
    out = function(table)
    pd.testing.assert_frame_equal(table, before)
    for _, part in out.groupby("measure"):
        assert part["group"].to_list() == table["group"].to_list()
        assert part["events"].equals(table["events"].set_axis(part.index))
    inside = out["estimate"].isna() | (
        (out["low"].fillna(-np.inf) <= out["estimate"]) & (out["estimate"] <= out["high"].fillna(np.inf))
    )
    assert inside.all()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("base", [POPULATION, STAGE])
def test_the_columns_are_those_of_the_vocabulary(function, base):
    table = frame([5, 12, 20], [50, 60, 100], base=base).assign(
        note="", sex="male", stage="charge", unit="children", years=1, year=2023, age="14", area="Islington"
    )
    at = MEASURE.index("group") + 1
    assert list(function(table).columns) == [*MEASURE[:at], "sex", "age", *MEASURE[at:]]


@given(tables(base=POPULATION))
@settings(max_examples=40, deadline=None)
def test_scaling_every_population_changes_no_relative_rate(table):
    scaled = table.assign(denominator=table["denominator"] * 7)
    one, other = measures.relative_rates(table), measures.relative_rates(scaled)
    np.testing.assert_allclose(one[VALUES], other[VALUES], rtol=1e-9)


@given(
    st.integers(0, 30),
    st.integers(1, 30),
    st.integers(0, 30),
    st.integers(1, 30),
    st.sampled_from([POPULATION, STAGE]),
)
@settings(max_examples=60, deadline=None)
def test_exchanging_group_and_reference_inverts(x, n, rx, rn, base):
    x, rx = min(x, n), min(rx, rn)
    table = two(x, n, rx, rn, base)
    one = measures.relative_rates(table).iloc[0][VALUES].astype(float)
    other = measures.relative_rates(table, reference="Black").iloc[1][VALUES].astype(float)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(
            one, [1 / other["estimate"], 1 / other["high"], 1 / other["low"], other["p_value"]], rtol=1e-9
        )
    gap = measures.differences(table, per=1).iloc[0][VALUES].astype(float)
    back = measures.differences(table, per=1, reference="Black").iloc[1][VALUES].astype(float)
    np.testing.assert_allclose(
        gap, [-back["estimate"], -back["high"], -back["low"], back["p_value"]], atol=1e-12
    )


def test_any_printed_figure_can_be_computed_again_from_the_counts_beside_it():
    table = pd.concat([frame([5, 12, 20], [50, 60, 100], base=b) for b in (POPULATION, STAGE)])
    for function in FUNCTIONS:
        out = function(table)
        counts = [out[c] for c in ("events", "denominator", "reference_events", "reference_denominator")]
        again = formulas.interval(out["measure"], *counts, poisson=out["base"].eq(POPULATION))
        shown = out["low"].notna()
        np.testing.assert_allclose(np.array(again[:3]).T[shown], out.loc[shown, VALUES[:3]])


def test_categories_and_extra_columns_travel():
    table = frame([5, 12, 20], [50, 60, 100]).astype({"group": "category", "base": "category"})
    out = measures.relative_rates(table.assign(area="<b>&", colour="=1+1"))
    assert out["group"].dtype == table["group"].dtype
    assert set(out["colour"]) == {"=1+1"}


@pytest.mark.parametrize("reference", ["White", "all-others", "overall"])
@pytest.mark.parametrize("measure", ["relative_rates", "differences", "disparity", "parity_gap"])
def test_a_table_without_rows_is_one_without_rows(measure, reference):
    """A stage that a study does not have picks no row of its counts, and that is no error."""
    counts = pd.DataFrame(
        {"group": ["Black", "White"], "base": "population", "events": [3, 4], "denominator": [50, 60]}
    )
    whole = getattr(measures, measure)(counts, reference=reference)
    none = getattr(measures, measure)(counts.iloc[:0], reference=reference)
    assert len(none) == 0
    assert list(none.columns) == list(whole.columns)


def test_a_group_without_a_name_is_refused():
    table = pd.DataFrame(
        {"group": ["Black", None], "base": "arrest", "events": [4, 5], "denominator": [9, 9]}
    )
    with pytest.raises(ValueError, match=r"group is missing in 1 of 2 rows: .*First: row 1.* Unknown"):
        measures.rates(table)
