"""A report can be made again, byte for byte, and whatever is not as it was made is named."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ysj_analysis
from ysj_analysis import verify
from ysj_analysis.__main__ import main
from ysj_analysis.inspection import faults
from ysj_analysis.manifest import digest, sha256
from ysj_analysis.report import render

CHECKOUT = Path(ysj_analysis.__file__).resolve().parents[1]


def ysj(*arguments, **env) -> subprocess.CompletedProcess:
    here = {**os.environ, "PYTHONPATH": str(CHECKOUT)} | env
    command = [sys.executable, "-m", "ysj_analysis", *map(str, arguments)]
    return subprocess.run(command, cwd=CHECKOUT, env=here, capture_output=True, text=True, timeout=300)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A report of the kit, as the command makes it."""
    out = tmp_path_factory.mktemp("out")
    done = ysj("report", "reproduce_plan_2023_24", "--out", out)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip()).parent


@pytest.fixture
def report(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "report")


def resealed(folder: Path, old: str, new: str) -> None:
    """Change the manifest as one who knows how it is sealed."""
    path = folder / "manifest.json"
    text = path.read_text(encoding="utf-8").replace(old, new)
    path.write_text(text.replace(json.loads(text)["digest"], digest(text)), encoding="utf-8")


def test_a_report_comes_out_the_same_whatever_the_machine_is_set_to(made, tmp_path):
    odd = {
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "LANG": "de_DE.UTF-8",
        "PYTHONHASHSEED": "77",
        "OMP_NUM_THREADS": "3",
    }
    odd |= {
        "HOME": str(tmp_path),
        "USER": "somebody",
        "HOSTNAME": "elsewhere",
        "MPLBACKEND": "pdf",
        "COLUMNS": "40",
    }
    done = ysj("report", "reproduce_plan_2023_24", "--out", tmp_path / "again", **odd)
    assert done.returncode == 0, done.stderr
    assert files(Path(done.stdout.strip()).parent) == files(made)


def test_an_untouched_report_is_said_to_be_the_same(report):
    done = ysj("verify", report)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{len(files(report))} files, and every byte comes out the same." in done.stdout


def test_an_edit_that_is_sealed_again_comes_out_otherwise(report):
    table = min(report.glob("tables/*.csv"))
    before = sha256(table.read_bytes())
    body = table.read_bytes()
    at = body.index(b"\n") + 1
    table.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    resealed(report, before, sha256(table.read_bytes()))
    assert list(faults(report)) == []  # so that only rendering it again can tell
    done = ysj("verify", report)
    assert done.returncode == 1
    assert f"First: tables/{table.name} came out otherwise, from byte {at + 1:,} (line 2) on" in done.stderr


def test_a_manifest_of_another_title_comes_out_otherwise(report):
    title = json.loads((report / "manifest.json").read_text(encoding="utf-8"))["title"]
    resealed(report, f'"title": "{title}"', '"title": "Another"')
    done = ysj("verify", report)
    assert 'First: manifest.json came out otherwise, in "title"' in done.stderr


def test_another_notebook_is_named_before_anything_runs(report, tmp_path, capsys):
    known = json.loads((report / "manifest.json").read_text(encoding="utf-8"))["inputs"]["notebook"]
    resealed(report, known, "0" * 64)
    assert main(["verify", str(report)]) == 1
    assert "the notebook is not the one the report was made from" in capsys.readouterr().err


def test_another_machine_is_said_and_is_no_difference(report):
    now = json.loads((report / "manifest.json").read_text(encoding="utf-8"))["versions"]["pandas"]
    resealed(report, f'"pandas": "{now}"', '"pandas": "2.0.0"')
    done = ysj("verify", report)
    assert (done.returncode, done.stderr) == (0, "It was made with other versions of pandas.\n")


def test_an_edition_that_followed_others_needs_their_ledger(tmp_path):
    for stage in ("arrest", "custody"):
        folder = render(
            "court_paragraph", data=CHECKOUT / "data/synthetic", out=tmp_path, parameters={"stage": stage}
        )
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["earlier_editions"] == 1
    assert verify.verify(folder, data=CHECKOUT / "data/synthetic").same
    kept = tmp_path / "islington" / "editions.jsonl"
    kept.rename(tmp_path / "kept")
    found = verify.verify(folder, data=CHECKOUT / "data/synthetic").differences
    assert found == (
        "1 of 1 editions that its area had printed before are in no ledger above the folder, and it hides what it and "
        "they would give away together: put editions.jsonl back where it was",
    )


def test_what_is_no_report(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "none")]) == 2
    assert main(["verify", str(tmp_path)]) == 1
    assert "First: manifest.json is not there." in capsys.readouterr().err


def test_every_edit_of_one_byte_is_found(report):
    rng = random.Random(8)
    paths = sorted(p for p in report.rglob("*") if p.is_file())
    for _ in range(100):
        path = rng.choice(paths)
        body = path.read_bytes()
        at, bit = rng.randrange(len(body)), 1 << rng.randrange(8)
        path.write_bytes(body[:at] + bytes([body[at] ^ bit]) + body[at + 1 :])
        assert not verify.verify(report).same
        path.write_bytes(body)
    assert list(faults(report)) == []
