"""Stratified and standardised comparisons, against textbooks, R, statsmodels and brute force."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import optimize

from ysj_analysis import homogeneity, intervals, measures
from ysj_analysis.models import standardised, stratified

# UCBAdmissions (R datasets): admitted men and women, six departments.
UCB = {"x1": [512, 353, 120, 138, 53, 22], "y1": [313, 207, 205, 279, 138, 351]}
UCB |= {"x2": [89, 17, 202, 131, 94, 24], "y2": [19, 8, 391, 244, 299, 317]}
# dat.bcg (metafor): tuberculosis, 13 trials; one is event-poor.
BCG = {
    "x1": [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
    "y1": [119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886],
    "x2": [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
    "y2": [128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825],
}
# Breslow and Day (1980), table 4.1: alcohol and oesophageal cancer by age; the last has an empty cell.
ALCOHOL = {"x1": [1, 4, 25, 42, 19, 5], "y1": [9, 26, 29, 27, 18, 0]}
ALCOHOL |= {"x2": [0, 5, 21, 34, 36, 8], "y2": [106, 164, 138, 139, 88, 31]}
# British doctors: coronary deaths and person-years of smokers and others by age (Breslow and Day 1987).
DOCTORS = [32, 104, 206, 186, 102], [52407, 43248, 28612, 12663, 5317]
DOCTORS += [2, 12, 28, 28, 31], [18790, 10673, 5710, 2585, 1462]
# Down's syndrome by mother's age and birth order (a row each): Fleiss (1981), ?epitools::ageadjust.direct.
BIRTHS = np.array(
    [
        [230061, 329449, 114920, 39487, 14208, 3052],
        [72202, 326701, 208667, 83228, 28466, 5375],
        [15050, 175702, 207081, 117300, 45026, 8660],
        [2293, 68800, 132424, 98301, 46075, 9834],
        [327, 30666, 123419, 149919, 104088, 34392],
    ]
)
CASES = np.array(
    [
        [107, 141, 60, 40, 39, 25],
        [25, 150, 110, 84, 82, 39],
        [3, 71, 114, 103, 108, 75],
        [1, 26, 64, 89, 137, 96],
        [0, 8, 63, 112, 262, 295],
    ]
)


def cohorts(d):
    x1, y1, x2, y2 = (np.array(d[k]) for k in ("x1", "y1", "x2", "y2"))
    return x1, x1 + y1, x2, x2 + y2


def frame(x1, n1, x2, n2, base="sentenced", **columns):
    """A table of two groups, a stratum for each element."""
    parts = [
        pd.DataFrame({"group": g, "base": base, "stratum": range(len(x)), "events": x, "denominator": n})
        for g, x, n in (("Black", x1, n1), ("White", x2, n2))
    ]
    return pd.concat(parts, ignore_index=True).assign(**columns)


def first(table):
    return table[table["group"] == "Black"].iloc[0]


# -- pooled ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected", "p_value"),
    [
        # R 4.2.2, metafor 3.8.1: r <- rma.mh(measure="RR", ai, bi, ci, di); exp(c(r$beta, r$ci.lb, r$ci.ub))
        # p: stats::mantelhaen.test(correct=FALSE), X-squared 1.52460666
        (UCB, (0.9449050226, 0.8664522327, 1.030461309), 0.2169236971),
        # ... data=dat.bcg; p: rma.mh(measure="OR", correct=FALSE)$MHp
        (BCG, (0.6352671851, 0.5881287297, 0.6861837827), 1.838073386e-31),
    ],
)
def test_risk_ratio_is_metafors(data, expected, p_value):
    row = first(stratified(frame(*cohorts(data)), by=["stratum"]))
    assert_allclose(row[["estimate", "low", "high"]].astype(float), expected, rtol=1e-9)
    assert_allclose(row["p_value"], p_value, rtol=1e-6)
    assert row["measure"] == "mantel_haenszel_risk_ratio"
    assert row["strata"] == len(data["x1"])


def test_rate_ratio_is_statas_and_metafors():
    row = first(stratified(frame(*DOCTORS, base="population"), by=["stratum"]))
    # Stata [R] Epitab, "ir deaths smokes pyears, by(age)": crude 1.719823, M-H 1.424682 [1.154703, 1.757784]
    found = [row["crude"], row["estimate"], row["low"], row["high"]]
    assert_allclose(found, [1.719823, 1.424682, 1.154703, 1.757784], atol=5e-7)
    # R: rma.mh(measure="IRR", x1i, t1i, x2i, t2i, correct=FALSE)$MHp
    assert_allclose(row["p_value"], 0.000903192922, rtol=1e-8)


def test_rate_ratio_with_few_events():
    # R, metafor 3.8.1: dat.nielweise2008, rma.mh(measure="IRR", correct=FALSE)
    x1, t1 = [7, 8, 3, 6, 1, 1, 17, 3, 2], [1344, 1600, 12012, 1536, 370, 729, 6760, 1107, 320]
    x2, t2 = [11, 8, 14, 10, 1, 8, 15, 7, 3], [1988, 1461, 10962, 1503, 483, 913, 6840, 1015, 440]
    row = first(stratified(frame(x1, t1, x2, t2, base="population"), by=["stratum"]))
    found = row[["estimate", "low", "high", "p_value"]].astype(float)
    assert_allclose(found, [0.6602245771, 0.4608376462, 0.9458786534, 0.02263288687], rtol=1e-8)


@pytest.mark.parametrize(
    ("data", "statistic", "df"),
    [
        # R, metafor 3.8.1: rma.mh(measure="OR", ai, bi, ci, di)$TA
        (UCB, 18.82550125, 5),
        (BCG, 171.756673, 12),
        (ALCOHOL, 9.299329079, 5),
    ],
)
def test_breslow_day_tarone(data, statistic, df):
    test = homogeneity.odds_ratios(*cohorts(data))
    assert_allclose(test.statistic, statistic, rtol=1e-7)
    assert test.df == df


def test_statsmodels_agrees_on_the_pooled_ratio_and_homogeneity():
    from statsmodels.stats.contingency_tables import StratifiedTable

    random = np.random.default_rng(5)
    for _ in range(25):
        n1, n2 = random.integers(5, 60, (2, 4))
        x1, x2 = random.binomial(n1, 0.4), random.binomial(n2, 0.3)
        tables = [
            np.array([[a, n - a], [b, m - b]], float) for a, n, b, m in zip(x1, n1, x2, n2, strict=True)
        ]
        theirs = StratifiedTable(tables, shift_zeros=False)
        ours = first(stratified(frame(x1, n1, x2, n2), by=["stratum"]))
        assert_allclose(ours["estimate"], theirs.riskratio_pooled, rtol=1e-12)
        assert_allclose(ours["p_value"], theirs.test_null_odds().pvalue, rtol=1e-9)
        assert_allclose(ours["homogeneity_p"], theirs.test_equal_odds(adjust=True).pvalue, rtol=1e-6)


def test_statsmodels_gives_no_homogeneity_when_the_pooled_odds_ratio_is_one():
    """Retire the workaround when this fails."""
    from statsmodels.stats.contingency_tables import StratifiedTable

    tables = [np.array([[4.0, 6.0], [6.0, 4.0]]), np.array([[6.0, 4.0], [4.0, 6.0]])]
    with np.errstate(all="ignore"):
        theirs = StratifiedTable(tables).test_equal_odds(adjust=True)
    assert np.isnan(theirs.pvalue)
    # By hand: each stratum's odds ratio is 4/9 or 9/4, A = 5, V = 5/4, statistic 2 x (1 / 1.25)
    ours = homogeneity.odds_ratios([4, 6], [10, 10], [6, 4], [10, 10])
    assert_allclose(ours.statistic, 1.6, rtol=1e-12)


def test_expected_events_solve_their_equation():
    random = np.random.default_rng(1)
    n1, n2 = random.integers(1, 60, (2, 4000)).astype(float)
    m = random.integers(1, n1 + n2)
    psi = np.exp(random.uniform(-9, 9, 4000))
    a = homogeneity._expected(psi, m, n1, n2)
    assert (a >= np.maximum(0, m - n2)).all()
    assert (a <= np.minimum(n1, m)).all()
    assert_allclose(a * (n2 - m + a), psi * (m - a) * (n1 - a), rtol=1e-6, atol=1e-6)


def test_poisson_homogeneity_with_one_mix_of_exposure_is_the_chi_square_of_the_table():
    # R: chisq.test(rbind(c(8,12,3,20), c(10,6,9,14)), correct=FALSE)
    test = homogeneity.rate_ratios([8, 12, 3, 20], [3.0, 6, 9, 1.5], [10, 6, 9, 14], [2.0, 4, 6, 1])
    assert_allclose([test.statistic, test.p_value], [6.100440017, 0.1068245507], rtol=1e-9)


def test_poisson_homogeneity_is_close_to_pearsons_of_the_fitted_model():
    # R: glm(cbind(x1, x2) ~ 1 + offset(log(t1/t2)), binomial), sum(residuals(g, "pearson")^2) = 11.1553332
    assert_allclose(homogeneity.rate_ratios(*DOCTORS).statistic, 11.1553332, rtol=5e-3)
    # And it is the efficient score test but for the estimate: the same at the maximum likelihood value.
    x1, t1, x2, t2 = (np.array(c, float) for c in DOCTORS)

    def score(log_psi):
        return (x1 - (x1 + x2) * np.exp(log_psi) * t1 / (np.exp(log_psi) * t1 + t2)).sum()

    assert_allclose(np.exp(optimize.brentq(score, -2, 2)), 1.425518543, rtol=1e-8)


def test_homogeneity_has_nothing_to_say():
    one = homogeneity.odds_ratios([3], [10], [4], [12])
    assert np.isnan(one.p_value)
    empty = homogeneity.odds_ratios([3, 0, 5], [10, 9, 5], [4, 0, 4], [12, 9, 4])
    assert np.isnan(empty.p_value)  # no events, and everybody: one stratum is left
    assert np.isnan(homogeneity.odds_ratios([0, 0], [10, 9], [4, 3], [12, 9]).p_value)
    assert np.isnan(homogeneity.rate_ratios([1, np.nan], [10, 9], [4, 3], [12, 9]).p_value)
    assert homogeneity.rate_ratios([1, 0, 2], [10, 9, 3], [4, 0, 1], [12, 9, 3]).df == 1


def test_one_stratum_is_the_crude_ratio():
    table = frame([9], [30], [5], [40])
    row = first(stratified(table, by=["stratum"]))
    assert_allclose(row["estimate"], row["crude"])
    katz = intervals.risk_ratio(9, 30, 5, 40, method="log")
    assert_allclose([row["low"], row["high"]], [katz.low, katz.high], rtol=1e-12)


def test_simpsons_paradox():
    """Equal in every court, unlike in sum: the courts differ and so does who comes before them."""
    row = first(stratified(frame([8, 40], [10, 100], [80, 4], [100, 10]), by=["stratum"]))
    assert_allclose(row["estimate"], 1)
    assert row["crude"] < 0.6


def test_strata_without_one_of_the_groups_are_dropped_and_said_so():
    full = frame([8, 12, 3, 0], [20, 60, 5, 0], [6, 30, 0, 2], [30, 240, 0, 9])
    row = first(stratified(full, by=["stratum"]))
    kept = first(stratified(full[full["stratum"] < 2], by=["stratum"]))
    assert row["note"] == "strata_dropped"
    assert (row["strata"], row["strata_dropped"]) == (2, 2)
    assert (row["events"], row["denominator"], row["reference_events"]) == (20, 80, 36)
    assert_allclose(
        row[["estimate", "low", "high"]].astype(float), kept[["estimate", "low", "high"]].astype(float)
    )


def test_notes_and_hidden_counts():
    hidden = first(stratified(frame([8, np.nan], [20, 60], [6, 30], [30, 240]), by=["stratum"]))
    assert hidden["note"] == "suppressed"
    assert np.isnan(hidden["estimate"])
    none = first(stratified(frame([0, 0], [20, 60], [6, 30], [30, 240]), by=["stratum"]))
    assert (none["estimate"], none["low"], none["high"]) == (0, 0, np.inf)
    assert none["note"].split()[0] == "zero_numerator"
    nobody = first(stratified(frame([0, 0], [20, 60], [0, 0], [30, 240]), by=["stratum"]))
    assert nobody["note"] == "no_events"


def test_a_stratum_whose_population_nobody_knows_is_dropped_and_said_so():
    """As children of unknown sex, whom no census counts."""
    full = frame([2, 30, 40], [np.nan, 600, 700], [6, 30, 40], [np.nan, 2400, 900], base="population")
    row = first(stratified(full, by=["stratum"]))
    kept = full[full["stratum"] > 0]
    assert_allclose(row["estimate"], first(stratified(kept, by=["stratum"]))["estimate"])
    assert (row["note"], row["strata_dropped"], row["events"]) == ("strata_dropped", 1, 70)
    out, alone = (standardised(t, by=["stratum"]) for t in (full, kept))
    assert_allclose(out[["estimate", "low", "high"]], alone[["estimate", "low", "high"]])
    assert (out["note"] == "strata_dropped").all()
    none = full[full["stratum"] == 0]
    assert first(stratified(none, by=["stratum"]))["note"] == "no_denominator strata_dropped"
    assert first(standardised(none, by=["stratum"]))["note"] == "no_denominator strata_dropped"


def test_several_comparisons_and_references():
    both = pd.concat([frame(*cohorts(UCB), year=2023), frame(*cohorts(ALCOHOL), year=2024)])
    out = stratified(both, by=["stratum"])
    assert list(out["year"]) == [2023, 2023, 2024, 2024]
    alone = stratified(frame(*cohorts(ALCOHOL), year=2024), by=["stratum"])
    assert_allclose(out["estimate"].iloc[2], alone["estimate"].iloc[0])
    others = stratified(both, by=["stratum"], reference="all-others")
    assert_allclose(others["estimate"].iloc[0] * others["estimate"].iloc[1], 1)  # two groups: inverses
    assert_allclose(others["estimate"].iloc[0], out["estimate"].iloc[0])


def test_swapping_the_groups_inverts_and_order_of_strata_does_not_matter():
    there = first(stratified(frame(*cohorts(UCB)), by=["stratum"]))
    swapped = frame(*(cohorts(UCB)[i] for i in (2, 3, 0, 1))).sample(frac=1, random_state=3)
    back = first(stratified(swapped, by=["stratum"]))
    assert_allclose([1 / back["estimate"], 1 / back["high"]], [there["estimate"], there["low"]], rtol=1e-12)
    assert_allclose(back["homogeneity_p"], there["homogeneity_p"], rtol=1e-9)


counts = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(counts, counts, st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_the_pooled_ratio_lies_among_those_of_the_strata(strata):
    n1, n2, p, q = (np.array(c) for c in zip(*strata, strict=True))
    x1, x2 = np.rint(n1 * p), np.rint(n2 * q)
    row = first(stratified(frame(x1, n1, x2, n2), by=["stratum"]))
    with np.errstate(all="ignore"):
        ratios = (x1 / n1) / (x2 / n2)
    ratios = ratios[~np.isnan(ratios)]
    if len(ratios):
        assert ratios.min() * (1 - 1e-9) <= row["estimate"] <= ratios.max() * (1 + 1e-9)
        assert row["low"] <= row["estimate"] <= row["high"]
    else:
        assert np.isnan(row["estimate"])


def test_the_argument_is_not_edited_and_stratum_ratios_stand_beside():
    table = frame(*cohorts(UCB))
    before = table.copy()
    pooled = stratified(table, by=["stratum"])
    standardised(table, by=["stratum"])
    pd.testing.assert_frame_equal(table, before)
    beside = measures.relative_rates(table)
    assert list(pooled.columns[:3]) == ["measure", "base", "group"]
    assert len(beside) == len(table)


@pytest.mark.parametrize(
    ("change", "by", "message"),
    [
        (lambda t: t, [], "Name at least one of base, stratum"),
        (lambda t: t, ["court"], "1 of 1 columns in by are not in the table: court"),
        (lambda t: t, "stratum", r"give a list of columns, \['stratum'\]"),
        (lambda t: t.iloc[1:], ["stratum"], "1 of 11 rows are in a stratum that some group has no row for"),
        (lambda t: pd.concat([t, t.iloc[:1]]), ["stratum"], "repeat a group within one comparison"),
        (lambda t: t.assign(events=t["denominator"] + 1), ["stratum"], "events is above denominator"),
        (lambda t: t.assign(events=-1), ["stratum"], "negative"),
        (lambda t: t.assign(events=1.5), ["stratum"], "not a whole number"),
    ],
)
def test_bad_input_to_stratified(change, by, message):
    with pytest.raises(ValueError, match=message):
        stratified(change(frame(*cohorts(UCB))), by=by)


def test_a_reference_that_is_not_there():
    with pytest.raises(ValueError, match="reference 'Martian' is not one of the 2 groups"):
        stratified(frame(*cohorts(UCB)), by=["stratum"], reference="Martian")


# -- standardised ------------------------------------------------------------------------------------


def births():
    rows = [
        {
            "group": f"order {i + 1}",
            "base": "population",
            "age": a,
            "events": CASES[i, a],
            "denominator": BIRTHS[i, a],
        }
        for i in range(5)
        for a in range(6)
    ]
    return pd.DataFrame(rows)


def test_direct_standardisation_of_downs_syndrome():
    out = standardised(births(), by=["age"])
    direct = out[out["method"] == "direct, Dobson-Byar"]
    # R 4.2.2, epitools 0.5.10.1: ageadjust.direct(count, population, stdpop=rowSums(population)) * 1000
    adjusted = [0.9230452553, 0.9117411683, 0.8506922134, 0.9271786506, 0.7552900745]
    assert_allclose(direct["estimate"], adjusted, rtol=1e-9)
    # Where weights vary it stands beside: Fay and Feuer, adj.rate, lci, uci
    beside = out[out["method"] == "direct, Fay-Feuer"].set_index("group")
    low = [0.8044174985, 0.8236121165, 0.7718345340, 0.8000999276, 0.6770212042]
    high = [1.0576334575, 1.0086757632, 0.9422356983, 1.1466944482, 1.8830017273]
    for i, group in enumerate(beside.index):
        at = int(group[-1]) - 1
        assert_allclose(beside.iloc[i][["low", "high"]].astype(float), [low[at], high[at]], rtol=1e-7)
    # epitools' weights.ratio by hand: largest standard / population over smallest
    ratio = BIRTHS.sum(axis=0) / BIRTHS
    varies = (ratio.max(axis=1) / ratio.min(axis=1) > 10).tolist()
    assert beside.index.tolist() == [f"order {i + 1}" for i in range(5) if varies[i]]
    assert 0 < len(beside) < 5
    assert direct["note"].tolist() == ["weights_vary" if v else "" for v in varies]


def test_dobson_byar_by_hand():
    out = standardised(births(), by=["age"]).iloc[1]
    x, n, w = CASES[1], BIRTHS[1], BIRTHS.sum(axis=0) / BIRTHS.sum()
    total, rate, variance = x.sum(), (w * x / n).sum(), (w**2 * x / n**2).sum()
    low = total * (1 - 1 / (9 * total) - 1.959964 / (3 * np.sqrt(total))) ** 3
    assert_allclose(out["low"], 1000 * (rate + np.sqrt(variance / total) * (low - total)), rtol=1e-6)


def test_indirect_standardisation_by_hand():
    out = standardised(births(), by=["age"])
    ratios = out[out["measure"] == "standardised_ratio"]
    expected = (BIRTHS * CASES.sum(axis=0) / BIRTHS.sum(axis=0)).sum(axis=1)
    assert_allclose(ratios["expected"], expected, rtol=1e-12)
    assert_allclose(ratios["estimate"], CASES.sum(axis=1) / expected, rtol=1e-12)
    assert_allclose(expected.sum(), CASES.sum())
    small = first(
        standardised(
            frame([2, 3], [400, 600], [10, 40], [3000, 4000], base="population"), by=["stratum"]
        ).iloc[2:]
    )
    # Garwood: 5 events have exact limits 1.6235 and 11.6683
    assert_allclose(
        [small["low"] * small["expected"], small["high"] * small["expected"]], [1.6235, 11.6683], atol=5e-5
    )
    assert small["method"] == "indirect, exact (Garwood)"


def test_the_standard_itself_has_its_own_rate_and_ratio_one():
    table = frame([40, 12], [200, 60], [60, 30], [300, 240], base="population")
    out = standardised(table, by=["stratum"], standard="White").set_index(["group", "measure"])
    assert_allclose(out.loc[("White", "standardised_ratio"), "estimate"], 1)
    assert_allclose(out.loc[("White", "standardised_rate_per_1000"), "estimate"], 1000 * 90 / 540)


def test_a_table_as_standard():
    table = frame([40, 12], [200, 60], [60, 30], [300, 240], base="population")
    weights = pd.DataFrame({"stratum": [0, 1], "denominator": [1, 3]})
    out = standardised(table, by=["stratum"], standard=weights, per=100)
    assert out["measure"].tolist() == ["standardised_rate_per_100"] * 2  # no events, so no expected
    assert_allclose(
        out["estimate"], [100 * (40 / 200 + 3 * 12 / 60) / 4, 100 * (60 / 300 + 3 * 30 / 240) / 4]
    )
    assert (out["reference"] == "standard").all()
    with pytest.raises(ValueError, match="the standard has no row for 2 of 4 rows; the first is stratum 1"):
        standardised(table, by=["stratum"], standard=weights.iloc[:1])
    with pytest.raises(ValueError, match="2 of 2 groups lack a stratum of stratum"):
        standardised(table[table["stratum"] == 0], by=["stratum"], standard=weights)
    with pytest.raises(ValueError, match="1 of 2 columns of the standard are missing: denominator"):
        standardised(table, by=["stratum"], standard=weights[["stratum"]])


def test_scaling_the_standard_changes_nothing():
    table = frame([40, 12], [200, 60], [60, 30], [300, 240], base="population")
    weights = pd.DataFrame({"stratum": [0, 1], "denominator": [100, 300]})
    a = standardised(table, by=["stratum"], standard=weights)
    b = standardised(table, by=["stratum"], standard=weights.assign(denominator=[1, 3]))
    assert_allclose(a[["estimate", "low", "high"]], b[["estimate", "low", "high"]], rtol=1e-12)


def test_too_few_nobody_and_hidden():
    few = standardised(frame([4, 5], [200, 60], [60, 30], [300, 240], base="population"), by=["stratum"])
    assert first(few)["note"] == "too_few_events"
    assert np.isnan(first(few)["estimate"])
    empty = frame([4, 0], [200, 0], [60, 30], [300, 240], base="population", area="Islington")
    with pytest.raises(ValueError, match=r"denominator is 0 in 1 of 4 strata .* first: Black, Islington"):
        standardised(empty, by=["stratum"])
    on_stage = first(standardised(empty.assign(base="charge"), by=["stratum"]))
    assert on_stage["note"] == "no_denominator"
    assert np.isnan(on_stage["estimate"])
    table = frame([np.nan, 5], [200, 60], [60, 30], [300, 240], base="population")
    hidden = standardised(table, by=["stratum"]).set_index(["group", "measure"])["note"]
    assert hidden["Black"].tolist() == ["suppressed", "suppressed"]
    assert hidden["White"].tolist() == ["", "suppressed"]  # the mix is known, the standard's rates are not


def test_a_proportion_stays_within_one():
    out = standardised(frame([19, 30], [20, 30], [60, 30], [300, 240]), by=["stratum"])
    row = first(out)
    assert row["measure"] == "standardised_proportion"
    assert row["high"] <= 1
