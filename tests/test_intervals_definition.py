"""Intervals against their definitions, cell by cell, on 24,000 cells.

A limit is where a test statistic, or a tail, crosses its critical value. Each definition is written here
once more, plainly and for one cell at a time, and shown to change sign within a millionth of the limit.
Where the definition needs the likeliest proportions they are found by bisection on the likelihood's own
slope, with none of the closed forms the package uses.
"""

# ruff: noqa: B023 (each function made in a loop is called before the loop moves on)

import math

import numpy as np
import pytest
from scipy import special

from ysj_analysis import intervals

Z = 1.959963984540054
TAIL = 0.025
MILLIONTH = 1e-6


def crosses(definition, limit, direction):
    """Whether a function of the limit changes sign within a millionth of it."""
    below, above = definition(limit * (1 - MILLIONTH)), definition(limit * (1 + MILLIONTH))
    return direction * below < 0 < direction * above


def bisect(function, low, high):
    """Find the root of a function that falls from ``low`` to ``high``."""
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


def slope(x, n, p):
    """Slope of a binomial log likelihood; the terms of events that did not occur left out."""
    return (x / p if x else 0.0) - ((n - x) / (1 - p) if n > x else 0.0)


# Ratios and differences of proportions ------------------------------------------------------------

SIZES = [(1, 1), (2, 5), (5, 2), (11, 30), (10, 10), (30, 8), (20, 60), (50, 12)]


def all_tables():
    """Give every table of some sizes that has an event, and some tables of thousands."""
    tables = [(x1, n1, x2, n2) for n1, n2 in SIZES for x1 in range(n1 + 1) for x2 in range(n2 + 1)]
    large = [0, 1, 3, 40, 2000, 3000]
    tables += [(x1, 3000, x2, 90_000) for x1 in large for x2 in (0, 1, 7, 90, 60_000, 90_000)]
    tables += [(x1, 2_000_000, x2, 50) for x1 in (0, 1, 9, 1_000_000, 2_000_000) for x2 in (0, 1, 25, 49, 50)]
    return [table for table in tables if table[0] + table[2] > 0]


TABLES = all_tables()


def ratio_statistic(ratio, x1, n1, x2, n2, correction):
    """Score statistic that p1 / p2 is ``ratio``: squared, the sum of both Pearson chi-squares."""
    top = min(1.0, 1 / ratio)
    p2 = bisect(lambda p: ratio * slope(x1, n1, ratio * p) + slope(x2, n2, p), 0.0, top)
    p1 = min(ratio * p2, 1.0)
    variance = p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2
    return (x1 / n1 - ratio * x2 / n2) / math.sqrt(variance * correction)


@pytest.mark.parametrize("method", ["miettinen-nurminen", "koopman"])
def test_risk_ratio(method):
    result = intervals.risk_ratio(*np.array(TABLES).T, method=method)
    for table, low, high in zip(TABLES, result.low, result.high, strict=True):
        x1, n1, x2, n2 = table
        total = n1 + n2
        correction = total / (total - 1) if method == "miettinen-nurminen" else 1.0
        assert (low == 0) == (x1 == 0), table
        assert (high == math.inf) == (x2 == 0), table
        if x1 > 0:
            assert crosses(lambda t: Z - ratio_statistic(t, *table, correction), low, 1), table
        if x2 > 0:
            assert crosses(lambda t: -Z - ratio_statistic(t, *table, correction), high, 1), table


def difference_statistic(gap, x1, n1, x2, n2):
    """Score statistic that p1 - p2 is ``gap``, with N / (N - 1)."""
    p2 = bisect(lambda p: slope(x1, n1, p + gap) + slope(x2, n2, p), max(0.0, -gap), min(1.0, 1 - gap))
    p1 = min(max(p2 + gap, 0.0), 1.0)
    total = n1 + n2
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * total / (total - 1)
    return (x1 / n1 - x2 / n2 - gap) / math.sqrt(variance)


def test_risk_difference_of_miettinen_and_nurminen():
    tables = [t for t in TABLES if max(t[1], t[3]) < 100_000] + [(0, 5, 0, 9), (0, 40, 0, 900)]
    result = intervals.risk_difference(*np.array(tables).T, method="miettinen-nurminen")
    for table, low, high in zip(tables, result.low, result.high, strict=True):
        x1, n1, x2, n2 = table
        if not (x1 == n1 and x2 == 0):
            assert crosses(lambda d: -Z - difference_statistic(d, *table), high, math.copysign(1, high)), (
                table
            )
        else:
            assert high == 1
        if not (x1 == 0 and x2 == n2):
            assert crosses(lambda d: Z - difference_statistic(d, *table), low, math.copysign(1, low)), table
        else:
            assert low == -1


def any_tables(rng, number):
    """Draw tables of all sizes to 8,000: a few events, all but a few, a tenth, or any number."""
    n = np.exp(rng.uniform(0, 9, (2, number))).astype(int)
    few = np.minimum(rng.poisson(2, n.shape), n)
    x = np.choose(rng.integers(0, 4, n.shape), [few, n - few, rng.binomial(n, 0.1), rng.integers(0, n + 1)])
    return [tuple(map(int, t)) for t in zip(x[0], n[0], x[1], n[1], strict=True) if t[0] + t[2] > 0]


@pytest.mark.parametrize("level", [0.3, 0.8, 0.998, 0.999999])
def test_score_limits_of_any_table_at_any_level(level):
    z = -special.ndtri((1 - level) / 2)
    tables = any_tables(np.random.default_rng(2023), 600)
    columns = np.array(tables).T
    ratios = intervals.risk_ratio(*columns, level=level).high
    gaps = intervals.risk_difference(*columns, method="miettinen-nurminen", level=level).high
    for table, ratio, gap in zip(tables, ratios, gaps, strict=True):
        x1, n1, x2, n2 = table
        correction = (n1 + n2) / (n1 + n2 - 1)
        if x2 > 0:
            assert crosses(lambda t: -z - ratio_statistic(t, *table, correction), ratio, 1), table
        if x1 < n1 or x2 > 0:
            assert crosses(lambda d: -z - difference_statistic(d, *table), gap, math.copysign(1, gap)), table


# Conditional tails --------------------------------------------------------------------------------


def log_choose(n, k):
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def binomial_tail(a, b, odds, share):
    """Chance of fewer than ``a`` heads in ``a + b`` tosses, and ``share`` of that of ``a`` itself."""
    n, log_p, log_q = a + b, -math.log1p(1 / odds), -math.log1p(odds)
    terms = [math.exp(log_choose(n, k) + k * log_p + (n - k) * log_q) for k in range(a + 1)]
    return math.fsum(terms[:-1]) + share * terms[-1]


COUNTS = [(a, b) for a in range(26) for b in range(26) if a + b > 0] + [
    (a, b) for a in (0, 1, 5, 200, 900) for b in (0, 1, 4, 60, 900) if a + b > 50
]


@pytest.mark.parametrize(("method", "share"), [("mid-p", 0.5), ("exact", 1.0)])
def test_rate_ratio(method, share):
    t1, t2 = 3750.5, 64_500.0
    x1, x2 = np.array(COUNTS).T
    result = intervals.rate_ratio(x1, t1, x2, t2, method=method)
    for (a, b), low, high, p_value in zip(COUNTS, result.low, result.high, result.p_value, strict=True):
        assert (low == 0) == (a == 0)
        assert (high == math.inf) == (b == 0)
        if b > 0:
            assert crosses(lambda r: TAIL - binomial_tail(a, b, r * t1 / t2, share), high, 1), (a, b)
        if a > 0:
            assert crosses(lambda r: binomial_tail(b, a, t2 / (r * t1), share) - TAIL, low, 1), (a, b)
        tails = binomial_tail(a, b, t1 / t2, share), binomial_tail(b, a, t2 / t1, share)
        assert p_value == pytest.approx(min(1, 2 * min(tails)), rel=1e-6)


def test_rate_ratio_at_huge_counts():
    """A million events: mid-P is then the normal interval to within a hundredth of its width."""
    result = intervals.rate_ratio(1_000_000, 1e9, 1_100_000, 1e9)
    error = math.sqrt(1 / 1_000_000 + 1 / 1_100_000)
    np.testing.assert_allclose(
        np.log([result.low, result.high]), math.log(10 / 11) + error * Z * np.array([-1, 1]), atol=error / 100
    )


def score_ratio_statistic(ratio, a, b, t1, t2):
    share = ratio * t1 / (ratio * t1 + t2)
    return (a - (a + b) * share) / math.sqrt((a + b) * share * (1 - share))


def test_rate_ratio_by_score():
    x1, x2 = np.array(COUNTS).T
    result = intervals.rate_ratio(x1, 37.5, x2, 645, method="score")
    for (a, b), low, high in zip(COUNTS, result.low, result.high, strict=True):
        if b > 0:
            assert crosses(lambda r: -Z - score_ratio_statistic(r, a, b, 37.5, 645), high, 1), (a, b)
        if a > 0:
            assert crosses(lambda r: Z - score_ratio_statistic(r, a, b, 37.5, 645), low, 1), (a, b)


def hypergeometric_tail(x1, n1, x2, n2, ratio, share):
    """Chance of fewer events in the group, and ``share`` of the observed, both margins held."""
    m = x1 + x2
    support = range(max(0, m - n2), min(n1, m) + 1)
    logs = [log_choose(n1, k) + log_choose(n2, m - k) + k * math.log(ratio) for k in support]
    most = max(logs)
    terms = [math.exp(log - most) for log in logs]
    here = x1 - support[0]
    return (math.fsum(terms[:here]) + share * terms[here]) / math.fsum(terms)


@pytest.mark.parametrize(("method", "share"), [("mid-p", 0.5), ("exact", 1.0)])
def test_odds_ratio(method, share):
    tables = [t for t in TABLES if max(t[1], t[3]) < 100] + [
        (300, 3000, 900, 20_000), (1, 3000, 900, 20_000), (2999, 3000, 17, 20_000), (0, 500, 60, 700),
    ]  # fmt: skip
    result = intervals.odds_ratio(*np.array(tables).T, method=method)
    for table, low, high, p_value in zip(tables, result.low, result.high, result.p_value, strict=True):
        x1, n1, x2, n2 = table
        other = (x2, n2, x1, n1)
        assert (high == math.inf) == (x1 == n1 or x2 == 0), table
        assert (low == 0) == (x1 == 0 or x2 == n2), table
        if high < math.inf:
            assert crosses(lambda r: TAIL - hypergeometric_tail(*table, r, share), high, 1), table
        if low > 0:
            assert crosses(lambda r: hypergeometric_tail(*other, 1 / r, share) - TAIL, low, 1), table
        tails = hypergeometric_tail(*table, 1.0, share), hypergeometric_tail(*other, 1.0, share)
        assert p_value == pytest.approx(min(1, 2 * min(tails)), rel=1e-6)


# One group ----------------------------------------------------------------------------------------

PARTS = [(x, n) for n in (1, 2, 5, 11, 40) for x in range(n + 1)] + [
    (x, n) for n in (5_000, 1_000_000) for x in (0, 1, 30, n // 2, n - 2, n)
]


@pytest.mark.parametrize(("method", "share"), [("mid-p", 0.5), ("exact", 1.0)])
def test_proportion_by_tails(method, share):
    parts = [(x, n) for x, n in PARTS if n <= 5_000]
    result = intervals.proportion(*np.array(parts).T, method=method)
    for (x, n), low, high in zip(parts, result.low, result.high, strict=True):
        if x < n:
            odds = high / (1 - high)
            assert crosses(lambda o: TAIL - binomial_tail(x, n - x, o, share), odds, 1), (x, n)
        if x > 0:
            odds = low / (1 - low)
            assert crosses(lambda o: binomial_tail(n - x, x, 1 / o, share) - TAIL, odds, 1), (x, n)
        assert low > 0 or x == 0
        assert high < 1 or x == n


def test_proportion_by_score():
    result = intervals.proportion(*np.array(PARTS).T)
    for (x, n), low, high in zip(PARTS, result.low, result.high, strict=True):
        # (x - n p)^2 = z^2 n p (1 - p), as a function that rises at both limits once divided by p.
        def excess(p, x=x, n=n):
            return ((x - n * p) ** 2 - Z**2 * n * p * (1 - p)) / p

        if x > 0:
            assert crosses(excess, low, -1), (x, n)
        if x < n:
            assert crosses(excess, high, 1), (x, n)


def poisson_tail(x, mean, share):
    terms = [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(x + 1)]
    return math.fsum(terms[:-1]) + share * terms[-1]


@pytest.mark.parametrize(("method", "share"), [("mid-p", 0.5), ("exact", 1.0)])
def test_rate_by_tails(method, share):
    counts = [*range(80), 300, 1000]
    result = intervals.rate(counts, 1, method=method)
    for x, low, high in zip(counts, result.low, result.high, strict=True):
        assert crosses(lambda mean: TAIL - poisson_tail(x, mean, share), high, 1), x
        if x > 0:
            assert crosses(lambda mean: 1 - TAIL - poisson_tail(x, mean, 1 - share), low, 1), x


def test_rate_by_score():
    counts = [*range(80), 10**6, 10**12]
    result = intervals.rate(counts, 1, method="score")
    for x, low, high in zip(counts, result.low, result.high, strict=True):
        assert crosses(lambda mean: (mean - x) / math.sqrt(mean) - Z, high, 1), x
        assert x == 0 or crosses(lambda mean: (mean - x) / math.sqrt(mean) + Z, low, 1), x


def test_rate_difference_puts_the_single_limits_together():
    for x1, t1, x2, t2 in [(4, 3.75, 1, 6.45), (0, 1, 3, 2.5), (30, 2, 26, 9), (0, 1, 0, 4)]:
        one, two = intervals.rate(x1, t1), intervals.rate(x2, t2)
        gap = one.estimate - two.estimate
        low = gap - math.sqrt((one.estimate - one.low) ** 2 + (two.high - two.estimate) ** 2)
        high = gap + math.sqrt((one.high - one.estimate) ** 2 + (two.estimate - two.low) ** 2)
        result = intervals.rate_difference(x1, t1, x2, t2)
        np.testing.assert_allclose([result.low, result.high], [low, high], rtol=1e-12)


def test_the_chi_square_is_the_score_test_at_one():
    tables = [t for t in TABLES if 0 < t[0] + t[2] < t[1] + t[3]]
    p_values = intervals.risk_ratio(*np.array(tables).T).p_value
    for table, p_value in zip(tables, p_values, strict=True):
        total = table[1] + table[3]
        z = ratio_statistic(1.0, *table, total / (total - 1))
        assert p_value == pytest.approx(special.erfc(abs(z) / math.sqrt(2)), rel=1e-6)
