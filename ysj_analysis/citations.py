"""Which writings do a report's methods come from? Those whose methods its tables name, and no others."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterable
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "writings.csv"


@functools.cache
def writings() -> tuple[tuple[str, str], ...]:
    """List what the kit's methods come from, in the order of their authors.

    Returns
    -------
    tuple of (str, str)
        The writing, and a pattern of the methods printed on rows that come from it; empty where none does.

    Examples
    --------
    >>> writings()[0][0][:40]
    'Altman DG, Bland JM (2003). Interaction '
    """
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple((row["writing"], row["methods"]) for row in csv.DictReader(file))


def _cited(texts: Iterable[str]) -> list[str]:
    r"""List the writings behind the methods that some tables name.

    Parameters
    ----------
    texts : iterable of str
        The tables as CSV.

    Returns
    -------
    list of str
        In the order of their authors; none where no method is known.

    Examples
    --------
    >>> _cited(["group,method\nBlack,Wilson\n"])[0][:40]
    'Wilson EB (1927). Probable inference, th'
    """
    found = "\n".join(texts)
    return [writing for writing, methods in writings() if methods and re.search(methods, found)]


def reference_list(texts: Iterable[str]) -> str:
    """Write the list of references as Markdown, under a heading of the last section; empty where nothing is cited.

    Parameters
    ----------
    texts : iterable of str
        The tables as CSV.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> reference_list([])
    ''
    """
    lines = "\n".join(f"- {writing}" for writing in _cited(texts))
    return f"### References\n\n{lines}" if lines else ""
