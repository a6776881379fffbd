"""Which rows of a table make a path? Those of one group, each stage on the stage that feeds it, up to a gap."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .vocabulary import MEASURE, Stage, chain

LIMITS = ("reached", "reached_low", "reached_high", "part", "part_low", "part_high")
"""What ``decompose.cascade`` adds to a path."""


def paths(table: pd.DataFrame, rows=slice(None)) -> np.ndarray:
    """Number the paths: rows of one group in one area, and of one kind of child where the table is split.

    Parameters
    ----------
    table : DataFrame
        Relative rates.
    rows : array or slice
        Which rows.

    Returns
    -------
    array of int
        The path of each row.
    """
    names = list(table)
    if "group" in names and "reference" in names[names.index("group") :]:
        # A measure has the columns that split children after the group; what follows is about the estimate.
        by = [*("area", "unit"), *names[names.index("group") + 1 : names.index("reference")]]
        by = [c for c in by if c in names]
    else:
        known = {*MEASURE, "years", "base", "step", *LIMITS, "path_method", "path_note"} - {"area", "unit"}
        by = [c for c in names if c not in known and not pd.api.types.is_float_dtype(table[c])]
    number = np.zeros(len(table), int)[rows]
    for column in [*by, "group"]:
        codes, values = pd.factorize(table[column].iloc[rows], sort=True, use_na_sentinel=False)
        number = number * max(len(values), 1) + codes
    return pd.factorize(number, sort=True)[0]


def on_path(ratios: pd.DataFrame, stages: Mapping[str, Stage], to: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Keep the rows of the path, each on the stage that feeds it, in order, and number the paths.

    Parameters
    ----------
    ratios, stages, to
        As for ``decompose.cascade``.

    Returns
    -------
    tuple
        The rows with ``step``, and the path of each.

    Raises
    ------
    ValueError
        If ``to`` is no stage, there are no estimates, or a group has several rows for one stage.
    """
    if missing := [c for c in ("estimate", "note") if c not in ratios]:
        raise ValueError(
            f"{len(missing)} of 2 columns that a path needs are missing: {', '.join(missing)}. Give relative rates, as "
            "measures.relative_rates returns them, not counts."
        )
    if to not in stages:
        raise ValueError(f"to is {to!r}, which is not one of the {len(stages)} stages: {', '.join(stages)}.")
    path = chain(to, stages)
    stage = ratios["stage"].astype(str).to_numpy(object)
    at = pd.Index(path).get_indexer(stage)
    feeds = np.array([stages[s].base for s in path], object)[at]
    itself = ratios["note"].astype(str).str.contains(r"\breference\b").to_numpy(bool)
    rows = np.flatnonzero((at >= 0) & (ratios["base"].astype(str).to_numpy(object) == feeds) & ~itself)
    number = paths(ratios, rows)
    order = np.lexsort((at[rows], number))
    rows, number, at = rows[order], number[order], at[rows][order] + 1
    steps = ratios.iloc[rows].reset_index(drop=True)
    steps["step"] = at
    twice = np.append(False, (number[1:] == number[:-1]) & (at[1:] == at[:-1]))[: len(at)]
    if twice.any():
        first = steps[twice].iloc[0]
        raise ValueError(
            f"{twice.sum()} of {len(steps)} rows repeat a stage of one group. First: {first['group']}, "
            f"{first['stage']}. Give the relative rates of one period, and areas in a column area."
        )
    return steps, number


def unbroken(path: np.ndarray, step: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Say which rows of each path come before its first gap.

    Examples
    --------
    >>> path, step = np.array([0, 0, 0, 1]), np.array([1, 2, 3, 2])
    >>> unbroken(path, step, np.array([True, False, True, True])).tolist()
    [True, False, False, True]
    """
    if not len(path):
        return np.zeros(0, bool)
    first = np.append(True, path[1:] != path[:-1])
    start = np.maximum.accumulate(np.where(first, np.arange(len(path)), 0))
    bad = ~usable | (step - step[start] != np.arange(len(path)) - start)
    before = np.cumsum(bad)
    return before - (before - bad)[start] == 0


def matched(steps: pd.DataFrame, known: pd.DataFrame) -> np.ndarray:
    """Give each row of all paths the cumulative estimate and limits of its row among the unbroken.

    Parameters
    ----------
    steps : DataFrame
        All rows of the paths, with ``step``.
    known : DataFrame
        From ``decompose.cascade``.

    Returns
    -------
    array
        Estimate, low and high, by row; NaN past a gap.
    """
    names = ["reached", "reached_low", "reached_high"]
    both = pd.concat([steps.assign(**dict.fromkeys(names, np.nan)), known], ignore_index=True)
    path, step = paths(both), both["step"].to_numpy()
    place = path * (step.max(initial=0) + 1) + step
    values = np.full((place.max(initial=0) + 1, 3), np.nan)
    values[place[len(steps) :]] = known[names].to_numpy(float)
    return values[place[: len(steps)]].T
