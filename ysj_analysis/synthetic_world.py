"""What follows from the planted values? Populations, chances and the truth, by adding up: nothing is drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from . import synthetic_planted as planted
from .synthetic_planted import AREAS, DIRECT, GROUPS, OFFENCES, REFERENCE, YEARS
from .vocabulary import POPULATION, STAGES, broad_groups

LEAD = 2
"""Years before the study, so that some children return in its first."""


@dataclass(frozen=True)
class World:
    """The chances behind a study, before anything is drawn. The axes of each array stand beside it."""

    areas: tuple[str, ...]
    years: tuple[int, ...]  # with the ``LEAD``
    direct: dict[str, dict[str, float]]
    arrested: np.ndarray  # area, year, group: expected distinct children
    searched: np.ndarray  # area, year, group: expected searches a month
    share: dict[str, np.ndarray]  # stage: year, group, offence: chance, of those at the stage that feeds it
    reached: dict[str, np.ndarray]  # stage: year, group, offence: chance, of those arrested

    @property
    def proven(self) -> np.ndarray:
        """Chance by year and group that an arrested child is cautioned or convicted."""
        return (self.reached["caution"] + self.reached["convicted"]).sum(-1)


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


def by_group(values: Mapping[str, float]) -> np.ndarray:
    """Put values in the order of ``GROUPS``."""
    return np.array([values[group] for group in GROUPS])


def by_year(table: float | Sequence[float], years: Sequence[int]) -> np.ndarray:
    """Look a yearly parameter up; years before the table take its first value."""
    values = np.broadcast_to(np.asarray(table, dtype=float), len(YEARS))
    return values[np.maximum(np.asarray(years) - YEARS[0], 0)]


def census(areas: Sequence[str]) -> np.ndarray:
    """Children in the 2021 census by area, group and detailed code: 0 where the code is of another group."""
    broad = broad_groups("2021")
    inside = np.array([[broad[code] == group for code in planted.CODES] for group in GROUPS])
    return np.array([AREAS[area].detail for area in areas])[:, None, :] * inside


def population(areas: Sequence[str], years: Sequence[int], scale: float, vintage: str) -> np.ndarray:
    """Whole children by area, year, age, sex and group; each area and year adds to its rounded total."""
    old, out = vintage == "2011", []
    for area, detail in zip(areas, census(areas), strict=True):
        borough = AREAS[area]
        of_group = detail.sum(-1) * (by_group(planted.OLD_SERIES) if old else 1.0)
        sexes = [1 - planted.MALE, planted.MALE]
        shape = np.einsum("a,s,g->asg", borough.ages, sexes, of_group / of_group.sum())
        level = by_year(planted.GROWTH, years) * scale / (1 - borough.drop if old else 1)
        exact = level[:, None] * shape.ravel()
        # Largest remainders: round down, then give what is short of the total to the largest fractions.
        whole = np.floor(exact)
        short = np.rint(exact.sum(1) - whole.sum(1))
        rank = np.argsort(np.argsort(whole - exact, axis=1, kind="stable"), axis=1, kind="stable")
        out.append((whole + (rank < short[:, None])).reshape(len(years), *shape.shape))
    return np.array(out).astype(int)


def world(
    areas: Sequence[str],
    years: Sequence[int],
    *,
    scale: float = 1.0,
    relative_rates: Mapping[str, Mapping[str, float]] | None = None,
) -> World:
    """Work out the chances behind a study. The arguments are those of ``synthetic.simulate``."""
    areas, years, changes = list(areas), [int(y) for y in years], relative_rates or {}
    if not years or years != list(range(years[0], years[-1] + 1)) or not set(years) <= set(YEARS):
        raise ValueError(f"years: {years} are not consecutive years from {YEARS[0]} to {YEARS[-1]}.")
    if not areas or not set(areas) <= set(AREAS):
        raise ValueError(f"areas: {areas} are not all among {', '.join(AREAS)}.")
    for stage, groups in changes.items():
        if stage not in DIRECT or not set(groups) <= set(GROUPS) - {REFERENCE}:
            raise ValueError(f"relative_rates: nothing is planted at {stage!r} for {', '.join(groups)}.")

    years = [*range(years[0] - LEAD, years[0]), *years]
    direct = {s: {**DIRECT[s], **changes.get(s, {}), REFERENCE: 1.0} for s in DIRECT}
    relative = {stage: by_group(values) for stage, values in direct.items()}
    share = _share(years, relative)
    people = population(areas, years, scale, "2021").sum((2, 3))
    islington = population(["Islington"], [2021], 1.0, "2021").sum((0, 1, 2, 3))
    level = [AREAS[area].arrests for area in areas]

    def expected(stage: str, total: Sequence[float]) -> np.ndarray:
        rate = np.outer(level, by_year(total, years)) / np.dot(islington, relative[stage])
        return people * rate[:, :, None] * relative[stage]

    return World(
        areas=tuple(areas),
        years=tuple(years),
        direct=direct,
        arrested=expected("arrest", planted.ARRESTED),
        searched=expected("stop_search", planted.SEARCHED),
        share=share,
        reached=_reached(share),
    )


def trait_factor(stage: str) -> float:
    """Mean of the factors by which a trait of the children changes a decision."""
    trait, factors = planted.TRAIT_FACTORS[stage]
    return np.dot(planted.TRAITS[trait], factors)


def _share(years: Sequence[int], relative: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    share = {}
    for stage, level in planted.LEVEL.items():
        offence = OFFENCES[stage] if stage in OFFENCES else np.ones(len(OFFENCES))
        chance = np.einsum("y,g,o->ygo", by_year(level, years), relative[stage], offence)
        share[stage] = chance * (trait_factor(stage) if stage in planted.TRAIT_FACTORS else 1.0)
    share["community"] = (1 - share["custody"]) * OFFENCES["community"].to_numpy()
    for rest, others in planted.LEFT_OVER.items():
        share[rest] = 1 - sum(share[stage] for stage in others)
    if not all((p >= 0).all() and (p <= 1).all() for p in share.values()):
        raise ValueError("relative_rates: too large; some chances of a decision are outside 0 to 1.")
    return share


def _reached(share: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Multiply the chances along the stage graph, from the arrest on."""
    reached = {"arrest": np.broadcast_to(OFFENCES[list(GROUPS)].to_numpy().T, share["charge"].shape)}
    for stage in STAGES:
        if stage in share and stage != "reoffended":
            reached[stage] = reached[STAGES[stage].base] * share[stage]
    never_before = planted.TRAITS["previous"][0]
    reached["first_time_entrant"] = (reached["caution"] + reached["convicted"]) * never_before
    reached["cohort"] = reached["caution"] + reached["sentenced"]
    diverted = reached["diversion"] * planted.INTERVENTION_AFTER_DIVERSION
    reached["intervention"] = reached["cohort"] + diverted
    reached["reoffended"] = reached["cohort"] * share["reoffended"]
    return reached


def truth(world: World, *, seed: int, extract_date: str, ethnicity: dict[str, str]) -> Truth:
    """Work out the relative rates to expect, adding up over offences."""
    shape = len(world.years), len(GROUPS)

    def table(chance: np.ndarray) -> dict[str, list[float]]:
        ratio = (chance / chance[:, [GROUPS.index(REFERENCE)]])[LEAD:]
        return {group: ratio[:, i].tolist() for i, group in enumerate(GROUPS)}

    arrest, search = (np.broadcast_to(by_group(world.direct[s]), shape) for s in ("arrest", "stop_search"))
    chance = {stage: reached.sum(-1) for stage, reached in world.reached.items()}
    cumulative = {s: table(p * arrest) for s, p in chance.items()} | {"stop_search": table(search)}
    own = {s: STAGES[s].base for s in chance if STAGES[s].base != POPULATION}
    return Truth(
        seed=seed,
        areas=world.areas,
        years=world.years[LEAD:],
        extract_date=extract_date,
        unit="children",
        reference=REFERENCE,
        direct=world.direct,
        relative_rates=cumulative | {s: table(chance[s] / chance[base]) for s, base in own.items()},
        cumulative=cumulative,
        offence_to_arrest_days=dict(planted.OFFENCE_TO_ARREST),
        linked_outcome=dict(planted.LINKED_OUTCOME),
        ethnicity=ethnicity,
    )
