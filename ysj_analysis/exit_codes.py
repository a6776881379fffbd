"""With which exit code does a command end, and what does it say of an error?"""

from __future__ import annotations

import traceback
from pathlib import Path

from cyclopts import CycloptsError

DONE, INTERNAL, USAGE, PARTLY, REFUSED, LOCKED = 0, 1, 2, 3, 4, 75
DIFFERENT = 1  # as with diff

# By name, so that an error can be told apart without importing the module that defines it, and so that
# one raised inside a notebook counts the same.
_CODES = {
    "DisclosureError": REFUSED,
    "Locked": LOCKED,
    "NoRoom": INTERNAL,
    "DataError": USAGE,
    "ParameterError": USAGE,
    "CycloptsError": USAGE,
    "NotebookError": INTERNAL,
    "FileExistsError": USAGE,
    "FileNotFoundError": USAGE,
    "PermissionError": USAGE,
}


def exit_code(error: BaseException) -> int:
    """Exit code of an error, by the name of its class or of the one raised in the notebook."""
    names = [getattr(error, "cause", ""), *(kind.__name__ for kind in type(error).__mro__)]
    ours = traceback.extract_tb(error.__traceback__)[-1].filename.startswith(str(Path(__file__).parent))
    argument = USAGE if type(error) is ValueError and ours else INTERNAL  # others' ValueErrors are faults
    return next((_CODES[name] for name in names if name in _CODES), argument)


def explain(error: BaseException, code: int) -> str:
    """Say what went wrong, in one block and without a traceback."""
    if isinstance(error, CycloptsError):
        return f"{error}\nSee ysj --help."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if code != INTERNAL or hasattr(error, "detail"):
        return str(error)
    return f"Internal error: {type(error).__name__}: {error}\nRun again with --debug and report it."
