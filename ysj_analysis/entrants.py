"""How many children enter the system for the first time, by the local and by the Youth Justice Board's measure?

The two differ in the year (the service's own against twelve months ending in December) and in the area (the service
that worked with the child against the child's home). A rate can also change because its population was estimated
anew: :func:`rebase` splits that off.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from . import intervals
from .denominators import rebase_effect
from .field_counts import counted, followed, refuse_stored
from .load import Study
from .once import once
from .reading import NotHeld
from .vocabulary import COUNTS, POPULATION, UNKNOWN

PER = 100_000
"""What the Youth Justice Board gives first-time entrants per."""

ALL = "all"
"""The row of all children, of whatever ethnicity."""

_STAGE = "first_time_entrant"


def local(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count first-time entrants as the service does: in its own years and by the service that worked with them.

    Parameters
    ----------
    study : Study
        From ``load.study``, of events.
    window : int
        Years pooled, ending with ``year``, of the caution or conviction.

    Returns
    -------
    DataFrame
        ``entrant_local`` on the population; as ``pipeline.stage_counts``.

    Raises
    ------
    NotHeld
        If the study has no events of first-time entrants.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> local(load.study("data/synthetic"))[["base", "unit"]].drop_duplicates().to_numpy().tolist()
    [['population', 'children']]
    """
    return _counted(study, "entrant_local", window)


def yjb(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count first-time entrants as the Youth Justice Board does: years ending in December, by the child's home.

    Parameters
    ----------
    study, window
        As for :func:`local`; fewer years where fewer are whole.

    Returns
    -------
    DataFrame
        ``entrant_yjb`` on the population. A year is named by the one it starts in, and only whole years are given.
        ``measures.rates(table, per=entrants.PER)`` gives the rate the Board prints; its words are those of
        ``field.words(study, period="december")``.

    Raises
    ------
    NotHeld
        As :func:`local`; also where the home of children is not recorded, or no year ending in December is
        wholly within the study.

    Notes
    -----
    The Board's own figure comes from the Police National Computer. A service's records can lack children whom only
    the police dealt with.

    References
    ----------
    Department for Education, Local authority interactive tool, dictionary: first conviction or caution recorded on the
    Police National Computer, by home postcode, per 100,000 aged 10 to 17.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> yjb(load.study("data/synthetic"))["year"].agg(["min", "max"]).to_list()
    [2017, 2023]
    """
    whole = _calendar(study)
    number = whole.years[1] - whole.years[0] + 1
    if number < 1:
        raise NotHeld(
            "This study holds no whole year ending in December, so first-time entrants cannot be counted as the Youth "
            "Justice Board does. Events of a second year would show them."
        )
    return _counted(whole, "entrant_yjb", min(window, number), home=True)


@once
def on_both_bases(study: Study, *, area: str, earlier: int, year: int) -> pd.DataFrame:
    """Count first-time entrants of two years, and their population in each series there is for them.

    Parameters
    ----------
    study : Study
        From ``load.study``, of events, with a population of several vintages.
    area : str
        One of its areas.
    earlier, year : int
        The two years.

    Returns
    -------
    DataFrame
        ``area, year, years, unit, stage, base, group, events, denominator, vintage``: a row for each group, year and
        vintage that has that year, and for ``all`` children, those of unknown ethnicity among them. The counts repeat
        from vintage to vintage; :func:`rebase` knows.

    Raises
    ------
    NotHeld
        If there is no population of two vintages, of which one has both years and another the earlier.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = on_both_bases(load.study("data/synthetic"), area="Islington", earlier=2020, year=2023)
    >>> table[["year", "vintage"]].drop_duplicates().to_numpy().tolist()
    [[2020, '2011'], [2020, '2021'], [2023, '2021']]
    """
    people = study.population
    if people is None or "vintage" not in people or people["vintage"].nunique() < 2:
        raise NotHeld(
            "This study holds no population of two estimates, so a change of base cannot be split off the change of a "
            "rate. Rows of both in population.csv, told apart by vintage, would show it."
        )
    count = local(study)
    count = count[count["area"].eq(area) & count["year"].isin([earlier, year])]
    inside = people[people["area"].eq(area) & people["year"].isin([earlier, year])].astype({"group": str})
    keys = ["year", "vintage", "group"]
    sums = _with_all(inside, keys, "population").rename(columns={"population": "size"}).astype({"year": int})
    count = _with_all(count.astype({"group": str}), [c for c in COUNTS if c in count], "events")
    table = count.astype({"year": int}).merge(sums, on=["year", "group"], how="inner")
    both = table.groupby("vintage")["year"].nunique()
    if not (both == 2).any() or len(both) < 2:
        raise NotHeld(
            f"No estimate of the population of this area has both {earlier} and {year} while another has "
            f"{earlier}, so a change of base cannot be split off. Choose an earlier year that two estimates share."
        )
    table = table.assign(denominator=table["size"]).sort_values(["year", "vintage"], kind="stable")
    return table[[*COUNTS, "events", "denominator", "vintage"]].reset_index(drop=True)


def rebase(table: pd.DataFrame, *, per: float = PER, half: int = 0, fewest: int = 0) -> pd.DataFrame:
    """Split the change in a rate into the count, estimating the population anew, and the population itself.

    Parameters
    ----------
    table : DataFrame
        From :func:`on_both_bases`, or as released from it.
    per : float
        What the rates are per.
    half : int
        How far a printed count can be from the true one: the policy's ``half``, for a released table.
    fewest : int
        Events below which two years are not compared: the policy's ``ratio_events``.

    Returns
    -------
    DataFrame
        A row for each group and for ``all``: the columns of counts, ``earlier_year, earlier_events,
        earlier_denominator, rebased_denominator`` and what
        ``denominators.rebase_effect`` adds. The earlier rate stands on the older estimate, as it was printed then.
        ``estimate, low, high`` compare the two years on one estimate: the rate ratio, whose interval (mid-P) holds
        that of every true count that prints the same. A hidden count hides its row.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = on_both_bases(load.study("data/synthetic"), area="Islington", earlier=2020, year=2023)
    >>> whole = rebase(table).set_index("group").loc["all"]
    >>> bool(abs(whole["change"] - whole["by_count"] - whole["by_rebasing"] - whole["by_population"]) < 1e-9)
    True
    >>> float(round(whole["ratio_rebasing"], 2))
    1.15
    """
    years = sorted(table["year"].unique())
    series = table.groupby("vintage", sort=False)["year"].nunique()
    newer, older = series[series == 2].index[0], series[series < 2].index[0]
    named = table[table["group"].astype(str).ne(UNKNOWN)].astype({"group": str})

    def taken(year: int, vintage: str) -> pd.DataFrame:
        rows = named[named["year"].eq(year) & named["vintage"].eq(vintage)].set_index("group")
        return rows[["events", "denominator"]].astype(float)

    before, between, after = taken(years[0], older), taken(years[0], newer), taken(years[1], newer)
    first = named.iloc[0]
    out = pd.DataFrame(
        {
            **{c: first[c] for c in COUNTS if c not in ("year", "group")},
            "year": int(years[1]),
            "group": after.index,
            "events": after["events"].to_numpy(),
            "denominator": after["denominator"].to_numpy(),
            "earlier_year": int(years[0]),
            "earlier_events": before["events"].to_numpy(),
            "earlier_denominator": before["denominator"].to_numpy(),
            "rebased_denominator": between["denominator"].to_numpy(),
        }
    )
    return rebase_effect(_on_one_base(out, half, fewest), per=per)


# -- inside ------------------------------------------------------------------------------------------


def _on_one_base(table: pd.DataFrame, half: int, fewest: int) -> pd.DataFrame:
    """Compare the two years on the newer estimate of both, allowing for the rounding of the counts."""
    x1, n1, x0, n0 = (
        table[c].to_numpy(float) for c in ("events", "denominator", "earlier_events", "rebased_denominator")
    )
    least = intervals.rate_ratio(np.maximum(x1 - half, 0), n1, x0 + half, n0).low
    most = intervals.rate_ratio(x1 + half, n1, np.maximum(x0 - half, 0), n0).high
    few = ~((x1 >= fewest) & (x0 >= fewest))
    estimate = intervals.rate_ratio(x1, n1, x0, n0).estimate
    values = {"estimate": estimate, "low": least, "high": most}
    return table.assign(**{c: np.where(few, np.nan, v) for c, v in values.items()})


def _with_all(table: pd.DataFrame, keys: list[str], column: str) -> pd.DataFrame:
    """Add up a column by its keys, and add the whole of all groups; what is hidden hides the sum."""
    both = pd.concat([table, table.assign(group=ALL)])
    return (
        both.groupby(keys, observed=True, sort=False)[column].agg(lambda v: v.sum(skipna=False)).reset_index()
    )


def _calendar(study: Study) -> Study:
    """Take the same study in years ending with December: those wholly inside its own years."""
    first, last = study.years
    if study.period in ("december", "calendar"):
        return replace(study, period="december")
    return replace(study, period="december", years=(first + 1, last))


def _counted(study: Study, stage: str, window: int, *, home: bool = False) -> pd.DataFrame:
    events = followed(study, (_STAGE,), "first-time entrants")
    rows = events[events["stage"].eq(_STAGE)]
    rows = rows.assign(year=rows["dated"], **{stage: True})
    if home:
        rows = rows.assign(area=_home(study, rows))
    return counted(study, rows, {stage: POPULATION}, window=window)


def _home(study: Study, rows: pd.DataFrame) -> pd.Series:
    refuse_stored(study, "first-time entrants by the home of the child")
    people = study.children
    if people is None or "area" not in people or people["area"].eq("").all():
        raise NotHeld(
            "This study does not record where children live, so the Youth Justice Board's measure, which "
            "counts by home, cannot be shown. A column area in children.csv would show it."
        )
    found = rows["who"].map(people.set_index("child_id")["area"])
    return found.where(found.notna() & found.ne(""), rows["area"].astype(str)).replace({"": np.nan})
