"""A table is read as it stands, or refused in one readable block."""

import codecs
import re

import pandas as pd
import pytest

from ysj_analysis import load
from ysj_analysis.reading import near, shown
from ysj_analysis.tables import in_order
from ysj_analysis.vocabulary import STAGES

COUNTS = """\
area,year,stage,group,events,denominator
Islington,2023,arrest,Asian,12,2100
Islington,2023,arrest,Black,60,3770
Islington,2023,arrest,White,45,6510
Islington,2023,charge,Asian,3,12
Islington,2023,charge,Black,25,60
Islington,2023,charge,White,12,45
"""
CHILDREN = """\
child_id,sex,birth_month,ethnicity,ethnicity_source,looked_after,send,area
kid-7,male,2009-07,B1,self,yes,no,Islington
kid-8,female,,W1,self,,,Islington
"""
EVENTS = """\
child_id,episode_id,stage,date,area
kid-7,ep-1,arrest,2023-05-01,Islington
kid-7,ep-1,charge,2023-06-01,Islington
kid-8,ep-2,arrest,2024-02-01,Islington
"""
POPULATION = """\
area,year,group,population
Islington,2023,Asian,2100
Islington,2023,Black,3770
Islington,2023,White,6510
"""
SETTINGS = """\
title = "Three groups"
areas = ["Islington"]
ethnicity_base = "own"
groups = ["Asian", "Black", "White"]
reference = "White"
period = "financial"
years = [2023, 2023]
"""


@pytest.fixture
def written(tmp_path):
    """Write files to a study folder; text or bytes."""

    def write(**files):
        folder = tmp_path / "my study"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            path = folder / name.replace("_", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return write


def refusal(call, *arguments, **more) -> str:
    with pytest.raises(load.DataError) as error:
        call(*arguments, **more)
    return str(error.value)


# -- what is merely ugly is tidied -------------------------------------------------------------------

TIDY = pd.DataFrame({"group": ["Asian", "Black", "White"] * 2, "events": [12.0, 60, 45, 3, 25, 12]})


@pytest.mark.parametrize(
    "ugly",
    [
        COUNTS,
        codecs.BOM_UTF8 + COUNTS.encode(),
        COUNTS.replace("\n", "\r\n"),
        COUNTS.replace(",", " , "),
        COUNTS.rstrip("\n"),
        COUNTS.replace("\n", "\n\n") + ",,,,,\n\n",
        COUNTS.replace("\n", ",\n"),
        COUNTS.replace("Islington", '"Islington"').replace("12", "12.0"),
        "extra," + COUNTS.replace("\nIslington", "\n,Islington"),
        COUNTS.replace("3770", '"3,770"').replace("6510", '"6,510.0"'),
    ],
)
def test_ugly_files_read_alike(written, ugly):
    table = load.counts(written(counts_csv=ugly))
    assert table[["group", "events"]].astype({"group": str}).equals(TIDY.astype({"group": str}))
    assert list(table["area"].unique()) == ["Islington"]
    assert table["denominator"].sum() == 2100 + 3770 + 6510 + 12 + 60 + 45
    assert list(table.index) == list(range(6))


def test_types(written):
    folder = written(children_csv=CHILDREN, events_csv=EVENTS, population_csv=POPULATION)
    study = load.study(folder)
    assert study.children["ethnicity"].cat.ordered
    assert study.children["birth_month"].to_list() == ["2009-07", ""]
    assert study.events["date"].dt.year.to_list() == [2023, 2023, 2024]
    assert list(study.events["stage"].cat.categories) == list(STAGES)
    assert study.population["population"].to_list() == [2100.0, 3770.0, 6510.0]
    assert (study.base, study.unit, study.years) == ("2021", "children", (2023, 2023))
    assert study.groups[-1] == "Unknown"


def test_a_hidden_count_is_missing_and_nothing_else_is(written):
    table = load.counts(written(counts_csv=COUNTS.replace("Black,60", "Black,[c]")))
    assert table["events"].isna().to_list() == [False, True, False, False, False, False]


def test_labels_travel_as_text(written):
    odd = ["=1+1", "<b>x</b>", "\u202eabc", "x" * 200_000, "NA", "null", "1e5"]
    rows = "".join(f"A,2023,arrest,{g},1\n" for g in odd)
    table = load.counts(written(counts_csv="area,year,stage,group,events\n" + rows))
    assert table["group"].astype(str).to_list() == odd
    assert load.study(written()).groups == tuple(odd)


# -- files that cannot be read -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "counts.csv: the file is empty. It needs a header row and at least one row."),
        (b"\n\n", "counts.csv: the file is empty. It needs a header row and at least one row."),
        (COUNTS.splitlines()[0], "counts.csv: 0 rows under the header. The file needs at least one row."),
        (
            COUNTS.replace("Black", "Noir\xe9").encode("latin-1"),
            "counts.csv: 2 of 7 rows are not UTF-8 text. First: row 3. Save the file again as 'CSV UTF-8'.",
        ),
        (
            COUNTS.encode("utf-16"),
            "counts.csv: not UTF-8 text; it looks like UTF-16, or is no text at all. Save the file again as "
            "'CSV UTF-8'.",
        ),
        (
            COUNTS.encode("utf-16-le"),
            "counts.csv: not UTF-8 text; it looks like UTF-16, or is no text at all. Save the file again as "
            "'CSV UTF-8'.",
        ),
        (
            COUNTS.replace(",25,60", ""),
            "counts.csv: 1 of 6 rows do not have the 6 columns of the header. First: row 6, which has 4. Look for "
            "an unquoted comma, a row cut short, or a title above the header.",
        ),
        (
            COUNTS.replace("3770", "3,770").replace("6510", "6,510"),
            "counts.csv: 2 of 6 rows do not have the 6 columns of the header. First: row 3, which has 7. Look for "
            "an unquoted comma, a row cut short, or a title above the header.",
        ),
        (
            COUNTS.replace("Black,60", '"Black,60'),
            "counts.csv: a quotation mark is opened and never closed. First: row 3. Close it, or take it out.",
        ),
        (
            COUNTS.replace("denominator", "events"),
            "counts.csv: 1 of 6 columns repeat the name of an earlier one. First: column 'events'. Keep one of "
            "them.",
        ),
        (
            COUNTS.replace("denominator", ""),
            "counts.csv: 1 of 6 columns have no name. First: column 6. Name it in the header row, which must be "
            "the first row.",
        ),
        (
            COUNTS.replace(",", ";"),
            "counts.csv: the header is one column, with ';' in it where a comma is expected. Save the file again "
            "with commas between columns.",
        ),
    ],
)
def test_files_that_cannot_be_read(written, content, message):
    assert refusal(load.counts, written(counts_csv=content)) == message


def test_a_study_of_groups_of_its_own_is_told_how_to_say_so(tmp_path):
    (tmp_path / "study.toml").write_text('title = "Two groups"\n', encoding="utf-8")
    (tmp_path / "counts.csv").write_text(
        "area,year,stage,group,events\nA,2023,arrest,Black,3\nA,2023,arrest,White,4\n", encoding="utf-8"
    )
    with pytest.raises(load.DataError) as error:
        load.study(tmp_path)
    own = 'ethnicity_base = "own" and groups = ["Black", "White"]'
    assert str(error.value).endswith(f"If the study counts no such group, write {own} in study.toml.")
    (tmp_path / "study.toml").write_text(own.replace(" and ", "\n"), encoding="utf-8")
    assert load.study(tmp_path).groups == ("Black", "White")


def test_a_file_that_is_not_there(tmp_path):
    message = refusal(load.counts, tmp_path / "no.csv")
    assert message == f"no.csv: there is no such file in {tmp_path.name}/. Check its name, and the folder's."


# -- tables that cannot be used ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "year",
            "Years",
            "counts.csv: 1 of 5 required columns are missing: year. Did you mean 'Years'? The file has 'area', "
            "'Years', 'stage', 'group', 'events', 'denominator'.",
        ),
        (
            "charge",
            "chrage",
            "counts.csv: 3 of 6 rows have a stage that is not in the stage graph in column stage: 'chrage' (3). "
            "Did you mean 'charge'? First: row 5, column stage. Correct it, or add the stage to study.toml.",
        ),
        (
            "Black,60",
            "Black,-60",
            "counts.csv: 1 of 6 rows have a value that is not a whole number of 0 or more in column events: '-60' "
            "(1). First: row 3, column events. Give a whole number, or [c] for a hidden count.",
        ),
        (
            "Black,60",
            "Black,60.5",
            "counts.csv: 1 of 6 rows have a value that is not a whole number of 0 or more in column events: '60.5' "
            "(1). First: row 3, column events. Give a whole number, or [c] for a hidden count.",
        ),
        (
            "Black,60",
            "Black,",
            "counts.csv: 1 of 6 rows have a value that is not a whole number of 0 or more in column events: '' "
            "(1). First: row 3, column events. Give a whole number, or [c] for a hidden count.",
        ),
        (
            "2023,arrest,Asian",
            "2023-24,arrest,Asian",
            "counts.csv: 1 of 6 rows have a value that is not a year of four digits in column year: '2023-24' (1). "
            "First: row 2, column year. Write the year it starts in, as 2023 for 2023-24.",
        ),
        (
            "25,60",
            "61,60",
            "counts.csv: 1 of 6 rows have more events than their denominator. First: row 6, column events. A "
            "stage fed by another cannot hold more than the stage before it: check the two columns, or the base "
            "of the stage.",
        ),
        (
            "charge,Black",
            "charge,Asian",
            "counts.csv: 1 of 6 rows repeat the key (area, year, stage, group) of an earlier row. First: row 6, "
            "column area. Keep one row for each key.",
        ),
        (
            "Islington,2023,charge,Black,25,60\n",
            "",
            "counts.csv: 1 of 2 combinations of area, year, stage lack a group. First: 'Islington', 2023, "
            "'charge' has no row for 'Black' (see row 5, column group). Add the row with 0 if there were none, "
            "or [c] if the number is hidden.",
        ),
        (
            "charge,White",
            "charge,Total",
            "counts.csv: 1 of 6 rows are totals in column group: 'Total'. First: row 7, column group. Take them "
            "out: parts are added up here, and a total among them would be counted twice.",
        ),
    ],
)
def test_counts_that_cannot_be_used(written, old, new, message):
    assert refusal(load.counts, written(counts_csv=COUNTS.replace(old, new))) == message


@pytest.mark.parametrize("mark", ["nan", "NaN", "NA", "*", "<5", "..", "٣", "1e3", "inf", "0x10"])
def test_nothing_but_the_mark_stands_for_a_hidden_count(written, mark):
    message = refusal(load.counts, written(counts_csv=COUNTS.replace("Black,60", f"Black,{mark}")))
    assert f"in column events: {shown(mark)} (1). First: row 3, column events." in message


def test_all_faults_at_once_and_rows_as_in_the_file(written):
    text = COUNTS.replace("\n", "\n\n").replace("charge,White,12", "chrage,White,x")
    message = refusal(load.counts, written(counts_csv=text))
    assert len(message.splitlines()) == 2
    assert "First: row 13, column stage." in message
    assert "First: row 13, column events." in message


def test_an_unknown_group_is_never_guessed(written):
    folder = written(counts_csv=COUNTS.replace("charge,White", "charge,Wite"), study_toml=SETTINGS)
    assert refusal(load.study, folder) == (
        "counts.csv: 1 of 6 rows have an ethnic group that is not in the study in column group: 'Wite' (1). Did "
        "you mean 'White'? First: row 7, column group. Correct it, or list it under groups in study.toml. "
        "Labels are never guessed."
    )


def test_a_missing_sex_of_one_group_is_a_missing_row(written):
    text = "area,year,stage,group,sex,events\n" + "".join(
        f"A,2023,arrest,{g},{s},5\n" for g in ("Black", "White") for s in ("female", "male")
    )
    message = refusal(load.counts, written(counts_csv=text.replace("A,2023,arrest,Black,female,5\n", "")))
    assert (
        "1 of 2 combinations of area, year, stage, sex lack a group. First: 'A', 2023, 'arrest', 'female'"
        in (message)
    )


# -- tables about children ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "2023-06-01",
            "01/06/2023",
            "have a value that is not a date written YYYY-MM-DD in column date. First: row 3, column date.",
        ),
        (
            "2023-06-01",
            "",
            "have a value that is not a date written YYYY-MM-DD in column date. First: row 3, column date.",
        ),
        (
            "kid-8",
            "",
            "1 of 3 rows have nothing in column child_id. First: row 4, column child_id. Fill it in.",
        ),
        (
            "kid-7,ep-1,charge",
            "kid-8,ep-1,charge",
            "1 of 2 episodes belong to more than one child. First: row 3",
        ),
        ("charge,2023-06-01", "arrest,2023-05-01", "1 of 3 rows repeat the key (episode_id, stage, date)"),
    ],
)
def test_an_events_error_shows_no_child(written, old, new, message):
    said = refusal(load.events, written(events_csv=EVENTS.replace(old, new)))
    assert message in said
    assert "kid-" not in said
    assert "ep-" not in said
    assert "/2023" not in said


def test_a_children_error_shows_codes_only(written):
    folder = written(children_csv=CHILDREN.replace("B1", "Blck").replace("2009-07", "July 2009"))
    said = refusal(load.children, folder)
    assert "1 of 2 rows have a value that is not in the vocabulary in column ethnicity: 'Blck' (1)." in said
    assert "have a value that is not a month written YYYY-MM in column birth_month. First: row 2" in said
    assert "July" not in said


# -- population --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            POPULATION.replace("Black,3770", "Black,-1"),
            "not a whole number of 0 or more in column population: '-1'",
        ),
        (
            "age," + POPULATION.replace("\nI", "\n9,I"),
            "population.csv: 3 of 3 rows are not of ages 10 to 17: '9'. First: row 2, column age.",
        ),
        (
            "sex," + POPULATION.replace("\nI", "\nfemale,I") + "All,Islington,2023,White,9\n",
            "1 of 4 rows are totals in column sex: 'All'. First: row 5, column sex.",
        ),
        (
            "sex," + POPULATION.replace("\nI", "\nfemale,I") + "male,Islington,2023,White,9\n",
            "1 of 2 combinations of area, year, sex lack a group. First: 'Islington', 2023, 'male' has no row for "
            "'Asian', 'Black'",
        ),
    ],
)
def test_populations_that_cannot_be_used(written, text, message):
    assert message in refusal(load.population, written(population_csv=text))


# -- a study -----------------------------------------------------------------------------------------


def test_counts_alone_are_a_study(written):
    study = load.study(written(counts_csv=COUNTS))
    assert (study.areas, study.years, study.groups) == (
        ("Islington",),
        (2023, 2023),
        ("Asian", "Black", "White"),
    )
    assert (study.unit, study.reference, study.period) == ("children", "White", "financial")
    assert study.population is None
    assert set(study.hashes) == {"counts.csv"}


def test_a_folder_that_is_not_a_study(written, tmp_path):
    assert refusal(load.study, written(notes_txt="x")) == (
        "my study/ is not a study: it holds none of counts.csv, events.csv and searches.csv (it holds "
        "'notes.txt'). Give a folder with counts.csv, or with children.csv, events.csv and population.csv."
    )
    assert "nowhere/: there is no such folder" in refusal(load.study, tmp_path / "nowhere")
    assert refusal(load.study, written(events_csv=EVENTS)) == (
        "my study/: events.csv needs children.csv beside it, and there is none. Add children.csv."
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'title = "Three groups"',
            "title = ",
            "study.toml: cannot be read (Invalid value (at line 1, column 9)).",
        ),
        ('"Three groups"', "3", "study.toml: title is '3'; it must be text."),
        (
            '["Islington"]',
            '"Islington"',
            "study.toml: areas is 'Islington'; it must be a list of names, each once",
        ),
        (
            '["Islington"]',
            '["Islingtn"]',
            "1 of 1 areas have no row in counts.csv. First: 'Islingtn'. Did you mean",
        ),
        (
            '"own"',
            "2021",
            "study.toml: ethnicity_base is '2021'; it must be one of 2001, 2011, 2021, own, in quotes",
        ),
        (
            'ethnicity_base = "own"\n',
            "",
            "study.toml: groups names 3 groups, but those of the 2021 census are Asian, Black, Mixed, Other, White. "
            'Take the line out, or set ethnicity_base = "own".',
        ),
        ("ethnicity_base", "ethnicty_base", "no setting 'ethnicty_base'. Did you mean 'ethnicity_base'?"),
        (
            'reference = "White"',
            'reference = "Wite"',
            "is not one of the 3 groups ('Asian', 'Black', 'White'). Did",
        ),
        ('"financial"', '"fiscal"', "study.toml: period is 'fiscal'; it must be one of financial, calendar,"),
        ("[2023, 2023]", "2023", "years is '2023'; it must be the first and the last year, as [2016, 2023]."),
        ("[2023, 2023]", "[2023, 2022]", "years is '[2023, 2022]'; it must be the first and the last year"),
        (
            "[2023, 2023]",
            "[2020, 2023]",
            "years is [2020, 2023], but counts.csv holds 2023 to 2023. Choose years",
        ),
        ("years", 'unit = "kids"\nyears', "study.toml: unit is 'kids'; it must be one of children, episodes"),
    ],
)
def test_settings_that_cannot_be_used(written, old, new, message):
    folder = written(counts_csv=COUNTS, study_toml=SETTINGS.replace(old, new))
    assert message in refusal(load.study, folder)


def test_a_unit_that_events_do_not_have_is_refused(written):
    folder = written(children_csv=CHILDREN, events_csv=EVENTS, study_toml='unit = "offences"\n')
    assert "unit is 'offences', but events are counted as children or episodes" in refusal(load.study, folder)


@pytest.mark.parametrize("only", ["Asian", "Black"])
def test_a_study_of_one_group_is_refused(written, only):
    rows = "".join(f"{line}\n" for line in COUNTS.splitlines() if only in line or line.startswith("area"))
    message = refusal(load.study, written(counts_csv=rows))
    assert message.startswith(
        "counts.csv: 1 of 1 groups is known. First: row 2, column group. Groups are compared"
    )
    assert refusal(load.of_counts, written(counts_csv=rows) / "counts.csv") == message


def test_children_of_one_group_are_refused(written):
    folder = written(children_csv=CHILDREN.replace("W1", "B2"), events_csv=EVENTS)
    assert refusal(load.study, folder) == (
        "children.csv: 2 of 2 children have a known self-defined ethnicity, of 1 broad groups. Groups are compared "
        "with each other, so at least two are needed. First: row 2, columns ethnicity and ethnicity_source. Add the "
        "records of the other groups."
    )


GRAPH = """
[[stages]]
id = "arrest"
label = "Arrest"
base = "none"
kind = "contact"
polarity = "adverse"
did = "were arrested"

[[stages]]
id = "charge"
label = "Charge"
base = "arrest"
kind = "decision"
polarity = "adverse"
did = "were charged"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('label = "Charge"\n', "", "study.toml: stage 2 of 2 has no label. Add the missing lines."),
        (
            'base = "arrest"',
            'base = "arest"',
            "'arest', which is neither 'population', 'none' nor another stage. Did",
        ),
        ('base = "none"', 'base = "charge"', "stage 'arrest' leads back to itself by way of 'arrest'."),
        (
            'id = "charge"',
            'id = "arrest"',
            "study.toml: stage 'arrest' occurs more than once. Keep one of them.",
        ),
        (
            '"decision"',
            '"choice"',
            "stage 'charge' has the kind 'choice'; it must be one of contact, decision,",
        ),
        ('"adverse"', '"bad"', "stage 'arrest' has the polarity 'bad'; it must be one of adverse, neutral,"),
    ],
)
def test_stage_graphs_that_cannot_be_used(written, old, new, message):
    assert (
        load.study(written(counts_csv=COUNTS, study_toml=SETTINGS + GRAPH)).stages["charge"].base == "arrest"
    )
    folder = written(counts_csv=COUNTS, study_toml=SETTINGS + GRAPH.replace(old, new))
    assert message in refusal(load.study, folder)


def test_events_need_a_census_base(written):
    toml = SETTINGS.replace("groups", "# groups")
    folder = written(children_csv=CHILDREN, events_csv=EVENTS, study_toml=toml)
    assert "ethnicity_base is 'own', but the groups of events come from the detailed groups" in refusal(
        load.study, folder
    )


def test_unknown_is_a_group_where_it_is_counted_and_no_group_where_it_is_not(written):
    groups = ("Asian", "Black", "Mixed", "Other", "White")
    rows = "".join(f"A,2023,arrest,{g},1\n" for g in groups)
    toml = 'ethnicity_base = "2021"\n'
    counts = "area,year,stage,group,events\n" + rows
    assert load.study(written(counts_csv=counts, study_toml=toml)).groups == groups
    more = counts + "A,2023,arrest,Unknown,2\n"
    assert load.study(written(counts_csv=more)).groups == (*groups, "Unknown")


def test_the_ledger_of_a_conversion_may_be_empty(written):
    assert load.study(written(counts_csv=COUNTS, ledger_csv="step,what,why,removed,left\n")).ledger.empty


# -- small words -------------------------------------------------------------------------------------


def test_labels_in_messages_can_do_no_harm():
    assert shown("a\u202eb\nc" + "x" * 100) == "'a?b?c" + "x" * 34 + "…'"


def test_near_labels():
    assert near("BLACK", ["Black", "White"]) == " Did you mean 'Black'?"
    assert near("zzz", ["Black", "White"]) == ""
    assert near("reoffending_cohort", STAGES) == " Did you mean 'cohort'?"
    assert near("out", ["out of area", "Camden"]) == " Did you mean 'out of area'?"
    assert near("Black and White", ["Black", "White"]) == ""  # either, or neither


def test_a_value_is_not_quoted_for_a_word_of_ours_in_it(written):
    """A cell has moved: what stands where a code should may be a child's name."""
    moved = CHILDREN.replace("B1", "Peter Alexander White", 1)
    message = refusal(load.children, written(children_csv=moved))
    assert "rows have a value that is not in the vocabulary in column ethnicity" in message
    assert "Alexander" not in message


def test_groups_in_printing_order():
    assert in_order(["White", "Latinx", "Unknown", "Black"]) == ["Latinx", "Black", "White", "Unknown"]


def test_every_message_has_its_four_parts(written):
    """What, how many of how many, where first, what to do."""
    message = refusal(load.counts, written(counts_csv=COUNTS.replace("charge", "chrage")))
    assert re.fullmatch(r".+: \d+ of \d+ rows have .+ First: row \d+, column \w+\. .+\.", message)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            "Not known",
            "2 of 6 rows have a word for ethnicity that is not known in column group: 'Not known' (2).",
        ),
        ("not stated", "Write Unknown, and add up the rows that then become one: it is no ethnic group."),
    ],
)
def test_no_word_for_unknown_ethnicity_becomes_a_group(written, wrong, message):
    assert message in refusal(load.study, written(counts_csv=COUNTS.replace("Asian", wrong)))


def test_a_group_spelt_in_two_ways_is_not_two_groups(written):
    message = refusal(load.study, written(counts_csv=COUNTS.replace("Black", "black ", 1)))
    assert "1 of 6 rows have an ethnic group that is spelt in two ways" in message
    assert "Write one." in message
