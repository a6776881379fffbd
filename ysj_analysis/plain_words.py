"""What does it mean, for young people and parents? Short sentences and one picture, from released tables.

Written for a reading age of about 11. A gap is given as how many of every hundred or thousand children, group
beside group, and is never said without its picture. "Clearly" is said where the 95% interval of the relative
rate excludes parity, and "we cannot tell" where it does not.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import wording
from .disclosure import Released, require
from .drawing import DARK_BLUE, GREY, TURQUOISE, WIDTH, chart, short_name, styled, two_lines
from .present import Shown, shows, text
from .references import comparisons
from .sentence_parts import ABOVE, APART, BELOW, TOO_FEW, voice
from .vocabulary import POPULATION, STAGES, UNKNOWN
from .wording import Said, Words

MOST = 4
"""As many stages are told; more would be too long for one page."""

_DID = MappingProxyType(
    {
        "no_further_action": "were let go with no further action",
        "released_under_investigation": "were let go while police looked into it",
        "diversion": "were kept out of court and offered help",
        "caution": "were given a formal warning",
        "charge": "were charged and sent to court",
        "first_time_entrant": "got a first warning or sentence",
        "intervention": "began work with the youth justice team",
        "remand_decision": "had a court decide where they should wait",
        "bail": "could wait at home",
        "community_remand": "could wait at home with support",
        "rlaa": "had to wait in council care",
        "yda": "had to wait in custody",
        "convicted": "were found guilty or said that they were",
        "sentenced": "were given a sentence",
        "first_tier": "were given a lighter sentence",
        "community": "were given a sentence to serve at home",
        "custody": "were sent to custody",
        "cohort": "had broken the law",
        "reoffended": "were found to have broken the law again in a year",
    }
)
"""What happened at a stage, in words an eleven-year-old reads; other stages keep the study's own words."""

_MEANS = MappingProxyType(
    {
        "arrest": "Arrested means that the police took a child to a police station.",
        "charge": "Charged means that the police sent the case to a court.",
        "yda": "Custody means being locked up.",
        "custody": "Custody means being locked up.",
        "intervention": "The youth justice team is the people at the council who work with children in trouble "
        "with the law.",
    }
)
"""What a word means that is said of a stage."""

_NOTHING = "There are too few children here to say anything that is sure and keeps everyone safe."


def told(table: pd.DataFrame, words: Words) -> list[str]:
    """Choose the stages to tell of: those with most clear gaps, then those at which most groups can be compared.

    Of stages that are neither better nor worse for a child to reach it tells only where there are no others.

    Parameters
    ----------
    table : DataFrame
        Released relative rates.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        Ids of up to ``MOST`` stages, in the order of the system.
    """
    compared = comparisons(table)
    aside = [s.id for s in words.stages.values() if s.kind == "cohort" or s.polarity == "neutral"]
    matters = ~compared["stage"].astype(str).isin(
        aside
    )  # a stage that is better or worse for a child to reach
    compared = compared[matters] if matters.any() else compared
    clear = (compared["low"].gt(1) | compared["high"].lt(1)).to_numpy(int)
    found = pd.DataFrame({"clear": clear, "can": compared["low"].notna().to_numpy(int)})
    found = found.groupby(compared["stage"].astype(str).to_numpy(), sort=False).sum()
    best = found[found["can"] > 0].sort_values(["clear", "can"], ascending=False, kind="stable").index[:MOST]
    return [s for s in found.index if s in set(best)]


@wording.said
def plainly(ratios: Released, words: Words) -> list[str]:
    """Say, for each stage told of, how many children of each group, and which gaps are clear.

    Parameters
    ----------
    ratios : Released
        Relative rates, one row a stage and group.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A paragraph a stage.
    """
    table = require(ratios).table
    stages = told(table, words)
    many = _scale(table, stages)
    return [_one(table[table["stage"].astype(str).eq(s)], many, words) for s in stages] or [_NOTHING]


@wording.said
def unsure(ratios: Released) -> str:
    """Say when we are sure, and what is not shown.

    Parameters
    ----------
    ratios : Released
        What is told of.

    Returns
    -------
    str
        A paragraph.
    """
    hidden = (
        " Very small numbers are not shown, so that no one can be recognised."
        if require(ratios).policy.protects
        else " Some numbers here are very small. Do not pass this page on."
    )
    return (
        "We say “clearly” when a gap is bigger than luck alone would often make. When the numbers are small, we cannot "
        f"be sure. Then we say that we cannot tell.{hidden}"
    )


@wording.said
def meanings(ratios: Released, words: Words) -> list[str]:
    """Say what the words mean that are used of the stages told of.

    Parameters
    ----------
    ratios : Released
        Relative rates, one row a stage and group.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence a word.
    """
    table = require(ratios).table
    stages = told(table, words)
    bases = table.loc[table["stage"].astype(str).isin(stages), "base"].astype(str).unique()
    used = [s for s in (*stages, *bases) if words.stages.get(s) is STAGES.get(s)]
    return list(dict.fromkeys(said for s, said in _MEANS.items() if s in used))


@shows
def picture(ratios: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw how many of every hundred or thousand children of each group, a panel for each stage told of.

    Parameters
    ----------
    ratios : Released
        Relative rates, one row a stage and group.
    name, title : str
        Name of the file, without its ending; the caption.
    words : Words
        The study's words.

    Returns
    -------
    Shown
        Bars with their numbers. A sentence, where nothing can be drawn.
    """
    table = require(ratios).table
    table = table[
        table["stage"].astype(str).isin(told(table, words)) & ~table["group"].astype(str).eq(UNKNOWN)
    ]
    if table.empty:
        return text(Said(_NOTHING), kind="note")
    stages = list(dict.fromkeys(table["stage"].astype(str)))
    groups = list(dict.fromkeys(table["group"].astype(str)))
    with styled({"axes.spines.bottom": False}):
        figure = Figure(figsize=(WIDTH, len(stages) * (0.3 * len(groups) + 0.55)), layout="constrained")
        for axes, stage in zip(figure.subplots(len(stages), 1, squeeze=False).ravel(), stages, strict=True):
            _bars(axes, table[table["stage"].astype(str).eq(stage)], _scale(table, stages), words)
    return chart(
        figure, name, ratios, title, _alt(table, stages, words, title), "Longer bars mean more children."
    )


# -- inside ------------------------------------------------------------------------------------------


def _one(rows: pd.DataFrame, many: int, words: Words) -> str:
    """Tell one stage."""
    row, known = rows.iloc[0], rows[~rows["group"].astype(str).eq(UNKNOWN)]
    shown = known[known["events"].notna() & known["denominator"].notna()]
    numbers = wording.join(
        [f"{words.group(g)} {n:.0f}" for g, n in zip(shown["group"], _of_every(shown, many), strict=True)]
    )
    other = words.people(row["reference"])
    lead = f"{_every(rows, many, words)} {_did(row['stage'], words)}: {numbers}."
    by_voice: dict[str, list[str]] = {v: [] for v in (ABOVE, BELOW, APART, TOO_FEW)}
    for one in comparisons(rows).to_dict("records"):
        by_voice[voice(one)].append(words.people(one["group"]))
    parts = {
        ABOVE: f"For {{}}, it is clearly more than for {other}.",
        BELOW: f"For {{}}, it is clearly less than for {other}.",
        APART: "For {}, we cannot tell if there is a gap. That does not mean that there is none.",
        TOO_FEW: "For {}, there are too few to say.",
    }
    if by_voice[APART] and not (by_voice[ABOVE] or by_voice[BELOW] or by_voice[TOO_FEW]):
        return (
            f"{lead} We cannot tell if there is a gap for any group. That does not mean that there is none."
        )
    return " ".join([lead, *(parts[v].format(wording.join(who)) for v, who in by_voice.items() if who)])


def _scale(table: pd.DataFrame, stages: list[str]) -> int:
    """Choose of how many children of the population to speak: the least number that gives every group at least one."""
    told_of = table["stage"].astype(str).isin(stages) & table["base"].eq(POPULATION)
    least = (table.loc[told_of, "events"] / table.loc[told_of, "denominator"]).min()
    return 1_000 if not least < 0.001 else 10_000


def _of_every(rows: pd.DataFrame, many: int) -> np.ndarray:
    per = many if rows["base"].iloc[0] == POPULATION else 100
    return (per * rows["events"] / rows["denominator"]).to_numpy(float)


def _every(rows: pd.DataFrame, many: int, words: Words) -> str:
    """Begin the sentence of a stage."""
    row = rows.iloc[0]
    if row["base"] == POPULATION:
        years = int(row.get("years", 1))
        once = f", with each child counted once in the {years} years" if years > 1 else ""
        return f"In a year, out of every {many:,} children in each group{once}, this many"
    return f"Out of every 100 children who {_did(row['base'], words)}, this many"


def _did(stage: str, words: Words) -> str:
    """Say what happened at a stage in plain words, where the study has not its own."""
    own = words.stages.get(str(stage)) is not STAGES.get(str(stage))
    return words.did(stage) if own else _DID.get(str(stage), words.did(stage))


def _bars(axes: Any, rows: pd.DataFrame, per: int, words: Words) -> None:
    y, many = np.arange(len(rows)), _of_every(rows, per)
    reference = rows["group"].astype(str).eq(rows["reference"].astype(str)).to_numpy()
    axes.barh(y, np.nan_to_num(many), color=np.where(reference, TURQUOISE, DARK_BLUE), height=0.7)
    for i, n in enumerate(many):
        label = "too few to show" if np.isnan(n) else f"{n:.0f}"
        axes.text(
            0 if np.isnan(n) else n, i, f" {label}", va="center", color=GREY if np.isnan(n) else "black"
        )
    axes.set_yticks(y, [short_name(words.group(g)) for g in rows["group"]])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, max(1.0, np.nanmax(many)) * 1.12)
    axes.set_xticks([])
    row, did = rows.iloc[0], _did(rows["stage"].iloc[0], words)
    population = row["base"] == POPULATION
    of = f"{per:,} in a year" if population else f"100 who {_did(row['base'], words)}"
    axes.set_title(
        two_lines(f"How many {did}, of every {of}", 80), loc="left", fontsize=10.5, fontweight="bold"
    )


def _alt(table: pd.DataFrame, stages: list[str], words: Words, title: str) -> str:
    parts = []
    for stage in stages:
        rows = table[table["stage"].astype(str).eq(stage)]
        said = [
            f"{words.group(g)} {'too few to show' if np.isnan(n) else f'{n:.0f}'}"
            for g, n in zip(rows["group"], _of_every(rows, _scale(table, stages)), strict=True)
        ]
        parts.append(f"{_every(rows, _scale(table, stages), words)} {_did(stage, words)}: {'; '.join(said)}.")
    return f"{title}. {' '.join(parts)}"
