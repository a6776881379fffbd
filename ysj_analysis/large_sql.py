"""What is in a large file, and how does SQL say it? Columns, cells as text, and what breaks a rule.

The rules are those of ``vocabulary.TABLES``, written for DuckDB.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import pandas as pd

from .reading import DataError, header_of
from .tables import WHOLE_NUMBER
from .vocabulary import TABLES, Column, Stage

_BLANKS = " || ".join(f"chr({ord(c)})" for c in map(chr, range(0x3001)) if c.isspace())
"""What ``str.strip`` takes from around a cell, in SQL."""


def header(path: Path) -> list[str]:
    """Name the columns of a file.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file.

    Returns
    -------
    list of str
        As the header has them.

    Raises
    ------
    DataError
        For a column without a name, twice the same, or no columns at all.
    """
    if kinds := parquet_kinds(path):
        return list(kinds)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = next(csv.reader([next(file, "")], skipinitialspace=True), [])
    if not any(name.strip() for name in first):
        raise DataError(f"{path.name}: the file is empty. It needs a header row and at least one row.")
    return header_of(pd.DataFrame([first]), path.name)


def parquet_kinds(path: Path) -> dict[str, str]:
    """Give the types of the columns of a Parquet file; of a CSV, which has none, nothing."""
    return _described(path, path.stat().st_mtime_ns) if path.suffix == ".parquet" else {}


@lru_cache(8)
def _described(path: Path, changed: int) -> dict[str, str]:
    import duckdb

    try:
        found = duckdb.connect().execute(f"describe select * from read_parquet({literal(path)})").fetchall()
    except duckdb.Error:
        raise DataError(f"{path.name}: not a Parquet file, or a damaged one. Write it again.") from None
    return {name: kind for name, kind, *_ in found}


def missing(path: Path, name: str) -> list[str]:
    """List the columns that a table needs and its file lacks.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file.
    name : str
        Which canonical table.

    Returns
    -------
    list of str
        In the order of the vocabulary.
    """
    there = header(path)
    return [c.name for c in TABLES[name] if c.required and c.name not in there]


def text(path: Path) -> pd.DataFrame:
    """Read a Parquet file as text, as ``reading.read`` reads a CSV.

    Parameters
    ----------
    path : Path
        The Parquet file.

    Returns
    -------
    DataFrame of str
        Indexed by the row, the first being row 1. A missing value is empty text.

    Raises
    ------
    DataError
        If it is no Parquet file, has no rows, or the engine is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise DataError(
            f"{path.name}: Parquet files need the extra 'large'. Install ysj-analysis[large], or save it as CSV."
        ) from None
    con = duckdb.connect()
    cells = ", ".join(f"{v} as {quoted(c)}" for c, v in cells_of(path, header(path)).items())
    names, rows = header(path), con.execute(f"select {cells} from {source(path)}").fetchall()
    table = pd.DataFrame(rows, columns=names, dtype=str)
    if table.empty:
        raise DataError(f"{path.name}: 0 rows. The file needs at least one row.")
    return table.set_axis(range(1, len(table) + 1))


def first_row(path: Path) -> int:
    """Say which row of a file holds its first record, as an editor numbers them."""
    return 2 if path.suffix == ".csv" else 1


def source(path: Path) -> str:
    """Name a file as a table of SQL."""
    if path.suffix == ".parquet":
        return f"read_parquet({literal(path)})"
    columns = ", ".join(f"{literal(c or f'nameless {i}')}: 'VARCHAR'" for i, c in enumerate(header(path)))
    return (
        f"read_csv({literal(path)}, columns={{{columns}}}, header=true, auto_detect=false, delim=',', quote='\"', "
        "escape='\"', strict_mode=true)"
    )


def cells_of(path: Path, columns: Iterable[str]) -> dict[str, str]:
    """Give for each column the SQL of its cells as text without blanks around; missing cells are empty."""
    if path.suffix == ".csv":
        return {c: _stripped(quoted(c)) for c in columns}
    kinds, cells = parquet_kinds(path), {}
    for c in columns:
        value = f"cast({quoted(c)} as varchar)"
        if kinds[c].startswith("TIMESTAMP"):
            day = f"date_trunc('day', {quoted(c)})"
            value = f"case when {quoted(c)} = {day} then strftime({day}, '%Y-%m-%d') else {value} end"
        elif kinds[c] == "BOOLEAN":
            value = f"case when {quoted(c)} then 'yes' when not {quoted(c)} then 'no' end"
        cells[c] = _stripped(value)
    return cells


def plain(value: str) -> str:
    """Say in SQL that text begins and ends with a printed ASCII character, so with no blank."""
    return f"({value} >= '!' and {value} < chr(127) and ({value})[-1] between '!' and '~')"


def _stripped(value: str) -> str:
    """Strip text in SQL; looking for every blank there is takes long, and most cells have none."""
    return f"case when {plain(value)} then {value} else coalesce(trim({value}, {_BLANKS}), '') end"


def literal(value: object) -> str:
    """Write text for SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(column: str) -> str:
    """Write the name of a column for SQL."""
    return '"' + column.replace('"', '""') + '"'


def all_blank(columns: Iterable[str]) -> str:
    """Say in SQL that all cells of a row are empty text."""
    return " and ".join(f"{quoted(c)} = ''" for c in columns)


def broken(column: Column, stages: Mapping[str, Stage]) -> str:
    """Say in SQL that a cell breaks the kind of its column, as ``tables.faults_of`` does."""
    at = quoted(column.name)
    if column.kind == "stage":
        holds = f"{at} in ({', '.join(map(literal, stages))})"
    elif column.choices:
        holds = f"{at} in ({', '.join(map(literal, column.choices))})"
    else:
        holds = {
            "date": f"({at} like '____-__-__' and try_cast({at} as date) is not null)",
            "month": f"regexp_full_match({at}, '[12][0-9]{{3}}-(0[1-9]|1[0-2])')",
            "flag": f"{at} in ('yes', 'no', '')",
            "whole": f"(case when length({at}) = 1 and {at} between '0' and '9' then true "
            f"else regexp_full_match({at}, {literal(WHOLE_NUMBER)}) end)",
        }.get(column.kind, f"{at} <> ''")
    return f"not ({holds}" + (f" or {at} = '')" if column.blank or not column.required else ")")
