"""The page for young people and parents: short words, no ratio, every number from a released table."""

import re

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import disclosure, load, measures, pipeline, plain_words, wording
from ysj_analysis.vocabulary import STAGES

STUDY = load.study("data/synthetic")
WORDS = wording.Words.of(STUDY)
HARD = ("times", "ratio", "rate ", "interval", "likel", "parity", "proportion", "offend", "nan", "cohort")


def ratios(events, denominators, *, stage="arrest", base="population", policy=disclosure.PUBLIC):
    table = pd.DataFrame(
        {"group": ["Black", "Other", "White"], "events": events, "denominator": denominators}
    )
    table = table.assign(area="A", year=2023, years=5, unit="children", stage=stage, base=base, note="")
    return disclosure.release(table, policy=policy).measure(measures.relative_rates, reference="White")


def readability(text):
    """Automated Readability Index (Smith and Senter 1967): about the American school grade; age is 5 more."""
    words = re.findall(r"[A-Za-z0-9'-]+", text)
    letters, sentences = sum(map(len, words)), len(re.findall(r"[.:]", text))
    return 4.71 * letters / len(words) + 0.5 * len(words) / sentences - 21.43


@pytest.fixture(scope="module")
def islington():
    counts = pipeline.conditional(pipeline.for_report(STUDY, area="Islington", year=2023), STUDY.stages)
    return (
        disclosure.release(counts)
        .where(group=WORDS.known(STUDY))
        .measure(measures.relative_rates, reference="White")
    )


def test_a_child_of_eleven_can_read_it(islington):
    text = " ".join(plain_words.plainly(islington, WORDS))
    assert readability(text) < 6.5
    assert readability("Disproportionality in conditional probabilities necessitates stratification.") > 12


def test_the_numbers_are_of_the_printed_counts():
    (text,) = plain_words.plainly(ratios([143, 52, 98], [10_000, 9_000, 16_000]), WORDS)
    # printed: 145 of 10,000; 50 of 9,000; 100 of 16,000
    once = "with each child counted once in the 5 years"
    assert f"In a year, out of every 1,000 children in each group, {once}, this many were arrested" in text
    assert "Black 14 or 15" not in text
    assert re.search(r"Black 14, Other 6 and White 6\.", text)


def test_every_voice():
    (text,) = plain_words.plainly(ratios([150, 20, 100], [10_000, 9_000, 16_000]), WORDS)
    assert "For Black children, it is clearly more than for White children." in text
    assert "For children of other ethnic groups, it is clearly less than for White children." in text
    (text,) = plain_words.plainly(ratios([60, 3, 50], [100, 20, 90], stage="charge", base="arrest"), WORDS)
    assert (
        "For Black children, we cannot tell if there is a gap. That does not mean that there is none." in text
    )
    assert "For children of other ethnic groups, there are too few to say." in text
    assert "3" not in re.findall(r"\d+", text)
    (text,) = plain_words.plainly(ratios([60, 30, 50], [100, 50, 90], stage="charge", base="arrest"), WORDS)
    assert "We cannot tell if there is a gap for any group." in text
    assert plain_words.plainly(ratios([3, 3, 3], [100, 50, 90]), WORDS) == [plain_words._NOTHING]


@pytest.mark.parametrize("stage", list(STAGES))
def test_no_ratio_no_hard_word_at_any_stage(stage):
    (text,) = plain_words.plainly(
        ratios([150, 60, 100], [1_000, 900, 1_600], stage=stage, base=STAGES[stage].base), WORDS
    )
    for never in HARD:
        if not (never == "cohort" and stage in ("cohort", "reoffended")):
            assert never not in text.lower().replace("clearly", "")


def test_the_picture_says_its_numbers(islington):
    shown = plain_words.picture(islington, name="plain", title="How many", words=WORDS)
    table = islington.table
    first = table[table["stage"].eq(plain_words.told(table, WORDS)[0]) & table["group"].eq("Black")].iloc[0]
    assert f"Black {1000 * first['events'] / first['denominator']:.0f}" in shown.data["alt"]
    assert 'role="img"' in shown.data["svg"]
    none = plain_words.picture(ratios([3, 3, 3], [100, 50, 90]), name="p", title="T", words=WORDS)
    assert "too few" in none.html


def test_rare_events_are_told_of_more_children():
    (text,) = plain_words.plainly(ratios([20, 15, 30], [100_000, 90_000, 160_000]), WORDS)
    assert "out of every 10,000 children" in text
    assert np.isclose(20 / 100_000 * 10_000, 2)
    assert "Black 2, " in text


def test_one_scale_for_all_stages_of_the_page():
    both = pd.concat(
        [
            ratios([150, 60, 100], [10_000, 9_000, 16_000]).table.assign(stage=s)
            for s in ("arrest", "intervention")
        ]
    )
    rare = both["stage"].eq("intervention")
    assert plain_words._scale(both, ["arrest", "intervention"]) == 1_000
    both.loc[rare, "denominator"] *= 100
    assert plain_words._scale(both, ["arrest", "intervention"]) == 10_000


def test_words_are_explained_that_are_used(islington):
    assert plain_words.meanings(ratios([150, 60, 100], [1_000, 900, 1_600]), WORDS) == [
        "Arrested means that the police took a child to a police station."
    ]
    said = plain_words.meanings(islington, WORDS)
    assert "team is the people at the council" in " ".join(said)
    assert not any(s.startswith("Custody") for s in said)
    custody = ratios([60, 30, 50], [100, 90, 90], stage="custody", base="charge")
    assert [s.split()[0] for s in plain_words.meanings(custody, WORDS)] == ["Charged", "Custody"]


def test_neutral_stages_are_told_of_only_where_there_are_no_others():
    one = ratios([60, 30, 50], [100, 90, 90], stage="remand_decision", base="charge").table
    other = ratios([60, 30, 50], [100, 90, 90], stage="diversion", base="arrest").table
    assert plain_words.told(one, WORDS) == ["remand_decision"]
    assert plain_words.told(pd.concat([one, other]), WORDS) == ["diversion"]


def test_it_says_of_small_numbers_what_is_true_of_the_edition():
    hidden, shown = (
        plain_words.unsure(ratios([150, 60, 100], [1_000, 900, 1_600], policy=p))
        for p in (disclosure.PUBLIC, disclosure.RESTRICTED)
    )
    assert "Very small numbers are not shown" in hidden
    assert "Do not pass this page on" in shown
