"""The Youth Justice Plan 2023-24 recomputed: its own numbers, and what they leave open."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ysj_analysis import load, plan, printed, published, quality

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def figures():
    return published.figures(REPOSITORY / "data" / "published")


@pytest.fixture(scope="module")
def index(figures):
    return printed.representation(published.shares(figures)).set_index(["measure", "reference", "group"])


# -- over-representation: the Plan, section 6.5 ------------------------------------------------------


def test_the_table_is_the_plans(figures):
    shares = published.shares(figures).set_index("group")
    assert shares["share"].to_dict() == {"Asian": 6, "Black": 45, "Mixed": 20, "Other": 5, "White": 24}
    assert shares["population_share"].to_dict() == {
        "Asian": 10,
        "Black": 25,
        "Mixed": 14,
        "Other": 9,
        "White": 43,
    }


@pytest.mark.parametrize(
    ("measure", "reference", "expected"),
    [
        ("representation_index", "population", (1.80, 1.75, 1.86)),  # 44.5 / 25.5 to 45.5 / 24.5
        ("relative_rate_index", "White", (3.225, 3.03, 3.44)),  # (45 / 25) / (24 / 43)
        ("relative_rate_index", "all-others", (2.49, 2.34, 2.57)),  # (45 / 25) / (55 / 76)
    ],
)
def test_black_children_are_over_represented_whatever_the_rounding(index, measure, reference, expected):
    row = index.loc[(measure, reference, "Black"), ["estimate", "low", "high"]].astype(float)
    assert row["estimate"] == pytest.approx(expected[0], abs=0.005 if reference == "all-others" else 1e-9)
    assert row[["low", "high"]].round(2).tolist() == list(expected[1:])


def test_the_two_measures_tell_different_stories_of_asian_children(index):
    # Under their share of the population, and above White children's rate.
    assert index.loc[("representation_index", "population", "Asian"), "estimate"] == pytest.approx(0.60)
    assert index.loc[("relative_rate_index", "White", "Asian"), "estimate"] == pytest.approx(1.075)
    assert index.loc[("relative_rate_index", "White", "White"), ["low", "high"]].tolist() == [1, 1]


def test_every_share_that_rounds_to_the_printed_one_gives_an_index_inside(index):
    random = np.random.default_rng(2)
    x, n, rx, rn = (random.uniform(v - 0.5, v + 0.5, 20_000) for v in (45, 25, 24, 43))
    for reference, values in {
        "population": x / n,
        "White": (x / n) / (rx / rn),
        "all-others": (x / n) / ((100 - x) / (100 - n)),
    }.items():
        measure = "representation_index" if reference == "population" else "relative_rate_index"
        low, high = index.loc[(measure, reference, "Black"), ["low", "high"]]
        assert low <= values.min()
        assert high >= values.max()
        assert values.max() - values.min() > 0.9 * (high - low)


def test_a_share_printed_as_nothing_has_finite_and_open_ends():
    table = pd.DataFrame({"group": ["A", "B", "C"], "share": [0, 50, 50], "population_share": [40, 60, 0]})
    own = printed.representation(table, reference="B").iloc[:3]
    assert own["low"].tolist() == pytest.approx([0, 49.5 / 60.5, 49.5 / 0.5])
    assert own["high"].tolist() == pytest.approx([0.5 / 39.5, 50.5 / 59.5, np.inf])
    with pytest.raises(ValueError, match="reference 'White' is not one of the groups A, B, C"):
        printed.representation(table)


def test_the_population_column_adds_to_101_and_rounding_allows_it(figures):
    sums = printed.sums(published.shares(figures)).set_index("column")
    assert sums["sum"].to_dict() == {"share of the stage": 100, "share of children": 101}
    assert sums.loc["share of children", ["low", "high"]].tolist() == [98, 102]


def test_the_printed_asian_share_is_the_censuss_on_neither_base(figures):
    table = published.population_shares(figures, published.shares(figures)).set_index("group")
    assert table["agrees"].to_dict() == {
        "Asian": "neither",
        "Black": "2021 and 2001",
        "Mixed": "2021 and 2001",
        "Other": "2021",
        "White": "2021 and 2001",
    }


# -- percentages of few children ---------------------------------------------------------------------


def audited(value, cohort, per=100):
    table = pd.DataFrame({"printed": [value], "cohort": [cohort], "per": [per]})
    return quality.percentage_audit(table).iloc[0]


@pytest.mark.parametrize(("value", "cohort", "per", "possible"), [
    ("82", 12, 100, "no"), ("82", 11, 100, "yes"), ("80", 5, 100, "yes"), ("84", 24, 100, "no"),
    ("31.6", 19, 100, "yes"), ("31.6", 20, 100, "no"), ("12.5", 8, 100, "yes"), ("12", 8, 100, "yes"),
    ("13", 8, 100, "yes"), ("0", 7, 100, "yes"), ("100", 7, 100, "yes"), ("1", 7, 100, "no"),
    ("0.11", 15343, 1000, "no"), ("0.13", 15343, 1000, "yes"), ("2.50", 6, 1, "yes"), ("2.5", 7, 1, "no"),
    ("82", np.nan, 100, "cannot say"),
])  # fmt: skip
def test_audit(value, cohort, per, possible):
    assert audited(value, cohort, per)["possible"] == possible


def test_audit_agrees_with_counting_on_fingers():
    values = [(f"{v}", n) for n in range(1, 31) for v in range(101)]
    table = pd.DataFrame(values, columns=["printed", "cohort"])
    before = table.copy()
    audit = quality.percentage_audit(table)
    fits = [[k for k in range(n + 1) if abs(100 * k / n - int(v)) <= 0.5 + 1e-9] for v, n in values]
    assert audit["possible"].tolist() == ["yes" if f else "no" for f in fits]
    assert audit["fewest"].dropna().tolist() == [min(f) for f in fits if f]
    assert audit["most"].dropna().tolist() == [max(f) for f in fits if f]
    pd.testing.assert_frame_equal(table, before)


def test_the_figures_of_the_plan_that_cannot_be(figures):
    audit = published.audited(figures)
    cannot = audit[audit["possible"] == "no"]
    assert set(cannot.index) == {
        "remands_share_2021",  # 82% of 12
        "remands_share_2020_2021",  # 84% of 24
        "custody_rate_2021",  # 0.11 per 1,000 of 15,343
        "violence_in_custody",  # 90% of 5
        "remands_violent_2019",  # 44% of 10
        "kpi_send",  # 65% of 14
    }
    row = audit.loc["remands_share_2021"]
    assert row["nearest"] == "9 gives 75%, 10 gives 83%"
    assert (row["smallest_events"], row["smallest_cohort"]) == (9, 11)
    assert audit.loc["binary_yjb", ["smallest_events", "smallest_cohort"]].tolist() == [6, 19]


# -- remand and custody: sections 6.3 to 6.5 ---------------------------------------------------------


def test_exact_tests_of_remand_and_custody(figures):
    counts = printed.implied(published.custodial_shares(published.audited(figures)))
    assert counts[["events", "cohort"]].to_numpy().tolist() == [[9, 11], [4, 5], [4, 5], [13, 16]]
    tests = printed.exact_tests(counts.merge(published.comparators(figures), how="cross"))
    rounded = tests[tests["compared_with"] == "census, rounded, of exact total"].set_index(
        ["events", "cohort"]
    )
    assert rounded["population_share"].iloc[0] == pytest.approx(0.388, abs=0.001)  # 5,945 of 15,343
    assert rounded.loc[(4, 5), "p_value"].round(3).tolist() == [0.078, 0.078]
    assert rounded.loc[(13, 16), "p_value"].item() < 0.01
    assert tests["population_share"].round(2).eq(0.39).all()


def test_the_exact_p_value_is_the_sum_of_outcomes_no_likelier():
    for events, cohort, share in [(4, 5, 0.388), (13, 16, 0.388), (0, 6, 0.39), (2, 9, 0.25)]:
        p = printed.exact_tests(
            pd.DataFrame({"events": [events], "cohort": [cohort], "population_share": [share]})
        )["p_value"].item()
        chances = stats.binom.pmf(np.arange(cohort + 1), cohort, share)
        assert p == pytest.approx(chances[chances <= chances[events] * (1 + 1e-7)].sum())


def test_a_share_of_many_stands_for_several_counts_and_is_refused():
    audit = quality.percentage_audit(pd.DataFrame({"printed": ["39"], "cohort": [15343]}))
    with pytest.raises(
        ValueError, match=r"1 of 1 printed shares stand for more than one count; .* 39 of 15343"
    ):
        printed.implied(audit.assign(measure="m", period="p"))


# -- reoffending: section 6.2 ------------------------------------------------------------------------


def test_reoffending_with_both_meanings_of_frequency(figures):
    table = published.reoffending(figures)
    assert (100 * table["binary"]).round(1).tolist() == [27.3, 20.0, 25.9, 20.0, 22.6]
    assert table["per_child"].round(2).tolist()[:4] == [0.64, 0.40, 0.96, 0.36]
    assert table["per_reoffender"].round(2).tolist() == [2.33, 2.00, 3.71, 1.80, 2.57]
    shown = figures[figures["measure"] == "reoffences per child in the cohort"]["number"]
    assert np.allclose(shown, table["per_child"][:4], atol=0.005)


# -- the population base: sections 6.1 and 6.3 -------------------------------------------------------


def test_the_base_alone_raises_the_rate(figures):
    rates = published.on_both_bases(figures, "fte_2021", per=100_000)
    assert rates["estimate"].round().tolist() == [255, 293]  # 45 of 17,636 and of 15,343
    assert rates["change"].iloc[1] == pytest.approx(1 / 0.87)
    assert rates.loc[0, ["least", "most"]].round(1).tolist() == [253.7, 256.6]  # falls of 13.5% and 12.5%


def test_the_printed_custody_rate_is_two_sentences_on_the_old_base(figures):
    rates = published.custody_rates(figures)
    fits = rates[rates["estimate"].round(2) == 0.11]
    assert fits[["base", "events"]].to_numpy().tolist() == [["old", 2]]


# -- the file and the notebook -----------------------------------------------------------------------


def test_every_figure_has_a_source_a_section_and_a_cohort_that_exists(figures):
    assert figures[["source", "section", "quote_or_table", "period", "measure", "unit"]].ne("").all().all()
    assert set(figures["of"]) - {""} <= set(figures.index)
    assert figures["quote_or_table"].str.len().max() < 60


def test_the_census_figures_agree_with_each_other(figures):
    number = figures["number"]
    for base in ("2021", "2001"):
        rows = figures["measure"] == f"children aged 10 to 17, {base} base, calibrated"
        assert number[rows].sum() == number["census_total"] == 15343
        rows = figures["measure"] == f"children aged 10 to 17, {base} base, rounded"
        assert number[rows].sum() == 15235


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,source\na,b\n", "9 of 11 columns are missing: section"),
        (
            ",".join(published.COLUMNS) + "\na,,,,,,,x,,,\n",
            "1 of 1 have a value that is not a number. First: a",
        ),
        (",".join(published.COLUMNS) + "\na,,,,,,,1,,,\na,,,,,,,2,,,\n", "1 of 2 repeat an id. First: a"),
        (None, "0 CSV files"),
    ],
)
def test_files_of_figures_at_fault_are_refused(tmp_path, text, message):
    if text:
        (tmp_path / "f.csv").write_text(text)
    with pytest.raises(load.DataError, match=message):
        published.figures(tmp_path)


def test_sentences_are_computed(figures):
    index = printed.representation(published.shares(figures))
    said = plan.over_represented(index).html
    assert "1.80 times their share, and rounding alone leaves 1.75 to 1.86" in said
    assert "3.225 (3.03 to 3.44) beside White children" in said
    tests = printed.exact_tests(
        pd.DataFrame(
            {
                "measure": "m",
                "period": ["a", "b"],
                "events": [4, 13],
                "cohort": [5, 16],
                "population_share": 0.388,
            }
        )
    )
    said = plan.verdicts(tests).html
    assert "4 of 5 Black or Mixed, not to be told apart from chance (exact p = 0.078)" in said
    assert "13 of 16 Black or Mixed, more than chance among so few explains" in said


def test_the_notebook_holds_no_outputs_logic_or_typed_figures():
    notebook = json.loads(
        (REPOSITORY / "notebooks" / "reproduce_plan_2023_24.ipynb").read_text(encoding="utf-8")
    )
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["metadata"].get("tags") for cell in code].count(["parameters"]) == 1
    for cell in code:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert len("".join(cell["source"]).splitlines()) <= 3
        assert not any(word in "".join(cell["source"]) for word in ("def ", "for ", "lambda"))
    text = "".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    for known in ("2023-24", "2021", "10 to 17", "v3.0"):  # names of documents and of the age range
        text = text.replace(known, "")
    assert not any(character.isdigit() for character in text)


def test_every_cell_of_the_notebook_runs_and_shows_a_table_or_a_sentence():
    notebook = json.loads(
        (REPOSITORY / "notebooks" / "reproduce_plan_2023_24.ipynb").read_text(encoding="utf-8")
    )
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]).replace("../data", f"{REPOSITORY.as_posix()}/data"), names)
    tables = [line for c in notebook["cells"] for line in c["source"] if line.startswith("plan.table(")]
    shown = {name: eval(line, names) for line in tables for name in [line.split('"')[1]]}
    assert set(shown) == set(plan.LAYOUTS)
    assert all(">nan<" not in table.html and "Source: " in table.html for table in shown.values())
    assert "3.225" in shown["over-representation"].html
