"""Files of data.police.uk become searches of children, or are refused in one readable block."""

import csv
import io
import json
import os
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ysj_analysis import ages, load, police_uk_files, sources
from ysj_analysis.boundaries import area_names
from ysj_analysis.tables import DataError

SHARED = Path(os.environ.get("YSJ_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
MET = SHARED / "met_stop_search_2016_06" / "2016-06-metropolitan-stop-and-search.csv"
needs_met = pytest.mark.skipif(not MET.is_file(), reason="the real file is not here")

HEADER = (
    "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
    "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome,"
    "Outcome linked to object of search,Removal of more than just outer clothing"
)
OLD = {
    "Type": "Person search",
    "Date": "2016-06-10T12:00:00+00:00",
    "Part of a policing operation": "False",
    "Policing operation": "",
    "Latitude": "51.54",
    "Longitude": "-0.10",
    "Gender": "Male",
    "Age range": "10-17",
    "Self-defined ethnicity": "Black or Black British - African (B2)",
    "Officer-defined ethnicity": "Black",
    "Legislation": "Misuse of Drugs Act 1971 (section 23)",
    "Object of search": "Controlled drugs",
    "Outcome": "Suspect arrested",
    "Outcome linked to object of search": "",
    "Removal of more than just outer clothing": "",
}
NEW = OLD | {
    "Self-defined ethnicity": "Black/African/Caribbean/Black British - African",
    "Outcome": "Arrest",
    "Outcome linked to object of search": "TRUE",
}
API = {
    "age_range": "10-17",
    "outcome": "Arrest",
    "involved_person": True,
    "self_defined_ethnicity": "Black/African/Caribbean/Black British - African",
    "gender": "Male",
    "legislation": "Misuse of Drugs Act 1971 (section 23)",
    "outcome_linked_to_object_of_search": True,
    "datetime": "2023-06-10T12:00:00+00:00",
    "removal_of_more_than_outer_clothing": False,
    "outcome_object": {"id": "bu-arrest", "name": "Arrest"},
    "location": {"latitude": "51.54", "street": {"id": 1, "name": "On or near a street"}, "longitude": "-0.10"},
    "operation": False,
    "officer_defined_ethnicity": "Black",
    "type": "Person search",
    "operation_name": None,
    "object_of_search": "Controlled drugs",
}  # fmt: skip


def write(path, *rows, header=HEADER, newline="\n", encoding="utf-8"):
    names = header.split(",")
    with path.open("w", encoding=encoding, newline="") as file:
        out = csv.writer(file, lineterminator=newline)
        out.writerow(names)
        out.writerows([row.get(name, "") for name in names] for row in rows)
    return path


def converted(tmp_path, *files, **options):
    options = options or {"area": "Islington"}
    folder = sources.convert("police-uk", files, tmp_path / "out", **options)
    table = pd.read_csv(folder / "searches.csv", dtype=str, keep_default_na=False)
    ledger = pd.read_csv(folder / "ledger.csv").set_index("what")
    return table, ledger


# -- shapes and labels -------------------------------------------------------------------------------


def test_old_and_new_labels_and_both_shapes_give_the_same_search(tmp_path):
    flat = {
        "ID": "7",
        **{k: str(v) for k, v in API.items() if not isinstance(v, dict | bool | None)},
        "involved_person": "TRUE",
        "outcome_linked_to_object_of_search": "TRUE",
        "operation_name": "null",
        "location__latitude": "51.54",
        "location__longitude": "-0.10",
        "outcome_object__name": "Arrest",
    }
    files = {
        "old": write(tmp_path / "old.csv", OLD),
        "new": write(tmp_path / "new.csv", NEW),
        "api": tmp_path / "api.json",
        "flat": write(tmp_path / "flat.csv", flat, header=",".join(flat)),
    }
    files["api"].write_text("\ufeff" + json.dumps([API]), encoding="utf-8")
    found = {}
    for name, file in files.items():
        (tmp_path / name).mkdir()
        table, _ = converted(tmp_path / name, file)
        found[name] = table.iloc[0].drop(["date", "outcome_linked"]).to_dict()
        assert table["outcome_linked"][0] == ("" if name == "old" else "yes")
    assert found["old"] == {
        "area": "Islington",
        "sex": "male",
        "age_band": "10-17",
        "ethnicity": "B2",
        "ethnicity_officer": "Black",
        "legislation": "Misuse of Drugs Act 1971 (section 23)",
        "object": "Controlled drugs",
        "outcome": "Arrest",
    }
    assert found["old"] == found["new"] == found["api"] == found["flat"]


def test_a_null_location_and_null_fields_are_missing(tmp_path):
    empty = API | {
        "location": None,
        "outcome_object": None,
        "outcome": None,
        "officer_defined_ethnicity": None,
    }
    (tmp_path / "a.json").write_text(json.dumps([API, empty]))
    table, ledger = converted(tmp_path, tmp_path / "a.json")
    assert table["outcome"].tolist() == ["Arrest", ""]
    assert table["ethnicity_officer"].tolist() == ["Black", ""]
    assert ledger.loc["of them, searches without coordinates, put in Islington too", "left"] == 1
    assert ledger.loc["searches without an outcome", "left"] == 1


def test_byte_order_mark_windows_lines_and_nameless_columns_do_no_harm(tmp_path):
    file = write(tmp_path / "a.csv", OLD, header=HEADER + ",,", newline="\r\n", encoding="utf-8-sig")
    table, _ = converted(tmp_path, file)
    assert len(table) == 1


def test_not_stated_is_never_other(tmp_path):
    rows = [OLD | {"Self-defined ethnicity": label} for label in ("Not Stated (NS)", "", "null")]
    rows.append(NEW | {"Self-defined ethnicity": "Other ethnic group - Not stated"})
    rows.append(OLD | {"Self-defined ethnicity": "Chinese or other ethnic group - Chinese (O1)"})
    table, ledger = converted(tmp_path, write(tmp_path / "a.csv", *rows))
    assert table["ethnicity"].tolist() == ["NS", "NR", "NR", "NS", "A4"]
    assert ledger.loc["searches without self-defined ethnicity", "left"] == 4


# -- ages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damaged", ["Oct-17", "17-Oct", "2017-10-01", "01/10/2017", "oct-17"])
def test_an_age_band_that_became_a_date_is_put_back_and_counted(tmp_path, damaged):
    table, ledger = converted(tmp_path, write(tmp_path / "a.csv", OLD, OLD | {"Age range": damaged}))
    assert table["age_band"].tolist() == ["10-17", "10-17"]
    (line,) = [what for what in ledger.index if "made into dates" in what]
    assert ledger.loc[line, "left"] == 1


def test_a_band_below_ten_that_became_a_date_is_not_a_child_of_ten(tmp_path):
    table, ledger = converted(tmp_path, write(tmp_path / "a.csv", OLD, OLD | {"Age range": "05-Sep"}))
    assert len(table) == 1
    assert ledger.loc["searches of children under 10", "removed"] == 1


@pytest.mark.parametrize(
    ("band", "who"),
    [
        ("10-17", "child"), ("10-15", "child"), ("16-17", "child"), ("under 10", "under 10"), ("5-9", "under 10"),
        ("18-24", "adult"), ("over 34", "adult"), ("over 17", "adult"), ("18+", "adult"), ("", "blank"),
        ("16-24", None), ("9-11", None), ("over 16", None), ("17-10", None), ("Dec", None), ("over 999", None),
        ("999+", None),
    ],
)  # fmt: skip
def test_who_a_band_holds(band, who):
    assert ages.who(band) == who


@pytest.mark.parametrize("band", ["18-24", "25-34", "over 34", "", "Foo-17", "Oct-2017", "10-17"])
def test_nothing_else_is_repaired(band):
    assert ages.repaired(band) == band


def test_everyone_who_is_no_child_is_counted_by_reason(tmp_path):
    rows = [
        OLD,
        OLD | {"Age range": ""},
        OLD | {"Age range": "", "Type": "Vehicle search"},
        OLD | {"Age range": "under 10"},
        OLD | {"Age range": "over 34"},
        OLD | {"Type": "Vehicle search"},
    ]
    table, ledger = converted(tmp_path, write(tmp_path / "a.csv", *rows))
    assert len(table) == 2
    removed = ledger["removed"]
    assert removed["vehicle searches without a person's age"] == 1
    assert removed["searches of people whose age is not recorded"] == 1
    assert removed["searches of children under 10"] == 1
    assert removed["searches of adults"] == 1
    assert removed.sum() + len(table) == len(rows)
    assert ledger.loc["vehicle searches that describe a child", "left"] == 1


def test_a_file_of_adults_is_refused(tmp_path):
    with pytest.raises(DataError, match="0 of 1 rows are searches of children"):
        converted(tmp_path, write(tmp_path / "a.csv", OLD | {"Age range": "18-24"}))


# -- dates, duplicates, places -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2016-05-31T23:01:00+00:00", "2016-06-01"),
        ("2016-05-31T22:59:00+00:00", "2016-05-31"),
        ("2016-12-31T23:59:00+00:00", "2016-12-31"),
        ("2016-03-31T23:30:00Z", "2016-04-01"),
    ],
)
def test_the_day_is_the_local_one(tmp_path, utc, local):
    table, ledger = converted(tmp_path, write(tmp_path / "a.csv", OLD | {"Date": utc}))
    assert table["date"].tolist() == [local]
    moved = ledger.loc["searches of children that move to another month in local time", "left"]
    assert moved == (utc[:7] != local[:7])


def test_repeated_rows_are_counted_and_kept(tmp_path):
    table, ledger = converted(tmp_path, write(tmp_path / "a.csv", OLD, OLD, OLD, NEW))
    assert len(table) == 4
    assert ledger.loc["searches of children that repeat an earlier one in every column", "left"] == 2


def square(area, x, y, **properties):
    ring = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"LAD23NM": area} | properties, "geometry": shape}


def borders(tmp_path, *features):
    file = tmp_path / "areas.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


def test_boundaries_put_searches_in_areas(tmp_path):
    pytest.importorskip("shapely")
    file = borders(tmp_path, square("East", 0, 51), square("West", -1, 51), square("Nowhere", 20, 20))
    rows = [
        OLD,
        OLD | {"Longitude": "0.5"},
        OLD | {"Longitude": "9"},
        OLD | {"Longitude": "", "Latitude": ""},
    ]
    table, ledger = converted(tmp_path, write(tmp_path / "a.csv", *rows), boundaries=str(file))
    assert table["area"].tolist() == ["West", "East", "Outside the boundaries", "Place not recorded"]
    assert ledger.loc["searches without coordinates", "left"] == 1
    assert ledger.loc["searches outside the boundaries", "left"] == 1
    assert load.study(tmp_path / "out").areas == ("East", "West")


def test_boundaries_that_cannot_be_used_say_so(tmp_path):
    pytest.importorskip("shapely")
    x, y = pd.Series([0.5]).to_numpy(), pd.Series([51.5]).to_numpy()
    with pytest.raises(DataError, match=r"2 of 2 properties can be the name.*boundary_name=PROPERTY"):
        area_names(x, y, borders(tmp_path, square("A", 0, 51, name="B")))
    assert area_names(x, y, borders(tmp_path, square("A", 0, 51, name="B")), name="name")[0].tolist() == ["B"]
    with pytest.raises(DataError, match="not in longitude and latitude"):
        area_names(x, y, borders(tmp_path, square("A", 530_000, 180_000)))
    (tmp_path / "no.geojson").write_text("{}")
    with pytest.raises(DataError, match="not a GeoJSON file of areas"):
        area_names(x, y, tmp_path / "no.geojson")


@pytest.mark.parametrize("options", [{"ethnicity_base": "2021"}, {"area": "A", "boundaries": "b"}])
def test_the_area_must_be_said_one_way(tmp_path, options):
    with pytest.raises(ValueError, match="needs area=NAME"):
        converted(tmp_path, write(tmp_path / "a.csv", OLD), **options)


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Outcome", "Sent home", r"1 of 2 rows have a value in outcome .*'Sent home' \(1\)\. First: row 3"),
        ("Gender", "M", r"value in gender that is not known: 'M' \(1\)"),
        ("Age range", "16-24", r"value in age_range that is not known: '16-24' \(1\)"),
        ("Type", "Stop", r"value in type that is not known"),
        ("Outcome linked to object of search", "maybe", r"'maybe' \(1\)"),
        ("Self-defined ethnicity", "Blck", r"row 3, column 'self_defined_ethnicity'"),
        ("Officer-defined ethnicity", "IC9x", r"row 3, column 'officer_defined_ethnicity'"),
        ("Date", "31/05/2016 23:01", r"First: row 3, column datetime"),
        ("Date", "", r"First: row 3, column datetime"),
        ("Latitude", "north", r"1 of 2 rows have a coordinate .*row 3"),
        ("Longitude", "530000", r"1 of 2 rows have a coordinate"),
    ],
)
def test_what_is_not_known_stops_the_run(tmp_path, column, value, message):
    file = write(tmp_path / "a.csv", OLD, OLD | {column: value})
    with pytest.raises(DataError, match=message):
        converted(tmp_path, file)
    assert not (tmp_path / "out").exists()


def test_all_unknown_values_of_a_file_are_told_at_once(tmp_path):
    with pytest.raises(DataError) as error:
        converted(tmp_path, write(tmp_path / "a.csv", OLD | {"Outcome": "x", "Gender": "y"}))
    assert "outcome" in str(error.value)
    assert "gender" in str(error.value)
    assert "add to OUTCOMES in police_uk_files" in str(error.value)


def test_files_of_another_kind_and_files_given_twice_are_refused(tmp_path):
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"7 of 7 columns are missing\. First: 'datetime'"):
        converted(tmp_path, tmp_path / "b.csv")
    one, two = write(tmp_path / "one.csv", OLD), write(tmp_path / "two.csv", OLD)
    with pytest.raises(DataError, match=r"two\.csv and one\.csv hold the same records"):
        converted(tmp_path, one, two)
    for content, message in (
        ("{}", "not a list of records"),
        ("[1]", "not a list"),
        ("[{", r"not JSON: .*, after 2 of 2 characters\. First: line 1, column 3\."),
    ):
        (tmp_path / "c.json").write_text(content)
        with pytest.raises(DataError, match=message):
            converted(tmp_path, tmp_path / "c.json")


HOSTILE = ["<script>alert(1)</script>", "=1+1", "../../etc", "\u202eevil", 'a "quoted", one', "x" * 1_000_000]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_travels_as_text(tmp_path, text):
    table, _ = converted(tmp_path, write(tmp_path / "a.csv", OLD | {"Object of search": text}))
    assert table["object"].tolist() == [text]
    (tmp_path / "bad").mkdir()
    with pytest.raises(DataError) as error:
        converted(tmp_path / "bad", write(tmp_path / "bad" / "a.csv", OLD | {"Outcome": text}))
    assert len(str(error.value)) < 1_000
    assert "\u202e" not in str(error.value)


# -- in pieces ---------------------------------------------------------------------------------------

SEARCH = st.fixed_dictionaries(
    {
        "Type": st.sampled_from(["Person search", "Vehicle search", "Person and Vehicle search"]),
        "Date": st.sampled_from(
            ["2016-06-10T12:00:00+00:00", "2016-05-31T23:30:00+00:00", "2016-12-31T23:59:00Z"]
        ),
        "Latitude": st.sampled_from(["51.54", "", "null"]),
        "Gender": st.sampled_from(["Male", "Female", "Other", ""]),
        "Age range": st.sampled_from(["10-17", "Oct-17", "18-24", "under 10", ""]),
        "Self-defined ethnicity": st.sampled_from(["White - White British (W1)", "Not Stated (NS)", ""]),
        "Officer-defined ethnicity": st.sampled_from(["White", "Black", ""]),
        "Outcome": st.sampled_from(["Arrest", "Suspect arrested", ""]),
    }
)


@settings(max_examples=30, deadline=None)
@given(st.lists(SEARCH, min_size=1, max_size=12), st.integers(1, 5), st.booleans())
def test_a_file_read_in_pieces_gives_the_same_folder(rows, piece, fault):
    rows = [OLD, *(OLD | row for row in rows)]
    if fault:
        rows[-1]["Outcome"] = "Sent home"
    found = {}
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patched:
        file = write(Path(place) / "a.csv", *rows)
        for size in (10**6, piece):
            patched.setattr(police_uk_files, "PIECE", size)
            out = Path(place) / str(size)
            try:
                sources.convert("police-uk", [file], out, area="Islington")
                found[size] = {p.name: p.read_bytes() for p in out.iterdir()}
            except DataError as error:
                found[size] = str(error)
    assert found[10**6] == found[piece]
    if fault:
        assert f"1 of {len(rows)} rows have a value in outcome" in found[piece]
        assert f"First: row {len(rows) + 1}." in found[piece]
        return
    ledger = pd.read_csv(io.BytesIO(found[piece]["ledger.csv"])).set_index("what")["left"]
    tidy = [tuple("" if value == "null" else value for value in row.values()) for row in rows]
    assert ledger["searches of anyone that repeat an earlier one in every column"] == len(tidy) - len(
        set(tidy)
    )
    children = [row | {"Age range": "10-17"} for row in rows if row["Age range"] in ("10-17", "Oct-17")]
    tidy = [tuple("" if value == "null" else value for value in row.values()) for row in children]
    assert ledger["searches of children that repeat an earlier one in every column"] == len(tidy) - len(
        set(tidy)
    )


WRONG = {
    "empty": (b"", "the file is empty: 0 bytes"),
    "a page saved as a table": (b"<!DOCTYPE html><html><table></table></html>", "a web page or other markup"),
    "a workbook": (b"PK\x03\x04" + b"\0" * 99, "a workbook or other ZIP archive"),
    "UTF-16": (HEADER.encode("utf-16"), "UTF-16 text"),
    "NUL bytes": (HEADER.encode() + b"\nPerson search,\0\0\0", "3 of the first .* bytes are empty"),
    "a column twice": (
        (HEADER + ",Outcome").encode() + b"\n",
        "1 of 16 columns repeat .*column 16, 'Outcome'",
    ),
    "cut short in a quotation": (
        HEADER.encode() + b'\n"Person search,2016',
        "not a table with one header row",
    ),
    "not UTF-8": (
        HEADER.encode() + b"\nPerson search,caf\xe9\n",
        "not UTF-8 text in 1 of 2 rows. First: row 2",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_of_another_kind_says_what_it_is_and_what_to_do(tmp_path, kind):
    content, message = WRONG[kind]
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"(?s)a\.csv: .*{message}.*\n[A-Z].*\."):
        converted(tmp_path, tmp_path / "a.csv")
    assert not (tmp_path / "out").exists()


# -- the Metropolitan Police, June 2016: counted by hand ---------------------------------------------


@pytest.fixture(scope="module")
def met(tmp_path_factory):
    with MET.open(encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    folder = sources.convert("police-uk", [MET], tmp_path_factory.mktemp("met") / "met", area="London")
    return rows, load.study(folder)


def left(study, what):
    return int(study.ledger.set_index("what").loc[what, "left"])


@needs_met
def test_met_facts_of_its_source_note(met):
    """SOURCE.md: 10,490 rows, 1,984 aged 10-17, 465 without age, 2 under 10, 342 duplicates, 13 move month."""
    _, study = met
    removed = study.ledger.set_index("what")["removed"].astype(int)
    assert len(study.searches) == 1984
    assert left(study, "rows of 2016-06-metropolitan-stop-and-search.csv") == 10490
    assert (
        removed["vehicle searches without a person's age"]
        + removed["searches of people whose age is not recorded"]
        == 465
    )
    assert removed["searches of children under 10"] == 2
    assert removed.sum() + 1984 == 10490
    assert left(study, "searches of anyone that repeat an earlier one in every column") == 342
    assert left(study, "searches of children that repeat an earlier one in every column") == 106
    assert left(study, "searches of anyone that move to another month in local time") == 13


@needs_met
def test_met_ethnicity_on_both_sides_arrests_and_unknowns_by_hand(met):
    rows, study = met
    children = [row for row in rows if row["Age range"] == "10-17"]
    searches = study.searches
    officer = Counter(row["Officer-defined ethnicity"] for row in children)
    assert Counter(searches["ethnicity_officer"]) == officer
    assert officer == {"Black": 985, "White": 740, "Asian": 193, "Other": 58, "": 8}

    codes = Counter(row["Self-defined ethnicity"].rpartition("(")[2].rstrip(")") for row in children)
    codes["A4"] = codes.pop("O1")
    assert Counter(searches["ethnicity"].astype(str)) == codes
    assert codes["NS"] == 175

    arrested = searches[searches["outcome"] == "Arrest"]
    by_officer = Counter(
        r["Officer-defined ethnicity"] for r in children if r["Outcome"] == "Suspect arrested"
    )
    assert Counter(arrested["ethnicity_officer"]) == by_officer
    assert by_officer["Black"] == 228
    assert arrested["ethnicity"].isin(["B1", "B2", "B9"]).sum() == 188
    assert left(study, "of them, searches without coordinates, put in London too") == sum(
        not row["Latitude"] for row in children
    )


@needs_met
def test_met_days_are_local(met):
    rows, study = met
    zone = ZoneInfo("Europe/London")
    local = [
        datetime.fromisoformat(row["Date"]).astimezone(zone).date().isoformat()
        for row in rows
        if row["Age range"] == "10-17"
    ]
    assert study.searches["date"].dt.strftime("%Y-%m-%d").tolist() == local
    assert study.searches["date"].min() == pd.Timestamp("2016-06-01")
    assert study.years == (2016, 2016)
    assert study.unit == "searches"
