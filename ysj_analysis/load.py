"""Is this data usable, and typed? Canonical tables in, typed tables out, or one readable refusal.

Every table is read as text, tidied of what is merely ugly (a byte-order mark, stray spaces, Windows
line ends, thousands separators), checked against ``vocabulary.TABLES`` and only then typed. All the
faults of a table are reported together: what, how many of how many, where first, and what to do.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from .vocabulary import BASES, BROAD, KEYS, PERIODS, POPULATION, STAGES, TABLES, UNITS, UNKNOWN, Column, Stage

SUPPRESSED = "[c]"
"""The mark for a hidden count in a canonical table. It is read as a missing count."""

_WHOLE = r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.0+)?"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class DataError(ValueError):
    """Data that cannot be used. The message says what, how many of how many, where and what to do."""


def shown(label: object, limit: int = 40) -> str:
    """Write a label from a file so that it can do no harm in a message.

    Parameters
    ----------
    label : object
        Anything read from a file.
    limit : int
        Longest text to show.

    Returns
    -------
    str
        The label in quotes, control and direction marks replaced, cut to ``limit``.

    Examples
    --------
    >>> shown("Blck")
    "'Blck'"
    """
    text = _UNSAFE.sub("?", str(label))
    return "'" + (text if len(text) <= limit else text[: limit - 1] + "…") + "'"


def near(label: str, choices) -> str:
    """Say which of the choices a label nearly is, as a clause; empty when none is near."""
    match = difflib.get_close_matches(str(label), [str(c) for c in choices], n=1, cutoff=0.6)
    return f" Did you mean {shown(match[0])}?" if match else ""


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


# -- one table ---------------------------------------------------------------------------------------


def _read(path: Path) -> pd.DataFrame:
    """Read a CSV as text: no guessed types, no guessed missing values."""
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True
        )
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name}: not UTF-8 text; byte {error.start:,} cannot be read. "
            "Save the file again as 'CSV UTF-8'."
        ) from None
    except pd.errors.EmptyDataError:
        raise DataError(
            f"{path.name}: the file is empty. It needs a header row and at least one row."
        ) from None
    except pd.errors.ParserError as error:
        raise DataError(
            f"{path.name}: the rows do not all have the same number of columns ({str(error).strip()}). "
            "Look for an unquoted comma or a title row above the header."
        ) from None
    except FileNotFoundError:
        raise DataError(
            f"{path.name}: there is no such file in {path.parent.name or 'this folder'}/."
        ) from None
    table.columns = [str(c).strip() for c in table.columns]
    repeated = [
        c for c in table.columns if re.fullmatch(r".+\.\d+", c) and c.rsplit(".", 1)[0] in table.columns
    ]
    if repeated:
        raise DataError(
            f"{path.name}: the column {shown(repeated[0].rsplit('.', 1)[0])} occurs more than once. "
            "Keep one of them."
        )
    if table.empty:
        raise DataError(f"{path.name}: 0 rows under the header. The file needs at least one row.")
    return table.fillna("").apply(lambda s: s.str.strip())


def _faults(values: pd.Series, column: Column, groups, stages) -> tuple[pd.Series, str, str]:
    """Find the rows of one column that break its kind: which rows, what is wrong, what to do."""
    blank = values.eq("")
    match column.kind:
        case "whole":
            bad = ~values.str.fullmatch(_WHOLE) & values.ne(SUPPRESSED)
            return (
                bad & ~(blank & (not column.required)),
                "not a whole number of 0 or more",
                f"Give a whole number, or {SUPPRESSED} for a hidden count.",
            )
        case "date":
            bad = pd.to_datetime(values, format="%Y-%m-%d", errors="coerce").isna()
            return bad & ~blank, "not a date written YYYY-MM-DD", "Write dates as 2024-03-31."
        case "month":
            bad = ~values.str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])")
            return bad & ~blank, "not a month written YYYY-MM", "Write months as 2009-07."
        case "flag":
            return ~values.isin(["yes", "no", ""]), "not yes, no or empty", "Write yes or no."
        case "stage":
            return (
                ~values.isin(stages),
                "a stage that is not in the stage graph",
                ("Correct it, or add the stage to study.toml."),
            )
        case "group" if groups:
            return (
                ~values.isin(groups),
                "an ethnic group that is not in the study",
                ("Correct it, or list it under groups in study.toml. Labels are never guessed."),
            )
    if column.choices:
        return (
            ~values.isin(column.choices),
            "a value that is not in the vocabulary",
            (f"Correct it; the vocabulary has {', '.join(column.choices[:24])}."),
        )
    return blank & column.required, "empty", "Fill it in."


def _examples(values: pd.Series, bad: pd.Series, column: Column, choices) -> str:
    """List the commonest wrong labels with their counts; only for columns that hold codes, never ids."""
    if column.kind not in ("stage", "group", "flag") and not column.choices:
        return ""
    counts = values[bad].value_counts()
    listed = ", ".join(f"{shown(label)} ({n:,})" for label, n in counts.head(5).items())
    more = f" and {len(counts) - 5} more" if len(counts) > 5 else ""
    return f": {listed}{more}.{near(counts.index[0], choices)}"


def _typed(values: pd.Series, column: Column, groups, stages) -> pd.Series:
    """Give one clean column its type."""
    match column.kind:
        case "whole":
            plain = values.str.replace(",", "").where(values.ne(SUPPRESSED) & values.ne(""))
            return pd.to_numeric(plain).astype(float)
        case "date":
            return pd.to_datetime(values, format="%Y-%m-%d", errors="coerce")
        case "group":
            present = list(dict.fromkeys(values))
            order = list(groups) if groups else in_order(present)
            return values.astype(pd.CategoricalDtype(order, ordered=True))
        case "stage":
            return values.astype(pd.CategoricalDtype(list(stages), ordered=True))
    if column.choices:
        return values.astype(pd.CategoricalDtype(list(column.choices), ordered=True))
    return values


def in_order(groups: list[str]) -> list[str]:
    """Put groups in printing order: the usual broad groups as usual, others as they come."""
    known = [g for g in BROAD if g in groups]
    return (
        [g for g in groups if g not in known and g != UNKNOWN] + known if len(known) < len(groups) else known
    )


def check(table: pd.DataFrame, name: str, *, file: str, groups=(), stages=STAGES) -> pd.DataFrame:
    """Check a table of text against the vocabulary and type it.

    Parameters
    ----------
    table : DataFrame of str
        As read.
    name : str
        Which canonical table it is.
    file : str
        What to call it in a message.
    groups : sequence of str
        The study's ethnic groups; empty accepts any.
    stages : mapping
        The stage graph.

    Returns
    -------
    DataFrame
        The same rows in the same order, typed; extra columns are kept as text.

    Raises
    ------
    DataError
        Naming every fault: what, how many of how many, the first row and column, what to do.
    """
    columns = {c.name: c for c in TABLES[name]}
    missing = [c for c in columns.values() if c.required and c.name not in table.columns]
    if missing:
        hints = "".join(near(c.name, table.columns) for c in missing[:1])
        raise DataError(
            f"{file}: {len(missing)} of {sum(c.required for c in columns.values())} required columns "
            f"are missing: {', '.join(c.name for c in missing)}.{hints} "
            f"The file has {', '.join(shown(c) for c in table.columns[:12])}."
        )
    blocks = []
    for column in (c for c in columns.values() if c.name in table.columns):
        bad, what, remedy = _faults(table[column.name], column, groups, stages)
        if bad.any():
            choices = {"stage": stages, "group": groups}.get(column.kind, column.choices)
            first = table.index[bad][0] + 2
            listed = _examples(table[column.name], bad, column, choices)
            blocks.append(
                f"{file}: {bad.sum():,} of {len(table):,} rows have {what} in column "
                f"{column.name}{listed or '.'} First: row {first:,}, column {column.name}. {remedy}"
            )
    key = [k for k in KEYS.get(name, ()) if k in table.columns]
    if key and (twice := table.duplicated(key, keep=False)).any():
        extra = int(table.duplicated(key).sum())
        blocks.append(
            f"{file}: {extra:,} of {len(table):,} rows repeat the key ({', '.join(key)}) of an earlier "
            f"row. First: row {table.index[twice][1] + 2:,}, column {key[0]}. Keep one row for each key."
        )
    if blocks:
        raise DataError("\n".join(blocks))
    typed = {c: _typed(table[c], columns[c], groups, stages) for c in columns if c in table.columns}
    return table.assign(**typed)


def _table(source, name: str, **settings) -> pd.DataFrame:
    """Read, check and type one table from its file or from a study folder."""
    path = Path(source)
    path = path / f"{name}.csv" if path.is_dir() else path
    return check(_read(path), name, file=path.name, **settings)


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
        ledger=_read(folder / "ledger.csv") if (folder / "ledger.csv").is_file() else _empty_ledger(),
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
