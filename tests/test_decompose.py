"""Where does the gap open? The parts make the whole, whatever the path."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ysj_analysis import decompose, load, measures, pipeline
from ysj_analysis.vocabulary import STAGES

PATH = ["arrest", "charge", "convicted", "sentenced", "custody"]
SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic"


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
    with pytest.raises(ValueError, match="0 rows in the table, so no stage to end at"):
        decompose.end_of_path(table.iloc[:0], STAGES)


def test_the_end_of_the_path():
    study = load.study(SYNTHETIC)
    counts = pipeline.conditional(pipeline.for_report(study, area="Camden", year=2023), study.stages)
    assert decompose.end_of_path(measures.relative_rates(counts), study.stages) == "custody"
    assert decompose.end_of_path(pd.DataFrame({"stage": ["arrest", "charge", "caution"]}), STAGES) == "charge"
    assert decompose.end_of_path(pd.DataFrame({"stage": ["diversion", "bail"]}), STAGES) == "bail"
