"""What may a court be told of a group? The local figures of one decision, in one paragraph.

Islington's Youth Justice Service sets local figures on disproportionality in every pre-sentence, bail and
breach report (Youth Justice Plan 2023-24, section 6.5). The paragraph speaks of decisions about a group of
children over years. It says nothing of the child before the court, and gives no chance of anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from . import wording
from .disclosure import DisclosureError, Released, require
from .load import DataError, Study
from .pipeline import conditional, latest, stage_counts
from .sentences import finding
from .tables import near, shown
from .vocabulary import UNKNOWN
from .wording import Words

NEVER = (
    *(
        "likel",
        "probab",
        r"\bchances?\b",
        r"\bodds\b",
        "predict",
        "propens",
        r"\brisk",
        r"\btwice\b",
        "more often",
    ),
    *(
        "offender",
        r"\bbame\b",
        "because",
        r"\bcaus",
        r"\bbias",
        "discriminat",
        "racis",
        r"\bfair(ly|ness)?\b",
        "unfair",
        "disadvantag",
    ),
    *(r"\b(he|she|his|her|him|hers)\b", r"this child\b", r"\bshould\b", r"\bought\b", r"\bmust\b"),
)
"""Words the paragraph never uses: of chance, of cause, of one child, or of what a court should do."""

_ABOUT = (
    "This is about decisions on groups of children over several years, not about the child before the court. It "
    "does not describe that child, what the child has done or what the child will do, and it does not say why "
    "the figures differ."
)


def counts(
    study: Study, *, area: str, group: str, stage: str, year: int, years: int = 5, reference: str = ""
) -> pd.DataFrame:
    """Count one decision for one group and its reference, in an area and in all areas of the study together.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    area, group, stage : str
        Whose decisions, of which children, at which stage: it is counted out of the stage that feeds it, or
        out of the population for a first contact.
    year, years : int
        The last year, and how many are pooled; fewer if the study has fewer.
    reference : str
        The group compared with; the study's own if empty.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``: rows of the area, then of all areas together where there are several.

    Raises
    ------
    DataError
        If the study does not have the area, group or stage; if the group is its own reference or the unknown.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> study = load.study("data/synthetic")
    >>> found = counts(study, area="Islington", group="Black", stage="custody", year=2023)
    >>> found["area"].unique().tolist()
    ['Islington', 'Islington, Camden, Hackney and Haringey']
    """
    reference = reference or study.reference
    for name, value, choices in (
        ("area", area, study.areas),
        ("group", group, [g for g in study.groups if g not in (reference, UNKNOWN)]),
        ("reference", reference, [g for g in study.groups if g != UNKNOWN]),
        ("stage", stage, list(study.stages)),
    ):
        if value not in choices:
            raise DataError(
                f"{name} {shown(value)} is not one of the {len(choices)} to choose from: "
                f"{', '.join(map(shown, choices))}.{near(value, choices)} Choose one of them."
            )
    first = study.years[0]
    table = stage_counts(replace(study, years=(first, year)), window=min(years, year - first + 1))
    table = conditional(
        table[table["stage"].eq(stage) & table["group"].isin([group, reference])], study.stages
    )
    if table.empty:
        raise DataError(f"stage {shown(stage)} has no row in this study. Choose a stage it counts.")
    own = latest(table[table["area"].eq(area)], year).astype({"area": str})
    if len(study.areas) == 1:
        return own
    same = table[table["year"].eq(own["year"].iloc[0])]
    summed = same.groupby("group", observed=True)[["events", "denominator"]].agg(
        lambda n: n.sum(skipna=False)
    )
    worst = same.groupby("group", observed=True)["note"].max()
    order = own["group"].astype(str)
    together = own.assign(
        area=wording.join([area, *(a for a in study.areas if a != area)]),
        note=order.map(worst.rename(str)).to_numpy(),
        **{c: order.map(summed[c]).to_numpy() for c in summed},
    )
    return pd.concat([own, together], ignore_index=True)


def nearest(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the comparison of the smallest area in which it can be shown.

    Parameters
    ----------
    table : DataFrame
        Released relative rates of :func:`counts`.

    Returns
    -------
    DataFrame
        One row, or none where there are too few children in all areas together as well.
    """
    compared = table[table["group"].astype(str) != table["reference"].astype(str)]
    can_be_shown = compared["low"].notna() & compared["estimate"].notna()
    return compared[can_be_shown].head(1).reset_index(drop=True)


@wording.said
def paragraph(one: Released, words: Words, *, area: str, sources: Sequence[str] = ()) -> list[str]:
    """Write the paragraph.

    Parameters
    ----------
    one : Released
        The comparison chosen by :func:`nearest`.
    words : Words
        The study's words.
    area : str
        The area that was asked for.
    sources : sequence of str
        What the counts were taken from.

    Returns
    -------
    list of str
        One paragraph: place, counts, comparison with its interval and period, what it does not say, source.

    Raises
    ------
    DisclosureError
        If nothing can be shown, with what to ask for instead.
    """
    table, rule = require(one).table, one.policy
    if table.empty:
        raise DisclosureError(
            f"{area}: fewer than {rule.ratio_events} decisions, or {rule.ratio_base} children they are out of, in "
            "one of the two groups, in the area and in all areas of the study together. No paragraph can be written. "
            "Pool more years, choose an earlier stage, or use a study with more areas."
        )
    row = table.iloc[0].to_dict()
    wider = str(row["area"]) != area
    lead = [
        f"There are too few children in {area} for its own figures to be given; these are for {row['area']} together."
        if wider
        else f"These are figures for {area}."
    ]
    rounded = (
        [f"Counts are rounded to the nearest {rule.round_to}, and the interval allows for it."]
        if rule.round_to > 1
        else []
    )
    source = [f"Source: {'; '.join(map(wording.clean, sources))}."] if sources else []
    said = [*lead, finding(row, words), *rounded, _ABOUT, *source]
    refuse_words(" ".join(said), sources)
    return [" ".join(said)]


def refuse_words(text: str, sources: Sequence[str] = ()) -> None:
    """Refuse a paragraph that uses a word of :data:`NEVER`.

    Parameters
    ----------
    text : str
        The paragraph.
    sources : sequence of str
        Names of sources, which are theirs and not ours to word.

    Raises
    ------
    DisclosureError
        Naming the word.

    Examples
    --------
    >>> refuse_words("Black children are more likely to be remanded.")
    Traceback (most recent call last):
    ysj_analysis.policies.DisclosureError: the paragraph would say 'likely', which a court is never told by it. Name
    the groups, stages and areas of the study in other words.
    """
    for source in sources:
        text = text.replace(wording.clean(source), "")
    if found := re.search(rf"\w*(?:{'|'.join(NEVER)})\w*", text, re.IGNORECASE):
        raise DisclosureError(
            f"the paragraph would say {found[0]!r}, which a court is never told by it. Name the groups, stages and "
            "areas of the study in other words."
        )
