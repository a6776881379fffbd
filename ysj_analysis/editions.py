"""What has every earlier public edition printed? A ledger for each area that is only ever added to.

Each line holds what one edition printed, and a hash over itself and the line before, so that a line
that was changed, moved or taken out is noticed. The ledger holds printed numbers only.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .joint_facts import EARLIER, Count, Fact, as_record, from_record
from .policies import DisclosureError
from .publication import turn

NAME = "editions.jsonl"
BEFORE = "earlier_editions"
"""In a manifest: how many editions of its area had been printed when the report was made."""
_START = "0" * 64
_PATIENCE = 30.0


@dataclass(frozen=True)
class Edition:
    """What one edition printed.

    Attributes
    ----------
    name : str
        The notebook and its parameters.
    policy : str
        The rule it was printed by.
    facts : tuple of Fact
        The counts it printed.
    made_up : bool or None
        Whether its children are made up; None where that is not known.
    """

    name: str
    policy: str
    facts: tuple[Fact, ...]
    made_up: bool | None = field(default=None, compare=False)

    @property
    def hidden(self) -> frozenset[Count]:
        """Counts that the joint audit had it hide."""
        return frozenset(f.count for f in self.facts if f.level)

    @functools.cached_property
    def by_area(self) -> Mapping[str, tuple[Fact, ...]]:
        """Its facts of each area, in order; those that two editions print alike are one and the same tuple."""
        found: dict[str, list[Fact]] = {}
        for fact in self.facts:
            found.setdefault(fact.count.area, []).append(fact)
        return {
            area: _ALIKE.setdefault(facts, facts)
            for area, facts in zip(found, map(tuple, found.values()), strict=True)
        }

    def earlier(self, number: int = 1) -> list[Fact]:
        """Give its facts as those of an earlier edition, the first being 1."""
        return as_earlier(self.facts, number)


_ALIKE: dict[tuple[Fact, ...], tuple[Fact, ...]] = {}
_READ: dict[str, tuple[tuple[int, int, int], tuple[Edition, ...]]] = {}
"""Ledgers that were read, and what they were then: their time, size and number."""


def as_earlier(facts: Sequence[Fact], number: int) -> list[Fact]:
    """Give facts as those of an earlier edition, the first being 1."""
    return [replace(f, origin=EARLIER, level=0, edition=number) for f in facts]


def ledgers(out: Path) -> list[Path]:
    """List the ledgers of all areas: that of reports on several of them, and each area's own."""
    return [path for path in (out / NAME, *out.glob(f"*/{NAME}")) if path.is_file()]


def read(path: str | Path) -> list[Edition]:
    """Read a ledger, and check that nobody has changed it; once in a process, and in those forked from it.

    Parameters
    ----------
    path : path
        The file; one that is not there holds no editions.

    Returns
    -------
    list of Edition
        The first first.

    Raises
    ------
    DisclosureError
        If a line was changed, moved, taken out or cut short.
    """
    path = Path(path)
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        now = (status.st_mtime_ns, status.st_size, status.st_ino)
        then, kept = _READ.get(str(path.absolute()), ((), ()))
        if then == now:
            return list(kept)
        lines = file.read().splitlines()
    found, before = [], _START
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            stated, body = record.pop("hash"), record
            whole = stated == _hash(body) and body["previous"] == before
            facts = tuple(from_record(r) for r in body["facts"])
            edition = Edition(body["name"], body["policy"], facts, body.get("made_up"))
        except (ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise DisclosureError(
                f"{path.name}: {len(lines) - number + 1} of {len(lines)} editions cannot be trusted: the ledger was "
                f"edited or cut short. First: line {number}. Put back the file as it was written (from a backup); "
                "without it nobody can say what earlier editions and a new one give away together."
            )
        found.append(edition)
        before = stated
    _READ[str(path.absolute())] = (now, tuple(found))
    return found


def append(path: str | Path, edition: Edition) -> bool:
    """Add an edition to a ledger, unless it has printed exactly the same before.

    Parameters
    ----------
    path : path
        The file; made if it is not there.
    edition : Edition
        What was printed.

    Returns
    -------
    bool
        Whether a line was added.

    Raises
    ------
    DisclosureError
        If the ledger was edited.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with turn(path.with_name(f".{path.name}.lock"), path, wait=_PATIENCE):
        _beside(path).unlink(missing_ok=True)  # of a run that was killed
        if edition in read(path):
            return False
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        body = {
            "previous": json.loads(lines[-1])["hash"] if lines else _START,
            "name": edition.name,
            "policy": edition.policy,
            "facts": [as_record(f) for f in edition.facts],
        }
        if edition.made_up is not None:
            body["made_up"] = edition.made_up
        text = json.dumps(body | {"hash": _hash(body)}, sort_keys=True, ensure_ascii=False)
        _replace(path, "".join(f"{line}\n" for line in [*lines, text]))
    return True


def name(notebook: str, values: Mapping[str, Any]) -> str:
    """Name the edition of a notebook with these parameters, wherever its data lie and whenever it is made.

    Examples
    --------
    >>> name("annual_report", {"year": 2023, "area": "A", "data": "here", "date": "2024-05-01"})
    'annual_report {"area": "A", "year": 2023}'
    """
    settings = {k: v for k, v in sorted(values.items()) if k not in ("data", "date")}
    return f"{notebook} {json.dumps(settings, ensure_ascii=False)}"


def known(editions: Sequence[Edition], name: str) -> frozenset[Count]:
    """Say which counts were hidden when an edition of this name was last printed."""
    return next((e.hidden for e in reversed(editions) if e.name == name), frozenset())


def before(path: str | Path, edition: Edition) -> int:
    """Count the editions of a ledger that were printed before this one.

    Parameters
    ----------
    path : path
        The ledger; one that is not there holds none.
    edition : Edition
        In the ledger already, or about to be.

    Returns
    -------
    int
        What the edition hides may depend on them, so it comes out again only where they are at hand.
    """
    past = read(path)
    return past.index(edition) if edition in past else len(past)


def refuse_another_kind(path: str | Path, made_up: bool | None) -> None:
    """Refuse to put the reports of a real area among those of a made-up one, or the other way round.

    Parameters
    ----------
    path : path
        The ledger of the area.
    made_up : bool or None
        Whether the children of the study are; of what is not known nothing is said.

    Raises
    ------
    DisclosureError
        If the ledger holds an edition of the other kind.
    """
    past = read(path)
    others = [e for e in past if made_up is not None and e.made_up is (not made_up)]
    if others:
        kinds = ("of made-up data", "of real children")
        was, now = kinds if not made_up else kinds[::-1]
        raise DisclosureError(
            f"This study is {now}, and {len(others)} of the {len(past)} editions in this area's folder are {was}. "
            f"First: {others[0].name.split(' ')[0]}. They would take one another's place, and be audited together as "
            "if of the same children. Give this study a folder of its own with --out."
        )


def _hash(body: dict) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, so that a run that is killed, or a full disk, cuts no line short."""
    new = _beside(path)
    try:
        with new.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
