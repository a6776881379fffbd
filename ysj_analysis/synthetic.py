"""What would data with a known truth look like? A made-up study of four boroughs.

No real child is in it. Sizes come from published totals (ONS Census 2021, tables TS007 and ethnic group
by single year of age; Islington's Youth Justice Plan 2023-24; the Department for Education's local
authority tables); everything else, the relative rates first of all, is planted.

How the planted values stay exact
---------------------------------
1. **Arrests.** In each area, year and group the number of *distinct children* arrested is Poisson with
   mean ``population x rate x relative rate``. A child may be arrested in more than one year: new children
   are drawn so that they and the returning ones (a thinned Poisson) add to that mean.
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
which the episode began. Rates by the date of a later event carry cases over from the year before, and are
close to the planted ones without being equal to them. Children whose ethnicity is not known are kept in
``Truth.ethnicity``; there are more of them among children who were never charged.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ysj_analysis.vocabulary import (
    BROAD,
    POPULATION,
    STAGES,
    TABLES,
    UNKNOWN,
    broad_groups,
    period_label,
)

SEED = 20240401
GROUPS = tuple(group for group in BROAD if group != UNKNOWN)
REFERENCE = "White"
FIRST_YEAR, LAST_YEAR = 2016, 2023

# ---------------------------------------------------------------------------- the people
# Children aged 10 to 17 by detailed group, rounded to 5 by the ONS (Census 2021, ethnic group by single
# year of age; suppressed cells count as 0), and by age from 10 to 17, exact (Census 2021, TS007).
_CODES = ("A3", "A4", "A1", "A2", "A9", "B2", "B1", "B9", "M3", "M2", "M1", "M9")
_CODES += ("W1", "W3", "W2", "W4", "W9", "O2", "O9")


@dataclass(frozen=True)
class _Borough:
    detail: tuple[int, ...]
    ages: tuple[int, ...]
    arrests: float  # rate of arrest against Islington's: invented, in the order of first-time entrants
    drop: float  # how far the 2021 census lowered the estimate: Islington's from its Plan, others invented


AREAS: Mapping[str, _Borough] = {
    "Islington": _Borough(
        (855, 105, 90, 45, 315, 2635, 555, 580, 425, 340, 710, 700, 5070, 0, 165, 0, 1275, 340, 1030),
        (2027, 2074, 2006, 1945, 1905, 1820, 1758, 1808),
        1.0,
        0.13,
    ),
    "Camden": _Borough(
        (2290, 165, 310, 85, 505, 1965, 180, 355, 590, 280, 465, 655, 4985, 0, 115, 0, 2275, 595, 705),
        (2072, 2112, 2139, 2021, 2044, 1935, 2195, 2086),
        0.65,
        0.09,
    ),
    "Hackney": _Borough(
        (995, 160, 825, 295, 500, 4095, 1765, 1595, 385, 400, 815, 750, 6670, 10, 90, 0, 2160, 300, 2455),
        (3121, 3071, 3109, 3069, 3049, 2965, 3033, 2949),
        0.45,
        0.06,
    ),
    "Haringey": _Borough(
        (675, 305, 290, 205, 500, 3310, 1360, 980, 645, 425, 830, 920, 7165, 10, 150, 170, 4010, 330, 2425),
        (3156, 3067, 3164, 3115, 3069, 2991, 3119, 3067),
        0.70,
        0.05,
    ),
}
_AGES = tuple(range(10, 18))
_MALE = 0.512
# Invented: how the 2021-based series grows to and from its census year, and how the older series differs.
_GROWTH = (0.955, 0.965, 0.975, 0.985, 0.995, 1.0, 1.005, 1.01)
_OLD_SERIES = {"Asian": 1.0, "Black": 0.95, "Mixed": 0.92, "Other": 0.90, "White": 1.08}
_OLD_SERIES_ENDS = 2020

# ---------------------------------------------------------------------------- planted differences
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

_OFFENCE_TO_ARREST = {"Asian": 30.0, "Black": 45.0, "Mixed": 30.0, "Other": 30.0, "White": 30.0}  # mean days
_LINKED_OUTCOME = {"Asian": 0.22, "Black": 0.187, "Mixed": 0.22, "Other": 0.22, "White": 0.22}


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


_OFFENCES = (
    _Offence("violence against the person", 3, (0.17, 0.13, 0.17, 0.18, 0.20), 0.30, 1.2, 0.04, 0.06, 0.35),
    _Offence("violence against the person", 4, (0.13, 0.12, 0.13, 0.13, 0.14), 0.36, 0.9, 0.08, 0.13, 0.45),
    _Offence("violence against the person", 6, (0.05, 0.07, 0.05, 0.05, 0.04), 0.55, 0.2, 0.25, 0.38, 0.60),
    _Offence("violence against the person", 7, (0.02, 0.04, 0.03, 0.02, 0.02), 0.60, 0.1, 0.40, 0.55, 0.70),
    _Offence("sexual offences", 8, (0.01, 0.01, 0.01, 0.01, 0.01), 0.60, 0.1, 0.42, 0.60, 0.70),
    _Offence("robbery", 6, (0.10, 0.22, 0.17, 0.10, 0.08), 0.55, 0.2, 0.25, 0.38, 0.60),
    _Offence("domestic burglary", 6, (0.04, 0.04, 0.05, 0.04, 0.05), 0.55, 0.2, 0.25, 0.38, 0.60),
    _Offence("drugs", 2, (0.18, 0.13, 0.13, 0.13, 0.12), 0.20, 1.5, 0.02, 0.03, 0.20),
    _Offence("drugs", 6, (0.06, 0.08, 0.06, 0.05, 0.03), 0.55, 0.2, 0.25, 0.38, 0.60),
    _Offence("theft and handling", 3, (0.12, 0.08, 0.10, 0.15, 0.15), 0.30, 1.2, 0.04, 0.06, 0.35),
    _Offence("vehicle theft", 3, (0.05, 0.04, 0.05, 0.05, 0.06), 0.30, 1.2, 0.04, 0.06, 0.35),
    _Offence("criminal damage", 2, (0.05, 0.02, 0.03, 0.07, 0.08), 0.20, 1.5, 0.02, 0.03, 0.20),
    _Offence("public order", 2, (0.02, 0.02, 0.02, 0.02, 0.02), 0.20, 1.5, 0.02, 0.03, 0.20),
)

_REST = {
    "no_further_action": ("charge", "caution", "diversion", "released_under_investigation"),
    "bail": ("yda", "rlaa", "community_remand"),
    "first_tier": ("custody", "community"),
}
"""The last member of each partition, and those that come before it."""

# ---------------------------------------------------------------------------- level and trend, 2016 to 2023
_ARRESTED = (245, 240, 225, 210, 180, 165, 155, 150)  # distinct children a year, Islington
_CHARGE = (1.0, 1.0, 0.95, 0.85, 0.75, 0.70, 0.65, 0.65)
_CAUTION = (0.15, 0.14, 0.12, 0.10, 0.08, 0.07, 0.06, 0.06)
_DIVERSION = (0.12, 0.13, 0.14, 0.16, 0.19, 0.20, 0.21, 0.22)
_UNDER_INVESTIGATION = (0.02, 0.10, 0.12, 0.12, 0.12, 0.12, 0.12, 0.12)
_YDA = (1.0, 1.0, 0.8, 0.5, 0.5, 0.5, 0.3, 0.3)
_CUSTODY = (1.0, 1.0, 1.0, 0.5, 0.35, 0.35, 0.35, 0.35)
_SEARCHED = (1.0, 0.9, 1.2, 1.4, 1.5, 1.1, 0.9, 0.8)
_COURT_DELAY = (1.0, 1.0, 1.0, 1.1, 1.6, 1.5, 1.3, 1.2)
_RLAA, _COMMUNITY_REMAND, _REMAND_DECISION, _CONVICTED, _SENTENCED = 0.04, 0.06, 0.95, 0.75, 0.97
_REOFFENDED, _FIRST_TIME, _INTERVENTION_AFTER_DIVERSION = 0.28, 0.75, 0.6
_LOOKED_AFTER, _SEND = 0.08, 0.35
_LOOKED_AFTER_FACTOR = (1.0, 1.3)  # on yda and reoffending, for every group alike
_HISTORY = (_FIRST_TIME, 0.15, 0.10)  # earlier proven offences 0, 1, 2 (2 stands for 2 or more)
_HISTORY_FACTOR = (0.9, 1.2, 1.4)  # on custody, for every group alike
_EPISODES = (0.72, 0.18, 0.07, 0.03)  # 1 to 4 arrests of a child in a year
_RETURN = (0.30, 0.15)  # chance of an arrest one and two years after the first, unless proven before
_AGE_ON_1_APRIL = (0.01, 0.02, 0.05, 0.11, 0.18, 0.25, 0.26, 0.12)
_SEX = {"female": 0.175, "male": 0.82, "unknown": 0.005}
_UNKNOWN_CODES = {"NS": 0.6, "NK": 0.25, "NR": 0.15}
_UNKNOWN_SHARE = (0.06, 0.006)  # of children never charged, and charged
_SEARCHES_A_MONTH = 30  # Islington in 2016-17; the published files suggest four or five times as many
_SEARCH_NOT_STATED, _OFFICER_BLANK = 0.09, 0.03
_OFFICER_SEES_MIXED = {"Black": 0.63, "White": 0.25, "Asian": 0.08, "Other": 0.04}


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
        Nothing after this day is in the data: later outcomes are "undecided".
    unit, reference : str
        What is counted, and the group the values are relative to.
    direct : dict
        Stage to group to relative rate among children arrested for offences of equal gravity.
    relative_rates : dict
        Stage to group to one value a year: share of those at the stage that feeds it (``vocabulary.STAGES``),
        children whose arrest was in that year. Population for ``arrest`` and ``stop_search``.
    cumulative : dict
        The same per child in the population.
    offence_to_arrest_days : dict
        Group to mean days from offence to arrest.
    linked_outcome : dict
        Group to the chance that a search's outcome is linked to its object.
    ethnicity : dict
        ``child_id`` to detailed code, for the children recorded as not known.
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
        """Write as JSON: sorted keys, six decimals."""

        def plain(value: object) -> object:
            if isinstance(value, float):
                return round(value, 6)
            if isinstance(value, dict):
                return {k: plain(v) for k, v in value.items()}
            return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

        return json.dumps(plain(asdict(self)), indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True)
class Study:
    """The tables of a simulated study, as ``vocabulary.TABLES`` describes them, and the truth behind them."""

    children: pd.DataFrame
    events: pd.DataFrame
    offences: pd.DataFrame
    searches: pd.DataFrame
    population: pd.DataFrame
    truth: Truth


# ---------------------------------------------------------------------------- the planted world


@dataclass(frozen=True)
class _World:
    """Everything that is fixed before a number is drawn. Arrays run over area, year, group, offence."""

    areas: tuple[str, ...]
    years: tuple[int, ...]  # with two years before the study, so that some children return in its first
    population: np.ndarray  # area, year, group
    arrested: np.ndarray  # area, year, group: expected distinct children
    searched: np.ndarray  # area, year, group: expected searches a month
    mix: np.ndarray  # group, offence
    share: dict[str, np.ndarray]  # stage: year, group, offence: of those at its base
    reached: dict[str, np.ndarray]  # stage: year, group, offence: of those arrested

    def of(self, stage: str) -> np.ndarray:
        """Return the chance of a stage, of those at its base, by year and group."""
        base = STAGES[stage].base
        base = self.reached["arrest" if base == POPULATION else base]
        return self.reached[stage].sum(-1) / base.sum(-1)


def _at(table: Sequence[float], years: Sequence[int]) -> np.ndarray:
    """Look a yearly parameter up; years before the table take its first value."""
    return np.asarray(table, dtype=float)[np.clip(np.asarray(years) - FIRST_YEAR, 0, len(table) - 1)]


def _population(areas: Sequence[str], years: Sequence[int], scale: float, vintage: str) -> np.ndarray:
    """Whole children by area, year, age, sex and group; each area and year adds to its rounded total."""
    broad = broad_groups("2021")
    out = []
    for area in areas:
        borough = AREAS[area]
        by_group = np.array(
            [sum(n for n, c in zip(borough.detail, _CODES, strict=True) if broad[c] == g) for g in GROUPS],
            float,
        )
        if vintage == "2011":
            by_group *= [_OLD_SERIES[g] for g in GROUPS]
        shape = np.einsum("a,s,g->asg", borough.ages, [1 - _MALE, _MALE], by_group / by_group.sum())
        level = _at(_GROWTH, years) * scale / (1 - borough.drop if vintage == "2011" else 1)
        exact = level[:, None] * shape.ravel()
        whole = np.floor(exact)
        short = np.rint(exact.sum(1) - whole.sum(1)).astype(int)
        rank = np.argsort(np.argsort(-(exact - whole), axis=1, kind="stable"), axis=1, kind="stable")
        out.append((whole + (rank < short[:, None])).reshape(len(years), *shape.shape))
    return np.array(out).astype(int)


def _world(areas: Sequence[str], years: Sequence[int], scale: float, direct: Mapping) -> _World:
    every = (years[0] - 2, years[0] - 1, *years)
    population = _population(areas, every, scale, "2021").sum((2, 3))
    relative = {s: np.array([{REFERENCE: 1.0, **direct[s]}[g] for g in GROUPS]) for s in direct}
    offence = {
        f: np.array([getattr(o, f) for o in _OFFENCES]) for f in ("charge", "out_of_court", "yda", "custody")
    }
    mix = np.array([o.mix for o in _OFFENCES]).T

    def chance(stage: str, year: Sequence[float] | float, offences: np.ndarray | float = 1.0) -> np.ndarray:
        year = _at(year, every) if isinstance(year, tuple) else np.full(len(every), year)
        return np.einsum("y,g,o->ygo", year, relative[stage], np.broadcast_to(offences, len(_OFFENCES)))

    share = {
        "charge": chance("charge", _CHARGE, offence["charge"]),
        "caution": chance("caution", _CAUTION, offence["out_of_court"]),
        "diversion": chance("diversion", _DIVERSION, offence["out_of_court"]),
        "released_under_investigation": chance("released_under_investigation", _UNDER_INVESTIGATION),
        "remand_decision": chance("remand_decision", _REMAND_DECISION),
        "yda": chance(
            "yda", _YDA, offence["yda"] * np.dot(_LOOKED_AFTER_FACTOR, (1 - _LOOKED_AFTER, _LOOKED_AFTER))
        ),
        "rlaa": chance("rlaa", _RLAA),
        "community_remand": chance("community_remand", _COMMUNITY_REMAND),
        "convicted": chance("convicted", _CONVICTED),
        "sentenced": chance("sentenced", _SENTENCED),
        "custody": chance("custody", _CUSTODY, offence["custody"] * np.dot(_HISTORY, _HISTORY_FACTOR)),
        "reoffended": chance(
            "reoffended", _REOFFENDED * np.dot(_LOOKED_AFTER_FACTOR, (1 - _LOOKED_AFTER, _LOOKED_AFTER))
        ),
    }
    share["community"] = (1 - share["custody"]) * np.array([o.community for o in _OFFENCES])
    for rest, others in _REST.items():
        share[rest] = 1 - sum(share[s] for s in others)
    worst = min(float(p.min()) for p in share.values()), max(float(p.max()) for p in share.values())
    if worst[0] < 0 or worst[1] > 1:
        raise ValueError(
            f"relative_rates: some chances fall outside 0 to 1 ({worst[0]:.2f}, {worst[1]:.2f})."
        )
    reached = {"arrest": np.broadcast_to(mix, (len(every), *mix.shape))}
    for stage in STAGES:
        if stage in share and stage != "reoffended":
            reached[stage] = reached[STAGES[stage].base] * share[stage]
    proven = reached["caution"] + reached["convicted"]
    reached["first_time_entrant"] = proven * _FIRST_TIME
    reached["cohort"] = reached["caution"] + reached["sentenced"]
    reached["intervention"] = reached["cohort"] + reached["diversion"] * _INTERVENTION_AFTER_DIVERSION
    reached["reoffended"] = reached["cohort"] * share["reoffended"]

    level = np.array([AREAS[a].arrests for a in areas])[:, None] * np.ones(len(every))
    islington = _population(["Islington"], [2021], 1.0, "2021").sum((0, 1, 2, 3))

    def expected(stage: str, islington_total: np.ndarray) -> np.ndarray:
        rate = level * islington_total / np.dot(islington, relative[stage])
        return population * rate[:, :, None] * relative[stage]

    arrested = expected("arrest", _at(_ARRESTED, every))
    searched = expected("stop_search", _at(_SEARCHED, every) * _SEARCHES_A_MONTH)
    return _World(tuple(areas), every, population, arrested, searched, mix, share, reached)


# ---------------------------------------------------------------------------- drawing
# Only uniform numbers are drawn, and turned by inversion: NumPy promises the stream of ``random`` from a
# seed across versions and machines, and not that of ``poisson`` or ``choice``.


def _poisson(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    top = float(mean.max())
    k = np.arange(int(top + 12 * math.sqrt(top) + 30))
    log_factorial = np.cumsum(np.log(np.maximum(k, 1)))
    m = np.maximum(mean, 1e-300)[..., None]
    below = np.cumsum(np.exp(k * np.log(m) - m - log_factorial), axis=-1)
    return (rng.random(mean.shape)[..., None] > below).sum(-1)


def _pick(rng: np.random.Generator, weights: np.ndarray, n: int | None = None) -> np.ndarray:
    """Draw one column per row of ``weights`` (or ``n`` times from one row)."""
    below = np.cumsum(weights, axis=-1)
    u = rng.random(len(below) if n is None else n)
    return (u[:, None] > below[..., :-1]).sum(-1)


def _days(rng: np.random.Generator, n: int, low: int, high: int) -> np.ndarray:
    """Draw whole days from low to high, both included."""
    return low + np.floor(rng.random(n) * (high - low + 1)).astype(int)


def _geometric(rng: np.random.Generator, mean: np.ndarray | float, n: int) -> np.ndarray:
    """Draw whole numbers from 0 with this mean."""
    mean = np.broadcast_to(np.asarray(mean, dtype=float), n)
    return np.floor(np.log1p(-rng.random(n)) / np.log(mean / (1 + mean))).astype(int)


def _first_of(year: np.ndarray, month: np.ndarray | int) -> np.ndarray:
    """Day number (from 1970) of the first of a month; months may run past 12."""
    months = (np.asarray(year) - 1970) * 12 + np.asarray(month) - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(int)


def _returning(world: _World) -> np.ndarray:
    """Draw up the expected new children by area, year and group, so that all together add to ``arrested``."""
    young = [1 - sum(_AGE_ON_1_APRIL[-k:]) for k in (1, 2)]
    clear = 1 - (world.reached["caution"] + world.reached["convicted"]).sum(-1)  # not proven: year, group
    one, two = _RETURN
    new = world.arrested.copy()
    for y in range(new.shape[1]):
        if y >= 1:
            new[:, y] -= new[:, y - 1] * clear[y - 1] * young[0] * one
        if y >= 2:
            new[:, y] -= new[:, y - 2] * clear[y - 2] * young[1] * two * (1 - one * (1 - clear[y - 1]))
    if new.min() < 0:
        raise ValueError("The planted level of arrests falls faster than children can leave.")
    return new


def _detail(rng: np.random.Generator, world: _World, area: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Draw a detailed code in proportion to the borough's census, within the broad group."""
    broad = broad_groups("2021")
    inside = np.array([[broad[code] == g for code in _CODES] for g in GROUPS])
    weights = np.array([AREAS[a].detail for a in world.areas])[:, None, :] * inside
    weights = weights / weights.sum(-1, keepdims=True)
    return np.array(_CODES)[_pick(rng, weights[area, group])]


def _children(rng: np.random.Generator, world: _World) -> pd.DataFrame:
    """Draw one row per child at the first arrest: who they are."""
    count = _poisson(rng, _returning(world))
    area, year, group = (i.repeat(count.ravel()) for i in np.indices(count.shape).reshape(3, -1))
    n = len(area)
    age = 10 + _pick(rng, np.array(_AGE_ON_1_APRIL), n)
    month = np.where(age == 17, 1 + np.floor(rng.random(n) * 11), np.floor(rng.random(n) * 12)).astype(int)
    return pd.DataFrame(
        {
            "area": area,
            "entry": year,
            "group": group,
            "age": age,
            "month": month,  # months from April
            "code": _detail(rng, world, area, group),
            "sex": np.array(list(_SEX))[_pick(rng, np.array(list(_SEX.values())), n)],
            "looked_after": (rng.random(n) < _LOOKED_AFTER).astype(int),
            "send": (rng.random(n) < _SEND).astype(int),
            "previous": _pick(rng, np.array(_HISTORY), n),
        }
    )


def _decide(rng: np.random.Generator, world: _World, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw the decisions about each child and year, all at once; ``""`` where a stage was not reached."""
    n, year, group = len(cases), cases["year"].to_numpy(), cases["group"].to_numpy()
    offence = _pick(rng, world.mix[group])

    def chance(
        stage: str, factor: Sequence[float] = (1.0,), weights: Sequence[float] = (1.0,), by: str = ""
    ) -> np.ndarray:
        p = world.share[stage][year, group, offence]
        return p * np.asarray(factor)[cases[by]] / np.dot(factor, weights) if by else p

    def partition(rest: str, chances: Mapping[str, np.ndarray]) -> np.ndarray:
        names = np.array([*chances, rest])
        taken = np.array(list(chances.values())).T
        return names[_pick(rng, np.column_stack([taken, 1 - taken.sum(1)]))]

    looked_after = (_LOOKED_AFTER_FACTOR, (1 - _LOOKED_AFTER, _LOOKED_AFTER), "looked_after")
    police = partition("no_further_action", {s: chance(s) for s in _REST["no_further_action"]})
    charged = police == "charge"
    decided = charged & (rng.random(n) < chance("remand_decision"))
    remand = partition(
        "bail", {"yda": chance("yda", *looked_after), **{s: chance(s) for s in ("rlaa", "community_remand")}}
    )
    convicted = charged & (rng.random(n) < chance("convicted"))
    sentenced = convicted & (rng.random(n) < chance("sentenced"))
    custody = chance("custody", _HISTORY_FACTOR, _HISTORY, "previous")
    community = (1 - custody) * np.array([o.community for o in _OFFENCES])[offence]
    tier = partition("first_tier", {"custody": custody, "community": community})
    reoffended = rng.random(n) < chance("reoffended", *looked_after)
    cohort = sentenced | (police == "caution")
    return cases.assign(
        offence=offence,
        police=police,
        remand_decision=decided,
        remand=np.where(decided, remand, ""),
        convicted=convicted,
        sentenced=sentenced,
        tier=np.where(sentenced, tier, ""),
        proven=convicted | (police == "caution"),
        cohort=cohort,
        reoffended=cohort & reoffended,
        intervention=cohort | ((police == "diversion") & (rng.random(n) < _INTERVENTION_AFTER_DIVERSION)),
    )


def _child_years(rng: np.random.Generator, world: _World, children: pd.DataFrame) -> pd.DataFrame:
    """Follow each child over the year of the first arrest and the two after it."""
    rows, gone = [], np.zeros(len(children), dtype=bool)
    for k, back in enumerate((1.0, *_RETURN)):
        here = (children["entry"] + k < len(world.years)) & ((k == 0) | (children["age"] + k < 17)) & ~gone
        here &= rng.random(len(children)) < back
        cases = children[here].assign(year=children["entry"] + k, age=children["age"] + k)
        cases = _decide(rng, world, cases.rename_axis("child").reset_index())
        gone[cases.loc[cases["proven"], "child"]] = True
        rows.append(cases)
    return pd.concat(rows, ignore_index=True).query("year >= 2").reset_index(drop=True)


def _dates(rng: np.random.Generator, world: _World, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw the days of the decisions: days since 1970, the same for all episodes of a child in a year."""
    n = len(cases)
    year = np.array(world.years)[cases["year"]]
    start, end = _first_of(year, 4), _first_of(year + 1, 4)
    # A child who is 17 on 1 April is arrested before the month of the 18th birthday.
    end = np.where(cases["age"] == 17, _first_of(year, 4 + cases["month"].to_numpy()), end)
    first = start + np.floor(rng.random(n) * (end - start)).astype(int)
    last = np.minimum(first + 45, end - 1)
    charge = last + _days(rng, n, 1, 20)
    convicted = charge + 28 + _geometric(rng, 90 * _at(_COURT_DELAY, year), n)
    sentenced = convicted + np.where(rng.random(n) < 0.5, 0, 21)
    out_of_court = last + _days(rng, n, 15, 75)
    decision = np.select(
        [
            cases["police"] == "charge",
            cases["police"].isin(["caution", "diversion"]),
            cases["police"] == "no_further_action",
        ],
        [charge, out_of_court, last + _days(rng, n, 1, 40)],
        last + 1,
    )
    disposal = np.where(cases["sentenced"], sentenced, decision)
    return cases.assign(
        first=first,
        last=last,
        decision=decision,
        remanded=charge + 1,
        court=convicted,
        sentence=sentenced,
        disposal=disposal,
        begun=disposal + _days(rng, n, 3, 20),
    )


# ---------------------------------------------------------------------------- tables


def _iso(days: np.ndarray) -> np.ndarray:
    return np.asarray(days).astype("datetime64[D]").astype(str)


def _flag(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Write 0 and 1 as no and yes; two in a hundred are left empty."""
    return np.where(rng.random(len(values)) < 0.02, "", np.where(values == 1, "yes", "no"))


def _children_table(
    rng: np.random.Generator, world: _World, children: pd.DataFrame, cases: pd.DataFrame, unknown: float
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the table, and the true group of each child in it."""
    cases = cases.assign(charged=cases["police"] == "charge")
    seen = cases.groupby("child").agg(first=("first", "min"), charged=("charged", "max"))
    seen = (
        seen.join(children)
        .reset_index()
        .sort_values(["first", "area", "child"], kind="stable", ignore_index=True)
    )
    n = len(seen)
    missing = rng.random(n) < unknown * np.where(seen["charged"], _UNKNOWN_SHARE[1], _UNKNOWN_SHARE[0])
    code = np.array(list(_UNKNOWN_CODES))[_pick(rng, np.array(list(_UNKNOWN_CODES.values())), n)]
    source = np.array(["self", "officer", "school"])[_pick(rng, np.array([0.85, 0.09, 0.06]), n)]
    # ``age`` is in completed years on 1 April of the year of entry; ``month`` counts from April.
    birth_year = np.array(world.years)[seen["entry"]] - seen["age"] - 1
    birth = (
        (np.asarray(birth_year - 1970) * 12 + 3 + seen["month"])
        .to_numpy()
        .astype("datetime64[M]")
        .astype(str)
    )
    table = pd.DataFrame(
        {
            "child_id": _ids("c", n),
            "sex": seen["sex"],
            "birth_month": birth,
            "ethnicity": np.where(missing, code, seen["code"]),
            "ethnicity_source": np.where(missing, "unknown", source),
            "looked_after": _flag(rng, seen["looked_after"].to_numpy()),
            "send": _flag(rng, seen["send"].to_numpy()),
            "area": np.array(world.areas)[seen["area"]],
        }
    )
    return table, seen[["child", "code"]].assign(child_id=table["child_id"], missing=missing)


def _ids(letter: str, n: int) -> np.ndarray:
    return letter + pd.Series(np.arange(1, n + 1)).astype(str).str.zfill(len(str(n))).to_numpy(dtype=object)


def _episodes(rng: np.random.Generator, cases: pd.DataFrame) -> pd.DataFrame:
    """Spread each child and year over its arrests: the first, and others within 45 days."""
    count = 1 + _pick(rng, np.array(_EPISODES), len(cases))
    rows = cases.loc[cases.index.repeat(count)]
    lead = ~rows.index.duplicated()
    span = (rows["last"] - rows["first"] + 1).to_numpy()
    arrest = rows["first"] + np.where(lead, 0, np.floor(rng.random(len(rows)) * span)).astype(int)
    rows = rows.assign(arrest=arrest, lead=lead).sort_values(
        ["arrest", "child_id", "lead"], kind="stable", ignore_index=True
    )
    return rows.assign(episode_id=_ids("e", len(rows)))


def _events_table(world: _World, episodes: pd.DataFrame, reoffended: pd.Series, extract: int) -> pd.DataFrame:
    """Return one row per decision up to the day of the extract."""
    e, lead = episodes, episodes["lead"]
    proven = np.where(e["police"] == "caution", e["decision"], e["court"])
    under_investigation = e["police"] == "released_under_investigation"
    steps = (
        ("arrest", lead | True, e["arrest"]),
        (e["police"], lead | True, np.where(under_investigation, e["arrest"] + 1, e["decision"])),
        ("remand_decision", e["remand_decision"], e["remanded"]),
        (e["remand"], e["remand_decision"], e["remanded"]),
        ("convicted", e["convicted"], e["court"]),
        ("sentenced", e["sentenced"], e["sentence"]),
        (e["tier"], e["sentenced"], e["sentence"]),
        ("first_time_entrant", lead & e["proven"] & (e["previous"] == 0), proven),
        ("intervention", lead & e["intervention"], e["begun"]),
        ("cohort", lead & e["cohort"], e["disposal"]),
        (
            "reoffended",
            lead & e["case"].isin(reoffended.index),
            e["case"].map(reoffended).fillna(0).astype(int),
        ),
    )
    court = np.where(e["gravity"] >= 7, "crown", "youth")
    rows = pd.concat(
        [
            e.loc[keep, ["child_id", "episode_id", "area", "offence_group", "gravity"]].assign(
                stage=stage if isinstance(stage, str) else stage[keep],
                date=np.asarray(day)[keep],
                court=np.where(e["police"] == "charge", court, "")[keep] if 2 <= order <= 6 else "",
                order=order,
            )
            for order, (stage, keep, day) in enumerate(steps)
        ]
    )
    rows = rows[rows["date"] <= extract].sort_values(
        ["episode_id", "order"], kind="stable", ignore_index=True
    )
    rows["date"], rows["area"] = _iso(rows["date"]), np.array(world.areas)[rows["area"]]
    return rows[[c.name for c in TABLES["events"]]]


def _reoffences(rng: np.random.Generator, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw the further offences of children who reoffend within 12 months, all proven within 18."""
    again = cases[cases["reoffended"]]
    rows = again.loc[again.index.repeat(1 + _geometric(rng, 1.5, len(again)))]
    n = len(rows)
    offence = rows["disposal"] + _days(rng, n, 1, 365)
    tiers = np.array(["caution", "first_tier", "community"])
    mix = np.array([o.mix[GROUPS.index(REFERENCE)] for o in _OFFENCES])
    kind = _pick(rng, mix, n)
    return rows[["case", "child_id"]].assign(
        episode_id="",
        offence=kind,
        offence_day=offence,
        outcome_day=offence + _days(rng, n, 20, 140),
        outcome=tiers[_pick(rng, np.array([0.3, 0.5, 0.2]), n)],
    )


def _offences_table(
    rng: np.random.Generator, episodes: pd.DataFrame, reoffences: pd.DataFrame, extract: int
) -> pd.DataFrame:
    """Return one row per offence: one or two an episode, then the further offences after a disposal."""
    e = episodes
    delay = np.array([_OFFENCE_TO_ARREST[g] for g in GROUPS])[e["group"]]
    court, sentenced = e["police"] == "charge", e["sentenced"]
    slow = e["arrest"] + _days(rng, len(e), 60, 540)
    first = e[["child_id", "episode_id", "offence"]].assign(
        offence_day=e["arrest"] - _geometric(rng, delay, len(e)),
        outcome_day=np.select(
            [sentenced, court, e["police"] == "released_under_investigation"],
            [e["sentence"], e["court"], slow],
            e["decision"],
        ),
        outcome=np.select(
            [sentenced, e["convicted"], court, e["police"] == "released_under_investigation"],
            [e["tier"], "convicted", "acquitted", "no_further_action"],
            e["police"],
        ),
    )
    first = first.loc[first.index.repeat(1 + (rng.random(len(e)) < 0.25))]
    rows = pd.concat([first, reoffences], ignore_index=True)
    rows = rows.sort_values(["offence_day", "child_id", "episode_id"], kind="stable", ignore_index=True)
    rows = rows[rows["offence_day"] <= extract]
    open_ = rows["outcome_day"] > extract
    return pd.DataFrame(
        {
            "child_id": rows["child_id"],
            "episode_id": rows["episode_id"],
            "offence_date": _iso(rows["offence_day"]),
            "outcome_date": np.where(open_, "", _iso(rows["outcome_day"])),
            "outcome": np.where(open_, "undecided", rows["outcome"]),
            "gravity": np.array([o.gravity for o in _OFFENCES])[rows["offence"]],
            "offence_group": np.array([o.name for o in _OFFENCES])[rows["offence"]],
        }
    )


def _searches_table(rng: np.random.Generator, world: _World) -> pd.DataFrame:
    """Draw one row per search of a child, by month; no child can be followed in it."""
    count = _poisson(rng, np.repeat(world.searched[:, 2:, None], 12, axis=2))
    area, year, month, group = (i.repeat(count.ravel()) for i in np.indices(count.shape).reshape(4, -1))
    n = len(area)
    start = _first_of(np.array(world.years[2:])[year], 4 + month)
    days = _first_of(np.array(world.years[2:])[year], 5 + month) - start
    child = _detail(rng, world, area, group)
    seen_mixed = np.array(list(_OFFICER_SEES_MIXED))[
        _pick(rng, np.array(list(_OFFICER_SEES_MIXED.values())), n)
    ]
    seen = np.where(np.array(GROUPS)[group] == "Mixed", seen_mixed, np.array(GROUPS)[group])
    objects = np.array(["Controlled drugs", "Offensive weapons", "Stolen goods", "Article for use in theft"])
    powers = np.array(["Misuse of Drugs Act s23", "PACE s1", "PACE s1", "PACE s1"])
    sought = _pick(rng, np.array([0.55, 0.25, 0.12, 0.08]), n)
    linked = rng.random(n) < np.array([_LINKED_OUTCOME[g] for g in GROUPS])[group]
    outcomes = np.array(["Arrest", "Community resolution", "Summons / charged by post"])
    table = pd.DataFrame(
        {
            "date": start + np.floor(rng.random(n) * days).astype(int),
            "area": area,
            "sex": np.where(rng.random(n) < 0.94, "male", "female"),
            "age_band": "10-17",
            "ethnicity": np.where(rng.random(n) < _SEARCH_NOT_STATED, "NS", child),
            "ethnicity_officer": np.where(rng.random(n) < _OFFICER_BLANK, "", seen),
            "legislation": powers[sought],
            "object": objects[sought],
            "outcome": np.where(
                linked, outcomes[_pick(rng, np.array([0.45, 0.45, 0.10]), n)], "No further action"
            ),
            "outcome_linked": np.where(linked, "yes", "no"),
        }
    ).sort_values(["date", "area"], kind="stable", ignore_index=True)
    table["date"], table["area"] = _iso(table["date"]), np.array(world.areas)[table["area"]]
    return table


def _population_table(areas: Sequence[str], years: Sequence[int], scale: float) -> pd.DataFrame:
    """Return both series: the older one up to 2020, the one based on the 2021 census for every year."""
    old = [y for y in years if y <= _OLD_SERIES_ENDS]
    parts = []
    for vintage, span in (("2011", old), ("2021", list(years))):
        if span:
            index = pd.MultiIndex.from_product(
                [areas, span, [vintage], _AGES, ["female", "male"], GROUPS],
                names=["area", "year", "vintage", "age", "sex", "group"],
            )
            parts.append(
                index.to_frame(index=False).assign(
                    population=_population(areas, span, scale, vintage).ravel()
                )
            )
    return pd.concat(parts, ignore_index=True)


def _truth(
    seed: int,
    world: _World,
    direct: Mapping[str, Mapping[str, float]],
    extract: int,
    ethnicity: dict[str, str],
) -> Truth:
    """Work out the relative rates to expect, by adding up over offences."""
    white, years = GROUPS.index(REFERENCE), world.years[2:]

    def table(value: np.ndarray) -> dict[str, list[float]]:
        ratio = (value / value[:, [white]])[2:]
        return {g: ratio[:, i].tolist() for i, g in enumerate(GROUPS)}

    contact = {
        s: np.array([{REFERENCE: 1.0, **direct[s]}[g] for g in GROUPS]) for s in ("stop_search", "arrest")
    }
    contact = {s: np.broadcast_to(r, (len(world.years), len(GROUPS))) for s, r in contact.items()}
    cumulative = {s: table(r.sum(-1) * contact["arrest"]) for s, r in world.reached.items()}
    relative = {s: table(world.of(s)) for s in world.reached if STAGES[s].base != POPULATION}
    for stage in contact:
        relative[stage] = cumulative[stage] = table(contact[stage])
    return Truth(
        seed=seed,
        areas=world.areas,
        years=years,
        extract_date=str(np.int64(extract).astype("datetime64[D]")),
        unit="children",
        reference=REFERENCE,
        direct={s: {**direct[s], REFERENCE: 1.0} for s in direct},
        relative_rates=relative,
        cumulative=cumulative,
        offence_to_arrest_days=dict(_OFFENCE_TO_ARREST),
        linked_outcome=dict(_LINKED_OUTCOME),
        ethnicity=ethnicity,
    )


def simulate(
    seed: int,
    *,
    areas: Sequence[str] = tuple(AREAS),
    years: Sequence[int] = tuple(range(FIRST_YEAR, LAST_YEAR + 1)),
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
        Consecutive financial years from 2016 to 2023, by the April they start in.
    scale : float
        Population, and every count with it, times this much.
    unknown : float
        Children whose ethnicity is not known, times this much; 0 for none.
    relative_rates : mapping of str to mapping of str to float, optional
        Planted values to change: stage to group to relative rate against White, as in ``DIRECT``.

    Returns
    -------
    Study
        The tables and the truth.

    Examples
    --------
    >>> study = simulate(1, areas=["Islington"], years=[2022, 2023])
    >>> study.truth.relative_rates["arrest"]["Black"]
    [2.4, 2.4]
    >>> study.truth.direct["custody"]["Black"], round(study.truth.relative_rates["custody"]["Black"][0], 2)
    (1.0, 1.38)
    """
    years = [int(y) for y in years]
    if (
        not years
        or years != list(range(years[0], years[-1] + 1))
        or years[0] < FIRST_YEAR
        or years[-1] > LAST_YEAR
    ):
        raise ValueError(f"years: give consecutive years from {FIRST_YEAR} to {LAST_YEAR}, not {years}.")
    for area in areas:
        if area not in AREAS:
            raise ValueError(f"areas: {area!r} is not one of {', '.join(AREAS)}.")
    planted = {s: {**DIRECT[s], **(relative_rates or {}).get(s, {})} for s in DIRECT}
    for stage, groups in (relative_rates or {}).items():
        if stage not in DIRECT or not set(groups) <= set(GROUPS) - {REFERENCE}:
            raise ValueError(f"relative_rates: nothing is planted at {stage!r} for {', '.join(groups)}.")

    world = _world(areas, years, scale, planted)
    people, dates, search = (np.random.default_rng([seed, i]) for i in range(3))
    everyone = _children(people, world)
    cases = _dates(dates, world, _child_years(people, world, everyone))
    table, seen = _children_table(dates, world, everyone, cases, unknown)
    cases = cases.merge(seen[["child", "child_id"]], on="child").rename_axis("case").reset_index()
    cases["offence_group"] = np.array([o.name for o in _OFFENCES])[cases["offence"]]
    cases["gravity"] = np.array([o.gravity for o in _OFFENCES])[cases["offence"]]
    extract = int(_first_of(years[-1] + 1, 10)) - 1
    episodes = _episodes(dates, cases)
    again = _reoffences(dates, cases)
    events = _events_table(world, episodes, again.groupby("case")["outcome_day"].min(), extract)
    offences = _offences_table(dates, episodes, again, extract)
    hidden = seen[seen["missing"]]
    truth = _truth(seed, world, planted, extract, dict(zip(hidden["child_id"], hidden["code"], strict=True)))
    return Study(
        table, events, offences, _searches_table(search, world), _population_table(areas, years, scale), truth
    )


# ---------------------------------------------------------------------------- the study folder

FILES = ("children.csv", "events.csv", "offences.csv", "searches.csv", "population.csv")

_STUDY = """\
title = "Synthetic study of four boroughs"
areas = [{areas}]
ethnicity_base = "2021"
period = "financial"
years = [{first}, {last}]
synthetic = true
seed = {seed}

[population]
vintage = "2021"

[[sources]]
name = "ysj_analysis.synthetic"
date = {extract}
note = "Simulated from seed {seed}. No real child is in it. Nothing after this date is in the tables."

[[sources]]
name = "Office for National Statistics, Census 2021 (TS007; ethnic group by single year of age)"
date = 2021-03-21
note = "Sizes of the population aged 10 to 17 in 2021. Other years and the 2011-based series are invented."

[[sources]]
name = "Islington Youth Justice Plan 2023-24; Department for Education local authority tables"
date = 2023-09-30
note = "Orders of magnitude of the yearly totals only."
"""


def _files(study: Study) -> dict[str, str]:
    truth = study.truth
    study_toml = _STUDY.format(
        areas=", ".join(f'"{a}"' for a in truth.areas),
        first=truth.years[0],
        last=truth.years[-1],
        seed=truth.seed,
        extract=truth.extract_date,
    )
    tables = {f: getattr(study, Path(f).stem).to_csv(index=False, lineterminator="\n") for f in FILES}
    texts = {"study.toml": study_toml, "truth.json": truth.to_json(), **tables}
    return {"README.md": _dictionary(study), **texts}


def _dictionary(study: Study) -> str:
    """Write the data dictionary: what is in each table, and what was planted."""
    truth = study.truth
    lines = [
        "# Synthetic study",
        "",
        "**No real child is in these tables.** Every row was drawn at random by `ysj_analysis.synthetic`, from",
        f"seed {truth.seed}; `ysj synth` writes the same bytes again. Magnitudes come from published totals",
        "(population aged 10 to 17: ONS Census 2021, TS007 and ethnic group by single year of age; yearly",
        "totals: Islington Youth Justice Plan 2023-24 and Department for Education local authority tables).",
        "Everything else is invented, and says nothing about any borough.",
        "",
        f"{', '.join(truth.areas)}; financial years {period_label(truth.years[0])} to"
        f" {period_label(truth.years[-1])}. Nothing after {truth.extract_date} is recorded; `events` so runs past",
        "the last year with the outcomes of its arrests, and cases still open have no outcome.",
        "",
        "## Tables",
    ]
    for file in FILES:
        name = Path(file).stem
        table = getattr(study, name)
        known = {c.name: c for c in TABLES[name]}
        lines += [
            "",
            f"### {file}: {len(table):,} rows, {_ROW[name]}",
            "",
            "| column | meaning |",
            "|---|---|",
        ]
        for column in table.columns:
            c = known.get(column)
            lines.append(f"| `{column}` | {c.meaning if c else _EXTRA[column]} |")
    lines += [
        "",
        "## Planted relative rates",
        "",
        f"Against {truth.reference} children. *Like for like* compares children arrested for offences of the same",
        "gravity; *seen* is what the data show, the offence mix differing by group. Base: the stage that feeds",
        "each one (population for arrest and stop and search). Values of the last year; `truth.json` has all.",
        "",
    ]
    groups = [g for g in GROUPS if g != truth.reference]
    lines.append("| stage | base | " + " | ".join(f"{g}: like for like | seen" for g in groups) + " |")
    lines.append("|---|---|" + "---|---|" * len(groups))
    for stage in STAGES:
        if stage in truth.relative_rates:
            cells = []
            for g in groups:
                direct = truth.direct.get(stage, {}).get(g)
                cells += [
                    "rest" if direct is None else f"{direct:g}",
                    f"{truth.relative_rates[stage][g][-1]:.3f}",
                ]
            lines.append(f"| {STAGES[stage].label} | {STAGES[stage].base} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_NOTES]) + "\n"


_ROW = {
    "children": "one per child arrested in the years",
    "events": "one per decision",
    "offences": "one per offence",
    "searches": "one per search of a child",
    "population": "one per area, year, series, age, sex and group",
}
_EXTRA = {"episode_id": "the arrest it belongs to; empty for a further offence after a caution or sentence"}
_NOTES = (
    "*rest*: not planted; what the other decisions at that point leave.",
    "",
    "## How to read them",
    "",
    "- Unit: distinct children, in the year of the arrest with which the episode began. There the planted",
    "  values are exact. By the date of a later event they are close, as cases carry over into the next year.",
    "- All episodes of a child in one year share offence group, gravity and decisions. Rates of episodes have",
    "  the same expectation, and wider true intervals than a count of independent episodes would give.",
    "- Ethnicity is missing for about 6% of children never charged and 0.6% of the others; `truth.json` keeps",
    "  what it was (`ethnicity`). The planted values hold for the true ethnicity.",
    "- A child who was cautioned or convicted is not arrested again here. Further offences within 12 months",
    "  are in `offences.csv`, with no episode, and give the event `reoffended`, dated by its outcome.",
    "- Looked-after children are 1.3 times as likely to be remanded to youth detention and to reoffend, in",
    "  every group; sex, age and SEND change nothing after arrest.",
    "- Days from offence to arrest: a mean of 45 for Black and 30 for other children; court delays are equal.",
    "- Searches are about a quarter of the number the published files suggest, to keep the file small. Self-defined",
    "  ethnicity is not stated for 9%; officers record no Mixed group. A search of a Black child is 0.85 times as",
    "  likely to have an outcome linked to its object; in the other groups it is 22%.",
    "- `population.csv` holds two series: `2021`, based on the 2021 census, for every year (the default), and",
    "  `2011`, up to 2020, which it replaced: 13% lower for Islington.",
)


def write(folder: str | os.PathLike[str], *, seed: int = SEED) -> Path:
    """Write the synthetic study into a folder, whole or not at all.

    Parameters
    ----------
    folder : path
        A new or empty folder, or an earlier synthetic study, which is replaced.
    seed : int
        Same seed, same bytes.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileExistsError
        If the folder holds anything else.
    """
    folder = Path(folder)
    files = _files(simulate(seed))
    if folder.exists() and (not folder.is_dir() or not {p.name for p in folder.iterdir()} <= set(files)):
        raise FileExistsError(f"{folder} holds something else than a synthetic study. Choose a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as room:
        new = Path(room, "new")
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text, encoding="utf-8", newline="\n")
        if folder.exists():
            folder.rename(Path(room, "old"))
        new.rename(folder)
    return folder
