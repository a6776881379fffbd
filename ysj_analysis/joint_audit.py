"""How closely can someone who holds every table work out a count? The range it must lie in.

Bounds are propagated through the whole system first. What that leaves open is settled by whole-number
solutions: each solution found shows how far apart every count of its part can lie, so most counts are
shown to be safe by solutions found for another. A count passes if its range is at least 5 wide, or
begins at 5 or more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from .joint_facts import OWN, UNLIMITED
from .joint_system import System
from .policies import DisclosureError

WIDE = 5
"""How wide a range must be, or at how many it must begin."""

STEPS = 3_000_000
"""What an audit may take: steps of the solver, which are as many on every machine. Far more than any report needs."""

SECONDS = 3_600.0
"""Only a guard, should single steps be slower than anything known: after an hour by the clock, refused too."""

_ROUNDS = 60
_MANY, _NEAR = 16, 0.2
_SLACK = 1e-6


class Contradiction(DisclosureError):
    """No table of whole numbers could print so."""


class OutOfTime(DisclosureError):
    """The audit did not finish in the steps it was given."""


class Budget:
    """What is left of the steps that an audit may take, and of the time on the clock that guards it.

    Parameters
    ----------
    steps : int
        How many. A question put to the solver is one, each of its iterations and each of its nodes another.
    seconds : float
        How long by the clock.
    """

    def __init__(self, steps: int = STEPS, seconds: float = SECONDS):
        self.steps, self._until = steps, time.monotonic() + seconds

    @property
    def seconds(self) -> float:
        """How long the solver may still take."""
        return self._until - time.monotonic()

    def require(self, system: System) -> None:
        """Refuse to go on if nothing is left."""
        if self.steps <= 0 or self.seconds <= 0:
            raise OutOfTime(
                f"the joint audit did not finish in its time: {len(system.names)} linked counts, first "
                f"{system.names[0]}. Drop a dimension (sex, or single years beside pooled ones), or pool more years."
            )


@dataclass(frozen=True)
class Finding:
    """A count that could be worked out too closely.

    Attributes
    ----------
    name : str
        Which.
    low, high : float
        The range it must lie in.
    target : int
        Its line among the targets of its system.
    """

    name: str
    low: float
    high: float
    target: int


def propagated(system: System) -> tuple[np.ndarray, np.ndarray]:
    """Bound every variable by every line, again and again until nothing moves.

    Parameters
    ----------
    system : System
        Linked counts.

    Returns
    -------
    tuple of array
        The least and the most of each variable, whole numbers. Never narrower than the truth.

    Raises
    ------
    Contradiction
        If no numbers are left.
    """
    rows = system.rows.tocoo()
    i, j, a = rows.row, rows.col, rows.data
    low = np.zeros(system.rows.shape[1])
    high = np.full(system.rows.shape[1], float(UNLIMITED))
    for _ in range(_ROUNDS):
        least = np.where(a > 0, a * low[j], a * high[j])
        most = np.where(a > 0, a * high[j], a * low[j])
        sums = [np.bincount(i, part, len(system.low)) for part in (least, most)]
        above = (system.high[i] - (sums[0][i] - least)) / a
        below = (system.low[i] - (sums[1][i] - most)) / a
        upper, lower = np.where(a > 0, above, below), np.where(a > 0, below, above)
        new_low, new_high = low.copy(), high.copy()
        np.maximum.at(new_low, j, np.ceil(lower - _SLACK))
        np.minimum.at(new_high, j, np.floor(upper + _SLACK))
        if (new_low > new_high).any():
            raise Contradiction(_contradiction(system))
        if (new_low == low).all() and (new_high == high).all():
            break
        low, high = new_low, new_high
    return low, high


def outer(system: System, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bound every target by the bounds of the variables."""
    t = system.targets
    positive, negative = t.maximum(0), t.minimum(0)
    return positive @ low + negative @ high, positive @ high + negative @ low


def ranges(system: System) -> np.ndarray:
    """Find the range of every target over whole numbers, exactly.

    Parameters
    ----------
    system : System
        Linked counts.

    Returns
    -------
    array
        A row a target: the least and the most it can be.

    Raises
    ------
    Contradiction
        If no numbers satisfy the system.
    """
    solver = Solver(system, *propagated(system))
    found = [[solver.extreme(t, sign, whole=True)[0] for sign in (1, -1)] for t in range(len(system.names))]
    return np.array(found).reshape(-1, 2)


def possible(system: System) -> bool:
    """Say whether any table of whole numbers prints so."""
    try:
        low, high = propagated(system)
        Solver(system, low, high).extreme(0, 1, whole=True)
    except Contradiction:
        return False
    return True


def passing(system: System, targets: Sequence[int], *, budget: Budget | None = None) -> bool:
    """Say whether none of these targets can be worked out too closely."""
    solver = Solver(system, *propagated(system), budget)
    solver.look_for_wide(targets)
    return all(solver.narrow(target) is None for target in targets)


def failing(
    system: System, *, among: Sequence[int] | None = None, budget: Budget | None = None
) -> list[Finding]:
    """Find the counts that could be worked out too closely.

    Parameters
    ----------
    system : System
        Linked counts.
    among : sequence of int, optional
        Which targets to look at; all if left out.
    budget : Budget, optional
        What it may take; a whole one if left out.

    Returns
    -------
    list of Finding
        In order of the targets; empty if all of them pass.

    Raises
    ------
    Contradiction, OutOfTime
        If no numbers satisfy the system, or it takes more than there is.
    """
    low, high = propagated(system)
    begins, ends = outer(system, low, high)
    open_ = [t for t in (range(len(begins)) if among is None else among) if begins[t] < WIDE]
    if not open_:
        return []
    solver = Solver(system, low, high, budget)
    solver.look_for_wide(open_)
    first_narrow = sorted(open_, key=lambda t: (ends[t] - begins[t] >= WIDE, t))
    found = [solver.narrow(target) for target in first_narrow]
    return sorted((f for f in found if f is not None), key=lambda f: f.target)


def blamed(system: System, finding: Finding, *, budget: Budget | None = None) -> list[int]:
    """Say which of this release's prints a narrow range rests on: those with a price in its extremes.

    Parameters
    ----------
    system : System
        Linked counts.
    finding : Finding
        From :func:`failing`.
    budget : Budget, optional
        As there.

    Returns
    -------
    list of int
        Which facts, in order. Where prices name none that can still change, all that are linked.
    """
    own = np.array([f.origin == OWN and f.level < 3 for f in system.facts], bool)
    priced = np.zeros(len(system.facts), bool)
    solver = Solver(system, *propagated(system), budget, bound=False)
    for sign in (1, -1):
        prices = solver.prices(finding.target, sign)
        if prices is not None:
            priced |= np.abs(prices[: len(system.facts)]) > _SLACK
    return np.flatnonzero(priced & own if (priced & own).any() else own).tolist()


class Solver:
    """One model of a system, loaded once and asked for the extremes of one target after another."""

    def __init__(
        self,
        system: System,
        low: np.ndarray,
        high: np.ndarray,
        budget: Budget | None = None,
        *,
        bound: bool = True,
    ):
        self.system, self.budget = system, budget or Budget()
        self.costs = system.targets.tocsr()
        self.columns = np.arange(len(low), dtype=np.int32)
        self.seen = np.array([[np.inf], [-np.inf]]) * np.ones(len(system.names))
        self.whole = False
        self.model = highspy.Highs()
        self.model.silent()
        self.model.setOptionValue("threads", 1)
        self.model.passModel(
            _linear(system, low if bound else 0 * low, high if bound else 0 * high + UNLIMITED)
        )

    def coarser(self, system: System) -> Solver:
        """Load the same system with wider ends: what was seen to be possible still is."""
        found = Solver(system, *propagated(system), self.budget)
        found.seen = self.seen
        return found

    def look_for_wide(self, targets: Sequence[int]) -> None:
        """Look for whole numbers that show many targets to be wide at once, as long as each look shows a few."""
        signs = np.random.default_rng(0)
        left = self._unseen(targets)
        cost = np.ones(len(left)) @ self.costs[left]
        while len(left) > _MANY:
            for sign in (1, -1):
                self._extreme(sign * cost, whole=True, near=_NEAR)
            still = self._unseen(left)
            if len(left) - len(still) < len(left) / 20:
                return
            left = still
            cost = signs.choice((-1.0, 1.0), len(left)) @ self.costs[left]

    def _unseen(self, targets: Sequence[int] | np.ndarray) -> np.ndarray:
        """Leave out what solutions have shown to be wide."""
        left = np.array(targets, int)
        return left[self.seen[1][left] - self.seen[0][left] < WIDE]

    def narrow(self, target: int) -> Finding | None:
        """Find the range of a target, if it is too narrow."""
        if not len(self._unseen([target])):
            return None
        least, most = self.range(target)
        return (
            Finding(str(self.system.names[target]), least, most, target) if _is_narrow(least, most) else None
        )

    def range(self, target: int) -> tuple[float, float]:
        """Find the range of a target, over whole numbers where that could make it too narrow.

        Whole numbers only narrow what the reals leave: what is too narrow already needs no second look, nor
        what two solutions in whole numbers show to be wide. However wide the reals leave it, only such
        solutions let it pass.
        """
        ends = [self.extreme(target, sign, whole=False)[0] for sign in (1, -1)]
        least, most = np.ceil(ends[0] - _SLACK), np.floor(ends[1] + _SLACK)
        if least >= WIDE or most - least < WIDE:
            return least, most
        for end, sign in enumerate((1, -1)):
            if self.seen[1][target] - self.seen[0][target] >= WIDE:
                break
            ends[end] = self.extreme(target, sign, whole=True)[0]
        return np.ceil(ends[0] - _SLACK), np.floor(ends[1] + _SLACK)

    def extreme(self, target: int, sign: int, *, whole: bool) -> tuple[float, np.ndarray]:
        """Find the least (1) or the most (-1) of a target, and a solution at which it is reached."""
        cost = self._cost(target)
        x = self._extreme(sign * cost, whole=whole)
        return float(cost @ x), x

    def _extreme(self, cost: np.ndarray, *, whole: bool, near: float = 0.0) -> np.ndarray:
        """Find a solution at which a sum is least, or so near to it; keep in mind what it shows of every target."""
        status = self._solve(cost, whole, near)
        if (
            status == highspy.HighsModelStatus.kInfeasible and whole
        ):  # HiGHS 1.15 may lose solutions beforehand
            self.model.setOptionValue("presolve", "off")
            status = self._solve(cost, whole, near)
            self.model.setOptionValue("presolve", "choose")
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Contradiction(_contradiction(self.system))
        if status != highspy.HighsModelStatus.kOptimal:
            self.budget.require(self.system)
            raise OutOfTime(
                f"the joint audit could not settle 1 of {len(self.system.names)} counts, among those linked with "
                f"{self.system.names[0]}. Drop a dimension (sex, or single years beside pooled ones)."
            )
        x = np.array(self.model.getSolution().col_value)
        if whole or np.abs(x - np.round(x)).max() < _SLACK:
            x = np.round(x)
            if self._solves(x):
                values = self.costs @ x
                self.seen = np.array([np.minimum(self.seen[0], values), np.maximum(self.seen[1], values)])
        return x

    def _solves(self, x: np.ndarray) -> bool:
        """Say whether whole numbers satisfy the system, and not only to within what the solver leaves open."""
        sums = self.system.rows @ x
        return bool((x >= 0).all() and (sums >= self.system.low).all() and (sums <= self.system.high).all())

    def prices(self, target: int, sign: int) -> np.ndarray | None:
        """Give the price of each line where a target is at its least or most over the reals."""
        status = self._solve(sign * self._cost(target), whole=False)
        if status != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(self.model.getSolution().row_dual)

    def _cost(self, target: int) -> np.ndarray:
        here = slice(*self.costs.indptr[target : target + 2])
        cost = np.zeros(len(self.columns))
        cost[self.costs.indices[here]] = self.costs.data[here]
        return cost

    def _solve(self, cost: np.ndarray, whole: bool, near: float = 0.0) -> highspy.HighsModelStatus:
        self.budget.require(self.system)
        number = len(self.columns)
        self.model.setOptionValue("mip_rel_gap", near)
        self.model.setOptionValue("simplex_iteration_limit", self.budget.steps)
        self.model.setOptionValue("mip_max_nodes", self.budget.steps)
        self.model.setOptionValue("time_limit", self.model.getRunTime() + self.budget.seconds)
        self.model.changeColsCost(number, self.columns, cost)
        if whole != self.whole:
            self.model.changeColsIntegrality(number, self.columns, np.full(number, int(whole), np.uint8))
            self.whole = whole
        self.model.run()
        took = self.model.getInfo()
        self.budget.steps -= 1 + max(took.simplex_iteration_count, 0) + max(took.mip_node_count, 0)
        return self.model.getModelStatus()


def _is_narrow(least: float, most: float) -> bool:
    return least < WIDE and most - least < WIDE


def _linear(system: System, low: np.ndarray, high: np.ndarray) -> highspy.HighsLp:
    """Write a system as the solver takes it."""
    rows = system.rows.tocsr()
    ends = (
        np.where(np.abs(e) < UNLIMITED, e, np.copysign(highspy.kHighsInf, e))
        for e in (system.low, system.high)
    )
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = rows.shape
    model.col_cost_ = np.zeros(len(low))
    model.col_lower_, model.col_upper_ = low, high
    model.row_lower_, model.row_upper_ = ends
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_ = rows.indptr, rows.indices
    model.a_matrix_.value_ = rows.data
    return model


def _contradiction(system: System) -> str:
    names: Sequence[str] = [str(f.count) for f in system.facts]
    return (
        f"the printed figures contradict each other: no whole numbers fit all {len(names)} counts that are linked "
        f"with one another. First: {names[0] if names else 'none'}. Check outside figures and the partition "
        "of stages."
    )
