"""How long do clustered intervals of 56,520 relative rates take, and are they as wide as a bootstrap's?

    python benchmarks/clusters.py

157 services, 10 years, 9 stages, 4 groups against a reference; children of one to six episodes. The
yardstick resamples children, rebuilds their rows and counts them again, as one does in pandas; a few
replicates are timed and scaled to 1,000. Widths are compared where each group has 40 events or more (a
percentile bootstrap of fewer is itself too narrow), by 2,000 replicates of weights on the children.
Leaves with 1 if a target is missed.
"""

import sys
import time

import numpy as np
import pandas as pd

from ysj_analysis import clusters

AREAS, YEARS, STAGES = 157, 10, 9
GROUPS = ("Asian", "Black", "Mixed", "Other", "White")
SHARES = np.array([0.08, 0.3, 0.15, 0.07, 0.4])
KEYS = ["area", "year", "stage", "group", "base"]
REPLICATES, TIMED = 1_000, 3
TIMES_FASTER, WIDTH = 1_000, 0.03


def population(seed=1, children=60):
    """One row a child, year and stage: how many episodes, and how many of them reached the stage."""
    rng = np.random.default_rng(seed)
    n = AREAS * YEARS * children
    who = pd.DataFrame(
        {
            "area": np.repeat(np.arange(AREAS), YEARS * children),
            "year": np.tile(np.repeat(np.arange(YEARS), children), AREAS),
            "group": pd.Categorical.from_codes(rng.choice(len(GROUPS), n, p=SHARES), GROUPS),
            "child_id": np.arange(n),
        }
    )
    often = 1 + rng.geometric(0.5, n).clip(max=6)
    reached = rng.binomial(often[:, None], rng.beta(1.5, 2.5, (n, 1)) * np.linspace(1, 0.6, STAGES))
    rows = who.loc[who.index.repeat(STAGES)].reset_index(drop=True)
    return rows.assign(
        stage=np.tile(np.arange(STAGES), n),
        base="arrest",
        events=reached.ravel(),
        denominator=np.repeat(often, STAGES),
    )


def one_replicate(rows, rng):
    """Draw children with replacement within a year of an area, and count their rows again."""
    children = rows["child_id"].nunique()
    per = children // (AREAS * YEARS)
    drawn = rng.integers(0, per, children) + np.repeat(np.arange(AREAS * YEARS) * per, per)
    at = (drawn[:, None] * STAGES + np.arange(STAGES)).ravel()
    return rows.iloc[at].groupby(KEYS, observed=True)[["events", "denominator"]].sum()


def widths(rows, cells, replicates=2_000):
    """Width of our interval over a bootstrap's, on the log scale, for well-filled cells of one year."""
    found = clusters.relative_rates(cells)
    few = found["events"].lt(40) | found["reference_events"].lt(40) | found["group"].eq("White")
    ratios, rng = [], np.random.default_rng(2)
    for row in found[~few].head(60).to_dict("records"):
        logs = []
        for group in (row["group"], "White"):
            same = (
                (rows["area"] == row["area"])
                & (rows["year"] == row["year"])
                & (rows["stage"] == row["stage"])
            )
            x, n = rows.loc[same & (rows["group"] == group), ["events", "denominator"]].to_numpy(float).T
            weights = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), replicates)
            logs.append(np.log((weights @ x) / (weights @ n)))
        low, high = np.quantile(logs[0] - logs[1], [0.025, 0.975])
        ratios.append(np.log(row["high"] / row["low"]) / (high - low))
    return np.array(ratios)


def main() -> int:
    rows = population()
    start = time.process_time()
    cells = clusters.collapse(rows, keys=KEYS)
    collapsed = time.process_time() - start
    start = time.process_time()
    found = clusters.relative_rates(cells)
    table = time.process_time() - start
    white = cells["group"].eq("White").to_numpy()
    other = np.flatnonzero(white)[np.cumsum(white) - 1]  # as cells come, some comparison's reference
    start = time.process_time()
    rate = cells["events"].to_numpy() / cells["denominator"].to_numpy()
    variance, g = clusters.log_variance(cells, poisson=False), cells["clusters"].to_numpy()
    clusters.log_interval(rate / rate[other], variance + variance[other], g + g[other] - 1)
    ours = time.process_time() - start
    rng = np.random.default_rng(3)
    start = time.process_time()
    for _ in range(TIMED):
        one_replicate(rows, rng)
    bootstrap = (time.process_time() - start) / TIMED * REPLICATES

    big = population(4, children=600)
    big = big[big["area"].lt(4) & big["year"].lt(2)]
    ratio = widths(big, clusters.collapse(big, keys=KEYS))
    compared = int(found["group"].ne("White").sum())
    print(f"relative rates with clustered intervals  {compared:>8,}")
    print(f"intervals, arrays                        {1000 * ours:8.1f} ms")
    print(f"intervals, table in, table out           {1000 * table:8.0f} ms")
    print(f"collapsing {len(rows):,} rows first      {1000 * collapsed:8.0f} ms")
    print(f"row bootstrap, {REPLICATES:,} replicates            {bootstrap:8.0f} s   (scaled from {TIMED})")
    print(f"times faster, arrays                     {bootstrap / ours:8,.0f}")
    print(f"times faster, collapse and table         {bootstrap / (table + collapsed):8,.0f}")
    print(f"width over the bootstrap's, median       {np.median(ratio):8.3f}   ({len(ratio)} cells)")
    missed = bootstrap / ours < TIMES_FASTER or abs(np.median(ratio) - 1) > WIDTH
    print("A target is missed." if missed else "All targets met.")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
