"""What is in this spreadsheet, safely? Each sheet of an .xlsx, .ods or .xls file as a table of text.

Values only: formulas give their saved results, macros and links stay unread. The file is checked before
it is opened (`spreadsheet_package`), and read in a stream, so that a hostile one is refused in little
time and memory. Rows and columns keep the names a person sees in the spreadsheet, for messages.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from . import spreadsheet_ods, spreadsheet_xlsx
from .spreadsheet_package import LIMITS, Limits, Package, opened
from .spreadsheet_values import Row, column_letters, date_text, number_text, too_many
from .tables import DataError, shown

__all__ = ["LIMITS", "DataError", "Limits", "Workbook", "read", "rows"]

_MANY_WORDS = 200_000
_XLS, _XLS_ROWS = 30_000_000, 1_000_000


# Texts are shared, not copied: a workbook may hold one long text in very many cells.
_TEXT = pd.StringDtype("python", na_value=np.nan)


@dataclass(frozen=True)
class Workbook:
    """A spreadsheet as text.

    Attributes
    ----------
    file : str
        Its name.
    kind : {"xlsx", "ods", "xls"}
        By its content.
    sheets : mapping of str to DataFrame
        Sheet name to cells of text, "" where empty. The index is the row and the columns are the
        letters a person sees; rows without any content are left out. ``attrs`` has ``file`` and
        ``sheet``.
    notes : tuple of str
        What a reader should know, for the ledger: a name that does not fit the content, macros, links
        to other files, hidden sheets.
    """

    file: str
    kind: str
    sheets: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]


def read(file: str | Path, limits: Limits = LIMITS) -> Workbook:
    """Read all sheets of a spreadsheet as text.

    Parameters
    ----------
    file : path
        An .xlsx, .xlsm, .ods or .xls file; its content and not its name says which.
    limits : Limits
        How large it may be.

    Returns
    -------
    Workbook
        Numbers with up to 15 digits, dates as ISO, flags as TRUE and FALSE, errors as the spreadsheet
        shows them (``#REF!``). Spaces and footnote marks stay as they are.

    Raises
    ------
    DataError
        When it is no such file, is encrypted, damaged or larger than a limit, declares a document
        type, or holds a formula whose result was not saved.
    """
    package = opened(file, limits)
    kept: dict[str, tuple[list[int], list[list[str]]]] = {}
    words: dict[str, str] = {}
    for sheet, number, cells in _STREAMS[package.kind](package):
        numbers, table = kept.setdefault(sheet, ([], []))
        numbers.append(number)
        if len(words) > _MANY_WORDS:
            words.clear()
        table.append([words.setdefault(cell, cell) for cell in cells])  # labels repeat: each is held once
    sheets = {}
    left = limits.cells
    for sheet, (numbers, table) in kept.items():
        width = max(map(len, table))
        left -= width * len(table)
        if left < 0:
            raise package.refuse(
                f"more than {limits.cells:,} cells, counting the empty ones between the first and the last column.",
                "Take out stray cells far to the right, or the sheets that are not needed.",
                first=f"sheet {shown(sheet)}",
            )
        for cells in table:
            cells.extend([""] * (width - len(cells)))
        letters = [column_letters(i) for i in range(1, width + 1)]
        sheets[sheet] = pd.DataFrame(table, index=pd.Index(numbers, name="row"), columns=letters, dtype=_TEXT)
        sheets[sheet].attrs |= {"file": package.file.name, "sheet": sheet}
    return Workbook(package.file.name, package.kind, sheets, tuple(dict.fromkeys(package.notes)))


def rows(file: str | Path, limits: Limits = LIMITS) -> Iterator[Row]:
    """Stream the rows of a spreadsheet, for tables too long to hold.

    Parameters
    ----------
    file, limits
        As for `read`.

    Yields
    ------
    tuple
        Sheet, row number and cells from column A on, without the empty ones at the end.

    Raises
    ------
    DataError
        As `read`, and possibly after some rows have been given.
    """
    package = opened(file, limits)
    yield from _STREAMS[package.kind](package)


def _xls_rows(package: Package) -> Iterator[Row]:
    """Read an .xls workbook sheet by sheet; xlrd holds no empty cells and shares repeated texts."""
    import xlrd

    data = package.file.read_bytes()
    if len(data) > _XLS:
        raise package.refuse(
            f"{len(data):,} bytes; of .xls at most {_XLS:,} are read.", "Save it again as .xlsx."
        )
    try:
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
        if book.nsheets > package.limits.sheets:
            raise package.refuse(
                f"{book.nsheets:,} sheets; at most {package.limits.sheets} are read.",
                "Split it.",
                first=f"sheet {package.limits.sheets + 1:,}",
            )
        yield from _xls_sheets(package, book)
    except DataError:
        raise
    except Exception as error:
        if "encrypted" in str(error).lower():
            do = "Open it with its password and save a copy without one."
            raise package.refuse("it is encrypted.", do) from None
        raise package.refuse(
            f"it cannot be read as .xls ({type(error).__name__}).", "Open it and save it again as .xlsx."
        ) from None


def _xls_sheets(package: Package, book) -> Iterator[Row]:
    import xlrd

    epoch = pd.Timestamp("1904-01-01" if book.datemode else "1899-12-30").to_pydatetime()
    count = height = 0
    for number in range(book.nsheets):
        sheet = book.sheet_by_index(number)
        if sheet.visibility:
            package.notes.append(f"sheet {shown(sheet.name)} is hidden; it was read all the same")
        height += sheet.nrows
        if height > _XLS_ROWS:
            raise package.refuse(
                f"more than {_XLS_ROWS:,} rows, counting empty ones above the last.",
                "Take out stray cells far below the tables, or save it as .xlsx.",
                first=f"sheet {shown(sheet.name)}",
            )
        for row in range(sheet.nrows):
            if not sheet.row_len(row):
                continue
            cells = [_xls_value(cell, epoch, xlrd) for cell in sheet.row(row)]
            while cells and not cells[-1]:
                cells.pop()
            count += len(cells)
            if count > package.limits.cells:
                raise too_many(package, f"sheet {shown(sheet.name)}, row {row + 1:,}")
            if cells:
                yield sheet.name, row + 1, cells
        book.unload_sheet(number)


def _xls_value(cell, epoch, xlrd) -> str:
    match cell.ctype:
        case xlrd.XL_CELL_TEXT:
            return cell.value
        case xlrd.XL_CELL_NUMBER:
            return number_text(repr(cell.value))
        case xlrd.XL_CELL_DATE:
            return date_text(repr(cell.value), epoch)
        case xlrd.XL_CELL_BOOLEAN:
            return "TRUE" if cell.value else "FALSE"
        case xlrd.XL_CELL_ERROR:
            return xlrd.error_text_from_code.get(cell.value, "#ERROR")
    return ""


_STREAMS: Mapping[str, Callable[[Package], Iterator[Row]]] = {
    "xlsx": spreadsheet_xlsx.rows,
    "ods": spreadsheet_ods.rows,
    "xls": _xls_rows,
}
