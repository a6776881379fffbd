"""Age at entry, disposals of like cases, and what assessments foresaw: against counts made by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysj_analysis import absent, adultification, disclosure, load, measures, models, pipeline
from ysj_analysis.like_cases import banded, counted, like_cases
from ysj_analysis.reading import DataError, NotHeld
from ysj_analysis.vocabulary import COUNTS

WHERE = {"area": "Islington", "year": 2022, "years": 5}


@pytest.fixture(scope="module")
def study():
    return load.study("data/synthetic")


def by_hand(study, outcome, given, ages=None):
    """Children of Islington, 2018 to 2022, each in the band of its gravest case: reached a stage, and went on."""
    table = models.cases(study, outcome=outcome, given=given)
    table = table[table["area"].astype(str).eq("Islington") & table["year"].isin(map(str, range(2018, 2023)))]
    found = {}
    for _, own in table.groupby("child_id"):
        gravest = own.loc[own["gravity"].astype(int).idxmax()]
        if ages and gravest["age"] not in ages:
            continue
        band = "5 to 8" if int(gravest["gravity"]) >= 5 else "1 to 4"
        reached, all_ = found.get((gravest["group"], band), (0.0, 0.0))
        found[gravest["group"], band] = (reached + own["outcome"].max(), all_ + 1)
    return found


@pytest.mark.parametrize(("outcome", "given"), [("charge", "arrest"), ("custody", "sentenced")])
def test_like_cases_are_distinct_children_of_one_band(study, outcome, given):
    table = like_cases(study, outcome=outcome, **WHERE)
    assert list(table) == [*COUNTS, "gravity", "events", "denominator", "note"]
    assert table["years"].eq(5).all()
    assert table["year"].eq(2022).all()
    found = {
        (g, b): (x, n)
        for g, b, x, n in table[["group", "gravity", "events", "denominator"]].itertuples(index=False)
    }
    expected = by_hand(study, outcome, given)
    assert {k: v for k, v in found.items() if v[1]} == expected
    assert len(table) == 2 * len(study.groups)
    counts = pipeline.conditional(pipeline.stage_counts(study, window=5), study.stages)
    whole = counts[counts["area"].eq("Islington") & counts["year"].eq(2022) & counts["stage"].eq(outcome)]
    sums = table.groupby("group", observed=True)[["events", "denominator"]].sum()
    assert sums.to_numpy().tolist() == whole[["events", "denominator"]].to_numpy().tolist()


def test_disposals_are_split_by_age_and_gravity(study):
    table = adultification.disposals(study, **WHERE)
    young = table[table["stage"].eq("charge") & table["age"].eq("10 to 14") & table["group"].eq("Black")]
    expected = by_hand(study, "charge", "arrest", ages=["10", "11", "12", "13", "14"])
    found = young.set_index("gravity")[["events", "denominator"]].apply(tuple, axis=1).to_dict()
    assert found == {band: expected["Black", band] for band in ("1 to 4", "5 to 8")}


def test_each_child_enters_once_at_its_age_that_day(study):
    table = adultification.entry_ages(study, **WHERE)
    events = study.events[study.events["stage"].astype(str).eq("arrest")].sort_values("date", kind="stable")
    events = events[events["area"].isin(study.areas)]
    year = events["date"].dt.year - (events["date"].dt.month < 4)
    in_cohort = year.groupby(events["episode_id"]).transform("min") >= study.years[0]
    first = (
        events[in_cohort]
        .drop_duplicates("child_id")
        .merge(study.children, on="child_id", suffixes=("", "_home"))
    )
    year = first["date"].dt.year - (first["date"].dt.month < 4)
    first = first[
        year.between(2018, 2022) & first["area"].eq("Islington") & first["previous"].astype(str).eq("0")
    ]
    assert table["denominator"].groupby(table["group"], observed=True).first().sum() == len(first)
    born = pd.to_datetime(first["birth_month"].where(first["birth_month"].ne("")), format="%Y-%m")
    age = first["date"].dt.year - born.dt.year - (first["date"].dt.month < born.dt.month)
    for band, (low, high) in {"10 to 13": (10, 13), "14 to 15": (14, 15), "16 to 17": (16, 17)}.items():
        assert table.loc[table["stage"].eq(f"aged {band}"), "events"].sum() == age.between(low, high).sum()


def test_what_assessments_foresaw_is_counted_where_a_study_holds_them(study):
    with pytest.raises(NotHeld, match="does not hold practitioners' assessments"):
        adultification.foreseen(study, **WHERE)
    held = absent.where_held(adultification.foreseen, study, **WHERE)
    assert disclosure.release(held) is held
    levels = np.where(np.arange(len(study.children)) % 3 == 0, "high", "low")
    assessed = replace(study, children=study.children.assign(assessed_reoffending=levels))
    table = adultification.foreseen(assessed, **WHERE)
    assert set(table["assessed"]) == {"high", "low"}
    cases = models.cases(assessed, outcome="reoffended")
    cases = cases[
        cases["area"].astype(str).eq("Islington")
        & cases["year"].astype(int).between(int(table["year"].iloc[0]) - 4, int(table["year"].iloc[0]))
    ]
    assert table["denominator"].sum() == cases.drop_duplicates(["child_id", "assessed_reoffending"]).shape[0]
    ratios = disclosure.release(table).measure(measures.relative_rates)
    assert "assessed" in ratios.table


def test_a_level_that_means_less_for_one_group_is_found():
    """Planted: assessed high, 60% of White and 30% of Black children reoffend; assessed low, 10% of both."""
    rows = pd.DataFrame(
        {
            "group": ["White"] * 400 + ["Black"] * 400,
            "assessed": (["high"] * 200 + ["low"] * 200) * 2,
            "outcome": [1] * 120
            + [0] * 80
            + [1] * 20
            + [0] * 180
            + [1] * 60
            + [0] * 140
            + [1] * 20
            + [0] * 180,
            "child_id": range(800),
        }
    )
    cells = counted(rows, {"group": ["Black", "White"], "assessed": ["low", "high"]})
    cells = cells.assign(
        area="A", year=2022, years=1, unit="children", stage="reoffended", base="cohort", note=""
    )
    ratios = measures.relative_rates(cells).set_index(["group", "assessed"])
    assert ratios.loc[("Black", "high"), "estimate"] == pytest.approx(0.5)
    assert ratios.loc[("Black", "high"), "high"] < 1
    assert ratios.loc[("Black", "low"), "low"] < 1 < ratios.loc[("Black", "low"), "high"]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab"), st.integers(0, 1)), max_size=30))
def test_no_child_counts_twice_in_a_cell_and_none_is_lost(cases):
    rows = pd.DataFrame(cases, columns=["child_id", "band", "outcome"]).assign(group="Black")
    table = counted(rows, {"group": ["Black", "White"], "band": ["a", "b"]}).set_index(["group", "band"])
    for band in "ab":
        own = [(c, o) for c, b, o in cases if b == band]
        assert table.loc[("Black", band), "denominator"] == len({c for c, _ in own})
        assert table.loc[("Black", band), "events"] == len({c for c, o in own if o})
    assert table.loc["White", "denominator"].eq(0).all()


def test_a_value_in_no_band_is_not_known():
    assert banded(pd.Series(["9", "18", ""]), adultification.ENTRY).tolist() == ["not known"] * 3


def test_refusals(study):
    with pytest.raises(
        DataError, match=r"area 'Islingtn' is not one of the 4 areas.*Did you mean 'Islington'"
    ):
        like_cases(study, outcome="custody", area="Islingtn", year=2022)
    with pytest.raises(DataError, match=r"year 2050 is not one of the years"):
        like_cases(study, outcome="custody", area="Islington", year=2050)
    with pytest.raises(NotHeld, match="does not hold height"):
        like_cases(study, outcome="custody", area="Islington", year=2022, by=["height"])
    counts_only = replace(study, events=None, children=None)
    with pytest.raises(NotHeld, match="counts only"):
        like_cases(counts_only, outcome="custody", area="Islington", year=2022)
    for count in (adultification.entry_ages, adultification.disposals, adultification.foreseen):
        with pytest.raises(NotHeld):
            count(counts_only, **WHERE)
