"""What was complained of? Counts of complaints about stop and search, from a small table of their own.

A community monitoring group asks for them beside the searches. They are in no published file of searches, so that a
study brings them, month by month, as the police's professional standards department or the group counts them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from . import reading
from .calendar_periods import year_of
from .load import Study
from .reading import DataError, NotHeld, near, shown
from .search_selection import Selection
from .vocabulary import POPULATION, UNKNOWN, Stage

FILE = "complaints.csv"
COLUMNS = ("month", "area", "group", "complaints")
"""What the table needs: YYYY-MM of the complaint, an area, a group as in counts, and how many."""

PARTS = ("allegation", "outcome")
"""What it may split them by, in the words of whoever counts them."""

_COMPLAINT = "complaint"
_NOT_SAID = "not recorded"


def read(folder: str | Path) -> pd.DataFrame:
    """Read the complaints of a study.

    Parameters
    ----------
    folder : str or Path
        The study folder.

    Returns
    -------
    DataFrame
        ``month`` (the first day of it), ``area, group, complaints`` (0 or more), ``allegation`` and ``outcome``
        (``not recorded`` where they are empty or there is no such column).

    Raises
    ------
    NotHeld
        If the folder has no ``complaints.csv``.
    DataError
        If a column is missing, a month is no month, or a number is no count.
    """
    path = Path(folder) / FILE
    if not path.exists():
        raise NotHeld(
            "This study holds no complaints about searches. A table complaints.csv, with their number for each month "
            "and group, would show them."
        )
    table = reading.read(path)
    if lacking := [c for c in COLUMNS if c not in table]:
        raise DataError(
            f"{FILE}: {len(lacking)} of {len(COLUMNS)} columns are missing: {', '.join(lacking)}."
            f"{near(lacking[0], table.columns)} Put them into the header row."
        )
    _refuse(table, ~table["month"].str.fullmatch(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])"), "month", "as 2023-06")
    _refuse(
        table, ~table["complaints"].str.fullmatch(r"\d{1,6}"), "complaints", "as a whole number, 0 or more"
    )
    parts = {
        c: table[c].where(table[c].ne(""), _NOT_SAID) if c in table else pd.Series(_NOT_SAID, table.index)
        for c in PARTS
    }
    month = pd.to_datetime(table["month"], format="%Y-%m")
    number = table["complaints"].astype(int)
    return table[["area", "group"]].assign(month=month, complaints=number, **parts)


def counts(table: pd.DataFrame, study: Study, chosen: Selection) -> pd.DataFrame:
    """Count the complaints of each group in the period of a report.

    Parameters
    ----------
    table : DataFrame
        From :func:`read`.
    study : Study
        From ``load.study``.
    chosen : Selection
        From ``searches.select``.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``, a row for each group: ``unit`` and ``stage`` are complaints, ``base`` is the
        population. With a column ``month`` for a report of one.

    Raises
    ------
    DataError
        If an area or a group is none of the study's.
    """
    here = _within(table, study, chosen)
    number = here.groupby("group")["complaints"].sum()
    groups = [*chosen.groups, *([] if UNKNOWN in chosen.groups else [UNKNOWN])]
    rows = _lines(chosen).merge(pd.DataFrame({"group": groups}), how="cross")
    return rows.assign(
        **({"month": f"{chosen.month:02d}"} if chosen.month else {}),
        events=number.reindex(groups, fill_value=0).to_numpy(float),
        denominator=chosen.child_years.reindex(groups).to_numpy(float),
    )


def parts(table: pd.DataFrame, study: Study, chosen: Selection, *, protects: bool) -> pd.DataFrame:
    """Count the complaints of a period by what was alleged and by what came of them, for the service itself.

    Parameters
    ----------
    table, study, chosen
        As for :func:`counts`.
    protects : bool
        Whether the edition hides small counts: ``policy.protects``.

    Returns
    -------
    DataFrame
        ``part`` (``allegation`` or ``outcome``), ``what`` and ``events``: all groups together.

    Raises
    ------
    NotHeld
        For an edition that hides small counts: the two add to the number that the groups add to, so that one would
        give the other away.
    """
    if protects:
        raise NotHeld(
            "What complaints alleged and what came of them is in the restricted edition: beside the numbers of each "
            "group it would give small ones away."
        )
    here = _within(table, study, chosen)
    each = [
        here.groupby(part)["complaints"]
        .sum()
        .rename_axis("what")
        .rename("events")
        .reset_index()
        .assign(part=part)
        for part in PARTS
    ]
    return pd.concat(each, ignore_index=True)[["part", "what", "events"]].astype({"events": float})


def stages() -> dict[str, Stage]:
    """Give the words of a complaint, for tables and sentences.

    Examples
    --------
    >>> stages()["complaint"].label
    'Complaints about searches'
    """
    one = Stage(_COMPLAINT, "Complaints about searches", POPULATION, "contact", "neutral", "were made")
    return {_COMPLAINT: one}


# -- inside ------------------------------------------------------------------------------------------


def _lines(chosen: Selection) -> pd.DataFrame:
    """Begin the rows of a table: where, when and what."""
    where = {"area": chosen.area, "year": chosen.year, "years": 1, "unit": "complaints"}
    return pd.DataFrame([where | {"stage": _COMPLAINT, "base": POPULATION}])


def _within(table: pd.DataFrame, study: Study, chosen: Selection) -> pd.DataFrame:
    """Choose the complaints of the area and the period."""
    known = {"area": list(study.areas), "group": [*study.groups, UNKNOWN]}
    for column, allowed in known.items():
        _refuse(table, ~table[column].isin(allowed), column, f"one of {', '.join(map(str, allowed))}")
    inside = table["area"].eq(chosen.area) & year_of(table["month"], study.period).eq(chosen.year)
    if chosen.month:
        inside &= table["month"].dt.month.eq(chosen.month)
    return table[inside]


def _refuse(table: pd.DataFrame, bad: pd.Series, column: str, how: str) -> None:
    """Refuse rows whose column cannot be read, naming the first."""
    if bad.any():
        first = int(bad.to_numpy().argmax())
        row = int(table.index[first])
        raise DataError(
            f"{FILE}: {bad.sum()} of {len(table)} rows have another {column} than can be read. First: row {row}, "
            f"{shown(str(table[column].iloc[first]))}. Write {how}."
        )
