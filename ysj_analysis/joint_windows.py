"""What holds of the numbers of children seen in windows of years that overlap? Rules for the joint audit.

A child may be seen in several years, so years do not add; windows of them are tied all the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

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
    """Say what holds of the numbers seen in all windows of some pieces of time, by their numbers."""
    rules: list[Rule] = []
    for (a, b), whole in made.items():
        if a == b:
            continue
        either, both = (made[a, b - 1], made[a + 1, b]), made.get((a + 1, b - 1), {})
        rules.append((either[0] | either[1] | minus(whole | both), 0, UNLIMITED))
        longer = ((a - 1, b), (a, b + 1))  # what a piece adds is least there, where there is no longer window
        rules += [
            (whole | minus(one), 0, UNLIMITED) for one, w in zip(either, longer, strict=True) if w not in made
        ]
    return rules


def once_in(made: Mapping[Span, Terms]) -> list[Rule]:
    """Say what holds of those counted by one record in each window: it is in one of any two parts of it."""
    return [
        (made[a, piece] | made[piece + 1, b] | minus(whole), 0, UNLIMITED)
        for (a, b), whole in made.items()
        for piece in range(a, b)
    ]


def chains(printed: Iterable[Span]) -> list[list[Span]]:
    """Cut the years of each run of overlapping windows where one begins or ends.

    Within such a piece no window tells one year from another, so nothing is lost by taking it as one.
    """
    runs: list[list[Span]] = []
    for span in sorted(printed):
        if runs and span[0] <= max(last for _, last in runs[-1]):
            runs[-1].append(span)
        else:
            runs.append([span])
    cuts = [sorted({a for a, _ in run} | {b + 1 for _, b in run}) for run in runs if len(run) > 1]
    return [[(a, b - 1) for a, b in itertools.pairwise(cut)] for cut in cuts]


def windows_of(pieces: Sequence[Span]) -> dict[Span, Span]:
    """List every window of some pieces of time, by the numbers of its first and last piece."""
    pairs = itertools.combinations_with_replacement(range(len(pieces)), 2)
    return {(i, j): (pieces[i][0], pieces[j][1]) for i, j in pairs}
