"""How long does it take, when some are still waiting? Times in, the median and the restricted mean out.

The curve is Kaplan and Meier's, by statsmodels; a time still running counts for as long as it has run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special


class Time(NamedTuple):
    """A time with its interval; NaN where it cannot be given, inf where nothing bounds it."""

    estimate: float
    low: float
    high: float


def median(time, ended, *, level: float = 0.95) -> Time:
    """Give the time by which half have ended.

    Parameters
    ----------
    time : array of float
        How long each has run, 0 or more, in any unit.
    ended : array of bool
        Whether it has ended; else it was still running when last seen.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Time
        NaN where fewer than half have ended by the last ending; ``high`` is inf where the curve's limit does not come
        down to a half. No limits where the curve falls to 0 at its first ending.

    References
    ----------
    Kaplan and Meier (1958), JASA 53:457-481; Brookmeyer and Crowley (1982), Biometrics 38:29-41, on log(-log).

    Examples
    --------
    Remission in weeks of children with leukaemia given 6-MP (Freireich and others 1963):

    >>> weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    >>> relapsed = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    >>> median(weeks, relapsed)
    Time(estimate=23.0, low=13.0, high=inf)
    """
    time, ended = _checked(time, ended)
    if not ended.any():
        return Time(np.nan, np.nan, np.nan)
    curve = _curve(time, ended)
    estimate = float(curve.quantile(0.5))
    if np.isnan(estimate):
        return Time(np.nan, np.nan, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):  # where the curve reaches 0 it has no logarithm
        low, high = curve.quantile_ci(0.5, alpha=1 - level, method="cloglog")
    return Time(estimate, float(low), float(high))


def restricted_mean(time, ended, *, horizon: float) -> tuple[float, float]:
    """Give the mean time up to a horizon, longer times counting as the horizon, and its standard error.

    Parameters
    ----------
    time, ended
        As for :func:`median`.
    horizon : float
        Above 0, in the unit of ``time``.

    Returns
    -------
    tuple of float
        The area under the curve up to the horizon, and its error by Greenwood's variance. NaN where the horizon lies
        beyond the longest time anyone was followed and some are still running: the curve is not known there.

    References
    ----------
    Klein and Moeschberger (2003), Survival Analysis, equations 4.5.1 and 4.5.2.

    Examples
    --------
    >>> weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    >>> relapsed = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    >>> mean, error = restricted_mean(weeks, relapsed, horizon=35)
    >>> round(mean, 2), round(error, 2)
    (23.29, 2.83)
    """
    time, ended = _checked(time, ended)
    if not time.size or (horizon > time.max() and not ended[time == time.max()].all()):
        return np.nan, np.nan
    if not ended.any():
        return float(horizon), 0.0
    curve = _curve(time, ended)
    inside = curve.surv_times < horizon
    at = np.concatenate([[0.0], curve.surv_times[inside], [horizon]])
    height = np.concatenate([[1.0], curve.surv_prob[inside]])
    strips = height * np.diff(at)
    left = strips[::-1].cumsum()[::-1][1:]  # the area beyond each ending
    died, risk = curve.n_events[inside], curve.n_risk[inside]
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(left > 0, left**2 * died / (risk * (risk - died)), 0.0)
    return float(strips.sum()), float(np.sqrt(parts.sum()))


def around(estimate, error, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the normal limits and the p-value against 0 of an estimate with its standard error.

    Parameters
    ----------
    estimate, error : array of float
        An error of 0 gives no interval.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of array
        ``low, high, p_value``.

    Examples
    --------
    >>> low, high, p = around(10.0, 2.0)
    >>> float(low.round(2)), float(high.round(2))
    (6.08, 13.92)
    """
    estimate, error = np.asarray(estimate, float), np.asarray(error, float)
    z = special.ndtri((1 + level) / 2)
    sure = np.where(error > 0, error, np.nan)
    return estimate - z * sure, estimate + z * sure, special.erfc(np.abs(estimate) / sure / np.sqrt(2))


def _checked(time, ended) -> tuple[np.ndarray, np.ndarray]:
    time, ended = np.asarray(time, float), np.asarray(ended, bool)
    wrong = ~(time >= 0)
    if wrong.any():
        raise ValueError(
            f"{wrong.sum()} of {time.size} times are missing or below 0. First: place "
            f"{np.flatnonzero(wrong)[0]}. An outcome cannot come before its offence: correct the dates."
        )
    return time, ended


def _curve(time: np.ndarray, ended: np.ndarray):
    from statsmodels.duration.survfunc import SurvfuncRight

    return SurvfuncRight(time, ended)
