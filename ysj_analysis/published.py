"""What do figures known only as printed imply? Rounded percentages, and the counts behind them.

A plan prints "45% of interventions, 25% of children". The measures of this package need counts; these
functions say what can be said without them, and how much of it rounding alone leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from . import intervals, quality
from .load import DataError
from .vocabulary import BROAD, UNKNOWN

COLUMNS = (
    "id",
    "source",
    "section",
    "quote_or_table",
    "period",
    "group",
    "measure",
    "value",
    "unit",
    "of",
    "note",
)
"""The columns of a file of published figures; `data/published/README.md` gives their meaning."""

PER = {"percent": 100, "per 1,000": 1_000, "per child": 1}
"""The units of figures that are so many of a cohort, and what they are per."""

ROUNDING = "rounding of the printed shares"
HALF = 0.5


def figures(folder: str | Path) -> pd.DataFrame:
    """Read published figures, as printed.

    Parameters
    ----------
    folder : path
        Holds CSV files of `COLUMNS`.

    Returns
    -------
    DataFrame
        One row a figure, indexed by ``id``; ``value`` is the text printed, ``number`` its value.

    Raises
    ------
    DataError
        When there is no file, a column is missing, an id occurs twice or a value is not a number.
    """
    files = sorted(Path(folder).glob("*.csv"))
    if not files:
        raise DataError(f"{Path(folder).name}/: 0 CSV files of published figures.\nGive data/published.")
    tables = {file.name: pd.read_csv(file, dtype=str, keep_default_na=False) for file in files}
    for name, table in tables.items():
        if missing := [column for column in COLUMNS if column not in table]:
            raise DataError(
                f"{name}: {len(missing)} of {len(COLUMNS)} columns are missing: {', '.join(missing)}."
            )
    table = pd.concat(tables.values(), ignore_index=True)
    number = pd.to_numeric(table["value"].str.replace(",", ""), errors="coerce")
    twice, wordy = table["id"].duplicated(), number.isna()
    for bad, what in ((twice, "repeat an id"), (wordy, "have a value that is not a number")):
        if bad.any():
            first = table.loc[bad.idxmax(), "id"]
            raise DataError(
                f"published figures: {bad.sum()} of {len(table)} {what}. First: {first}.\nCorrect the row."
            )
    return table.assign(number=number).set_index("id")


def shares(figures: pd.DataFrame, *, stage: str, population: str) -> pd.DataFrame:
    """Put a printed share of a stage beside the printed share of the population.

    Parameters
    ----------
    figures : DataFrame
        From `figures`.
    stage, population : str
        The measures, as the file words them, printed for each group.

    Returns
    -------
    DataFrame
        ``group, share, population_share``, in per cent, groups in printing order.
    """
    broad = [group for group in BROAD if group != UNKNOWN]
    printed = figures[figures["group"].isin(broad) & figures["unit"].eq("percent")]
    wide = printed.pivot_table(index="group", columns="measure", values="number")
    return (
        wide[[stage, population]]
        .set_axis(["share", "population_share"], axis=1)
        .reindex(broad)
        .rename_axis(columns=None)
        .reset_index()
    )


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
        against = index[0] / index[0][at], index[1] / index[2][at], index[2] / index[1][at]
        against = tuple(np.where(np.arange(len(x)) == at, 1.0, values) for values in against)
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
    return pd.concat(rows, ignore_index=True)[columns].assign(method=ROUNDING)


def _ends(x: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = np.maximum(x - HALF, 0) / (n + HALF)
    high = np.divide(x + HALF, n - HALF, out=np.full_like(x, np.inf), where=n > HALF)
    return low, high


def _odds(percent: np.ndarray) -> np.ndarray:
    percent = np.clip(percent, 0, 100)
    return percent / (100 - percent)


def sums(table: pd.DataFrame, columns: Sequence[str] = ("share", "population_share")) -> pd.DataFrame:
    """Add printed percentages up, beside what rounding to whole per cent allows.

    Parameters
    ----------
    table : DataFrame
        One row a group; the groups together are everyone.
    columns : sequence of str
        Columns in per cent.

    Returns
    -------
    DataFrame
        ``column, sum, low, high``: k rounded shares of one whole add to 100, give or take less than
        k / 2.

    Examples
    --------
    >>> sums(pd.DataFrame({"share": [10, 25, 14, 9, 43]}), ["share"])
      column  sum  low  high
    0  share  101   98   102
    """
    spread = int(np.ceil(len(table) * HALF) - 1)
    added = [table[column].sum() for column in columns]
    return pd.DataFrame({"column": list(columns), "sum": added, "low": 100 - spread, "high": 100 + spread})


def population_shares(figures: pd.DataFrame, *, printed: pd.DataFrame) -> pd.DataFrame:
    """Put the census' shares on both bases beside the printed ones.

    Parameters
    ----------
    figures : DataFrame
        From `figures`, with the calibrated census counts.
    printed : DataFrame
        From `shares`.

    Returns
    -------
    DataFrame
        ``group, printed, base_2021, base_2001``, in per cent, with ``agrees``: the bases whose share
        rounds to the printed one.
    """
    counts = {base: _census(figures, base) for base in ("2021", "2001")}
    table = printed[["group", "population_share"]].rename(columns={"population_share": "printed"})
    for base, count in counts.items():
        table[f"base_{base}"] = 100 * table["group"].map(count) / count.sum()
    close = {base: (table[f"base_{base}"] - table["printed"]).abs() <= HALF for base in counts}
    agrees = [" and ".join(base for base in counts if close[base][row]) or "neither" for row in table.index]
    return table.assign(agrees=agrees)


def _census(figures: pd.DataFrame, base: str) -> pd.Series:
    rows = figures["measure"].eq(f"children aged 10 to 17, {base} base, calibrated")
    return figures[rows].set_index("group")["number"]


def audited(figures: pd.DataFrame) -> pd.DataFrame:
    """Ask of every printed percentage and rate whether the stated cohort can give it.

    Parameters
    ----------
    figures : DataFrame
        From `figures`; ``of`` names the count a figure is said to be of.

    Returns
    -------
    DataFrame
        ``section, period, group, measure, printed, per, cohort, note`` and what
        `quality.percentage_audit` adds; the figures that cannot be come first. Shares of the whole
        population are left out, as thousands of children give any percentage.
    """
    stated = figures[figures["unit"].isin(PER) & (figures["of"].ne("") | figures["unit"].eq("percent"))]
    stated = stated[~stated["measure"].str.contains("population|children aged|open$")]
    cohort = stated["of"].map(figures["number"])
    columns = ["section", "period", "group", "measure", "value", "unit", "note"]
    table = stated[columns].assign(per=stated["unit"].map(PER), cohort=cohort)
    audit = quality.percentage_audit(table.rename(columns={"value": "printed"}))
    order = audit["possible"].map({"no": 0, "cannot say": 1, "yes": 2})
    return audit.iloc[np.argsort(order, kind="stable")]


def comparators(figures: pd.DataFrame, groups: Sequence[str] = ("Black", "Mixed")) -> pd.DataFrame:
    """Give the share of children of some groups in three ways: as printed and twice from the census.

    Parameters
    ----------
    figures : DataFrame
        From `figures`.
    groups : sequence of str
        Groups counted together; the file has their printed share under "Black or Mixed".

    Returns
    -------
    DataFrame
        ``compared_with, population_share``.
    """
    name, wanted = " or ".join(groups), list(groups)
    printed = figures[figures["group"].eq(name) & figures["measure"].eq("share of children aged 10 to 17")]
    rounded = figures[figures["measure"].eq("children aged 10 to 17, 2021 base, rounded")]
    rounded = rounded.set_index("group")["number"]
    calibrated = _census(figures, "2021")
    return pd.DataFrame(
        [
            ("printed in the plan", printed["number"].iloc[0] / 100),
            ("census, rounded, of exact total", rounded[wanted].sum() / figures["number"]["census_total"]),
            ("census, calibrated", calibrated[wanted].sum() / calibrated.sum()),
        ],
        columns=["compared_with", "population_share"],
    )


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


def implied(audit: pd.DataFrame) -> pd.DataFrame:
    """Take from an audit the smallest counts that the printed shares can stand for.

    Parameters
    ----------
    audit : DataFrame
        Rows of `audited`, one stage and period each, of one group.

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


def reoffending(figures: pd.DataFrame) -> pd.DataFrame:
    """Work out both meanings of "frequency" for each quarter and for the year.

    Parameters
    ----------
    figures : DataFrame
        From `figures`: cohort, children who reoffended and reoffences, each quarter.

    Returns
    -------
    DataFrame
        ``period, cohort, reoffended, reoffences, binary, low, high`` (share who reoffended, with its
        95% Wilson interval), ``per_child`` (reoffences over the cohort, which the Plan prints) and
        ``per_reoffender`` (over those who reoffended, which the Youth Justice Board prints). The last
        row is the year.
    """
    counted = figures[figures["measure"].isin(["cohort", "reoffended", "reoffences"])]
    table = counted.pivot_table(index="period", columns="measure", values="number", sort=False)
    table.loc[f"{table.index[0].rpartition(' ')[0]} all"] = table.sum()
    table = table[["cohort", "reoffended", "reoffences"]].astype(int).rename_axis(columns=None).reset_index()
    binary = intervals.proportion(table["reoffended"], table["cohort"])
    return table.assign(
        binary=binary.estimate,
        low=binary.low,
        high=binary.high,
        per_child=table["reoffences"] / table["cohort"],
        per_reoffender=table["reoffences"] / table["reoffended"],
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
