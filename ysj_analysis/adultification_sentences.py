"""How do we say how old children are met as being? Age at entry, disposals of like cases, what assessments foresaw.

Four voices each, from released ratios; and what such a count cannot show, said with it.
"""

from __future__ import annotations

from . import wording
from .adultification import FIRST
from .disclosure import Released
from .like_cases import NOT_KNOWN
from .sentence_parts import four_voices, people, percent_of, said_rows
from .wording import Words

ENTRY_CAVEAT = (
    "Age at entry is that at the first record in these data. A younger age can come from where and when children are "
    "met, from what is recorded, or from circumstances: it says nothing of why."
)
DISPOSAL_CAVEAT = (
    "Children of one band of gravity are alike in that and in age, and in nothing else that is known. Gravity is that "
    "of the offence recorded, which earlier decisions may have shaped."
)
FORESEEN_CAVEAT = (
    "These are shares of groups of children. They are no score, foretell nothing of any one child, and must not be "
    "used to decide about one. Reoffending here is what was detected and proven, so a group that is met by the police "
    "more often reoffends more often on paper."
)


@wording.said
def entry(ratios: Released, words: Words) -> list[str]:
    """Say, for each group and age, whether more or fewer of its children were of that age when they first entered.

    Parameters
    ----------
    ratios : Released
        Relative rates of ``adultification.entry_ages``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each group and age, and what it cannot show.
    """
    rows = [r for r in said_rows(ratios) if not str(r["stage"]).endswith(NOT_KNOWN)]
    return _with(ENTRY_CAVEAT, [_entry(r, words) for r in rows])


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
        A sentence for each row, and what it cannot show.
    """
    return _with(DISPOSAL_CAVEAT, [_disposal(r, words) for r in said_rows(pooled) if r["age"] != NOT_KNOWN])


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
        A sentence for each row, and what it cannot show.
    """
    rows = [r for r in said_rows(ratios) if r["assessed"] != NOT_KNOWN]
    return _with(FORESEEN_CAVEAT, [_foreseen(r, words) for r in rows])


# -- inside ------------------------------------------------------------------------------------------


def _with(caveat: str, said: list[str]) -> list[str]:
    return [*said, caveat] if said else []


def _entry(row: dict, words: Words) -> str:
    who, other = people(row, words)
    did = f"{words.did(str(row['base']).removeprefix(FIRST))} for the first time"
    age = wording.clean(row["stage"])
    return four_voices(
        row,
        words,
        lead=f"of {who} who {did}, {percent_of(row)}were {age}",
        against=f"the share among {other}",
        few=f"too few {who} or {other} who {did} were {age} to compare",
    )


def _disposal(row: dict, words: Words) -> str:
    who, other = people(row, words)
    alike = f"aged {wording.clean(row['age'])} who {words.did(row['base'])}, alike in gravity"
    did = words.did(row["stage"])
    return four_voices(
        row,
        words,
        lead=f"of {who} {alike}, {percent_of(row)}{did}",
        against=f"the share among {other} alike",
        few=f"too few {who} or {other} {alike}, {did} to compare",
    )


def _foreseen(row: dict, words: Words) -> str:
    who, other = people(row, words)
    level = f"assessed as {wording.clean(row['assessed'])}"
    return four_voices(
        row,
        words,
        lead=f"of {who} {level}, {percent_of(row)}{words.did(row['stage'])}",
        against=f"the share among {other} assessed alike",
        few=f"too few {who} or {other} {level} {words.did(row['stage'])} to compare",
    )
