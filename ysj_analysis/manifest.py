"""What was a report made from, and what does it hold? Its manifest: no path, no user, no clock of its own."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import json
import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from . import __version__
from .content import Content, ContentError
from .request import Request
from .settings import made_up

_LIBRARIES = (
    *(
        "ipykernel",
        "jinja2",
        "matplotlib",
        "mistune",
        "nbclient",
        "nbconvert",
        "numpy",
        "pandas",
        "papermill",
    ),
    *("pydantic", "scipy", "seaborn", "statsmodels"),
    *("gptables", "pikepdf", "pypandoc-binary", "python-docx", "typst"),  # documents
)
PRIVATE = ("children", "events", "offences", "searches", "counts", "ledger", "actions")
KEY = "YSJ_HASH_KEY"
_INPUTS = (".csv", ".toml", ".json", ".parquet")
_DIGEST = '\n  "digest": "{}"'


@dataclass(frozen=True)
class Manifest:
    """What a report was made from and what it holds. No path, no user, no clock but the one given.

    Attributes
    ----------
    notebook, title, edition : str
        What was rendered.
    date : str or None
        The date given, if one was.
    formats : tuple of str
        In which it was made.
    parameters : dict
        As the notebook ran with them, but for the folder of the study.
    inputs : dict
        SHA-256 of the notebook and of every file of the study; keyed, or withheld, for a private table.
    versions : dict
        Of Python, this package and the libraries it uses.
    commit : str or None
        Of the checkout, with "+" when files differ from it.
    tables : dict
        For each table its title, how many cells it has, how many are hidden and by which policy.
    hidden : dict
        Hidden cells in all, by policy.
    outputs : dict
        SHA-256 of every other file of the folder.
    facts : dict
        What the notebook added: ledger, policy, sources.
    """

    notebook: str
    title: str
    edition: str
    date: str | None
    parameters: dict[str, Any]
    inputs: dict[str, Any]
    versions: dict[str, str]
    commit: str | None
    tables: dict[str, dict[str, Any]]
    hidden: dict[str, int]
    outputs: dict[str, str]
    formats: tuple[str, ...] = ("html",)
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write the manifest as text, the facts beside the rest."""
        fields = asdict(self) | {"digest": ""}
        facts = fields.pop("facts")
        if clash := sorted(set(fields) & set(facts)):
            raise ContentError(f"The fact {clash[0]!r} of the notebook is one the manifest keeps itself.")
        text = json.dumps(fields | facts, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return text.replace(_DIGEST.format(""), _DIGEST.format(digest(text)), 1) + "\n"


def digest(text: str) -> str:
    """Hash a manifest, without its own digest, so that a slip in any character of it can be seen."""
    return sha256(
        re.sub(_DIGEST.format("[0-9a-f]*"), _DIGEST.format(""), text.rstrip("\n"), count=1).encode()
    )


def manifest(content: Content, wanted: Request, title: str, outputs: dict[str, str]) -> Manifest:
    """Make the manifest of a report.

    Parameters
    ----------
    content : Content
        What the notebook showed.
    wanted : Request
        What was asked for.
    title : str
        Of the report.
    outputs : dict of str to str
        SHA-256 of every other file of the folder.

    Returns
    -------
    Manifest
        With the hash of every input and the versions of what made it.
    """
    tables = {
        name: {key: table.get(key) for key in ("title", "cells", "hidden", "policy")}
        for name, table in content.tables.items()
    }
    hidden: dict[str, int] = {}
    for table in tables.values():
        if table["policy"]:
            hidden[table["policy"]] = hidden.get(table["policy"], 0) + int(table["hidden"] or 0)
    values = {key: value for key, value in wanted.values.items() if key != "data"}
    return Manifest(
        notebook=wanted.name,
        title=title,
        edition=wanted.edition,
        date=wanted.date,
        parameters=values,
        inputs=inputs(wanted),
        versions=versions(),
        commit=commit(),
        tables=tables,
        hidden=hidden,
        outputs=outputs,
        formats=wanted.formats,
        facts=content.facts,
    )


def inputs(wanted: Request) -> dict[str, Any]:
    """Hash what a report is made from: the notebook, every file of the study, the template if there is one."""
    template = {"template": sha256(wanted.template.read_bytes())} if wanted.template else {}
    return {
        "notebook": sha256(wanted.notebook.read_bytes()),
        "study": _study_hashes(wanted.study, wanted.edition),
    } | template


def sha256(content: bytes) -> str:
    """Hash some bytes."""
    return hashlib.sha256(content).hexdigest()


def _study_hashes(study: Path | None, edition: str) -> dict[str, str]:
    """Say which files the report was made from.

    The plain hash of a small table of counts would let a reader test guesses of what is hidden. In a
    public edition the hash of a private table is therefore keyed, with a key that only the service has.
    """
    if study is None:
        return {}
    files = [study] if study.is_file() else [p for p in sorted(study.iterdir()) if p.suffix in _INPUTS]
    private = edition != "restricted" and not made_up(study)
    return {p.name: (_keyed if private and p.stem in PRIVATE else sha256)(p.read_bytes()) for p in files}


def _keyed(content: bytes) -> str:
    key = os.environ.get(KEY, "")
    if not key:
        return f"withheld: set {KEY} to a secret of your service to record a keyed hash"
    return "hmac-sha256:" + hmac.new(key.encode(), content, hashlib.sha256).hexdigest()


def versions() -> dict[str, str]:
    """List the versions of Python, this package and the libraries it declares.

    Examples
    --------
    >>> versions()["ysj-analysis"] == __version__
    True
    """
    found = {"python": platform.python_version(), "ysj-analysis": __version__}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def commit() -> str | None:
    """Name the commit of the checkout this package runs from; ``None`` when it is installed."""
    return _commit(Path(__file__).resolve().parents[1])


@functools.cache  # a process runs the code it started with
def _commit(checkout: Path) -> str | None:
    if not (checkout / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        return head + ("+" if git("status", "--porcelain", "--untracked-files=no", "ysj_analysis") else "")
    except (OSError, subprocess.SubprocessError):
        return None
