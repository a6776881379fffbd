"""How are large files of events read? By Arrow as they are, or by DuckDB if anything is amiss.

The first look (``large_arrow``) takes the file at its word and only notices that something is amiss: a cell
with blanks around it, an empty row, a rule broken. Then a second look strips every cell, under a limit of memory,
and what it still cannot use is refused (``large_faults``). What stays is numbers, for ``large_counts``.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from . import large_arrow
from .large import Stored, bits
from .large_faults import explain
from .large_numbers import Numbers
from .large_sql import (
    all_blank,
    broken,
    cells_of,
    first_row,
    header,
    literal,
    missing,
    parquet_kinds,
    quoted,
    source,
    text,
)
from .reading import DataError, read, shown
from .tables import check
from .vocabulary import STAGES, TABLES, Stage

LARGE = {".csv": 100_000_000, ".parquet": 10_000_000}
"""Events in a file of this many bytes (a million or two) are counted where they are, not held."""

MEMORY = "150MB"
"""What DuckDB may hold, on a second look; the rest waits in a temporary folder, which only this user can read."""

THREADS = 2
"""How many rows are read at a time, and so how much memory it takes, grows with this."""

_TYPED = {
    ("date", "DATE"),
    *(("whole", f"{kind}INT") for kind in ("TINY", "SMALL", "", "BIG")),
    ("whole", "INTEGER"),
}
"""Kinds of column, and the types of Parquet that need no look at their text."""


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

    return path.stat().st_size >= LARGE[path.suffix] and all(map(find_spec, ("duckdb", "ibis", "pyarrow")))


def stored(
    events: Path, children: Path, *, stages: Mapping[str, Stage] = STAGES, areas: Sequence[str] = ()
) -> Stored:
    """Check and type large files of events and children, and keep them as numbers.

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
    try:
        found = large_arrow.read(events, children, stages=stages)
    except UnicodeDecodeError:  # in any column, also one that is not used
        explain(children, "children", stages)
        explain(events, "events", stages)
        raise
    if found is not None:
        numbers, values = found
        return Stored(lambda: _tables(numbers), values, numbers)
    import duckdb

    backend = _engine(in_order=not areas)
    con = backend.con
    try:
        _children(con, children)
        con.execute("create type stage as enum (" + ", ".join(map(literal, stages)) + ")")
        values = _events(con, events, stages)
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as error:
        explain(children, "children", stages)
        explain(events, "events", stages)
        raise DataError(
            f"{events.name}: cannot be read ({shown(error, 200)}). Save it again as 'CSV UTF-8'."
        ) from None
    return Stored(lambda: (backend.table("events"), backend.table("people")), values)


def _engine(*, in_order: bool):
    """Start DuckDB under its limits."""
    import ibis

    folder = tempfile.mkdtemp(prefix="ysj-")
    backend = ibis.duckdb.connect(
        memory_limit=MEMORY, temp_directory=folder, preserve_insertion_order=in_order, threads=THREADS
    )
    weakref.finalize(backend, shutil.rmtree, folder, ignore_errors=True)
    backend.con.execute("set enable_progress_bar = false")
    return backend


def _tables(numbers: Numbers) -> tuple:
    """Show numbers to the engine as tables, for what is counted there."""
    import pyarrow

    backend = _engine(in_order=False)
    events = {
        "child": numbers.child[numbers.episode], "episode": numbers.episode, "place": numbers.place,
        "bit": np.int64(1) << numbers.stage, "date": pyarrow.array(numbers.day).cast(pyarrow.date32()),
        "began": pyarrow.array(numbers.began[numbers.episode]).cast(pyarrow.date32()),
    }  # fmt: skip
    people = {c: pyarrow.array(numbers.people[c]).cast(pyarrow.string()) for c in numbers.people}
    people |= {"child": np.arange(len(numbers.people), dtype="int32")}
    backend.con.register("events", pyarrow.table(events))
    backend.con.register("people", pyarrow.table(people))
    return backend.table("events"), backend.table("people")


# -- children ----------------------------------------------------------------------------------------


def _children(con, path: Path) -> None:
    """Number the children: ``ids`` has the number of each, ``people`` what is known of it."""
    there = [c for c in TABLES["children"] if c.name in header(path)]
    if missing(path, "children") or not _given(con, path, there):
        check(text(path) if path.suffix == ".parquet" else read(path), "children", file=path.name)
        raise DataError(f"{path.name}: cannot be read as a table of children. Save it again as 'CSV UTF-8'.")
    used = ("ethnicity", "ethnicity_source", "area", "sex", "looked_after", "send")
    known = ", ".join(c.name for c in there if c.name in used)
    con.execute(f"create temp table people as select number child, {known} from given")
    con.execute("create temp table ids as select child_id id, number from given")
    con.execute("drop table given")


def _given(con, path: Path, there: Sequence) -> bool:
    """Take the children as text, numbered, and say whether they can be used."""
    cells = cells_of(path, [c.name for c in there])
    rows = f"select {', '.join(f'{value} {c}' for c, value in cells.items())} from {source(path)}"
    con.execute(
        "create or replace temp table given as select (row_number() over ())::integer number, * "
        f"from ({rows}) where not ({all_blank(cells)})"
    )
    bad = con.execute(
        f"select count(*) filter ({' or '.join(broken(c, {}) for c in there)}) + count(*) - count(distinct child_id) "
        "+ (count(*) = 0)::integer from given"
    )
    return not bad.fetchone()[0]


# -- events ------------------------------------------------------------------------------------------


def _events(con, path: Path, stages: Mapping[str, Stage]) -> dict[str, Sequence]:
    """Type and number the events, those of children without a record too, and list their values."""
    if missing(path, "events") or not _raw(con, path, stages):
        explain(path, "events", stages)
        _refuse_several(con, path, stages)
        raise DataError(f"{path.name}: cannot be read as a table of events. Save it again as 'CSV UTF-8'.")
    con.execute(
        "create temp table numbered as select episode_id, (row_number() over ())::integer episode, "
        "number child, own, began from episodes left join ids on id = own"
    )
    con.execute("drop table episodes")
    con.execute(  # children without a record get the numbers after the others
        "update numbered set child = n from (select own lost, (row_number() over ())::integer + "
        "(select count(*) from ids)::integer n from (select distinct own from numbered where child is null)) "
        "where own = lost"
    )
    con.execute("drop table ids")
    values = {"stage": _labels(con, "stage", "any_value(stage)"), "area": _labels(con, "area", "min(rowid)")}
    numbers = {"stage": bits(values["stage"]), "area": range(len(values["area"]))}
    for c, kind in (("stage", "bigint"), ("area", "smallint")):
        con.execute(f"create temp table {c}s ({c} {'stage' if c == 'stage' else 'varchar'}, number {kind})")
        con.executemany(f"insert into {c}s values (?, ?)", list(zip(values[c], numbers[c], strict=True)))
    con.execute(
        "create temp table events as select child, episode, areas.number as place, stages.number as bit, date, began "
        "from raw join numbered using (episode_id) join areas using (area) join stages using (stage)"
    )
    con.execute("drop table raw")
    con.execute("drop table numbered")
    return values | {
        "date": pd.to_datetime(list(con.execute("select min(date), max(date) from events").fetchone()))
    }


def _raw(con, path: Path, stages: Mapping[str, Stage]) -> bool:
    """Take the events typed, and the first day of each episode; say whether they can be used."""
    con.execute(f"create or replace temp table raw as {_typed(path, stages)}")
    bad, rows = con.execute("select count(*) filter (fault), count(*) from raw").fetchone()
    if bad or not rows:
        return False
    con.execute("alter table raw drop column fault")
    con.execute(
        "create or replace temp table episodes as select episode_id, min(child_id) own, max(child_id) other, "
        "min(date) began from raw group by 1"
    )
    return not con.execute("select count(*) from episodes where own <> other").fetchone()[0]


def _labels(con, column: str, order: str) -> list[str]:
    """List each label of a column once: stages as the graph has them, areas in order of appearance."""
    return [v for (v,) in con.execute(f"select {column} from raw group by 1 order by {order}").fetchall()]


def _typed(path: Path, stages: Mapping[str, Stage], *, every: bool = False) -> str:
    """Write the SQL that types the events of a file, and says which rows break a rule; empty ones if ``every``."""
    there = [c for c in TABLES["events"] if c.name in header(path)]
    checked = [c for c in there if c.kind != "text" or (c.required and not c.blank)]
    kinds = parquet_kinds(path)
    whole = {c.name for c in checked if (c.kind, kinds.get(c.name)) in _TYPED}
    cells = cells_of(path, [c.name for c in checked])
    cells |= {c: quoted(c) for c in whole}
    faults = [broken(c, stages) for c in checked if c.kind != "stage" and c.name not in whole]
    faults += ["try_cast(stage as stage) is null"]
    faults += [f"{quoted(c)} is null" if c == "date" else f"coalesce({quoted(c)} < 0, false)" for c in whole]
    rows = f"select {', '.join(f'{value} {quoted(c)}' for c, value in cells.items())} from {source(path)}"
    if not every:
        rows = f"select * from ({rows}) where not ({all_blank(c for c in cells if c not in whole)})"
    return (
        "select child_id, episode_id, try_cast(stage as stage) stage, try_cast(date as date) date, area, "
        f"({' or '.join(faults)}) fault from ({rows})"
    )


def _refuse_several(con, path: Path, stages: Mapping[str, Stage]) -> None:
    """Refuse episodes of several children, as ``canonical.events`` does; the events are taken in order."""
    con.execute("set preserve_insertion_order = true")
    con.execute(f"create or replace temp table raw as {_typed(path, stages, every=True)}")
    own = "select episode_id, arg_min(child_id, rowid) own from raw group by 1"
    several, row, every = con.execute(
        "select count(distinct episode_id) filter (child_id <> own), min(raw.rowid) filter (child_id <> own), "
        f"count(distinct episode_id) from raw join ({own}) using (episode_id)"
    ).fetchone()
    if several:
        raise DataError(
            f"{path.name}: {several:,} of {every:,} episodes belong to more than one child. First: row "
            f"{row + first_row(path):,}, column child_id. Give each child its own episode."
        )
