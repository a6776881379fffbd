"""What was the population in a year nobody published? Filled in only when asked, and marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .tables import DataError
from .vocabulary import period_label

_FILLS = ("linear", "held")
"""How a year without a population may be filled in: on a straight line, or as in the nearest year."""


def filled(
    table: pd.DataFrame,
    years: Sequence[int],
    *,
    fill: str | None = None,
    beyond: bool = False,
    name: str = "population",
) -> pd.DataFrame:
    """Give a population in the years wanted, and mark every figure that was not published.

    Parameters
    ----------
    table : DataFrame
        ``year``, ``population`` and the columns that tell its series apart, such as ``area`` and ``group``.
    years : sequence of int
        The years wanted.
    fill, beyond
        As for `Registry.population`.
    name : str
        What to call the table in a message.

    Returns
    -------
    DataFrame
        A row for each series and year, with ``estimated``. Filled-in figures are whole children; a line
        from a missing figure is missing.

    Raises
    ------
    DataError
        For a year that is not there and may not be filled in, or a line that falls below 0.
    ValueError
        For another way to fill in.

    Examples
    --------
    >>> t = pd.DataFrame({"area": "A", "group": "Black", "year": [2011, 2021], "population": [1000, 1100]})
    >>> filled(t, [2011, 2014, 2021], fill="linear")[["year", "population", "estimated"]]
       year  population                         estimated
    0  2011      1000.0
    1  2014      1030.0  interpolated between 2011 and 2021
    2  2021      1100.0
    """
    if fill is not None and fill not in _FILLS:
        raise ValueError(f"fill is {fill!r}; it must be {' or '.join(map(repr, _FILLS))}, or left out.")
    keys = [c for c in table.columns if c not in ("year", "population", "estimated")]
    parts = []
    for _, rows in table.groupby(keys, sort=False, observed=True, dropna=False) if keys else [((), table)]:
        known = rows.sort_values("year")
        new = pd.DataFrame({**{k: [known[k].iloc[0]] * len(years) for k in keys}, "year": list(years)})
        values = [_one(known, y, fill, beyond, name) for y in years]
        parts.append(new.assign(population=[v for v, _ in values], estimated=[how for _, how in values]))
    return pd.concat(parts, ignore_index=True)


def _one(known: pd.DataFrame, year: int, fill: str | None, beyond: bool, name: str) -> tuple[float, str]:
    """Give the population of one series in one year, and how it came about."""
    years, values = known["year"].to_numpy(int), known["population"].to_numpy(float)
    if year in years:
        return float(values[years == year][0]), ""
    there = f"{years[0]} to {years[-1]}" if len(years) > 1 else str(years[0])
    inside = years[0] < year < years[-1]
    if fill == "held":
        nearest = int(np.abs(years - year).argmin())
        return float(values[nearest]), f"held at {years[nearest]}"
    if fill is None or len(years) < 2 or not (inside or beyond):
        why = "" if fill is None else (
            f" A line needs two years, and there is {there}." if len(years) < 2 else " It lies beyond them."
        )  # fmt: skip
        raise DataError(
            f"{name}: {year} is not among the years there are ({there}).{why} Give that year; or ask for "
            "fill='held', the nearest year unchanged; or for fill='linear', with beyond=True past the ends. "
            "What is filled in is marked."
        )
    at = int(np.clip(np.searchsorted(years, year), 1, len(years) - 1))
    (y0, y1), (v0, v1) = years[at - 1 : at + 1], values[at - 1 : at + 1]
    value = v0 + (v1 - v0) * (year - y0) / (y1 - y0)
    if value < 0:
        raise DataError(f"{name}: the line through {y0} and {y1} is below 0 in {year}. Use fill='held'.")
    how = "interpolated between" if inside else "extrapolated from"
    return float(np.rint(value)), f"{how} {y0} and {y1}"


def filled_lines(table: pd.DataFrame, period: str) -> list[tuple]:
    """Say in lines of a ledger which years of a population nobody published.

    Parameters
    ----------
    table : DataFrame
        A population; its column ``estimated`` is empty for a published figure.
    period : str
        The kind of year, one of ``vocabulary.PERIODS``.

    Returns
    -------
    list of tuple
        ``step, what, why, removed, left``, in cells; none without that column.

    Examples
    --------
    >>> t = pd.DataFrame({"year": [2020, 2021], "estimated": ["held at 2021", ""]})
    >>> filled_lines(t, "financial")
    [('population', 'population of 2020-21 held at 2021', 'nobody published it; filled in as asked', 0, 1)]
    """
    if "estimated" not in table:
        return []
    marked = table[table["estimated"].fillna("").ne("")]
    why = "nobody published it; filled in as asked"
    return [
        ("population", f"population of {years} {how}", why, 0, len(part))
        for how, part in marked.groupby("estimated", sort=False)
        if (years := ", ".join(period_label(int(y), 1, period) for y in sorted(part["year"].unique())))
    ]
