"""What is missing or does not add up, stage by stage? Missing ethnicity clusters, and so do missing steps.

Findings are ``check, stage, unit, how many, of how many``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from . import from_counts, pipeline
from .ethnicity_source import others
from .load import Study
from .profile_rows import UNKNOWN_KINDS
from .vocabulary import UNKNOWN, Stage

SOURCE_CHECKS = {
    "self": "self-defined ethnicity alone",
    "officer": "officer-defined ethnicity alone",
    "school": "school-recorded ethnicity alone",
    "unknown": "source of ethnicity unknown",
}


def of_ethnicity(events: pd.DataFrame, children: pd.DataFrame, source: str) -> list[tuple]:
    """Count, at each stage, the children who are in no group, by the reason: missing, or another's word.

    Parameters
    ----------
    events : DataFrame
        Those dated in the years in scope.
    children : DataFrame
        As ``load.children``.
    source : str
        Whose word the study counts.

    Returns
    -------
    list of tuple
        Distinct children of all who reached the stage, the same all as in ``quality.completeness``: with
        another one beside it, the difference of two printed numbers could say what neither does.
    """
    reached = events[["stage", "child_id"]].drop_duplicates()
    known = children[["child_id", "ethnicity", "ethnicity_source"]].astype(
        {"ethnicity": str, "ethnicity_source": str}
    )
    reached = reached.merge(known, on="child_id", how="left")
    said = reached["ethnicity_source"].mask(reached["ethnicity"].isin(UNKNOWN_KINDS))
    kinds = {check: reached["ethnicity"].eq(code) for code, check in UNKNOWN_KINDS.items()}
    kinds |= {SOURCE_CHECKS[who]: said.eq(who) for who in others(source)}
    sums = pd.DataFrame(kinds | {"all": True}).groupby(reached["stage"], observed=True).sum()
    return [
        (check, str(stage), "children", int(row[check]), int(row["all"]))
        for stage, row in sums.iterrows()
        for check in kinds
    ]


def of_order(first: pd.DataFrame, stages: Mapping[str, Stage]) -> list[tuple]:
    """Check that each episode passed the stage that feeds a later one, and passed it before.

    Parameters
    ----------
    first : DataFrame
        Of :func:`first_dates`.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    list of tuple
        Episodes, of those that reached the stage; stages whose feeding stage nobody records are left out.
    """
    found = []
    for stage in first:
        base = stages[stage].base
        if base in first:
            reached, before = first.loc[first[stage].notna(), stage], first.loc[first[stage].notna(), base]
            found += [
                ("without the stage that feeds it", stage, "episodes", int(before.isna().sum()), len(reached)),
                ("before the stage that feeds it", stage, "episodes", int((reached < before).sum()),
                 int(before.notna().sum())),
            ]  # fmt: skip
    return found


def first_dates(events: pd.DataFrame) -> pd.DataFrame:
    """Give the first day of each stage in each episode.

    Parameters
    ----------
    events : DataFrame
        Whole episodes.

    Returns
    -------
    DataFrame
        A row an episode, a column a stage; missing where the episode did not reach it.
    """
    days = events.assign(stage=events["stage"].astype(str))
    return days.groupby(["episode_id", "stage"])["date"].min().unstack("stage")


def of_parts_of_episodes(first: pd.DataFrame, stages: Mapping[str, Stage]) -> list[tuple]:
    """Check that each episode at a stage has one of its outcomes, where these exclude each other.

    Parameters
    ----------
    first : DataFrame
        Of :func:`first_dates`.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    list of tuple
        Episodes with more than one of the outcomes, and with none.
    """
    found = []
    for base, parts in _partitions(first, stages).items():
        if base in first:
            number = first.loc[first[base].notna(), parts].notna().sum(axis=1)
            found += [
                ("parts more than the whole", base, "episodes", int((number > 1).sum()), len(number)),
                ("parts less than the whole", base, "episodes", int((number == 0).sum()), len(number)),
            ]
    return found


def _partitions(present, stages: Mapping[str, Stage]) -> dict[str, list[str]]:
    """List the outcomes of each stage that exclude each other and add up to it.

    Those of a partition and what is still pending; where something is pending and there is no partition,
    all outcomes of the stage.
    """
    out = {}
    for base in dict.fromkeys(s.base for s in stages.values()):
        outcomes = [s for s in stages.values() if s.base == base and s.id in present]
        parts = [s.id for s in outcomes if s.kind in ("partition", "pending")]
        if any(s.kind == "partition" for s in outcomes):
            out[base] = parts
        elif parts:
            out[base] = [s.id for s in outcomes]
    return {base: parts for base, parts in out.items() if len(parts) > 1}


def of_counts(study: Study) -> list[tuple]:
    """Check counts that were made before: what is hidden, unknown or pending, and what does not add up.

    Parameters
    ----------
    study : Study
        A study of counts, of the areas and years in scope.

    Returns
    -------
    list of tuple
        In the study's own unit; a cell that a hidden count is part of is left out.
    """
    rows = from_counts.of_unit(study, None)
    by_stage = rows.groupby("stage")["events"].sum()
    unknown = rows[rows["group"] == UNKNOWN].groupby("stage")["events"].sum()
    present = [s for s in study.stages if s in by_stage.index]
    found: list[tuple[str, str, str, int | None, int | None]]
    found = [("hidden in the source", "counts.csv", "cells", int(rows["events"].isna().sum()), len(rows))]
    if UNKNOWN in study.groups:
        found += [
            ("ethnicity unknown", s, study.unit, int(unknown.get(s, 0)), int(by_stage[s])) for s in present
        ]
        all_of, unknown_of = by_stage.max(), unknown.get(by_stage.idxmax(), 0)
        found += [("ethnicity unknown, in all", "counts.csv", study.unit, int(unknown_of), int(all_of))]
    else:
        found += [("ethnicity unknown, in all", "counts.csv", study.unit, None, None)]
    for stage in present:
        base = study.stages[stage].base
        if study.stages[stage].kind == "pending" and base in present:
            found += [("undecided", stage, study.unit, int(by_stage[stage]), int(by_stage[base]))]
    return found + _parts_of_counts(rows, study)


def _parts_of_counts(rows: pd.DataFrame, study: Study) -> list[tuple]:
    """Compare each cell with the sum of its parts, and add up by how much they differ."""
    cells = rows.groupby(["area", "end", "group", "stage"])["events"].sum(min_count=1).unstack("stage")
    hidden = rows["events"].isna().groupby([rows[c] for c in ("area", "end", "group", "stage")]).any()
    cells = cells.mask(hidden.unstack("stage").fillna(False).astype(bool))
    found = []
    for base, parts in _partitions(cells, study.stages).items():
        if base not in cells:
            continue
        usable = cells[[base, *parts]].dropna()
        excess = (usable[parts].sum(axis=1) - usable[base]).to_numpy()
        whole = int(usable[base].sum())
        # A child may have two outcomes that exclude each other in two episodes; an episode or a case cannot.
        more = None if study.unit == "children" else int(np.maximum(excess, 0).sum())
        found += [
            ("parts more than the whole", base, study.unit, more, None if more is None else whole),
            ("parts less than the whole", base, study.unit, int(np.maximum(-excess, 0).sum()), whole),
        ]
    return found


def of_follow_up(study: Study, first_year: int) -> list[tuple]:
    """Count those who entered too late for a stage to be seen, by the rule that hides such years.

    Parameters
    ----------
    study : Study
        Of the areas in scope, with its earlier years.
    first_year : int
        The first year in scope.

    Returns
    -------
    list of tuple
        Of all at the stage that feeds it, each counted once a year.
    """
    counts = pipeline.conditional(pipeline.stage_counts(study), study.stages)
    counts = counts[(counts["year"] >= first_year) & counts["base"].astype(str).ne("population")]
    late = counts["denominator"].where(counts["note"].eq("immature"), 0.0)
    sums = (
        pd.DataFrame({"late": late, "all": counts["denominator"]}).groupby(counts["stage"].astype(str)).sum()
    )
    return [
        ("followed for too short a time", s, study.unit, int(row["late"]), int(row["all"]))
        for s, row in sums.reindex([s for s in study.stages if s in sums.index]).iterrows()
    ]
