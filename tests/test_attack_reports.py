"""The intruder on the kit's own reports: what is safe in them, and each way of spoiling one."""

import json
import re
import shutil
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import ysj_analysis
from ysj_analysis import attack as intruder
from ysj_analysis import (
    attack_files,
    attack_reading,
    attack_ties,
    disclosure,
    load,
    measures,
    pipeline,
    present,
)
from ysj_analysis.__main__ import main
from ysj_analysis.attack_arithmetic import end_of, estimate
from ysj_analysis.attack_drawings import points, shades
from ysj_analysis.attack_facts import ALL, Cell, Count, Release, Sum
from ysj_analysis.attack_program import Program
from ysj_analysis.attack_solve import Solver, narrowed, parts
from ysj_analysis.report import render
from ysj_analysis.vocabulary import STAGES

PACKAGE = Path(ysj_analysis.__file__).parent


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    return render("annual_report", out=tmp_path_factory.mktemp("reports"))


@pytest.fixture
def copy(rendered, tmp_path):
    return Path(shutil.copytree(rendered, tmp_path / "report"))


@pytest.fixture(scope="module")
def study():
    return load.study("data/synthetic")


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    return attack_files.read(folder / f"tables/{name}.csv")[0].records()


@pytest.fixture
def new(rendered, copy):
    """Give the numbers that a spoilt copy says, draws or colours and no table prints, beyond those of the report."""
    before = attack_reading.report(rendered, "report").finer
    return lambda: [f for f in attack_reading.report(copy).finer if f not in before]


@pytest.fixture
def hidden(copy, study):
    """A hidden count of children of a printed number arrested, in the table of decisions; it is of 1 to 4."""
    rows = (
        r for r in _rows(copy, "stages-decisions") if r["measure"] == "proportion" and r["base"] == "arrest"
    )
    rows = [r for r in rows if r["events"] == "[c]" and r["denominator"] not in ("[c]", "10", "15")]
    return next(r for r in rows if 1 <= _true(study, r) <= 4)


def _true(study, row) -> int:
    """Say what a hidden count is."""
    counts = pipeline.conditional(pipeline.for_report(study, area="Islington", year=2023), study.stages)
    own = counts[counts["stage"].eq(row["stage"]) & counts["group"].eq(row["group"])]
    return int(own["events"].iloc[0])


def _pinned(folder, row) -> tuple[int, int]:
    cell = str(attack_ties.cells(row, [])[0])
    return {str(f.cell): (f.low, f.high) for f in intruder.attack([folder]).findings}[cell]


def test_nothing_can_be_worked_out_from_one_report(rendered, capsys):
    assert main(["attack", str(rendered)]) == 0
    assert "None could be worked out" in capsys.readouterr().out


def test_every_figure_follows_from_the_printed_counts(rendered):
    """By the intruder's own arithmetic: estimates, interval ends, and the coordinates of the chart."""
    release = attack_reading.report(rendered)
    assert release.figures == []
    assert release.recomputed > 1000


def test_a_share_of_a_hidden_count(copy, hidden, study):
    true = _true(study, hidden)
    table = copy / "tables/stages-decisions.csv"
    line = ",".join(list(hidden.values())[:13])  # up to the estimate, which is of so many children
    share = f"{true / float(hidden['denominator']):.4f}"
    text = table.read_text(encoding="utf-8")
    assert line + ",[c]" in text
    table.write_text(text.replace(line + ",[c]", f"{line},{share}", 1), encoding="utf-8")
    low, high = _pinned(copy, hidden)
    assert low <= true <= high


def test_a_number_on_the_page_that_the_table_hides(copy, hidden, study):
    true = _true(study, hidden)
    page = attack_files.read(copy / "index.html")
    name = "table-stages-decisions"
    table = next(g for g in page if g.name == name)
    rows = _rows(copy, "stages-decisions")
    laid_out = {r["stage"] for r in rows if r["events"] != "[c]"}
    order = list(dict.fromkeys((r["stage"], r["group"]) for r in rows if r["stage"] in laid_out))
    place = order.index((hidden["stage"], hidden["group"]))
    at = [i for i, r in enumerate(table.rows) if len(r) > 1][place]
    text = (copy / "index.html").read_text(encoding="utf-8")
    head, body = text[: text.index(f'id="{name}"')], text[text.index(f'id="{name}"') :]
    lines = body.split("<tr")  # the first piece is before the headings, the second is the headings
    assert "[c]" in lines[at + 2]
    lines[at + 2] = lines[at + 2].replace("[c]", str(true), 1)
    (copy / "index.html").write_text(head + "<tr".join(lines), encoding="utf-8")
    assert _pinned(copy, hidden) == (true, true)


def test_a_hidden_sheet_of_a_workbook(copy, hidden, study):
    true = _true(study, hidden)
    columns = ["area", "year", "years", "unit", "stage", "base", "group", "events", "denominator"]
    row = [*(hidden[c] for c in columns[:7]), str(true), hidden["denominator"]]
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    for r, values in enumerate((columns, row), start=1):
        texts = [
            f'<c r="{chr(65 + i)}{r}" t="inlineStr"><is><t>{v}</t></is></c>' for i, v in enumerate(values)
        ]
        sheet += f'<row r="{r}">{"".join(texts)}</row>'
    with zipfile.ZipFile(copy / "tables.xlsx", "w") as book:
        book.writestr("xl/worksheets/sheet1.xml", sheet + "</sheetData></worksheet>")
    assert _pinned(copy, hidden) == (true, true)


def test_the_points_of_a_chart_are_what_the_table_prints_and_nothing_finer(copy):
    drawn = [p for p in points(copy / "figures/relative-rates.svg") if p.end == "estimate"]
    printed = {r["estimate"] for r in _rows(copy, "stages-decisions") if r["measure"].endswith("_ratio")}
    assert len(drawn) > 20
    for point in drawn:
        assert point.give < 1e-5
        assert f"{round(point.value, 2):.10g}" in printed
        assert point.value == pytest.approx(round(point.value, 2), abs=1e-5)


def test_a_point_where_the_table_hides_the_figure(copy, hidden):
    """A marker moved to the line of a hidden figure says something of that count."""
    chart = copy / "figures/relative-rates.svg"
    text = chart.read_text(encoding="utf-8")
    drawn = [p for p in points(chart) if p.end == "estimate"]
    label = STAGES[hidden["stage"]].label
    category = next(p.category for p in drawn if p.category.startswith(label))
    line = text[: text.index(f">{category.split(' ')[0]}")].rpartition("<path d=")[2]
    height = re.match(r'"M [\d.]+ ([\d.]+)', line)[1]
    panels = re.split(r'(?=<g id="relative-rates-axes_\d)', text)
    titles = list(dict.fromkeys(p.panel for p in drawn))
    place = 1 + next(i for i, title in enumerate(titles) if title.startswith(hidden["group"]))
    uses = list(re.finditer(r'<use [^>]*x="[\d.]+" y="([\d.]+)"[^>]*stroke: #12436d"', panels[place]))
    assert uses
    start, end = uses[0].span(1)
    panels[place] = panels[place][:start] + height + panels[place][end:]
    chart.write_text("".join(panels), encoding="utf-8")
    figures = attack_reading.report(copy).figures
    assert hidden["stage"] in {f.cells[0].what.split(" ")[0] for f in figures}


def test_a_bar_of_the_cascade_that_no_table_prints(copy, new):
    chart = copy / "figures/cascade.svg"
    drawn = [p for p in points(chart) if p.end == "estimate"]
    printed = {round(float(r["reached"]), 6) for r in _rows(copy, "cascade")}
    assert {round(p.value, 6) for p in drawn} <= printed
    text = chart.read_text(encoding="utf-8")
    bar = re.search(r'id="cascade-patch_3">\s*<path d="M [\d.]+ [\d.]+ \nL ([\d.]+)', text)
    spoilt = text[bar.start() :].replace(bar[1], f"{float(bar[1]) + 0.5:.6f}", 2)
    chart.write_text(text[: bar.start()] + spoilt, encoding="utf-8")
    (finer,) = new()
    assert "figures/cascade.svg" in finer
    assert finer in intruder.attack([copy]).plain()["in_no_table"]


def test_colours_that_say_more_than_the_numbers_in_them(copy, new):
    """A cell in another colour than the cells that print the same number."""
    chart = copy / "figures/matrix.svg"
    cells = shades(chart)
    other = "e89e8f"
    assert other not in {bytes(c.colour).hex() for c in cells}
    text = chart.read_text(encoding="utf-8")
    many = Counter(c.text for c in cells if not c.row.endswith("(favourable)"))
    twin = next(c for c in cells if many[c.text] > 1 and not c.row.endswith("(favourable)"))
    spoilt = text.replace(f"fill: #{bytes(twin.colour).hex()}", f"fill: #{other}", 1)
    chart.write_text(spoilt, encoding="utf-8")
    assert len(new()) == many[twin.text]
    assert all("by its colour" in f for f in new())


def test_a_sentence_that_says_a_hidden_count(copy, hidden, new, study):
    true = _true(study, hidden)
    page = copy / "index.html"
    text = page.read_text(encoding="utf-8")
    word = {"charge": "charged", "no_further_action": "given no further action", "caution": "cautioned"}
    told = word.get(hidden["stage"], hidden["stage"].replace("_", " "))
    said = f"<p>{true} {hidden['group']} children were {told}.</p></body>"
    page.write_text(text.replace("</body>", said), encoding="utf-8")
    assert len(new()) == 1
    assert _pinned(copy, hidden) == (true, true)


def test_a_count_in_the_manifest_that_no_table_prints(copy, new):
    told = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    told["ledger"][0]["removed"] = 3
    (copy / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    (finer,) = new()
    assert "manifest.json: 3 removed" in finer


def test_a_mark_that_cannot_be_of_a_small_count_is_doubted_and_no_other(tmp_path):
    """Nine and up to 7 do not make 50: a mark hides a count that is not small."""
    for black, total, doubted in (("[c]", 50, 1), ("12", 20, 0)):
        rows = [("White", "10"), ("Black", black), ("Mixed", "[c]" if doubted else "10"), ("Asian", "10")]
        cells = [Cell("custody", "episodes", (("group", g),)) for g, _ in rows]
        counts = [
            Count(c, *((0, 7) if t == "[c]" else (int(t) - 2, int(t) + 2)), t, "here", t == "[c]")
            for c, (_, t) in zip(cells, rows, strict=True)
        ]
        whole = Cell("custody", "episodes", (("group", ALL),))
        counts.append(Count(whole, total - 2 if doubted else 42, total + 2 if doubted else 42, "", "here"))
        found = intruder.work_out(Release(counts=counts, sums=[Sum(whole, tuple(cells), True, "groups")]))
        assert found.contradictions == []
        assert found.doubted == doubted
        assert ("hide a count that is not small" in found.text()) == bool(doubted)


def test_files_that_are_not_read_are_named(copy):
    for name in ("report.docx", "report.pdf"):
        (copy / name).write_bytes(b"")
    unread = [u for u in attack_reading.report(copy, "here").unread if "Word" in u]
    assert [u.partition(": ")[0] for u in unread] == ["here/report.docx", "here/report.pdf"]


def test_a_margin_of_true_counts(copy):
    """A total that the printed counts do not add up to was added up from true ones."""
    table = copy / "tables/over-representation.csv"
    row = next(r for r in _rows(copy, "over-representation") if r["reference"] == "overall")
    line = ",".join([row["group"], "overall", row["events"], row["denominator"]])
    text = re.sub(rf"({re.escape(line)}),[^,]*,", r"\g<1>,293,", table.read_text(encoding="utf-8"), count=1)
    table.write_text(text, encoding="utf-8")
    known = [c for c in attack_reading.report(copy).counts if c.cell.value("group") == "(known)"]
    assert (293, 293) in [(c.low, c.high) for c in known]


def test_a_restricted_report_and_a_folder_of_something_else_are_refused(copy, tmp_path):
    told = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    told["parameters"]["edition"] = "restricted"
    (copy / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"1 of 1 manifests says edition restricted.*Name the public edition"
    ):
        intruder.attack([copy])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"0 tables found in its tables/ folder.*--spec"):
        intruder.attack([tmp_path / "empty"])
    with pytest.raises(ValueError, match="0 tables to attack"):
        intruder.attack([])
    with pytest.raises(FileNotFoundError):
        intruder.attack([tmp_path / "none"])


# -- the local rule alone, over several reports ------------------------------------------------------


def _counted(study, folder: Path, unit: str, window: int, area: str = "Islington") -> Path:
    """Write every window of a length, by the local rule alone, as a report would."""
    counts = pipeline.stage_counts(study, unit=unit, window=window)
    released = disclosure.release(counts[counts["area"] == area]).measure(measures.rates)
    (folder / "tables").mkdir(parents=True)
    text = present.csv(released.table, released.counts)
    (folder / "tables/all.csv").write_text(text, encoding="utf-8", newline="")
    (folder / "manifest.json").write_text(
        json.dumps({"policy": released.policy.sentence()}), encoding="utf-8"
    )
    return folder


def test_single_years_beside_rolling_windows_give_children_away_under_the_local_rule_alone(study, tmp_path):
    """Why the kit needs more than a local rule: no table is unsafe, and the two together are."""
    study = replace(study, years=(2020, 2023))
    for area in study.areas:
        folders = [_counted(study, tmp_path / area / f"w{w}", "episodes", w, area) for w in (1, 3)]
        if found := intruder.attack(folders).findings:
            break
    assert found
    assert all(f.high - f.low <= 2 and f.low <= 7 for f in found)
    sources = {s.partition("/")[0].rpartition("w")[2] for f in found for s in f.sources}
    assert sources == {"1", "3"}


@pytest.mark.parametrize("unit", ["children", "episodes"])
def test_no_true_count_lies_outside_what_the_intruder_says(study, tmp_path, unit):
    true = {}
    for window in (1, 3, 5):
        counts = pipeline.stage_counts(study, unit=unit, window=window)
        for row in counts.to_dict("records"):
            cell, base = attack_ties.cells({k: str(v) for k, v in row.items()}, [])
            true[cell] = row["events"]
            if base.what != "population":
                true[base] = row["denominator"]
    release = Release(small=0)
    for window in (1, 3, 5):
        release.add(attack_reading.report(_counted(study, tmp_path / str(window), unit, window), str(window)))
    attack_ties.tied(release)
    program = Program(release)
    checked = 0
    for part in parts(program):
        lower, upper, rows = narrowed(part)
        solver = Solver(lower, upper, rows)
        for place, cell in enumerate(program.cells[p] for p in part.places):
            if cell in true:
                assert lower[place] <= true[cell] <= upper[place], cell
                if lower[place] <= 7 and checked % 10 == 0:
                    low, high, exact = solver.range(place, enough=3)
                    assert not exact or low <= true[cell] <= high, cell
                checked += 1
    assert checked > 1000


# -- an independent program --------------------------------------------------------------------------


def test_no_code_is_shared_with_what_makes_a_report():
    ours = {p.stem for p in PACKAGE.glob("attack*.py")}
    for name in ours:
        text = (PACKAGE / f"{name}.py").read_text(encoding="utf-8")
        imported = {
            line.split()[1].lstrip(".") or line.split()[3].rstrip(",")
            for line in text.splitlines()
            if line.strip().startswith("from .")
        }
        assert imported <= ours, name
        assert "pandas" not in text


@pytest.mark.parametrize(
    ("kind", "method", "counts", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17:857, table I: 15 of 148, Wilson's score
        ("share", "Wilson", (15, 148), 0.0624, 0.1605),
        ("share", "Clopper-Pearson", (15, 148), 0.0578, 0.1617),
        # Garwood (1936), table I: 4 events
        ("rate", "exact", (4, 1), 1.0899, 10.2416),
        # Newcombe (1998), Statistics in Medicine 17:873, method 10: 56/70 less 48/80
        ("risk_difference", "Newcombe", (56, 70, 48, 80), 0.0524, 0.3339),
    ],
)
def test_the_intruders_own_arithmetic_against_published_limits(kind, method, counts, low, high):
    assert float(end_of(kind, "low", method)(*counts)) == pytest.approx(low, abs=5e-5)
    assert float(end_of(kind, "high", method)(*counts)) == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_the_limits_of_an_odds_ratio_leave_a_mid_p_of_a_fortieth_beyond(n, rn, data):
    """By the definition, with scipy's own noncentral hypergeometric distribution."""
    x, rx = data.draw(st.integers(0, n)), data.draw(st.integers(0, rn))
    low, high = (float(end_of("odds_ratio", end, "mid-P")(x, n, rx, rn)) for end in ("low", "high"))
    least, most = max(0, x + rx - rn), min(n, x + rx)
    for odds, at_end, side in ((low, x == least, 1), (high, x == most, -1)):
        if at_end:
            assert odds == (0 if side > 0 else np.inf)
            continue
        chance = stats.nchypergeom_fisher.pmf(np.arange(least, most + 1), n + rn, n, x + rx, odds)
        beyond = chance[x - least + 1 :] if side > 0 else chance[: x - least]
        assert beyond.sum() + chance[x - least] / 2 == pytest.approx(0.025, abs=1e-6)


def test_figures_of_four_counts():
    assert float(estimate("odds_ratio", 4, 5, 1, 5)) == pytest.approx(16)
    assert float(estimate("complement_ratio", 4, 5, 1, 5)) == pytest.approx(0.25)
    assert float(estimate("events_above_parity", 12, 100, 5, 100)) == pytest.approx(7)
    assert float(estimate("change", 4, 12, per=100)) == pytest.approx(-66.67, abs=0.01)
    assert np.isinf(estimate("rate_ratio", 1, 10, 0, 10))
    assert end_of("odds_ratio", "low", "log") is None
    with pytest.raises(ValueError, match="'nonsense' is unknown"):
        estimate("nonsense", 1, 2)
