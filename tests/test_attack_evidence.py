"""Random studies, pairs of editions and private tables that print alike: a few of those in benchmarks/evidence.py."""

import importlib.util
from pathlib import Path

import numpy as np

from ysj_analysis.attack import Attack, Finding
from ysj_analysis.attack_facts import Cell

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "evidence.py"


def _script():
    spec = importlib.util.spec_from_file_location("benchmark_evidence", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


evidence = _script()


def test_nothing_is_recovered_from_a_random_study():
    found = evidence.one_study("five pooled", 3)
    assert found["small"] > 10
    assert found["recovered"] == found["recovered_if_told"] == 0


def test_nothing_is_recovered_from_an_edition_and_its_revision():
    found = evidence.pairs("revision", 1)
    assert found["recovered"] == found["recovered_if_told"] == 0


def test_private_tables_that_print_alike_are_released_alike():
    of, counts, first = evidence._first_print()
    for seed in (1, 2):
        other = evidence._alike(counts, np.random.default_rng(seed))
        assert (other["events"] != counts["events"]).sum() > 10
        assert evidence._written(other, of) == first


def test_one_record_that_came_late_is_looked_for():
    """12 becomes 13, so the print goes from 10 to 15: a count that was hidden in a total of both is found."""
    cells = {
        g: Cell("custody", "children", (("area", "A"), ("group", g))) for g in ("Black", "White", "(all)")
    }
    total = cells["(all)"]
    first = evidence.Release(counts=[evidence.Count(cells["Black"], 8, 12, "10", "first")])
    second = [
        evidence.Count(cells["Black"], 13, 17, "15", "second"),
        evidence.Count(cells["White"], 0, 7, "[c]", "second"),
        evidence.Count(total, 13, 15, "13 to 15", "second"),
    ]
    sums = [evidence.Sum(total, (cells["Black"], cells["White"]), True, "groups")]
    both = evidence._before(first)
    both.add(evidence.Release(counts=second, sums=sums))
    (found,) = [f for f in evidence.work_out(both).findings if f.cell == cells["White"]]
    assert (found.low, found.high) == (0, 2)
    alone = evidence.work_out(evidence.Release(counts=second[1:], sums=sums))
    assert not [f for f in alone.findings if f.cell == cells["White"]]


def test_who_judges_counts_what_is_right_and_what_is_wrong():
    cells = [Cell("custody", "children", (("group", g),)) for g in "abcde"]
    true = dict(zip(cells, (3, 3, 0, 6, 2), strict=True))
    ranges = [(3, 3), (1, 2), (0, 1), (6, 7), (1, 3)]
    found = Attack([Finding(c, *r, guess=c == cells[4]) for c, r in zip(cells, ranges, strict=True)])
    assert evidence.judged(found, true) == (1, 1, 1)
    assert evidence.judged(Attack([Finding(cells[4], 0, 7)]), true) == (0, 0, 0)
