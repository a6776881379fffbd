"""How do we say it? Released tables as accessible HTML tables, with the CSV behind each.

Everything here takes a ``disclosure.Released`` and refuses anything else. A table shows itself in a
notebook, and carries the CSV and its metadata (CSV on the Web) that the report writes beside the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from . import __version__, wording
from .absent import Absent, instead
from .datafile import csv, csvw
from .disclosure import PUBLIC, PUBLISHED, RESTRICTED, DisclosureError, Policy, Released, require
from .table_layout import blocks_of, marks_in, page_of, without_hidden
from .vocabulary import ROLES
from .wording import Said, Words

TABLE = "application/vnd.ysj.table+json"
FACTS = "application/vnd.ysj.facts+json"

__all__ = [
    "FACTS",
    "TABLE",
    "Shown",
    "captioned",
    "csv",
    "data",
    "facts",
    "headed",
    "methods",
    "provenance",
    "table",
    "text",
]


@dataclass(frozen=True)
class Shown:
    """Something a notebook shows: HTML for the page and, for a table, the data behind it."""

    html: str
    data: Mapping = field(default_factory=dict, repr=False)
    kind: str = TABLE

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        page = {"text/html": self.html} if self.html else {"text/plain": ""}
        return page | ({self.kind: dict(self.data)} if self.data or self.kind == FACTS else {})


shows = instead(lambda none: Shown("", {}, FACTS))
"""A function that shows something shows nothing of what is absent: its sentence has said so."""


@shows
def table(
    released: Released | Sequence[Released],
    *,
    name: str,
    title: str,
    words: Words,
    columns: Mapping[str, str] | None = None,
    heads: Sequence[str] = ("group",),
    across: str = "stage",
    note: str = "",
) -> Shown:
    """Lay out released measures as one accessible table.

    Parameters
    ----------
    released : Released or sequence of Released
        One or several measures of the same rows, set side by side.
    name : str
        Name of the CSV, without its ending.
    title : str
        The caption.
    words : Words
        The study's words.
    columns : mapping of str to str, optional
        Heading to field. A field is a column (``events``); ``period``, which goes into the caption, or
        for a block with another period into its heading; or a measure with ``estimate``, ``interval`` or
        ``with_interval`` (both) after a full stop (``rate_ratio.interval``; several measures separated by
        ``|`` give the first that the row has). Left out, every column of the table is shown as it is.
    heads : sequence of str
        Columns that head a row.
    across : str
        Column whose values divide the table into blocks; ignored if the table has only one.
    note : str
        A line under the table.

    Returns
    -------
    Shown
        For a notebook to show.

    Raises
    ------
    TypeError
        If what is given was not released.
    DisclosureError
        If tables were released by different policies.
    """
    several = [require(r) for r in (released if isinstance(released, list | tuple) else [released])]
    _one_rule(several, name)
    tidy = pd.concat([r.table for r in several], ignore_index=True)
    if tidy.empty:
        return text(Said(f"{title}: there is nothing to show."), kind="note")
    heads = list(heads) if columns is not None else []
    blocks, title = blocks_of(several, name, columns, heads, across, title, words)
    blocks, left_out = without_hidden(blocks, columns or {})
    first = several[0]
    source = f"Source: {first.source}." if first.source else ""
    all_of = (
        _ALL_OF if first.policy.half and any(rows.eq("100.0%").any(axis=None) for _, rows in blocks) else ""
    )
    under = " ".join(t for t in (note, all_of, left_out, source) if t)
    marks = marks_in(pd.concat([rows for _, rows in blocks]))
    page = page_of(
        blocks, name, captioned(title, first.policy), max(len(heads), 1), " ".join([under, *marks]).strip()
    )
    return Shown(page, _bundle(tidy, name, headed(title, first.policy), first))


_ALL_OF = "Counts are rounded, so a share of all may be of all but a few."


def data(*released: Released | Absent, name: str, title: str) -> Shown:
    """Hand over tables as data alone: what sentences or a chart rest on, and nobody would read row by row.

    Parameters
    ----------
    *released : Released or Absent
        The tables, one below the other; what is absent is left out.
    name, title : str
        As for :func:`table`.

    Returns
    -------
    Shown
        A line with the number and title of the table; its rows are in the CSV and the workbook. Nothing, where
        there are none.

    Raises
    ------
    DisclosureError
        If tables were released by different policies.

    Examples
    --------
    >>> from .disclosure import release
    >>> t = release(pd.DataFrame({"group": ["Black", "White"], "events": [40, 60], "denominator": [900, 1500]}))
    >>> data(t, name="t", title="Arrests").html
    '<figure class="table data" id="table-t"><figcaption>Arrests</figcaption></figure>'
    """
    held = [require(r) for r in released if not isinstance(r, Absent)]
    _one_rule(held, name)
    parts = [one for r in held if not (one := r.table).empty]
    if not parts:
        return Shown("", {}, FACTS)
    tidy = pd.concat(parts, ignore_index=True)
    words = tidy.select_dtypes(exclude="number").columns
    tidy = tidy.assign(**{c: tidy[c].astype(object).where(tidy[c].notna(), "") for c in words})
    line = f"<figcaption>{html.escape(captioned(title, held[0].policy))}</figcaption>"
    page = f'<figure class="table data" id="table-{html.escape(name)}">{line}</figure>'
    return Shown(page, _bundle(tidy, name, headed(title, held[0].policy), held[0]))


def _one_rule(several: Sequence[Released], name: str) -> None:
    """Refuse tables of several editions in one."""
    if len(rules := {r.policy for r in several}) > 1:
        raise DisclosureError(
            f"{name}: {len(several)} tables printed by {len(rules)} rules ({', '.join(sorted(r.name for r in rules))}) "
            "cannot stand in one table. Release them all by one policy."
        )


def _bundle(tidy: pd.DataFrame, name: str, title: str, first: Released) -> dict[str, Any]:
    """Gather what the report writes of a table beside the page."""
    return {
        "name": name,
        "title": title,
        "csv": csv(tidy, first.counts),
        "csvw": csvw(tidy, name, title, first),
        "hidden": _hidden(first),
        "cells": len(first.table) * len(first.counts),
        "policy": first.policy.name,
    }


def headed(title: str, policy: Policy) -> str:
    """Put the policy's heading before a title, where what it heads is not for everyone.

    Parameters
    ----------
    title : str
        Of a table or chart.
    policy : Policy
        By which it was released.

    Returns
    -------
    str
        The title.
    """
    open_to_all = policy.heading in (PUBLIC.heading, PUBLISHED.heading)
    return title if open_to_all else f"{policy.heading}. {title}"


def captioned(title: str, policy: Policy) -> str:
    """Write the caption of a table or chart: headed, unless the page it stands on is marked as a whole.

    Parameters
    ----------
    title : str
        Of a table or chart.
    policy : Policy
        By which it was released.

    Returns
    -------
    str
        The title; of working figures, which stand on no page, with their heading.
    """
    return title if policy == RESTRICTED else headed(title, policy)


def text(*sentences: str | Policy, kind: str = "finding") -> Shown:
    """Show sentences as paragraphs.

    Parameters
    ----------
    *sentences : Said, str or Policy
        From ``sentences``; a policy says its rule; a plain text may hold no number.
    kind : str
        The class that styles them: ``finding``, ``headline``, ``callout``, ``note`` or ``methods``.

    Returns
    -------
    Shown
        For a notebook to show; nothing where there is nothing to say. A sentence given twice, and what several
        unclear findings do not show, stand there once.

    Raises
    ------
    TypeError
        For a plain text with a digit: numbers are computed from released tables.

    Examples
    --------
    >>> text("There were 3 remands.")
    Traceback (most recent call last):
    TypeError: a text with a number must come from a released table; use a function of ysj_analysis.sentences.
    """
    spoken = _once([Said(s.sentence()) if isinstance(s, Policy) else s for s in _flat(sentences) if s])
    if any(not isinstance(s, Said) and re.search(r"\d", s) for s in spoken):
        raise TypeError(
            "a text with a number must come from a released table; use a function of ysj_analysis.sentences."
        )
    if not spoken:
        return Shown("", {}, FACTS)
    paragraphs = "".join(f"<p>{html.escape(s)}</p>" for s in spoken)
    return Shown(f'<div class="{html.escape(kind)}">{paragraphs}</div>')


def _once(spoken: list) -> list:
    """Say what would be repeated once: the same sentence, and what a finding that is not clear does not show.

    Examples
    --------
    >>> _once([Said("A. " + wording.NO_EVIDENCE), Said("B. " + wording.NO_EVIDENCE), "C."])[:3]
    ['A.', 'B.', 'C.']
    """
    spoken = _not_held(list(dict.fromkeys(spoken)))
    ending = f" {wording.NO_EVIDENCE}"
    if sum(ending in s for s in spoken) < 2:
        return spoken
    return [*(type(s)(s.replace(ending, "")) for s in spoken), Said(wording.NO_EVIDENCE_ANYWHERE)]


_LACKING = re.compile(r"(This study (?:holds|records) [^.]*?, so )([^.]*?)( cannot be shown\. .+)", re.DOTALL)


def _not_held(spoken: list) -> list:
    """Say together of several things that cannot be shown for one reason.

    Examples
    --------
    >>> lacking = "This study holds no searches, so {} cannot be shown. A table would show it."
    >>> _not_held([Said(lacking.format(what)) for what in ("hits", "objects")])
    ['This study holds no searches, so hits and objects cannot be shown. A table would show it.']
    """
    together: dict = {}
    for one in spoken:
        found = _LACKING.fullmatch(one)
        together.setdefault((found[1], found[3]) if found else one, []).append(found[2] if found else one)
    return [
        Said(f"{key[0]}{wording.join(whats)}{key[1]}") if isinstance(key, tuple) else whats[0]
        for key, whats in together.items()
    ]


def _flat(sentences: Sequence) -> list:
    """Take sentences out of the lists they come in."""
    return [s for one in sentences for s in (one if isinstance(one, list | tuple) else [one])]


def facts(**values: Any) -> Shown:
    """Hand facts to the manifest without showing anything.

    Parameters
    ----------
    **values : str, date or Released
        By name; released tables as printed.

    Returns
    -------
    Shown
        For the notebook to show; the page has nothing of it.

    Raises
    ------
    TypeError
        For a number or a table that was not released.
    """
    return Shown("", {key: _fact(value) for key, value in values.items()}, FACTS)


def _fact(value: object) -> object:
    """Write a fact in words; a released table as its printed rows."""
    if isinstance(value, Released):
        return [
            {c: wording.missing(c, row, value.counts) if v != v else v for c, v in row.items()}
            for row in value.table.to_dict("records")
        ]
    if isinstance(value, Mapping):
        return {str(k): _fact(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_fact(v) for v in value]
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str | None) else require(value)


def _hidden(released: Released) -> int:
    """Count the counts that are hidden, not those that do not exist."""
    return sum(
        row[c] != row[c] and wording.missing(c, row, released.counts) == wording.CONFIDENTIAL
        for row in released.table.to_dict("records")
        for c in released.counts
    )


_METHODS = {
    "method": None,
    "path_method": "Product of the decisions, and the part of each",
    "homogeneity_method": "Test of whether strata differ",
}
"""Columns that name a method, and of what; the first that of the row's measure."""


def methods(*released: Released | Absent, name: str = "methods") -> Shown:
    """List the measures shown in a report, and how each interval was computed.

    Parameters
    ----------
    *released : Released or Absent
        Tables with ``measure`` and ``method``; what is absent is left out.
    name : str
        Of the table.

    Returns
    -------
    Shown
        A table, one row a measure and method.
    """
    held = [r for r in released if not isinstance(r, Absent)]
    pairs = [
        (what or wording.measure(str(row["measure"])), str(row[column]))
        for one in held
        for row in require(one).table.to_dict("records")
        for column, what in _METHODS.items()
        if row.get(column)
    ]
    used = pd.DataFrame(pairs, columns=["measure", "method"], dtype=str)
    used = used.assign(plain=[method.partition(", widened")[0] for method in used["method"]])
    lines = used.groupby(["measure", "plain"], as_index=False)["method"].max()[["measure", "method"]]
    return table(held[0].derive(lambda _: lines), name=name, title="Measures and methods", words=Words())


def provenance(study: Any) -> Shown:
    """Say where a report comes from: its sources, what made it, what was corrected, and who answers for it.

    Parameters
    ----------
    study : Study
        From ``load.study``; its settings ``[[sources]]``, ``[[corrections]]`` and ``[[assurance]]``.

    Returns
    -------
    Shown
        A list, one item a source, a correction and a role of the Aqua Book; what is not recorded is said.
    """
    lines = [f"Source: {_with_date(s, s.get('name', ''), s.get('note', ''))}" for s in study.sources]
    lines = lines or ["The study does not name its sources."]
    lines.append(f"Made by ysj_analysis {__version__}; the versions of all it uses are in manifest.json.")
    lines += [f"Corrected: {_with_date(c, c['what'])}." for c in study.corrections]
    if not study.corrections:
        lines.append("Corrections: none is recorded.")
    lines += [
        f"{a['role'].capitalize()}: {_with_date(a, a['name'], a.get('note', ''))}" for a in study.assurance
    ]
    if left := [role for role in ROLES if role not in {a["role"] for a in study.assurance}]:
        lines.append(f"Quality assurance: who was {wording.join(left)} is not recorded.")
    return text(*map(Said, lines), kind="methods")


def _with_date(given: Mapping, what: str, note: str = "") -> str:
    return f"{what}{', ' * bool(given.get('date'))}{given.get('date', '')}{'. ' * bool(note)}{note}"
