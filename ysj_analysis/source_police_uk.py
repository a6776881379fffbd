"""Stop and search from data.police.uk: searches of people of any age become a table of searches of children.

The files hold one record a search, with the time in UTC and no borough. `docs/sources.md` explains each
choice made here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from . import ages
from .boundaries import area_names
from .label_mapping import OFFICER_DEFINED, SELF_DEFINED, of_list
from .police_uk_files import COLUMNS, FLAGS, GENDERS, OUTCOMES, Records, checked, explain, read, same
from .study_folder import Ledger, Source, StudyFolder
from .tables import DataError, shown
from .vocabulary import TABLES, UNKNOWN, broad_groups

__all__ = ["clean", "read"]

NO_PLACE, ELSEWHERE = "Place not recorded", "Outside the boundaries"


def clean(
    raw: Mapping[str, pd.DataFrame],
    *,
    area: str = "",
    boundaries: str = "",
    boundary_name: str = "",
    ethnicity_base: str = "2021",
) -> StudyFolder:
    """Turn the records into a table of searches of children.

    Parameters
    ----------
    raw : mapping of str to Records
        What `read` returned.
    area : str
        Where all the searches were: the files name a force, and no borough.
    boundaries : str
        Instead of ``area``: a GeoJSON file, whose areas the searches are put in by their coordinates.
    boundary_name : str
        The property of that file that names an area, where it is not plain.
    ethnicity_base : {"2021", "2011", "2001"}
        Census base of the broad groups.

    Returns
    -------
    StudyFolder
        A `searches` table, a row for each search of a child aged 10 to 17, and the ledger.

    Raises
    ------
    DataError
        For an unknown label in a column that is counted by, a time without its zone, coordinates that
        are none, or files without a search of a child.
    ValueError
        Unless one of ``area`` and ``boundaries`` is given.
    """
    if bool(area) == bool(boundaries):
        raise ValueError(
            "police-uk needs area=NAME (the files name no borough) or boundaries=FILE.geojson, and not both."
        )
    ledger = Ledger()
    taken = _taken(raw, ethnicity_base)
    for name, rows in taken.rows.items():
        ledger.add("read", f"rows of {name}", "one for each search", left=rows)
    _say_ages(taken, ledger)
    searches = _together(taken.searches)
    place, areas = _places(searches, area, boundaries, boundary_name, ledger)
    searches.insert(1, "area", place)
    _notices(taken, ledger)
    days = searches["date"].cat.categories
    first, last = days.min()[:7], days.max()[:7]
    return StudyFolder(
        title=f"Stop and search of children, {', '.join(areas[:3])}{' and others' if len(areas) > 3 else ''}",
        areas=areas,
        ethnicity_base=ethnicity_base,
        reference="White",
        period="financial",
        years=(_financial(first), _financial(last)),
        unit="searches",
        labels=pd.concat(
            [
                of_list("police.uk", base=ethnicity_base, field=SELF_DEFINED),
                of_list("police-officer", base=ethnicity_base, field=OFFICER_DEFINED),
            ],
            ignore_index=True,
        ),
        tables={"searches": searches[[column.name for column in TABLES["searches"]]]},
        ledger=ledger,
        sources=[
            Source(
                "data.police.uk, stop and search",
                first if first == last else f"{first} to {last}",
                "Open Government Licence v3.0. Published by the force that made the searches; places are "
                "approximate and ages are in bands.",
            )
        ],
    )


@dataclass
class _Taken:
    """What is kept of the records while they pass: the searches of children, and counts of all else."""

    n: Counter = field(default_factory=Counter)
    rows: dict[str, int] = field(default_factory=dict)
    searches: list[pd.DataFrame] = field(default_factory=list)
    everyone: list[np.ndarray] = field(default_factory=list)
    children: list[np.ndarray] = field(default_factory=list)
    mended: str = ""


def _taken(raw: Mapping[str, Records], base: str) -> _Taken:
    """Read the records in pieces, refuse what cannot be used, and keep what is needed."""
    taken = _Taken()
    seen: dict = {}
    for name, records in raw.items():
        rows, digest = 0, hashlib.sha256()
        with closing(records.pieces()) as pieces:
            for piece in pieces:
                try:
                    table = checked(piece)
                except DataError:
                    explain(records)
                    raise
                rows += len(table)
                digest.update(_take(table, taken, base))
        first = seen.setdefault(digest.digest(), name)
        if first != name:
            raise same(name, first)
        taken.rows[name] = rows
    return taken


def _take(table: pd.DataFrame, taken: _Taken, base: str) -> bytes:
    """Keep the searches of children aged 10 to 17 of a piece, and count; give what tells pieces apart."""
    bands = {band: ages.repaired(band) for band in table["age_range"].unique()}
    repaired = table["age_range"].map(bands)
    mended = repaired != table["age_range"]
    who = repaired.map({band: ages.who(band) for band in bands.values()})
    nobody = table["type"].eq("Vehicle search") & who.eq(ages.BLANK)
    moved = table["moment"].dt.month != table["moment"].dt.tz_convert("UTC").dt.month
    child = who == ages.CHILD
    taken.mended = taken.mended or (str(table["age_range"][mended].iloc[0]) if mended.any() else "")
    told = {
        "mended": mended, "nobody": nobody, "blank": who.eq(ages.BLANK) & ~nobody, "under": who.eq(ages.UNDER),
        "adult": who.eq(ages.ADULT), "moved anyone": moved, "moved children": moved & child,
    }  # fmt: skip
    # A row is known by a number of 64 bits: rows of millions cannot all be held to look for the same again.
    rest = pd.util.hash_pandas_object(table[[c for c in COLUMNS.values() if c != "age_range"]], index=False)
    key, key_repaired = (_mixed(rest, bands) for bands in (table["age_range"], repaired))
    taken.everyone.append(key)
    taken.children.append(key_repaired[child])
    children = table[child].assign(age_range=repaired[child])
    searches = _searches(children)
    unknown = searches["ethnicity"].map(broad_groups(base)).eq(UNKNOWN)
    told |= {
        "self": unknown,
        "officer": searches["ethnicity_officer"].eq(""),
        "sex": children["gender"].eq("Other"),
        "vehicle": children["type"].eq("Vehicle search"),
        "renamed": children["outcome"].ne(searches["outcome"]),
        "no outcome": searches["outcome"].eq(""),
        "not linked": searches["outcome_linked"].eq(""),
    }
    taken.n.update({what: int(rows.sum()) for what, rows in told.items()})
    where = {c: pd.to_numeric(children[f"location__{c}"]).astype(float) for c in ("longitude", "latitude")}
    taken.searches.append(searches.astype("category").assign(**where))
    return key.tobytes()


def _mixed(rest: pd.Series, bands: pd.Series) -> np.ndarray:
    """Put the number of an age band to that of the rest of a row."""
    return rest.to_numpy() ^ (pd.util.hash_array(bands.to_numpy(object)) * np.uint64(0x9E3779B97F4A7C15))


def _searches(children: pd.DataFrame) -> pd.DataFrame:
    """Write the records in the words of the kit."""
    return pd.DataFrame(
        {
            "date": children["moment"].dt.strftime("%Y-%m-%d"),
            "sex": children["gender"].map(GENDERS),
            "age_band": children["age_range"],
            "ethnicity": children["said"],
            "ethnicity_officer": children["seen"].replace(UNKNOWN, ""),
            "legislation": children["legislation"],
            "object": children["object_of_search"],
            "outcome": children["outcome"].map(OUTCOMES),
            "outcome_linked": children["outcome_linked_to_object_of_search"].str.casefold().map(FLAGS),
        }
    )


def _together(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    """Put pieces together; a column of labels keeps each label once."""
    return pd.DataFrame(
        {
            c: union_categoricals([p[c] for p in pieces])
            if kind == "category"
            else np.concatenate([p[c] for p in pieces])
            for c, kind in pieces[0].dtypes.items()
        }
    )


def _repeated(keys: list[np.ndarray]) -> int:
    """Count the rows that repeat an earlier one."""
    every = np.sort(np.concatenate(keys))
    return int((every[1:] == every[:-1]).sum())


def _say_ages(taken: _Taken, ledger: Ledger) -> None:
    """Say what the people are who are no children, and which ages were repaired."""
    n, left = taken.n, sum(taken.rows.values())
    if n["mended"]:
        ledger.add(
            "ages",
            f"age bands that a spreadsheet had made into dates ({shown(taken.mended)})",
            "put back: October 2017 was 10-17",
            left=n["mended"],
        )
    for rows, what, why in (
        ("nobody", "vehicle searches without a person's age", "no person was searched, or none is described"),
        (
            "blank",
            "searches of people whose age is not recorded",
            "some may be children; they cannot be told",
        ),
        ("under", "searches of children under 10", "below the age of criminal responsibility"),
        ("adult", "searches of adults", "the youth justice system is for children aged 10 to 17"),
    ):
        left -= n[rows]
        ledger.add("ages", what, why, removed=n[rows], left=left)
    if not left:
        raise DataError(
            f"0 of {sum(taken.rows.values()):,} rows are searches of children aged 10 to 17. First: row 2.\n"
            "Look at the column of ages."
        )
    why = "the files are in UTC; in summer an hour before midnight there is the next day here"
    for who in ("anyone", "children"):
        ledger.add(
            "dates",
            f"searches of {who} that move to another month in local time",
            why,
            left=n[f"moved {who}"],
        )


def _places(
    children: pd.DataFrame, area: str, file: str, name: str, ledger: Ledger
) -> tuple[np.ndarray, list[str]]:
    """Put each search in an area; return the areas too."""
    x, y = (children[c].to_numpy(float) for c in ("longitude", "latitude"))
    lacking = ~(np.isfinite(x) & np.isfinite(y))
    if area:
        why = "the files name no borough; the area was given"
        ledger.add("places", f"searches put in {area}", why, left=len(children))
        ledger.add(
            "places", f"of them, searches without coordinates, put in {area} too", why, left=lacking.sum()
        )
        return pd.Categorical.from_codes(np.zeros(len(children), dtype=int), [area]), [area]
    names, areas = area_names(x, y, file, name=name)
    outside = (names == "") & ~lacking
    for rows, what, why in (
        (names != "", "searches put in an area by their coordinates", f"boundaries of {Path(file).name}"),
        (lacking, "searches without coordinates", f"kept under {NO_PLACE!r}, and in no area"),
        (outside, "searches outside the boundaries", f"kept under {ELSEWHERE!r}, and in no area"),
    ):
        ledger.add("places", what, why, left=rows.sum())
    empty = [a for a in areas if a not in set(names)]
    if empty:
        ledger.add(
            "places",
            "areas of the boundaries",
            "without a search of a child",
            removed=len(empty),
            left=len(areas) - len(empty),
        )
    return np.select([lacking, outside], [NO_PLACE, ELSEWHERE], names), [a for a in areas if a not in empty]


def _notices(taken: _Taken, ledger: Ledger) -> None:
    """Say what was kept although it may be wrong or is not known."""
    why = "kept: several people stopped together look the same"
    for who, keys in (("anyone", taken.everyone), ("children", taken.children)):
        ledger.add(
            "duplicates",
            f"searches of {who} that repeat an earlier one in every column",
            why,
            left=_repeated(keys),
        )
    for rows, what, why in (
        ("self", "searches without self-defined ethnicity", "not stated or not recorded; never Other"),
        (
            "officer",
            "searches without officer-defined ethnicity",
            "kept; it is never taken from the self-defined",
        ),
        ("sex", "searches of children whose sex is Other", "kept as unknown, which is all the tables have"),
        ("vehicle", "vehicle searches that describe a child", "kept"),
        (
            "renamed",
            "outcomes under another name than in the file",
            "old and new labels of one outcome are counted together",
        ),
        ("no outcome", "searches without an outcome", "kept, as not recorded"),
        (
            "not linked",
            "searches that do not say whether the outcome is linked to the object",
            "kept, as not recorded",
        ),
    ):
        if taken.n[rows]:
            ledger.add("kept", what, why, left=taken.n[rows])


def _financial(month: str) -> int:
    return int(month[:4]) - (int(month[5:7]) < 4)
