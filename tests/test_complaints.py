"""Complaints about searches: read, counted, released and said; a line where there are none."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis import complaints, disclosure, field_sentences, load, measures, search_sentences, searches
from ysj_analysis.reading import DataError, NotHeld
from ysj_analysis.report import render

ROOT = Path(__file__).resolve().parents[1]
TABLE = """month,area,group,allegation,outcome,complaints
2023-04,Islington,Black,use of force,no case to answer,9
2024-03,Islington,Black,,learning,3
2024-04,Islington,Black,use of force,learning,50
2023-06,Islington,White,politeness,,5
2023-06,Camden,White,politeness,,40
2023-06,Islington,Unknown,politeness,,2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The synthetic study with complaints of two areas and three years."""
    copy = tmp_path_factory.mktemp("study") / "synthetic"
    shutil.copytree(ROOT / "data/synthetic", copy)
    (copy / "complaints.csv").write_text(TABLE, encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def study(folder):
    return load.study(folder)


def test_complaints_are_counted_by_group_in_the_year_of_the_report(folder, study):
    """By hand: 9 of April 2023 and 3 of March 2024, not the 50 of the next year nor the 40 of another area."""
    chosen = searches.select(study, area="Islington", year=2023)
    table = complaints.counts(complaints.read(folder), study, chosen).set_index("group")
    assert table["events"].to_dict() == {
        "Asian": 0,
        "Black": 12,
        "Mixed": 0,
        "Other": 0,
        "White": 5,
        "Unknown": 2,
    }
    assert table.loc["Black", "denominator"] == chosen.child_years["Black"]
    june = complaints.counts(
        complaints.read(folder), study, searches.select(study, area="Islington", year=2023, month=6)
    )
    assert june.set_index("group")["events"].to_dict() == {
        g: {"White": 5, "Unknown": 2}.get(g, 0) for g in june["group"]
    }
    assert set(june["month"]) == {"06"}


def test_what_was_alleged_is_for_the_service_alone(folder, study):
    chosen = searches.select(study, area="Islington", year=2023)
    told = complaints.parts(complaints.read(folder), study, chosen, protects=False)
    assert told.to_dict("records") == [
        {"part": "allegation", "what": "not recorded", "events": 3.0},
        {"part": "allegation", "what": "politeness", "events": 7.0},
        {"part": "allegation", "what": "use of force", "events": 9.0},
        {"part": "outcome", "what": "learning", "events": 3.0},
        {"part": "outcome", "what": "no case to answer", "events": 9.0},
        {"part": "outcome", "what": "not recorded", "events": 7.0},
    ]
    with pytest.raises(NotHeld, match="is in the restricted edition"):
        complaints.parts(complaints.read(folder), study, chosen, protects=True)


def test_few_complaints_are_too_few_to_compare_in_public(folder, study):
    chosen = searches.select(study, area="Islington", year=2023)
    shown = disclosure.release(complaints.counts(complaints.read(folder), study, chosen))
    assert shown.table.set_index("group")["events"].dropna().to_dict() == {"Black": 10.0}
    words = search_sentences.words(study, chosen)
    said = field_sentences.comparisons(shown.measure(measures.relative_rates), words)
    assert said == [
        "Too few to compare any group with complaints of White children (2023-24): complaints about searches."
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            "2023-13,Islington,Black,,,1",
            "1 of 1 rows have another month than can be read. First: row 2, '2023-13'",
        ),
        ("2023-04,Islington,Black,,,-1", "another complaints than can be read"),
        ("2023-04,Islington,Blck,,,1", "another group than can be read"),
        ("2023-04,Islingtn,Black,,,1", "another area than can be read"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, study, line, why):
    (tmp_path / "complaints.csv").write_text(TABLE.splitlines()[0] + "\n" + line + "\n", encoding="utf-8")
    chosen = searches.select(study, area="Islington", year=2023)
    with pytest.raises(DataError, match=why):
        complaints.counts(complaints.read(tmp_path), study, chosen)


def test_a_column_that_is_missing_is_named(tmp_path):
    (tmp_path / "complaints.csv").write_text("month,area,group,complaint\n2023-04,A,B,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="1 of 4 columns are missing: complaints"):
        complaints.read(tmp_path)


@pytest.mark.parametrize("edition", ["public", "restricted"])
def test_the_report_of_searches_says_them(folder, tmp_path, edition, prose_audit):
    done = render("stop_and_search_monthly", data=folder, out=tmp_path, edition=edition)
    page = next(done.glob("index*.html")).read_text(encoding="utf-8")
    assert "Who complained of a search?" in page
    assert "Many who are searched never complain" in page
    (path,) = [p for p in done.glob("tables/complaints*.csv") if "parts" not in p.name]
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    black = rows[(rows["group"] == "Black") & (rows["measure"] == "rate_per_1000")]["events"].item()
    assert black == ("10" if edition == "public" else "12")
    assert ("use of force" in page) == (edition == "restricted")
    assert prose_audit(done)[2] == []


def test_a_study_without_complaints_says_so_in_a_line(tmp_path):
    with pytest.raises(NotHeld, match="holds no complaints about searches"):
        complaints.read(tmp_path)
