"""What does a section of a report show, where the study does not hold what it needs? One line, and no error.

A function that needs a table or a column the study lacks raises ``NotHeld``. ``where_held`` turns that, and
nothing else, into an :class:`Absent`, which passes through the gate and every measure, is said as one line,
and is neither drawn nor laid out. A fault in data that is there stays an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .once import given
from .reading import NotHeld


@dataclass(frozen=True)
class Absent:
    """What stands in place of a table that the study cannot give.

    Attributes
    ----------
    why : str
        The line a reader sees: what is missing, and what would bring it.

    Examples
    --------
    >>> none = Absent("This study holds no searches.")
    >>> none.where(stage="search").measure(len) is none
    True
    """

    why: str

    def where(self, **values) -> Absent:
        """Choose nothing from nothing."""
        return self

    def measure(self, function, **arguments) -> Absent:
        """Measure nothing."""
        return self

    derive = measure


def where_held(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a function; where the study does not hold what it needs, or an argument is absent, say so.

    Parameters
    ----------
    function : callable
        Counts something of a study; raises ``NotHeld`` where it is not there.
    *arguments, **named
        What it takes.

    Returns
    -------
    Any
        What the function returns, or an :class:`Absent`.

    Examples
    --------
    >>> def searched(study):
    ...     raise NotHeld("This study holds no searches.")
    >>> where_held(searched, None)
    Absent(why='This study holds no searches.')
    """
    if (none := _among(arguments, named)) is not None:
        return none
    try:
        return function(*arguments, **named)
    except NotHeld as missing:
        return Absent(str(missing))


def instead(answer: Callable[[Absent], Any]) -> Callable[[Callable], Callable]:
    """Make a function answer in another way where one of its arguments is absent.

    Parameters
    ----------
    answer : callable
        Takes the :class:`Absent`, and gives what the function then returns.

    Returns
    -------
    callable
        A decorator.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def calling(*arguments, **named):
            none = _among(arguments, named)
            return given(function, *arguments, **named) if none is None else answer(none)

        return calling

    return decorate


def _among(arguments: tuple, named: dict) -> Absent | None:
    """Find the first absent argument, also inside a list of several."""
    for value in (*arguments, *named.values()):
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, Absent):
                return one
    return None
