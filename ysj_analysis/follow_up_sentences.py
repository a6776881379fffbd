"""How do we say what follows over time: how long children wait, how long sentences are, how often children reoffend?

As ``field_sentences``: four voices, with counts, interval and period, and no cause.
"""

from __future__ import annotations

import numpy as np

from . import wording
from .disclosure import Released
from .reoffending import PER_CHILD, PER_REOFFENDER
from .sentence_parts import (
    TOO_FEW,
    counts,
    interval_of,
    people,
    said_rows,
    sentence,
    set_beside_parity,
    voice,
)
from .wording import Words


@wording.said
def waits(released: Released, words: Words) -> list[str]:
    """Say how long each group waited from offence to outcome, compared with the reference.

    Parameters
    ----------
    released : Released
        From ``timeliness.times``.
    words : Words
        From ``field.words``.

    Returns
    -------
    list of str
        A sentence or two for each group.
    """
    rows = said_rows(released)
    middle = {_place(r): r for r in rows if r["measure"] == "median_days"}
    gaps = [r for r in rows if r["measure"] == "restricted_mean_difference_days"]
    return [_waited(row, middle.get(_place(row)), words) for row in gaps]


@wording.said
def lengths(released: Released, words: Words) -> list[str]:
    """Say the median length of custodial sentences of each group.

    Parameters
    ----------
    released : Released
        From ``custody.lengths``.
    words : Words
        From ``field.words``.

    Returns
    -------
    list of str
        A sentence for each group: the median where it can be given, else that there are too few.
    """
    return [_length(row, words) for row in said_rows(released)]


@wording.said
def frequencies(released: Released, words: Words) -> list[str]:
    """Say the share of each group that reoffended, and both frequencies.

    Parameters
    ----------
    released : Released
        From ``reoffending.frequencies``.
    words : Words
        From ``field.words``.

    Returns
    -------
    list of str
        A sentence for each group and cohort.
    """
    found: dict[tuple, dict[str, dict]] = {}
    for row in said_rows(released):
        found.setdefault((*_place(row), row.get("quarter")), {})[row["measure"]] = row
    return [_frequency(group, words) for group in found.values()]


@wording.said
def frequency_ratios(released: Released, words: Words) -> list[str]:
    """Say how the frequencies of reoffending of each group compare with the reference's.

    Parameters
    ----------
    released : Released
        From ``reoffending.frequency_ratios``, for a restricted edition.
    words : Words
        From ``field.words``.

    Returns
    -------
    list of str
        A sentence for each group and frequency.
    """
    return [_frequency_ratio(row, words) for row in said_rows(released)]


# -- inside ------------------------------------------------------------------------------------------


def _waited(row: dict, middle: dict | None, words: Words) -> str:
    who, other = people(row, words)
    when, days = words.when(row), int(row["horizon"])
    if np.isnan(row["low"]) or np.isnan(row["high"]):
        return sentence(
            f"too few {who} or {other} have an offence with an outcome to say how long they waited ({when})"
        )
    gap = abs(row["estimate"])
    longer = "longer" if row["estimate"] >= 0 else "less"
    ends = " to ".join(wording.signed(f"{row[c]:.0f}") for c in ("low", "high"))
    seen = f"outcomes of {counts(row, words)}"
    tail = f"(difference over the first {days} days, 95% interval {ends} days; {seen}; {when})"
    half = ""
    if middle is not None and np.isfinite(middle["low"]):
        most = f"to {middle['high']:.0f}" if np.isfinite(middle["high"]) else "or more"
        half = (
            f" Half of {who} had an outcome within {middle['estimate']:.0f} days (95% interval "
            f"{middle['low']:.0f} {most})."
        )
    if row["low"] <= 0 <= row["high"]:
        text = (
            f"how long {who} waited from offence to outcome cannot be told apart from {other}: {gap:.0f} "
            f"days {longer}"
        )
        return f"{sentence(f'{text} {tail}')} {wording.NO_EVIDENCE}{half}"
    return (
        sentence(f"{who} waited {gap:.0f} days {longer} than {other} from offence to outcome {tail}") + half
    )


def _length(row: dict, words: Words) -> str:
    who, when = words.people(row["group"], row["unit"]), words.when(row)
    if np.isnan(row["estimate"]):
        return sentence(
            f"too few {who} received a custodial sentence to say how long half of them were ({when})"
        )
    return sentence(
        f"half of the custodial sentences of {who} were of {row['estimate']:g} months or less (95% interval "
        f"{row['low']:g} to {row['high']:g} months; {wording.count(row['events'])} sentences; {when})"
    )


def _frequency(rows: dict[str, dict], words: Words) -> str:
    binary = rows["proportion"]
    who, when = words.people(binary["group"], binary["unit"]), words.when(binary)
    when += f", {binary['quarter']}" if binary.get("quarter") else ""
    if "immature" in str(binary["note"]):
        return sentence(f"the reoffending of {who} is not shown: the cohort is not yet old enough ({when})")
    if np.isnan(binary["estimate"]):
        return sentence(f"too few {who} are in the cohort to say how many reoffended ({when})")
    share = wording.number(binary["estimate"], "proportion")
    interval = wording.interval(binary["low"], binary["high"], "proportion").removesuffix("%")
    said = (
        f"of {who} in the cohort, {share} reoffended within 12 months (95% interval {interval}; "
        f"{wording.count(binary['events'])} of {wording.count(binary['denominator'])}; {when})"
    )
    both = [rows[m] for m in (PER_CHILD, PER_REOFFENDER) if m in rows]
    if len(both) < 2 or any(np.isnan(r["estimate"]) for r in both):
        return sentence(said)
    parts = [f"{r['estimate']:.2f}{_between(r)}" for r in both]
    total = wording.count(binary["reoffences"])
    return (
        f"{sentence(said)} Their {total} reoffences are {parts[0]} per child in the cohort, and {parts[1]} "
        "per child who reoffended."
    )


def _place(row: dict) -> tuple:
    return tuple(str(row.get(c)) for c in ("area", "year", "group"))


def _between(row: dict) -> str:
    return "" if np.isnan(row["low"]) else f" ({interval_of(row)})"


def _frequency_ratio(row: dict, words: Words) -> str:
    who, other = people(row, words)
    what = "child in the cohort" if row["measure"].startswith(PER_CHILD) else "child who reoffended"
    when, spoken = words.when(row), voice(row)
    if "immature" in str(row["note"]):
        return sentence(f"the reoffences of {who} are not shown: the cohort is not yet old enough ({when})")
    if spoken == TOO_FEW or np.isnan(row["estimate"]):
        return sentence(
            f"too few {who} or {other} reoffended to compare their reoffences per {what} ({when})"
        )
    tail = f"({interval_of(row)}; {counts(row, words)} reoffended; {when})"
    number, times = f"the number of reoffences per {what} of", f"{row['estimate']:.2f} times"
    return set_beside_parity(
        row,
        tail,
        apart=f"{number} {who} cannot be told apart from that of {other}: {times}",
        clear=f"{who} had {times} {number} {other}",
    )
