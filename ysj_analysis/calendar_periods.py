"""Which day, quarter and year does a moment fall in? Local time, and the kinds of year services use.

Public bodies count in four kinds of year: financial (from April), academic (from September), calendar, and
the twelve months ending in December that the Youth Justice Board uses for first-time entrants. A year is
named by the one it starts in. Moments published in universal time are brought to Europe/London first: a
search at 23:30 UTC on 31 March is on 1 April, in another month and another financial year.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterable

import numpy as np
import pandas as pd

from .tables import DataError
from .vocabulary import FIRST_MONTH, PERIODS, period_label

_ZONE = "Europe/London"
_OFFSET = r"(?:[zZ]|[+-]\d{2}:?\d{2})$"


def london(moments: Iterable, *, file: str = "", column: str = "date", first_row: int = 2) -> pd.Series:
    """Bring moments to local time.

    Parameters
    ----------
    moments : Series or sequence
        ISO 8601 text with its offset (``2016-05-31T23:01:00+00:00`` or ending in ``Z``), or times that know
        their zone. An empty or missing one stays missing.
    file, column, first_row
        What to call the file, the column and the row of the first value in a message.

    Returns
    -------
    Series of datetime
        In Europe/London, on the same index.

    Raises
    ------
    DataError
        For text that is no moment, or says no offset: nobody can tell then whether it is local.

    Examples
    --------
    >>> london(["2016-05-31T23:01:00+00:00"]).iloc[0]
    Timestamp('2016-06-01 00:01:00+0100', tz='Europe/London')
    """
    values = moments if isinstance(moments, pd.Series) else pd.Series(list(moments), dtype=object)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert(_ZONE)
    text = values.astype("string").fillna("").str.strip()
    found = pd.to_datetime(text.mask(text == ""), format="ISO8601", utc=True, errors="coerce")
    bad = (found.isna() | ~text.str.contains(_OFFSET)) & (text != "")
    if bad.any():
        at = int(bad.to_numpy(bool).argmax())
        raise DataError(
            f"{f'{file}: ' if file else ''}{int(bad.sum()):,} of {len(values):,} rows have no moment with its offset "
            f"from universal time. First: row {at + first_row:,}, column {column}. Write them as "
            "2016-05-31T23:01:00+00:00; without the offset nobody can say on which day some of them are."
        )
    return found.dt.tz_convert(_ZONE)


def day(moments: pd.Series) -> pd.Series:
    """Give the day of moments that know their zone, as dates without one.

    Parameters
    ----------
    moments : Series of datetime
        As `london` gives them.

    Returns
    -------
    Series of datetime
        Midnight of the day, without a zone.

    Examples
    --------
    >>> day(london(["2016-05-31T23:01:00+00:00"])).iloc[0]
    Timestamp('2016-06-01 00:00:00')
    """
    return moments.dt.tz_localize(None).dt.normalize()


def _kind(period: str) -> int:
    if period not in FIRST_MONTH:
        raise ValueError(f"period is {period!r}; it must be one of {', '.join(PERIODS)}.")
    return FIRST_MONTH[period]


def year_of(dates: pd.Series, period: str = "financial") -> pd.Series:
    """Give the year each date falls in, named by the one it starts in.

    Parameters
    ----------
    dates : Series of datetime
        Days; none missing.
    period : {"financial", "calendar", "academic", "december"}
        The kind of year.

    Returns
    -------
    Series of int
        Years.

    Examples
    --------
    >>> days = pd.Series(pd.to_datetime(["2024-03-31", "2024-04-01", "2024-09-01"]))
    >>> year_of(days).to_list(), year_of(days, "academic").to_list(), year_of(days, "december").to_list()
    ([2023, 2024, 2024], [2023, 2023, 2024], [2024, 2024, 2024])
    """
    return (dates.dt.year - (dates.dt.month < _kind(period))).astype(int)


def quarter_of(dates: pd.Series, period: str = "financial") -> pd.Series:
    """Give the quarter, 1 to 4, of the year that each date falls in.

    Parameters
    ----------
    dates : Series of datetime
        Days; none missing.
    period : {"financial", "calendar", "academic", "december"}
        The kind of year.

    Returns
    -------
    Series of int
        Quarters, the first beginning with the year.

    Examples
    --------
    >>> days = pd.Series(pd.to_datetime(["2024-03-31", "2024-04-01"]))
    >>> quarter_of(days).to_list(), quarter_of(days, "calendar").to_list()
    ([4, 1], [1, 2])
    """
    return ((dates.dt.month - _kind(period)) % 12 // 3 + 1).astype(int)


def bounds(year: int, period: str = "financial", *, years: int = 1) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Give the first and the last day of a year, or of several that end with it.

    Parameters
    ----------
    year : int
        The last year, by the one it starts in.
    period : {"financial", "calendar", "academic", "december"}
        The kind of year.
    years : int
        How many years.

    Returns
    -------
    tuple of Timestamp
        First and last day, both included.

    Examples
    --------
    >>> first, last = bounds(2023, "academic")
    >>> str(first.date()), str(last.date())
    ('2023-09-01', '2024-08-31')
    """
    month = _kind(period)
    first = pd.Timestamp(year - years + 1, month, 1)
    return first, pd.Timestamp(year + 1, month, 1) - pd.Timedelta(days=1)


def last_whole(day: datetime.date, period: str = "financial") -> int:
    """Name the last year that has ended by a day.

    Parameters
    ----------
    day : date
        Of an export; what happened on it is in the data.
    period : str
        One of ``vocabulary.PERIODS``.

    Returns
    -------
    int
        The year it starts in.

    Examples
    --------
    >>> last_whole(datetime.date(2024, 9, 30)), last_whole(datetime.date(2024, 3, 31))
    (2023, 2023)
    >>> last_whole(datetime.date(2024, 3, 30)), last_whole(datetime.date(2024, 9, 30), "calendar")
    (2022, 2023)
    """
    return int(year_of(pd.Series([pd.Timestamp(day) + pd.Timedelta(days=1)]), period).iloc[0]) - 1


def quarter_label(year: int, quarter: int, period: str = "financial") -> str:
    """Write a quarter by its months, which say the same in every kind of year.

    Parameters
    ----------
    year : int
        The year, by the one it starts in.
    quarter : {1, 2, 3, 4}
        The quarter of that year.
    period : {"financial", "calendar", "academic", "december"}
        The kind of year.

    Returns
    -------
    str
        First and last month; two years where it crosses into the next.

    Examples
    --------
    >>> quarter_label(2023, 4), quarter_label(2023, 4, "calendar"), quarter_label(2023, 2, "academic")
    ('January to March 2024', 'October to December 2023', 'December 2023 to February 2024')
    """
    start = year * 12 + _kind(period) - 1 + 3 * (quarter - 1)
    (first_year, first), (last_year, last) = divmod(start, 12), divmod(start + 2, 12)
    names = calendar.month_name
    from_year = f" {first_year}" if first_year != last_year else ""
    return f"{names[first + 1]}{from_year} to {names[last + 1]} {last_year}"


def in_periods(
    table: pd.DataFrame, *, date: str = "date", period: str = "financial", split: str = "year"
) -> pd.DataFrame:
    """Add to each row the year and quarter it falls in, and which kind they are.

    Parameters
    ----------
    table : DataFrame
        With a column of days.
    date : str
        That column.
    period : {"financial", "calendar", "academic", "december"}
        The kind of year.
    split : {"year", "quarter"}
        What to name in ``period_label``.

    Returns
    -------
    DataFrame
        The same rows with ``year``, ``quarter``, ``period`` (the kind) and ``period_label``.

    Examples
    --------
    >>> t = pd.DataFrame({"date": pd.to_datetime(["2024-01-15"])})
    >>> in_periods(t, split="quarter")[["year", "quarter", "period", "period_label"]]
       year  quarter     period           period_label
    0  2023        4  financial  January to March 2024
    """
    if split not in ("year", "quarter"):
        raise ValueError(f"split is {split!r}; it must be 'year' or 'quarter'.")
    year, quarter = year_of(table[date], period), quarter_of(table[date], period)
    pairs = pd.DataFrame({"year": year, "quarter": quarter})
    names = {
        (y, q): period_label(y, 1, period) if split == "year" else quarter_label(y, q, period)
        for y, q in pairs.drop_duplicates().itertuples(index=False)
    }
    label = [names[pair] for pair in zip(year, quarter, strict=True)]
    return table.assign(year=year, quarter=quarter, period=period, period_label=label)


def refuse_other_period(counts: pd.DataFrame | None, period: str, *, file: str = "counts.csv") -> None:
    """Refuse counts of another kind of year than the study says; counts that do not say are taken on trust.

    Parameters
    ----------
    counts : DataFrame or None
        Perhaps with a column ``period``.
    period : str
        The study's kind of year.
    file : str
        What to call the table in a message.

    Raises
    ------
    DataError
        When a row is of another kind of year.

    Examples
    --------
    >>> refuse_other_period(pd.DataFrame({"period": ["financial", None]}), "financial")
    """
    if counts is None or "period" not in counts:
        return
    other = counts["period"].notna() & counts["period"].ne(period)
    if other.any():
        first = int(other.to_numpy().argmax())
        raise DataError(
            f"{file}: {other.sum():,} of {len(counts):,} rows are of {counts['period'].iloc[first]} years, and the "
            f"study counts in {period} years. First: row {first + 2:,}, column period. Keep the rows of one kind, and "
            "set period in study.toml to it."
        )


def rolling(
    table: pd.DataFrame,
    *,
    first: str,
    last: str,
    date: str = "date",
    months: int = 12,
    every: int = 3,
) -> pd.DataFrame:
    """Repeat each row in every rolling period it falls in: by default years, one ending each quarter.

    Parameters
    ----------
    table : DataFrame
        With a column of days.
    first, last : str
        The first and the last month of the data, as ``2016-04``. Only periods that lie wholly within are
        given, so that the first and the last are not short.
    date : str
        The column of days.
    months : int
        How long a period is.
    every : int
        How many months lie between the ends of two periods, counted back from ``last``.

    Returns
    -------
    DataFrame
        The rows, repeated, with ``end`` (the last month of the period, as ``2024-03``), ``period``
        (``rolling``) and ``period_label``. Rows outside every period are left out. Periods overlap: their
        counts are of the same children and are never added up or tested against each other.

    Raises
    ------
    ValueError
        When no whole period lies between ``first`` and ``last``.

    Examples
    --------
    >>> t = pd.DataFrame({"date": pd.to_datetime(["2023-02-10"])})
    >>> rolling(t, first="2022-01", last="2023-12")["period_label"].to_list()
    ['April 2022 to March 2023', 'July 2022 to June 2023', 'October 2022 to September 2023',
     'January 2023 to December 2023']
    """
    start, stop = (pd.Period(month, "M").ordinal for month in (first, last))
    ends = np.arange(stop, start + months - 2, -every)[::-1]
    if not len(ends) or months < 1 or every < 1:
        raise ValueError(
            f"0 periods of {months} months lie between {first} and {last}. Ask for shorter ones, or give more months."
        )
    month = table[date].dt.to_period("M").astype("int64").to_numpy()
    low, high = np.searchsorted(ends, month, "left"), np.searchsorted(ends, month + months, "left")
    rows = np.repeat(np.arange(len(table)), high - low)
    which = np.arange(len(rows)) - np.repeat(np.cumsum(high - low) - (high - low), high - low) + low[rows]
    end = pd.PeriodIndex.from_ordinals(ends, freq="M")
    labels = np.array([f"{(e - months + 1).strftime('%B %Y')} to {e.strftime('%B %Y')}" for e in end])
    return table.iloc[rows].assign(
        end=end.strftime("%Y-%m").to_numpy()[which], period="rolling", period_label=labels[which]
    )
