"""The command that makes many reports: batch."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from .command_settings import Settings, pairs


def batch(
    plan: Path | None = None,
    /,
    *,
    data: str | None = None,
    areas: str = "all",
    years: str = "last",
    notebooks: str = "annual_report",
    out: Path = Path("reports"),
    parameter: Settings = None,
    edition: Literal["public", "ons", "restricted"] = "public",
    date: str | None = None,
    to: str = "html",
    template: Path | None = None,
    jobs: int | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    log: Path | None = None,
    log_format: Literal["text", "json"] = "text",
    memory: int = 4096,
    timeout: int = 600,
    part: Annotated[Path | None, Parameter(show=False)] = None,
) -> int:
    """Render many reports; exit 0 if all are whole, 3 if some are not, and say which.

    Example: ysj batch --data data/synthetic --areas all --years 2021..2023 --resume

    Parameters
    ----------
    plan : path
        A plan in TOML, instead of the settings up to --template (docs/unattended.md).
    data : str
        The study folder; with {area} in it, a study for each area. By default the notebook's own.
    areas : str
        all, or areas separated by commas.
    years : str
        The last year of each report: last, all, 2021..2023, 2021.., or years separated by commas.
    notebooks : str
        Notebooks of the kit by name, or others by path, separated by commas.
    out : path
        Folder of all reports.
    parameter : list of str
        A parameter of the notebooks as KEY=VALUE; may be repeated.
    edition : str
        ons hides fewer than 10 instead of fewer than 8; the restricted edition shows true counts and is marked
        OFFICIAL-SENSITIVE.
    date : str
        Date to print, as YYYY-MM-DD.
    to : str
        Formats, separated by commas: html, pdf, docx, xlsx.
    template : path
        A Word document for the house style of the Word documents.
    jobs : int
        Processes at a time; by default as many as this machine has processors.
    resume : bool
        Leave a report that is whole and would come out the same.
    engine : str
        Where: local, or dask for a cluster that is there already.
    scheduler : str
        Address of the cluster's scheduler, such as tcp://10.0.0.5:8786.
    log : path
        Add the lines to this file instead of printing them.
    log_format : str
        text or json: one line for each report and one of health at the end.
    memory : int
        MiB of data that each process of a report may have.
    timeout : int
        Seconds one cell may take.
    part : path
        A part of a batch that another machine has dealt out.
    """
    from . import batch as many
    from . import batch_plan
    from .batch_log import Log

    if part is not None:
        from .batch_cluster import do_part

        return do_part(part)
    if plan is not None:
        plans = batch_plan.read(plan)
    else:
        given = {"data": data, "areas": _list(areas, "all"), "years": _years(years), "out": str(out)}
        given |= {"notebooks": _list(notebooks), "edition": edition, "date": date, "formats": _list(to)}
        given |= {"template": str(template) if template else None}
        plans = [batch_plan.plan(given | {"parameters": pairs(parameter)}, where="ysj batch")]
    settings = many.Settings(jobs or _processors(), resume, memory, timeout)
    with ExitStack() as stack:
        stream = stack.enter_context(log.open("a", encoding="utf-8")) if log else sys.stdout
        kept = Log(stream, log_format)
        if engine == "dask":
            from .batch_cluster import run

            return run(plans, kept, settings, scheduler=scheduler)
        return many.run(plans, kept, settings)


def _list(text: str, *whole: str) -> str | tuple[str, ...]:
    return text if text in whole else tuple(part.strip() for part in text.split(",") if part.strip())


def _years(text: str) -> str | tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else text


def _processors() -> int:
    """Count the processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
