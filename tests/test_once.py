"""Is what a report makes kept only in its own process, and only as it was?"""

import contextlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis import disclosure, once
from ysj_analysis.audit_hidden import drafting, noting
from ysj_analysis.disclosure import RESTRICTED, release

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def report(monkeypatch):
    """The process of a report, for as long as the test; nothing has been released in it."""
    monkeypatch.setattr(disclosure, "_printed", {})
    once.begin()
    yield
    once._kept = None


COUNTS = pd.DataFrame({"group": ["Black", "White"], "events": [40, 30], "denominator": [100, 200]})


def counting():
    """A function of a study, and how often it was asked."""
    asked = []

    def count(study, *, by=()):
        asked.append(by)
        return pd.DataFrame({"events": [len(study)]})

    return once.once(count), asked


def test_outside_a_report_everything_is_counted_again():
    count, asked = counting()
    assert [count("abc").loc[0, "events"] for _ in range(2)] == [3, 3]
    assert len(asked) == 2


def test_in_a_report_the_same_question_is_asked_once(report):
    count, asked = counting()
    for study, by in [("abc", ()), ("abc", ()), ("abcd", ()), ("abc", ("sex",)), ("abcd", ())]:
        assert count(study, by=by).loc[0, "events"] == len(study)
    assert asked == [(), (), ("sex",)]


def test_a_table_of_a_study_stands_for_itself_in_a_report():
    asked = []
    rows = once.of_tables(lambda table, n: asked.append(n) or len(table) + n)
    assert [rows(COUNTS, 1), rows(COUNTS, 1)] == [3, 3]
    assert asked == [1, 1]
    once.begin()
    try:
        assert [rows(COUNTS, 1), rows(COUNTS, 1), rows(COUNTS, 2), rows(COUNTS.copy(), 1)] == [3, 3, 4, 3]
    finally:
        once._kept = None
    assert asked == [1, 1, 1, 2, 1]


class Held:
    """A study, with a table."""

    def __init__(self):
        self.events = pd.DataFrame({"stage": ["arrest", "charge"]})


@once.once
def letters(study, more, times=1):
    """A count of a study, by its module and name."""
    asked_of.append((more, times))
    return pd.DataFrame({"events": [len(study.events) * times]})


@once.of_tables
def longer(table, by):
    asked_of.append(by)
    return table, {"rows": len(table) + by}


asked_of: list = []


@contextlib.contextmanager
def a_report():
    once.begin()
    try:
        yield
    finally:
        once._kept = None


def test_what_one_report_asked_of_the_study_the_parent_asks_for_all():
    study, other = Held(), Held()
    asked_of.clear()
    once.share(study)
    with a_report():
        letters(study, "d", times=2)
        letters(study, "e")
        letters(study, other)
        letters(other, "e")
        longer(study.events, 3)
        longer(other.events, 3)
        calls = once.asked()
    assert calls == [
        (__name__, "letters", ["", "d"], {"times": 2}),
        (__name__, "letters", ["", "e"], {}),
        (__name__, "longer", ["events", 3], {}),
    ]
    asked_of.clear()
    once.ask(pickle.loads(pickle.dumps(calls)))
    once.ask(calls)  # is made once
    assert asked_of == [("d", 2), ("e", 1), 3]
    letters(study, "e")  # in the parent itself nothing is kept
    assert asked_of.pop() == ("e", 1)
    with a_report():
        assert letters(study, "d", times=2).loc[0, "events"] == 4
        assert longer(study.events, 3)[1] == {"rows": 5}
        letters(study, "e")
        assert len(asked_of) == 3
        letters(study, "f")
        assert asked_of.pop() == ("f", 1)
    once.share()  # of the next study: nothing is left of the last
    with a_report():
        letters(study, "d", times=2)
        assert len(asked_of) == 4
        assert once.asked() == []


def test_what_was_noted_or_released_is_asked_by_each_report_itself():
    study = Held()
    noted = once.once(lambda of: once.doing(print) or pd.DataFrame())
    released = once.once(lambda of: {"counts": (release(COUNTS), 1)})
    once.share(study)
    with a_report():
        noted(study), released(study)
        assert once.asked() == []
    once.share()


def test_what_is_kept_cannot_be_changed_from_outside(report):
    count, asked = counting()
    first = count("abc")
    first.loc[0, "events"] = 99
    first["note"] = "mine"
    assert count("abc").to_dict("list") == {"events": [3]}
    assert len(asked) == 1


def test_what_cannot_be_told_apart_is_counted_again(report):
    count, asked = counting()
    table = pd.DataFrame({"a": [1, 2, 3]})
    assert [count(table).loc[0, "events"] for _ in range(2)] == [3, 3]
    table.loc[3] = 4
    assert count(table).loc[0, "events"] == 4
    assert len(asked) == 3


def test_a_list_stands_for_what_is_in_it(report):
    count, asked = counting()
    by = ["sex"]
    for _ in range(2):
        count("abc", by=by)
    by.append("age")
    count("abc", by=by)
    assert len(asked) == 2


def test_what_is_noted_beside_is_noted_again(report):
    """A table that is shown again is audited again, however it came to be shown."""
    area = {
        "area": "A",
        "year": 2023,
        "years": 1,
        "unit": "children",
        "stage": "arrest",
        "base": "population",
    }
    table = pd.DataFrame([{**area, **row} for row in COUNTS.to_dict("records")])[[*area, *COUNTS]]

    @once.once
    def shown(released):
        return int(released.table["events"].sum())

    with noting() as first:
        assert shown(release(table)) == 70
    with noting() as second:
        assert shown(release(table)) == 70
    assert first == second
    assert len(first) == 2


def test_releases_that_print_the_same_are_one_and_others_are_not(report):
    one = release(COUNTS)
    assert release(COUNTS.copy()) is one
    assert release(COUNTS.assign(events=[41, 29])) is one  # 40 and 30 are printed of both
    assert release(COUNTS.assign(events=[40, 50])) is not one
    assert release(COUNTS.rename(columns={"group": "area"})) is not one
    assert release(COUNTS, policy=RESTRICTED) is not one
    assert release(COUNTS) is one


def test_what_is_chosen_of_a_release_is_one_too(report):
    one = release(COUNTS)
    assert one.where(group="Black") is one.where(group="Black")


def test_what_depends_on_what_is_hidden_is_not_kept(report):
    made = []

    @once.once
    def released(number):
        made.append(number)
        return release(COUNTS)

    for _ in range(2):
        released(1)
    assert made == [1, 1]


def test_a_failure_is_not_kept(report):
    answers = [ValueError("not yet"), "counted"]

    @once.once
    def count(study):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="not yet"):
        count("abc")
    assert count("abc") == "counted"


WITHOUT = """
from ysj_analysis.kernel import settle; settle()
import sys
from ysj_analysis import once, report
from ysj_analysis.__main__ import main
once.begin = lambda: None
cleared = report.cleared
report.cleared = lambda *a, **k: cleared(*a, **(k | {"draft": False}))
sys.exit(main(sys.argv[1:]))
"""


def test_a_report_is_the_same_as_one_that_makes_everything_again(tmp_path):
    """With everything kept, and nothing drawn before the audit: the same bytes, and the same in the ledger."""
    (tmp_path / "without.py").write_text(WITHOUT, encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if k != "YSJ_SETTLED"} | {"PYTHONPATH": str(ROOT)}
    found = []
    for how in (["-m", "ysj_analysis"], [str(tmp_path / "without.py")]):
        out = tmp_path / f"out{len(found)}"
        command = [
            sys.executable,
            *how,
            "report",
            "custody_and_remand_review",
            "--area",
            "Camden",
            "--out",
            str(out),
        ]
        subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True)
        found.append({str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()})
    assert found[0] == found[1]
    assert "camden/editions.jsonl" in found[0]


def test_no_chart_is_drawn_for_an_audit_alone():
    from ysj_analysis import figures, measures
    from ysj_analysis.wording import Words

    stages = [{"stage": "arrest", "base": "population"} | row for row in COUNTS.to_dict("records")]
    table = pd.DataFrame(stages).assign(area="A", year=2023, years=1, unit="children")
    ratios = release(table).measure(measures.relative_rates, reference="White")
    with drafting(True):
        assert not figures.matrix(ratios, name="m", title="M", words=Words({})).data
    assert figures.matrix(ratios, name="m", title="M", words=Words({})).data["svg"]
