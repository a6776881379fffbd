"""Children compared with like children, from what is printed: the public edition's ``models.stratified``.

Ratios inside each stratum are pooled, of printed counts alone, and the interval holds that of every table of true
counts which prints the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from .disclosure import Released, require
from .printed_measures import rounded
from .references import keys
from .stratification import stratified
from .vocabulary import POPULATION

_COUNTS = ["events", "denominator", "reference_events", "reference_denominator"]
_MOST_FULL = 6
"""Of more strata of one group in which everyone went on, the widest interval is not looked for, and none is shown."""


def matched(released: Released, *, by: Sequence[str] = ("gravity",), reference: str = "White") -> Released:
    """Pool a relative rate over strata, as far as the strata are printed.

    Parameters
    ----------
    released : Released
        Counts with a row for each group and stratum.
    by : sequence of str
        The columns that make the strata.
    reference : str
        The group the others are compared with.

    Returns
    -------
    Released
        As ``models.stratified``. A stratum in which the group's or the reference's count is hidden is left out
        (``strata_dropped``): what is left compares fewer children. Where the sums of what is left are under
        the policy's floor, nothing is shown (``suppressed``). The interval is widened for the rounding in
        every stratum, and no p-value is given beside it. In more than six strata of one group everyone went on:
        nothing is shown either.

    Examples
    --------
    >>> from ysj_analysis import disclosure
    >>> t = pd.DataFrame({"group": ["Black", "White"] * 2, "base": "sentenced", "gravity": ["low"] * 2 + ["high"] * 2,
    ...                   "events": [18, 16, 42, 30], "denominator": [60, 80, 90, 120], "note": ""})
    >>> found = matched(disclosure.release(t)).table
    >>> found[["group", "estimate", "low", "high", "strata"]].head(1)
       group  estimate   low  high  strata
    0  Black      1.78  1.05  3.03       2
    """
    rule = require(released).policy
    return released.derive(
        _matched,
        by=list(by),
        reference=reference,
        half=rule.half if rule.protects else 0,
        fewest=rule.ratio_events,
        smallest=rule.ratio_base,
        printed=rule.protects,
    )


def ratios_alone(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the counts out of pooled ratios: they are sums over the strata shown, and no counts of the whole stage.

    Parameters
    ----------
    table : DataFrame
        From :func:`matched`.

    Returns
    -------
    DataFrame
        The same rows; the counts are those of the strata, which stand in a table of their own.

    Examples
    --------
    >>> list(ratios_alone(pd.DataFrame({"group": ["Black"], "events": [18], "denominator": [60], "estimate": [1.5]})))
    ['group', 'estimate']
    """
    return table.drop(columns=_COUNTS, errors="ignore")


def _matched(
    table: pd.DataFrame,
    *,
    by: list[str],
    reference: str,
    half: int,
    fewest: int,
    smallest: int,
    printed: bool,
) -> pd.DataFrame:
    note = table["note"].astype(str) if "note" in table else pd.Series("", table.index)
    hidden = table[["events", "denominator"]].isna().any(axis=1) | note.ne("")
    plain = table.drop(columns="note", errors="ignore").astype({"events": float, "denominator": float})
    plain = plain.assign(**{c: plain[c].mask(hidden, 0.0) for c in ("events", "denominator")})
    own = plain["group"].astype(str).eq(reference).to_numpy()
    out = stratified(plain, by=by, reference=reference)
    waiting = set(table.loc[note.str.contains("immature"), "group"].astype(str))
    full = 0
    if half:
        full = _in_full(plain, by).max(initial=-1) + 1
        first, last = (
            [stratified(moved, by=by, reference=reference) for moved in _moved(plain, own, half, sign, by)]
            for sign in (-1, 1)
        )
        out = out.assign(
            low=np.fmin.reduce([out["low"], *(ends["low"] for ends in first)]),
            high=np.fmax.reduce([out["high"], *(ends["high"] for ends in last)]),
            p_value=np.nan,
            method=out["method"] + f", widened for rounding to {2 * half + 1}",
        )
    itself = out["note"].str.contains(r"\breference\b")
    enough = (out[_COUNTS[::2]] >= fewest).all(axis=1) & (out[_COUNTS[1::2]] >= smallest).all(axis=1)
    none = out["strata"].eq(0)
    withheld = ((printed & (~enough | (full > _MOST_FULL))) | none) & ~itself
    values = ["estimate", "low", "high", "p_value", "crude", "homogeneity_p"]
    late = out["group"].astype(str).isin(waiting) | (reference in waiting)
    out = out.assign(
        **{v: out[v].mask(withheld | late) for v in values},
        **{c: out[c].mask(none) for c in _COUNTS},
        note=np.select([late & ~itself, withheld], ["immature", "suppressed"], out["note"]),
    )
    return rounded(out) if printed else out


def _moved(
    table: pd.DataFrame, own: np.ndarray, half: int, sign: int, by: list[str]
) -> Iterator[pd.DataFrame]:
    """Move every count within its rounding so that the group's ratio is the least (-1) or the most (1).

    Where all of a stratum went on, its events cannot rise while its denominator falls. Both then rise or both fall:
    either may give the furthest limit, so each way is given for each such stratum.
    """
    there = table["denominator"].to_numpy(float) > 0
    way = np.where(own, -sign, sign) * half * there
    size = np.where(there, np.maximum(table["denominator"] - way, 1), 0.0)
    events = np.maximum(table["events"] + way, 0.0)
    place = np.where(way > 0, _in_full(table, by), -1)
    for ways in range(2 ** (min(place.max(initial=-1) + 1, _MOST_FULL))):
        up = (ways >> np.maximum(place, 0)) % 2 == 1
        together = np.maximum(table["denominator"] + np.where(up, half, -half), 1)
        yield table.assign(
            denominator=np.where(place >= 0, together, size),
            events=np.where(place >= 0, together, events),
        )


def _in_full(table: pd.DataFrame, by: list[str]) -> np.ndarray:
    """Number the strata of each group in which everyone went on, from 0; -1 elsewhere, and on the population."""
    full = table["denominator"].gt(0) & table["events"].eq(table["denominator"])
    full &= table["base"].astype(str).ne(POPULATION)
    one = [table[c].astype(str) for c in ("group", *(k for k in keys(table) if k not in by))]
    return np.where(full, full.groupby(one).cumsum() - 1, -1)
