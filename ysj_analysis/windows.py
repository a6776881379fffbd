"""Which years are counted together, and in which cells? What every way of counting shares.

A window is a number of years pooled, named by its last. Only windows that lie within a study are
counted.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .load import DataError, Study
from .once import of_tables
from .reading import NotHeld
from .vocabulary import POPULATION, Stage, chain

PENDING_LIMIT = 0.20
"""A stage is immature in a year in which more than this share of its cases is still to be decided."""


def root(stage: str, stages: Mapping[str, Stage]) -> str:
    """Name the base of the first stage on the path to a stage: the population, or the first stage.

    Parameters
    ----------
    stage : str
        Id of a stage.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    str
        ``population``, or the id of a stage before which nothing is known.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> root("custody", STAGES)
    'population'
    """
    first = chain(stage, stages)[0]
    return POPULATION if stages[first].base == POPULATION else first


def ends(study: Study, window: int) -> np.ndarray:
    """List the last years of the windows of a study.

    Parameters
    ----------
    study : Study
        Its years bound the windows.
    window : int
        Years in a window.

    Returns
    -------
    array of int
        The earliest first.
    """
    first, last = study.years
    return np.arange(first + window - 1, last + 1)


def spread(table: pd.DataFrame, study: Study, window: int, *, year: str = "year") -> pd.DataFrame:
    """Repeat each row in every window its year falls in.

    Parameters
    ----------
    table : DataFrame
        With a column of years.
    study : Study
        Its years bound the windows.
    window : int
        Years in a window.
    year : str
        The column.

    Returns
    -------
    DataFrame
        With ``end``, the window's last year; rows outside every window are left out.
    """
    rows = np.repeat(np.arange(len(table)), window)
    end = table[year].to_numpy()[rows] + np.tile(np.arange(window), len(table))
    inside = np.isin(end, ends(study, window))
    return table.iloc[rows[inside]].assign(end=end[inside])


def levels(study: Study, stages: Sequence[str], split: Mapping[str, Sequence[str]], window: int) -> dict:
    """List what tells cells apart, in order: every area, window, stage, group and ``by`` value.

    Parameters
    ----------
    study : Study
        Its areas, years and groups are used.
    stages : sequence of str
        The stages that are counted.
    split : mapping of str to sequence of str
        The values of each ``by`` column.
    window : int
        Years in a window.

    Returns
    -------
    dict of str to list
        The values by column: ``area, end, stage, group, [by...]``.
    """
    return {
        "area": list(study.areas),
        "end": list(ends(study, window)),
        "stage": list(stages),
        "group": list(study.groups),
        **split,
    }


def grid(levels: Mapping[str, Sequence]) -> pd.DataFrame:
    """Lay out a row for every cell, whether or not anything happened there.

    Parameters
    ----------
    levels : mapping of str to sequence
        From :func:`levels`.

    Returns
    -------
    DataFrame
        A column a level, the last changing fastest.
    """
    return pd.MultiIndex.from_product(list(levels.values()), names=list(levels)).to_frame(index=False)


def in_order(table: pd.DataFrame, study: Study, stages: Sequence[str], by: Sequence[str]) -> pd.DataFrame:
    """Order counts by area, year, stage, base with the decision first, and group.

    Parameters
    ----------
    table : DataFrame
        With those columns, the year as ``end``.
    study : Study
        Gives the areas, the groups and the bases in their order.
    stages : sequence of str
        The stages in theirs.
    by : sequence of str
        What else tells rows apart.

    Returns
    -------
    DataFrame
        The same rows, these columns as ordered categories and the year as ``year``.
    """
    return (
        table.assign(
            area=pd.Categorical(table["area"], list(study.areas), ordered=True),
            stage=pd.Categorical(table["stage"], list(stages), ordered=True),
            base=pd.Categorical(table["base"], [*study.stages, POPULATION], ordered=True),
            group=pd.Categorical(table["group"], list(study.groups), ordered=True),
        )
        .sort_values(["area", "end", "stage", "base", "group", *by], kind="stable")
        .rename(columns={"end": "year"})
    )


def child_years(study: Study, cells: pd.DataFrame, by: Sequence[str], window: int) -> np.ndarray:
    """Give the child-years aged 10 to 17 behind each cell.

    Parameters
    ----------
    study : Study
        With or without a population.
    cells : DataFrame
        With ``area, end, group`` and the ``by`` columns.
    by : sequence of str
        Further columns.
    window : int
        Years in a window.

    Returns
    -------
    array of float
        NaN where they are not known: no population, none of that group or split, a hidden part, or a
        year of the window without one.
    """
    people = study.population
    if people is None or set(by) - set(people.columns):
        return np.full(len(cells), np.nan)
    people = _of_one_vintage(people, study.vintage)
    people = people[people["area"].isin(cells["area"].unique())].astype({"group": str})
    keys = ["area", "end", "group", *by]
    pooled = spread(people[people["year"].notna()], study, window).groupby(keys, observed=True)
    summed = pooled[["population"]].sum(skipna=False).assign(years=pooled["year"].nunique())
    found = cells[keys].join(summed, on=keys)
    return found["population"].where((found["years"] == window) & (found["population"] > 0)).to_numpy(float)


@of_tables
def _of_one_vintage(people: pd.DataFrame, vintage: str | None) -> pd.DataFrame:
    """Keep the rows of one census or estimate; two are never added together."""
    if "vintage" not in people:
        return people
    there = list(dict.fromkeys(people["vintage"]))
    if vintage is None and len(there) > 1:
        raise DataError(
            f"population.csv: {len(there)} vintages in one table ({', '.join(there[:5])}), and study.toml does "
            "not say which to use. Add [population] vintage; two vintages are never added together."
        )
    kept = people if vintage is None else people[people["vintage"] == vintage]
    if kept.empty:
        raise DataError(
            f"population.csv: 0 of {len(people):,} rows have the vintage {vintage!r} that study.toml asks for; "
            f"there is {', '.join(there[:5])}. Correct [population] vintage."
        )
    return kept


def refuse_split(by, there) -> None:
    """Refuse to split by what a study does not hold.

    Parameters
    ----------
    by : sequence of str
        The columns asked for.
    there : sequence of str
        Those it can be split by.

    Raises
    ------
    NotHeld
        Naming both.

    Examples
    --------
    >>> refuse_split(["sex"], [])
    Traceback (most recent call last):
    ysj_analysis.reading.NotHeld: This study cannot be split by sex: its tables have no such column.
    """
    if unknown := [b for b in by if b not in there]:
        other = f"; it can be split by {', '.join(there)}" if there else ": its tables have no such column"
        raise NotHeld(f"This study cannot be split by {', '.join(unknown)}{other}.")


def refuse_window(window: int, years: tuple[int, int]) -> None:
    """Refuse a window that a study has no years for.

    Parameters
    ----------
    window : int
        How many years are counted together.
    years : tuple of int
        The first and last year of the study.

    Raises
    ------
    ValueError
        If it is not a whole number from 1 to the years there are.

    Examples
    --------
    >>> refuse_window(9, (2016, 2023))
    Traceback (most recent call last):
    ValueError: window is 9; this study has 8 years, 2016 to 2023. Give a whole number from 1 to 8.
    """
    first, last = years
    most = last - first + 1
    if not isinstance(window, numbers.Real) or window % 1 or not 1 <= window <= most:
        raise ValueError(
            f"window is {window!r}; this study has {most} years, {first} to {last}. Give a whole number from 1 to "
            f"{most}."
        )
