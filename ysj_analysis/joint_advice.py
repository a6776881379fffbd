"""What would let more be printed? Pool years, merge two groups, drop a split: what each would gain.

Reckoned from what an edition prints and from nothing else, so that the advice tells nobody more than the
report. A hidden count is taken to be any that its mark allows, each as likely as another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .joint_facts import GROUP, KIND, UNLIMITED, Fact
from .policies import Policy
from .vocabulary import UNKNOWN

ALL = "all"
"""The row of a total, which is no group."""
_POOLS = (3, 5)
"""How many years may be pooled."""


@dataclass(frozen=True)
class Advice:
    """One thing to do, and what it would gain.

    Attributes
    ----------
    what : str
        What to do.
    cells, value : float
        The share of counts that would then be printed, and of their value, between 0 and 1.
    """

    what: str
    cells: float
    value: float

    def __str__(self) -> str:
        return f"{self.what}: about {self.cells:.0%} of counts and {self.value:.0%} of their value printed."


def advice(facts: Sequence[Fact], rule: Policy, *, alone: Collection[str] = ()) -> list[Advice]:
    """Say how an edition would have to be cut to print more of its counts.

    Parameters
    ----------
    facts : sequence of Fact
        What it prints, ``editions.Edition.facts``; at least one.
    rule : Policy
        Its policy.
    alone : collection of str
        Groups that are not to be merged: the one the others are compared with.

    Returns
    -------
    list of Advice
        First ``as it is``; then whatever would print a larger share of counts, the largest share first. Repair
        by the joint audit is not reckoned with, so that these are upper limits.

    Examples
    --------
    >>> from .joint_facts import REACHED, Count
    >>> from .policies import PUBLIC
    >>> def one(group, low, high):
    ...     return Fact(Count("children", "custody", "A", REACHED, 2023, 2023, (("group", group),)), low, high)
    >>> for line in advice([one("Black", 8, 12), one("White", 8, 12), one("Asian", 0, 7)], PUBLIC):
    ...     print(line)
    As it is: about 67% of counts and 85% of their value printed.
    Merge Asian and Black: about 100% of counts and 100% of their value printed.
    Pool 5 years: about 92% of counts and 99% of their value printed.
    Pool 3 years: about 88% of counts and 98% of their value printed.
    """
    now = _advice("As it is", _spread(facts), rule)
    tries = []
    longest = max(f.count.last - f.count.first + 1 for f in facts)
    for years in _POOLS:
        if years > longest:
            pooled = [(v * years / longest, w) for v, w in _spread(facts)]
            tries.append(_advice(f"Pool {years} years", pooled, rule))
    if smallest := _smallest(facts, alone):
        tries.append(_advice(f"Merge {' and '.join(smallest)}", _merged(facts, smallest), rule))
    for split in sorted({d for f in facts for d, _ in f.count.where if not d.startswith((GROUP, KIND))}):
        kept = [f for f in facts if split not in dict(f.count.where)]
        if kept:
            tries.append(_advice(f"Drop the split by {split}", _spread(kept), rule))
    better = [t for t in tries if t.cells > now.cells]
    return [now, *sorted(better, key=lambda t: -t.cells)]


_Spread = list[tuple[np.ndarray, np.ndarray]]


def _spread(facts: Iterable[Fact]) -> _Spread:
    """Give the values each count may have, and how likely each is."""
    return [(v, np.full(len(v), 1 / len(v))) for v in map(_values, facts)]


def _values(fact: Fact) -> np.ndarray:
    return (
        np.arange(max(fact.low, 0), fact.high + 1.0) if fact.high < UNLIMITED else np.array([float(fact.low)])
    )


def _advice(what: str, spread: _Spread, rule: Policy) -> Advice:
    """Say what share would be printed of counts that may have these values."""
    printed = np.array([weight[values >= max(rule.hidden_below, 1)].sum() for values, weight in spread])
    worth = np.array([(values * weight).sum() for values, weight in spread])
    shown = np.array([(v * w)[v >= max(rule.hidden_below, 1)].sum() for v, w in spread])
    return Advice(what, float(printed.mean()), float(shown.sum() / max(worth.sum(), 1e-9)))


def _smallest(facts: Sequence[Fact], alone: Collection[str]) -> tuple[str, str] | None:
    """Name the two groups that have the least printed of them, of those that are known and may be merged."""
    sizes: dict[str, float] = {}
    for fact in facts:
        group = dict(fact.count.where).get(GROUP)
        if group is not None and group not in (UNKNOWN, ALL, *alone):
            sizes[group] = sizes.get(group, 0.0) + _values(fact).mean()
    least = sorted(sizes, key=lambda g: (sizes[g], g))[:2]
    return (least[0], least[1]) if len(sizes) + len(alone) > 2 and len(least) == 2 else None


def _merged(facts: Sequence[Fact], groups: tuple[str, str]) -> _Spread:
    """Add two groups up, each value of the one with each of the other."""
    rest = [f for f in facts if dict(f.count.where).get(GROUP) not in groups]
    pairs: dict[object, list[Fact]] = {}
    for fact in [f for f in facts if dict(f.count.where).get(GROUP) in groups]:
        where = tuple(part for part in fact.count.where if part[0] != GROUP)
        count = fact.count
        key = (count.unit, count.stage, count.area, count.series, count.first, count.last, where)
        pairs.setdefault(key, []).append(fact)
    sums = []
    for pair in pairs.values():
        values, weight = np.zeros(1), np.ones(1)
        for more, likely in _spread(pair):
            values = np.add.outer(values, more).ravel()
            weight = np.multiply.outer(weight, likely).ravel()
        sums.append((values, weight))
    return [*_spread(rest), *sums]
