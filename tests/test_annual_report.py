"""The annual report as a reader has it: rendered, read back and computed again from its own files."""

import csv
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pikepdf
import pytest

from ysj_analysis import disclosure, document_pdf, document_source, formulas
from ysj_analysis.content import ContentError
from ysj_analysis.page import Heading
from ysj_analysis.report import render

ROOT = Path(__file__).resolve().parents[1]
AWKWARD = """area,year,stage,group,events,denominator
Nowhere,2023,arrest,Green,0,400
Nowhere,2023,arrest,Blue,90,3000
Nowhere,2023,arrest,Grey,120,6000
Nowhere,2023,charge,Green,0,0
Nowhere,2023,charge,Blue,30,90
Nowhere,2023,charge,Grey,0,120
"""


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    return render("annual_report", data=ROOT / "data/synthetic", out=tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="module")
def restricted(tmp_path_factory):
    out = tmp_path_factory.mktemp("restricted")
    return render("annual_report", data=ROOT / "data/synthetic", out=out, edition="restricted")


@pytest.fixture(scope="module")
def camden(tmp_path_factory):
    """The synthetic borough with fewer counts."""
    out = tmp_path_factory.mktemp("camden")
    return render("annual_report", data=ROOT / "data/synthetic", out=out, parameters={"area": "Camden"})


@pytest.fixture(scope="module")
def awkward(tmp_path_factory):
    """Only counts; one group empty, the reference without events at a stage, groups of its own."""
    folder = tmp_path_factory.mktemp("only counts")
    (folder / "counts.csv").write_text(AWKWARD, encoding="utf-8")
    return render(
        "annual_report", data=folder, out=tmp_path_factory.mktemp("out"), parameters={"reference": "Grey"}
    )


class Page(HTMLParser):
    """Headings, table cells by table, and charts with their descriptions."""

    def __init__(self, folder):
        super().__init__()
        self.text = next(folder.glob("index*.html")).read_text(encoding="utf-8")
        self.headings, self.tables, self.alts, self.words, self.open = [], {}, [], [], []
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.open.append(tag) if tag in ("h1", "h2", "td", "th", "style", "svg", "title") else None
        if tag in ("h1", "h2"):
            self.headings.append("")
        if tag == "figure" and given.get("id", "").startswith("table-"):
            self.tables[given["id"].removeprefix("table-")] = []
        if tag in ("td", "th") and self.tables:
            list(self.tables.values())[-1].append("")
        if tag == "svg":
            self.alts.append(given.get("aria-label", ""))

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if not self.open:
            self.words.append(data)
        elif self.open[-1] in ("h1", "h2"):
            self.headings[-1] += data
        elif self.open[-1] in ("td", "th") and self.tables:
            list(self.tables.values())[-1][-1] += data


def tables(folder):
    return {
        p.name.split(".")[0]: pd.read_csv(p, dtype=str, keep_default_na=False)
        for p in folder.glob("tables/*.csv")
    }


def numbers(table, column):
    return pd.to_numeric(table[column], errors="coerce").to_numpy(float)


QUESTIONS = [
    "What can this report show, and what can it not?",
    "For each group, where is the gap largest and surest?",
    "Who is over-represented, and by which measure?",
    "How do the groups compare at each stage?",
    "Where does the gap open?",
    "Who is remanded, and who is sentenced to custody?",
    "Who is dealt with out of court, and who goes to court?",
    "Who enters the youth justice system for the first time?",
    "Who reoffends, and how often?",
    "How long do children wait from offence to outcome?",
    "Who is stopped and searched, and with what result?",
    "What remains when like is compared with like?",
    "Does the gap differ between girls and boys?",
    "Are some children met as older than they are?",
    "How does this area stand beside its neighbours?",
    "Is a gap moving?",
    "What does the rule flag that was declared beforehand?",
    "What could unknown ethnicity change?",
    "How far can the data be trusted?",
    "What is done about it: explain or change?",
    "Which methods, sources and rules stand behind this report?",
]


@pytest.mark.parametrize("which", ["public", "restricted", "awkward"])
def test_every_report_asks_the_same_questions_and_shows_no_code(which, request):
    page = Page(request.getfixturevalue(which))
    assert page.headings[0].startswith("Ethnic disproportionality in youth justice: annual report")
    assert [h for h in page.headings[1:] if h != "Contents"] == QUESTIONS
    assert "disclosure.release" not in page.text
    prose = " ".join(page.words)
    assert not re.search(r"\b(nan|NaN|inf|None)\b", prose)
    assert not re.search(r"times (more|as) likely|offender|\bBAME\b|\bbias\b", prose, re.IGNORECASE)
    assert all(len(alt) > 40 for alt in page.alts)
    assert len(page.alts) >= 2


def test_no_small_count_is_printed(public):
    for name, table in tables(public).items():
        for column in {
            "events",
            "denominator",
            "reference_events",
            "reference_denominator",
            "removed",
            "left",
        } & set(table):
            values = numbers(table, column)
            assert not (values < 8).any(), f"{name}: {column}"
            single = ~table.get("reference", pd.Series("", table.index)).isin(["all-others", "overall"])
            kept = values[single & ~np.isnan(values)]
            assert (kept % 5 == 0).all(), f"{name}: {column}"


def test_every_estimate_can_be_computed_again_from_the_printed_counts(public):
    """All of them: from the four counts of its row, by the measure its row names."""
    computed = 0
    for name, table in tables(public).items():
        if not {"estimate", "measure", "reference_events"} <= set(table):
            continue
        known = np.isin(formulas.split(table["measure"])[0], list(formulas.FORMULAS))
        shown = table[known & np.isfinite(numbers(table, "estimate")) & (table["note"] != "reference")]
        x, n, rx, rn = (
            numbers(shown, c) for c in ("events", "denominator", "reference_events", "reference_denominator")
        )
        poisson = shown["base"].eq("population").to_numpy()
        estimate, low, high, _ = formulas.interval(
            shown["measure"].to_numpy(str), x, n, rx, rn, poisson=poisson
        )
        digits = np.array([0.5 if "above" in m else 0.0005 if m in ("proportion", "risk_difference") else 0.005
                           for m in shown["measure"]])  # fmt: skip
        assert (np.abs(estimate - numbers(shown, "estimate")) <= digits * 1.0001).all(), name
        with_ends = ~np.isnan(numbers(shown, "low"))
        assert (numbers(shown, "low")[with_ends] <= low[with_ends] + digits[with_ends]).all(), name
        assert (numbers(shown, "high")[with_ends] >= high[with_ends] - digits[with_ends]).all(), name
        computed += len(shown)
    assert computed > 300


def test_ratios_among_children_alike_can_be_computed_again_from_their_bands(public):
    """Mantel and Haenszel's risk ratio (1959): the sum of x n0 / N over that of x0 n1 / N, of the bands printed."""
    bands, ratios = (tables(public)[name] for name in ("charge-by-gravity", "charge-alike"))
    computed = 0
    for row in ratios[np.isfinite(numbers(ratios, "estimate")) & (ratios["note"] != "reference")].to_dict(
        "records"
    ):
        own, other = (bands[bands["group"] == row[c]].set_index("gravity") for c in ("group", "reference"))
        x, n, x0, n0 = (numbers(t, c) for t in (own, other.loc[own.index]) for c in ("events", "denominator"))
        kept = np.isfinite(x) & np.isfinite(x0)
        top, bottom = ((a * b / (n + n0))[kept].sum() for a, b in ((x, n0), (x0, n)))
        assert abs(top / bottom - float(row["estimate"])) <= 0.0051
        computed += 1
    assert computed > 1


@pytest.mark.parametrize("which", ["public", "restricted", "camden", "awkward"])
def test_every_number_in_the_prose_is_in_a_csv_or_computed_from_one(which, request, prose_audit):
    intervals, figures, wrong = prose_audit(request.getfixturevalue(which))
    assert wrong == []
    assert (intervals, figures) > ((0, 15) if which == "awkward" else (20, 200))


def test_every_number_on_the_page_is_in_a_csv(public):
    """Cells of the two tables of stages, written back as numbers, each found in the CSV of that table."""
    page, files = Page(public), tables(public)
    for name in ("stages-decisions", "stages-cumulative", "over-representation", "completeness"):
        known = set()
        for column in ("events", "denominator", "estimate", "low", "high"):
            values = numbers(files[name], column)
            known |= {f"{v:.4g}" for scale in (1, 100) for v in np.round(values * scale, 4) if np.isfinite(v)}
        shares = numbers(files[name], "events") / numbers(files[name], "reference_events")
        base = numbers(files[name], "denominator") / numbers(files[name], "reference_denominator")
        known |= {f"{v:.4g}" for s in (shares, base) for v in np.round(100 * s, 1) if np.isfinite(v)}
        for cell in page.tables[name]:
            if re.fullmatch(r"(\D+\()?20\d\d-\d\d( to 20\d\d-\d\d)?\)?", cell):
                continue
            for found in re.findall(r"[−]?\d[\d,]*(?:\.\d+)?", cell):
                value = float(found.replace(",", "").replace("−", "-"))
                if "95%" not in cell:
                    assert f"{value:.4g}" in known, f"{name}: {cell}"


def test_the_manifest_accounts_for_everything(public):
    manifest = json.loads((public / "manifest.json").read_text(encoding="utf-8"))
    written = {str(p.relative_to(public)).replace("\\", "/") for p in public.rglob("*") if p.is_file()}
    assert set(manifest["outputs"]) == written - {"manifest.json"}
    assert {"children.csv", "events.csv", "population.csv", "study.toml"} <= set(manifest["inputs"]["study"])
    assert manifest["hidden"]["public"] > 0
    assert manifest["ledger"]
    assert "counts of 0 to 7 are shown as [c]" in manifest["policy"]


def test_counts_of_a_real_study_have_no_hash_a_guess_could_be_tried_on(awkward, monkeypatch):
    hashes = json.loads((awkward / "manifest.json").read_text(encoding="utf-8"))["inputs"]["study"]
    assert hashes["counts.csv"].startswith("withheld: set YSJ_HASH_KEY")


def test_reoffending_has_one_section_and_one_definition(public):
    """Of children followed for twelve months, and in no table of stages as well."""
    shown = tables(public)
    assert (shown["reoffending"]["base"] == "cohort_year").all()
    for name in ("stages-decisions", "stages-cumulative", "unknown-bounds"):
        assert not {"cohort", "reoffended"} & set(shown[name]["stage"])


def test_the_restricted_edition_shows_true_counts_and_says_so(restricted, public):
    assert "restricted" in restricted.parts or any("restricted" in part for part in restricted.parts)
    page = Page(restricted)
    assert "OFFICIAL-SENSITIVE" in page.text
    assert "OFFICIAL-SENSITIVE" not in Page(public).text
    custody = next(t for n, t in tables(restricted).items() if n.startswith("stages-decisions"))
    custody = custody[(custody["stage"] == "custody") & (custody["group"] == "Asian")]
    assert numbers(custody, "events")[0] < 8


def test_working_figures_are_refused_in_a_report(tmp_path):
    """The exploration notebook cannot be published by rendering it."""
    with pytest.raises(
        ContentError, match=r"printed by the policy 'working', which a public|a plain Python value"
    ):
        render("explore", data=ROOT / "data/synthetic", out=tmp_path)
    assert not list(tmp_path.rglob("*.html"))


def test_an_awkward_study_keeps_its_empty_group_and_its_zero_reference(awkward):
    """Green has nobody, Grey no charge of 120: both rows stay, and nothing is made up for them."""
    decisions = tables(awkward)["stages-decisions"]
    assert set(decisions["group"]) == {"Green", "Blue", "Grey"}
    ratio = decisions[decisions["measure"] == "risk_ratio"].set_index("group")
    assert ratio.loc["Blue", ["events", "denominator", "estimate"]].to_list() == ["30", "90", "[c]"]
    assert ratio.loc["Green", "estimate"] == "[c]"
    text = " ".join(Page(awkward).words)
    assert "Blue children were arrested at 1.50 times the rate of Grey children" in text
    assert "This study records no child of unknown ethnicity" in text


def test_plain_csv_readers_can_read_the_tables(public):
    for path in public.glob("tables/*.csv"):
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        assert len({len(line) for line in lines}) == 1, path.name
        described = json.loads(path.with_name(path.name + "-metadata.json").read_text(encoding="utf-8"))
        assert [c["name"] for c in described["tableSchema"]["columns"]] == lines[0]


HOSTILE = [
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "\u202eevitageN",
    "x" * 1000,
    "A$x_1$",
    "\u6f22",
    "-1+1",
    "a b'c&amp;",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Groups and an area with names that mean harm, and no population."""
    folder = tmp_path_factory.mktemp("hostile")
    groups, area = [*HOSTILE, "White"], "<b>=1+1</b>"
    stages = {"arrest": 300, "charge": 120, "convicted": 90}
    lines = [
        f'{area},{year},{stage},"{group}",{int(count * (1 + i / 5))}'
        for year in (2022, 2023)
        for stage, count in stages.items()
        for i, group in enumerate(groups)
    ]
    (folder / "counts.csv").write_text(
        "\n".join(["area,year,stage,group,events", *lines, ""]), encoding="utf-8"
    )
    toml = f'ethnicity_base = "own"\nreference = "White"\ngroups = {json.dumps(groups, ensure_ascii=False)}\n'
    (folder / "study.toml").write_text(toml, encoding="utf-8")
    return render("annual_report", data=folder, out=tmp_path_factory.mktemp("out"))


def test_a_study_of_counts_without_a_population_is_a_whole_report(hostile):
    page = Page(hostile)
    assert [h for h in page.headings[1:] if h != "Contents"] == QUESTIONS
    text = " ".join(page.words)
    assert "How the relative rate builds up, decision by decision: nothing can be drawn" in text
    rates = tables(hostile)["stages-cumulative"]
    arrest = rates[(rates["stage"] == "arrest") & (rates["measure"] == "rate_per_1000")]
    assert set(arrest["denominator"]) == set(arrest["estimate"]) == {"[x]"}
    assert not set(arrest["events"]) & {"[x]", "[c]"}


def test_names_that_mean_harm_do_none(hostile):
    text = Page(hostile).text
    assert not re.search(r"<script|<b>=|\u202e", text)
    for path in hostile.glob("tables/*.csv"):
        for line in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))):
            assert not any(re.match(r"\s*[=+@]|-(?!\d)", cell) for cell in line), (path.name, line)
    for path in hostile.glob("figures/*.svg"):
        assert not re.search(r"<script|\u202e", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("which", ["public", "hostile"])
def test_every_mark_is_explained_where_it_stands(which, request):
    text = Page(request.getfixturevalue(which)).text
    for shown in re.findall(r'<figure class="(?:chart|table)".*?</figure>', text, re.DOTALL):
        for mark in ("[c]", "[x]", "[z]"):
            assert f">{mark}<" not in shown or re.search(re.escape(mark) + r" (confidential|not a)", shown), (
                mark
            )


def test_every_page_says_that_the_children_are_made_up(public, tmp_path):
    for page in public.glob("*.html"):
        assert page.read_text().count("Public edition, of made-up data") == 2
    real = tmp_path / "study"
    shutil.copytree(ROOT / "data/synthetic", real)
    settings = real / "study.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("synthetic = true", ""), encoding="utf-8"
    )
    with pytest.raises(
        disclosure.DisclosureError, match="This study is of real children, and 1 of the 1 editions"
    ):
        render("annual_report", data=real, out=public.parents[2])


def test_three_lengths_of_one_run(public):
    """Every number of the two short pages is on the whole report, or in its tables."""
    whole, summary, plain = ((public / f"{n}.html").read_text() for n in ("index", "summary", "plain"))
    headline = re.search(r'<div class="headline">.*?</div>', whole, re.DOTALL)[0]
    assert headline in summary
    assert 'figure-overview"' in summary
    assert "figure-overview" not in whole
    assert "Figure" not in re.sub(r"<style.*?</style>", "", summary + plain, flags=re.DOTALL)
    assert 'figure-plain"' in plain
    assert "figure-plain" not in whole
    assert not re.search(
        r"relative rate|interval|\btimes\b",
        re.sub(r"<svg.*?</svg>|<style.*?</style>", "", plain, flags=re.DOTALL),
    )
    for page, others in (
        (whole, ("summary", "plain")),
        (summary, ("index", "plain")),
        (plain, ("index", "summary")),
    ):
        assert re.findall(r'<a href="(\w+)\.html">', page) == list(others)


def test_counts_of_which_nothing_is_known_but_themselves_are_a_whole_report(tmp_path):
    table = "area,year,stage,group,events\nA,2023,custody,Black,60\nA,2023,custody,White,45\n"
    (tmp_path / "counts.csv").write_text(table, encoding="utf-8")
    folder = render(
        "annual_report", data=tmp_path, out=tmp_path / "out", parameters={"area": "A", "year": 2023}
    )
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "there is no rate, and it cannot be said where a gap opens" in page


def test_a_study_without_a_population_says_so_first_and_blames_nothing_else(tmp_path):
    study = tmp_path / "study"
    shutil.copytree(ROOT / "data/synthetic", study, ignore=shutil.ignore_patterns("population.csv"))
    folder = render("annual_report", data=study, out=tmp_path / "out")
    for name in ("index", "summary"):
        page = (folder / f"{name}.html").read_text(encoding="utf-8")
        assert page.index("This study has no population of children") < page.index(
            "no stage with enough children"
        )
    words = " ".join(Page(folder).words)
    assert (
        "No population is known to compare by (2019-20 to 2023-24): first-time entrants, local measure."
        in words
    )
    assert "There is no population known to say whether any gap has moved." in words
    assert "There is no population known to say whether any gap differs between them." in words
    assert "cannot be compared, because no population is known (2023-24)" in words
    assert re.search(
        r"(\d+) of \1 [a-z ]+: (\d+ with [a-z ]+ and )?\d+ out of a number not known",
        words,
    )


def test_the_summary_is_one_page(public, restricted):
    for folder in (public, restricted):
        page = next(folder.glob("summary*.html")).read_text(encoding="utf-8")
        heading = Heading(
            "Summary on one page", "Islington", "Public edition", "", (("Report", "Annual report"),)
        )
        with pikepdf.open(io.BytesIO(document_pdf.pdf(document_source.source(page, heading)))) as printed:
            assert len(printed.pages) == 1
