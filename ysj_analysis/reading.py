"""What does a file say? A CSV as text, tidied of what is merely ugly, or one readable refusal.

Ugly are a byte-order mark, stray spaces, Windows line ends and empty lines. Rows are numbered as in the
file, the header being row 1.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from .vocabulary import TABLES

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
_UNTIDY = (b" ,", b" \r", b" \n", b"\t", b'"', b"\xc2\xa0", b"\xe3\x80\x80")


class DataError(ValueError):
    """Data that cannot be used. The message says what, how many of how many, where and what to do."""


class NotHeld(DataError):
    """What was asked of a study is not in it: a table or a column it need not have. Not a fault of its data."""


def shown(label: object, limit: int = 40) -> str:
    """Write a label from a file so that it can do no harm in a message.

    Parameters
    ----------
    label : object
        Anything read from a file.
    limit : int
        Longest text to show.

    Returns
    -------
    str
        The label in quotes, control and direction marks replaced, cut to ``limit``.

    Examples
    --------
    >>> shown("Blck")
    "'Blck'"
    """
    text = _UNSAFE.sub("?", str(label))
    return "'" + (text if len(text) <= limit else text[: limit - 1] + "…") + "'"


def alike(label: object, choices: Iterable[object]) -> str:
    """Find the choice that is spelt most like a label; empty when none is.

    Parameters
    ----------
    label : object
        What was written.
    choices : iterable
        What could have been meant.

    Returns
    -------
    str
        One of the choices, or nothing.

    Examples
    --------
    >>> alike("WHITE", ["Black", "White"]), alike("reoffending_cohort", ["cohort", "bail"])
    ('White', '')
    """
    known = {str(c).casefold(): str(c) for c in choices}
    match = difflib.get_close_matches(str(label).casefold()[:200], known, n=1, cutoff=0.6)
    return known[match[0]] if match else ""


def near(label: object, choices: Iterable[object]) -> str:
    """Say which of the choices a label nearly is, as a clause; empty when none is near.

    Near is what is spelt alike, or else the only choice whose words are all in the label, or the other way
    round. Whether a label may be shown is asked of :func:`alike`: a child's name may hold a word of ours.

    Parameters
    ----------
    label : object
        What was written.
    choices : iterable
        What could have been meant.

    Returns
    -------
    str
        A question that starts with a space, or nothing.

    Examples
    --------
    >>> near("WHITE", ["Black", "White"]), near("reoffending_cohort", ["cohort", "bail"])
    (" Did you mean 'White'?", " Did you mean 'cohort'?")
    """
    choices = list(dict.fromkeys(map(str, choices)))
    own = _words(label)
    shared = [c for c in choices if own and (words := _words(c)) and (words <= own or own <= words)]
    meant = alike(label, choices) or (shared[0] if len(shared) == 1 else "")
    return f" Did you mean {shown(meant)}?" if meant else ""


def _words(label: object) -> set[str]:
    """Take a label apart into its words of three letters or more."""
    return set(re.findall(r"[^\W_]{3,}", str(label)[:200].casefold()))


def in_place_of(path: Path) -> str:
    """Say what is there in place of a CSV that is not: a spreadsheet, or a file of a name like it.

    Parameters
    ----------
    path : Path
        The CSV.

    Returns
    -------
    str
        What to do, with a space before it; nothing where nothing there is like it.
    """
    there = sorted(p for p in path.parent.glob("*") if p.is_file() and not p.name.startswith(("~$", ".")))
    others = set(TABLES) - {path.stem}  # counts.xlsx is no population.csv
    sheets = [p.name for p in there if p.suffix.casefold() in _SPREADSHEETS and p.stem not in others]
    if sheets:
        sheet = alike(path.stem, sheets) or sheets[0]
        return (
            f" Open {shown(sheet)} and save the sheet that has the table as 'CSV UTF-8', named {path.name}."
        )
    files = {p.stem: p.name for p in there if p.suffix.casefold() == ".csv"}
    like = alike(path.stem, files)
    return f" Did you mean {shown(files[like])}?" if like else ""


# -- reading -----------------------------------------------------------------------------------------


def read(path: Path, *, empty: bool = False) -> pd.DataFrame:
    """Read a CSV as text: no guessed types, no guessed missing values.

    Parameters
    ----------
    path : Path
        The file: UTF-8, one header row.
    empty : bool
        Whether a header alone will do.

    Returns
    -------
    DataFrame of str
        The rows that are not wholly empty, indexed by their row in the file (the header is row 1).

    Raises
    ------
    DataError
        If the file is absent, empty, not UTF-8, has rows of different lengths, a column without a
        name or twice the same column.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        where = f"{path.parent.name}/" if path.parent.name else "this folder"
        do = in_place_of(path) or " Check its name, and the folder's."
        raise DataError(f"{path.name}: there is no such file in {where}.{do}") from None
    except OSError as error:
        raise DataError(f"{path.name}: cannot be opened ({error.strerror}).") from None
    _refuse_other_encodings(raw, path.name)
    try:
        cells = pd.read_csv(
            io.BytesIO(raw),
            header=None,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            skipinitialspace=True,
            skip_blank_lines=False,
        )
    except pd.errors.EmptyDataError:
        raise DataError(
            f"{path.name}: the file is empty. It needs a header row and at least one row."
        ) from None
    except pd.errors.ParserError as error:
        unclosed = "EOF inside string" in str(error)
        raise DataError(_unclosed(path.name, error) if unclosed else _uneven(raw, path.name)) from None
    if raw.count(b",") != len(cells) * (cells.shape[1] - 1) and (message := _uneven(raw, path.name)):
        raise DataError(message)
    if any(mark in raw for mark in _UNTIDY):
        cells = cells.apply(lambda s: s.str.strip())
    cells.index += 1
    table = cells.iloc[1:].set_axis(header_of(cells, path.name), axis=1).drop(columns="", errors="ignore")
    if not table.columns.size:
        raise DataError(f"{path.name}: 0 of its columns have a name. It needs a header row in row 1.")
    blank = table.iloc[:, 0].eq("")
    blank &= table[blank].eq("").all(axis=1).reindex(table.index, fill_value=False)
    if blank.all() and not empty:
        raise DataError(f"{path.name}: 0 rows under the header. The file needs at least one row.")
    return table[~blank]


def _refuse_other_encodings(raw: bytes, file: str) -> None:
    """Refuse bytes that are not UTF-8 text, saying in how many rows and where first."""
    remedy = "Save the file again as 'CSV UTF-8'."
    if raw[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise DataError(f"{file}: an Excel workbook, or another archive, and no CSV. {remedy}")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in raw[:1000]:
        raise DataError(f"{file}: not UTF-8 text; it looks like UTF-16, or is no text at all. {remedy}")
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        lines = raw.splitlines()
        bad = [i for i, line in enumerate(lines, start=1) if line.decode("utf-8", "replace").encode() != line]
        raise DataError(
            f"{file}: {len(bad):,} of {len(lines):,} rows are not UTF-8 text. First: row {bad[0]:,}. {remedy}"
        ) from None


def _uneven(raw: bytes, file: str) -> str:
    """Say which rows have more or fewer columns than the header; empty when none has."""
    text = raw.decode("utf-8-sig")
    before = csv.field_size_limit(max(len(text), 1))
    try:
        rows = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
        lengths = [len(row) for row in rows]
    finally:
        csv.field_size_limit(before)
    bad = [i for i, n in enumerate(lengths, start=1) if n not in (0, lengths[0])]
    if not bad:
        return ""
    return (
        f"{file}: {len(bad):,} of {len(lengths) - 1:,} rows do not have the {lengths[0]} columns of the header. "
        f"First: row {bad[0]:,}, which has {lengths[bad[0] - 1]}. Look for an unquoted comma, a row cut "
        "short, or a title above the header."
    )


def _unclosed(file: str, error: Exception) -> str:
    row = re.search(r"row (\d+)", str(error))
    where = f" First: row {int(row[1]) + 1:,}." if row else ""
    return f"{file}: a quotation mark is opened and never closed.{where} Close it, or take it out."


def header_of(cells: pd.DataFrame, file: str) -> list[str]:
    """Name the columns by the header; a column with neither name nor content is left nameless.

    Parameters
    ----------
    cells : DataFrame of str
        All cells, the header in the first row.
    file : str
        Its name, for the message.

    Returns
    -------
    list of str
        A name for each column.

    Raises
    ------
    DataError
        If a column with content has no name, or two have the same.
    """
    names = [str(name).strip() for name in cells.iloc[0]]
    nameless = [i for i, name in enumerate(names) if not name]
    full = [i for i in nameless if cells.iloc[1:, i].ne("").any()]
    if full:
        raise DataError(
            f"{file}: {len(full)} of {len(names)} columns have no name. First: column {full[0] + 1}. "
            "Name it in the header row, which must be the first row."
        )
    twice = [name for i, name in enumerate(names) if name and name in names[:i]]
    if twice:
        raise DataError(
            f"{file}: {len(twice)} of {len(names)} columns repeat the name of an earlier one. First: column "
            f"{shown(twice[0])}. Keep one of them."
        )
    if len(names) == 1 and (mark := next((m for m in ";\t|" if m in names[0]), "")):
        raise DataError(
            f"{file}: the header is one column, with {shown(mark)} in it where a comma is expected. "
            "Save the file again with commas between columns."
        )
    return names
