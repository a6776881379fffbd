"""What links the counts of a release? Parts add up, later stages nest in earlier ones, windows overlap.

All that is printed becomes one linear system over whole numbers, split where nothing links its parts.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .field_stages import HORIZONS, SAME
from .field_stages import PARTITIONS as FIELD_PARTITIONS
from .joint_facts import (
    BEFORE,
    GROUP,
    HELD,
    KIND,
    KNOWN,
    REACHED,
    REOFFENCES,
    SEARCHES,
    THROUGH,
    UNLIMITED,
    Count,
    Fact,
)
from .joint_names import AMONG, FOUND, LEFT, REMOVED
from .joint_windows import Rule, Span, Terms, chains, minus, once_in, seen_in, windows_of
from .vocabulary import STAGES, UNKNOWN

_ADDITIVE = frozenset({"episodes", "cases", "offences", "searches"})
"""Units that are counted once in one year, so that years add. A child may be counted in several."""

PARTITIONS: Mapping[str, tuple[str, ...]] = {
    base: tuple(s for s, stage in STAGES.items() if stage.base == base and stage.kind == "partition")
    for base in sorted({stage.base for stage in STAGES.values() if stage.kind == "partition"})
}
"""The outcomes of a decision, of which every case has exactly one."""

_ONE_OF: Mapping[str, tuple[tuple[tuple[str, str], ...], ...]] = {
    SAME.get(base, base): (
        *(tuple((THROUGH, SAME.get(s, s)) for s in way) for way in ways),
        *[((THROUGH, "custody_proposed"), (BEFORE, "community_proposed"))] * (base == "report"),
    )
    for base, ways in FIELD_PARTITIONS.items()
}
"""Field measures by which every child at a stage is at exactly one of others, in each window by itself."""

CHOSEN = frozenset(
    {"remand_bail", "remand_community", "remand_rlaa", "remand_not_recorded", "yjb_bail", "yjb_community",
     "yjb_not_recorded", "rlaa_instead", "as_proposed", "above_proposal", "below_proposal", "custody_proposed",
     "community_proposed", "custody_unproposed", "custody_long", "out_of_court", "reoffended_quarter",
     "reoffended_year", "back_so_far", "back_early"}
    | {f"{what}_{days}" for what in ("offence", "outcome") for days in HORIZONS}
)  # fmt: skip
"""Stages of which a child is counted in a window by one of its records there (the first, the last, the furthest) or
by what it has none of: seen in a year, it may not be in a longer window, but it is in one at most of its parts."""
_GRADED = "gravity"
"""A dimension in which a child is at one value in a window, and may be at another in a longer one."""

_UNGRADED = "not known"

_MONTHS, _REST = 12, "(other months)"

TOGETHER = re.compile(r", | and | & ")
"""What stands between the areas of a report on several: "Camden and Islington"."""

_EXCLUSIVE = ("outcome: ", "object: ")
"""Stages of which a search is at one at most."""


@dataclass(frozen=True)
class System:
    """Linked counts: ``low <= rows @ x <= high`` and ``x`` whole numbers of 0 or more.

    Attributes
    ----------
    rows : csr_matrix
        A line for each fact, then for each rule that holds of such counts.
    low, high : array
        Ends of each line.
    facts : tuple of Fact
        The printed counts of the first lines.
    targets : csr_matrix
        A line for each count that must stay unknown.
    names : tuple of str
        What each target is.
    """

    rows: sparse.csr_matrix
    low: np.ndarray
    high: np.ndarray
    facts: tuple[Fact, ...]
    targets: sparse.csr_matrix
    names: tuple[str, ...]

    def with_fact(self, at: int, fact: Fact) -> System:
        """Print one of its facts otherwise."""
        low, high = self.low.copy(), self.high.copy()
        low[at], high[at] = fact.low, fact.high
        return replace(self, low=low, high=high, facts=(*self.facts[:at], fact, *self.facts[at + 1 :]))


def systems(
    facts: Sequence[Fact],
    partitions: Mapping[str, Sequence[str]] = PARTITIONS,
    unit_adds=_ADDITIVE,
    revised: int | None = None,
) -> list[System]:
    """Set up the systems of a release.

    Parameters
    ----------
    facts : sequence of Fact
        From ``joint_facts.together``.
    partitions : mapping of str to sequence of str
        Stages whose counts add up to the stage that feeds them, if all of them are printed. Without any,
        nothing is taken to add up but groups, sexes and years.
    unit_adds : set of str
        Units of which years add.
    revised : int, optional
        By how many at most a record was revised between editions: ties the counts of an area to those of
        the same area as an earlier edition held them, ``joint_facts.as_held``.

    Returns
    -------
    list of System
        One for each part that nothing links to another, in order.
    """
    lines = _Lines(facts, unit_adds, PARTITIONS)
    rules = [*lines.windows(), *lines.nested(), *lines.revisions(revised)]
    if partitions:
        rules += [
            *lines.whole_partitions(partitions),
            *lines.one_of(),
            *lines.searches(),
            *lines.ledgers(),
            *lines.areas(),
        ]
    measured = [(str(fact.count), lines.terms(fact.count)) for fact in facts]
    seen = {name for name, _ in measured}
    measured += [(str(v), {v: 1.0}) for v in sorted(lines.variables) if str(v) not in seen]
    measured += lines.totals(seen) + lines.remainders()
    number = {v: i for i, v in enumerate(sorted(lines.variables))}
    everything = [(lines.terms(f.count), f.low, f.high) for f in facts] + rules
    matrix = _matrix([terms for terms, _, _ in everything], number)
    targets = _matrix([terms for _, terms in measured], number)
    low = np.array([a for _, a, _ in everything], float)
    high = np.array([b for _, _, b in everything], float)
    names = np.array([name for name, _ in measured], object)
    return list(_split(matrix, low, high, list(facts), targets, names))


class _Lines:
    """Writes each count as a sum of the smallest counts that are told apart."""

    def __init__(self, facts: Sequence[Fact], unit_adds: Iterable[str], procedures: Iterable[str]):
        self.adds, self.procedures = frozenset(unit_adds), frozenset(procedures)
        self.counts = sorted({fact.count for fact in facts})
        self.printed = {fact.count: (fact.low, fact.high) for fact in facts}
        self.parts_printed = {(_family(c), c.where) for c in self.counts}
        self.values: dict[tuple, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        printed: dict[tuple, set[Span]] = defaultdict(set)
        for count in self.counts:
            family = _family(count)
            printed[family].add((count.first, count.last))
            for dimension, value in count.where:
                if value != KNOWN:
                    self.values[family][dimension].add(value)
                else:
                    self.values[family][dimension] |= {UNKNOWN}
                if dimension == "month":
                    self.values[family][dimension] |= {_REST}
        for bands in (d[_GRADED] for d in self.values.values() if _GRADED in d):
            if not any(_UNGRADED in band for band in bands):
                bands.add(f"({_UNGRADED})")  # a table may leave those out of whom it is not known
        for values in [v for d in self.values.values() for v in d.values() if v == {UNKNOWN}]:
            values.add(KNOWN)
        for months in (d["month"] for d in self.values.values() if "month" in d):
            if len(months) > _MONTHS:
                months.discard(_REST)
        self.chains = {f: chains(spans) for f, spans in printed.items() if f[0] not in self.adds}
        every = {f: [windows_of(pieces).values() for pieces in runs] for f, runs in self.chains.items()}
        self.spans = {f: spans.union(*every.get(f, ())) for f, spans in printed.items()}
        self.variables: set[Count] = set()
        for count in self.counts:
            self.terms(count)

    def terms(self, count: Count) -> Terms:
        """Write a count as the sum of its smallest parts, and of its years where they add."""
        spans = [(count.first, count.last)]
        if count.unit in self.adds:
            spans = [(year, year) for year in range(count.first, count.last + 1)]
        out = {
            Count(count.unit, count.stage, count.area, count.series, *span, part): 1.0
            for part in self.parts(_family(count), dict(count.where))
            for span in spans
        }
        self.variables.update(out)
        return out

    def parts(self, family: tuple, fixed: Mapping[str, str]) -> list[tuple[tuple[str, str], ...]]:
        """List the smallest parts of a family in which some dimensions have given values."""
        values = self.values[family]
        names = sorted(values)
        choices = [_chosen(fixed.get(n), sorted(values[n])) for n in names]
        every = (_sensible(dict(zip(names, chosen, strict=True))) for chosen in itertools.product(*choices))
        return list(dict.fromkeys(every))

    def windows(self) -> list[Rule]:
        """Children: what holds of the numbers seen in any windows of years, and nothing that need not.

        With ``n(a, b)`` children seen in the years a to b, as many were last seen in a before they were seen
        again in b as ``n(a, b-1) + n(a+1, b) - n(a, b) - n(a+1, b-1)``; none of these is below 0, and no
        window is below one within it. Any whole numbers of which that holds are those of some children.
        """
        rules: list[Rule] = []
        for family, runs in self.chains.items():
            parts = self.parts(family, {})
            whole = dict.fromkeys(tuple(d for d in part if d[0] != _GRADED) for part in parts)
            chosen = family[1] in CHOSEN
            for pieces, part in itertools.product(runs, dict.fromkeys([*parts, *whole])):
                made = {at: self.terms(Count(*family, *s, part)) for at, s in windows_of(pieces).items()}
                by_one = chosen or any(d == _GRADED for d, _ in part)
                rules += once_in(made) if by_one else seen_in(made)
        return rules

    def nested(self) -> list[Rule]:
        """Whoever went on from a stage was at it before, in every part that both are printed for.

        So was whoever went on from it both up to the end of a year and after it.
        """
        rest = {pair: self.terms(pair[0]) | minus(self.terms(pair[1])) for pair in self._pairs()}
        rules: list[Rule] = [(terms, -UNLIMITED, 0) for terms in rest.values()]
        for (after, before), whole in rest.items():
            seen = after.unit not in self.adds and not {after.stage, before.stage} & CHOSEN
            for year in range(after.first, after.last) if seen and not _graded(after) else ():
                until = rest.get((replace(after, last=year), replace(before, last=year)))
                since = rest.get((replace(after, first=year + 1), replace(before, first=year + 1)))
                if until and since:
                    rules.append((until | since | minus(whole), -UNLIMITED, 0))
        return rules

    def _throughout(self, counts: Iterable[Count]) -> list[Count]:
        """List these counts in every window in which theirs are told apart."""
        return sorted({replace(c, first=a, last=b) for c in counts for a, b in self.spans[_family(c)]})

    def _pairs(self) -> list[tuple[Count, Count]]:
        """List who went on from a stage with who was at it, and what was found with that among which it was."""
        pairs = []
        for count in self._throughout(c for c in self.counts if c.series.startswith(THROUGH)):
            base = count.series.removeprefix(f"{THROUGH} ")
            for stage in (base, count.stage):
                other = _at(count, count.where, stage=stage, series=BEFORE)
                if (other.first, other.last) not in self.spans.get(_family(other), ()):
                    continue
                if {d for d, _ in count.where} <= set(self.values[_family(other)]):
                    pairs.append((count, other))
        for count in [c for c in self.counts if c.series.startswith(f"{FOUND} ")]:
            among = _at(count, count.where, series=count.series.replace(FOUND, AMONG, 1))
            if among in self.printed:
                pairs.append((count, among))
        for count in [c for c in self.counts if c.series.startswith(REOFFENCES)]:
            children = _at(count, count.where, series=count.series.replace(REOFFENCES, THROUGH, 1))
            if children in self.printed:  # whoever reoffended did so once at least
                pairs.append((children, count))
        return pairs

    def searches(self) -> list[Rule]:
        """Searches are followed from the day they were made; each has one object and one outcome at most."""
        rules: list[Rule] = []
        printed = set(self.counts)
        for count in [c for c in self.counts if c.unit == SEARCHES]:
            if count.series == BEFORE and (same := _at(count, count.where, series=REACHED)) in printed:
                rules.append((self.terms(count) | minus(self.terms(same)), 0, 0))
            if count.series not in (REACHED, BEFORE) or count.stage.startswith(_EXCLUSIVE):
                continue
            for kind, series in itertools.product(_EXCLUSIVE, (count.series, f"{THROUGH} {count.stage}")):
                alike = [
                    c
                    for c in self.counts
                    if c.stage.startswith(kind) and c == _at(count, count.where, stage=c.stage, series=series)
                ]
                if alike and series != BEFORE:
                    terms = minus(self.terms(count))
                    for one in alike:
                        terms |= self.terms(one)
                    rules.append((terms, -UNLIMITED, 0))
        return rules

    def ledgers(self) -> list[Rule]:
        """What a line of a ledger leaves is what the next one removes and what that leaves."""
        rules: list[Rule] = []
        left = sorted((c for c in self.counts if c.series.startswith(f"{LEFT} ")), key=lambda c: c.series)
        for before, after in itertools.pairwise(left):
            removed = _at(after, after.where, series=after.series.replace(LEFT, REMOVED, 1))
            if removed not in self.variables or _family(before)[:3] != _family(after)[:3]:
                continue
            whole, taken, rest = (self.printed[c] for c in (before, removed, after))
            if whole[0] <= taken[1] + rest[1] and taken[0] + rest[0] <= whole[1]:  # lines of one kind of row
                rules.append(({before: 1.0, removed: -1.0, after: -1.0}, 0, 0))
        return rules

    def areas(self) -> list[Rule]:
        """Areas of which one is all the others together: they add up, but for children who are in two."""
        rules: list[Rule] = []
        for count in self._throughout(self.counts):
            area, held, edition = count.area.partition(HELD)
            parts = [replace(count, area=f"{name}{held}{edition}") for name in TOGETHER.split(area)]
            if len(parts) < 2 or not all(map(self._told, parts)):
                continue
            whole = self.terms(count)
            for part in parts:
                rules.append((minus(whole) | self.terms(part), -UNLIMITED, 0))
            terms = minus(whole)
            for part in parts:
                terms |= self.terms(part)
            rules.append((terms, 0, 0 if count.unit in self.adds else UNLIMITED))
        return rules

    def _told(self, count: Count) -> bool:
        """Say whether a count is printed, or one that is alike but for its window, which is told apart."""
        family = _family(count)
        return (family, count.where) in self.parts_printed and (count.first, count.last) in self.spans[family]

    def revisions(self, most: int | None) -> list[Rule]:
        """Tie what an earlier edition held to what is held now, but for so many records revised."""
        if most is None:
            return []
        rules: list[Rule] = []
        for then in [c for c in sorted(self.variables | set(self.counts)) if HELD in c.area]:
            now = replace(then, area=then.area.partition(HELD)[0])
            known = self.values.get(_family(now), {})
            held = (now.first, now.last) in self.spans.get(_family(now), ()) or now in self.variables
            if held and {d for d, _ in now.where} <= set(known):
                rules.append((self.terms(then) | minus(self.terms(now)), -most, most))
        return rules

    def remainders(self) -> list[tuple[str, Terms]]:
        """Name those who did not go on from a stage: they must stay as unknown as those who did.

        Not where the stage is a procedure that is only there to be divided into outcomes, such as
        sentence after conviction: that all or nearly all pass it says nothing of a child.
        """
        return [
            (f"not {after}", self.terms(before) | minus(self.terms(after)))
            for after, before in self._pairs()
            if after.stage not in self.procedures
            and (after.series == f"{THROUGH} {before.stage}" or after.series.startswith(f"{FOUND} "))
        ]

    def totals(self, seen: set[str]) -> list[tuple[str, Terms]]:
        """Name the whole of each family that is printed both in part and together, in every window."""
        linked = {_family(c) for c in self.counts if len(c.where) < len(self.values[_family(c)])}
        wholes = sorted({_at(v, ()) for v in self.variables if _family(v) in linked})
        return [(str(w), self.terms(w)) for w in wholes if str(w) not in seen]

    def whole_partitions(self, partitions: Mapping[str, Sequence[str]]) -> list[Rule]:
        """Add up the outcomes of a decision: to all of it, or for children to all of it at least."""
        rules: list[Rule] = []
        whole = [c for c in self.counts if c.series == BEFORE and c.stage in partitions]
        for count in self._throughout(whole):
            series = f"{THROUGH} {count.stage}"
            parts = [_at(count, count.where, stage=s, series=series) for s in partitions[count.stage]]
            if all(map(self._told, parts)):
                terms = minus(self.terms(count))
                for part in parts:
                    terms |= self.terms(part)
                rules.append((terms, 0, 0 if count.unit in self.adds else UNLIMITED))
        return rules

    def one_of(self) -> list[Rule]:
        """Add up field measures that put every child at a stage in one place: to all of it, or no more than it."""
        rules: list[Rule] = []
        for count in self._throughout(c for c in self.counts if c.series == BEFORE and c.stage in _ONE_OF):
            for way in _ONE_OF[count.stage]:
                named = [
                    _at(
                        count,
                        count.where,
                        stage=s,
                        series=f"{THROUGH} {count.stage}" if on == THROUGH else on,
                    )
                    for on, s in way
                ]
                parts = [part for part in named if self._told(part)]
                if parts:
                    terms = minus(self.terms(count))
                    for part in parts:
                        terms |= self.terms(part)
                    rules.append((terms, 0 if len(parts) == len(named) else -UNLIMITED, 0))
        return rules


def _chosen(value: str | None, every: list[str]) -> list[str]:
    """List the values that a part of a whole takes in."""
    if value is None:
        return every
    return [v for v in every if v != UNKNOWN] if value == KNOWN else [value]


def _sensible(where: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Write a smallest part; only the unknown are of a kind of the unknown."""
    for dimension in where:
        if dimension.startswith(KIND) and where[dimension.replace(KIND, GROUP)] != UNKNOWN:
            where[dimension] = "(none)"
    return tuple(where.items())


def _graded(count: Count) -> bool:
    return any(dimension == _GRADED for dimension, _ in count.where)


def _family(count: Count) -> tuple[str, str, str, str]:
    return count.unit, count.stage, count.area, count.series


def _at(count: Count, where: tuple, *, stage: str = "", series: str = "") -> Count:
    return Count(
        count.unit, stage or count.stage, count.area, series or count.series, count.first, count.last, where
    )


def _matrix(lines: Sequence[Terms], number: Mapping[Count, int]) -> sparse.csr_matrix:
    at = [(i, number[v], w) for i, terms in enumerate(lines) for v, w in terms.items()]
    row, column, weight = zip(*at, strict=True) if at else ((), (), ())
    return sparse.csr_matrix((weight, (row, column)), shape=(len(lines), len(number)))


def _split(matrix, low, high, facts, targets, names) -> Iterable[System]:
    """Split a system where nothing links its variables."""
    links = sparse.vstack([matrix, targets])
    _, part = connected_components(links.T @ links, directed=False)
    first_row = part[matrix.indices[matrix.indptr[:-1]]]
    first_target = part[targets.indices[targets.indptr[:-1]]]
    for one in range(part.max() + 1 if len(part) else 0):
        rows, wanted, columns = (np.flatnonzero(x == one) for x in (first_row, first_target, part))
        yield System(
            matrix[rows][:, columns].tocsr(),
            low[rows],
            high[rows],
            tuple(facts[i] for i in rows if i < len(facts)),
            targets[wanted][:, columns].tocsr(),
            tuple(names[wanted]),
        )
