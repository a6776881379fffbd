"""What unknown ethnicity could change, and whether a gap differs: every branch, from released counts."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import (
    contrast_sentences,
    disclosure,
    load,
    measures,
    pipeline,
    unknown_sentences,
    wording,
)
from ysj_analysis.reading import NotHeld

STUDY = load.study("data/synthetic")
WORDS = wording.Words.of(STUDY)
RESTRICTED = disclosure.RESTRICTED


def bounded(events, denominators, *, base="arrest", policy=RESTRICTED):
    groups = ["Black", "White", "Unknown"][: len(events)]
    table = pd.DataFrame({"group": groups, "events": events, "denominator": denominators})
    table = table.assign(area="A", year=2023, years=5, unit="children", stage="charge", base=base, note="")
    return unknown_sentences.bounded(disclosure.release(table, policy=policy), reference="White")


def test_a_finding_that_stands():
    """By hand: 60 of 100 against 30 of 100, 2 of 4 unknown: lowest 60/102 over 32/102 = 1.875."""
    bounds = bounded([60, 30, 2], [100, 100, 4])
    assert unknown_sentences.hold(bounds, WORDS) == [
        "The one relative rate that is clearly off parity would stay on the same side of it however those of unknown "
        "ethnicity were shared out among the groups. They are most at charge: 2 children (2019-20 to 2023-24)."
    ]
    row = bounds.table.iloc[0]
    assert row["lowest"] == np.floor(100 * (60 / 102) / (32 / 102)) / 100 == 1.87
    assert row["highest"] == np.ceil(100 * (62 / 102) / (30 / 102)) / 100 == 2.07


def test_a_finding_that_the_unknown_could_take_away():
    """By hand: 40 of 100 against 25 of 100, 30 of 40 unknown: 40/110 over 55/130 = 0.859."""
    said = unknown_sentences.hold(bounded([40, 25, 30], [100, 100, 40]), WORDS)
    assert "would not stay on the same side" in said[0]
    assert said[1].startswith(
        "Black children at charge: with 30 of unknown ethnicity, the relative rate compared"
    )
    assert "between 0.85 and" in said[1]
    assert said[1].endswith("so it cannot be said which side of parity it is on (2019-20 to 2023-24).")


def test_nothing_to_take_away_and_nobody_unknown():
    assert (
        "there is none that the unknown could take away"
        in unknown_sentences.hold(bounded([30, 30, 2], [100, 100, 4]), WORDS)[0]
    )
    with pytest.raises(NotHeld, match="no row for children of unknown ethnicity"):
        bounded([60, 30], [100, 100])


def test_two_periods_do_not_overlap():
    table = contrast_sentences.two_periods(
        STUDY, area="Islington", year=2023, years=5, stages=("arrest", "charge")
    )
    assert set(map(tuple, table[["year", "years"]].drop_duplicates().to_numpy())) == {(2019, 4), (2023, 4)}
    assert set(table["stage"].astype(str)) == {"arrest", "charge"}
    one = dataclasses.replace(STUDY, years=(2023, 2023))
    with pytest.raises(NotHeld, match="one year only"):
        contrast_sentences.two_periods(one, area="Islington", year=2023, years=3, stages=("arrest",))


def test_the_stages_watched_are_of_the_study():
    assert contrast_sentences.watched(STUDY, pipeline.caseload(STUDY)) == ("arrest", "intervention")


def periods(before, after):
    rows = [
        {"year": year, "group": group, "events": x, "denominator": n}
        for year, pair in ((2020, before), (2023, after))
        for group, (x, n) in zip(("Black", "White"), pair, strict=True)
    ]
    table = pd.DataFrame(rows).assign(
        area="A", years=3, unit="children", stage="arrest", base="population", note=""
    )
    return disclosure.release(table, policy=RESTRICTED).measure(measures.relative_rates, reference="White")


def test_what_is_said_of_a_change():
    same = periods([(100, 1000), (100, 2000)], [(105, 1000), (100, 2000)])
    assert contrast_sentences.moved(same, WORDS) == [
        "Comparing 2018-19 to 2020-21 with 2021-22 to 2023-24, the one relative rate that can be compared has not "
        "clearly moved. The two intervals overlap, so it cannot be said that it has moved, nor that it has not."
    ]
    risen = contrast_sentences.moved(periods([(100, 1000), (200, 2000)], [(400, 1000), (200, 2000)]), WORDS)
    assert "the one relative rate that can be compared has clearly moved." in risen[0]
    assert risen[1].startswith(
        "Black children at arrest, compared with White children: the relative rate has risen,"
    )
    assert "400 of 1,000, against 200 of 2,000" in risen[1]
    fallen = contrast_sentences.moved(periods([(400, 1000), (200, 2000)], [(100, 1000), (200, 2000)]), WORDS)
    assert "has fallen" in fallen[1]


def test_too_few_in_a_period():
    table = pd.DataFrame(
        {"group": ["Black", "White"] * 2, "events": [4, 3, 40, 30], "denominator": [100, 200] * 2}
    )
    table = table.assign(
        area="A", year=[2020] * 2 + [2023] * 2, years=3, unit="children", stage="arrest", note=""
    )
    ratios = disclosure.release(table.assign(base="population")).measure(
        measures.relative_rates, reference="White"
    )
    assert contrast_sentences.moved(ratios, WORDS)[0].startswith(
        "There are too few children in one of the two periods"
    )


def test_what_is_said_of_two_parts():
    def among(girls, boys):
        rows = [
            {"sex": sex, "group": group, "events": x, "denominator": n}
            for sex, pair in (("female", girls), ("male", boys))
            for group, (x, n) in zip(("Black", "White"), pair, strict=True)
        ]
        table = pd.DataFrame(rows).assign(
            area="A", year=2023, years=5, unit="children", stage="arrest", note=""
        )
        released = disclosure.release(table.assign(base="population"), policy=RESTRICTED)
        ratios = released.measure(measures.relative_rates, reference="White")
        labels = {"female": "girls", "male": "boys"}
        return contrast_sentences.differs(ratios, WORDS, part="sex", labels=labels)

    assert among([(20, 1000), (20, 2000)], [(105, 1000), (100, 2000)]) == [
        "Between girls and boys, the one relative rate that can be compared does not differ clearly. The two "
        "intervals overlap, so it cannot be said that it differs, nor that it does not."
    ]
    said = among([(100, 1000), (200, 2000)], [(800, 1000), (400, 2000)])
    assert said[0] == "Between girls and boys, the one relative rate that can be compared differs clearly."
    assert "among girls, and" in said[1]
    assert "800 of 1,000, against 400 of 2,000) among boys" in said[1]
