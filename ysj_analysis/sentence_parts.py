"""What do all sentences have in common? The four voices, the counts, the interval and the period.

Each function takes a row of a released table as a mapping, and gives words.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from . import wording
from .disclosure import Released, require
from .vocabulary import POPULATION, UNKNOWN
from .wording import Words

ABOVE, BELOW, APART, TOO_FEW = "above", "below", "not distinguishable", "too few"
"""The four voices of a comparison."""


def voice(row) -> str:
    """Choose the voice of a ratio from its interval.

    Examples
    --------
    >>> voice({"low": 1.2, "high": 2.0}), voice({"low": 0.9, "high": 2.0})
    ('above', 'not distinguishable')
    """
    return voice_of(row["low"], row["high"], 1.0)


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
    n = {c: wording.count(row[c]) for c in row if str(c).endswith(("events", "denominator"))}
    population = row["base"] == POPULATION
    of = "in" if population else "of"
    what = "child-years" if population and row["unit"] == "children" else row["unit"]
    return (
        f"{n['events']} {of} {n['denominator']} {what}, against {n['reference_events']} {of} "
        f"{n['reference_denominator']}"
    )


def interval_of(row, measure: str = "risk_ratio") -> str:
    """Write the interval of a row."""
    return f"95% interval {wording.interval(row['low'], row['high'], measure)}"


def percent(share: float) -> str:
    """Write a share in a sentence.

    Examples
    --------
    >>> percent(0.0), percent(0.004), percent(0.452)
    ('none', 'under 1%', '45%')
    """
    return "none" if share == 0 else "under 1%" if share < 0.01 else f"{100 * share:.0f}%"


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


def too_few(row: dict) -> bool:
    """Say whether a ratio is too little to speak of: hidden, without limits, or noted unreliable."""
    unsaid = voice(row) == TOO_FEW or np.isnan(row["estimate"])
    return bool(unsaid or "unreliable" in str(row["note"]))


def without_population(row: dict) -> bool:
    """Say whether a rate of the population cannot be given because no population is known.

    Examples
    --------
    >>> without_population({"base": "population", "note": "no_denominator"})
    True
    """
    return row["base"] == POPULATION and "no_denominator" in str(row["note"])


def each(
    rows: list[dict],
    words: Words,
    phrases: Callable[[dict, Words], tuple[str, str, str]],
    *,
    brief: bool = False,
) -> list[str]:
    """Say each ratio in four voices; those of which there is too little to say, together.

    Parameters
    ----------
    rows : list of dict
        Released ratios with their four counts.
    words : Words
        The study's words.
    phrases : callable
        Gives for a row the ``lead`` and what it stands ``against``, as for :func:`_four_voices`, and what too few of a
        group and its reference did: ``who were arrested were diverted``.
    brief : bool
        Say of those that cannot be told apart only how many they are, where a table beside has their numbers.

    Returns
    -------
    list of str
        A sentence or two for each row, in order; then one for each kind of thing too few did, naming the groups.
    """
    said: list[str] = []
    few: dict = {}
    unclear = 0
    for row in rows:
        lead, against, did = phrases(row, words)
        who, other = people(row, words)
        if too_few(row):
            few.setdefault((other, did, words.when(row)), []).append(who)
        elif brief and voice(row) == APART:
            unclear += 1
        else:
            said.append(_four_voices(row, words, lead=lead, against=against))
    if unclear:
        noun = f"{'other ' if said else ''}comparison{'s' if unclear > 1 else ''}"
        said.append(f"Of {unclear} {noun}, none can be told apart from parity. {wording.NO_EVIDENCE}")
    for (other, did, when), groups in few.items():
        said.append(
            sentence(f"too few {', '.join(dict.fromkeys(groups))} or {other} {did} to compare ({when})")
        )
    return said


def _four_voices(row: dict, words: Words, *, lead: str, against: str) -> str:
    """Say a ratio of two shares or rates that is not :func:`too_few`: above, below, or cannot be told apart.

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

    Returns
    -------
    str
        One or two sentences with interval, counts and period.
    """
    text = f"{lead}, which cannot be told apart from {against}: {times(row)}"
    tail = f"({interval_of(row)}; {counts(row, words)}; {words.when(row)})"
    return set_beside_parity(row, tail, apart=text, clear=f"{lead}: {times(row)} {against}")


def set_beside_parity(row: dict, tail: str, *, apart: str, clear: str) -> str:
    """Say a ratio that is not :func:`too_few`: ``apart`` if it cannot be told from parity, else ``clear`` and its side.

    Parameters
    ----------
    row : mapping
        A released ratio.
    tail : str
        Interval, counts and period, in brackets.
    apart, clear : str
        What is said where the interval holds 1, and where it does not.

    Returns
    -------
    str
        One or two sentences.
    """
    spoken = voice(row)
    if spoken == APART:
        return f"{sentence(f'{apart} {tail}')} {wording.NO_EVIDENCE}"
    return sentence(f"{clear}, clearly {'above' if spoken == ABOVE else 'below'} parity {tail}")
