"""How long does a user wait? Whole commands, from a cold process, median of three.

Run as ``python benchmarks/commands.py``. Exits 1 if a command takes longer than its target.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COUNTS = """area,year,stage,group,events,denominator
Islington,2023,custody,Black,9,80
Islington,2023,custody,Mixed,4,30
Islington,2023,custody,White,5,75
"""


def seconds(arguments: list[str]) -> float:
    """Median wall time of three runs."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts.csv"
        counts.write_text(COUNTS, encoding="utf-8")
        module = ["-m", "ysj_analysis"]
        wanted = (
            ("import ysj_analysis", ["-c", "import ysj_analysis"], 1),
            ("import measures and pipeline", ["-c", "from ysj_analysis import measures, pipeline"], 1),
            ("ysj measure, 3 rows", [*module, "measure", str(counts)], 2),
            ("ysj report, installed", [*module, "report", "--out", folder], 25),
        )
        slow = 0
        for name, arguments, target in wanted:
            taken = seconds(arguments)
            slow += taken > target
            print(f"{name:<30}{taken:7.2f} s   (target {target} s){'   MISSED' if taken > target else ''}")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
