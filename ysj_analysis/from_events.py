"""How many children reached each stage, counted from their events?

On the **population** an event belongs to the year of its own date. On the **stage that feeds it**
children are followed: an episode belongs to the year of its first event, whenever its later events
came, and a child has reached a stage if any of its episodes of that year did. So a numerator is always
part of its denominator.

The latest episodes have not been followed for long, and a stage that takes a year to reach looks rare
in them. How much of a stage is still to come is judged from the delays seen in earlier years.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from . import ethnicity_source, large, large_counts
from .calendar_periods import year_of
from .large import NOT_SAID
from .load import Study
from .once import of_tables, once
from .reading import NotHeld
from .vocabulary import FIRST_MONTH, SOURCE_LABELS, UNKNOWN, chain
from .windows import PENDING_LIMIT, child_years, grid, levels, refuse_split, root

IDS = {"children": "child_id", "episodes": "episode_id"}
SPLITS = tuple(large.SPLITS)


@once
def prepared(study: Study) -> pd.DataFrame:
    """Join each event to its year, its cohort year and its child's group and characteristics.

    Parameters
    ----------
    study : Study
        A study with events and children.

    Returns
    -------
    DataFrame
        The events in the study's areas of which the year or the cohort is one of the study's, with
        ``year`` (of the event), ``cohort`` (the year of the first event of its episode), ``group``
        (as the study's one source of ethnicity has it) and what is known of the child, ``unknown`` where
        nothing is. Of stored events (``large``) these
        columns are all there is, and ids are numbers.
    """
    if isinstance(study.events, large.Stored):
        return large_counts.rows(study)
    joined, rows = _joined(study.events, study.children, study.period, study.base, study.ethnicity_source)
    there = [rows[area] for area in study.areas if area in rows]
    here = joined.iloc[np.sort(np.concatenate(there)) if there else []]
    within = here["year"].between(*study.years) | here["cohort"].between(*study.years)
    return here[within].reset_index(drop=True)


@of_tables
def _joined(
    events: pd.DataFrame, children: pd.DataFrame, period: str, base: str, source: str
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Join every event to its years and its child, and say where the events of each area are."""
    year = year_of(events["date"], period)
    people = children.set_index("child_id")
    group = ethnicity_source.groups(people, base=base, source=source)
    said = {c: people[c].astype(str).replace("", NOT_SAID) for c in SPLITS if c in people}
    joined = events.assign(
        year=year,
        cohort=year.groupby(events["episode_id"].to_numpy()).transform("min"),
        group=events["child_id"].map(group).fillna(UNKNOWN),
        **{c: events["child_id"].map(values).fillna(NOT_SAID) for c, values in said.items()},
    )
    codes, areas = pd.factorize(joined["area"])
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(areas)))[:-1]
    return joined, dict(zip(map(str, areas), np.split(order, ends), strict=True))


def counted(study: Study, unit: str | None, by: Sequence[str], window: int) -> pd.DataFrame:
    """Count each cell of a study of events.

    Parameters
    ----------
    study : Study
        A study with events and children.
    unit : {"children", "episodes"}, optional
        What is counted once in a window.
    by : sequence of str
        Characteristics of the child.
    window : int
        Years in a window.

    Returns
    -------
    DataFrame
        ``area, end, stage, group, [by...], base, events, denominator, note, unit``.
    """
    unit = unit or study.unit
    if unit not in IDS:
        raise ValueError(f"unit is {unit!r}; events can be counted as {' or '.join(IDS)}.")
    stored = isinstance(study.events, large.Stored)
    events = study.events if stored else prepared(study)
    there = study.events.splits if stored else [s for s in SPLITS if s in events]
    refuse_split(by, there)
    present = [s for s in study.stages if (study.events["stage"] == s).any()]
    split = large_counts.split(study, by) if stored else {b: sorted(events[b].unique()) for b in by}
    _refuse_unsaid(split)
    cells = levels(study, present, split, window)

    def pattern(year: str) -> pd.DataFrame:
        if stored:
            return large_counts.patterns(study, unit, year, cells["end"], window)
        return _patterns(events, IDS[unit], year, cells, window)

    dated, followed = pattern("year"), pattern("cohort")
    bit = {s: 1 << i for i, s in enumerate(present)}
    feeds = {s: study.stages[s].base for s in present if study.stages[s].base in bit}

    rates = grid(cells).assign(events=_reached(dated, bit.values(), cells).ravel(), note="")
    rates["base"] = rates["stage"].map({s: root(s, study.stages) for s in present})
    rates["denominator"] = child_years(study, rates, by, window)
    fed = cells | {"stage": list(feeds)}
    shares = grid(fed)
    shares = shares.assign(
        base=shares["stage"].map(feeds),
        events=_reached(followed, [bit[s] | bit[b] for s, b in feeds.items()], fed).ravel(),
        denominator=_reached(followed, [bit[b] for b in feeds.values()], fed).ravel(),
        note=_waiting(shares, study, window),
    )
    return pd.concat([rates, shares], ignore_index=True).assign(unit=unit)


def _refuse_unsaid(split: Mapping[str, Sequence]) -> None:
    """Refuse to split by a characteristic that is known of no child."""
    for column, values in split.items():
        if set(values) <= {NOT_SAID}:
            name = column.replace("_", " ")
            raise NotHeld(
                f"This study does not hold the {name} of any child who is counted, so nothing can be split by it. "
                f"The column {column} of children.csv would show it."
            )


def _patterns(
    events: pd.DataFrame, unit: str, year: str, cells: Mapping[str, Sequence], window: int
) -> pd.DataFrame:
    """Count those who reached the same stages in an area and window: ``large_counts.patterns`` in memory."""
    at = {c: pd.Index(cells[c]).get_indexer(events[c]) for c in cells if c != "end"}
    who, _ = pd.factorize(events[unit])
    first = pd.Series(who).drop_duplicates().index.to_numpy()
    end = events[year].to_numpy() - cells["end"][0]
    sizes = (len(cells["area"]), len(cells["end"]), len(cells["stage"]))
    numbers = []
    for later in range(window):
        rows = (end + later >= 0) & (end + later < sizes[1])
        place = (who[rows] * sizes[0] + at["area"][rows]) * sizes[1] + end[rows] + later
        numbers.append(place * sizes[2] + at["stage"][rows])
    place, stage = np.divmod(_distinct(np.concatenate(numbers)), sizes[2])
    starts = np.flatnonzero(np.append(True, place[1:] != place[:-1])[: len(place)])
    # A study with many stages of its own has more bits than a number; its numbers have no limit.
    bits = np.array([1 << i for i in range(sizes[2])], dtype=np.int64 if sizes[2] < 63 else object)
    reached = np.bitwise_or.reduceat(bits[stage], starts) if len(starts) else bits[:0]
    rest, window_at = np.divmod(place[starts], sizes[1])
    person, area = np.divmod(rest, sizes[0])
    found = {"area": np.array(cells["area"], dtype=object)[area], "end": np.array(cells["end"])[window_at]}
    found |= {c: events[c].to_numpy()[first][person] for c in cells if c not in ("area", "end", "stage")}
    return pd.DataFrame(found | {"reached": reached, "people": 1})


def _reached(patterns: pd.DataFrame, needed: Iterable[int], cells: Mapping[str, Sequence]) -> np.ndarray:
    """Count for every cell those who reached all the stages that are needed for it."""
    others = [c for c in cells if c != "stage"]
    shape = tuple(len(cells[c]) for c in others)
    flat = np.ravel_multi_index([_at(patterns[c], cells[c]) for c in others], shape)
    reached, people = patterns["reached"].to_numpy(), patterns["people"].to_numpy(float)
    counts = [
        np.bincount(flat[rows], weights=people[rows], minlength=np.prod(shape)).reshape(shape)
        for bits in needed
        if (rows := (reached & bits) == bits) is not None
    ]
    return np.stack(counts, axis=2) if counts else np.zeros((*shape[:2], 0, *shape[2:]))


def _at(values: pd.Series, level: Sequence) -> np.ndarray:
    """Give the place of each value in a level; of categories each label is looked up once."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return pd.Index(level).get_indexer(values.cat.categories)[values.cat.codes]
    return pd.Index(level).get_indexer(values)


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """Give each number once, in order. Sorting is several times faster here than numpy's hashing."""
    numbers = np.sort(numbers)
    return numbers[np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]]


def _among(numbers: np.ndarray, distinct: np.ndarray) -> np.ndarray:
    """Say which numbers are among some that are in order."""
    at = np.searchsorted(distinct, numbers)
    return distinct[np.minimum(at, len(distinct) - 1)] == numbers


# -- what is still to come ---------------------------------------------------------------------------


def arrived(study: Study) -> pd.DataFrame:
    """Estimate, for each stage and cohort year, the share of its events that has come already.

    Every event is late by so many days after the end of its cohort's year, and a cohort is followed up to
    the last date in the events. Long delays can only be seen in early cohorts, so the shares are the
    product-limit estimate for delays that are truncated on the right. Events of all areas are used.

    Parameters
    ----------
    study : Study
        A study with events.

    Returns
    -------
    DataFrame
        A row a stage, a column a cohort year of the study. 1 where no earlier cohort was followed for
        longer, and nothing can be known.

    References
    ----------
    Lagakos, Barraj and De Gruttola (1988), Biometrika 75:515-523.
    """
    if isinstance(study.events, large.Stored):
        return _arrived(large_counts.delays(study), study.period, study.years)
    return _arrived(_delays(study.events, study.period), study.period, study.years)


@of_tables
def _arrived(events: pd.DataFrame, period: str, within: tuple[int, int]) -> pd.DataFrame:
    years = np.arange(within[0], events["cohort"].max() + 1)
    closed = pd.to_datetime({"year": years + 1, "month": FIRST_MONTH[period], "day": 1})
    followed = (events["date"].max() - closed).dt.days.to_numpy()
    inside = events[events["cohort"] >= years[0]]
    which = (inside["cohort"] - years[0]).to_numpy()
    delay = (inside["date"] - closed.to_numpy()[which]).dt.days.to_numpy()
    each, stage = inside["events"].to_numpy(), inside["stage"].cat.codes.to_numpy()
    shares = {
        s: _product_limit(
            np.repeat(delay[rows], each[rows]), np.repeat(followed[which[rows]], each[rows]), followed
        )
        for code, s in enumerate(inside["stage"].cat.categories)
        if (rows := stage == code).any()
    }
    table = pd.DataFrame.from_dict(shares, orient="index", columns=years)
    return table.loc[:, : within[1]]


@of_tables
def _delays(events: pd.DataFrame, period: str) -> pd.DataFrame:
    """Give the stage, cohort year and day of every event: ``large_counts.delays`` in memory."""
    year = year_of(events["date"], period)
    cohort = year.groupby(events["episode_id"].to_numpy()).transform("min")
    return pd.DataFrame({"stage": events["stage"], "cohort": cohort, "date": events["date"], "events": 1})


def _product_limit(delay: np.ndarray, followed: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Give the share of delays up to each of some times, each delay seen only if followed that long."""
    times, deaths = np.unique(delay, return_counts=True)
    seen = np.searchsorted(np.sort(delay), times, "right")
    gone = np.searchsorted(np.sort(followed), times, "left")
    kept = np.append(np.cumprod((1 - deaths / (seen - gone))[::-1])[::-1], 1.0)
    return kept[np.searchsorted(times, at, "right")]


def _waiting(cells: pd.DataFrame, study: Study, window: int) -> np.ndarray:
    """Note as immature the cells with a year in which too much of a stage is still to come."""
    late = (arrived(study) < 1 - PENDING_LIMIT).astype(float)
    late = late.reindex(columns=range(study.years[0], study.years[1] + 1), fill_value=0.0)
    any_year = late.T.rolling(window).max().eq(1)
    on_path = {s: [p for p in chain(s, study.stages) if p in any_year] for s in cells["stage"].unique()}
    ways = pd.DataFrame({s: any_year[path].any(axis=1) for s, path in on_path.items()}, any_year.index)
    found = ways.to_numpy()[ways.index.get_indexer(cells["end"]), ways.columns.get_indexer(cells["stage"])]
    return np.where(found, "immature", "")


# -- the ledger --------------------------------------------------------------------------------------


def lines(study: Study) -> list[tuple]:
    """List what counting from events leaves out, keeps apart or assumes.

    Parameters
    ----------
    study : Study
        A study with events and children.

    Returns
    -------
    list of tuple
        ``step, what, why, removed, left``, in events.
    """
    n = large_counts.tally(study) if isinstance(study.events, large.Stored) else _tally(study)
    found = [
        ("events outside the study's areas", "not this study's", n["all"] - n["inside"], n["inside"]),
        ("events outside the study's years", "not this period's", n["inside"] - n["kept"], n["kept"]),
        ("events after the study's years", "kept, to follow episodes of those years", 0, n["later"]),
        (
            "events of a child not seen at the stage before in that year and area",
            "not counted as a decision, only as a contact",
            n["skipped"],
            n["kept"] - n["skipped"],
        ),
        ("events of a child with no record", f"kept, as {UNKNOWN}", 0, n["no_record"]),
        ("events of a child of unknown ethnicity", f"kept, as {UNKNOWN}", 0, n["unknown_group"]),
    ]
    found += [
        (
            "events of a child who lives outside the area of the service and is not looked after",
            "kept: the service decided them; the population it is divided by is of those who live there",
            0,
            n["away"],
        ),
        (
            "events of a looked-after child who lives outside the area of the service",
            "kept: the service stays responsible for a child placed elsewhere",
            0,
            n["placed"],
        ),
    ]
    own = SOURCE_LABELS[study.ethnicity_source]
    found += [
        (f"events of a child with {SOURCE_LABELS[s]} alone", f"kept, as {UNKNOWN}: {own} is counted", 0, n[s])
        for s in ethnicity_source.others(study.ethnicity_source)
    ]
    if study.counts is not None:
        found.append(("rows of counts.csv", "not used: events are counted", len(study.counts), 0))
    return [("count", *line) for line in found]


@once
def _tally(study: Study) -> dict[str, int]:
    """Count what the ledger says of the events: ``large_counts.tally`` in memory."""
    kept = prepared(study)
    no_record = ~kept["child_id"].isin(study.children["child_id"])
    said = ethnicity_source.said_by_others(study.children, source=study.ethnicity_source)
    other = kept["child_id"].map(said.set_axis(study.children["child_id"])).fillna("")
    people = study.children.set_index("child_id").reindex(columns=["area", "looked_after"])
    home, looked_after = (kept["child_id"].map(people[c]).astype(object).fillna("") for c in people)
    away = home.ne("") & home.ne(kept["area"].astype(object))
    held: pd.DataFrame = study.events
    return {
        "all": len(held),
        "inside": int(held["area"].isin(study.areas).sum()),
        "kept": len(kept),
        "later": int((kept["year"] > study.years[1]).sum()),
        "skipped": int(_skipped(kept, study).sum()),
        "no_record": int(no_record.sum()),
        "unknown_group": int(((kept["group"] == UNKNOWN) & ~no_record & other.eq("")).sum()),
        "away": int((away & looked_after.ne("yes")).sum()),
        "placed": int((away & looked_after.eq("yes")).sum()),
        **{s: int(other.eq(s).sum()) for s in ethnicity_source.others(study.ethnicity_source)},
    }


def _skipped(kept: pd.DataFrame, study: Study) -> np.ndarray:
    """Say which events are of a child not seen, in their cohort year and area, at the stage before."""
    stages = list(study.stages)
    present = kept["stage"].astype(str).unique()
    feeds = np.array([stages.index(s.base) if s.base in present else -1 for s in study.stages.values()])
    stage = pd.Index(stages).get_indexer(kept["stage"])
    seen = kept.groupby(["child_id", "cohort", "area"], sort=False).ngroup().to_numpy() * len(stages)
    return (feeds[stage] >= 0) & ~_among(seen + feeds[stage], _distinct(seen + stage))
