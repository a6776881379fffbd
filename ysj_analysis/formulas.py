"""Which interval belongs to which measure? Counts in, the measure out.

A measure is a function of four counts and nothing else, so any printed figure can be computed again
from the counts printed beside it: :func:`interval` is that computation, used to make a figure, to widen
it for rounding and to check it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from . import intervals


def interval(measure, events, denominator, reference_events, reference_denominator, *, poisson, level=0.95):
    """Compute measures from their counts.

    Parameters
    ----------
    measure : array of str
        Keys of ``FORMULAS``; ``rate_per_1000`` and the like scale the result.
    events, denominator, reference_events, reference_denominator : array of float
        The counts; a missing count or an empty denominator gives NaN. For the representation index and
        ``events_above_share`` the reference counts are the totals over groups of known ethnicity.
    poisson : array of bool
        Whether the base is the population.
    level : float
        Confidence level.

    Returns
    -------
    tuple of array
        ``estimate, low, high, p_value``.

    Examples
    --------
    >>> estimate, low, high, p = interval(["rate_ratio"], [4], [3750], [1], [6450], poisson=[True])
    >>> float(estimate[0].round(2))
    6.88
    """
    name, per = split(measure)
    counts = [np.asarray(c, float) for c in (events, denominator, reference_events, reference_denominator)]
    usable = ~np.isnan(counts[0]) & (counts[1] > 0)
    usable &= ~compares(name) | (~np.isnan(counts[2]) & (counts[3] > 0))
    result = np.full((4, len(name)), np.nan)
    for one in np.unique(name):
        for model in (True, False):
            rows = usable & (name == one) & (np.asarray(poisson, bool) == model)
            if rows.any():
                result[:, rows] = FORMULAS[one].of(*(c[rows] for c in counts), model, level)
    result[:3] *= per
    return tuple(result)


def split(measure) -> tuple[np.ndarray, np.ndarray]:
    """Split names like ``rate_per_1000`` into the measure and what it is given per.

    Parameters
    ----------
    measure : array of str
        Names of measures.

    Returns
    -------
    tuple of array
        The keys of ``FORMULAS``, and the factors; 1 where nothing is said.

    Examples
    --------
    >>> split(["rate_per_1000", "rate_ratio"])
    (array(['rate', 'rate_ratio'], dtype='<U10'), array([1000.,    1.]))
    """
    names = np.asarray(measure, dtype=str)
    if not names.size:
        return names, np.ones(0)
    parts = np.char.partition(names, "_per_")
    return parts[:, 0], np.where(parts[:, 2] == "", "1", parts[:, 2]).astype(float)


def compares(measure) -> np.ndarray:
    """Say which measures compare two groups; the others describe one.

    Parameters
    ----------
    measure : array of str
        As for :func:`interval`.

    Returns
    -------
    array of bool
        One for each; what is no measure of four counts compares.

    Examples
    --------
    >>> compares(["rate_per_1000", "rate_ratio"]).tolist()
    [False, True]
    """
    name, _ = split(measure)
    alone = [known for known, formula in FORMULAS.items() if np.isnan(formula.parity)]
    return ~np.isin(name, alone)


def method(measure, events) -> np.ndarray:
    """Name the method of each row; a rate's depends on its events, by OHID's rule.

    Parameters
    ----------
    measure : array of str
        As for :func:`interval`.
    events : array of float
        Missing where hidden: the rule is then named whole, and says nothing of the count.

    Returns
    -------
    array of str
        As printed.

    Examples
    --------
    >>> method(["rate_per_1000", "rate_per_1000", "risk_ratio"], [9, 10, 3]).tolist()
    ['exact (Garwood)', 'Byar', 'Miettinen-Nurminen score']
    """
    name, _ = split(measure)
    named = np.array([FORMULAS[n].method for n in name], dtype=object)
    events = np.asarray(events, float)
    rates = name == "rate"
    named[rates & (events < 10)] = "exact (Garwood)"
    named[rates & (events >= 10)] = "Byar"
    return named


def _rate(x, n, _rx, _rn, _model, level):
    return intervals.rate(x, n, level=level)


def _proportion(x, n, _rx, _rn, _model, level):
    return intervals.proportion(x, n, level=level)


def _rate_ratio(x, n, rx, rn, _model, level):
    return intervals.rate_ratio(x, n, rx, rn, level=level)


def _risk_ratio(x, n, rx, rn, _model, level):
    return intervals.risk_ratio(x, n, rx, rn, level=level)


def _complement_ratio(x, n, rx, rn, _model, level):
    return intervals.risk_ratio(n - x, n, rn - rx, rn, level=level)


def _odds_ratio(x, n, rx, rn, _model, level):
    return intervals.odds_ratio(x, n, rx, rn, level=level)


def _rate_difference(x, n, rx, rn, _model, level):
    return intervals.rate_difference(x, n, rx, rn, level=level)


def _risk_difference(x, n, rx, rn, _model, level):
    return intervals.risk_difference(x, n, rx, rn, level=level)


def _representation(x, n, total, base, _model, level):
    return intervals.representation(x, total, n / base, level=level)


def _above_parity(x, n, rx, rn, model, level):
    difference = intervals.rate_difference if model else intervals.risk_difference
    estimate, low, high, p_value = difference(x, n, rx, rn, level=level)
    return n * estimate, n * low, n * high, p_value


def _above_share(x, n, total, base, _model, level):
    estimate, low, high, p_value = intervals.representation(x, total, n / base, level=level)
    expected = total * n / base
    return (estimate - 1) * expected, (low - 1) * expected, (high - 1) * expected, p_value


class Formula(NamedTuple):
    """A measure of four counts: how it is computed, and what the gate has to know of it.

    Attributes
    ----------
    method : str
        Its method, as printed on every row.
    of : callable
        Of the four counts, whether the base is the population, and the confidence level: ``estimate, low,
        high, p_value``. The first three must rise with the events and the reference's denominator and fall
        with the other two counts, or all the other way round: so an interval is widened for rounding.
    parity : float
        Its value where there is no difference; NaN if it compares nothing.
    digits : int
        How many decimal places are printed.
    counts_the_rest : bool
        Whether it also compares those who did not reach the stage, so that they must be enough too.
    scaled : bool
        Whether it is multiplied by a count, and so may rise and fall otherwise: it is then computed at every
        corner of what the rounding may stand for.
    """

    method: str
    of: Callable[..., Iterable[np.ndarray]]
    parity: float
    digits: int = 2
    counts_the_rest: bool = False
    scaled: bool = False


FORMULAS = {
    "rate": Formula("exact (Garwood) under 10 events, Byar from 10", _rate, np.nan),
    "proportion": Formula("Wilson", _proportion, np.nan, digits=3),
    "rate_ratio": Formula("mid-P conditional", _rate_ratio, 1),
    "risk_ratio": Formula("Miettinen-Nurminen score", _risk_ratio, 1),
    "complement_ratio": Formula("Miettinen-Nurminen score", _complement_ratio, 1, counts_the_rest=True),
    "odds_ratio": Formula("mid-P conditional", _odds_ratio, 1, counts_the_rest=True),
    "rate_difference": Formula("MOVER from single-rate limits", _rate_difference, 0),
    "risk_difference": Formula("Newcombe hybrid score", _risk_difference, 0, digits=3),
    "representation_index": Formula("Wilson / share of the base", _representation, 1),
    "events_above_parity": Formula(
        "denominator x difference, reference fixed", _above_parity, 0, digits=0, scaled=True
    ),
    "events_above_share": Formula(
        "total x (Wilson - share of the base), total fixed", _above_share, 0, digits=0, scaled=True
    ),
}
"""The measures of four counts, by the name on every row. A measure of one's own is added here."""
