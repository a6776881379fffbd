"""Who reached each stage, when there are too many events to hold? They stay in an engine, as numbers.

Tables of events stay where they live: in DuckDB for files (``large_files``), in SQLite, PostgreSQL or a
cluster through Ibis. There each event is written as whole numbers once, and ``large_counts`` counts them.
``docs/large.md`` says how the engine was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .large_numbers import Numbers
from .reading import DataError
from .vocabulary import SEX, STAGES, Stage, broad_groups

NOT_SAID = "unknown"
"""The value of a child's characteristic that nobody recorded."""

FLAG = ("no", "yes", NOT_SAID)
SPLITS: Mapping[str, tuple[str, ...]] = {"sex": SEX, "looked_after": FLAG, "send": FLAG}
_MOST_STAGES = 62
"""The stages a child reached are the bits of one whole number."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Events and children that are counted without being held as tables; only counts come out.

    Attributes
    ----------
    tables : callable
        Gives ``events`` and ``children``, once they are asked for.
    values : mapping of str to sequence
        ``stage``, in the order of the graph, and ``area``: each label once; ``date``: first and last day.
    numbers : Numbers, optional
        The same as arrays, where the events came from files that could be used as they are.
    """

    tables: Callable[[], tuple[Any, Any]]
    values: Mapping[str, Sequence]
    numbers: Numbers | None = None

    @cached_property
    def _tables(self) -> tuple[Any, Any]:
        return self.tables()

    @property
    def events(self) -> Any:
        """An Ibis table, a row an event.

        ``child, episode`` (numbers), ``place`` (where its area is in ``values``), ``bit`` (of its stage, as
        :func:`bits` has it), ``date`` and ``began``, the first day of its episode.
        """
        return self._tables[0]

    @property
    def children(self) -> Any:
        """An Ibis table, a row a child with a record.

        ``child, ethnicity, ethnicity_source`` and any of ``area, sex, looked_after, send``.
        """
        return self._tables[1]

    def __getitem__(self, column: str) -> pd.Series:
        """Give each value of a column once; of ``date`` the first and the last."""
        return pd.Series(self.values[column])

    def __contains__(self, column: str) -> bool:
        return column in self.values

    @property
    def splits(self) -> list[str]:
        """The characteristics of children that are there."""
        there = self.children.columns if self.numbers is None else self.numbers.people.columns
        return [c for c in SPLITS if c in there]

    def kinds(self) -> pd.DataFrame:
        """Count children as ``ethnicity_source.kinds`` does."""
        if self.numbers is not None:
            pairs, at = self.numbers.said()
            children = np.bincount(at, minlength=len(pairs))
            return pairs.assign(children=children)[children > 0].reset_index(drop=True)
        pairs = self.children.group_by(["ethnicity", "ethnicity_source"])
        return fetched(pairs.agg(children=self.children.count()))


def stored(events, children, *, stages: Mapping[str, Stage] = STAGES) -> Stored:
    """Take canonical events and children where they are: in a database, or on a cluster.

    Parameters
    ----------
    events, children : ibis Table
        Two tables of one Ibis connection, with the columns of ``vocabulary.TABLES``; ``date`` is a date.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    Stored
        To stand for the ``events`` and ``children`` of a ``load.Study``.

    Raises
    ------
    DataError
        If a value is missing, a stage or an ethnic group is not known, a child has two records, an
        episode belongs to several children, or there are more stages than a whole number has bits.
    """
    _refuse(events, children, stages)

    def labels(column: str) -> list[str]:
        return fetched(events.select(column).distinct())[column].astype(str).sort_values().to_list()

    there = labels("stage")
    days = fetched(events.agg(first=events["date"].min(), last=events["date"].max())).iloc[0]
    values = {
        "stage": [s for s in stages if s in there],
        "area": labels("area"),
        "date": pd.to_datetime([days["first"], days["last"]]),
    }
    tables = _numbered(events, children, values)
    return Stored(lambda: tables, values)


def _refuse(events, children, stages: Mapping[str, Stage]) -> None:
    """Refuse tables that break a rule, with how many of how many rows of each."""
    import ibis

    faults = {
        "no child, episode, area or date": events.filter(
            ibis.or_(*(events[c].isnull() for c in ("child_id", "episode_id", "date", "area")))  # noqa: PD003
        ),
        "a stage that is not in the stage graph": events.filter(
            events["stage"].isnull() | events["stage"].notin(list(stages))  # noqa: PD003
        ),
        "an episode of several children": events.group_by("episode_id")
        .agg(n=events["child_id"].nunique())
        .filter(ibis._.n > 1),
        "an ethnic group that is not in the vocabulary": children.filter(
            children["ethnicity"].isnull() | children["ethnicity"].notin(list(broad_groups("2021")))  # noqa: PD003
        ),
        "a child with several records": children.group_by("child_id")
        .agg(n=children.count())
        .filter(ibis._.n > 1),
    }
    counts = {what: rows.count().to_pyarrow().as_py() for what, rows in faults.items()}
    if bad := {what: n for what, n in counts.items() if n}:
        listed = "; ".join(f"{n:,} of {what}" for what, n in bad.items())
        raise DataError(f"The tables cannot be used: {listed}. Correct them where they are.")


def bits(stages: Sequence[str]) -> list[int]:
    """Give each stage that has events a bit, the first the lowest.

    Parameters
    ----------
    stages : sequence of str
        In the order of the graph.

    Returns
    -------
    list of int
        A power of two each.

    Raises
    ------
    DataError
        If there are more stages than a whole number has bits.

    Examples
    --------
    >>> bits(["arrest", "charge", "caution"])
    [1, 2, 4]
    """
    if len(stages) > _MOST_STAGES:
        raise DataError(
            f"events: {len(stages)} stages have events, and at most {_MOST_STAGES} can be counted at this size. "
            f"First too many: {stages[_MOST_STAGES]!r}. Leave out the stages that the reports do not use."
        )
    return [1 << i for i in range(len(stages))]


def _numbered(events, children, values: Mapping[str, Sequence]):
    """Write events and children as whole numbers, kept in the engine."""
    import ibis

    known = [c for c in ("ethnicity", "ethnicity_source", "area", *SPLITS) if c in children.columns]
    people = children.select("child_id", *known).mutate(child=ibis.row_number().cast("int32")).cache()
    began = events.group_by("episode_id").agg(child_id=events["child_id"].min(), began=events["date"].min())
    began = began.mutate(episode=ibis.row_number().cast("int32")).cache()
    lost = began.anti_join(people, "child_id").select("child_id").distinct()
    held = people.count().to_pyarrow().as_py()  # children without a record get the numbers after the others
    lost = lost.mutate(child=(ibis.row_number() + held).cast("int32"))
    numbers = people.select("child_id", "child").union(lost)
    episodes = began.inner_join(numbers, "child_id").select("episode_id", "episode", "child", "began")
    stages = labelled({"stage": values["stage"], "bit": bits(values["stage"])})
    places = labelled({"area": values["area"], "place": list(range(len(values["area"])))})
    numbered = (
        events.inner_join(episodes, "episode_id").inner_join(stages, "stage").inner_join(places, "area")
    )
    numbered = numbered.select(
        "child", "episode", "date", "began", "bit", place=places["place"].cast("int16")
    )
    return numbered.cache(), people.select("child", *known)


def labelled(columns: Mapping[str, Sequence]):
    """Give a small table to the engine: columns of labels and their numbers."""
    import ibis
    import pyarrow

    return ibis.memtable(pyarrow.table({name: list(values) for name, values in columns.items()}))


def fetched(table) -> pd.DataFrame:
    """Get a table from the engine, by Arrow."""
    return table.to_pyarrow().to_pandas()
