"""What is planted in the synthetic study? Every number behind it, and no arithmetic.

Sizes come from published totals; everything else is invented. ``synthetic_world`` works out what
follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from .vocabulary import BROAD, SOURCES_OF_ETHNICITY, UNKNOWN

GROUPS = tuple(group for group in BROAD if group != UNKNOWN)
REFERENCE = "White"
YEARS = tuple(range(2016, 2024))
"""Financial years, by the April they start in. Tuples of eight numbers below run over them."""
AGES = tuple(range(10, 18))

# -- the people ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Borough:
    """Children aged 10 to 17 in the 2021 census, and two invented factors."""

    detail: tuple[int, ...]  # by code in ``CODES``, rounded to 5 (ethnic group by single year of age)
    ages: tuple[int, ...]  # by age in ``AGES``, exact (TS007)
    arrests: float  # rate of arrest against Islington's: invented, in the order of first-time entrants
    drop: float  # how far the census lowered the estimate: Islington's from its Plan, others invented


# fmt: off
CODES = ("A3", "A4", "A1", "A2", "A9", "B2", "B1", "B9", "M3", "M2", "M1", "M9", "W1", "W3", "W2", "W4",
         "W9", "O2", "O9")
AREAS: Mapping[str, Borough] = {
    "Islington": Borough(
        (855, 105, 90, 45, 315, 2635, 555, 580, 425, 340, 710, 700, 5070, 0, 165, 0, 1275, 340, 1030),
        (2027, 2074, 2006, 1945, 1905, 1820, 1758, 1808), arrests=1.0, drop=0.13),
    "Camden": Borough(
        (2290, 165, 310, 85, 505, 1965, 180, 355, 590, 280, 465, 655, 4985, 0, 115, 0, 2275, 595, 705),
        (2072, 2112, 2139, 2021, 2044, 1935, 2195, 2086), arrests=0.60, drop=0.09),
    "Hackney": Borough(
        (995, 160, 825, 295, 500, 4095, 1765, 1595, 385, 400, 815, 750, 6670, 10, 90, 0, 2160, 300, 2455),
        (3121, 3071, 3109, 3069, 3049, 2965, 3033, 2949), arrests=0.42, drop=0.06),
    "Haringey": Borough(
        (675, 305, 290, 205, 500, 3310, 1360, 980, 645, 425, 830, 920, 7165, 10, 150, 170, 4010, 330, 2425),
        (3156, 3067, 3164, 3115, 3069, 2991, 3119, 3067), arrests=0.65, drop=0.05),
}
"""The boroughs. Cells the census suppressed count as 0."""
# fmt: on
MALE = 0.512
GROWTH = (0.955, 0.965, 0.975, 0.985, 0.995, 1.0, 1.005, 1.01)
"""Population of the 2021-based series, against its census."""
OLD_SERIES = {"Asian": 1.0, "Black": 0.95, "Mixed": 0.92, "Other": 0.90, "White": 1.08}
"""How the 2011-based series differs by group."""
OLD_SERIES_ENDS = 2020

# Of the children arrested, in every group alike.
AGE_ON_1_APRIL = (0.01, 0.02, 0.05, 0.11, 0.18, 0.25, 0.26, 0.12)  # by age in AGES
SEX = {"female": 0.175, "male": 0.82, "unknown": 0.005}
TRAITS = {
    "looked_after": (0.92, 0.08),  # no, yes
    "send": (0.5, 0.5),  # no, yes
    "previous": (0.75, 0.15, 0.10),  # earlier proven offences: none, one, two or more
}
SOURCE = dict(zip(SOURCES_OF_ETHNICITY[:3], (0.95, 0.03, 0.02), strict=True))
UNKNOWN_CODES = {"NS": 0.6, "NK": 0.25, "NR": 0.15}
UNKNOWN_SHARE = (0.06, 0.006)  # of children never charged, and charged

# -- the differences ----------------------------------------------------------------------------------

DIRECT: Mapping[str, Mapping[str, float]] = {
    "stop_search": {"Asian": 1.0, "Black": 2.5, "Mixed": 1.4, "Other": 1.0},
    "arrest": {"Asian": 1.0, "Black": 2.4, "Mixed": 2.0, "Other": 0.9},
    "released_under_investigation": {"Asian": 1.0, "Black": 1.25, "Mixed": 1.0, "Other": 1.0},
    "diversion": {"Asian": 1.0, "Black": 0.8, "Mixed": 0.9, "Other": 1.0},
    "caution": {"Asian": 1.0, "Black": 1.0, "Mixed": 1.0, "Other": 1.0},
    "charge": {"Asian": 1.0, "Black": 1.15, "Mixed": 1.1, "Other": 1.0},
    "remand_decision": {"Asian": 1.0, "Black": 1.0, "Mixed": 1.0, "Other": 1.0},
    "community_remand": {"Asian": 1.0, "Black": 0.8, "Mixed": 1.0, "Other": 1.0},
    "rlaa": {"Asian": 1.0, "Black": 1.0, "Mixed": 1.0, "Other": 1.0},
    "yda": {"Asian": 1.0, "Black": 1.6, "Mixed": 1.4, "Other": 1.0},
    "convicted": {"Asian": 1.0, "Black": 1.0, "Mixed": 1.0, "Other": 1.0},
    "sentenced": {"Asian": 1.0, "Black": 1.0, "Mixed": 1.0, "Other": 1.0},
    "custody": {"Asian": 1.0, "Black": 1.0, "Mixed": 1.0, "Other": 1.0},
    "reoffended": {"Asian": 1.0, "Black": 1.0, "Mixed": 1.0, "Other": 1.0},
}
"""Relative rates against White, at equal gravity."""

LEFT_OVER = {
    "no_further_action": ("charge", "caution", "diversion", "released_under_investigation"),
    "bail": ("yda", "rlaa", "community_remand"),
    "first_tier": ("custody", "community"),
}
"""What is left over at each decision, and what it is left over from."""

# fmt: off
OFFENCES = pd.DataFrame(
    [
        ("violence against the person", 3, 0.17, 0.13, 0.17, 0.18, 0.20, 0.30, 1.2, 0.04, 0.06, 0.35),
        ("violence against the person", 4, 0.13, 0.12, 0.13, 0.13, 0.14, 0.36, 0.9, 0.08, 0.13, 0.45),
        ("violence against the person", 6, 0.05, 0.07, 0.05, 0.05, 0.04, 0.55, 0.2, 0.25, 0.38, 0.60),
        ("violence against the person", 7, 0.02, 0.04, 0.03, 0.02, 0.02, 0.60, 0.1, 0.40, 0.55, 0.70),
        ("sexual offences", 8,             0.01, 0.01, 0.01, 0.01, 0.01, 0.60, 0.1, 0.42, 0.60, 0.70),
        ("robbery", 6,                     0.10, 0.22, 0.17, 0.10, 0.08, 0.55, 0.2, 0.25, 0.38, 0.60),
        ("domestic burglary", 6,           0.04, 0.04, 0.05, 0.04, 0.05, 0.55, 0.2, 0.25, 0.38, 0.60),
        ("drugs", 2,                       0.18, 0.13, 0.13, 0.13, 0.12, 0.20, 1.5, 0.02, 0.03, 0.20),
        ("drugs", 6,                       0.06, 0.08, 0.06, 0.05, 0.03, 0.55, 0.2, 0.25, 0.38, 0.60),
        ("theft and handling", 3,          0.12, 0.08, 0.10, 0.15, 0.15, 0.30, 1.2, 0.04, 0.06, 0.35),
        ("vehicle theft", 3,               0.05, 0.04, 0.05, 0.05, 0.06, 0.30, 1.2, 0.04, 0.06, 0.35),
        ("criminal damage", 2,             0.05, 0.02, 0.03, 0.07, 0.08, 0.20, 1.5, 0.02, 0.03, 0.20),
        ("public order", 2,                0.02, 0.02, 0.02, 0.02, 0.02, 0.20, 1.5, 0.02, 0.03, 0.20),
    ],
    columns=["name", "gravity", *GROUPS, "charge", "caution", "yda", "custody", "community"],
).assign(diversion=lambda table: table["caution"])
# fmt: on
"""Offence, gravity, its share of the children arrested in each group, and how it moves each decision.

``charge``, ``yda`` and ``custody`` are a White child's chance, and ``community`` any child's when not
sentenced to custody; ``caution`` and ``diversion`` are times the usual chance. ``LEVEL`` multiplies all
but ``community``. The other decisions do not depend on the offence.
"""

OFFENCE_TO_ARREST = {"Asian": 30.0, "Black": 45.0, "Mixed": 30.0, "Other": 30.0, "White": 30.0}
"""Mean days from offence to arrest."""
LINKED_OUTCOME = {"Asian": 0.22, "Black": 0.187, "Mixed": 0.22, "Other": 0.22, "White": 0.22}
"""Share of searches whose outcome is linked to the object."""

# -- level and trend ----------------------------------------------------------------------------------

ARRESTED = (245, 240, 225, 210, 180, 165, 155, 150)  # distinct children a year, Islington
RETURN = (0.15, 0.05)  # share of arrested children of each group arrested again one and two years on
EPISODES = (0.72, 0.18, 0.07, 0.03)  # 1 to 4 arrests of a child in a year
COURT_DELAY = (1.0, 1.0, 1.0, 1.1, 1.6, 1.5, 1.3, 1.2)

LEVEL: Mapping[str, float | tuple[float, ...]] = {
    "charge": (1.0, 1.0, 0.95, 0.85, 0.75, 0.70, 0.65, 0.65),
    "caution": (0.15, 0.14, 0.12, 0.10, 0.08, 0.07, 0.06, 0.06),
    "diversion": (0.12, 0.13, 0.14, 0.16, 0.19, 0.20, 0.21, 0.22),
    "released_under_investigation": (0.02, 0.10, 0.12, 0.12, 0.12, 0.12, 0.12, 0.12),
    "remand_decision": 0.95,
    "yda": (0.9, 0.8, 0.6, 0.35, 0.5, 0.6, 0.3, 0.3),
    "rlaa": 0.04,
    "community_remand": 0.06,
    "convicted": 0.75,
    "sentenced": 0.97,
    "custody": (1.0, 1.0, 1.0, 0.4, 0.3, 0.3, 0.35, 0.35),
    "reoffended": 0.28,
}
"""A White child's chance of each decision, or what multiplies the chance for the offence."""
TRAIT_FACTORS = {
    "yda": ("looked_after", (1.0, 1.3)),
    "reoffended": ("looked_after", (1.0, 1.3)),
    "custody": ("previous", (0.9, 1.2, 1.4)),
}
"""Which trait multiplies the chance of a decision, in every group alike, and by how much."""
INTERVENTION_AFTER_DIVERSION = 0.6

# -- sentences and support ------------------------------------------------------------------------------

PROPOSED = {  # of children given each sentence: no report, and what the others' reports proposed
    "first_tier": {"": 0.70, "first_tier": 0.24, "community": 0.06, "custody": 0.0},
    "community": {"": 0.03, "first_tier": 0.06, "community": 0.86, "custody": 0.05},
    "custody": {"": 0.04, "first_tier": 0.0, "community": 0.46, "custody": 0.50},
}
MONTHS = {  # of custodial sentences, by whether the gravity is below 7
    True: {4: 0.30, 6: 0.25, 8: 0.20, 12: 0.15, 18: 0.07, 24: 0.03},
    False: {12: 0.20, 18: 0.25, 24: 0.25, 36: 0.15, 48: 0.10, 60: 0.05},
}
NEEDS = {  # of children on an intervention, in whom each need is identified
    "accommodation": 0.12,
    "education, training and employment": 0.45,
    "mental health": 0.40,
    "special educational needs": 0.50,
    "substance misuse": 0.35,
}
NEEDS_SINCE = 2023
"""The key performance indicators are recorded from the April of this year."""
PROGRAMMES = {"mentoring": 0.45, "restorative justice": 0.40, "weapons awareness": 0.30}
OFFERED, STARTED, COMPLETED = 0.85, 0.75, 0.70
"""Of children with a need or suited to a programme, of those offered support, and of those who began it."""
PROGRAMME_STARTED: Mapping[str, float] = {
    "Asian": 1.0,
    "Black": 0.8,
    "Mixed": 1.0,
    "Other": 1.0,
    "White": 1.0,
}
"""Chance of starting a programme once it is offered, relative to White children; alike for needs."""

# -- searches -----------------------------------------------------------------------------------------

SEARCHED = (30, 27, 36, 42, 45, 33, 27, 24)  # a month, Islington; about a quarter of the published number
SEARCH_NOT_STATED, OFFICER_BLANK = 0.09, 0.03
OFFICER_SEES_MIXED = {"Black": 0.63, "White": 0.25, "Asian": 0.08, "Other": 0.04}
SOUGHT = {
    "Controlled drugs": 0.55,
    "Offensive weapons": 0.25,
    "Stolen goods": 0.12,
    "Article for use in theft": 0.08,
}
FOUND = {"Arrest": 0.45, "Community resolution": 0.45, "Summons / charged by post": 0.10}
