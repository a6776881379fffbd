"""Which group does this label mean? Code lists and labels, mapped to the detailed groups of the kit.

The mapping is data: `data/ethnicity_labels.csv` has a line for each label of each code list, with where
its meaning is from; what is from memory says so. A label is looked up whole. Parts of labels occur in one
another ("Black, Black British, Black Welsh, Caribbean or African: Caribbean"), so no part is searched
for, and only case, spacing and the length of a dash are overlooked.

The code list must be named. "N" is Black African in the health service, "no" in a column of flags, and a
column that was mapped by mistake would otherwise pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from .code_lists import (
    LABELS_FILE,
    SCHEMES,
    fold,
    group_column,
    meanings_of,
    named,
    recognised,
    schemes,
    text,
)
from .tables import DataError, near, shown
from .vocabulary import BROAD, ETHNICITIES, broad_groups

__all__ = ["CODES", "as_perceived", "groups", "mapping", "recode", "recognised", "schemes"]

CODES = tuple(e.code for e in ETHNICITIES)
"""The detailed groups, in the order of the vocabulary."""

_MOST_SHOWN = 10
"""How many unknown labels a message lists."""

_NOT_A_CODE_LIST = 40
"""From more unknown labels than this on, a column is taken for something else and no label is shown."""


# -- recoding ----------------------------------------------------------------------------------------


def recode(
    values: Iterable,
    *,
    scheme: str | Sequence[str],
    also: Mapping[str, str] | None = None,
    file: str = "",
    column: str = "ethnicity",
    first_row: int = 2,
) -> pd.Series:
    """Recode self-defined labels to the detailed codes of `vocabulary.ETHNICITIES`.

    Parameters
    ----------
    values : Series or sequence
        Labels, codes or a mixture; a missing value is an empty label.
    scheme : str or sequence of str
        The code list they are from, or several in which no label has two meanings; see `schemes`.
    also : mapping of str to str
        Further labels with their codes, for this call alone.
    file, column, first_row
        What to call the file, the column and the row of the first value in a message.

    Returns
    -------
    Series of category
        Codes on the index of the values, in the order of the vocabulary. Not stated, not known and not
        recorded stay three codes, and none of them is Other.

    Raises
    ------
    DataError
        For labels that are not in the code list: which, how many rows of how many, the line to add.
    ValueError
        For a code list that is not known, is of broad groups, or is of what officers perceive.

    Examples
    --------
    >>> recode(["Black or Black British - African (B2)", "Not Stated (NS)", ""], scheme="police.uk").to_list()
    ['B2', 'NS', 'NR']
    >>> recode(["O1"], scheme="police-16+1").to_list()
    ['A4']
    """
    names = _of_kind(scheme, who="self", detail=("detailed",))
    known = meanings_of(names, "code")
    for label, code in (also or {}).items():
        if code not in CODES:
            raise ValueError(
                f"also gives {shown(label)} the code {shown(code)}, which is none of {', '.join(CODES)}."
                f"{near(code, CODES)}"
            )
        known[fold(label)] = code
    found, index = _translated(values, known, names, (file, column, first_row), CODES)
    return pd.Series(pd.Categorical(found, categories=CODES, ordered=True), index=index, name=column)


def groups(
    values: Iterable,
    *,
    scheme: str,
    base: str,
    file: str = "",
    column: str = "group",
    first_row: int = 2,
) -> pd.Series:
    """Recode self-defined labels, detailed or broad, to the broad groups of a census base.

    Parameters
    ----------
    values : Series or sequence
        Labels.
    scheme : str
        The code list they are from.
    base : {"2001", "2011", "2021"}
        2001 counts Chinese children with Other; 2011 and 2021 with Asian.
    file, column, first_row
        As for `recode`.

    Returns
    -------
    Series of category
        Broad groups in printing order, the unknown last.

    Raises
    ------
    DataError
        For labels that are not in the code list.
    ValueError
        When the list is of broad groups on another base: Chinese children cannot be moved out of a sum.

    Examples
    --------
    >>> groups(["CHNE", "WROM"], scheme="dfe", base="2001").to_list()
    ['Other', 'White']
    >>> groups(["Chinese or other ethnic group"], scheme="broad-2001", base="2021")
    Traceback (most recent call last):
    ValueError: 'broad-2001' has its groups on another base than 2021: Chinese children are in a sum there.
    """
    _of_kind(scheme, who="self", detail=("detailed", "broad"))
    if SCHEMES[scheme].detail == "detailed":
        codes = recode(values, scheme=scheme, file=file, column=column, first_row=first_row)
        found, index = codes.astype(str).map(broad_groups(base)), codes.index
    else:
        known = meanings_of([scheme], group_column(base))
        found, index = _translated(values, known, [scheme], (file, column, first_row), BROAD)
    return pd.Series(pd.Categorical(found, categories=BROAD, ordered=True), index=index, name=column)


def as_perceived(
    values: Iterable,
    *,
    scheme: str = "police-officer",
    base: str = "2021",
    file: str = "",
    column: str = "ethnicity_officer",
    first_row: int = 2,
) -> pd.Series:
    """Recode what an officer perceived to broad groups, for a column of its own.

    Parameters
    ----------
    values : Series or sequence
        Labels or identity codes.
    scheme : {"police-officer", "police-ic"}
        The officers' list.
    base : {"2001", "2011", "2021"}
        Census base: IC5 (Chinese, Japanese, Korean or other South-East Asian) is Other on that of 2001 and
        Asian on the others.
    file, column, first_row
        As for `recode`.

    Returns
    -------
    Series of category
        Broad groups; `Unknown` where nothing was recorded. It is never to be put in the column of
        self-defined ethnicity, nor counted with it: officers had no Mixed to choose.

    Raises
    ------
    DataError
        For labels that are not on the list.

    Examples
    --------
    >>> as_perceived(["IC5", "IC3", "IC9"], scheme="police-ic", base="2001").to_list()
    ['Other', 'Black', 'Unknown']
    """
    _of_kind(scheme, who="officer", detail=("broad",))
    known = meanings_of([scheme], group_column(base))
    found, index = _translated(values, known, [scheme], (file, column, first_row), BROAD)
    return pd.Series(pd.Categorical(found, categories=BROAD, ordered=True), index=index, name=column)


def mapping(base: str, *, groups: Sequence[str] = ()) -> pd.DataFrame:
    """Lay out which detailed group counts with which broad group, for the methods section of a report.

    Parameters
    ----------
    base : {"2001", "2011", "2021", "own"}
        The base of the study; ``own`` when it names its groups itself.
    groups : sequence of str
        The study's groups; needed with ``own`` alone.

    Returns
    -------
    DataFrame
        ``detailed_group, code, group, other_bases``: where the group counts on the other bases,
        empty when it is the same on all. With ``own`` a row for each group, without a code.

    Examples
    --------
    >>> table = mapping("2021")
    >>> table[table["other_bases"] != ""].reset_index(drop=True)
      detailed_group code  group                other_bases
    0        Chinese   A4  Asian  Other on the base of 2001
    """
    if base == "own":
        return pd.DataFrame(
            {
                "detailed_group": list(groups),
                "code": "",
                "group": list(groups),
                "other_bases": "named by the study",
            }
        )
    here, there = broad_groups(base), broad_groups("2021" if base == "2001" else "2001")
    other = "2011 and 2021" if base == "2001" else "2001"
    return pd.DataFrame(
        [
            (
                e.label,
                e.code,
                here[e.code],
                f"{there[e.code]} on the base of {other}" if there[e.code] != here[e.code] else "",
            )
            for e in ETHNICITIES
        ],
        columns=["detailed_group", "code", "group", "other_bases"],
    )


# -- inside ------------------------------------------------------------------------------------------


def _of_kind(scheme: str | Sequence[str], *, who: str, detail: tuple[str, ...]) -> list[str]:
    """Name the code lists asked for, or refuse one that answers another question."""
    names = [scheme] if isinstance(scheme, str) else list(scheme)
    for name in names:
        named(name, SCHEMES)
        if SCHEMES[name].who != who:
            raise ValueError(
                f"{name!r} is {'what officers perceived' if who == 'self' else 'self-defined ethnicity'}. "
                "Self-defined and officer-defined ethnicity are never mixed: use "
                + ("as_perceived, for a column of its own." if who == "self" else "recode or groups.")
            )
        if SCHEMES[name].detail not in detail:
            raise ValueError(
                f"{name!r} is of broad groups, which have no detailed code. Use groups, or a code list of "
                "detailed groups."
            )
    return names


def _translated(values, known: Mapping[str, str], names, where, meanings) -> tuple[np.ndarray, pd.Index]:
    """Look each distinct label up once; refuse the values if any label is unknown."""
    values = values if isinstance(values, pd.Series) else pd.Series(list(values), dtype=object)
    number, distinct = pd.factorize(values, use_na_sentinel=True)
    written = [*map(text, distinct), ""]  # a missing value has the number -1: the last
    meaning = np.array([known.get(fold(label)) for label in written], dtype=object)
    unknown = np.array([m is None for m in meaning])
    bad = unknown[number]
    if bad.any():
        listed = pd.Series(written)[number[bad]].value_counts()
        _refuse(listed, int(bad.argmax()), len(values), names, where, meanings)
    return meaning[number], values.index


def _refuse(listed: pd.Series, first: int, size: int, names, where, meanings) -> None:
    """List unknown labels with their counts, and the line to add for each."""
    file, column, first_row = where
    bad = int(listed.sum())
    head = (
        f"{f'{file}: ' if file else ''}{bad:,} of {size:,} rows have a label that is not in the code list "
        f"{' or '.join(names)}"
    )
    place = f"First: row {first + first_row:,}, column {shown(column)}."
    # Labels that hardly repeat are names, remarks or ids, not codes: they may say who a child is.
    if len(listed) > _NOT_A_CODE_LIST or (len(listed) > 5 and 2 * len(listed) > bad):
        raise DataError(
            f"{head}: {len(listed):,} labels, too many to be codes, so none is shown here. {place} Check that "
            "this is the column of ethnicity, and with ethnicity.recognised which code list it uses."
        )
    told = ", ".join(f"{shown(label)} ({n:,})" for label, n in listed.head(_MOST_SHOWN).items())
    more = f" and {len(listed) - _MOST_SHOWN} more" if len(listed) > _MOST_SHOWN else ""
    wide = [label for label in listed.index if fold(label) in _BROAD_WORDS] if meanings is CODES else []
    hint = f" {shown(wide[0])} is of many groups at once and has no detailed code." if wide else ""
    middle = '"CODE","",""' if meanings is CODES else '"","GROUP","GROUP"'
    lines = [
        f'"{names[0]}","{shown(label)[1:-1]}",{middle},"WHERE ITS MEANING IS FROM",""'
        for label in listed.head(_MOST_SHOWN).index
    ]
    raise DataError(
        f"{head}: {told}{more}. {place}{hint}\nNo label is guessed. Correct it, or add to {LABELS_FILE.name}, "
        f"with one of {', '.join(meanings)}:\n" + "\n".join(lines)
    )


_BROAD_WORDS = frozenset(
    fold(word) for word in (*BROAD[:-1], "BAME", "BME", "Non-White", "Ethnic minority", "Global majority")
)
"""Words for many groups at once, which people write where a detailed group is asked for."""
