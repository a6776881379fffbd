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

LOGISTIC, POISSON = "logistic", "poisson"


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
    key: np.ndarray = np.zeros(len(table), np.int32 if space < 2**31 else np.int64)
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
        seen = np.bincount(codes[:, j], minlength=len(labels)) > 0
        codes[:, j] = (np.cumsum(seen) - 1)[codes[:, j]]
        levels.append(tuple(label for label, there in zip(labels, seen, strict=True) if there))
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
