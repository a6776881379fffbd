"""How do we say what a declared rule flags? The rule first, then each flag with its counts, and what it is not."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from . import wording
from .absent import instead
from .disclosure import Released, require
from .monitor import Rule
from .sentences import finding
from .wording import Words

_MEANS = (
    "A flag is a reason to explain or to change, not a finding of why; what is not flagged is not shown to "
    "be even."
)
_ABOUT = ("stage", "base", "group", "reference")
_HOW = {"flagged": "Flagged", "watch": "On watch", "progress": "Held back for progress"}


@wording.said
def flags(last: Released, words: Words, *, rule: Rule, stages: Sequence[str] = ()) -> list[str]:
    """Say the rule, and each flag of the last period.

    Parameters
    ----------
    last : Released
        Of ``early_warning.flagged``, then ``early_warning.last_period``.
    words : Words
        The study's words.
    rule : Rule
        The rule, as it was declared.
    stages : sequence of str
        Which stages it was held against; all if empty.

    Returns
    -------
    list of str
        The rule; a sentence or two for each flag; how many could not be assessed; what a flag means.
    """
    table = require(last).table
    said = [
        " ".join(
            [
                f"The rule, declared before looking: {rule}.",
                *_how_it_reads(rule, words),
                *_held_against(stages, words),
            ]
        )
    ]
    found = table[table["flag"].isin(list(_HOW))]
    said += [
        f"{_HOW[row['flag']]}, {row['periods_beyond']} period{'s' if row['periods_beyond'] > 1 else ''} running. "
        f"{finding(row, words)}"
        for row in found.to_dict("records")
    ] or ["By this rule nothing is flagged in the last period."]
    return [*said, *_not_assessed(table), _MEANS]


@instead(lambda none: [])
@wording.said
def not_listed(last: Released, listed: Released, words: Words) -> list[str]:
    """Say which flags of the last period nobody has put on the list of what is done about them.

    Parameters
    ----------
    last : Released
        Of ``early_warning.flagged``, then ``early_warning.last_period``.
    listed : Released
        From ``actions.listed``, of the same area.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        One sentence that names them, or nothing.
    """
    flagged = require(last).table
    flagged = flagged[flagged["flag"].eq("flagged")]
    have = set(require(listed).table[list(_ABOUT)].astype(str).itertuples(index=False, name=None))
    new = [row for row in flagged.to_dict("records") if tuple(str(row[c]) for c in _ABOUT) not in have]
    groups: dict[str, list[str]] = {}
    for row in new:
        groups.setdefault(words.people(row["group"], row["unit"]), []).append(
            wording.lower(words.stage(row["stage"]))
        )
    named = [f"{who} ({wording.join(stages)})" for who, stages in groups.items()]
    return [f"Flagged by the rule, and not on this list yet: {wording.join(named)}."] if new else []


def _not_assessed(table: pd.DataFrame) -> list[str]:
    """Say how many comparisons could not be assessed, and why."""
    if table.empty or (first := table.iloc[0])["not_assessed"] == "0":
        return []
    nobody = int(first["without_base"])
    few = int(first["not_assessed"]) - nobody
    why = ", because too few children are in them"
    if nobody:
        too_few = f"{few} with too few children and " if few else ""
        why = f": {too_few}{nobody} out of a number not known"
    return [f"{first['not_assessed']} of {first['compared']} comparisons could not be assessed{why}."]


def _held_against(stages: Sequence[str], words: Words) -> list[str]:
    """Say which stages a public report looks at, and where the others are."""
    if not stages:
        return []
    named = wording.join([wording.lower(words.stage(s)) for s in stages])
    return [
        f"It is held here against {named} alone: to print every stage in these periods too would give counts away. The "
        "restricted edition holds it against all of them."
    ]


def _how_it_reads(rule: Rule, words: Words) -> list[str]:
    """Say what a rule does that its own words do not: the favourable side, and the interval."""
    good = [
        wording.lower(words.stage(s)) for s, stage in words.stages.items() if stage.polarity == "favourable"
    ]
    turned = (
        f"Where it is better for a child to reach a stage ({wording.join(good)}), a ratio below "
        f"{rule.favourable.threshold:g} counts instead."
    )
    alone = "The rule looks at the ratio and not at its interval, so what it flags may still be chance."
    return [*([turned] if good else []), *([alone] if rule.measured_by == "estimate" else [])]
