"""How does a released table become a file? CSV with a mark for what is missing, and its description.

The description is the W3C's Metadata Vocabulary for Tabular Data (CSV on the Web).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from csv import writer
from io import StringIO

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
    "step": "place of the stage on the path",
    "reached": "product of the estimates so far",
    "part": "share of the logarithm of the whole",
}
# What a spreadsheet takes for the beginning of a formula, full-width forms included.
_FORMULA = tuple("=+-@|%＝＋－＠")
_NUMBER = re.compile(r"[+-]?[\d.,]+%?")


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
