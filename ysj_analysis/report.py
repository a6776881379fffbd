"""How is a report rendered, and from what? Parameters, notebook, page, folder and manifest.

The flow is checked parameters -> papermill -> what it showed -> page, tables, figures and manifest ->
the folder appears, whole or not at all. The same inputs and parameters give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date as Date
from pathlib import Path
from typing import Any

from . import editions, execution
from .content import Content, ContentError, collect
from .disclosure import policy
from .joint_release import OUTSIDE_FILE, cleared
from .lengths import Length, pages
from .manifest import manifest, sha256
from .page import Heading, first_heading, render_page, slug
from .publication import scratch, temporary, whole
from .request import Request, request

FORMATS = ("html",)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)


def render(
    notebook: str | Path,
    *,
    data: str | Path | None = None,
    out: str | Path = "reports",
    parameters: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    edition: str = "public",
    date: str | Date | None = None,
    timeout: int = 600,
) -> Path:
    """Render a notebook to a folder that appears whole or not at all.

    Parameters
    ----------
    notebook : str or path
        A notebook of the kit by its name, or any other by its path.
    data : path, optional
        The study folder; the notebook's own default when it is not given.
    out : path
        Folder of all reports. This one becomes ``out/<area>/<year>/<notebook>/``.
    parameters : mapping, optional
        Values for the notebook, of the types it declares. An ``area`` or ``year`` not given is the
        study's first and last.
    text : mapping of str to str, optional
        Further values as typed on a command line, converted by the declared type.
    edition : {"public", "restricted"}
        The restricted edition is marked, and has a folder of its own.
    date : date or str, optional
        Printed on the page, as YYYY-MM-DD. No clock is read.
    timeout : int
        Seconds a cell may take.

    Returns
    -------
    Path
        The finished folder; ``index.html`` is the page.

    Raises
    ------
    ParameterError
        Before anything runs, if a value is unknown, missing or of another type.
    NotebookError
        If the notebook did not run to its end, or shows what may not be published.
    DisclosureError
        If a count could be worked out from its tables and earlier editions, whatever is hidden.
    Locked
        If another run is writing the same report.
    """
    wanted = request(notebook, data=data, values=parameters, text=text, edition=edition, date=date)
    target = wanted.folder(Path(out))
    with whole(target) as build, temporary(scratch(build)):
        content, title, edition_ = _cleared(wanted, Path(out), timeout)
        _write(build, content, wanted, title)
        if edition_ is not None:  # before the folder appears, so that none appears that is not in the ledger
            editions.append(_ledger(wanted, Path(out)), edition_)
    return target


def _cleared(wanted: Request, out: Path, timeout: int) -> tuple[Content, str, editions.Edition | None]:
    """Run the notebook; a public edition until its tables give nothing away beside all earlier ones."""

    def run() -> tuple[Content, str]:
        executed = execution.run(
            execution.read(wanted.notebook), wanted.values, name=wanted.name, timeout=timeout
        )
        return collect(executed, name=wanted.name), executed.metadata.get("title", "")

    if wanted.edition != "public":
        return *run(), None
    settings = {k: v for k, v in sorted(wanted.values.items()) if k not in ("data", "date")}
    (content, title), found = cleared(
        run,
        lambda shown: shown[0].tables,
        name=f"{wanted.name} {json.dumps(settings, ensure_ascii=False)}",
        rule=policy(wanted.edition),
        ledger=_ledger(wanted, out),
        outside=wanted.study / OUTSIDE_FILE if wanted.study else None,
    )
    if not found.edition.facts:
        return content, title, None
    shares = {name: round(share, 3) for name, share in found.usefulness.items()}
    return replace(content, facts=content.facts | {"printed": shares}), title, found.edition


def _ledger(wanted: Request, out: Path) -> Path:
    """Say where the ledger of an area's editions is: beside its reports."""
    area = str(wanted.values.get("area", ""))
    return out / slug(area) / editions.NAME if area else out / editions.NAME


# -- the folder --------------------------------------------------------------------------------------


def _write(build: Path, content: Content, wanted: Request, title: str) -> None:
    """Write every file of the report, the manifest last."""
    _refuse_policies(content, wanted.edition)
    first, content = first_heading(content)
    title = title or first
    if not title:
        raise ContentError(f"{wanted.name} has no title: begin it with a heading (# ...).")
    addresses = {name: f"tables/{wanted.marked(name + '.csv')}" for name in content.tables}
    heading, lengths = _heading(content, wanted, title), list(pages(content))
    files = {
        wanted.marked(length.file): render_page(
            own, _on(length, heading, [one for one, _ in lengths], wanted), table_files=addresses
        )
        for length, own in lengths
    }
    for name, table in content.tables.items():
        own = addresses[name].removeprefix("tables/")
        files[addresses[name]] = table["csv"]
        files[f"{addresses[name]}-metadata.json"] = _json(table["csvw"] | {"url": own})
    for name, figure in content.figures.items():
        files[f"figures/{wanted.marked(name + '.svg')}"] = figure["svg"]
    hashes = {name: sha256(text.encode()) for name, text in sorted(files.items())}
    files["manifest.json"] = manifest(content, wanted, title, hashes).to_json()
    _refuse_paths(files, wanted)
    for name, text in files.items():
        (build / name).parent.mkdir(exist_ok=True)
        (build / name).write_bytes(text.encode())


def _on(length: Length, heading: Heading, every: list[Length], wanted: Request) -> Heading:
    """Give the heading of one page of a report: what the page is, and where the others are."""
    others = tuple((wanted.marked(one.file), one.label) for one in every if one != length)
    title = f"{heading.title}: {length.label[:1].lower()}{length.label[1:]}" if length.tag else heading.title
    return replace(heading, title=title, pages=others)


def _heading(content: Content, wanted: Request, title: str) -> Heading:
    area, period = wanted.where
    place = ", ".join(filter(None, (area, str(content.facts.get("period", period)))))
    facts = (("Date", _long_date(wanted.date)),) if wanted.date else ()
    return Heading(title, place, f"{wanted.edition.capitalize()} edition", wanted.marking, facts)


def _long_date(iso: str) -> str:
    day = Date.fromisoformat(iso)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _refuse_policies(content: Content, edition: str) -> None:
    """Refuse a table or chart printed by a rule that is not this edition's."""
    open_to_all = {"public", "ons", "published", None}
    allowed = open_to_all | ({"restricted"} if edition == "restricted" else set())
    for name, shown in {**content.tables, **content.figures}.items():
        if (policy := shown.get("policy")) not in allowed:
            raise ContentError(
                f"{name} was printed by the policy {policy!r}, which a {edition} edition does not show. Release it by "
                "the policy of the edition: disclosure.policy(edition)."
            )


def _refuse_paths(files: Mapping[str, str], wanted: Request) -> None:
    """Refuse to publish the address of a folder of this machine: it can name a person."""
    folders = {wanted.study, wanted.notebook.resolve().parent, Path(__file__).resolve().parents[1]}
    for folder in filter(None, folders):
        for name, text in files.items():
            if len(folder.parts) > 2 and str(folder) in text:
                raise ContentError(f"{name} would show the address of a folder of this machine.")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
