"""Who reached each stage, out of whom?

Every stage is counted on two bases: on the **stage that feeds it** (the decision), and on the
**population** or the first stage (the cumulative contact). How children are followed from one stage to
the next is said in ``from_events``; where the counting was done before, ``from_counts`` takes it over.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from . import from_counts, from_events
from .filled_years import filled_lines
from .load import DataError, Study
from .once import once
from .pathways import pathways
from .tables import near, shown
from .vocabulary import COUNTS, SOURCE_LABELS, Stage
from .windows import PENDING_LIMIT, in_order, refuse_window, root

__all__ = [
    "PENDING_LIMIT",
    "caseload",
    "conditional",
    "cumulative",
    "for_report",
    "latest",
    "ledger",
    "only",
    "pathways",
    "root",
    "stage_counts",
    "undecided",
    "up_to",
]


@once
def stage_counts(
    study: Study,
    *,
    unit: str | None = None,
    by: Sequence[str] = (),
    window: int = 1,
    ethnicity_source: str | None = None,
) -> pd.DataFrame:
    """Count those who reached each stage, and those who could have, for every area, year and group.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    unit : {"children", "episodes"}, optional
        What to count. Children are counted once in a window, however often they return. A study of
        counts has the units its table states, and no other.
    by : sequence of str
        Further columns to split by: ``sex``, ``looked_after``, ``send`` of the child, or for a study
        of counts ``sex`` or ``age``.
    window : int
        Years pooled, ending with ``year``. Only windows that lie within the study are given.
    ethnicity_source : {"self", "officer", "school", "unknown"}, optional
        Whose word a group is, for a study of events; the study's own by default, which is self-defined
        ethnicity unless it says otherwise. Children whose ethnicity is another's word are among the
        ``Unknown``. Counts of two sources may stand side by side and are never added up: where it is
        asked for, a column ``defined_by`` after ``group`` says which they are of.

    Returns
    -------
    DataFrame
        ``area, year, years, unit, stage, base, group, [by...], events, denominator, note``: a row for
        every combination, those without events too. A stage fed by another has two sets of rows: one
        on that stage, one on the population (or on the first stage, where there is no population).
        The denominator of a rate is child-years over the window; NaN where the population of a group
        is not known. ``note`` is ``immature`` where too much is still undecided to show,
        ``suppressed`` where a count was hidden in the source, ``no_data`` where there is none.

    Raises
    ------
    ValueError
        For a unit, a ``by`` column or a source of ethnicity the study does not have, or a window longer
        than the study.
    DataError
        If a stage holds more than the stage that feeds it, or the study has searches alone; ``NotHeld`` if
        what is split by is known of no child.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> counts = stage_counts(load.study("data/synthetic"), window=5)
    >>> sorted(counts["base"].unique())[:3]
    ['arrest', 'charge', 'cohort']
    """
    if study.events is None and study.counts is None:
        raise DataError(
            "This study has searches alone, and no stage can be counted from them. Render "
            "stop_and_search_monthly, or add counts.csv or events.csv."
        )
    by = (by,) if isinstance(by, str) else tuple(by)
    refuse_window(window, study.years)
    if ethnicity_source is not None:
        study = _of_source(study, ethnicity_source)
    counting = from_counts if study.events is None else from_events
    table = in_order(counting.counted(study, unit, by, int(window)), study, list(study.stages), by)
    table = table.assign(years=int(window))
    said = []
    if ethnicity_source is not None:
        said = ["defined_by"]
        table = table.assign(defined_by=SOURCE_LABELS[ethnicity_source].removesuffix(" ethnicity"))
    return table[[*COUNTS, *said, *by, "events", "denominator", "note"]].reset_index(drop=True)


def _of_source(study: Study, source: str) -> Study:
    """Take a study with another source of ethnicity; counts that were made before have the one they have."""
    if source not in SOURCE_LABELS:
        raise ValueError(f"ethnicity_source is {source!r}; it must be one of {', '.join(SOURCE_LABELS)}.")
    if study.events is None and source != study.ethnicity_source:
        raise ValueError(
            "ethnicity_source can be chosen for a study of events; counts that were made before have the one "
            "they were made with."
        )
    return replace(study, ethnicity_source=source)


def conditional(counts: pd.DataFrame, stages: Mapping[str, Stage]) -> pd.DataFrame:
    """Keep the rows in which a stage is a share of the stage that feeds it, or a first contact.

    Parameters
    ----------
    counts : DataFrame
        From :func:`stage_counts`.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    DataFrame
        Those rows, in order.
    """
    own = counts["stage"].astype(str).map({s: stage.base for s, stage in stages.items()})
    return counts[counts["base"].astype(str) == own].reset_index(drop=True)


def only(counts: pd.DataFrame, stage: str, stages: Mapping[str, Stage]) -> pd.DataFrame:
    """Keep one stage, as a share of the stage that feeds it or as a first contact.

    Parameters
    ----------
    counts : DataFrame
        From :func:`stage_counts`.
    stage : str
        Which.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    DataFrame
        Its rows, in order.

    Raises
    ------
    DataError
        If there are none.
    """
    found = conditional(counts[counts["stage"].astype(str) == stage], stages)
    if found.empty:
        there = list(dict.fromkeys(counts["stage"].astype(str)))
        raise DataError(
            f"stage {shown(stage)} is not one of the {len(there)} that this study counts: "
            f"{', '.join(map(shown, there))}.{near(stage, there)} Choose one of them."
        )
    return found


def cumulative(counts: pd.DataFrame, stages: Mapping[str, Stage]) -> pd.DataFrame:
    """Keep the rows in which a stage is counted against the population, or the first stage.

    Parameters
    ----------
    counts : DataFrame
        From :func:`stage_counts`.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    DataFrame
        Those rows, in order.
    """
    first = counts["stage"].astype(str).map({s: root(s, stages) for s in stages})
    return counts[counts["base"].astype(str) == first].reset_index(drop=True)


def latest(counts: pd.DataFrame, year: int) -> pd.DataFrame:
    """Keep, for each stage and base, the last window that ends by ``year`` and is not immature.

    Parameters
    ----------
    counts : DataFrame
        From :func:`stage_counts`.
    year : int
        The last year wanted.

    Returns
    -------
    DataFrame
        Those rows, in order. A stage with no such window keeps its last window, noted ``immature``.
    """
    usable = counts[counts["year"] <= year]
    rank = usable["year"].where(usable["note"] != "immature", usable["year"] - 10_000)
    best = rank.groupby([usable["area"], usable["stage"], usable["base"]], observed=True).transform("max")
    order = [c for c in ("area", "stage", "base", "group") if c in usable]
    return usable[rank == best].sort_values(order, kind="stable").reset_index(drop=True)


def for_report(
    study: Study,
    *,
    area: str,
    year: int,
    years: int = 5,
    unit: str | None = None,
    by: Sequence[str] = (),
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
    first = study.years[0]
    counts = stage_counts(up_to(study, area, year), unit=unit, by=by, window=min(years, year - first + 1))
    return latest(counts, year)


def undecided(study: Study, *, area: str, year: int) -> pd.DataFrame:
    """Give the single years up to ``year`` in which too much is undecided to show a stage.

    Parameters
    ----------
    study, area, year
        As for :func:`for_report`.

    Returns
    -------
    DataFrame
        The rows of :func:`stage_counts` noted ``immature``.
    """
    counts = stage_counts(up_to(study, area, year))
    return counts[counts["note"] == "immature"].reset_index(drop=True)


@once
def up_to(study: Study, area: str, year: int) -> Study:
    """Take one area of a study, and its years up to one of them.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    area : str
        One of its areas.
    year : int
        One of its years.

    Returns
    -------
    Study
        The same tables, counted for that area and those years.

    Raises
    ------
    DataError
        If the study does not have the area or the year.
    """
    if area not in study.areas:
        raise DataError(
            f"area {shown(area)} is not one of the {len(study.areas)} areas of this study: "
            f"{', '.join(map(shown, study.areas))}.{near(area, study.areas)} Choose one of them."
        )
    first, last = study.years
    if not isinstance(year, numbers.Integral):
        raise DataError(
            f"year is {shown(year)}, a {type(year).__name__}. Give a whole number from {first} to {last}, without "
            "quotation marks: the April the year starts in."
        )
    if not first <= year <= last:
        raise DataError(
            f"year {year} is not one of the years of this study, {first} to {last}. Choose one of them."
        )
    return replace(study, areas=(area,), years=(first, year))


def _filled(study: Study) -> list[tuple]:
    """Say which years of the population in use nobody published."""
    people = study.population
    if people is None:
        return []
    used = people["area"].isin(study.areas) & people["year"].between(*study.years)
    if study.vintage and "vintage" in people:
        used &= people["vintage"] == study.vintage
    return filled_lines(people[used], study.period)


def caseload(study: Study) -> str:
    """Name the stage that stands for a service's caseload: its interventions, or the nearest to them that it has.

    Islington's Youth Justice Plan sets interventions against the population. Where there are none, first-time
    entrants or arrests can be; of a graph without these, the last stage is taken.

    Parameters
    ----------
    study : Study
        From ``load.study``.

    Returns
    -------
    str
        Id of a stage, an adverse one if there is any.
    """
    table: Any = study.counts if study.events is None else study.events
    present = [s for s in study.stages if (table["stage"] == s).any()]
    adverse = [s for s in present if study.stages[s].polarity == "adverse"]
    usual = (s for s in ("intervention", "first_time_entrant", "arrest") if s in present)
    return next(usual, (adverse or present)[-1])


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
    counting = from_counts if study.events is None else from_events
    lines = [line for line in _filled(study) if line[1] not in set(study.ledger.get("what", ()))]
    own = pd.DataFrame([*lines, *counting.lines(study)], columns=names)
    lines = pd.concat(
        [study.ledger.reindex(columns=names).astype(object), own.astype(object)], ignore_index=True
    )
    lines = lines.assign(**{c: pd.to_numeric(lines[c], errors="coerce").astype(float) for c in names[3:]})
    return lines.assign(note=np.where(lines["removed"].isna() & lines["left"].isna(), "no_number", ""))
