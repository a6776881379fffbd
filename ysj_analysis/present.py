"""How do we say it? Released tables as accessible HTML tables, with the CSV behind each.

Everything here takes a ``disclosure.Released`` and refuses anything else. A table shows itself in a
notebook, and carries the CSV and its metadata (CSV on the Web) that the report writes beside the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from . import wording
from .absent import Absent, instead
from .datafile import csv, csvw
from .disclosure import PUBLIC, PUBLISHED, DisclosureError, Policy, Released, require
from .wording import Said, Words

LONG = 24
"""A table of more rows than this is set smaller and closer."""

WIDE = 7
"""A table of more columns than this is set narrower, so that it does not scroll on a laptop."""

TABLE = "application/vnd.ysj.table+json"
FACTS = "application/vnd.ysj.facts+json"

__all__ = ["FACTS", "TABLE", "Shown", "csv", "facts", "headed", "methods", "sources", "table", "text"]


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
    if len(rules := {r.policy for r in several}) > 1:
        raise DisclosureError(
            f"{name}: {len(several)} tables printed by {len(rules)} rules ({', '.join(sorted(r.name for r in rules))}) "
            "cannot stand in one table. Release them all by one policy."
        )
    tidy = pd.concat([r.table for r in several], ignore_index=True)
    if tidy.empty:
        return text(Said(f"{title}: there is nothing to show."), kind="note")
    heads = list(heads) if columns is not None else []
    blocks, title = _blocks(several, name, columns, heads, across, title, words)
    blocks, left_out = _without_hidden(blocks, columns or {})
    first = several[0]
    source = f"Source: {first.source}." if first.source else ""
    under = " ".join(t for t in (note, left_out, source) if t)
    marks = _marks_in(pd.concat([rows for _, rows in blocks]))
    title = headed(title, first.policy)
    page = _html(blocks, name, title, max(len(heads), 1), " ".join([under, *marks]).strip())
    return Shown(
        page,
        {
            "name": name,
            "title": title,
            "csv": csv(tidy, first.counts),
            "csvw": csvw(tidy, name, title, first),
            "hidden": _hidden(first),
            "cells": len(first.table) * len(first.counts),
            "policy": first.policy.name,
        },
    )


def _blocks(
    several: Sequence[Released],
    name: str,
    columns: Mapping[str, str] | None,
    heads: list[str],
    across: str,
    title: str,
    words: Words,
) -> tuple[list[tuple[str, pd.DataFrame]], str]:
    """Write the cells of a table, block by block, and its caption."""
    if columns is None:
        return [("", _plain(several[0], words))], title
    body = _side_by_side(several, name, columns, heads, across, words)
    body, title = _period_once(body, across, columns, title)
    if across not in body:
        return [("", body)], title
    blocks = [
        (label, rows.drop(columns=across)) for label, rows in body.groupby(across, sort=False, observed=True)
    ]
    return (blocks if len(blocks) > 1 else [("", blocks[0][1])]), title


def _without_hidden(
    blocks: list[tuple[str, pd.DataFrame]], columns: Mapping[str, str]
) -> tuple[list[tuple[str, pd.DataFrame]], str]:
    """Leave out the blocks in which nothing but what they are out of could be shown, and name them in a line."""
    told = [
        heading for heading, spec in columns.items() if spec not in ("denominator", "period", "base", "unit")
    ]
    hidden = [
        bool(label)
        and rows[[c for c in told if c in rows]].isin([wording.CONFIDENTIAL, "[z]"]).all(axis=None)
        for label, rows in blocks
    ]
    if not any(hidden) or all(hidden):
        return blocks, ""
    names = [wording.lower(label) for (label, _), one in zip(blocks, hidden, strict=True) if one]
    kept = [block for block, one in zip(blocks, hidden, strict=True) if not one]
    return kept, f"Not laid out, because every number is {wording.CONFIDENTIAL}: {'; '.join(names)}."


def _period_once(
    body: pd.DataFrame, across: str, columns: Mapping[str, str], title: str
) -> tuple[pd.DataFrame, str]:
    """Put the period of most rows into the caption, and that of a block with another into its heading."""
    heading = next((h for h, spec in columns.items() if spec == "period"), None)
    if heading is None:
        return body, title
    period, block = body[heading], body[across] if across in body else pd.Series("", body.index)
    if period.groupby(block, observed=True).nunique().max() > 1:
        return body, title
    common = period.mode().iloc[0]
    if across in body:
        body = body.assign(**{across: block.where(period == common, block + " (" + period + ")")})
    return body.drop(columns=heading), f"{title}, {common}"


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


UNSURE = (
    "Where it says that something cannot be told apart, that is not evidence that there is no difference."
)
"""Closes several sentences of which each would end with ``wording.NO_EVIDENCE``."""


def _once(spoken: list) -> list:
    """Say what would be repeated once: the same sentence, and what a finding that is not clear does not show.

    Examples
    --------
    >>> _once([Said("A. " + wording.NO_EVIDENCE), Said("B. " + wording.NO_EVIDENCE), "C."])[:3]
    ['A.', 'B.', 'C.']
    """
    spoken = list(dict.fromkeys(spoken))
    ending = f" {wording.NO_EVIDENCE}"
    if sum(ending in s for s in spoken) < 2:
        return spoken
    return [*(type(s)(s.replace(ending, "")) for s in spoken), Said(UNSURE)]


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
    used = pd.concat([require(r).table[["measure", "method"]] for r in held]).astype(str)
    used = used.assign(plain=used["method"].str.partition(", widened")[0])
    used = used.groupby(["measure", "plain"], as_index=False)["method"].max()
    name_of = used["measure"].map(wording.measure)
    lines = pd.DataFrame({"measure": name_of, "method": used["method"]}).sort_values(["measure", "method"])
    lines = lines.drop_duplicates().reset_index(drop=True)
    return table(held[0].derive(lambda _: lines), name=name, title="Measures and methods", words=Words())


def sources(study: Any) -> Shown:
    """List the sources of a study, with their dates.

    Parameters
    ----------
    study : Study
        From ``load.study``.

    Returns
    -------
    Shown
        A list, one item a source.
    """
    lines = [
        f"{s.get('name', '')}"
        + (f", {s['date']}" if s.get("date") else "")
        + (f". {s['note']}" if s.get("note") else "")
        for s in study.sources
    ]
    lines = lines or ["The study does not name its sources. Add [[sources]] to study.toml."]
    return text(*map(Said, lines), kind="methods")


# -- the table on the page ---------------------------------------------------------------------------


def _side_by_side(
    several: Sequence[Released],
    name: str,
    columns: Mapping[str, str],
    heads: list[str],
    across: str,
    words: Words,
) -> pd.DataFrame:
    """Bring the measures of a row together and write each field."""
    tables, counts = [r.table for r in several], several[0].counts
    keys = [k for k in dict.fromkeys([across, *heads, "base", "year", "years"]) if k in tables[0].columns]
    rows: dict[tuple, dict] = {}
    for one in tables:
        for record in one.to_dict("records"):
            where = tuple(str(record[k]) for k in keys)
            cell = rows.setdefault(where, {"first": record})
            kind = record.get("measure", "")
            if kind in cell:
                raise ValueError(
                    f"{name}: two rows of {kind or 'the table'} would stand in one place: {', '.join(where)}. Choose "
                    "rows with where(), or add the column that tells them apart to heads."
                )
            cell[kind] = record
    labels = {"stage": words.stage, "group": words.group, "base": words.stage}
    measured: dict[str, set[str]] = {}
    for cell in rows.values():
        measured.setdefault(str(cell["first"].get(across)), set()).update(cell)
    written = []
    for cell in rows.values():
        first = cell["first"]
        line = {k: labels.get(k, str)(first[k]) for k in dict.fromkeys([across, *heads]) if k in first}
        line |= {"year": words.when(first)} if "year" in line else {}
        line |= {
            heading: _field(spec, cell, counts, words, measured[str(first.get(across))])
            for heading, spec in columns.items()
        }
        written.append(line)
    renamed = {"group": "Ethnic group", "stage": "Stage", "area": "Area"}
    return pd.DataFrame(written).rename(columns={h: renamed.get(h, h.capitalize()) for h in heads})


def _field(spec: str, cell: dict, counts: Sequence[str], words: Words, measured: set[str]) -> str:
    """Write one field of one row; a row left out of a measure because it is hidden has the mark of that."""
    names, _, part = spec.partition(".")
    if not part:
        return _plain_field(spec, cell["first"], counts, words)
    record = next((cell[n] for n in names.split("|") if n in cell), None)
    if record is None:
        hidden = measured & set(names.split("|")) and np.isnan(cell["first"].get("events", 0))
        return wording.missing("events", cell["first"], counts) if hidden else wording.NOT_APPLICABLE
    if part in ("share", "share_of_base"):
        return _share(record, *_SHARES[part])
    if part == "part":
        return "[z]" if np.isnan(record[part]) else wording.signed(f"{100 * record[part]:.0f}%")
    if part == "interval" and record["note"] == "reference":
        return "reference"
    value = record["low" if part == "interval" else "estimate" if part == "with_interval" else part]
    if np.isnan(value):
        return wording.missing(part, record)
    ends = wording.interval(record["low"], record["high"], record["measure"], record["note"])
    if part == "interval":
        return ends
    written = wording.number(value, record["measure"])
    if part == "with_interval":
        return f"{written} ({'reference' if record['note'] == 'reference' else ends})"
    return written


_SHARES = {"share": ("events", "reference_events"), "share_of_base": ("denominator", "reference_denominator")}


def _share(record: dict, top: str, bottom: str) -> str:
    """Write a group's share of a total."""
    empty = next((c for c in (top, bottom) if np.isnan(record[c])), None)
    if empty or not record[bottom]:
        return wording.missing(empty, record) if empty else wording.NOT_APPLICABLE
    return wording.number(record[top] / record[bottom], "proportion")


def _plain_field(column: str, record: dict, counts: Sequence[str], words: Words) -> str:
    """Write one column of one row as it is."""
    if column == "period":
        return words.when(record)
    if column == "base":
        return words.out_of(record["base"], record["unit"])
    value = record[column]
    if isinstance(value, bool) or not isinstance(value, int | float):
        labels: dict[str, Callable] = {"stage": words.stage, "group": words.group}
        return labels.get(column, wording.clean)(value)
    if np.isnan(value):
        return wording.missing(column, record, counts)
    if column in ("lowest", "highest"):
        return f"{value:.2f}"
    counted = column in counts or column.endswith(("events", "denominator"))
    return wording.count(value) if counted else wording.signed(f"{value:.10g}")


def _plain(released: Released, words: Words) -> pd.DataFrame:
    """Write every column of a table as it is."""
    table = released.table
    columns = [c for c in table.columns if c != "note"]
    written = [
        [
            _plain_field(c, row, released.counts, words) if c != "base" else words.stage(row[c])
            for c in columns
        ]
        for row in table.to_dict("records")
    ]
    return pd.DataFrame(written, columns=[_heading(c) for c in columns])


def _heading(column: str) -> str:
    words = str(column).replace("_", " ")
    return words[:1].upper() + words[1:]


def _marks_in(body: pd.DataFrame) -> list[str]:
    """Explain the marks that occur in a table."""
    present = [m for m in wording.MARKS if body.isin([m]).any().any()]
    return [f"{m} {wording.MARKS[m]}." for m in present]


def _html(blocks: Sequence[tuple[str, pd.DataFrame]], name: str, title: str, heads: int, under: str) -> str:
    """Write an accessible table: a caption, header cells with a scope, a row group for each block."""
    columns = list(blocks[0][1].columns)
    escape = html.escape
    numeric = [
        all(_numeric(v) for _, rows in blocks for v in rows[c]) and i >= heads for i, c in enumerate(columns)
    ]
    n = ['class="n"' if flag else "" for flag in numeric]
    head = "".join(f'<th scope="col" {c}>{escape(str(h))}</th>' for h, c in zip(columns, n, strict=True))
    parts = []
    for label, rows in blocks:
        lines = []
        if label:
            lines.append(
                f'<tr class="block"><th scope="rowgroup" colspan="{len(columns)}">{escape(str(label))}</th></tr>'
            )
        for values in rows.itertuples(index=False):
            cells = [
                f'<th scope="row">{escape(str(v))}</th>' if i < heads else f"<td {n[i]}>{escape(str(v))}</td>"
                for i, v in enumerate(values)
            ]
            lines.append(f"<tr>{''.join(cells)}</tr>")
        parts.append(f"<tbody>{''.join(lines)}</tbody>")
    length = sum(len(rows) for _, rows in blocks)
    kinds = {"long": length > LONG, "words": not any(numeric), "wide": len(columns) > WIDE}
    chosen = " ".join(kind for kind, fits in kinds.items() if fits)
    kind = f' class="{chosen}"' if chosen else ""
    foot = f'<p class="note">{escape(under)}</p>' if under else ""
    return (
        f'<figure class="table" id="table-{escape(name)}">'
        f'<div role="region" tabindex="0" aria-label="{escape(title)}"><table{kind}>'
        f"<caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>{''.join(parts)}</table></div>"
        f"{foot}</figure>"
    )


def _numeric(value: str) -> bool:
    return value in wording.MARKS or value == "reference" or any(ch.isdigit() for ch in value[:12])
