"""Days are local days, and every year says which kind it is."""

import csv
import os
import shutil
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis import calendar_periods as periods
from ysj_analysis import load, pipeline
from ysj_analysis.tables import DataError
from ysj_analysis.vocabulary import PERIODS, period_label

SHARED = Path(os.environ.get("YSJ_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
needs_shared_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not here")


def days(*written):
    return pd.Series(pd.to_datetime(list(written)))


# -- local time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "local"),
    [
        ("2016-05-31T23:01:00+00:00", "2016-06-01 00:01"),
        ("2024-03-31T00:30:00+00:00", "2024-03-31 00:30"),  # summer time began at 01:00 that day
        ("2024-03-31T23:30:00Z", "2024-04-01 00:30"),
        ("2023-12-31T23:30:00Z", "2023-12-31 23:30"),
        ("2024-10-27T00:30:00Z", "2024-10-27 01:30"),  # an hour that came twice: the first time
        ("2024-10-27T01:30:00Z", "2024-10-27 01:30"),  # and the second
        ("2024-07-01T12:00:00+01:00", "2024-07-01 12:00"),
        ("2024-07-01T12:00:00.123-0500", "2024-07-01 18:00"),
    ],
)
def test_moments_become_local(moment, local):
    got = periods.london([moment]).iloc[0]
    assert got.strftime("%Y-%m-%d %H:%M") == local
    assert str(got.tz) == "Europe/London"


def test_the_end_of_march_changes_financial_year_and_the_end_of_december_does_not_change_year():
    local = periods.day(
        periods.london(["2024-03-31T23:30:00Z", "2024-12-31T23:30:00Z", "2024-08-31T23:30:00Z"])
    )
    assert local.dt.strftime("%Y-%m-%d").to_list() == ["2024-04-01", "2024-12-31", "2024-09-01"]
    assert periods.year_of(local, "financial").to_list() == [2024, 2024, 2024]
    assert periods.year_of(local, "calendar").to_list() == [2024, 2024, 2024]
    assert periods.year_of(local, "academic").to_list() == [2023, 2024, 2024]


@pytest.mark.parametrize(
    "moment", ["2016-06-11T23:01:00", "2016-06-11", "31/05/2016", "Oct-17", "x", "2016-13-01T00:00Z"]
)
def test_a_moment_without_its_offset_is_refused(moment):
    with pytest.raises(
        DataError, match=r"s\.csv: 1 of 2 rows have no moment .* First: row 3, column Date"
    ) as error:
        periods.london(["2016-05-31T23:01:00+00:00", moment], file="s.csv", column="Date")
    assert moment not in str(error.value)


def test_missing_moments_stay_missing_and_times_that_know_their_zone_are_taken():
    assert periods.london(["", None, " "]).isna().all()
    aware = pd.Series(pd.to_datetime(["2016-05-31T23:01:00"])).dt.tz_localize("UTC")
    assert periods.london(aware).dt.day.to_list() == [1]
    assert periods.london([]).empty


@needs_shared_data
def test_thirteen_real_searches_change_month():
    path = SHARED / "met_stop_search_2016_06" / "2016-06-metropolitan-stop-and-search.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        written = [row["Date"] for row in csv.DictReader(file)]
    local = periods.day(periods.london(written))
    as_written = pd.Series([text[:7] for text in written])
    moved = as_written != local.dt.strftime("%Y-%m")
    assert moved.sum() == 13  # SOURCE.md
    assert set(as_written[moved]) == {"2016-05"}
    assert set(local.dt.strftime("%Y-%m")) == {"2016-06"}
    # By hand: in June the clocks are an hour ahead of universal time, nothing else.
    by_hand = Counter(
        (date.fromisoformat(t[:10]) + timedelta(days=int(t[11:13]) == 23)).isoformat() for t in written
    )
    assert Counter(local.dt.strftime("%Y-%m-%d")) == by_hand


# -- years and quarters ------------------------------------------------------------------------------


@pytest.mark.parametrize("period", PERIODS)
def test_a_year_holds_the_days_between_its_bounds(period):
    every = pd.Series(pd.date_range("2019-01-01", "2025-12-31"))
    year = periods.year_of(every, period)
    for named in (2020, 2023):
        first, last = periods.bounds(named, period)
        inside = every[year == named]
        assert (inside.min(), inside.max()) == (first, last)
        assert len(inside) == (last - first).days + 1 in (365, 366)
        quarters = periods.quarter_of(inside, period)
        assert quarters.is_monotonic_increasing
        assert quarters.value_counts().between(90, 92).all()
    first, last = periods.bounds(2023, period, years=5)
    assert (first, last) == (periods.bounds(2019, period)[0], periods.bounds(2023, period)[1])


def test_the_kinds_of_year_start_where_they_do():
    starts = {p: periods.bounds(2023, p)[0].strftime("%d %B %Y") for p in PERIODS}
    assert starts == {
        "financial": "01 April 2023",
        "calendar": "01 January 2023",
        "academic": "01 September 2023",
        "december": "01 January 2023",
    }


def test_labels_tell_the_kinds_apart():
    assert len({period_label(2023, 1, p) for p in PERIODS}) == len(PERIODS)
    assert len({period_label(2023, 5, p) for p in PERIODS}) == len(PERIODS)
    assert period_label(1999) == "1999-00"
    assert period_label(2023, period="december") == "year ending December 2023"
    assert period_label(2023, 3, "academic") == "2021/22 to 2023/24"


def test_quarters_are_named_by_their_months():
    quarters = [periods.quarter_label(2023, q) for q in (1, 2, 3, 4)]
    assert quarters == [
        "April to June 2023", "July to September 2023", "October to December 2023", "January to March 2024",
    ]  # fmt: skip
    got = periods.in_periods(pd.DataFrame({"date": days("2024-02-29")}), period="academic", split="quarter")
    assert got.loc[0, ["year", "quarter", "period", "period_label"]].to_list() == [
        2023, 2, "academic", "December 2023 to February 2024",
    ]  # fmt: skip


def test_rows_keep_their_order_and_the_table_is_not_changed():
    table = pd.DataFrame({"date": days("2024-03-31", "2020-01-01").array, "n": [1, 2]}, index=[9, 4])
    before = table.copy()
    got = periods.in_periods(table, period="calendar")
    pd.testing.assert_frame_equal(table, before)
    assert got["year"].to_list() == [2024, 2020]
    assert got.index.to_list() == [9, 4]
    assert set(got["period"]) == {"calendar"}


@pytest.mark.parametrize("ask", [periods.year_of, periods.quarter_of])
def test_another_kind_of_year_is_refused(ask):
    with pytest.raises(ValueError, match="must be one of financial, calendar, academic, december"):
        ask(days("2024-01-01"), "fiscal")
    with pytest.raises(ValueError, match="'year' or 'quarter'"):
        periods.in_periods(pd.DataFrame({"date": days("2024-01-01")}), split="month")


@pytest.mark.parametrize("period", PERIODS)
def test_a_study_counts_in_every_kind_of_year(tmp_path, period):
    """Children arrested in Islington by year, counted from the file with a set for each year."""
    source = Path(__file__).parents[1] / "data" / "synthetic"
    folder = tmp_path / "study"
    shutil.copytree(source, folder)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(
        text.replace('period = "financial"', f'period = "{period}"'), encoding="utf-8"
    )
    first_month = {"financial": 4, "calendar": 1, "academic": 9, "december": 1}[period]
    by_hand = defaultdict(set)
    with (source / "events.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["stage"] == "arrest" and row["area"] == "Islington":
                year, month = int(row["date"][:4]), int(row["date"][5:7])
                by_hand[year - (month < first_month)].add(row["child_id"])
    counts = pipeline.stage_counts(load.study(folder))
    arrests = counts.query("stage == 'arrest' and area == 'Islington' and base == 'population'")
    got = arrests.groupby("year")["events"].sum()
    assert got.to_dict() == {year: len(by_hand[year]) for year in range(2016, 2024)}


# -- rolling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("months", "every"), [(12, 3), (12, 1), (3, 3), (12, 12), (24, 6), (6, 5)])
def test_rolling_periods_hold_what_lies_in_them(months, every):
    first, last = (2019, 4), (2023, 3)
    table = pd.DataFrame({"date": pd.date_range("2018-11-15", "2023-08-15", freq="9D")})
    got = periods.rolling(table, first="2019-04", last="2023-03", months=months, every=every)
    expected = Counter()
    end = last[0] * 12 + last[1] - 1
    while end - months + 1 >= first[0] * 12 + first[1] - 1:
        name = f"{end // 12}-{end % 12 + 1:02d}"
        for d in table["date"]:
            expected[name] += end - months < d.year * 12 + d.month - 1 <= end
        end -= every
    assert Counter(got["end"]) == +expected
    assert set(got["period"]) == {"rolling"}


def test_a_rolling_year_that_ends_in_march_is_the_financial_year():
    table = pd.DataFrame({"date": pd.date_range("2020-04-01", "2023-03-31")})
    rolled = periods.rolling(table, first="2020-04", last="2023-03")
    per_year = periods.year_of(table["date"]).value_counts()
    assert rolled["end"].value_counts()["2022-03"] == per_year[2021] == 365
    assert rolled.loc[rolled["end"] == "2022-03", "period_label"].unique().tolist() == [
        "April 2021 to March 2022"
    ]


def test_a_period_longer_than_the_data_is_refused():
    with pytest.raises(ValueError, match="0 periods of 12 months lie between 2023-01 and 2023-11"):
        periods.rolling(pd.DataFrame({"date": days("2023-02-01")}), first="2023-01", last="2023-11")
