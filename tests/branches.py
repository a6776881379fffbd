"""How many branches of some modules do their tests take? Branches alone: a line that runs is no evidence of them.

Run by ``make gate``: ``coverage json -o - | python tests/branches.py MODULE...``. It names every branch that is not
taken, as the line it leaves and the line it would go to (below 0: out of what begins there), and fails under 95 in 100.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

LEAST = 0.95


def counted(found: dict, modules: Sequence[str]) -> tuple[list[str], int, int]:
    """Say of each module which branches are not taken, and of all how many are taken, of how many."""
    lines, taken, every = [], 0, 0
    for module in modules:
        of = found["files"][module]
        covered, number = of["summary"]["covered_branches"], of["summary"]["num_branches"]
        missing = ", ".join(f"{a} to {b}" for a, b in of["missing_branches"])
        lines.append(f"{module:40} {covered:4} of {number:4}  {missing}")
        taken, every = taken + covered, every + number
    return lines, taken, every


def main() -> int:
    lines, taken, every = counted(json.load(sys.stdin), sys.argv[1:])
    share = taken / every
    print("\n".join(lines))
    print(f"{taken} of {every} branches taken: {share:.1%}; at least {LEAST:.0%} wanted.")
    return int(share < LEAST)


if __name__ == "__main__":
    raise SystemExit(main())
