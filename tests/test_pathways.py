"""Which way did each child leave? Counted again in plain Python, and from counts; and what is said of it."""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import (
    decompose,
    decompose_sentences,
    disclosure,
    load,
    measures,
    pipeline,
    source_cook_county,
)
from ysj_analysis.load import DataError
from ysj_analysis.pathways import FURTHEST, NOT_DECIDED
from ysj_analysis.vocabulary import COUNTS, broad_groups
from ysj_analysis.wording import Said, Words

SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic"
SHARED = Path(os.environ.get("YSJ_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
COOK = sorted((SHARED / "cook_county_stages").glob("*.json"))


@pytest.fixture(scope="module")
def study():
    return load.study(SYNTHETIC)


@pytest.fixture(scope="module")
def ways(study):
    return pipeline.pathways(study, window=5)


def test_shares_add_to_one(ways):
    assert ways.columns.to_list() == [*COUNTS, "events", "denominator", "note"]
    apart = ["area", "year", "group"]
    whole = ways.groupby(apart, observed=True)[["events", "denominator"]].agg(
        {"events": "sum", "denominator": "first"}
    )
    assert (whole["events"] == whole["denominator"]).all()
    order = ways.groupby(apart, observed=True)["stage"].agg(lambda s: " ".join(s.astype(str)))
    assert set(order) == {" ".join([*FURTHEST, NOT_DECIDED])}


def test_counted_again_in_plain_python(study, ways):
    """Of each child arrested in the window, the furthest decision of any episode that began in it."""
    began, seen = {}, defaultdict(set)
    events = study.events.sort_values("date")
    for row in events.itertuples():
        year = row.date.year - (row.date.month < 4)
        began.setdefault(row.episode_id, year)
        if 2019 <= began[row.episode_id] <= 2023 and row.area == "Islington":
            seen[row.child_id].add(str(row.stage))
    names = broad_groups(study.base)
    own = study.children[study.children["ethnicity_source"] == "self"]
    group = own.set_index("child_id")["ethnicity"].astype(str).map(names).to_dict()
    expected = defaultdict(int)
    for child, stages in seen.items():
        if "arrest" in stages:
            first = next((s for s in FURTHEST if s in stages), NOT_DECIDED)
            expected[group.get(child, "Unknown"), first] += 1
    mine = ways[(ways["area"] == "Islington") & (ways["year"] == 2023)]
    found = {(r.group, r.stage): r.events for r in mine.itertuples() if r.events}
    assert found == dict(expected)


def test_the_furthest_and_the_base_are_those_of_the_stage_counts(study, ways):
    counts = pipeline.stage_counts(study, window=5)
    court = counts[(counts["stage"] == "charge") & (counts["base"] == "arrest")].reset_index(drop=True)
    mine = ways[ways["stage"] == "charge"].reset_index(drop=True)
    for column in ("events", "denominator", "note"):
        assert mine[column].to_list() == court[column].to_list()


def test_episodes_splits_and_order(study):
    one = pipeline.pathways(study, unit="episodes", by="sex", window=8)
    assert set(one["unit"]) == {"episodes"}
    assert "sex" in one
    police = study.events[study.events["stage"].isin(FURTHEST)]
    inside = police["episode_id"].nunique()
    assert one.loc[one["stage"] != NOT_DECIDED, "events"].sum() <= inside
    turned = pipeline.pathways(study, exits=FURTHEST[::-1], window=5)
    assert turned["stage"].cat.categories.to_list() == [*FURTHEST[::-1], NOT_DECIDED]
    plain = pipeline.pathways(study, window=5)
    for stage, more in (("charge", False), ("released_under_investigation", True)):
        both = [t.loc[t["stage"] == stage, "events"].sum() for t in (turned, plain)]
        assert (both[0] > both[1]) == more


def test_what_cannot_be_counted(study):
    with pytest.raises(DataError, match=r"base is 'arest', which is not one of the .* arrest"):
        pipeline.pathways(study, base="arest")
    with pytest.raises(ValueError, match="1 of 2 exits are not fed by arrest: custody"):
        pipeline.pathways(study, exits=["charge", "custody"])
    with pytest.raises(ValueError, match="window is 9; this study has 8 years"):
        pipeline.pathways(study, window=9)
    with pytest.raises(ValueError, match="unit is 'offences'"):
        pipeline.pathways(study, unit="offences")
    with pytest.raises(ValueError, match="cannot be split by height"):
        pipeline.pathways(study, by=["height"])


def counted(tmp_path, rows):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "counts.csv").write_text("area,year,stage,group,events\n" + rows, encoding="utf-8")
    return load.study(folder)


def test_from_counts(tmp_path):
    rows = "".join(
        f"A,2023,{stage},{group},{n}\n"
        for stage, both in {
            "arrest": (50, 60),
            "diversion": (10, 20),
            "charge": (25, "c"),
            "caution": (5, 4),
        }.items()
        for group, n in zip(("Black", "White"), both, strict=True)
    ).replace(",c\n", ",[c]\n")
    found = pipeline.pathways(counted(tmp_path, rows))
    black = found[found["group"] == "Black"].set_index(
        found.loc[found["group"] == "Black", "stage"].astype(str)
    )
    assert black["events"].to_dict() == {"charge": 25, "caution": 5, "diversion": 10, NOT_DECIDED: 10}
    white = found[found["group"] == "White"]
    assert set(white["note"]) == {"suppressed"}
    assert white.loc[white["stage"] == NOT_DECIDED, "events"].isna().all()


def test_counts_that_exceed_the_stage(tmp_path):
    rows = "A,2023,arrest,Black,50\nA,2023,charge,Black,30\nA,2023,caution,Black,25\n"
    with pytest.raises(
        DataError, match=r"in 1 of \d cells the ways out hold more than arrest\. First: A, 2023, Black: 55"
    ):
        pipeline.pathways(counted(tmp_path, rows + rows.replace("Black", "White").replace("25", "20")))


@pytest.mark.skipif(not COOK, reason="the real files are not here")
def test_cook_county(tmp_path):
    """Five results at intake are all there are; the published ratio of approved charges follows."""
    source_cook_county.clean(source_cook_county.read(COOK)).write(tmp_path / "study")
    cook = load.study(tmp_path / "study")
    found = pipeline.pathways(cook, base="intake", exits=source_cook_county.INTAKE)
    sums = found.groupby(["stage", "base", "group"], observed=True)[["events", "denominator"]].sum()
    assert sums.loc[NOT_DECIDED, "events"].eq(0).all()
    ratios = measures.relative_rates(sums.reset_index()).set_index(["stage", "group"])["estimate"]
    assert round(ratios["approved", "Black"], 4) == 0.9548
    assert round(ratios["approved", "Latinx"], 4) == 1.1922
    with pytest.raises(DataError, match="cells the ways out hold more than intake"):
        pipeline.pathways(cook, base="intake")


# -- words -------------------------------------------------------------------------------------------


def test_each_way_out_has_its_sentence(ways):
    one = ways[(ways["area"] == "Islington") & (ways["year"] == 2023)].reset_index(drop=True)
    ratios = disclosure.release(one).measure(measures.relative_rates)
    said = decompose_sentences.pathways(ratios, Words())
    assert all(isinstance(s, Said) for s in said)
    few = [s for s in said if s.startswith("Too few")]
    shown = ratios.table[ratios.table["low"].notna() & ~ratios.table["note"].str.contains("unreliable")]
    assert len(said) == len(few) + shown["group"].isin(["Asian", "Black", "Mixed", "Other"]).sum()
    assert len(few) <= 6
    assert any(
        s.startswith("Of Black children who were arrested, 12% were diverted, which cannot be told apart")
        for s in said
    )
    fewer = one.assign(events=one["events"].where(one["group"] != "Black", one["events"] // 2))
    below = disclosure.working(fewer).measure(measures.relative_rates)
    assert any("clearly below parity" in s for s in decompose_sentences.pathways(below, Words()))
    assert any("which cannot be told apart from the share among White children" in s for s in said)
    assert any("children of other ethnic groups or White children who were arrested" in s for s in few)
    more = one.assign(events=one["events"].where(one["group"] != "Black", one["denominator"]))
    above = disclosure.working(more).measure(measures.relative_rates)
    assert any("clearly above parity" in s for s in decompose_sentences.pathways(above, Words()))
    late = disclosure.working(one.assign(note="immature")).measure(measures.relative_rates)
    assert all("too much is still undecided" in s for s in decompose_sentences.pathways(late, Words()))


def path(black, white):
    """A path of two steps on released counts."""
    table = pd.DataFrame(
        {
            "area": "A",
            "year": 2023,
            "years": 5,
            "unit": "children",
            "stage": ["arrest", "arrest", "charge", "charge"],
            "base": ["population", "population", "arrest", "arrest"],
            "group": ["Black", "White"] * 2,
            "events": [black[1], white[1], black[2], white[2]],
            "denominator": [black[0], white[0], black[1], white[1]],
        }
    )
    return disclosure.working(table).measure(measures.relative_rates)


def test_the_path_in_four_voices(study):
    words, ask = Words(), {"stages": study.stages, "to": "charge"}

    def say(ratios):
        return [
            saying(ratios.derive(table, **ask), words)
            for table, saying in (
                (decompose.cumulative, decompose_sentences.cumulative),
                (decompose.cascade, decompose_sentences.parts),
                (decompose.counterfactual, decompose_sentences.counterfactual),
            )
        ]

    whole, parts, children = say(path((4_000, 400, 100), (8_000, 400, 200)))
    assert "were charged at 1.00 times" not in whole[0]
    assert "clearly" not in parts[0]
    whole, parts, children = say(path((4_000, 400, 300), (8_000, 300, 100)))
    assert "clearly above parity" in whole[0]
    assert "opens at arrest (95% interval" in parts[0]
    assert children[0].startswith(
        "If arrest were at the rate of White children and all else as it is, about 188 fewer"
    )
    whole, parts, children = say(path((8_000, 300, 60), (4_000, 400, 300)))
    assert "clearly below parity" in whole[0]
    assert "more Black children would be among those who were charged" in children[1]
    whole, parts, children = say(path((8_000, 900, 100), (4_000, 200, 100)))
    assert any("narrows the gap" in s for s in parts) or "cannot be told apart" in parts[0]
    whole, parts, children = say(path((4_000, 40, 10), (8_000, 80, 20)))
    for said in (whole[0], parts[0], children[0]):
        assert said.endswith("This is not evidence that there is no difference.")
    whole, parts, children = say(path((4_000, 40, 0), (8_000, 80, 20)))
    assert children == [
        "Too few Black children were charged to say what parity at any decision would change (2019-20 to 2023-24)."
    ]
    text = " ".join([*whole, *parts, *children])
    assert "nan" not in text
    narrowed = path((4_000, 800, 100), (8_000, 300, 100))
    assert any(s.startswith("Charge narrows the gap") for s in say(narrowed)[1])
    hidden = path((4_000, 40, 20), (8_000, 80, 20)).table.assign(low=np.nan, high=np.nan)
    silent = disclosure.working(hidden)
    assert decompose_sentences.cumulative(silent.derive(decompose.cumulative, **ask), words)[0].startswith(
        "Too few"
    )
    assert decompose_sentences.parts(silent.derive(decompose.cascade, **ask), words)[0].startswith("Too few")
    so_far = path((4_000, 400, 300), (8_000, 300, 100)).derive(
        decompose.counterfactual, convention="so-far", **ask
    )
    assert "charge and every decision before it" in decompose_sentences.counterfactual(so_far, words)[1]
