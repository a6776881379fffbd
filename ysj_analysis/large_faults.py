"""What is wrong with a large file? It is read again in pieces and refused as a small one would be.

The fast look of ``large_files`` says only that some row breaks a rule; the words come from here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from .large_sql import cells_of, header, missing, quoted, source
from .reading import DataError
from .tables import check, faults_of
from .vocabulary import TABLES, Stage

_PIECE = 200_000


def explain(path: Path, name: str, stages: Mapping[str, Stage]) -> None:
    """Read a file again in pieces, and refuse it as ``tables.check`` would.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file.
    name : str
        Which canonical table.
    stages : mapping of str to Stage
        The stage graph.

    Raises
    ------
    DataError
        If a row is at fault: not text in UTF-8, of another length than the header, or with a value that
        cannot be used.
    """
    if missing(path, name):
        check(pd.DataFrame(columns=header(path), dtype=str), name, file=path.name)
    columns = [c for c in TABLES[name] if c.name in header(path)]
    rows, bad = 0, []
    for piece in _pieces(path):
        rows += len(piece)
        fault = pd.Series(False, index=piece.index)
        for column in columns:
            fault |= faults_of(piece[column.name], column, (), stages)[0]
        bad.append(piece.loc[fault, [c.name for c in columns]])
    if not rows:
        raise DataError(f"{path.name}: 0 rows under the header. The file needs at least one row.")
    if any(len(piece) for piece in bad):
        check(pd.concat(bad), name, file=path.name, stages=stages, rows=rows)


def _pieces(path: Path) -> Iterable[pd.DataFrame]:
    """Give the rows of a file as text, some at a time, indexed by their row in the file."""
    import duckdb

    if path.suffix == ".parquet":
        columns = header(path)
        cells = ", ".join(f"{v} as {quoted(c)}" for c, v in cells_of(path, columns).items())
        found, at = duckdb.connect().execute(f"select {cells} from {source(path)}"), 1
        while rows := found.fetchmany(_PIECE):
            yield pd.DataFrame(rows, columns=columns, index=range(at, at + len(rows)), dtype=str)
            at += len(rows)
        return
    _refuse_rows(path)
    names = header(path)
    pieces = pd.read_csv(
        path, header=None, skiprows=1, names=names, dtype=str, keep_default_na=False, encoding="utf-8-sig",
        skipinitialspace=True, skip_blank_lines=False, chunksize=_PIECE,
    )  # fmt: skip
    for piece in pieces:
        piece.index += 2
        tidy = piece.fillna("").apply(lambda s: s.str.strip())
        yield tidy[~tidy.eq("").all(axis=1)]


def _refuse_rows(path: Path) -> None:
    """Refuse a CSV with rows that are not UTF-8, or not as long as the header; one row is held at a time."""
    bad, lines, first = 0, 0, 0
    with path.open("rb") as file:
        for line in file:
            lines += 1
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                bad, first = bad + 1, first or lines
    if bad:
        raise DataError(
            f"{path.name}: {bad:,} of {lines:,} rows are not UTF-8 text. First: row {first:,}. Save the file again "
            "as 'CSV UTF-8'."
        )
    before = csv.field_size_limit(2**31 - 1)
    wide, uneven, first, long, n = 0, 0, 0, 0, 0
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for n, row in enumerate(csv.reader(file, skipinitialspace=True), start=1):
                wide = wide or len(row)
                if len(row) not in (0, wide):
                    uneven, first, long = uneven + 1, first or n, long or len(row)
    finally:
        csv.field_size_limit(before)
    if uneven:
        raise DataError(
            f"{path.name}: {uneven:,} of {n - 1:,} rows do not have the {wide} columns of the header. First: row "
            f"{first:,}, which has {long}. Look for an unquoted comma, a row cut short, or a title above the header."
        )
