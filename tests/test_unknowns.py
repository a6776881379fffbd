"""Children of unknown ethnicity: bounds by enumeration, imputation by exact probability and R."""

import csv
import itertools
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from ysj_analysis import intervals, load, measures, unknowns
from ysj_analysis.imputation import rubin
from ysj_analysis.officer_defined import cohens_kappa
from ysj_analysis.reading import NotHeld

BLACK = 0


def table(events, denominator, unknown, base="arrest", **columns):
    """Groups Black, White and as many more as there are counts; then the unknown."""
    groups = ["Black", "White", "Asian", "Mixed"][: len(events)]
    return pd.DataFrame(
        {
            "group": [*groups, "Unknown"],
            "base": base,
            "events": [*events, unknown[0]],
            "denominator": [*denominator, unknown[1]],
        }
    ).assign(**columns)


# -- bounds ------------------------------------------------------------------------------------------


def shares_of(number, groups):
    """Every way of giving a number of children to the groups: one row each."""
    ways = itertools.product(range(number + 1), repeat=groups)
    return np.array([w for w in ways if sum(w) == number])


def by_enumeration(x, n, u, v, reference, stage):
    """Lowest and highest ratio of the first group over every allocation; by definition, slowly."""
    x, n = np.array(x, float), np.array(n, float)
    found = []
    for e in shares_of(u, len(x)):
        for f in shares_of(v, len(x)):
            events, sizes = x + e, n + (e + f if stage else 0)
            if reference == "White":
                other = events[1], sizes[1]
            elif reference == "all-others":
                other = events[1:].sum(), sizes[1:].sum()
            else:
                other = events.sum(), sizes.sum()
            if sizes[0] == 0 or other[1] == 0 or (events[0] == 0 and other[0] == 0):
                continue
            found.append(np.inf if other[0] == 0 else (events[0] / sizes[0]) / (other[0] / other[1]))
    return (min(found), max(found)) if found else (np.nan, np.nan)


@pytest.mark.parametrize("reference", ["White", "all-others", "overall"])
@pytest.mark.parametrize("stage", [True, False])
def test_bounds_are_those_of_every_allocation(reference, stage):
    random = np.random.default_rng(11)
    for trial in range(150):
        groups = int(random.integers(2, 4))
        n = random.integers(0 if stage else 1, [3, 9][trial % 2], groups)
        x = np.array([random.integers(0, k + 1) for k in n])
        u, v = int(random.integers(0, 4)), int(random.integers(0, 4)) if stage else 0
        counts = table(x, n, (u, u + v if stage else np.nan), base="arrest" if stage else "population")
        row = unknowns.bounds(counts, reference=reference).iloc[BLACK]
        expected = by_enumeration(x, n, u, v, reference, stage)
        assert_allclose([row["lowest"], row["highest"]], expected, rtol=1e-12, err_msg=f"{x} {n} {u} {v}")


@pytest.mark.parametrize("reference", ["White", "all-others", "overall"])
@pytest.mark.parametrize("stage", [True, False])
def test_bounds_of_printed_counts_hold_those_of_every_table_that_prints_the_same(reference, stage):
    random = np.random.default_rng(5)
    base = "arrest" if stage else "population"
    for _ in range(6):
        n = random.integers(4, 8, 2)
        x = np.array([random.integers(2, k) for k in n])
        u, v = (int(k) for k in random.integers(1, 4, 2))
        given = unknowns.bounds(table(x, n, (u, u + v), base), reference=reference, half=1).iloc[BLACK]
        found = []
        for away in itertools.product((-1, 0, 1), repeat=6 if stage else 5):
            y, m, (p, *q) = x + away[:2], n + away[2:4], away[4:]
            reached, rest = u + p, u + v + q[0] - u - p if stage else 0
            if (stage and (y > m).any()) or rest < 0:
                continue
            found.append(by_enumeration(y, m, reached, rest, reference, stage))
        low, high = np.array(found).T
        assert given["lowest"] <= min(low) * (1 + 1e-12)
        assert given["highest"] >= max(high) * (1 - 1e-12)
        if reference == "White":
            assert_allclose([given["lowest"], given["highest"]], [min(low), max(high)], rtol=1e-12)


def test_bounds_in_children():
    row = unknowns.bounds(table([20, 20], [40, 80], (4, 10))).iloc[BLACK]
    assert_allclose([row["lowest"], row["highest"]], [(20 / 46) / (24 / 84), (24 / 44) / (20 / 86)])
    assert (row["unknown_events"], row["unknown_denominator"]) == (4, 10)
    rate = unknowns.bounds(table([20, 20], [4000, 8000], (4, np.nan), base="population")).iloc[BLACK]
    assert_allclose([rate["lowest"], rate["highest"]], [20 / 24 * 2, 24 / 20 * 2])
    assert np.isnan(rate["unknown_denominator"])


def test_hull_is_the_interval_at_the_bounds():
    row = unknowns.bounds(table([20, 20], [40, 80], (4, 10))).iloc[BLACK]
    assert_allclose(row["hull_low"], intervals.risk_ratio(20, 46, 24, 84).low)
    assert_allclose(row["hull_high"], intervals.risk_ratio(24, 44, 20, 86).high)


def test_on_the_population_no_allocation_has_a_limit_beyond_the_hull():
    random = np.random.default_rng(4)
    for _ in range(60):
        x, n, u = random.integers(0, 25, 3), random.integers(100, 900, 3), int(random.integers(0, 7))
        row = unknowns.bounds(table(x, n, (u, np.nan), base="population")).iloc[BLACK]
        a, b, _ = shares_of(u, 3).T
        every = intervals.rate_ratio(x[0] + a, n[0], x[1] + b, n[1])
        low, high = np.nanmin(np.append(every.low, np.inf)), np.nanmax(np.append(every.high, 0))
        if np.isfinite(low) and not np.isnan(row["hull_low"]):
            assert_allclose([row["hull_low"], row["hull_high"]], [low, high], rtol=1e-6)


def test_on_a_stage_a_limit_beyond_the_hull_is_a_near_one():
    random = np.random.default_rng(0)
    excess = []
    for _ in range(300):
        n = random.integers(1, 40, 3)
        x = np.array([random.integers(0, min(k, 25) + 1) for k in n])
        u, v = (int(k) for k in random.integers(0, 6, 2))
        row = unknowns.bounds(table(x, n, (u, u + v))).iloc[BLACK]
        every = [(*e, *f) for e in shares_of(u, 3) for f in shares_of(v, 3)]
        e, b, _, f, h, _ = np.array(every).T
        limits = intervals.risk_ratio(x[0] + e, n[0] + e + f, x[1] + b, n[1] + b + h)
        if not np.isnan(row["hull_low"]):
            low, high = np.nanmin(limits.low), np.nanmax(limits.high)
            excess += [
                row["hull_low"] / low - 1 if low > 0 else 0,
                1 - row["hull_high"] / high if high < np.inf else 0,
            ]
    assert max(excess) < 0.05
    assert np.mean(np.array(excess) > 0.01) < 0.01


def test_nobody_unknown_leaves_everything_as_it_is():
    counts = table([9, 5, 0], [30, 40, 8], (0, 0))
    out, known = unknowns.bounds(counts), measures.relative_rates(counts)
    rows = out.iloc[[0, 2]]
    assert_allclose(rows["lowest"], rows["estimate"])
    assert_allclose(rows["highest"], rows["estimate"])
    assert_allclose(rows["hull_low"], rows["low"])
    pd.testing.assert_frame_equal(out[["estimate", "low", "high"]], known[["estimate", "low", "high"]])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=4),
    st.integers(0, 10),
    st.integers(0, 10),
)
def test_bounds_contain_the_known_and_widen_with_the_unknown(cells, u, v):
    x, n = [a for a, _ in cells], [a + b for a, b in cells]
    out = unknowns.bounds(table(x, n, (u, u + v)))
    more = unknowns.bounds(table(x, n, (u + 1, u + v + 2)))
    ok = out["estimate"].notna() & (out["group"] != "Unknown")
    assert (out["lowest"][ok] <= out["estimate"][ok] * (1 + 1e-12)).all()
    assert (out["highest"][ok] >= out["estimate"][ok] * (1 - 1e-12)).all()
    assert (more["lowest"][ok] <= out["lowest"][ok] * (1 + 1e-12)).all()
    assert (more["highest"][ok] >= out["highest"][ok] * (1 - 1e-12)).all()
    swapped = unknowns.bounds(table(x, n, (u, u + v)), reference="Black")
    with np.errstate(divide="ignore"):
        assert_allclose(1 / swapped["lowest"].iloc[1], out["highest"].iloc[0])


def test_a_comparator_table_stays_as_it_is():
    london = pd.DataFrame({"group": ["London"], "stage": ["charge"], "events": [90], "denominator": [300]})
    row = unknowns.bounds(table([6, 4], [10, 20], (2, 5), stage="charge"), reference=london).iloc[BLACK]
    assert_allclose([row["lowest"], row["highest"]], [(6 / 13) / 0.3, (8 / 12) / 0.3])


def test_what_cannot_be_bounded_says_why():
    both = pd.concat(
        [
            table([6, 4], [10, 20], (2, 5), year=2022),
            table([6, 4], [10, 20], (np.nan, 5), year=2023),
            table([6, 4], [10, 20], (2, 5), year=2024).iloc[:2],
        ]
    )
    out = unknowns.bounds(both)
    assert out["note"].tolist() == [
        *("", "reference", "not_compared allocated"),
        *("suppressed", "reference suppressed", "suppressed allocated"),
        *("no_unknown", "reference no_unknown"),
    ]
    assert out["lowest"].notna().tolist() == [True, True, False, False, True, False, False, True]
    assert len(out) == len(both)


@pytest.mark.parametrize("function", [unknowns.bounds, unknowns.tipping_point])
@pytest.mark.parametrize(
    ("change", "reference", "message"),
    [
        (lambda t: t.iloc[:2], "White", "none of the 2 rows counts the group 'Unknown'"),
        (lambda t: t, "Unknown", "reference is 'Unknown', the children who are shared out"),
        (lambda t: t, "Martian", "reference 'Martian' is not one of the 3 groups"),
        (lambda t: pd.concat([t, t]), "White", "repeat a group within one comparison"),
        (lambda t: t.drop(columns="base"), "White", "1 of 4 columns a measure needs are missing: base"),
        (lambda t: t.assign(events=[1, 2, 7]), "White", r"Unknown|index 2|above denominator"),
        (lambda t: t.assign(events=[1, 2, -1]), "White", "negative"),
        (lambda t: t.assign(events=[1, 2, 1.5]), "White", "not a whole number"),
    ],
)
def test_bad_input(function, change, reference, message):
    with pytest.raises(ValueError, match=message):
        function(change(table([6, 4], [10, 20], (2, 5))), reference=reference)


def test_arguments_are_not_edited():
    counts = table([60, 40], [100, 200], (20, 50))
    before = counts.copy()
    unknowns.completeness(counts)
    unknowns.bounds(counts)
    unknowns.tipping_point(counts)
    unknowns.impute(counts, seed=1)
    pd.testing.assert_frame_equal(counts, before)


# -- completeness ------------------------------------------------------------------------------------


def test_completeness_by_stage():
    counts = pd.concat(
        [
            table([30, 45], [3750, 6450], (25, np.nan), base="population", stage="arrest", area="Islington"),
            table([0, 0], [30, 45], (0, 25), base="arrest", stage="charge", area="Islington"),
            table([1, np.nan], [30, 45], (0, 25), base="arrest", stage="bail", area="Islington"),
            table([1, 2], [30, 45], (0, 25), base="arrest", stage="yda", area="Islington").iloc[:2],
        ]
    )
    out = unknowns.completeness(counts)
    assert out["stage"].tolist() == ["arrest", "charge", "bail", "yda"]
    assert out["note"].tolist() == ["", "no_denominator", "suppressed", "no_unknown"]
    first = out.iloc[0]
    assert (first["group"], first["events"], first["denominator"], first["estimate"]) == (
        "Known",
        75,
        100,
        0.75,
    )
    # Wilson (1927), R 4.2.2: prop.test(75, 100, correct=FALSE)$conf.int
    assert_allclose([first["low"], first["high"]], [0.6569553645, 0.8245478864], rtol=1e-9)


# -- tipping point -----------------------------------------------------------------------------------


def slowly(x, n, u, v, ratio):
    """Low limit of White's comparator, with the unknown tilted by a ratio: the docstring, step by step."""
    g, limits = len(x), []
    for number, known, tilt in ((u, x, ratio), (v, n - x, 1 / ratio)):
        weights = (known + 1 / g) * np.array([tilt**-0.5, tilt**0.5, *[1.0] * (g - 2)])
        share = weights / weights.sum()
        mine = np.round(number * share[0])
        limits.append((mine, min(np.round(number * share[1]), number - mine) if g > 2 else number - mine))
    (e, b), (f, h) = limits
    return intervals.risk_ratio(x[0] + e, n[0] + e + f, x[1] + b, n[1] + b + h), e, b


def test_tipping_point_is_where_the_interval_first_holds_one():
    random = np.random.default_rng(8)
    found = 0
    while found < 40:
        n = random.integers(15, 80, 3)
        x = random.binomial(n, [0.6, 0.3, 0.4])
        u, v = (int(k) for k in random.integers(0, 25, 2))
        row = unknowns.tipping_point(table(x, n, (u, u + v))).iloc[BLACK]
        if not row["tipping_ratio"] > 1 or np.isinf(row["tipping_ratio"]):
            continue
        found += 1
        at, e, b = slowly(x, n, u, v, row["tipping_ratio"] * (1 + 1e-9))
        before, _, _ = slowly(x, n, u, v, row["tipping_ratio"] * (1 - 1e-9))
        assert at.low <= 1 < before.low
        assert (row["tipping_events"], row["tipping_reference_events"]) == (e, b)


def test_a_finding_that_no_allocation_removes():
    out = unknowns.tipping_point(table([80, 20], [100, 100], (2, 4)))
    assert out["tipping_ratio"].iloc[BLACK] == np.inf
    assert out["note"].iloc[BLACK] == "cannot_be_removed"
    assert unknowns.bounds(table([80, 20], [100, 100], (2, 4)))["hull_low"].iloc[BLACK] > 1
    nobody = unknowns.tipping_point(table([80, 20], [100, 100], (0, 0))).iloc[BLACK]
    assert nobody["note"] == "cannot_be_removed"


def test_no_finding_has_nothing_to_remove():
    row = unknowns.tipping_point(table([30, 29], [100, 100], (20, 40))).iloc[BLACK]
    assert row["note"] == "no_finding"
    assert np.isnan(row["tipping_ratio"])


def test_a_finding_gone_though_the_unknown_are_like_the_known():
    """8 of 12 against 3 of 12, and two children more, one to each as their 4 to 9 comes in whole numbers."""
    row = unknowns.tipping_point(table([8, 3], [12, 12], (0, 2))).iloc[BLACK]
    assert row["low"] > 1 > intervals.risk_ratio(8, 13, 3, 13).low
    assert row["tipping_ratio"] == 1


@pytest.mark.parametrize("reference", ["White", "all-others", "overall"])
@pytest.mark.parametrize("base", ["arrest", "population"])
def test_removable_exactly_when_the_hull_holds_one(reference, base):
    random = np.random.default_rng(9)
    parts = []
    for year in range(300):
        n = random.integers(20, 60, 3)
        x = random.binomial(n, random.permutation([0.6, 0.3, 0.4]))
        u, v = (int(k) for k in random.integers(0, 20, 2))
        size = np.array([400, 900, 700]) if base == "population" else n
        parts.append(table(x, size, (u, np.nan if base == "population" else u + v), base=base, year=year))
    counts = pd.concat(parts, ignore_index=True)
    tip, hull = (f(counts, reference=reference) for f in (unknowns.tipping_point, unknowns.bounds))
    finding = tip["tipping_ratio"].notna()
    excess = tip["low"] > 1
    holds = np.where(excess, hull["hull_low"] <= 1, hull["hull_high"] >= 1)
    assert finding.sum() > 50
    assert (np.isfinite(tip["tipping_ratio"]) == holds)[finding].all()
    assert (tip["tipping_ratio"][finding] >= 1).all()


def test_swapping_group_and_reference_keeps_the_tipping_point():
    counts = table([40, 20], [90, 90], (12, 30))
    there = unknowns.tipping_point(counts).iloc[0]
    back = unknowns.tipping_point(counts, reference="Black").iloc[1]
    assert_allclose(there["tipping_ratio"], back["tipping_ratio"], rtol=1e-6)


def test_a_group_without_events_can_be_given_some():
    row = unknowns.tipping_point(table([0, 60], [40, 100], (40, 40))).iloc[BLACK]
    assert row["high"] < 1
    assert 1 < row["tipping_ratio"] < np.inf


# -- imputation --------------------------------------------------------------------------------------


def test_rubins_rules_are_those_of_mice():
    # R 4.2.2, mice 3.15.0: pool.scalar(Q, U, n=Inf)[c("qbar","ubar","b","df","fmi")]
    q, u = [1.12, 0.98, 1.31, 1.05, 1.22], [0.09, 0.08, 0.11, 0.10, 0.095]
    pooled = rubin(q, u)
    found = [pooled.estimate, pooled.within, pooled.between, pooled.df, pooled.missing]
    assert_allclose(found, [1.136, 0.095, 0.01733, 124.0187897705, 0.1925096003], rtol=1e-9)
    spread = stats.t.ppf(0.975, 124.0187897705) * np.sqrt(0.115796)
    assert_allclose([pooled.low, pooled.high], [1.136 - spread, 1.136 + spread], rtol=1e-9)
    three = rubin([0.40, 0.55, 0.46], [0.040, 0.050, 0.045])
    assert_allclose([three.df, three.missing], [95.8019390582, 0.1618044353], rtol=1e-9)


def test_draws_that_agree_leave_the_normal_interval():
    pooled = rubin([0.5, 0.5, 0.5], [0.04, 0.04, 0.04])
    assert pooled.df == np.inf
    assert pooled.missing == 0
    assert_allclose(pooled.high, 0.5 + 1.959963985 * 0.2)


def exactly(x, u):
    """Mean and variance of the log rate ratio over the posterior predictive: beta-binomial, two groups."""
    k = np.arange(u + 1)
    p = stats.betabinom.pmf(k, u, x[0] + 0.5, x[1] + 0.5)
    q = np.log((x[0] + k) / (x[1] + u - k))
    mean = (p * q).sum()
    return mean, (p * (q - mean) ** 2).sum(), (p * (1 / (x[0] + k) + 1 / (x[1] + u - k))).sum()


def test_imputation_is_the_posterior_predictive():
    counts = table([12, 7], [1000, 1000], (9, np.nan), base="population")
    row = unknowns.impute(counts, seed=3, draws=40_000).iloc[BLACK]
    mean, between, within = exactly([12, 7], 9)
    assert_allclose(np.log(row["estimate"]), mean, atol=0.005)
    assert_allclose([row["between_variance"], row["within_variance"]], [between, within], rtol=0.03)


def test_both_kinds_of_children_are_shared_out():
    """Mean completed risks against the expected allocation, in a table large enough to be near it."""
    counts = table([4000, 2000], [10_000, 10_000], (1500, 4000))
    row = unknowns.impute(counts, seed=3, draws=400).iloc[BLACK]
    reached, rest = 1500 * np.array([4, 2]) / 6, 2500 * np.array([6, 8]) / 14
    risks = (np.array([4000, 2000]) + reached) / (10_000 + reached + rest)
    assert_allclose(row["estimate"], risks[0] / risks[1], rtol=0.01)


def test_nobody_unknown_is_the_log_interval():
    out = unknowns.impute(table([12, 7, 3], [40, 50, 30], (0, 0)), seed=1)
    log = intervals.risk_ratio(12, 40, 7, 50, method="log")
    assert_allclose(
        out.iloc[BLACK][["estimate", "low", "high"]].astype(float), [log.estimate, log.low, log.high]
    )
    assert out["missing_information"].iloc[BLACK] == 0


def test_strata_lend_each_other_their_shares():
    few = table([2, 2], [500, 500], (30, np.nan), base="population", year=2023, area="Islington")
    many = table([300, 100], [500, 500], (0, np.nan), base="population", year=2022, area="Islington")
    counts = pd.concat([many, few], ignore_index=True)
    alone = unknowns.impute(counts, seed=1).iloc[3]
    pooled = unknowns.impute(counts, seed=1, within=["area"]).iloc[3]
    assert_allclose(pooled["estimate"], (2 + 30 * 302 / 404) / (2 + 30 * 102 / 404), rtol=0.1)
    assert alone["estimate"] < pooled["estimate"]
    assert pooled["between_variance"] < alone["between_variance"]


@pytest.mark.parametrize("reference", ["White", "all-others", "overall"])
def test_imputation_near_its_limit_for_every_reference(reference):
    counts = table([4000, 2000, 3000], [10_000, 10_000, 10_000], (900, 3000))
    known = measures.relative_rates(counts, reference=reference)["estimate"].iloc[BLACK]
    row = unknowns.impute(counts, seed=5, reference=reference).iloc[BLACK]
    low, high = unknowns.bounds(counts, reference=reference)[["lowest", "highest"]].iloc[BLACK]
    assert low < row["estimate"] < high
    assert_allclose(row["estimate"], known, rtol=0.06)
    assert row["low"] < row["estimate"] < row["high"]


def test_the_seed_decides():
    counts = table([12, 7], [40, 50], (9, 20))
    a, b, c = (unknowns.impute(counts, seed=s)["estimate"].iloc[BLACK] for s in (1, 1, 2))
    assert a == b != c


def test_what_cannot_be_imputed_says_why():
    zero = unknowns.impute(table([0, 7], [40, 50], (9, 20)), seed=1).iloc[BLACK]
    assert np.isnan(zero["estimate"])
    assert zero["note"] == "zero_numerator"
    nobody_like = unknowns.impute(table([12, 7], [12, 7], (3, 9)), seed=1).iloc[BLACK]
    assert "no_known" in nobody_like["note"]
    full = unknowns.impute(table([12, 7], [12, 7], (3, 3)), seed=1).iloc[BLACK]
    assert full["note"].startswith("full_cell")
    assert np.isnan(full["low"])
    with pytest.raises(ValueError, match="draws is 1"):
        unknowns.impute(table([12, 7], [40, 50], (3, 3)), seed=1, draws=1)
    with pytest.raises(ValueError, match="1 of 1 columns in within are not in the table: court"):
        unknowns.impute(table([12, 7], [40, 50], (3, 3)), seed=1, within=["court"])


@pytest.mark.slow
def test_intervals_cover_a_planted_ratio():
    """Ethnicity missing at random: 600 boroughs, a planted rate ratio of 2, a quarter unknown."""
    random = np.random.default_rng(6)
    parts = []
    for area in range(600):
        x = random.poisson([40, 20, 30])
        lost = random.binomial(x, 0.25)
        parts.append(table(x - lost, [1000, 1000, 1000], (lost.sum(), np.nan), base="population", area=area))
    out = unknowns.impute(pd.concat(parts, ignore_index=True), seed=2)
    rows = out[out["group"] == "Black"]
    covered = ((rows["low"] <= 2) & (rows["high"] >= 2)).mean()
    assert 0.925 <= covered <= 0.98
    assert_allclose(np.exp(np.log(rows["estimate"]).mean()), 2, rtol=0.05)


# -- self- and officer-defined -----------------------------------------------------------------------

SEARCHES = pd.DataFrame(
    {
        "area": ["Islington"] * 8 + ["Camden"] * 2,
        "ethnicity": ["B1", "B2", "W1", "NS", "NK", "NR", "M1", "M3", "W9", "NS"],
        "ethnicity_officer": [
            "Black",
            "Black",
            "White",
            "Black",
            "White",
            "",
            "Black",
            "White",
            "White",
            "Asian",
        ],
    }
)


def test_backfill_keeps_the_two_counts_apart():
    out = unknowns.backfill(SEARCHES).set_index("group")
    assert out["known"].to_dict() == {
        "Asian": 0,
        "Black": 2,
        "Mixed": 2,
        "Other": 0,
        "White": 2,
        "Unknown": 4,
    }
    assert out["filled"].to_dict() == {
        "Asian": 1,
        "Black": 1,
        "Mixed": 0,
        "Other": 0,
        "White": 1,
        "Unknown": 1,
    }
    assert out["filled"].sum() == out.loc["Unknown", "known"]
    assert out["known"].sum() == len(SEARCHES)
    assert out.loc["Mixed", "note"] == "not_on_officers_list"
    assert not {"events", "total", "both"} & set(out.columns)


def test_backfill_by_area():
    out = unknowns.backfill(SEARCHES, by=["area"])
    assert len(out) == 12
    sums = out.groupby("area")[["known", "filled"]].sum()
    assert sums["known"].to_dict() == {"Camden": 2, "Islington": 8}
    assert sums["filled"].to_dict() == {"Camden": 1, "Islington": 3}
    assert out["group"].cat.ordered


def test_an_officers_list_with_mixed_on_it_is_not_noted():
    out = unknowns.backfill(SEARCHES.assign(ethnicity_officer="Mixed"))
    assert (out["note"] == "").all()


@pytest.mark.parametrize("function", [unknowns.backfill, unknowns.agreement])
def test_bad_searches(function):
    with pytest.raises(ValueError, match=r"ethnicity_officer: 10 of 10 searches have a label .* 'IC3' "):
        function(SEARCHES.assign(ethnicity_officer="IC3"))
    with pytest.raises(ValueError, match="ethnicity: 10 of 10 searches"):
        function(SEARCHES.assign(ethnicity="Black"))
    with pytest.raises(ValueError, match="1 of 2 columns are missing: ethnicity_officer"):
        function(SEARCHES.drop(columns="ethnicity_officer"))
    with pytest.raises(ValueError, match="base '1991'"):
        function(SEARCHES, base="1991")


def test_what_officers_recorded_of_children_stands_beside_the_count():
    """Counted again from the files of the synthetic study with nothing but the csv module."""
    folder = Path(__file__).parents[1] / "data" / "synthetic"
    texts = {n: (folder / f"{n}.csv").read_text(encoding="utf-8") for n in ("children", "events")}
    read = {n: list(csv.DictReader(text.splitlines())) for n, text in texts.items()}
    who = {c["child_id"]: c for c in read["children"]}
    letters = {"B": "Black", "M": "Mixed", "O": "Other", "W": "White", "N": "Unknown"}

    def group(code):
        return "Asian" if code[0] == "A" else letters[code[0]]

    known, filled = Counter(), Counter()
    rows = [e for e in read["events"] if "2016-04-01" <= e["date"] < "2024-04-01"]
    for area, stage, child in {(e["area"], e["stage"], e["child_id"]) for e in rows}:
        record = who[child]
        own = group(record["ethnicity"]) if record["ethnicity_source"] == "self" else "Unknown"
        seen = group(record["ethnicity"]) if record["ethnicity_source"] == "officer" else "Unknown"
        known[area, stage, own] += 1
        filled[area, stage, seen] += own == "Unknown"
    found = unknowns.backfill_children(load.study(folder))
    keys = list(zip(found["area"], found["stage"], found["group"].astype(str), strict=True))
    assert dict(zip(keys, found["known"], strict=True)) == {k: known[k] for k in keys}
    assert dict(zip(keys, found["filled"], strict=True)) == {k: filled[k] for k in keys}
    assert found["unit"].eq("children").all()
    assert sum(filled.values()) == sum(n for (*_, g), n in known.items() if g == "Unknown")


def test_a_study_without_children_holds_no_view_of_officers():
    study = SimpleNamespace(children=None, events=None)
    with pytest.raises(NotHeld, match="no records of children"):
        unknowns.backfill_children(study)


def test_agreement_is_the_cross_table():
    out = unknowns.agreement(SEARCHES)
    rows = out[out["measure"] == "share_of_self_defined"]
    cross = rows.pivot(index="self_defined", columns="officer_defined", values="events")
    assert cross.loc["Unknown"].to_dict() == {
        **{"Asian": 1, "Black": 1, "Mixed": 0},
        **{"Other": 0, "White": 1, "Unknown": 1},
    }
    assert cross.to_numpy().sum() == len(SEARCHES)
    mixed = rows[(rows["self_defined"] == "Mixed") & (rows["officer_defined"] == "Black")].iloc[0]
    assert (mixed["events"], mixed["denominator"], mixed["estimate"]) == (1, 2, 0.5)
    seen = out[(out["measure"] == "share_of_officer_defined") & (out["officer_defined"] == "Black")]
    assert seen["events"].sum() == seen["denominator"].iloc[0] == 4
    assert_allclose(seen["estimate"].sum(), 1)
    assert rows.loc[rows["self_defined"] == "Other", "note"].eq("no_denominator").all()
    all_groups, listed = (out[out["measure"] == "cohens_kappa"].iloc[i] for i in (0, 1))
    assert (all_groups["events"], all_groups["denominator"]) == (4, 6)
    assert (listed["events"], listed["denominator"], listed["estimate"]) == (4, 4, 1)
    assert listed["note"] == "not_on_officers_list"
    assert np.isnan(listed["low"])  # all agree: no large-sample variance


def test_agreement_by_area_is_that_of_each():
    out = unknowns.agreement(SEARCHES, by=["area"])
    camden = out[out["area"] == "Camden"].drop(columns="area").reset_index(drop=True)
    alone = unknowns.agreement(SEARCHES[SEARCHES["area"] == "Camden"])
    pd.testing.assert_frame_equal(camden, alone)


def test_kappa_is_vcds_and_statsmodels():
    # R 4.2.2, vcd 1.4.11: Kappa(matrix(c(88,14,18, 10,40,10, 2,6,12), 3, byrow=TRUE))$Unweighted;
    # the table is that of Fleiss, Cohen and Everitt (1969)
    agree, number, kappa, _ = cohens_kappa([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert (agree, number) == (140, 200)
    assert_allclose(kappa, 0.4915254237, rtol=1e-9)
    from statsmodels.stats.inter_rater import cohens_kappa as theirs

    random = np.random.default_rng(0)
    squares = random.integers(0, 30, (20, 4, 4)) + np.diag([20, 5, 9, 40])
    _, _, kappas, errors = cohens_kappa(squares)
    for square, k, error in zip(squares, kappas, errors, strict=True):
        other = theirs(square)
        assert_allclose([k, error], [other.kappa, other.std_kappa], rtol=1e-10)


def test_kappa_without_anything_to_disagree_on():
    one = pd.DataFrame({"ethnicity": ["B1"] * 3, "ethnicity_officer": ["Black"] * 3})
    rows = unknowns.agreement(one).tail(2)
    assert rows["estimate"].isna().all()
    assert rows["note"].tolist()[0] == "no_events"
    nothing = unknowns.agreement(one.assign(ethnicity="NS")).tail(2)
    assert (nothing["denominator"] == 0).all()
    assert nothing["note"].tolist()[0] == "no_denominator"
