"""Many reports: none stops the others, what is whole is left alone, and every way to end is a clean one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

import ysj_analysis
from ysj_analysis import batch_plan, batch_state
from ysj_analysis.batch_plan import Job
from ysj_analysis.parameters import ParameterError
from ysj_analysis.request import request

CHECKOUT = Path(ysj_analysis.__file__).resolve().parents[1]
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no polite signal to stop")

COUNTS = "area,year,stage,group,events,denominator\n" + "".join(
    f"{{area}},{year},custody,{group},{n},300\n"
    for year in (2021, 2022)
    for group, n in (("Black", 60), ("White", 45))
)
PARAMETERS = 'data: str = ""\narea: str = ""\nyear: int = 2022\nedition: str = "public"'


def study(folder: Path, *areas: str) -> Path:
    folder.mkdir(parents=True)
    head, *rows = COUNTS.splitlines(keepends=True)
    (folder / "counts.csv").write_text(head + "".join(r.format(area=a) for a in areas for r in rows))
    return folder


def notebook(folder: Path, *sources: str) -> Path:
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell("# Title"), v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    path = folder / "tiny.ipynb"
    nbformat.write(v4.new_notebook(cells=cells + [v4.new_code_cell(s) for s in sources]), path)
    return path


def started(folder: Path, *arguments) -> subprocess.Popen:
    here = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "ysj_analysis", "batch", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=folder, env=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ysj_batch(folder: Path, *arguments) -> tuple[int, list[dict], str]:
    """Run a batch; give its exit code, the lines of its log and its errors."""
    process = started(folder, *arguments, "--log-format", "json")
    out, err = process.communicate(timeout=120)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def left_over(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob(".*") if p.name not in (".batch", ".area.lock")]


# -- what is asked for -------------------------------------------------------------------------------


def test_a_plan_file(tmp_path):
    (tmp_path / "plan.toml").write_text(
        'data = "studies/{area}"\nyears = "2021..2023"\n[parameters]\nunit = "children"\n'
        '[[reports]]\nareas = ["camden"]\n[[reports]]\nnotebooks = ["explore"]\nyears = [2022]\n'
    )
    one, two = batch_plan.read(tmp_path / "plan.toml")
    assert one.areas == ("camden",)
    assert (one.data, two.data) == (str(tmp_path / "studies/{area}"),) * 2
    assert (two.notebooks, two.years, two.parameters) == (("explore",), (2022,), {"unit": "children"})
    assert list(batch_plan.jobs(two, "s", ["A", "B"], (2019, 2023))) == [
        Job("explore", "s", str(tmp_path / "reports"), area, 2022, parameters={"unit": "children"})
        for area in ("A", "B")
    ]


def test_a_plan_with_the_house_style_of_its_documents_and_another_rule(tmp_path):
    (tmp_path / "plan.toml").write_text('edition = "ons"\nformats = ["docx"]\ntemplate = "house.docx"\n')
    (plan,) = batch_plan.read(tmp_path / "plan.toml")
    (job,) = batch_plan.jobs(plan, "s", ["A"], (2019, 2023))
    assert (job.edition, job.given["template"]) == ("ons", str(tmp_path / "house.docx"))


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ("last", [2023]),
        ("all", [2019, 2020, 2021, 2022, 2023]),
        ("2021..2022", [2021, 2022]),
        ("2022..", [2022, 2023]),
        ([2022, 2020], [2020, 2022]),
    ],
)
def test_years(years, expected):
    plan = batch_plan.plan({"years": years})
    assert [job.year for job in batch_plan.jobs(plan, "s", ["A"], (2019, 2023))] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("areas = 7", "1 of 2 settings cannot be used. First: areas"),
        ('ares = "all"', "First: ares"),
        ('years = "recent"', "years is 'recent'"),
        ('notebooks = ["anual_report"]', "no notebook 'anual_report'"),
        ("reports = 1", "reports is not a list"),
        ("areas = [", "is not a plan in TOML"),
    ],
)
def test_a_plan_that_cannot_be_used(tmp_path, text, message):
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(ParameterError, match=message):
        batch_plan.read(tmp_path / "plan.toml")


def test_a_folder_for_each_area(tmp_path):
    for area in ("b", "a"):
        (tmp_path / area).mkdir()
    every = batch_plan.plan({"data": str(tmp_path / "{area}")})
    assert [Path(f).name for f, _ in batch_plan.folders(every)] == ["a", "b"]
    some = batch_plan.plan({"data": str(tmp_path / "{area}"), "areas": ["b", "c"]})
    assert [Path(f).name for f, _ in batch_plan.folders(some)] == ["b", "c"]


def test_a_recipe_changes_with_everything_a_report_is_made_from(tmp_path, monkeypatch):
    data = study(tmp_path / "s", "Camden")
    path = notebook(tmp_path, "1;")

    def recipe(**given):
        return batch_state.recipe(request(path, data=data, **given))

    before = recipe()
    assert recipe() == before
    assert (
        len({before, recipe(values={"year": 2021}), recipe(edition="restricted"), recipe(date="2024-01-01")})
        == 4
    )
    monkeypatch.setenv("YSJ_HASH_KEY", "secret")
    assert recipe() != before
    monkeypatch.delenv("YSJ_HASH_KEY")
    notebook(tmp_path, "2;")
    assert recipe() != before
    notebook(tmp_path, "1;")
    (data / "counts.csv").write_text((data / "counts.csv").read_text().replace("60", "65"))
    assert recipe() != before


# -- many reports ------------------------------------------------------------------------------------


def test_broken_areas_stop_no_others_and_a_resumed_batch_does_only_those(tmp_path):
    for area in ("Camden", "Hackney", "Haringey", "Islington"):
        study(tmp_path / "studies" / area, area)
    broken = tmp_path / "studies" / "Hackney" / "counts.csv"
    whole = broken.read_text()
    broken.write_text(whole.replace("60", "sixty").replace("Black", "Jane Doe"))
    notebook(tmp_path, "1;")
    command = ("--data", "studies/{area}", "--notebooks", "tiny.ipynb", "--years", "all", "--jobs", 2)
    code, lines, err = ysj_batch(tmp_path, *command)
    assert (code, err) == (3, "")
    failed = [line for line in lines if line.get("status") == "failed"]
    assert [(f["report"], f["code"]) for f in failed] == [("Hackney", 2)]
    assert failed[0]["error"].startswith("counts.csv: 2 of 4 ")
    assert "Jane" not in str(lines)
    health = lines[-1]
    assert {k: health[k] for k in ("event", "state", "done", "unchanged", "failed", "exit")} == {
        **{"event": "health", "state": "partly", "done": 6, "unchanged": 0, "failed": 1, "exit": 3}
    }
    assert left_over(tmp_path / "reports") == []
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "reports").rglob("index.html")}
    assert len(before) == 6

    broken.write_text(whole)
    code, lines, _ = ysj_batch(tmp_path, *command, "--resume")
    assert code == 0
    assert [line["report"] for line in lines if line.get("status") == "done"] == [
        *("hackney/2021/tiny", "hackney/2022/tiny")
    ]
    assert lines[-1]["unchanged"] == 6
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_report_that_was_touched_or_taken_away_is_made_again(tmp_path):
    study(tmp_path / "s", "Camden", "Hackney", "Haringey")
    notebook(tmp_path, "1;")
    command = ("--data", "s", "--notebooks", "tiny.ipynb", "--resume")
    assert ysj_batch(tmp_path, *command)[0] == 0
    before = files(tmp_path / "reports")
    (tmp_path / "reports" / "camden" / "2022" / "tiny" / "index.html").write_text("touched")
    (tmp_path / "reports" / "hackney" / "2022" / "tiny").rename(tmp_path / "taken")
    code, lines, _ = ysj_batch(tmp_path, *command)
    assert code == 0
    assert sorted(line["report"] for line in lines if line.get("status") == "done") == [
        *("camden/2022/tiny", "hackney/2022/tiny")
    ]
    assert files(tmp_path / "reports") == before


def test_a_batch_gives_the_bytes_of_single_reports(tmp_path):
    study(tmp_path / "s", "Camden", "Hackney")
    path = notebook(tmp_path, "1;")
    assert ysj_batch(tmp_path, "--data", "s", "--notebooks", "tiny.ipynb", "--out", "many")[0] == 0
    for area in ("Camden", "Hackney"):
        command = ["report", path, "--data", "s", "--area", area, "--out", "one"]
        subprocess.run(
            [sys.executable, "-m", "ysj_analysis", *command],
            **{"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(CHECKOUT)}, "check": True},
            stdout=subprocess.DEVNULL,
        )
    many = {k: v for k, v in files(tmp_path / "many").items() if not k.startswith(".batch")}
    assert many == files(tmp_path / "one")


@POSIX
def test_a_worker_that_is_killed_costs_its_report_alone(tmp_path):
    study(tmp_path / "s", "Camden", "Hackney", "Haringey")
    notebook(tmp_path, "import os\nif (area, year) == ('Hackney', 2021): os.kill(os.getppid(), 9)\n")
    code, lines, _ = ysj_batch(
        tmp_path, "--data", "s", "--notebooks", "tiny.ipynb", "--years", "all", "--jobs", 1
    )
    assert code == 3
    assert [(x["report"], x["error"]) for x in lines if x.get("status") == "failed"] == [
        ("hackney/2021/tiny", "Its process was killed or ran out of memory.")
    ]
    assert lines[-1]["done"] == 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the data of a process")
def test_memory_is_bounded(tmp_path):
    study(tmp_path / "s", "Camden", "Hackney")
    notebook(tmp_path, "import numpy\nif area == 'Camden': numpy.ones(2**28);")
    code, lines, _ = ysj_batch(tmp_path, "--data", "s", "--notebooks", "tiny.ipynb", "--memory", 1024)
    assert code == 3
    (failed,) = [x for x in lines if x.get("status") == "failed"]
    assert failed["report"] == "camden/2022/tiny"
    assert "Memory" in failed["error"]


@POSIX
def test_a_batch_that_is_asked_to_stop_ends_cleanly_and_goes_on_later(tmp_path):
    areas = [f"Area {n}" for n in range(6)]
    study(tmp_path / "s", *areas)
    notebook(tmp_path, "import time, pathlib\nif not pathlib.Path(data, 'quick').exists(): time.sleep(3);")
    command = ("--data", "s", "--notebooks", "tiny.ipynb", "--jobs", 2, "--log", "log")
    process = started(tmp_path, *command)
    until = time.monotonic() + 60
    while not (tmp_path / "log").exists() or "done" not in (tmp_path / "log").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    lines = (tmp_path / "log").read_text().splitlines()
    assert "stopped:" in lines[-1]
    assert left_over(tmp_path / "reports") == []
    done = {p: p.stat().st_mtime_ns for p in (tmp_path / "reports").rglob("index.html")}
    assert 0 < len(done) < 6
    code, lines, _ = ysj_batch(tmp_path, *command[:-2], "--resume")
    assert (code, lines[-1]["unchanged"] + lines[-1]["done"]) == (0, 6)
    assert 1 <= lines[-1]["unchanged"] <= len(done)
    assert sum(p.stat().st_mtime_ns == when for p, when in done.items()) == lines[-1]["unchanged"]


@POSIX
def test_a_second_batch_into_the_same_folder_leaves_in_one_line(tmp_path):
    study(tmp_path / "s", "Camden")
    notebook(tmp_path, "import time; time.sleep(3);")
    command = ("--data", "s", "--notebooks", "tiny.ipynb")
    first = started(tmp_path, *command)
    until = time.monotonic() + 60
    while not (tmp_path / "reports" / ".batch" / ".lock").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    second = started(tmp_path, *command)
    out, err = second.communicate(timeout=60)
    assert (second.returncode, out, err) == (75, "", "Another run is writing reports/batch; try later.\n")
    first.communicate(timeout=60)
    assert first.returncode == 0


# -- on a cluster ------------------------------------------------------------------------------------


def dask(module: str, *arguments: str) -> subprocess.Popen:
    here = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], env=here, **quiet)


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and two workers, each a process of its own."""
    pytest.importorskip("distributed")

    told = tmp_path / "scheduler.json"
    file = ("--scheduler-file", str(told))
    scheduler = dask(
        "distributed.cli.dask_scheduler", *file, "--port", "0", "--no-dashboard", "--host", "127.0.0.1"
    )
    local = ("--local-directory", str(tmp_path / "dask"), "--nthreads", "1", "--no-dashboard", "--no-nanny")
    workers = [dask("distributed.cli.dask_worker", *file, *local) for _ in range(2)]
    until = time.monotonic() + 60
    while not told.exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    try:
        yield json.loads(told.read_text())["address"], workers
    finally:
        for process in (*workers, scheduler):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


@POSIX
def test_a_batch_on_a_cluster_that_loses_a_worker(tmp_path, cluster):
    address, workers = cluster
    areas = [f"Area {n}" for n in range(8)]
    study(tmp_path / "s", *areas)
    begun = str(tmp_path / "begun")
    notebook(tmp_path, f"import time; open({begun!r}, 'a').close(); time.sleep(0.4);")
    command = ("--data", "s", "--notebooks", "tiny.ipynb")

    def lose_one():
        until = time.monotonic() + 60
        while not Path(begun).exists() and time.monotonic() < until:
            time.sleep(0.05)
        workers[0].send_signal(signal.SIGKILL)

    losing = threading.Thread(target=lose_one)
    losing.start()
    code, lines, err = ysj_batch(
        tmp_path, *command, "--out", "many", "--jobs", 1, "--engine", "dask", "--scheduler", address
    )
    losing.join()
    assert (code, lines[-1]["failed"]) == (0, 0), (lines, err)
    assert sorted(line["report"] for line in lines[:-1]) == sorted(f"area-{n}/2022/tiny" for n in range(8))
    assert workers[0].wait() == -signal.SIGKILL
    assert ysj_batch(tmp_path, *command, "--out", "alone")[0] == 0

    def reports(folder: Path) -> dict[str, bytes]:
        return {k: v for k, v in files(folder).items() if not k.startswith(".batch")}

    assert reports(tmp_path / "many") == reports(tmp_path / "alone")


def test_a_cluster_needs_an_address(tmp_path):
    pytest.importorskip("distributed")
    study(tmp_path / "s", "Camden")
    notebook(tmp_path, "1;")
    given = ("--data", "s", "--notebooks", "tiny.ipynb", "--engine", "dask")
    code, _, err = ysj_batch(tmp_path, *given)
    assert (code, "needs --scheduler ADDRESS" in err) == (2, True)
