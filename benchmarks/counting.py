"""From files of 3 million events to cells: the engine against vectorised pandas, in time and memory.

    python benchmarks/counting.py             3 million events
    python benchmarks/counting.py 10e6        any number of them

Each way runs in a process of its own; CPU is that of all its threads, imports included. ``checked`` is the
kit's own path for small files: vectorised pandas with the same checks and the same result. ``plain`` is what
anyone would write, with no check of any row. The targets are against ``checked``.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

AREAS = [f"Service {i:03d}" for i in range(157)]
STEPS = {"arrest": 1.0, "charge": 0.5, "convicted": 0.35, "sentenced": 0.35, "custody": 0.035, "caution": 0.2}

STUDY = """
import sys
from ysj_analysis import large_files, load, pipeline
if sys.argv[2] == "checked":
    large_files.LARGE.update({".csv": 10**15})
else:
    large_files.LARGE.update({".csv": 0, ".parquet": 0})
counts = pipeline.stage_counts(load.study(sys.argv[1]), by=["sex"])
on = counts["base"] == "population"
print(int(counts.loc[on, "events"].sum()), int(counts.loc[~on, "events"].sum()))
"""

PLAIN = """
import sys
import pandas as pd
from ysj_analysis.vocabulary import STAGES, broad_groups
folder = sys.argv[1]
e = pd.read_csv(folder + "/events.csv", parse_dates=["date"],
    usecols=["child_id", "episode_id", "stage", "date", "area"])
c = pd.read_csv(folder + "/children.csv", usecols=["child_id", "sex", "ethnicity"])
c["group"] = c["ethnicity"].map(broad_groups("2021"))
e["year"] = e["date"].dt.year - (e["date"].dt.month < 4)
e["cohort"] = e.groupby("episode_id")["year"].transform("min")
m = e.merge(c[["child_id", "sex", "group"]], on="child_id", how="left")
dated = m.groupby(["area", "year", "stage", "group", "sex"])["child_id"].nunique()
once = m[["child_id", "area", "cohort", "stage", "group", "sex"]].drop_duplicates()
fed = once.groupby(["area", "cohort", "stage", "group", "sex"]).size()
before = once[["child_id", "area", "cohort", "stage"]].rename(columns={"stage": "base"})
through = once.assign(base=once["stage"].map({s: x.base for s, x in STAGES.items()})).merge(before)
through = through.groupby(["area", "cohort", "stage", "group", "sex"]).size()
inside = lambda x, year: int(x[x.index.get_level_values(year) <= 2022].sum())
print(inside(dated, "year"), inside(through, "cohort"))
"""


def generate(folder: Path, events: float) -> None:
    """Write the same study as CSV and as Parquet: episodes of 2.4 events, 157 services, ten years."""
    import duckdb

    rng = np.random.default_rng(1)
    n = int(events / sum(STEPS.values()))
    children = int(n * 0.6)
    child = rng.integers(0, children, n)
    area = rng.integers(0, len(AREAS), children)[child]
    day = np.datetime64("2013-04-01") + rng.integers(0, 3652, n)
    chance, later = rng.random(n), rng.integers(0, 90, n)
    parts = []
    for i, (stage, share) in enumerate(STEPS.items()):
        rows = np.flatnonzero(chance < share) if stage != "caution" else np.flatnonzero(chance > 1 - share)
        parts.append(pd.DataFrame({"e": rows, "c": child[rows], "stage": stage, "area": area[rows], "i": i,
                                   "date": day[rows] + later[rows] * i, "gravity": 4}))  # fmt: skip
    table = pd.concat(parts, ignore_index=True).sort_values(["e", "i"], ignore_index=True)
    codes = ["A1", "A2", "A4", "B1", "B2", "B9", "M1", "M3", "O9", "W1", "W2", "W3", "W9", "NS"]
    people = pd.DataFrame({"c": np.arange(children), "sex": rng.choice(["male", "female"], children, p=[0.8, 0.2]),
                           "ethnicity": rng.choice(codes, children)})  # fmt: skip
    con = duckdb.connect()
    con.register("e", table)
    con.register("p", people)
    queries = {
        "events": "select format('c{:07d}', c) child_id, format('e{:07d}', e) episode_id, stage, date::date date, "
        "format('Service {:03d}', area) area, 'theft' offence_group, gravity, 'Court' court from e",
        "children": "select format('c{:07d}', c) child_id, sex, '2004-05' birth_month, ethnicity, 'self' "
        "ethnicity_source, 'no' looked_after from p",
    }
    for kind in ("csv", "parquet"):
        (folder / kind).mkdir()
        areas = ", ".join(f'"{a}"' for a in AREAS)
        (folder / kind / "study.toml").write_text(
            f"areas = [{areas}]\nyears = [2013, 2022]\n", encoding="utf-8"
        )
        for name, query in queries.items():
            con.execute(f"copy ({query}) to '{folder / kind / name}.{kind}'")


def measured(code: str, *arguments: object) -> tuple[str, float, float, float]:
    """Run code in its own process: what it printed, seconds, seconds of CPU and most memory in MB."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return out.read().strip(), wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> int:
    events = float(sys.argv[1]) if len(sys.argv) > 1 else 3e6
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        # In a process of its own: a child's peak memory begins at what its parent had held.
        code = "import sys; sys.path.insert(0, sys.argv[1]); import counting; from pathlib import Path; "
        code += "counting.generate(Path(sys.argv[2]), float(sys.argv[3]))"
        subprocess.run([sys.executable, "-c", code, Path(__file__).parent, folder, str(events)], check=True)
        ways = {
            "plain pandas, CSV, no checks": (PLAIN, folder / "csv"),
            "pandas, CSV, checked": (STUDY, folder / "csv", "checked"),
            "engine, CSV, checked": (STUDY, folder / "csv", "engine"),
            "engine, Parquet, checked": (STUDY, folder / "parquet", "engine"),
        }
        if events > 5e6:  # pandas would need more memory than many machines have
            ways = dict(list(ways.items())[2:])
        found = {name: measured(*way) for name, way in ways.items()}
    print(f"{events:,.0f} events to cells by area, year, stage, base, group and sex")
    for name, (_, wall, cpu, memory) in found.items():
        print(f"  {name:30s} {wall:6.1f} s  {cpu:6.1f} s CPU  {memory:6,.0f} MB")
    failures = (
        []
        if len({out for out, *_ in found.values()}) == 1
        else [f"the ways do not give the same counts: {[f[0] for f in found.values()]}"]
    )
    limit = 600 if events <= 5e6 else 1000
    failures += [
        f"{n}: {m:,.0f} MB, not under {limit}" for n, (*_, m) in found.items() if "engine" in n and m >= limit
    ]
    if (yardstick := found.get("pandas, CSV, checked")) is not None:
        for name, least in (("engine, CSV, checked", 2), ("engine, Parquet, checked", 4)):
            times = yardstick[2] / found[name][2]
            print(f"  {name}: {times:.1f} times as fast as checked pandas in CPU; at least {least} wanted")
            failures += [f"{name}: {times:.1f} times as fast, not {least}"] if times < least else []
    print("\n".join(f"MISSED {failure}" for failure in failures) or "  all targets met")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
