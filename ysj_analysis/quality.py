"""How far can this data be trusted?

``profile`` makes every check the kit knows; ``completeness`` and ``percentage_audit`` answer two questions
of their own, for counts and for figures in print.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .drift import drift
from .profile_checks import FOUND, SEVERITIES, judged
from .profiles import evidence, profile
from .vocabulary import UNKNOWN

__all__ = [
    "FOUND",
    "LARGEST_COHORT",
    "SEVERITIES",
    "completeness",
    "drift",
    "evidence",
    "judged",
    "percentage_audit",
    "profile",
]

LARGEST_COHORT = 200
"""The largest cohort looked at when asking of how few children a printed percentage can be."""

_TOLERANCE = 1e-9


def percentage_audit(
    table: pd.DataFrame, *, printed: str = "printed", cohort: str = "cohort"
) -> pd.DataFrame:
    """Ask of each printed percentage or rate whether a whole number of the stated cohort gives it.

    Parameters
    ----------
    table : DataFrame
        One row a figure. ``printed`` is the figure as text, since "2.50" and "2.5" are rounded
        differently; ``cohort`` is how many it is said to be of, missing where nobody says; ``per``, if
        there, is what the figure is per: 100 for a percentage (the default), 1,000 or 100,000 for a
        rate, 1 for a number per child.
    printed, cohort : str
        The names of those columns.

    Returns
    -------
    DataFrame
        The same rows with columns added:

        ``possible``  "yes", "no", or "cannot say" where no cohort is stated
        ``fewest``, ``most``  the events that give the figure, missing where none do
        ``nearest``  where none does, what the whole numbers on either side give
        ``smallest_cohort``, ``smallest_events``  for percentages, the smallest cohort up to
        `LARGEST_COHORT` that can give the figure, and its events

    Notes
    -----
    A figure with d decimals stands for anything within half a unit of its last digit, both ends
    included, so that rounding half up and half to even are both allowed. A percentage that cannot be is
    most often of something else: children where the count is of episodes, or those of known ethnicity.

    Examples
    --------
    Nine of eleven is 82%; of twelve, nine is 75% and ten is 83%.

    >>> audit = percentage_audit(pd.DataFrame({"printed": ["82", "80"], "cohort": [12, 5]}))
    >>> audit[["printed", "cohort", "possible", "fewest", "most", "nearest"]]
      printed  cohort possible  fewest  most                    nearest
    0      82      12       no    <NA>  <NA>  9 gives 75%, 10 gives 83%
    1      80       5      yes       4     4
    >>> audit[["smallest_cohort", "smallest_events"]].iloc[0].to_list()
    [11, 9]
    """
    text = table[printed].astype(str).str.replace(",", "")
    figure = text.astype(float).to_numpy()
    decimals = text.str.partition(".")[2].str.len().to_numpy()
    half = 0.5 * 10.0**-decimals
    per = table["per"].to_numpy(float) if "per" in table else np.full(len(table), 100.0)
    size = table[cohort].astype(float).to_numpy()

    low, high = ((figure + side * half) * size / per for side in (-1, 1))
    fewest = np.maximum(np.ceil(low - _TOLERANCE), 0)
    most = np.floor(high + _TOLERANCE)
    holds = fewest <= most
    below = np.maximum(np.floor(low), 0)
    nearest = [
        "" if ok or np.isnan(n) else _beside(int(b), n, p, d)
        for ok, b, n, p, d in zip(holds, below, size, per, decimals, strict=True)
    ]

    sizes = np.arange(1, LARGEST_COHORT + 1)
    first = np.ceil(np.outer((figure - half) / 100, sizes) - _TOLERANCE)
    fits = (first <= np.outer((figure + half) / 100, sizes) + _TOLERANCE) & (per == 100)[:, None]
    some, least = fits.any(axis=1), fits.argmax(axis=1)
    rows = np.arange(len(table))
    return table.assign(
        possible=np.where(np.isnan(size), "cannot say", np.where(holds, "yes", "no")),
        fewest=_whole(np.where(holds, fewest, np.nan), table.index),
        most=_whole(np.where(holds, most, np.nan), table.index),
        nearest=nearest,
        smallest_cohort=_whole(np.where(some, sizes[least], np.nan), table.index),
        smallest_events=_whole(np.where(some, first[rows, least], np.nan), table.index),
    )


def _beside(below: int, size: float, per: float, decimals: int) -> str:
    """Say what the whole numbers on either side of an impossible figure give."""
    sign = "%" if per == 100 else ""
    given = (f"{n:,} gives {n / size * per:.{decimals}f}{sign}" for n in (below, below + 1))
    return ", ".join(given)


def _whole(values: np.ndarray, index: pd.Index) -> pd.Series:
    return pd.Series(values, index=index).astype("Int64")


def completeness(counts: pd.DataFrame) -> pd.DataFrame:
    """Count, for each stage, those whose ethnicity is not known out of all who reached it.

    Parameters
    ----------
    counts : DataFrame
        As ``pipeline.stage_counts``; the rows of one base for each stage.

    Returns
    -------
    DataFrame
        One row a stage, with the columns of the counts: ``group`` is ``Unknown``, ``base`` the stage
        itself, ``events`` those of unknown ethnicity and ``denominator`` all, missing where a part is
        hidden. A study that records no unknown ethnicity has no rows.
    """
    if UNKNOWN not in set(counts["group"].astype(str)):
        return counts.iloc[:0]
    keys = [c for c in counts.columns if c not in ("group", "events", "denominator", "base", "note")]
    everyone = counts.groupby(keys, observed=True, sort=False)[["events"]].sum(skipna=False)
    unknown = counts[counts["group"] == UNKNOWN].drop(columns="denominator")
    known = unknown.join(everyone.rename(columns={"events": "denominator"}), on=keys)
    return known.assign(base=known["stage"].astype(str))[list(counts.columns)].reset_index(drop=True)
