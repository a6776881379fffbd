"""The same batch on a cluster that is there already: Dask hands out the areas, and each part is a batch of its own.

A worker of the cluster has threads and cannot fork; it runs ``ysj batch`` on its part, which warms one
process and forks the reports from it. A part whose worker is lost is handed out again and goes on where
it was. Studies, notebooks and reports are on a disk that every worker sees under the same name.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import batch_state
from .batch import Chain, Settings, accounted, chains, code_of
from .batch_log import FAILED, Log, Outcome
from .batch_plan import Job, Plan
from .engine import die_with_parent
from .kernel import THREADS
from .publication import turn

_PARTS = 4
"""Parts for each worker, so that one that is slow or lost does not hold up the end."""


def run(plans: Sequence[Plan], log: Log, settings: Settings, *, scheduler: str | None) -> int:
    """Make every report of some plans on a Dask cluster.

    Parameters
    ----------
    plans : sequence of Plan
        As for `batch.run`.
    log : Log
        Gets a line for each report, when its part is done, and one at the end.
    settings : Settings
        As for `batch.run`; ``workers`` is how many processes each worker of the cluster runs.
    scheduler : str
        Address of the scheduler.

    Returns
    -------
    int
        0 if every report is whole, 3 if some are not.

    Raises
    ------
    ValueError
        If there is no address, no Dask, or nobody at the address.
    """
    if scheduler is None:
        raise ValueError("--engine dask needs --scheduler ADDRESS: that of a cluster which is there already.")
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ValueError(
            "Dask is not installed. Install the kit with its cluster extra: pip install .[cluster]"
        ) from None
    with contextlib.ExitStack() as stack:
        for out in sorted({Path(plan.out) for plan in plans}):
            stack.enter_context(turn(batch_state.folder(out) / ".lock", out / "batch"))
        try:
            client = stack.enter_context(Client(scheduler, timeout=20))
        except OSError:
            raise ValueError(
                f"There is no Dask scheduler at {scheduler}. Start one, or correct the address."
            ) from None
        with accounted(log):
            todo = list(chains(plans, log, settings))
            workers = max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)
            parts = [[list(c.jobs) for c in part] for part in _dealt(todo, workers * _PARTS)]
            told = asdict(settings) | {"resume": True}
            futures = {client.submit(_part_done, _plain(p), told, pure=False, retries=3): p for p in parts}
            for future in as_completed(list(futures)):
                for outcome in _outcomes(future, futures[future]):
                    log.add(outcome)
    return code_of(log)


def _dealt(todo: Sequence[Chain], parts: int) -> Iterator[Sequence[Chain]]:
    """Deal the areas out, so that parts are alike."""
    yield from (todo[start::parts] for start in range(min(parts, len(todo))))


def _plain(part: list[list[Job]]) -> list[list[dict[str, Any]]]:
    """Name folders in full: a worker of the cluster is elsewhere."""

    def job(one: Job) -> dict[str, Any]:
        path = str(Path(one.notebook).resolve()) if one.notebook.endswith(".ipynb") else one.notebook
        data = None if one.data is None else str(Path(one.data).resolve())
        return asdict(one) | {"notebook": path, "data": data, "out": str(Path(one.out).resolve())}

    return [[job(one) for one in chain] for chain in part]


def _outcomes(future: Any, part: list[list[Job]]) -> list[Outcome]:
    if future.status == "finished":
        return [Outcome(**line) for line in future.result()]
    said = f"Its part of the cluster failed: {type(future.exception()).__name__}."
    return [
        Outcome(f"{job.area or ''}/{job.year or ''}/{Path(job.notebook).stem}", FAILED, code=1, error=said)
        for chain in part
        for job in chain
    ]


def _part_done(part: list[list[dict[str, Any]]], settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Do a part of a batch on a worker of the cluster: a batch in a process of its own.

    Parameters
    ----------
    part : list of list of dict
        The fields of the jobs of each area.
    settings : dict
        Fields of `batch.Settings`.

    Returns
    -------
    list of dict
        The fields of the outcome of each report.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump({"part": part, "settings": settings}, file)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "ysj_analysis", "batch", "--part", file.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            check=False,
            env=_surroundings(),
        )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = [{k: v for k, v in line.items() if k not in ("time", "event")} for line in lines]
    if done.returncode not in (0, 3) or not lines or lines[-1]["event"] != "health":
        raise RuntimeError(f"ysj batch ended with {done.returncode}")
    return told[:-1]


def _surroundings() -> dict[str, str]:
    here = Path(__file__).resolve().parents[1]
    path = [str(here)] if here.name != "site-packages" else []
    before = os.environ.get("PYTHONPATH")
    return {k: v for k, v in os.environ.items() if k not in THREADS} | {
        "PYTHONPATH": os.pathsep.join([*path, *([before] if before else [])])
    }


def do_part(file: Path) -> int:
    """Be the batch of a part: read it, do it, and write a line of JSON for each report.

    Parameters
    ----------
    file : Path
        What `_part_done` wrote.

    Returns
    -------
    int
        As `batch.run`.
    """
    from .batch import run_chains

    die_with_parent()  # a worker that is lost takes its part along
    given = json.loads(file.read_text(encoding="utf-8"))
    jobs = [[Job(**fields) for fields in chain] for chain in given["part"]]
    return run_chains(jobs, Log(sys.stdout, "json"), Settings(**given["settings"]))
