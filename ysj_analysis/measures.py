"""How large is the difference? Tables in, the same rows with a measure added out.

A measure knows only columns: ``group``, ``events``, ``denominator`` and ``base``, and whatever other
columns tell one comparison from another (area, year, stage, sex ...). It does not know what a child or
a stage is, so it can be used on any table and checked against any textbook.

``base`` decides the sampling model and with it the interval: ``population`` means a rate (Poisson),
anything else a share of a cohort (binomial). The method is named on every row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import formulas, intervals
from .references import OVERALL, against, keys, totals
from .vocabulary import MEASURE, POPULATION, UNKNOWN

_RATES = {"risk_ratio": "rate_ratio", "risk_difference": "rate_difference", "proportion": "rate"}


def rates(table: pd.DataFrame, *, per: float = 1000, level: float = 0.95) -> pd.DataFrame:
    """Give the rate per so many child-years, or the proportion of the stage before.

    Parameters
    ----------
    table : DataFrame
        One row a group and comparison: ``group``, ``base``, ``events`` (whole number, 0 or more),
        ``denominator`` (child-years for base ``population``, else the size of the cohort).
    per : float
        What rates are given per; proportions are not affected.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The same rows with the columns of ``vocabulary.MEASURE``; ``measure`` is ``rate_per_1000`` (or
        whatever ``per`` is) or ``proportion``. No events: the estimate is 0 with a finite upper limit.

    Raises
    ------
    ValueError
        If a column is missing, a group occurs twice in one comparison, or a count is impossible.

    References
    ----------
    Garwood (1936) below 10 events and Byar's approximation (Breslow and Day 1987) from 10, the rule of
    the Office for Health Improvement and Disparities; Wilson (1927) for proportions.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "population",
    ...                   "events": [4, 12], "denominator": [3750, 6450]})
    >>> rates(t)[["group", "estimate", "low", "high", "method"]].round(2)
       group  estimate   low  high           method
    0  Black      1.07  0.29  2.73  exact (Garwood)
    1  White      1.86  0.96  3.25             Byar
    """
    table = _checked(table)
    x, n = _counts(table)
    note = np.select([np.isnan(x), ~(n > 0)], ["suppressed", "no_denominator"], "")
    return _measured(table, _named(table, "proportion", per), note=note, level=level)


def relative_rates(
    table: pd.DataFrame, *, reference: str | pd.DataFrame = "White", level: float = 0.95
) -> pd.DataFrame:
    """Compare each group's rate with the reference's: the relative rate index, with its interval.

    Parameters
    ----------
    table : DataFrame
        As for :func:`rates`.
    reference : str or DataFrame
        A group; ``all-others`` (every other group of known ethnicity together); ``overall`` (all groups
        of known ethnicity together, the group itself included); or a comparator table with ``group``,
        ``events``, ``denominator`` and the columns that match it to the rows, for a local reference
        that is too small (the alternate risk ratio).
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        The same rows with ``vocabulary.MEASURE``; ``measure`` is ``rate_ratio`` on the population and
        ``risk_ratio`` on a stage. The reference's own row has estimate 1, no interval and the note
        ``reference``. Reference without events: inf with a finite lower limit. Neither has events: NaN.

    Raises
    ------
    ValueError
        If the reference is not in the table, or a group occurs twice in one comparison.

    References
    ----------
    Miettinen and Nurminen (1985) score interval, its test the (N-1) chi-square (Campbell 2007), for
    shares of a cohort; conditional mid-P (Berry and Armitage 1995; Fay 2010) for rates.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "population",
    ...                   "events": [4, 1], "denominator": [3750, 6450]})
    >>> relative_rates(t).loc[0, ["estimate", "low", "high"]].astype(float).round(2).to_list()
    [6.88, 0.86, 170.25]
    """
    table = _checked(table)
    return _compared(table, against(table, reference), "risk_ratio", level=level)


def differences(
    table: pd.DataFrame, *, reference: str | pd.DataFrame = "White", per: float = 1000, level: float = 0.95
) -> pd.DataFrame:
    """Subtract the reference's rate from each group's: the absolute gap, with its interval.

    Parameters
    ----------
    table, reference, level
        As for :func:`relative_rates`.
    per : float
        What differences of rates are given per. Differences of proportions are given as they are.

    Returns
    -------
    DataFrame
        The same rows; ``measure`` is ``rate_difference_per_1000`` or ``risk_difference``.

    References
    ----------
    Newcombe (1998), method 10, for proportions; the method of variance estimates recovery (Zou and
    Donner 2008) from the single-rate limits for rates.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "arrest",
    ...                   "events": [20, 10], "denominator": [101, 105]})
    >>> differences(t)[["measure", "estimate", "low", "high"]].round(3).head(1)
               measure  estimate    low   high
    0  risk_difference     0.103  0.006  0.201
    """
    table = _checked(table)
    return _compared(table, against(table, reference), "risk_difference", per=per, level=level)


def disparity(
    table: pd.DataFrame, *, reference: str | pd.DataFrame = "White", level: float = 0.95
) -> pd.DataFrame:
    """Put the ratio, the absolute gap, the ratio of the complement and the odds ratio side by side.

    When a decision becomes rarer its ratio can grow while the gap closes, and the ratio of being
    remanded and that of not being remanded need not move together. One alone can mislead.

    Parameters
    ----------
    table, reference, level
        As for :func:`relative_rates`.

    Returns
    -------
    DataFrame
        The rows of the table once for each measure: all of ``relative_rates``, then ``differences``,
        then ``complement_ratio`` and ``odds_ratio`` (rows on a stage; a rate has no complement).

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "remand_decision",
    ...                   "events": [9, 5], "denominator": [30, 40]})
    >>> side_by_side = disparity(t)
    >>> side_by_side.loc[side_by_side["group"] == "Black", ["measure", "estimate"]].round(2)
                measure  estimate
    0        risk_ratio      2.40
    2   risk_difference      0.18
    4  complement_ratio      0.80
    6        odds_ratio      3.00
    """
    table = _checked(table)
    found = against(table, reference)
    cohort = table["base"].ne(POPULATION)
    shares, those = table[cohort].reset_index(drop=True), found[cohort.to_numpy()].reset_index(drop=True)
    parts = [
        _compared(table, found, "risk_ratio", level=level),
        _compared(table, found, "risk_difference", per=1000, level=level),
        _compared(shares, those, "complement_ratio", level=level),
        _compared(shares, those, "odds_ratio", level=level),
    ]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def representation(table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Divide a group's share of those at a stage by its share of the base: the representation index.

    Of children of known ethnicity, the share of the base taken as known. The index cannot exceed one
    over that share, so it compresses large gaps and cannot be compared between groups of different
    size: show it beside the relative rate.

    Parameters
    ----------
    table, level
        As for :func:`rates`.

    Returns
    -------
    DataFrame
        The same rows; ``reference`` is ``overall`` and ``reference_events`` and
        ``reference_denominator`` are the totals over groups of known ethnicity, so that the ceiling is
        ``reference_denominator / denominator``.

    References
    ----------
    Wilson (1927) interval of the share of events, divided by the share of the base.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "population",
    ...                   "events": [45, 55], "denominator": [25, 75]})
    >>> representation(t)["estimate"].round(2).to_list()
    [1.8, 0.73]
    """
    table = _checked(table)
    return _shared_out(table, "representation_index", level)


def parity_gap(
    table: pd.DataFrame,
    *,
    reference: str | pd.DataFrame = "White",
    convention: str = "reference-fixed",
    level: float = 0.95,
) -> pd.DataFrame:
    """Say it in children: how many events lie above what parity would give.

    Parameters
    ----------
    table, reference, level
        As for :func:`relative_rates`.
    convention : {"reference-fixed", "total-fixed"}
        ``reference-fixed``: the group would have the reference's rate, and the total would change.
        ``total-fixed``: the total stays and is shared out by size of the base; no reference is used.

    Returns
    -------
    DataFrame
        The same rows; ``measure`` is ``events_above_parity`` (the denominator times the difference in
        rates, and so is its interval) or ``events_above_share`` (the total times the difference in
        shares). Below 0 where the group has fewer than parity would give.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "base": "population",
    ...                   "events": [90, 48], "denominator": [3750, 6450]})
    >>> round(float(parity_gap(t)["estimate"][0]))
    62
    """
    table = _checked(table)
    if convention == "reference-fixed":
        return _compared(table, against(table, reference), "events_above_parity", level=level)
    if convention == "total-fixed":
        return _shared_out(table, "events_above_share", level)
    raise ValueError(f"convention is {convention!r}; it must be 'reference-fixed' or 'total-fixed'.")


def adjust_p(table: pd.DataFrame, *, method: str = "bh", family: Sequence[str] = ()) -> pd.DataFrame:
    """Adjust p-values for the number of comparisons made in one published table.

    Parameters
    ----------
    table : DataFrame
        With ``p_value``. Missing p-values are no comparisons and are left out of the count.
    method : {"bh", "holm"}
        Benjamini-Hochberg (1995), or Holm (1979) where a single false flag is costly.
    family : sequence of str
        Columns that tell families apart. Empty: the whole table is one family.

    Returns
    -------
    DataFrame
        The same rows with ``p_adjusted`` and ``family`` (its name, method and number of comparisons).

    Examples
    --------
    >>> adjust_p(pd.DataFrame({"p_value": [0.01, 0.04, None]}))["p_adjusted"].to_list()
    [0.02, 0.04, nan]
    """
    if method not in ("bh", "holm"):
        raise ValueError(f"method is {method!r}; it must be 'bh' or 'holm'.")
    p = table["p_value"].astype(float)
    names = (
        table[list(family)].astype(str).agg(", ".join, axis=1) if family else p.map(lambda _: "this table")
    )
    size = p.groupby(names).transform("count")
    rank = p.groupby(names).rank(method="first")
    if method == "bh":
        largest_first = (p * size / rank).loc[p.sort_values(ascending=False).index]
        adjusted = largest_first.groupby(names).cummin()
    else:
        smallest_first = (p * (size - rank + 1)).loc[p.sort_values().index]
        adjusted = smallest_first.groupby(names).cummax()
    title = {"bh": "Benjamini-Hochberg", "holm": "Holm"}[method]
    labels = names + f" ({title}, " + size.astype(int).astype(str) + " comparisons)"
    return table.assign(p_adjusted=adjusted.reindex(table.index).clip(upper=1), family=labels)


# -- inside ------------------------------------------------------------------------------------------


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    """Refuse a table a measure cannot be taken of; number its rows."""
    missing = [c for c in ("group", "base", "events", "denominator") if c not in table.columns]
    if missing:
        raise ValueError(
            f"{len(missing)} of 4 columns a measure needs are missing: {', '.join(missing)}. The table has "
            f"{', '.join(map(str, table.columns))}."
        )
    repeated = table.duplicated([*keys(table), "group"]).to_numpy()
    if repeated.any():
        first = int(np.flatnonzero(repeated)[0])
        raise ValueError(
            f"{repeated.sum()} of {len(table)} rows repeat a group within one comparison. First: row "
            f"{first}, group {table['group'].iloc[first]}. Add rows up first, or add the column that tells them apart."
        )
    return table.reset_index(drop=True)


def _counts(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Events and denominators as arrays, missing where an earlier step masked the row."""
    masked = table["note"].ne("").to_numpy() if "note" in table else np.zeros(len(table), bool)
    return tuple(np.where(masked, np.nan, table[c].to_numpy(float)) for c in ("events", "denominator"))


def _named(table: pd.DataFrame, on_stage: str, per: float = 1) -> np.ndarray:
    """Name the measure of each row: that of a rate on the population, that of a share on a stage."""
    on_population = _RATES.get(on_stage, on_stage)
    if on_population in ("rate", "rate_difference"):
        on_population += f"_per_{per:.0f}"
    return np.where(table["base"].eq(POPULATION), on_population, on_stage)


def _compared(
    table: pd.DataFrame, found: pd.DataFrame, on_stage: str, *, per: float = 1, level: float
) -> pd.DataFrame:
    """Compare each row with its reference; the reference's own row says so and has no interval."""
    x, n = _counts(table)
    poisson = table["base"].eq(POPULATION).to_numpy()
    rx, rn = (found[c].to_numpy(float) for c in ("reference_events", "reference_denominator"))
    itself = table["group"].astype(str).eq(found["reference"].astype(str)).to_numpy()
    out = _measured(
        table.assign(**found),
        _named(table, on_stage, per),
        note=np.select(
            [itself & np.isnan(x), itself],
            ["reference suppressed", "reference"],
            intervals.note(x, n, rx, rn, poisson),
        ),
        level=level,
    )
    equal = 1.0 if on_stage in formulas.RATIOS else 0.0
    out["estimate"] = out["estimate"].mask(itself, np.where(x > 0, equal, np.nan))
    out.loc[itself, ["low", "high", "p_value"]] = np.nan
    return out


def _shared_out(table: pd.DataFrame, name: str, level: float) -> pd.DataFrame:
    """Compare each group's share of the events with its share of the base."""
    total = totals(table).set_axis(["reference_events", "reference_denominator"], axis=1)
    x, n = _counts(table)
    known = table["group"].ne(UNKNOWN).to_numpy() & (n > 0)
    note = np.select([np.isnan(x) | total.isna().any(axis=1), ~known], ["suppressed", "no_denominator"], "")
    table = table.assign(reference=OVERALL, **total)
    out = _measured(table, np.full(len(table), name), note=note, level=level)
    out.loc[~known, ["estimate", "low", "high", "p_value"]] = np.nan
    return out


def _measured(table: pd.DataFrame, measure: np.ndarray, *, note, level: float) -> pd.DataFrame:
    """Compute the measure of each row and lay the result out as ``vocabulary.MEASURE``."""
    if "reference" not in table:
        table = table.assign(reference="", reference_events=np.nan, reference_denominator=np.nan)
    x, n = _counts(table)
    rx, rn = (table[c].to_numpy(float) for c in ("reference_events", "reference_denominator"))
    poisson = table["base"].eq(POPULATION).to_numpy()
    estimate, low, high, p_value = formulas.interval(measure, x, n, rx, rn, poisson=poisson, level=level)
    earlier = table["note"].to_numpy(object) if "note" in table else np.full(len(table), "", object)
    out = table.assign(
        measure=measure,
        estimate=estimate,
        low=low,
        high=high,
        p_value=p_value,
        method=formulas.method(measure, x),
        note=np.where(earlier != "", earlier, note),
    )
    by = [c for c in out.columns if c not in MEASURE]
    at = MEASURE.index("group") + 1
    return out[[c for c in (*MEASURE[:at], *by, *MEASURE[at:]) if c in out.columns]]
