"""What is wrong with the rows? Dates, ages, repeats, areas, scores and labels, checked row by row.

Each finding is counted and no row is shown: ``check, table, unit, how many, of how many``.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from . import ethnicity_source
from .case_fields import OBSOLETE_OUTCOMES, plain
from .load import Study
from .vocabulary import UNKNOWN, broad_groups

_CHANGES = re.compile(r"([\d,]+) children have different known ethnicities in their records")
_YOUNGEST, _OLDEST = 10, 17
_BLANK = ("", "unknown")


def _found(check: str, table: str, unit: str, bad, of=None) -> tuple:
    """Count a finding: the rows in which it is, of those in which it could be."""
    bad = np.asarray(bad, bool)
    possible = np.ones(len(bad), bool) if of is None else np.asarray(of, bool)
    return check, table, unit, int((bad & possible).sum()), int(possible.sum())


def _not_checked(check: str, table: str, unit: str) -> tuple:
    return check, table, unit, None, None


def among(ids: pd.Series, others: pd.Series) -> pd.Series:
    """Say which ids are among others; text is looked up as objects, many times faster where there are many.

    Parameters
    ----------
    ids, others : Series of str
        In any order, with repeats.

    Returns
    -------
    Series of bool
        As long as ``ids``.

    Examples
    --------
    >>> among(pd.Series(["a", "b"]), pd.Series(["b", "b", "c"])).tolist()
    [False, True]
    """
    return ids.astype(object).isin(others.drop_duplicates().to_numpy(object))


def of_children(children: pd.DataFrame, events: pd.DataFrame, source: str) -> list[tuple]:
    """Check the records of children.

    Parameters
    ----------
    children : DataFrame
        As ``load.children``, those with an event.
    events : DataFrame
        Their events, and those of children without a record.
    source : str
        Whose word on ethnicity the study counts.

    Returns
    -------
    list of tuple
        ``check, stage, unit, events, denominator``.
    """
    table, unit = "children.csv", "children"
    group = ethnicity_source.groups(children, base="2021", source=source)
    ids = events["child_id"].drop_duplicates()
    return [
        _found("ethnicity unknown, in all", table, unit, group.eq(UNKNOWN)),
        _found("child without a record", "events.csv", unit, ~among(ids, children["child_id"])),
        _found("sex not known", table, unit, children["sex"].astype(str).isin([*_BLANK, "nan"])),
        _found("birth month not known", table, unit, children["birth_month"].eq("")),
    ]


def of_events(events: pd.DataFrame, children: pd.DataFrame, extract: pd.Timestamp | None) -> list[tuple]:
    """Check the dates and scores of events, and the ages of children at them.

    Parameters
    ----------
    events, children : DataFrame
        As ``load`` gives them, those in scope.
    extract : Timestamp, optional
        The latest date of any source.

    Returns
    -------
    list of tuple
        ``check, stage, unit, events, denominator``.
    """
    table, unit = "events.csv", "events"
    born = pd.to_datetime(children.set_index("child_id")["birth_month"], format="%Y-%m", errors="coerce")
    birth = events["child_id"].map(born)
    months = (events["date"].dt.year - birth.dt.year) * 12 + events["date"].dt.month - birth.dt.month
    known = birth.notna()
    # The day of birth is not known: in the month of a birthday a child may be of either age, and is not told.
    return [
        _found("event before birth", table, unit, months < 0, known),
        _found("under 10 at the event", table, unit, (months >= 0) & (months < 12 * _YOUNGEST), known),
        _found("over 17 at the event", table, unit, months > 12 * (_OLDEST + 1), known),
        _after(extract, events["date"], table, unit),
        _found(
            "decision repeated in another episode",
            table,
            unit,
            events.duplicated([c for c in events if c != "episode_id"]),
        ),
        _gravity(events, table, unit),
        _obsolete(events, "date", table, unit),
    ]


def of_offences(offences: pd.DataFrame, extract: pd.Timestamp | None) -> list[tuple]:
    """Check offences: their dates, scores, outcomes and repeats.

    Parameters
    ----------
    offences : DataFrame
        As ``load.offences``.
    extract : Timestamp, optional
        The latest date of any source.

    Returns
    -------
    list of tuple
        ``check, stage, unit, events, denominator``.
    """
    table, unit = "offences.csv", "offences"
    latest = offences[["offence_date", "outcome_date"]].max(axis=1)
    decided = offences["outcome_date"].notna()
    return [
        _found(
            "outcome before offence",
            table,
            unit,
            offences["outcome_date"] < offences["offence_date"],
            decided,
        ),
        _after(extract, latest, table, unit),
        _found("row repeated", table, unit, offences.duplicated()),
        _gravity(offences, table, unit),
        _obsolete(offences, "outcome_date", table, unit),
        _found("undecided", table, unit, ~decided),
    ]


def of_searches(searches: pd.DataFrame, base: str, extract: pd.Timestamp | None) -> list[tuple]:
    """Check searches: whose ethnicity is not known, and by whom it was seen otherwise.

    Parameters
    ----------
    searches : DataFrame
        As ``load.searches``.
    base : str
        Census base of the study.
    extract : Timestamp, optional
        The latest date of any source.

    Returns
    -------
    list of tuple
        ``check, stage, unit, events, denominator``.
    """
    table, unit = "searches.csv", "searches"
    code = searches["ethnicity"].astype(str)
    group = code.map(broad_groups(base))
    found = [
        *(_found(check, table, unit, code == kind) for kind, check in UNKNOWN_KINDS.items()),
        _after(extract, searches["date"], table, unit),
        _found("row repeated", table, unit, searches.duplicated()),
    ]
    if "ethnicity_officer" not in searches:
        return [*found, _not_checked("self-defined and officer-defined differ", table, unit)]
    seen = searches["ethnicity_officer"].astype(str)
    both = group.ne(UNKNOWN) & ~seen.isin([*_BLANK, UNKNOWN, "nan"])
    return [*found, _found("self-defined and officer-defined differ", table, unit, group.ne(seen), both)]


UNKNOWN_KINDS = {"NS": "ethnicity not stated", "NK": "ethnicity not known", "NR": "ethnicity not recorded"}
"""The detailed codes of not knowing, and the check each is counted by."""


def of_areas(children: pd.DataFrame, events: pd.DataFrame, areas: tuple[str, ...]) -> list[tuple]:
    """Check where children live and which services decide about them.

    Parameters
    ----------
    children : DataFrame
        As ``load.children``, those with an event in the areas.
    events : DataFrame
        Events of every area.
    areas : tuple of str
        The areas in scope.

    Returns
    -------
    list of tuple
        ``check, stage, unit, events, denominator``.
    """
    events = events[["child_id", "episode_id", "area"]].drop_duplicates()
    here = events[events["area"].isin(areas)]
    several = [
        (check, unit, here[key].drop_duplicates(), events.groupby(key)["area"].nunique().gt(1))
        for check, unit, key in (
            ("episode in more than one area", "episodes", "episode_id"),
            ("child in more than one area", "children", "child_id"),
        )
    ]
    found = [_found(c, "events.csv", unit, ids.map(more)) for c, unit, ids, more in several]
    if "area" not in children or children["area"].eq("").all():
        return [_not_checked("lives in another area", "children.csv", "children"), *found]
    seen = here[["child_id", "area"]].drop_duplicates()
    home = seen["child_id"].map(children.set_index("child_id")["area"]).fillna("")
    away = home.ne(seen["area"]).groupby(seen["child_id"]).any()
    known = home.ne("").groupby(seen["child_id"]).any()
    return [_found("lives in another area", "children.csv", "children", away, known), *found]


def of_transfers(children: pd.DataFrame, events: pd.DataFrame) -> list[tuple]:
    """Check whether events lie in the time in which the service had the child.

    Parameters
    ----------
    children : DataFrame
        As ``load.children``, those with an event.
    events : DataFrame
        Their events.

    Returns
    -------
    list of tuple
        ``check, stage, unit, events, denominator``. A child who was handed over and came back later was
        elsewhere between the two days.
    """
    moved, outside = "child handed over by or to another service", "event while another service had the child"
    days = [c for c in ("transferred_in", "transferred_out") if c in children]
    if not days or children[days].isna().all(axis=None):
        return [
            _not_checked(moved, "children.csv", "children"),
            _not_checked(outside, "events.csv", "events"),
        ]
    dated = children.set_index("child_id").reindex(columns=["transferred_in", "transferred_out"])
    came, left = (events["child_id"].map(pd.to_datetime(dated[c])) for c in dated)
    early, late = events["date"] < came, events["date"] > left
    elsewhere = np.where(came > left, early & late, early | late)
    return [
        _found(moved, "children.csv", "children", children[days].notna().any(axis=1)),
        _found(outside, "events.csv", "events", elsewhere, came.notna() | left.notna()),
    ]


def of_changes(study: Study, events: pd.DataFrame) -> list[tuple]:
    """Check whether the ethnicity of a child changes between records.

    A table of children has one row each. Records that differ can be seen where events carry an ethnicity
    of their own, or where the conversion of an export counted them before it chose one.

    Parameters
    ----------
    study : Study
        Its base, its ledger.
    events : DataFrame
        Those in scope.

    Returns
    -------
    list of tuple
        ``check, stage, unit, events, denominator``.
    """
    check = "ethnicity changes between records"
    if "ethnicity" in events:
        code = events["ethnicity"].astype(str)
        group = code.map(broad_groups(study.base)).where(lambda g: g.ne(UNKNOWN))
        kinds = group.groupby(events["child_id"]).nunique()
        return [_found(check, "events.csv", "children", kinds > 1, kinds > 0)]
    if {"what", "left"} <= set(study.ledger.columns):
        for what, left in zip(study.ledger["what"], study.ledger["left"], strict=True):
            if told := _CHANGES.match(str(what)):
                return [(check, "ledger.csv", "children", int(told[1].replace(",", "")), int(left))]
    return [_not_checked(check, "children.csv", "children")]


def _after(extract: pd.Timestamp | None, dates: pd.Series, table: str, unit: str) -> tuple:
    if extract is None:
        return _not_checked("date after the extract", table, unit)
    return _found("date after the extract", table, unit, dates > extract)


def _gravity(rows: pd.DataFrame, table: str, unit: str) -> tuple:
    if "gravity" not in rows:
        return _not_checked("gravity out of range", table, unit)
    scored = rows["gravity"].notna()
    return _found("gravity out of range", table, unit, ~rows["gravity"].between(1, 8), scored)


def _obsolete(rows: pd.DataFrame, day: str, table: str, unit: str) -> tuple:
    """Count outcomes that no longer existed on the day; a label is looked up once, not in every row."""
    if "outcome" not in rows:
        return _not_checked("obsolete outcome", table, unit)
    ended = {label: OBSOLETE_OUTCOMES.get(plain(str(label))) for label in rows["outcome"].unique()}
    over = pd.to_datetime(rows["outcome"].map(ended))
    return _found("obsolete outcome", table, unit, rows[day] >= over, rows["outcome"].ne(""))
