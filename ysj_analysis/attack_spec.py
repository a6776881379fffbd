"""What does someone else's table say? Read with a short description of it, in TOML.

The description says which columns tell rows apart, which hold counts, how counts were rounded and hidden,
what adds up, and what each percentage, rate, ratio or interval is of. ``docs/attack.md`` shows one.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np

from . import attack_files
from .attack_claims import Claim, settle
from .attack_drawings import points
from .attack_facts import ALL, MOST, PERSON_UNITS, Cell, Count, Release, Rule, Sum, number

_TOP = {"title", "small", "table"}
_TABLE = {
    "name", "file", "part", "rows", "unit", "fixed", "dimensions", "counts", "bases", "round_to", "hidden_below",
    "marks", "total", "adds", "overlaps", "within", "period", "figures", "drawings", "parts",
}  # fmt: skip
_FIGURE = {
    "column",
    "is",
    "of",
    "out_of",
    "against",
    "before",
    "per",
    "end",
    "method",
    "give",
    "from_printed",
}
_DRAWING = {"file", "category", "where", *_FIGURE} - {"column"}
_PERIOD = {"last", "years", "from", "to", "cumulative"}


def read(path: Path) -> Release:
    """Read the tables that a description names.

    Parameters
    ----------
    path : path
        The description; files it names are looked for beside it.

    Returns
    -------
    Release
        All that they say.

    Raises
    ------
    ValueError
        If the description is not one, or does not fit its tables.
    """
    with path.open("rb") as file:
        try:
            spec = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path.name}: not TOML: {error}. Correct the line it names.") from None
    _check(path.name, "the top level", spec, _TOP)
    if not spec.get("table"):
        raise ValueError(f"{path.name}: 0 tables are described. Add a [[table]]; docs/attack.md shows one.")
    release = Release(small=int(spec.get("small", 7)))
    claims: list[Claim] = []
    for i, table in enumerate(spec["table"], start=1):
        _check(path.name, f"table {i}", table, _TABLE)
        reader = _Table(path, table, i)
        release.add(reader.release(claims))
    release.add(settle(claims))
    return release


def _check(name: str, where: str, given: dict, known: set[str]) -> None:
    if wrong := sorted(set(given) - known):
        raise ValueError(
            f"{name}: {len(wrong)} of {len(given)} settings of {where} are unknown: {', '.join(wrong)}. "
            f"Known are {', '.join(sorted(known))}."
        )


class _Table:
    """One table of a description."""

    def __init__(self, path: Path, table: dict, place: int):
        self.spec, self.table, self.folder = path.name, table, path.parent
        self.name = table.get("name") or table.get("file") or f"table {place}"
        self.records = self._rows()
        self.unit = table.get("unit", "children")
        self.counts: dict[str, str] = self._named(table.get("counts", ["count"]))
        self.bases = set(table.get("bases", []))
        marks = {m: (int(a), int(min(b, MOST))) for m, (a, b) in table.get("marks", {}).items()}
        self.rule = Rule(int(table.get("round_to", 1)), int(table.get("hidden_below", 0)), marks)
        _check(self.spec, f"period of {self.name}", table.get("period", {}), _PERIOD)
        self._check_columns()

    @staticmethod
    def _named(columns) -> dict[str, str]:
        return dict(columns) if isinstance(columns, dict) else {c: c for c in columns}

    def _rows(self) -> list[dict[str, str]]:
        if "rows" in self.table:
            return [{k: str(v) for k, v in row.items()} for row in self.table["rows"]]
        if "file" not in self.table:
            raise ValueError(
                f"{self.spec}: {self.name} has neither file nor rows. Say where its numbers are."
            )
        grids = attack_files.read(self.folder / self.table["file"])
        part = self.table.get("part", 1)
        chosen = grids[part - 1 : part] if isinstance(part, int) else [g for g in grids if g.name == part]
        if not chosen:
            raise ValueError(
                f"{self.spec}: {self.name} has no part {part!r}; its {len(grids)} tables are "
                f"{', '.join(g.name for g in grids)}. Choose one by name or number."
            )
        return chosen[0].records()

    def _check_columns(self) -> None:
        figures = self.table.get("figures", [])
        for figure in figures:
            _check(self.spec, f"a figure of {self.name}", figure, _FIGURE)
        wanted = [*self.table.get("dimensions", []), *self.counts, *(f["column"] for f in figures)]
        there = {c for r in self.records for c in r}
        if lacking := [c for c in wanted if c not in there]:
            raise ValueError(
                f"{self.spec}: {len(lacking)} of {len(wanted)} columns of {self.name} are not there: "
                f"{', '.join(lacking)}. It has {', '.join(sorted(there))}."
            )

    # -- cells ---------------------------------------------------------------------------------------

    def cell(self, record: dict[str, str], column: str) -> Cell:
        """Say which cell the number in a column of a row is."""
        totals = self.table.get("total", {})
        dims = dict(self.table.get("fixed", {}))
        for name in self.table.get("dimensions", []):
            value = record.get(name, "")
            dims[name] = ALL if value in ("", totals.get(name, ALL)) else value
        what = self.counts.get(column, column)
        unit = "base" if column in self.bases or what in self.bases else self.unit
        return Cell(what, unit, tuple(sorted(dims.items())), self._window(record))

    def _window(self, record: dict[str, str]) -> tuple[int, int] | None:
        period = self.table.get("period", {})
        value = {k: self._whole(record, c) for k, c in period.items() if k != "years" or isinstance(c, str)}
        if "cumulative" in value:
            return 1, value["cumulative"]
        if "from" in value:
            return value["from"], value["to"]
        if "last" in value:
            years = value.get("years", period.get("years", 1))
            return value["last"] - int(years) + 1, value["last"]
        return None

    def _whole(self, record: dict[str, str], column: str) -> int:
        """Read the number that places a row in time."""
        if (read := number(record[column])) is None:
            raise ValueError(
                f"{self.spec}: {self.name}: column {column!r}, which says when, has a row without a number. Name a "
                "column of years in period."
            )
        return int(read[0])

    def release(self, claims: list[Claim]) -> Release:
        """Say what the table says; its figures are added to ``claims``."""
        release = Release(small=0)
        for i, record in enumerate(self.records, start=1):
            for column in self.counts:
                cell, text = self.cell(record, column), record.get(column, "")
                if cell.unit == "base":
                    release.bases.add(cell)
                if (span := self.rule.range_of(text)) is not None:
                    source = f"{self.name} row {i} {column}"
                    release.counts.append(Count(cell, *span, text, source))
            for part, whole in self.table.get("within", {}).items():
                release.within.add((self.cell(record, part), self.cell(record, whole)))
            for figure in self.table.get("figures", []):
                claims += self._claim(figure, record, record[figure["column"]], f"row {i} {figure['column']}")
        for drawing in self.table.get("drawings", []):
            _check(self.spec, f"a drawing of {self.name}", drawing, _DRAWING)
            claims += self._drawn(drawing)
        release.sums = self._sums()
        return release

    def _sums(self) -> list[Sum]:
        """Add up: dimensions whose values make up their total, and columns that make up another."""
        cells = {self.cell(r, c) for r in self.records for c in self.counts}
        sums = []
        for names, exact in ((self.table.get("adds", []), True), (self.table.get("overlaps", []), False)):
            for name in names:
                parts = defaultdict(list)
                for cell in cells:
                    if cell.value(name) != ALL:
                        parts[cell.at(**{name: ALL})].append(cell)
                exact_here = exact or self.unit not in PERSON_UNITS
                sums += [Sum(t, tuple(sorted(p, key=str)), exact_here, name) for t, p in parts.items()]
        for whole, columns in self.table.get("parts", {}).items():
            sums += [
                Sum(self.cell(r, whole), tuple(self.cell(r, c) for c in columns), True, whole)
                for r in self.records
            ]
        return sorted(sums, key=str)

    # -- figures -------------------------------------------------------------------------------------

    def _claim(self, figure: dict, record: dict[str, str], text: str, where: str) -> list[Claim]:
        found = number(text)
        if found is None:
            return []
        end = figure.get("end", "estimate")
        unit = 10.0 ** -found[1]
        give = float(figure.get("give", unit / 2 if end == "estimate" else unit))
        return [self._made(figure, record, found[0], give, end, where)]

    def _made(self, figure, record, value: float, give: float, end: str, where: str) -> Claim:
        of = figure.get("of", next(iter(self.counts)))
        rows = [(record, of)]
        if figure["is"] == "change":
            rows.append((self._row(record, figure["before"]), of))
        else:
            rows.append(self._base(record, figure.get("out_of", "denominator"), of))
        if "against" in figure:
            other = self._row(record, figure["against"])
            rows += [(other, of), self._base(other, figure.get("out_of", "denominator"), of)]
        cells = tuple(self.cell(r, c) for r, c in rows)
        printed = tuple(n[0] if (n := number(r.get(c, ""))) else np.nan for r, c in rows)
        known = printed if figure.get("from_printed", True) else (np.nan,) * len(printed)
        return Claim(
            column=f"{self.name} {figure.get('column', figure.get('file', ''))}",
            kind=figure["is"],
            end=end,
            method=figure.get("method", "Wilson" if figure["is"] == "share" else ""),
            cells=cells,
            printed=known,
            per=float(figure.get("per", 100 if figure["is"] in ("share", "change") else 1)),
            value=value,
            give=give,
            half=0,
            summed=1,
            source=f"{self.name} {where}",
        )

    def _base(self, record: dict[str, str], out_of, of: str) -> tuple[dict[str, str], str]:
        """Find a base: another column of the row, or the same column of another row."""
        return (record, out_of) if isinstance(out_of, str) else (self._row(record, out_of), of)

    def _row(self, record: dict[str, str], change: dict[str, str]) -> dict[str, str]:
        """Find the row that differs from one as said; a number with a sign moves a period."""
        wanted = {k: record.get(k, "") for k in self.table.get("dimensions", [])}
        wanted |= {c: record[c] for c in self.table.get("period", {}).values() if isinstance(c, str)}
        for column, value in change.items():
            here = number(record[column]) if isinstance(value, int) and column in wanted else None
            wanted[column] = str(value) if here is None else str(int(here[0]) + int(value))
        same = [r for r in self.records if all(r.get(k, "") == v for k, v in wanted.items())]
        return same[0] if same else wanted

    def _drawn(self, drawing: dict) -> list[Claim]:
        """Read a chart's marks as a figure of the rows they stand for."""
        category, where = drawing["category"], drawing.get("where", {})
        kind = drawing.get("is", "count")
        made = []
        for point in points(self.folder / drawing["file"]):
            record = self._row({category: point.category}, {category: point.category, **where})
            if point.end != drawing.get("end", point.end) or record.get(category) != point.category:
                continue
            source = f"{drawing['file']}, {point.category}: {point.value:.6g}"
            if kind == "count":  # a bar that is as long as the count
                of = drawing.get("of", next(iter(self.counts)))
                printed = n[0] if (n := number(record.get(of, ""))) else np.nan
                made.append(
                    Claim(
                        drawing["file"], kind, "estimate", "", (self.cell(record, of),), (printed,), 1.0,
                        point.value, max(point.give, 1e-3), 0, 1, source,
                    )
                )  # fmt: skip
            else:
                made.append(self._made(drawing, record, point.value, point.give, point.end, source))
        return made
