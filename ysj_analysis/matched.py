"""Children compared with like children, from what is printed: the public edition's ``models.stratified``.

Ratios inside each stratum are pooled, of printed counts alone, and the interval holds that of every table of true
counts which prints the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .disclosure import Released, require
from .printed_measures import rounded
from .stratification import stratified
from .vocabulary import POPULATION

_COUNTS = ["events", "denominator", "reference_events", "reference_denominator"]


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
        every stratum, and no p-value is given beside it.

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
    if half:
        first, last = (
            stratified(_moved(plain, own, half, sign), by=by, reference=reference) for sign in (-1, 1)
        )
        out = out.assign(
            low=np.fmin(out["low"], first["low"]),
            high=np.fmax(out["high"], last["high"]),
            p_value=np.nan,
            method=out["method"] + f", widened for rounding to {2 * half + 1}",
        )
    itself = out["note"].str.contains(r"\breference\b")
    enough = (out[_COUNTS[::2]] >= fewest).all(axis=1) & (out[_COUNTS[1::2]] >= smallest).all(axis=1)
    none = out["strata"].eq(0)
    withheld = ((printed & ~enough) | none) & ~itself
    values = ["estimate", "low", "high", "p_value", "crude", "homogeneity_p"]
    late = out["group"].astype(str).isin(waiting) | (reference in waiting)
    out = out.assign(
        **{v: out[v].mask(withheld | late) for v in values},
        **{c: out[c].mask(none) for c in _COUNTS},
        note=np.select([late & ~itself, withheld], ["immature", "suppressed"], out["note"]),
    )
    return rounded(out) if printed else out


def _moved(table: pd.DataFrame, own: np.ndarray, half: int, sign: int) -> pd.DataFrame:
    """Move every count within its rounding so that the group's ratio is the least (-1) or the most (1)."""
    there = table["denominator"].to_numpy(float) > 0
    way = np.where(own, -sign, sign) * half * there
    poisson = table["base"].astype(str).eq(POPULATION).to_numpy()
    size = np.where(there, np.maximum(table["denominator"] - way, 1), 0.0)
    events = np.maximum(table["events"] + way, 0.0)
    return table.assign(denominator=size, events=np.where(poisson, events, np.minimum(events, size)))
