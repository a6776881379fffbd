"""The commands that make reports and look at them: report, court-paragraph, attack."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from .command_settings import HowManyYears, Settings, Year, pairs
from .exit_codes import DIFFERENT, DONE, REFUSED


def report(
    notebook: str = "annual_report",
    /,
    *,
    data: Path | None = None,
    area: str | None = None,
    year: Year | None = None,
    out: Path = Path("reports"),
    to: str = "html",
    template: Path | None = None,
    parameter: Settings = None,
    edition: Literal["public", "ons", "restricted"] = "public",
    date: str | None = None,
    timeout: int = 600,
    wait: float = 0,
) -> int:
    """Render one report and print the path of its page.

    Example: ysj report --data data/synthetic --area Islington --year 2023

    What would let more be printed (pooling years, merging groups, dropping a split) is said on the terminal.

    Parameters
    ----------
    notebook : str
        A notebook of the kit by its name, or any other by its path.
    data : path
        The study folder; by default the notebook's own, data/synthetic.
    area : str
        The youth justice service; by default the study's first.
    year : int
        The last year, by the April it starts in; by default the study's last.
    out : path
        Folder of all reports; this one becomes OUT/area/year/notebook/.
    to : str
        Formats, separated by commas: html, pdf, docx, xlsx. The page is made in any case.
    template : path
        A Word document whose styles, page, headers and footers the Word documents take.
    parameter : list of str
        A parameter of the notebook as KEY=VALUE; may be repeated. Lists are separated by commas.
    edition : str
        The restricted edition shows true counts and is marked OFFICIAL-SENSITIVE.
    date : str
        Date to print, as YYYY-MM-DD.
    timeout : int
        Seconds one cell may take.
    wait : float
        Seconds to wait for another run of the same report; then exit 75.
    """
    given = {key: value for key, value in (("area", area), ("year", year)) if value is not None}
    folder = _rendered(
        notebook,
        to,
        data=data,
        out=out,
        parameters=given,
        text=pairs(parameter),
        edition=edition,
        date=date,
        template=template,
        timeout=timeout,
        wait=wait,
    )
    print(next(folder.glob("index*.html")))
    from .joint_release import advised  # loads what a rendering has loaded already

    if lines := advised(folder):
        print("How much of its counts is printed, and what would let more be, at most:", file=sys.stderr)
        print(*lines, sep="\n", file=sys.stderr)
    return DONE


def court_paragraph(
    *,
    group: str,
    stage: str,
    data: Path | None = None,
    area: str | None = None,
    year: Year | None = None,
    years: HowManyYears = 5,
    reference: str = "",
    out: Path = Path("reports"),
    to: str = "html",
    date: str | None = None,
) -> int:
    """Print the paragraph of local figures for a pre-sentence, bail or breach report.

    Example: ysj court-paragraph --group Black --stage custody --area Islington --year 2023

    It is also written as a report, whose counts are checked like any other's. Where there are too few
    children, the figures are those of all areas of the study together, and say so; exit 4 if these are
    too few as well.

    Parameters
    ----------
    group : str
        The ethnic group it is about.
    stage : str
        The decision, such as custody, yda or bail.
    data : path
        The study folder; by default data/synthetic.
    area : str
        The youth justice service; by default the study's first.
    year : int
        The last year, by the April it starts in; by default the study's last.
    years : int
        How many years are pooled; fewer where the study begins later.
    reference : str
        The group compared with; by default the study's own.
    out : path
        Folder of all reports.
    to : str
        Formats of the report, separated by commas.
    date : str
        Date to print, as YYYY-MM-DD.
    """
    from json import loads

    given = {
        "group": group,
        "stage": stage,
        "years": years,
        "reference": reference,
        "area": area,
        "year": year,
    }
    folder = _rendered(
        "court_paragraph",
        to,
        data=data,
        out=out,
        parameters={k: v for k, v in given.items() if v is not None},
        date=date,
    )
    print(*loads((folder / "manifest.json").read_text(encoding="utf-8"))["paragraph"], sep="\n\n")
    print(f"Also in {folder}", file=sys.stderr)
    return DONE


def _rendered(notebook: str, to: str, **named) -> Path:
    """Render a report in the formats asked for."""
    from .report import render

    return render(notebook, formats=to, **named)


def attack(
    folders: list[Path] | None = None,
    /,
    *,
    spec: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Try to work out what reports hide, across all of their files together; exit 4 if it can.

    Example: ysj attack reports/islington/2022 reports/islington/2023

    Parameters
    ----------
    folders : list of path
        Report folders, or folders above them; all are attacked together.
    spec : path
        A description, in TOML, of someone else's published table (docs/attack.md).
    json : bool
        Print JSON instead of a table.
    """
    from json import dumps

    from .attack import attack

    result = attack(folders or [], spec=spec)
    print(dumps(result.plain(), indent=2, ensure_ascii=False) if json else result.text())
    return REFUSED if result.succeeded else DONE


def verify(
    folder: Path,
    /,
    *,
    data: Path | None = None,
    notebook: Path | None = None,
    template: Path | None = None,
    timeout: int = 600,
) -> int:
    """Render a report again from its manifest and compare every byte; exit 1 where one differs.

    Example: ysj verify reports/islington/2023/annual_report

    Parameters
    ----------
    folder : path
        The report.
    data : path
        The study it was made from; by default the notebook's own, data/synthetic.
    notebook : path
        The notebook, where it is none of the kit.
    template : path
        The Word template, where one was used.
    timeout : int
        Seconds one cell may take.
    """
    from .verify import verify

    found = verify(folder, data=data, notebook=notebook, template=template, timeout=timeout)
    if found.same:
        print(f"{folder}: {found.files} files, and every byte comes out the same.")
    else:
        more = f" ({len(found.differences) - 1} more)" if len(found.differences) > 1 else ""
        print(f"{folder}: not the same. First: {found.differences[0]}{more}.", file=sys.stderr)
    for note in found.notes:
        print(note, file=sys.stderr)
    return DONE if found.same else DIFFERENT
