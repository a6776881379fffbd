"""What has to be printed coarser so that nothing hidden can be worked out? As little as will do.

A range that is too narrow is mended by coarsening one print that it rests on: the one whose loss is
smallest. Which that is follows from printed numbers alone, never from a true count, so that what was
coarsened says nothing that the local rule's print would not have said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .joint_audit import (
    STEPS,
    Budget,
    Contradiction,
    Finding,
    Solver,
    blamed,
    failing,
    passing,
    possible,
    propagated,
)
from .joint_facts import EARLIER, OWN, UNLIMITED, Count, Fact, as_held, coarser, together
from .joint_system import PARTITIONS, System, systems
from .policies import DisclosureError, Policy

ALL = "(all)"
"""Names a total that is not that of the parts printed beside it."""

_FEW = (1, 2, 3, 5, 10, 20, 50, 100, 1_000, 10_000, UNLIMITED)
"""By how many records an edition may have been revised: the least of these that explains it is supposed."""


@dataclass(frozen=True)
class Audited:
    """What a release may print.

    Attributes
    ----------
    facts : tuple of Fact
        Its own counts, as coarse as they have to be.
    linked : int
        Counts that were audited together with others, those of earlier editions and others' among them.
    already : tuple of str
        Counts that earlier or outside figures give away by themselves; nothing printed here adds to it.
    plain : bool
        Whether all figures were read as they stand, every partition whole. To audit ``facts`` again
        would then find nothing more: what is coarser contradicts nothing either, and gives away less.
    """

    facts: tuple[Fact, ...]
    linked: int
    already: tuple[str, ...] = ()
    plain: bool = True

    @property
    def coarsened(self) -> dict[Count, int]:
        """The counts that are printed coarser than the local rule would, and by how many steps."""
        return {f.count: f.level for f in self.facts if f.level}

    def usefulness(self) -> dict[str, float]:
        """Say what share of the counts is printed as a number, and of the value of what could be.

        Returns
        -------
        dict
            ``cells`` and ``value``, between 0 and 1. A count printed as ``[c]`` or "so many or more" is
            not printed; the value of those hidden is taken as the middle of what they can be.
        """
        middle = np.array([_worth(f) for f in self.facts])
        shown = np.array([f.low > 0 and f.high < UNLIMITED for f in self.facts], bool)
        if not len(middle):
            return {"cells": 1.0, "value": 1.0}
        return {"cells": float(shown.mean()), "value": float(middle[shown].sum() / max(middle.sum(), 1e-9))}


def audited(
    facts: Sequence[Fact],
    rule: Policy,
    *,
    steps: Sequence[int] = (1, 2, 3),
    partitions: Mapping[str, Sequence[str]] = PARTITIONS,
    most: int = STEPS,
) -> Audited:
    """Audit a release, and coarsen prints until nothing can be worked out.

    Parameters
    ----------
    facts : sequence of Fact
        Everything printed: by this release, by earlier ones and by others.
    rule : Policy
        The policy of the release.
    steps : sequence of int
        Which steps of ``joint_facts.coarser`` can be printed.
    partitions : mapping
        As for ``joint_system.systems``.
    most : int
        How many steps of the solver it may take: as many on every machine, so that it is refused on all or none.

    Returns
    -------
    Audited
        What may be printed.

    Raises
    ------
    DisclosureError
        If the figures contradict each other, the steps are used up, or no coarsening is enough.
    """
    budget = Budget(most)
    earlier = [f for f in facts if f.origin == EARLIER]
    kept, already, linked, plain = [], [], 0, True
    for system in systems(together(facts), partitions):
        linked += len(system.facts) if len(system.facts) > 1 else 0
        repaired, given, as_it_stands = _audited(system, earlier, rule, steps, partitions, budget)
        kept += [_named_as_before(f) for f in repaired]
        already += sorted(given)
        plain &= as_it_stands
    return Audited(tuple(sorted(kept, key=lambda f: f.count)), linked, tuple(already), plain)


def _audited(
    system: System,
    earlier: Sequence[Fact],
    rule: Policy,
    steps: Sequence[int],
    partitions: Mapping,
    budget: Budget,
) -> tuple[list[Fact], set[str], bool]:
    """Audit one linked part; again where a repair leaves less to be explained by a revision."""
    last: _Reading | None = None
    while (read := _reading(system.facts, system, earlier, partitions)) != last:
        mended, given = [], set()
        for part in read.parts:
            findings = failing(part, budget=budget)
            here = _given(part, findings, budget)
            ours = [f for f in findings if f.name not in here]
            mended += [f for f in _mended(part, ours, rule, steps, budget).facts if f.origin == OWN]
            given |= here
        own = {f.count: f for f in mended}
        facts = tuple(own.get(f.count, f) if f.origin == OWN else f for f in system.facts)
        if read.revised is None:
            return mended, given, read.plain(system, partitions)
        system, last = replace(system, facts=facts), read
    return mended, given, False


def _given(part: System, findings: Sequence[Finding], budget: Budget) -> set[str]:
    """Name those of the counts found that others' figures and earlier editions give away by themselves.

    Without our figures each can be what it can be with them, and more: no other count need be looked at.
    """
    if not findings or all(f.origin == OWN for f in part.facts):
        return set()
    ends = ((0, UNLIMITED) if f.origin == OWN else (f.low, f.high) for f in part.facts)
    own, rules = zip(*ends, strict=True), len(part.facts)
    low, high = (np.concatenate([a, b[rules:]]) for a, b in zip(own, (part.low, part.high), strict=True))
    theirs = replace(part, low=low, high=high)
    return {f.name for f in failing(theirs, among=[f.target for f in findings], budget=budget)}


@dataclass(frozen=True)
class _Reading:
    """How linked figures are read so that they do not contradict each other.

    ``parts`` is the linear system of it, split; ``revised`` by how many records at most an earlier edition
    differs, where it does.
    """

    facts: tuple[Fact, ...]
    partitions: Mapping[str, Sequence[str]]
    parts: Sequence[System] = field(compare=False)
    revised: int | None = None

    def plain(self, system: System, partitions: Mapping[str, Sequence[str]]) -> bool:
        """Whether the figures of a part were read as they stand."""
        return self == _Reading(tuple(system.facts), partitions, ())


def _reading(
    facts: Sequence[Fact], system: System, earlier: Sequence[Fact], partitions: Mapping[str, Sequence[str]]
) -> _Reading:
    """Find the closest reading of these figures under which they can all hold.

    A partition may not be whole, and a total not that of the parts printed: what is not so, nobody can
    reckon with. Records may have been revised since an earlier edition: then whoever holds both supposes
    that as few were as explain the difference. A figure of someone else that contradicts our own is refused.
    """
    current = tuple(f for f in facts if f.origin != EARLIER)
    own = [f for f in current if f.origin == OWN]
    for rules in (partitions, {}):
        if (parts := _possible(facts, rules)) is not None:
            return _Reading(tuple(facts), rules, parts)
        if len(current) < len(facts) and _possible(current, rules) is not None:
            counts = {f.count for f in system.facts}
            return _revised(current, [f for f in earlier if f.count in counts], rules)
    if _possible(own, {}) is None:
        apart = tuple(_apart_from_totals(current))
        if (parts := _possible(apart, {})) is not None:
            return _Reading(apart, {}, parts)
    raise Contradiction(
        f"the printed figures contradict each other: no whole numbers fit all {len(facts)} counts that are "
        f"linked. First: {facts[0].count}. Correct the outside figure, or the counts."
    )


def _revised(current: Sequence[Fact], earlier: Sequence[Fact], rules: Mapping) -> _Reading:
    """Keep apart what those editions held that cannot hold now, and find by how few records they differ."""
    facts, held = list(current), []
    for number in sorted({f.edition for f in earlier}, reverse=True):
        theirs = [f for f in earlier if f.edition == number]
        if _possible(together([*facts, *theirs]), rules) is not None:
            facts = together([*facts, *theirs])
        else:
            held += [as_held(f) for f in theirs]
    every = tuple(sorted([*facts, *held], key=lambda f: (f.count, f.origin)))
    tried = ((n, _possible(every, rules, revised=n)) for n in _FEW)
    most, parts = next((n, parts) for n, parts in tried if parts is not None)
    return _Reading(every, rules, parts, most)


def _possible(facts: Sequence[Fact], rules: Mapping, revised: int | None = None) -> list[System] | None:
    """Set up what these figures say, if any tables of whole numbers print so."""
    parts = systems(facts, rules, revised=revised)
    return parts if all(map(possible, parts)) else None


def _mended(
    system: System, findings: Sequence[Finding], rule: Policy, steps: Sequence[int], budget: Budget
) -> System:
    """Coarsen the prints of one linked part until it passes.

    Coarsening only widens ranges, so what has passed stays passed. A print that was coarsened before
    another that was needed as well may then have been coarsened for nothing: it is put back.
    """
    if not findings:
        return system
    before, targets = system, [f.target for f in findings]
    solver = Solver(system, *propagated(system), budget)
    for target in targets:
        while (still := solver.narrow(target)) is not None:
            options = _options(system, blamed(system, still, budget=budget), rule, steps)
            options = options or _options(system, range(len(system.facts)), rule, steps)
            if not options:
                raise DisclosureError(_refusal(system, still))
            _, at, after = min(options, key=lambda option: option[:2])
            system = system.with_fact(at, after)
            solver = solver.coarser(system)
            solver.look_for_wide(targets)
    changed = [at for at, fact in enumerate(before.facts) if system.facts[at] != fact]
    for at in sorted(changed, key=lambda at: (-_worth(before.facts[at]), at)):
        back = system.with_fact(at, before.facts[at])
        if passing(back, targets, budget=budget):
            system = back
    return system


def _options(
    system: System, among: Iterable[int], rule: Policy, steps: Sequence[int]
) -> list[tuple[float, int, Fact]]:
    """List the prints that can be coarsened, each with what is lost by it."""
    found = [(at, _step(system.facts[at], rule, steps)) for at in among]
    return [(_loss(system.facts[at], after), at, after) for at, after in found if after is not None]


def _apart_from_totals(facts: Sequence[Fact]) -> list[Fact]:
    """Take each total as a count of its own, not that of the parts printed beside it."""
    dimensions: dict[tuple, set[str]] = {}
    for f in facts:
        key = (f.count.unit, f.count.stage, f.count.area, f.count.series)
        dimensions.setdefault(key, set()).update(d for d, _ in f.count.where)
    found = []
    for f in facts:
        whole = dimensions[f.count.unit, f.count.stage, f.count.area, f.count.series]
        lacking = [(d, ALL) for d in sorted(whole - {d for d, _ in f.count.where})]
        where = tuple(sorted([*f.count.where, *lacking]))
        found.append(replace(f, count=replace(f.count, where=where)))
    return found


def _named_as_before(fact: Fact) -> Fact:
    where = tuple(part for part in fact.count.where if part[1] != ALL)
    return replace(fact, count=replace(fact.count, where=where))


def _step(fact: Fact, rule: Policy, steps: Sequence[int]) -> Fact | None:
    """Print a count at the next step that can be printed. What is hidden already stays as it is."""
    if fact.level == 0 and fact.low < rule.hidden_below:
        return None
    after = coarser(fact, rule)
    while after is not None and after.level not in steps:
        after = coarser(after, rule)
    return after


def _loss(before: Fact, after: Fact) -> float:
    """Say how much value is no longer printed, and how much wider it is."""
    gone = _worth(before) if after.high >= UNLIMITED > before.high else 0.0
    return gone + min(after.high - after.low, 2 * _worth(before)) / 10


def _worth(fact: Fact) -> float:
    return (fact.low + fact.high) / 2 if fact.high < UNLIMITED else float(max(fact.low, 8))


def _refusal(system: System, finding: Finding) -> str:
    """Say which count could be worked out, and which dimension to drop."""
    extra = sorted({d for f in system.facts for d, _ in f.count.where} - {"group"})
    years = {(f.count.first, f.count.last) for f in system.facts}
    drop = "single years or rolling windows beside pooled ones" if len(years) > 1 else "one of the stages"
    if extra:
        drop = f"the split by {extra[0]}"
    return (
        f"1 of {len(system.names)} linked counts could be worked out from the tables together, whatever else is "
        f"hidden. First: {finding.name}. Drop {drop}, pool more years, or merge groups."
    )
