"""How does papermill run a notebook without starting an interpreter? In a process forked from this one.

papermill takes an engine by name. This one forks a process in which everything imported so far is
shared, and sends it one cell after another; the process dies with the notebook, so that no report sees
what another did. The plain ``papermill`` command, with a Jupyter kernel, shows the same.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from . import once

NAME = "ysj"
_SKIP = "skip-execution"  # as in Jupyter; the report is then refused


class CellTimeout(RuntimeError):
    """A cell took longer than it may."""


class Died(RuntimeError):
    """The process of the notebook ended before the notebook did."""


def possible() -> bool:
    """Whether a notebook can be run in a fork of this process: it must have one thread."""
    return hasattr(os, "fork") and threading.active_count() == 1


_PACKAGES = ("matplotlib", "seaborn", "scipy", "statsmodels", "pandas", "numpy", "duckdb", __package__)
_learned: set[str] = set()
_asked: list[once.Call] = []


def warm() -> None:
    """Import what every report needs, so that every fork of this process has it, and draw once."""
    from io import StringIO

    names = ("papermill", "nbconvert", "matplotlib_inline.backend_inline", f"{__package__}.shell")
    learn([*names, *(f"{__package__}.{m}" for m in ("load", "pipeline", "present", "figures", "sentences"))])
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().set_title("fonts are looked up once")
    figure.savefig(StringIO(), format="svg")


def learn(modules: Iterable[str]) -> None:
    """Import modules that a report was seen to use, so that the next one finds them here."""
    for name in sorted(set(modules) - sys.modules.keys()):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def learned() -> tuple[list[str], list[once.Call]]:
    """List what notebooks of this process used.

    Returns
    -------
    tuple
        The modules they and it itself imported, of the packages that reports use; and what they asked of a study
        that is shared, as :func:`once.asked` has it.
    """
    modules = sorted(n for n in _learned | sys.modules.keys() if n.partition(".")[0] in _PACKAGES)
    return modules, list(_asked)


class Process:
    """The process of a notebook: forked when it is first asked, and asked again where a notebook is run again.

    Attributes
    ----------
    scratch : Path
        A private folder, its working directory.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._pipe: Connection | None = None
        self._number = 0

    def begin(self, surroundings: dict[str, str]) -> None:
        """Have nothing of a notebook that ran before, and these surroundings."""
        if self._pipe is None:
            self._pipe, theirs = Pipe()
            sys.stdout.flush()
            sys.stderr.flush()
            self._number = os.fork()
            if self._number == 0:
                self._pipe.close()
                _become(theirs, self.scratch)
            theirs.close()
        self.ask(surroundings, 60)

    def ask(self, what: str | dict[str, str] | None, seconds: float) -> Any:
        """Run a cell, and give what it shows; or begin, or with None say what was used."""
        assert self._pipe is not None
        try:
            self._pipe.send(what)
            if not self._pipe.poll(seconds):
                raise CellTimeout
            return self._pipe.recv()
        except (EOFError, ConnectionError):
            raise Died from None

    def end(self) -> None:
        """Kill it."""
        if self._pipe is None:
            return
        self._pipe.close()
        self._pipe = None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._number, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._number, 0)


def register() -> None:
    """Make the engine known to papermill, which must be imported quietly before."""
    from nbformat import from_dict
    from papermill.engines import Engine, papermill_engines

    class Forked(Engine):
        """Runs the cells in a forked process, and saves nothing between them."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> Any:
            process, timeout = given["process"], given["execution_timeout"]
            process.begin(given["surroundings"])
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, index)
                if _runs(cell):
                    reply = process.ask(cell.source, timeout)
                    cell.outputs = [from_dict(o) for o in reply["outputs"]]
                    cell.execution_count = reply["count"]
                    if reply["left"]:
                        given["on_exit"](index)
                nb_man.cell_complete(cell, index)
                if any(o.output_type == "error" for o in cell.get("outputs", ())):
                    nb_man.cell_exception(cell, index)
                    break
            modules, _asked[:] = process.ask(None, timeout)
            _learned.update(modules)
            return nb_man.nb

    papermill_engines.register(NAME, Forked)


def _runs(cell: Any) -> bool:
    return cell.cell_type == "code" and cell.source.strip() and _SKIP not in cell.metadata.get("tags", ())


def _become(pipe: Connection, scratch: Path) -> None:
    """Be the process of a notebook, from here to the end."""
    status = 1
    try:
        for asked in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(asked, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to parent and child alike
        die_with_parent()
        _warn_as_usual()
        from . import shell

        once.begin()
        while True:
            what = pipe.recv()
            if isinstance(what, dict):
                os.environ.clear()
                os.environ.update(what)
                os.chdir(scratch)
                shell.begin(scratch)
                pipe.send(None)
            else:
                pipe.send((list(sys.modules), once.asked()) if what is None else shell.execute(what))
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
