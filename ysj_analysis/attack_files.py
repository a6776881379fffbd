"""What is in the file? Tables of text from CSV, HTML, XLSX and TOML, without a word of what they mean."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree


class Grid(NamedTuple):
    """A table of text: where it is, its headings and its rows."""

    name: str
    columns: list[str]
    rows: list[list[str]]

    def records(self) -> list[dict[str, str]]:
        """Give each row as a heading-to-text mapping; a short row lacks its last headings."""
        return [dict(zip(self.columns, row, strict=False)) for row in self.rows]


def read(path: Path) -> list[Grid]:
    """Read every table of a file, whatever its format.

    Parameters
    ----------
    path : path
        A ``.csv``, ``.html`` or ``.xlsx`` file.

    Returns
    -------
    list of Grid
        One for a CSV, one for each ``<table>`` or sheet otherwise, hidden ones too.
    """
    readers = {".csv": _csv, ".html": _html, ".htm": _html, ".xlsx": _xlsx}
    if path.suffix.lower() not in readers:
        raise ValueError(
            f"{path.name}: tables are read from {', '.join(readers)}; convert it to one of them."
        )
    if not path.is_file():
        raise FileNotFoundError(2, "No such file", str(path))
    return readers[path.suffix.lower()](path)


def _csv(path: Path) -> list[Grid]:
    rows = [r for r in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))) if any(r)]
    return [Grid(path.name, rows[0], rows[1:])] if rows else []


def _html(path: Path) -> list[Grid]:
    reader = _Tables()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.grids


class _Tables(HTMLParser):
    """Collects the tables of a page, each named by the id of what holds it, or by its place."""

    def __init__(self):
        super().__init__()
        self.grids: list[Grid] = []
        self.holder = ""
        self.rows: list[list[str]] | None = None
        self.cell: list[str] | None = None

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "figure":
            self.holder = named.get("id") or ""
        elif tag == "table":
            self.rows, self.holder = [], named.get("id") or self.holder
        elif self.rows is not None and tag == "tr":
            self.rows.append([])
        elif self.rows is not None and tag in ("td", "th"):
            self.cell = []

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell is not None and self.rows:
            self.rows[-1].append(" ".join("".join(self.cell).split()))
            self.cell = None
        elif tag == "table" and self.rows is not None:
            rows = [r for r in self.rows if r]
            name = self.holder or f"table {len(self.grids) + 1}"
            if rows:
                self.grids.append(Grid(name, rows[0], rows[1:]))
            self.rows, self.holder = None, ""

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.append(data)


_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _xlsx(path: Path) -> list[Grid]:
    """Read every sheet, hidden or not; the row of headings is the first with more than one cell."""
    with zipfile.ZipFile(path) as book:
        names = book.namelist()
        strings = []
        if "xl/sharedStrings.xml" in names:
            items = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
            strings = ["".join(t.text or "" for t in item.iter(f"{_SHEET}t")) for item in items]
        grids = []
        for name in sorted(n for n in names if n.startswith("xl/worksheets/sheet")):
            rows = [_row(r, strings) for r in ElementTree.fromstring(book.read(name)).iter(f"{_SHEET}row")]
            head = next((i for i, r in enumerate(rows) if sum(map(bool, r)) > 1), None)
            if head is not None:
                body = [r for r in rows[head + 1 :] if any(r)]
                grids.append(Grid(f"{path.name}!{Path(name).stem}", rows[head], body))
    return grids


def _row(row, strings: list[str]) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{_SHEET}c"):
        value, kind = cell.find(f"{_SHEET}v"), cell.get("t", "n")
        text = "" if value is None else value.text or ""
        if kind == "s":
            text = strings[int(text)]
        elif kind == "inlineStr":
            text = "".join(t.text or "" for t in cell.iter(f"{_SHEET}t"))
        letters = "".join(re.findall(r"\A[A-Z]*", cell.get("r", "")))
        place = 0
        for letter in letters:
            place = place * 26 + ord(letter) - 64
        cells += [""] * (max(place - 1, 0) - len(cells)) + [text]
    return cells
