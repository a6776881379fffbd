"""What is the gap made of? Part of it is another mix of cases, part other rates for like cases.

Kitagawa's two components, category by category: the rate part holds the mix of cases at the average of the
two groups' and compares rates; the composition part holds rates at their average and compares mixes. They
add to the gap exactly. The rate part is what is left when the mixes named are set alike, and no more: it
is not the effect of ethnicity, and the mix itself (what children were arrested for, at which court) can
come from earlier decisions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import intervals
from ._cells import normal_quantile
from .references import NAMES, OVERALL, against, refuse_unmatched
from .stratification import arranged, laid_out, split_by
from .vocabulary import POPULATION

METHOD = "Kitagawa, delta method on the cells"
_GAP = {True: "MOVER from single-rate limits", False: "Newcombe hybrid score"}
EMPTY = ("refuse", "merge")


def kitagawa(
    cells: pd.DataFrame,
    *,
    by: Sequence[str],
    reference: str = "White",
    empty: str = "refuse",
    per: float = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Split each group's gap into a part of rates and a part of composition.

    Parameters
    ----------
    cells : DataFrame
        As for ``measures.rates``, a row for each group and category: ``group, base, events,
        denominator`` and the columns of ``by``.
    by : sequence of str
        The columns that make the categories, such as ``["offence_group"]`` or ``["age", "court"]``.
    reference : str
        A group, or ``all-others``. ``overall`` holds the group itself, and is refused.
    empty : {"refuse", "merge"}
        What to do with a category in which one of the two groups has nobody, and so no rate: refuse the
        table, or merge all such categories of a comparison with the smallest category that both have.
        It is never dropped: the parts would no longer add to the gap that is seen.
    per : float
        What gaps in rates of the population are given per; gaps in proportions are given as they are.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        Three rows for each group and comparison, in order: ``kitagawa_gap`` (as ``measures.differences``
        gives it), ``kitagawa_rate_part`` and ``kitagawa_composition_part``, in the columns of
        ``vocabulary.MEASURE``; above 0 where the group's rate is the higher, or its mix is one of
        cases that have the event more often. Further ``part``, of the gap (NaN where it is 0; below 0 where
        it works against the gap), ``strata``, how many categories were compared, ``strata_merged`` and
        ``merged``, which. The reference's own rows are 0, noted ``reference``. A group of nobody: NaN,
        ``no_denominator``. A hidden count in any category: NaN, ``suppressed``. ``unreliable``: a group has
        fewer than 3 events in all.

    Raises
    ------
    ValueError
        As for ``models.stratified``; if the reference is ``overall``; or if a category is empty in one of
        two groups and ``empty`` is ``refuse``, or the two groups have no category in common.

    Notes
    -----
    With shares c and rates r in the group (1) and the reference (2), the rate part is
    Σ (r1 - r2)(c1 + c2)/2 and the composition part Σ (c1 - c2)(r1 + r2)/2. Their variances follow from
    those of rates (binomial on a stage, Poisson on the population, with half an event more so that an
    empty cell is not taken for certainty) and, on a stage, of shares (multinomial). The population's own
    shares are taken as known.

    References
    ----------
    Kitagawa (1955), Journal of the American Statistical Association 50:1168-1194, equation 4; the delta
    method.

    Examples
    --------
    Two courts with the same rates, and two groups that stand before them unequally often:

    >>> t = pd.DataFrame({"group": ["Black", "White"] * 2, "base": "sentenced", "court": list("AABB"),
    ...                   "events": [30, 10, 5, 20], "denominator": [60, 20, 40, 160]})
    >>> kitagawa(t, by=["court"])[["group", "measure", "estimate", "low", "high"]].head(3).round(3)
       group                    measure  estimate    low   high
    0  Black               kitagawa_gap     0.183  0.077  0.292
    1  Black         kitagawa_rate_part     0.000 -0.118  0.118
    2  Black  kitagawa_composition_part     0.183  0.104  0.262
    """
    if empty not in EMPTY:
        raise ValueError(f"empty is {empty!r}; it must be {' or '.join(map(repr, EMPTY))}.")
    rows, counts, names, poisson, itself = compared(cells, by, reference)
    labels = [" ".join(map(str, label)) for label in names.itertuples(index=False)]
    counts, merged = _with_empty(counts, rows, labels, empty)
    sums = [c.sum(axis=-1) for c in counts]
    estimate, spread = _parts(counts, poisson)
    gap = gap_limits(sums, poisson, level)
    z = normal_quantile(level)
    values = [gap, *((e, e - z * s, e + z * s) for e, s in zip(estimate, spread, strict=True))]
    strata = ((counts[1] > 0) & (counts[3] > 0)).sum(axis=-1)
    extra = {
        "strata": strata,
        "strata_merged": merged.sum(axis=-1),
        "merged": [", ".join(np.array(labels, object)[m]) for m in merged],
    }
    kinds = ["kitagawa_gap", "kitagawa_rate_part", "kitagawa_composition_part"]
    methods = [np.where(poisson, _GAP[True], _GAP[False]), METHOD, METHOD]
    return stacked(rows, sums, kinds, values, methods, poisson, itself, per, extra)


# -- shared with oaxaca ------------------------------------------------------------------------------


def compared(cells: pd.DataFrame, by: Sequence[str], reference: str):
    """Lay out the categories of each group beside those of its reference.

    Parameters
    ----------
    cells, by, reference
        As for :func:`kitagawa`.

    Returns
    -------
    tuple
        The rows (one a group and comparison), four arrays of counts with categories on the last axis, the
        categories themselves, and of each row whether its base is the population and whether it is the
        reference's own.
    """
    if not isinstance(reference, str) or reference == OVERALL:
        raise ValueError(
            f"reference is {reference if isinstance(reference, str) else 'a table'!r}, which may hold the group "
            "itself or lack its categories. Give a group of the table or 'all-others'."
        )
    table = split_by(cells, by)
    found = against(table, reference)
    refuse_unmatched(table, found)
    rows, counts = arranged(table, found[["reference", *NAMES]], by)
    names = table[list(by)].drop_duplicates().reset_index(drop=True)
    poisson = rows["base"].eq(POPULATION).to_numpy()
    itself = rows["group"].astype(str).eq(rows["reference"].astype(str)).to_numpy()
    return rows, counts, names, poisson, itself


def gap_limits(sums, poisson: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the whole gap with the limits that ``measures.differences`` gives it.

    Parameters
    ----------
    sums : list of array
        Events and denominators of the group and of the reference.
    poisson : array of bool
        Whether the base is the population.
    level : float
        Confidence level.

    Returns
    -------
    tuple of array
        Estimate, low, high.
    """
    values = np.full((3, len(poisson)), np.nan)
    for chosen, difference in (
        (poisson, intervals.rate_difference),
        (~poisson, intervals.risk_difference),
    ):
        if chosen.any():
            values[:, chosen] = difference(*(c[chosen] for c in sums), level=level)[:3]
    return values[0], values[1], values[2]


def stacked(
    rows, sums, kinds, values, methods, poisson, itself, per: float, extra: dict, factors=None
) -> pd.DataFrame:
    """Set the whole and its parts under each other for each group, in the columns of a measure.

    Parameters
    ----------
    rows, sums, poisson, itself
        As for :func:`compared` and :func:`gap_limits`.
    kinds : list of str
        The measures, the whole gap first.
    values : list of tuple of array
        Estimate, low and high of each.
    methods : list
        Method of each.
    per : float
        What rates are given per.
    extra : dict
        Further columns, one value a group.
    factors : list of str, optional
        What each kind is of, as column ``factor``.

    Returns
    -------
    DataFrame
        A row for each group and kind.
    """
    size, unit = len(rows), np.where(poisson, per, 1)
    nobody = (sums[1] == 0) | (sums[3] == 0)
    hidden = np.isnan(sum(sums))
    few = np.minimum(sums[0], sums[2]) < 3
    note = np.select(
        [itself, hidden, nobody, few], ["reference", "suppressed", "no_denominator", "unreliable"], ""
    )
    unknown = hidden | nobody
    parts = []
    for i, (kind, value, method) in enumerate(zip(kinds, values, methods, strict=True)):
        estimate, low, high = (np.where(unknown, np.nan, v * unit) for v in value)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(values[0][0] != 0, value[0], np.nan) / values[0][0]
        suffix = np.where(poisson, f"_per_{per:.0f}", "")
        columns = {"factor": factors[i]} if factors else {}
        part = laid_out(
            rows,
            sums,
            measure=np.char.add(kind, suffix.astype(str)).astype(object),
            estimate=np.where(itself & ~unknown, 0.0, estimate),
            low=np.where(itself, np.nan, low),
            high=np.where(itself, np.nan, high),
            p_value=np.full(size, np.nan),
            method=method,
            note=note.astype(object),
            part=np.where(unknown | itself, np.nan, share),
            **columns,
            **extra,
        )
        parts.append(part.assign(_row=np.arange(size)))
    out = pd.concat(parts, ignore_index=True).sort_values("_row", kind="stable")
    return out.drop(columns="_row").reset_index(drop=True)


# -- inside ------------------------------------------------------------------------------------------


def _with_empty(counts, rows: pd.DataFrame, labels: list[str], empty: str):
    """Refuse categories in which one of two groups has nobody, or merge them; say which."""
    _, n1, _, n2 = counts
    some = (n1.sum(axis=-1) > 0) & (n2.sum(axis=-1) > 0)
    alone = ((n1 == 0) != (n2 == 0)) & some[:, None]
    if not alone.any():
        return counts, alone
    row, at = (int(i[0]) for i in np.nonzero(alone))
    first = f"{labels[at]}, {rows['group'].iloc[row]} against {rows['reference'].iloc[row]}"
    if empty == "refuse":
        raise ValueError(
            f"{alone.sum()} of {(some[:, None] & (n1 + n2 > 0)).sum()} categories hold children of one group and "
            f"none of the one it is compared with, so there is no rate to compare. First: {first}. Give "
            "empty='merge', or fewer or wider categories."
        )
    both = (n1 > 0) & (n2 > 0)
    apart = alone.any(axis=-1) & ~both.any(axis=-1)
    if apart.any():
        raise ValueError(
            f"{apart.sum()} of {len(rows)} groups have no category in common with the one they are compared "
            f"with. First: {rows['group'].iloc[int(np.flatnonzero(apart)[0])]}. Give fewer or wider categories."
        )
    into = np.argmin(np.where(both, n1 + n2, np.inf), axis=-1)
    merging = alone.any(axis=-1)
    new = []
    for count in counts:
        moved = np.where(alone, count, 0).sum(axis=-1)
        kept = np.where(alone, 0, count)
        kept[np.arange(len(rows)), into] += moved
        new.append(kept)
    named = alone.copy()
    named[np.flatnonzero(merging), into[merging]] = True
    return new, named


def _parts(counts, poisson: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Give the rate part and the composition part, and the standard error of each."""
    x1, n1, x2, n2 = counts
    stage = ~poisson[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        share, rate, spread = [], [], []
        for x, n in ((x1, n1), (x2, n2)):
            share.append(n / n.sum(axis=-1, keepdims=True))
            rate.append(np.where(n == 0, 0 * x, x / n))
            near = (x + 0.5) / (n + 1)
            variance = np.where(stage, near * (1 - near) / n, (x + 0.5) / n**2)
            spread.append(np.where(n == 0, 0 * x, variance))
        mean_share, mean_rate = (share[0] + share[1]) / 2, (rate[0] + rate[1]) / 2
        more_share, more_rate = share[0] - share[1], rate[0] - rate[1]
        parts = [(more_rate * mean_share).sum(axis=-1), (more_share * mean_rate).sum(axis=-1)]
        errors = []
        for weight, value in ((mean_share, more_rate / 2), (more_share / 2, mean_rate)):
            of_rates = (weight**2 * (spread[0] + spread[1])).sum(axis=-1)
            of_mixes = sum(
                ((c * value**2).sum(axis=-1) - (c * value).sum(axis=-1) ** 2) / n.sum(axis=-1)
                for c, n in ((share[0], n1), (share[1], n2))
            )
            errors.append(np.sqrt(of_rates + np.where(poisson, 0, np.maximum(of_mixes, 0))))
    return parts, errors
