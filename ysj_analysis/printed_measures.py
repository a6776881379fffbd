"""How is a measure of printed counts shown? Withheld under the floor, widened, banded and rounded.

Nothing here sees a true count. What is printed for a comparison is a function of four printed counts
and the policy, so that anyone can compute it again.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from . import formulas
from .policies import DisclosureError, Policy
from .references import ALL_OTHERS, OVERALL
from .vocabulary import POPULATION, UNKNOWN

_COUNTS = ("events", "denominator", "reference_events", "reference_denominator")
RESIDUAL = 10
"""Fewer residual degrees of freedom, and a model gives its cells away: those of a saturated one are its cells."""
_OF_A_MODEL = ("estimate", "low", "high", "p_value", "standard_error", "attenuation")
_BANDS = (0.001, 0.01, 0.05)


def as_printed(out: pd.DataFrame, rule: Policy) -> pd.DataFrame:
    """Give a measure of printed counts as it is printed.

    Parameters
    ----------
    out : DataFrame
        From one of ``measures``, taken of printed counts.
    rule : Policy
        The rule they were printed by.

    Returns
    -------
    DataFrame
        The same rows: what compares fewer children than the floor is withheld; an interval holds that
        of every table of true counts which prints the same; a p-value is the band of the largest that
        such a table could have; estimates are rounded, ends of intervals outwards.

    Raises
    ------
    DisclosureError
        If the floor cannot be applied to it, because it is not a measure of four counts; if its numbers are not
        those that ``formulas.interval`` gives of the four counts beside them.
    """
    if "measure" not in out:
        raise DisclosureError(
            f"a measure taken of released counts has no column named measure (it has {len(out.columns)}: "
            f"{', '.join(map(str, out.columns))}). Take one of measures, or use derive for what is no measure."
        )
    if rule.protects:
        out = _complete(out)
        _refuse_another_formula(out)
        out = _floored(out, rule)
        if rule.half:
            out = _widened_and_banded(out, rule)
    return rounded(out)


def without_saturated(out: pd.DataFrame, rule: Policy) -> pd.DataFrame:
    """Withhold what a model says that has nearly as many coefficients as cells.

    Parameters
    ----------
    out : DataFrame
        Of a model if it has a column ``residual_df``; any other table stays as it is.
    rule : Policy
        The rule its counts were printed by.

    Returns
    -------
    DataFrame
        The same rows; below :data:`RESIDUAL`, or where it is not known, the numbers of the model are missing
        and the note says so.

    Examples
    --------
    >>> from .policies import PUBLIC
    >>> fit = pd.DataFrame({"term": ["a", "b"], "estimate": [0.4, 0.7], "residual_df": [9, 10]})
    >>> without_saturated(fit, PUBLIC)["estimate"].tolist()
    [nan, 0.7]
    """
    if "residual_df" not in out or not rule.protects:
        return out
    few = ~(out["residual_df"] >= RESIDUAL)
    given = out.assign(note=out.get("note", ""))
    hidden = {c: out[c].astype(float).mask(few) for c in _OF_A_MODEL if c in out}
    return given.assign(**hidden, note=given["note"].mask(few, "suppressed"))


def _complete(out: pd.DataFrame) -> pd.DataFrame:
    """Refuse what cannot be held against the floor; add the columns that may be absent."""
    name, _ = formulas.split(out["measure"])
    unknown = sorted(set(name) - set(formulas.FORMULAS))
    if unknown:
        raise DisclosureError(
            f"{np.isin(name, unknown).sum()} of {len(out)} rows are of a measure that cannot be computed from "
            f"its four printed counts: {', '.join(unknown)}. A public edition shows {', '.join(formulas.FORMULAS)}."
        )
    lacking = [c for c in ("group", "base", *_COUNTS[:2], "estimate") if c not in out]
    if lacking or (not {*_COUNTS[2:]} <= set(out) and formulas.compares(name).any()):
        lacking += [c for c in _COUNTS[2:] if c not in out]
        raise DisclosureError(
            f"{len(lacking)} of 7 columns by which a comparison is held against the floor are missing: "
            f"{', '.join(lacking)}. Keep them in what the measure returns."
        )
    absent = [c for c in (*_COUNTS[2:], "low", "high", "p_value") if c not in out]
    text = [c for c in ("reference", "method", "note") if c not in out]
    return out.assign(**dict.fromkeys(absent, np.nan), **dict.fromkeys(text, ""))


def _refuse_another_formula(out: pd.DataFrame) -> None:
    """Refuse numbers that are not those of the formula by which they would be widened and checked."""
    poisson = out["base"].eq(POPULATION).to_numpy()
    measure = out["measure"].to_numpy(str)
    given = out[["estimate", "low", "high", "p_value"]].to_numpy(float).T
    by_formula = np.array(formulas.interval(measure, *(out[c] for c in _COUNTS), poisson=poisson))
    other = (~np.isnan(given) & ~np.isclose(given, by_formula, rtol=1e-9, atol=0)).any(axis=0)
    if other.any():
        first = int(np.flatnonzero(other)[0])
        raise DisclosureError(
            f"{other.sum()} of {len(out)} rows are not what formulas gives under their name. First: row {first}, "
            f"{measure[first]}, {_said(given[:, first])}; formulas gives {_said(by_formula[:, first])} of the same "
            "counts. A public edition widens every interval for rounding by its formula and gives limits of 95%: name "
            "the measure as another, add its formula to formulas.FORMULAS, or leave out level."
        )


def _said(values: np.ndarray) -> str:
    estimate, low, high, _ = values
    return f"{estimate:.4g} ({low:.4g} to {high:.4g})"


def _floored(out: pd.DataFrame, rule: Policy) -> pd.DataFrame:
    """Withhold what compares fewer children than the policy's floor."""
    name, _ = formulas.split(out["measure"])
    compared = formulas.compares(name) & ~out["note"].str.contains(r"\breference\b|\bnot_compared\b")
    enough = (
        (out["events"] >= rule.ratio_events)
        & (out["denominator"] >= rule.ratio_base)
        & (out["reference_events"] >= rule.ratio_events)
        & (out["reference_denominator"] >= rule.ratio_base)
    )
    not_reached = [(out[n] - out[x]) >= rule.ratio_events for x, n in (_COUNTS[:2], _COUNTS[2:])]
    enough &= (not_reached[0] & not_reached[1]) | ~_each(name, "counts_the_rest")
    missing = out["events"].isna() | out["denominator"].isna() | out["reference_events"].isna()
    withheld = compared & ~enough
    values = ["estimate", "low", "high", "p_value"]
    out = out.assign(**{v: out[v].mask(withheld) for v in values})
    return out.assign(
        note=out["note"].mask(withheld & ~missing & out["note"].ne("no_denominator"), "suppressed")
    )


def _widened_and_banded(out: pd.DataFrame, rule: Policy) -> pd.DataFrame:
    """Widen each interval to whatever counts the rounding may stand for; band the largest p-value."""
    counts = [out[c].to_numpy(float) for c in _COUNTS]
    summed = out["reference"].isin([ALL_OTHERS, OVERALL]).to_numpy()
    groups = out["group"].astype(str)
    away = rule.half * np.where(summed, groups[groups != UNKNOWN].nunique(), 1)
    poisson = out["base"].eq(POPULATION).to_numpy()
    measure = out["measure"].to_numpy(str)
    name, _ = formulas.split(measure)
    scaled = _each(name, "scaled")
    ends = [out[["estimate", "low", "high", "p_value"]].to_numpy(float).T]
    for signs in itertools.product((-1, 1), repeat=4):
        opposite = signs in ((-1, 1, 1, -1), (1, -1, -1, 1))
        if opposite or scaled.any():
            end = _corner(measure, counts, poisson, rule.half, away, signs)
            ends.append([np.where(scaled | opposite, e, np.nan) for e in end])
    estimates, lows, highs, p_values = (np.array(part) for part in zip(*ends, strict=True))
    low, high = np.fmin.reduce(lows), np.fmax.reduce(highs)
    parity = _each(name, "parity", float)
    either = (np.fmin.reduce(estimates) <= parity) & (np.fmax.reduce(estimates) >= parity)
    p = np.where(either, 1.0, np.fmax.reduce(p_values))
    bands = np.select([p < b for b in _BANDS], _BANDS, 1.0)
    shown = out["low"].notna().to_numpy()
    return out.assign(
        low=np.where(shown, low, np.nan),
        high=np.where(shown, high, np.nan),
        p_value=np.where(out["p_value"].isna(), np.nan, bands),
        method=out["method"].where(~shown, out["method"] + f", widened for rounding to {rule.round_to}"),
    )


def _each(name: np.ndarray, what: str, kind: type = bool) -> np.ndarray:
    """Look one thing up of the formula of each row."""
    return np.array([getattr(formulas.FORMULAS[n], what) for n in name], kind)


def _corner(measure, counts, poisson, half: int, reference_half, signs) -> tuple:
    """Give the measure at one corner of what the rounding may stand for."""
    x, n, rx, rn = counts
    m, rm = np.maximum(n + signs[1] * half, 1), np.maximum(rn + signs[3] * reference_half, 1)
    y, ry = np.maximum(x + signs[0] * half, 0), np.maximum(rx + signs[2] * reference_half, 0)
    y, ry = np.where(poisson, y, np.minimum(y, m)), np.where(poisson, ry, np.minimum(ry, rm))
    return formulas.interval(measure, y, m, ry, rm, poisson=poisson)


def rounded(out: pd.DataFrame) -> pd.DataFrame:
    """Round to what is printed, the ends of an interval outwards."""
    name, _ = formulas.split(out["measure"])
    power = 10.0 ** np.array([formulas.FORMULAS[n].digits if n in formulas.FORMULAS else 2 for n in name])
    rounding = {
        "estimate": lambda v: np.round(v * power) / power,
        "low": lambda v: np.floor(np.round(v * power, 6)) / power,
        "high": lambda v: np.ceil(np.round(v * power, 6)) / power,
    }
    return out.assign(**{c: rounding[c](out[c]) for c in rounding if c in out})
