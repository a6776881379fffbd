"""How do the files people really have become our tables? One adapter per format.

An adapter has two steps. `read` takes the files as they are. `clean` makes canonical tables of them,
with a line in the ledger for each thing removed, changed or assumed. What is wrong with a file is said
in one block, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from . import (
    source_case_export,
    source_census_2021,
    source_cook_county,
    source_ethnicity_facts,
    source_home_office,
    source_lait,
    source_nomis,
    source_ons_custom,
    source_police_uk,
    source_yjb,
)
from .study_folder import StudyFolder
from .tables import DataError


@dataclass(frozen=True)
class Format:
    """How one kind of file is converted.

    Attributes
    ----------
    title : str
        What the files are, in a line of help.
    read : callable
        Files to raw tables.
    clean : callable
        Raw tables, and options by name, to a study folder.
    options : mapping of str to tuple of str
        Each option with its allowed values, the default first; one without values takes any text.
    """

    title: str
    read: Callable[[Sequence[Path]], Mapping[str, pd.DataFrame]]
    clean: Callable[..., StudyFolder]
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "cook-county": Format(
            "Cook County felony cases: intake, disposition and sentence counts (three JSON files)",
            source_cook_county.read,
            source_cook_county.clean,
        ),
        "census-2021": Format(
            "Census 2021: ethnic groups by single year of age, and TS007 (one or two CSV files)",
            source_census_2021.read,
            source_census_2021.clean,
            {"ethnicity_base": ("2021", "2011", "2001")},
        ),
        "case-export": Format(
            "Any case-management export (CSV or XLSX files), through a mapping.toml",
            source_case_export.read,
            source_case_export.clean,
            {"mapping": (), "key": (), "new_key": ("no", "yes")},
        ),
        "police-uk": Format(
            "Stop and search from data.police.uk: CSV, the API's JSON or that JSON flattened",
            source_police_uk.read,
            source_police_uk.clean,
            {
                "area": (),
                "boundaries": (),
                "boundary_name": (),
                "ethnicity_base": ("2021", "2011", "2001"),
            },
        ),
        "yjb": Format(
            "Youth Justice Board supplementary tables by ethnicity (.xlsx, .ods or .xls chapters)",
            source_yjb.read,
            source_yjb.clean,
            {"tables": (), "ethnicity_base": ("2001", "2011", "2021")},
        ),
        "ethnicity-facts": Format(
            "Ethnicity facts and figures downloads (CSV)",
            source_ethnicity_facts.read,
            source_ethnicity_facts.clean,
            {"stage": (), "column": (), "ethnicity_base": ("as published", "2001", "2011", "2021")},
        ),
        "home-office": Format(
            "Home Office open data on stop and search or arrests (.ods): children by police force",
            source_home_office.read,
            source_home_office.clean,
            {"ethnicity_base": ("2011", "2001")},
        ),
        "lait": Format(
            "Local Authority Interactive Tool (CSV): comparators, without ethnic groups",
            source_lait.read,
            source_lait.clean,
        ),
        "nomis": Format(
            "Nomis bulk table of single years of age, as TS007 (CSV): all children of an area",
            source_nomis.read,
            source_nomis.clean,
        ),
        "ons-custom": Format(
            "Census 2021 custom dataset of age and ethnic group (CSV)",
            source_ons_custom.read,
            source_ons_custom.clean,
            {"ethnicity_base": ("2021", "2011", "2001")},
        ),
    }
)
"""The formats that can be converted, by id."""


def convert(format: str, files: Sequence[str | Path], out: str | Path, **options: str) -> Path:
    """Convert files to a study folder, whole or not at all.

    Parameters
    ----------
    format : str
        One of `FORMATS`.
    files : sequence of path
        The files of that format, in any order.
    out : path
        The folder to make; it may exist if it is empty.
    **options : str
        Options of the format.

    Returns
    -------
    Path
        The folder, holding the tables, `study.toml` and `ledger.csv`.

    Raises
    ------
    DataError
        When the files cannot be used, or ``out`` holds something.
    ValueError
        When the format or an option is not known.

    Examples
    --------
    >>> convert("cook-country", [], "out")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: format 'cook-country' is not known. Known are cook-county, census-2021, ...
    """
    if format not in FORMATS:
        hint = " The format stands before the files." if Path(format).suffix else ""
        raise ValueError(f"format {format!r} is not known. Known are {', '.join(FORMATS)}.{hint}")
    adapter = FORMATS[format]
    for name, value in options.items():
        if name not in adapter.options:
            known = ", ".join(adapter.options) or "none"
            raise ValueError(f"{format} has no option {name!r}. Its options: {known}.")
        if adapter.options[name] and value not in adapter.options[name]:
            raise ValueError(
                f"{name} of {format} is one of {', '.join(adapter.options[name])}, not {value!r}."
            )
    paths = [Path(file) for file in files]
    if missing := [path for path in paths if not path.is_file()]:
        raise DataError(
            f"{len(missing)} of {len(paths)} files are not there. First: {missing[0].name}.\nCheck the path."
        )
    return adapter.clean(adapter.read(paths), **options).write(out)
