"""How do we draw where a gap opens, for someone who reads no ratio? In children, and in shares of each group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator

from . import wording
from .disclosure import Released, require
from .drawing import (
    DARK_BLUE,
    GREY,
    PALE,
    PANELS,
    WIDTH,
    by_group,
    chart,
    nothing,
    ratio_panel,
    span_of,
    styled,
    two_lines,
)
from .pathways import FURTHEST_WAY, NOT_DECIDED
from .present import Shown, shows
from .vocabulary import UNKNOWN
from .wording import Words

_WAYS = {NOT_DECIDED: "No decision recorded"}


@shows
def at_parity(found: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw how many fewer children of each group would reach the end, were one decision at parity.

    Parameters
    ----------
    found : Released
        From ``decompose.counterfactual``.
    name, title, words
        As for ``figures.relative_rates``.

    Returns
    -------
    Shown
        A panel for each group: a bar for each decision, in whole children, with its 95% interval; to the left
        of 0, so many more. What is hidden has its mark. A sentence where no number can be given.
    """
    table = require(found).table
    table = table[~table["group"].astype(str).eq(UNKNOWN)].astype({"group": str, "stage": str})
    table = table[table.groupby("group")["low"].transform("count") > 0]
    if table.empty:
        return nothing(title)
    groups = list(dict.fromkeys(table["group"]))
    ends = table[["low", "high"]].to_numpy(float)
    span = (min(0.0, np.nanmin(ends)) * 1.15 - 0.5, max(0.0, np.nanmax(ends)) * 1.15 + 0.5)
    with styled():
        heights = [int((table["group"] == g).sum()) for g in groups]
        figure = Figure(figsize=(WIDTH, 0.4 * len(table) + 0.7 * len(groups) + 0.6), layout="constrained")
        panels = np.atleast_1d(figure.subplots(len(groups), 1, sharex=True, height_ratios=heights))
        for panel, group in zip(panels, groups, strict=True):
            _children(panel, table[table["group"] == group], span, words)
        panels[-1].xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        end = words.did(table["end"].iloc[0])
        panels[-1].set_xlabel(f"How many fewer of those who {end}\n(left of 0: how many more)", fontsize=10)
    other = words.people(table["reference"].iloc[0], table["unit"].iloc[0])
    reading = (
        f"Each bar asks about one decision: had it gone for this group as often as for {other}, and all else stayed "
        "as it is. The line is the 95% interval; a bar without colour, marked unsure, cannot be told apart from none. "
        "The bars do not add up, and say nothing of why."
    )
    return chart(figure, name, found, title, _children_alt(table, title, words), reading)


@shows
def ways_out(shares: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw by which way the children of each group left a stage, as shares of each group.

    Parameters
    ----------
    shares : Released
        Proportions of ``pathways.ways_out``: ``released.measure(measures.rates)``.
    name, title, words
        As for ``figures.relative_rates``.

    Returns
    -------
    Shown
        A panel for each group, a bar for each way with its percentage; what is hidden has its mark and no bar.
        A sentence where nothing can be drawn.
    """
    table = require(shares).table
    table = table[~table["group"].astype(str).eq(UNKNOWN)].astype({"group": str, "stage": str})
    if not table["estimate"].notna().any():
        return nothing(title)
    groups, ways = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["stage"]))
    rows = -(-len(groups) // PANELS)
    most = min(1.0, 1.35 * float(np.nanmax(table["estimate"])))
    with styled():
        figure = Figure(figsize=(WIDTH, rows * (0.4 * len(ways) + 0.6) + 0.4), layout="constrained")
        panels = figure.subplots(
            rows, min(len(groups), PANELS), sharey=True, sharex=True, squeeze=False
        ).ravel()
        for panel, group in zip(panels, groups, strict=False):
            _shares(panel, table[table["group"] == group].set_index("stage").reindex(ways), most)
            panel.set_title(words.group(group)[:16], loc="left", fontsize=10.5, fontweight="bold")
        for panel in panels[len(groups) :]:
            panel.set_visible(False)
        panels[0].set_yticks(range(len(ways)), [two_lines(_WAYS.get(w) or words.stage(w)) for w in ways])
        panels[0].set_ylim(len(ways) - 0.5, -0.5)
        base = str(table["base"].iloc[0]).removesuffix(FURTHEST_WAY)
        figure.supxlabel(
            f"Share of each group, out of {words.out_of(base, table['unit'].iloc[0])}", fontsize=10
        )
    reading = (
        "Each bar is the share of a group that left by this way; a child is counted once, at the furthest."
    )
    return chart(figure, name, shares, title, _ways_alt(table, title, words), reading)


@shows
def remainders(fitted: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw the relative rate of each group before adjustment and after each block.

    Parameters
    ----------
    fitted : Released
        ``Fit.table``, released for a restricted edition or for work.
    name, title, words
        As for ``figures.relative_rates``.

    Returns
    -------
    Shown
        A panel for each group, a point and its interval for each block; a block that could not be fitted has a
        mark. A sentence where nothing can be drawn.
    """
    table = require(fitted).table
    table = table[table["measure"].str.endswith("_ratio") & ~table["group"].astype(str).eq(UNKNOWN)]
    table = table[~table["note"].str.contains(r"\breference\b")].astype({"group": str})
    if not table["low"].notna().any():
        return nothing(title)
    groups, blocks = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["block"]))
    across = min(len(groups), PANELS)
    rows = -(-len(groups) // across)
    with styled():
        figure = Figure(figsize=(WIDTH, rows * (0.5 * len(blocks) + 0.6) + 0.5), layout="constrained")
        panels = figure.subplots(rows, across, sharey=True, sharex=True, squeeze=False).ravel()
        for panel, group in zip(panels, groups, strict=False):
            ratio_panel(
                panel, table[table["group"] == group].set_index("block").reindex(blocks), span_of(table)
            )
            panel.set_title(words.group(group)[:16], loc="left", fontsize=10.5, fontweight="bold")
        for panel in panels[len(groups) :]:
            panel.set_visible(False)
        labels = ["Before adjustment", *(f"+ {wording.clean(b)}" for b in blocks[1:])]
        panels[0].set_yticks(range(len(blocks)), [two_lines(label) for label in labels])
        panels[0].set_ylim(len(blocks) - 0.5, -0.5)
        other = words.people(table["reference"].iloc[0], table["unit"].iloc[0])
        figure.supxlabel(f"Rate relative to {other}, log scale. The line at 1 is parity.", fontsize=10)
    reading = (
        "Each row adds to what children are alike in. A filled point, with its number, is one whose 95% interval "
        "excludes parity; an open one cannot be told apart from it. What is left holds all that was not recorded."
    )
    return chart(figure, name, fitted, title, _remainders_alt(table, title, words), reading)


# -- inside ------------------------------------------------------------------------------------------


def _children(axes, rows: pd.DataFrame, span: tuple[float, float], words: Words) -> None:
    rows = rows.sort_values("step")
    estimate, low, high = (rows[c].to_numpy(float) for c in ("estimate", "low", "high"))
    y = np.arange(len(rows))
    shown = ~np.isnan(low) & ~np.isnan(high)
    sure = shown & ((low > 0) | (high < 0))
    axes.set_xlim(*span)
    axes.axvline(0, color=GREY, linewidth=1)
    for at, face in ((sure, DARK_BLUE), (shown & ~sure, "white")):
        axes.barh(y[at], estimate[at], color=face, edgecolor=DARK_BLUE, height=0.5)
    axes.hlines(y[shown], np.clip(low[shown], *span), np.clip(high[shown], *span), color=GREY, linewidth=1.5)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    for i, row in enumerate(rows.to_dict("records")):
        if not shown[i]:
            axes.text(
                0, i, wording.mark(row["note"]), ha="center", va="center", fontsize=9, color=GREY, bbox=box
            )
            continue
        label = _fewer(estimate[i])
        label += "" if sure[i] or label == "none" else " (unsure)"
        inside = np.clip(max(high[i], 0.0), *span)
        axes.annotate(
            label,
            (inside, i),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            bbox=box,
        )
    axes.set_yticks(y, [two_lines(words.stage(s)) for s in rows["stage"]])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(words.group(rows["group"].iloc[0])[:16], loc="left", fontsize=10.5, fontweight="bold")


def _fewer(number: float) -> str:
    """Write whole children: ``12 fewer``.

    Examples
    --------
    >>> _fewer(12.3), _fewer(-4.0), _fewer(0.2)
    ('12 fewer', '4 more', 'none')
    """
    whole = round(number)
    return "none" if whole == 0 else f"{abs(whole):,} {'fewer' if whole > 0 else 'more'}"


def _shares(axes, rows: pd.DataFrame, most: float) -> None:
    share = rows["estimate"].to_numpy(float)
    y = np.arange(len(rows))
    axes.set_xlim(0, most)
    axes.xaxis.set_major_locator(_whole_percents(most))
    axes.xaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    shown = ~np.isnan(share)
    axes.barh(y[shown], share[shown], color=DARK_BLUE, height=0.55)
    notes = rows["note"].fillna("no_denominator").astype(str).to_numpy()
    for i in y:
        label = f"{100 * share[i]:.0f}%" if shown[i] else wording.mark(notes[i])
        axes.annotate(
            label,
            (share[i] if shown[i] else 0, i),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )


def _whole_percents(most: float) -> MultipleLocator:
    return MultipleLocator(0.5 if most > 0.6 else 0.25 if most > 0.3 else 0.1)


def _children_alt(table: pd.DataFrame, title: str, words: Words) -> str:
    def said(r: dict) -> str:
        if np.isnan(r["low"]):
            return f"{words.stage(r['stage'])} {wording.mark(r['note'])}"
        return (
            f"{words.stage(r['stage'])} {_fewer(r['estimate'])} ({_fewer(r['low'])} to {_fewer(r['high'])})"
        )

    return by_group(table, title, words, said)


def _remainders_alt(table: pd.DataFrame, title: str, words: Words) -> str:
    def said(r: dict) -> str:
        if np.isnan(r["low"]):
            return f"{wording.clean(r['block'])} {wording.NOT_APPLICABLE}"
        interval = wording.interval(r["low"], r["high"], "risk_ratio")
        return f"{wording.clean(r['block'])} {r['estimate']:.2f} ({interval})"

    return by_group(table, title, words, said)


def _ways_alt(table: pd.DataFrame, title: str, words: Words) -> str:
    def said(r: dict) -> str:
        share = wording.mark(r["note"]) if np.isnan(r["estimate"]) else f"{100 * r['estimate']:.0f}%"
        return f"{_WAYS.get(r['stage']) or words.stage(r['stage'])} {share}"

    return by_group(table, title, words, said)
