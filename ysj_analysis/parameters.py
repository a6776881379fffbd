"""Which parameters does a notebook take, and may it be given these? Asked before anything runs.

A notebook declares its parameters in the one cell tagged ``parameters``, one to a line::

    area: str = ""  # the youth justice service; empty for the first of the study
    year: int = 2023  # financial year, by the April it starts in
    stages: list[str] = ["arrest", "custody"]  # stages to show
    owner: str = ""  # required: who answers for this report

The types are ``str``, ``int``, ``float``, ``bool`` and ``list`` (of text; ``list[int]`` and
``list[float]`` for numbers). A help that begins with ``required`` means that the default is only a
place holder and a value must be given. papermill lets unknown and ill-typed values through, so
everything is checked here before anything runs.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import re
import tokenize
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAG = "parameters"

TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list[str],
    "list[str]": list[str],
    "list[int]": list[int],
    "list[float]": list[float],
}

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list of text",
    "list[str]": "a list of text",
    "list[int]": "a list of whole numbers",
    "list[float]": "a list of numbers",
}


_SPAN = re.compile(r"\s*(\d{4})\s*[-/\u2013]\s*(?:\d\d){1,2}\s*")


class ParameterError(ValueError):
    """The parameters given, or the parameters cell of the notebook, cannot be used."""


@dataclass(frozen=True)
class Parameter:
    """One parameter as the notebook declares it."""

    name: str
    type: str
    default: Any
    help: str = ""

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.help.lower().startswith("required")

    def __str__(self) -> str:
        default = "required" if self.required else f"default {self.default!r}"
        text = re.sub(r"^required:?\s*", "", self.help, flags=re.IGNORECASE)
        return f"{self.name}: {self.type} ({default})" + (f"  {text}" if text else "")


def as_year(text: str) -> str:
    """Say how to write a year that was written otherwise.

    Parameters
    ----------
    text : str
        As it was written.

    Returns
    -------
    str
        What to write.

    Examples
    --------
    >>> as_year("2021-22"), as_year("last")
    ('the year it starts in, as 2021', 'the year it starts in, as 2023 for 2023-24')
    """
    span = _SPAN.fullmatch(text)
    return f"the year it starts in, as {span[1] if span else '2023 for 2023-24'}"


def declared(notebook: str | Path) -> dict[str, Parameter]:
    """List the parameters a notebook declares.

    Parameters
    ----------
    notebook : path
        The notebook.

    Returns
    -------
    dict of str to Parameter
        By name, in the notebook's order.

    Raises
    ------
    ParameterError
        If there is not exactly one cell tagged ``parameters``, or a line of it is not a declaration.
    """
    notebook = Path(notebook)
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError):
        raise ParameterError(f"{notebook.name} is not a notebook (Jupyter format 4).") from None
    tagged = [c for c in cells if TAG in c.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1 or tagged[0].get("cell_type") != "code":
        raise ParameterError(
            f"{notebook.name}: {len(tagged)} cells are tagged '{TAG}'; a report needs exactly one code cell "
            "with that tag. Without it the notebook's own values would win silently."
        )
    source = tagged[0]["source"]
    return _read_cell(source if isinstance(source, str) else "".join(source), notebook.name)


def _read_cell(source: str, name: str) -> dict[str, Parameter]:
    """Read the declarations of the parameters cell."""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(f"{name}: line {error.lineno} of the parameters cell is not Python.") from None
    comments = {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, Parameter] = {}
    for statement in statements:
        parameter = _read_line(statement, comments.get(statement.lineno, ""), name)
        if parameter.name in found:
            raise ParameterError(f"{name}: the parameter {parameter.name} is declared twice.")
        found[parameter.name] = parameter
    return found


def _read_line(statement: ast.stmt, help_text: str, name: str) -> Parameter:
    """Read one declaration, ``name: type = default  # help``."""
    where = f"{name}: line {statement.lineno} of the parameters cell"
    if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
        raise ParameterError(f"{where} is not of the form 'name: type = default  # help'.")
    kind = ast.unparse(statement.annotation).strip("'\"")
    if kind not in TYPES:
        raise ParameterError(f"{where}: the type {kind} is not one of {', '.join(TYPES)}.")
    if statement.end_lineno != statement.lineno:
        raise ParameterError(f"{where} runs over several lines, which papermill does not read; use one.")
    try:
        default = ast.literal_eval(statement.value or ast.Name(""))
    except (ValueError, TypeError):
        raise ParameterError(f"{where}: the default must be a plain value.") from None
    parameter = Parameter(statement.target.id, kind, default, help_text)
    problem = _problem(parameter, default)
    if problem and not (parameter.required and default is None):
        raise ParameterError(f"{where}: the default of {parameter.name} {problem}.")
    return parameter


def convert(text: Mapping[str, str], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Turn text from a command line into values of the declared types.

    Parameters
    ----------
    text : mapping of str to str
        Values as typed. Lists are separated by commas.
    parameters : mapping of str to Parameter
        What the notebook declares.

    Returns
    -------
    dict
        The values. A value that cannot be converted stays text, and `check` refuses it.

    Examples
    --------
    >>> own = {"code": Parameter("code", "str", ""), "years": Parameter("years", "list[int]", [])}
    >>> convert({"code": "007", "years": "2021,2023"}, own)
    {'code': '007', 'years': [2021, 2023]}
    """
    values: dict[str, Any] = {}
    for name, value in text.items():
        kind = parameters[name].type if name in parameters else "str"
        values[name] = _from_text(kind, value)
    return values


def _from_text(kind: str, value: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    if kind == "str":
        return value
    try:
        if not kind.startswith("list"):
            return TypeAdapter(TYPES[kind]).validate_strings(value.strip())
        items = [item.strip() for item in value.split(",")] if value.strip() else []
        (item_type,) = TYPES[kind].__args__
        return [TypeAdapter(item_type).validate_strings(item) for item in items]
    except ValidationError:
        return value


def check(
    values: Mapping[str, Any],
    parameters: Mapping[str, Parameter],
    *,
    notebook: str = "notebook",
    later: Collection[str] = (),
) -> dict[str, Any]:
    """Check values against the declared parameters and fill in the defaults.

    Parameters
    ----------
    values : mapping of str to object
        The values given.
    parameters : mapping of str to Parameter
        What the notebook declares.
    notebook : str
        Its name, for the message.
    later : collection of str
        Names that will be filled in from elsewhere, and may be missing now.

    Returns
    -------
    dict
        One value for each declared parameter, in the notebook's order.

    Raises
    ------
    ParameterError
        Naming everything that is unknown, missing or of another type, and what exists.

    Examples
    --------
    >>> check({"year": 2022}, {"year": Parameter("year", "int", 2023)})
    {'year': 2022}
    """
    problems = [f"{name} {_unknown(name, parameters)}" for name in values if name not in parameters]
    for parameter in parameters.values():
        if parameter.name in values:
            problem = _problem(parameter, values[parameter.name])
            if problem is None and parameter.required and values[parameter.name] in ("", []):
                problem = "is required and was given empty"
        else:
            needed = parameter.required and parameter.name not in later
            problem = "is required and was not given" if needed else None
        if problem:
            problems.append(f"{parameter.name} {problem}")
    if problems:
        raise ParameterError(_message(notebook, problems, parameters))
    return {name: values.get(name, parameter.default) for name, parameter in parameters.items()}


def _problem(parameter: Parameter, value: Any) -> str | None:
    """Say what is wrong with a value, strictly: no conversion, no guess."""
    from pydantic import ConfigDict, ValidationError, create_model

    model = create_model(
        "Model",
        __config__=ConfigDict(strict=True, allow_inf_nan=False),
        value=(TYPES[parameter.type], ...),
    )
    try:
        model(value=value)
    except ValidationError:
        year = f": write {as_year(value)}" if parameter.name == "year" and isinstance(value, str) else ""
        return f"must be {_WORDS[parameter.type]} ({parameter.type}), and {value!r} is not{year}"
    return None


def _unknown(name: str, parameters: Mapping[str, Parameter]) -> str:
    near = difflib.get_close_matches(name, parameters, n=1, cutoff=0.6)
    return "is not a parameter of this notebook" + (f"; did you mean {near[0]}?" if near else "")


def _message(notebook: str, problems: list[str], parameters: Mapping[str, Parameter]) -> str:
    count = "1 parameter" if len(problems) == 1 else f"{len(problems)} parameters"
    lines = [f"{notebook}: {count} cannot be used.", *(f"  {p}" for p in problems)]
    if not parameters:
        return "\n".join([*lines, "The notebook takes no parameters."])
    return "\n".join([*lines, "The notebook takes:", *(f"  {p}" for p in parameters.values())])
