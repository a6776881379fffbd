"""How does a measure read on a terminal? One aligned table under the heading of its policy."""

from __future__ import annotations

from .disclosure import Released
from .vocabulary import NOTES
from .wording import CONFIDENTIAL


def aligned(shown: Released) -> str:
    """Lay a released measure out as text.

    Parameters
    ----------
    shown : Released
        A measure.

    Returns
    -------
    str
        The policy's heading, what is the same on every row, and an aligned line for each row.
    """
    table = shown.table
    columns = [c for c in ("area", "year", "unit", "stage", "base", "group") if c in table]
    once = [c for c in ("area", "unit", "reference") if c in table and table[c].nunique() == 1]
    numbers = ("events", "denominator", "reference_events", "reference_denominator")
    text = table[[c for c in columns if c not in once]].astype(str)
    for name in (*numbers, "estimate", "low", "high"):
        digits = 0 if name in numbers else 2
        hidden = table["note"].eq("suppressed") if name not in shown.counts else table[name].isna()
        marks = [CONFIDENTIAL if hide and shown.policy.hidden_below else "-" for hide in hidden]
        text[name.replace("reference", "ref")] = [
            _number(value, digits, mark) for value, mark in zip(table[name], marks, strict=True)
        ]
    text["method"] = table["method"].astype(str)
    text["note"] = [NOTES.get(str(note), str(note)) for note in table["note"]]
    words = [c for c in text if c in (*columns, "method", "note")]
    for name in words:
        width = max([len(name), *text[name].map(len)])
        text[name] = text[name].str.ljust(width)
        text = text.rename(columns={name: name.ljust(width)})
    about = ". ".join(f"{name.capitalize()}: {table[name].iloc[0]}" for name in once)
    body = text.to_string(index=False)
    return "\n".join(filter(None, (shown.policy.heading, about, "", *map(str.rstrip, body.splitlines()))))


def _number(value: float, digits: int, missing: str) -> str:
    if value != value:
        return missing
    return "inf" if value in (float("inf"), float("-inf")) else f"{value:,.{digits}f}"
