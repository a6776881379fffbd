"""In a notebook: studies and tables show themselves headed and in words, and errors are what to do, not tracebacks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from ysj_analysis import disclosure, explorer, kernel, load, measures, pipeline, screen

ROOT = Path(__file__).resolve().parents[1]
STUDY = load.study(ROOT / "data/synthetic")
COUNTS = pipeline.for_report(STUDY, area="Islington", year=2023)


@pytest.fixture(scope="module")
def shell():
    """An IPython of its own, as a notebook has, settled as on import."""
    one = InteractiveShell()
    screen.settle(one)
    one.push({"study": STUDY, "counts": COUNTS})
    one.run_cell("from ysj_analysis import decompose, disclosure, figures, load, measures, pipeline, wording")
    return one


def shown(shell, thing):
    return shell.display_formatter.format(thing)[0].get("text/html", "")


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def failed(shell, capsys, code):
    assert not shell.run_cell(code).success
    said = capsys.readouterr()
    return re.sub(r"\x1b\[[0-9;]*m", "", said.out + said.err)


# -- tables ------------------------------------------------------------------------------------------


def test_a_public_table_hides_what_is_small_and_says_so(shell):
    table = pd.DataFrame(
        {"stage": "charge", "base": "arrest", "group": ["Asian", "Black", "White"], "events": [3, 41, 62]}
        | {"denominator": [40, 90, 200], "area": "A", "year": 2023, "unit": "children"}
    )
    page = shown(shell, disclosure.release(table).measure(measures.relative_rates, reference="White"))
    cells = re.findall(r"<td>(.*?)</td>", page)
    assert "3" not in cells  # the one small count
    assert cells[:4] == ["Asian", "[c]", "40", "60"]
    # 40/90 over 60/200, both printed: 1.4815
    assert any(c.startswith("1.48 (") and " to " in c for c in cells)
    assert "1.00 (reference)" in cells
    assert "Public edition" in page
    assert "hidden to protect children" in page
    assert "1 of 6 counts hidden" in page
    assert "Miettinen-Nurminen" in page
    assert "compared with White" in page


def test_a_group_with_no_events_keeps_its_row(shell):
    table = pd.DataFrame({"group": ["Black", "White"], "events": [0, 12], "denominator": [30, 60]})
    for one in (disclosure.release(table), disclosure.working(table)):
        assert len(re.findall("<tr>", shown(shell, one))) == 2


@pytest.mark.parametrize("edition", [disclosure.RESTRICTED, disclosure.WORKING])
def test_true_counts_are_marked(shell, edition):
    page = shown(shell, disclosure.release(COUNTS, policy=edition).where(stage="custody"))
    assert text(page).strip().startswith(edition.heading)
    custody = COUNTS[COUNTS["stage"] == "custody"]
    assert f"<td>{custody['events'].iloc[0]:,.0f}</td>" in page


def test_a_plain_table_of_true_counts_is_marked_and_another_is_not(shell):
    for table in (COUNTS, STUDY.children.head(), COUNTS.set_index("events")):
        assert text(shown(shell, table)).strip().startswith("Working figures, not for publication")
    assert "publication" not in shown(shell, COUNTS[["area", "stage"]])


def test_nothing_that_a_label_says_is_run(shell):
    table = pd.DataFrame(
        {"group": ["<script>x</script>", "White"], "events": [20, 30], "denominator": [60, 70]}
    )
    assert "<script" not in shown(shell, disclosure.release(table))


def test_an_empty_table_says_that_it_has_no_rows_and_what_could_have_been_chosen(shell):
    said = text(shown(shell, disclosure.release(COUNTS).where(stage="arest")))
    assert "0 rows. Here area is one of Islington. Here stage is one of stop_search, arrest, " in said
    assert "is one of" not in text(shown(shell, disclosure.release(COUNTS)))


def test_a_long_table_says_how_much_of_it_is_shown(shell):
    page = shown(shell, disclosure.release(COUNTS))
    assert f"The first 60 of {len(COUNTS)} rows." in page
    assert len(re.findall("<tr>", page)) == 60


def test_a_study_says_what_it_holds_and_no_child(shell):
    page = text(shown(shell, STUDY))
    assert "Islington, Camden, Hackney and Haringey" in page
    assert f"children ({len(STUDY.children):,} rows)" in page
    assert "Not held counts" in page
    assert STUDY.children["child_id"].iloc[0] not in page


# -- errors ------------------------------------------------------------------------------------------

ERRORS = {
    'load.study("nope")': "DataError: nope/: there is no such folder, neither here nor in the folders above. "
    "Check its name, or give its whole path.",
    'load.study("data/synthetic/events.csv")': "DataError: events.csv is a file, and a study is a folder. Give the "
    "folder it is in.",
    "measures.rates(study)": "TypeError: a measure takes a table of counts (DataFrame), not Study. Count first: "
    "pipeline.for_report(study, area=..., year=...).",
    "measures.rates(disclosure.working(counts))": "TypeError: a measure takes a table of counts (DataFrame), not "
    "Released. Give the measure to the released table: released.measure(measures.rates).",
    'pipeline.for_report(study, area="Islington", year="2023")': "DataError: year is '2023', a str. Give a whole "
    "number from 2016 to 2023, without quotation marks: the April the year starts in.",
    'decompose.cascade(counts, stages=study.stages, to="custody")': "ValueError: 1 of 2 columns that a path needs are "
    "missing: estimate. Give relative rates, as measures.relative_rates returns them, not counts.",
    "figures.matrix(disclosure.working(counts), name='m', title='t', words=wording.Words.of(study))": "KeyError: "
    "figures.matrix cannot use what it was given: there is no 'reference' in it.",
}


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_is_what_to_do(shell, capsys, code, monkeypatch):
    monkeypatch.chdir(ROOT)
    said = failed(shell, capsys, code)
    assert said.splitlines()[0] == ERRORS[code]
    assert "Traceback" not in said
    assert "site-packages" not in said
    assert len(said.splitlines()) <= 2


def test_who_asks_for_more_sees_where(shell, capsys):
    shell.run_line_magic("xmode", "Verbose")
    try:
        said = failed(shell, capsys, 'load.study("nope")')
    finally:
        shell.run_line_magic("xmode", "Context")
    assert "Traceback" in said


def test_ones_own_error_is_shown_as_ever(shell, capsys):
    assert "Traceback" in failed(shell, capsys, "1 / 0")


def test_controls_refuse_a_stage_or_group_that_is_not_there():
    for name, value, known in (("stage", "custdy", 22), ("group", "Blak", 5)):
        with pytest.raises(
            load.DataError, match=rf"^{name} '{value}' is not one of the {known} .*Did you mean"
        ):
            explorer.view(STUDY, area="Islington", year=2023, **{name: value})


# -- where it happens --------------------------------------------------------------------------------


def test_it_happens_on_import_in_ipython_and_not_where_a_report_is_rendered(tmp_path):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "import ysj_analysis\n"
        "print(bool(shell.custom_exceptions))"
    )
    for env, settled in (({}, "True"), ({"YSJ_RENDERS": "1"}, "False")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "IPYTHONDIR": str(tmp_path), **env},
        )
        assert done.stdout.strip().splitlines()[-1:] == [settled], done.stderr


def test_the_kernel_of_a_report_is_told(tmp_path):
    assert kernel.environment(tmp_path)["YSJ_RENDERS"] == "1"
