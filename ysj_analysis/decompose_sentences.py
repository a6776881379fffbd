"""How do we say where a gap opens, and what it is made of? Each finding in one of four voices.

Clearly above, clearly below, cannot be told apart, too few to say: as in ``sentences``, with counts, interval
and period. A part says at which decision a gap opens; it does not say why, and what is left when mixes
are set alike is a difference in rates for like cases, no more.
"""

from __future__ import annotations

import numpy as np

from . import wording
from .decompose import CONVENTIONS
from .disclosure import Released
from .pathways import FURTHEST_WAY, NOT_DECIDED
from .sentence_parts import (
    ABOVE,
    APART,
    BELOW,
    TOO_FEW,
    counts,
    each,
    interval_of,
    people,
    percent_of,
    said_rows,
    sentence,
    set_beside_parity,
    times,
    voice,
    voice_of,
)
from .wording import Words


@wording.said
def cumulative(found: Released, words: Words) -> list[str]:
    """Say, for each group, how large the gap has grown by the end of the path.

    Parameters
    ----------
    found : Released
        From ``decompose.cumulative``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each group.
    """
    return [_cumulative(row, words) for row in said_rows(found)]


@wording.said
def parts(steps: Released, words: Words) -> list[str]:
    """Say, for each group and decision, how much of the whole gap opens there.

    Parameters
    ----------
    steps : Released
        From ``decompose.cascade``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each row; where the whole cannot be told apart from parity, one for the group.
    """
    rows, said = said_rows(steps), []
    for place, row in enumerate(rows):
        later = rows[place + 1 :]
        same = [r for r in later if all(r.get(c) == row.get(c) for c in ("area", "group"))]
        whole = same[-1] if same else row
        if row["path_note"] == "":
            said.append(_part(row, whole, words))
        elif row["step"] == min(r["step"] for r in rows if r["group"] == row["group"]):
            said.append(_no_parts(row, whole, words))
    return said


@wording.said
def counterfactual(found: Released, words: Words) -> list[str]:
    """Say, for each group and decision, how many fewer children would reach the end, were it at parity.

    Parameters
    ----------
    found : Released
        From ``decompose.counterfactual``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each row, in whole children; one for all groups of which nothing can be said.
    """
    rows = said_rows(found)
    few = {r["group"] for r in rows} - {r["group"] for r in rows if not np.isnan(r["low"])}
    whose = {words.people(r["group"], r["unit"]): r for r in rows if r["group"] in few}
    said = [_at_parity(row, words) for row in rows if row["group"] not in few]
    if whose:
        row = next(iter(whose.values()))
        lead = f"too few {' or '.join(whose)} {words.did(row['end'])}"
        said.append(sentence(f"{lead} to say what parity at any decision would change ({words.when(row)})"))
    return said


@wording.said
def pathways(ratios: Released, words: Words) -> list[str]:
    """Say, for each group and way out of a decision, whether it is taken more or less often.

    Parameters
    ----------
    ratios : Released
        Relative rates of ``pipeline.pathways``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each row.
    """
    rows = said_rows(ratios)
    late = [r for r in rows if "immature" in str(r["note"])]
    return [*each([r for r in rows if r not in late], words, _way), *_undecided(late, words)]


@wording.said
def composition(found: Released, words: Words, *, mix: str = "mix of cases") -> list[str]:
    """Say, for each group, how much of its gap goes with another mix of cases, and how much does not.

    Parameters
    ----------
    found : Released
        From ``decompose.kitagawa`` or ``decompose.oaxaca_blinder``.
    words : Words
        The study's words.
    mix : str
        What the categories are: ``mix of offences``.

    Returns
    -------
    list of str
        A sentence for each part of each gap.
    """
    rows = [r for r in said_rows(found) if "_part" in r["measure"]]
    return [_composed(row, words, mix) for row in rows]


# -- inside ------------------------------------------------------------------------------------------


def _cumulative(row: dict, words: Words) -> str:
    who, other = people(row, words)
    did = words.did(row["stage"])
    if voice(row) == TOO_FEW:
        return sentence(
            f"too few {who} or {other} can be followed to where they {did} to compare ({words.when(row)})"
        )
    steps = f"{int(row['step'])} decisions multiplied" if row["step"] > 1 else "one decision"
    tail = f"({interval_of(row, 'rate_ratio')}; {steps}; {counts(row, words)}; {words.when(row)})"
    return set_beside_parity(
        row,
        tail,
        apart=f"the rate at which {who} {did} cannot be told apart from that of {other}: {times(row)}",
        clear=f"{who} {did} at {times(row)} the rate of {other}",
    )


def _whole(row: dict, words: Words) -> str:
    """Name the gap that parts are of."""
    who, other = people(row, words)
    reached = wording.interval(row["reached_low"], row["reached_high"], "rate_ratio")
    return (
        f"the gap between {who} and {other} by {words.stage(row['stage']).lower()} (relative rate "
        f"{row['reached']:.2f}, 95% interval {reached})"
    )


def _part(row: dict, whole: dict, words: Words) -> str:
    gap, stage = _whole(whole, words), words.stage(row["stage"]).lower()
    share, span = _percent(row["part"]), f"{_percent(row['part_low'])} to {_percent(row['part_high'])}"
    tail = f"95% interval {span}; {counts(row, words)}; {words.when(row)}"
    spoken = voice_of(row["part_low"], row["part_high"])
    if spoken == ABOVE:
        return sentence(f"of {gap}, {share} opens at {stage} ({tail})")
    if spoken == BELOW:
        return sentence(f"{stage} narrows {gap}: its part is {share} ({tail})")
    return sentence(
        f"whether {stage} widens or narrows {gap} cannot be told apart: its part is {share} ({tail})"
    )


def _no_parts(row: dict, whole: dict, words: Words) -> str:
    who, other = people(row, words)
    if row["path_note"] == "no_limits":
        return sentence(f"too few {who} or {other} to say at which decision a gap opens ({words.when(row)})")
    return (
        f"{sentence(f'{_whole(whole, words)} cannot be told apart from parity, so no decision has a part in it')} "
        f"{wording.NO_EVIDENCE}"
    )


def _at_parity(row: dict, words: Words) -> str:
    who, other = people(row, words)
    stage, end = words.stage(row["stage"]).lower(), words.did(row["end"])
    if row["method"] == CONVENTIONS["so-far"]:
        stage += " and every decision before it"
    spoken = voice_of(row["low"], row["high"])
    when = words.when(row)
    if spoken == TOO_FEW:
        return sentence(f"too few {who} {end} to say what {stage} at parity would change ({when})")
    number = abs(round(row["estimate"]))
    few, many = sorted(abs(round(row[c])) for c in ("low", "high"))
    ended = f"{wording.count(row['end_events'])} {end}; {when}"
    if spoken == APART:
        span = f"{_whole_number(row['high'])} fewer to {_whole_number(-row['low'])} more"
        text = f"if {stage} were at the rate of {other}, whether fewer or more {who} would be among those who {end}"
        return (
            f"{sentence(f'{text} cannot be told apart (95% interval {span}; {ended})')} {wording.NO_EVIDENCE}"
        )
    side = "fewer" if spoken == ABOVE else "more"
    return sentence(
        f"if {stage} were at the rate of {other} and all else as it is, about {number} {side} {who} would be among "
        f"those who {end} (95% interval {few} to {many}; {ended})"
    )


def _whole_number(value: float) -> str:
    return wording.signed(f"{max(value, 0):,.0f}")


def _way(row: dict, words: Words) -> tuple[str, str, str]:
    who, other = people(row, words)
    nothing = row["stage"] == NOT_DECIDED
    did = "had no decision recorded" if nothing else words.did(row["stage"])
    after = f"who {words.did(str(row['base']).removesuffix(FURTHEST_WAY))}"
    return f"of {who} {after}, {percent_of(row)}{did}", f"the share among {other}", f"{after} {did}"


def _undecided(rows: list[dict], words: Words) -> list[str]:
    """Say once for each group that its ways out are not shown yet."""
    whose = {words.people(r["group"], r["unit"]): words.when(r) for r in rows}
    return [
        sentence(f"how {who} left is not shown: too much is still undecided ({when})")
        for who, when in whose.items()
    ]


def _composed(row: dict, words: Words, mix: str) -> str:
    who, other = people(row, words)
    stage, when = words.stage(row["stage"]).lower(), words.when(row)
    spoken = voice_of(row["low"], row["high"])
    if spoken == TOO_FEW:
        return sentence(
            f"too few {who} or {other} to say how much of a gap at {stage} goes with the {mix} ({when})"
        )
    per = "_per_" in row["measure"]
    scale, unit = (1, f" per {row['measure'].rpartition('_')[2]}") if per else (100, " percentage points")
    number, low, high = (wording.signed(f"{scale * row[c]:.1f}") for c in ("estimate", "low", "high"))
    tail = f"({number}{unit}, 95% interval {low} to {high}; {counts(row, words)}; {when})"
    if "composition" in row["measure"]:
        named = row.get("factor", "all")
        what = f"the {mix if named == 'all' else 'mix of ' + str(named).replace('_', ' ')} of {who}"
        if spoken == APART:
            unsure = f"whether {what} goes with a higher or lower rate at {stage} than that of {other}"
            text = f"{unsure} cannot be told apart"
            return f"{sentence(f'{text} {tail}')} {wording.NO_EVIDENCE}"
        side = "higher" if spoken == ABOVE else "lower"
        return sentence(f"{what} goes with a {side} rate at {stage} than that of {other} {tail}")
    lead = f"with the {mix} set alike, the rate of {who} at {stage}"
    if spoken == APART:
        return f"{sentence(f'{lead} cannot be told apart from that of {other} {tail}')} {wording.NO_EVIDENCE}"
    side = "above" if spoken == ABOVE else "below"
    return sentence(f"{lead} is clearly {side} that of {other} {tail}")


def _percent(value: float) -> str:
    return wording.signed(f"{100 * value:.0f}") + "%"
