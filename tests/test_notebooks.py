"""Every notebook that is a report, rendered from the synthetic study: its questions, its words, its counts."""

import html
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis.report import render

ROOT = Path(__file__).resolve().parents[1]
REPORTS = {
    "annual_report": {},
    "stop_and_search_monthly": {},
    "working_group_monthly": {"topic": "charge"},
    "court_paragraph": {"group": "Black", "stage": "charge"},
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


def prose(page):
    without = re.sub(r"<(svg|style|title)\b.*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", without))


def test_its_questions_and_its_words(report):
    name, folder = report
    page = (folder / "index.html").read_text(encoding="utf-8")
    asked = [html.unescape(h) for h in re.findall(r'<h2[^>]* id="s-[^"]+">(.*?)</h2>', page, re.DOTALL)]
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
