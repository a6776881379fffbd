"""Which values does an .xlsx workbook hold? Its sheets as streams of rows of text.

Only values are read: a formula gives the result that was saved with it. Shared strings are shared here
too, so that a text used in a million cells is held once.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from datetime import datetime

from .spreadsheet_package import Handlers, Package
from .spreadsheet_values import (
    COLUMNS,
    ROWS,
    Row,
    column_letters,
    column_number,
    date_text,
    number_text,
    too_long,
    too_many,
    whole,
)
from .tables import shown

_SPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships Relationship"
_ID = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships id",
)
# Number formats that are dates without a code of their own (ECMA-376 part 1, 18.8.30, and its Asian ones).
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NOT_IN_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _in(*names: str) -> list[str]:
    return [f"{space} {name}" for space in _SPACES for name in names]


def rows(package: Package) -> Iterator[Row]:
    """Read an .xlsx workbook row by row.

    Parameters
    ----------
    package : Package
        From `spreadsheet_package.opened`. Notes are added to it: hidden sheets, sheets passed over.

    Yields
    ------
    tuple
        Sheet, row number and cells as text, for rows that are not empty.

    Raises
    ------
    DataError
        When a part is missing or malformed, or a formula has no saved result.
    """
    names = {name.lower(): name for name in package.parts()}
    sheets, is_1904 = _sheets(package, names)
    if len(sheets) > package.limits.sheets:
        raise package.refuse(
            f"{len(sheets):,} sheets; at most {package.limits.sheets} are read.",
            "Split it.",
            first=f"sheet {shown(sheets[package.limits.sheets][0])}",
        )
    folder = "xl/"
    strings = _strings(package, names.get(folder + "sharedstrings.xml"))
    dates = _date_styles(package, names.get(folder + "styles.xml"))
    for name, part in sheets:
        yield from _sheet_rows(package, name, part, strings, dates, is_1904)


def _sheets(package: Package, names: dict[str, str]) -> tuple[list[tuple[str, str]], bool]:
    """List worksheets in order with their parts, and say whether dates count from 1904."""
    targets: dict[str, tuple[str, str]] = {}
    found: list[tuple[str, str, str]] = []
    settings: dict[str, str] = {}

    def relation(a: dict[str, str]) -> None:
        path = posixpath.normpath(posixpath.join("/xl", a.get("Target", "")))
        kind = a.get("Type", "").rpartition("/")[2]
        targets[a.get("Id", "")] = (
            kind if a.get("TargetMode") != "External" else "",
            path.lstrip("/").lower(),
        )

    def sheet(a: dict[str, str]) -> None:
        key = next((a[k] for k in _ID if k in a), "")
        found.append((a.get("name", ""), key, a.get("state", "visible")))

    main = names["xl/workbook.xml"]
    relations = names.get("xl/_rels/workbook.xml.rels")
    if relations is None:
        raise package.refuse(
            "the list of its sheets is missing.",
            "Open it and save it again.",
            first="xl/_rels/workbook.xml.rels",
        )
    for _ in package.parse(relations, {_RELATIONS: (relation, None)}, _nothing):
        pass
    handlers = dict.fromkeys(_in("sheet"), (sheet, None)) | dict.fromkeys(
        _in("workbookPr"), (settings.update, None)
    )
    for _ in package.parse(main, handlers, _nothing):
        pass
    listed = []
    for name, key, state in found:
        kind, part = targets.get(key, ("", ""))
        if kind != "worksheet" or part not in names:
            package.notes.append(f"sheet {shown(name)} is not a table of cells and was passed over")
            continue
        if state != "visible":
            package.notes.append(f"sheet {shown(name)} is hidden; it was read all the same")
        listed.append((name, names[part]))
    names_there = [name for name, _ in listed]
    if again := [name for i, name in enumerate(names_there) if name in names_there[:i]]:
        raise package.refuse(
            f"{len(again):,} of {len(listed):,} sheets have the same name as one before.",
            "Open it and save it again.",
            first=f"sheet {shown(again[0])}",
        )
    return listed, settings.get("date1904", "0") in ("1", "true")


def _nothing(_: str) -> None:
    return


def _strings(package: Package, part: str | None) -> list[str]:
    """List the shared strings, without the pronunciation that some carry."""
    found: list[str] = []
    pieces: list[str] = []
    state = {"text": False, "spoken": False, "length": 0}

    def set_to(key: str, value: bool):
        return lambda *_: state.__setitem__(key, value)

    def start(_: dict[str, str]) -> None:
        pieces.clear()
        state["length"] = 0

    def end() -> None:
        found.append(_unescaped("".join(pieces)))

    def text(piece: str) -> None:
        if state["text"] and not state["spoken"]:
            pieces.append(piece)
            state["length"] += len(piece)
            if state["length"] > package.limits.cell:
                raise too_long(package, f"text {len(found) + 1:,} of {part}")

    handlers = dict.fromkeys(_in("si"), (start, end))
    handlers |= {k: (set_to("text", True), set_to("text", False)) for k in _in("t")}
    handlers |= {k: (set_to("spoken", True), set_to("spoken", False)) for k in _in("rPh")}
    if part:
        for _ in package.parse(part, handlers, text):
            if len(found) > package.limits.cells:
                raise too_many(package, str(part))
    return found


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)  # half of a pair is no character


def _date_styles(package: Package, part: str | None) -> list[bool]:
    """Say of each cell style whether its numbers are dates."""
    codes: dict[str, str] = {}
    styles: list[str] = []
    inside = {"xfs": False}

    def number_format(a: dict[str, str]) -> None:
        codes[a.get("numFmtId", "")] = a.get("formatCode", "")

    def xf(a: dict[str, str]) -> None:
        if inside["xfs"]:
            styles.append(a.get("numFmtId", "0"))

    handlers: dict[str, Handlers] = dict.fromkeys(_in("numFmt"), (number_format, None))
    handlers |= dict.fromkeys(_in("xf"), (xf, None))
    handlers |= {
        k: (lambda _: inside.update(xfs=True), lambda: inside.update(xfs=False)) for k in _in("cellXfs")
    }
    if part:
        for _ in package.parse(part, handlers, _nothing):
            if len(styles) > 100_000:
                raise package.refuse(
                    "more than 100,000 cell styles.", "Open it and save it again.", first=part
                )

    def is_date(number: str) -> bool:
        if number in codes:
            code = _NOT_IN_CODE.sub("", codes[number][:1000]).lower()
            return code != "general" and any(letter in code for letter in "dmyhs")
        return number.isdigit() and int(number) in _DATE_FORMATS

    return [is_date(number) for number in styles]


def _sheet_rows(
    package: Package, name: str, part: str, strings: list[str], dates: list[bool], is_1904: bool
) -> Iterator[Row]:
    sheet = _Sheet(package, name, strings, dates, is_1904)
    for _ in package.parse(part, sheet.handlers(), sheet.text):
        yield from sheet.done
        sheet.done.clear()
    if sheet.unsaved:
        raise package.refuse(
            f"sheet {shown(name)}: {sheet.unsaved:,} of {sheet.formulas:,} formulas have no saved result. First: "
            f"{sheet.first}.",
            "Open it in a spreadsheet program and save it, so that results are saved. None is computed here.",
        )


class _Sheet:
    """Collects the rows of one sheet as its elements pass by."""

    def __init__(self, package, name, strings, dates, is_1904):
        self.package, self.name, self.strings, self.dates = package, name, strings, dates
        self.epoch = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)
        self.done: list[Row] = []
        self.cells: list[str] = []
        self.row = self.column = self.count = self.formulas = self.unsaved = 0
        self.first = ""
        self.kind, self.style, self.pieces, self.taking, self.length = "n", 0, [], False, 0
        self.is_formula = False

    def handlers(self) -> dict:
        pairs = {
            "row": (self.start_row, self.end_row),
            "c": (self.start_cell, self.end_cell),
            "v": (self.take, self.leave),
            "t": (self.take, self.leave),
            "f": (self.formula, None),
            "rPh": (lambda _: setattr(self, "taking", False), None),
        }
        return {key: pair for name, pair in pairs.items() for key in _in(name)}

    def where(self) -> str:
        """Say which row is being read."""
        return f"sheet {shown(self.name)}, row {self.row:,}"

    def start_row(self, a: dict[str, str]) -> None:
        self.row = whole(a["r"]) if "r" in a else self.row + 1
        if not 0 < self.row <= ROWS:
            raise self.package.refuse(
                f"sheet {shown(self.name)}: a row beyond {ROWS:,}.", "Save it again.", first=self.where()
            )
        self.cells, self.column = [], 0

    def end_row(self) -> None:
        while self.cells and not self.cells[-1]:
            self.cells.pop()
        if self.cells:
            self.count += len(self.cells)
            if self.count > self.package.limits.cells:
                raise too_many(self.package, self.where())
            self.done.append((self.name, self.row, self.cells))
        self.cells = []

    def start_cell(self, a: dict[str, str]) -> None:
        if match := _REFERENCE.fullmatch(a.get("r", "")):
            self.column = column_number(match[1])
        else:
            self.column += 1
        if self.column > COLUMNS:
            raise self.package.refuse(
                f"sheet {shown(self.name)}: a column beyond {COLUMNS:,}.",
                "Save it again.",
                first=self.where(),
            )
        self.kind, self.style = a.get("t", "n"), whole(a.get("s", "0"))
        self.pieces, self.length, self.is_formula = [], 0, False

    def take(self, _: dict[str, str]) -> None:
        self.taking = True

    def leave(self) -> None:
        self.taking = False

    def formula(self, _: dict[str, str]) -> None:
        self.is_formula = True

    def text(self, piece: str) -> None:
        if self.taking:
            self.pieces.append(piece)
            self.length += len(piece)
            if self.length > self.package.limits.cell:
                raise too_long(self.package, self.where())

    def end_cell(self) -> None:
        raw = "".join(self.pieces)
        self.formulas += self.is_formula
        if self.is_formula and not raw and self.kind != "str":
            self.unsaved += 1
            self.first = self.first or f"row {self.row:,}, column {column_letters(self.column)}"
        if raw and (value := self.value(raw)):
            self.cells.extend([""] * (self.column - 1 - len(self.cells)))
            if len(self.cells) < self.column:
                self.cells.append(value)

    def value(self, raw: str) -> str:
        """Write the value of a cell as text."""
        match self.kind:
            case "s":
                at = whole(raw)
                if not 0 <= at < len(self.strings):
                    where = f"row {self.row:,}, column {column_letters(self.column)}"
                    raise self.package.refuse(
                        f"sheet {shown(self.name)}: {where} has a text that is not there.",
                        "Open it and save it again.",
                        first=f"{where}; the workbook has {len(self.strings):,} texts",
                    )
                return self.strings[at]
            case "b":
                return "TRUE" if raw == "1" else "FALSE"
            case "n":
                is_date = 0 <= self.style < len(self.dates) and self.dates[self.style]
                return date_text(raw, self.epoch) if is_date else number_text(raw)
        return _unescaped(raw)
