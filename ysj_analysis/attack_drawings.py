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
_OFF = 6.0
"""How far the middle of a bar may be from its label: where no tick is drawn, the label's foot is taken."""


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
    panels = [
        (axes, {side: list(_ticks(axes, side)) for side in "xy"})
        for axes in _groups(ElementTree.parse(path).getroot(), "axes_")
    ]
    written = [(side, ticks[side]) for _, ticks in panels for side in "xy" if _numbers(ticks[side]) > 1]
    for axes, ticks in panels:
        own = [(side, ticks[side]) for side in "xy" if _numbers(ticks[side]) > 1]
        # Panels that share an axis write its numbers once; the ticks are at the same places.
        same = [(s, t) for s, t in written if [at for at, _ in t] == [at for at, _ in ticks[s]]]
        measured, numbered = (own or same or [("", [])])[0]
        if not measured:
            continue
        across = "y" if measured == "x" else "x"
        named = {round(at, 2): text for at, text in ticks[across] if text}
        shared = named or shared
        scale = _scale([(at, read[0]) for at, t in numbered if (read := number(t)) is not None])
        if scale is not None and shared:
            title = _title(axes)
            found += [p for mark in _marks(axes) for p in _point(title, mark, measured, scale, shared)]
    return found


def _numbers(ticks: list[tuple[float, str]]) -> int:
    return sum(number(text) is not None for _, text in ticks)


class Shade(NamedTuple):
    """A coloured cell of a matrix: its panel, row and column, its colour and the text in it."""

    panel: str
    row: str
    column: str
    colour: tuple[int, ...]
    text: str


def shades(path: Path) -> list[Shade]:
    """Read the cells of a coloured matrix, and what is written in each.

    Parameters
    ----------
    path : path
        An SVG as for :func:`points`, with the names of rows and columns at the ticks.

    Returns
    -------
    list of Shade
        Empty for a chart that has no cells in rows and columns.
    """
    found: list[Shade] = []
    for axes in _groups(ElementTree.parse(path).getroot(), "axes_"):
        columns, rows = ({round(at, 1): t for at, t in _ticks(axes, s) if t} for s in "xy")
        if len(columns) < 2 or len(rows) < 2:
            continue
        texts = [(float(t.get("x")), float(t.get("y")), "".join(t.itertext())) for t in _written(axes)]
        title = _title(axes)
        for corners, colour in _filled(axes):
            (left, right), (top, foot) = ((min(v), max(v)) for v in zip(*corners, strict=True))
            column = [t for at, t in columns.items() if left < at < right]
            row = [t for at, t in rows.items() if top < at < foot]
            if len(column) == 1 and len(row) == 1:
                inside = [t for x, y, t in texts if left < x < right and top < y < foot]
                found.append(Shade(title, row[0], column[0], colour, " ".join(inside)))
    return found


def _place(text) -> tuple[float, float]:
    if text.get("x") is not None:
        return float(text.get("x")), float(text.get("y"))
    found = re.match(r"translate\((-?[\d.]+) (-?[\d.]+)\)", text.get("transform", ""))
    return (float(found[1]), float(found[2])) if found else (np.nan, np.nan)


def _written(axes) -> Iterator:
    ticks = {id(t) for s in "xy" for g in _groups(axes, f"{s}tick_") for t in g.iter(f"{_SVG}text")}
    return (t for t in axes.iter(f"{_SVG}text") if id(t) not in ticks and t.get("x") is not None)


def _filled(axes) -> Iterator[tuple[list[tuple[float, float]], tuple[int, ...]]]:
    for group in axes.findall(f"{_SVG}g"):
        for path in group.findall(f"{_SVG}path"):
            found = re.search(r"fill: #([0-9a-f]{6})", path.get("style", ""))
            corners = _corners(path)
            if found and len(corners) in (4, 5):
                yield corners, tuple(bytes.fromhex(found[1]))


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
            label = [_place(t)["xy".index(side)] for t in tick.iter(f"{_SVG}text")]
            if line is None and not label:
                continue
            place = np.mean(label) if line is None else line[0]["xy".index(side)]
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
                elif name == "patch" and len(corners) == 4 and "fill: #ffffff" not in path.get("style", ""):
                    yield "bar", corners


def _point(panel: str, mark, measured: str, scale, named: dict[float, str]) -> Iterator[Point]:
    kind, corners = mark
    along, beside = (0, 1) if measured == "x" else (1, 0)
    middle = np.mean([min(c[beside] for c in corners), max(c[beside] for c in corners)])
    nearest = min(named, key=lambda at: abs(at - middle))
    gaps = np.diff(sorted(named))
    if abs(nearest - middle) > (gaps.min() / 2 if len(gaps) else np.inf):
        return
    if kind == "bar" and abs(nearest - middle) > _OFF:
        return
    ends = sorted({c[along] for c in corners}, key=scale)
    wanted = [("low", ends[0]), ("high", ends[-1])]
    if kind != "line":  # a bar ends at its third corner: it may run either way from where it starts
        wanted = [("estimate", ends[-1] if kind == "marker" else corners[2][along])]
    for end, at in wanted:
        value = scale(at)
        give = max(abs(scale(at + 2e-6) - value), 1e-7 * abs(value)) + 1e-9
        yield Point(panel, named[nearest], end, value, give)
