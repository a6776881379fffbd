"""In which formats is a report made? The page always; Word, PDF and a spreadsheet where they are asked for.

What they need is the extra ``documents``. It is looked for before a notebook runs, so that nobody waits for
a report that cannot be made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .page import Heading
from .parameters import ParameterError

FORMATS = ("html", "pdf", "docx", "xlsx")
_NEEDS = {
    "pdf": ("pypandoc", "typst", "pikepdf", "bs4"),
    "docx": ("pypandoc", "typst", "docx", "bs4"),
    "xlsx": ("gptables",),
}


@dataclass(frozen=True)
class Page:
    """A finished page of a report.

    Attributes
    ----------
    name : str
        Of its documents, without ending: ``report``, ``summary``.
    html : str
        The page.
    heading : Heading
        What its top says.
    """

    name: str
    html: str
    heading: Heading


def asked(formats: str | Sequence[str], template: str | Path | None = None) -> tuple[str, ...]:
    """Check which formats are asked for, and that they can be made here.

    Parameters
    ----------
    formats : str or sequence of str
        Names, or one text with commas between them. The page is made in any case.
    template : path, optional
        A Word document for the house style of ``docx``.

    Returns
    -------
    tuple of str
        In the order of ``FORMATS``, each once.

    Raises
    ------
    ParameterError
        If one is unknown, or what it needs is not installed, or the template is not a Word document.

    Examples
    --------
    >>> asked("html")
    ('html',)
    >>> asked("html,odt")
    Traceback (most recent call last):
    ysj_analysis.parameters.ParameterError: --to odt cannot be made; the formats are: html, pdf, docx, xlsx.
    """
    names = formats.split(",") if isinstance(formats, str) else list(formats)
    wanted = [name.strip().lower() for name in names]
    if unknown := [name for name in wanted if name not in FORMATS]:
        raise ParameterError(f"--to {unknown[0]} cannot be made; the formats are: {', '.join(FORMATS)}.")
    chosen = tuple(name for name in FORMATS if name == "html" or name in wanted)
    for name in chosen:
        _require(name)
    if template is not None:
        if "docx" not in chosen:
            raise ParameterError(
                "--template is for Word, and Word is not among the formats asked for. Add docx to --to, or leave the "
                "template out."
            )
        from .document_word import require_template

        require_template(template)
    return chosen


def _require(name: str) -> None:
    """Refuse a format whose packages are not installed."""
    needs = _NEEDS.get(name, ())
    if missing := [package for package in needs if find_spec(package) is None]:
        raise ParameterError(
            f"--to {name} cannot be made here: {len(missing)} of the {len(needs)} packages it needs are not installed "
            f"(first: {missing[0]}). Install the kit with its documents extra (pip install .[documents]), or ask for "
            "--to html."
        )


def documents(
    pages: Sequence[Page],
    tables: Mapping[str, Mapping[str, Any]],
    *,
    formats: Sequence[str],
    numbers: Mapping[str, int],
    date: str | None = None,
    template: Path | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Make the documents of a report.

    Parameters
    ----------
    pages : sequence of Page
        Its finished pages.
    tables : mapping
        The bundles of its tables, by name.
    formats : sequence of str
        From :func:`asked`.
    numbers : mapping of str to int
        The number of each table.
    date : str, optional
        YYYY-MM-DD.
    template : path, optional
        The house style of the Word documents.

    Yields
    ------
    tuple of str and bytes
        Name and content of each file: a PDF and a Word document of each page, one spreadsheet of all tables.
    """
    if {"pdf", "docx"} & set(formats):
        from .document_pdf import pdf
        from .document_source import source
        from .document_word import word

        for page in pages:
            taken = source(page.html, page.heading)
            if "pdf" in formats:
                yield f"{page.name}.pdf", pdf(taken, date=date)
            if "docx" in formats:
                yield f"{page.name}.docx", word(taken, date=date, template=template)
    if "xlsx" in formats and pages:
        from .document_workbook import workbook

        yield "tables.xlsx", workbook(tables, pages[0].heading, numbers=numbers, date=date)
