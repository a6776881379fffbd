"""Spreadsheets are read as values, in a stream; what could do harm is refused fast and in little memory."""

import datetime
import json
import random
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ysj_analysis import workbook
from ysj_analysis.tables import DataError

XLS = Path(__file__).parent / "published" / "remand-2021.xls"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def package(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def xlsx_parts(sheet, *, strings="", styles="", workbook="", state="visible", **more):
    return {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{REL}">{workbook}<sheets>'
        f'<sheet name="Table 1" sheetId="1" state="{state}" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>',
    } | more


def xlsx(path, sheet, **parts):
    return package(path, xlsx_parts(sheet, **parts))


ODS_SPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"), ("draw", "drawing"))
)


def ods(path, rows, *, before="", **more):
    content = (
        f"{before}<office:document-content {ODS_SPACES}><office:body><office:spreadsheet>"
        f'<table:table table:name="Table 1">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    mimetype = {"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}
    return package(path, mimetype | {"content.xml": content} | more)


def cells(file, sheet="Table 1"):
    table = workbook.read(file).sheets[sheet]
    return {f"{c}{r}": v for r, row in table.iterrows() for c, v in row.items() if v}


# -- values ------------------------------------------------------------------------------------------


def test_an_xlsx_gives_values_with_the_rows_and_columns_a_person_sees(tmp_path):
    file = xlsx(
        tmp_path / "a.xlsx",
        '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
        '<row r="4"><c r="B4" t="s"><v>1</v></c><c r="D4" t="inlineStr"><is><t>Other(4)</t></is></c></row>'
        '<row r="5"><c r="A5"><v>508663.0</v></c><c r="B5"><v>7.0000000000000007E-2</v></c>'
        '<c r="C5" s="1"><v>45382</v></c><c r="D5" s="2"><v>45382.5</v></c><c r="E5" t="b"><v>1</v></c>'
        '<c r="F5" t="e"><v>#REF!</v></c><c r="G5" s="3"><v>12</v></c></row>'
        "<row><c><v>1</v></c><c/><c><v>3</v></c></row>",
        strings="<si><t>Title</t></si><si><r><t>Bl</t></r><r><t xml:space='preserve'>ack </t></r>"
        "<rPh><t>spoken</t></rPh></si>",
        styles='<numFmts><numFmt numFmtId="170" formatCode="[Red]#,##0&quot; days&quot;"/></numFmts><cellStyleXfs>'
        '<xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>'
        '<xf numFmtId="170"/></cellXfs>',
    )
    book = workbook.read(file)
    assert (book.kind, book.notes, book.sheets["Table 1"].attrs) == (
        "xlsx", (), {"file": "a.xlsx", "sheet": "Table 1"},
    )  # fmt: skip
    assert cells(file) == {
        "A1": "Title", "B4": "Black ", "D4": "Other(4)", "A5": "508663", "B5": "0.07", "C5": "2024-03-31",
        "D5": "2024-03-31 12:00:00", "E5": "TRUE", "F5": "#REF!", "G5": "12", "A6": "1", "C6": "3",
    }  # fmt: skip
    assert list(book.sheets["Table 1"].index) == [1, 4, 5, 6]


def test_an_ods_gives_values_with_the_rows_and_columns_a_person_sees(tmp_path):
    def cell(inner="", **attributes):
        spelled = "".join(f' {k.replace("__", ":").replace("_", "-")}="{v}"' for k, v in attributes.items())
        return f"<table:table-cell{spelled}>{inner}</table:table-cell>"

    note = "<office:annotation><text:p>a remark</text:p></office:annotation>"
    shape = "<draw:frame><draw:text-box><text:p>in a shape</text:p></draw:text-box></draw:frame>"
    file = ods(
        tmp_path / "a.ods",
        "<table:table-row>" + cell("<text:p>Title</text:p>\n  <text:p>and more</text:p>\n") + "</table:table-row>"
        '<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row><table:table-row>"
        + cell(table__number_columns_repeated="2")
        + cell(f"{note}<text:p>a<text:s text:c='2'/>b</text:p>{shape}")
        + cell("<text:p>7%</text:p>", office__value_type="percentage", office__value="0.07")
        + cell("<text:p>31/03/24</text:p>", office__value_type="date", office__date_value="2024-03-31T00:00:00")
        + cell("<text:p>5</text:p>", office__value_type="float", office__value="5", table__formula="of:=2+3",
               table__number_columns_repeated="2")
        + '</table:table-row><table:table-row table:number-rows-repeated="2">'
        + cell("<text:p>x</text:p>") + '</table:table-row><table:table-row table:number-rows-repeated="1048570">'
        '<table:table-cell/></table:table-row>',
    )  # fmt: skip
    assert cells(file) == {
        "A1": "Title\nand more", "C4": "a  b", "D4": "0.07", "E4": "2024-03-31", "F4": "5", "G4": "5",
        "A5": "x", "A6": "x",
    }  # fmt: skip


def test_an_xls_gives_values():
    book = workbook.read(XLS)
    assert (book.kind, list(book.sheets)) == ("xls", ["Cover", "6.1", "Values"])
    assert cells(XLS, "Values") == {
        "A1": "2024-03-31", "B1": "0.07", "C1": "TRUE", "A2": "508663", "B2": "508663",
    }  # fmt: skip


def test_values_are_those_of_another_reader(tmp_path):
    calamine = pytest.importorskip("python_calamine", reason="the other reader is not installed")
    files = [XLS, xlsx(tmp_path / "a.xlsx", "".join(
        f'<row r="{r}">' + "".join(f'<c r="{c}{r}"><v>{random.Random(r).random()}</v></c>' for c in "BCE") + "</row>"
        for r in range(3, 40, 3)
    ))]  # fmt: skip
    for file in files:
        other = calamine.load_workbook(str(file))
        for name, table in workbook.read(file).sheets.items():
            theirs = other.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for number, row in table.iterrows():
                for ours, value in zip(row, theirs[number - 1], strict=True):
                    if isinstance(value, bool):
                        assert ours == str(value).upper()
                    elif isinstance(value, int | float):
                        assert float(ours) == pytest.approx(value, rel=1e-14)
                    else:
                        assert ours == (value.isoformat() if isinstance(value, datetime.date) else value)


def test_hostile_labels_travel_as_text(tmp_path):
    labels = [
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "../../etc/passwd",
        "\u202eevil",
        "x" * 1_000_000,
    ]
    escaped = [label.replace("<", "&lt;") for label in labels]
    rows = "".join(f'<row><c t="inlineStr"><is><t>{label}</t></is></c></row>' for label in escaped)
    table = workbook.read(xlsx(tmp_path / "a.xlsx", rows)).sheets["Table 1"]
    assert table["A"].tolist() == labels
    rows = "".join(f"<table:table-row><table:table-cell><text:p>{t}</text:p></table:table-cell></table:table-row>"
                   for t in escaped)  # fmt: skip
    assert workbook.read(ods(tmp_path / "a.ods", rows)).sheets["Table 1"]["A"].tolist() == labels


def test_rows_stream_without_holding_the_sheet(tmp_path):
    file = xlsx(tmp_path / "a.xlsx", '<row r="7"><c r="B7"><v>1</v></c></row>')
    assert list(workbook.rows(file)) == [("Table 1", 7, ["", "1"])]


# -- formulas, macros, links, names ------------------------------------------------------------------


def test_a_formula_is_its_saved_result(tmp_path):
    file = xlsx(tmp_path / "a.xlsx", '<row r="1"><c r="A1"><f>WEBSERVICE("http://x")</f><v>2</v></c>'
                '<c r="B1" t="str"><f>A1&amp;"x"</f><v>2x</v></c></row>')  # fmt: skip
    assert cells(file) == {"A1": "2", "B1": "2x"}


def test_a_formula_without_a_saved_result_is_refused(tmp_path):
    file = xlsx(
        tmp_path / "a.xlsx", '<row r="3"><c r="B3"><f>1+1</f></c><c r="C3"><f>1</f><v>1</v></c></row>'
    )
    with pytest.raises(DataError, match=r"'Table 1': 1 of 2 formulas have no saved result.* row 3, column B"):
        workbook.read(file)
    row = '<table:table-row><table:table-cell table:formula="of:=1+1"/></table:table-row>'
    with pytest.raises(DataError, match=r"1 of 1 formulas .* First: sheet 'Table 1', row 1, column A"):
        workbook.read(ods(tmp_path / "a.ods", row))


def test_macros_links_and_a_wrong_name_are_named_and_nothing_of_them_is_used(tmp_path):
    more = {"xl/vbaProject.bin": b"\0", "xl/externalLinks/externalLink1.xml": "<x/>"}
    file = xlsx(tmp_path / "a.xls", '<row r="1"><c r="A1"><v>1</v></c></row>', state="hidden", **more)
    assert workbook.read(file).notes == (
        "it holds macros, which were neither read nor run",
        "it refers to other files, which were not opened; the values saved in it are used",
        "the file is named '.xls' and is .xlsx by its content",
        "sheet 'Table 1' is hidden; it was read all the same",
    )
    macros = ods(tmp_path / "a.ods", "", **{"Basic/Standard/Module1.xml": "<x/>"})
    assert workbook.read(macros).notes == ("it holds macros, which were neither read nor run",)


def ole(path, name):
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + name.encode("utf-16-le") + bytes(512))
    return path


def encrypted_zip(path):
    xlsx(path, "")
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + offset] |= 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: ole(p, "EncryptedPackage"), r"a\.xlsx: it is encrypted\. .*\nOpen it with its password"),
        (encrypted_zip, "it is encrypted"),
        (lambda p: ods(p, "", **{"META-INF/manifest.xml": '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:'
         'xmlns:manifest:1.0"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'}), "it is encrypted"),
        (lambda p: ole(p, "WordDocument"), "holds no workbook"),
        (lambda p: ole(p, "Workbook"), "cannot be read as .xls"),
        (lambda p: package(p, {"word/document.xml": "<x/>"}), "a zip package that holds no spreadsheet"),
        (lambda p: package(p, {"xl/workbook.bin": "x"}), "an .xlsb workbook"),
        (lambda p: p.write_text("a,b\n1,2\n") and p, "a text file, perhaps CSV"),
        (lambda p: p.write_text("<html><table>") and p, "a web page under a spreadsheet's name"),
        (lambda p: p.write_text("<?xml version='1.0'?><Workbook/>") and p, "an XML file"),
        (lambda p: p.write_bytes(b"%PDF-1.7") and p, "a PDF"),
        (lambda p: p.write_bytes(b"") == 0 and p, "it is empty"),
        (lambda p: p.write_bytes(xlsx(p, "").read_bytes()[:-30]) and p, "no directory: the file is cut short"),
        (lambda p: package(p, xlsx_parts("") | {"xl/_rels/workbook.xml.rels": "<x>"}), "not well-formed XML"),
    ],
)  # fmt: skip
def test_what_is_no_readable_spreadsheet_is_refused_in_words(tmp_path, make, message):
    with pytest.raises(DataError, match=message) as refused:
        workbook.read(make(tmp_path / "a.xlsx"))
    assert_four_parts(str(refused.value))


def assert_four_parts(message):
    """What, how many of how many, where first, and on a line of its own what to do."""
    assert re.fullmatch(r"[\w.]+: .*\d of [\d,]+ .*First: .+\.\n[A-Z].*\.", message), message


# -- what could do harm ------------------------------------------------------------------------------

LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
FETCH = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "before", [LAUGHS, FETCH, "<!DOCTYPE x>", '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">']
)
def test_a_document_type_is_refused(tmp_path, before):
    row = "<table:table-row><table:table-cell><text:p>&a;</text:p></table:table-cell></table:table-row>"
    with pytest.raises(DataError, match=r"content\.xml declares a document type"):
        workbook.read(ods(tmp_path / "a.ods", row, before=before))
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"):
        parts = xlsx_parts("<row><c><v>1</v></c></row>")
        with pytest.raises(DataError, match="declares a document type"):
            workbook.read(package(tmp_path / "a.xlsx", parts | {part: before + parts[part]}))


def sheet_of(parts):
    return xlsx_parts("") | parts


def bomb_zeros(path):
    return xlsx(path, "<row>" + " " * 300_000_000 + "</row>")


def bomb_ratio(path):
    return xlsx(path, "<row><c><v>1</v></c></row>" * 3_000_000)


def bomb_liar(path):
    """The directory says 1,000 bytes; the part unpacks to 60 million."""
    xlsx(path, "<row><c><v>1</v></c></row>" + " " * 60_000_000)
    data = bytearray(path.read_bytes())
    at = data.rfind(b"xl/worksheets/sheet1.xml") - 46
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def bomb_parts(path):
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(30_000):
            archive.writestr(f"xl/{i}.xml", "")
    return path


def noise(size):
    return random.Random(1).randbytes(size // 2).hex()


def bomb_deep(path):
    return xlsx(
        path, "".join(f"<{c}>" for c in noise(200_000).translate(str.maketrans("0123456789", "ghijklmnop")))
    )


def bomb_names(path):
    return xlsx(path, "".join(f"<n{i}/>" for i in range(2_000_000)))


def bomb_mark(path):
    return xlsx(path, f'<row a="{noise(40_000_000)}"/>')


def bomb_cell(path):
    return xlsx(path, f'<row><c t="inlineStr"><is><t>{noise(40_000_000)}</t></is></c></row>')


def bomb_shared(path):
    """One text of a million characters in 200,000 cells; its letters are held once."""
    strings = f"<si><t>{noise(1_000_000)}</t></si>"
    rows = "".join(f'<row r="{i}"><c r="A{i}" t="s" s="{i}"><v>0</v></c></row>' for i in range(1, 200_001))
    return xlsx(path, rows, strings=strings)


def bomb_sparse(path):
    rows = "".join(f'<row r="{i * 100}"><c r="A{i * 100}"><v>1</v></c></row>' for i in range(1, 1001))
    return xlsx(path, rows + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def bomb_beyond(path):
    return xlsx(path, '<row r="99999999"><c r="A1"><v>1</v></c></row>')


def _ods_cell(attributes, row=""):
    cell = f"<table:table-cell {attributes}><text:p>1</text:p></table:table-cell>"
    return f"<table:table-row {row}>{cell}</table:table-row>"


def bomb_columns(path):
    return ods(path, _ods_cell('table:number-columns-repeated="900000000"'))


def bomb_rows(path):
    return ods(path, _ods_cell("", 'table:number-rows-repeated="900000000"'))


def bomb_square(path):
    return ods(
        path, _ods_cell('table:number-columns-repeated="16000"', 'table:number-rows-repeated="1000000"')
    )


def bomb_spaces(path):
    spaces = '<text:p>1<text:s text:c="900000000"/></text:p>'
    return ods(path, f"<table:table-row><table:table-cell>{spaces}</table:table-cell></table:table-row>")


def bomb_gap(path):
    blank = '<table:table-cell table:number-columns-repeated="900000000"/>'
    return ods(path, _ods_cell("").replace("<table:table-cell", blank + "<table:table-cell"))


def bomb_sectors(path):
    """An .xls of 25 MB whose table of sectors claims to fill it, and whose sectors follow each other in a ring."""
    sectors = 50_000
    head = struct.pack("<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0,
                       sectors // 128, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)  # fmt: skip
    table = struct.pack("<109I", *range(2, 111))
    ring = struct.pack("<128I", *((i + 1) % sectors for i in range(128)))
    name = "Workbook".encode("utf-16-le").ljust(64, b"\0")
    path.write_bytes((head + table).ljust(512, b"\0") + name.ljust(512, b"\0") + ring * sectors)
    return path


BOMBS = {
    bomb_sectors: r"cannot be read as \.xls|no workbook",
    bomb_zeros: r"bytes that unpack to 300,0\d\d,\d\d\d; at most 250,000,000",
    bomb_ratio: r"unpacks to [\d,]+ times its size; at most 200 times",
    bomb_liar: "cannot be unpacked",
    bomb_parts: "30,000 parts",
    bomb_deep: "nested more than 200 deep",
    bomb_names: "different names",
    bomb_mark: "a mark of more than 2,000,000 characters",
    bomb_cell: "a cell has more than 2,000,000 characters",
    bomb_shared: "200000",  # no bomb here: read, in little memory
    bomb_sparse: "more than 5,000,000 cells, counting the empty ones",
    bomb_beyond: "a row beyond 1,048,576",
    bomb_columns: "a column beyond 16,384",
    bomb_rows: "more than 5,000,000 cells",
    bomb_square: "more than 5,000,000 cells",
    bomb_spaces: "a cell has more than 2,000,000 characters",
    bomb_gap: "a column beyond 16,384",
}  # fmt: skip

MEASURED = """
import json, pathlib, re, sys, time
from ysj_analysis import workbook
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (4_000_000_000, 4_000_000_000))
except (ImportError, ValueError, OSError):
    pass
start = time.process_time()
try:
    said = str(len(workbook.read(sys.argv[1]).sheets["Table 1"]))
except workbook.DataError as error:
    said = str(error)
took = time.process_time() - start
status = pathlib.Path("/proc/self/status")  # the peak of this process; that of rusage begins with its parent's
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) * 1024 if status.exists() else 0
print(json.dumps([said, took, peak]))
"""


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_is_refused_in_two_seconds_and_200_megabytes(tmp_path, bomb):
    file = bomb(tmp_path / ("a.ods" if bomb in list(BOMBS)[12:] else "a.xlsx"))
    done = subprocess.run([sys.executable, "-c", MEASURED, str(file)], capture_output=True, text=True, check=False,
                          timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, took, peak = json.loads(done.stdout)
    assert re.search(BOMBS[bomb], said), said
    if bomb is not bomb_shared:  # which is read
        assert_four_parts(said)
    assert took < 2
    assert peak < 200_000_000


def test_limits_can_be_named_by_who_knows_the_file(tmp_path):
    file = xlsx(tmp_path / "a.xlsx", "<row><c><v>1</v></c><c><v>1</v></c></row>" * 3)
    assert len(workbook.read(file).sheets["Table 1"]) == 3
    with pytest.raises(DataError, match="more than 5 cells"):
        workbook.read(file, workbook.Limits(cells=5))
    with pytest.raises(DataError, match="bytes; at most 10 are read"):
        workbook.read(file, workbook.Limits(file=10))


@pytest.mark.parametrize("kind", ["xls", "xlsx", "ods"])
def test_a_damaged_file_is_a_data_error_and_nothing_else(tmp_path, kind):
    random_numbers = random.Random(5)
    source = {
        "xls": lambda: XLS,
        "xlsx": lambda: xlsx(tmp_path / "whole.xlsx", '<row r="1"><c r="A1" t="s"><v>0</v></c></row>' * 50,
                             strings="<si><t>a</t></si>"),
        "ods": lambda: ods(tmp_path / "whole.ods", _ods_cell('table:number-columns-repeated="3"') * 50),
    }[kind]()  # fmt: skip
    whole = source.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(random_numbers.choice([1, 5, 50])):
            data[random_numbers.randrange(len(data))] = random_numbers.randrange(256)
        file = tmp_path / f"damaged.{kind}"
        file.write_bytes(data)
        try:
            workbook.read(file)
        except DataError as error:
            assert_four_parts(str(error))


def test_reading_leaves_nothing_on_the_screen(tmp_path, capfd):
    workbook.read(XLS)
    assert capfd.readouterr() == ("", "")


def test_an_xls_with_stray_cells_far_below_is_refused(monkeypatch):
    """A sheet of .xls holds a list for each row above its last; 200 such sheets took 19 s before there was a limit."""
    monkeypatch.setattr(workbook, "_XLS_ROWS", 10)
    with pytest.raises(DataError, match="more than 10 rows, counting empty ones above the last"):
        workbook.read(XLS)
