"""What holds of the numbers of children seen in windows of years that overlap? Rules for the joint audit.

A child may be seen in several years, so years do not add; windows of them are tied all the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from .joint_facts import UNLIMITED, Count

Terms = dict[Count, float]
"""A sum of counts, each with its weight."""

Rule = tuple[Terms, float, float]
"""A sum of counts, and between which numbers it lies."""

Span = tuple[int, int]
"""The first and the last of the years of a window."""


def minus(terms: Terms) -> Terms:
    """Take a sum of counts away instead of adding it."""
    return {v: -w for v, w in terms.items()}


def seen_in(made: Mapping[Span, Terms]) -> list[Rule]:
    """Say what holds of the numbers seen in all windows of some years."""
    rules: list[Rule] = []
    for (a, b), whole in made.items():
        if a == b:
            continue
        either, both = (made[a, b - 1], made[a + 1, b]), made.get((a + 1, b - 1), {})
        rules.append((either[0] | either[1] | minus(whole | both), 0, UNLIMITED))
        longer = ((a - 1, b), (a, b + 1))  # what a year adds is least there, where there is no longer window
        rules += [
            (whole | minus(one), 0, UNLIMITED) for one, w in zip(either, longer, strict=True) if w not in made
        ]
    return rules


def once_in(made: Mapping[Span, Terms]) -> list[Rule]:
    """Say what holds of those counted by one record in each window: it is in one of any two parts of it."""
    return [
        (made[a, year] | made[year + 1, b] | minus(whole), 0, UNLIMITED)
        for (a, b), whole in made.items()
        for year in range(a, b)
    ]


def chains(printed: Iterable[Span]) -> list[list[Span]]:
    """List every window of the years that overlapping windows lead through, for each run of such windows."""
    runs: list[list[Span]] = []
    for span in sorted(printed):
        if runs and span[0] <= max(last for _, last in runs[-1]):
            runs[-1].append(span)
        else:
            runs.append([span])
    found = []
    for run in [r for r in runs if len(r) > 1]:
        years = range(run[0][0], max(last for _, last in run) + 1)
        found.append(list(itertools.combinations_with_replacement(years, 2)))
    return found
