"""Every notebook that is a report, rendered from the synthetic study: its questions, its words, its counts."""

import html
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis import datafile, live_cohort, load
from ysj_analysis.execution import NotebookError
from ysj_analysis.report import render

ROOT = Path(__file__).resolve().parents[1]
REPORTS = {
    "annual_report": {},
    "stop_and_search_monthly": {},
    "working_group_monthly": {"topic": "charge"},
    "court_paragraph": {"group": "Black", "stage": "charge"},
    "custody_and_remand_review": {},
    "cross_borough": {"topic": "arrest"},
}
QUESTIONS = {
    "working_group_monthly": [
        "What do the figures show?",
        "Has it moved?",
        "What could unknown ethnicity change?",
        "What could the group ask?",
        "Which rules stand behind it?",
    ],
    "court_paragraph": [
        "What do the local figures show?",
        "Which counts stand behind it?",
        "Which methods and rules stand behind it?",
    ],
}
NEVER = r"times (more|as) likely|offenders?\b|\bBAME\b|\bbias\b|\bnan\b|\bNaN\b|\binf\b|\bNone\b"


@pytest.fixture(scope="module", params=sorted(REPORTS))
def report(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return request.param, render(
        request.param, data=ROOT / "data/synthetic", out=out, parameters=REPORTS[request.param]
    )


def unlisted(folder):
    """Methods that a table names and the list of methods does not, with the table."""
    named, listed = {}, set()
    for path in sorted(folder.glob("tables/*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        found = {m.partition(", widened")[0] for c in table if c.endswith("method") for m in table[c]}
        if path.name.startswith("methods"):
            listed = found
        else:
            named |= dict.fromkeys(found - {"", "[z]"}, path.name)
    return {m: table for m, table in named.items() if m not in listed}


def test_every_method_is_listed(report):
    assert unlisted(report[1]) == {}


def test_every_column_is_described(report):
    """But for a column for each group, which officers chose."""
    files = sorted(report[1].glob("tables/*.csv"))
    columns = {c for path in files for c in pd.read_csv(path, nrows=0)}
    assert columns - datafile.meanings().keys() <= {"Asian", "Black", "Other", "White"}


def prose(page):
    without = re.sub(r"<(svg|style|title)\b.*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", without))


def test_its_questions_and_its_words(report):
    name, folder = report
    page = (folder / "index.html").read_text(encoding="utf-8")
    asked = [html.unescape(h) for h in re.findall(r'<h2[^>]* id="s-[^"]+">(.*?)</h2>', page, re.DOTALL)]
    asked = [h for h in asked if h != "References"]
    assert asked == QUESTIONS.get(name, asked)
    assert all(q.endswith("?") for q in asked)
    assert not re.search(NEVER, prose(page))


def test_its_counts_are_printed_by_the_rule(report):
    _, folder = report
    for file in folder.glob("tables/*.csv"):
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        for column in {"events", "denominator", "reference_events"} & set(table):
            cells = [c for c in table[column] if c not in ("[c]", "[x]", "[z]")]
            assert all(float(c) % 5 == 0 and float(c) >= 10 for c in cells), (file.name, column)


def test_its_manifest_names_its_rule(report):
    _, folder = report
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["policy"].startswith("Public edition")
    assert manifest["sources"]


def test_every_number_in_the_prose_is_in_a_csv_or_computed_from_one(report, prose_audit):
    name, folder = report
    intervals, figures, wrong = prose_audit(folder)
    assert wrong == []
    assert intervals > 0
    assert figures > 10 or name == "court_paragraph"


def test_the_audit_of_prose_finds_a_number_that_is_in_no_csv(tmp_path, prose_audit):
    """Of 40 in 80 and 1.5 (1.2 to 1.9): a wrong count, and an end of another row's interval."""
    (tmp_path / "tables").mkdir()
    lines = ["events,denominator,estimate,low,high", "40,80,1.5,1.2,1.9", "15,60,0.8,0.6,1.1", ""]
    (tmp_path / "tables" / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    said = {
        "50% (40 of 80; 95% interval 1.2 to 1.9).": 0,
        "45 of 80.": 1,
        "1.5 (95% interval 1.2 to 1.1).": 1,
    }
    for text, wrong in said.items():
        (tmp_path / "index.html").write_text(f"<main><p>{text}</p></main>", encoding="utf-8")
        assert len(prose_audit(tmp_path)[2]) == wrong


def percentages_without_counts(page):
    """Find each percentage of the prose that no "x of y" of its own paragraph gives."""
    wrong = []
    for paragraph in re.findall(r"<p\b[^>]*>(.*?)</p>", page, re.DOTALL):
        text = html.unescape(re.sub(r"<[^>]+>", " ", paragraph)).replace(",", "")
        pairs = [(int(a), int(b)) for a, b in re.findall(r"\b(\d+)(?: \([\d.]+%\))? of (\d+)\b", text)]
        for share, places in re.findall(
            r"(?<![\d.])(\d+(?:\.(\d+))?)%(?! interval)", text.replace("under 1%", "")
        ):
            if not any(b and round(100 * a / b, len(places)) == float(share) for a, b in pairs):
                wrong.append(f"{share}%: {text[:200]}")
    return wrong


def test_every_percentage_of_the_prose_follows_from_counts_beside_it(report):
    _, folder = report
    assert percentages_without_counts((folder / "index.html").read_text(encoding="utf-8")) == []


def test_the_audit_of_percentages_finds_one_that_does_not_follow():
    assert percentages_without_counts("<p>Of Black children, 45% were charged: 40 of 100.</p>")
    assert not percentages_without_counts("<p>Of Black children, 40% (95% interval) were: 40 of 100.</p>")


def test_the_tracker_is_for_the_service_alone(tmp_path, prose_audit):
    with pytest.raises(NotebookError, match="has no public edition") as refused:
        render("reoffending_tracker", data=ROOT / "data/synthetic", out=tmp_path)
    assert refused.value.cause == "DisclosureError"
    assert not list(tmp_path.rglob("*.html"))
    folder = render("reoffending_tracker", data=ROOT / "data/synthetic", out=tmp_path, edition="restricted")
    assert "OFFICIAL-SENSITIVE" in folder.name
    page = next(folder.glob("index*.html")).read_text(encoding="utf-8")
    assert not re.search(NEVER, prose(page))
    assert not re.search(r"\bc\d{4}\b|\be\d{4}\b", page)  # the ids of children and episodes
    assert "It ranks and scores no child" in page
    assert prose_audit(folder)[2] == []


def test_the_live_cohort_is_those_whose_twelve_months_still_run():
    """By hand, from the files: entries in the last twelve months, and offences dated after the entry."""
    events = pd.read_csv(ROOT / "data/synthetic/events.csv", parse_dates=["date"])
    offences = pd.read_csv(ROOT / "data/synthetic/offences.csv", parse_dates=["offence_date"])
    until = max(events["date"].max(), offences["offence_date"].max())
    here = events[(events["stage"] == "cohort") & (events["area"] == "Hackney")]
    running = here[(here["date"] > until - pd.DateOffset(months=12)) & (here["date"] <= until)]
    latest = running.groupby("child_id")["date"].max()
    back = [
        c for c, d in latest.items() if (offences.loc[offences["child_id"] == c, "offence_date"] > d).any()
    ]
    table = live_cohort.counts(load.study(ROOT / "data/synthetic"), area="Hackney")
    so_far = table[table["stage"] == "back_so_far"]
    assert so_far["denominator"].sum() == len(latest)
    assert so_far["events"].sum() == len(back)
    split = live_cohort.counts(load.study(ROOT / "data/synthetic"), area="Hackney", by=("send",))
    assert split.loc[split["stage"] == "back_so_far", "denominator"].sum() == len(latest)
