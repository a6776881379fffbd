"""Of whom does each number of a table speak, when the table is not laid out as counts by stage?

Every count that is released has a name, so that the joint audit can put it beside all others. A table
of counts by stage names its own; the checks of the data, the ledger and two ways to record ethnicity
crossed have names of their own here; any other table is named by its labels.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .joint_facts import GROUP, KIND, NEEDED, REACHED, SEARCHES, Count, group_by, named, part
from .policies import DisclosureError, counts_of, without_counts
from .vocabulary import UNKNOWN

FOUND, AMONG = "found", "among"
"""How many a check found, and among how many it looked."""
REMOVED, LEFT = "removed", "left"
"""A line of a ledger: its number stands behind, as in "left 003"."""

_TOTALS = frozenset({"all", "total", "all together"})
_NOT_LABELS = frozenset({"note", "meaning", "remedy", "why"})
_WHERE = ("area", "year", "years", "unit", "stage")


def names(
    table: pd.DataFrame, counts: Sequence[str], of: Mapping[str, Any] | None = None
) -> list[dict[str, Count]]:
    """Name the counts of a table, row by row.

    Parameters
    ----------
    table : DataFrame
        As it is released.
    counts : sequence of str
        Its columns of counts.
    of : mapping, optional
        What the table does not say of all its rows: ``area, year, years``, ``unit``, ``stage``.

    Returns
    -------
    list of dict
        For each row the name of each count, by its column.

    Raises
    ------
    DisclosureError
        If two rows have the same labels, so that nobody could say which is which.

    Examples
    --------
    >>> table = pd.DataFrame({"place": ["home", "all"], "events": [20, 30]})
    >>> for row in names(table, ("events",), {"area": "A", "year": 2023, "unit": "children"}):
    ...     print(row["events"])
    of place (events), A, 2023, place home
    of place (events), A, 2023, all
    """
    of = dict(of or {})
    columns = {*table.columns, *of}
    rows = [of | {str(c): v for c, v in row.items()} for row in table.to_dict("records")]
    if columns >= NEEDED:
        return [{c: n for c, n in named(row).items() if c in counts} for row in rows]
    if {"check", "stage", "unit"} <= columns:
        return [_checked(row) for row in rows]
    if {REMOVED, LEFT} <= columns:
        return _ledger(rows)
    if "self_defined" in columns:
        return [_crossed(row, counts) for row in rows]
    return _labelled(rows, counts, tuple(table.columns))


def names_in_words(
    texts: Sequence[str], column: str, of: Mapping[str, Any] | None = None
) -> list[list[Count]]:
    """Name the counts inside the texts of a column, in their order: by what each says of them.

    Parameters
    ----------
    texts : sequence of str
        As they would be released, with their true counts; these have no part in the names.
    column : str
        Where they stand.
    of : mapping, optional
        As for :func:`names`.

    Returns
    -------
    list of list of Count
        For each text one for each of its counts. Texts that say the same of several counts are numbered.

    Examples
    --------
    >>> for count in names_in_words(["5 empty cells of 412 rows"], "what")[0]:
    ...     print(count)
    # empty cells of # rows (number 0 of what), , 0, all
    # empty cells of # rows (number 1 of what), , 0, all
    """
    row, seen, found = dict(of or {}), Counter[str](), []
    for text in texts:
        said = without_counts(text)
        again = f", said {seen[said]} times before" * bool(seen[said])
        at = [f"number {i} of {column}{again}" for i in range(len(counts_of(text)))]
        found.append([Count("rows", said, str(row.get("area", "")), one, *_span(row)) for one in at])
        seen[said] += 1
    return found


def _span(row: Mapping[str, Any]) -> tuple[int, int]:
    """Say which years a row is of; 0 where neither the row nor the table says."""
    last = int(row.get("year", 0))
    return (last - int(row.get("years", 1)) + 1, last) if last else (0, 0)


def _checked(row: Mapping[str, Any]) -> dict[str, Count]:
    """Name what a check of the data found; a check of ethnicity found a kind of the unknown."""
    check, stage, unit = str(row["check"]), str(row["stage"]), str(row["unit"])
    area, span = str(row.get("area", "")), _span(row)
    if stage == "searches.csv" and check.startswith("ethnicity"):
        stage = "stop_search"
    if "ethnicity" not in check or check.endswith("differ") or "changes" in check:
        return {
            "events": Count(unit, stage, area, f"{FOUND} {check}", *span),
            "denominator": Count(unit, stage, area, f"{AMONG} {check}", *span),
        }
    said = " (self-defined)" * (unit == SEARCHES)
    where = {f"{GROUP}{said}": UNKNOWN}
    if not check.startswith("ethnicity unknown"):
        where[f"{KIND}{said}"] = check.removeprefix("ethnicity ")
    return {
        "events": Count(unit, stage, area, REACHED, *span, part(where)),
        "denominator": Count(unit, stage, area, REACHED, *span),
    }


def _ledger(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Count]]:
    """Name the lines of a ledger: what a line leaves, the next one removes from."""
    found = []
    lines = "\n".join(f"{row.get('step', '')}: {row.get('what', '')}" for row in rows)
    stage = f"ledger {hashlib.sha256(lines.encode()).hexdigest()[:12]}"  # that of the same lines
    for number, row in enumerate(rows):
        kept = str(row.get("why", "")).startswith("kept")
        at = {
            column: Count(
                "rows",
                stage,
                str(row.get("area", "")),
                f"{'kept, ' * kept}{column} {number:03d}",
                *_span(row),
            )
            for column in (REMOVED, LEFT)
        }
        found.append(at)
    return found


def _crossed(row: Mapping[str, Any], counts: Sequence[str]) -> dict[str, Count]:
    """Name a row of self-defined by officer-defined ethnicity: both divide the same searches."""
    down = {group_by("self-defined"): str(row["self_defined"])}
    month = {"month": str(row["month"])} if "month" in row else {}
    found = {}
    for column in counts:
        across = {group_by("officer-defined"): UNKNOWN if column == "not_recorded" else column}
        where = down | month | ({} if column.lower() in _TOTALS else across)
        found[column] = Count(
            str(row.get("unit", "searches")),
            str(row.get("stage", "stop_search")),
            str(row.get("area", "")),
            REACHED,
            *_span(row),
            part(where),
        )
    return found


def _labelled(
    rows: Sequence[Mapping[str, Any]], counts: Sequence[str], columns: Sequence[str]
) -> list[dict[str, Count]]:
    """Name the counts of any other table by its labels; a label such as "all" means every value of it."""
    labels = [c for c in columns if c not in {*counts, *_WHERE, *_NOT_LABELS}]
    wheres = [part({c: str(row[c]) for c in labels if str(row[c]).lower() not in _TOTALS}) for row in rows]
    at = [(*(str(row.get(c, "")) for c in _WHERE), where) for row, where in zip(rows, wheres, strict=True)]
    if twice := [number for number, one in enumerate(at) if one in at[:number]]:
        raise DisclosureError(
            f"{len(twice)} of {len(rows)} rows cannot be told apart from another by their labels "
            f"({', '.join(labels) or 'none'}), so that nobody can say what their counts give away together. First: row "
            f"{twice[0]}. Release the columns that tell them apart with them."
        )
    stage = f"of {', '.join(labels)}"
    return [
        {
            c: Count(
                str(row.get("unit", "")),
                str(row.get("stage", stage)),
                str(row.get("area", "")),
                c,
                *_span(row),
                where,
            )
            for c in counts
        }
        for row, where in zip(rows, wheres, strict=True)
    ]
