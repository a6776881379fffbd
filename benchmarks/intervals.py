"""How long do 56,520 relative rates with intervals take?

    python benchmarks/intervals.py

157 services, 10 years, 9 stages and 4 groups against a reference. Times are of the processor, the best of
several runs. Two yardsticks: the loop over statsmodels that this replaces, timed on a sample and scaled
up, and the same arithmetic compiled, one cell at a time (``intervals.c``; left out where there is no C
compiler). The answers are compared before the times are. Leaves with 1 if a target is missed.
"""

import ctypes
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from ysj_analysis import intervals

AREAS, YEARS, STAGES, GROUPS = 157, 10, 9, 4
SAMPLE = 1000
TARGETS = {"miettinen-nurminen": 8, "mid-p": 15}  # times the compiled time, where over MILLISECONDS
MILLISECONDS = 150
TIMES_STATSMODELS = 200
Z = 1.959963984540054


def cells(seed=1):
    """Make counts like a service's: a few children in most cells, none in many, 4 of 4 in some."""
    rng = np.random.default_rng(seed)
    shape = (AREAS, YEARS, STAGES, GROUPS)
    size = np.exp(rng.normal(4.6, 0.8, (AREAS, 1, 1, 1)))
    reached = np.array([1, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.06])[None, None, :, None]
    share = np.array([0.35, 0.2, 0.15, 0.05])
    n1 = rng.poisson(size * reached * share * np.ones(shape)) + 1
    n2 = rng.poisson(size * reached * np.ones((AREAS, YEARS, STAGES, 1))) + 1
    x1 = rng.binomial(n1, rng.beta(2, 4, shape))
    x2 = rng.binomial(n2, rng.beta(2, 4, (AREAS, YEARS, STAGES, 1)))
    return [np.broadcast_to(a, shape).astype(float).ravel() for a in (x1, n1, x2, n2)]


def processor_time(call, repeats=7):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    return min(times), result


def compiled():
    """Compile the yardstick and give its two functions, or None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source = Path(__file__).with_name("intervals.c")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "intervals.so"
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-lm"]
        subprocess.run(command, check=True)
        loaded = ctypes.CDLL(str(library))
    column = np.ctypeslib.ndpointer(float, flags="C_CONTIGUOUS")
    functions = {"miettinen-nurminen": loaded.miettinen_nurminen, "mid-p": loaded.mid_p}

    def caller(function):
        function.argtypes = [ctypes.c_long, *[column] * 4, ctypes.c_double, column, column]

        def call(*columns):
            low, high = np.empty_like(columns[0]), np.empty_like(columns[0])
            function(low.size, *columns, Z, low, high)
            return low, high

        return call

    return {name: caller(function) for name, function in functions.items()}


def statsmodels_loop(columns):
    """Time the score interval of statsmodels, without its test, on cells neither zero nor full."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    x1, n1, x2, n2 = columns
    plain = np.flatnonzero((x1 > 0) & (x2 > 0) & (x1 < n1) & (x2 < n2))[:SAMPLE]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        taken, found = processor_time(
            lambda: [
                confint_proportions_2indep(
                    *(c[i] for c in columns), compare="ratio", method="score", correction=True
                )
                for i in plain
            ],
            repeats=1,
        )
    return taken * x1.size / plain.size, plain, np.array(found)


def main():
    columns = cells()
    x1, n1, x2, n2 = columns
    yardstick = compiled()
    calls = {
        "miettinen-nurminen": lambda: intervals.risk_ratio(*columns),
        "mid-p": lambda: intervals.rate_ratio(x1, n1 * 40, x2, n2 * 40),
    }
    print(
        f"{x1.size:,} cells; {np.mean((x1 == 0) | (x2 == 0)):.0%} with a zero, "
        f"{np.mean((x1 == n1) | (x2 == n2)):.0%} with a full cohort, median count {np.median(x1):.0f}"
    )
    print(f"{'interval and test':38}{'processor':>12}{'compiled':>12}{'ratio':>8}")
    missed, ours = [], {}
    for name, call in calls.items():
        taken, result = processor_time(call)
        ours[name] = taken, result
        line = f"{name:38}{taken * 1e3:9.0f} ms"
        ratio = np.inf
        if yardstick is not None:
            inputs = columns if name == "miettinen-nurminen" else [x1, n1 * 40, x2, n2 * 40]
            base, (low, high) = processor_time(lambda name=name, inputs=inputs: yardstick[name](*inputs))
            ratio = taken / base
            np.testing.assert_allclose(result.low, low, rtol=1e-6)
            np.testing.assert_allclose(result.high, high, rtol=1e-6)
            line += f"{base * 1e3:9.0f} ms{ratio:8.1f}"
        print(line if yardstick is not None else line + "   no C compiler: row left out")
        if taken * 1e3 >= MILLISECONDS and ratio >= TARGETS[name]:
            missed.append(
                f"{name}: {taken * 1e3:.0f} ms, over {MILLISECONDS} ms and {TARGETS[name]} times compiled"
            )
    scaled, plain, found = statsmodels_loop(columns)
    taken, result = ours["miettinen-nurminen"]
    np.testing.assert_allclose(np.stack([result.low, result.high], axis=1)[plain], np.real(found), rtol=1e-5)
    print(
        f"{'statsmodels loop, interval only':38}{scaled * 1e3:9,.0f} ms"
        f"    {scaled / taken:.0f} times ours; scaled up from {plain.size:,} cells neither zero nor full"
    )
    if scaled < TIMES_STATSMODELS * taken:
        missed.append(f"miettinen-nurminen: only {scaled / taken:.0f} times as fast as the statsmodels loop")
    others = {
        "koopman": lambda: intervals.risk_ratio(*columns, method="koopman"),
        "risk difference, newcombe": lambda: intervals.risk_difference(*columns),
        "risk difference, miettinen-nurminen": lambda: intervals.risk_difference(
            *columns, method="miettinen-nurminen"
        ),
        "rate ratio, score": lambda: intervals.rate_ratio(*columns, method="score"),
        "rate ratio, exact": lambda: intervals.rate_ratio(*columns, method="exact"),
        "rate difference": lambda: intervals.rate_difference(*columns),
        "odds ratio, mid-p": lambda: intervals.odds_ratio(*columns),
        "rate, ohid": lambda: intervals.rate(x1, n1),
        "proportion, wilson": lambda: intervals.proportion(x1, n1),
    }
    for name, call in others.items():
        print(f"{name:38}{processor_time(call, 3)[0] * 1e3:9.0f} ms")
    if missed:
        sys.exit("Target missed: " + "; ".join(missed))
    print("All targets met.")


if __name__ == "__main__":
    main()
