"""How long does a cascade with its limits take: a borough, 157 areas, and against a bootstrap?

    python benchmarks/decompose.py

The table is the synthetic Islington's relative rates, all stages and groups (and copies of it, an area
each). The yardstick draws 10,000 tables for one borough with arrays, as Poisson and binomial counts, and
takes quantiles. Times are medians. Leaves with 1 if a target is missed.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ysj_analysis import decompose, load, measures, pipeline

SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic"
AREAS, DRAWS = 157, 10_000
BOROUGH_MS, NATION_MS, WIDTH = 5, 300, 0.10


def median(function, times):
    """Median wall time in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def bootstrap(steps):
    """Limits of each step's cumulative relative rate by redrawing its counts."""
    rng, logs = np.random.default_rng(1), 0
    for x, n, sign in (("events", "denominator", 1), ("reference_events", "reference_denominator", -1)):
        events, base = steps[x].to_numpy(float), steps[n].to_numpy(float)
        poisson = steps["base"].astype(str).eq("population").to_numpy()
        share = np.minimum(events / base, 1)
        drawn = np.where(
            poisson,
            rng.poisson(events, (DRAWS, len(steps))),
            rng.binomial(base.astype(int), share, (DRAWS, len(steps))),
        )
        logs = logs + sign * np.log(np.maximum(drawn, 0.5) / base)
    path = steps["group"].astype(str).to_numpy()
    sums = np.hstack([np.cumsum(logs[:, path == g], axis=1) for g in dict.fromkeys(path)])
    return np.quantile(sums, [0.025, 0.975], axis=0)


def main() -> int:
    study = load.study(SYNTHETIC)
    counts = pipeline.conditional(pipeline.for_report(study, area="Islington", year=2023), study.stages)
    ratios = measures.relative_rates(counts)
    many = pd.concat([ratios.assign(area=f"area {i}") for i in range(AREAS)], ignore_index=True)
    ask = {"stages": study.stages, "to": "custody"}
    borough = median(lambda: decompose.cascade(ratios, **ask), 50)
    nation = median(lambda: decompose.cascade(many, **ask), 7)
    at_parity = median(lambda: decompose.counterfactual(many, **ask), 7)

    filled = ratios.assign(**{c: ratios[c] * 20 for c in ratios if c.endswith(("events", "denominator"))})
    filled = filled[["area", "year", "years", "unit", "stage", "base", "group", "events", "denominator"]]
    steps = decompose.cascade(measures.relative_rates(filled), **ask)
    redrawn = median(lambda: bootstrap(steps), 3)
    low, high = bootstrap(steps)
    width = np.log(steps["reached_high"] / steps["reached_low"]).to_numpy() / (high - low)

    print(
        f"cascade with limits, a borough, {len(ratios)} rows        {borough:8.1f} ms   (under {BOROUGH_MS})"
    )
    print(f"cascade with limits, {AREAS} areas, {len(many):,} rows  {nation:8.1f} ms   (under {NATION_MS})")
    print(f"children at parity, {AREAS} areas                {at_parity:8.1f} ms")
    print(f"bootstrap of one borough, {DRAWS:,} draws        {redrawn:8.1f} ms")
    print(f"times faster, a borough                       {redrawn / borough:8.0f}")
    print(f"width over the bootstrap's, median            {np.median(width):8.3f}   (counts times 20)")
    missed = borough > BOROUGH_MS or nation > NATION_MS or abs(np.median(width) - 1) > WIDTH
    print("A target is missed." if missed else "All targets met.")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
