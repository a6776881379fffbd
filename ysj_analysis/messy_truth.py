"""What is true under the damage of a messy export? Counts in plain sight, for `truth.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pandas as pd

from .ethnicity_source import SELF, groups


def truth_json(
    seed: int,
    area: str,
    years: tuple[int, int],
    children: pd.DataFrame,
    events: pd.DataFrame,
    offences: pd.DataFrame,
    lost: pd.DataFrame,
    damage: Mapping[str, int],
) -> str:
    """Count what is under the damage, and what is left of it when the lost events are gone.

    Parameters
    ----------
    seed : int
        Of the export.
    area : str
        Whose children are counted.
    years : tuple of int
        First and last financial year.
    children, events, offences : DataFrame
        Of that area, before any damage; events with the ``ethnicity`` of the child and its source.
    lost : DataFrame
        ``episode_id, stage, date`` of the events whose date was destroyed.
    damage : mapping of str to int
        How many rows or children each kind of damage is in.

    Returns
    -------
    str
        JSON. ``counts`` and ``counts_without_lost`` have a line for each year, stage and group: distinct
        children, then distinct episodes, by self-defined ethnicity.
    """
    gone = set(lost.itertuples(index=False, name=None))
    keys = events[list(lost.columns)].itertuples(index=False, name=None)
    truth = {
        "seed": seed,
        "area": area,
        "years": list(years),
        "children": len(children),
        "episodes": int(events["episode_id"].nunique()),
        "events": len(events),
        "offences": len(offences),
        "events_lost": len(lost),
        "damage": dict(sorted(damage.items())),
        "counts": _counts(events, years),
        "counts_without_lost": _counts(events[[key not in gone for key in keys]], years),
    }
    text = json.dumps(truth, indent=1)
    return re.sub(r"\[[^\[\]{}]*\]", lambda m: " ".join(m[0].split()), text) + "\n"  # a line a list


def _counts(events: pd.DataFrame, years: tuple[int, int]) -> list[list]:
    """Count distinct children and episodes by financial year of the event, stage and broad group."""
    day = pd.to_datetime(events["date"])
    group = groups(events, base="2021", source=SELF)
    table = events.assign(year=day.dt.year - (day.dt.month < 4), group=group)
    table = table[table["year"].between(*years)]
    cells = table.groupby(["year", "stage", "group"])[["child_id", "episode_id"]].nunique().reset_index()
    return cells.to_numpy(dtype=object).tolist()
