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

from . import intervals
from .vocabulary import MEASURE, POPULATION, UNKNOWN

ALL_OTHERS = "all-others"
OVERALL = "overall"

METHODS = {
    "rate_ratio": "mid-P conditional",
    "risk_ratio": "Miettinen-Nurminen score",
    "rate_difference": "MOVER from single-rate limits",
    "risk_difference": "Newcombe hybrid score",
    "odds_ratio": "mid-P conditional",
    "complement_ratio": "Miettinen-Nurminen score",
    "proportion": "Wilson",
    "representation_index": "Wilson / population share",
}
"""The default method of each measure. Rates follow OHID's rule: exact under 10 events, Byar from 10."""

_VALUES = ("events", "denominator", "note")


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

    References
    ----------
    Garwood (1936) below 10 events and Byar's approximation (Breslow and Day 1987) from 10, as in the
    Office for Health Improvement and Disparities' technical guide; Wilson (1927) for proportions.

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
    poisson = table["base"].eq(POPULATION).to_numpy()
    x, n = _counts(table)
    with np.errstate(all="ignore"):
        rate = [per * v for v in intervals.rate(x, np.where(poisson, n, np.nan), level=level)[:3]]
        share = intervals.proportion(x, np.where(poisson, np.nan, n), level=level)[:3]
    return _measured(
        table,
        measure=np.where(poisson, f"rate_per_{per:.0f}", "proportion"),
        values=[np.where(poisson, r, s) for r, s in zip(rate, share, strict=True)],
        method=np.where(poisson, np.where(x < 10, "exact (Garwood)", "Byar"), METHODS["proportion"]),
        note=np.where(np.isnan(x), "suppressed", np.where(n > 0, "", "no_denominator")),
    )


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
    >>> relative_rates(t).loc[0, ["estimate", "low", "high"]].round(2).to_list()
    [6.88, 0.86, 170.47]
    """
    table = _checked(table)
    against = _against(table, reference)
    return _compared(table, against, "rate_ratio", "risk_ratio", level)


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
    """
    table = _checked(table)
    out = _compared(table, _against(table, reference), "rate_difference", "risk_difference", level)
    rows = out["measure"].eq("rate_difference")
    out.loc[rows, ["estimate", "low", "high"]] *= per
    out["measure"] = out["measure"].where(~rows, f"rate_difference_per_{per:.0f}")
    return out


def disparity(
    table: pd.DataFrame, *, reference: str | pd.DataFrame = "White", level: float = 0.95
) -> pd.DataFrame:
    """Put the ratio, the absolute gap, the ratio of the complement and the odds ratio side by side.

    When a decision becomes rarer its ratio can grow while the gap closes, and a ratio of being
    remanded and a ratio of not being remanded need not move together. One alone can mislead.

    Returns
    -------
    DataFrame
        The rows of the table once for each measure: all ``relative_rates``, then ``differences``, then
        ``complement_ratio`` and ``odds_ratio`` (rows on a stage only; a rate has no complement).
    """
    table = _checked(table)
    against = _against(table, reference)
    cohort = table["base"].ne(POPULATION).to_numpy()
    shares, those = table[cohort].reset_index(drop=True), against[cohort].reset_index(drop=True)
    flipped, rest = _complement(shares), _complement(those, "reference_")
    complement = _compared(flipped, rest, "rate_ratio", "complement_ratio", level)
    parts = [
        relative_rates(table, reference=reference, level=level),
        differences(table, reference=reference, level=level),
        complement,
        _compared(shares, those, "rate_ratio", "odds_ratio", level),
    ]
    return pd.concat([p for p in parts if len(p)], ignore_index=True)


def representation(table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Divide a group's share of those at a stage by its share of the base: the representation index.

    Of children of known ethnicity. The share of the base is taken as known. The index cannot exceed one
    over that share, so it understates large gaps and cannot be compared between groups of different
    size: show it beside the relative rate.

    Returns
    -------
    DataFrame
        The same rows; ``reference`` is the ceiling in words, ``reference_events`` and
        ``reference_denominator`` are the totals over groups of known ethnicity.

    References
    ----------
    Wilson (1927) interval of the share of events, divided by the share of the base.
    """
    table = _checked(table)
    totals = _totals(table)
    x, n = _counts(table)
    with np.errstate(all="ignore"):
        share = n / totals["denominator"].to_numpy()
        known = table["group"].ne(UNKNOWN).to_numpy() & (share > 0)
        estimate, low, high, p_value = intervals.representation(
            np.where(known, x, np.nan),
            totals["events"].to_numpy(),
            np.where(known, share, np.nan),
            level=level,
        )
        ceiling = [f"ceiling {c:.2f}" if np.isfinite(c) else "" for c in 1 / np.where(known, share, np.nan)]
    return _measured(
        table,
        measure="representation_index",
        values=[estimate, low, high],
        p_value=p_value,
        method=METHODS["representation_index"],
        note=np.where(np.isnan(x), "suppressed", np.where(known, "", "no_denominator")),
        reference=ceiling,
        reference_events=totals["events"],
        reference_denominator=totals["denominator"],
    )


def parity_gap(
    table: pd.DataFrame,
    *,
    reference: str | pd.DataFrame = "White",
    convention: str = "reference-fixed",
    level: float = 0.95,
) -> pd.DataFrame:
    """Say it in children: how many events lie above what parity with the reference would give.

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
        The same rows; ``measure`` is ``events_above_parity``: events - denominator x parity rate, below 0
        where the group has fewer than parity would give.

    References
    ----------
    The gap is the denominator times the difference in rates, and so is its interval (reference fixed);
    the total times the difference in shares, with Wilson's interval (total fixed).
    """
    if convention == "reference-fixed":
        out = differences(table, reference=reference, per=1, level=level)
        out[["estimate", "low", "high"]] = out[["estimate", "low", "high"]].mul(out["denominator"], axis=0)
        return out.assign(
            measure="events_above_parity", method="denominator x (" + out["method"] + "), reference fixed"
        )
    if convention != "total-fixed":
        raise ValueError(f"convention is {convention!r}; it must be 'reference-fixed' or 'total-fixed'.")
    out = representation(table, level=level)
    expected = out["reference_events"] * out["denominator"] / out["reference_denominator"]
    for column in ("estimate", "low", "high"):
        out[column] = (out[column] - 1) * expected
    return out.assign(
        measure="events_above_parity", reference=OVERALL, method="total x (Wilson - share), total fixed"
    )


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
    """
    if method not in ("bh", "holm"):
        raise ValueError(f"method is {method!r}; it must be 'bh' or 'holm'.")
    names = (
        table[list(family)].astype(str).agg(", ".join, axis=1) if family else pd.Series("all", table.index)
    )
    tested = table["p_value"].notna()
    p = table["p_value"].where(tested)
    size = p.groupby(names).transform("count")
    rank = p.groupby(names).rank(method="first")
    if method == "bh":
        order = p.sort_values(ascending=False).index
        adjusted = (p * size / rank).loc[order].groupby(names.loc[order]).cummin()
    else:
        order = p.sort_values().index
        adjusted = (p * (size - rank + 1)).loc[order].groupby(names.loc[order]).cummax()
    labels = (
        names + " (" + ("Benjamini-Hochberg" if method == "bh" else "Holm") + ", " + size.astype(str) + ")"
    )
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
    keys = _keys(table)
    repeated = table.duplicated([*keys, "group"])
    if repeated.any():
        where = table[repeated].iloc[0]
        raise ValueError(
            f"{repeated.sum()} of {len(table)} rows repeat a group within one comparison. First: row "
            f"{int(np.flatnonzero(repeated)[0])}, {where['group']}. Add rows up first, or add the column "
            "that tells them apart."
        )
    return table.reset_index(drop=True)


def _keys(table: pd.DataFrame) -> list[str]:
    """The columns that tell one comparison from another."""
    return [c for c in table.columns if c not in ("group", *_VALUES)]


def _counts(table: pd.DataFrame, prefix: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Events and denominators as arrays, missing where an earlier step masked the row."""
    masked = table["note"].ne("").to_numpy() if "note" in table else np.zeros(len(table), bool)
    x, n = (table[prefix + c].to_numpy(float) for c in ("events", "denominator"))
    return np.where(masked, np.nan, x), np.where(masked, np.nan, n)


def _totals(table: pd.DataFrame) -> pd.DataFrame:
    """Totals over the groups of known ethnicity, on every row. A hidden count hides the total."""
    keys = _keys(table)
    known = table["group"].ne(UNKNOWN)
    values = table[["events", "denominator"]].astype(float)
    hidden = values.isna() & known.to_numpy()[:, None]
    groups = [table[k] for k in keys] or [pd.Series(0, table.index)]
    summed = values.where(known, 0.0).fillna(0.0).groupby(groups, observed=True).transform("sum")
    return summed.mask(hidden.groupby(groups, observed=True).transform("any"))


def _against(table: pd.DataFrame, reference: str | pd.DataFrame) -> pd.DataFrame:
    """Find what each row is compared with: ``reference, reference_events, reference_denominator``."""
    names = ["reference_events", "reference_denominator"]
    if isinstance(reference, pd.DataFrame):
        return _comparator(table, reference, names)
    if reference in (ALL_OTHERS, OVERALL):
        totals = _totals(table)
        own = (
            table[["events", "denominator"]].where(table["group"].ne(UNKNOWN), 0.0).fillna(0.0).astype(float)
        )
        if reference == ALL_OTHERS and table["group"].nunique() < 2:
            raise ValueError(
                "reference is 'all-others', but 1 of 1 groups is all there is. Add another group."
            )
        found = totals - own if reference == ALL_OTHERS else totals
        return found.set_axis(names, axis=1).assign(reference=reference)
    groups = list(dict.fromkeys(table["group"].astype(str)))
    if reference not in groups:
        raise ValueError(
            f"reference {reference!r} is not one of the {len(groups)} groups in the table "
            f"({', '.join(groups)}). Choose one of them, {ALL_OTHERS!r} or {OVERALL!r}."
        )
    keys = _keys(table)
    chosen = table[table["group"] == reference].rename(columns={"events": names[0], "denominator": names[1]})
    if not keys:
        return table[[]].assign(**{n: chosen[n].iloc[0] for n in names}, reference=reference)
    found = table[keys].merge(chosen[[*keys, *names]], on=keys, how="left")
    return found[names].assign(reference=reference)


def _comparator(table: pd.DataFrame, reference: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    lacking = [c for c in ("group", "events", "denominator") if c not in reference]
    if lacking:
        raise ValueError(
            f"the comparator table has no {', '.join(lacking)}. It needs group, events, denominator."
        )
    on = [c for c in reference.columns if c in _keys(table)]
    if not on or reference.duplicated(on).any():
        raise ValueError(
            f"the comparator table must have one row for each combination of {', '.join(on) or 'key columns'}; "
            f"{int(reference.duplicated(on).sum()) if on else len(reference)} of {len(reference)} rows are too many."
        )
    chosen = reference.rename(columns={"events": names[0], "denominator": names[1], "group": "reference"})
    text = {c: str for c in on}
    return (
        table[on]
        .astype(text)
        .merge(chosen[[*on, *names, "reference"]].astype(text), on=on, how="left")[[*names, "reference"]]
    )


def _complement(table: pd.DataFrame, prefix: str = "") -> pd.DataFrame:
    """Count those who did not reach the stage instead of those who did."""
    return table.assign(**{prefix + "events": table[prefix + "denominator"] - table[prefix + "events"]})


def _compared(
    table: pd.DataFrame, against: pd.DataFrame, on_population: str, on_stage: str, level: float
) -> pd.DataFrame:
    """Apply one two-group interval to the rows on the population and another to those on a stage."""
    functions = {
        "rate_ratio": intervals.rate_ratio,
        "risk_ratio": intervals.risk_ratio,
        "complement_ratio": intervals.risk_ratio,
        "rate_difference": intervals.rate_difference,
        "risk_difference": intervals.risk_difference,
        "odds_ratio": intervals.odds_ratio,
    }
    x, n = _counts(table)
    rx, rn = (against[c].to_numpy(float) for c in ("reference_events", "reference_denominator"))
    poisson = table["base"].eq(POPULATION).to_numpy()
    itself = table["group"].astype(str).eq(against["reference"].astype(str)).to_numpy()
    note = intervals.note(x, n, rx, rn, poisson)
    values = np.full((4, len(table)), np.nan)
    for rows, name in ((poisson, on_population), (~poisson, on_stage)):
        chosen = rows & ~itself & (n > 0) & (rn > 0) & ~np.isnan(x) & ~np.isnan(rx)
        if chosen.any():
            values[:, chosen] = functions[name](x[chosen], n[chosen], rx[chosen], rn[chosen], level=level)
    ratio = "ratio" in on_stage
    values[0, itself & (n > 0) & (x > 0)] = 1.0 if ratio else 0.0
    return _measured(
        table,
        measure=np.where(poisson, on_population, on_stage),
        values=values[:3],
        p_value=values[3],
        method=np.where(poisson, METHODS[on_population], METHODS[on_stage]),
        note=np.where(itself, "reference", note),
        **{c: against[c] for c in ("reference", "reference_events", "reference_denominator")},
    )


def _measured(table: pd.DataFrame, *, measure, values, method, note, **columns) -> pd.DataFrame:
    """Lay out a result: the columns of ``vocabulary.MEASURE``, ``by`` columns after ``group``."""
    estimate, low, high = values
    earlier = table["note"].to_numpy(object) if "note" in table else np.full(len(table), "", object)
    out = table.assign(
        measure=measure,
        estimate=estimate,
        low=low,
        high=high,
        method=method,
        note=np.where(earlier != "", earlier, note),
        **columns,
    )
    for name, empty in (("reference", ""), ("reference_events", np.nan), ("reference_denominator", np.nan)):
        if name not in out:
            out[name] = empty
    if "p_value" not in out:
        out["p_value"] = np.nan
    by = [c for c in _keys(table) if c not in MEASURE]
    at = MEASURE.index("group") + 1
    return out[[c for c in (*MEASURE[:at], *by, *MEASURE[at:]) if c in out.columns]]
