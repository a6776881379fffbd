"""How is a count, a choice or a day drawn? The same from a seed on every machine.

Only uniform numbers are drawn, and turned by inversion: NumPy keeps the stream of ``random`` from a seed
the same across versions and machines, and does not promise it for ``poisson`` or ``choice``.
Days are whole numbers from 1 January 1970.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Whole = np.ndarray | int


def poisson(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Draw a count for each mean."""
    top = float(mean.max())
    k = np.arange(int(top + 12 * math.sqrt(top) + 30))
    m = np.maximum(mean, 1e-300)[..., None]
    below = np.cumsum(np.exp(k * np.log(m) - m - np.cumsum(np.log(np.maximum(k, 1)))), axis=-1)
    return (rng.random(mean.shape)[..., None] > below).sum(-1)


def cells(count: np.ndarray) -> list[np.ndarray]:
    """Turn an array of counts into one position a case, for each axis."""
    return [place.repeat(count.ravel()) for place in np.indices(count.shape).reshape(count.ndim, -1)]


def pick(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """Draw a row for each column of weights that add to 1."""
    below = np.cumsum(weights, axis=0)[:-1]
    return (rng.random(below.shape[1]) > below).sum(0)


def draw(rng: np.random.Generator, n: int, weights: Sequence[float] | Mapping[Any, float]) -> np.ndarray:
    """Draw n times from one list of weights: positions, or the names of a mapping."""
    chances = list(weights.values()) if isinstance(weights, Mapping) else list(weights)
    place = np.searchsorted(np.cumsum(chances)[:-1], rng.random(n))
    return np.array(list(weights), dtype=object)[place] if isinstance(weights, Mapping) else place


def geometric(rng: np.random.Generator, n: int, mean: np.ndarray | float) -> np.ndarray:
    """Draw whole numbers from 0 on with this mean."""
    return np.floor(np.log1p(-rng.random(n)) / np.log(mean / (1 + mean))).astype(int)


def days(rng: np.random.Generator, n: int, low: Whole, high: Whole) -> np.ndarray:
    """Draw whole days from low to high, both included."""
    return low + np.floor(rng.random(n) * (high - low + 1)).astype(int)


def first_of(year: Whole, month: Whole) -> np.ndarray:
    """Find the day on which a month begins; months may run past 12."""
    months = (np.asarray(year) - 1970) * 12 + np.asarray(month) - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(int)


def iso(days: Whole) -> np.ndarray:
    """Write days as YYYY-MM-DD."""
    return np.asarray(days).astype("datetime64[D]").astype(str)
