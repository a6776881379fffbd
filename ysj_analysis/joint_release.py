"""May this edition appear, beside all that was printed before? Run, audit, hide, run again.

A notebook is run and its tables are audited together with every earlier edition of the area and with
figures that others have printed. Where something could be worked out, the counts it rests on are hidden
and the notebook is run again, so that every sentence, chart and ratio follows from what is still
printed. Nothing is written before an audit passes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from . import editions
from .audit_hidden import drafting, hiding, noting
from .joint_advice import advice
from .joint_audit import WIDE
from .joint_facts import BEFORE, OWN, REACHED, THROUGH, UNLIMITED, Count, Fact, of_table, together
from .joint_repair import Audited, audited
from .joint_system import TOGETHER
from .policies import PUBLISHED, DisclosureError, Policy, policy

OUTSIDE_FILE = "outside.csv"
"""Figures that others have printed, beside the tables of a study; columns as in a report's tables."""

_RUNS = 4
_HIDE = (3,)

T = TypeVar("T")


@dataclass(frozen=True)
class Cleared:
    """An edition that may appear.

    Attributes
    ----------
    edition : Edition
        What it prints, for the ledger.
    usefulness : dict
        The share of counts that is printed, and of their value.
    """

    edition: editions.Edition
    usefulness: dict[str, float]


def cleared(
    run: Callable[[], T],
    tables: Callable[[T], Mapping[str, Mapping[str, Any]]],
    *,
    name: str,
    rule: Policy,
    ledger: Path,
    outside: Path | None = None,
    sisters: Iterable[Path] = (),
    draft: bool = False,
) -> tuple[T, Cleared]:
    """Run a report until its tables give nothing away.

    Parameters
    ----------
    run : callable
        Runs the notebook and returns what it shows.
    tables : callable
        Takes that and returns its tables: ``csv`` and ``policy`` of each, by name.
    name : str
        Of the edition: the notebook and its parameters.
    rule : Policy
        Of the edition.
    ledger : Path
        What earlier editions have printed.
    outside : Path, optional
        A table of figures that others have printed.
    sisters : iterable of Path
        Ledgers of other areas; read where an area is several others together.
    draft : bool
        Whether to draw no chart in the first run of an edition, where running again costs little.

    Returns
    -------
    tuple
        What the last run shows, and what to add to the ledger.

    Raises
    ------
    DisclosureError
        If hiding does not help, the ledger was edited, or figures contradict each other.
    """
    past = editions.read(ledger)
    others = outside_facts(outside)
    beside = [e for path in sorted(sisters) if path != ledger for e in editions.read(path)]
    hidden = editions.known(past, name)
    settled: tuple[Fact, ...] | None = None
    draft = draft and not any(e.name == name for e in past)
    undivided: frozenset[Count] = frozenset()
    for _ in range(_RUNS + draft + 1):
        with hiding(hidden), noting() as noted, drafting(draft):
            shown = run()
        in_tables = {f.count for f in _told(tables(shown), rule, hidden)}
        every = printed(tables(shown), rule, hidden, noted)
        useful = Audited(tuple(f for f in every if f.count in in_tables), 0).usefulness()
        own = [replace(f, low=0, high=UNLIMITED, level=3) if f.count in undivided else f for f in every]
        this = editions.Edition(name, rule.name, tuple(own))
        if this in past:  # it has appeared before, so that it adds nothing to what is known
            return shown, Cleared(this, useful)
        if settled is not None and set(own) == set(settled):  # just as the audit left them
            return shown, Cleared(this, useful)
        new, earlier = _linked(own, [*past, *beside], others)
        parts = _parts_of_small(own, earlier, rule)
        if any(f.low >= rule.hidden_below for f in own if f.count in parts - undivided):
            undivided, hidden = undivided | parts, hidden | parts
            continue
        found = audited([*new, *earlier, *others], rule, steps=_HIDE)
        settled = (*found.facts, *(set(own) - set(new))) if found.plain else None
        more = found.coarsened.keys() - this.hidden
        if not more and not draft:
            return shown, Cleared(this, useful)
        draft = False
        if more and more <= hidden:  # it was asked to hide them, and did not
            break
        hidden |= more
    raise DisclosureError(
        f"{len(more)} of {len(own)} counts could not be hidden by running the notebook again. First: {min(more)}. A "
        "table divides its counts by a column that their release does not have: release them with it."
    )


def advised(folder: Path) -> list[str]:
    """Say what would let a rendered report print more, for whoever renders it; nothing of it is published.

    Parameters
    ----------
    folder : Path
        The report.

    Returns
    -------
    list of str
        As ``joint_advice.advice``, worded; empty where no edition of it is in the ledger of its area.
    """
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    ledger = next((p / editions.NAME for p in folder.parents if (p / editions.NAME).is_file()), None)
    named = editions.name(told["notebook"], told["parameters"])
    past = editions.read(ledger) if ledger else []
    this = next((e for e in reversed(past) if e.name == named), None)
    if this is None or not this.facts:
        return []
    counts = [f for f in this.facts if f.count.series.split(" ")[0] in (REACHED, THROUGH, BEFORE)]
    if not counts:
        return []
    return [str(line) for line in advice(counts, policy(this.policy), alone=_references(folder))]


def _references(folder: Path) -> set[str]:
    """Say which groups the tables of a report compare the others with."""
    found = set()
    for path in folder.glob("tables/*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            found |= {row.get("reference", "") for row in csv.DictReader(file)}
    return found - {""}


def _linked(
    own: Sequence[Fact], past: Sequence[editions.Edition], others: Sequence[Fact]
) -> tuple[list[Fact], list[Fact]]:
    """Keep what is to be audited: new figures, and what was printed of the same areas before.

    With an area go those of which one is several others together. Where an edition prints of an area only
    what is printed of it already, as every area's page does that compares it with the others, nobody learns
    anything, and the area need not be audited again.
    """
    printed: dict[str, dict[int, tuple[int, tuple[Fact, ...]]]] = {}
    for number, edition in enumerate(past, start=1):
        for area, facts in edition.by_area.items():
            printed.setdefault(area, {})[id(facts)] = (number, facts)  # alike in two editions: taken once
    mine: dict[str, list[Fact]] = {}
    for fact in own:
        mine.setdefault(fact.count.area, []).append(fact)
    every = mine.keys() | printed.keys()
    several = [{a, *parts} for a in every if len(parts := TOGETHER.split(a)) > 1 and set(parts) & every]
    apart = every.difference(*several, {f.count.area for f in others})
    linked = set(mine)
    for area in mine.keys() & apart & printed.keys():
        if _told_before(mine[area], [f for _, facts in printed[area].values() for f in facts]):
            linked.remove(area)
    for _ in several:
        linked |= {a for some in several if some & linked for a in some}
    here = sorted(printed.keys() & linked)
    earlier = [f for a in here for n, facts in printed[a].values() for f in editions.as_earlier(facts, n)]
    return [f for f in own if f.count.area in linked], earlier


def _told_before(own: Sequence[Fact], earlier: Sequence[Fact]) -> bool:
    """Say whether each of these figures was printed before, as closely, and none of them otherwise."""
    before: dict[Count, list[Fact]] = {}
    for fact in earlier:
        before.setdefault(fact.count, []).append(fact)
    return all(
        any(f.low <= b.low and b.high <= f.high for b in before.get(f.count, ()))
        and all(f.low <= b.high and b.low <= f.high for b in before[f.count])
        for f in own
    )


def _parts_of_small(own: Sequence[Fact], earlier: Sequence[Fact], rule: Policy) -> frozenset[Count]:
    """List the counts that divide one which an earlier edition printed, and which is too small to be divided.

    Such a count is at most 12 under the public rule. One part of it at most can be printed, and whoever sees
    that part knows the others to within 4. So none is printed, whatever the parts are: all are small, or one is
    not and all are hidden. Which it is their marks do not tell, and the audit takes them to tell nothing.

    Parameters
    ----------
    own : sequence of Fact
        What this edition prints.
    earlier : sequence of Fact
        What earlier editions printed.
    rule : Policy
        The policy of the edition.

    Returns
    -------
    frozenset of Count
        Some of ``own``; empty where no earlier count of the same years is so small.

    Examples
    --------
    >>> from .joint_facts import EARLIER
    >>> whole = Count("children", "arrest", "A", REACHED, 2023, 2023)
    >>> part = Count("children", "arrest", "A", REACHED, 2023, 2023, (("sex", "male"),))
    >>> found = _parts_of_small([Fact(part, 8, 12)], [Fact(whole, 8, 12, origin=EARLIER)], policy("public"))
    >>> print(*found)
    arrest (reached), A, 2023, sex male
    """
    small: dict[Count, set[frozenset]] = {}
    for fact in earlier:
        if rule.hidden_below <= fact.low and fact.high < rule.hidden_below + WIDE:
            small.setdefault(replace(fact.count, where=()), set()).add(frozenset(fact.count.where))
    wholes = ((f.count, small.get(replace(f.count, where=()), ())) for f in own)
    return frozenset(c for c, parts in wholes if any(part < frozenset(c.where) for part in parts))


def printed(
    tables: Mapping[str, Mapping[str, Any]],
    rule: Policy,
    hidden: frozenset[Count],
    noted: Sequence[Fact] = (),
) -> list[Fact]:
    """Gather every count that an edition prints by its own policy, in a table, a sentence or a chart.

    Parameters
    ----------
    tables : mapping
        The bundles of the tables, by name.
    rule : Policy
        The policy of the edition.
    hidden : frozenset of Count
        Counts that the joint audit hid.
    noted : sequence of Fact
        What the notebook noted as shown; where it noted nothing, its tables are read.

    Returns
    -------
    list of Fact
        Each count once.
    """
    # What was released says all of it: a sum of printed counts is no count of its own, and rounded by no rule.
    found = noted or _told(tables, rule, hidden)
    return [f for f in together(found) if f.origin == OWN]


def _told(tables: Mapping[str, Mapping[str, Any]], rule: Policy, hidden: frozenset[Count]) -> list[Fact]:
    """Read what the tables of an edition tell by its policy."""
    texts = [t["csv"] for t in tables.values() if t.get("policy") == rule.name]
    return [f for text in texts for f in of_table(text, rule, hidden=hidden)]


def outside_facts(path: Path | None) -> Sequence[Fact]:
    """Read figures that others have printed; none where there is no such table."""
    if path is None or not path.is_file():
        return ()
    found = tuple(of_table(path.read_text(encoding="utf-8-sig"), PUBLISHED))
    if not found:
        raise DisclosureError(
            f"{path.name}: 0 of its rows are figures that can be audited. First: its header. It needs the columns "
            "area, year, years, unit, stage, base, group, events and denominator."
        )
    return found
