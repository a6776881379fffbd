"""Is it moving, is it real, how many years do we need?

The early-warning room. Everything to ask of a series or of several areas is reachable from here;
``flags`` is its own. A rule is declared before looking, frozen, and travels with its result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from ._series import checked, codes, keys, refuse_repeats
from .charts import control_chart, funnel
from .periods import change, pool
from .power import detectable
from .shrinkage import Prior, probability_above, shrink
from .trends import trend
from .vocabulary import UNKNOWN, Stage

__all__ = [
    "Prior",
    "Rule",
    "change",
    "concerns",
    "control_chart",
    "detectable",
    "flags",
    "funnel",
    "pool",
    "probability_above",
    "shrink",
    "trend",
]

_MEASURED_BY = ("estimate", "limit")


@dataclass(frozen=True)
class Rule:
    """What makes a flag, said before anyone looked.

    Attributes
    ----------
    threshold : float
        The ratio beyond which there is a concern: above 1 for adverse stages, under 1 for favourable
        ones (diversion), where the concern lies below.
    declared : str
        The day it was declared, YYYY-MM-DD.
    minimum_events : int
        The fewest events a group may have, and its reference. Where the concern lies below the
        threshold this holds for the reference only, for few events are then the finding.
    minimum_base : int
        The smallest denominator the group and its reference may have.
    years : int
        How many consecutive periods must lie beyond the threshold, the last one included.
    progress : float or None
        A flag is held back, and says ``progress``, while the ratio has moved towards 1 by at least
        this much from each period to the next over the last two. None: nothing holds a flag back.
    measured_by : {"estimate", "limit"}
        What must lie beyond the threshold: the ratio, or the nearer end of its interval as well.

    Examples
    --------
    >>> print(Rule(threshold=2.0, declared="2024-04-01", years=3, progress=0.1))
    ratio above 2 for 3 consecutive periods; at least 10 events and 30 in the base, in group and
    reference; held back while it falls by 0.1 or more in each of two periods; declared 2024-04-01
    """

    threshold: float
    declared: str
    minimum_events: int = 10
    minimum_base: int = 30
    years: int = 1
    progress: float | None = None
    measured_by: str = "estimate"

    def __post_init__(self) -> None:
        if not 0 < self.threshold < np.inf or self.threshold == 1:
            raise ValueError(f"threshold is {self.threshold}; give a ratio above 0 other than 1.")
        for name, least in (("minimum_events", 0), ("minimum_base", 0), ("years", 1)):
            value = getattr(self, name)
            if value != int(value) or value < least:
                raise ValueError(f"{name} is {value}; give a whole number, {least} or more.")
        if self.progress is not None and not self.progress > 0:
            raise ValueError(f"progress is {self.progress}; give a number above 0, or None.")
        if self.measured_by not in _MEASURED_BY:
            raise ValueError(f"measured_by is {self.measured_by!r}; the choices are {_MEASURED_BY}.")
        try:
            date.fromisoformat(self.declared)
        except (TypeError, ValueError):
            raise ValueError(
                f"declared is {self.declared!r}; give the day the rule was declared, as 2024-04-01."
            ) from None

    @property
    def above(self) -> bool:
        """Whether the concern is a ratio above the threshold."""
        return self.threshold > 1

    @property
    def favourable(self) -> Rule:
        """The same rule for stages that it is better to reach: below the reciprocal, to two places."""
        return replace(self, threshold=round(1 / self.threshold, 2))

    def __str__(self) -> str:
        """Say the rule in a sentence."""
        what = "ratio" if self.measured_by == "estimate" else "whole interval"
        long = f" for {self.years} consecutive periods" if self.years > 1 else ""
        if self.above:
            floor = f"at least {self.minimum_events} events and {self.minimum_base} in the base, in group and reference"
        else:
            floor = f"at least {self.minimum_events} events in the reference, and {self.minimum_base} in both bases"
        parts = [f"{what} {'above' if self.above else 'below'} {self.threshold:g}{long}", floor]
        if self.progress is not None:
            moves = "falls" if self.above else "rises"
            parts.append(f"held back while it {moves} by {self.progress:g} or more in each of two periods")
        return "; ".join([*parts, f"declared {self.declared}"])


def flags(table: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Apply a declared rule to relative rates: what is flagged, what is not, what could not be assessed.

    Parameters
    ----------
    table : DataFrame
        From ``measures.relative_rates``: ``year, reference``, the four counts, ``estimate, low, high``.
        Where years are pooled (``years``) persistence is counted over windows that do not overlap.
    rule : Rule
        The same for every row.

    Returns
    -------
    DataFrame
        The same rows in the same order with

        - ``beyond``: whether this period lies beyond the threshold (False where not assessed);
        - ``periods_beyond``: how many consecutive periods do, up to this one. A period that is missing
          or could not be assessed ends the count: a flag never rests on what was not seen;
        - ``flag``: ``flagged``; ``progress`` (would be flagged, and is moving as the rule asks);
          ``watch`` (beyond, not yet long enough); ``not flagged``; ``not assessed``;
        - ``why``: what is short where not assessed;
        - ``rule``: the rule in words.

    Raises
    ------
    ValueError
        If columns are missing or a period repeats within a series.

    References
    ----------
    The shape of 34 CFR 300.646-647 (2016): a risk ratio threshold, minimum cell size (10) and
    n-size (30), up to three consecutive years, reasonable progress in each of two years.

    Examples
    --------
    >>> t = pd.DataFrame({"year": [2021, 2022, 2023], "group": "Black", "reference": "White",
    ...                   "events": [24, 26, 23], "denominator": 60, "reference_events": 20,
    ...                   "reference_denominator": 120, "estimate": [2.4, 2.6, 2.3],
    ...                   "low": [1.5, 1.6, 1.4], "high": [4.0, 4.2, 3.8]})
    >>> flags(t, Rule(threshold=2, declared="2021-01-01", years=3))[["year", "periods_beyond", "flag"]]
       year  periods_beyond     flag
    0  2021               1    watch
    1  2022               2    watch
    2  2023               3  flagged
    """
    if not isinstance(rule, Rule):
        raise ValueError(
            f"rule is a {type(rule).__name__}; declare one with monitor.Rule(threshold=..., ...)."
        )
    four = ("events", "denominator", "reference_events", "reference_denominator")
    table = checked(table, ("year", "reference", *four, "estimate", "low", "high"))
    step = table["years"].to_numpy(int) if "years" in table else np.ones(len(table), int)
    series = [*keys(table, "year"), *(c for c in ("measure", "reference") if c in table)]
    refuse_repeats(table, [*series, "year"], "year")
    why = _short(table, rule)
    assessed = why == ""
    value = table["estimate"].to_numpy(float)
    bound = table["low" if rule.above else "high"].to_numpy(float)
    tested = value if rule.measured_by == "estimate" else bound
    with np.errstate(invalid="ignore"):
        beyond = assessed & (tested > rule.threshold if rule.above else tested < rule.threshold)
    year = table["year"].to_numpy(int)
    at = codes(table.assign(_step=year % step), [*series, "_step"])
    length, moving = _history(year, step, at, beyond, np.where(assessed, value, np.nan), rule)
    enough = length >= rule.years
    flag = np.select(
        [~assessed, enough & moving, enough, beyond],
        ["not assessed", "progress", "flagged", "watch"],
        "not flagged",
    )
    return table.assign(beyond=beyond, periods_beyond=length, flag=flag, why=why, rule=str(rule))


def concerns(table: pd.DataFrame, rule: Rule, *, stages: Mapping[str, Stage]) -> pd.DataFrame:
    """Apply a rule to every stage at which a group can fare worse, on the side that is worse.

    Parameters
    ----------
    table : DataFrame
        As for :func:`flags`, with ``stage`` and ``group``.
    rule : Rule
        For adverse stages, with a threshold above 1. Favourable ones (diversion) have the same rule below the
        threshold's reciprocal, to two places.
    stages : mapping of str to Stage
        The stage graph, with the polarity of each.

    Returns
    -------
    DataFrame
        As :func:`flags`: the rows of adverse stages, then those of favourable ones. Neutral stages, the reference
        itself and children of unknown ethnicity have no row.

    Raises
    ------
    ValueError
        As :func:`flags`, or if the threshold is below 1.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> t = pd.DataFrame({"year": 2023, "stage": ["charge", "diversion", "caution"], "group": "Black",
    ...                   "reference": "White", "events": [60, 20, 50], "denominator": 120, "reference_events": 40,
    ...                   "reference_denominator": 160, "estimate": [2.0, 0.67, 1.67], "low": 1.0, "high": 3.0})
    >>> found = concerns(t, Rule(threshold=1.25, declared="2023-01-01"), stages=STAGES)
    >>> found[["stage", "estimate", "flag"]]
           stage  estimate     flag
    0     charge      2.00  flagged
    1  diversion      0.67  flagged
    """
    if not rule.above:
        raise ValueError(
            f"threshold is {rule.threshold:g}; give one above 1. Favourable stages have its reciprocal."
        )
    polarity = table["stage"].astype(str).map({s: stage.polarity for s, stage in stages.items()})
    group = table["group"].astype(str)
    judged = ~group.eq(UNKNOWN) & ~group.eq(table["reference"].astype(str))
    parts = [
        flags(table[judged & polarity.eq(side)].reset_index(drop=True), one)
        for side, one in (("adverse", rule), ("favourable", rule.favourable))
    ]
    return pd.concat(parts, ignore_index=True)


def _short(table: pd.DataFrame, rule: Rule) -> np.ndarray:
    """Say what keeps a row from being assessed; empty where nothing does."""
    x1, n1, x2, n2 = (
        table[c].to_numpy(float)
        for c in ("events", "denominator", "reference_events", "reference_denominator")
    )
    earlier = table["note"].to_numpy(object) if "note" in table else np.full(len(table), "", object)
    alone = np.isin(earlier.astype(str), ["reference", "suppressed", "immature", "no_denominator"])
    few, small = f"fewer than {rule.minimum_events} events", f"fewer than {rule.minimum_base} in the base"
    return np.select(
        [
            alone,
            np.isnan(x1) | np.isnan(x2),
            ~((n1 >= rule.minimum_base) & (n2 >= rule.minimum_base)),
            (x2 < rule.minimum_events) | (rule.above & (x1 < rule.minimum_events)),
            table["estimate"].isna(),
        ],
        [earlier, "suppressed", small, few, "no estimate"],
        "",
    ).astype(object)


def _history(
    year: np.ndarray, step: np.ndarray, at: np.ndarray, beyond: np.ndarray, value: np.ndarray, rule: Rule
) -> tuple[np.ndarray, np.ndarray]:
    """Count consecutive periods beyond the threshold, and see whether the last two moved towards 1."""
    order = np.lexsort((year, at))
    y, k, g, b, v = (a[order] for a in (year, step, at, beyond, value))
    follows = np.zeros(len(y), bool)
    follows[1:] = (g[1:] == g[:-1]) & (y[1:] == y[:-1] + k[1:])
    place = np.arange(len(y))
    goes_on = follows & b & np.append(False, b[:-1])
    begun = np.maximum.accumulate(np.where(goes_on, 0, place))
    length, moving = np.zeros(len(y), int), np.zeros(len(y), bool)
    length[order] = np.where(b, place - begun + 1, 0)
    if rule.progress is not None:
        gain = np.full(len(y), np.nan)
        gain[1:] = (v[:-1] - v[1:]) * (1 if rule.above else -1)
        moved = follows & (gain >= rule.progress - 1e-12)
        moving[order] = moved & np.append(False, moved[:-1])
    return length, moving
