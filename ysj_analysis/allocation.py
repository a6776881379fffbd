"""Who could the children of unknown ethnicity be? Ways of sharing them out, arrays in, arrays out.

On a stage, the unknown who are counted are two kinds of children: ``reached`` (they are among the events)
and ``rest`` (among the denominator only). Sharing each kind out freely over the groups is the same as
sharing out numerators and denominators with every numerator inside its denominator. On the population the
denominators come from a census that places everyone, so only ``reached`` is shared out and ``rest`` is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from . import intervals
from .countable import checked
from .measures import relative_rates
from .references import ALL_OTHERS, OVERALL, keys, usable_values
from .vocabulary import POPULATION, UNKNOWN

ALLOCATED, NOT_COUNTED = "allocated", "no_unknown"
"""Notes: this row is the children who are shared out; there is no row that counts them."""


class Cells(NamedTuple):
    """A group and what it is compared with, row by row: events and denominators."""

    events: np.ndarray
    denominator: np.ndarray
    other_events: np.ndarray
    other_denominator: np.ndarray


class Rows(NamedTuple):
    """What sharing out the unknown needs to know of every row.

    Attributes
    ----------
    compared : DataFrame
        ``measures.relative_rates`` of the known, with ``comparison``, the number of the row's comparison.
    cells : Cells
        The group and its reference, of known ethnicity.
    reached, rest : ndarray of float
        Unknown children in the row's comparison who reached the stage, and who did not; NaN if hidden.
    rivals, others : tuple of three ndarrays
        Known children the group's odds are tilted against (the reference, or every other group if the
        reference is not one group), and all further ones: reached, rest, number of groups.
    stage : ndarray of bool
        Whether the base is a stage.
    summed : int
        How many printed counts the reference's may be the sum of.
    fixed : bool
        Whether the reference stays as it is however the unknown are shared out.
    open : ndarray of bool
        Rows that can be computed: neither unknown themselves, nor the reference, nor hidden.
    """

    compared: pd.DataFrame
    cells: Cells
    reached: np.ndarray
    rest: np.ndarray
    rivals: tuple[np.ndarray, np.ndarray, np.ndarray]
    others: tuple[np.ndarray, np.ndarray, np.ndarray]
    stage: np.ndarray
    summed: int
    fixed: bool
    open: np.ndarray


def known_table(counts: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Check a table of counts and number its comparisons; refuse one with nobody unknown in it.

    Parameters
    ----------
    counts : DataFrame
        As for :func:`measures.relative_rates`, with rows for the group ``vocabulary.UNKNOWN``.

    Returns
    -------
    table : DataFrame
        The rows, numbered from 0.
    comparison : ndarray of int
        The number of the comparison each row belongs to, in order of first appearance.
    """
    table = checked(counts)
    if not table["group"].eq(UNKNOWN).any():
        raise ValueError(
            f"none of the {len(table)} rows counts the group {UNKNOWN!r}, so it is not known how many children "
            f"there are to share out. Add a row of {UNKNOWN!r} to each comparison, with 0 events if there are none."
        )
    by = keys(table)
    if not by:
        return table, np.zeros(len(table), int)
    return table, table.groupby(by, observed=True, sort=False, dropna=False).ngroup().to_numpy()


def total(values: np.ndarray, comparison: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Add the chosen rows up within each comparison and give every row its sum."""
    sums = np.zeros(comparison.max(initial=-1) + 1)
    np.add.at(sums, comparison[rows], values[rows])
    return sums[comparison]


def kinds(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split each row's children into those who reached the stage and the rest; say which base is a stage."""
    x, n = usable_values(table).T
    stage = table["base"].ne(POPULATION).to_numpy()
    over = np.flatnonzero(stage & (x > n))
    if len(over):
        first = table.iloc[over[0]]
        raise ValueError(
            f"events are above denominator in {len(over)} of {len(table)} rows; the first is row {over[0]}, "
            f"{first['group']}, with {x[over[0]]:g} of {n[over[0]]:g}. Events are counted among the denominator: "
            "see that both count the same children."
        )
    return x, np.where(stage, n - x, 0.0), stage


def rows_of(counts: pd.DataFrame, reference, level: float) -> Rows:
    """Gather, for every row, its two groups, the unknown to be shared out, and everyone else."""
    if isinstance(reference, str) and reference == UNKNOWN:
        raise ValueError(
            f"reference is {UNKNOWN!r}, the children who are shared out. Choose a group of known ethnicity."
        )
    table, comparison = known_table(counts)
    out = relative_rates(table, reference=reference, level=level).assign(comparison=comparison)
    x, rest, stage = kinds(table)
    n = usable_values(table)[:, 1]
    unknown = table["group"].eq(UNKNOWN).to_numpy()
    reached, unreached, counted = (total(v, comparison, unknown) for v in (x, rest, np.ones(len(table))))
    other_x, other_n = (out[c].to_numpy(float) for c in ("reference_events", "reference_denominator"))
    one_group = isinstance(reference, str) and reference not in (ALL_OTHERS, OVERALL)
    rivals, others = _sides(
        x, rest, other_x, np.where(stage, other_n - other_x, 0), comparison, ~unknown, one_group
    )
    overall = isinstance(reference, str) and reference == OVERALL
    if overall:  # everyone belongs to some group, so the unknown are part of it wherever they go
        other_x, other_n = other_x + reached, other_n + np.where(stage, reached + unreached, 0)

    hidden = np.isnan(reached + unreached) & ~unknown & (counted > 0)
    said = np.select([unknown, counted == 0, hidden], [ALLOCATED, NOT_COUNTED, "suppressed"], "")
    itself = out["note"].eq("reference").to_numpy()
    sized = (n > 0) & (other_n > 0) | stage
    there = ~np.isnan(x + n + other_x + other_n)
    out["note"] = joined(
        out["note"], np.where(out["note"].eq("suppressed") & (said == "suppressed"), "", said)
    )
    return Rows(
        compared=out,
        cells=Cells(x, n, other_x, other_n),
        reached=reached,
        rest=unreached,
        rivals=rivals,
        others=others,
        stage=stage,
        summed=1 if one_group else table["group"].nunique(),
        fixed=overall or not isinstance(reference, str),
        open=~itself & (said == "") & sized & there,
    )


def _sides(x, rest, other_x, other_rest, comparison, known, one_group: bool):
    """Part the known children who are not in the group: those it is weighed against, and the others."""
    groups = total(np.ones(len(x)), comparison, known)
    outside = total(x, comparison, known) - x, total(rest, comparison, known) - rest, groups - 1
    nobody = np.zeros(len(x))
    if not one_group:
        return outside, (nobody, nobody, nobody)
    rival = other_x, other_rest, np.ones(len(x))
    return rival, tuple(everyone - some for everyone, some in zip(outside, rival, strict=True))


def joined(notes, more) -> np.ndarray:
    """Add codes to notes, a space between."""
    return (
        (pd.Series(notes, dtype=object).astype(str) + " " + pd.Series(more, dtype=object))
        .str.strip()
        .to_numpy(object)
    )


def furthest(rows: Rows, up: bool) -> Cells:
    """Share the unknown out so that the group's relative rate is as high (or as low) as it can be.

    The rate of a group, ``(x + e) / (n + e + f)``, never falls when a child who reached the stage joins it
    (e) and never rises when one who did not joins it (f). So the ratio of two groups is highest when the
    group takes every unknown child who reached the stage and the reference every one who did not, and
    lowest the other way round. Each child is then in one group, nobody is left over, and so this is a way
    of sharing out even where there are only two groups: the bound is attained. The one exception is a
    group with nobody of known ethnicity and nobody to gain by the rule: without one child it has no rate
    at all, so it is given one, of the other kind.

    Returns
    -------
    Cells
        Events and denominators after sharing out; whole numbers wherever the counts were.
    """
    x, n, other_x, other_n = rows.cells
    stage, reached, rest = rows.stage, rows.reached, rows.rest
    mine, theirs = (n == 0) & stage, (other_n == 0) & stage & (not rows.fixed)
    if up:
        lent = (theirs & (rest == 0) & (reached > 0)).astype(float)
        stray = (mine & (reached == 0) & (rest > 0)).astype(float)
        gain, loss, back, away = reached - lent, stray, lent, rest - stray
    else:
        lent = (mine & (rest == 0) & (reached > 0)).astype(float)
        stray = (theirs & (reached == 0) & (rest > 0)).astype(float)
        gain, loss, back, away = lent, rest - stray, reached - lent, stray
    grown = n + np.where(stage, gain + loss, 0)
    if rows.fixed:
        return Cells(x + gain, grown, other_x, other_n)
    return Cells(x + gain, grown, other_x + back, other_n + np.where(stage, back + away, 0))


def loosened(rows: Rows, half: int, up: bool) -> Iterator[Rows]:
    """Give the true counts for which the printed ones may stand, where the bounds they have lie furthest out.

    A group's highest relative rate rises with its own events and falls with its denominator, the other way round
    for its reference, and rises with the unknown who did not reach the stage: each is as far out as it can be.
    Of the unknown who did, each number in turn: one of them more is one fewer of the rest.

    Parameters
    ----------
    rows : Rows
        Of printed counts.
    half : int
        By how many a true count may be higher or lower than the printed one.
    up : bool
        Whether the highest or the lowest relative rate is sought.

    Yields
    ------
    Rows
        For each number of unknown who reached the stage; with ``half`` 0 the rows themselves.
    """
    x, n, other_x, other_n = rows.cells
    way = half if up else -half
    away = way * rows.summed
    y, other_y = np.maximum(x + way, 0), np.maximum(other_x - away, 0)
    m, other_m = np.maximum(n - way, n > 0), np.maximum(other_n + away, other_n > 0)
    y, other_y = (np.where(rows.stage, np.minimum(a, b), a) for a, b in ((y, m), (other_y, other_m)))
    for more in range(-half, half + 1):
        reached = np.maximum(rows.reached + more, 0)
        rest = np.where(rows.stage, np.maximum(rows.reached + rows.rest + half - reached, 0), 0)
        yield rows._replace(cells=Cells(y, m, other_y, other_m), reached=reached, rest=rest)


def tilted(rows: Rows, log_ratio: np.ndarray) -> tuple[Cells, np.ndarray, np.ndarray]:
    """Share the unknown out like the known, but with the odds of being in the group tilted.

    Among the unknown who reached the stage, the odds of being of the group rather than of the reference
    are the known odds times ``exp(log_ratio)``; among those who did not, divided by it. At 0 the unknown are
    like the known who came to the same decision; towards infinity this is :func:`furthest`. One child is
    spread evenly over the known groups first, so that a group with no events can still be given some. The
    numbers are rounded to whole children.

    Returns
    -------
    cells : Cells
        Events and denominators after sharing out.
    gain, back : ndarray of float
        How many of those who reached the stage went to the group, and to the reference.
    """
    x, n, other_x, other_n = rows.cells
    gain, back = _tilt(rows.reached, x, rows, 0, log_ratio)
    loss, away = _tilt(rows.rest, n - x, rows, 1, -log_ratio)
    grown = n + np.where(rows.stage, gain + loss, 0)
    if rows.fixed:
        return Cells(x + gain, grown, other_x, other_n), gain, back
    grown_other = other_n + np.where(rows.stage, back + away, 0)
    return Cells(x + gain, grown, other_x + back, grown_other), gain, back


def _tilt(number, mine, rows: Rows, kind: int, log_ratio) -> tuple[np.ndarray, np.ndarray]:
    """Whole children to the group and to its rivals, out of a number of one kind to share out."""
    (rival, rivals), (other, others) = ((side[kind], side[2]) for side in (rows.rivals, rows.others))
    groups = 1 + rivals + others
    a = (mine + 1 / groups) * np.exp(log_ratio / 2)
    b = (rival + rivals / groups) * np.exp(-log_ratio / 2)
    c = other + others / groups
    to_group = np.rint(number * a / (a + b + c))
    to_rival = np.minimum(np.rint(number * b / (a + b + c)), number - to_group)
    return to_group, np.where(others == 0, number - to_group, to_rival)


def ratio(cells: Cells) -> np.ndarray:
    """Divide the group's rate by the reference's: inf over 0, NaN for 0 over 0."""
    with np.errstate(all="ignore"):
        rate, other = cells.events / cells.denominator, cells.other_events / cells.other_denominator
        return np.where((rate > 0) & (other == 0), np.inf, rate / other)


def interval(
    cells: Cells, stage: np.ndarray, rows: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the relative rate on the chosen rows, by the kit's default for the base; NaN elsewhere."""
    low, high = np.full((2, len(stage)), np.nan)
    for chosen, function in ((rows & stage, intervals.risk_ratio), (rows & ~stage, intervals.rate_ratio)):
        if chosen.any():
            found = function(*(c[chosen] for c in cells), level=level)
            low[chosen], high[chosen] = found.low, found.high
    return low, high
