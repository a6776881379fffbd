"""What is the gap made of? Parts that add up, against statsmodels, a bootstrap, simulation and planted truth."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.oaxaca import OaxacaBlinder

from ysj_analysis import decompose, decompose_sentences, disclosure, measures
from ysj_analysis.wording import Words

PARTS = ["kitagawa_gap", "kitagawa_rate_part", "kitagawa_composition_part"]


def cells(x1, n1, x2, n2, base="sentenced", **columns):
    """Two groups over some offences."""
    table = {"group": np.repeat(["Black", "White"], len(x1)), "offence": list("pqrstu")[: len(x1)] * 2}
    return pd.DataFrame({**table, "base": base, "events": [*x1, *x2], "denominator": [*n1, *n2], **columns})


def parts(table, by=("offence",), **arguments):
    found = decompose.kitagawa(table, by=list(by), **arguments)
    return found[found["group"] == "Black"].reset_index(drop=True)


def test_by_hand():
    """Shares .6 .4 and .2 .8, rates .5 .1 and .4 .2.

    Rate part: .1 x .4 - .1 x .6 = -.02. Composition part: .4 x .45 - .4 x .15 = .12. Gap: .34 - .24 = .10.
    """
    found = parts(cells([30, 4], [60, 40], [8, 16], [20, 80]))
    assert found["measure"].to_list() == PARTS
    assert found["estimate"].to_list() == pytest.approx([0.10, -0.02, 0.12])
    assert found["part"].to_list() == pytest.approx([1, -0.2, 1.2])
    assert (found["low"] < found["estimate"]).all()
    assert (found["high"] > found["estimate"]).all()
    assert found[["events", "denominator"]].iloc[0].to_list() == [34, 100]
    rates = parts(cells([30, 4], [60, 40], [8, 16], [20, 80], base="population"), per=1000)
    assert rates["measure"].to_list() == [f"{p}_per_1000" for p in PARTS]
    assert rates["estimate"].to_list() == pytest.approx([100, -20, 120])


counted = st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1)), min_size=4, max_size=4)


@given(counted, counted)
@settings(max_examples=50, deadline=None)
def test_the_parts_add_to_the_gap_and_turn_about_with_the_groups(one, other):
    (n1, n2), (r1, r2) = ([[p[i] for p in side] for side in (one, other)] for i in (0, 1))
    x1, x2 = ([int(n * r) for n, r in zip(*side, strict=True)] for side in ((n1, r1), (n2, r2)))
    table = cells(x1, n1, x2, n2)
    found = parts(table)["estimate"]
    assert found[1] + found[2] == pytest.approx(found[0], abs=1e-12)
    assert found[0] == pytest.approx(sum(x1) / sum(n1) - sum(x2) / sum(n2))
    back = decompose.kitagawa(table, by=["offence"], reference="Black")
    back = back[back["group"] == "White"]["estimate"].to_numpy()
    assert back == pytest.approx(-found.to_numpy(), abs=1e-12)


def random_cells(seed, by=(3, 2), size=(20, 60)):
    rng = np.random.default_rng(seed)
    table = pd.MultiIndex.from_product(
        [["Black", "White"], list("PQR")[: by[0]], list("XY")[: by[1]]], names=["group", "offence", "court"]
    ).to_frame(index=False)
    n = rng.integers(*size, len(table))
    return table.assign(
        base="sentenced", denominator=n, events=rng.binomial(n, rng.uniform(0.1, 0.6, len(n)))
    )


def as_rows(table):
    rows = table.loc[table.index.repeat(table["denominator"])]
    done = rows.groupby(level=0).cumcount() < rows["events"]
    return rows.assign(y=done.astype(float)).reset_index(drop=True)


@pytest.mark.parametrize("weight", [0, 0.3, 0.5, 1])
def test_oaxaca_blinder_is_that_of_statsmodels(weight):
    """statsmodels 0.15 on rows, two-fold, weight given; its own order: unexplained, explained, gap."""
    table = random_cells(1)
    rows = as_rows(table)
    design = pd.get_dummies(rows[["offence", "court"]], drop_first=True).astype(float)
    design.insert(0, "const", 1.0)
    design["black"] = rows["group"].eq("Black").astype(float)
    fit = OaxacaBlinder(rows["y"], design, "black", hasconst=True, swap=False)
    # It takes the groups the other way about: the weight is on the first, and signs are turned.
    theirs = fit.two_fold(two_fold_type="self_submitted", submitted_weight=1 - weight).params
    found = decompose.oaxaca_blinder(table, by=["offence", "court"], weight=weight)
    ours = found[found["group"] == "Black"].set_index(["measure", "factor"])["estimate"]
    expected = {"oaxaca_rate_part": theirs[0], "oaxaca_composition_part": theirs[1], "oaxaca_gap": theirs[2]}
    for name, value in expected.items():
        assert ours[name, "all"] == pytest.approx(-value, abs=1e-12)
    by_column = ours["oaxaca_composition_part", "offence"] + ours["oaxaca_composition_part", "court"]
    assert by_column == pytest.approx(ours["oaxaca_composition_part", "all"], abs=1e-12)


def test_kitagawa_is_statsmodels_with_a_term_for_each_category():
    table = random_cells(2)
    rows = as_rows(table)
    design = pd.get_dummies(rows["offence"] + rows["court"], drop_first=True).astype(float)
    design.insert(0, "const", 1.0)
    design["black"] = rows["group"].eq("Black").astype(float)
    fit = OaxacaBlinder(rows["y"], design, "black", hasconst=True, swap=False)
    theirs = fit.two_fold(two_fold_type="self_submitted", submitted_weight=0.5).params
    found = parts(table, by=("offence", "court"))["estimate"].to_list()
    assert found == pytest.approx([-theirs[2], -theirs[0], -theirs[1]], abs=1e-12)


def test_one_column_of_oaxaca_blinder_is_kitagawa():
    table = random_cells(3, by=(3, 1), size=(400, 900))
    one = parts(table)
    two = decompose.oaxaca_blinder(table, by=["offence"])
    two = two[(two["group"] == "Black") & (two["factor"] == "all")].reset_index(drop=True)
    assert two["estimate"].to_list() == pytest.approx(one["estimate"].to_list(), abs=1e-12)
    width = [(t["high"] - t["low"]).to_numpy() for t in (one, two)]
    assert width[0] == pytest.approx(width[1], rel=0.01)


def simulated(n, sizes, seed, base="sentenced"):
    """Draws of two groups with known shares and rates, and what their parts are."""
    rng = np.random.default_rng(seed)
    shares = np.array([[0.35, 0.25, 0.2, 0.15, 0.05], [0.2, 0.2, 0.3, 0.2, 0.1]])
    rates = np.array([[0.5, 0.4, 0.3, 0.3, 0.2], [0.4, 0.4, 0.25, 0.2, 0.15]])
    rates = rates / 50 if base == "population" else rates
    drawn = []
    for group, share, rate, size in zip(["Black", "White"], shares, rates, sizes, strict=True):
        many = (
            np.tile((size * share).round(), (n, 1))
            if base == "population"
            else rng.multinomial(size, share, n)
        )
        events = rng.poisson(many * rate) if base == "population" else rng.binomial(many, rate)
        drawn.append(
            pd.DataFrame(
                {"area": np.repeat(np.arange(n), 5), "offence": np.tile(np.arange(5), n), "group": group}
            ).assign(base=base, events=events.ravel(), denominator=many.ravel())
        )
    more = shares[0] - shares[1]
    true = [
        (shares * rates).sum(axis=1) @ [1, -1],
        ((rates[0] - rates[1]) * shares.mean(axis=0)).sum(),
        (more * rates.mean(axis=0)).sum(),
    ]
    return pd.concat(drawn, ignore_index=True), dict(zip(PARTS, true, strict=True))


@pytest.mark.parametrize(
    ("sizes", "base"), [((30, 60), "sentenced"), ((400, 800), "sentenced"), ((3_000, 6_000), "population")]
)
def test_intervals_cover(sizes, base):
    """2,000 draws: the standard error of a coverage of 95% is 0.49 points."""
    table, true = simulated(2_000, sizes, 4, base)
    found = decompose.kitagawa(table, by=["offence"], empty="merge", per=1).query("group == 'Black'")
    name = found["measure"].str.replace("_per_1", "")
    covered = found["low"].le(name.map(true)) & found["high"].ge(name.map(true))
    assert covered.groupby(name).mean().between(0.935, 0.985).all()


def test_oaxaca_blinder_covers_as_kitagawa_does():
    """One column, weight one half: the same truth; 1,000 draws, standard error 0.7 points."""
    table, true = simulated(1_000, (400, 800), 8)
    found = decompose.oaxaca_blinder(table, by=["offence"]).query("group == 'Black' and factor == 'all'")
    name = found["measure"].str.replace("oaxaca", "kitagawa")
    covered = found["low"].le(name.map(true)) & found["high"].ge(name.map(true))
    assert covered.groupby(name).mean().between(0.93, 0.97).all()


def test_intervals_agree_with_a_bootstrap_over_cells():
    """20,000 multinomial redraws over offence and event at once: ends within 3% of a width."""
    table, _ = simulated(1, (2_000, 4_000), 5)
    found = parts(table)
    rng, share, rate = np.random.default_rng(6), [], []
    for _, own in table.groupby("group"):
        x, n = own["events"].to_numpy(), own["denominator"].to_numpy()
        again = rng.multinomial(n.sum(), np.concatenate([x, n - x]) / n.sum(), 20_000)
        many = again[:, :5] + again[:, 5:]
        share.append(many / n.sum())
        rate.append(again[:, :5] / many)
    drawn = [
        ((rate[0] - rate[1]) * (share[0] + share[1]) / 2).sum(axis=1),
        ((share[0] - share[1]) * (rate[0] + rate[1]) / 2).sum(axis=1),
    ]
    for row, values in zip(found.iloc[1:].to_dict("records"), drawn, strict=True):
        low, high = np.quantile(values, [0.025, 0.975])
        assert max(abs(row["low"] - low), abs(row["high"] - high)) < 0.03 * (high - low)


def test_the_whole_gap_is_that_of_measures():
    table = random_cells(7)
    whole = table.groupby(["group", "base"], as_index=False)[["events", "denominator"]].sum()
    expected = measures.differences(whole).query("group == 'Black'")[["estimate", "low", "high"]]
    assert parts(table, by=("offence", "court")).loc[
        0, ["estimate", "low", "high"]
    ].to_list() == pytest.approx(expected.iloc[0].to_list())


# -- what is empty, hidden or small ------------------------------------------------------------------


def test_an_empty_category_is_refused_or_merged_and_never_dropped():
    table = cells([30, 4, 2], [60, 40, 5], [8, 16, 0], [20, 80, 0])
    with pytest.raises(
        ValueError, match=r"1 of 5 categories hold children of one group and none .* First: r, Black"
    ):
        parts(table)
    found = parts(table, empty="merge")
    expected = parts(cells([32, 4], [65, 40], [8, 16], [20, 80]))
    assert found["estimate"].to_list() == pytest.approx(expected["estimate"].to_list())
    assert found["estimate"][0] == pytest.approx(36 / 105 - 24 / 100)
    assert found[["strata", "strata_merged", "merged"]].iloc[0].to_list() == [2, 2, "p, r"]
    with pytest.raises(ValueError, match="1 of 2 groups have no category in common"):
        parts(cells([3, 0], [6, 0], [0, 5], [0, 9]), empty="merge")
    with pytest.raises(ValueError, match="empty is 'drop'; it must be 'refuse' or 'merge'"):
        parts(table, empty="drop")
    with pytest.raises(ValueError, match="2 of 2 groups cannot be fitted: their 3 terms"):
        decompose.oaxaca_blinder(table, by=["offence"])


def test_nobody_hidden_few_and_the_reference():
    nobody = parts(cells([0, 0], [0, 0], [8, 16], [20, 80]))
    assert nobody["estimate"].isna().all()
    assert set(nobody["note"]) == {"no_denominator"}
    hidden = parts(cells([30, np.nan], [60, 40], [8, 16], [20, 80]))
    assert hidden[["estimate", "low", "high"]].isna().all().all()
    assert set(hidden["note"]) == {"suppressed"}
    few = parts(cells([1, 1], [60, 40], [8, 16], [20, 80]))
    assert set(few["note"]) == {"unreliable"}
    assert few["low"].notna().all()
    table = cells([30, 4], [60, 40], [8, 16], [20, 80])
    kept = table.copy()
    white = decompose.kitagawa(table, by=["offence"]).query("group == 'White'")
    pd.testing.assert_frame_equal(table, kept)
    assert white["estimate"].to_list() == [0, 0, 0]
    assert set(white["note"]) == {"reference"}
    with pytest.raises(ValueError, match="reference is 'overall', which may hold the group itself"):
        decompose.kitagawa(table, by=["offence"], reference="overall")
    with pytest.raises(ValueError, match="weight is 2; it must be from 0"):
        decompose.oaxaca_blinder(table, by=["offence"], weight=2)


# -- words -------------------------------------------------------------------------------------------


def said(x1, n1, x2, n2, function=decompose.kitagawa, base="sentenced", **arguments):
    table = cells(x1, n1, x2, n2, base=base, area="A", year=2023, years=5, unit="children", stage="custody")
    found = disclosure.working(table).derive(function, by=["offence"], **arguments)
    return decompose_sentences.composition(found, Words(), mix="mix of offences")


def test_four_voices():
    rate, mix = said([300, 40], [600, 400], [20, 16], [200, 800])
    assert rate.startswith(
        "With the mix of offences set alike, the rate of Black children at custodial sentence is "
    )
    assert "clearly above that of White children" in rate
    assert "340 of 1,000 children, against 36 of 1,000; 2019-20 to 2023-24" in rate
    assert mix.startswith("The mix of offences of Black children goes with a higher rate")
    rate, mix = said([20, 16], [200, 800], [300, 40], [600, 400])
    assert "is clearly below that of White children" in rate
    assert "goes with a lower rate" in mix
    rate, mix = said([3, 4], [10, 10], [3, 4], [10, 10])
    assert rate.endswith("This is not evidence that there is no difference.")
    assert "cannot be told apart" in rate
    assert "cannot be told apart" in mix
    rate, mix = said([3, np.nan], [10, 10], [3, 4], [10, 10])
    assert rate.startswith("Too few Black children or White children to say how much")
    blinder = said([300, 40], [600, 400], [20, 16], [200, 800], decompose.oaxaca_blinder)
    assert len(blinder) == 3
    assert blinder[-1].startswith("The mix of offence of Black children goes with")
    everyone = " ".join([rate, mix, *blinder, *said([30, 4], [60, 40], [8, 16], [20, 80], base="population")])
    assert not {"cause", "bias", "fair", "unfair", "discrimination"} & set(
        everyone.lower().replace(".", "").split()
    )
    assert "per 1000" in everyone


def test_from_printed_counts():
    """What is hidden stays hidden; what is printed can be split."""
    table = cells(
        [30, 4], [60, 40], [8, 16], [20, 80], area="A", year=2023, years=5, unit="children", stage="custody"
    )
    shown = disclosure.release(table).derive(decompose.kitagawa, by=["offence"])
    assert shown.table["estimate"][:3].isna().all()
    open_table = cells(
        [30, 14], [60, 40], [10, 15], [20, 80], area="A", year=2023, years=5, unit="children", stage="custody"
    )
    shown = disclosure.release(open_table).derive(decompose.kitagawa, by=["offence"]).table
    again = decompose.kitagawa(open_table.assign(events=[30, 15, 10, 15]), by=["offence"])
    assert shown["estimate"].to_list() == pytest.approx(again["estimate"].to_list())
