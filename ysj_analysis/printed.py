"""What do figures known only as printed imply? Rounded percentages, and the counts behind them.

A plan prints "45% of interventions, 25% of children". The measures of this package need counts; these
functions say what can be said without them, and how much of it rounding alone leaves open.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from . import intervals

METHOD = "rounding of the printed shares"
HALF = 0.5
"""Half of the last digit printed, in per cent."""

SHARES = {"share": "share of the stage", "population_share": "share of children"}
"""The columns of a table of printed shares."""


def representation(table: pd.DataFrame, *, reference: str = "White") -> pd.DataFrame:
    """Say how over-represented each group is, from shares printed to the nearest per cent.

    Parameters
    ----------
    table : DataFrame
        ``group``, and ``share`` of a stage and ``population_share`` in whole per cent.
    reference : str
        The group the others are compared with.

    Returns
    -------
    DataFrame
        Three rows a group, ``measure, group, reference, share, population_share, estimate, low, high,
        method``:

        ``representation_index``  share of the stage over share of the population
        ``relative_rate_index``   that index over the index of ``reference``
        ``relative_rate_index`` with the reference ``all-others``, from the other groups' printed shares

        ``low`` and ``high`` are what rounding alone leaves open, each share lying within half a per
        cent of what is printed; all others are then the rest of 100. They are not confidence limits,
        which need the number of children.

    Raises
    ------
    ValueError
        When ``reference`` is not a group of the table.

    Examples
    --------
    >>> plan = pd.DataFrame({"group": ["Black", "White", "Others"], "share": [45, 24, 31],
    ...                      "population_share": [25, 43, 33]})
    >>> t = representation(plan)
    >>> t[t["group"] == "Black"][["measure", "reference", "estimate", "low", "high"]].round(2)
                    measure   reference  estimate   low  high
    0  representation_index  population      1.80  1.75  1.86
    3   relative_rate_index       White      3.22  3.03  3.44
    6   relative_rate_index  all-others      2.49  2.34  2.57
    """
    groups = list(table["group"])
    if reference not in groups:
        raise ValueError(f"reference {reference!r} is not one of the groups {', '.join(groups)}.")
    x, n = table["share"].to_numpy(float), table["population_share"].to_numpy(float)
    at = groups.index(reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = x / n, *_ends(x, n)
        divided = index[0] / index[0][at], index[1] / index[2][at], index[2] / index[1][at]
        against = [np.where(np.arange(len(x)) == at, 1.0, values) for values in divided]
        rest = (x / n) / ((x.sum() - x) / (n.sum() - n))
        low, high = (_odds(x + side * HALF) / _odds(n - side * HALF) for side in (-1, 1))
    # Where the other groups' printed shares do not add to the rest of 100, the estimate may lie outside.
    others = rest, np.fmin(low, rest), np.fmax(high, rest)
    rows = [
        table.assign(measure=measure, reference=name, estimate=estimate, low=low, high=high)
        for measure, name, (estimate, low, high) in (
            ("representation_index", "population", index),
            ("relative_rate_index", reference, against),
            ("relative_rate_index", "all-others", others),
        )
    ]
    columns = ["measure", "group", "reference", "share", "population_share", "estimate", "low", "high"]
    return pd.concat(rows, ignore_index=True)[columns].assign(method=METHOD)


def _ends(x: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = np.maximum(x - HALF, 0) / (n + HALF)
    high = np.divide(x + HALF, n - HALF, out=np.full_like(x, np.inf), where=n > HALF)
    return low, high


def _odds(percent: np.ndarray) -> np.ndarray:
    percent = np.clip(percent, 0, 100)
    return percent / (100 - percent)


def sums(table: pd.DataFrame, columns: Mapping[str, str] = SHARES) -> pd.DataFrame:
    """Add printed percentages up, beside what rounding to whole per cent allows.

    Parameters
    ----------
    table : DataFrame
        One row a group; the groups together are everyone.
    columns : mapping of str to str
        Columns in per cent, and what to call them.

    Returns
    -------
    DataFrame
        ``column, sum, low, high``: k rounded shares of one whole add to 100, give or take less than
        k / 2.

    Examples
    --------
    >>> sums(pd.DataFrame({"share": [10, 25, 14, 9, 43]}), {"share": "children"})
         column  sum  low  high
    0  children  101   98   102
    """
    spread = int(np.ceil(len(table) * HALF) - 1)
    added = [table[column].sum() for column in columns]
    names = list(columns.values())
    return pd.DataFrame({"column": names, "sum": added, "low": 100 - spread, "high": 100 + spread})


def implied(audit: pd.DataFrame) -> pd.DataFrame:
    """Take from an audit the smallest counts that the printed shares can stand for.

    Parameters
    ----------
    audit : DataFrame
        Rows of `published.audited`, one stage and period each, of one group.

    Returns
    -------
    DataFrame
        ``measure, period, events, cohort, note``: the stated cohort where it can give the share, else
        the smallest that can. A further row adds up the rows that are of the same measure.

    Raises
    ------
    ValueError
        When a stated cohort is so large that a printed share stands for more than one count.
    """
    fits = audit["possible"] == "yes"
    if (several := fits & (audit["fewest"] != audit["most"])).any():
        row = audit[several].iloc[0]
        raise ValueError(
            f"{several.sum()} of {len(audit)} printed shares stand for more than one count; the first, "
            f"{row['printed']} of {row['cohort']:.0f}, for {row['fewest']} to {row['most']}."
        )
    table = audit[["measure", "period"]].assign(
        events=audit["fewest"].where(fits, audit["smallest_events"]).astype(int),
        cohort=audit["cohort"].where(fits, audit["smallest_cohort"]).astype(int),
        note=np.where(fits, "", "the smallest cohort that gives the printed share, not the stated one"),
    )
    together = (
        table.groupby("measure", sort=False)
        .agg(
            period=("period", " and ".join),
            events=("events", "sum"),
            cohort=("cohort", "sum"),
            rows=("events", "size"),
        )
        .reset_index()
    )
    together = together[together["rows"] > 1].drop(columns="rows").assign(note="added up")
    return pd.concat([table, together], ignore_index=True)


def exact_tests(table: pd.DataFrame) -> pd.DataFrame:
    """Test whether so many of so few could be a draw from the population.

    Parameters
    ----------
    table : DataFrame
        One row a test: ``events`` of ``cohort``, whole numbers, and ``population_share``, the group's
        share of the population, between 0 and 1.

    Returns
    -------
    DataFrame
        The same rows with ``share, estimate`` (share over share), ``low, high`` (95% exact limits of it,
        Clopper and Pearson), ``p_value`` (exact binomial, two-sided: every outcome no likelier than the
        one seen) and ``method``.

    Notes
    -----
    Children remanded together are not separate draws, which makes the true p-value larger. The limits
    are of equal tails and the p-value is not, so the two may disagree at the very edge.

    Examples
    --------
    >>> t = exact_tests(pd.DataFrame({"events": [4, 13], "cohort": [5, 16], "population_share": 0.388}))
    >>> t[["events", "cohort", "estimate", "low", "high", "p_value"]].round(3)
       events  cohort  estimate    low   high  p_value
    0       4       5     2.062  0.731  2.564    0.078
    1      13      16     2.094  1.401  2.473    0.001
    """
    from scipy import stats  # slow to import, and few reports need it

    events, cohort, expected = table["events"], table["cohort"], table["population_share"]
    index = intervals.representation(events, cohort, expected, method="exact")
    tested = zip(events.astype(int), cohort.astype(int), expected, strict=True)
    return table.assign(
        share=events / cohort,
        estimate=index.estimate,
        low=index.low,
        high=index.high,
        p_value=[stats.binomtest(x, n, p).pvalue for x, n, p in tested],
        method="exact binomial",
    )


def on_both_bases(events: int, population: float, fall: float, *, per: int = 100_000) -> pd.DataFrame:
    """Give one count as a rate on the population before and after it was estimated anew.

    Parameters
    ----------
    events : int
        The count, the same on both.
    population : float
        Children on the new base.
    fall : float
        By how many per cent the estimate fell, printed to the nearest per cent.
    per : int
        What the rate is per.

    Returns
    -------
    DataFrame
        ``base, denominator, events, per, estimate, low, high, method``, and ``least`` and ``most``,
        between which rounding of the fall leaves the rate. ``change`` is the rate over that on the old
        base: what the base alone does.

    Examples
    --------
    >>> t = on_both_bases(45, 15343, 13)
    >>> t[["base", "denominator", "estimate", "least", "most", "change"]].round(2)
      base  denominator  estimate   least    most  change
    0  old     17635.63    255.17  253.70  256.63    1.00
    1  new     15343.00    293.29  293.29  293.29    1.15
    """
    falls = np.array([fall, fall + HALF, fall - HALF]) / 100
    old, small, large = population / (1 - falls)[[0, 2, 1]]
    denominator = np.array([old, population])
    rate = intervals.rate(np.full(2, events), denominator)
    return pd.DataFrame(
        {
            "base": ["old", "new"],
            "denominator": denominator,
            "events": events,
            "per": per,
            "estimate": per * rate.estimate,
            "low": per * rate.low,
            "high": per * rate.high,
            "least": per * events / np.array([large, population]),
            "most": per * events / np.array([small, population]),
            "change": rate.estimate / rate.estimate[0],
            "method": "exact (Garwood)" if events < 10 else "Byar",
        }
    )
