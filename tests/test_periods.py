"""Pooled years, and change in a ratio between two periods."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysj_analysis import measures, monitor


def counts(events=(2, 0, 3, 5), **columns):
    n = len(events)
    return pd.DataFrame(
        {"area": "A", "year": range(2020, 2020 + n), "years": 1, "unit": "children", "stage": "arrest"}
        | {"base": "population", "group": "Black", "events": list(events), "denominator": 400, "note": ""}
        | columns
    )


def test_single_years_and_windows_side_by_side():
    table = pd.concat([counts(), counts((1, 1, 1, 1), group="White")], ignore_index=True)
    before = table.copy(deep=True)
    out = monitor.pool(table, windows=(1, 2, 4))
    pd.testing.assert_frame_equal(table, before)
    black = out[out["group"] == "Black"]
    assert black["years"].to_list() == [1] * 4 + [2] * 3 + [4]
    assert black["year"].to_list() == [2020, 2021, 2022, 2023, 2021, 2022, 2023, 2023]
    assert black["events"].to_list() == [2, 0, 3, 5, 2, 3, 8, 10]
    assert black["denominator"].to_list() == [400] * 4 + [800] * 3 + [1600]
    assert out["method"].unique().tolist() == [
        "single year",
        "years added up: a child of two years is counted in both",
    ]


@given(st.lists(st.integers(0, 9), min_size=3, max_size=8))
def test_windows_equal_a_rolling_sum(events):
    out = monitor.pool(counts(tuple(events)), windows=(3,))
    assert out["events"].to_list() == pd.Series(events).rolling(3).sum().dropna().to_list()


def test_a_hidden_immature_or_absent_year_hides_its_windows_only():
    table = counts((2, np.nan, 3, 5, 1, 4), note=["", "", "", "", "", "immature"])
    out = monitor.pool(table, windows=(1, 2)).set_index(["years", "year"])
    assert out.loc[2, "note"].to_list() == ["suppressed", "suppressed", "", "", "immature"]
    assert out.loc[2, "events"].isna().to_list() == [True, True, False, False, True]
    assert out.loc[(1, 2025), "events"] == 4
    gap = monitor.pool(counts((1, 2, 3, 4)).drop(index=1), windows=(2,))
    assert gap["note"].to_list() == ["a year is missing", "a year is missing", ""]
    assert gap["year"].to_list() == [2021, 2022, 2023]


def test_measures_take_what_pool_gives():
    table = pd.concat([counts((2, 0, 3, 5)), counts((1, 1, 1, 1), group="White")], ignore_index=True)
    ratios = measures.relative_rates(monitor.pool(table, windows=(1, 4)))
    assert ratios.query("years == 4 and group == 'Black'")["estimate"].item() == pytest.approx(2.5)


def test_a_child_is_counted_once_in_a_window(tmp_path):
    """One child arrested in two years: two children in single years, one in the window."""
    from ysj_analysis import load

    (tmp_path / "study.toml").write_text('ethnicity_base = "2021"\n')
    (tmp_path / "children.csv").write_text(
        "child_id,sex,birth_month,ethnicity,ethnicity_source\nc1,male,2008-01,B1,self\nc2,male,2008-02,W1,self\n"
    )
    (tmp_path / "events.csv").write_text(
        "child_id,episode_id,stage,date,area\nc1,e1,arrest,2021-05-01,X\nc1,e2,arrest,2022-05-01,X\n"
        "c2,e3,arrest,2022-06-01,X\n"
    )
    (tmp_path / "population.csv").write_text(
        "area,year,group,population\n"
        + "".join(f"X,{y},{g},100\n" for y in (2021, 2022) for g in ("Black", "White"))
    )
    out = monitor.pool(load.study(tmp_path), windows=(1, 2))
    black = out[(out["group"] == "Black") & (out["stage"] == "arrest")]
    assert black["years"].to_list() == [1, 1, 2]
    assert black["events"].to_list() == [1, 1, 1]
    assert black["method"].to_list() == ["single year", "single year", "distinct children in the window"]


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ((), "windows is"),
        ((1, 1), "each once"),
        ((0,), "1 or more"),
        ((1.5,), "whole"),
        ((9,), "the table has 4 years"),
    ],
)
def test_bad_windows(windows, message):
    with pytest.raises(ValueError, match=message):
        monitor.pool(counts(), windows=windows)


def test_bad_pool_input():
    with pytest.raises(ValueError, match="rows pool several years"):
        monitor.pool(counts(years=3))
    with pytest.raises(ValueError, match="repeat the same year within one series"):
        monitor.pool(pd.concat([counts(), counts()]))
    with pytest.raises(ValueError, match="unit and by are for a study"):
        monitor.pool(counts(), unit="children")


# -- change ------------------------------------------------------------------------------------------


def two_periods(x=(40, 30), rx=(50, 20), n=(4000, 4000), rn=(8000, 8000), base="population", **columns):
    rows = {"year": [2013, 2023] * 2, "base": base, "group": ["Black"] * 2 + ["White"] * 2}
    table = pd.DataFrame(rows | {"events": [*x, *rx], "denominator": [*n, *rn]} | columns)
    return measures.relative_rates(table)


def test_rates_agree_with_r():
    """R 4.2.2: glm(y ~ g * p + offset(log(n)), poisson): exp(b), exp(b +- qnorm(.975) se), p."""
    row = monitor.change(two_periods(), earlier=2013, later=2023).iloc[0]
    assert row["estimate"] == pytest.approx(1.875, rel=1e-12)
    assert row["low"] == pytest.approx(0.9291158688, rel=1e-8)
    assert row["high"] == pytest.approx(3.7838391506, rel=1e-8)
    assert row["p_value"] == pytest.approx(0.07930528015, rel=1e-8)
    assert row["earlier_reference_events"] == 50


def test_shares_agree_with_the_delta_method_on_each_count():
    """Differentiate the log ratio of ratios in each share: the variance is the sum of d^2 p (1 - p) / n."""
    table = two_periods((12, 9), (20, 30), (40, 30), (100, 120), "charge")
    row = monitor.change(table, earlier=2013, later=2023).iloc[0]
    n = np.array([40, 30, 100, 120.0])
    share = np.array([12, 9, 20, 30]) / n

    def log_change(p):
        return np.log(p[1] / p[3]) - np.log(p[0] / p[2])

    steps = 1e-6 * np.eye(4)
    gradient = np.array([(log_change(share + h) - log_change(share - h)) / 2e-6 for h in steps])
    error = np.sqrt((gradient**2 * share * (1 - share) / n).sum())
    assert row["estimate"] == pytest.approx((9 / 30) / (30 / 120) / ((12 / 40) / (20 / 100)), rel=1e-12)
    expected = np.exp(log_change(share) + np.array([-1, 1]) * 1.959963984540054 * error)
    assert [row["low"], row["high"]] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("x", "rx", "base", "note"),
    [
        ((2, 30), (50, 20), "population", "fewer than 3 events"),
        ((40, 30), (50, 2), "population", "fewer than 3 events"),
        ((0, 30), (50, 20), "population", "fewer than 3 events"),
        ((3, 3), (3, 3), "population", ""),
        ((np.nan, 30), (50, 20), "population", "suppressed"),
        ((4000, 30), (50, 20), "charge", "full_cell"),
    ],
)
def test_change_refuses_few_events(x, rx, base, note):
    row = monitor.change(two_periods(x, rx, base=base), earlier=2013, later=2023).iloc[0]
    assert row["note"] == note
    assert np.isnan(row["estimate"]) == (note not in ("", "full_cell"))


def test_change_keeps_every_row_of_the_later_period():
    table = two_periods()
    out = monitor.change(table, earlier=2013, later=2023)
    assert out["group"].to_list() == ["Black", "White"]
    assert out["note"].to_list() == ["", "reference"]
    mixed = table[(table["year"] == 2023) & (table["group"] == "Black")].assign(group="Mixed")
    newer = monitor.change(pd.concat([table, mixed], ignore_index=True), earlier=2013, later=2023)
    assert newer["note"].to_list() == ["", "reference", "no earlier period"]


def test_change_refuses_windows_that_share_years():
    table = two_periods(years=5)
    assert monitor.change(table, earlier=2013, later=2023)["note"].iloc[0] == ""
    near = table.assign(year=table["year"].replace({2013: 2020}))
    with pytest.raises(ValueError, match="pool more years than lie between 2020 and 2023"):
        monitor.change(near, earlier=2020, later=2023)


def test_change_bad_input():
    with pytest.raises(ValueError, match="earlier is 1999; the table has 2013, 2023"):
        monitor.change(two_periods(), earlier=1999, later=2023)
    with pytest.raises(ValueError, match="earlier must come first"):
        monitor.change(two_periods(), earlier=2023, later=2013)


def test_periods_swapped_invert():
    table = two_periods()
    swapped = table.assign(year=table["year"].replace({2013: 2023, 2023: 2013}))
    one = monitor.change(table, earlier=2013, later=2023).iloc[0]
    two = monitor.change(swapped, earlier=2013, later=2023).iloc[0]
    assert one["estimate"] == pytest.approx(1 / two["estimate"])
    assert one["low"] == pytest.approx(1 / two["high"])
