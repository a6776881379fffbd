"""Which report is asked for? The notebook, its checked values, the study and the folder it will have."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from pathlib import Path
from typing import Any

from . import settings
from .documents import asked
from .kernel import settled
from .page import slug
from .parameters import Parameter, ParameterError, check, convert, declared
from .vocabulary import period_label

EDITIONS = ("public", "ons", "restricted")
_MARKING = "OFFICIAL-SENSITIVE"


@dataclass(frozen=True)
class Request:
    """A report that can be rendered: everything about it is checked.

    Attributes
    ----------
    notebook : Path
        The notebook.
    values : dict
        A value of the declared type for each of its parameters.
    study : Path or None
        The study folder, if the notebook reads one.
    period : {"financial", "calendar"}
        The kind of year of the study.
    edition : {"public", "ons", "restricted"}
        Which edition.
    date : str or None
        The date to print, as YYYY-MM-DD.
    formats : tuple of str
        In which formats, the page first.
    template : Path or None
        House style of the Word documents.
    made_up : bool or None
        Whether the children of the study are; None without a study.
    """

    notebook: Path
    values: dict[str, Any]
    study: Path | None
    period: str
    edition: str
    date: str | None
    formats: tuple[str, ...] = ("html",)
    template: Path | None = None
    made_up: bool | None = None

    @property
    def name(self) -> str:
        """Name of the notebook."""
        return self.notebook.stem

    @property
    def marking(self) -> str:
        """Protective marking of this edition, or empty."""
        return _MARKING if self.edition == "restricted" else ""

    @property
    def where(self) -> tuple[str, str]:
        """Area and period in words; empty when the notebook has no such parameter."""
        year, years = self.values.get("year"), self.values.get("years", 1)
        if type(year) is not int:
            return str(self.values.get("area", "")), ""
        years = years if type(years) is int and years > 0 else 1
        return str(self.values.get("area", "")), period_label(year, years, self.period)

    def marked(self, name: str) -> str:
        """Add the marking to the name of a file or folder."""
        stem, dot, suffix = name.partition(".")
        return f"{stem}-{self.marking}{dot}{suffix}" if self.marking else name

    def folder(self, out: Path) -> Path:
        """Say where the report goes: ``out/<area>/<year>/<notebook>``, with what narrows it before the last."""
        narrower = ("area", "year", "month", "stage", "group", "topic")
        parts = [slug(str(self.values[key])) for key in narrower if self.values.get(key)]
        return out.joinpath(*parts, self.marked(self.name))


def request(
    notebook: str | Path,
    *,
    data: str | Path | None = None,
    values: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    edition: str = "public",
    date: str | Date | None = None,
    formats: str | Sequence[str] = ("html",),
    template: str | Path | None = None,
) -> Request:
    """Check everything about a report before anything runs.

    Parameters
    ----------
    notebook : str or path
        A notebook of the kit by its name, or any other by its path.
    data : path, optional
        The study folder; the notebook's own default when it is not given.
    values : mapping, optional
        Values of the declared types.
    text : mapping of str to str, optional
        Values as typed on a command line, converted by the declared type.
    edition : {"public", "ons", "restricted"}
        Which edition.
    date : date or str, optional
        To print, as YYYY-MM-DD.
    formats : str or sequence of str
        Of ``documents.FORMATS``; a text has commas between them.
    template : path, optional
        A Word document for the house style of the Word documents.

    Returns
    -------
    Request
        With an ``area`` and ``year`` that were not given filled in: the study's first and last.

    Raises
    ------
    ParameterError
        Naming what cannot be used and what exists.
    DataError
        If the study cannot be read.
    """
    chosen = asked(formats, template)
    path = find_notebook(notebook)
    own = declared(path)
    given = convert(text or {}, own) | dict(values or {})
    given |= _settings(own, path, edition, date)
    if data is not None:
        given["data"] = str(data)
    check(given, own, notebook=path.stem, later=("area", "year", "data"))
    study = _study_folder(given.get("data"), own, path) if "data" in own else None
    period = "financial"
    if study is not None:
        given["data"] = str(study)
        if {"area", "year"} & set(own):
            period = _fill_scope(given, own, study)
    checked = check(given, own, notebook=path.stem)
    return Request(
        path,
        checked,
        study,
        period,
        edition,
        _iso(date),
        formats=chosen,
        template=Path(template) if template else None,
        made_up=None if study is None else settings.made_up(study),
    )


def find_notebook(name: str | Path) -> Path:
    """Find a notebook by its path, or by its name among those of the kit.

    Parameters
    ----------
    name : str or path
        For example ``annual_report`` or ``my/notebook.ipynb``.

    Returns
    -------
    Path
        The notebook.

    Raises
    ------
    ParameterError
        If there is none, naming the near miss and those that exist.
    """
    path = Path(name)
    if path.is_file():
        return path
    package = Path(__file__).resolve().parent
    known = {
        found.stem: found
        for folder in (package / "notebooks", package.parent / "notebooks")
        for found in sorted(folder.glob("*.ipynb"))
    }
    if str(name) in known:
        return known[str(name)]
    near = difflib.get_close_matches(path.stem, known, n=1)
    raise ParameterError(
        f"There is no notebook {str(name)!r}."
        + (f" Did you mean {near[0]}?" if near else "")
        + (f" The kit has {', '.join(known)}." if known else "")
    )


def _settings(own: Mapping[str, Parameter], notebook: Path, edition: str, date: Any) -> dict[str, Any]:
    """Give the notebook the settings of the run that it declares."""
    if edition not in EDITIONS:
        raise ParameterError(f"The edition {edition!r} is not one of {', '.join(EDITIONS)}.")
    if edition != "public" and "edition" not in own:
        raise ParameterError(f"{notebook.stem} has no {edition} edition: it has no parameter named edition.")
    given: dict[str, Any] = {"edition": edition} if "edition" in own else {}
    if date is not None and "date" in own:
        given["date"] = _iso(date)
    return given


def _iso(date: Any) -> str | None:
    if date is None:
        return None
    try:
        return Date.fromisoformat(str(date)).isoformat()
    except ValueError:
        raise ParameterError(f"The date {str(date)!r} is not a date (YYYY-MM-DD).") from None


def _study_folder(data: str | None, own: Mapping[str, Parameter], notebook: Path) -> Path:
    """Find the study folder: as given, or the notebook's default from where it makes sense."""
    if data is not None:
        if not Path(data).exists():
            raise ParameterError(f"There is no study folder {data!r}. Say where the study is (--data DIR).")
        return Path(data).resolve()
    default = str(own["data"].default)
    here = notebook.resolve().parent
    for folder in (Path(default), here.parent / default, here / default):
        if default and folder.exists():
            return folder.resolve()
    raise ParameterError(f"There is no study folder {default!r}. Say where the study is (--data DIR).")


def _fill_scope(given: dict[str, Any], own: Mapping[str, Parameter], folder: Path) -> str:
    """Fill in the study's first area and last year; refuse those it does not have. Return its period."""
    from .load import keep, study

    scope = (keep if settled() else study)(
        folder
    )  # read once, where the notebook runs in a fork of this process
    if "area" in own and given.get("area", "") == "":
        given["area"] = scope.areas[0]
    if "year" in own:
        given.setdefault("year", scope.years[1])
    area, year = given.get("area"), given.get("year")
    if area is not None and area not in scope.areas:
        near = difflib.get_close_matches(area, scope.areas, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ParameterError(f"The study has no area {area!r}.{hint} It has {', '.join(scope.areas)}.")
    if year is not None and not scope.years[0] <= year <= scope.years[1]:
        raise ParameterError(f"The study has no year {year}; it has {scope.years[0]} to {scope.years[1]}.")
    return scope.period
