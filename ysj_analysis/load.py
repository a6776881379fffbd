"""What data is there? Canonical tables and whole study folders, checked and typed."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from .tables import SUPPRESSED, DataError, check, near, read, shown
from .vocabulary import BASES, BROAD, PERIODS, POPULATION, STAGES, TABLES, UNITS, UNKNOWN, Stage

__all__ = [
    "DataError",
    "Study",
    "children",
    "counts",
    "events",
    "offences",
    "population",
    "searches",
    "study",
]


@dataclass(frozen=True)
class Study:
    """A study folder, read: its settings and its tables.

    A table that is not in the folder is ``None``. ``stages`` is the stage graph, ``groups`` the ethnic
    groups in printing order, ``base`` the census base they are counted on (``own`` for groups the
    study names itself), ``ledger`` what a conversion removed or assumed before the study was written.
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
    children: pd.DataFrame | None = field(default=None, repr=False)
    events: pd.DataFrame | None = field(default=None, repr=False)
    offences: pd.DataFrame | None = field(default=None, repr=False)
    searches: pd.DataFrame | None = field(default=None, repr=False)
    counts: pd.DataFrame | None = field(default=None, repr=False)
    population: pd.DataFrame | None = field(default=None, repr=False)


def _table(source, name: str, **settings) -> pd.DataFrame:
    """Read, check and type one table from its file or from a study folder."""
    path = Path(source)
    path = path / f"{name}.csv" if path.is_dir() else path
    return check(read(path), name, file=path.name, **settings)


def children(source) -> pd.DataFrame:
    """Read the children table: one row a child. ``source`` is the file or the study folder."""
    return _table(source, "children")


def events(source, *, stages: Mapping[str, Stage] = STAGES) -> pd.DataFrame:
    """Read the events table: one row a decision. ``source`` is the file or the study folder."""
    return _table(source, "events", stages=stages)


def offences(source) -> pd.DataFrame:
    """Read the offences table. ``source`` is the file or the study folder."""
    return _table(source, "offences")


def searches(source) -> pd.DataFrame:
    """Read the stop and search table, which has no child id. ``source`` is the file or the folder."""
    return _table(source, "searches")


def population(source, *, groups=()) -> pd.DataFrame:
    """Read the population table. ``source`` is the file or the study folder."""
    return _table(source, "population", groups=groups)


def counts(source, *, groups=(), stages: Mapping[str, Stage] = STAGES) -> pd.DataFrame:
    """Read a table of counts by area, year, stage and group.

    Parameters
    ----------
    source : path
        The CSV, or the study folder that holds ``counts.csv``.
    groups : sequence of str
        The study's groups; empty takes them as the file names them.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    DataFrame
        The rows as they stand, typed. A count marked ``[c]`` is missing.

    Raises
    ------
    DataError
        For a malformed table, and where events exceed their denominator in a cohort, or a group has
        no row where others of the same area, year and stage do.
    """
    table = _table(source, "counts", groups=groups, stages=stages)
    file = Path(source).name if Path(source).is_file() else "counts.csv"
    if "denominator" in table.columns:
        in_cohort = table["stage"].map(lambda s: stages[s].base != POPULATION).astype(bool)
        above = in_cohort & (table["events"] > table["denominator"])
        if above.any():
            raise DataError(
                f"{file}: {above.sum():,} of {len(table):,} rows have more events than their denominator. "
                f"First: row {table.index[above][0] + 2:,}, column events. A stage fed by another cannot "
                "hold more than the stage before it: check the two columns, or the base of the stage."
            )
    _no_vanished_group(table, file)
    return table


def _no_vanished_group(table: pd.DataFrame, file: str) -> None:
    """Refuse a table in which a group has no row while others of its area, year and stage do."""
    expected = [g for g in table["group"].cat.categories if g != UNKNOWN]
    known = table[table["group"].isin(expected)]
    cells = known.groupby(["area", "year", "stage"], observed=True, sort=False)["group"].nunique()
    short = cells[cells < len(expected)]
    if not short.empty:
        area, year, stage = short.index[0]
        here = known[(known["area"] == area) & (known["year"] == year) & (known["stage"] == stage)]
        absent = [g for g in expected if g not in set(here["group"])]
        raise DataError(
            f"{file}: {len(short):,} of {len(cells):,} combinations of area, year and stage lack a group. "
            f"First: {shown(area)}, {year:.0f}, {stage} has no row for {', '.join(map(shown, absent))}. "
            f"Add the row with 0 events if there were none, or {SUPPRESSED} if the count is hidden."
        )


# -- a study -----------------------------------------------------------------------------------------


def study(folder) -> Study:
    """Read all of a study folder.

    Parameters
    ----------
    folder : path
        Holds ``study.toml`` and canonical tables. A folder with only ``counts.csv`` (and, if there is
        one, ``population.csv``) is a study too; its settings are then the usual ones.

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
    folder = _found(Path(folder))
    present = [name for name in TABLES if (folder / f"{name}.csv").is_file()]
    if not {"counts", "events"} & set(present):
        there = ", ".join(sorted(p.name for p in folder.glob("*"))[:6]) if folder.is_dir() else ""
        raise DataError(
            f"{folder.name}/ is not a study: it holds neither counts.csv nor events.csv"
            + (f" (it holds {there})." if there else ".")
            + " Give a folder with counts.csv, or with children.csv, events.csv and population.csv."
        )
    if "events" in present and "children" not in present:
        raise DataError(f"{folder.name}/: events.csv needs children.csv beside it, and there is none.")
    settings = _settings(folder)
    stages, groups = _stages(settings), _groups(settings)
    tables = {name: _study_table(folder, name, groups, stages) for name in present}
    return Study(
        **_scope(settings, tables, groups),
        stages=stages,
        hashes={
            p.name: _sha256(p) for p in sorted(folder.iterdir()) if p.suffix in (".csv", ".toml", ".json")
        },
        ledger=read(folder / "ledger.csv") if (folder / "ledger.csv").is_file() else _empty_ledger(),
        **tables,
    )


def _found(folder: Path) -> Path:
    """Look for a relative folder here and in the folders above, so that a notebook finds it too."""
    places = [Path.cwd(), *Path.cwd().parents] if not folder.is_absolute() else []
    return next((p / folder for p in places if (p / folder).is_dir()), folder)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _empty_ledger() -> pd.DataFrame:
    return pd.DataFrame(columns=["step", "what", "why", "removed", "left"])


def _study_table(folder: Path, name: str, groups, stages) -> pd.DataFrame:
    readers = {
        "counts": lambda: counts(folder, groups=groups, stages=stages),
        "events": lambda: events(folder, stages=stages),
        "population": lambda: population(folder, groups=groups),
    }
    return readers.get(name, lambda: _table(folder, name))()


def _settings(folder: Path) -> dict:
    path = folder / "study.toml"
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"study.toml: cannot be read ({error}). Correct that line.") from None


def _choice(settings: dict, key: str, choices, default: str) -> str:
    value = str(settings.get(key, default))
    if value not in choices:
        raise DataError(
            f"study.toml: {key} is {shown(value)}; it must be one of {', '.join(choices)}.{near(value, choices)}"
        )
    return value


def _groups(settings: dict) -> tuple[str, ...]:
    """The study's groups: the broad groups of its census base, or those it names itself."""
    if _choice(settings, "ethnicity_base", (*BASES, "own"), "2021" if settings else "own") != "own":
        return BROAD
    return tuple(str(g) for g in settings.get("groups", ()))


def _stages(settings: dict) -> Mapping[str, Stage]:
    """The stage graph: the study's own when it brings one, else England and Wales."""
    if "stages" not in settings:
        return STAGES
    names = [f.name for f in fields(Stage)]
    graph = {}
    for number, entry in enumerate(settings["stages"], start=1):
        lacking = [n for n in names if n not in entry]
        if lacking:
            raise DataError(f"study.toml: stage {number} has no {', '.join(lacking)}. Add the missing lines.")
        graph[entry["id"]] = Stage(**{n: str(entry[n]) for n in names})
    for stage in graph.values():
        if stage.base not in (POPULATION, "none", *graph) or stage.base == stage.id:
            raise DataError(
                f"study.toml: stage {shown(stage.id)} has the base {shown(stage.base)}, which is neither "
                f"'population', 'none' nor another stage.{near(stage.base, graph)}"
            )
    return graph


def _scope(settings: dict, tables: dict, groups: tuple[str, ...]) -> dict:
    """Areas, years, groups and the other settings, with what the tables say where a setting is absent."""
    main = tables.get("counts", tables.get("events"))
    if "year" in main:
        found = (int(main["year"].min()), int(main["year"].max()))
    else:
        dated = main["date"].dropna()
        found = (
            int((dated.min() - pd.DateOffset(months=3)).year),
            int((dated.max() - pd.DateOffset(months=3)).year),
        )
    groups = groups or tuple(main["group"].cat.categories)
    base = str(settings.get("ethnicity_base", "own" if set(groups) - set(BROAD) else "2021"))
    reference = str(settings.get("reference", "White"))
    if "reference" in settings and reference not in groups:
        raise DataError(
            f"study.toml: reference is {shown(reference)}, which is not one of the groups "
            f"({', '.join(groups)}).{near(reference, groups)}"
        )
    unit = main["unit"].iloc[0] if "unit" in main and len(main) else "children"
    return {
        "title": str(settings.get("title", "Counts study")),
        "areas": tuple(str(a) for a in settings.get("areas", dict.fromkeys(main["area"]))),
        "groups": groups,
        "reference": reference,
        "base": base,
        "period": _choice(settings, "period", PERIODS, "financial"),
        "years": tuple(int(y) for y in settings.get("years", found)),
        "unit": _choice(settings, "unit", UNITS, str(unit)),
        "vintage": settings.get("population", {}).get("vintage"),
        "sources": tuple(settings.get("sources", ())),
    }
