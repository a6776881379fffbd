"""Two groups: how much more often in one than in the other."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import _limits, _odds, _p_values
from ._cells import (
    Interval,
    check_amounts,
    check_counts,
    check_within,
    choose,
    normal_quantile,
    numbers,
)


class Method(NamedTuple):
    """An upper limit, and the test it is the dual of."""

    upper: Callable
    test: Callable


_RISK_RATIO = {
    "miettinen-nurminen": Method(_limits.ratio_miettinen_nurminen, _p_values.n_minus_1),
    "koopman": Method(_limits.ratio_koopman, _p_values.chi_square),
    "log": Method(_limits.ratio_log, _p_values.log_risks),
}
_RATE_RATIO = {
    "mid-p": Method(_limits.odds_mid_p, _p_values.rate_mid_p),
    "exact": Method(_limits.odds_exact, _p_values.rate_exact),
    "score": Method(_limits.odds_score, _p_values.rate_score),
    "log": Method(_limits.odds_log, _p_values.log_rates),
}
_RISK_DIFFERENCE = {
    "newcombe": _limits.difference_newcombe,
    "miettinen-nurminen": _limits.difference_miettinen_nurminen,
}
_ODDS_RATIO = {"mid-p": 0.5, "exact": 1.0}
"""How much of the chance of the observed table its own tail counts."""


def risk_ratio(events, denominator, ref_events, ref_denominator, *, method="miettinen-nurminen", level=0.95):
    """Estimate the ratio of two proportions: the relative rate at which those of a stage before went on.

    Parameters
    ----------
    events, ref_events : array_like of int
        How many had the event, in the group and in the reference; NaN where suppressed.
    denominator, ref_denominator : array_like of int
        Out of how many, at least as many: those who reached the stage before. 0 or NaN gives NaN.
    method : {"miettinen-nurminen", "koopman", "log"}
        The first inverts the chi-square with N - 1, Koopman's the ordinary one, so it is a little
        narrower. ``log`` is Katz's, for comparison with older work.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        0 or more. ``p_value`` is the dual of the interval: the (N - 1) chi-square by default, NaN when
        nobody or everybody in both had the event. No events in the group: 0, with a finite upper limit.
        None in the reference: inf, with a finite lower limit. Full cohorts are no special case: 10 of 10
        against 10 of 10 is 1, from 0.71 to 1.40. For ``log``, with no events in one group or all full,
        there is no standard error: the limits are 0 and inf, and the p-value is NaN.

    Notes
    -----
    The limits are the ratios t at which the score statistic is z either way::

        (x1/n1 - t x2/n2) / sqrt[(p1 (1 - p1) / n1 + t^2 p2 (1 - p2) / n2) N / (N - 1)]

    with p1 and p2 the likeliest proportions such that p1 = t p2, for each t the root of a quadratic
    (Koopman: without the N / (N - 1)). It falls as t grows, so there is one limit on each side.

    There is no mid-P here: given the margins the odds ratio is the only parameter left, so conditional
    tails say nothing of the ratio of proportions.

    References
    ----------
    Miettinen and Nurminen (1985), Statistics in Medicine 4:213-226; Koopman (1984), Biometrics
    40:513-517; Katz and others (1978), Biometrics 34:469-474; Campbell (2007), Statistics in Medicine
    26:3661-3675, for N - 1; Fagerland, Lydersen and Laake (2015), Statistical Methods in Medical
    Research 24:224-254, who compare them.

    Examples
    --------
    Koopman's own example, 36 of 40 against 16 of 80:

    >>> result = risk_ratio(36, 40, 16, 80, method="koopman")
    >>> print(*(value.round(2) for value in result))
    4.5 2.94 7.15 0.0
    """
    (upper, test), z = choose(method, _RISK_RATIO), normal_quantile(level)
    known, x1, n1, x2, n2 = _cohorts(events, denominator, ref_events, ref_denominator)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = (x1 * n2) / (x2 * n1)
        low, high = 1 / upper(x2, n2, x1, n1, z), upper(x1, n1, x2, n2, z)
    return Interval.of(known, estimate, low, high, test(x1, n1, x2, n2))


def rate_ratio(events, exposure, ref_events, ref_exposure, *, method="mid-p", level=0.95):
    """Estimate the ratio of two rates: the relative rate index, when the exposure is the population.

    Parameters
    ----------
    events, ref_events : array_like of int
        Events in the group and in the reference; NaN where suppressed.
    exposure, ref_exposure : array_like of float
        Population or person-years, both in one unit; need not be whole. 0 or NaN gives NaN.
    method : {"mid-p", "exact", "score", "log"}
        ``exact`` never covers less than it says, and at small counts a good deal more; ``mid-p`` counts
        half the chance of what was observed and comes close to it on both sides; ``score`` covers well
        in all but leans to one side below 5 events; ``log`` is for comparison with older work.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        0 or more. ``p_value`` is the dual of the interval: the smaller tail doubled (``mid-p``,
        ``exact``), the score or the log test. No events in the group: 0, with a finite upper limit. None
        in the reference: inf, with a finite lower limit. None in either: NaN, [0, inf] and p 1
        (``score``, ``log``: NaN).

    Notes
    -----
    Given how many events there were in all, those in the group are binomial, with odds equal to the
    ratio of rates times the ratio of exposures. So each interval for a proportion makes one for the
    ratio: mid-P (Lancaster 1961), exact (Clopper and Pearson 1934), score (Wilson 1927).

    References
    ----------
    Przyborowski and Wilenski (1940), Biometrika 31:313-323, for the conditional test; Lancaster (1961),
    Journal of the American Statistical Association 56:223-234, and Berry and Armitage (1995), The
    Statistician 44:417-423, for mid-P; Gu and others (2008), Biometrical Journal 50:283-298, who
    compare the tests.

    Examples
    --------
    4 among 3,750 children against 1 among 6,450: the method decides what can be said, so it is fixed
    beforehand.

    >>> for method in ("mid-p", "exact", "score"):
    ...     result = rate_ratio(4, 3750, 1, 6450, method=method)
    ...     print(method, result.low.round(2), result.high.round(1))
    mid-p 0.86 170.2
    exact 0.68 338.8
    score 1.03 45.8
    """
    (upper, test), z = choose(method, _RATE_RATIO), normal_quantile(level)
    known, x1, t1, x2, t2 = _populations(events, exposure, ref_events, ref_exposure)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = (x1 * t2) / (x2 * t1)
        low, high = 1 / (upper(x2, x1, z) * t1 / t2), upper(x1, x2, z) * t2 / t1
    return Interval.of(known, estimate, low, high, test(x1, t1, x2, t2))


def odds_ratio(events, denominator, ref_events, ref_denominator, *, method="mid-p", level=0.95):
    """Estimate the ratio of two odds, the same read either way round: of having the event or not.

    Parameters
    ----------
    events, ref_events : array_like of int
        How many had the event, in the group and in the reference; NaN where suppressed.
    denominator, ref_denominator : array_like of int
        Out of how many, at least as many. 0 or NaN gives NaN.
    method : {"mid-p", "exact"}
        Conditional on both margins. ``exact`` is that of Fisher's exact test; ``mid-p`` counts half the
        chance of the observed table.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        0 or more. The estimate is the ratio of the odds in the table, which anyone can recompute, and
        not the conditional maximum likelihood. ``p_value`` is the smaller tail doubled, the dual of the
        interval. Nobody or everybody in both: NaN, [0, inf] and p 1.

    Notes
    -----
    Doubling the smaller tail is what makes test and interval agree. R's ``fisher.test`` gives this
    ``exact`` interval with another p-value, that of all tables no likelier than the observed one, and
    the two can contradict each other.

    References
    ----------
    Cornfield (1956), Proceedings of the Third Berkeley Symposium 4:135-148; Lancaster (1961), Journal of
    the American Statistical Association 56:223-234; Lydersen, Fagerland and Laake (2009), Statistics in
    Medicine 28:1159-1175, on tests of such tables.

    Examples
    --------
    >>> result = odds_ratio(3, 10, 4, 20)
    >>> print(*(value.round(2) for value in result))
    1.71 0.25 10.4 0.57
    """
    counted, z = choose(method, _ODDS_RATIO), normal_quantile(level)
    known, x1, n1, x2, n2 = _cohorts(events, denominator, ref_events, ref_denominator)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = (x1 * (n2 - x2)) / (x2 * (n1 - x1))
        low = 1 / _odds.upper_limit(x2, n2, x1, n1, z, counted)
    high = _odds.upper_limit(x1, n1, x2, n2, z, counted)
    return Interval.of(known, estimate, low, high, _odds.p_value(x1, n1, x2, n2, counted))


def risk_difference(events, denominator, ref_events, ref_denominator, *, method="newcombe", level=0.95):
    """Estimate the difference of two proportions: how many more in a hundred, divided by a hundred.

    Parameters
    ----------
    events, ref_events : array_like of int
        How many had the event, in the group and in the reference; NaN where suppressed.
    denominator, ref_denominator : array_like of int
        Out of how many, at least as many. 0 or NaN gives NaN.
    method : {"newcombe", "miettinen-nurminen"}
        Newcombe's method 10 puts the Wilson limits of each proportion together; Miettinen and
        Nurminen's inverts the score test.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        Between -1 and 1. ``p_value`` is the (N - 1) chi-square, as for `risk_ratio`: it is the dual of
        ``miettinen-nurminen`` only, so near 0.05 Newcombe's interval can disagree with it. Nobody in either
        group, or everybody in both, had the event: 0, with limits on either side, and a ``p_value`` of NaN.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873-890, method 10; Miettinen and Nurminen (1985),
    Statistics in Medicine 4:213-226.

    Examples
    --------
    Newcombe's first example, 56 of 70 against 48 of 80:

    >>> result = risk_difference(56, 70, 48, 80)
    >>> print(*(value.round(4) for value in result))
    0.2 0.0524 0.3339 0.0083
    """
    upper, z = choose(method, _RISK_DIFFERENCE), normal_quantile(level)
    known, x1, n1, x2, n2 = _cohorts(events, denominator, ref_events, ref_denominator)
    low, high = -upper(x2, n2, x1, n1, z), upper(x1, n1, x2, n2, z)
    return Interval.of(known, x1 / n1 - x2 / n2, low, high, _p_values.n_minus_1(x1, n1, x2, n2))


def rate_difference(events, exposure, ref_events, ref_exposure, *, level=0.95):
    """Estimate the difference of two rates.

    Parameters
    ----------
    events, ref_events : array_like of int
        Events in the group and in the reference; NaN where suppressed.
    exposure, ref_exposure : array_like of float
        Population or person-years, both in the unit the difference is wanted in. 0 or NaN gives NaN.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        In events per unit of exposure. ``p_value`` is the mid-P test that the rates are equal, as for
        `rate_ratio`; it is not the dual of this interval, so near 0.05 they can disagree. No events in
        either group: 0, with limits on either side, and a ``p_value`` of 1.

    Notes
    -----
    MOVER, the method of variance estimates recovery: the distance from each rate to its own limits
    (`rate`, OHID's rule) stands for its standard error on that side, and the two add as squares do.
    Newcombe's method 10 is the same idea for proportions.

    References
    ----------
    Zou and Donner (2008), Statistics in Medicine 27:1693-1702.

    Examples
    --------
    30 among 3,750 children against 26 among 6,450, per 1,000:

    >>> result = rate_difference(30, 3.75, 26, 6.45)
    >>> print(*(value.round(2) for value in result))
    3.97 0.76 7.66 0.01
    """
    z = normal_quantile(level)
    known, x1, t1, x2, t2 = _populations(events, exposure, ref_events, ref_exposure)
    (low1, high1), (low2, high2) = (
        [limit / t for limit in _limits.ohid(x, z)] for x, t in ((x1, t1), (x2, t2))
    )
    rate1, rate2 = x1 / t1, x2 / t2
    estimate = rate1 - rate2
    low = estimate - np.hypot(rate1 - low1, high2 - rate2)
    high = estimate + np.hypot(high1 - rate1, rate2 - low2)
    return Interval.of(known, estimate, low, high, _p_values.rate_mid_p(x1, t1, x2, t2))


def _cohorts(events, denominator, ref_events, ref_denominator):
    """Check two groups of cohorts; give which cells are known, and the four counts of those."""
    x1, n1, x2, n2 = numbers(
        events=events, denominator=denominator, ref_events=ref_events, ref_denominator=ref_denominator
    )
    check_counts(events=x1, denominator=n1, ref_events=x2, ref_denominator=n2)
    check_within("events", x1, "denominator", n1)
    check_within("ref_events", x2, "ref_denominator", n2)
    known = (n1 > 0) & (n2 > 0) & ~np.isnan(x1) & ~np.isnan(x2)
    return known, x1[known], n1[known], x2[known], n2[known]


def _populations(events, exposure, ref_events, ref_exposure):
    """Check two groups with exposures; give which cells are known, and the four columns of those."""
    x1, t1, x2, t2 = numbers(
        events=events, exposure=exposure, ref_events=ref_events, ref_exposure=ref_exposure
    )
    check_counts(events=x1, ref_events=x2)
    check_amounts(exposure=t1, ref_exposure=t2)
    known = (t1 > 0) & (t2 > 0) & ~np.isnan(x1) & ~np.isnan(x2)
    return known, x1[known], t1[known], x2[known], t2[known]
