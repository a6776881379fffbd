"""Where does the gap open? The parts make the whole, whatever the path."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special

from ysj_analysis import decompose, load, measures, pipeline, source_cook_county, synthetic
from ysj_analysis.synthetic_cases import cases
from ysj_analysis.synthetic_planted import OFFENCES
from ysj_analysis.synthetic_world import world
from ysj_analysis.vocabulary import STAGES

PATH = ["arrest", "charge", "convicted", "sentenced", "custody"]
SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic"
SHARED = Path(os.environ.get("YSJ_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
COOK = sorted((SHARED / "cook_county_stages").glob("*.json"))


def ratios(estimates, group="Black", stages=PATH):
    return pd.DataFrame(
        {
            "stage": stages,
            "base": [STAGES[s].base for s in stages],
            "group": group,
            "estimate": estimates,
            "note": "",
        }
    )


def test_by_hand():
    """2 x 1.5 x 1 x 1 x 0.5 is 1.5; ln 2 / ln 1.5 is 1.71, and the last step takes as much away."""
    steps = decompose.cascade(ratios([2.0, 1.5, 1.0, 1.0, 0.5]), stages=STAGES, to="custody")
    assert steps["reached"].to_list() == pytest.approx([2, 3, 3, 3, 1.5])
    assert steps["part"].round(2).to_list() == [1.71, 1.0, 0.0, 0.0, -1.71]
    assert steps["step"].to_list() == [1, 2, 3, 4, 5]


@given(
    st.lists(st.floats(0.05, 20), min_size=5, max_size=5),
    st.lists(st.floats(0.05, 20), min_size=5, max_size=5),
)
@settings(max_examples=50, deadline=None)
def test_parts_add_to_one_and_the_product_is_the_whole(one, other):
    table = pd.concat([ratios(one), ratios(other, "Asian")])
    steps = decompose.cascade(table.sample(frac=1, random_state=1), stages=STAGES, to="custody")
    for group, estimates in (("Black", one), ("Asian", other)):
        mine = steps[steps["group"] == group]
        assert mine["stage"].to_list() == PATH
        assert mine["reached"].iloc[-1] == pytest.approx(np.prod(estimates))
        if abs(np.log(estimates).sum()) > 1e-6:
            assert mine["part"].sum() == pytest.approx(1)


@pytest.mark.parametrize("gap", [np.nan, np.inf, 0.0])
def test_a_path_ends_at_a_gap(gap):
    steps = decompose.cascade(ratios([2.0, 1.5, gap, 1.0, 0.5]), stages=STAGES, to="custody")
    assert steps["stage"].to_list() == PATH[:2]
    assert steps["part"].sum() == pytest.approx(1)


def test_a_path_ends_where_a_stage_is_not_in_the_table():
    table = ratios([2.0, 1.5, 1.2, 1.0, 0.5])
    steps = decompose.cascade(table[table["stage"] != "convicted"], stages=STAGES, to="custody")
    assert steps["stage"].to_list() == PATH[:2]
    later = decompose.cascade(table[table["stage"] != "arrest"], stages=STAGES, to="custody")
    assert later["reached"].iloc[-1] == pytest.approx(1.5 * 1.2 * 0.5)


def test_no_gap_has_no_parts():
    steps = decompose.cascade(ratios([2.0, 0.5], stages=PATH[:2]), stages=STAGES, to="charge")
    assert steps["reached"].to_list() == pytest.approx([2.0, 1.0])
    assert steps["part"].isna().all()


def test_the_reference_and_other_bases_are_left_out():
    table = ratios([2.0, 1.5], stages=PATH[:2])
    white = ratios([1.0, 1.0], "White", PATH[:2]).assign(note="reference")
    whole = ratios([3.0], stages=["charge"]).assign(base="population")
    steps = decompose.cascade(pd.concat([table, white, whole]), stages=STAGES, to="charge")
    assert steps["group"].to_list() == ["Black", "Black"]
    assert steps["reached"].to_list() == pytest.approx([2.0, 3.0])


def test_counts_of_one_cohort_multiply_to_the_cumulative():
    """Followed from arrest, the decisions of a year's children make up the whole way to custody."""
    study = load.study(SYNTHETIC)
    events, cohorts = study.events, {}
    start = events.groupby("episode_id")["date"].transform("min")
    for stage in PATH:
        before = cohorts.get(STAGES[stage].base)
        ids = set(events.loc[(events["stage"] == stage) & (start >= "2018-04-01"), "episode_id"])
        cohorts[stage] = ids if before is None else ids & before
    group = study.children.set_index("child_id")["ethnicity"].astype(str).str[0]
    of_episode = events.drop_duplicates("episode_id").set_index("episode_id")["child_id"].map(group)
    counts = {s: of_episode.loc[sorted(ids)].value_counts() for s, ids in cohorts.items()}
    rows = [
        (stage, STAGES[stage].base, label, counts[stage][code], counts[STAGES[stage].base][code])
        for stage in PATH[1:]
        for code, label in (("B", "Black"), ("W", "White"))
    ]
    table = pd.DataFrame(rows, columns=["stage", "base", "group", "events", "denominator"])
    steps = decompose.cascade(measures.relative_rates(table), stages=STAGES, to="custody")
    whole = (counts["custody"]["B"] / counts["arrest"]["B"]) / (
        counts["custody"]["W"] / counts["arrest"]["W"]
    )
    assert steps["reached"].iloc[-1] == pytest.approx(whole)
    assert steps["part"].sum() == pytest.approx(1)


def test_what_cannot_be_split():
    table = ratios([2.0, 1.5], stages=PATH[:2])
    with pytest.raises(ValueError, match="to is 'custardy', which is not one of the 22 stages: stop_search"):
        decompose.cascade(table, stages=STAGES, to="custardy")
    with pytest.raises(
        ValueError, match=r"2 of 4 rows repeat a stage of one group\. First: Black, arrest\. Give"
    ):
        decompose.cascade(pd.concat([table, table]), stages=STAGES, to="charge")
    with pytest.raises(ValueError, match="Nothing is known of what the counts of this study are out of"):
        decompose.end_of_path(table.iloc[:0], STAGES)


def test_the_end_of_the_path():
    study = load.study(SYNTHETIC)
    counts = pipeline.conditional(pipeline.for_report(study, area="Camden", year=2023), study.stages)
    assert decompose.end_of_path(measures.relative_rates(counts), study.stages) == "custody"
    assert decompose.end_of_path(pd.DataFrame({"stage": ["arrest", "charge", "caution"]}), STAGES) == "charge"
    assert decompose.end_of_path(pd.DataFrame({"stage": ["diversion", "bail"]}), STAGES) == "bail"


# -- limits ------------------------------------------------------------------------------------------


def limits(estimates, low, high, **columns):
    return ratios(estimates, stages=PATH[: len(estimates)]).assign(low=low, high=high, **columns)


def test_one_step_has_its_own_limits_and_squared_distances_add():
    """Two steps whose logs lie 0.3 and 0.4 from their limits: the sum lies 0.5 from its own."""
    near = np.exp([0.3, 0.4])
    steps = decompose.cascade(
        limits([2.0, 3.0], [2.0, 3.0] / near, [2.0, 3.0] * near), stages=STAGES, to="charge"
    )
    assert steps["reached_low"].to_list() == pytest.approx([2 * np.exp(-0.3), 6 * np.exp(-0.5)])
    assert steps["reached_high"].to_list() == pytest.approx([2 * np.exp(0.3), 6 * np.exp(0.5)])
    alone = decompose.cascade(limits([2.0], [1.2], [3.1]), stages=STAGES, to="arrest")
    assert alone[["reached_low", "reached_high"]].to_numpy().tolist() == [
        [pytest.approx(1.2), pytest.approx(3.1)]
    ]
    assert alone[["part", "part_low", "part_high"]].to_numpy().tolist() == [[1, 1, 1]]


@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(0.05, 0.5), st.floats(0.05, 0.5)), min_size=2, max_size=5)
)
@settings(max_examples=40, deadline=None)
def test_limits_of_a_part_are_where_the_limits_of_a_contrast_pass_zero(rows):
    """Brute force: t is in the interval if those of (1 - t) own - t others, by square-and-add, hold 0."""
    logs, below, above = np.array(rows).T
    steps = decompose.cascade(
        limits(np.exp(logs), np.exp(logs - below), np.exp(logs + above)),
        stages=STAGES,
        to=PATH[len(rows) - 1],
    )
    total, down, up = logs.sum(), np.hypot.reduce(below), np.hypot.reduce(above)
    assume(min(abs(total - down), abs(total + up)) > 1e-6)
    if total - down <= 0 <= total + up:
        assert steps["part_low"].isna().all()
        assert steps["path_note"].eq("whole_near_parity").all()
        return
    grid = np.linspace(-50, 50, 100_001)
    for i, row in steps.iterrows():
        weight = np.where(np.arange(len(logs))[:, None] == i, 1 - grid, -grid)
        value = (weight * logs[:, None]).sum(axis=0)
        side = np.where((weight > 0) == (value > 0), below[:, None], above[:, None])
        held = np.abs(value) <= np.sqrt(((weight * side) ** 2).sum(axis=0))
        inside = grid[held]
        for end, found in ((inside.min(), row["part_low"]), (inside.max(), row["part_high"])):
            if abs(end) < 49.9:
                assert found == pytest.approx(end, abs=2e-3)
        assert row["part_low"] <= row["part"] <= row["part_high"]


def test_a_whole_near_parity_and_no_limits_say_so():
    near = decompose.cascade(limits([1.2, 0.9], [0.8, 0.6], [1.8, 1.4]), stages=STAGES, to="charge")
    assert near["path_note"].to_list() == ["whole_near_parity"] * 2
    assert near["part_low"].isna().all()
    assert near["part"].sum() == pytest.approx(1)
    none = decompose.cascade(ratios([2.0, 1.5], stages=PATH[:2]), stages=STAGES, to="charge")
    assert none["path_note"].to_list() == ["no_limits"] * 2
    zero = decompose.cascade(limits([2.0, 1.5], [1.5, 0.0], [2.6, 9.0]), stages=STAGES, to="charge")
    assert zero["reached_low"].to_list() == pytest.approx([1.5, 0.0])
    assert zero["path_note"].to_list() == ["whole_near_parity"] * 2


def chains(n, population, rates, seed):
    """Simulated paths: Poisson arrests, each later stage a binomial share of the one before."""
    rng, parts = np.random.default_rng(seed), []
    for group, of in rates.items():
        before = np.full(n, float(population[group]))
        for k, stage in enumerate(PATH):
            events = rng.poisson(before * of[k]) if k == 0 else rng.binomial(before.astype(int), of[k])
            parts.append(
                pd.DataFrame({"area": np.arange(n), "stage": stage, "group": group, "events": events}).assign(
                    base=STAGES[stage].base, denominator=before
                )
            )
            before = events.astype(float)
    return pd.concat(parts, ignore_index=True)


RATES = {"Black": [0.016, 0.38, 0.74, 0.98, 0.15], "White": [0.0067, 0.33, 0.80, 0.95, 0.09]}


def test_limits_agree_with_a_bootstrap_over_cells():
    """20,000 Poisson and binomial redraws of well-filled cells: ends within 3% of a width."""
    counts = chains(1, {"Black": 1_900_000, "White": 3_300_000}, RATES, 5)
    steps = decompose.cascade(measures.relative_rates(counts), stages=STAGES, to="custody")
    seen = {
        g: [t["events"].iloc[0] / t["denominator"].iloc[0], *(t["events"] / t["denominator"]).iloc[1:]]
        for g, t in counts.groupby("group")
    }
    again = chains(20_000, {"Black": 1_900_000, "White": 3_300_000}, seen, 6)
    share = (again["events"] / again["denominator"]).to_numpy().reshape(2, len(PATH), -1)
    logs = np.log(share[0] / share[1])
    reached, part = np.exp(np.cumsum(logs, axis=0)), logs / logs.sum(axis=0)
    for name, drawn in (("reached", reached), ("part", part)):
        ends = np.quantile(drawn, [0.025, 0.975], axis=1)
        width = ends[1] - ends[0]
        off = [steps[f"{name}_{side}"].to_numpy() - e for side, e in zip(("low", "high"), ends, strict=True)]
        assert (np.abs(off) / width).max() < 0.03


def test_limits_agree_with_polygamma_cumulants():
    """The logarithm of a gamma or beta variate has polygamma cumulants: mean and variance of each path."""
    counts = chains(1, {"Black": 190_000, "White": 330_000}, RATES, 7)
    steps = decompose.cascade(measures.relative_rates(counts), stages=STAGES, to="custody")
    x, n = (counts[c].to_numpy(float).reshape(2, len(PATH)) for c in ("events", "denominator"))
    variance = special.polygamma(1, x + 0.5)
    variance[:, 1:] -= special.polygamma(1, n[:, 1:] + 1)
    error = np.sqrt(np.cumsum(variance.sum(axis=0)))
    width = np.log(steps["reached_high"] / steps["reached_low"]).to_numpy()
    assert width == pytest.approx(2 * 1.959964 * error, rel=0.03)


@pytest.mark.parametrize("scale", [1, 5, 50])
def test_limits_cover(scale):
    """4,000 paths from a single year of a borough's custody (1 and 2 expected) to fifty times that.

    The standard error of a coverage of 95% is 0.34 points. Few events: wider than promised, not narrower.
    """
    counts = chains(4_000, {"Black": 3_750 * scale, "White": 6_450 * scale}, RATES, scale)
    steps = decompose.cascade(measures.relative_rates(counts), stages=STAGES, to="custody")
    steps = steps[steps.groupby("area")["step"].transform("max") == 5]
    true = np.log(np.divide(*RATES.values()))
    step = steps["step"].to_numpy() - 1
    reached, part = np.exp(np.cumsum(true))[step], (true / true.sum())[step]
    covered = steps["reached_low"].le(reached) & steps["reached_high"].ge(reached)
    shared = steps["part_low"].le(part) & steps["part_high"].ge(part) | steps["part_low"].isna()
    for found in (covered, shared):
        assert found.groupby(step).mean().between(0.94, 1).all()
    if scale == 50:
        assert covered.groupby(step).mean().max() < 0.97
        assert shared.groupby(step).mean().max() < 0.97


SEEDS, YEAR = range(200), 2017


@pytest.fixture(scope="module")
def planted():
    """Children by seed, area and group on the path, counted on the cases the synthetic tables are made of."""
    gravity = OFFENCES["gravity"].to_numpy()
    groups, parts = ["Asian", "Black", "Mixed", "Other", "White"], []
    for seed in SEEDS:
        drawn = cases(np.random.default_rng([seed, 0]), world(["Islington"], [YEAR], scale=25))
        drawn = drawn[(drawn["year"] == 2) & (drawn["police"] != "")]
        charged = drawn["police"].eq("charge")
        custody = drawn["sentenced"] & drawn["tier"].eq("custody")
        flags = [charged, charged & drawn["convicted"], drawn["sentenced"].astype(bool), custody]
        flags = pd.DataFrame(dict(zip(PATH[1:], flags, strict=True)))
        cell = pd.DataFrame({"group": np.array(groups)[drawn["group"]], "gravity": gravity[drawn["offence"]]})
        each = pd.concat([cell, flags.set_axis(cell.index).astype(int)], axis=1).assign(arrest=1)
        parts.append(each.groupby(["group", "gravity"])[PATH].sum().reset_index().assign(area=seed))
    return pd.concat(parts, ignore_index=True)


def test_the_planted_path_is_found_over_200_seeds(planted):
    """Each step's planted rate and the planted whole: 200 seeds, standard error of 95% is 1.5 points."""
    truth = synthetic.simulate(0, areas=["Islington"], years=[YEAR]).truth
    sums = planted.groupby(["area", "group"], as_index=False)[PATH].sum()
    counts = sums.melt(["area", "group"], var_name="stage", value_name="events")
    before = counts.rename(columns={"stage": "base", "events": "denominator"})
    counts["base"] = counts["stage"].map({s: STAGES[s].base for s in PATH})
    counts = counts.merge(before, on=["area", "group", "base"])
    steps = decompose.cascade(measures.relative_rates(counts), stages=STAGES, to="custody")
    steps = steps[steps["group"].isin(["Black", "Mixed"])].sort_values(["area", "group", "step"])
    assert steps.groupby("step").size().eq(400).all()
    true = [truth.relative_rates[s][g][0] for s, g in zip(steps["stage"], steps["group"], strict=True)]
    steps = steps.assign(true=np.log(true))
    path = steps.groupby(["area", "group"])["true"]
    reached, part = np.exp(path.cumsum()), steps["true"] / path.transform("sum")
    covered = steps["reached_low"].le(reached) & steps["reached_high"].ge(reached)
    shared = steps["part_low"].le(part) & steps["part_high"].ge(part) | steps["part_low"].isna()
    assert covered.groupby(steps["step"]).mean().between(0.92, 0.98).all()
    assert shared.groupby(steps["step"]).mean().between(0.92, 1).all()


def test_the_planted_mix_is_found_over_200_seeds(planted):
    """At custody nothing is planted on the group: of like gravity the rates are alike, and the mix makes the gap."""
    cells = planted.rename(columns={"custody": "events", "sentenced": "denominator"}).assign(base="sentenced")
    cells = cells[cells["group"].isin(["Black", "White"])]
    full = pd.MultiIndex.from_product([SEEDS, ["Black", "White"], sorted(cells["gravity"].unique())])
    cells = cells.set_index(["area", "group", "gravity"]).reindex(
        full.set_names(["area", "group", "gravity"])
    )
    cells = cells[["events", "denominator"]].fillna(0).reset_index().assign(base="sentenced")
    found = decompose.kitagawa(cells, by=["gravity"], empty="merge").query("group == 'Black'")
    found = found.set_index("measure")
    rate, mix = found.loc["kitagawa_rate_part"], found.loc["kitagawa_composition_part"]
    assert (rate["low"].le(0) & rate["high"].ge(0)).mean() == pytest.approx(0.95, abs=0.035)
    assert abs(rate["estimate"].mean()) < 3 * rate["estimate"].std() / np.sqrt(len(rate))
    assert mix["estimate"].mean() > 10 * abs(rate["estimate"].mean())


# -- many areas, columns, rows ------------------------------------------------------------------------


def test_areas_and_kinds_of_children_have_their_own_paths():
    one, other = limits([2.0, 1.5], [1.5, 1.1], [2.6, 2.1]), limits([3.0, 0.5], [2.0, 0.3], [4.4, 0.9])
    table = pd.concat(
        [one.assign(area="A", sex="m"), other.assign(area="A", sex="f"), one.assign(area="B", sex="m")]
    )
    kept = table.copy()
    steps = decompose.cascade(table.assign(p_adjusted=0.01), stages=STAGES, to="charge")
    pd.testing.assert_frame_equal(table, kept)
    assert steps["reached"].to_list() == pytest.approx([3, 1.5, 2, 3, 2, 3])
    assert steps[["area", "sex"]].agg("".join, axis=1).to_list() == ["Af", "Af", "Am", "Am", "Bm", "Bm"]
    alone = decompose.cascade(one, stages=STAGES, to="charge")
    assert steps["part_low"].to_numpy()[2:4] == pytest.approx(alone["part_low"].to_numpy())


def test_what_a_measure_says_of_its_estimate_does_not_split_a_path():
    counts = chains(2, {"Black": 190_000, "White": 330_000}, RATES, 8)
    table = measures.relative_rates(counts)
    more = table.assign(strata=range(len(table)), test=[f"test {i}" for i in range(len(table))])
    plain = decompose.cascade(table, stages=STAGES, to="custody")
    found = decompose.cascade(more, stages=STAGES, to="custody")
    assert found["reached"].to_list() == plain["reached"].to_list()
    assert found.groupby("area").size().to_list() == [5, 5]


def test_the_whole_path_in_a_row():
    counts = chains(1, {"Black": 190_000, "White": 330_000}, RATES, 8)
    found = decompose.cumulative(measures.relative_rates(counts), stages=STAGES, to="custody").iloc[0]
    direct = (counts.query("stage == 'custody'").set_index("group")["events"] / [190_000, 330_000]).to_dict()
    assert found["estimate"] == pytest.approx(direct["Black"] / direct["White"])
    assert (found["measure"], found["base"], found["stage"]) == (
        "cumulative_relative_rate",
        "population",
        "custody",
    )
    assert (found["denominator"], found["reference_denominator"], found["note"]) == (190_000, 330_000, "")
    short = decompose.cumulative(limits([2.0, 1.5], [1.5, 1.1], [2.6, 2.1]), stages=STAGES, to="custody")
    assert short["note"].to_list() == ["path_ends_early"]


# -- in children -------------------------------------------------------------------------------------


def test_a_stage_at_parity_multiplied_back_through():
    """Every child followed again with one rate, or the first few, replaced by the reference's."""
    counts = chains(1, {"Black": 190_000, "White": 330_000}, RATES, 9)
    table = measures.relative_rates(counts)
    rates = {g: (t["events"] / t["denominator"]).to_numpy() for g, t in counts.groupby("group", sort=False)}
    ended = counts.query("stage == 'custody' and group == 'Black'")["events"].iloc[0]
    for convention, chosen in (("one-stage", np.eye(5, dtype=bool)), ("so-far", np.tri(5, dtype=bool))):
        found = decompose.counterfactual(table, stages=STAGES, to="custody", convention=convention)
        mixed = np.where(chosen, rates["White"], rates["Black"]).prod(axis=1) * 190_000
        assert found["estimate"].to_numpy() == pytest.approx(ended - mixed)
        assert found["low"].lt(found["estimate"]).all()
        assert found["high"].gt(found["estimate"]).all()
        assert found["method"].str.startswith("reached x").all()
    wider = decompose.counterfactual(table, stages=STAGES, to="custody", half=2)
    plain = decompose.counterfactual(table, stages=STAGES, to="custody")
    assert (wider["low"] <= plain["low"]).all()
    assert (wider["high"] >= plain["high"]).all()


def test_children_at_parity_where_there_is_little_to_go_by():
    table = limits([2.0, 0.0], [1.5, 0.0], [2.6, 2.1], events=[20.0, 0.0])
    nobody = decompose.counterfactual(table, stages=STAGES, to="charge")
    assert nobody["estimate"].to_list() == [0, 0]
    assert nobody["low"].isna().all()
    assert nobody["note"].to_list() == ["no_events"] * 2
    hidden = decompose.counterfactual(table.assign(events=[20.0, np.nan]), stages=STAGES, to="charge")
    assert hidden["estimate"].isna().all()
    assert hidden["note"].to_list() == ["suppressed"] * 2
    broken = limits([2.0, np.inf, 1.5], [1.5, 1.2, 0.9], [2.6, np.inf, 2.5], events=[30.0, 9.0, 4.0])
    past = decompose.counterfactual(broken, stages=STAGES, to="convicted", convention="so-far")
    assert past["estimate"].round(6).to_list()[0] == 2
    assert past["note"].to_list() == ["", "path_ends_early", "path_ends_early"]
    with pytest.raises(ValueError, match="convention is 'all'; it must be 'one-stage' or 'so-far'"):
        decompose.counterfactual(table, stages=STAGES, to="charge", convention="all")
    with pytest.raises(
        ValueError, match="1 of 3 columns that the number of children needs are missing: events"
    ):
        decompose.counterfactual(table.drop(columns="events"), stages=STAGES, to="charge")


# -- real counts -------------------------------------------------------------------------------------


@pytest.mark.skipif(not COOK, reason="the real files are not here")
def test_cook_county(tmp_path):
    """Pooled over all years, as published for these files; the parts add up to the last digit."""
    source_cook_county.clean(source_cook_county.read(COOK)).write(tmp_path / "study")
    study = load.study(tmp_path / "study")
    counts = pipeline.conditional(pipeline.stage_counts(study), study.stages)
    sums = counts.groupby(["stage", "base", "group"], observed=True)[["events", "denominator"]].sum()
    table = measures.relative_rates(sums.reset_index())
    steps = decompose.cascade(table, stages=study.stages, to="prison")
    found = steps.set_index(["group", "stage"])["estimate"].round(4)
    published = {
        ("Black", "convicted"): 1.0447,
        ("Latinx", "convicted"): 1.0797,
        ("Black", "prison"): 1.5336,
        ("Latinx", "prison"): 1.0617,
    }
    assert {k: found[k] for k in published} == published
    of = sums.reset_index().set_index(["group", "stage"])["events"]
    intake = sums.reset_index().query("stage == 'convicted'").set_index("group")["denominator"]
    for group, rows in steps.groupby(steps["group"].astype(str)):
        direct = of[group, "prison"] / intake[group] / (of["White", "prison"] / intake["White"])
        assert rows["reached"].iloc[-1] == pytest.approx(direct, rel=1e-12)
        assert np.log(rows["estimate"]).sum() == pytest.approx(np.log(direct), abs=1e-13)
        assert rows["part"].sum() == pytest.approx(1, abs=1e-13)
    black = steps[steps["group"] == "Black"].iloc[-1]
    assert black["part_low"] < black["part"] < black["part_high"]
    assert black["part_low"] > 0.85
