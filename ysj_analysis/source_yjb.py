"""The Youth Justice Board's supplementary tables by ethnicity: chapter workbooks, to counts.

Every table that is of ethnicity must be understood, label by label, or the run stops and lists what was
not. Totals and the summary of "ethnic minority groups" are checked against their parts and set aside, as
they are the same children again. `yjb_layout` finds the tables; `docs/sources.md` says what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from . import workbook
from .label_mapping import AS_PUBLISHED, of_pairs
from .published_values import completed
from .study_folder import Ledger, Source, StudyFolder
from .tables import DataError, shown
from .vocabulary import BROAD, STAGES
from .yjb_layout import Table, table_in
from .yjb_tables import GROUPS, Known, counted

_NEVER = (
    "proportion",
    "percentage",
    "rate of",
    "average length",
    "nights",
    "median",
    "offence",
    "outcome",
    "legal basis",
)
TABLES = (
    Known(("remand",), "remand_decision", "episodes", (*_NEVER, "custody population")),
    Known(("first time entrants",), "first_time_entrant", "children", (*_NEVER, "disposal")),
    Known(("custody", "population"), "custody_population", "children", _NEVER),
    Known(("arrests",), "arrest", "episodes", _NEVER[:-2]),
    Known(("stop", "search"), "stop_search", "searches", _NEVER[:-2]),
)
"""Tables by ethnicity that are understood, by their titles. The first that fits holds."""


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read chapter workbooks as they are.

    Parameters
    ----------
    files : sequence of Path
        .xlsx, .ods or .xls.

    Returns
    -------
    dict of str to DataFrame
        "file, sheet" to cells of text under the rows and letters a person sees; notes on the workbook
        are in ``attrs["notes"]``.

    Raises
    ------
    DataError
        When a file is not a spreadsheet that may be read.
    """
    raw = {}
    for file in files:
        book = workbook.read(file)
        for name, sheet in book.sheets.items():
            sheet.attrs["notes"] = book.notes
            raw[f"{book.file}, {name}"] = sheet
    return raw


def clean(raw: Mapping[str, pd.DataFrame], *, tables: str = "", ethnicity_base: str = "2001") -> StudyFolder:
    """Turn chapter workbooks into counts by group.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.
    tables : str
        Numbers of the tables to read, as "6.1,6.3"; all of ethnicity by default.
    ethnicity_base : {"2001", "2011", "2021"}
        The files do not say. The Board's five groups count Chinese children with Other (recalled).

    Returns
    -------
    StudyFolder
        A `counts` table for England and Wales, the stages it has, and the ledger.

    Raises
    ------
    DataError
        Listing tables, rows and columns that are not understood, years of two kinds, or two tables that
        give different counts for one thing.
    """
    ledger = Ledger()
    chosen = [number.strip() for number in tables.split(",") if number.strip()]
    found = _tables(raw, chosen, ledger)
    parts = [counted(table, how, file, ledger) for file, table, how in found]
    kinds = sorted({kind for part in parts for kind in part["kind"]})
    if len(kinds) > 1:
        per = "; ".join(
            f"{table.name}: {part['kind'].iloc[0]}" for (_, table, _), part in zip(found, parts, strict=True)
        )
        raise DataError(
            f"{len(found)} tables have years of {len(kinds)} kinds ({per}).\n"
            "A study has one kind: convert them one by one with -p tables=6.1."
        )
    long = _once(pd.concat(parts, ignore_index=True), ledger)
    why = "the group is in another table or year, and not here; it is not known to be 0"
    result = pd.concat(
        [
            completed(part, [g for g in BROAD if g in set(long["group"])], ledger, why)
            for _, part in long.groupby("stage", sort=False)
        ],
        ignore_index=True,
    )
    ledger.add(
        "group",
        f"groups taken to be on the base of {ethnicity_base}",
        "the files do not say whether Chinese children are with Asian or with Other; state it with "
        "-p ethnicity_base=... if you know",
        left=len(result),
    )
    units = set(result["unit"])
    return StudyFolder(
        title="Youth justice statistics, England and Wales",
        areas=list(dict.fromkeys(result["area"])),
        ethnicity_base=ethnicity_base,
        reference="White",
        unit=units.pop() if len(units) == 1 else "",
        period=kinds[0],
        years=(int(result["year"].min()), int(result["year"].max())),
        tables={"counts": result[["area", "year", "stage", "group", "events", "unit"]]},
        ledger=ledger,
        sources=[
            Source(
                "Youth Justice Board, Youth justice statistics, supplementary tables",
                "not stated",
                "Open Government Licence v3.0. England and Wales, not boroughs.",
            )
        ],
        stages=_stages(set(result["stage"])),
        labels=of_pairs(GROUPS, code_list="Youth Justice Board", field=AS_PUBLISHED),
    )


def _tables(
    raw: Mapping[str, pd.DataFrame], chosen: list[str], ledger: Ledger
) -> list[tuple[str, Table, Known]]:
    """Find the tables of ethnicity; stop and list those that are not understood."""
    found, unknown, aside, all_numbers = [], [], [], []
    for notes in dict.fromkeys(sheet.attrs.get("notes", ()) for sheet in raw.values()):
        for note in notes:
            ledger.add("workbook", note, "said by the file itself", left=len(raw))
    for name, sheet in raw.items():
        table = table_in(sheet)
        if table is not None:
            all_numbers.append(table.number)
        if table is None or (chosen and table.number not in chosen) or not table.has_groups():
            aside.append(f"{name}: {table.title[:60]}" if table else name)
            continue
        title = table.title.casefold()
        how = next(
            (k for k in TABLES if all(w in title for w in k.has) and not any(w in title for w in k.lacks)),
            None,
        )
        if how is None or table.cells.empty:
            unknown.append(f"  {name}: Table {table.number}, {shown(table.title, 100)}")
        else:
            found.append((sheet.attrs["file"], table, how))
    if lost := [number for number in chosen if number not in all_numbers]:
        raise DataError(
            f"{len(lost)} of {len(chosen)} tables are not there. First: {lost[0]}.\nThere are "
            f"{', '.join(all_numbers)}."
        )
    if unknown:
        raise DataError(
            f"{len(unknown)} of {len(raw)} sheets hold a table by ethnicity that is not understood:\n"
            + "\n".join(unknown)
            + f"\nName those to read, as -p tables={found[0][1].number if found else '6.1'}, or add a "
            "line to TABLES in "
            "source_yjb."
        )
    if not found:
        raise DataError(
            f"0 of {len(raw)} sheets hold a table by ethnicity with a title such as 'Table 6.1: ...'.\n"
            "Give a chapter of the supplementary tables."
        )
    if aside:
        ledger.add(
            "sheets",
            f"{len(aside)} of {len(raw)} sheets set aside: {'; '.join(shown(a, 120) for a in aside[:20])}",
            "they hold no table by ethnicity, or were not asked for",
            removed=len(aside),
            left=len(found),
        )
    return found


def _once(long: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Keep each count once where tables repeat it; refuse it where they differ."""
    keys = ["area", "year", "stage", "group"]
    distinct = long.groupby(keys, sort=False)["events"].transform("nunique")
    if (distinct > 1).any():
        first = long[distinct > 1].iloc[0]
        same = (long[keys] == first[keys]).all(axis=1)
        told = " and ".join(f"{row['events']} in {row['table']}" for _, row in long[same].iterrows())
        raise DataError(
            f"{int((distinct > 1).sum())} of {len(long):,} counts differ between tables. First: "
            f"{first['stage']}, {first['year']}, {first['group']}: {told}.\n"
            "Name the table to read with -p tables=6.1."
        )
    twice = long.duplicated(keys)
    if twice.any():
        ledger.add(
            "repeated",
            f"{twice.sum():,} of {len(long):,} counts are in two tables, and equal",
            "each is kept once",
            removed=int(twice.sum()),
            left=int((~twice).sum()),
        )
    return long[~twice].drop(columns=["table"])


def _stages(there: set[str]) -> list:
    """Take the stages there are from the graph; one whose base is not in the tables has none."""
    kept = [stage for stage in STAGES.values() if stage.id in there]
    return [s if s.base in there or s.base == "population" else replace(s, base="none") for s in kept]
