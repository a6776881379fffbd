"""A case-management export becomes a study by its mapping, or is refused with the lines to add."""

import csv
import datetime
import os
import re
import shutil
import tomllib
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
import pytest

from ysj_analysis import case_files, label_mapping, load, pipeline, pseudonyms, sources
from ysj_analysis.case_children import RULES, one_each
from ysj_analysis.case_fields import CHOICES, DECISIONS, FIELDS
from ysj_analysis.case_mapping import read_mapping
from ysj_analysis.case_values import dates
from ysj_analysis.study_folder import Ledger

PEOPLE = [
    ["Person ID", "Surname", "DOB", "Gender", "Ethnicity(4)", "Looked after", "Home", "Postcode", "Notes"],
    [
        "1001",
        "Quillfeather",
        "03/04/2008",
        "Male",
        "White British",
        "Yes",
        "Kent",
        "ZZ9 9ZZ",
        "sees Aunt Dorothea",
    ],
    ["1002", "Quillfeather", "17/05/2008", "Female", "B1 Caribbean", "No", "Islington", "ZZ9 9ZZ", ""],
    ["1003", "Umbertone", "28/02/2009", "Male", "", "No", "Other", "ZZ9 9ZZ", ""],
]
OUTCOMES = [
    ["Person ID", "Case", "Outcome", "Date", "Gravity", "YOT"],
    ["1001", "A1", "Arrest", "03/05/2022", "3", "Islington"],
    ["1001", "A1", "Referral Order", "03/06/2022", "3.0", "Islington"],
    ["1002", "A2", "Arrest", "30/11/2022", "3", "Islington"],
    ["1002", "A2", "Youth Caution", "2022-12-01", "2", "Islington"],
    ["1003", "A3", "Arrest", "05/12/2022", "2", "Other"],
]
OFFENCES = [
    ["Person ID", "Offence Date", "Outcome Date", "Result"],
    ["1001", "01/05/2022", "03/06/2022", "Referral"],
    ["1001", "01/05/2022", "03/06/2022", "Referral"],
    ["1003", "01/12/2022", "", "Pending"],
]
PRIVATE = (
    "1001",
    "1002",
    "1003",
    "Quillfeather",
    "Umbertone",
    "ZZ9 9ZZ",
    "Dorothea",
    "03/04/2008",
    "17/05/2008",
)

MAPPING = """\
title = "Test"
areas = ["Islington"]
years = [2022, 2022]
extract_date = 2024-09-30
{top}
[files]
people = "people.csv"
outcomes = "outcomes*.csv"
[reading]
dates = ["DD/MM/YYYY"]
{reading}
[children]
file = "people"
child_id = "Person ID"
birth_date = "DOB"
sex = "Gender"
ethnicity = "Ethnicity"
ethnicity_source = {{ always = "self" }}
looked_after = "Looked after"
area = "Home"
{children}
[[events]]
file = "outcomes"
child_id = "Person ID"
episode_id = "Case"
stage = "Outcome"
date = "Date"
gravity = "Gravity"
area = "YOT"
{events}
[codes.sex]
"male" = "male"
"female" = "female"
[codes.ethnicity]
"White British" = "W1"
"B1 Caribbean" = "B1"
{ethnicity}
[codes.looked_after]
"Yes" = "yes"
"No" = "no"
[codes.area]
"Islington" = "Islington"
"Other" = "out of area"
"Kent" = "out of area"
[codes.stage]
"Arrest" = "arrest"
"Referral Order" = ["sentenced", "first_tier"]
"Youth Caution" = "caution"
{stage}
{tail}
"""
TOLD = """
[[offences]]
file = "offences"
child_id = "Person ID"
offence_date = "Offence Date"
outcome_date = "Outcome Date"
outcome = "Result"
[codes.outcome]
"Referral" = "first_tier"
"Pending" = "undecided"
"""


def mapping(**parts):
    empty = dict.fromkeys(("top", "reading", "children", "events", "ethnicity", "stage", "tail"), "")
    return MAPPING.format(**empty | parts)


@pytest.fixture
def room(tmp_path):
    """A folder with the exports, a mapping and a key."""

    class Room:
        path, out = tmp_path, tmp_path / "out"

        def write(self, name, rows, encoding="utf-8", **settings):
            with (tmp_path / name).open("w", newline="", encoding=encoding, errors="surrogateescape") as file:
                csv.writer(file, **settings).writerows(rows)
            return tmp_path / name

        def convert(self, people=PEOPLE, outcomes=OUTCOMES, offences=None, *, key="key", more=(), **parts):
            if offences:
                parts["tail"] = TOLD + parts.get("tail", "")
            text = mapping(**parts)
            text = text.replace("[files]", '[files]\noffences = "offences.csv"') if offences else text
            files = {"people.csv": people, "outcomes.csv": outcomes}
            return self.convert_files(
                files | ({"offences.csv": offences} if offences else {}), text, key, more
            )

        def convert_files(self, files, text, key="key", more=()):
            (tmp_path / "mapping.toml").write_text(text, encoding="utf-8")
            paths = [*(self.write(name, rows) for name, rows in files.items()), *more]
            options = {"mapping": str(tmp_path / "mapping.toml"), "key": str(tmp_path / "private" / key)}
            return sources.convert("case-export", paths, self.out, new_key="yes", **options)

        def ledger(self):
            with (self.out / "ledger.csv").open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))

        def line(self, words):
            found = [line for line in self.ledger() if words in line["what"]]
            assert len(found) == 1, (words, [line["what"] for line in self.ledger()])
            return int(found[0]["removed"]), int(found[0]["left"]), found[0]["why"]

    return Room()


def changed(rows, cells):
    rows = [list(row) for row in rows]
    for (row, column), text in cells.items():
        rows[row][column] = text
    return rows


# -- the whole way -----------------------------------------------------------------------------------


def test_an_export_becomes_a_study_that_can_be_counted(room):
    study = load.study(room.convert(offences=OFFENCES))
    assert sorted(study.events["stage"]) == ["arrest", "arrest", "caution", "first_tier", "sentenced"]
    counts = pipeline.stage_counts(study)
    cells = counts[counts["base"] == "population"].set_index(["stage", "group"])["events"]
    assert cells[cells > 0].to_dict() == {
        ("arrest", "Black"): 1,
        ("arrest", "White"): 1,
        ("caution", "Black"): 1,
        ("sentenced", "White"): 1,
        ("first_tier", "White"): 1,
    }
    assert set(study.children["birth_month"]) == {"2008-04", "2008-05"}
    assert room.line("of another service")[:2] == (1, 5)
    assert room.line("2 children, 2 episodes, 5 events, 2 offences")[0] == 0
    assert room.line("looked-after children who live outside")[0] == 0


def test_nothing_of_a_child_leaves_but_what_the_study_needs(room):
    out = room.convert(offences=OFFENCES)
    written = "".join(file.read_text(encoding="utf-8") for file in out.iterdir())
    for value in (*PRIVATE, "A1", "Surname", "2008-04-03"):
        assert value not in written, value
    ids = [
        set(pd.read_csv(out / f"{t}.csv", dtype=str)["child_id"]) for t in ("children", "events", "offences")
    ]
    assert ids[0] == ids[1] > ids[2]
    assert all(len(i) == 20 and int(i, 16) >= 0 for i in ids[0])


def test_the_order_of_rows_does_not_tell_the_order_of_ids(room):
    out = room.convert()
    children = pd.read_csv(out / "children.csv", dtype=str)["child_id"].tolist()
    assert children == sorted(children)


def test_the_same_files_give_the_same_bytes(room):
    first = {p.name: p.read_bytes() for p in room.convert().iterdir()}
    room.out = room.path / "again"
    assert {p.name: p.read_bytes() for p in room.convert().iterdir()} == first


# -- unknown codes and undecided entries -------------------------------------------------------------


def test_unknown_codes_stop_the_run_with_counts_and_the_lines_to_add(room):
    people = changed(PEOPLE, {(2, 4): "Blck Caribbean"})
    outcomes = [
        *changed(OUTCOMES, {(2, 2): 'Order "X"'}),
        ["1002", "A2", "Referal Order", "01/02/2023", "2", "Islington"],
    ]
    with pytest.raises(load.DataError) as error:
        room.convert(people, outcomes)
    message = str(error.value)
    assert "people.csv: 1 of 3 rows have a label in column 'Ethnicity' that [codes.ethnicity]" in message
    assert "First: row 3." in message
    assert '\n"Blck Caribbean" = "?"  # 1 row' in message
    assert '\n"Order \\"X\\"" = "?"' in message
    assert "Did you mean 'referral order'?" in message
    assert not room.out.exists()


def test_a_seldom_label_that_may_be_of_a_child_is_not_shown(room):
    """A cell has moved: an address, a date or a number stands where a code should."""
    for moved in ("N1 1AA zq", "1999-12-31T23", "Case 20417", "arrest at home of Otto Frob, 1999"):
        with pytest.raises(load.DataError, match=r"not shown, as it may be of a child\. See row ") as error:
            room.convert(outcomes=changed(OUTCOMES, {(4, 2): moved}))
        assert moved not in str(error.value)


def test_the_lines_to_add_are_valid_and_enough(room):
    nasty = 'a\u202eb "q" \\ \x07 é'
    outcomes = changed(OUTCOMES, {(4, 2): nasty})
    with pytest.raises(load.DataError) as error:
        room.convert(outcomes=outcomes)
    assert "\u202e" not in str(error.value)
    line = re.search(r'^(".*" = "\?")', str(error.value), re.MULTILINE)[1]
    assert list(tomllib.loads(line)) == [nasty]
    room.convert(outcomes=outcomes, stage=line.replace('"?"', '"caution"'))


def test_labels_are_the_same_but_for_case_and_spaces_only(room):
    people = changed(PEOPLE, {(1, 4): "  WHITE   british "})
    assert "W1" in (room.convert(people) / "children.csv").read_text()


def test_free_text_in_a_code_column_is_not_shown(room):
    rows = [["1001", "A1", f"spoke to Aunt {i}", "03/05/2022", "3", "Islington"] for i in range(70)]
    with pytest.raises(load.DataError, match="looks like names or free text") as error:
        room.convert(outcomes=[*OUTCOMES, *rows])
    assert "Aunt" not in str(error.value)


def test_a_column_of_names_mapped_by_mistake_is_not_shown(room):
    people = [
        PEOPLE[0],
        *(
            [str(2000 + i), f"Name{i}", "03/04/2008", "Male", "White British", "No", "Kent", "", ""]
            for i in range(12)
        ),
    ]
    with pytest.raises(load.DataError, match="looks like names or free text") as error:
        room.convert([*people, *PEOPLE[1:]], children='send = "Surname"')
    assert "Name1" not in str(error.value)


def test_a_huge_label_is_told_and_not_shown(room):
    with pytest.raises(load.DataError, match="1,000,000 characters") as error:
        room.convert(outcomes=changed(OUTCOMES, {(1, 2): "x" * 1_000_000}))
    assert len(str(error.value)) < 2_000


def test_an_undecided_mapping_is_refused(room):
    with pytest.raises(load.DataError, match=r'2 of \d+ entries are still undecided \("\?"\)') as error:
        room.convert(stage='"Fine" = "?"\n"DTO" = ["sentenced", "?"]')
    assert "> 'stage' > 'Fine'" in str(error.value)
    assert not room.out.exists()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"top": 'arees = ["x"]'}, "'arees' is not a part of a mapping. Did you mean 'areas'?"),
        ({"top": 'period = "yearly"'}, "period is 'yearly'; it is one of 'financial'"),
        ({"children": 'sexx = "Gender"'}, "[children] 'sexx' is not a field"),
        ({"children": 'send = { always = "perhaps" }'}, "[children] send: write the header, or"),
        ({"events": 'court = ["A", "B"]'}, "[events] court has several headers"),
        ({"stage": '"Fine" = "fine"'}, "[codes.stage] 'Fine' = 'fine': not one of"),
        ({"stage": '" arrest " = "charge"'}, "is there twice with different meanings"),
        ({"stage": '"Kept in" = "reoffending_cohort"'}, "Did you mean 'cohort'?"),
        ({"ethnicity": '"Roma" = "W5"'}, "[codes.ethnicity] 'Roma' = 'W5': not one of A1"),
        ({"tail": '[codes.etnicity]\n"a" = "A1"'}, "[codes.etnicity] is not known"),
        ({"tail": '[obsolete."Reprimand"]\nstage = "caution"'}, "needs means ="),
        ({"tail": '[decisions]\nout_of_area = "drop"'}, "[decisions] out_of_area is 'drop'"),
        ({"tail": '[[offences]]\nfile = "ofences"'}, "[offences] file is 'ofences', which [files] does not name"),
        ({"reading": 'encoding = "x"'}, "[reading] 'encoding' is not known"),
    ],
)  # fmt: skip
def test_a_faulty_mapping_is_refused_whole(room, parts, message):
    with pytest.raises(load.DataError) as error:
        room.convert(**parts)
    assert message in str(error.value)
    assert str(error.value).startswith("mapping.toml: ")


def test_a_file_too_large_to_hold_is_refused_before_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(b"Child ID,Date\n" * 3)
    monkeypatch.setattr(case_files, "LARGEST", 41)
    with pytest.raises(
        load.DataError,
        match=r"a\.csv: 42 bytes, of which at most 41 are read\. First: byte 42\.\n.*year by year",
    ):
        case_files.grids([tmp_path / "a.csv"])
    monkeypatch.setattr(case_files, "LARGEST", 42)
    assert len(case_files.grids([tmp_path / "a.csv"])["a.csv"]) == 3


def test_a_file_is_read_in_pieces_of_any_width(tmp_path, monkeypatch):
    rows = [["title"], ["a", "b"], ["1", "two\nlines"], [], ["3", "4", "5"], ["6"]]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-16") as file:
        csv.writer(file).writerows(rows)
    whole = case_files.grids([tmp_path / "a.csv"])["a.csv"]
    monkeypatch.setattr(case_files, "_PIECE", 2)
    grid = case_files.grids([tmp_path / "a.csv"])["a.csv"]
    pd.testing.assert_frame_equal(grid, whole)
    assert grid.to_numpy().tolist() == [[*row, *[""] * (3 - len(row))] for row in rows]
    assert grid.index.tolist() == [1, 2, 3, 4, 5, 6]
    assert grid.attrs["encoding"] == "utf-16"


def test_bytes_of_no_known_encoding_are_counted(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n\x81,\xe9\n\x9d,2\n")
    with pytest.raises(
        load.DataError, match=r": 2 of 12 bytes are none of the last\. First: byte 5\.\nExport it"
    ):
        case_files.grids([tmp_path / "a.csv"])


def test_a_mapping_is_needed_and_must_be_toml(room, tmp_path):
    file = room.write("people.csv", PEOPLE)
    with pytest.raises(load.DataError, match="ysj convert --draft-mapping"):
        sources.convert("case-export", [file], room.out)
    with pytest.raises(load.DataError, match=r"1 of 1 mapping files is not there\. First: none\.toml"):
        sources.convert("case-export", [file], room.out, mapping=str(tmp_path / "none.toml"))
    with pytest.raises(load.DataError, match="cannot be read"):
        room.convert(tail="[[[")
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(load.DataError, match="areas is missing"):
        read_mapping(tmp_path / "empty.toml")


@pytest.mark.parametrize(
    "part", ["files", "reading", "children", "events", "offences", "codes", "obsolete", "decisions"]
)
@pytest.mark.parametrize("value", ['"x"', "1", '["x"]', "2024-01-01"])
def test_a_part_that_is_no_table_is_refused(tmp_path, part, value):
    (tmp_path / "m.toml").write_text(f"{part} = {value}\n")
    with pytest.raises(load.DataError, match=f"of {part} are single values"):
        read_mapping(tmp_path / "m.toml")


def test_files_must_match_the_mapping(room):
    extra = room.write("extra.csv", PEOPLE)
    with pytest.raises(
        load.DataError, match=r"1 of 3 files is not in \[files\] of mapping.toml\. First: 'extra.csv'"
    ):
        room.convert(more=[extra])
    with pytest.raises(load.DataError, match=r"are not given\. First: 'lost\*.csv'"):
        room.convert_files({"outcomes.csv": OUTCOMES}, mapping().replace('"people.csv"', '"lost*.csv"'))


def test_the_lines_that_would_name_a_file_are_shown_and_do(room):
    header = ["area", "year", "group", "population"]
    more = [
        room.write("ons 2023.csv", [header, ["Islington", "2023", "White", "9"]]),
        room.write("New cases.csv", OUTCOMES),
        room.write("people 2.csv", PEOPLE),
    ]
    text = (
        mapping()
        .replace('people = "people.csv"', 'people_2 = "people.csv"')
        .replace('"people"', '"people_2"')
    )
    with pytest.raises(load.DataError, match="3 of 5 files are not in") as error:
        room.convert_files({"people.csv": PEOPLE, "outcomes.csv": OUTCOMES}, text, more=more)
    lines = str(error.value).partition("write under [files]:\n")[2]
    assert tomllib.loads(lines) == {
        "population": "ons 2023.csv",
        "new_cases": "New cases.csv",
        "people_2": ["people.csv", "people 2.csv"],
    }
    assert lines.count("# and file =") == 1  # a population is read without being asked for


# -- pseudonyms --------------------------------------------------------------------------------------


def test_a_pseudonym_is_the_hmac_that_openssl_gives():
    # printf 'child\0001001' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0000...00 (32 zero bytes)
    digest = "60410a95fb63549fcbe24afdcfedfa3b4a0b3c88e71fec75f050d8d11144debd"
    assert pseudonyms.pseudonyms(pd.Series(["1001"]), bytes(32), "child").tolist() == [digest[:20]]


def test_pseudonyms_depend_on_the_key_and_not_on_how_a_spreadsheet_wrote_the_id(room):
    outcomes = changed(OUTCOMES, {(1, 0): "1001.0", (2, 0): " '1001"})
    outcomes[2][0] = "'1001"
    room.convert(outcomes=outcomes)
    first = pd.read_csv(room.out / "events.csv", dtype=str)["child_id"]
    assert first.nunique() == 2
    room.out = room.path / "other"
    room.convert(outcomes=outcomes, key="another")
    assert not set(first) & set(pd.read_csv(room.out / "events.csv", dtype=str)["child_id"])


def test_a_key_is_made_only_when_asked_for_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "deep" / "key"
    with pytest.raises(load.DataError, match="there is no such key file"):
        pseudonyms.key(path)
    assert not path.parent.exists()
    assert pseudonyms.key(path, new=True) == pseudonyms.key(path) == pseudonyms.key(path, new=True)
    assert len(set(path.read_text().strip())) > 8
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o640)
        with pytest.raises(load.DataError, match="can be read by others"):
            pseudonyms.key(path)


@pytest.mark.parametrize(("mark", "where"), [(".git", "a Git repository"), ("study.toml", "a study folder")])
def test_a_key_beside_what_it_protects_is_refused(tmp_path, mark, where):
    (tmp_path / mark).mkdir()
    with pytest.raises(load.DataError, match=f"inside {where}"):
        pseudonyms.key(tmp_path / "sub" / "key", new=True)
    assert not (tmp_path / "sub").exists()


def test_a_key_must_be_named_and_be_one(tmp_path, monkeypatch):
    monkeypatch.delenv("YSJ_KEY_FILE", raising=False)
    with pytest.raises(load.DataError, match="new_key=yes"):
        pseudonyms.key()
    (tmp_path / "k").write_text("secret")
    (tmp_path / "k").chmod(0o600)
    monkeypatch.setenv("YSJ_KEY_FILE", str(tmp_path / "k"))
    with pytest.raises(load.DataError, match="not a key of 64") as error:
        pseudonyms.key()
    assert "secret" not in str(error.value)
    monkeypatch.setenv("YSJ_KEY_FILE", str(tmp_path / "new"))
    assert pseudonyms.key(new=True) == pseudonyms.key()


def test_no_message_shows_a_value_of_a_child(room):
    """Break each column of each file in turn: whatever is said, no id, name, date or text is in it."""
    messages = []
    for file, rows in (("people", PEOPLE), ("outcomes", OUTCOMES)):
        for column in range(len(rows[0])):
            broken = changed(rows, {(1, column): "Sekrit 123"})
            if file == "outcomes" and rows[0][column] in ("Outcome", "YOT"):
                continue  # code lists, whose labels may be shown
            if rows[0][column] in ("Gender", "Ethnicity(4)", "Looked after", "Home"):
                continue
            try:
                room.convert(**{file: broken})
            except load.DataError as error:
                messages.append(str(error))
            finally:
                shutil.rmtree(room.out, ignore_errors=True)
    assert len(messages) >= 3
    assert not any(value in message for value in (*PRIVATE, "Sekrit") for message in messages)


# -- dates, numbers, ages ----------------------------------------------------------------------------

LATEST = datetime.date(2024, 9, 30)


@pytest.mark.parametrize(
    ("text", "form", "iso"),
    [
        ("3/4/2023", "DD/MM/YYYY", "2023-04-03"),
        ("03/04/2023 23:59:00", "DD/MM/YYYY", "2023-04-03"),
        ("03-Apr-23", "DD-MMM-YY", "2023-04-03"),
        ("3 April 2023", "DD MMM YYYY", "2023-04-03"),
        ("01-Jan-99", "DD-MMM-YY", "1999-01-01"),
        ("45019", "EXCEL", "2023-04-03"),  # =DATEVALUE("2023-04-03") in a spreadsheet
        ("2023-03-31T23:30:00Z", "YYYY-MM-DD", "2023-04-01"),  # summer time: the next day, the next year
        ("2023-01-31 23:30:00+00:00", "YYYY-MM-DD", "2023-01-31"),  # winter time
        ("04/2023", "MM/YYYY", "2023-04-01"),
    ],
)
def test_dates_are_read_in_the_forms_of_the_mapping(text, form, iso):
    days, impossible, unread = dates(pd.Series([text]), [form], LATEST)
    assert (days[0], impossible[0], unread[0]) == (iso, False, False)


@pytest.mark.parametrize(
    "text", ["31/02/2023", "00/00/0000", "12/03/0202", "01/10/2024", "31/12/1969", "1/13/2023"]
)
def test_dates_that_cannot_be_are_told_from_those_in_another_form(text):
    days, impossible, unread = dates(pd.Series([text]), ["DD/MM/YYYY"], LATEST)
    assert (days[0], impossible[0], unread[0]) == ("", True, False)


def test_a_date_that_two_forms_read_differently_is_refused(room):
    _, impossible, unread = dates(
        pd.Series(["03/04/2023", "04/04/2023"]), ["DD/MM/YYYY", "MM/DD/YYYY"], LATEST
    )
    assert unread.tolist() == [True, False]
    assert not impossible.any()
    with pytest.raises(
        load.DataError, match=r"5 of 5 rows have a date in no form, or in two, .* First: row 2"
    ):
        room.convert(outcomes=changed(OUTCOMES, {(i, 3): "April 3rd" for i in range(1, 6)}))


def test_impossible_dates_stop_the_run_until_it_is_decided(room):
    outcomes = changed(OUTCOMES, {(2, 3): "31/06/2022"})
    people = changed(PEOPLE, {(1, 2): "31/06/2008"})
    with pytest.raises(load.DataError, match='impossible_dates = "remove"') as error:
        room.convert(people, outcomes)
    assert "31/06" not in str(error.value)
    room.convert(people, outcomes, tail='[decisions]\nimpossible_dates = "remove"')
    assert room.line("rows with an impossible date in column 'Date'")[:2] == (1, 4)
    assert room.line("impossible dates in column 'DOB'")[0] == 1
    assert "sentenced" not in (room.out / "events.csv").read_text()


def test_events_before_birth_and_without_a_date(room):
    people = changed(PEOPLE, {(1, 2): "03/04/2023"})
    with pytest.raises(load.DataError, match="3 of 5 events are dated before the birth"):
        room.convert(people)
    outcomes = changed(OUTCOMES, {(4, 3): ""})
    with pytest.raises(load.DataError, match="have no date"):
        room.convert(outcomes=outcomes)
    room.convert(people, outcomes, tail='[decisions]\nimpossible_dates = "remove"')
    assert room.line("before the birth")[0] == 3
    assert room.line("rows without a date")[0] == 1


def test_gravity_out_of_range_stops_or_is_emptied(room):
    outcomes = changed(OUTCOMES, {(1, 4): "9", (2, 4): "0", (3, 4): "'4", (4, 4): ""})
    with pytest.raises(load.DataError, match="2 of 5 rows have a gravity outside 1 to 8"):
        room.convert(outcomes=outcomes)
    room.convert(outcomes=outcomes, tail='[decisions]\nimpossible_gravity = "blank"')
    assert room.line("gravity outside 1 to 8")[0] == 2
    assert sorted(load.events(room.out)["gravity"].dropna()) == [4]


def test_mangled_ages_are_turned_back_and_counted(room):
    bands = ["Age", "Oct-14", "14-Oct", "15-17", "18+", "15"]
    outcomes = [[*row, band] for row, band in zip(OUTCOMES, bands, strict=True)]
    room.convert(outcomes=outcomes, events='age = "Age"')
    assert "2 age bands that a spreadsheet turned into dates" in str(room.ledger())
    assert sorted(set(load.events(room.out)["age"])) == ["10-14", "15-17", "18+"]
    assert room.line("under ten or over seventeen")[0] == 0
    room.out = room.path / "removed"
    room.convert(outcomes=outcomes, events='age = "Age"', tail='[decisions]\noutside_10_to_17 = "remove"')
    assert room.line("under ten or over seventeen")[0] == 1


# -- what counts -------------------------------------------------------------------------------------


def test_an_obsolete_outcome_counts_only_as_the_mapping_says(room):
    outcomes = [*OUTCOMES, ["1002", "A4", "Reprimand", "05/02/2023", "2", "Islington"]]
    with pytest.raises(load.DataError, match=r"'Reprimand' from 2013-04-08 on") as error:
        room.convert(outcomes=outcomes, stage='"Reprimand" = "caution"')
    assert '[obsolete."Reprimand"]\nmeans = "?"\nstage = "?"' in str(error.value)
    room.convert(outcomes=outcomes, tail='[obsolete."reprimand"]\nmeans = "Outcome 23"\nstage = "diversion"')
    assert load.events(room.out)["stage"].astype(str).tolist().count("diversion") == 1
    assert "'Outcome 23': diversion" in room.line("obsolete outcome 'Reprimand'")[2] + str(room.ledger())


def test_an_old_outcome_of_its_time_is_what_it_says(room):
    people = changed(PEOPLE, {(2, 2): "17/05/1999"})
    outcomes = [*OUTCOMES, ["1002", "A4", "Reprimand", "07/04/2013", "2", "Islington"]]
    room.convert(people, outcomes, stage='"Reprimand" = "caution"')
    assert load.events(room.out)["stage"].astype(str).tolist().count("caution") == 2


def test_outcomes_that_reach_no_stage_are_counted_away(room):
    outcomes = [*OUTCOMES, ["1002", "A2", "Breach", "05/02/2023", "2", "Islington"]]
    room.convert(outcomes=outcomes, stage='"Breach" = "not counted"')
    assert room.line("rows with an outcome that reaches no stage")[:2] == (1, 5)


def test_area_rules(room):
    known = changed(PEOPLE, {(3, 4): "White British"})
    room.convert(known, tail='[decisions]\nout_of_area = "keep"\nlooked_after_elsewhere = "remove"')
    events = load.events(room.out)
    assert sorted(events["area"]) == ["Islington", "Islington", "Out of area"]
    assert room.line("who live outside the area of their service")[0] == 3
    assert room.line("recorded as out of area")[0] == 0
    counts = pipeline.stage_counts(load.study(room.out))
    assert (
        counts.loc[counts["base"] == "population", "events"].sum() == 2
    )  # the out-of-area arrest is not counted


def test_days_of_transfer_are_read_and_an_impossible_one_is_not_recorded(room):
    people = [
        [*row, day]
        for row, day in zip(PEOPLE, ["Transferred in", "01/05/2022", "31/02/2022", ""], strict=True)
    ]
    part = 'transferred_in = "Transferred in"'
    with pytest.raises(load.DataError, match="1 of 3 rows have an impossible date"):
        room.convert(people, children=part)
    room.convert(people, children=part, tail='[decisions]\nimpossible_dates = "remove"')
    moved = load.children(room.out)["transferred_in"].dropna()
    assert [f"{day:%Y-%m-%d}" for day in moved] == ["2022-05-01"]


def test_an_export_that_does_not_say_who_said_it_is_counted_as_that(room):
    text = mapping().replace('ethnicity_source = { always = "self" }\n', "")
    room.convert_files({"people.csv": PEOPLE, "outcomes.csv": OUTCOMES}, text)
    assert load.study(room.out).ethnicity_source == "unknown"
    assert "the count is of ethnicity of unrecorded source" in str(room.ledger())
    room.out = room.path / "officers"
    text = 'ethnicity_source = "officer"\n' + mapping().replace('always = "self"', 'always = "officer"')
    room.convert_files({"people.csv": PEOPLE, "outcomes.csv": OUTCOMES}, text)
    assert load.study(room.out).ethnicity_source == "officer"


def test_what_each_label_was_read_as_stays_with_the_study(room):
    room.convert(ethnicity='"Chinese (A4)" = "A4"', top='ethnicity_base = "2001"')
    table = label_mapping.read_as(load.study(room.out))
    assert table[["label", "code", "detailed_group", "group", "code_list"]].to_numpy().tolist() == [
        ["white british", "W1", "White British", "White", "mapping.toml"],
        ["b1 caribbean", "B1", "Black Caribbean", "Black", "mapping.toml"],
        ["chinese (a4)", "A4", "Chinese", "Other", "mapping.toml"],  # on the base of 2001
    ]
    with pytest.raises(load.DataError, match="keeps no mapping of labels"):
        label_mapping.read_as(load.study(Path(__file__).parents[1] / "data" / "synthetic"))


def test_events_without_an_area_take_the_child_s_or_the_only_one(room):
    room.convert(
        outcomes=changed(OUTCOMES, {(i, 5): "" for i in range(1, 6)}), people=changed(PEOPLE, {(1, 6): ""})
    )
    assert room.line("put in the area the child lives in")[1] == 6
    assert room.line("put in the area of the study")[1] == 6
    assert room.line("of another service")[0] == 1
    room.out = room.path / "two"
    two = mapping().replace('areas = ["Islington"]', 'areas = ["Islington", "Camden"]')
    files = {
        "people.csv": changed(PEOPLE, {(1, 6): ""}),
        "outcomes.csv": changed(OUTCOMES, {(1, 5): "", (2, 5): ""}),
    }
    with pytest.raises(load.DataError, match="have no area, and the study has 2"):
        room.convert_files(files, two)


def test_rows_exported_twice_count_once_but_offences_alike_are_kept(room):
    room.convert(PEOPLE + PEOPLE[1:2], OUTCOMES + OUTCOMES[1:3], OFFENCES)
    assert room.line("people.csv: rows equal to an earlier one")[:2] == (1, 3)
    assert room.line("outcomes.csv: rows equal to an earlier one")[:2] == (2, 5)
    assert room.line("offences.csv: 1 rows equal to an earlier one, kept")[0] == 0
    assert len(load.offences(room.out)) == 2


def test_one_decision_for_several_offences_is_one_event_of_the_gravest(room):
    more = [["1001", "A1", "Referral Order", "03/06/2022", "6", "Islington"]]
    room.convert(outcomes=OUTCOMES + more)
    assert room.line("repeat a stage of the same episode")[:2] == (2, 5)
    events = load.events(room.out)
    assert events.loc[events["stage"] == "sentenced", "gravity"].tolist() == [6]


def test_children_who_share_a_case_number_have_an_episode_each(room):
    room.convert(outcomes=changed(OUTCOMES, {(3, 1): "A1", (4, 1): "A1"}))
    assert load.events(room.out)["episode_id"].nunique() == 2


def test_an_episode_may_be_put_together_from_columns(room):
    text = mapping().replace('episode_id = "Case"', 'episode_id = ["Person ID", "Case"]')
    room.convert_files({"people.csv": PEOPLE, "outcomes.csv": OUTCOMES}, text)
    assert load.events(room.out)["episode_id"].nunique() == 2


def test_a_date_column_can_mean_a_stage(room):
    outcomes = [
        [*row, extra] for row, extra in zip(OUTCOMES, ["Charged", "", "04/05/2022", "", "", ""], strict=True)
    ]
    more = '[[events]]\nfile = "outcomes"\nchild_id = "Person ID"\nepisode_id = "Case"\ndate = "Charged"\n'
    room.convert(outcomes=outcomes, tail=more + 'stage = { always = "charge" }')
    assert load.events(room.out)["stage"].astype(str).tolist().count("charge") == 1
    assert room.line("rows without a date in column 'Charged'")[0] == 4


def test_children_without_a_record_or_an_event(room):
    room.convert(PEOPLE[:2] + PEOPLE[3:], changed(OUTCOMES, {(5, 0): "1001", (5, 5): "Islington"}))
    assert room.line("2 events of 1 children without a record")[0] == 0
    assert room.line("children without an event")[:2] == (1, 1)
    room.out = room.path / "other"
    with pytest.raises(load.DataError, match="5 of 5 events are of children without a record"):
        room.convert(changed(PEOPLE, {(i, 0): f"X{i}" for i in (1, 2, 3)}))


def test_rows_without_a_child_id(room):
    outcomes = changed(OUTCOMES, {(4, 0): ""})
    with pytest.raises(load.DataError, match="1 of 5 rows have no child id"):
        room.convert(outcomes=outcomes)
    room.convert(outcomes=outcomes, tail='[decisions]\nno_child_id = "remove"')
    assert room.line("rows without a child id")[:2] == (1, 4)


# -- ethnicity between records of one child ----------------------------------------------------------

RECORDS = [  # day, code, who
    ("", "A1", "self"),
    ("2022-01-01", "B1", "self"),
    ("2023-01-01", "M1", "officer"),
    ("2024-01-01", "NS", "self"),
]


@pytest.mark.parametrize(
    ("rule", "code", "source"),
    [
        ("latest self-defined", "B1", "self"),
        ("latest", "M1", "officer"),
        ("first", "A1", "self"),
        ("not known", "NK", "unknown"),
    ],
)
def test_the_rule_for_changing_ethnicity_is_the_mapping_s(rule, code, source):
    records = pd.DataFrame(RECORDS, columns=["recorded", "ethnicity", "ethnicity_source"])
    for order in (range(4), reversed(range(4)), (2, 0, 3, 1)):
        ledger = Ledger()
        child = one_each(records.iloc[list(order)].assign(child_id="a"), rule, "2021", ledger).iloc[0]
        assert (child["ethnicity"], child["ethnicity_source"]) == (code, source)
        assert any("1 children have different known ethnicities" in line[1] for line in ledger.lines)


def test_a_refusal_does_not_hide_what_a_child_said_before_nor_make_something_up():
    ledger = Ledger()
    records = pd.DataFrame({"child_id": ["a", "a"], "ethnicity": ["NK", "NS"], "ethnicity_source": "self"})
    for rule in RULES:
        assert one_each(records, rule, "2021", ledger)["ethnicity"].iloc[0] in ("NK", "NS")
    assert not any("different known" in line[1] for line in ledger.lines)


def test_every_choice_is_explained():
    assert tuple(RULES) == DECISIONS["ethnicity_changes"]
    text = (Path(__file__).parents[1] / "docs" / "case-export.md").read_text(encoding="utf-8")
    for name, choices in DECISIONS.items():
        assert f"`{name}`" in text
        assert all(choice in text for choice in choices)
    for fields in FIELDS.values():
        assert all(f"`{field}`" in text for field in fields)
    assert set(CHOICES["looked_after"]) == {"yes", "no", ""}


# -- files as they come ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"encoding": "utf-8-sig", "lineterminator": "\r\n"},
        {"encoding": "utf-16", "delimiter": "\t"},
        {"encoding": "cp1252", "delimiter": ";"},
        {"encoding": "utf-8", "delimiter": "|", "quoting": csv.QUOTE_ALL},
    ],
)
def test_encodings_separators_and_line_ends(room, settings):
    people = changed(PEOPLE, {(1, 1): "Zoë"})
    expected = {p.name: p.read_bytes() for p in room.convert(people).iterdir() if p.name != "ledger.csv"}
    files = [room.write("people.csv", people, **settings), room.write("outcomes.csv", OUTCOMES, **settings)]
    options = {"mapping": str(room.path / "mapping.toml"), "key": str(room.path / "private" / "key")}
    out = sources.convert("case-export", files, room.path / "again", **options)
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.name != "ledger.csv"} == expected


def test_titles_totals_notes_and_marked_headers(room):
    titled = [
        ["Run by the data team"],
        [],
        *OUTCOMES,
        ["Total", "", "5"],
        ["", "Grand Total", "5"],
        [""],
        ["(1) note"],
    ]
    titled[2] = [f" {cell} (1)" for cell in OUTCOMES[0]]
    width = len(OUTCOMES[0])
    study = load.study(room.convert(outcomes=[[*row, *[""] * (width - len(row))] for row in titled]))
    assert len(study.events) == 5
    assert room.line("outcomes.csv: 2 rows above the header")[0] == 2
    assert room.line("outcomes.csv: totals rows")[0] == 2
    assert room.line("outcomes.csv: rows with one filled cell")[0] == 1
    assert "6 of 6 headers read without a footnote mark" in str(room.ledger())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [["Person", *OUTCOMES[0][1:]], *OUTCOMES[1:]],
            "1 of 6 columns of the mapping are not there: 'Person ID'",
        ),
        (
            [[*OUTCOMES[0], "Date"], *([*r, "01/01/2022"] for r in OUTCOMES[1:])],
            "have the header 'Date' and differ",
        ),
        ([*OUTCOMES, [*OUTCOMES[1], "", "spill"]], "1 of 6 rows are longer than the header. First: row 7"),
        ([OUTCOMES[0]], "0 rows under the header"),
        ([[]], "the file is empty: 0 of 2 bytes are text"),
    ],
)
def test_files_of_another_shape_are_refused(room, rows, message):
    with pytest.raises(load.DataError) as error:
        room.convert(outcomes=rows)
    assert message in str(error.value)
    assert not room.out.exists()


def workbook_file(path, sheets):
    """Write a workbook by hand: inline strings, and true dates where a cell is a date."""
    names = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(sheets, 1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    rels = "".join(
        f'<Relationship Id="rId{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    rels += f'<Relationship Id="rId99" Type="{office}/styles" Target="styles.xml"/>'
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
            f'ContentType="{kinds}.sheet.main+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{rels}</Relationships>',
        )
        book.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
            "</styleSheet>",
        )
        for i, rows in enumerate(sheets.values(), 1):
            body = "".join(
                f'<row r="{r}">'
                + "".join(_cell(f"{chr(65 + c)}{r}", value) for c, value in enumerate(row))
                + "</row>"
                for r, row in enumerate(rows, 1)
            )
            book.writestr(
                f"xl/worksheets/sheet{i}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
            )
    return path


def _cell(place, value):
    if isinstance(value, datetime.date):
        return f'<c r="{place}" s="1"><v>{(value - datetime.date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def test_a_workbook_gives_the_same_study_as_csv(room):
    expected = pd.read_csv(room.convert() / "events.csv", dtype=str)
    outcomes = [OUTCOMES[0]]
    for row in OUTCOMES[1:]:
        day = pd.to_datetime(row[3], dayfirst="/" in row[3]).date()
        outcomes.append([int(row[0]), row[1], row[2], day, int(float(row[4])), row[5]])
    book = workbook_file(room.path / "export.xlsx", {"People": PEOPLE, "Outcomes": outcomes, "Empty": []})
    text = (
        mapping()
        .replace('"people.csv"', '"export.xlsx#People"')
        .replace('"outcomes*.csv"', '"export.xlsx#Out*"')
    )
    (room.path / "mapping.toml").write_text(text)
    options = {"mapping": str(room.path / "mapping.toml"), "key": str(room.path / "private" / "key")}
    out = sources.convert("case-export", [book], room.path / "again", **options)
    pd.testing.assert_frame_equal(pd.read_csv(out / "events.csv", dtype=str), expected)


# -- the how-to --------------------------------------------------------------------------------------


def test_the_commands_of_the_how_to_run_as_they_stand(tmp_path, monkeypatch, capsys):
    """All but the report, which has tests of its own; then its few lines of Python."""
    from ysj_analysis.__main__ import main

    text = (Path(__file__).parents[1] / "docs" / "case-export.md").read_text(encoding="utf-8")
    commands = [line.split()[1:] for line in text.splitlines() if line.startswith("    ysj ")]
    assert [command[0] for command in commands] == ["synth", "convert", "convert", "check", "report"]
    monkeypatch.chdir(tmp_path)
    for command in commands[:-1]:
        assert main(command) == 0, (command, capsys.readouterr().err)
    assert "can be used" in capsys.readouterr().out
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], {})
    assert "Islington" in capsys.readouterr().out


def yearless(text, extract):
    return text.replace("years = [2022, 2022]\n", "").replace("2024-09-30", extract)


def test_a_part_of_a_year_is_not_among_the_years(room):
    """The export is of 30 September 2024: 2023-24 is the last year that had ended."""
    files = {"people.csv": PEOPLE, "outcomes.csv": OUTCOMES}
    text = mapping().replace("years = [2022, 2022]", "years = [2022, 2024]")
    with pytest.raises(load.DataError, match=r"years ends with 2024, .* Write years = \[2022, 2023\]"):
        room.convert_files(files, text)


def test_without_years_the_last_whole_one_is_the_last(room):
    """Events after it are kept, to follow the years before; the ledger says so."""
    later = [*OUTCOMES, ["1002", "A9", "Arrest", "05/06/2024", "2", "Islington"]]
    files = {"people.csv": PEOPLE, "outcomes.csv": later}
    study = load.study(room.convert_files(files, yearless(mapping(), "2024-09-30")))
    assert study.years == (2022, 2023)
    assert room.line("events after 2023-24")[1] == 1


def test_an_export_without_a_whole_year_is_refused(room):
    files = {"people.csv": PEOPLE, "outcomes.csv": OUTCOMES}
    with pytest.raises(
        load.DataError, match=r"0 of the years of \d events are whole\. First: 2022-23, of which"
    ):
        room.convert_files(files, yearless(mapping(), "2022-12-31"))
