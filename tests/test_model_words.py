"""Every branch of every sentence about models, parts and like cases: what is said, and what never is."""

import re

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import (
    adultification_sentences,
    decompose,
    decompose_sentences,
    disclosure,
    load,
    model_sentences,
    models,
)
from ysj_analysis.sentence_parts import each
from ysj_analysis.wording import Said, Words

FORBIDDEN = re.compile(
    r"\b(caus\w+|because|due to|owing to|bias\w*|(un)?fair\w*|discriminat\w+|racis\w+|prejudice\w*|offenders?|"
    r"minorit\w+|BAME|times (more|less|as) likely|likelier|more likely|explained by|the effect of|no disparity)\b|nan",
    re.I,
)
VOICES = {
    "clearly above parity": (1.5, 1.2, 1.9, ""),
    "clearly below parity": (0.6, 0.4, 0.8, ""),
    "cannot be told apart": (1.1, 0.8, 1.5, ""),
    "Too few": (np.nan, np.nan, np.nan, "suppressed"),
}
EDGES = {
    "no events in the reference": (np.inf, 1.4, np.inf, "zero_reference"),
    "no events in the group": (0.0, 0.0, 0.7, "zero_numerator"),
    "unreliable": (2.0, 1.1, 3.5, "unreliable"),
}


def row(estimate, low, high, note, **more):
    """A released ratio of Black children against White."""
    one = {
        "measure": "risk_ratio",
        "area": "A",
        "year": 2023,
        "years": 5,
        "unit": "children",
        "stage": "custody",
    }
    one |= {"base": "sentenced", "group": "Black", **more, "reference": "White"}
    one |= {"events": 60, "denominator": 300, "reference_events": 40, "reference_denominator": 360}
    if note == "suppressed":
        one |= dict.fromkeys(("events", "reference_events"), np.nan)
    return one | {
        "estimate": estimate,
        "low": low,
        "high": high,
        "p_value": 0.05,
        "method": "m",
        "note": note,
    }


def released(values, **more):
    return disclosure.working(pd.DataFrame([row(*values, **more)]))


SAYERS = {
    "age at entry": (
        adultification_sentences.entry,
        {"stage": "aged 10 to 13", "base": "first arrest"},
    ),
    "disposals": (adultification_sentences.disposals, {"age": "10 to 14"}),
    "foreseen": (
        adultification_sentences.foreseen,
        {"assessed": "high", "stage": "reoffended", "base": "cohort"},
    ),
    "ways out": (decompose_sentences.pathways, {"stage": "diversion", "base": "arrest, at the furthest"}),
    "cumulative": (decompose_sentences.cumulative, {"step": 2}),
}


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("sayer", SAYERS)
def test_four_voices_with_counts_interval_and_period(sayer, voice):
    say, more = SAYERS[sayer]
    said = say(released(VOICES[voice], **more), Words())
    assert all(isinstance(text, Said) for text in said)
    assert voice in said[0]
    assert "2019-20 to 2023-24" in said[0]
    if voice != "Too few":
        assert "60 of 300 children, against 40 of 360" in said[0]
        assert "95% interval" in said[0]
    assert not FORBIDDEN.search(" ".join(said)), said


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("sayer", SAYERS)
def test_edges_are_said_without_a_forbidden_word(sayer, edge):
    say, more = SAYERS[sayer]
    said = " ".join(say(released(EDGES[edge], **more), Words()))
    assert not FORBIDDEN.search(said), said
    assert "inf" not in said


def test_what_is_too_little_to_say_is_said_together():
    rows = [
        row(2.0, 1.1, 3.5, "unreliable"),
        row(*VOICES["Too few"]) | {"group": "Mixed"},
        row(1.5, 1.2, 1.9, ""),
    ]
    said = each(rows, Words(), lambda r, words: ("x", "y", "did z"))
    assert said[1:] == [
        "Too few Black children, Mixed-heritage children or White children did z to compare (2019-20 to 2023-24)."
    ]
    assert said[0].startswith("X: 1.50 times y, clearly above parity")


def test_nothing_is_no_sentence_and_no_caveat():
    nobody = released((1.0, np.nan, np.nan, "reference"), age="10 to 13", stage="aged 10 to 13")
    for say in (adultification_sentences.entry, adultification_sentences.disposals):
        assert say(nobody, Words()) == []


def test_a_private_table_is_refused():
    for say, more in SAYERS.values():
        with pytest.raises(TypeError, match="released"):
            say(pd.DataFrame([row(*VOICES["Too few"], **more)]), Words())


@pytest.mark.parametrize("sure", [(0.3, 0.1, 0.5), (-0.3, -0.5, -0.1), (0.1, -0.1, 0.3), (np.nan,) * 3])
def test_parts_children_and_mixes(sure):
    part = dict(zip(("part", "part_low", "part_high"), sure, strict=True))
    reached = {"step": 1, "reached": 1.8, "reached_low": 1.3, "reached_high": 2.4}
    note = "no_limits" if np.isnan(sure[0]) else ""
    steps = released(VOICES["clearly above parity"], **reached, **part, path_note=note)
    near = released(VOICES["cannot be told apart"], **reached, **part, path_note="whole_near_parity")
    at_parity = row(*(30 * v for v in sure), "", end="custody", end_events=40, step=1)
    convention = [
        disclosure.working(pd.DataFrame([at_parity | {"method": m}])) for m in decompose.CONVENTIONS.values()
    ]
    mixes = [
        released((*sure, ""), factor=factor).derive(lambda t, m=measure: t.assign(measure=m))
        for factor in ("all", "court")
        for measure in ("kitagawa_rate_part", "kitagawa_composition_part", "kitagawa_rate_part_per_1000")
    ]
    said = [
        *decompose_sentences.parts(steps, Words()),
        *decompose_sentences.parts(near, Words()),
        *(text for table in convention for text in decompose_sentences.counterfactual(table, Words())),
        *(text for table in mixes for text in decompose_sentences.composition(table, Words())),
    ]
    assert len(said) == 10
    assert not FORBIDDEN.search(" ".join(said)), said
    assert all("2019-20 to 2023-24" in text for text in said[2:])


@pytest.mark.parametrize(("share", "part"), [(0.4, "takes away 40%"), (-0.1, "adds 10%"), (np.nan, "")])
@pytest.mark.parametrize("note", ["", "sparse", "mediator", "sparse mediator", "too_few_to_fit"])
@pytest.mark.parametrize("voice", VOICES)
def test_remainders(voice, note, share, part):
    values = VOICES["Too few"] if note == "too_few_to_fit" else VOICES[voice]
    rows = [
        row(1.8, 1.3, 2.5, "", block="raw") | {"measure": "adjusted_risk_ratio", "attenuation": np.nan},
        row(*values[:3], note, block="offence") | {"measure": "adjusted_risk_ratio", "attenuation": share},
    ]
    said = " ".join(model_sentences.remainders(disclosure.working(pd.DataFrame(rows)), Words()))
    assert not FORBIDDEN.search(said), said
    assert "it says nothing of why" in said
    if part and values[0] == values[0]:
        assert f"the block “offence” {part}" in said
    else:
        assert "the block" not in said


def test_the_synthetic_study_speaks_without_a_forbidden_word():
    study, words = load.study("data/synthetic"), Words()
    fit = models.adjusted(models.cases(study, outcome="custody"))
    said = model_sentences.remainders(disclosure.working(fit.table), words)
    assert len(said) == 5
    assert not FORBIDDEN.search(" ".join(said)), said


def test_strata_are_said_without_a_forbidden_word():
    study, words = load.study("data/synthetic"), Words()
    cases = models.cases(study, outcome="charge")
    found = models.intersections(cases, by=["sex", "age"], bands=models.BANDS)
    said = model_sentences.crossings(
        disclosure.working(found.table), disclosure.working(found.summary), words
    )
    assert not FORBIDDEN.search(" ".join(said)), said
    flat = found.summary.assign(additive_part=np.nan)
    said = model_sentences.crossings(disclosure.working(found.table), disclosure.working(flat), words)
    assert len(said) == 1
    assert "vary no more than chance would make them, so none is singled out" in said[0]
