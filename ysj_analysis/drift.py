"""Does a category change its size overnight? Shares of groups and stages, from each year to the next.

A share that jumps is either a change in what was done or a change in how it was recorded, and figures
cannot say which.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from . import intervals
from .many import adjust_p
from .vocabulary import POPULATION, Stage

_CHANCE = 0.05
"""The share of false alarms among the jumps named, at most on average (Benjamini and Hochberg 1995)."""

LEAST_POINTS, LEAST_FACTOR = 2.0, 1.5
"""A jump is of at least so many percentage points, or by at least this factor: among many thousands of cases
every small drift is beyond chance."""

_FEW = 5
"""Below this expected count the exact test is used in place of the score test (Cochran 1954)."""

ALL = "all"
"""The group of a row that is about a stage, not about one group at it."""

_DRIFT = (
    "area", "year", "unit", "stage", "base", "group", "events", "denominator", "earlier_events",
    "earlier_denominator", "change", "p_value", "p_adjusted", "method", "jump",
)  # fmt: skip
"""The columns of :func:`drift`."""


def drift(counts: pd.DataFrame, *, stages: Mapping[str, Stage]) -> pd.DataFrame:
    """Compare shares in each year with those of the year before.

    Parameters
    ----------
    counts : DataFrame
        From ``pipeline.stage_counts`` with windows of one year, or those counts as printed.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    DataFrame
        A row for each area, pair of years and share: of each group among all at a stage (``base`` is the
        stage itself), and of each stage among those who could have reached it (``group`` is ``all``).
        ``change`` is in percentage points; ``jump`` says whether it is both beyond chance, all comparisons of
        the table taken together, and large: two percentage points, or half as much again (`LEAST_POINTS`,
        `LEAST_FACTOR`). Years that are immature or partly hidden are not compared.

    Notes
    -----
    The (N-1) chi-square test, or where fewer than five are expected somewhere the exact conditional test.
    Children who are there in both years are counted in both, which makes the test cautious: what stays the
    same stays the same twice.

    Examples
    --------
    >>> from ysj_analysis import load, pipeline
    >>> study = load.study("data/synthetic")
    >>> table = drift(pipeline.stage_counts(study), stages=study.stages)
    >>> list(table.columns[-3:])
    ['p_adjusted', 'method', 'jump']
    """
    keys = ["area", "stage", "base", "group"]
    plain = counts.astype(dict.fromkeys(keys, str))
    plain = plain.assign(**{c: plain[c].where(plain["note"].eq("")) for c in ("events", "denominator")})
    own = plain["stage"].map({s: stage.base for s, stage in stages.items()})
    decisions = plain[(plain["base"] == own) & (plain["base"] != POPULATION)]
    once = plain[["stage", "base"]].drop_duplicates("stage", keep="last")  # by the date of the event
    dated = plain.merge(once, on=["stage", "base"])
    parts = [_groups(dated), _stages(decisions)]
    shares = pd.concat(parts, ignore_index=True)
    earlier = shares.assign(year=shares["year"] + 1).rename(
        columns={"events": "earlier_events", "denominator": "earlier_denominator"}
    )
    both = shares.merge(earlier.drop(columns="unit"), on=["area", "year", "stage", "base", "group"])
    return _tested(both.dropna(subset=[c for c in both if c.endswith(("events", "denominator"))]))


def _groups(counts: pd.DataFrame) -> pd.DataFrame:
    """Set each group at a stage against all at it."""
    cell = ["area", "year", "unit", "stage"]
    everyone = counts.groupby(cell, sort=False)["events"].transform(lambda e: e.sum(skipna=False))
    return counts.assign(base=counts["stage"], denominator=everyone)[
        [*cell, "base", "group", "events", "denominator"]
    ]


def _stages(counts: pd.DataFrame) -> pd.DataFrame:
    """Add the groups of each stage up."""
    cell = ["area", "year", "unit", "stage", "base"]
    sums = counts.groupby(cell, sort=False)[["events", "denominator"]].agg(lambda e: e.sum(skipna=False))
    return sums.reset_index().assign(group=ALL)


def _tested(both: pd.DataFrame) -> pd.DataFrame:
    """Test each pair of shares, and mark those beyond chance."""
    both = both[(both["denominator"] > 0) & (both["earlier_denominator"] > 0)].reset_index(drop=True)
    x1, n1, x2, n2 = (
        both[c].to_numpy(float) for c in ("events", "denominator", "earlier_events", "earlier_denominator")
    )
    least = np.minimum(x1 + x2, n1 + n2 - x1 - x2) * np.minimum(n1, n2) / (n1 + n2)
    few = least < _FEW
    p = np.full(len(both), np.nan)
    if len(both):
        p[~few] = intervals.risk_ratio(x1[~few], n1[~few], x2[~few], n2[~few]).p_value
        p[few] = intervals.odds_ratio(x1[few], n1[few], x2[few], n2[few], method="exact").p_value
    table = adjust_p(both.assign(p_value=p)).assign(
        change=100 * (x1 / n1 - x2 / n2), method=np.where(few, "exact", "(N-1) chi-square")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.abs(np.log((x1 / n1) / (x2 / n2)))
    large = (table["change"].abs() >= LEAST_POINTS) | (factor >= np.log(LEAST_FACTOR))
    return table.assign(jump=large & (table["p_adjusted"] < _CHANCE))[list(_DRIFT)]
