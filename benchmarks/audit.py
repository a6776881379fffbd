"""How long does the joint audit take, and how much is left to print?

Random studies of a borough's size (eight stages, groups as the shape says), in the shapes a report can have. Run:
``python benchmarks/audit.py [STUDIES]``; each line is a shape: cells, seconds, share of cells and of
value printed (and by the local rule alone), counts coarsened, and how many true counts of 1 to 4 lie in a range
that gives them away.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from ysj_analysis.joint_audit import failing
from ysj_analysis.joint_facts import OWN, REACHED, UNLIMITED, Count, Fact, together
from ysj_analysis.joint_repair import audited
from ysj_analysis.joint_system import systems
from ysj_analysis.policies import PUBLIC, DisclosureError

YEARS = range(2019, 2024)
SEVEN = (0.10, 0.25, 0.04, 0.14, 0.03, 0.40, 0.04)
SIX = (0.10, 0.25, 0.14, 0.03, 0.40, 0.08)
FOUR = (0.10, 0.27, 0.16, 0.47)
STAGES = {
    "arrest": 165, "no_further_action": 60, "diversion": 35, "caution": 20, "charge": 55,
    "convicted": 40, "community": 28, "custody": 5,
}  # fmt: skip
SINGLE = [(y, y) for y in YEARS]
ROLLING = [(y, y + 2) for y in YEARS if y + 2 in YEARS]
SHAPES = {
    "one year": [(2023, 2023)],
    "three pooled": [(2021, 2023)],
    "three pooled, 4 groups": [(2021, 2023)],
    "five pooled": [(2019, 2023)],
    "five pooled, 4 groups": [(2019, 2023)],
    "singles and five": [*SINGLE, (2019, 2023)],
    "rolling threes": ROLLING,
    "singles, threes, five": [*SINGLE, *ROLLING, (2019, 2023)],
    "five, by sex": [(2019, 2023)],
    "all, by sex": [*SINGLE, *ROLLING, (2019, 2023)],
    "five pooled, 6 groups and total": [(2019, 2023)],
    "three pooled, 4 groups and total": [(2021, 2023)],
    "all, 6 groups and total": [*SINGLE, *ROLLING, (2019, 2023)],
}


def groups(shape: str) -> tuple[float, ...]:
    """Give the share of each group in a shape."""
    return FOUR if "4 groups" in shape else SIX if "6 groups" in shape else SEVEN


def study(rng: np.random.Generator, groups: tuple[float, ...] = SEVEN) -> dict[tuple, np.ndarray]:
    """Draw children: for each stage, group and sex, in which of the years each child was there."""
    drawn = {}
    for stage, size in STAGES.items():
        for group, share in enumerate(groups):
            for sex, part in (("f", 0.2), ("m", 0.8)):
                children = rng.poisson(size * share * part * len(YEARS) * 0.85)
                there = rng.random((children, len(YEARS))) < 0.06
                there[np.arange(children), rng.integers(0, len(YEARS), children)] = True
                drawn[stage, f"G{group}", sex] = there
    return drawn


def printed(drawn: dict, shape: str) -> tuple[list[Fact], dict[Count, int]]:
    """Print the counts of a shape by the local rule, and keep the true ones to judge by."""
    true: dict[Count, int] = {}
    split = shape.endswith("sex")
    for (stage, group, sex), there in drawn.items():
        for first, last in SHAPES[shape]:
            number = int(there[:, first - YEARS[0] : last - YEARS[0] + 1].any(axis=1).sum())
            parts: list[tuple] = [(("group", group),)] + ([(("group", group), ("sex", sex))] if split else [])
            parts += [()] if shape.endswith("total") else []
            for where in parts:
                count = Count("children", stage, "A", REACHED, first, last, where)
                true[count] = true.get(count, 0) + number
    shown = PUBLIC.printed(list(true.values()))
    facts = [
        Fact(c, 0, PUBLIC.hidden_below - 1) if np.isnan(v) else Fact(c, int(v) - 2, int(v) + 2)
        for c, v in zip(true, shown, strict=True)
    ]
    return facts, true


def given_away(facts, true: dict[Count, int]) -> int:
    """Count the true 1 to 4 that lie in a range of at most two either side."""
    names = {str(c): v for c, v in true.items()}
    found = [f for s in systems(together(facts)) for f in failing(s)]
    return sum(1 <= names.get(f.name, 0) <= 4 and f.high - f.low <= 4 for f in found)


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for shape in SHAPES:
        rows, refused = [], 0
        for seed in range(studies):
            facts, true = printed(study(np.random.default_rng(seed), groups(shape)), shape)
            before = given_away(facts, true)
            start = time.perf_counter()
            try:
                out = audited(facts, PUBLIC, steps=(3,))
            except DisclosureError:
                refused += 1
                continue
            took = time.perf_counter() - start
            own = [f for f in out.facts if f.origin == OWN]
            after = given_away(own, true)
            shown = [f.count for f in own if f.low > 0 and f.high < UNLIMITED]
            rule = [f.count for f in facts if f.low > 0]
            value, alone = (sum(true[c] for c in some) / sum(true.values()) for some in (shown, rule))
            shares = (len(shown) / len(own), value, len(rule) / len(own), alone)
            rows.append((len(facts), took, *shares, len(out.coarsened), before, after))
        if not rows:
            print(f"{shape:22} all {refused} refused", flush=True)
            continue
        mean = np.mean(rows, axis=0)
        print(
            f"{shape:32} {mean[0]:5.0f} cells {mean[1]:6.2f} s (most {np.max(rows, axis=0)[1]:.2f})  "
            f"cells {mean[2]:.3f} ({mean[4]:.3f})  value {mean[3]:.3f} ({mean[5]:.3f})  coarsened {mean[6]:.1f}  "
            f"given away {mean[7]:.2f} -> {mean[8]:.2f}  refused {refused}",
            flush=True,
        )


if __name__ == "__main__":
    main()
