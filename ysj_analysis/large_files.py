"""How are large files of events read? Checked and typed by DuckDB, in a stream, under a limit of memory.

The rules are those of ``vocabulary.TABLES``. When a row breaks one, the file is read again in pieces and
the refusal is that of ``tables.check``, word for word.
"""

from __future__ import annotations

import csv
import mmap
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from .large import Stored
from .reading import DataError, _names, read, shown
from .tables import _WHOLE, _faults, check
from .vocabulary import STAGES, TABLES, Column, Stage

LARGE = {".csv": 100_000_000, ".parquet": 10_000_000}
"""Events in a file of this many bytes (a million or two) are counted where they are, not held."""

MEMORY = "150MB"
"""What DuckDB may hold; the rest waits in a temporary folder, which only this user can read."""

THREADS = 2
"""How many rows are read at a time, and so how much memory it takes, grows with this."""

_PIECE = 200_000
_BLANKS = r"' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"


def path_of(folder: Path, name: str) -> Path | None:
    """Find the file of a canonical table.

    Parameters
    ----------
    folder : Path
        The study folder.
    name : str
        Which canonical table.

    Returns
    -------
    Path or None
        The CSV, or else the Parquet file; nothing where there is neither.

    Raises
    ------
    DataError
        If there are both: nobody could say which of them is the table.
    """
    there = [p for ending in LARGE if (p := folder / f"{name}{ending}").is_file()]
    if len(there) > 1:
        raise DataError(
            f"{folder.name}/: 2 of 2 files hold the table {name}: {name}.csv and {name}.parquet. Keep one."
        )
    return there[0] if there else None


def is_large(path: Path) -> bool:
    """Say whether a file is so large that it is counted where it is.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file.

    Returns
    -------
    bool
        True from ``LARGE`` bytes on, if the engine is installed (the extra ``large``).
    """
    from importlib.util import find_spec

    return path.stat().st_size >= LARGE[path.suffix] and all(map(find_spec, ("duckdb", "ibis")))


def stored(
    events: Path, children: Path, *, stages: Mapping[str, Stage] = STAGES, areas: Sequence[str] = ()
) -> Stored:
    """Check and type large files of events and children, and keep them in DuckDB.

    Parameters
    ----------
    events, children : Path
        CSV or Parquet files.
    stages : mapping of str to Stage
        The stage graph.
    areas : sequence of str
        The study's areas. Without them the areas are in the order in which they appear.

    Returns
    -------
    Stored
        To be counted from.

    Raises
    ------
    DataError
        As ``canonical.events`` and ``canonical.children`` would.
    """
    import duckdb
    import ibis

    folder = tempfile.mkdtemp(prefix="ysj-")
    backend = ibis.duckdb.connect(
        memory_limit=MEMORY, temp_directory=folder, preserve_insertion_order=not areas, threads=THREADS
    )
    weakref.finalize(backend, shutil.rmtree, folder, ignore_errors=True)
    con = backend.con
    con.execute("set enable_progress_bar = false")
    try:
        _children(con, children)
        con.execute("create type stage as enum (" + ", ".join(map(_text, stages)) + ")")
        _events(con, events, stages)
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as error:
        explain(events, "events", stages)
        explain(children, "children", stages)
        raise DataError(
            f"{events.name}: cannot be read ({shown(error, 200)}). Save it again as 'CSV UTF-8'."
        ) from None
    labels = {
        c: [v for v, _ in con.execute(f"select {c}, min(rowid) from events group by 1 order by 2").fetchall()]
        for c in ("stage", "area")
    }
    days = con.execute("select min(date), max(date) from events").fetchone()
    return Stored(
        backend.table("events"), backend.table("people"), labels | {"date": pd.to_datetime(list(days))}
    )


def _children(con, path: Path) -> None:
    """Number the children: ``ids`` has the number of each, ``people`` what is known of it."""
    there = [c.name for c in TABLES["children"] if c.name in header(path)]
    select = f"select {', '.join(f'{v} {c}' for c, v in _cells(path, there).items())} from {_source(path)}"
    con.execute(f"create temp table given as select * from ({select}) where not ({_blank(there)})")
    faults = " or ".join(_broken(c, {}) for c in TABLES["children"] if c.name in there) or "false"
    if (
        missing(path, "children")
        or con.execute(
            f"select count(*) filter ({faults}) + count(*) - count(distinct child_id) + (count(*) = 0)::int from given"
        ).fetchone()[0]
    ):
        check(text(path) if path.suffix == ".parquet" else read(path), "children", file=path.name)
        raise DataError(f"{path.name}: cannot be read as a table of children. Save it again as 'CSV UTF-8'.")
    con.execute(
        "create temp table ids as select child_id id, (row_number() over ())::integer number from given"
    )
    rest = ", ".join(
        c for c in there if c in ("ethnicity", "ethnicity_source", "area", "sex", "looked_after", "send")
    )
    con.execute(
        f"create temp table people as select number child_id, {rest} from ids join given on id = given.child_id"
    )
    con.execute("drop table given")


def _events(con, path: Path, stages: Mapping[str, Stage]) -> None:
    """Type the events, with the numbers of the children; those without a record get a number too."""
    if missing(path, "events"):
        explain(path, "events", stages)
    # Spaces around a stage or a date are rare, and looking for them is not free: only at a second look.
    for every in (False, True):
        typed = _typed(path, stages, trim=every)
        con.execute(f"create or replace temp table events as select {typed}")
        bad, lost, rows = con.execute(
            "select count(*) filter (fault), count(*) filter (child_id is null), count(*) from events"
        ).fetchone()
        if not bad:
            break
    if bad or not rows:
        explain(path, "events", stages)
        bad = con.execute("select count(*) from events where fault and not empty").fetchone()[0]
    if bad:
        raise DataError(
            f"{path.name}: {bad:,} of {rows:,} rows cannot be read. Save the file again as 'CSV UTF-8'."
        )
    if lost:  # children without a record get the numbers after the others
        con.execute(
            "insert into ids select id, (row_number() over ())::integer + (select count(*) from ids)::integer "
            f"from (select distinct e.child_id id {typed[typed.index('from (select') :]} where ids.id is null)"
        )
        con.execute(f"create or replace temp table events as select {typed}")
    con.execute("delete from events where fault")  # what is left of these is rows that are wholly empty
    for flag in ("fault", "empty"):
        con.execute(f"alter table events drop column {flag}")
    if con.execute(f"select count(*) from ({_SEVERAL})").fetchone()[0]:
        con.execute("set preserve_insertion_order = true")
        con.execute(f"create or replace temp table events as select {typed}")
        _refuse_several(con, path)
    con.execute("drop table ids")


def _typed(path: Path, stages: Mapping[str, Stage], *, trim: bool) -> str:
    """Write the SQL that types the events of a file, after ``select``."""
    there = [c for c in TABLES["events"] if c.name in header(path)]
    checked = [c for c in there if c.kind != "text" or (c.required and not c.blank)]
    loose = {c.name for c in checked if c.kind != "text"} if not trim else set()
    typed = _parquet_kinds(path)
    cells = _cells(path, [c.name for c in checked])
    cells |= {c: f"coalesce({_name(c)}, '')" for c in loose if not typed}
    whole = {c.name for c in checked if typed and (c.kind, typed[c.name]) in _TYPED}
    cells |= {c: _name(c) for c in whole}
    faults = [_broken(c, stages) for c in checked if c.kind != "stage" and c.name not in whole]
    faults += ["try_cast(stage as stage) is null"]
    faults += [f"{_name(c)} is null" if c == "date" else f"coalesce({_name(c)} < 0, false)" for c in whole]
    given = ", ".join(f"{value} {_name(c)}" for c, value in cells.items())
    return (
        "ids.number child_id, episode_id, try_cast(stage as stage) stage, try_cast(date as date) date, area, "
        f"({' or '.join(faults)}) fault, {_blank(c for c in cells if c not in whole)} empty "
        f"from (select {given} from {_source(path)}) e left join ids on ids.id = e.child_id"
    )


_TYPED = {
    ("date", "DATE"),
    *(("whole", f"{kind}INT") for kind in ("TINY", "SMALL", "", "BIG")),
    ("whole", "INTEGER"),
}
"""Kinds of column, and the types of Parquet that need no look at their text."""

_SEVERAL = "select episode_id from events group by 1 having min(child_id) < max(child_id)"


def _refuse_several(con, path: Path) -> None:
    """Refuse episodes of several children, as ``canonical.events`` does; the events are in order."""
    own = "select episode_id, arg_min(child_id, rowid) own from events group by 1"
    several, row, every = con.execute(
        "select count(distinct episode_id) filter (child_id <> own), min(events.rowid) filter (child_id <> own), "
        f"count(distinct episode_id) from events join ({own}) using (episode_id)"
    ).fetchone()
    raise DataError(
        f"{path.name}: {several:,} of {every:,} episodes belong to more than one child. First: row "
        f"{row + _first_row(path):,}, column child_id. Give each child its own episode."
    )


# -- what is in a file -------------------------------------------------------------------------------


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
    if kinds := _parquet_kinds(path):
        return list(kinds)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = next(csv.reader([next(file, "")], skipinitialspace=True), [])
    if not any(name.strip() for name in first):
        raise DataError(f"{path.name}: the file is empty. It needs a header row and at least one row.")
    return _names(pd.DataFrame([first]), path.name)


def _parquet_kinds(path: Path) -> dict[str, str]:
    """Give the types of the columns of a Parquet file; of a CSV, which has none, nothing."""
    return _described(path, path.stat().st_mtime_ns) if path.suffix == ".parquet" else {}


@lru_cache(8)
def _described(path: Path, changed: int) -> dict[str, str]:
    import duckdb

    try:
        found = duckdb.connect().execute(f"describe select * from read_parquet({_text(path)})").fetchall()
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
    cells = ", ".join(f"{v} as {_name(c)}" for c, v in _cells(path, header(path)).items())
    names, rows = header(path), con.execute(f"select {cells} from {_source(path)}").fetchall()
    table = pd.DataFrame(rows, columns=names, dtype=str)
    if table.empty:
        raise DataError(f"{path.name}: 0 rows. The file needs at least one row.")
    return table.set_axis(range(1, len(table) + 1))


def _first_row(path: Path) -> int:
    return 2 if path.suffix == ".csv" else 1


def _source(path: Path) -> str:
    """Name a file as a table of SQL."""
    if path.suffix == ".parquet":
        return f"read_parquet({_text(path)})"
    columns = ", ".join(f"{_text(c or f'nameless {i}')}: 'VARCHAR'" for i, c in enumerate(header(path)))
    return (
        f"read_csv({_text(path)}, columns={{{columns}}}, header=true, auto_detect=false, delim=',', quote='\"', "
        "escape='\"', strict_mode=true)"
    )


def _cells(path: Path, columns: Iterable[str]) -> dict[str, str]:
    """Give for each column the SQL of its cells as text without spaces around; missing cells are empty."""
    if path.suffix == ".csv":
        marks = _has(path, b"\t")
        return {c: f"coalesce(trim({_name(c)}{f', {_BLANKS}' if marks else ''}), '')" for c in columns}
    kinds, cells = _parquet_kinds(path), {}
    for c in columns:
        value = f"cast({_name(c)} as varchar)"
        if kinds[c].startswith("TIMESTAMP"):
            day = f"date_trunc('day', {_name(c)})"
            value = f"case when {_name(c)} = {day} then strftime({day}, '%Y-%m-%d') else {value} end"
        elif kinds[c] == "BOOLEAN":
            value = f"case when {_name(c)} then 'yes' when not {_name(c)} then 'no' end"
        cells[c] = f"coalesce(trim({value}), '')"
    return cells


def _has(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(mark) >= 0


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _blank(columns: Iterable[str]) -> str:
    return " and ".join(f"{_name(c)} = ''" for c in columns)


def _broken(column: Column, stages: Mapping[str, Stage]) -> str:
    """Say in SQL that a cell breaks the kind of its column, as ``tables._faults`` does."""
    at = _name(column.name)
    if column.kind == "stage":
        holds = f"{at} in ({', '.join(map(_text, stages))})"
    elif column.choices:
        holds = f"{at} in ({', '.join(map(_text, column.choices))})"
    else:
        holds = {
            "date": f"({at} like '____-__-__' and try_cast({at} as date) is not null)",
            "month": f"regexp_full_match({at}, '[12][0-9]{{3}}-(0[1-9]|1[0-2])')",
            "flag": f"{at} in ('yes', 'no', '')",
            "whole": f"(case when length({at}) = 1 and {at} between '0' and '9' then true "
            f"else regexp_full_match({at}, {_text(_WHOLE)}) end)",
        }.get(column.kind, f"{at} <> ''")
    return f"not ({holds}" + (f" or {at} = '')" if column.blank or not column.required else ")")


# -- what is wrong with a file -----------------------------------------------------------------------


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
            fault |= _faults(piece[column.name], column, (), stages)[0]
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
        cells = ", ".join(f"{v} as {_name(c)}" for c, v in _cells(path, columns).items())
        found, at = duckdb.connect().execute(f"select {cells} from {_source(path)}"), 1
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
