"""Stop and search from data.police.uk: searches of people of any age become a table of searches of children.

The files hold one record a search, with the time in UTC and no borough. `docs/sources.md` explains each
choice made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from . import ages
from .boundaries import area_names
from .label_mapping import OFFICER_DEFINED, SELF_DEFINED, of_list
from .police_uk_files import FLAGS, GENDERS, OUTCOMES, checked, read
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
    raw : mapping of str to DataFrame
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
    for table in raw.values():
        ledger.add("read", f"rows of {table.attrs['file']}", "one for each search", left=len(table))
    records = pd.concat([checked(table) for table in raw.values()], ignore_index=True)
    children = _children(records, ledger)
    searches = _searches(children, records, ledger)
    place, areas = _places(children, area, boundaries, boundary_name, ledger)
    searches.insert(1, "area", place)
    _notices(records, children, searches, ethnicity_base, ledger)
    months = searches["date"].str[:7]
    first, last = months.min(), months.max()
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


def _children(records: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Keep searches of children aged 10 to 17; say what the others are, and repair ages that became dates."""
    bands = {band: ages.repaired(band) for band in records["age_range"].unique()}
    repaired = records["age_range"].map(bands)
    mended = repaired != records["age_range"]
    if mended.any():
        ledger.add(
            "ages",
            f"age bands that a spreadsheet had made into dates ({shown(records['age_range'][mended].iloc[0])})",
            "put back: October 2017 was 10-17",
            left=mended.sum(),
        )
    who = repaired.map({band: ages.who(band) for band in bands.values()})
    nobody = records["type"].eq("Vehicle search") & who.eq(ages.BLANK)
    left = len(records)
    for rows, what, why in (
        (nobody, "vehicle searches without a person's age", "no person was searched, or none is described"),
        (
            who.eq(ages.BLANK) & ~nobody,
            "searches of people whose age is not recorded",
            "some may be children; they cannot be told",
        ),
        (
            who.eq(ages.UNDER),
            "searches of children under 10",
            "below the age of criminal responsibility",
        ),
        (
            who.eq(ages.ADULT),
            "searches of adults",
            "the youth justice system is for children aged 10 to 17",
        ),
    ):
        left -= int(rows.sum())
        ledger.add("ages", what, why, removed=rows.sum(), left=left)
    children = records[who == ages.CHILD]
    if children.empty:
        raise DataError(
            f"0 of {len(records):,} rows are searches of children aged 10 to 17.\nLook at the column of ages."
        )
    return children.assign(age_range=repaired)


def _searches(children: pd.DataFrame, records: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Write the records in the words of the kit."""
    why = "the files are in UTC; in summer an hour before midnight there is the next day here"
    for who, rows in (("anyone", records), ("children", children)):
        left = (rows["moment"].dt.month != rows["moment"].dt.tz_convert("UTC").dt.month).sum()
        ledger.add("dates", f"searches of {who} that move to another month in local time", why, left=left)
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


def _places(
    children: pd.DataFrame, area: str, file: str, name: str, ledger: Ledger
) -> tuple[np.ndarray, list[str]]:
    """Put each search in an area; return the areas too."""
    x, y = (pd.to_numeric(children[f"location__{c}"]).to_numpy(float) for c in ("longitude", "latitude"))
    lacking = ~(np.isfinite(x) & np.isfinite(y))
    if area:
        why = "the files name no borough; the area was given"
        ledger.add("places", f"searches put in {area}", why, left=len(children))
        ledger.add(
            "places", f"of them, searches without coordinates, put in {area} too", why, left=lacking.sum()
        )
        return np.full(len(children), area, dtype=object), [area]
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


def _notices(
    records: pd.DataFrame, children: pd.DataFrame, searches: pd.DataFrame, base: str, ledger: Ledger
) -> None:
    """Say what was kept although it may be wrong or is not known."""
    why = "kept: several people stopped together look the same"
    for who, rows in (("anyone", records), ("children", children)):
        left = rows.duplicated().sum()
        ledger.add(
            "duplicates", f"searches of {who} that repeat an earlier one in every column", why, left=left
        )
    unknown = searches["ethnicity"].map(broad_groups(base)).eq(UNKNOWN)
    for rows, what, why in (
        (unknown, "searches without self-defined ethnicity", "not stated or not recorded; never Other"),
        (
            searches["ethnicity_officer"].eq(""),
            "searches without officer-defined ethnicity",
            "kept; it is never taken from the self-defined",
        ),
        (
            children["gender"].eq("Other"),
            "searches of children whose sex is Other",
            "kept as unknown, which is all the tables have",
        ),
        (children["type"].eq("Vehicle search"), "vehicle searches that describe a child", "kept"),
        (
            children["outcome"].ne(searches["outcome"]),
            "outcomes under another name than in the file",
            "old and new labels of one outcome are counted together",
        ),
        (searches["outcome"].eq(""), "searches without an outcome", "kept, as not recorded"),
        (
            searches["outcome_linked"].eq(""),
            "searches that do not say whether the outcome is linked to the object",
            "kept, as not recorded",
        ),
    ):
        if rows.any():
            ledger.add("kept", what, why, left=rows.sum())


def _financial(month: str) -> int:
    return int(month[:4]) - (int(month[5:7]) < 4)
