"""How does a study get its denominators from another folder? A new folder: the study with that population.

`ysj convert census-2021` makes a folder with a population and nothing to divide by it. A study of events or
counts has its own folder. Neither is edited: `population` writes a third, which is the study with the
population beside it, its source among the sources and its ledger after the study's.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from . import label_mapping, load, sources
from .bases import refuse_other_base
from .filled_years import filled, filled_lines
from .study_folder import LEDGER, toml, whole_folder
from .tables import DataError, shown

_COLUMNS = ("area", "year", "vintage", "base", "age", "sex", "group", "population", "estimated")


def population(study: str | Path, people: str | Path, out: str | Path, *, fill: str | None = None) -> Path:
    """Write a study with a population from another folder.

    Parameters
    ----------
    study : path
        A study folder without ``population.csv``.
    people : path
        A folder with ``population.csv``, such as `ysj convert census-2021` makes.
    out : path
        The folder to make.
    fill : {"held", "linear"}, optional
        How to fill in years of the study that the population does not have. Nothing is filled in unless
        asked, and each figure that is has a mark in the column ``estimated`` and a line in the ledger.

    Returns
    -------
    Path
        The new folder, whole or not at all.

    Raises
    ------
    DataError
        When the study has a population, the other folder has none, the two are on different bases, an area
        or a year of the study has no population, or ``out`` holds something.

    Examples
    --------
    A study that has a population keeps it.

    >>> population("data/synthetic", "population", "out")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    DataError: synthetic/ has a population.csv already.
    """
    study, people = Path(study), Path(people)
    if (study / "population.csv").is_file():
        raise DataError(
            f"{study.name}/ has a population.csv already. Two populations are never added together: take it out first."
        )
    read = load.study(study)
    rows = load.population(people)
    given, theirs = _settings(study), _settings(people)
    refuse_other_base(rows, read.base, stated=None if "base" in rows else theirs.get("ethnicity_base"))
    here = _of_the_study(rows, read, people.name)
    years = list(range(read.years[0], read.years[1] + 1))
    table = filled(here, years, fill=fill, beyond=fill == "linear", name=f"{people.name}/population.csv")
    table = table[[c for c in _COLUMNS if c in table]].astype({"population": "Int64"})
    if not table["estimated"].ne("").any():
        table = table.drop(columns="estimated")
    settings = _joined(given, theirs, read, rows)
    with whole_folder(out) as part:
        for file in (
            f for f in sorted(study.iterdir()) if f.is_file() and f.name not in ("study.toml", "ledger.csv")
        ):
            (part / file.name).write_bytes(file.read_bytes())
        table.to_csv(part / "population.csv", index=False, lineterminator="\n", na_rep="[c]")
        labels = [t for f in (study, people) if (t := label_mapping.of_folder(f)) is not None]
        if labels:
            both = pd.concat(labels).drop_duplicates()
            both.to_csv(part / label_mapping.FILE, index=False, lineterminator="\n")
        _ledger(read, people, rows, table).to_csv(part / "ledger.csv", index=False, lineterminator="\n")
        (part / "study.toml").write_text(toml(_plain(settings)), encoding="utf-8", newline="\n")
        load.study(part)
    return Path(out)


def converted(
    format: str,
    files: Sequence[str | Path],
    out: str | Path,
    *,
    people: str | Path,
    fill: str | None = None,
    **options: str,
) -> Path:
    """Convert files to a study with a population from another folder, in one step.

    Parameters
    ----------
    format, files, out, **options
        As for ``sources.convert``.
    people, fill
        As for :func:`population`.

    Returns
    -------
    Path
        The new folder, whole or not at all.

    Raises
    ------
    DataError, ValueError
        As for ``sources.convert`` and :func:`population`.

    Examples
    --------
    >>> converted("cook-country", [], "out", people="p")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: format 'cook-country' is not known. Known are cook-county, census-2021, ...
    """
    out = Path(out)
    with tempfile.TemporaryDirectory(prefix="ysj-") as room:
        return population(
            sources.convert(format, files, Path(room) / out.name, **options), people, out, fill=fill
        )


def _settings(folder: Path) -> dict:
    path = folder / "study.toml"
    return tomllib.loads(path.read_text(encoding="utf-8-sig")) if path.is_file() else {}


def _joined(given: dict, theirs: dict, study: load.Study, rows: pd.DataFrame) -> dict:
    """Put the population's source and vintage into the study's settings."""
    settings = dict(given)
    if not given:  # a study without settings has the usual ones, which settings would change
        settings = {"title": study.title, "ethnicity_base": study.base}
        settings |= {"groups": list(study.groups)} if study.base == "own" else {}
    settings["sources"] = [*given.get("sources", ()), *theirs.get("sources", ())]
    vintage = rows["vintage"].iloc[0] if "vintage" in rows else ""
    asked = given.get("population", {}).get("vintage", vintage)
    if asked != vintage:
        raise DataError(
            f"study.toml: the study asks for the vintage {shown(asked)} and this population is of {shown(vintage)}. "
            "Correct [population] vintage, or give the other population."
        )
    return settings | ({"population": {"vintage": vintage}} if vintage else {})


def _plain(settings: Mapping) -> dict:
    """Write dates as text, which is what `study_folder.toml` can hold."""

    def one(value):
        match value:
            case date():
                return value.isoformat()
            case dict():
                return {k: one(v) for k, v in value.items()}
            case list() | tuple():
                return [one(v) for v in value]
        return value

    return {key: one(value) for key, value in settings.items() if value not in ([], {})}


def _of_the_study(rows: pd.DataFrame, study: load.Study, name: str) -> pd.DataFrame:
    """Keep the study's areas, all of which must be there."""
    there = set(rows["area"])
    absent = [a for a in study.areas if a not in there]
    if absent:
        raise DataError(
            f"{name}/population.csv: {len(absent)} of {len(study.areas)} areas of the study have no population. First: "
            f"{shown(absent[0])}. It has {', '.join(shown(a) for a in sorted(there)[:8])}. Convert a file that holds "
            "the areas, or take them out of the study."
        )
    if "vintage" in rows and rows["vintage"].nunique() > 1:
        raise DataError(
            f"{name}/population.csv: {rows['vintage'].nunique()} vintages in one table, and years would be filled in "
            "across them. Keep one of them."
        )
    kept = rows[rows["area"].isin(study.areas)]
    return kept[[c for c in _COLUMNS if c in kept and c != "estimated"]].astype({"group": str, "year": int})


def _ledger(study: load.Study, people: Path, rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Put the population's ledger after the study's, and say what was kept and filled in."""
    path = people / "ledger.csv"
    theirs = pd.read_csv(path, dtype=str, keep_default_na=False) if path.is_file() else pd.DataFrame()
    areas = rows["area"].isin(study.areas)
    lines = [
        (
            "population",
            f"population of {', '.join(study.areas)} taken from {people.name}",
            "the study has no other area",
            int((~areas).sum()),
            int(areas.sum()),
        )
    ]
    lines += filled_lines(table, study.period)
    own = pd.DataFrame(lines, columns=list(LEDGER))
    return pd.concat(
        [study.ledger.reindex(columns=LEDGER), theirs.reindex(columns=LEDGER), own], ignore_index=True
    )
