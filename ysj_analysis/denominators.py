"""Out of how many, on which base? Population series with where they are from, and what a change of base does.

A rate changes when the count does and when the population it is divided by does. A population can change
because there are more or fewer children, or because they were estimated anew: the census of 2021 lowered
the estimate for Islington by 13%, which alone raises every rate by 15%. A `Registry` keeps the series apart,
and `rebase_effect` says what each did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .ages import aged_10_to_17
from .bases import OWN, refuse_other_base, same_base
from .filled_years import filled
from .rebasing import rebase_effect
from .tables import DataError, near, shown
from .vocabulary import BASES, BROAD, ETHNICITIES, broad_groups

__all__ = ["Registry", "Series", "filled", "rebase_effect", "refuse_other_base", "same_base"]

DETAILED = "detailed"
"""The base of a series whose groups are detailed codes: any."""

_CODES = tuple(e.code for e in ETHNICITIES)


@dataclass(frozen=True)
class Series:
    """One population series: children aged 10 to 17 by area, year and group, and where they are from.

    Attributes
    ----------
    vintage : str
        Which census or estimate it rests on; its name in the registry.
    source : str
        Who published it, and where.
    base : str
        The census base of its groups; ``detailed`` for detailed codes, which fit any base, or ``own``.
    rounding : int
        What its counts were rounded to; 1 when they were not.
    table : DataFrame
        ``area, year, group, population``.
    """

    vintage: str
    source: str
    base: str
    rounding: int
    table: pd.DataFrame


@dataclass(frozen=True)
class Registry:
    """Population series side by side, none of them ever added to another.

    Examples
    --------
    >>> children = pd.DataFrame({"area": "Islington", "year": 2021, "age": range(10, 18), "group": "A4",
    ...                          "population": 13})
    >>> registry = Registry().add(children, vintage="census 2021", source="ONS", base="detailed", rounding=5)
    >>> registry.population("census 2021", base="2001")[["group", "population"]]
       group  population
    0  Other       104.0
    >>> registry.listed()[["vintage", "base", "rounding", "first", "last", "children"]]
           vintage      base  rounding  first  last  children
    0  census 2021  detailed         5   2021  2021     104.0
    """

    series: tuple[Series, ...] = ()

    def add(
        self, table: pd.DataFrame, *, vintage: str, source: str, base: str, rounding: int = 1
    ) -> Registry:
        """Return a registry with one more series.

        Parameters
        ----------
        table : DataFrame
            ``area, year, group, population`` and perhaps ``age`` and ``sex``, which are added up: single
            years of age to 10 to 17. Bands that do not fit are refused.
        vintage, source, base, rounding
            As for `Series`.

        Returns
        -------
        Registry
            A new one; this one stays as it is.

        Raises
        ------
        DataError
            For a missing column, ages that do not make 10 to 17, or groups that are not those of the base.
        ValueError
            For a vintage that is there already, or an unknown base.
        """
        if vintage in {s.vintage for s in self.series}:
            raise ValueError(
                f"vintage {vintage!r} is already in the registry. Give each series its own name."
            )
        if base not in (*BASES, DETAILED, OWN):
            raise ValueError(f"base {base!r} is not one of {', '.join((*BASES, DETAILED, OWN))}.")
        keys = ["area", "year", "group"]
        if missing := [c for c in (*keys, "population") if c not in table]:
            raise DataError(
                f"{vintage}: {len(missing)} of 4 columns are missing: {', '.join(missing)}.{near(missing[0], table)} "
                "A population has area, year, group and population."
            )
        allowed = {DETAILED: _CODES, OWN: ()}.get(base, BROAD)
        strange = [g for g in dict.fromkeys(table["group"].astype(str)) if allowed and g not in allowed]
        if strange:
            raise DataError(
                f"{vintage}: {len(strange)} of {table['group'].nunique()} groups are not of the base {base}. First: "
                f"{shown(strange[0])}.{near(strange[0], allowed)} Recode them with `ethnicity`."
            )
        by = [*keys, "sex"] if "sex" in table else keys
        rows = table.assign(population=table["population"].astype(float)).reset_index(drop=True)
        if "age" in table:
            rows = aged_10_to_17(rows, by=by, file=vintage)
        summed = rows.groupby(keys, observed=True, sort=False, as_index=False)["population"].sum(skipna=False)
        summed = summed.astype({"area": str, "group": str, "year": int})
        return Registry((*self.series, Series(vintage, source, base, rounding, summed)))

    def get(self, vintage: str) -> Series:
        """Find a series by its vintage."""
        names = [s.vintage for s in self.series]
        if vintage not in names:
            raise ValueError(f"vintage {vintage!r} is not one of {', '.join(names)}.{near(vintage, names)}")
        return self.series[names.index(vintage)]

    def listed(self) -> pd.DataFrame:
        """List the series: ``vintage, source, base, rounding, first, last, areas, groups, children``.

        ``children`` is the sum over areas and groups in the last year.
        """
        rows = []
        for s in self.series:
            years, last = s.table["year"], s.table[s.table["year"] == s.table["year"].max()]
            rows.append(
                (s.vintage, s.source, s.base, s.rounding, years.min(), years.max(), s.table["area"].nunique(),
                 s.table["group"].nunique(), last["population"].sum(skipna=False))
            )  # fmt: skip
        names = ["vintage", "source", "base", "rounding", "first", "last", "areas", "groups", "children"]
        return pd.DataFrame(rows, columns=names)

    def population(
        self,
        vintage: str | Sequence[str],
        *,
        base: str,
        years: Iterable[int] | None = None,
        fill: str | None = None,
        beyond: bool = False,
    ) -> pd.DataFrame:
        """Give the population of a series on a base, as a canonical table.

        Parameters
        ----------
        vintage : str or sequence of str
            A series; or several, between which years are filled in, none of them with a year in common.
        base : {"2001", "2011", "2021", "own"}
            The base wanted.
        years : iterable of int, optional
            The years wanted; all there are when left out.
        fill : {"linear", "held"}, optional
            How to fill in years that are not there. Nothing is filled in unless asked.
        beyond : bool
            Whether a straight line may be drawn on past the first and the last year.

        Returns
        -------
        DataFrame
            ``area, year, vintage, base, group, population, estimated, rounding, source``. ``estimated`` is
            empty for a published figure and says what was done for any other.

        Raises
        ------
        DataError
            For a year that is not there and was not to be filled in.
        ValueError
            For a series on another base: Chinese children cannot be moved out of a sum.
        """
        chosen = [self.get(v) for v in ([vintage] if isinstance(vintage, str) else vintage)]
        tables = [_on_base(s, base) for s in chosen]
        whole = pd.concat(tables, ignore_index=True)
        name = " and ".join(s.vintage for s in chosen)
        if whole.duplicated(["area", "year", "group"]).any():
            raise ValueError(
                f"{name} have years in common. Take one of them; two series are never added together."
            )
        wanted = sorted(set(whole["year"]) if years is None else {int(y) for y in years})
        rows = filled(whole, wanted, fill=fill, beyond=beyond, name=name)
        rows = rows.assign(
            vintage=name,
            base=base,
            rounding=max(s.rounding for s in chosen),
            source="; ".join(s.source for s in chosen),
        )
        return rows[
            ["area", "year", "vintage", "base", "group", "population", "estimated", "rounding", "source"]
        ]


def _on_base(series: Series, base: str) -> pd.DataFrame:
    """Give a series on a base, if it can be."""
    if series.base != DETAILED:
        if not same_base(series.base, base):
            raise ValueError(
                f"{series.vintage} is on the base {series.base} and cannot be given on {base}: Chinese children are in "
                "a sum there. Add the series with detailed groups."
            )
        return series.table
    if base not in BASES:
        raise ValueError(f"base {base!r} is not one of {', '.join(BASES)}.")
    group = series.table["group"].map(broad_groups(base))
    keys = ["area", "year", "group"]
    summed = (
        series.table.assign(group=group)
        .groupby(keys, sort=False)["population"]
        .sum(skipna=False)
        .reset_index()
    )
    place = summed["group"].map({g: i for i, g in enumerate(BROAD)})
    return summed.iloc[np.argsort(place, kind="stable")].sort_values(
        ["area", "year"], kind="stable", ignore_index=True
    )
