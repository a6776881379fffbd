"""Compared with which other place? Comparator tables for a reference too small at home, checked first.

The alternate risk ratio compares the children of a small area with the reference group of a larger one:
its region, its statistical neighbours, its youth offending family. The tables made here are what
`measures.relative_rates(reference=...)` takes. A published comparator can be wrong: the "England" rate of
first-time entrants in one national tool was the sum of nine regional rates, 3,071 in a year in which the
regions run from 237 to 417.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .references import keys
from .tables import DataError, near, shown
from .vocabulary import POPULATION, UNKNOWN

OK, SUM, OUTSIDE, CANNOT_SAY = "plausible", "the sum of its parts", "outside its parts", "cannot say"


def comparator(
    table: pd.DataFrame, *, areas: Sequence[str], group: str, local: str, name: str = ""
) -> pd.DataFrame:
    """Add up one group over other areas, as the reference of a local comparison.

    Parameters
    ----------
    table : DataFrame
        Counts of several areas as `pipeline.stage_counts` gives them.
    areas : sequence of str
        The areas to compare with: neighbours, or a region by its own rows.
    group : str
        The group to compare with; ``all`` for all groups of known ethnicity together.
    local : str
        The area that is compared. It may not be among the others: it would be compared with itself.
    name : str
        What to call the comparator in a report; made of the group and the areas when left out.

    Returns
    -------
    DataFrame
        ``group`` (the name), ``events``, ``denominator`` and the columns that tell comparisons apart, without
        ``area``. A count missing in any area leaves the sum missing, and nothing is compared with it.

    Raises
    ------
    ValueError
        For an area or group that is not in the table, or the local area among the others.

    Examples
    --------
    >>> t = pd.DataFrame({"area": ["Islington", "Camden", "Hackney"], "base": "population", "group": "White",
    ...                   "events": [1, 12, 20], "denominator": [6558, 7413, 8968]})
    >>> comparator(t, areas=["Camden", "Hackney"], group="White", local="Islington")
             base  events  denominator                      group
    0  population    32.0      16381.0  White, Camden and Hackney
    """
    there, groups = (
        list(dict.fromkeys(table["area"].astype(str))),
        list(dict.fromkeys(table["group"].astype(str))),
    )
    for area in areas:
        if area not in there:
            raise ValueError(f"area {area!r} is not one of {', '.join(there)}.{near(area, there)}")
    if local in areas:
        raise ValueError(
            f"{local!r} is among the areas it is compared with. Leave it out: it would be compared with itself."
        )
    if group not in (*groups, "all"):
        raise ValueError(
            f"group {group!r} is not one of {', '.join(groups)}, nor 'all'.{near(group, groups)}"
        )
    of_group = table["group"].ne(UNKNOWN) if group == "all" else table["group"].eq(group)
    rows = table[of_group & table["area"].astype(str).isin(areas)]
    by = [c for c in keys(table) if c != "area"]
    summed = (
        rows.astype({"events": float, "denominator": float})
        .groupby(by, observed=True, sort=False, dropna=False)[["events", "denominator"]]
        .sum(skipna=False)
        .reset_index()
    )
    title = name or f"{'all groups' if group == 'all' else group}, {' and '.join(areas)}"
    return summed.assign(group=title)


def from_rates(rates: pd.DataFrame, *, name: str, per: float) -> pd.DataFrame:
    """Make a comparator of a published rate and the population it is of.

    Parameters
    ----------
    rates : DataFrame
        ``rate``, ``population`` and the columns that match it to the local rows, such as ``year`` and ``stage``.
    name : str
        What to call the comparator.
    per : float
        What the rates are per.

    Returns
    -------
    DataFrame
        ``group, events, denominator, base, rounding`` and those columns. ``events`` is the whole number nearest to
        the rate times the population, and ``rounding`` how far it may be from the true one because the rate was
        rounded to a whole number.

    Raises
    ------
    DataError
        For a rate or population that is missing or below 0.

    Examples
    --------
    >>> london = pd.DataFrame({"year": [2022], "rate": [170], "population": [837_635]})
    >>> from_rates(london, name="London, all groups", per=100_000).drop(columns="base")
       year               group  events  denominator  rounding
    0  2022  London, all groups  1424.0     837635.0         4
    """
    rate, population = rates["rate"].astype(float), rates["population"].astype(float)
    bad = ~((rate >= 0) & (population > 0))
    if bad.any():
        raise DataError(
            f"{name}: {bad.sum():,} of {len(rates):,} rows have no rate of 0 or more and population above 0. First: "
            f"row {int(bad.to_numpy().argmax()) + 1:,}. Take the row out, or give both."
        )
    return rates.drop(columns=["rate", "population"]).assign(
        group=name,
        events=np.rint(rate * population / per),
        denominator=population,
        base=POPULATION,
        rounding=np.floor(0.5 * population / per + 0.5).astype(int),
    )


def plausibility(
    rates: pd.DataFrame, *, whole: str, parts: Sequence[str], by: Sequence[str] = ("year",), half: float = 0.5
) -> pd.DataFrame:
    """Ask whether a published rate of a whole can be that of its parts together.

    A rate of a whole is a mean of the rates of its parts, weighted by their populations, so it lies between
    the smallest and the largest of them, whatever the weights are.

    Parameters
    ----------
    rates : DataFrame
        ``area``, ``rate`` and the columns of ``by``; a missing rate is one that was hidden.
    whole : str
        The area that is made of the others.
    parts : sequence of str
        All the areas it is made of.
    by : sequence of str
        What tells comparisons apart.
    half : float
        Half a unit of the last digit printed.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``area``, ``rate``; ``lowest``, ``highest`` and ``sum`` of the parts; ``parts``, how
        many are known; and ``verdict``: ``plausible``, ``the sum of its parts``, ``outside its parts``, or ``cannot
        say`` when the rate is outside those known and a part is not.

    Raises
    ------
    DataError
        When the whole or a part is not in the table, or has two rates.

    Examples
    --------
    >>> t = pd.DataFrame({"area": ["England", "North", "South"], "year": 2016, "rate": [654, 237, 417]})
    >>> plausibility(t, whole="England", parts=["North", "South"])
       year     area   rate  lowest  highest    sum  parts               verdict
    0  2016  England  654.0   237.0    417.0  654.0      2  the sum of its parts
    """
    there = list(dict.fromkeys(rates["area"].astype(str)))
    if absent := [a for a in (whole, *parts) if a not in there]:
        raise DataError(
            f"rates: {len(absent)} of {len(parts) + 1} areas are not there, the first {shown(absent[0])}."
            f"{near(absent[0], there)} Give the rates of the whole and of all its parts."
        )
    twice = rates.duplicated(["area", *by])
    if twice.any():
        raise DataError(
            f"rates: {twice.sum():,} of {len(rates):,} rows repeat an area and {', '.join(by)}. First: row "
            f"{int(twice.to_numpy().argmax()) + 1:,}. Keep one."
        )
    wide = rates.astype({"rate": float}).pivot(index=list(by), columns="area", values="rate")
    of_parts = wide[list(parts)]
    table = pd.DataFrame(
        {
            "area": whole,
            "rate": wide[whole],
            "lowest": of_parts.min(axis=1),
            "highest": of_parts.max(axis=1),
            "sum": of_parts.sum(axis=1),
            "parts": of_parts.notna().sum(axis=1),
        }
    )
    inside = table["rate"].between(table["lowest"] - 2 * half, table["highest"] + 2 * half)
    # Each part and the whole may be off by half a unit, and so may their sum by as many halves as there are.
    added = (table["rate"] - table["sum"]).abs() <= half * (table["parts"] + 1)
    verdict = np.select(
        [table["rate"].isna(), inside, added & (table["parts"] > 1), table["parts"] < len(parts)],
        [CANNOT_SAY, OK, SUM, CANNOT_SAY],
        OUTSIDE,
    )
    return table.assign(verdict=verdict).reset_index()


def refuse_implausible(checked: pd.DataFrame) -> None:
    """Refuse a published comparator that `plausibility` found wrong.

    Parameters
    ----------
    checked : DataFrame
        From `plausibility`.

    Raises
    ------
    DataError
        With the first rate that cannot be.

    Examples
    --------
    >>> t = pd.DataFrame({"area": ["England", "North", "South"], "year": 2016, "rate": [300, 237, 417]})
    >>> refuse_implausible(plausibility(t, whole="England", parts=["North", "South"]))
    """
    wrong = checked["verdict"].isin([SUM, OUTSIDE])
    if wrong.any():
        row = checked[wrong].iloc[0]
        when = ", ".join(str(v) for v in checked.loc[wrong].iloc[0][: checked.columns.get_loc("area")])
        raise DataError(
            f"{row['area']}: {wrong.sum():,} of {len(checked):,} published rates cannot be. First: {when}, "
            f"{row['rate']:,.0f}, which is {row['verdict']} ({row['lowest']:,.0f} to {row['highest']:,.0f}, adding to "
            f"{row['sum']:,.0f}). A rate of a whole lies between those of its parts. Do not compare with it: add the "
            "parts up as counts and populations instead."
        )
