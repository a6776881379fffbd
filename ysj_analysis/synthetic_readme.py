"""What do the synthetic tables hold, and what was planted in them? The README and settings of the folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from .synthetic_planted import (
    GROUPS,
    LEFT_OVER,
    LINKED_OUTCOME,
    OFFENCE_TO_ARREST,
    PROGRAMME_STARTED,
    REFERENCE,
)
from .synthetic_tables import EXTRA_COLUMNS
from .synthetic_world import Truth
from .vocabulary import STAGES, TABLES, Stage, period_label

TEMPLATES = Path(__file__).resolve().parent / "templates" / "synthetic"
ROWS = {
    "children": "one for each child in `events`",
    "events": "one for each decision",
    "offences": "one for each offence",
    "sentencing": "one for each episode sentenced",
    "support": "one for each child and need or programme",
    "searches": "one for each search of a child",
    "population": "one for each area, year, series, age, sex and group",
}
"""What a row of each table is."""


def readme(tables: Mapping[str, pd.DataFrame], truth: Truth) -> str:
    """Write the data dictionary: what is in each table, and what was planted.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The tables by name, as in ``ROWS``.
    truth : Truth
        What was planted.

    Returns
    -------
    str
        Markdown.
    """
    return _fill(
        "README.md",
        seed=truth.seed,
        areas=", ".join(truth.areas),
        first=period_label(truth.years[0]),
        last=period_label(truth.years[-1]),
        extract=truth.extract_date,
        tables="\n".join(_columns(name, table) for name, table in tables.items()),
        planted=_planted(truth),
        slow=OFFENCE_TO_ARREST["Black"],
        quick=OFFENCE_TO_ARREST[REFERENCE],
        programme=PROGRAMME_STARTED["Black"],
        hit=LINKED_OUTCOME[REFERENCE],
        low_hit=LINKED_OUTCOME["Black"],
    )


def settings(truth: Truth) -> str:
    """Write the settings of the study, ``study.toml``."""
    return _fill(
        "study.toml",
        areas=", ".join(f'"{area}"' for area in truth.areas),
        first=truth.years[0],
        last=truth.years[-1],
        seed=truth.seed,
        extract=truth.extract_date,
    )


def template(name: str) -> str:
    """Give a file of the study that is the same whatever was drawn.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    str
        Its text.
    """
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _fill(template: str, **values: object) -> str:
    return (TEMPLATES / template).read_text(encoding="utf-8").format(**values)


def _columns(name: str, table: pd.DataFrame) -> str:
    """Describe the columns of one table."""
    meanings = EXTRA_COLUMNS | {column.name: column.meaning for column in TABLES[name]}
    lines = [f"### {name}.csv: {len(table):,} rows, {ROWS[name]}", ""]
    lines += ["| column | meaning |", "|---|---|", *(f"| `{c}` | {meanings[c]} |" for c in table.columns)]
    return "\n".join(lines) + "\n"


def _planted(truth: Truth) -> str:
    """Tabulate the planted relative rates, and those seen in the last year."""
    groups = [group for group in GROUPS if group != REFERENCE]

    def line(stage: Stage) -> str:
        direct, seen = truth.direct.get(stage.id, {}), truth.relative_rates[stage.id]
        return "".join(f" | {direct.get(group, 'rest')} | {seen[group][-1]:.3f}" for group in groups)

    rows = [stage for stage in STAGES.values() if stage.id in {*truth.direct, *LEFT_OVER, "community"}]
    head = "| stage | base" + "".join(f" | {group}: equal gravity | seen" for group in groups) + " |"
    body = [f"| {stage.label} | {stage.base}{line(stage)} |" for stage in rows]
    return "\n".join([head, "|---|---" + "|---|---" * len(groups) + "|", *body])
