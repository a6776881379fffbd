"""Like with like: comparisons pooled over strata, and rates standardised for age."""

import numpy as np
from scipy import special

from ysj_analysis import _limits, _tests
from ysj_analysis._cells import (
    Interval,
    check_amounts,
    check_counts,
    check_within,
    choose,
    normal_quantile,
    numbers,
    place,
    refuse,
)

FEWEST_TO_STANDARDISE = 10


def mantel_haenszel_risk_ratio(events, denominator, ref_events, ref_denominator, *, level=0.95):
    """Pool the ratio of two proportions over strata."""
    x1, n1, x2, n2 = numbers(
        events=events, denominator=denominator, ref_events=ref_events, ref_denominator=ref_denominator
    )
    check_counts(events=x1, denominator=n1, ref_events=x2, ref_denominator=n2)
    check_within("events", x1, "denominator", n1)
    check_within("ref_events", x2, "ref_denominator", n2)
    n, m = n1 + n2, x1 + x2
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (n1 * n2 * m - x1 * x2 * n) / n**2
        chance = n1 * n2 * m * (n - m) / (n**2 * (n - 1))
    return _pooled(x1, n1, x2, n2, spread, chance, level)


def mantel_haenszel_rate_ratio(events, exposure, ref_events, ref_exposure, *, level=0.95):
    """Pool the ratio of two rates over strata."""
    x1, t1, x2, t2 = numbers(
        events=events, exposure=exposure, ref_events=ref_events, ref_exposure=ref_exposure
    )
    check_counts(events=x1, ref_events=x2)
    check_amounts(exposure=t1, ref_exposure=t2)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (x1 + x2) * t1 * t2 / (t1 + t2) ** 2
    return _pooled(x1, t1, x2, t2, spread, spread, level)


def _pooled(x1, n1, x2, n2, spread, chance, level):
    """Add up the strata: Mantel-Haenszel ratio, Greenland-Robins interval, score test."""
    z = normal_quantile(level)
    comparing = ~((n1 == 0) | (n2 == 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (x1 * n2 / (n1 + n2), x2 * n1 / (n1 + n2), spread, chance)
        above, below, spread, chance = (np.where(comparing, term, 0).sum(axis=-1) for term in terms)
        estimate = above / below
        error = np.sqrt(spread / above / below)
        usable = np.isfinite(error) & (error > 0)
        factor = np.where(usable, np.exp(z * error), np.inf)
        low, high = 1 / (below / above * factor), estimate * factor
        p_value = special.erfc(np.abs(above - below) / np.sqrt(2 * chance))
    unbounded = ~usable & ~np.isnan(above + below) & comparing.any(axis=-1)
    low, high = np.where(unbounded, 0.0, low), np.where(unbounded, np.inf, high)
    known = (usable | unbounded) & comparing.any(axis=-1)
    return Interval(*(place(known, column[known]) for column in (estimate, low, high, p_value)))


def standardised_rate(events, exposure, standard, *, method="dobson-byar", level=0.95):
    """Estimate a rate standardised directly."""
    limits = choose(method, STANDARDISED_RATE)
    x, t, weight = numbers(events=events, exposure=exposure, standard=standard)
    check_counts(events=x)
    check_amounts(exposure=t, standard=weight)
    refuse(
        (t == 0) & (weight > 0),
        "exposure",
        t,
        "is 0 where the standard has people",
        "A rate cannot be had from nobody: merge the stratum with its neighbour.",
    )
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = weight / weight.sum(axis=-1, keepdims=True)
        each = np.where(weight == 0, 0 * t, weight / t)
    estimate, variance = (each * x).sum(axis=-1), (each**2 * x).sum(axis=-1)
    count, largest = x.sum(axis=-1), each.max(axis=-1)
    known = ~np.isnan(estimate) & ((count >= FEWEST_TO_STANDARDISE) | (method == "fay-feuer"))
    low, high = limits(estimate[known], variance[known], count[known], largest[known], z)
    return Interval(*(place(known, v) for v in (estimate[known], low, high, np.nan)))


def _dobson(estimate, variance, count, largest, z):
    low, high = _limits.byar(count, z)
    scale = np.sqrt(variance / count)
    return estimate + scale * (low - count), estimate + scale * (high - count)


def _fay_feuer(estimate, variance, count, largest, z):
    tail = special.ndtr(-z)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(count == 0, 0, special.gammaincinv(estimate**2 / variance, tail) * variance / estimate)
    estimate, variance = estimate + largest, variance + largest**2
    return low, special.gammainccinv(estimate**2 / variance, tail) * variance / estimate


STANDARDISED_RATE = {"dobson-byar": _dobson, "fay-feuer": _fay_feuer}


def standardised_ratio(events, expected, *, level=0.95):
    """Estimate observed over expected."""
    x, e = numbers(events=events, expected=expected)
    check_counts(events=x)
    check_amounts(expected=e)
    z = normal_quantile(level)
    known = (e > 0) & ~np.isnan(x)
    x, e = x[known], e[known]
    low, high = _limits.ohid(x, z)
    columns = (x / e, low / e, high / e, _tests.poisson_exact(x, e))
    return Interval(*(place(known, column) for column in columns))
