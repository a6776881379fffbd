"""Children compared with like children: ratios inside each stratum, pooled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import homogeneity, intervals
from .countable import checked
from .references import NAMES, against, keys, usable_values
from .vocabulary import MEASURE, POPULATION

_RATE, _RISK = "mantel_haenszel_rate_ratio", "mantel_haenszel_risk_ratio"
_POOLED = "Mantel-Haenszel, Greenland-Robins interval, Cochran-Mantel-Haenszel test"
_TESTS = {True: "conditional chi-square, Tarone's correction", False: "Breslow-Day-Tarone, odds ratio"}


def stratified(
    counts: pd.DataFrame,
    *,
    by: Sequence[str],
    reference: str | pd.DataFrame = "White",
    level: float = 0.95,
) -> pd.DataFrame:
    """Pool the relative rate over strata: children compared with like children.

    Parameters
    ----------
    counts : DataFrame
        As for ``measures.relative_rates``, a row for each group and stratum. The ratios of the strata, to be
        shown beside, are ``measures.relative_rates(counts, reference=reference)``.
    by : sequence of str
        The columns that make the strata, such as ``["sex", "age"]``.
    reference : str or DataFrame
        As for ``measures.relative_rates``; it is found within each stratum.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        A row for each group and comparison, in the order they first appear, with the columns of
        ``vocabulary.MEASURE`` (without ``by``): ``measure`` is ``mantel_haenszel_rate_ratio`` on the
        population and ``mantel_haenszel_risk_ratio`` on a stage; ``events, denominator`` and those of the
        reference are sums over the strata compared. Further ``crude``, the ratio of those sums; ``strata``,
        how many were compared; ``strata_dropped``, in how many the group or the reference had nobody, or a
        population that is not known (noted ``strata_dropped``, their events in no sum); and the test that the
        strata tell one story, ``homogeneity_p``, ``homogeneity_df``, ``homogeneity_method``: a caution and no
        more, as it seldom finds anything at small counts. No events in the group or reference: 0 or inf, with
        limits 0 and inf. A hidden count in any stratum hides the row.

    Raises
    ------
    ValueError
        If ``by`` is empty or not in the table, the reference is not, a group occurs twice in a stratum,
        or events are above the denominator on a stage.

    References
    ----------
    Mantel and Haenszel (1959); Greenland and Robins (1985); Breslow and Day (1980); Tarone (1985).

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"] * 2, "base": "sentenced", "court": list("AABB"),
    ...                   "events": [8, 6, 12, 30], "denominator": [20, 30, 60, 240]})
    >>> stratified(t, by=["court"])[["group", "crude", "estimate", "low", "high", "homogeneity_p"]].round(2)
       group  crude  estimate   low  high  homogeneity_p
    0  Black   1.88      1.71  1.04  2.83           0.57
    1  White   1.00      1.00   NaN   NaN            NaN
    """
    table = split_by(counts, by)
    found = against(table, reference)
    rows, cells = arranged(table, found, by)
    poisson = rows["base"].eq(POPULATION).to_numpy()
    unsized = poisson[:, None] & np.isnan(cells[1] + cells[3]) & ~np.isnan(cells[0] + cells[2])
    cells = [np.where(unsized, 0, c) for c in cells]
    x1, n1, x2, n2 = cells
    compared = ~((n1 == 0) | (n2 == 0))
    present = unsized | (n1 + n2 + x1 + x2 != 0)
    kept = [np.where(compared, c, 0) for c in cells]
    sums = [c.sum(axis=-1) for c in kept]
    dropped = (present & ~compared).sum(axis=-1)
    itself = rows["group"].astype(str).eq(rows["reference"].astype(str)).to_numpy()
    tested = ~itself & ~np.isnan(sum(sums))

    values, test = np.full((4, len(rows)), np.nan), np.full((3, len(rows)), np.nan)
    for chosen, pool, differ in (
        (poisson & tested, intervals.mantel_haenszel_rate_ratio, homogeneity.rate_ratios),
        (~poisson & tested, intervals.mantel_haenszel_risk_ratio, homogeneity.odds_ratios),
    ):
        if chosen.any():
            values[:, chosen] = pool(*(c[chosen] for c in cells), level=level)
            test[:, chosen] = differ(*(c[chosen] for c in cells))
    with np.errstate(all="ignore"):
        crude = (sums[0] / sums[1]) / (sums[2] / sums[3])
    note = np.where(itself, "reference", intervals.note(*sums, poisson))
    note = pd.Series(note, dtype=object) + np.where((dropped > 0) & ~itself, " strata_dropped", "")
    return laid_out(
        rows,
        sums,
        measure=np.where(poisson, _RATE, _RISK),
        estimate=np.where(itself & (sums[0] > 0), 1.0, values[0]),
        low=values[1],
        high=values[2],
        p_value=values[3],
        method=_POOLED,
        note=note.str.strip().to_numpy(object),
        crude=crude,
        strata=compared.sum(axis=-1),
        strata_dropped=dropped,
        homogeneity_p=test[2],
        homogeneity_df=test[1],
        homogeneity_method=np.where(poisson, _TESTS[True], _TESTS[False]),
    )


# -- shared with standardisation -----------------------------------------------------------------------


def split_by(counts: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Check the table and the columns that make the strata."""
    if isinstance(by, str):
        raise ValueError(f"by is {by!r}; give a list of columns, [{by!r}].")
    lacking = [c for c in by if c not in keys(counts)]
    if lacking or not by:
        raise ValueError(
            f"{len(lacking)} of {len(by)} columns in by are not in the table{': ' if lacking else ''}"
            f"{', '.join(lacking)}. Name at least one of {', '.join(keys(counts)) or 'its columns (it has none)'}."
        )
    return checked(counts)


def arranged(table: pd.DataFrame, found: pd.DataFrame, by) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Lay the strata of each group and comparison out side by side: one row each, strata on the last axis.

    A stratum another comparison has, and this one has not, has 0 in all four.
    """
    comparison = [c for c in keys(table) if c not in by]
    own = [*comparison, "group"]
    _even(table, comparison, by)
    row = table.groupby(own, observed=True, sort=False, dropna=False).ngroup().to_numpy()
    stratum = table.groupby(list(by), observed=True, sort=False, dropna=False).ngroup().to_numpy()
    shape = row.max(initial=-1) + 1, stratum.max(initial=-1) + 1
    columns = [*usable_values(table).T, *(found[c].to_numpy(float) for c in NAMES)]
    cells = []
    for column in columns:
        cells.append(np.zeros(shape))
        cells[-1][row, stratum] = column
    rows = table.assign(reference=found["reference"])[~pd.Series(row).duplicated().to_numpy()]
    return rows.drop(columns=[*by, "note"], errors="ignore").reset_index(drop=True), cells


def _even(table: pd.DataFrame, comparison: list[str], by) -> None:
    """Refuse a comparison in which a group has no row for a stratum that another group has."""

    def sizes(columns: list[str]) -> pd.Series:
        if not columns:
            return pd.Series(table["group"].nunique(), table.index)
        return table.groupby(columns, observed=True, dropna=False)["group"].transform("nunique")

    short = sizes([*comparison, *by]) < sizes(comparison)
    if short.any():
        first = ", ".join(f"{c} {table[c][short].iloc[0]}" for c in by)
        raise ValueError(
            f"{short.sum()} of {len(table)} rows are in a stratum that some group has no row for; the first is "
            f"{first}. Add the missing rows, with 0 events and the denominator they have."
        )


def laid_out(rows: pd.DataFrame, sums, **columns) -> pd.DataFrame:
    """The columns of ``vocabulary.MEASURE``, other key columns after ``group``, and what is added last."""
    out = rows.assign(**dict(zip(("events", "denominator", *NAMES), sums, strict=True)), **columns)
    by = [c for c in rows.columns if c not in MEASURE]
    extra = [c for c in columns if c not in MEASURE]
    at = MEASURE.index("group") + 1
    return out[[c for c in (*MEASURE[:at], *by, *MEASURE[at:], *extra) if c in out.columns]]
