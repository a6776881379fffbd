"""Files as they are published become a study, or are refused in one readable block."""

import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import calibration, label_mapping, load, source_census_2021, source_cook_county, sources
from ysj_analysis.study_folder import Ledger, StudyFolder, toml
from ysj_analysis.vocabulary import broad_groups

SHARED = Path(os.environ.get("YSJ_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
needs_shared_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not here")


# -- writing a study ---------------------------------------------------------------------------------

HOSTILE = [
    'a "quoted" \\ backslash',
    "line\nbreak\r\ttab\x00\x1f\x7f",
    "'''",
    '"""',
    "# not a comment",
    "[table]\nkey = 1",
    "\u202eright to left",
    "<script>",
    "=1+1",
    "é 漢 🙂 \x85\u2028",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_toml_comes_back_unchanged(text):
    settings = {
        "title": text,
        "list": [text, text],
        "odd key " + text: 1,
        "stages": [{"id": text}, {"id": "b"}],
    }
    assert tomllib.loads(toml(settings)) == settings


def test_toml_keeps_types_and_puts_tables_last():
    settings = {"years": [2011, 2019], "flag": True, "none": [], "population": {"vintage": "a"}, "n": -3}
    assert tomllib.loads(toml(settings)) == settings


@pytest.mark.parametrize("value", [1.5, None, {"nested": {"deep": 1}}, [[1.5]]])
def test_toml_refuses_what_it_cannot_write(value):
    with pytest.raises(ValueError, match=r"study\.toml holds"):
        toml({"a": value})


def test_toml_refuses_half_a_surrogate_pair():
    with pytest.raises(UnicodeEncodeError):
        toml({"a": "\ud800"})


def folder(**changes):
    counts = pd.DataFrame(
        {"area": ["A"], "year": [2020], "stage": ["arrest"], "group": ["White"], "events": [1]}
    )
    settings = {
        "title": "T",
        "areas": ["A"],
        "ethnicity_base": "2021",
        "reference": "White",
        "period": "financial",
        "years": (2020, 2020),
        "tables": {"counts": counts},
        "ledger": Ledger(),
        "sources": [],
    }
    return StudyFolder(**settings | changes)


def test_a_study_is_written_into_an_empty_folder_and_nowhere_else(tmp_path):
    (tmp_path / "empty").mkdir()
    assert folder().write(tmp_path / "empty") == tmp_path / "empty"
    before = (tmp_path / "empty" / "counts.csv").read_bytes()
    with pytest.raises(load.DataError, match="already there"):
        folder(title="other").write(tmp_path / "empty")
    assert (tmp_path / "empty" / "counts.csv").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["empty"]


def test_a_file_is_not_overwritten(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(load.DataError, match="already there"):
        folder().write(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_nothing_is_left_when_writing_fails(tmp_path):
    with pytest.raises(ValueError, match=r"study\.toml holds"):
        folder(years=(2020, 1.5)).write(tmp_path / "deep" / "out")
    assert list((tmp_path / "deep").iterdir()) == []


# -- the registry ------------------------------------------------------------------------------------


def test_unknown_formats_options_and_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Known are cook-county, census-2021"):
        sources.convert("census", [], tmp_path / "out")
    with pytest.raises(ValueError, match=r"no option 'ethnicity_base'\. Its options: none"):
        sources.convert("cook-county", [], tmp_path / "out", ethnicity_base="2021")
    with pytest.raises(ValueError, match="one of 2021, 2011, 2001, not '1991'"):
        sources.convert("census-2021", [], tmp_path / "out", ethnicity_base="1991")
    with pytest.raises(load.DataError, match=r"1 of 1 files are not there\. First: no\.csv"):
        sources.convert("census-2021", [tmp_path / "no.csv"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# -- Cook County -------------------------------------------------------------------------------------

GROUPS = ("Black", "Latinx", "Other", "White")


def records(status, rows, year=2011):
    return [{"Year": year, status: label, **dict(zip(GROUPS, n, strict=True))} for label, n in rows.items()]


def cook_files(tmp_path, **changes):
    """Two groups of 100 cases and two of 10; 60 and 6 convicted, 10 and 1 pending."""
    files = {
        "initiation_result": records(
            "initiation_result",
            {
                "Approved": (50, 60, 5, 5),
                "Filed by LEA": (40, 30, 4, 4),
                "Continued Investigation": (5, 5, 1, 1),
                "Rejected": (1, 1, 0, 0),
                "Other": (4, 4, 0, 0),
            },
        ),
        "conviction": records(
            "conviction",
            {
                "Conviction": (60, 60, 6, 6),
                "No Conviction": (30, 30, 3, 3),
                "Pending Conviction": (10, 10, 1, 1),
            },
        ),
        "sentence_type_short": records(
            "sentence_type_short",
            {
                "Prison": (30, 20, 2, 2),
                "Jail": (5, 5, 1, 1),
                "Probation": (20, 30, 3, 3),
                "Other Sentence": (2, 2, 0, 0),
                "Pending Sentence": (14, 13, 1, 1),
            },
        ),
    }
    paths = []
    for status, content in (files | changes).items():
        paths.append(tmp_path / f"{status}.json")
        paths[-1].write_text(content if isinstance(content, str) else json.dumps(content))
    return paths


def cook(tmp_path, **changes):
    return sources.convert("cook-county", cook_files(tmp_path, **changes), tmp_path / "out")


def test_cook_county_becomes_a_study(tmp_path):
    study = load.study(cook(tmp_path))
    assert study.groups == GROUPS
    assert (study.base, study.unit, study.period, study.years) == ("own", "cases", "calendar", (2011, 2011))
    events = study.counts.pivot_table(index="stage", columns="group", values="events", observed=True)
    assert events.loc["intake"].tolist() == [100, 100, 10, 10]
    assert events.loc["convicted"].tolist() == [60, 60, 6, 6]
    assert events.loc["pending_sentence"].tolist() == [4, 3, 0, 0]  # 14, 13, 1, 1 less 10, 10, 1, 1
    assert study.stages["prison"].base == "convicted"
    assert study.stages["pending_disposition"].kind == "pending"
    assert study.ledger["what"].str.contains("exceed convictions by 0 to 1 in").any()
    read = label_mapping.read_as(study)
    assert read[["label", "group"]].to_numpy().tolist() == [[g, g] for g in GROUPS]
    assert set(read["field"]) == {"ethnic group as published"}


def test_an_absent_key_is_a_count_of_zero_and_is_counted(tmp_path):
    files = json.loads(cook_files(tmp_path)[0].read_text())
    del files[3]["Other"]
    study = load.study(cook(tmp_path, initiation_result=files))
    assert study.ledger["what"].str.startswith("1 of 20 counts in initiation_result.json are absent").any()


def change(tmp_path, status, row, **values):
    files = {p.stem: json.loads(p.read_text()) for p in cook_files(tmp_path)}
    files[status][row] |= values
    return {status: files[status]}


@pytest.mark.parametrize(
    ("status", "row", "values", "message"),
    [
        ("conviction", 1, {"conviction": "Aquitted"}, r"conviction\.json: 1 of 3 rows have an unknown status. "
         r"First: row 2, column 'conviction': 'Aquitted'"),
        ("conviction", 0, {"Black": -1}, "1 of 3 rows have a count that is not a whole .* column 'Black'"),
        ("conviction", 2, {"White": 0.5}, "row 3, column 'White': '0.5'"),
        ("conviction", 2, {"White": "1"}, "not a whole number"),
        ("conviction", 0, {"Year": "2011"}, "have no whole year"),
        ("conviction", 1, {"conviction": "Conviction"}, "1 of 3 rows repeat a year and status"),
        ("conviction", 0, {"Asian": 3}, "1 columns are not known .* First: 'Asian'"),
        ("conviction", 0, {"Black": 61}, "in 1 of 4 years and groups the cases that came in are not"),
        ("sentence_type_short", 0, {"Black": 61}, "1 of 4 years and groups a sentence is more frequent"),
        ("sentence_type_short", 4, {"Black": 9}, "fewer sentences than dispositions are pending"),
        ("sentence_type_short", 4, {"Year": 2012}, "5 of 10 records are missing"),
    ],
)  # fmt: skip
def test_cook_county_files_at_fault_are_refused(tmp_path, status, row, values, message):
    with pytest.raises(load.DataError, match=message):
        cook(tmp_path, **change(tmp_path, status, row, **values))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"not JSON: .*, after 1 of 1 characters\. First: line 1, column 2\."),
        ("{}", "not a list of records"),
        ("[]", "not a list of records but an empty list: 0 records"),
        ('[{"Year": 2011}]', "0 of its 1 records have Year and one of"),
        ('[{"Year": 2011}, 3, 4]', r"2 of 3 entries are none\. First: entry 2\."),
    ],
)
def test_cook_county_files_of_another_kind_are_refused(tmp_path, content, message):
    with pytest.raises(load.DataError, match=message):
        cook(tmp_path, conviction=content)


def test_cook_county_needs_each_file_once(tmp_path):
    files = cook_files(tmp_path)
    with pytest.raises(load.DataError, match="1 of 3 files are missing: no file has the column conviction"):
        sources.convert("cook-county", [files[0], files[2]], tmp_path / "out")
    with pytest.raises(load.DataError, match="both hold conviction"):
        sources.convert("cook-county", [files[1], files[1]], tmp_path / "out")


@needs_shared_data
def test_real_cook_county_gives_the_published_relative_rates(tmp_path):
    files = sorted((SHARED / "cook_county_stages").glob("*.json"))
    study = load.study(sources.convert("cook-county", files, tmp_path / "out"))
    pooled = study.counts.pivot_table(
        index="stage", columns="group", values="events", aggfunc="sum", observed=True
    )
    published = {  # issue "where the gap opens", of the whole of 2011 to 2019
        "approved": (0.9548, 1.1922),
        "convicted": (1.0447, 1.0797),
        "prison": (1.5336, 1.0617),
    }
    for stage, expected in published.items():
        share = pooled.loc[stage] / pooled.loc[study.stages[stage].base]
        assert (share / share["White"])[["Black", "Latinx"]].round(4).tolist() == list(expected)
    stages = study.counts.pivot_table(
        index=["year", "group"], columns="stage", values="events", observed=True
    )
    excess = stages[["prison", "jail", "probation", "other_sentence", "pending_sentence"]].sum(axis=1)
    excess -= stages["convicted"]
    assert (excess.min(), excess.max()) == (0, 62)  # as the file's own description says
    pending = stages["pending_disposition"].groupby("year").sum() / stages["intake"].groupby("year").sum()
    assert pending.round(2).to_dict() == {
        2011: 0.10, 2012: 0.09, 2013: 0.09, 2014: 0.09, 2015: 0.11, 2016: 0.12, 2017: 0.15, 2018: 0.33, 2019: 0.74,
    }  # fmt: skip


def test_no_stage_holds_more_than_its_base():
    for stage in source_cook_county.STAGES:
        assert stage.base in ("none", *(s.id for s in source_cook_county.STAGES))


# -- Census 2021 -------------------------------------------------------------------------------------

LABELS = list(source_census_2021.LABELS)


def census_files(
    tmp_path, cell=None, ages=range(9, 19), labels=LABELS, exact=105, names=("Camden",), bom=True
):
    """Areas of 19 groups, 5 children of each and age but for 10 White British, so 100 a year of age."""
    rows = [
        ["E0900000" + str(7 + i), name, str(age), *("10" if "English" in label else "5" for label in labels)]
        for i, name in enumerate(names)
        for age in ages
    ]
    header = ["Geography Code", "Geography Name", "Age", *labels]
    for (row, column), text in (cell or {}).items():
        rows[row][header.index(column)] = text
    table = pd.DataFrame(rows, columns=header)
    path = tmp_path / "ethnic.csv"
    text = table.to_csv(index=False, lineterminator="\r\n")
    path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
    total = pd.DataFrame([["2021", names[0], "E09000007", "9", *[str(exact)] * 8]])
    total.columns = [
        *("date", "geography", "geography code", "Age: Total; measures: Value"),
        *(f"Age: Aged {age} years; measures: Value" for age in range(10, 18)),
    ]
    total.to_csv(tmp_path / "ts007.csv", index=False)
    return [path, tmp_path / "ts007.csv"]


def population(out):
    return load.population(out).pivot_table(
        index="area", columns="group", values="population", aggfunc="sum", observed=True, sort=False
    )


def test_census_is_calibrated_to_exact_ages_and_in_whole_children(tmp_path):
    out = sources.convert("census-2021", census_files(tmp_path), tmp_path / "out")
    table = load.population(out)
    assert table.groupby("age")["population"].sum().tolist() == [105] * 8
    assert sorted(table["age"].unique()) == [str(age) for age in range(10, 18)]
    assert (
        (tmp_path / "out" / "population.csv")
        .read_bytes()
        .startswith(b"area,year,vintage,base,age,group,population\n")
    )


def test_areas_without_exact_ages_stay_as_published(tmp_path):
    files = census_files(tmp_path, names=("Camden", "London"))
    table = population(sources.convert("census-2021", files, tmp_path / "out"))
    assert table.sum(axis=1).to_dict() == {"Camden": 840, "London": 800}
    ledger = pd.read_csv(tmp_path / "out" / "ledger.csv")
    assert ledger["what"].str.contains("London: 800 published children kept as they are").any()
    alone = population(sources.convert("census-2021", files[:1], tmp_path / "alone"))
    assert alone.loc["Camden"].sum() == 800


def test_a_merged_area_is_not_calibrated_to_one_of_its_parts(tmp_path):
    files = census_files(tmp_path, names=("Camden",))
    for file in files:
        file.write_text(
            file.read_text(encoding="utf-8-sig").replace("E09000007", "E09000001"), encoding="utf-8"
        )
    files[0].write_text(files[0].read_text().replace("Camden", "City of London and Westminster"))
    table = population(sources.convert("census-2021", files, tmp_path / "out"))
    assert table.sum(axis=1).to_dict() == {"City of London and Westminster": 800}
    ledger = pd.read_csv(tmp_path / "out" / "ledger.csv")
    assert ledger["what"].str.contains("two authorities published as one").any()


def test_the_bases_differ_by_the_chinese_children_alone(tmp_path):
    files = census_files(tmp_path)
    new = population(sources.convert("census-2021", files, tmp_path / "new")).loc["Camden"]
    old = population(sources.convert("census-2021", files, tmp_path / "old", ethnicity_base="2001")).loc[
        "Camden"
    ]
    moved = new - old
    assert moved[["Black", "Mixed", "White"]].tolist() == [0, 0, 0]
    assert moved["Asian"] == -moved["Other"] > 0
    settings = tomllib.loads((tmp_path / "old" / "study.toml").read_text())
    assert settings["ethnicity_base"] == "2001"
    assert settings["population"] == {"vintage": "census 2021"}


def test_suppressed_cells_are_counted_by_area_and_group(tmp_path):
    roma, irish = "White: Roma", "White: Irish"
    files = census_files(tmp_path, cell={(1, roma): "c", (2, roma): "c", (0, irish): "c"})  # row 0 is age 9
    sources.convert("census-2021", files, tmp_path / "out")
    ledger = pd.read_csv(tmp_path / "out" / "ledger.csv")
    line = ledger[ledger["step"] == "suppressed"].squeeze()
    assert line["what"] == "Camden: 2 of 152 cells are c (2 White), counted as 0"
    assert (line["removed"], line["left"]) == (2, 150)
    assert "0 to 18 children" in line["why"]


BLACK_OTHER = "Black, Black British, Black Welsh, Caribbean or African: Other Black"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": {(1, "White: Roma"): "-"}}, r"ethnic\.csv: 1 of 10 rows have a cell that is neither a whole "
         r"number nor c\. First: row 3, column 'White: Roma': '-'"),
        ({"cell": {(1, "White: Roma"): ""}}, "neither a whole number nor c"),
        ({"cell": {(1, "White: Roma"): "2.5"}}, "'2.5'"),
        ({"labels": [*LABELS, "Blck"]}, "1 of 20 group columns are not known. First: 'Blck'"),
        ({"labels": LABELS[1:]}, "1 of 19 census groups are missing. First: 'Asian, Asian British or Asian Welsh"),
        ({"ages": range(11, 19)}, "1 of 1 areas lack an age from 10 to 17, the first 'Camden'"),
        ({"ages": range(30, 40)}, "lack an age from 10 to 17"),
        ({"cell": {(1, "Age"): "10 to 15"}}, "have an age that is not a single year"),
        ({"cell": {(1, "Age"): "11"}}, "1 of 10 rows repeat an area and age"),
        ({"exact": "c"}, "have a count that is not a whole number"),
        ({"cell": {(1, label): "0" for label in LABELS}}, "1 of 8 rows have people in their exact total and none"),
    ],
)  # fmt: skip
def test_census_tables_at_fault_are_refused(tmp_path, arguments, message):
    with pytest.raises(load.DataError, match=message):
        sources.convert("census-2021", census_files(tmp_path, **arguments), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "neither of the two census tables"),
        (b"a,b\n", "0 rows under the header"),
        (b"a,b\n1,2,3,4\n5\n1,2,3,4,5,6\n", "not a table with one header row"),
        (b"\xff\xfea,b\n", "UTF-16 text"),
        (b"a,b\n1,caf\xe9\n", "not UTF-8 text in 1 of 2 rows. First: row 2"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, content, message):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(load.DataError, match=message):
        sources.convert("census-2021", [tmp_path / "x.csv"], tmp_path / "out")


def test_exact_ages_alone_or_twice_are_refused(tmp_path):
    ethnic, ages = census_files(tmp_path)
    with pytest.raises(load.DataError, match="no table of ethnic groups"):
        sources.convert("census-2021", [ages], tmp_path / "out")
    with pytest.raises(load.DataError, match="are the same table"):
        sources.convert("census-2021", [ethnic, ethnic], tmp_path / "out")


def test_every_census_label_has_a_code_once():
    codes = list(source_census_2021.LABELS.values())
    assert len(set(codes)) == len(codes) == 19
    assert set(codes) == {c for c, group in broad_groups("2021").items() if group != "Unknown"}


def test_apportioning_keeps_totals_and_stays_within_one_child():
    random = np.random.default_rng(1)
    counts = random.integers(0, 700, (200, 19)) // 5 * 5
    totals = counts.sum(axis=1) + random.integers(-40, 40, 200)
    scaled = calibration.apportioned(counts, totals)
    assert (scaled.sum(axis=1) == totals).all()
    assert (abs(scaled - counts * (totals / counts.sum(axis=1))[:, None]) < 1).all()
    assert (scaled[counts == 0] == 0).all()


@needs_shared_data
def test_real_census_gives_the_boroughs_on_both_bases(tmp_path):
    files = sorted((SHARED / "census2021_islington_and_neighbours").glob("*.csv"))
    ethnic = [file for file in files if "ethnic" in file.name]
    published = population(sources.convert("census-2021", ethnic, tmp_path / "published"))
    # Sums of the rounded cells, c as 0, taken from the file by hand; two areas are checked in full.
    assert published.loc["Islington"].tolist() == [1410, 3770, 2175, 1370, 6510]
    assert published.loc["London"].tolist() == [192260, 164575, 85635, 61490, 333675]
    table = population(sources.convert("census-2021", files, tmp_path / "new"))
    exact = {"Islington": 15343, "Camden": 16604, "Hackney": 24366, "Haringey": 24748}  # TS007
    assert table.sum(axis=1)[list(exact)].to_dict() == exact
    share = 100 * table.div(table.sum(axis=1), axis=0).loc["Islington"]
    assert share.round(1).tolist() == [9.3, 24.7, 14.3, 9.0, 42.7]
    old = population(sources.convert("census-2021", files, tmp_path / "old", ethnicity_base="2001"))
    assert (100 * old.loc["Islington"] / 15343).round(1)[["Asian", "Other"]].tolist() == [8.6, 9.7]
    ledger = pd.read_csv(tmp_path / "new" / "ledger.csv")
    cells = ledger[ledger["step"] == "suppressed"]
    by_area = dict(zip(cells["what"].str.partition(":")[0], cells["removed"], strict=True))
    assert {area: by_area[area] for area in exact} == {
        "Islington": 22, "Camden": 18, "Hackney": 16, "Haringey": 7,
    }  # fmt: skip
    assert cells["what"].str.contains(r"Islington: 22 of 152 cells are c \(6 Asian, 16 White\)").any()
    assert len(load.population(tmp_path / "new")) == 8 * 8 * 5
