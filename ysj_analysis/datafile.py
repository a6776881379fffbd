"""How does a released table become a file? CSV with a mark for what is missing, and its description.

The description is the W3C's Metadata Vocabulary for Tabular Data (CSV on the Web).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from . import wording
from .disclosure import Released
from .vocabulary import NOTES

_MEANINGS = {
    "measure": "which measure the estimate is",
    "area": "area",
    "year": "last year of the period, by the year it starts in",
    "years": "years in the period",
    "unit": "what is counted",
    "stage": "stage reached",
    "base": "what the stage is counted out of",
    "group": "ethnic group",
    "reference": "group compared with",
    "events": "how many reached the stage, as printed",
    "denominator": "out of how many, as printed",
    "reference_events": "how many of the reference reached the stage, as printed",
    "reference_denominator": "out of how many of the reference, as printed",
    "estimate": "the measure, computed from the printed counts",
    "low": "lower end of the 95% interval",
    "high": "upper end of the 95% interval",
    "p_value": "p-value, as the upper end of its band where the edition bands it",
    "method": "how the interval was computed",
    "note": "why a value is missing or should be read with care",
}


def csv(table: pd.DataFrame, counts: Sequence[str] = ()) -> str:
    """Write a released table as CSV text, a mark wherever a number is missing."""
    notes = table["note"].astype(str) if "note" in table else pd.Series("", table.index)
    out = {}
    for column in table.columns:
        values = table[column]
        if not pd.api.types.is_numeric_dtype(values):
            out[column] = values.astype(str).map(safe)
            continue
        numbers = values.astype(float)
        missing = notes.map(wording.why if column in counts else str).map(wording.mark)
        written = numbers.map(lambda v: f"{v:.10g}").where(numbers.notna(), missing)
        out[column] = written.replace({"-0": "0"})
    return pd.DataFrame(out, columns=table.columns).to_csv(index=False, lineterminator="\n")


def safe(label: str) -> str:
    """Keep a label from being taken for a formula by a spreadsheet.

    Examples
    --------
    >>> safe("=1+1"), safe("[c]")
    ("'=1+1", '[c]')
    """
    return "'" + label if label[:1] in ("=", "+", "@", "\t", "\r") else label


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
                    "dc:description": _MEANINGS.get(c, c.replace("_", " ")),
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
