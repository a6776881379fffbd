"""What are millions of events, as numbers? A few bytes each, so that counting them is sorting them.

``large_arrow`` makes them from files. ``large_counts`` counts them; what it asks of a database instead, it
asks of tables (``large``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .calendar_periods import year_of

PIECE = 1 << 16
"""Events that are counted at a time."""

MOST_SCORE = 99
"""Scores of gravity end at 8: what is above this is kept as this."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """Events as arrays, one entry an event, and what is known of episodes and children.

    Attributes
    ----------
    episode : array of int32, one an event
        Which episode, from 0.
    place, stage : array of int16 and int8, one an event
        Where its area and its stage are in ``large.Stored.values``.
    day : array of int32, one an event
        Days since 1 January 1970.
    child, began : array of int32, one an episode
        Whose it is, from 0, and its first day.
    people : DataFrame
        What is known of children, in the order of their numbers. Children without a record have the numbers
        after these.
    gravity : array of int8, one an event, optional
        Its score, `MOST_SCORE` where it is more than that, -1 where it has none.
    """

    episode: np.ndarray
    place: np.ndarray
    stage: np.ndarray
    day: np.ndarray
    child: np.ndarray
    began: np.ndarray
    people: pd.DataFrame
    gravity: np.ndarray | None = None
    _years: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def years(self, period: str, which: str) -> np.ndarray:
        """Give the ``year`` of each event, or its ``cohort``, the year in which its episode began.

        Parameters
        ----------
        period : str
            The kind of year.
        which : {"year", "cohort"}
            Which of the two.

        Returns
        -------
        array of int16
            One an event.

        Examples
        --------
        >>> one = np.zeros(1, "int32")
        >>> later = Numbers(np.zeros(2, "int32"), one, one, np.array([89, 90]), one, np.array([89]), pd.DataFrame())
        >>> later.years("financial", "year"), later.years("financial", "cohort")
        (array([1969, 1970], dtype=int16), array([1969, 1969], dtype=int16))
        """
        if (period, which) not in self._years:
            days = self.day if which == "year" else self.began
            first = int(days.min())
            each = np.arange(first, int(days.max()) + 1).astype("datetime64[D]").astype("datetime64[s]")
            year = year_of(pd.Series(each), period).to_numpy("int16")[days - first]
            self._years[period, which] = year if which == "year" else year[self.episode]
        return self._years[period, which]

    def said(self) -> tuple[pd.DataFrame, np.ndarray]:
        """Give each detailed group with each who may have said it, and which of these pairs each child is.

        Returns
        -------
        DataFrame, array of int
            ``ethnicity, ethnicity_source``; the place of the pair in it, one a child with a record.

        Examples
        --------
        >>> one = np.zeros(1, "int32")
        >>> people = pd.DataFrame({"ethnicity": ["B1", "W1"], "ethnicity_source": "self"}, dtype="category")
        >>> pairs, at = Numbers(one, one, one, one, one, one, people).said()
        >>> pairs["ethnicity"][at].tolist()
        ['B1', 'W1']
        """
        both = ["ethnicity", "ethnicity_source"]
        labels = [self.people[c].cat.categories for c in both]
        pairs = pd.MultiIndex.from_product(labels, names=both).to_frame(index=False)
        group, source = (self.people[c].cat.codes.to_numpy("int32") for c in both)
        return pairs, group * len(labels[1]) + source


def together(keys: Sequence[np.ndarray], stages: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Say which stages each child or episode reached in each cell.

    Parameters
    ----------
    keys : sequence of array of int64
        One number an event: of its child or episode and its cell, times ``stages``, plus its stage. In pieces of
        any length and order.
    stages : int
        How many there are.

    Yields
    ------
    key, reached : array of int64
        The numbers of children or episodes and cells, each once; a bit for each stage. Some at a time, because
        arrays that stay in the processor's cache are several times as quick as long ones.

    Examples
    --------
    >>> [key.tolist() + reached.tolist() for key, reached in together([np.array([5, 1, 3])], 3)]
    [[0, 1, 2, 5]]
    """
    every = np.concatenate(keys)
    every.sort()
    at = 0
    while at < len(every):
        end = np.searchsorted(every, (every[min(at + PIECE, len(every)) - 1] // stages + 1) * stages)
        piece, stage = np.divmod(every[at:end], stages)
        starts = np.flatnonzero(_new(piece))
        yield piece[starts], np.bitwise_or.reduceat(np.int64(1) << stage, starts)
        at = end


def tallied(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give each number once, in order, and how often it is there; the array itself is sorted.

    Parameters
    ----------
    numbers : array of int
        Changed.

    Returns
    -------
    numbers, times : array of int

    Examples
    --------
    >>> tallied(np.array([5, 3, 5]))
    (array([3, 5]), array([1, 2]))
    """
    numbers.sort()
    starts = np.flatnonzero(_new(numbers))
    return numbers[starts], np.diff(np.append(starts, len(numbers)))


def _new(numbers: np.ndarray) -> np.ndarray:
    """Say which entries of an array in order differ from the one before."""
    return np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]
