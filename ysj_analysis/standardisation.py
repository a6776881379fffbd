"""Each group with the mix of a standard: direct and indirect standardisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import intervals
from .references import OVERALL, against
from .stratification import arranged, laid_out, split_by
from .vocabulary import POPULATION

_WIDEST_WEIGHTS = 10
"""Standard weights that vary more than this many-fold get a Fay-Feuer interval beside the usual one."""


def standardised(
    counts: pd.DataFrame,
    *,
    by: Sequence[str],
    standard: str | pd.DataFrame = OVERALL,
    per: float = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Standardise rates over strata: directly, and as observed over expected.

    Parameters
    ----------
    counts : DataFrame
        As for ``measures.rates``, a row for each group and stratum.
    by : sequence of str
        The columns that make the strata, such as ``["age"]``.
    standard : str or DataFrame
        Whose mix, and whose rates: ``overall`` (all groups of known ethnicity in the table), a group, or a
        table with ``by``, ``denominator`` (the weights) and, for observed over expected, ``events``.
    per : float
        What rates are given per. Proportions of a stage are not affected.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The columns of ``vocabulary.MEASURE`` (without ``by``) and ``expected``, a row for each
        group and comparison three times over:

        - ``standardised_rate_per_1000`` (``standardised_proportion`` on a stage): direct, Dobson-Byar.
          Fewer than 10 events: NaN, noted ``too_few_events``.
        - The same by Fay and Feuer, only where weights vary more than 10-fold, both rows then noted
          ``weights_vary``: the first interval is then too narrow and this one wide.
        - ``standardised_ratio``: events over ``expected``, those at the standard's rates; only where
          the standard has events. Exact below 10 events, Byar from 10. Better for one borough; the ratios of
          two groups rest on two mixes and do not strictly compare.

        ``reference`` names the standard. A stratum whose population nobody knows, as of children of unknown
        sex, is left out and noted ``strata_dropped``. A hidden count in any stratum: NaN, ``suppressed``.

    Raises
    ------
    ValueError
        If a stratum's population is 0 where the standard has people: nobody has no rate, and dropping the
        stratum would change the standard. On a stage, a cohort of 0 is no fault of the data: NaN,
        ``no_denominator``. Also as for :func:`stratified`, or if the standard lacks a stratum.

    Notes
    -----
    Events are taken as Poisson on a stage too, so that interval errs on the wide side where the event
    is common, and is cut at 1.

    References
    ----------
    Dobson and others (1991); Fay and Feuer (1997); Breslow and Day (1987); Office for Health Improvement and
    Disparities, Fingertips Public Health Technical Guidance.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"] * 2, "base": "population",
    ...                   "age": ["10-13"] * 2 + ["14-17"] * 2,
    ...                   "events": [4, 6, 26, 30], "denominator": [1500, 3000, 2500, 3000]})
    >>> standardised(t, by=["age"])[["group", "measure", "estimate", "low", "high"]].round(2)
       group                     measure  estimate   low  high
    0  Black  standardised_rate_per_1000      6.92  4.65  9.90
    1  White  standardised_rate_per_1000      6.40  4.48  8.87
    2  Black          standardised_ratio      1.04  0.70  1.49
    3  White          standardised_ratio      0.97  0.68  1.34
    """
    table = split_by(counts, by)
    found = against(table, _named(standard, by))
    _complete(table, found, by)
    rows, (x, n, std_x, std_n) = arranged(table, found, by)
    poisson = rows["base"].eq(POPULATION).to_numpy()
    unsized = poisson[:, None] & np.isnan(n) & np.isnan(std_n) & ~np.isnan(x)
    x, n, std_x, std_n = (np.where(unsized, 0, c) for c in (x, n, std_x, std_n))
    sums = [c.sum(axis=-1) for c in (x, n, std_x, std_n)]
    _whole(rows, sums[3], standard, by)
    empty = (n == 0) & (std_n > 0)
    _refuse_empty(rows, empty & poisson[:, None])
    note = np.select(
        [np.isnan(sums[0]), ~(sums[1] + sums[3] > 0) | empty.any(axis=-1), sums[0] < 10],
        ["suppressed", "no_denominator", "too_few_events"],
        "",
    )
    vary = (note == "") & (_widest(n, std_n) > _WIDEST_WEIGHTS)
    parts = [
        _direct(rows, sums, (x, n, std_n), note, vary, poisson, method, per, level)
        for method in ("dobson-byar", "fay-feuer")
    ]
    if not isinstance(standard, pd.DataFrame) or "events" in standard:
        parts.append(_indirect(rows, sums, (n, std_x, std_n), level))
    dropped = np.where(unsized.any(axis=-1), " strata_dropped", "")
    parts = [
        part.assign(note=(part["note"] + dropped[part.index]).str.strip()) for part in parts if len(part)
    ]
    return pd.concat(parts, ignore_index=True)


# -- inside ------------------------------------------------------------------------------------------


def _named(standard: str | pd.DataFrame, by) -> str | pd.DataFrame:
    """Make a table of weights into one that can be compared with: it need not have a name or events."""
    if not isinstance(standard, pd.DataFrame):
        return standard
    lacking = [c for c in (*by, "denominator") if c not in standard]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(by) + 1} columns of the standard are missing: {', '.join(lacking)}. "
            f"It needs {', '.join(by)} and denominator, the size of each stratum."
        )
    given = {"group": "standard", "events": np.nan}
    return standard.assign(**{c: v for c, v in given.items() if c not in standard})


def _complete(table: pd.DataFrame, found: pd.DataFrame, by) -> None:
    lacking = found["reference"].isna()
    if lacking.any():
        first = ", ".join(f"{c} {table[c][lacking].iloc[0]}" for c in by)
        raise ValueError(
            f"the standard has no row for {lacking.sum()} of {len(table)} rows; the first is {first}. "
            "Add the stratum to the standard, or merge it in the table."
        )


def _whole(rows: pd.DataFrame, used: np.ndarray, standard: str | pd.DataFrame, by) -> None:
    """Refuse a standard with people in a stratum the table does not have."""
    if not isinstance(standard, pd.DataFrame):
        return
    shared = [c for c in standard.columns if c in rows and c not in ("group", "events", "denominator")]
    size = standard["denominator"].sum()
    if shared:
        sizes = (
            standard.astype(dict.fromkeys(shared, str)).groupby(shared, as_index=False)["denominator"].sum()
        )
        size = rows[shared].astype(str).merge(sizes, on=shared, how="left")["denominator"].to_numpy()
    short = used < size * (1 - 1e-9)
    if short.any():
        raise ValueError(
            f"{short.sum()} of {len(rows)} groups lack a stratum of {', '.join(by)} in which the standard has people. "
            "Add its rows to the table, or merge the stratum in both."
        )


def _refuse_empty(rows: pd.DataFrame, empty: np.ndarray) -> None:
    if not empty.any():
        return
    first = rows[empty.any(axis=-1)].iloc[0]
    where = ", ".join(str(first[c]) for c in rows.columns if c in ("area", "year", "stage", "group"))
    raise ValueError(
        f"denominator is 0 in {empty.sum()} of {empty.size} strata where the standard has people; first: {where}. "
        "Nobody has no rate: merge the stratum with its neighbour."
    )


def _widest(n: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The largest weight of a child in a stratum over the smallest."""
    with np.errstate(all="ignore"):
        each = np.where((weight > 0) & (n > 0), weight / n, np.nan)
        return np.fmax.reduce(each, axis=-1) / np.fmin.reduce(each, axis=-1)


def _direct(rows, sums, cells, note, vary, poisson, method: str, per, level) -> pd.DataFrame:
    """Directly standardised rates by one method; Fay-Feuer only where the weights vary."""
    values = np.full((3, len(rows)), np.nan)
    usable = note == ""
    if usable.any():
        values[:, usable] = intervals.standardised_rate(
            *(c[usable] for c in cells), method=method, level=level
        )[:3]
    values = np.where(poisson, values * per, np.minimum(values, 1))
    out = laid_out(
        rows,
        sums,
        measure=np.where(poisson, f"standardised_rate_per_{per:.0f}", "standardised_proportion"),
        **dict(zip(("estimate", "low", "high"), values, strict=True)),
        p_value=np.nan,
        method="direct, " + {"dobson-byar": "Dobson-Byar", "fay-feuer": "Fay-Feuer"}[method],
        note=np.where(vary, "weights_vary", note).astype(object),
        expected=np.nan,
    )
    return out if method == "dobson-byar" else out[vary]


def _indirect(rows, sums, cells, level) -> pd.DataFrame:
    """Events over those expected at the standard's rates."""
    n, std_x, std_n = cells
    with np.errstate(all="ignore"):
        expected = np.where(n == 0, 0 * std_x, n * std_x / std_n).sum(axis=-1)
    ratio = intervals.standardised_ratio(
        sums[0], np.where(np.isfinite(expected), expected, np.nan), level=level
    )
    return laid_out(
        rows,
        sums,
        measure="standardised_ratio",
        **ratio._asdict(),
        method=np.where(sums[0] < 10, "indirect, exact (Garwood)", "indirect, Byar"),
        note=np.select(
            [np.isnan(sums[0] + sums[2]), ~np.isfinite(expected), expected == 0],
            ["suppressed", "no_denominator", "no_events"],
            "",
        ).astype(object),
        expected=expected,
    )
