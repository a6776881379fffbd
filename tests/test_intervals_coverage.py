"""The page on methods says how often the intervals are right: some of it is enumerated again here."""

import csv
import importlib.util
from pathlib import Path

import pytest

from ysj_analysis import intervals

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "methods" / "intervals.md"


@pytest.fixture(scope="module")
def coverage():
    spec = importlib.util.spec_from_file_location("coverage_benchmark", ROOT / "benchmarks" / "coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def printed():
    with open(ROOT / "docs" / "methods" / "coverage.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_page_prints_the_table_that_was_measured(coverage, printed):
    assert coverage.table(printed) in PAGE.read_text(encoding="utf-8")
    assert not list(coverage.broken_promises(printed))


def test_rate_ratio_covers_94_per_cent_from_3_expected(coverage):
    settings = coverage.populations(
        intervals.rate_ratio,
        "rate_ratio",
        {"method": "mid-p"},
        means=[3, 3.7, 5.3, 11, 24],
        ratios=[1, 1.7, 4],
    )
    for _, _, above, below, _, label in settings:
        assert above + below < 0.06, label
        assert max(above, below) < 0.03, label


def test_risk_ratio_covers_93_per_cent_from_3_expected_of_each_kind(coverage):
    settings = coverage.cohorts(
        intervals.risk_ratio, "risk_ratio", "miettinen-nurminen", [(11, 30), (25, 40)]
    )
    checked = 0
    for events, others, above, below, _, label in settings:
        if min(events, others) >= 3:
            checked += 1
            assert above + below < 0.07, label
    assert checked > 1000


def test_what_is_printed_is_what_is_measured(coverage, printed):
    """One method of each kind, enumerated again to the last printed digit but one."""
    again = {
        ("risk_ratio", "koopman"): coverage.cohorts(intervals.risk_ratio, "risk_ratio", "koopman"),
        ("rate_ratio", "mid-p"): coverage.populations(
            intervals.rate_ratio, "rate_ratio", {"method": "mid-p"}
        ),
        ("proportion", "wilson"): coverage.one_cohort(intervals.proportion, "proportion", "wilson"),
        ("rate", "ohid"): coverage.one_population(intervals.rate, "rate", "ohid"),
    }
    for (measure, method), settings in again.items():
        rows = [row for row in printed if (row["measure"], row["method"]) == (measure, method)]
        fresh = list(coverage.summarise(measure, method, settings))
        assert len(rows) == len(fresh) > 0
        for row, new in zip(rows, fresh, strict=True):
            for name in ("mean_coverage", "lowest_coverage", "highest_one_sided_error"):
                assert float(row[name]) == pytest.approx(float(new[name]), abs=2e-4), (measure, method, name)
