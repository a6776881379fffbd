"""Do private tables that print the same give the same release, byte for byte?

Random boroughs are printed by the local rule; then true counts are drawn again within what each print stands
for, and the whole edition is made again: tables, audit beside an earlier edition, repair, ledger. Run:
``python benchmarks/simulatable.py [TABLES]``; it ends with how many of them gave other bytes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from ysj_analysis import editions, measures
from ysj_analysis.datafile import csv
from ysj_analysis.disclosure import release
from ysj_analysis.joint_release import cleared
from ysj_analysis.policies import PUBLIC

GROUPS = {"Asian": 2, "Black": 9, "Mixed": 5, "White": 16}
STAGES = {"charge": 3.0, "custody": 0.7}
BY_BOROUGH = 50


def borough(rng: np.random.Generator) -> list[pd.DataFrame]:
    """Draw a borough's true counts: by sex, without it, and the year before."""
    rows = [
        {"area": "A", "year": 2023, "years": 1, "unit": "episodes", "stage": stage, "base": "population",
         "group": group, "sex": sex, "events": float(rng.poisson(size * often * part)), "denominator": 1000.0}
        for stage, often in STAGES.items()
        for group, size in GROUPS.items()
        for sex, part in (("female", 0.4), ("male", 1.4))
    ]  # fmt: skip
    split = pd.DataFrame(rows)
    keys = ["area", "year", "years", "unit", "stage", "base", "group"]
    whole = split.groupby(keys, sort=False, as_index=False).agg(
        events=("events", "sum"), denominator=("denominator", "first")
    )
    return [split, whole]


def alike(tables: list[pd.DataFrame], rng: np.random.Generator) -> list[pd.DataFrame]:
    """Draw other counts that print the same, each for itself: whoever sees the prints alone can do so too."""
    out = []
    for table in tables:
        shown = PUBLIC.printed(table["events"])
        low = np.where(np.isnan(shown), 0, shown - PUBLIC.half).astype(int)
        high = np.where(np.isnan(shown), PUBLIC.hidden_below - 1, shown + PUBLIC.half).astype(int)
        out.append(table.assign(events=rng.integers(low, high + 1).astype(float)))
    return out


def edition(tables: list[pd.DataFrame]) -> tuple[bytes, int]:
    """Make the whole edition of these tables; give all it writes, and how many counts the audit hid."""

    def run() -> dict:
        shown = [release(t) for t in tables]
        shown.append(shown[1].measure(measures.relative_rates, reference="White"))
        return {str(i): {"csv": csv(s.table, s.counts), "policy": s.policy.name} for i, s in enumerate(shown)}

    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / editions.NAME
        texts, found = cleared(run, lambda s: s, name="report", rule=PUBLIC, ledger=ledger)
        editions.append(ledger, found.edition)
        return repr(texts).encode() + ledger.read_bytes() + repr(found.usefulness).encode(), len(
            found.edition.hidden
        )


def different(number: int, seed: int = 0) -> tuple[int, int]:
    """Make so many alternative tables; count those that give other bytes, and boroughs in which the audit hid."""
    rng, other, repaired = np.random.default_rng(seed), 0, 0
    for start in range(0, number, BY_BOROUGH):
        tables = borough(rng)
        first, hid = edition(tables)
        repaired += hid > 0
        other += sum(edition(alike(tables, rng))[0] != first for _ in range(min(BY_BOROUGH, number - start)))
    return other, repaired


if __name__ == "__main__":
    tables = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    other, repaired = different(tables)
    print(
        f"{tables:,} tables that print the same: {other} gave other bytes. The audit hid counts in {repaired} boroughs."
    )
