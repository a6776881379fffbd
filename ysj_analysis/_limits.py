"""The arithmetic behind ``intervals``: limits for cells already known to be sound.

Everything here takes one-dimensional float arrays. Where a limit compares two groups only the upper
one is written: the lower is the upper with the groups exchanged, inverted (or negated), so exchanging
the groups inverts an interval exactly, and there is one formula to check rather than two.
"""

from functools import wraps

import numpy as np
from scipy import special

_SQRT_TAU = np.sqrt(2 * np.pi)


def root_of_decreasing(function, guess, bottom, top, columns):
    """Find where decreasing functions cross zero: Newton's steps, kept inside a shrinking bracket.

    Parameters
    ----------
    function : callable
        ``function(at, *columns)`` gives a value in units of z, and its slope, row by row.
    guess, bottom, top : ndarray
        Where to start, and a bracket around each root.
    columns : tuple of ndarray
        What the function needs; rows already solved are dropped from it.

    Notes
    -----
    A row is done when its value is under a millionth of a standard error and one more step has been
    taken. As Newton's step squares the error, what is left is of the order of 1e-12. A step that would
    leave the bracket, and every fourth step after the twentieth, halves the bracket instead, so a
    function on which Newton's method wanders is solved all the same.
    """
    root = np.empty_like(guess)
    rows, at, rounds = np.arange(guess.size), guess, 0
    while rows.size:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            value, slope = function(at, *columns)
            ahead = at - value / slope
        bottom, top = np.where(value > 0, at, bottom), np.where(value > 0, top, at)
        stepping = (ahead >= bottom) & (ahead <= top) & (rounds < 20 or rounds % 4 > 0)
        ahead = np.where(stepping, ahead, (bottom + top) / 2)
        done = (stepping & (np.abs(value) < 1e-6)) | (top - bottom <= 1e-14 * np.abs(ahead))
        root[rows] = ahead
        rest = ~done
        rows, at, bottom, top = rows[rest], ahead[rest], bottom[rest], top[rest]
        columns = tuple(column[rest] for column in columns)
        rounds += 1
    return root


def _in_blocks(limit, size=4096):
    """Work through the cells some thousands at a time, so that they stay in the processor's cache."""

    @wraps(limit)
    def blockwise(*columns):
        blocks = [
            limit(*(column[first : first + size] if np.ndim(column) else column for column in columns))
            for first in range(0, max(columns[0].size, 1), size)
        ]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    return blockwise


# One group -------------------------------------------------------------------------------------


def wilson(x, n, z):
    """Limits of a proportion: Wilson 1927, from the score test."""
    middle, spread = x + z * z / 2, z * np.sqrt(x * (n - x) / n + z * z / 4)
    low = np.where(x == 0, 0.0, (middle - spread) / (n + z * z))
    high = np.where(x == n, 1.0, (middle + spread) / (n + z * z))
    return low, high


def clopper_pearson(x, n, z):
    """Limits of a proportion: Clopper and Pearson 1934, from the binomial tails."""
    tail = special.ndtr(-z)
    with np.errstate(invalid="ignore"):
        low = np.where(x == 0, 0.0, special.betaincinv(np.maximum(x, 1), n - x + 1, tail))
        high = np.where(x == n, 1.0, special.betainccinv(x + 1, np.maximum(n - x, 1), tail))
    return low, high


def jeffreys(x, n, z):
    """Limits of a proportion: equal tails of its posterior under Jeffreys' prior, 0 and 1 kept."""
    tail = special.ndtr(-z)
    low = np.where(x == 0, 0.0, special.betaincinv(x + 0.5, n - x + 0.5, tail))
    high = np.where(x == n, 1.0, special.betainccinv(x + 0.5, n - x + 0.5, tail))
    return low, high


def binomial_mid_p(x, n, z):
    """Limits of a proportion from the binomial tails, counting half of what was observed."""
    below, above = odds_mid_p(n - x, x, z), odds_mid_p(x, n - x, z)
    with np.errstate(divide="ignore"):
        return 1 / (1 + below), 1 / (1 + 1 / above)


def garwood(x, z):
    """Limits of a Poisson count: Garwood 1936, from the Poisson tails."""
    tail = special.ndtr(-z)
    low = np.where(x == 0, 0.0, special.gammaincinv(np.maximum(x, 1), tail))
    return low, special.gammainccinv(x + 1, tail)


def byar(x, z):
    """Limits of a Poisson count: Byar's approximation to Garwood's, as in Breslow and Day 1987."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(x == 0, 0.0, x * np.maximum(1 - 1 / (9 * x) - z / (3 * np.sqrt(x)), 0) ** 3)
    y = x + 1
    return low, y * (1 - 1 / (9 * y) + z / (3 * np.sqrt(y))) ** 3


def ohid(x, z):
    """Limits of a Poisson count: Garwood below 10, Byar from 10."""
    few = x < 10
    low, high = byar(x, z)
    low[few], high[few] = garwood(x[few], z)
    return low, high


def poisson_score(x, z):
    """Limits of a Poisson count: from the score test."""
    middle, spread = x + z * z / 2, z * np.sqrt(x + z * z / 4)
    return np.where(x == 0, 0.0, x * x / (middle + spread)), middle + spread


def poisson_mid_p(x, z):
    """Limits of a Poisson count from the Poisson tails, counting half of what was observed."""
    low, high = np.zeros_like(x), np.full_like(x, -np.log(2 * special.ndtr(-z)))
    some = x > 0
    x = x[some]
    columns = (x, special.gammaln(x + 1), np.full_like(x, z))
    ends = np.full_like(x, -745.0), np.full_like(x, 710.0)
    for limits, function, start in zip(
        (low, high), (_poisson_mid_p_low, _poisson_mid_p_high), poisson_score(x, z), strict=True
    ):
        limits[some] = np.exp(root_of_decreasing(function, np.log(start), *ends, columns))
    return low, high


def _poisson_mid_p_high(log_mean, x, log_factorial, z):
    mean = np.exp(log_mean)
    mass = np.exp(x * log_mean - mean - log_factorial)
    return probit(special.gammaincc(x + 1, mean) - mass / 2, z, -mass * (x + mean) / 2)


def _poisson_mid_p_low(log_mean, x, log_factorial, z):
    mean = np.exp(log_mean)
    mass = np.exp(x * log_mean - mean - log_factorial)
    value, slope = probit(special.gammainc(x, mean) - mass / 2, z, mass * (x + mean) / 2)
    return -value, -slope


def probit(tail, z, slope):
    """Straighten a tail probability: its normal quantile beyond ``-z``, and the slope of that."""
    quantile = special.ndtri(np.clip(tail, 1e-300, 1 - 1e-16))
    return quantile + z, slope * _SQRT_TAU * np.exp(quantile * quantile / 2)


# Two groups: rates -----------------------------------------------------------------------------
# Given a + b events in all, a of them fall in the group as heads fall in a + b tosses. These are
# upper limits of the odds of heads, which are the ratio of rates times the ratio of exposures.


def odds_score(a, b, z):
    """Upper limit of the odds: the score test's, the larger root of a quadratic."""
    n = a + b
    with np.errstate(divide="ignore", invalid="ignore"):
        high = (2 * a * b + z * z * n + z * np.sqrt(n * (4 * a * b + z * z * n))) / (2 * b * b)
    return np.where(b == 0, np.inf, high)


def odds_log(a, b, z):
    """Upper limit of the odds: the log's normal limits. inf where it has no standard error."""
    return np.where((a > 0) & (b > 0), a / b * np.exp(z * np.sqrt(1 / a + 1 / b)), np.inf)


def odds_exact(a, b, z):
    """Upper limit of the odds: Clopper and Pearson's, taken from whichever side is the smaller."""
    tail = special.ndtr(-z)
    from_heads = a < b
    first, second = np.where(from_heads, a + 1, b), np.where(from_heads, b, a + 1)
    share = np.empty_like(a)
    for side, inverse in ((from_heads, special.betainccinv), (~from_heads, special.betaincinv)):
        share[side] = inverse(first[side], np.maximum(second[side], 1), tail)
    with np.errstate(divide="ignore", invalid="ignore"):
        high = np.where(from_heads, share / (1 - share), (1 - share) / share)
    return np.where(b == 0, np.inf, high)


@_in_blocks
def odds_mid_p(a, b, z):
    """Upper limit of the odds: counting half the chance of what was observed."""
    with np.errstate(divide="ignore"):
        high = np.where(b == 0, np.inf, np.expm1(-np.log(2 * special.ndtr(-z)) / b))
    both = (a > 0) & (b > 0)
    a, b = a[both], b[both]
    # Jeffreys' limits are close by; his beta quantile is close to a ratio of cubes of normals (Paulson 1942).
    u, v = 1 / (9 * a + 4.5), 1 / (9 * b + 4.5)
    under = (1 - v) ** 2 - z * z * v
    with np.errstate(invalid="ignore", divide="ignore"):
        cube = ((1 - u) * (1 - v) + z * np.sqrt((1 - v) ** 2 * u + (1 - u) ** 2 * v - z * z * u * v)) / under
        start = np.where(under > 0.05, cube**3 * v / u, odds_score(a, b, z))
    log_choose = -special.betaln(a + 1, b + 1) - np.log(a + b + 1)
    ends = np.full(a.size, -80.0), np.full(a.size, 700.0)
    high[both] = np.exp(
        root_of_decreasing(_odds_mid_p, np.log(start), *ends, (a, b, log_choose, np.full(a.size, z)))
    )
    return high


def _odds_mid_p(log_odds, a, b, log_choose, z):
    heads, tails = special.expit(log_odds), special.expit(-log_odds)
    mass = np.exp(log_choose + a * special.log_expit(log_odds) + b * special.log_expit(-log_odds))
    tail = special.betainc(b, a + 1, tails) - mass / 2
    return probit(tail, z, -mass * (a * tails + b * heads) / 2)


# Two groups: proportions -----------------------------------------------------------------------


def ratio_miettinen_nurminen(x1, n1, x2, n2, z):
    """Upper limit of a ratio of proportions: Miettinen and Nurminen 1985."""
    return ratio_koopman(x1, n1, x2, n2, z * np.sqrt((n1 + n2) / (n1 + n2 - 1)))


@_in_blocks
def ratio_koopman(x1, n1, x2, n2, z):
    """Upper limit of a ratio of proportions: Koopman 1984; ``z`` may differ from cell to cell.

    Of the pairs of proportions with a ratio above the observed one, the likeliest come of moving some
    events: up to p1 = (x1 + moved) / (n1 + moved), down to p2 = (x2 - moved) / (n2 - moved), with the
    same ``moved`` in both, since the slopes of the two likelihoods must cancel. Koopman's statistic is then

        moved^2 [(1 - x1/n1) / (x1 + moved) + (1 - x2/n2) / (x2 - moved)]

    which grows from 0 without end as ``moved`` goes from 0 to x2, and is set equal to z^2. A full reference
    is the one exception: p2 stays 1 until as many as x2 have been moved, and only then falls.
    """
    high = np.full_like(x1, np.inf)
    x1, n1, x2, n2, z = np.broadcast_arrays(x1, n1, x2, n2, z)
    rest1, rest2 = (n1 - x1) / n1, (n2 - x2) / n2

    some = (x2 > 0) & (x2 < n2)
    a, n_a, b, n_b, rest_a, rest_b, critical = (v[some] for v in (x1, n1, x2, n2, rest1, rest2, z))
    # Cleared of its fractions this is a cubic; without the cubic term, a quadratic close to it.
    square = critical * critical
    bend, tilt = rest_a * b + rest_b * a + square, square * (b - a)
    start = (tilt + np.sqrt(tilt * tilt + 4 * square * bend * a * b)) / (2 * bend)
    bend += (rest_b - rest_a) * start
    start = (tilt + np.sqrt(tilt * tilt + 4 * square * bend * a * b)) / (2 * bend)
    start = np.where((start > 0) & (start < b), start, b / 2)
    columns = (a, b, rest_a, rest_b, critical)
    moved = root_of_decreasing(_ratio_score, start, np.zeros_like(b), b, columns)
    high[some] = (a + moved) / (n_a + moved) * ((n_b - moved) / (b - moved))

    full = (x2 > 0) & (x2 == n2)
    a, n_a, b, rest_a, square = (v[full] for v in (x1, n1, x2, rest1, z * z))
    with np.errstate(divide="ignore"):
        moved = np.minimum((square + np.sqrt(square * (square + 4 * rest_a * a))) / (2 * rest_a), b)
    fallen = np.where(moved < b, 0, square - b * b * rest_a / (a + b)) / b  # (1 - p2) / p2
    high[full] = (a + moved) / (n_a + moved) * (1 + fallen)
    return high


def _ratio_score(moved, x1, x2, rest1, rest2, z):
    raised, lowered = x1 + moved, x2 - moved
    part1, part2 = rest1 / raised, rest2 / lowered
    root = np.sqrt(part1 + part2)
    return z - moved * root, -root - moved * (part2 / lowered - part1 / raised) / (2 * root)


def ratio_log(x1, n1, x2, n2, z):
    """Upper limit of a ratio of proportions: Katz and others 1978. inf where it has no standard error."""
    error = np.sqrt((1 / x1 - 1 / n1) + (1 / x2 - 1 / n2))
    high = (x1 * n2) / (x2 * n1) * np.exp(z * error)
    return np.where((x1 > 0) & (x2 > 0) & (error > 0), high, np.inf)


def difference_newcombe(x1, n1, x2, n2, z):
    """Upper limit of a difference of proportions: Newcombe 1998, method 10."""
    (_, high1), (low2, _) = wilson(x1, n1, z), wilson(x2, n2, z)
    p1, p2 = x1 / n1, x2 / n2
    return p1 - p2 + np.hypot(high1 - p1, p2 - low2)


@_in_blocks
def difference_miettinen_nurminen(x1, n1, x2, n2, z):
    """Upper limit of a difference of proportions: Miettinen and Nurminen 1985.

    The likeliest pair of proportions with a difference above the observed one has slopes of the two
    likelihoods that cancel: n1 p1 - x1 = pull p1 q1 and x2 - n2 p2 = pull p2 q2, a quadratic each. The
    score statistic is then pull sqrt(p1 q1 / n1 + p2 q2 / n2), which grows with the pull, and its square
    is the pull times how far the difference has been moved. No cubic need be solved.
    """
    high = np.ones_like(x1)
    some = (x1 < n1) | (x2 > 0)
    x1, n1, x2, n2 = (column[some] for column in (x1, n1, x2, n2))
    z = z * np.sqrt((n1 + n2) / (n1 + n2 - 1))
    p1, q2 = (x1 + 0.5) / (n1 + 1), (n2 - x2 + 0.5) / (n2 + 1)
    start = z / np.sqrt(p1 * (1 - p1) / n1 + q2 * (1 - q2) / n2)
    top = (z * z + n1 + n2) / ((n1 - x1) / n1 + x2 / n2)
    columns = (x1, n1, n2 - x2, n2, z)
    pull = root_of_decreasing(_difference_score, np.minimum(start, top), np.zeros_like(top), top, columns)
    high[some] = x1 / n1 - x2 / n2 + z * z / pull
    return high


def _difference_score(pull, x1, n1, others2, n2, z):
    p1, p1_slope = _pulled_up(pull, x1, n1)
    q2, q2_slope = _pulled_up(pull, others2, n2)
    deviation = np.sqrt(p1 * (1 - p1) / n1 + q2 * (1 - q2) / n2)
    change = (1 - 2 * p1) * p1_slope / n1 + (1 - 2 * q2) * q2_slope / n2
    return z - pull * deviation, -deviation - pull * change / (2 * deviation)


def _pulled_up(pull, x, n):
    """Solve n p - x = pull p (1 - p) for p, by the form of the root that does not cancel; and its slope."""
    short = n - pull
    root = np.sqrt(short * short + 4 * pull * x)
    p = np.minimum(np.where(short > 0, 2 * x / (short + root), (root - short) / (2 * pull)), 1)
    return p, p * (1 - p) / root
