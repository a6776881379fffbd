"""How do we draw a plan? For each line its ratio year by year, its baseline and its target."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import wording
from .actions import KEY
from .disclosure import Released, require
from .drawing import (
    DARK_BLUE,
    DARK_PINK,
    GREY,
    PALE,
    WIDTH,
    by_group,
    chart,
    in_ratios,
    nothing,
    styled,
    two_lines,
)
from .present import Shown, shows
from .vocabulary import UNKNOWN, period_label
from .wording import Words

_ACROSS = 3


@shows
def plan(ratios: Released, lines: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw the relative rate of each line of the plan over the years, with its interval, baseline and target.

    Parameters
    ----------
    ratios : Released
        Relative rates of several years, as given to ``action_plan.progress``.
    lines : Released
        From ``action_plan.progress``.
    name, title, words
        As for ``figures.relative_rates``.

    Returns
    -------
    Shown
        A panel a line: points with 95% intervals, the baseline's year ringed, the target dashed. A year that
        is hidden has no point. A sentence where no line has a target, or nothing of it can be drawn.
    """
    table, found = require(ratios).table, require(lines).table
    names = [k for k in KEY if k in table and k in found]
    table = table.assign(**{k: table[k].astype(str) for k in names})
    series = [found.loc[[i], names].merge(table, on=names).sort_values("year") for i in found.index]
    drawn = [
        (line, one)
        for line, one in zip(found.to_dict("records"), series, strict=True)
        if one["low"].notna().any()
    ]
    if not drawn:
        return nothing(title)
    values = np.concatenate([one[["estimate", "low", "high"]].to_numpy(float).ravel() for _, one in drawn])
    values = np.append(values[np.isfinite(values) & (values > 0)], [line["target"] for line, _ in drawn])
    span = max(0.1, min(0.8, values.min() * 0.85)), min(40.0, max(1.5, values.max() * 1.15))
    across = min(_ACROSS, len(drawn))
    down = math.ceil(len(drawn) / across)
    with styled():
        figure = Figure(figsize=(WIDTH, 2.7 * down + 0.5), layout="constrained")
        panels = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
        for panel, (line, one) in zip(panels, drawn, strict=False):
            _panel(panel, line, one, span, words)
        for panel in panels[len(drawn) :]:
            panel.set_visible(False)
        figure.supylabel("Relative rate, log scale", fontsize=10)
    reading = (
        "A point is the relative rate of a year and its bar the 95% interval; the ringed point is the baseline, the "
        "dashed line the target, and the line at 1 parity."
    )
    pooled = int(table["years"].max()) if "years" in table else 1
    if pooled > 1:
        reading += f" Each point pools the {pooled} years up to it, so neighbouring points share children."
    return chart(figure, name, ratios, title, _alt(drawn, title, words), reading)


@shows
def control(series: Released, *, name: str, title: str, words: Words) -> Shown:
    """Draw control charts: each group's own rate over the years, its mean and the limits of chance around it.

    Parameters
    ----------
    series : Released
        From ``monitor.control_chart``, of one stage.
    name, title, words
        As for ``figures.relative_rates``.

    Returns
    -------
    Shown
        A panel a group: points for years, filled where there is a signal; the mean, the band of 95% and the lines
        of 99.8%. A hidden year has no point. A sentence where nothing can be drawn.
    """
    table = require(series).table
    table = (
        table[~table["group"].astype(str).eq(UNKNOWN)]
        .astype({"group": str})
        .sort_values("year", kind="stable")
    )
    table = table[table.groupby("group")["estimate"].transform("count") > 0]
    if table.empty:
        return nothing(title)
    groups = list(dict.fromkeys(table["group"]))
    across = min(_ACROSS, len(groups))
    down = math.ceil(len(groups) / across)
    with styled():
        figure = Figure(figsize=(WIDTH, 2.4 * down + 0.5), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for panel, group in zip(panels, groups, strict=False):
            _years(panel, table[table["group"] == group], words)
            panel.set_title(words.group(group)[:16], loc="left", fontsize=10.5, fontweight="bold")
        for panel in panels[len(groups) :]:
            panel.set_visible(False)
        share = "_per_" not in str(table["measure"].iloc[0])
        figure.supylabel("Share" if share else "Rate per 1,000 child-years", fontsize=10)
    reading = (
        "A point is a year. The line is the mean of the years and the band what chance gives around it in 95 of 100; a "
        "filled point lies outside 99.8%, or ends a run of years on one side. Each panel has a scale of its own."
    )
    return chart(figure, name, series, title, _control_alt(table, title, words), reading)


def _years(axes, one: pd.DataFrame, words: Words) -> None:
    names = ("year", "estimate", "centre", "lower_95", "upper_95", "lower_998", "upper_998")
    year, estimate, centre, low, high, least, most = (one[c].to_numpy(float) for c in names)
    axes.fill_between(year, low, high, color=PALE, step="mid", linewidth=0)
    for limit in (least, most):
        axes.step(year, limit, where="mid", color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.step(year, centre, where="mid", color=GREY, linewidth=1.2)
    shown, odd = ~np.isnan(estimate), one["signal"].ne("").to_numpy()
    axes.plot(year, estimate, "-", color=DARK_BLUE, linewidth=1)
    for chosen, face in ((shown & ~odd, "white"), (shown & odd, DARK_BLUE)):
        axes.plot(year[chosen], estimate[chosen], "o", markersize=6, mfc=face, mec=DARK_BLUE)
    axes.set_ylim(bottom=0)
    if "_per_" not in str(one["measure"].iloc[0]):
        axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
    ticks = [int(year.min()), int(year.max())]
    axes.set_xticks(ticks, [period_label(t, 1, words.period) for t in ticks], fontsize=8)


def _control_alt(table: pd.DataFrame, title: str, words: Words) -> str:
    scale, sign = (1, "") if "_per_" in str(table["measure"].iloc[0]) else (100, "%")

    def said(r: dict) -> str:
        if np.isnan(r["estimate"]):
            return ""
        signal = f" ({r['signal']})" if r["signal"] else ""
        return f"{period_label(int(r['year']), 1, words.period)} {scale * r['estimate']:.1f}{sign}{signal}"

    def mean(rows: pd.DataFrame) -> str:
        centre = rows["centre"].dropna()
        return f", mean {scale * centre.iloc[-1]:.1f}{sign}" if len(centre) else ""

    return by_group(table, title, words, said, beside=mean)


def _panel(axes, line: dict, one: pd.DataFrame, span, words: Words) -> None:
    year, estimate, low, high = (one[c].to_numpy(float) for c in ("year", "estimate", "low", "high"))
    in_ratios(axes, "y", span)
    axes.axhline(1, color=GREY, linewidth=1)
    axes.axhline(line["target"], color=DARK_PINK, linewidth=1.5, linestyle=(0, (5, 3)))
    shown = np.isfinite(estimate) & np.isfinite(low)
    axes.vlines(
        year[shown], np.clip(low[shown], *span), np.clip(high[shown], *span), color=DARK_BLUE, linewidth=2
    )
    axes.plot(year[shown], estimate[shown], "o", color=DARK_BLUE, markersize=6)
    for at, note in zip(year[~shown], one["note"].astype(str).to_numpy()[~shown], strict=True):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.text(at, 1, wording.mark(note), ha="center", va="center", fontsize=9, color=GREY, bbox=box)
    axes.annotate(
        f"target {line['target']:.2f}",
        (year.min() - 0.5, line["target"]),
        (0, 3),
        textcoords="offset points",
        fontsize=8.5,
        color=DARK_PINK,
    )
    began = shown & (year == line["baseline_year"])
    axes.plot(
        year[began], estimate[began], "o", markersize=12, markerfacecolor="none", markeredgecolor=DARK_BLUE
    )
    ticks = sorted({int(year.min()), int(line["baseline_year"]), int(year.max())})
    axes.set_xticks(ticks, [period_label(t, 1, words.period) for t in ticks], fontsize=8)
    axes.set_xlim(year.min() - 0.6, year.max() + 0.6)
    who = words.people(line["group"], "children")
    axes.set_title(
        two_lines(f"{who}: {wording.lower(words.stage(line['stage']))}", 30),
        loc="left",
        fontsize=9.5,
        fontweight="bold",
    )


def _alt(drawn, title: str, words: Words) -> str:
    parts = []
    for line, one in drawn:
        said = [
            f"{period_label(int(r['year']), 1, words.period)} {r['estimate']:.2f} "
            f"({wording.interval(r['low'], r['high'], 'risk_ratio')})"
            for r in one.to_dict("records")
            if np.isfinite(r["low"])
        ]
        parts.append(
            f"{words.people(line['group'], 'children')}, {wording.lower(words.stage(line['stage']))}, target "
            f"{line['target']:.2f}: {'; '.join(said)}."
        )
    return f"{title}. {' '.join(parts)}"
