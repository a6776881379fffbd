"""Why need a regression not see the rows? Rows that agree in all covariates make one cell; arrays in and out.

The likelihood of a logistic or Poisson model depends on the rows through the sums of each cell alone, so a fit
on cells is the fit on rows. The clustered covariance needs more: the residuals of each child, which are kept
as a sparse matrix of children by cells and meet the design only there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

LOGISTIC, POISSON = "logistic", "poisson"
_CHUNK = 4_000


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows collapsed to cells.

    ``codes`` (cell by column) and ``levels`` (of each column) say what a cell is; ``events``, ``exposure`` and
    ``rows`` are its sums. ``at`` is the cell of each row, ``y, e`` its events and exposure, ``child`` its
    child.
    """

    codes: np.ndarray
    levels: tuple[tuple, ...]
    events: np.ndarray
    exposure: np.ndarray
    rows: np.ndarray
    at: np.ndarray
    y: np.ndarray
    e: np.ndarray | None
    child: np.ndarray
    children: int


def coded(values: pd.Series) -> tuple[np.ndarray, tuple]:
    """Number the values of a column in order; of a categorical, those too that do not occur.

    Parameters
    ----------
    values : Series
        Without missing values; the order of an ordered or unordered categorical is kept.

    Returns
    -------
    tuple
        The number of each row, and the values.

    Examples
    --------
    >>> coded(pd.Series(["male", "female", "male"]))[1]
    ('female', 'male')
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy(), tuple(values.cat.categories)
    codes, labels = pd.factorize(values, sort=True)
    return codes, tuple(labels)


def collapse(table: pd.DataFrame, columns: Sequence[str], *, y, exposure=None, child: pd.Series) -> Cells:
    """Collapse rows to the cells of their covariates.

    Parameters
    ----------
    table : DataFrame
        One row a case, nothing missing.
    columns : sequence of str
        The covariates.
    y : array of float
        Events of each row.
    exposure : array of float, optional
        1 for each row by default.
    child : Series
        Which child each row is of.

    Returns
    -------
    Cells
        As many as there are combinations that occur.

    Examples
    --------
    >>> t = pd.DataFrame({"sex": list("mmf"), "child": [1, 1, 2]})
    >>> cells = collapse(t, ["sex"], y=np.array([1.0, 0.0, 1.0]), child=t["child"])
    >>> cells.events.tolist(), cells.rows.tolist(), cells.children
    ([1.0, 1.0], [1.0, 2.0], 2)
    """
    numbered = [coded(table[c]) for c in columns]
    sizes = [len(levels) for _, levels in numbered]
    space = int(np.prod(sizes, dtype=float))
    key = np.zeros(len(table), np.int32 if space < 2**31 else np.int64)
    for (codes, _), size in zip(numbered, sizes, strict=True):
        key *= size
        key += codes
    if space <= 4 * len(table) + 1000:
        sizes_of = np.bincount(key, minlength=space)
        present = np.flatnonzero(sizes_of)
        number = np.empty(space, np.int32)
        number[present] = np.arange(len(present))
        at, rows = number[key], sizes_of[present].astype(float)
    else:
        at, present = pd.factorize(key)
        rows = np.bincount(at).astype(float)
    k = len(present)
    codes = np.array(np.unravel_index(present, sizes)).T if columns else np.zeros((k, 0), int)
    levels = []
    for j, (_, labels) in enumerate(numbered):  # a level that no row has is none
        there, codes[:, j] = np.unique(codes[:, j], return_inverse=True)
        levels.append(tuple(labels[i] for i in there))
    who, children = _children(child)
    return Cells(
        codes=codes,
        levels=tuple(levels),
        events=np.bincount(at, y, k),
        exposure=rows if exposure is None else np.bincount(at, exposure, k),
        rows=rows,
        at=at,
        y=y,
        e=exposure,
        child=who,
        children=children,
    )


def _children(child: pd.Series) -> tuple[np.ndarray, int]:
    """Number the children, and count them; small whole numbers are numbers already."""
    if pd.api.types.is_integer_dtype(child.dtype) and len(child):
        values = child.to_numpy()
        if values.min() >= 0 and values.max() < 2 * len(values):
            return values, int(np.count_nonzero(np.bincount(values)))
    who, labels = pd.factorize(child)
    return who, len(labels)


def merged(cells: Cells, names: Sequence[str]) -> tuple[Cells, list[tuple[str, str]]]:
    """Merge levels of covariates in which nobody had the event, or everybody, with their neighbours.

    Such a level would have an infinite coefficient, and would say nothing about the groups.

    Parameters
    ----------
    cells : Cells
        The group in the first column, which is left alone.
    names : sequence of str
        Of all columns.

    Returns
    -------
    tuple
        The cells with merged levels (some cells may now agree), and each covariate and what was merged.
    """
    codes, levels, said = cells.codes.copy(), list(cells.levels), []
    for j in range(1, codes.shape[1]):
        while len(levels[j]) > 1:
            with_, all_ = (np.bincount(codes[:, j], c) for c in (cells.events, cells.exposure))
            none = (with_ == 0) | (
                (with_ == all_) & (cells.e is None) & (all_ == np.bincount(codes[:, j], cells.rows))
            )
            if not none.any():
                break
            at = int(np.argmax(none))
            to = at + 1 if at + 1 < len(levels[j]) else at - 1
            said.append(
                (names[j], f"{levels[j][at]} counted with {levels[j][to]}: nobody or everybody had the event")
            )
            label = f"{levels[j][min(at, to)]} or {levels[j][max(at, to)]}"
            low = min(at, to)
            codes[:, j] -= codes[:, j] > low
            levels[j] = (*levels[j][:low], label, *levels[j][low + 2 :])
    return replace(cells, codes=codes, levels=tuple(levels)), said


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
    expected = mean[cells.at]
    residual = cells.y - (expected if cells.e is None else expected * cells.e)
    scores = sparse.csr_array(
        (residual, (cells.child, cells.at)), shape=(int(cells.child.max()) + 1, len(design))
    )
    meat = np.zeros((p, p))
    for first in range(0, scores.shape[0], _CHUNK):
        part = scores[first : first + _CHUNK] @ design
        meat += part.T @ part
    bread = np.linalg.inv(information)
    return bread @ meat @ bread * (g / (g - 1) * (n - 1) / (n - p))
