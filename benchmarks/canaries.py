"""Does a child's name or id get out of a run? Unique words are planted in the input, and looked for after.

A study is written in which every child, episode and search has an id, and every table further columns of
names and notes, that occur nowhere else. A report is rendered, or fails in one of its cells with such a word
in the message, or meets such a word where a label should be, or is stopped or killed at a random moment.
Then everything that is left is searched, in every format and encoding: outputs, what was printed, the
temporary folder, the home folder. Run: ``python benchmarks/canaries.py [RUNS]``, 10 by default.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
PLAIN = ROOT / "data" / "synthetic"
MARK = "Qxzvk"
"""Every planted word begins with this, which is in no dictionary, no code and no name of a file."""

IDS = ("child_id", "episode_id")
LABELS = {
    "children": ("sex", "ethnicity", "ethnicity_source", "looked_after", "send", "birth_month", "area"),
    "events": ("stage", "date", "offence_group", "gravity", "court", "area"),
    "offences": ("offence_date", "outcome_date", "outcome", "offence_group"),
    "searches": ("date", "sex", "age_band", "ethnicity", "ethnicity_officer", "object", "outcome"),
}
"""Columns of text in which a word is planted where a label or a date should be, one run each."""

FAILURES = (
    "raise ValueError(study.children.iloc[0].to_dict())",
    "study.children.set_index('child_id').loc[study.children['child_id'].iloc[0] + 'x']",
    "assert False, study.events['episode_id'].iloc[3]",
    "import warnings; warnings.warn(str(study.children.iloc[1].to_list())); 1 / 0",
    "print(study.children.head(3).to_csv()); raise KeyError(study.children['child_id'].iloc[2])",
    "import logging; logging.error(study.children['child_id'].iloc[5]); raise SystemExit('as was logged')",
    "import os, sys; sys.stderr.write(study.children['child_id'].iloc[7]); os._exit(3)",
    "study.children['child_id'].astype(float)",
    "study.children.head(2)",
    "raise ExceptionGroup(study.children['child_id'].iloc[0], [ValueError(study.children['child_id'].iloc[9])])",
)
"""What a cell may do wrong, with a child's record in hand."""

FORMATS = "html,xlsx,docx,pdf" if find_spec("typst") and find_spec("docx") else "html"
NOTEBOOKS = ("annual_report", "stop_and_search_monthly")


# -- the input ---------------------------------------------------------------------------------------


def planted(folder: Path, *, label: tuple[str, str] | None = None) -> Path:
    """Write the synthetic study with a unique word in every text column that may hold any text.

    Parameters
    ----------
    folder : path
        Where.
    label : (str, str), optional
        A table and a column of labels: there too, in one row.
    """
    folder.mkdir(parents=True)
    for path in PLAIN.iterdir():
        if path.suffix != ".csv" or path.stem == "population":
            shutil.copy(path, folder / path.name)
            continue
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        for name in IDS:
            if name in table:
                table[name] = MARK + table[name]
        table = table.assign(
            name=[f"{MARK}name{path.stem}{i}" for i in range(len(table))],
            notes=[f"says {MARK}note{path.stem}{i} of it" for i in range(len(table))],
        )
        if label and label[0] == path.stem:
            table.loc[len(table) // 2, label[1]] = f"{MARK}label"
        table.to_csv(folder / path.name, index=False, lineterminator="\n")
    return folder


def failing(folder: Path, source: str, place: int, notebook: str = "annual_report") -> Path:
    """Write a notebook of the kit with one more cell, which fails."""
    book = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))
    code = [i for i, c in enumerate(book["cells"]) if c["cell_type"] == "code"][1:]
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": [source]}
    book["cells"].insert(code[place % len(code)] + 1, cell)
    path = folder / f"{notebook}.ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


# -- one run -----------------------------------------------------------------------------------------


def run(
    where: Path,
    study: Path,
    notebook: str = "annual_report",
    *options: str,
    stop: tuple[float, signal.Signals] | None = None,
) -> tuple[int, list[str]]:
    """Render a report in surroundings of its own, and search all that it leaves.

    Parameters
    ----------
    where : path
        An empty folder: home, temporary folder and outputs are in it.
    study : path
        The study folder, which is not searched.
    notebook : str
        Name or path.
    *options : str
        Of the command.
    stop : (float, Signals), optional
        After how many seconds to send the process which signal.

    Returns
    -------
    int
        The exit code.
    list of str
        Where a planted word was found.
    """
    for name in ("home", "tmp", "out", "here"):
        (where / name).mkdir(parents=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG", "YSJ", "JUPYTER", "IPYTHON"))}
    env |= {"HOME": str(where / "home"), "TMPDIR": str(where / "tmp"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "ysj_analysis", "report", notebook, "--data", str(study)]
    with (where / "stdout").open("wb") as out, (where / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [*command, "--out", str(where / "out"), *options],
            env=env, cwd=where / "here", stdout=out, stderr=err, start_new_session=True,
        )  # fmt: skip
        if stop is not None:
            try:
                process.wait(stop[0])
            except subprocess.TimeoutExpired:
                process.send_signal(stop[1])
        code = process.wait(300)
    time.sleep(0.5 if stop else 0)
    return code, sorted(set(found(where)))


def found(folder: Path) -> Iterator[str]:
    """Search a folder, and all that is packed in its files, for the planted words."""
    for path in sorted(folder.rglob("*")):
        if MARK.lower() in path.name.lower():
            yield f"the name of {path.relative_to(folder)}"
        if path.is_file() and not path.is_symlink():
            for part, data in unpacked(path.read_bytes()):
                if holds(data):
                    yield f"{path.relative_to(folder)}{part}"


def unpacked(data: bytes, part: str = "") -> Iterator[tuple[str, bytes]]:
    """Give a file and what is packed in it: members of an archive, compressed streams, base64."""
    yield part, data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from unpacked(archive.read(name), f"{part}!{name}")
    for i, stream in enumerate(re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL)):
        try:
            yield f"{part}!stream {i}", zlib.decompress(stream[1])
        except zlib.error:
            continue
    for i, text in enumerate(re.finditer(rb"base64,([A-Za-z0-9+/=]{24,})", data)):
        yield f"{part}!base64 {i}", base64.b64decode(text[1] + b"==", validate=False)


def holds(data: bytes) -> bool:
    """Say whether a planted word is in some bytes, in any of the encodings in use."""
    low = data.lower()
    words = [MARK.lower().encode(e) for e in ("utf-8", "utf-16-le", "utf-16-be")]
    return any(w in low for w in words)


# -- a hundred of them -------------------------------------------------------------------------------


def plans(runs: int, seed: int = 0) -> list[tuple[str, ...]]:
    """Lay out runs: a tenth to their end, then failing cells, wrong labels, and stops in turn."""
    rng = np.random.default_rng(seed)
    labels = [("label", t, c) for t, columns in LABELS.items() for c in columns]
    whole = [("whole", n, e, f) for e, f in (("public", FORMATS), ("restricted", "html")) for n in NOTEBOOKS]
    made: list[tuple[str, ...]] = []
    for i in range(runs):
        debug = "--debug" if rng.integers(2) else ""
        turn = i % 10
        if turn == 0:
            made.append(whole[i // 10 % len(whole)])
        elif turn < 5:
            made.append(("fail", str(int(rng.integers(len(FAILURES)))), str(int(rng.integers(40))), debug))
        elif turn < 8:
            made.append((*labels[(i // 10 * 3 + turn) % len(labels)], debug))
        else:
            which = ("SIGKILL", "SIGTERM", "SIGINT")[int(rng.integers(3))]
            made.append(("stop", which, f"{rng.uniform(0.3, 8):.2f}"))
    return made


def carried_out(plan: tuple[str, ...], clean: Path, where: Path) -> tuple[int, list[str]]:
    """Do one of the runs."""
    kind = plan[0]
    debug = [p for p in plan if p == "--debug"]
    if kind == "whole":
        return run(where, clean, plan[1], "--edition", plan[2], "--to", plan[3])
    if kind == "fail":
        book = where.parent / f"{where.name}-book"
        book.mkdir()
        return run(where, clean, str(failing(book, FAILURES[int(plan[1])], int(plan[2]))), *debug)
    if kind == "label":
        study = planted(where.parent / f"{where.name}-study", label=(plan[1], plan[2]))
        notebook = "stop_and_search_monthly" if plan[1] == "searches" else "annual_report"
        return run(where, study, notebook, *debug)
    return run(where, clean, "annual_report", stop=(float(plan[2]), signal.Signals[plan[1]]))


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    leaks: list[str] = []
    codes: Counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        clean = planted(Path(folder) / "study")
        for i, plan in enumerate(plans(runs)):
            code, places = carried_out(plan, clean, Path(folder) / f"run{i}")
            codes[plan[0], code] += 1
            leaks += [f"{' '.join(plan)}: {place}" for place in places]
            if places:
                print(f"{i}: {' '.join(plan)}: exit {code}: {places}", flush=True)
            shutil.rmtree(Path(folder) / f"run{i}", ignore_errors=True)
    for (kind, code), number in sorted(codes.items()):
        print(f"{kind}: {number} ended with exit code {code}")
    print(f"{runs} runs, planted words found in {len(leaks)} places")
    return int(bool(leaks))


if __name__ == "__main__":
    raise SystemExit(main())
