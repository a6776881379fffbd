"""How do we say whether a gap differs, between two periods or between girls and boys? By two intervals.

A difference is called clear only where the two intervals do not meet, which is stricter than a test of the change
(it is wrong in fewer than 1 of 100 where a test is in 5; Schenker and Gentleman 2001). Of all others it is said that
they cannot be told apart, which is not evidence that they are the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from . import wording
from .disclosure import Released, require
from .load import Study
from .pipeline import conditional, for_report, stage_counts
from .reading import NotHeld
from .references import comparisons
from .sentence_parts import TOO_FEW, voice, without_population
from .vocabulary import chain
from .wording import Words


def two_periods(
    study: Study, *, area: str, year: int, years: int, stages: tuple[str, ...], unit: str | None = None
):
    """Count the latest period and the one before it, of the same length, at some stages.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    area, year, unit
        As for ``pipeline.for_report``.
    years : int
        Years in each period; fewer if the study has not twice as many.
    stages : tuple of str
        Which stages, each on the base that feeds it.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``, the earlier period first.

    Raises
    ------
    NotHeld
        If the study has fewer than two years.
    """
    held = year - study.years[0] + 1
    if held < 2:
        raise NotHeld(
            "This study holds one year only. With two or more, it could be said whether a gap has moved."
        )
    long = min(years, held // 2)
    parts = [for_report(study, area=area, year=end, years=long, unit=unit) for end in (year - long, year)]
    table = conditional(pd.concat(parts, ignore_index=True), study.stages)
    return table[table["stage"].isin(stages)].reset_index(drop=True)


def course(
    study: Study, *, area: str, year: int, years: int, stage: str, unit: str | None = None
) -> pd.DataFrame:
    """Count one stage year by year, and in windows that pool several, up to the year of a report.

    Parameters
    ----------
    study, area, year, unit
        As for :func:`two_periods`.
    years : int
        Years in each window; fewer if the study has fewer up to ``year``.
    stage : str
        The stage, on the base that feeds it.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``: single years first (``years`` is 1), then the windows.

    Raises
    ------
    NotHeld
        If the study has fewer than two years up to ``year``.
    """
    held = year - study.years[0] + 1
    if held < 2:
        raise NotHeld("This study holds one year only, so no course over the years can be drawn.")
    windows = dict.fromkeys((1, min(years, held)))
    table = pd.concat([stage_counts(study, window=w, unit=unit) for w in windows], ignore_index=True)
    table = conditional(table, study.stages)
    kept = table["stage"].eq(stage) & table["area"].eq(area) & table["year"].le(year)
    return table[kept].reset_index(drop=True)


def single(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the single years of a course.

    Examples
    --------
    >>> single(pd.DataFrame({"years": [1, 1, 5]}))["years"].to_list()
    [1, 1]
    """
    return table[table["years"].eq(1)].reset_index(drop=True)


def pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the longest windows of a course.

    Examples
    --------
    >>> pooled(pd.DataFrame({"years": [1, 1, 5]}))["years"].to_list()
    [5]
    """
    return table[table["years"].eq(table["years"].max())].reset_index(drop=True)


def watched(study: Study, caseload: str) -> tuple[str, ...]:
    """Choose the stages whose movement is watched: the first contact of the caseload, and the caseload.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    caseload : str
        From ``pipeline.caseload``.

    Returns
    -------
    tuple of str
        One or two ids.
    """
    table = study.counts if study.events is None else study.events
    first = next((s for s in study.stages if (table["stage"] == s).any()), caseload)
    return tuple(dict.fromkeys((chain(first, study.stages)[0], caseload)))


@wording.said
def moved(ratios: Released, words: Words) -> list[str]:
    """Say for each group and stage whether the relative rate of the later period differs from the earlier.

    Parameters
    ----------
    ratios : Released
        Relative rates of :func:`two_periods`.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each comparison that both periods can show; one sentence where there is none.
    """
    pairs = _pairs(require(ratios).table, "year")
    if not pairs:
        short = _short(ratios, "there are too few children in one of the two periods")
        return [f"{short} to say whether any gap has moved."]
    clear = [pair for pair in pairs if _apart(*pair)]
    before, after = pairs[0]
    told = _how_many(clear, pairs, "has", "have", "has not")
    lead = f"Comparing {words.when(before)} with {words.when(after)}, {told} clearly moved."
    return [_with_rest(lead, clear, pairs, "moved"), *(_change(a, b, words) for a, b in clear)]


@wording.said
def differs(ratios: Released, words: Words, *, part: str, labels: Mapping[str, str]) -> list[str]:
    """Say for each group whether its relative rate differs between two parts of the children.

    Parameters
    ----------
    ratios : Released
        Relative rates with a column for the part.
    words : Words
        The study's words.
    part : str
        The column: ``sex``.
    labels : mapping of str to str
        Its two values and what to call them.

    Returns
    -------
    list of str
        One sentence on all groups, and one for each that differs clearly.
    """
    pairs = _pairs(require(ratios).table, part)
    both = wording.join(list(labels.values()))
    if not pairs:
        return [f"{_short(ratios, f'there are too few {both}')} to say whether any gap differs between them."]
    clear = [pair for pair in pairs if _apart(*pair)]
    lead = f"Between {both}, {_how_many(clear, pairs, 'differs', 'differ', 'does not differ')} clearly."
    said = [_with_rest(lead, clear, pairs, "differ")]
    for one, other in clear:
        who, against = words.people(one["group"], one["unit"]), words.people(one["reference"], one["unit"])
        said.append(
            f"{who[:1].upper()}{who[1:]} at {wording.lower(words.stage(one['stage']))}, compared with {against}: "
            f"relative rate {_value(one)} among {labels[one[part]]}, and {_value(other)} among {labels[other[part]]} "
            f"({words.when(one)})."
        )
    return said


def _short(ratios: Released, few: str) -> str:
    """Say what it is that there is too little of."""
    rows = comparisons(require(ratios).table).to_dict("records")
    nobody = any(map(without_population, rows))
    said = "there is no population known" if nobody else few
    return said[:1].upper() + said[1:]


def _pairs(table: pd.DataFrame, by: str) -> list[tuple[dict, dict]]:
    """Pair the comparisons that both parts can show."""
    table = comparisons(table)
    keys = [table["stage"].astype(str), table["group"].astype(str)]
    found = [rows.sort_values(by).to_dict("records") for _, rows in table.groupby(keys, sort=False)]
    return [(p[0], p[1]) for p in found if len(p) == 2 and all(voice(r) != TOO_FEW for r in p)]


def _apart(one: dict, other: dict) -> bool:
    return other["low"] > one["high"] or other["high"] < one["low"]


def _how_many(clear: list, pairs: list, one: str, several: str, not_one: str) -> str:
    """Say how many of the relative rates do something; of a single one, whether it does."""
    rates = "relative rates that can be compared"
    if len(pairs) == 1:
        return f"the one {rates.replace('rates', 'rate')} {one if clear else not_one}"
    return f"{_number(len(clear))} of the {len(pairs)} {rates} {several if len(clear) > 1 else one}"


_SAID_OF = {
    ("moved", False): ("it has moved", "it has not"),
    ("moved", True): ("they have moved", "they have not"),
    ("differ", False): ("it differs", "it does not"),
    ("differ", True): ("they differ", "they do not"),
}
"""What cannot be said of one and of several ratios whose intervals overlap."""


def _with_rest(lead: str, clear: list, pairs: list, verb: str) -> str:
    """Say of the comparisons whose intervals meet what can and cannot be said."""
    if len(clear) == len(pairs):
        return lead
    left = len(pairs) - len(clear)
    which = "Of the other" + "s" * (left > 1) + ", the" if clear else "For each, the" if left > 1 else "The"
    has, not_ = _SAID_OF[verb, left > 1]
    return f"{lead} {which} two intervals overlap, so it cannot be said that {has}, nor that {not_}."


def _number(n: int) -> str:
    return {0: "none", 1: "one"}.get(n, str(n))


def _change(before: dict, after: dict, words: Words) -> str:
    who, other = (words.people(after[c], after["unit"]) for c in ("group", "reference"))
    risen = after["low"] > before["high"]
    return (
        f"{who[:1].upper()}{who[1:]} at {wording.lower(words.stage(after['stage']))}, compared with {other}: the "
        f"relative rate has {'risen' if risen else 'fallen'}, from {_value(before)} in {words.when(before)} to "
        f"{_value(after)} in {words.when(after)}."
    )


def _value(row: dict) -> str:
    ratio = "above any number" if row["estimate"] == float("inf") else f"{row['estimate']:.2f}"
    return (
        f"{ratio} ({wording.interval(row['low'], row['high'], row['measure'])}; "
        f"{wording.count(row['events'])} of {wording.count(row['denominator'])}, against "
        f"{wording.count(row['reference_events'])} of {wording.count(row['reference_denominator'])})"
    )
