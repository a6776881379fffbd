"""What do sentences, labels and alt texts say that no table prints?

Every number of a page is looked up among those that the tables print of the groups that its clause names.
One that is not there was computed from something else. Where the clause names one group and one stage, it
is a fact of that count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from typing import NamedTuple

import numpy as np

from .attack_facts import number

_NUMBER = re.compile(r"(?<![\w.,-])(?!(?:19|20)\d\d(?:\b|-))\d+(?:,\d{3})*(?:\.\d+)?%?(?![\w-]|,\d|\.\d)")
_CLAUSE = re.compile(r"(?<=[.:;!?])\s+|[\r\n]+")
_SETTLED = re.compile(
    r"95% (?=(?:confidence )?interval)|\d+ of \d+ (?=months)|\bseed \d+|\b(?:every|per) \d[\d,]*"
)
_COUNTED = ("events", "denominator", "reference_events", "reference_denominator", "removed", "left")
_COUNTS_WHAT = re.compile(
    r"(?: [\w-]+)? (?:children|searches|cases|episodes|offences|sentences|remands|events|were|was|had|have|of \d)"
)
_NO_NUMBER = ("year", "years", "step", "code")
_SILENT = {"style", "script", "table", "svg", "pre", "code"}
_STAGES = {
    "no further action": "no_further_action",
    "released under investigation": "released_under_investigation",
    "first-time entrant": "first_time_entrant",
    "intervention": "intervention",
    "diver": "diversion",
    "caution": "caution",
    "arrest": "arrest",
    "charged": "charge",
    "convicted": "convicted",
    "sentenced": "sentenced",
    "custod": "custody",
    "youth detention": "yda",
    "bail": "bail",
    "searched": "stop_search",
    "reoffend": "reoffended",
}


class Said(NamedTuple):
    """A number in a clause: as written, its value, the last decimal it has, and what the clause names."""

    shown: str
    value: float
    decimals: int
    clause: str
    group: str
    stage: str

    @property
    def kind(self) -> str:
        """Say what it is: ``count``, ``share``, ``ratio``, ``other`` than children, or nothing that can be told."""
        after = self.clause.partition(self.shown)[2]
        if self.shown.endswith("%"):
            return "share"
        if re.match(r" (?:times|\(95%)", after) or self.clause.endswith(f"relative rate {self.shown}"):
            return "ratio"
        if not self.decimals and _COUNTS_WHAT.match(after):
            return "count"
        return "" if self.decimals or self.clause.strip("*×+ ") == self.shown else "other"


def clauses(page: str) -> list[str]:
    """Give the text of a page outside its tables, alt texts and the labels of charts among it.

    Parameters
    ----------
    page : str
        HTML.

    Returns
    -------
    list of str
        One for each clause, white space made even.

    Examples
    --------
    >>> clauses('<p>4 were arrested. 2 were not.</p><table><tr><td>9</td></tr></table><svg aria-label="Rate 3"/>')
    ['4 were arrested.', '2 were not.', 'Rate 3']
    """
    reader = _Text()
    reader.feed(page)
    return [c for text in reader.texts for c in _CLAUSE.split(" ".join(text.split())) if c]


class _Text(HTMLParser):
    """Collects what a page says in words, each paragraph or label by itself."""

    def __init__(self):
        super().__init__()
        self.texts = [""]
        self.silent: list[str] = []
        self.label = False

    def handle_starttag(self, tag, attrs):
        self.texts += [v for k, v in attrs if k in ("aria-label", "alt", "title", "content") and v] + [""]
        if tag in _SILENT:
            self.silent.append(tag)
        self.label = tag == "text" and self.silent[-1:] == ["svg"]

    def handle_startendtag(self, tag, attrs):
        self.texts += [v for k, v in attrs if k in ("aria-label", "alt", "title", "content") and v] + [""]

    def handle_endtag(self, tag):
        if self.silent and tag == self.silent[-1]:
            self.silent.pop()
        self.label = False
        self.texts.append("")

    def handle_data(self, data):
        if not self.silent or self.label:
            self.texts[-1] += data


def said(texts: Iterable[str], groups: Mapping[str, str]) -> Iterator[Said]:
    """List the numbers in clauses that are not years.

    Parameters
    ----------
    texts : iterable of str
        Clauses, from :func:`clauses`.
    groups : mapping of str to str
        Ethnic groups, by what a page calls them.

    Yields
    ------
    Said
        With the group and the stage that its clause names, if it names one alone.
    """
    for clause in (_SETTLED.sub("", text) for text in texts):
        found = {g for name, g in groups.items() if re.search(rf"\b{re.escape(name)}\b", clause)}
        low = clause.lower()
        stages = {s for words, s in _STAGES.items() if words in low}
        for match in _NUMBER.finditer(clause):
            group, stage = (next(iter(named)) if len(named) == 1 else "" for named in (found, stages))
            if (read := number(match[0])) is not None:
                yield Said(match[0], *read, clause, group, stage)


class Printed:
    """Every number that the tables print: counts, how many more than at parity, and all."""

    def __init__(self, records: Iterable[Mapping[str, str]]):
        every: list[float] = []
        counts: list[float] = []
        above: list[float] = []
        for record in records:
            measured = record.get("measure", "").startswith("events_above")
            for column, text in record.items():
                if column in _NO_NUMBER or (value := number(text or "")) is None:
                    continue
                every.append(value[0])
                if column in _COUNTED:
                    counts.append(value[0])
                elif measured and column in ("estimate", "low", "high"):
                    above.append(value[0])
        self.every, self.counts, self.above = map(np.unique, (every, counts, above))

    def has(self, one: Said) -> bool:
        """Say whether the tables print a number, at its own precision; a share also as a percentage."""
        if one.kind == "other":
            return True
        if one.kind == "count":
            compared = " more " in one.clause or " fewer " in one.clause
            return self.near(one.value, 0.0, np.r_[self.counts, self.above] if compared else self.counts)
        reach = 0.5 * 10.0**-one.decimals * (1 + 1e-6)
        shares = self.near(one.value, reach, 100 * self.every)
        return shares or self.near(one.value, reach, self.every)

    def near(self, value: float, reach: float, printed: np.ndarray | None = None) -> bool:
        """Say whether a number lies this near to one printed, above zero or below."""
        pool = self.every if printed is None else printed
        return bool((np.abs(np.abs(pool) - abs(value)) <= reach + 1e-9).any())
