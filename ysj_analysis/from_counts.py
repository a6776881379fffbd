"""Who reached each stage, where the counting was done before?

A table of counts follows cases already: each stands in the year it entered. Where a stage has no
denominators of its own, the count of the stage that feeds it is its denominator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .load import DataError, Study
from .vocabulary import POPULATION, chain
from .windows import PENDING_LIMIT, child_years, grid, levels, refuse_split, root, spread

SPLITS = ("sex", "age")


def counted(study: Study, unit: str | None, by: Sequence[str], window: int) -> pd.DataFrame:
    """Count each cell of a study of counts.

    Parameters
    ----------
    study : Study
        A study with counts.
    unit : str, optional
        One of the units the table states.
    by : sequence of str
        ``sex`` or ``age``, where the table has them.
    window : int
        Years in a window, added up.

    Returns
    -------
    DataFrame
        ``area, end, stage, group, [by...], base, events, denominator, note, unit``. ``note`` is
        ``suppressed`` where a count is hidden, ``no_data`` where a year of the window has no row.
    """
    rows = of_unit(study, unit)
    refuse_split(by, [s for s in SPLITS if s in rows])
    split = {b: sorted(rows[b].unique()) for b in by}
    present = [s for s in study.stages if (rows["stage"] == s).any()]
    cells = levels(study, present, split, 1)
    table = grid(cells).join(_added_up(rows, list(cells)), on=list(cells))
    waiting = immature(rows, study)
    parts = [
        _on_base(table, stage, base, study, by).assign(
            immature=lambda t, stage=stage: [
                any((a, s, y) in waiting for s in chain(stage, study.stages))
                for a, y in zip(t["area"], t["end"], strict=True)
            ]
        )
        for stage in present
        if study.stages[stage].kind != "pending"
        for base in _bases(stage, table, study)
    ]
    singles = pd.concat(parts, ignore_index=True)
    _refuse_more_than_base(singles)
    return _pooled(singles, study, by, window).assign(unit=unit or study.unit)


def of_unit(study: Study, unit: str | None) -> pd.DataFrame:
    """Keep the rows of one unit, in the study's areas and years.

    Parameters
    ----------
    study : Study
        A study with counts.
    unit : str, optional
        One of the units the table states; the study's own unless another is asked for. A row without
        a unit has the study's own.

    Returns
    -------
    DataFrame
        Those rows, with ``end``, the year.

    Raises
    ------
    ValueError
        For a unit the table does not state.
    """
    counts = study.counts.assign(end=study.counts["year"].astype(int))
    counted = counts["unit"].astype(object).fillna(study.unit) if "unit" in counts else study.unit
    there = list(dict.fromkeys(counted)) if "unit" in counts else [study.unit]
    if unit not in (None, *there):
        raise ValueError(f"unit is {unit!r}, but this study counts {' and '.join(there)} and nothing else.")
    rows = counts[counted == (unit or study.unit)] if "unit" in counts else counts
    rows = rows[rows["area"].isin(study.areas) & rows["end"].between(*study.years)]
    return rows.astype({"stage": str, "group": str})


def _added_up(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add up the rows of each cell (its ages, its sexes); a hidden part hides the sum."""
    if "denominator" not in rows:
        rows = rows.assign(denominator=np.nan)
    summed = rows.groupby(keys)[["events", "denominator"]].sum(skipna=False)
    return summed.rename(columns={"denominator": "given"}).assign(found=1.0)


def _bases(stage: str, table: pd.DataFrame, study: Study) -> list[str]:
    """List the bases a stage is counted on: the stage that feeds it, then the population or first stage."""
    own, first = study.stages[stage].base, root(stage, study.stages)
    present = set(table["stage"])
    stated = table.loc[table["stage"] == stage, "given"].notna().any()
    usable = [own] if own in present or (own in study.stages and stated) else []
    usable += [first] if first == POPULATION or first in present else []
    return [b for b in dict.fromkeys(usable) if b != stage]


def _on_base(table: pd.DataFrame, stage: str, base: str, study: Study, by: Sequence[str]) -> pd.DataFrame:
    """Set a stage against a base: the denominators its table states, or else those counted."""
    part = table[table["stage"] == stage].reset_index(drop=True).assign(base=base)
    hidden = part["found"].notna() & part["events"].isna()
    if base == POPULATION:
        part["denominator"] = child_years(study, part, by, 1)
    elif (table["stage"] == base).any():
        before = table[table["stage"] == base]
        part["denominator"] = before["events"].to_numpy()
        hidden |= (before["found"].notna() & before["events"].isna()).to_numpy()
    else:
        part["denominator"] = np.nan
    if base == study.stages[stage].base:
        # Of one area and year, either all rows state a denominator (some hidden, perhaps) or none does.
        stated = part.groupby(["area", "end"])["given"].transform("count") > 0
        part["denominator"] = part["given"].where(stated, part["denominator"])
        hidden = hidden.mask(stated, part["found"].notna() & part[["events", "given"]].isna().any(axis=1))
    return part.assign(hidden=hidden, absent=part["found"].isna())


def immature(rows: pd.DataFrame, study: Study) -> set[tuple[str, str, int]]:
    """List the areas, stages and years that wait for cases still undecided.

    A ``pending`` stage that holds more than ``PENDING_LIMIT`` of its base makes the shares of that base's
    partition immature, and with them every stage they lead to: what is decided first is not a fair
    sample of what will be. Hidden counts are left out of both.

    Parameters
    ----------
    rows : DataFrame
        Counts with ``area, stage, end, events``.
    study : Study
        Its stage graph is used.

    Returns
    -------
    set of tuple
        Area, stage and year.
    """
    totals = rows.groupby(["area", "stage", "end"])["events"].sum()
    return {
        (area, sibling.id, end)
        for (area, stage, end), pending in totals.items()
        if study.stages[stage].kind == "pending"
        and pending > PENDING_LIMIT * totals.get((area, study.stages[stage].base, end), np.inf)
        for sibling in study.stages.values()
        if sibling.base == study.stages[stage].base and sibling.kind == "partition"
    }


def _refuse_more_than_base(table: pd.DataFrame) -> None:
    above = (table["base"] != POPULATION) & (table["events"] > table["denominator"])
    if above.any():
        row = table[above].iloc[0]
        raise DataError(
            f"counts.csv: {above.sum():,} of {len(table):,} cells hold more than the stage that feeds them. "
            f"First: {row['area']}, {row['end']}, {row['group']}: {row['stage']} has {row['events']:.0f} "
            f"and {row['base']} has {row['denominator']:.0f}. Correct the counts, or the base of the stage."
        )


def _pooled(singles: pd.DataFrame, study: Study, by: Sequence[str], window: int) -> pd.DataFrame:
    """Add single years up over each window; a window with a year that cannot be added says so."""
    keys = ["area", "end", "stage", "base", "group", *by]
    flags = ["immature", "hidden", "absent"]
    renamed = singles.rename(columns={"end": "year"})
    pooled = spread(renamed, study, window).groupby(keys, sort=False)
    table = pooled[["events", "denominator"]].sum(skipna=False).join(pooled[flags].any()).reset_index()
    note = np.select([table[f] for f in flags], ["immature", "suppressed", "no_data"], "")
    return table.assign(note=note).drop(columns=flags)


def lines(study: Study) -> list[tuple]:
    """List what counting from counts leaves out.

    Parameters
    ----------
    study : Study
        A study with counts.

    Returns
    -------
    list of tuple
        ``step, what, why, removed, left``, in cells of the table.
    """
    counts, unit = study.counts, of_unit(study, None)
    inside = counts["area"].isin(study.areas)
    within = inside & counts["year"].between(*study.years)
    hidden = int(unit["events"].isna().sum())
    found = [
        ("cells outside the study's areas", "not this study's", (~inside).sum(), inside.sum()),
        ("cells outside the study's years", "not this period's", (inside & ~within).sum(), within.sum()),
        ("cells of another unit", f"{study.unit} are counted", within.sum() - len(unit), len(unit)),
    ]
    found = [line for line in found if line[2]]
    return [
        ("count", *line)
        for line in (*found, ("cells of counts.csv", "hidden in the source", hidden, len(unit) - hidden))
    ]
