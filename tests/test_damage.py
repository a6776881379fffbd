"""Twenty-one kinds of damage: each has a test, and the table in docs/damage.md names it. The gaps are filled here."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis import attach, load, published_values, quality, study_folder
from ysj_analysis.tables import DataError

HERE = Path(__file__).parent
ROWS = [
    line.split(" | ")
    for line in (HERE.parent / "docs" / "damage.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d", line)
]


def test_there_are_twenty_one_kinds():
    assert [int(row[0].strip("| ")) for row in ROWS] == list(range(1, 22))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:40])
def test_every_kind_names_tests_that_are_there(row):
    named = re.findall(r"`(test_\w+\.py)::(?:(\w+)::)?(\w+)`", row[3])
    assert named
    for file, kind, test in named:
        tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
        room = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == kind) if kind else tree
        assert test in {n.name for n in room.body if isinstance(n, ast.FunctionDef)}, (file, kind, test)


COUNTS = (
    "area,year,stage,group,events\nInner London,2023,arrest,Black,12\nInner London,2023,arrest,White,20\n"
)


def test_an_empty_column_is_one_that_is_not_there(tmp_path):
    (tmp_path / "children.csv").write_text(
        "child_id,sex,birth_month,ethnicity,ethnicity_source,looked_after,area\n"
        "a,male,,B1,self,,\nb,female,,W1,self,,\n"
    )
    (tmp_path / "events.csv").write_text(
        "child_id,episode_id,stage,date,area,gravity,court\n"
        "a,1,arrest,2023-05-01,Camden,,\nb,2,arrest,2023-05-02,Camden,,\n"
    )
    profile = quality.profile(load.study(tmp_path)).set_index("check")
    assert profile.loc["gravity out of range", "severity"] == "not checked"
    assert profile.loc["lives in another area", "severity"] == "not checked"
    assert profile.loc["birth month not known", ["events", "denominator"]].tolist() == [2, 2]


def test_an_area_under_another_name_is_not_guessed(tmp_path):
    study, people = tmp_path / "study", tmp_path / "people"
    study.mkdir(), people.mkdir()
    (study / "counts.csv").write_text(COUNTS)
    (people / "population.csv").write_text(
        "area,year,group,population\nLondon (Inner),2023,Black,1000\nLondon (Inner),2023,White,2000\n"
    )
    with pytest.raises(DataError, match=r"no population. First: 'Inner London'. It has 'London \(Inner\)'"):
        attach.population(study, people, tmp_path / "out")


@pytest.mark.parametrize("cell", ["7%", "7.0000000000000007E-2", "0.07"])
def test_a_share_is_never_a_count(cell):
    cells = pd.Series([cell, "8,166,566"], name="Number")
    with pytest.raises(DataError, match="1 of 2 cells of 'Number'"):
        published_values.counts(cells, {}, file="f", source="s", ledger=study_folder.Ledger())
    whole = published_values.counts(cells[1:], {}, file="f", source="s", ledger=study_folder.Ledger())
    assert whole.tolist() == ["8166566"]
