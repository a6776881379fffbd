"""The arithmetic behind ``intervals``: upper limits for cells already known to be sound.

Everything here takes one-dimensional float arrays. Where a limit compares two groups only the upper
one is written: the lower is the upper with the groups exchanged, inverted (or negated), so exchanging
the groups inverts an interval exactly, and there is one formula to check rather than two.
"""

import numpy as np
from scipy import special

SQRT_TAU = np.sqrt(2 * np.pi)


def root_of_decreasing(function, guess, bottom, top, columns, tolerance=1e-7):
    """Find where decreasing functions cross zero: Newton's steps, kept inside a shrinking bracket.

    Parameters
    ----------
    function : callable
        ``function(at, *columns)`` gives the value and the slope, row by row.
    guess, bottom, top : ndarray
        Where to start, and a bracket around each root.
    columns : tuple of ndarray
        What the function needs; rows already solved are dropped from them.
    tolerance : float
        A row is solved when its step is below this. Newton's steps square the error, so what is
        left after the last one is of the order of the tolerance squared.
    """
    root = np.empty_like(guess)
    rows = np.arange(guess.size)
    at = guess
    while rows.size:
        value, slope = function(at, *columns)
        bottom = np.where(value > 0, at, bottom)
        top = np.where(value > 0, top, at)
        step = value / slope
        ahead = at - step
        inside = (ahead > bottom) & (ahead < top)
        ahead = np.where(inside, ahead, (bottom + top) / 2)
        solved = (np.abs(ahead - at) <= tolerance) | (value == 0)
        root[rows] = np.where(value == 0, at, ahead)
        rest = ~solved
        rows, at, bottom, top = rows[rest], ahead[rest], bottom[rest], top[rest]
        columns = tuple(column[rest] for column in columns)
    return root


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
    score_low, score_high = poisson_score(x, z)
    some = x > 0
    low, high = np.zeros_like(x), np.full_like(x, -np.log(2 * special.ndtr(-z)))
    ends = np.full(some.sum(), -745.0), np.full(some.sum(), 710.0)
    columns = (x[some], special.gammaln(x[some] + 1), np.full(some.sum(), z))

    def upper(log_mean, x, log_factorial, z):
        mean = np.exp(log_mean)
        mass = np.exp(x * log_mean - mean - log_factorial)
        tail = special.gammaincc(x + 1, mean) - mass / 2
        return probit(tail, z, -mass * (x + mean) / 2)

    def lower(log_mean, x, log_factorial, z):
        mean = np.exp(log_mean)
        mass = np.exp(x * log_mean - mean - log_factorial)
        tail = special.gammainc(x, mean) - mass / 2
        value, slope = probit(tail, z, mass * (x + mean) / 2)
        return -value, -slope

    high[some] = np.exp(root_of_decreasing(upper, np.log(score_high[some]), *ends, columns))
    low[some] = np.exp(root_of_decreasing(lower, np.log(score_low[some]), *ends, columns))
    return low, high


def probit(tail, z, slope):
    """Straighten a tail probability: its normal quantile beyond ``-z``, and the slope of that."""
    quantile = special.ndtri(np.clip(tail, 1e-300, 1 - 1e-16))
    return quantile + z, slope * SQRT_TAU * np.exp(quantile * quantile / 2)


# Two groups: rates -----------------------------------------------------------------------------
# Given a + b events in all, a of them fall in the group as heads fall in a + b tosses. These are
# upper limits of the odds of heads, which are the ratio of rates times the ratio of exposures.


def odds_score(a, b, z):
    """Upper limit of the odds: the score test's, the larger root of a quadratic."""
    n = a + b
    with np.errstate(divide="ignore", invalid="ignore"):
        high = (2 * a * b + z * z * n + z * np.sqrt(n * (4 * a * b + z * z * n))) / (2 * b * b)
    return np.where(b == 0, np.inf, high)


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


def ratio_score(x1, n1, x2, n2, z):
    """Upper limit of a ratio of proportions: Koopman 1984, Miettinen and Nurminen 1985.

    ``z`` is an array: with Miettinen and Nurminen's it is larger by N / (N - 1) under the root.
    """
    high = np.full_like(x1, np.inf)
    some = x2 > 0
    x1, n1, x2, n2, z = (column[some] for column in (x1, n1, x2, n2, z))
    with np.errstate(divide="ignore"):
        bottom = np.where(x1 > 0, np.log(x1 * n2) - np.log(x2 * n1), -60.0)
    spread = np.sqrt(1 / (x1 + 0.5) - 1 / (n1 + 1) + 1 / (x2 + 0.5) - 1 / (n2 + 1))
    start = np.log((x1 + 0.5) * (n2 + 0.5)) - np.log((x2 + 0.5) * (n1 + 0.5)) + z * spread
    start = np.where(start > bottom, start, bottom + 0.5)
    top = np.full_like(bottom, 60.0)
    high[some] = np.exp(root_of_decreasing(_ratio_score, start, bottom, top, (x1, n1, x2, n2, z)))
    return high


def _ratio_score(log_ratio, x1, n1, x2, n2, z):
    ratio = np.exp(log_ratio)
    n = n1 + n2
    across, along = ratio * (n1 + x2), n2 + x1
    root = np.sqrt((across - along) ** 2 + 4 * ratio * (n1 - x1) * (n2 - x2))
    p2 = 2 * (x1 + x2) / (across + along + root)
    p1 = ratio * p2
    variance1, variance2 = p1 * np.maximum(1 - p1, 0) / n1, ratio * p1 * np.maximum(1 - p2, 0) / n2
    with np.errstate(divide="ignore", invalid="ignore"):
        p2_slope = ratio * p2 * (n * p2 - n1 - x2) / root
        p1_slope = p1 + ratio * p2_slope
        slope = (1 - 2 * p1) * p1_slope / n1 + 2 * variance2 + ratio * ratio * (1 - 2 * p2) * p2_slope / n2
        variance = variance1 + variance2
        deviation = np.sqrt(variance)
        gap = (x1 / n1 - ratio * x2 / n2) / deviation
        gap_slope = -ratio * x2 / n2 / deviation - gap * slope / (2 * variance)
    return gap + z, gap_slope


def difference_score(x1, n1, x2, n2, z):
    """Upper limit of a difference of proportions: Miettinen and Nurminen 1985."""
    high = np.ones_like(x1)
    some = ~((x1 == n1) & (x2 == 0))
    x1, n1, x2, n2, z = (column[some] for column in (x1, n1, x2, n2, z))
    bottom = x1 / n1 - x2 / n2
    p1, p2 = (x1 + 0.5) / (n1 + 1), (x2 + 0.5) / (n2 + 1)
    start = bottom + z * np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    start = np.where(start < 1, start, (bottom + 1) / 2)
    top = np.ones_like(bottom)
    high[some] = root_of_decreasing(_difference_score, start, bottom, top, (x1, n1, x2, n2, z), 1e-8)
    return high


def _difference_score(gap, x1, n1, x2, n2, z):
    p1, p2 = _proportions_apart(gap, x1, n1, x2, n2)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
        deviation = np.sqrt(variance)
        value = (x1 / n1 - x2 / n2 - gap) / deviation
        # How the fitted proportions move with the gap, from the likelihood equation they solve.
        bend1, bend2 = n1 / (p1 * (1 - p1)), n2 / (p2 * (1 - p2))
        p2_slope = -bend1 / (bend1 + bend2)
        p1_slope = 1 + p2_slope
        slope = (1 - 2 * p1) * p1_slope / n1 + (1 - 2 * p2) * p2_slope / n2
        return value + z, -1 / deviation - value * slope / (2 * variance)


def _proportions_apart(gap, x1, n1, x2, n2):
    """Fit two proportions that are ``gap`` apart: the middle root of the likelihood's cubic."""
    n = n1 + n2
    cubic, square = n, (n1 + 2 * n2) * gap - n - x1 - x2
    line, fixed = (n2 * gap - n - 2 * x2) * gap + x1 + x2, x2 * gap * (1 - gap)
    turn = square / (3 * cubic)
    q = turn**3 - square * line / (6 * cubic**2) + fixed / (2 * cubic)
    p = np.copysign(np.sqrt(np.maximum(turn**2 - line / (3 * cubic), 0)), q)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.clip(np.where(p == 0, 0, q / p**3), -1, 1)
    p2 = 2 * p * np.cos((np.pi + np.arccos(cosine)) / 3) - turn
    p2 = np.clip(p2, np.maximum(0, -gap), np.minimum(1, 1 - gap))
    return np.clip(p2 + gap, 0, 1), p2


# Two groups: odds, given both margins ----------------------------------------------------------


def odds_ratio(x1, n1, x2, n2, z, share):
    """Upper limit of an odds ratio given the margins, counting ``share`` of what was observed."""
    high = np.full_like(x1, np.inf)
    bounded = (x1 < n1) & (x2 > 0)
    some = np.flatnonzero(bounded)
    for rows, step, log_weight in _tables(x1, n1, x2, n2, some, z):
        a, m1, b, m2 = x1[rows] + 0.5, n1[rows] + 1, x2[rows] + 0.5, n2[rows] + 1
        start = np.log(a * (m2 - b) / (b * (m1 - a)))
        start += z * np.sqrt(1 / a + 1 / (m1 - a) + 1 / b + 1 / (m2 - b))
        ends = np.full(rows.size, -200.0), np.full(rows.size, 700.0)
        columns = (step, log_weight, np.full(rows.size, z), np.full(rows.size, share))
        high[rows] = np.exp(root_of_decreasing(_odds_ratio, start, *ends, columns))
    return high


def _odds_ratio(log_ratio, step, log_weight, z, share):
    chance = _chances(log_ratio, step, log_weight)
    counted = (step < 0) + share[:, None] * (step == 0)
    mean = (chance * step).sum(axis=1)
    tail = (chance * counted).sum(axis=1)
    return probit(tail, z, (chance * counted * (step - mean[:, None])).sum(axis=1))


def odds_ratio_test(x1, n1, x2, n2, share):
    """Two-sided p of no association given the margins: the smaller tail doubled."""
    p_value = np.ones_like(x1)
    for rows, step, log_weight in _tables(x1, n1, x2, n2, np.arange(x1.size), 8):
        chance = _chances(np.zeros(rows.size), step, log_weight)
        at = share * (chance * (step == 0)).sum(axis=1)
        below, above = ((chance * side).sum(axis=1) + at for side in (step < 0, step > 0))
        p_value[rows] = np.minimum(2 * np.minimum(below, above), 1)
    return p_value


def _chances(log_ratio, step, log_weight):
    exponent = log_weight + step * log_ratio[:, None]
    chance = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return chance / chance.sum(axis=1, keepdims=True)


def _tables(x1, n1, x2, n2, rows, z, terms=1 << 20):
    """Lay out the tables with the same margins, in blocks of cells that need about as many each.

    Yields the rows, the steps away from the observed table, and the log of the number of ways each
    table can come about over that of the observed one. Tables too far out to matter are left out.
    """
    a, m1, b, m2 = x1[rows], n1[rows], x2[rows], n2[rows]
    spread = 1 / np.sqrt(1 / (a + 1) + 1 / (m1 - a + 1) + 1 / (b + 1) + 1 / (m2 - b + 1))
    reach = np.ceil(2 * (z + 9) * spread + (z + 9) ** 2)
    down, up = np.minimum(np.minimum(a, m2 - b), reach), np.minimum(np.minimum(m1 - a, b), reach)
    width = (down + up + 1).astype(int)
    octave = np.ceil(np.log2(width)).astype(int)
    for size in np.unique(octave):
        chosen = np.flatnonzero(octave == size)
        block = max(terms >> size, 1)
        for first in range(0, chosen.size, block):
            block_rows = chosen[first : first + block]
            lowest, highest = -down[block_rows, None], up[block_rows, None]
            step = lowest + np.arange(width[block_rows].max())
            a_k, m1_k, b_k, m2_k = (column[block_rows, None] for column in (a, m1, b, m2))
            # Ways gained by moving one event from the reference to the group, from `step - 1` to `step`.
            before = step - 1
            allowed = (step > lowest) & (step <= highest)
            with np.errstate(divide="ignore", invalid="ignore"):
                gained = np.log((m1_k - a_k - before) / (a_k + step)) + np.log(
                    (b_k - before) / (m2_k - b_k + step)
                )
            log_weight = np.cumsum(np.where(allowed, gained, 0), axis=1)
            log_weight -= np.take_along_axis(log_weight, -lowest.astype(int), axis=1)
            log_weight[step > highest] = -np.inf
            yield rows[block_rows], step, log_weight
