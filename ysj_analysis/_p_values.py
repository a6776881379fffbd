"""Tests of no difference: two-sided p-values, to the last digit the same whichever group is first.

Each is the dual of an interval in ``intervals``: p is below 0.05 where the 95% interval leaves 1 out.
"""

import numpy as np
from scipy import special


def _two_sided(z):
    return special.erfc(np.abs(z) / np.sqrt(2))


def chi_square(x1, n1, x2, n2):
    """Compare two proportions: Pearson's chi-square, no continuity correction."""
    return _chi_square(x1, n1, x2, n2, n1 + n2)


def n_minus_1(x1, n1, x2, n2):
    """Compare two proportions: the chi-square with N - 1 in place of N (E. Pearson 1947, Campbell 2007)."""
    return _chi_square(x1, n1, x2, n2, n1 + n2 - 1)


def _chi_square(x1, n1, x2, n2, size):
    events, others = x1 + x2, (n1 - x1) + (n2 - x2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _two_sided((x1 * n2 - x2 * n1) * np.sqrt(size / (n1 * n2) / (events * others)))


def log_risks(x1, n1, x2, n2):
    """Compare two proportions: the log of their ratio over Katz's standard error; NaN without one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.log(x1 * n2) - np.log(x2 * n1)) / np.sqrt((1 / x1 - 1 / n1) + (1 / x2 - 1 / n2))
    return np.where(np.isfinite(z) & (x1 > 0) & (x2 > 0), _two_sided(z), np.nan)


def rate_score(x1, t1, x2, t2):
    """Compare two rates: the score test given the events in all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _two_sided((x1 * t2 - x2 * t1) / np.sqrt((x1 + x2) * (t1 * t2)))


def log_rates(x1, t1, x2, t2):
    """Compare two rates: the log of their ratio over its standard error; NaN without one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.log(x1 * t2) - np.log(x2 * t1)) / np.sqrt(1 / x1 + 1 / x2)
    return np.where((x1 > 0) & (x2 > 0), _two_sided(z), np.nan)


def rate_mid_p(x1, t1, x2, t2):
    """Compare two rates: the smaller binomial tail, counting half of what was observed, doubled."""
    return _binomial(x1, x2, t1 / (t1 + t2), t2 / (t1 + t2), 0.5)


def rate_exact(x1, t1, x2, t2):
    """Compare two rates: the smaller binomial tail doubled."""
    return _binomial(x1, x2, t1 / (t1 + t2), t2 / (t1 + t2), 1)


def _binomial(a, b, p, q, counted):
    """Double the smaller tail of ``a`` heads and ``b`` tails, with ``counted`` of what was observed."""
    fewer, more = np.minimum(a, b), np.maximum(a, b)
    log_choose = -special.betaln(fewer + 1, more + 1) - np.log(a + b + 1)
    mass = np.exp(log_choose + (special.xlogy(a, p) + special.xlogy(b, q))) * (1 - counted)
    few_heads = np.where(b > 0, special.betainc(np.maximum(b, 1), a + 1, q), 1.0) - mass
    few_tails = np.where(a > 0, special.betainc(np.maximum(a, 1), b + 1, p), 1.0) - mass
    return np.minimum(2 * np.minimum(few_heads, few_tails), 1.0)


def share_score(x, n, share):
    """Compare a proportion with a known one: the score test, Wilson's dual."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _two_sided((x - n * share) / np.sqrt(n * share * (1 - share)))


def share_mid_p(x, n, share):
    """Compare a proportion with a known one: the smaller mid-P tail doubled."""
    return _binomial(x, n - x, share, 1 - share, 0.5)


def share_exact(x, n, share):
    """Compare a proportion with a known one: the smaller exact tail doubled."""
    return _binomial(x, n - x, share, 1 - share, 1)


def poisson_exact(x, expected):
    """Compare a count with the expected one: the smaller Poisson tail doubled."""
    few = special.gammaincc(x + 1, expected)
    many = np.where(x > 0, special.gammainc(np.maximum(x, 1), expected), 1.0)
    return np.minimum(2 * np.minimum(few, many), 1.0)
