"""Which values does an .ods workbook hold? Its sheets as streams of rows of text.

The Home Office publishes tables of half a million rows as .ods, whose one sheet unpacks to a gigabyte;
the libraries that read .ods hold all of it at once. Here rows pass by and only those kept stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from .spreadsheet_package import Package
from .spreadsheet_values import COLUMNS, ROWS, Row, column_letters, number_text, too_long, too_many
from .tables import shown

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
_CELLS_REPEAT, _ROWS_REPEAT = _TABLE + "number-columns-repeated", _TABLE + "number-rows-repeated"
_TYPE, _FORMULA = _OFFICE + "value-type", _TABLE + "formula"
_VALUES = {
    "float": _OFFICE + "value",
    "percentage": _OFFICE + "value",
    "currency": _OFFICE + "value",
    "date": _OFFICE + "date-value",
    "time": _OFFICE + "time-value",
    "boolean": _OFFICE + "boolean-value",
}
_ENCRYPTED = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0 encryption-data"


def rows(package: Package) -> Iterator[Row]:
    """Read an .ods workbook row by row.

    Parameters
    ----------
    package : Package
        From `spreadsheet_package.opened`.

    Yields
    ------
    tuple
        Sheet, row number and cells as text, for rows that are not empty.

    Raises
    ------
    DataError
        When it is encrypted or malformed, or a formula has no saved result.
    """
    if "META-INF/manifest.xml" in package.parts():

        def encrypted(_: dict[str, str]) -> None:
            raise package.refuse(
                "it is encrypted.",
                "Open it with its password and save a copy without one.",
                first="META-INF/manifest.xml",
            )

        for _ in package.parse("META-INF/manifest.xml", {_ENCRYPTED: (encrypted, None)}, lambda _: None):
            pass
    book = _Book(package)
    for _ in package.parse("content.xml", book.handlers(), book.text):
        yield from book.done
        book.done.clear()
    if book.unsaved:
        raise package.refuse(
            f"{book.unsaved:,} of {book.formulas:,} formulas have no saved result. First: {book.first}.",
            "Open it in a spreadsheet program and save it, so that results are saved. None is computed here.",
        )


class _Book:
    """Collects rows as the elements of a document pass by."""

    def __init__(self, package: Package):
        self.package = package
        self.done: list[Row] = []
        self.names: set[str] = set()
        self.sheet, self.row, self.repeat = "", 0, 1
        self.cells: list[str] | None = None
        self.blank = self.count = self.formulas = self.unsaved = 0
        self.first = ""
        self.attributes: dict[str, str] | None = None
        self.pieces: list[str] = []
        self.length = self.aside = self.paragraphs = 0
        self.taking = False

    def handlers(self) -> dict:
        cell, aside = (self.start_cell, self.end_cell), (self.step_aside, self.step_back)
        return {
            _TABLE + "table": (self.start_table, None),
            _TABLE + "table-row": (self.start_row, self.end_row),
            _TABLE + "table-cell": cell,
            _TABLE + "covered-table-cell": cell,
            _TEXT + "p": (self.start_paragraph, self.end_paragraph),
            _TEXT + "s": (self.spaces, None),
            _TEXT + "tab": (lambda _: self.text("\t"), None),
            _TEXT + "line-break": (lambda _: self.text("\n"), None),
            _OFFICE + "annotation": aside,
            "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0 frame": aside,
            "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0 custom-shape": aside,
        }

    def where(self) -> str:
        """Say which row is being read."""
        return f"sheet {shown(self.sheet)}, row {self.row + 1:,}"

    def start_table(self, a: dict[str, str]) -> None:
        name = a.get(_TABLE + "name", "")
        if name in self.names or len(self.names) >= self.package.limits.sheets:
            raise self.package.refuse(
                f"{len(self.names):,} sheets and one more named {shown(name)}; sheets must have names of their own, "
                f"and at most {self.package.limits.sheets} are read.",
                "Open it and save it again.",
                first=f"sheet {len(self.names) + 1:,}",
            )
        self.names.add(name)
        self.sheet, self.row = name, 0

    def start_row(self, a: dict[str, str]) -> None:
        self.repeat = self.number(a, _ROWS_REPEAT)
        self.cells, self.blank = [], 0

    def number(self, a: dict[str, str], name: str) -> int:
        raw = a.get(name, "1")
        if not raw.isdecimal() or len(raw) > 9 or raw == "0":
            raise self.package.refuse(
                "a repetition that is no whole number.",
                "Open it and save it again.",
                first=self.where(),
            )
        return int(raw)

    def end_row(self) -> None:
        cells, self.cells = self.cells or [], None
        if cells:
            self.count += len(cells) * self.repeat
            if self.count > self.package.limits.cells:
                raise too_many(self.package, self.where())
            if self.row + self.repeat > ROWS:
                raise self.package.refuse(
                    f"sheet {shown(self.sheet)}: a row beyond {ROWS:,}.", "Save it again.", first=self.where()
                )
            self.done += [(self.sheet, self.row + i, cells) for i in range(1, self.repeat + 1)]
        self.row += self.repeat

    def start_cell(self, a: dict[str, str]) -> None:
        if self.cells is not None and not self.aside:
            self.attributes, self.pieces, self.length, self.paragraphs, self.taking = a, [], 0, 0, False

    def end_cell(self) -> None:
        a = self.attributes
        if a is None or self.cells is None or self.aside:
            return
        self.attributes = None
        kind = a.get(_TYPE)
        value = a.get(_VALUES[kind], "") if kind in _VALUES else "".join(self.pieces)
        if kind in ("float", "percentage", "currency"):
            value = number_text(value)
        elif kind == "boolean":
            value = value.upper()
        elif kind == "date":
            value = value.removesuffix("T00:00:00").replace("T", " ")
        if _FORMULA in a:
            self.formulas += 1
            if not value and kind is None:
                self.unsaved += 1
                at = len(self.cells) + self.blank + 1
                self.first = (
                    self.first
                    or f"sheet {shown(self.sheet)}, row {self.row + 1:,}, column {column_letters(at)}"
                )
        self.put(value, self.number(a, _CELLS_REPEAT) if _CELLS_REPEAT in a else 1)

    def put(self, value: str, times: int) -> None:
        if not value:
            self.blank += times
            return
        end = len(self.cells) + self.blank + times
        if end > COLUMNS:
            raise self.package.refuse(
                f"sheet {shown(self.sheet)}: a column beyond {COLUMNS:,}.",
                "Save it again.",
                first=self.where(),
            )
        if self.blank:
            self.cells.extend([""] * self.blank)
            self.blank = 0
        self.cells.extend([value] * times)

    def start_paragraph(self, _: dict[str, str]) -> None:
        if self.attributes is not None and not self.aside:
            self.paragraphs += 1
            self.taking = True
            if self.paragraphs > 1:
                self.text("\n")

    def end_paragraph(self) -> None:
        if not self.aside:
            self.taking = False

    def spaces(self, a: dict[str, str]) -> None:
        self.text(" " * min(self.number(a, _TEXT + "c"), self.package.limits.cell + 1))

    def text(self, piece: str) -> None:
        if self.taking and not self.aside:
            self.pieces.append(piece)
            self.length += len(piece)
            if self.length > self.package.limits.cell:
                raise too_long(self.package, self.where())

    def step_aside(self, _: dict[str, str]) -> None:
        self.aside += 1

    def step_back(self) -> None:
        self.aside -= 1
