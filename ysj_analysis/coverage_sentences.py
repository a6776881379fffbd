"""What do the counts of a report cover? What is missing, undecided or unknown, and how it was counted."""

from __future__ import annotations

from . import ethnicity_source, wording
from .disclosure import Released, require
from .sentence_parts import percent
from .vocabulary import POPULATION, period_label
from .wording import Words


@wording.said
def no_population(counts: Released, words: Words) -> list[str]:
    """Say that a study holds no population, and what can therefore not be shown.

    Parameters
    ----------
    counts : Released
        Counts of stages out of the population.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence or two; nothing where a denominator is known or hidden.
    """
    table = require(counts).table
    table = table[table["base"].astype(str).eq(POPULATION)]
    if table.empty or not table["denominator"].isna().all():
        return []
    contacts = [s for s in dict.fromkeys(table["stage"].astype(str)) if _is_contact(s, words)]
    of = f", as of {wording.join([wording.lower(words.stage(s)) for s in contacts])}," if contacts else ""
    return [
        f"This study has no population of children, so no rate of the population{of} can be given or compared: where "
        "one is missing below, this is why. Numbers are shown, and decisions are compared among those who reached the "
        "stage before. A table population.csv would bring the rates."
    ]


@wording.said
def undecided(counts: Released, words: Words) -> list[str]:
    """Say which stages are not shown in which years because too much is still undecided.

    Parameters
    ----------
    counts : Released
        Single years, from ``pipeline.stage_counts``.
    words : Words
        The study's words.
    """
    table = require(counts).table
    years = table[table["note"].eq("immature")].groupby("stage", observed=True)["year"].unique()
    together: dict[tuple, list[str]] = {}
    for stage, late in years.items():
        together.setdefault(tuple(sorted(late)), []).append(words.stage(stage))
    return [
        f"{wording.join(stages)}: {wording.join([period_label(int(y), 1, words.period) for y in late])} "
        "cannot be shown yet, because too much is still undecided. A lower figure now would be a delay, not "
        "a fall."
        for late, stages in together.items()
    ]


@wording.said
def completeness(known: Released, words: Words) -> list[str]:
    """Say how often ethnicity is not known, and at which stage most often."""
    table = require(known).table
    if table.empty:
        return ["This study records no child of unknown ethnicity, which may mean that they were left out."]
    shown = table[table["events"].notna() & table["denominator"].notna()]
    if shown.empty:
        return ["At no stage are there enough of unknown ethnicity to show how many."]
    share = shown["events"] / shown["denominator"]
    worst = shown.loc[share.idxmax()]
    return [
        f"Ethnicity is most often not known at {wording.lower(words.stage(worst['stage']))}: for "
        f"{wording.count(worst['events'])} of {wording.count(worst['denominator'])} {worst['unit']} "
        f"({percent(share.max())}; {words.when(worst)}). They are counted and shown, and are part of no group."
    ]


@wording.said
def definitions(study, words: Words) -> list[str]:
    """Say how the study counts: its unit, its groups and the base they are counted on."""
    base = (
        "Ethnic groups are as the source names them."
        if study.base == "own"
        else f"Broad ethnic groups follow the {study.base} census"
        + (
            ", which counts Chinese children as Asian."
            if study.base != "2001"
            else ", which counts Chinese children as Other."
        )
    )
    unit = {
        "children": "Children are counted once in the period at each stage, however often they return.",
        "episodes": "Episodes are counted: an arrest and all that followed from it.",
    }.get(study.unit, f"The unit is {study.unit}, as the source counts them.")
    if study.events is None and study.unit == "children":
        unit = (
            "Children are counted once in each year, as the source counts them, and the years are added up."
        )
    return [
        f"{unit} {base} A rate of the population is per child-year aged 10 to 17.",
        ethnicity_source.sentence(study.ethnicity_source, counted_here=study.events is not None),
        "A first contact is counted in the year of its own date. A decision is followed from the year its "
        "episode began, so that everyone in a numerator is in its denominator.",
    ]


# -- inside ------------------------------------------------------------------------------------------


def _is_contact(stage: str, words: Words) -> bool:
    """Say whether a stage is fed by the population."""
    return stage in words.stages and words.stages[stage].base == POPULATION
