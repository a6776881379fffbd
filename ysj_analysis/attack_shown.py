"""What do sentences, charts and the manifest of a report say beyond its tables?

Each number said, drawn or coloured is looked up among those printed. One that is not there is named, and is
a fact of a count or a figure where its place tells which.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np

from .attack_claims import Claim
from .attack_drawings import Point, Shade
from .attack_facts import Cell, Count, number
from .attack_said import Printed, Said, said


class Beside:
    """Gathers what a report shows beside its tables, once these are read.

    Attributes
    ----------
    counts, claims
        Facts found.
    labels : dict
        Stages and groups, by what a page calls them.
    drawable : dict
        The relative rate of each stage and group.
    pairs : dict
        The two cells of each stage and group.
    printed : Printed
        Every number of the tables.
    finer : list of str
        What no table prints.
    repeated : int
        How many numbers a table does print.
    """

    def __init__(self, name: str):
        self.name = name
        self.counts: dict[tuple, Count] = {}
        self.claims: list[Claim] = []
        self.labels: dict[str, str] = {}
        self.drawable: dict[tuple, Claim] = {}
        self.decided: set[str] = set()
        self.groups: set[str] = set()
        self.pairs: dict[tuple[str, str], tuple[Cell, Cell]] = {}
        self.printed = Printed([])
        self.finer: list[str] = []
        self.repeated = 0

    def take_words(self, where: str, texts: list[str]) -> None:
        """Keep the numbers of sentences, labels and alt texts that no table prints."""
        known = {label: g for label, g in self.labels.items() if g in self.groups}
        for one in said(texts, known | {g: g for g in self.groups}):
            if self.printed.has(one):
                self.repeated += 1
                continue
            self.finer.append(f"{self.name}/{where}: {one.shown}, in: {one.clause[:120]}")
            self._fact(where, one)

    def _fact(self, where: str, one: Said) -> None:
        """Take a number of a clause that names one group and one stage for that count, or figure of it."""
        pair = self.pairs.get((one.stage, one.group))
        if pair is None:
            return
        source = f"{self.name}/{where}, in: {one.clause[:80]}"
        give = 0.5 * 10.0**-one.decimals
        if one.kind == "count":
            base = re.search(rf"(?:of|in) {re.escape(one.shown)}", one.clause) is not None
            self.counts[pair[base], source] = Count(
                pair[base], int(one.value), int(one.value), one.shown, source
            )
        elif one.kind == "share":
            hidden = (np.nan, np.nan)
            self.claims.append(
                Claim(
                    source, "proportion", "estimate", "", pair, hidden, 100.0, one.value, give, 0, 1, source
                )
            )
        elif one.kind == "ratio":
            key = (one.stage, one.group, one.stage in self.decided, "estimate")
            if claim := self.drawable.get(key):
                self.claims.append(claim._replace(column=source, value=one.value, give=give, source=source))

    def take_drawing(self, where: str, drawn: list[Point]) -> None:
        """Read points back from a chart, and keep those that are not what a table prints, in full."""
        matched = [(p, self._claimed(p.category, p.panel, p.end)) for p in drawn]
        fits = [claim is not None and _same(point, claim.value) for point, claim in matched]
        ratios = sum(fits) > len(fits) / 2  # a chart of relative rates, and not of what they multiply to
        for (point, claim), fit in zip(matched, fits, strict=True):
            tables = claim is None or not ratios
            if fit or (tables and self.printed.near(point.value, point.give + 1e-4 * abs(point.value))):
                self.repeated += 1
                continue
            source = f"{self.name}/{where}, {point.panel}, {point.category}"
            self.finer.append(f"{source}: {point.value:.6g}")
            if ratios and claim is not None:
                column = f"{self.name}/{where} {point.end}"
                self.claims.append(
                    claim._replace(column=column, value=point.value, give=point.give, source=source)
                )

    def take_colours(self, where: str, cells_drawn: list[Shade]) -> None:
        """Read colours as numbers: cells that print the same, or print no number, must look the same.

        Rows marked favourable have a scale of their own.
        """
        read = [(s, number(s.text)) for s in cells_drawn]
        marks = Counter(shade.colour for shade, value in read if value is None)
        blank = max(marks, key=marks.__getitem__, default=None)
        scale: dict[tuple, set] = defaultdict(set)
        for shade, value in read:
            if value is not None:
                scale[_turned(shade), value[0]].add(shade.colour)
        for shade, value in read:
            turned = _turned(shade)
            several = value is not None and len(scale[turned, value[0]]) > 1
            if not several and (value is not None or shade.colour == blank):
                self.repeated += 1
                continue
            others = [v for t, v in scale if t == turned and (value is None or v != value[0])]
            source = f"{self.name}/{where}, {shade.row}, {shade.column}, by its colour"
            between = _between(shade.colour, {v: min(scale[turned, v]) for v in others})
            self.finer.append(f"{source}: {between[0]:.4g} to {between[1]:.4g}")
            claim = self._claimed(shade.row, shade.column, "estimate")
            if claim is not None and np.isfinite(between).all():
                middle, give = sum(between) / 2, (between[1] - between[0]) / 2
                self.claims.append(claim._replace(column=source, value=middle, give=give, source=source))

    def _claimed(self, category: str, panel: str, end: str) -> Claim | None:
        """Find the relative rate that a mark of a chart stands for."""
        stage, group = self.labels.get(_plain(category), ""), self.labels.get(panel, panel)
        return self.drawable.get((stage, group, stage in self.decided, end))

    def take_manifest(self, told: dict) -> None:
        """Keep the counts of the manifest that no table prints."""
        for line in told.get("ledger", []):
            for name in ("removed", "left"):
                found = number(str(line.get(name, "")))
                if found and not self.printed.near(found[0], 0.0, self.printed.counts):
                    self.finer.append(
                        f"{self.name}/manifest.json: {line[name]} {name}, {line.get('what', '')}"
                    )


def _same(point: Point, value: float) -> bool:
    return abs(point.value - value) <= point.give + 1e-4 * abs(value)


_FAVOURABLE = " (favourable)"


def _plain(category: str) -> str:
    return category.removesuffix(_FAVOURABLE)


def _turned(shade: Shade) -> bool:
    """Say whether a row is coloured the other way round."""
    return shade.row.endswith(_FAVOURABLE)


def _between(colour: tuple, scale: dict[float, tuple]) -> tuple[float, float]:
    """Give the two printed numbers between which a colour lies on the scale of those printed."""
    if not scale:
        return np.nan, np.nan
    values = np.array(sorted(scale))
    seen = np.array([scale[v] for v in values], float)
    away = np.abs(seen - np.array(colour, float)).sum(axis=1)
    nearest = int(np.argmin(away))
    return values[max(nearest - 1, 0)], values[min(nearest + 1, len(values) - 1)]
