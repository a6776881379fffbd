"""The size and form of the package: modules and functions of one sitting, each saying what it is for."""

import ast
import importlib
import inspect
import io
import re
import tokenize
import tomllib
from pathlib import Path

import pytest

import ysj_analysis

MODULES = sorted(Path(ysj_analysis.__file__).parent.glob("*.py"))
LINES, FUNCTION = 500, 60
LONG_MODULES = {"vocabulary": "the words of the kit in one place: lists to look things up in, little code"}
LONG_FUNCTIONS: dict[str, str] = {}
"""What is longer, and why: a module by its name, a function as ``module.function``."""
SETTINGS = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
(PUBLIC,) = (
    [name.removeprefix("ysj_analysis.") for name in one["module"]]
    for one in SETTINGS["tool"]["mypy"]["overrides"]
    if one.get("disallow_untyped_defs")
)
"""What users import: the modules whose types are checked strictly."""
WANTED = {
    "GL08": "a docstring",
    "SS01": "a summary",
    "PR01": "each parameter",
    "PR02": "no other parameter",
    "RT01": "what it returns",
    "YD01": "what it yields",
}
NOT_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def functions(source):
    """Each function with its number of lines of code: no comment, no empty line, no docstring."""
    rows = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NOT_CODE:
            rows.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            code = {row for row in rows if node.lineno <= row <= node.end_lineno}
            if ast.get_docstring(node) is not None:
                code -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
            yield node.name, len(code)


def public(name):
    module = importlib.import_module(f"ysj_analysis.{name}")
    offered = getattr(module, "__all__", None) or [
        n
        for n, v in vars(module).items()
        if not n.startswith("_") and getattr(v, "__module__", "") == module.__name__
    ]
    found = {id(f): f for f in (getattr(module, n) for n in offered) if inspect.isfunction(f)}
    return list(found.values())


def test_lines_of_code_are_counted_as_said():
    source = 'def f(x):\n    """Say.\n\n    More.\n    """\n    # why\n\n    text = """a\n    b"""\n    return text\n'
    assert list(functions(source)) == [("f", 4)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_of_one_sitting(path):
    source = path.read_text(encoding="utf-8")
    length = len(source.splitlines())
    assert (length > LINES) == (path.stem in LONG_MODULES), f"{length} lines: split it, or say why not"
    long = {f"{path.stem}.{name}" for name, lines in functions(source) if lines > FUNCTION}
    assert long == {name for name in LONG_FUNCTIONS if name.startswith(f"{path.stem}.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_says_what_it_is_for(path):
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    assert re.search(r"[.?:]$", first)
    assert len(first.split()) >= 4


@pytest.mark.parametrize("name", PUBLIC)
def test_public_functions_say_what_they_take_and_give(name):
    validate = pytest.importorskip("numpydoc.validate").validate
    lacking = {
        f"{f.__module__}.{f.__name__}": [f"{WANTED[code]}: {what}" for code, what in found]
        for f in public(name)
        if (found := [e for e in validate(f"{f.__module__}.{f.__name__}")["errors"] if e[0] in WANTED])
    }
    assert lacking == {}


def test_there_is_something_to_check():
    assert sum(len(public(name)) for name in PUBLIC) > 100
    assert len(MODULES) > 200
