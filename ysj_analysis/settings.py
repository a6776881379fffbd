"""What does ``study.toml`` say? Each setting checked, and the stage graph and groups it stands for."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from .reading import alike
from .tables import DataError, near, shown
from .vocabulary import (
    BASES,
    BROAD,
    PERIODS,
    POPULATION,
    ROLES,
    SOURCES_OF_ETHNICITY,
    STAGES,
    UNITS,
    UNKNOWN,
    Stage,
)

_NO_BASE = "none"
"""The base of a stage before which nothing is known."""

_KINDS = tuple(dict.fromkeys((*(s.kind for s in STAGES.values()), "pending")))
_POLARITIES = ("adverse", "neutral", "favourable")


def _text(value: object) -> bool:
    return isinstance(value, str)


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value)) and len({*value}) == len(value)


def _years(value: object) -> bool:
    if not (isinstance(value, list) and len(value) == 2 and all(type(v) is int for v in value)):
        return False
    return value[0] <= value[1]


def _tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, dict) for v in value)


class Setting(NamedTuple):
    """One setting of ``study.toml``: what holds for it, how to say so, and what it says of the study."""

    holds: Callable[[Any], bool]
    said: str
    meaning: str


SETTINGS = {
    "title": Setting(_text, "text", "the study's name, in the heading of its reports"),
    "areas": Setting(_texts, 'a list of names, each once, as ["Islington", "Camden"]', "the areas, in order"),
    "ethnicity_base": Setting(
        lambda v: v in (*BASES, "own"),
        f"one of {', '.join((*BASES, 'own'))}, in quotes",
        "the census whose broad groups are counted, or own for groups that the study names",
    ),
    "ethnicity_source": Setting(
        lambda v: v in SOURCES_OF_ETHNICITY,
        f"one of {', '.join(SOURCES_OF_ETHNICITY)}, in quotes",
        "whose word the groups are: the child's own, an officer's, a school's",
    ),
    "groups": Setting(
        _texts,
        'a list of names, each once, as ["Black", "White"]',
        "the study's own groups, in order, with ethnicity_base = own",
    ),
    "reference": Setting(_text, "the name of a group", "the group compared with"),
    "unit": Setting(lambda v: v in UNITS, f"one of {', '.join(UNITS)}", "what counts.csv counts"),
    "period": Setting(lambda v: v in PERIODS, f"one of {', '.join(PERIODS)}", "the kind of year"),
    "years": Setting(
        _years, "the first and the last year, as [2016, 2023]", "the years held, by the one each starts in"
    ),
    "population": Setting(
        lambda v: (
            isinstance(v, dict) and _text(v.get("vintage", "")) and v.get("base", "own") in (*BASES, "own")
        ),
        'a table, as vintage = "2021" and perhaps base = "2021"',
        "which estimate the population is, and the census its groups are those of",
    ),
    "flags": Setting(
        lambda v: isinstance(v, dict) and {"threshold", "declared"} <= set(v),
        'a table with threshold and declared, as threshold = 1.5 and declared = "2024-04-01"',
        "the rule by which gaps are flagged, and when it was declared",
    ),
    "sources": Setting(_tables, "a list of tables, each under [[sources]]", "where the figures come from"),
    "corrections": Setting(
        lambda v: _tables(v) and all({"date", "what"} <= set(one) for one in v),
        "a list of tables with a date and what was wrong, each under [[corrections]]",
        "what was put right since the figures were first published",
    ),
    "assurance": Setting(
        lambda v: _tables(v) and all(one.get("role") in ROLES and _text(one.get("name")) for one in v),
        f"a list of tables with role ({', '.join(ROLES)}), name and date, each under [[assurance]]",
        "who answers for the analysis",
    ),
    "stages": Setting(
        _tables, "a list of tables, each under [[stages]]", "the study's own stages, all of them, in order"
    ),
    "synthetic": Setting(
        lambda v: isinstance(v, bool), "true or false", "whether the children are made up; reports say so"
    ),
}
"""The settings, by name."""


def read(folder: Path) -> dict:
    """Read the settings of a study.

    Parameters
    ----------
    folder : Path
        The study folder.

    Returns
    -------
    dict
        The settings as they stand; empty when there is no ``study.toml``. Settings the kit does not
        know are ignored, unless they look like one it knows.

    Raises
    ------
    DataError
        If the file is not TOML, or a setting is not what it should be.
    """
    path = folder / "study.toml"
    if not path.is_file():
        return {}
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"study.toml: cannot be read ({error}). Correct that line.") from None
    for key, value in given.items():
        if key not in SETTINGS and alike(key, SETTINGS):
            raise DataError(
                f"study.toml: there is no setting {shown(key)}.{near(key, SETTINGS)} Correct it, or take it out."
            )
        if key in SETTINGS and not SETTINGS[key].holds(value):
            raise DataError(
                f"study.toml: {key} is {shown(value)}; it must be {SETTINGS[key].said}. Correct it."
            )
    return given


def made_up(study: Path) -> bool:
    """Say whether the children of a study are made up: its ``synthetic``.

    Parameters
    ----------
    study : Path
        The study folder.

    Returns
    -------
    bool
        False also of a file, and of a folder without settings.
    """
    return study.is_dir() and read(study).get("synthetic", False)


def groups(given: Mapping, *, events: bool) -> tuple[str, ...]:
    """List the study's groups: the broad groups of its census base, or those it names itself.

    Parameters
    ----------
    given : mapping
        The settings.
    events : bool
        Whether the study holds events, whose children have detailed groups of a census base.

    Returns
    -------
    tuple of str
        Empty where the counts name the groups themselves.

    Raises
    ------
    DataError
        If groups are named that are not those of the census base, or a study of events names its own.
    """
    base = given.get("ethnicity_base", "2021" if given or events else "own")
    if base != "own":
        of_census = [g for g in BROAD if g != UNKNOWN]
        own = given.get("groups", of_census)
        if {*own} - {UNKNOWN} != {*of_census}:
            raise DataError(
                f"study.toml: groups names {len(own)} groups, but those of the {base} census are "
                f'{", ".join(of_census)}. Take the line out, or set ethnicity_base = "own".'
            )
        return BROAD
    if events:
        raise DataError(
            "study.toml: ethnicity_base is 'own', but the groups of events come from the detailed groups in "
            f"children.csv. Choose one of {', '.join(BASES)}."
        )
    return tuple(given.get("groups", ()))


def stages(given: Mapping) -> Mapping[str, Stage]:
    """Build the stage graph: the study's own when it brings one, else England and Wales.

    Parameters
    ----------
    given : mapping
        The settings.

    Returns
    -------
    mapping of str to Stage
        By id, in the study's order.

    Raises
    ------
    DataError
        If a stage lacks a line, occurs twice, has an unknown kind, polarity or base, or leads to itself.
    """
    if "stages" not in given:
        return STAGES
    names = [f.name for f in fields(Stage)]
    graph: dict[str, Stage] = {}
    for number, entry in enumerate(given["stages"], start=1):
        lacking = [n for n in names if n not in entry]
        if lacking:
            raise DataError(
                f"study.toml: stage {number} of {len(given['stages'])} has no {', '.join(lacking)}. Add the "
                "missing lines."
            )
        stage = Stage(**{n: str(entry[n]) for n in names})
        for name, choices in (("kind", _KINDS), ("polarity", _POLARITIES)):
            if getattr(stage, name) not in choices:
                raise DataError(
                    f"study.toml: stage {shown(stage.id)} has the {name} {shown(getattr(stage, name))}; it must "
                    f"be one of {', '.join(choices)}.{near(getattr(stage, name), choices)}"
                )
        if stage.id in graph:
            raise DataError(f"study.toml: stage {shown(stage.id)} occurs more than once. Keep one of them.")
        graph[stage.id] = stage
    for stage in graph.values():
        _refuse_base(stage, graph)
    return graph


def _refuse_base(stage: Stage, graph: Mapping[str, Stage]) -> None:
    """Refuse a stage whose path does not begin at the population or at a first stage."""
    if stage.base not in (POPULATION, _NO_BASE, *graph):
        raise DataError(
            f"study.toml: stage {shown(stage.id)} has the base {shown(stage.base)}, which is neither "
            f"'population', 'none' nor another stage.{near(stage.base, graph)}"
        )
    seen, at = {stage.id}, stage.base
    while at in graph:
        if at in seen:
            raise DataError(
                f"study.toml: stage {shown(stage.id)} leads back to itself by way of {shown(at)}. Correct the "
                "base of one of them."
            )
        seen.add(at)
        at = graph[at].base


def period(given: Mapping) -> str:
    """Name the kind of year, the financial year unless the study says otherwise.

    Parameters
    ----------
    given : mapping
        The settings.

    Returns
    -------
    str
        One of ``vocabulary.PERIODS``.
    """
    return given.get("period", PERIODS[0])


def hashes(folder: Path) -> dict[str, str]:
    """Give the SHA-256 of each file of a study that is read.

    Parameters
    ----------
    folder : Path
        The study folder.

    Returns
    -------
    dict of str to str
        By file name.
    """
    kept = (
        p
        for p in sorted(folder.iterdir())
        if p.is_file() and p.suffix in (".csv", ".parquet", ".toml", ".json")
    )
    found = {}
    for path in kept:
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
