"""What was flagged, and what is done about it? A small file of actions, and whether they can be seen to work.

Each flag of ``monitor.flags`` becomes a line of ``actions.csv`` in the study folder: explain or change. The kit
writes what was flagged and when; people write who owns it, what they think, what was decided and when it is looked
at again. Nothing that people wrote is ever overwritten, and no line is ever taken out. The file holds no figure.
"""

from __future__ import annotations

import os
import re
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from . import reading
from .reading import DataError, NotHeld, near, shown

FILE = "actions.csv"
KEY = ("area", "stage", "base", "group", "reference")
"""What a line is about; once in the file."""

MADE = ("first_flagged", "last_flagged", "flag", "rule")
"""What the kit writes: years by the April (or January) they start in, where the flag stands, the rule."""

TYPED = ("owner", "hypothesis", "decision", "action", "review_date", "baseline_year", "target")
"""What people write."""

COLUMNS = (*KEY, *MADE, *TYPED)
DECISIONS = ("explain", "change")
_FLAGS = ("flagged", "progress", "watch", "not flagged", "not assessed")
_RAISED = ("flagged", "progress")


def read(folder: str | Path) -> pd.DataFrame:
    """Read the actions of a study.

    Parameters
    ----------
    folder : str or Path
        The study folder.

    Returns
    -------
    DataFrame of str
        The columns of ``COLUMNS`` first, then whatever else people added, as they wrote it.

    Raises
    ------
    NotHeld
        If the folder has no ``actions.csv``.
    DataError
        If the file is damaged: a column of what a line is about is missing, a line repeats, a decision is
        neither ``explain`` nor ``change``, a date is no date, a year no year or a target no ratio.
    """
    path = Path(folder) / FILE
    if not path.exists():
        raise NotHeld(
            "This study holds no actions.csv, so there is no list of what was flagged and what is done about it. "
            "Make one with actions.update."
        )
    table = reading.read(path, empty=True)
    lacking = [c for c in KEY if c not in table]
    if lacking:
        raise DataError(
            f"{FILE}: {len(lacking)} of {len(KEY)} columns that say what a line is about are missing: "
            f"{', '.join(lacking)}.{near(lacking[0], table.columns)} Put them back in the header row."
        )
    table = table.assign(**{c: "" for c in COLUMNS if c not in table})
    _refuse(
        table, table[list(KEY)].eq("").any(axis=1), "do not say which flag they are about", " or ".join(KEY)
    )
    _refuse(
        table, table.duplicated(list(KEY)), "are about the same flag as an earlier one", "one line for each"
    )
    decision = table["decision"].str.casefold()
    _refuse(
        table,
        ~decision.isin(["", *DECISIONS]),
        "have another decision",
        "explain, change, or nothing yet",
        "decision",
    )
    _refuse(
        table,
        ~_whole(table["review_date"], _is_date),
        "have a review_date that is no day",
        "a day as 2025-03-31",
    )
    for column in ("baseline_year", "first_flagged", "last_flagged"):
        bad = ~table[column].str.fullmatch(r"(?:19|20)\d\d|")
        _refuse(table, bad, f"have a {column} that is no year", "the year it starts in, as 2023")
    _refuse(
        table,
        ~_whole(table["target"], _is_ratio),
        "have a target that is no ratio",
        "a ratio above 0, as 1.5",
    )
    half = table["baseline_year"].ne("") != table["target"].ne("")
    _refuse(table, half, "have a baseline_year or a target without the other", "both, or neither")
    _refuse(
        table,
        ~table["flag"].isin(["", *_FLAGS]),
        "have a flag that the kit does not write",
        ", ".join(_FLAGS),
        "flag",
    )
    table = table.assign(decision=decision)
    return table[[*COLUMNS, *(c for c in table if c not in COLUMNS)]].reset_index(drop=True)


def merged(ledger: pd.DataFrame, flags: pd.DataFrame) -> pd.DataFrame:
    """Add what is flagged now to what was flagged before.

    Parameters
    ----------
    ledger : DataFrame
        As :func:`read` gives it; empty to begin with.
    flags : DataFrame
        From ``monitor.flags``, of one area or several and any number of years: ``year, stage, base, group,
        reference, flag, rule``; ``area`` where there is one.

    Returns
    -------
    DataFrame of str
        The lines there were, in their order and as people wrote them, with ``flag`` as it stands in the last
        year and ``last_flagged`` moved on; then a line for each new flag. A line whose flag has gone stays, and
        ``flag`` says so: what was explained or changed is not forgotten.

    Raises
    ------
    ValueError
        If columns are missing.

    Examples
    --------
    >>> flags = pd.DataFrame({"area": "A", "year": [2022, 2023], "stage": "custody", "base": "sentenced",
    ...     "group": "Black", "reference": "White", "flag": ["watch", "flagged"], "rule": "ratio above 2"})
    >>> one = merged(pd.DataFrame(columns=COLUMNS), flags)
    >>> one[["stage", "group", "first_flagged", "last_flagged", "flag", "owner"]]
         stage  group first_flagged last_flagged     flag owner
    0  custody  Black          2023         2023  flagged
    """
    needed = ("year", "stage", "base", "group", "reference", "flag", "rule")
    if lacking := [c for c in needed if c not in flags]:
        raise ValueError(
            f"{len(lacking)} of {len(needed)} columns are not in the flags: {', '.join(lacking)}. Give what "
            "monitor.flags returns for relative rates."
        )
    now = flags.assign(area=flags.get("area", "")).sort_values("year", kind="stable")
    now = now.astype(dict.fromkeys((*KEY, "flag", "rule"), str))
    names = list(KEY)
    last = now.drop_duplicates(names, keep="last").set_index(names)[["flag", "rule"]]
    years = now[now["flag"].isin(_RAISED)].groupby(names, sort=False)["year"].agg(["min", "max"])
    here = pd.MultiIndex.from_frame(ledger[names].astype(str))
    before = ledger.reset_index(drop=True).astype(str)
    seen = last.reindex(here).reset_index(drop=True)
    span = years.reindex(here).reset_index(drop=True)
    for column, end, chosen in (("first_flagged", "min", np.fmin), ("last_flagged", "max", np.fmax)):
        known = pd.to_numeric(before[column], errors="coerce").to_numpy(float)
        either = chosen(known, span[end].to_numpy(float))
        before[column] = ["" if np.isnan(v) else f"{v:.0f}" for v in either]
    before["flag"] = seen["flag"].fillna(before["flag"])
    before["rule"] = seen["rule"].fillna(before["rule"])
    new = years[~years.index.isin(here)].join(last).reset_index()
    new = new.assign(
        first_flagged=new["min"].astype(int).astype(str), last_flagged=new["max"].astype(int).astype(str)
    )
    both = pd.concat([before, new.reindex(columns=before.columns, fill_value="")], ignore_index=True)
    return both.fillna("").astype(str)


def update(folder: str | Path, flags: pd.DataFrame) -> pd.DataFrame:
    """Read the actions of a study, add what is flagged now, and write them again.

    Parameters
    ----------
    folder : str or Path
        The study folder.
    flags : DataFrame
        As for :func:`merged`; best taken of printed ratios, ``released.derive(monitor.flags, rule=rule).table``.

    Returns
    -------
    DataFrame of str
        What the file now holds. The same flags again change nothing.

    Raises
    ------
    DataError
        If the file is damaged; it is then left as it is.
    """
    try:
        ledger = read(folder)
    except NotHeld:
        ledger = pd.DataFrame(columns=list(COLUMNS), dtype=str)
    table = merged(ledger, flags)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".actions-", suffix=".csv")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            table.to_csv(file, index=False, lineterminator="\n")
        os.chmod(name, 0o644)
        os.replace(name, Path(folder) / FILE)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return table


def listed(ledger: pd.DataFrame, *, area: str, on: str = "") -> pd.DataFrame:
    """Lay the actions of one area out as a reader sees them.

    Parameters
    ----------
    ledger : DataFrame
        From :func:`read`.
    area : str
        Lines of this area, and lines of none.
    on : str
        The day of the report, ``YYYY-MM-DD``: a review before it is past. Empty: nothing is said of that.

    Returns
    -------
    DataFrame of str
        ``stage, base, group, reference, first_flagged, last_flagged, flag, owner, hypothesis, decision, action,
        review_date, standing``. ``standing`` is ``no decision yet``, ``to be explained``, ``to be changed``, with
        ``review past`` added. Release it with ``counts=(), texts=actions.TEXTS``.

    Raises
    ------
    ValueError
        If ``on`` is no day.
    """
    if on and not _is_date(on):
        raise ValueError(f"on is {on!r}; give the day of the report, as 2025-03-31, or nothing.")
    rows = ledger[ledger["area"].isin(["", area])].reset_index(drop=True)
    standing = rows["decision"].map({"explain": "to be explained", "change": "to be changed"})
    past = rows["review_date"].ne("") & rows["review_date"].lt(on)
    rows = rows.assign(standing=standing.fillna("no decision yet") + np.where(past, ", review past", ""))
    names = [*KEY[1:], "first_flagged", "last_flagged", "flag", *TYPED[:5], "standing"]
    return rows[names]


TEXTS = ("hypothesis", "action")
"""Columns in which people may have written a count: they are printed by the rule of the edition."""


# -- inside ------------------------------------------------------------------------------------------


def _refuse(table: pd.DataFrame, bad: pd.Series, what: str, want: str, column: str = "") -> None:
    """Refuse lines of the file, saying how many, which first and what to write."""
    if bad.any():
        first = table.index[bad.to_numpy()][0]
        value = f": {shown(table.loc[first, column])}" if column else ""
        raise DataError(
            f"{FILE}: {bad.sum()} of {len(table)} lines {what}. First: row {first}{value}. Write {want}."
        )


def _whole(values: pd.Series, valid) -> pd.Series:
    """Say which cells are empty or valid."""
    return values.map({v: v == "" or valid(v) for v in values.unique()}).astype(bool)


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text) and date.fromisoformat(text))
    except ValueError:
        return False


def _is_ratio(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text)) and float(text) > 0
