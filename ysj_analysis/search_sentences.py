"""How do we say what a table of searches shows? Its words, and sentences and tables from released counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import complaints, field_sentences, measures, present, searches, wording
from .disclosure import Released, require
from .load import Study
from .present import Shown
from .search_selection import Selection, officers_list
from .vocabulary import UNKNOWN
from .wording import Words


@dataclass(frozen=True)
class PeriodWords(Words):
    """The words of a study for one period that need not be a whole year."""

    label: str = ""

    def when(self, row) -> str:
        """Write the period of a row."""
        return self.label

    def span(self, counts) -> str:
        """Write the whole period of a table of counts."""
        return self.label


def words(study: Study, chosen: Selection) -> PeriodWords:
    """Take the words of these searches.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    chosen : Selection
        From ``searches.select``.

    Returns
    -------
    PeriodWords
        With the searches' own stages, complaints about them and their period.
    """
    own = {**searches.stages(chosen), **complaints.stages()}
    return PeriodWords(stages=own, period=study.period, label=chosen.label)


@wording.said
def overview(unknown: Released, chosen: Selection) -> list[str]:
    """Say how many searches there were, and what a search is not.

    Parameters
    ----------
    unknown : Released
        From ``searches.unknown``: its denominator is all searches.
    chosen : Selection
        From ``searches.select``.

    Returns
    -------
    list of str
        Sentences.
    """
    total = wording.count(require(unknown).table["denominator"].iloc[0])
    return [
        f"{total} searches of children aged 10 to 17 are recorded in {chosen.area} in {chosen.label}. These are "
        "searches, not children: a child searched twice counts twice, and the records cannot tell."
    ]


@wording.said
def basis(chosen: Selection) -> str:
    """Say out of how many children the rates are, and of which year they were counted."""
    if chosen.population_year is None:
        return (
            f"There is no population of {chosen.area} in this study, so searches are shown without rates. Add "
            "population.csv, for example from ysj convert census-2021."
        )
    drift = "if a group has grown or shrunk in between, its rates are out by as much"
    nearest = "" if chosen.population_year == chosen.year else f", the nearest year there is: {drift}"
    if chosen.population_filled:
        nearest = f", which nobody published: it is {chosen.population_filled}, and {drift}"
    return (
        f"Rates are per 1,000 child-years: children aged 10 to 17 living in {chosen.area}, times the part of a year "
        f"covered ({chosen.months} of 12 months). The population is that of {chosen.population_year}{nearest}. "
        "Children who are searched need not live there."
    )


@wording.said
def officers(chosen: Selection) -> str:
    """Say from which groups officers choose, and what that does to a rate."""
    listed = officers_list(chosen)
    said = f"Officers choose among {wording.join(listed)}."
    if "Mixed" in listed or "Mixed" not in chosen.groups:
        return said
    return (
        f"{said} Children of Mixed heritage are counted among those groups' searches but not among their "
        "children, so officer-defined rates are too high, most of all where many Mixed children are taken for one "
        "group. The two tables count the same searches and are never added together."
    )


@wording.said
def unknowns(unknown: Released) -> list[str]:
    """Say of how many searches ethnicity is not known, for each side.

    Parameters
    ----------
    unknown : Released
        From ``searches.unknown``.

    Returns
    -------
    list of str
        A sentence for each side.
    """
    table = require(unknown).table
    said = []
    for side, rows in table.groupby("defined_by", sort=False):
        total = wording.count(rows["denominator"].iloc[0])
        parts = [
            f"{str(r['group']).lower()} for {wording.count(r['events'])}"
            + (f" ({100 * r['events'] / r['denominator']:.1f}%)" if r["denominator"] > 0 else "")
            for r in rows.to_dict("records")
            if np.isfinite(r["events"])
        ]
        missing = wording.join(parts) if parts else "missing for too few to show,"
        said.append(f"{str(side).capitalize()} ethnicity is {missing} of {total} searches.")
    return said


@wording.said
def linked(hits: Released, ratios: Released, words: Words) -> list[str]:
    """Say what an outcome linked to the object is, or that it is not recorded.

    Parameters
    ----------
    hits : Released
        From ``searches.linked``.
    ratios : Released
        Their relative rates.
    words : Words
        From `words`.

    Returns
    -------
    list of str
        What the measure is, and a sentence for each group; one sentence where it is not recorded.
    """
    if require(hits).table["note"].eq("no_denominator").all():
        return [
            "Whether the outcome was linked to the object of the search is not recorded for any of these searches, "
            "so no hit rate can be given."
        ]
    return [
        "A search whose outcome is linked to its object found what it was for. A lower share can mean that a group "
        "is searched on weaker grounds; it can also come from where and for what it is searched. It compares "
        "averages, which can differ, and even point the other way, where the grounds are the same and the chances "
        "within the groups are not (infra-marginality). A search of which the link is not recorded counts as not "
        "linked.",
        *field_sentences.comparisons(ratios, words),
    ]


def linked_table(hits: Released, ratios: Released, words: Words) -> Shown:
    """Lay out the hit rate of each group, or nothing where the link is not recorded.

    Parameters
    ----------
    hits, ratios, words
        As for `linked`.

    Returns
    -------
    Shown
        A table, or nothing.
    """
    if require(hits).table["note"].eq("no_denominator").all():
        return present.text()
    return present.table(
        [hits.measure(measures.rates), ratios],
        name="linked",
        title="Searches whose outcome was linked to their object, by self-defined ethnicity",
        words=words,
        columns={
            "Linked": "events",
            "All searches": "denominator",
            "Share": "proportion.estimate",
            "Share, 95% interval": "proportion.interval",
            "Relative rate": "risk_ratio.estimate",
            "95% interval": "risk_ratio.interval",
        },
    )


@wording.said
def too_few(outcomes: Released, words: Words) -> list[str]:
    """Name the outcomes that are too rare for groups to be compared.

    Parameters
    ----------
    outcomes : Released
        From ``searches.outcomes``.
    words : Words
        From `words`.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    table = require(outcomes).table
    left = set(comparable(table)["stage"])
    rare = [words.stage(stage) for stage in dict.fromkeys(table["stage"]) if stage not in left]
    if not rare:
        return []
    return [f"Recorded too seldom for groups to be compared: {wording.join(rare).lower()}."]


@wording.said
def agreement(same: Released, crossed: Released) -> list[str]:
    """Say for each group how often the officer saw what the child said, and how far beyond chance.

    Parameters
    ----------
    same : Released
        From ``searches.agreements``.
    crossed : Released
        From ``searches.cross``.

    Returns
    -------
    list of str
        Sentences.
    """
    parts = [
        f"{wording.count(r['events'])} of {wording.count(r['denominator'])} searches of children who called "
        f"themselves {r['group']}"
        for r in require(same).table.to_dict("records")
        if np.isfinite(r["events"]) and np.isfinite(r["denominator"])
    ]
    said = [f"The officer recorded the same group in {wording.join(parts)}."] if parts else []
    kappa = searches.kappa(require(crossed).table)
    if np.isfinite(kappa):
        said.append(
            f"Beyond chance, the two agree by {kappa:.2f} (Cohen's kappa, where 1 is full agreement), among searches "
            "of children who called themselves a group that officers can choose."
        )
    return said


def only(released: Released, words: Words) -> str:
    """Name the stage of a table that has a single one, which the table itself then does not."""
    stages = list(dict.fromkeys(require(released).table["stage"].astype(str)))
    return f"The rows are of: {words.stage(stages[0]).lower()}." if len(stages) == 1 else ""


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the stages of a printed table that have a printed count for at least two groups, and the first.

    Parameters
    ----------
    table : DataFrame
        As printed, with ``stage``, ``group`` and ``events``.

    Returns
    -------
    DataFrame
        Their rows. What is left out depends on nothing but what is printed.
    """
    printed = table["events"].notna() & table["group"].astype(str).ne(UNKNOWN)
    enough = printed.groupby(table["stage"].astype(str)).transform("sum") >= 2
    first = table["stage"].eq(table["stage"].iloc[0]) if len(table) else enough
    return table[enough | first].reset_index(drop=True)
