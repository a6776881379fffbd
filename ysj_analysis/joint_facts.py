"""Which count does each printed number speak of, and between which two values does it put it?

Every count that a release prints, in whichever table, becomes a :class:`Fact`: a named count and the
interval its print stands for. The same count printed in two tables is one fact. Only emitted tables
are read, never a true count, so whoever holds the report can do the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace

from .field_stages import SAME
from .policies import DisclosureError, Policy
from .vocabulary import POPULATION, UNKNOWN

REACHED, THROUGH, BEFORE = "reached", "through", "before"
"""Who reached a stage by date; who of a cohort went through to it; who was in the cohort before it."""

REOFFENCES = "reoffences of those through"
"""How many offences those who went through committed: no children, and never fewer than they."""

OWN, EARLIER, OUTSIDE = "own", "earlier", "outside"
HIDDEN = "[c]"
UNLIMITED = 10**9
_NOT_DIMENSIONS = frozenset({"measure", "area", "year", "years", "unit", "stage", "base"})
_AFTER_DIMENSIONS = ("reference", "events")
NEEDED = frozenset({"area", "year", "years", "unit", "stage", "base", "events", "denominator"})
GROUP, KIND, BOTH, SEARCHES = "group", "kind of unknown", "both", "searches"
KNOWN = f"not {UNKNOWN}"
"""In a part of a whole, every value of a dimension but the unknown."""
HELD = " as held for edition "
"""Stands behind an area whose records have been revised since, and before the number of the edition."""
_KINDS = frozenset({"Not stated", "Not known", "Not recorded"})


@dataclass(frozen=True, order=True)
class Count:
    """A count that can be named: of whom, at which stage, where, when, and of which part.

    Attributes
    ----------
    unit, stage, area : str
        As printed.
    series : {"reached", "through", "before"}
        Which counting it belongs to.
    first, last : int
        The years pooled.
    where : tuple of (str, str)
        The part of the whole: its group, its sex and so on; empty for all together.
    """

    unit: str
    stage: str
    area: str
    series: str
    first: int
    last: int
    where: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        part = ", ".join(f"{d} {v}" for d, v in self.where) or "all"
        years = str(self.last) if self.first == self.last else f"{self.first} to {self.last}"
        return f"{self.stage} ({self.series}), {self.area}, {years}, {part}"


@dataclass(frozen=True)
class Fact:
    """A count, and what its print says of it.

    Attributes
    ----------
    count : Count
        Which.
    low, high : int
        The least and the most it can be.
    level : int
        How far it is coarsened: 0 as the policy prints it, then as :func:`coarser`.
    origin : {"own", "earlier", "outside"}
        Whether this release prints it, an earlier edition did or someone else: then it cannot be
        coarsened any more.
    edition : int
        Which earlier edition, the first being 1.
    """

    count: Count
    low: int
    high: int
    level: int = 0
    origin: str = OWN
    edition: int = 0


def coarser(fact: Fact, rule: Policy) -> Fact | None:
    """Print a count one step coarser: bins twice as wide, then "so many or more", then ``[c]``.

    Parameters
    ----------
    fact : Fact
        A count as it is printed now.
    rule : Policy
        The rule of the edition.

    Returns
    -------
    Fact or None
        None where it says nothing already, or is not ours to change.

    Examples
    --------
    >>> from .policies import PUBLIC
    >>> one = Fact(Count("children", "arrest", "A", REACHED, 2023, 2023), 13, 17)
    >>> [(f.low, f.high) for f in (coarser(one, PUBLIC), coarser(coarser(one, PUBLIC), PUBLIC))]
    [(8, 17), (8, 1000000000)]
    """
    if fact.origin != OWN or fact.level == 3:
        return None
    if fact.level == 2 or fact.low < rule.hidden_below:
        # Someone who replays the audit may find out which marks it put there, and so that these are not small.
        low = 0 if fact.low < rule.hidden_below else rule.hidden_below
        return replace(fact, low=low, high=UNLIMITED, level=3)
    if fact.level == 1:
        return replace(fact, low=rule.hidden_below, high=UNLIMITED, level=2)
    wide = 2 * rule.round_to
    low = rule.hidden_below + (fact.low - rule.hidden_below) // wide * wide
    return replace(fact, low=low, high=low + wide - 1, level=1)


def of_table(text: str, rule: Policy, *, hidden: frozenset[Count] = frozenset()) -> Iterator[Fact]:
    """Read the counts that a table of a report prints.

    Parameters
    ----------
    text : str
        The CSV as it is written.
    rule : Policy
        The policy its counts are printed by.
    hidden : frozenset of Count
        Counts that the joint audit hid: their ``[c]`` does not say that they are small.

    Yields
    ------
    Fact
        One for each count printed. A table that does not say which area, years and stage its counts
        are of has none: nothing links it to another.
    """
    rows = csv.DictReader(io.StringIO(text))
    if not set(rows.fieldnames or ()) >= NEEDED:
        return
    for row in rows:
        for column, count in named(row).items():
            found = told(count, row[column], rule, hidden=hidden)
            if found:
                yield found


def told(count: Count, text: str, rule: Policy, *, hidden: frozenset[Count] = frozenset()) -> Fact | None:
    """Say what a print tells of a count; None where it tells nothing, as "not applicable".

    Parameters
    ----------
    count : Count
        Which.
    text : str
        As printed: a number or a mark.
    rule : Policy
        The policy it is printed by.
    hidden : frozenset of Count
        Counts that the joint audit hid.

    Returns
    -------
    Fact or None
        The count, and the interval its print stands for.
    """
    bounds = _bounds(text, rule)
    if bounds is None:
        return None
    by_audit = text == HIDDEN and count in hidden
    low, high = (rule.hidden_below, UNLIMITED) if by_audit else bounds
    return Fact(count, low, high, level=3 if by_audit else 0, origin=OWN if rule.protects else OUTSIDE)


def named(row: Mapping[str, object]) -> dict[str, Count]:
    """Name the counts of one row of a table: its events, and its denominator unless a population.

    Parameters
    ----------
    row : mapping
        With ``area, year, years, unit, stage, base``, the columns that divide the whole, and only then
        ``reference`` or ``events``, as in every table of counts and of measures.

    Returns
    -------
    dict of str to Count
        By the column they stand in. A stage on its own base is counted by date, its denominator the
        whole of it.

    Examples
    --------
    >>> row = dict(area="A", year="2023", years="5", unit="children", stage="charge", base="arrest",
    ...            group="Black", events="[c]", denominator="20")
    >>> print(named(row)["denominator"])
    arrest (before), A, 2019 to 2023, group Black
    """
    stage, base = (SAME.get(str(row[c]), str(row[c])) for c in ("stage", "base"))
    last = int(row["year"])  # type: ignore[call-overload]
    span = (last - int(row["years"]) + 1, last)  # type: ignore[call-overload]
    columns = list(row)
    ahead = columns[: min(columns.index(c) for c in _AFTER_DIMENSIONS if c in row)]
    given = {c: str(row[c]) for c in ahead if c not in _NOT_DIMENSIONS}
    unit, area = str(row["unit"]), str(row["area"])
    if given.get("defined_by") == BOTH:
        rest = {d: v for d, v in given.items() if d not in (GROUP, "defined_by")}
        of = rest | {group_by(who): given[GROUP] for who in ("self-defined", "officer-defined")}
        recorded = of | {group_by("officer-defined"): KNOWN}
        return {
            "events": Count(unit, stage, area, REACHED, *span, part(of)),
            "denominator": Count(unit, stage, area, REACHED, *span, part(recorded)),
        }
    where = part(_grouped(given))
    if base == stage:
        ours = {d: v for d, v in given.items() if d not in (GROUP, "defined_by")}
        return {
            "events": Count(unit, stage, area, REACHED, *span, where),
            "denominator": Count(unit, stage, area, REACHED, *span, part(ours)),
        }
    if base == POPULATION:
        return {"events": Count(unit, stage, area, REACHED, *span, where)}
    again = {"reoffences": Count(unit, stage, area, f"{REOFFENCES} {base}", *span, where)}
    return {
        "events": Count(unit, stage, area, f"{THROUGH} {base}", *span, where),
        "denominator": Count(unit, base, area, BEFORE, *span, where),
        **(again if "reoffences" in row else {}),
    }


def group_by(who: str) -> str:
    """Name the dimension of the groups as one side says them: two sides are two ways to divide one whole."""
    return f"{GROUP} ({who})"


_ALL = "all"
"""A row of every group together, the unknown among them: a total, and no group of its own."""


def part(where: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Write a part of a whole in the order of its dimensions."""
    return tuple(sorted(where.items()))


def _grouped(given: Mapping[str, str]) -> dict[str, str]:
    """Tell apart by whose word a group is, and take a kind of unknown for a part of the unknown."""
    out = dict(given)
    who = out.pop("defined_by", None)
    group = out.pop(GROUP, None)
    if group not in (None, _ALL):
        out[group_by(who) if who else GROUP] = UNKNOWN if group in _KINDS else str(group)
    if group in _KINDS:
        out[f"{KIND} ({who})" if who else KIND] = group.lower()
    return out


def _bounds(text: str, rule: Policy) -> tuple[int, int] | None:
    """Say what a printed mark or number stands for; None where it says nothing."""
    if text == HIDDEN:
        return (0, rule.hidden_below - 1) if rule.hidden_below else None
    try:
        value = round(float(text))
    except ValueError:
        return None
    return value - rule.half, value + rule.half


def together(facts: Iterable[Fact]) -> list[Fact]:
    """Take every count once of each origin, between the highest low and the lowest high printed of it.

    Parameters
    ----------
    facts : iterable of Fact
        From all tables, of this release, earlier ones and others.

    Returns
    -------
    list of Fact
        In order of their counts. What an earlier edition printed of a count that has been revised since
        contradicts the rest; ``joint_repair`` then keeps what each edition held apart.

    Raises
    ------
    DisclosureError
        If two prints exclude one another, and neither is of an earlier edition.
    """
    found: dict[tuple[Count, str], Fact] = {}
    for fact in facts:
        key = (fact.count, fact.origin)
        other = found.setdefault(key, fact)
        found[key] = replace(
            other,
            low=max(fact.low, other.low),
            high=min(fact.high, other.high),
            level=min(fact.level, other.level),
        )
    for (count, origin), fact in found.items():
        other = found.get((count, OUTSIDE), fact)
        if origin != EARLIER and _apart(fact, other):
            raise DisclosureError(
                f"two printed figures contradict each other in at least 1 of {len(found)} counts. First: {count}. "
                "Correct the outside figure, or print the count alike in every table."
            )
    return [found[key] for key in sorted(found)]


def as_held(fact: Fact) -> Fact:
    """Take what an earlier edition printed for a count of the records as they were then."""
    return replace(fact, count=replace(fact.count, area=f"{fact.count.area}{HELD}{fact.edition}"))


def _apart(one: Fact, other: Fact) -> bool:
    return max(one.low, other.low) > min(one.high, other.high)


def as_record(fact: Fact) -> dict:
    """Write a fact as plain values, for a ledger.

    Examples
    --------
    >>> fact = Fact(Count("children", "arrest", "A", REACHED, 2023, 2023, (("group", "Black"),)), 8, 12)
    >>> from_record(as_record(fact)) == fact
    True
    """
    count = {name: getattr(fact.count, name) for name in _COUNT} | {
        "where": [list(p) for p in fact.count.where]
    }
    return {name: getattr(fact, name) for name in _FACT} | {"count": count}


_COUNT = tuple(f.name for f in fields(Count))
_FACT = tuple(f.name for f in fields(Fact) if f.name != "edition")


def from_record(record: Mapping) -> Fact:
    """Read a fact from the plain values of :func:`as_record`."""
    count = dict(record["count"])
    count["where"] = tuple((str(d), str(v)) for d, v in count["where"])
    return Fact(**(dict(record) | {"count": Count(**count)}))
