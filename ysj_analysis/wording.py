"""How do we write a number, a group, a stage and a period? The small words of every page.

Marks follow the Government Statistical Service's shorthand: ``[c]`` confidential, ``[z]`` not
applicable, ``[x]`` not available.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import formulas
from .absent import instead
from .once import once
from .vocabulary import BROAD_LABELS, POPULATION, STAGES, UNKNOWN, Stage, period_label

MINUS = "\N{MINUS SIGN}"
CONFIDENTIAL, NOT_APPLICABLE, NOT_AVAILABLE = "[c]", "[z]", "[x]"

MARKS = {
    CONFIDENTIAL: "confidential: too few children to show",
    NOT_APPLICABLE: "not applicable",
    NOT_AVAILABLE: "not available: not recorded, out of a number that is not known, or too much still undecided",
}

_MARK_OF = {
    "suppressed": CONFIDENTIAL,
    "immature": NOT_AVAILABLE,
    "no_denominator": NOT_AVAILABLE,
    "no_data": NOT_AVAILABLE,
}
SEXES = {"female": "girls", "male": "boys"}
"""What to call the children of a sex."""

_PERCENT = frozenset({"proportion", "risk_difference"})


# Control characters, those that turn the direction of writing, and what XML cannot hold.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_ISOLATED = "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"


def clean(label: object) -> str:
    r"""Take out of a label what would disturb the text around it.

    Examples
    --------
    >>> clean("White\u202e\nand\x00 Black")
    'White and Black'
    """
    return re.sub(r"[\t\r\n]+", " ", _HARMFUL.sub("", str(label)))


NO_EVIDENCE = "This is not evidence that there is no difference."
"""What ends a sentence on rates that cannot be told apart."""

NO_EVIDENCE_ANYWHERE = (
    "Where it says that something cannot be told apart, that is not evidence that there is no difference."
)
"""What closes several such sentences; on a page it stands after the first, and holds for all that follow."""


class Said(str):
    """Words computed from a released table. A plain text with a number in it cannot be shown."""


def said(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark what a function says of released tables as such: a text, or a list of them."""

    @instead(lambda none: [Said(clean(none.why))])
    @functools.wraps(function)
    def saying(*arguments, **named):
        result = function(*arguments, **named)
        return Said(result) if isinstance(result, str) else [Said(text) for text in result]

    return saying


def mark(note: str) -> str:
    """Choose the mark that stands where a number is missing.

    Examples
    --------
    >>> mark("suppressed"), mark("reference"), mark("immature")
    ('[c]', '[z]', '[x]')
    """
    return next((m for n, m in _MARK_OF.items() if n in note), NOT_APPLICABLE)


def missing(column: str, row: Mapping, counts=("events", "denominator")) -> str:
    """Choose the mark of one empty cell of a released table, on the page and in its CSV alike.

    Parameters
    ----------
    column : str
        The cell's column.
    row : mapping
        Its row.
    counts : sequence of str
        Which columns are printed counts: these are empty because they are hidden, unless the row's
        ``note`` gives another reason.

    Returns
    -------
    str
        ``[c]``, ``[z]`` or ``[x]``.

    Examples
    --------
    >>> rate = {"measure": "rate_per_1000", "base": "population", "note": "suppressed"}
    >>> [missing(c, rate) for c in ("events", "denominator", "estimate", "reference_events")]
    ['[c]', '[x]', '[c]', '[z]']
    """
    note = str(row.get("note", ""))
    if elsewhere := {"immature", "no_data", "no_number"} & set(note.split()):
        return mark(elsewhere.pop())
    one_group = not formulas.compares([str(row.get("measure", ""))])[0]
    if one_group and column in ("reference_events", "reference_denominator", "p_value"):
        return NOT_APPLICABLE
    if column.endswith("denominator") and row.get("base") == POPULATION:
        return NOT_AVAILABLE
    if column in counts or column.endswith(("events", "denominator")):
        return CONFIDENTIAL
    if note == "no_denominator" and 0 in (row.get("denominator"), row.get("reference_denominator")):
        return NOT_APPLICABLE
    return mark(note)


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
        return NOT_APPLICABLE
    name = measure.partition("_per_")[0]
    if name in _PERCENT:
        text = f"{100 * value:.1f}" + ("%" if name == "proportion" else " points")
    elif name.startswith("events_above"):
        text = f"{value:,.0f}"
    else:
        text = f"{value:,.2f}"
    return signed(text)


_MEASURES = {
    "rate": "Rate",
    "proportion": "Share of the stage before",
    "rate_ratio": "Relative rate, of the population",
    "risk_ratio": "Relative rate, of the stage before",
    "complement_ratio": "Complement ratio",
    "odds_ratio": "Odds ratio",
    "rate_difference": "Gap in rates",
    "risk_difference": "Gap in shares",
    "representation_index": "Representation index",
    "events_above_parity": "Number above parity",
    "events_above_share": "Number above the share of the base",
    "events_above_stage_parity": "Number above parity at one decision",
    "mantel_haenszel_rate_ratio": "Relative rate among like cases, of the population",
    "mantel_haenszel_risk_ratio": "Relative rate among like cases, of the stage before",
    "adjusted_rate_ratio": "Adjusted relative rate, of the population",
    "adjusted_risk_ratio": "Adjusted relative rate, of the stage before",
    "adjusted_rate_difference": "Adjusted gap in rates",
    "adjusted_risk_difference": "Adjusted gap in shares",
    "shrunk_proportion": "Share in a stratum, shrunk",
    "frequency_in_cohort": "Reoffences for each child",
    "frequency_of_reoffenders": "Reoffences for each child who reoffended",
    "median_months": "Median length in months",
    "median_days": "Median wait in days",
    "restricted_mean_days": "Mean wait in days, up to a horizon",
    "restricted_mean_difference_days": "Difference in mean wait in days",
}


def measure(code: str) -> str:
    """Name a measure as a reader would.

    Examples
    --------
    >>> measure("rate_per_1000"), measure("rate_ratio")
    ('Rate per 1,000', 'Relative rate, of the population')
    """
    name, _, per = code.partition("_per_")
    return _MEASURES.get(name, name.replace("_", " ")) + (f" per {int(per):,}" if per else "")


def signed(text: str) -> str:
    """Write a negative number with a minus sign, and what rounds to nothing without one.

    Examples
    --------
    >>> signed("-12"), signed("-0.00")
    ('−12', '0.00')
    """
    return text.replace("-", MINUS) if re.search("[1-9]", text) else text.replace("-", "")


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


def lower(label: str) -> str:
    """Write a label inside a sentence; an abbreviation keeps its capitals.

    Examples
    --------
    >>> lower("Stop and search"), lower("RLAA")
    ('stop and search', 'RLAA')
    """
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


@dataclass(frozen=True)
class Words:
    """The words of one study: its stages, its periods, and how its groups are spoken of."""

    stages: Mapping[str, Stage] = field(default_factory=lambda: STAGES)
    period: str = "financial"
    own_groups: bool = False

    @classmethod
    @once
    def of(cls, study) -> Words:
        """Take the words of a study."""
        return cls(study.stages, study.period, study.base == "own")

    rates_note = (
        "A rate of the population is per 1,000 child-years; other figures are shares of those in 'Out of'. The gap is "
        "in the same units. The complement ratio compares those who did not reach the stage. 'Above parity' is how "
        "many more there are than at the rate of the group compared with. Those of unknown ethnicity have a table "
        "of their own, on how far the data can be trusted."
    )
    """What stands under a table of stages."""

    def known(self, study) -> list[str]:
        """List the groups of known ethnicity."""
        return [g for g in study.groups if g != UNKNOWN]

    def group(self, group: str) -> str:
        """Label a group in a table, in a word or as the study names it."""
        return {UNKNOWN: "Not known", "all": "All"}.get(str(group), clean(group))

    def full(self, group: str) -> str:
        """Give the full name of a group, to be said once.

        Examples
        --------
        >>> Words().full("Asian"), Words(own_groups=True).full("Black")
        ('Asian or Asian British', 'Black')
        """
        return clean(group) if self.own_groups else BROAD_LABELS.get(str(group), clean(group))

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
            "Other": f"{noun} of {'the group Other' if self.own_groups else 'other ethnic groups'}",
            UNKNOWN: f"{noun} of unknown ethnicity",
            "all-others": f"all other {noun}",
            "overall": f"all {noun}",
        }
        name = clean(group)
        leftward = any(unicodedata.bidirectional(c) in ("R", "AL") for c in name)
        who = special.get(str(group), f"{_ISOLATED.format(name) if leftward else name} {noun}")
        return who if unit == "children" else f"{unit} of {who}"

    def stage(self, stage: str) -> str:
        """Label a stage in a table; or a table of the study, where that stands in its place.

        Examples
        --------
        >>> Words().stage("rlaa"), Words().stage("events.csv")
        ('Remand to local authority accommodation', 'The table of events')
        """
        if str(stage).endswith(".csv"):
            return f"The table of {clean(stage).removesuffix('.csv')}"
        return clean(self.stages[str(stage)].label if str(stage) in self.stages else stage)

    def did(self, stage: str) -> str:
        """Say what happened at a stage: ``were arrested``."""
        return clean(self.stages[str(stage)].did)

    def out_of(self, base: str, unit: str = "children") -> str:
        """Say what a denominator counts."""
        if str(base) == POPULATION:
            return "child-years aged 10 to 17"
        return f"{unit} {'who' if unit == 'children' else 'that'} {self.reached(base, unit)}"

    def reached(self, stage: str, unit: str = "children") -> str:
        """Say of a unit what happened at a stage: children are arrested, episodes reach arrest.

        Examples
        --------
        >>> Words().reached("charge"), Words().reached("charge", "episodes")
        ('were charged', 'reached charge')
        """
        return f"reached {lower(self.stage(stage))}" if unit in ("episodes", "offences") else self.did(stage)

    def one(self, unit: str, number: float) -> str:
        """Give a unit in the singular or the plural.

        Examples
        --------
        >>> Words().one("children", 1), Words().one("episodes", 2)
        ('child', 'episodes')
        """
        if number != 1:
            return unit
        return (
            "child"
            if unit == "children"
            else unit.removesuffix("es")
            if unit == "searches"
            else unit.removesuffix("s")
        )

    def span(self, counts) -> str:
        """Write the last period that a table of counts covers; a stage with another says so itself."""
        last = int(counts["year"].max())
        return period_label(last, int(counts.loc[counts["year"] == last, "years"].max()), self.period)

    def when(self, row) -> str:
        """Write the period of a row."""
        return period_label(int(row["year"]), int(row.get("years", 1)), self.period)
