"""Do the strata tell the same story? Tests that a ratio is the same in all of them; arrays in, arrays out.

They have little power at small counts: a large p-value is not evidence that the strata agree. Look at the
ratios of the strata too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special


class Homogeneity(NamedTuple):
    """A chi-square statistic, its degrees of freedom and its p-value; NaN where there is no test."""

    statistic: np.ndarray
    df: np.ndarray
    p_value: np.ndarray


def odds_ratios(events, denominator, ref_events, ref_denominator) -> Homogeneity:
    """Test whether the odds ratio is the same in all strata: Breslow and Day, with Tarone's correction.

    Parameters
    ----------
    events, denominator, ref_events, ref_denominator : array_like of float
        As for ``intervals.mantel_haenszel_risk_ratio``, strata on the last axis.

    Returns
    -------
    Homogeneity
        Of the input's shape less its last axis. A stratum in which nobody or everybody had the event, or
        with an empty group, says nothing about the odds ratio and is not counted in ``df``, the number of
        others less 1. NaN if fewer than two are left, if the pooled odds ratio is 0, inf or 0/0, or if a
        count is.

    Notes
    -----
    With psi the Mantel-Haenszel odds ratio, A the number of events the group would have in a stratum if its
    odds ratio were psi and its margins as they are, and V = 1/(1/A + 1/(m - A) + 1/(n1 - A) + 1/(n2 - m + A))
    with m events in all, the statistic is ``sum((x1 - A)^2 / V) - sum(x1 - A)^2 / sum(V)``. The subtracted
    term is Tarone's: without it the statistic is not chi-square, since psi is not the most likely value.

    References
    ----------
    Breslow and Day (1980), Statistical Methods in Cancer Research I, section 4.4; Tarone (1985),
    Biometrika 72:91-95.

    Examples
    --------
    >>> test = odds_ratios([8, 12], [20, 60], [6, 30], [30, 240])
    >>> print(*(value.round(3) for value in test))
    0.318 1.0 0.573
    """
    x1, n1, x2, n2 = np.broadcast_arrays(
        *(np.asarray(c, float) for c in (events, denominator, ref_events, ref_denominator))
    )
    n, m = n1 + n2, x1 + x2
    telling = ~((n1 == 0) | (n2 == 0) | (m == 0) | (m == n))
    with np.errstate(all="ignore"):
        above = np.where(telling, x1 * (n2 - x2) / n, 0).sum(axis=-1)
        below = np.where(telling, x2 * (n1 - x1) / n, 0).sum(axis=-1)
        psi = (above / below)[..., None]
        expected = _expected(psi, m, n1, n2)
        parts = (expected, m - expected, n1 - expected, n2 - m + expected)
        variance = 1 / sum(1 / part for part in parts)
        possible = np.isfinite(psi[..., 0]) & (psi[..., 0] > 0)
    return _corrected(x1 - expected, variance, telling, possible)


def _expected(psi, m, n1, n2):
    """Events of the group given the margins and the odds ratio: the root that lies within them."""
    b = n2 - m + psi * (m + n1)
    root = np.sqrt(b**2 + 4 * (1 - psi) * psi * m * n1)
    return np.where(b > 0, 2 * psi * m * n1 / (b + root), (root - b) / (2 * (1 - psi)))


def rate_ratios(events, exposure, ref_events, ref_exposure) -> Homogeneity:
    """Test whether the rate ratio is the same in all strata: a chi-square given each stratum's events.

    Parameters
    ----------
    events, exposure, ref_events, ref_exposure : array_like of float
        As for ``intervals.mantel_haenszel_rate_ratio``, strata on the last axis.

    Returns
    -------
    Homogeneity
        As for :func:`odds_ratios`; a stratum without events says nothing.

    Notes
    -----
    Given its m events, a stratum's share of them in the group is binomial with
    pi = psi t1 / (psi t1 + t2), psi being the Mantel-Haenszel rate ratio. The statistic is
    ``sum((x1 - m pi)^2 / V) - sum(x1 - m pi)^2 / sum(V)`` with V = m pi (1 - pi): Pearson's chi-square of a
    Poisson regression without interaction, with Tarone's correction for a psi that is not the most likely
    one.

    References
    ----------
    Breslow and Day (1987), Statistical Methods in Cancer Research II, section 3.6; Tarone (1985).

    Examples
    --------
    >>> test = rate_ratios([8, 12], [2.0, 6.0], [6, 30], [3.0, 24.0])
    >>> print(*(value.round(3) for value in test))
    0.122 1.0 0.727
    """
    x1, t1, x2, t2 = np.broadcast_arrays(
        *(np.asarray(c, float) for c in (events, exposure, ref_events, ref_exposure))
    )
    m = x1 + x2
    telling = ~((t1 == 0) | (t2 == 0) | (m == 0))
    with np.errstate(all="ignore"):
        above = np.where(telling, x1 * t2 / (t1 + t2), 0).sum(axis=-1)
        below = np.where(telling, x2 * t1 / (t1 + t2), 0).sum(axis=-1)
        psi = (above / below)[..., None]
        share = psi * t1 / (psi * t1 + t2)
        possible = np.isfinite(psi[..., 0]) & (psi[..., 0] > 0)
    return _corrected(x1 - m * share, m * share * (1 - share), telling, possible)


def _corrected(residual, variance, telling, possible) -> Homogeneity:
    """Add up the strata that tell something, take Tarone's term off, and look the p-value up."""
    residual, variance = np.where(telling, residual, 0), np.where(telling, variance, 0)
    df = telling.sum(axis=-1) - 1.0
    with np.errstate(all="ignore"):
        each = np.where(telling, residual**2 / variance, 0)
        statistic = each.sum(axis=-1) - residual.sum(axis=-1) ** 2 / variance.sum(axis=-1)
    tested = possible & (df > 0) & ~np.isnan(statistic)
    statistic = np.where(tested, np.maximum(statistic, 0), np.nan)
    return Homogeneity(
        statistic, np.where(tested, df, np.nan), special.chdtrc(np.where(tested, df, np.nan), statistic)
    )
