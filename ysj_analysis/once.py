"""Must it be counted again? Not in the process of a report, where a study stays as it was read.

The notebook of a public report is run a second time where the audit hides something. True counts are the
same then, so functions that count them keep what they gave. What comes through the gate is never kept:
the modules that use this stand before the gate.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import pandas as pd

F = TypeVar("F", bound=Callable[..., Any])

_kept: dict[tuple, Any] | None = None


def begin() -> None:
    """Keep from now on, in this process: nobody changes the tables of a study in it."""
    global _kept
    _kept = {}


def once(function: F) -> F:
    """Make a function of a study give again what it gave for the same arguments, in the process of a report.

    Parameters
    ----------
    function : callable
        Counts something of a study, and does nothing else. Elsewhere it is called each time.

    Returns
    -------
    callable
        The same; a table it gives can be changed without harm to the one that is kept.
    """

    @functools.wraps(function)
    def calling(*arguments: Any, **named: Any) -> Any:
        if _kept is None:
            return function(*arguments, **named)
        key = (function, arguments, tuple(sorted(named.items())))
        try:
            hash(key)
        except TypeError:  # a list among the arguments, say
            return function(*arguments, **named)
        if key not in _kept:
            _kept[key] = function(*arguments, **named)
        found = _kept[key]
        return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

    return calling  # type: ignore[return-value]
