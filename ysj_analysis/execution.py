"""Did the notebook run, all of it, and in this environment? Papermill, inside a guard.

What papermill and Jupyter let pass is caught here: a kernel of another environment, settings and
start-up scripts of the user, plain-text traffic on the loopback, a notebook that leaves early with
``sys.exit(0)``, a killed kernel, a skipped cell, and files left behind with whatever was printed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
START_TIMEOUT = 120


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
READABLE = ("DataError", "DisclosureError", "ParameterError")


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


def run(notebook: Any, parameters: Mapping[str, Any], *, name: str, timeout: int = 600) -> Any:
    """Run a notebook in a fresh kernel of this very interpreter; nothing is written.

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

    Returns
    -------
    NotebookNode
        The notebook with its outputs, without papermill's marks, times and injected cell.

    Raises
    ------
    NotebookError
        If a cell fails, times out or does not run, or the kernel dies.
    """
    with tempfile.TemporaryDirectory(prefix="ysj-", ignore_cleanup_errors=True) as scratch:
        done = _papermill(notebook, parameters, Path(scratch), name, timeout)
    _require_whole(done, name)
    return _stripped(done)


def _papermill(notebook: Any, parameters: Mapping[str, Any], scratch: Path, name: str, timeout: int) -> Any:
    with quick_imports(), _quiet():
        import papermill
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
        from papermill.exceptions import PapermillExecutionError
        from traitlets.config import Config

        try:
            return papermill.execute_notebook(
                notebook,
                None,  # no output file: nothing is written before everything is checked
                dict(parameters),
                kernel_name="python3",
                language="python",
                kernel_manager_class=_kernel_manager(),
                config=Config({"OwnKernelManager": {"scratch": str(scratch)}}),
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                start_timeout=START_TIMEOUT,
                execution_timeout=timeout,
                iopub_timeout=60,
                record_timing=False,
                store_widget_state=False,
                on_cell_executed=_refuse_exit,
            )
        except NotebookError as error:
            raise NotebookError(f"{name}: {error}", cause=error.cause) from None
        except PapermillExecutionError as error:
            raise _failure(name, error.cell_index, error.ename, error.evalue, error.traceback) from None
        except CellTimeoutError:
            raise NotebookError(f"{name}: a cell took longer than {timeout} s and was stopped.") from None
        except DeadKernelError:
            raise NotebookError(
                f"{name}: the Python process of the notebook died before the end: it was killed, left with "
                "exit(), or ran out of memory. Nothing was written."
            ) from None
        except RuntimeError as error:  # the kernel did not answer when it was started
            raise NotebookError(
                f"{name}: the notebook's Python process did not start: {error}", detail=_kernel_log(scratch)
            ) from None


def _refuse_exit(cell_index: int, execute_reply: dict[str, Any], **_: Any) -> None:
    """Stop at ``exit()``, which ends the kernel after its reply, so that later cells race with it."""
    if any(p.get("source") == "ask_exit" for p in execute_reply["content"].get("payload", [])):
        raise NotebookError(f"cell {cell_index + 1} left the notebook with exit().", cause="SystemExit")


def _kernel_log(scratch: Path) -> str:
    log = scratch / "kernel.log"
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def _kernel_manager() -> type:
    """Make the class of kernel managers that start this interpreter, and none that is registered."""
    import zmq
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec
    from traitlets import Unicode

    class OwnKernelManager(AsyncKernelManager):
        scratch = Unicode().tag(config=True)

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.connection_file = str(Path(self.scratch) / "kernel.json")
            self.transport_encryption = "required" if zmq.has("curve") else "disabled"

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(name="python3", resource_dir=self.scratch, **get_kernel_dict())

        async def _async_pre_start_kernel(self, **kw: Any) -> Any:
            kw["env"] = _environment(Path(self.scratch))
            kw["cwd"] = self.scratch
            self._log_file = open(Path(self.scratch) / "kernel.log", "wb")  # noqa: SIM115
            kw["stdout"] = kw["stderr"] = self._log_file
            try:
                return await super()._async_pre_start_kernel(**kw)
            except BaseException:
                self._log_file.close()
                raise

        async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
            try:
                await super()._async_launch_kernel(kernel_cmd, **kw)
            finally:
                self._log_file.close()

        start_kernel = AsyncKernelManager._async_start_kernel
        pre_start_kernel = _async_pre_start_kernel
        _launch_kernel = _async_launch_kernel

    return OwnKernelManager


def _environment(scratch: Path) -> dict[str, str]:
    """Environment of the kernel: one thread, fixed hashes, no settings of the user."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONWARNINGS", "PYTHONSTARTUP", "MPLBACKEND")}
    env |= dict.fromkeys(THREADS, "1")
    env |= {
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "SOURCE_DATE_EPOCH": "0",
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(scratch),
    }
    package = Path(__file__).resolve().parent.parent
    if package.name != "site-packages":  # a checkout: the notebook imports the same modules as we do
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(package), env.get("PYTHONPATH")]))
    if not os.access(_matplotlib_home(), os.W_OK):  # matplotlib would warn, in the middle of the report
        env["MPLCONFIGDIR"] = str(scratch / "matplotlib")
    return env


def _matplotlib_home() -> Path:
    """Find the folder matplotlib would use, or its nearest ancestor that exists."""
    try:
        folder = Path(os.environ.get("MPLCONFIGDIR") or Path.home() / ".config" / "matplotlib")
    except RuntimeError:  # no home
        return Path(os.devnull) / "none"
    while not folder.exists():
        folder = folder.parent
    return folder


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


def _failure(name: str, index: int, ename: str, evalue: str, traceback: list[str]) -> NotebookError:
    """Say why a cell failed: our own errors in their own words, others with the cell they came from."""
    detail = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
    if ename in READABLE:
        return NotebookError(evalue, cause=ename, detail=detail)
    if ename == "SystemExit":
        return NotebookError(f"{name}: cell {index + 1} left the notebook with exit().", cause=ename)
    return NotebookError(
        f"{name}: cell {index + 1} failed with {ename}: {evalue}".rstrip(": "), cause=ename, detail=detail
    )


def _require_whole(notebook: Any, name: str) -> None:
    """Refuse a notebook with an error or with a cell that did not run."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                raise _failure(name, number, output.ename, output.evalue, output.traceback)
        if cell.execution_count is None:
            raise NotebookError(
                f"{name}: cell {number + 1} did not run, so the report would be incomplete. A cell before it "
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
