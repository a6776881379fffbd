"""How are settings typed on a command line? A year as the one it starts in, others as KEY=VALUE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from .parameters import as_year


def _year(kind: Any, typed: Sequence[Any]) -> int:
    """Read a year of four digits; what is raised here is said after the name of the option."""
    text = typed[0].value
    if not re.fullmatch(r"[12]\d{3}", text):
        raise ValueError(f"{text!r} is not a year of four digits. Write {as_year(text)}.")
    return int(text)


def _how_many(kind: Any, typed: Sequence[Any]) -> int:
    """Read a number of years."""
    text = typed[0].value
    if not re.fullmatch(r"[1-9]\d?", text):
        raise ValueError(
            f"{text!r} is not a number of years. Write how many, as 5; --year says which is the last."
        )
    return int(text)


Year = Annotated[int, Parameter(converter=_year)]
HowManyYears = Annotated[int, Parameter(converter=_how_many)]
Settings = Annotated[list[str] | None, Parameter(name=["--parameter", "-p"], negative="", help="KEY=VALUE")]


def pairs(settings: list[str] | None) -> dict[str, str]:
    """Read KEY=VALUE settings."""
    pairs: dict[str, str] = {}
    for setting in settings or []:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"-p {setting!r} is not of the form KEY=VALUE.")
        if key.strip() in pairs:
            raise ValueError(f"-p {key.strip()} is given twice.")
        pairs[key.strip()] = value
    return pairs
