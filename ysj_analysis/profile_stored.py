"""How far can events be trusted that are too many to hold? Checked where they are; what is not is said.

The checks are those of ``profile_rows`` and ``profile_stages``, written on the numbers of ``large.Stored``.
"""

from __future__ import annotations

from dataclasses import replace

from . import large_counts
from .ethnicity_source import groups, others
from .large import fetched, labelled
from .load import Study
from .profile_rows import UNKNOWN_KINDS
from .profile_stages import SOURCE_CHECKS
from .vocabulary import UNKNOWN

NOT_CHECKED = (
    ("birth month not known", "children.csv", "children"),
    ("event before birth", "events.csv", "events"),
    ("under 10 at the event", "events.csv", "events"),
    ("over 17 at the event", "events.csv", "events"),
    ("row repeated", "events.csv", "events"),
    ("date after the extract", "events.csv", "events"),
    ("gravity out of range", "events.csv", "events"),
    ("lives in another area", "children.csv", "children"),
)
"""What is not looked for: the engine keeps neither birth months nor the columns that the counts do not need."""


def of_stored(scope: Study) -> list[tuple]:
    """Check stored events in scope, and list what was not checked.

    Parameters
    ----------
    scope : Study
        Whose ``events`` are ``large.Stored``; its areas and years are those to check.

    Returns
    -------
    list of tuple
        ``check, stage, unit, how many, of how many``; None twice for what was not checked.
    """
    found = [*_of_children(scope), *_of_areas(scope), *_of_ethnicity(scope), *_of_order(scope)]
    return [*found, *((*check, None, None) for check in NOT_CHECKED)]


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
    none = both["earlier"].isnull()
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
