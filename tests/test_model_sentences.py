"""What is said of a model: four voices, no cause, and nothing but from a released table."""

import re

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import disclosure, model_sentences, models
from ysj_analysis.wording import Said, Words

LIMITS = {
    "above": (1.5, 1.2, 1.9),
    "below": (0.6, 0.4, 0.8),
    "cannot be told apart": (1.1, 0.8, 1.5),
}


def table(estimate, low, high, note=""):
    rows = []
    for block, values in (("raw", (1.8, 1.3, 2.5)), ("offence", (estimate, low, high))):
        one = {
            "measure": "adjusted_risk_ratio",
            "year": 2023,
            "years": 5,
            "unit": "episodes",
            "stage": "custody",
        }
        one |= {"base": "sentenced", "group": "Black", "block": block, "reference": "White"}
        one |= {"events": 60, "denominator": 300, "reference_events": 40, "reference_denominator": 360}
        one |= dict(zip(("estimate", "low", "high"), values, strict=True))
        rows.append(one | {"note": note if block == "offence" else ""})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("voice", LIMITS)
def test_voices(voice):
    said = model_sentences.remainders(disclosure.working(table(*LIMITS[voice])), Words())
    assert all(isinstance(text, Said) for text in said)
    assert voice in said[0].split("Alike in offence", 1)[1]
    assert "60 of 300" in said[0]
    assert "1.30 to 2.50" in said[0]
    assert "2019-20 to 2023-24" in said[0]


def test_too_few_to_adjust_and_a_mediator_are_said():
    few = disclosure.working(table(np.nan, np.nan, np.nan, note="too_few_to_fit"))
    assert "too few to adjust for offence" in model_sentences.remainders(few, Words())[0]
    marked = disclosure.working(table(1.5, 1.2, 1.9, note="sparse mediator"))
    said = model_sentences.remainders(marked, Words())[0]
    assert "may themselves carry the difference" in said
    assert "penalised" in said


def test_no_word_claims_a_cause():
    rows = [table(*limits) for limits in LIMITS.values()]
    said = " ".join(text for t in rows for text in model_sentences.remainders(disclosure.working(t), Words()))
    assert not re.search(
        r"\b(cause[sd]?|because|due to|bias(ed)?|fair(ness)?|discriminat\w+|offenders?)\b", said
    )


def test_a_private_table_is_refused():
    with pytest.raises(TypeError, match="released"):
        model_sentences.remainders(table(1.5, 1.2, 1.9), Words())


def test_a_real_fit_speaks():
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"group": rng.choice(["Black", "White"], 800), "gravity": rng.choice([2, 6], 800)})
    rows = rows.assign(outcome=(rng.random(800) < 0.2).astype(int), child_id=range(800), year="2023")
    rows = rows.assign(stage="custody", base="sentenced", unit="episodes")
    fit = models.adjusted(rows, blocks={"gravity": ["gravity"]})
    said = model_sentences.remainders(disclosure.working(fit.table), Words())
    assert len(said) == 2
    assert "2023-24" in said[0]
