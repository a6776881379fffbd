"""What does a cell show? An IPython shell that hands over outputs as a Jupyter kernel would, without one.

It runs in a process forked from one that has everything imported (`engine`).
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from ipykernel.jsonutil import encode_images, json_clean
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config


class _Published(DisplayPublisher):
    """Keeps what is displayed."""

    def publish(  # type: ignore[override]  # the arguments that are used
        self, data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False, **_: Any
    ) -> None:
        name = (transient or {}).get("display_id")
        output = _output("display_data", data, metadata)
        if update:
            for earlier in self.shell.shown:
                if name is not None and earlier.get("display_id") == name:
                    earlier |= {"data": output["data"], "metadata": output["metadata"]}
            return
        self.shell.show(output | ({"display_id": name} if name is not None else {}))

    def clear_output(self, wait: bool = False) -> None:
        self.shell.clear(wait)


class _Result(DisplayHook):
    """Keeps the value of a cell's last line."""

    def write_output_prompt(self) -> None:
        self._result: dict[str, Any] = {}

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self._result = _output("execute_result", format_dict, md_dict)

    def finish_displayhook(self) -> None:
        if self._result.get("data"):
            self.shell.show(self._result | {"execution_count": self.prompt_count})
        self._result = {}


class _Stream(io.TextIOBase):
    """A standard stream of which each line is an output."""

    def __init__(self, shell: Shell, name: str) -> None:
        self.shell, self.name = shell, name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        last = self.shell.shown[-1] if self.shell.shown else {}
        if last.get("name") == self.name and not self.shell.clear_next:
            last["text"] += text
        elif text:
            self.shell.show({"output_type": "stream", "name": self.name, "text": text})
        return len(text)


class Shell(InteractiveShell):
    """An IPython shell that keeps the outputs of a cell."""

    display_pub_class = Type(_Published)
    displayhook_class = Type(_Result)

    def __init__(self, **kwargs: Any) -> None:
        self.shown: list[dict[str, Any]] = []
        self.left = False
        self.clear_next = False
        super().__init__(**kwargs)

    def show(self, output: dict[str, Any]) -> None:
        """Keep an output."""
        if self.clear_next:
            self.clear(False)
        self.shown.append(output)

    def clear(self, wait: bool) -> None:
        """Forget the outputs so far, now or when there is another."""
        self.clear_next = wait
        if not wait:
            self.shown.clear()

    def ask_exit(self) -> None:
        """Note that the cell called ``exit()``."""
        self.left = True

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.show(
            {"output_type": "error", "ename": etype.__name__, "evalue": str(evalue), "traceback": list(stb)}
        )


def begin(folder: Path) -> None:
    """Make the shell of this process, with no history and none of the user's settings; a new one each time.

    Its standard streams are outputs too, but for what is written to them past Python.

    Parameters
    ----------
    folder : Path
        A private temporary folder, for what IPython and libraries write.
    """
    if Shell.initialized():
        Shell.clear_instance()
    with open(folder / "kernel.log", "ab") as log, open(os.devnull, "rb") as null:
        for number, file in enumerate((null, log, log)):
            os.dup2(file.fileno(), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    own = Config()
    own.HistoryManager.enabled = False
    own.InteractiveShell.colors = "nocolor"
    made = Shell.instance(config=own, ipython_dir=str(folder / "ipython"))
    sys.stdout, sys.stderr = _Stream(made, "stdout"), _Stream(made, "stderr")


def execute(source: str) -> dict[str, Any]:
    """Run one cell.

    Parameters
    ----------
    source : str
        The cell.

    Returns
    -------
    dict
        ``outputs`` as in a notebook, ``count``, and whether the cell ``left`` by ``exit()``.
    """
    shell = Shell.instance()
    shell.shown.clear()
    count = shell.execution_count
    shell.run_cell(source, store_history=True)
    for output in shell.shown:
        output.pop("display_id", None)
    return {"outputs": json.loads(json.dumps(json_clean(shell.shown))), "count": count, "left": shell.left}


def _output(kind: str, data: Any, metadata: Any) -> dict[str, Any]:
    return {"output_type": kind, "data": encode_images(dict(data)), "metadata": dict(metadata or {})}
