"""How do we draw it? Charts of released tables, with a caption and an alternative text of their numbers.

Everything drawn comes from a ``disclosure.Released``: what is hidden has no bar, no point and no place
on an axis, only its mark. Colours are the Government Analysis Function's; none of them carries meaning
alone. Charts are SVG with real text, the same bytes for the same numbers.
"""

from __future__ import annotations

import contextlib
import html
import io
import math
import re
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from . import wording
from .audit_hidden import undrawn
from .disclosure import Released, require
from .once import anew, doing
from .present import FACTS, Shown, captioned, headed, shows, text
from .vocabulary import UNKNOWN
from .wording import Said, Words

FIGURE = "application/vnd.ysj.figure+json"

DARK_BLUE, TURQUOISE, DARK_PINK, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
GREY, PALE = "#3D3D3D", "#D9D9D9"
WIDTH = 8.2
"""Inches: text of 10 points is then read at about 12 pixels on a page."""

PANELS = 5
"""As many panels stand side by side; more are set in rows."""

_TICKS = (0.1, 0.2, 0.25, 0.5, 0.67, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 40)

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,
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
    table = _compared(require(released).table)
    if not np.isfinite(table["low"].astype(float)).any():
        return _nothing(title)
    groups, every = _largest_first(table), list(dict.fromkeys(table["stage"]))
    drawn = set(table.loc[table["low"].notna() & table["high"].notna(), "stage"])
    stages = [s for s in every if s in drawn]
    across = len(groups) if len(groups) <= PANELS else PANELS - 1
    down = math.ceil(len(groups) / across)
    with _drawing():
        figure = Figure(figsize=(WIDTH, down * (0.36 * len(stages) + 0.6) + 0.5), layout="constrained")
        panels = figure.subplots(down, across, sharey=True, sharex=True, squeeze=False).ravel()
        span = _limits(table)
        for panel, group in zip(panels, groups, strict=False):
            rows = table[table["group"] == group].set_index("stage").reindex(stages)
            _panel(panel, rows, span)
            panel.set_title(_short(words.group(group)), loc="left", fontsize=10.5, fontweight="bold")
        for panel in panels[len(groups) :]:
            panel.set_visible(False)
        panels[0].set_yticks(range(len(stages)), [_stage(s, words) for s in stages])
        panels[0].set_ylim(len(stages) - 0.5, -0.5)
        reference = words.people(_short(table["reference"].iloc[0]), table["unit"].iloc[0])
        figure.supxlabel(f"Rate relative to {reference}, log scale. The line at 1 is parity.", fontsize=10)
    reading = (
        "A point is a relative rate and its bar the 95% interval. A filled point, with its number, is one whose "
        "interval excludes parity; an open point cannot be told apart from parity."
    )
    if left_out := [wording.lower(words.stage(s)) for s in every if s not in drawn]:
        reading += f" Nothing can be compared at {wording.join(left_out)}."
    return _shown(figure, name, released, title, _ratio_alt(table, words, title), reading)


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
        return _nothing(title)
    groups = list(dict.fromkeys(table["group"].astype(str)))
    with _drawing():
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
    reading = "Each bar is one decision, and the number beside it that decision's relative rate."
    return _shown(figure, name, released, title, _cascade_alt(table, words, title), reading)


def _parity_colours() -> LinearSegmentedColormap:
    """Blue-green below parity, red above, told apart by those who see no red from green; pale at parity."""
    return LinearSegmentedColormap.from_list("parity", ["#5A9BA0", "#F2F1F1", "#E26E55"])


@shows
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
        a cell without a number shows its mark. A sentence, where there is no comparison.
    """
    table = _compared(require(released).table)
    if table.empty:
        return _nothing(title)
    groups, stages = _largest_first(table), list(dict.fromkeys(table["stage"]))
    cells = table.assign(text=[_cell(r) for r in table.to_dict("records")])
    values = (
        cells.pivot(index="stage", columns="group", values="estimate").reindex(stages)[groups].astype(float)
    )
    texts = cells.pivot(index="stage", columns="group", values="text").reindex(stages)[groups].fillna("[z]")
    with _drawing({"axes.spines.bottom": False}):
        figure = Figure(figsize=(WIDTH, 0.34 * len(stages) + 0.9), layout="constrained")
        axes = figure.subplots()
        logs = np.log2(values.where(values > 0)).to_numpy()
        axes.pcolormesh(
            np.ma.masked_invalid(logs),
            cmap=_parity_colours(),
            vmin=-2,
            vmax=2,
            edgecolors="white",
            linewidth=2,
        )
        axes.invert_yaxis()
        for (i, j), text in np.ndenumerate(texts.to_numpy()):
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color="#0B0C0C")
        heads = [_wrapped(_short(words.group(g)), max(5, 60 // len(groups))) for g in groups]
        axes.set_xticks(np.arange(len(groups)) + 0.5, heads, rotation=0)
        axes.set_yticks(np.arange(len(stages)) + 0.5, [_stage(s, words) for s in stages], rotation=0)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set(xlabel="", ylabel="")
    reading = (
        f"Rates relative to {words.people(table['reference'].iloc[0], table['unit'].iloc[0])}; at 1 they are the "
        "same, red is above and blue-green below. An asterisk marks one whose 95% interval excludes parity."
    )
    return _shown(figure, name, released, title, _ratio_alt(table, words, title), reading)


# -- inside ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _drawing(more: Mapping = MappingProxyType({})) -> Iterator[None]:
    """Draw in our style; a browser has the letters that matplotlib's own font lacks."""
    with mpl.rc_context(cast(Any, {**_STYLE, **more})), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _nothing(title: str) -> Shown:
    """Say that there is nothing to draw, in place of an empty chart."""
    why = "there are too few children to compare, or nothing is known of what they are out of"
    return text(Said(f"{title}: nothing can be drawn, because {why}."), kind="note")


def _compared(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the comparisons: not the reference with itself, not the unknown."""
    group = table["group"].astype(str)
    return table[~group.eq(table["reference"].astype(str)) & ~group.eq(UNKNOWN)].astype(
        {"group": str, "stage": str}
    )


def _largest_first(table: pd.DataFrame) -> list[str]:
    """Sort the groups by the relative rate furthest above parity, as printed; those with none come last."""
    highest = table.groupby("group", sort=False)["estimate"].max().astype(float)
    return list(highest.sort_values(ascending=False, kind="stable", na_position="last").index)


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    shown = table[["estimate", "low", "high"]].to_numpy(float)
    shown = shown[np.isfinite(shown) & (shown > 0)]
    if not shown.size:
        return 0.5, 2.0
    return min(0.5, max(0.1, shown.min() * 0.85)), max(2.0, min(40.0, shown.max() * 1.15))


def _panel(axes: Any, rows: pd.DataFrame, span: tuple[float, float]) -> None:
    _in_ratios(axes, "x", span)
    axes.axvline(1, color=GREY, linewidth=1)
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    estimate, low, high = (rows[c].to_numpy(float) for c in ("estimate", "low", "high"))
    y = np.arange(len(rows))
    drawn = np.isfinite(low) & ~np.isnan(high)
    axes.hlines(
        y[drawn], np.clip(low[drawn], *span), np.clip(high[drawn], *span), color=DARK_BLUE, linewidth=2
    )
    for end, at, marker in ((low, span[0], "<"), (high, span[1], ">")):
        beyond = ~np.isnan(end) & ((end < at) if marker == "<" else (end > at))
        if beyond.any():
            axes.plot(np.full(beyond.sum(), at), y[beyond], marker, color=DARK_BLUE, markersize=5)
    clear = drawn & ((low > 1) | (high < 1))
    for i in np.flatnonzero(clear & np.isfinite(estimate)):
        place = (float(np.clip(estimate[i], *span)), i)
        axes.annotate(
            f"{estimate[i]:.2f}", place, (0, 5), textcoords="offset points", ha="center", fontsize=9
        )
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
            fontsize=9,
            color=GREY,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )


def _in_ratios(axes: Any, way: str, span: tuple[float, float]) -> None:
    """Give an axis equal steps for equal ratios, with few ticks; ``way`` is ``x`` or ``y``."""
    axes.set(**{f"{way}scale": "log", f"{way}lim": span})
    axis = getattr(axes, f"{way}axis")
    axis.set_major_locator(FixedLocator(_spread(span)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda v, _: f"{v:g}")


def _spread(span: tuple[float, float]) -> list[float]:
    """Choose ticks that do not crowd: at most five, parity among them."""
    inside = [t for t in _TICKS if span[0] <= t <= span[1]]
    chosen = [1.0]
    for tick in sorted(inside, key=lambda t: abs(np.log(t))):
        if all(abs(np.log(tick / c)) > np.log(span[1] / span[0]) / 5 for c in chosen):
            chosen.append(tick)
    return sorted(chosen)


def _steps(axes: Any, rows: pd.DataFrame, span: tuple[float, float], words: Words) -> None:
    rows = rows.sort_values("step")
    after = rows["reached"].to_numpy(float)
    before = np.concatenate([[1.0], after[:-1]])
    _in_ratios(axes, "x", span)
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
    axes.set_title(_short(words.group(rows["group"].iloc[0])), loc="left", fontsize=10.5, fontweight="bold")


def _cell(row: dict) -> str:
    if np.isnan(row["estimate"]):
        return wording.mark(row["note"])
    return wording.number(row["estimate"], row["measure"]) + (
        "*" if row["low"] > 1 or row["high"] < 1 else ""
    )


def _stage(stage: str, words: Words) -> str:
    """Label a stage, and say of one that is good for the child that it is."""
    known = words.stages.get(str(stage))
    good = known is not None and known.polarity == "favourable"
    return _wrapped(words.stage(stage) + (" (favourable)" if good else ""))


def _wrapped(label: str, width: int = 26) -> str:
    """Set a long label on two lines."""
    return "\n".join(textwrap.wrap(label, width, max_lines=2, placeholder="…"))


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


def _shown(figure: Figure, name: str, released: Released, title: str, alt: str, reading: str) -> Shown:
    """Write the figure as SVG that stands in a page beside others, and as a file of its own."""
    if undrawn():
        doing(anew)  # what is shown of it now is not kept
        return Shown("", {}, FACTS)
    plain, title = wording.clean(title), wording.clean(headed(title, released.policy))
    caption = captioned(plain, released.policy)
    out = io.StringIO()
    with _drawing({"svg.hashsalt": f"ysj-{name}", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    drawn = out.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    marks = [f"{mark} {meaning}." for mark, meaning in wording.MARKS.items() if f">{mark}<" in drawn]
    drawn = re.sub("<[^>]*>", lambda tag: _own_ids(tag[0], name), drawn)
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)[0]
    opening = (
        f'<svg role="img" aria-label="{html.escape(wording.clean(alt))}" viewBox="0 0 {width} {height}" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    svg = opening + drawn[drawn.index(">") + 1 :].strip()
    page = (
        f'<figure class="chart" id="figure-{html.escape(name)}">{svg}'
        f"<figcaption>{html.escape(' '.join([f'{caption}.', reading, *marks]))}</figcaption></figure>"
    )
    return Shown(
        page,
        {"name": name, "svg": svg + "\n", "alt": alt, "caption": caption, "policy": released.policy.name},
        FIGURE,
    )


def _own_ids(tag: str, name: str) -> str:
    """Begin every id of a tag with the figure's name: two charts on a page must not share one."""
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", tag)
