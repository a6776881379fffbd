"""How are settings typed on a command line? As KEY=VALUE."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

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
