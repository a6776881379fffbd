"""Who reached each stage, when there are too many events to hold? The counting step, on an engine.

The step is written once, as expressions of Ibis, and runs wherever a table of events lives: in DuckDB for
files (``large_files``), in SQLite, PostgreSQL or a cluster through the same layer. What leaves the engine
is counts: how many children have the same characteristics, area and years, and reached the same stages.
No id does, but for ``rows``, which numbers them. ``docs/large.md`` says how the engine was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .ethnicity_source import others
from .reading import DataError
from .vocabulary import FIRST_MONTH, SEX, SOURCES_OF_ETHNICITY, STAGES, UNKNOWN, Stage, broad_groups

IDS = {"children": "child", "episodes": "episode"}
NOT_SAID = "unknown"
"""The value of a child's characteristic that nobody recorded."""

FLAG = ("no", "yes", NOT_SAID)
SPLITS: Mapping[str, tuple[str, ...]] = {"sex": SEX, "looked_after": FLAG, "send": FLAG}
MOST_STAGES = 62
"""The stages a child reached are the bits of one whole number."""

NO_RECORD, RECORD = 0, 1
"""Of a child nothing is recorded; or what is recorded is counted, or not known to anyone."""

NOT_KNOWN, ELSEWHERE = -1, -2
"""Where a child lives, when it is in none of the areas that have events."""

_GROUPS = tuple(dict.fromkeys(broad_groups("2021").values()))


@dataclass(frozen=True)
class Stored:
    """Events and children that stay in their engine; only counts come out.

    Attributes
    ----------
    events : ibis Table
        ``child_id, episode_id, stage, date, area``: canonical, and checked.
    children : ibis Table
        ``child_id, ethnicity, ethnicity_source`` and any of ``sex, looked_after, send``.
    values : mapping of str to sequence
        ``stage`` and ``area``: each label once, in order of appearance; ``date``: first and last day.
    """

    events: object
    children: object
    values: Mapping[str, Sequence]

    def __getitem__(self, column: str) -> pd.Series:
        """Give each value of a column once; of ``date`` the first and the last."""
        return pd.Series(self.values[column])

    def __contains__(self, column: str) -> bool:
        return column in self.values

    @property
    def splits(self) -> list[str]:
        """The characteristics of children that are there."""
        return [c for c in SPLITS if c in self.children.columns]

    def packed(self, study):
        """Give all events as whole numbers, made once for a period and base and kept in the engine."""
        made = self.__dict__.setdefault("_made", {})
        key = (study.period, study.base, study.ethnicity_source)
        if key not in made:
            areas, stages = list(self["area"]), self.present(study.stages)
            whole = packed(
                self.events,
                self.children,
                period=study.period,
                base=study.base,
                source=study.ethnicity_source,
                areas=areas,
                stages=stages,
            )
            made[key] = whole.cache()
        return made[key]

    def kinds(self) -> pd.DataFrame:
        """Count children as ``ethnicity_source.kinds`` does."""
        pairs = self.children.group_by(["ethnicity", "ethnicity_source"])
        return _fetched(pairs.agg(children=self.children.count()))

    def present(self, stages: Mapping[str, Stage]) -> list[str]:
        """List the stages that have events, as the graph orders them."""
        there = set(self["stage"])
        return [s for s in stages if s in there]


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
        If a value is missing, a stage or an ethnic group is not known, a child has two records, or an
        episode belongs to several children.
    """
    import ibis

    def least(column: str) -> list:
        first = _fetched(events.group_by(column).agg(n=ibis._.count()).order_by(column))
        return [v if isinstance(v, str) else "" for v in first[column]]

    days = _fetched(events.agg(first=events["date"].min(), last=events["date"].max())).iloc[0]
    values = {c: least(c) for c in ("stage", "area")} | {
        "date": pd.to_datetime([days["first"], days["last"]])
    }
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
    return Stored(events, children, values)


# -- the step ----------------------------------------------------------------------------------------


def packed(
    events, children, *, period: str, base: str, source: str, areas: Sequence[str], stages: Sequence[str]
):
    """Write events as whole numbers, with the year of each, its cohort year and who the child is.

    Parameters
    ----------
    events, children : ibis Table
        As ``Stored`` has them.
    period : str
        The kind of year.
    base : str
        The census base of the broad groups.
    source : str
        Whose word a group is, one of ``vocabulary.SOURCES_OF_ETHNICITY``.
    areas, stages : sequence of str
        The labels, in the order to number them.

    Returns
    -------
    ibis Table
        ``child, episode`` (numbers), ``who`` (see :func:`described`), ``record`` (`NO_RECORD`, `RECORD`, or above it
        the place of the other source that alone knows the group), ``home`` (number of the area the child
        lives in, `ELSEWHERE` or `NOT_KNOWN`),
        ``place`` (number of the area), ``bit`` (of the stage), ``date, year, cohort``.

    Raises
    ------
    DataError
        If there are more stages than a whole number has bits.
    """
    import ibis

    if len(stages) > MOST_STAGES:
        raise DataError(
            f"{len(stages)} stages have events; at most {MOST_STAGES} can be counted at this size."
        )
    people = children.select(
        "child_id",
        who=_who(children, base, source),
        record=_record(children, source),
        home=_home(children, areas),
    )
    day = events["date"]
    year = (day.year() - (day.month() < FIRST_MONTH[period]).cast("int16")).cast("int16")
    dated = events.mutate(year=year)
    began = dated.group_by("episode_id").agg(child_id=dated["child_id"].min(), cohort=dated["year"].min())
    began = began.cache()
    nobody = _number([_GROUPS.index(UNKNOWN), *(len(values) - 1 for values in SPLITS.values())])
    lost = began.anti_join(people, "child_id").select("child_id").distinct()
    lost = lost.mutate(
        who=ibis.literal(nobody).cast("int16"),
        record=ibis.literal(NO_RECORD).cast("int8"),
        home=ibis.literal(NOT_KNOWN).cast("int16"),
    )
    everyone = people.union(lost)
    everyone = everyone.mutate(child=ibis.row_number().cast("int32")).cache()
    episodes = began.inner_join(everyone, "child_id").select(
        "episode_id", "cohort", "who", "record", "home", "child"
    )
    episodes = episodes.mutate(episode=ibis.row_number().cast("int32"))
    bits = _labels({"stage": list(stages), "bit": [1 << i for i in range(len(stages))]})
    places = _labels({"area": list(areas), "place": list(range(len(areas)))})
    return (
        dated.inner_join(episodes, "episode_id")
        .inner_join(bits, "stage")
        .inner_join(places, "area")
        .select(
            "child", "episode", "who", "record", "home", "bit", "date", "year", "cohort",
            place=places["place"].cast("int16"),
        )
    )  # fmt: skip


def _home(children, areas: Sequence[str]):
    """Number the area each child lives in."""
    import ibis

    if "area" not in children.columns:
        return ibis.literal(NOT_KNOWN).cast("int16")
    places = [("", NOT_KNOWN), *((area, i) for i, area in enumerate(areas))]
    return children["area"].cast("string").fill_null("").cases(*places, else_=ELSEWHERE).cast("int16")


def _record(children, source: str):
    """Number who said what is known of a child, where it is not the source that is counted."""
    import ibis

    said = children["ethnicity_source"].cast("string")
    known = [code for code, group in broad_groups("2021").items() if group != UNKNOWN]
    places = [(s, RECORD + 1 + SOURCES_OF_ETHNICITY.index(s)) for s in others(source)]
    other = ibis.ifelse(
        children["ethnicity"].cast("string").isin(known), said.cases(*places, else_=RECORD), RECORD
    )
    return other.cast("int8")


def _who(children, base: str, source: str):
    """Number every combination of what is known of a child, so that one number stands for it."""
    import ibis

    groups = {code: _GROUPS.index(group) for code, group in broad_groups(base).items()}
    nobody = _GROUPS.index(UNKNOWN)
    group = children["ethnicity"].cast("string").cases(*groups.items(), else_=nobody)
    parts = [ibis.ifelse(children["ethnicity_source"].cast("string") == source, group, nobody)]
    for column, values in SPLITS.items():
        last = len(values) - 1
        if column not in children.columns:
            parts.append(ibis.literal(last))
            continue
        parts.append(
            children[column].cast("string").cases(*((v, i) for i, v in enumerate(values)), else_=last)
        )
    return _number(parts).cast("int16")


def _labels(columns: Mapping[str, Sequence]):
    """Give a small table to the engine."""
    import ibis
    import pyarrow

    return ibis.memtable(pyarrow.table(dict(columns)))


def _fetched(table) -> pd.DataFrame:
    """Get a table from the engine, by Arrow."""
    return table.to_pyarrow().to_pandas()


def _number(parts: Sequence):
    """Pack the group and the splits, given by their places, into one number."""
    number = parts[0]
    for values, part in zip(SPLITS.values(), parts[1:], strict=True):
        number = number * len(values) + part
    return number


def described(who: np.ndarray) -> pd.DataFrame:
    """Say what the numbers of children stand for.

    Parameters
    ----------
    who : array of int
        From the column ``who``.

    Returns
    -------
    DataFrame
        ``group, sex, looked_after, send``.

    Examples
    --------
    >>> described(np.array([27]))
       group     sex looked_after send
    0  Black  female           no   no
    """
    out, left = {}, np.asarray(who, dtype=int)
    for column, values in reversed(SPLITS.items()):
        left, at = np.divmod(left, len(values))
        out[column] = pd.Categorical.from_codes(at, list(values))
    out["group"] = pd.Categorical.from_codes(left, list(_GROUPS))
    return pd.DataFrame(out)[["group", *SPLITS]]


def patterns(study, unit: str, year: str, ends: Sequence[int], window: int) -> pd.DataFrame:
    """Count those who reached the same stages in an area and window.

    Parameters
    ----------
    study : Study
        Whose ``events`` are ``Stored``.
    unit : {"children", "episodes"}
        What is counted once.
    year : {"year", "cohort"}
        Which year an event belongs to.
    ends : sequence of int
        The last years of the windows.
    window : int
        Years in a window.

    Returns
    -------
    DataFrame
        ``area, end, group, sex, looked_after, send, reached, people``: ``reached`` has a bit for each
        stage, the first stage that has events lowest.
    """
    rows = _inside(study)
    spread = [(int(e) - k, int(e)) for e in ends for k in range(window)]
    windows = _labels({year: [y for y, _ in spread], "end": [e for _, e in spread]})
    rows = rows.inner_join(windows, year)
    each = rows.group_by([IDS[unit], "who", "place", "end"]).agg(reached=rows["bit"].bit_or())
    found = _fetched(each.group_by(["who", "place", "end", "reached"]).agg(people=each.count()))
    area = pd.Categorical.from_codes(found["place"].to_numpy(), list(study.events["area"]))
    counts = found[["end", "reached", "people"]].astype(int)
    return pd.concat([pd.DataFrame({"area": area}), counts, described(found["who"].to_numpy())], axis=1)


def _places(study) -> list[int]:
    """The numbers of the study's areas."""
    there = list(study.events["area"])
    return [there.index(a) for a in study.areas]


def _inside(study):
    """The packed events in the study's areas of which the year or the cohort is one of the study's."""
    rows = study.events.packed(study)
    years = rows["year"].between(*study.years) | rows["cohort"].between(*study.years)
    return rows.filter(years & rows["place"].isin(_places(study)))


def rows(study) -> pd.DataFrame:
    """Fetch the events of a study's areas and years one by one: enough for a few areas, not for all.

    Parameters
    ----------
    study : Study
        Whose ``events`` are ``Stored``.

    Returns
    -------
    DataFrame
        ``child_id, episode_id`` (numbers), ``stage, date, area, year, cohort, group`` and what is known of the
        child.
    """
    found = _fetched(_inside(study).order_by(["episode", "date", "bit"]))
    stage = np.array(study.events.present(study.stages), dtype=object)[_place_of(found["bit"])]
    who = described(found["who"].to_numpy())[["group", *study.events.splits]]
    table = pd.DataFrame(
        {
            "child_id": found["child"].astype(str),
            "episode_id": found["episode"].astype(str),
            "stage": pd.Categorical(stage, list(study.stages), ordered=True),
            "date": pd.to_datetime(found["date"]),
            "area": np.array(study.events["area"], dtype=object)[found["place"].to_numpy()],
            "year": found["year"].astype(int),
            "cohort": found["cohort"].astype(int),
        }
    )
    return pd.concat([table, who], axis=1)


def split(study, by: Sequence[str]) -> dict[str, list[str]]:
    """List the values of characteristics of the children who are counted.

    Parameters
    ----------
    study : Study
        Whose ``events`` are ``Stored``.
    by : sequence of str
        The characteristics.

    Returns
    -------
    dict of str to list of str
        Each value once, in order.
    """
    if not by:
        return {}
    who = _fetched(_inside(study).select("who").distinct())["who"]
    return {b: sorted(described(who.to_numpy())[b].unique()) for b in by}


def delays(study) -> pd.DataFrame:
    """Count the events of each stage, cohort year and day, in all areas.

    Parameters
    ----------
    study : Study
        Whose ``events`` are ``Stored``.

    Returns
    -------
    DataFrame
        ``stage, cohort, date, events``.
    """
    rows = study.events.packed(study)
    found = _fetched(rows.group_by(["bit", "cohort", "date"]).agg(events=rows.count()))
    stage = np.array(study.events.present(study.stages))[_place_of(found["bit"])]
    kind = pd.CategoricalDtype(list(study.stages), ordered=True)
    return found.assign(
        stage=pd.Categorical(stage, dtype=kind), date=pd.to_datetime(found["date"]),
        cohort=found["cohort"].astype(int),
    )[["stage", "cohort", "date", "events"]]  # fmt: skip


def _place_of(bit: pd.Series) -> np.ndarray:
    return np.log2(bit.to_numpy(float)).round().astype(int)


def tally(study) -> dict[str, int]:
    """Count what the ledger says of the events.

    Parameters
    ----------
    study : Study
        Whose ``events`` are ``Stored``.

    Returns
    -------
    dict of str to int
        ``all, inside`` (the areas), ``kept`` (the years too), ``later`` (than the years), ``skipped``
        (of a child not seen at the stage before), ``no_record, unknown_group, away, placed`` (lives elsewhere;
        of them looked after) and, for each source of ethnicity that is not counted, the events of children
        whom it alone knows.
    """
    everything = study.events.packed(study)
    rows = _inside(study)
    kinds = described(np.arange(len(_GROUPS) * 27))
    nobody, looked_after = (
        [int(i) for i in np.flatnonzero(kinds[c] == value)]
        for c, value in (("group", UNKNOWN), ("looked_after", "yes"))
    )
    away = (rows["home"] != NOT_KNOWN) & (rows["home"] != rows["place"])
    placed = rows["who"].isin(looked_after)
    counted = _fetched(
        rows.agg(
            kept=rows.count(),
            later=(rows["year"] > study.years[1]).sum(),
            no_record=(rows["record"] == NO_RECORD).sum(),
            unknown_group=((rows["record"] == RECORD) & rows["who"].isin(nobody)).sum(),
            away=(away & ~placed).sum(),
            placed=(away & placed).sum(),
            **{
                s: (rows["record"] == RECORD + 1 + SOURCES_OF_ETHNICITY.index(s)).sum()
                for s in others(study.ethnicity_source)
            },
        )
    )
    here = everything.filter(everything["place"].isin(_places(study))).count()
    found = counted.fillna(0).iloc[0].astype(int).to_dict()
    whole = {"all": everything.count(), "inside": here}
    return {c: n.to_pyarrow().as_py() for c, n in whole.items()} | found | {"skipped": _skipped(rows, study)}


def _skipped(rows, study) -> int:
    """Count the events of a child not seen, in its cohort year and area, at the stage before."""
    keys = ["child", "cohort", "place"]
    stages = study.events.present(study.stages)
    seen = rows.group_by(keys).agg(reached=rows["bit"].bit_or())
    each = rows.group_by([*keys, "bit"]).agg(events=rows.count())
    both = each.inner_join(seen, keys)
    found = _fetched(both.group_by(["bit", "reached"]).agg(events=both["events"].sum()))
    there = int(np.bitwise_or.reduce(found["bit"].to_numpy(int), initial=0))
    feed = {s: 1 << stages.index(b) if (b := study.stages[s].base) in stages else 0 for s in stages}
    before = np.array([feed[s] for s in stages])[_place_of(found["bit"])] & there
    missed = (before > 0) & (found["reached"].to_numpy(int) & before == 0)
    return int(found["events"].to_numpy()[missed].sum())
