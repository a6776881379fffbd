"""Every way in which papermill and Jupyter let a broken report through is caught."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

from ysj_analysis import content, execution
from ysj_analysis.content import FACTS, FIGURE, TABLE, ContentError
from ysj_analysis.execution import NotebookError
from ysj_analysis.parameters import ParameterError, check, convert, declared

PARAMETERS = ("code", "year: int = 2023  # financial year", "parameters")


def notebook(folder: Path, *cells: tuple, name="tiny", **metadata) -> Path:
    """Write a notebook of (kind, source, tags...) cells."""
    v4 = nbformat.v4
    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    book = v4.new_notebook(
        cells=[make[kind](source, metadata={"tags": tags}) for kind, source, *tags in cells],
        metadata=metadata,
    )
    path = folder / f"{name}.ipynb"
    nbformat.write(book, path)
    return path


def in_kernel(folder: Path, *cells: tuple, timeout=60, within=None, **values):
    path = notebook(folder, PARAMETERS, *cells)
    given = {"year": 2023} | values
    return execution.run(execution.read(path), given, name="tiny", timeout=timeout, within=within)


def in_fork(folder: Path, *cells: tuple, **given):
    with execution.forked() as process:
        return in_kernel(folder, *cells, within=process, **given)


FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
QUIET = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # pytest is


@pytest.fixture(params=[in_kernel, pytest.param(in_fork, marks=[FORK, QUIET])], ids=["kernel", "fork"])
def run(request):
    """Run a notebook in a Jupyter kernel, and in a process forked from this one."""
    return request.param


def code(*sources: str) -> list[tuple]:
    return [("code", source) for source in sources]


# -- parameters: nothing runs until they are right (traps 2, 3, 4, 16) ---------------------------------


@pytest.mark.parametrize("tagged", [0, 2])
def test_exactly_one_parameters_cell(tmp_path, tagged):
    path = notebook(tmp_path, *[PARAMETERS] * tagged, ("code", "1"))
    with pytest.raises(ParameterError, match=f"tiny.ipynb: {tagged} cells are tagged 'parameters'"):
        declared(path)


def test_a_tagged_text_cell_does_not_count(tmp_path):
    with pytest.raises(ParameterError, match="exactly one code cell"):
        declared(notebook(tmp_path, ("markdown", "year", "parameters")))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("year = 2023", "is not of the form"),
        ("import os", "is not of the form"),
        ("year: date = 1", "the type date is not one of str, int"),
        ("year: int = '2023'", "the default of year must be a whole number"),
        ("year: int = 2000 + 23", "must be a plain value"),
        ("year: int = (\n 1)", "runs over several lines"),
        ("year: int = 1\nyear: int = 2", "declared twice"),
        ("year: int =", "line 1 of the parameters cell is not Python"),
    ],
)
def test_a_line_that_papermill_would_drop_or_misread(tmp_path, line, message):
    with pytest.raises(ParameterError, match=message):
        declared(notebook(tmp_path, ("code", line, "parameters")))


def test_not_a_notebook(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ParameterError, match=r"x\.ipynb is not a notebook"):
        declared(path)


ALL = """\
area: str = ""  # the service
year: int = 2023
rate: float = 1.5  # with a # in it
quiet: bool = False
stages: list = ["arrest"]
years: list[int] = [2021]
owner: str = ""  # required: who answers
"""


@pytest.fixture
def own(tmp_path):
    return declared(notebook(tmp_path, ("code", ALL, "parameters")))


def test_declared(own):
    assert list(own) == ["area", "year", "rate", "quiet", "stages", "years", "owner"]
    assert own["rate"].help == "with a # in it"
    assert own["owner"].required
    assert str(own["owner"]) == "owner: str (required)  who answers"
    assert check({"owner": "A"}, own)["years"] == [2021]


def test_unknown_missing_and_ill_typed_are_said_at_once(own):
    with pytest.raises(ParameterError) as refusal:
        check({"yaer": 2023, "rate": "fast"}, own, notebook="annual_report")
    text = str(refusal.value)
    assert "annual_report: 3 parameters cannot be used." in text
    assert "yaer is not a parameter of this notebook; did you mean year?" in text
    assert "rate must be a number (float), and 'fast' is not" in text
    assert "owner is required and was not given" in text
    assert "  stages: list (default ['arrest'])" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("year", "2023"),
        ("year", 2023.0),
        ("year", True),
        ("year", None),
        ("area", 7),
        ("rate", float("nan")),
        ("quiet", "yes"),
        ("quiet", 1),
        ("stages", "arrest"),
        ("stages", [1]),
        ("years", ["2021"]),
        ("owner", ""),
    ],
)
def test_types_are_strict(own, name, value):
    with pytest.raises(ParameterError, match=f"{name} (must be|is required)"):
        check({"owner": "A"} | {name: value}, own)


def test_text_is_converted_by_the_declared_type(own):
    typed = {"area": "007", "year": "2021", "rate": "2", "quiet": "true", "stages": "a, b", "years": "1,2"}
    assert convert(typed, own) == {
        "area": "007",
        "year": 2021,
        "rate": 2.0,
        "quiet": True,
        "stages": ["a", "b"],
        "years": [1, 2],
    }


@pytest.mark.parametrize(
    ("name", "text"), [("year", "7.5"), ("year", ""), ("quiet", "maybe"), ("years", "1,x")]
)
def test_text_that_cannot_be_converted_is_refused(own, name, text):
    with pytest.raises(ParameterError, match=f"{name} must be"):
        check({"owner": "A"} | convert({name: text}, own), own)


def test_awkward_text_reaches_the_notebook_unchanged(tmp_path):
    text = 'O\'Brien "quoted" {year} \\n 50% ñ'
    path = notebook(tmp_path, ("code", 'area: str = ""', "parameters"), ("code", "area"))
    done = execution.run(execution.read(path), {"area": text}, name="tiny")
    assert done.cells[1].outputs[0].data["text/plain"] == repr(text)


# -- running (traps 1, 5, 6, 7, 8, 9, 10, 11, 13, 14, 17) -----------------------------------------------


def test_the_slow_grammar_is_not_imported(run):
    probe = (
        "import sys; from ysj_analysis.execution import quick_imports\n"
        "with quick_imports(): import papermill, nbconvert\n"
        "print('lark' in sys.modules, 'rfc3987_syntax' in sys.modules)"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(execution.__file__).parents[1])}
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, env=here, check=True)
    assert out.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("leave", ["import sys; sys.exit(0)", "raise SystemExit", "exit()"])
def test_leaving_early_is_a_failure(run, tmp_path, leave):
    with pytest.raises(NotebookError, match=r"tiny: cell 2 left the notebook with exit\(\)"):
        run(tmp_path, *code(leave, "1;"))


@pytest.mark.parametrize(
    "said",
    [
        "raise ExceptionGroup('c0001', [ValueError('c0010')])",  # IPython prints one in place of raising it
        "print('c0001')",
        "import warnings; warnings.warn('c0001')",
    ],
)
def test_what_a_cell_prints_is_in_no_message(run, tmp_path, said):
    with pytest.raises(NotebookError, match=r"tiny: cell 2 (shows|failed)") as refusal:
        content.collect(run(tmp_path, *code(said, "1;")), name="tiny")
    assert "c00" not in f"{refusal.value}{refusal.value.detail}"


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_dead_kernel_is_a_failure(run, tmp_path, end):
    with pytest.raises(NotebookError, match="died before the end"):
        run(tmp_path, *code(f"import os; {end}", "1;"))


def test_a_failed_cell_says_which_and_why_without_a_traceback(run, tmp_path):
    with pytest.raises(NotebookError) as refusal:
        run(tmp_path, *code("{}['x']"))
    assert str(refusal.value) == "tiny: cell 2 failed with KeyError. Run it again with --debug to see where."
    assert "Traceback" in refusal.value.detail
    assert "\x1b" not in refusal.value.detail


def test_our_own_errors_are_passed_on_in_their_own_words(run, tmp_path):
    raised = "class DataError(ValueError): pass\nraise DataError('events.csv: 3 of 412 rows\\nCorrect them.')"
    with pytest.raises(NotebookError) as refusal:
        run(tmp_path, *code(raised))
    assert str(refusal.value) == "events.csv: 3 of 412 rows\nCorrect them."
    assert refusal.value.cause == "DataError"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (("code", "1/0", "raises-exception"), "failed with ZeroDivisionError"),
        (("code", "1;", "skip-execution"), "cell 2 did not run"),
    ],
)
def test_tags_that_excuse_a_cell_do_not(run, tmp_path, cell, message):
    with pytest.raises(NotebookError, match=message):
        run(tmp_path, cell)


def test_a_cell_that_takes_too_long_is_stopped(run, tmp_path):
    with pytest.raises(NotebookError, match="longer than 1 s"):
        run(tmp_path, *code("import time; time.sleep(30)"), timeout=1)


FACTS_OF_THE_KERNEL = """
import os, sys
from ipykernel.kernelapp import IPKernelApp
from IPython import get_ipython
app = IPKernelApp.instance()
[sys.executable, os.environ["OMP_NUM_THREADS"], os.environ["PYTHONHASHSEED"], bool(app.curve_secretkey),
 get_ipython().history_manager.hist_file, "started_up" in globals(), os.getcwd()]
"""


@pytest.fixture
def hostile_user(tmp_path, monkeypatch):
    """Give the user a home that hijacks the python3 kernel and runs code at every start of IPython."""
    home = tmp_path / "home of user"
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("started_up = True\nprint('hello')\n")
    for place in (home / ".local" / "share" / "jupyter", home / "jupyter"):
        (place / "kernels" / "python3").mkdir(parents=True)
        spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "x", "language": "python"}
        (place / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JUPYTER_PATH", str(home / "jupyter"))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.delenv("IPYTHONDIR", raising=False)
    return home


def test_the_kernel_is_this_interpreter_encrypted_and_free_of_the_users_settings(tmp_path, hostile_user):
    done = in_kernel(tmp_path, *code(FACTS_OF_THE_KERNEL))  # the notebook names no kernelspec either
    (output,) = done.cells[1].outputs
    executable, threads, seed, encrypted, history, started_up, cwd = eval(output.data["text/plain"])
    assert executable == sys.executable
    assert (threads, seed, encrypted, started_up) == ("1", "0", True, False)
    assert history == ":memory:" or not Path(history).is_relative_to(hostile_user)
    assert not Path(cwd).exists()  # it ran in a temporary folder, which is gone


def test_nothing_is_left_on_disk_or_said_when_a_cell_fails(run, tmp_path, monkeypatch, capfd):
    room = tmp_path / "temp"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    with pytest.raises(NotebookError):
        run(tmp_path, *code("print('Jane Doe, N1 1AA')", "1/0"))
    assert list(room.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_two_runs_give_the_same_notebook_without_marks_of_the_run(run, tmp_path):
    cells = code("f'<b>{year}</b>'", "{'a', 'b', 'c'}")
    one, two = (run(tmp_path, *cells) for _ in range(2))
    assert nbformat.writes(one) == nbformat.writes(two)
    assert [c["id"] for c in one.cells] == ["c000", "c001", "c002"]
    assert "papermill" not in nbformat.writes(one)
    assert "injected" not in nbformat.writes(one)


def test_runs_side_by_side_do_not_mix(tmp_path):
    found = {}

    def one(year):
        folder = tmp_path / str(year)
        folder.mkdir()
        found[year] = in_kernel(folder, *code("year"), year=year).cells[1].outputs[0].data["text/plain"]

    threads = [threading.Thread(target=one, args=(year,)) for year in (2020, 2021, 2022)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert found == {2020: "2020", 2021: "2021", 2022: "2022"}


SHOWS = (
    "print('to Python')",
    "import os; os.write(1, b'past Python\\n');",
    "import warnings; warnings.warn('careful')",
    "from IPython.display import HTML, display; display(HTML('<b>1</b>'), metadata={'a': (1, 2)}); HTML('<i>2</i>')",
    "handle = display(HTML('one'), display_id='x'); handle.update(HTML('two'))",
    "from IPython.display import clear_output; display(1); clear_output(); display(2)",
    "display(3); clear_output(wait=True); display(4)",
    "_, Out[5] if 5 in Out else None, __name__, {'b', 'a'}, [float('inf')]",
    "import asyncio; await asyncio.sleep(0, 'waited')",
    "import pandas; pandas.DataFrame({'a': [1.5]})",
    "%%html\n<p>magic</p>",
    "import sys; sys.stdin.read() or 'nothing to read';",
)


@FORK
@QUIET
def test_a_fork_shows_what_a_kernel_shows(tmp_path):
    one, two = (run(tmp_path, *code(*SHOWS)) for run in (in_kernel, in_fork))
    for here, there, source in zip(one.cells, two.cells, ("", *SHOWS), strict=True):
        assert plain(here.get("outputs", [])) == plain(there.get("outputs", [])), source
        assert here.execution_count == there.execution_count


@FORK
@QUIET
def test_a_notebook_that_is_run_again_finds_nothing_of_the_first_run(tmp_path):
    cells = code("'earlier' in globals(), year, _, __name__", "earlier = 1; earlier", "Out", "print(earlier)")
    with execution.forked() as process:
        first, again = (in_kernel(tmp_path, *cells, within=process, year=y) for y in (2021, 2021))
        other = in_kernel(tmp_path, *cells, within=process, year=2022)
    assert nbformat.writes(first) == nbformat.writes(again)
    assert other.cells[1].outputs[0].data["text/plain"].startswith("(False, 2022, ''")


def plain(outputs) -> list[dict]:
    """Leave out the address of the cell in a warning, and a drawing's bytes."""
    return [
        {k: re.sub(r"(/\S*|<ipython\S*|0x\w+)", "", str(v)) for k, v in o.items()}
        | {"data": {k: v for k, v in o.get("data", {}).items() if k != "image/png"}}
        for o in outputs
    ]


@FORK
@QUIET
def test_a_fork_dies_with_its_parent(tmp_path):
    note = f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))"
    cell = f"import os, time, pathlib; {note}; time.sleep(60)"
    path = notebook(tmp_path, PARAMETERS, ("code", cell))
    program = (
        "from ysj_analysis import execution\n"
        "with execution.forked() as process:\n"
        f"    execution.run(execution.read({str(path)!r}), {{}}, name='tiny', within=process)"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(execution.__file__).parents[1])}
    parent = subprocess.Popen([sys.executable, "-c", program], env=here, cwd=tmp_path)
    until = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert parent.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    child = Path("/proc", (tmp_path / "pid").read_text())
    if sys.platform == "linux":
        while child.exists() and "Z" not in (child / "stat").read_text().split()[2]:
            assert time.monotonic() < until
            time.sleep(0.05)


# -- what was shown: nothing but released tables, described figures and sentences -----------------------


def shown(*outputs: dict | tuple) -> content.Content:
    """Collect a notebook that showed these outputs."""
    v4 = nbformat.v4
    made = [
        v4.new_output("stream", name=o[0], text=o[1])
        if isinstance(o, tuple)
        else v4.new_output("display_data", o)
        for o in outputs
    ]
    cell = v4.new_code_cell("show()", outputs=made, execution_count=1)
    return content.collect(v4.new_notebook(cells=[v4.new_markdown_cell("# Title"), cell]), name="tiny")


def table(name="rates", html="<table><caption>T</caption></table>", **more) -> dict:
    return {
        "text/html": html,
        TABLE: {"name": name, "title": "T", "csv": "a\n1\n", "csvw": {"url": "x"}} | more,
    }


SVG = '<svg role="img" aria-label="Rates" viewBox="0 0 1 1"></svg>'


def figure(name="rates", html=SVG) -> dict:
    return {"text/html": f"<figure>{html}</figure>", FIGURE: {"name": name, "svg": html, "alt": "Rates"}}


def test_collect():
    got = shown(
        table(), figure(), {"text/markdown": "Words"}, {"text/plain": "", FACTS: {"policy": "public"}}
    )
    assert [kind for kind, *_ in got.blocks] == ["markdown", "html", "html", "markdown"]
    assert (list(got.tables), list(got.figures), got.facts) == (["rates"], ["rates"], {"policy": "public"})


FRAME = '<div><table border="1" class="dataframe"><tr><td>3</td></tr></table></div>'


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (("stderr", "FutureWarning: ..."), "tiny: cell 2 shows a warning"),
        (("stdout", "n = 3"), "shows printed text"),
        ({"text/plain": "   a\n0  1"}, "shows a plain Python value"),
        ({"text/html": FRAME, "text/plain": "3"}, "did not come through ysj_analysis.present"),
        ({"image/png": "AAAA", "text/plain": "<Figure>"}, "an image without a description"),
        ({"application/javascript": "alert(1)"}, "application/javascript, which cannot be published"),
        ({"text/html": "<img src='data:image/png;base64,AA'>"}, "an image without a description"),
        ({"text/html": f"<img alt='{content.NO_ALT}' src='data:,'>"}, "an image without a description"),
        ({"text/html": f"<p>{content.NO_ALT}</p>"}, "the sentence"),
        (figure(html="<svg viewBox='0 0 1 1'></svg>"), "a chart without a description"),
        (figure(html="<svg role='img' aria-label=' '></svg>"), "a chart without a description"),
        (table(html="<table><tr><td>nan</td></tr></table>"), "a cell that reads 'nan'"),
        (table(html="<table><tr><td><b> None </b></td></tr></table>"), "a cell that reads 'None'"),
        (table(html="<table><tr><td>-inf</td></tr></table>"), "a cell that reads '-inf'"),
        ({"text/html": "<p>The rate was nan per 1,000.</p>"}, "the word 'nan'"),
        ({"text/html": "<script>1</script>"}, "a <script> element"),
        ({"text/html": "<p onclick='x()'>a</p>"}, "a script in a <p> element"),
        ({"text/html": "<img alt='a' src='https://example.org/a.png'>"}, "a report loads nothing"),
        ({"text/html": "<p style='background:url(a.png)'>a</p>"}, "a style that loads a file"),
        (table(title=""), "a table without title"),
        (table(name="Rates 1"), "is not made of small letters"),
        (table(name="../../x"), "is not made of small letters"),
    ],
)
def test_what_may_not_be_published(output, message):
    with pytest.raises(ContentError, match=message):
        shown(output)


@pytest.mark.parametrize(
    "html",
    [
        '<svg role="img"><title>Rates</title></svg>',
        '<svg aria-hidden="true"></svg>',
        '<svg role="img" aria-label="x"><style>nan</style></svg>',
        "<p>None of the children, in Nantwich.</p>",
        '<p>See <a href="https://www.gov.uk/">the guidance</a>.</p>',
    ],
)
def test_what_may(html):
    assert shown({"text/html": html}).blocks[1][1] == html


def test_a_name_stands_for_one_thing():
    assert list(shown(table(), table()).tables) == ["rates"]
    with pytest.raises(ContentError, match="two different tables are called 'rates'"):
        shown(table(), table(csv="a\n2\n"))
    with pytest.raises(ContentError, match="two different values are given for the fact 'policy'"):
        shown({FACTS: {"policy": "public"}}, {FACTS: {"policy": "ons"}})
