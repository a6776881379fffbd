"""Is it real? Funnels over areas and control charts over years, with exact limits.

Tables in, tables out: the limits and flags are columns, and drawing them is for ``figures``. Nothing is
ranked. ``base`` decides the sampling model: ``population`` Poisson, anything else binomial.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from . import intervals
from ._chart_limits import fewest_and_most, interpolated
from ._series import COUNTED, checked, codes, keys, laid_out, masked, refuse_repeats, refuse_windows
from .vocabulary import POPULATION

LEVELS = (0.95, 0.998)
"""About two and three standard errors: worth a look, and worth acting on."""

_DRAWN = ("lower_95", "upper_95", "lower_998", "upper_998")


def funnel(table: pd.DataFrame, *, target: float | None = None, per: float = 1000) -> pd.DataFrame:
    """Compare areas with a target, allowing for chance: flags by interval, limits to draw.

    Parameters
    ----------
    table : DataFrame
        ``area, base, events, denominator``; every other column tells one funnel from another. With a
        column ``expected`` (above 0; from the reference group's rates, say) the funnel is of observed
        over expected.
    target : float, optional
        What areas are compared with, in the units of ``estimate``. Left out: the areas' own overall
        rate or share, and 1 for observed over expected.
    per : float
        What rates are given per.

    Returns
    -------
    DataFrame
        The same rows in the same order with ``vocabulary.MEASURE`` and

        - ``estimate, low, high``: the area's own value and 95% interval;
        - ``target``, and ``lower_95, upper_95, lower_998, upper_998``: the funnel at this denominator,
          to draw; never below 0 nor, for a share, above 1;
        - ``flag``: ``above 99.8%``, ``above 95%``, ``below 95%``, ``below 99.8%`` where the area's own
          interval at that level leaves the target out; empty otherwise;
        - ``dispersion, dispersion_p``: Pearson's chi-square over its degrees of freedom, and its test
          (NaN where fewer than 1 event an area is expected). Above 1, areas differ by more than chance
          and the limits flag too many: ``note`` is ``overdispersed`` where p is under 0.05.

        A hidden count or an empty base keeps its row, noted, and takes no part in the target.

    References
    ----------
    Flags: Office for Health Improvement and Disparities, an interval that leaves out the benchmark.
    Limits: Spiegelhalter (2005), Funnel plots, appendix A.1.1, exact and interpolated.

    Examples
    --------
    >>> t = pd.DataFrame({"area": ["A", "B", "C"], "group": "Black", "base": "charge",
    ...                   "events": [13, 4, 20], "denominator": [16, 5, 52]})
    >>> funnel(t, target=0.388)[["area", "estimate", "low", "upper_95", "flag"]].round(3)
      area  estimate    low  upper_95         flag
    0    A     0.812  0.570     0.606  above 99.8%
    1    B     0.800  0.376     0.753
    2    C     0.385  0.265     0.513
    """
    table = checked(table, ("area", *COUNTED))
    series = keys(table, "area")
    refuse_repeats(table, [*series, "area"], "area")
    model = _Model(table, per)
    at = codes(table, series)
    goal = model.overall(at) if target is None else np.full(len(table), float(target) / model.per)
    if target is not None:
        _check_target(goal, model.poisson, target)
    out = _with_limits(table, model, goal, interpolated)
    size, p_value = _dispersion(model, goal, at, estimated=target is None and not model.observed)
    over = (p_value < 0.05) & (model.reason == "")
    return laid_out(
        out,
        measure=model.measure,
        reference="overall" if target is None and not model.observed else "target",
        flag=_flags(model, goal),
        dispersion=size,
        dispersion_p=p_value,
        method=np.char.add(model.interval.astype(str), "; limits exact, interpolated"),
        note=np.where(over, "overdispersed", model.reason),
    )


def control_chart(
    table: pd.DataFrame, *, breaks: Sequence[int] = (), run: int = 8, per: float = 1000
) -> pd.DataFrame:
    """Follow a series over years: a centre line for each phase, exact limits, and declared signals.

    Parameters
    ----------
    table : DataFrame
        ``year, base, events, denominator`` of single years; every other column tells series apart. For
        counts alone leave ``denominator`` out: each year then weighs the same.
    breaks : sequence of int
        Years in which a new phase begins, because the law, the recording or the borough's own practice
        changed. Name them before looking: a break hides a shift.
    run : int
        How many consecutive years on one side of the centre line are a signal; 2 or more.
    per : float
        What rates are given per; counts and shares are given as they are.

    Returns
    -------
    DataFrame
        The same rows in the same order with ``vocabulary.MEASURE`` and ``phase`` (from 1), ``centre``
        (all events of the phase over all its denominators), ``lower_95, upper_95, lower_998,
        upper_998``, ``run`` (years so far on this side of the centre) and ``signal``: ``outside 99.8%``,
        ``run of 8``, both or empty. The limits are the fewest and most events that are no signal, so a
        point lies outside exactly when each tail that far out has a chance of at most 0.1% (2.5% for
        the 95% limits). A year on the centre line, a missing year and a new phase each end a run.
        A hidden or immature year, and one whose denominator is 0 or missing (``no_denominator``), keeps its
        row, noted, and takes no part in the centre. A phase without events has its centre and all its
        limits at 0.

    References
    ----------
    Shewhart (1931); the run of 8 is rule 4 of the Western Electric handbook (1956). Limits from the
    Poisson or binomial distribution itself, for normal ones mislead below about 20 expected events.

    Examples
    --------
    >>> t = pd.DataFrame({"year": range(2018, 2024), "group": "Black", "base": "population",
    ...                   "events": [4, 6, 5, 3, 16, 4], "denominator": 4000})
    >>> control_chart(t)[["year", "estimate", "centre", "upper_998", "signal"]].round(2)
       year  estimate  centre  upper_998         signal
    0  2018      1.00    1.58       3.75
    1  2019      1.50    1.58       3.75
    2  2020      1.25    1.58       3.75
    3  2021      0.75    1.58       3.75
    4  2022      4.00    1.58       3.75  outside 99.8%
    5  2023      1.00    1.58       3.75
    """
    if run != int(run) or run < 2:
        raise ValueError(f"run is {run}; give a whole number of years, 2 or more.")
    counts = "denominator" not in table
    table = table.assign(denominator=1.0, base=POPULATION) if counts else table
    table = checked(table, ("year", *COUNTED))
    refuse_windows(table, "A control chart")
    series = keys(table, "year")
    refuse_repeats(table, [*series, "year"], "year")
    model = _Model(table, 1 if counts else per, counts=counts)
    phase = np.searchsorted(np.sort(np.asarray(breaks, float)), table["year"].to_numpy(), side="right") + 1
    at = codes(table.assign(phase=phase), [*series, "phase"])
    centre = model.overall(at)
    out = _with_limits(table, model, centre, fewest_and_most, name="centre")
    length = _run_lengths(table["year"].to_numpy(), np.sign(model.value - centre), at)
    outside = (model.value * model.per < out["lower_998"]) | (model.value * model.per > out["upper_998"])
    long = length >= run
    signal = np.select(
        [outside & long, outside, long],
        [f"outside 99.8%, run of {run}", "outside 99.8%", f"run of {run}"],
        "",
    )
    return laid_out(
        out,
        measure=model.measure,
        reference="centre line of the phase",
        phase=phase,
        run=length,
        signal=signal,
        method=np.char.add(
            model.interval.astype(str), f"; limits exact; signals: outside 99.8%, run of {run}"
        ),
        note=model.reason,
    )


# -- inside ------------------------------------------------------------------------------------------


class _Model:
    """Counts, their sizes and the sampling model of each row; NaN where a row cannot be used."""

    def __init__(self, table: pd.DataFrame, per: float, counts: bool = False):
        self.observed = "expected" in table
        if self.observed:
            _check_expected(table["expected"])
        self.reason, hidden = masked(table.assign(denominator=table["expected"]) if self.observed else table)
        self.poisson = table["base"].eq(POPULATION).to_numpy() | self.observed
        size = table["expected" if self.observed else "denominator"].to_numpy(float)
        self.events = np.where(hidden, np.nan, table["events"].to_numpy(float))
        self.size = np.where(hidden, np.nan, size)
        self.value = self.events / self.size
        self.per = np.where(self.poisson & (not self.observed), float(per), 1.0)
        rate = "count" if counts else f"rate_per_{per:.0f}"
        self.measure = np.where(
            self.poisson, "observed_over_expected" if self.observed else rate, "proportion"
        )
        self.interval = np.where(
            self.poisson, np.where(self.events < 10, "exact (Garwood)", "Byar"), "Wilson"
        )

    def overall(self, at: np.ndarray) -> np.ndarray:
        """Give every row the rate or share of all the usable rows it belongs with."""
        if self.observed:
            return np.where(np.isnan(self.size), np.nan, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            totals = [np.bincount(at, np.nan_to_num(v)) for v in (self.events, self.size)]
            return (totals[0] / totals[1])[at] if at.size else np.array([])

    def interval_at(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Give each row's own interval: OHID's rule for rates, Wilson's for shares."""
        rate = intervals.rate(
            np.where(self.poisson, self.events, np.nan),
            np.where(self.poisson, self.size, np.nan),
            level=level,
        )
        share = intervals.proportion(
            np.where(self.poisson, np.nan, self.events),
            np.where(self.poisson, np.nan, self.size),
            level=level,
        )
        return np.where(self.poisson, rate.low, share.low), np.where(self.poisson, rate.high, share.high)


def _check_expected(expected: pd.Series) -> None:
    wrong = ~np.isfinite(expected.to_numpy(float)) & expected.notna().to_numpy() | expected.lt(0).to_numpy()
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"expected is negative or infinite in {wrong.sum()} of {len(expected)} rows; the first is "
            f"{expected.iloc[first]:g} in row {first}. Give the number of events expected, or NaN."
        )


def _check_target(goal: np.ndarray, poisson: np.ndarray, target: float) -> None:
    if (~(goal > 0)).any() or (~poisson & (goal >= 1)).any():
        raise ValueError(
            f"target is {target}; it must be above 0, and below 1 where the base is a stage (a share)."
        )


def _with_limits(table, model, goal, limits, name="target") -> pd.DataFrame:
    """Add each row's value and interval, the line it is compared with and the limits around that."""
    low, high = model.interval_at(LEVELS[0])
    usable = ~np.isnan(model.value) & np.isfinite(goal)
    drawn = np.full((4, len(table)), np.nan)
    for row, level in zip((0, 2), LEVELS, strict=True):
        tail = (1 - level) / 2
        drawn[row : row + 2, usable] = limits(model.size[usable], goal[usable], model.poisson[usable], tail)
    columns = {"estimate": model.value, "low": low, "high": high, name: goal}
    columns |= dict(zip(_DRAWN, drawn, strict=True))
    return table.assign(**{c: v * model.per for c, v in columns.items()})


def _flags(model: _Model, goal: np.ndarray) -> np.ndarray:
    (low, high), (low3, high3) = (model.interval_at(level) for level in LEVELS)
    choices = ["above 99.8%", "below 99.8%", "above 95%", "below 95%"]
    return np.select([low3 > goal, high3 < goal, low > goal, high < goal], choices, "")


def _dispersion(model, goal, at, estimated: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pearson's chi-square over its degrees of freedom within each funnel, and its upper tail."""
    expected = model.size * goal
    variance = expected * np.where(model.poisson, 1.0, 1 - goal)
    usable = ~np.isnan(model.value) & (variance > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.where(usable, (model.events - expected) ** 2 / variance, 0.0)
        size = np.bincount(at, usable)
        degrees = size - estimated
        statistic = np.bincount(at, squares)
        mean = np.bincount(at, np.where(usable, expected, 0.0)) / size
        tested = (degrees > 0) & (mean >= 1)
        p_value = np.where(tested, special.chdtrc(np.maximum(degrees, 1), statistic), np.nan)
        ratio = np.where(degrees > 0, statistic / degrees, np.nan)
    return (ratio[at], p_value[at]) if at.size else (np.array([]), np.array([]))


def _run_lengths(year, side, at) -> np.ndarray:
    """How many consecutive years, up to each, lie on the same side of the centre line."""
    order = np.lexsort((year, at))
    y, s, g = year[order], np.nan_to_num(side[order]), at[order]
    fresh = np.ones(len(y), bool)
    fresh[1:] = (g[1:] != g[:-1]) | (y[1:] != y[:-1] + 1) | (s[1:] != s[:-1])
    place = np.arange(len(y))
    begun = np.maximum.accumulate(np.where(fresh, place, 0))
    length = np.empty(len(y), int)
    length[order] = np.where(s == 0, 0, place - begun + 1)
    return length
