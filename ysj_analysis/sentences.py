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
from .references import comparisons
from .sentence_parts import (
    ABOVE,
    APART,
    BELOW,
    TOO_FEW,
    counts,
    interval_of,
    people,
    percent,
    sentence,
    voice,
    without_population,
)
from .vocabulary import POPULATION
from .wording import Words


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
    who, other = people(row, words)
    spoken = voice(row)
    if spoken == TOO_FEW or np.isnan(row["estimate"]):
        return sentence(f"{_not_said(row, who, other, words)} ({words.when(row)})")
    say = _of_population if row["base"] == POPULATION else _of_stage
    clear, unsure, tally = say(row, who, other, words)
    interval = f"95% interval {wording.interval(row['low'], row['high'], row['measure'])}"
    ratio = f"relative rate {row['estimate']:.2f}, " if np.isfinite(row["estimate"]) else "relative rate: "
    said, with_ratio = (unsure, True) if spoken == APART else (clear, row["events"] == 0)
    lead = sentence(f"{said} ({ratio if with_ratio else ''}{interval})")
    tail = f" {wording.NO_EVIDENCE}" if spoken == APART else ""
    return f"{lead} {tally}, {words.when(row)}.{tail}"


def _comparison(row: dict) -> tuple:
    """Tell which rows have everything in common but the group."""
    return tuple(
        str(row.get(c, "")) for c in ("area", "year", "years", "unit", "stage", "base", "sex", "reference")
    )


def _no_population(rows: list[dict], words: Words) -> str:
    """Say of several groups that there is nothing to take a stage of theirs out of."""
    row, unit = rows[0], rows[0]["unit"]
    who = wording.join([words.people(one["group"], unit) for one in rows])
    return sentence(
        f"how often {who} {words.reached(row['stage'], unit)} cannot be compared, because no population is known "
        f"({words.when(row)})"
    )


def _apart_together(rows: list[dict], words: Words) -> str:
    """Say of several groups that a stage of theirs cannot be told apart from that of the reference."""
    row, unit = rows[0], rows[0]["unit"]
    other, did = words.people(row["reference"], unit), words.reached(row["stage"], unit)
    who = wording.join([words.people(one["group"], unit) for one in rows])
    that = "who" if unit == "children" else "that"
    of, years = ("in", " child-years") if row["base"] == POPULATION else ("of", "")
    lead = f"the rates at which {who} {did} cannot be told apart from that of {other}"
    if row["base"] != POPULATION:
        lead = (
            f"of {words.out_of(row['base'], unit)}, the proportions of {who} {that} {did} cannot be told apart from "
            f"that of {other}"
        )
    each = [
        f"{words.people(one['group'], unit)} {_n(one, 'events')} {of} {_n(one, 'denominator')}, relative rate "
        f"{one['estimate']:.2f} ({interval_of(one)})"
        for one in rows
    ]
    reference = f"{other} {_n(row, 'reference_events')} {of} {_n(row, 'reference_denominator')}{years}"
    text = sentence(f"{lead} ({words.when(row)}): {'; '.join([*each, reference])}")
    return f"{text} {wording.NO_EVIDENCE}"


def _of_population(row, who: str, other: str, words: Words) -> tuple[str, str, str]:
    """Word a rate of the population: when clear, when not, and its counts."""
    did = words.reached(row["stage"], row["unit"])
    clear = f"{who} {did} at {row['estimate']:.2f} times the rate of {other}"
    if np.isinf(row["estimate"]):
        clear = f"{who} {did} at a rate at least {row['low']:.2f} times that of {other}"
    if row["events"] == 0:
        clear = f"no {who} {did}, which is below the rate of {other}"
    unsure = f"the rate at which {who} {did} cannot be told apart from that of {other}"
    return clear, unsure, f"{_n(row, 'events')} {did} in {_against(row, 'in', ' child-years')}"


def _of_stage(row, who: str, other: str, words: Words) -> tuple[str, str, str]:
    """Word a share of the stage before: when clear, when not, and its counts."""
    did, unit = words.reached(row["stage"], row["unit"]), row["unit"]
    of = f"of {who} {'who' if unit == 'children' else 'that'} {words.reached(row['base'], unit)}"
    share = f"{of}, {percent(row['events'] / row['denominator'])} {did}"
    times = f"at least {row['low']:.2f}" if np.isinf(row["estimate"]) else f"{row['estimate']:.2f}"
    clear = f"{share}: {times} times the proportion among {other}"
    if row["events"] == 0:
        clear = f"{share}, which is below the proportion among {other}"
    unsure = f"{share}, which cannot be told apart from the proportion among {other}"
    return clear, unsure, f"These are {_n(row, 'events')} of {_against(row, 'of')}"


def _not_said(row, who: str, other: str, words: Words) -> str:
    """Say why a comparison is not made."""
    note, did = set(row["note"].split()), words.reached(row["stage"], row["unit"])
    if "immature" in note:
        return f"{words.stage(row['stage'])} is not shown for {who}: too much is still undecided"
    if "no_data" in note:
        return f"how many {who} {did} is not recorded for every year"
    if "no_denominator" in note:
        return f"how often {who} {did} cannot be compared, because there is nothing known to take it out of"
    if "no_events" in note:
        of = "in" if row["base"] == POPULATION else "of"
        both = f"{_n(row, 'events')} {of} {_against(row, of)}"
        return f"of {who} and of {other}, none {did}, so there is nothing to compare: {both}"
    return f"too few {who} or {other} {did} to compare"


@wording.said
def findings(released: Released, words: Words) -> list[str]:
    """Say every comparison of a table, the reference and the unknown left out."""
    return told(comparisons(require(released).table).to_dict("records"), words)


@wording.said
def told(rows: list[dict], words: Words) -> list[str]:
    """Say comparisons one by one, but those of one stage that cannot be told apart in one sentence.

    Parameters
    ----------
    rows : list of dict
        Rows of released relative rates.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence or two each, in order; what is said together stands where its last row does, after what is clear.
    """
    alike: dict[tuple, list[dict]] = {}
    for row in rows:
        if voice(row) == APART and np.isfinite(row["estimate"]):
            alike.setdefault(_comparison(row), []).append(row)
    several = {key: mine for key, mine in alike.items() if len(mine) > 1}
    nobody: dict[tuple, list[dict]] = {}
    for row in filter(without_population, rows):
        nobody.setdefault(_comparison(row), []).append(row)
    said = []
    for row in rows:
        mine = several.get(_comparison(row), []) or nobody.get(_comparison(row), [])
        if not any(row is one for one in mine):
            said.append(finding(row, words))
        elif row is mine[-1]:
            said.append((_no_population if without_population(row) else _apart_together)(mine, words))
    return said


@wording.said
def headlines(
    ratios: Released,
    gaps: Released,
    words: Words,
    *,
    by: Released | None = None,
    groups: list[str] | None = None,
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
    by : Released, optional
        Ratios from which the stage is chosen, so that two editions name the same one; ``ratios`` by default, and for
        a group of which they show no clear gap.
    groups : list of str, optional
        Which groups, in which order; all by default.

    Returns
    -------
    list of str
        A paragraph for each group, the surest gap first; one for all groups without a clear gap, with what comes
        nearest to one; one for all of whom too few are recorded.
    """
    table, above = comparisons(require(ratios).table), require(gaps).table
    sure: list[tuple[float, str]] = []
    unsure: list[pd.DataFrame] = []
    for group in groups or list(dict.fromkeys(table["group"].astype(str))):
        mine = table[table["group"].astype(str) == group]
        if mine.empty:
            continue
        keep = surest(mine, words, by=None if by is None else require(by).table)
        if keep is None:
            unsure.append(mine)
        else:
            sure.append(
                (keep["margin"], f"{finding(keep, words)} {_in_children(keep, above, words)}".strip())
            )
    return [said for _, said in sorted(sure, key=lambda pair: -pair[0])] + _nothing_sure(unsure, words)


def surest(rows: pd.DataFrame, words: Words, *, by: pd.DataFrame | None = None) -> dict | None:
    """Find the row whose interval keeps furthest from parity on the adverse side; None if none does.

    ``margin`` is added: the distance on the log scale. ``by`` may give other limits to choose from first, in rows of
    the same group, stage, base and year.
    """
    limits = rows[["low", "high"]] if by is None else _same(by, rows)[["low", "high"]]
    margin = _worse(rows, limits["low"], limits["high"], words)
    if not (margin > 0).any():
        return None if by is None else surest(rows, words)
    best = int(np.nanargmax(margin))
    return rows.iloc[best].to_dict() | {"margin": float(margin[best])}


def _same(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of a table on the same group, stage, base and year; empty where it has none."""
    keys = ["group", "stage", "base", "year"]
    return rows[keys].astype(str).merge(table.astype(dict.fromkeys(keys, str)), on=keys, how="left")


@wording.said
def chance(ratios: Released) -> str:
    """Say how many of the comparisons made would keep off parity by chance alone."""
    table = comparisons(require(ratios).table)
    made = int(table["low"].notna().sum())
    if not made:
        return ""
    said = f"{made} comparison{'s are' if made > 1 else ' is'}"
    here = f" (about {round(made / 20)} here)" if made >= 20 else ""
    return (
        f"{said} shown here. Were all rates equal, as many as one in twenty could still have an interval "
        f"that excludes parity by chance{here}, so a single finding is a reason to look, not proof."
    )


@wording.said
def representation(indices: Released, ratios: Released, words: Words) -> list[str]:
    """Say where the representation index and the relative rate of a group point different ways."""
    rates = {str(r["group"]): r for r in comparisons(require(ratios).table).to_dict("records")}
    said = []
    for row in comparisons(require(indices).table).to_dict("records"):
        other = rates.get(str(row["group"]))
        if other is None or TOO_FEW in (voice(row), voice(other)) or voice(row) == voice(other):
            continue
        who, reference = (words.people(g, row["unit"]) for g in (row["group"], other["reference"]))
        said.append(
            f"{sentence(who)[:-1]}: the index is {_with_interval(row)}, but the relative rate is "
            f"{_with_interval(other)}. They are {_n(row, 'events')} of the {_n(row, 'reference_events')} "
            f"{words.out_of(row['stage'], row['unit'])}, of the groups shown; {reference} are "
            f"{_n(other, 'reference_events')}, {words.when(row)}."
        )
    if said:
        said.append(
            "The index compares a group with everyone, itself included; the relative rate compares it with "
            f"{reference} alone."
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
            f"{wording.lower(words.stage(r['stage']))} ({r['estimate']:.2f}, 95% interval "
            f"{wording.interval(r['low'], r['high'], r['measure'])}; {_n(r, 'events')} of {_against(r, 'of')})"
            for r in rows.to_dict("records")
            if voice(r) in (ABOVE, BELOW)
        ]
        end = wording.lower(words.stage(last["stage"]))
        reach = "can be followed only to" if len(rows) == 1 else "comes, by"
        text = f"for {who}, the relative rate compared with {other} {reach} {end}, "
        ends = wording.interval(last["reached_low"], last["reached_high"], "rate_ratio")
        sure_of = f"95% interval {ends}" if np.isfinite(last["reached_low"]) else "too few for an interval"
        text += f"{'where it is' if len(rows) == 1 else 'to'} {last['reached']:.2f} ({sure_of}; {words.when(last)})"
        found = (
            f"The interval excludes parity at {wording.join(sure)}, and at no other decision."
            if sure
            else "No single decision can be told apart from parity. " + wording.NO_EVIDENCE
        )
        said.append(f"{sentence(text)} {found}")
    return said


# -- inside ------------------------------------------------------------------------------------------


def _n(row, column: str) -> str:
    return wording.count(row[column])


def _against(row, of: str, unit: str = "") -> str:
    """Write the rest of the counts of a comparison, after the group's own events."""
    return (
        f"{_n(row, 'denominator')}{unit}, against {_n(row, 'reference_events')} {of} "
        f"{_n(row, 'reference_denominator')}"
    )


def _with_interval(row) -> str:
    interval = wording.interval(row["low"], row["high"], row["measure"])
    return f"{row['estimate']:.2f} ({_words(voice(row))} parity, 95% interval {interval})"


def _in_children(row: dict, above: pd.DataFrame, words: Words) -> str:
    """Say the gap in children, in the direction the row points."""
    gap = _same(above, pd.DataFrame([row])).iloc[0]
    if np.isnan(gap["estimate"]):
        return ""
    unit = row["unit"]
    more, low, high = gap["estimate"], gap["low"], gap["high"]
    if more < 0:
        more, low, high = -more, -high, -low
    if round(more) == 0:
        return ""
    word = "more" if gap["estimate"] > 0 else "fewer"
    ends = " to ".join(wording.signed(f"{v:,.0f}") for v in (low, high))
    rate = "rate" if row["base"] == POPULATION else "proportion"
    return (
        f"That is about {more:,.0f} {word} {words.one(unit, round(more))} than if the {rate} had been that of "
        f"{words.people(row['reference'], unit)} (interval {ends})."
    )


def _nothing_sure(several: list[pd.DataFrame], words: Words) -> list[str]:
    """Say of the groups without a clear gap which of their ratios comes nearest to one."""
    near, away, few, other = {}, [], [], ""
    for rows in several:
        who, other = people(rows.iloc[0], words)
        worse = _worse(rows, rows["estimate"], rows["estimate"], words)
        limit = np.where(np.isnan(worse), np.nan, _worse(rows, rows["low"], rows["high"], words))
        if np.isnan(limit).all():
            few.append(who)
            continue
        toward = np.where(worse > 0, limit, np.nan)
        if np.isnan(toward).all():
            away.append(who)
            continue
        row = rows.iloc[int(np.nanargmax(toward))].to_dict()
        near[who] = (
            f"{who}, {wording.lower(words.stage(row['stage']))} (relative rate {row['estimate']:.2f}, "
            f"{interval_of(row)}; {counts(row, words)}; {words.when(row)})"
        )
    said = []
    if near or away:
        parts = [
            sentence(
                f"for {wording.join([*near, *away])}, no stage with enough children to compare shows a gap that is "
                f"clearly worse than for {other}"
            )
        ]
        parts += [sentence(f"nearest to one: {'; '.join(near.values())}")] * bool(near)
        parts += [f"Of {wording.join(away)} no relative rate points that way."] * bool(away)
        said.append(f"{' '.join(parts)} {wording.NO_EVIDENCE}")
    if few:
        said.append(
            sentence(f"too few {wording.join(few)} are recorded at any stage to compare with {other}")
        )
    return said


def _worse(
    rows: pd.DataFrame, when_adverse: pd.Series, when_favourable: pd.Series, words: Words
) -> np.ndarray:
    """Measure how far a ratio lies on the side that is worse for the child; NaN for a neutral stage."""
    polarity = rows["stage"].astype(str).map(lambda s: words.stages[s].polarity)
    with np.errstate(divide="ignore"):
        sides = [np.log(when_adverse.astype(float)), -np.log(when_favourable.astype(float))]
    return np.select([polarity == "adverse", polarity == "favourable"], sides, np.nan)


def _words(spoken: str) -> str:
    return {ABOVE: "above", BELOW: "below", APART: "not distinguishable from"}[spoken]
