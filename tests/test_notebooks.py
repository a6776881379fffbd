"""Every notebook that is a report, rendered from the synthetic study: its questions, its words, its counts."""

import html
import json
import re
from pathlib import Path

import pytest

from ysj_analysis.report import render

ROOT = Path(__file__).resolve().parents[1]
REPORTS = {
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
    assert asked == QUESTIONS[name]
    assert not re.search(NEVER, prose(page))


def test_its_counts_are_printed_by_the_rule(report):
    _, folder = report
    for file in folder.glob("tables/*.csv"):
        lines = file.read_text(encoding="utf-8").splitlines()
        places = [
            i for i, c in enumerate(lines[0].split(",")) if c in ("events", "denominator", "reference_events")
        ]
        cells = [line.split(",")[i] for line in lines[1:] for i in places]
        assert all(c in ("[c]", "[x]", "[z]") or float(c) % 5 == 0 and float(c) >= 10 for c in cells)


def test_its_manifest_names_its_rule(report):
    _, folder = report
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["policy"].startswith("Public edition")
    assert manifest["sources"]
