"""What does a case-management export mean? `mapping.toml`: which column, which codes, which rules.

The file is written by the analyst who knows the export, from the draft that ``ysj convert
--draft-mapping`` makes. It is checked as a whole before any row is read, and whatever it leaves open
(``"?"``) or gets wrong is told with the line to change. `docs/case-export.md` explains every part.
"""

from __future__ import annotations

import datetime
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .calendar_periods import last_whole
from .case_fields import (
    CHOICES,
    DECISIONS,
    FIELDS,
    NOT_COUNTED,
    OUT_OF_AREA,
    PARTS,
    REQUIRED,
    SETTINGS,
    UNDECIDED,
    plain,
)
from .tables import DataError, near, shown
from .vocabulary import BASES, PERIODS, SOURCES_OF_ETHNICITY


@dataclass(frozen=True)
class Section:
    """One table's part of one file: for each field, its headers, or the value that is always meant."""

    table: str
    file: str
    columns: Mapping[str, tuple[str, ...]]
    always: Mapping[str, str]


@dataclass(frozen=True)
class Obsolete:
    """An outcome code that no longer exists and is used for another outcome."""

    means: str
    stages: tuple[str, ...]


@dataclass(frozen=True)
class CaseMapping:
    """A mapping file, checked.

    Attributes
    ----------
    name, digest : str
        The file's name, and the start of its SHA-256, to say which mapping a study was made with.
    title, areas, ethnicity_base, ethnicity_source, period, years, extract_date, population_vintage
        Settings of the study. ``years`` may be None; ``ethnicity_source`` is empty where it is not said;
        nothing happens after ``extract_date``.
    files : mapping of str to tuple of str
        For each file the mapping speaks of, the names (or patterns such as ``people*.csv``).
    dates : tuple of str
        How dates are written, as ``DD/MM/YYYY``.
    blank : tuple of str
        Marks that mean nothing is recorded.
    sections : tuple of Section
        What is read from which file.
    codes : mapping of str to mapping
        For each field, what each label means; for ``stage`` a tuple of stages.
    obsolete : mapping of str to Obsolete
        What obsolete outcomes stand for.
    decisions : mapping of str to str
        One of `DECISIONS` each.
    """

    name: str
    digest: str
    title: str
    areas: tuple[str, ...]
    ethnicity_base: str
    ethnicity_source: str
    period: str
    years: tuple[int, int] | None
    extract_date: datetime.date
    population_vintage: str
    files: Mapping[str, tuple[str, ...]]
    dates: tuple[str, ...]
    blank: tuple[str, ...]
    sections: tuple[Section, ...]
    codes: Mapping[str, Mapping[str, Any]]
    obsolete: Mapping[str, Obsolete]
    decisions: Mapping[str, str] = field(default_factory=dict)


def read_mapping(file: str | Path) -> CaseMapping:
    """Read and check a mapping file.

    Parameters
    ----------
    file : path
        TOML, as `docs/case-export.md` describes it.

    Returns
    -------
    CaseMapping
        Complete: every choice is made.

    Raises
    ------
    DataError
        When the file is absent, no TOML, undecided, or names what is not known; all faults at once.
    """
    path = Path(file)
    try:
        raw = path.read_bytes()
        settings = tomllib.loads(raw.decode("utf-8-sig"))
    except FileNotFoundError:
        raise DataError(
            f"{path.name}: 1 of 1 mapping files is not there. First: {path.name}.\n"
            "Make one with ysj convert --draft-mapping FILE..."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        lines = raw.count(b"\n") + 1
        raise DataError(
            f"{path.name}: 1 of {lines:,} lines cannot be read as TOML. First: {error}.\nCorrect that line."
        ) from None
    _refuse_undecided(settings, path.name)
    _refuse_shape(settings, path.name)
    faults: list[str] = []
    mapping = _mapping(settings, path.name, hashlib.sha256(raw).hexdigest()[:12], faults)
    if faults:
        more = f"\n... and {len(faults) - 12} more" if len(faults) > 12 else ""
        raise DataError(
            f"{path.name}: {len(faults)} of its entries cannot be used.\n- " + "\n- ".join(faults[:12]) + more
        )
    return mapping


def _refuse_undecided(settings: Mapping, name: str) -> None:
    """Refuse a draft that a person has not finished."""
    entries = list(_entries(settings))
    left = [where for where, value in entries if value == UNDECIDED]
    if left:
        listed = "\n".join(f"  {where}" for where in left[:12])
        more = f"\n  ... and {len(left) - 12} more" if len(left) > 12 else ""
        raise DataError(
            f'{name}: {len(left)} of {len(entries)} entries are still undecided ("{UNDECIDED}"):\n{listed}{more}\n'
            "Decide each from the system's own code lists, or ask whoever enters the records. Delete the line of "
            f'a column that is not there; write "{NOT_COUNTED}" for an outcome that reaches no stage.'
        )


def _refuse_shape(settings: Mapping, name: str) -> None:
    """Refuse a part that is a single value where it has to be a table."""
    for part in (part for part in PARTS if part in settings):
        tables = _list(settings[part]) if part in FIELDS else [settings[part]]
        if wrong := [value for value in tables if not isinstance(value, Mapping)]:
            raise DataError(
                f"{name}: {len(wrong)} of {len(tables)} entries of {part} are single values. First: "
                f"{shown(wrong[0])}.\nWrite [{part}] on a line of its own, and its entries below it."
            )


def _entries(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entries(item, f"{where} > {shown(key)}" if where else f"[{key}]")
    elif isinstance(value, list):
        for item in value:
            yield from _entries(item, where)
    else:
        yield where, value


def _mapping(settings: Mapping, name: str, digest: str, faults: list[str]) -> CaseMapping:
    """Put the parts together; every fault is added to the list."""
    for key in settings:
        if key not in (*SETTINGS, *PARTS):
            faults.append(f"{shown(key)} is not a part of a mapping.{near(key, (*SETTINGS, *PARTS))}")
    reading = settings.get("reading", {})
    areas = tuple(str(area) for area in _list(settings.get("areas")))
    if not areas:
        faults.append('areas is missing. Name the services of the study: areas = ["Islington"].')
    extract = settings.get("extract_date")
    if type(extract) is not datetime.date:
        faults.append("extract_date is missing. Give the day of the export: extract_date = 2024-09-30.")
        extract = datetime.date.max
    years = settings.get("years")
    if years is not None and not (
        isinstance(years, list)
        and len(years) == 2
        and all(type(y) is int for y in years)
        and years[0] <= years[1]
    ):
        faults.append("years is not a first and last year. Write years = [2019, 2023].")
        years = None
    period = _one(settings, "period", PERIODS, PERIODS[0], "", faults)
    whole = last_whole(extract, period) if extract < datetime.date.max and period in PERIODS else None
    if years and whole is not None and years[1] > whole:
        faults.append(
            f"years ends with {years[1]}, which had not ended on the day of the export, {extract}: of a part of a year "
            f"there is no rate. Write years = [{min(years[0], whole)}, {whole}]."
        )
    files = {key: tuple(map(str, _list(value))) for key, value in settings.get("files", {}).items()}
    if unknown := [key for key in reading if key not in ("dates", "blank")]:
        faults.append(f"[reading] {shown(unknown[0])} is not known: it has dates and blank.")
    return CaseMapping(
        name=name,
        digest=digest,
        title=str(settings.get("title", "Case-management export")),
        areas=areas,
        ethnicity_base=_one(settings, "ethnicity_base", BASES, "2021", "", faults),
        ethnicity_source=_one(settings, "ethnicity_source", ("", *SOURCES_OF_ETHNICITY), "", "", faults),
        period=period,
        years=(years[0], years[1]) if years else None,
        extract_date=extract,
        population_vintage=str(settings.get("population_vintage", "")),
        files=files,
        dates=tuple(map(str, _list(reading.get("dates", ["DD/MM/YYYY", "YYYY-MM-DD"])))),
        blank=tuple(map(str, _list(reading.get("blank", [])))),
        sections=tuple(_sections(settings, files, faults)),
        codes=_codes(settings.get("codes", {}), areas, faults),
        obsolete=_obsolete(settings.get("obsolete", {}), faults),
        decisions=_decisions(settings.get("decisions", {}), faults),
    )


def _list(value: Any) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def _one(settings: Mapping, key: str, choices, default: str, where: str, faults: list[str]) -> str:
    value = str(settings.get(key, default))
    if value not in choices:
        faults.append(
            f"{where}{key} is {shown(value)}; it is one of {', '.join(map(repr, choices))}.{near(value, choices)}"
        )
    return value


def _sections(settings: Mapping, files: Mapping, faults: list[str]) -> Iterator[Section]:
    """Read [children], [[events]] and [[offences]], each once or several times."""
    for table, fields in FIELDS.items():
        parts = _list(settings.get(table))
        if not parts and table != "offences":
            faults.append(f"[{table}] is missing. Say which columns of which file it is read from.")
        for part in parts:
            file = str(part.get("file", ""))
            if file not in files:
                faults.append(
                    f"[{table}] file is {shown(file)}, which [files] does not name.{near(file, files)}"
                )
            columns, always = {}, {}
            for key, value in part.items():
                if key == "file":
                    continue
                if key not in fields:
                    faults.append(
                        f"[{table}] {shown(key)} is not a field: it has {', '.join(fields)}.{near(key, fields)}"
                    )
                elif isinstance(value, Mapping):
                    always[key] = _always(table, key, value, faults)
                else:
                    columns[key] = tuple(map(str, _list(value)))
                    if len(columns[key]) > 1 and fields[key] != "id":
                        faults.append(f"[{table}] {key} has several headers; only an id is put together so.")
            for key in REQUIRED[table]:
                if key not in columns and key not in always:
                    faults.append(f'[{table}] {key} is missing. Write {key} = "its header in the file".')
            yield Section(table, file, columns, always)


def _always(table: str, key: str, value: Mapping, faults: list[str]) -> str:
    """Read ``{ always = "self" }``: what is meant on every row of the file."""
    meant = str(value.get("always", ""))
    choices = CHOICES.get(key)
    if set(value) != {"always"} or FIELDS[table][key] != "code" or (choices and meant not in choices):
        of = f" It is one of {', '.join(choices)}.{near(meant, choices)}" if choices else ""
        faults.append(f'[{table}] {key}: write the header, or {{ always = "a code" }} for a coded field.{of}')
    return meant


def _codes(codes: Mapping, areas: tuple[str, ...], faults: list[str]) -> dict[str, dict[str, Any]]:
    """Read [codes.*]: labels are matched without regard to case and spaces, so they may not clash."""
    coded = {f for fields in FIELDS.values() for f, kind in fields.items() if kind == "code"}
    out: dict[str, dict[str, Any]] = {}
    for name, labels in codes.items():
        if name not in coded or not isinstance(labels, Mapping):
            faults.append(
                f"[codes.{name}] is not known. Coded fields: {', '.join(sorted(coded))}.{near(name, coded)}"
            )
            continue
        choices = (*areas, OUT_OF_AREA) if name == "area" else CHOICES.get(name, ())
        known: dict[str, Any] = {}
        for label, value in labels.items():
            values = tuple(map(str, _list(value))) if name == "stage" else str(value)
            wrong = [v for v in (values if name == "stage" else [values]) if choices and v not in choices]
            if wrong:
                faults.append(
                    f"[codes.{name}] {shown(label)} = {shown(wrong[0])}: not one of "
                    f"{', '.join(c or repr('') for c in choices)}.{near(wrong[0], choices)}"
                )
            if known.setdefault(plain(label), values) != values:
                faults.append(f"[codes.{name}] {shown(label)} is there twice with different meanings.")
        out[name] = known
    return out


def _obsolete(entries: Mapping, faults: list[str]) -> dict[str, Obsolete]:
    out = {}
    for label, entry in entries.items():
        stages = tuple(map(str, _list(entry.get("stage")))) if isinstance(entry, Mapping) else ()
        if not stages or "means" not in entry or any(s not in CHOICES["stage"] for s in stages):
            faults.append(
                f'[obsolete.{shown(label)}] needs means = "what it stands for" and stage = one of '
                f"{', '.join(CHOICES['stage'])}."
            )
        else:
            out[plain(label)] = Obsolete(str(entry["means"]), stages)
    return out


def _decisions(given: Mapping, faults: list[str]) -> dict[str, str]:
    for key in given:
        if key not in DECISIONS:
            faults.append(f"[decisions] {shown(key)} is not known.{near(key, DECISIONS)}")
    return {
        key: _one(given, key, choices, choices[0], "[decisions] ", faults)
        for key, choices in DECISIONS.items()
    }
