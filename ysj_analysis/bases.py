"""May these children be divided by those? Only when both are counted on the same census base."""

from __future__ import annotations

import pandas as pd

from .tables import DataError, shown
from .vocabulary import BASES, broad_groups

OWN = "own"
"""The base of groups that a study names itself."""


def same_base(one: str, other: str) -> bool:
    """Say whether two census bases put every detailed group in the same broad group.

    Parameters
    ----------
    one, other : {"2001", "2011", "2021", "own"}
        The bases.

    Returns
    -------
    bool
        False for groups a study names itself beside those of a census: nobody can tell.

    Examples
    --------
    >>> same_base("2011", "2021"), same_base("2001", "2021"), same_base("own", "2021")
    (True, False, False)
    """
    if one == other:
        return True
    return {one, other} <= set(BASES) and broad_groups(one) == broad_groups(other)


def refuse_other_base(
    population: pd.DataFrame | None, base: str, *, stated: str | None = None, file: str = "population.csv"
) -> None:
    """Refuse to divide children counted on one base by a population on another.

    Parameters
    ----------
    population : DataFrame or None
        Perhaps with a column ``base``; a row in which it is empty says nothing.
    base : str
        The base of the study's groups.
    stated : str, optional
        What ``study.toml`` says of the whole population, as ``base`` under ``[population]``.
    file : str
        What to call the table in a message.

    Raises
    ------
    DataError
        When the population says it is on a base that counts a group elsewhere. A population that does not
        say is taken on trust.

    Examples
    --------
    >>> refuse_other_base(pd.DataFrame({"base": ["2021"]}), "2011")
    """
    if population is None:
        return
    if stated is not None and not same_base(stated, base):
        raise DataError(
            f"study.toml: the population is on the base {shown(stated)} and the children are counted on the base "
            f"{shown(base)}. {_why(stated, base)}"
        )
    if "base" not in population:
        return
    said = population["base"].astype("string").fillna("")
    other = said.ne("") & ~said.map({b: same_base(b, base) for b in said.unique()}).astype(bool)
    if other.any():
        first = int(other.to_numpy().argmax())
        raise DataError(
            f"{file}: {other.sum():,} of {len(population):,} rows are on the base {shown(said.iloc[first])}, and the "
            f"children are counted on the base {shown(base)}. First: row {first + 2:,}, column base. "
            + _why(said.iloc[first], base)
        )


def _why(one: str, other: str) -> str:
    """Say what would go wrong, and what to do."""
    if OWN in (one, other):
        return "Groups a study names itself are not those of a census. Give the population of the study's own groups."
    return (
        "Chinese children are in Other on the base of 2001 and in Asian on those of 2011 and 2021, so the rates of "
        f"both groups would be wrong. Convert the population with ethnicity_base={other}, or count children on {one}: "
        "set ethnicity_base in study.toml."
    )
