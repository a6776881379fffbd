"""What may be shown? Nothing reaches a reader but a :class:`Released`, and only this module makes one.

``release`` prints the counts: small ones become ``[c]``, others are rounded. Everything else a reader
sees is then derived from the **printed** counts alone, so that every published figure can be computed
again from the published table, and two private tables that print the same give the same report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from . import formulas
from .references import ALL_OTHERS, OVERALL
from .vocabulary import POPULATION, UNKNOWN


class DisclosureError(ValueError):
    """A policy that does not protect, or something shown that was not released."""


@dataclass(frozen=True)
class Policy:
    """The rule by which counts are printed. Frozen, and printed at the end of every report.

    Attributes
    ----------
    name : str
        Which rule this is.
    heading : str
        What stands at the head of everything printed by it.
    hidden_below : int
        Counts below this, 0 included, are printed ``[c]``.
    round_to : int
        Other counts are rounded to the nearest multiple. The smallest printed count must stand for as
        many true counts as any other, so ``hidden_below`` must be the lower end of a rounding bin.
    ratio_events, ratio_base : int
        A comparison is shown only if both its printed counts and both its printed denominators reach
        these.
    """

    name: str
    heading: str
    hidden_below: int
    round_to: int
    ratio_events: int
    ratio_base: int

    def __post_init__(self):
        if self.round_to < 1 or self.round_to % 2 == 0:
            raise DisclosureError(
                f"policy {self.name}: counts are rounded to {self.round_to}; use an odd number."
            )
        if self.hidden_below and (self.hidden_below + self.half) % self.round_to:
            lower = self.hidden_below - (self.hidden_below + self.half) % self.round_to
            raise DisclosureError(
                f"policy {self.name}: hiding counts below {self.hidden_below} does not line up with rounding to "
                f"{self.round_to}: the smallest printed count would stand for fewer than {self.round_to} true "
                f"counts. Hide below {lower if lower > 0 else lower + self.round_to} or "
                f"{lower + self.round_to}."
            )

    @property
    def half(self) -> int:
        """How far a printed count can be from the true one."""
        return self.round_to // 2

    def printed(self, counts) -> np.ndarray:
        """Print counts: NaN where hidden, else rounded to the nearest multiple.

        Examples
        --------
        >>> PUBLIC.printed([0, 7, 8, 12, 13, 6510]).tolist()
        [nan, nan, 10.0, 10.0, 15.0, 6510.0]
        """
        true = np.asarray(counts, float)
        rounded = np.floor((true + self.half) / self.round_to) * self.round_to
        return np.where(true >= self.hidden_below, rounded, np.nan)

    def sentence(self) -> str:
        """Say the rule in words, for the methods section of a report."""
        if self.round_to == 1 and not self.hidden_below:
            return f"{self.heading}: counts are shown as they are."
        return (
            f"{self.heading}: counts of 0 to {self.hidden_below - 1} are shown as [c] and all others are rounded "
            f"to the nearest {self.round_to}, so totals may not add. Every rate, ratio and interval is "
            f"computed from the printed counts. A comparison is shown only if both counts are at least "
            f"{self.ratio_events} and both bases at least {self.ratio_base}, and its interval is widened for "
            "the rounding."
        )


PUBLIC = Policy("public", "Public edition", 8, 5, 10, 30)
"""0 to 7 hidden, nearest 5: the pairing OpenSAFELY and NHS England use. A printed 10 means 8 to 12."""

ONS = Policy("ons", "Public edition", 13, 5, 15, 30)
"""Hides at least what census tables hide (0 to 9), moved up to 12 to line up with rounding to 5."""

RESTRICTED = Policy("restricted", "OFFICIAL-SENSITIVE: restricted edition", 0, 1, 0, 0)
"""True counts, for the management board. Never a default."""

WORKING = Policy("working", "Working figures, not for publication", 0, 1, 0, 0)
"""True counts on the analyst's own screen. A report refuses them."""

PUBLISHED = Policy("published", "Figures already published", 0, 1, 0, 0)
"""Figures that someone has already published; each table names its source."""

EDITIONS = {"public": PUBLIC, "ons": ONS, "restricted": RESTRICTED}


def policy(edition: str) -> Policy:
    """Look up the policy of an edition: ``public``, ``ons`` or ``restricted``."""
    if edition not in EDITIONS:
        raise DisclosureError(f"edition is {edition!r}; it must be one of {', '.join(EDITIONS)}.")
    return EDITIONS[edition]


_GATE = object()

# Decimal places of each measure; a per-head rate by what it is given per.
_DIGITS = {"proportion": 3, "risk_difference": 3, "events_above_parity": 0, "events_above_share": 0}
_BANDS = (0.001, 0.01, 0.05)


@dataclass(frozen=True)
class Released:
    """A table that may be shown. Made by ``release``, ``working`` or ``published`` and by nothing else.

    Attributes
    ----------
    table : DataFrame
        Printed numbers only: NaN where hidden, rounded elsewhere. ``note`` says why a value is missing.
    policy : Policy
        The rule it was printed by.
    counts : tuple of str
        Which columns are printed counts.
    source : str
        Where published figures come from; empty for the study's own.
    """

    table: pd.DataFrame = field(repr=False)
    policy: Policy
    counts: tuple[str, ...]
    source: str = ""
    gate: object = field(default=None, repr=False, compare=False)

    def __post_init__(self):
        if self.gate is not _GATE:
            raise TypeError("Only disclosure.release makes a Released: call disclosure.release(table).")

    @property
    def hidden(self) -> int:
        """How many counts are hidden."""
        return int(self.table[list(self.counts)].isna().sum().sum()) if len(self.counts) else 0

    def where(self, **values) -> Released:
        """Keep the rows in which each named column has the value, or one of the values.

        Examples
        --------
        >>> t = pd.DataFrame({"stage": ["arrest", "charge"], "events": [40, 20], "denominator": [900, 40]})
        >>> release(t).where(stage="charge").table["events"].to_list()
        [20.0]
        """
        kept = pd.Series(True, self.table.index)
        for column, value in values.items():
            several = isinstance(value, (list, tuple, set, frozenset))
            kept &= self.table[column].astype(str).isin([str(v) for v in (value if several else [value])])
        return self._with(self.table[kept].reset_index(drop=True))

    def measure(self, function: Callable[..., pd.DataFrame], **arguments) -> Released:
        """Take a measure of the printed counts.

        Parameters
        ----------
        function : callable
            One of ``measures``: a table of counts in, a table of measures out.
        **arguments
            What else it takes.

        Returns
        -------
        Released
            The measure, from printed counts; withheld below the policy's floor; its interval that of
            the least and the most favourable counts the rounding allows; all of it rounded as printed.
        """
        out = function(self.table, **arguments)
        return self._with(_rounded(_banded(_widened(_floored(out, self.policy), self.policy), self.policy)))

    def derive(self, function: Callable[..., pd.DataFrame], **arguments) -> Released:
        """Apply a function of the printed table: choose, order, add up, pivot. Nothing else is at hand."""
        return self._with(function(self.table.copy(), **arguments))

    def _with(self, table: pd.DataFrame) -> Released:
        counts = tuple(c for c in self.counts if c in table.columns)
        return replace(self, table=table, counts=counts, gate=_GATE)


def release(
    table: pd.DataFrame,
    *,
    policy: Policy = PUBLIC,
    counts: tuple[str, ...] = ("events", "denominator"),
) -> Released:
    """Print a table of true counts by a policy.

    Parameters
    ----------
    table : DataFrame
        True counts; numeric columns that are not counts would show a private number and are refused,
        but for ``year`` and ``years``.
    policy : Policy
        The rule.
    counts : tuple of str
        The columns that hold counts.

    Returns
    -------
    Released
        The same rows in the same order, each count printed.

    Raises
    ------
    DisclosureError
        If another column holds numbers: measures are taken of what was released, not released.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "events": [4, 13], "denominator": [3772, 6508]})
    >>> release(t).table
       group  events  denominator
    0  Black     NaN       3770.0
    1  White    15.0       6510.0
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"release takes a DataFrame of counts, not {type(table).__name__}.")
    counts = tuple(c for c in counts if c in table.columns)
    numbers = [
        c
        for c in table.select_dtypes("number").columns
        if c not in (*counts, "year", "years") and policy.round_to > 1
    ]
    if numbers:
        raise DisclosureError(
            f"{len(numbers)} of {table.shape[1]} columns hold numbers that are not counts: {', '.join(numbers)}. "
            "Release the counts first, then take measures of what was released: "
            "disclosure.release(counts).measure(measures.rates)."
        )
    printed = table.assign(**{c: policy.printed(table[c]) for c in counts}).reset_index(drop=True)
    return Released(printed, policy, counts, gate=_GATE)


def working(table: pd.DataFrame) -> Released:
    """Show a table as it is on the analyst's own screen, headed "not for publication"."""
    return Released(table.reset_index(drop=True), WORKING, _count_columns(table), gate=_GATE)


def published(table: pd.DataFrame, *, source: str) -> Released:
    """Show figures that someone has published already; ``source`` says where."""
    if not source.strip():
        raise DisclosureError("published figures need a source: say who printed them, where and when.")
    return Released(table.reset_index(drop=True), PUBLISHED, _count_columns(table), source, gate=_GATE)


def require(thing: object) -> Released:
    """Return a Released as it is; anything else is a TypeError that says what to do.

    Examples
    --------
    >>> require(pd.DataFrame())
    Traceback (most recent call last):
    TypeError: only a released table can be shown, not DataFrame: call disclosure.release(table) first.
    """
    if isinstance(thing, Released):
        return thing
    raise TypeError(
        f"only a released table can be shown, not {type(thing).__name__}: call disclosure.release(table) first."
    )


# -- inside ------------------------------------------------------------------------------------------


def _count_columns(table: pd.DataFrame) -> tuple[str, ...]:
    names = ("events", "denominator", "reference_events", "reference_denominator")
    return tuple(c for c in names if c in table.columns)


def _floored(out: pd.DataFrame, rule: Policy) -> pd.DataFrame:
    """Withhold what compares fewer children than the policy's floor."""
    name, _ = formulas.split(out["measure"])
    compared = ~np.isin(name, list(formulas.ONE_GROUP)) & ~out["note"].str.contains(r"\breference\b")
    enough = (
        (out["events"] >= rule.ratio_events)
        & (out["denominator"] >= rule.ratio_base)
        & (out["reference_events"] >= rule.ratio_events)
        & (out["reference_denominator"] >= rule.ratio_base)
    )
    missing = out["events"].isna() | out["denominator"].isna() | out["reference_events"].isna()
    if rule.ratio_events == 0:
        return out
    withheld = compared & ~enough
    values = ["estimate", "low", "high", "p_value"]
    out = out.assign(**{v: out[v].mask(withheld) for v in values})
    return out.assign(
        note=out["note"].mask(withheld & ~missing & out["note"].ne("no_denominator"), "suppressed")
    )


def _widened(out: pd.DataFrame, rule: Policy) -> pd.DataFrame:
    """Widen each interval to hold whatever counts the rounding may stand for."""
    if rule.half == 0:
        return out
    x, n, rx, rn = (
        out[c].to_numpy(float) for c in ("events", "denominator", "reference_events", "reference_denominator")
    )
    summed = out["reference"].isin([ALL_OTHERS, OVERALL]).to_numpy()
    groups = out["group"].astype(str)
    away = rule.half * np.where(summed, groups[groups != UNKNOWN].nunique(), 1)
    poisson = out["base"].eq(POPULATION).to_numpy()
    measure = out["measure"].to_numpy(str)
    ends = [_corner(measure, x, n, rx, rn, poisson, sign * rule.half, sign * away) for sign in (-1, 1)]
    shown = out["low"].notna()
    return out.assign(
        low=np.where(shown, np.fmin.reduce([out["low"], ends[0][0], ends[1][0]]), np.nan),
        high=np.where(shown, np.fmax.reduce([out["high"], ends[0][1], ends[1][1]]), np.nan),
        method=out["method"].where(~shown, out["method"] + f", widened for rounding to {rule.round_to}"),
    )


def _corner(measure, x, n, rx, rn, poisson, away: int, reference_away) -> tuple:
    """Give the interval at one extreme of what the rounding may stand for."""
    m, rm = np.maximum(n - away, 1), np.maximum(rn + reference_away, 1)
    y, ry = np.maximum(x + away, 0), np.maximum(rx - reference_away, 0)
    y, ry = np.where(poisson, y, np.minimum(y, m)), np.where(poisson, ry, np.minimum(ry, rm))
    return formulas.interval(measure, y, m, ry, rm, poisson=poisson)[1:3]


def _banded(out: pd.DataFrame, rule: Policy) -> pd.DataFrame:
    """Give p-values as the band they fall in: the band's upper end, 1 for 0.05 and above."""
    if rule.half == 0:
        return out
    p = out["p_value"]
    bands = np.select([p < b for b in _BANDS], _BANDS, 1.0)
    return out.assign(p_value=np.where(p.isna(), np.nan, bands))


def _rounded(out: pd.DataFrame) -> pd.DataFrame:
    """Round to what is printed, the ends of an interval outwards."""
    name, _ = formulas.split(out["measure"])
    power = 10.0 ** np.array([_DIGITS.get(n, 2) for n in name])
    return out.assign(
        estimate=np.round(out["estimate"] * power) / power,
        low=np.floor(np.round(out["low"] * power, 6)) / power,
        high=np.ceil(np.round(out["high"] * power, 6)) / power,
    )
