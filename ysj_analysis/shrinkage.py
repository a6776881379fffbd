"""How much of a difference is chance? Many areas shrunk towards their average; one borough's odds.

``shrink`` needs 30 areas or more and gives points to read beside the raw ones. ``probability_above`` is
for one borough: how probable it is, from a stated prior, that the ratio exceeds a value at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from ._series import COUNTED, checked, codes, keys, laid_out, masked, refuse_repeats
from .vocabulary import POPULATION

FEWEST_AREAS = 30
"""Below this many areas the spread between them cannot be told from chance."""

_PANELS, _NODES = 8, 12


def shrink(table: pd.DataFrame, *, fewest: int = FEWEST_AREAS) -> pd.DataFrame:
    """Shrink each area's ratio of observed to expected towards the average of all areas.

    Parameters
    ----------
    table : DataFrame
        ``area, base, events, denominator``; every other column tells one set of areas from another.
        With a column ``expected`` that is used; without it events expected are the denominator times
        the rate of all areas together.
    fewest : int
        How many areas a set needs; 30 or more.

    Returns
    -------
    DataFrame
        The same rows in the same order with ``vocabulary.MEASURE``: ``estimate`` is the posterior mean
        (events + shape) / (expected + rate). There is no interval: one that takes shape and rate as
        known covers 58% with 5 areas and 91% with 32. Also ``expected``, ``raw`` (observed over
        expected), ``weight`` (of the area's own count, from 0 to 1), ``shape`` and ``rate``. Fewer
        areas: NaN and ``fewer than 30 areas``. Areas that differ by no more than chance: all get the
        average, weight 0, and ``method`` says so. No order of areas is given.

    Raises
    ------
    ValueError
        If ``fewest`` is under 30, an area repeats or counts are impossible.

    Notes
    -----
    For shares of a cohort Poisson spread exceeds binomial, so areas are shrunk more than they need be.

    References
    ----------
    Clayton and Kaldor (1987): gamma-Poisson, by maximum likelihood of the negative binomial.

    Examples
    --------
    >>> t = pd.DataFrame({"area": range(40), "base": "population", "denominator": 1000,
    ...                   "events": [2, 3, 4, 3] * 9 + [15, 0, 12, 3]})
    >>> shrink(t).loc[[36, 37], ["events", "raw", "estimate", "weight"]].round(2)
        events   raw  estimate  weight
    36      15  4.35      1.87    0.26
    37       0  0.00      0.74    0.26
    """
    if fewest < FEWEST_AREAS:
        raise ValueError(f"fewest is {fewest}; shrinking needs {FEWEST_AREAS} areas or more.")
    table = checked(table, ("area", *COUNTED))
    sets = keys(table, "area")
    refuse_repeats(table, [*sets, "area"], "area")
    at = codes(table, sets)
    reason, hidden = masked(table)
    expected = _expected(table, hidden, at)
    usable = ~hidden & (expected > 0)
    reason = np.where((reason == "") & ~usable, "no_events", reason)
    areas = np.bincount(at, usable)[at] if at.size else np.array([])
    enough = areas >= fewest
    chosen = usable & enough
    x = table["events"].to_numpy(float)
    mean, shape = (np.full(len(table), np.nan) for _ in range(2))
    if chosen.any():
        sub = np.unique(at[chosen], return_inverse=True)[1]
        fitted = gamma_poisson(x[chosen], expected[chosen], sub)
        mean[chosen], shape[chosen] = (v[sub] for v in fitted)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = shape / mean
        weight = np.where(np.isinf(shape), 0.0, expected / (expected + rate))
        raw = np.where(usable, x / expected, np.nan)
    method = np.where(
        np.isinf(shape),
        "gamma-Poisson: no spread beyond chance, shrunk fully",
        "gamma-Poisson, maximum likelihood",
    )
    return laid_out(
        table,
        measure="shrunk_ratio",
        reference="all areas",
        estimate=np.where(chosen, weight * raw + (1 - weight) * mean, np.nan),
        expected=expected,
        raw=raw,
        weight=weight,
        shape=shape,
        rate=rate,
        method=method,
        note=np.where(reason != "", reason, np.where(enough, "", f"fewer than {fewest} areas")),
    )


def _expected(table: pd.DataFrame, hidden: np.ndarray, at: np.ndarray) -> np.ndarray:
    if "expected" in table:
        given = table["expected"].to_numpy(float)
        if (given < 0).any():
            raise ValueError(
                f"expected is negative in {(given < 0).sum()} of {len(given)} rows. Give events expected, or NaN."
            )
        return given
    x, n = (np.where(hidden, 0.0, table[c].to_numpy(float)) for c in ("events", "denominator"))
    if not at.size:
        return n
    with np.errstate(divide="ignore", invalid="ignore"):
        overall = np.bincount(at, x) / np.bincount(at, n)
    return np.where(hidden, np.nan, n * overall[at])


def gamma_poisson(events, expected, at) -> tuple[np.ndarray, np.ndarray]:
    """Fit the spread of true ratios between areas, in many sets of areas at once.

    Parameters
    ----------
    events, expected : ndarray, shape (areas,)
        Counts, and events expected, above 0.
    at : ndarray of int, shape (areas,)
        Which set each area belongs to, from 0.

    Returns
    -------
    mean, shape : ndarray, shape (sets,)
        Of the gamma distribution of true ratios; its rate is shape / mean. ``shape`` is inf where the
        counts vary no more than Poisson counts do, which is where the likelihood has no inner maximum.
    """
    y, e = np.asarray(events, float), np.asarray(expected, float)

    def added(values):
        return np.bincount(at, values)

    mean = added(y) / added(e)
    spread = added((y - mean[at] * e) ** 2 - y)
    some = spread > 0
    log_shape = np.log(np.where(some, added((mean[at] * e) ** 2) / np.where(some, spread, 1.0), 1.0))
    active = some.copy()
    for _ in range(200):
        a = np.exp(log_shape)[at]
        m = np.maximum(mean[at], 1e-300)
        total = a + m * e
        slope = added(special.digamma(y + a) - special.digamma(a) + np.log(a / total) + 1 - (a + y) / total)
        bend = added(
            special.polygamma(1, y + a) - special.polygamma(1, a) + 1 / a - 2 / total + (a + y) / total**2
        )
        b = np.exp(log_shape)
        first, second = b * slope, b * b * bend + b * slope
        newton = np.where(second < 0, -first / np.where(second < 0, second, 1.0), np.sign(first))
        step = np.where(active, np.clip(newton, -1, 1), 0.0)
        held = added(a * (y - m * e) / total) / added(a * e / total)
        mean = np.where(active, np.maximum(mean + held, mean / 10), mean)
        log_shape = log_shape + step
        active &= (np.abs(step) > 1e-10) | (np.abs(held) > 1e-12 * mean)
        active &= log_shape < np.log(1e8)
        if not active.any():
            break
    return mean, np.where(some & (log_shape < np.log(1e8)), np.exp(log_shape), np.inf)


@dataclass(frozen=True)
class Prior:
    """What is believed of each of the two rates before counting, the same for both.

    The default is Jeffreys': half an event, in no child-years (rates) or beside half a non-event
    (shares). It says next to nothing, so a ratio from few events stays wild. A sceptical prior of a
    rate near 2 per 1,000 worth 4 events is ``Prior(events=4, child_years=2000)``.

    Attributes
    ----------
    events : float
        Shape of the gamma (rates) or first parameter of the beta (shares); above 0.
    child_years : float
        Rate of the gamma; 0 or more. Rates only.
    others : float
        Second parameter of the beta; above 0. Shares only.
    """

    events: float = 0.5
    child_years: float = 0.0
    others: float = 0.5

    def __post_init__(self) -> None:
        if not (self.events > 0 and self.child_years >= 0 and self.others > 0):
            raise ValueError(f"{self} needs events and others above 0 and child_years of 0 or more.")


_JEFFREYS = Prior()


def probability_above(table: pd.DataFrame, *, ratio: float = 1.0, prior: Prior = _JEFFREYS) -> pd.DataFrame:
    """Give the probability that a group's rate is more than so many times the reference's.

    Parameters
    ----------
    table : DataFrame
        From ``measures.relative_rates``: ``base`` and the four counts.
    ratio : float
        The value to exceed, above 0.
    prior : Prior
        The same, independent, for the group's rate and the reference's.

    Returns
    -------
    DataFrame
        The same rows in the same order; ``estimate`` is the probability, ``measure`` is
        ``probability_above_1`` (or whatever ``ratio`` is), ``method`` states the prior. Zero counts need
        no exception: no events in either group leaves the matter where the prior had it.

    References
    ----------
    Rates: with gamma priors the ratio is a scaled beta-prime variable, so the probability is an
    incomplete beta function, exactly. Shares: two beta variables, by quadrature, to six digits.

    Examples
    --------
    >>> t = pd.DataFrame({"base": ["population"], "reference": ["White"], "events": [4],
    ...                   "denominator": [3750], "reference_events": [1], "reference_denominator": [6450]})
    >>> probability_above(t)["estimate"].round(3).item()
    0.976
    """
    if not (ratio > 0 and np.isfinite(ratio)):
        raise ValueError(f"ratio is {ratio}; it must be above 0.")
    four = ("events", "denominator", "reference_events", "reference_denominator")
    table = checked(table, ("base", *four))
    x1, n1, x2, n2 = (table[c].to_numpy(float) for c in four)
    poisson = table["base"].eq(POPULATION).to_numpy()
    earlier = table["note"].to_numpy(object) if "note" in table else np.full(len(table), "", object)
    note = np.select(
        [
            np.isin(earlier.astype(str), ["reference", "suppressed", "immature"]),
            np.isnan(x1) | np.isnan(x2),
            ~((n1 > 0) & (n2 > 0)),
        ],
        [earlier, "suppressed", "no_denominator"],
        "",
    ).astype(object)
    usable = note == ""
    value = np.full(len(table), np.nan)
    for rows, how in ((usable & poisson, _rates_above), (usable & ~poisson, _shares_above)):
        value[rows] = how(*(v[rows] for v in (x1, n1, x2, n2)), ratio, prior)
    words = f"beta({prior.events:g}, {prior.others:g})"
    gamma = f"gamma({prior.events:g}, {prior.child_years:g})"
    return laid_out(
        table,
        measure=f"probability_above_{ratio:g}",
        estimate=value,
        low=np.nan,
        high=np.nan,
        p_value=np.nan,
        method=np.where(
            poisson, f"posterior, {gamma} prior of each rate", f"posterior, {words} prior of each share"
        ),
        note=note,
    )


def _rates_above(x1, t1, x2, t2, ratio, prior):
    times = ratio * (t1 + prior.child_years) / (t2 + prior.child_years)
    return special.betaincc(x1 + prior.events, x2 + prior.events, times / (1 + times))


def _shares_above(x1, n1, x2, n2, ratio, prior):
    """Average, over the reference's posterior by quantiles, the chance of the group exceeding it."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    middles = (2 * np.arange(_PANELS)[:, None] + 1) / _PANELS - 1
    nodes, weights = (middles + nodes / _PANELS).ravel(), np.tile(weights / _PANELS, _PANELS)
    # Substituting u = (3v - v^3 + 2) / 4 flattens the ends, where a quantile moves fastest.
    u, weights = (3 * nodes - nodes**3 + 2) / 4, weights * 3 * (1 - nodes**2) / 4
    # Beyond 1 / ratio of the reference nothing can exceed it, so the quantiles stop there.
    a, b = (x2 + prior.events)[:, None], (n2 - x2 + prior.others)[:, None]
    reached = special.betainc(a, b, min(1.0, 1 / ratio))
    limit = np.minimum(ratio * special.betaincinv(a, b, u * reached), 1.0)
    above = special.betaincc((x1 + prior.events)[:, None], (n1 - x1 + prior.others)[:, None], limit)
    return reached[:, 0] * (above @ weights)
