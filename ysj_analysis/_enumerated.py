"""Power added up over every pair of counts that could occur: arrays in, arrays out."""

import numpy as np
from scipy import special

from ._p_values import n_minus_1, rate_mid_p

_TAILS = 7.5
"""Standard errors within which the reference's counts are added up; beyond lies under 1e-12."""


def group_rate(ratio, base, poisson):
    """The group's rate; a share cannot exceed 1."""
    return np.where(poisson, ratio * base, np.minimum(ratio * base, 1.0))


class Enumerated:
    """The counts at which the test finds a difference, and the chance of those counts.

    For every count the reference could have (rows laid end to end) the test is monotone in the group's
    count, so what matters is the first count that is significant; it does not depend on the ratio.
    """

    def __init__(self, base, n1, n2, poisson, level, side):
        self.base, self.n1, self.poisson, self.side = base, n1, poisson, side
        mean = n2 * base
        spread = np.sqrt(mean * np.where(poisson, 1.0, 1 - base))
        first = np.floor(np.maximum(mean - _TAILS * spread, 0))
        last = np.ceil(np.minimum(mean + _TAILS * spread + 30, np.where(poisson, np.inf, n2)))
        length = (last - first + 1).astype(int)
        self.row = np.repeat(np.arange(base.size), length)
        x2 = np.arange(self.row.size) - np.repeat(np.cumsum(length) - length, length) + first[self.row]
        of, size = poisson[self.row], n2[self.row]
        self.chance = np.where(
            of, _poisson_mass(x2, mean[self.row]), _binomial_mass(x2, size, base[self.row])
        )
        self.start = np.cumsum(length) - length
        self.bound = _first_significant(x2, n1[self.row], size, of, 1 - level, side)

    def __call__(self, ratio):
        """Give the power at one ratio a row."""
        rate = group_rate(ratio, self.base, self.poisson)[self.row]
        n1, of, bound = self.n1[self.row], self.poisson[self.row], self.bound
        k = bound if self.side > 0 else bound + 1
        inside = (k > 0) & np.isfinite(k)
        k = np.where(inside, k, 1.0)
        rest = np.where(of, 1.0, np.maximum(n1 - k + 1, 0.5))
        if self.side > 0:
            tail = np.where(
                of, special.gammainc(k, n1 * rate), special.betainc(k, rest, np.where(of, 0.5, rate))
            )
            tail = np.where(inside, tail, np.where(bound <= 0, 1.0, 0.0))
            tail = np.where(~of & (bound > n1), 0.0, tail)
        else:
            tail = np.where(
                of, special.gammaincc(k, n1 * rate), special.betaincc(k, rest, np.where(of, 0.5, rate))
            )
            tail = np.where(bound < 0, 0.0, np.where(~of & (bound >= n1), 1.0, tail))
        return np.add.reduceat(tail * self.chance, self.start) if self.row.size else np.array([])


def _poisson_mass(k, mean):
    return np.exp(special.xlogy(k, mean) - mean - special.gammaln(k + 1))


def _binomial_mass(k, n, p):
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.exp(ways + special.xlogy(k, p) + special.xlog1py(n - k, -p))


def _first_significant(x2, n1, n2, poisson, size, side):
    """The count of the group nearest parity at which p is under ``size``; inf or -1 where none is."""

    def found(x1):
        p_value = np.ones(x1.size)
        p_value[poisson] = rate_mid_p(*(v[poisson] for v in (x1, n1, x2, n2)))
        shares = ~poisson
        p_value[shares] = n_minus_1(*(v[shares] for v in (x1, n1, x2, n2)))
        return p_value < size

    parity = x2 * n1 / n2
    if side < 0:
        near, far = np.floor(parity), np.zeros(x2.size)
    else:
        near, far = np.ceil(parity), np.where(poisson, np.ceil(parity) + 8, n1)
        for _ in range(40):
            short = poisson & ~found(far) & (far < 1e9)
            if not short.any():
                break
            far = np.where(short, near + 2 * (far - near), far)
    none = ~found(far)
    for _ in range(64):
        if (np.abs(far - near) <= 1).all():
            break
        middle = np.floor((near + far) / 2)
        hit = found(middle)
        near, far = np.where(hit, near, middle), np.where(hit, middle, far)
    at = np.where(found(near), near, far)
    return np.where(none, np.inf if side > 0 else -1.0, at)
