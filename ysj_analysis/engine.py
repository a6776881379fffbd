"""How does papermill run a notebook without starting an interpreter? In a process forked from this one.

papermill takes an engine by name. This one forks a process in which everything imported so far is
shared, and sends it one cell after another; the process dies with the notebook, so that no report sees
what another did. The plain ``papermill`` command, with a Jupyter kernel, shows the same.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

NAME = "ysj"
_SKIP = "skip-execution"  # as in Jupyter; the report is then refused


class CellTimeout(RuntimeError):
    """A cell took longer than it may."""


class Died(RuntimeError):
    """The process of the notebook ended before the notebook did."""


def possible() -> bool:
    """Whether a notebook can be run in a fork of this process: it must have one thread."""
    return hasattr(os, "fork") and threading.active_count() == 1


def warm() -> None:
    """Import what the reports of the kit use, so that every fork of this process has it."""
    import importlib

    for name in (
        *("matplotlib.figure", "matplotlib.backends.backend_svg", "matplotlib_inline.backend_inline"),
        *("papermill", "nbconvert", "IPython.core.interactiveshell"),
        *(f"{__package__}.{m}" for m in ("shell", "load", "pipeline", "present", "figures", "sentences")),
    ):
        importlib.import_module(name)


def register() -> None:
    """Make the engine known to papermill, which must be imported quietly before."""
    from papermill.engines import Engine, papermill_engines

    class Forked(Engine):
        """Runs the cells in a forked process, and saves nothing between them."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> Any:
            from nbformat import from_dict

            with _process(given["scratch"], given["surroundings"]) as ask:
                for index, cell in enumerate(nb_man.nb.cells):
                    nb_man.cell_start(cell, index)
                    if (
                        cell.cell_type == "code"
                        and cell.source.strip()
                        and _SKIP not in cell.metadata.get("tags", ())
                    ):
                        reply = ask(cell.source, given["execution_timeout"])
                        cell.outputs = [from_dict(o) for o in reply["outputs"]]
                        cell.execution_count = reply["count"]
                        if reply["left"]:
                            given["on_exit"](index)
                    nb_man.cell_complete(cell, index)
                    if any(o.output_type == "error" for o in cell.get("outputs", ())):
                        nb_man.cell_exception(cell, index)
                        break
            return nb_man.nb

    papermill_engines.register(NAME, Forked)


@contextlib.contextmanager
def _process(scratch: Path, surroundings: dict[str, str]) -> Iterator[Callable[[str, float], dict[str, Any]]]:
    """Fork the process of a notebook; give a function that runs a cell in it."""
    ours, theirs = Pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    number = os.fork()
    if number == 0:
        ours.close()
        _become(theirs, scratch, surroundings)
    theirs.close()

    def ask(source: str, seconds: float) -> dict[str, Any]:
        try:
            ours.send(source)
            if not ours.poll(seconds):
                raise CellTimeout
            return ours.recv()
        except (EOFError, ConnectionError):
            raise Died from None

    try:
        yield ask
    finally:
        ours.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(number, 0)


def _become(pipe: Connection, scratch: Path, surroundings: dict[str, str]) -> None:
    """Be the process of a notebook, from here to the end."""
    status = 1
    try:
        for asked in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(asked, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to parent and child alike
        die_with_parent()
        os.environ.clear()
        os.environ.update(surroundings)
        os.chdir(scratch)
        _warn_as_usual()
        from . import shell

        ours = shell.shell(scratch)
        while True:
            pipe.send(shell.execute(ours, pipe.recv()))
    except EOFError:
        status = 0
    except BaseException as error:
        with contextlib.suppress(Exception):
            (scratch / "kernel.log").write_text(type(error).__name__, encoding="utf-8")
    finally:
        os._exit(status)


def _warn_as_usual() -> None:
    """Forget what this process chose to be quiet about; warn as a new interpreter does."""
    warnings.resetwarnings()
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind, append=True)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")

    def show(
        message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        (file or sys.stderr).write(warnings.formatwarning(message, category, filename, lineno, line))

    warnings.showwarning = show


def die_with_parent() -> None:
    """Have this process killed when its parent ends, however it ends; where the system can (Linux)."""
    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)
