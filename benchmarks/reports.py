"""What does a report cost? One, and the same notebook for every area of a study, beside papermill and nbconvert.

    python benchmarks/reports.py                    # 8, 40 and 157 areas: minutes
    python benchmarks/reports.py --sizes 4 8 16     # fewer

The study is the synthetic one, its boroughs copied under other names. The peer is the two commands a user
would run instead, ``papermill`` and ``jupyter nbconvert``, on the same notebook and study; they audit
nothing, and write a page without tables beside it. All figures are of processor time, of a process and of
all it waited for, since the clock depends on what else the machine does. Exits 1 if a target is missed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
OF_ONE, OF_MANY, GROWTH = 0.5, 0.2, 1.25


def study(folder: Path, areas: int) -> Path:
    """Copy the boroughs of the synthetic study until there are so many areas."""
    folder.mkdir(parents=True)
    source = ROOT / "data" / "synthetic"
    settings = (source / "study.toml").read_text(encoding="utf-8")
    four = ["Islington", "Camden", "Hackney", "Haringey"]
    names = [f"{four[n % 4]} {n // 4:03d}" if n >= 4 else four[n] for n in range(areas)]
    before = next(line for line in settings.splitlines() if line.startswith("areas"))
    (folder / "study.toml").write_text(
        settings.replace(before, f"areas = {json.dumps(names)}"), encoding="utf-8"
    )
    children = pd.read_csv(source / "children.csv", dtype=str).drop_duplicates("child_id")
    homes = children.set_index("child_id")["area"]
    for path in sorted(source.glob("*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        parts = []
        for start in range(0, areas, 4):
            known = dict(zip(four, names[start : start + 4], strict=False))
            home = table["area"] if "area" in table else table["child_id"].map(homes)
            part = table[home.isin(known)]
            part = part.assign(area=part["area"].map(known)) if "area" in part else part.copy()
            for column in {"child_id", "episode_id"} & set(part):
                part[column] = part[column].where(part[column].eq(""), part[column] + f"-{start}")
            parts.append(part)
        pd.concat(parts).to_csv(folder / path.name, index=False)
    return folder


def cost(command: list[str]) -> tuple[float, float]:
    """Run a command; give its processor time and its time on the clock."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT)}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[2]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.perf_counter() - start


def peer(notebook: str, data: Path, room: Path) -> float:
    """Cost of the two commands."""
    bin_ = Path(sys.executable).parent
    made = room / "peer.ipynb"
    source = ROOT / "notebooks" / f"{notebook}.ipynb"
    first = [str(bin_ / "papermill"), str(source), str(made), "-p", "data", str(data), "--no-progress-bar"]
    return cost(first)[0] + cost([str(bin_ / "jupyter"), "nbconvert", "--to", "html", str(made)])[0]


def ours(notebook: str, data: Path, room: Path) -> float:
    return cost([*YSJ, "report", notebook, "--data", str(data), "--out", str(room / "one")])[0]


YSJ = [sys.executable, "-m", "ysj_analysis"]


def batch(notebook: str, data: Path, room: Path, areas: int) -> dict[str, float]:
    """Render every area; give what it cost."""
    out = room / f"many-{areas}"
    log = room / f"{areas}.jsonl"
    command = [
        *YSJ,
        "batch",
        "--data",
        str(data),
        "--notebooks",
        notebook,
        "--out",
        str(out),
        "--log",
        str(log),
        "--log-format",
        "json",
    ]
    try:
        cpu, wall = cost(command)
    except RuntimeError as error:  # the log says why, the command only that
        told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        failed = [line for line in told if line.get("status") == "failed"]
        first = f" First: {failed[0]['report']}: {failed[0]['error']}" if failed else ""
        raise RuntimeError(f"{len(failed)} of {areas} reports were not made ({error}).{first}") from None
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    peaks = [line["peak_mib"] for line in lines if line.get("status") == "done"]
    few = max(len(peaks) // 10, 1)
    grown = max(peaks[-few:]) / max(peaks[:few])
    again, _ = cost([*command, "--resume"])
    return {"cpu": cpu / areas, "wall": wall, "peak": max(peaks), "grown": grown, "again": again / areas}


def steps(notebook: str, data: Path, room: Path) -> dict[str, float]:
    """Time the steps of one report, in a process as reports are rendered in."""
    told = cost_of_steps.format(notebook=notebook, data=str(data), out=str(room / "steps"), root=str(ROOT))
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT)}
    script = room / "steps.py"
    script.write_text(told, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], env=env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


cost_of_steps = """
import json, os, shutil, sys
sys.modules.setdefault("rfc3987_syntax", None)
from ysj_analysis.kernel import settle
settle()
from ysj_analysis import engine, execution, joint_release, load, report
spent = {{}}
def timed(module, name, label):
    inner = getattr(module, name)
    def outer(*a, **k):
        before = sum(os.times()[:4])
        try:
            return inner(*a, **k)
        finally:
            spent[label] = spent.get(label, 0) + sum(os.times()[:4]) - before
    setattr(module, name, outer)
engine.warm()
timed(load, "study", "read")
timed(joint_release, "audited", "audit")
timed(report, "write", "write")
timed(report, "require_whole", "check")
timed(report, "_cleared", "notebook and audit")
shutil.rmtree({out!r}, ignore_errors=True)
report.render({notebook!r}, data={data!r}, out={out!r})
spent["notebook"] = spent.pop("notebook and audit") - spent.get("audit", 0)
print(json.dumps(spent))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 40, 157])
    parser.add_argument("--notebook", default="annual_report")
    given = parser.parse_args()
    name = given.notebook
    missed = []

    def against(label: str, value: float, target: float) -> None:
        missed.extend([label] if value > target else [])
        print(f"  {label:<58}{value:7.2f}   (target {target}){'   MISSED' if value > target else ''}")

    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        four = study(room / "study", 4)
        ours(name, four, room)  # compiles what is to be compiled
        theirs, one = peer(name, four, room), ours(name, four, room / "again")
        print(
            f"one report of four areas: papermill + nbconvert {theirs:.1f} s of processor, ysj report {one:.1f} s"
        )
        against("one report, ysj report / (papermill + nbconvert)", one / theirs, OF_ONE)
        found, slow = {}, {}
        for areas in given.sizes:
            data = study(room / f"study-{areas}", areas)
            found[areas] = batch(name, data, room, areas)
            slow[areas] = steps(name, data, room)
        theirs = peer(name, room / f"study-{given.sizes[-1]}", room)
        print(
            f"a batch of {given.sizes[-1]} areas: papermill + nbconvert {theirs:.1f} s of processor a report"
        )
        print(
            f"  {'areas':>6}{'CPU a report':>14}{'clock in all':>14}{'peak MiB':>10}{'unchanged, a report':>21}"
        )
        for areas, f in found.items():
            print(f"  {areas:6}{f['cpu']:14.2f}{f['wall']:14.1f}{f['peak']:10.0f}{f['again']:21.3f}")
        first, last = found[given.sizes[0]], found[given.sizes[-1]]
        against("a report of the batch / (papermill + nbconvert)", last["cpu"] / theirs, OF_MANY)
        against("CPU a report, most areas / fewest", last["cpu"] / first["cpu"], GROWTH)
        against("peak memory of a process, last tenth of reports / first", last["grown"], GROWTH)
        print("seconds of processor of each step of one report, by the areas of its study")
        for step in ("read", "notebook", "audit", "write", "check"):
            print(f"  {step:<10}" + "".join(f"{slow[a].get(step, 0.0):10.2f}" for a in given.sizes))
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
