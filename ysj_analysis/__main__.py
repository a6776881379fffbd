"""The command line: ``ysj`` or ``python -m ysj_analysis``."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback

from .kernel import settle

RENDERING = ("report", "court-paragraph", "batch", "verify")


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one block on standard error."""
    if arguments is None and set(sys.argv[1:2]) & set(RENDERING):
        settle()  # before anything is imported that takes time
        gc.set_threshold(200_000, 50, 1_000)  # what a report makes lives as long as its process
        _keep_text_as_python_does()
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # seconds of imports saved
    from .commands import app
    from .exit_codes import DONE, exit_code, explain

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


def _keep_text_as_python_does() -> None:
    """Have pandas hold text as Python does, whether or not Arrow is there: its calls cost more than small tables."""
    import pandas as pd

    pd.set_option("mode.string_storage", "python")


def _end_cleanly_when_stopped() -> None:
    """Let a polite request to stop unwind: kernels end and nothing half-made stays."""
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    except ValueError:  # not the main thread
        return


if __name__ == "__main__":
    sys.exit(main())
