"""Many reports, unattended: from one warmed process, each whole or not at all, none stopping the others.

The parent imports everything and reads a study once; for each area it forks a process that renders the
area's reports one after another, since a public report is audited with those before it.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from . import batch_plan, batch_state, editions, engine, load, once
from .batch_log import DONE, FAILED, UNCHANGED, Log, Outcome
from .batch_plan import Job, Plan
from .exit_codes import INTERNAL, PARTLY, exit_code, explain
from .kernel import settled
from .large import Stored
from .page import slug
from .policies import DisclosureError
from .publication import sweep, turn, undisturbed
from .report import render
from .request import Request, request

MEMORY = 4096
_GRACE = 30.0
_KILLED = "Its process was killed or ran out of memory."


@dataclass
class Chain:
    """The reports of one area, in order, with what each is made from: a worker does them one after another."""

    jobs: deque[Job] = field(default_factory=deque)
    recipes: deque[str] = field(default_factory=deque)


@dataclass(frozen=True)
class Settings:
    """How a batch is run.

    Attributes
    ----------
    workers : int
        Processes at a time.
    resume : bool
        Whether to leave a report that is whole and would come out the same.
    memory : int
        MiB of data that each process of a report may have.
    timeout : int
        Seconds one cell may take.
    """

    workers: int = 1
    resume: bool = False
    memory: int = MEMORY
    timeout: int = 600


def run(plans: Sequence[Plan], log: Log, settings: Settings | None = None) -> int:
    """Make every report of some plans.

    Parameters
    ----------
    plans : sequence of Plan
        From `batch_plan.read` or `batch_plan.plan`.
    log : Log
        Gets a line for each report and one at the end.
    settings : Settings, optional
        How.

    Returns
    -------
    int
        0 if every report is whole, 3 if some are not.

    Raises
    ------
    Locked
        If another batch fills one of the folders.
    """
    settings = settings or Settings()
    with contextlib.ExitStack() as stack:
        for out in sorted({Path(plan.out) for plan in plans}):
            stack.enter_context(turn(batch_state.folder(out) / ".lock", out / "batch"))
        engine.warm()
        with accounted(log):
            _work_off(chains(plans, log, settings), log, settings)
    return code_of(log)


def run_chains(areas: Sequence[Sequence[Job]], log: Log, settings: Settings) -> int:
    """Make the reports of some areas, as a part of a batch that runs elsewhere.

    Parameters
    ----------
    areas : sequence of sequence of Job
        The reports of each area, in order.
    log, settings
        As for `run`.

    Returns
    -------
    int
        As `run`.
    """

    def todo() -> Iterator[Chain]:
        for jobs in areas:
            if jobs and jobs[0].data is not None:
                with contextlib.suppress(load.DataError):
                    _kept(jobs[0].data)
            chain = Chain()
            for job in jobs:
                if recipe := _wanted(job, log, settings):
                    chain.jobs.append(job)
                    chain.recipes.append(recipe)
            if chain.jobs:
                yield chain

    engine.warm()
    with accounted(log):
        _work_off(todo(), log, settings)
    return code_of(log)


def code_of(log: Log) -> int:
    """Give the exit code of a batch."""
    return PARTLY if any(o.status == FAILED for o in log.outcomes) else 0


@contextlib.contextmanager
def accounted(log: Log) -> Iterator[None]:
    """Write the line of health at the end, whatever the end is."""
    start = time.monotonic()
    log.begin()
    try:
        yield
    except SystemExit as asked:
        log.end(seconds=time.monotonic() - start, code=int(asked.code or 0), stopped=True)
        raise
    except BaseException:
        log.end(seconds=time.monotonic() - start, code=INTERNAL, stopped=True)
        raise
    log.end(seconds=time.monotonic() - start, code=code_of(log))


def chains(plans: Sequence[Plan], log: Log, settings: Settings) -> Iterator[Chain]:
    """List what there is to do, study by study; each is read when its turn has come, and kept until the next.

    Parameters
    ----------
    plans : sequence of Plan
        What is wanted.
    log : Log
        Gets a line for what is unchanged, and for what cannot be asked for.
    settings : Settings
        Whether to leave what is unchanged.

    Yields
    ------
    Chain
        The reports of one area.
    """
    for plan in plans:
        for folder, own in batch_plan.folders(plan):
            by_area: dict[str, Chain] = {}
            for job in _jobs(own, folder, log):
                log.more()
                if recipe := _wanted(job, log, settings):
                    chain = by_area.setdefault(slug(job.area or ""), Chain())
                    chain.jobs.append(job)
                    chain.recipes.append(recipe)
            gc.collect()
            yield from by_area.values()


def _jobs(plan: Plan, folder: str | None, log: Log) -> Iterable[Job]:
    """List the reports of a study; a study that cannot be read is one line in the log."""
    try:
        if folder is None:  # the notebook's own
            own = request(plan.notebooks[0], edition=plan.edition).study
            folder = str(own) if own else None
        if folder is None:
            alike = batch_plan.shared(plan)
            return [Job(n, None, plan.out, None, None, *alike) for n in plan.notebooks]
        study = _kept(folder)
        return list(batch_plan.jobs(plan, folder, study.areas, study.years))
    except Exception as error:
        log.more()
        log.add(failed(Path(folder or ".").name, error))
        return []


def _kept(folder: str | Path) -> load.Study:
    """Read a study for all its reports, which share what they ask of it alone."""
    once.share()  # nothing, before another study is read
    study = load.keep(folder)
    if not isinstance(study.events, Stored):
        once.share(study)
    return study


def _wanted(job: Job, log: Log, settings: Settings) -> str | None:
    """Give the recipe of a report that is to be made; ``None`` for one that need not or cannot be."""
    try:
        wanted = request(job.notebook, **job.given)
        recipe = batch_state.recipe(wanted)
        if settings.resume and batch_state.unchanged(wanted, Path(job.out), recipe):
            log.add(Outcome(_name(wanted, job), UNCHANGED))
            return None
    except Exception as error:
        log.add(failed(_called(job), error))
        return None
    return recipe


def _name(wanted: Request, job: Job) -> str:
    return wanted.folder(Path(job.out)).relative_to(job.out).as_posix()


def _called(job: Job) -> str:
    """Name a report of which nothing is known but what was asked."""
    parts = (slug(job.area) if job.area else "", str(job.year or ""), Path(job.notebook).stem)
    return "/".join(filter(None, parts))


def failed(report: str, error: BaseException) -> Outcome:
    """Say why a report was not made, in words that may stand in a log."""
    code = exit_code(error)
    said = explain(error, code)
    if code == INTERNAL and not hasattr(error, "detail"):  # its words may hold a value of a child
        said = f"Internal error: {type(error).__name__}. Run ysj report for it, with --debug."
    return Outcome(report, FAILED, code=code, error=said)


# -- workers -----------------------------------------------------------------------------------------


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    chain: Chain


def _work_off(chains: Iterator[Chain], log: Log, settings: Settings) -> None:
    """Do every chain, so many at a time; a worker that dies costs the one report it was at."""
    busy: list[_Worker] = []
    try:
        while True:
            while len(busy) < settings.workers and (chain := next(chains, None)) is not None:
                busy.append(_start(chain, settings))
            if not busy:
                return
            ready = wait([w.pipe for w in busy])
            for worker in [w for w in busy if w.pipe in ready]:
                if not _heard(worker, log):
                    busy.remove(worker)
                    worker.process.join()
                    worker.pipe.close()
                    if worker.chain.jobs:
                        busy.append(_start(worker.chain, settings))
    finally:
        _stop(busy)


def _start(chain: Chain, settings: Settings) -> _Worker:
    for path in editions.ledgers(Path(chain.jobs[0].out)):  # read here, each is read once
        with contextlib.suppress(DisclosureError, OSError):  # whoever needs it says what is wrong with it
            for edition in editions.read(path):
                _ = edition.by_area
    gc.freeze()  # what is shared with the workers is not looked through by them
    context: Any = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_worker, args=(theirs, list(chain.jobs), list(chain.recipes), settings))
    with undisturbed():  # what is raised while a process is forked is lost
        process.start()
    theirs.close()
    return _Worker(process, ours, chain)


def _heard(worker: _Worker, log: Log) -> bool:
    """Take what a worker has to say; whether it will say more."""
    chain = worker.chain
    try:
        outcome, modules, asked = worker.pipe.recv()
    except (EOFError, OSError):
        if chain.jobs:  # it died at the first report that is left
            job = chain.jobs.popleft()
            chain.recipes.popleft()
            log.add(
                Outcome(_name(request(job.notebook, **job.given), job), FAILED, code=INTERNAL, error=_KILLED)
            )
        return False
    chain.jobs.popleft()
    chain.recipes.popleft()
    log.add(outcome)
    engine.learn(modules)
    once.ask(asked)
    return True


def _stop(busy: list[_Worker]) -> None:
    """Ask every worker to stop, and see that it has."""
    for worker in busy:
        worker.process.terminate()
    until = time.monotonic() + _GRACE
    for worker in busy:
        worker.process.join(max(0.0, until - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _worker(pipe: Connection, jobs: Sequence[Job], recipes: Sequence[str], settings: Settings) -> None:
    """Be the process that renders the reports of one area."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is asked too, and asks us
    if settled():
        engine.die_with_parent()
    _limit(settings.memory)
    try:
        for job, recipe in zip(jobs, recipes, strict=True):
            outcome = _rendered(job, recipe, settings)
            modules, asked = engine.learned()
            pipe.send((outcome, modules, [call for call in asked if not _of_one_area(call, job)]))
    except Exception:  # the parent hears that this process has ended; a traceback is not for a log
        sys.exit(1)
    finally:
        sweep()


def _of_one_area(call: once.Call, job: Job) -> bool:
    """Whether what a report asked is of its own area, so that no other asks it."""
    return job.area is not None and job.area in {
        v for v in (*call[2], *call[3].values()) if isinstance(v, str)
    }


def _limit(mebibytes: int) -> None:
    """Bound what this process and those it starts take beside what they share, where the system can (Linux)."""
    with contextlib.suppress(ImportError, ValueError, OSError, StopIteration):
        import resource

        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        shared = next(int(line.split()[1]) for line in status if line.startswith("VmData:")) * 2**10
        most = shared + mebibytes * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _rendered(job: Job, recipe: str, settings: Settings) -> Outcome:
    """Render one report, and say what it cost."""
    start, before = time.monotonic(), sum(os.times()[:4])
    name = _called(job)
    try:
        name = _name(request(job.notebook, **job.given), job)
        given = job.given
        given["parameters"] = given.pop("values")
        render(job.notebook, out=job.out, timeout=settings.timeout, wait=60, **given)
        batch_state.record(Path(job.out), name, recipe)
        found = Outcome(name, DONE)
    except Exception as error:
        found = failed(name, error)
    seconds, cpu = time.monotonic() - start, sum(os.times()[:4]) - before
    return replace(found, peak_mib=_peak(), seconds=round(seconds, 2), cpu_seconds=round(cpu, 2))


def _peak() -> int:
    """Give the most memory, in MiB, that this process or one it started has had."""
    try:
        import resource
    except ImportError:
        return 0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return max(resource.getrusage(k).ru_maxrss for k in kinds) // unit
