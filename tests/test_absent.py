"""What a section shows where the study does not hold what it needs."""

import dataclasses

import pandas as pd
import pytest

from ysj_analysis import absent, disclosure, figures, load, measures, present, searches, sentences, wording
from ysj_analysis.reading import NotHeld

WORDS = wording.Words()
NONE = absent.Absent("This study holds no dates of outcomes.")


def test_what_is_absent_passes_the_gate_and_is_said_once():
    shown = disclosure.release(NONE).where(stage="arrest").measure(measures.rates)
    assert shown is NONE
    assert present.text(*sentences.findings(shown, WORDS)).html == (
        '<div class="finding"><p>This study holds no dates of outcomes.</p></div>'
    )
    assert present.table(shown, name="a", title="A", words=WORDS).html == ""
    assert present.table([shown, shown], name="a", title="A", words=WORDS).html == ""
    assert figures.matrix(shown, name="a", title="A", words=WORDS).html == ""


def test_only_what_is_not_held_is_absent():
    def broken(study):
        raise load.DataError("events.csv: 3 of 412 rows have no date. First: line 5. Give one.")

    with pytest.raises(load.DataError, match="3 of 412"):
        absent.where_held(broken, None)
    assert absent.where_held(lambda study, other: 1, None, NONE) is NONE


def test_a_study_without_searches_says_so():
    study = dataclasses.replace(load.study("data/synthetic"), searches=None)
    found = absent.where_held(searches.select, study, area="Islington", year=2023)
    assert found.why.startswith("This study holds no searches.")
    with pytest.raises(NotHeld):
        searches.select(study, area="Islington", year=2023)


def test_methods_leave_out_what_is_absent():
    counts = pd.DataFrame(
        {
            "stage": "custody",
            "base": "population",
            "group": ["Black", "White"],
            "events": [40, 50],
            "denominator": [4000, 9000],
        }
    )
    rates = disclosure.release(counts).measure(measures.rates, per=1000)
    assert present.methods(rates, NONE).html == present.methods(rates).html
