"""Which interval belongs to which measure? Counts in, the measure out.

A measure is a function of four counts and nothing else, so any printed figure can be computed again
from the counts printed beside it: :func:`interval` is that computation, used to make a figure, to widen
it for rounding and to check it.
"""

from __future__ import annotations

import numpy as np

from . import intervals

METHODS = {
    "rate": "exact (Garwood) under 10 events, Byar from 10",
    "proportion": "Wilson",
    "rate_ratio": "mid-P conditional",
    "risk_ratio": "Miettinen-Nurminen score",
    "complement_ratio": "Miettinen-Nurminen score",
    "odds_ratio": "mid-P conditional",
    "rate_difference": "MOVER from single-rate limits",
    "risk_difference": "Newcombe hybrid score",
    "representation_index": "Wilson / share of the base",
    "events_above_parity": "denominator x difference, reference fixed",
    "events_above_share": "total x (Wilson - share of the base), total fixed",
}
"""The default method of each measure, as printed on every row."""

ONE_GROUP = frozenset({"rate", "proportion"})
RATIOS = frozenset({"rate_ratio", "risk_ratio", "complement_ratio", "odds_ratio", "representation_index"})


def interval(measure, events, denominator, reference_events, reference_denominator, *, poisson, level=0.95):
    """Compute measures from their counts.

    Parameters
    ----------
    measure : array of str
        Keys of ``METHODS``; ``rate_per_1000`` and the like scale the result.
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
    usable &= np.isin(name, list(ONE_GROUP)) | (~np.isnan(counts[2]) & (counts[3] > 0))
    result = np.full((4, len(name)), np.nan)
    for one in np.unique(name):
        for model in (True, False):
            rows = usable & (name == one) & (np.asarray(poisson, bool) == model)
            if rows.any():
                result[:, rows] = _FORMULAS[one](*(c[rows] for c in counts), model, level)
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
        The keys of ``METHODS``, and the factors; 1 where nothing is said.

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
    named = np.array([METHODS[n] for n in name], dtype=object)
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


_FORMULAS = {
    "rate": _rate,
    "proportion": _proportion,
    "rate_ratio": _rate_ratio,
    "risk_ratio": _risk_ratio,
    "complement_ratio": _complement_ratio,
    "odds_ratio": _odds_ratio,
    "rate_difference": _rate_difference,
    "risk_difference": _risk_difference,
    "representation_index": _representation,
    "events_above_parity": _above_parity,
    "events_above_share": _above_share,
}
