"""How far can events be trusted that are too many to hold? Checked where they are; what is not is said.

The checks are those of ``profile_rows`` and ``profile_stages``, written on the tables of ``large.Stored``, or made
by them of its arrays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from . import large_arrays, large_counts, profile_rows, profile_stages
from .ethnicity_source import groups, others
from .large import fetched, labelled
from .large_numbers import tallied
from .load import Study
from .profile_rows import UNKNOWN_KINDS
from .profile_stages import SOURCE_CHECKS
from .vocabulary import UNKNOWN

_HANDED_OVER = "child handed over by or to another service"
_OF_NUMBERS = (
    ("birth month not known", "children.csv", "children"),
    ("event before birth", "events.csv", "events"),
    ("under 10 at the event", "events.csv", "events"),
    ("over 17 at the event", "events.csv", "events"),
    ("date after the extract", "events.csv", "events"),
    ("gravity out of range", "events.csv", "events"),
    ("lives in another area", "children.csv", "children"),
)
"""What is looked for where the events are arrays, and not in a database."""

NOT_CHECKED = (
    ("decision repeated in another episode", "events.csv", "events"),
    (_HANDED_OVER, "children.csv", "children"),
    ("event while another service had the child", "events.csv", "events"),
)
"""What is not looked for: no engine keeps the columns that the counts do not need."""


def of_stored(scope: Study, years: tuple[int, int], extract: pd.Timestamp | None) -> list[tuple]:
    """Check stored events in scope, and list what was not checked.

    Parameters
    ----------
    scope : Study
        Whose ``events`` are ``large.Stored``; its areas and years are those to check.
    years : tuple of int
        Those of the whole study.
    extract : Timestamp, optional
        The latest date of any source.

    Returns
    -------
    list of tuple
        ``check, stage, unit, how many, of how many``; None twice for what was not checked.
    """
    found = [*_of_children(scope), *_of_areas(scope), *_of_ethnicity(scope), *_of_order(scope)]
    found += profile_rows.of_changes(scope, pd.DataFrame())
    left: tuple[tuple[str, str, str], ...] = NOT_CHECKED
    if scope.events.numbers is None:
        left = (*_OF_NUMBERS, *left)
    else:
        found += [*_of_records(scope), *_of_rows(scope, years, extract), *_of_parts(scope)]
    return [*found, *((*check, None, None) for check in left)]


def _of_rows(scope: Study, years: tuple[int, int], extract: pd.Timestamp | None) -> list[tuple]:
    """Check dates, ages and scores as ``profile_rows.of_events`` does, of the events that ``profiles`` gives it."""
    numbers = scope.events.numbers
    year = numbers.years(scope.period, "year")
    stray = large_arrays.areas_of(scope)[numbers.place] & ((year < years[0]) | (year > years[1]))
    rows = np.flatnonzero(large_arrays.within(scope) | stray)
    episode, day = numbers.episode[rows], numbers.day[rows]
    key = pd.DataFrame({"episode": episode, "stage": numbers.stage[rows], "day": day})
    once = ~key.duplicated().to_numpy()
    events = pd.DataFrame({"child_id": numbers.child[episode[once]]})
    events["date"] = day[once].astype("datetime64[D]").astype("datetime64[s]")
    if numbers.gravity is not None:
        score = pd.Series(numbers.gravity[rows][once], dtype=float)
        events["gravity"] = score.where(score >= 0)
    children = (
        pd.DataFrame({"birth_month": numbers.people["birth_month"]}).rename_axis("child_id").reset_index()
    )
    unheld = {check for check, *_ in NOT_CHECKED}
    return [found for found in profile_rows.of_events(events, children, extract) if found[0] not in unheld]


def _of_records(scope: Study) -> list[tuple]:
    """Check months of birth and homes of the children with an event in scope."""
    numbers = scope.events.numbers
    places = len(scope.events["area"])
    inside = large_arrays.within(scope)
    pairs = numbers.child[numbers.episode[inside]].astype("int64") * places + numbers.place[inside]
    child, place = np.divmod(tallied(pairs)[0], places)
    recorded = child < len(numbers.people)
    child, place = child[recorded], place[recorded]
    known = np.unique(child)
    born = numbers.people["birth_month"].iloc[known].astype(str)
    found = [("birth month not known", "children.csv", "children", int(born.eq("").sum()), len(known))]
    home = numbers.people["area"].iloc[child].astype(str).to_numpy() if "area" in numbers.people else None
    if home is None or not (home != "").any():
        return [*found, ("lives in another area", "children.csv", "children", None, None)]
    lives = home != ""
    away = lives & (home != scope.events["area"].to_numpy(object)[place])
    counts = [len(np.unique(child[rows])) for rows in (away, lives)]
    return [*found, ("lives in another area", "children.csv", "children", *counts)]


def _of_parts(scope: Study) -> list[tuple]:
    """Check that episodes have one of the outcomes that exclude each other."""
    numbers = scope.events.numbers
    cohort = numbers.years(scope.period, "cohort")
    rows = (
        large_arrays.areas_of(scope)[numbers.place] & (cohort >= scope.years[0]) & (cohort <= scope.years[1])
    )
    episode, at = np.unique(numbers.episode[rows], return_inverse=True)
    days = np.full((len(episode), len(scope.events["stage"])), np.datetime64("NaT", "s"), "datetime64[s]")
    day = numbers.day[rows].astype("datetime64[D]").astype("datetime64[s]")
    order = np.argsort(-numbers.day[rows].astype("int64"), kind="stable")  # the first day is written last
    days[at[order], numbers.stage[rows][order]] = day[order]
    first = pd.DataFrame(days, columns=list(scope.events["stage"])).dropna(axis=1, how="all")
    return profile_stages.of_parts_of_episodes(first, scope.stages)


def _of_children(scope: Study) -> list[tuple]:
    """Count the children in scope without a record, and those whose record lacks what is counted by."""
    people = scope.events.children.select("child", "sex", "ethnicity", "ethnicity_source")
    both = large_counts.inside(scope).select("child").distinct().left_join(people, "child")
    kinds = fetched(both.group_by(["ethnicity", "ethnicity_source", "sex"]).agg(children=both.count()))
    recorded = kinds["ethnicity"].notna()
    every, held = int(kinds["children"].sum()), int(kinds["children"][recorded].sum())
    known = groups(kinds, base="2021", source=scope.ethnicity_source).ne(UNKNOWN)
    sexless = kinds["sex"].astype(str).isin(["", "unknown", "nan", "None"])
    return [
        (check, table, "children", int(kinds["children"][bad].sum()), of)
        for check, table, bad, of in (
            ("ethnicity unknown, in all", "children.csv", recorded & ~known, held),
            ("child without a record", "events.csv", ~recorded, every),
            ("sex not known", "children.csv", recorded & sexless, held),
        )
    ]


def _of_areas(scope: Study) -> list[tuple]:
    """Count the episodes and children in scope that more than one service decided about."""
    rows = large_counts.inside(replace(scope, areas=tuple(scope.events["area"])))
    places = [i for i, area in enumerate(scope.events["area"]) if area in scope.areas]
    rows = rows.mutate(here=rows["place"].isin(places))
    found = []
    for check, unit, key in (
        ("episode in more than one area", "episodes", "episode"),
        ("child in more than one area", "children", "child"),
    ):
        each = rows.group_by(key).agg(areas=rows["place"].nunique(), here=rows["here"].max())
        each = each.filter(each["here"])
        counts = fetched(each.agg(all=each.count(), several=(each["areas"] > 1).sum())).fillna(0).iloc[0]
        found.append((check, "events.csv", unit, int(counts["several"]), int(counts["all"])))
    return found


def _of_ethnicity(scope: Study) -> list[tuple]:
    """Count, at each stage, the children who are in no group: ``profile_stages.of_ethnicity`` on an engine."""
    rows = large_counts.inside(scope)
    rows = rows.filter(rows["year"].between(*scope.years)).select("bit", "child").distinct()
    children = scope.events.children.select("child", "ethnicity", "ethnicity_source")
    both = rows.left_join(children, "child")
    counts = fetched(both.group_by(["bit", "ethnicity", "ethnicity_source"]).agg(children=both.count()))
    code = counts["ethnicity"].astype(str)
    said = counts["ethnicity_source"].astype(str).mask(code.isin(UNKNOWN_KINDS))
    kinds = {check: code.eq(kind) for kind, check in UNKNOWN_KINDS.items()}
    kinds |= {SOURCE_CHECKS[who]: said.eq(who) for who in others(scope.ethnicity_source)}
    return [
        (
            check,
            stage,
            "children",
            int(counts["children"][here & bad].sum()),
            int(counts["children"][here].sum()),
        )
        for stage, bit in _bits(scope).items()
        if (here := counts["bit"].eq(bit)).any()
        for check, bad in kinds.items()
    ]


def _of_order(scope: Study) -> list[tuple]:
    """Check that each episode passed the stage that feeds a later one, and before it."""
    bits = _bits(scope)
    feeds = {s: bits[base] for s in bits if (base := scope.stages[s].base) in bits}
    rows = large_counts.inside(scope)
    rows = rows.filter(rows["cohort"].between(*scope.years))
    first = rows.group_by(["episode", "bit"]).agg(day=rows["date"].min())
    fed = first.inner_join(labelled({"bit": [bits[s] for s in feeds], "feeds": list(feeds.values())}), "bit")
    before = first.select(episode="episode", feeds="bit", earlier="day")
    both = fed.left_join(before, ["episode", "feeds"])
    none = both["earlier"].isnull()  # noqa: PD003
    counts = (
        fetched(
            both.group_by("bit").agg(
                reached=both.count(), without=none.sum(), late=(both["day"] < both["earlier"]).sum()
            )
        )
        .set_index("bit")
        .fillna(0)
        .astype(int)
    )
    there = set(fetched(first.select("bit").distinct())["bit"])
    return [
        found
        for stage, base in feeds.items()
        if bits[stage] in counts.index and base in there
        for reached, without, late in [counts.loc[bits[stage], ["reached", "without", "late"]].tolist()]
        for found in (
            ("without the stage that feeds it", stage, "episodes", without, reached),
            ("before the stage that feeds it", stage, "episodes", late, reached - without),
        )
    ]


def _bits(scope: Study) -> dict[str, int]:
    return {stage: 1 << i for i, stage in enumerate(scope.events["stage"])}
