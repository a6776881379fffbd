"""Is the plan working? Baseline, target and where it is, for each line that has them, and no claim beyond that.

A ratio that has come down may have come down by chance. So where it stands is said from two intervals: that of the
ratio now, against the target, and that of its change since the baseline, against none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .actions import KEY
from .periods import change
from .vocabulary import MEASURE

STANDING = {
    "met": "the whole interval is at the target or past it",
    "towards": "it has moved towards the target by more than chance gives; the target is not surely reached",
    "away": "it has moved away from the target by more than chance gives",
    "cannot tell": "it cannot be told apart from where it began",
    "too few": "too few children to say",
}
"""Where a line of the plan can stand."""


def progress(ratios: pd.DataFrame, *, plan: pd.DataFrame, year: int) -> pd.DataFrame:
    """Set each line of the plan that has a target beside its baseline and where it is.

    Parameters
    ----------
    ratios : DataFrame
        From ``measures.relative_rates``, of several years, printed: ``year``, the columns of ``actions.KEY``, the
        four counts, ``estimate, low, high, note``.
    plan : DataFrame
        From ``actions.read``, released with ``counts=()``. Where a study may hold no list:
        ``absent.where_held(released.derive, action_plan.progress, plan=plan, year=year)``.
    year : int
        The year it is compared in.

    Returns
    -------
    DataFrame
        A row for each line with a ``baseline_year`` and a ``target``, in the columns of ``vocabulary.MEASURE``:
        the relative rate of ``year``; further ``baseline_year, baseline, baseline_low, baseline_high, target``;
        ``change, change_low, change_high``, the ratio of the two ratios; and ``standing``, a key of ``STANDING``.
        A line the ratios have no row for is ``too few``, as is one of which a count is hidden, or whose pooled
        years overlap.

    Raises
    ------
    ValueError
        If columns are missing.

    Examples
    --------
    >>> ratios = pd.DataFrame({"area": "A", "year": [2018, 2023], "stage": "arrest", "base": "population",
    ...     "group": "Black", "reference": "White", "events": [80, 50], "denominator": 4000,
    ...     "reference_events": [50, 60], "reference_denominator": 8000, "estimate": [3.2, 1.67],
    ...     "low": [2.2, 1.13], "high": [4.6, 2.46], "note": ""})
    >>> plan = pd.DataFrame([{"area": "A", "stage": "arrest", "base": "population", "group": "Black",
    ...     "reference": "White", "baseline_year": "2018", "target": "1.5"}])
    >>> progress(ratios, plan=plan, year=2023)[["baseline", "estimate", "target", "change", "standing"]].round(2)
       baseline  estimate  target  change standing
    0       3.2      1.67     1.5    0.52  towards
    """
    names = [k for k in KEY if k in ratios]
    lacking = [c for c in (*KEY[1:], "year", "estimate", "low", "high") if c not in ratios]
    lacking += [c for c in (*KEY, "baseline_year", "target") if c not in plan]
    if lacking:
        raise ValueError(
            f"{len(lacking)} columns are missing: {', '.join(lacking)}. Give relative rates of several years, and "
            "the plan as actions.read returns it."
        )
    lines = plan[plan["target"].ne("") & plan["baseline_year"].ne("")].astype({"baseline_year": int})
    lines = lines[
        lines["area"].isin(["", *(ratios["area"].astype(str).unique() if "area" in ratios else [])])
    ]
    lines = lines.assign(target=lines["target"].astype(float)).reset_index(drop=True)
    if "area" in names:  # a line of no area is of whichever the ratios are of
        lines["area"] = lines["area"].mask(lines["area"].eq(""), str(ratios["area"].iloc[0]))
    table = ratios.assign(**{k: ratios[k].astype(str) for k in names})
    now = _joined(lines, table[table["year"].eq(year)], names)
    began = _joined(lines, table.assign(baseline_year=table["year"]), [*names, "baseline_year"])
    moved = _changes(lines, table, names, year)
    out = now.assign(
        year=year,
        baseline_year=lines["baseline_year"],
        baseline=began["estimate"],
        baseline_low=began["low"],
        baseline_high=began["high"],
        target=lines["target"],
        **moved,
    )
    out["standing"] = _standing(out)
    out["note"] = (
        out["note"].fillna("no_data").mask(out["standing"].eq("too few") & out["note"].eq(""), "suppressed")
    )
    order = [c for c in MEASURE if c in out]
    extra = ["baseline_year", "baseline", "baseline_low", "baseline_high", "target", *moved, "standing"]
    return out[[*order, *extra]]


def _joined(lines: pd.DataFrame, table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Give each line its row of a table; empty where it has none."""
    rows = table.drop_duplicates(names)
    kept = [c for c in rows if c in MEASURE or c in names]
    return lines[names].merge(rows[kept], on=names, how="left")


def _changes(lines: pd.DataFrame, table: pd.DataFrame, names: list[str], year: int) -> dict[str, np.ndarray]:
    """Give the ratio of each line's ratio to that of its baseline, with limits."""
    found = np.full((3, len(lines)), np.nan)
    years = set(table["year"])
    pooled = int(table["years"].max()) if "years" in table and len(table) else 1
    for began in lines["baseline_year"].unique():  # as many as there are plans, not lines
        if not {began, year} <= years or began + pooled > year:
            continue
        moved = change(table, earlier=int(began), later=year)
        own = lines["baseline_year"].eq(began).to_numpy()
        found[:, own] = _joined(lines[own], moved, names)[["estimate", "low", "high"]].to_numpy(float).T
    return dict(zip(("change", "change_low", "change_high"), found, strict=True))


def _standing(out: pd.DataFrame) -> np.ndarray:
    """Say where each line stands, by its interval against the target and its change against none."""
    down = out["target"] < out["baseline"]
    none = out[["estimate", "low", "high", "baseline"]].isna().any(axis=1)
    met = np.where(down, out["high"] <= out["target"], out["low"] >= out["target"])
    fell, rose = out["change_high"] < 1, out["change_low"] > 1
    return np.select(
        [none, met, np.where(down, fell, rose), np.where(down, rose, fell), out["change_low"].isna()],
        ["too few", "met", "towards", "away", "too few"],
        "cannot tell",
    )
