"""How do we say what unknown ethnicity could hide? From released bounds: does a finding hold, whoever they are?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import unknowns, wording
from .disclosure import Released, require
from .reading import NotHeld
from .sentence_parts import ABOVE, voice
from .vocabulary import UNKNOWN
from .wording import Words


def bounded(counts: Released, *, reference: str) -> Released:
    """Bound every relative rate over the ways in which the unknown could be shared out, rounded outwards.

    Parameters
    ----------
    counts : Released
        Of ``pipeline.stage_counts``, the unknown with the others.
    reference : str
        The group compared with.

    Returns
    -------
    Released
        As ``unknowns.bounds``: of every table of true counts that prints the same.

    Raises
    ------
    NotHeld
        If no row counts children of unknown ethnicity.
    """
    if not require(counts).table["group"].astype(str).eq(UNKNOWN).any():
        raise NotHeld(
            "This study has no row for children of unknown ethnicity, so it cannot be said what they could change."
        )
    return counts.measure(unknowns.bounds, reference=reference, half=counts.policy.half).derive(rounded)


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Round bounds as the ratios beside them, outwards, so that none is given more exactly than its counts.

    Parameters
    ----------
    table : DataFrame
        Released bounds, of ``unknowns.bounds``.

    Returns
    -------
    DataFrame
        The same rows, the lower bounds rounded down and the upper ones up to 2 places.
    """
    down = table[["lowest", "hull_low"]].mul(100).apply(np.floor).div(100)
    up = table[["highest", "hull_high"]].mul(100).apply(np.ceil).div(100)
    return table.assign(**down.to_dict("series"), **up.to_dict("series"))


def found(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the comparisons that are clear among those whose ethnicity is known, and can be bounded.

    Parameters
    ----------
    table : DataFrame
        Released bounds.

    Returns
    -------
    DataFrame
        Those rows, in order.
    """
    clear = (table["low"] > 1) | (table["high"] < 1)
    return table[clear & table["lowest"].notna()].reset_index(drop=True)


@wording.said
def hold(bounds: Released, words: Words) -> list[str]:
    """Say of each clear finding whether it would stand however the unknown were shared out.

    Parameters
    ----------
    bounds : Released
        Of :func:`bounded`.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each clear finding; one sentence where there is none, or none can be bounded.
    """
    table = require(bounds).table
    if not table["group"].astype(str).eq(UNKNOWN).any():
        return [
            "This study records no child of unknown ethnicity, so it cannot be said what they could change."
        ]
    clear = found(table)
    if clear.empty:
        return [
            "No finding here is clear among those whose ethnicity is known, or too few are unknown to be shown, so "
            "there is none that the unknown could take away."
        ]
    rows = clear.to_dict("records")
    fall = [r for r in rows if not (r["lowest"] > 1 if voice(r) == ABOVE else r["highest"] < 1)]
    kept = len(rows) - len(fall)
    most = clear.loc[clear["unknown_events"].idxmax()]
    lead = (
        f"Of the {len(rows)} relative rates that are clearly off parity, {_number(kept, len(rows))} would stay on the "
        "same side of it however those of unknown ethnicity were shared out among the groups."
        if len(rows) > 1
        else f"The one relative rate that is clearly off parity would {'' if kept else 'not '}stay on the same side of "
        "it however those of unknown ethnicity were shared out among the groups."
    )
    many = (
        f"They are most at {wording.lower(words.stage(most['stage']))}: {wording.count(most['unknown_events'])} "
        f"{words.one(most['unit'], most['unknown_events'])} ({words.when(most)})."
    )
    return [f"{lead} {many}", *(_falls(row, words) for row in fall)]


def _number(n: int, of: int) -> str:
    return "none" if n == 0 else f"all {n}" if n == of else str(n)


def _falls(row: dict, words: Words) -> str:
    """Say of one finding that the unknown could take it away."""
    who, other = (words.people(row[c], row["unit"]) for c in ("group", "reference"))
    ends = f"between {row['lowest']:.2f} and {row['highest']:.2f}"
    if np.isinf(row["highest"]):
        ends = f"{row['lowest']:.2f} or above"
    return (
        f"{who[:1].upper()}{who[1:]} at {wording.lower(words.stage(row['stage']))}: with "
        f"{wording.count(row['unknown_events'])} of unknown ethnicity, the relative rate compared with {other} could "
        f"be anywhere {ends}, so it cannot be said which side of parity it is on ({words.when(row)})."
    )
