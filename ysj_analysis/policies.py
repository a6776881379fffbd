"""By which rule is a count printed? Small counts are hidden, others rounded, and the two line up."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

import numpy as np


class DisclosureError(ValueError):
    """A policy that does not protect, or something shown that was not released."""


# The numbers of a text. Years, and ranges such as ages 10 to 17 or gravity 1 to 8, count nothing; nor do parts of a
# date, a code, a decimal, a percentage or what stands in quotation marks. Every other number is taken for a count.
_NUMBER = re.compile(
    r"(?<![\w.,-])(?:(?:\d|1[0-8]) to (?:\d|1[0-8])|(?:19|20)\d\d)\b(?!,\d)"
    r"|(?<![\w.,'\"+-])(?<!key )(?P<count>\d+(?:,\d{3})*)(?![\w%'\"+-]|[.,:]\d)"
)


def counts_of(text: str) -> list[int]:
    """List the numbers of a text that count something.

    Examples
    --------
    >>> counts_of("5 empty cells of 1,412 rows, ages 10 to 17, census 2021: self 449, school 3")
    [5, 1412, 449, 3]
    """
    found = (number["count"] for number in _NUMBER.finditer(text))
    return [int(count.replace(",", "")) for count in found if count]


def without_counts(text: str) -> str:
    """Say a text without the numbers that count something.

    Examples
    --------
    >>> without_counts("5 empty cells of 1,412 rows, ages 10 to 17, census 2021")
    '# empty cells of # rows, ages 10 to 17, census 2021'
    """
    return _NUMBER.sub(lambda number: "#" if number["count"] else number[0], text)


@dataclass(frozen=True)
class Policy:
    """The rule by which counts are printed. Frozen, and printed at the end of every report.

    Attributes
    ----------
    name : str
        Which rule this is.
    heading : str
        What stands at the head of everything printed by it.
    hidden_below : int
        Counts below this, 0 included, are printed ``[c]``.
    round_to : int
        Other counts are rounded to the nearest multiple. The smallest printed count must stand for as
        many true counts as any other, so ``hidden_below`` must be the lower end of a rounding bin.
    ratio_events, ratio_base : int
        A comparison is shown only if both its printed counts and both its printed denominators reach
        these.
    """

    name: str
    heading: str
    hidden_below: int
    round_to: int
    ratio_events: int
    ratio_base: int

    def __post_init__(self):
        if self.round_to < 1 or self.round_to % 2 == 0:
            raise DisclosureError(
                f"policy {self.name}: counts are rounded to {self.round_to}; use an odd number."
            )
        if self.hidden_below < 0 or (self.hidden_below == 0 and self.round_to > 1):
            raise DisclosureError(
                f"policy {self.name}: hiding counts below {self.hidden_below} hides none, and a printed 0 would "
                f"stand for fewer true counts than any other. Hide below {self.half + 1} or more."
            )
        over = (self.hidden_below + self.half) % self.round_to
        if self.hidden_below and over:
            lower = self.hidden_below - over
            either = [str(n) for n in (lower, lower + self.round_to) if n > 0]
            raise DisclosureError(
                f"policy {self.name}: hiding counts below {self.hidden_below} does not line up with rounding to "
                f"{self.round_to}: the smallest printed count would stand for fewer than {self.round_to} true "
                f"counts. Hide below {' or '.join(either)}."
            )

    @property
    def half(self) -> int:
        """How far a printed count can be from the true one."""
        return self.round_to // 2

    @property
    def protects(self) -> bool:
        """Whether any count is hidden or rounded."""
        return self.hidden_below > 0 or self.round_to > 1

    @property
    def published_as(self) -> Policy:
        """By which rule the same figures are published: its own, where it protects.

        Examples
        --------
        >>> RESTRICTED.published_as.name, ONS.published_as.name
        ('public', 'ons')
        """
        return self if self.protects else PUBLIC

    def printed(self, counts) -> np.ndarray:
        """Print counts: NaN where hidden, else rounded to the nearest multiple.

        Examples
        --------
        >>> PUBLIC.printed([0, 7, 8, 12, 13, 6510]).tolist()
        [nan, nan, 10.0, 10.0, 15.0, 6510.0]
        """
        true = np.asarray(counts, float)
        rounded = np.floor((true + self.half) / self.round_to) * self.round_to
        return np.where(true >= self.hidden_below, rounded, np.nan)

    def words(self, text: str, *, hidden: Container[int] = ()) -> str:
        """Print the counts inside a text, such as a line of a ledger, by the same rule.

        A whole number is taken for a count, unless it is a year, part of a range up to 18 (of ages, of gravity), of a
        date, a code or a percentage, or in quotation marks.

        Parameters
        ----------
        text : str
            With true counts.
        hidden : container of int
            Which of its counts, from 0 on, the joint audit hid.

        Returns
        -------
        str
            With printed ones.

        Examples
        --------
        >>> PUBLIC.words("5 empty cells of 412 rows, ages 10 to 17, census 2021: self 449, school 3")
        '[c] empty cells of 410 rows, ages 10 to 17, census 2021: self 450, school [c]'
        """
        if not self.protects:
            return text
        printed = iter(enumerate(self.printed(counts_of(text))))

        def one(found: re.Match) -> str:
            if not found["count"]:
                return found[0]
            number, value = next(printed)
            return "[c]" if np.isnan(value) or number in hidden else f"{value:,.0f}"

        return _NUMBER.sub(one, text)

    def could_print(self, counts) -> np.ndarray:
        """Say of each number whether it can be a printed count, or a sum of such: a missing one can.

        Examples
        --------
        >>> PUBLIC.could_print([10, 12, float("nan"), 5]).tolist()
        [True, False, True, False]
        """
        shown = np.asarray(counts, float)
        whole = shown % self.round_to == 0 if self.round_to > 1 else True
        return np.isnan(shown) | (whole & (shown >= self.hidden_below))

    def sentence(self) -> str:
        """Say the rule in words, for the methods section of a report."""
        if not self.protects:
            return f"{self.heading}: counts are shown as they are."
        return (
            f"{self.heading}: counts of 0 to {self.hidden_below - 1} are shown as [c] and all others are rounded "
            f"to the nearest {self.round_to}, so totals may not add. A further count is shown as [c] where one "
            "of these could be worked out from it, in this edition or beside an earlier one. Every rate, ratio "
            f"and interval is computed from the printed counts. A comparison is shown only if both counts are at least "
            f"{self.ratio_events} and both bases at least {self.ratio_base}, and its interval is widened for "
            "the rounding."
        )


PUBLIC = Policy("public", "Public edition", 8, 5, 10, 30)
"""0 to 7 hidden, nearest 5: the pairing OpenSAFELY and NHS England use. A printed 10 means 8 to 12."""

ONS = Policy("ons", "Public edition", 13, 5, 15, 30)
"""Hides at least what census tables hide (0 to 9), moved up to 12 to line up with rounding to 5."""

RESTRICTED = Policy("restricted", "OFFICIAL-SENSITIVE: restricted edition", 0, 1, 0, 0)
"""True counts, for the management board. Never a default."""

WORKING = Policy("working", "Working figures, not for publication", 0, 1, 0, 0)
"""True counts on the analyst's own screen. A report refuses them."""

PUBLISHED = Policy("published", "Figures already published", 0, 1, 0, 0)
"""Figures that someone has already published; each table names its source."""

EDITIONS = {"public": PUBLIC, "ons": ONS, "restricted": RESTRICTED}


def policy(edition: str) -> Policy:
    """Look up the policy of an edition.

    Parameters
    ----------
    edition : {"public", "ons", "restricted"}
        Its name.

    Returns
    -------
    Policy
        The rule by which counts are printed.

    Raises
    ------
    DisclosureError
        If there is no such edition.

    Examples
    --------
    >>> policy("public").hidden_below, policy("public").round_to
    (8, 5)
    """
    if edition not in EDITIONS:
        raise DisclosureError(f"edition is {edition!r}; it must be one of {', '.join(EDITIONS)}.")
    return EDITIONS[edition]
