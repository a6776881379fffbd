"""How does a released table become a file? CSV with a mark for what is missing, and its description.

The description is the W3C's Metadata Vocabulary for Tabular Data (CSV on the Web).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from csv import DictReader, writer
from io import StringIO
from pathlib import Path

import pandas as pd

from . import wording
from .disclosure import Released
from .vocabulary import NOTES

_COLUMNS = Path(__file__).parent / "data" / "columns.csv"
# What a spreadsheet takes for the beginning of a formula, full-width forms included.
_FORMULA = tuple("=+-@|%＝＋－＠")
_NUMBER = re.compile(r"[+-]?[\d.,]+%?")


@functools.cache
def meanings() -> dict[str, str]:
    """Say what each column of a released table means.

    Examples
    --------
    >>> meanings()["low"]
    'lower end of the 95% interval'
    """
    with _COLUMNS.open(encoding="utf-8", newline="") as file:
        return {row["column"]: row["meaning"] for row in DictReader(file)}


def csv(table: pd.DataFrame, counts: Sequence[str] = ()) -> str:
    """Write a released table as CSV text.

    Parameters
    ----------
    table : DataFrame
        Of a ``Released``.
    counts : sequence of str
        Its columns of counts; where one is hidden, so is what is computed from it.

    Returns
    -------
    str
        One header row, a mark wherever a number is missing, and no label that a spreadsheet would run.
    """
    records = table.to_dict("records")
    out = {}
    for column in table.columns:
        values = table[column]
        if not pd.api.types.is_numeric_dtype(values):
            texts = [str(v) for v in values]
            written = {t: safe(t) for t in set(texts)}
            out[safe(column)] = [written[t] for t in texts]
            continue
        out[safe(column)] = [
            wording.missing(column, record, counts) if v != v else f"{v + 0.0:.10g}"
            for v, record in zip(values.astype(float), records, strict=True)
        ]
    text = StringIO()
    rows = writer(text, lineterminator="\n")
    rows.writerow(out)
    rows.writerows(zip(*out.values(), strict=True))
    return text.getvalue()


def safe(label: str) -> str:
    """Keep a label from being taken for a formula by a spreadsheet; a number stays a number.

    Examples
    --------
    >>> safe("=1+1"), safe("-1+1"), safe("-1.5"), safe("[c]")
    ("'=1+1", "'-1+1", '-1.5', '[c]')
    """
    label = wording.clean(label)
    formula = label.lstrip()[:1] in _FORMULA and not _NUMBER.fullmatch(label) and label != "-"
    return "'" + label if formula else label


def csvw(table: pd.DataFrame, name: str, title: str, released: Released) -> dict:
    """Describe the CSV by the W3C's Metadata Vocabulary for Tabular Data."""
    marks = list(wording.MARKS)
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": f"{name}.csv",
        "dc:title": title,
        "dc:description": released.policy.sentence()
        + (f" Source: {released.source}." if released.source else ""),
        "dialect": {"header": True, "encoding": "utf-8"},
        "tableSchema": {
            "columns": [
                {
                    "name": c,
                    "titles": c,
                    "dc:description": meanings().get(c, c.replace("_", " ")),
                    "datatype": "number" if pd.api.types.is_numeric_dtype(table[c]) else "string",
                    "null": marks,
                }
                for c in table.columns
            ]
        },
        "notes": [{"mark": m, "meaning": meaning} for m, meaning in wording.MARKS.items()]
        + [{"note": n, "meaning": NOTES[n]} for n in sorted(_notes(table)) if n in NOTES],
    }


def _notes(table: pd.DataFrame) -> set[str]:
    return (
        {n for cell in table["note"].astype(str).unique() for n in cell.split()} if "note" in table else set()
    )
