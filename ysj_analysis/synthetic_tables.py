"""How are the cases recorded? The tables of a study, as ``vocabulary.TABLES`` describes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import synthetic_planted as planted
from .synthetic_cases import detailed_code
from .synthetic_draws import cells, days, draw, first_of, geometric, iso, poisson
from .synthetic_planted import GROUPS, OFFENCES, REFERENCE
from .synthetic_world import LEAD, World, by_group, population
from .vocabulary import SOURCES_OF_ETHNICITY, TABLES

EXTRA_COLUMNS = {
    "episode_id": "the arrest it belongs to; empty for an offence after a caution or a sentence",
    "previous": "proven offences before the first arrest here: 0, 1, or 2 for two and more",
}
"""What they hold beside the columns of the vocabulary."""


def record(
    rng: np.random.Generator, world: World, cases: pd.DataFrame, extract: int
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Record what befell the children.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where chance comes from.
    world : World
        The chances.
    cases : DataFrame
        As ``synthetic_cases.dated`` returns them.
    extract : int
        The last day in the tables, from 1970.

    Returns
    -------
    dict of str to DataFrame
        ``children``, ``events`` and ``offences``.
    dict of str to str
        ``child_id`` to detailed code, for the children whose ethnicity is not known in the tables.
    """
    children = _children(rng, world, cases)
    child_id = cases["child"].map(children.set_index("child")["child_id"])
    cases = cases.assign(child_id=child_id, case=cases.index)
    episodes = _episodes(rng, cases)
    reoffences = _reoffences(rng, cases)
    tables = {
        "children": children[[*(c for c in _columns("children") if c in children), "previous"]],
        "events": _events(world, episodes, reoffences, extract),
        "offences": _offences(rng, episodes, reoffences, extract),
    }
    return tables, children[children["missing"]].set_index("child_id")["code"].to_dict()


def _columns(table: str) -> list[str]:
    """Name the columns of a table in the vocabulary."""
    return [column.name for column in TABLES[table]]


def _children(rng: np.random.Generator, world: World, cases: pd.DataFrame) -> pd.DataFrame:
    """List the children of the cases; ``child``, ``code`` and ``missing`` are for us alone."""
    charged = cases.groupby("child")["charged"].max()
    rows = cases.drop_duplicates("child").sort_values(["first", "area", "child"], ignore_index=True)
    n = len(rows)
    missing = rng.random(n) < np.array(planted.UNKNOWN_SHARE)[charged[rows["child"]].astype(int)]
    # Twelve times the year of birth, and the month, from ``age`` on 1 April and ``month`` from April.
    born = (np.array(world.years)[rows["year"]] - rows["age"] - 1 - 1970) * 12 + 3 + rows["month"]
    return rows.assign(
        child_id=_ids("c", n),
        birth_month=born.to_numpy().astype("datetime64[M]").astype(str),
        ethnicity=np.where(missing, draw(rng, n, planted.UNKNOWN_CODES), rows["code"]),
        ethnicity_source=np.where(missing, SOURCES_OF_ETHNICITY[-1], draw(rng, n, planted.SOURCE)),
        looked_after=_flag(rng, rows["looked_after"]),
        send=_flag(rng, rows["send"]),
        area=np.array(world.areas)[rows["area"]],
        missing=missing,
    )


def _episodes(rng: np.random.Generator, cases: pd.DataFrame) -> pd.DataFrame:
    """Give each child and year its arrests: the first, and up to three within 45 days."""
    rows = cases.loc[cases.index.repeat(1 + draw(rng, len(cases), planted.EPISODES))]
    lead = ~rows.index.duplicated()
    later = days(rng, len(rows), rows["first"], rows["last"])
    rows = rows.assign(lead=lead, arrest=np.where(lead, rows["first"], later))
    rows = rows.sort_values(["arrest", "child_id"], ignore_index=True)
    return rows.assign(episode_id=_ids("e", len(rows)))


def _reoffences(rng: np.random.Generator, cases: pd.DataFrame) -> pd.DataFrame:
    """Draw the further offences of children who reoffend: within 12 months, proven within 18."""
    again = cases[cases["reoffended"]]
    rows = again.loc[again.index.repeat(1 + geometric(rng, len(again), 1.5))]
    n = len(rows)
    day = rows["disposal"] + days(rng, n, 1, 365)
    return rows[["case", "child_id"]].assign(
        episode_id="",
        offence=draw(rng, n, OFFENCES[REFERENCE]),
        day=day,
        closed=day + days(rng, n, 20, 140),
        outcome=draw(rng, n, {"caution": 0.3, "first_tier": 0.5, "community": 0.2}),
    )


def _events(world: World, episodes: pd.DataFrame, reoffences: pd.DataFrame, extract: int) -> pd.DataFrame:
    """List every decision up to the day of the extract."""
    e, lead = episodes, episodes["lead"]
    every = np.ones(len(e), dtype=bool)
    waiting = e["police"] == "released_under_investigation"
    reoffended = e["case"].map(reoffences.groupby("case")["closed"].min())
    gravity = OFFENCES["gravity"].to_numpy()[e["offence"]]
    court = np.where(gravity >= 7, "crown", "youth")
    steps = (
        ("arrest", every, e["arrest"], ""),
        (e["police"], every, np.where(waiting, e["arrest"] + 1, e["decision"]), ""),
        ("remand_decision", e["remand_decision"], e["remanded"], court),
        (e["remand"], e["remand_decision"], e["remanded"], court),
        ("convicted", e["convicted"], e["court"], court),
        ("sentenced", e["sentenced"], e["sentence"], court),
        (e["tier"], e["sentenced"], e["sentence"], court),
        ("first_time_entrant", lead & e["proven"] & (e["previous"] == 0), _verdict(e), ""),
        ("intervention", lead & e["intervention"], e["begun"], ""),
        ("cohort", lead & e["cohort"], e["disposal"], ""),
        ("reoffended", lead & reoffended.notna(), reoffended, ""),
    )
    plain = pd.DataFrame(
        {
            "child_id": e["child_id"],
            "episode_id": e["episode_id"],
            "area": np.array(world.areas)[e["area"]],
            "offence_group": OFFENCES["name"].to_numpy()[e["offence"]],
            "gravity": gravity,
        }
    )
    rows = pd.concat(
        plain.assign(stage=stage, date=day, order=order, court=court)[keep]
        for order, (stage, keep, day, court) in enumerate(steps)
    )
    rows = rows[rows["date"] <= extract].sort_values(["episode_id", "order"], ignore_index=True)
    rows = rows.assign(stage=rows["stage"].astype(str), date=iso(rows["date"].astype(int)))
    return rows[_columns("events")]


def _offences(
    rng: np.random.Generator, episodes: pd.DataFrame, reoffences: pd.DataFrame, extract: int
) -> pd.DataFrame:
    """List one or two offences an episode, and those after a caution or sentence."""
    e, n = episodes, len(episodes)
    waiting = e["police"] == "released_under_investigation"
    rows = e[["child_id", "episode_id", "offence"]].assign(
        day=e["arrest"] - geometric(rng, n, by_group(planted.OFFENCE_TO_ARREST)[e["group"]]),
        closed=np.select(
            [e["sentenced"], waiting], [e["sentence"], e["arrest"] + days(rng, n, 60, 540)], _verdict(e)
        ),
        outcome=np.select(
            [e["sentenced"], e["convicted"], e["charged"], waiting],
            [e["tier"], "convicted", "acquitted", "no_further_action"],
            e["police"],
        ),
    )
    rows = rows.loc[rows.index.repeat(1 + draw(rng, n, (0.75, 0.25)))]
    rows = pd.concat([rows, reoffences[reoffences["day"] <= extract]], ignore_index=True)
    rows = rows.sort_values(["day", "child_id", "episode_id"], ignore_index=True)
    undecided = rows["closed"] > extract
    return pd.DataFrame(
        {
            "child_id": rows["child_id"],
            "episode_id": rows["episode_id"],
            "offence_date": iso(rows["day"]),
            "outcome_date": np.where(undecided, "", iso(rows["closed"])),
            "outcome": np.where(undecided, "undecided", rows["outcome"]),
            "gravity": OFFENCES["gravity"].to_numpy()[rows["offence"]],
            "offence_group": OFFENCES["name"].to_numpy()[rows["offence"]],
        }
    )


def searches(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """List searches of children, month by month; no child can be followed in them."""
    monthly = np.repeat(world.searched[:, LEAD:, None], 12, axis=2)
    area, year, month, group = cells(poisson(rng, monthly))
    n, year = len(area), np.array(world.years[LEAD:])[year]
    code = detailed_code(rng, world, area, group)
    mixed = group == GROUPS.index("Mixed")
    seen = np.where(mixed, draw(rng, n, planted.OFFICER_SEES_MIXED), np.array(GROUPS)[group])
    sought = draw(rng, n, planted.SOUGHT)
    linked = rng.random(n) < by_group(planted.LINKED_OUTCOME)[group]
    table = pd.DataFrame(
        {
            "date": days(rng, n, first_of(year, 4 + month), first_of(year, 5 + month) - 1),
            "area": np.array(world.areas)[area],
            "sex": draw(rng, n, {"female": 0.06, "male": 0.94}),
            "age_band": "10-17",
            "ethnicity": np.where(rng.random(n) < planted.SEARCH_NOT_STATED, "NS", code),
            "ethnicity_officer": np.where(rng.random(n) < planted.OFFICER_BLANK, "", seen),
            "legislation": np.where(sought == "Controlled drugs", "Misuse of Drugs Act s23", "PACE s1"),
            "object": sought,
            "outcome": np.where(linked, draw(rng, n, planted.FOUND), "No further action"),
            "outcome_linked": np.where(linked, "yes", "no"),
        }
    )
    table = table.sort_values(["date", "area"], ignore_index=True)
    return table.assign(date=iso(table["date"]))


def population_series(areas: Sequence[str], years: Sequence[int], scale: float) -> pd.DataFrame:
    """List both series: the older one up to 2020, and the one based on the 2021 census for every year."""
    parts = []
    for vintage, span in (("2011", [y for y in years if y <= planted.OLD_SERIES_ENDS]), ("2021", years)):
        levels = [areas, span, [vintage], planted.AGES, ["female", "male"], GROUPS]
        index = pd.MultiIndex.from_product(levels, names=["area", "year", "vintage", "age", "sex", "group"])
        if span:
            whole = population(areas, span, scale, vintage).ravel()
            parts.append(index.to_frame(index=False).assign(population=whole))
    return pd.concat(parts, ignore_index=True)


def _ids(letter: str, n: int) -> np.ndarray:
    return letter + pd.Series(range(1, n + 1)).astype(str).str.zfill(len(str(n))).to_numpy(dtype=object)


def _flag(rng: np.random.Generator, values: pd.Series) -> np.ndarray:
    """Write 0 and 1 as no and yes; two in a hundred are left empty."""
    return np.where(rng.random(len(values)) < 0.02, "", np.where(values == 1, "yes", "no"))


def _verdict(e: pd.DataFrame) -> np.ndarray:
    """Find the day of the verdict, or of the decision by the police."""
    return np.where(e["charged"], e["court"], e["decision"])
