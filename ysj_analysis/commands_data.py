"""The commands that take data and make data: measure, convert, check, synth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from .command_settings import HowManyYears, Settings, Year, pairs
from .exit_codes import DONE, USAGE


def measure(
    counts: Path,
    /,
    *,
    reference: str = "White",
    population: Path | None = None,
    out: Path | None = None,
    edition: Literal["working", "public"] = "working",
) -> int:
    """Print the relative rates, with intervals, of any table of counts.

    Example: ysj measure counts.csv --reference White --population population.csv

    Parameters
    ----------
    counts : path
        A study folder with counts.csv, or a CSV with the columns area, year, stage, group, events and, if
        known, denominator.
    reference : str
        The group the others are compared with; also all-others or overall.
    population : path
        CSV with the columns area, year, group and population, for rates of the population.
    out : path
        Write a CSV here instead of printing.
    edition : str
        Working figures are for your own screen; public ones pass the disclosure rules.
    """
    from . import disclosure, load, measures, pipeline, present
    from .printout import aligned

    study = load.of_counts(counts, population)
    table = pipeline.stage_counts(study)
    known = table.groupby(["stage", "base"], observed=True)["denominator"].transform("count") > 0
    if rateless := [s for s in table["stage"].unique() if not known[table["stage"].eq(s)].any()]:
        message = _without_rates(
            study, counts, rateless, table["stage"].nunique(), given=population is not None
        )
        if not known.any():
            raise load.DataError(message)
        print(message, file=sys.stderr)
    table = table[known]
    shown = disclosure.working(table) if edition == "working" else disclosure.release(table)
    shown = shown.measure(measures.relative_rates, reference=reference)
    if out is None:
        print(aligned(shown))
    else:
        out.write_text(present.csv(shown.table, shown.counts), encoding="utf-8", newline="")
        print(f"{out} ({shown.policy.heading})", file=sys.stderr)
    return DONE


def _without_rates(study, counts: Path, stages: list[str], of: int, *, given: bool) -> str:
    """Say which stages have no denominator, and so no rate, and what would give them one."""
    from .canonical import likely_denominator

    has = "stage has" if of == 1 else "stages have"
    what = f"{len(stages)} of {of} {has} no denominator, and so no rate. First: {stages[0]}"
    if study.counts is None:
        return f"{study.title}: {what}. Add population.csv to the folder."
    row = int((study.counts["stage"] == stages[0]).to_numpy().argmax()) + 2
    fill = likely_denominator(study.counts) or " Fill in the column denominator."
    people = "" if given else " Or give the population with --population."
    return f"{'counts.csv' if counts.is_dir() else counts.name}: {what}, row {row:,}.{fill}{people}"


def convert(
    format: str,
    files: list[Path] | None = None,
    /,
    *,
    out: Path | None = None,
    mapping: Path | None = None,
    draft_mapping: Annotated[bool, Parameter(negative="")] = False,
    population: Path | None = None,
    fill: Literal["held", "linear"] | None = None,
    parameter: Settings = None,
) -> int:
    """Convert real files to a study folder, with a ledger of what was removed.

    Example: ysj convert census-2021 census.csv --out data/census

    Parameters
    ----------
    format : str
        What the files are; an unknown one lists those that exist.
    files : list of path
        The files of that format, in any order.
    out : path
        The folder to make; with --draft-mapping the file to write instead of printing.
    mapping : path
        What the columns and codes of a case-management export mean.
    draft_mapping : bool
        Look at a case-management export and propose its mapping: ysj convert --draft-mapping FILE...
    population : path
        A folder with the population of the study's areas, such as `ysj convert census-2021` makes.
    fill : str
        How to fill in years the population does not have; each is marked and said in the ledger.
    parameter : list of str
        An option of the format as KEY=VALUE; may be repeated.
    """
    from . import attach, sources

    if draft_mapping:
        return _draft(format, files or [], out)
    if out is None:
        raise ValueError("--out FOLDER is missing: the study folder to make.")
    options = pairs(parameter) | ({"mapping": str(mapping)} if mapping else {})
    if fill and not population:
        raise ValueError("--fill says how to fill in years of a population: give --population FOLDER too.")
    if population:
        made = attach.converted(format, files or [], out, people=population, fill=fill, **options)
    else:
        made = sources.convert(format, files or [], out, **options)
    print(made)
    print(
        f"What was removed, changed or assumed is in {made / 'ledger.csv'}. Next: ysj check {made}",
        file=sys.stderr,
    )
    return DONE


def _draft(first: str, others: list[Path], out: Path | None) -> int:
    """Print or write the draft of a mapping; the name of the format may stand before the files."""
    from .draft_mapping import draft

    text = draft([*([] if first == "case-export" else [first]), *others])
    if out is None:
        print(text, end="")
        return DONE
    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise FileExistsError(f"{out} is already there, and nothing was written. Name a new file.") from None
    print(out)
    return DONE


def check(folder: Path, /, *, every: Annotated[bool, Parameter(name="--all", negative="")] = False) -> int:
    """Say whether a study folder can be used, what is in it, and how far it can be trusted.

    Example: ysj check data/synthetic

    Parameters
    ----------
    folder : path
        The study folder.
    every : bool
        A line for each check and stage, those that found nothing too.
    """
    from . import disclosure, load, pipeline, quality, quality_sentences
    from .vocabulary import SOURCE_LABELS, TABLES
    from .wording import Words, clean

    study = load.study(folder)
    title = clean(study.title)
    words, table = Words.of(study), quality.profile(study)
    unusable = table[table["severity"].eq(quality.SEVERITIES[0])]
    print(f"{title}: {'can be used' if unusable.empty else 'cannot be used'}.")
    print(f"  areas   {clean(', '.join(study.areas))}")
    print(f"  years   {study.years[0]} to {study.years[1]} ({study.period})")
    whose = f"{SOURCE_LABELS[study.ethnicity_source]}, " if study.ethnicity_source else ""
    print(f"  groups  {clean(', '.join(study.groups))} ({whose}census base: {study.base})")
    for name in TABLES:
        if (rows := getattr(study, name)) is not None:
            print(f"  {name:<11}{len(rows):>9,} rows")
    for remark in _remarks(study, table):
        print(remark)
    shown, anything = disclosure.working(table), every or not quality_sentences.worst(table).empty
    laid = quality_sentences.lines(shown, words, every=every) if anything else [shown.policy.heading]
    print("", *laid, sep="\n")
    if study.events is not None or study.counts is not None:
        drift = disclosure.working(quality.drift(pipeline.stage_counts(study), stages=study.stages))
        if jumps := quality_sentences.some(quality_sentences.jumps(drift, words), every=every):
            print(*jumps, sep="\n")
    print("", *filter(None, quality_sentences.findings(shown, words)), sep="\n")
    if anything:
        print(_MEANT)
    for row in unusable.to_dict("records"):
        where = f"{row['events']:,.0f} of {row['denominator']:,.0f} {row['unit']}"
        print(f"{title} cannot be used: {row['check']}, {where}. {row['remedy']}", file=sys.stderr)
    return DONE if unusable.empty else USAGE


_MEANT = "Every check at every stage and table: --all. What each means: docs/quality.md."


def _remarks(study, profile) -> list[str]:
    """Say what each number of children counts, where they differ, and what in counts is not read; or nothing."""
    from .canonical import likely_denominator

    said = []
    of = profile[profile["unit"].eq("children")].groupby("stage")["denominator"].max().dropna()
    held, checked = (0 if study.children is None else len(study.children)), of.get("children.csv")
    if held and checked not in (None, held):
        with_event = f"{checked:,.0f} have an event in these areas and years"
        said.append(f"  Of the {held:,} children {with_event}; the checks of children are of these.")
    if "ledger.csv" in of:
        before = "are all in the export, before those without an event were left out"
        said.append(f"  The {of['ledger.csv']:,.0f} children of ledger.csv {before}.")
    if study.counts is not None and (meant := likely_denominator(study.counts)):
        said.append(f"  counts.csv has no column denominator.{meant}")
    return said


def flags(
    folder: Path,
    /,
    *,
    area: str | None = None,
    year: Year | None = None,
    years: HowManyYears = 5,
    reference: str = "",
    out: bool = True,
) -> int:
    """Apply the rule a study declares, and add what it flags to the study's actions.csv.

    Example: ysj flags data/synthetic --area Islington --year 2023

    What people wrote in the file is kept. Flags are taken of printed counts, so that the file gives
    nothing away.

    Parameters
    ----------
    folder : path
        The study folder, with a rule under [flags] in study.toml.
    area : str
        The youth justice service; by default the study's first.
    year : int
        The last year; by default the study's last.
    years : int
        Years in a period, at most. They are fewer where the study holds too few years for the periods its rule
        looks at: of 8 years and 2 periods, 4.
    reference : str
        The group compared with; by default the study's own.
    out : bool
        With --no-out nothing is written: the flags are only printed.
    """
    from . import actions, early_warning, flag_sentences, load
    from .wording import Words

    study, rule = load.study(folder), early_warning.declared(folder)
    area, year = area or study.areas[0], year or study.years[1]
    found = early_warning.flagged(study, rule, area=area, year=year, years=years, reference=reference)
    print(
        *flag_sentences.flags(found.derive(early_warning.last_period, year=year), Words.of(study), rule=rule),
        sep="\n",
    )
    if out:
        actions.update(folder, found.table)
        print(load.found(folder) / actions.FILE)
    return DONE


def synth(
    *, out: Path, seed: int | None = None, messy: Annotated[bool, Parameter(negative="")] = False
) -> int:
    """Write a synthetic study whose true relative rates are known.

    Example: ysj synth --out data/synthetic --seed 1

    Parameters
    ----------
    out : path
        The folder to make.
    seed : int
        The same seed gives the same bytes.
    messy : bool
        Write a damaged case-management export instead, with its mapping and what is true under the damage.
    """
    from . import messy as damaged
    from . import synthetic

    write = damaged.write if messy else synthetic.write
    print(write(out) if seed is None else write(out, seed=seed))
    return DONE
