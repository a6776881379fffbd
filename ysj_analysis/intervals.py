"""How sure can we be? Estimates, intervals and tests for small counts: arrays in, arrays out."""

from typing import NamedTuple

import numpy as np

from ysj_analysis import _limits, _tests
from ysj_analysis._cells import (
    Interval,
    check_amounts,
    check_counts,
    check_within,
    choose,
    normal_quantile,
    note,
    numbers,
    place,
    refuse,
)
from ysj_analysis.strata import (
    mantel_haenszel_rate_ratio,
    mantel_haenszel_risk_ratio,
    standardised_rate,
    standardised_ratio,
)

__all__ = [
    "Interval",
    "mantel_haenszel_rate_ratio",
    "mantel_haenszel_risk_ratio",
    "note",
    "odds_ratio",
    "proportion",
    "rate",
    "rate_difference",
    "rate_ratio",
    "representation",
    "risk_difference",
    "risk_ratio",
    "standardised_rate",
    "standardised_ratio",
]


class Pair(NamedTuple):
    """How two groups are compared: an upper limit, and the test that goes with it."""

    upper: object
    test: object


def proportion(events, denominator, *, method="wilson", level=0.95):
    """Estimate a proportion of a cohort."""
    limits = choose(method, PROPORTION)
    x, n = numbers(events=events, denominator=denominator)
    check_counts(events=x, denominator=n)
    check_within("events", x, "denominator", n)
    z = normal_quantile(level)
    known = (n > 0) & ~np.isnan(x)
    x, n = x[known], n[known]
    estimate = x / n
    low, high = limits(x, n, z)
    return _interval(known, estimate, low, high)


def rate(events, exposure, *, method="ohid", level=0.95):
    """Estimate a rate."""
    limits = choose(method, RATE)
    x, t = numbers(events=events, exposure=exposure)
    check_counts(events=x)
    check_amounts(exposure=t)
    z = normal_quantile(level)
    known = (t > 0) & ~np.isnan(x)
    x, t = x[known], t[known]
    low, high = limits(x, z)
    return _interval(known, x / t, low / t, high / t)


def risk_ratio(events, denominator, ref_events, ref_denominator, *, method="miettinen-nurminen", level=0.95):
    """Estimate a ratio of two proportions."""
    limits = choose(method, RISK_RATIO)
    known, x1, n1, x2, n2 = _cohorts(events, denominator, ref_events, ref_denominator)
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = (x1 * n2) / (x2 * n1)
        high = limits.upper(x1, n1, x2, n2, z)
        low = 1 / limits.upper(x2, n2, x1, n1, z)
    return _interval(known, estimate, low, high, limits.test(x1, n1, x2, n2))


def rate_ratio(events, exposure, ref_events, ref_exposure, *, method="mid-p", level=0.95):
    """Estimate a ratio of two rates."""
    limits = choose(method, RATE_RATIO)
    known, x1, t1, x2, t2 = _populations(events, exposure, ref_events, ref_exposure)
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = (x1 * t2) / (x2 * t1)
        high = limits.upper(x1, x2, z) * t2 / t1
        low = 1 / (limits.upper(x2, x1, z) * t1 / t2)
    return _interval(known, estimate, low, high, limits.test(x1, t1, x2, t2))


def risk_difference(events, denominator, ref_events, ref_denominator, *, method="newcombe", level=0.95):
    """Estimate a difference of two proportions."""
    upper = choose(method, RISK_DIFFERENCE)
    known, x1, n1, x2, n2 = _cohorts(events, denominator, ref_events, ref_denominator)
    z = normal_quantile(level)
    estimate = x1 / n1 - x2 / n2
    high = upper(x1, n1, x2, n2, z)
    low = -upper(x2, n2, x1, n1, z)
    return _interval(known, estimate, low, high, _tests.n_minus_1(x1, n1, x2, n2))


def rate_difference(events, exposure, ref_events, ref_exposure, *, level=0.95):
    """Estimate a difference of two rates."""
    known, x1, t1, x2, t2 = _populations(events, exposure, ref_events, ref_exposure)
    z = normal_quantile(level)
    (low1, high1), (low2, high2) = _limits.ohid(x1, z), _limits.ohid(x2, z)
    rate1, rate2 = x1 / t1, x2 / t2
    estimate = rate1 - rate2
    low = estimate - np.hypot(rate1 - low1 / t1, high2 / t2 - rate2)
    high = estimate + np.hypot(high1 / t1 - rate1, rate2 - low2 / t2)
    return _interval(known, estimate, low, high, _tests.rate_mid_p(x1, t1, x2, t2))


def odds_ratio(events, denominator, ref_events, ref_denominator, *, method="mid-p", level=0.95):
    """Estimate a ratio of two odds."""
    weight = choose(method, ODDS_RATIO)
    known, x1, n1, x2, n2 = _cohorts(events, denominator, ref_events, ref_denominator)
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = (x1 * (n2 - x2)) / (x2 * (n1 - x1))
        high = _limits.odds_ratio(x1, n1, x2, n2, z, weight)
        low = 1 / _limits.odds_ratio(x2, n2, x1, n1, z, weight)
    return _interval(known, estimate, low, high, _limits.odds_ratio_test(x1, n1, x2, n2, weight))


def representation(events, total, population_share, *, method="wilson", level=0.95):
    """Estimate a group's share of a stage over its share of the population."""
    limits, test = choose(method, REPRESENTATION)
    x, n, share = numbers(events=events, total=total, population_share=population_share)
    check_counts(events=x, total=n)
    check_within("events", x, "total", n)
    check_amounts(population_share=share)
    refuse(share > 1, "population_share", share, "is above 1", "Give a share, 0.25 for 25%.")
    refuse(
        (share == 0) & (x > 0),
        "population_share",
        share,
        "is 0 with events counted",
        "A group with events has somebody in the population: see that both use one list of groups.",
    )
    z = normal_quantile(level)
    known = (n > 0) & (share > 0) & ~np.isnan(x)
    x, n, share = x[known], n[known], share[known]
    low, high = limits(x, n, z)
    return _interval(known, x / n / share, low / share, high / share, test(x, n, share))


def _cohorts(events, denominator, ref_events, ref_denominator):
    named = {
        "events": events,
        "denominator": denominator,
        "ref_events": ref_events,
        "ref_denominator": ref_denominator,
    }
    x1, n1, x2, n2 = numbers(**named)
    check_counts(events=x1, denominator=n1, ref_events=x2, ref_denominator=n2)
    check_within("events", x1, "denominator", n1)
    check_within("ref_events", x2, "ref_denominator", n2)
    known = (n1 > 0) & (n2 > 0) & ~np.isnan(x1) & ~np.isnan(x2)
    return known, x1[known], n1[known], x2[known], n2[known]


def _populations(events, exposure, ref_events, ref_exposure):
    named = {
        "events": events,
        "exposure": exposure,
        "ref_events": ref_events,
        "ref_exposure": ref_exposure,
    }
    x1, t1, x2, t2 = numbers(**named)
    check_counts(events=x1, ref_events=x2)
    check_amounts(exposure=t1, ref_exposure=t2)
    known = (t1 > 0) & (t2 > 0) & ~np.isnan(x1) & ~np.isnan(x2)
    return known, x1[known], t1[known], x2[known], t2[known]


def _interval(known, estimate, low, high, p_value=np.nan):
    low = np.fmin(low, estimate)
    high = np.fmax(high, estimate)
    return Interval(*(place(known, values) for values in (estimate, low, high, p_value)))


def _miettinen_nurminen(x1, n1, x2, n2, z):
    return _limits.ratio_score(x1, n1, x2, n2, z * np.sqrt((n1 + n2) / (n1 + n2 - 1)))


def _koopman(x1, n1, x2, n2, z):
    return _limits.ratio_score(x1, n1, x2, n2, np.full_like(x1, z))


def _log_risks(x1, n1, x2, n2, z):
    error = np.sqrt((1 / x1 - 1 / n1) + (1 / x2 - 1 / n2))
    high = (x1 * n2) / (x2 * n1) * np.exp(z * error)
    return np.where((x1 > 0) & (x2 > 0) & (error > 0), high, np.inf)


def _log_rates(x1, x2, z):
    high = x1 / x2 * np.exp(z * np.sqrt(1 / x1 + 1 / x2))
    return np.where((x1 > 0) & (x2 > 0), high, np.inf)


def _newcombe(x1, n1, x2, n2, z):
    (_, high1), (low2, _) = _limits.wilson(x1, n1, z), _limits.wilson(x2, n2, z)
    p1, p2 = x1 / n1, x2 / n2
    return p1 - p2 + np.hypot(high1 - p1, p2 - low2)


def _difference_score(x1, n1, x2, n2, z):
    return _limits.difference_score(x1, n1, x2, n2, z * np.sqrt((n1 + n2) / (n1 + n2 - 1)))


PROPORTION = {
    "wilson": _limits.wilson,
    "exact": _limits.clopper_pearson,
    "mid-p": _limits.binomial_mid_p,
    "jeffreys": _limits.jeffreys,
}
RATE = {
    "ohid": _limits.ohid,
    "exact": _limits.garwood,
    "byar": _limits.byar,
    "mid-p": _limits.poisson_mid_p,
    "score": _limits.poisson_score,
}
RISK_RATIO = {
    "miettinen-nurminen": Pair(_miettinen_nurminen, _tests.n_minus_1),
    "koopman": Pair(_koopman, _tests.chi_square),
    "log": Pair(_log_risks, _tests.log_risks),
}
RATE_RATIO = {
    "mid-p": Pair(_limits.odds_mid_p, _tests.rate_mid_p),
    "exact": Pair(_limits.odds_exact, _tests.rate_exact),
    "score": Pair(_limits.odds_score, _tests.rate_score),
    "log": Pair(_log_rates, _tests.log_rates),
}
RISK_DIFFERENCE = {"newcombe": _newcombe, "miettinen-nurminen": _difference_score}
ODDS_RATIO = {"mid-p": 0.5, "exact": 1.0}
REPRESENTATION = {
    "wilson": Pair(_limits.wilson, _tests.share_score),
    "exact": Pair(_limits.clopper_pearson, _tests.share_exact),
    "mid-p": Pair(_limits.binomial_mid_p, _tests.share_mid_p),
}
