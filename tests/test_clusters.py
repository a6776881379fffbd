"""Intervals of episodes that count children, against Poisson regression with cluster-robust errors."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ysj_analysis import clusters, measures

GROUPS = ("Black", "Mixed", "White")


def episodes(seed, children=60):
    """One row an episode: children of three groups with one to six episodes, alike within a child."""
    rng = np.random.default_rng(seed)
    group = np.repeat(GROUPS, (children, children // 2, 2 * children))
    often = 1 + rng.geometric(0.5, group.size).clip(max=6)
    prone = rng.beta(1.5, 3, group.size)
    rows = np.repeat(np.arange(group.size), often)
    return pd.DataFrame(
        {
            "group": group[rows],
            "base": "arrest",
            "child_id": [f"c{i}" for i in rows],
            "events": (rng.random(rows.size) < prone[rows]).astype(int),
            "denominator": 1,
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_error_is_that_of_poisson_regression_with_children_as_clusters(seed):
    rows = episodes(seed)
    found = clusters.relative_rates(clusters.collapse(rows, keys=["group", "base"])).set_index("group")
    for group in ("Black", "Mixed"):
        two = rows[rows["group"].isin([group, "White"])]
        design = sm.add_constant((two["group"] == group).astype(float).to_numpy())
        who = pd.factorize(two["child_id"])[0]
        fit = sm.GLM(two["events"].to_numpy(float), design, family=sm.families.Poisson()).fit(
            cov_type="cluster", cov_kwds={"groups": who, "use_correction": False}
        )
        row = found.loc[group]
        assert row["estimate"] == pytest.approx(np.exp(fit.params[1]), rel=1e-8)
        # statsmodels without its correction leaves out G/(G-1), which is each group's own here
        g = {name: part["child_id"].nunique() for name, part in two.groupby("group")}
        own = dict(zip(("White", group), _parts(two, group), strict=True))
        assert sum(own.values()) == pytest.approx(fit.bse[1] ** 2, rel=1e-6)
        error = np.sqrt(sum(v * g[name] / (g[name] - 1) for name, v in own.items()))
        reach = stats.t.ppf(0.975, sum(g.values()) - 1) * error
        assert np.log(row["high"] / row["estimate"]) == pytest.approx(reach, rel=1e-8)
        assert np.log(row["estimate"] / row["low"]) == pytest.approx(reach, rel=1e-8)


def _parts(two, group):
    """Linearised variance of the log rate of White and of the group, a child at a time."""
    for name in ("White", group):
        part = two[two["group"] == name]
        rate = part["events"].sum() / len(part)
        residuals = [(c["events"] - rate).sum() for _, c in part.groupby("child_id")]
        yield sum(r**2 for r in residuals) / part["events"].sum() ** 2


def test_population_rate_counts_each_child_once_however_many_events():
    """Four children with 3 episodes each are as sure as four events, not as twelve."""
    rows = pd.DataFrame(
        {
            "group": ["Black"] * 4 + ["White"] * 9,
            "base": "population",
            "child_id": [f"c{i}" for i in range(13)],
            "events": [3] * 4 + [1] * 9,
        }
    )
    cells = clusters.collapse(rows, keys=["group", "base"]).assign(denominator=[2000.0, 6000.0])
    row = clusters.relative_rates(cells).iloc[0]
    assert row["estimate"] == 4.0
    error = np.sqrt(1 / 4 * 4 / 3 + 1 / 9 * 9 / 8)
    assert np.log(row["high"] / 4) == pytest.approx(stats.t.ppf(0.975, 12) * error, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_one_episode_a_child_gives_the_usual_log_interval_nearly(seed):
    """With one episode each the linearised variance is 1/x - 1/n, the delta method's, times G/(G-1)."""
    rng = np.random.default_rng(seed)
    n = rng.integers(30, 200, 2)
    x = np.array([rng.integers(5, m - 5) for m in n])
    rows = pd.DataFrame(
        {
            "group": np.repeat(["Black", "White"], n),
            "base": "charge",
            "child_id": np.arange(n.sum()).astype(str),
            "events": np.concatenate([np.arange(m) < y for m, y in zip(n, x, strict=True)]).astype(int),
            "denominator": 1,
        }
    )
    row = clusters.relative_rates(clusters.collapse(rows, keys=["group", "base"])).iloc[0]
    delta = sum((1 / y - 1 / m) * m / (m - 1) for m, y in zip(n, x, strict=True))
    reach = stats.t.ppf(0.975, n.sum() - 1) * np.sqrt(delta)
    assert np.log(row["high"] / row["estimate"]) == pytest.approx(reach, rel=1e-9)


def test_interval_covers_where_one_of_independent_episodes_does_not():
    """400 studies: nominal 95%; binomial limits on episodes fall short, as in the methods page."""
    true, covered, naive = 1.0, 0, 0
    for seed in range(400):
        rows = episodes(seed, children=40)
        cells = clusters.collapse(rows, keys=["group", "base"])
        row = clusters.relative_rates(cells).iloc[0]
        covered += row["low"] <= true <= row["high"]
        plain = measures.relative_rates(cells.drop(columns=list(clusters.SUMS))).iloc[0]
        naive += plain["low"] <= true <= plain["high"]
    assert 0.93 <= covered / 400 <= 0.98
    assert naive < covered


def test_zero_and_hidden_cells_have_a_note_and_no_interval():
    rows = episodes(1)
    rows.loc[rows["group"] == "Mixed", "events"] = 0
    found = clusters.relative_rates(clusters.collapse(rows, keys=["group", "base"])).set_index("group")
    assert found.loc["Mixed", "estimate"] == 0
    assert "zero_numerator" in found.loc["Mixed", "note"]
    assert np.isnan(found.loc["Mixed", ["low", "high", "p_value"]].astype(float)).all()
    assert found.loc["White", "note"] == "reference"


def test_cells_that_were_not_collapsed_are_refused():
    plain = pd.DataFrame({"group": ["Black"], "base": ["arrest"], "events": [1.0], "denominator": [2.0]})
    with pytest.raises(ValueError, match=r"4 of 4 columns that carry the children are missing.*collapse"):
        clusters.relative_rates(plain)


def test_the_child_is_in_no_result():
    cells = clusters.collapse(episodes(2), keys=["group", "base"])
    assert "child_id" not in cells.columns
    assert "child_id" not in clusters.relative_rates(cells).columns
