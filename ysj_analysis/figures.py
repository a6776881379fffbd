"""How do we draw it? Charts of released tables, with a caption and an alternative text of their numbers.

Everything drawn comes from a ``disclosure.Released``: what is hidden has no bar, no point and no place
on an axis, only its mark.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from . import wording
from .disclosure import Released, require
from .drawing import (
    DARK_BLUE,
    GREY,
    PANELS,
    TURQUOISE,
    WIDTH,
    by_group,
    chart,
    in_ratios,
    largest_first,
    nothing,
    ratio_panel,
    short_name,
    span_of,
    styled,
    two_lines,
    with_interval,
)
from .present import Shown, shows
from .references import comparisons
from .wording import Words


@shows
def relative_rates(released: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw relative rates as points with their intervals, a panel for each group, stages down the side.

    Parameters
    ----------
    released : Released
        Relative rates, one row a stage and group.
    name, title : str
        Name of the file, without its ending; the caption.
    words : Words
        The study's words.

    Returns
    -------
    Shown
        The chart; hidden comparisons are marked ``[c]`` on the parity line, without a point. A stage at which
        nothing could be compared has no line, and is named in the caption. A sentence, where nothing can be drawn.
    """
    table = comparisons(require(released).table).astype({"group": str, "stage": str})
    if not np.isfinite(table["low"].astype(float)).any():
        return nothing(title)
    groups, every = largest_first(table), list(dict.fromkeys(table["stage"]))
    drawn = set(table.loc[table["low"].notna() & table["high"].notna(), "stage"])
    stages = [s for s in every if s in drawn]
    across = len(groups) if len(groups) <= PANELS else PANELS - 1
    down = math.ceil(len(groups) / across)
    with styled():
        figure = Figure(figsize=(WIDTH, down * (0.36 * len(stages) + 0.6) + 0.5), layout="constrained")
        panels = figure.subplots(down, across, sharey=True, sharex=True, squeeze=False).ravel()
        span = span_of(table)
        for panel, group in zip(panels, groups, strict=False):
            rows = table[table["group"] == group].set_index("stage").reindex(stages)
            ratio_panel(panel, rows, span)
            panel.set_title(short_name(words.group(group)), loc="left", fontsize=10.5, fontweight="bold")
        for panel in panels[len(groups) :]:
            panel.set_visible(False)
        panels[0].set_yticks(range(len(stages)), [_stage(s, words) for s in stages])
        panels[0].set_ylim(len(stages) - 0.5, -0.5)
        reference = words.people(short_name(table["reference"].iloc[0]), table["unit"].iloc[0])
        figure.supxlabel(f"Rate relative to {reference}, log scale. The line at 1 is parity.", fontsize=10)
    reading = (
        "A point is a relative rate and its bar the 95% interval. A filled point, with its number, is one whose "
        "interval excludes parity; an open point cannot be told apart from parity."
    )
    return chart(
        figure,
        name,
        released,
        title,
        _ratio_alt(table, words, title),
        reading + _not_drawn(every, drawn, words),
    )


@shows
def cascade(released: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw how a cumulative relative rate builds up, step by step, a panel for each group.

    Parameters
    ----------
    released : Released
        From ``decompose.cascade``.
    name, title, words
        As for :func:`relative_rates`.

    Returns
    -------
    Shown
        Each bar runs from the relative rate before a stage to the one after it. A sentence, where no path
        can be followed.
    """
    table = require(released).table
    if table.empty:
        return nothing(title)
    groups = list(dict.fromkeys(table["group"].astype(str)))
    with styled():
        figure = Figure(figsize=(WIDTH, 0.36 * len(table) + 0.62 * len(groups) + 0.6), layout="constrained")
        heights = [max(1.6, int((table["group"].astype(str) == g).sum())) for g in groups]
        panels = np.atleast_1d(figure.subplots(len(groups), 1, sharex=True, height_ratios=heights))
        reached = table["reached"].to_numpy(float)
        span = (min(0.8, reached.min() * 0.85), max(1.25, reached.max() * 1.25))
        for panel, group in zip(panels, groups, strict=True):
            _steps(panel, table[table["group"].astype(str) == group], span, words)
        reference = words.people(short_name(table["reference"].iloc[0]), table["unit"].iloc[0])
        panels[-1].set_xlabel(
            f"Rate relative to {reference}, built up stage by stage (log scale); 1 is parity"
        )
    reading = "Each bar is one decision, and the number beside it that decision's relative rate."
    return chart(figure, name, released, title, _cascade_alt(table, words, title), reading)


def _parity_colours() -> LinearSegmentedColormap:
    """Blue-green for better, red for worse, told apart by those who see no red from green; pale at parity."""
    return LinearSegmentedColormap.from_list("parity", ["#5A9BA0", "#F2F1F1", "#E26E55"])


_WORSE_ABOVE = {"adverse": 1.0, "favourable": -1.0}
"""Which way a relative rate is worse for the group: above parity, or below it. Of other stages neither is."""


@shows
def matrix(released: Released, *, name: str, title: str, words: Words, brief: bool = False) -> Shown:
    """Draw relative rates as a coloured matrix, stages by groups, the number in every cell.

    Parameters
    ----------
    released : Released
        Relative rates, one row a stage and group.
    name, title, words
        As for :func:`relative_rates`.
    brief : bool
        Leave out the stages that are neither better nor worse for a child to reach.

    Returns
    -------
    Shown
        Colour runs from better to worse for the group, and a stage that is neither has none; an asterisk marks an
        interval that excludes parity, and a cell without a number shows its mark. A stage at which nothing could be
        compared has no line, and is named in the caption. A sentence, where there is no comparison.
    """
    table = comparisons(require(released).table).astype({"group": str, "stage": str})
    drawn = set(table.loc[table["estimate"].notna(), "stage"])
    if not drawn:
        return nothing(title)
    every = list(dict.fromkeys(table["stage"]))
    aside = {s for s in every if brief and _polarity(s, words) not in _WORSE_ABOVE}
    aside = aside if drawn - aside else set()
    groups, stages = largest_first(table), [s for s in every if s in drawn - aside]
    cells = table.assign(text=[_cell(r) for r in table.to_dict("records")])
    values = (
        cells.pivot(index="stage", columns="group", values="estimate").reindex(stages)[groups].astype(float)
    )
    texts = cells.pivot(index="stage", columns="group", values="text").reindex(stages)[groups].fillna("[z]")
    with styled({"axes.spines.bottom": False}):
        figure = Figure(figsize=(WIDTH, (0.25 if brief else 0.29) * len(stages) + 0.8), layout="constrained")
        axes = figure.subplots()
        kinds = [_polarity(s, words) for s in stages]
        worse = np.array([_WORSE_ABOVE.get(kind, np.nan) for kind in kinds])[:, None]
        with np.errstate(divide="ignore"):
            shade = worse * np.clip(np.log2(values.to_numpy()), -2, 2)
        axes.pcolormesh(
            np.ma.masked_invalid(shade),
            cmap=_parity_colours(),
            vmin=-2,
            vmax=2,
            edgecolors="white",
            linewidth=2,
        )
        axes.invert_yaxis()
        for (i, j), text in np.ndenumerate(texts.to_numpy()):
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color="#0B0C0C")
        heads = [two_lines(short_name(words.group(g)), max(5, 60 // len(groups))) for g in groups]
        axes.set_xticks(np.arange(len(groups)) + 0.5, heads, rotation=0)
        axes.set_yticks(np.arange(len(stages)) + 0.5, [_stage(s, words) for s in stages], rotation=0)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set(xlabel="", ylabel="")
    reading = (
        f"Rates relative to {words.people(table['reference'].iloc[0], table['unit'].iloc[0])}; at 1 they are the "
        f"same. Red is worse for the group, blue-green better{_turned(kinds)}. An asterisk marks one whose 95% "
        f"interval excludes parity.{_not_drawn([s for s in every if s not in aside], drawn, words)}"
    )
    return chart(figure, name, released, title, _ratio_alt(table, words, title), reading)


# -- inside ------------------------------------------------------------------------------------------


def _steps(axes: Any, rows: pd.DataFrame, span: tuple[float, float], words: Words) -> None:
    rows = rows.sort_values("step")
    after = rows["reached"].to_numpy(float)
    before = np.concatenate([[1.0], after[:-1]])
    in_ratios(axes, "x", span)
    axes.axvline(1, color=GREY, linewidth=1)
    y = np.arange(len(rows))
    colour = np.where(after >= before, DARK_BLUE, TURQUOISE)
    axes.barh(y, after - before, left=before, color=colour, height=0.6)
    for i, row in enumerate(rows.to_dict("records")):
        sure = "" if row["low"] > 1 or row["high"] < 1 else " (not distinguishable from 1)"
        place, box = max(after[i], before[i]) * 1.02, {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.text(place, i, f"×{row['estimate']:.2f}{sure}", va="center", fontsize=9, bbox=box)
    axes.set_yticks(y, [_stage(s, words) for s in rows["stage"]])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(
        short_name(words.group(rows["group"].iloc[0])), loc="left", fontsize=10.5, fontweight="bold"
    )


def _polarity(stage: str, words: Words) -> str:
    """Say whether a stage is worse or better for a child to reach, or neither."""
    known = words.stages.get(str(stage))
    return "" if known is None else known.polarity


def _turned(kinds: list[str]) -> str:
    """Say which way the colours go at stages that are good to reach, and at those that are neither."""
    good = ": at a stage marked (favourable), which is good for a child to reach, that is below 1"
    neither = "; a stage that is neither good nor bad to reach has no colour"
    return good * ("favourable" in kinds) + neither * bool(set(kinds) - set(_WORSE_ABOVE))


def _not_drawn(every: list[str], drawn: set[str], words: Words) -> str:
    """Name the stages at which nothing could be compared."""
    left_out = [wording.lower(words.stage(s)) for s in every if s not in drawn]
    return f" Nothing can be compared at {wording.join(left_out)}." if left_out else ""


def _cell(row: dict) -> str:
    if np.isnan(row["estimate"]):
        return wording.mark(row["note"])
    return wording.number(row["estimate"], row["measure"]) + (
        "*" if row["low"] > 1 or row["high"] < 1 else ""
    )


def _stage(stage: str, words: Words) -> str:
    """Label a stage, and say of one that is good for the child that it is."""
    good = _polarity(stage, words) == "favourable"
    return two_lines(words.stage(stage) + (" (favourable)" if good else ""))


def _ratio_alt(table: pd.DataFrame, words: Words, title: str) -> str:
    return by_group(table, title, words, lambda r: f"{words.stage(r['stage'])} {with_interval(r)}")


def _cascade_alt(table: pd.DataFrame, words: Words, title: str) -> str:
    def step(r: dict) -> str:
        return f"{words.stage(r['stage'])} times {r['estimate']:.2f}, reaching {r['reached']:.2f}"

    return by_group(table, title, words, step)
