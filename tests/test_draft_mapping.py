"""A draft says which column seems to be what, how sure that is, and shows nothing of a child."""

import csv
import re
import tomllib

import pytest

from ysj_analysis import load, messy, pipeline, sources
from ysj_analysis.__main__ import main
from ysj_analysis.case_fields import FIELDS, plain
from ysj_analysis.draft_labels import STAGE, ethnicity
from ysj_analysis.draft_mapping import draft
from ysj_analysis.vocabulary import STAGES


def table(folder, name, header, rows):
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return folder / name


PEOPLE = ["Client No", "First Names", "D.O.B. / Birth", "Sex", "Ethnic Origin", "Care Status", "Home Borough"]
OUTCOMES = [
    "Client No",
    "Episode Ref",
    "Disposal",
    "Date of Disposal",
    "Gravity Score",
    "YOT",
    "Allocated Worker",
]


def export(folder, n=40):
    people = [
        [f"77{i:04d}", "Xanthe", f"{i % 27 + 1:02d}/03/2009", "MF"[i % 2], ["W1 - White British", "B2"][i % 2],
         "Yes", "Islington"]
        for i in range(n)
    ]  # fmt: skip
    outcomes = [
        [f"77{i:04d}", f"EP{i}", ["Arrest", "Referral Order", "Reprimand", "Novel Order"][i % 4],
         f"{i % 27 + 1}/04/2023", str(i % 8 + 1), "Islington", "Q. Grimsditch"]
        for i in range(n)
    ]  # fmt: skip
    return [table(folder, "people.csv", PEOPLE, people), table(folder, "outcomes.csv", OUTCOMES, outcomes)]


# -- what it proposes --------------------------------------------------------------------------------


def test_columns_are_recognised_with_how_sure_and_the_rest_is_left_open(tmp_path):
    text = draft(export(tmp_path))
    settings = tomllib.loads(text)
    assert settings["children"] == {
        "file": "people",
        "child_id": "Client No",
        "birth_date": "D.O.B. / Birth",
        "sex": "Sex",
        "ethnicity": "Ethnic Origin",
        "ethnicity_source": {"always": "?"},
        "looked_after": "Care Status",
        "area": "Home Borough",
    }
    assert settings["events"] == [
        {
            "file": "outcomes",
            "child_id": "Client No",
            "episode_id": "Episode Ref",
            "stage": "Disposal",
            "date": "Date of Disposal",
            "area": "YOT",
            "gravity": "Gravity Score",
        }
    ]
    assert 'sex = "Sex"  # sure: by its header, and 100% of 40 values fit' in text
    assert 'child_id = "Client No"  # likely: by its header; ids are not looked at' in text
    assert settings["reading"]["dates"] == ["DD/MM/YYYY"]
    assert settings["areas"] == ["?"]
    assert settings["extract_date"] == "?"


def test_codes_are_proposed_when_known_and_left_open_when_not(tmp_path):
    codes = tomllib.loads(draft(export(tmp_path)))["codes"]
    assert codes["ethnicity"] == {"W1 - White British": "W1", "B2": "B2"}
    assert codes["sex"] == {"M": "male", "F": "female"}
    assert codes["stage"] == {
        "Arrest": "arrest",
        "Referral Order": ["sentenced", "first_tier"],
        "Novel Order": "?",
    }
    assert codes["area"] == {"Islington": "?"}


def test_the_stages_one_may_choose_from_stand_above_their_codes(tmp_path):
    above = draft(export(tmp_path)).partition("\n[codes.stage]")[0].rpartition("\n\n")[2]
    assert all(line.startswith("# ") and len(line) <= 100 for line in above.splitlines())
    listed = above.replace("\n# ", " ").partition("The stages: ")[2].rstrip(".").split(", ")
    assert [stage.partition(" (")[0] for stage in listed] == list(STAGES)
    assert "cohort (reoffending cohort)" in listed


def test_an_obsolete_outcome_is_left_to_be_explained(tmp_path):
    text = draft(export(tmp_path))
    assert tomllib.loads(text)["obsolete"] == {"Reprimand": {"means": "?", "stage": "?"}}
    assert "ended on 2013-04-08" in text


def test_values_alone_are_enough_where_the_header_says_nothing(tmp_path):
    rows = [[f"P{i}", ["W1", "B2", "A1 - Indian"][i % 3], ["Male", "Female"][i % 2]] for i in range(30)]
    settings = tomllib.loads(draft([table(tmp_path, "x.csv", ["Person ID", "Field 7", "Field 8"], rows)]))
    assert settings["children"]["ethnicity"] == "Field 7"
    assert settings["children"]["sex"] == "Field 8"


def test_two_columns_that_fit_alike_are_left_to_a_person(tmp_path):
    rows = [[f"P{i}", "W1", "B2"] for i in range(10)]
    text = draft([table(tmp_path, "x.csv", ["Person ID", "Ethnicity", "Ethnicity PNC"], rows)])
    assert tomllib.loads(text)["children"]["ethnicity"] in ("?", "Ethnicity")  # PNC is a private word
    text = draft([table(tmp_path, "y.csv", ["Person ID", "Ethnicity", "Ethnic group"], rows)])
    assert tomllib.loads(text)["children"]["ethnicity"] == "?"
    assert "'Ethnic group' fits as well" in text


def test_a_header_its_values_do_not_bear_out_is_left_open(tmp_path):
    rows = [[f"P{i}", "W1", f"zz{i}"] for i in range(10)]
    text = draft([table(tmp_path, "x.csv", ["Person ID", "Ethnicity", "Gender"], rows)])
    assert tomllib.loads(text)["children"]["sex"] == "?"
    assert "but only 0% of 10 values fit" in text


@pytest.mark.parametrize(
    ("dates", "forms"),
    [
        (["25/12/2022", "01/02/2023"], ["DD/MM/YYYY"]),
        (["12/25/2022", "01/02/2023"], ["MM/DD/YYYY"]),
        (["2022-12-25", "2023-02-01"], ["YYYY-MM-DD"]),
        (["25-Dec-22", "01/02/2023 00:00:00"], ["DD/MM/YYYY", "DD-MMM-YY"]),
        (["44920", "44958"], ["EXCEL"]),
    ],
)
def test_the_forms_of_dates_are_told_apart(tmp_path, dates, forms):
    rows = [[f"P{i}", "E1", "Arrest", day] for i, day in enumerate(dates * 5)]
    header = ["Person ID", "Case ID", "Outcome", "Outcome Date"]
    settings = tomllib.loads(draft([table(tmp_path, "x.csv", header, rows)]))
    assert settings["reading"]["dates"] == forms


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("A1 - Indian", "A1"),
        ("Black or Black British - African (B2)", "B2"),
        ("Other ethnic group - Not stated", "NS"),
        ("Mixed or Multiple ethnic groups: White and Black African", "M2"),
        ("Black, Black British, Black Welsh, Caribbean or African: Caribbean", "B1"),
        ("W1 - Black African", None),
        ("Black", None),
        ("African", None),
        ("Blck", None),
    ],
)
def test_an_ethnicity_is_known_whole_or_not_at_all(label, code):
    assert ethnicity(label) == code


def test_every_proposed_stage_exists():
    assert {stage for stages in STAGE.values() for stage in stages} <= {*STAGES, "not counted"}
    assert all(label == plain(label) for label in STAGE)


# -- what it never shows -----------------------------------------------------------------------------


def test_no_value_of_a_private_column_is_shown_however_few_there_are(tmp_path):
    text = draft(export(tmp_path))
    for value in ("Xanthe", "Grimsditch", "770001", "/03/2009", "/04/2023", "EP1"):
        assert value not in text, value
    assert "'First Names': it may hold names or free text" in text


@pytest.mark.parametrize(
    "header",
    ["Name", "Known as", "Outcome notes", "Decided by", "Ethnicity recorded by", "Field 9", "Sex offender officer",
     "Reason", "Authorising manager", "Local school", "Person ID", "PNC", "Birth town", "Email"],
)  # fmt: skip
def test_names_under_any_header_stay_private(tmp_path, header):
    rows = [[f"P{i}", "W1", ["Zelda Quux", "Otto Frob"][i % 2]] for i in range(60)]
    text = draft([table(tmp_path, "x.csv", ["Child ref", "Ethnicity", header], rows)])
    assert "Zelda" not in text
    assert "Frob" not in text


def test_a_remark_typed_into_a_code_column_is_not_shown(tmp_path):
    rows = [[f"P{i}", "W1", "Male"] for i in range(40)]
    rows += [["P90", "Somali, see Aunt Zelda", "Male"], ["P91", "W1", "call 0207 946 0000"]]
    rows += [[f"P{i}", "N1 7AA flat 2", "12/03/2009"] for i in range(92, 97)]
    text = draft([table(tmp_path, "x.csv", ["Person ID", "Ethnicity", "Gender"], rows)])
    for value in ("Zelda", "0207", "N1 7AA", "12/03/2009"):
        assert value not in text, value
    assert "2 different labels in 6 rows are not shown" in text


def test_a_file_without_a_header_row_shows_nothing(tmp_path):
    file = table(
        tmp_path, "x.csv", ["100123", "Zelda", "03/04/2009", "W1"], [["100124", "Otto", "03/05/2009", "B2"]]
    )
    with pytest.raises(load.DataError, match="2 of its 4 cells have numbers or dates") as error:
        draft([file])
    assert "Zelda" not in str(error.value)


def test_hostile_headers_and_labels_stay_text(tmp_path):
    header = ["Person ID", 'Ethnicity "x"\u202e\n[codes]', "<script>alert(1)</script>"]
    rows = [
        [
            f"P{i}",
            ["W1", 'a"\n[decisions]\n# \u202e', "B2", "W9"][i % 4],
            "x" * 1_000_000 if i == 1 else "=1+1",
        ]
        for i in range(40)
    ]
    text = draft([table(tmp_path, "x.csv", header, rows)])
    settings = tomllib.loads(text)
    assert len(text) < 20_000
    assert "\u202e" not in text
    assert set(settings["codes"]) == {"ethnicity"}
    assert len(settings["codes"]["ethnicity"]) == 4


# -- from draft to study -----------------------------------------------------------------------------


def test_convert_refuses_a_draft_as_it_is(tmp_path, capsys):
    files = [str(path) for path in export(tmp_path)]
    assert main(["convert", "--draft-mapping", *files, "--out", str(tmp_path / "mapping.toml")]) == 0
    out = str(tmp_path / "out")
    assert (
        main(["convert", "case-export", *files, "--mapping", str(tmp_path / "mapping.toml"), "--out", out])
        == 2
    )
    message = capsys.readouterr().err
    assert re.search(r"mapping\.toml: \d+ of \d+ entries are still undecided", message)
    assert "[areas]" in message
    assert not (tmp_path / "out").exists()


def test_a_draft_is_printed_or_written_once(tmp_path, capsys):
    files = [str(path) for path in export(tmp_path)]
    assert main(["convert", "--draft-mapping", "case-export", *files]) == 0
    printed = capsys.readouterr().out
    assert printed == draft(files)
    target = tmp_path / "mapping.toml"
    target.write_text("mine")
    assert main(["convert", "--draft-mapping", *files, "--out", str(target)]) == 2
    assert "already there" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert main(["convert", "case-export", *files]) == 2
    assert "--out FOLDER is missing" in capsys.readouterr().err
    assert main(["convert", "--draft-mapping", str(tmp_path / "none.csv")]) == 2


def completed(text, truth):
    """Decide what a draft left open, as an analyst would: from the mapping that is known to be right."""
    known = {f: {plain(k): v for k, v in labels.items()} for f, labels in truth["codes"].items()}
    settings = tomllib.loads(text)
    for table_name in ("children", "events", "offences"):
        parts = settings[table_name] if isinstance(settings[table_name], list) else [settings[table_name]]
        right = truth[table_name] if isinstance(truth[table_name], dict) else truth[table_name][0]
        for part in parts:
            for field in FIELDS[table_name]:
                if part.get(field) == "?":
                    part[field] = right[field]
    wrong = 0
    for field, labels in settings["codes"].items():
        for label, value in labels.items():
            right = known[field][plain(label)]
            wrong += value not in ("?", right)
            labels[label] = right
        for label, value in known[field].items():
            labels.setdefault(label, value)
    for field, labels in truth["codes"].items():
        settings["codes"].setdefault(field, labels)
    settings |= {key: truth[key] for key in ("areas", "years", "extract_date", "obsolete", "decisions")}
    return settings, wrong


def test_a_completed_draft_of_the_messy_export_gives_its_truth(tmp_path):
    """Of the labels it proposes a meaning for, none is wrong; the rest decided, the counts are the same."""
    folder = messy.write(tmp_path / "export", seed=4)
    files = [folder / f"{name}.csv" for name in ("young_people", "outcomes", "offences", "population")]
    text = draft(files)
    truth = tomllib.loads((folder / "mapping.toml").read_text(encoding="utf-8"))
    settings, wrong = completed(text, truth)
    assert wrong == 0
    proposed = sum(
        v != "?" for f in ("ethnicity", "stage", "sex") for v in tomllib.loads(text)["codes"][f].values()
    )
    assert proposed > 100
    (tmp_path / "mapping.toml").write_text(as_toml(settings), encoding="utf-8")
    key = {"key": str(tmp_path / "private" / "key"), "new_key": "yes"}
    ours, theirs = (
        load.study(sources.convert("case-export", files, tmp_path / name, mapping=str(mapping), **key))
        for name, mapping in (("a", tmp_path / "mapping.toml"), ("b", folder / "mapping.toml"))
    )
    a, b = (pipeline.stage_counts(study) for study in (ours, theirs))
    assert a.equals(b)


def as_toml(settings):
    import json

    def value(v):
        if isinstance(v, dict):
            return "{ " + ", ".join(f"{json.dumps(k)} = {value(x)}" for k, x in v.items()) + " }"
        if isinstance(v, list):
            return "[" + ", ".join(value(x) for x in v) + "]"
        return v.isoformat() if hasattr(v, "isoformat") else json.dumps(v, ensure_ascii=False)

    return "\n".join(f"{key} = {value(v)}" for key, v in settings.items())


def test_nothing_private_of_the_messy_export_is_in_its_draft(tmp_path):
    folder = messy.write(tmp_path / "export", seed=5)
    text = draft([folder / "young_people.csv", folder / "outcomes.csv", folder / "offences.csv"])
    for value in (*messy._SURNAMES, *messy._FORENAMES, "N1 1AA", "0207", "see file", "xxxxx"):
        assert value not in text, value
    assert not re.search(r"\b10\d{4}\b", text.replace("1,0", ""))  # the numbers of the children
    assert not re.search(
        r"\d{2}/\d{2}/\d{4}|\b(19|20)\d\d-\d\d-\d\d", re.sub(r"ended on [\d-]+|2024-09-30", "", text)
    )
