"""Children aged 10 to 17 by ethnic group from the 2021 census: single years of age, made to add up.

Two files of the Office for National Statistics. The ethnic table has 19 groups by single year of age;
its counts are rounded to 5 and those of 0 to 9 are printed `c`. TS007 has the exact number of people of
each age for local authorities. `docs/sources.md` explains each choice made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from . import source_nomis
from .ages import AGES
from .calibration import calibrated
from .code_lists import labels
from .label_mapping import SELF_DEFINED, of_list
from .source_files import refuse, text_table
from .study_folder import Ledger, Source, StudyFolder
from .tables import DataError, shown
from .vocabulary import BROAD, broad_groups

YEAR = 2021
VINTAGE = "census 2021"
SUPPRESSED, HIGHEST_SUPPRESSED = "c", 9

LABELS = labels("census-2021")
"""The census' own labels, in full: parts of them occur in one another."""

_CODE, _NAME, _AGE = "Geography Code", "Geography Name", "Age"


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read the ethnic table and, where it is given, TS007, as they are.

    Parameters
    ----------
    files : sequence of Path
        One or two CSV files in any order and under any name; each is known by its header.

    Returns
    -------
    dict of str to DataFrame
        ``ethnic`` and perhaps ``ages``, all cells text.

    Raises
    ------
    DataError
        When a file is neither of the two, is given twice, or the ethnic table is not there.
    """
    raw: dict[str, pd.DataFrame] = {}
    for file in files:
        table = text_table(file)
        if {_CODE, _NAME, _AGE} <= set(table):
            kind = "ethnic"
        elif {"geography", "geography code"} <= set(table) and source_nomis.single_years(table):
            kind = "ages"
        else:
            raise DataError(
                f"{file.name}: neither of the two census tables; its columns begin "
                f"{', '.join(shown(column) for column in table.columns[:4])}.\n"
                f"Give ethnic groups by single year of age ({_CODE}, {_NAME}, {_AGE}, 19 groups) and, where "
                "you have it, TS007 (geography, geography code, single ages). A table of age bands such as "
                "10 to 15 cannot give 10 to 17."
            )
        if kind in raw:
            raise DataError(f"{file.name} and {raw[kind].attrs['file']} are the same table.\nGive it once.")
        raw[kind] = table
    if "ethnic" not in raw:
        raise DataError(
            f"{len(files)} files and no table of ethnic groups by single year of age.\nGive it too."
        )
    return raw


def clean(raw: Mapping[str, pd.DataFrame], *, ethnicity_base: str = "2021") -> StudyFolder:
    """Turn the census tables into the population aged 10 to 17.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.
    ethnicity_base : {"2021", "2011", "2001"}
        Whether Chinese children count with Asian (2021, 2011) or with Other (2001).

    Returns
    -------
    StudyFolder
        A `population` table (area, year, vintage, base, age, group, population) and the ledger.

    Raises
    ------
    DataError
        For an unknown or absent group or age, a cell that is neither a whole number nor ``c``, a row
        that is there twice, or an age with exact children and no published ones.
    """
    ledger = Ledger()
    population = detailed(raw, ledger).assign(
        group=lambda t: t["ethnicity"].map(broad_groups(ethnicity_base)), base=ethnicity_base
    )
    areas = list(dict.fromkeys(population["area"]))
    population = population.assign(
        area=pd.Categorical(population["area"], areas), group=pd.Categorical(population["group"], BROAD[:-1])
    )
    keys = ["area", "year", "vintage", "base", "age", "group"]
    population = population.groupby(keys, observed=True, as_index=False)["population"].sum()
    ledger.add(
        "group",
        f"19 groups to {len(BROAD) - 1} on the {ethnicity_base} base: Chinese children count with "
        + ("Other" if ethnicity_base == "2001" else "Asian"),
        "counts of children must be on the same base before they are divided by these",
        left=len(population),
    )
    sources = [
        Source(
            "Office for National Statistics, Census 2021: ethnic group by single year of age",
            "2021-03-21",
            "Crown copyright, Open Government Licence v3.0. Rounded to 5; c is a count of 0 to 9.",
        )
    ]
    if "ages" in raw:
        sources.append(
            Source(
                "Office for National Statistics, Census 2021, TS007: age by single year",
                "2021-03-21",
                "Crown copyright, Open Government Licence v3.0. Exact totals of each age.",
            )
        )
    return StudyFolder(
        labels=of_list("census-2021", base=ethnicity_base, field=SELF_DEFINED),
        title="Children aged 10 to 17 by ethnic group, Census 2021",
        areas=areas,
        ethnicity_base=ethnicity_base,
        reference="White",
        period="calendar",
        years=(YEAR, YEAR),
        vintage=VINTAGE,
        tables={"population": population},
        ledger=ledger,
        sources=sources,
    )


def detailed(raw: Mapping[str, pd.DataFrame], ledger: Ledger) -> pd.DataFrame:
    """Give the children of each age and detailed group, calibrated where exact ages are given.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.
    ledger : Ledger
        Gets a line for each thing set aside, suppressed or scaled.

    Returns
    -------
    DataFrame
        ``area, year, vintage, age, ethnicity, population``. Gypsy, Roma and Irish Traveller children have
        rows of their own, though most of those cells are suppressed for a borough.

    Raises
    ------
    DataError
        As `clean`.
    """
    published, hidden = _published(raw["ethnic"], ledger)
    exact = _exact(raw["ages"]) if "ages" in raw else pd.Series(dtype=int, name="exact")
    return (
        _calibrated(published, exact, hidden, ledger)
        .melt(ignore_index=False, var_name="ethnicity", value_name="population")
        .reset_index()
        .assign(year=YEAR, vintage=VINTAGE)[["area", "year", "vintage", "age", "ethnicity", "population"]]
    )


def _published(table: pd.DataFrame, ledger: Ledger) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the published counts by area and age, one column a detailed group, and which are hidden."""
    file, groups = table.attrs["file"], [c for c in table if c not in (_CODE, _NAME, _AGE)]
    unknown = [label for label in groups if label not in LABELS]
    absent = [label for label in LABELS if label not in groups]
    if unknown or absent:
        parts = [f"{len(unknown)} of {len(groups)} group columns are not known"] if unknown else []
        parts += [f"{len(absent)} of {len(LABELS)} census groups are missing"] if absent else []
        first = unknown[0] if unknown else absent[0]
        raise DataError(
            f"{file}: {' and '.join(parts)}. First: {shown(first, 80)}.\n"
            "Give the table with the 19 groups of the 2021 census under their own labels."
        )
    age = pd.to_numeric(table[_AGE].where(table[_AGE] != "100 or over", "100"), errors="coerce")
    what = "have an age that is not a single year"
    refuse(
        table, age.isna(), _AGE, what, "Give single years of age; bands cannot give 10 to 17.", first_row=2
    )
    children = table[age.isin(AGES)]
    ledger.add(
        "read",
        f"{len(table):,} rows of {file}; ages other than 10 to 17 set aside",
        "the youth justice system is for children aged 10 to 17",
        removed=len(table) - len(children),
        left=len(children),
    )
    twice = table.duplicated([_CODE, _AGE])
    refuse(table, twice, _AGE, "repeat an area and age", "Keep one row for each area and age.", first_row=2)
    short = children.groupby(_NAME, sort=False)[_AGE].nunique()
    if (short < len(AGES)).any() or children.empty:
        place = short[short < len(AGES)].index[0] if len(short) else "every area"
        raise DataError(
            f"{file}: {int((short < len(AGES)).sum())} of {len(short)} areas lack an age from 10 to 17, the "
            f"first {shown(place)}.\nGive all single years from 10 to 17."
        )
    for label in groups:
        bad = ~children[label].str.fullmatch(r"c|\d+|\d{1,3}(,\d{3})+").reindex(table.index, fill_value=True)
        what = "have a cell that is neither a whole number nor c"
        refuse(table, bad, label, what, "Correct the cell; no other mark has a meaning here.", first_row=2)
    index = pd.MultiIndex.from_arrays(
        [children[_NAME], children[_CODE], age[children.index].astype(int)], names=["area", "code", "age"]
    )
    cells = children[groups].rename(columns=LABELS).set_index(index)
    hidden = cells == SUPPRESSED
    counts = cells.mask(hidden, "0").apply(lambda column: column.str.replace(",", "").astype(int))
    merged = ("E09000001", "E06000052")
    if names := [n for n, c in counts.index.droplevel("age").unique() if c in merged]:
        ledger.add(
            "read",
            f"{' and '.join(names)}: two authorities published as one under the code of the first",
            "kept under the name of both; not the population of either alone",
            left=len(names),
        )
    return counts, hidden


def _exact(table: pd.DataFrame) -> pd.Series:
    """Return the exact number of children by area, code and age."""
    twice = table.duplicated("geography code")
    refuse(table, twice, "geography code", "repeat an area", "Keep one row for each area.", first_row=2)
    return source_nomis.exact(table).set_index(["area", "code", "age"])["population"].rename("exact")


def _calibrated(
    published: pd.DataFrame, exact: pd.Series, hidden: pd.DataFrame, ledger: Ledger
) -> pd.DataFrame:
    """Scale the groups of each age to its exact total, and tell for each area what that did."""
    # By code and name: the ethnic table merges two authorities under the code TS007 gives to one.
    target = exact.reindex(published.index)
    has = target.notna()
    counts = calibrated(published, target, file="ethnic groups by single year of age")
    for area in published.index.unique("area"):
        here = published.index.get_level_values("area") == area
        cells, before, after = hidden[here], int(published[here].sum().sum()), int(counts[here].sum().sum())
        unseen = int(cells.sum().sum())
        by = cells.sum().groupby(broad_groups("2021")).sum()
        groups = ", ".join(f"{n} {group}" for group, n in by.items() if n)
        if unseen:
            ledger.add(
                "suppressed",
                f"{area}: {unseen} of {cells.size} cells are c ({groups}), counted as 0",
                f"c is a count of 0 to {HIGHEST_SUPPRESSED}; the cells hold 0 to "
                f"{unseen * HIGHEST_SUPPRESSED} children between them",
                removed=unseen,
                left=cells.size - unseen,
            )
        if has[here].all():
            what = f"{area}: {before:,} published children scaled to {after:,}, within each year of age"
            why = (
                f"TS007 has the exact totals; the {abs(after - before)} children that rounding and c "
                "left out or added are shared over the groups in proportion, by largest remainder"
            )
        else:
            what = f"{area}: {before:,} published children kept as they are"
            why = "no exact ages were given for this area"
        ledger.add("calibrate", what, why, left=after)
    return counts.droplevel("code")
