"""Trends against R, statsmodels, and every possible outcome of a small study."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from ysj_analysis import monitor
from ysj_analysis.trends import slope


def series(events, denominator, base="population", first=2018, **columns):
    years = range(first, first + len(events))
    return pd.DataFrame(
        {
            "year": years,
            "group": "Black",
            "base": base,
            "events": events,
            "denominator": denominator,
            **columns,
        }
    )


# R 4.2.2. p: coin 1.4-2, pvalue(independence_test(y ~ t)), which is Cochran-Armitage with N - 1.
# Estimate: exp(coef(glm(cbind(x, n - x) ~ t, binomial))).
# The first are the smokers of Fleiss (1981), the example of R's prop.trend.test.
@pytest.mark.parametrize(
    ("events", "denominator", "ratio", "p_value"),
    [
        ([83, 90, 129, 70], [86, 93, 136, 82], 0.5317331853, 0.004179342629),
        ([0, 1, 2, 5], [12, 14, 11, 13], 3.358600171885, 0.006285181643),
    ],
)
def test_shares_agree_with_r(events, denominator, ratio, p_value):
    row = monitor.trend(series(events, denominator, base="charge")).iloc[0]
    assert row["estimate"] == pytest.approx(ratio, rel=1e-9)
    assert row["p_value"] == pytest.approx(p_value, rel=1e-9)
    assert (row["measure"], row["method"]) == ("odds_ratio_per_year", "Cochran-Armitage (N-1)")


def test_fleiss_printed_chi_square():
    """prop.trend.test(c(83, 90, 129, 70), c(86, 93, 136, 82)): X-squared = 8.2249, with N for N - 1."""
    p_value = monitor.trend(series([83, 90, 129, 70], [86, 93, 136, 82], "charge"))["p_value"].item()
    assert special.chdtri(1, p_value) * 397 / 396 == pytest.approx(8.2249, abs=5e-5)


def test_rates_agree_with_r():
    """R 4.2.2: exp(coef(glm(y ~ t + offset(log(e)), poisson))) and anova(m0, m, test = "Rao")."""
    out = monitor.trend(series([12, 9, 15, 7, 5, 4], [3900, 3950, 4010, 4100, 4200, 4230])).iloc[0]
    assert out["estimate"] == pytest.approx(0.802414039457, rel=1e-10)
    assert out["p_value"] == pytest.approx(0.0080024, abs=5e-8)
    assert special.chdtri(1, out["p_value"]) == pytest.approx(7.0329283, abs=5e-8)
    assert (out["year"], out["years"], out["events"], out["denominator"]) == (2023, 6, 52, 24390)


def test_shares_agree_with_statsmodels():
    from statsmodels.stats.contingency_tables import Table

    rng = np.random.default_rng(5)
    for _ in range(20):
        n = rng.integers(8, 40, 5)
        x = rng.binomial(n, 0.3)
        theirs = Table(np.stack([x, n - x], axis=1), shift_zeros=False).test_ordinal_association(
            np.arange(5), np.array([1, 0])
        )
        ours = monitor.trend(series(x, n, "charge"))["p_value"].item()
        assert ours == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize("base", ["population", "charge"])
def test_the_limits_are_the_slopes_the_score_test_just_rejects(base):
    """A GLM with the limit as an offset has a score test of p = 0.05 (statsmodels, N for N - 1)."""
    import statsmodels.api as sm

    x, n = np.array([2, 1, 4, 3, 7.0]), np.array([20, 25, 22, 18, 24.0])
    row = monitor.trend(series(x, n, base)).iloc[0]
    t = np.arange(5.0)
    for limit in (row["low"], row["high"]):
        shift = np.log(limit) * t
        if base == "population":
            model = sm.GLM(x, np.ones(5), family=sm.families.Poisson(), offset=np.log(n) + shift)
            factor = 1.0
        else:
            model = sm.GLM(np.stack([x, n - x], 1), np.ones(5), family=sm.families.Binomial(), offset=shift)
            factor = (n.sum() - 1) / n.sum()
        fit = model.fit(tol=1e-12)
        weight = fit.mu if base == "population" else n * fit.mu * (1 - fit.mu)
        fitted = fit.mu if base == "population" else n * fit.mu
        apart = t - (weight * t).sum() / weight.sum()
        chi = factor * (apart @ (x - fitted)) ** 2 / (weight @ apart**2)
        assert chi == pytest.approx(3.841458820694124, rel=1e-6)


def test_coverage_and_size_of_the_poisson_trend_added_up_exactly():
    """Given the total, counts of 5 years are multinomial: every outcome, weighted by its chance."""
    t = np.arange(5.0)
    for total in (5, 8):
        x = np.array([c for c in product(range(total + 1), repeat=5) if sum(c) == total], float)
        found = slope(np.tile(t, (len(x), 1)), x, np.full_like(x, 100.0), np.ones(len(x), bool))
        for ratio in (1.0, 1.3):
            share = ratio**t / (ratio**t).sum()
            log_chance = special.gammaln(total + 1) - special.gammaln(x + 1).sum(1) + x @ np.log(share)
            inside = (found.low <= ratio) & (ratio <= found.high)
            assert (np.exp(log_chance) @ inside) > 0.94
            if ratio == 1:
                assert (np.exp(log_chance) @ (found.p_value < 0.05)) < 0.06


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(12, 40)), min_size=2, max_size=7), st.booleans())
def test_reversing_time_inverts_and_the_interval_agrees_with_the_test(rows, poisson):
    x, n = (np.array(v, float)[None] for v in zip(*rows, strict=True))
    t, kind = np.arange(float(len(rows)))[None], np.array([poisson])
    there, back = slope(t, x, n, kind), slope(-t, x, n, kind)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(1 / there.low, back.high, rtol=1e-9)
        np.testing.assert_allclose(there.estimate, 1 / back.estimate, rtol=1e-9)
    np.testing.assert_allclose(there.p_value, back.p_value, rtol=1e-9)
    if not np.isnan(there.estimate[0]):
        assert there.low[0] <= there.estimate[0] <= there.high[0]
        significant = there.p_value[0] < 0.05
        assert significant == (there.low[0] > 1 or there.high[0] < 1)
    wider = slope(t, x, n, kind, level=0.99)
    assert (wider.low <= there.low).all()
    assert (wider.high >= there.high).all()
    shifted = slope(t + 2018, x, n * (7 if poisson else 1), kind)
    np.testing.assert_allclose(shifted.estimate, there.estimate, rtol=1e-9)


@pytest.mark.parametrize(
    ("base", "events", "denominator", "estimate", "low", "high", "note"),
    [
        ("population", [0, 0, 0, 6], 100, np.inf, "finite", np.inf, ""),
        ("population", [6, 0, 0, 0], 100, 0.0, 0.0, "finite", ""),
        ("population", [0, 0, 0, 4], 100, np.inf, "finite", np.inf, "unreliable"),
        ("population", [0, 0, 0, 0], 100, np.nan, 0.0, np.inf, "no_events"),
        ("charge", [0, 0, 9, 12], 12, np.inf, "finite", np.inf, ""),
        ("charge", [12, 12, 12, 12], 12, np.nan, 0.0, np.inf, "full_cell"),
        ("charge", [12, 12, 11, 12], 12, "finite", "finite", "finite", "unreliable"),
        ("charge", [0, 3, 0, 0], [0, 9, 0, 0], np.nan, np.nan, np.nan, "fewer than 2 years"),
        ("charge", [2, 0, 3, 4], [9, 0, 8, 9], "finite", "finite", "finite", ""),
        ("charge", [2, np.nan, 3, 4], 9, np.nan, np.nan, np.nan, "suppressed"),
        ("population", [2, 3, 3, 4], [90, np.nan, 90, 90], np.nan, np.nan, np.nan, "no_denominator"),
    ],
)
def test_zero_full_empty_and_hidden_years(base, events, denominator, estimate, low, high, note):
    row = monitor.trend(series(events, denominator, base)).iloc[0]
    assert row["note"] == note
    for got, wanted in zip(row[["estimate", "low", "high"]], (estimate, low, high), strict=True):
        if wanted == "finite":
            assert 0 < got < np.inf
        else:
            np.testing.assert_equal(got, wanted)


def test_many_series_at_once_equal_each_alone_and_the_table_is_left_alone():
    a = series([1, 4, 2, 6], 400).assign(area="A", stage="arrest", note="", unit="children", years=1)
    b = series([5, 0, 9, 9], 12, "charge").assign(
        area="B", stage="custody", note="", unit="children", years=1
    )
    c = a.assign(area="C", events=[3, 1, 0, 2]).iloc[[2, 0, 3, 1]]
    together = pd.concat([a, b, c], ignore_index=True)
    before = together.copy(deep=True)
    out = monitor.trend(together)
    pd.testing.assert_frame_equal(together, before)
    assert out["area"].to_list() == ["A", "B", "C"]
    alone = pd.concat([monitor.trend(v) for v in (a, b, c.sort_values("year"))], ignore_index=True)
    pd.testing.assert_frame_equal(out, alone)
    hidden = monitor.trend(together.assign(note=np.where(together.index == 3, "immature", "")))
    assert hidden["note"].to_list() == ["immature", "", ""]
    assert np.isnan(hidden["events"].iloc[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"years": 3}, "4 of 4 rows pool several years. First: row 0, 3 years. A trend needs single years"),
        ({"year": 2020}, "3 of 4 rows repeat the same year within one series. First: row 1, year 2020"),
        ({"events": -1}, "events is negative in 4 of 4 cells"),
        ({"events": 1.5}, "events is not a whole number in 4 of 4 cells"),
        ({"events": 500, "base": "charge"}, "events is above denominator in 4 of 4 cells"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        monitor.trend(series([1, 2, 3, 4], 400).assign(**change))


def test_missing_columns():
    with pytest.raises(ValueError, match=r"1 of 4 columns needed are missing: base\. The table has"):
        monitor.trend(series([1, 2], 9).drop(columns="base"))
