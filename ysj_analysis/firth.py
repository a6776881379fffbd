"""What can be fitted where a group has no events? Firth's penalised likelihood, with its profile interval.

With a zero in a group, or few events for the number of coefficients, the likelihood has no maximum or a far-off
one. Firth's penalty removes the first-order bias and keeps every estimate finite, as if about half an event were
added. Its intervals come from the penalised likelihood itself, which is far from symmetric then.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from .adjusted_cells import LOGISTIC
from .adjusted_likelihood import likelihood

_FEWEST_PER_PARAMETER = 5
"""Under so many events per coefficient the plain likelihood is not used."""


def why_sparse(group: np.ndarray, events, exposure, *, parameters: int, family: str) -> str:
    """Say why the plain likelihood should not be used; empty if it may.

    Parameters
    ----------
    group : array of int
        The group of each cell.
    events, exposure : array
        Sums of the cells.
    parameters : int
        How many coefficients.
    family : {"logistic", "poisson"}
        For the logistic, children without the event are as scarce a good as those with it.

    Returns
    -------
    str
        ``empty_cell`` (in some group nobody had the event, or everybody), ``few_per_parameter`` or both, else
        empty.

    Examples
    --------
    >>> why_sparse(np.array([0, 1]), np.array([0, 9.0]), np.array([20, 30.0]), parameters=2, family="logistic")
    'empty_cell few_per_parameter'
    """
    other = exposure - events if family == LOGISTIC else np.full(len(events), np.inf)
    scarce = min(events.sum(), other.sum())
    empty = any(
        (np.bincount(group, counted)[np.bincount(group) > 0] == 0).any() for counted in (events, other)
    )
    reasons = {"empty_cell": empty, "few_per_parameter": scarce < _FEWEST_PER_PARAMETER * parameters}
    return " ".join(reason for reason, so in reasons.items() if so)


def profile(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    beta: np.ndarray,
    design,
    events,
    exposure,
    *,
    family: str,
    level: float = 0.95,
    widen: float = 1.0,
) -> tuple[float, float]:
    """Find the least and greatest value of a function among coefficients that the data do not speak against.

    Those are the coefficients whose penalised log-likelihood is within half a chi-square quantile of its
    maximum: the profile interval, of a coefficient or of anything computed from all of them.

    Parameters
    ----------
    function : callable
        Coefficients in; the value and its gradient out.
    beta : array
        Where the penalised likelihood is greatest.
    design, events, exposure, family
        As for ``adjusted_likelihood.likelihood``.
    level : float
        Confidence level.
    widen : float
        What the quantile is multiplied by: above 1 where rows of one child are alike.

    Returns
    -------
    tuple of float
        The limits; NaN if the search fails.

    References
    ----------
    Heinze and Schemper (2002); Venzon and Moolgavkar (1988) for the search; Rotnitzky and Jewell (1990),
    Biometrika 77:485-497, for the factor.

    Examples
    --------
    >>> from ysj_analysis.adjusted_likelihood import maximum
    >>> x, n = np.array([0.0, 9.0]), np.array([20.0, 30.0])
    >>> design = np.array([[1.0, 1], [1, 0]])
    >>> best = maximum(design, x, n, family="logistic", firth=True)[0]
    >>> slope = lambda b: (b[1], np.array([0.0, 1]))
    >>> [round(float(v), 2) for v in (best[1], *profile(slope, best, design, x, n, family="logistic"))]
    [-2.9, -7.78, -0.72]
    """

    def at(b):
        return likelihood(b, design, events, exposure, family=family, firth=True)

    peak = at(beta)
    target = peak.value - special.chdtri(1, 1 - level) * widen / 2
    _, slope = function(beta)
    wald = np.linalg.solve(peak.information, slope)
    wald *= np.sqrt(2 * (peak.value - target) / (slope @ wald))
    limits = []
    for sign in (-1.0, 1.0):
        found = _stepwise(function, at, beta + sign * wald, target, sign)
        if found is None:
            found = _searched(function, at, beta, sign * wald, target, sign, peak)
        limits.append(np.nan if found is None else function(found)[0])
    return float(limits[0]), float(limits[1])


def _stepwise(function, at, start: np.ndarray, target: float, sign: float) -> np.ndarray | None:
    """Follow the likelihood's quadratic shape to where it has the target and the function is extreme.

    Each step solves ``slope + k * gradient = curvature @ step`` with the ``k`` that puts the likelihood on its
    target (Venzon and Moolgavkar 1988). None if it does not settle.
    """
    b = start
    for _ in range(60):
        here = at(b)
        if not np.isfinite(here.value):
            return None
        _, gradient = function(b)
        up, along = np.linalg.solve(here.curvature, np.column_stack([here.slope, gradient])).T
        room = 2 * (here.value - target) + here.slope @ up
        k = sign * np.sqrt(max(room, 0.0) / (gradient @ along))
        step = up + k * along
        size = np.sqrt(step @ here.curvature @ step)
        b = b + step * min(1.0, 1.5 / max(size, 1e-300))
        if size < 1e-7 and abs(here.value - target) < 1e-8 * max(1.0, abs(target)):
            return b
    return None


def _searched(function, at, beta, wald, target: float, sign: float, peak) -> np.ndarray | None:
    """Find the same point by sequential quadratic programming; None if that fails too."""
    from scipy import optimize

    root = np.linalg.cholesky(np.linalg.inv(peak.information))  # steps of like size in every direction
    found = optimize.minimize(
        lambda z: -sign * function(beta + root @ z)[0],
        np.linalg.solve(root, wald),
        jac=lambda z: -sign * (root.T @ function(beta + root @ z)[1]),
        constraints={
            "type": "eq",
            "fun": lambda z: at(beta + root @ z).value - target,
            "jac": lambda z: root.T @ at(beta + root @ z).slope,
        },
        method="SLSQP",
        options={"maxiter": 300, "ftol": 1e-11},
    )
    b = beta + root @ found.x
    return b if abs(at(b).value - target) < 1e-4 else None


def p_value(beta, design, events, exposure, column: int, *, family: str, widen: float = 1.0) -> float:
    """Test that a coefficient is 0 by the ratio of penalised likelihoods.

    Parameters
    ----------
    beta : array
        Where the penalised likelihood is greatest.
    design, events, exposure, family
        As for ``adjusted_likelihood.likelihood``.
    column : int
        Which coefficient.
    widen : float
        What the statistic is divided by.

    Returns
    -------
    float
        The p-value. The penalty is that of the whole model in both, as Heinze and Schemper have it.

    Examples
    --------
    >>> from ysj_analysis.adjusted_likelihood import maximum
    >>> design, x, n = np.array([[1.0, 1], [1, 0]]), np.array([0.0, 9.0]), np.array([20.0, 30.0])
    >>> best = maximum(design, x, n, family="logistic", firth=True)[0]
    >>> round(p_value(best, design, x, n, 1, family="logistic"), 4)
    0.0047
    """

    def at(b):
        return likelihood(b, design, events, exposure, family=family, firth=True)

    others = np.arange(design.shape[1]) != column
    null = np.where(others, beta, 0.0)
    here = at(null)
    for _ in range(200):
        step = np.zeros(len(beta))
        step[others] = np.linalg.solve(here.curvature[np.ix_(others, others)], here.slope[others])
        there = at(null + step)
        while there.value < here.value - 1e-9 and np.abs(step).max() > 1e-12:
            step = step / 2
            there = at(null + step)
        null, here = null + step, there
        if np.abs(step).max() < 1e-9:
            break
    return float(special.chdtrc(1, max(0.0, 2 * (at(beta).value - here.value)) / widen))
