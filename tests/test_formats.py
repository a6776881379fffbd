"""The page, Word, PDF, the spreadsheet and the CSV files say the same, accessibly, in the same bytes each time."""

import csv as csvlib
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import disclosure, documents, figures, measures, present
from ysj_analysis.citations import reference_list
from ysj_analysis.content import Content, ContentError
from ysj_analysis.datafile import safe
from ysj_analysis.document_source import source
from ysj_analysis.document_word import word
from ysj_analysis.numbering import numbered, numbers
from ysj_analysis.page import Heading, render_page
from ysj_analysis.parameters import ParameterError
from ysj_analysis.vocabulary import MEASURE
from ysj_analysis.wording import MARKS, Words, clean

pytest.importorskip("typst", reason="the documents extra is not installed")
pytest.importorskip("pypandoc")
pytest.importorskip("gptables")
docx = pytest.importorskip("docx")
pikepdf = pytest.importorskip("pikepdf")

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

WORDS = Words()
GROUPS = ("Asian", "Black", "Mixed", "White")
HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://example.org")',
    "\u202eevitageN #import $x_1$ @a $$b$$ [c](http://example.org) \\u{41} `x`",
    "#panic() *bold* _it_ <label> " + "long " * 60,
)
COLUMNS = {
    "Number": "events",
    "Out of": "denominator",
    "Rate or share": "rate_per_1000|proportion.estimate",
    "Relative rate (95% interval)": "rate_ratio|risk_ratio.with_interval",
}
TOP = Heading(
    "Differences by ethnicity", "Islington, 2023-24", "Public edition", "", (("Date", "2 January 2026"),)
)


def counts(groups=GROUPS):
    """Arrests of the population and charges of the arrested; the third group too few to show."""
    events = {"arrest": (40, 300, 4, 220), "charge": (10, 110, 2, 62)}
    base = {"arrest": (7096, 18962, 10938, 32751), "charge": (40, 300, 4, 220)}
    lines = [
        ("Islington", 2023, 5, "children", stage, before, group, float(x), float(n), "")
        for stage, before in (("arrest", "population"), ("charge", "arrest"))
        for group, x, n in zip(groups, events[stage], base[stage], strict=True)
    ]
    return pd.DataFrame(lines, columns=[*MEASURE[1:8], "events", "denominator", "note"])


def content(groups=GROUPS) -> Content:
    """What a notebook with two tables and two figures hands over."""
    released = disclosure.release(counts(groups))
    ratios = released.measure(measures.relative_rates, reference=groups[-1])
    named = {"words": WORDS}
    shown = [
        present.table(
            [released.measure(measures.rates), ratios],
            name="stages",
            title=f"Stages, {groups[0]}",
            columns=COLUMNS,
            **named,
        ),
        figures.matrix(ratios, name="matrix", title="Relative rates", **named),
        present.table(ratios, name="plain", title="Every column", **named),
        figures.relative_rates(ratios, name="points", title=f"Intervals, {groups[1]}", **named),
    ]
    blocks = [("markdown", "## How large is the gap?\n\nAs @table-stages and @figure-points show.", {})]
    blocks += [("html", one.html, dict(one.data)) for one in shown]
    blocks += [("html", present.text("Nothing says why.", kind="callout").html, {})]
    blocks += [("markdown", "## And then?\n\n- one\n- two\n\n### Deeper\n\nEnd.", {})]
    tables = {one.data["name"]: dict(one.data) for one in shown if "csv" in one.data}
    drawn = {one.data["name"]: dict(one.data) for one in shown if "svg" in one.data}
    return Content(blocks, tables, drawn, {}, [()] * len(blocks))


def made(groups=GROUPS, heading=TOP, formats=("html", "pdf", "docx", "xlsx"), **settings):
    """Page and documents of it."""
    shown = content(groups)
    found = numbers([shown])
    page = render_page(
        numbered(shown, found), heading, table_files={n: f"tables/{n}.csv" for n in shown.tables}
    )
    several = documents.documents(
        [documents.Page("report", page, heading)],
        shown.tables,
        formats=formats,
        numbers=found.tables,
        date="2026-01-02",
        **settings,
    )
    return page, shown, dict(several)


@pytest.fixture(scope="module")
def report():
    return made()


@pytest.fixture(scope="module")
def harmed():
    return made(HOSTILE, heading=Heading(HOSTILE[0], clean(HOSTILE[2]), "Public edition"))


class Tables(HTMLParser):
    """Every table of a page: a list of rows of texts."""

    def __init__(self, page):
        super().__init__()
        self.tables, self.captions, self.cell, self.caption = [], [], None, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.cell = ""
        if tag == "caption":
            self.caption = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][-1].append(self.cell)
            self.cell = None
        if tag == "caption":
            self.captions.append(self.caption)
            self.caption = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data
        if self.caption is not None:
            self.caption += data


def squeezed(text: str) -> str:
    """A text without the spaces, line ends and invisible letters by which programs set it."""
    return re.sub(r"[\s\u2066-\u2069\u00ad\u200b]+", "", text)


def word_tables(file: bytes):
    """Every table of a Word document: rows of texts."""
    from docx.oxml.ns import qn

    for table in docx.Document(io.BytesIO(file)).tables:
        yield [
            ["".join(t.text or "" for t in cell.iter(qn("w:t"))) for cell in row._tr.findall(qn("w:tc"))]
            for row in table.rows
        ]


# -- the same numbers --------------------------------------------------------------------------------


def test_word_has_every_cell_of_the_page(report):
    page, _, files = report
    on_page = [[[c.strip() for c in row] for row in table] for table in Tables(page).tables]
    assert len(on_page) == 2
    assert sum(len(row) for table in on_page for row in table) > 100
    assert list(word_tables(files["report.docx"])) == on_page


def pdf_cells(file: bytes):
    """Texts of the cells of every table of a PDF, read from its tags and content streams."""
    with pikepdf.open(io.BytesIO(file)) as document:
        texts = {page.objgen: marked(page) for page in document.pages}
        found = []

        def said(element, page):
            page = element.get("/Pg", page)
            inside = element.get("/K")
            parts = list(inside) if isinstance(inside, pikepdf.Array) else [inside]
            words = ""
            for part in parts:
                if isinstance(part, int):
                    words += texts[page.objgen][int(part)]
                elif isinstance(part, pikepdf.Dictionary) and "/MCID" in part:
                    words += texts[part.get("/Pg", page).objgen][int(part["/MCID"])]
                elif isinstance(part, pikepdf.Dictionary) and "/S" in part:
                    words += said(part, page)
            return words

        def walk(element, rows):
            kind = element.get("/S")
            if kind == "/Table":
                found.append([])
                rows = found[-1]
            if kind == "/TR":
                rows.append([])
            if kind in ("/TD", "/TH"):
                rows[-1].append((said(element, element.get("/Pg")), str(kind), scope(element)))
                return
            inside = element.get("/K")
            for part in list(inside) if isinstance(inside, pikepdf.Array) else [inside]:
                if isinstance(part, pikepdf.Dictionary) and "/S" in part:
                    walk(part, rows)

        walk(document.Root.StructTreeRoot, None)
    return found


def scope(element):
    given = element.get("/A", [])
    several = list(given) if isinstance(given, pikepdf.Array) else [given]
    return next((str(one["/Scope"]) for one in several if "/Scope" in one), "")


def marked(page):
    """The text of each marked piece of a page, by its number."""
    texts, open_, letters = {}, [], {}
    for name, font in page.get("/Resources", {}).get("/Font", {}).items():
        lines = font["/ToUnicode"].read_bytes().decode("latin-1")
        codes = {}
        for block in re.findall(r"beginbfchar(.*?)endbfchar", lines, re.S):
            for code, to in re.findall(r"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", block):
                codes[int(code, 16)] = bytes.fromhex(to).decode("utf-16-be")
        letters[name] = codes
    font = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name in ("BDC", "BMC"):
            open_.append(
                operands[1].get("/MCID")
                if name == "BDC" and len(operands) > 1 and hasattr(operands[1], "get")
                else None
            )
        elif name == "EMC":
            open_.pop()
        elif name == "Tf":
            font = letters[str(operands[0])]
        elif name in ("Tj", "TJ"):
            pieces = operands[0] if name == "TJ" else [operands[0]]
            words = ""
            for piece in pieces:
                if isinstance(piece, pikepdf.String):
                    raw = bytes(piece)
                    pairs = zip(raw[::2], raw[1::2], strict=True)
                    words += "".join(font.get(a * 256 + b, "?") for a, b in pairs)
            number = next((n for n in reversed(open_) if n is not None), None)
            if number is not None:
                texts[int(number)] = texts.get(int(number), "") + words
    return texts


def test_pdf_has_every_cell_of_the_page(report):
    page, _, files = report
    on_page = [[[squeezed(c) for c in row] for row in table] for table in Tables(page).tables]
    printed = [
        [[squeezed(text) for text, _, _ in row] for row in table] for table in pdf_cells(files["report.pdf"])
    ]
    assert printed == on_page


def sheets(file: bytes) -> dict[str, list[list]]:
    """Cells of every sheet of a workbook, read by another library than wrote it."""
    calamine = pytest.importorskip("python_calamine")
    book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(file))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def below(rows, first):
    """The table of a sheet: from its header row to its end."""
    start = next(i for i, row in enumerate(rows) if row[0] == first)
    return rows[start + 1 :]


@pytest.mark.parametrize(("name", "sheet"), [("stages", "Table 1"), ("plain", "Table 2")])
def test_the_spreadsheet_has_every_cell_of_the_csv_and_numbers_as_numbers(report, name, sheet):
    _, shown, files = report
    table = shown.tables[name]
    lines = list(csvlib.reader(io.StringIO(table["csv"])))
    read = below(sheets(files["tables.xlsx"])[sheet], "Measure")
    assert len(read) == len(lines) - 1 > 5
    numeric = 0
    for one, line in zip(read, lines[1:], strict=True):
        for cell, text in zip(one, line, strict=True):
            if isinstance(cell, int | float) and not isinstance(cell, bool):
                numeric += 1
                assert cell == pytest.approx(float(text), rel=1e-12)
            else:
                assert cell == (text or "[z]")
                assert not re.fullmatch(r"-?[\d.]+", cell)
    assert numeric > 50


def test_every_number_of_a_table_on_the_page_is_in_its_csv(report):
    """Each figure in a cell is a number of one of the table's rows, in its own unit and rounding."""
    page, shown, _ = report
    records = pd.read_csv(io.StringIO(shown.tables["stages"]["csv"]), na_values=list(MARKS))
    numbers_ = records.select_dtypes("number").to_numpy().ravel()
    numbers_ = numbers_[np.isfinite(numbers_)]
    seen = 0
    for row in Tables(page).tables[0][1:]:
        for cell in row[1:]:
            for text in re.findall(r"[-\N{MINUS SIGN}]?\d[\d,]*(?:\.\d+)?%?", cell):
                value = float(text.strip("%").replace(",", "").replace("\N{MINUS SIGN}", "-"))
                places = len(text.strip("%").partition(".")[2])
                factor = 100 if text.endswith("%") else 1
                assert np.isclose(np.abs(numbers_ * factor - value), 0, atol=0.5001 * 10**-places).any(), text
                seen += 1
    assert seen > 20


# -- the same bytes ----------------------------------------------------------------------------------


def test_the_same_report_gives_the_same_bytes(report):
    _, _, again = made()
    assert again == report[2]
    assert set(again) == {"report.pdf", "report.docx", "tables.xlsx"}


def test_no_file_says_when_or_where_it_was_made(report):
    for name in ("report.docx", "tables.xlsx"):
        with zipfile.ZipFile(io.BytesIO(report[2][name])) as archive:
            assert {part.date_time[0] for part in archive.infolist()} == {1980}
            text = b"".join(archive.read(part) for part in archive.namelist())
            assert not re.search(rb"/tmp|/home|/root|/Users", text)
            created = re.search(rb"<dcterms:created[^>]*>([^<]*)", text)[1]
            assert created.startswith(b"2026-01-02")


# -- accessible --------------------------------------------------------------------------------------


def test_the_pdf_is_tagged_named_and_in_english(report):
    with pikepdf.open(io.BytesIO(report[2]["report.pdf"])) as document:
        assert document.Root.MarkInfo.Marked
        assert str(document.Root.Lang) == "en-GB"
        assert document.Root.ViewerPreferences.DisplayDocTitle
        assert str(document.docinfo["/Title"]) == "Differences by ethnicity: Islington, 2023-24"
        with document.open_outline() as outline:
            assert [item.title for item in outline.root] == ["How large is the gap?", "And then?"]
            assert [item.title for item in outline.root[1].children] == ["Deeper"]
        with document.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"


def test_every_header_cell_is_a_header_in_the_pdf(report):
    for table in pdf_cells(report[2]["report.pdf"]):
        assert {(kind, scope) for _, kind, scope in table[0]} == {("/TH", "/Column")}
        assert {(row[0][1], row[0][2]) for row in table[1:]} == {("/TH", "/Row")}
        assert {kind for row in table[1:] for _, kind, _ in row[1:]} == {"/TD"}


def test_the_pdf_passes_the_rules_that_can_be_checked_here(report, tmp_path):
    pdfua = pytest.importorskip("pdfua")
    (tmp_path / "report.pdf").write_bytes(report[2]["report.pdf"])
    found = pdfua.validate(tmp_path / "report.pdf")
    assert [finding.message for finding in found.findings] == []


def test_a_figure_without_description_stops_the_pdf():
    from ysj_analysis.document_pdf import pdf
    from ysj_analysis.document_source import Source, source

    drawn = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
    bare = Source(
        '<h2>One</h2><figure><img src="figure-1.svg" alt=""></figure>', {"figure-1.svg": drawn}, TOP, ()
    )
    with pytest.raises(
        ContentError, match=r"cannot be printed as accessible PDF.*Give every figure a description"
    ):
        pdf(bare)
    with pytest.raises(ContentError, match=r"Chart 1 .* no description"):
        source(f"<main>{drawn}</main>", TOP)


def test_word_repeats_header_rows_and_describes_figures(report):
    with zipfile.ZipFile(io.BytesIO(report[2]["report.docx"])) as archive:
        body = archive.read("word/document.xml").decode()
        assert "<w:lang" in archive.read("word/styles.xml").decode()
        assert 'w:val="en-GB"' in archive.read("word/styles.xml").decode()
        assert len([name for name in archive.namelist() if name.endswith(".png")]) == 2
    assert len(re.findall(r"<w:tblHeader", body)) == body.count("<w:tbl>") == 2
    assert body.count('w:firstColumn="1"') == 2
    described = re.findall(r'<wp:docPr[^>]*descr="([^"]*)"', body)
    assert len(described) == 2
    assert "Black: " in described[0]


def test_the_descriptions_of_figures_state_their_printed_numbers(report):
    _, shown, _ = report
    ratios = pd.read_csv(io.StringIO(shown.tables["plain"]["csv"]), na_values=list(MARKS))
    others = ratios[(ratios["group"] != "White")]
    for figure in shown.figures.values():
        for row in others.to_dict("records"):
            stated = (
                "[c]"
                if np.isnan(row["estimate"])
                else f"{row['estimate']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
            )
            assert stated in figure["alt"], row["group"]


def test_the_spreadsheet_follows_the_guidance(report):
    file = report[2]["tables.xlsx"]
    assert list(sheets(file)) == ["Cover", "Contents", "Notes", "Table 1", "Table 2"]
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        every = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    assert not any("<mergeCell" in text or "<f>" in text for text in every.values())
    assert sum(name.startswith("xl/tables/") for name in every) == 4  # contents, notes, and one a sheet
    notes = {row[0]: row[1] for row in sheets(file)["Notes"] if row and row[0]}
    assert {mark: notes[mark] for mark in MARKS} == MARKS
    for name in ("Table 1", "Table 2"):
        body = below(sheets(file)[name], "Measure")
        assert all(cell != "" for row in body for cell in row)


# -- editions, templates, refusals -------------------------------------------------------------------


def test_the_restricted_edition_is_marked_on_every_page():
    top = Heading("T", "Islington", "Restricted edition", "OFFICIAL-SENSITIVE")
    _, _, files = made(heading=top)
    with pikepdf.open(io.BytesIO(files["report.pdf"])) as document:
        for page in document.pages:
            assert "OFFICIAL-SENSITIVE" in page_text(page)
    with zipfile.ZipFile(io.BytesIO(files["report.docx"])) as archive:
        for part in ("header", "footer"):
            texts = [archive.read(n).decode() for n in archive.namelist() if re.match(rf"word/{part}\d", n)]
            assert any("OFFICIAL-SENSITIVE" in text for text in texts)
    assert any("OFFICIAL-SENSITIVE" in str(row) for row in sheets(files["tables.xlsx"])["Cover"])


def page_text(page) -> str:
    """All text of a page, that of its head and foot too."""
    letters, font, words = {}, {}, ""
    for name, one in page.Resources.Font.items():
        lines = one["/ToUnicode"].read_bytes().decode("latin-1")
        letters[name] = {
            int(a, 16): bytes.fromhex(b).decode("utf-16-be")
            for block in re.findall(r"beginbfchar(.*?)endbfchar", lines, re.S)
            for a, b in re.findall(r"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", block)
        }
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            font = letters[str(operands[0])]
        if str(operator) in ("Tj", "TJ"):
            for piece in operands[0] if str(operator) == "TJ" else [operands[0]]:
                if isinstance(piece, pikepdf.String):
                    raw = bytes(piece)
                    words += "".join(
                        font.get(a * 256 + b, "") for a, b in zip(raw[::2], raw[1::2], strict=True)
                    )
    return words


def test_a_councils_template_gives_the_house_style(tmp_path):
    house = docx.Document()
    house.styles["Heading 1"].font.name = "Courier New"
    house.sections[0].header.paragraphs[0].text = "London Borough of Islington"
    house.add_paragraph("Text of the template that must not appear.")
    house.save(tmp_path / "house.docx")
    _, _, files = made(formats=("docx",), template=tmp_path / "house.docx")
    with zipfile.ZipFile(io.BytesIO(files["report.docx"])) as archive:
        every = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    assert "Courier New" in every["word/styles.xml"]
    assert any("London Borough of Islington" in text for name, text in every.items() if "header" in name)
    assert "must not appear" not in every["word/document.xml"]
    assert "Differences by ethnicity" in every["word/document.xml"]


def test_a_long_word_document_lists_its_chapters_as_links():
    """Four chapters: four links, each to the bookmark before a heading of the same words, in a field of Word's."""
    top, asked = (
        Heading("T", "Islington", "Public edition"),
        [f"What of {c}?" for c in ("one", "two", "three", "four")],
    )
    blocks = [("markdown", f"## {question}\n\nText.", {}) for question in asked]
    page = render_page(Content(blocks), top, table_files={})
    document = docx.Document(io.BytesIO(word(source(page, top))))
    body = document.element.body
    links = [
        (link.get(W + "anchor"), "".join(t.text for t in link.iter(W + "t")))
        for link in body.iter(W + "hyperlink")
    ]
    marks = {mark.get(W + "name"): mark.getnext() for mark in body.iter(W + "bookmarkStart")}
    assert [text for _, text in links] == asked
    assert ["".join(t.text for t in marks[name].iter(W + "t")) for name, _ in links] == asked
    assert [f.get(W + "fldCharType") for f in body.iter(W + "fldChar")] == ["begin", "separate", "end"]


def test_a_template_that_is_no_word_document_is_refused(tmp_path):
    (tmp_path / "house.docx").write_text("no")
    with pytest.raises(ParameterError, match=r"house.docx cannot be the template .*save it as .docx"):
        documents.asked("docx", tmp_path / "house.docx")
    with pytest.raises(ParameterError, match="Word is not among the formats"):
        documents.asked("pdf", tmp_path / "house.docx")


def test_a_format_that_cannot_be_made_here_is_refused_before_anything_runs(monkeypatch):
    monkeypatch.setattr(documents, "find_spec", lambda name: None if name == "typst" else object())
    with pytest.raises(
        ParameterError, match=r"--to pdf cannot be made here: 1 of the 4 .*typst.*\[documents\].*html"
    ):
        documents.asked("html,pdf")
    assert documents.asked("html, XLSX") == ("html", "xlsx")


# -- names that mean harm ----------------------------------------------------------------------------


def test_hostile_names_are_only_words_in_every_format(harmed):
    page, shown, files = harmed
    assert "<script" not in page
    for table in shown.tables.values():
        for row in csvlib.reader(io.StringIO(table["csv"])):
            assert all(safe(cell) == cell for cell in row)
    with zipfile.ZipFile(io.BytesIO(files["tables.xlsx"])) as archive:
        every = "".join(archive.read(n).decode("utf-8", "replace") for n in archive.namelist())
    assert "<f>" not in every
    assert "<hyperlink " not in "".join(
        zipfile.ZipFile(io.BytesIO(files["tables.xlsx"])).read(f"xl/worksheets/sheet{n}.xml").decode()
        for n in (4, 5)
    )
    with zipfile.ZipFile(io.BytesIO(files["report.docx"])) as archive:
        body = archive.read("word/document.xml").decode()
        links = archive.read("word/_rels/document.xml.rels").decode()
    assert "example.org" not in links
    assert "<w:instrText" not in body
    assert "\u202e" not in body + page + every


def test_hostile_names_are_printed_as_they_are(harmed):
    page, _, files = harmed
    on_page = [[squeezed(c) for c in row] for table in Tables(page).tables for row in table]
    printed = [
        [squeezed(text) for text, _, _ in row] for table in pdf_cells(files["report.pdf"]) for row in table
    ]
    assert printed == on_page
    word = [[squeezed(c) for c in row] for table in word_tables(files["report.docx"]) for row in table]
    assert word == on_page
    assert any("#panic()*bold*" in cell for row in on_page for cell in row)
    with pikepdf.open(io.BytesIO(files["report.pdf"])) as document:
        assert not any(
            "example.org" in str(a.get("/A", "")) for p in document.pages for a in p.get("/Annots", [])
        )


# -- numbers and references --------------------------------------------------------------------------


def test_tables_and_figures_are_numbered_and_mentions_lead_to_them(report):
    page, shown, _ = report
    assert [c.partition(":")[0] for c in Tables(page).captions] == ["Table 1", "Table 2"]
    assert re.findall(r"<figcaption>(Figure \d):", page) == ["Figure 1", "Figure 2"]
    assert '<a href="#table-stages">Table 1</a>' in page
    assert '<a href="#figure-points">Figure 2</a>' in page
    assert 'id="figure-points"' in page
    with pytest.raises(ContentError, match="speaks of the table 'lost'"):
        numbered(Content([("markdown", "@table-lost", {})]), numbers([shown]))


def test_a_mention_of_what_stands_on_another_page_is_no_link(report):
    _, shown, _ = report
    other = Content([("markdown", "See @table-plain; write to someone@table-plain.org.", {})])
    assert numbered(other, numbers([shown])).blocks[0][1] == "See Table 2; write to someone@table-plain.org."


def test_only_the_methods_that_are_used_are_referenced():
    listed = reference_list(["method\nMiettinen-Nurminen score, widened for rounding to 5\nWilson\n"])
    assert re.findall(r"^- (\w+)", listed, re.M) == ["Miettinen", "Wilson"]
    assert reference_list(["group,events\nBlack,45\n"]) == ""


# -- the page in a browser ---------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
MODULES = os.environ.get("YSJ_AXE", "")  # a folder node_modules with axe-core and playwright-core


@pytest.mark.skipif(
    not (CHROMIUM and shutil.which("node") and (Path(MODULES) / "axe-core").is_dir()),
    reason="needs chromium, node and YSJ_AXE (docs/formats.md)",
)
def test_pages_have_no_violation_make_no_request_and_are_walked_by_keyboard(report, harmed, tmp_path):
    paths = []
    marked = made(heading=Heading("T", "Islington", "Restricted edition", "OFFICIAL-SENSITIVE"))
    for name, page in (("report", report[0]), ("harmed", harmed[0]), ("marked", marked[0])):
        paths.append(tmp_path / f"{name}.html")
        paths[-1].write_text(page, encoding="utf-8")
    script = Path(__file__).parent / "accessibility" / "axe.mjs"
    out = subprocess.run(
        ["node", str(script), str(CHROMIUM), MODULES, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    found = json.loads(out.stdout)
    assert len(found) == 9
    for one in found:
        assert one["violations"] == [], one["page"]
        assert one["passes"] > 20
        assert (one["requests"], one["errors"], one["scrolling"], one["overflow"]) == ([], [], 0, 0)
        assert one["reached"] == one["stops"] > 5
