"""Who is counted, and what counts once? Area rules, ages, the order of birth and event, repeats.

Each rule is a decision of the mapping, and each row it removes or keeps has a line in the ledger.
"""

from __future__ import annotations

import pandas as pd

from .case_children import looked_up
from .case_fields import OUT_OF_AREA
from .case_mapping import CaseMapping
from .case_values import ages
from .study_folder import Ledger
from .tables import DataError

_OUT = "Out of area"
_JOIN = "\x1f"


def in_scope(
    events: pd.DataFrame, children: pd.DataFrame, rules: CaseMapping, ledger: Ledger
) -> pd.DataFrame:
    """Apply the area rules, the ages and the order of birth and event; each gets a line."""
    people = children.set_index("child_id")
    area = _areas(events, looked_up(events["child_id"], people["area"]), rules, ledger)
    events = events.assign(area=area.replace(OUT_OF_AREA, _OUT))
    keep = rules.decisions
    events = _ruled(
        events,
        events["area"].eq(_OUT),
        keep["out_of_area"],
        "of children of another service, recorded as out of area",
        "they are not this service's children",
        f"kept under {_OUT!r}, which is not an area of the study",
        ledger,
    )
    home, cared = (looked_up(events["child_id"], people[c]) for c in ("area", "looked_after"))
    events = _ruled(
        events,
        cared.eq("yes") & home.ne("") & home.ne(events["area"]) & events["area"].ne(_OUT),
        keep["looked_after_elsewhere"],
        "of looked-after children who live outside the area of their service",
        "looked_after_elsewhere is remove: where they live has another service",
        "looked_after_elsewhere is keep: the service that is responsible counts them",
        ledger,
    )
    if "age" in events:
        events = _ruled(
            events,
            ages(events["age"].fillna(""))[1],
            keep["outside_10_to_17"],
            "of children under ten or over seventeen on the day",
            "outside_10_to_17 is remove",
            "outside_10_to_17 is keep: a child may turn eighteen before the outcome",
            ledger,
        )
    return _after_birth(events, people["birth_month"], rules, ledger)


def _areas(events: pd.DataFrame, home: pd.Series, rules: CaseMapping, ledger: Ledger) -> pd.Series:
    """Say which service each event is of: its own entry, its episode's, the child's home, the only one."""
    area = events["area"].fillna("") if "area" in events else pd.Series("", index=events.index)
    told = area[area.ne("")].groupby([events["child_id"], events["episode_id"]]).first().to_dict()
    episode = pd.Series(
        [told.get(key, "") for key in zip(events["child_id"], events["episode_id"], strict=True)],
        index=events.index,
        dtype=str,
    )
    only = pd.Series(rules.areas[0] if len(rules.areas) == 1 else "", index=events.index)
    for other, where in ((episode, "of its episode"), (home, "the child lives in"), (only, "of the study")):
        filled = area.eq("") & other.ne("")
        if filled.any():
            what = f"{int(filled.sum()):,} events without an area put in the area {where}"
            ledger.add("area", what, "the export does not say which service they are of", left=len(events))
        area = area.mask(area.eq(""), other)
    nowhere = area.eq("")
    if nowhere.any():
        raise DataError(
            f"{rules.name}: {int(nowhere.sum()):,} of {len(events):,} events have no area, and the study has "
            f"{len(rules.areas)}. First: event {int(nowhere.to_numpy().argmax()) + 1:,} of these.\n"
            "Map area under [[events]] or [children], or give { always = ... }."
        )
    return area


def _ruled(events, rows, decision: str, who: str, removed: str, kept: str, ledger: Ledger) -> pd.DataFrame:
    """Remove or keep the events of a kind, and say how many events, episodes and children they are."""
    if not rows.any():
        return events
    those = events[rows]
    what = (
        f"{len(those):,} events, {those['episode_id'].nunique():,} episodes {who}: "
        f"{those['child_id'].nunique():,} children"
    )
    if decision == "keep":
        ledger.add("area", what, kept, left=len(events))
        return events
    ledger.add("area", what, removed, removed=len(those), left=len(events) - len(those))
    return events[~rows]


def _after_birth(events: pd.DataFrame, births: pd.Series, rules: CaseMapping, ledger: Ledger) -> pd.DataFrame:
    born = looked_up(events["child_id"], births)
    before = born.ne("") & (events["date"].str[:7] < born)
    if not before.any():
        return events
    if rules.decisions["impossible_dates"] == "stop":
        raise DataError(
            f"{int(before.sum()):,} of {len(events):,} events are dated before the birth of the child. First: event "
            f"{int(before.to_numpy().argmax()) + 1:,} of these.\n"
            'Correct them in the system, or write impossible_dates = "remove" under [decisions].'
        )
    left = int((~before).sum())
    why = "impossible_dates is remove"
    ledger.add(
        "dates", "events dated before the birth of the child", why, removed=int(before.sum()), left=left
    )
    return events[~before]


def merged(events: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Keep one event of each child, episode, stage and day: the one of the gravest offence."""
    # Co-defendants may share a case number: an episode is of one child.
    events = events.assign(
        episode_id=events["child_id"] + "\x1f" + events["episode_id"].where(events["episode_id"].ne(""), "")
    )
    grave = pd.to_numeric(events["gravity"], errors="coerce").fillna(0) if "gravity" in events else 0
    order = events.assign(grave=grave, row=range(len(events))).sort_values(
        ["date", "child_id", "episode_id", "grave", "row"],
        ascending=[True, True, True, False, True],
        kind="stable",
    )
    once = order.drop_duplicates(["child_id", "episode_id", "stage", "date"]).drop(columns=["grave", "row"])
    if len(once) < len(events):
        what = "events that repeat a stage of the same episode on the same day"
        why = "one decision, recorded for each offence; the gravest is kept"
        ledger.add("rows", what, why, removed=len(events) - len(once), left=len(once))
    return once.reset_index(drop=True)


def told_once(offences: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Keep one row of each offence id."""
    if "offence_id" not in offences or offences.empty:
        return offences
    key = ["child_id", "offence_id"]
    again = offences.duplicated(key, keep="last") & offences["offence_id"].ne("")
    if again.any():
        why = "one offence; the last row of it is kept"
        left = int((~again).sum())
        ledger.add("rows", "rows that repeat an offence id", why, removed=int(again.sum()), left=left)
    return offences[~again].reset_index(drop=True)


def concerned(children, events, offences, records, ledger: Ledger) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the children who are counted, and the offences of these alone."""
    unrecorded = ~events["child_id"].isin(records["child_id"])
    if len(events) and unrecorded.mean() > 0.5:
        raise DataError(
            f"The outcomes: {int(unrecorded.sum()):,} of {len(events):,} events are of children without a record. "
            f"First: event {int(unrecorded.to_numpy().argmax()) + 1:,} of these.\n"
            "Check in mapping.toml that child_id is the same kind of id in every file."
        )
    if unrecorded.any():
        n = events.loc[unrecorded, "child_id"].nunique()
        what = f"{int(unrecorded.sum()):,} events of {n:,} children without a record"
        ledger.add("children", what, "kept; their ethnicity counts as not known", left=len(events))
    here = children["child_id"].isin(events["child_id"])
    why = "no event of theirs is counted here: out of area, no outcome, or removed above"
    if not here.all():
        ledger.add(
            "children", "children without an event", why, removed=int((~here).sum()), left=int(here.sum())
        )
    if offences.empty:
        return children[here], offences
    theirs = offences["child_id"].isin(events["child_id"])
    if not theirs.all():
        what = "offences of children without an event"
        ledger.add("offences", what, why, removed=int((~theirs).sum()), left=int(theirs.sum()))
    offences = offences[theirs].reset_index(drop=True)
    late = offences.get("outcome_date", pd.Series("", index=offences.index)).fillna("")
    before = late.ne("") & (late < offences["offence_date"])
    if before.any():
        why = "kept as they are: which of the two days is wrong cannot be known"
        ledger.add(
            "dates", f"{int(before.sum()):,} outcomes dated before the offence", why, left=len(offences)
        )
    return children[here].reset_index(drop=True), offences
