"""The built wheel: whoever installs it has the notebooks and the studies they open, wherever they are."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("setuptools")

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
FIND = """
from pathlib import Path
import ysj_analysis
from ysj_analysis.request import find_notebook, request
home = Path(ysj_analysis.__file__).parent
for name in ("annual_report", "reproduce_plan_2023_24"):
    wanted = request(name)
    print(wanted.notebook.relative_to(home).as_posix(), wanted.study.relative_to(home).as_posix())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, built from a copy and unpacked: no file of the checkout is in reach."""
    copy, built, place = (tmp_path_factory.mktemp(name) for name in ("copy", "built", "site"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("ysj_analysis", "notebooks", "data"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run([sys.executable, "-c", BUILD, str(built)], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with zipfile.ZipFile(*built.glob("*.whl")) as wheel:
        wheel.extractall(place)
    return place


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("ysj_analysis", "ysj_analysis"),
        ("notebooks", "ysj_analysis/notebooks"),
        ("data/synthetic", "ysj_analysis/data/synthetic"),
        ("data/published", "ysj_analysis/data/published"),
    ],
)
def test_it_holds_every_file(installed, here, there):
    def files(folder):
        return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}

    ours = {f for f in files(ROOT / here) if "__pycache__" not in f and ".ipynb_checkpoints" not in f}
    assert ours
    assert ours <= files(installed / there)


def test_its_notebooks_find_their_studies_from_any_folder(installed, tmp_path):
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHONHOME"} | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", FIND], cwd=tmp_path, env=surroundings, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "notebooks/annual_report.ipynb data/synthetic",
        "notebooks/reproduce_plan_2023_24.ipynb data/published",
    ], done.stderr[-2000:]
