"""Which whole numbers could stand behind what is printed? Facts become rows of one integer program.

The unknowns are cells. A printed count bounds one; totals, windows of time and "some of those" tie cells
together; percentages, rates and ratios are lines (exact where their bases are known, loosened to what the
bases allow where not), and everything else is a curve that is tried out over its few possible counts.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import NamedTuple

import numpy as np

from .attack_arithmetic import end_of, estimate
from .attack_facts import MOST, PERSON_UNITS, Cell, Figure, Release

NOTHING = -1
"""The fact behind a row that is true whatever is printed."""

_GRID = 400_000
_DEAR_GRID = 20_000


class Row(NamedTuple):
    """A weighted sum of unknowns lies between two values, because of a fact."""

    places: tuple[int, ...]
    weights: tuple[float, ...]
    low: float
    high: float
    fact: int = NOTHING


class Bound(NamedTuple):
    """An unknown lies between two whole numbers, because of a fact; ``mark`` as of a ``Count``."""

    place: int
    low: int
    high: int
    fact: int
    mark: bool = False


class Curve(NamedTuple):
    """A figure of unknowns, because of a fact."""

    places: tuple[int, ...]
    figure: Figure
    fact: int


class Program:
    """The unknowns and all that ties them.

    Attributes
    ----------
    cells : list of Cell
        The unknowns.
    bounds, rows, curves : list
        What is known of them.
    facts : list of str
        Where each fact is printed, and what.
    targets : list of int
        The unknowns that count children (or episodes) at a stage: those under attack.
    """

    def __init__(self, release: Release):
        self.cells: list[Cell] = []
        self.places: dict[Cell, int] = {}
        self.bounds: list[Bound] = []
        self.rows: list[Row] = []
        self.curves: list[Curve] = []
        self.facts: list[str] = []
        helpers: set[Cell] = set()
        bases = {(c.what, c.unit) for c in release.bases}
        for count in release.counts:
            fact = self._fact(f"{count.source}: {count.shown}")
            self.bounds.append(Bound(self.place(count.cell), count.low, count.high, fact, count.mark))
        for figure in release.figures:
            fact = self._fact(f"{figure.source}: {figure.shown}")
            self.curves.append(Curve(tuple(self.place(c) for c in figure.cells), figure, fact))
        for total, parts, exact, _ in release.sums:
            self._add_up(total, parts, exact)
        for part, whole in sorted(release.within, key=str):
            rest = part._replace(what=f"not {part.what}")
            helpers |= {rest} & {p for p, _ in release.within}
            self.row({whole: 1, part: -1, rest: -1}, 0, 0)
        totals = {s.total for s in release.sums if s.exact}
        helpers |= self._windows(totals, release.within)
        self.targets = [
            i
            for i, cell in enumerate(self.cells)
            if cell not in helpers and (cell.what, cell.unit) not in bases
        ]

    def place(self, cell: Cell) -> int:
        """Number a cell, a new one if it has none."""
        if cell not in self.places:
            self.places[cell] = len(self.cells)
            self.cells.append(cell)
        return self.places[cell]

    def row(self, weights: dict[Cell, float], low: float, high: float) -> None:
        """Tie cells together, whatever is printed."""
        self.rows.append(Row(tuple(self.place(c) for c in weights), tuple(weights.values()), low, high))

    def _fact(self, text: str) -> int:
        self.facts.append(text)
        return len(self.facts) - 1

    def _add_up(self, total: Cell, parts: tuple[Cell, ...], exact: bool) -> None:
        everyone = dict.fromkeys(parts, 1.0) | {total: -1.0}
        self.row(everyone, 0, 0 if exact else np.inf)
        if not exact:
            for part in parts:
                self.row({total: 1, part: -1}, 0, np.inf)

    # -- time ----------------------------------------------------------------------------------------

    def _windows(self, totals: set[Cell], within: set[tuple[Cell, Cell]]) -> set[Cell]:
        """Tie the windows of each series together; give the helpers made for it.

        Episodes add over periods. A child is counted once in a window however often it returns: with
        c(y) children in period y, of whom h(u, v) were last seen in u and next in v, a window holds the
        sum of its c less the sum of its h. No more can have been seen before, or be seen again, than
        were there. This is exact: any such whole numbers are those of some children.
        """
        series = defaultdict(set)
        for cell in list(self.cells):
            if cell.window is not None and cell not in totals:
                series[cell._replace(window=None)].add(cell.window)
        helpers: set[Cell] = set()
        split = {one for one, windows in series.items() if len(windows) > 1}
        for one in split:
            first, last = min(w[0] for w in series[one]), max(w[1] for w in series[one])
            single = {y: one._replace(window=(y, y)) for y in range(first, last + 1)}
            again: dict[tuple[int, int], Cell] = {}
            if one.unit in PERSON_UNITS:
                what = f"{one.what}, again"
                again = {p: one._replace(what=what, window=p) for p in combinations(single, 2)}
                helpers |= set(again.values())
                for y, cell in single.items():
                    for side in (0, 1):
                        seen = {c: -1.0 for p, c in again.items() if p[side] == y}
                        if seen:
                            self.row({cell: 1.0} | seen, 0, np.inf)
            for a, b in series[one]:
                if a < b:
                    parts = {single[y]: 1.0 for y in range(a, b + 1)}
                    parts |= {c: -1.0 for (u, v), c in again.items() if a <= u and v <= b}
                    self.row(parts | {one._replace(window=(a, b)): -1.0}, 0, 0)
        pairs = {(p._replace(window=None), w._replace(window=None)) for p, w in within}
        for part, whole in sorted(((p, w) for p, w in pairs if p in split and w in split), key=str):
            for y in range(min(w[0] for w in series[part]), max(w[1] for w in series[part]) + 1):
                one, other = part._replace(window=(y, y)), whole._replace(window=(y, y))
                if one in self.places and other in self.places:
                    self.row({other: 1.0, one: -1.0}, 0, np.inf)
        return helpers


def lines(curve: Curve, lower: np.ndarray, upper: np.ndarray) -> list[Row]:
    """Write a figure as rows, loosened to what the bounds of its bases allow.

    Parameters
    ----------
    curve : Curve
        The figure.
    lower, upper : array
        Bounds of all unknowns.

    Returns
    -------
    list of Row
        Empty where the figure has no line: an interval's end, or an odds ratio.
    """
    figure, places = curve.figure, curve.places
    low, high = figure.low / figure.per, figure.high / figure.per
    if figure.end != "estimate":
        return []
    if figure.kind == "count":
        return [Row(places, (1.0,), low, high, curve.fact)]
    if figure.kind in ("share", "proportion", "rate", "change"):
        add = 1.0 if figure.kind == "change" else 0.0
        return _both(places, [(1.0, -(low + add))], [(1.0, -(high + add))], curve.fact)
    if len(places) < 4 or max(upper[places[1]], upper[places[3]]) >= MOST or lower[places[1]] < 1:
        return []
    x, n, rx, rn = places
    nl, nh, ml, mh = lower[n], upper[n], max(lower[rn], 1), upper[rn]
    if figure.kind in ("rate_ratio", "risk_ratio", "representation_index"):
        return _both((x, rx), [(mh / nl, -low)], [(ml / nh, -high)], curve.fact)
    if figure.kind in ("risk_difference", "rate_difference"):
        return _both((x, rx), [(1 / nl, -1 / mh, low)], [(1 / nh, -1 / ml, high)], curve.fact)
    if figure.kind in ("events_above_parity", "events_above_share"):
        return _both((x, rx), [(1.0, -nl / mh, low)], [(1.0, -nh / ml, high)], curve.fact)
    return []


def _both(places, least, most, fact: int) -> list[Row]:
    """Make a row from each side; weights are scaled to at most 1 for the solver's sake."""
    rows = []
    for weights, side in ((least[0], 0), (most[0], 1)):
        bound = weights[2] if len(weights) > 2 else 0.0
        scale = max(abs(w) for w in weights[:2])
        if not np.isfinite([scale, bound]).all() or scale == 0:
            continue
        low, high = (bound / scale - 1e-9, np.inf) if side == 0 else (-np.inf, bound / scale + 1e-9)
        used = [(p, w / scale) for p, w in zip(places[:2], weights[:2], strict=True) if w]
        rows.append(Row(tuple(p for p, _ in used), tuple(w for _, w in used), low, high, fact))
    return rows


def tried_out(curve: Curve, lower: np.ndarray, upper: np.ndarray) -> np.ndarray | None:
    """Try every combination of counts a figure could come from.

    Parameters
    ----------
    curve : Curve
        The figure.
    lower, upper : array
        Bounds of all unknowns.

    Returns
    -------
    array or None
        Smallest and largest possible count of each of the figure's cells, one column a cell; NaN if
        none is possible; None if there are too many to try, or the intruder has no such arithmetic.
    """
    figure, places = curve.figure, list(curve.places)
    sizes = upper[places] - lower[places] + 1
    dear = figure.kind == "odds_ratio" and figure.end != "estimate"
    if np.prod(sizes.astype(float)) > (_DEAR_GRID if dear else _GRID):
        return None
    axes = np.meshgrid(*(np.arange(lower[p], upper[p] + 1) for p in places), indexing="ij")
    counts = [a.ravel() for a in axes]
    if figure.end == "estimate":
        value = estimate(figure.kind, *counts, per=figure.per)
    else:
        function = end_of(figure.kind, figure.end, figure.method)
        if function is None:
            return None
        value = function(*counts, per=figure.per)
    slack = 1e-9 * np.maximum(1.0, np.abs(value))
    with np.errstate(invalid="ignore"):
        fits = (value >= figure.low - slack) & (value <= figure.high + slack)
    if not fits.any():
        return np.full((2, len(places)), np.nan)
    return np.array([[c[fits].min() for c in counts], [c[fits].max() for c in counts]])
