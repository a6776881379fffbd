"""Which years belong together, and did anything change between them? Tables in, tables out.

``pool`` puts single years and rolling windows side by side without counting twice; ``change`` compares
a relative rate in two periods that share no year.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from . import _cells, pipeline
from ._series import COUNTED, checked, codes, keys, laid_out, masked, refuse_repeats, refuse_windows
from .load import Study
from .vocabulary import COUNTS, POPULATION

_FEWEST_FOR_CHANGE = 3
"""A change in a ratio needs this many events in each of its four counts."""

_DISTINCT = "distinct {unit} in the window"
_ADDED = "years added up: a child of two years is counted in both"


def pool(
    source: Study | pd.DataFrame,
    *,
    windows: Sequence[int] = (1, 3),
    unit: str | None = None,
    by: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Put single years and rolling windows of pooled years side by side.

    Parameters
    ----------
    source : Study or DataFrame
        A study, or a table of counts of single years: ``year, events, denominator`` and any columns
        that tell one series from another.
    windows : sequence of int
        Lengths of the windows in years, each once. A window ends with its ``year``.
    unit, by
        As for :func:`pipeline.stage_counts`; of a study only.

    Returns
    -------
    DataFrame
        The rows of every window length one after the other, ``years`` telling them apart, with
        ``method``. From the events of a study a child is counted once in a window however often it
        returns. A table of counts knows no children: its years are added, and ``method`` says so.
        A window with a hidden or immature year carries that note and no counts; with a year that has
        no row, ``a year is missing``.

    Raises
    ------
    ValueError
        For windows that repeat, are no whole years or exceed the years there are; for rows that are
        pooled already or repeat a year.

    Examples
    --------
    >>> t = pd.DataFrame({"year": [2021, 2022, 2023], "group": "Black", "base": "population",
    ...                   "events": [2, 0, 3], "denominator": [400, 410, 390]})
    >>> pool(t)[["year", "years", "events", "denominator"]]
       year  years  events  denominator
    0  2021      1     2.0        400.0
    1  2022      1     0.0        410.0
    2  2023      1     3.0        390.0
    3  2023      3     5.0       1200.0
    """
    windows = list(windows)
    if not windows or len(set(windows)) < len(windows) or any(k != int(k) or k < 1 for k in windows):
        raise ValueError(f"windows is {windows}; give whole numbers of years, 1 or more, each once.")
    if isinstance(source, Study):
        parts = [pipeline.stage_counts(source, unit=unit, by=by, window=k) for k in windows]
        table = pd.concat(parts, ignore_index=True)
        counted = _ADDED if source.events is None else _DISTINCT.format(unit=table["unit"].iloc[0])
        return table.assign(method=np.where(table["years"] > 1, counted, "single year"))
    if unit or by:
        raise ValueError("unit and by are for a study; a table of counts keeps the columns it has.")
    table = checked(source, ("year", *COUNTED))
    refuse_windows(table, "Pooling")
    span = int(table["year"].max() - table["year"].min() + 1) if len(table) else 0
    if max(windows) > span:
        raise ValueError(f"windows holds {max(windows)}; the table has {span} years.")
    series = keys(table, "year", "years")
    refuse_repeats(table, [*series, "year"], "year")
    parts = [_window(table, series, k) for k in windows]
    return pd.concat(parts, ignore_index=True)


def _window(table: pd.DataFrame, series: list[str], k: int) -> pd.DataFrame:
    """Add up every window of k years within the table's years."""
    first, last = int(table["year"].min()), int(table["year"].max())
    reason, _ = masked(table)
    rows = np.repeat(np.arange(len(table)), k)
    end = table["year"].to_numpy()[rows] + np.tile(np.arange(k), len(table))
    inside = (end <= last) & (end >= first + k - 1)
    rows, end = rows[inside], end[inside]
    spread = table.iloc[rows].assign(year=end, note=np.where(reason == "no_denominator", "", reason)[rows])
    at = codes(spread, [*series, "year"])
    heads = pd.Series(at).drop_duplicates().index
    out = spread.iloc[heads].reset_index(drop=True)
    size = len(out)
    for column in ("events", "denominator"):
        out[column] = np.bincount(at, weights=spread[column].to_numpy(float), minlength=size)
    noted = spread["note"].to_numpy() != ""
    out["note"] = ""
    out.loc[at[noted], "note"] = spread["note"].to_numpy()[noted]
    absent = np.bincount(at, minlength=size) < k
    out["note"] = np.where(out["note"].ne(""), out["note"], np.where(absent, "a year is missing", ""))
    if k > 1:
        out.loc[out["note"].ne(""), ["events", "denominator"]] = np.nan
    out = out.assign(years=k, method=_ADDED if k > 1 else "single year")
    leading = [c for c in COUNTS if c in out]
    rest = [c for c in series if c not in leading]
    return out[[*leading, *rest, "events", "denominator", "method", "note"]]


def change(table: pd.DataFrame, *, earlier: int, later: int, level: float = 0.95) -> pd.DataFrame:
    """Say whether a relative rate changed between two periods: the ratio of the two ratios.

    Parameters
    ----------
    table : DataFrame
        From ``measures.relative_rates``: ``year, base, group, reference`` and the four counts.
    earlier, later : int
        The two years (the last years of the two windows, where years are pooled).
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        The rows of ``later``, with ``vocabulary.MEASURE`` (``measure`` is ``ratio_of_ratios``, above 1
        where the gap between the groups grew) and ``earlier_year, earlier_events,
        earlier_denominator, earlier_reference_events, earlier_reference_denominator``. Where one of the
        four counts is under 3 there is no estimate and the note is ``fewer than 3 events``: the normal
        approximation has nothing to stand on. A series without the earlier year is noted
        ``no earlier period``.

    Raises
    ------
    ValueError
        If a year is not in the table, or two windows overlap and so share children.

    References
    ----------
    Altman and Bland (2003), Interaction revisited. Wald on the log: the variance is the sum of
    1/events (rates) or of 1/events - 1/denominator (shares of a cohort).

    Examples
    --------
    >>> t = pd.DataFrame({"year": [2013, 2023], "group": "Black", "base": "population", "reference": "White",
    ...                   "events": [40, 30], "denominator": [4000, 4000],
    ...                   "reference_events": [50, 20], "reference_denominator": [8000, 8000]})
    >>> change(t, earlier=2013, later=2023)[["estimate", "low", "high", "p_value"]].round(3)
       estimate    low   high  p_value
    0     1.875  0.929  3.784    0.079
    """
    four = ("events", "denominator", "reference_events", "reference_denominator")
    table = checked(table, ("year", "base", "reference", *four))
    for name, year in (("earlier", earlier), ("later", later)):
        if not table["year"].eq(year).any():
            raise ValueError(
                f"{name} is {year}; the table has {', '.join(map(str, sorted(table['year'].unique())))}."
            )
    if earlier >= later:
        raise ValueError(f"earlier is {earlier} and later {later}: earlier must come first.")
    now, before = (table[table["year"].eq(y)].reset_index(drop=True) for y in (later, earlier))
    _apart(now, earlier, later)
    series = [*keys(table, "year"), *(c for c in ("measure", "reference") if c in table)]
    refuse_repeats(table, [*series, "year"], "year")
    prior = before[[*series, "year", *four, *(["note"] if "note" in before else [])]].rename(
        columns={c: "earlier_" + c for c in ("year", *four, "note")}
    )
    both = now.merge(prior, on=series, how="left")
    return _changed(both, four, _cells.normal_quantile(level))


def _apart(now: pd.DataFrame, earlier: int, later: int) -> None:
    if "years" in now and (now["years"] > later - earlier).any():
        raise ValueError(
            f"{int((now['years'] > later - earlier).sum())} of {len(now)} rows of {later} pool more years than lie "
            f"between {earlier} and {later}, so both periods hold the same children. Choose an earlier year, or "
            "fewer years."
        )


def _changed(both: pd.DataFrame, four: tuple[str, ...], z: float) -> pd.DataFrame:
    x, n = (
        np.stack(
            [both[f"{p}{c}"].to_numpy(float) for p in ("", "reference_", "earlier_", "earlier_reference_")]
        )
        for c in ("events", "denominator")
    )
    poisson = both["base"].eq(POPULATION).to_numpy()
    notes = [both[c].fillna("").to_numpy(object) for c in ("note", "earlier_note") if c in both]
    hiding = ("reference", "suppressed", "immature", "no_denominator")
    inherited = np.full(len(both), "", object)
    for words in notes[::-1]:
        inherited = np.where(np.isin(words.astype(str), hiding), words, inherited)
    with np.errstate(divide="ignore", invalid="ignore"):
        sign = np.array([1, -1, -1, 1])[:, None]
        estimate = np.exp((sign * np.log(x / n)).sum(axis=0))
        error = np.sqrt((1 / x - np.where(poisson, 0.0, 1 / n)).sum(axis=0))
        p_value = special.erfc(np.abs(np.log(estimate)) / error / np.sqrt(2))
        low, high = estimate * np.exp(-z * error), estimate * np.exp(z * error)
    note = np.select(
        [
            inherited != "",
            both["earlier_year"].isna(),
            np.isnan(x).any(axis=0),
            ~(n > 0).all(axis=0),
            (x < _FEWEST_FOR_CHANGE).any(axis=0),
            (~poisson) & (x == n).any(axis=0),
        ],
        [inherited, "no earlier period", "suppressed", "no_denominator", "fewer than 3 events", "full_cell"],
        "",
    ).astype(object)
    shown = np.isin(note.astype(str), ["", "full_cell"])
    sure = shown & (error > 0)
    return laid_out(
        both.drop(columns="earlier_note", errors="ignore"),
        measure="ratio_of_ratios",
        estimate=np.where(shown, estimate, np.nan),
        low=np.where(sure, low, np.nan),
        high=np.where(sure, high, np.nan),
        p_value=np.where(sure, p_value, np.nan),
        method="Wald on the log ratio of ratios",
        note=note,
    )
