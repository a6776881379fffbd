"""Does a table hold together? The canonical tables one by one, with the checks that are theirs alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from .ages import refuse_other_ages
from .large_files import path_of
from .large_sql import text
from .reading import alike
from .tables import SUPPRESSED, DataError, check, read, refuse_totals, shown
from .vocabulary import POPULATION, STAGES, TABLES, UNKNOWN, Stage

_OUT_OF = ("total", "totals", "population", "pop", "n", "base", "out of", "cohort")
"""What people name the column of denominators."""

_COUNTED_BY = ("area", "year", "stage", "unit", "sex", "age")
_PEOPLED_BY = ("area", "year", "vintage", "age", "sex")


def table(
    source,
    name: str,
    *,
    also: Callable[[pd.DataFrame, str], None] = lambda table, file: None,
    groups: Iterable[str] = (),
    stages: Mapping[str, Stage] = STAGES,
) -> pd.DataFrame:
    """Read, check and type one table from its file or from a study folder.

    Parameters
    ----------
    source : path
        The file, or the study folder.
    name : str
        Which canonical table it is.
    also : callable
        A further check of the typed table, given what to call it in a message.
    groups : sequence of str
        The study's groups; empty takes them as the file names them.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    DataFrame
        The rows as they stand, typed.
    """
    path = Path(source)
    path = path_of(path, name) or path / f"{name}.csv" if path.is_dir() else path
    rows = text(path) if path.suffix == ".parquet" else read(path)
    rows = check(rows, name, file=path.name, groups=groups, stages=stages)
    also(rows, path.name)
    return rows.reset_index(drop=True)


def children(source) -> pd.DataFrame:
    """Read the children table: one row a child.

    Parameters
    ----------
    source : path
        The file, or the study folder.

    Returns
    -------
    DataFrame
        The rows as they stand, typed.
    """
    return table(source, "children")


def events(source, *, stages: Mapping[str, Stage] = STAGES) -> pd.DataFrame:
    """Read the events table: one row a decision.

    Parameters
    ----------
    source : path
        The file, or the study folder.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    DataFrame
        The rows as they stand, typed.

    Raises
    ------
    DataError
        For a malformed table, and where one episode belongs to several children.
    """
    return table(source, "events", also=_one_child_an_episode, stages=stages)


def offences(source) -> pd.DataFrame:
    """Read the offences table.

    Parameters
    ----------
    source : path
        The file, or the study folder.

    Returns
    -------
    DataFrame
        The rows as they stand, typed.
    """
    return table(source, "offences")


def searches(source) -> pd.DataFrame:
    """Read the stop and search table, which has no child id.

    Parameters
    ----------
    source : path
        The file, or the study folder.

    Returns
    -------
    DataFrame
        The rows as they stand, typed.
    """
    return table(source, "searches")


def population(source, *, groups: Iterable[str] = ()) -> pd.DataFrame:
    """Read the population table.

    Parameters
    ----------
    source : path
        The file, or the study folder.
    groups : sequence of str
        The study's groups; empty takes them as the file names them.

    Returns
    -------
    DataFrame
        The rows as they stand, typed. A population marked ``[c]`` is missing.

    Raises
    ------
    DataError
        For a malformed table, and where a group lacks an age or a sex that others of its area and
        year have, where totals stand among their parts, or where ages are not 10 to 17.
    """
    return table(source, "population", also=_whole_population, groups=groups)


def counts(source, *, groups: Iterable[str] = (), stages: Mapping[str, Stage] = STAGES) -> pd.DataFrame:
    """Read a table of counts by area, year, stage and group.

    Parameters
    ----------
    source : path
        The CSV, or the study folder that holds ``counts.csv``.
    groups : sequence of str
        The study's groups; empty takes them as the file names them.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    DataFrame
        The rows as they stand, typed. A count marked ``[c]`` is missing.

    Raises
    ------
    DataError
        For a malformed table, and where events exceed their denominator in a cohort, a group has no
        row where others of the same area, year and stage do, only some of those rows have a
        denominator, or totals stand among their parts.
    """

    def also(table: pd.DataFrame, file: str) -> None:
        refuse_totals(table, ("group", "sex", "age"), file)
        _within_cohort(table, stages, file)
        _no_vanished_group(table, table["group"].cat.categories, _COUNTED_BY, file)

    return table(source, "counts", also=also, groups=groups, stages=stages)


def likely_denominator(table: pd.DataFrame) -> str:
    """Name the column of counts that may be meant as ``denominator``, where no column is named so.

    Parameters
    ----------
    table : DataFrame
        From :func:`counts`.

    Returns
    -------
    str
        A question and what to do, with a space before it; nothing where no column is likely.

    Examples
    --------
    >>> likely_denominator(pd.DataFrame(columns=["stage", "group", "events", "Total"]))
    " Did you mean column 'Total'? Name it denominator."
    """
    if "denominator" in table:
        return ""
    others = [str(c) for c in table.columns if c not in {own.name for own in TABLES["counts"]}]
    meant = [c for c in others if " ".join(re.findall("[a-z]+", c.casefold())) in _OUT_OF]
    like = alike("denominator", others) or (meant[0] if meant else "")
    return f" Did you mean column {shown(like)}? Name it denominator." if like else ""


def _one_child_an_episode(table: pd.DataFrame, file: str) -> None:
    """Refuse episodes of several children: nobody could say whose year and group they belong to."""
    first = table.groupby("episode_id", sort=False)["child_id"].transform("first")
    other = table["child_id"] != first
    if other.any():
        several, all_of_them = table.loc[other, "episode_id"].nunique(), table["episode_id"].nunique()
        raise DataError(
            f"{file}: {several:,} of {all_of_them:,} episodes belong to more than one child. First: row "
            f"{table.index[other][0]:,}, column child_id. Give each child its own episode."
        )


def _within_cohort(table: pd.DataFrame, stages: Mapping[str, Stage], file: str) -> None:
    """Refuse more events than their denominator, where the denominator is the stage before."""
    if "denominator" not in table:
        return
    in_cohort = table["stage"].map({s: stages[s].base != POPULATION for s in stages}).astype(bool)
    above = in_cohort & (table["events"] > table["denominator"])
    if above.any():
        raise DataError(
            f"{file}: {above.sum():,} of {len(table):,} rows have more events than their denominator. "
            f"First: row {table.index[above][0]:,}, column events. A stage fed by another cannot "
            "hold more than the stage before it: check the two columns, or the base of the stage."
        )


def _if_nowhere(absent: list[str], table: pd.DataFrame) -> str:
    """Say what to do about groups that the table has nowhere: a study may count groups of its own."""
    there = list(dict.fromkeys(table["group"].astype(str)))
    if set(absent) & set(there):
        return ""
    named = json.dumps(there, ensure_ascii=False)
    return f' If the study counts no such group, write ethnicity_base = "own" and groups = {named} in study.toml.'


def _no_vanished_group(table: pd.DataFrame, groups: Iterable[str], keys: Iterable[str], file: str) -> None:
    """Refuse a table in which a group has no row while others of its area, year and so on do."""
    keys = [k for k in keys if k in table]
    rows = table[table["group"] != UNKNOWN]
    expected = [g for g in groups if g != UNKNOWN]
    cell = rows.groupby(keys, observed=True, sort=False, dropna=False).ngroup()
    found = rows.groupby(cell)["group"].nunique()
    short = found.index[found < len(expected)]
    if short.empty:
        return
    here = rows[cell == short[0]]
    absent = [g for g in expected if g not in set(here["group"])]
    named = ", ".join(f"{v:.0f}" if k == "year" else shown(v) for k, v in here.iloc[0][keys].items())
    raise DataError(
        f"{file}: {len(short):,} of {len(found):,} combinations of {', '.join(keys)} lack a group. "
        f"First: {named} has no row for {', '.join(map(shown, absent))} (see row {here.index[0]:,}, column "
        f"group). Add the row with 0 if there were none, or {SUPPRESSED} if the number is hidden."
        + _if_nowhere(absent, table)
    )


def _whole_population(table: pd.DataFrame, file: str) -> None:
    """Refuse a population with totals among its parts, missing parts or other ages."""
    refuse_totals(table, ("group", "sex", "age"), file)
    _no_vanished_group(table, table["group"].unique(), _PEOPLED_BY, file)
    if "age" in table:
        refuse_other_ages(table, (*_PEOPLED_BY, "group"), file)
