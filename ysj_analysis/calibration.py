"""How is a table that was rounded and suppressed made to add up? Scaled to exact totals, in whole people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .tables import DataError


def calibrated(published: pd.DataFrame, totals: pd.Series, *, file: str = "population") -> pd.DataFrame:
    """Scale each row of a table to its exact total, in whole numbers.

    Parameters
    ----------
    published : DataFrame of int
        A column a group; a hidden count is given as 0 and stays 0.
    totals : Series
        The exact total of each row, on the same index; a row without one is left as it is.
    file : str
        What to call the table in a message.

    Returns
    -------
    DataFrame of int
        The same shape. Within each row every group is scaled alike, by largest remainder.

    Raises
    ------
    DataError
        For a row with people in its total and none in its groups.

    Examples
    --------
    >>> t = pd.DataFrame({"Black": [50, 10], "White": [30, 10], "Roma": [0, 0]}, index=["A", "B"])
    >>> calibrated(t, pd.Series({"A": 83}))
       Black  White  Roma
    A     52     31     0
    B     10     10     0
    """
    target = totals.reindex(published.index)
    impossible = (target > 0) & (published.sum(axis=1) == 0)
    if impossible.any():
        first = impossible.idxmax()
        named = ", ".join(map(str, first if isinstance(first, tuple) else (first,)))
        raise DataError(
            f"{file}: {impossible.sum():,} of {len(impossible):,} rows have people in their exact total and none in "
            f"their groups. First: {named}. Check that the two tables are of the same areas and ages."
        )
    empty = target.eq(0) & (published.sum(axis=1) == 0)
    has = target.notna() & ~empty
    counts = published.copy()
    if has.any():
        counts.loc[has] = apportioned(published[has].to_numpy(), target[has].to_numpy())
    return counts


def apportioned(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Scale each row of whole numbers to a total, in whole numbers, by largest remainder.

    Parameters
    ----------
    counts : ndarray of int, rows by groups
        Counts of 0 or more, not all 0 in a row.
    totals : ndarray of int, rows
        What each row is to add to.

    Returns
    -------
    ndarray of int
        Each cell within 1 of its exact share; equal remainders go to the earlier group; 0 stays 0.

    Examples
    --------
    >>> apportioned(np.array([[50, 30, 20, 0]]), np.array([103]))
    array([[51, 31, 21,  0]])
    """
    shares = counts * (np.asarray(totals) / counts.sum(axis=1))[:, None]
    whole = np.floor(shares + 1e-9).astype(int)
    short = np.asarray(totals, dtype=int) - whole.sum(axis=1)
    rank = np.argsort(np.argsort(-np.round(shares - whole, 9), axis=1, kind="stable"), axis=1)
    return whole + (rank < short[:, None])
