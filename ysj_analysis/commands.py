"""Which commands are there? Each is a few calls of the package."""

from __future__ import annotations

import sys

from cyclopts import App

from . import __version__, commands_batch, commands_data, commands_report

app = App(
    name="ysj",
    version=__version__,
    help="Ethnic disproportionality in youth justice: relative rates, disclosure control, the annual report.\n\n"
    "With --debug an error comes with its traceback.",
    help_format="plaintext",
    version_flags=["--version"],
)

for _command in (
    commands_report.report,
    commands_batch.batch,
    commands_report.court_paragraph,
    commands_data.measure,
    commands_data.convert,
    commands_data.check,
    commands_data.flags,
    commands_data.synth,
    commands_report.attack,
    commands_report.verify,
):
    app.command(_command)


@app.command
def lab() -> int:
    """Open JupyterLab on the exploration notebook.

    Example: ysj lab
    """
    import importlib.util
    import subprocess

    from .request import find_notebook

    notebook = find_notebook("explore")
    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError(
            "JupyterLab is not installed. Install the kit with its lab extra: pip install .[lab]"
        )
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(notebook)])
