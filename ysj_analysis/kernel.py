"""Which Python runs the notebook, and in what surroundings? This one, encrypted, free of user settings.

A registered kernel called ``python3`` may belong to another environment, and a user's IPython profile
may run code at every start; neither is used.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


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
