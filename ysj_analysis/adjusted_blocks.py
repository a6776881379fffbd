"""What may be adjusted for, and what only with a word about it? Named blocks of covariates.

Adjusting for what a decision already shaped takes away part of what one looks for. Where a child is remanded,
how it pleads, what a practitioner makes of its risk: each may carry the disparity on its way to the outcome.
Such a covariate is a mediator. It may be used, but only marked as one, and every row then says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .vocabulary import STAGES

RAW = "raw"
"""The first block of every fit: nothing is adjusted for."""

BLOCKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "demographics": ("sex", "age", "looked_after", "send", "area", "year"),
        "offence, gravity and history": ("offence_group", "gravity", "previous"),
        "practitioner assessment": ("assessed_reoffending", "assessed_safety", "assessed_harm"),
    }
)
"""Each block and what it adds to those before it, as in the Youth Justice Board's study of 2021."""

ASSESSED = frozenset({"assessed_reoffending", "assessed_safety", "assessed_harm", "assessed_risk"})
"""A practitioner's assessment (AssetPlus): it may itself carry the disparity."""

DECIDED = frozenset(STAGES) | {
    "remand",
    "remanded",
    "plea",
    "court",
    "proposal",
    "sentence",
    "disposal",
    "tier",
    "charged_offence",
    "breach",
    "bail_conditions",
    "compliance",
}
"""Stages and what hangs on them: the decisions that a disparity may have shaped on its way."""


@dataclass(frozen=True)
class Block:
    """One step of a nested model: its name, all covariates so far, and which of them are mediators."""

    name: str
    adds: tuple[str, ...]
    columns: tuple[str, ...]
    mediators: tuple[str, ...]


def shaped(columns: Sequence[str]) -> list[str]:
    """List the columns that a disparity may have shaped: decisions of the system and assessments.

    Parameters
    ----------
    columns : sequence of str
        Names of covariates.

    Returns
    -------
    list of str
        Those among them whose name, or a word of it, is on the lists.

    Examples
    --------
    >>> shaped(["sex", "plea", "remand_status", "assessed_risk", "gravity"])
    ['plea', 'remand_status', 'assessed_risk']
    """
    named = DECIDED | ASSESSED
    return [c for c in columns if c in named or {"assessed", *named} & set(re.split(r"[_\W]+", c.casefold()))]


def nested(blocks: Mapping[str, Sequence[str]], *, mediators: Sequence[str] = ()) -> list[Block]:
    """Nest blocks: each has the covariates of all before it.

    Parameters
    ----------
    blocks : mapping of str to sequence of str
        Name to the covariates it adds, in order. The raw block comes first by itself.
    mediators : sequence of str
        Covariates that may carry the disparity; those on the lists must be among them.

    Returns
    -------
    list of Block
        The raw one first.

    Raises
    ------
    ValueError
        If a covariate is in two blocks, is the group itself, or is on the lists and not marked.

    Examples
    --------
    >>> [b.columns for b in nested({"demographics": ["sex"], "offence": ["gravity"]})]
    [(), ('sex',), ('sex', 'gravity')]
    >>> nested({"remand": ["yda"]})
    Traceback (most recent call last):
    ValueError: 1 of 1 covariates may carry the disparity to the outcome, and is not marked as a mediator: yda
    (block 'remand'). Leave it out, or pass mediators=['yda']; what remains is then no longer the whole difference.
    """
    plain = {
        name: (columns,) if isinstance(columns, str) else tuple(columns) for name, columns in blocks.items()
    }
    every = [c for columns in plain.values() for c in columns]
    twice = sorted({c for c in every if every.count(c) > 1})
    if twice or "group" in every or RAW in plain:
        raise ValueError(
            f"{len(twice) + ('group' in every) + (RAW in plain)} of {len(every)} covariates cannot be used so: "
            f"{', '.join([*twice, *['group'] * ('group' in every), *[RAW] * (RAW in plain)])}. Name each in one "
            f"block, leave out the group, and leave out {RAW!r}, which is always there."
        )
    silent = [c for c in shaped(every) if c not in mediators]
    if silent:
        where = next(name for name, columns in plain.items() if silent[0] in columns)
        is_ = "is" if len(silent) == 1 else "are"
        raise ValueError(
            f"{len(silent)} of {len(every)} covariates may carry the disparity to the outcome, and {is_} not marked as "
            f"a mediator: {', '.join(silent)} (block {where!r}). Leave it out, or pass mediators={silent!r}; what "
            "remains is then no longer the whole difference."
        )
    found, columns = [Block(RAW, (), (), ())], tuple[str, ...]()
    for name, adds in plain.items():
        columns = (*columns, *adds)
        found.append(Block(name, adds, columns, tuple(c for c in columns if c in mediators)))
    return found
