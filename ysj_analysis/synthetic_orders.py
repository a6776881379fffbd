"""What did the court's report propose, how long was the sentence, and who was offered support?

Drawn from the recorded tables with chance of their own, so that nothing else in the study changes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from . import synthetic_planted as planted
from .synthetic_draws import days, draw, first_of, iso, pick
from .vocabulary import TABLES, TIERS, broad_groups


def sentencing(rng: np.random.Generator, events: pd.DataFrame) -> pd.DataFrame:
    """List the sentences with what was proposed; all episodes sentenced together have the same.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where chance comes from.
    events : DataFrame
        As recorded.

    Returns
    -------
    DataFrame
        As ``vocabulary.TABLES`` describes it; ``months`` is empty where no custody was passed.
    """
    rows = events[events["stage"].isin(TIERS)]
    each = rows.drop_duplicates(["child_id", "date", "stage"])
    n, sentence = len(each), each["stage"].to_numpy(object)
    proposed = pd.DataFrame(planted.PROPOSED)[list(TIERS)]
    at = pick(rng, proposed.to_numpy()[:, pd.Index(TIERS).get_indexer(sentence)])
    lesser = each["gravity"].astype(int).lt(7).to_numpy()
    months = np.where(lesser, draw(rng, n, planted.MONTHS[True]), draw(rng, n, planted.MONTHS[False]))
    said = each[["child_id", "date", "stage"]].assign(
        proposal=proposed.index.to_numpy()[at],
        months=np.where(sentence == "custody", months.astype(str), ""),
    )
    table = rows.merge(said, on=["child_id", "date", "stage"]).rename(columns={"stage": "sentence"})
    return table[[column.name for column in TABLES["sentencing"]]]


def support(
    rng: np.random.Generator, tables: Mapping[str, pd.DataFrame], hidden: Mapping[str, str], extract: int
) -> pd.DataFrame:
    """List what children on an intervention were found to need or to be suited for, and what came of it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where chance comes from.
    tables : mapping of str to DataFrame
        ``children`` and ``events``, as recorded.
    hidden : mapping of str to str
        The detailed codes of children whose ethnicity is not known in the tables.
    extract : int
        The last day in the tables, from 1970.

    Returns
    -------
    DataFrame
        As ``vocabulary.TABLES`` describes it.
    """
    begun = tables["events"].query("stage == 'intervention'")[["child_id", "area", "date"]]
    begun = begun.assign(day=begun["date"].to_numpy("datetime64[D]").astype(int))
    code = tables["children"].set_index("child_id")["ethnicity"].replace("", np.nan)
    code = code.index.to_series().map(hidden).fillna(code)
    group = begun["child_id"].map(code).map(broad_groups("2021"))
    parts = []
    for kind, names in (("need", planted.NEEDS), ("programme", planted.PROGRAMMES)):
        for name, share in names.items():
            rows = begun.assign(kind=kind, name=name, group=group)[rng.random(len(begun)) < share]
            parts.append(_followed(rng, rows, extract))
    table = pd.concat(parts)
    since = iso(first_of(planted.NEEDS_SINCE, 4)).item()
    table = table[table["identified"].ne("") & (table["kind"].eq("programme") | table["date"].ge(since))]
    table = table.sort_values(["identified", "child_id", "kind", "name"], ignore_index=True)
    return table[[column.name for column in TABLES["support"]]]


def _followed(rng: np.random.Generator, rows: pd.DataFrame, extract: int) -> pd.DataFrame:
    """Draw whether and when each child got to each step; what is after the extract is not known."""
    n, programme = len(rows), rows["kind"].eq("programme").to_numpy()
    relative = np.where(programme, rows["group"].map(planted.PROGRAMME_STARTED), 1.0)
    day, going = rows["day"].to_numpy(), np.ones(n, bool)
    steps = {}
    for step, chance, longest in (
        ("identified", 1.0, 20),
        ("offered", planted.OFFERED, 30),
        ("started", planted.STARTED * relative, 40),
        ("completed", planted.COMPLETED, 180),
    ):
        day, going = day + days(rng, n, 1, longest), going & (rng.random(n) < chance)
        steps[step] = np.where(going & (day <= extract), iso(day), "")
    return rows.assign(**steps)
