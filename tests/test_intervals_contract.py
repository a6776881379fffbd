"""What holds for every interval: the edges, the errors, and the properties."""

import sys
from subprocess import run

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ysj_analysis import intervals

NAN, INF = np.nan, np.inf

RISK_RATIOS = ["miettinen-nurminen", "koopman", "log"]
RATE_RATIOS = ["mid-p", "exact", "score", "log"]
ODDS_RATIOS = ["mid-p", "exact"]
RATIOS = (
    [(intervals.risk_ratio, method) for method in RISK_RATIOS]
    + [(intervals.rate_ratio, method) for method in RATE_RATIOS]
    + [(intervals.odds_ratio, method) for method in ODDS_RATIOS]
)
DIFFERENCES = [(intervals.risk_difference, method) for method in ("newcombe", "miettinen-nurminen")]
# The intervals whose p-value is, by construction, the test they invert.
DUAL = [(f, m) for f, m in RATIOS if m != "log"] + [(intervals.risk_difference, "miettinen-nurminen")]
NAMES = [f"{function.__name__}-{method}" for function, method in RATIOS]


@st.composite
def two_cohorts(draw, most=60):
    n1, n2 = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.integers(0, n1)), n1, draw(st.integers(0, n2)), n2


# Edges: statistics of two groups, row by row -------------------------------------------------------


@pytest.mark.parametrize(("function", "method"), RATIOS, ids=NAMES)
def test_no_events_in_the_group(function, method):
    result = function(0, 40, 6, 50, method=method)
    assert (result.estimate, result.low) == (0, 0)
    if method == "log":
        assert result.high == INF
        assert np.isnan(result.p_value)
    else:
        assert 0 < result.high < INF
        assert 0 < result.p_value < 1


@pytest.mark.parametrize(("function", "method"), RATIOS, ids=NAMES)
def test_no_events_in_the_reference(function, method):
    result = function(6, 50, 0, 40, method=method)
    assert (result.estimate, result.high) == (INF, INF)
    if method == "log":
        assert result.low == 0
        assert np.isnan(result.p_value)
    else:
        assert 0 < result.low < INF
        assert 0 < result.p_value < 1


@pytest.mark.parametrize(("function", "method"), RATIOS, ids=NAMES)
def test_no_events_at_all(function, method):
    result = function(0, 40, 0, 50, method=method)
    assert np.isnan(result.estimate)
    assert (result.low, result.high) == (0, INF)
    assert_array_equal(result.p_value, 1 if method in ("mid-p", "exact") else NAN)


@pytest.mark.parametrize("method", ["miettinen-nurminen", "koopman"])
def test_full_cohorts_have_intervals_with_some_width(method):
    result = intervals.risk_ratio([10, 5, 10], 10, [10, 10, 5], 10, method=method)
    assert_array_equal(result.estimate, [1, 0.5, 2])
    assert (result.low < result.estimate).all()
    assert (result.estimate < result.high).all()
    assert np.isnan(result.p_value[0])


def test_full_cohorts_as_the_contract_prints_them():
    result = intervals.risk_ratio([10, 5], 10, [10, 10], 10)
    assert_allclose([result.low, result.high], [[0.712, 0.232], [1.404, 0.803]], atol=0.0005)


@pytest.mark.parametrize(("function", "method"), RATIOS + DIFFERENCES)
def test_no_denominator_and_suppressed_counts_are_nan_throughout(function, method):
    x1, n1 = [0, 3, 3, NAN, 3, 3], [0, 9, 9, 9, NAN, 9]
    x2, n2 = [4, 0, 4, 4, 4, NAN], [9, 0, NAN, 9, 9, 9]
    for values in function(x1, n1, x2, n2, method=method):
        assert np.isnan(values).all()


def test_no_denominator_and_suppressed_counts_for_one_group():
    for result in (
        intervals.proportion([0, NAN, 3], [0, 9, NAN]),
        intervals.rate([3, NAN, 3], [0, 9, NAN]),
        intervals.rate_difference([3, NAN, 3], [0, 9, NAN], 3, 9),
        intervals.representation([0, NAN, 0, 0], [0, 9, 5, 5], [0.2, 0.2, 0, NAN]),
        intervals.standardised_ratio([3, NAN, 3], [0, 9, NAN]),
        intervals.standardised_rate([[30, NAN], [30, 5]], [[5, 9], [NAN, 5]], 1),
        intervals.mantel_haenszel_risk_ratio([[3, NAN], [0, 0]], [[5, 9], [0, 0]], 3, 9),
        intervals.mantel_haenszel_rate_ratio([[3, NAN], [0, 0]], [[5, 9], [0, 0]], 3, 9),
    ):
        for values in result:
            assert np.isnan(values).all()


def test_pooled_ratios_without_events():
    for function in (intervals.mantel_haenszel_risk_ratio, intervals.mantel_haenszel_rate_ratio):
        result = function([[0, 0], [2, 1], [0, 0]], [9, 7], [[2, 1], [0, 0], [0, 0]], [8, 6])
        assert_array_equal(result.estimate, [0, INF, NAN])
        assert_array_equal(result.low, [0, 0, 0])
        assert_array_equal(result.high, [INF, INF, INF])
        assert (result.p_value[:2] > 0).all()
        assert np.isnan(result.p_value[2])


def test_strata_that_compare_nobody_add_nothing():
    for function in (intervals.mantel_haenszel_risk_ratio, intervals.mantel_haenszel_rate_ratio):
        with_them = function([3, 0, 2], [9, 0, 4], [2, 1, 0], [8, 6, 0])
        assert_array_equal(with_them, function([3], [9], [2], [8]))


def test_standardised_rates_of_few_events_are_not_given():
    few = intervals.standardised_rate([4, 5], [100, 200], [1, 1])
    assert np.isnan(few).all()
    assert intervals.standardised_rate([4, 6], [100, 200], [1, 1]).low > 0
    none = intervals.standardised_rate([0, 0], [100, 200], [1, 1], method="fay-feuer")
    assert none.low == 0
    assert 0 < none.high < INF


def test_limits_are_exact_at_the_ends_of_a_proportion():
    for method in ("wilson", "exact", "mid-p", "jeffreys"):
        result = intervals.proportion([0, 7], 7, method=method)
        assert result.low[0] == 0
        assert result.high[1] == 1
        assert result.high[0] == pytest.approx(1 - result.low[1], rel=1e-12)


def test_wilson_reaches_its_ends_exactly():
    n = np.arange(1, 3000)
    assert (intervals.proportion(n, n).high == 1).all()
    assert (intervals.proportion(0, n).low == 0).all()


def test_the_estimate_is_held_even_at_levels_nobody_asks_for():
    """Half of what was observed can be less than half of it all: mid-P at 5% would leave 1 event out."""
    rate = intervals.rate(1, 1, method="mid-p", level=0.05)
    assert rate.low == rate.estimate == 1
    share = intervals.proportion([1, 999], 1000, method="mid-p", level=0.05)
    assert share.low[0] == share.estimate[0]
    assert share.high[1] == share.estimate[1]


# Errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: intervals.risk_ratio([3, -1, -2], 9, 4, 9),
            r"events is negative in 2 of 3 cells; the first is at index 1\. Correct it",
        ),
        (
            lambda: intervals.rate([[3, 2.5]], 9),
            r"events is not a whole number in 1 of 2 cells; the first is at index \(0, 1\)\. An interval",
        ),
        (
            lambda: intervals.rate_ratio(3, 9, 1, [INF, 2]),
            r"ref_exposure is infinite in 1 of 2 cells; the first is at index 0\. Correct it",
        ),
        (
            lambda: intervals.odds_ratio(3, 9, [7, 10, 11], 9),
            r"ref_events is above ref_denominator in 2 of 3 cells; the first is at index 1\. ref_events are",
        ),
        (
            lambda: intervals.representation([0, 2], 5, [0, 0]),
            r"population_share is 0 although events were counted in 1 of 2 cells; the first is at index 1\.",
        ),
        (
            lambda: intervals.representation(2, 5, 25),
            r"population_share is above 1 in 1 of 1 cells.*Give a share",
        ),
        (
            lambda: intervals.standardised_rate([0, 12], [0, 50], [1, 1]),
            r"exposure is 0 where the standard has people in 1 of 2 cells; the first is at index 0\. Nobody",
        ),
        (lambda: intervals.mantel_haenszel_risk_ratio(1, 2, 3, 4), r"strata on the last axis"),
        (
            lambda: intervals.proportion([1, 2], [3, 4, 5]),
            r"do not broadcast together: events \(2,\), denominator",
        ),
        (lambda: intervals.rate(1, 2, level=95), r"level is 95, and must lie between 0 and 1"),
        (
            lambda: intervals.risk_ratio(1, 2, 1, 2, method="mid-p"),
            r"method is 'mid-p'; the choices are 'miettinen-nurminen', 'koopman', 'log'\.",
        ),
    ],
)
def test_messages_say_what_how_much_where_and_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_messages_do_not_give_counts_away():
    with pytest.raises(ValueError, match="above") as refusal:
        intervals.proportion([1, 4, 7391], [5, 5, 6])
    assert "7391" not in str(refusal.value)


def test_events_may_outnumber_a_population():
    assert intervals.rate_ratio(12, 9, 3, 9).estimate == 4


# Properties ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "method"), RATIOS + DIFFERENCES)
@given(cells=st.lists(two_cohorts(), min_size=1, max_size=20), level=st.sampled_from([0.5, 0.8, 0.95, 0.998]))
@settings(max_examples=60, deadline=None)
def test_interval_holds_the_estimate_and_widens_with_the_level(function, method, cells, level):
    columns = np.array(cells).T
    result = function(*columns, method=method, level=level)
    given_ = ~np.isnan(result.estimate)
    assert (result.low <= result.estimate)[given_].all()
    assert (result.estimate <= result.high)[given_].all()
    wider = function(*columns, method=method, level=(1 + level) / 2)
    assert (wider.low <= result.low).all()
    assert (result.high <= wider.high).all()


@pytest.mark.parametrize(("function", "method"), RATIOS, ids=NAMES)
@given(cells=st.lists(two_cohorts(), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_exchanging_the_groups_inverts_a_ratio_exactly(function, method, cells):
    x1, n1, x2, n2 = np.array(cells, dtype=float).T
    one, other = function(x1, n1, x2, n2, method=method), function(x2, n2, x1, n1, method=method)
    with np.errstate(divide="ignore"):
        assert_array_equal(one.low, 1 / other.high)
        assert_array_equal(other.low, 1 / one.high)
        assert_allclose(one.estimate, 1 / other.estimate, rtol=1e-15)
    assert_array_equal(one.p_value, other.p_value)


@pytest.mark.parametrize(("function", "method"), DIFFERENCES)
@given(cells=st.lists(two_cohorts(), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_exchanging_the_groups_negates_a_difference_exactly(function, method, cells):
    x1, n1, x2, n2 = np.array(cells, dtype=float).T
    one, other = function(x1, n1, x2, n2, method=method), function(x2, n2, x1, n1, method=method)
    assert_array_equal(one.low, -other.high)
    assert_array_equal(one.estimate, -other.estimate)
    assert_array_equal(one.p_value, other.p_value)


@pytest.mark.parametrize(("function", "method"), DUAL)
@given(cells=st.lists(two_cohorts(), min_size=1, max_size=20), level=st.sampled_from([0.8, 0.95, 0.998]))
@settings(max_examples=100, deadline=None)
def test_p_is_small_just_where_the_interval_leaves_out_no_difference(function, method, cells, level):
    result = function(*np.array(cells).T, method=method, level=level)
    none = 0 if function is intervals.risk_difference else 1
    outside = (result.low > none) | (result.high < none)
    # At the very limit the two agree to about 1e-12; no cell is asked to fall on one side of that.
    clear = np.abs(result.p_value - (1 - level)) > 1e-9
    assert_array_equal(outside[clear], (result.p_value < 1 - level)[clear])


@given(cells=st.lists(two_cohorts(), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize("method", ["wilson", "exact", "mid-p"])
def test_representation_is_the_dual_of_its_test(method, cells):
    x, n, _, m = np.array(cells).T
    share = m / 61
    result = intervals.representation(x, n, share, method=method)
    outside = (result.low > 1) | (result.high < 1)
    clear = np.abs(result.p_value - 0.05) > 1e-9
    assert_array_equal(outside[clear], (result.p_value < 0.05)[clear])


@pytest.mark.parametrize(("function", "method"), DUAL)
def test_the_test_at_a_limit_gives_the_level(function, method):
    """Where the limit of one level is no difference, the p-value is the complement of that level."""
    if function is intervals.risk_difference:
        counts, none, side = (20, 101, 8, 105), 0, "low"
    else:
        counts, none, side = (20, 101, 8, 105), 1, "low"
    p_value = function(*counts, method=method).p_value
    at_p = function(*counts, method=method, level=1 - float(p_value))
    assert getattr(at_p, side) == pytest.approx(none, abs=1e-9)


@given(cells=st.lists(two_cohorts(), min_size=1, max_size=20), factor=st.sampled_from([1e-3, 0.3, 7.0, 1e6]))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("method", RATE_RATIOS)
def test_the_unit_of_exposure_does_not_matter(method, cells, factor):
    x1, t1, x2, t2 = np.array(cells, dtype=float).T
    one = intervals.rate_ratio(x1, t1, x2, t2, method=method)
    other = intervals.rate_ratio(x1, t1 * factor, x2, t2 * factor, method=method)
    for before, after in zip(one, other, strict=True):
        assert_allclose(after, before, rtol=1e-9)


@given(cells=st.lists(two_cohorts(), min_size=2, max_size=8))
@settings(max_examples=60, deadline=None)
def test_pooling_is_the_same_in_any_order_and_for_one_stratum_the_plain_test(cells):
    x1, n1, x2, n2 = np.array(cells, dtype=float).T
    pooled = intervals.mantel_haenszel_risk_ratio
    for before, after in zip(
        pooled(x1, n1, x2, n2), pooled(x1[::-1], n1[::-1], x2[::-1], n2[::-1]), strict=True
    ):
        assert_allclose(after, before, rtol=1e-9)
    single = pooled(x1[:, None], n1[:, None], x2[:, None], n2[:, None])
    plain = intervals.risk_ratio(x1, n1, x2, n2)
    assert_allclose(single.estimate, plain.estimate, rtol=1e-12)
    assert_allclose(single.p_value, plain.p_value, rtol=1e-9, atol=1e-300)
    log = intervals.risk_ratio(x1, n1, x2, n2, method="log")
    assert_allclose(single.low, log.low, rtol=1e-6)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.9999])
def test_conditional_limits_hold_the_odds_ratio_of_the_table(level):
    """The estimate is the table's own odds ratio, not the conditional one, and is still inside."""
    x1, n1, x2, n2 = (v.ravel() for v in np.meshgrid(range(13), [12, 5], range(21), [20, 7], indexing="ij"))
    fits = (x1 <= n1) & (x2 <= n2) & (x1 + x2 > 0) & (x1 + x2 < n1 + n2)
    for method in ODDS_RATIOS:
        result = intervals.odds_ratio(x1[fits], n1[fits], x2[fits], n2[fits], method=method, level=level)
        inside = (result.low < result.estimate) & (result.estimate < result.high)
        assert (inside | (result.estimate == 0) | (result.estimate == INF)).all()


def test_extreme_sizes_neither_warn_nor_break():
    x1, n1 = np.array([0, 1, 10**6, 10**9, 1, 10**9]), np.array([1, 10**9, 10**6, 10**9 + 1, 1, 10**9])
    x2, n2 = np.array([1, 10**8, 1, 1, 10**9, 10**9]), np.array([10**9, 10**9, 10**9, 2, 10**9, 10**9])
    for function, method in RATIOS + DIFFERENCES:
        if function is intervals.odds_ratio:
            continue
        for level in (0.5, 0.95, 0.999999):
            result = function(x1, n1, x2, n2, method=method, level=level)
            assert (result.low <= result.estimate).all(), method
            assert (result.estimate <= result.high).all(), method
    for level in (0.5, 0.999999):
        result = intervals.odds_ratio(x1[:3], n1[:3], [1, 10**5, 1], n2[:3], level=level)
        assert (result.low <= result.estimate).all()
        assert (result.estimate <= result.high).all()


# Arrays -------------------------------------------------------------------------------------------


def test_shapes_broadcast_and_arguments_are_left_alone():
    events, denominator = np.array([[1], [4]]), np.array([5, 9, 30])
    before = events.copy(), denominator.copy()
    for function in (
        intervals.risk_ratio,
        intervals.rate_ratio,
        intervals.odds_ratio,
        intervals.risk_difference,
    ):
        result = function(events, denominator, 3, [7, 8, 9])
        assert {values.shape for values in result} == {(2, 3)}
        one = function(4, 9, 3, 8)
        assert {values.shape for values in one} == {()}
        assert_array_equal([values[1, 1] for values in result], one)
    assert_array_equal(events, before[0])
    assert_array_equal(denominator, before[1])
    assert intervals.proportion([], []).low.shape == (0,)
    pooled = intervals.mantel_haenszel_rate_ratio(np.ones((4, 2, 3)), 5, 1, [5, 6, 7])
    assert pooled.high.shape == (4, 2)


def test_a_cell_gives_the_same_alone_and_among_others():
    rng = np.random.default_rng(7)
    n1, n2 = rng.integers(1, 300, (2, 500))
    x1, x2 = rng.binomial(n1, 0.2), rng.binomial(n2, 0.1)
    for function, method in RATIOS + DIFFERENCES:
        together = function(x1, n1, x2, n2, method=method)
        for i in (0, 17, 499):
            alone = function(x1[i], n1[i], x2[i], n2[i], method=method)
            assert_array_equal([values[i] for values in together], alone)


# Notes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ((20, 100, 30, 120), ""),
        ((0, 100, 30, 120), "zero_numerator"),
        ((30, 120, 0, 100), "zero_reference"),
        ((0, 100, 0, 120), "no_events"),
        ((10, 10, 20, 40), "full_cell"),
        ((5, 10, 40, 40), "full_cell"),
        ((0, 5, 40, 40), "zero_numerator full_cell"),
        ((2, 2, 1, 40), "full_cell unreliable"),
        ((0, 5, 2, 40), "zero_numerator unreliable"),
        ((3, 0, 30, 120), "no_denominator"),
        ((3, NAN, 30, 120), "no_denominator"),
        ((3, 10, NAN, 120), "suppressed"),
        ((NAN, 0, 3, 120), "suppressed"),
    ],
)
def test_notes(cell, expected):
    assert intervals.note(*cell, False) == expected


def test_a_population_is_never_full():
    codes = intervals.note([10, 10], 10, [20, 20], 40, [True, False])
    assert codes.tolist() == ["", "full_cell"]
    assert codes.dtype == object


def test_unreliable_is_an_expected_count_under_three():
    # 5 events in two groups of 50 are 2.5 expected in each, 6 are 3.
    assert intervals.note([4, 5], 50, 1, 50, True).tolist() == ["unreliable", ""]


def test_only_numpy_and_scipy_special_are_imported():
    """Import time is paid by every command: nothing heavy comes with the intervals."""
    code = (
        "import sys; import ysj_analysis.intervals; "
        "print(*sorted(m for m in sys.modules if m in ('pandas', 'statsmodels', 'scipy.stats', 'scipy.optimize')))"
    )
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
