"""How many of like cases went on? Children of each group in the same band of age, gravity or whatever is named.

``models.cases`` has a row for each case, and is private; this counts them, so that what is shown passes the gate
as counts, and children are compared with like children from printed numbers (``matched.matched``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from .adjusted_cases import cases
from .load import Study
from .once import once
from .reading import NotHeld
from .tables import DataError, near, shown
from .vocabulary import COUNTS

NOT_KNOWN = "not known"

Bands = Mapping[str, Mapping[str, Sequence[str]]]

BANDS: Bands = MappingProxyType(
    {
        "age": {"10 to 14": ("10", "11", "12", "13", "14"), "15 to 17": ("15", "16", "17")},
        "gravity": {"1 to 4": tuple("1234"), "5 to 8": tuple("5678")},
    }
)
"""For each column the label of a band and the values it holds. Two of each: more would hide most counts."""


@once
def like_cases(
    study: Study,
    *,
    outcome: str,
    area: str,
    year: int,
    given: str | None = None,
    by: Sequence[str] = ("gravity",),
    years: int = 5,
    bands: Bands = BANDS,
) -> pd.DataFrame:
    """Count the children of each group who reached a stage, and of them those who reached a later one, band by band.

    Parameters
    ----------
    study : Study
        A study with events and children.
    outcome : str
        The stage that is compared.
    area : str
        One of the study's areas.
    year : int
        The last year of the report; the window ends with the last year by then that is not immature.
    given : str, optional
        The stage that the cases have reached; by default the one that feeds ``outcome``.
    by : sequence of str
        Columns of ``models.cases`` within which children are alike.
    years : int
        Years pooled.
    bands : mapping
        For a column, the label of each band and its values; a column without bands is taken as it is.

    Returns
    -------
    DataFrame
        ``area, year, years, unit, stage, base, group, [by...], events, denominator, note``: a row for every group
        and every combination of bands, with 0 where the group has nobody. A child counts once, in the cell of its
        gravest case in the window (the earliest of several; the first case where gravity is not held), and with
        the outcome if any of its cases has it: so the cells of a group add up to its stage. A value in no band is
        ``not known``. ``immature`` on all rows where no year by then is ripe.

    Raises
    ------
    NotHeld
        If the study holds no cases, or not the column.
    DataError
        If the area or year is not in the study.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> held = like_cases(load.study("data/synthetic"), outcome="charge", area="Islington", year=2023)
    >>> held.loc[held["group"].eq("Black"), ["stage", "base", "group", "gravity"]].reset_index(drop=True)
        stage    base  group gravity
    0  charge  arrest  Black  1 to 4
    1  charge  arrest  Black  5 to 8
    """
    rows = cases(study, outcome=outcome, given=given)
    if lacking := [c for c in by if c not in rows]:
        raise NotHeld(
            f"This study does not hold {' or '.join(c.replace('_', ' ') for c in lacking)} of its cases, so like "
            "cases cannot be compared. Add the column to children.csv or events.csv."
        )
    rows, last, years, note = in_window(rows, study, area, year, years)
    cells = {"group": list(study.groups)} | {c: _labels(rows, c, bands.get(c)) for c in by}
    rows = rows.assign(
        group=rows["group"].astype(str),
        grave=pd.to_numeric(rows["gravity"], errors="coerce") if "gravity" in rows else 0.0,
        **{c: banded(rows[c], bands.get(c)) for c in by},
    )
    return counted(_one_a_child(rows), cells).assign(
        area=pd.Categorical([area] * _size(cells), list(study.areas), ordered=True),
        year=last,
        years=years,
        unit="children",
        stage=outcome,
        base=given or study.stages[outcome].base,
        note=note,
        group=lambda t: pd.Categorical(t["group"], list(study.groups), ordered=True),
    )[[*COUNTS, *by, "events", "denominator", "note"]]


def in_window(rows: pd.DataFrame, study: Study, area: str, year: int, years: int):
    """Keep the cases of one area and of the years that end with the last ripe one.

    Parameters
    ----------
    rows : DataFrame
        As ``models.cases`` gives them.
    study : Study
        Whose they are.
    area : str
        One of its areas.
    year : int
        The last year of the report.
    years : int
        Years pooled.

    Returns
    -------
    tuple
        The rows; the last year, the number of years, and ``immature`` where no year is ripe (else empty).
    """
    if area not in study.areas:
        raise DataError(
            f"area {shown(area)} is not one of the {len(study.areas)} areas of this study: "
            f"{', '.join(map(shown, study.areas))}.{near(area, study.areas)} Choose one of them."
        )
    first, end = study.years
    if not first <= year <= end:
        raise DataError(
            f"year {year} is not one of the years of this study, {first} to {end}. Choose one of them."
        )
    at = rows["year"].astype(int)
    unripe = set(at[rows["note"].eq("immature")])
    ripe = [y for y in range(first, year + 1) if y not in unripe]
    last = ripe[-1] if ripe else year
    years = min(years, last - first + 1)
    inside = at.between(last - years + 1, last) & rows["area"].astype(str).eq(area)
    return rows[inside], last, years, "" if ripe else "immature"


def banded(values: pd.Series, bands: Mapping[str, Sequence[str]] | None) -> pd.Series:
    """Put values in their bands; those in none are not known.

    Parameters
    ----------
    values : Series
        Whole numbers or labels.
    bands : mapping, optional
        Label to values. Without, every value is its own band.

    Returns
    -------
    Series of str
        The label of each.

    Examples
    --------
    >>> banded(pd.Series(["11", "17", "unknown"]), BANDS["age"]).tolist()
    ['10 to 14', '15 to 17', 'not known']
    """
    text = values.astype(str)
    if bands is None:
        return text.replace("unknown", NOT_KNOWN)
    return text.map({v: label for label, held in bands.items() for v in held}).fillna(NOT_KNOWN)


def _labels(rows: pd.DataFrame, column: str, bands) -> list[str]:
    """List the bands of a column in order, and not known where that occurs."""
    there = set(banded(rows[column], bands))
    known = list(bands) if bands else sorted(there - {NOT_KNOWN})
    return [*known, *([NOT_KNOWN] if NOT_KNOWN in there else [])]


def _one_a_child(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep one case of each child, its gravest, with the outcome if any of its cases has it.

    Parameters
    ----------
    rows : DataFrame
        With ``child_id, outcome, grave``, in the order of time.

    Returns
    -------
    DataFrame
        A row a child.

    Examples
    --------
    >>> t = pd.DataFrame({"child_id": [1, 1, 2], "grave": [2.0, 6, 3], "outcome": [1.0, 0, 0]})
    >>> _one_a_child(t).to_dict("list")
    {'child_id': [1, 2], 'grave': [6.0, 3.0], 'outcome': [1.0, 0.0]}
    """
    any_case = rows.groupby("child_id", sort=False)["outcome"].transform("max")
    ordered = rows.assign(outcome=any_case).sort_values("grave", ascending=False, kind="stable")
    return ordered.drop_duplicates("child_id").sort_index()


def counted(rows: pd.DataFrame, cells: Mapping[str, Sequence]) -> pd.DataFrame:
    """Count children once in each cell, and those with the outcome; cells of nobody too.

    Parameters
    ----------
    rows : DataFrame
        With ``child_id, outcome`` and a column for each of ``cells``.
    cells : mapping of str to sequence
        The values of each column, in order.

    Returns
    -------
    DataFrame
        A row for every combination, the last column changing fastest, with ``events`` and ``denominator``.
    """
    names = list(cells)
    each = rows.groupby([*names, "child_id"], observed=True, sort=False)["outcome"].max()
    sums = each.groupby(level=names, observed=True).agg(events="sum", denominator="size").astype(float)
    index = pd.MultiIndex.from_product(list(cells.values()), names=names)
    return sums.reindex(index, fill_value=0.0).reset_index()


def _size(cells: Mapping[str, Sequence]) -> int:
    return int(np.prod([len(v) for v in cells.values()]))
