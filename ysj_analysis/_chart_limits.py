"""Limits of a count under a Poisson or a binomial distribution, for charts: arrays in, arrays out.

Throughout, ``size`` is child-years or the size of a cohort, ``goal`` the rate or share expected of it,
and ``poisson`` says which. Limits come back as rates or shares.
"""

import numpy as np
from scipy import special


def below(k, size, goal, poisson):
    """The chance of k events or fewer."""
    few = special.gammaincc(np.maximum(k, 0) + 1, size * goal)
    share = special.betaincc(np.clip(k, 0, None) + 1, np.maximum(size - k, 0.5), np.where(poisson, 0.5, goal))
    return np.where(k < 0, 0.0, np.where(poisson, few, np.where(k >= size, 1.0, share)))


def quantile(chance, size, goal, poisson):
    """The fewest events that this many or fewer has at least the chance."""
    mean = size * goal
    with np.errstate(invalid="ignore"):
        k = np.where(
            poisson,
            special.pdtrik(chance, np.where(poisson, mean, 1.0)),
            special.bdtrik(chance, np.where(poisson, 1.0, size), np.where(poisson, 0.5, goal)),
        )
    k = np.ceil(np.nan_to_num(np.maximum(k, 0)))
    for _ in range(3):
        k = np.where((k > 0) & (below(k - 1, size, goal, poisson) >= chance), k - 1, k)
        k = np.where(below(k, size, goal, poisson) < chance, k + 1, k)
    return k


def interpolated(size, goal, poisson, tail):
    """Spiegelhalter's limits: the quantile, less how far the distribution overshoots there."""
    ends = []
    for chance in (tail, 1 - tail):
        k = quantile(chance, size, goal, poisson)
        reached, before = (below(v, size, goal, poisson) for v in (k, k - 1))
        ends.append(np.clip(k - (reached - chance) / (reached - before), 0, np.where(poisson, np.inf, size)))
    return ends[0] / size, ends[1] / size


def fewest_and_most(size, goal, poisson, tail):
    """The fewest and the most events whose own tail has more than the chance."""
    low = quantile(tail, size, goal, poisson)
    low = np.where(below(low, size, goal, poisson) <= tail, low + 1, low)
    return low / size, quantile(1 - tail, size, goal, poisson) / size
