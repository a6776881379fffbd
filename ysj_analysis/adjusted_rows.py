"""Which rows can a model use? Those with an outcome, a known group and every covariate; the others are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .adjusted_cells import LOGISTIC
from .vocabulary import POPULATION, UNKNOWN

_MOST_LEVELS = 60


class TooFewError(ValueError):
    """Cases that cannot carry a model; the message says what would be needed."""


@dataclass(frozen=True, eq=False)
class UsableRows:
    """Rows that a model can use, with the reference as the first category of ``group``.

    ``groups`` are all groups of the cases in printing order; ``beside`` has ``group, events, denominator`` of
    those that are not compared; ``scope`` is what every row of the result repeats.
    """

    table: pd.DataFrame
    y: np.ndarray
    exposure: np.ndarray | None
    groups: tuple[str, ...]
    beside: list[tuple]
    dropped: list[tuple]
    scope: dict


def usable_rows(
    cases: pd.DataFrame,
    columns: Sequence[str],
    *,
    reference: str,
    outcome: str,
    family: str,
    exposure: str | None,
    cluster: str,
) -> UsableRows:
    """Choose the rows that have everything a model needs.

    Parameters
    ----------
    cases : DataFrame
        As for ``models.adjusted``.
    columns : sequence of str
        All covariates of all blocks.
    reference, outcome, family, exposure, cluster
        As for ``models.adjusted``.

    Returns
    -------
    UsableRows
        Rows with a ``note``, of unknown ethnicity, or with a missing value are left out and counted.

    Raises
    ------
    ValueError
        If a column is missing, the outcome is not one, or the reference has no rows.
    """
    needed = ["group", outcome, cluster, *columns, *([exposure] if exposure else [])]
    lacking = [c for c in needed if c not in cases]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(needed)} columns that the model needs are not in the cases: {', '.join(lacking)}. "
            f"The cases have {', '.join(map(str, cases.columns[:20]))}."
        )
    if exposure and family == LOGISTIC:
        raise ValueError(
            "exposure is for family='poisson'; a share has the cases as its base. Leave one out."
        )
    kept, dropped = np.ones(len(cases), bool), []

    def leave_out(out: np.ndarray, what: str, why: str) -> None:
        out = out & kept
        if out.any():
            dropped.append(("", what, why, int(out.sum())))
            kept[out] = False

    if "note" in cases:
        noted = cases["note"].ne("").to_numpy()
        for note in cases.loc[noted, "note"].unique():
            leave_out(cases["note"].eq(note).to_numpy(), "rows", f"noted {note}")
    for column in needed[1:]:
        missing = cases[column].isna()
        if missing.any():
            leave_out(missing.to_numpy(), "rows", f"{column} is missing")
    group = cases["group"]
    unknown = (group.isna() | group.eq(UNKNOWN)).to_numpy()
    beside = _beside(cases[kept & unknown], outcome, exposure)
    leave_out(unknown, "rows", "ethnicity is not known, so in no comparison")
    table = cases if kept.all() else cases[kept]
    _refuse_levels(table, columns)
    groups = _groups(group)
    _refuse_groups(table, groups, reference)
    order = [reference, *(g for g in groups if g != reference)]
    table = table.assign(group=pd.Categorical(table["group"], order, ordered=True))
    y = table[outcome].to_numpy(float)
    _refuse_outcome(y, outcome, family)
    e = table[exposure].to_numpy(float) if exposure else None
    if e is not None and not (e > 0).all():
        raise ValueError(
            f"{(~(e > 0)).sum()} of {len(e)} rows have no {exposure}. First: row {int(np.argmin(e > 0))}. Leave "
            "them out or give their child-years."
        )
    return UsableRows(table, y, e, groups, beside, dropped, scope_of(table, outcome, rate=bool(exposure)))


def _groups(group: pd.Series) -> tuple[str, ...]:
    if isinstance(group.dtype, pd.CategoricalDtype):
        return tuple(group.cat.categories)
    return tuple(sorted(group.dropna().unique()))


def _beside(rows: pd.DataFrame, outcome: str, exposure: str | None) -> list[tuple]:
    if rows.empty:
        return []
    size = rows[exposure].sum() if exposure else len(rows)
    return [(UNKNOWN, float(rows[outcome].sum()), float(size))]


def _refuse_levels(table: pd.DataFrame, columns: Sequence[str]) -> None:
    wide = [c for c in columns if table[c].nunique() > _MOST_LEVELS]
    if wide:
        raise ValueError(
            f"{len(wide)} of {len(columns)} covariates have more than {_MOST_LEVELS} values: {', '.join(wide)}. They "
            "are taken as categories: put them in bands."
        )


def _refuse_groups(table: pd.DataFrame, groups: Sequence[str], reference: str) -> None:
    sizes = table["group"].value_counts()
    there = [g for g in groups if sizes.get(g, 0) > 0]
    if reference not in there or len(there) < 2:
        raise TooFewError(
            f"{len(there)} of {len(groups)} groups have rows that can be used: {', '.join(map(str, there)) or 'none'}. "
            f"A comparison needs the reference {reference!r} and another. Choose another reference, or pool more years."
        )


def _refuse_outcome(y: np.ndarray, outcome: str, family: str) -> None:
    bad = (y != 0) & (y != 1) if family == LOGISTIC else (y < 0) | (y != np.floor(y))
    if bad.any():
        what = "0 or 1" if family == LOGISTIC else "a whole number of 0 or more"
        raise ValueError(
            f"{bad.sum():,} of {len(y):,} rows have a value of {outcome} that is not {what}. First: row "
            f"{int(np.argmax(bad)):,}. Give {what} in every row."
        )


def scope_of(table: pd.DataFrame, outcome: str, *, rate: bool = False) -> dict:
    """Say what is the same on every row of a result.

    Parameters
    ----------
    table : DataFrame
        Cases.
    outcome : str
        The column of the outcome, named where the cases do not say their stage.
    rate : bool
        Whether the base is the population.

    Returns
    -------
    dict
        ``area, year, years, unit, stage, base``.
    """

    def only(column: str, otherwise: str) -> str:
        values = table[column].astype(str).unique() if column in table else []
        return ", ".join(values) if 0 < len(values) <= 6 else otherwise

    years = (
        pd.to_numeric(pd.Series(table["year"].astype(str).unique())) if "year" in table else pd.Series([0])
    )
    return {
        "area": only("area", "all areas"),
        "year": int(years.max()),
        "years": int(years.max() - years.min() + 1),
        "unit": only("unit", "cases"),
        "stage": only("stage", outcome),
        "base": only("base", POPULATION if rate else "cases"),
    }
