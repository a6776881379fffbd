"""Who reached each stage, out of whom?

Every stage is counted on two bases. On the **population** (the cumulative contact) an event belongs to
the year of its own date. On the **stage that feeds it** (the decision) children are followed: an
episode belongs to the year of its first event, and a child counts as having reached a stage if any of
its episodes of that year did. So a numerator is always part of its denominator, and the decisions
along a path multiply exactly to the whole of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from .load import DataError, Study
from .vocabulary import COUNTS, POPULATION, UNKNOWN, Stage, broad_groups, chain

PENDING_LIMIT = 0.20
"""A stage is immature in a year in which more than this share of its base is still undecided."""

_ID = {"children": "child_id", "episodes": "episode_id"}


def root(stage: str, stages: Mapping[str, Stage]) -> str:
    """Name the base of the first stage on the path to a stage: the population, or the first stage.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> root("custody", STAGES)
    'population'
    """
    seen = stage
    while stages[seen].base not in (POPULATION, "none"):
        seen = stages[seen].base
    return POPULATION if stages[seen].base == POPULATION else seen


def stage_counts(
    study: Study, *, unit: str | None = None, by: tuple[str, ...] = (), window: int = 1
) -> pd.DataFrame:
    """Count those who reached each stage, and those who could have, for every area, year and group.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    unit : {"children", "episodes"}, optional
        What to count. Children are counted once in a window, however often they return. A study of
        counts has the unit its table states, and no other.
    by : tuple of str
        Further columns to split by: ``sex``, ``looked_after``, ``send`` of the child, or for a study
        of counts ``sex`` or ``age``.
    window : int
        Years pooled, ending with ``year``. Only windows that lie within the study are given.

    Returns
    -------
    DataFrame
        ``area, year, years, unit, stage, base, group, [by...], events, denominator, note``: a row for
        every combination, those without events too. A stage fed by another has two sets of rows: one
        on that stage, one on the population (or on the first stage, where there is no population).
        The denominator of a rate is child-years over the window; NaN where the population of a group
        is not known. ``note`` is ``immature`` where too much is still undecided to show.

    Raises
    ------
    ValueError
        For a unit or a ``by`` column the study does not have, or a window longer than the study.
    DataError
        If a stage holds more than the stage that feeds it.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> counts = stage_counts(load.study("data/synthetic"), window=5)
    >>> sorted(counts["base"].unique())[:3]
    ['arrest', 'charge', 'cohort']
    """
    first, last = study.years
    by = tuple(by)
    if not 1 <= window <= last - first + 1:
        raise ValueError(f"window is {window}; this study has {last - first + 1} years, {first} to {last}.")
    count = _from_counts if study.events is None else _from_events
    table = count(study, unit, by, window)
    return table[[*COUNTS[:7], *by, "events", "denominator", "note"]].reset_index(drop=True)


# -- from events -------------------------------------------------------------------------------------


def prepared(study: Study) -> pd.DataFrame:
    """Join each event to its year, its cohort year and its child's group and characteristics.

    Parameters
    ----------
    study : Study
        A study with events and children.

    Returns
    -------
    DataFrame
        The events inside the study's years and areas, with ``year`` (of the event), ``cohort`` (the
        year of the first event of its episode), ``group`` and the columns of ``children``.
    """
    events = study.events
    shift = 3 if study.period == "financial" else 0
    year = (events["date"].dt.year - (events["date"].dt.month <= shift)).astype(int)
    starts = year.groupby(events["episode_id"].to_numpy()).transform("min")
    people = study.children.set_index("child_id")
    broad = broad_groups(study.base)
    group = people["ethnicity"].astype(str).map(broad)
    joined = events.assign(
        year=year,
        cohort=starts,
        group=pd.Categorical(
            events["child_id"].map(group).fillna(UNKNOWN), categories=list(study.groups), ordered=True
        ),
        **{c: events["child_id"].map(people[c]) for c in ("sex", "looked_after", "send") if c in people},
    )
    first, last = study.years
    return joined[joined["year"].between(first, last) & joined["area"].isin(study.areas)]


def _windows(table: pd.DataFrame, year: str, study: Study, window: int) -> pd.DataFrame:
    """Repeat each row in every window its year falls in; ``end`` is the window's last year."""
    first, last = study.years
    repeated = table.loc[table.index.repeat(window)]
    end = repeated[year].to_numpy() + np.tile(np.arange(window), len(table))
    return repeated.assign(end=end)[(end <= last) & (end >= first + window - 1)]


def _from_events(study: Study, unit: str | None, by: tuple[str, ...], window: int) -> pd.DataFrame:
    unit = unit or study.unit
    if unit not in _ID:
        raise ValueError(f"unit is {unit!r}; events can be counted as {' or '.join(_ID)}.")
    events = prepared(study).reset_index(drop=True)
    unknown = [b for b in by if b not in events.columns]
    if unknown:
        raise ValueError(f"by has {unknown}; this study can be split by sex, looked_after or send.")
    who, keys = _ID[unit], ["area", "end", "stage", "group", *by]
    grid = _grid(study, by, window, [s for s in study.stages if (events["stage"] == s).any()], events)

    dated = _windows(events, "year", study, window).drop_duplicates([*keys, who])
    reached = dated.groupby(keys, observed=True).size().rename("events")
    rates = grid.join(reached, on=keys).fillna({"events": 0.0})
    rates["base"] = [root(s, study.stages) for s in rates["stage"]]
    rates["denominator"] = _population(study, rates, by, window)

    followed = _windows(events, "cohort", study, window).drop_duplicates([*keys, who])
    feeds = followed["stage"].astype(str).map(lambda s: study.stages[s].base)
    through = followed.assign(base=feeds).merge(
        followed[["end", "area", "stage", who]]
        .rename(columns={"stage": "base"})
        .astype({"base": str})
        .drop_duplicates(),
        on=["end", "area", "base", who],
    )
    decided = through.groupby(keys, observed=True).size().rename("events")
    pool = followed.groupby(keys, observed=True).size().rename("denominator")
    shares = grid[[study.stages[s].base in study.stages for s in grid["stage"]]].copy()
    shares["base"] = [study.stages[s].base for s in shares["stage"]]
    shares = shares.join(decided, on=keys)
    base_keys = [*keys[:2], "base", *keys[3:]]
    shares = shares.join(pool.rename_axis(base_keys), on=base_keys).fillna(
        {"events": 0.0, "denominator": 0.0}
    )
    table = pd.concat([rates, shares], ignore_index=True)
    table = table.assign(year=table["end"], years=window, unit=unit, note="").astype({"events": float})
    return _sorted(table, study, by)


def _grid(study: Study, by, window: int, stages: list[str], values: pd.DataFrame) -> pd.DataFrame:
    """Every area, window, stage and group (and ``by`` value), whether or not anything happened there."""
    first, last = study.years
    levels = [list(study.areas), list(range(first + window - 1, last + 1)), stages, list(study.groups)]
    levels += [sorted(values[b].astype(str).unique()) for b in by]
    return pd.MultiIndex.from_product(levels, names=["area", "end", "stage", "group", *by]).to_frame(
        index=False
    )


def _population(study: Study, table: pd.DataFrame, by, window: int) -> np.ndarray:
    """Child-years aged 10 to 17 behind each row; NaN where they are not known."""
    people = study.population
    if people is None or set(by) - set(people.columns):
        return np.full(len(table), np.nan)
    if study.vintage and "vintage" in people:
        people = people[people["vintage"] == study.vintage]
        if people.empty:
            raise DataError(
                f"population.csv: 0 of {len(study.population):,} rows have the vintage {study.vintage!r} that "
                "study.toml asks for. Correct [population] vintage."
            )
    elif "vintage" in people and people["vintage"].nunique() > 1:
        raise DataError(
            f"population.csv: {people['vintage'].nunique()} vintages in one table and study.toml does not "
            "say which to use. Add [population] vintage; two vintages are never added together."
        )
    keys = ["area", "end", "group", *by]
    known = _windows(people.astype({"year": int}).reset_index(drop=True), "year", study, window)
    summed = known.groupby(keys, observed=True).agg(
        population=("population", "sum"), years=("year", "nunique")
    )
    matched = table[keys].join(summed, on=keys)
    return (
        matched["population"]
        .where(matched["years"] == window)
        .where(matched["population"] > 0)
        .to_numpy(float)
    )


# -- from counts -------------------------------------------------------------------------------------


def _from_counts(study: Study, unit: str | None, by: tuple[str, ...], window: int) -> pd.DataFrame:
    counts = study.counts.assign(year=study.counts["year"].astype(int))
    counts = counts[counts["area"].isin(study.areas) & counts["year"].between(*study.years)]
    if unit not in (None, study.unit):
        raise ValueError(f"unit is {unit!r}, but this study counts {study.unit} and nothing else.")
    unknown = [b for b in by if b not in counts.columns]
    if unknown:
        raise ValueError(f"by has {unknown}; the counts table has no such column.")
    keys = ["area", "year", "stage", "group", *by]
    single = counts.groupby(keys, observed=True)["events"].agg(lambda s: s.sum(skipna=False))
    present = [s for s in study.stages if (counts["stage"] == s).any()]
    grid = _grid(study, by, 1, present, counts).rename(columns={"end": "year"})
    events = grid.join(single, on=keys).set_index(keys)["events"]
    given = (
        counts.groupby(keys, observed=True)["denominator"].agg(lambda s: s.sum(skipna=False))
        if "denominator" in counts
        else None
    )
    undecided = _immature(events, study)
    rows = []
    for stage in (s for s in present if study.stages[s].kind != "pending"):
        for base in _bases(stage, present, study):
            table = events.xs(stage, level="stage").rename("events").reset_index()
            table = table.assign(stage=stage, base=base)
            if base == POPULATION:
                table["denominator"] = _population(study, table.assign(end=table["year"]), by, 1)
            elif base in present:
                table["denominator"] = events.xs(base, level="stage").to_numpy()
            if given is not None and base == study.stages[stage].base:
                stated = table.join(given.rename("given"), on=keys)["given"]
                table["denominator"] = stated.fillna(table.get("denominator", np.nan)).to_numpy()
            late = {y for s, y in undecided if s in _ancestry(stage, study)}
            table["immature"] = table["year"].isin(late)
            rows.append(table)
    singles = pd.concat(rows, ignore_index=True)
    _nested(singles)
    return _sorted(_pooled(singles, study, by, window), study, by)


def _ancestry(stage: str, study: Study) -> set[str]:
    """The stage and all that lead to it."""
    return set(chain(stage, study.stages))


def _bases(stage: str, present: list[str], study: Study) -> list[str]:
    """The bases a stage is counted on: the stage that feeds it, then the population or first stage."""
    own, first = study.stages[stage].base, root(stage, study.stages)
    usable = [b for b in dict.fromkeys((own, first)) if b == POPULATION or b in present]
    if own not in usable and own != "none" and "denominator" in study.counts:
        usable.insert(0, own)
    return [b for b in usable if b != stage]


def _immature(events: pd.Series, study: Study) -> set[tuple[str, int]]:
    """The stages and years that wait for cases still undecided.

    A ``pending`` stage that holds more than ``PENDING_LIMIT`` of its base makes the shares of that base's
    partition immature, and with them every stage they lead to: what is decided first is not a fair
    sample of what will be.
    """
    totals = events.groupby(["stage", "year"], observed=True).sum()
    late = {
        (study.stages[stage].base, int(year))
        for (stage, year), pending in totals.items()
        if study.stages[stage].kind == "pending"
        and pending > PENDING_LIMIT * totals.get((study.stages[stage].base, year), np.inf)
    }
    return {
        (s.id, y)
        for s in study.stages.values()
        for base, y in late
        if s.base == base and s.kind == "partition"
    }


def _nested(table: pd.DataFrame) -> None:
    above = (table["base"] != POPULATION) & (table["events"] > table["denominator"])
    if above.any():
        row = table[above].iloc[0]
        raise DataError(
            f"counts.csv: {above.sum():,} of {len(table):,} cells hold more than the stage that feeds them. "
            f"First: {row['area']}, {row['year']}, {row['group']}: {row['stage']} has {row['events']:.0f} "
            f"and {row['base']} has {row['denominator']:.0f}. Correct the counts, or the base of the stage."
        )


def _pooled(singles: pd.DataFrame, study: Study, by, window: int) -> pd.DataFrame:
    """Add single years up over each window; a window with an immature or hidden year is not added up."""
    keys = ["area", "end", "stage", "base", "group", *by]
    spread = _windows(singles, "year", study, window)
    pooled = spread.groupby(keys, observed=True, sort=False).agg(
        events=("events", lambda s: s.sum(skipna=False)),
        denominator=("denominator", lambda s: s.sum(skipna=False)),
        immature=("immature", "any"),
    )
    table = pooled.reset_index().rename(columns={"end": "year"})
    return table.assign(years=window, unit=study.unit, note=np.where(table["immature"], "immature", ""))


# -- both --------------------------------------------------------------------------------------------


def _sorted(table: pd.DataFrame, study: Study, by) -> pd.DataFrame:
    """Order by area, year, stage as in the graph, base with the decision first, and group."""
    stages = list(study.stages)
    return table.assign(
        area=pd.Categorical(table["area"], list(study.areas), ordered=True),
        stage=pd.Categorical(table["stage"], stages, ordered=True),
        base=pd.Categorical(table["base"], [*stages, POPULATION], ordered=True),
        group=pd.Categorical(table["group"], list(study.groups), ordered=True),
    ).sort_values(["area", "year", "stage", "base", "group", *by], kind="stable")


def conditional(counts: pd.DataFrame, stages: Mapping[str, Stage]) -> pd.DataFrame:
    """Keep the rows in which a stage is a share of the stage that feeds it, or a first contact."""
    own = counts["stage"].astype(str).map({s: stage.base for s, stage in stages.items()})
    return counts[counts["base"].astype(str) == own].reset_index(drop=True)


def cumulative(counts: pd.DataFrame, stages: Mapping[str, Stage]) -> pd.DataFrame:
    """Keep the rows in which a stage is counted against the population, or the first stage."""
    first = counts["stage"].astype(str).map({s: root(s, stages) for s in stages})
    return counts[counts["base"].astype(str) == first].reset_index(drop=True)


def latest(counts: pd.DataFrame, year: int) -> pd.DataFrame:
    """Keep, for each stage and base, the last window that ends by ``year`` and is not immature.

    A stage with no such window keeps its last window, noted ``immature``.
    """
    usable = counts[counts["year"] <= year]
    rank = usable["year"].where(usable["note"] != "immature", usable["year"] - 10_000)
    best = rank.groupby([usable["area"], usable["stage"], usable["base"]], observed=True).transform("max")
    return usable[rank == best].reset_index(drop=True)


def for_report(
    study: Study, *, area: str, year: int, years: int = 5, unit: str | None = None, by: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Count for one report: one area, and for each stage the latest whole window that ends by ``year``.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    area : str
        One of the study's areas.
    year : int
        The last year of the report.
    years : int
        Years pooled; fewer if the study has fewer up to ``year``.
    unit, by
        As for :func:`stage_counts`.

    Returns
    -------
    DataFrame
        As :func:`stage_counts`.

    Raises
    ------
    DataError
        If the study does not have the area or the year.
    """
    if area not in study.areas:
        raise DataError(
            f"{area!r} is not one of the {len(study.areas)} areas of this study: {', '.join(study.areas)}."
        )
    first, last = study.years
    if not first <= year <= last:
        raise DataError(f"{year} is not one of the years of this study, {first} to {last}.")
    window = min(years, year - first + 1)
    counts = stage_counts(replace(study, areas=(area,), years=(first, year)), unit=unit, by=by, window=window)
    return latest(counts, year)


def undecided(study: Study, *, area: str, year: int) -> pd.DataFrame:
    """Give the single years up to ``year`` in which too much is undecided to show a stage."""
    counts = stage_counts(replace(study, areas=(area,), years=(study.years[0], year)))
    return counts[counts["note"] == "immature"].reset_index(drop=True)


def caseload(study: Study) -> str:
    """Name the stage that stands for a service's caseload: its interventions, or the last stage it has.

    Islington's Youth Justice Plan sets interventions against the population.
    """
    table = study.counts if study.events is None else study.events
    present = [
        s for s in study.stages if (table["stage"] == s).any() and study.stages[s].polarity == "adverse"
    ]
    return "intervention" if "intervention" in present else present[-1]


def ledger(study: Study) -> pd.DataFrame:
    """List what was removed, kept apart or assumed on the way to the counts, a line for each.

    Parameters
    ----------
    study : Study
        From ``load.study``.

    Returns
    -------
    DataFrame
        ``step, what, why, removed, left, note``: the lines of the conversion first, then those of
        counting. ``note`` is ``no_number`` on a line that says something without counting it.
    """
    names = ["step", "what", "why", "removed", "left"]
    if study.events is not None:
        own = _event_lines(study)
    else:
        hidden = int(study.counts["events"].isna().sum())
        own = [("count", "cells of counts.csv", "hidden in the source", hidden, len(study.counts) - hidden)]
    lines = pd.concat(
        [study.ledger.reindex(columns=names), pd.DataFrame(own, columns=names)], ignore_index=True
    )
    lines = lines.assign(**{c: pd.to_numeric(lines[c], errors="coerce").astype(float) for c in names[3:]})
    return lines.assign(note=np.where(lines["removed"].isna() & lines["left"].isna(), "no_number", ""))


def _event_lines(study: Study) -> list[tuple]:
    events, kept = study.events, prepared(study)
    inside = events["area"].isin(study.areas)
    no_record = ~kept["child_id"].isin(study.children["child_id"])
    unknown = (kept["group"] == UNKNOWN) & ~no_record
    return [
        (
            "count",
            "events outside the study's areas",
            "not this study's",
            int((~inside).sum()),
            int(inside.sum()),
        ),
        (
            "count",
            "events outside the study's years",
            "not this period's",
            int(inside.sum()) - len(kept),
            len(kept),
        ),
        ("count", "events of a child with no record", f"kept, as {UNKNOWN}", 0, int(no_record.sum())),
        ("count", "events of a child of unknown ethnicity", f"kept, as {UNKNOWN}", 0, int(unknown.sum())),
    ]
