"""Where do children wait for the court: bailed, in the community, in local authority or youth detention accommodation?

Children are followed in the year their episode began. Each function counts, for every area, window and group; a
comparison of groups is a measure of its counts.
"""

from __future__ import annotations

import pandas as pd

from .field_counts import GRAVITY_BANDS, counted, followed, need_gravity, reached
from .field_stages import FURTHEST_REMAND, YJB_REMAND
from .load import Study
from .pathways import pathways
from .reading import NotHeld
from .vocabulary import COUNTS

_TYPES = ("bail", "community_remand", "rlaa", "yda")


def partition(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count each child once, at the furthest remand they came to in the window: shares that add to 1.

    Parameters
    ----------
    study : Study
        From ``load.study``, of events or of counts.
    window : int
        Years pooled, ending with ``year``.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``: the stages of ``field_stages.FURTHEST_REMAND`` on the base ``remanded``, RLAA
        and YDA apart, and those of whom no type is recorded as the last. The furthest is YDA, then RLAA, then
        community remand, then bail. ``note`` is ``immature`` where a type is still to come.

    Raises
    ------
    NotHeld
        If the study records no type of remand.
    DataError
        If the study holds more remands than remand decisions.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> one = partition(load.study("data/synthetic"), window=5).query("area == 'Islington' and year == 2023")
    >>> shares = one["events"].groupby(one["group"], observed=True).sum() / one.groupby("group", observed=True)[
    ...     "denominator"].first()
    >>> shares[["Black", "White"]].to_list()
    [1.0, 1.0]
    """
    _need_types(study)
    here = study.counts if study.events is None else study.events
    exits = [s for s in _TYPES[::-1] if (here["stage"] == s).any()]
    table = pathways(study, base="remand_decision", exits=exits, window=window)
    names = {old: new for new, old in FURTHEST_REMAND.items()}
    stage = pd.Categorical(table["stage"].astype(str).map(names), list(FURTHEST_REMAND), ordered=True)
    table = table.assign(stage=stage, base="remanded")
    order = [c for c in ("area", "year") if c in table]
    return table.sort_values([*order, "stage", "group"], kind="stable").reset_index(drop=True)


def as_yjb(partition: pd.DataFrame) -> pd.DataFrame:
    """Group remand as the Youth Justice Board does: bail; community remand with intervention, RLAA among it; custody.

    Parameters
    ----------
    partition : DataFrame
        From :func:`partition`, or as released from it: a hidden part hides the sum.

    Returns
    -------
    DataFrame
        As :func:`partition`, of the stages of ``field_stages.YJB_REMAND``: shares that add to 1.

    References
    ----------
    Youth Justice Board, Youth justice statistics, chapter 6: bail; community remands with intervention (bail
    supervision and support, intensive supervision bail, RLAA); custodial remands (YDA).

    Examples
    --------
    >>> from ysj_analysis import disclosure, load
    >>> shown = disclosure.release(partition(load.study("data/synthetic"), window=5))
    >>> shown.derive(as_yjb).table["stage"].unique().tolist()
    ['yjb_bail', 'yjb_community', 'yjb_custodial', 'yjb_not_recorded']
    """
    group_of = {part: whole for whole, parts in YJB_REMAND.items() for part in parts}
    table = partition.assign(stage=partition["stage"].astype(str).map(group_of))
    keys = [*COUNTS, "denominator"]
    known = table.assign(denominator=table["denominator"].fillna(-1))
    summed = known.groupby(keys, observed=True, sort=False).agg(
        events=("events", lambda v: v.sum(skipna=False)), note=("note", "max")
    )
    summed = summed.reset_index()
    summed = summed.assign(
        denominator=summed["denominator"].where(summed["denominator"] >= 0),
        stage=pd.Categorical(summed["stage"], list(YJB_REMAND), ordered=True),
    )
    summed = summed.sort_values(["area", "year", "stage", "group"], kind="stable")
    return summed[[*COUNTS, "events", "denominator", "note"]].reset_index(drop=True)


def alternative(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count how often local authority accommodation stood in for youth detention.

    Parameters
    ----------
    study, window
        As for :func:`partition`; the study must have events.

    Returns
    -------
    DataFrame
        ``rlaa_instead`` on ``remanded_away``: of children remanded to RLAA or YDA in the window, those who were
        never remanded to YDA. A higher share is better for the child.

    Raises
    ------
    NotHeld
        If the study has no events, or none of RLAA or of YDA.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> alternative(load.study("data/synthetic"))[["stage", "base", "unit"]].drop_duplicates().to_numpy().tolist()
    [['rlaa_instead', 'remanded_away', 'children']]
    """
    rows = reached(followed(study, ("rlaa", "yda"), "RLAA as the alternative to YDA"), ("rlaa", "yda"))
    ever = rows.assign(remanded_away=rows["rlaa"] | rows["yda"])
    table = counted(study, ever, {"yda": "remanded_away"}, window=window, late=("rlaa", "yda"))
    # Those never in YDA are those of the base who are not among those ever in it.
    stage = pd.Categorical(["rlaa_instead"] * len(table), ["rlaa_instead"], ordered=True)
    return table.assign(stage=stage, events=table["denominator"] - table["events"])


def without_custody(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count the children remanded to youth detention who were then not sentenced to custody.

    Parameters
    ----------
    study, window
        As for :func:`partition`; the study must have events.

    Returns
    -------
    DataFrame
        ``yda_no_custody`` on ``yda_remanded``: of children remanded to YDA, those with no custodial sentence for a
        case of the same year of arrest: acquitted, discontinued or sentenced otherwise. ``immature`` where sentences of
        the window are still to come.

    Raises
    ------
    NotHeld
        If the study has no events, or none of YDA or of custodial sentences.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = without_custody(load.study("data/synthetic"), window=5)
    >>> bool((table["events"] <= table["denominator"]).all())
    True
    """
    what = "whether remand was followed by custody"
    rows = reached(followed(study, ("yda", "custody"), what), ("yda", "custody"))
    rows = rows.assign(yda_remanded=rows["yda"], yda_no_custody=rows["yda"] & ~rows["custody"])
    return counted(study, rows, {"yda_no_custody": "yda_remanded"}, window=window, late=("yda", "custody"))


def by_gravity(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count remands to youth detention by the gravity of the offence, for like to be compared with like.

    Parameters
    ----------
    study, window
        As for :func:`partition`; the study must have events with gravity.

    Returns
    -------
    DataFrame
        ``graded_yda`` on ``graded_remand`` with ``gravity``, of ``field_counts.GRAVITY_BANDS``: each child once, in the
        band of its gravest episode with a remand decision. ``models.stratified(table, by=["gravity"])``, or
        ``matched.matched`` of the released table, compares within the bands.

    Raises
    ------
    NotHeld
        If the study has no events, or records no gravity.

    Notes
    -----
    The offence a child is charged with is itself decided by the police and the prosecution: a comparison within its
    gravity takes away whatever difference there was in charging.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> list(by_gravity(load.study("data/synthetic"), window=5)["gravity"].cat.categories)
    ['gravity not known', 'gravity 1 to 4', 'gravity 5 to 8']
    """
    what = "remand to youth detention"
    events = need_gravity(study, followed(study, ("remand_decision", "yda"), what), what)
    rows = events.assign(
        graded_remand=events["stage"].eq("remand_decision"), graded_yda=events["stage"].eq("yda")
    )
    bands, late = {"gravity": GRAVITY_BANDS}, ("yda",)
    return counted(study, rows, {"graded_yda": "graded_remand"}, window=window, by=bands, late=late)


def _need_types(study: Study) -> None:
    """Say what is not held where a study counts no type of remand."""
    table = study.counts if study.events is None else study.events
    wanted = ("remand_decision", *_TYPES)
    there = [s for s in wanted if table is not None and (table["stage"] == s).any()]
    if wanted[0] not in there or len(there) < 3:
        raise NotHeld(
            "This study records no types of remand, so bail, community remand, RLAA and YDA cannot be set "
            "side by side. Rows of each type and of remand_decision would show them."
        )
