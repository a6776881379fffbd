"""Do the same inputs still give the same bytes? A report is rendered again from its manifest and compared."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import editions
from .inspection import MANIFEST, faults, read_manifest
from .manifest import inputs
from .page import slug
from .parameters import ParameterError
from .report import render
from .request import Request, request

_SURROUNDINGS = ("versions", "commit")
"""What of a manifest is of the machine: said when it differs, and not a difference of the report."""


@dataclass(frozen=True)
class Verdict:
    """What came of it.

    Attributes
    ----------
    differences : tuple of str
        Each names a file, and where in it; none where the report is as it was rendered.
    files : int
        How many files the report holds.
    notes : tuple of str
        What is not a difference but may explain one: another version, a hash that was withheld.
    """

    differences: tuple[str, ...]
    files: int
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether every byte is the same."""
        return not self.differences


def verify(
    folder: str | Path,
    *,
    data: str | Path | None = None,
    notebook: str | Path | None = None,
    template: str | Path | None = None,
    timeout: int = 600,
) -> Verdict:
    """Render a report again from its manifest and compare every byte.

    Parameters
    ----------
    folder : path
        The report. The ledger of its area's editions is looked for above it, and needed if it was not the first.
    data : path, optional
        The study it was made from; the notebook's own default when it is not given.
    notebook : path, optional
        The notebook, where it is none of the kit.
    template : path, optional
        The Word template, where one was used.
    timeout : int
        Seconds a cell may take.

    Returns
    -------
    Verdict
        With what was changed since it was written, without rendering; or else with what came out
        otherwise.

    Raises
    ------
    ParameterError
        If the folder is no report, or the study does not have what the manifest asks for.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ParameterError(f"{folder} is not the folder of a report.")
    files = sum(p.is_file() for p in folder.rglob("*"))
    if found := tuple(faults(folder)):
        return Verdict(found, files)
    stated: Any = read_manifest(folder)
    values = {k: v for k, v in stated["parameters"].items() if k not in ("edition", "date")}
    given = {"data": data, "edition": stated["edition"], "date": stated["date"]}
    given["formats"] = stated.get("formats", ("html",))
    given |= {"formats": stated.get("formats", ["html"]), "template": template}
    wanted = request(notebook or stated["notebook"], values=values, **given)
    if other := tuple(_other_inputs(stated["inputs"], inputs(wanted))):
        return Verdict(other, files)
    with tempfile.TemporaryDirectory(prefix="ysj-", ignore_cleanup_errors=True) as again:
        known = _copy_ledger(folder, Path(again), wanted)
        if (missing := stated.get(editions.BEFORE, 0)) > known:
            return Verdict((_without(missing, known),), files)
        new = render(wanted.notebook, parameters=values, out=again, timeout=timeout, **given)
        return Verdict(tuple(_different(folder, new)), files, tuple(_notes(stated, new)))


def _other_inputs(stated: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """Name the inputs that are not those the report was made from; a withheld hash cannot tell."""
    if stated["notebook"] != here["notebook"]:
        yield "the notebook is not the one the report was made from"
    if stated.get("template") != here.get("template"):
        yield "the Word template is not the one the report was made with (--template)"
    before, now = stated["study"], here["study"]
    for name in sorted(before.keys() | now.keys()):
        if name not in now or name not in before:
            yield f"{name} of the study was {'not there' if name in now else 'there'} when the report was made"
        elif before[name] != now[name] and "withheld" not in before[name] + now[name]:
            yield f"{name} of the study is not the one the report was made from"


def _copy_ledger(folder: Path, out: Path, wanted: Request) -> int:
    """Give the new run the ledger that the first one had; say how many editions it holds."""
    area = slug(str(wanted.values["area"])) if wanted.values.get("area") else ""
    for above in folder.resolve().parents[:4]:
        ledger = above / editions.NAME
        if ledger.is_file() and (not area or above.name == area):
            (out / area).mkdir(exist_ok=True)
            (out / area / editions.NAME).write_bytes(ledger.read_bytes())
            return len(editions.read(ledger))
    return 0


def _without(before: int, known: int) -> str:
    return (
        f"{before - known} of {before} editions that its area had printed before are in no ledger above the folder, "
        f"and it hides what it and they would give away together: put {editions.NAME} back where it was"
    )


def _different(old: Path, new: Path) -> Iterator[str]:
    """Say where the two reports differ, file by file in the order of their names."""
    names = [{p.relative_to(f).as_posix() for p in f.rglob("*") if p.is_file()} for f in (old, new)]
    for name in sorted(names[0] | names[1], key=lambda n: (n == MANIFEST, n)):
        if name not in names[1]:
            yield f"{name} did not come out again"
        elif name not in names[0]:
            yield f"{name} came out and was not there"
        elif name == MANIFEST:
            yield from _different_manifest(*(json.loads((f / name).read_text("utf-8")) for f in (old, new)))
        elif (one := (old / name).read_bytes()) != (two := (new / name).read_bytes()):
            at = _first_difference(one, two)
            line = one.count(b"\n", 0, at) + 1
            yield f"{name} came out otherwise, from byte {at + 1:,} (line {line:,}) on"


def _first_difference(one: bytes, two: bytes) -> int:
    both = min(len(one), len(two))
    other = np.flatnonzero(np.frombuffer(one[:both], "u1") != np.frombuffer(two[:both], "u1"))
    return int(other[0]) if other.size else both


def _different_manifest(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(one.keys() | two.keys()):
        if key in (*_SURROUNDINGS, "digest", "inputs"):
            continue  # said apart, or compared before
        if one.get(key) != two.get(key):
            yield f'{MANIFEST} came out otherwise, in "{key}"'


def _notes(stated: Mapping[str, Any], new: Path) -> Iterator[str]:
    """Say what of the machine is not as it was."""
    here = json.loads((new / MANIFEST).read_text("utf-8"))
    if stated["commit"] != here["commit"]:
        yield "It was made from another commit of the kit."
    names = sorted(stated["versions"].keys() | here["versions"].keys())
    others = [n for n in names if stated["versions"].get(n) != here["versions"].get(n)]
    if others:
        yield f"It was made with other versions of {', '.join(others)}."
    if any("withheld" in value for value in stated["inputs"]["study"].values()):
        yield "Hashes of private tables were withheld, so it is not known whether the study is the same."
