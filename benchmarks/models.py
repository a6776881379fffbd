"""How much does a model cost on cells, and is it the row fit? Also: do its intervals cover what was planted?

    python benchmarks/models.py

2.8 million rows of 31 dummies, clustered by child. The yardstick is statsmodels on the rows: at full size
where 12 GB are free, and always at 200,000 rows; both on one thread. Ours is the median of three fits, the
yardstick one fit. Then 200 synthetic studies
whose relative rates at equal gravity are known: how often the interval of the adjusted relative rate holds
the planted one. Leaves with 1 if a target is missed.
"""

import os

# One thread, so that CPU time counts work and not threads that wait.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from ysj_analysis import adjusted_cells, adjusted_likelihood, models

ROWS, FEWER, SEEDS = 2_800_000, 200_000, 200
LEVELS = {
    "sex": 2,
    "age": 8,
    "looked_after": 2,
    "send": 2,
    "offence_group": 9,
    "gravity": 8,
    "previous": 3,
}
GROUPS = ["White", "Asian", "Black", "Mixed", "Other"]
TIMES_LESS, MEGABYTES, COVERAGE = 100, 500, (0.92, 0.98)


def national(n, seed=1):
    """Episodes of children, a group and a proneness each; columns as small as pandas holds them."""
    rng = np.random.default_rng(seed)
    child = rng.integers(0, n // 2, n, dtype=np.int32)
    of_child = rng.integers(0, 5, n // 2, dtype=np.int8)
    table = {"group": pd.Categorical.from_codes(of_child[child], GROUPS)}
    eta = rng.normal(-1, 0.5, n // 2)[child]
    for name, levels in LEVELS.items():
        codes = rng.integers(0, levels, n, dtype=np.int8)
        eta += np.linspace(0, 0.6, levels)[codes]
        table[name] = pd.Categorical.from_codes(codes, [str(i) for i in range(levels)])
    outcome = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(np.int8)
    return pd.DataFrame({**table, "outcome": outcome, "child_id": child})


def on_cells(rows):
    """Coefficients and errors of the whole model, from rows to answer, and the CPU time."""
    start = time.process_time()
    names = ["group", *LEVELS]
    cells = adjusted_cells.collapse(rows, names, y=rows["outcome"].to_numpy(float), child=rows["child_id"])
    parts = [cells.codes[:, [j]] == np.arange(1, len(v)) for j, v in enumerate(cells.levels)]
    design = np.hstack([np.ones((len(cells.rows), 1)), *parts])
    beta, point, _ = adjusted_likelihood.maximum(design, cells.events, cells.exposure, family="logistic")
    covariance = adjusted_likelihood.clustered(cells, design, point.mean, point.information)
    return beta, np.sqrt(np.diag(covariance)), time.process_time() - start


def on_rows(rows):
    """Fit the same in statsmodels."""
    import statsmodels.api as sm

    start = time.process_time()
    parts = [pd.get_dummies(rows[c], drop_first=True, dtype=float).to_numpy() for c in ["group", *LEVELS]]
    design = np.column_stack([np.ones(len(rows)), *parts])
    fit = sm.GLM(rows["outcome"].to_numpy(float), design, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": rows["child_id"].to_numpy()}, tol=1e-12
    )
    return fit.params, fit.bse, time.process_time() - start


def alone():
    """Fit on cells in a process of its own, and print its CPU time and the most memory it held."""
    rows = national(ROWS)
    whole = time.process_time()
    models.adjusted(rows, blocks={"all": list(LEVELS)})
    whole = time.process_time() - whole
    taken = statistics.median(on_cells(rows)[2] for _ in range(3))
    print(json.dumps([taken, whole, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def coverage(seeds=SEEDS):
    """Share of studies whose interval, adjusted for gravity, holds what was planted at equal gravity."""
    from dataclasses import replace

    from ysj_analysis import load, synthetic

    study = load.study("data/synthetic")
    held = {}
    for seed in range(seeds):
        made = synthetic.simulate(seed, areas=["Islington", "Haringey"], years=range(2016, 2021))
        children = made.children.assign(previous=made.children["previous"].astype(str))
        events = made.events.assign(date=pd.to_datetime(made.events["date"]))
        events["stage"] = pd.Categorical(events["stage"].astype(str), list(study.stages), ordered=True)
        one = replace(
            study, areas=("Islington", "Haringey"), years=(2016, 2020), children=children, events=events
        )
        for stage, family in (("custody", "logistic"), ("charge", "poisson")):
            cases = models.cases(one, outcome=stage)
            fit = models.adjusted(cases, blocks={"offence": ["gravity", "year"]}, family=family)
            table = fit.table[fit.table["measure"].str.endswith("ratio")]
            for row in table[table["group"].isin(["Black", "Mixed"])].to_dict("records"):
                truth = made.truth.direct[stage][row["group"]]
                key = stage, row["group"], row["block"]
                held.setdefault(key, []).append(row["low"] <= truth <= row["high"])
    return {key: float(np.mean(values)) for key, values in held.items()}


def free_gigabytes():
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def main() -> int:
    if "alone" in sys.argv:
        alone()
        return 0
    out = subprocess.run([sys.executable, __file__, "alone"], capture_output=True, text=True, check=True)
    taken, whole, memory = json.loads(out.stdout)
    size = ROWS if free_gigabytes() > 12 else FEWER
    missed = memory > MEGABYTES
    print(f"{ROWS:,} rows x 31 dummies, on cells       {taken:8.2f} s of CPU")
    print(
        f"  models.adjusted, two blocks, table out   {whole:8.2f} s of CPU, {memory:.0f} MB at most with imports"
    )
    for n in dict.fromkeys((FEWER, size)):
        rows = national(n)
        mine, peer = on_cells(rows), on_rows(rows)
        apart = [float(np.abs(a - b).max()) for a, b in zip(mine[:2], peer[:2], strict=True)]
        faster = peer[2] / (taken if n == ROWS else mine[2])
        missed |= apart[0] > 1e-8 or apart[1] > 1e-6 or (n == ROWS and faster < TIMES_LESS)
        print(
            f"statsmodels on {n:>9,} rows               {peer[2]:8.2f} s of CPU, {faster:.0f} times as much; "
            f"coefficients apart {apart[0]:.0e}, errors {apart[1]:.0e}"
        )
    for (stage, group, block), share in coverage().items():
        right = block == "offence"
        missed |= right and not COVERAGE[0] <= share <= COVERAGE[1]
        print(f"{stage}, {group}, {block}: the planted value is in {100 * share:.1f}% of {SEEDS} intervals")
    print("A target is missed." if missed else "All targets met.")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
