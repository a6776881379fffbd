"""What a report gets of a model: a table of one fit in a restricted edition, and a line wherever there is none."""

from dataclasses import replace

import pytest

from ysj_analysis import disclosure, load, model_parts, model_sentences, models
from ysj_analysis.absent import Absent
from ysj_analysis.reading import DataError
from ysj_analysis.wording import Words

ASK = {"outcome": "charge", "area": "Islington", "year": 2022, "years": 5}


@pytest.fixture(scope="module")
def study():
    return load.study("data/synthetic")


def test_a_restricted_report_has_the_fit_on_the_rows_of_its_area_and_years(study):
    table = model_parts.remainders(study, policy=disclosure.RESTRICTED, **ASK)
    cases = models.cases(study, outcome="charge")
    own = cases[cases["area"].astype(str).eq("Islington") & cases["year"].isin(map(str, range(2018, 2023)))]
    raw = table[table["block"].eq("raw") & table["group"].eq("Black")].iloc[0]
    black = own[own["group"].eq("Black")]
    assert raw[["events", "denominator"]].tolist() == [black["outcome"].sum(), len(black)]
    assert raw[["year", "years"]].tolist() == [2022, 5]
    dropped = model_parts.remainders(study, policy=disclosure.RESTRICTED, part="dropped", **ASK)
    assert not dropped.duplicated(["what", "why"]).any()


@pytest.mark.parametrize("fit", [model_parts.remainders, model_parts.crossings])
def test_a_public_report_has_a_line_instead(study, fit):
    none = fit(study, policy=disclosure.PUBLIC, **ASK)
    assert isinstance(none, Absent)
    said = model_sentences.remainders(disclosure.release(none), Words())
    assert said == [model_parts.PUBLIC_LINE]
    assert not any(c.isdigit() for c in none.why)


@pytest.mark.parametrize(
    ("fit", "less"), [(model_parts.remainders, {"years": 1}), (model_parts.crossings, {"by": ["sex"]})]
)
def test_what_the_data_cannot_carry_is_said_with_what_would_be_needed(study, fit, less):
    few = fit(study, policy=disclosure.RESTRICTED, **ASK | {"outcome": "yda"} | less)
    assert few.why.startswith("No model can be fitted: ")
    assert "needed" in few.why
    counts_only = replace(study, events=None, children=None)
    assert "counts only" in fit(counts_only, policy=disclosure.RESTRICTED, **ASK).why


def test_an_area_that_is_not_there_is_an_error(study):
    with pytest.raises(DataError, match="area 'Barnet'"):
        model_parts.remainders(study, policy=disclosure.RESTRICTED, **ASK | {"area": "Barnet"})


def test_crossings_speak(study):
    parts = [
        disclosure.release(
            model_parts.crossings(study, policy=disclosure.RESTRICTED, part=part, **ASK),
            policy=disclosure.RESTRICTED,
        )
        for part in ("table", "summary")
    ]
    said = model_sentences.crossings(*parts, Words.of(study))
    assert said[0].startswith(
        "Divided by ethnicity, sex, age, being looked after and special educational needs, "
    )
