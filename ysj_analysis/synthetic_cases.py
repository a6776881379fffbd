"""Who is arrested, what is decided about them, and when? One row a child and year with an arrest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import synthetic_planted as planted
from .synthetic_draws import cells, days, draw, first_of, geometric, pick, poisson
from .synthetic_planted import GROUPS, OFFENCES
from .synthetic_world import LEAD, World, by_year, census, trait_factor


def cases(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """Draw everyone, and follow them over the year of the first arrest and the next two.

    All that is planted, but for delays, is decided here.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where chance comes from.
    world : World
        The chances.

    Returns
    -------
    DataFrame
        Who the child is (``child``, ``area``, ``group``, ``code``, ``sex``, ...), the ``year``, the
        ``offence``, and what was decided. Areas, years, groups and offences are positions.
    """
    people = _people(rng, world)
    rows, gone = [], np.zeros(len(people), dtype=bool)
    for later, chance in enumerate(_return_chance(world)):
        back = rng.random(len(people)) < chance[people["year"], people["group"]]
        year, age = people["year"] + later, people["age"] + later
        here = (year < len(world.years)) & ((later == 0) | (age < 17)) & ~gone & back
        of_year = people.assign(year=year, age=age)[here].rename_axis("child").reset_index()
        of_year = _decide(rng, world, of_year)
        gone[of_year.loc[of_year["proven"], "child"]] = True
        rows.append(of_year)
    return pd.concat(rows, ignore_index=True)


def detailed_code(rng: np.random.Generator, world: World, area: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Draw a detailed code in proportion to the borough's census, within the broad group."""
    weights = census(world.areas)
    weights = np.moveaxis(weights / weights.sum(-1, keepdims=True), -1, 0)
    return np.array(planted.CODES)[pick(rng, weights[:, area, group])]


def _people(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """Draw everyone who is ever arrested, as they are in the year of the first arrest."""
    area, year, group = cells(poisson(rng, _first_arrests(world)))
    n = len(area)
    age = 10 + draw(rng, n, planted.AGE_ON_1_APRIL)
    return pd.DataFrame(
        {
            "area": area,
            "year": year,
            "group": group,
            "age": age,  # on 1 April
            "month": days(rng, n, 0, 11).clip(age == 17),  # of birth, from April; see dated
            "code": detailed_code(rng, world, area, group),
            "sex": draw(rng, n, planted.SEX),
            **{trait: draw(rng, n, shares) for trait, shares in planted.TRAITS.items()},
        }
    )


def _first_arrests(world: World) -> np.ndarray:
    """Children expected to be arrested for the first time: with those who return, as many as planted."""
    young = [1 - sum(planted.AGE_ON_1_APRIL[-later:]) for later in (1, 2)]
    new = world.arrested.copy()
    for year in range(1, new.shape[1]):
        new[:, year] -= new[:, year - 1] * young[0] * planted.RETURN[0]
        new[:, year] -= new[:, year - 2] * young[1] * planted.RETURN[1] * (year > 1)
    return new


def _return_chance(world: World) -> list[np.ndarray]:
    """Chance, by year of the first arrest and group, of an arrest that year, one and two years on.

    Only children who were not cautioned or convicted return, and their share differs by group; their
    chance makes up for it, so that the same share of every group returns.
    """
    one, two = planted.RETURN
    next_proven = np.vstack([world.proven[1:], world.proven[-1:]])
    still = 1 - world.proven
    return [np.ones_like(still), one / still, two / (still - one * next_proven)]


def _decide(rng: np.random.Generator, world: World, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw what was decided about each child in a year."""
    n, year, group = len(cases), cases["year"].to_numpy(), cases["group"].to_numpy()
    offence = pick(rng, OFFENCES[list(GROUPS)].to_numpy()[:, group])

    def chance(stage: str) -> np.ndarray:
        if stage == "community":
            return (1 - chance("custody")) * OFFENCES["community"].to_numpy()[offence]
        p = world.share[stage][year, group, offence]
        if stage not in planted.TRAIT_FACTORS:
            return p
        trait, factors = planted.TRAIT_FACTORS[stage]
        return p * np.asarray(factors)[cases[trait]] / trait_factor(stage)

    def happens(stage: str) -> np.ndarray:
        return rng.random(n) < chance(stage)

    def which(rest: str) -> pd.Categorical:
        others = planted.LEFT_OVER[rest]
        taken = np.array([chance(stage) for stage in others])
        return pd.Categorical.from_codes(pick(rng, np.vstack([taken, 1 - taken.sum(0)])), [*others, rest])

    police, remand, tier = which("no_further_action"), which("bail"), which("first_tier")
    charged, cautioned = police == "charge", police == "caution"
    convicted = charged & happens("convicted")
    sentenced = convicted & happens("sentenced")
    cohort = sentenced | cautioned
    diverted = police == "diversion"
    return cases.assign(
        offence=offence,
        police=police,
        charged=charged,
        remand_decision=charged & happens("remand_decision"),
        remand=remand,
        convicted=convicted,
        sentenced=sentenced,
        tier=tier,
        proven=convicted | cautioned,
        cohort=cohort,
        reoffended=cohort & happens("reoffended"),
        intervention=cohort | (diverted & (rng.random(n) < planted.INTERVENTION_AFTER_DIVERSION)),
    )


def dated(rng: np.random.Generator, world: World, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw the days of the decisions; those after the arrest are one for all episodes of a child and year.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where chance comes from.
    world : World
        The chances.
    cases : DataFrame
        As ``cases`` returns them.

    Returns
    -------
    DataFrame
        The cases that reach into the study, with the days of the first and of the last possible arrest
        (``first``, ``last``) and of each step: ``decision``, ``remanded``, ``court``, ``sentence``,
        ``disposal`` (by the police or the court) and ``begun`` (the intervention).
    """
    n, year = len(cases), np.array(world.years)[cases["year"]]
    # A child who is 17 on 1 April is arrested before the month of the 18th birthday.
    end = np.where(cases["age"] == 17, first_of(year, 4 + cases["month"]), first_of(year + 1, 4)) - 1
    first = days(rng, n, first_of(year, 4), end)
    last = np.minimum(first + 45, end)
    charge = last + days(rng, n, 1, 20)
    court = charge + 28 + geometric(rng, n, 90 * by_year(planted.COURT_DELAY, year))
    sentence = court + 21 * draw(rng, n, (0.5, 0.5))
    out_of_court, quick = last + days(rng, n, 15, 75), last + days(rng, n, 1, 40)
    kind = [cases["charged"], cases["police"].isin(["caution", "diversion"])]
    decision = np.select(kind, [charge, out_of_court], quick)
    disposal = np.where(cases["sentenced"], sentence, decision)
    begun = disposal + days(rng, n, 3, 20)
    # Of the year before the study, keep what reaches into it: its courts sit on the cases of that year too.
    ends = np.select([cases["reoffended"], cases["convicted"]], [disposal + 365, sentence], begun)
    before = (cases["year"] == LEAD - 1) & (ends >= first_of(world.years[LEAD], 4))
    kept = (cases["year"] >= LEAD) | before
    return cases.assign(
        first=first,
        last=last,
        decision=decision,
        remanded=charge + 1,
        court=court,
        sentence=sentence,
        disposal=disposal,
        begun=begun,
    )[kept].reset_index(drop=True)
