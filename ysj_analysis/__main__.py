"""The command line: ``ysj`` or ``python -m ysj_analysis``. Each command is a few calls of the package."""

from __future__ import annotations

import os
import signal
import sys
import traceback

from cyclopts import App

from . import __version__, commands_data, commands_report
from .exit_codes import DONE, exit_code, explain

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
    commands_report.court_paragraph,
    commands_data.measure,
    commands_data.convert,
    commands_data.check,
    commands_data.synth,
    commands_report.attack,
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


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one block on standard error."""
    sys.modules.setdefault("rfc3987_syntax", None)  # seconds of imports that nothing here needs
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    _end_cleanly_when_stopped()
    try:
        return app(arguments, exit_on_error=False, print_error=False, result_action="return_value") or DONE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        code = exit_code(error)
        print(explain(error, code), file=sys.stderr)
        if debug:
            print(getattr(error, "detail", "") or traceback.format_exc(), file=sys.stderr)
        return code


def _end_cleanly_when_stopped() -> None:
    """Let a polite request to stop unwind: kernels end and nothing half-made stays."""
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    except ValueError:  # not the main thread
        return


if __name__ == "__main__":
    sys.exit(main())
