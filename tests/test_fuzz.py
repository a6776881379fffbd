"""Damaged files are refused in words: a few of what benchmarks/fuzz.py tries by the thousand."""

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ysj_analysis import load, pipeline
from ysj_analysis.__main__ import main
from ysj_analysis.exit_codes import exit_code

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "benchmarks" / "fuzz.py"


@pytest.mark.skipif(os.name == "nt", reason="the limits of a process are those of POSIX")
def test_damaged_files_are_refused_in_words():
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(SCRIPT), "--inputs", "120", "--jobs", "2", "--seed", "3"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert "120 inputs: 0 tracebacks" in done.stdout
    assert "used" in done.stdout  # not everything is refused


CELL = st.one_of(
    st.text(max_size=12), st.sampled_from(["", "12", "-1", "[c]", "Black", "2023", "arrest", "1e9"])
)
COLUMNS = ("area", "year", "stage", "group", "events", "denominator")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELL, min_size=4, max_size=8), max_size=6), head=st.permutations(COLUMNS))
def test_any_table_of_counts_is_used_or_refused(tmp_path, rows, head):
    lines = [",".join(head), *(",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in row) for row in rows)]
    (tmp_path / "counts.csv").write_text("\n".join(lines), encoding="utf-8", errors="replace")
    refused = None
    try:
        pipeline.stage_counts(load.study(tmp_path))
    except Exception as error:
        refused = error
    if refused is not None:
        assert exit_code(refused) == 2, repr(refused)
        assert "counts.csv" in str(refused)


@pytest.mark.parametrize("text", [" ", " ,\n,", ","])
def test_a_header_without_a_name(tmp_path, text):
    (tmp_path / "counts.csv").write_text(text)
    with pytest.raises(load.DataError, match=r"^counts\.csv: "):
        load.study(tmp_path)


def test_counts_without_any_denominator_have_no_rate(tmp_path, capsys):
    (tmp_path / "counts.csv").write_text(
        "area,year,stage,group,events\nA,2023,custody,Black,9\nA,2023,custody,White,5\n"
    )
    assert main(["measure", str(tmp_path / "counts.csv")]) == 2
    assert capsys.readouterr().err.startswith("counts.csv: 1 of 1 stage has no denominator, and so no rate.")


def test_each_damage_is_done():
    """The script damages what it is given, in every way, and never fails to."""
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    body = b"a,b\n1,2\n3,4\n"
    changed = [fuzz.mutated(body, random.Random(n)) != body for n in range(400)]
    assert sum(changed) > 350
