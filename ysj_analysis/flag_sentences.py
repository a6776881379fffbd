"""How do we say what a declared rule flags? The rule first, then each flag with its counts, and what it is not."""

from __future__ import annotations

from . import wording
from .disclosure import Released, require
from .monitor import Rule
from .sentences import finding
from .wording import Words

_MEANS = (
    "A flag is a reason to explain or to change, not a finding of why; what is not flagged is not shown to "
    "be even."
)
_HOW = {"flagged": "Flagged", "watch": "On watch", "progress": "Held back for progress"}


@wording.said
def flags(raised: Released, words: Words, *, rule: Rule) -> list[str]:
    """Say the rule, and each flag of the last period.

    Parameters
    ----------
    raised : Released
        Of ``early_warning.flagged``, then ``early_warning.raised``.
    words : Words
        The study's words.
    rule : Rule
        The rule, as it was declared.

    Returns
    -------
    list of str
        The rule; a sentence or two for each flag; how many could not be assessed; what a flag means.
    """
    table = require(raised).table
    said = [f"The rule, declared before looking: {rule}."]
    if table.empty:
        return [*said, "By this rule nothing is flagged in the last period.", _MEANS]
    said += [
        f"{_HOW[row['flag']]}, {row['periods_beyond']} period{'s' if row['periods_beyond'] > 1 else ''} running. "
        f"{finding(row, words)}"
        for row in table.to_dict("records")
    ]
    first = table.iloc[0]
    if first["not_assessed"] != "0":
        said.append(
            f"{first['not_assessed']} of {first['compared']} comparisons could not be assessed, because too few "
            f"children are in {'it' if first['not_assessed'] == '1' else 'them'}."
        )
    return [*said, _MEANS]
