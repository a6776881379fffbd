"""What if the unknown ethnicities were known?

Children whose ethnicity is not stated are kept as a group of their own, ``vocabulary.UNKNOWN``, and are in
no relative rate. This module asks what that hides: how many there are (:func:`completeness`), how far any
sharing out of them could move a finding (:func:`bounds`), how unlike the others they would have to be to
remove it (:func:`tipping_point`), and what it would be if they were like the others (:func:`impute`).
For searches, where an officer's view was recorded too, :func:`backfill` and :func:`agreement` set it beside
the self-defined group, never in one count with it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import intervals
from .allocation import (
    Rows,
    furthest,
    interval,
    joined,
    kinds,
    known_table,
    loosened,
    ratio,
    rows_of,
    tilted,
    total,
)
from .imputation import impute
from .officer_defined import agreement, backfill, backfill_children
from .references import NAMES
from .vocabulary import MEASURE, UNKNOWN

__all__ = ["agreement", "backfill", "backfill_children", "bounds", "completeness", "impute", "tipping_point"]

KNOWN = "Known"
"""The group column of :func:`completeness`: all children of known ethnicity together."""

_FURTHEST, _HALVINGS = 160.0, 44
"""Largest log odds ratio tried for a tipping point (everyone has moved by then), and halvings of it."""


def completeness(counts: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Give the share of children at each stage whose ethnicity is known.

    Parameters
    ----------
    counts : DataFrame
        As for :func:`measures.rates`, with rows for the group ``Unknown``.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        One row for each comparison (area, year, stage, base ...), in the order of the table, with the
        columns of ``vocabulary.MEASURE``: ``measure`` is ``completeness``, ``group`` is ``Known``,
        ``events`` the children of known ethnicity, ``denominator`` all children who reached the stage,
        ``estimate`` the share, from 0 to 1. Nobody at the stage: NaN and ``no_denominator``. A hidden
        count hides the share (``suppressed``).

    Raises
    ------
    ValueError
        If no row counts the unknown: their number cannot be told from their absence.

    References
    ----------
    Wilson (1927). The records are all there are, so the interval says how well the recording process is
    known from them and not how many records are incomplete, which is exact.

    Examples
    --------
    >>> t = pd.DataFrame({"stage": "arrest", "group": ["Black", "White", "Unknown"], "base": "population",
    ...                   "events": [30, 45, 25], "denominator": [3750, 6450, np.nan]})
    >>> completeness(t)[["stage", "events", "denominator", "estimate", "low", "high"]].round(2)
        stage  events  denominator  estimate   low  high
    0  arrest    75.0        100.0      0.75  0.66  0.82
    """
    table, comparison = known_table(counts)
    x, _, _ = kinds(table)
    unknown = table["group"].eq(UNKNOWN).to_numpy()
    everyone = total(x, comparison, np.ones(len(table), bool))
    counted = total(np.ones(len(table)), comparison, unknown) > 0
    first = ~pd.Series(comparison).duplicated().to_numpy()
    events, size = total(x, comparison, ~unknown)[first], everyone[first]
    share = intervals.proportion(events, np.where(counted[first], size, np.nan), level=level)
    note = np.select(
        [~counted[first], np.isnan(size), size == 0], ["no_unknown", "suppressed", "no_denominator"], ""
    )
    rows = table[first].reset_index(drop=True)
    out = rows.assign(
        measure="completeness",
        group=KNOWN,
        events=events,
        denominator=size,
        **share._asdict(),
        method="Wilson",
        note=note.astype(object),
        **dict(zip(("reference", *NAMES), ("", np.nan, np.nan), strict=True)),
    )
    by = [c for c in rows if c not in MEASURE]
    at = MEASURE.index("group") + 1
    return out[[c for c in (*MEASURE[:at], *by, *MEASURE[at:]) if c in out]]


def bounds(
    counts: pd.DataFrame, *, reference: str | pd.DataFrame = "White", level: float = 0.95, half: int = 0
) -> pd.DataFrame:
    """Bound every relative rate over all the ways in which the unknown could be shared out.

    Nothing is assumed about who the unknown children are; each is given to one known group, in every
    possible way, and the lowest and the highest relative rate are kept. They are exact: attained, by whole
    children, and not simulated.

    Parameters
    ----------
    counts : DataFrame
        As for :func:`measures.relative_rates`, with rows for the group ``Unknown``.
    reference : str or DataFrame
        As for :func:`measures.relative_rates`. ``overall`` then contains the unknown as well, wherever
        they go; a comparator table stays as it is.
    level : float
        Confidence level of the intervals.
    half : int
        By how many a true count may be higher or lower than the one given, where printed counts are given
        (``Policy.half``). The bounds and the hull then hold those of every table that prints the same.

    Returns
    -------
    DataFrame
        The rows of ``measures.relative_rates`` (of the known) with ``unknown_events``,
        ``unknown_denominator`` (NaN on the population), ``lowest``, ``highest`` (the bounds) and
        ``hull_low``, ``hull_high`` (the low limit at the lowest and the high limit at the highest: an
        interval for both kinds of doubt at once; see Notes). The row of the unknown themselves is kept
        without bounds, noted ``allocated``. ``no_unknown``: this comparison has no row that counts them.
        ``highest`` is inf if the reference may have no events; both are NaN if the ratio is 0/0 however they
        are shared out.

    Raises
    ------
    ValueError
        If no row counts the unknown, the reference is not a group of the table or is ``Unknown``, or
        events are above their denominator.

    Notes
    -----
    *On a stage*, let a group have x of n children, and let u unknown children have reached the stage and v
    not. Giving the group e of the u and f of the v makes its rate (x + e)/(n + e + f). As x <= n this never
    falls with e and never rises with f. The ratio of group to reference therefore never falls if a
    child who reached the stage moves to the group or away from the reference, nor if one who did not
    moves to the reference or away from the group. So it is highest when the group has all u and the
    reference all v::

        highest = (x + u)/(n + u)  /  [x_ref / (n_ref + v)]
        lowest  = x/(n + v)  /  [(x_ref + u)/(n_ref + u)]

    Each is one allocation in which every child has one group and no other group is needed, so it is
    among those allowed and the bound is attained, with two groups or with ten. A group without anyone
    known has no rate until it is given a child: see ``allocation.furthest``. *On the population*
    the denominators t are fixed and v = 0: highest = [(x + u)/t] / [x_ref/t_ref], lowest likewise.

    The hull is taken at those two allocations. On the population no other has a limit further out. On a
    stage one can, by a little: a score interval also narrows as its cohorts grow. In 2,000 tables of up to 40
    children a group and 5 unknown of each kind that was so in one of ten, by over 1% of the limit in one of
    a hundred, and never by 5%.

    Bounds of two rows are not attained together: a child can only be in one group. Nor are they when the
    same child is counted at two stages.

    References
    ----------
    Worst-case bounds: Manski (1989); for 2 x 2 tables with missing groups, Horowitz and Manski (2000).

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White", "Unknown"], "base": "arrest",
    ...                   "events": [20, 20, 4], "denominator": [40, 80, 10]})
    >>> bounds(t)[["group", "estimate", "low", "high", "lowest", "highest"]].round(2)
         group  estimate   low  high  lowest  highest
    0    Black       2.0  1.22  3.25    1.52     2.35
    1    White       1.0   NaN   NaN    1.00     1.00
    2  Unknown       NaN   NaN   NaN     NaN      NaN
    """
    rows = rows_of(counts, reference, level)
    out, itself = rows.compared, rows.compared["note"].str.startswith("reference").to_numpy()
    ends = []
    for up in (False, True):
        found = []
        for one in loosened(rows, half, up):
            cells = furthest(one, up)
            usable = rows.open & (cells.denominator > 0) & (cells.other_denominator > 0)
            found.append(
                (np.where(rows.open, ratio(cells), np.nan), interval(cells, rows.stage, usable, level)[up])
            )
        value, limit = (np.fmax if up else np.fmin).reduce(found)
        ends.append((np.where(itself, out["estimate"], value), limit))
    (lowest, hull_low), (highest, hull_high) = ends
    return _with_unknown(rows).assign(
        lowest=lowest,
        highest=highest,
        hull_low=hull_low,
        hull_high=hull_high,
        method=out["method"] + "; bounds over every allocation of the unknown",
    )


def tipping_point(
    counts: pd.DataFrame, *, reference: str | pd.DataFrame = "White", level: float = 0.95
) -> pd.DataFrame:
    """Say how unlike the known the unknown would have to be for each finding to go away.

    A finding is a relative rate whose interval (of the known) excludes 1. The unknown are shared out like
    the known who came to the same decision, except that among those who reached the stage the odds of
    being of the group rather than of the reference are a number of times lower (for an excess; higher for
    a deficit), and among those who did not as many times higher. The tipping ratio is the smallest such
    number at which the limit on the side of the finding reaches 1.

    Parameters
    ----------
    counts, reference, level
        As for :func:`bounds`.

    Returns
    -------
    DataFrame
        The rows of ``measures.relative_rates`` with ``unknown_events``, ``unknown_denominator``,
        ``tipping_ratio`` (1 or more), and the allocation there: ``tipping_events`` and
        ``tipping_reference_events``, how many of the unknown who reached the stage are then of
        the group and of the reference (every other group, if the reference is not a group). 1: gone already
        if the unknown are like the known. inf, noted ``cannot_be_removed``: not even if all of them were
        as unlike as can be (the limit of :func:`bounds`'s hull). NaN, noted ``no_finding``: nothing to
        remove.

    Raises
    ------
    ValueError
        As for :func:`bounds`.

    Notes
    -----
    Shares of the unknown who reached the stage are proportional to (x + 1/G) r**-0.5 for the group,
    (x_ref + 1/G) r**0.5 for the reference and x + 1/G for the other groups, with r the ratio and G the number
    of groups (one child spread over them, so that a group with no events can be given some); r**0.5 and
    r**-0.5 trade places among those who did not reach it. Numbers are rounded to whole children. The limit
    moves away from the finding as r grows, so r is found by halving (on a stage it can move back by a hair,
    as the hull of :func:`bounds` can; r is then a place where it crosses 1, and the last allocation decides
    ``inf``).

    References
    ----------
    Tipping-point analysis: Yan, Lee and Li (2009); exponential tilting of missing data: Scharfstein,
    Rotnitzky and Robins (1999).

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White", "Unknown"], "base": "population",
    ...                   "events": [30, 25, 20], "denominator": [4000, 6000, np.nan]})
    >>> tipping_point(t)[["estimate", "low", "tipping_ratio", "tipping_events"]].round(2)
       estimate   low  tipping_ratio  tipping_events
    0       1.8  1.06           1.62             8.0
    1       1.0   NaN            NaN             NaN
    2       NaN   NaN            NaN             NaN
    """
    rows = rows_of(counts, reference, level)
    out = rows.compared
    excess, deficit = out["low"].to_numpy(float) > 1, out["high"].to_numpy(float) < 1
    finding = rows.open & (excess | deficit) & ~np.isnan(rows.rivals[0] + rows.rivals[1])
    way = np.where(excess, -1.0, 1.0)

    def removed(log_ratio: np.ndarray) -> np.ndarray:
        cells, _, _ = tilted(rows, way * log_ratio)
        low, high = interval(cells, rows.stage, finding, level)
        return np.where(excess, low <= 1, high >= 1)

    below, above = np.zeros(len(out)), np.full(len(out), _FURTHEST)
    at_once, ever = finding & removed(below), finding & removed(above)
    if (ever & ~at_once).any():
        for _ in range(_HALVINGS):
            middle = (below + above) / 2
            gone = removed(middle)
            below, above = np.where(gone, below, middle), np.where(gone, middle, above)
    log_ratio = np.where(at_once, 0.0, np.where(ever, above, np.inf))
    _, gain, back = tilted(rows, way * np.where(ever, log_ratio, 0.0))
    said = np.select([finding & ~ever, rows.open & ~finding], ["cannot_be_removed", "no_finding"], "")
    return _with_unknown(rows).assign(
        tipping_ratio=np.where(finding, np.exp(log_ratio), np.nan),
        tipping_events=np.where(ever, gain, np.nan),
        tipping_reference_events=np.where(ever, back, np.nan),
        method=out["method"] + "; unknown tilted away from the known",
        note=joined(out["note"], said),
    )


def _with_unknown(rows: Rows) -> pd.DataFrame:
    """Put the number of unknown beside each relative rate."""
    counted = ~rows.compared["note"].str.contains("no_unknown")
    return rows.compared.drop(columns="comparison").assign(
        unknown_events=np.where(counted, rows.reached, np.nan),
        unknown_denominator=np.where(counted & rows.stage, rows.reached + rows.rest, np.nan),
    )
