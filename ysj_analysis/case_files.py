"""Where in an exported file is the table? Every cell as text, the header found, totals and notes set aside."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

import pandas as pd

from .case_fields import plain
from .study_folder import Ledger
from .tables import DataError, near, shown

_HEADER_WITHIN = 40
"""The header is looked for in the first rows of a file; above it stand titles."""

LARGEST = 65_000_000
"""Bytes of a CSV that is converted in 1 GB: 640,000 rows of 10 columns take 910 MB. A service has fewer in 10 years."""

_PIECE = 20_000
"""Rows that are held as lists of cells at a time, before they are columns of text."""

_NO_CP1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
"""The bytes that Windows-1252 has no character for."""

_FOOTNOTE = re.compile(r"(\s*(\(\d{1,2}\)|\[(note )?\d{1,2}\]|[*†‡§¶¹²³⁰⁴-⁹]+))+$", re.IGNORECASE)
_POPULATION = frozenset({"area", "year", "group", "population"})
TOTAL = re.compile(r"((grand|sub)[ -]?)?totals?\b.*|(record )?count\b.*|number of records\b.*", re.IGNORECASE)


def grids(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read files as they are: a grid of text for each CSV file, and for each sheet of a workbook.

    Parameters
    ----------
    files : sequence of Path
        CSV (commas, semicolons, tabs or bars; UTF-8, UTF-16 with its mark, or Windows-1252) or XLSX.

    Returns
    -------
    dict of str to DataFrame of str
        By file name, for a sheet ``name.xlsx#sheet``. Rows are numbered from 1; short ones are filled
        up with empty cells. ``attrs["encoding"]`` says how the bytes were read.

    Raises
    ------
    DataError
        For a file that is empty or is no text, and for two of the same name.
    """
    found: dict[str, pd.DataFrame] = {}
    for file in files:
        if file.suffix.casefold() in (".xlsx", ".xlsm", ".xls", ".ods"):
            new = _sheets(file)
        else:
            new = {file.name: _text_grid(file)}
        if again := [name for name in new if name in found]:
            raise DataError(
                f"{len(again)} of {len(files)} files have the name of one before. First: {shown(again[0])}.\nRename "
                "one."
            )
        found |= new
    return found


def _sheets(file: Path) -> dict[str, pd.DataFrame]:
    """Read the sheets of a workbook that hold anything; cells are text, dates ISO."""
    from . import workbook

    book = workbook.read(file)
    found = {}
    for name, sheet in book.sheets.items():
        grid = sheet.set_axis(range(sheet.shape[1]), axis=1)
        grid.attrs["notes"] = book.notes
        found[f"{file.name}#{name}"] = grid
    return found


def _text_grid(file: Path) -> pd.DataFrame:
    if (size := file.stat().st_size) > LARGEST:
        raise DataError(
            f"{file.name}: {size:,} bytes, of which at most {LARGEST:,} are read. First: byte {LARGEST + 1:,}.\nExport "
            "it year by year, and convert each to a study."
        )
    encoding = _encoding(file)
    before = csv.field_size_limit(size + 1)
    try:
        with file.open(encoding=encoding, newline="") as opened:
            start = opened.read(20_000)
            if not start.strip() and not any(line.strip() for line in opened):
                raise DataError(
                    f"{file.name}: the file is empty: 0 of {size:,} bytes are text. First: its first byte.\nExport it "
                    "again."
                )
            lines = start.splitlines()[:_HEADER_WITHIN]
            separator = max(",;\t|", key=lambda mark: sum(line.count(mark) for line in lines))
            opened.seek(0)
            rows = csv.reader(opened, delimiter=separator, strict=False)
            pieces = [_grid(piece) for piece in iter(lambda: list(islice(rows, _PIECE)), [])]
    finally:
        csv.field_size_limit(before)
    grid = _joined(pieces)
    grid.attrs["encoding"] = encoding
    return grid


def _encoding(file: Path) -> str:
    """Tell how text is encoded; what is not Unicode is Windows-1252, which case-management systems write."""
    with file.open("rb") as opened:
        mark = opened.read(2)
    for encoding in ("utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp1252"):
        try:
            with file.open(encoding=encoding, newline="") as opened:
                while opened.read(1 << 20):
                    pass
            return encoding
        except UnicodeError:
            continue
    raw = file.read_bytes()
    at = [raw.find(byte) for byte in _NO_CP1252 if byte in raw]
    raise DataError(
        f"{file.name}: not text in UTF-8, UTF-16 or Windows-1252: {sum(map(raw.count, _NO_CP1252)):,} of {len(raw):,} "
        f"bytes are none of the last. First: byte {min(at) + 1:,}.\nExport it as CSV."
    )


def _grid(rows: Sequence[Sequence[str]]) -> pd.DataFrame:
    width = max(map(len, rows), default=0)
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    return pd.DataFrame(filled, dtype=str)


def _joined(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    """Put pieces of a grid below one another, as wide as the widest; rows are numbered from 1."""
    width = max((piece.shape[1] for piece in pieces), default=0)
    wide = [piece.reindex(columns=range(width), fill_value="") for piece in pieces]
    grid = pd.concat(wide, ignore_index=True) if wide else pd.DataFrame(dtype=str)
    return grid.set_axis(range(1, len(grid) + 1))


def short_name(name: str, headers: Sequence[str]) -> str:
    """Propose what ``[files]`` of a mapping calls a file or sheet.

    Parameters
    ----------
    name : str
        A key of `grids`.
    headers : sequence of str
        Those of the file.

    Returns
    -------
    str
        ``population`` for a population table of this kit; otherwise the name in small letters, digits and low lines.

    Examples
    --------
    >>> short_name("Young People.csv", ["Person ID"]), short_name("b.xlsx#Sheet 1", ["Area"])
    ('young_people', 'b_sheet_1')
    """
    if is_population(headers):
        return "population"
    file, _, sheet = name.partition("#")
    parts = [re.sub(r"[^a-z0-9]+", "_", part.casefold()).strip("_") for part in (Path(file).stem, sheet)]
    return "_".join([parts[0] or "file", *filter(None, parts[1:])])


def is_population(headers: Sequence[str]) -> bool:
    """Say whether a file with these headers is a population table of this kit."""
    return {plain(header) for header in headers} >= _POPULATION


def matching(patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    """List the files or sheets that a mapping means, by name or pattern, without regard to case.

    Parameters
    ----------
    patterns : sequence of str
        As in ``[files]``; a workbook's name alone means all its sheets.
    names : sequence of str
        Keys of `grids`.

    Returns
    -------
    list of str
        In the order of the names.

    Examples
    --------
    >>> matching(["people*.csv"], ["people-q1.csv", "outcomes.csv"])
    ['people-q1.csv']
    """

    def meant(name: str, pattern: str) -> bool:
        whole = name if "#" in pattern else name.partition("#")[0]
        return whole.casefold() == pattern.casefold() or fnmatchcase(whole.casefold(), pattern.casefold())

    return [name for name in names if any(meant(name, pattern) for pattern in patterns)]


@dataclass(frozen=True)
class Found:
    """The rows of a file under its header.

    Attributes
    ----------
    file : str
        Its name.
    table : DataFrame of str
        The columns asked for, under the names they were asked by; indexed by the row in the file.
    repeats : Series of bool
        Rows equal to an earlier one in every column of the file, those not asked for included.
    """

    file: str
    table: pd.DataFrame
    repeats: pd.Series


def tidy(header: str) -> str:
    """Write a header without a byte-order mark, stray spaces and footnote marks.

    Examples
    --------
    >>> tidy("Ethnicity (4)"), tidy(" Outcome  Date* ")
    ('Ethnicity', 'Outcome Date')
    """
    return _FOOTNOTE.sub("", " ".join(header.replace("\ufeff", "").split()))


def header_row(grid: pd.DataFrame) -> int:
    """Return the row that is most likely the header: the first with as many filled cells as any.

    Parameters
    ----------
    grid : DataFrame of str
        From `grids`.

    Returns
    -------
    int
        Its label in the index.
    """
    filled = grid.head(_HEADER_WITHIN).apply(lambda column: column.str.strip()).ne("").sum(axis=1)
    return int(filled[filled >= filled.max()].index[0])


def located(grid: pd.DataFrame, headers: Sequence[str], file: str, ledger: Ledger) -> Found:
    """Find the header that has the columns asked for, and the rows of the table under it.

    Parameters
    ----------
    grid : DataFrame of str
        From `grids`.
    headers : sequence of str
        The columns asked for, as in the mapping.
    file : str
        What to call it in a message.
    ledger : Ledger
        Gets a line for each kind of row set aside.

    Returns
    -------
    Found
        The table.

    Raises
    ------
    DataError
        When a header is absent or there twice, or a row is longer than the header.
    """
    row, places, marked = _places(grid, headers, file)
    body = grid.loc[row + 1 :]
    width = int(grid.loc[row].str.strip().ne("").to_numpy().nonzero()[0].max()) + 1
    spill = body.iloc[:, width:].apply(lambda column: column.str.strip()).ne("").any(axis=1)
    if spill.any():
        raise DataError(
            f"{file}: {spill.sum():,} of {len(body):,} rows are longer than the header. First: row "
            f"{spill.idxmax():,}.\nLook for an unquoted separator in it, and export the file again."
        )
    body = body.iloc[:, :width].apply(lambda column: column.str.strip())
    if above := row - 1:
        ledger.add("read", f"{file}: {above} rows above the header", "titles", removed=above, left=len(body))
    if marked:
        what = f"{file}: {marked} of {len(headers)} headers read without a footnote mark or stray spaces"
        ledger.add("read", what, "the mark is not part of the name", left=len(headers))
    wanted = body[places].set_axis(list(headers), axis=1)
    body = _records(body, wanted.iloc[:, 0], file, ledger)
    if grid.attrs.get("encoding") == "cp1252":
        why = "its bytes are not UTF-8; case-management systems on Windows write this"
        ledger.add("read", f"{file}: read as Windows-1252", why, left=len(body))
    for remark in grid.attrs.get("notes", ()):
        ledger.add("read", f"{file}: {remark}", "values alone are read", left=len(body))
    if body.empty:
        raise DataError(
            f"{file}: 0 of {len(grid) - row:,} rows under the header hold a record. First: row {row + 1:,}.\n"
            "Export it again."
        )
    ledger.add("read", f"{file}: rows of the table", "as they are", left=len(body))
    return Found(file, wanted.loc[body.index], body.duplicated())


def _records(body: pd.DataFrame, ids: pd.Series, file: str, ledger: Ledger) -> pd.DataFrame:
    """Set aside empty rows, totals and notes, a line in the ledger for each kind."""
    filled = body.ne("").sum(axis=1)
    total = ids.eq("") | ids.str.fullmatch(TOTAL)
    total &= (
        body[total]
        .apply(lambda column: column.str.fullmatch(TOTAL))
        .any(axis=1)
        .reindex(body.index, fill_value=False)
    )
    for rows, what, why in (
        (filled == 0, "empty rows", "nothing is in them"),
        (total, "totals rows", "a total stands for the rows above it, which are counted"),
        (
            (filled == 1) & (body.shape[1] > 2) & ~total,
            "rows with one filled cell",
            "notes at the foot of the export; no record has so little",
        ),
    ):
        if rows.any():
            body = body[~rows.reindex(body.index)]
            ledger.add("read", f"{file}: {what}", why, removed=int(rows.sum()), left=len(body))
    return body


def _places(grid: pd.DataFrame, headers: Sequence[str], file: str) -> tuple[int, list[int], int]:
    """Find the header's row, the position of each column asked for, and how many were marked."""
    best: tuple[int, int, list[str]] = (-1, 0, [])
    for row, cells in grid.head(_HEADER_WITHIN).iterrows():
        exact, bare = [str(c).strip() for c in cells], [plain(tidy(str(c))) for c in cells]
        missing = [h for h in headers if h not in exact and plain(tidy(h)) not in bare]
        if len(headers) - len(missing) > best[0]:
            best = (len(headers) - len(missing), int(str(row)), missing)
    count, row, missing = best
    cells = [str(c).strip() for c in grid.loc[row]] if len(grid) else []
    if missing:
        there = ", ".join(shown(tidy(c)) for c in cells[:20] if c) if count else "none of those named"
        raise DataError(
            f"{file}: {len(missing)} of {len(headers)} columns of the mapping are not there: "
            f"{', '.join(map(shown, missing))}.{near(missing[0], [tidy(c) for c in cells if c])} "
            f"Row {row} has {there}.\nCorrect the mapping, or export the file with these columns."
        )
    places, marked = [], 0
    for header in headers:
        at = [i for i, c in enumerate(cells) if c == header]
        at = at or [i for i, c in enumerate(cells) if plain(tidy(c)) == plain(tidy(header))]
        first = grid.loc[row + 1 :, at[0]]
        if any(not first.equals(grid.loc[row + 1 :, i].rename(at[0])) for i in at[1:]):
            where = ", ".join(str(i + 1) for i in at)
            raise DataError(
                f"{file}: {len(at)} of {len(cells)} columns have the header {shown(header)} and differ: columns "
                f"{where}.\nGive them different names in the export."
            )
        marked += str(grid.loc[row].iloc[at[0]]) != header
        places.append(at[0])
    return row, places, marked
