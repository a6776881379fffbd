"""How do we write a number, a group, a stage and a period? The small words of every page.

Marks follow the Government Statistical Service's shorthand: ``[c]`` confidential, ``[z]`` not
applicable, ``[x]`` not available.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from . import formulas
from .vocabulary import BROAD_LABELS, POPULATION, STAGES, UNKNOWN, Stage, period_label

MINUS = "\N{MINUS SIGN}"
CONFIDENTIAL, NOT_APPLICABLE, NOT_AVAILABLE = "[c]", "[z]", "[x]"

MARKS = {
    CONFIDENTIAL: "confidential: too few children to show",
    NOT_APPLICABLE: "not applicable",
    NOT_AVAILABLE: "not available: not recorded, or too much still undecided",
}

_MARK_OF = {"suppressed": CONFIDENTIAL, "immature": NOT_AVAILABLE, "no_denominator": NOT_AVAILABLE}
_PERCENT = frozenset({"proportion", "risk_difference"})


def mark(note: str) -> str:
    """Choose the mark that stands where a number is missing.

    Examples
    --------
    >>> mark("suppressed"), mark("reference"), mark("immature")
    ('[c]', '[z]', '[x]')
    """
    return next((m for n, m in _MARK_OF.items() if n in note), NOT_APPLICABLE)


def count(value: float, note: str = "suppressed") -> str:
    """Write a count with thousands separators, or the mark that stands for it.

    Examples
    --------
    >>> count(6510.0), count(float("nan"))
    ('6,510', '[c]')
    """
    return mark(note) if np.isnan(value) else f"{value:,.0f}"


def number(value: float, measure: str, note: str = "suppressed") -> str:
    """Write a measure in its own units: ratios and rates to 2 places, proportions as percentages.

    Examples
    --------
    >>> number(1.8, "rate_ratio"), number(0.4523, "proportion"), number(-12.0, "events_above_parity")
    ('1.80', '45.2%', '−12')
    """
    if np.isnan(value):
        return mark(note)
    if np.isinf(value):
        return "no upper limit"
    name = str(formulas.split([measure])[0][0])
    if name in _PERCENT:
        text = f"{100 * value:.1f}" + ("%" if name == "proportion" else " points")
    elif name.startswith("events_above"):
        text = f"{value:,.0f}"
    else:
        text = f"{value:,.2f}"
    return text.replace("-", MINUS)


def interval(low: float, high: float, measure: str, note: str = "suppressed") -> str:
    """Write an interval, or the mark that stands for it.

    Examples
    --------
    >>> interval(1.75, 1.86, "rate_ratio"), interval(1.2, float("inf"), "rate_ratio")
    ('1.75 to 1.86', 'at least 1.20')
    """
    if np.isnan(low) or np.isnan(high):
        return mark(note)
    if np.isinf(high):
        return f"at least {number(low, measure)}"
    upper = number(high, measure)
    return number(low, measure).removesuffix("%").removesuffix(" points") + " to " + upper


def join(parts: list[str]) -> str:
    """List things in a sentence.

    Examples
    --------
    >>> join(["Asian", "Black", "Mixed"])
    'Asian, Black and Mixed'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


@dataclass(frozen=True)
class Words:
    """The words of one study: its stages, its periods, and how its groups are spoken of."""

    stages: Mapping[str, Stage] = field(default_factory=lambda: STAGES)
    period: str = "financial"

    @classmethod
    def of(cls, study) -> Words:
        """Take the words of a study."""
        return cls(study.stages, study.period)

    def group(self, group: str) -> str:
        """Label a group in a table."""
        return BROAD_LABELS.get(str(group), str(group))

    def people(self, group: str, unit: str = "children") -> str:
        """Speak of a group in a sentence.

        Examples
        --------
        >>> Words().people("Black"), Words().people("Other"), Words().people("all-others", "episodes")
        ('Black children', 'children of other ethnic groups', 'episodes of all other children')
        """
        noun = "people" if unit == "cases" else "children"
        special = {
            "Mixed": f"Mixed-heritage {noun}",
            "Other": f"{noun} of other ethnic groups",
            UNKNOWN: f"{noun} of unknown ethnicity",
            "all-others": f"all other {noun}",
            "overall": f"all {noun}",
        }
        who = special.get(str(group), f"{group} {noun}")
        return who if unit == "children" else f"{unit} of {who}"

    def stage(self, stage: str) -> str:
        """Label a stage in a table."""
        return self.stages[str(stage)].label if str(stage) in self.stages else str(stage)

    def did(self, stage: str) -> str:
        """Say what happened at a stage: ``were arrested``."""
        return self.stages[str(stage)].did

    def out_of(self, base: str, unit: str = "children") -> str:
        """Say what a denominator counts."""
        if str(base) == POPULATION:
            return "child-years aged 10 to 17"
        return f"{unit} who {self.did(base)}" if unit == "children" else f"{unit} that {self.did(base)}"

    def span(self, counts) -> str:
        """Write the whole period that a table of counts covers."""
        last, first = int(counts["year"].max()), int((counts["year"] - counts["years"] + 1).min())
        return period_label(last, last - first + 1, self.period)

    def when(self, row) -> str:
        """Write the period of a row."""
        return period_label(int(row["year"]), int(row.get("years", 1)), self.period)
