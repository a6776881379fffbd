"""No name or id of a child gets out of a run, whole, failed or stopped; a hundred runs are in benchmarks."""

import base64
import importlib.util
import io
import signal
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "canaries.py"


def _script():
    spec = importlib.util.spec_from_file_location("benchmark_canaries", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


canaries = _script()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return canaries.planted(tmp_path_factory.mktemp("planted") / "study")


def test_words_are_planted_in_every_table_of_children(study):
    for path in study.glob("*.csv"):
        head, row = path.read_text(encoding="utf-8").splitlines()[:2]
        planted = sum(i in head.split(",") for i in (*canaries.IDS, "name", "notes"))
        assert row.count(canaries.MARK) == planted
        assert planted >= 2 or path.stem == "population"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_planted_word_is_found_wherever_it_is_packed(tmp_path, encoding):
    word = f"{canaries.MARK}name7".encode(encoding)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sheet.xml", word)
    held = {
        "plain.txt": b"." + word,
        "book.xlsx": archive.getvalue(),
        "report.pdf": b"1 0 obj\nstream\n" + zlib.compress(word) + b"\nendstream",
        "page.html": b'<img src="data:image/png;base64,' + base64.b64encode(b"0" * 24 + word) + b'"/>',
        f"{canaries.MARK}.log": b"",
        "clean.txt": b"nothing here",
    }
    for name, data in held.items():
        (tmp_path / name).write_bytes(data)
    found = list(canaries.found(tmp_path))
    assert [p for p in held if not any(p in f for f in found)] == ["clean.txt"]


@pytest.mark.parametrize("which", [0, 4, 7])
def test_a_failing_cell_with_a_childs_record_in_hand_says_nothing_of_it(study, tmp_path, which):
    book = canaries.failing(tmp_path, canaries.FAILURES[which], 1)
    code, places = canaries.run(tmp_path / "run", study, str(book), "--debug")
    assert code == 1
    assert places == []
    assert not list((tmp_path / "run" / "out").rglob("index.html"))


def test_a_word_where_a_label_should_be_is_not_said(tmp_path):
    study = canaries.planted(tmp_path / "study", label=("events", "stage"))
    code, places = canaries.run(tmp_path / "run", study)
    assert code == 2
    assert places == []
    assert "1 of 30," in (tmp_path / "run" / "stderr").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_run_that_is_killed_leaves_nothing(study, tmp_path):
    code, places = canaries.run(tmp_path / "run", study, stop=(2.0, signal.SIGKILL))
    assert code in (-signal.SIGKILL, 0)
    assert places == []
