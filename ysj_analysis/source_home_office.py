"""The Home Office's open data on stop and search and on arrests: .ods tables, to counts of children.

One row is a combination of force, group, age, reason and outcome with a number; a table of five years has
half a million rows and unpacks to a gigabyte, so it is streamed. A combination without a row is none.
Column names and labels are those in public code that reads the releases to March 2021, 2023 and 2025;
the files themselves were not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from . import workbook
from .ages import CHILD, repaired, who
from .label_mapping import SELF_DEFINED, of_pairs
from .published_values import HIDDEN, NOT_GIVEN, NOUGHT, completed, counts, known, plain, year_in
from .source_files import refuse
from .study_folder import Ledger, Source, StudyFolder
from .tables import SUPPRESSED, DataError, shown
from .vocabulary import BROAD

LIMITS = workbook.Limits(file=200_000_000, unpacked=4_000_000_000, ratio=400, cells=30_000_000)
"""Wider than usual: these tables are known to be long. They stream, so memory does not grow with them."""

MARKS = {"-": NOUGHT, "*": HIDDEN, "..": NOT_GIVEN, "": NOT_GIVEN}
"""What is written in place of a number, in this source (Home Office conventions, recalled)."""

COLUMNS = {
    "year": ("financial_year", "financial year"),
    "area": ("police_force_area", "force name", "police force area", "force"),
    "group": (
        "self_defined_ethnicity_group",
        "ethnic group (self-defined - new style)",
        "self-defined ethnicity group",
    ),
    "age": ("age_group", "age group"),
    "stop_search": ("number_of_searches", "searches"),
    "arrest": ("number_of_arrests", "arrests"),
}
"""What each column is called in the releases, in small letters."""

# Label to group on each base. From 2019/20 arrests say which classification they are in; before, Chinese
# people are counted with Other.
GROUPS = {
    "2011": {
        "White": "White",
        "Black or Black British": "Black",
        "Asian or Asian British": "Asian",
        "Mixed": "Mixed",
        "Other Ethnic Group": "Other",
        "2019/20 onwards - Asian or Asian British": "Asian",
        "2019/20 onwards - Other Ethnic Group": "Other",
        "Not Stated": "Unknown",
        "Not Known": "Unknown",
        "Unknown": "Unknown",
    },
    "2001": {
        "White": "White",
        "Black or Black British": "Black",
        "Asian or Asian British": "Asian",
        "Mixed": "Mixed",
        "Chinese/other": "Other",
        "Chinese or other": "Other",
        "Chinese or other ethnic group": "Other",
        "Not Stated": "Unknown",
        "Not Known": "Unknown",
        "Unknown": "Unknown",
    },
}
_NO_PERSON = "N/A - vehicle search"
NO_AGE = {"", "not known", "unknown", "not stated", "n/a", "n/a - vehicle search", "age not known"}
ADULTS = {"21 years and over", "21 and over", "30 or over", "25 or over", "18 and over", "over 34"}
_CHANGED = 2019
"""The first year of the newer classification."""


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read the columns needed of every open-data sheet.

    Parameters
    ----------
    files : sequence of Path
        Workbooks of open data.

    Returns
    -------
    dict of str to DataFrame
        "file, sheet" to rows of text with the columns year, area, group, age and stop_search or arrest,
        indexed by the row in the file.

    Raises
    ------
    DataError
        When no sheet of a file has such columns, or one has no age group.
    """
    raw: dict[str, pd.DataFrame] = {}
    for file in files:
        found: dict[str, _Sheet] = {}
        words: dict[str, str] = {}
        for sheet, row, cells in workbook.rows(file, LIMITS):
            found.setdefault(sheet, _Sheet()).take(row, cells, words)
        tables = {name: sheet for name, sheet in found.items() if sheet.columns}
        if not tables:
            raise DataError(
                f"{file.name}: 0 of {len(found)} sheets have a year, a force, a self-defined ethnic group "
                f"and a number of searches or arrests: {', '.join(map(shown, list(found)[:6]))}.\n"
                "Give the open data tables of police powers and procedures. Summary tables are not read."
            )
        for name, taken in tables.items():
            if "age" not in taken.columns:
                raise DataError(
                    f"{file.name}: sheet {shown(name)} has no age group, so it cannot give children.\n"
                    "Give a release that has one: stop and search from April 2020, arrests."
                )
            table = pd.DataFrame(taken.rows, columns=list(taken.columns), index=taken.numbers, dtype=str)
            table.attrs["file"] = f"{file.name}, sheet {shown(name)}"
            raw[f"{file.name}, {name}"] = table
    return raw


class _Sheet:
    """Keeps the columns needed of one sheet as its rows pass by."""

    def __init__(self):
        self.columns: dict[str, int] = {}
        self.rows: list[list[str]] = []
        self.numbers: list[int] = []
        self.tried = 0

    def take(self, number: int, cells: list[str], words: dict[str, str]) -> None:
        if self.columns:
            self.numbers.append(number)
            values = (cells[at] if at < len(cells) else "" for at in self.columns.values())
            self.rows.append([words.setdefault(value, value) for value in values])
        elif self.tried < 20:
            self.tried += 1
            names = [" ".join(plain(cell).lower().split()) for cell in cells]
            at = {key: names.index(name) for key, known in COLUMNS.items() for name in known if name in names}
            if {"year", "area", "group"} <= set(at) and {"stop_search", "arrest"} & set(at):
                self.columns = at


def clean(raw: Mapping[str, pd.DataFrame], *, ethnicity_base: str = "2011") -> StudyFolder:
    """Turn open data into counts of children by force, year and group.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.
    ethnicity_base : {"2011", "2001"}
        Which classification to keep: that of 2019/20 and later, or the one before. They are never joined.

    Returns
    -------
    StudyFolder
        A `counts` table of searches or of arrests, and the ledger.

    Raises
    ------
    DataError
        For an unknown group, age or mark, or searches and arrests together.
    """
    ledger = Ledger()
    stages = sorted(
        {stage for table in raw.values() for stage in ("stop_search", "arrest") if stage in table}
    )
    if len(stages) != 1:
        raise DataError(
            f"{len(raw)} sheets hold {' and '.join(stages)}: a search is no arrest, and a study has one "
            "unit.\n"
            "Convert them one by one."
        )
    stage = stages[0]
    unit = {"stop_search": "searches", "arrest": "episodes"}[stage]
    found = pd.concat(
        [_one(table, stage, ethnicity_base, ledger) for table in raw.values()], ignore_index=True
    )
    if found.duplicated(["area", "year", "group"]).any():
        raise DataError(f"{len(raw)} sheets hold the same forces and years.\nGive each once.")
    why = "the open data has a row for each combination that occurred, and none for the others"
    table = completed(found.assign(stage=stage, unit=unit), BROAD, ledger, why, value="0")
    return StudyFolder(
        title=f"Children aged 10 to 17: {'stop and search' if stage == 'stop_search' else 'arrests'} by police force",
        areas=list(dict.fromkeys(table["area"])),
        ethnicity_base=ethnicity_base,
        reference="White",
        unit=unit,
        period="financial",
        years=(int(table["year"].min()), int(table["year"].max())),
        tables={"counts": table[["area", "year", "stage", "group", "events", "unit"]]},
        ledger=ledger,
        ethnicity_source="self",
        labels=of_pairs(GROUPS[ethnicity_base], code_list="Home Office", field=SELF_DEFINED),
        sources=[
            Source(
                "Home Office, Police powers and procedures, open data tables",
                "not stated",
                "Open Government Licence v3.0. Self-defined ethnicity; police force areas, not boroughs.",
            )
        ],
    )


def _one(table: pd.DataFrame, stage: str, base: str, ledger: Ledger) -> pd.DataFrame:
    """Turn one sheet into area, year, group and events of children."""
    file = table.attrs["file"]
    numbers = counts(table[stage], MARKS, file=file, source="source_home_office", ledger=ledger)
    weight = pd.to_numeric(numbers, errors="coerce").fillna(0).astype("int64")
    ledger.add(
        "read", f"{len(table):,} rows of {file}, {weight.sum():,} in all", "as they are", left=len(table)
    )
    children = _children(table, weight, ledger)
    no_person = children & table["group"].str.casefold().eq(_NO_PERSON.casefold())
    _aside(no_person, table, weight, "are of vehicles", "they have no person, so no ethnicity", ledger)
    kept = table[children & ~no_person]
    years = kept["year"].map(year_in)
    refuse(kept, years.map(lambda y: y is None or y.kind != "split"), "year", "have no financial year",
           "Write it as 2022/23.", first_row=0)  # fmt: skip
    starts = years.map(lambda y: y.start)
    here = (starts >= _CHANGED) == (base == "2011")
    away = pd.Series(False, index=table.index)
    away[kept.index[~here]] = True
    which = "before" if base == "2011" else "from"
    _aside(away, table, weight, f"are of years {which} 2019/20",
           "Chinese people are in another group there; the two classifications cannot be joined", ledger)  # fmt: skip
    kept, starts = kept[here], starts[here]
    if kept.empty:
        raise DataError(
            f"{file}: 0 of {len(table):,} rows are of children on the base of {base}.\nAsk for the other "
            "base."
        )
    groups = known(
        kept["group"], GROUPS[base], file=file, what="ethnic group", source="GROUPS in source_home_office"
    )
    hidden = numbers[kept.index].eq(SUPPRESSED)
    cells = pd.DataFrame(
        {"area": kept["area"], "year": starts, "group": groups, "n": weight[kept.index], "hidden": hidden}
    )
    sums = cells.groupby(["area", "year", "group"], sort=False, as_index=False).agg(
        n=("n", "sum"), hidden=("hidden", "any")
    )
    events = sums["n"].astype(str).mask(sums["hidden"], SUPPRESSED)
    total, unknown = int(sums["n"].sum()), int(sums.loc[sums["group"] == "Unknown", "n"].sum())
    ledger.add(
        "group",
        f"{total:,} of children kept, {unknown:,} of them of unknown ethnicity",
        "not stated is a group of its own, and not Other",
        left=total,
    )
    return sums[["area", "year", "group"]].assign(events=events)


def _children(table: pd.DataFrame, weight: pd.Series, ledger: Ledger) -> pd.Series:
    """Tell the rows of children; say how many had no age, and stop at an age that is not understood."""

    def kind(label: str) -> str | None:
        text = plain(label).casefold()
        if text in NO_AGE:
            return "none"
        if text in ADULTS:
            return "adult"
        return who(repaired(text.removesuffix(" years").replace(" or over", " and over")))

    kinds = table["age"].map({label: kind(label) for label in table["age"].unique()})
    refuse(table, kinds.isna(), "age", "have an age group that is not understood, or that holds children and adults",
           "Correct it, or add it to NO_AGE or ADULTS in source_home_office.", first_row=0)  # fmt: skip
    children = kinds == CHILD
    _aside(
        kinds == "none", table, weight, "have no age", "nobody can say whether they are of children", ledger
    )
    _aside(~children & (kinds != "none"), table, weight, "are of other ages than 10 to 17",
           "the youth justice system is for children aged 10 to 17", ledger)  # fmt: skip
    return children


def _aside(
    rows: pd.Series, table: pd.DataFrame, weight: pd.Series, what: str, why: str, ledger: Ledger
) -> None:
    if rows.any():
        ledger.add(
            "set aside",
            f"{rows.sum():,} of {len(table):,} rows, {weight[rows].sum():,} in all, {what}",
            why,
            removed=int(rows.sum()),
            left=int((~rows).sum()),
        )
