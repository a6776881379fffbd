"""How many comparisons were made? The more there are, the more are far from parity by chance alone."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .countable import refuse

_ADJUSTED = {"bh": "Benjamini-Hochberg", "holm": "Holm"}


def adjust_p(table: pd.DataFrame, *, method: str = "bh", family: Sequence[str] = ()) -> pd.DataFrame:
    """Adjust p-values for the number of comparisons made in one published table.

    Parameters
    ----------
    table : DataFrame
        With ``p_value``. Missing p-values are no comparisons and are left out of the count.
    method : {"bh", "holm"}
        Benjamini-Hochberg (1995), or Holm (1979) where a single false flag is costly.
    family : sequence of str
        Columns that tell families apart. Empty: the whole table is one family.

    Returns
    -------
    DataFrame
        The same rows with ``p_adjusted`` and ``family`` (its name, method and number of comparisons).

    Raises
    ------
    ValueError
        For a column that is not there, or a p-value that is none.

    Examples
    --------
    >>> adjust_p(pd.DataFrame({"p_value": [0.01, 0.04, None]}))["p_adjusted"].to_list()
    [0.02, 0.04, nan]
    """
    if method not in _ADJUSTED:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(map(repr, _ADJUSTED))}.")
    missing = [c for c in ("p_value", *family) if c not in table.columns]
    if missing:
        raise ValueError(
            f"{len(missing)} of {1 + len(family)} columns needed are missing: {', '.join(missing)}. The table "
            f"has {', '.join(map(str, table.columns))}."
        )
    p = table["p_value"].astype(float).reset_index(drop=True)
    refuse(~p.between(0, 1) & p.notna(), table, "p_value", p, "not between 0 and 1", "Correct it.")
    names = pd.Series("this table", p.index)
    if family:
        parts = [table[c].astype(str).reset_index(drop=True) for c in family]
        names = parts[0].str.cat(parts[1:], sep=", ")
    size = p.groupby(names).transform("count")
    rank = p.groupby(names).rank(method="first")
    if method == "bh":
        largest_first = (p * size / rank).loc[rank.sort_values(ascending=False).index]
        adjusted = largest_first.groupby(names).cummin()
    else:
        smallest_first = (p * (size - rank + 1)).loc[rank.sort_values().index]
        adjusted = smallest_first.groupby(names).cummax()
    labels = names + f" ({_ADJUSTED[method]}, " + size.astype(int).astype(str) + " comparisons)"
    return table.assign(
        p_adjusted=adjusted.reindex(p.index).clip(upper=1).to_numpy(), family=labels.to_numpy()
    )
