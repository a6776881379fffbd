"""What do the words of a report mean? One line for each that a board member may not know."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from .vocabulary import STAGES
from .wording import Words

_FILE = Path(__file__).parent / "data" / "terms.csv"


def explained(counts: pd.DataFrame, words: Words) -> pd.DataFrame:
    """List the words that a report on some stages uses, in the order in which it does.

    Parameters
    ----------
    counts : DataFrame
        As ``pipeline.stage_counts``: its stages are explained where they are the kit's own, and not a study's.
    words : Words
        The study's words.

    Returns
    -------
    DataFrame of str
        ``term, meaning``. Release it with ``counts=()``.

    Examples
    --------
    >>> explained(pd.DataFrame({"stage": ["custody"]}), Words())["term"].head(2).to_list()
    ['Relative rate', 'Parity']
    """
    table = pd.read_csv(_FILE, dtype=str, encoding="utf-8").fillna("")
    shown = set(_own(counts["stage"].astype(str).unique(), words))
    kept = table["stage"].isin({"", *shown})
    return table.loc[kept, ["term", "meaning"]].reset_index(drop=True)


def _own(stages: Iterable[str], words: Words) -> Iterable[str]:
    """List the stages that are the kit's own."""
    return (s for s in stages if s in STAGES and words.stages.get(s) == STAGES[s])
