"""How many children would it take? The smallest relative rate that counts could show.

Power is the chance that the kit's own default test finds a difference in the right direction at the
5% level: the (N-1) chi-square for a share of a cohort, the conditional mid-P for a rate. It is added
up exactly over the counts that could occur when any expected count is under 10, and normal otherwise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from ._cells import normal_quantile, refuse
from ._enumerated import Enumerated, group_rate
from ._series import checked, laid_out
from .vocabulary import POPULATION

_EXACT_BELOW = 10
"""Any expected count under this, at the ratio asked about or at none: add up exactly."""

_WIDEST = np.log(1e6)


def detectable(
    table: pd.DataFrame, *, ratio: float = 2.0, power: float = 0.8, level: float = 0.95, most_years: int = 10
) -> pd.DataFrame:
    """Give the smallest relative rate these denominators could show, and how long a given one takes.

    A table of no findings means something only if a finding was possible.

    Parameters
    ----------
    table : DataFrame
        From ``measures.relative_rates``: ``base``, the four counts and, where years are pooled,
        ``years``. Only the denominators and the reference's rate are used; the group's own events are
        not, since power at the observed ratio says nothing the p-value has not said.
    ratio : float
        The relative rate one would want to see, above 0 and not 1.
    power : float
        The chance of seeing it that is asked for, between 0.5 and 1.
    level : float
        Confidence level of the interval that has to exclude 1.
    most_years : int
        The longest window to consider.

    Returns
    -------
    DataFrame
        The same rows in the same order with ``vocabulary.MEASURE``: ``estimate`` is the smallest ratio
        above 1 (inf: none, were the group's rate ever so high), ``below`` the largest under 1 (NaN:
        none, not even 0), ``power`` the chance of seeing ``ratio`` with these denominators, and
        ``years_needed`` the shortest window from which on, up to ``most_years``, that chance is enough;
        inf and the note ``more than 10 years`` where there is none. A reference without events gives
        no rate to start from: NaN, noted ``zero_reference``.

    Raises
    ------
    ValueError
        For arguments out of range or impossible counts.

    References
    ----------
    Exact: the two binomial or Poisson distributions, added up (Lydersen, Fagerland and Laake 2009).
    Normal: Fleiss, Levin and Paik (2003), section 4.3, without continuity correction.

    Examples
    --------
    >>> t = pd.DataFrame({"base": ["charge"], "reference": ["White"], "events": [3], "denominator": [30],
    ...                   "reference_events": [6], "reference_denominator": [60]})
    >>> detectable(t)[["estimate", "power", "years_needed", "method"]].round(2).to_dict("records")[0]
    {'estimate': 3.42, 'power': 0.28, 'years_needed': 5.0, 'method': '(N-1) chi-square, exact'}
    """
    _check(ratio, power, most_years)
    four = ("events", "denominator", "reference_events", "reference_denominator")
    table = checked(table, ("base", "reference", *four))
    _, n1, x2, n2 = (table[c].to_numpy(float) for c in four)
    poisson = table["base"].eq(POPULATION).to_numpy()
    note = _note(table, n1, x2, n2)
    usable = note == ""
    years = table["years"].to_numpy(float) if "years" in table else np.ones(len(table))
    above, below, chance, needed = (np.full(len(table), np.nan) for _ in range(4))
    exact = np.zeros(len(table), bool)
    if usable.any():
        rows = [v[usable] for v in (x2 / np.where(n2 > 0, n2, 1), n1, n2, poisson)]
        above[usable], exact[usable] = _furthest(*rows, power, level, 1)
        below[usable], _ = _furthest(*rows, power, level, -1)
        chance[usable] = power_to_show(ratio, *rows, level=level)
        needed[usable] = _years_needed(ratio, *rows, years[usable], power, level, most_years)
    test = np.where(poisson, "mid-P conditional", "(N-1) chi-square")
    return laid_out(
        table,
        measure="smallest_detectable_ratio",
        estimate=above,
        low=np.nan,
        high=np.nan,
        p_value=np.nan,
        below=below,
        power=chance,
        years_needed=needed,
        method=np.char.add(test, np.where(exact, ", exact", ", normal")),
        note=np.where(np.isinf(needed), f"more than {most_years} years", note),
    )


def _check(ratio, power, most_years) -> None:
    if not (ratio > 0 and np.isfinite(ratio)) or ratio == 1:
        raise ValueError(f"ratio is {ratio}; give a relative rate above 0 other than 1.")
    if not 0.5 <= power < 1:
        raise ValueError(f"power is {power}; it must lie between 0.5 and 1: write 0.8 for 80%.")
    if most_years != int(most_years) or most_years < 1:
        raise ValueError(f"most_years is {most_years}; give a whole number of years, 1 or more.")


def _note(table, n1, x2, n2) -> np.ndarray:
    earlier = table["note"].to_numpy(object) if "note" in table else np.full(len(table), "", object)
    return np.select(
        [
            np.isin(earlier.astype(str), ["reference", "suppressed", "immature"]),
            np.isnan(x2),
            ~((n1 > 0) & (n2 > 0)),
            x2 == 0,
        ],
        [earlier, "suppressed", "no_denominator", "zero_reference"],
        "",
    ).astype(object)


def power_to_show(ratio, base, n1, n2, poisson, *, level=0.95) -> np.ndarray:
    """Give the chance that the default test finds a ratio, in its own direction: arrays in, array out.

    Parameters
    ----------
    ratio : array_like
        True relative rate, above 0 and not 1. Above 1/base in a cohort it is taken as 1/base.
    base : array_like
        The reference's true rate or share, above 0.
    n1, n2 : array_like
        Child-years, or sizes of the cohorts (whole numbers), of group and reference; above 0.
    poisson : array_like of bool
        Rates rather than shares.
    level : float
        Confidence level of the interval that has to exclude 1.

    Returns
    -------
    ndarray
        Between 0 and 1, one-dimensional.

    Examples
    --------
    >>> power_to_show(1.5, 0.003, 30, 60, False).round(4)
    array([0.0068])
    """
    arrays = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v, float)) for v in (ratio, base, n1, n2, poisson))
    )
    r, p, n1, n2, poisson = (a.ravel() for a in arrays)
    poisson = poisson.astype(bool)
    for name, values in (("ratio", r), ("base", p), ("n1", n1), ("n2", n2)):
        refuse(
            ~(values > 0), name, values, "is not above 0", "Power needs a true rate and somebody to have it."
        )
    refuse(~poisson & (p > 1), "base", p, "is a share above 1", "Give 0.25 for 25%.")
    out = np.empty(r.size)
    for rows, side in ((r >= 1, 1), (r < 1, -1)):
        columns = [a[rows] for a in (p, n1, n2, poisson)]
        few = _few(r[rows], *columns) | _few(np.ones(rows.sum()), *columns)
        found = _normal(r[rows], *columns, level)
        if few.any():
            exact = Enumerated(*(a[few] for a in columns), level, side)
            found[few] = exact(r[rows][few])
        out[rows] = found
    return out


def _few(ratio, base, n1, n2, poisson):
    """Whether any expected count is too small for the normal distribution."""
    rate = group_rate(ratio, base, poisson)
    smallest = np.minimum(n1 * rate, n2 * base)
    others = np.minimum(n1 * (1 - rate), n2 * (1 - base))
    return np.where(poisson, smallest, np.minimum(smallest, others)) < _EXACT_BELOW


def _normal(ratio, base, n1, n2, poisson, level):
    """Power by the normal distribution: the null variance sets the bar, the true one clears it."""
    z = normal_quantile(level)
    rate = group_rate(ratio, base, poisson)
    pooled = (n1 * rate + n2 * base) / (n1 + n2)
    size = np.where(poisson, 1.0, (n1 + n2) / (n1 + n2 - 1))

    def spread(share, of):
        return share * np.where(poisson, 1.0, 1 - share) / of

    null = np.sqrt((spread(pooled, n1) + spread(pooled, n2)) * size)
    true = np.sqrt(spread(rate, n1) + spread(base, n2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return special.ndtr((np.abs(rate - base) - z * null) / true)


def _furthest(base, n1, n2, poisson, power, level, side) -> tuple[np.ndarray, np.ndarray]:
    """The ratio nearest 1, on one side, that is shown often enough; and where that took exact sums."""
    widest = np.where(poisson, _WIDEST, -np.log(base)) if side > 0 else np.full(base.size, -_WIDEST)
    columns = (base, n1, n2, poisson)
    found = _nearest(lambda r: _normal(r, *columns, level), widest, power)
    few = _few(np.ones(base.size), *columns) | ~(found > 0) | np.isinf(found)
    few |= _few(np.where(np.isfinite(found), found, 1.0), *columns)
    if few.any():
        found[few] = _nearest(Enumerated(*(a[few] for a in columns), level, side), widest[few], power)
    return found, few


def _nearest(chance, widest, power):
    """Halve the log ratio between 1 and the widest; inf above and NaN below where even that fails."""
    never = chance(np.exp(widest)) < power
    near, far = np.zeros(widest.size), widest.copy()
    for _ in range(30):
        middle = (near + far) / 2
        enough = chance(np.exp(middle)) >= power
        near, far = np.where(enough, near, middle), np.where(enough, middle, far)
    return np.where(never, np.where(widest > 0, np.inf, np.nan), np.exp(far))


def _years_needed(ratio, base, n1, n2, poisson, years, power, level, most) -> np.ndarray:
    """The shortest window from which on, up to the longest, the ratio is shown often enough."""
    needed = np.full(base.size, np.inf)
    lasting = np.ones(base.size, bool)
    for window in range(most, 0, -1):
        first, second = n1 * window / years, n2 * window / years
        first, second = (np.where(poisson, v, np.maximum(np.rint(v), 1)) for v in (first, second))
        lasting &= power_to_show(ratio, base, first, second, poisson, level=level) >= power
        needed = np.where(lasting, window, needed)
    return needed
