"""What comes into an interval and what comes out: checks on counts, the result, the notes."""

from typing import NamedTuple

import numpy as np
from scipy import special

_SMALLEST_EXPECTED = 3
"""Below this smaller expected count, coverage is not promised (docs/methods/intervals.md)."""


class Interval(NamedTuple):
    """A measure, its interval and a test that there is no difference, one value for each cell.

    Attributes
    ----------
    estimate : ndarray of float
        The measure itself; NaN where there is nothing to measure, inf over a reference of none.
    low, high : ndarray of float
        The limits, always around the estimate; exactly 0 or inf where the data set no bound.
    p_value : ndarray of float
        Two-sided, against no difference; NaN where there is no test.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray

    @classmethod
    def of(cls, known, estimate, low, high, p_value=np.nan):
        """Put what was worked out for the known cells in their places, and NaN in the others."""
        low, high = np.fmin(low, estimate), np.fmax(high, estimate)
        return cls(*(place(known, column) for column in (estimate, low, high, p_value)))


def normal_quantile(level):
    """Give the z of a two-sided interval: 1.96 for ``level=0.95``."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, and must lie between 0 and 1: write 0.95 for a 95% interval.")
    return -special.ndtri((1 - level) / 2)


def choose(method, choices):
    """Look a method up by its name, naming the others when there is none."""
    if method not in choices:
        raise ValueError(f"method is {method!r}; the choices are {', '.join(map(repr, choices))}.")
    return choices[method]


def numbers(**columns):
    """Turn named inputs into float arrays of one shape, without touching the originals."""
    arrays = [np.asarray(column, dtype=float) for column in columns.values()]
    try:
        return np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(columns, arrays, strict=True))
        raise ValueError(
            f"these do not broadcast together: {shapes}. Give arrays of one shape, or single numbers."
        ) from None


def check_counts(**columns):
    """Refuse counts that are negative, infinite or not whole. NaN passes: it is a suppressed count."""
    for name, values in columns.items():
        check_amounts(**{name: values})
        refuse(
            values != np.rint(values),
            name,
            values,
            "is not a whole number",
            "An interval needs the counts themselves: give those, or NaN for a count that is suppressed,"
            " rather than a rounded, averaged or imputed one.",
        )


def check_amounts(**columns):
    """Refuse amounts that are negative or infinite. NaN passes: it is a missing amount."""
    for name, values in columns.items():
        refuse(values < 0, name, values, "is negative", "Correct it, or give NaN if it is not known.")
        refuse(np.isinf(values), name, values, "is infinite", "Correct it, or give NaN if it is not known.")


def check_within(name, part, of_name, whole):
    """Refuse a part above its whole, such as more children sentenced than convicted."""
    refuse(
        part > whole,
        name,
        part,
        f"is above {of_name}",
        f"{name} are counted among {of_name}: see that both count the same children over the same period,"
        " or use a rate if they do not.",
    )


def refuse(wrong, name, values, what, remedy):
    """Raise if anything is wrong, saying what, how much of it, where it starts and what to do.

    Not the value itself: messages end in logs, and a count may be of very few children.
    """
    wrong = wrong & ~np.isnan(values)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{name} {what} in {wrong.sum()} of {wrong.size} cells; the first is at index"
            f" {first if len(first) != 1 else first[0]}. {remedy}"
        )


def place(where, values, otherwise=np.nan):
    """Put the values of the cells that were worked out back among those that were not."""
    placed = np.full(where.shape, otherwise)
    placed[where] = values
    return placed


def note(events, denominator, reference_events, reference_denominator, base_is_population):
    """Say, cell by cell, what a reader must know about a comparison of two groups.

    Parameters
    ----------
    events, reference_events : array_like
        Counts in the group and in the reference; NaN where suppressed.
    denominator, reference_denominator : array_like
        What they are counted among; NaN where not known.
    base_is_population : array_like of bool
        Whether the denominator is a population (rates) rather than a cohort (proportions). Only a
        cohort can be full.

    Returns
    -------
    ndarray of object
        Strings of the broadcast shape (one plain string for single numbers), empty where there is
        nothing to say. Three codes stand alone, and the first that holds is given: ``suppressed`` (a
        count is NaN), ``no_denominator`` (a denominator is 0 or NaN), ``no_events`` (neither group has
        any). Otherwise those that hold, in this order and joined by a space: ``zero_numerator`` or
        ``zero_reference``, ``full_cell`` (everyone in one of the cohorts), ``unreliable`` (the smaller
        expected count, if the groups had one rate, is under 3).

    Examples
    --------
    >>> note([4, 0, 2, 0], [30, 30, 2, 30], [6, 8, 9, 0], [90, 90, 90, 90], False).tolist()
    ['unreliable', 'zero_numerator unreliable', 'full_cell unreliable', 'no_events']
    """
    x1, n1, x2, n2, population = np.broadcast_arrays(
        *(np.asarray(column, dtype=float) for column in (events, denominator, reference_events)),
        np.asarray(reference_denominator, dtype=float),
        np.asarray(base_is_population, dtype=bool),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (x1 + x2) * np.minimum(n1, n2) / (n1 + n2)
    alone = [
        (np.isnan(x1) | np.isnan(x2), "suppressed"),
        (~((n1 > 0) & (n2 > 0)), "no_denominator"),
        ((x1 == 0) & (x2 == 0), "no_events"),
    ]
    together = [
        (x1 == 0, "zero_numerator"),
        (x2 == 0, "zero_reference"),
        (~population & ((x1 == n1) | (x2 == n2)), "full_cell"),
        (expected < _SMALLEST_EXPECTED, "unreliable"),
    ]
    # Each pattern of codes is a number; the strings are made once for each and looked up.
    pattern = sum(holds.astype(int) << bit for bit, (holds, _) in enumerate(together))
    words = [
        " ".join(code for bit, (_, code) in enumerate(together) if number >> bit & 1)
        for number in range(1 << len(together))
    ] + [code for _, code in alone]
    for place_in_words, (holds, _) in reversed(list(enumerate(alone, 1 << len(together)))):
        pattern = np.where(holds, place_in_words, pattern)
    return np.array(words, dtype=object)[pattern]
