"""How is a file read as it is, whole or in pieces, and how is a fault in it told?"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pandas as pd

from .tables import DataError, near, shown

PIECE = 100_000
"""Rows of a long file that are held at a time."""

_KINDS = (
    (b"PK\x03\x04", "a workbook or other ZIP archive", "Open it in a spreadsheet and save the sheet as 'CSV UTF-8'."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Open it in a spreadsheet and save the sheet as 'CSV UTF-8'."),
    (b"%PDF", "a PDF", "Ask for the table behind it, as CSV."),
    (b"\xff\xfe", "UTF-16 text", "Save the file again as 'CSV UTF-8'."),
    (b"\xfe\xff", "UTF-16 text", "Save the file again as 'CSV UTF-8'."),
    (b"PAR1", "a Parquet file", "Save the table again as 'CSV UTF-8'."),
    (b"\x1f\x8b", "a compressed file", "Unpack it first."),
    (b"<", "a web page or other markup", "The download gave a page in place of the file: download the file itself."),
)  # fmt: skip


def text_table(file: Path) -> pd.DataFrame:
    """Read a CSV as text, nothing guessed; a byte-order mark and Windows line ends do no harm.

    Parameters
    ----------
    file : Path
        The CSV, with its header in the first row.

    Returns
    -------
    DataFrame of str
        Cells and headers without surrounding spaces; the file name is in ``attrs["file"]``.

    Raises
    ------
    DataError
        When it is empty, not UTF-8 or not text at all, repeats a column, or its rows differ in length.
    """
    (table,) = text_pieces(file, rows=None)
    return table


def tables_with(files: Sequence[Path], columns: Sequence[str], do: str) -> dict[str, pd.DataFrame]:
    """Read several CSV files of one kind, each by its name.

    Parameters
    ----------
    files : sequence of Path
        CSV files.
    columns : sequence of str
        What tells a file of this kind.
    do : str
        What to do about a file of another.

    Returns
    -------
    dict of str to DataFrame
        File name to rows, all cells text.

    Raises
    ------
    DataError
        As `text_table`, and when a file lacks one of the columns.
    """
    raw = {}
    for file in files:
        table = text_table(file)
        if lacking := [column for column in columns if column not in table]:
            raise DataError(
                f"{file.name}: {len(lacking)} of {len(columns)} columns are missing: {', '.join(lacking)}."
                f"{near(lacking[0], table.columns)}\n{do}"
            )
        raw[file.name] = table
    return raw


def text_pieces(
    file: Path, *, rows: int | None = PIECE, keep: Callable[[str], bool] = bool
) -> Generator[pd.DataFrame]:
    """Read a CSV as `text_table` does, some rows at a time.

    Parameters
    ----------
    file : Path
        The CSV, with its header in the first row.
    rows : int or None
        How many rows to hold at a time; None for all of them.
    keep : callable
        Which columns to read, by their name without spaces around it.

    Yields
    ------
    DataFrame of str
        At least one, indexed by the place of each row in the file, the first being 0.

    Raises
    ------
    DataError
        As `text_table`.
    """
    _refuse_other_kinds(file)
    wanted = None if keep is bool else lambda name: keep(name.strip())
    at = 0
    try:
        with pd.read_csv(
            file, dtype=str, keep_default_na=False, encoding="utf-8-sig", usecols=wanted,
            chunksize=rows or 2**31 - 1,
        ) as pieces:  # fmt: skip
            for piece in pieces:
                if piece.empty:
                    break
                at += len(piece)
                tidy = piece.rename(columns=str.strip).fillna("").apply(lambda column: column.str.strip())
                tidy.attrs["file"] = file.name
                yield tidy
    except UnicodeDecodeError:
        raise DataError(_undecoded(file)) from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise DataError(
            f"{file.name}: not a table with one header row and rows as long as it ({shown(error, 120)}).\n"
            "Give the file as it was downloaded: whole, and with commas between columns."
        ) from None
    if not at:
        raise DataError(f"{file.name}: 0 rows under the header.\nGive the file as it was downloaded.")


def _refuse_other_kinds(file: Path) -> None:
    """Refuse, by its first bytes, what is no CSV at all or has a header nobody can choose columns by."""
    with file.open("rb") as opened:
        start = opened.read(65_536)
    if not start.strip():
        raise DataError(f"{file.name}: the file is empty: 0 bytes of text.\nDownload or export it again.")
    bare = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, what, do in _KINDS:
        if bare.startswith(mark):
            raise DataError(f"{file.name}: not a CSV file, but {what}, by its first bytes.\n{do}")
    if (at := start.find(b"\0")) >= 0:
        raise DataError(
            f"{file.name}: not text: {start.count(0):,} of the first {len(start):,} bytes are empty (NUL). First: byte "
            f"{at + 1:,}.\nThe file is damaged, or UTF-16: export it again as 'CSV UTF-8'."
        )
    text = start.decode("utf-8-sig", "replace").splitlines(keepends=True)
    before = csv.field_size_limit(2**31 - 1)
    try:
        names = [name.strip() for name in next(csv.reader(text), [])]
    finally:
        csv.field_size_limit(before)
    if again := [i for i, name in enumerate(names) if name and name in names[:i]]:
        raise DataError(
            f"{file.name}: {len(again)} of {len(names)} columns repeat the name of an earlier one. First: column "
            f"{again[0] + 1}, {shown(names[again[0]])}.\nKeep one of them."
        )


def json_records(file: Path, do: str) -> list[dict]:
    """Read a JSON file that is a list of records.

    Parameters
    ----------
    file : Path
        In UTF-8, with or without a mark.
    do : str
        What to do about one that is not.

    Returns
    -------
    list of dict
        At least one.

    Raises
    ------
    DataError
        For text that is not UTF-8 or not JSON, and for anything but a list of records.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        records = json.loads(text)
    except UnicodeDecodeError:
        raise DataError(_undecoded(file, do)) from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{file.name}: not JSON: {error.msg}, after {error.pos:,} of {len(text):,} characters. First: line "
            f"{error.lineno:,}, column {error.colno:,}.\n{do}"
        ) from None
    except RecursionError:
        raise DataError(
            f"{file.name}: not a list of records: 1 of its {len(text):,} characters opens too deep a nest. First: "
            f"line 1.\n{do}"
        ) from None
    if not isinstance(records, list) or not records:
        what = "an empty list" if isinstance(records, list) else "one value"
        raise DataError(f"{file.name}: not a list of records but {what}: 0 records. First: line 1.\n{do}")
    if bad := [number for number, record in enumerate(records, start=1) if not isinstance(record, dict)]:
        raise DataError(
            f"{file.name}: not a list of records: {len(bad):,} of {len(records):,} entries are none. First: entry "
            f"{bad[0]:,}.\n{do}"
        )
    return records


def _undecoded(file: Path, do: str = "Save the file again as 'CSV UTF-8'.") -> str:
    """Say which rows are not UTF-8 text; one is held at a time."""
    bad, first, lines = 0, 0, 0
    with file.open("rb") as opened:
        for lines, line in enumerate(opened, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                bad, first = bad + 1, first or lines
    return f"{file.name}: not UTF-8 text in {bad:,} of {lines:,} rows. First: row {first:,}.\n{do}"


def refuse(table: pd.DataFrame, bad: pd.Series, column: str, what: str, do: str, *, first_row: int) -> None:
    """Raise if any row is bad, saying how many of how many, where the first is, and what to do.

    Parameters
    ----------
    table : DataFrame
        As read, with a plain index; ``attrs["file"]`` names it.
    bad : Series of bool
        The rows at fault.
    column : str
        Where the fault is.
    what, do : str
        The fault ("have no year") and the remedy.
    first_row : int
        The number of the first row as a person counts: 1, or 2 under a header.
    """
    if bad.any():
        row = bad.idxmax()
        raise DataError(
            f"{table.attrs['file']}: {bad.sum():,} of {len(table):,} rows {what}. First: row "
            f"{row + first_row:,}, column {shown(column)}: {shown(table.loc[row, column])}.\n{do}"
        )
