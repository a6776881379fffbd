"""Why did the rate change: more children in the count, fewer in the population, or a new estimate of it?"""

from __future__ import annotations

import numpy as np
import pandas as pd

_NEEDED = ("earlier_events", "earlier_denominator", "events", "denominator")
METHOD = "symmetric split (Kitagawa 1955), ratios multiply"


def rebase_effect(table: pd.DataFrame, *, per: float = 100_000) -> pd.DataFrame:
    """Split the change in a rate into what the count did and what the base did.

    A rate is a count times one over its base. The part of the count is its change times the mean of the two
    reciprocal bases, and the part of the base the change in the reciprocal times the mean count. Neither
    year comes first: exchanging them turns every sign and nothing else. The parts add to the whole, and the
    ratios multiply to the whole, without remainder.

    Parameters
    ----------
    table : DataFrame
        ``earlier_events, earlier_denominator, events, denominator``, a row a rate. With
        ``rebased_denominator``, the base of the *earlier* time on the series the later rate uses, the part of
        the base is split again: into estimating the same children anew, and there being more or fewer.
    per : float
        What the rates are per.

    Returns
    -------
    DataFrame
        The same rows with ``earlier_rate, rate, change, by_count, by_base``, where asked ``by_rebasing`` and
        ``by_population`` (they add to ``by_base``), the same of ratios (``ratio, ratio_count, ratio_base, ...``),
        ``method`` and ``note``: ``no_denominator`` where a base is missing or 0, ``suppressed`` where a count is
        missing, ``no_events`` where both are 0. A ratio from 0 events is infinite.

    Raises
    ------
    ValueError
        If a column is missing, or a count is below 0.

    References
    ----------
    Kitagawa (1955), Journal of the American Statistical Association 50:1168-1194; Das Gupta (1993), Standardization
    and Decomposition of Rates, US Bureau of the Census P23-186, two factors.

    Examples
    --------
    Fewer first-time entrants, on a population estimated 13% lower: the rate rises while the count falls.

    >>> t = pd.DataFrame({"earlier_events": [45], "earlier_denominator": [17636],
    ...                   "events": [42], "denominator": [15343]})
    >>> rebase_effect(t)[["earlier_rate", "rate", "change", "by_count", "by_base"]].round(1)
       earlier_rate   rate  change  by_count  by_base
    0         255.2  273.7    18.6     -18.3     36.9
    """
    if missing := [c for c in _NEEDED if c not in table]:
        raise ValueError(
            f"{len(missing)} of {len(_NEEDED)} columns are missing: {', '.join(missing)}. Give the events and the "
            "denominator of both times."
        )
    x0, n0, x1, n1 = (table[c].to_numpy(float) for c in _NEEDED)
    split = "rebased_denominator" in table
    middle = table["rebased_denominator"].to_numpy(float) if split else n1
    if (np.stack([x0, n0, x1, n1, middle]) < 0).any():
        raise ValueError("a count or a denominator is below 0. Correct it.")
    bases = [np.where(n > 0, n, np.nan) for n in (n0, middle, n1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        before, between, after = (per / n for n in bases)
        mean = (x0 + x1) / 2
        parts = {
            "earlier_rate": x0 * before,
            "rate": x1 * after,
            "change": x1 * after - x0 * before,
            "by_count": (x1 - x0) * (before + after) / 2,
            "by_base": (after - before) * mean,
            "by_rebasing": (between - before) * mean,
            "by_population": (after - between) * mean,
            "ratio": (x1 * after) / (x0 * before),
            "ratio_count": np.where(np.isnan(before + after), np.nan, x1 / x0),
            "ratio_base": after / before,
            "ratio_rebasing": between / before,
            "ratio_population": after / between,
        }
    if not split:
        parts = {k: v for k, v in parts.items() if not k.endswith(("rebasing", "population"))}
    no_base = np.isnan(np.stack(bases)).any(axis=0)
    note = np.select(
        [np.isnan(x0 + x1), no_base, (x0 == 0) & (x1 == 0)], ["suppressed", "no_denominator", "no_events"], ""
    )
    return table.assign(**parts, per=per, method=METHOD, note=note)
