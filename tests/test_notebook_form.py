"""The form of the notebooks: headings that ask, cells of a few lines, no logic, no outputs, no typed numbers."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
OWN_SCREEN = {"explore", "bring_your_data"}
"""Notebooks for the analyst's own screen; the others are reports."""
AMERICAN = re.compile(
    r"\b(behavior|color|center|labor|favor|neighbor|honor|offense|defense|program(?!me)|judgment|enrollment|gray|"
    r"analyz|organiz|categoriz|summariz|recogniz|minimiz|standardiz|normaliz)\w*",
    re.IGNORECASE,
)
TYPED = re.compile(r"\b(?:19|20)\d\d(?:-\d\d)?\b|Licence v\d\.\d")
"""What may be typed: a year, as of a census or a plan, and the name of a licence."""


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [c | {"source": "".join(c["source"])} for c in notebook["cells"] if c["cell_type"] == kind]


def tagged(path, tag):
    return [c for c in cells(path, "code") if tag in c["metadata"].get("tags", [])]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 10
    assert {p.stem for p in NOTEBOOKS} >= OWN_SCREEN


def test_it_is_committed_without_outputs(notebook):
    for cell in cells(notebook, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_its_cells_have_names_of_their_own(notebook):
    ids = [c["id"] for c in json.loads(notebook.read_text(encoding="utf-8"))["cells"]]
    assert [i for i, times in Counter(ids).items() if times > 1] == []
    assert all(re.fullmatch(r"[a-z]{1,3}[0-9a-z]{2,4}", i) for i in ids), "given by hand, not at random"


def test_it_has_a_title_which_is_its_first_heading(notebook):
    title = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["title"]
    assert cells(notebook, "markdown")[0]["source"].splitlines()[0] == f"# {title}"


def test_each_parameter_has_a_line_that_helps(notebook):
    (cell,) = tagged(notebook, "parameters")
    for line in cell["source"].splitlines():
        assert re.fullmatch(r"\w+: (str|int|float|bool|list) = [^#]+  # [^=]+", line), line


def test_its_headings_ask(notebook):
    text = "\n".join(c["source"] for c in cells(notebook, "markdown"))
    headings = re.findall(r"^#{2,} (.*)$", text, re.MULTILINE)
    assert headings
    assert [h for h in headings if not h.endswith("?")] == []


def test_no_number_is_typed_in_its_text(notebook):
    for cell in cells(notebook, "markdown"):
        text = re.sub(r"`[^`]*`|\]\([^)]*\)", "", cell["source"])
        assert not re.search(r"\d", TYPED.sub("", text)), cell["source"]


def test_its_spelling_is_british(notebook):
    for cell in cells(notebook, "markdown"):
        assert not AMERICAN.search(cell["source"]), cell["source"]


def has_columns(statements):
    return any(
        k.arg == "columns"
        for s in statements
        for n in ast.walk(s)
        if isinstance(n, ast.Call)
        for k in n.keywords
    )


def test_its_cells_are_of_one_to_three_statements(notebook):
    """But for the parameters and the imports with what the whole report stands on."""
    setup = [c for c in cells(notebook, "code") if "import " in c["source"]]
    assert len(setup) == 1
    for cell in cells(notebook, "code"):
        statements = ast.parse(cell["source"]).body
        if cell in setup or cell in tagged(notebook, "parameters"):
            continue
        assert 1 <= len(statements) <= 3, cell["source"]
        assert has_columns(statements) or len(cell["source"].splitlines()) <= 6, cell["source"]


def test_it_holds_no_logic(notebook):
    if notebook.stem in OWN_SCREEN:
        pytest.skip("not a report")
    logic = (
        ast.FunctionDef,
        ast.ClassDef,
        ast.For,
        ast.While,
        ast.If,
        ast.IfExp,
        ast.Try,
        ast.Lambda,
        ast.GeneratorExp,
    )
    for cell in cells(notebook, "code"):
        found = [type(n).__name__ for n in ast.walk(ast.parse(cell["source"])) if isinstance(n, logic)]
        assert found == [], cell["source"]
