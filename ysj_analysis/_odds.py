"""Conditional limits of an odds ratio: both margins of the table held, as Fisher's exact test does.

Given the margins, the events in the group follow a non-central hypergeometric distribution. Its tails
have no closed form, so the tables with those margins are written out: a rectangle for all the cells
that need about as many of them, with the tables too far out to matter left off.
"""

import numpy as np
from scipy import special

from ._limits import probit, root_of_decreasing

_MOST_TERMS = 1 << 18
"""How many tables are written out at a time: few enough to stay in the processor's cache."""


def upper_limit(x1, n1, x2, n2, z, counted):
    """Upper limit of an odds ratio, counting that share of the chance of what was observed."""
    high = np.full_like(x1, np.inf)
    for rows, step, log_ways in _tables(x1, n1, x2, n2, np.flatnonzero((x1 < n1) & (x2 > 0)), z):
        a, c, b, d = x1[rows] + 0.5, (n1 - x1)[rows] + 0.5, x2[rows] + 0.5, (n2 - x2)[rows] + 0.5
        start = np.log(a * d / (b * c)) + z * np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
        ends = np.full(rows.size, -100.0), np.full(rows.size, 700.0)
        columns = (step, log_ways, np.full(rows.size, z), np.full(rows.size, counted))
        high[rows] = np.exp(root_of_decreasing(_lower_tail, start, *ends, columns))
    return high


def _lower_tail(log_ratio, step, log_ways, z, counted):
    """Chance of as few events in the group or fewer, straightened, and its slope."""
    chance = log_ways + step * log_ratio[:, None]
    chance = np.exp(chance - chance.max(axis=1, keepdims=True))
    all_of_it, mean = chance.sum(axis=1), (chance * step).sum(axis=1)
    chance *= (step < 0) + counted[:, None] * (step == 0)
    tail, part_mean = chance.sum(axis=1) / all_of_it, (chance * step).sum(axis=1)
    return probit(tail, z, (part_mean - tail * mean) / all_of_it)


def p_value(x1, n1, x2, n2, counted):
    """Two-sided p of no association: the smaller tail doubled, counting that share of the observed."""
    # Exchanging the groups must not change a digit, so one order is used for both.
    swap = (n1 > n2) | ((n1 == n2) & (x1 > x2))
    x1, n1, x2, n2 = (
        np.where(swap, second, first) for first, second in ((x1, x2), (n1, n2), (x2, x1), (n2, n1))
    )
    p_value = np.ones_like(x1)
    log_chance = _log_choose(n1, x1) + _log_choose(n2, x2) - _log_choose(n1 + n2, x1 + x2)
    for rows, step, log_ways in _tables(x1, n1, x2, n2, np.arange(x1.size), 1):
        # On the side where chances rise the sum may stop early: it is not the smaller one.
        chance = np.exp(log_ways + log_chance[rows, None])
        observed = counted * np.exp(log_chance[rows])
        fewer, more = ((chance * side).sum(axis=1) + observed for side in (step < 0, step > 0))
        p_value[rows] = np.minimum(2 * np.minimum(fewer, more), 1)
    return p_value


def _log_choose(n, k):
    return -special.betaln(k + 1, n - k + 1) - np.log(n + 1)


def _tables(x1, n1, x2, n2, rows, z):
    """Write out the tables with the same margins, in blocks of cells that need about as many each.

    Yields the rows, the steps away from the observed table (events moved into the group), and the log
    of the number of ways each table comes about over that of the observed one; -inf where none does.
    """
    a, c, b, d = x1[rows], (n1 - x1)[rows], x2[rows], (n2 - x2)[rows]
    deviation = 1 / np.sqrt(1 / (a + 1) + 1 / (b + 1) + 1 / (c + 1) + 1 / (d + 1))
    reach = np.ceil(2 * (z + 7) * deviation + (z + 5) ** 2)
    down, up = np.minimum(np.minimum(a, d), reach), np.minimum(np.minimum(c, b), reach)
    width = down + up + 1
    octave = np.ceil(2 * np.log2(width))
    for one in np.unique(octave):
        alike = np.flatnonzero(octave == one)
        widest = int(width[alike].max())
        for block in np.split(alike, np.arange(0, alike.size, max(_MOST_TERMS // widest, 1))[1:]):
            lowest, highest = -down[block, None], up[block, None]
            step = lowest + np.arange(widest)
            within = (step > lowest) & (step <= highest)
            with np.errstate(divide="ignore", invalid="ignore"):
                gained = ((c[block, None] - step + 1) * (b[block, None] - step + 1)) / (
                    (a[block, None] + step) * (d[block, None] + step)
                )
                log_ways = np.cumsum(np.log(np.where(within, gained, 1)), axis=1)
            log_ways -= np.take_along_axis(log_ways, -lowest.astype(int), axis=1)
            log_ways[step > highest] = -np.inf
            yield rows[block], step, log_ways
