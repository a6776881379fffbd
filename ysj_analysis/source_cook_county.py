"""Cook County felony cases by decision and race, 2011-2019: three files of counts to one study.

The Cook County State's Attorney publishes case-level data; github.com/DSharm/cook-county-SAO-d3 counts
them by year, status and race in `intake_year_status_race.json`, `disp_year_status_race.json` and
`sent_year_status_race.json`. The year is the year a case came in, in all three: cases reaching intake
and cases disposed of or pending are equal in number in every year and group. `docs/sources.md`
explains each choice made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from .label_mapping import AS_PUBLISHED, of_pairs
from .source_files import json_records, refuse
from .study_folder import Ledger, Source, StudyFolder
from .tables import DataError, shown
from .vocabulary import Stage

AREA = "Cook County"
GROUPS = ("Black", "Latinx", "Other", "White")

# Each file is known by its status column. Each status is one stage, but for pending sentences.
_STATUSES = {
    "initiation_result": {
        "Approved": "approved",
        "Filed by LEA": "filed_by_lea",
        "Continued Investigation": "investigation_continued",
        "Rejected": "rejected",
        "Other": "other_initiation",
    },
    "conviction": {
        "Conviction": "convicted",
        "No Conviction": "not_convicted",
        "Pending Conviction": "pending_disposition",
    },
    "sentence_type_short": {
        "Prison": "prison",
        "Jail": "jail",
        "Probation": "probation",
        "Other Sentence": "other_sentence",
        "Pending Sentence": "pending_sentence",
    },
}

INTAKE = ("approved", "filed_by_lea", "investigation_continued", "rejected", "other_initiation")
_DISPOSITION = ("convicted", "not_convicted", "pending_disposition")
_SENTENCE = ("prison", "jail", "probation", "other_sentence")

# A pending stage is the undecided rest of a partition: with it, the parts add to the base.
STAGES = (
    Stage("intake", "Intake", "none", "contact", "adverse", "came in"),
    Stage("approved", "Charge approved", "intake", "decision", "adverse", "had the charge approved"),
    Stage(
        "filed_by_lea",
        "Filed by law enforcement",
        "intake",
        "decision",
        "adverse",
        "were filed by law enforcement",
    ),
    Stage(
        "investigation_continued",
        "Investigation continued",
        "intake",
        "decision",
        "neutral",
        "were still under investigation",
    ),
    Stage("rejected", "Charge rejected", "intake", "decision", "favourable", "had the charge rejected"),
    Stage(
        "other_initiation", "Other result", "intake", "decision", "neutral", "had another result at intake"
    ),
    Stage("convicted", "Conviction", "intake", "partition", "adverse", "ended in a conviction"),
    Stage("not_convicted", "No conviction", "intake", "partition", "favourable", "ended without conviction"),
    Stage(
        "pending_disposition", "Disposition pending", "intake", "pending", "neutral", "were still undecided"
    ),
    Stage("prison", "Prison", "convicted", "decision", "adverse", "led to prison"),
    Stage("jail", "Jail", "convicted", "decision", "adverse", "led to jail"),
    Stage("probation", "Probation", "convicted", "decision", "neutral", "led to probation"),
    Stage("other_sentence", "Other sentence", "convicted", "decision", "neutral", "led to another sentence"),
    Stage("pending_sentence", "Sentence pending", "convicted", "pending", "neutral", "awaited sentence"),
)


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read the three files as they are.

    Parameters
    ----------
    files : sequence of Path
        The three JSON files, in any order and under any name; each is known by its status column.

    Returns
    -------
    dict of str to DataFrame
        Status column to records, one row per year and status; the file name is in ``attrs["file"]``.

    Raises
    ------
    DataError
        When a file is not such a list of records, or the three are not there once each.
    """
    raw: dict[str, pd.DataFrame] = {}
    for file in files:
        table = pd.DataFrame.from_records(json_records(Path(file), "Give the file as it was downloaded."))
        found = [status for status in _STATUSES if status in table]
        if len(found) != 1 or "Year" not in table:
            raise DataError(
                f"{file.name}: 0 of its {len(table):,} records have Year and one of {', '.join(_STATUSES)} alone. "
                f"First: record 1, of a table with {', '.join(map(shown, table.columns[:6])) or 'no columns'}.\n"
                "Give the intake, disposition and sentence files of Cook County."
            )
        if found[0] in raw:
            raise DataError(
                f"{file.name} and {raw[found[0]].attrs['file']} both hold {found[0]}: 1 of 2 files would be counted "
                f"twice. First: {file.name}.\nGive each file once."
            )
        table.attrs["file"] = file.name
        raw[found[0]] = table
    if missing := [status for status in _STATUSES if status not in raw]:
        raise DataError(
            f"{len(missing)} of {len(_STATUSES)} files are missing: no file has the column {' or '.join(missing)}. "
            f"First: {missing[0]}.\n"
            "Give the intake, disposition and sentence files of Cook County together."
        )
    return raw


def clean(raw: Mapping[str, pd.DataFrame]) -> StudyFolder:
    """Turn the three files into a study of counts.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.

    Returns
    -------
    StudyFolder
        A `counts` table (area, year, stage, group, events, unit), the stage graph and the ledger.

    Raises
    ------
    DataError
        For an unknown status or group, a count that is not a whole number, a year or status that is
        missing or there twice, or totals that do not fit together.
    """
    ledger = Ledger()
    long = pd.concat([_events(raw[status], status, ledger) for status in _STATUSES])
    events = long.pivot_table(index=["year", "group"], columns="stage", values="events")
    events.insert(0, "intake", events[list(INTAKE)].sum(axis=1))
    _check_dispositions(events, raw)
    events = _sentences(events, raw, ledger)

    order = [stage.id for stage in STAGES]
    counts = (
        events[order]
        .reset_index()
        .melt(["year", "group"], var_name="stage", value_name="events")
        .astype({"events": int})
        .assign(area=AREA, unit="cases")
    )
    counts["stage"] = pd.Categorical(counts["stage"], order)
    counts = counts.sort_values(["year", "stage", "group"], ignore_index=True)
    _pending(counts, ledger)
    years = int(counts["year"].min()), int(counts["year"].max())
    return StudyFolder(
        title="Cook County felony cases by decision and race",
        areas=[AREA],
        ethnicity_base="own",
        groups=list(GROUPS),
        reference="White",
        unit="cases",
        period="calendar",
        years=years,
        tables={
            "counts": counts[["area", "year", "stage", "group", "events", "unit"]].astype({"stage": str})
        },
        ledger=ledger,
        sources=[
            Source(
                "Cook County State's Attorney, felony cases: intake, dispositions and sentences",
                "not stated",
                "Counted by year of intake, status and race in github.com/DSharm/cook-county-SAO-d3. "
                "Felony cases of people of any age, not of children alone.",
            )
        ],
        stages=list(STAGES),
        labels=of_pairs(dict(zip(GROUPS, GROUPS, strict=True)), code_list=AREA, field=AS_PUBLISHED),
    )


def _events(table: pd.DataFrame, status: str, ledger: Ledger) -> pd.DataFrame:
    """Return events by year, group and stage from one file, or say what is wrong with it."""
    file, size = table.attrs["file"], len(table)
    unknown = [column for column in table if column not in ("Year", status, *GROUPS)]
    absent = [group for group in GROUPS if group not in table]
    if unknown or absent:
        raise DataError(
            f"{file}: {len(unknown)} columns are not known and {len(absent)} of {len(GROUPS)} groups are "
            f"in no record. First: {shown((unknown + absent)[0])}.\n"
            f"Groups are {', '.join(GROUPS)}. Correct the file, or extend GROUPS in source_cook_county."
        )
    stages = _STATUSES[status]
    known = f"Known are {', '.join(stages)}."
    bad = ~table[status].map(lambda value: isinstance(value, str) and value in stages)
    refuse(table, bad, status, "have an unknown status", known, first_row=1)
    bad = ~table["Year"].map(_whole)
    refuse(table, bad, "Year", "have no whole year", "Correct the year.", first_row=1)
    for group in GROUPS:
        bad = ~(table[group].isna() | table[group].map(_whole))
        what = "have a count that is not a whole number of 0 or more"
        refuse(table, bad, group, what, "Correct the count.", first_row=1)
    twice = table.duplicated(["Year", status])
    what, do = "repeat a year and status", "Keep one record for each year and status."
    refuse(table, twice, status, what, do, first_row=1)

    years = sorted(table["Year"].unique())
    gaps = pd.MultiIndex.from_product([years, stages]).difference(
        pd.MultiIndex.from_frame(table[["Year", status]])
    )
    if len(gaps):
        year, label = gaps[0]
        raise DataError(
            f"{file}: {len(gaps)} of {len(years) * len(stages)} records are missing, the first "
            f"{label!r} in {year}.\nAdd a record, with 0 for each group if there were none."
        )
    empty = int(table[list(GROUPS)].isna().sum().sum())
    ledger.add("read", f"{size} records of {file}", "one for each year and status", left=size)
    if empty:
        ledger.add(
            "read",
            f"{empty} of {size * len(GROUPS)} counts in {file} are absent and read as 0",
            "the file leaves a group out of a record when it has no cases",
            left=size * len(GROUPS),
        )
    stage, year = table[status].map(stages), table["Year"].astype(int)
    return (
        table.assign(stage=stage, year=year)
        .melt(["year", "stage"], list(GROUPS), var_name="group", value_name="events")
        .fillna({"events": 0})
    )


def _whole(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == value // 1
    )


def _check_dispositions(events: pd.DataFrame, raw: Mapping[str, pd.DataFrame]) -> None:
    """Refuse files in which cases decided or pending are not the cases that came in."""
    files = ", ".join(table.attrs["file"] for table in raw.values())
    if (gaps := events.isna().any(axis=1)).any():
        raise DataError(
            f"{files}: {gaps.sum()} of {len(gaps)} years and groups are not in all three files. First: "
            f"{gaps.idxmax()}.\nGive three files of the same years."
        )
    differ = events["intake"] != events[list(_DISPOSITION)].sum(axis=1)
    if differ.any():
        first = events.loc[differ.idxmax()]
        raise DataError(
            f"{files}: in {differ.sum()} of {len(differ)} years and groups the cases that came in are not "
            f"the cases disposed of or pending, the first {differ.idxmax()}: {first['intake']:.0f} against "
            f"{first[list(_DISPOSITION)].sum():.0f}.\n"
            "Convictions can only be a share of intake when the two agree. Give files of one download."
        )


def _sentences(events: pd.DataFrame, raw: Mapping[str, pd.DataFrame], ledger: Ledger) -> pd.DataFrame:
    """Count as pending only convicted cases, and say how far sentences exceed convictions."""
    file = raw["sentence_type_short"].attrs["file"]
    pending = events["pending_sentence"] - events["pending_disposition"]
    over = events[list(_SENTENCE)].gt(events["convicted"], axis=0).any(axis=1) | (pending < 0)
    if over.any():
        raise DataError(
            f"{file}: in {over.sum()} of {len(over)} years and groups a sentence is more frequent than "
            f"conviction, or fewer sentences than dispositions are pending; the first is {over.idxmax()}.\n"
            "Give files of one download."
        )
    rows = len(events)
    ledger.add(
        "stages",
        f"{events['pending_sentence'].sum():,.0f} pending sentences counted net of pending dispositions: "
        f"{pending.sum():,.0f} cases",
        "the file counts a case that is not decided as not sentenced; only convicted cases await a sentence",
        removed=int(events["pending_disposition"].sum()),
        left=int(pending.sum()),
    )
    decided = events[list(_SENTENCE)].sum(axis=1)
    excess = decided + pending - events["convicted"]
    above = decided > events["convicted"]
    ledger.add(
        "stages",
        f"sentences, decided and pending, exceed convictions by {excess.min():.0f} to {excess.max():.0f} in "
        f"a year and group, {excess.sum():,.0f} in all ({excess.sum() / events['convicted'].sum():.1%} of "
        f"{events['convicted'].sum():,.0f} convictions); kept as published",
        "the two files do not nest exactly, and counts cannot tell which cases differ",
        left=rows,
    )
    ledger.add(
        "stages",
        "each sentence is a share of convictions, and the shares are not said to add to 1",
        f"all sentences together would exceed convictions in {int((excess > 0).sum())} of {rows} years and "
        f"groups ({int(above.sum())} even without the pending); no single sentence does",
        left=rows,
    )
    return events.assign(pending_sentence=pending)


def _pending(counts: pd.DataFrame, ledger: Ledger) -> None:
    """Write into the ledger how much of each year is undecided."""
    years = counts.pivot_table(index="year", columns="stage", values="events", aggfunc="sum", observed=False)
    share = (years["pending_disposition"] / years["intake"]).round(2)
    ledger.add(
        "stages",
        "dispositions pending by year: " + ", ".join(f"{year} {value:.0%}" for year, value in share.items()),
        "kept as stages of kind pending, so that a year with many undecided cases is not read as a fall",
        left=len(years),
    )
