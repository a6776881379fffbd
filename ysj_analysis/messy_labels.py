"""Which labels does the messy export use, and what do they mean? The code lists, and its `mapping.toml`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import code_lists
from .case_fields import NOT_COUNTED, OUT_OF_AREA, plain
from .vocabulary import ETHNICITIES

ETHNICITY: Mapping[str, Sequence[str]] = {
    e.code: [
        label
        for label in dict.fromkeys(
            [
                f"{e.code} - {e.label}",
                e.label,
                *(
                    label
                    for scheme in ("police.uk", "census-2021")
                    for label, code in code_lists.labels(scheme).items()
                    if code == e.code
                ),
            ]
        )
        if label not in ("", "null")
    ]
    for e in ETHNICITIES
}
"""Detailed code to the ways it is written. Blanks and marks are added where nothing is recorded."""

NOT_RECORDED = ("", "", "", "NULL", "N/A", "Not recorded")

SEX = {"male": ("Male", "M", "male "), "female": ("Female", "F"), "unknown": ("Not known", "")}
DEFINED = {
    "self": ("Self-defined", "Self"),
    "officer": ("Officer-defined",),
    "school": ("School census",),
    "unknown": ("", "Unknown"),
}
CARED_FOR = {"yes": ("Yes", "Yes - s20", "Yes - s31"), "no": ("No", "N"), "": ("",)}
NEEDS = {"yes": ("EHCP", "SEN support", "Y"), "no": ("None", "N"), "": ("",)}
AREA = {
    "Islington": ("Islington", "Islington YJS", "ISLINGTON "),
    OUT_OF_AREA: ("Other", "Kent", "../../Camden", "<b>Other</b>", '=HYPERLINK("x","Essex")'),
}
STAGE: Mapping[tuple[str, ...], Sequence[str]] = {
    ("arrest",): ("Arrest",),
    ("no_further_action",): ("No Further Action", "NFA - Police"),
    ("released_under_investigation",): ("Released Under Investigation",),
    ("diversion",): ("Community Resolution", "Outcome 22", "Triage"),
    ("caution",): ("Youth Caution", "Youth Conditional Caution"),
    ("charge",): ("Charged to court",),
    ("remand_decision", "bail"): ("Unconditional Bail", "Conditional Bail"),
    ("remand_decision", "community_remand"): ("Bail Supervision and Support", "ISS Bail"),
    ("remand_decision", "rlaa"): ("Remand to Local Authority Accommodation",),
    ("remand_decision", "yda"): ("Remand to Youth Detention Accommodation",),
    ("convicted",): ("Found guilty", "Pleaded guilty"),
    ("sentenced", "first_tier"): ("Referral Order", "Fine", "Conditional Discharge"),
    ("sentenced", "community"): ("Youth Rehabilitation Order", "YRO with ISS"),
    ("sentenced", "custody"): ("Detention and Training Order", "Section 250"),
    ("first_time_entrant",): ("First Time Entrant",),
    ("intervention",): ("Programme start",),
    ("cohort",): ("Reoffending cohort",),
    ("reoffended",): ("Reoffence proven",),
    (NOT_COUNTED,): ("Breach of Bail", "Transferred out"),
}
REPRIMAND, TESTING = "Reprimand", "Drug Treatment and Testing Order"
COURT = {"youth": ("Highbury Corner Youth Court",), "crown": ("Crown Court",), "": ("",)}
OUTCOME = {
    "undecided": ("Awaiting outcome",),
    "acquitted": ("Found not guilty",),
    "convicted": ("Guilty, not yet sentenced",),
    "first_tier": ("Referral Order", "Fine"),
    "community": ("Youth Rehabilitation Order",),
    "custody": ("Detention and Training Order",),
    "caution": ("Youth Caution",),
    "diversion": ("Community Resolution",),
    "no_further_action": ("No Further Action",),
}
_THEFT = "Theft \N{EN DASH} handling"  # which a system on Windows writes in its own encoding
GROUPS = {
    "violence against the person": "Violence Against The Person",
    "sexual offences": "Sexual Offences",
    "robbery": "Robbery",
    "domestic burglary": "Domestic Burglary",
    "drugs": "Drugs",
    "theft and handling": _THEFT,
    "vehicle theft": "Vehicle Theft / Unauthorised Taking",
    "criminal damage": "Criminal Damage",
    "public order": "Public Order",
}

_SETTINGS = """\
# How the three files of this export are read. docs/case-export.md explains every part.
title = "Messy synthetic export, seed {seed}"
areas = ["Islington"]
ethnicity_base = "2021"
period = "financial"
years = [{first}, {last}]
extract_date = {extract}
population_vintage = "2021"

[files]
people = "young_people*.csv"
outcomes = "outcomes*.csv"
offences = "offences*.csv"
population = "population.csv"

[reading]
dates = ["DD/MM/YYYY", "YYYY-MM-DD", "DD-MMM-YY", "EXCEL"]
blank = ["NULL", "N/A"]

[children]
file = "people"
child_id = "Person ID"
recorded = "Ethnicity recorded on"
birth_date = "Date of Birth"
sex = "Gender"
ethnicity = "Ethnicity"
ethnicity_source = "Ethnicity defined by"
looked_after = "Looked After?"
send = "EHCP / SEN"
area = "Home authority"

[[events]]
file = "outcomes"
child_id = "Person ID"
episode_id = "Case Ref"
stage = "Outcome"
date = "Outcome Date"
area = "Responsible YJS"
offence_group = "Offence type"
gravity = "Seriousness"
court = "Court"
age = "Age band"

[[offences]]
file = "offences"
child_id = "Person ID"
offence_id = "Offence ID"
episode_id = "Case Ref"
offence_date = "Offence Date"
outcome_date = "Outcome Date"
outcome = "Legal Outcome"
gravity = "Seriousness"
offence_group = "Offence type"

[decisions]
ethnicity_changes = "latest self-defined"
impossible_dates = "remove"
impossible_gravity = "blank"
no_child_id = "stop"
out_of_area = "remove"
looked_after_elsewhere = "keep"
outside_10_to_17 = "keep"

# The system has no code for these two outcomes yet, and sends one that ended years ago.
[obsolete."Reprimand"]
means = "Outcome 23"
stage = "diversion"

[obsolete."Drug Treatment and Testing Order"]
means = "Youth Diversion Order"
stage = "not counted"
"""


def mapping_text(seed: int, years: tuple[int, int], extract: str) -> str:
    """Write the mapping of the export.

    Parameters
    ----------
    seed : int
        To be named in the title.
    years : tuple of int
        First and last year.
    extract : str
        ISO day of the export.

    Returns
    -------
    str
        TOML.
    """
    lists: dict[str, dict[str, Any]] = {
        "ethnicity": {label: code for code, labels in ETHNICITY.items() for label in labels},
        "sex": _turned(SEX),
        "ethnicity_source": _turned(DEFINED),
        "looked_after": _turned(CARED_FOR),
        "send": _turned(NEEDS),
        "area": _turned(AREA),
        "court": _turned(COURT),
        "outcome": _turned(OUTCOME),
        "offence_group": {label: group for group, label in GROUPS.items()},
        "stage": {
            label: stages[0] if len(stages) == 1 else list(stages)
            for stages, labels in STAGE.items()
            for label in labels
        },
    }
    parts = [_SETTINGS.format(seed=seed, first=years[0], last=years[1], extract=extract)]
    for name, labels in lists.items():
        once = {plain(label): (label, value) for label, value in labels.items() if label}
        lines = [f"{_quoted(label.strip())} = {_quoted(value)}" for label, value in once.values()]
        parts.append(f"[codes.{name}]\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _turned(meanings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {label: code for code, labels in meanings.items() for label in labels}


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
