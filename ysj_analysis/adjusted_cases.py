"""Who are the cases of a model? One row a child and episode that reached a stage, and whether it went on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .from_events import NOT_SAID, arrived, prepared
from .load import Study
from .once import once
from .reading import NotHeld, shown
from .windows import PENDING_LIMIT

PROVEN = ("caution", "convicted")
"""Stages that make an episode count as a proven offence in a child's later history."""


@once
def cases(study: Study, *, outcome: str, given: str | None = None) -> pd.DataFrame:
    """List the episodes that reached a stage, whether they reached a later one, and what is known of each.

    The table is private: it has a row for each child and is never shown.

    Parameters
    ----------
    study : Study
        A study with events and children.
    outcome : str
        The stage a model is of.
    given : str, optional
        The stage that the cases have reached; by default the one that feeds ``outcome``.

    Returns
    -------
    DataFrame
        ``child_id, episode_id, area, year, group, sex, age, looked_after, send, offence_group, gravity,
        previous, outcome, unit, stage, base, note``, and the study's further columns of children and events.
        ``year`` is that of the episode's first event, and ``age`` is in whole years on its day, by the month of
        birth: later delays make a child older and are not its own. ``previous`` is the study's own column where
        ``children`` has one; otherwise how many earlier episodes of the child here ended in a caution or
        conviction: ``0``, ``1``, ``2 or more``. What nobody recorded is ``unknown``. ``note`` is ``immature`` in
        years in which too much of the outcome is still to come; models leave these rows out and say so.

    Raises
    ------
    ValueError
        If a stage is not in the graph.
    NotHeld
        If the study holds no cases, or nobody in it reached a stage.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = cases(load.study("data/synthetic"), outcome="custody")
    >>> table["outcome"].drop_duplicates().sort_values().tolist(), table.columns[:8].tolist()
    ([0.0, 1.0], ['child_id', 'episode_id', 'area', 'year', 'group', 'sex', 'age', 'looked_after'])
    """
    given = _reached(study, outcome, given)
    events = prepared(study)
    stage, episode = events["stage"].astype(str).to_numpy(), events["episode_id"]
    events = events.assign(begun=events.groupby("episode_id")["date"].transform("min"))
    reached = events[stage == given].drop_duplicates("episode_id")
    reached = reached[reached["cohort"].between(*study.years)]
    went_on = set(episode[stage == outcome])
    people = study.children
    people = people.drop(columns=[c for c in people if c in reached and c != "child_id"])
    table = reached.merge(people, on="child_id", how="left", validate="many_to_one")
    late = 1 - arrived(study).loc[outcome]
    immature = table["cohort"].map(late).gt(PENDING_LIMIT)
    table = table.assign(
        year=table["cohort"].astype(str),
        group=pd.Categorical(table["group"], study.groups, ordered=True),
        age=age_on(table["begun"], table["birth_month"]),
        gravity=_whole(table, "gravity"),
        previous=_whole(table, "previous") if "previous" in table else _history(table, events),
        outcome=table["episode_id"].isin(went_on).astype(float),
        unit="episodes",
        stage=outcome,
        base=given,
        note=np.where(immature, "immature", ""),
    )
    unsaid = [c for c in ("sex", "looked_after", "send", "offence_group") if c in table]
    table = table.assign(**{c: table[c].astype(str).replace(["", "nan"], NOT_SAID) for c in unsaid})
    first = [c for c in _COLUMNS if c in table]
    hidden = {"birth_month", "ethnicity", "ethnicity_source", "date", "cohort", "begun", *first}
    return table[[*first, *(c for c in table if c not in hidden)]].reset_index(drop=True)


_COLUMNS = (
    "child_id",
    "episode_id",
    "area",
    "year",
    "group",
    "sex",
    "age",
    "looked_after",
    "send",
    "offence_group",
    "gravity",
    "previous",
    "outcome",
    "unit",
    "stage",
    "base",
    "note",
)


def _reached(study: Study, outcome: str, given: str | None) -> str:
    """Name the stage that the cases have reached; refuse a study that does not hold them."""
    if study.events is None or study.children is None:
        raise NotHeld(
            "This study holds counts only and no cases of its children, so like cannot be compared with like. "
            "Events and children, in events.csv and children.csv, would show it."
        )
    if outcome not in study.stages:
        raise NotHeld(
            f"This study has no stage {shown(outcome)}, so like cannot be compared with like there. It has "
            f"{', '.join(study.stages)}."
        )
    given = given or study.stages[outcome].base
    there = set(study.events["stage"].astype(str).unique())
    lacking = [s for s in (outcome, given) if s not in there]
    if lacking:
        raise NotHeld(
            f"{len(lacking)} of 2 stages have no event in this study: {', '.join(lacking)}. Those who went on are "
            f"compared with those who reached a stage; there are events of {', '.join(sorted(there))}."
        )
    return given


def age_on(date: pd.Series, born: pd.Series) -> pd.Series:
    """Give the age in whole years on a day, by the month of birth.

    Parameters
    ----------
    date : Series of datetime
        The days.
    born : Series of str
        Months of birth, ``YYYY-MM``; empty where not known.

    Returns
    -------
    Series of str
        ``unknown`` where the month of birth is not known.

    Examples
    --------
    >>> age_on(pd.to_datetime(pd.Series(["2023-05-01", "2023-05-01"])), pd.Series(["2008-06", ""])).tolist()
    ['14', 'unknown']
    """
    month = pd.to_datetime(born.where(born.ne("")), format="%Y-%m", errors="coerce")
    years = (date.dt.year - month.dt.year) - (date.dt.month < month.dt.month)
    return years.map(lambda y: NOT_SAID if np.isnan(y) else f"{y:.0f}", na_action=None)


def _whole(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table:
        return pd.Series(NOT_SAID, table.index)
    return table[column].astype(str).str.removesuffix(".0").replace(["", "nan", "None"], NOT_SAID)


def _history(table: pd.DataFrame, events: pd.DataFrame) -> pd.Series:
    """How many episodes of the child here were proven before the day of this one's stage."""
    proven = events[events["stage"].astype(str).isin(PROVEN)].drop_duplicates("episode_id")
    pairs = table[["child_id", "episode_id", "date"]].merge(
        proven[["child_id", "episode_id", "date"]], on="child_id", suffixes=("", "_proven")
    )
    earlier = pairs[
        (pairs["date_proven"] < pairs["date"]) & (pairs["episode_id_proven"] != pairs["episode_id"])
    ]
    number = table["episode_id"].map(earlier["episode_id"].value_counts()).fillna(0)
    return number.map(lambda n: "2 or more" if n > 1 else f"{n:.0f}")
