"""How sure, when one child has several episodes? Intervals that count children, on cells that count episodes.

Episodes of one child are alike, so an interval that takes them as independent is too narrow: with two or
three episodes a child, an interval of nominal 95% covers the truth about two times in three. Counting
children avoids it. Where episodes are what must be counted, the children are kept as clusters: each cell
carries sums of squares over its children, and the interval of the relative rate follows from them alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from . import measures
from .references import against
from .vocabulary import POPULATION

SUMS = ("clusters", "events_squared", "events_times_denominator", "denominator_squared")
"""Columns a collapsed cell carries: how many clusters, and sums over them."""

METHOD = "linearised log ratio, clustered by {cluster}, t"


def collapse(rows: pd.DataFrame, *, keys: Sequence[str], cluster: str = "child_id") -> pd.DataFrame:
    """Collapse episodes to cells, keeping what the interval needs of each child.

    Parameters
    ----------
    rows : DataFrame
        One row an episode (or several added up): ``keys``, the cluster column, ``events`` and, where the
        base is a stage, ``denominator``; whole numbers, 0 or more.
    keys : sequence of str
        What makes a cell: ``group``, ``base`` and whatever else tells one comparison from another.
    cluster : str
        The column that names the child. It is not in the result.

    Returns
    -------
    DataFrame
        A row a cell: ``keys, events, denominator`` and ``SUMS``. On base ``population`` a child without
        events needs no row; put the child-years in ``denominator`` afterwards.

    Examples
    --------
    >>> rows = pd.DataFrame({"group": "Black", "base": "arrest", "child_id": ["a", "a", "b"],
    ...                      "events": [1, 1, 0], "denominator": 1})
    >>> collapse(rows, keys=["group", "base"])[["events", "denominator", "clusters", "events_squared"]]
       events  denominator  clusters  events_squared
    0     2.0          3.0         2             4.0
    """
    counted = [c for c in ("events", "denominator") if c in rows.columns]
    children = rows.groupby([*keys, cluster], observed=True, sort=False)[counted].sum().astype(float)
    n = children.get("denominator", pd.Series(np.nan, children.index))
    sums = pd.DataFrame(
        {
            "events": children["events"],
            "denominator": n,
            "clusters": 1,
            "events_squared": children["events"] ** 2,
            "events_times_denominator": children["events"] * n,
            "denominator_squared": n**2,
        }
    )
    return sums.groupby(list(keys), observed=True, sort=False).sum(min_count=1).reset_index()


def relative_rates(
    cells: pd.DataFrame, *, reference: str = "White", cluster: str = "child", level: float = 0.95
) -> pd.DataFrame:
    """Compare each group's rate of episodes with the reference's, with an interval that counts children.

    Parameters
    ----------
    cells : DataFrame
        From :func:`collapse`, with ``group`` and ``base``; ``denominator`` is child-years where the base
        is ``population``.
    reference : str
        A group of the table. A child belongs to one group, so groups are independent.
    cluster : str
        What a cluster is, for the ``method`` column.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        The same rows with ``vocabulary.MEASURE`` and then ``SUMS``; ``measure`` is ``rate_ratio`` or
        ``risk_ratio``. The interval is that of the logarithm, from the linearised variance of each rate
        over its children (multiplied by G/(G-1) for G children), with t on G-1 degrees of freedom, G the
        children of both groups. No events in either group: the estimate is 0, inf or NaN and there is no
        interval, since nothing can be learnt of how children differ; the note says so.

    Raises
    ------
    ValueError
        If the sums are missing, a group occurs twice in one comparison, or the reference is not there.

    References
    ----------
    Cochran (1977), ratio estimator of cluster totals; the same as Poisson regression with a log link
    and a cluster-robust covariance.

    Examples
    --------
    >>> rows = pd.DataFrame({"group": ["Black"] * 4 + ["White"] * 4, "base": "arrest",
    ...                      "child_id": list("aabcdefg"), "events": [1, 1, 1, 0, 1, 0, 0, 1],
    ...                      "denominator": 1})
    >>> found = relative_rates(collapse(rows, keys=["group", "base"]))
    >>> found.loc[0, ["estimate", "low", "high"]].astype(float).round(2).to_list()
    [1.5, 0.28, 8.16]
    """
    missing = [c for c in SUMS if c not in cells.columns]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(SUMS)} columns that carry the children are missing: {', '.join(missing)}. "
            "Make the cells with clusters.collapse."
        )
    counts = cells.drop(columns=list(SUMS)).reset_index(drop=True)
    out = measures.relative_rates(counts, reference=reference, level=level)
    poisson = cells["base"].eq(POPULATION).to_numpy()
    variance, children = log_variance(cells, poisson=poisson), cells["clusters"].to_numpy(float)
    other = against(counts.assign(events=variance, denominator=children), reference)
    low, high, p_value = log_interval(
        out["estimate"].to_numpy(float),
        variance + other["reference_events"].to_numpy(float),
        children + other["reference_denominator"].to_numpy(float) - 1,
        level=level,
    )
    itself = out["group"].astype(str).eq(reference).to_numpy()
    limits = {"low": low, "high": high, "p_value": p_value}
    out = out.assign(**{name: np.where(itself, np.nan, values) for name, values in limits.items()})
    sums = cells[list(SUMS)].reset_index(drop=True)
    return out.assign(method=METHOD.format(cluster=cluster), **sums)


def log_variance(cells, *, poisson) -> np.ndarray:
    """Estimate the variance of the logarithm of each rate from its sums over children.

    Parameters
    ----------
    cells : DataFrame or mapping of str to array
        ``events, denominator`` and ``SUMS``.
    poisson : array of bool
        Whether the base is the population: then only the events of a child vary, not its years.

    Returns
    -------
    array
        NaN where there are no events, or only one child: nothing shows how children differ.
    """
    x, n, g, xx, xn, nn = (np.asarray(cells[c], float) for c in ("events", "denominator", *SUMS))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = x / n
        spread = np.where(poisson, xx, xx - 2 * rate * xn + rate**2 * nn)
        return np.where((x > 0) & (g > 1), np.maximum(spread, 0) / x**2 * g / (g - 1), np.nan)


def log_interval(
    ratio, variance, freedom, *, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the limits of a ratio and its test of 1, from the variance of its logarithm, with t.

    Parameters
    ----------
    ratio, variance, freedom : array
        The ratio, the variance of its logarithm, and degrees of freedom.
    level : float
        Confidence level.

    Returns
    -------
    tuple of array
        ``low, high, p_value``; NaN where the variance is.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        error, log = np.sqrt(variance), np.log(ratio)
        reach = np.exp(special.stdtrit(freedom, (1 + level) / 2) * error)
        return ratio / reach, ratio * reach, 2 * special.stdtr(freedom, -np.abs(log) / error)
