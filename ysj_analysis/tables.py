"""Is one table usable, and typed? Text in, a typed table out, or one readable refusal.

A table is read as text, tidied of what is merely ugly (a byte-order mark, stray spaces, Windows line
ends, thousands separators), checked against ``vocabulary.TABLES`` and only then typed. All its faults
are reported together: what, how many of how many, where first, and what to do.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pandas as pd

from .vocabulary import BROAD, KEYS, STAGES, TABLES, UNKNOWN, Column

SUPPRESSED = "[c]"
"""The mark for a hidden count in a canonical table. It is read as a missing count."""

_WHOLE = r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.0+)?"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class DataError(ValueError):
    """Data that cannot be used. The message says what, how many of how many, where and what to do."""


def shown(label: object, limit: int = 40) -> str:
    """Write a label from a file so that it can do no harm in a message.

    Parameters
    ----------
    label : object
        Anything read from a file.
    limit : int
        Longest text to show.

    Returns
    -------
    str
        The label in quotes, control and direction marks replaced, cut to ``limit``.

    Examples
    --------
    >>> shown("Blck")
    "'Blck'"
    """
    text = _UNSAFE.sub("?", str(label))
    return "'" + (text if len(text) <= limit else text[: limit - 1] + "…") + "'"


def near(label: str, choices) -> str:
    """Say which of the choices a label nearly is, as a clause; empty when none is near."""
    match = difflib.get_close_matches(str(label), [str(c) for c in choices], n=1, cutoff=0.6)
    return f" Did you mean {shown(match[0])}?" if match else ""


def read(path: Path) -> pd.DataFrame:
    """Read a CSV as text: no guessed types, no guessed missing values."""
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True
        )
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name}: not UTF-8 text; byte {error.start:,} cannot be read. "
            "Save the file again as 'CSV UTF-8'."
        ) from None
    except pd.errors.EmptyDataError:
        raise DataError(
            f"{path.name}: the file is empty. It needs a header row and at least one row."
        ) from None
    except pd.errors.ParserError as error:
        raise DataError(
            f"{path.name}: the rows do not all have the same number of columns ({str(error).strip()}). "
            "Look for an unquoted comma or a title row above the header."
        ) from None
    except FileNotFoundError:
        raise DataError(
            f"{path.name}: there is no such file in {path.parent.name or 'this folder'}/."
        ) from None
    table.columns = [str(c).strip() for c in table.columns]
    repeated = [
        c for c in table.columns if re.fullmatch(r".+\.\d+", c) and c.rsplit(".", 1)[0] in table.columns
    ]
    if repeated:
        raise DataError(
            f"{path.name}: the column {shown(repeated[0].rsplit('.', 1)[0])} occurs more than once. "
            "Keep one of them."
        )
    if table.empty:
        raise DataError(f"{path.name}: 0 rows under the header. The file needs at least one row.")
    return table.fillna("").apply(lambda s: s.str.strip())


def _faults(values: pd.Series, column: Column, groups, stages) -> tuple[pd.Series, str, str]:
    """Find the rows of one column that break its kind: which rows, what is wrong, what to do."""
    blank = values.eq("")
    match column.kind:
        case "whole":
            bad = ~values.str.fullmatch(_WHOLE) & values.ne(SUPPRESSED)
            return (
                bad & ~(blank & (not column.required)),
                "not a whole number of 0 or more",
                f"Give a whole number, or {SUPPRESSED} for a hidden count.",
            )
        case "date":
            bad = pd.to_datetime(values, format="%Y-%m-%d", errors="coerce").isna()
            return bad & ~blank, "not a date written YYYY-MM-DD", "Write dates as 2024-03-31."
        case "month":
            bad = ~values.str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])")
            return bad & ~blank, "not a month written YYYY-MM", "Write months as 2009-07."
        case "flag":
            return ~values.isin(["yes", "no", ""]), "not yes, no or empty", "Write yes or no."
        case "stage":
            return (
                ~values.isin(stages),
                "a stage that is not in the stage graph",
                ("Correct it, or add the stage to study.toml."),
            )
        case "group" if groups:
            return (
                ~values.isin(groups),
                "an ethnic group that is not in the study",
                ("Correct it, or list it under groups in study.toml. Labels are never guessed."),
            )
    if column.choices:
        return (
            ~values.isin(column.choices),
            "a value that is not in the vocabulary",
            (f"Correct it; the vocabulary has {', '.join(column.choices[:24])}."),
        )
    return blank & column.required, "empty", "Fill it in."


def _examples(values: pd.Series, bad: pd.Series, column: Column, choices) -> str:
    """List the commonest wrong labels with their counts; only for columns that hold codes, never ids."""
    if column.kind not in ("stage", "group", "flag") and not column.choices:
        return ""
    counts = values[bad].value_counts()
    listed = ", ".join(f"{shown(label)} ({n:,})" for label, n in counts.head(5).items())
    more = f" and {len(counts) - 5} more" if len(counts) > 5 else ""
    return f": {listed}{more}.{near(counts.index[0], choices)}"


def _typed(values: pd.Series, column: Column, groups, stages) -> pd.Series:
    """Give one clean column its type."""
    match column.kind:
        case "whole":
            plain = values.str.replace(",", "").where(values.ne(SUPPRESSED) & values.ne(""))
            return pd.to_numeric(plain).astype(float)
        case "date":
            return pd.to_datetime(values, format="%Y-%m-%d", errors="coerce")
        case "group":
            present = list(dict.fromkeys(values))
            order = list(groups) if groups else in_order(present)
            return values.astype(pd.CategoricalDtype(order, ordered=True))
        case "stage":
            return values.astype(pd.CategoricalDtype(list(stages), ordered=True))
    if column.choices:
        return values.astype(pd.CategoricalDtype(list(column.choices), ordered=True))
    return values


def in_order(groups: list[str]) -> list[str]:
    """Put groups in printing order: the usual broad groups as usual, others as they come."""
    known = [g for g in BROAD if g in groups]
    return (
        [g for g in groups if g not in known and g != UNKNOWN] + known if len(known) < len(groups) else known
    )


def check(table: pd.DataFrame, name: str, *, file: str, groups=(), stages=STAGES) -> pd.DataFrame:
    """Check a table of text against the vocabulary and type it.

    Parameters
    ----------
    table : DataFrame of str
        As read.
    name : str
        Which canonical table it is.
    file : str
        What to call it in a message.
    groups : sequence of str
        The study's ethnic groups; empty accepts any.
    stages : mapping
        The stage graph.

    Returns
    -------
    DataFrame
        The same rows in the same order, typed; extra columns are kept as text.

    Raises
    ------
    DataError
        Naming every fault: what, how many of how many, the first row and column, what to do.
    """
    columns = {c.name: c for c in TABLES[name]}
    missing = [c for c in columns.values() if c.required and c.name not in table.columns]
    if missing:
        hints = "".join(near(c.name, table.columns) for c in missing[:1])
        raise DataError(
            f"{file}: {len(missing)} of {sum(c.required for c in columns.values())} required columns "
            f"are missing: {', '.join(c.name for c in missing)}.{hints} "
            f"The file has {', '.join(shown(c) for c in table.columns[:12])}."
        )
    blocks = []
    for column in (c for c in columns.values() if c.name in table.columns):
        bad, what, remedy = _faults(table[column.name], column, groups, stages)
        if bad.any():
            choices = {"stage": stages, "group": groups}.get(column.kind, column.choices)
            first = table.index[bad][0] + 2
            listed = _examples(table[column.name], bad, column, choices)
            blocks.append(
                f"{file}: {bad.sum():,} of {len(table):,} rows have {what} in column "
                f"{column.name}{listed or '.'} First: row {first:,}, column {column.name}. {remedy}"
            )
    key = [k for k in KEYS.get(name, ()) if k in table.columns]
    if key and (twice := table.duplicated(key, keep=False)).any():
        extra = int(table.duplicated(key).sum())
        blocks.append(
            f"{file}: {extra:,} of {len(table):,} rows repeat the key ({', '.join(key)}) of an earlier "
            f"row. First: row {table.index[twice][1] + 2:,}, column {key[0]}. Keep one row for each key."
        )
    if blocks:
        raise DataError("\n".join(blocks))
    typed = {c: _typed(table[c], columns[c], groups, stages) for c in columns if c in table.columns}
    return table.assign(**typed)
