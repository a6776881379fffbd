"""How does one borough stand beside others, without a league table?

Areas stand in alphabetical order and none is ranked. Each group's rate is set beside that of all the areas together,
with the limits within which chance alone would keep it; and each relative rate beside the one that the areas share,
children of one area being compared with children of the same area. Areas differ in whom they police and whom they
record, so a difference between them is a question and not an answer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from . import intervals, pipeline
from .charts import funnel
from .load import DataError, Study
from .reading import NotHeld
from .vocabulary import POPULATION

FEWEST_AREAS = 3
"""Fewer areas than this are no background to stand out from."""

ABOVE, BELOW, WITHIN = "above", "below", "within"


def counts(
    study: Study,
    *,
    stage: str,
    base: str | None = None,
    year: int,
    years: int = 5,
    function: Callable[..., pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Count one stage for every area of a study, in one window.

    Parameters
    ----------
    study : Study
        From ``load.study``, of several areas.
    stage : str
        The stage; of ``function``, where one is given.
    base : str, optional
        What it is counted out of; the stage that feeds it by default.
    year, years : int
        The last year and how many are pooled: the same for all areas.
    function : callable, optional
        A field measure to count with; ``pipeline.stage_counts`` by default.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``, areas in alphabetical order.

    Raises
    ------
    NotHeld
        If the study has fewer than ``FEWEST_AREAS`` areas, or does not count the stage in that window.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = counts(load.study("data/synthetic"), stage="arrest", year=2023)
    >>> table["area"].unique().tolist()
    ['Camden', 'Hackney', 'Haringey', 'Islington']
    """
    if len(study.areas) < FEWEST_AREAS:
        raise NotHeld(
            f"This study holds {len(study.areas)} of at least {FEWEST_AREAS} areas, so a borough cannot be set beside "
            "others. Rows of theirs in its tables would show it."
        )
    first, last = study.years
    window = min(years, year - first + 1)
    table = (function or pipeline.stage_counts)(study, window=window)
    own = base or (study.stages[stage].base if stage in study.stages else "")
    at = table["stage"].astype(str).eq(stage) & table["year"].eq(year)
    rows = table[at & (table["base"].astype(str).eq(own) if own else True)]
    if rows.empty:
        raise NotHeld(
            f"0 of {len(table):,} rows are of {stage} on {own or 'any base'} in {year}. This study counts "
            f"{first} to {last}. Choose a stage and a year it holds."
        )
    order = pd.Categorical(rows["area"].astype(str), sorted(study.areas), ordered=True)
    return rows.assign(area=order).sort_values(["area", "group"], kind="stable").reset_index(drop=True)


def against_all(rates: pd.DataFrame, *, per: float = 1000) -> pd.DataFrame:
    """Set each area's rate beside that of all areas together, with the limits of a funnel.

    Parameters
    ----------
    rates : DataFrame
        From ``measures.rates`` of :func:`counts`, or as measured of a released table: one stage and base.
    per : float
        What its rates are per.

    Returns
    -------
    DataFrame
        The same rows in the same order with ``target`` (all areas' rate or share for that group, of the counts
        shown), ``lower_95, upper_95, lower_998, upper_998`` to draw, ``place`` (``above`` or ``below`` where
        the area's own interval leaves the target out, else ``within``; empty where not shown) and
        ``dispersion_note``. The interval is that of the rows, so a released table's is widened for rounding
        and flags no more than the true one would.

    Raises
    ------
    DataError
        If rows of several stages or windows are given.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185-1202; flags by interval, Office for Health Improvement and
    Disparities.

    Examples
    --------
    >>> from ysj_analysis import disclosure, load, measures
    >>> shown = disclosure.release(counts(load.study("data/synthetic"), stage="arrest", year=2023))
    >>> found = shown.measure(measures.rates).derive(against_all).table
    >>> found.loc[found["group"].astype(str).eq("White"), ["area", "place"]].to_numpy().tolist()
    [['Camden', 'within'], ['Hackney', 'below'], ['Haringey', 'within'], ['Islington', 'above']]
    """
    _refuse_several(rates)
    plain = rates[
        ["area", "year", "years", "unit", "stage", "base", "group", "events", "denominator", "note"]
    ]
    drawn = funnel(plain, per=per)
    shown = rates["low"].notna() & drawn["target"].notna()
    place = np.select(
        [~shown, rates["low"] > drawn["target"], rates["high"] < drawn["target"]], ["", ABOVE, BELOW], WITHIN
    )
    limits = ["target", "lower_95", "upper_95", "lower_998", "upper_998"]
    note = drawn["note"].where(drawn["note"].eq("overdispersed"), "")
    return rates.assign(
        **{c: drawn[c].to_numpy() for c in limits}, place=place, dispersion_note=note.to_numpy()
    )


def against_shared(ratios: pd.DataFrame) -> pd.DataFrame:
    """Set each area's relative rate beside the one that all the areas share: standardised for area.

    Children of each area are compared with children of the same area, and the comparisons pooled, so that an area with
    high rates for everyone adds nothing.

    Parameters
    ----------
    ratios : DataFrame
        From ``measures.relative_rates`` of :func:`counts`, or as measured of a released table.

    Returns
    -------
    DataFrame
        The same rows in the same order with ``target`` (Mantel-Haenszel over the areas of which all four counts are
        shown), ``target_low, target_high``, ``areas`` (how many) and ``place``, as in :func:`against_all`. Of one area
        alone there is no target. An area is part of what it is set beside, which draws the two together.

    References
    ----------
    Mantel and Haenszel (1959); Greenland and Robins (1985).

    Examples
    --------
    >>> from ysj_analysis import disclosure, load, measures
    >>> shown = disclosure.release(counts(load.study("data/synthetic"), stage="arrest", year=2023))
    >>> found = shown.measure(measures.relative_rates).derive(against_shared).table
    >>> one = found[found["group"].astype(str).eq("Black")]
    >>> bool((one["target"].nunique() == 1) and one["target_low"].gt(1).all())
    True
    """
    _refuse_several(ratios)
    four = ["events", "denominator", "reference_events", "reference_denominator"]
    rows = ratios.reset_index(drop=True)
    itself = rows["group"].astype(str).eq(rows["reference"].astype(str))
    usable = rows["estimate"].notna() & rows[four].notna().all(axis=1) & ~itself
    group, area = rows["group"].astype(str), rows["area"].astype(str)
    groups, areas = pd.Index(group.unique()), pd.Index(area.unique())
    at = (groups.get_indexer(group[usable]), areas.get_indexer(area[usable]))
    cells = np.zeros((4, len(groups), len(areas)))
    for i, column in enumerate(four):
        cells[i][at] = rows.loc[usable, column].to_numpy(float)
    poisson = bool(rows["base"].astype(str).eq(POPULATION).all())
    pool = intervals.mantel_haenszel_rate_ratio if poisson else intervals.mantel_haenszel_risk_ratio
    shared = pool(*cells)
    number = (cells[1] > 0).sum(axis=1)
    found = pd.DataFrame(
        {"target": shared.estimate, "target_low": shared.low, "target_high": shared.high}, index=groups
    )
    found = found[number > 1].reindex(groups)
    found = found.assign(areas=number).loc[group].reset_index(drop=True)
    shown = usable & rows["low"].notna() & found["target"].notna()
    place = np.select(
        [~shown, rows["low"] > found["target"], rows["high"] < found["target"]], ["", ABOVE, BELOW], WITHIN
    )
    return rows.assign(
        **{c: found[c].mask(itself) for c in found if c != "areas"}, areas=found["areas"], place=place
    )


def _refuse_several(rows: pd.DataFrame) -> None:
    if rows[["stage", "base", "year", "years"]].astype(str).drop_duplicates().shape[0] > 1:
        raise DataError(
            f"{len(rows)} rows are of several stages, bases or windows. First: {rows['stage'].iloc[0]}. "
            "Choose one, so that areas are compared in one thing."
        )
