"""Every voice of every sentence: counts, interval and period in it, and none of the words never used."""

import re

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import (
    coverage_sentences,
    decompose,
    disclosure,
    load,
    measures,
    pipeline,
    quality,
    sentences,
    wording,
)
from ysj_analysis.vocabulary import STAGES, Stage
from ysj_analysis.wording import Said, Words

NEVER = re.compile(
    r"times (more|as) likely|\bBAME\b|\bBME\b|offender|\bbias|no disparity|\bnan\b|\binf\b|  |caus(e|ed|al)\b|unfair",
    re.IGNORECASE,
)
WORDS = Words()


def counts(rows, *, base="population", stage="arrest", unit="children", years=5):
    """``rows`` maps a group to its events and denominator."""
    return pd.DataFrame(
        [
            {
                "area": "Islington", "year": 2023, "years": years, "unit": unit, "stage": stage, "base": base,
                "group": group, "events": float(x), "denominator": float(n), "note": "",
            }
            for group, (x, n) in rows.items()
        ]
    )  # fmt: skip


def said(rows, *, edition=disclosure.RESTRICTED, words=WORDS, **settings):
    table = disclosure.release(counts(rows, **settings), policy=edition)
    return sentences.findings(table.measure(measures.relative_rates), words)


CASES = {
    "above, population": said({"Black": (40, 4000), "White": (30, 9000)}),
    "below, population": said({"Asian": (5, 4000), "White": (60, 9000)}),
    "apart, population": said({"Mixed": (12, 4000), "White": (30, 9000)}),
    "above, stage": said({"Black": (40, 60), "White": (20, 90)}, base="arrest", stage="charge"),
    "below, stage": said({"Other": (10, 60), "White": (60, 90)}, base="arrest", stage="diversion"),
    "apart, stage": said({"Black": (30, 60), "White": (44, 90)}, base="charge", stage="convicted"),
    "too few, public": said({"Black": (6, 60), "White": (44, 90)}, edition=disclosure.PUBLIC),
    "zero reference": said({"Black": (9, 40), "White": (0, 60)}, base="sentenced", stage="custody"),
    "no events": said({"Black": (0, 40), "White": (0, 60)}, base="sentenced", stage="custody"),
    "episodes": said({"Black": (40, 60), "White": (20, 90)}, base="arrest", stage="charge", unit="episodes"),
    "nobody, clear, population": said({"Asian": (0, 4000), "White": (60, 9000)}),
    "nobody, clear, stage": said({"Asian": (0, 40), "White": (60, 90)}, base="arrest", stage="charge"),
    "nobody, apart": said({"Asian": (0, 4), "White": (6, 90)}, base="arrest", stage="charge"),
    "zero reference, population": said({"Black": (9, 400), "White": (0, 600)}),
    "zero reference, apart": said({"Black": (1, 40), "White": (0, 60)}, base="sentenced", stage="custody"),
    "episodes of the population": said({"Black": (40, 4000), "White": (30, 9000)}, unit="episodes"),
    "hardly any": said({"Black": (1, 400), "White": (300, 900)}, base="arrest", stage="charge"),
    "one year": said({"Black": (40, 4000), "White": (30, 9000)}, years=1),
}


@pytest.mark.parametrize("case", CASES)
def test_every_sentence_is_a_sentence(case):
    (text,) = CASES[case]
    assert isinstance(text, Said)
    assert re.fullmatch(r"[A-Z].*\.", text)
    assert not NEVER.search(text)
    assert text.count("(") == text.count(")")


@pytest.mark.parametrize("case", [c for c in CASES if "few" not in c and "no events" not in c])
def test_counts_interval_and_period_are_in_the_sentence(case):
    (text,) = CASES[case]
    assert "95% interval" in text
    assert "2023-24" in text
    assert re.search(r"against [\d,]+ (in|of) [\d,]+", text)


def test_a_ratio_of_rates_is_worded_as_one():
    """40 in 4,000 is 3 times 30 in 9,000; the mid-P limits are those of exact conditional arithmetic."""
    (text,) = CASES["above, population"]
    assert text.startswith(
        "Black children were arrested at 3.00 times the rate of White children (95% interval "
    )
    assert "40 were arrested in 4,000 child-years, against 30 in 9,000, 2019-20 to 2023-24." in text


def test_a_share_is_said_before_its_ratio():
    (text,) = CASES["above, stage"]
    assert text.startswith(
        "Of Black children who were arrested, 67% were charged: 3.00 times the proportion among"
    )
    assert "These are 40 of 60, against 20 of 90" in text


def test_not_told_apart_is_not_no_difference():
    for case in ("apart, population", "apart, stage"):
        (text,) = CASES[case]
        assert "cannot be told apart from" in text
        assert text.endswith("This is not evidence that there is no difference.")


def test_a_reference_without_events_is_at_least():
    (text,) = CASES["zero reference"]
    low = re.search(r"at least ([\d.]+) times", text)
    assert low, text
    assert float(low[1]) > 1


def test_nobody_is_said_as_such():
    (text,) = CASES["nobody, clear, population"]
    assert text.startswith(
        "No Asian children were arrested, which is below the rate of White children (relative rate 0.00,"
    )
    (text,) = CASES["nobody, clear, stage"]
    assert text.startswith(
        "Of Asian children who were arrested, none were charged, which is below the proportion among"
    )
    assert "under 1% were charged" in CASES["hardly any"][0]


def test_at_least_is_said_once():
    (text,) = CASES["zero reference, population"]
    assert re.match(
        r"Black children were arrested at a rate at least \d+\.\d\d times that of White children", text
    )
    assert "relative rate: 95% interval at least" in CASES["zero reference, apart"][0]


def test_where_nobody_reached_a_stage_there_is_nothing_to_compare():
    assert CASES["no events"][0] == (
        "Of Black children and of White children, none received a custodial sentence, so there is nothing to compare: "
        "0 of 40, against 0 of 60 (2019-20 to 2023-24)."
    )


def test_episodes_reach_stages():
    assert CASES["episodes of the population"][0].startswith(
        "Episodes of Black children reached arrest at 3.00 times"
    )
    assert CASES["episodes"][0].startswith(
        "Of episodes of Black children that reached arrest, 67% reached charge: "
    )
    assert "[" not in "".join(text for (text,) in CASES.values())


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (
            "immature",
            "Arrest is not shown for Black children: too much is still undecided (2019-20 to 2023-24).",
        ),
        (
            "no_data",
            "How many Black children were arrested is not recorded for every year (2019-20 to 2023-24).",
        ),
        (
            "no_denominator",
            "How often Black children were arrested cannot be compared, because no population is known",
        ),
    ],
)
def test_why_nothing_is_said(note, why):
    table = disclosure.release(counts({"Black": (60, 600), "White": (44, 900)}).assign(note=note))
    (text,) = sentences.findings(table.measure(measures.relative_rates), WORDS)
    assert text.startswith(why)


def test_the_path_is_told_with_its_counts():
    """2.00 at arrest is clear; 1.00 at charge is not; for Asian children nothing is."""
    both = pd.concat(
        [
            counts({"Asian": (60, 6000), "Black": (240, 12_000), "White": (300, 30_000)}),
            counts(
                {"Asian": (30, 60), "Black": (120, 240), "White": (150, 300)}, base="arrest", stage="charge"
            ),
        ]
    )
    ratios = disclosure.release(both, policy=disclosure.RESTRICTED).measure(measures.relative_rates)
    asian, black = sentences.cascade(ratios.derive(decompose.cascade, stages=STAGES, to="charge"), WORDS)
    assert black.startswith(
        "For Black children, the relative rate compared with White children comes, by charge, to 2.00 (95% interval 1."
    )
    assert "The interval excludes parity at arrest (2.00, 95% interval 1." in black
    assert "240 of 12,000, against 300 of 30,000), and at no other decision." in black
    assert asian.endswith("No single decision can be told apart from parity. " + wording.NO_EVIDENCE)


def test_chance_is_counted_only_where_it_can_be():
    few = disclosure.release(counts({"Black": (60, 600), "White": (44, 900)})).measure(
        measures.relative_rates
    )
    assert sentences.chance(few) == (
        "1 comparison is shown here. Were all rates equal, as many as one in twenty could still have an interval "
        "that excludes parity by chance, so a single finding is a reason to look, not proof."
    )


def test_few_are_not_counted_out():
    (text,) = CASES["too few, public"]
    assert text == "Too few Black children or White children were arrested to compare (2019-20 to 2023-24)."


def test_other_studies_keep_their_own_names():
    prison = Stage("prison", "Prison", "convicted", "decision", "adverse", "led to prison")
    convicted = Stage("convicted", "Conviction", "none", "contact", "adverse", "ended in conviction")
    stages = {s.id: s for s in (prison, convicted)}
    words = Words(stages, "calendar", own_groups=True)
    (text,) = said(
        {"Latinx": (400, 600), "White": (300, 900)},
        base="convicted",
        stage="prison",
        unit="cases",
        words=words,
    )
    assert text.startswith(
        "Of cases of Latinx people that ended in conviction, 67% led to prison: 2.00 times the proportion "
        "among cases of White people"
    )
    assert words.full("Black") == "Black"


def ratios_and_gaps(rows, **settings):
    table = disclosure.release(counts(rows, **settings), policy=disclosure.RESTRICTED)
    return table.measure(measures.relative_rates), table.measure(measures.parity_gap)


def test_headlines_put_the_surest_gap_first_and_say_it_in_children():
    ratios, gaps = ratios_and_gaps(
        {"Asian": (10, 4000), "Black": (90, 4000), "Mixed": (40, 4000), "White": (30, 9000)}
    )
    told = sentences.headlines(ratios, gaps, WORDS)
    assert [t.split(" children")[0] for t in told] == ["Black", "Mixed-heritage", "For Asian"]
    # 90 less 4,000 at 30 in 9,000 is 76.7
    assert "That is about 77 more children than if the rate had been that of White children" in told[0]
    assert told[2].endswith("This is not evidence that there is no difference.")
    assert not any(NEVER.search(t) for t in told)


def test_a_favourable_stage_is_worse_when_rarer():
    ratios, gaps = ratios_and_gaps({"Black": (10, 100), "White": (50, 100)}, base="arrest", stage="diversion")
    (text,) = sentences.headlines(ratios, gaps, WORDS)
    assert "were diverted: 0.20 times the proportion" in text
    assert "40 fewer children" in text


def test_one_child_is_a_child():
    """Of 12 charged where parity gives 11.4: a gap of one child, and of less than one."""
    assert WORDS.one("children", 1) == "child"
    assert WORDS.one("searches", 1) == "search"
    ratios, gaps = ratios_and_gaps(
        {"Black": (4000, 4001), "White": (3998, 4000)}, base="arrest", stage="charge"
    )
    row = ratios.table.iloc[0].to_dict()
    assert sentences._in_children(row, gaps.table, WORDS).startswith(
        "That is about 1 more child than if the proportion"
    )
    ratios, gaps = ratios_and_gaps({"Black": (40, 400), "White": (400, 4000)})
    assert sentences._in_children(ratios.table.iloc[0].to_dict(), gaps.table, WORDS) == ""


def test_where_index_and_relative_rate_differ_it_is_said():
    table = disclosure.release(
        counts({"Asian": (60, 10_000), "Black": (450, 25_000), "White": (240, 65_000)}),
        policy=disclosure.RESTRICTED,
    )
    told = sentences.representation(
        table.measure(measures.representation), table.measure(measures.relative_rates), WORDS
    )
    text, both = told
    assert text.startswith(
        "Asian children: the index is 0.80 (not distinguishable from parity, 95% interval 0."
    )
    assert "but the relative rate is 1.62 (above parity, 95% interval 1." in text
    assert text.endswith(
        "They are 60 of the 750 children who were arrested, of the groups shown; White children are 240, 2019-20 to "
        "2023-24."
    )
    assert both.endswith("the relative rate compares it with White children alone.")


@pytest.fixture(scope="module")
def study():
    return load.study("data/synthetic")


def test_whole_report_of_sentences_is_clean(study):
    words = Words.of(study)
    table = pipeline.for_report(study, area="Hackney", year=2022, years=3)
    own = disclosure.release(pipeline.conditional(table, study.stages))
    ratios = own.measure(measures.relative_rates)
    known = disclosure.release(quality.completeness(pipeline.cumulative(table, study.stages)))
    steps = ratios.derive(decompose.cascade, stages=study.stages, to="custody")
    told = [
        *sentences.findings(ratios, words),
        *sentences.headlines(ratios, own.measure(measures.parity_gap), words),
        sentences.chance(ratios),
        *sentences.cascade(steps, words),
        *coverage_sentences.completeness(known, words),
        *coverage_sentences.definitions(study, words),
    ]
    assert len(told) > 60
    for text in told:
        assert re.match(r"[A-Z0-9]", text), text
        assert text.endswith("."), text
        assert not NEVER.search(text), text
        assert isinstance(text, Said)


def test_years_still_undecided_are_named(study):
    late = disclosure.release(pipeline.undecided(study, area="Islington", year=2023))
    assert coverage_sentences.undecided(late, Words.of(study)) == [
        "Reoffending: 2023-24 cannot be shown yet, because too much is still undecided. A lower figure now would be a "
        "delay, not a fall."
    ]


def test_plain_tables_are_refused():
    with pytest.raises(
        TypeError, match=r"only a released table can be shown, not DataFrame: call disclosure.release"
    ):
        sentences.findings(counts({"Black": (1, 2), "White": (1, 2)}), WORDS)


@pytest.mark.parametrize(
    ("value", "measure", "text"),
    [
        (1.8, "rate_ratio", "1.80"),
        (0.4523, "proportion", "45.2%"),
        (-0.061, "risk_difference", "−6.1 points"),
        (1234.5, "rate_per_1000", "1,234.50"),
        (-12.0, "events_above_parity", "−12"),
        (np.inf, "rate_ratio", "[z]"),
    ],
)
def test_numbers_are_written_the_british_way(value, measure, text):
    assert wording.number(value, measure) == text


@pytest.mark.parametrize(
    ("note", "mark"),
    [("suppressed", "[c]"), ("reference suppressed", "[c]"), ("reference", "[z]"), ("immature", "[x]"),
     ("no_denominator", "[x]"), ("no_data", "[x]"), ("", "[z]")],
)  # fmt: skip
def test_marks_follow_the_government_shorthand(note, mark):
    assert wording.mark(note) == mark


def test_every_stage_and_group_has_words():
    for stage in STAGES.values():
        assert re.match(
            r"(were|was|had|received|reoffended|became|entered|started) ?", WORDS.did(stage.id)
        ), stage.id
        assert WORDS.stage(stage.id) == stage.label


def test_groups_that_cannot_be_told_apart_are_said_together():
    clear, apart = said({"Asian": (40, 4000), "Black": (90, 4000), "Mixed": (38, 4000), "White": (80, 9000)})
    assert clear.startswith("Black children were arrested at 2.53 times")
    assert apart.startswith(
        "The rates at which Asian children and Mixed-heritage children were arrested cannot be told apart from that of "
        "White children (2019-20 to 2023-24): Asian children 40 in 4,000, relative rate 1.12 (95% interval "
    )
    assert "; Mixed-heritage children 38 in 4,000, relative rate 1.07 (95% interval " in apart
    assert apart.endswith(
        "; White children 80 in 9,000 child-years. This is not evidence that there is no difference."
    )
    assert not NEVER.search(apart)
    (shares,) = said(
        {"Asian": (30, 60), "Mixed": (31, 60), "White": (44, 90)}, base="charge", stage="convicted"
    )
    assert shares.startswith(
        "Of children who were charged, the proportions of Asian children and Mixed-heritage children who "
        "were convicted cannot be told apart from that of White children"
    )


def test_a_headline_can_be_chosen_from_the_figures_of_another_edition():
    """By the true counts diversion is the surest gap, by the printed ones arrest; both are worse for the group."""
    rows = pd.concat(
        [
            counts({"Black": (90, 4000), "White": (30, 9000)}),
            counts({"Black": (10, 300), "White": (90, 300)}, base="arrest", stage="diversion"),
        ]
    )
    own = disclosure.release(rows, policy=disclosure.RESTRICTED)
    ratios, gaps = own.measure(measures.relative_rates), own.measure(measures.parity_gap)
    other = disclosure.release(rows).measure(measures.relative_rates).where(stage="arrest")
    assert "diverted" in sentences.headlines(ratios, gaps, WORDS)[0]
    assert "were arrested at 6.75 times" in sentences.headlines(ratios, gaps, WORDS, by=other)[0]
    nothing = other.where(group="White")
    assert "diverted" in sentences.headlines(ratios, gaps, WORDS, by=nothing)[0]


def test_groups_without_a_clear_gap_are_said_together():
    ratios, gaps = ratios_and_gaps(
        {"Asian": (12, 4000), "Mixed": (14, 4000), "Other": (0, 0), "White": (30, 9000)}
    )
    near, few = sentences.headlines(ratios, gaps, WORDS)
    assert near.startswith(
        "For Mixed-heritage children and Asian children, no stage with enough children to compare shows a gap that is "
        "clearly worse than for White children. Nearest to one: Mixed-heritage children, arrest (relative rate 1.05, "
    )
    assert " Of Asian children no relative rate points that way. This is not evidence" in near
    assert (
        few
        == "Too few children of other ethnic groups are recorded at any stage to compare with White children."
    )
