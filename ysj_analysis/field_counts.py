"""How are the children of a field measure counted? From rows that say who was where, to a table of counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from . import pipeline
from .from_events import arrived, prepared
from .large import Stored
from .load import Study
from .once import once
from .reading import NotHeld
from .vocabulary import COUNTS, POPULATION
from .windows import PENDING_LIMIT, child_years, ends, grid, levels, spread

GRAVITY_BANDS = ("gravity not known", "gravity 1 to 4", "gravity 5 to 8")
"""The bands in which like is compared with like, the gravest last; the key indicators count 5 and above as grave."""


def counted(
    study: Study,
    rows: pd.DataFrame,
    steps: Mapping[str, str],
    *,
    window: int = 1,
    by: Mapping[str, Sequence[str]] | None = None,
    late: Iterable[str] = (),
    unit: str = "children",
) -> pd.DataFrame:
    """Count, for every area, window and group, those at each base and those of them at each stage.

    Parameters
    ----------
    study : Study
        Its areas, years and groups are used.
    rows : DataFrame
        ``who, area, year, group``, the columns of ``by``, and for every stage and base of ``steps`` a column
        of true or false. Several rows of one child are one child. With a column ``end`` each row belongs to that
        window alone.
    steps : mapping of str to str
        Stage to base. On the base ``population`` a rate of child-years is meant.
    window : int
        Years pooled, ending with ``year``.
    by : mapping of str to sequence of str, optional
        Columns to divide by, with their values in order. A child with rows of several values counts at the
        last of them alone, so the parts add to the whole.
    late : iterable of str
        Stages of the study's graph that must have had time to be reached; windows with a year in which they
        have not are noted ``immature``.
    unit : str
        What ``who`` is.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``: a row for every combination, those without events too.

    Raises
    ------
    ValueError
        For a window the study does not have.
    """
    by = dict(by or {})
    first, last = study.years
    if window != int(window) or not 1 <= window <= last - first + 1:
        raise ValueError(
            f"window is {window}; this study has {last - first + 1} years, {first} to {last}. Give a whole "
            f"number from 1 to {last - first + 1}."
        )
    flags = [f for f in dict.fromkeys([*steps, *steps.values()]) if f != POPULATION]
    each = _each(rows, study, flags, by, int(window))
    cells = levels(study, list(steps), by, int(window))
    others = [c for c in cells if c != "stage"]
    shape = tuple(len(cells[c]) for c in others)
    at = np.ravel_multi_index([pd.Index(cells[c]).get_indexer(each[c]) for c in others], shape)

    def number(masks: list[np.ndarray]) -> np.ndarray:
        each_stage = [np.bincount(at[m], minlength=int(np.prod(shape))).reshape(shape) for m in masks]
        return np.stack(each_stage, axis=2).ravel().astype(float)

    has = {f: each[f].to_numpy(bool) for f in flags} | {POPULATION: np.ones(len(each), bool)}
    table = grid(cells).assign(
        events=number([has[s] & has[b] for s, b in steps.items()]),
        denominator=number([has[b] for b in steps.values()]),
        unit=unit,
    )
    table["base"] = table["stage"].map(dict(steps))
    table["note"] = np.where(table["end"].isin(immature(study, late, window)), "immature", "")
    people = table["base"].eq(POPULATION).to_numpy()
    if people.any():
        table.loc[people, "denominator"] = child_years(study, table[people], list(by), int(window))
    return _laid_out(table, study, list(steps), by, int(window))


def _each(rows: pd.DataFrame, study: Study, flags: list[str], by: Mapping, window: int) -> pd.DataFrame:
    """Bring the rows of each child in an area and window together."""
    rows = rows[rows["area"].isin(study.areas) & rows[flags].any(axis=1)]
    rows = rows.assign(**{c: pd.Index(values).get_indexer(rows[c]) for c, values in by.items()})
    how = dict.fromkeys([*flags, *by], "max") | {"group": "first"}
    inside = rows if "end" in rows else spread(rows, study, window)
    inside = inside.astype({"area": str, "group": str})
    each = inside.groupby(["who", "area", "end"], sort=False).agg(how).reset_index()
    return each.assign(**{c: np.asarray(values, object)[each[c].to_numpy(int)] for c, values in by.items()})


def _laid_out(table: pd.DataFrame, study: Study, stages: list[str], by: Mapping, window: int) -> pd.DataFrame:
    table = table.assign(
        years=window,
        area=pd.Categorical(table["area"], list(study.areas), ordered=True),
        stage=pd.Categorical(table["stage"], stages, ordered=True),
        group=pd.Categorical(table["group"], list(study.groups), ordered=True),
        **{c: pd.Categorical(table[c], list(values), ordered=True) for c, values in by.items()},
    ).rename(columns={"end": "year"})
    table = table.sort_values(["area", "year", "stage", "group", *by], kind="stable")
    return table[[*COUNTS, *by, "events", "denominator", "note"]].reset_index(drop=True)


def immature(study: Study, stages: Iterable[str], window: int) -> np.ndarray:
    """List the windows with a year in which too much of some stage is still to come.

    Parameters
    ----------
    study : Study
        A study with events.
    stages : iterable of str
        Ids of the study's stage graph; those without events are passed over.
    window : int
        Years in a window.

    Returns
    -------
    array of int
        The last years of those windows.
    """
    stages = list(stages)
    if not stages:
        return np.array([], int)
    came = arrived(study)
    late = (came.loc[[s for s in stages if s in came.index]] < 1 - PENDING_LIMIT).any()
    years = np.array([y for y, wrong in late.items() if wrong], int)
    end = ends(study, int(window))
    return end[((end[:, None] - years >= 0) & (end[:, None] - years < window)).any(axis=1)]


def followed(study: Study, needed: Iterable[str], what: str) -> pd.DataFrame:
    """Give the events of a study, each with the year its episode began, or say what is not held.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    needed : iterable of str
        Stages of which there must be an event.
    what : str
        What is asked for, in words for a reader.

    Returns
    -------
    DataFrame
        ``who`` (the child), ``episode_id, stage, area, year`` (of the cohort), ``group`` and what else is known.

    Raises
    ------
    NotHeld
        If there are no events, or none of a stage that is needed.
    """
    if study.events is None:
        raise NotHeld(
            f"This study holds counts and no decisions of its children, so {what} cannot be shown. Events of "
            "each child, in events.csv, would show it."
        )
    there = set(study.events["stage"].unique())
    lacking = [s for s in needed if s not in there]
    if lacking:
        names = ", ".join(study.stages[s].label if s in study.stages else s for s in lacking)
        raise NotHeld(
            f"This study records no event of {names}, so {what} cannot be shown. Rows of it in events.csv "
            "would show it."
        )
    events = prepared(study)
    year = events["cohort"].to_numpy()
    return events.assign(
        who=events["child_id"], stage=events["stage"].astype(str), dated=events["year"], year=year
    )


def reached(events: pd.DataFrame, stages: Sequence[str]) -> pd.DataFrame:
    """Say of each child and year of a cohort which stages it reached.

    Parameters
    ----------
    events : DataFrame
        From :func:`followed`.
    stages : sequence of str
        Of the study's stage graph.

    Returns
    -------
    DataFrame
        ``who, area, year, group`` and a column of true or false for each stage. A remand and a sentence of one
        child and year belong together, whichever of its episodes they are recorded against.
    """
    keys = ["who", "area", "year", "group"]
    kept = events[events["stage"].isin(list(stages))].astype({"area": str, "group": str})
    flags = pd.DataFrame({s: kept["stage"].eq(s) for s in stages}, kept.index)
    return kept[keys].join(flags).groupby(keys, sort=False).any().reset_index()


def last_in_window(rows: pd.DataFrame, study: Study, window: int, *, last: bool = True) -> pd.DataFrame:
    """Keep of every child the last row, or the first, in each area and window.

    Parameters
    ----------
    rows : DataFrame
        ``who, area, year, date`` and whatever else.
    study : Study
        Its years bound the windows.
    window : int
        Years in a window.
    last : bool
        The last, or else the first.

    Returns
    -------
    DataFrame
        With ``end``, the window's last year.
    """
    inside = spread(rows, study, int(window)).sort_values("date", kind="stable")
    return inside.drop_duplicates(["who", "area", "end"], keep="last" if last else "first")


def refuse_stored(study: Study, what: str) -> None:
    """Say that a measure needs events child by child, where they are counted in a large file.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    what : str
        What is asked for, in words for a reader.

    Raises
    ------
    NotHeld
        If the study's events are stored.
    """
    if isinstance(study.events, Stored):
        raise NotHeld(
            f"The events of this study are counted where they lie, because their file is large, and {what} needs them "
            "child by child. A folder with the events of one area would show it."
        )


def banded(gravity: pd.Series) -> np.ndarray:
    """Put gravity scores in bands.

    Parameters
    ----------
    gravity : Series
        Scores of 1 to 8; missing where not known.

    Returns
    -------
    array of str
        Of ``GRAVITY_BANDS``.

    Examples
    --------
    >>> banded(pd.Series([4, 5, None])).tolist()
    ['gravity 1 to 4', 'gravity 5 to 8', 'gravity not known']
    """
    score = pd.to_numeric(gravity, errors="coerce").to_numpy(float)
    unknown, low, high = GRAVITY_BANDS
    return np.select([score >= 5, score >= 1], [high, low], unknown)


def need_gravity(study: Study, events: pd.DataFrame, what: str) -> pd.DataFrame:
    """Add the gravity band of each event, or say that gravity is not held."""
    refuse_stored(study, what)
    if "gravity" not in events:
        raise NotHeld(
            f"This study records no gravity of offences, so {what} cannot be compared for offences of like gravity. A "
            "column gravity in events.csv, scores of 1 to 8, would show it."
        )
    return events.assign(gravity=banded(events["gravity"]))


@once
def for_report(
    function: Callable[..., pd.DataFrame], study: Study, *, area: str, year: int, years: int = 5, **named
) -> pd.DataFrame:
    """Count for one report: one area, and for each stage the latest mature window that ends by ``year``.

    Parameters
    ----------
    function : callable
        Of the field measures: takes a study and ``window``, gives a table of counts.
    study : Study
        From ``load.study``.
    area : str
        One of the study's areas.
    year : int
        The last year of the report.
    years : int
        Years pooled; fewer if the study has fewer up to ``year``.
    **named
        What else the function takes.

    Returns
    -------
    DataFrame
        As the function gives it, for one area and one window a stage.
    """
    one = pipeline.up_to(study, area, year)
    table = function(one, window=min(years, year - one.years[0] + 1), **named)
    # Of a year that has mature parts its immature ones are kept too, and masked.
    at = ["area", "stage", "base", "year"]
    latest = pd.MultiIndex.from_frame(pipeline.latest(table, year)[at].astype(dict.fromkeys(at[:3], str)))
    here = pd.MultiIndex.from_frame(table[at].astype(dict.fromkeys(at[:3], str)))
    return table[here.isin(latest)].reset_index(drop=True)


def since(study: Study, year: int, what: str) -> Study:
    """Take a study from a year on, or say that it ends before it."""
    first, last = study.years
    if last < year:
        raise NotHeld(f"{what} is recorded from {year} on, and this study ends with {last}.")
    return replace(study, years=(max(first, year), last))
