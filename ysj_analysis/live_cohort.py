"""Who is being followed now, and who has come back early? The figures of a reoffending tracker, without a score.

The live cohort is the children whose twelve months are still running on the last day the study knows of. A further
offence counts here as soon as it is recorded, proven or not: it is early notice, and not the published measure of
``reoffending``. Groups are counted; nothing here ranks, scores or names a child.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from .calendar_periods import year_of
from .disclosure import DisclosureError, Policy
from .field_counts import counted, followed
from .load import Study
from .reading import NotHeld
from .reoffending import FOLLOW

_EARLY = 3
"""Months from the start of follow-up in which coming back is called early."""


def counts(study: Study, *, area: str, by: Sequence[str] = ()) -> pd.DataFrame:
    """Count the live cohort of an area, those with a further offence recorded, and those with an early one.

    Parameters
    ----------
    study : Study
        From ``load.study``, of events with cohorts, and ``offences``.
    area : str
        One of its areas.
    by : sequence of str
        Of ``looked_after`` and ``send``, to divide the cohort by.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``: ``back_so_far`` and ``back_early`` on ``live_cohort``. ``year`` is that of the
        last day known. A child counts once, by its latest entry.

    Raises
    ------
    NotHeld
        If the study has no cohorts, no offences, or does not record what to divide by.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = counts(load.study("data/synthetic"), area="Islington")
    >>> table[["stage", "base"]].drop_duplicates().to_numpy().tolist()
    [['back_so_far', 'live_cohort'], ['back_early', 'live_cohort']]
    """
    events = followed(study, ("cohort",), "the live cohort")
    if study.offences is None:
        raise NotHeld("This study holds no offences, so nobody's return can be seen. Add offences.csv.")
    if missing := [c for c in by if study.children is None or c not in study.children]:
        raise NotHeld(
            f"This study does not record {' or '.join(missing)} of children. Add it to children.csv."
        )
    until = max(study.events["date"].max(), study.offences["offence_date"].max())
    entries = events[events["stage"].eq("cohort") & events["area"].astype(str).eq(area)]
    running = entries[entries["date"].gt(until - pd.DateOffset(months=FOLLOW)) & entries["date"].le(until)]
    latest = running.sort_values("date", kind="stable").drop_duplicates("who", keep="last")
    after = latest[["who", "date"]].merge(
        study.offences[["child_id", "offence_date"]], left_on="who", right_on="child_id"
    )
    after = after[after["offence_date"] > after["date"]]
    early = after[after["offence_date"] <= after["date"] + pd.DateOffset(months=_EARLY)]
    year = int(year_of(pd.Series([until]), study.period).iloc[0])
    rows = latest.assign(
        year=year,
        live_cohort=True,
        back_so_far=latest["who"].isin(after["who"]),
        back_early=latest["who"].isin(early["who"]),
    )
    parts = {}
    if by:
        known = study.children.set_index("child_id")
        for column in by:
            said = rows["who"].map(known[column]).map({True: "yes", False: "no", "yes": "yes", "no": "no"})
            rows = rows.assign(**{column: said.fillna("not recorded")})
            parts[column] = ("no", "not recorded", "yes")
    now = replace(study, areas=(area,), years=(year, year), population=None)
    steps = {"back_so_far": "live_cohort", "back_early": "live_cohort"}
    return counted(now, rows, steps, by=parts)


def for_the_service(policy: Policy) -> Policy:
    """Refuse a policy that protects: a tracker of this month's children is for the service alone.

    Parameters
    ----------
    policy : Policy
        The rule of the edition.

    Returns
    -------
    Policy
        The same.

    Raises
    ------
    DisclosureError
        For a public edition.
    """
    if policy.protects:
        raise DisclosureError(
            "The reoffending tracker follows the few children of these months and has no public edition. Render it "
            "with --edition restricted; the annual report says what can be said in public."
        )
    return policy
