"""Labels that mean harm, all the way: an export with them in every column becomes a study, and that a report.

Nothing of them may run on a page, be taken for a formula by a spreadsheet, name a path, turn the text round or
swell a file. They are counted like any label.
"""

import csv
import html
import io
import json
import re
import tomllib

import pytest

from ysj_analysis import label_mapping, load, pipeline, sources
from ysj_analysis.report import render

AREA = '<b>=1+1</b>/../..\u202e"'
SCRIPT, FORMULA, PATH, TURNED = (
    "<script>alert(1)</script>",
    '=HYPERLINK("x")',
    "../../../etc/passwd",
    "\u202eetihW\u2066",
)
HUGE = "x" * 1_000_000
ETHNICITY = {SCRIPT: "B1", FORMULA: "B1", PATH: "W1", TURNED: "W1", HUGE: "A1", "\u6f22": "A1"}
OTHER = [SCRIPT, "+1|cmd", "..\\..\\x", "\u2067abc", HUGE, "[c]", "NaN"]
CHILDREN, FEW = 360, 120  # the huge label is that of a few, for an export has a limit of size


def quoted(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    place = tmp_path_factory.mktemp("export")
    labels = list(ETHNICITY)
    people = [["Person ID", "=Ethnicity", "Home"]]
    said = [labels[i % len(labels)] for i in range(CHILDREN)]
    said = ["\u6f22" if label == HUGE and i >= FEW else label for i, label in enumerate(said)]
    people += [[f"={i}/../{SCRIPT}", said[i], AREA] for i in range(CHILDREN)]
    decided = [["Person ID", "Case", "Outcome", "Date", "Offence", "Court"]]
    for i in range(CHILDREN):
        other = OTHER[i % len(OTHER)] if i < FEW else OTHER[i % 4]
        row = [people[i + 1][0], f"case <b>{i}", "@Arrest", "03/05/2023", other, OTHER[i % 3]]
        decided += [row, [*row[:2], "=Charge", "04/05/2023", *row[4:]]][: 2 - i % 2]
    (place / "people.csv").write_text(quoted(people), encoding="utf-8", newline="")
    (place / "outcomes.csv").write_text(quoted(decided), encoding="utf-8", newline="")

    def codes(pairs):
        return "\n".join(f"{json.dumps(a, ensure_ascii=False)} = {json.dumps(b)}" for a, b in pairs.items())

    (place / "mapping.toml").write_text(
        f"""title = {json.dumps(SCRIPT + TURNED, ensure_ascii=False)}
areas = [{json.dumps(AREA, ensure_ascii=False)}]
years = [2023, 2023]
extract_date = 2024-09-30
[files]
people = "people.csv"
outcomes = "outcomes.csv"
[children]
file = "people"
child_id = "Person ID"
ethnicity = "=Ethnicity"
ethnicity_source = {{ always = "self" }}
area = "Home"
[[events]]
file = "outcomes"
child_id = "Person ID"
episode_id = "Case"
stage = "Outcome"
date = "Date"
offence_group = "Offence"
court = "Court"
[codes.ethnicity]
{codes(ETHNICITY)}
[codes.area]
{codes({AREA: AREA})}
[codes.stage]
{codes({"@Arrest": "arrest", "=Charge": "charge"})}
[codes.offence_group]
{codes({o: o for o in OTHER})}
[codes.court]
{codes({o: o for o in OTHER})}
""",
        encoding="utf-8",
    )
    options = {
        "mapping": str(place / "mapping.toml"),
        "key": str(place / "private" / "key"),
        "new_key": "yes",
    }
    files = [place / "people.csv", place / "outcomes.csv"]
    return sources.convert("case-export", files, place / "study", **options)


@pytest.fixture(scope="module")
def report(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("rendered")
    made = render("annual_report", data=study, out=out, parameters={"area": AREA, "year": 2023, "years": 1})
    assert {p.name for p in out.parent.iterdir()} >= {out.name}
    assert made.resolve().is_relative_to(out.resolve())
    return made


def test_they_are_counted_like_any_label(study):
    read = load.study(study)
    assert read.areas == (AREA,)
    counts = pipeline.stage_counts(read)
    arrested = counts[(counts["stage"] == "arrest") & (counts["events"] > 0)]
    assert arrested.set_index("group")["events"].to_dict() == {"Asian": 120, "Black": 120, "White": 120}
    assert set(read.events["offence_group"]) == set(OTHER)
    assert tomllib.loads((study / "study.toml").read_text(encoding="utf-8"))["title"] == SCRIPT + TURNED
    assert sorted(p.name for p in study.iterdir()) == sorted(
        ["children.csv", "events.csv", "labels.csv", "ledger.csv", "study.toml"]
    )
    assert not any(i in (study / "children.csv").read_text(encoding="utf-8") for i in ("passwd/", "<script>"))


def test_the_mapping_is_printed_and_cut(study):
    table = label_mapping.read_as(load.study(study))
    assert table["code"].tolist() == ["B1", "B1", "W1", "W1", "A1", "A1"]
    assert table["label"].str.len().max() <= label_mapping.LONGEST
    assert table["label"].iloc[0] == SCRIPT


def test_nothing_runs_turns_or_swells_in_the_report(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    assert len(page) < 5_000_000
    assert not re.search(r"<script>alert|<b>=1|[\u202a-\u202e]", page)
    assert "x" * 2_000 not in page
    assert html.escape(SCRIPT) in page or "&lt;script&gt;" in page
    for path in report.rglob("*"):
        assert path.resolve().is_relative_to(report.resolve())
        if path.suffix in (".svg", ".json", ".csv"):
            text = path.read_text(encoding="utf-8")
            assert "x" * 2_000 not in text, path.name
            assert "<script>alert" not in text or path.suffix != ".svg", path.name


def test_no_cell_is_taken_for_a_formula(report):
    files = sorted(report.glob("tables/*.csv"))
    assert "labels.csv" in [f.name for f in files]
    for path in files:
        for line in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))):
            assert not any(re.match(r"\s*[=+@]|-(?!\d)", cell) for cell in line), path.name
