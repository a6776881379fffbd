"""Who reached each stage, out of whom: counted again in plain Python, and by hand on small studies."""

import csv
import os
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import load, measures, pipeline, quality, source_cook_county
from ysj_analysis.from_events import arrived, prepared
from ysj_analysis.reading import NotHeld
from ysj_analysis.vocabulary import COUNTS, STAGES, broad_groups

SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic"
SHARED = Path(os.environ.get("YSJ_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
COOK = sorted((SHARED / "cook_county_stages").glob("*.json"))
needs_cook_county = pytest.mark.skipif(not COOK, reason="the real files are not here")

# -- a study of counts: three groups, two stages -----------------------------------------------------

HEAD = "area,year,stage,group,events\n"
GROUPS = ("Asian", "Black", "White")
ARREST, CHARGE = (12, 60, 45), (3, 25, 12)


def rows(year=2023, area="Islington", **stages):
    return "".join(
        f"{area},{year},{stage},{group},{n}\n"
        for stage, counts in stages.items()
        for group, n in zip(GROUPS, counts, strict=True)
    )


@pytest.fixture
def study(tmp_path):
    """Write a study and read it."""

    def write(**files):
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return load.study(tmp_path)

    return write


def cells(table, **values):
    """The numbers of some rows: events, denominator and note."""
    for column, value in values.items():
        table = table[table[column].astype(str) == str(value)]
    return [
        tuple(None if isinstance(v, float) and np.isnan(v) else v for v in row)
        for row in table[["events", "denominator", "note"]].itertuples(index=False)
    ]


PEOPLE = "area,year,group,population\n" + "".join(
    f"Islington,{year},{group},{n}\n"
    for year in (2022, 2023)
    for group, n in zip(GROUPS, (2100, 3770, 6510), strict=True)
)


def test_counts_alone_with_one_year_and_no_population(study):
    table = pipeline.stage_counts(study(counts_csv=HEAD + rows(arrest=ARREST, charge=CHARGE)))
    assert list(table.columns) == [*COUNTS, "events", "denominator", "note"]
    assert cells(table, stage="arrest") == [(12.0, None, ""), (60.0, None, ""), (45.0, None, "")]
    assert cells(table, stage="charge", base="arrest") == [
        (3.0, 12.0, ""),
        (25.0, 60.0, ""),
        (12.0, 45.0, ""),
    ]
    assert cells(table, stage="charge", base="population")[0] == (3.0, None, "")
    assert (table["unit"] == "children").all()
    assert (table["years"] == 1).all()


def test_the_population_is_child_years_over_the_window(study):
    counts = HEAD + rows(2022, arrest=(1, 2, 3)) + rows(2023, arrest=ARREST)
    source = study(counts_csv=counts, population_csv=PEOPLE)
    assert cells(pipeline.stage_counts(source), year=2022, group="Black") == [(2.0, 3770.0, "")]
    assert cells(pipeline.stage_counts(source, window=2), group="Black") == [(62.0, 7540.0, "")]


def test_stated_denominators_come_before_those_counted(study):
    text = HEAD.replace("events", "events,denominator")
    text += rows(arrest=ARREST).replace("\n", ",\n") + "".join(
        f"Islington,2023,charge,{g},{e},{d}\n" for g, e, d in zip(GROUPS, CHARGE, (10, 50, 40), strict=True)
    )
    table = pipeline.stage_counts(study(counts_csv=text))
    assert cells(table, stage="charge", base="arrest") == [
        (3.0, 10.0, ""),
        (25.0, 50.0, ""),
        (12.0, 40.0, ""),
    ]


def test_hidden_counts_hide_whatever_they_are_part_of(study):
    counts = (
        HEAD + rows(2022, arrest=ARREST, charge=CHARGE) + rows(arrest=(12, "[c]", 45), charge=(3, 5, "[c]"))
    )
    source = study(counts_csv=counts, population_csv=PEOPLE)
    table = pipeline.stage_counts(source)
    assert cells(table, year=2023, stage="arrest")[1] == (None, 3770.0, "suppressed")
    assert cells(table, year=2023, stage="charge", base="arrest") == [
        (3.0, 12.0, ""),
        (5.0, None, "suppressed"),
        (None, 45.0, "suppressed"),
    ]
    pooled = pipeline.stage_counts(source, window=2)
    assert cells(pooled, stage="arrest") == [
        (24.0, 4200.0, ""),
        (None, 7540.0, "suppressed"),
        (90.0, 13020.0, ""),
    ]
    ratios = measures.relative_rates(table[table["year"] == 2023])
    black = ratios[(ratios["group"] == "Black") & (ratios["stage"] == "charge")]
    assert black["estimate"].isna().all()
    assert set(black["note"]) == {"suppressed"}


def test_hidden_denominators_are_not_filled_in(study):
    text = HEAD.replace("events", "events,denominator") + rows(arrest=ARREST).replace("\n", ",\n")
    text += "".join(
        f"Islington,2023,charge,{g},{e},{d}\n"
        for g, e, d in zip(GROUPS, CHARGE, (10, "[c]", 40), strict=True)
    )
    table = pipeline.stage_counts(study(counts_csv=text))
    assert cells(table, stage="charge", base="arrest")[1] == (25.0, None, "suppressed")


def test_a_hidden_population_is_not_taken_for_none(study):
    people = (
        "sex,"
        + PEOPLE.replace("\nI", "\nfemale,I")
        + PEOPLE.split("\n", 1)[1].replace("Islington", "male,Islington")
    )
    hidden = people.replace("male,Islington,2023,Black,3770", "male,Islington,2023,Black,[c]", 1)
    source = study(counts_csv=HEAD + rows(arrest=ARREST), population_csv=hidden)
    assert cells(pipeline.stage_counts(source)) == [(12.0, 4200.0, ""), (60.0, None, ""), (45.0, 13020.0, "")]


def test_what_is_not_in_the_data_is_not_called_hidden(study):
    counts = HEAD + rows(2022, arrest=ARREST) + rows(2023, arrest=ARREST, charge=CHARGE)
    table = pipeline.stage_counts(study(counts_csv=counts))
    assert cells(table, year=2022, stage="charge", base="arrest") == [
        (None, d, "no_data") for d in (12.0, 60.0, 45.0)
    ]
    assert cells(table, year=2023, stage="charge", base="arrest")[1] == (25.0, 60.0, "")


def test_sexes_are_added_up_or_kept_apart(study):
    counts = "sex," + HEAD + rows(arrest=ARREST, charge=CHARGE).replace("Isl", "male,Isl")
    counts += rows(arrest=(1, 0, 2), charge=(0, 0, 1)).replace("Isl", "female,Isl")
    source = study(counts_csv=counts)
    assert cells(pipeline.stage_counts(source), stage="charge", base="arrest", group="Black") == [
        (25.0, 60.0, "")
    ]
    table = pipeline.stage_counts(source, by=("sex",))
    assert cells(table, stage="charge", base="arrest", group="Black") == [(0.0, 0.0, ""), (25.0, 60.0, "")]
    assert list(table.columns[: len(COUNTS) + 1]) == [*COUNTS, "sex"]
    with pytest.raises(ValueError, match=r"cannot be split by age; it can be split by sex\."):
        pipeline.stage_counts(source, by="age")


def test_units_are_never_added_together(study):
    counts = "unit," + HEAD + rows(arrest=ARREST).replace("Isl", "children,Isl")
    counts += rows(arrest=(20, 90, 70)).replace("Isl", "offences,Isl")
    source = study(counts_csv=counts)
    assert [e for e, _, _ in cells(pipeline.stage_counts(source))] == [12.0, 60.0, 45.0]
    offences = pipeline.stage_counts(source, unit="offences")
    assert [e for e, _, _ in cells(offences)] == [20.0, 90.0, 70.0]
    assert set(offences["unit"]) == {"offences"}
    assert "cells of another unit" in set(pipeline.ledger(source)["what"])
    with pytest.raises(ValueError, match="unit is 'cases', but this study counts children and offences"):
        pipeline.stage_counts(source, unit="cases")


def test_more_than_the_stage_before_is_refused(study):
    with pytest.raises(load.DataError) as error:
        pipeline.stage_counts(study(counts_csv=HEAD + rows(arrest=ARREST, charge=(3, 61, 12))))
    assert str(error.value) == (
        "counts.csv: 1 of 9 cells hold more than the stage that feeds them. First: Islington, 2023, Black: "
        "charge has 61 and arrest has 60. Correct the counts, or the base of the stage."
    )


def test_an_empty_group_and_a_reference_without_events_keep_their_rows(study):
    source = study(counts_csv=HEAD + rows(arrest=(0, 60, 45), charge=(0, 25, 0)))
    table = pipeline.conditional(pipeline.stage_counts(source), source.stages)
    charge = measures.relative_rates(table[table["stage"] == "charge"])
    assert list(charge["group"]) == list(GROUPS)
    assert list(charge["note"]) == ["no_denominator", "zero_reference", "reference"]
    assert charge["estimate"].iloc[1] == np.inf
    assert 0 < charge["low"].iloc[1] < np.inf


PENDING = """
[[stages]]
id = "{}"
label = "x"
base = "{}"
kind = "{}"
polarity = "adverse"
did = "x"
"""
GRAPH = 'ethnicity_base = "own"\ngroups = ["Asian", "Black", "White"]\n' + "".join(
    PENDING.format(*stage)
    for stage in (
        ("intake", "none", "contact"),
        ("approved", "intake", "decision"),
        ("convicted", "intake", "partition"),
        ("pending", "intake", "pending"),
        ("prison", "convicted", "decision"),
    )
)


def test_an_immature_year_masks_the_partition_and_what_it_leads_to(study):
    old = {"intake": (100,) * 3, "approved": (90,) * 3, "convicted": (60,) * 3, "prison": (30,) * 3}
    new = {"intake": (100,) * 3, "approved": (90,) * 3, "convicted": (40,) * 3, "prison": (10,) * 3}
    counts = HEAD + rows(2021, pending=(20,) * 3, **old) + rows(2022, pending=(21,) * 3, **new)
    counts += rows(2022, area="Camden", pending=(0,) * 3, **old)
    counts += rows(2021, area="Camden", pending=(0,) * 3, **old)
    source = study(counts_csv=counts, study_toml=GRAPH)
    table = pipeline.stage_counts(source)
    assert "pending" not in set(table["stage"].astype(str))
    late = table[table["note"] == "immature"]
    assert {(a, y, s) for a, y, s in zip(late["area"], late["year"], late["stage"], strict=True)} == {
        ("Islington", 2022, "convicted"),
        ("Islington", 2022, "prison"),
    }
    assert set(late["base"].astype(str)) == {"intake", "convicted"}
    assert (pipeline.stage_counts(source, window=2).query("area == 'Camden'")["note"] == "").all()
    latest = pipeline.for_report(source, area="Islington", year=2022, years=1)
    assert latest.groupby("stage", observed=True)["year"].first().to_dict() == {
        "approved": 2022,
        "convicted": 2021,
        "prison": 2021,
    }
    undecided = pipeline.undecided(source, area="Islington", year=2022)
    assert set(undecided["stage"].astype(str)) == {"convicted", "prison"}
    ratios = measures.relative_rates(table)
    masked = ratios["note"].eq("immature")
    assert ratios.loc[masked, ["estimate", "low", "high", "p_value"]].isna().all(axis=None)
    assert ratios.loc[masked, "reference_events"].isna().all()


# -- vintages ----------------------------------------------------------------------------------------


def vintages(**settings):
    text = "vintage," + PEOPLE.replace("\nI", "\n2011,I")
    text += "".join(f"2021,Islington,{y},{g},1000\n" for y in (2022, 2023) for g in GROUPS)
    return {"counts_csv": HEAD + rows(arrest=ARREST), "population_csv": text, **settings}


def test_two_vintages_are_never_added_together(study):
    with pytest.raises(
        load.DataError, match=r"2 vintages in one table \(2011, 2021\), and study\.toml does not say"
    ):
        pipeline.stage_counts(study(**vintages()))
    toml = 'ethnicity_base = "own"\n[population]\nvintage = "{}"\n'
    chosen = pipeline.stage_counts(study(**vintages(study_toml=toml.format(2021))))
    assert chosen["denominator"].to_list() == [1000.0] * 3
    chosen = pipeline.stage_counts(study(**vintages(study_toml=toml.format(2011))))
    assert chosen["denominator"].to_list() == [2100.0, 3770.0, 6510.0]
    with pytest.raises(
        load.DataError, match=r"0 of 12 rows have the vintage '2001' that study\.toml asks for; there is"
    ):
        pipeline.stage_counts(study(**vintages(study_toml=toml.format(2001))))


# -- events: small and by hand -----------------------------------------------------------------------

CHILDREN = (
    "child_id,sex,birth_month,ethnicity,ethnicity_source,looked_after\n"
    "b1,male,2008-01,B1,self,yes\nb2,female,2008-01,B2,self,\nw1,male,2008-01,W1,self,no\nn1,male,2008-01,NS,unknown,no\n"
)


def events(*decisions):
    return "child_id,episode_id,stage,date,area\n" + "".join(
        f"{child},{child}-{episode},{stage},{day},Islington\n" for child, episode, stage, day in decisions
    )


TWO_YEARS = events(
    ("b1", 1, "arrest", "2021-06-01"),
    ("b1", 2, "arrest", "2021-09-01"),  # again in the year: one child
    ("b1", 2, "charge", "2022-05-01"),  # a charge of the episode of 2021, dated 2022
    ("b1", 3, "arrest", "2022-06-01"),
    ("b2", 1, "arrest", "2022-03-31"),  # the last day of the financial year 2021
    ("w1", 1, "arrest", "2022-04-01"),  # the first of 2022
    ("w1", 1, "charge", "2023-04-02"),  # after the last year of the study
    ("n1", 1, "arrest", "2022-07-01"),
    ("x9", 1, "charge", "2022-07-01"),  # a child with no record, not arrested
)
YEARS = 'ethnicity_base = "2021"\nareas = ["Islington"]\nyears = [2021, 2022]\n'


def table_of(counts, **values):
    for column, value in values.items():
        counts = counts[counts[column].astype(str) == str(value)]
    return {
        g: (e, d)
        for g, e, d in zip(counts["group"], counts["events"], counts["denominator"], strict=True)
        if d
    }


def test_children_are_counted_once_and_followed_from_their_first_event(study):
    source = study(children_csv=CHILDREN, events_csv=TWO_YEARS, study_toml=YEARS)
    table = pipeline.stage_counts(source)
    arrests = table[(table["stage"] == "arrest")]
    by_year = arrests.groupby(["year", "group"], observed=True)["events"].sum()
    assert by_year[by_year > 0].to_dict() == {
        (2021, "Black"): 2.0,
        (2022, "Black"): 1.0,
        (2022, "White"): 1.0,
        (2022, "Unknown"): 1.0,
    }
    assert table_of(table, stage="charge", base="arrest", year=2021) == {"Black": (1.0, 2.0)}
    assert table_of(table, stage="charge", base="arrest", year=2022) == {
        "Black": (0.0, 1.0),
        "White": (1.0, 1.0),
        "Unknown": (0.0, 1.0),
    }
    contacts = table[(table["stage"] == "charge") & (table["base"] == "population")].set_index(
        ["year", "group"]
    )
    assert contacts["events"][2022, "Black"] == 1  # dated 2022
    assert contacts["events"][2022, "White"] == 0  # dated 2023, outside
    pooled = pipeline.stage_counts(source, window=2)
    assert table_of(pooled, stage="charge", base="arrest")["Black"] == (1.0, 2.0)  # b1 once, b2
    episodes = pipeline.stage_counts(source, window=2, unit="episodes")
    assert table_of(episodes, stage="charge", base="arrest")["Black"] == (1.0, 4.0)


def test_what_nobody_recorded_is_a_value_of_its_own(study):
    source = study(children_csv=CHILDREN, events_csv=TWO_YEARS, study_toml=YEARS)
    whole = pipeline.stage_counts(source, window=2)
    for by in ("looked_after", "sex"):
        split = pipeline.stage_counts(source, window=2, by=(by,))
        assert "unknown" in set(split[by])
        keys = ["stage", "base", "group"]
        together = split.groupby(keys, observed=True)["events"].sum()
        assert together.equals(whole.groupby(keys, observed=True)["events"].sum())
    for wrong in ("court", "child_id", "area"):
        with pytest.raises(
            ValueError, match=f"cannot be split by {wrong}; it can be split by sex, looked_after"
        ):
            pipeline.stage_counts(source, by=(wrong,))


def test_the_ledger_says_what_was_left_out(study):
    text = TWO_YEARS + "w1,w1-0,arrest,2019-01-01,Islington\nw1,w1-5,arrest,2022-01-01,Camden\n"
    lines = pipeline.ledger(study(children_csv=CHILDREN, events_csv=text, study_toml=YEARS))
    assert lines.set_index("what")[["removed", "left"]].to_dict("index") == {
        "events outside the study's areas": {"removed": 1, "left": 10},
        "events outside the study's years": {"removed": 1, "left": 9},
        "events after the study's years": {"removed": 0, "left": 1},
        "events of a child not seen at the stage before in that year and area": {"removed": 1, "left": 8},
        "events of a child with no record": {"removed": 0, "left": 1},
        "events of a child of unknown ethnicity": {"removed": 0, "left": 1},
        "events of a child who lives outside the area of the service and is not looked after": {
            "removed": 0,
            "left": 0,
        },
        "events of a looked-after child who lives outside the area of the service": {"removed": 0, "left": 0},
        "events of a child with officer-defined ethnicity alone": {"removed": 0, "left": 0},
        "events of a child with school-recorded ethnicity alone": {"removed": 0, "left": 0},
        "events of a child with ethnicity of unrecorded source alone": {
            "removed": 0,
            "left": 0,
        },
    }


def test_a_split_that_is_known_of_nobody_is_not_held(study):
    people = CHILDREN.replace(",male,", ",unknown,").replace(",female,", ",unknown,")
    source = study(children_csv=people, events_csv=TWO_YEARS, study_toml=YEARS)
    with pytest.raises(NotHeld, match="does not hold the sex of any child who is counted"):
        pipeline.stage_counts(source, by=("sex",))
    assert len(pipeline.stage_counts(source, by=("looked_after",)))


def test_the_ledger_says_who_is_counted_and_lives_elsewhere(study):
    """b1 is looked after and lives in Kent, b2 in Essex; of w1 nobody knows."""
    homes = {"b1": "Kent", "b2": "Essex", "w1": "", "n1": "Islington"}
    head, *rows = CHILDREN.splitlines()
    people = f"{head},area\n" + "".join(f"{r},{homes[r.partition(',')[0]]}\n" for r in rows)
    source = study(children_csv=people, events_csv=TWO_YEARS, study_toml=YEARS)
    kept = prepared(source)["child_id"].value_counts()
    lines = pipeline.ledger(source).set_index("what")
    placed = lines.loc["events of a looked-after child who lives outside the area of the service"]
    away = lines.loc["events of a child who lives outside the area of the service and is not looked after"]
    assert (placed["removed"], placed["left"], away["removed"], away["left"]) == (
        0,
        kept["b1"],
        0,
        kept["b2"],
    )
    assert "placed elsewhere" in placed["why"]


def test_one_count_holds_one_source_of_ethnicity(study):
    """Three Black children say so themselves, two White are seen so by an officer, a school says Mixed of one."""
    said = {"b1": "B1,self", "b2": "B2,self", "b3": "B9,self", "w1": "W1,officer", "w2": "W2,officer"}
    said |= {"w3": "W1,self", "m1": "M1,school", "u1": "A1,unknown", "n1": "NS,self", "n2": "NK,officer"}
    people = CHILDREN.splitlines()[0] + "\n" + "".join(f"{c},male,2008-01,{e},no\n" for c, e in said.items())
    text = "child_id,episode_id,stage,date,area\n" + "".join(
        f"{c},e-{c},arrest,2022-05-01,Islington\n" for c in said
    )
    toml = YEARS.replace("[2021, 2022]", "[2022, 2022]")
    source = study(children_csv=people, events_csv=text, study_toml=toml)

    def found(**asked):
        table = pipeline.stage_counts(source, **asked)
        return {g: int(n) for g, n in zip(table["group"].astype(str), table["events"], strict=True) if n}

    assert found() == found(ethnicity_source="self") == {"Black": 3, "White": 1, "Unknown": 6}
    assert found(ethnicity_source="officer") == {"White": 2, "Unknown": 8}
    assert found(ethnicity_source="school") == {"Mixed": 1, "Unknown": 9}
    assert found(ethnicity_source="unknown") == {"Asian": 1, "Unknown": 9}
    two = [pipeline.stage_counts(source, ethnicity_source=s) for s in ("self", "officer")]
    assert [set(t["defined_by"]) for t in two] == [{"self-defined"}, {"officer-defined"}]
    assert "defined_by" not in pipeline.stage_counts(source)
    both = measures.relative_rates(pd.concat(two), reference="White")  # each beside its own White children
    assert both.groupby("defined_by")["reference_events"].max().to_dict() == {
        "officer-defined": 2,
        "self-defined": 1,
    }
    lines = pipeline.ledger(source).set_index("what")["left"]
    assert lines["events of a child with officer-defined ethnicity alone"] == 2
    assert lines["events of a child with school-recorded ethnicity alone"] == 1
    assert lines["events of a child of unknown ethnicity"] == 2
    with pytest.raises(ValueError, match="must be one of self, officer, school, unknown"):
        pipeline.stage_counts(source, ethnicity_source="both")
    every = pipeline.for_report(source, area="Islington", year=2022)
    assert every.set_index("group")["events"]["Unknown"] == 6


def test_a_study_may_count_another_source_but_says_so(study):
    """Nothing says who said it: refused as self-defined ethnicity, and countable as what it is."""
    people = CHILDREN.replace(",self,", ",unknown,")
    with pytest.raises(load.DataError) as told:
        study(children_csv=people, events_csv=TWO_YEARS, study_toml=YEARS)
    for part in (
        "0 of 4 children have a known self-defined ethnicity",
        "First: row 2",
        "3 have ethnicity of unrecorded source",
    ):
        assert part in str(told.value)
    own = 'ethnicity_source = "unknown"\n' + YEARS
    source = study(children_csv=people, events_csv=TWO_YEARS, study_toml=own)
    with pytest.raises(load.DataError, match="ethnicity_source is 'me'; it must be one of self, officer"):
        study(children_csv=people, events_csv=TWO_YEARS, study_toml=own.replace("unknown", "me"))
    assert pipeline.stage_counts(source)["events"].sum() > 0
    assert "ethnicity of unrecorded source is counted" in " ".join(pipeline.ledger(source)["why"])


def test_an_area_without_events_at_a_stage_has_rows_of_none(study):
    text = TWO_YEARS + "w1,w1-5,arrest,2022-05-01,Camden\n"
    source = study(children_csv=CHILDREN, events_csv=text, study_toml=YEARS.replace('"]', '", "Camden"]'))
    table = pipeline.for_report(source, area="Camden", year=2022, years=2)
    assert set(table["stage"].astype(str)) == {"arrest", "charge"}
    charge = table[(table["stage"] == "charge") & (table["base"] == "arrest")]
    assert charge.set_index("group")[["events", "denominator"]].loc["White"].to_list() == [0.0, 1.0]
    assert len(charge) == 6
    quiet = pipeline.for_report(source, area="Camden", year=2021, years=1)
    assert quiet["events"].eq(0).all()


def late_charges(last="2024-03-31"):
    """100 arrests a year on 1 April; half are charged after 30 days, half after 500."""
    rows = []
    for year in range(2018, 2024):
        for i in range(100):
            start = date(year, 4, 1)
            charged = start + timedelta(days=30 if i % 2 else 500)
            rows.append((f"c{year}{i}", 1, "arrest", start.isoformat()))
            if charged.isoformat() <= last:
                rows.append((f"c{year}{i}", 1, "charge", charged.isoformat()))
    return events(*rows), sorted({r[0] for r in rows})


def test_a_delay_is_not_shown_as_a_fall(study):
    text, ids = late_charges()
    people = CHILDREN.splitlines()[0] + "\n" + "".join(f"{i},male,2008-01,W1,self,no\n" for i in ids)
    people += "b1,male,2008-01,B1,self,no\n"
    toml = YEARS.replace("[2021, 2022]", "[2018, 2023]")
    source = study(children_csv=people, events_csv=text, study_toml=toml)
    table = pipeline.stage_counts(source)
    charge = table[(table["stage"] == "charge") & (table["base"] == "arrest") & (table["group"] == "White")]
    assert charge["events"].to_list() == [100.0] * 5 + [50.0]
    assert charge["note"].to_list() == [""] * 5 + ["immature"]
    assert arrived(source).loc["charge"].round(6).to_list() == [1.0] * 5 + [0.5]
    report = pipeline.for_report(source, area="Islington", year=2023, years=3)
    assert report[(report["stage"] == "charge") & (report["base"] == "arrest")]["year"].unique() == [2022]
    assert report[report["stage"] == "arrest"]["year"].unique() == [2023]


def test_delays_truncated_on_the_right_against_the_truth():
    """The product-limit estimate finds the distribution of delays that truncation hides."""
    from ysj_analysis.from_events import _product_limit

    rng = np.random.default_rng(3)
    delay = rng.integers(0, 1000, 200_000)
    followed = rng.choice([200, 500, 800, 1000], len(delay))
    seen = delay <= followed
    found = _product_limit(delay[seen], followed[seen], np.array([200, 500, 800, 1000]))
    assert np.allclose(found, [0.201, 0.501, 0.801, 1.0], atol=0.01)


# -- the synthetic study, recounted in plain Python --------------------------------------------------


def read_csv(name):
    with (SYNTHETIC / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def financial(day):
    return int(day[:4]) - (day[5:7] <= "03")


@pytest.fixture(scope="module")
def recounted():
    """Sets of children and episodes by area, year, stage and group: by date, and by cohort."""
    own = [c for c in read_csv("children.csv") if c["ethnicity_source"] == "self"]
    group = {c["child_id"]: broad_groups("2021")[c["ethnicity"]] for c in own}
    decisions = read_csv("events.csv")
    start = {}
    for row in decisions:
        year = financial(row["date"])
        start[row["episode_id"]] = min(year, start.get(row["episode_id"], year))
    dated, followed = defaultdict(set), defaultdict(set)
    for row in decisions:
        who = group.get(row["child_id"], "Unknown")
        for store, year in ((dated, financial(row["date"])), (followed, start[row["episode_id"]])):
            for unit, key in (("children", "child_id"), ("episodes", "episode_id")):
                store[unit, row["area"], year, row["stage"], who].add(row[key])
    return dated, followed


@pytest.mark.parametrize(
    ("unit", "window"), [("children", 1), ("children", 3), ("episodes", 1), ("episodes", 5)]
)
def test_the_synthetic_study_recounted(recounted, unit, window):
    dated, followed = recounted
    table = pipeline.stage_counts(load.study(SYNTHETIC), unit=unit, window=window)
    assert len(table) == table.drop(columns=["events", "denominator", "note"]).drop_duplicates().shape[0]
    assert table["events"].sum() > 1000

    def members(store, row, stage):
        keys = [(unit, row.area, y, stage, row.group) for y in range(row.year - window + 1, row.year + 1)]
        return set().union(*(store[k] for k in keys if k in store))

    for row in table.itertuples():
        if row.base == "population":
            assert row.events == len(members(dated, row, row.stage)), row
        else:
            pool = members(followed, row, row.base)
            assert row.denominator == len(pool), row
            assert row.events == len(pool & members(followed, row, row.stage)), row


def test_the_synthetic_population_recounted():
    people = defaultdict(int)
    for row in read_csv("population.csv"):
        if row["vintage"] == "2021":
            people[row["area"], int(row["year"]), row["group"]] += int(row["population"])
    study = load.study(SYNTHETIC)
    table = pipeline.stage_counts(study, window=2)
    table = table[table["base"] == "population"]
    for row in table.itertuples():
        expected = sum(people[row.area, y, row.group] for y in (row.year - 1, row.year))
        assert row.denominator == expected if expected else np.isnan(row.denominator)


def test_an_intersection_without_children_is_still_there():
    study = load.study(SYNTHETIC)
    table = pipeline.stage_counts(study, by=("sex", "looked_after"))
    sizes = table.groupby(["area", "year", "stage", "base", "sex", "looked_after"], observed=True).size()
    assert (sizes == len(study.groups)).all()
    assert table["events"].eq(0).any()


def test_the_order_of_the_rows_does_not_matter(study):
    lines = TWO_YEARS.splitlines(keepends=True)
    one = pipeline.stage_counts(study(children_csv=CHILDREN, events_csv=TWO_YEARS, study_toml=YEARS))
    turned = lines[0] + "".join(reversed(lines[1:]))
    other = pipeline.stage_counts(study(children_csv=CHILDREN, events_csv=turned, study_toml=YEARS))
    pd.testing.assert_frame_equal(one, other)


def test_the_study_is_not_changed():
    study = load.study(SYNTHETIC)
    before = study.events.copy(), study.children.copy(), study.population.copy()
    pipeline.stage_counts(study, by=("sex",), window=2)
    pipeline.ledger(study)
    for table, kept in zip((study.events, study.children, study.population), before, strict=True):
        pd.testing.assert_frame_equal(table, kept)


# -- choosing rows -----------------------------------------------------------------------------------


def test_conditional_and_cumulative_share_first_contacts():
    counts = pipeline.stage_counts(load.study(SYNTHETIC), window=5)
    decisions, contacts = pipeline.conditional(counts, STAGES), pipeline.cumulative(counts, STAGES)
    assert set(contacts["base"].astype(str)) == {"population"}
    assert len(decisions) + len(contacts) - len(counts) == (
        decisions["base"].astype(str).eq("population").sum()
    )


@pytest.mark.parametrize("window", [0, 9, 1.5, -1])
def test_windows_that_do_not_fit(window):
    with pytest.raises(
        ValueError, match=rf"window is {window}; this study has 8 years, 2016 to 2023\. Give a whole"
    ):
        pipeline.stage_counts(load.study(SYNTHETIC), window=window)


def test_a_report_of_another_area_or_year():
    study = load.study(SYNTHETIC)
    with pytest.raises(
        load.DataError, match=r"area 'Islingtn' is not one of the 4 areas .* Did you mean 'Islington'\?"
    ):
        pipeline.for_report(study, area="Islingtn", year=2023)
    with pytest.raises(load.DataError, match="year 2031 is not one of the years of this study, 2016 to 2023"):
        pipeline.for_report(study, area="Islington", year=2031)
    with pytest.raises(ValueError, match="unit is 'offences'; events can be counted as children or episodes"):
        pipeline.for_report(study, area="Islington", year=2023, unit="offences")


def test_the_caseload(study):
    assert pipeline.caseload(load.study(SYNTHETIC)) == "intervention"
    assert pipeline.caseload(study(counts_csv=HEAD + rows(arrest=ARREST, diversion=CHARGE))) == "arrest"
    assert pipeline.caseload(study(counts_csv=HEAD + rows(diversion=CHARGE))) == "diversion"


def test_completeness_is_not_helped_by_a_hidden_count():
    study = load.study(SYNTHETIC)
    counts = pipeline.cumulative(pipeline.stage_counts(study, window=5), STAGES)
    counts = counts[(counts["area"] == "Camden") & (counts["year"] == 2023)].reset_index(drop=True)
    known = quality.completeness(counts)
    everyone = counts.groupby("stage", observed=True)["events"].sum()
    assert known.set_index("stage")["denominator"].to_dict() == everyone.to_dict()
    hidden = counts.assign(
        events=counts["events"].mask((counts["group"] == "Black") & (counts["stage"] == "arrest"))
    )
    known = quality.completeness(hidden).set_index("stage")["denominator"]
    assert np.isnan(known["arrest"])
    assert known.drop("arrest").notna().all()


# -- real counts -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cook(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cook") / "study"
    source_cook_county.clean(source_cook_county.read(COOK)).write(folder)
    return load.study(folder)


@needs_cook_county
def test_cook_county_shows_no_false_fall(cook):
    table = pipeline.stage_counts(cook)
    late = table[table["note"] == "immature"]
    assert set(late["year"]) == {2018, 2019}
    stages = {"convicted", "not_convicted", "prison", "jail", "probation", "other_sentence"}
    assert set(late["stage"].astype(str)) == stages
    report = pipeline.for_report(cook, area="Cook County", year=2019, years=1)
    last = report.groupby("stage", observed=True)["year"].agg(["min", "max"])
    assert last.loc["approved"].to_list() == [2019, 2019]
    assert last.loc["convicted"].to_list() == [2017, 2017]
    assert last.loc["prison"].to_list() == [2017, 2017]
    assert (report["note"] == "").all()


@needs_cook_county
def test_cook_county_pooled_relative_rates(cook):
    """Relative rates against White, all years added up, as published for these files."""
    counts = pipeline.conditional(pipeline.stage_counts(cook), cook.stages)
    pooled = counts.groupby(["stage", "base", "group"], observed=True)[["events", "denominator"]].sum()
    ratios = measures.relative_rates(pooled.reset_index()).set_index(["stage", "group"])["estimate"]
    published = {
        ("approved", "Black"): 0.9548,
        ("approved", "Latinx"): 1.1922,
        ("convicted", "Black"): 1.0447,
        ("convicted", "Latinx"): 1.0797,
        ("prison", "Black"): 1.5336,
        ("prison", "Latinx"): 1.0617,
    }
    assert {k: round(ratios[k], 4) for k in published} == published
