"""How many reached each stage, counted where the events are? The counting step, on an engine.

The step is written once, as expressions of Ibis on the numbers of ``large.Stored``. What leaves the engine is
counts: how many children have the same characteristics, area and years, and reached the same stages. No id
does, but for ``rows``, which numbers them. Where the events are arrays, the counts of stages are made of them by
sorting (``large_arrays``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import large_arrays
from .ethnicity_source import others
from .large import SPLITS, fetched, labelled
from .large_arrays import GROUPS, described, nobody, packed
from .vocabulary import FIRST_MONTH, SOURCES_OF_ETHNICITY, UNKNOWN, broad_groups

IDS = {"children": "child", "episodes": "episode"}

NO_RECORD, RECORD = 0, 1
"""Of a child nothing is recorded; or what is recorded is counted, or not known to anyone."""

NOT_KNOWN, ELSEWHERE = -1, -2
"""Where a child lives, when it is in none of the areas that have events."""


# -- events and children as numbers ------------------------------------------------------------------


def _dated(study):
    """Give the events with the year of each and of its cohort, the year in which its episode began."""
    events, first = study.events.events, FIRST_MONTH[study.period]

    def year(day):
        return (day.year() - (day.month() < first).cast("int16")).cast("int16")

    return events.mutate(year=year(events["date"]), cohort=year(events["began"]))


def inside(study):
    """Give the events in the study's areas of which the year or the cohort is one of the study's.

    Parameters
    ----------
    study : Study
        Whose ``events`` are ``Stored``.

    Returns
    -------
    ibis Table
        The columns of ``Stored.events``, with ``year`` and ``cohort``.
    """
    rows = _dated(study)
    rows = rows.filter(rows["year"].between(*study.years) | rows["cohort"].between(*study.years))
    return _here(rows, study)


def _here(rows, study):
    """Keep the rows in the study's areas."""
    there = list(study.events["area"])
    places = [there.index(a) for a in study.areas if a in there]
    return rows if len(places) == len(there) else rows.filter(rows["place"].isin(places))


def _people(study):
    """Give ``who`` each child is, its ``record`` and ``home``: made once for a base and source of ethnicity."""
    made = study.events.__dict__.setdefault("_made", {})
    key = (study.base, study.ethnicity_source)
    if key not in made:
        children = study.events.children
        made[key] = children.select(
            "child",
            who=_who(children, *key),
            record=_record(children, study.ethnicity_source),
            home=_home(children, list(study.events["area"])),
        ).cache()
    return made[key]


def _joined(rows, study):
    """Join rows to what is known of their child; a child without a record is of an unknown group."""
    both = rows.left_join(_people(study), "child").drop("child_right")
    return both.mutate(
        who=both["who"].fill_null(nobody()),
        record=both["record"].fill_null(NO_RECORD),
        home=both["home"].fill_null(NOT_KNOWN),
    )


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

    groups = {code: GROUPS.index(group) for code, group in broad_groups(base).items()}
    nobody = GROUPS.index(UNKNOWN)
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
    return packed(parts).cast("int16")


# -- the step ----------------------------------------------------------------------------------------


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
        The last years of the windows, one after another.
    window : int
        Years in a window.

    Returns
    -------
    DataFrame
        ``area, end, group, sex, looked_after, send, reached, people``: ``reached`` has a bit for each
        stage, the first stage that has events lowest.
    """
    first, width = int(ends[0]), len(ends)
    made = _patterns_of_tables if study.events.numbers is None else large_arrays.patterns
    found = made(study, unit, year, first, width, window)
    place, at = np.divmod(found["cell"].to_numpy(int), width)
    counts = found[["reached", "people"]].astype(int).assign(end=at + first)
    area = pd.Categorical.from_codes(place, list(study.events["area"]))
    return pd.concat([pd.DataFrame({"area": area}), counts, described(found["who"].to_numpy())], axis=1)


def _patterns_of_tables(study, unit: str, year: str, first: int, width: int, window: int) -> pd.DataFrame:
    """Give ``who, cell, reached, people``. Area and window are one number: fewer columns are quicker to group."""
    rows = _here(_dated(study), study)
    if window == 1:
        rows = rows.filter(rows[year].between(first, first + width - 1)).mutate(at=rows[year] - first)
    else:
        spread = [(first + i - k, i) for i in range(width) for k in range(window)]
        rows = rows.inner_join(labelled({year: [y for y, _ in spread], "at": [i for _, i in spread]}), year)
    rows = rows.mutate(cell=(rows["place"].cast("int32") * width + rows["at"]).cast("int32"))
    each = rows.group_by([IDS[unit], "cell"]).agg(
        reached=rows["bit"].bit_or(), **({} if unit == "children" else {"child": rows["child"].min()})
    )
    each = _joined(each, study)
    return fetched(each.group_by(["who", "cell", "reached"]).agg(people=each.count()))


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
    found = fetched(_joined(inside(study), study).order_by(["episode", "date", "bit"]))
    stage = np.array(study.events["stage"], dtype=object)[_place_of(found["bit"])]
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
    if study.events.numbers is not None:
        who = large_arrays.kinds(study)
    else:
        joined = _joined(inside(study).select("child").distinct(), study)
        who = fetched(joined.select("who").distinct())["who"].to_numpy()
    return {b: sorted(described(who)[b].unique()) for b in by}


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
    if study.events.numbers is not None:
        found = large_arrays.delays(study)
    else:
        rows = _dated(study)
        found = fetched(rows.group_by(["bit", "cohort", "date"]).agg(events=rows.count()))
        found["stage"] = _place_of(found["bit"])
    stage = np.array(study.events["stage"])[found["stage"]]
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
    everything = study.events.events
    counted_here = inside(study)
    rows = _joined(counted_here, study)
    kinds = described(np.arange(len(GROUPS) * 27))
    nobody, looked_after = (
        [int(i) for i in np.flatnonzero(kinds[c] == value)]
        for c, value in (("group", UNKNOWN), ("looked_after", "yes"))
    )
    away = (rows["home"] != NOT_KNOWN) & (rows["home"] != rows["place"])
    placed = rows["who"].isin(looked_after)
    counted = fetched(
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
    here = _here(everything, study).count()
    found = counted.fillna(0).iloc[0].astype(int).to_dict()
    whole = {"all": everything.count(), "inside": here}
    return (
        {c: n.to_pyarrow().as_py() for c, n in whole.items()}
        | found
        | {"skipped": _skipped(counted_here, study)}
    )


def _skipped(rows, study) -> int:
    """Count the events of a child not seen, in its cohort year and area, at the stage before."""
    keys = ["child", "cohort", "place"]
    stages = list(study.events["stage"])
    seen = rows.group_by(keys).agg(reached=rows["bit"].bit_or())
    each = rows.group_by([*keys, "bit"]).agg(events=rows.count())
    both = each.inner_join(seen, keys)
    found = fetched(both.group_by(["bit", "reached"]).agg(events=both["events"].sum()))
    there = int(np.bitwise_or.reduce(found["bit"].to_numpy(int), initial=0))
    feed = {s: 1 << stages.index(b) if (b := study.stages[s].base) in stages else 0 for s in stages}
    before = np.array([feed[s] for s in stages])[_place_of(found["bit"])] & there
    missed = (before > 0) & (found["reached"].to_numpy(int) & before == 0)
    return int(found["events"].to_numpy()[missed].sum())
