"""Faults elsewhere that are the reason some of these intervals are written here.

Each test shows a fault as it is in scipy 1.17 and statsmodels 0.15. **A test that fails here means that
upstream has mended it**: read the comment, and retire what can now be had from there.
"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from ysj_analysis import intervals

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from statsmodels.stats import contingency_tables, proportion, rates


def quietly(function, *args, **kwargs):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


def test_statsmodels_risk_difference_score_uses_a_wrong_cubic():
    """statsmodels issue 10269: ``count0`` stands where Miettinen and Nurminen have ``nobs0``.

    When mended: ``_limits.difference_miettinen_nurminen`` may go, if zero cells are right as well.
    """
    theirs = quietly(
        proportion.confint_proportions_2indep,
        20,
        101,
        10,
        105,
        compare="diff",
        method="score",
        correction=True,
    )
    ours = intervals.risk_difference(20, 101, 10, 105, method="miettinen-nurminen")
    assert_allclose([ours.low, ours.high], [0.0064, 0.2029], atol=5e-5)
    assert abs(theirs[1] - ours.high) > 0.001


@pytest.mark.parametrize(
    ("table", "theirs", "right"), [((5, 10, 10, 10), 0.75, 0.2317), ((10, 10, 10, 10), 1.0, 0.7121)]
)
def test_statsmodels_risk_ratio_score_takes_a_wrong_root_when_a_cohort_is_full(table, theirs, right):
    """For 5 of 10 against 10 of 10 the lower limit is above the ratio itself, 0.5.

    When mended, and 0 against 0 is no longer an error: their answers can stand as a check on
    ``_limits.ratio_koopman``, which is some hundreds of times faster.
    """
    found = quietly(
        proportion.confint_proportions_2indep, *table, compare="ratio", method="score", correction=True
    )
    assert np.real(found[0]) == pytest.approx(theirs, abs=1e-6)
    assert intervals.risk_ratio(*table).low == pytest.approx(right, abs=5e-5)


def test_statsmodels_risk_ratio_score_is_right_elsewhere():
    """Not a fault: where no cell is 0 and no cohort full the two agree, to its own accuracy."""
    for table in [(4, 11, 6, 30), (20, 101, 10, 105), (1, 40, 3, 60)]:
        theirs = quietly(
            proportion.confint_proportions_2indep, *table, compare="ratio", method="score", correction=True
        )
        ours = intervals.risk_ratio(*table)
        assert_allclose([ours.low, ours.high], theirs, rtol=1e-6)


def test_statsmodels_rate_ratio_score_is_a_point_when_a_count_is_zero():
    """0 of 1,000 against 3 of 1,000 gives one number for both limits, and no warning.

    When mended: nothing to retire, the score interval is a quadratic here; but say so in the notes.
    """
    low, high = quietly(rates.confint_poisson_2indep, 0, 1000, 3, 1000, method="score", compare="ratio")
    assert low == pytest.approx(high)
    ours = intervals.rate_ratio(0, 1000, 3, 1000, method="score")
    assert ours.low == 0
    assert ours.high == pytest.approx(1.2805, abs=5e-5)


def test_statsmodels_mid_p_of_no_events_is_a_point():
    """When mended: ``_limits.poisson_mid_p`` may go, if tiny rates are right too (next test)."""
    low, high = quietly(rates.confint_poisson, 0, 1, method="midp-c")
    assert low == pytest.approx(high, rel=1e-6)
    ours = intervals.rate(0, 1, method="mid-p")
    assert (ours.low, round(float(ours.high), 4)) == (0, 2.9957)


def test_statsmodels_mid_p_of_a_tiny_rate_stops_early():
    """Its tolerance is absolute, on the rate: 1 in a million has a lower limit that is far off."""
    low, _ = quietly(rates.confint_poisson, 1, 1_000_000, method="midp-c")
    ours = intervals.rate(1, 1_000_000, method="mid-p")
    assert abs(low / ours.low - 1) > 0.1


def test_statsmodels_conditional_mid_p_is_another_test():
    """Not mid-P as a doubled tail: 1 against 1 at equal exposure must give 1, and gives 0.75."""
    p_value = quietly(rates.test_poisson_2indep, 1, 1, 1, 1, method="cond-midp").pvalue
    assert p_value == pytest.approx(0.75)
    assert intervals.rate_ratio(1, 1, 1, 1).p_value == 1


def test_statsmodels_tables_turn_zeros_into_halves():
    """The default ``shift_zeros=True``: a ratio of 0 is reported as 0.21."""
    table = contingency_tables.Table2x2(np.array([[0.0, 11.0], [6.0, 24.0]]))
    assert table.riskratio > 0.1
    assert intervals.risk_ratio(0, 11, 6, 30).estimate == 0


def test_statsmodels_jeffreys_speaks_of_nobody():
    """No children at all, and still an interval. When mended: nothing to retire."""
    assert np.isfinite(quietly(proportion.proportion_confint, 0, 0, method="jeffreys")).all()
    assert np.isnan(intervals.proportion(0, 0, method="jeffreys").low)


def test_scipy_relative_risk_has_no_limit_at_zero_and_no_width_when_full():
    """When mended: compare again; it is Katz's log interval and would need another method."""
    none = quietly(stats.contingency.relative_risk(0, 11, 6, 30).confidence_interval)
    assert none.low == 0
    assert np.isnan(none.high)
    full = quietly(stats.contingency.relative_risk(10, 10, 10, 10).confidence_interval)
    assert (full.low, full.high) == (1, 1)


def test_scipy_poisson_means_test_loses_ties():
    """The E-test of 1 against 1 must give 1, every table being as likely or less."""
    assert stats.poisson_means_test(1, 1, 1, 1).pvalue < 0.9
