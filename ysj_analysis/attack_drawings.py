"""What do the coordinates of a chart give away? Points, bars and whiskers of an SVG read back as numbers.

A drawing keeps six decimals of every coordinate. With two labelled ticks an axis can be read to that
precision, so a chart of a hidden or rounded figure is that figure in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from .attack_facts import number

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"


class Point(NamedTuple):
    """A number read from a chart: in which panel, at which category, how exact, and which end it is."""

    panel: str
    category: str
    end: str
    value: float
    give: float


def points(path: Path) -> list[Point]:
    """Read the marks of a chart drawn by matplotlib, or by anyone who names axes, ticks and marks alike.

    Parameters
    ----------
    path : path
        An SVG with a group ``axes_1`` (and so on) for each panel, in it ``xtick_1`` and ``ytick_1`` groups
        with a text each; marks are ``use`` elements, lines and bars are paths.

    Returns
    -------
    list of Point
        ``estimate`` for a marker or the far end of a bar, ``low`` and ``high`` for the ends of a line.
    """
    found: list[Point] = []
    shared: dict[float, str] = {}
    for axes in _groups(ElementTree.parse(path).getroot(), "axes_"):
        ticks = {side: list(_ticks(axes, side)) for side in "xy"}
        measured = next((s for s in "xy" if sum(number(t) is not None for _, t in ticks[s]) > 1), None)
        if measured is None:
            continue
        across = "y" if measured == "x" else "x"
        named = {round(at, 2): text for at, text in ticks[across] if text}
        shared = named or shared
        scale = _scale([(at, number(t)[0]) for at, t in ticks[measured] if number(t) is not None])
        if scale is not None and shared:
            title = _title(axes)
            found += [p for mark in _marks(axes) for p in _point(title, mark, measured, scale, shared)]
    return found


def _groups(element, name: str) -> Iterator:
    pattern = re.compile(rf"(^|-){re.escape(name)}\d+$")
    return (g for g in element.iter(f"{_SVG}g") if pattern.search(g.get("id", "")))


def _ticks(axes, side: str) -> Iterator[tuple[float, str]]:
    """Give the place and the text of each tick of an axis."""
    for tick in _groups(axes, f"{side}tick_"):
        text = " ".join(" ".join(" ".join(t.itertext()) for t in tick.iter(f"{_SVG}text")).split())
        place = next((u.get(side) for u in tick.iter(f"{_SVG}use")), None)
        if place is None:
            line = next((_corners(p) for p in tick.iter(f"{_SVG}path") if p.get("id") is None), None)
            if line is None:
                continue
            place = line[0]["xy".index(side)]
        yield float(place), text.replace("\N{MINUS SIGN}", "-")


def _title(axes) -> str:
    """Give the last text of a panel that belongs to no tick: its title."""
    ticks = {id(t) for s in "xy" for g in _groups(axes, f"{s}tick_") for t in g.iter(f"{_SVG}text")}
    texts = ["".join(t.itertext()).strip() for t in axes.iter(f"{_SVG}text") if id(t) not in ticks]
    return next((t for t in reversed(texts) if t and number(t) is None and not t.startswith("[")), "")


def _scale(ticks: list[tuple[float, float]]):
    """Fit a line, or a line in the logarithm, through the ticks; None if neither passes through them."""
    if len(ticks) < 2:
        return None
    places, values = np.array(ticks, float).T
    for forth, back in ((np.asarray, np.asarray), (np.log, np.exp)):
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = forth(values)
        if not np.isfinite(seen).all() or np.ptp(places) == 0:
            continue
        slope, start = np.polyfit(places, seen, 1)
        if len(ticks) == 2 and forth is np.asarray and (values > 0).all() and values[0] * values[1] == 1:
            continue  # 0.5 and 2 on either side of parity: a ratio
        if np.abs(slope * places + start - seen).max() <= 1e-4 * np.ptp(seen):
            return lambda at, s=slope, b=start, f=back: float(f(s * at + b))
    return None


def _corners(path) -> list[tuple[float, float]]:
    numbers = [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", path.get("d", ""))]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _marks(axes) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Give the marks of a panel: markers, lines of two points, and bars."""
    for group in axes.findall(f"{_SVG}g"):  # not those within: ticks, and the boxes behind texts
        name = re.sub(r"_\d+$", "", group.get("id", "").rpartition("-")[2])
        if name in ("line2d", "PathCollection"):
            for use in group.findall(f".//{_SVG}use"):
                if use.get(_LINK) and use.get("x"):
                    yield "marker", [(float(use.get("x")), float(use.get("y")))]
        elif name in ("LineCollection", "patch"):
            for path in group.findall(f"{_SVG}path"):
                corners = _corners(path)
                if name == "LineCollection" and len(corners) == 2:
                    yield "line", corners
                elif name == "patch" and len(corners) == 4:
                    yield "bar", corners


def _point(panel: str, mark, measured: str, scale, named: dict[float, str]) -> Iterator[Point]:
    kind, corners = mark
    along, beside = (0, 1) if measured == "x" else (1, 0)
    middle = np.mean([min(c[beside] for c in corners), max(c[beside] for c in corners)])
    nearest = min(named, key=lambda at: abs(at - middle))
    gaps = np.diff(sorted(named))
    if abs(nearest - middle) > (gaps.min() / 2 if len(gaps) else np.inf):
        return
    if kind == "bar" and abs(nearest - middle) > 0.05:
        return  # the frame of the panel, or a label's box
    ends = sorted({c[along] for c in corners}, key=scale)
    wanted = {"marker": [("estimate", ends[-1])], "bar": [("estimate", ends[-1])]}.get(
        kind, [("low", ends[0]), ("high", ends[-1])]
    )
    for end, at in wanted:
        value = scale(at)
        give = max(abs(scale(at + 2e-6) - value), 1e-7 * abs(value)) + 1e-9
        yield Point(panel, named[nearest], end, value, give)
