"""What would data with a known truth look like? A made-up study of four boroughs.

No real child is in it. Sizes come from published totals (ONS Census 2021, tables TS007 and ethnic group
by single year of age; Islington's Youth Justice Plan 2023-24; the Department for Education's local
authority tables); everything else, the relative rates first of all, is planted.

How the planted values stay exact
---------------------------------
1. **Arrests.** In each area, year and group the number of *distinct children* arrested is Poisson with
   mean ``population x rate x relative rate``. A child may be arrested in more than one year: the same
   share of every group returns, and new children are drawn to make up the mean. So the relative rate is
   exact for one year, and for several years pooled.
2. **Decisions belong to a child and a year.** Every episode of a child in one financial year has the same
   offence group, gravity and decisions. So a child counts at a stage exactly when its episodes do, counts
   nest, and the relative rate is the same for children and for episodes (for episodes the usual interval
   is too narrow, as in life).
3. **Direct and total.** ``direct`` relative rates compare children arrested for offences of the same
   gravity. The offence mix differs by group, so the rates one sees (``relative_rates``) differ from them
   where a decision depends on gravity. The two are linked by exact enumeration, not by simulation: at
   ``custody`` every direct value is 1.0 and the whole gap is offence mix.
4. **Nothing else depends on the group**: neither sex, age, looked after, SEND, number of episodes, court
   delays nor further offences, but for the days from offence to arrest, which are planted too.
5. **Reoffending.** A child who was cautioned or convicted is not arrested again; further offences are in
   ``offences`` alone (dealt with by summons), so that ``reoffended`` can be planted as well.

The unit is distinct children and the year is that of the arrest: a child counts at a stage in the year in
which the episode began. Three other ways of counting move the value at stages after arrest: a child once in
several years, and an event by its own date, by about 1%; and the last year, some of whose outcomes come after
the extract, by up to 5% where short and long waits meet (first-time entrants, interventions, reoffending).
The children whose ethnicity is not known are in ``Truth.ethnicity``; few of them were charged.
"""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .vocabulary import (
    BROAD,
    POPULATION,
    SOURCES_OF_ETHNICITY,
    STAGES,
    TABLES,
    UNKNOWN,
    broad_groups,
    period_label,
)

SEED = 20240401
GROUPS = tuple(group for group in BROAD if group != UNKNOWN)
REFERENCE = "White"
YEARS = tuple(range(2016, 2024))

# -- the people ---------------------------------------------------------------------------------------

# Children aged 10 to 17 by detailed group, rounded to 5 by the ONS (Census 2021, ethnic group by single
# year of age; suppressed cells count as 0), and by age from 10 to 17, exact (Census 2021, TS007).
# fmt: off
_CODES = ("A3", "A4", "A1", "A2", "A9", "B2", "B1", "B9", "M3", "M2", "M1", "M9", "W1", "W3", "W2", "W4",
          "W9", "O2", "O9")
# fmt: on


@dataclass(frozen=True)
class _Borough:
    detail: tuple[int, ...]
    ages: tuple[int, ...]
    arrests: float  # rate of arrest against Islington's: invented, in the order of first-time entrants
    drop: float  # how far the 2021 census lowered the estimate: Islington's from its Plan, others invented


# fmt: off
AREAS: Mapping[str, _Borough] = {
    "Islington": _Borough(
        (855, 105, 90, 45, 315, 2635, 555, 580, 425, 340, 710, 700, 5070, 0, 165, 0, 1275, 340, 1030),
        (2027, 2074, 2006, 1945, 1905, 1820, 1758, 1808), arrests=1.0, drop=0.13),
    "Camden": _Borough(
        (2290, 165, 310, 85, 505, 1965, 180, 355, 590, 280, 465, 655, 4985, 0, 115, 0, 2275, 595, 705),
        (2072, 2112, 2139, 2021, 2044, 1935, 2195, 2086), arrests=0.60, drop=0.09),
    "Hackney": _Borough(
        (995, 160, 825, 295, 500, 4095, 1765, 1595, 385, 400, 815, 750, 6670, 10, 90, 0, 2160, 300, 2455),
        (3121, 3071, 3109, 3069, 3049, 2965, 3033, 2949), arrests=0.42, drop=0.06),
    "Haringey": _Borough(
        (675, 305, 290, 205, 500, 3310, 1360, 980, 645, 425, 830, 920, 7165, 10, 150, 170, 4010, 330, 2425),
        (3156, 3067, 3164, 3115, 3069, 2991, 3119, 3067), arrests=0.65, drop=0.05),
}
# fmt: on
_AGES = tuple(range(10, 18))
_MALE = 0.512
# Invented: how the 2021-based series grows to and from its census year, and how the older series differs.
_GROWTH = (0.955, 0.965, 0.975, 0.985, 0.995, 1.0, 1.005, 1.01)
_OLD_SERIES = {"Asian": 1.0, "Black": 0.95, "Mixed": 0.92, "Other": 0.90, "White": 1.08}
_OLD_SERIES_ENDS = 2020

# -- planted differences -----------------------------------------------------------------------------

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
"""Relative rates against White, at equal gravity. What is left of a partition goes to its last member."""

OFFENCE_TO_ARREST = {"Asian": 30.0, "Black": 45.0, "Mixed": 30.0, "Other": 30.0, "White": 30.0}
"""Mean days from offence to arrest."""
LINKED_OUTCOME = {"Asian": 0.22, "Black": 0.187, "Mixed": 0.22, "Other": 0.22, "White": 0.22}
"""Share of searches whose outcome is linked to the object."""


@dataclass(frozen=True)
class _Offence:
    name: str
    gravity: int
    mix: tuple[float, ...]  # share of arrested children, in the order of GROUPS
    charge: float  # White children's chance of each decision, in a year whose factor is 1
    out_of_court: float  # times the usual chance of a caution or a diversion
    yda: float
    custody: float
    community: float  # among those not sentenced to custody


# fmt: off
_OFFENCES = (
    _Offence("violence against the person", 3, (0.17, 0.13, 0.17, 0.18, 0.20), 0.30, 1.2, 0.04, 0.06, 0.35),
    _Offence("violence against the person", 4, (0.13, 0.12, 0.13, 0.13, 0.14), 0.36, 0.9, 0.08, 0.13, 0.45),
    _Offence("violence against the person", 6, (0.05, 0.07, 0.05, 0.05, 0.04), 0.55, 0.2, 0.25, 0.38, 0.60),
    _Offence("violence against the person", 7, (0.02, 0.04, 0.03, 0.02, 0.02), 0.60, 0.1, 0.40, 0.55, 0.70),
    _Offence("sexual offences", 8,             (0.01, 0.01, 0.01, 0.01, 0.01), 0.60, 0.1, 0.42, 0.60, 0.70),
    _Offence("robbery", 6,                     (0.10, 0.22, 0.17, 0.10, 0.08), 0.55, 0.2, 0.25, 0.38, 0.60),
    _Offence("domestic burglary", 6,           (0.04, 0.04, 0.05, 0.04, 0.05), 0.55, 0.2, 0.25, 0.38, 0.60),
    _Offence("drugs", 2,                       (0.18, 0.13, 0.13, 0.13, 0.12), 0.20, 1.5, 0.02, 0.03, 0.20),
    _Offence("drugs", 6,                       (0.06, 0.08, 0.06, 0.05, 0.03), 0.55, 0.2, 0.25, 0.38, 0.60),
    _Offence("theft and handling", 3,          (0.12, 0.08, 0.10, 0.15, 0.15), 0.30, 1.2, 0.04, 0.06, 0.35),
    _Offence("vehicle theft", 3,               (0.05, 0.04, 0.05, 0.05, 0.06), 0.30, 1.2, 0.04, 0.06, 0.35),
    _Offence("criminal damage", 2,             (0.05, 0.02, 0.03, 0.07, 0.08), 0.20, 1.5, 0.02, 0.03, 0.20),
    _Offence("public order", 2,                (0.02, 0.02, 0.02, 0.02, 0.02), 0.20, 1.5, 0.02, 0.03, 0.20),
)
# fmt: on

_PARTITIONS = {
    "no_further_action": ("charge", "caution", "diversion", "released_under_investigation"),
    "bail": ("yda", "rlaa", "community_remand"),
    "first_tier": ("custody", "community"),
}
"""What is left over at each decision, and what it is left over from."""

# -- level and trend, 2016-17 to 2023-24 --------------------------------------------------------------

_LEVEL: Mapping[str, float | tuple[float, ...]] = {
    "charge": (1.0, 1.0, 0.95, 0.85, 0.75, 0.70, 0.65, 0.65),  # times the chance for the offence
    "caution": (0.15, 0.14, 0.12, 0.10, 0.08, 0.07, 0.06, 0.06),
    "diversion": (0.12, 0.13, 0.14, 0.16, 0.19, 0.20, 0.21, 0.22),
    "released_under_investigation": (0.02, 0.10, 0.12, 0.12, 0.12, 0.12, 0.12, 0.12),
    "remand_decision": 0.95,
    "yda": (0.9, 0.8, 0.6, 0.35, 0.5, 0.6, 0.3, 0.3),  # times the chance for the offence
    "rlaa": 0.04,
    "community_remand": 0.06,
    "convicted": 0.75,
    "sentenced": 0.97,
    "custody": (1.0, 1.0, 1.0, 0.4, 0.3, 0.3, 0.35, 0.35),  # times the chance for the offence
    "reoffended": 0.28,
}
_BY_OFFENCE = {
    "charge": "charge",
    "caution": "out_of_court",
    "diversion": "out_of_court",
    "yda": "yda",
    "custody": "custody",
}
# Characteristics that change a decision, for every group alike: shares of children, and factors.
_LOOKED_AFTER = (0.92, 0.08)
_PREVIOUS = (0.75, 0.15, 0.10)  # earlier proven offences: none, one, two or more
_FACTORS = {
    "yda": ("looked_after", _LOOKED_AFTER, (1.0, 1.3)),
    "reoffended": ("looked_after", _LOOKED_AFTER, (1.0, 1.3)),
    "custody": ("previous", _PREVIOUS, (0.9, 1.2, 1.4)),
}
_ARRESTED = (245, 240, 225, 210, 180, 165, 155, 150)  # distinct children a year, Islington
_SEARCHED = (30, 27, 36, 42, 45, 33, 27, 24)  # a month, Islington; about a quarter of the published number
_COURT_DELAY = (1.0, 1.0, 1.0, 1.1, 1.6, 1.5, 1.3, 1.2)
_RETURN = (0.15, 0.05)  # share of arrested children of each group arrested again one and two years on
_EPISODES = (0.72, 0.18, 0.07, 0.03)  # 1 to 4 arrests of a child in a year
_INTERVENTION_AFTER_DIVERSION = 0.6
_AGE_ON_1_APRIL = (0.01, 0.02, 0.05, 0.11, 0.18, 0.25, 0.26, 0.12)  # 10 to 17
_SEX = {"female": 0.175, "male": 0.82, "unknown": 0.005}
_SEND = (0.5, 0.5)
_SOURCE = dict(zip(SOURCES_OF_ETHNICITY[:3], (0.85, 0.09, 0.06), strict=True))
_UNKNOWN_CODES = {"NS": 0.6, "NK": 0.25, "NR": 0.15}
_UNKNOWN_SHARE = (0.06, 0.006)  # of children never charged, and charged
_SEARCH_NOT_STATED, _OFFICER_BLANK = 0.09, 0.03
_OFFICER_SEES_MIXED = {"Black": 0.63, "White": 0.25, "Asian": 0.08, "Other": 0.04}
_SOUGHT = {
    "Controlled drugs": 0.55,
    "Offensive weapons": 0.25,
    "Stolen goods": 0.12,
    "Article for use in theft": 0.08,
}
_FOUND = {"Arrest": 0.45, "Community resolution": 0.45, "Summons / charged by post": 0.10}


@dataclass(frozen=True)
class Truth:
    """What was planted. Lists run over ``years``; values are relative to White children.

    Attributes
    ----------
    seed : int
        The seed.
    areas, years : tuple
        What was simulated.
    extract_date : str
        The last day in the data: later events are missing, later outcomes "undecided".
    unit, reference : str
        What is counted, and the group the values are relative to.
    direct : dict
        Stage to group to relative rate, among children arrested for offences of equal gravity.
    relative_rates : dict
        Stage to group to one value a year, on the stage's own base in ``vocabulary.STAGES``, counting
        distinct children in the year of the arrest (for ``stop_search``, searches).
    cumulative : dict
        The same on the population, for every stage.
    offence_to_arrest_days : dict
        Group to mean days from offence to arrest.
    linked_outcome : dict
        Group to the share of searches whose outcome is linked to the object.
    ethnicity : dict
        ``child_id`` to detailed code, for the children whose ethnicity is not known in the tables.
    """

    seed: int
    areas: tuple[str, ...]
    years: tuple[int, ...]
    extract_date: str
    unit: str
    reference: str
    direct: dict[str, dict[str, float]]
    relative_rates: dict[str, dict[str, list[float]]]
    cumulative: dict[str, dict[str, list[float]]]
    offence_to_arrest_days: dict[str, float]
    linked_outcome: dict[str, float]
    ethnicity: dict[str, str]

    def to_json(self) -> str:
        """Write as JSON: sorted keys, six decimals, one line a list."""
        rounded = json.loads(json.dumps(asdict(self)), parse_float=lambda text: round(float(text), 6))
        text = json.dumps(rounded, indent=1, sort_keys=True)
        return re.sub(r"\[[^\[\]{}]*\]", lambda m: " ".join(m[0].split()), text) + "\n"


@dataclass(frozen=True)
class Study:
    """The tables of a simulated study, as ``vocabulary.TABLES`` describes them, and the truth."""

    children: pd.DataFrame
    events: pd.DataFrame
    offences: pd.DataFrame
    searches: pd.DataFrame
    population: pd.DataFrame
    truth: Truth


# -- the planted world: everything that is fixed before a number is drawn ------------------------------


@dataclass(frozen=True)
class _World:
    """The chances behind a study. The axes of each array are named beside it."""

    areas: tuple[str, ...]
    years: tuple[int, ...]  # with two years before the study, so that some children return in its first
    arrested: np.ndarray  # area, year, group: expected distinct children
    searched: np.ndarray  # area, year, group: expected searches a month
    mix: np.ndarray  # group, offence: share of arrested children
    share: dict[str, np.ndarray]  # stage: year, group, offence: chance, of those at the stage that feeds it
    reached: dict[str, np.ndarray]  # stage: year, group, offence: chance, of those arrested


def _offence(field: str) -> np.ndarray:
    return np.array([getattr(o, field) for o in _OFFENCES])


def _at(table: float | Sequence[float], years: Sequence[int]) -> np.ndarray:
    """Look a yearly parameter up; years before the table take its first value."""
    table = np.broadcast_to(np.asarray(table, dtype=float), len(YEARS))
    return table[np.maximum(np.asarray(years) - YEARS[0], 0)]


def _vector(values: Mapping[str, float]) -> np.ndarray:
    return np.array([values[group] for group in GROUPS])


def _population(areas: Sequence[str], years: Sequence[int], scale: float, vintage: str) -> np.ndarray:
    """Whole children by area, year, age, sex and group; each area and year adds to its rounded total."""
    broad = broad_groups("2021")
    inside = np.array([[broad[code] == group for code in _CODES] for group in GROUPS])
    out = []
    for borough in (AREAS[area] for area in areas):
        of_group = inside @ borough.detail * (_vector(_OLD_SERIES) if vintage == "2011" else 1.0)
        shape = np.einsum("a,s,g->asg", borough.ages, [1 - _MALE, _MALE], of_group / of_group.sum())
        level = _at(_GROWTH, years) * scale / (1 - borough.drop if vintage == "2011" else 1)
        exact = level[:, None] * shape.ravel()
        whole = np.floor(exact)
        short = np.rint(exact.sum(1) - whole.sum(1))
        rank = np.argsort(np.argsort(whole - exact, axis=1, kind="stable"), axis=1, kind="stable")
        out.append((whole + (rank < short[:, None])).reshape(len(years), *shape.shape))
    return np.array(out).astype(int)


def _world(areas: Sequence[str], years: Sequence[int], scale: float, direct: Mapping) -> _World:
    years = (years[0] - 2, years[0] - 1, *years)
    relative = {stage: _vector(groups) for stage, groups in direct.items()}
    share = {}
    for stage, level in _LEVEL.items():
        _, weights, factors = _FACTORS.get(stage, ("", (1.0,), (1.0,)))
        gravity = _offence(_BY_OFFENCE[stage]) if stage in _BY_OFFENCE else np.ones(len(_OFFENCES))
        share[stage] = np.einsum(
            "y,g,o->ygo", _at(level, years), relative[stage], gravity * np.dot(weights, factors)
        )
    share["community"] = (1 - share["custody"]) * _offence("community")
    for rest, others in _PARTITIONS.items():
        share[rest] = 1 - sum(share[stage] for stage in others)
    if not all((p >= 0).all() and (p <= 1).all() for p in share.values()):
        raise ValueError("relative_rates: too large; some chances of a decision are outside 0 to 1.")

    mix = _offence("mix").T
    reached = {"arrest": np.broadcast_to(mix, (len(years), *mix.shape))}
    for stage in STAGES:
        if stage in share and stage != "reoffended":
            reached[stage] = reached[STAGES[stage].base] * share[stage]
    reached["first_time_entrant"] = (reached["caution"] + reached["convicted"]) * _PREVIOUS[0]
    reached["cohort"] = reached["caution"] + reached["sentenced"]
    reached["intervention"] = reached["cohort"] + reached["diversion"] * _INTERVENTION_AFTER_DIVERSION
    reached["reoffended"] = reached["cohort"] * share["reoffended"]

    people = _population(areas, years, scale, "2021").sum((2, 3))
    islington = _population(["Islington"], [2021], 1.0, "2021").sum((0, 1, 2, 3))
    level = np.array([AREAS[area].arrests for area in areas])

    def expected(stage: str, total: Sequence[float]) -> np.ndarray:
        rate = np.outer(level, _at(total, years)) / np.dot(islington, relative[stage])
        return people * rate[:, :, None] * relative[stage]

    return _World(
        tuple(areas),
        years,
        expected("arrest", _ARRESTED),
        expected("stop_search", _SEARCHED),
        mix,
        share,
        reached,
    )


def _truth(seed: int, world: _World, direct: Mapping, extract: int, ethnicity: dict[str, str]) -> Truth:
    """Work out the relative rates to expect by adding up over offences: no simulation."""
    white, shape = GROUPS.index(REFERENCE), (len(world.years), len(GROUPS))

    def table(chance: np.ndarray) -> dict[str, list[float]]:
        ratio = (chance / chance[:, [white]])[2:]
        return {group: ratio[:, i].tolist() for i, group in enumerate(GROUPS)}

    contact = {s: np.broadcast_to(_vector(direct[s]), shape) for s in ("stop_search", "arrest")}
    chance = {stage: reached.sum(-1) for stage, reached in world.reached.items()}
    cumulative = {stage: table(p * contact["arrest"]) for stage, p in chance.items()}
    bases = {stage: STAGES[stage].base for stage in chance}
    own = {s: table(chance[s] / chance[b]) for s, b in bases.items() if b != POPULATION}
    searches = {"stop_search": table(contact["stop_search"])}
    return Truth(
        seed=seed,
        areas=world.areas,
        years=world.years[2:],
        extract_date=_iso(extract).item(),
        unit="children",
        reference=REFERENCE,
        direct=direct,
        relative_rates={s: t for s, t in cumulative.items() if bases[s] == POPULATION} | own | searches,
        cumulative=cumulative | searches,
        offence_to_arrest_days=dict(OFFENCE_TO_ARREST),
        linked_outcome=dict(LINKED_OUTCOME),
        ethnicity=ethnicity,
    )


# -- drawing ------------------------------------------------------------------------------------------
# Only uniform numbers are drawn, and turned by inversion: NumPy keeps the stream of ``random`` from a
# seed the same across versions and machines, and does not promise it for ``poisson`` or ``choice``.


def _poisson(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    top = float(mean.max())
    k = np.arange(int(top + 12 * math.sqrt(top) + 30))
    m = np.maximum(mean, 1e-300)[..., None]
    below = np.cumsum(np.exp(k * np.log(m) - m - np.cumsum(np.log(np.maximum(k, 1)))), axis=-1)
    return (rng.random(mean.shape)[..., None] > below).sum(-1)


def _pick(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """Draw a column for each row of weights that add to 1."""
    below = np.cumsum(weights, axis=-1)[:, :-1]
    return (rng.random((len(below), 1)) > below).sum(-1)


def _draw(rng: np.random.Generator, n: int, weights: Sequence[float] | Mapping[str, float]) -> np.ndarray:
    """Draw n times from one list of weights: positions, or the names of a mapping."""
    named = isinstance(weights, Mapping)
    below = np.cumsum(list(weights.values()) if named else weights)[:-1]
    place = np.searchsorted(below, rng.random(n))
    return np.array(list(weights), dtype=object)[place] if named else place


def _days(rng: np.random.Generator, n: int, low: int, high: int) -> np.ndarray:
    """Draw whole days from low to high, both included."""
    return low + np.floor(rng.random(n) * (high - low + 1)).astype(int)


def _geometric(rng: np.random.Generator, n: int, mean: np.ndarray | float) -> np.ndarray:
    """Draw whole numbers from 0 on with this mean."""
    return np.floor(np.log1p(-rng.random(n)) / np.log(mean / (1 + mean))).astype(int)


def _first_of(year: np.ndarray | int, month: np.ndarray | int) -> np.ndarray:
    """Days from 1970 to the first of a month; months may run past 12."""
    months = (np.asarray(year) - 1970) * 12 + np.asarray(month) - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(int)


def _iso(days: np.ndarray | int) -> np.ndarray:
    return np.asarray(days).astype("datetime64[D]").astype(str)


def _cells(count: np.ndarray) -> list[np.ndarray]:
    """Turn an array of counts into one position a case, for each axis."""
    return [place.repeat(count.ravel()) for place in np.indices(count.shape).reshape(count.ndim, -1)]


def _new_children(world: _World) -> np.ndarray:
    """Expected children arrested for the first time: with those who return, they add to ``arrested``."""
    young = [1 - sum(_AGE_ON_1_APRIL[-k:]) for k in (1, 2)]
    new = world.arrested.copy()
    for y in range(1, new.shape[1]):
        new[:, y] -= new[:, y - 1] * young[0] * _RETURN[0]
        new[:, y] -= new[:, y - 2] * young[1] * _RETURN[1] * (y > 1)
    return new


def _return_chance(world: _World) -> list[np.ndarray]:
    """Chance, by year of the first arrest and group, of an arrest that year, one and two years on.

    Only children who were not cautioned or convicted return, and their share differs by group; their
    chance makes up for it, so that the same share of every group returns.
    """
    proven = (world.reached["caution"] + world.reached["convicted"]).sum(-1)
    next_proven = np.vstack([proven[1:], proven[-1:]])
    still = [1 - proven, 1 - proven - _RETURN[0] * next_proven]
    return [np.ones_like(proven), *(share / s for share, s in zip(_RETURN, still, strict=True))]


def _detail(rng: np.random.Generator, world: _World, area: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Draw a detailed code in proportion to the borough's census, within the broad group."""
    broad = broad_groups("2021")
    inside = np.array([[broad[code] == g for code in _CODES] for g in GROUPS])
    weights = np.array([AREAS[a].detail for a in world.areas])[:, None, :] * inside
    return np.array(_CODES)[_pick(rng, (weights / weights.sum(-1, keepdims=True))[area, group])]


def _people(rng: np.random.Generator, world: _World) -> pd.DataFrame:
    """Draw everyone who is ever arrested: who they are in the year of the first arrest."""
    area, year, group = _cells(_poisson(rng, _new_children(world)))
    n = len(area)
    age = 10 + _draw(rng, n, _AGE_ON_1_APRIL)
    return pd.DataFrame(
        {
            "area": area,
            "entry": year,
            "group": group,
            "age": age,  # on 1 April
            "month": _days(rng, n, 0, 11).clip(age == 17),  # of birth, from April; see _dates
            "code": _detail(rng, world, area, group),
            "sex": _draw(rng, n, _SEX),
            "looked_after": _draw(rng, n, _LOOKED_AFTER),
            "send": _draw(rng, n, _SEND),
            "previous": _draw(rng, n, _PREVIOUS),
        }
    )


def _decide(rng: np.random.Generator, world: _World, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw what was decided about each child in a year."""
    n, year, group = len(cases), cases["year"].to_numpy(), cases["group"].to_numpy()
    offence = _pick(rng, world.mix[group])

    def chance(stage: str) -> np.ndarray:
        p = world.share[stage][year, group, offence]
        if stage not in _FACTORS:
            return p
        column, weights, factors = _FACTORS[stage]
        return p * np.asarray(factors)[cases[column]] / np.dot(weights, factors)

    def among(rest: str, chances: Mapping[str, np.ndarray]) -> np.ndarray:
        taken = np.column_stack(list(chances.values()))
        return np.array([*chances, rest])[_pick(rng, np.column_stack([taken, 1 - taken.sum(1)]))]

    police = among("no_further_action", {s: chance(s) for s in _PARTITIONS["no_further_action"]})
    remand = among("bail", {s: chance(s) for s in _PARTITIONS["bail"]})
    custody = chance("custody")
    tier = among(
        "first_tier", {"custody": custody, "community": (1 - custody) * _offence("community")[offence]}
    )
    charged, cautioned = police == "charge", police == "caution"
    convicted = charged & (rng.random(n) < chance("convicted"))
    sentenced = convicted & (rng.random(n) < chance("sentenced"))
    cohort = sentenced | cautioned
    return cases.assign(
        offence=offence,
        police=police,
        charged=charged,
        remand_decision=charged & (rng.random(n) < chance("remand_decision")),
        remand=remand,
        convicted=convicted,
        sentenced=sentenced,
        tier=tier,
        proven=convicted | cautioned,
        cohort=cohort,
        reoffended=cohort & (rng.random(n) < chance("reoffended")),
        intervention=cohort | ((police == "diversion") & (rng.random(n) < _INTERVENTION_AFTER_DIVERSION)),
    )


def _cases(rng: np.random.Generator, world: _World) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw everyone, and follow them over the year of the first arrest and the next two.

    Returns the people, and their cases: one row a child and year with an arrest. All that is planted,
    but for delays, is decided here.
    """
    people = _people(rng, world)
    rows, gone = [], np.zeros(len(people), dtype=bool)
    for later, chance in enumerate(_return_chance(world)):
        back = rng.random(len(people)) < chance[people["entry"], people["group"]]
        year, age = people["entry"] + later, people["age"] + later
        here = (year < len(world.years)) & ((later == 0) | (age < 17)) & ~gone & back
        cases = people.assign(year=year, age=age)[here].rename_axis("child").reset_index()
        cases = _decide(rng, world, cases)
        gone[cases.loc[cases["proven"], "child"]] = True
        rows.append(cases)
    return people, pd.concat(rows, ignore_index=True)


def _dates(rng: np.random.Generator, world: _World, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw the days of the decisions; those after the arrest are one for all episodes of a child and year."""
    n, year = len(cases), np.array(world.years)[cases["year"]]
    start, end = _first_of(year, 4), _first_of(year + 1, 4)
    # A child who is 17 on 1 April is arrested before the month of the 18th birthday.
    end = np.where(cases["age"] == 17, _first_of(year, 4 + cases["month"]), end)
    first = start + np.floor(rng.random(n) * (end - start)).astype(int)
    last = np.minimum(first + 45, end - 1)
    charge = last + _days(rng, n, 1, 20)
    court = charge + 28 + _geometric(rng, n, 90 * _at(_COURT_DELAY, year))
    sentence = court + 21 * _draw(rng, n, (0.5, 0.5))
    out_of_court, quick = last + _days(rng, n, 15, 75), last + _days(rng, n, 1, 40)
    kind = [cases["charged"], cases["police"].isin(["caution", "diversion"])]
    decision = np.select(kind, [charge, out_of_court], quick)
    disposal = np.where(cases["sentenced"], sentence, decision)
    cases = cases.assign(
        first=first,
        last=last,
        decision=decision,
        remanded=charge + 1,
        court=court,
        sentence=sentence,
        disposal=disposal,
        begun=disposal + _days(rng, n, 3, 20),
    )
    # Of the year before the study, keep what reaches into it: its courts sit on the cases of that year too.
    ends = np.select([cases["reoffended"], cases["convicted"]], [disposal + 365, sentence], cases["begun"])
    kept = (cases["year"] >= 2) | ((cases["year"] == 1) & (ends >= _first_of(world.years[2], 4)))
    return cases[kept].reset_index(drop=True)


# -- tables -------------------------------------------------------------------------------------------


def _ids(letter: str, n: int) -> np.ndarray:
    return letter + pd.Series(range(1, n + 1)).astype(str).str.zfill(len(str(n))).to_numpy(dtype=object)


def _flag(rng: np.random.Generator, values: pd.Series) -> np.ndarray:
    """Write 0 and 1 as no and yes; two in a hundred are left empty."""
    return np.where(rng.random(len(values)) < 0.02, "", np.where(values == 1, "yes", "no"))


def _children(
    rng: np.random.Generator, world: _World, people: pd.DataFrame, cases: pd.DataFrame, unknown: float
) -> pd.DataFrame:
    """List the children arrested in the study's years; ``child``, ``code`` and ``missing`` are for us."""
    seen = cases.groupby("child").agg(first=("first", "min"), charged=("charged", "max")).join(people)
    seen = seen.reset_index().sort_values(["first", "area", "child"], kind="stable", ignore_index=True)
    n = len(seen)
    missing = rng.random(n) < unknown * np.where(seen["charged"], _UNKNOWN_SHARE[1], _UNKNOWN_SHARE[0])
    # Twelve times the year of birth, and the month, from ``age`` on 1 April and ``month`` from April.
    born = (np.array(world.years)[seen["entry"]] - seen["age"] - 1 - 1970) * 12 + 3 + seen["month"]
    return seen.assign(
        child_id=_ids("c", n),
        birth_month=born.to_numpy().astype("datetime64[M]").astype(str),
        ethnicity=np.where(missing, _draw(rng, n, _UNKNOWN_CODES), seen["code"]),
        ethnicity_source=np.where(missing, SOURCES_OF_ETHNICITY[-1], _draw(rng, n, _SOURCE)),
        looked_after=_flag(rng, seen["looked_after"]),
        send=_flag(rng, seen["send"]),
        area=np.array(world.areas)[seen["area"]],
        missing=missing,
    )


def _episodes(rng: np.random.Generator, cases: pd.DataFrame) -> pd.DataFrame:
    """Give each child and year its arrests: the first, and up to three within 45 days."""
    rows = cases.loc[cases.index.repeat(1 + _draw(rng, len(cases), _EPISODES))]
    lead = ~rows.index.duplicated()
    later = np.floor(rng.random(len(rows)) * (rows["last"] - rows["first"] + 1)).astype(int)
    rows = rows.assign(lead=lead, arrest=rows["first"] + np.where(lead, 0, later))
    rows = rows.sort_values(["arrest", "child_id"], kind="stable", ignore_index=True)
    return rows.assign(episode_id=_ids("e", len(rows)))


def _events(world: _World, episodes: pd.DataFrame, reoffended: pd.Series, extract: int) -> pd.DataFrame:
    """List every decision up to the day of the extract. ``reoffended`` is the day, by case."""
    e, lead, every = episodes, episodes["lead"], np.ones(len(episodes), dtype=bool)
    under_investigation = e["police"] == "released_under_investigation"
    proven = np.where(e["charged"], e["court"], e["decision"])
    steps = (
        ("arrest", every, e["arrest"]),
        (e["police"], every, np.where(under_investigation, e["arrest"] + 1, e["decision"])),
        ("remand_decision", e["remand_decision"], e["remanded"]),
        (e["remand"], e["remand_decision"], e["remanded"]),
        ("convicted", e["convicted"], e["court"]),
        ("sentenced", e["sentenced"], e["sentence"]),
        (e["tier"], e["sentenced"], e["sentence"]),
        ("first_time_entrant", lead & e["proven"] & (e["previous"] == 0), proven),
        ("intervention", lead & e["intervention"], e["begun"]),
        ("cohort", lead & e["cohort"], e["disposal"]),
        ("reoffended", lead & e["case"].isin(reoffended.index), e["case"].map(reoffended)),
    )
    gravity = _offence("gravity")[e["offence"]]
    court = np.where(gravity >= 7, "crown", "youth")
    plain = e[["child_id", "episode_id", "area"]].assign(
        offence_group=_offence("name")[e["offence"]], gravity=gravity
    )
    rows = pd.concat(
        plain.assign(stage=stage, date=day, order=order, court=court if 2 <= order <= 6 else "")[keep]
        for order, (stage, keep, day) in enumerate(steps)
    )
    rows = rows[rows["date"] <= extract].sort_values(
        ["episode_id", "order"], kind="stable", ignore_index=True
    )
    rows["date"], rows["area"] = _iso(rows["date"].astype(int)), np.array(world.areas)[rows["area"]]
    return rows[[column.name for column in TABLES["events"]]]


def _reoffences(rng: np.random.Generator, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw the further offences of children who reoffend: within 12 months, proven within 18."""
    again = cases[cases["reoffended"]]
    rows = again.loc[again.index.repeat(1 + _geometric(rng, len(again), 1.5))]
    n = len(rows)
    day = rows["disposal"] + _days(rng, n, 1, 365)
    return rows[["case", "child_id"]].assign(
        episode_id="",
        offence=_pick(rng, np.tile(_offence("mix")[:, GROUPS.index(REFERENCE)], (n, 1))),
        day=day,
        closed=day + _days(rng, n, 20, 140),
        outcome=_draw(rng, n, {"caution": 0.3, "first_tier": 0.5, "community": 0.2}),
    )


def _offences(
    rng: np.random.Generator, episodes: pd.DataFrame, reoffences: pd.DataFrame, extract: int
) -> pd.DataFrame:
    """List one or two offences an episode, and those after a caution or sentence."""
    e = episodes
    waiting = e["police"] == "released_under_investigation"
    rows = e[["child_id", "episode_id", "offence"]].assign(
        day=e["arrest"] - _geometric(rng, len(e), _vector(OFFENCE_TO_ARREST)[e["group"]]),
        closed=np.select(
            [e["sentenced"], e["charged"], waiting],
            [e["sentence"], e["court"], e["arrest"] + _days(rng, len(e), 60, 540)],
            e["decision"],
        ),
        outcome=np.select(
            [e["sentenced"], e["convicted"], e["charged"], waiting],
            [e["tier"], "convicted", "acquitted", "no_further_action"],
            e["police"],
        ),
    )
    rows = rows.loc[rows.index.repeat(1 + _draw(rng, len(e), (0.75, 0.25)))]
    rows = pd.concat([rows, reoffences[reoffences["day"] <= extract]], ignore_index=True)
    rows = rows.sort_values(["day", "child_id", "episode_id"], kind="stable", ignore_index=True)
    undecided = rows["closed"] > extract
    return pd.DataFrame(
        {
            "child_id": rows["child_id"],
            "episode_id": rows["episode_id"],
            "offence_date": _iso(rows["day"]),
            "outcome_date": np.where(undecided, "", _iso(rows["closed"])),
            "outcome": np.where(undecided, "undecided", rows["outcome"]),
            "gravity": _offence("gravity")[rows["offence"]],
            "offence_group": _offence("name")[rows["offence"]],
        }
    )


def _searches(rng: np.random.Generator, world: _World) -> pd.DataFrame:
    """List searches of children, month by month; no child can be followed in them."""
    area, year, month, group = _cells(_poisson(rng, np.repeat(world.searched[:, 2:, None], 12, axis=2)))
    n, year = len(area), np.array(world.years[2:])[year]
    start, end = _first_of(year, 4 + month), _first_of(year, 5 + month)
    child = _detail(rng, world, area, group)
    seen = np.array(GROUPS)[group]
    seen = np.where(seen == "Mixed", _draw(rng, n, _OFFICER_SEES_MIXED), seen)
    sought = _draw(rng, n, _SOUGHT)
    linked = rng.random(n) < _vector(LINKED_OUTCOME)[group]
    table = pd.DataFrame(
        {
            "date": start + np.floor(rng.random(n) * (end - start)).astype(int),
            "area": np.array(world.areas)[area],
            "sex": _draw(rng, n, {"female": 0.06, "male": 0.94}),
            "age_band": "10-17",
            "ethnicity": np.where(rng.random(n) < _SEARCH_NOT_STATED, "NS", child),
            "ethnicity_officer": np.where(rng.random(n) < _OFFICER_BLANK, "", seen),
            "legislation": np.where(sought == "Controlled drugs", "Misuse of Drugs Act s23", "PACE s1"),
            "object": sought,
            "outcome": np.where(linked, _draw(rng, n, _FOUND), "No further action"),
            "outcome_linked": np.where(linked, "yes", "no"),
        }
    )
    table = table.sort_values(["date", "area"], kind="stable", ignore_index=True)
    return table.assign(date=_iso(table["date"]))


def _population_table(areas: Sequence[str], years: Sequence[int], scale: float) -> pd.DataFrame:
    """List both series: the older one up to 2020, and the one based on the 2021 census for every year."""
    parts = []
    for vintage, span in (("2011", [y for y in years if y <= _OLD_SERIES_ENDS]), ("2021", years)):
        levels = {"area": areas, "year": span, "vintage": [vintage], "age": _AGES, "sex": ["female", "male"]}
        index = pd.MultiIndex.from_product([*levels.values(), GROUPS], names=[*levels, "group"])
        if span:
            whole = _population(areas, span, scale, vintage).ravel()
            parts.append(index.to_frame(index=False).assign(population=whole))
    return pd.concat(parts, ignore_index=True)


def simulate(
    seed: int,
    *,
    areas: Sequence[str] = tuple(AREAS),
    years: Sequence[int] = YEARS,
    scale: float = 1.0,
    unknown: float = 1.0,
    relative_rates: Mapping[str, Mapping[str, float]] | None = None,
) -> Study:
    """Simulate a study whose relative rates are known.

    Parameters
    ----------
    seed : int
        Same seed, same tables.
    areas : sequence of str
        Some of ``AREAS``.
    years : sequence of int
        Consecutive financial years out of ``YEARS``, by the April they start in.
    scale : float
        Times the population, and every count with it.
    unknown : float
        Times the children whose ethnicity is not known; 0 for none.
    relative_rates : mapping of str to mapping of str to float, optional
        What to plant instead of ``DIRECT``: stage to group to relative rate against White children.

    Returns
    -------
    Study
        The tables and the truth.

    Raises
    ------
    ValueError
        For an area, year, stage or group that is not simulated, or a relative rate too large.

    Examples
    --------
    >>> study = simulate(1, areas=["Islington"], years=[2022, 2023])
    >>> study.truth.relative_rates["arrest"]["Black"]
    [2.4, 2.4]

    At custody nothing is planted on the group; the offences differ, and that alone makes 1.43:

    >>> study.truth.direct["custody"]["Black"], round(study.truth.relative_rates["custody"]["Black"][0], 2)
    (1.0, 1.43)
    """
    areas, years, changes = list(areas), [int(y) for y in years], relative_rates or {}
    if not years or years != list(range(years[0], years[-1] + 1)) or not set(years) <= set(YEARS):
        raise ValueError(f"years: {years} are not consecutive years from {YEARS[0]} to {YEARS[-1]}.")
    if not areas or not set(areas) <= set(AREAS):
        raise ValueError(f"areas: {areas} are not all among {', '.join(AREAS)}.")
    for stage, groups in changes.items():
        if stage not in DIRECT or not set(groups) <= set(GROUPS) - {REFERENCE}:
            raise ValueError(f"relative_rates: nothing is planted at {stage!r} for {', '.join(groups)}.")
    direct = {s: {**DIRECT[s], **changes.get(s, {}), REFERENCE: 1.0} for s in DIRECT}

    world = _world(areas, years, scale, direct)
    people, cases = _cases(np.random.default_rng([seed, 0]), world)
    detail, street = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    extract = int(_first_of(years[-1] + 1, 10)) - 1
    cases = _dates(detail, world, cases)
    children = _children(detail, world, people, cases, unknown)
    cases = cases.merge(children[["child", "child_id"]], on="child").rename_axis("case").reset_index()
    episodes = _episodes(detail, cases)
    again = _reoffences(detail, cases)
    hidden = children[children["missing"]]
    return Study(
        children=children[[*(column.name for column in TABLES["children"]), "previous"]],
        events=_events(world, episodes, again.groupby("case")["closed"].min(), extract),
        offences=_offences(detail, episodes, again, extract),
        searches=_searches(street, world),
        population=_population_table(areas, years, scale),
        truth=_truth(
            seed, world, direct, extract, dict(zip(hidden["child_id"], hidden["code"], strict=True))
        ),
    )


# -- the study folder ---------------------------------------------------------------------------------

_TABLES = {
    "children": "one for each child in `events`",
    "events": "one for each decision",
    "offences": "one for each offence",
    "searches": "one for each search of a child",
    "population": "one for each area, year, series, age, sex and group",
}
_EXTRA = {
    "episode_id": "the arrest it belongs to; empty for an offence after a caution or a sentence",
    "previous": "proven offences before the first arrest here: 0, 1, or 2 for two and more",
}

_STUDY = """\
title = "Synthetic study of four boroughs"
areas = [{areas}]
ethnicity_base = "2021"
period = "financial"
years = [{first}, {last}]
synthetic = true

[population]
vintage = "2021"

[[sources]]
name = "ysj_analysis.synthetic, seed {seed}"
date = {extract}
note = "Drawn at random. No real child is in it. Nothing after this date is in the tables."

[[sources]]
name = "Office for National Statistics, Census 2021: TS007, and ethnic group by single year of age"
date = 2021-03-21
note = "Children aged 10 to 17 in 2021. Other years and the 2011-based series are invented."

[[sources]]
name = "Islington Youth Justice Plan 2023-24; Department for Education local authority tables"
date = 2023-09-30
note = "The order of magnitude of yearly totals, and nothing else."
"""

_README = """\
# Synthetic study

**No real child is in these tables.** Every row was drawn at random by `ysj_analysis.synthetic` from seed
{seed}; `ysj synth` writes the same bytes again. Magnitudes come from published totals only: children
aged 10 to 17 from the Office for National Statistics, Census 2021 (TS007, and ethnic group by single year
of age); yearly totals, roughly, from Islington's Youth Justice Plan 2023-24 and the Department for
Education's local authority tables. All else is invented and says nothing about any borough.

{areas}; financial years {first} to {last}.
The extract is of {extract}: cases still open then have no outcome, and `events` runs past the last year
with the outcomes of its arrests. It also has the arrests of the year before the first whose outcome, or
what followed it, fell in the first year or later.

## Tables
{tables}
## Planted relative rates

Against White children; distinct children, in the year of the arrest; base as named. *Equal gravity*
compares children arrested for offences of the same gravity, and is what was planted. *Seen* is what the
tables show, since the offences differ by group: the value of {last}, all years in `truth.json`
(`direct`, `relative_rates`, and `cumulative` on the population). *Rest*: what other decisions leave over.

{planted}

## How to read them

- The planted values are exact in expectation for distinct children by the year of the arrest, for one year
  or the sum of several, and for arrests also where a child who returns is counted once in several years.
  Three ways of counting move the value at later stages: a child once in several years, and an event by
  its own date, by about 1%; and the last year, not all of whose outcomes were known at the extract, by up to
  5% where a stage has both short and long waits before it (first-time entrants, interventions, reoffending).
- All episodes of a child in a year share offence group, gravity and decisions. So episodes have the same
  relative rates as children, and intervals that take episodes for independent are too narrow.
- Ethnicity is not known for 6% of children never charged and 0.6% of those charged. The planted values hold
  for the true ethnicity, which `truth.json` keeps (`ethnicity`).
- A child who is cautioned or convicted is not arrested again. What follows within 12 months is in
  `offences.csv`, without an episode, and makes the event `reoffended`, dated by the first outcome; cohorts
  of the last 18 months before the extract are immature.
- Looked-after children are 1.3 times as likely to be remanded to youth detention and to reoffend, children
  with earlier proven offences more likely to be sentenced to custody, in every group alike. Sex, age and
  special educational needs change nothing after arrest.
- From offence to arrest: {slow:g} days in the mean for Black, {quick:g} for other children. Later delays do
  not depend on the group.
- Searches are about a quarter of what published files suggest, to keep the file small. Ethnicity is not
  stated for 9%; officers record no Mixed group. The outcome is linked to the object of {hit:.1%} of searches,
  of Black children {low_hit:.1%}.
- `population.csv` has two series: `2021`, which rests on the 2021 census and covers every year (the
  default), and `2011`, up to 2020, which it replaced. The change is a fall of 13% for Islington.
"""


def _dictionary(study: Study) -> str:
    """Write the data dictionary: what is in each table, and what was planted."""
    truth, tables, planted = study.truth, "", []
    for name, rows in _TABLES.items():
        table, known = getattr(study, name), {column.name: column.meaning for column in TABLES[name]}
        lines = [f"| `{c}` | {known.get(c) or _EXTRA[c]} |" for c in table.columns]
        tables += f"\n### {name}.csv: {len(table):,} rows, {rows}\n\n| column | meaning |\n|---|---|\n"
        tables += "\n".join(lines) + "\n"
    groups = [group for group in GROUPS if group != REFERENCE]
    planted.append("| stage | base | " + " | ".join(f"{g}: equal gravity | seen" for g in groups) + " |")
    planted.append("|---|---" + "|---|---" * len(groups) + "|")
    for stage in (STAGES[s] for s in STAGES if s in truth.direct or s in _PARTITIONS or s == "community"):
        cells = [
            f"{truth.direct[stage.id][g] if stage.id in truth.direct else 'rest'}"
            f" | {truth.relative_rates[stage.id][g][-1]:.3f}"
            for g in groups
        ]
        planted.append(f"| {stage.label} | {stage.base} | " + " | ".join(cells) + " |")
    return _README.format(
        seed=truth.seed,
        areas=", ".join(truth.areas),
        first=period_label(truth.years[0]),
        last=period_label(truth.years[-1]),
        extract=truth.extract_date,
        tables=tables,
        planted="\n".join(planted),
        slow=OFFENCE_TO_ARREST["Black"],
        quick=OFFENCE_TO_ARREST[REFERENCE],
        hit=LINKED_OUTCOME[REFERENCE],
        low_hit=LINKED_OUTCOME["Black"],
    )


def _files(study: Study) -> dict[str, str]:
    """Every file of the study folder, as text."""
    truth = study.truth
    settings = _STUDY.format(
        areas=", ".join(f'"{area}"' for area in truth.areas),
        first=truth.years[0],
        last=truth.years[-1],
        seed=truth.seed,
        extract=truth.extract_date,
    )
    files = {"README.md": _dictionary(study), "study.toml": settings, "truth.json": truth.to_json()}
    return files | {f"{t}.csv": getattr(study, t).to_csv(index=False, lineterminator="\n") for t in _TABLES}


def _replaceable(folder: Path, names: set[str]) -> bool:
    """Whether the folder is absent, empty, or a synthetic study and nothing more."""
    if not folder.exists():
        return True
    if not folder.is_dir():
        return False
    present = {path.name for path in folder.iterdir()}
    if "study.toml" not in present or not present <= names:
        return not present
    return tomllib.loads((folder / "study.toml").read_text(encoding="utf-8")).get("synthetic") is True


def write(folder: str | os.PathLike[str], *, seed: int = SEED) -> Path:
    """Write the synthetic study, whole or not at all.

    Parameters
    ----------
    folder : path
        A folder that is absent, empty or an earlier synthetic study, which is replaced.
    seed : int
        Same seed, same bytes.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileExistsError
        If the folder holds anything else. Nothing is written then.
    """
    folder = Path(folder)
    files = _files(simulate(seed))
    if not _replaceable(folder, set(files)):
        raise FileExistsError(f"{folder} holds something other than a synthetic study. Name a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".synthetic-", dir=folder.parent) as room:
        new, old = Path(room, "new"), Path(room, "old")
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text, encoding="utf-8", newline="\n")
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    return folder
