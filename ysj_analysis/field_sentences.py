"""How do we say a field measure? Four voices each, from released rows.

Shares and rates of the field measures are said by ``sentences.findings`` with the words of ``field.words``; here is
what is no ratio of two shares: like compared with like, a change of base, a borough beside others.
``follow_up_sentences`` says times, lengths and frequencies. Each says its counts, its interval and its period; none
says why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import wording
from .absent import Absent
from .cross_borough import ABOVE as OVER
from .cross_borough import BELOW as UNDER
from .cross_borough import WITHIN
from .disclosure import Released, require
from .sentence_parts import (
    APART,
    TOO_FEW,
    counts,
    interval_of,
    people,
    said_rows,
    sentence,
    set_beside_parity,
    voice,
    without_population,
)
from .sentences import told
from .vocabulary import POPULATION, UNKNOWN, period_label
from .wording import Said, Words

CAVEATS = {
    "remand": "The court remands by the offence charged, the record and what else it is told. A difference "
    "at like gravity is not one at like risk, and the gravity of a charge is itself decided before the court.",
    "without_custody": "A child remanded to youth detention and then not sentenced to custody may have been "
    "acquitted, have had the case dropped, or been given another sentence; time already served may count towards it.",
    "proposals": "A pre-sentence report is written in the knowledge of the case and of the court. That a "
    "sentence follows its proposal says nothing of how the proposal came about.",
    "out_of_court": "An out-of-court disposal needs an admission. Where children of a group admit less often, they are "
    "charged more often for an offence of like gravity.",
    "entrants": "The service's own count is by its financial year and by the service that worked with the "
    "child; the Youth Justice Board's is of years ending in December, by the child's home, from police "
    "records. The two need not agree.",
    "timeliness": "Each child counts once, by their first offence of the period. An offence that nobody has "
    "recorded yet is in no table, so the latest ones can look too quick.",
    "reoffending": "A child is followed for twelve months, and six more for the outcomes of courts; a "
    "younger cohort is not shown. What is counted is what was proven: where a group is watched more, more of "
    "what its children do is found.",
    "support": "A need that nobody looked for is not identified, so a low share of a group may be a low need "
    "or an unseen one.",
    "searches": "The outcome test compares average hit rates. A lower one can mean that a group is searched on weaker "
    "grounds; but averages also differ, and can even point the other way, where the grounds are the same and "
    "the chances within the groups are not (infra-marginality). It tells nothing of the search that was "
    "nearest to not being made.",
    "complaints": "A complaint is counted in the month in which it was made, whenever the search was. Many who are "
    "searched never complain, so a low number does not show that few had anything to complain of.",
    "cross_borough": "Areas stand in alphabetical order. They differ in size, in what is policed and in what "
    "is recorded, so a borough outside the limits is one to ask about, and one within them is not shown to "
    "be like the others.",
}
"""What each measure cannot show, in words for a board."""


def caveat(about: str, measured: Released | Absent | None = None) -> Said:
    """Say what a field measure cannot show.

    Parameters
    ----------
    about : str
        A key of ``CAVEATS``.
    measured : Released or Absent, optional
        What it is said of; nothing is said of what is absent, nor where no count of it is shown.

    Returns
    -------
    Said
        A sentence or two.

    Examples
    --------
    >>> caveat("proposals")[:38]
    'A pre-sentence report is written in th'
    """
    silent = isinstance(measured, Absent) or (measured is not None and not _shown(measured))
    return Said("" if silent else CAVEATS[about])


def _shown(measured: Released) -> bool:
    """Say whether of any group both counts are shown."""
    table = require(measured).table
    known = ~table["group"].astype(str).eq(UNKNOWN)
    return bool((known & table["events"].notna() & table["denominator"].notna()).any())


@wording.said
def comparisons(ratios: Released, words: Words) -> list[str]:
    """Say the relative rates of a field measure: what can be compared, and together what cannot.

    Parameters
    ----------
    ratios : Released
        Relative rates of counts from ``field.released``.
    words : Words
        From ``field.words``.

    Returns
    -------
    list of str
        As ``sentences.findings``; then, in a sentence for each set of groups, the stages at which they are too few
        to be compared. What cannot be told apart and has fewer expected than an interval can rest on (``unreliable``)
        is too few. Of remands of which no type is recorded nothing is said.
    """
    return _comparisons(said_rows(ratios), words)


def together(several: Sequence[Released | Absent], words: Words) -> list[str]:
    """Say several field measures as one: their findings, then in as few sentences as can be what is too few.

    Parameters
    ----------
    several : sequence of Released or Absent
        As for :func:`comparisons`.
    words : Words
        From ``field.words``.

    Returns
    -------
    list of str
        As :func:`comparisons`; and for each that is absent the line that says why.

    Examples
    --------
    >>> together([Absent("This study holds no remands.")], Words())
    ['This study holds no remands.']
    """
    rows = [row for one in several if isinstance(one, Released) for row in said_rows(one)]
    return [
        *_comparisons(rows, words),
        *(line for one in several if isinstance(one, Absent) for line in _why(one)),
    ]


@wording.said
def matched(released: Released, words: Words, *, alike: str = "in gravity") -> list[str]:
    """Say how each group compares with children alike in what was matched.

    Parameters
    ----------
    released : Released
        From ``matched.matched``, or ``models.stratified`` released for a restricted edition.
    words : Words
        From ``field.words``.
    alike : str
        In what the children are alike: ``in gravity``, ``in area``.

    Returns
    -------
    list of str
        A sentence or two for each group.
    """
    rows = said_rows(released)
    few = [r for r in rows if np.isnan(r["low"]) and "immature" not in str(r["note"])]
    said = _each_matched([row for row in rows if row not in few], words, alike)
    if len(few) > 1:
        everyone = {r["group"] for r in rows}
        who = _named([r["group"] for r in few], everyone, words, few[0]["unit"])
        other, did = (
            words.people(few[0]["reference"], few[0]["unit"]),
            words.reached(few[0]["stage"], few[0]["unit"]),
        )
        return [
            *said,
            sentence(f"too few {did} to compare {who} with {other} alike {alike} ({words.when(few[0])})"),
        ]
    return [*said, *(_matched(row, words, alike) for row in few)]


@wording.said
def rebased(released: Released, words: Words) -> list[str]:
    """Say what a change in the rate of first-time entrants is made of.

    Parameters
    ----------
    released : Released
        From ``field.rebased``.
    words : Words
        From ``field.words``.

    Returns
    -------
    list of str
        A sentence or two for all children, then for each group.
    """
    rows = require(released).table.to_dict("records")
    return [_rebased(row, words) for row in sorted(rows, key=lambda r: r["group"] != "all")]


@wording.said
def places(released: Released, words: Words, *, area: str = "") -> list[str]:
    """Say where areas stand beside all areas together.

    Parameters
    ----------
    released : Released
        From ``cross_borough.against_all`` or ``cross_borough.against_shared``.
    words : Words
        From ``field.words``.
    area : str
        One area; empty for all, in alphabetical order.

    Returns
    -------
    list of str
        A sentence for each area and group.
    """
    rows = [r for r in said_rows(released) if not area or str(r["area"]) == area]
    return [_placed(row, words) for row in rows]


@wording.said
def stand_out(released: Released, words: Words, *, area: str = "") -> list[str]:
    """Say which areas stand apart from all of them together, and of the others in one sentence that they do not.

    Parameters
    ----------
    released, words, area
        As for :func:`places`.

    Returns
    -------
    list of str
        A sentence for each that is clearly above or below, then one for the rest, then one for those not shown.
    """
    rows = [r for r in said_rows(released) if not area or str(r["area"]) == area]
    apart = [r for r in rows if r["place"] in (OVER, UNDER)]
    within = sum(r["place"] == WITHIN for r in rows)
    few = len(rows) - len(apart) - within
    said = [_placed(row, words) for row in apart]
    if within:
        others = "other " if apart else ""
        shared = any("target_low" in r for r in rows)
        noun = f"{'relative ' if shared else ''}rate{'s' if within > 1 else ''}"
        those = ("those" if within > 1 else "the one") + " the areas share"
        theirs = those if shared else f"{'those' if within > 1 else 'that'} of all the areas together"
        said.append(
            f"Of {within} {others}{noun} that can be set beside {theirs}, none can be told apart. {wording.NO_EVIDENCE}"
            if within > 1
            else f"1 {others}{noun} cannot be told apart from {theirs}. {wording.NO_EVIDENCE}"
        )
    without = sum(without_population(r) for r in rows)
    if without:
        said.append(
            f"For {without} {'more ' if said else ''}no population is known, so there is no rate to compare."
        )
    if few > without:
        said.append(f"For {few - without} more there are too few children to say.")
    return said


# -- inside ------------------------------------------------------------------------------------------


@wording.said
def _why(none: Absent) -> str:
    """Say why something is absent, as every function does that says something."""
    return none.why


@wording.said
def _comparisons(rows: list[dict], words: Words) -> list[str]:
    """Say rows: what can be compared, and together what cannot."""
    rows = [r for r in rows if not str(r["stage"]).endswith("_not_recorded")]
    few = [r for r in rows if _few(r)]
    return [*told([r for r in rows if not _few(r)], words), *_too_few(few, rows, words)]


def _few(row: dict) -> bool:
    """Say whether a comparison has too few to be said by itself."""
    if "immature" in str(row["note"]):
        return False
    return voice(row) == TOO_FEW or (voice(row) == APART and "unreliable" in str(row["note"]))


def _named(groups: Sequence[str], everyone: set[str], words: Words, unit: str) -> str:
    """Name groups of children, or say that it is every one of them."""
    if len(groups) > 1 and set(groups) == everyone:
        return "any group"
    return wording.join([words.people(g, unit) for g in groups])


def _too_few(few: list[dict], rows: list[dict], words: Words) -> list[str]:
    """Say together what has too few: a sentence for each set of groups and period; and what has no population."""
    everyone = {r["group"] for r in rows}
    at: dict[tuple, list[str]] = {}
    nobody: dict[str, list[str]] = {}
    for row in few:
        stage, when = str(row["stage"]), words.when(row)
        if without_population(row):
            nobody.setdefault(when, []).append(wording.lower(words.stage(stage)))
        else:
            at.setdefault((stage, when, row["unit"], row["reference"]), []).append(row["group"])
    together: dict[tuple, list[str]] = {}
    for (stage, *rest), groups in at.items():
        together.setdefault((*rest, tuple(groups)), []).append(wording.lower(words.stage(stage)))
    return [
        f"Too few to compare {_named(groups, everyone, words, unit)} with {words.people(other, unit)} "
        f"({when}): {'; '.join(stages)}."
        for (when, unit, other, groups), stages in together.items()
    ] + [
        f"No population is known to compare by ({when}): {'; '.join(dict.fromkeys(stages))}."
        for when, stages in nobody.items()
    ]


_SHARED = (
    "stage",
    "base",
    "year",
    "years",
    "unit",
    "reference",
    "reference_events",
    "reference_denominator",
    "note",
)
"""What rows have in common that are said in one sentence."""


def _each_matched(rows: list[dict], words: Words, alike: str) -> list[str]:
    """Say rows one by one, but those that cannot be told apart together."""
    apart: dict[tuple, list[dict]] = {}
    for row in rows:
        if voice(row) == APART and np.isfinite(row["estimate"]) and 0 < row["low"] <= row["high"] < np.inf:
            apart.setdefault(tuple(str(row.get(c, "")) for c in _SHARED), []).append(row)
    together = {id(mine[-1]): mine for mine in apart.values() if len(mine) > 1}
    sooner = {id(row) for mine in together.values() for row in mine[:-1]}
    return [
        _matched_together(together[id(row)], words, alike)
        if id(row) in together
        else _matched(row, words, alike)
        for row in rows
        if id(row) not in sooner
    ]


def _matched_together(rows: list[dict], words: Words, alike: str) -> str:
    """Say of several groups that like cases of theirs cannot be told apart from those of the reference."""
    row, unit = rows[0], rows[0]["unit"]
    did, that = words.reached(row["stage"], unit), "who" if unit == "children" else "that"
    rate, of = ("rates", "in") if row["base"] == POPULATION else ("proportions", "of")
    who = wording.join([words.people(one["group"], unit) for one in rows])
    other = words.people(row["reference"], unit)
    each = [
        f"{words.people(one['group'], unit)} {wording.count(one['events'])} {of} {wording.count(one['denominator'])}, "
        f"{one['estimate']:.2f} times ({interval_of(one)})"
        for one in rows
    ]
    theirs = (
        f"{other} {wording.count(row['reference_events'])} {of} {wording.count(row['reference_denominator'])}"
    )
    text = (
        f"among {unit} alike {alike}, the {rate} of {who} {that} {did} cannot be told apart from that of {other} "
        f"({words.when(row)}): {'; '.join([*each, theirs])}"
    )
    return f"{sentence(text)} {wording.NO_EVIDENCE}{_left(row)}"


def _left(row: dict) -> str:
    """Say that bands were left out, where they were."""
    dropped = "strata_dropped" in str(row["note"])
    return " Some bands have too few to compare and are left out." if dropped else ""


def _matched(row: dict, words: Words, alike: str) -> str:
    who, other = people(row, words)
    did, when, spoken = words.reached(row["stage"], row["unit"]), words.when(row), voice(row)
    if "immature" in str(row["note"]):
        return sentence(
            f"{words.stage(row['stage'])} is not shown for {who}: too much is still undecided ({when})"
        )
    unbounded = row["low"] == 0 and np.isinf(row["high"])
    if spoken == TOO_FEW or np.isnan(row["estimate"]) or unbounded:
        return sentence(f"too few {who} or {other} alike {alike} {did} to compare ({when})")
    rate = "rate" if row["base"] == POPULATION else "proportion"
    that = "who" if row["unit"] == "children" else "that"
    times = f"{row['estimate']:.2f}" if np.isfinite(row["estimate"]) else f"at least {row['low']:.2f}"
    tail = f"({interval_of(row)}; {counts(row, words)}; {when})"
    among = f"among {row['unit']} alike {alike},"
    return set_beside_parity(
        row,
        tail,
        apart=f"{among} the {rate} of {who} {that} {did} cannot be told apart from that of {other}: {times} times",
        clear=f"{among} {who} {did} at {times} times the {rate} of {other}",
    ) + _left(row)


def _rebased(row: dict, words: Words) -> str:
    who = "all children" if row["group"] == "all" else words.people(row["group"], row["unit"])
    first, last = (period_label(int(row[c]), 1, words.period) for c in ("earlier_year", "year"))
    if np.isnan(row["change"]):
        return sentence(
            f"too few {who.removeprefix('all ')} became first-time entrants to say how their rate changed "
            f"from {first} to {last}"
        )
    parts = [_change(row[c]) for c in ("by_count", "by_rebasing", "by_population")]
    lead = (
        f"from {first} to {last} the rate of first-time entrants among {who} went from {row['earlier_rate']:.0f} to "
        f"{row['rate']:.0f} per {int(row['per']):,} ({wording.count(row['earlier_events'])} and "
        f"{wording.count(row['events'])} children): {parts[0]} by the number of entrants, {parts[1]} because "
        f"the population was estimated anew, {parts[2]} because it changed"
    )
    if np.isnan(row["estimate"]) or np.isnan(row["low"]) or np.isnan(row["high"]):
        return f"{sentence(lead)} On one estimate there are too few to say whether the rate changed."
    tail = f"({row['estimate']:.2f} times, 95% interval {wording.interval(row['low'], row['high'], 'rate_ratio')})"
    if row["low"] <= 1 <= row["high"]:
        same = f"On one estimate the two years cannot be told apart {tail}."
        return f"{sentence(lead)} {same} {wording.NO_EVIDENCE}"
    side = "above" if row["low"] > 1 else "below"
    return f"{sentence(lead)} On one estimate the rate of {last} is clearly {side} that of {first} {tail}."


def _change(value: float) -> str:
    """Write a change with its sign; what rounds to nothing without one."""
    return wording.signed(f"{value:+.0f}") if round(value) else "0"


def _placed(row: dict, words: Words) -> str:
    area, who, when = wording.clean(row["area"]), words.people(row["group"], row["unit"]), words.when(row)
    did = words.reached(row["stage"], row["unit"])
    ratio = "target_low" in row
    what = f"the relative rate at which {who} {did}" if ratio else f"the rate at which {who} {did}"
    if row["place"] not in (OVER, UNDER, WITHIN):
        return sentence(f"in {area}, too few {who} {did} to set beside other areas ({when})")
    value, target = (wording.number(row[c], row["measure"]) for c in ("estimate", "target"))
    interval = wording.interval(row["low"], row["high"], row["measure"])
    per = f" per {int(row['measure'].rpartition('_')[2]):,}" if "_per_" in row["measure"] else ""
    of, years = ("in", " child-years") if row["base"] == POPULATION else ("of", "")
    n = f"{wording.count(row['events'])} {of} {wording.count(row['denominator'])}{years}"
    tail = f"({value}{per}, 95% interval {interval}, against {target}; {n}; {when})"
    theirs = "the one the areas share" if ratio else "that of all the areas together"
    if row["place"] == WITHIN:
        return f"{sentence(f'in {area}, {what} cannot be told apart from {theirs} {tail}')} {wording.NO_EVIDENCE}"
    return sentence(f"in {area}, {what} is clearly {row['place']} {theirs} {tail}")
