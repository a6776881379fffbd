"""Must it be made again? Not in the process of a report, where a study stays as it was read.

The notebook of a public report is run a second time where the audit hides something. True counts are the
same then, and so is every table, sentence and chart of releases that print the same. What a function gave
for the same arguments is given again: a study and a release are the same only if they are the very same
object, and what was noted for the audit while it was made is noted again.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd

F = TypeVar("F", bound=Callable[..., Any])

Call = tuple[str, str, list, dict[str, Any]]


class _Apart(Exception):
    """An argument that may be changed, so that it cannot stand for what it was."""


_kept: dict[Any, tuple[Any, list, Any]] | None = None
"""By function and arguments: what it gave, what was done beside it, and the arguments, kept so that each stays one."""
_shared: dict[Any, tuple[Any, list, Any]] = {}
"""What the parent of many reports counted of the study they are all of, for the processes forked from it."""
_of: Any = _Apart
"""That study; this where there is none."""
_open: list[list] = []
"""For each function that is running: what is done beside it."""


def begin() -> None:
    """Keep from now on, in this process: nobody changes the tables of a study in it."""
    global _kept
    _kept = dict(_shared)


def share(study: Any = _Apart) -> None:
    """Keep what a study is asked from now on, and nothing of another, for the processes forked from this one.

    Parameters
    ----------
    study : object
        What the reports are all of; if left out, nothing.
    """
    global _of
    _shared.clear()
    _of = study


def asked() -> list[Call]:
    """List the tables and numbers that this process, that of a report, has asked of the shared study alone.

    Returns
    -------
    list of Call
        Module, name and arguments of each function, with a name for the study and for each of its tables; they
        can be sent to the parent, which can :func:`ask` the same for all.
    """
    names, found = {id(part): name for name, part in _parts().items()}, []
    for gave, beside, (function, arguments, named) in (_kept or {}).values():
        placed = [_Part(names[id(v)]) if id(v) in names else v for v in (*arguments, *named.values())]
        alone = all(map(_is_plain, placed)) and any(isinstance(v, _Part) for v in placed)
        if alone and not beside and _is_counted(gave):  # and nothing was released
            by_name = dict(zip(named, placed[len(arguments) :], strict=True))
            found.append((function.__module__, function.__qualname__, placed[: len(arguments)], by_name))
    return found


def ask(calls: Iterable[Call]) -> None:
    """Ask for all processes forked from this one what one of them has :func:`asked` before."""
    global _kept
    before, _kept, parts = _kept, _shared, _parts()
    try:
        for module, name, arguments, named in calls:
            function = operator.attrgetter(name)(importlib.import_module(module))
            placed = [parts[v] if isinstance(v, _Part) else v for v in (*arguments, *named.values())]
            by_name = dict(zip(named, placed[len(arguments) :], strict=True))
            if not hasattr(function, "__wrapped__"):  # what is wrapped keeps by itself
                function = functools.partial(given, function)
            with contextlib.suppress(Exception):  # whoever needs it says what is wrong with it
                function(*placed[: len(arguments)], **by_name)
    finally:
        _kept = before


class _Part(str):
    """The name of a table of the shared study; that of the study itself is empty."""


def _parts() -> dict[str, Any]:
    """List the shared study and its tables."""
    if _of is _Apart:
        return {}
    tables = {k: v for k, v in getattr(_of, "__dict__", {}).items() if isinstance(v, pd.DataFrame)}
    return {"": _of, **tables}


def keeping() -> bool:
    """Whether this is the process of a report."""
    return _kept is not None


def once(function: F) -> F:
    """Make a function give again what it gave for the same arguments, in the process of a report.

    Parameters
    ----------
    function : callable
        Depends on nothing but its arguments. Elsewhere it is called each time, and so it is where a table that
        is not released is among its arguments.

    Returns
    -------
    callable
        The same; a table or a list it gives can be changed without harm to the one that is kept.
    """

    @functools.wraps(function)
    def calling(*arguments: Any, **named: Any) -> Any:
        return given(function, *arguments, **named)

    return calling  # type: ignore[return-value]


def given(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a function, or give again what it gave, as :func:`once` says."""
    if _kept is None:
        return function(*arguments, **named)
    try:
        key = _same((function, arguments, named))
    except _Apart:
        return function(*arguments, **named)
    if key in _kept:
        found, beside, _ = _kept[key]
        for done, what in beside:
            doing(done, *what)
    else:
        beside = []
        _open.append(beside)
        try:
            found = function(*arguments, **named)
        finally:
            _open.pop()
        if (anew, ()) not in beside and not isinstance(found, Iterator):
            _kept[key] = (found, beside, (function, arguments, named))
    if isinstance(found, pd.DataFrame):
        return found.copy(deep=False)
    return found.copy() if type(found) in (list, dict) else found


def of_tables(function: F) -> F:
    """Make a function of whole tables of a study give again what it gave for the very same ones.

    Parameters
    ----------
    function : callable
        Takes tables of a study, which nobody changes in the process of a report, and plain values; nobody may
        change what it gives.

    Returns
    -------
    callable
        The same.
    """

    @functools.wraps(function)
    def calling(*arguments: Any) -> Any:
        if _kept is None:
            return function(*arguments)
        key = (function, *(id(a) if isinstance(a, pd.DataFrame) else a for a in arguments))
        if key not in _kept:
            _kept[key] = (function(*arguments), [], (function, arguments, {}))
        return _kept[key][0]

    return calling  # type: ignore[return-value]


def doing(function: Callable[..., Any], *arguments: Any) -> None:
    """Do something beside what a function gives, now and whenever that is given again."""
    for beside in _open:
        beside.append((function, arguments))
    function(*arguments)


def anew() -> None:
    """Say, through ``doing(anew)``, that what is being made depends on more than its arguments: it is not kept."""


def _same(value: Any) -> Any:
    """Give what stands for a value: itself where it cannot change, the object where it is one of ours."""
    if value is None or isinstance(value, str | int | float | frozenset):
        return (type(value), value)
    if isinstance(value, tuple | list):
        return (type(value), *map(_same, value))
    if isinstance(value, Mapping):
        return (type(value), *((_same(k), _same(v)) for k, v in value.items()))
    if isinstance(value, np.generic):
        return (type(value), value.item())
    if hasattr(value, "__array__") or isinstance(value, pd.DataFrame | pd.Series | set):
        raise _Apart
    return id(value)


def _is_plain(value: Any) -> bool:
    """Whether a value stands for itself in another process too."""
    if isinstance(value, tuple | list | frozenset):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)


def _is_counted(value: Any) -> bool:
    """Whether something given is tables and numbers, none of them released."""
    if isinstance(value, Mapping):
        return all(map(_is_counted, value.values()))
    if isinstance(value, tuple | list):
        return all(map(_is_counted, value))
    return _is_plain(value) or isinstance(value, pd.DataFrame | np.ndarray)
