"""What does the gate give away? Random studies, pairs of editions and alternative tables, attacked by file.

Each release is made as a report makes its own: counted, released, measured, cleared beside a ledger, and
written as CSV. The intruder of ``ysj attack`` then reads only those files. It is made stronger than anyone
outside could be: once as it is, and once told which marks the joint audit put there, so that it knows that
those counts are not small and all others are. Run:

    python benchmarks/evidence.py studies 200 [MINUTES [PROCESSES]]      # of each shape
    python benchmarks/evidence.py editions 50 [MINUTES [PROCESSES]]      # pairs of each kind
    python benchmarks/evidence.py prints 1000 [MINUTES [PROCESSES]]      # alternative private tables

What came of each seed is kept in ``benchmarks/evidence-seeds.jsonl`` with the number of the gate it went through,
a hash of its code without comments. A run goes on with the seeds that have not been through the present gate: the
new ones first, then those an earlier gate let through. ``docs/disclosure-evidence.md`` adds them up. Nothing is
dated, and every draw has its seed.
"""

from __future__ import annotations

import ast
import csv
import functools
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ysj_analysis import attack_reading, attack_ties, editions, load, measures, pipeline, quality, synthetic
from ysj_analysis.attack import PINNED, Attack, work_out
from ysj_analysis.attack_facts import MOST, Cell, Count, Release, Sum
from ysj_analysis.datafile import csv as csv_text
from ysj_analysis.disclosure import release
from ysj_analysis.joint_release import cleared
from ysj_analysis.policies import PUBLIC, DisclosureError, Policy

DOCS = Path(__file__).parents[1] / "docs"
SEEDS = Path(__file__).with_name("evidence-seeds.jsonl")
COLUMNS = (
    "kind", "shape", "seeds", "of them by this gate", "releases", "refused", "cells", "small", "recovered",
    "recovered_if_told", "guessed_right", "guessed_wrong", "hidden_by_audit", "printed_cells", "printed_value",
)  # fmt: skip
HEAD = """\
# What the intruder found, by shape

Written by `benchmarks/evidence.py`; what each column means is in [`disclosure.md`](disclosure.md#what-an-attack-found).

"""
PROCESSES = 2
GATE = (
    "policies", "disclosure", "printed_measures", "joint_facts", "joint_names", "joint_windows",
    "joint_system", "joint_audit", "joint_repair", "joint_release", "audit_hidden",
)  # fmt: skip
"""The modules that decide what may be printed."""
YEARS = range(2019, 2024)
SINGLE = [(1, y) for y in YEARS]
ROLLING = [(3, y) for y in YEARS if y - 2 in YEARS]
FIVE = [(5, YEARS[-1])]
SHAPES: dict[str, tuple[list[tuple[int, int]], tuple[str, ...]]] = {
    "one year": ([(1, 2023)], ()),
    "three pooled": ([(3, 2023)], ()),
    "five pooled": (FIVE, ()),
    "five, by sex": (FIVE, ("sex",)),
    "one year, by sex": ([(1, 2023)], ("sex",)),
    "singles and five": (SINGLE + FIVE, ()),
    "rolling threes": (ROLLING, ()),
    "singles, threes, five": (SINGLE + ROLLING + FIVE, ()),
}
CORE = (
    "arrest", "no_further_action", "diversion", "charge", "convicted", "sentenced", "first_tier", "community",
    "custody",
)  # fmt: skip
"""The stages of a release with more than one table: those of a youth justice plan."""

Tables = dict[str, dict[str, str]]


# -- releases ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=2)
def study(seed: int, areas: tuple[str, ...] = ("Islington",)) -> load.Study:
    """Draw a borough of a random size, small ones among them, and its children."""
    scale = float(np.random.default_rng([seed, 1]).uniform(0.15, 1.0))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in synthetic.files(synthetic.simulate(seed, areas=areas, scale=scale)).items():
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
        return load.study(folder)


def counted(
    of: load.Study, windows: Sequence[tuple[int, int]], by: tuple[str, ...] = ()
) -> list[pd.DataFrame]:
    """Count every window of a shape; by a further split beside the whole."""
    tables = []
    for split in dict.fromkeys([(), by]):
        every = {w: pipeline.stage_counts(of, window=w, by=split) for w in {w for w, _ in windows}}
        tables += [every[w][every[w]["year"] == year].reset_index(drop=True) for w, year in windows]
    if len(tables) > 1:
        tables = [t[t["stage"].isin(CORE)].reset_index(drop=True) for t in tables]
    return tables


def shown(tables: Sequence[pd.DataFrame], of: load.Study, rule: Policy) -> Tables:
    """Print what a report prints of each table: the decisions, the contacts, and how many are unknown."""
    found: Tables = {}
    for i, counts in enumerate(tables):
        decisions = release(pipeline.conditional(counts, of.stages), policy=rule)
        made = {"decisions": decisions.measure(measures.relative_rates, reference=of.reference)}
        if len(tables) == 1:
            contacts = pipeline.cumulative(counts, of.stages)
            made["contacts"] = release(contacts, policy=rule).measure(measures.rates)
            made["unknown"] = release(quality.completeness(contacts), policy=rule).measure(measures.rates)
        for name, one in made.items():
            found[f"{i}-{name}"] = {"csv": csv_text(one.table, one.counts), "policy": rule.name}
    return found


def cleared_to(folder: Path, run: Callable[[], Tables], rule: Policy, name: str, ledger: Path) -> dict:
    """Clear a release beside a ledger and write its files; give what the manifest says of it."""
    tables, passed = cleared(run, lambda s: s, name=name, rule=rule, ledger=ledger)
    editions.append(ledger, passed.edition)
    (folder / "tables").mkdir(parents=True)
    for table, held in tables.items():
        (folder / "tables" / f"{table}.csv").write_text(held["csv"], encoding="utf-8", newline="")
    (folder / "manifest.json").write_text(json.dumps({"policy": rule.sentence()}), encoding="utf-8")
    return passed.usefulness


# -- the intruder, and the truth to judge it by ------------------------------------------------------


def truth(of: load.Study, splits: Sequence[tuple[str, ...]] = ((),)) -> dict[Cell, int]:
    """Count every cell the intruder may speak of: each window of up to five years, and who did not go on."""
    true: dict[Cell, int] = {}
    first, last = of.years
    for split in dict.fromkeys([(), *splits]):
        for window in range(1, min(last - first + 1, 5) + 1):
            counts = pipeline.stage_counts(of, window=window, by=split)
            for row in counts.to_dict("records"):
                record = {k: str(v) for k, v in row.items()}
                cell, base = attack_ties.cells(record, list(split))
                true[cell] = int(row["events"])
                if base.what != "population" and np.isfinite(row["denominator"]):
                    true[base] = int(row["denominator"])
                    true[cell._replace(what=f"not {cell.what}")] = true[base] - true[cell]
    return true


@functools.lru_cache(maxsize=4)
def _true(seed: int, areas: tuple[str, ...] = ("Islington",), by: tuple[str, ...] = ()) -> dict[Cell, int]:
    return truth(study(seed, areas), [by])


def attacked(folders: Sequence[Path], true: dict[Cell, int], *, told: bool, revised: bool = False) -> Attack:
    """Attack some folders together; if told, knowing of each mark whether the count behind it is small.

    If the first was revised, the intruder knows that one record was added and nothing else changed.
    """
    known = Release(small=0)
    for folder in folders:
        found = attack_reading.report(folder, folder.name)
        known.add(_before(found) if revised and folder == folders[0] else found)
    if told:
        known.counts = [replace_mark(c, true.get(c.cell, 0)) if c.mark else c for c in known.counts]
    attack_ties.tied(known)
    return work_out(known)


def _before(found: Release) -> Release:
    """Take an edition for one of a time when each count was as it is now, or one less."""
    was = {c.cell: _first(c.cell) for c in found.counts if c.cell not in found.bases}
    late = {c: c._replace(what=f"{c.what}, come late") for c in was}
    return Release(
        counts=[c._replace(cell=was.get(c.cell, c.cell)) for c in found.counts]
        + [Count(w, 0, 1, "one record", "known of the revision") for w in late.values()],
        sums=[replace_sum(s, was) for s in found.sums]
        + [Sum(c, (was[c], late[c]), True, "the first and what came late") for c in was],
        within={(was.get(a, a), was.get(b, b)) for a, b in found.within},
        bases=found.bases | set(late.values()) | set(was.values()),
        small=found.small,
    )


def _first(cell: Cell) -> Cell:
    return cell._replace(what=f"{cell.what}, in the first")


def replace_sum(one: Sum, was: dict[Cell, Cell]) -> Sum:
    """Speak of the first edition's counts."""
    return one._replace(total=was.get(one.total, one.total), parts=tuple(was.get(p, p) for p in one.parts))


def replace_mark(count, true: int):
    """Tell what a mark stands for."""
    span = {"low": count.high + 1, "high": MOST} if true > count.high else {}
    return count._replace(mark=False, **span)


def judged(found: Attack, true: dict[Cell, int]) -> tuple[int, int, int]:
    """Count the true 1 to 4 that are worked out, those guessed, and the ranges that do not hold the truth."""
    pinned = [(true[f.cell], f) for f in found.findings if f.cell in true and f.high - f.low <= PINNED]
    right = [f.guess for value, f in pinned if 1 <= value <= 4 and f.low <= value <= f.high]
    return right.count(False), right.count(True), sum(not f.low <= v <= f.high for v, f in pinned)


def outcome(
    folders: Sequence[Path], true: dict[Cell, int], passed: Sequence[dict], *, revised: bool = False
) -> dict:
    """Attack a release twice and count what came of it."""
    plain, told = (attacked(folders, true, told=t, revised=revised) for t in (False, True))
    right, guessed, wrong = judged(plain, true)
    printed = [g for f in folders for p in (f / "tables").glob("*.csv") for g in _records(p)]
    small = {c for c in _cells(printed) if 1 <= true.get(c, 0) <= 4}
    by_audit = {c for c, text in _cells(printed).items() if text == "[c]" and true.get(c, 0) > 7}
    return {
        "releases": len(folders), "cells": len(_cells(printed)), "small": len(small), "recovered": right,
        "recovered_if_told": judged(told, true)[0], "guessed_right": guessed, "guessed_wrong": wrong,
        "hidden_by_audit": len(by_audit),
        "printed_cells": round(float(np.mean([p["cells"] for p in passed])), 4),
        "printed_value": round(float(np.mean([p["value"] for p in passed])), 4),
    }  # fmt: skip


def _records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def _cells(records: Sequence[dict[str, str]]) -> dict[Cell, str]:
    found: dict[Cell, str] = {}
    for record in records:
        count, base = attack_ties.cells(record, ["sex"] if "sex" in record else [])
        found[count] = record["events"]
        if base.what != "population":
            found[base] = record["denominator"]
    return found


# -- the three kinds of evidence ---------------------------------------------------------------------


def one_study(shape: str, seed: int) -> dict:
    """Release a random study in a shape and attack it."""
    of = study(seed)
    windows, by = SHAPES[shape]
    tables, true = counted(of, windows, by), _true(seed, by=by)
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        try:
            passed = cleared_to(
                where / "report", partial(shown, tables, of, PUBLIC), PUBLIC, shape, where / "editions.jsonl"
            )
        except DisclosureError:
            return {"refused": 1}
        return outcome([where / "report"], true, [passed])


def pairs(kind: str, seed: int) -> dict:
    """Release two editions, the second beside the ledger of the first, and attack both together."""
    joint = kind == "sister boroughs"
    areas = ("Islington", "Camden") if joint else ("Islington",)
    of, true = study(seed, areas), _true(seed, areas)
    if kind == "revision":
        true = true | {_first(c): v for c, v in truth(_without_one(of, seed)).items()}
    with tempfile.TemporaryDirectory() as folder:
        where, passed, folders = Path(folder), [], []
        for i, (tables, source, rule) in enumerate(_pair(kind, of, seed)):
            try:
                run = partial(shown, tables, source, rule)
                passed.append(cleared_to(where / str(i), run, rule, f"{kind} {i}", where / "editions.jsonl"))
                folders.append(where / str(i))
            except DisclosureError:
                continue  # nothing was written
        if not folders:
            return {"refused": 1}
        revised = kind == "revision" and len(folders) == 2
        return outcome(folders, true, passed, revised=revised) | {
            "refused": len(_pair(kind, of, seed)) - len(folders)
        }


def _pair(kind: str, of: load.Study, seed: int) -> list[tuple[list[pd.DataFrame], load.Study, Policy]]:
    def pooled(source, years, last):
        return counted(source, [(years, last)])

    if kind == "next year":  # a rolling window, a year on
        return [(pooled(of, 3, 2022), of, PUBLIC), (pooled(of, 3, 2023), of, PUBLIC)]
    if kind == "changed policy":  # the ends of the two rules' ranges are not at the same places
        finer = replace(PUBLIC, name="finer", round_to=3)
        return [(pooled(of, 5, 2023), of, PUBLIC), (pooled(of, 5, 2023), of, finer)]
    if kind == "revision":  # one late record is added
        return [(pooled(_without_one(of, seed), 5, 2023), of, PUBLIC), (pooled(of, 5, 2023), of, PUBLIC)]
    every = pooled(of, 5, 2023)[0]
    return [([every[every["area"] == area].reset_index(drop=True)], of, PUBLIC) for area in of.areas] + [
        ([_together(every)], of, PUBLIC)
    ]


def _without_one(of: load.Study, seed: int) -> load.Study:
    """Leave out the last event of a random child: the record that came late."""
    at = int(np.random.default_rng([seed, 2]).integers(len(of.events)))
    return replace(of, events=of.events.drop(of.events.index[at]).reset_index(drop=True))


def _together(counts: pd.DataFrame) -> pd.DataFrame:
    """Add up the areas of a table, under a name of their own."""
    keys = [c for c in counts.columns if c not in ("area", "events", "denominator")]
    summed = counts.groupby(keys, sort=False, observed=True, dropna=False)[["events", "denominator"]].sum()
    name = " and ".join(counts["area"].astype(str).unique())
    return summed.reset_index().assign(area=name)[list(counts.columns)]


def one_print(seed: int) -> dict:
    """Redraw every true count of a study within its print, and compare the releases byte by byte."""
    of, counts, first = _first_print()
    return {
        "releases": 1,
        "recovered": int(_written(_alike(counts, np.random.default_rng(seed)), of) != first),
    }


@functools.cache
def _first_print() -> tuple[load.Study, pd.DataFrame, list[bytes]]:
    of = study(0)
    (counts,) = counted(of, FIVE)
    return of, counts, _written(counts, of)


def _written(counts: pd.DataFrame, of: load.Study) -> list[bytes]:
    """Clear a release of one table, and give every file of it, the ledger too."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        cleared_to(where, partial(shown, [counts], of, PUBLIC), PUBLIC, "x", where / "editions.jsonl")
        return [p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file()]


def _alike(counts: pd.DataFrame, rng: np.random.Generator, moves: int = 400) -> pd.DataFrame:
    """Draw other true counts that print the same, totals too: children move between groups, a few at a time.

    A count that stands in several rows stays one count, and none grows larger than what it is of.
    """
    place: dict[tuple, list[tuple[int, str]]] = {}
    for at, row in counts.reset_index(drop=True).iterrows():
        whole = row["base"] == "population"
        place.setdefault(("reached" if whole else row["base"], row["stage"], row["group"]), []).append(
            (at, "events")
        )
        if not whole and np.isfinite(row["denominator"]):
            place.setdefault(("before", row["base"], row["group"]), []).append((at, "denominator"))
    value = {k: float(counts[c].iloc[at]) for k, ((at, c), *_) in place.items()}
    groups = sorted({k[2] for k in place})
    series = sorted({k[:2] for k in place})
    for _ in range(moves):
        which = series[rng.integers(len(series))]
        pair = [(*which, g) for g in rng.choice(groups, 2, replace=False)]
        if not all(k in value for k in pair):
            continue
        step = int(rng.integers(1, 4))
        new = {pair[0]: value[pair[0]] + step, pair[1]: value[pair[1]] - step}
        if all(v >= 0 and _prints(v) == _prints(value[k]) for k, v in new.items()) and _fits(
            value | new, new
        ):
            value |= new
    out = counts.reset_index(drop=True).astype({"events": float, "denominator": float})
    for key, cells in place.items():
        for at, column in cells:
            out.loc[at, column] = value[key]
    return out


def _prints(value: float) -> str:
    return str(PUBLIC.printed([value])[0])


def _fits(value: dict[tuple, float], changed: dict[tuple, float]) -> bool:
    """Say whether, of the counts of these groups, none that went on is larger than what it is of."""
    through = [k for k in value if k[0] not in ("reached", "before") and k[2] in {c[2] for c in changed}]
    return all(value[k] <= value.get(("before", k[0], k[2]), np.inf) for k in through)


EDITIONS = ("next year", "revision", "sister boroughs", "changed policy")


def gate() -> str:
    """Number the gate by its code, without what is only said about it."""
    found = hashlib.sha256()
    for name in GATE:
        tree = ast.parse((Path(editions.__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
        for node in [n for n in ast.walk(tree) if hasattr(n, "body") and isinstance(n.body, list)]:
            node.body = [n for n in node.body if not (isinstance(n, ast.Expr) and _is_text(n.value))]
        found.update(ast.dump(tree).encode())
    return found.hexdigest()[:12]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def line(kind: str, shape: str, made: Sequence[dict]) -> dict:
    """Add up the outcomes of one shape."""
    total: Counter = Counter()
    for one in made:
        total.update({k: v for k, v in one.items() if k in COLUMNS and not k.startswith("printed")})
    shares = {
        k: f"{float(np.mean([m[k] for m in made if k in m])):.3f}"
        for k in ("printed_cells", "printed_value")
        if any(k in m for m in made)
    }
    now = gate()
    plain = {c: int(total[c]) for c in COLUMNS[4:-2]}
    seeds = {"seeds": _spans([m["seed"] for m in made]), COLUMNS[3]: sum(m["gate"] == now for m in made)}
    return {"kind": kind, "shape": shape} | seeds | plain | shares


def _spans(seeds: Sequence[int]) -> str:
    """Write numbers as spans: "0 to 25, 40"."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and spans[-1][1] == seed - 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in spans)


def work(kind: str) -> dict[str, Callable[[int], dict]]:
    """Name what is done for one kind of evidence, by shape."""
    return {
        "studies": {s: partial(one_study, s) for s in SHAPES},
        "editions": {s: partial(pairs, s) for s in EDITIONS},
        "prints": {"five pooled": one_print},
    }[kind]


def evidence(kind: str, size: int, minutes: float, processes: int, kept: dict) -> Iterator[dict]:
    """Go on with one kind of evidence: a seed in all shapes before the next, while there is time."""
    shapes, until, now = work(kind), time.monotonic() + 60 * minutes, gate()
    done = {s: {k[2]: one["gate"] for k, one in kept.items() if k[:2] == (kind, s)} for s in shapes}
    todo = [seed for seed in range(size) if any(done[s].get(seed) != now for s in shapes)]
    todo.sort(key=lambda seed: (all(seed in done[s] for s in shapes), seed))
    with ProcessPoolExecutor(processes) as pool:
        for seeds in (todo[i : i + processes] for i in range(0, len(todo), processes)):
            if time.monotonic() > until:
                break
            for shape, several in {s: pool.map(function, seeds) for s, function in shapes.items()}.items():
                for seed, one in zip(seeds, several, strict=True):
                    yield {"kind": kind, "shape": shape, "seed": seed, "gate": now} | one
            print(f"{kind}: seed {seeds[-1]} of {size}", file=sys.stderr, flush=True)


def saved() -> dict[tuple, dict]:
    """Read what came of the seeds run so far."""
    lines = SEEDS.read_text(encoding="utf-8").splitlines() if SEEDS.is_file() else []
    return {(x["kind"], x["shape"], x["seed"]): x for x in map(json.loads, lines)}


def save(kept: dict[tuple, dict]) -> None:
    """Write what came of the seeds, in their order."""
    order = {shape: i for i, shape in enumerate([*SHAPES, *EDITIONS])}
    lines = sorted(kept.values(), key=lambda x: (x["kind"], order[x["shape"]], x["seed"]))
    SEEDS.write_text("".join(json.dumps(x) + "\n" for x in lines), encoding="utf-8")


def added_up(kept: dict[tuple, dict]) -> list[dict]:
    """Add up what is kept, a line for each kind and shape."""
    kinds = {k: list(work(k)) for k in ("studies", "editions", "prints")}
    found = []
    for kind, shape in [(k, s) for k, shapes in kinds.items() for s in shapes]:
        made = [one for key, one in kept.items() if key[:2] == (kind, shape)]
        found += [line(kind, shape, made)] if made else []
    return found


def page(lines: Sequence[dict]) -> str:
    """Write the lines as a table to read."""
    heads = [c.replace("_", " ") for c in COLUMNS]
    rows = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    rows += ["| " + " | ".join(str(x.get(c, "")) for c in COLUMNS) + " |" for x in lines]
    return "\n".join(rows) + "\n"


def main() -> int:
    given = [*sys.argv[1:], *("studies", "2", "inf", str(PROCESSES))[len(sys.argv) - 1 :]][:4]
    kind, size, minutes, processes = given[0], int(given[1]), float(given[2]), int(given[3])
    keep = len(sys.argv) > 2
    kept = saved() if keep else {}
    for one in evidence(kind, size, minutes, processes, kept):
        kept[one["kind"], one["shape"], one["seed"]] = one
        if keep:
            save(kept)
    lines = added_up(kept)
    print(page(lines))
    if keep:
        (DOCS / "disclosure-evidence.md").write_text(HEAD + page(lines), encoding="utf-8")
    return int(any(int(x["recovered"]) for x in lines))


if __name__ == "__main__":
    raise SystemExit(main())
