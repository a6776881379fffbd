"""Which labels of an export does the kit know? Proposals for a person to check, never used to convert.

A label is known whole or not at all. What is missing here is left as ``"?"`` in a draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from . import code_lists
from .case_fields import NOT_COUNTED, plain

_CODE_AND_LABEL = re.compile(r"([A-Z]{1,4}[0-9]{0,2})\s*[-–:.)]?\s+(.+)|(.+)\s+\(([A-Z]{1,4}[0-9]{0,2})\)")
_SELF = tuple(n for n, s in code_lists.SCHEMES.items() if s.who == "self" and s.detail == "detailed")


@cache
def _ethnicities() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for scheme in _SELF:
        for label, code in code_lists.labels(scheme).items():
            found.setdefault(plain(label), set()).add(code)
    return {label: frozenset(codes) for label, codes in found.items()}


def ethnicity(label: str) -> str | None:
    """Say which detailed group a label means, if every code list that has it agrees.

    Parameters
    ----------
    label : str
        A code, a label, or both (``A1 - Indian``), which must then agree.

    Returns
    -------
    str or None
        The detailed code.

    Examples
    --------
    >>> ethnicity("A1 - Indian"), ethnicity("Other ethnic group - Not stated"), ethnicity("A1 - Irish")
    ('A1', 'NS', None)
    """
    known = _ethnicities().get(plain(label))
    if known:
        return next(iter(known)) if len(known) == 1 else None
    match = _CODE_AND_LABEL.fullmatch(label.strip())
    if not match:
        return None
    parts = [_ethnicities().get(plain(p), frozenset()) for p in match.groups() if p]
    both = parts[0] & parts[1]
    return next(iter(both)) if len(both) == 1 else None


def _labels(meanings: Mapping[str, str]) -> dict[str, str]:
    return {plain(label): code for code, labels in meanings.items() for label in labels.split("|")}


SEX = _labels(
    {
        "male": "male|m|boy|man",
        "female": "female|f|girl|woman",
        "unknown": "not known|unknown|not recorded|not stated|u|",
    }
)
FLAG = _labels({"yes": "yes|y|true", "no": "no|n|false|none"})
CARED_FOR = FLAG | _labels({"yes": "yes - s20|yes - s31|s20|s31|lac|cla", "no": "not looked after"})
NEEDS = FLAG | _labels({"yes": "ehcp|ehc plan|sen support", "no": "no sen|no special educational need"})
UNDECIDED = _labels({"undecided": "awaiting outcome|pending", "acquitted": "found not guilty|acquitted"})
SOURCE = _labels(
    {
        "self": "self|self-defined|self defined|self-declared|child",
        "officer": "officer|officer-defined|officer defined|police|officer perceived",
        "school": "school|school census|education",
        "unknown": "unknown|not known|not recorded|",
    }
)
_GROUPS = (
    "arson|breach of bail|breach of conditional discharge|breach of statutory order|criminal damage|"
    "death or injury by dangerous driving|domestic burglary|drugs|fraud and forgery|motoring|"
    "non-domestic burglary|other|public order|racially aggravated|robbery|sexual offences|"
    "theft and handling stolen goods|theft and handling|vehicle theft|violence against the person"
)
_OFFENCE_GROUPS = {plain(group): group for group in _GROUPS.split("|")}
"""Offence groups of the Youth Justice Board, from memory: a draft proposes them, a person confirms."""

_STAGES = {
    "arrest": "arrest|arrested",
    "no_further_action": "no further action|nfa|nfa - police|nfa - cps|released no further action",
    "released_under_investigation": "released under investigation|rui",
    "diversion": "community resolution|triage|outcome 20|outcome 21|outcome 22|turnaround|diversion",
    "caution": "youth caution|youth conditional caution|yc|ycc",
    "charge": "charge|charged|charged to court|summons / charged by post|postal requisition",
    "remand_decision bail": "unconditional bail|conditional bail|court bail",
    "remand_decision community_remand": "bail supervision and support|bss|iss bail|bail iss",
    "remand_decision rlaa": "remand to local authority accommodation|rlaa",
    "remand_decision yda": "remand to youth detention accommodation|rtyda|yda|remanded in custody",
    "convicted": "found guilty|pleaded guilty|convicted|guilty|guilty plea",
    "sentenced first_tier": "absolute discharge|conditional discharge|bind over|fine|compensation order|"
    "referral order|reparation order|sentence deferred",
    "sentenced community": "youth rehabilitation order|yro|yro with iss|youth rehabilitation order with iss|"
    "yro with intensive fostering",
    "sentenced custody": "detention and training order|dto|section 250|section 259|section 90|section 91|"
    "section 226|section 228|section 254",
    "first_time_entrant": "first time entrant|fte",
    "intervention": "programme start|intervention start",
    NOT_COUNTED: "breach of bail|transferred out|penalty notice for disorder",
}
STAGE: Mapping[str, tuple[str, ...]] = {
    label: ((stages,) if stages == NOT_COUNTED else tuple(stages.split()))
    for label, stages in _labels(_STAGES).items()
}
"""Outcomes and the stages they reach. Tiers of sentences: from memory, a person confirms."""

_DRAFTS: Mapping[str, Mapping[str, object]] = {
    "sex": SEX,
    "looked_after": CARED_FOR,
    "send": NEEDS,
    "ethnicity_source": SOURCE,
    "offence_group": _OFFENCE_GROUPS,
    "stage": STAGE,
    "outcome": UNDECIDED
    | {label: stages[-1] for label, stages in STAGE.items() if NOT_COUNTED not in stages},
}


def meaning(name: str, label: str) -> object | None:
    """Propose what a label of a coded field means; None where the kit does not know it.

    Parameters
    ----------
    name : str
        The coded field.
    label : str
        As in the file.

    Returns
    -------
    str, tuple of str or None
        A code; for ``stage`` a tuple of stages.

    Examples
    --------
    >>> meaning("stage", "Referral Order"), meaning("sex", "F"), meaning("stage", "Youth Cauton")
    (('sentenced', 'first_tier'), 'female', None)
    """
    if name == "ethnicity":
        return ethnicity(label)
    return _DRAFTS.get(name, {}).get(plain(label))
