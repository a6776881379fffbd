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
    """Name the adverse stage that the most stages lead to, of those in a table.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> end_of_path(pd.DataFrame({"stage": ["arrest", "charge", "custody"]}), STAGES)
    'custody'
    """
    present = [s for s in dict.fromkeys(ratios["stage"].astype(str)) if stages[s].polarity == "adverse"]
    return max(present, key=lambda s: len(chain(s, stages)))


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
        A part is NaN where the whole is 1.

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
    path = chain(to, stages)
    own = ratios["stage"].astype(str).map({s: stages[s].base for s in stages})
    on_path = ratios["stage"].astype(str).isin(path) & (ratios["base"].astype(str) == own)
    steps = ratios[on_path & ~ratios["note"].str.contains(r"\breference\b")].copy()
    steps["step"] = steps["stage"].astype(str).map({s: i for i, s in enumerate(path, start=1)}).astype(int)
    steps = steps.sort_values(["group", "step"], kind="stable").reset_index(drop=True)
    by = steps["group"].astype(str)
    # A path ends where an estimate is missing, zero or infinite, or a stage is not in the table.
    first = steps.groupby(by)["step"].transform("min")
    logs = np.log(steps["estimate"].where(steps["estimate"] > 0).where(np.isfinite(steps["estimate"])))
    unbroken = (logs.notna() & (steps["step"] - first == steps.groupby(by).cumcount())).groupby(by).cummin()
    steps, logs, by = steps[unbroken], logs[unbroken], by[unbroken]
    whole = logs.groupby(by).transform("sum")
    return steps.assign(
        reached=np.round(np.exp(logs.groupby(by).cumsum()), 2),
        part=np.round(logs.where(whole != 0) / whole, 3),
    ).reset_index(drop=True)
