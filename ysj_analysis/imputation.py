"""What would a relative rate be if the unknown were like the known? Multiple imputation.

Missing at random here means: among children who came to the same decision in the same stratum, those of
unknown ethnicity are of each group as often as those of known ethnicity. It cannot be checked from the
data; ``unknowns.tipping_point`` says how far from it the truth would have to be.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from .allocation import joined, kinds, known_table, rows_of, total
from .references import ALL_OTHERS, keys
from .vocabulary import UNKNOWN

_NOBODY_LIKE = "no_known"
"""Note: there are unknown children here and no known child who came to the same decision."""


class Pooled(NamedTuple):
    """What Rubin's rules give for a quantity estimated in several completed data sets.

    Attributes
    ----------
    estimate, low, high, p_value : ndarray of float
        On the scale of the estimates; the test is against 0.
    within, between : ndarray of float
        Variance inside the completed data sets, and between them.
    df : ndarray of float
        Degrees of freedom of the t distribution; inf where the completed data sets agree.
    missing : ndarray of float
        Fraction of missing information, from 0 to 1.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    within: np.ndarray
    between: np.ndarray
    df: np.ndarray
    missing: np.ndarray


def rubin(estimates, variances, *, level: float = 0.95) -> Pooled:
    """Pool estimates from completed data sets.

    Parameters
    ----------
    estimates, variances : array_like of float
        Completed data sets on the first axis, two or more.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Pooled
        Of the input's shape less its first axis. A variance of 0 within gives NaN limits: there is
        nothing for the normal approximation to rest on.

    Notes
    -----
    With m data sets, W the mean variance and B the variance of the estimates, the total variance is
    T = W + (1 + 1/m) B and r = (1 + 1/m) B / W. The degrees of freedom are Rubin's (m - 1)(1 + 1/r)^2, which
    is Barnard and Rubin's for complete data without a limit to its degrees of freedom, as counts are. The
    fraction of missing information is (r + 2 / (df + 3)) / (1 + r).

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, ch. 3; Barnard and Rubin (1999),
    Biometrika 86:948-955.

    Examples
    --------
    >>> pooled = rubin([0.40, 0.55, 0.46], [0.040, 0.050, 0.045])
    >>> print(*(round(float(v), 3) for v in (pooled.estimate, pooled.low, pooled.high, pooled.missing)))
    0.47 0.015 0.925 0.162
    """
    q, u = np.broadcast_arrays(np.asarray(estimates, float), np.asarray(variances, float))
    m = len(q)
    if m < 2:
        raise ValueError(f"{m} completed data set cannot vary: give 2 or more on the first axis.")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, and must lie between 0 and 1: write 0.95 for a 95% interval.")
    estimate, within, between = q.mean(axis=0), u.mean(axis=0), q.var(axis=0, ddof=1)
    with np.errstate(all="ignore"):
        between = np.where(between > 1e-24, between, 0.0 * between)
        r = (1 + 1 / m) * between / within
        df = (m - 1) * (1 + 1 / r) ** 2
        missing = (r + 2 / (df + 3)) / (1 + r)
        spread = np.where(within > 0, np.sqrt(within + (1 + 1 / m) * between), np.nan)
        t = special.stdtrit(df, (1 + level) / 2)
        p_value = 2 * special.stdtr(df, -np.abs(estimate) / spread)
    limits = estimate - t * spread, estimate + t * spread
    return Pooled(estimate, *limits, p_value, within, between, df, missing)


def impute(
    counts: pd.DataFrame,
    *,
    seed: int,
    reference: str | pd.DataFrame = "White",
    within: list[str] | None = None,
    draws: int = 100,
    level: float = 0.95,
) -> pd.DataFrame:
    """Share the unknown out like the known, many times over, and pool the relative rates.

    In each draw the shares of the groups come from what the known leave uncertain (a Dirichlet posterior,
    one child spread evenly over the groups beforehand), and the unknown are then shared out by chance
    (multinomial); separately for those who reached the stage and for those who did not.

    Parameters
    ----------
    counts : DataFrame
        As for ``measures.relative_rates``, with rows for the group ``Unknown``.
    seed : int
        Of the random numbers: the same seed and table give the same result.
    reference : str or DataFrame
        As for ``measures.relative_rates``. ``overall`` contains the unknown as well.
    within : list of str, optional
        Columns inside whose values known and unknown are taken to be alike, such as ``["area"]`` to learn the
        shares from all years together. Stage, base, unit and measurement window always count. Default:
        each comparison by itself.
    draws : int
        Completed data sets, 2 or more.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The rows of ``measures.relative_rates``, in which ``estimate, low, high, p_value`` are those of
        the completed counts (``events`` and ``denominator`` are still the known) with ``within_variance``,
        ``between_variance`` (of the log ratio), ``degrees_of_freedom`` and ``missing_information`` (0 to
        1). A log ratio needs events in both: with none known, NaN and the usual note. Everyone in both
        cohorts reached the stage: NaN, ``full_cell``. ``no_known``: unknown children and nobody known to
        take their shares from.

    Raises
    ------
    ValueError
        As for ``unknowns.bounds``; for fewer than two draws, or a column in ``within`` that is not there.

    Notes
    -----
    The interval is on the log scale, with variance 1/x1 + 1/x2 for rates and 1/x1 - 1/n1 + 1/x2 - 1/n2 for
    shares, pooled by :func:`rubin`. It is a Wald interval, and is less to be trusted at small counts than
    that of ``measures.relative_rates``: read it for how far the unknown move the estimate, and not as
    the finding.

    References
    ----------
    Rubin (1987); Schafer (1997), Analysis of Incomplete Multivariate Data, ch. 7, for the saturated
    multinomial with a Dirichlet prior.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White", "Unknown"], "base": "population",
    ...                   "events": [30, 25, 20], "denominator": [4000, 6000, np.nan]})
    >>> impute(t, seed=1)[["estimate", "low", "high", "missing_information"]].round(2)
       estimate   low  high  missing_information
    0       1.8  1.05  3.07                 0.27
    1       1.0   NaN   NaN                  NaN
    2       NaN   NaN   NaN                  NaN
    """
    if draws < 2:
        raise ValueError(f"draws is {draws}; the variance between draws needs 2 or more.")
    rows = rows_of(counts, reference, level)
    completed = _completed(counts, within, draws, np.random.default_rng(seed))
    x, n, other_x, other_n = _sides(rows, completed, reference)
    with np.errstate(all="ignore"):
        log_ratio = np.log(x / n) - np.log(other_x / other_n)
        variance = 1 / x + 1 / other_x - np.where(rows.stage, 1 / n + 1 / other_n, 0)
    known = (rows.cells.events > 0) & (rows.cells.other_events > 0) & rows.open & completed.informed
    pooled = rubin(*np.where(known, [log_ratio, np.maximum(variance, 0)], np.nan), level=level)
    return _laid_out(rows, pooled, known, completed.informed, f"{draws} draws, seed {seed}")


class _Completed(NamedTuple):
    """Completed counts: draws by rows, and totals by comparison on every row."""

    reached: np.ndarray
    rest: np.ndarray
    all_reached: np.ndarray
    all_rest: np.ndarray
    comparison: np.ndarray
    group: np.ndarray
    informed: np.ndarray


def _completed(counts, within, draws: int, random: np.random.Generator) -> _Completed:
    """Draw the completed counts of every row."""
    table, comparison = known_table(counts)
    stratum = _strata(table, within, comparison)
    x, rest, _ = kinds(table)
    unknown = table["group"].eq(UNKNOWN).to_numpy()
    group = pd.factorize(table["group"].astype(str).where(~unknown))[0]
    drawn, informed = [], np.ones(len(table), bool)
    for counted in (x, rest):  # two kinds of children: those who reached the stage, and the rest
        alone = total(counted, comparison, unknown)
        given, known = _share_out(counted, alone, comparison, stratum, group, ~unknown, draws, random)
        drawn.append(np.where(unknown, counted, counted + given))
        informed &= known | (alone == 0)
    mine, others = drawn
    ours, theirs = (total(v, comparison, np.ones(len(table), bool)) for v in (x, rest))
    return _Completed(mine, others, ours, theirs, comparison, group, informed)


def _share_out(counted, alone, comparison, stratum, group, known, draws, random):
    """Share one kind of unknown children out: draws by rows, and where there was anybody to learn from."""
    cells = np.zeros((stratum.max() + 1, group.max() + 1))
    np.add.at(cells, (stratum[known], group[known]), counted[known])
    present = np.zeros_like(cells)
    present[stratum[known], group[known]] = 1
    learnt = cells.sum(axis=1)
    with np.errstate(invalid="ignore"):
        posterior = cells + present / present.sum(axis=1, keepdims=True)
    usable = np.isfinite(learnt) & (learnt > 0)
    posterior[~usable] = 1.0
    shares = random.standard_gamma(posterior, (draws, *posterior.shape))
    shares /= shares.sum(axis=-1, keepdims=True)

    first = np.unique(comparison, return_index=True)[1]
    number = np.where(np.isfinite(alone) & usable[stratum], alone, 0)[first].astype(int)
    here = np.zeros((len(first), cells.shape[1]))
    here[comparison[known], group[known]] = 1
    odds = shares[:, stratum[first]] * here
    with np.errstate(invalid="ignore"):
        odds = np.nan_to_num(odds / odds.sum(axis=-1, keepdims=True))
    given = random.multinomial(number, odds)
    return given[:, comparison, group], usable[stratum]


def _strata(table: pd.DataFrame, within: list[str] | None, comparison: np.ndarray) -> np.ndarray:
    """Number the strata in which known and unknown are taken to be alike."""
    if within is None:
        return comparison
    lacking = [c for c in within if c not in table.columns]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(within)} columns in within are not in the table: {', '.join(lacking)}. "
            f"Choose from {', '.join(keys(table)) or 'none'}."
        )
    always = [c for c in ("stage", "base", "unit", "years") if c in table.columns and c not in within]
    return table.groupby([*within, *always], observed=True, sort=False, dropna=False).ngroup().to_numpy()


def _sides(rows, completed: _Completed, reference):
    """Completed events and denominators of each row and of what it is compared with."""
    stage = rows.stage
    x, n = completed.reached, np.where(stage, completed.reached + completed.rest, rows.cells.denominator)
    fixed = rows.cells.other_events, rows.cells.other_denominator
    if rows.fixed:
        return x, n, *fixed
    if reference == ALL_OTHERS:
        other_x = completed.all_reached - x
        return x, n, other_x, np.where(stage, other_x + completed.all_rest - completed.rest, fixed[1])
    own = rows.compared["group"].astype(str).eq(reference).to_numpy()
    place = np.zeros(completed.comparison.max(initial=-1) + 1, int)
    place[completed.comparison[own]] = np.flatnonzero(own)
    at = place[completed.comparison]
    return x, n, x[:, at], np.where(stage, n[:, at], fixed[1])


def _laid_out(rows, pooled: Pooled, known, informed, how: str) -> pd.DataFrame:
    """Put the pooled results in place of those of the known alone."""
    compared = rows.compared.drop(columns="comparison")
    itself = compared["note"].str.startswith("reference")
    flat = known & ~(pooled.within > 0)
    pooled = Pooled(*(np.where(flat, np.nan, v) for v in pooled))
    unlike = ~informed & rows.open
    said = np.where(
        unlike, _NOBODY_LIKE, np.where(flat & ~compared["note"].str.contains("full_cell"), "full_cell", "")
    )
    return compared.assign(
        estimate=np.where(itself, compared["estimate"], np.exp(pooled.estimate)),
        low=np.exp(pooled.low),
        high=np.exp(pooled.high),
        p_value=pooled.p_value,
        method=f"multiple imputation, missing at random ({how}); log ratio, Rubin's rules",
        note=joined(compared["note"], said),
        within_variance=pooled.within,
        between_variance=pooled.between,
        degrees_of_freedom=pooled.df,
        missing_information=pooled.missing,
    )
