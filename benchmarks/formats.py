"""How long does the annual report take in every format, and how large is its page?

Run as ``python benchmarks/formats.py``. Cold processes, the least of three; the HTML alone, then all formats.
Exits 1 if a target of the contract is missed.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "annual_report"


def run(formats: str) -> tuple[float, float, dict[str, int]]:
    """Least wall and CPU seconds of three runs, and the size of each file."""
    wall, cpu, sizes = [], [], {}
    for _ in range(3):
        with tempfile.TemporaryDirectory() as out:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "ysj_analysis", "report", NOTEBOOK, "--out", out, "--to", formats],
                cwd=ROOT,
                check=True,
                capture_output=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            wall.append(time.perf_counter() - start)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            found = next(Path(out).rglob("index.html")).parent
            sizes = {p.name: p.stat().st_size for p in sorted(found.iterdir()) if p.is_file()}
    return min(wall), min(cpu), sizes


def main() -> int:
    missed = 0
    for formats, target in (("html", 12.0), ("html,pdf,docx,xlsx", 30.0)):
        wall, cpu, sizes = run(formats)
        missed += wall > target
        print(
            f"{formats:<22}{wall:6.1f} s wall, {cpu:5.1f} s CPU   (target {target:.0f} s)"
            + ("   MISSED" if wall > target else "")
        )
    for name, size in sizes.items():
        late = name == "index.html" and size > 2_000_000
        missed += late
        print(f"  {name:<18}{size / 1000:9,.0f} kB" + ("   MISSED: 2,000 kB" if late else ""))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
