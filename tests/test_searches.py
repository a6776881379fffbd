"""Searches are counted on one side at a time, out of the right children, and rendered."""

import csv
import json
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import attach, disclosure, load, measures, report, search_sentences, searches, sources
from ysj_analysis.search_selection import select
from ysj_analysis.tables import DataError

SHARED = Path(os.environ.get("YSJ_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
MET = SHARED / "met_stop_search_2016_06" / "2016-06-metropolitan-stop-and-search.csv"
CENSUS = SHARED / "census2021_islington_and_neighbours"
SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic"
needs_met = pytest.mark.skipif(not MET.is_file(), reason="the real file is not here")

COLUMNS = "date,area,sex,age_band,ethnicity,ethnicity_officer,legislation,object,outcome,outcome_linked"
ROWS = """\
2023-06-01,Here,male,10-17,B1,Black,,Controlled drugs,Arrest,yes
2023-06-02,Here,male,10-17,B2,Black,,Controlled drugs,No further action,no
2023-06-30,Here,female,10-17,M1,Black,,Firearms,No further action,
2023-07-01,Here,male,10-17,W1,White,,,No further action,no
2023-07-02,Here,male,10-17,NS,Black,,Controlled drugs,,no
2023-07-03,There,male,10-17,W1,White,,Firearms,Arrest,yes
"""
POPULATION = "area,year,group,population\n" + "".join(
    f"Here,{year},{group},{n}\n"
    for year, scale in ((2021, 1), (2030, 2))
    for group, n in (("Asian", 120 * scale), ("Black", 240 * scale), ("Mixed", 60), ("Other", 0), ("White", 600))
)  # fmt: skip


@pytest.fixture
def study(tmp_path):
    return folder(tmp_path)


def folder(tmp_path, rows=ROWS, population=POPULATION, settings=""):
    (tmp_path / "searches.csv").write_text(f"{COLUMNS}\n{rows}")
    if population:
        (tmp_path / "population.csv").write_text(population)
    if settings:
        (tmp_path / "study.toml").write_text(settings)
    return load.study(tmp_path)


def events(table):
    return dict(zip(table["group"].astype(str), table["events"].astype(int), strict=True))


# -- a study of searches alone -----------------------------------------------------------------------


def test_searches_alone_are_a_study(study):
    assert study.areas == ("Here", "There")
    assert (study.unit, study.base, study.period, study.years) == (
        "searches",
        "2021",
        "financial",
        (2023, 2023),
    )
    assert study.groups == ("Asian", "Black", "Mixed", "Other", "White", "Unknown")


def test_searches_alone_have_no_stages(study):
    from ysj_analysis import pipeline

    with pytest.raises(DataError, match="searches alone"):
        pipeline.stage_counts(study)


# -- which searches, out of whom ---------------------------------------------------------------------


def test_months_covered_are_those_of_the_data(study):
    year, june = select(study, area="Here", year=2023), select(study, area="Here", year=2023, month=6)
    assert (year.label, year.months, len(year.rows)) == ("June 2023 to July 2023", 2, 5)
    assert (june.label, june.months, len(june.rows)) == ("June 2023", 1, 3)


def test_a_whole_year_is_named_as_one(tmp_path):
    ends = "".join(f"{day},Here,male,10-17,B1,Black,,,,\n" for day in ("2023-04-01", "2024-03-31"))
    assert select(folder(tmp_path, ends), area="Here", year=2023).label == "2023-24"


def test_january_is_in_the_year_that_began_before(tmp_path):
    study = folder(tmp_path, "2024-01-15,Here,male,10-17,B1,Black,,,,\n")
    assert study.years == (2023, 2023)
    assert select(study, area="Here", year=2023, month=1).label == "January 2024"


def test_the_denominator_is_child_years_of_the_nearest_population(study):
    chosen = select(study, area="Here", year=2023)
    assert chosen.population_year == 2021
    table = searches.self_defined(chosen).set_index("group")["denominator"]
    assert table["Black"] == 240 * 2 / 12
    assert table["White"] == 600 * 2 / 12
    assert np.isnan(table["Other"])  # a population of 0 is no denominator
    assert np.isnan(table["Unknown"])
    assert "2021, the nearest year" in search_sentences.basis(chosen)
    filled = replace(study, population=study.population.assign(estimated="held at 2011"))
    said = search_sentences.basis(select(filled, area="Here", year=2023))
    assert "of 2021, which nobody published: it is held at 2011" in said


def test_an_area_without_population_has_no_rates(study, tmp_path):
    chosen = select(study, area="There", year=2023)
    assert searches.self_defined(chosen)["denominator"].isna().all()
    assert "without rates" in search_sentences.basis(chosen)


def test_two_vintages_are_not_added(tmp_path):
    two = "area,year,vintage,group,population\nHere,2023,a,White,1\nHere,2023,b,White,2\n"
    with pytest.raises(DataError, match="2 vintages"):
        select(folder(tmp_path, population=two), area="Here", year=2023)


@pytest.mark.parametrize(
    ("ask", "kind", "message"),
    [
        ({"area": "Hree", "year": 2023}, DataError, "not one of the 2 areas.*Did you mean 'Here'"),
        ({"area": "Here", "year": 2010}, DataError, r"0 of 6 searches are in 2010-11; they run from June 2023 to July"),
        ({"area": "Here", "year": 2023, "month": 9}, DataError, "September 2023"),
        ({"area": "Here", "year": 2023, "month": 13}, ValueError, "must be 1 to 12"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(study, ask, kind, message):
    with pytest.raises(kind, match=message):
        select(study, **ask)


def test_an_unknown_officer_label_is_refused(tmp_path):
    rows = ROWS + "2023-07-03,Here,male,10-17,W1,IC1,,Firearms,Arrest,yes\n"
    with pytest.raises(DataError, match=r"1 of 6 searches have an officer-defined group .*'IC1' \(1\)"):
        select(folder(tmp_path, rows), area="Here", year=2023)


# -- counts ------------------------------------------------------------------------------------------


def test_the_two_sides_are_two_tables(study):
    chosen = select(study, area="Here", year=2023)
    own, seen = searches.self_defined(chosen), searches.officer_defined(chosen)
    assert events(own) == {"Asian": 0, "Black": 2, "Mixed": 1, "Other": 0, "White": 1, "Unknown": 1}
    assert events(seen) == {"Asian": 0, "Black": 4, "Other": 0, "White": 1, "Unknown": 0}
    assert set(own["defined_by"]) == {"self-defined"}
    assert set(seen["defined_by"]) == {"officer-defined"}
    assert set(own["unit"]) == set(seen["unit"]) == {"searches"}


def test_mixed_is_shown_for_officers_who_can_choose_it(tmp_path):
    rows = ROWS + "2023-07-03,Here,male,10-17,M1,Mixed,,Firearms,Arrest,yes\n"
    chosen = select(folder(tmp_path, rows), area="Here", year=2023)
    assert events(searches.officer_defined(chosen))["Mixed"] == 1
    assert "too high" not in search_sentences.officers(chosen)


@pytest.mark.parametrize("side", [searches.SELF, searches.OFFICER])
def test_objects_and_outcomes_add_to_all_searches(study, side):
    chosen = select(study, area="Here", year=2023)
    objects = searches.objects(chosen, defined_by=side)
    every = objects[objects["stage"] == searches.SEARCH]
    assert objects["events"].sum() == 2 * every["events"].sum() == 10
    outcomes = searches.outcomes(chosen, defined_by=side)
    added = outcomes.groupby("group", observed=False)["events"].sum()
    assert added.to_list() == every["events"].to_list()
    assert (outcomes["base"] == searches.SEARCH).all()
    assert set(outcomes["stage"]) == {
        "outcome: No further action",
        "outcome: Arrest",
        "outcome: Not recorded",
    }


def test_no_other_side_can_be_asked_for(study):
    with pytest.raises(ValueError, match="defined_by is 'both'"):
        searches.objects(select(study, area="Here", year=2023), defined_by="both")


def test_the_hit_rate_is_out_of_all_searches(study, tmp_path):
    table = searches.linked(select(study, area="Here", year=2023)).set_index("group")
    assert table.loc["Black", ["events", "denominator"]].to_list() == [1, 2]
    assert table.loc["Mixed", ["events", "denominator"]].to_list() == [0, 1]


def test_a_link_that_is_recorded_nowhere_is_not_zero(tmp_path):
    chosen = select(
        folder(tmp_path, "2023-06-01,Here,male,10-17,B1,Black,,,Arrest,\n"), area="Here", year=2023
    )
    table = searches.linked(chosen)
    assert table["events"].isna().all()
    hits = disclosure.release(table, policy=disclosure.RESTRICTED)
    ratios = hits.measure(measures.relative_rates, reference="White")
    words = search_sentences.words(load.study(tmp_path), chosen)
    assert "not recorded for any" in search_sentences.linked(hits, ratios, words)[0]


def test_unknowns_keep_their_kinds_and_sides_apart(study):
    table = searches.unknown(select(study, area="Here", year=2023))
    found = table.set_index(["defined_by", "group"])["events"].astype(int).to_dict()
    assert found == {
        ("self-defined", "Not stated"): 1,
        ("self-defined", "Not known"): 0,
        ("self-defined", "Not recorded"): 0,
        ("officer-defined", "Not recorded"): 0,
    }
    assert (table["denominator"] == 5).all()


def test_the_cross_table_adds_to_both_sides(study):
    chosen = select(study, area="Here", year=2023)
    crossed = searches.cross(chosen).set_index("self_defined")
    assert crossed["all"].to_dict() == events(searches.self_defined(chosen))
    assert crossed["Black"].to_dict() == {
        "Asian": 0,
        "Black": 2,
        "Mixed": 1,
        "Other": 0,
        "White": 0,
        "Unknown": 1,
    }
    assert crossed.loc["White", "White"] == 1
    same = searches.agreements(chosen).set_index("group")
    assert same.loc["Black", ["events", "denominator"]].to_list() == [2, 2]


def test_kappa_is_not_given_when_a_cell_is_hidden():
    crossed = pd.DataFrame(
        {
            "self_defined": ["Black", "White"],
            "Black": [20, 5],
            "White": [10, 15],
            "not_recorded": 0,
            "all": [30, 20],
        }
    )
    # (0.7 - 0.5)/(1 - 0.5): 35 of 50 agree, 25 would by chance
    assert searches.kappa(crossed) == pytest.approx(0.4)
    assert np.isnan(searches.kappa(crossed.assign(White=[np.nan, 15])))


def test_labels_of_objects_and_outcomes_stay_apart(tmp_path):
    rows = "2023-06-01,Here,male,10-17,B1,Black,,<b>x</b>,<b>x</b>,no\n"
    study = folder(tmp_path, rows)
    stages = searches.stages(select(study, area="Here", year=2023))
    assert stages["object: <b>x</b>"].base == "population"
    assert stages["outcome: <b>x</b>"].base == searches.SEARCH


def test_the_ledger_says_what_was_set_aside(study):
    lines = searches.ledger(study, select(study, area="Here", year=2023, month=6)).set_index("what")
    assert lines.loc["searches in other areas, or in none", ["removed", "left"]].to_list() == [1, 5]
    assert lines.loc["searches outside June 2023", ["removed", "left"]].to_list() == [2, 3]


def test_only_what_two_groups_have_is_compared():
    table = pd.DataFrame(
        {
            "stage": ["a", "a", "a", "b", "b", "b", "c", "c", "c"],
            "group": ["Black", "White", "Unknown"] * 3,
            "events": [10, np.nan, 10, 10, 15, np.nan, 10, np.nan, 15],
        }
    )
    assert list(dict.fromkeys(search_sentences.comparable(table)["stage"])) == ["a", "b"]


# -- London, June 2016 -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def london(tmp_path_factory):
    place = tmp_path_factory.mktemp("london")
    people = sources.convert("census-2021", sorted(CENSUS.glob("*.csv")), place / "census")
    return attach.converted("police-uk", [MET], place / "met", people=people, fill="held", area="London")


BROAD = {"W": "White", "M": "Mixed", "A": "Asian", "B": "Black", "O": "Other", "N": "Unknown"}


@needs_met
def test_london_by_hand(london):
    """Both sides, arrests and the cross table, against a count with the csv module."""
    with MET.open(encoding="ascii", newline="") as file:
        children = [row for row in csv.DictReader(file) if row["Age range"] == "10-17"]
    said = [
        "Asian" if "(O1)" in row["Self-defined ethnicity"]
        else BROAD[row["Self-defined ethnicity"].rpartition("(")[2][0]]
        for row in children
    ]  # fmt: skip
    seen = [row["Officer-defined ethnicity"] or "Unknown" for row in children]
    arrested = [row["Outcome"] == "Suspect arrested" for row in children]
    chosen = select(load.study(london), area="London", year=2016, month=6)
    assert events(searches.self_defined(chosen)) == Counter(said)
    assert events(searches.officer_defined(chosen)) == Counter(seen)
    for side, groups in ((searches.SELF, said), (searches.OFFICER, seen)):
        table = searches.outcomes(chosen, defined_by=side)
        arrests = events(table[table["stage"] == searches.ARREST])
        assert arrests == Counter(g for g, yes in zip(groups, arrested, strict=True) if yes)
    crossed = searches.cross(chosen).set_index("self_defined").rename(columns={"not_recorded": "Unknown"})
    by_hand = Counter(zip(said, seen, strict=True))
    for own in crossed.index:
        for other in ("Asian", "Black", "Other", "White", "Unknown"):
            assert crossed.loc[own, other] == by_hand[own, other]
    assert crossed.loc["Unknown", "Black"] == 101  # of those not stated, officers saw 101 as Black


@needs_met
def test_london_rates_of_its_children(london):
    """799 and 687 searches; 164,575 and 333,675 children of the census, a twelfth of a year each."""
    table = searches.self_defined(select(load.study(london), area="London", year=2016))
    ratio = measures.relative_rates(table, reference="White").set_index("group")
    assert ratio.loc["Black", "estimate"] == pytest.approx((799 / 164_575) / (687 / 333_675), rel=1e-3)
    rate = measures.rates(table).set_index("group")
    assert rate.loc["White", "estimate"] == pytest.approx(687 / 333_675 * 12 * 1000, rel=1e-3)


# -- the rendered section ----------------------------------------------------------------------------


def page(tmp_path, **settings):
    made = report.render("stop_and_search_monthly", out=tmp_path / "out", **settings)
    return made, next(made.glob("index*.html")).read_text(encoding="utf-8")


@needs_met
def test_the_section_renders_for_london(london, tmp_path):
    made, html = page(tmp_path, data=london, parameters={"area": "London", "year": 2016, "month": 6})
    assert made.relative_to(tmp_path / "out").as_posix() == "london/2016/6/stop_and_search_monthly"
    assert "London, June 2016" in html
    assert "not recorded for any of these searches" in html
    own = pd.read_csv(made / "tables" / "self-defined.csv", dtype=str).set_index(["measure", "group"])
    assert own.loc[("rate_ratio", "Black"), "events"] == "800"  # 799, to the nearest 5
    assert own.loc[("rate_ratio", "Black"), "estimate"] == "2.37"  # (800/13,715)/(685/27,805)
    counts = json.loads((made / "manifest.json").read_text())["tables"]
    assert {"self-defined", "officer-defined", "objects", "outcomes", "unknown", "agreement"} <= set(counts)


@pytest.mark.parametrize(("month", "period"), [(0, "2023-24"), (2, "February 2024")])
def test_the_section_renders_for_the_synthetic_study(tmp_path, month, period):
    made, html = page(tmp_path, data=SYNTHETIC, parameters={"area": "Camden", "month": month})
    assert f"Camden, {period}" in html
    for file in (made / "tables").glob("*.csv"):
        for name in ("events", "denominator", "removed", "left"):
            table = pd.read_csv(file, dtype=str)
            values = table[name].dropna() if name in table else pd.Series(dtype=str)
            numbers = values[~values.str.fullmatch(r"\[[cxz]\]")].astype(float)
            assert (numbers % 5 == 0).all()
            assert (numbers >= 10).all()
    assert not re.search(r">\s*(nan|None|inf)\s*<", html)
