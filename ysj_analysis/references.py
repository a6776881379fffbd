"""Compared with whom? Finds, for every row of a table, the counts it is compared with.

Rows belong to one comparison when all their columns but the group and its counts agree: the same area,
year, stage, base and so on.
"""

from __future__ import annotations

import pandas as pd

from .vocabulary import UNKNOWN

ALL_OTHERS = "all-others"
OVERALL = "overall"
NAMES = ["reference_events", "reference_denominator"]


def keys(table: pd.DataFrame) -> list[str]:
    """List the columns that tell one comparison from another."""
    return [c for c in table.columns if c not in ("group", "events", "denominator", "note")]


def totals(table: pd.DataFrame) -> pd.DataFrame:
    """Add up events and denominators over the groups of known ethnicity, on every row of a comparison.

    A hidden count hides the total: what is missing is never taken for 0.
    """
    known = table["group"].ne(UNKNOWN)
    values = table[["events", "denominator"]].astype(float)
    hidden = values.isna() & known.to_numpy()[:, None]
    by = [table[k] for k in keys(table)] or [pd.Series(0, table.index)]
    summed = values.where(known, 0.0).fillna(0.0).groupby(by, observed=True).transform("sum")
    return summed.mask(hidden.groupby(by, observed=True).transform("any"))


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
        ``reference, reference_events, reference_denominator`` in the order of the rows.

    Raises
    ------
    ValueError
        If the reference is not in the table, or does not match its rows one to one.
    """
    if isinstance(reference, pd.DataFrame):
        return _comparator(table, reference)
    groups = list(dict.fromkeys(table["group"].astype(str)))
    if reference in (ALL_OTHERS, OVERALL):
        if len(groups) < 2:
            raise ValueError(
                f"reference is {reference!r}, but 1 of 1 groups is all there is. Add another group."
            )
        found = totals(table)
        if reference == ALL_OTHERS:
            own = table[["events", "denominator"]].where(table["group"].ne(UNKNOWN), 0.0)
            found = found - own.astype(float)
        return found.set_axis(NAMES, axis=1).assign(reference=reference)
    if reference not in groups:
        raise ValueError(
            f"reference {reference!r} is not one of the {len(groups)} groups in the table "
            f"({', '.join(groups)}). Choose one of them, {ALL_OTHERS!r} or {OVERALL!r}."
        )
    on = keys(table)
    chosen = table[table["group"] == reference].set_axis(
        [dict(zip(("events", "denominator"), NAMES, strict=True)).get(c, c) for c in table.columns], axis=1
    )
    if not on:
        return pd.DataFrame({n: chosen[n].iloc[0] for n in NAMES}, table.index).assign(reference=reference)
    return table[on].merge(chosen[[*on, *NAMES]], on=on, how="left")[NAMES].assign(reference=reference)


def _comparator(table: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    lacking = [c for c in ("group", "events", "denominator") if c not in reference]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of 3 columns of the comparator table are missing: {', '.join(lacking)}. "
            "It needs group (its name), events and denominator."
        )
    on = [c for c in reference.columns if c in keys(table)]
    twice = reference.duplicated(on) if on else pd.Series(True, reference.index)
    if twice.any():
        raise ValueError(
            f"{twice.sum()} of {len(reference)} rows of the comparator table cannot be told apart by "
            f"{', '.join(on) or 'any column they share with the table'}. Keep one row for each comparison."
        )
    text = dict.fromkeys(on, str)
    chosen = reference.rename(columns={"events": NAMES[0], "denominator": NAMES[1], "group": "reference"})
    found = table[on].astype(text).merge(chosen[[*on, *NAMES, "reference"]].astype(text), on=on, how="left")
    return found[[*NAMES, "reference"]]
