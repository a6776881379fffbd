"""What do sentences about models and parts have in common? The four voices, the counts and the period.

Each function takes a row of a released table as a mapping, and gives words.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import wording
from .disclosure import Released, require
from .sentences import ABOVE, APART, BELOW, TOO_FEW
from .vocabulary import POPULATION, UNKNOWN
from .wording import Words

NOT_EVIDENCE = "This is not evidence that there is no difference."


def voice_of(low: float, high: float, parity: float = 0.0) -> str:
    """Choose the voice of a number from its interval, against what it would be at parity.

    Parameters
    ----------
    low, high : float
        The interval.
    parity : float
        0 for a difference, a part or a number of children; 1 for a ratio.

    Returns
    -------
    str
        One of the four voices.

    Examples
    --------
    >>> voice_of(0.2, 0.7), voice_of(-3, -1), voice_of(-1, 2), voice_of(float("nan"), 2)
    ('above', 'below', 'not distinguishable', 'too few')
    """
    if np.isnan(low) or np.isnan(high):
        return TOO_FEW
    return ABOVE if low > parity else BELOW if high < parity else APART


def said_rows(released: Released) -> list[dict]:
    """List the rows that are said: not the reference with itself, not the unknown.

    Parameters
    ----------
    released : Released
        With ``group`` and perhaps ``note``.

    Returns
    -------
    list of dict
        In order.
    """
    table = require(released).table
    note = table["note"].astype(str) if "note" in table else pd.Series("", table.index)
    silent = note.str.contains(r"\breference\b") | table["group"].astype(str).eq(UNKNOWN)
    return table[~silent].to_dict("records")


def sentence(text: str) -> str:
    """Write a text as a sentence.

    Examples
    --------
    >>> sentence("too few to say")
    'Too few to say.'
    """
    return text[:1].upper() + text[1:] + "."


def people(row: dict, words: Words) -> tuple[str, str]:
    """Name the group of a row and its reference."""
    return words.people(row["group"], row["unit"]), words.people(row["reference"], row["unit"])


def counts(row: dict, words: Words) -> str:
    """Write the four counts of a comparison."""
    what = "child-years" if row["base"] == POPULATION and row["unit"] == "children" else row["unit"]
    n = {c: wording.count(row[c]) for c in row if str(c).endswith(("events", "denominator"))}
    return (
        f"{n['events']} in {n['denominator']} {what}, against {n['reference_events']} in "
        f"{n['reference_denominator']}"
    )


def percent_of(row: dict) -> str:
    """Write a group's own share, with a space after it; nothing where it is hidden.

    Examples
    --------
    >>> percent_of({"events": 20.0, "denominator": 80.0}), percent_of({"events": float("nan"), "denominator": 80.0})
    ('25% ', '')
    """
    return (
        f"{100 * row['events'] / row['denominator']:.0f}% " if row["denominator"] > 0 <= row["events"] else ""
    )


def times(row: dict) -> str:
    """Write a ratio; one over a reference of none by its lower limit.

    Examples
    --------
    >>> times({"estimate": 1.5, "low": 1.2}), times({"estimate": np.inf, "low": 1.2})
    ('1.50 times', '1.20 times or more')
    """
    return (
        f"{row['estimate']:.2f} times" if np.isfinite(row["estimate"]) else f"{row['low']:.2f} times or more"
    )


def four_voices(row: dict, words: Words, *, lead: str, against: str, few: str) -> str:
    """Say a ratio of two shares or rates: above, below, cannot be told apart, or too few to say.

    Parameters
    ----------
    row : mapping
        A released ratio with its four counts.
    words : Words
        The study's words.
    lead : str
        Who did what: ``of Black children who were arrested, 20% were diverted``.
    against : str
        What it is compared with: ``the share among White children``.
    few : str
        What is said where there are too few.

    Returns
    -------
    str
        One or two sentences with interval, counts and period. What is noted unreliable is too little.
    """
    when = words.when(row)
    spoken = voice_of(row["low"], row["high"], 1.0)
    if spoken == TOO_FEW or np.isnan(row["estimate"]) or "unreliable" in str(row["note"]):
        return sentence(f"{few} ({when})")
    interval = f"95% interval {wording.interval(row['low'], row['high'], 'risk_ratio')}"
    tail = f"({interval}; {counts(row, words)}; {when})"
    if spoken == APART:
        text = f"{lead}, which cannot be told apart from {against}: {times(row)}"
        return f"{sentence(f'{text} {tail}')} {NOT_EVIDENCE}"
    side = "above" if spoken == ABOVE else "below"
    return sentence(f"{lead}: {times(row)} {against}, clearly {side} parity {tail}")
