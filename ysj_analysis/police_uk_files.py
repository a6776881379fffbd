"""What is in a stop and search file of data.police.uk? Three shapes and two sets of labels, read and checked.

The monthly CSV, the API's JSON and that JSON flattened to CSV hold the same records. Forces relabelled
their outcomes and ethnic groups around 2017; both sets are known here, and nothing else is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from . import ages, calendar_periods, ethnicity
from .source_files import PIECE, json_records, refuse, text_pieces
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


@dataclass(frozen=True)
class Records:
    """The records of one file, read some at a time: a file of a force may be longer than memory.

    Attributes
    ----------
    path : Path
        CSV, or the API's JSON, which is held whole (an answer of the API is of one month).
    json : bool
        Whether it is JSON.
    """

    path: Path
    json: bool

    @property
    def first_row(self) -> int:
        """The number of the first record, as a person counts."""
        return 1 if self.json else 2

    def pieces(self, columns: Sequence[str] = tuple(COLUMNS.values())) -> Generator[pd.DataFrame]:
        """Read the records, `PIECE` at a time.

        Parameters
        ----------
        columns : sequence of str
            Which, by the API's names; one that the file lacks is empty.

        Yields
        ------
        DataFrame of str
            `null` is empty. Indexed by the place in the file; ``file`` and ``first_row`` are in ``attrs``.
        """
        tables = [_json_table(self.path)] if self.json else text_pieces(self.path, rows=PIECE, keep=_known)
        for table in tables:
            table = table.rename(columns=COLUMNS).reindex(columns=list(columns), fill_value="")
            table = table.apply(lambda column: column.mask(column.str.casefold() == "null", ""))
            table.attrs |= {"file": self.path.name, "first_row": self.first_row}
            yield table


def _known(name: str) -> bool:
    return COLUMNS.get(name, name) in COLUMNS.values()


def read(files: Sequence[Path]) -> dict[str, Records]:
    """Look at the header of each file, and see that it is of this kind.

    Parameters
    ----------
    files : sequence of Path
        CSV from data.police.uk, JSON from its API, or that JSON flattened to CSV; mixed if need be.

    Returns
    -------
    dict of str to Records
        By the name of the file.

    Raises
    ------
    DataError
        When a file is not of this kind, or two have one name.
    """
    raw: dict[str, Records] = {}
    for file in files:
        found = Records(file, _is_json(file))
        with closing(text_pieces(file, rows=1)) as pieces:
            first = (_json_table(file) if found.json else next(pieces)).rename(columns=COLUMNS)
        missing = [column for column in NEEDED if column not in first]
        if missing:
            raise DataError(
                f"{file.name}: {len(missing)} of {len(NEEDED)} columns are missing. First: "
                f"{shown(missing[0])}. It has {', '.join(shown(c) for c in first.columns[:8])}.\n"
                "Give stop and search files of data.police.uk, as they were downloaded."
            )
        if file.name in raw:
            raise same(file.name, file.name)
        raw[file.name] = found
    return raw


def same(one: str, other: str) -> DataError:
    """Say that two files are one."""
    return DataError(
        f"{one} and {other} hold the same records: 1 of 2 files would be counted twice. First: {other}.\n"
        "Give each file once."
    )


def _is_json(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")


def _json_table(file: Path) -> pd.DataFrame:
    """Flatten the API's records as others do, and write every value as text."""
    records = json_records(file, "Give the API's answer as it was downloaded.")
    table = pd.json_normalize(records, sep="__").astype(object)
    table = table.where(table.notna(), "").map(str).apply(lambda column: column.str.strip())
    table.attrs["file"] = file.name
    return table


def checked(table: pd.DataFrame) -> pd.DataFrame:
    """Refuse values that no list here has, and write ethnicity in the codes of the kit.

    Parameters
    ----------
    table : DataFrame of str
        One piece of `Records.pieces`.

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
    return table.assign(**_checks(lambda column: table))


def explain(records: Records) -> None:
    """Refuse a file for all that is wrong in it, and not in one piece of it; one column is held at a time.

    Parameters
    ----------
    records : Records
        A file of which a piece was refused.

    Raises
    ------
    DataError
        As `checked`, of the whole file.
    """

    def whole(column: str) -> pd.DataFrame:
        pieces = list(records.pieces([column]))
        table = pd.concat(pieces)
        table.attrs |= pieces[0].attrs
        return table

    _checks(whole)


def _checks(part: Callable[[str], pd.DataFrame]) -> dict[str, pd.Series]:
    """Check each column, in a table that has it at least, and give the moments and groups."""
    blocks = [block for column in _LISTED if (block := _unlisted(part(column), column))]
    if blocks:
        raise DataError("\n".join(blocks))
    for column, most in (("location__latitude", 90), ("location__longitude", 180)):
        _refuse_places(part(column), column, most)
    found = {}
    for name, column, recode in (
        ("moment", "datetime", _moment),
        (
            "said",
            "self_defined_ethnicity",
            lambda values, **where: ethnicity.recode(values, scheme="police.uk", **where),
        ),
        ("seen", "officer_defined_ethnicity", ethnicity.as_perceived),
    ):
        table = part(column)
        where = {"file": table.attrs["file"], "first_row": table.attrs["first_row"], "column": column}
        if len(table) and table.index[0]:  # a piece further on in the file
            where["first_row"] += int(table.index[0])
        found[name] = recode(table[column], **where)
    return found | {name: found[name].astype(str) for name in ("said", "seen")}


def _moment(values: pd.Series, **where: Any) -> pd.Series:
    return calendar_periods.london(values.mask(values == "", "none"), **where)


def _band_known(bands: pd.Series) -> pd.Series:
    held = {band: ages.who(ages.repaired(band)) for band in bands.unique()}
    return bands.map(held).notna()


_LISTED = {
    "type": lambda values: values.isin(TYPES),
    "gender": lambda values: values.isin(GENDERS),
    "outcome": lambda values: values.isin(OUTCOMES),
    "outcome_linked_to_object_of_search": lambda values: values.str.casefold().isin(FLAGS),
    "age_range": _band_known,
}
"""How it is known that a value of a column is on its list."""


def _unlisted(table: pd.DataFrame, column: str) -> str:
    """Say which values of a column are on no list; empty where all are."""
    holds = _LISTED[column](table[column])
    if holds.all():
        return ""
    found = table.loc[~holds, column].value_counts()
    listed = ", ".join(f"{shown(label)} ({n:,})" for label, n in found.head(8).items())
    add = f", or add to OUTCOMES in police_uk_files a line for {shown(found.index[0])}"
    return (
        f"{table.attrs['file']}: {(~holds).sum():,} of {len(table):,} rows have a value in {column} that is "
        f"not known: {listed}. First: row {holds.idxmin() + table.attrs['first_row']:,}.\n"
        f"Correct them{add if column == 'outcome' else ''}."
    )


def _refuse_places(table: pd.DataFrame, column: str, most: int) -> None:
    """Refuse coordinates that are none."""
    degrees = pd.to_numeric(table[column].replace("", "0"), errors="coerce")
    what, do = "have a coordinate that is not in degrees", "Correct it, or leave it empty."
    refuse(table, ~degrees.abs().le(most), column, what, do, first_row=table.attrs["first_row"])
