"""Like with like: comparisons pooled over strata, and rates standardised for age."""

import numpy as np
from scipy import special

from . import _limits, _p_values
from ._cells import (
    Interval,
    check_amounts,
    check_counts,
    check_within,
    choose,
    normal_quantile,
    numbers,
    refuse,
)

_FEWEST_TO_STANDARDISE = 10
"""Below this many events in all, England's public health guidance gives no standardised rate."""


def mantel_haenszel_risk_ratio(events, denominator, ref_events, ref_denominator, *, level=0.95):
    """Pool the ratio of two proportions over strata: one ratio, like compared with like.

    Parameters
    ----------
    events, ref_events : array_like of int
        How many had the event, in the group and in the reference, strata on the last axis.
    denominator, ref_denominator : array_like of int
        Out of how many, at least as many. A stratum where either is 0 compares nobody and adds nothing;
        count such strata before they go unseen.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        Of the input's shape less its last axis. ``p_value`` is the Cochran-Mantel-Haenszel test without
        continuity correction; the interval is of another kind, so near 0.05 they can disagree. No
        events in the group (reference): 0 (inf), with limits 0 and inf, since this variance needs
        events in both. None in either: NaN, [0, inf], NaN. A NaN in any stratum: NaN throughout.

    Notes
    -----
    With N = n1 + n2 in each stratum, the ratio is R / S, R = sum(x1 n2 / N), S = sum(x2 n1 / N), and the
    variance of its log is sum[(n1 n2 (x1 + x2) - x1 x2 N) / N^2] / (R S). It stays right when there are
    many strata with few children in each. With one stratum it is Katz's log interval.

    References
    ----------
    Mantel and Haenszel (1959), Journal of the National Cancer Institute 22:719-748; Greenland and
    Robins (1985), Biometrics 41:55-68.

    Examples
    --------
    Two courts:

    >>> result = mantel_haenszel_risk_ratio([8, 12], [20, 60], [6, 30], [30, 240])
    >>> print(*(value.round(2) for value in result))
    1.71 1.04 2.83 0.04
    """
    x1, n1, x2, n2 = _strata(
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
    """Pool the ratio of two rates over strata: one ratio, like compared with like.

    Parameters
    ----------
    events, ref_events : array_like of int
        Events in the group and in the reference, strata on the last axis.
    exposure, ref_exposure : array_like of float
        Population or person-years, in one unit. A stratum where either is 0 compares nobody and adds
        nothing; count such strata before they go unseen.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        Of the input's shape less its last axis. ``p_value`` is the score test given the events in each
        stratum, without continuity correction; the interval is of another kind, so near 0.05 they can
        disagree. No events, and NaN: as for `mantel_haenszel_risk_ratio`.

    Notes
    -----
    With T = t1 + t2 in each stratum, the ratio is R / S, R = sum(x1 t2 / T), S = sum(x2 t1 / T), and the
    variance of its log is sum[(x1 + x2) t1 t2 / T^2] / (R S).

    References
    ----------
    Greenland and Robins (1985), Biometrics 41:55-68.

    Examples
    --------
    Two age bands:

    >>> result = mantel_haenszel_rate_ratio([8, 12], [2.0, 6.0], [6, 30], [3.0, 24.0])
    >>> print(*(value.round(2) for value in result))
    1.71 0.97 3.02 0.06
    """
    x1, t1, x2, t2 = _strata(
        events=events, exposure=exposure, ref_events=ref_events, ref_exposure=ref_exposure
    )
    check_counts(events=x1, ref_events=x2)
    check_amounts(exposure=t1, ref_exposure=t2)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (x1 + x2) * (t1 / (t1 + t2)) * (t2 / (t1 + t2))
    return _pooled(x1, t1, x2, t2, spread, spread, level)


def _pooled(x1, n1, x2, n2, spread, chance, level):
    """Add the strata up: Mantel-Haenszel ratio, Greenland-Robins limits, score test."""
    z = normal_quantile(level)
    comparing = ~((n1 == 0) | (n2 == 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (x1 * n2 / (n1 + n2), x2 * n1 / (n1 + n2), spread, chance)
        above, below, spread, chance = (np.where(comparing, term, 0).sum(axis=-1) for term in terms)
        known = np.asarray(comparing.any(axis=-1) & ~np.isnan(above + below))
        above, below, spread, chance = (np.asarray(v)[known] for v in (above, below, spread, chance))
        error = np.sqrt(spread / above / below)
        factor = np.where((above > 0) & (below > 0) & (error > 0), np.exp(z * error), np.inf)
        high = np.where(np.isinf(factor), np.inf, above / below * factor)
        low = np.where(np.isinf(factor), 0.0, 1 / (below / above * factor))
        p_value = special.erfc(np.abs(above - below) / np.sqrt(2 * chance))
        return Interval.of(known, above / below, low, high, p_value)


def _strata(**columns):
    """Turn named inputs into arrays of one shape that has a last axis to add up over."""
    arrays = numbers(**columns)
    if arrays[0].ndim == 0:
        names = ", ".join(columns)
        raise ValueError(f"{names} are single numbers; give arrays with the strata on the last axis.")
    return arrays


def standardised_rate(events, exposure, standard, *, method="dobson-byar", level=0.95):
    """Estimate the rate a standard population would have had: direct standardisation.

    Parameters
    ----------
    events : array_like of int
        Events in each stratum (age, sex), strata on the last axis; NaN where suppressed.
    exposure : array_like of float
        Population or person-years of each stratum. 0 where the standard has people raises, and is not
        dropped: there is no rate to weight.
    standard : array_like of float
        The standard population of each stratum, in any unit.
    method : {"dobson-byar", "fay-feuer"}
        Dobson's is right when ``standard / exposure`` is much the same in all strata, and covers down
        to 86% when it is 20-fold apart; Fay and Feuer's keeps to 95% there, and is wider.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        Of the input's shape less its last axis, in events per unit of exposure. ``dobson-byar`` with
        fewer than 10 events in all gives NaN throughout, as in England's public health guidance;
        ``fay-feuer`` gives limits at any count. ``p_value`` is NaN.

    References
    ----------
    Dobson and others (1991), Statistics in Medicine 10:457-462; Fay and Feuer (1997), Statistics in
    Medicine 16:791-801; Morris and others (2018), Population Health Metrics 16, on fewer than 10.

    Examples
    --------
    Ages 10-13 and 14-17, weighted to a standard with as many of each; per 1,000:

    >>> result = standardised_rate([4, 26], [1.5, 2.5], [1, 1])
    >>> print(*(value.round(2) for value in result))
    6.53 4.36 9.39 nan
    """
    limits, z = choose(method, _STANDARDISED_RATE), normal_quantile(level)
    x, t, weight = _strata(events=events, exposure=exposure, standard=standard)
    check_counts(events=x)
    check_amounts(exposure=t, standard=weight)
    refuse(
        (t == 0) & (weight > 0),
        "exposure",
        t,
        "is 0 where the standard has people",
        "Nobody has no rate: merge the stratum with its neighbour.",
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        each = weight / weight.sum(axis=-1, keepdims=True) / t
    each = np.where(weight == 0, 0 * x, each)
    columns = (each * x).sum(axis=-1), (each**2 * x).sum(axis=-1), x.sum(axis=-1), each.max(axis=-1)
    fewest = _FEWEST_TO_STANDARDISE if method == "dobson-byar" else 0
    known = np.asarray(~np.isnan(columns[0]) & (columns[2] >= fewest))
    estimate, *others = (np.asarray(column)[known] for column in columns)
    return Interval.of(known, estimate, *limits(estimate, *others, z))


def _dobson(estimate, variance, count, largest, z):
    """Byar's limits of the count, carried over by the ratio of standard errors; not below 0."""
    low, high = _limits.byar(count, z)
    scale = np.sqrt(variance / count)
    return np.maximum(estimate + scale * (low - count), 0), estimate + scale * (high - count)


def _fay_feuer(estimate, variance, count, largest, z):
    """Gamma limits with the mean and variance of the rate, and of the rate with one event more."""
    tail = special.ndtr(-z)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = special.gammaincinv(estimate**2 / variance, tail) * variance / estimate
    estimate, variance = estimate + largest, variance + largest**2
    high = special.gammainccinv(estimate**2 / variance, tail) * variance / estimate
    return np.where(count == 0, 0.0, low), high


_STANDARDISED_RATE = {"dobson-byar": _dobson, "fay-feuer": _fay_feuer}


def standardised_ratio(events, expected, *, level=0.95):
    """Estimate observed over expected events: indirect standardisation.

    Parameters
    ----------
    events : array_like of int
        Events observed, in all strata together; NaN where suppressed.
    expected : array_like of float
        Events there would have been at the reference's rates, ``(exposure * ref_rate).sum(axis=-1)``,
        taken as known without error. 0 or NaN gives NaN.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        1 is as many as expected. The limits follow OHID's rule (`rate`). ``p_value`` is the smaller exact
        Poisson tail doubled: the dual of the interval below 10 events; from 10, where Byar's limits
        differ from the exact ones by up to 0.2%, they can disagree in the third digit. No events: 0, with a
        lower limit of 0.

    Notes
    -----
    The ratios of two groups rest on two different age structures and do not strictly compare.

    References
    ----------
    Breslow and Day (1987), Statistical Methods in Cancer Research II; Office for Health Improvement and
    Disparities, Fingertips Public Health Technical Guidance.

    Examples
    --------
    12 events where the reference's rates would have given 7.5:

    >>> result = standardised_ratio(12, 7.5)
    >>> print(*(value.round(3) for value in result))
    1.6 0.826 2.795 0.158
    """
    z = normal_quantile(level)
    x, e = numbers(events=events, expected=expected)
    check_counts(events=x)
    check_amounts(expected=e)
    known = (e > 0) & ~np.isnan(x)
    x, e = x[known], e[known]
    low, high = _limits.ohid(x, z)
    return Interval.of(known, x / e, low / e, high / e, _p_values.poisson_exact(x, e))
