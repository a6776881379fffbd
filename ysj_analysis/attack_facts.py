"""What has been printed? The words in which every file is retold to the intruder.

A :class:`Cell` is a number of children (or episodes) that exists, printed or not. A :class:`Count` says
between which two whole numbers a cell lies; a :class:`Figure` says between which two values something
computed from cells lies. A :class:`Release` is all that is known, from any number of files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

ALL = "(all)"
"""The value of a dimension in which a cell is a total."""

MOST = 10_000_000
"""No count is larger."""

PERSON_UNITS = ("children", "cases")
"""Units that are counted once in a window, however often they return."""


class Cell(NamedTuple):
    """A number that exists, whether or not anyone printed it.

    Attributes
    ----------
    what : str
        What is counted: ``custody`` of stage, ``custody of sentenced``.
    unit : str
        ``children``, ``episodes`` or another.
    dims : tuple of (str, str)
        Dimension and value, in the order of their names; ``(all)`` is a total.
    window : tuple of int or None
        First and last period counted together; None where there is no time.
    """

    what: str
    unit: str
    dims: tuple[tuple[str, str], ...]
    window: tuple[int, int] | None = None

    def at(self, **values: str) -> Cell:
        """Give the cell with other values in some dimensions."""
        return self._replace(dims=tuple(sorted((dict(self.dims) | values).items())))

    def value(self, dimension: str) -> str:
        """Give the value of a dimension, a total where it has none."""
        return dict(self.dims).get(dimension, ALL)

    def __str__(self) -> str:
        when = "" if self.window is None else ", " + "-".join(str(y) for y in dict.fromkeys(self.window))
        where = ", ".join(v if v != ALL else f"any {d}" for d, v in self.dims)
        return f"{self.what} ({self.unit}): {where}{when}"


class Count(NamedTuple):
    """A cell lies between two whole numbers, because of what is printed at ``source``.

    A ``mark`` is believed to stand for a count up to ``high`` only as long as nothing contradicts it: the
    kit hides further counts behind the same ``[c]``.
    """

    cell: Cell
    low: int
    high: int
    shown: str
    source: str
    mark: bool = False


class Figure(NamedTuple):
    """Something computed from cells lies between two values.

    ``cells`` are the count, its base and those of the reference; ``kind``, ``end`` and ``method`` name
    the arithmetic in ``attack_arithmetic``; ``end`` is ``estimate``, ``low`` or ``high``.
    """

    kind: str
    end: str
    method: str
    cells: tuple[Cell, ...]
    per: float
    low: float
    high: float
    shown: str
    source: str


class Sum(NamedTuple):
    """A total and its parts. ``exact`` parts add to it; others may overlap (a child in two boroughs)."""

    total: Cell
    parts: tuple[Cell, ...]
    exact: bool
    why: str


@dataclass
class Release:
    """All that is known.

    Attributes
    ----------
    counts, figures, sums : list
        What is printed, and how cells add.
    within : set of (Cell, Cell)
        The first cell counts some of those of the second.
    bases : set of Cell
        Cells that count no one at a stage (a population), and are not under attack.
    small : int
        A true count from 1 to this could point to a child.
    unread : list of str
        What was seen and not used, in words.
    finer : list of str
        Numbers said, drawn or coloured that no table prints, in words; a fact too where the cell is known.
    recomputed : int
        How many figures are what the numbers printed beside them give, and so say nothing more.
    """

    counts: list[Count] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    within: set[tuple[Cell, Cell]] = field(default_factory=set)
    bases: set[Cell] = field(default_factory=set)
    small: int = 7
    unread: list[str] = field(default_factory=list)
    finer: list[str] = field(default_factory=list)
    recomputed: int = 0

    def add(self, other: Release) -> None:
        """Take in what another file says."""
        self.counts += other.counts
        self.figures += other.figures
        self.sums += other.sums
        self.within |= other.within
        self.bases |= other.bases
        self.small = max(self.small, other.small)
        self.unread += other.unread
        self.finer += other.finer
        self.recomputed += other.recomputed


@dataclass(frozen=True)
class Rule:
    """How counts were printed: rounded to what, hidden below what, and what each mark stands for.

    Examples
    --------
    >>> rule = Rule(round_to=5, hidden_below=8)
    >>> rule.range_of("10"), rule.range_of("[c]"), rule.range_of("1,205"), rule.range_of("12 to 17")
    ((8, 12), (0, 7), (1203, 1207), (12, 17))
    """

    round_to: int = 1
    hidden_below: int = 0
    marks: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def range_of(self, text: str) -> tuple[int, int] | None:
        """Give the smallest and largest true count behind a printed one; None if it says nothing."""
        text = text.strip()
        if text in self.marks:
            return self.marks[text]
        if text == "[c]":
            return (0, self.hidden_below - 1) if self.hidden_below else None
        plain = text.replace(",", "")
        if re.fullmatch(r"\d+(\.0+)?", plain):
            return self._around(int(float(plain)))
        if found := re.fullmatch(r"(\d+)\s*(?:to|-|\N{EN DASH})\s*(\d+)", plain):
            return int(found[1]), int(found[2])
        if found := re.fullmatch(
            r"(\d+)\s*(?:\+|or more)|(?:>=|\N{GREATER-THAN OR EQUAL TO})\s*(\d+)", plain
        ):
            return int(found[1] or found[2]), MOST
        if found := re.fullmatch(r"(?:<|fewer than|under|less than)\s*(\d+)", plain, re.IGNORECASE):
            return 0, int(found[1]) - 1
        return None

    def _around(self, value: int) -> tuple[int, int]:
        half = self.round_to // 2
        if value % self.round_to or value + half < self.hidden_below:
            return value, value  # not printed by the rule: it says what it is
        return max(value - half, self.hidden_below if value else 0, 0), value + half


def number(text: str) -> tuple[float, int] | None:
    """Read a printed figure and its decimals; None if there is no number.

    Examples
    --------
    >>> number("45.20%"), number("-0.3 points"), number("1,200"), number("[c]")
    ((45.2, 2), (-0.3, 1), (1200.0, 0), None)
    """
    plain = text.strip().replace(",", "").replace("\N{MINUS SIGN}", "-")
    found = re.match(r"[+]?(-?\d+)(?:\.(\d+))?(e-?\d+)?", plain)
    if not found:
        return None
    scale = int(found[3][1:]) if found[3] else 0
    return float(found[0]), len(found[2] or "") - scale
