"""Where does the gap open? Relative rates multiply along a path, so their logarithms add.

The relative rate of reaching custody is that of arrest, times that of charge once arrested, times that
of conviction once charged, and so on: each stage's part in the whole is its part of the logarithm.
Nothing here is more than arithmetic on decisions: a part says where a gap opens, not why.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .composition import kitagawa
from .oaxaca import oaxaca_blinder
from .path_limits import combined, share_limits
from .path_rows import LIMITS, matched, on_path, paths, unbroken
from .reading import NotHeld
from .vocabulary import MEASURE, Stage, chain

__all__ = ["cascade", "counterfactual", "cumulative", "end_of_path", "kitagawa", "oaxaca_blinder"]

METHOD = "product of the steps, limits by square-and-add on logs; parts by its inversion (Fieller)"
_PARITY = "events_above_stage_parity"
CONVENTIONS = {
    "one-stage": "reached x (1 - 1/relative rate), this stage alone, later stages as they are",
    "so-far": "reached x (1 - 1/cumulative relative rate), this stage and all before it",
}
"""What is put at parity, as printed on every row of :func:`counterfactual`."""


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
    NotHeld
        If the table has no rows: no rate is known.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> end_of_path(pd.DataFrame({"stage": ["arrest", "charge", "custody"]}), STAGES)
    'custody'
    """
    present = list(dict.fromkeys(ratios["stage"].astype(str)))
    if not present:
        raise NotHeld(
            "Nothing is known of what the counts of this study are out of, so there is no rate, and it cannot be said "
            "where a gap opens. A denominator in counts.csv, or population.csv, would show it."
        )
    adverse = [s for s in present if stages[s].polarity == "adverse"]
    return max(adverse or present, key=lambda s: len(chain(s, stages)))


def furthest(steps: pd.DataFrame) -> str:
    """Name the last stage that any group can be followed to.

    Parameters
    ----------
    steps : DataFrame
        From :func:`cascade`.

    Returns
    -------
    str
        Id of a stage; an empty text where no path can be followed.

    Examples
    --------
    >>> furthest(pd.DataFrame({"stage": ["arrest", "arrest", "charge"], "step": [1, 1, 2]}))
    'charge'
    """
    return "" if steps.empty else str(steps["stage"].iloc[int(steps["step"].to_numpy().argmax())])


def at_parity(ratios: pd.DataFrame, *, stages: Mapping[str, Stage], half: float = 0) -> pd.DataFrame:
    """Give :func:`counterfactual` for the last stage that any group can be followed to.

    Parameters
    ----------
    ratios, stages, half
        As for :func:`counterfactual`.

    Returns
    -------
    DataFrame
        As :func:`counterfactual`; no rows, where no path can be followed.
    """
    steps = cascade(ratios, stages=stages, to=end_of_path(ratios, stages))
    to = furthest(steps) or end_of_path(ratios, stages)
    found = counterfactual(ratios, stages=stages, to=to, half=half)
    return found if furthest(steps) else found[:0]


def cascade(ratios: pd.DataFrame, *, stages: Mapping[str, Stage], to: str) -> pd.DataFrame:
    """Split a cumulative relative rate over the stages on the way to it.

    Parameters
    ----------
    ratios : DataFrame
        Relative rates as ``measures.relative_rates`` gives them, one row a stage, base and group for
        each area (and whatever else splits the children) in one period, against one reference group.
    stages : mapping of str to Stage
        The stage graph.
    to : str
        The last stage of the path.

    Returns
    -------
    DataFrame
        For each group the rows of its path, each stage on the stage that feeds it, as far as the
        relative rates go without a gap, with columns added: ``step`` (1, 2, ...), ``reached`` (the
        product of the estimates so far, the cumulative relative rate) and ``part`` (the stage's part
        of the logarithm of the whole; the parts add to 1, and a part below 0 narrows the gap), each
        followed by its limits, ``reached_low, reached_high, part_low, part_high``; and ``path_method``,
        ``path_note``. A part is NaN where the whole is 1. Where the interval of the whole holds 1, the
        limits of a part are NaN and the note is ``whole_near_parity``: a share of what may be nothing
        is bounded by nothing. Where the table has no limits the note is ``no_limits``. A group whose
        path has a gap before its first estimate has no rows.

    Raises
    ------
    ValueError
        If ``to`` is no stage of the graph, or a group has several rows for one stage.

    Notes
    -----
    Steps on a path are shares of nested cohorts, so their estimates are uncorrelated, and the limits of a
    sum of logarithms follow from those of its terms: squared distances add (:mod:`path_limits`). On a path
    of one step they are the step's own limits. They follow from the printed columns alone.

    References
    ----------
    The relative rate index of each stage on the stage before (US Office of Juvenile Justice and
    Delinquency Prevention); the additivity of logarithms; Zou and Donner (2008), Statistics in Medicine
    27:1693-1702, for the limits of a sum; Fieller (1954), JRSS B 16:175-185, for those of a share.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> steps = pd.DataFrame({"stage": ["arrest", "charge"], "base": ["population", "arrest"],
    ...     "group": "Black", "estimate": [2.0, 1.5], "low": [1.6, 1.2], "high": [2.5, 1.9], "note": ""})
    >>> found = cascade(steps, stages=STAGES, to="charge")
    >>> found[["stage", "reached", "reached_low", "reached_high", "part", "part_low", "part_high"]].round(2)
        stage  reached  reached_low  reached_high  part  part_low  part_high
    0  arrest      2.0         1.60          2.50  0.63      0.48       0.80
    1  charge      3.0         2.19          4.15  0.37      0.20       0.52
    """
    steps, path = on_path(ratios, stages, to)
    estimate = steps["estimate"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where((estimate > 0) & np.isfinite(estimate), np.log(estimate), np.nan)
    # A path ends where an estimate is missing, zero or infinite, or a stage is not in the table.
    kept = unbroken(path, steps["step"].to_numpy(), ~np.isnan(logs))
    steps, path, logs = steps[kept].reset_index(drop=True), path[kept], logs[kept]
    limits = [
        steps[c].to_numpy(float) if c in steps else np.full(len(steps), np.nan) for c in ("low", "high")
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        below, above = logs - np.log(limits[0]), np.log(limits[1]) - logs
    first = np.append(True, path[1:] != path[:-1])[: len(path)]
    so_far, whole, down, up = combined(logs, below, above, first)
    part, part_low, part_high = share_limits(logs, below, above, whole, down, up, first)
    unknown = np.isnan(down[1] + up[1])
    values = np.exp([so_far, so_far - down[0], so_far + up[0]])
    return steps.assign(
        **dict(zip(LIMITS, [*values, part, part_low, part_high], strict=True)),
        path_method=METHOD,
        path_note=np.select([unknown, np.isnan(part_low)], ["no_limits", "whole_near_parity"], "").astype(
            object
        ),
    )


def cumulative(ratios: pd.DataFrame, *, stages: Mapping[str, Stage], to: str) -> pd.DataFrame:
    """Give the relative rate of the whole path, a row for each group: how large the gap has grown.

    Parameters
    ----------
    ratios, stages, to
        As for :func:`cascade`.

    Returns
    -------
    DataFrame
        The last row of each path, its ``estimate, low, high`` those of the whole; ``measure`` is
        ``cumulative_relative_rate``, ``base`` that of the first step, ``step`` how many decisions were
        multiplied, and ``note`` is ``path_ends_early`` where the path stops before ``to``. It follows
        each decision's own cohort; the relative rate of ``to`` on the population counts other children
        (those who reached it in the period, whenever they entered) and need not be the same.

    Raises
    ------
    ValueError
        As for :func:`cascade`.

    Examples
    --------
    >>> from ysj_analysis.vocabulary import STAGES
    >>> steps = pd.DataFrame({"stage": ["arrest", "charge"], "base": ["population", "arrest"],
    ...     "group": "Black", "estimate": [2.0, 1.5], "low": [1.6, 1.2], "high": [2.5, 1.9], "note": ""})
    >>> cumulative(steps, stages=STAGES, to="charge")[["stage", "base", "estimate", "low", "high"]].round(2)
        stage        base  estimate   low  high
    0  charge  population       3.0  2.19  4.15
    """
    steps = cascade(ratios, stages=stages, to=to)
    path = paths(steps)
    first = np.append(True, path[1:] != path[:-1])[: len(path)]
    last = np.append(first[1:], True)[: len(path)]
    out = steps[last].reset_index(drop=True)
    present = [c for c in MEASURE if c in steps and c.endswith(("events", "denominator"))]
    counts = {c: steps.loc[last if c.endswith("events") else first, c].to_numpy() for c in present}
    out = out.assign(
        measure="cumulative_relative_rate",
        base=steps.loc[first, "base"].astype(str).to_numpy(),
        estimate=out["reached"],
        low=out["reached_low"],
        high=out["reached_high"],
        p_value=np.nan,
        method=METHOD,
        note=np.where(out["stage"].astype(str).eq(to), "", "path_ends_early").astype(object),
        **counts,
    )
    return out.drop(columns=[*LIMITS, "path_method", "path_note"])


def counterfactual(
    ratios: pd.DataFrame,
    *,
    stages: Mapping[str, Stage],
    to: str,
    convention: str = "one-stage",
    half: float = 0,
) -> pd.DataFrame:
    """Say it in children: were this stage at parity, how many fewer would reach the end of the path?

    Parameters
    ----------
    ratios : DataFrame
        As for :func:`cascade`, with ``events``.
    stages, to
        As for :func:`cascade`.
    convention : {"one-stage", "so-far"}
        ``one-stage``: this stage has the reference's rate, and every other stage the group's own, so the
        numbers of several stages do not add up. ``so-far``: this stage and all before it are at parity;
        the last row is the whole gap.
    half : float
        How far a printed count may be from the true one (``policy.half``): the limits allow for it in
        those who reached the end.

    Returns
    -------
    DataFrame
        A row for each stage of each group's path, those past a gap too, in the columns of
        ``vocabulary.MEASURE``: ``measure`` is ``events_above_stage_parity``, ``estimate, low, high`` are
        in children (below 0: so many more would reach the end), and printed as whole numbers. Further
        ``step``; ``end`` and ``end_events``, how many reached the end. ``method`` is the convention. The
        children who reached the end are taken as counted, so the uncertainty is that of the relative
        rate alone. None of them: 0 without limits, noted ``no_events``. A hidden count: NaN, and
        ``suppressed``. No relative rate for the stage, or for one before it where ``so-far``: NaN, and the
        note says why.

    Raises
    ------
    ValueError
        As for :func:`cascade`, or for another convention, or a table without ``events``.

    References
    ----------
    The attributable number among the exposed (Miettinen 1974, American Journal of Epidemiology
    99:325-332), applied to one decision; a comparison of rates, which says nothing of causes.

    Examples
    --------
    Of 30 children who reached custody, a relative rate of 1.5 at charge stands for ten:

    >>> from ysj_analysis.vocabulary import STAGES
    >>> steps = pd.DataFrame({"stage": ["arrest", "charge"], "base": ["population", "arrest"],
    ...     "group": "Black", "events": [80, 30], "estimate": [2.0, 1.5], "low": [1.6, 1.2],
    ...     "high": [2.5, 1.9], "note": ""})
    >>> counterfactual(steps, stages=STAGES, to="charge")[["stage", "estimate", "low", "high"]].round(1)
        stage  estimate   low  high
    0  arrest      15.0  11.2  18.0
    1  charge      10.0   5.0  14.2
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"convention is {convention!r}; it must be {' or '.join(map(repr, CONVENTIONS))}.")
    lacking = [c for c in ("events", "low", "high") if c not in ratios]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of 3 columns that the number of children needs are missing: {', '.join(lacking)}. "
            "Give the table as measures.relative_rates returns it."
        )
    steps, path = on_path(ratios, stages, to)
    ended = np.full(path.max(initial=-1) + 1, np.nan)
    at_end = steps["stage"].astype(str).eq(to).to_numpy()
    ended[path[at_end]] = steps["events"].to_numpy(float)[at_end]
    ended = ended[path]
    rate = steps[["estimate", "low", "high"]].to_numpy(float).T
    if convention == "so-far":
        known = cascade(ratios, stages=stages, to=to)
        rate = matched(steps, known)
    with np.errstate(divide="ignore", invalid="ignore"):
        fewer = [ended * (1 - 1 / r) for r in rate]
        ends = [(ended + h) * (1 - 1 / r) for r in rate[1:] for h in (-half, half)]
    nobody = ended == 0
    low, high = np.minimum(ends[0], ends[1]), np.maximum(ends[2], ends[3])
    own = steps["note"].astype(object).to_numpy()
    missing = np.isnan(fewer[0]) & ~nobody
    why = np.where(np.isnan(ended), "suppressed", np.where(own == "", "path_ends_early", own))
    out = steps.assign(
        measure=_PARITY,
        estimate=np.where(nobody, 0.0, fewer[0]),
        low=np.where(nobody | missing, np.nan, low),
        high=np.where(nobody | missing, np.nan, high),
        p_value=np.nan,
        method=CONVENTIONS[convention],
        note=np.select([nobody, missing], ["no_events", why], own).astype(object),
        end=to,
        end_events=ended,
    )
    order = [c for c in MEASURE if c in out]
    return out[[*order, *(c for c in out if c not in order)]]
