"""Which Python runs the notebook, and in what surroundings? This one, encrypted, free of user settings.

A registered kernel called ``python3`` may belong to another environment, and a user's IPython profile
may run code at every start; neither is used.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_FIXED = dict.fromkeys(THREADS, "1") | {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "SOURCE_DATE_EPOCH": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
"""The same wherever a report is rendered."""

_SETTLED = "YSJ_SETTLED"
_RENDERS = "YSJ_RENDERS"


def kernel_manager() -> type:
    """Make the class of kernel managers that start this interpreter, and none that is registered.

    Returns
    -------
    type
        A kernel manager with the setting ``scratch``, a temporary folder. Its traffic is encrypted.
    """
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
            kw["env"] = environment(Path(self.scratch))
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


def environment(scratch: Path) -> dict[str, str]:
    """Give the environment of the kernel: one thread, fixed hashes, no settings of the user.

    Parameters
    ----------
    scratch : Path
        A temporary folder for what IPython and Jupyter want to write.

    Returns
    -------
    dict of str to str
        The environment.
    """
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONWARNINGS", "PYTHONSTARTUP", "MPLBACKEND")}
    env |= _FIXED
    env |= {
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(scratch),
        _RENDERS: "1",
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


def renders() -> bool:
    """Whether this process runs the notebook of a report, not one on somebody's screen."""
    return os.environ.get(_RENDERS) == "1"


def settled() -> bool:
    """Whether this process was started in the surroundings of a notebook (`settle`)."""
    return os.environ.get(_SETTLED) == "1" and all(os.environ.get(k) == v for k, v in _FIXED.items())


def settle() -> None:
    """Start this program again in the surroundings of a notebook, once, so that notebooks can be forked from it.

    Nothing happens where a process cannot be forked (Windows): each notebook then has a kernel of its own.
    """
    if settled() or not hasattr(os, "fork") or not sys.executable:
        return
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONWARNINGS", "PYTHONSTARTUP")}
    arguments = [sys.executable, *sys.orig_argv[1:]]
    sys.stdout.flush()
    os.execve(sys.executable, arguments, env | _FIXED | {_SETTLED: "1"})
