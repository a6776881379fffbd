"""Adjusted relative rates: against statsmodels row by row, and against what was planted."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from ysj_analysis import load, models
from ysj_analysis.adjusted_blocks import shaped

ISLINGTON = "data/synthetic"


@pytest.fixture(scope="module")
def custody():
    return models.cases(load.study(ISLINGTON), outcome="custody")


def episodes(seed, n=1500):
    """Rows of children with one to four episodes; the offence differs by group, and moves the outcome."""
    rng = np.random.default_rng(seed)
    child = rng.integers(0, n // 2, n)
    black = (child % 3 == 0).astype(int)
    grave = rng.random(n) < 0.3 + 0.3 * black
    prone = stats.norm.ppf((child * 0.6180339) % 1)
    p = 1 / (1 + np.exp(1.5 - 1.2 * grave - 0.4 * black - 0.7 * prone))
    return pd.DataFrame(
        {
            "group": np.where(black, "Black", np.where(child % 7 == 1, "Mixed", "White")),
            "gravity": np.where(grave, 6, 2),
            "sex": np.where(child % 5 == 0, "female", "male"),
            "outcome": (rng.random(n) < p).astype(int),
            "child_id": child,
            "years": rng.integers(1, 4, n),
        }
    )


def row_fit(rows, family, exposure=None):
    """Fit on rows, clustered, by statsmodels, with the standardised means by brute force."""
    order = ["White", "Black", "Mixed"]
    group = pd.get_dummies(pd.Categorical(rows["group"], order), drop_first=True, dtype=float)
    other = [(rows["gravity"] == 6).astype(float), (rows["sex"] == "male").astype(float)]
    design = np.column_stack([np.ones(len(rows)), group, *other])
    kind = sm.families.Binomial() if family == "logistic" else sm.families.Poisson()
    e = None if exposure is None else rows[exposure].to_numpy(float)
    fit = sm.GLM(rows["outcome"].to_numpy(float), design, family=kind, exposure=e).fit(
        cov_type="cluster", cov_kwds={"groups": rows["child_id"].to_numpy()}, use_t=True, tol=1e-12
    )

    def means(beta):
        weight = np.ones(len(rows)) if e is None else e
        found = []
        for own in ((0, 0), (1, 0), (0, 1)):
            as_one = design.copy()
            as_one[:, 1:3] = own
            eta = as_one @ beta
            mean = 1 / (1 + np.exp(-eta)) if family == "logistic" else np.exp(eta)
            found.append(np.average(mean, weights=weight))
        return np.array(found)

    return fit, means


@pytest.mark.parametrize(
    ("family", "exposure"), [("logistic", None), ("poisson", None), ("poisson", "years")]
)
def test_cells_give_the_row_fit_of_statsmodels(family, exposure):
    rows = episodes(1)
    fit = models.adjusted(rows, blocks={"all": ["gravity", "sex"]}, family=family, exposure=exposure)
    peer, means = row_fit(rows, family, exposure)
    mine = fit.coefficients[fit.coefficients["block"].eq("all")].set_index("term")
    terms = ["(intercept)", "group: Black", "group: Mixed", "gravity: 6", "sex: male"]
    assert mine.loc[terms, "estimate"].to_numpy() == pytest.approx(peer.params, abs=1e-8)
    assert mine.loc[terms, "standard_error"].to_numpy() == pytest.approx(peer.bse, abs=1e-8)

    # the delta method with numerical gradients
    step = 1e-6 * np.eye(5)
    logs = np.log(means(peer.params))
    slopes = np.array(
        [(np.log(means(peer.params + s)) - np.log(means(peer.params - s))) / 2e-6 for s in step]
    ).T
    table = fit.table[fit.table["block"].eq("all") & fit.table["measure"].str.endswith("ratio")]
    table = table.set_index("group")
    for i, group in ((1, "Black"), (2, "Mixed")):
        contrast = slopes[i] - slopes[0]
        error = np.sqrt(contrast @ peer.cov_params() @ contrast)
        reach = stats.t.ppf(0.975, rows["child_id"].nunique() - 1) * error
        row = table.loc[group]
        assert row["estimate"] == pytest.approx(np.exp(logs[i] - logs[0]), rel=1e-8)
        assert np.log(row["high"] / row["estimate"]) == pytest.approx(reach, rel=1e-5)
        assert np.log(row["estimate"] / row["low"]) == pytest.approx(reach, rel=1e-5)


def test_raw_block_is_the_ratio_of_the_shares():
    rows = episodes(2)
    row = models.adjusted(rows, blocks={}).table.iloc[0]
    share = rows.groupby("group")["outcome"].mean()
    assert row["estimate"] == pytest.approx(share["Black"] / share["White"], rel=1e-9)
    assert row[["events", "denominator"]].tolist() == [
        rows.loc[rows["group"].eq("Black"), "outcome"].sum(),
        rows["group"].eq("Black").sum(),
    ]


def test_the_right_block_explains_planted_confounding_and_the_wrong_one_does_not(custody):
    """Custody: nothing is planted on the group, and the offences differ: seen 1.43, at equal gravity 1.0."""
    fit = models.adjusted(custody, blocks={"demographics": ["sex", "age", "send"], "offence": ["gravity"]})
    black = fit.table[fit.table["group"].eq("Black") & fit.table["measure"].str.endswith("ratio")]
    black = black.set_index("block")
    assert black.loc["raw", "low"] > 1
    assert black.loc["demographics", "low"] > 1
    assert abs(black.loc["demographics", "attenuation"]) < 0.25
    assert black.loc["offence", "low"] < 1 < black.loc["offence", "high"]
    assert black.loc["offence", "attenuation"] > 0.7
    assert fit.dropped["why"].str.contains("ethnicity is not known").any()


def test_a_planted_direct_effect_survives():
    """Remand to youth detention: 1.6 for Black children at equal gravity."""
    cases = models.cases(load.study(ISLINGTON), outcome="yda")
    fit = models.adjusted(cases, blocks={"offence": ["gravity", "year"]}, family="poisson")
    row = fit.table[fit.table["group"].eq("Black") & fit.table["block"].eq("offence")].iloc[0]
    assert 1 < row["low"] < 1.6 < row["high"]


def test_a_group_without_events_has_a_finite_estimate_and_says_so():
    rows = episodes(3, 400)
    rows.loc[rows["group"].eq("Mixed"), "outcome"] = 0
    fit = models.adjusted(rows, blocks={"gravity": ["gravity"]})
    row = fit.table[fit.table["group"].eq("Mixed")].iloc[0]
    assert row["note"] == "zero_numerator sparse"
    assert "Firth" in row["method"]
    assert 0 < row["low"] < row["estimate"] < row["high"] < np.inf
    assert fit.diagnostics["likelihood"].tolist() == ["Firth", "Firth"]


def test_what_a_disparity_may_have_shaped_must_be_marked():
    rows = episodes(4).assign(plea=lambda t: np.where(t["sex"].eq("male"), "guilty", "not guilty"))
    with pytest.raises(
        ValueError, match=r"1 of 2 covariates may carry the disparity.*plea.*mediators=\['plea'\]"
    ):
        models.adjusted(rows, blocks={"case": ["gravity", "plea"]})
    table = models.adjusted(rows, blocks={"case": ["gravity", "plea"]}, mediators=["plea"]).table
    noted = table["block"].eq("case") & table["group"].ne("White")
    assert table.loc[noted, "note"].eq("mediator").all()
    assert table.loc[table["block"].eq("raw"), "note"].isin(["", "reference"]).all()
    assert shaped(["yda", "remand_outcome", "assessed_harm", "age"]) == [
        "yda",
        "remand_outcome",
        "assessed_harm",
    ]


def test_too_little_is_refused_with_what_would_be_needed():
    rows = episodes(5, 300)
    few = rows.assign(outcome=(np.arange(300) < 4).astype(int))
    with pytest.raises(
        ValueError, match=r"4 events \(or children without\) for 3 coefficients; 6 would be needed"
    ):
        models.adjusted(few, blocks={})
    some = rows.assign(outcome=(np.arange(300) % 37 == 0).astype(int), age=np.arange(300) % 9)
    fit = models.adjusted(some, blocks={"demographics": ["age"]})
    late = fit.table[fit.table["block"].eq("demographics")]
    assert late["estimate"].isna().all()
    assert late.loc[late["group"].ne("White"), "note"].eq("too_few_to_fit").all()
    assert fit.dropped["why"].str.contains("would be needed").any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "probit"}, "family is 'probit'"),
        ({"reference": "Asian"}, "3 of 3 groups have rows"),
        ({"blocks": {"a": ["height"]}}, "1 of 4 columns that the model needs"),
        ({"outcome": "years"}, "a value of years that is not 0 or 1. First: row"),
        ({"blocks": {"a": ["sex"], "b": ["sex"]}}, "cannot be used so"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        models.adjusted(episodes(6, 200), **{"blocks": {}, **change})


def test_rows_are_kept_and_the_argument_is_not_edited(custody):
    before = custody.copy()
    fit = models.adjusted(custody, blocks={"offence": ["offence_group", "gravity"]})
    pd.testing.assert_frame_equal(custody, before)
    assert list(fit.table.columns[-3:]) == ["note", "residual_df", "attenuation"]
    sizes = fit.table.groupby(["block", "measure"], observed=True).size()
    assert sizes.eq(custody["group"].cat.categories.size).all()
    assert fit.dropped["why"].str.contains("tells nothing that the terms before it do not").any()
    unknown = fit.table[fit.table["group"].eq("Unknown")]
    assert unknown["note"].eq("not_compared").all()
    assert unknown["denominator"].gt(0).all()


def test_a_case_is_an_episode_that_reached_the_stage(custody):
    events = pd.read_csv("data/synthetic/events.csv")
    held = custody.set_index("episode_id")
    sentenced = set(events.loc[events["stage"].eq("sentenced"), "episode_id"])
    assert set(held.index) <= sentenced
    went = events.loc[events["stage"].eq("custody"), "episode_id"]
    assert held["outcome"].eq(held.index.isin(went).astype(float)).all()
    assert set(held["age"]) <= {*map(str, range(10, 18)), "unknown"}
    assert set(held["previous"]) <= {"0", "1", "2", "unknown"}
    assert "birth_month" not in held


def test_residual_freedom_and_saturation_are_on_every_row():
    """Three groups by two gravities are six cells; the raw block has three, and three coefficients."""
    fit = models.adjusted(episodes(7), blocks={"gravity": ["gravity"]})
    assert fit.table.groupby("block", sort=False)["residual_df"].first().to_dict() == {"raw": 0, "gravity": 2}
    assert fit.coefficients.groupby("block")["residual_df"].first().to_dict() == {"raw": 0, "gravity": 2}


def test_many_rows_have_the_same_errors_to_six_digits(monkeypatch):
    """Scores of many rows are held in single precision; statsmodels holds all in double."""
    monkeypatch.setattr("ysj_analysis.adjusted_likelihood.MANY", 0)
    rows = episodes(8)
    mine = models.adjusted(rows, blocks={"all": ["gravity", "sex"]}).coefficients
    mine = mine[mine["block"].eq("all")].set_index("term")
    peer, _ = row_fit(rows, "logistic")
    terms = ["(intercept)", "group: Black", "group: Mixed", "gravity: 6", "sex: male"]
    assert mine.loc[terms, "standard_error"].to_numpy() == pytest.approx(peer.bse, rel=1e-6)
    assert (mine.loc[terms, "standard_error"].to_numpy() != peer.bse).any()
