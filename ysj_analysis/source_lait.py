"""The Department for Education's Local Authority Interactive Tool: its CSV, to a table of comparators.

The tool has rates and numbers of local authorities, regions and England, and no ethnic groups: it gives
what a rate is compared with, not counts to study. The label of a series is filled once and then blank,
years are written in many ways, and one published row is wrong: an England rate of first-time entrants
that is the sum of nine regional rates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from .label_mapping import AREA, MARK, of_pairs
from .published_values import NOT_GIVEN, most_frequent, number, plain, year_in
from .source_files import tables_with
from .study_folder import Ledger, Source, StudyFolder
from .tables import DataError, shown

MARKS = {"-": NOT_GIVEN, "..": NOT_GIVEN, ":": NOT_GIVEN, "c": NOT_GIVEN, "x": NOT_GIVEN, "": NOT_GIVEN}
"""What is written in place of a number, in this source: ``-`` is never nought."""

REGIONS = (
    "North East",
    "North West",
    "Yorkshire and The Humber",
    "East Midlands",
    "West Midlands",
    "East of England",
    "London",
    "South East",
    "South West",
)
"""The nine regions of England."""

_SAME_AREA = {
    "London (Inner)": "Inner London",
    "London (Outer)": "Outer London",
    "Yorkshire & the Humber": "Yorkshire and The Humber",
    "Yorkshire and the Humber": "Yorkshire and The Humber",
    "East": "East of England",
    "ENGLAND": "England",
}
"""Other names of an area in the same files."""

_HEADER = ("Short Desc", "Data item", "Years", "LA and Regions", "Values")
_KINDS = {"single": "year", "split": "two years named", "financial": "financial", "december": "december"}
_COUNTED = re.compile(r"\b(?:number|count|total)\b", re.IGNORECASE)


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read downloads as they are.

    Parameters
    ----------
    files : sequence of Path
        CSV files of the tool.

    Returns
    -------
    dict of str to DataFrame
        File name to rows, all cells text.

    Raises
    ------
    DataError
        When a file has not the columns of the tool.
    """
    return tables_with(files, _HEADER, "Give the CSV of the Local Authority Interactive Tool.")


def clean(raw: Mapping[str, pd.DataFrame]) -> StudyFolder:
    """Turn downloads into comparators.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.

    Returns
    -------
    StudyFolder
        A `comparators` table: ``indicator, area, area_code, region, year, label, period, value``. It is no
        study on its own: copy it beside one.

    Raises
    ------
    DataError
        For a first row without a label, a value that is neither a number nor a known mark, a label of
        years that is not understood, or a series that gives two values for one area and year.
    """
    ledger = Ledger()
    long = pd.concat([_one(table, ledger) for table in raw.values()], ignore_index=True)
    keys = ["indicator", "area", "label"]
    if (twice := long.duplicated(keys)).any():
        raise DataError(
            f"{', '.join(raw)}: {twice.sum():,} of {len(long):,} values repeat an indicator, area and year. "
            f"First: {', '.join(shown(v) for v in long.loc[twice.idxmax(), keys])}.\n"
            "Give each series once."
        )
    kept = _plausible(long, ledger)
    return StudyFolder(
        title="Comparators from the Local Authority Interactive Tool",
        areas=list(dict.fromkeys(kept["area"])),
        ethnicity_base="own",
        reference="",
        period="financial",
        years=(int(kept["year"].min()), int(kept["year"].max())),
        tables={"comparators": kept},
        ledger=ledger,
        sources=[
            Source(
                "Department for Education, Local Authority Interactive Tool",
                "not stated",
                "Open Government Licence v3.0. All children; no ethnic groups.",
            )
        ],
        labels=pd.concat(
            [
                of_pairs(_SAME_AREA, code_list="LAIT", field=AREA),
                of_pairs(dict.fromkeys(MARKS, "held back or not there"), code_list="LAIT", field=MARK),
            ],
            ignore_index=True,
        ),
    )


def _one(table: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Turn one download into indicator, area, year and value."""
    file = table.attrs["file"]
    labels = table[["Short Desc", "Data item"]].replace("", pd.NA)
    blank = int(labels["Data item"].isna().sum())
    if labels.iloc[0].isna().any():
        raise DataError(
            f"{file}: {blank:,} of {len(table):,} rows have no Data item, the first row among them. First: "
            "row 2, column Data item.\n"
            "A blank means the label above it; give the file from its first row."
        )
    # A new series is named in Short Desc; a label is never carried from one series into the next.
    described = labels["Short Desc"].ffill()
    items = labels["Data item"].groupby((described != described.shift()).cumsum()).ffill().fillna("")
    ledger.add(
        "fill down",
        f"{blank:,} of {len(table):,} rows of {file} have no Data item and take the one above",
        "the label is written once, at the head of its rows",
        left=len(table),
    )
    found = pd.DataFrame(
        {
            "indicator": [
                " - ".join(dict.fromkeys(filter(None, pair))) for pair in zip(described, items, strict=True)
            ],
            "area": table["LA and Regions"].replace(_SAME_AREA),
            "area_code": table.get("LA Number", ""),
            "region": table.get("Region", ""),
            "label": table["Years"].map(plain),
            "cell": table["Values"],
        }
    )
    renamed = int((found["area"] != table["LA and Regions"]).sum())
    if renamed:
        ledger.add(
            "names",
            f"{renamed:,} of {len(found):,} area names made the same",
            "one area has two names",
            left=len(found),
        )
    return _values(_years(found, file, ledger), file, ledger)


def _years(found: pd.DataFrame, file: str, ledger: Ledger) -> pd.DataFrame:
    """Read the years; a row of year 0 has none and is set aside."""
    years = found["label"].map(year_in)
    none = found["label"].isin(["0", ""])
    if (bad := years.isna() & ~none).any():
        listed = most_frequent(found.loc[bad, "label"])
        raise DataError(
            f"{file}: {bad.sum():,} of {len(found):,} rows have years that are not understood: {listed}. "
            f"First: row {bad.idxmax() + 2:,}, column Years.\n"
            "Known are 2016, 2015/16, 2016-17 (OT) and year ending March 2021."
        )
    if none.any():
        ledger.add(
            "years",
            f"{none.sum():,} of {len(found):,} rows of {file} have the year 0 or none and are set aside",
            "nobody can say which year they are of",
            removed=int(none.sum()),
            left=int((~none).sum()),
        )
    kept = found[~none].copy()
    kept["year"] = [year.start for year in years[~none]]
    kept["period"] = [_KINDS[year.kind] for year in years[~none]]
    return kept


def _values(found: pd.DataFrame, file: str, ledger: Ledger) -> pd.DataFrame:
    """Read the values; a mark is never nought here."""
    cells = found["cell"].str.removesuffix("%").str.strip()
    values = cells.map(number).astype(float)
    marked = cells.isin(MARKS)
    if (bad := values.isna() & ~marked).any():
        listed = most_frequent(found.loc[bad, "cell"])
        raise DataError(
            f"{file}: {bad.sum():,} of {len(found):,} values are neither a number nor a mark this source is "
            f"known to use: {listed}. First: row {bad.idxmax() + 2:,}, column Values.\n"
            "Correct them, or add the mark to MARKS in source_lait."
        )
    if marked.any():
        met = ", ".join(f"{mark or 'empty'} ({n:,})" for mark, n in cells[marked].value_counts().items())
        ledger.add(
            "marks",
            f"{marked.sum():,} of {len(found):,} values of {file} are marked and set aside: {met}",
            "in this source a mark is a value held back or not there, never 0; it does not say which",
            removed=int(marked.sum()),
            left=int((~marked).sum()),
        )
    columns = ["indicator", "area", "area_code", "region", "year", "label", "period", "value"]
    return found.assign(value=values)[~marked][columns]


def _plausible(long: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Take out an England rate that lies outside those of its regions."""
    regions = long[long["area"].isin(REGIONS)].groupby(["indicator", "label"])["value"]
    spread = regions.agg(["min", "max", "sum", "count"])
    england = long[long["area"] == "England"].join(spread, on=["indicator", "label"])
    # Rounding of the regions can move their mean beyond the largest of them by a little.
    outside = england["value"].gt(england["max"] * 1.02) | england["value"].lt(england["min"] * 0.98)
    odd = england[outside & england["count"].ge(2)]
    adds = (odd["value"] - odd["sum"]).abs() <= (odd["sum"].abs() * 0.005).clip(lower=0.5 * odd["count"])
    counted = odd["indicator"].str.contains(_COUNTED)
    wrong = odd[~(counted & (odd["value"] > odd["max"]))]
    if len(wrong):
        first = wrong.iloc[0]
        summed = int(adds[wrong.index].sum())
        ledger.add(
            "implausible",
            f"{len(wrong):,} of {len(england):,} England values set aside: they lie outside all regions, and "
            f"{summed:,} are the sum of the regions. First: {shown(first['indicator'], 80)}, "
            f"{first['label']}: {first['value']:,.10g}, regions {first['min']:,.10g} to "
            f"{first['max']:,.10g}, which add to {first['sum']:,.10g}",
            "a rate of England lies among those of its regions; adding rates up gives no rate",
            removed=len(wrong),
            left=len(long) - len(wrong),
        )
    return long.drop(index=wrong.index).reset_index(drop=True)
