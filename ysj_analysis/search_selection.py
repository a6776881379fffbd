"""Which searches, and out of how many children? One area and one period of a study's searches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .load import DataError, Study
from .reading import NotHeld
from .tables import near, shown
from .vocabulary import BROAD, FIRST_MONTH, UNKNOWN, broad_groups, period_label

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """The searches of one area in one period, and the children they are a rate of.

    Attributes
    ----------
    area, year, month
        What was asked for; ``month`` is 0 for a whole year.
    months : int
        How many months of it the study's searches cover.
    label : str
        The period covered, in words.
    rows : DataFrame
        The searches, with ``self_defined`` and ``officer_defined`` broad groups.
    groups : tuple of str
        The broad groups in printing order.
    population : Series
        Children aged 10 to 17 by group; empty where there is no population.
    population_year : int or None
        The year of that population: the nearest there is.
    base : str
        Census base of the broad groups.
    population_filled : str
        Where nobody published the population of that year, how it was filled in: ``held at 2021``.
    """

    area: str
    year: int
    month: int
    months: int
    label: str
    rows: pd.DataFrame = field(repr=False)
    groups: tuple[str, ...]
    population: pd.Series = field(repr=False)
    population_year: int | None
    base: str
    population_filled: str = ""

    @property
    def child_years(self) -> pd.Series:
        """Children times the part of a year covered, in whole child-years; NaN where not known."""
        return (self.population.reindex(list(self.groups)).astype(float) * self.months / 12).round()


def select(study: Study, *, area: str, year: int, month: int = 0) -> Selection:
    """Choose the searches of one area in a year, or in one month of it.

    Parameters
    ----------
    study : Study
        From ``load.study``, with searches.
    area : str
        One of the study's areas.
    year : int
        The year, by the year it starts in.
    month : int
        1 to 12, for one month of that year; 0 for all of it that the study's searches cover.

    Returns
    -------
    Selection
        The searches, and the population of that year or, where there is none, of the nearest year.

    Raises
    ------
    DataError
        If the study has no searches, or none in the period; for an area it does not have; for an
        officer-defined group that is not a broad group; if several vintages of a population stand
        in one table and the study does not say which to use.
    ValueError
        If ``month`` is not 0 to 12.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> june = select(load.study("data/synthetic"), area="Islington", year=2023, month=6)
    >>> june.label, june.months
    ('June 2023', 1)
    """
    if study.searches is None:
        raise NotHeld(
            "This study holds no searches. A searches.csv, as ysj convert police-uk makes it, would show who was "
            "stopped and searched."
        )
    if area not in study.areas:
        raise DataError(
            f"{shown(area)} is not one of the {len(study.areas)} areas of this study.{near(area, study.areas)}"
        )
    months = _covered(study, year, month)
    inside = study.searches["date"].dt.to_period("M").isin(months) & study.searches["area"].eq(area)
    rows = study.searches[inside].reset_index(drop=True)
    population, population_year, filled = _population(study, area, year)
    return Selection(
        area=area,
        year=year,
        month=month,
        months=len(months),
        label=_label(months, year, study.period),
        rows=rows.assign(
            self_defined=rows["ethnicity"].astype(str).map(broad_groups(study.base)),
            officer_defined=_officer_defined(rows),
        ),
        groups=tuple(study.groups),
        population=population,
        population_year=population_year,
        base=study.base,
        population_filled=filled,
    )


def _covered(study: Study, year: int, month: int) -> pd.PeriodIndex:
    """List the months asked for that lie within the study's searches."""
    if month not in range(13):
        raise ValueError(f"month is {month}; it must be 1 to 12, or 0 for the whole year.")
    start = pd.Period(year=year, month=FIRST_MONTH[study.period], freq="M")
    asked = pd.period_range(start, periods=12, freq="M")
    asked = asked[asked.month == month] if month else asked
    dated = study.searches["date"].dt.to_period("M")
    months = asked[(asked >= dated.min()) & (asked <= dated.max())]
    if months.empty:
        raise DataError(
            f"searches.csv: 0 of {len(dated):,} searches are in {_label(asked, year, study.period)}; they run from "
            f"{_label(dated[[dated.idxmin()]])} to {_label(dated[[dated.idxmax()]])}. Ask for a year and month "
            "among these."
        )
    return months


def _label(months, year: int = 0, period: str = "financial") -> str:
    """Write months as a reader would."""
    first, last = min(months), max(months)
    if len(months) == 12:
        return period_label(year, 1, period)
    one = f"{_MONTHS[first.month - 1]} {first.year}"
    return one if first == last else f"{one} to {_MONTHS[last.month - 1]} {last.year}"


def _officer_defined(rows: pd.DataFrame) -> pd.Series:
    """Read the group seen by the officer; empty is unknown, and nothing else is guessed."""
    if "ethnicity_officer" not in rows:
        return pd.Series(UNKNOWN, rows.index)
    seen = rows["ethnicity_officer"].where(rows["ethnicity_officer"].ne(""), UNKNOWN)
    wrong = ~seen.isin(BROAD)
    if wrong.any():
        labels = ", ".join(f"{shown(label)} ({n:,})" for label, n in seen[wrong].value_counts()[:5].items())
        raise DataError(
            f"searches.csv: {wrong.sum():,} of {len(rows):,} searches have an officer-defined group that is not "
            f"known: {labels}. Use {', '.join(BROAD[:-1])}, or leave it empty."
        )
    return seen


def _population(study: Study, area: str, year: int) -> tuple[pd.Series, int | None, str]:
    """Give the children of an area by group, in the year or the nearest year there is, and how it was filled in."""
    people = study.population
    if people is not None and "vintage" in people:
        if study.vintage:
            people = people[people["vintage"] == study.vintage]
        elif people["vintage"].nunique() > 1:
            raise DataError(
                f"population.csv: {people['vintage'].nunique()} vintages in one table, and study.toml does not say "
                "which to use. Add [population] vintage; two vintages are never added together."
            )
    here = None if people is None else people[people["area"] == area]
    if here is None or here.empty:
        return pd.Series(dtype=float), None, ""
    years = np.sort(here["year"].unique())
    nearest = int(years[np.abs(years - year).argmin()])
    here = here[here["year"] == nearest]
    filled = here["estimated"].astype(str).loc[lambda how: how != ""].unique() if "estimated" in here else ()
    children = here.groupby("group", observed=True)["population"]
    children = children.agg(lambda counts: counts.sum(skipna=False)).where(lambda n: n > 0)
    return children, nearest, " and ".join(filled)


def officers_list(chosen: Selection) -> list[str]:
    """List the groups officers choose from: without Mixed, unless these searches show that theirs has it."""
    seen = set(chosen.rows["officer_defined"])
    return [g for g in chosen.groups if g != UNKNOWN and (g != "Mixed" or g in seen)]
