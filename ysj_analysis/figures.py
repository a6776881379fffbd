"""How do we draw it? Charts of released tables, with a caption and an alternative text of their numbers.

Everything drawn comes from a ``disclosure.Released``: what is hidden has no bar, no point and no place
on an axis, only its mark. Colours are the Government Analysis Function's; none of them carries meaning
alone. Charts are SVG with real text, the same bytes for the same numbers.
"""

from __future__ import annotations

import html
import io
import re
import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from . import wording
from .disclosure import Released, require
from .present import Shown, headed
from .vocabulary import UNKNOWN
from .wording import Words

FIGURE = "application/vnd.ysj.figure+json"

DARK_BLUE, TURQUOISE, DARK_PINK, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
GREY, PALE = "#3D3D3D", "#D9D9D9"
WIDTH = 8.2
"""Inches: text of 10 points is then read at about 12 pixels on a page."""

_TICKS = (0.1, 0.2, 0.25, 0.5, 0.67, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 40)

_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": GREY,
    "text.color": "#0B0C0C",
    "axes.labelcolor": "#0B0C0C",
    "xtick.color": GREY,
    "ytick.color": "#0B0C0C",
    "ytick.left": False,
}


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
        The chart; hidden comparisons are marked ``[c]`` at the parity line's foot, without a point.
    """
    table = _compared(require(released).table)
    groups, stages = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["stage"]))
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, 0.38 * len(stages) + 1.1), layout="constrained")
        panels = np.atleast_1d(figure.subplots(1, len(groups), sharey=True, sharex=True))
        low, high = _limits(table)
        for panel, group in zip(panels, groups, strict=True):
            rows = table[table["group"] == group].set_index("stage").reindex(stages)
            _panel(panel, rows, (low, high))
            panel.set_title(_short(words.group(group)), loc="left", fontsize=10.5, fontweight="bold")
        panels[0].set_yticks(range(len(stages)), [_wrapped(words.stage(s)) for s in stages])
        panels[0].set_ylim(len(stages) - 0.5, -0.5)
        reference = words.people(_short(table["reference"].iloc[0]), table["unit"].iloc[0])
        figure.supxlabel(
            f"Rate relative to {reference} (log scale); line at 1 is parity; bar is the 95% interval",
            fontsize=9,
        )
    return _shown(figure, name, released, title, _ratio_alt(table, words, title))


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
        Each bar runs from the relative rate before a stage to the one after it.
    """
    table = require(released).table
    groups = list(dict.fromkeys(table["group"].astype(str)))
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, 0.36 * len(table) + 0.62 * len(groups) + 0.6), layout="constrained")
        heights = [max(1.6, int((table["group"].astype(str) == g).sum())) for g in groups]
        panels = np.atleast_1d(figure.subplots(len(groups), 1, sharex=True, height_ratios=heights))
        reached = table["reached"].to_numpy(float)
        span = (min(0.8, reached.min() * 0.85), max(1.25, reached.max() * 1.25))
        for panel, group in zip(panels, groups, strict=True):
            _steps(panel, table[table["group"].astype(str) == group], span, words)
        reference = words.people(_short(table["reference"].iloc[0]), table["unit"].iloc[0])
        panels[-1].set_xlabel(
            f"Rate relative to {reference}, built up stage by stage (log scale); 1 is parity"
        )
    return _shown(figure, name, released, title, _cascade_alt(table, words, title))


def matrix(released: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw relative rates as a coloured matrix, stages by groups, the number in every cell.

    Parameters
    ----------
    released : Released
        Relative rates, one row a stage and group.
    name, title, words
        As for :func:`relative_rates`.

    Returns
    -------
    Shown
        Colour runs from below parity to above it; an asterisk marks an interval that excludes parity, and
        a cell without a number shows its mark.
    """
    import seaborn as sns

    table = _compared(require(released).table)
    groups, stages = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["stage"]))
    cells = table.assign(text=[_cell(r) for r in table.to_dict("records")])
    values = (
        cells.pivot(index="stage", columns="group", values="estimate").reindex(stages)[groups].astype(float)
    )
    texts = cells.pivot(index="stage", columns="group", values="text").reindex(stages)[groups].fillna("[z]")
    with mpl.rc_context(_STYLE | {"axes.spines.bottom": False}):
        figure = Figure(figsize=(WIDTH, 0.4 * len(stages) + 0.9), layout="constrained")
        axes = figure.subplots()
        palette = sns.diverging_palette(200, 20, s=65, l=60, as_cmap=True)
        logs = np.log2(values.where(values > 0))
        sns.heatmap(
            logs.fillna(0),
            mask=logs.isna(),
            ax=axes,
            cmap=palette,
            vmin=-2,
            vmax=2,
            cbar=False,
            linewidths=2,
            linecolor="white",
        )
        for (i, j), text in np.ndenumerate(texts.to_numpy()):
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color="#0B0C0C")
        axes.set_xticks(np.arange(len(groups)) + 0.5, [_short(words.group(g)) for g in groups], rotation=0)
        axes.set_yticks(np.arange(len(stages)) + 0.5, [_wrapped(words.stage(s)) for s in stages], rotation=0)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set(xlabel="", ylabel="")
    return _shown(figure, name, released, title, _ratio_alt(table, words, title))


# -- inside ------------------------------------------------------------------------------------------


def _compared(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the comparisons: not the reference with itself, not the unknown."""
    kept = table["note"].str.contains(r"\breference\b") | table["group"].astype(str).eq(UNKNOWN)
    return table[~kept].astype({"group": str, "stage": str})


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    shown = table[["estimate", "low", "high"]].to_numpy(float)
    shown = shown[np.isfinite(shown) & (shown > 0)]
    if not shown.size:
        return 0.5, 2.0
    return min(0.5, max(0.1, shown.min() * 0.85)), max(2.0, min(40.0, shown.max() * 1.15))


def _panel(axes, rows: pd.DataFrame, span: tuple[float, float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*span)
    axes.xaxis.set_major_locator(FixedLocator(_spread(span)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    axes.axvline(1, color=GREY, linewidth=1)
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    estimate, low, high = (rows[c].to_numpy(float) for c in ("estimate", "low", "high"))
    y = np.arange(len(rows))
    drawn = np.isfinite(low)
    axes.hlines(
        y[drawn], np.clip(low[drawn], *span), np.clip(high[drawn], *span), color=DARK_BLUE, linewidth=2
    )
    clear = drawn & ((low > 1) | (high < 1))
    for chosen, face in ((clear, DARK_BLUE), (drawn & ~clear, "white")):
        at = chosen & np.isfinite(estimate)
        axes.plot(
            np.clip(estimate[at], *span),
            y[at],
            "o",
            markersize=6,
            markerfacecolor=face,
            markeredgecolor=DARK_BLUE,
            linestyle="none",
        )
    notes = rows["note"].fillna("no_denominator").astype(str).to_numpy()
    for i in np.flatnonzero(~drawn):
        axes.text(
            1,
            i,
            wording.mark(notes[i]),
            ha="center",
            va="center",
            fontsize=8,
            color=GREY,
            backgroundcolor="white",
        )


def _spread(span: tuple[float, float]) -> list[float]:
    """Choose ticks that do not crowd: at most five, parity among them."""
    inside = [t for t in _TICKS if span[0] <= t <= span[1]]
    chosen = [1]
    for tick in sorted(inside, key=lambda t: abs(np.log(t))):
        if all(abs(np.log(tick / c)) > np.log(span[1] / span[0]) / 5 for c in chosen):
            chosen.append(tick)
    return sorted(chosen)


def _steps(axes, rows: pd.DataFrame, span: tuple[float, float], words: Words) -> None:
    rows = rows.sort_values("step")
    after = rows["reached"].to_numpy(float)
    before = np.concatenate([[1.0], after[:-1]])
    axes.set_xscale("log")
    axes.set_xlim(*span)
    axes.xaxis.set_major_locator(FixedLocator(_spread(span)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    axes.axvline(1, color=GREY, linewidth=1)
    y = np.arange(len(rows))
    colour = np.where(after >= before, DARK_BLUE, TURQUOISE)
    axes.barh(y, after - before, left=before, color=colour, height=0.6)
    for i, row in enumerate(rows.to_dict("records")):
        sure = "" if row["low"] > 1 or row["high"] < 1 else " (not distinguishable from 1)"
        axes.text(
            max(after[i], before[i]) * 1.02, i, f"×{row['estimate']:.2f}{sure}", va="center", fontsize=9
        )
    axes.set_yticks(y, [_wrapped(words.stage(s)) for s in rows["stage"]])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(_short(words.group(rows["group"].iloc[0])), loc="left", fontsize=10.5, fontweight="bold")


def _cell(row: dict) -> str:
    if np.isnan(row["estimate"]):
        return wording.mark(row["note"])
    return wording.number(row["estimate"], row["measure"]) + (
        "*" if row["low"] > 1 or row["high"] < 1 else ""
    )


def _wrapped(label: str) -> str:
    """Set a long label on two lines."""
    return "\n".join(textwrap.wrap(label, 26, max_lines=2, placeholder="…"))


def _short(group: str) -> str:
    return str(group) if len(str(group)) <= 16 else str(group)[:15] + "…"


def _ratio_alt(table: pd.DataFrame, words: Words, title: str) -> str:
    parts = []
    for group, rows in table.groupby("group", sort=False):
        said = [
            f"{words.stage(r['stage'])} {wording.number(r['estimate'], r['measure'], r['note'])}"
            + (f" ({wording.interval(r['low'], r['high'], r['measure'])})" if np.isfinite(r["low"]) else "")
            for r in rows.to_dict("records")
        ]
        parts.append(f"{words.group(group)}: {'; '.join(said)}.")
    return f"{title}. {' '.join(parts)}"


def _cascade_alt(table: pd.DataFrame, words: Words, title: str) -> str:
    parts = []
    for group, rows in table.groupby(table["group"].astype(str), sort=False):
        said = [
            f"{words.stage(r['stage'])} times {r['estimate']:.2f}, reaching {r['reached']:.2f}"
            for r in rows.to_dict("records")
        ]
        parts.append(f"{words.group(group)}: {'; '.join(said)}.")
    return f"{title}. {' '.join(parts)}"


def _shown(figure: Figure, name: str, released: Released, title: str, alt: str) -> Shown:
    """Write the figure as SVG that stands in a page beside others, and as a file of its own."""
    title = headed(title, released.policy)
    with mpl.rc_context({"svg.hashsalt": f"ysj-{name}", "svg.fonttype": "none"}):
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    drawn = out.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', drawn)
    drawn = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", drawn)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn).groups()
    opening = (
        f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 {width} {height}" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    svg = opening + drawn[drawn.index(">") + 1 :].strip()
    page = (
        f'<figure class="chart" id="figure-{html.escape(name)}">{svg}'
        f"<figcaption>{html.escape(title)}</figcaption></figure>"
    )
    return Shown(
        page,
        {"name": name, "svg": svg + "\n", "alt": alt, "caption": title, "policy": released.policy.name},
        FIGURE,
    )
