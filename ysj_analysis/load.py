"""What data is there? Canonical tables and whole study folders, checked and typed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from . import label_mapping, large_files
from . import settings as toml
from .bases import refuse_other_base
from .calendar_periods import refuse_other_period, year_of
from .canonical import children, counts, events, offences, population, searches, table
from .ethnicity_source import SELF, kinds, refuse_no_groups
from .large import Stored
from .reading import in_place_of
from .tables import DataError, near, read, shown
from .vocabulary import BROAD, EVENT_UNITS, STAGES, TABLES, UNITS, UNKNOWN, Stage

__all__ = [
    "DataError",
    "Study",
    "children",
    "counts",
    "events",
    "found",
    "of_counts",
    "offences",
    "population",
    "searches",
    "study",
]


@dataclass(frozen=True, eq=False)  # a study is itself alone: its tables are not compared
class Study:
    """A study folder, read: its settings and its tables.

    A table that is not in the folder is ``None``. ``stages`` is the stage graph, ``groups`` the ethnic
    groups in printing order, ``base`` the census base they are counted on (``own`` for groups the
    study names itself), ``ethnicity_source`` whose word a group is (empty for counts of a source that does
    not say; searches hold two, each counted apart), ``labels`` what a conversion read each label of ethnicity
    as, ``ledger`` what a conversion removed or assumed before the study was written, ``corrections`` what was
    found wrong in earlier reports, ``assurance`` who has answered for the analysis, by role.
    Where a file of events is large (``large_files.LARGE``), ``events`` stands for the events and the
    children where they are, and ``children`` is ``None``.
    """

    title: str
    areas: tuple[str, ...]
    groups: tuple[str, ...]
    reference: str
    base: str
    period: str
    years: tuple[int, int]
    unit: str
    vintage: str | None
    stages: Mapping[str, Stage]
    sources: tuple[Mapping[str, str], ...]
    hashes: Mapping[str, str]
    ledger: pd.DataFrame = field(repr=False)
    ethnicity_source: str = SELF
    corrections: tuple[Mapping[str, str], ...] = ()
    assurance: tuple[Mapping[str, str], ...] = ()
    labels: pd.DataFrame | None = field(default=None, repr=False)
    children: pd.DataFrame | None = field(default=None, repr=False)
    events: pd.DataFrame | Stored | None = field(default=None, repr=False)
    offences: pd.DataFrame | None = field(default=None, repr=False)
    sentencing: pd.DataFrame | None = field(default=None, repr=False)
    support: pd.DataFrame | None = field(default=None, repr=False)
    searches: pd.DataFrame | None = field(default=None, repr=False)
    counts: pd.DataFrame | None = field(default=None, repr=False)
    population: pd.DataFrame | None = field(default=None, repr=False)


def study(folder: str | Path) -> Study:
    """Read all of a study folder.

    Parameters
    ----------
    folder : path
        Holds ``study.toml`` and canonical tables. A folder with only ``counts.csv`` or ``searches.csv``
        (and, if there is one, ``population.csv``) is a study too; its settings are then the usual ones.

    Returns
    -------
    Study
        Settings and typed tables.

    Raises
    ------
    DataError
        If the folder is not a study, or a table in it cannot be used.

    Examples
    --------
    >>> load_example = study("data/synthetic")
    >>> load_example.areas
    ('Islington', 'Camden', 'Hackney', 'Haringey')
    """
    folder = found(Path(folder))
    if (kept := _KEPT.get(_stamp(folder))) is not None:
        return kept
    present = _present(folder)
    given = toml.read(folder)
    detailed = "events" in present or "counts" not in present
    stages, groups = toml.stages(given), toml.groups(given, events=detailed)
    held = present
    tables: dict[str, Any] = {}
    large, people = (large_files.path_of(folder, name) for name in ("events", "children"))
    if large is not None and people is not None and large_files.is_large(large):
        held = [name for name in present if name not in ("events", "children")]
        tables["events"] = large_files.stored(large, people, stages=stages, areas=given.get("areas", ()))
    tables |= {name: _study_table(folder, name, groups, stages) for name in held}
    scope = _scope(given, tables, groups)
    if "events" in tables:
        stored = isinstance(tables["events"], Stored)
        there = tables["events"].kinds() if stored else kinds(tables["children"])
        refuse_no_groups(there, base=scope["base"], source=scope["ethnicity_source"])
    stated = given.get("population", {}).get("base")
    refuse_other_base(tables.get("population"), scope["base"], stated=stated)
    refuse_other_period(tables.get("counts"), scope["period"])
    return Study(
        **scope,
        stages=stages,
        hashes=toml.hashes(folder),
        ledger=_ledger(folder),
        labels=label_mapping.of_folder(folder),
        **tables,
    )


_KEPT: dict[tuple, Study] = {}


def keep(folder: str | Path) -> Study:
    """Read a study once, for this process and for every process forked from it.

    Parameters
    ----------
    folder : path
        As for :func:`study`, which gives this study again as long as no file of it changes. Only the
        last study is kept. Nobody may change its tables.

    Returns
    -------
    Study
        As :func:`study`.

    Raises
    ------
    DataError
        As :func:`study`.
    """
    kept = study(folder)
    _KEPT.clear()
    _KEPT[_stamp(found(Path(folder)))] = kept
    return kept


def _leave_stored() -> None:
    """Leave to the parent, in a process it has forked, a study that stands for rows in its own engine."""
    for stamp in [s for s, kept in _KEPT.items() if isinstance(kept.events, Stored)]:
        del _KEPT[stamp]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_stored)


def _stamp(folder: Path) -> tuple:
    """Say when the files of a folder last changed."""
    files = sorted(p for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []
    return (str(folder.resolve()), *((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files))


def found(folder: Path) -> Path:
    """Look for a relative folder here and in the folders above, so that a notebook finds it too.

    Parameters
    ----------
    folder : Path
        As it was given.

    Returns
    -------
    Path
        Where it is; as given where it is nowhere.
    """
    places = [Path.cwd(), *Path.cwd().parents] if not folder.is_absolute() else []
    return next((p / folder for p in places if (p / folder).is_dir()), folder)


_NEEDED = ("counts", "events", "searches")
"""A study has one of these tables."""


def _present(folder: Path) -> list[str]:
    """List the canonical tables of a folder, or refuse it."""
    present = [name for name in TABLES if large_files.path_of(folder, name)]
    if not folder.is_dir():
        raise DataError(
            f"{folder.name} is a file, and a study is a folder. Give the folder it is in."
            if folder.is_file()
            else f"{folder.name}/: there is no such folder, neither here nor in the folders above. Check its name, or "
            "give its whole path."
        )
    if not set(_NEEDED) & set(present):
        instead = (in_place_of(folder / f"{name}.csv") for name in _NEEDED)
        do = next(
            filter(None, instead),
            " Give a folder with counts.csv, or with children.csv, events.csv and population.csv.",
        )
        there = ", ".join(shown(p.name) for p in sorted(folder.glob("*"))[:6])
        raise DataError(
            f"{folder.name}/ is not a study: it holds none of counts.csv, events.csv and searches.csv"
            + (f" (it holds {there})." if there else ".")
            + do
        )
    if "events" in present and "children" not in present:
        raise DataError(
            f"{folder.name}/: events.csv needs children.csv beside it, and there is none. Add children.csv."
        )
    return present


def _study_table(folder: Path, name: str, groups: Sequence[str], stages: Mapping[str, Stage]) -> pd.DataFrame:
    match name:
        case "counts":
            return counts(folder, groups=groups, stages=stages)
        case "events":
            return events(folder, stages=stages)
        case "population":
            return population(folder, groups=groups)
    return table(folder, name)


def _ledger(folder: Path) -> pd.DataFrame:
    path = folder / "ledger.csv"
    return read(path, empty=True).reset_index(drop=True) if path.is_file() else pd.DataFrame()


def _scope(given: Mapping, tables: Mapping[str, pd.DataFrame], groups: tuple[str, ...]) -> dict:
    """Areas, years, groups and the other settings, with what the tables say where a setting is absent."""
    name = next(n for n in ("events", "counts", "searches") if n in tables)
    file, main = f"{name}.csv", tables[name]
    period = toml.period(given)
    groups = groups or tuple(main["group"].cat.categories)
    if file == "counts.csv" and not main["group"].eq(UNKNOWN).any():
        groups = tuple(g for g in groups if g != UNKNOWN)
    if name == "counts":
        _refuse_one_group(groups, file)
    if "reference" in given and given["reference"] not in groups:
        raise DataError(
            f"study.toml: reference is {shown(given['reference'])}, which is not one of the {len(groups)} "
            f"groups ({', '.join(map(shown, groups))}).{near(given['reference'], groups)} Choose one of them."
        )
    return {
        "title": given.get("title", "Counts study" if file == "counts.csv" else "Study"),
        "areas": _areas(given, main, file),
        "groups": groups,
        "reference": given.get("reference", "White"),
        "base": given.get("ethnicity_base", "own" if set(groups) - set(BROAD) else "2021"),
        "ethnicity_source": given.get("ethnicity_source", SELF if name == "events" else ""),
        "period": period,
        "years": _years(given, main, period, file),
        "unit": _unit(given, main, "searches" if name == "searches" else UNITS[0]),
        "vintage": given.get("population", {}).get("vintage"),
        **{name: tuple(given.get(name, ())) for name in ("sources", "corrections", "assurance")},
    }


def _refuse_one_group(groups: tuple[str, ...], file: str) -> None:
    """Refuse counts of a single group: there is nothing to compare it with."""
    known = [g for g in groups if g != UNKNOWN]
    if len(known) < 2:
        raise DataError(
            f"{file}: {len(known)} of {len(groups)} groups {'is' if len(known) == 1 else 'are'} known. First: row 2, "
            "column group. Groups are compared with each other, so at least two are needed: add the rows of the "
            "others."
        )


def _areas(given: Mapping, main: pd.DataFrame, file: str) -> tuple[str, ...]:
    """The study's areas; one of which the data knows nothing is refused, not shown as having none."""
    there = list(dict.fromkeys(main["area"]))
    areas = tuple(given.get("areas", there))
    unknown = [a for a in areas if a not in there]
    if unknown:
        raise DataError(
            f"study.toml: {len(unknown)} of {len(areas)} areas have no row in {file}. First: "
            f"{shown(unknown[0])}.{near(unknown[0], there)} Correct it, or take it out of areas."
        )
    return areas


def _years(given: Mapping, main: pd.DataFrame, period: str, file: str) -> tuple[int, int]:
    """First and last year; a year of which the data knows nothing is refused, not shown as having none."""
    there = main["year"] if "year" in main else year_of(main["date"], period)
    first, last = int(there.min()), int(there.max())
    years = tuple(given.get("years", (first, last)))
    if years[0] < first or years[1] > last:
        raise DataError(
            f"study.toml: years is {list(years)}, but {file} holds {first} to {last}. Choose years within them."
        )
    return years


def _unit(given: Mapping, main: pd.DataFrame, usual: str) -> str:
    there = list(dict.fromkeys(main["unit"].dropna())) if "unit" in main else []
    unit = given.get("unit", there[0] if there else usual)
    if "stage" in main and "date" in main and unit not in EVENT_UNITS:
        raise DataError(
            f"study.toml: unit is {shown(unit)}, but events are counted as {' or '.join(EVENT_UNITS)}. Choose one of "
            "them; offences are counted from offences.csv, and searches from searches.csv."
        )
    if there and unit not in there:
        raise DataError(
            f"study.toml: unit is {shown(unit)}, but counts.csv counts {', '.join(there)}. Choose one of them."
        )
    return unit


def of_counts(file: str | Path, people: str | Path | None = None) -> Study:
    """Make a study of one table of counts, for a look at its relative rates.

    Parameters
    ----------
    file : path
        The CSV, or a folder with ``counts.csv``. That of a study keeps the study's settings.
    people : path, optional
        A population table, for rates of the population.

    Returns
    -------
    Study
        Groups are as the table names them.

    Raises
    ------
    DataError
        If a table cannot be used.
    """
    file = Path(file)
    if file.is_dir():
        file /= "counts.csv"
    if people is None and file.name == "counts.csv" and (file.parent / "study.toml").is_file():
        return study(file.parent)
    cells = counts(file)
    groups = tuple(cells["group"].cat.categories)
    _refuse_one_group(groups, file.name)
    return Study(
        title=file.stem,
        areas=tuple(cells["area"].unique()),
        groups=groups,
        reference="White",
        base="own",
        period="financial",
        years=(int(cells["year"].min()), int(cells["year"].max())),
        unit=str(cells["unit"].iloc[0]) if "unit" in cells else "children",
        vintage=None,
        stages=STAGES,
        sources=(),
        hashes={},
        ledger=cells.iloc[:0, :0],
        ethnicity_source="",
        counts=cells,
        population=None if people is None else population(people, groups=groups),
    )
