"""Reoffending: the Plan's printed table from its counts, loops over the tables as written, and R."""

import dataclasses
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import field_counts, load, measures, published, reoffending
from ysj_analysis.reading import NotHeld
from ysj_analysis.reoffending import PER_CHILD, PER_REOFFENDER

STUDY = load.study("data/synthetic")
PUBLISHED = Path(__file__).parents[1] / "data" / "published"

# Islington Youth Justice Plan 2023-24, section 6.2: the counts, and beside them what it prints.
PLAN = pd.DataFrame(
    {
        "quarter": ["Q1", "Q2", "Q3", "Q4"],
        "denominator": [11, 30, 27, 25],
        "events": [3, 6, 7, 5],
        "reoffences": [7, 12, 26, 9],
        "printed_percent": [27, 20, 26, 20],
        "printed_per_child": [0.64, 0.40, 0.96, 0.36],
    }
)
# Per child who reoffended: 7/3, 12/6, 26/7, 9/5. The Plan does not print them.
PER = [2.33, 2.00, 3.71, 1.80]


def plan(rows):
    return rows[["events", "denominator", "reoffences"]].assign(
        base="cohort_quarter", group="all", area="Islington"
    )


def test_the_plans_quarters():
    found = reoffending.frequencies(plan(PLAN).assign(quarter=PLAN["quarter"])).set_index(
        ["measure", "quarter"]
    )["estimate"]
    assert (100 * found["proportion"]).round().to_list() == PLAN["printed_percent"].to_list()
    assert found[PER_CHILD].round(2).to_list() == PLAN["printed_per_child"].to_list()
    assert found[PER_REOFFENDER].round(2).to_list() == PER


def test_the_plans_year():
    year = plan(PLAN.select_dtypes("number").sum().to_frame().T)
    found = reoffending.frequencies(year).set_index("measure")["estimate"]
    assert round(100 * found["proportion"], 1) == 22.6
    assert round(found[PER_REOFFENDER], 2) == 2.57
    assert round(found[PER_CHILD], 2) == 0.58


def test_the_same_as_the_notebook_on_the_plan():
    told = published.reoffending(published.figures(PUBLISHED))
    rows = plan(told.rename(columns={"reoffended": "events", "cohort": "denominator"})).assign(
        year=told["period"]
    )
    ours = reoffending.frequencies(rows).set_index("measure")
    assert ours.loc["proportion", ["estimate", "low", "high"]].to_numpy(float) == pytest.approx(
        told[["binary", "low", "high"]].to_numpy()
    )
    assert ours.loc[PER_CHILD, "estimate"].to_list() == told["per_child"].to_list()
    assert ours.loc[PER_REOFFENDER, "estimate"].to_list() == told["per_reoffender"].to_list()


# R 4.2: y <- rep(0:5, c(30, 10, 8, 6, 4, 2)); m <- mean(y); s <- sd(y) / sqrt(length(y))
#   m * exp(c(-1, 1) * qt(.975, length(y) - 1) * s / m)  ->  0.8644 1.6706
#   r <- y[y > 0]; likewise                              ->  2.0032 2.8755
NUMBERS = np.repeat(np.arange(6), [30, 10, 8, 6, 4, 2])


def one(numbers, group="Black"):
    return {
        "area": "A", "year": 2020, "group": group, "base": "cohort_year", "events": int((numbers > 0).sum()),
        "denominator": len(numbers), "reoffences": int(numbers.sum()), "squares": int((numbers**2).sum()),
    }  # fmt: skip


def by_hand(numbers):
    mean, error = numbers.mean(), numbers.std(ddof=1) / np.sqrt(len(numbers))
    return mean, error / mean


def test_intervals_rest_on_how_children_differ():
    from scipy import stats

    found = reoffending.frequencies(pd.DataFrame([one(NUMBERS)])).set_index("measure")
    for measure, numbers in ((PER_CHILD, NUMBERS), (PER_REOFFENDER, NUMBERS[NUMBERS > 0])):
        mean, spread = by_hand(numbers)
        reach = np.exp(stats.t.ppf(0.975, len(numbers) - 1) * spread)
        assert found.loc[measure, ["estimate", "low", "high"]].to_list() == pytest.approx(
            [mean, mean / reach, mean * reach]
        )
    poisson = NUMBERS.sum() ** -0.5
    assert np.log(found.loc[PER_CHILD, "high"] / found.loc[PER_CHILD, "estimate"]) > 1.3 * 1.96 * poisson


def test_ratios_swap_and_refuse_too_few():
    other = np.repeat([0, 1, 2], [30, 20, 10])
    table = pd.DataFrame(
        [one(NUMBERS), one(other, "White"), one(np.array([0, 0, 1]), "Asian"), one(NUMBERS, "Unknown")]
    )
    there = reoffending.frequency_ratios(table).set_index(["measure", "group"])
    back = reoffending.frequency_ratios(table, reference="Black").set_index(["measure", "group"])
    for measure in (f"{PER_CHILD}_ratio", f"{PER_REOFFENDER}_ratio"):
        forth, again = there.loc[(measure, "Black")], back.loc[(measure, "White")]
        assert forth["estimate"] * again["estimate"] == pytest.approx(1)
        assert forth["low"] * again["high"] == pytest.approx(1)
        assert forth["p_value"] == pytest.approx(again["p_value"])
        assert (forth["low"] > 1) == (forth["p_value"] < 0.05)
        assert there.loc[(measure, "Asian"), "note"] == "too_few_to_fit"
        assert there.loc[(measure, "Unknown"), "note"] == "not_compared"
    assert there.loc[(f"{PER_CHILD}_ratio", "Black"), "estimate"] == pytest.approx(
        NUMBERS.mean() / other.mean()
    )


def test_the_interval_covers_where_a_poisson_one_does_not():
    """One child brings 1 + geometric reoffences: 95% intervals by child cover, those on reoffences do not."""
    rng, truth, within, poisson = np.random.default_rng(5), 0.3 * 2.5, 0, 0
    for _ in range(400):
        numbers = np.where(rng.random(90) < 0.3, rng.geometric(1 / 2.5, 90), 0)
        row = reoffending.frequencies(pd.DataFrame([one(numbers)])).set_index("measure").loc[PER_CHILD]
        within += row["low"] <= truth <= row["high"]
        rate = measures.rates(
            pd.DataFrame([{**one(numbers), "events": numbers.sum(), "base": "population"}]), per=1
        ).iloc[0]
        poisson += rate["low"] <= truth <= rate["high"]
    assert within / 400 > 0.91
    assert poisson / 400 < 0.80


# -- cohorts -----------------------------------------------------------------------------------------


def followed_by_hand(study):
    """Children by the year and quarter of their first entry in it, with the reoffences after, by plain loops."""
    entries = study.events[study.events["stage"].eq("cohort")].sort_values("date")
    offences = defaultdict(list)
    for row in study.offences.to_dict("records"):
        if row["outcome"] in reoffending.PROVEN and row["outcome_date"] == row["outcome_date"]:
            offences[row["child_id"]].append((row["offence_date"], row["outcome_date"]))
    found = {}
    for row in entries.to_dict("records"):
        day = row["date"]
        year = day.year - (day.month < 4)
        again = sum(
            day < o <= day + pd.DateOffset(years=1) and c <= day + pd.DateOffset(months=18)
            for o, c in offences[row["child_id"]]
        )
        found.setdefault((row["child_id"], str(row["area"]), year, (day.month - 4) % 12 // 3), again)
    return found


def test_cohorts_are_those_counted_by_hand():
    hand = followed_by_hand(STUDY)
    quarters = reoffending.cohorts(STUDY, cohort="quarter").query("area == 'Islington' and year == 2018")
    for at, name in enumerate(reoffending.QUARTERS):
        numbers = np.array([n for (_, a, y, q), n in hand.items() if (a, y, q) == ("Islington", 2018, at)])
        rows = quarters[quarters["quarter"].eq(name)][
            ["denominator", "events", "reoffences", "squares"]
        ].sum()
        assert rows.to_list() == [len(numbers), (numbers > 0).sum(), numbers.sum(), (numbers**2).sum()]
    years = reoffending.cohorts(STUDY).query("area == 'Islington' and year == 2018")
    first = {}
    for (child, area, year, _), again in sorted(hand.items(), key=lambda item: item[0][3]):
        if (area, year) == ("Islington", 2018):
            first.setdefault(child, again)
    assert years[["denominator", "reoffences"]].sum().to_list() == [len(first), sum(first.values())]


def test_the_share_agrees_with_the_stage_where_it_is_mature():
    """The stage graph counts the event that the synthetic study writes for the same thing."""
    ours = reoffending.cohorts(STUDY).query("year <= 2021").groupby("year")[["events", "denominator"]].sum()
    reoffended = set(STUDY.events.loc[STUDY.events["stage"].eq("reoffended"), "child_id"])
    entries = STUDY.events[STUDY.events["stage"].eq("cohort")]
    year = entries["date"].dt.year - (entries["date"].dt.month < 4)
    theirs = entries.assign(year=year, again=entries["child_id"].isin(reoffended)).drop_duplicates(
        ["child_id", "year"]
    )
    theirs = theirs[theirs["year"].between(2016, 2021)].groupby("year")["again"].agg(["sum", "size"])
    assert ours.to_numpy().tolist() == theirs.to_numpy().tolist()


def test_young_cohorts_are_masked():
    table = reoffending.cohorts(STUDY, cohort="quarter").query("area == 'Islington' and group == 'Black'")
    mature = table[table["note"].eq("")]
    # The last day in the tables is 28 September 2024: eighteen months before it is 28 March 2023.
    assert table["note"].isin(["", "immature"]).all()
    assert mature.groupby("year")["quarter"].agg(list).loc[2022] == ["Q1", "Q2", "Q3"]
    assert mature["year"].max() == 2022
    ratios = measures.rates(table.drop(columns=["reoffences", "squares"]))
    assert ratios.loc[ratios["note"].eq("immature"), "estimate"].isna().all()


def test_a_report_masks_the_young_quarter_of_the_latest_year_it_shows():
    kept = field_counts.for_report(
        reoffending.cohorts, STUDY, area="Islington", year=2023, years=1, cohort="quarter"
    )
    notes = kept[kept["group"].eq("Black")].set_index("quarter")["note"]
    assert kept["year"].unique().tolist() == [2022]
    assert notes.to_dict() == {"Q1": "", "Q2": "", "Q3": "", "Q4": "immature"}


def test_a_reoffence_proven_too_late_is_not_counted():
    first = STUDY.events.query("stage == 'cohort' and date > '2017-04-01'").iloc[0]
    day = first["date"]

    def counted(offence, outcome):
        row = pd.DataFrame(
            {
                "child_id": [first["child_id"]],
                "offence_date": [offence],
                "outcome_date": [outcome],
                "outcome": "caution",
            }
        )
        other = STUDY.offences.query("child_id != @first.child_id").assign(outcome="acquitted")
        study = dataclasses.replace(STUDY, offences=pd.concat([other, row]))
        return int(reoffending.cohorts(study, window=8)["reoffences"].sum())

    year, half = pd.DateOffset(years=1), pd.DateOffset(months=6)
    assert counted(day + year, day + year + half) == 1
    assert counted(day + year, day + year + half + pd.Timedelta(days=1)) == 0
    assert counted(day + year + pd.Timedelta(days=1), day + year + half) == 0
    assert counted(day, day + half) == 0


# -- refusals ----------------------------------------------------------------------------------------


def test_what_is_missing_is_named():
    with pytest.raises(NotHeld, match="holds no offences"):
        reoffending.cohorts(dataclasses.replace(STUDY, offences=None))
    with pytest.raises(NotHeld, match="no proven offence"):
        reoffending.cohorts(dataclasses.replace(STUDY, offences=STUDY.offences.assign(outcome="closed")))
    with pytest.raises(ValueError, match="'quarter' with a window of 1 year"):
        reoffending.cohorts(STUDY, cohort="quarter", window=2)
    with pytest.raises(ValueError, match="1 of 3 columns are missing: reoffences"):
        reoffending.frequencies(pd.DataFrame({"group": ["a"], "base": "x", "events": 1, "denominator": 2}))
    with pytest.raises(ValueError, match="reference 'White' is not one of the 1 groups"):
        reoffending.frequency_ratios(pd.DataFrame([one(NUMBERS)]))


def test_nobody_and_hidden_counts_keep_their_rows():
    rows = pd.DataFrame(
        {"group": ["a", "b", "c"], "base": "cohort_year", "events": [0, np.nan, 0], "denominator": [0, 30, 12],
         "reoffences": [0, np.nan, 0], "note": ["", "", "immature"]}
    )  # fmt: skip
    found = reoffending.frequencies(rows).set_index(["measure", "group"])
    assert found.loc[PER_CHILD, "note"].to_list() == ["no_denominator", "suppressed", "immature"]
    assert found["estimate"].isna().all()
    assert len(found) == 9
