"""Nomis bulk tables of ages, as TS007: how many people of each age, to the children of each area.

A bulk table has a row for an area and a column for each age, with totals of several years between the
single ones and a column for all ages. Only single years of age give 10 to 17. There are no ethnic groups:
the result is an exact total, to calibrate a table of groups with or to divide a count of all children by.
The columns of TS007 are known from a real file; those of 2011 tables differ by a column `Rural Urban`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from .ages import AGES
from .label_mapping import AGE, of_pairs
from .published_values import year_in
from .source_files import refuse, text_table
from .study_folder import Ledger, Source, StudyFolder
from .tables import DataError, shown

MARKS: Mapping[str, str] = {}
"""Bulk tables are complete: a cell that is no whole number is an error in this source."""

_EVERYONE = "Children of every group"
_SINGLE = re.compile(r"Age: (?:Aged? )?(\d+)(?: years?)?; (?:Sex: (?:All persons|Total); )?measures: Value")
_BAND = re.compile(
    r"Age: (?:Aged? )?(\d+) (?:to|-) (\d+)(?: years?)?; (?:Sex: (?:All persons|Total); )?measures: Value"
)
_ALL_AGES = re.compile(r"Age: (?:Total|All (?:categories|usual residents).*); .*measures: Value")


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read bulk tables as they are.

    Parameters
    ----------
    files : sequence of Path
        CSV files.

    Returns
    -------
    dict of str to DataFrame
        File name to rows, all cells text.

    Raises
    ------
    DataError
        When a file is no bulk table of ages, or lacks a single year from 10 to 17.
    """
    raw = {}
    for file in files:
        table = text_table(file)
        if not {"date", "geography", "geography code"} <= set(table):
            raise DataError(
                f"{file.name}: no columns date, geography and geography code; it begins "
                f"{', '.join(shown(c) for c in table.columns[:4])}.\nGive a bulk table of Nomis."
            )
        _refuse_no_single_years(table)
        raw[file.name] = table
    return raw


def single_years(columns: Iterable[str]) -> dict[int, str]:
    """Find the columns of single years of age.

    Parameters
    ----------
    columns : iterable of str
        The header of a bulk table.

    Returns
    -------
    dict of int to str
        Age to column.

    Examples
    --------
    >>> single_years(["geography", "Age: Aged 10 years; measures: Value"])
    {10: 'Age: Aged 10 years; measures: Value'}
    """
    return {int(m[1]): c for c in columns if (m := _SINGLE.fullmatch(c))}


def _refuse_no_single_years(table: pd.DataFrame) -> None:
    """Refuse a bulk table that lacks a single year of age from 10 to 17.

    Parameters
    ----------
    table : DataFrame
        As read.

    Raises
    ------
    DataError
        With how many there are, and how many bands.
    """
    single = single_years(table)
    if lacking := [age for age in AGES if age not in single]:
        bands = [c for c in table if _BAND.fullmatch(c)]
        raise DataError(
            f"{table.attrs['file']}: {len(AGES) - len(lacking)} of {len(AGES)} single years from 10 to 17 are there, "
            f"and {len(bands)} bands.\nBands such as 10 to 15 cannot give 10 to 17: give a table of single years of "
            "age, as TS007."
        )


def exact(table: pd.DataFrame) -> pd.DataFrame:
    """Give the children of each area and year of age of a bulk table.

    Parameters
    ----------
    table : DataFrame
        As read, a row an area.

    Returns
    -------
    DataFrame
        ``area, code, age, population``, whole numbers, an age after the other; on the index of the table,
        repeated.

    Raises
    ------
    DataError
        For a single year that is not there, or a count that is no whole number.
    """
    _refuse_no_single_years(table)
    columns = {column: age for age, column in single_years(table).items() if age in AGES}
    for column in columns:
        bad = ~table[column].str.fullmatch(r"\d+")
        refuse(table, bad, column, "have a count that is not a whole number", "Correct it.", first_row=2)
    names = {"geography": "area", "geography code": "code"}
    return (
        table.rename(columns=names | columns)
        .melt(
            [*names.values()],
            list(columns.values()),
            var_name="age",
            value_name="population",
            ignore_index=False,
        )
        .astype({"age": int, "population": int})
    )


def clean(raw: Mapping[str, pd.DataFrame]) -> StudyFolder:
    """Turn bulk tables into the children aged 10 to 17 of each area and age.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.

    Returns
    -------
    StudyFolder
        A `population` table of one group, all children, by single year of age.

    Raises
    ------
    DataError
        For a cell that is no whole number, an area that repeats, or bands that are not the sums of
        their years.
    """
    ledger = Ledger()
    population = pd.concat([_one(table, ledger) for table in raw.values()], ignore_index=True)
    if (twice := population.duplicated(["area", "year", "age"])).any():
        row = population[twice].iloc[0]
        raise DataError(
            f"{', '.join(raw)}: {twice.sum():,} of {len(population):,} areas, years and ages repeat. First: "
            f"{shown(row['area'])}, {row['year']}, age {row['age']}.\nGive each area once; areas of one "
            "name need another."
        )
    return StudyFolder(
        title="Children aged 10 to 17, all ethnic groups together",
        areas=list(dict.fromkeys(population["area"])),
        ethnicity_base="own",
        groups=[_EVERYONE],
        reference=_EVERYONE,
        period="calendar",
        years=(int(population["year"].min()), int(population["year"].max())),
        vintage=population["vintage"].iloc[0],
        tables={"population": population},
        ledger=ledger,
        sources=[
            Source(
                "Office for National Statistics, Nomis bulk table of single years of age",
                "not stated",
                "Crown copyright, Open Government Licence v3.0. Exact, and without ethnic groups.",
            )
        ],
        labels=pd.concat([_ages(table) for table in raw.values()]).drop_duplicates(ignore_index=True),
    )


def _ages(table: pd.DataFrame) -> pd.DataFrame:
    """Say which column was read as which age."""
    columns = {column: str(age) for age, column in single_years(table).items() if age in AGES}
    return of_pairs(columns, code_list="Nomis", field=AGE)


def _one(table: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    file = table.attrs["file"]
    table = _one_kind_of_place(table, ledger)
    single = single_years(table)
    years = table["date"].map(year_in)
    refuse(table, years.isna(), "date", "have no year", "Write the year of the census.", first_row=2)
    for column in [c for c in table if "measures: Value" in c]:
        bad = ~table[column].str.fullmatch(r"\d+")
        refuse(table, bad, column, "have a count that is not a whole number", "Correct it.", first_row=2)
    _check_bands(table, single, ledger)
    children = exact(table)
    ledger.add(
        "read",
        f"{len(table):,} areas of {file}; {len(single) - len(AGES)} single years other than 10 to 17 set "
        "aside",
        "the youth justice system is for children aged 10 to 17",
        left=int(children["population"].sum()),
    )
    start = years.map(lambda y: y.start)
    long = children.assign(
        year=start, vintage=start.map("census {}".format), age=children["age"].astype(str), group=_EVERYONE
    )[["area", "year", "vintage", "age", "group", "population"]]
    order = pd.Categorical(long["area"], list(dict.fromkeys(table["geography"])))
    return long.assign(_area=order).sort_values(["_area", "year", "age"], kind="stable").drop(columns="_area")


def _one_kind_of_place(table: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Keep the total of town and country, where a table of 2011 has it."""
    column = next((c for c in table if c.casefold() == "rural urban"), None)
    if column is None:
        return table
    kept = table[table[column] == "Total"].reset_index(drop=True)
    kept.attrs = table.attrs
    if kept.empty:
        raise DataError(
            f"{table.attrs['file']}: 0 of {len(table):,} rows are the Total of {column}.\nGive the total."
        )
    ledger.add(
        "totals",
        f"{len(table) - len(kept):,} of {len(table):,} rows of parts of {column} set aside",
        "the total of town and country is what is wanted",
        removed=len(table) - len(kept),
        left=len(kept),
    )
    return kept


def _check_bands(table: pd.DataFrame, single: Mapping[int, str], ledger: Ledger) -> None:
    """Check that bands between the single years are their sums, and say that they were set aside."""
    bands = {c: range(int(m[1]), int(m[2]) + 1) for c in table if (m := _BAND.fullmatch(c))}
    whole = [c for c in table if _ALL_AGES.fullmatch(c)]
    for column, ages in bands.items():
        if set(ages) <= set(single):
            parts = table[[single[age] for age in ages]].astype(int).sum(axis=1)
            bad = parts != table[column].astype(int)
            what = f"have a band that is not the sum of its {len(ages)} years"
            refuse(table, bad, column, what, "Download the table again.", first_row=2)
    if bands or whole:
        ledger.add(
            "totals",
            f"{len(bands) + len(whole)} columns of {table.attrs['file']} are totals of other columns and "
            "set aside",
            "each band is the sum of its single years; among them it would be counted twice",
            removed=len(bands) + len(whole),
            left=len(single),
        )
