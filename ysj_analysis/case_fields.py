"""What can a case-management export hold, and which choices does it leave?

The fields that are read, what their codes may mean, the decisions an analyst takes, and the outcomes that
no longer exist but are still sent.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from .vocabulary import SEX, SOURCES_OF_ETHNICITY, STAGES, TABLES

UNDECIDED = "?"
"""What a draft leaves for a person to decide; it is refused."""

NOT_COUNTED = "not counted"
"""A code for a label that is understood and reaches no stage."""

OUT_OF_AREA = "out of area"
"""A code for children of another service, whom many systems record as ``Other``."""

FIELDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "children": {
            "child_id": "id",
            "recorded": "date",
            "birth_date": "birth",
            "sex": "code",
            "ethnicity": "code",
            "ethnicity_source": "code",
            "looked_after": "code",
            "send": "code",
            "area": "code",
            "transferred_in": "date",
            "transferred_out": "date",
        },
        "events": {
            "child_id": "id",
            "episode_id": "id",
            "stage": "code",
            "date": "date",
            "area": "code",
            "offence_group": "code",
            "gravity": "gravity",
            "court": "code",
            "age": "age",
        },
        "offences": {
            "child_id": "id",
            "offence_id": "id",
            "episode_id": "id",
            "offence_date": "date",
            "outcome_date": "date",
            "outcome": "code",
            "gravity": "gravity",
            "offence_group": "code",
        },
    }
)
"""What each column of an export may be, by table. Nothing else is ever copied."""

REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "children": ("child_id", "ethnicity"),
        "events": ("child_id", "episode_id", "stage", "date"),
        "offences": ("child_id", "offence_date"),
    }
)

NOTHING_RECORDED: Mapping[str, str] = MappingProxyType(
    {"ethnicity": "NR", "ethnicity_source": "unknown", "sex": "unknown"}
)
"""What an empty cell means where the mapping says nothing; elsewhere it stays empty."""

DECISIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ethnicity_changes": ("latest self-defined", "latest", "first", "not known"),
        "impossible_dates": ("stop", "remove"),
        "impossible_gravity": ("stop", "blank"),
        "no_child_id": ("stop", "remove"),
        "out_of_area": ("remove", "keep"),
        "looked_after_elsewhere": ("keep", "remove"),
        "outside_10_to_17": ("keep", "remove"),
    }
)
"""What to do where the data leave a choice; the first is the default."""

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ethnicity": next(c.choices for c in TABLES["children"] if c.name == "ethnicity"),
        "ethnicity_source": SOURCES_OF_ETHNICITY,
        "sex": SEX,
        "looked_after": ("yes", "no", ""),
        "send": ("yes", "no", ""),
        "stage": (*STAGES, NOT_COUNTED),
    }
)
SETTINGS = (
    *("title", "areas", "ethnicity_base", "ethnicity_source"),
    *("period", "years", "extract_date", "population_vintage"),
)
"""What a mapping says before its parts."""
PARTS = ("files", "reading", "children", "events", "offences", "codes", "obsolete", "decisions")

OBSOLETE_OUTCOMES: Mapping[str, datetime.date] = MappingProxyType(
    {
        "reprimand": datetime.date(2013, 4, 8),
        "final warning": datetime.date(2013, 4, 8),
        "drug treatment and testing order": datetime.date(2009, 11, 30),
        "action plan order": datetime.date(2009, 11, 30),
        "supervision order": datetime.date(2009, 11, 30),
    }
)
"""Outcomes that no longer exist, as `plain` writes them, and the day from which they do not.

Reprimands and final warnings: Legal Aid, Sentencing and Punishment of Offenders Act 2012, section 135, in
force on 8 April 2013 (S.I. 2013/453, article 4). The orders: replaced by the youth rehabilitation order,
Criminal Justice and Immigration Act 2008, for offences from 30 November 2009. A system that has no code
yet for a new outcome sends one of these in its place, so a later one is never taken at its word.
"""


def plain(label: str) -> str:
    """Write a label without regard to case, spaces and the several ways Unicode writes one letter.

    Parameters
    ----------
    label : str
        As in a file or a mapping.

    Returns
    -------
    str
        Labels that differ in nothing else are equal. Nothing else is ever taken to be the same.

    Examples
    --------
    >>> plain("  White  british ") == plain("White British"), plain("Black") == plain("Blck")
    (True, False)
    """
    return " ".join(unicodedata.normalize("NFKC", label).split()).casefold()
