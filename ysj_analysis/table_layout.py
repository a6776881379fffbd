"""How is a table laid out? Measures side by side, blocks with their periods, header cells with a scope.

Everything here takes what was released; ``present.table`` puts it together.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from . import wording
from .disclosure import Released
from .wording import Words

LONG = 24
"""A table of more rows than this is set smaller and closer."""

WIDE = 7
"""A table of more columns than this is set narrower, so that it does not scroll on a laptop."""


def blocks_of(
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


def without_hidden(
    blocks: list[tuple[str, pd.DataFrame]], columns: Mapping[str, str]
) -> tuple[list[tuple[str, pd.DataFrame]], str]:
    """Leave out the blocks in which nothing but what they are out of could be shown, and name them in a line."""
    told = [
        heading for heading, spec in columns.items() if spec not in ("denominator", "period", "base", "unit")
    ]
    derived = [heading for heading in told if columns[heading] not in ("events", "unit")]
    why = [_untold(rows, told, derived) if label else "" for label, rows in blocks]
    if not any(why) or all(why):
        return blocks, ""
    names: dict[str, list[str]] = {}
    for (label, _), reason in zip(blocks, why, strict=True):
        if reason:
            names.setdefault(reason, []).append(wording.lower(label))
    kept = [block for block, reason in zip(blocks, why, strict=True) if not reason]
    return kept, " ".join(f"Not laid out, because {reason}: {'; '.join(n)}." for reason, n in names.items())


def _untold(rows: pd.DataFrame, told: list[str], derived: list[str]) -> str:
    """Say why a block tells nothing; nothing of one that does."""
    hidden, marks = [wording.CONFIDENTIAL, wording.NOT_APPLICABLE], list(wording.MARKS)
    if rows[[c for c in told if c in rows]].isin(hidden).all(axis=None):
        return f"every number is {wording.CONFIDENTIAL}"
    of = rows[[c for c in derived if c in rows]]
    if len(of.columns) > 1 and of.isin(marks).all(axis=None) and of.eq(wording.NOT_AVAILABLE).any(axis=None):
        return "what they are out of is not known"
    return ""


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
    labels = {
        "stage": words.stage,
        "group": words.group,
        "base": words.stage,
        "sex": lambda s: wording.SEXES.get(s, s),
    }
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
    if part in ("part", "reached"):
        return _of_a_path(part, record)
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


def _of_a_path(part: str, record: dict) -> str:
    """Write how far a path has come, or a decision's part in it, with its interval."""
    value, low, high = (record[part + end] for end in ("", "_low", "_high"))
    if part == "reached":
        ends = wording.interval(low, high, "rate_ratio", "no_limits")
        return f"{value:.2f} ({ends})"
    if np.isnan(value) or record.get("path_note") == "whole_near_parity":
        return wording.NOT_APPLICABLE
    percents = [wording.signed(f"{100 * v:.0f}%") for v in (value, low, high)]
    return percents[0] if not np.isfinite(low + high) else f"{percents[0]} ({percents[1]} to {percents[2]})"


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
    if column in ("lowest", "highest", "target"):
        return "no limit" if np.isinf(value) else f"{value:.2f}"
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


def marks_in(body: pd.DataFrame) -> list[str]:
    """Explain the marks that occur in a table."""
    present = [m for m in wording.MARKS if body.isin([m]).any().any()]
    return [f"{m} {wording.MARKS[m]}." for m in present]


def page_of(blocks: Sequence[tuple[str, pd.DataFrame]], name: str, title: str, heads: int, under: str) -> str:
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
            label = label[:1].upper() + label[1:]
            lines.append(
                f'<tr class="block"><th scope="rowgroup" colspan="{len(columns)}">{escape(label)}</th></tr>'
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
