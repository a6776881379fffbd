"""What is in a stop and search file of data.police.uk? Three shapes and two sets of labels, read and checked.

The monthly CSV, the API's JSON and that JSON flattened to CSV hold the same records. Forces relabelled
their outcomes and ethnic groups around 2017; both sets are known here, and nothing else is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from . import ages, calendar_periods, ethnicity
from .source_files import refuse, text_table
from .tables import DataError, shown

# Columns of the CSV, and what the API calls them.
COLUMNS = {
    "Type": "type",
    "Date": "datetime",
    "Latitude": "location__latitude",
    "Longitude": "location__longitude",
    "Gender": "gender",
    "Age range": "age_range",
    "Self-defined ethnicity": "self_defined_ethnicity",
    "Officer-defined ethnicity": "officer_defined_ethnicity",
    "Legislation": "legislation",
    "Object of search": "object_of_search",
    "Outcome": "outcome",
    "Outcome linked to object of search": "outcome_linked_to_object_of_search",
}
NEEDED = (
    "datetime", "gender", "age_range", "self_defined_ethnicity", "officer_defined_ethnicity",
    "object_of_search", "outcome",
)  # fmt: skip

TYPES = {t: t for t in ("Person search", "Person and Vehicle search", "Vehicle search", "")}
GENDERS = {"Male": "male", "Female": "female", "Other": "unknown", "": "unknown"}
FLAGS = {"true": "yes", "false": "no", "": ""}

# Old labels (to about 2017) and new ones, and the word used here for both.
OUTCOMES = {
    "A no further action disposal": "No further action",
    "Nothing found - no further action": "No further action",
    "Arrest": "Arrest",
    "Suspect arrested": "Arrest",
    "Community resolution": "Community resolution",
    "Local resolution": "Community resolution",
    "Khat or Cannabis warning": "Drugs warning",
    "Offender given drugs possession warning": "Drugs warning",
    "Penalty Notice for Disorder": "Penalty notice",
    "Offender given penalty notice": "Penalty notice",
    "Caution (simple or conditional)": "Caution",
    "Offender cautioned": "Caution",
    "Summons / charged by post": "Summons or postal charge",
    "Suspect summonsed to court": "Summons or postal charge",
    "Article found - Detailed outcome unavailable": "Article found, outcome not known",
    "Suspected psychoactive substances seized - No further action": "Substances seized, no further action",
    "": "",
}


def read(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read the files as they are, under the API's column names.

    Parameters
    ----------
    files : sequence of Path
        CSV from data.police.uk, JSON from its API, or that JSON flattened to CSV; mixed if need be.

    Returns
    -------
    dict of str to DataFrame of str
        File to records, `null` empty; the number of the first row is in ``attrs["first_row"]``.

    Raises
    ------
    DataError
        When a file is not of this kind, or two hold the same records.
    """
    raw: dict[str, pd.DataFrame] = {}
    for file in files:
        table = _json_table(file) if _is_json(file) else text_table(file)
        table = table.rename(columns=COLUMNS)
        missing = [column for column in NEEDED if column not in table]
        if missing:
            raise DataError(
                f"{file.name}: {len(missing)} of {len(NEEDED)} columns are missing, the first "
                f"{shown(missing[0])}. It has {', '.join(shown(c) for c in table.columns[:8])}.\n"
                "Give stop and search files of data.police.uk, as they were downloaded."
            )
        table = table.reindex(columns=list(COLUMNS.values()), fill_value="")
        table = table.apply(lambda column: column.mask(column.str.casefold() == "null", ""))
        table.attrs |= {"file": file.name, "first_row": 1 if _is_json(file) else 2}
        if same := [name for name, other in raw.items() if name == file.name or other.equals(table)]:
            raise DataError(f"{file.name} and {same[0]} hold the same records.\nGive each file once.")
        raw[file.name] = table
    return raw


def _is_json(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")


def _json_table(file: Path) -> pd.DataFrame:
    """Flatten the API's records as others do, and write every value as text."""
    try:
        records = json.loads(file.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{file.name}: not a JSON file in UTF-8 ({error}).\nDownload it again.") from None
    if not isinstance(records, list) or not records or not all(isinstance(r, dict) for r in records):
        raise DataError(f"{file.name}: not a list of records.\nGive the API's answer as it was downloaded.")
    table = pd.json_normalize(records, sep="__").astype(object)
    table = table.where(table.notna(), "").map(str).apply(lambda column: column.str.strip())
    table.attrs["file"] = file.name
    return table


def checked(table: pd.DataFrame) -> pd.DataFrame:
    """Refuse values that no list here has, and write ethnicity in the codes of the kit.

    Parameters
    ----------
    table : DataFrame of str
        One table of `read`.

    Returns
    -------
    DataFrame
        With ``moment``, the local time; ``said``, the detailed code of what the person said; and ``seen``,
        the broad group the officer saw.

    Raises
    ------
    DataError
        For unknown values, listed with their counts; for times without a zone and impossible places.
    """
    lists = {"type": TYPES, "gender": GENDERS, "outcome": OUTCOMES}
    checks = {column: table[column].isin(known) for column, known in lists.items()}
    flags = table["outcome_linked_to_object_of_search"].str.casefold()
    checks["outcome_linked_to_object_of_search"] = flags.isin(FLAGS)
    held = {band: ages.who(ages.repaired(band)) for band in table["age_range"].unique()}
    checks["age_range"] = table["age_range"].map(held).notna()
    blocks = []
    for column, holds in checks.items():
        if holds.all():
            continue
        found = table.loc[~holds, column].value_counts()
        listed = ", ".join(f"{shown(label)} ({n:,})" for label, n in found.head(8).items())
        add = f", or add to OUTCOMES in police_uk_files a line for {shown(found.index[0])}"
        add = add if column == "outcome" else ""
        blocks.append(
            f"{table.attrs['file']}: {(~holds).sum():,} of {len(table):,} rows have a value in {column} that is "
            f"not known: {listed}. First: row {holds.idxmin() + table.attrs['first_row']:,}.\nCorrect them{add}."
        )
    if blocks:
        raise DataError("\n".join(blocks))
    _refuse_places(table)
    where = {"file": table.attrs["file"], "first_row": table.attrs["first_row"]}
    said, seen = table["self_defined_ethnicity"], table["officer_defined_ethnicity"]
    return table.assign(
        moment=calendar_periods.london(
            table["datetime"].mask(table["datetime"] == "", "none"), column="datetime", **where
        ),
        said=ethnicity.recode(said, scheme="police.uk", column="self_defined_ethnicity", **where).astype(str),
        seen=ethnicity.as_perceived(seen, column="officer_defined_ethnicity", **where).astype(str),
    )


def _refuse_places(table: pd.DataFrame) -> None:
    """Refuse coordinates that are none."""
    for column, most in (("location__latitude", 90), ("location__longitude", 180)):
        degrees = pd.to_numeric(table[column].replace("", "0"), errors="coerce")
        what, do = "have a coordinate that is not in degrees", "Correct it, or leave it empty."
        refuse(table, ~degrees.abs().le(most), column, what, do, first_row=table.attrs["first_row"])
