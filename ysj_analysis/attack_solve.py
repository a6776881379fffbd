"""What are the smallest and largest values each unknown can have? Bounds first, then integers.

The program falls apart into components that share no unknown. Within each, bounds are propagated until
they stand still; rows that then say nothing are dropped, which breaks it up further; and what is still
open is put to HiGHS. Every solution found also shows values that are possible, so most unknowns are seen
to be wide without being asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from .attack_facts import MOST
from .attack_program import NOTHING, Bound, Curve, Program, Row, lines, tried_out

_EPS = 1e-6
_MUCH = 2000
"""A hidden count that is not small is no larger than this."""
_SECONDS = 20.0


class Contradiction(Exception):
    """No whole numbers fit what is printed: it is not true, or not of one whole."""


@dataclass
class Part:
    """A component of the program.

    Attributes
    ----------
    places : array of int
        Its unknowns, by their places in the program.
    rows : list of Row
        What ties them, by local place.
    curves : list of Curve
        Figures, by local place.
    bounds : array
        Local place, low, high and fact of each printed count, and 1 if it is a mark that may hide more.
    """

    places: np.ndarray
    rows: list[Row]
    curves: list[Curve]
    bounds: np.ndarray

    def facts(self) -> list[int]:
        """List the facts in it."""
        found = {int(f) for f in self.bounds[:, 3]} | {c.fact for c in self.curves}
        return sorted(found - {NOTHING})


def parts(program: Program) -> Iterator[Part]:
    """Divide a program into components."""
    ties = [r.places for r in program.rows] + [c.places for c in program.curves]
    label = _labels(len(program.cells), ties)
    order = np.argsort(label, kind="stable")
    local = np.empty(len(label), int)
    starts = np.r_[np.flatnonzero(np.r_[True, np.diff(label[order]) > 0]), len(label)]
    for a, b in pairwise(starts):
        local[order[a:b]] = np.arange(b - a)
    held: dict[int, Part] = {
        int(label[order[a]]): Part(order[a:b], [], [], np.empty((0, 5))) for a, b in pairwise(starts)
    }
    for row in program.rows:
        held[int(label[row.places[0]])].rows.append(row._replace(places=tuple(local[list(row.places)])))
    for curve in program.curves:
        held[int(label[curve.places[0]])].curves.append(
            curve._replace(places=tuple(local[list(curve.places)]))
        )
    bounds = np.array([tuple(b) for b in program.bounds], float).reshape(-1, 5)
    owner = label[bounds[:, 0].astype(int)]
    bounds[:, 0] = local[bounds[:, 0].astype(int)]
    for key, part in held.items():
        part.bounds = bounds[owner == key]
    yield from held.values()


def doubted(part: Part) -> tuple[Part, int]:
    """Believe as many marks as can be, where not all of them can stand for a small count.

    Parameters
    ----------
    part : Part
        A component that contradicts itself.

    Returns
    -------
    part : Part
        With a switch for each mark, 1 if the count behind it is not small, and no more switches on than
        there must be.
    number : int
        How many that is.

    Raises
    ------
    Contradiction
        If it contradicts itself whatever the marks stand for.
    """
    marks = part.bounds[:, 4] > 0
    at: list[int] = np.unique(part.bounds[marks, 0].astype(int)).tolist()
    if not at:
        raise Contradiction(0)
    switches = range(len(part.places), len(part.places) + len(at))
    most = {p: part.bounds[marks & (part.bounds[:, 0] == p), 2].min() for p in at}
    plain = part.bounds[~marks]
    free = [Bound(p, 0, _MUCH, NOTHING) for p in at] + [Bound(s, 0, 1, NOTHING) for s in switches]
    bounds = np.vstack([plain, np.array([tuple(b) for b in free], float)])
    rows = [Row((p, s), (1.0, -float(_MUCH)), -np.inf, most[p]) for p, s in zip(at, switches, strict=True)]
    places = np.r_[part.places, np.full(len(at), NOTHING)]
    whole = Part(places, part.rows + rows, part.curves, bounds)
    number = Solver(*narrowed(whole)).least(np.array(switches))
    cap = Row(tuple(switches), (1.0,) * len(at), 0, number)
    return Part(places, [*whole.rows, cap], part.curves, bounds), number


def _labels(size: int, ties) -> np.ndarray:
    """Number the component of each unknown."""
    ends = np.array([(t[0], p) for t in ties for p in t[1:]], int).reshape(-1, 2)
    graph = sparse.coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    return sparse.csgraph.connected_components(graph, directed=False)[1]


def narrowed(part: Part, facts: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, list[Row]]:
    """Propagate bounds until they stand still.

    Parameters
    ----------
    part : Part
        A component.
    facts : array of bool, optional
        Which facts to believe, by number; all of them if left out.

    Returns
    -------
    lower, upper : array of float
        Bounds of its unknowns.
    rows : list of Row
        Its rows, figures written as lines among them.

    Raises
    ------
    Contradiction
        If nothing fits.
    """
    lower, upper = np.zeros(len(part.places)), np.full(len(part.places), float(MOST))
    bounds, curves = part.bounds, part.curves
    if facts is not None:
        bounds = bounds[facts[bounds[:, 3].astype(int)] | (bounds[:, 3] == NOTHING)]
        curves = [c for c in curves if facts[c.fact]]
    at = bounds[:, 0].astype(int)
    np.maximum.at(lower, at, bounds[:, 1])
    np.minimum.at(upper, at, bounds[:, 2])
    _propagate(part.rows, lower, upper)
    drawn: list[Row] = []
    for _ in range(6):
        before = lower.sum() - upper.sum()
        drawn = [row for curve in curves for row in lines(curve, lower, upper)]
        _propagate(part.rows + drawn, lower, upper)
        for curve in curves:
            hull = tried_out(curve, lower, upper)
            if hull is None:
                continue
            if np.isnan(hull).any():
                raise Contradiction(int(curve.places[0]))
            places = list(curve.places)
            lower[places], upper[places] = (
                np.maximum(lower[places], hull[0]),
                np.minimum(upper[places], hull[1]),
            )
        if lower.sum() - upper.sum() == before:
            break
    return lower, upper, part.rows + drawn


def _propagate(rows: list[Row], lower: np.ndarray, upper: np.ndarray) -> None:
    """Tighten bounds by every row in turn, all rows at once, until nothing moves."""
    if (lower > upper).any():
        raise Contradiction(int(np.argmax(lower > upper)))
    if not rows:
        return
    row, place, weight, low, high = _arrays(rows)
    for _ in range(200):
        least = np.where(weight > 0, weight * lower[place], weight * upper[place])
        most = np.where(weight > 0, weight * upper[place], weight * lower[place])
        all_least, all_most = (np.bincount(row, v, minlength=len(low)) for v in (least, most))
        if (all_least > high + _EPS).any() or (all_most < low - _EPS).any():
            wrong = (all_least > high + _EPS) | (all_most < low - _EPS)
            raise Contradiction(rows[int(np.argmax(wrong))].places[0])
        top = (high[row] - (all_least[row] - least)) / weight
        bottom = (low[row] - (all_most[row] - most)) / weight
        top, bottom = np.where(weight > 0, top, bottom), np.where(weight > 0, bottom, top)
        new_upper, new_lower = upper.copy(), lower.copy()
        np.minimum.at(new_upper, place, np.floor(top + _EPS))
        np.maximum.at(new_lower, place, np.ceil(bottom - _EPS))
        if (new_lower > new_upper).any():
            raise Contradiction(int(np.argmax(new_lower > new_upper)))
        if (new_upper == upper).all() and (new_lower == lower).all():
            return
        upper[:], lower[:] = new_upper, new_lower


def _arrays(rows: list[Row]) -> tuple[np.ndarray, ...]:
    row = np.repeat(np.arange(len(rows)), [len(r.places) for r in rows])
    place = np.concatenate([np.asarray(r.places, int) for r in rows])
    weight = np.concatenate([np.asarray(r.weights, float) for r in rows])
    low, high = np.array([r.low for r in rows]), np.array([r.high for r in rows])
    return row, place, weight, low, high


class Solver:
    """The integer programs of one component, after its bounds have been propagated."""

    def __init__(self, lower: np.ndarray, upper: np.ndarray, rows: list[Row]):
        self.lower, self.upper = lower, upper
        self.rows = _open(rows, lower, upper)
        self.label = _labels(len(lower), [r.places for r in self.rows])
        self.systems: dict[int, tuple] = {}
        self.seen_low, self.seen_high = np.full(len(lower), np.inf), np.full(len(lower), -np.inf)
        alone = np.bincount(self.label)[self.label] == 1
        self.seen_low[alone], self.seen_high[alone] = lower[alone], upper[alone]

    def range(self, place: int, enough: float = np.inf) -> tuple[int, int, bool]:
        """Find the smallest and largest value of an unknown.

        Parameters
        ----------
        place : int
            Which.
        enough : float
            Once two possible values this far apart have been seen, stop.

        Returns
        -------
        low, high : int
            The range; or one within it, if that was enough.
        exact : bool
            Whether it is the whole range.
        """
        for sign in (-1, 1):
            if self.seen_high[place] - self.seen_low[place] >= enough:
                break
            end, seen = (self.lower, self.seen_low) if sign < 0 else (self.upper, self.seen_high)
            if seen[place] != end[place]:
                end[place] = self._extreme(place, sign)
        found = (self.seen_low[place], self.seen_high[place])
        whole = found == (self.lower[place], self.upper[place])
        if self.seen_high[place] - self.seen_low[place] < enough:
            return int(self.lower[place]), int(self.upper[place]), True
        return int(found[0]), int(found[1]), whole

    def spread(self, places: np.ndarray, enough: float) -> None:
        """See far apart values of many unknowns at once, by pushing all of them up and down together.

        Parameters
        ----------
        places : array of int
            Which.
        enough : float
            Leave out those of which two possible values this far apart have been seen.
        """
        for label in np.unique(self.label[places]):
            mine = places[self.label[places] == label]
            for sign in (1, -1) * 3:
                near = mine[self.seen_high[mine] - self.seen_low[mine] < enough]
                if len(near) < 3:
                    break
                self._pushed(near, sign)

    def least(self, places: np.ndarray) -> int:
        """Find how few of some switches are on at the least."""
        found = 0
        for label in np.unique(self.label[places]):
            mine = places[self.label[places] == label]
            if np.bincount(self.label)[label] == 1:
                found += int(self.lower[mine].sum())
                continue
            result = self._pushed(mine, -1)
            if result.x is None:
                raise Contradiction(int(mine[0]))
            found += round(result.fun)
        return found

    def _extreme(self, place: int, sign: int) -> float:
        """Push one unknown as far as it goes."""
        result = self._pushed(np.array([place]), sign)
        if result.x is None:
            return self.upper[place] if sign > 0 else self.lower[place]
        best = result.fun if result.status == 0 else result.mip_dual_bound
        return float(np.floor(-best + _EPS) if sign > 0 else np.ceil(best - _EPS))

    def _pushed(self, places: np.ndarray, sign: int):
        """Push some unknowns as far as they go together, and remember every value seen on the way."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        members, matrix, low, high = self._system(self.label[places[0]])
        result = milp(
            np.where(np.isin(members, places), -float(sign), 0.0),
            constraints=LinearConstraint(matrix, low, high),
            bounds=Bounds(self.lower[members], self.upper[members]),
            integrality=np.ones(len(members)),
            options={"time_limit": _SECONDS, "mip_rel_gap": 0.0, "presolve": False},
        )
        if result.status == 2:
            raise Contradiction(int(places[0]))
        if result.x is not None:
            values = np.round(result.x)
            sums = matrix @ values
            if ((sums >= low - 1e-5) & (sums <= high + 1e-5)).all():
                self.seen_low[members] = np.minimum(self.seen_low[members], values)
                self.seen_high[members] = np.maximum(self.seen_high[members], values)
        return result

    def _system(self, label: int) -> tuple:
        """Lay out the rows of one open component for the solver; kept, since it is asked many times."""
        if label not in self.systems:
            members = np.flatnonzero(self.label == label)
            rows = [r for r in self.rows if self.label[r.places[0]] == label]
            row, place, weight, low, high = _arrays(rows)
            shape = (len(rows), len(members))
            matrix = sparse.csr_matrix((weight, (row, np.searchsorted(members, place))), shape=shape)
            self.systems[label] = (members, matrix, low, high)
        return self.systems[label]


def _open(rows: list[Row], lower: np.ndarray, upper: np.ndarray) -> list[Row]:
    """Keep the rows that still say something; put in the values that are known."""
    if not rows:
        return []
    row, place, weight, low, high = _arrays(rows)
    least = np.bincount(row, np.where(weight > 0, weight * lower[place], weight * upper[place]))
    most = np.bincount(row, np.where(weight > 0, weight * upper[place], weight * lower[place]))
    kept = []
    for i in np.flatnonzero((least < low - _EPS) | (most > high + _EPS)):
        one = rows[i]
        free = [(p, w) for p, w in zip(one.places, one.weights, strict=True) if lower[p] < upper[p]]
        known = sum(
            w * lower[p] for p, w in zip(one.places, one.weights, strict=True) if lower[p] == upper[p]
        )
        if free:
            places, weights = tuple(p for p, _ in free), tuple(w for _, w in free)
            kept.append(Row(places, weights, one.low - known, one.high - known, one.fact))
    return kept
