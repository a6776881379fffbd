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

Where to look
-------------
``synthetic_planted`` holds the numbers, ``synthetic_world`` the chances and the truth that follow from
them, ``synthetic_cases`` draws who is arrested and what is decided, ``synthetic_tables`` and
``synthetic_orders`` record it, and ``synthetic_readme`` writes the data dictionary.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from . import synthetic_cases, synthetic_orders, synthetic_readme, synthetic_tables, synthetic_world
from .synthetic_draws import first_of, iso
from .synthetic_planted import AREAS, DIRECT, GROUPS, LINKED_OUTCOME, OFFENCE_TO_ARREST, REFERENCE, YEARS
from .synthetic_world import Truth

__all__ = [
    "AREAS",
    "DIRECT",
    "GROUPS",
    "LINKED_OUTCOME",
    "OFFENCE_TO_ARREST",
    "REFERENCE",
    "SEED",
    "YEARS",
    "Study",
    "Truth",
    "files",
    "simulate",
    "write",
]

SEED = 20240401
"""The seed of ``data/synthetic``."""


@dataclass(frozen=True)
class Study:
    """The tables of a simulated study, as ``vocabulary.TABLES`` describes them, and the truth."""

    children: pd.DataFrame
    events: pd.DataFrame
    offences: pd.DataFrame
    sentencing: pd.DataFrame
    support: pd.DataFrame
    searches: pd.DataFrame
    population: pd.DataFrame
    truth: Truth


def simulate(
    seed: int,
    *,
    areas: Sequence[str] = tuple(AREAS),
    years: Sequence[int] = YEARS,
    scale: float = 1.0,
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
    world = synthetic_world.world(areas, years, scale=scale, relative_rates=relative_rates)
    extract = int(first_of(world.years[-1] + 1, 10)) - 1
    decided, recorded, street, ordered = (np.random.default_rng([seed, stream]) for stream in range(4))
    cases = synthetic_cases.dated(recorded, world, synthetic_cases.cases(decided, world))
    tables, hidden = synthetic_tables.record(recorded, world, cases, extract)
    truth = synthetic_world.truth(world, seed=seed, extract_date=iso(extract).item(), ethnicity=hidden)
    return Study(
        **tables,
        sentencing=synthetic_orders.sentencing(ordered, tables["events"]),
        support=synthetic_orders.support(ordered, tables, hidden, extract),
        searches=synthetic_tables.searches(street, world),
        population=synthetic_tables.population_series(truth.areas, truth.years, scale),
        truth=truth,
    )


def files(study: Study) -> dict[str, str]:
    """Write a study as the text of each file in its folder.

    Parameters
    ----------
    study : Study
        From ``simulate``.

    Returns
    -------
    dict of str to str
        Text by name of the file.
    """
    tables = {name: getattr(study, name) for name in synthetic_readme.ROWS}
    texts = {
        "README.md": synthetic_readme.readme(tables, study.truth),
        "study.toml": synthetic_readme.settings(study.truth),
        "truth.json": study.truth.to_json(),
        "actions.csv": synthetic_readme.template("actions.csv"),
    }
    return texts | {f"{n}.csv": table.to_csv(index=False, lineterminator="\n") for n, table in tables.items()}


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
    texts = files(simulate(seed))
    if not _replaceable(folder, set(texts)):
        raise FileExistsError(f"{folder} holds something other than a synthetic study. Name a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".synthetic-", dir=folder.parent) as room:
        new, old = Path(room, "new"), Path(room, "old")
        new.mkdir()
        for name, text in texts.items():
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
