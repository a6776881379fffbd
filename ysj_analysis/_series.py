"""What the monitoring tables share: which rows belong together, which counts can be used, the layout."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import _cells
from .vocabulary import MEASURE, POPULATION

_AFTER_GROUP = MEASURE[MEASURE.index("group") + 1 :]
_NOT_KEYS = frozenset(("measure", *_AFTER_GROUP, "p_adjusted", "family", "expected"))
_TEXT = ("reference", "method", "note")
COUNTED = ("base", "events", "denominator")


def checked(table: pd.DataFrame, needed: tuple[str, ...]) -> pd.DataFrame:
    """Refuse a table without the columns needed or with impossible counts; number its rows."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"this takes a table (DataFrame) with {', '.join(needed)}, not {type(table).__name__}."
        )
    missing = [c for c in needed if c not in table.columns]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(needed)} columns needed are missing: {', '.join(missing)}. The table has "
            f"{', '.join(map(str, table.columns)) or 'none'}."
        )
    table = table.reset_index(drop=True)
    cohort = table["base"].ne(POPULATION).to_numpy() if "base" in needed else np.zeros(len(table), bool)
    for prefix in ("", "reference_"):
        if prefix + "events" not in needed:
            continue
        x, n = (table[prefix + c].to_numpy(float) for c in ("events", "denominator"))
        _cells.check_counts(**{prefix + "events": x, prefix + "denominator": np.where(cohort, n, np.nan)})
        _cells.check_amounts(**{prefix + "denominator": n})
        _cells.check_within(prefix + "events", np.where(cohort, x, np.nan), prefix + "denominator", n)
    return table


def keys(table: pd.DataFrame, *without: str) -> list[str]:
    """Name the columns that tell one series, or one comparison, from another."""
    return [c for c in table.columns if c not in _NOT_KEYS and c not in without]


def codes(table: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Number the combinations of some columns, in order of first appearance."""
    if not columns or table.empty:
        return np.zeros(len(table), int)
    return table.groupby(columns, observed=True, sort=False, dropna=False).ngroup().to_numpy()


def refuse_repeats(table: pd.DataFrame, columns: list[str], what: str) -> None:
    """Refuse a table in which something that must occur once in a series occurs again."""
    repeated = table.duplicated(columns)
    if repeated.any():
        raise ValueError(
            f"{repeated.sum()} of {len(table)} rows repeat the same {what} within one series. First: row "
            f"{int(np.flatnonzero(repeated)[0])}, {what} {table.loc[repeated, what].iloc[0]}. Add rows up "
            "first, or add the column that tells them apart."
        )


def refuse_windows(table: pd.DataFrame, purpose: str) -> None:
    """Refuse pooled years where each year must be counted once."""
    pooled = table["years"].ne(1) if "years" in table else pd.Series(False, table.index)
    if pooled.any():
        raise ValueError(
            f"{pooled.sum()} of {len(table)} rows pool several years. First: row "
            f"{int(np.flatnonzero(pooled)[0])}, {table.loc[pooled, 'years'].iloc[0]} years. {purpose} needs "
            "single years, since windows that overlap count the same children again: keep years == 1."
        )


def masked(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Give the reason each row's counts may not be used (empty: they may), and the mask."""
    earlier = table["note"].to_numpy(object) if "note" in table else np.full(len(table), "", object)
    hidden = table["events"].isna().to_numpy()
    empty = ~(table["denominator"].to_numpy(float) > 0)
    reason = np.where(hidden, "suppressed", np.where(empty, "no_denominator", "")).astype(object)
    reason = np.where(earlier != "", earlier, reason)
    return reason, reason != ""


def laid_out(table: pd.DataFrame, **columns) -> pd.DataFrame:
    """Lay out a result: ``vocabulary.MEASURE``, ``by`` columns after ``group``, others before ``method``."""
    by = keys(table, *MEASURE)
    out = table.assign(**columns)
    for name in _AFTER_GROUP:
        if name not in out:
            out[name] = "" if name in _TEXT else np.nan
    leading = [c for c in MEASURE[: -len(_AFTER_GROUP)] if c in out]
    extras = [c for c in out if c not in MEASURE and c not in by]
    return out[[*leading, *by, *_AFTER_GROUP[:-2], *extras, "method", "note"]]
