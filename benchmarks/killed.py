"""Reports that are killed, stopped, crowded or out of room: whole or not at all, and the next run the same.

    python benchmarks/killed.py              # 50 kills, 50 stops, 20 full disks, 8 at once
    python benchmarks/killed.py --points 4   # fewer of each

Half of the runs are over a report that is there already. A disk is filled in a small file system in
memory, which only the superuser can mount; elsewhere the size of a file is limited instead.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import nbformat

from ysj_analysis.inspection import faults

ROOT = Path(__file__).resolve().parents[1]
CELLS = (
    'data: str = ""\narea: str = "Camden"\nyear: int = 2022\nedition: str = "public"\nnote: str = ""',
    "from ysj_analysis import disclosure, load, measures, pipeline, present, wording",
    "study = load.study(data); counts = pipeline.for_report(study, area=area, year=year, years=2)",
    "shown = disclosure.release(counts, policy=disclosure.policy(edition)).measure(measures.rates)",
    'present.table(shown, name="rates", title=f"Rates {note}", words=wording.Words.of(study))',
)
TEMPORARY = Path(tempfile.gettempdir())


def prepared(room: Path) -> list[str]:
    """Write a small study and notebook; give the command that renders them."""
    study = room / "study"
    study.mkdir(parents=True)
    rows = [
        f"Camden,{year},{stage},{group},{n},{of}\n"
        for year in (2021, 2022)
        for stage, of in (("arrest", 3000), ("custody", 300))
        for group, n in (("Asian", 22), ("Black", 61), ("Mixed", 17), ("Other", 4), ("White", 45))
    ]
    (study / "counts.csv").write_text("area,year,stage,group,events,denominator\n" + "".join(rows))
    v4 = nbformat.v4
    first = v4.new_code_cell(CELLS[0], metadata={"tags": ["parameters"]})
    cells = [v4.new_markdown_cell("# Rates"), first, *map(v4.new_code_cell, CELLS[1:])]
    nbformat.write(v4.new_notebook(cells=cells), room / "rates.ipynb")
    return [sys.executable, "-m", "ysj_analysis", "report", str(room / "rates.ipynb"), "--data", str(study)]


class Runs:
    """Runs of one report, each in a folder of its own, and what was wrong with them."""

    def __init__(self, room: Path):
        self.command = prepared(room)
        self.room, self.number = room, 0
        self.env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.env |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(room / "temporary")}
        (room / "temporary").mkdir()
        start = time.monotonic()
        self.run(room / "reference")
        self.seconds = time.monotonic() - start
        self.run(room / "earlier", note="as it was")
        self.run(room / "over", note="as it was")
        self.run(room / "over")
        if len({frozenset(contents(room / n).items()) for n in ("reference", "earlier", "over")}) < 3:
            raise RuntimeError("the reports that are to be interrupted do not come out")
        self.new = {False: contents(room / "reference"), True: contents(room / "over")}

    def start(self, out: Path, note: str = "", *more: str, **options) -> subprocess.Popen:
        command = [*self.command, "--out", str(out), "-p", f"note={note}", *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=self.env | options.pop("env", {}), **pipes, **options)

    def run(self, out: Path, note: str = "", **options) -> tuple[int, str]:
        process = self.start(out, note, **options)
        _, err = process.communicate(timeout=300)
        return process.returncode, err

    def out(self, over: bool) -> Path:
        """Give a folder for one run, with a report in it already or not."""
        self.number += 1
        out = self.room / f"out-{self.number}"
        if over:
            shutil.copytree(self.room / "earlier", out)
        return out

    def wrong(self, out: Path, over: bool, *, clean: bool) -> list[str]:
        """Say what is wrong after a run that did not end by itself, and after the next one."""
        found = []
        report = out / "camden" / "2022" / "rates"
        allowed = [self.new[over]] + ([contents(self.room / "earlier")] if over else [])
        if report.exists() or over:
            if next(faults(report), None):
                found.append("a partial report")
            elif below(contents(out), report, out) not in [below(a, report, out) for a in allowed]:
                found.append("a report that is neither the old nor the new")
        if clean and (left := orphans(out)):
            found.append(f"left over: {left[0]}")
        code, err = self.run(out)
        if code:
            found.append(f"the next run failed: {err.strip()}")
        if contents(out) != self.new[over]:
            found.append("the next run gave other bytes")
        if left := orphans(out) + orphans(self.room / "temporary"):
            found.append(f"left over after the next run: {left[0]}")
        shutil.rmtree(out, ignore_errors=True)
        return found


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def below(found: dict[str, bytes], report: Path, out: Path) -> dict[str, bytes]:
    start = report.relative_to(out).as_posix()
    return {k: v for k, v in found.items() if k.startswith(start)}


def orphans(folder: Path) -> list[str]:
    """List hidden files and folders, and whatever is in a temporary folder."""
    names = folder.rglob("*") if folder.name == "temporary" else folder.rglob(".*")
    return [p.relative_to(folder).as_posix() for p in names]


def still_running(mark: str) -> list[int]:
    """List processes that carry a mark in their surroundings."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (place / "environ").read_bytes():
                found.append(int(place.name))
        except OSError:
            continue
    return found


def interrupted(runs: Runs, number: signal.Signals, points: int, rng: random.Random) -> list[str]:
    """Interrupt a run at random points, half over a report that is there already."""
    found = []
    for point in range(points):
        over, mark = bool(point % 2), uuid.uuid4().hex
        out = runs.out(over)
        process = runs.start(out, env={"YSJ_MARK": mark})
        time.sleep(rng.uniform(0, 1.1 * runs.seconds))
        process.send_signal(number)
        process.communicate(timeout=60)
        until = time.monotonic() + 5
        while (alive := still_running(mark)) and time.monotonic() < until:
            time.sleep(0.02)
        wrong = [f"a process still runs: {alive[0]}"] if alive else []
        wrong += runs.wrong(out, over, clean=number == signal.SIGTERM)
        found += [f"{number.name} {point}: {w}" for w in wrong]
    return found


def out_of_room(runs: Runs, points: int) -> tuple[list[str], str]:
    """Run where the disk is full at more and more of the report; say also how the disk was filled."""
    found, how = [], "file systems of limited size"
    need = sum(map(len, runs.new[False].values())) + 64 * 1024
    for point in range(points):
        over = bool(point % 2)
        room = need * (point + 1) // (points + 2)
        disk = runs.room / f"disk-{point}"
        disk.mkdir()
        old = runs.room / "earlier"
        size = room + (sum(map(len, contents(old).values())) + 80 * 1024 if over else 0)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={max(size // 1024, 4)}k", "tmpfs", str(disk)]
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        options = {} if mounted else {"preexec_fn": lambda most=room // 8: _limit(most)}
        how = how if mounted else "files of limited size"
        try:
            if over:
                shutil.copytree(old, disk / "out")
            before = contents(disk)
            code, err = runs.run(disk / "out", **options)
            if code == 0:
                wrong = [] if below_out(disk) == runs.new[over] else ["whole, but other bytes"]
            else:
                wrong = [] if "no room on the disk" in err or "No space" in err else [f"said: {err.strip()}"]
                kept = {k: v for k, v in contents(disk).items() if not k.endswith("editions.jsonl")}
                if kept != {k: v for k, v in before.items() if not k.endswith("editions.jsonl")}:
                    wrong.append("something was left or changed")
        finally:
            if mounted:
                subprocess.run(["umount", str(disk)], check=True)
        found += [f"full at {room:,} bytes: {w}" for w in wrong]
    return found, how


def below_out(disk: Path) -> dict[str, bytes]:
    return contents(disk / "out")


def _limit(most: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def at_once(runs: Runs, number: int) -> list[str]:
    """Start one report many times at once, waiting and not."""
    found = []
    for wait in ("0", "600"):
        out = runs.out(False)
        started = [runs.start(out, "", "--wait", wait) for _ in range(number)]
        said = [(*p.communicate(timeout=600), p.returncode) for p in started]
        codes = sorted({code for _, _, code in said})
        if codes not in ([0], [0, 75]) or (wait != "0" and codes != [0]):
            found.append(f"exit codes {codes}")
        if any(code == 75 and len(err.splitlines()) != 1 for _, err, code in said):
            found.append("a run that found another did not leave in one line")
        if contents(out) != runs.new[False]:
            found.append("the one result is not that of a run alone")
    return [f"{number} at once: {f}" for f in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--seed", type=int, default=8)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder))
        found = []
        for number in (signal.SIGKILL, signal.SIGTERM):
            wrong = interrupted(runs, number, given.points, rng)
            print(
                f"{number.name} at {given.points} random points: {len(wrong)} partial, orphaned or different"
            )
            found += wrong
        disks = max(given.points * 2 // 5, 1)
        wrong, how = out_of_room(runs, disks)
        print(f"disk full at {disks} points ({how}): {len(wrong)} partial or unclear")
        found += wrong
        crowd = min(8, given.points)
        wrong = at_once(runs, crowd)
        print(
            f"{crowd} runs of one report at once: {'one result, that of a run alone' if not wrong else 'wrong'}"
        )
        found += wrong
    print(*found, sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
