"""Which reports does a batch make? Areas, years and notebooks, from a plan file or the command line."""

from __future__ import annotations

import glob
import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .parameters import ParameterError
from .request import find_notebook

ALL, LAST = "all", "last"
_RANGE = re.compile(r"(\d{4})\.\.(\d{4})?\Z")


@dataclass(frozen=True)
class Job:
    """One report of a batch.

    Attributes
    ----------
    notebook : str
        Its name or path.
    data : str or None
        The study folder.
    out : str
        Folder of all reports.
    area, year
        As in `report.render`; ``None`` for the study's own.
    edition, date, formats, template
        As in `report.render`.
    parameters : dict
        Further values of the notebook.
    """

    notebook: str
    data: str | None
    out: str
    area: str | None = None
    year: int | None = None
    edition: str = "public"
    date: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ("html",)
    template: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What `request.request` takes beside the notebook."""
        own = {k: v for k, v in (("area", self.area), ("year", self.year)) if v is not None}
        typed = {k: v for k, v in self.parameters.items() if not isinstance(v, str)}
        text = {k: v for k, v in self.parameters.items() if isinstance(v, str)}
        return {
            "data": self.data,
            "edition": self.edition,
            "date": self.date,
            "text": text,
            "values": typed | own,
            "formats": tuple(self.formats),
            "template": self.template,
        }


@dataclass(frozen=True)
class Plan:
    """A batch before anything is read: which notebooks, for which areas and years of which studies.

    Attributes
    ----------
    out : str
        Folder of all reports.
    data : str or None
        The study folder. With ``{area}`` in it, or a star, there is a study for each area.
    areas : "all" or tuple of str
        Of the study; or the folders that stand for ``{area}``.
    years : "last", "all", "2019..2023", "2019..", or tuple of int
        The last year of each report.
    notebooks : tuple of str
        One report for each.
    edition, date, parameters, formats, template
        As in `Job`.
    """

    out: str = "reports"
    data: str | None = None
    areas: str | tuple[str, ...] = ALL
    years: str | tuple[int, ...] = LAST
    notebooks: tuple[str, ...] = ("annual_report",)
    edition: Literal["public", "ons", "restricted"] = "public"
    date: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ("html",)
    template: str | None = None


def read(path: str | Path) -> list[Plan]:
    """Read a plan file: settings for all, and ``[[reports]]`` with settings of their own.

    Parameters
    ----------
    path : path
        TOML, with the fields of `Plan`. A folder in it is relative to the file.

    Returns
    -------
    list of Plan
        One for each ``[[reports]]``; one in all where there is none.

    Raises
    ------
    ParameterError
        Naming the setting that cannot be used.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path.name} is not a plan in TOML: {error}. Correct it there.") from None
    parts = given.pop("reports", [{}])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise ParameterError(f"{path.name}: reports is not a list of tables. Begin each with [[reports]].")
    shared = given.pop("parameters", {})
    plans = []
    for part in parts:
        own = {"parameters": {**shared, **part.pop("parameters", {})}}
        plans.append(_at(path.parent, plan(given | part | own, where=path.name, folder=path.parent)))
    return plans


def plan(given: Mapping[str, Any], *, where: str = "the plan", folder: Path = Path()) -> Plan:
    """Check the settings of a plan.

    Parameters
    ----------
    given : mapping
        Some of the fields of `Plan`.
    where : str
        What to call it in a message.
    folder : Path
        From where the path of a notebook is read.

    Returns
    -------
    Plan
        With tuples for lists.

    Raises
    ------
    ParameterError
        Naming a setting that cannot be used.

    Examples
    --------
    >>> plan({"areas": ["Camden"], "years": "2021..2023"}).areas
    ('Camden',)
    """
    from pydantic import TypeAdapter, ValidationError

    unknown = [(name, "there is no such setting") for name in given if name not in Plan.__dataclass_fields__]
    try:
        done = TypeAdapter(Plan).validate_python({k: v for k, v in given.items() if (k, v) not in unknown})
        wrong = unknown
    except ValidationError as error:
        wrong = unknown + [(str(e["loc"][0]), e["msg"]) for e in error.errors()]
    if wrong:
        raise ParameterError(
            f"{where}: {len(dict(wrong))} of {len(given)} settings cannot be used. First: {': '.join(wrong[0])}. "
            f"It may have {', '.join(Plan.__dataclass_fields__)} and [[reports]]."
        )
    if isinstance(done.years, str) and done.years not in (ALL, LAST) and not _RANGE.match(done.years):
        raise ParameterError(
            f"{where}: years is {done.years!r}. Write 2021..2023, 2021.., last, all or a list, with 2023 for 2023-24."
        )
    if isinstance(done.areas, str) and done.areas != ALL:
        done = replace(done, areas=(done.areas,))
    for notebook in done.notebooks:
        find_notebook(_local(folder, notebook))
    return done


def _local(folder: Path, notebook: str) -> str:
    return str(folder / notebook) if notebook.endswith(".ipynb") else notebook


def _at(folder: Path, plan: Plan) -> Plan:
    """Read the folders of a plan from where its file is."""
    data, template = (None if path is None else str(folder / path) for path in (plan.data, plan.template))
    notebooks = tuple(_local(folder, n) for n in plan.notebooks)
    return replace(plan, data=data, out=str(folder / plan.out), notebooks=notebooks, template=template)


def folders(plan: Plan) -> Iterator[tuple[str | None, Plan]]:
    """List the study folders of a plan, each with what is wanted of it.

    Parameters
    ----------
    plan : Plan
        With ``{area}`` or a star in ``data``, or without.

    Yields
    ------
    tuple of str and Plan
        A folder, and the plan with the areas of that folder.

    Raises
    ------
    ParameterError
        If no folder is like that.
    """
    if plan.data is None or not re.search(r"\{area\}|[*?\[]", plan.data):
        yield plan.data, plan
    elif "{area}" in plan.data and plan.areas != ALL:
        for area in plan.areas:
            yield plan.data.replace("{area}", area), replace(plan, areas=ALL)
    else:
        found = sorted(p for p in glob.glob(plan.data.replace("{area}", "*")) if Path(p).is_dir())
        if not found:
            raise ParameterError(f"There is no study folder like {plan.data!r}.")
        for folder in found:
            yield folder, plan


def jobs(plan: Plan, data: str | None, areas: Sequence[str], years: tuple[int, int]) -> Iterator[Job]:
    """List the reports of one study.

    Parameters
    ----------
    plan : Plan
        What is wanted.
    data : str
        The study folder.
    areas : sequence of str
        Areas of the study.
    years : tuple of int
        Its first and last year.

    Yields
    ------
    Job
        Area by area, in each the years in order: a public report is audited with those before it.
    """
    chosen = areas if plan.areas == ALL else plan.areas
    for area, year, notebook in itertools.product(chosen, _years(plan.years, years), plan.notebooks):
        yield Job(notebook, data, plan.out, area, year, *shared(plan))


def shared(plan: Plan) -> tuple[str, str | None, Mapping[str, Any], tuple[str, ...], str | None]:
    """Give what all reports of a plan have alike, in the order of `Job`."""
    return plan.edition, plan.date, plan.parameters, plan.formats, plan.template


def _years(wanted: str | tuple[int, ...], years: tuple[int, int]) -> Sequence[int]:
    if not isinstance(wanted, str):
        return sorted(wanted)
    if wanted == LAST:
        return years[1:]
    if wanted == ALL:
        return range(years[0], years[1] + 1)
    first, last = _RANGE.match(wanted).groups()  # type: ignore[union-attr]
    return range(int(first), int(last or years[1]) + 1)
