"""Where does the gap open? Relative rates multiply along a path, so their logarithms add.

The relative rate of reaching custody is that of arrest, times that of charge once arrested, times that
of conviction once charged, and so on: each stage's part in the whole is its part of the logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .vocabulary import Stage, chain


def end_of_path(ratios: pd.DataFrame, stages: Mapping[str, Stage]) -> str:
    """Name the stage that the most stages lead to, of those in a table: an adverse one if there is any.

    Parameters
    ----------
    ratios : DataFrame
        With ``stage``.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    str
        Id of a stage; the first in the table of several.

    Raises
    ------
    ValueError
        If the table has no rows.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> end_of_path(pd.DataFrame({"stage": ["arrest", "charge", "custody"]}), STAGES)
    'custody'
    """
    present = list(dict.fromkeys(ratios["stage"].astype(str)))
    if not present:
        raise ValueError(
            "0 rows in the table, so no stage to end at. Give the relative rates of some stages."
        )
    adverse = [s for s in present if stages[s].polarity == "adverse"]
    return max(adverse or present, key=lambda s: len(chain(s, stages)))


def cascade(ratios: pd.DataFrame, *, stages: Mapping[str, Stage], to: str) -> pd.DataFrame:
    """Split a cumulative relative rate over the stages on the way to it.

    Parameters
    ----------
    ratios : DataFrame
        Relative rates as ``measures.relative_rates`` gives them, one row a stage, base and group for
        one area and period, against one reference group.
    stages : mapping of str to Stage
        The stage graph.
    to : str
        The last stage of the path.

    Returns
    -------
    DataFrame
        For each group the rows of its path, each stage on the stage that feeds it, as far as the
        relative rates go without a gap, with three columns added: ``step`` (1, 2, ...), ``reached`` (the
        product of the estimates so far, the cumulative relative rate) and ``part`` (the stage's part
        of the logarithm of the whole; the parts add to 1, and a part below 0 narrows the gap).
        A part is NaN where the whole is 1. A group whose path has a gap before its first estimate has no
        rows.

    Raises
    ------
    ValueError
        If ``to`` is no stage of the graph, or a group has several rows for one stage.

    References
    ----------
    The relative rate index of each stage on the stage before (US Office of Juvenile Justice and
    Delinquency Prevention); the additivity of logarithms.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> steps = pd.DataFrame({"stage": ["arrest", "charge"], "base": ["population", "arrest"],
    ...     "group": "Black", "estimate": [2.0, 1.5], "note": ""})
    >>> cascade(steps, stages=STAGES, to="charge")[["stage", "reached", "part"]].round(3)
        stage  reached   part
    0  arrest      2.0  0.631
    1  charge      3.0  0.369
    """
    if to not in stages:
        raise ValueError(f"to is {to!r}, which is not one of the {len(stages)} stages: {', '.join(stages)}.")
    path = chain(to, stages)
    stage = ratios["stage"].astype(str)
    on_path = stage.isin(path) & (
        ratios["base"].astype(str) == stage.map({s: stages[s].base for s in stages})
    )
    steps = ratios[on_path & ~ratios["note"].str.contains(r"\breference\b")].copy()
    steps["step"] = steps["stage"].astype(str).map({s: i for i, s in enumerate(path, start=1)}).astype(int)
    steps = steps.sort_values(["group", "step"], kind="stable").reset_index(drop=True)
    by = steps["group"].astype(str)
    twice = steps.duplicated(["group", "step"])
    if twice.any():
        first = steps[twice].iloc[0]
        raise ValueError(
            f"{twice.sum()} of {len(steps)} rows repeat a stage of one group. First: {first['group']}, "
            f"{first['stage']}. Give the relative rates of one area and period."
        )
    # A path ends where an estimate is missing, zero or infinite, or a stage is not in the table.
    estimate = steps["estimate"].where((steps["estimate"] > 0) & np.isfinite(steps["estimate"]))
    logs = np.log(estimate)
    from_first = steps["step"] - steps.groupby(by)["step"].transform("min")
    unbroken = (logs.notna() & (from_first == steps.groupby(by).cumcount())).groupby(by).cummin()
    steps, logs, by = steps[unbroken], logs[unbroken], by[unbroken]
    whole = logs.groupby(by).transform("sum")
    return steps.assign(
        reached=np.exp(logs.groupby(by).cumsum()),
        part=logs.where(whole != 0) / whole,
    ).reset_index(drop=True)
