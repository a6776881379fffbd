"""Damaged files by the thousand: refused in words that name file, column and fault, and show no value of a child.

    python benchmarks/fuzz.py                  # 10,000 inputs
    python benchmarks/fuzz.py --inputs 300     # fewer

Each input is a study or a file with one to three mutations: bytes flipped, cut, doubled or swapped, cells
replaced by what spreadsheets and people write, columns dropped, renamed or repeated, encodings and line
ends changed. ``load.study`` (with counting), ``ysj check``, ``ysj measure`` and ``ysj convert`` take them
in turn, in processes under a limit of 2 GiB and 60 seconds an input.
"""

import argparse
import collections
import contextlib
import io
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECONDS, BYTES = 60, 2 * 2**30
CANARIES = ("Zzyzx-Child-0001", "1999-12-31T23", "N1 1AA zq")
"""Values that only a child has: none may be in what is said."""

CELLS = (
    *(
        "",
        " ",
        "NA",
        "n/a",
        "NULL",
        "nan",
        "inf",
        "-inf",
        "-1",
        "0",
        "1e309",
        "99999999999999999999",
        "3.7",
        "٣",
    ),
    *(
        "=1+1",
        "1,234",
        "£5",
        "<5",
        "*",
        "c",
        "[c]",
        "..",
        "True",
        "é\u0301",
        "\u202e12",
        "\x00",
        '"',
        "'",
        ";",
    ),
    *("2023-02-30", "31/12/2023", "2023-13-01", "0000-00-00", "12-2023", "45291", "2023-01-01T00:00:00Z"),
    *("Black ", "black", "Blck", "W1", "White - British", "Unknown", "x" * 5000, *CANARIES),
)


def base(room: Path) -> dict[str, dict[str, bytes]]:
    """Give small whole inputs by name: each a folder of files."""
    from ysj_analysis import messy, synthetic

    made = Path(synthetic.write(room / "synthetic", seed=1))
    whole = {p.name: p.read_bytes() for p in made.iterdir() if p.suffix in (".csv", ".toml")}
    small = dict(whole)
    for name in ("children.csv", "searches.csv"):
        head, *lines = whole[name].splitlines(keepends=True)
        small[name] = head + b"".join(lines[::25])
    for name in ("events.csv", "offences.csv"):
        small[name] = _of_children(small["children.csv"], whole[name])
    counts = "area,year,stage,group,events,denominator\n" + "".join(
        f"Islington,{year},{stage},{group},{n},{n * 9}\n"
        for year in (2021, 2022, 2023)
        for stage in ("arrest", "custody")
        for group, n in (("Asian", 12), ("Black", 60), ("Mixed", 7), ("Other", 5), ("White", 45))
    )
    export = Path(messy.write(room / "export", seed=1))
    people = "area,year,group,population\n" + "".join(
        f"Islington,{year},{group},{n}\n"
        for year in (2021, 2022, 2023)
        for group, n in (("Black", 999), ("White", 4999))
    )
    return {
        "events": small,
        "counts": {"counts.csv": counts.encode(), "population.csv": people.encode()},
        "export": {p.name: p.read_bytes() for p in export.iterdir() if p.suffix in (".csv", ".toml")},
        "settings": {"study.toml": b'title = "T"\nareas = ["Islington"]\n', "counts.csv": counts.encode()},
    }


def _of_children(children: bytes, rows: bytes) -> bytes:
    """Keep the rows of the children that are kept."""
    head, *lines = rows.decode().splitlines(keepends=True)
    known = {line.split(",")[0] for line in children.decode().splitlines()[1:]}
    at = head.strip().split(",").index("child_id")
    return (head + "".join(line for line in lines if line.strip().split(",")[at] in known)).encode()


def mutated(body: bytes, rng: random.Random) -> bytes:
    """Damage a file once."""
    kind = rng.randrange(14)
    if kind == 0 and body:
        at = rng.randrange(len(body))
        return body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]
    if kind == 1:
        return body[: rng.randrange(len(body) + 1)]
    if kind == 2:
        at, length = rng.randrange(len(body) + 1), rng.randrange(200)
        return body[:at] + rng.randbytes(length) + body[at:]
    if kind == 3:
        return rng.choice(
            (b"", b"\n", b"\xef\xbb\xbf" + body, b"PK\x03\x04" + body, b"\x1f\x8b" + body, b"<html>" + body)
        )
    text = body.decode("utf-8", "replace")
    if kind == 4:
        return text.encode(rng.choice(("utf-16", "cp1252", "utf-8-sig", "utf-7")), "replace")
    if kind == 5:
        return text.replace("\n", rng.choice(("\r\n", "\r", "\n\n", "\u2028"))).encode()
    if kind == 6:
        return text.replace(",", rng.choice((";", "\t", "|", ",,"))).encode()
    return _cells(text, kind, rng).encode("utf-8", "surrogatepass" if "\ud800" in text else "strict")


def _cells(text: str, kind: int, rng: random.Random) -> str:
    """Damage a table: its cells, its columns or its rows."""
    rows = [line.split(",") for line in text.split("\n")]
    width = max(len(rows[0]), 1)
    column = rng.randrange(width)
    if kind in (7, 8, 9):
        for _ in range(rng.choice((1, 1, 3, 40))):
            row = rng.choice(rows[1:] or rows)
            row[min(column, len(row) - 1)] = rng.choice(CELLS)
    elif kind == 10:
        rows = [r[:column] + r[column + 1 :] for r in rows]
    elif kind == 11:
        rows[0][column] = rng.choice((*CELLS[:20], rng.choice(rows[0])))
    elif kind == 12:
        rows += [list(rng.choice(rows)) for _ in range(rng.choice((1, 5, 200)))]
    else:
        rng.shuffle(rows)
    return "\n".join(",".join(r) for r in rows)


TASKS = ("study", "check", "measure", "convert")


def attempt(task: str, folder: Path, rng: random.Random) -> tuple[int, str]:
    """Do one task with an input; give the exit code and all that was said."""
    from ysj_analysis import load, pipeline
    from ysj_analysis.__main__ import main
    from ysj_analysis.exit_codes import exit_code, explain

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        if task == "study":
            try:
                pipeline.stage_counts(load.study(folder))
                code = 0
            except Exception as error:
                code = exit_code(error)
                print(explain(error, code))
                if code == 1:
                    traceback.print_exc()
        else:
            out = ["--out", str(folder / "made")]
            files = sorted(str(p) for p in folder.glob("*.csv"))
            export = (folder / "young_people.csv").exists()
            with_mapping = ["case-export", *files, "--mapping", str(folder / "mapping.toml")]
            with_mapping += ["-p", f"key={folder / 'key'}", "-p", "new_key=yes"]
            one = next((f for f in files if f.endswith(("counts.csv", "events.csv"))), files[0])
            command = {
                "check": ["check", str(folder)],
                "measure": ["measure", one],
                "convert": ["convert", *(with_mapping if export else [rng.choice(_formats()), one]), *out],
            }[task]
            code = main(["--debug", *command])
    return code, said.getvalue()


def _formats() -> list[str]:
    from ysj_analysis.sources import FORMATS

    return sorted(FORMATS)


def judged(code: int, said: str, names: set[str], *, children: bool) -> str | None:
    """Say what is wrong with how an input was taken; ``None`` for one that was used, or refused as it should be."""
    if code == 1:
        last = said.strip().splitlines()[-1] if said.strip() else "nothing said"
        return f"an internal error: {last[:160]}"
    if children and (found := next((c for c in CANARIES if c in said.split("Traceback")[0]), None)):
        return f"shows a value of a child ({found!r})"
    if code == 2 and not any(name in said for name in names):
        return f"a refusal that names no file: {said.splitlines()[0][:160]}"
    return None


def worked(pipe, base_: dict, seed: int, room: str) -> None:
    """Be a process that takes one input after another, under a limit of memory."""
    import resource

    sys.modules.setdefault("rfc3987_syntax", None)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES * 3, BYTES * 3))  # address space; what is used is measured
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    while True:
        number = pipe.recv()
        rng = random.Random(f"{seed} {number}")
        folder = Path(room) / "study"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        task = TASKS[number % len(TASKS)]
        kind = rng.choice(
            ["events", "counts", "settings"] if task != "convert" or rng.random() < 0.8 else ["export"]
        )
        files = dict(base_[kind])
        for _ in range(rng.choice((1, 1, 2, 3))):
            name = rng.choice(sorted(files))
            files[name] = mutated(files[name], rng)
            if name == "population.csv":  # no row of it is of a child
                for canary in CANARIES:
                    files[name] = files[name].replace(canary.encode(), b"Elsewhere")
        for name, body in files.items():
            (folder / name).write_bytes(body)
        start = time.monotonic()
        code, said = attempt(task, folder, rng)
        wrong = judged(
            code,
            said,
            {*files, folder.name, ".csv", "mapping", "reference"},
            children=kind in ("events", "export"),
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if peak > BYTES:
            wrong = wrong or f"{peak:,} bytes"
        pipe.send((number, task, kind, code, time.monotonic() - start, wrong))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=max((os.cpu_count() or 2) // 2, 1))
    parser.add_argument("--only", type=int, help="one input, whose number a run has named")
    given = parser.parse_args()
    context = multiprocessing.get_context("fork")
    numbers = collections.deque([given.only] if given.only is not None else range(given.inputs))
    tally: collections.Counter = collections.Counter()
    faults: dict[str, list] = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        base_ = base(Path(folder))

        def start(slot: int):
            ours, theirs = context.Pipe()
            room = f"{folder}/{slot}"
            process = context.Process(target=worked, args=(theirs, base_, given.seed, room), daemon=True)
            process.start()
            theirs.close()
            return {"process": process, "pipe": ours, "slot": slot, "at": None, "since": 0.0}

        workers = [start(slot) for slot in range(given.jobs)]
        while numbers or any(w["at"] is not None for w in workers):
            for w in workers:
                if w["at"] is None and numbers:
                    w["at"], w["since"] = numbers.popleft(), time.monotonic()
                    w["pipe"].send(w["at"])
            multiprocessing.connection.wait([w["pipe"] for w in workers if w["at"] is not None], timeout=1)
            for i, w in enumerate(workers):
                if w["at"] is None:
                    continue
                wrong, task = None, TASKS[w["at"] % len(TASKS)]
                if w["pipe"].poll():
                    try:
                        _, task, _, code, _, wrong = w["pipe"].recv()
                        tally[f"{task}: {'used' if code == 0 else 'refused'}"] += 1
                        w["at"], number = None, w["at"]
                    except EOFError:
                        wrong, number = "its process died", w["at"]
                        workers[i] = start(w["slot"])
                elif time.monotonic() - w["since"] > SECONDS:
                    wrong, number = f"more than {SECONDS} s", w["at"]
                    os.kill(w["process"].pid, signal.SIGKILL)
                    workers[i] = start(w["slot"])
                if wrong:
                    faults[re.sub(r"\d+", "#", f"{task}: {wrong}")].append((number, wrong))
    total = sum(map(len, faults.values()))
    print(json.dumps(tally, indent=1, sort_keys=True))
    for name, found in sorted(faults.items(), key=lambda f: -len(f[1])):
        print(f"{len(found):6}  {name}   (first: --only {found[0][0]})")
    print(
        f"{given.inputs:,} inputs: {total} tracebacks, hangs, excesses, unnamed refusals or values of a child"
    )
    return bool(total)


if __name__ == "__main__":
    sys.exit(main())
