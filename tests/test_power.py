"""The smallest detectable ratio against R, brute force, and the kit's own tests."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ysj_analysis import intervals, measures, monitor
from ysj_analysis.power import power_to_show


def compared(n1, x2, n2, base="charge", x1=0, **columns):
    rows = {"base": base, "group": ["Black", "White"], "events": [x1, x2], "denominator": [n1, n2]}
    return measures.relative_rates(pd.DataFrame(rows | columns))


# R 4.2.2: sum(P[z > qnorm(.975)]) over expand.grid(0:n1, 0:n2), P = dbinom * dbinom and
# z = (x1 n2 - x2 n1) sqrt((N - 1) / (n1 n2 m (N - m))); for rates dpois * dpois and twice the mid-P
# tail, pbinom(x1 - 1, n, q, lower = FALSE) - dbinom(x1, n, q) / 2, under 0.05.
@pytest.mark.parametrize(
    ("ratio", "base", "n1", "n2", "poisson", "power"),
    [
        (1.5, 0.003, 30, 60, False, 0.00676665770734),
        (3.5, 0.1, 30, 60, False, 0.820854965248),
        (0.2, 0.4, 30, 60, False, 0.940269454337),
        (6, 0.001, 3750, 6450, True, 0.992758900025),
        (0.3, 0.005, 3750, 6450, True, 0.862247594415),
        (4, 0.0005, 375, 64500, True, 0.173351673065),
    ],
)
def test_exact_power_agrees_with_r(ratio, base, n1, n2, poisson, power):
    assert power_to_show(ratio, base, n1, n2, poisson).item() == pytest.approx(power, rel=1e-9)


def test_the_normal_formula_misleads_where_the_exact_sum_does_not():
    """0.3% v 0.45%, 30 v 60: statsmodels says 6.8%, the truth is 0.7%."""
    from statsmodels.stats.proportion import power_proportions_2indep

    theirs = power_proportions_2indep(0.0015, 0.003, 30, ratio=2).power
    assert theirs == pytest.approx(0.068, abs=0.0005)
    assert power_to_show(1.5, 0.003, 30, 60, False).item() == pytest.approx(0.007, abs=0.0005)


def test_the_normal_formula_agrees_with_statsmodels_when_counts_are_large():
    from statsmodels.stats.proportion import power_proportions_2indep

    for diff, base, n1, n2 in [(0.05, 0.2, 400, 600), (0.1, 0.3, 150, 150), (-0.06, 0.3, 300, 500)]:
        theirs = power_proportions_2indep(diff, base, n1, ratio=n2 / n1, alternative="two-sided").power
        ours = power_to_show((base + diff) / base, base, n1, n2, False).item()
        assert ours == pytest.approx(theirs, abs=0.002)  # N - 1 for N


def test_smallest_detectable_ratios():
    """R 4.2.2: uniroot of the power above - 0.8: 3.41664112997; rates of 0.1%: 3.65464937704.

    With 3,750 v 6,450 and about 0.3% no expected count is under 10, so the normal formula answers:
    2.34, where R's exact sum gives 2.33 (2.32687628779 at 0.3%).
    """
    row = monitor.detectable(compared(30, 6, 60)).iloc[0]
    assert row["estimate"] == pytest.approx(3.41664112997, rel=1e-7)
    assert row["method"] == "(N-1) chi-square, exact"
    assert power_to_show(3.65464937704, 0.001, 3750, 6450, True).item() == pytest.approx(0.8, abs=1e-9)
    few = monitor.detectable(compared(3750, 13, 13000, "population")).iloc[0]
    assert few["method"] == "mid-P conditional, exact"
    assert power_to_show(few["estimate"], 0.001, 3750, 13000, True).item() == pytest.approx(0.8, abs=1e-7)
    large = monitor.detectable(compared(3750, 19, 6450, "population")).iloc[0]
    assert large["method"] == "mid-P conditional, normal"
    assert large["estimate"] == pytest.approx(2.33, abs=0.02)
    assert monitor.detectable(compared(3750, 19, 6450))["estimate"].iloc[0] == pytest.approx(2.3, abs=0.05)


def test_years_needed_is_where_the_power_stays_above():
    """R 4.2.2, as above for k years of 30 v 60 at 10% and ratio 2: 0.28 0.46 0.62 0.73 0.82 0.88 ..."""
    row = monitor.detectable(compared(30, 6, 60)).iloc[0]
    assert row["power"] == pytest.approx(0.278797400865, rel=1e-9)
    assert row["years_needed"] == 5
    three = monitor.detectable(compared(90, 18, 180, years=3)).iloc[0]
    assert three["years_needed"] == 5
    short = monitor.detectable(compared(30, 6, 60), most_years=4).iloc[0]
    assert (short["years_needed"], short["note"]) == (np.inf, "more than 4 years")
    assert short["estimate"] == row["estimate"]


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 14), st.integers(2, 14), st.floats(0.05, 0.9), st.floats(0.2, 4), st.booleans())
def test_power_is_the_chance_that_the_default_interval_leaves_out_one(n1, n2, base, ratio, poisson):
    """Every table: its chance, times whether ``intervals`` puts its limits on the right side of 1."""
    rate = ratio * base if poisson else min(ratio * base, 1.0)
    top1, top2 = (int(n1 * rate + 40), int(n2 * base + 40)) if poisson else (n1, n2)
    x1, x2 = (v.ravel().astype(float) for v in np.meshgrid(np.arange(top1 + 1), np.arange(top2 + 1)))
    if poisson:
        chance = stats.poisson.pmf(x1, n1 * rate) * stats.poisson.pmf(x2, n2 * base)
        found = intervals.rate_ratio(x1, n1, x2, n2)
    else:
        chance = stats.binom.pmf(x1, n1, rate) * stats.binom.pmf(x2, n2, base)
        found = intervals.risk_ratio(x1, n1, x2, n2)
    hit = found.low > 1 if ratio >= 1 else found.high < 1
    got = power_to_show(ratio, base, n1, n2, poisson).item()
    if min(n1 * rate, n2 * base) < 10:
        assert got == pytest.approx((chance * hit).sum(), abs=1e-8)  # far tails are left out


@settings(deadline=None, max_examples=25)
@given(st.integers(5, 60), st.integers(5, 60), st.floats(0.02, 0.4), st.booleans())
def test_power_grows_with_the_ratio_and_reaches_what_was_asked(n1, n2, base, poisson):
    ratios = np.array([1.1, 1.5, 2.0, 2.4])
    assert (np.diff(power_to_show(ratios, base, n1, n2, poisson)) >= -1e-9).all() or n1 * base >= 6
    x2 = max(round(base * n2), 1)
    row = monitor.detectable(compared(n1, x2, n2, "population" if poisson else "charge"), most_years=1).iloc[
        0
    ]
    if np.isfinite(row["estimate"]) and row["method"].endswith("exact") and row["estimate"] > 1.001:
        reached = power_to_show(row["estimate"] * (1 + 1e-9), x2 / n2, n1, n2, poisson).item()
        missed = power_to_show(row["estimate"] * 0.99, x2 / n2, n1, n2, poisson).item()
        smallest = min(x2, n1 * x2 / n2) if poisson else min(x2, n2 - x2, n1 * x2 / n2, n1 * (1 - x2 / n2))
        if smallest < 10 / max(1, row["estimate"]):
            assert reached >= 0.8 - 1e-6
            assert missed < 0.8


def test_nothing_can_be_shown():
    row = monitor.detectable(compared(2, 8, 10), ratio=1.1).iloc[0]
    assert row["estimate"] == np.inf
    assert np.isnan(row["below"])
    assert row["years_needed"] == np.inf


def test_below_one():
    """Zero of 40 against 50%: shown almost surely; the largest ratio shown lies between."""
    row = monitor.detectable(compared(40, 50, 100)).iloc[0]
    assert 0 < row["below"] < 1
    exact = power_to_show(row["below"], 0.5, 40, 100, False).item()
    assert exact == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(
    ("n1", "x2", "n2", "note"),
    [
        (30, 0, 60, "zero_reference"),
        (0, 6, 60, "no_denominator"),
        (30, np.nan, 60, "suppressed"),
        (np.nan, 6, 60, "no_denominator"),
    ],
)
def test_rows_without_an_answer_say_why(n1, x2, n2, note):
    out = monitor.detectable(compared(n1, x2, n2, "population"))
    assert out["note"].to_list() == [note, "reference" if x2 == x2 else out["note"].iloc[1]]
    assert out.loc[0, ["estimate", "below", "power", "years_needed"]].isna().all()


def test_the_table_is_left_alone_and_keeps_its_rows():
    table = compared(30, 6, 60)
    before = table.copy(deep=True)
    out = monitor.detectable(table)
    pd.testing.assert_frame_equal(table, before)
    assert out["group"].to_list() == ["Black", "White"]
    assert out["events"].to_list() == table["events"].to_list()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ratio": 1}, "ratio is 1; give a relative rate above 0 other than 1"),
        ({"ratio": -2}, "ratio is -2"),
        ({"power": 80}, "power is 80; it must lie between 0.5 and 1"),
        ({"most_years": 0}, "most_years is 0"),
        ({"level": 95}, "level is 95"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        monitor.detectable(compared(30, 6, 60), **arguments)


def test_bad_arrays():
    with pytest.raises(ValueError, match="n1 is not above 0 in 1 of 2 cells"):
        power_to_show(2, 0.1, [0, 5], 10, False)
    with pytest.raises(ValueError, match="base is a share above 1"):
        power_to_show(2, 1.5, 5, 10, False)
