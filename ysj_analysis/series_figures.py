"""How do we draw areas beside each other, and years under the line that pools them?

Both are drawn from printed numbers alone: an area or a year that is hidden has no point, and is named with its mark.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import wording
from .disclosure import DisclosureError, Released, require
from .drawing import (
    DARK_BLUE,
    GREY,
    PALE,
    WIDTH,
    by_group,
    chart,
    in_ratios,
    largest_first,
    nothing,
    short_name,
    span_of,
    styled,
    with_interval,
)
from .present import Shown, shows
from .references import comparisons
from .vocabulary import UNKNOWN, period_label
from .wording import Words

_ACROSS = 2
_NAMED = 20
"""Of more areas than these, only those out of the ordinary have names in a funnel: others would cover them."""


@shows
def funnel(placed: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw each area's rate by its size, with the limits within which chance alone would hold it.

    Parameters
    ----------
    placed : Released
        From ``cross_borough.against_all``: one stage, a row for each area and group.
    name, title, words
        As for ``figures.relative_rates``.

    Returns
    -------
    Shown
        A panel a group, areas as named points: filled where the area's own interval leaves the rate of all areas out.
        No order of merit is drawn. A sentence where nothing can be.
    """
    table = require(placed).table
    table = table[~table["group"].astype(str).eq(UNKNOWN)].astype({"group": str, "area": str})
    drawn = table[table["estimate"].notna() & table["target"].notna() & table["denominator"].gt(0)]
    if drawn.empty:
        return nothing(title)
    groups = list(dict.fromkeys(drawn["group"]))
    with styled():
        figure, panels = _panels(len(groups), 2.9)
        for panel, group in zip(panels, groups, strict=False):
            _areas(panel, drawn[drawn["group"] == group].sort_values("denominator", kind="stable"))
            panel.set_title(short_name(words.group(group)), loc="left", fontsize=10.5, fontweight="bold")
        share = "_per_" not in str(drawn["measure"].iloc[0])
        figure.supylabel("Share" if share else "Rate per 1,000", fontsize=10)
        figure.supxlabel("Out of how many", fontsize=10)
    reading = (
        "A point is an area. The line is the rate of all areas together, the band what chance gives around it in 95 of "
        "100 and the dashed lines in 998 of 1,000, for an area of that size. A filled point is one whose own interval "
        "leaves the line out. Each panel has scales of its own."
    )
    if drawn["area"].nunique() > _NAMED:
        reading += " Filled points are named."
    return chart(figure, name, placed, title, _funnel_alt(table, title, words), reading)


@shows
def trend(pooled: Released, single: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw relative rates over time: single years under the line that pools several.

    Parameters
    ----------
    pooled : Released
        Relative rates of one stage, each row of a window of years that ends with its ``year``.
    single : Released
        The same of single years.
    name, title, words
        As for ``figures.relative_rates``.

    Returns
    -------
    Shown
        A panel a group: the pooled line with its band, single years as points with their intervals, parity. A year
        that is hidden has its mark at the foot. A sentence where nothing can be drawn.

    Raises
    ------
    DisclosureError
        If the two were released by different policies.
    """
    if require(pooled).policy != require(single).policy:
        raise DisclosureError(
            f"{name}: 2 tables printed by 2 rules ({pooled.policy.name}, {single.policy.name}) cannot stand in one "
            "chart. Release them both by one policy."
        )
    long = comparisons(pooled.table).astype({"group": str, "stage": str})
    short = comparisons(single.table).astype({"group": str, "stage": str})
    known = pd.concat([long, short])
    known = known[known["estimate"].notna()]
    if known.empty:
        return nothing(title)
    groups, span = largest_first(known), span_of(known)
    with styled():
        figure, panels = _panels(len(groups), 2.6)
        for panel, group in zip(panels, groups, strict=False):
            _years(panel, long[long["group"] == group], short[short["group"] == group], span, words)
            panel.set_title(short_name(words.group(group)), loc="left", fontsize=10.5, fontweight="bold")
        reference = words.people(short_name(known["reference"].iloc[0]), known["unit"].iloc[0])
        figure.supylabel(f"Rate relative to {reference}, log scale", fontsize=10)
    years = int(long["years"].max()) if len(long) else 1
    reading = (
        f"The line pools {years} years up to each year, and its band is the 95% interval; neighbouring values of the "
        "line share children. A point is a single year and its bar the 95% interval. The line at 1 is parity."
    )
    return chart(figure, name, pooled, title, _trend_alt(long, short, title, words), reading)


def _panels(count: int, height: float) -> tuple[Figure, np.ndarray]:
    """Lay panels out two across, those that are not needed hidden."""
    across = min(_ACROSS, count)
    down = math.ceil(count / across)
    figure = Figure(figsize=(WIDTH, height * down + 0.5), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel in panels[count:]:
        panel.set_visible(False)
    return figure, panels


def _areas(axes, rows: pd.DataFrame) -> None:
    names = ("denominator", "estimate", "target", "lower_95", "upper_95", "lower_998", "upper_998")
    size, estimate, target, low, high, least, most = (rows[c].to_numpy(float) for c in names)
    axes.fill_between(size, low, high, facecolor=PALE, edgecolor=GREY, linewidth=0.6)
    for limit in (least, most):
        axes.plot(size, limit, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.plot(size, target, color=GREY, linewidth=1.2)
    out = rows["place"].isin(["above", "below"]).to_numpy()
    for chosen, face in ((~out, "white"), (out, DARK_BLUE)):
        axes.plot(size[chosen], estimate[chosen], "o", markersize=6, mfc=face, mec=DARK_BLUE)
    named = out if len(rows) > _NAMED else np.ones(len(rows), bool)
    for at, value, area in zip(size[named], estimate[named], rows["area"][named], strict=True):
        axes.annotate(
            short_name(wording.clean(area)),
            (at, value),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
        )
    axes.margins(x=0.18, y=0.18)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    axes.locator_params(axis="x", nbins=4)
    if "_per_" not in str(rows["measure"].iloc[0]):
        axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")


def _years(axes, long: pd.DataFrame, short: pd.DataFrame, span: tuple[float, float], words: Words) -> None:
    in_ratios(axes, "y", span)
    axes.axhline(1, color=GREY, linewidth=1)
    year, middle, low, high = _ordered(long, span)
    axes.fill_between(year, low, high, facecolor=PALE, edgecolor=DARK_BLUE, linewidth=0.6)
    axes.plot(year, middle, "-", color=DARK_BLUE, linewidth=2)
    year, middle, low, high = _ordered(short, span)
    axes.vlines(year, low, high, color=GREY, linewidth=1)
    axes.plot(year, middle, "o", markersize=5, mfc="white", mec=GREY, linestyle="none")
    for row in short[short["estimate"].isna()].to_dict("records"):
        foot = (row["year"], span[0])
        mark = wording.mark(str(row["note"]))
        axes.annotate(mark, foot, (0, 3), textcoords="offset points", ha="center", fontsize=8.5, color=GREY)
    every = sorted({*long["year"], *short["year"]})
    axes.set_xticks(every, [period_label(int(y), 1, words.period) for y in every], fontsize=8)
    if len(every) > 4:
        axes.set_xticks([every[0], every[-1]])
        axes.set_xticklabels(
            [period_label(int(y), 1, words.period) for y in (every[0], every[-1])], fontsize=8
        )
    axes.margins(x=0.1)


def _ordered(rows: pd.DataFrame, span: tuple[float, float]) -> list[np.ndarray]:
    rows = rows.sort_values("year", kind="stable")
    year = rows["year"].to_numpy(float)
    return [year, *(np.clip(rows[c].to_numpy(float), *span) for c in ("estimate", "low", "high"))]


def _funnel_alt(table: pd.DataFrame, title: str, words: Words) -> str:
    def said(r: dict) -> str:
        outside = f", {r['place']}" if r["place"] in ("above", "below") else ""
        return f"{wording.clean(r['area'])} {with_interval(r)}{outside}"

    def all_areas(rows: pd.DataFrame) -> str:
        target = rows["target"].dropna()
        of = rows["measure"].iloc[0]
        return f", all areas {wording.number(target.iloc[0], of)}" if len(target) else ""

    return by_group(table, title, words, said, beside=all_areas)


def _trend_alt(long: pd.DataFrame, short: pd.DataFrame, title: str, words: Words) -> str:
    every = pd.concat([long, short]).sort_values(["years", "year"], ascending=[False, True], kind="stable")
    return by_group(every, title, words, lambda r: f"{words.when(r)} {with_interval(r)}")
