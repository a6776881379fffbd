"""How large is the difference? Tables in, the same rows with a measure added out.

A measure knows only columns: ``group``, ``events``, ``denominator`` and ``base``, and whatever other
columns tell one comparison from another (area, year, stage, sex ...). It does not know what a child or
a stage is, so it can be used on any table and checked against any textbook.

``base`` decides the sampling model and with it the interval: ``population`` means a rate (Poisson),
anything else a share of a cohort (binomial). The method is named on every row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import formulas, intervals
from .countable import checked
from .many import adjust_p
from .references import NAMES, OVERALL, against, refuse_unmatched, totals, usable_values
from .vocabulary import MEASURE, POPULATION, UNKNOWN

__all__ = ["adjust_p", "differences", "disparity", "parity_gap", "rates", "relative_rates", "representation"]

_RATES = {"risk_ratio": "rate_ratio", "risk_difference": "rate_difference", "proportion": "rate"}


def rates(table: pd.DataFrame, *, per: float = 1000, level: float = 0.95) -> pd.DataFrame:
    """Give the rate per so many child-years, or the proportion of the stage before.

    Parameters
    ----------
    table : DataFrame
        One row a group and comparison: ``group``, ``base``, ``events`` (whole number, 0 or more),
        ``denominator`` (child-years for base ``population``, else the size of the cohort, a whole number
        and at least ``events``). A missing count is a hidden one, and so is a row with a ``note``. All
        other columns tell one comparison from another.
    per : float
        What rates are given per: a whole number. Proportions are not affected.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The same rows with the columns of ``vocabulary.MEASURE``; ``measure`` is ``rate_per_1000`` (or
        whatever ``per`` is) or ``proportion``. No events: the estimate is 0 with a finite upper limit.

    Raises
    ------
    ValueError
        If a column is missing, a group occurs twice in one comparison, or a count is impossible.

    References
    ----------
    Garwood (1936) below 10 events and Byar's approximation (Breslow and Day 1987) from 10, the rule of
    the Office for Health Improvement and Disparities; Wilson (1927) for proportions.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "population",
    ...                   "events": [4, 12], "denominator": [3750, 6450]})
    >>> rates(t)[["group", "estimate", "low", "high", "method"]].round(2)
       group  estimate   low  high           method
    0  Black      1.07  0.29  2.73  exact (Garwood)
    1  White      1.86  0.96  3.25             Byar
    """
    table = checked(table)
    x, n = usable_values(table).T
    note = np.select([np.isnan(x), ~(n > 0)], ["suppressed", "no_denominator"], "")
    return _measured(table, _named(table, "proportion", per), note=note, level=level)


def relative_rates(
    table: pd.DataFrame, *, reference: str | pd.DataFrame = "White", level: float = 0.95
) -> pd.DataFrame:
    """Compare each group's rate with the reference's: the relative rate index, with its interval.

    Parameters
    ----------
    table : DataFrame
        As for :func:`rates`.
    reference : str or DataFrame
        A group; ``all-others`` (every other group of known ethnicity together); ``overall`` (all groups
        of known ethnicity together, the group itself included); or a comparator table with ``group``,
        ``events``, ``denominator`` and the columns that match it to the rows, for a local reference
        that is too small (the alternate risk ratio). Leave out of a comparator the columns that are
        not to match, such as its area.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The same rows with ``vocabulary.MEASURE``; ``measure`` is ``rate_ratio`` on the population and
        ``risk_ratio`` on a stage. The reference's own row has estimate 1, no interval and the note
        ``reference``. Reference without events: inf with a finite lower limit. Neither has events: NaN.
        Children of unknown ethnicity are compared with nobody: NaN, ``not_compared``.

    Raises
    ------
    ValueError
        If the reference is not in the table or lacks a row for some comparison, a group occurs twice in
        one comparison, or a count is impossible.

    References
    ----------
    Miettinen and Nurminen (1985) score interval, its test the (N-1) chi-square (Campbell 2007), for
    shares of a cohort; conditional mid-P (Berry and Armitage 1995; Fay 2010) for rates.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "population",
    ...                   "events": [4, 1], "denominator": [3750, 6450]})
    >>> relative_rates(t).loc[0, ["estimate", "low", "high"]].astype(float).round(2).to_list()
    [6.88, 0.86, 170.25]
    """
    table = checked(table)
    return _compared(table, reference, "risk_ratio", level=level)


def differences(
    table: pd.DataFrame, *, reference: str | pd.DataFrame = "White", per: float = 1000, level: float = 0.95
) -> pd.DataFrame:
    """Subtract the reference's rate from each group's: the absolute gap, with its interval.

    Parameters
    ----------
    table : DataFrame
        As for :func:`rates`.
    reference : str or DataFrame
        A group, ``all-others``, ``overall`` or a comparator table, as for :func:`relative_rates`.
    per : float
        What differences of rates are given per: a whole number. Differences of proportions are given
        as they are.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The same rows with ``vocabulary.MEASURE``; ``measure`` is ``rate_difference_per_1000`` or
        ``risk_difference``, above 0 where the group's rate is the higher. The reference's own row is 0,
        without an interval and noted ``reference``. No events in either group: 0, with an interval, noted
        ``no_events``. A denominator of 0 or missing: NaN, ``no_denominator``; a hidden count: ``suppressed``.

    Raises
    ------
    ValueError
        As for :func:`relative_rates`.

    References
    ----------
    Newcombe (1998), method 10, for proportions; the method of variance estimates recovery (Zou and
    Donner 2008) from the single-rate limits for rates.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "arrest",
    ...                   "events": [20, 10], "denominator": [101, 105]})
    >>> differences(t)[["measure", "estimate", "low", "high"]].round(3).head(1)
               measure  estimate    low   high
    0  risk_difference     0.103  0.006  0.201
    """
    table = checked(table)
    return _compared(table, reference, "risk_difference", per=per, level=level)


def disparity(
    table: pd.DataFrame, *, reference: str | pd.DataFrame = "White", level: float = 0.95
) -> pd.DataFrame:
    """Put the ratio, the absolute gap, the ratio of the complement and the odds ratio side by side.

    When a decision becomes rarer its ratio can grow while the gap closes, and the ratio of being
    remanded and that of not being remanded need not move together. One alone can mislead.

    Parameters
    ----------
    table : DataFrame
        As for :func:`rates`.
    reference : str or DataFrame
        A group, ``all-others``, ``overall`` or a comparator table, as for :func:`relative_rates`.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The rows of the table once for each measure: all of ``relative_rates``, then ``differences``,
        then ``complement_ratio`` and ``odds_ratio`` (rows on a stage; a rate has no complement).

    Raises
    ------
    ValueError
        As for :func:`relative_rates`.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "remand_decision",
    ...                   "events": [9, 5], "denominator": [30, 40]})
    >>> side_by_side = disparity(t)
    >>> side_by_side.loc[side_by_side["group"] == "Black", ["measure", "estimate"]].round(2)
                measure  estimate
    0        risk_ratio      2.40
    2   risk_difference      0.18
    4  complement_ratio      0.80
    6        odds_ratio      3.00
    """
    table = checked(table)
    shares = table[table["base"].ne(POPULATION)].reset_index(drop=True)
    parts = [
        _compared(table, reference, "risk_ratio", level=level),
        _compared(table, reference, "risk_difference", per=1000, level=level),
    ]
    if len(shares):
        parts += [
            _compared(shares, reference, name, level=level) for name in ("complement_ratio", "odds_ratio")
        ]
    return pd.concat(parts, ignore_index=True)


def representation(table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Divide a group's share of those at a stage by its share of the base: the representation index.

    Of children of known ethnicity, the share of the base taken as known. The index cannot exceed one
    over that share, so it compresses large gaps and cannot be compared between groups of different
    size: show it beside the relative rate.

    Parameters
    ----------
    table : DataFrame
        As for :func:`rates`.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The same rows with ``vocabulary.MEASURE``; ``reference`` is ``overall`` and ``reference_events`` and
        ``reference_denominator`` are the totals over groups of known ethnicity, so that the ceiling is
        ``reference_denominator / denominator``. Children of unknown ethnicity have no index, and a
        hidden count hides the index of every group in its comparison, since the total is not known.

    References
    ----------
    Wilson (1927) interval of the share of events, divided by the share of the base.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "population",
    ...                   "events": [45, 55], "denominator": [25, 75]})
    >>> representation(t)["estimate"].round(2).to_list()
    [1.8, 0.73]
    """
    table = checked(table)
    return _shared_out(table, "representation_index", level)


def parity_gap(
    table: pd.DataFrame,
    *,
    reference: str | pd.DataFrame = "White",
    convention: str = "reference-fixed",
    level: float = 0.95,
) -> pd.DataFrame:
    """Say it in children: how many events lie above what parity would give.

    Parameters
    ----------
    table : DataFrame
        As for :func:`rates`.
    reference : str or DataFrame
        A group, ``all-others``, ``overall`` or a comparator table, as for :func:`relative_rates`.
    convention : {"reference-fixed", "total-fixed"}
        ``reference-fixed``: the group would have the reference's rate, and the total would change.
        ``total-fixed``: the total stays and is shared out by size of the base; no reference is used.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The same rows with ``vocabulary.MEASURE``; ``measure`` is ``events_above_parity`` (the
        denominator times the difference in rates, and so is its interval) or ``events_above_share``
        (the total times the difference in shares). Below 0 where the group has fewer than parity
        would give. No events in group and reference: 0, with an interval (``total-fixed``: NaN where nobody had
        the event); noted ``no_events``. A denominator of 0 or missing: NaN, ``no_denominator``. A hidden count
        hides its row, and with ``total-fixed`` every row of its comparison, as the total is not known.

    Raises
    ------
    ValueError
        As for :func:`relative_rates`; if there is no such convention.

    References
    ----------
    Newcombe (1998) and Zou and Donner (2008) for the difference, times the denominator; Wilson (1927) for the share,
    times the total.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "population",
    ...                   "events": [90, 48], "denominator": [3750, 6450]})
    >>> round(float(parity_gap(t)["estimate"][0]))
    62
    """
    table = checked(table)
    if convention == "reference-fixed":
        return _compared(table, reference, "events_above_parity", level=level)
    if convention == "total-fixed":
        return _shared_out(table, "events_above_share", level)
    raise ValueError(f"convention is {convention!r}; it must be 'reference-fixed' or 'total-fixed'.")


# -- inside ------------------------------------------------------------------------------------------


def _named(table: pd.DataFrame, on_stage: str, per: float = 1) -> np.ndarray:
    """Name the measure of each row: that of a rate on the population, that of a share on a stage."""
    if per != int(per) or per < 1:
        raise ValueError(f"per is {per}; it must be a whole number of 1 or more, such as 1000.")
    on_population = _RATES.get(on_stage, on_stage)
    if on_population in ("rate", "rate_difference"):
        on_population += f"_per_{per:.0f}"
    return np.where(table["base"].eq(POPULATION), on_population, on_stage)


def _compared(
    table: pd.DataFrame, reference: str | pd.DataFrame, on_stage: str, *, per: float = 1, level: float
) -> pd.DataFrame:
    """Compare each row of a known group with its reference, whose own row says so and has no interval."""
    found = against(table, reference)
    refuse_unmatched(table, found)
    x, n = usable_values(table).T
    poisson = table["base"].eq(POPULATION).to_numpy()
    rx, rn = (found[c].to_numpy(float) for c in NAMES)
    note = intervals.note(x, n, rx, rn, poisson)
    itself = table["group"].astype(str).to_numpy() == (reference if isinstance(reference, str) else None)
    why = np.select([np.isnan(x), ~(n > 0)], [" suppressed", " no_denominator"], "").astype(object)
    note[itself] = "reference" + why[itself]
    unknown = table["group"].eq(UNKNOWN).to_numpy() & ~itself
    note[unknown & (why == "")] = "not_compared"
    named = _named(table, on_stage, per)
    out = _measured(table.assign(**found), named, note=note, level=level, compared=~unknown)
    out.loc[itself, ["low", "high", "p_value"]] = np.nan
    return out


def _shared_out(table: pd.DataFrame, name: str, level: float) -> pd.DataFrame:
    """Compare each group's share of the events with its share of the base."""
    total = totals(table).set_axis(NAMES, axis=1)
    x, n = usable_values(table).T
    counted = table["group"].ne(UNKNOWN).to_numpy() & (n > 0) & total[NAMES[1]].gt(0).to_numpy()
    hidden = np.isnan(x) | total[NAMES[0]].isna().to_numpy()
    note = np.select(
        [~counted & ~np.isnan(x), hidden, total[NAMES[0]].eq(0)],
        ["no_denominator", "suppressed", "no_events"],
        "",
    )
    table = table.assign(reference=OVERALL, **total)
    return _measured(table, np.full(len(table), name), note=note, level=level, compared=counted)


def _measured(
    table: pd.DataFrame, measure: np.ndarray, *, note: np.ndarray, level: float, compared: Any = True
) -> pd.DataFrame:
    """Compute the measure of each row compared, and lay the result out as ``vocabulary.MEASURE``."""
    if "reference" not in table:
        table = table.assign(reference="", **dict.fromkeys(NAMES, np.nan))
    x, n = usable_values(table).T
    rx, rn = (table[c].to_numpy(float) for c in NAMES)
    poisson = table["base"].eq(POPULATION).to_numpy()
    usable = np.where(compared, x, np.nan)
    estimate, low, high, p_value = formulas.interval(measure, usable, n, rx, rn, poisson=poisson, level=level)
    earlier = table["note"].to_numpy(object) if "note" in table else np.full(len(table), "", object)
    out = table.assign(
        measure=measure,
        estimate=estimate,
        low=low,
        high=high,
        p_value=p_value,
        method=formulas.method(measure, x),
        note=np.where(earlier != "", earlier, note),
    )
    by = [c for c in out.columns if c not in MEASURE]
    at = MEASURE.index("group") + 1
    return out[[c for c in (*MEASURE[:at], *by, *MEASURE[at:]) if c in out.columns]]
