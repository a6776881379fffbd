"""The recipes for schedulers are what their schedulers read, and each runs the same command."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest
import yaml

import ysj_analysis
from ysj_analysis import batch_plan
from ysj_analysis.commands import app

CHECKOUT = Path(ysj_analysis.__file__).resolve().parents[1]
HERE = CHECKOUT / "docs" / "schedulers"
if not HERE.is_dir():
    pytest.skip("the documentation is not here", allow_module_level=True)


def text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def cron() -> str:
    (line,) = [
        x for x in text("ysj.cron").splitlines() if x and not x.startswith("#") and "=" not in x.split()[0]
    ]
    *when, command = line.split(maxsplit=5)
    assert all(re.fullmatch(r"\*|\d+", field) for field in when)
    return command


def systemd() -> str:
    return re.search(r"^ExecStart=(.*)$", text("ysj.service"), re.M)[1]


def actions() -> str:
    steps = yaml.safe_load(text("github-actions.yml"))["jobs"]["reports"]["steps"]
    (command,) = [s["run"] for s in steps if "ysj batch" in s.get("run", "")]
    return command


def airflow() -> str:
    (given,) = [
        k.value
        for node in ast.walk(ast.parse(text("airflow_dag.py")))
        if isinstance(node, ast.Call)
        for k in node.keywords
        if k.arg == "bash_command"
    ]
    return "".join(v.value if isinstance(v, ast.Constant) else "/x" for v in given.values)


def windows() -> str:
    space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    done = ET.fromstring(text("task-scheduler.xml").encode()).find(f"{space}Actions/{space}Exec")
    return f"{done.find(f'{space}Command').text} {done.find(f'{space}Arguments').text}"


@pytest.mark.parametrize("recipe", [cron, systemd, actions, airflow, windows])
def test_each_recipe_runs_the_same_command(recipe):
    program, *arguments = recipe().replace("\\", "/").split()
    assert Path(program).stem == "ysj"
    command, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    assert command.__name__ == "batch"
    assert (bound.arguments["resume"], bound.arguments["log_format"]) == (True, "json")
    assert bound.arguments["plan"].name == "ysj.toml"


def test_the_plan_of_the_recipes_can_be_read():
    (plan,) = batch_plan.read(HERE / "ysj.toml")
    assert (plan.areas, plan.years, plan.notebooks) == ("all", "last", ("annual_report",))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_reads_the_unit(tmp_path):
    for name in ("ysj.service", "ysj.timer"):
        body = text(name).replace("/opt/ysj/.venv/bin/ysj", sys.executable)
        (tmp_path / name).write_text(body, encoding="utf-8")
    command = [
        "systemd-analyze",
        "verify",
        "--man=no",
        str(tmp_path / "ysj.timer"),
        str(tmp_path / "ysj.service"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "ysj." in line]
    assert ours == []


def test_airflow_gives_the_notebook_parameters_that_it_has():
    (call,) = [
        node
        for node in ast.walk(ast.parse(text("airflow_dag.py")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PapermillOperator"
    ]
    (given,) = [k.value for k in call.keywords if k.arg == "parameters"]
    from ysj_analysis.parameters import declared

    own = declared(CHECKOUT / "notebooks" / "annual_report.ipynb")
    assert {key.value for key in given.keys} <= set(own)


def test_no_recipe_holds_a_secret():
    for path in HERE.iterdir():
        body = path.read_text(encoding="utf-8")
        assert not re.search(r"(?i)(password|token)\s*[:=]", body), path.name
        assert not re.search(r"YSJ_HASH_KEY[=:]\s*(?!\$\{\{|\.\.\.)\S", body), path.name


def test_the_plain_papermill_command_shows_what_the_report_shows(tmp_path):
    """One notebook, in a Jupyter kernel by papermill's own command and in a fork by ours."""
    from ysj_analysis import content

    name, data = "reproduce_plan_2023_24", str(CHECKOUT / "data" / "published")
    source = CHECKOUT / "notebooks" / f"{name}.ipynb"
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    made = tmp_path / "made.ipynb"
    quiet = {"env": env, "check": True, "capture_output": True, "cwd": CHECKOUT, "timeout": 300}
    plain = "from papermill.cli import papermill; papermill()"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", plain, str(source), str(made), "-p", "data", data], **quiet
    )
    shown = content.collect(nbformat.read(made, as_version=4), name=name)
    subprocess.run(
        [sys.executable, "-m", "ysj_analysis", "report", name, "--out", str(tmp_path / "out")], **quiet
    )
    (manifest,) = (tmp_path / "out").rglob("manifest.json")
    for table, held in shown.tables.items():
        assert (manifest.parent / "tables" / f"{table}.csv").read_bytes() == held["csv"].encode()
    for figure, held in shown.figures.items():
        assert (manifest.parent / "figures" / f"{figure}.svg").read_bytes() == held["svg"].encode()
    assert set(json.loads(manifest.read_text(encoding="utf-8"))["tables"]) == set(shown.tables)

    def words(html: str) -> str:
        return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html).split())

    page = words((manifest.parent / "index.html").read_text(encoding="utf-8"))
    sentences = [words(text) for kind, text, data in shown.blocks if kind == "html" and not data]
    assert len(sentences) > 3
    assert [s for s in sentences if s not in page] == []
