"""Where did each child leave? Every way out of one decision, each child in one of them.

After arrest a child is charged, cautioned, diverted, released under investigation, or no further action is
taken. A child who is arrested twice in a period can leave in two ways, so the counts of the stages add to
more than the children; here each child is counted at the furthest. Those for whom nothing is recorded
are counted too, as ``not_decided``: the shares of each group add to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from . import from_counts
from .from_events import IDS, SPLITS, arrived, prepared
from .load import DataError, Study
from .tables import near, shown
from .vocabulary import COUNTS
from .windows import PENDING_LIMIT, ends, grid, in_order, levels, refuse_split, refuse_window

FURTHEST_WAY = ", at the furthest"
"""Stands behind the base where a child is counted at the furthest way alone."""

NOT_DECIDED = "not_decided"
"""The way out of those for whom no decision is recorded."""

FURTHEST = ("charge", "caution", "diversion", "no_further_action", "released_under_investigation")
"""After arrest: at which a child with several is counted, the first that applies."""


def pathways(
    study: Study,
    *,
    base: str = "arrest",
    exits: Sequence[str] | None = None,
    unit: str | None = None,
    by: Sequence[str] = (),
    window: int = 1,
) -> pd.DataFrame:
    """Count by which way each child left a stage: shares that add to 1 for each group.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    base : str
        The stage they leave from.
    exits : sequence of str, optional
        The ways out, the furthest first: stages fed by ``base``. All of them by default: those of
        ``FURTHEST`` in its order, after them others as in the stage graph, the last first. Needed where the
        graph has two partitions of one stage (granted or refused; guilty or not).
    unit, by, window
        As for ``pipeline.stage_counts``.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts`` gives it, on ``base`` alone: a row for each way out, with
        ``not_decided`` as the last, which also holds those still to be decided. ``note`` is
        ``immature`` on all ways of a window of which some way is still to fill, since the others then
        look too large; ``suppressed`` on all where one is hidden, since the rest follows from it.

    Raises
    ------
    ValueError
        For a unit, a column of ``by`` or a window the study does not have, or an exit that ``base`` does
        not feed.
    DataError
        If the study does not count the stage, or its counts hold more on the ways out than on the stage.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> ways = pathways(load.study("data/synthetic"), window=5)
    >>> one = ways[(ways["area"] == "Islington") & (ways["year"] == 2023) & (ways["group"] == "Black")]
    >>> one["stage"].tolist()
    ['charge', 'caution', 'diversion', 'no_further_action', 'released_under_investigation', 'not_decided']
    >>> bool(one["events"].sum() == one["denominator"].iloc[0])
    True
    """
    by = (by,) if isinstance(by, str) else tuple(by)
    refuse_window(window, study.years)
    ways = _ways(study, base, exits)
    counting = _from_counts if study.events is None else _from_events
    table = counting(study, base, ways, unit, by, int(window))
    table = in_order(table.assign(years=int(window), base=base), study, [*ways, NOT_DECIDED], by)
    return table[[*COUNTS, *by, "events", "denominator", "note"]].reset_index(drop=True)


def ways_out(
    study: Study,
    *,
    area: str,
    year: int,
    years: int = 5,
    base: str = "arrest",
    exits: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count the ways out for one report: one area, and the latest window by ``year`` that is not immature.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    area : str
        One of the study's areas.
    year : int
        The last year of the report.
    years : int
        Years pooled; fewer if the study has fewer up to ``year``.
    base, exits
        As for :func:`pathways`.

    Returns
    -------
    DataFrame
        As :func:`pathways`, with ``base`` the stage and ``, at the furthest``: a child counted at the furthest way
        is not the count of all who went that way, and must not be taken for it.

    Raises
    ------
    ValueError, DataError
        As for :func:`pathways`, or if the area or year is not in the study.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> ways = ways_out(load.study("data/synthetic"), area="Islington", year=2023)
    >>> ways["base"].unique().tolist(), ways["years"].unique().tolist()
    (['arrest, at the furthest'], [5])
    """
    first, last = study.years
    if area not in study.areas or not first <= year <= last:
        raise DataError(
            f"area {shown(area)} and year {year} are not both in this study: it has {', '.join(study.areas)}, {first} "
            f"to {last}.{near(area, study.areas)} Choose one of them."
        )
    window = min(years, year - first + 1)
    found = pathways(replace(study, areas=(area,)), base=base, exits=exits, window=window)
    found = found[found["area"].eq(area) & found["year"].le(year)]
    ripe = found[found["note"].ne("immature")]["year"]
    found = found[found["year"].eq(ripe.max() if len(ripe) else year)].reset_index(drop=True)
    return found.assign(base=base + FURTHEST_WAY)


def _ways(study: Study, base: str, exits: Sequence[str] | None) -> list[str]:
    """List the ways out of a stage that the study counts, the furthest first."""
    if study.events is None and study.counts is None:
        raise DataError(
            "This study has searches alone, so no way out of a stage can be counted. Add counts.csv or events.csv."
        )
    table = study.counts if study.events is None else study.events
    there = set(map(str, table["stage"].unique()))
    if base not in study.stages or base not in there:
        counted = [s for s in study.stages if s in there]
        raise DataError(
            f"base is {shown(base)}, which is not one of the {len(counted)} stages this study counts: "
            f"{', '.join(counted)}.{near(base, counted)} Choose one of them."
        )
    fed = [s for s, stage in study.stages.items() if stage.base == base and s in there]
    if exits is None:
        own = [s for s in reversed(fed) if s not in FURTHEST and study.stages[s].kind != "pending"]
        exits = [*(s for s in FURTHEST if s in fed), *own]
    unknown = [s for s in exits if s not in fed]
    if unknown or not exits:
        raise ValueError(
            f"{len(unknown)} of {len(exits)} exits are not fed by {base}: {', '.join(unknown) or 'there is none'}. "
            f"{base} feeds {', '.join(fed) or 'no stage that is counted'}."
        )
    return list(dict.fromkeys(exits))


def _from_events(study: Study, base: str, ways: list[str], unit: str | None, by, window: int) -> pd.DataFrame:
    """Count each child (or episode) that reached the base once, at the furthest way out of its window."""
    unit = unit or study.unit
    if unit not in IDS:
        raise ValueError(f"unit is {unit!r}; events can be counted as {' or '.join(IDS)}.")
    events = prepared(study)
    refuse_split(by, [s for s in SPLITS if s in events])
    order = [*ways, NOT_DECIDED, base]
    way = pd.Index([*ways, base]).get_indexer(events["stage"].astype(str))
    rows = events[way >= 0].assign(way=way[way >= 0]).rename(columns={IDS[unit]: "who"})
    rows = rows[["who", "area", "cohort", "group", *by, "way"]].drop_duplicates()
    spread = pd.concat([rows.assign(end=rows["cohort"] + later) for later in range(window)])
    spread = spread[spread["end"].isin(ends(study, window))]
    # The base is the last of the ways: a child whose only row it is has left by none.
    each = spread.groupby(["who", "area", "end"], observed=True, sort=False)["way"].agg(["min", "max"])
    each = each[each["max"] == len(ways)].reset_index()
    who = rows.drop_duplicates("who").set_index("who")[["group", *by]]
    each = each.join(who, on="who").assign(stage=np.array(order, object)[each["min"].to_numpy()])
    split = {b: sorted(events[b].unique()) for b in by}
    cells = levels(study, [*ways, NOT_DECIDED], split, window)
    names = list(cells)
    text = dict.fromkeys(("area", "stage", "group"), str)
    counted = each.astype(text).groupby(names, observed=True).size().rename("events")
    table = grid(cells).astype(text).join(counted, on=names).fillna({"events": 0.0})
    apart = [c for c in names if c != "stage"]
    total = table.groupby(apart, observed=True)["events"].transform("sum")
    late = (arrived(study).reindex(ways) < 1 - PENDING_LIMIT).any().astype(float)
    late = late.reindex(range(study.years[0], study.years[1] + 1), fill_value=0.0).rolling(window).max().eq(1)
    note = np.where(table["end"].map(late).to_numpy(bool), "immature", "")
    return table.assign(denominator=total, note=note.astype(object), unit=unit)


def _from_counts(study: Study, base: str, ways: list[str], unit: str | None, by, window: int) -> pd.DataFrame:
    """Take the ways out over from a table of counts; whoever is in none of them is not decided."""
    table = from_counts.counted(study, unit, by, window)
    table = table[table["base"].astype(str).eq(base) & table["stage"].astype(str).isin(ways)]
    apart = ["area", "end", "unit", "group", *by]
    keys = [table[c].astype(str) for c in apart]
    worst = table.groupby(keys)["note"].transform("max")
    hidden = table[["events", "denominator"]].isna().any(axis=1).groupby(keys).transform("any")
    note = worst.where(worst.ne("") | ~hidden, "suppressed")
    table = table.assign(note=note)
    left = table.groupby(apart, observed=True, sort=False).agg(
        out=("events", lambda v: v.sum(skipna=False)),
        denominator=("denominator", "first"),
        note=("note", "first"),
    )
    left = left.reset_index().assign(stage=NOT_DECIDED, base=base)
    left["events"] = left["denominator"] - left["out"]
    over = left["events"] < 0
    if over.any():
        row = left[over].iloc[0]
        raise DataError(
            f"counts.csv: in {over.sum()} of {len(left)} cells the ways out hold more than {base}. First: "
            f"{row['area']}, {row['end']}, {row['group']}: {row['out']:.0f} of {row['denominator']:.0f}. Name exits= "
            "that exclude each other, or count each once, at the furthest."
        )
    return pd.concat([table, left.drop(columns="out")], ignore_index=True)
