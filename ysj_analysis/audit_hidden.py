"""Which counts has the joint audit hidden in this run, and which has a notebook shown? Two files tell.

A notebook runs in a process of its own, so what the audit of a first run found to need hiding is handed
to the next run in a file, named by a variable of its surroundings. It can only hide, never show. In
turn the notebook writes down every printed count that a sentence, a table or a chart has read, so that
the audit misses none of them.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .joint_facts import HIDDEN, Count, Fact, as_record, from_record, told
from .joint_names import names, names_in_words
from .once import doing
from .policies import Policy, counts_of

VARIABLE = "YSJ_HIDDEN_COUNTS"
"""Names the file with the counts to hide."""
SHOWN = "YSJ_SHOWN_COUNTS"
"""Names the folder in which the counts that are shown are written down."""

_DRAFT = "YSJ_DRAFT"
"""Says that a run is only for the audit: charts are not drawn."""

Rows = tuple[tuple[Fact, ...], ...]
"""The counts of each row of a table."""
_written: dict[tuple[str, int], Rows] = {}


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


@contextlib.contextmanager
def noting() -> Iterator[list[Fact]]:
    """Note every printed count that is shown within the block, in this process or one it starts.

    Yields
    ------
    list of Fact
        Empty at first; filled when the block ends.
    """
    before = os.environ.get(SHOWN)
    shown: list[Fact] = []
    with tempfile.TemporaryDirectory(prefix="ysj-") as folder:
        os.environ[SHOWN] = folder
        try:
            yield shown
            for path in sorted(Path(folder).iterdir()):
                shown += [from_record(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
        finally:
            _written.clear()
            os.environ.pop(SHOWN)
            if before is not None:
                os.environ[SHOWN] = before


@contextlib.contextmanager
def drafting(wanted: bool) -> Iterator[None]:
    """Have charts left undrawn within the block, in processes it starts; what they read is noted all the same."""
    if not wanted:
        yield
        return
    os.environ[_DRAFT] = "1"
    try:
        yield
    finally:
        os.environ.pop(_DRAFT, None)


def undrawn() -> bool:
    """Whether charts are left undrawn in this run."""
    return os.environ.get(_DRAFT) == "1"


def note(rows: Rows) -> None:
    """Write down that these printed counts are shown, once; nothing where nobody notes."""
    doing(_write_down, rows)


def _write_down(rows: Rows) -> None:
    folder = os.environ.get(SHOWN)
    if not folder or (folder, id(rows)) in _written:
        return
    _written[folder, id(rows)] = rows  # kept, so that no other takes its place in memory
    lines = [json.dumps(as_record(fact), ensure_ascii=False) for row in rows for fact in row]
    with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def printed_rows(
    true: pd.DataFrame,
    counts: Sequence[str],
    rule: Policy,
    of: Mapping[str, Any] | None = None,
    *,
    texts: Sequence[str] = (),
) -> tuple[pd.DataFrame, Rows]:
    """Print the counts of a table by a policy, but for those that the joint audit hid, and say what it tells.

    Parameters
    ----------
    true : DataFrame
        True counts.
    counts : sequence of str
        Which columns hold them.
    rule : Policy
        The policy.
    of : mapping, optional
        As for ``joint_names.names``.
    texts : sequence of str
        Columns of text that may hold counts.

    Returns
    -------
    tuple
        The same table, a missing number where a count is hidden and a note on its row; and what each row
        tells of which counts, empty where nobody notes it. Where the audit hid a count of a row, the counts
        in the words of that row are hidden too: they may be the same.
    """
    words = true[list(texts)].astype(str)
    table = true.assign(**{c: rule.printed(true[c]) for c in counts})
    table = table.assign(**{c: words[c].map(rule.words) for c in texts})
    path, noted = os.environ.get(VARIABLE), os.environ.get(SHOWN)
    if not (path or noted) or not rule.protects:
        return table, ()
    chosen, every = _read(path) if path else frozenset(), names(table, counts, of)
    hide = pd.DataFrame(
        [[row.get(c) in chosen for c in counts] for row in every], index=table.index, columns=list(counts)
    )
    out = table.assign(**{c: np.where(hide[c], np.nan, table[c].astype(float)) for c in counts})
    if "note" in table:
        noted_now = hide.any(axis=1) & table["note"].eq("")
        out = out.assign(note=table["note"].astype(object).mask(noted_now, "suppressed"))
    rows = [_told(row, here, was, rule, chosen) for row, here, was in _rows(every, out, true)]
    if not texts:
        return out, tuple(rows)
    return _worded(out, rows, words, hide.any(axis=1).tolist(), rule, chosen, of)


def _worded(
    out: pd.DataFrame,
    rows: list[tuple[Fact, ...]],
    words: pd.DataFrame,
    hide: list[bool],
    rule: Policy,
    chosen: frozenset[Count],
    of: Mapping[str, Any] | None,
) -> tuple[pd.DataFrame, Rows]:
    """Print the counts in the words of a table that the audit has not hidden, and say what they tell too."""
    for column in words:
        texts, named = [], names_in_words(list(words[column]), column, of)
        for at, (text, every) in enumerate(zip(words[column], named, strict=True)):
            hidden = {i for i, count in enumerate(every) if hide[at] or count in chosen}
            shown = zip(every, rule.printed(counts_of(text)), strict=True)
            rows[at] += tuple(
                fact
                for i, (count, value) in enumerate(shown)
                if i not in hidden or count in chosen
                if (fact := told(count, _mark(value, i in hidden), rule, hidden=chosen)) is not None
            )
            texts.append(rule.words(text, hidden=hidden))
        out = out.assign(**{column: texts})
    return out, tuple(rows)


def _mark(value: float, hidden: bool) -> str:
    return HIDDEN if hidden or value != value else str(value)


def _rows(every, out: pd.DataFrame, true: pd.DataFrame) -> Iterator[tuple]:
    return zip(every, out.to_dict("records"), true.to_dict("records"), strict=True)


def _told(row: Mapping[str, Count], here: Mapping, was: Mapping, rule: Policy, chosen: frozenset) -> tuple:
    """Say what a row as printed tells; a number that was never there tells nothing."""
    texts = {c: HIDDEN if here[c] != here[c] else str(here[c]) for c in row if was[c] == was[c]}
    found = (told(row[c], text, rule, hidden=chosen) for c, text in texts.items())
    return tuple(fact for fact in found if fact is not None)


@functools.lru_cache(maxsize=4)
def _read(path: str) -> frozenset[Count]:
    return frozenset(from_record(r).count for r in json.loads(Path(path).read_text(encoding="utf-8")))
