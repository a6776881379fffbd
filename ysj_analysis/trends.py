"""Is it moving? The slope of a rate or a share over single years, one for each series.

A share of a cohort moves on the odds scale and a rate on the log scale, each judged by one score
statistic: its test is the trend test, and its interval holds every slope the test accepts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from . import _cells
from ._limits import root_of_decreasing
from ._series import COUNTED, checked, codes, keys, laid_out, masked, refuse_repeats, refuse_windows
from .vocabulary import POPULATION

_FEWEST_FOR_TREND = 5
"""Below this many events (or non-events) in all, a trend is noted ``unreliable``."""

_STEEPEST = 60.0
"""Slopes are looked for up to this many log units a year."""


def trend(table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Estimate how a rate or a share moves from year to year, one row for each series.

    Parameters
    ----------
    table : DataFrame
        ``year, base, events, denominator`` of single years; every other column tells series apart.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a series, in order of first appearance, with ``vocabulary.MEASURE``. ``measure`` is
        ``rate_ratio_per_year`` (base population) or ``odds_ratio_per_year``: above 1 is rising.
        ``year`` is the last year, ``years`` how many it spans, ``events`` and ``denominator`` totals.
        All events in the last year: inf with a finite lower limit. No events at all, or everyone in
        every year: NaN. A year in which the cohort is empty says nothing and does no harm. A hidden or
        immature year hides the series: leave such years out first, if
        that is what is meant. ``unreliable``: under 5 events (or non-events) in all.

    Raises
    ------
    ValueError
        For pooled years, a year that repeats within a series, or impossible counts.

    References
    ----------
    Cochran (1954) and Armitage (1955), with N - 1 for N as in a permutation test; for rates the score
    test of a log-linear Poisson slope with offset, given the total (Armitage 1966; Cox and Lewis 1966).
    The estimate is by maximum likelihood; the interval inverts the test, so the two agree.

    Examples
    --------
    The smokers of Fleiss (1981), four groups in order; his chi-square with N is 8.22.

    >>> t = pd.DataFrame({"year": [1, 2, 3, 4], "group": "all", "base": "patients",
    ...                   "events": [83, 90, 129, 70], "denominator": [86, 93, 136, 82]})
    >>> trend(t)[["estimate", "low", "high", "p_value"]].round(4)
       estimate     low    high  p_value
    0    0.5317  0.3414  0.8263   0.0042
    """
    table = checked(table, ("year", *COUNTED))
    refuse_windows(table, "A trend")
    series = keys(table, "year", "years")
    refuse_repeats(table, [*series, "year"], "year")
    table = table.sort_values("year", kind="stable").sort_index(kind="stable")
    at = codes(table, series)
    order = np.lexsort((table["year"].to_numpy(), at))
    row, column = at[order], np.arange(len(table)) - np.searchsorted(at[order], at[order])
    shape = (at.max() + 1 if len(table) else 0, column.max() + 1 if len(table) else 0)
    reason, bad = masked(table)
    year, x, n = (
        _placed(table[c].to_numpy(float)[order], row, column, shape)
        for c in ("year", "events", "denominator")
    )
    heads = pd.Series(at).drop_duplicates().index
    out = table.loc[heads].reset_index(drop=True)
    poisson = out["base"].eq(POPULATION).to_numpy()
    values = slope(year, np.nan_to_num(x), np.nan_to_num(n), poisson, level=level)
    nobody = table["denominator"].eq(0).to_numpy() & table["events"].eq(0).to_numpy()
    bad &= ~(nobody & (reason == "no_denominator"))
    why = np.full(len(out), "", object)
    why[at[bad]] = reason[bad]
    return _trend_table(out, values, why, year, x, n, poisson)


def _placed(values, row, column, shape):
    """Lay a long column out as series by year; the places left over are NaN."""
    grid = np.full(shape, np.nan)
    grid[row, column] = values
    return grid


def _trend_table(out, values, why, year, x, n, poisson) -> pd.DataFrame:
    events, size = np.nansum(x, axis=1), np.nansum(n, axis=1)
    few = np.where(poisson, events, np.minimum(events, size - events))
    note = np.select(
        [
            why != "",
            (n > 0).sum(axis=1) < 2,
            events == 0,
            ~poisson & (events == size),
            few < _FEWEST_FOR_TREND,
        ],
        [why, "fewer than 2 years", "no_events", "full_cell", "unreliable"],
        "",
    ).astype(object)
    hidden = (why != "") | (note == "fewer than 2 years")
    estimate, low, high, p_value = (np.where(hidden, np.nan, v) for v in values)
    last = np.nanmax(year, axis=1) if year.size else np.array([])
    first = np.nanmin(year, axis=1) if year.size else np.array([])
    return laid_out(
        out,
        measure=np.where(poisson, "rate_ratio_per_year", "odds_ratio_per_year"),
        year=last.astype(int),
        years=(last - first + 1).astype(int),
        events=np.where(why == "", events, np.nan),
        denominator=np.where(why == "", size, np.nan),
        reference="the year before",
        estimate=estimate,
        low=low,
        high=high,
        p_value=p_value,
        method=np.where(poisson, "Poisson score trend", "Cochran-Armitage (N-1)"),
        note=note,
    )


def slope(year, events, denominator, poisson, *, level=0.95) -> _cells.Interval:
    """Estimate the ratio of rates, or of odds, from one year to the next: arrays in, arrays out.

    Parameters
    ----------
    year, events, denominator : ndarray, shape (series, years)
        Calendar years; counts; child-years or size of the cohort. A denominator of 0 (or a year that
        is NaN) is no year at all.
    poisson : ndarray of bool, shape (series,)
        Rates (log-linear Poisson) rather than shares (logistic).
    level : float
        Confidence level.

    Returns
    -------
    Interval
        ``(estimate, low, high, p_value)``, each of shape (series,).
    """
    z = _cells.normal_quantile(level)
    n = np.where(np.isnan(year), 0.0, denominator)
    x = np.where(n > 0, events, 0.0)
    with np.errstate(invalid="ignore"):
        start = np.where(n > 0, year, np.inf).min(axis=1, initial=np.inf)
    t = np.where(n > 0, year - np.where(np.isfinite(start), start, 0.0)[:, None], 0.0)
    total, size = x.sum(axis=1), n.sum(axis=1)
    moving = (total > 0) & (poisson | (total < size)) & ((n > 0).sum(axis=1) > 1)
    out = np.full((4, len(x)), np.nan)
    out[1], out[2] = 0.0, np.inf
    if moving.any():
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            out[:, moving] = _slopes(t[moving], x[moving], n[moving], poisson[moving], z)
    return _cells.Interval(*out)


def _slopes(t, x, n, poisson, z):
    rising, falling = _separated(t, x, n, poisson), _separated(-t, x, n, poisson)
    zero = np.zeros(len(x))
    test = special.erfc(np.abs(_score(zero, t, x, n, poisson, zero)[0]) / np.sqrt(2))
    centre = np.where(rising, np.inf, -np.inf)
    inner = ~rising & ~falling
    centre[inner] = _root(zero[inner], *(a[inner] for a in (t, x, n, poisson, zero)))
    upper, lower = np.full(len(x), np.inf), np.full(len(x), np.inf)
    for limit, unbounded, time, middle in ((upper, rising, t, centre), (lower, falling, -t, -centre)):
        columns = [a[~unbounded] for a in (time, x, n, poisson, zero + z)]
        guess = middle[~unbounded]
        near = np.where(np.isfinite(guess), guess, 0.0)
        information = _moments(near, *columns[:4])[1]
        limit[~unbounded] = _root(np.clip(near + z / np.sqrt(information), -50, 50), *columns)
    return np.exp(centre), np.exp(-lower), np.exp(upper), test


def _separated(t, x, n, poisson):
    """Whether the events lie as late as they possibly could, so that no slope is too steep."""
    order = np.argsort(-t, axis=1, kind="stable")
    late, size = np.take_along_axis(t, order, 1), np.take_along_axis(n, order, 1)
    total = x.sum(axis=1, keepdims=True)
    before = np.cumsum(size, axis=1) - size
    filled = np.clip(total - before, 0, size)
    latest = np.where(n > 0, t, -np.inf).max(axis=1)
    return (x * t).sum(axis=1) >= np.where(poisson, latest * total[:, 0], (filled * late).sum(axis=1))


def _root(guess, t, x, n, poisson, z):
    """Find the slope at which the score, plus z, is 0."""
    ends = np.full(len(guess), -_STEEPEST), np.full(len(guess), _STEEPEST)
    return root_of_decreasing(_score, guess, *ends, (t, x, n, poisson, z))


def _score(slope, t, x, n, poisson, z):
    """The standardised score for a slope, plus z, and its derivative; the level fitted to each slope."""
    score, information, skew, factor = _moments(slope, t, x, n, poisson)
    root = np.sqrt(information)
    value = factor * score / root
    derivative = factor * (-root - score * skew / (2 * information * root))
    return np.nan_to_num(value, nan=-np.inf) + z, derivative


def _moments(slope, t, x, n, poisson):
    """Score, information, its derivative, and the factor of N - 1, at slopes with the level fitted."""
    total, size = x.sum(axis=1), n.sum(axis=1)
    steps = slope[:, None] * t
    weight = np.where(n > 0, n * np.exp(steps - steps.max(axis=1, keepdims=True)), 0.0)
    weight *= (total / weight.sum(axis=1))[:, None]
    fitted, bend = weight.copy(), np.ones_like(weight)
    shares = ~poisson
    if shares.any():
        p = _fitted_shares(steps[shares], total[shares], n[shares])
        fitted[shares], weight[shares], bend[shares] = n[shares] * p, n[shares] * p * (1 - p), 1 - 2 * p
    middle = (weight * t).sum(axis=1) / weight.sum(axis=1)
    apart = t - middle[:, None]
    score = (apart * (x - fitted)).sum(axis=1)
    information = (weight * apart**2).sum(axis=1)
    skew = (weight * bend * apart**3).sum(axis=1)
    return score, information, skew, np.where(poisson, 1.0, np.sqrt((size - 1) / size))


def _fitted_shares(steps, total, n):
    """The logistic shares with a given slope that add up to the events there are."""
    level = special.logit(total / n.sum(axis=1))

    def left(at, steps, total, n):
        p = special.expit(at[:, None] + steps)
        return total - (n * p).sum(axis=1), -(n * p * (1 - p)).sum(axis=1)

    low, high = level - steps.max(axis=1), level - steps.min(axis=1)
    guess = level - (n * steps).sum(axis=1) / n.sum(axis=1)
    at = root_of_decreasing(left, guess, low - 1e-6, high + 1e-6, (steps, total, n))
    return special.expit(at[:, None] + steps)
