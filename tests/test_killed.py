"""A report is whole or not at all, however its run ends: a few points of what benchmarks/killed.py does at many."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for as Linux lists them")
def test_killed_stopped_crowded_and_out_of_room():
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "benchmarks" / "killed.py"), "--points", "2"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "SIGKILL at 2 random points: 0 partial" in done.stdout
    assert "one result, that of a run alone" in done.stdout
