"""Funnels and control charts against R, the definition, and their error rates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ysj_analysis import monitor
from ysj_analysis._chart_limits import fewest_and_most, interpolated


def areas(events, denominator, base="population", **columns):
    names = [f"area {i}" for i in range(len(events))]
    return pd.DataFrame(
        {
            "area": names,
            "group": "Black",
            "base": base,
            "events": events,
            "denominator": denominator,
            **columns,
        }
    )


# R 4.2.2, Spiegelhalter (2005) appendix A.1.1, floored at 0:
# r <- qpois(p, m); r - (ppois(r, m) - p) / (ppois(r, m) - ppois(r - 1, m)), and the same with binom.
POISSON = {
    (2.5, 0.025): (0, 5.611525675),
    (8, 0.025): (2.392858785, 13.54247568),
    (30, 0.025): (19.23312927, 40.71644691),
    (2.5, 0.001): (0, 8.162536462),
    (8, 0.001): (0.2476197484, 17.6295854),
    (30, 0.001): (14.07724757, 47.81210471),
}
BINOMIAL = {  # share 0.388
    (5, 0.025): (0, 3.766308666),
    (16, 0.025): (2.036275694, 9.689209513),
    (52, 0.025): (12.90864392, 26.69713648),
    (5, 0.001): (0, 4.886278816),
    (16, 0.001): (0.1559697872, 11.88743658),
    (52, 0.001): (9.211238893, 30.78527063),
}


def test_drawn_limits_agree_with_r():
    for (mean, tail), wanted in POISSON.items():
        size, goal, kind = np.array([100.0]), np.array([mean / 100]), np.array([True])
        got = [100 * v[0] for v in interpolated(size, goal, kind, tail)]
        assert got == pytest.approx(wanted, rel=1e-9)
    for (n, tail), wanted in BINOMIAL.items():
        got = [
            n * v[0] for v in interpolated(np.array([float(n)]), np.array([0.388]), np.array([False]), tail)
        ]
        assert got == pytest.approx(wanted, rel=1e-9)


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 400), st.floats(0.001, 0.999), st.sampled_from([0.025, 0.001]), st.booleans())
def test_integer_limits_are_the_last_counts_that_are_no_signal(size, goal, tail, poisson):
    n, p, kind = np.array([float(size)]), np.array([goal]), np.array([poisson])
    low, high = (np.rint(size * v[0]) for v in fewest_and_most(n, p, kind, tail))
    model = stats.poisson(size * goal) if poisson else stats.binom(size, goal)
    assert model.sf(high) <= tail * (1 + 1e-9)
    assert model.sf(high - 1) > tail * (1 - 1e-9)
    assert low == 0 or model.cdf(low - 1) <= tail * (1 + 1e-9)
    assert model.cdf(low) > tail * (1 - 1e-9)
    inside = interpolated(n, p, kind, tail)
    assert 0 <= inside[0][0] <= goal * (1 + 1e-9)
    assert poisson or inside[1][0] <= 1


def test_flags_by_interval_and_never_past_two_and_a_half_percent_a_side():
    """The Plan: 4 of 5 against 38.8% is no flag and 13 of 16 is. Error rates added up exactly."""
    out = monitor.funnel(areas([4, 13], [5, 16], "intervention"), target=0.388)
    assert out["flag"].to_list() == ["", "above 99.8%"]
    for mean in (1, 2, 5, 8, 12, 20):
        counts = np.arange(80)
        flag = monitor.funnel(areas(counts, 1000), target=mean)["flag"]
        chance = stats.poisson.pmf(counts, mean)
        for side in ("above", "below"):
            assert chance[flag.str.startswith(side)].sum() <= 0.0255
            assert chance[flag.eq(side + " 99.8%")].sum() <= 0.00105


def test_dispersion_agrees_with_r():
    """R 4.2.2: chisq.test(rbind(y, n - y))$statistic / 5 = 2.591930525; pchisq(X, 5, lower = FALSE)."""
    out = monitor.funnel(areas([4, 9, 2, 15, 7, 30], [40, 60, 35, 70, 66, 120], "charge"))
    assert out["dispersion"].iloc[0] == pytest.approx(2.591930525, rel=1e-9)
    assert out["dispersion_p"].iloc[0] == pytest.approx(0.02375981466, rel=1e-9)
    assert out["note"].unique().tolist() == ["overdispersed"]
    assert out["target"].unique() == pytest.approx([67 / 391])
    assert (out[["lower_95", "lower_998"]] >= 0).all(axis=None)
    assert "rank" not in out


def test_too_few_expected_to_test_dispersion():
    out = monitor.funnel(areas([0, 1, 0, 2], 400))
    assert out["dispersion"].notna().all()
    assert out["dispersion_p"].isna().all()


def test_observed_over_expected():
    out = monitor.funnel(areas([12, 3], [4000, 2000], expected=[5.0, 3.5]))
    assert out["estimate"].to_list() == pytest.approx([2.4, 3 / 3.5])
    assert out["target"].to_list() == [1, 1]
    assert out["measure"].unique().tolist() == ["observed_over_expected"]
    assert out["flag"].to_list() == ["above 95%", ""]


def test_hidden_and_empty_areas_keep_their_rows():
    table = areas([3, np.nan, 0, 0, 2], [400, 400, 0, 400, 400], note="")
    before = table.copy(deep=True)
    out = monitor.funnel(table)
    pd.testing.assert_frame_equal(table, before)
    assert out["area"].to_list() == table["area"].to_list()
    assert out["note"].to_list() == ["", "suppressed", "no_denominator", "", ""]
    assert out["target"].iloc[0] == pytest.approx(1000 * 5 / 1200)
    assert out["estimate"].iloc[3] == 0
    assert out.loc[1, ["estimate", "low", "high", "upper_95"]].isna().all()


def test_two_funnels_in_one_table_equal_each_alone():
    a = areas([4, 9, 2], [400, 600, 350]).assign(stage="arrest")
    b = areas([4, 9, 2], [40, 60, 35], "charge").assign(stage="custody")
    both = monitor.funnel(pd.concat([a, b]).sample(frac=1, random_state=1)).sort_values(["stage", "area"])
    alone = pd.concat([monitor.funnel(a), monitor.funnel(b)])
    pd.testing.assert_frame_equal(both.reset_index(drop=True), alone.reset_index(drop=True))


@pytest.mark.parametrize(
    ("change", "target", "message"),
    [
        ({"area": "X"}, None, "rows repeat the same area within one series"),
        ({"base": "charge", "denominator": 60}, 1.2, "target is 1.2; it must be above 0, and below 1"),
        ({}, 0, "target is 0; it must be above 0"),
        ({"expected": -1.0}, None, "expected is negative or infinite in 2 of 2 rows"),
        ({"events": 2.5}, None, "events is not a whole number"),
    ],
)
def test_bad_funnels(change, target, message):
    with pytest.raises(ValueError, match=message):
        monitor.funnel(areas([3, 4], 400).assign(**change), target=target)


# -- control charts ----------------------------------------------------------------------------------


def years(events, denominator=4000, base="population", first=2010, **columns):
    span = range(first, first + len(events))
    return pd.DataFrame({"year": span, "base": base, "events": events, "denominator": denominator} | columns)


def test_limits_agree_with_r():
    """R 4.2.2, m = 38/6: qpois(.999, m) 15, qpois(.975, m) 12, fewest with ppois > .001 0, > .025 2."""
    out = monitor.control_chart(years([4, 6, 5, 3, 16, 4]))
    assert out["centre"].unique() == pytest.approx([1000 * 38 / 24000])
    limits = out[["lower_998", "lower_95", "upper_95", "upper_998"]].iloc[0] * 4
    assert limits.to_list() == pytest.approx([0, 2, 12, 15])
    assert out["signal"].to_list() == ["", "", "", "", "outside 99.8%", ""]


def test_a_point_on_the_limit_is_no_signal():
    assert monitor.control_chart(years([4, 6, 5, 3, 15, 5]))["signal"].eq("").all()


def test_run_of_eight_and_a_break_that_ends_it():
    events = [9] * 8 + [3] * 8
    out = monitor.control_chart(years(events))
    assert out["run"].to_list() == [*range(1, 9), *range(1, 9)]
    assert out["signal"].to_list() == ([""] * 7 + ["run of 8"]) * 2
    broken = monitor.control_chart(years(events), breaks=[2018])
    assert broken["phase"].to_list() == [1] * 8 + [2] * 8
    assert broken["centre"].to_list() == pytest.approx([9 / 4] * 8 + [3 / 4] * 8)
    assert broken["signal"].eq("").all()
    early = monitor.control_chart(years(events), breaks=[2014, 2018], run=4)
    assert early["phase"].to_list() == [1] * 4 + [2] * 4 + [3] * 8


def test_runs_by_brute_force():
    rng = np.random.default_rng(2)
    events = rng.poisson(4, 60)
    out = monitor.control_chart(years(events, run=0), run=3)
    side, length = 0, 0
    for got, value in zip(out["run"], events - events.mean(), strict=True):
        length = 0 if value == 0 else length + 1 if np.sign(value) == side else 1
        side = np.sign(value)
        assert got == length


def test_a_missing_year_ends_a_run_and_keeps_its_row():
    out = monitor.control_chart(years([9, 9, np.nan, 9, 1, 1, 1], note=""))
    assert out["run"].to_list() == [1, 2, 0, 1, 1, 2, 3]
    assert out["note"].to_list()[2] == "suppressed"
    gap = monitor.control_chart(years([9, 9, 9, 1, 1]).drop(index=1))
    assert gap["run"].to_list() == [1, 1, 1, 2]


def test_counts_alone_and_shares():
    counts = monitor.control_chart(pd.DataFrame({"year": range(6), "events": [4, 6, 5, 3, 16, 4]}))
    assert counts["measure"].unique().tolist() == ["count"]
    assert counts["upper_998"].to_list() == [15] * 6
    shares = monitor.control_chart(years([2, 3, 0, 9], [10, 12, 0, 11], "charge"))
    assert shares["measure"].unique().tolist() == ["proportion"]
    assert shares["note"].to_list() == ["", "", "no_denominator", ""]
    assert shares["upper_998"].dropna().le(1).all()
    nobody = monitor.control_chart(years([0, 0, 0]))
    assert nobody["centre"].eq(0).all()
    assert nobody["signal"].eq("").all()


def test_chance_of_a_false_signal_is_at_most_one_in_five_hundred_a_point():
    for mean in (0.4, 1, 3, 8, 20):
        low, high = fewest_and_most(np.array([1.0]), np.array([mean]), np.array([True]), 0.001)
        assert stats.poisson.cdf(low[0] - 1, mean) + stats.poisson.sf(high[0], mean) <= 0.002


@pytest.mark.parametrize(
    ("change", "run", "message"),
    [
        ({}, 1, "run is 1; give a whole number of years, 2 or more"),
        ({"years": 3}, 8, "A control chart needs single years"),
        ({"year": 2020}, 8, "repeat the same year within one series"),
    ],
)
def test_bad_charts(change, run, message):
    with pytest.raises(ValueError, match=message):
        monitor.control_chart(years([3, 4]).assign(**change), run=run)
