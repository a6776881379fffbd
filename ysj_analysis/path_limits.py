"""How sure is a product of relative rates, and the share of one of them? Limits of sums of logarithms.

Arrays in, arrays out, for many paths at once: the rows of a path stand together, in order. Each row has a
logarithm and how far its limits lie below and above it. The rows are uncorrelated, so squared distances
add (square-and-add: Zou and Donner 2008), and the limits of a share are where the limits of
``(1 - t) x own - t x others`` pass 0 (Fieller's theorem, with limits in the place of variances).
"""

from __future__ import annotations

import numpy as np

_ROUNDING = 1e-9


def combined(logs, below, above, first):
    """Add logarithms along each path, with the distances to the limits of the sums.

    Parameters
    ----------
    logs, below, above : array of float
        The logarithm of each step, and the distances from it to its lower and upper limit; a distance
        of inf is a limit of 0 or inf, NaN one that is not known.
    first : array of bool
        Where a path begins.

    Returns
    -------
    tuple
        ``so_far`` (the sum up to each row), ``whole`` (of its path), and two pairs of arrays: the
        distances below and above, of the sum so far and of the whole.

    Examples
    --------
    >>> so_far, whole, down, up = combined(np.log([2, 1.5]), np.array([0.3, 0.4]), np.array([0.3, 0.4]),
    ...                                    np.array([True, False]))
    >>> down[0].round(2).tolist(), np.exp(whole).round(2).tolist()
    ([0.3, 0.5], [3.0, 3.0])
    """
    size = len(logs)
    if not size:
        empty = np.zeros(0)
        return empty, empty, (empty, empty), (empty, empty)
    start = np.maximum.accumulate(np.where(first, np.arange(size), 0))
    last = np.append(first[1:], True)
    end = np.minimum.accumulate(np.where(last, np.arange(size), size)[::-1])[::-1]
    so_far = _running(logs, start)
    down, up = (np.sqrt(_running(d**2, start)) for d in (below, above))
    return so_far, so_far[end], (down, down[end]), (up, up[end])


def share_limits(logs, below, above, whole, down, up, first):
    """Give each step's share of the logarithm of its path, with its limits.

    Parameters
    ----------
    logs, below, above, first
        As for :func:`combined`.
    whole, down, up
        As it returns them.

    Returns
    -------
    tuple of array
        ``part, low, high``. The part is NaN where the whole is 0; the limits are NaN where those of the
        whole hold 0. The only step of a path has part 1, from 1 to 1, where the whole is not 0.

    References
    ----------
    Fieller (1954), Journal of the Royal Statistical Society B 16:175-185; Donner and Zou (2012),
    Statistical Methods in Medical Research 21:347-359, for ratios from limits.

    Examples
    --------
    >>> logs, d, first = np.log([4.0, 2.0]), np.array([0.3, 0.3]), np.array([True, False])
    >>> so_far, *rest = combined(logs, d, d, first)
    >>> [v.round(2).tolist() for v in share_limits(logs, d, d, *rest, first)]
    [[0.67, 0.33], [0.56, 0.22], [0.78, 0.44]]
    """
    if not len(logs):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(whole != 0, logs, np.nan) / whole
        rest_down = np.sqrt(np.maximum(down[1] ** 2 - below**2, 0))
        rest_up = np.sqrt(np.maximum(up[1] ** 2 - above**2, 0))
    # A share of a negative whole is the same share of its mirror image.
    sign = np.where(whole < 0, -1.0, 1.0)
    own, total = logs * sign, whole * sign
    near, far = (np.where(sign > 0, a, b) for a, b in ((below, above), (above, below)))
    rest_near, rest_far = (np.where(sign > 0, a, b) for a, b in ((rest_down, rest_up), (rest_up, rest_down)))
    whole_near = np.where(sign > 0, down[1], up[1])
    # Where t crosses 0 or 1 a coefficient changes sign, and with it which distance counts: t is below
    # 0, between, or above 1; each distance is squared with its coefficient.
    lows = _roots(own, total, [(near, rest_near), (near, rest_far), (far, rest_far)])
    highs = _roots(own, total, [(far, rest_far), (far, rest_near), (near, rest_near)])
    low = np.where(lows <= part + _ROUNDING, lows, -np.inf).max(axis=0)
    high = np.where(highs >= part - _ROUNDING, highs, np.inf).min(axis=0)
    alone = first & np.append(first[1:], True)
    low, high = (np.where(alone, 1.0, v) for v in (low, high))
    bounded = (total - whole_near > _ROUNDING) & np.isfinite(low) & np.isfinite(high)
    return part, np.where(bounded, low, np.nan), np.where(bounded, high, np.nan)


def _running(values, start):
    """Add values up along each path, exactly as far as each path goes."""
    total = np.cumsum(np.where(np.isfinite(values), values, 0.0))
    unknown = np.cumsum(np.isnan(values))
    endless = np.cumsum(np.isinf(values))
    sums = total - (total - np.where(np.isfinite(values), values, 0.0))[start]
    sums = np.where(endless - (endless - np.isinf(values))[start] > 0, np.inf, sums)
    return np.where(unknown - (unknown - np.isnan(values))[start] > 0, np.nan, sums)


def _roots(own, total, distances):
    """Solve ``(own - t total)^2 = (1 - t)^2 d^2 + t^2 e^2`` where t is below 0, from 0 to 1, and above 1."""
    found = []
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for (d, e), (least, most) in zip(distances, ((-np.inf, 0), (0, 1), (1, np.inf)), strict=True):
            a = total**2 - d**2 - e**2
            b = own * total - d**2
            c = own**2 - d**2
            depth = np.sqrt(np.maximum(b**2 - a * c, 0))
            far = b + np.where(b < 0, -depth, depth)
            for root in (far / a, c / far):
                inside = (root >= least - _ROUNDING) & (root <= most + _ROUNDING)
                left = a * root**2 - 2 * b * root + c
                solved = np.abs(left) <= _ROUNDING * (np.abs(a) * root**2 + 2 * np.abs(b * root) + np.abs(c))
                solved |= np.abs(left) <= _ROUNDING**2
                found.append(np.where(inside & solved, np.clip(root, least, most), np.nan))
    return np.array(found)
