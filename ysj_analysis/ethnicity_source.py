"""Whose word is a count of ethnic groups made of? One source a count: what children said, or what others saw.

Self-defined and officer-defined ethnicity answer different questions, so they are never mixed in one count. A
study counts one source, self-defined ethnicity unless ``ethnicity_source`` in ``study.toml`` names another.
A child whose recorded ethnicity is another's word is counted as of unknown ethnicity: it reached the
stage, and what it would say of itself is not known.
"""

from __future__ import annotations

import pandas as pd

from .reading import DataError
from .vocabulary import SOURCE_LABELS, SOURCES_OF_ETHNICITY, UNKNOWN, broad_groups

SELF = SOURCES_OF_ETHNICITY[0]
"""The source that is counted unless the study names another."""


def groups(children: pd.DataFrame, *, base: str, source: str) -> pd.Series:
    """Give the broad group of each child, as one source has it.

    Parameters
    ----------
    children : DataFrame
        ``ethnicity`` (detailed code) and ``ethnicity_source``, a row a child.
    base : {"2001", "2011", "2021"}
        Census base of the broad groups.
    source : {"self", "officer", "school", "unknown"}
        Whose word is counted.

    Returns
    -------
    Series of str
        Broad groups, a row a child: ``Unknown`` where nobody knows or another source said it.

    Examples
    --------
    >>> table = pd.DataFrame({"ethnicity": ["B1", "W1", "NS"], "ethnicity_source": ["self", "officer", "self"]})
    >>> groups(table, base="2021", source="self").tolist(), groups(table, base="2021", source="officer").tolist()
    (['Black', 'Unknown', 'Unknown'], ['Unknown', 'White', 'Unknown'])
    """
    group = children["ethnicity"].astype(str).map(broad_groups(base))
    return group.where(children["ethnicity_source"].astype(str).eq(source), UNKNOWN)


def said_by_others(children: pd.DataFrame, *, source: str) -> pd.Series:
    """Name, for each child whose ethnicity is known from another source alone, that source.

    Parameters
    ----------
    children, source
        As for :func:`groups`.

    Returns
    -------
    Series of str
        One of ``vocabulary.SOURCES_OF_ETHNICITY``; empty for all other children.

    Examples
    --------
    >>> table = pd.DataFrame({"ethnicity": ["B1", "W1", "NS"], "ethnicity_source": ["self", "officer", "officer"]})
    >>> said_by_others(table, source="self").tolist()
    ['', 'officer', '']
    """
    known = children["ethnicity"].astype(str).map(broad_groups("2021")).ne(UNKNOWN)
    said = children["ethnicity_source"].astype(str)
    return said.where(known & said.ne(source), "")


def others(source: str) -> list[str]:
    """List the sources that a count of one source leaves out.

    Examples
    --------
    >>> others("self")
    ['officer', 'school', 'unknown']
    """
    return [s for s in SOURCES_OF_ETHNICITY if s != source]


def kinds(children: pd.DataFrame) -> pd.DataFrame:
    """Count children by detailed group and who said it: ``ethnicity, ethnicity_source, children``."""
    pairs = children[["ethnicity", "ethnicity_source"]].astype(str)
    return pairs.value_counts(sort=False).rename("children").reset_index()


def refuse_no_groups(kinds: pd.DataFrame, *, base: str, source: str) -> None:
    """Refuse children of whom fewer than two groups are known: nothing could be compared.

    Parameters
    ----------
    kinds : DataFrame
        From :func:`kinds`.
    base, source
        As for :func:`groups`.

    Raises
    ------
    DataError
        When no group or one group has a child; it says what other sources know.
    """
    group = groups(kinds, base=base, source=source)
    known = group.ne(UNKNOWN)
    if group[known].nunique() > 1:
        return
    number, of = int(kinds["children"][known].sum()), int(kinds["children"].sum())
    told = kinds.assign(said=said_by_others(kinds, source=source)).query("said != ''")
    most = told.groupby("said")["children"].sum()
    if most.empty:
        do = "Add the records of the other groups."
    else:
        do = (
            f"{int(most.max()):,} have {SOURCE_LABELS[most.idxmax()]}: to count that instead, write "
            f'ethnicity_source = "{most.idxmax()}" in study.toml, and reports will say so.'
        )
    raise DataError(
        f"children.csv: {number:,} of {of:,} children have a known {SOURCE_LABELS[source]}, of "
        f"{group[known].nunique()} broad groups. Groups are compared with each other, so at least two are needed. "
        f"First: row 2, columns ethnicity and ethnicity_source. {do}"
    )
