"""The outcome test object by object: the same searches, and what was planted."""

import dataclasses

import pandas as pd
import pytest

from ysj_analysis import disclosure, field_sentences, load, models, search_sentences, searches, synthetic
from ysj_analysis.matched import matched
from ysj_analysis.search_objects import linked_by_object

STUDY = load.study("data/synthetic")
CHOSEN = searches.select(STUDY, area="Islington", year=2019)


@pytest.mark.parametrize("side", [searches.SELF, searches.OFFICER])
def test_objects_add_to_the_whole(side):
    parts = (
        linked_by_object(CHOSEN, defined_by=side)
        .groupby("group", observed=True)[["events", "denominator"]]
        .sum()
    )
    whole = searches.linked(CHOSEN, defined_by=side).set_index("group")[["events", "denominator"]]
    pd.testing.assert_frame_equal(parts, whole, check_index_type=False, check_categorical=False)


def test_each_cell_is_counted_by_hand():
    rows = CHOSEN.rows[CHOSEN.rows["self_defined"].eq("Black") & CHOSEN.rows["object"].eq("Stolen goods")]
    found = linked_by_object(CHOSEN).query("group == 'Black' and object == 'Stolen goods'").iloc[0]
    assert (found["events"], found["denominator"]) == (rows["outcome_linked"].eq("yes").sum(), len(rows))


def test_the_planted_hit_rate_is_found_within_objects():
    """Planted: 18.7% of searches of Black children, and 22% of others, whatever the object: a ratio of 0.85."""
    made = synthetic.simulate(11, areas=["Islington"], years=[2019], scale=60)
    table = made.searches.assign(date=pd.to_datetime(made.searches["date"]))
    chosen = searches.select(dataclasses.replace(STUDY, searches=table), area="Islington", year=2019)
    row = models.stratified(linked_by_object(chosen).drop(columns="note"), by=["object"])
    row = row[row["group"].eq("Black")].iloc[0]
    assert row["low"] < 0.85 < row["high"] < 1


def test_it_is_said_of_searches():
    shown = disclosure.release(linked_by_object(CHOSEN), policy=disclosure.RESTRICTED)
    words = search_sentences.words(STUDY, CHOSEN)
    said = field_sentences.matched(matched(shown, by=["object"]), words, alike="in their object")
    assert any(
        t.startswith("Among searches alike in their object, ") and "searches of Black children" in t
        for t in said
    )


def test_without_the_link_nothing_is_counted():
    rows = CHOSEN.rows.drop(columns="outcome_linked")
    table = linked_by_object(dataclasses.replace(CHOSEN, rows=rows))
    assert table[["events", "denominator"]].isna().all(axis=None)
    assert set(table["note"]) == {"no_denominator"}
