"""How much of the gap goes with each of several mixes? Oaxaca and Blinder's split, from cells.

Where age, offence and court together leave too many categories empty for Kitagawa's split, each group gets a
linear model of its rate with a term for each value of each column, and no term for combinations. The
composition part then adds up over the columns: so much goes with the mix of offences, so much with the mix
of courts. With one column it is Kitagawa's split, to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ._cells import normal_quantile
from .composition import compared, gap_limits, stacked

METHOD = "Oaxaca-Blinder, linear model, two-fold, weight {weight:g} on the group's rates; delta method"


def oaxaca_blinder(
    cells: pd.DataFrame,
    *,
    by: Sequence[str],
    reference: str = "White",
    weight: float = 0.5,
    per: float = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Split each group's gap into a rate part and a composition part for each column.

    Parameters
    ----------
    cells : DataFrame
        As for ``decompose.kitagawa``.
    by : sequence of str
        The columns whose mixes are compared, each with a term for each of its values.
    reference : str
        A group, or ``all-others``.
    weight : float
        Whose rates value a difference in mix: 1 the group's, 0 the reference's, 0.5 the mean of the two
        (Kitagawa's). The result depends on it, so it is printed on every row.
    per : float
        What gaps in rates of the population are given per.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        For each group and comparison the rows ``oaxaca_gap``, ``oaxaca_rate_part``,
        ``oaxaca_composition_part`` (all columns together: the two add to the gap) and a further
        ``oaxaca_composition_part`` for each column, which add to the one for all; ``factor`` names the
        column, ``all`` where it is all. Otherwise as ``decompose.kitagawa``. A rate part for each column is
        not given: it would depend on which value of the column is left out of the model.

    Raises
    ------
    ValueError
        As for ``decompose.kitagawa``; if ``weight`` is not from 0 to 1; or if a group's model cannot be
        fitted, because a value of a column, or all that tells two columns apart, does not occur in it.

    Notes
    -----
    Least squares weighted by the denominators, the same as on rows. The variance of the coefficients is the
    sandwich of the rows (Huber and White, without correction), that of the mixes multinomial on a stage
    and 0 on the population.

    References
    ----------
    Oaxaca (1973), International Economic Review 14:693-709; Blinder (1973), Journal of Human Resources
    8:436-455; Jann (2008), Stata Journal 8:453-479, for the variance and the detailed split.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"] * 2, "base": "sentenced", "court": list("AABB"),
    ...                   "events": [36, 10, 5, 20], "denominator": [60, 20, 40, 160]})
    >>> oaxaca_blinder(t, by=["court"])[["measure", "factor", "estimate"]].head(4).round(3)
                       measure factor  estimate
    0               oaxaca_gap    all     0.243
    1         oaxaca_rate_part    all     0.036
    2  oaxaca_composition_part    all     0.208
    3  oaxaca_composition_part  court     0.208
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"weight is {weight}; it must be from 0 (the reference's rates) to 1 (the group's).")
    rows, counts, names, poisson, itself = compared(cells, by, reference)
    sums = [c.sum(axis=-1) for c in counts]
    design, of = _design(names)
    usable = ~np.isnan(sum(sums)) & (sums[1] > 0) & (sums[3] > 0)
    _refuse_unfitted(design, counts, usable, rows, names)
    fits = [_fit(design, *pair, usable, poisson) for pair in (counts[:2], counts[2:])]
    split = _split(fits, of, len(names.columns), weight)
    gap, z = gap_limits(sums, poisson, level), normal_quantile(level)
    values = [gap, *((e, e - z * s, e + z * s) for e, s in split)]
    kinds = ["oaxaca_gap", "oaxaca_rate_part"] + ["oaxaca_composition_part"] * (1 + len(names.columns))
    strata = ((counts[1] > 0) & (counts[3] > 0)).sum(axis=-1)
    methods: list = [np.where(poisson, "MOVER from single-rate limits", "Newcombe hybrid score")]
    methods += [METHOD.format(weight=weight)] * (len(kinds) - 1)
    factors = ["all", "all", "all", *names.columns]
    return stacked(
        rows, sums, kinds, values, methods, poisson, itself, per, {"strata": strata}, factors=factors
    )


def _design(names: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Give a term for all and one for each value of each column but its first; say whose each term is."""
    terms, of = [np.ones((len(names), 1))], [-1]
    for i, column in enumerate(names.columns):
        codes, values = pd.factorize(names[column], use_na_sentinel=False)
        terms.append((codes[:, None] == np.arange(1, len(values))).astype(float))
        of += [i] * (len(values) - 1)
    return np.hstack(terms), np.array(of)


def _refuse_unfitted(design, counts, usable, rows: pd.DataFrame, names: pd.DataFrame) -> None:
    """Refuse groups in which some term of the model cannot be told from the others."""
    terms = design.shape[1]
    ranks = [np.linalg.matrix_rank((n[usable] > 0)[:, :, None] * design) for n in (counts[1], counts[3])]
    short = np.minimum(*ranks) < terms if usable.any() else np.zeros(0, bool)
    if short.any():
        first = rows[usable].iloc[int(np.flatnonzero(short)[0])]
        raise ValueError(
            f"{short.sum()} of {usable.sum()} groups cannot be fitted: their {terms} terms "
            f"({', '.join(names.columns)}) cannot be told apart in those children. First: {first['group']} against "
            f"{first['reference']}. Merge values that do not occur in a group, or give fewer columns."
        )


def _fit(design, events, exposure, usable, poisson):
    """Fit each group's rates: coefficients, mean of the terms, and the variance of both."""
    size, terms = len(events), design.shape[1]
    beta, mean = np.full((size, terms), np.nan), np.full((size, terms), np.nan)
    of_beta, of_mean = np.full((size, terms, terms), np.nan), np.full((size, terms, terms), np.nan)
    x, n, rate = events[usable], exposure[usable], poisson[usable]
    crossed = design[:, :, None] * design[:, None, :]
    inverse = np.linalg.inv(np.tensordot(n, crossed, 1))
    beta[usable] = (inverse @ (x @ design)[:, :, None])[:, :, 0]
    fitted = beta[usable] @ design.T
    # Squared residuals of the rows of a cell: those with the event lie 1 - fitted away, the others fitted.
    spread = np.where(rate[:, None], x, x * (1 - 2 * fitted) + n * fitted**2)
    of_beta[usable] = inverse @ np.tensordot(spread, crossed, 1) @ inverse
    share = n / n.sum(axis=-1, keepdims=True)
    centre = share @ design
    mean[usable] = centre
    scatter = np.tensordot(share, crossed, 1) - centre[:, :, None] * centre[:, None, :]
    of_mean[usable] = np.where(rate[:, None, None], 0, scatter / n.sum(axis=-1)[:, None, None])
    return beta, mean, of_beta, of_mean


def _split(fits, of, columns: int, weight: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give the rate part, the composition part and that of each column, with standard errors."""
    (beta1, mean1, vb1, vm1), (beta2, mean2, vb2, vm2) = fits

    def form(vector, matrix):
        return np.einsum("gi,gij,gj->g", vector, matrix, vector)

    apart = beta1 - beta2
    at = (1 - weight) * mean1 + weight * mean2
    variance = form(at, vb1 + vb2) + form(apart, (1 - weight) ** 2 * vm1 + weight**2 * vm2)
    parts = [((at * apart).sum(axis=-1), np.sqrt(np.maximum(variance, 0)))]
    valued = weight * beta1 + (1 - weight) * beta2
    more = mean1 - mean2
    for mine in (of >= 0, *(of == i for i in range(columns))):
        mix, value = np.where(mine, more, 0), np.where(mine, valued, 0)
        variance = form(mix, weight**2 * vb1 + (1 - weight) ** 2 * vb2) + form(value, vm1 + vm2)
        parts.append(((mix * value).sum(axis=-1), np.sqrt(np.maximum(variance, 0))))
    return parts
