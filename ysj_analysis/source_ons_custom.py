"""The census custom dataset (ONS "Create a custom dataset"): one row a cell, to the population aged 10 to 17.

Each dimension has a code column and a label column, and `Observation` the count. The bands of age are a
choice of whoever made the dataset. RM032 and others have 10 to 15 and 16 to 24: they cannot give 10 to 17
and are refused, as children of 16 and 17 would be left out, or people of 18 to 24 counted in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from . import ethnicity
from .label_mapping import SELF_DEFINED, of_list
from .published_values import in_place
from .source_files import refuse, text_table
from .study_folder import Ledger, Source, StudyFolder
from .tables import DataError, shown
from .vocabulary import BROAD

MARKS: Mapping[str, str] = {}
"""Custom datasets are complete; the code -8 means that a combination does not apply to anyone."""

NOT_APPLICABLE = "-8"
AGES = set(range(10, 18))
YEAR, VINTAGE = 2021, "census 2021"
_SIZE = re.compile(r"\s*\((?:[A-Z]\) \()?\d+ categor(?:y|ies)\)", re.IGNORECASE)
_BAND = re.compile(
    r"(?:Aged )?(\d+)(?: (?:to|-) (\d+))?(?: years?)?(?: (?:and|or) (under|over))?", re.IGNORECASE
)


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read custom datasets as they are.

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
        When a file has no area, age, ethnic group and Observation.
    """
    raw = {}
    for file in files:
        table = text_table(file)
        found = _dimensions(table)
        if (
            lacking := [name for name in ("age", "ethnic group") if name not in found]
            + (["area"] if "area" not in found else [])
            + ([] if "Observation" in table else ["Observation"])
        ):
            raise DataError(
                f"{file.name}: no column of {', '.join(lacking)}; it has "
                f"{', '.join(shown(c) for c in table.columns[:8])}.\n"
                "Make a custom dataset of local authorities by age and ethnic group, with 101 ages or with "
                "bands that begin at 10 and end at 17."
            )
        raw[file.name] = table
    return raw


def _dimensions(table: pd.DataFrame) -> dict[str, str]:
    """Find the label column of each dimension: one whose code column is there too."""
    names = {c.casefold(): c for c in table}
    found: dict[str, str] = {}
    for column in table:
        if column.casefold() + " code" not in names:
            continue
        plain = _SIZE.sub("", column).strip().casefold()
        key = {
            "age": "age",
            "age (b)": "age",
            "age (c)": "age",
            "ethnic group": "ethnic group",
            "sex": "sex",
        }.get(plain)
        found.setdefault(key or ("area" if "area" not in found else f"other {plain}"), column)
    return found


def clean(raw: Mapping[str, pd.DataFrame], *, ethnicity_base: str = "2021") -> StudyFolder:
    """Turn custom datasets into the population aged 10 to 17 by group.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        What `read` returned.
    ethnicity_base : {"2021", "2011", "2001"}
        2001 needs the 20 categories: Chinese children cannot be moved out of a sum.

    Returns
    -------
    StudyFolder
        A `population` table by area, age band and group, sexes added up.

    Raises
    ------
    DataError
        For age bands that do not make up 10 to 17, an unknown group, or a count that is no whole number.
    """
    ledger = Ledger()
    schemes = dict.fromkeys(_scheme(table[_dimensions(table)["ethnic group"]]) for table in raw.values())
    parts = [_one(table, ethnicity_base, ledger) for table in raw.values()]
    population = pd.concat(parts, ignore_index=True)
    if (twice := population.duplicated(["area", "age", "group"])).any():
        raise DataError(
            f"{', '.join(raw)}: {twice.sum():,} of {len(population):,} counts are in two files.\nGive "
            "each once."
        )
    return StudyFolder(
        title="Children aged 10 to 17 by ethnic group, Census 2021",
        areas=list(dict.fromkeys(population["area"])),
        ethnicity_base=ethnicity_base,
        reference="White",
        period="calendar",
        years=(YEAR, YEAR),
        vintage=VINTAGE,
        tables={"population": population},
        ledger=ledger,
        sources=[
            Source(
                "Office for National Statistics, Census 2021, custom dataset",
                "2021-03-21",
                "Crown copyright, Open Government Licence v3.0. Small counts are perturbed by the source.",
            )
        ],
        labels=pd.concat(
            [of_list(scheme, base=ethnicity_base, field=SELF_DEFINED) for scheme in schemes],
            ignore_index=True,
        ),
    )


def _scheme(labels: pd.Series) -> str:
    """Name the code list of the labels: the 19 detailed groups have a colon."""
    return "census-2021" if labels.str.contains(":", regex=False).any() else "broad-2021"


def _one(table: pd.DataFrame, base: str, ledger: Ledger) -> pd.DataFrame:
    file, found = table.attrs["file"], _dimensions(table)
    others = [column for key, column in found.items() if key.startswith("other ")]
    codes = [c for c in table if c.casefold().endswith(" code")]
    refuse(table, ~table["Observation"].str.fullmatch(r"\d+"), "Observation", "have a count that is not a whole number",
           "Correct it.", first_row=2)  # fmt: skip
    none = table[codes].eq(NOT_APPLICABLE).any(axis=1)
    people = table["Observation"].astype(int)
    refuse(table, none & (people > 0), "Observation", "do not apply (-8) and count people all the same",
           "Download the dataset again.", first_row=2)  # fmt: skip
    if none.any():
        ledger.add(
            "not applicable",
            f"{none.sum():,} of {len(table):,} rows of {file} have the code -8 and 0 people",
            "the combination does not apply to anyone",
            removed=int(none.sum()),
            left=int((~none).sum()),
        )
    kept = table[~none]
    bands = _bands(kept, found["age"])
    children = kept[kept[found["age"]].isin(bands)]
    ledger.add(
        "read",
        f"{len(kept):,} rows of {file}; those of other ages than {', '.join(bands)} set aside",
        "the youth justice system is for children aged 10 to 17",
        removed=len(kept) - len(children),
        left=len(children),
    )
    labels = children[found["ethnic group"]]
    scheme = _scheme(labels)
    filler = "White: Irish" if scheme == "census-2021" else "White"
    full = in_place(labels, len(table), filler)
    groups = ethnicity.groups(full, scheme=scheme, base=base, file=file, column=found["ethnic group"])
    groups = groups[children.index]
    cells = pd.DataFrame(
        {
            "area": pd.Categorical(children[found["area"]], list(dict.fromkeys(children[found["area"]]))),
            "year": YEAR,
            "vintage": VINTAGE,
            "age": children[found["age"]].map(bands),
            "group": pd.Categorical(groups.astype(str), BROAD[:-1]),
            "population": people[children.index],
        }
    )
    keys = list(cells.columns[:-1])
    summed = cells.groupby(keys, observed=True, as_index=False)["population"].sum()
    added = [column for key, column in found.items() if key == "sex" or column in others]
    if added:
        ledger.add(
            "added up",
            f"{len(cells):,} rows over {', '.join(added)} added up to {len(summed):,} rows",
            "the population of a group is that of all its parts",
            left=len(summed),
        )
    return summed.astype({"area": str, "group": str})


def _bands(table: pd.DataFrame, column: str) -> dict[str, str]:
    """Choose the bands that make up 10 to 17 exactly, or refuse, saying which reach across."""
    ages: dict[str, set[int]] = {}
    unread = []
    for label in table[column].unique():
        match = _BAND.fullmatch("0" if label.casefold() == "aged under 1 year" else label)
        if match is None:
            unread.append(label)
            continue
        low = int(match[1])
        high = int(match[2] or low)
        end = (match[3] or "").lower()
        ages[label] = set(
            range(0, high + 1) if end == "under" else range(low, 121 if end == "over" else high + 1)
        )
    if unread:
        raise DataError(
            f"{table.attrs['file']}: {len(unread)} of {table[column].nunique()} age labels are not "
            f"understood. First: {shown(unread[0])}, column {shown(column)}.\n"
            "Known are 'Aged 10 to 15 years', '17', 'Aged 85 years and over'."
        )
    inside = {label: band for label, band in ages.items() if band <= AGES}
    across = [label for label, band in ages.items() if band & AGES and not band <= AGES]
    covered = sorted(age for band in inside.values() for age in band)
    if across or covered != sorted(AGES):
        there = ", ".join(inside) or "none"
        raise DataError(
            f"{table.attrs['file']}: its {len(ages)} age bands cannot give 10 to 17. Within it are {there}; "
            f"{', '.join(map(shown, across)) or 'no band'} reaches across.\n"
            "Children of 16 and 17 would be missing, or adults counted in. Make the dataset again with "
            "single years (Age, 101 categories), or use census-2021."
        )
    return {
        label: str(min(band)) if len(band) == 1 else f"{min(band)}-{max(band)}"
        for label, band in sorted(inside.items(), key=lambda item: min(item[1]))
    }
