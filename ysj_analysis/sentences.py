"""How do we say a finding? One sentence a comparison, computed from released rows.

Four voices: clearly above, clearly below, cannot be told apart, too few to say. Every sentence carries
its counts, its interval and its period. A ratio of rates is worded as a ratio of rates, never as one of
people; "cannot be told apart" is never "no difference".
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import wording
from .disclosure import Released, require
from .vocabulary import POPULATION, UNKNOWN, period_label
from .wording import Words

ABOVE, BELOW, APART, TOO_FEW = "above", "below", "not distinguishable", "too few"


def voice(row) -> str:
    """Choose the voice of a ratio from its interval.

    Examples
    --------
    >>> voice({"low": 1.2, "high": 2.0, "note": ""}), voice({"low": 0.9, "high": 2.0, "note": ""})
    ('above', 'not distinguishable')
    """
    if np.isnan(row["low"]) or np.isnan(row["high"]):
        return TOO_FEW
    if row["low"] > 1:
        return ABOVE
    return BELOW if row["high"] < 1 else APART


@wording.said
def finding(row, words: Words) -> str:
    """Say one relative rate in a sentence.

    Parameters
    ----------
    row : mapping
        A row of a released relative rate.
    words : Words
        The study's words.

    Returns
    -------
    str
        One or two sentences with counts, interval and period.
    """
    who, other = words.people(row["group"], row["unit"]), words.people(row["reference"], row["unit"])
    spoken = voice(row)
    if spoken == TOO_FEW:
        if "immature" in row["note"]:
            return f"{words.stage(row['stage'])} is not shown: too much is still undecided."
        return _sentence(f"too few {who} or {other} {words.did(row['stage'])} to compare ({words.when(row)})")
    did = words.did(row["stage"])
    interval = f"95% interval {wording.interval(row['low'], row['high'], row['measure'])}"
    if row["base"] == POPULATION:
        lead = f"{who} {did} at {_times(row)} the rate of {other} ({interval})"
        unsure = f"the rate at which {who} {did} cannot be told apart from that of {other}"
        counts = (
            f"{_n(row, 'events')} {did} in {_n(row, 'denominator')} child-years, against "
            f"{_n(row, 'reference_events')} in {_n(row, 'reference_denominator')}"
        )
    else:
        share = f"{100 * row['events'] / row['denominator']:.0f}% {did}"
        of = f"of {who} who {words.did(row['base'])}" if row["unit"] == "children" else f"of {who}"
        lead = f"{of}, {share}: {_times(row)} the proportion among {other} ({interval})"
        unsure = f"{of}, {share}, which cannot be told apart from the proportion among {other}"
        counts = (
            f"These are {_n(row, 'events')} of {_n(row, 'denominator')}, against "
            f"{_n(row, 'reference_events')} of {_n(row, 'reference_denominator')}"
        )
    if spoken != APART:
        return f"{_sentence(lead)} {counts}, {words.when(row)}."
    ratio = wording.number(row["estimate"], row["measure"])
    return (
        f"{_sentence(f'{unsure}: relative rate {ratio} ({interval})')} {counts}, {words.when(row)}. "
        "This is not evidence that there is no difference."
    )


@wording.said
def findings(released: Released, words: Words) -> list[str]:
    """Say every comparison of a table, the reference and the unknown left out."""
    rows = _spoken(require(released).table)
    return [finding(row, words) for row in rows.to_dict("records")]


@wording.said
def headlines(
    ratios: Released, gaps: Released, words: Words, *, groups: list[str] | None = None
) -> list[str]:
    """Say, for each group, at which stage its gap is largest and surest.

    The stage is that whose interval keeps furthest from parity on the side that is worse for the child
    (above for arrest, below for diversion). The absolute gap stands beside it.

    Parameters
    ----------
    ratios, gaps : Released
        Relative rates and children above parity, of the same rows.
    words : Words
        The study's words.
    groups : list of str, optional
        Which groups, in which order; all by default.

    Returns
    -------
    list of str
        A paragraph for each group, the surest gap first.
    """
    table, above = _spoken(require(ratios).table), require(gaps).table
    sure, unsure = [], []
    for group in groups or list(dict.fromkeys(table["group"].astype(str))):
        mine = table[table["group"].astype(str) == group]
        if mine.empty:
            continue
        keep = surest(mine, words)
        if keep is None:
            unsure.append(_nothing_sure(mine, words))
        else:
            sure.append(
                (keep["margin"], f"{finding(keep, words)} {_in_children(keep, above, words)}".strip())
            )
    return [said for _, said in sorted(sure, key=lambda pair: -pair[0])] + unsure


def surest(rows: pd.DataFrame, words: Words) -> dict | None:
    """Find the row whose interval keeps furthest from parity on the adverse side; None if none does.

    ``margin`` is added: the distance on the log scale.
    """
    polarity = rows["stage"].astype(str).map(lambda s: words.stages[s].polarity)
    with np.errstate(divide="ignore"):
        margin = np.select(
            [polarity == "adverse", polarity == "favourable"],
            [np.log(rows["low"]), -np.log(rows["high"])],
            np.nan,
        )
    if not (margin > 0).any():
        return None
    best = int(np.nanargmax(margin))
    return rows.iloc[best].to_dict() | {"margin": float(margin[best])}


@wording.said
def chance(ratios: Released) -> str:
    """Say how many of the comparisons made would keep off parity by chance alone."""
    table = _spoken(require(ratios).table)
    made = int(table["low"].notna().sum())
    if not made:
        return ""
    comparisons = f"{made} comparison{'s are' if made > 1 else ' is'}"
    return (
        f"{comparisons} shown here. If there were no difference anywhere, about one in twenty would still "
        f"have an interval that excludes parity (about {max(1, round(made / 20))} here), so a single finding is a "
        "reason to look, not proof."
    )


@wording.said
def undecided(counts: Released, words: Words) -> list[str]:
    """Say which stages are not shown in which years because too much is still undecided.

    Parameters
    ----------
    counts : Released
        Single years, from ``pipeline.stage_counts``.
    words : Words
        The study's words.
    """
    table = require(counts).table
    years = table[table["note"].eq("immature")].groupby("stage", observed=True)["year"].unique()
    together: dict[tuple, list[str]] = {}
    for stage, late in years.items():
        together.setdefault(tuple(sorted(late)), []).append(words.stage(stage))
    return [
        f"{wording.join(stages)}: {wording.join([period_label(int(y), 1, words.period) for y in late])} "
        "cannot be shown yet, because too much is still undecided. A lower figure now would be a delay, not "
        "a fall."
        for late, stages in together.items()
    ]


@wording.said
def representation(indices: Released, ratios: Released, words: Words) -> list[str]:
    """Say where the representation index and the relative rate of a group point different ways."""
    rates = {str(r["group"]): r for r in _spoken(require(ratios).table).to_dict("records")}
    said = []
    for row in _spoken(require(indices).table).to_dict("records"):
        other = rates.get(str(row["group"]))
        if other is None or TOO_FEW in (voice(row), voice(other)) or voice(row) == voice(other):
            continue
        said.append(
            f"{_sentence(words.people(row['group'], row['unit']))[:-1]}: the index is "
            f"{row['estimate']:.2f} ({_words(voice(row))} parity) but the relative rate is {other['estimate']:.2f} "
            f"({_words(voice(other))} parity). The index compares a group with everyone, itself included; the "
            f"relative rate compares it with {words.people(other['reference'], other['unit'])} alone."
        )
    return said


@wording.said
def cascade(steps: Released, words: Words) -> list[str]:
    """Say, for each group, at which decision most of its cumulative gap opens, and which parts are sure."""
    table, said = require(steps).table, []
    for group, rows in table.groupby(table["group"].astype(str), sort=False):
        last = rows.iloc[-1]
        who, other = words.people(group, last["unit"]), words.people(last["reference"], last["unit"])
        sure = [
            words.stage(r["stage"]).lower() for r in rows.to_dict("records") if voice(r) in (ABOVE, BELOW)
        ]
        text = (
            f"for {who} the relative rate has reached {last['reached']:.2f} by {words.stage(last['stage']).lower()}, "
            f"compared with {other}"
        )
        if len(rows) == 1:
            text = (
                f"for {who} the path can be followed only to {words.stage(last['stage']).lower()}, where the "
            )
            text += f"relative rate is {last['estimate']:.2f} compared with {other}"
        found = (
            f"the interval excludes parity at {wording.join(sure)} alone"
            if sure
            else ("no single decision can be told apart from parity")
        )
        said.append(_sentence(f"{text}; {found} ({words.when(last)})"))
    return said


@wording.said
def completeness(known: Released, words: Words) -> list[str]:
    """Say how often ethnicity is not known, and at which stage most often."""
    table = require(known).table
    if table.empty:
        return ["This study records no child of unknown ethnicity, which may mean that they were left out."]
    shown = table[table["events"].notna() & table["denominator"].notna()]
    if shown.empty:
        return ["At no stage are there enough of unknown ethnicity to show how many."]
    share = shown["events"] / shown["denominator"]
    worst = shown.loc[share.idxmax()]
    return [
        f"Ethnicity is not known most often at {words.stage(worst['stage']).lower()}: for "
        f"{wording.count(worst['events'])} of {wording.count(worst['denominator'])} {worst['unit']} "
        f"({100 * share.max():.0f}%; {words.when(worst)}). They are counted and shown, and are part of no group."
    ]


@wording.said
def definitions(study, words: Words) -> list[str]:
    """Say how the study counts: its unit, its groups and the base they are counted on."""
    base = (
        "Ethnic groups are as the source names them."
        if study.base == "own"
        else f"Broad ethnic groups follow the {study.base} census"
        + (
            ", which counts Chinese children as Asian."
            if study.base != "2001"
            else ", which counts Chinese children as Other."
        )
    )
    unit = {
        "children": "Children are counted once in the period at each stage, however often they return.",
        "episodes": "Episodes are counted: an arrest and all that followed from it.",
    }.get(study.unit, f"The unit is {study.unit}, as the source counts them.")
    if study.events is None and study.unit == "children":
        unit = (
            "Children are counted once in each year, as the source counts them, and the years are added up."
        )
    return [
        f"{unit} {base} A rate of the population is per child-year aged 10 to 17.",
        "A first contact is counted in the year of its own date. A decision is followed from the year its "
        "episode began, so that everyone in a numerator is in its denominator.",
    ]


# -- inside ------------------------------------------------------------------------------------------


def _spoken(table: pd.DataFrame) -> pd.DataFrame:
    silent = table["note"].str.contains(r"\breference\b") | table["group"].astype(str).eq(UNKNOWN)
    return table[~silent]


def _n(row, column: str) -> str:
    return wording.count(row[column])


def _times(row) -> str:
    if np.isinf(row["estimate"]):
        return f"at least {row['low']:.2f} times"
    return f"{row['estimate']:.2f} times"


def _in_children(row: dict, above: pd.DataFrame, words: Words) -> str:
    """Say the gap in children, in the direction the row points."""
    same = (
        (above["group"].astype(str) == str(row["group"]))
        & (above["stage"].astype(str) == str(row["stage"]))
        & (above["base"].astype(str) == str(row["base"]))
        & (above["year"] == row["year"])
    )
    found = above[same]
    if found.empty or np.isnan(found["estimate"].iloc[0]):
        return ""
    gap = found.iloc[0]
    unit = row["unit"]
    more, low, high = gap["estimate"], gap["low"], gap["high"]
    if more < 0:
        more, low, high = -more, -high, -low
    if round(more) == 0:
        return ""
    word = "more" if gap["estimate"] > 0 else "fewer"
    ends = " to ".join(f"{v:,.0f}".replace("-", wording.MINUS) for v in (low, high))
    return (
        f"That is about {more:,.0f} {word} {words.one(unit, round(more))} than if the rate had been that of "
        f"{words.people(row['reference'], unit)} (interval {ends})."
    )


def _nothing_sure(rows: pd.DataFrame, words: Words) -> str:
    who = words.people(rows["group"].iloc[0], rows["unit"].iloc[0])
    other = words.people(rows["reference"].iloc[0], rows["unit"].iloc[0])
    shown = rows[rows["low"].notna()]
    if shown.empty:
        return _sentence(f"too few {who} are recorded at any stage to compare with {other}")
    return _sentence(
        f"for {who}, none of the {len(shown)} stages with enough {rows['unit'].iloc[0]} to compare shows a gap "
        f"that is clearly worse than for {other}; this is not evidence that there is no difference"
    )


def _words(spoken: str) -> str:
    return {ABOVE: "above", BELOW: "below", APART: "not distinguishable from"}[spoken]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
