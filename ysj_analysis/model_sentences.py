"""How do we say what remains after adjustment? Four voices, from released rows of a model.

A remainder is said as one: what is left when the cases are alike in what was recorded. It is never given a
cause, and where it cannot be told apart from parity, that is not said to be the absence of a disparity.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import wording
from .adjusted_blocks import RAW
from .disclosure import Released, require
from .sentence_parts import ABOVE, APART, TOO_FEW, interval_of, sentence, voice
from .vocabulary import UNKNOWN
from .wording import Words

_FEWEST_IN_STRATUM = 10
"""Of a stratum with fewer children nothing is said."""

_CAVEAT = (
    "What remains holds all that was not recorded, and lacks whatever earlier decisions had shaped: it says nothing "
    "of why."
)


@wording.said
def remainders(fitted: Released, words: Words) -> list[str]:
    """Say, for each group, the raw relative rate and what remains of it block by block.

    Parameters
    ----------
    fitted : Released
        ``Fit.table``, released for a restricted edition or for work: it is fitted on true counts, so the
        public edition has ``models.stratified`` on printed ones instead.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A paragraph for each group, then one on what a remainder is.
    """
    table = require(fitted).table
    ratios = table[table["measure"].str.endswith("_ratio")]
    groups = [
        g
        for g in dict.fromkeys(ratios["group"].astype(str))
        if g not in (UNKNOWN, *ratios["reference"].unique())
    ]
    said = [remainder(ratios[ratios["group"].astype(str).eq(g)], words) for g in groups]
    return [*said, _CAVEAT] if said else []


@wording.said
def crossings(strata: Released, summary: Released, words: Words) -> list[str]:
    """Say how much of the variation between strata their characteristics account for, and which strata stand out.

    Parameters
    ----------
    strata, summary : Released
        ``Intersections.table`` and ``.summary``, released for a restricted edition or for work.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence on the whole, and no more where the strata vary by chance alone; else one for each stratum that is
        clearly above or below the share of all, one on how many cannot be told apart or are too few to say, and one
        on what shrinking does.
    """
    table = require(strata).table
    if table.empty:
        return []
    by = list(table.columns)[list(table.columns).index("group") + 1 : list(table.columns).index("reference")]
    chance, whole = _whole(require(summary).table, table, ["group", *by], words)
    if chance:
        return [f"{whole} {wording.NO_EVIDENCE}"]
    overall = table["events"].sum() / table["denominator"].sum()
    few = table["denominator"] < _FEWEST_IN_STRATUM
    high, low = ~few & (table["low"] > overall), ~few & (table["high"] < overall)
    said = [whole]
    said += [_stratum(r, by, overall, words, "above") for r in table[high].to_dict("records")]
    said += [_stratum(r, by, overall, words, "below") for r in table[low].to_dict("records")]
    apart = int((~few & ~high & ~low).sum())
    if apart:
        said.append(
            f"{apart} of these {len(table)} cannot be told apart from the share of all. {wording.NO_EVIDENCE}"
        )
    if few.any():
        said.append(f"{few.sum()} of these {len(table)} have too few children to say anything of them.")
    return [
        *said,
        "The estimate of a small group is drawn from its own share towards what its characteristics would give "
        "together, the more so the smaller it is; its interval takes the spread of these groups as known. This says "
        "nothing of why.",
    ]


@wording.said
def remainder(rows: pd.DataFrame, words: Words) -> str:
    """Say the blocks of one group.

    Parameters
    ----------
    rows : DataFrame
        The released ratios of one group, a row for each block in order.
    words : Words
        The study's words.

    Returns
    -------
    str
        The raw relative rate, the last block that could be fitted in one of four voices, and its interval.
    """
    raw = rows[rows["block"].eq(RAW)].iloc[0]
    who, other = (words.people(raw[c], raw["unit"]) for c in ("group", "reference"))
    fitted = rows[rows["low"].notna() & rows["high"].notna()]
    if fitted.empty or np.isnan(raw["events"]):
        return sentence(
            f"too few {who} or {other} {words.did(raw['stage'])} to adjust anything ({words.when(raw)})"
        )
    last = fitted.iloc[-1]
    counts = (
        f"These are {wording.count(raw['events'])} of {wording.count(raw['denominator'])}, against "
        f"{wording.count(raw['reference_events'])} of {wording.count(raw['reference_denominator'])}, "
        f"{words.when(raw)}."
    )
    lead = (
        f"{who} {words.did(raw['stage'])} at {_times(raw)} the rate of {other} before adjustment "
        f"({interval_of(raw)})"
    )
    unfit = rows[rows["note"].str.contains("too_few_to_fit")]["block"].tolist()
    tail = [f"There are too few to adjust for {wording.join(unfit)}."] if unfit else []
    if last["block"] == RAW:
        return " ".join([sentence(lead), counts, *tail])
    parts = [sentence(lead), counts, _after(last, rows, other), *_attenuated(fitted)]
    if "mediator" in last["note"]:
        parts.append("This block holds decisions or assessments that may themselves carry the difference.")
    if "sparse" in last["note"]:
        parts.append("The events are few for what is adjusted for, and the estimate is penalised for it.")
    return " ".join([*parts, *tail])


def _after(last, rows: pd.DataFrame, other: str) -> str:
    """Say what remains after the last block, in one of four voices."""
    blocks = [b for b in rows["block"] if b != RAW]
    until = blocks[: blocks.index(last["block"]) + 1]
    adjusted_for = wording.join([wording.clean(b) for b in until])
    spoken = voice(last)
    if spoken == TOO_FEW:
        return sentence(f"too few are left to say what remains after {adjusted_for}")
    if spoken == APART:
        return (
            f"Alike in {adjusted_for}, their rate cannot be told apart from that of {other}: {last['estimate']:.2f} "
            f"times ({interval_of(last)}). {wording.NO_EVIDENCE}"
        )
    side = "above" if spoken == ABOVE else "below"
    return f"Alike in {adjusted_for}, their rate stays {side}: {last['estimate']:.2f} times ({interval_of(last)})."


def _attenuated(fitted: pd.DataFrame) -> list[str]:
    """Say how much of the raw log ratio each block took away, or added; nothing where the raw one is unsure."""
    known = fitted[fitted["attenuation"].notna()] if "attenuation" in fitted else fitted[:0]
    said = [
        f"the block “{wording.clean(row['block'])}” {'takes away' if row['attenuation'] >= 0 else 'adds'} "
        f"{100 * abs(row['attenuation']):.0f}%"
        for row in known.to_dict("records")
    ]
    if not said:
        return []
    return [
        f"Of the difference before adjustment, on the log scale, {wording.join(said)}; in another order the blocks "
        "would share it out otherwise."
    ]


def _whole(summary: pd.DataFrame, table: pd.DataFrame, crossed: list[str], words: Words) -> tuple[bool, str]:
    """Say whether strata differ by chance alone, and how much of what they differ goes with each characteristic."""
    names = wording.join([_CROSSED.get(c, c.replace("_", " ")) for c in crossed])
    part, row = summary["additive_part"].iloc[-1], table.iloc[0]
    lead = (
        f"Divided by {names}, {words.out_of(row['base'], row['unit'])} fall into {len(table)} small groups."
    )
    did = words.reached(row["stage"], row["unit"])
    if np.isnan(part):
        return True, (
            f"{lead} The shares of these that {did} vary no more than chance would make them, so none is singled out."
        )
    share = f"{100 * min(max(part, 0.0), 1.0):.0f}%"
    return False, (
        f"{lead} Of what the shares of these that {did} vary beyond chance, {share} goes with each characteristic by "
        "itself, and the rest with how they come together."
    )


def _stratum(row: dict, by: list[str], overall: float, words: Words, side: str) -> str:
    """Say a stratum that stands out: its own share, and the estimate that is drawn towards its characteristics."""
    which = ", ".join(_trait(c, wording.clean(row[c])) for c in by)
    return sentence(
        f"{words.people(row['group'], row['unit'])} ({which}): {wording.count(row['events'])} of "
        f"{wording.count(row['denominator'])} {words.reached(row['stage'], row['unit'])}, "
        f"{100 * row['events'] / row['denominator']:.0f}%; the estimate, drawn towards their characteristics, is "
        f"{100 * row['estimate']:.0f}%, clearly {side} the share of all, {100 * overall:.0f}% (95% interval "
        f"{100 * row['low']:.0f}% to {100 * row['high']:.0f}%; {words.when(row)})"
    )


_TRAITS = {
    ("sex", "female"): "girls",
    ("sex", "male"): "boys",
    ("looked_after", "yes"): "looked after",
    ("looked_after", "no"): "not looked after",
    ("send", "yes"): "with special educational needs",
    ("send", "no"): "without special educational needs",
}
_CROSSED = {"group": "ethnicity", "looked_after": "being looked after", "send": "special educational needs"}


def _trait(column: str, value: str) -> str:
    """Say one characteristic of a stratum.

    Examples
    --------
    >>> _trait("sex", "male"), _trait("age", "10 to 14"), _trait("looked_after", "no"), _trait("ward", "Mildmay")
    ('boys', 'aged 10 to 14', 'not looked after', 'ward Mildmay')
    """
    plain = f"aged {value}" if column == "age" else f"{column.replace('_', ' ')} {value}"
    return _TRAITS.get((column, value), plain)


def _times(row) -> str:
    return f"{row['estimate']:.2f} times"
