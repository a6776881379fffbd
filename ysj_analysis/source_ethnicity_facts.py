"""Ethnicity Facts and Figures: the CSV a page of the service offers, to counts.

One column holds the same people several times: all of them, in five groups, and in sixteen or more. The
value columns have sentences for names, some with stray spaces; ``-`` is nought here, ``N/A`` is no value.
The layout is that of downloads of 2018 to 2024; see `docs/sources.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from . import ethnicity
from .label_mapping import AS_PUBLISHED, of_list
from .published_values import NOT_GIVEN, NOUGHT, added_up, against_total, completed, counts, in_place, year_in
from .source_files import refuse, tables_with
from .study_folder import Ledger, Source, StudyFolder
from .tables import SUPPRESSED, DataError, near, shown
from .vocabulary import BROAD, STAGES

MARKS = {"-": NOUGHT, "N/A": NOT_GIVEN, "": NOT_GIVEN}
"""What is written in place of a number, in this source: ``-`` is nought."""

MEASURES = (
    ("stop and search", "stop_search", "searches"),
    ("stops and searches", "stop_search", "searches"),
    ("arrest", "arrest", "episodes"),
    ("first time entrants", "first_time_entrant", "children"),
    ("first-time entrants", "first_time_entrant", "children"),
    ("custody", "custody_population", "children"),
)
"""Words in the measure, the stage it is and what is counted. The first line that fits holds."""

TOTAL = "All"
_FIXED = ("Measure", "Time", "Time_type", "Ethnicity", "Ethnicity_type", "Geography", "Geography_type")
_NOT_SPLITS = (*_FIXED, "Geography_code", "Notes")
_COUNTS = re.compile(r"(?:number of|count of|numerator)\b(?!.*(?:population|people in)).*", re.IGNORECASE)
_TYPE = re.compile(r".*(2001|2011|2021)\D*(\d+)\+1")


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read downloads as they are; surrounding spaces are gone, also those of column names.

    Parameters
    ----------
    files : sequence of Path
        One CSV, or several with the same columns.

    Returns
    -------
    dict of str to DataFrame
        File name to rows, all cells text.

    Raises
    ------
    DataError
        When a file has not the columns of this service.
    """
    return tables_with(files, _FIXED, "Give the CSV of a page of Ethnicity Facts and Figures.")


def clean(
    raw: Mapping[str, pd.DataFrame],
    *,
    stage: str = "",
    column: str = "",
    ethnicity_base: str = "as published",
) -> StudyFolder:
    """Turn downloads into counts.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.
    stage : str
        The stage counted; by default told by the measure.
    column : str
        The column of counts; by default the one whose name begins "Number of".
    ethnicity_base : {"as published", "2001", "2011", "2021"}
        Which classification to keep, where the file has several.

    Returns
    -------
    StudyFolder
        A `counts` table and the ledger.

    Raises
    ------
    DataError
        For an unknown measure, group or mark, several columns of counts, or rows that repeat.
    """
    ledger = Ledger()
    parts = [_one(table, stage, column, ethnicity_base, ledger) for table in raw.values()]
    bases, kinds, units = (sorted({part.attrs[key] for part in parts}) for key in ("base", "period", "unit"))
    for name, found in (("census bases", bases), ("kinds of year", kinds), ("units", units)):
        if len(found) > 1:
            raise DataError(
                f"{len(raw)} files have {len(found)} {name}: {', '.join(found)}.\nConvert them one by one."
            )
    long = pd.concat(parts, ignore_index=True)
    keys = ["area", "year", "stage", "group"]
    if (twice := long.duplicated(keys)).any():
        raise DataError(
            f"{len(raw)} files hold {twice.sum():,} of {len(long):,} counts twice. First: "
            f"{', '.join(map(str, long.loc[twice.idxmax(), keys]))}.\nGive each count once."
        )
    why = "the service leaves out a group without a figure"
    table = completed(long.assign(unit=units[0]), [g for g in BROAD if g in set(long["group"])], ledger, why)
    return StudyFolder(
        title="Ethnicity facts and figures",
        areas=list(dict.fromkeys(table["area"])),
        ethnicity_base=bases[0],
        reference="White",
        unit=units[0],
        period=kinds[0],
        years=(int(table["year"].min()), int(table["year"].max())),
        tables={"counts": table[["area", "year", "stage", "group", "events", "unit"]]},
        ledger=ledger,
        sources=[
            Source(
                "Race Disparity Unit, Ethnicity facts and figures",
                "not stated",
                "Open Government Licence v3.0. People of any age unless the ledger says otherwise.",
            )
        ],
        labels=of_list(parts[0].attrs["scheme"], base=bases[0], field=AS_PUBLISHED),
    )


def _one(table: pd.DataFrame, stage: str, column: str, base: str, ledger: Ledger) -> pd.DataFrame:
    """Turn one download into area, year, stage, group and events."""
    file = table.attrs["file"]
    ledger.add("read", f"{len(table):,} rows of {file}", "as they are", left=len(table))
    stage, unit = _stage(table, stage)
    column = _column(table, column, ledger)
    kept = _without_splits(table, column, ledger)
    totals = kept[kept["Ethnicity"] == TOTAL]
    kept, base = _one_classification(kept[kept["Ethnicity"] != TOTAL], base, ledger)
    kept.attrs["file"] = file
    years = kept["Time"].map(year_in)
    refuse(kept, years.isna(), "Time", "have no single year", "Keep rows of single years.", first_row=2)
    cells = kept[column].set_axis(kept.index + 2)  # as a person counts rows
    numbers = counts(cells, MARKS, file=file, source="source_ethnicity_facts", ledger=ledger)
    found = pd.DataFrame(
        {
            "area": kept["Geography"],
            "time": kept["Time"],
            "year": years.map(lambda y: y.start),
            "stage": stage,
            "group": _groups(kept, base, len(table)),
            "events": numbers.to_numpy(),
        }
    )
    keys = ["area", "year", "group"]
    detailed = kept["Ethnicity_type"].map(_size).gt(6).any()
    if (twice := found.duplicated(keys)).any() and not detailed:
        row = kept.index[twice][0]
        raise DataError(
            f"{file}: {twice.sum():,} of {len(found):,} rows repeat an area, year and group. First: row "
            f"{row + 2:,}.\n"
            "Another column splits the rows: keep those of one value of it."
        )
    found = found.groupby(["area", "time", "year", "stage", "group"], sort=False, as_index=False).agg(
        {"events": added_up}
    )
    _compare(found, totals, column, ledger)
    none = found["events"] == ""
    if none.any():
        ledger.add(
            "no figure",
            f"{none.sum():,} of {len(found):,} counts of {file} are not given and become {SUPPRESSED}",
            "a missing figure is not 0",
            removed=int(none.sum()),
            left=int((~none).sum()),
        )
    found["events"] = found["events"].where(~none, SUPPRESSED)
    found.attrs |= {"base": base, "unit": unit, "period": _period(kept), "scheme": _scheme(kept, base)}
    return found.drop(columns="time")


def _stage(table: pd.DataFrame, stage: str) -> tuple[str, str]:
    measures = list(dict.fromkeys(table["Measure"]))
    fits = [next((m for m in MEASURES if m[0] in measure.lower()), None) for measure in measures]
    if stage:
        if stage not in STAGES:
            raise DataError(
                f"stage is {shown(stage)}, which is no stage.{near(stage, STAGES)}\nKnown are "
                f"{', '.join(STAGES)}."
            )
        return stage, next((m[2] for m in fits if m and m[1] == stage), "episodes")
    if len(measures) != 1 or fits[0] is None:
        raise DataError(
            f"{table.attrs['file']}: {len(measures)} measures, {fits.count(None)} of them of no known stage. "
            f"First: {shown(measures[0], 80)}.\n"
            "Say which stage it is with -p stage=..., or add a line to MEASURES in source_ethnicity_facts."
        )
    return fits[0][1], fits[0][2]


def _column(table: pd.DataFrame, column: str, ledger: Ledger) -> str:
    """Find the one column of counts, and say which others were set aside."""
    values = [name for name in table if name not in _NOT_SPLITS]
    found = (
        [name for name in values if name == column.strip()]
        if column
        else list(filter(_COUNTS.fullmatch, values))
    )
    if len(found) != 1:
        listed = ", ".join(shown(name, 80) for name in values) or "none"
        raise DataError(
            f"{table.attrs['file']}: {len(found)} of {len(values)} value columns are "
            + (f"named {shown(column, 80)}" if column else 'counts ("Number of ...")')
            + f". They are {listed}.\nSay which one it is with -p column='...'. Rates and shares cannot "
            "be counted."
        )
    if others := [name for name in values if name != found[0]]:
        ledger.add(
            "columns",
            f"{len(others)} of {len(values)} value columns set aside: "
            f"{', '.join(shown(name, 80) for name in others)}",
            "rates are computed here from counts; populations in these files are of all ages, and often of "
            "one census for every year",
            removed=len(others),
            left=1,
        )
    return found[0]


def _without_splits(table: pd.DataFrame, column: str, ledger: Ledger) -> pd.DataFrame:
    """Keep the rows for all of a further dimension, or for children where it is age."""
    kept = table
    for name in (n for n in table if n not in _NOT_SPLITS and n != column):
        values = set(kept[name])
        wanted = next((v for v in ("10-17", "10 to 17", TOTAL) if v in values), None)
        if wanted and len(values) > 1:
            left = kept[kept[name] == wanted]
            ledger.add(
                "splits",
                f"{len(kept) - len(left):,} of {len(kept):,} rows where {shown(name)} is not "
                f"{shown(wanted)} set aside",
                "the same people are in the other rows, or they are not children",
                removed=len(kept) - len(left),
                left=len(left),
            )
            kept = left
    return kept


def _size(kind: str) -> int:
    match = _TYPE.fullmatch(kind)
    return int(match[2]) if match else 0


def _one_classification(kept: pd.DataFrame, base: str, ledger: Ledger) -> tuple[pd.DataFrame, str]:
    """Keep each person once: five groups where they are there, else the detailed ones, on one base."""
    kinds = kept["Ethnicity_type"].map(
        lambda kind: (m[1], int(m[2])) if (m := _TYPE.fullmatch(kind)) else None
    )
    if (bad := kinds.isna()).any():
        raise DataError(
            f"{kept.attrs['file']}: {bad.sum():,} of {len(kept):,} rows have a classification that is not "
            f"understood: {shown(kept.loc[bad, 'Ethnicity_type'].iloc[0])}. First: row "
            f"{kept.index[bad][0] + 2:,}, column Ethnicity_type.\n"
            "Known are those like 'ONS 2011 5+1' and 'ONS 2011 16+1'."
        )
    bases = sorted({b for b, _ in kinds})
    if base == "as published":
        if len(bases) > 1:
            raise DataError(
                f"{kept.attrs['file']}: {len(bases)} census bases in one file: {', '.join(bases)}. Chinese "
                "people are in different groups on them.\n"
                "Say which to keep with -p ethnicity_base=2011, or another."
            )
        base = bases[0] if bases else "2011"
    on_base = kinds.map(lambda kind: kind[0] == base)
    sizes = {kind[1] for kind in kinds[on_base]}
    if not sizes:
        raise DataError(
            f"{kept.attrs['file']}: 0 of {len(kept):,} rows are on the base of {base}.\nIt has "
            f"{', '.join(bases)}."
        )
    size = 5 if 5 in sizes else max(sizes)
    wanted = kinds.map(lambda kind: kind == (base, size))
    if (~wanted).any():
        ledger.add(
            "classification",
            f"{(~wanted).sum():,} of {len(kept):,} rows in other classifications than {size}+1 of {base} "
            "set aside",
            "they are the same people in other groups, and would be counted twice",
            removed=int((~wanted).sum()),
            left=int(wanted.sum()),
        )
    return kept[wanted].copy(), base


def _scheme(kept: pd.DataFrame, base: str) -> str:
    """Name the code list of the rows kept: five groups on their base, or the detailed standard labels."""
    broad = kept["Ethnicity_type"].map(_size).eq(5).all()
    return ("broad-2001" if base == "2001" else "broad-2021") if broad else "standard"


def _groups(kept: pd.DataFrame, base: str, rows: int) -> pd.Series:
    """Recode the labels kept; unreported people are a group of their own, the unknown."""
    scheme = _scheme(kept, base)
    broad = scheme != "standard"
    labels = kept["Ethnicity"].where(~kept["Ethnicity"].str.lower().isin(_UNREPORTED), "Unknown")
    if broad and base == "2001":
        labels = labels.replace({"Other": "Chinese or Other", "Other including Chinese": "Chinese or Other"})
    labels = in_place(labels, rows, "White" if broad else "White British")
    found = ethnicity.groups(labels, scheme=scheme, base=base, file=kept.attrs["file"], column="Ethnicity")
    return found[kept.index].astype(str)


_UNREPORTED = ("unreported", "not reported", "unknown", "not stated", "not known", "unclassified")
"""Labels of people whose ethnicity is not known, in this source (Race Disparity Unit look-up)."""


def _period(kept: pd.DataFrame) -> str:
    said = " ".join(dict.fromkeys(kept["Time_type"])).lower()
    for word, period in (("calendar", "calendar"), ("academic", "academic"), ("financial", "financial")):
        if word in said:
            return period
    years = [year_in(time) for time in set(kept["Time"])]
    return "calendar" if all(y is not None and y.kind == "single" for y in years) else "financial"


def _compare(found: pd.DataFrame, totals: pd.DataFrame, column: str, ledger: Ledger) -> None:
    """Compare the groups with the row for all, where there is one."""
    if totals.empty:
        return
    whole = pd.to_numeric(totals[column].str.replace(",", ""), errors="coerce")
    by = whole.groupby([totals["Geography"], totals["Time"]]).first()
    numbers = pd.to_numeric(found["events"], errors="coerce")
    sums = numbers.groupby([found["area"], found["time"]]).agg(
        lambda values: values.sum(min_count=len(values))
    )
    against_total(sums, by.reindex(sums.index), f"column {shown(column, 60)}", ledger)
