"""How likely are the counts of cells, and how sure is the greatest likelihood? Plain, Firth's, and by child.

A design of cells by coefficients, sums of events and exposure in; coefficients and covariances out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .adjusted_cells import LOGISTIC, Cells

_CHUNK = 4_000
MANY = 500_000
"""From so many rows scores are held in single precision: standard errors keep six digits, at half the time."""


def aliased(design: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Say which columns of a design are sums of earlier ones, and so can have no coefficient of their own.

    Parameters
    ----------
    design : array, cells by columns
        The design.
    weight : array
        Above 0 for cells that count.

    Returns
    -------
    array of bool
        By column.

    Examples
    --------
    >>> aliased(np.array([[1, 0, 1], [1, 1, 0], [1, 1, 0.0]]), np.ones(3)).tolist()
    [False, False, True]
    """
    gram = design.T @ (design * weight[:, None])
    size = np.sqrt(np.diag(gram))
    with np.errstate(invalid="ignore", divide="ignore"):
        gram = np.where(size > 0, gram / size[:, None] / size, 0.0)
    found = np.zeros(len(gram), bool)
    for j in range(len(gram)):  # the sweep of each column out of the later ones
        found[j] = gram[j, j] < 1e-9
        if not found[j]:
            gram = gram - np.outer(gram[:, j], gram[j]) / gram[j, j]
    return found


@dataclass(frozen=True, eq=False)
class Point:
    """A likelihood at some coefficients: its value, slope, information and the mean of each cell.

    ``curvature`` is what the next step is divided by: the information, of the augmented data for Firth.
    """

    value: float
    slope: np.ndarray
    information: np.ndarray
    mean: np.ndarray
    curvature: np.ndarray


def likelihood(beta, design, events, exposure, *, family: str, firth: bool = False) -> Point:
    """Give the log-likelihood of a model on cells, or Firth's penalised one, with slope and information.

    Parameters
    ----------
    beta : array
        Coefficients.
    design : array, cells by coefficients
        The design.
    events, exposure : array
        Sums of the cells; exposure is the number of rows for ``logistic``.
    family : {"logistic", "poisson"}
        Both with their canonical link.
    firth : bool
        Whether half the logarithm of the determinant of the information is added.

    Returns
    -------
    Point
        ``mean`` is the probability, or the rate per exposure.

    References
    ----------
    Firth (1993), Biometrika 80:27-38; Heinze and Schemper (2002), Statistics in Medicine 21:2409-2419.
    """
    eta = design @ beta
    if family == LOGISTIC:
        mean = special.expit(eta)
        value = events @ eta - exposure @ np.logaddexp(0, eta)
        spread, skew = mean * (1 - mean), 0.5 - mean
    else:
        mean = np.exp(np.minimum(eta, 50))
        value = events @ eta - exposure @ mean
        spread, skew = mean, 0.5
    weight = exposure * spread
    information = design.T @ (design * weight[:, None])
    residual, curvature = events - exposure * mean, information
    if firth:
        sign, logdet = np.linalg.slogdet(information)
        if sign <= 0 or not np.isfinite(logdet):
            return Point(-np.inf, np.zeros(len(beta)), information, mean, information)
        leverage = weight * np.einsum("ij,ij->i", design @ np.linalg.inv(information), design)
        value, residual = value + logdet / 2, residual + leverage * skew
        if family == LOGISTIC:
            curvature = design.T @ (design * (weight + leverage * spread)[:, None])
    return Point(float(value), design.T @ residual, information, mean, curvature)


def maximum(
    design, events, exposure, *, family: str, firth: bool = False, start=None, rounds: int = 100
) -> tuple[np.ndarray, Point, bool]:
    """Find the coefficients of the greatest likelihood by Newton's steps, halved where they go too far.

    Parameters
    ----------
    design, events, exposure, family, firth
        As for :func:`likelihood`.
    start : array, optional
        First guess.
    rounds : int
        At most so many steps.

    Returns
    -------
    tuple
        Coefficients, the likelihood there, and whether the slope vanished. It does not where groups of
        cells are separated, and the coefficients then mean nothing.
    """
    beta = np.zeros(design.shape[1]) if start is None else np.array(start, float)
    if start is None:
        overall = events.sum() / exposure.sum()
        safe = np.clip(overall, 1e-9, 1 - 1e-9) if family == LOGISTIC else max(overall, 1e-300)
        beta[0] = special.logit(safe) if family == LOGISTIC else np.log(safe)
    here = likelihood(beta, design, events, exposure, family=family, firth=firth)
    for _ in range(rounds):
        try:
            step = np.linalg.solve(here.curvature, here.slope)
        except np.linalg.LinAlgError:
            return beta, here, False
        there = likelihood(beta + step, design, events, exposure, family=family, firth=firth)
        halvings = 0
        while not there.value >= here.value - 1e-9 * abs(here.value) - 1e-9 and halvings < 30:
            step, halvings = step / 2, halvings + 1
            there = likelihood(beta + step, design, events, exposure, family=family, firth=firth)
        beta, here = beta + step, there
        if np.abs(step).max() < 1e-9 * (1 + np.abs(beta).max()):
            small = here.slope @ np.linalg.pinv(here.information) @ here.slope < 1e-8
            return beta, here, bool(small and np.abs(design @ beta).max() < 100)
    return beta, here, False


def clustered(cells: Cells, design: np.ndarray, mean: np.ndarray, information: np.ndarray) -> np.ndarray:
    """Give the covariance of coefficients with children as clusters: rows of one child may be alike.

    Parameters
    ----------
    cells : Cells
        The rows.
    design : array, cells by coefficients
        The design.
    mean : array
        Mean of each cell.
    information : array
        At those means.

    Returns
    -------
    array
        ``B M B`` with ``B`` the inverse information and ``M`` the sum over children of their scores' squares,
        times ``G / (G - 1) (N - 1) / (N - p)``: the correction that Stata, ``sandwich::vcovCL(type="HC1")``
        and statsmodels use. NaN with one child.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73:13-22.
    """
    from scipy import sparse

    n, g, p = len(cells.at), cells.children, design.shape[1]
    if g < 2 or n <= p:
        return np.full((p, p), np.nan)
    precision = np.float32 if n >= MANY else np.float64
    design, mean = design.astype(precision), mean.astype(precision)
    expected = mean[cells.at]
    residual: np.ndarray = cells.y.astype(precision)
    residual -= expected if cells.e is None else (expected * cells.e).astype(precision)
    scores = sparse.csr_array(
        (residual, (cells.child, cells.at)), shape=(int(cells.child.max()) + 1, len(design))
    )
    meat = np.zeros((p, p))
    for first in range(0, scores.shape[0], _CHUNK):
        part = (scores[first : first + _CHUNK] @ design).astype(float)  # summed in double, whatever held in
        meat += part.T @ part
    bread = np.linalg.inv(information)
    return bread @ meat @ bread * (g / (g - 1) * (n - 1) / (n - p))
