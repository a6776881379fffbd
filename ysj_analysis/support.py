"""Whom does support reach? Needs of the key performance indicators, and the service's programmes, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .calendar_periods import year_of
from .field_counts import counted, followed, refuse_stored, since
from .from_events import prepared
from .load import Study
from .reading import NotHeld, near, shown
from .vocabulary import FIRST_MONTH

NEEDS_SINCE = 2023
"""The key performance indicators are recorded from the April of this year."""

MONTHS_TO_COMPLETE = 6
"""A programme begun in the last months before the study ends has had no time to be completed."""

_STEPS = {
    "need": {
        "need_identified": "identified",
        "need_offered": "offered",
        "need_attending": "started",
    },
    "programme": {
        "programme_suited": "identified",
        "programme_offered": "offered",
        "programme_started": "started",
        "programme_completed": "completed",
    },
}


def needs(study: Study, *, name: str = "", window: int = 1) -> pd.DataFrame:
    """Count the children with a need identified, of them those offered support, and of them those attending.

    Parameters
    ----------
    study : Study
        From ``load.study``, with ``support``.
    name : str
        One of the needs, such as those of the key performance indicators: accommodation; education, training and
        employment; special educational needs; mental health; substance misuse. Empty: any of them.
    window : int
        Years pooled, ending with ``year``; fewer where the needs have not been recorded for that long.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``, from ``NEEDS_SINCE`` on, by the year in which the need was identified:
        ``need_identified`` on ``on_intervention`` (children who started an intervention, or had a need identified, in
        the window), ``need_offered`` on ``need_identified``, ``need_attending`` on ``need_offered``. A child
        counts once.

    Raises
    ------
    NotHeld
        If the study holds no needs, or none of that name, or ends before they were recorded.

    References
    ----------
    Ministry of Justice and Youth Justice Board, key performance indicators for youth justice services, from April 2023.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = needs(load.study("data/synthetic"))
    >>> table["year"].unique().tolist(), table["stage"].cat.categories.to_list()
    ([2023], ['need_identified', 'need_offered', 'need_attending'])
    """
    study = since(study, NEEDS_SINCE, "What children need")
    first, last = study.years
    return _counted(study, "need", name, min(window, last - first + 1))


def programmes(study: Study, *, name: str = "", window: int = 1) -> pd.DataFrame:
    """Count the children found suitable for a programme, offered it, who started it and who completed it.

    Parameters
    ----------
    study, window
        As for :func:`needs`, from the study's first year on.
    name : str
        One programme; empty: any of them.

    Returns
    -------
    DataFrame
        As :func:`needs`: ``programme_suited`` on ``on_intervention``, ``programme_offered`` on ``programme_suited``,
        ``programme_started`` on ``programme_offered``, ``programme_completed`` on ``programme_started``. ``immature``
        for completion where the window ends less than ``MONTHS_TO_COMPLETE`` before the study's last event.

    Raises
    ------
    NotHeld
        If the study holds no programmes, or none of that name.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = programmes(load.study("data/synthetic"), window=5)
    >>> table["base"].unique().tolist()
    ['on_intervention', 'programme_suited', 'programme_offered', 'programme_started']
    """
    table = _counted(study, "programme", name, window)
    ended = pd.to_datetime({"year": table["year"] + 1, "month": FIRST_MONTH[study.period], "day": 1})
    young = ended + pd.DateOffset(months=MONTHS_TO_COMPLETE) > study.events["date"].max() + pd.Timedelta(
        days=31
    )
    waits = table["stage"].eq("programme_completed") & young
    return table.assign(note=table["note"].mask(waits, "immature"))


def names(study: Study, kind: str) -> list[str]:
    """List the needs or the programmes that a study records.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    kind : {"need", "programme"}
        Which.

    Returns
    -------
    list of str
        In alphabetical order; none where none is recorded.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> names(load.study("data/synthetic"), "programme")
    ['mentoring', 'restorative justice', 'weapons awareness']
    """
    if study.support is None:
        return []
    return sorted(study.support.loc[study.support["kind"].eq(kind), "name"].unique())


# -- inside ------------------------------------------------------------------------------------------


def _counted(study: Study, kind: str, name: str, window: int) -> pd.DataFrame:
    rows = _rows(study, kind, name)
    columns = _STEPS[kind]
    reached = pd.DataFrame({stage: rows[c].notna() for stage, c in columns.items()}, rows.index)
    rows = rows[["who", "area", "year", "group"]].join(reached).assign(on_intervention=True)
    begun = followed(study, ("intervention",), "the reach of support")
    begun = begun[begun["stage"].eq("intervention")]
    begun = begun.assign(year=begun["dated"], on_intervention=True)[
        ["who", "area", "year", "group", "on_intervention"]
    ]
    everyone = pd.concat([begun.astype({"area": str}), rows.astype({"area": str})], ignore_index=True)
    everyone = everyone.fillna(dict.fromkeys(columns, False)).astype(dict.fromkeys(columns, bool))
    return counted(study, everyone, _on_the_step_before(list(columns)), window=window)


def _on_the_step_before(stages: Sequence[str]) -> dict[str, str]:
    """Put each step on the one before it, the first on those on an intervention."""
    return dict(zip(stages, ["on_intervention", *stages[:-1]], strict=True))


def _rows(study: Study, kind: str, name: str) -> pd.DataFrame:
    refuse_stored(study, "the reach of support")
    table = study.support
    known = names(study, kind)
    if table is None or study.events is None or study.children is None or not known:
        plural = "needs of children" if kind == "need" else "programmes"
        raise NotHeld(
            f"This study holds no {plural}, so who is offered and who attends cannot be shown. A table "
            "support.csv, with the days on which each was identified, offered, started and completed, would show it."
        )
    if name and name not in known:
        raise NotHeld(
            f"This study holds no {kind} named {shown(name)}: it has {', '.join(known)}.{near(name, known)}"
        )
    rows = table[table["kind"].eq(kind) & (table["name"].eq(name) if name else True)]
    who = prepared(study).drop_duplicates("child_id")[["child_id", "group"]]
    rows = rows.merge(who, on="child_id", how="inner", validate="many_to_one")
    return rows.assign(who=rows["child_id"], year=year_of(rows["identified"], study.period))
