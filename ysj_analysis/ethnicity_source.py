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


def sentence(source: str, *, counted_here: bool) -> str:
    """Say in a report's methods whose word its groups are.

    Parameters
    ----------
    source : {"self", "officer", "school", "unknown", ""}
        Of the study.
    counted_here : bool
        Whether the kit counted from the records of children, or took over counts made before.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> print(sentence("self", counted_here=False))
    Groups are of self-defined ethnicity, as the source counted them.
    >>> print(sentence("", counted_here=False))
    The source of the counts does not say whether ethnicity is self-defined.
    """
    if not source:
        return "The source of the counts does not say whether ethnicity is self-defined."
    own = f"Groups are of {SOURCE_LABELS[source]}"
    if not counted_here:
        return f"{own}, as the source counted them."
    rest = [SOURCE_LABELS[s] for s in others(source)]
    return (
        f"{own}; children of whom only {', '.join(rest[:-1])} or {rest[-1]} is held are counted as of unknown "
        "ethnicity, since one count never mixes two."
    )


def side_by_side(children: pd.DataFrame, *, base: str) -> pd.DataFrame:
    """Set what children said and what officers saw in two columns, as searches have them.

    Parameters
    ----------
    children : DataFrame
        ``ethnicity`` and ``ethnicity_source``, and any other columns, which are kept.
    base : {"2001", "2011", "2021"}
        Census base of the broad groups.

    Returns
    -------
    DataFrame
        The same rows: ``ethnicity`` is the self-defined code, ``NR`` where it is not what the child said;
        ``ethnicity_officer`` the broad group an officer recorded, empty for all others.

    Examples
    --------
    >>> table = pd.DataFrame({"ethnicity": ["B1", "W1", "A1"], "ethnicity_source": ["self", "officer", "school"]})
    >>> side_by_side(table, base="2021")[["ethnicity", "ethnicity_officer"]].to_numpy().tolist()
    [['B1', ''], ['NR', 'White'], ['NR', '']]
    """
    code, said = children["ethnicity"].astype(str), children["ethnicity_source"].astype(str)
    officer = groups(children, base=base, source="officer")
    missing = code.map(broad_groups(base)).eq(UNKNOWN)
    return children.assign(
        ethnicity=code.where(said.eq(SELF) | missing, "NR"),
        ethnicity_officer=officer.where(officer.ne(UNKNOWN), ""),
    )


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
