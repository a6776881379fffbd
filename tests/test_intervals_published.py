"""Intervals against what others printed: worked examples, and sessions of R.

R sessions: R 4.2.2, epitools 0.5-10.1, epiR 2.0.57, metafor 3.8-1. Where R finds a limit with
``uniroot`` at its default tolerance (0.00012 on its own scale) the comparison is as loose as that.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ysj_analysis import intervals

INF = np.inf
UNIROOT = 2e-3


def limits(result):
    return np.stack([result.low, result.high], axis=-1)


# Newcombe 1998, Statistics in Medicine 17:857-872: four proportions by his methods 3, 5 and 6.
@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("wilson", [[0.2553, 0.3662], [0.0624, 0.1605], [0, 0.1611], [0.0061, 0.1718]]),
        ("exact", [[0.2527, 0.3676], [0.0578, 0.1617], [0, 0.1684], [0.0009, 0.1776]]),
        ("mid-p", [[0.2544, 0.3658], [0.0601, 0.1581], [0, 0.1391], [0.0017, 0.1585]]),
    ],
)
def test_proportions_as_newcombe_printed_them(method, expected):
    result = intervals.proportion([81, 15, 0, 1], [263, 148, 20, 29], method=method)
    assert_allclose(limits(result), expected, atol=5e-5)


# > epitools::binom.exact(c(0, 1, 4, 9), c(5, 11, 30, 11))[, 4:5]
def test_exact_proportions_as_epitools():
    expected = [
        [0.00000000000000, 0.521823750105],
        [0.00229897221381, 0.412779916988],
        [0.03755349633836, 0.307218350276],
        [0.48224414763983, 0.977168801700],
    ]
    result = intervals.proportion([0, 1, 4, 9], [5, 11, 30, 11], method="exact")
    assert_allclose(limits(result), expected, rtol=1e-9)


# > options(digits = 12); qbeta(c(0.025, 0.975), 4.5, 7.5)
# [1] 0.137319967594 0.652007728370
def test_jeffreys_is_a_beta_quantile_and_keeps_the_ends():
    result = intervals.proportion([4, 0, 11], 11, method="jeffreys")
    assert_allclose([result.low[0], result.high[0]], [0.137319967594, 0.652007728370], rtol=1e-9)
    assert result.low[1] == 0
    assert result.high[2] == 1


# > poisson.test(x)$conf.int for x = 1, 5, 9, 50
GARWOOD = {
    1: (0.0253178079843, 5.5716433909389),
    5: (1.62348639012, 11.66833207932),
    9: (4.11537309738, 17.08480345142),
    50: (37.1109637375, 65.9187666643),
}


def test_exact_rates_as_r():
    result = intervals.rate(list(GARWOOD), 1, method="exact")
    assert_allclose(limits(result), list(GARWOOD.values()), rtol=1e-9)


def test_ohid_is_exact_below_ten_and_byar_from_ten():
    counts = np.array([0, 1, 9, 10, 50])
    ohid, exact, byar = (limits(intervals.rate(counts, 2, method=m)) for m in ("ohid", "exact", "byar"))
    assert (ohid[:3] == exact[:3]).all()
    assert (ohid[3:] == byar[3:]).all()
    # Fingertips Public Health Technical Guidance, "Rates": the formulas, with O = 10 and z = 1.96.
    low = 10 * (1 - 1 / 90 - 1.959964 / (3 * 10**0.5)) ** 3
    high = 11 * (1 - 1 / 99 + 1.959964 / (3 * 11**0.5)) ** 3
    assert_allclose(limits(intervals.rate(10, 1)), [low, high], rtol=1e-6)


def test_byar_is_within_a_fifth_of_a_per_cent_from_ten_and_half_off_at_one():
    counts = np.arange(1, 2000)
    error = np.abs(
        limits(intervals.rate(counts, 1, method="byar")) / limits(intervals.rate(counts, 1, method="exact"))
        - 1
    )
    assert error[counts >= 10].max() < 0.002
    assert 0.4 < error[0].max() < 0.5


# Koopman 1984, Biometrics 40:513-517: 36 of 40 against 16 of 80.
def test_koopmans_own_example():
    result = intervals.risk_ratio(36, 40, 16, 80, method="koopman")
    assert_allclose(limits(result), [2.94, 7.15], atol=0.005)


# epiR::epi.2by2(..., method = "cohort.count")$massoc.detail$RR.strata.score, given each table with its
# off-diagonal exchanged, since epiR 2.0.57 hands the table to the score function column by column:
# $RR.strata.score
# 36/40 v 16/80   2.93956919221  7.15222343487
#  5/10 v  8/8    0.236571303383 0.846827233868   (its search stops at about 1e-4)
#  4/11 v  6/30   0.619920079873 4.85919943899
#  2/50 v  9/150  0.164635846311 2.58758368708
EPIR_SCORE = [
    [2.93956919221, 7.15222343487],
    [0.236571303383, 0.846827233868],
    [0.619920079873, 4.85919943899],
    [0.164635846311, 2.58758368708],
]


def test_koopman_as_epir():
    result = intervals.risk_ratio(
        [36, 5, 4, 2], [40, 10, 11, 50], [16, 8, 6, 9], [80, 8, 30, 150], method="koopman"
    )
    assert_allclose(limits(result)[[0, 2, 3]], np.array(EPIR_SCORE)[[0, 2, 3]], rtol=1e-9)
    assert_allclose(limits(result)[1], EPIR_SCORE[1], rtol=1e-4)


# statsmodels and R's uncorrected prop.test give Pearson's chi-square; ours is its dual.
# > prop.test(c(4, 6), c(11, 30), correct = FALSE)$p.value
def test_koopmans_p_is_pearsons():
    assert_allclose(intervals.risk_ratio(4, 11, 6, 30, method="koopman").p_value, 0.279672558636, rtol=1e-9)


# scipy.stats.contingency.relative_risk documentation: exposed 27 of 122, control 44 of 487 gives
# 2.4495156482861398 with interval 1.5836990926700116 to 3.7886786315466354 (Katz).
def test_log_risk_ratio_as_scipy_documents_it():
    result = intervals.risk_ratio(27, 122, 44, 487, method="log")
    assert_allclose(result[:3], [2.4495156482861398, 1.5836990926700116, 3.7886786315466354], rtol=1e-9)


# Statistics of full and zero cells worked by hand: both full, the score equation is
# (t - 1) n2 (N - 1) / N = z^2, so the upper limit of 10/10 v 10/10 is 1 + 1.959964^2 * 20 / 190.
def test_full_cohorts_are_not_degenerate():
    high = 1 + 1.9599639845400545**2 * 20 / 190
    result = intervals.risk_ratio(10, 10, 10, 10)
    assert_allclose([result.low, result.high], [1 / high, high], rtol=1e-9)


# Newcombe 1998, Statistics in Medicine 17:873-890: eight differences by his methods 6 and 10.
@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (
            "newcombe",
            [
                [0.0524, 0.3339], [0.1705, 0.8090], [0.0582, 0.8062], [-0.0381, 0.1926],
                [-0.1611, 0.2775], [-0.2775, 0.2775], [0.6791, 1.0000], [0.6075, 1.0000],
            ],
        ),
        (
            "miettinen-nurminen",
            [
                [0.0528, 0.3382], [0.1700, 0.8406], [0.0342, 0.8534], [-0.0326, 0.1933],
                [-0.1658, 0.2844], [-0.2879, 0.2879], [0.7156, 1.0000], [0.6636, 1.0000],
            ],
        ),
    ],
)  # fmt: skip
def test_differences_as_newcombe_printed_them(method, expected):
    result = intervals.risk_difference(
        [56, 9, 6, 5, 0, 0, 10, 10],
        [70, 10, 7, 56, 10, 10, 10, 10],
        [48, 3, 2, 0, 0, 0, 0, 0],
        [80, 10, 7, 29, 20, 10, 20, 10],
        method=method,
    )
    assert_allclose(limits(result), expected, atol=5.1e-5)


# > poisson.test(c(x1, x2), c(t1, t2))$conf.int
def test_exact_rate_ratio_as_r():
    result = intervals.rate_ratio(
        [4, 42, 0, 7, 41],
        [3750, 1, 100, 100, 28010],
        [1, 22, 5, 0, 15],
        [6450, 1, 200, 300, 19017],
        method="exact",
    )
    expected = [
        [0.680833247308, 338.822581541632],
        [1.11406193361, 3.35799646648],
        [0, 2.18255821037],
        [4.32392555651, INF],
        [1.00568406269, 3.60930031108],
    ]
    assert_allclose(limits(result), expected, rtol=1e-9)


# > epitools::rateratio.midp(c(15, 41), c(19017, 28010))     (Rothman's breast cancer and fluoroscopy)
# 1.04103622766  3.44905154554, midp.exact 0.0354574217723
def test_mid_p_rate_ratio_as_epitools():
    result = intervals.rate_ratio(41, 28010, 15, 19017)
    assert_allclose([result.low, result.high], [1.04103622766, 3.44905154554], rtol=UNIROOT)
    assert_allclose(result.p_value, 0.0354574217723, rtol=1e-9)


# > fisher.test(matrix(c(3, 7, 4, 16), 2, byrow = TRUE))$conf.int and so on; epitools::oddsratio.midp
def test_odds_ratios_as_r():
    counts = [3, 9, 40], [10, 11, 100], [4, 10, 20], [20, 30, 100]
    exact = [[0.19384468871, 13.20730067456], [1.39198777907, 95.40781705951], [1.35765488917, 5.31246929931]]
    mid_p = [[0.25353912394, 10.4027374123], [1.65914567657, 67.1630973984], [1.41544464767, 5.07035216585]]
    assert_allclose(limits(intervals.odds_ratio(*counts, method="exact")), exact, rtol=UNIROOT)
    assert_allclose(limits(intervals.odds_ratio(*counts)), mid_p, rtol=UNIROOT)
    # > epitools::ormidp.test(3, 7, 4, 16)
    assert_allclose(intervals.odds_ratio(3, 10, 4, 20).p_value, 0.572060123784, rtol=1e-9)


# > prop.test(9, 11, 0.39, correct = FALSE): p-value 0.00359616488192, limits 0.523019438039 0.948632310254
def test_representation_is_wilson_over_the_share():
    result = intervals.representation(9, 11, 0.39)
    assert_allclose([result.low, result.high], np.array([0.523019438039, 0.948632310254]) / 0.39, rtol=1e-9)
    assert_allclose(result.p_value, 0.00359616488192, rtol=1e-9)
    assert intervals.representation(5, 5, 0.388).high == 1 / 0.388


# The Youth Justice Plan's own cases: 4 of 5 children against 38.8% cannot be told from chance, 13 of 16
# can. One-sided exact p of the first, and R's two-sided one, is 0.078.
# > binom.test(4, 5, 0.388)$p.value
# [1] 0.0781437339873
def test_the_plans_own_remands():
    p_value = intervals.representation([4, 13], [5, 16], 0.388).p_value
    assert p_value[0] > 0.05 > p_value[1]
    doubled = intervals.representation(4, 5, 0.388, method="exact").p_value
    assert_allclose(doubled, 2 * 0.0781437339873, rtol=1e-9)


# metafor::rma.mh(measure = "RR", ai = c(8, 12), bi = c(12, 48), ci = c(6, 30), di = c(24, 210), correct = FALSE)
# mantelhaen.test(..., correct = FALSE)$p.value
def test_pooled_risk_ratio_as_metafor():
    result = intervals.mantel_haenszel_risk_ratio([8, 12], [20, 60], [6, 30], [30, 240])
    assert_allclose(result, [1.714285714, 1.038185759, 2.830683705, 0.03690889798], rtol=1e-9)


# metafor::rma.mh(measure = "IRR", x1i = c(8, 12), t1i = c(2, 6), x2i = c(6, 30), t2i = c(3, 24), correct = FALSE)
def test_pooled_rate_ratio_as_metafor():
    result = intervals.mantel_haenszel_rate_ratio([8, 12], [2, 6], [6, 30], [3, 24])
    assert_allclose(result, [1.71428571429, 0.97355947085, 3.01858858980, 0.05878172136], rtol=1e-9)


# > epitools::ageadjust.direct(count, pop, stdpop): Fay and Feuer
def test_fay_feuer_as_epitools():
    result = intervals.standardised_rate(
        [[1, 3, 9, 20], [0, 0, 2, 1]], [400, 900, 700, 300], [2500] * 4, method="fay-feuer"
    )
    assert_allclose(result.estimate, [0.0213392857143, 0.001547619047619], rtol=1e-9)
    expected = [[0.0142999603206, 0.0307724889904], [0.000260220812853, 0.005473103852028]]
    assert_allclose(limits(result), expected, rtol=1e-9)


# Dobson and others 1991, equations for the limits: worked step by step.
def test_dobson_scales_byars_limits_by_the_standard_errors():
    rate = 0.5 * 4 / 1.5 + 0.5 * 26 / 2.5
    variance = 0.25 * 4 / 1.5**2 + 0.25 * 26 / 2.5**2
    low = 30 * (1 - 1 / 270 - 1.9599639845 / (3 * 30**0.5)) ** 3
    high = 31 * (1 - 1 / 279 + 1.9599639845 / (3 * 31**0.5)) ** 3
    scale = (variance / 30) ** 0.5
    result = intervals.standardised_rate([4, 26], [1.5, 2.5], [700, 700])
    assert_allclose(result[:3], [rate, rate + scale * (low - 30), rate + scale * (high - 30)], rtol=1e-9)


def test_standardised_rate_is_the_crude_rate_when_the_standard_is_the_population():
    crude = intervals.rate(33, 2300)
    result = intervals.standardised_rate([1, 3, 9, 20], [400, 900, 700, 300], [400, 900, 700, 300])
    assert_allclose(result[:3], crude[:3], rtol=1e-12)


# > 2 * ppois(11, 7.5, lower = FALSE)
# [1] 0.1584826189
def test_standardised_ratio_tests_against_the_expected_count():
    assert_allclose(intervals.standardised_ratio(12, 7.5).p_value, 0.1584826189, rtol=1e-9)
    assert intervals.standardised_ratio(0, 2.0).low == 0
