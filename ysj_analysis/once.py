"""Must it be made again? Not in the process of a report, where a study stays as it was read.

The notebook of a public report is run a second time where the audit hides something. True counts are the
same then, and so is every table, sentence and chart of releases that print the same. What a function gave
for the same arguments is given again: a study and a release are the same only if they are the very same
object, and what was noted for the audit while it was made is noted again.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd

F = TypeVar("F", bound=Callable[..., Any])

_kept: dict[Any, tuple[Any, list, Any]] | None = None
"""By function and arguments: what it gave, what was done beside it, and the arguments, kept so that each stays one."""
_shared: dict[Any, tuple[Any, list, Any]] = {}
"""What the parent of many reports counted of the study they are all of, for the processes forked from it."""
_open: list[list] = []
"""For each function that is running: what is done beside it."""


class _Apart(Exception):
    """An argument that may be changed, so that it cannot stand for what it was."""


def begin() -> None:
    """Keep from now on, in this process: nobody changes the tables of a study in it."""
    global _kept
    _kept = dict(_shared)


@contextlib.contextmanager
def sharing() -> Iterator[None]:
    """Keep what is given within the block, and nothing from before, for the processes forked from this one."""
    global _kept
    _shared.clear()
    before, _kept = _kept, _shared
    try:
        yield
    finally:
        _kept = before


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
            _kept[key] = (function(*arguments), [], arguments)
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
