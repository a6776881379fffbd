"""Compared with whom? Finds, for every row of a table, the counts it is compared with.

Rows belong to one comparison when all their columns but the group and its counts agree: the same area,
year, stage, base and so on.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .vocabulary import UNKNOWN

ALL_OTHERS = "all-others"
OVERALL = "overall"
NAMES = ["reference_events", "reference_denominator"]
_RENAMED = dict(zip(("events", "denominator"), NAMES, strict=True))


def keys(table: pd.DataFrame) -> list[str]:
    """List the columns that tell one comparison from another.

    Parameters
    ----------
    table : DataFrame
        As for the measures.

    Returns
    -------
    list of str
        All its columns but the group, its counts and their note.
    """
    return [c for c in table.columns if c not in ("group", "events", "denominator", "note")]


def comparisons(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that compare: not the reference with itself, not the unknown.

    Parameters
    ----------
    table : DataFrame
        With ``group`` and ``reference``.

    Returns
    -------
    DataFrame
        Those rows.
    """
    group = table["group"].astype(str)
    return table[~group.eq(table["reference"].astype(str)) & ~group.eq(UNKNOWN)]


def usable(table: pd.DataFrame) -> pd.DataFrame:
    """Give events and denominators, missing where an earlier step masked the row.

    Parameters
    ----------
    table : DataFrame
        As for the measures; a row with a ``note`` is masked.

    Returns
    -------
    DataFrame of float
        ``events, denominator`` in the order of the rows.
    """
    return pd.DataFrame(usable_values(table), table.index, ["events", "denominator"])


def usable_values(table: pd.DataFrame) -> np.ndarray:
    """Give events and denominators as one array, missing where an earlier step masked the row.

    Parameters
    ----------
    table : DataFrame
        As for the measures; a row with a ``note`` is masked.

    Returns
    -------
    array of float
        What :func:`usable` gives, of shape (rows, 2).
    """
    values = np.column_stack([table[c].to_numpy(float, na_value=np.nan) for c in ("events", "denominator")])
    if "note" in table:
        values[table["note"].ne("").to_numpy(bool)] = np.nan
    return values


def totals(table: pd.DataFrame) -> pd.DataFrame:
    """Add up events and denominators over the groups of known ethnicity, on every row of a comparison.

    A hidden count hides the total: what is missing is never taken for 0.

    Parameters
    ----------
    table : DataFrame
        As for the measures.

    Returns
    -------
    DataFrame
        ``events, denominator`` in the order of the rows.
    """
    known = table["group"].ne(UNKNOWN)
    values = usable(table)
    hidden = values.isna() & known.to_numpy()[:, None]
    by = [table[k] for k in keys(table)] or [pd.Series(0, table.index)]
    summed = values.where(known, 0.0).fillna(0.0).groupby(by, observed=True, dropna=False).transform("sum")
    return summed.mask(hidden.groupby(by, observed=True, dropna=False).transform("any"))


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows whose counts are known, so that shares are of what can be shown.

    A hidden count hides the total of its comparison, and so every share of it. Shares of the groups that are shown
    can be given instead, and computed again from what is printed; say so where they stand.

    Parameters
    ----------
    table : DataFrame
        As for the measures.

    Returns
    -------
    DataFrame
        The rows with both counts, in order. None, where fewer than two groups of known ethnicity would be left.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Asian", "Black", "White"], "events": [float("nan"), 40.0, 60.0],
    ...                   "denominator": [500.0, 900.0, 1500.0]})
    >>> shown(t)["group"].to_list()
    ['Black', 'White']
    """
    kept = table[usable(table).notna().all(axis=1)]
    enough = kept.loc[kept["group"].ne(UNKNOWN), "group"].nunique() > 1
    return (kept if enough else kept[:0]).reset_index(drop=True)


def against(table: pd.DataFrame, reference: str | pd.DataFrame) -> pd.DataFrame:
    """Find what each row is compared with.

    Parameters
    ----------
    table : DataFrame
        With ``group``, ``events`` and ``denominator``; at most one row a group in each comparison.
    reference : str or DataFrame
        A group of the table; ``all-others``, every other group of known ethnicity together; ``overall``,
        all groups of known ethnicity together; or a comparator table with ``group``, ``events``,
        ``denominator`` and the columns that match it to the rows.

    Returns
    -------
    DataFrame
        ``reference, reference_events, reference_denominator`` in the order of the rows; all three are
        missing where the reference has no row for a comparison.

    Raises
    ------
    ValueError
        If the reference is not in the table (in one without rows any may be asked for), or a comparator
        table has several rows for one comparison.
    """
    if isinstance(reference, pd.DataFrame):
        return _comparator(table, reference)
    groups = table["group"].astype(str).unique().tolist()
    if reference in (ALL_OTHERS, OVERALL):
        known = [g for g in groups if g != UNKNOWN]
        if len(known) < 2 and groups:
            raise ValueError(
                f"reference is {reference!r}, but {len(known)} of {len(groups)} groups is of known ethnicity, so "
                "there is nothing to compare with. Add another group."
            )
        found = totals(table)
        if reference == ALL_OTHERS:
            found = found - usable(table).where(table["group"].ne(UNKNOWN), 0.0)
        return found.set_axis(NAMES, axis=1).assign(reference=reference)
    if reference not in groups and groups:
        raise ValueError(
            f"reference {reference!r} is not one of the {len(groups)} groups in the table "
            f"({', '.join(groups)}). Choose one of them, {ALL_OTHERS!r} or {OVERALL!r}."
        )
    chosen = table.assign(**usable(table))[table["group"].astype(str) == reference].rename(columns=_RENAMED)
    return _matched(table, chosen.assign(reference=reference), keys(table))


def _comparator(table: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Match the rows of a comparator table to those of a table, by the columns both have."""
    lacking = [c for c in ("group", "events", "denominator") if c not in reference]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of 3 columns of the comparator table are missing: {', '.join(lacking)}. "
            "It needs group (its name), events and denominator."
        )
    on = [c for c in reference.columns if c in keys(table)]
    twice = reference.duplicated(on) if on else np.arange(len(reference)) > 0
    if twice.any():
        raise ValueError(
            f"{twice.sum()} of {len(reference)} rows of the comparator table cannot be told apart by "
            f"{', '.join(on) or 'any column they share with the table'}. Keep one row for each comparison."
        )
    chosen = reference.assign(**usable(reference)).rename(columns={**_RENAMED, "group": "reference"})
    return _matched(table, chosen, on)


def _matched(table: pd.DataFrame, chosen: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Give each row of a table its row of another, by the columns both have; missing where it has none."""
    number = np.zeros(len(table) + len(chosen), int)
    for column in on:
        number = pd.factorize(number * (len(number) + 1) + _numbered(table[column], chosen[column]))[0]
    at = pd.Index(number[len(table) :]).get_indexer(number[: len(table)])
    return chosen[[*NAMES, "reference"]].reset_index(drop=True).reindex(at).reset_index(drop=True)


def _numbered(mine: pd.Series, theirs: pd.Series) -> np.ndarray:
    """Number the values of two columns alike: as text where one is of categories or text and the other is not."""
    columns = [mine, theirs]
    if mine.dtype != theirs.dtype and not _numbers(*columns):
        columns = [c.astype(str) for c in columns]
    return pd.factorize(np.concatenate([c.to_numpy(object) for c in columns]), use_na_sentinel=False)[0]


def refuse_unmatched(table: pd.DataFrame, found: pd.DataFrame) -> None:
    """Refuse a table of which some rows have nothing to be compared with.

    Parameters
    ----------
    table : DataFrame
        As for the measures.
    found : DataFrame
        From :func:`against`, in the order of its rows.

    Raises
    ------
    ValueError
        Saying which row is the first.
    """
    alone = found["reference"].isna().to_numpy()
    if alone.any():
        first = int(np.flatnonzero(alone)[0])
        where = ", ".join(f"{c} {table[c].iloc[first]}" for c in keys(table))
        raise ValueError(
            f"the reference has no row for {alone.sum()} of {len(table)} rows of the table. First: row {first} "
            f"({where}). Add its row; of a comparator table, leave out the columns that should not match."
        )


def _numbers(*columns: pd.Series) -> bool:
    return all(pd.api.types.is_numeric_dtype(c) for c in columns)
