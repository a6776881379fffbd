"""Any case-management export (ChildView, Core+, CareDirector and the like) to a study, by its mapping.

Ids leave as keyed hashes; names, addresses, days of birth and free text are never copied, because only the
fields of ``case_fields.FIELDS`` are read at all, and each is an id, a date, a number or a code. What a row
means is in `mapping.toml`. `docs/case-export.md` is the how-to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from . import pseudonyms, tables
from .calendar_periods import last_whole, year_of
from .case_children import one_each
from .case_files import grids, matching
from .case_mapping import CaseMapping, read_mapping
from .case_rows import Reader, counted
from .case_scope import concerned, in_scope, merged, told_once
from .label_mapping import RECORDED, WHO_SAID_IT, of_pairs
from .study_folder import Ledger, Source, StudyFolder
from .tables import DataError
from .vocabulary import SOURCE_LABELS, period_label

EVENTS = ("child_id", "episode_id", "stage", "date", "area", "offence_group", "gravity", "court", "age")
OFFENCES = ("child_id", "episode_id", "offence_date", "outcome_date", "outcome", "gravity", "offence_group")


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read the exported files as they are, as grids of text; see ``case_files.grids``."""
    return grids(files)


def clean(
    raw: Mapping[str, pd.DataFrame], *, mapping: str = "", key: str = "", new_key: str = "no"
) -> StudyFolder:
    """Turn exported records into children, events and offences.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.
    mapping : path
        The mapping file.
    key : path, optional
        The key file of the pseudonyms; by default the one named by ``YSJ_KEY_FILE``.
    new_key : {"no", "yes"}
        Whether the key file may be made.

    Returns
    -------
    StudyFolder
        `children` (one row each), `events` (one row a decision), `offences` (one row each) and, where
        the mapping names one, `population`; with the ledger.

    Raises
    ------
    DataError
        For a mapping that is absent or undecided, a key that is absent or exposed, a column that is not
        there, unknown codes (with their counts and the lines to add), dates that cannot be read; and for
        what a decision of the mapping says to stop at. All that can be seen at once is told at once.
    """
    if not mapping:
        raise DataError(
            "0 mapping files are named: only a person who knows the system can say what its columns mean.\n"
            "Make a draft with ysj convert --draft-mapping FILE..., decide what it leaves open, and give it with "
            "--mapping FILE.toml."
        )
    rules = read_mapping(mapping)
    reader = Reader(rules, raw)
    reader.check_files()
    records, events, offences = (reader.table(name) for name in ("children", "events", "offences"))
    reader.faults.stop()
    ledger = reader.ledger
    children = one_each(records, rules.decisions["ethnicity_changes"], rules.ethnicity_base, ledger)
    events = merged(in_scope(counted(events, ledger), children, rules, ledger), ledger)
    offences = told_once(offences, ledger)
    children, offences = concerned(children, events, offences, records, ledger)
    _units(children, events, offences, ledger)

    secret = pseudonyms.key(key or None, new=new_key == "yes")
    out = _pseudonymised(children, events, offences, secret, ledger)
    ready = matching(rules.files.get("population", ()), list(raw))
    for name in ready:
        out["population"] = _population_table(raw[name], name, ledger)
    years = rules.years or _years(events, rules, ledger)
    exports = ", ".join(name for name in raw if name not in ready)
    mark = pseudonyms.fingerprint(secret)
    note = f"Read with {rules.name} ({rules.digest}); pseudonyms with key {mark}."
    source = Source(f"Case-management export: {exports}", rules.extract_date.isoformat(), note)
    whose = rules.ethnicity_source or _whose(rules, len(children), ledger)
    return _study(rules, years, out, ledger, source, whose)


def _whose(rules: CaseMapping, children: int, ledger: Ledger) -> str:
    """Say whose word the ethnicity is, where the mapping names no column for it."""
    parts = [section for section in rules.sections if section.table == "children"]
    if any("ethnicity_source" in (*part.columns, *part.always) for part in parts):
        return ""
    what = f"nothing in the mapping says who said the ethnicity: the count is of {SOURCE_LABELS['unknown']}"
    why = "one count holds one source, so reports do not call it self-defined; map ethnicity_source if it is known"
    ledger.add("children", what, why, left=children)
    return "unknown"


def _study(
    rules: CaseMapping, years, out: dict[str, pd.DataFrame], ledger: Ledger, source: Source, whose: str
) -> StudyFolder:
    codes = [
        of_pairs(rules.codes.get(name, {}), code_list=rules.name, field=field)
        for name, field in (("ethnicity", RECORDED), ("ethnicity_source", WHO_SAID_IT))
    ]
    return StudyFolder(
        title=rules.title,
        areas=list(rules.areas),
        ethnicity_base=rules.ethnicity_base,
        reference="White",
        period=rules.period,
        years=years,
        vintage=rules.population_vintage,
        tables=out,
        ledger=ledger,
        sources=[source],
        ethnicity_source=whose,
        labels=pd.concat(codes, ignore_index=True),
    )


def _pseudonymised(children, events, offences, secret: bytes, ledger: Ledger) -> dict[str, pd.DataFrame]:
    """Give the tables with keyed hashes for ids, and say so."""
    out = {
        "children": _hashed(children, secret),
        "events": _hashed(events, secret)[[c for c in EVENTS if c in events]],
    }
    if len(offences):
        out["offences"] = _hashed(offences, secret)[[c for c in OFFENCES if c in offences]]
    why = f"a keyed hash of each; key {pseudonyms.fingerprint(secret)}. No name, address or text was read"
    ledger.add("pseudonyms", "ids of children and episodes replaced", why, left=len(children))
    return out


def _population_table(grid: pd.DataFrame, name: str, ledger: Ledger) -> pd.DataFrame:
    table = grid.iloc[1:].set_axis([str(c).strip() for c in grid.iloc[0]], axis=1)
    tables.check(table, "population", file=name)
    ledger.add("read", f"{name}: rows of population", "as they are", left=len(table))
    return table


def _units(children, events, offences, ledger: Ledger) -> None:
    what = (
        f"{len(children):,} children, {events['episode_id'].nunique():,} episodes, {len(events):,} events"
        + (f", {len(offences):,} offences" if len(offences) else "")
    )
    ledger.add("units", what, "different counts: a figure says which one it is of", left=len(children))


def _years(events: pd.DataFrame, rules: CaseMapping, ledger: Ledger) -> tuple[int, int]:
    """Take the years of the events where the mapping names none, up to the last that is whole."""
    years = year_of(pd.to_datetime(events["date"], format="%Y-%m-%d"), rules.period)
    whole = last_whole(rules.extract_date, rules.period)
    first, last = int(years.min()), min(int(years.max()), whole)
    if first > last:
        raise DataError(
            f"{rules.name}: 0 of the years of {len(events):,} events are whole. First: "
            f"{period_label(first, 1, rules.period)}, of which the export of {rules.extract_date} holds a part. Export "
            "again when it has ended."
        )
    why = "the mapping names no years: the last is the last whole one; whether the first is whole nobody says"
    ledger.add("years", f"{first} to {last} ({rules.period})", why, left=len(events))
    if later := int(years.gt(last).sum()):
        why = "of a year that had not ended on the day of the export: kept, to follow the years before it"
        ledger.add("years", f"events after {period_label(last, 1, rules.period)}", why, left=later)
    return first, last


def _hashed(table: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """Replace the ids of children and episodes, and forget the order they were in."""
    ids = {"child_id": pseudonyms.pseudonyms(table["child_id"], key, "child")}
    if "episode_id" in table:
        ids["episode_id"] = pseudonyms.pseudonyms(table["episode_id"].fillna(""), key, "episode")
    order = [c for c in ("date", "offence_date", "child_id", "episode_id") if c in table]
    table = table.assign(**ids).drop(columns="offence_id", errors="ignore")
    return table.sort_values(order, kind="stable", ignore_index=True).replace({np.nan: ""})
