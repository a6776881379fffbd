"""The paragraph for a court report: what it counts, what it says, and what it must never say."""

import html
import json
import re

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from ysj_analysis import court_paragraph, disclosure, load, measures, pipeline, wording
from ysj_analysis.__main__ import main

STUDY = load.study("data/synthetic")
WORDS = wording.Words.of(STUDY)
POOLED = "Islington, Camden, Hackney and Haringey"


def said(table, policy=disclosure.PUBLIC, area="Islington", sources=("Case records, to 30 September 2024",)):
    """Write the paragraph of a table of counts."""
    ratios = disclosure.release(table, policy=policy).measure(measures.relative_rates, reference="White")
    (text,) = court_paragraph.paragraph(
        ratios.derive(court_paragraph.nearest), WORDS, area=area, sources=sources
    )
    return text


def counted(events, denominators, *, stage="custody", base="sentenced", areas=("Islington",)):
    """Two groups in each area."""
    n = len(areas)
    return pd.DataFrame(
        {
            "area": np.repeat(areas, 2),
            "year": 2023,
            "years": 5,
            "unit": "children",
            "stage": stage,
            "base": base,
            "group": ["Black", "White"] * n,
            "events": events,
            "denominator": denominators,
            "note": "",
        }
    )


def test_all_areas_together_are_the_children_of_each():
    table = court_paragraph.counts(STUDY, area="Islington", group="Black", stage="charge", year=2023)
    together = table[table["area"].eq(POOLED)].set_index("group")[["events", "denominator"]]
    each = [pipeline.for_report(STUDY, area=area, year=2023) for area in STUDY.areas]
    each = pd.concat(pipeline.conditional(one, STUDY.stages) for one in each)
    for group in ("Black", "White"):
        own = each[each["stage"].eq("charge") & each["group"].eq(group)]
        assert len(own) == 4
        assert together.loc[group].to_list() == own[["events", "denominator"]].sum().to_list()


def test_the_paragraph_of_the_area_itself():
    text = said(counted([45, 25], [130, 180]))
    assert text.startswith(
        "These are figures for Islington. Of Black children who were sentenced, 35% received a custodial sentence: "
    )
    assert "These are 45 of 130, against 25 of 180, 2019-20 to 2023-24." in text
    assert "Counts are rounded to the nearest 5" in text
    assert "not about the child before the court" in text
    assert text.endswith("Source: Case records, to 30 September 2024.")


def test_below_the_floor_the_wider_area_is_offered_and_said():
    text = said(counted([6, 3, 45, 25], [40, 60, 130, 180], areas=("Islington", POOLED)))
    assert text.startswith(
        "There are too few children in Islington for its own figures to be given; these are for"
    )
    assert POOLED in text
    assert "6" not in re.findall(r"\b\d+\b", text)


def test_below_the_floor_everywhere_nothing_is_written():
    with pytest.raises(
        disclosure.DisclosureError, match=r"Islington: fewer than 10 decisions, or 30 children"
    ):
        said(counted([6, 3, 9, 5], [40, 60, 130, 180], areas=("Islington", POOLED)))


@pytest.mark.parametrize(
    ("events", "denominators", "stage", "base", "voice"),
    [
        ([80, 25], [130, 180], "custody", "sentenced", "times the proportion among White children"),
        ([15, 125], [130, 180], "diversion", "arrest", "times the proportion among White children"),
        ([30, 40], [130, 180], "yda", "remand_decision", "cannot be told apart"),
        ([300, 200], [19_000, 33_000], "arrest", "population", "times the rate of White children"),
        ([30, 50], [19_000, 33_000], "arrest", "population", "cannot be told apart"),
    ],
)
@pytest.mark.parametrize("policy", [disclosure.PUBLIC, disclosure.RESTRICTED])
def test_every_voice_says_only_what_a_court_may_be_told(events, denominators, stage, base, voice, policy):
    text = said(counted(events, denominators, stage=stage, base=base), policy)
    assert voice in text
    assert not re.search("|".join(court_paragraph.NEVER), text, re.IGNORECASE)
    assert "95% interval" in text
    assert "2019-20 to 2023-24" in text
    assert "does not say why" in text
    assert not re.search(r"\bnan\b|\[.\]|  |\.\.", text)


@given(
    st.sampled_from(["likely", "Risk", "because", "she", "BAME", "offenders", "bias", "should", "predicts"])
)
def test_a_word_a_court_is_never_told_is_refused(word):
    with pytest.raises(disclosure.DisclosureError, match="is never told"):
        court_paragraph.refuse_words(f"Black children {word} were remanded.")


def test_a_name_of_a_source_is_not_ours_to_word():
    court_paragraph.refuse_words("Source: Risk and Offender Records.", ["Risk and Offender Records"])
    assert said(counted([45, 25], [130, 180]), sources=("Offender records",)).endswith(
        "Source: Offender records."
    )


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"area": "Islngton"}, r"area 'Islngton' is not one of the 4 .* Did you mean 'Islington'"),
        ({"group": "White"}, "group 'White' is not one of"),
        ({"group": "Unknown"}, "group 'Unknown' is not one of"),
        ({"stage": "custdy"}, "stage 'custdy' is not one of"),
    ],
)
def test_what_the_study_does_not_have_is_refused(asked, match):
    usual = {"area": "Islington", "group": "Black", "stage": "custody", "year": 2023}
    with pytest.raises(load.DataError, match=match):
        court_paragraph.counts(STUDY, **(usual | asked))


def test_the_command_prints_the_paragraph_of_a_report_that_was_checked(tmp_path, capsys):
    asked = ["court-paragraph", "--group", "Black", "--stage", "arrest", "--out", str(tmp_path)]
    assert main(asked) == 0
    printed = capsys.readouterr().out.strip()
    folder = tmp_path / "islington" / "2023" / "arrest" / "black" / "court_paragraph"
    assert json.loads((folder / "manifest.json").read_text())["paragraph"] == [printed]
    assert printed in html.unescape((folder / "index.html").read_text())
    assert (tmp_path / "islington" / "editions.jsonl").is_file()


def test_the_command_writes_nothing_below_the_floor(tmp_path, capsys):
    asked = ["court-paragraph", "--group", "Asian", "--stage", "yda", "--out", str(tmp_path)]
    assert main(asked) == 4
    assert "No paragraph can be written" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.html"))
