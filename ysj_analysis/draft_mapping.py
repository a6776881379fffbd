"""What would a mapping of these files be? A draft for the person who knows the system.

It says how sure it is of each column, proposes the meaning of labels the kit knows, and leaves ``"?"``
where it cannot know; `convert` refuses a mapping with any left. It shows headers and labels of code lists,
and never a value of a column that could hold ids, names, dates of birth or free text.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .case_fields import (
    DECISIONS,
    FIELDS,
    NOT_COUNTED,
    OBSOLETE_OUTCOMES,
    OUT_OF_AREA,
    REQUIRED,
    UNDECIDED,
    plain,
)
from .case_files import TOTAL, grids, header_row, is_population, short_name, tidy
from .case_values import toml_line
from .draft_columns import FORMS, MARKS, Guess, guess, shown_labels
from .draft_labels import meaning
from .tables import DataError, shown
from .vocabulary import STAGES

_ORDER = {"sure": 0, "likely": 1, "unsure": 2}
_STANDS_FOR: dict[str, dict[str, tuple[str, ...]]] = {
    "events": {"date": ("outcome_date", "date")},
    "offences": {"outcome": ("stage",)},
    "children": {},
}
_HINTS = {
    "area": f'the name of the service, or "{OUT_OF_AREA}": many systems record children of another service as Other',
    "stage": f'a stage, several as a list, or "{NOT_COUNTED}"',
    "ethnicity": "a detailed code such as B1; NS not stated, NK not known, NR not recorded",
    "ethnicity_source": "self, officer, school or unknown",
    "looked_after": 'yes, no or ""',
    "send": 'yes, no or ""',
    "sex": "female, male or unknown",
    "court": "any name",
    "outcome": "any name",
    "offence_group": "any name",
}


@dataclass(frozen=True)
class _File:
    """One file or sheet: its columns by tidied header, and what each seems to be."""

    name: str
    alias: str
    table: pd.DataFrame
    guesses: tuple[Guess, ...]

    def having(self, *fields: str) -> list[Guess]:
        found = [g for g in self.guesses if g.field in fields]
        return sorted(found, key=lambda g: (_ORDER[g.sure], fields.index(g.field)))


def draft(files: Sequence[str | Path]) -> str:
    """Propose a mapping for exported files.

    Parameters
    ----------
    files : sequence of path
        CSV or XLSX files of one system.

    Returns
    -------
    str
        TOML with comments.

    Raises
    ------
    DataError
        When a file cannot be read or has no header row.
    """
    paths = [Path(file) for file in files]
    if missing := [path for path in paths if not path.is_file()]:
        raise DataError(
            f"{len(missing)} of {len(paths)} files are not there. First: {missing[0].name}.\nCheck the path."
        )
    looked = [_looked_at(name, grid) for name, grid in grids(paths).items() if not grid.empty]
    population = [f for f in looked if is_population([g.header for g in f.guesses])]
    looked = [f for f in looked if f not in population]
    sections = list(_sections(looked))
    used = {id(guess) for _, _, chosen in sections for guess in chosen.values()}
    lines = [*_settings(looked, population), ""]
    for table, file, chosen in sections:
        lines += [*_section(table, file, chosen), ""]
    for file in looked:
        lines += [*_left_out(file, used), ""]
    lines += [*_decisions(), "", *_codes(sections)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _looked_at(name: str, grid: pd.DataFrame) -> _File:
    """Find the header of a file and guess its columns."""
    row = header_row(grid)
    headers = [tidy(str(cell)) for cell in grid.loc[row]]
    body = grid.loc[row + 1 :].apply(lambda column: column.str.strip())
    doubtful = [h for h in headers if re.search(r"\d{3,}|\d[/.-]\d|@", h) or len(h) > 200]
    if doubtful or not any(headers):
        raise DataError(
            f"{name}: row {row:,} should be the header, and {len(doubtful)} of its {len(headers)} cells have "
            "numbers or dates in them, so no draft is made.\nGive the file with its header row."
        )
    body = body[(body.ne("").sum(axis=1) > 1) & ~body.iloc[:, 0].str.fullmatch(TOTAL)]
    columns = {h: body.iloc[:, i] for i, h in reversed(list(enumerate(headers))) if h}
    table = pd.DataFrame({h: columns[h] for h in dict.fromkeys(h for h in headers if h)})
    return _File(name, short_name(name, headers), table, tuple(guess(h, table[h]) for h in table))


def _sections(files: Sequence[_File]) -> Iterator[tuple[str, _File, dict[str, Guess]]]:
    """Say which tables are in which file; an outcome for each offence serves as events where nothing else does."""
    children = [f for f in files if f.having("ethnicity")]
    dated = [f for f in files if f.having("stage") and f.having("outcome_date", "date")]
    told = [f for f in files if f.having("offence_id", "offence_date")]
    decided = [f for f in dated if f not in told] or dated
    for table, chosen in (("children", children), ("events", decided), ("offences", told)):
        for file in chosen:
            yield table, file, dict(_fields(table, file))


def _fields(table: str, file: _File) -> Iterator[tuple[str, Guess]]:
    for field in FIELDS[table]:
        found = file.having(*_STANDS_FOR[table].get(field, (field,)))
        if not found:
            continue
        equal = [g for g in found if g.sure == found[0].sure and g.field == found[0].field]
        if len(equal) > 1:
            also = ", ".join(shown(g.header) for g in equal[1:])
            yield field, Guess(equal[0].header, field, "unsure", f"{also} fits as well", equal[0].forms)
        else:
            yield field, found[0]


# -- writing -----------------------------------------------------------------------------------------


def _settings(files: Sequence[_File], population: Sequence[_File]) -> Iterator[str]:
    forms = [
        f for form in FORMS for f in [form] if any(form in g.forms for file in files for g in file.guesses)
    ]
    cells = {
        plain(v) for file in files for g in file.guesses if g.field for v in _marks(file.table[g.header])
    }
    yield from (
        "# A draft. sure: header and values agree; likely: one of them does; everything marked",
        f'# "{UNDECIDED}" is yours to decide, and convert refuses the file until nothing is left.',
        'title = "Case-management export"',
        f'areas = ["{UNDECIDED}"]  # the services this study is of',
        'ethnicity_base = "2021"  # 2001 counts Chinese children with Other',
        'period = "financial"',
        "# years = [2019, 2023]  # by the April they start in; without it, up to the last whole year before the export",
        f'extract_date = "{UNDECIDED}"  # the day of the export, without quotes: 2024-09-30',
        "",
        "[files]",
    )
    for file in files:
        yield f"{file.alias} = {_text(file.name)}"
    for file in population:
        yield f"population = {_text(file.name)}  # sure: a population table of this kit"
    yield from ("", "[reading]", f"dates = {json.dumps(forms or ['DD/MM/YYYY'])}")
    yield f"blank = {json.dumps(sorted(mark.upper() for mark in cells))}  # marks that mean nothing is recorded"


def _marks(values: pd.Series) -> set[str]:
    return {text for text in values.unique() if plain(text) in MARKS}


def _section(table: str, file: _File, chosen: Mapping[str, Guess]) -> Iterator[str]:
    yield f"[{table}]" if table == "children" else f"[[{table}]]"
    yield f"file = {_text(file.alias)}"
    for field in FIELDS[table]:
        found = chosen.get(field)
        if found and found.sure != "unsure":
            yield f"{field} = {_text(found.header)}  # {found.sure}: {found.why}"
        elif found:
            yield f"{field} = {_text(UNDECIDED)}  # {shown(found.header)}? {found.why}. Delete the line if not there"
        elif field in REQUIRED[table]:
            yield f"{field} = {_text(UNDECIDED)}  # no column looks like it"
        elif field == "ethnicity_source":
            yield (
                f"{field} = {{ always = {_text(UNDECIDED)} }}  # no column says who defined it: self, officer, "
                "school or unknown?"
            )


def _left_out(file: _File, used: set[int]) -> Iterator[str]:
    rest = [g for g in file.guesses if id(g) not in used]
    if rest:
        yield f"# Not read from {shown(file.name)}:"
    for found in rest:
        as_what = f"{found.field}, {found.sure}: " if found.field else ""
        yield f"#   {shown(found.header)}: {as_what}{found.why}"


def _decisions() -> Iterator[str]:
    yield "[decisions]  # the first of each list is what happens without the line"
    for key, choices in DECISIONS.items():
        yield f"{key} = {_text(choices[0])}  # {' | '.join(choices)}"


def _codes(sections: Sequence[tuple[str, _File, Mapping[str, Guess]]]) -> Iterator[str]:
    """Propose what the labels of each coded column mean."""
    columns: dict[str, list[pd.Series]] = {}
    for table, file, chosen in sections:
        for field, found in chosen.items():
            if FIELDS[table][field] == "code" and found.header in file.table:
                columns.setdefault(field, []).append(file.table[found.header])
    obsolete: list[str] = []
    for field, parts in columns.items():
        labels, kinds, rows = shown_labels(field, pd.concat(parts))
        if field == "stage":
            yield from _stages()
        yield f"[codes.{field}]  # {_HINTS[field]}"
        for label in labels:
            if plain(label) in OBSOLETE_OUTCOMES and field == "stage":
                obsolete.append(label)
                continue
            meant = meaning(field, label)
            yield _line(label, meant)
        if kinds:
            yield (
                f"# {kinds} different labels in {rows:,} rows are not shown: rare, long, or unlike a code list."
                " convert names them."
            )
        yield ""
    for label in obsolete:
        ended = OBSOLETE_OUTCOMES[plain(label)]
        yield f"[obsolete.{toml_line(label).rpartition(' = ')[0]}]  # ended on {ended}; what is it sent for now?"
        yield from (f"means = {_text(UNDECIDED)}", f"stage = {_text(UNDECIDED)}", "")


def _stages() -> list[str]:
    """List the stages in a comment, each with its name where that says more."""
    listed = (
        s.id if plain(s.label).replace("-", " ") == s.id.replace("_", " ") else f"{s.id} ({s.label.lower()})"
        for s in STAGES.values()
    )
    return textwrap.wrap(
        f"The stages: {', '.join(listed)}.",
        width=100,
        initial_indent="# ",
        subsequent_indent="# ",
        break_on_hyphens=False,
    )


def _line(label: str, meant: object | None) -> str:
    if isinstance(meant, tuple) and len(meant) > 1:
        return f"{toml_line(label).rpartition(' = ')[0]} = {json.dumps(list(meant))}"
    value = meant[0] if isinstance(meant, tuple) else meant
    return toml_line(label, UNDECIDED if value is None else str(value))


def _text(value: str) -> str:
    return toml_line(value).rpartition(" = ")[0]
