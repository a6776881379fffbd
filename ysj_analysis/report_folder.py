"""Which files does a report hold, and may they be published? Pages, tables, figures and the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date as Date
from pathlib import Path
from typing import Any

from .citations import reference_list
from .content import Content, ContentError
from .documents import Page, documents
from .lengths import Length, pages
from .manifest import manifest, sha256
from .numbering import numbered, numbers
from .page import Heading, first_heading, render_page
from .request import Request
from .wording import clean

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)


def write(build: Path, content: Content, wanted: Request, title: str) -> None:
    """Write every file of the report, the manifest last.

    Parameters
    ----------
    build : Path
        An empty folder.
    content : Content
        What the notebook showed.
    wanted : Request
        What was asked for.
    title : str
        Of the report; its first heading where this is empty.

    Raises
    ------
    ContentError
        If it shows what may not be published.
    """
    _refuse_policies(content, wanted.edition)
    first, content = first_heading(content)
    title = title or first
    if not title:
        raise ContentError(f"{wanted.name} has no title: begin it with a heading (# ...).")
    addresses = {name: f"tables/{wanted.marked(name + '.csv')}" for name in content.tables}
    heading, lengths = _heading(content, wanted, title), list(pages(_with_references(content)))
    found = numbers([own for _, own in lengths])
    finished = {}
    for length, own in lengths:
        top = _on(length, heading, [one for one, _ in lengths], wanted)
        shown = numbered(own, found, captions=not length.tags)
        page = render_page(shown, top, table_files=addresses)
        finished[length] = Page(Path(length.file).stem.replace("index", "report"), page, top)
    files: dict[str, str | bytes] = {
        wanted.marked(length.file): page.html for length, page in finished.items()
    }
    for name, table in content.tables.items():
        url = addresses[name].removeprefix("tables/")
        files[addresses[name]] = table["csv"]
        files[f"{addresses[name]}-metadata.json"] = _json(table["csvw"] | {"url": url})
    for name, figure in content.figures.items():
        files[f"figures/{wanted.marked(name + '.svg')}"] = figure["svg"]
    made = documents(
        [*finished.values()],
        content.tables,
        formats=wanted.formats,
        numbers=found.tables,
        date=wanted.date,
        template=wanted.template,
    )
    files |= {wanted.marked(name): document for name, document in made}
    hashes = {name: sha256(_bytes(text)) for name, text in sorted(files.items())}
    files["manifest.json"] = manifest(content, wanted, title, hashes).to_json()
    _refuse_paths(files, wanted)
    for name, text in files.items():
        (build / name).parent.mkdir(exist_ok=True)
        (build / name).write_bytes(_bytes(text))


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def _with_references(content: Content) -> Content:
    """Add the list of what the methods of the tables come from, at the end of the whole report."""
    listed = reference_list(table["csv"] for table in content.tables.values())
    sections = any(kind == "markdown" and text.startswith("## ") for kind, text, _ in content.blocks)
    if not listed or not sections:
        return content
    return replace(
        content, blocks=[*content.blocks, ("markdown", listed, {})], tags=[*content.tags, ("references",)]
    )


def _on(length: Length, heading: Heading, every: list[Length], wanted: Request) -> Heading:
    """Give the heading of one page of a report: what the page is, and where the others are."""
    others = tuple((wanted.marked(one.file), one.label) for one in every if one != length)
    if not length.tags:
        return replace(heading, pages=others)
    return replace(
        heading, title=length.label, facts=(("Report", heading.title), *heading.facts), pages=others
    )


def _heading(content: Content, wanted: Request, title: str) -> Heading:
    area, period = wanted.where
    place = clean(", ".join(filter(None, (area, str(content.facts.get("period", period))))))
    facts = (("Date", _long_date(wanted.date)),) if wanted.date else ()
    edition = f"{wanted.edition.capitalize()} edition" + ", of made-up data" * bool(wanted.made_up)
    return Heading(title, place, edition, wanted.marking, facts)


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


def _refuse_paths(files: Mapping[str, str | bytes], wanted: Request) -> None:
    """Refuse to publish the address of a folder of this machine: it can name a person."""
    folders = {wanted.study, wanted.notebook.resolve().parent, Path(__file__).resolve().parents[1]}
    for folder in filter(None, folders):
        for name, text in files.items():
            if len(folder.parts) > 2 and str(folder).encode() in _bytes(text):
                raise ContentError(f"{name} would show the address of a folder of this machine.")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
