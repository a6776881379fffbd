"""Is a table usable, and typed? Text in, a typed table out, or one readable refusal.

A table is checked against ``vocabulary.TABLES`` and only then typed. All its faults are reported together:
what, how many of how many, where first, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from .reading import DataError, alike, near, read, shown
from .vocabulary import BROAD, ETHNICITIES, KEYS, STAGES, TABLES, UNKNOWN, Column, Stage

__all__ = ["SUPPRESSED", "DataError", "check", "in_order", "near", "read", "refuse_totals", "shown"]

SUPPRESSED = "[c]"
"""The mark for a hidden count in a canonical table. It is read as a missing count."""

WHOLE_NUMBER = r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.0+)?"

_UNKNOWN = frozenset(
    {"unknown", "not known", "not stated", "not recorded", "unrecorded", "missing", "not provided", "refused"}
)
"""What people write for ethnicity that is not known."""

_KINDS: Mapping[str, tuple[Callable[[pd.Series], pd.Series], str, str]] = {
    "count": (
        lambda values: values.str.fullmatch(WHOLE_NUMBER) | values.eq(SUPPRESSED),
        "a value that is not a whole number of 0 or more",
        f"Give a whole number, or {SUPPRESSED} for a hidden count.",
    ),
    "whole": (
        lambda values: values.str.fullmatch(WHOLE_NUMBER),
        "a value that is not a whole number of 0 or more",
        "Give a whole number.",
    ),
    "year": (
        lambda values: values.str.fullmatch(r"[12][0-9]{3}"),
        "a value that is not a year of four digits",
        "Write the year it starts in, as 2023 for 2023-24.",
    ),
    "date": (
        lambda values: pd.to_datetime(values, format="%Y-%m-%d", errors="coerce").notna(),
        "a value that is not a date written YYYY-MM-DD",
        "Write dates as 2024-03-31.",
    ),
    "month": (
        lambda values: values.str.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])"),
        "a value that is not a month written YYYY-MM",
        "Write months as 2009-07.",
    ),
    "flag": (
        lambda values: values.isin(["yes", "no", ""]),
        "a value that is not yes, no or empty",
        "Write yes or no.",
    ),
}
"""For each kind of column: which values hold, what to say of the others, what to do about them."""


def faults_of(values: pd.Series, column: Column, groups, stages) -> tuple[pd.Series, str, str]:
    """Find the rows of one column that break its kind.

    Parameters
    ----------
    values : Series of str
        The cells.
    column : Column
        What they should be.
    groups, stages : iterable of str
        Those of the study.

    Returns
    -------
    tuple of Series, str and str
        Which rows, what is wrong, what to do.
    """
    optional = values.eq("") & (column.blank or not column.required)
    if column.kind in _KINDS:
        holds, what, remedy = _KINDS[column.kind]
        return ~holds(values) & ~optional, what, remedy
    if column.kind == "stage":
        return (
            ~values.isin(list(stages)),
            "a stage that is not in the stage graph",
            "Correct it, or add the stage to study.toml.",
        )
    if column.kind == "group":
        if (unknown := values.str.strip().str.casefold().isin(_UNKNOWN) & values.ne(UNKNOWN)).any():
            remedy = f"Write {UNKNOWN}, and add up the rows that then become one: it is no ethnic group."
            return unknown, "a word for ethnicity that is not known", remedy
        spelt = values.str.split().str.join(" ").str.casefold()
        if (other := values.ne(values.groupby(spelt).transform("first"))).any():
            return (
                other,
                "an ethnic group that is spelt in two ways, which differ in capitals or spaces",
                "Write one.",
            )
    if column.kind == "group" and groups:
        return (
            ~values.isin(list(groups)),
            "an ethnic group that is not in the study",
            "Correct it, or list it under groups in study.toml. Labels are never guessed.",
        )
    if column.choices:
        return (
            ~values.isin(column.choices) & ~optional,
            "a value that is not in the vocabulary",
            f"Correct it; the vocabulary has {', '.join(column.choices)}.",
        )
    return values.eq("") & ~optional, "nothing", "Fill it in."


_OF_CHILDREN = ("children", "events", "offences", "sentencing", "support", "searches")
"""Tables with a row for each child, decision or search."""

_MANY = 8


def _examples(values: pd.Series, column: Column, choices, *, of_children: bool) -> str:
    """List the commonest wrong values with their counts; never of a column that may identify a child.

    In a table with a row for each child or event, columns may have been shifted, so that a name stands where
    a label should be: there only what resembles a label is quoted, or is in as many rows as may be shown.
    """
    if column.kind not in ("stage", "group", "flag", "count", "year") and not column.choices:
        return ""
    counts = values.value_counts()
    if of_children:
        words = (*choices, *BROAD, *(w for e in ETHNICITIES for w in e.label.split()))
        counts = counts[[n >= _MANY or bool(alike(v, words)) for v, n in counts.items()]]
        if counts.empty:
            return ""
    listed = ", ".join(f"{shown(label)} ({n:,})" for label, n in counts.head(5).items())
    more = f" and {len(counts) - 5} more" if len(counts) > 5 else ""
    return f": {listed}{more}.{near(counts.index[0], choices)}"


def _typed(values: pd.Series, column: Column, groups, stages) -> pd.Series:
    """Give one clean column its type."""
    match column.kind:
        case "count" | "whole" | "year":
            plain = values.str.replace(",", "").where(values.ne(SUPPRESSED) & values.ne(""))
            return pd.to_numeric(plain).astype(float)
        case "date":
            return pd.to_datetime(values, format="%Y-%m-%d", errors="coerce")
        case "group":
            order = list(groups) or in_order(list(dict.fromkeys(values)))
            return values.astype(pd.CategoricalDtype(order, ordered=True))
        case "stage":
            return values.astype(pd.CategoricalDtype(list(stages), ordered=True))
    if column.choices:
        kind = pd.CategoricalDtype(list(column.choices), ordered=True)
        return values.where(values.ne("")).astype(kind)
    return values


def in_order(groups: list[str]) -> list[str]:
    """Put groups in printing order: those of the study as they come, then the usual ones as usual.

    Parameters
    ----------
    groups : list of str
        Each once.

    Returns
    -------
    list of str
        The same groups.

    Examples
    --------
    >>> in_order(["White", "Unknown", "Black"]), in_order(["White", "Roma"])
    (['Black', 'White', 'Unknown'], ['Roma', 'White'])
    """
    return [g for g in groups if g not in BROAD] + [g for g in BROAD if g in groups]


def check(
    table: pd.DataFrame,
    name: str,
    *,
    file: str,
    groups: Iterable[str] = (),
    stages: Mapping[str, Stage] = STAGES,
    rows: int | None = None,
) -> pd.DataFrame:
    """Check a table of text against the vocabulary and type it.

    Parameters
    ----------
    table : DataFrame of str
        As :func:`read` gives it, indexed by the row in the file.
    name : str
        Which canonical table it is.
    file : str
        What to call it in a message.
    groups : sequence of str
        The study's ethnic groups; empty accepts any.
    stages : mapping
        The stage graph.
    rows : int, optional
        How many rows the file has, where ``table`` holds only some of them.

    Returns
    -------
    DataFrame
        The same rows in the same order, typed; extra columns are kept as text.

    Raises
    ------
    DataError
        Naming every fault: what, how many of how many, the first row and column, what to do.
    """
    rows = len(table) if rows is None else rows
    columns = {c.name: c for c in TABLES[name]}
    missing = [c for c in columns.values() if c.required and c.name not in table.columns]
    if missing:
        raise DataError(
            f"{file}: {len(missing)} of {sum(c.required for c in columns.values())} required columns "
            f"are missing: {', '.join(c.name for c in missing)}.{near(missing[0].name, table.columns)} "
            f"The file has {', '.join(shown(c) for c in table.columns[:12])}."
        )
    blocks = []
    for column in (c for c in columns.values() if c.name in table.columns):
        values = table[column.name]
        bad, what, remedy = faults_of(values, column, groups, stages)
        if bad.any():
            choices = {"stage": stages, "group": groups}.get(column.kind, column.choices)
            blocks.append(
                f"{file}: {bad.sum():,} of {rows:,} rows have {what} in column {column.name}"
                f"{_examples(values[bad], column, choices, of_children=name in _OF_CHILDREN) or '.'} "
                f"First: row {table.index[bad][0]:,}, column {column.name}. {remedy}"
            )
    key = [k for k in KEYS.get(name, ()) if k in table.columns]
    if key and (twice := table.duplicated(key)).any():
        blocks.append(
            f"{file}: {twice.sum():,} of {rows:,} rows repeat the key ({', '.join(key)}) of an earlier "
            f"row. First: row {table.index[twice][0]:,}, column {key[0]}. Keep one row for each key."
        )
    if blocks:
        raise DataError("\n".join(blocks))
    typed = {c: _typed(table[c], columns[c], groups, stages) for c in columns if c in table.columns}
    return table.assign(**typed)


TOTALS = re.compile(
    r"(grand )?totals?|overall|persons|any|both( sexes)?"
    r"|all( (ages|areas|children|ethnic groups|ethnicities|groups|people|persons|sexes))?",
    re.IGNORECASE,
)
"""Labels that stand for a sum, not for a part of one."""


def refuse_totals(table: pd.DataFrame, columns: Iterable[str], file: str) -> None:
    """Refuse a table in which totals stand among their parts: they would be counted twice.

    Parameters
    ----------
    table : DataFrame
        Indexed by the row in the file.
    columns : iterable of str
        The columns whose values are added up; those the table lacks are passed over.
    file : str
        What to call the table in a message.

    Raises
    ------
    DataError
        If a label such as "All" or "Total" stands in a column beside other labels.
    """
    for column in (c for c in columns if c in table.columns):
        values = table[column].astype(str)
        total = values.str.fullmatch(TOTALS)
        if total.any() and values.nunique() > 1:
            first = table.index[total][0]
            raise DataError(
                f"{file}: {total.sum():,} of {len(table):,} rows are totals in column {column}: "
                f"{shown(values[first])}. First: row {first:,}, column {column}. Take them out: parts are added "
                "up here, and a total among them would be counted twice."
            )
