"""Would a report come out as it is there already? A hash over all it is made from, kept after it was made.

The hashes are kept in a folder beside the reports that is not for publication: the hash of a small
table would let a reader test guesses of what the report hides.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from pathlib import Path

from . import manifest
from .inspection import MANIFEST, faults
from .manifest import sha256
from .request import Request

NAME = ".batch"


def folder(out: Path) -> Path:
    """Give the folder that remembers what reports were made from; made if it is not there, private."""
    found = out / NAME
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def recipe(wanted: Request) -> str:
    """Hash all that a report is made from: data, parameters, notebook, package and lock.

    Parameters
    ----------
    wanted : Request
        Of the report.

    Returns
    -------
    str
        The same only if the report would come out the same.
    """
    parts = {
        "study": _study(str(wanted.study), stamp(wanted.study)) if wanted.study else {},
        "notebook": sha256(wanted.notebook.read_bytes()),
        "values": {k: v for k, v in wanted.values.items() if k != "data"},
        "asked": [
            wanted.edition,
            wanted.date,
            wanted.formats,
            sha256(wanted.template.read_bytes()) if wanted.template else "",
            sha256(os.environ.get(manifest.KEY, "").encode()),
        ],
        "package": _package(),
        "versions": manifest.versions(),
    }
    return sha256(json.dumps(parts, sort_keys=True).encode())


def record(out: Path, report: str, made_from: str) -> None:
    """Remember what a report was made from.

    Parameters
    ----------
    out : Path
        Folder of all reports.
    report : str
        The report, below it.
    made_from : str
        Its `recipe`.
    """
    path = _path(out, report)
    new = path.with_suffix(f".{os.getpid()}")
    whole = sha256((out / report / MANIFEST).read_bytes())
    new.write_text(json.dumps({"report": report, "recipe": made_from, MANIFEST: whole}), encoding="utf-8")
    new.replace(path)


def unchanged(wanted: Request, out: Path, now: str) -> bool:
    """Whether a report is there, whole, as it was made, and made from what there is now.

    Parameters
    ----------
    wanted : Request
        Of the report.
    out : Path
        Folder of all reports.
    now : str
        Its `recipe`.

    Returns
    -------
    bool
        False where nothing is remembered.
    """
    target = wanted.folder(out)
    try:
        known = json.loads(_path(out, target.relative_to(out).as_posix()).read_text(encoding="utf-8"))
        same = known["recipe"] == now and known[MANIFEST] == sha256((target / MANIFEST).read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return same and next(faults(target), None) is None


def _path(out: Path, report: str) -> Path:
    return folder(out) / f"{sha256(report.encode())[:32]}.json"


def stamp(study: Path) -> tuple[tuple[str, int, int], ...]:
    """Say when the files of a study last changed, so that each is hashed once in a batch."""
    files = [study] if study.is_file() else sorted(p for p in study.iterdir() if p.is_file())
    return tuple((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files)


@functools.lru_cache(maxsize=4)
def _study(study: str, stamp: tuple[tuple[str, int, int], ...]) -> dict[str, str]:
    place = Path(study)
    hashed = {}
    for name, *_ in stamp:
        with (place if place.is_file() else place / name).open("rb") as file:
            hashed[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashed


@functools.cache
def _package() -> str:
    """Hash the package as it is, with its lock where it is a checkout."""
    here = Path(__file__).resolve().parent
    files = sorted(p for p in here.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    lock = here.parent / "requirements.lock"
    total = hashlib.sha256()
    for path in [*files, *([lock] if lock.is_file() else [])]:
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
