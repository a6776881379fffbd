"""Times with some still running: R's survival package, brute force, and the dates of the synthetic study."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ysj_analysis import load, survival, synthetic, timeliness
from ysj_analysis.load import DataError

# Freireich and others (1963), remission in weeks: Klein and Moeschberger (2003), Survival Analysis, table 1.1.
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

# Acute myelogenous leukaemia, the data set `aml` of R's survival package.
KEPT = ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
NOT_KEPT = ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1])

# R 4.2, survival 3.5.3: print(survfit(Surv(t, s) ~ 1, conf.type = "log-log"), rmean = HORIZON)
#                       median 0.95LCL 0.95UCL  horizon      rmean   se(rmean)
#   treated                 23      13      NA       35 23.2873950   2.8274676
#   treated                                          20 16.1165266   1.2515602
#   placebo                  8       4      11       35  8.6666667   1.3773900
#   placebo                                          20  8.4285714   1.2680827
#   aml, kept               31      13      NA       48 31.84318182  4.527884712
#   aml, not kept           23       5      33       48 22.70833333  4.180941981
R = [
    (TREATED, RELAPSED, (23, 13, np.inf), 35, 23.2873950, 2.8274676),
    (TREATED, RELAPSED, (23, 13, np.inf), 20, 16.1165266, 1.2515602),
    (PLACEBO, [1] * 21, (8, 4, 11), 35, 8.6666667, 1.3773900),
    (PLACEBO, [1] * 21, (8, 4, 11), 20, 8.4285714, 1.2680827),
    (*KEPT, (31, 13, np.inf), 48, 31.84318182, 4.527884712),
    (*NOT_KEPT, (23, 5, 33), 48, 22.70833333, 4.180941981),
]


@pytest.mark.parametrize(("time", "ended", "middle", "horizon", "mean", "error"), R)
def test_median_and_restricted_mean_are_those_of_r(time, ended, middle, horizon, mean, error):
    assert survival.median(time, ended) == middle
    assert survival.restricted_mean(time, ended, horizon=horizon) == pytest.approx((mean, error), abs=5e-8)


TIMES = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=20)


@settings(max_examples=100, deadline=None)
@given(cases=TIMES, horizon=st.integers(1, 30))
def test_without_anyone_still_running_the_restricted_mean_is_the_mean_of_the_times_cut_off(cases, horizon):
    time = np.array([t for t, _ in cases])
    mean, error = survival.restricted_mean(time, [True] * len(time), horizon=horizon)
    cut = np.minimum(time, horizon)
    assert mean == pytest.approx(cut.mean())
    # Greenwood's variance without censoring is the variance over n.
    assert error == pytest.approx(cut.std() / np.sqrt(len(cut)), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(cases=TIMES)
def test_the_median_lies_between_its_limits_and_scales(cases):
    time, ended = np.array([t for t, _ in cases]), np.array([e for _, e in cases])
    found = survival.median(time, ended)
    # A curve that falls to 0 at its first ending has a median and no limits, in R as here.
    if np.isfinite(found.low):
        assert found.low <= found.estimate <= found.high
    else:
        assert np.isnan(found.estimate) or len(set(time[ended])) == 1
    assert survival.median(time * 7, ended).estimate == pytest.approx(found.estimate * 7, nan_ok=True)


def test_what_is_not_known_is_not_given():
    assert np.isnan(survival.median([3, 4], [False, False])).all()
    assert np.isnan(survival.restricted_mean([3, 4], [True, False], horizon=5)).all()
    assert np.isnan(survival.restricted_mean([], [], horizon=5)).all()
    assert survival.restricted_mean([9, 9], [False, False], horizon=5) == (5.0, 0.0)
    with pytest.raises(ValueError, match=r"1 of 2 times are missing or below 0\. First: place 1"):
        survival.median([3, -1], [True, True])


# -- from offence to outcome -------------------------------------------------------------------------


STUDY = load.study("data/synthetic")


def first_offences(area, years):
    """The first offence of each child in some years, the one decided last where there are several that day."""
    offences = STUDY.offences.assign(year=STUDY.offences["offence_date"].dt.to_period("Y-MAR").dt.year - 1)
    homes = STUDY.events.drop_duplicates("child_id").set_index("child_id")["area"].astype(str)
    here = offences[offences["child_id"].map(homes).eq(area) & offences["year"].isin(years)]
    until = max(STUDY.events["date"].max(), STUDY.offences["outcome_date"].max())
    found = {}
    for row in here.to_dict("records"):
        end = row["outcome_date"] if row["outcome_date"] == row["outcome_date"] else until
        wait = (end - row["offence_date"]).days
        before = found.get(row["child_id"])
        if not before or (row["offence_date"], -wait) < (before[0], -before[1]):
            found[row["child_id"]] = (row["offence_date"], wait, row["outcome_date"] == row["outcome_date"])
    return found


def test_shares_within_so_many_days_are_those_counted_by_hand():
    table = timeliness.within(STUDY, window=3).query("area == 'Hackney' and year == 2021")
    waits = first_offences("Hackney", [2019, 2020, 2021])
    sums = table.groupby("stage", observed=True)[["events", "denominator"]].sum()
    for days in (91, 182, 365):
        ended = sum(end and wait <= days for _, wait, end in waits.values())
        assert sums.loc[f"outcome_{days}"].to_list() == [ended, len(waits)]


def test_years_not_followed_long_enough_are_immature():
    found = timeliness.within(STUDY).query("area == 'Islington' and group == 'White'")
    late = found[found["note"].eq("immature")].groupby("stage", observed=True)["year"].agg(list).to_dict()
    # The last day in the tables is 28 September 2024, 181 days after the last year ends.
    assert late == {"outcome_182": [2023], "outcome_365": [2023]}


def test_differences_are_of_the_groups_restricted_means():
    table = timeliness.times(STUDY, window=8).astype({"area": str, "group": str})
    table = table.set_index(["area", "measure", "group"])["estimate"].sort_index()
    for area in STUDY.areas:
        mean, gap = table[area, "restricted_mean_days"], table[area, "restricted_mean_difference_days"]
        assert gap["Black"] == pytest.approx(mean["Black"] - mean["White"])
        assert gap["White"] == 0


def test_a_longer_wait_that_was_planted_is_found():
    """From offence to arrest Black children wait 45 days in the mean and others 30."""
    study = synthetic.simulate(3, areas=["Islington"], years=[2022, 2023], scale=60)
    # Later delays are alike only among those of whom nothing more was asked, at once.
    waiting = set(study.events.query("stage == 'released_under_investigation'")["episode_id"])
    offences = study.offences[~study.offences["episode_id"].isin(waiting)]
    ours = dataclasses.replace(
        STUDY,
        events=study.events.assign(date=pd.to_datetime(study.events["date"])),
        children=study.children,
        offences=offences.assign(
            **{c: pd.to_datetime(offences[c]) for c in ("offence_date", "outcome_date")}
        ).query("outcome == 'no_further_action'"),
        areas=("Islington",),
        years=(2022, 2023),
    )
    row = (
        timeliness.times(ours, window=2)
        .query("measure == 'restricted_mean_difference_days' and group == 'Black'")
        .iloc[0]
    )
    assert row["low"] < 15 < row["high"]
    assert row["low"] > 5


def test_an_outcome_before_its_offence_has_no_wait():
    offences = STUDY.offences.copy()
    offences.loc[5, "outcome_date"] = offences.loc[5, "offence_date"] - pd.Timedelta(days=1)
    kept, _ = timeliness.waits(dataclasses.replace(STUDY, offences=offences))
    assert len(kept) == len(timeliness.waits(STUDY)[0]) - 1
    none = offences.assign(outcome_date=offences["offence_date"] - pd.Timedelta(days=1))
    with pytest.raises(DataError, match=r"([\d,]+) of \1 offences .* First: row 2, column outcome_date"):
        timeliness.within(dataclasses.replace(STUDY, offences=none))
    with pytest.raises(ValueError, match="reference 'Purple' is not one of the 6 groups"):
        timeliness.times(STUDY, reference="Purple")
