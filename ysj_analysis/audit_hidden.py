"""Which counts has the joint audit hidden in this run? Told to the notebook, and applied when it releases.

A notebook runs in a process of its own, so what the audit of a first run found to need hiding is handed
to the next run in a file, named by a variable of its surroundings. It can only hide, never show.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .joint_facts import NEEDED, Count, Fact, as_record, from_record, named

VARIABLE = "YSJ_HIDDEN_COUNTS"
"""Names the file with the counts to hide."""


@contextlib.contextmanager
def hiding(counts: Iterable[Count]) -> Iterator[None]:
    """Have these counts hidden by whatever is released within the block, in this process or one it starts.

    Parameters
    ----------
    counts : iterable of Count
        Which.

    Yields
    ------
    None
    """
    chosen = sorted(counts)
    if not chosen:
        yield
        return
    before = os.environ.get(VARIABLE)
    with tempfile.TemporaryDirectory(prefix="ysj-") as folder:
        path = Path(folder) / "hidden.json"
        path.write_text(json.dumps([as_record(Fact(c, 0, 0)) for c in chosen]), encoding="utf-8")
        os.environ[VARIABLE] = str(path)
        try:
            yield
        finally:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before


def masked(table: pd.DataFrame, counts: Sequence[str]) -> pd.DataFrame:
    """Hide in a table of printed counts those that the joint audit hid.

    Parameters
    ----------
    table : DataFrame
        Printed counts.
    counts : sequence of str
        Which columns hold them.

    Returns
    -------
    DataFrame
        The same table, a missing number where a count is hidden, and a note on its row.
    """
    path = os.environ.get(VARIABLE)
    if not path or not set(table.columns) >= NEEDED:
        return table
    chosen = _read(path)
    hide = pd.DataFrame(False, index=table.index, columns=list(counts))
    for at, row in zip(table.index, table.to_dict("records"), strict=True):
        for column, count in named(row).items():
            if column in hide and count in chosen:
                hide.loc[at, column] = True
    out = table.assign(**{c: np.where(hide[c], np.nan, table[c].astype(float)) for c in counts})
    if "note" not in table:
        return out
    return out.assign(
        note=table["note"].astype(object).mask(hide.any(axis=1) & table["note"].eq(""), "suppressed")
    )


@functools.lru_cache(maxsize=4)
def _read(path: str) -> frozenset[Count]:
    return frozenset(from_record(r).count for r in json.loads(Path(path).read_text(encoding="utf-8")))
