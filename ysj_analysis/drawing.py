"""What do all our charts share? The style, the colours, an axis of ratios, and how one becomes part of a page.

Colours are the Government Analysis Function's; none of them carries meaning alone. Charts are SVG with real
text, the same bytes for the same numbers.
"""

from __future__ import annotations

import contextlib
import html
import io
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from . import wording
from .audit_hidden import undrawn
from .disclosure import Released
from .once import anew, doing
from .present import FACTS, Shown, captioned, headed, text
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


@contextlib.contextmanager
def styled(more: Mapping = MappingProxyType({})) -> Iterator[None]:
    """Draw in our style; a browser has the letters that matplotlib's own font lacks."""
    with mpl.rc_context(cast(Any, {**_STYLE, **more})), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def chart(figure: Figure, name: str, released: Released, title: str, alt: str, reading: str) -> Shown:
    """Write the figure as SVG that stands in a page beside others, and as a file of its own."""
    if undrawn():
        doing(anew)  # what is shown of it now is not kept
        return Shown("", {}, FACTS)
    plain, title = wording.clean(title), wording.clean(headed(title, released.policy))
    caption = captioned(plain, released.policy)
    out = io.StringIO()
    with styled({"svg.hashsalt": f"ysj-{name}", "svg.fonttype": "none"}):
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


def by_group(
    table: pd.DataFrame,
    title: str,
    words: Words,
    say: Callable[[dict], str],
    *,
    beside: Callable[[pd.DataFrame], str] = lambda rows: "",
) -> str:
    """Write an alternative text: the title, then for each group what is said of each of its rows."""
    parts = [
        f"{words.group(group)}{beside(rows)}: {'; '.join(filter(None, map(say, rows.to_dict('records'))))}."
        for group, rows in table.groupby(table["group"].astype(str), sort=False)
    ]
    return f"{title}. {' '.join(parts)}"


def with_interval(row: dict) -> str:
    """Write a number with its interval, or the mark in its place."""
    interval = (
        f" ({wording.interval(row['low'], row['high'], row['measure'])})" if np.isfinite(row["low"]) else ""
    )
    return wording.number(row["estimate"], row["measure"], row["note"]) + interval


def nothing(title: str) -> Shown:
    """Say that there is nothing to draw, in place of an empty chart."""
    why = "there are too few children to compare, or nothing is known of what they are out of"
    return text(Said(f"{title}: nothing can be drawn, because {why}."), kind="note")


def largest_first(table: pd.DataFrame) -> list[str]:
    """Sort the groups by the relative rate furthest above parity, as printed; those with none come last."""
    highest = table.groupby("group", sort=False)["estimate"].max().astype(float)
    return list(highest.sort_values(ascending=False, kind="stable", na_position="last").index)


def span_of(table: pd.DataFrame) -> tuple[float, float]:
    """Choose the ends of an axis of ratios: all that is printed, parity well inside, at most 0.1 to 40."""
    shown = table[["estimate", "low", "high"]].to_numpy(float)
    shown = shown[np.isfinite(shown) & (shown > 0)]
    if not shown.size:
        return 0.5, 2.0
    return min(0.5, max(0.1, shown.min() * 0.85)), max(2.0, min(40.0, shown.max() * 1.15))


def in_ratios(axes: Any, way: str, span: tuple[float, float]) -> None:
    """Give an axis equal steps for equal ratios, with few ticks; ``way`` is ``x`` or ``y``."""
    axes.set(**{f"{way}scale": "log", f"{way}lim": span})
    axis = getattr(axes, f"{way}axis")
    axis.set_major_locator(FixedLocator(_spread(span)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda v, _: f"{v:g}")


def ratio_panel(axes: Any, rows: pd.DataFrame, span: tuple[float, float]) -> None:
    """Draw ratios as points with intervals, a row a line, against parity; a hidden one is its mark."""
    in_ratios(axes, "x", span)
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


def two_lines(label: str, width: int = 26) -> str:
    """Set a long label on two lines."""
    return "\n".join(textwrap.wrap(label, width, max_lines=2, placeholder="…"))


def short_name(group: str) -> str:
    """Cut a name that is too long for the head of a panel."""
    return str(group) if len(str(group)) <= 16 else str(group)[:15] + "…"


def _spread(span: tuple[float, float]) -> list[float]:
    """Choose ticks that do not crowd: at most five, parity among them."""
    inside = [t for t in _TICKS if span[0] <= t <= span[1]]
    chosen = [1.0]
    for tick in sorted(inside, key=lambda t: abs(np.log(t))):
        if all(abs(np.log(tick / c)) > np.log(span[1] / span[0]) / 5 for c in chosen):
            chosen.append(tick)
    return sorted(chosen)


def _own_ids(tag: str, name: str) -> str:
    """Begin every id of a tag with the figure's name: two charts on a page must not share one."""
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", tag)
