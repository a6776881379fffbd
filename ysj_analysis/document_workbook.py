"""How do a report's tables become a spreadsheet? One table a sheet, after the Analysis Function's guidance.

A cover, a list of contents, notes that explain every mark, and each table of the CSV files on a sheet of its
own: no merged cell, no empty row inside a table, numbers as numbers, a mark where a number is missing.
"""

from __future__ import annotations

import io
import re
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from . import wording
from .document_pdf import moment
from .page import Heading

_LONGEST = 32_000
"""A cell of a spreadsheet holds this many characters."""
_COUNTS = ("events", "denominator", "number", "removed", "left")


def workbook(
    tables: Mapping[str, Mapping[str, Any]],
    heading: Heading,
    *,
    numbers: Mapping[str, int],
    date: str | None = None,
) -> bytes:
    """Write the tables of a report as a spreadsheet.

    Parameters
    ----------
    tables : mapping
        The bundles of the report's tables, by name: each with ``title``, ``csv`` and ``csvw``.
    heading : Heading
        What the top of the page says.
    numbers : mapping of str to int
        The number each table has on the page.
    date : str, optional
        YYYY-MM-DD, the only time in the file.

    Returns
    -------
    bytes
        The spreadsheet, the same for the same tables. A report without tables has its cover and notes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what gptables says of pandas and of sheets without notes
        import gptables

        sheets = {"Notes": _notes(gptables, tables)}
        for name in sorted(tables, key=lambda n: numbers.get(n, 0)):
            number = numbers.get(name, len(numbers) + len(sheets))
            sheets[f"Table {number}"] = _sheet(gptables, name, number, tables[name])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tables.xlsx"
            book = gptables.produce_workbook(
                filename=str(path),
                sheets=sheets,
                cover=_cover(gptables, heading),
                contentsheet_options={"table_name": "contents", "title": "Contents"},
                workbook_options={"strings_to_formulas": False, "strings_to_urls": False},
            )
            book.set_properties(
                {
                    "title": ": ".join(filter(None, (heading.title, heading.place))),
                    "author": "ysj-analysis",
                    "subject": heading.edition,
                    "category": heading.marking,
                    "created": moment(date).replace(tzinfo=None),
                }
            )
            for sheet in book.worksheets():
                sheet.set_footer(f"&L{_footer(heading.edition)}&C{_footer(heading.marking)}&RPage &P of &N")
                sheet.set_landscape()
                sheet.set_paper(9)
                sheet.fit_to_pages(1, 0)
            book.close()
            return path.read_bytes()


def _footer(text: str) -> str:
    """Write a text in a footer, where & begins a code."""
    return text.replace("&", "&&")


def _sheet(gptables: Any, name: str, number: int, table: Mapping[str, Any]) -> Any:
    """Lay one table out."""
    data = read(str(table["csv"]))
    marks = [m for m in wording.MARKS if data.isin([m]).any().any()]
    described = dict(table["csvw"]).get("dc:description", "")
    formatting = [
        {"column": {"columns": [column], "format": {"num_format": style, "align": "right"}}}
        for column in data.columns
        if (style := _format(column, data[column]))
    ]
    return gptables.GPTable(
        table=data,
        table_name=re.sub(r"[^a-z0-9_]", "_", f"table_{name}"),
        title=_text(f"Table {number}: {table['title']}"),
        subtitles=[_text(described)] if described else [],
        legend=[f"{mark} means {wording.MARKS[mark]}." for mark in marks],
        instructions="This sheet has one table. What its columns and marks mean is on the sheet Notes.",
        index_columns={},
        additional_formatting=formatting,
    )


def read(csv: str) -> pd.DataFrame:
    r"""Read a table's CSV as the cells of a sheet: numbers as numbers, marks and words as they are.

    Parameters
    ----------
    csv : str
        From ``datafile.csv``.

    Returns
    -------
    DataFrame
        Of objects, with headings in words.

    Examples
    --------
    >>> read("group,reference_events\nBlack,45\nOther,[c]\n").values.tolist()
    [['Black', 45], ['Other', '[c]']]
    """
    data = pd.read_csv(io.StringIO(csv), dtype=str, keep_default_na=False)
    cells = {heading(c): [_cell(value) for value in data[c]] for c in data.columns}
    return pd.DataFrame(cells, dtype=object)


def heading(column: str) -> str:
    """Write the name of a column in words.

    Examples
    --------
    >>> heading("reference_events"), heading("p_value")
    ('Reference events', 'P value')
    """
    words = _text(str(column).replace("_", " "))
    return words[:1].upper() + words[1:]


def _cell(value: str) -> Any:
    """Read one cell."""
    if not value:
        return wording.NOT_APPLICABLE  # the guidance leaves no cell empty
    try:
        number = float(value)
    except ValueError:
        return _text(value)
    if number != number or number in (float("inf"), float("-inf")):
        return _text(value)
    return int(number) if number.is_integer() and "." not in value and "e" not in value else number


def _text(value: str) -> str:
    """Keep words from being taken for a note, a link or markup of the library that writes the sheet."""
    return wording.clean(value).replace("$$", "$ $").replace("](", "] (")[:_LONGEST]


def _format(column: str, values: pd.Series) -> str:
    """Choose how the numbers of a column are shown; the whole number stays in the cell."""
    if not any(isinstance(v, int | float) for v in values):
        return ""
    name = column.lower()
    if name in ("year", "years", "step"):
        return "0"
    if name.endswith(_COUNTS):
        return "#,##0"
    return "#,##0" if all(isinstance(v, int | str) for v in values) else "#,##0.00##"


def _cover(gptables: Any, top: Heading) -> Any:
    about = [f"{term}: {_text(text)}" for term, text in top.facts]
    return gptables.Cover(
        cover_label="Cover",
        title=_text(": ".join(filter(None, (top.title, top.place)))),
        intro=[*([top.marking] if top.marking else []), _text(top.edition), *about],
        about=[
            "These are the tables of the report, as in the CSV files beside it; every number in the report is one "
            "of these or is computed from them.",
            "Where a number is missing its place holds a mark in square brackets. The marks are explained on the "
            "sheet Notes, and under each table that has them.",
        ],
    )


def _notes(gptables: Any, tables: Mapping[str, Mapping[str, Any]]) -> Any:
    """Explain every mark, every column and every note that occurs."""
    rows = [(mark, meaning) for mark, meaning in wording.MARKS.items()]
    columns: dict[str, Any] = {}
    codes: dict[str, Any] = {}
    for table in tables.values():
        described = dict(table["csvw"])
        for column in described.get("tableSchema", {}).get("columns", []):
            columns.setdefault(heading(column["name"]), _text(column["dc:description"]))
        for note in described.get("notes", []):
            if "note" in note:
                codes.setdefault(_text(note["note"]), _text(note["meaning"]))
    rows += sorted(columns.items()) + sorted(codes.items())
    return gptables.GPTable(
        table=pd.DataFrame(rows, columns=["Mark, column or code", "Meaning"], dtype=object),
        table_name="notes",
        title="Notes: what marks, columns and codes mean",
        instructions="This sheet has one table.",
        index_columns={},
    )
