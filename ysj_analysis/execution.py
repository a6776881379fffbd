"""Did the notebook run, all of it, and in this environment? Papermill, inside a guard.

What papermill and Jupyter let pass is caught here: a kernel of another environment, settings and
start-up scripts of the user, plain-text traffic on the loopback, a notebook that leaves early with
``sys.exit(0)``, a killed kernel, a skipped cell, and files left behind with whatever was printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import engine
from .kernel import environment, kernel_manager, settled
from .parameters import TAG

_START_TIMEOUT = 120


class NotebookError(RuntimeError):
    """The notebook did not run to its end, or shows what may not be published.

    Attributes
    ----------
    cause : str
        Name of the exception raised in the notebook, or empty.
    detail : str
        The traceback, without colours, for ``--debug``.
    """

    def __init__(self, message: str, *, cause: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.cause = cause
        self.detail = detail


# Raised by our own modules with a message meant for the reader: it is passed on as it is.
_READABLE = ("DataError", "NotHeld", "DisclosureError", "ParameterError")


@contextlib.contextmanager
def quick_imports() -> Iterator[None]:
    """Keep jsonschema from importing a URI grammar that takes seconds and that nobody here uses."""
    blocked = "rfc3987_syntax" not in sys.modules
    if blocked:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if blocked:
            sys.modules.pop("rfc3987_syntax", None)


def read(path: Path) -> Any:
    """Read a notebook, with cell ids that depend on nothing but the order of the cells."""
    with quick_imports():
        import nbformat
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # missing ids, which are set below
        notebook = nbformat.read(path, as_version=4)
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number:03d}"
    return notebook


@contextlib.contextmanager
def process() -> Iterator[engine.Process | None]:
    """Give a process in which a notebook can be run, and run again; None where each run has a kernel.

    It is forked where this process was started as a notebook's must be (`kernel.settle`) and has one
    thread.
    """
    if not (settled() and engine.possible()):
        yield None
        return
    with forked() as one:
        yield one


@contextlib.contextmanager
def forked() -> Iterator[engine.Process]:
    """Give a process that is forked from this one."""
    with _scratch() as scratch:
        one = engine.Process(scratch)
        try:
            yield one
        finally:
            one.end()


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ysj-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def run(
    notebook: Any,
    parameters: Mapping[str, Any],
    *,
    name: str,
    timeout: int = 600,
    within: engine.Process | None = None,
) -> Any:
    """Run a notebook in a fresh process of this very interpreter; nothing is written.

    Parameters
    ----------
    notebook : NotebookNode
        From `read`. It is not changed.
    parameters : mapping
        Checked values (`parameters.check`).
    name : str
        What to call the notebook in messages.
    timeout : int
        Seconds a cell may take.
    within : engine.Process, optional
        From `process`; without it the notebook has a Jupyter kernel.

    Returns
    -------
    NotebookNode
        The notebook with its outputs, without papermill's marks, times and injected cell.

    Raises
    ------
    NotebookError
        If a cell fails, times out or does not run, or the kernel dies.
    """
    if within is not None:
        done = _papermill(notebook, parameters, name, timeout, within.scratch, within)
    else:
        with _scratch() as scratch:
            done = _with_own_loop(lambda: _papermill(notebook, parameters, name, timeout, scratch, None))
    done = _stripped(done)
    _require_whole(done, name)
    return done


def _with_own_loop(work: Callable[[], Any]) -> Any:
    """Call something that needs an event loop, and close the loop Jupyter would leave open."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return contextvars.Context().run(_and_close_loop, work)
    return work()  # inside Jupyter, which has a loop of its own


def _and_close_loop(work: Callable[[], Any]) -> Any:
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        return work()
    finally:
        loop.close()
        asyncio.set_event_loop(None)


def _in_kernel(scratch: Path, name: str, number: Callable[[int], int]) -> dict[str, Any]:
    """Give papermill's settings for a Jupyter kernel."""
    from traitlets.config import Config

    def hook(cell_index: int, execute_reply: dict[str, Any], **_: Any) -> None:
        if any(p.get("source") == "ask_exit" for p in execute_reply["content"].get("payload", [])):
            raise _left(name, number(cell_index))  # it ends the kernel after its reply, and later cells race

    return {
        "kernel_manager_class": kernel_manager(),
        "config": Config({"OwnKernelManager": {"scratch": str(scratch)}}),
        "start_timeout": _START_TIMEOUT,
        "iopub_timeout": 60,
        "record_timing": False,
        "store_widget_state": False,
        "on_cell_executed": hook,
    }


def _in_fork(process: engine.Process, name: str, number: Callable[[int], int]) -> dict[str, Any]:
    """Give papermill's settings for a process forked from this one."""

    def on_exit(cell_index: int) -> None:
        raise _left(name, number(cell_index))

    surroundings = environment(process.scratch)
    return {"engine_name": engine.NAME, "process": process, "surroundings": surroundings, "on_exit": on_exit}


def _papermill(
    notebook: Any,
    parameters: Mapping[str, Any],
    name: str,
    timeout: int,
    scratch: Path,
    process: engine.Process | None,
) -> Any:
    number = _numbering(notebook, parameters)
    with quick_imports(), _quiet():
        import papermill
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
        from papermill.exceptions import PapermillExecutionError

        engine.register()
        try:
            return papermill.execute_notebook(
                notebook,
                None,  # no output file: nothing is written before everything is checked
                dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                execution_timeout=timeout,
                **(_in_fork(process, name, number) if process else _in_kernel(scratch, name, number)),
            )
        except PapermillExecutionError as error:
            cell = number(error.cell_index)
            raise _failure(name, cell, error.ename, error.evalue, error.traceback) from None
        except (CellTimeoutError, engine.CellTimeout):
            raise NotebookError(f"{name}: a cell took longer than {timeout} s and was stopped.") from None
        except (DeadKernelError, engine.Died):
            raise NotebookError(
                f"{name}: the Python process of the notebook died before the end: it was killed, left with "
                "exit(), or ran out of memory. Nothing was written."
            ) from None
        except NotebookError:
            raise
        except RuntimeError as error:  # the kernel did not answer when it was started
            raise NotebookError(
                f"{name}: the notebook's Python process did not start: {error}", detail=_kernel_log(scratch)
            ) from None


def _numbering(notebook: Any, parameters: Mapping[str, Any]) -> Callable[[int], int]:
    """Make a function from a cell's index, counting papermill's injected cell, to its number as written."""
    tagged = [i for i, c in enumerate(notebook.cells) if TAG in c.metadata.get("tags", [])]
    injected = tagged[0] + 1 if tagged and parameters else len(notebook.cells) + 1
    return lambda index: index + 1 if index < injected else index


def _left(name: str, number: int) -> NotebookError:
    return _failure(name, number, "SystemExit", "", [])


def _kernel_log(scratch: Path) -> str:
    log = scratch / "kernel.log"
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the machinery's log lines and deprecations to itself; failures are raised, not logged."""
    loggers = [logging.getLogger(name) for name in ("papermill", "traitlets", "asyncio")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        # Only what zmq, tornado, nbclient and papermill say of themselves; our code runs in the kernel.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _failure(name: str, number: int, ename: str, evalue: str, traceback: list[str]) -> NotebookError:
    """Say why a cell failed: our own errors in their own words, others with the cell they came from."""
    parts = [re.sub(r"\x1b\[[0-9;]*m", "", part) for part in traceback]
    if ename in _READABLE:
        return NotebookError(evalue, cause=ename, detail="\n".join(parts))
    if ename == "SystemExit":
        return NotebookError(f"{name}: cell {number} left the notebook with exit().", cause=ename)
    # What it says of itself may hold a value of a child, and goes to no log: only where it came from is kept.
    frames = [part for part in parts if part.startswith(("Cell In[", "File ", "Traceback"))]
    return NotebookError(
        f"{name}: cell {number} failed with {ename}. Run it again with --debug to see where.",
        cause=ename,
        detail="\n\n".join(["Traceback, without the words of the error", *frames, ename]),
    )


def _require_whole(notebook: Any, name: str) -> None:
    """Refuse a notebook with an error or with a cell that did not run."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                raise _failure(name, number, output.ename, output.evalue, output.traceback)
        if cell.execution_count is None:
            raise NotebookError(
                f"{name}: cell {number} did not run, so the report would be incomplete. A cell before it "
                "may have left the notebook, or it is tagged to be skipped."
            )


def _stripped(notebook: Any) -> Any:
    """Drop the injected cell, times and everything else that differs from run to run."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number:03d}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    return notebook
