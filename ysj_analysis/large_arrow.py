"""Can a large file be used as it is? Read once in pieces by Arrow, checked, and kept as numbers.

The file is taken at its word. Each distinct label of a piece is checked once, by the rules of ``tables``; of
rows that follow one another with the same ids, the ids are looked at once. Whatever is amiss, a blank at the
edge of a cell as much as a broken rule, gives no numbers at all: ``large_files`` then looks again, cell by cell.
"""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .large_ids import Unfit, digests, numbered
from .large_numbers import MOST_SCORE, Numbers
from .large_sql import header, missing
from .tables import faults_of
from .vocabulary import TABLES, Column, Stage

_PIECE = 1 << 20
"""Bytes of a CSV that are read at a time. A line that is longer is left to the second look."""

_ROWS = 1 << 17
"""Rows of a Parquet file that are read at a time."""

_IDS = ("child_id", "episode_id")
_KNOWN = ("ethnicity", "ethnicity_source", "area", "sex", "looked_after", "send", "birth_month")


def read(
    events: Path, children: Path, *, stages: Mapping[str, Stage]
) -> tuple[Numbers, dict[str, Sequence]] | None:
    """Read files of events and children as numbers, if every cell of them can be used as it is.

    Parameters
    ----------
    events, children : Path
        CSV or Parquet files.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    Numbers and the values of ``large.Stored``, or None
        Nothing where anything is amiss: a rule broken, a blank at the edge of a cell, a row of another length
        than the header, a column of a type that is not plain text, days or whole numbers.

    Raises
    ------
    DataError
        If there is no header, or no Parquet file at all.
    UnicodeDecodeError
        If a CSV is not UTF-8.
    """
    import pyarrow

    try:
        ids, people = _children(children)
        return _numbered(ids, people, *_events(events, stages), stages)
    except (Unfit, pyarrow.ArrowException):
        return None


# -- pieces of files ---------------------------------------------------------------------------------


class _Utf8:
    """A file of bytes that is UTF-8 in every column, also those that nobody reads."""

    def __init__(self, path: Path):
        self.file = path.open("rb")
        self.look = codecs.getincrementaldecoder("utf-8")()
        self.ascii = True

    def read(self, size: int = -1) -> bytes:
        found = self.file.read(size)
        if not (self.ascii and found.isascii()):
            self.ascii = False
            self.look.decode(found, final=not found)
        return found

    def close(self) -> None:
        self.file.close()

    @property
    def closed(self) -> bool:
        return self.file.closed

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False


def _pieces(path: Path, name: str) -> Iterator:
    """Give the checked columns of a file, some rows at a time: ids as text, labels as dictionaries."""
    import pyarrow

    if missing(path, name):
        raise Unfit
    there = [c for c in TABLES[name] if c.name in header(path)]
    checked = [c for c in there if name == "children" or c.kind != "text" or (c.required and not c.blank)]
    if path.suffix == ".parquet":
        yield from _of_parquet(path, [c.name for c in checked])
        return
    from pyarrow import csv

    label = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    kinds = {c.name: pyarrow.string() if c.name in _IDS else label for c in checked}
    kinds |= {"date": pyarrow.date32()} if name == "events" else {}
    names = [c or f"nameless {i}" for i, c in enumerate(header(path))]
    with contextlib.closing(_Utf8(path)) as file:
        yield from csv.open_csv(
            file,
            csv.ReadOptions(use_threads=False, block_size=_PIECE, column_names=names, skip_rows=1),
            csv.ParseOptions(newlines_in_values=True),
            csv.ConvertOptions(
                column_types=kinds, include_columns=list(kinds), null_values=[], strings_can_be_null=False
            ),
        )


def _of_parquet(path: Path, columns: Sequence[str]) -> Iterator:
    from pyarrow import parquet

    labels = [c for c in columns if c not in _IDS]
    with parquet.ParquetFile(path, read_dictionary=labels, memory_map=True) as file:
        yield from file.iter_batches(_ROWS, columns=list(columns), use_threads=False)


# -- columns of a piece ------------------------------------------------------------------------------


class _Labels:
    """The labels of a column, each once and checked once, in order of appearance."""

    def __init__(self, rule: Column, stages: Mapping[str, Stage]):
        self.rule, self.stages = rule, stages
        self.known: dict[str, int] = {}

    def places(self, column) -> np.ndarray:
        """Give the place of each cell of a piece among the labels."""
        import pyarrow

        if not _is_text(column):
            raise Unfit
        if column.null_count:
            column = column.cast(pyarrow.string()).fill_null("")
        if not pyarrow.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        at, labels = column.indices.to_numpy(), column.dictionary.to_pylist()
        if not self.known.keys() >= set(labels):
            self._learn([labels[i] for i in _in_order(at, len(labels))])
        return np.array([self.known.get(label, -1) for label in labels], dtype="int32")[at]

    def _learn(self, labels: Sequence[str]) -> None:
        new = [label for label in labels if label not in self.known]
        values = pd.Series(new, dtype=str)
        if any(v != v.strip() for v in new) or faults_of(values, self.rule, (), self.stages)[0].any():
            raise Unfit
        self.known |= {label: len(self.known) + i for i, label in enumerate(new)}


def _is_text(column) -> bool:
    from pyarrow import types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    return types.is_string(kind) or types.is_large_string(kind)


def _in_order(at: np.ndarray, n: int) -> np.ndarray:
    """Give the numbers under ``n`` that are in an array, in order of appearance."""
    first = np.full(n, len(at))
    first[at[::-1]] = np.arange(len(at))[::-1]
    return np.argsort(first, kind="stable")[: np.count_nonzero(first < len(at))]


def _days(column, labels: _Labels) -> np.ndarray:
    """Give days as days since 1 January 1970."""
    import pyarrow
    from pyarrow import types

    if types.is_timestamp(column.type) and column.type.tz is None:
        days = column.cast(pyarrow.date32(), safe=False)
        if not days.cast(column.type).equals(column):
            raise Unfit
        column = days
    if column.null_count:
        raise Unfit
    if types.is_date32(column.type):
        return column.cast(pyarrow.int32()).to_numpy()
    at = labels.places(column)
    days = pd.to_datetime(pd.Series(list(labels.known)), format="%Y-%m-%d")
    return days.to_numpy("datetime64[D]").astype("int32")[at]


def _scores(column, labels: _Labels) -> np.ndarray:
    """Give whole numbers, `MOST_SCORE` for larger ones and -1 for none; below 0 they are refused."""
    import pyarrow
    from pyarrow import compute, types

    if types.is_integer(column.type):
        column = column.cast(pyarrow.int64())
        if (compute.min(column).as_py() or 0) < 0:
            raise Unfit
        return np.minimum(column.fill_null(-1).to_numpy(), MOST_SCORE).astype("int8")
    at = labels.places(column)
    numbers = pd.to_numeric(pd.Series(list(labels.known), dtype=str).str.replace(",", "")).fillna(-1)
    return np.minimum(numbers.to_numpy(float), MOST_SCORE).astype("int8")[at]


def _text(column):
    """Give ids as plain text without gaps."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(column.type) or types.is_large_string(column.type):
        column = column.cast(pyarrow.string())
    if column.null_count or not types.is_string(column.type):
        raise Unfit
    return column


# -- tables ------------------------------------------------------------------------------------------


def _children(path: Path) -> tuple[list, pd.DataFrame]:
    """Give the ids of children, in pieces, and what is known of each as categories."""
    labels = {c.name: _Labels(c, {}) for c in TABLES["children"]}
    ids: list = []
    places: dict[str, list[np.ndarray]] = {c: [] for c in _KNOWN}
    for piece in _pieces(path, "children"):
        ids.append(digests(_text(piece["child_id"])))
        for c in piece.schema.names:
            if c != "child_id":
                at = labels[c].places(piece[c])
                places.get(c, []).append(at)
    if not ids:
        raise Unfit
    held = {c: np.concatenate(parts) for c, parts in places.items() if parts}
    return ids, pd.DataFrame(
        {c: pd.Categorical.from_codes(at, list(labels[c].known)) for c, at in held.items()}
    )


def _events(path: Path, stages: Mapping[str, Stage]) -> tuple[dict, dict, dict]:
    """Give the columns of events, their labels, and the ids of each run of rows that have the same ones."""
    labels = {c.name: _Labels(c, stages) for c in TABLES["events"]}
    rows: dict[str, list] = {"stage": [], "area": [], "date": [], "gravity": []}
    runs: dict[str, list] = {"child_id": [], "episode_id": [], "rows": []}
    for piece in _pieces(path, "events"):
        ids = {c: _text(piece[c]) for c in _IDS}
        starts = _starts(list(ids.values()))
        for c in _IDS:
            runs[c].append(digests(ids[c].take(starts)))
        runs["rows"].append(np.diff(np.append(starts.to_numpy(), len(piece))).astype("int32"))
        rows["stage"].append(labels["stage"].places(piece["stage"]).astype("int8"))
        rows["area"].append(labels["area"].places(piece["area"]))
        rows["date"].append(_days(piece["date"], labels["date"]))
        if "gravity" in piece.schema.names:
            rows["gravity"].append(_scores(piece["gravity"], labels["gravity"]))
    if not rows["date"]:
        raise Unfit
    table = {c: np.concatenate(parts) for c, parts in rows.items() if parts}
    return table, {c: list(labels[c].known) for c in ("stage", "area")}, runs


def _starts(columns: Sequence):
    """Say where in a piece a run of rows with the same ids starts."""
    import pyarrow
    from pyarrow import compute

    one, other = (compute.not_equal(c.slice(1), c.slice(0, len(c) - 1)) for c in columns)
    later = compute.indices_nonzero(compute.or_(one, other)).to_numpy().astype("int64") + 1
    return pyarrow.array(np.append(np.zeros(min(len(columns[0]), 1), "int64"), later))


def _numbers(pieces: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Number ids by their digests, in order of appearance."""
    found = numbered(*(np.concatenate(part) for part in zip(*pieces, strict=True)))
    if found is None:
        raise Unfit
    return found


def _numbered(
    ids: list, people: pd.DataFrame, table: dict, labels: dict, runs: dict, stages: Mapping[str, Stage]
) -> tuple[Numbers, dict[str, Sequence]]:
    """Number children and episodes; refuse a child with two records and an episode of two children."""
    child = _numbers([*ids, *runs.pop("child_id")])
    if (child[: len(people)] != np.arange(len(people))).any():
        raise Unfit
    child = child[len(people) :]
    run = _numbers(runs.pop("episode_id"))
    whose = np.empty(int(run.max()) + 1, "int32")
    whose[run] = child
    if (whose[run] != child).any():
        raise Unfit
    episode, day = np.repeat(run, np.concatenate(runs["rows"])), table["date"]
    began = np.full(len(whose), np.iinfo("int32").max, "int32")
    np.minimum.at(began, episode, day)
    there = [s for s in stages if s in labels["stage"]]
    stage = np.array([there.index(s) for s in labels["stage"]], dtype="int8")[table["stage"]]
    ends = [np.datetime64(int(d), "D") for d in (day.min(), day.max())]
    values = {"stage": there, "area": labels["area"], "date": pd.to_datetime(ends)}
    return Numbers(episode, table["area"], stage, day, whose, began, people, table.get("gravity")), values
