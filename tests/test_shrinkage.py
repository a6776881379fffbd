"""Shrinkage against published and R estimates; probabilities against numerical integration."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from ysj_analysis import measures, monitor
from ysj_analysis.shrinkage import gamma_poisson

E = np.tile([3.1, 8.4, 1.2, 5.5, 12.7, 2.2, 6.6, 4.3, 9.1, 0.7], 4)
Y = np.array(
    [
        *(5, 6, 0, 9, 11, 1, 15, 2, 7, 2, 1, 9, 1, 4, 25, 3, 5, 4, 10, 0),
        *(3, 14, 2, 2, 13, 6, 3, 8, 5, 1, 7, 4, 0, 6, 9, 0, 12, 5, 17, 1),
    ]
)


def table(events=Y, expected=E, **columns):
    areas = [f"area {i}" for i in range(len(events))]
    return pd.DataFrame(
        {
            "area": areas,
            "base": "population",
            "events": events,
            "denominator": 4000,
            "expected": expected,
            **columns,
        }
    )


def test_claims_of_9461_drivers():
    """The insurance claims of Efron and Hastie (2016), section 6.1, whose table rounds to two figures.

    R 4.2.2, MASS 7.3-58.2: glm.nb(y ~ 1): exp(coef) 0.2143536624, theta 0.7015121787.
    """
    claims = np.repeat(np.arange(8.0), [7840, 1317, 239, 42, 14, 4, 4, 1])
    mean, shape = gamma_poisson(claims, np.ones_like(claims), np.zeros(claims.size, int))
    assert mean.item() == pytest.approx(0.2143536624, rel=1e-7)
    assert shape.item() == pytest.approx(0.7015121787, rel=1e-7)


def test_agrees_with_r():
    """R 4.2.2, MASS 7.3-58.2: glm.nb(y ~ offset(log(E))): exp(coef) 1.10553790974, theta 7.86248172151."""
    mean, shape = gamma_poisson(Y, E, np.zeros(40, int))
    assert mean.item() == pytest.approx(1.10553790974, rel=1e-8)
    assert shape.item() == pytest.approx(7.86248172151, rel=1e-8)
    out = monitor.shrink(table())
    rate = 7.86248172151 / 1.10553790974
    np.testing.assert_allclose(out["estimate"], (Y + 7.86248172151) / (E + rate), rtol=1e-8)
    np.testing.assert_allclose(out["weight"], E / (E + rate), rtol=1e-8)
    np.testing.assert_allclose(out["raw"], Y / E)
    assert out[["low", "high", "p_value"]].isna().all(axis=None)


def test_maximum_of_the_negative_binomial_likelihood():
    mean, shape = gamma_poisson(Y, E, np.zeros(40, int))

    def likelihood(mean, shape):
        return stats.nbinom.logpmf(Y, shape, shape / (shape + mean * E)).sum()

    best = likelihood(mean, shape)
    for a, b in [(1.001, 1), (0.999, 1), (1, 1.01), (1, 0.99)]:
        assert likelihood(mean * a, shape * b) < best


def test_many_sets_at_once_equal_each_alone():
    rng = np.random.default_rng(8)
    parts = []
    for stage, size in (("a", 33), ("b", 157), ("c", 60)):
        expected = rng.uniform(1, 20, size)
        parts.append(table(rng.negative_binomial(3, 3 / (3 + expected)), expected).assign(stage=stage))
    together = monitor.shrink(pd.concat(parts, ignore_index=True))
    alone = pd.concat([monitor.shrink(p) for p in parts], ignore_index=True)
    pd.testing.assert_frame_equal(together, alone)


def test_no_spread_beyond_chance_shrinks_fully_and_says_so():
    out = monitor.shrink(table(np.tile([3, 4, 5], 12), np.full(36, 4.0)))
    assert out["estimate"].to_list() == pytest.approx([1.0] * 36)
    assert (out["weight"] == 0).all()
    assert out["method"].unique().tolist() == ["gamma-Poisson: no spread beyond chance, shrunk fully"]
    silent = monitor.shrink(table(np.zeros(36), np.full(36, 4.0)))
    assert (silent["estimate"] == 0).all()


def test_refuses_fewer_than_thirty_areas():
    out = monitor.shrink(table(Y[:29], E[:29]))
    assert out["estimate"].isna().all()
    assert out["note"].unique().tolist() == ["fewer than 30 areas"]
    assert out["raw"].notna().all()
    with pytest.raises(ValueError, match="fewest is 5; shrinking needs 30 areas or more"):
        monitor.shrink(table(), fewest=5)


def test_expected_from_the_overall_rate_and_hidden_areas():
    events = Y.astype(float)
    events[3] = np.nan
    counts = table(events).drop(columns="expected").assign(denominator=E * 1000)
    out = monitor.shrink(counts)
    keep = ~np.isnan(events)
    assert out["note"].to_list() == ["suppressed" if i == 3 else "" for i in range(40)]
    assert out["expected"].sum() == pytest.approx(events[keep].sum())
    assert np.isnan(out.loc[3, "estimate"])
    assert out.loc[keep, "estimate"].notna().all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0.5, 30)), min_size=30, max_size=60))
def test_shrunk_values_lie_between_the_raw_and_the_average(rows):
    y, e = (np.array(v, float) for v in zip(*rows, strict=True))
    out = monitor.shrink(table(y, e))
    mean = gamma_poisson(y, e, np.zeros(len(y), int))[0].item()
    low, high = np.minimum(out["raw"], mean), np.maximum(out["raw"], mean)
    assert ((out["estimate"] >= low - 1e-9) & (out["estimate"] <= high + 1e-9)).all()


# -- probability -------------------------------------------------------------------------------------


def pair(x1, n1, x2, n2, base="population"):
    columns = {"base": base, "group": ["Black", "White"], "events": [x1, x2], "denominator": [n1, n2]}
    return measures.relative_rates(pd.DataFrame(columns))


@pytest.mark.parametrize("ratio", [1, 1.5, 0.7])
@pytest.mark.parametrize(("x1", "x2"), [(4, 1), (0, 3), (3, 0), (0, 0), (42, 22)])
def test_rates_by_numerical_integration(x1, x2, ratio):
    prior = monitor.Prior(events=2, child_years=1000)
    got = monitor.probability_above(pair(x1, 3750, x2, 6450), ratio=ratio, prior=prior)["estimate"].iloc[0]
    group, other = stats.gamma(x1 + 2, scale=1 / 4750), stats.gamma(x2 + 2, scale=1 / 7450)
    wanted = integrate.quad(lambda u: group.sf(ratio * other.ppf(u)), 0, 1, epsabs=1e-12, limit=500)[0]
    assert got == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize("ratio", [1, 1.2, 0.5])
@pytest.mark.parametrize(
    "cell", [(13, 16, 20, 52), (0, 5, 0, 30), (5, 5, 3, 3), (300, 1000, 250, 1000), (1, 300, 0, 9)]
)
def test_shares_by_numerical_integration(cell, ratio):
    x1, n1, x2, n2 = cell
    got = monitor.probability_above(pair(*cell, "charge"), ratio=ratio)["estimate"].iloc[0]
    group, other = stats.beta(x1 + 0.5, n1 - x1 + 0.5), stats.beta(x2 + 0.5, n2 - x2 + 0.5)
    top = other.cdf(min(1, 1 / ratio))
    wanted = integrate.quad(lambda u: group.sf(ratio * other.ppf(u)), 0, top, epsabs=1e-12, limit=500)[0]
    assert got == pytest.approx(wanted, abs=1e-6)


def test_no_events_leave_the_prior_and_equal_counts_a_half():
    assert monitor.probability_above(pair(3, 500, 3, 500))["estimate"].iloc[0] == pytest.approx(0.5)
    assert monitor.probability_above(pair(3, 9, 3, 9, "charge"))["estimate"].iloc[0] == pytest.approx(0.5)
    out = monitor.probability_above(pair(0, 500, 0, 500))
    assert out["estimate"].iloc[0] == pytest.approx(0.5)
    assert out["note"].to_list() == ["", "reference"]
    assert out["method"].iloc[0] == "posterior, gamma(0.5, 0) prior of each rate"


def test_bad_probabilities():
    with pytest.raises(ValueError, match="ratio is 0; it must be above 0"):
        monitor.probability_above(pair(1, 10, 1, 10), ratio=0)
    with pytest.raises(ValueError, match="needs events and others above 0"):
        monitor.Prior(events=0)
    with pytest.raises(ValueError, match="expected is negative in 40 of 40 rows"):
        monitor.shrink(table(expected=-E))
