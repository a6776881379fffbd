"""How many children reached each stage, counted from their events?

On the **population** an event belongs to the year of its own date. On the **stage that feeds it**
children are followed: an episode belongs to the year of its first event, whenever its later events
came, and a child has reached a stage if any of its episodes of that year did. So a numerator is always
part of its denominator.

The latest episodes have not been followed for long, and a stage that takes a year to reach looks rare
in them. How much of a stage is still to come is judged from the delays seen in earlier years.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .calendar_periods import year_of
from .load import Study
from .vocabulary import FIRST_MONTH, UNKNOWN, broad_groups, chain
from .windows import PENDING_LIMIT, child_years, grid, levels, root

IDS = {"children": "child_id", "episodes": "episode_id"}
SPLITS = ("sex", "looked_after", "send")
NOT_SAID = "unknown"
"""The value of a child's characteristic that nobody recorded."""


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
        and what is known of the child, ``unknown`` where nothing is.
    """
    events = study.events
    year = year_of(events["date"], study.period)
    people = study.children.set_index("child_id")
    group = people["ethnicity"].astype(str).map(broad_groups(study.base))
    said = {c: people[c].astype(str).replace("", NOT_SAID) for c in SPLITS if c in people}
    joined = events.assign(
        year=year,
        cohort=year.groupby(events["episode_id"].to_numpy()).transform("min"),
        group=events["child_id"].map(group).fillna(UNKNOWN),
        **{c: events["child_id"].map(values).fillna(NOT_SAID) for c, values in said.items()},
    )
    within = joined["year"].between(*study.years) | joined["cohort"].between(*study.years)
    return joined[within & joined["area"].isin(study.areas)].reset_index(drop=True)


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
    events = prepared(study)
    unknown = [b for b in by if b not in SPLITS or b not in events]
    if unknown:
        raise ValueError(
            f"by has {', '.join(map(repr, unknown))}; this study can be split by "
            f"{', '.join(s for s in SPLITS if s in events)}."
        )
    present = [s for s in study.stages if (study.events["stage"] == s).any()]
    split = {b: sorted(events[b].unique()) for b in by}
    cells = levels(study, present, split, window)
    shape = tuple(map(len, cells.values()))
    who, first = _numbered(events[IDS[unit]])
    # Where in the grid each child (or episode) is counted, but for area, window and stage.
    places = np.ravel_multi_index(
        [pd.Index(cells[c]).get_indexer(events[c].iloc[first]) for c in ("group", *by)], shape[3:]
    )

    def count(reached: np.ndarray) -> np.ndarray:
        key, cell = np.divmod(reached, np.prod(shape[:3]))
        flat = cell * np.prod(shape[3:]) + places[key]
        return np.bincount(flat, minlength=np.prod(shape)).reshape(shape).astype(float)

    dated, followed = (_reached(events, who, year, cells, window) for year in ("year", "cohort"))
    feeds = pd.Index(present).get_indexer([study.stages[s].base for s in present])
    stage = followed % len(present)
    before = followed - stage + feeds[stage]
    through = followed[(feeds[stage] >= 0) & _among(before, followed)]

    rates = grid(cells).assign(events=count(dated).ravel(), note="")
    rates["base"] = rates["stage"].map({s: root(s, study.stages) for s in present})
    rates["denominator"] = child_years(study, rates, by, window)
    fed = feeds >= 0
    shares = grid(cells | {"stage": [s for s, f in zip(present, fed, strict=True) if f]})
    shares = shares.assign(
        base=shares["stage"].map({s: study.stages[s].base for s in present}),
        events=count(through)[:, :, fed].ravel(),
        denominator=count(followed)[:, :, feeds[fed]].ravel(),
        note=_waiting(shares, study, window),
    )
    return pd.concat([rates, shares], ignore_index=True).assign(unit=unit)


def _numbered(ids: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Number children (or episodes), and say in which row each first occurs."""
    number, _ = pd.factorize(ids)
    return number, pd.Series(number).drop_duplicates().index.to_numpy()


def _reached(events: pd.DataFrame, who: np.ndarray, year: str, cells: dict, window: int) -> np.ndarray:
    """Number everyone who reached a stage in an area and window, each once, in order.

    The numbers count stages fastest, then windows, then areas, then children.
    """
    area, stage = (pd.Index(cells[c]).get_indexer(events[c]) for c in ("area", "stage"))
    end = events[year].to_numpy() - cells["end"][0]
    once = pd.DataFrame({"who": who, "area": area, "end": end, "stage": stage}).drop_duplicates()
    sizes = [len(cells[c]) for c in ("area", "end", "stage")]
    numbers = []
    for later in range(window):
        rows = once[(once["end"] + later >= 0) & (once["end"] + later < sizes[1])]
        at = (rows["who"].to_numpy() * sizes[0] + rows["area"].to_numpy()) * sizes[1]
        numbers.append((at + rows["end"].to_numpy() + later) * sizes[2] + rows["stage"].to_numpy())
    return _distinct(np.concatenate(numbers))


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
    events = study.events
    year = year_of(events["date"], study.period)
    cohort = year.groupby(events["episode_id"].to_numpy()).transform("min")
    years = np.arange(study.years[0], cohort.max() + 1)
    closed = pd.to_datetime({"year": years + 1, "month": FIRST_MONTH[study.period], "day": 1})
    followed = (events["date"].max() - closed).dt.days.to_numpy()
    inside = cohort.to_numpy() >= years[0]
    which = cohort.to_numpy()[inside] - years[0]
    delay = (events["date"][inside] - closed.to_numpy()[which]).dt.days.to_numpy()
    stage = events["stage"][inside]
    shares = {
        s: _product_limit(delay[rows], followed[which[rows]], followed)
        for s in stage.cat.categories
        if (rows := (stage == s).to_numpy()).any()
    }
    table = pd.DataFrame.from_dict(shares, orient="index", columns=years)
    return table.loc[:, : study.years[1]]


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
    events, kept = study.events, prepared(study)
    inside = int(events["area"].isin(study.areas).sum())
    no_record = ~kept["child_id"].isin(study.children["child_id"])
    unknown = (kept["group"] == UNKNOWN) & ~no_record
    later = int((kept["year"] > study.years[1]).sum())
    skipped = int(_skipped(kept, study).sum())
    total = len(kept)
    found = [
        ("events outside the study's areas", "not this study's", len(events) - inside, inside),
        ("events outside the study's years", "not this period's", inside - total, total),
        ("events after the study's years", "kept, to follow episodes of those years", 0, later),
        (
            "events of a child not seen at the stage before in that year and area",
            "not counted as a decision, only as a contact",
            skipped,
            total - skipped,
        ),
        ("events of a child with no record", f"kept, as {UNKNOWN}", 0, int(no_record.sum())),
        ("events of a child of unknown ethnicity", f"kept, as {UNKNOWN}", 0, int(unknown.sum())),
    ]
    if study.counts is not None:
        found.append(("rows of counts.csv", "not used: events are counted", len(study.counts), 0))
    return [("count", *line) for line in found]


def _skipped(kept: pd.DataFrame, study: Study) -> np.ndarray:
    """Say which events are of a child not seen, in their cohort year and area, at the stage before."""
    stages = list(study.stages)
    present = kept["stage"].astype(str).unique()
    feeds = np.array([stages.index(s.base) if s.base in present else -1 for s in study.stages.values()])
    stage = pd.Index(stages).get_indexer(kept["stage"])
    seen = kept.groupby(["child_id", "cohort", "area"], sort=False).ngroup().to_numpy() * len(stages)
    return (feeds[stage] >= 0) & ~_among(seen + feeds[stage], _distinct(seen + stage))
