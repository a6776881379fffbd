"""How is a report rendered, and from what? Parameters, notebook, page, folder and manifest.

The flow is checked parameters -> papermill -> what it showed -> page, tables, figures and manifest ->
the folder appears, whole or not at all. The same inputs and parameters give the same bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date as Date
from pathlib import Path
from typing import Any

from . import editions, engine, execution
from .content import Content, collect
from .disclosure import policy
from .inspection import require_whole
from .joint_release import OUTSIDE_FILE, cleared
from .page import slug
from .publication import saying_no_room, scratch, temporary, turn, whole
from .report_folder import write
from .request import Request, request

_PATIENCE = 3600.0
"""Seconds to wait for other reports of the same area, which are rendered one after another."""


def render(
    notebook: str | Path,
    *,
    data: str | Path | None = None,
    out: str | Path = "reports",
    parameters: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    edition: str = "public",
    date: str | Date | None = None,
    formats: str | Sequence[str] = ("html",),
    template: str | Path | None = None,
    timeout: int = 600,
    wait: float = 0.0,
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
    edition : {"public", "ons", "restricted"}
        The restricted edition is marked, and has a folder of its own.
    date : date or str, optional
        Printed on the page, as YYYY-MM-DD. No clock is read.
    formats : str or sequence of str
        Beside the page: ``pdf``, ``docx``, ``xlsx`` (`documents.FORMATS`).
    template : path, optional
        A Word document for the house style of the Word documents.
    timeout : int
        Seconds a cell may take.
    wait : float
        Seconds to wait for another run of the same report.

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
        If another run is still writing the same report.
    NoRoom
        If the disk is full; what was there stays as it was.
    """
    wanted = request(
        notebook,
        data=data,
        values=parameters,
        text=text,
        edition=edition,
        date=date,
        formats=formats,
        template=template,
    )
    target = wanted.folder(Path(out))
    ledger = _ledger(wanted, Path(out))
    editions.refuse_another_kind(ledger, wanted.made_up)
    with (
        saying_no_room(target),
        whole(target, wait=wait) as build,
        temporary(scratch(build)),
        _alone(ledger, wanted),
        execution.process() as process,
    ):
        content, title, edition_ = _cleared(wanted, Path(out), timeout, process)
        write(build, content, wanted, title)
        require_whole(build)
        if edition_ is not None:  # first, so that no report appears that is not in the ledger
            editions.append(ledger, edition_)
    return target


def _alone(ledger: Path, wanted: Request) -> contextlib.AbstractContextManager[None]:
    """Have no other public report of the area audited until this one is in the ledger."""
    if not policy(wanted.edition).protects:
        return contextlib.nullcontext()
    return turn(ledger.with_name(".area.lock"), ledger, wait=_PATIENCE)


def _cleared(
    wanted: Request, out: Path, timeout: int, process: engine.Process | None
) -> tuple[Content, str, editions.Edition | None]:
    """Run the notebook; a public edition until its tables give nothing away beside all earlier ones."""

    def run() -> tuple[Content, str]:
        executed = execution.run(
            execution.read(wanted.notebook), wanted.values, name=wanted.name, timeout=timeout, within=process
        )
        return collect(executed, name=wanted.name), executed.metadata.get("title", "")

    if not policy(wanted.edition).protects:
        return *run(), None
    (content, title), found = cleared(
        run,
        lambda shown: shown[0].tables,
        name=editions.name(wanted.name, wanted.values),
        rule=policy(wanted.edition),
        ledger=_ledger(wanted, out),
        outside=wanted.study / OUTSIDE_FILE if wanted.study else None,
        sisters=editions.ledgers(out),
        draft=process is not None,
    )
    if not found.edition.facts:
        return content, title, None
    shares = {name: round(share, 3) for name, share in found.usefulness.items()}
    before = editions.before(_ledger(wanted, out), found.edition)
    facts = content.facts | {"printed": shares, editions.BEFORE: before}
    return replace(content, facts=facts), title, replace(found.edition, made_up=wanted.made_up)


def _ledger(wanted: Request, out: Path) -> Path:
    """Say where the ledger of an area's editions is: beside its reports."""
    area = str(wanted.values.get("area", ""))
    return out / slug(area) / editions.NAME if area else out / editions.NAME
