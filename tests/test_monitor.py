"""Flags from a declared rule, case by case; and what importing the room costs."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ysj_analysis import measures, monitor
from ysj_analysis.monitor import Rule

DECLARED = "2019-04-01"


def ratios(estimates, first=2019, events=25, reference=20, **columns):
    n = len(estimates)
    estimates = np.array(estimates, float)
    rows = {"year": range(first, first + n), "stage": "custody", "base": "sentenced", "group": "Black"}
    rows |= {"reference": "White", "events": events, "denominator": 100, "reference_events": reference}
    rows |= {"reference_denominator": 200, "estimate": estimates, "low": estimates / 2, "high": estimates * 2}
    return pd.DataFrame(rows | {"note": ""} | columns)


def flag(table, **rule):
    return monitor.flags(table, Rule(**{"threshold": 2, "declared": DECLARED} | rule))


def test_persistence():
    out = flag(ratios([2.5, 2.4, 1.9, 2.2, 2.3, 2.1, 2.0]), years=3)
    assert out["beyond"].to_list() == [True, True, False, True, True, True, False]
    assert out["periods_beyond"].to_list() == [1, 2, 0, 1, 2, 3, 0]
    assert out["flag"].to_list() == [
        "watch",
        "watch",
        "not flagged",
        "watch",
        "watch",
        "flagged",
        "not flagged",
    ]


def test_what_was_not_seen_supports_no_flag():
    few = ratios([2.5, 2.5, 2.5, 2.5], events=[25, 9, 25, 25])
    out = flag(few, years=2)
    assert out["flag"].to_list() == ["watch", "not assessed", "watch", "flagged"]
    assert out["why"].to_list() == ["", "fewer than 10 events", "", ""]
    gap = flag(ratios([2.5, 2.5, 2.5]).drop(index=1), years=2)
    assert gap["flag"].to_list() == ["watch", "watch"]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"reference": 9}, "fewer than 10 events"),
        ({"events": 9}, "fewer than 10 events"),
        ({"denominator": 29}, "fewer than 30 in the base"),
        ({"reference_denominator": 29}, "fewer than 30 in the base"),
        ({"note": "immature"}, "immature"),
        ({"note": "reference"}, "reference"),
        ({"events": np.nan}, "suppressed"),
        ({"estimate": np.nan}, "no estimate"),
    ],
)
def test_minimum_events_and_base(columns, why):
    table = ratios([2.5], **{k: v for k, v in columns.items() if k in ("events", "reference")})
    table = table.assign(**{k: v for k, v in columns.items() if k != "reference"})
    out = flag(table)
    assert (out["flag"].item(), out["why"].item(), out["periods_beyond"].item()) == ("not assessed", why, 0)


def test_progress_holds_a_flag_back_while_it_lasts():
    out = flag(ratios([3.0, 2.9, 2.7, 2.6, 2.55, 2.3]), years=2, progress=0.1)
    assert out["flag"].to_list() == ["watch", "flagged", "progress", "progress", "flagged", "flagged"]


def test_favourable_stages_below_the_threshold():
    """No diversions of 100 is the finding, not a reason to look away; few in the reference is."""
    table = ratios([0.0, 0.3, 0.6, 0.4], events=[0, 3, 6, 4])
    out = flag(table, threshold=0.5)
    assert out["flag"].to_list() == ["flagged", "flagged", "not flagged", "flagged"]
    assert flag(table.assign(reference_events=9), threshold=0.5)["flag"].eq("not assessed").all()
    rising = flag(ratios([0.1, 0.2, 0.35]), threshold=0.5, progress=0.1)
    assert rising["flag"].to_list() == ["flagged", "flagged", "progress"]


def test_measured_by_the_limit():
    table = ratios([2.5, 4.5])
    assert flag(table, measured_by="limit")["flag"].to_list() == ["not flagged", "flagged"]
    low = ratios([0.3, 0.2])
    assert flag(low, threshold=0.5, measured_by="limit")["flag"].to_list() == ["not flagged", "flagged"]


def test_pooled_windows_persist_over_windows_that_do_not_overlap():
    table = ratios([2.5] * 7, years=3)
    out = flag(table, years=2)
    assert out["periods_beyond"].to_list() == [1, 1, 1, 2, 2, 2, 3]
    both = pd.concat([ratios([2.5] * 7, years=1), table], ignore_index=True)
    assert flag(both, years=2)["periods_beyond"].to_list() == [1, 2, 3, 4, 5, 6, 7, 1, 1, 1, 2, 2, 2, 3]


@settings(deadline=None)
@given(st.lists(st.sampled_from([1.0, 2.5]), min_size=1, max_size=12), st.randoms())
def test_runs_by_brute_force_in_any_order(estimates, random):
    table = ratios(estimates)
    order = list(range(len(table)))
    random.shuffle(order)
    out = flag(table.iloc[order]).sort_values("year")
    expected, run = [], 0
    for value in estimates:
        run = run + 1 if value > 2 else 0
        expected.append(run)
    assert out["periods_beyond"].to_list() == expected


def test_the_rule_travels_and_the_table_is_left_alone():
    table = ratios([2.5, 2.5])
    before = table.copy(deep=True)
    out = flag(table, years=2)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(out[list(table.columns)], table)
    assert out["rule"].unique().tolist() == [
        "ratio above 2 for 2 consecutive periods; at least 10 events and 30 in the base, in group and "
        "reference; declared 2019-04-01"
    ]
    assert "in the reference, and 30 in both bases" in str(Rule(threshold=0.5, declared=DECLARED))


def test_from_counts_to_flags():
    counts = pd.DataFrame(
        {
            "year": [2021, 2022, 2023] * 2,
            "base": "arrest",
            "group": ["Black"] * 3 + ["White"] * 3,
            "events": [30, 33, 36, 20, 18, 15],
            "denominator": [100] * 6,
        }
    )
    out = monitor.flags(measures.relative_rates(counts), Rule(threshold=1.4, declared=DECLARED, years=3))
    assert out["flag"].to_list() == ["watch", "watch", "flagged"] + ["not assessed"] * 3
    assert {"estimate", "method", "note", "rule"} <= set(out.columns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": 1}, "threshold is 1; give a ratio above 0 other than 1"),
        ({"threshold": -1}, "threshold is -1"),
        ({"declared": "last year"}, "declared is 'last year'; give the day the rule was declared"),
        ({"declared": None}, "declared is None"),
        ({"years": 0}, "years is 0; give a whole number, 1 or more"),
        ({"minimum_events": 2.5}, "minimum_events is 2.5"),
        ({"progress": 0}, "progress is 0; give a number above 0, or None"),
        ({"measured_by": "high"}, "measured_by is 'high'; the choices are"),
    ],
)
def test_bad_rules(change, message):
    with pytest.raises(ValueError, match=message):
        Rule(**{"threshold": 2, "declared": DECLARED} | change)


def test_bad_tables():
    with pytest.raises(ValueError, match="rule is a float; declare one with"):
        monitor.flags(ratios([2.5]), 2.0)
    with pytest.raises(ValueError, match="1 of 2 rows repeat the same year"):
        flag(pd.concat([ratios([2.5]), ratios([2.5])]))
    with pytest.raises(ValueError, match="2 of 9 columns needed are missing: low, high"):
        flag(ratios([2.5]).drop(columns=["low", "high"]))


def test_import_is_light():
    code = "import sys, ysj_analysis.monitor; print([m for m in sys.modules if m in %r])"
    heavy = ("scipy.stats", "scipy.optimize", "statsmodels", "seaborn", "matplotlib")
    done = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
