"""Shrunk strata against lme4, and against what was planted."""

import io

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import disclosure, load, model_sentences, models
from ysj_analysis.vocabulary import MEASURE
from ysj_analysis.wording import Words

# Drawn once: a stratum each, with its events and children.
STRATA = pd.read_csv(
    io.StringIO(
        """group,sex,age,looked_after,events,denominator
Asian,f,10-14,no,65,175
Asian,f,10-14,yes,7,34
Asian,f,15-17,no,34,134
Asian,f,15-17,yes,16,26
Asian,m,10-14,no,38,164
Asian,m,10-14,yes,10,29
Asian,m,15-17,no,15,163
Asian,m,15-17,yes,1,31
Black,f,10-14,no,59,148
Black,f,10-14,yes,7,28
Black,f,15-17,no,61,140
Black,f,15-17,yes,11,30
Black,m,10-14,no,105,157
Black,m,10-14,yes,15,36
Black,m,15-17,no,56,166
Black,m,15-17,yes,11,35
Mixed,f,10-14,no,32,156
Mixed,f,10-14,yes,8,27
Mixed,f,15-17,no,36,166
Mixed,f,15-17,yes,8,31
Mixed,m,10-14,no,36,164
Mixed,m,10-14,yes,1,22
Mixed,m,15-17,no,27,135
Mixed,m,15-17,yes,6,31
White,f,10-14,no,53,163
White,f,10-14,yes,15,36
White,f,15-17,no,19,154
White,f,15-17,yes,5,22
White,m,10-14,no,63,164
White,m,10-14,yes,9,25
White,m,15-17,no,19,185
White,m,15-17,yes,8,23
"""
    )
)


def one_row_a_child(strata):
    """Children of each stratum, as many with the outcome as there are events."""
    rows = strata.loc[strata.index.repeat(strata["denominator"])].reset_index()
    nth = rows.groupby("index").cumcount()
    rows = rows.assign(outcome=(nth < rows["events"]).astype(int), child_id=np.arange(len(rows)))
    return rows.drop(columns=["index", "events", "denominator"])


def test_variances_and_strata_are_those_of_lme4():
    """R 4.2.2, lme4 1.1.31: glmer(cbind(events, rest) ~ ... + (1 | stratum), binomial, nAGQ = 25)."""
    found = models.intersections(one_row_a_child(STRATA), by=["sex", "age", "looked_after"])
    assert found.summary["variance"].to_numpy() == pytest.approx([0.46113373, 0.22438321], abs=2e-4)
    assert found.table["estimate"].head(4).to_numpy() == pytest.approx(
        [0.36441945, 0.24914012, 0.24782966, 0.44353448], abs=1e-4
    )
    assert found.table["events"].tolist() == STRATA["events"].tolist()
    additive = found.summary["additive_part"].iloc[1]
    assert additive == pytest.approx(1 - 0.22438321 / 0.46113373, abs=1e-3)


def test_a_small_stratum_is_shrunk_further_and_says_so():
    table = models.intersections(one_row_a_child(STRATA), by=["sex", "age", "looked_after"]).table
    assert table["note"].eq("shrunk").all()
    few = table["denominator"] < 40
    assert table.loc[few, "own_weight"].max() < table.loc[~few, "own_weight"].min()
    raw = table["events"] / table["denominator"]
    assert ((table["estimate"] - table["additive"]).abs() <= (raw - table["additive"]).abs() + 0.02).all()
    assert ((table["low"] < table["estimate"]) & (table["estimate"] < table["high"])).all()


def test_main_effects_alone_leave_little_to_cross():
    rng = np.random.default_rng(3)
    n = 6000
    rows = pd.DataFrame(
        {
            "group": rng.choice(["Asian", "Black", "White"], n),
            "sex": rng.choice(["female", "male"], n),
            "age": rng.choice(["10-13", "14-15", "16-17"], n),
            "send": rng.choice(["no", "yes"], n),
            "child_id": np.arange(n),
        }
    )
    eta = -1.5 + 0.8 * rows["group"].eq("Black") + 0.6 * rows["sex"].eq("male")
    rows = rows.assign(outcome=(rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int))
    found = models.intersections(rows, by=["sex", "age", "send"])
    assert found.summary["additive_part"].iloc[1] > 0.8
    assert found.table["interaction"].abs().max() < 0.06


def test_a_child_counts_once_in_a_stratum_and_what_is_left_out_is_listed():
    rows = one_row_a_child(STRATA)
    unknown = rows.head(5).assign(group="Unknown", child_id=-1)
    twice = pd.concat([rows, rows.head(40), unknown], ignore_index=True)
    found = models.intersections(twice, by=["sex", "age", "looked_after"])
    assert found.table["denominator"].tolist() == STRATA["denominator"].tolist()
    assert found.dropped[["why", "rows"]].to_numpy().tolist() == [["ethnicity is not known", 5]]


def test_too_few_strata_are_refused_with_what_would_be_needed():
    with pytest.raises(ValueError, match=r"8 strata have .* At least 20 strata"):
        models.intersections(one_row_a_child(STRATA), by=["sex"])
    with pytest.raises(ValueError, match="1 of 5 columns are not in the cases: height"):
        models.intersections(one_row_a_child(STRATA), by=["sex", "height"])


def test_columns_are_those_of_a_measure_and_bands_are_crossed():
    study = load.study("data/synthetic")
    cases = models.cases(study, outcome="charge")
    found = models.intersections(cases, by=["sex", "age"], bands=models.BANDS)
    at = MEASURE.index("group") + 1
    assert list(found.table)[: len(MEASURE) + 2] == [*MEASURE[:at], "sex", "age", *MEASURE[at:]]
    assert set(found.table["age"]) <= {"10 to 14", "15 to 17", "not known"}
    assert found.table["base"].eq("arrest").all()
    one = cases[cases["note"].eq("") & cases["group"].eq("Black") & cases["sex"].eq("male")]
    one = one[one["age"].isin(["15", "16", "17"])]
    row = found.table.set_index(["group", "sex", "age"]).loc[("Black", "male", "15 to 17")]
    assert row["denominator"] == one["child_id"].nunique()
    assert row["events"] == one.loc[one["outcome"].eq(1), "child_id"].nunique()


def test_what_is_said_of_strata_in_four_voices():
    rows = one_row_a_child(STRATA).assign(stage="charge", base="arrest", year="2022")
    few = pd.DataFrame({"group": "Mixed", "sex": "m", "age": "18", "looked_after": "no", "outcome": [0, 1]})
    rows = pd.concat(
        [rows, few.assign(child_id=[10**6, 10**6 + 1], stage="charge", base="arrest", year="2022")]
    )
    found = models.intersections(rows, by=["sex", "age", "looked_after"])
    said = model_sentences.crossings(
        disclosure.working(found.table), disclosure.working(found.summary), Words()
    )
    text = " ".join(said)
    assert said[0].startswith(
        "Divided by ethnicity, sex, age and being looked after, children who were arrested fall into 33 small groups. "
        "Of what the shares of these that were charged vary beyond chance, "
    )
    assert "clearly above the share of all" in text
    assert "clearly below the share of all" in text
    assert "cannot be told apart from the share of all" in text
    assert "1 of these 33 have too few children" in text
    black = next(s for s in said if s.startswith("Black children (sex m, aged 10-14, not looked after)"))
    assert "105 of 157 were charged, 67%; the estimate, drawn towards" in black
