"""Can a measure be taken of this table? One row a group in each comparison, counts that can be counts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .references import keys
from .vocabulary import POPULATION


def checked(table: pd.DataFrame) -> pd.DataFrame:
    """Refuse a table a measure cannot be taken of; number its rows.

    Parameters
    ----------
    table : DataFrame
        Anything.

    Returns
    -------
    DataFrame
        The same rows, numbered from 0.

    Raises
    ------
    TypeError
        If it is no table, saying what makes one of it.
    ValueError
        If a column is missing, a group has no name or occurs twice in one comparison, or a count is impossible.
        A missing count is a hidden one, and passes.
    """
    if not isinstance(table, pd.DataFrame):
        kind = type(table).__name__
        known = {
            "Study": "Count first: pipeline.for_report(study, area=..., year=...).",
            "Released": "Give the measure to the released table: released.measure(measures.rates).",
        }
        raise TypeError(
            f"a measure takes a table of counts (DataFrame), not {kind}. "
            f"{known.get(kind, 'Give a DataFrame with group, base, events and denominator.')}"
        )
    missing = [c for c in ("group", "base", "events", "denominator") if c not in table.columns]
    if missing:
        raise ValueError(
            f"{len(missing)} of 4 columns a measure needs are missing: {', '.join(missing)}. The table has "
            f"{', '.join(map(str, table.columns))}."
        )
    table = table.reset_index(drop=True)
    nameless = table["group"].isna().to_numpy()
    refuse(
        nameless, table, "group", table["group"], "missing", "Name the group: Unknown, where it is not known."
    )
    repeated = table.duplicated([*keys(table), "group"]).to_numpy()
    if repeated.any():
        first = int(np.flatnonzero(repeated)[0])
        raise ValueError(
            f"{repeated.sum()} of {len(table)} rows repeat a group within one comparison. First: row "
            f"{first}, group {table['group'].iloc[first]}. Add rows up first, or add the column that tells them apart."
        )
    _check_counts(table)
    return table


def _check_counts(table: pd.DataFrame) -> None:
    """Refuse counts that cannot be."""
    cohort = table["base"].ne(POPULATION).to_numpy(bool)
    counts = {
        "events": refuse_amount(table, "events", whole=True),
        "denominator": refuse_amount(table, "denominator", whole=cohort),
    }
    above = cohort & (counts["events"] > counts["denominator"])
    remedy = "A cohort cannot hold more events than children: check the two, or the base."
    refuse(above, table, "events", counts["events"], "above denominator", remedy)


def refuse_amount(table: pd.DataFrame, column: str, *, whole: np.ndarray | bool) -> np.ndarray:
    """Refuse what cannot be a count, and give it as numbers.

    Parameters
    ----------
    table : DataFrame
        Its rows numbered from 0.
    column : str
        Of counts, or of child-years; a missing one is hidden.
    whole : array of bool, or bool
        In which rows only a whole number can be.

    Returns
    -------
    array of float
        The column.

    Raises
    ------
    ValueError
        If one is no number, negative, infinite, or a fraction where it cannot be.
    """
    number = pd.to_numeric(table[column], errors="coerce").to_numpy(float, na_value=np.nan)
    text = np.isnan(number) & table[column].notna().to_numpy()
    refuse(text, table, column, table[column], "not a number", "Give a number; leave a hidden one missing.")
    refuse(number < 0, table, column, number, "negative", "Correct it.")
    refuse(np.isinf(number), table, column, number, "infinite", "Correct it.")
    remedy = "Give the count itself, not one that was averaged or estimated."
    refuse(whole & (number % 1 > 0), table, column, number, "not a whole number", remedy)
    return number


def refuse(
    bad: np.ndarray, table: pd.DataFrame, column: str, values: np.ndarray | pd.Series, what: str, remedy: str
) -> None:
    """Raise if any row is bad, saying what, how many of how many, where first and what to do.

    Parameters
    ----------
    bad : array of bool
        Which rows.
    table : DataFrame
        The table they are of.
    column : str
        Where the fault is.
    values : array or Series
        What stands there.
    what, remedy : str
        What is wrong, and what to do.

    Raises
    ------
    ValueError
        If any row is bad.
    """
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        value = np.asarray(values)[first]
        written = f"{value:g}" if isinstance(value, float) else repr(value)
        raise ValueError(
            f"{column} is {what} in {bad.sum()} of {len(table)} rows: {written}. First: row {first}, column "
            f"{column}. {remedy}"
        )
