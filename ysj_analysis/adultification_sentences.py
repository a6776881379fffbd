"""How do we say how old children are met as being? Age at entry, disposals of like cases, what assessments foresaw.

Four voices each, from released ratios; and what such a count cannot show, said with it.
"""

from __future__ import annotations

from . import wording
from .adultification import FIRST
from .disclosure import Released
from .like_cases import NOT_KNOWN
from .sentence_parts import each, people, percent_of, said_rows
from .wording import Words

_ENTRY_CAVEAT = (
    "Age at entry is that at the first record in these data. A younger age can come from where and when children are "
    "met, from what is recorded, or from circumstances: it says nothing of why."
)
_DISPOSAL_CAVEAT = (
    "Children of one band of gravity are alike in that and in age, and in nothing else that is known. Gravity is that "
    "of the offence recorded, which earlier decisions may have shaped."
)
_FORESEEN_CAVEAT = (
    "These are shares of groups of children. They are no score, foretell nothing of any one child, and must not be "
    "used to decide about one. Reoffending here is what was detected and proven, so a group that is met by the police "
    "more often reoffends more often on paper."
)


@wording.said
def entry(ratios: Released, words: Words, *, brief: bool = False) -> list[str]:
    """Say, for each group and age, whether more or fewer of its children were of that age when they first entered.

    Parameters
    ----------
    ratios : Released
        Relative rates of ``adultification.entry_ages``.
    words : Words
        The study's words.
    brief : bool
        Only count those that cannot be told apart: a table beside has their numbers.

    Returns
    -------
    list of str
        A sentence for each group and age, those of too few together, and what it cannot show.
    """
    rows = [r for r in said_rows(ratios) if not str(r["stage"]).endswith(NOT_KNOWN)]
    return _with(_ENTRY_CAVEAT, each(rows, words, _entry, brief=brief))


@wording.said
def disposals(pooled: Released, words: Words) -> list[str]:
    """Say, for each group, age and outcome, how like cases compare.

    Parameters
    ----------
    pooled : Released
        ``matched.matched`` of ``adultification.disposals``, by gravity.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each row, those of too few together, and what it cannot show.
    """
    rows = [r for r in said_rows(pooled) if r["age"] != NOT_KNOWN]
    return _with(_DISPOSAL_CAVEAT, each(rows, words, _disposal))


@wording.said
def foreseen(ratios: Released, words: Words) -> list[str]:
    """Say, for each group and assessed level, whether as many reoffended as of others assessed alike.

    Parameters
    ----------
    ratios : Released
        Relative rates of ``adultification.foreseen``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each row, those of too few together, and what it cannot show.
    """
    rows = [r for r in said_rows(ratios) if r["assessed"] != NOT_KNOWN]
    return _with(_FORESEEN_CAVEAT, each(rows, words, _foreseen))


# -- inside ------------------------------------------------------------------------------------------


def _with(caveat: str, said: list[str]) -> list[str]:
    return [*said, caveat] if said else []


def _entry(row: dict, words: Words) -> tuple[str, str, str]:
    who, other = people(row, words)
    did = f"who {words.did(str(row['base']).removeprefix(FIRST))} for the first time"
    age = f"were {wording.clean(row['stage'])}"
    return f"of {who} {did}, {percent_of(row)}{age}", f"the share among {other}", f"{did} {age}"


def _disposal(row: dict, words: Words) -> tuple[str, str, str]:
    who, other = people(row, words)
    alike = f"aged {wording.clean(row['age'])} who {words.did(row['base'])}, alike in gravity,"
    did = words.did(row["stage"])
    return f"of {who} {alike} {percent_of(row)}{did}", f"the share among {other} alike", f"{alike} {did}"


def _foreseen(row: dict, words: Words) -> tuple[str, str, str]:
    who, other = people(row, words)
    level, did = f"assessed as {wording.clean(row['assessed'])}", words.did(row["stage"])
    return (
        f"of {who} {level}, {percent_of(row)}{did}",
        f"the share among {other} assessed alike",
        f"{level} {did}",
    )
