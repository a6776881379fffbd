"""What would this printed figure be, if the counts were those? The intruder's own arithmetic.

Written again from the textbooks, on purpose: it shares nothing with the modules that made the figures,
so that a fault there cannot hide itself here. Every function takes arrays that broadcast.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

Z = 1.959963984540054
"""The normal deviate of a 95% interval."""

KINDS = frozenset(
    {"count", "share", "proportion", "rate", "change", "rate_ratio", "risk_ratio", "representation_index",
     "complement_ratio", "odds_ratio", "risk_difference", "rate_difference", "events_above_parity",
     "events_above_share"}
)  # fmt: skip
"""The figures that :func:`estimate` computes."""

_SUPPORT = 4_000_000


def estimate(kind: str, x, n=1.0, rx=1.0, rn=1.0, *, per: float = 1.0) -> np.ndarray:
    """Compute a figure from its counts.

    Parameters
    ----------
    kind : str
        ``count`` is x; ``share``, ``proportion`` and ``rate`` are x / n; ``change`` is x / n - 1; ``rate_ratio``,
        ``risk_ratio`` and ``representation_index`` are (x / n) / (rx / rn), the last with the totals as
        ``rx, rn``; also ``complement_ratio``, ``odds_ratio``, ``risk_difference``, ``rate_difference``,
        ``events_above_parity`` and ``events_above_share``.
    x, n, rx, rn : array of float
        Count and base, and those of the reference.
    per : float
        What the figure is given per: 100 for a percentage.

    Returns
    -------
    array of float
        NaN or infinite where a division by zero makes it so.

    Examples
    --------
    >>> float(estimate("share", 4, 5, per=100)), float(estimate("rate_ratio", 8, 100, 4, 200))
    (80.0, 4.0)
    """
    x, n, rx, rn = (np.asarray(v, float) for v in (x, n, rx, rn))
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind in ("count", "share", "proportion", "rate"):
            return per * x / n
        if kind == "change":
            return per * (x / n - 1)
        if kind in ("rate_ratio", "risk_ratio", "representation_index"):
            return per * (x / n) / (rx / rn)
        if kind == "complement_ratio":
            return ((n - x) / n) / ((rn - rx) / rn)
        if kind == "odds_ratio":
            return (x / (n - x)) / (rx / (rn - rx))
        if kind in ("risk_difference", "rate_difference"):
            return per * (x / n - rx / rn)
        if kind in ("events_above_parity", "events_above_share"):
            return x - (n * rx / rn)
    raise ValueError(
        f"figure {kind!r} is unknown; use share, rate, rate_ratio, change or another of this list."
    )


def end_of(kind: str, end: str, method: str) -> Callable | None:
    """Find the function that computes one end of an interval, or None if the intruder has none.

    Parameters
    ----------
    kind : str
        As for :func:`estimate`.
    end : {"low", "high"}
        Which end.
    method : str
        The method as printed: Wilson, exact, Byar, log, mid-P (of rates, and of odds), Miettinen-Nurminen, MOVER,
        Newcombe.

    Returns
    -------
    callable or None
        Of ``x, n, rx, rn, per``.
    """
    family = _family(kind, method.lower())
    if family is None:
        return None
    side = 0 if end == "low" else 1
    return lambda x, n, rx=1.0, rn=1.0, per=1.0: (
        per * family(*np.broadcast_arrays(*(np.asarray(v, float) for v in (x, n, rx, rn))))[side]
    )


def _family(kind: str, method: str) -> Callable | None:
    if kind in ("share", "proportion"):
        single = _clopper_pearson if "clopper" in method else _wilson
        return lambda x, n, rx, rn: single(x, n)
    if kind == "rate":
        return lambda x, n, rx, rn: [v / n for v in (_byar_or_exact(x) if "byar" in method else _exact(x))]
    if kind == "representation_index":
        return lambda x, n, rx, rn: [v / (n / rn) for v in _wilson(x, rx)]
    if kind in ("rate_ratio", "risk_ratio"):
        if "mid-p" in method:
            return _mid_p_ratio
        return _score_ratio if "miettinen" in method else _log_ratio if "log" in method else None
    if kind == "odds_ratio" and "mid-p" in method:
        return _mid_p_odds
    if kind == "complement_ratio" and "miettinen" in method:
        return lambda x, n, rx, rn: _score_ratio(n - x, n, rn - rx, rn)
    if kind in ("rate_difference", "risk_difference"):
        return _mover_rates if kind == "rate_difference" else _newcombe
    if kind == "events_above_parity" and ("of rates" in method or "of shares" in method):
        difference = _mover_rates if "of rates" in method else _newcombe
        return lambda x, n, rx, rn: [n * v for v in difference(x, n, rx, rn)]
    return None


# -- one group ---------------------------------------------------------------------------------------


def _wilson(x, n):
    with np.errstate(divide="ignore", invalid="ignore"):
        p = x / n
        middle, half = p + Z**2 / (2 * n), Z * np.sqrt(np.maximum(p * (1 - p) / n + Z**2 / (4 * n**2), 0))
        return (middle - half) / (1 + Z**2 / n), (middle + half) / (1 + Z**2 / n)


def _clopper_pearson(x, n):
    with np.errstate(invalid="ignore"):
        low = np.where(x > 0, special.betaincinv(np.maximum(x, 1e-9), n - x + 1, 0.025), 0.0)
        high = np.where(x < n, special.betaincinv(x + 1, np.maximum(n - x, 1e-9), 0.975), 1.0)
    return low, high


def _exact(x):
    low = np.where(x > 0, special.gammaincinv(np.maximum(x, 1e-9), 0.025), 0.0)
    return low, special.gammaincinv(x + 1, 0.975)


def _byar(x):
    safe = np.maximum(x, 1e-9)
    low = safe * (1 - 1 / (9 * safe) - Z / (3 * np.sqrt(safe))) ** 3
    return np.where(x > 0, low, 0.0), (x + 1) * (1 - 1 / (9 * (x + 1)) + Z / (3 * np.sqrt(x + 1))) ** 3


def _byar_or_exact(x):
    """Byar's limits from 10 events, exact ones below: the rule of the Office for Health Improvement."""
    return [np.where(x < 10, e, b) for e, b in zip(_exact(x), _byar(x), strict=True)]


# -- two groups --------------------------------------------------------------------------------------


def _log_ratio(x, n, rx, rn):
    with np.errstate(divide="ignore", invalid="ignore"):
        log, error = np.log((x / n) / (rx / rn)), np.sqrt(1 / x - 1 / n + 1 / rx - 1 / rn)
        return np.exp(log - Z * error), np.exp(log + Z * error)


def _mid_p_ratio(x, n, rx, rn):
    """Ratio of two rates: the mid-P limits of the share of all events, by bisection."""
    both = x + rx

    def tail(share, sign):
        if sign < 0:  # no more than x of the events of both, by the beta function: counts need not be whole
            inner = np.where(rx > 0, special.betaincc(x + 1, np.maximum(rx, 1e-9), share), 1.0)
        else:
            inner = np.where(x > 0, special.betainc(np.maximum(x, 1e-9), rx + 1, share), 1.0)
        point = np.exp(
            special.gammaln(both + 1)
            - special.gammaln(x + 1)
            - special.gammaln(rx + 1)
            + special.xlogy(x, share)
            + special.xlog1py(rx, -share)
        )
        return inner - point / 2

    with np.errstate(divide="ignore", invalid="ignore"):
        low = _bisect(lambda s: tail(s, 1) - 0.025, both.shape)
        high = _bisect(lambda s: 0.025 - tail(s, -1), both.shape)
        low, high = np.where(x > 0, low, 0.0), np.where(rx > 0, high, 1.0)
        return low / (1 - low) * rn / n, high / (1 - high) * rn / n


def _bisect(function, shape) -> np.ndarray:
    """Solve function(s) = 0 for an increasing function of a share."""
    low, high = np.zeros(shape), np.ones(shape)
    for _ in range(60):
        middle = (low + high) / 2
        up = function(middle) > 0
        low, high = np.where(up, low, middle), np.where(up, middle, high)
    return (low + high) / 2


def _mid_p_odds(x, n, rx, rn):
    """Odds ratio: the mid-P limits of Fisher's noncentral hypergeometric distribution, by bisection.

    The support of each table is laid out beside the others, so it is for tables of whole numbers.
    """
    counts = np.array([np.ravel(v) for v in (x, n, rx, rn)])
    ends = np.full((2, counts.shape[1]), np.nan)
    whole = np.flatnonzero((counts == np.round(counts)).all(axis=0))  # not the tables with a hidden count
    widest = counts[:, whole].max(initial=0) + 1
    for some in np.array_split(whole, int(len(whole) * widest // _SUPPORT) + 1):
        if len(some):
            ends[:, some] = _conditional_limits(*counts[:, some])
    return ends[0].reshape(x.shape), ends[1].reshape(x.shape)


def _conditional_limits(x, n, rx, rn) -> tuple[np.ndarray, np.ndarray]:
    """Find both limits of tables of whole numbers."""
    least, most = np.maximum(x + rx - rn, 0), np.minimum(n, x + rx)
    width = (most - least).max() + 1
    at = least[:, None] + np.arange(width)
    inside = at <= most[:, None]
    at = np.where(inside, at, least[:, None])
    other = (x + rx)[:, None] - at
    weight = -sum(special.gammaln(v + 1) for v in (at, n[:, None] - at, other, rn[:, None] - other))
    ends = []
    for sign in (1, -1):
        beyond = np.where(at == x[:, None], 0.5, (sign * (at - x[:, None]) > 0).astype(float)) * inside
        low, high = np.full(len(x), -30.0), np.full(len(x), 30.0)
        for _ in range(55):
            middle = (low + high) / 2
            mass = np.where(inside, weight + at * middle[:, None], -np.inf)
            mass = np.exp(mass - mass.max(axis=1, keepdims=True))
            tail = (mass * beyond).sum(axis=1) / mass.sum(axis=1)
            up = (tail > 0.025) == (sign > 0)  # the tail above x grows with the odds ratio
            low, high = np.where(up, low, middle), np.where(up, middle, high)
        ends.append(np.exp((low + high) / 2))
    return np.where(x > least, ends[0], 0.0), np.where(x < most, ends[1], np.inf)


def _score_ratio(x, n, rx, rn):
    """Ratio of two shares: Miettinen and Nurminen's score limits, by bisection on the logarithm."""
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.log(np.maximum(x, 0.5) / n / (np.maximum(rx, 0.5) / rn))
        ends = []
        for sign in (-1, 1):
            near, far = centre.copy(), centre + sign * 12.0
            for _ in range(70):
                middle = (near + far) / 2
                inside = np.abs(_score(np.exp(middle), x, n, rx, rn)) < Z
                near, far = np.where(inside, middle, near), np.where(inside, far, middle)
            ends.append(np.exp((near + far) / 2))
        return np.where(x > 0, ends[0], 0.0), np.where(rx > 0, ends[1], np.inf)


def _score(ratio, x, n, rx, rn):
    """Miettinen and Nurminen (1985), equations 9 and 10: the score of a hypothetical ratio of shares."""
    a = (n + rn) * ratio
    b = -(n * ratio + x + rn + rx * ratio)
    q = (-b - np.sqrt(np.maximum(b * b - 4 * a * (x + rx), 0))) / (2 * a)
    p = np.clip(q * ratio, 0, 1)
    variance = (p * (1 - p) / n + ratio**2 * q * (1 - q) / rn) * (n + rn) / (n + rn - 1)
    return (x / n - ratio * rx / rn) / np.sqrt(np.maximum(variance, 1e-300))


def _mover(estimates, limits):
    (a, b), ((al, ah), (bl, bh)) = estimates, limits
    return a - b - np.hypot(a - al, bh - b), a - b + np.hypot(ah - a, b - bl)


def _mover_rates(x, n, rx, rn):
    limits = [[v / m for v in _byar_or_exact(y)] for y, m in ((x, n), (rx, rn))]
    return _mover((x / n, rx / rn), limits)


def _newcombe(x, n, rx, rn):
    return _mover((x / n, rx / rn), (_wilson(x, n), _wilson(rx, rn)))
