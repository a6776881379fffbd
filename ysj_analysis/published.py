"""What have others printed, and does it hold together? A file of published figures, checked.

`data/published` holds figures transcribed from a Youth Justice Plan and from the census, each with its
source. `printed` works on percentages alone; this module knows what the figures are of.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from . import intervals, printed, quality
from .printed import HALF
from .tables import DataError
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


def shares(
    figures: pd.DataFrame,
    *,
    stage: str = "share of interventions open",
    population: str = "share of children aged 10 to 17",
) -> pd.DataFrame:
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
    rows = figures[figures["group"].isin(broad) & figures["unit"].eq("percent")]
    wide = rows.pivot_table(index="group", columns="measure", values="number")
    return (
        wide[[stage, population]]
        .set_axis(["share", "population_share"], axis=1)
        .reindex(broad)
        .rename_axis(columns=None)
        .reset_index()
    )


def population_shares(figures: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Put the census' shares on both bases beside the printed ones.

    Parameters
    ----------
    figures : DataFrame
        From `figures`, with the calibrated census counts.
    shares : DataFrame
        From `shares`.

    Returns
    -------
    DataFrame
        ``group, printed, base_2021, base_2001``, in per cent, with ``agrees``: the bases whose share
        rounds to the printed one.
    """
    counts = {base: _census(figures, base) for base in ("2021", "2001")}
    table = shares[["group", "population_share"]].rename(columns={"population_share": "printed"})
    for base, count in counts.items():
        table[f"base_{base}"] = 100 * table["group"].map(count) / count.sum()
    close = {base: (table[f"base_{base}"] - table["printed"]).abs() <= HALF for base in counts}
    agrees = [" and ".join(base for base in counts if close[base][row]) or "neither" for row in table.index]
    return table.assign(agrees=agrees)


def _census(figures: pd.DataFrame, base: str) -> pd.Series:
    rows = figures["measure"].eq(f"children aged 10 to 17, {base} base, calibrated")
    return figures[rows].set_index("group")["number"]


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
    stated = figures[figures["group"].eq(name) & figures["measure"].eq("share of children aged 10 to 17")]
    rounded = figures[figures["measure"].eq("children aged 10 to 17, 2021 base, rounded")]
    rounded = rounded.set_index("group")["number"]
    calibrated = _census(figures, "2021")
    return pd.DataFrame(
        [
            ("printed in the plan", stated["number"].iloc[0] / 100),
            ("census, rounded, of exact total", rounded[wanted].sum() / figures["number"]["census_total"]),
            ("census, calibrated", calibrated[wanted].sum() / calibrated.sum()),
        ],
        columns=["compared_with", "population_share"],
    )


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


def custodial_shares(audit: pd.DataFrame) -> pd.DataFrame:
    """Keep the single years' shares of custodial remands and sentences, from `audited`, in order of time."""
    custodial = audit["measure"].isin(["share of custodial remands", "share of custodial sentences"])
    pooled = audit["period"] == "2020-22"
    return audit[custodial & ~pooled].sort_values(["measure", "period"])


def on_both_bases(figures: pd.DataFrame, count: str, *, per: int) -> pd.DataFrame:
    """Give a printed count as a rate on the exact census population and on the one it replaced.

    Parameters
    ----------
    figures : DataFrame
        From `figures`.
    count : str
        The id of the count.
    per : int
        What the rate is per.

    Returns
    -------
    DataFrame
        As `printed.on_both_bases`.
    """
    number = figures["number"]
    return printed.on_both_bases(
        int(number[count]), number["census_total"], number["population_fall"], per=per
    )


def custody_rates(figures: pd.DataFrame, counts: Sequence[int] = (1, 2, 3)) -> pd.DataFrame:
    """Give the rates per 1,000 that so many custodial sentences would be, on both bases.

    The Plan prints a rate and no count; the count is one whose rate rounds to it.
    """
    number = figures["number"]
    population, fall = number["census_total"], number["population_fall"]
    return pd.concat(
        [printed.on_both_bases(n, population, fall, per=1_000) for n in counts], ignore_index=True
    )
