"""May this edition appear, beside all that was printed before? Run, audit, hide, run again.

A notebook is run and its tables are audited together with every earlier edition of the area and with
figures that others have printed. Where something could be worked out, the counts it rests on are hidden
and the notebook is run again, so that every sentence, chart and ratio follows from what is still
printed. Nothing is written before an audit passes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import editions
from .audit_hidden import drafting, hiding, noting
from .joint_advice import advice
from .joint_facts import BEFORE, OWN, REACHED, THROUGH, Count, Fact, of_table, together
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
    for _ in range(_RUNS + draft):
        with hiding(hidden), noting() as noted, drafting(draft):
            shown = run()
        in_tables = {f.count for f in _told(tables(shown), rule, hidden)}
        own = printed(tables(shown), rule, hidden, noted)
        useful = Audited(tuple(f for f in own if f.count in in_tables), 0).usefulness()
        this = editions.Edition(name, rule.name, tuple(own))
        if this in past:  # it has appeared before, so that it adds nothing to what is known
            return shown, Cleared(this, useful)
        if settled is not None and set(own) == set(settled):  # just as the audit left them
            return shown, Cleared(this, useful)
        earlier = [f for number, e in enumerate([*past, *beside], start=1) for f in e.earlier(number)]
        earlier = _overlapping(own, earlier)
        found = audited([*own, *earlier, *others], rule, steps=_HIDE)
        settled = found.facts if found.plain else None
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
    return [str(line) for line in advice(counts, policy(this.policy))] if counts else []


def _overlapping(own: Sequence[Fact], earlier: Sequence[Fact]) -> list[Fact]:
    """Keep what was printed of the same areas, and of areas of which one is several others together."""
    every = {f.count.area for f in (*own, *earlier)}
    several = [{a, *parts} for a in every if len(parts := TOGETHER.split(a)) > 1 and set(parts) & every]
    linked = {f.count.area for f in own}
    for _ in several:
        linked |= {a for some in several if some & linked for a in some}
    return [f for f in earlier if f.count.area in linked]


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
