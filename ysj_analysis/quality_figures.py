"""How do we draw how far data can be trusted? Stages down the side, checks across, shares in the cells."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from . import wording
from .disclosure import Released, require
from .drawing import DARK_BLUE, PALE, WIDTH, chart, styled, two_lines
from .present import Shown, text
from .profile_checks import FOUND, NOT_CHECKED, judged
from .wording import Said, Words

_FULL = 25.0
"""The percentage from which a cell has its full colour: a quarter missing is a great deal."""


def quality_picture(profile: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw the checks that are made stage by stage as a shaded table.

    Parameters
    ----------
    profile : Released
        Of ``quality.evidence`` or ``quality.profile``; judged again from its printed counts.
    name, title : str
        Name of the file, without its ending; the caption.
    words : Words
        The study's words.

    Returns
    -------
    Shown
        Each cell is the percentage of those at a stage in which a check found something, darker where it
        is more; a hidden one has its mark and no colour. Checks that found nothing anywhere, or nothing
        that can be shown, are left out.
        A note in words where nothing was found at any stage.
    """
    table = require(profile).derive(judged).table
    table = table[table["stage"].isin(list(words.stages)) & table["severity"].ne(NOT_CHECKED)]
    table = table[table["check"].isin(table.loc[table["severity"].isin(FOUND), "check"])]
    if table.empty:
        return text(Said(f"{title}: no check found anything at any stage that can be shown."), kind="note")
    checks = list(dict.fromkeys(table["check"]))
    stages = [s for s in words.stages if s in set(table["stage"])]
    shares = table.pivot(index="stage", columns="check", values="percent").reindex(stages)[checks]
    made = table.assign(made=1.0).pivot(index="stage", columns="check", values="made").reindex(stages)[checks]
    reading = (
        "Each cell is the percentage of those at a stage in whom the check found something, darker where it is "
        "more."
    )
    alt = f"{title}. {_described(shares, made, words)}"
    return chart(_drawn(shares, made, words), name, profile, title, alt, reading)


def _drawn(shares: pd.DataFrame, made: pd.DataFrame, words: Words) -> Figure:
    there = made.to_numpy(float)
    shade = LinearSegmentedColormap.from_list("shade", ["#FFFFFF", DARK_BLUE])
    with styled({"axes.spines.bottom": False}):
        figure = Figure(figsize=(WIDTH, 0.34 * len(shares) + 1.4), layout="constrained")
        axes = figure.subplots()
        for (i, j), share in np.ndenumerate(shares.to_numpy(float)):
            depth = 0.0 if np.isnan(share) else min(share / _FULL, 1.0)
            axes.fill([j, j + 1, j + 1, j], [i, i, i + 1, i + 1], color=shade(depth), ec=PALE, lw=1)
            colour = "white" if depth > 0.7 else "#0B0C0C"
            axes.text(
                j + 0.5,
                i + 0.5,
                _cell(share, there[i, j]),
                ha="center",
                va="center",
                color=colour,
                fontsize=9,
            )
        room = 10 if shares.shape[1] > 8 else 14
        heads = ["\n".join(textwrap.wrap(check, room)) for check in shares.columns]
        axes.set_xlim(0, shares.shape[1])
        axes.set_ylim(len(shares), 0)
        axes.set_xticks(np.arange(shares.shape[1]) + 0.5, heads, fontsize=8)
        axes.set_yticks(np.arange(len(shares)) + 0.5, [two_lines(words.stage(s)) for s in shares.index])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
    return figure


def _cell(share: float, made: float) -> str:
    """Write a percentage, or the mark of a hidden one, or of a check that this stage does not have."""
    if not np.isnan(share):
        return f"{share:.1f}%"
    return wording.NOT_APPLICABLE if np.isnan(made) else wording.CONFIDENTIAL


def _described(shares: pd.DataFrame, made: pd.DataFrame, words: Words) -> str:
    """Say each cell in words."""
    parts = []
    for check in shares.columns:
        cells = zip(shares.index, shares[check], made[check], strict=True)
        said = [f"{words.stage(stage)} {_cell(share, there)}" for stage, share, there in cells if there == 1]
        parts.append(f"{check.capitalize()}: {'; '.join(said)}.")
    return " ".join(parts)
