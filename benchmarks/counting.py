"""From files of 3 million events to cells, and of searches to a study: time and memory, beside pandas.

    python benchmarks/counting.py                 3 million events
    python benchmarks/counting.py 10e6            any number of them; pandas is left out from 5 million on
    python benchmarks/counting.py searches 10e6   rows of data.police.uk through ysj convert

Each way runs in a process of its own; CPU is that of all its threads, imports included. Pandas is written
for speed (labels as categories, rules checked on distinct values) and makes the same cells, which are compared
one by one: with the same checks as the engine, which is what the targets are against, and without any.
Exits 1 if a target is missed.
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
CELL = ["area", "year", "stage", "base", "group", "sex"]

ENGINE = """
import sys
from ysj_analysis import large_files, load, pipeline
large_files.LARGE.update({".csv": 0, ".parquet": 0})
counts = pipeline.stage_counts(load.study(sys.argv[1]), by=["sex"])
population = counts["base"] == "population"
counts.loc[population, "denominator"] = 0
kept = counts[(counts["events"] > 0) | (counts["denominator"] > 0)]
kept[["area", "year", "stage", "base", "group", "sex", "events", "denominator"]].to_pickle(sys.argv[2])
"""

PANDAS = """
import sys
import pandas as pd
from ysj_analysis.vocabulary import SEX, SOURCES_OF_ETHNICITY, STAGES, broad_groups
folder, out, checks = sys.argv[1], sys.argv[2], sys.argv[3] == "checked"
needed = ["child_id", "episode_id", "stage", "date", "area"] + (["gravity"] if checks else [])
known = ["child_id", "sex", "ethnicity"] + (
    ["birth_month", "ethnicity_source", "looked_after"] if checks else [])
if folder.endswith("csv"):
    labels = dict.fromkeys(["stage", "area", "date", "gravity"], "category")
    e = pd.read_csv(folder + "/events.csv", usecols=needed, dtype=labels | {"child_id": str, "episode_id": str})
    labels = dict.fromkeys(known[1:], "category")
    c = pd.read_csv(folder + "/children.csv", usecols=known, dtype=labels | {"child_id": str})
    dates = e["date"].cat.categories
    day = pd.Series(pd.to_datetime(dates, format="%Y-%m-%d")[e["date"].cat.codes])
else:
    e = pd.read_parquet(folder + "/events.parquet", columns=needed)
    c = pd.read_parquet(folder + "/children.parquet", columns=known)
    for frame, names in ((e, ("stage", "area")), (c, known[1:])):
        for name in names:
            frame[name] = frame[name].astype("category")
    dates = None
    day = pd.to_datetime(e["date"])
if checks:
    assert e.notna().all().all() and c.notna().all().all()
    for frame in (e, c):
        for name in frame.columns.intersection(["child_id", "episode_id"]):
            assert (frame[name] != "").all() and not frame[name].str.contains(r"^\\s|\\s$").any()
    assert set(e["stage"].cat.categories) <= set(STAGES) and "" not in set(e["area"].cat.categories)
    assert dates is None or dates.str.fullmatch(r"\\d{4}-\\d{2}-\\d{2}").all()
    if dates is None:
        assert (e["gravity"] >= 0).all()
    else:
        assert e["gravity"].cat.categories.astype(str).str.fullmatch(r"\\d+").all()
    assert set(c["sex"].cat.categories) <= set(SEX) and c["child_id"].is_unique
    assert set(c["ethnicity"].cat.categories) <= set(broad_groups("2021"))
    assert set(c["ethnicity_source"].cat.categories) <= set(SOURCES_OF_ETHNICITY)
    assert c["birth_month"].cat.categories.str.fullmatch(r"[12]\\d{3}-(0[1-9]|1[0-2])").all()
    assert set(c["looked_after"].cat.categories) <= {"yes", "no", ""}
child, ids = pd.factorize(e["child_id"])
episode, _ = pd.factorize(e["episode_id"])
c["group"] = c["ethnicity"].map(broad_groups("2021")).astype("category")
who = c.set_index("child_id")[["group", "sex"]].reindex(ids).reset_index(drop=True)
m = pd.DataFrame({"child": child, "episode": episode, "stage": e["stage"], "area": e["area"]})
m["year"] = (day.dt.year - (day.dt.month < 4)).to_numpy()
if checks:
    per = m.groupby("episode")["child"]
    assert (per.min() == per.max()).all()
m["cohort"] = m.groupby("episode")["year"].transform("min")
cell = ["area", "year", "stage", "group", "sex"]
def counted(rows):
    return rows.join(who, on="child").groupby(cell, observed=True).size().rename("events").reset_index()
dated = m[["child", "area", "year", "stage"]].drop_duplicates()
rates = counted(dated).assign(base="population", denominator=0)
once = m[["child", "area", "cohort", "stage"]].rename(columns={"cohort": "year"}).drop_duplicates()
all_of = counted(once).rename(columns={"stage": "base", "events": "denominator"})
stages = once["stage"].astype(object)
fed = once.assign(stage=stages, base=stages.map({s: x.base for s, x in STAGES.items()}))
through = fed.merge(once.assign(stage=stages).rename(columns={"stage": "base"}), on=["child", "area", "year", "base"])
through = through.join(who, on="child").groupby([*cell, "base"], observed=True).size().rename("events").reset_index()
feeds = fed[["stage", "base"]].drop_duplicates()
shares = all_of.astype({"base": object}).merge(feeds, on="base").merge(through, how="left")
found = pd.concat([rates, shares.fillna({"events": 0})])
found[found["year"].between(2013, 2022)].to_pickle(out)
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
    con.execute("set enable_progress_bar = false")
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


def searches(folder: Path, rows: float) -> None:
    """Write searches as data.police.uk publishes them: about one in five of a child."""
    rng = np.random.default_rng(2)
    header = (
        "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
        "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome,"
        "Outcome linked to object of search,Removal of more than just outer clothing"
    )
    said = ["White - White British (W1)", "Black or Black British - African (B2)", "Not Stated (NS)", ""]
    with (folder / "searches.csv").open("w", encoding="utf-8") as file:
        file.write(header + "\n")
        for at in range(0, int(rows), 100_000):
            n = min(100_000, int(rows) - at)
            minute = rng.integers(0, 5 * 365 * 1440, n).astype("timedelta64[m]") + np.datetime64("2016-05-01")
            columns = {
                "type": "Person search", "when": np.char.add(np.datetime_as_string(minute, "s"), "+00:00"), "part": "",
                "operation": "", "y": (51 + rng.integers(0, 50_000, n) / 1e5).astype(str),
                "x": (-rng.integers(0, 50_000, n) / 1e5).astype(str), "sex": rng.choice(["Male", "Female"], n),
                "age": rng.choice(["10-17", "18-24", "25-34", "over 34", ""], n), "said": rng.choice(said, n),
                "seen": rng.choice(["White", "Black", "Asian", ""], n), "law": "Misuse of Drugs Act 1971 (section 23)",
                "object": rng.choice(["Controlled drugs", "Stolen goods"], n),
                "outcome": rng.choice(["Arrest", "A no further action disposal", ""], n), "linked": "",
                "removed": "False",
            }  # fmt: skip
            pd.DataFrame(columns).to_csv(file, header=False, index=False, lineterminator="\n")


def measured(code: str, *arguments: object) -> tuple[float, float, float]:
    """Run code in its own process: seconds, seconds of CPU and most memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a way of counting ended with {process.returncode}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def said(name: str, wall: float, cpu: float, memory: float) -> None:
    print(f"  {name:32s} {wall:6.1f} s  {cpu:6.1f} s CPU  {memory:6,.0f} MB", flush=True)


def made(folder: Path, function: str, size: float) -> None:
    """Make the files in a process of its own: a child's peak memory begins at what its parent had held."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import counting; from pathlib import Path; "
    code += f"counting.{function}(Path(sys.argv[2]), float(sys.argv[3]))"
    subprocess.run([sys.executable, "-c", code, Path(__file__).parent, folder, str(size)], check=True)


def cells(file: Path) -> pd.DataFrame:
    """Read the cells a way has made, in one order."""
    table = pd.read_pickle(file)
    table = table.astype(dict.fromkeys(CELL, str)).astype({"events": int, "denominator": int})
    return table.sort_values(CELL, ignore_index=True)[[*CELL, "events", "denominator"]]


def events_to_cells(folder: Path, events: float) -> list[str]:
    """Count events each way and say which targets are missed."""
    made(folder, "generate", events)
    ways = {
        "pandas, CSV, no checks": (PANDAS, "csv", "plain"),
        "pandas, CSV, same checks": (PANDAS, "csv", "checked"),
        "engine, CSV": (ENGINE, "csv"),
        "pandas, Parquet, same checks": (PANDAS, "parquet", "checked"),
        "engine, Parquet": (ENGINE, "parquet"),
    }
    if events > 5e6:  # pandas would need more memory than many machines have
        ways = {name: way for name, way in ways.items() if "engine" in name}
    found, first, failures = {}, None, []
    print(f"{events:,.0f} events to cells by area, year, stage, base, group and sex")
    for name, (code, kind, *rest) in ways.items():
        out = folder / "cells.pkl"
        found[name] = measured(code, folder / kind, out, *rest)
        said(name, *found[name])
        first = cells(out) if first is None else first
        if not cells(out).equals(first):
            failures.append(f"{name}: not the same cells")
    print(f"  {len(first):,} cells, compared one by one")
    limit = 600 if events <= 5e6 else 1000
    failures += [
        f"{n}: {m:,.0f} MB, not under {limit}" for n, (*_, m) in found.items() if "engine" in n and m >= limit
    ]
    for kind, least in (("CSV", 2), ("Parquet", 4)):
        if (yardstick := found.get(f"pandas, {kind}, same checks")) is not None:
            times = yardstick[1] / found[f"engine, {kind}"][1]
            print(
                f"  {kind}: {times:.1f} times as fast as pandas with the same checks, in CPU; at least {least} wanted"
            )
            failures += [f"{kind}: {times:.1f} times as fast, not {least}"] if times < least else []
    return failures


def searches_to_study(folder: Path, rows: float) -> list[str]:
    """Convert searches and say whether memory stays under 1 GB."""
    made(folder, "searches", rows)
    code = "import sys; from ysj_analysis import sources; "
    code += "sources.convert('police-uk', [sys.argv[1]], sys.argv[2], area='A')"
    found = measured(code, folder / "searches.csv", folder / "study")
    print(f"{rows:,.0f} rows of searches to a study of children's searches")
    said("ysj convert police-uk", *found)
    return [f"{found[2]:,.0f} MB, not under 1000"] if found[2] >= 1000 else []


def main() -> int:
    stop_and_search = "searches" in sys.argv[1:]
    sizes = [float(a) for a in sys.argv[1:] if a != "searches"]
    with tempfile.TemporaryDirectory() as place:
        if stop_and_search:
            failures = searches_to_study(Path(place), *(sizes or [1e6]))
        else:
            failures = events_to_cells(Path(place), *(sizes or [3e6]))
    print("\n".join(f"MISSED {failure}" for failure in failures) or "  all targets met")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
