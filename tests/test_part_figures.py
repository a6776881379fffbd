"""Pictures of where a gap opens: drawn from released numbers alone, readable without a ratio."""

import re

import numpy as np
import pytest

from ysj_analysis import decompose, disclosure, load, measures, model_parts, part_figures, pipeline
from ysj_analysis.absent import Absent
from ysj_analysis.wording import Words


@pytest.fixture(scope="module")
def study():
    return load.study("data/synthetic")


@pytest.fixture(scope="module")
def counts(study):
    return pipeline.conditional(pipeline.for_report(study, area="Islington", year=2023), study.stages)


def drawn(study, counts, policy, to):
    ratios = disclosure.release(counts, policy=policy).measure(measures.relative_rates)
    found = ratios.derive(decompose.counterfactual, stages=study.stages, to=to, half=policy.half)
    return found, part_figures.at_parity(found, name="p", title="At parity", words=Words.of(study))


@pytest.mark.parametrize("policy", [disclosure.PUBLIC, disclosure.RESTRICTED])
def test_children_at_parity_are_whole_and_as_in_the_table(study, counts, policy):
    found, shown = drawn(study, counts, policy, "sentenced")
    row = found.table[found.table["group"].eq("Black") & found.table["stage"].eq("arrest")].iloc[0]
    number, low, high = (round(row[c]) for c in ("estimate", "low", "high"))
    assert f"Black: Arrest {number} fewer ({low} fewer to {high} fewer)" in shown.data["alt"]
    assert f">{number} fewer<" in shown.html
    assert "fewer (unsure)<" in shown.html
    assert "nan" not in shown.html
    words = re.sub("<[^>]*>", " ", shown.html)
    assert not re.search(r"\d\.\d+ (fewer|more)", words)


def test_a_group_of_which_nothing_is_shown_has_no_panel(study, counts):
    found, shown = drawn(study, counts, disclosure.PUBLIC, "sentenced")
    hidden = found.table.groupby(found.table["group"].astype(str))["low"].count()
    for group in hidden[hidden.eq(0)].index:
        assert f"{group}:" not in shown.data["alt"]
    none = disclosure.working(found.table.assign(low=np.nan, high=np.nan, estimate=np.nan))
    said = part_figures.at_parity(none, name="p", title="At parity", words=Words())
    assert "At parity: nothing can be drawn" in said.html


def test_ways_out_are_shares_of_each_group_and_hidden_ones_have_no_bar(study):
    ways = pipeline.pathways(study, window=5)
    one = ways[ways["area"].eq("Islington") & ways["year"].eq(2022)]
    shares = disclosure.release(one).measure(measures.rates)
    shown = part_figures.ways_out(shares, name="w", title="Ways out", words=Words.of(study))
    table = shares.table[shares.table["group"].ne("Unknown")]
    for row in table.to_dict("records"):
        if row["group"] == "Black" and not np.isnan(row["estimate"]):
            assert f"{100 * row['estimate']:.0f}%" in shown.data["alt"]
    bars = shown.html.count("fill: #12436d")
    assert bars == table["estimate"].notna().sum()
    assert shown.html.count(">[c]<") == table["estimate"].isna().sum()
    assert "No decision recorded" in shown.data["alt"]
    nothing = disclosure.working(table.assign(estimate=np.nan))
    assert "nothing can be drawn" in part_figures.ways_out(nothing, name="w", title="W", words=Words()).html


def test_remainders_are_drawn_block_by_block(study):
    rule = disclosure.RESTRICTED
    ask = {"outcome": "custody", "area": "Islington", "year": 2023, "policy": rule}
    fitted = disclosure.release(model_parts.remainders(study, **ask), policy=rule)
    shown = part_figures.remainders(fitted, name="r", title="Like with like", words=Words.of(study))
    table = fitted.table[fitted.table["measure"].eq("adjusted_risk_ratio")].set_index(["group", "block"])
    row = table.loc[("Black", "demographics")]
    assert f"demographics {row['estimate']:.2f} ({row['low']:.2f} to {row['high']:.2f})" in shown.data["alt"]
    assert table.loc[("Black", "offence, gravity and history"), "note"] == "too_few_to_fit"
    assert "offence, gravity and history [z]" in shown.data["alt"]
    assert "Before adjustment" in shown.html
    assert "nan" not in shown.html
    none = disclosure.working(fitted.table.assign(low=np.nan))
    assert "nothing can be drawn" in part_figures.remainders(none, name="r", title="R", words=Words()).html


def test_what_is_absent_is_not_drawn():
    for draw in (part_figures.at_parity, part_figures.ways_out, part_figures.remainders):
        assert draw(Absent("This study holds no arrests."), name="x", title="X", words=Words()).html == ""


@pytest.mark.parametrize("draw", [part_figures.at_parity, part_figures.ways_out])
def test_a_private_table_is_refused(draw, counts):
    with pytest.raises(TypeError, match="released"):
        draw(counts, name="x", title="X", words=Words())
