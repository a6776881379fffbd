"""What does a report of this kit say? Every file of its folder, retold as facts about cells.

Only emitted files are opened. What anyone can read in the kit's code is known here too: which stage feeds
which, which shares add to 1, that a row on the base of a stage follows children from it and one on the
population counts by date, and that every child has one ethnic group.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from . import attack_files
from .attack_arithmetic import estimate
from .attack_claims import Claim, settle
from .attack_drawings import points, shades
from .attack_facts import ALL, Cell, Count, Release, Rule, number
from .attack_said import Printed, clauses
from .attack_shown import Beside
from .attack_ties import PARTITIONS, UNKNOWN, cells, reference_cell

SMALL = 4
"""The kit lets a number of 5 or more be narrowed; one of 1 to 4 must stay unknown."""

_KEYS = ("measure", "area", "year", "years", "unit", "stage", "base", "group")
_COUNTS = ("events", "denominator", "reference_events", "reference_denominator")
_VALUES = (
    "reference", "estimate", "low", "high", "p_value", "method", "note", "step", "reached", "part", "end", "place",
    "dispersion_note", "beyond", "flag", "why", "rule", "standing",
)  # fmt: skip
"""Columns that say what is made of a row's counts, and divide nothing."""
_KNOWN = frozenset((*_KEYS, *_COUNTS, *_VALUES))
_COMPARED = (
    "rate_ratio",
    "risk_ratio",
    "rate_difference",
    "risk_difference",
    "odds_ratio",
    "complement_ratio",
)
_SUMMED = ("overall", "all-others")
_HTML = {"Number": "events", "Not known": "events", "Out of": "denominator", "All": "denominator"}
_SENTENCE = re.compile(
    r"counts of 0 to (\d+) are shown as \[c\] and all others are rounded\s+to the nearest (\d+)"
)


def report(folder: Path, name: str = "") -> Release:
    """Read a report folder.

    Parameters
    ----------
    folder : path
        A folder with ``manifest.json`` and ``tables/``.
    name : str
        What to call it when saying where a number is printed.

    Returns
    -------
    Release
        All that its files say.

    Raises
    ------
    ValueError
        If it is not a report, or a restricted one, which hides nothing.
    """
    folder = Path(folder)
    tables = sorted((folder / "tables").glob("*.csv"))
    if not tables:
        raise ValueError(
            f"{folder.name}: 0 tables found in its tables/ folder, so this is not a report of the kit. Name the "
            "folder that holds manifest.json, or describe someone else's table with --spec."
        )
    manifest = folder / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    if "restricted" in str(told.get("parameters", {}).get("edition", told.get("edition", ""))):
        raise ValueError(
            f"{folder.name}: 1 of 1 manifests says edition restricted; it shows true counts, so there is nothing "
            "to work out. Name the public edition."
        )
    reader = _Reader(name or folder.name, str(told.get("policy", "")))
    grids = [g for path in tables for g in attack_files.read(path)]
    for path, grid in zip(tables, grids, strict=True):
        about = path.with_name(path.name + "-metadata.json")
        words = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
        reader.take(f"tables/{path.name}", grid, words.get("dc:description", ""))
    for path in sorted(folder.glob("*.xlsx")):
        for grid in attack_files.read(path):
            reader.take(grid.name, grid, "")
    for path in sorted([*folder.glob("*.docx"), *folder.glob("*.pdf")]):
        reader.unread.append(f"{reader.name}/{path.name}: not used; PDF and Word files are not read")
    reader.printed = Printed(r for grid in grids for r in grid.records())
    for path in sorted(folder.glob("*.html")):
        for grid in attack_files.read(path):
            reader.take_page(
                path.name, grid, {f"table-{p.stem}": g for p, g in zip(tables, grids, strict=True)}
            )
        reader.take_words(path.name, clauses(path.read_text(encoding="utf-8")))
    for path in sorted((folder / "figures").glob("*.svg")):
        reader.take_drawing(f"figures/{path.name}", points(path))
        reader.take_colours(f"figures/{path.name}", shades(path))
        reader.take_words(f"figures/{path.name}", clauses(path.read_text(encoding="utf-8")))
    reader.take_manifest(told)
    return reader.release()


class _Reader(Beside):
    """Gathers what the files of one report say."""

    def __init__(self, name: str, policy: str):
        super().__init__(name)
        self.policy = policy
        self.within: set[tuple[Cell, Cell]] = set()
        self.bases: set[Cell] = set()
        self.unread: list[str] = []
        self.small = 0
        self.plain: set[Cell] = set()

    def take(self, where: str, grid: attack_files.Grid, description: str) -> None:
        """Read a table in the kit's long form."""
        if not {"stage", "base", "group", "events"} <= set(grid.columns):
            self.unread.append(f"{self.name}/{where}: not used; it has no stage, base, group and events")
            return
        rule = self._rule(description)
        records = grid.records()
        split = self._split(grid)
        decimals = self._decimals(records)
        known = len({r["group"] for r in records} - {UNKNOWN})
        printed = self._printed(records, split)
        for i, record in enumerate(records, start=2):
            x, n = cells(record, split)
            if not split:
                self.groups.add(record["group"])
                self.plain.add(x)
                which = (record["stage"], record["group"])
                if which not in self.pairs or "followed" in n.what:  # a decision, where there is one
                    self.pairs[which] = x, n
            source = f"{self.name}/{where} row {i}"
            self._count(x, record["events"], rule, f"{source} events")
            self._count(n, record.get("denominator", ""), rule, f"{source} denominator")
            if n.what == "population":
                self.bases.add(n)
            elif x.value("group") != ALL:
                self.within.add((x, n))
                if record["stage"] in PARTITIONS:
                    self.bases.add(x._replace(what=f"not {x.what}"))
            if record["base"] not in ("population", record["stage"]):
                self.decided.add(record["stage"])
            if "measure" in record:
                self._figures(where, record, (x, n), decimals, known, source)
                self._margin(record, x, printed, rule, source)

    @staticmethod
    def _split(grid: attack_files.Grid) -> list[str]:
        """Name the columns that divide the whole: those of words, and not of numbers or marks alone."""
        found = []
        for name in (c for c in grid.columns if c not in _KNOWN):
            values = {r.get(name, "") for r in grid.records()}
            if "[c]" not in values and not any(map(_is_number, values)) and values - {"", "[x]", "[z]"}:
                found.append(name)
        return found

    @staticmethod
    def _printed(records: list[dict], split: list[str]) -> dict[Cell, str]:
        return {cells(r, split)[0]: r["events"] for r in records}

    def _margin(self, record: dict, x: Cell, printed: dict[Cell, str], rule: Rule, source: str) -> None:
        """Keep a total that is not the sum of what is printed: it was computed from true counts."""
        if record.get("reference") not in _SUMMED or number(record["reference_events"]) is None:
            return
        left_out = record["group"] if record["reference"] == "all-others" else ""
        parts = [
            t
            for c, t in printed.items()
            if x.at(group="") == c.at(group="") and c.value("group") not in (UNKNOWN, left_out)
        ]
        shown = [found[0] for found in map(number, parts) if found is not None]
        total = number(record["reference_events"])
        if total is None or sum(shown) != total[0]:  # nor that of those that are shown
            self._count(
                reference_cell(x, record["reference"]),
                record["reference_events"],
                rule,
                f"{source} reference_events",
            )

    def _rule(self, description: str) -> Rule:
        found = _SENTENCE.search(description) or _SENTENCE.search(self.policy)
        rule = Rule(int(found[2]), int(found[1]) + 1) if found else Rule()
        self.small = max(self.small, min(rule.hidden_below - 1, SMALL))
        return rule

    def _count(self, cell: Cell, text: str, rule: Rule, source: str) -> None:
        if cell.what == "population" and number(text) is None:
            return  # no population is known for this group: nothing is hidden
        found = rule.range_of(text)
        if found is not None and (cell, found) not in self.counts:
            self.counts[cell, found] = Count(cell, *found, text, source, text.strip() == "[c]")

    @staticmethod
    def _decimals(records: list[dict]) -> dict[tuple, int]:
        """Find how many decimals each measure has: the CSV drops zeros at the end."""
        most: dict[tuple, int] = defaultdict(int)
        for record in records:
            for end in ("estimate", "low", "high"):
                if found := number(record.get(end, "")):
                    key = (record.get("measure"), end)
                    most[key] = max(most[key], found[1])
        return most

    def _figures(self, where, record, pair, decimals, known: int, source: str) -> None:
        measure, _, per = record["measure"].partition("_per_")
        reference = record.get("reference", "")
        quad, printed = pair, [record["events"], record["denominator"]]
        summed = 1
        if reference:
            if reference == record["group"]:
                return
            quad = (*pair, *(reference_cell(c, reference) for c in pair))
            printed += [record["reference_events"], record["reference_denominator"]]
            summed = known if reference in _SUMMED else 1
        values = tuple(found[0] if (found := number(p)) else np.nan for p in printed)
        if measure == "events_above_stage_parity":
            self._at_the_end(where, record, values)
            return
        if not reference and measure in _COMPARED:
            why = "it compares what it does not name"
            self.unread.append(f"{self.name}/{where} {record['measure']}: not used; {why}")
            return
        model = "rates" if record["base"] == "population" else "shares"
        method = f"{record.get('method', '')}, of {model}"
        widened = re.search(r"widened for rounding to (\d+)", record.get("method", ""))
        for end in ("estimate", "low", "high"):
            found = number(record.get(end, ""))
            unit = 10.0 ** -decimals[record["measure"], end]
            claim = Claim(
                f"{self.name}/{where} {record['measure']} {end}",
                measure,
                end,
                method,
                quad,
                values,
                float(per or 1),
                found[0] if found else np.nan,
                unit / 2 if end == "estimate" else unit,
                int(widened[1]) // 2 if widened else 0,
                summed,
                f"{source} {end}",
            )
            if found:
                self.claims.append(claim)
            if measure in ("rate_ratio", "risk_ratio") and reference not in _SUMMED and pair[0] in self.plain:
                decision = record["base"] != "population"
                self.drawable.setdefault((record["stage"], record["group"], decision, end), claim)

    def _at_the_end(self, where: str, record: dict, values: tuple[float, ...]) -> None:
        """Reckon again how many of those at a later stage one relative rate stands for, from printed counts alone."""
        shown, end = number(record["estimate"]), number(record.get("end_events", ""))
        if shown is None:
            return
        ratio = estimate("rate_ratio", *values) if len(values) == 4 else np.nan
        ends = [end[0] * (1 - 1 / (ratio + away)) for away in (-0.005, 0.005)] if end else [np.nan] * 2
        if ends[0] - 0.5 <= shown[0] <= ends[1] + 0.5:
            self.repeated += 1
        else:
            why = "the counts printed beside it do not give it"
            self.unread.append(f"{self.name}/{where} {record['measure']}: not used; {why}")

    def take_page(self, where: str, grid: attack_files.Grid, tables: dict[str, attack_files.Grid]) -> None:
        """Compare a table of the page with its CSV; a number shown only here is a fact of its own."""
        table = tables.get(grid.name)
        if table is None or not {"stage", "base", "group", "events"} <= set(table.columns):
            return
        rows = self._ordered(grid, table)
        if rows is None:
            self.unread.append(
                f"{self.name}/{where} {grid.name}: not used; its rows are not those of its CSV"
            )
            return
        rule, split = self._rule(""), self._split(table)
        for block, row, record in rows:
            head = grid.columns[0]
            self.labels |= {row[0]: record["group" if head == "Ethnic group" else "stage"]}
            if block and not split:
                self.labels.setdefault(block, record["stage"])
            for column, text in zip(grid.columns, row, strict=False):
                if column in _HTML and number(text) and number(record[_HTML[column]]) is None:
                    cell = cells(record, split)[_HTML[column] == "denominator"]
                    self._count(cell, text, rule, f"{self.name}/{where} {grid.name}, {row[0]}, {column}")

    def _ordered(self, grid: attack_files.Grid, table: attack_files.Grid) -> list[tuple] | None:
        """Find the record of each row of a page: in the order of the CSV, or in blocks of one of its columns."""
        split = self._split(table)
        keys = [c for c in ("stage", "group", "base", "year", "years", *split) if c in table.columns]
        first_of: dict[tuple, dict[str, str]] = {}
        for record in table.records():
            first_of.setdefault(tuple(record[k] for k in keys), record)
        every = list(first_of.values())
        rows, block = [], ""
        for row in grid.rows:
            block = row[0] if len(row) == 1 else block
            rows += [(block, row)] if len(row) > 1 else []
        if len(rows) != len(every):
            every = _laid_out(every, len(rows))
        if not every:
            return None
        named = {c: i for i, c in enumerate(grid.columns) if c in _HTML}
        for column in (None, *split):
            first = list(dict.fromkeys(r[column] for r in every)) if column else []
            records = every if column is None else [r for v in first for r in every if r[column] == v]
            if all(
                _agree(row[i], record[_HTML[name]])
                for (_, row), record in zip(rows, records, strict=True)
                for name, i in named.items()
                if i < len(row)
            ):
                return [(block, row, r) for (block, row), r in zip(rows, records, strict=True)]
        return None

    def release(self) -> Release:
        """Put everything together."""
        found = settle(self.claims)
        release = Release(
            counts=list(self.counts.values()),
            figures=found.figures,
            within=self.within,
            bases=self.bases,
            small=self.small or SMALL,
            unread=self.unread + found.unread,
            finer=list(dict.fromkeys(self.finer)),
            recomputed=found.recomputed + self.repeated,
        )
        return release


def _laid_out(records: list[dict[str, str]], rows: int) -> list[dict[str, str]]:
    """Leave out the stages that a page names under its table and does not lay out; nothing, if that is not so many."""

    def told(record: dict[str, str], *columns: str) -> bool:
        return any(number(record.get(c, "")) is not None for c in columns)

    for columns in (("events",), ("denominator",)):
        kept = {r["stage"] for r in records if told(r, *columns)}
        left = [r for r in records if r["stage"] in kept]
        if len(left) == rows:
            return left
    return []


def _is_number(text: str) -> bool:
    """Say whether a text is a number and nothing else: "1 to 4" is the name of a band."""
    return number(text) is not None and not re.search(r"[A-Za-z]", text)


def _agree(shown: str, printed: str) -> bool:
    """Say whether a page and a table can mean the same number: one of them may hide it."""
    one, other = number(shown), number(printed)
    return one is None or other is None or one[0] == other[0]
