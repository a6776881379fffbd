"""A report is a whole folder, accessible, self-contained, and the same bytes every time."""

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from ysj_analysis import execution, inspection, manifest, page, publication, report
from ysj_analysis.content import Content, ContentError
from ysj_analysis.parameters import ParameterError
from ysj_analysis.publication import Locked, whole
from ysj_analysis.request import request

SETUP = """
from html import escape

class Shown:
    def __init__(self, html, **data): self.html, self.data = html, data
    def _repr_mimebundle_(self, include=None, exclude=None): return {"text/html": self.html, **self.data}

def table(name, title, rows):
    body = "".join(f'<tr><th scope="row">{g}</th><td class="n">{n}</td></tr>' for g, n in rows)
    head = '<thead><tr><th scope="col">Group</th><th scope="col" class="n">Children</th></tr></thead>'
    html = f'<figure class="table"><table><caption>{title}</caption>{head}<tbody>{body}</tbody></table></figure>'
    csv = "group,events\\n" + "".join(f"{g},{n}\\n" for g, n in rows)
    csvw = {"@context": "http://www.w3.org/ns/csvw", "url": f"{name}.csv", "dc:title": title}
    return Shown(html, **{"application/vnd.ysj.table+json": {
        "name": name, "title": title, "csv": csv, "csvw": csvw, "hidden": 1, "cells": 2, "policy": "public"}})

def chart(name, alt):
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t" viewBox="0 0 720 90">'
           f'<title id="t">{alt}</title><clipPath id="c"><rect width="9" height="9"/></clipPath>'
           '<rect clip-path="url(#c)" width="9" height="9"/></svg>')
    return Shown(f'<figure class="chart">{svg}<figcaption>{alt}</figcaption></figure>', **{
        "application/vnd.ysj.figure+json": {"name": name, "svg": svg, "alt": alt, "caption": alt}})
"""

CELLS = (
    ("markdown", "# Differences by ethnicity\n\nOpening words."),
    ("code", 'area: str = "Islington"\nyear: int = 2023\nedition: str = "public"', "parameters"),
    ("code", SETUP),
    ("markdown", "## Where is the gap?"),
    ("code", 'table("arrests", "Arrests & more, by group", [("Black", 45), ("White", "[c]")])'),
    ("code", 'chart("gap", "Black 3.2, Mixed 1.1")'),
    ("code", 'chart("again", "Black 2.9, Mixed 1.0")'),
    ("markdown", "### Why\n\n- one\n- two\n\n## How sure are we?\n\nSee **below**."),
    ("markdown", "## What is done?\n\n## What is next?"),
    (
        "code",
        'Shown("", **{"application/vnd.ysj.facts+json": {"ledger": [["read", 412]], "policy": "public"}})',
    ),
    ("code", 'Shown(f"<p class=headline>{escape(area)}, from {year}.</p>")'),
)


def write(path: Path, cells=CELLS, **metadata) -> Path:
    v4 = nbformat.v4
    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    book = v4.new_notebook(
        cells=[make[kind](source, metadata={"tags": tags}) for kind, source, *tags in cells],
        metadata=metadata,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path


@pytest.fixture(scope="session")
def notebook(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("a folder with spaces") / "tiny.ipynb")


@pytest.fixture(scope="session")
def reports(notebook) -> list[Path]:
    """Render the same report twice; the commit is left out, since the checkout may move in between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "commit", lambda: "0" * 40)
        return [
            report.render(notebook, out=notebook.parent / out, date="2026-01-31") for out in ("one", "two")
        ]


@pytest.fixture(scope="session")
def html(reports) -> str:
    return (reports[0] / "index.html").read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Lists every element of a page with its attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict]:
        return [attrs for tag, attrs in self.found if tag in tags]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# -- the folder --------------------------------------------------------------------------------------


def test_the_folder(reports, notebook):
    assert reports[0] == notebook.parent / "one" / "islington" / "2023" / "tiny"
    assert sorted(files(reports[0])) == [
        "figures/again.svg",
        "figures/gap.svg",
        "index.html",
        "manifest.json",
        "tables/arrests.csv",
        "tables/arrests.csv-metadata.json",
    ]
    assert files(reports[0])["tables/arrests.csv"] == b"group,events\nBlack,45\nWhite,[c]\n"


def test_the_same_inputs_give_the_same_bytes(reports):
    assert files(reports[0]) == files(reports[1])


def test_nothing_else_is_left_beside_it(reports, notebook):
    assert [p.name for p in reports[0].parent.iterdir()] == ["tiny"]


def test_the_manifest(reports, notebook):
    folder = reports[0]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    outputs = files(folder)
    assert manifest["outputs"] == {
        name: hashlib.sha256(body).hexdigest() for name, body in outputs.items() if name != "manifest.json"
    }
    assert manifest["inputs"]["notebook"] == hashlib.sha256(notebook.read_bytes()).hexdigest()
    assert manifest["parameters"] == {"area": "Islington", "year": 2023, "edition": "public"}
    assert manifest["tables"]["arrests"]["hidden"] == 1
    assert manifest["hidden"] == {"public": 1}
    assert manifest["ledger"] == [["read", 412]]
    assert manifest["date"] == "2026-01-31"
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    assert (
        manifest["digest"]
        == hashlib.sha256(re.sub('"digest": ".*?"', '"digest": ""', text)[:-1].encode()).hexdigest()
    )
    assert set(manifest["versions"]) >= {"python", "ysj-analysis", "pandas", "papermill", "nbconvert"}


def test_no_path_no_user_no_clock(reports, notebook):
    home = str(Path.home())
    for name, body in files(reports[0]).items():
        text = body.decode()
        assert str(notebook.parent) not in text, name
        assert "/tmp/" not in text, name
        if len(Path(home).parts) > 2:
            assert home not in text, name


def test_the_study_is_hashed_and_its_address_is_not_kept(tmp_path):
    study = tmp_path / "my study"
    study.mkdir()
    (study / "figures.csv").write_text("a\n1\n")
    path = write(tmp_path / "r.ipynb", [("markdown", "# T"), ("code", 'data: str = ""', "parameters")])
    done = report.render(path, data=study, out=tmp_path / "out")
    manifest = json.loads((done / "manifest.json").read_text())
    assert manifest["inputs"]["study"] == {"figures.csv": hashlib.sha256(b"a\n1\n").hexdigest()}
    assert manifest["parameters"] == {}
    assert done == tmp_path / "out" / "r"


def test_a_report_that_would_show_an_address_is_refused(tmp_path):
    cells = [
        ("markdown", "# T"),
        ("code", 'data: str = ""', "parameters"),
        ("code", "from IPython.display import Markdown\nMarkdown(f'from {data}')"),
    ]
    with pytest.raises(ContentError, match=r"index\.html would show the address of a folder"):
        report.render(write(tmp_path / "r.ipynb", cells), data=tmp_path, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_restricted_edition_is_marked_everywhere(tmp_path):
    path = write(tmp_path / "tiny.ipynb", CELLS[:6])
    done = report.render(path, out=tmp_path / "out", edition="restricted")
    assert done.name == "tiny-OFFICIAL-SENSITIVE"
    assert sorted(files(done)) == [
        "figures/gap-OFFICIAL-SENSITIVE.svg",
        "index-OFFICIAL-SENSITIVE.html",
        "manifest.json",
        "tables/arrests-OFFICIAL-SENSITIVE.csv",
        "tables/arrests-OFFICIAL-SENSITIVE.csv-metadata.json",
    ]
    described = json.loads((done / "tables/arrests-OFFICIAL-SENSITIVE.csv-metadata.json").read_text())
    assert described["url"] == "arrests-OFFICIAL-SENSITIVE.csv"
    text = (done / "index-OFFICIAL-SENSITIVE.html").read_text()
    assert '<p class="marking">OFFICIAL-SENSITIVE</p>' in text
    assert "(OFFICIAL-SENSITIVE)</title>" in text


# -- the page ----------------------------------------------------------------------------------------


def test_one_heading_with_area_and_period(html):
    assert html.startswith('<!DOCTYPE html>\n<html lang="en-GB">')
    assert len(re.findall("<h1", html)) == 1
    assert '<h1>Differences by ethnicity <span class="place">Islington, 2023-24</span></h1>' in html
    assert "<title>Differences by ethnicity: Islington, 2023-24</title>" in html
    assert "31 January 2026" in html
    assert "Public edition" in html


def test_contents_and_skip_link(html):
    assert '<li><a href="#s-where-is-the-gap">Where is the gap?</a></li>' in html
    assert '<h2 id="s-how-sure-are-we">How sure are we?</h2>' in html
    assert html.index('href="#report">Skip') < html.index("<header")
    assert "¶" not in html


def test_nothing_runs_and_nothing_is_loaded(html):
    page = Elements(html)
    assert page.all("script", "link", "iframe", "img", "object") == []
    policy = page.all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    addresses = re.findall(r"https?://[^\s\"'<>]+", html)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_code_is_hidden(html):
    for code in ("_repr_mimebundle_", "area: str", "def table", "In [", "escape("):
        assert code not in html


def test_tables_are_captioned_scoped_and_reachable(html):
    page = Elements(html)
    assert all(attrs.get("scope") in ("col", "row") for attrs in page.all("th"))
    regions = [(a["tabindex"], a["aria-label"]) for a in page.all("div") if a.get("role") == "region"]
    assert regions == [
        ("0", "Arrests & more, by group"),
        ("0", "Chart: Black 3.2, Mixed 1.1"),
        ("0", "Chart: Black 2.9, Mixed 1.0"),
    ]
    assert '<a href="tables/arrests.csv">' in html


def test_charts_are_described_and_share_no_id(html):
    page = Elements(html)
    ids = [attrs["id"] for _, attrs in page.found if attrs.get("id")]
    assert len(ids) == len(set(ids))
    charts = page.all("svg")
    assert [c["role"] for c in charts] == ["img", "img"]
    assert all(c["aria-labelledby"] in ids for c in charts)
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(ids)
    assert "viewBox" in html  # nbconvert's own pass would have rewritten it


def render_page(*markdown: str) -> str:
    content = Content([("markdown", text, {}) for text in markdown])
    return page.render_page(content, page.Heading("T <1>"), table_files={})


def test_words_are_escaped_and_repeated_headings_kept_apart():
    text = render_page("## Arrest & charge\n\n## Arrest & charge")
    assert "<h1>T &lt;1&gt;</h1>" in text
    assert '<h2 id="s-arrest-charge">' in text
    assert '<h2 id="s-arrest-charge-2">' in text


@pytest.mark.parametrize(
    ("markdown", "message"),
    [
        ("# Second", "2 top headings"),
        ("#### Deep", "skips a level"),
        ("[there](#nowhere)", "a link to #nowhere"),
        ("| a |\n|---|\n| 1 |", "a table (header without a scope|without a caption)"),
        ("![](data:image/png;base64,AA)", "an image without a description"),
        ("<script>1</script>", "a <script> element"),
        ('<p id="report">x</p>', "the id 'report' twice"),
    ],
)
def test_a_page_a_reader_could_not_use_is_refused(markdown, message):
    with pytest.raises(ContentError, match=message):
        render_page(markdown)


def test_a_notebook_needs_a_title_and_its_metadata_comes_first(tmp_path):
    cells = [("markdown", "## Only a section"), ("code", "year: int = 2023", "parameters")]
    with pytest.raises(ContentError, match="has no title"):
        report.render(write(tmp_path / "r.ipynb", cells), out=tmp_path / "out")
    done = report.render(write(tmp_path / "r.ipynb", cells, title="From metadata"), out=tmp_path / "out")
    assert "<h1>From metadata " in (done / "index.html").read_text()


# -- whole or not at all -----------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path) -> Path:
    target = tmp_path / "out" / "islington" / "tiny"
    with whole(target) as build:
        (build / "index.html").write_text("old")
    return target


def fail_over(target: Path) -> dict[str, bytes]:
    """Fail in the middle of writing; return what could be read at that time."""
    with contextlib.suppress(ZeroDivisionError), whole(target) as build:
        (build / "index.html").write_text("half")
        readable = files(target)
        1 / 0  # noqa: B018
    return readable


def test_a_failure_leaves_the_old_report_and_nothing_else(old):
    assert fail_over(old) == {"index.html": b"old"}
    assert files(old.parent) == {"tiny/index.html": b"old"}


@pytest.mark.parametrize("failing", [1, 2])
def test_a_failed_swap_brings_the_old_report_back(old, monkeypatch, failing):
    calls = []
    rename = Path.rename

    def broken(self, target):
        calls.append(self)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    monkeypatch.setattr(publication, "_exchanged", lambda *_: False)  # a disk that cannot, as on Windows
    with pytest.raises(OSError, match="No space left"), whole(old) as build:
        (build / "index.html").write_text("new")
    assert files(old.parent) == {"tiny/index.html": b"old"}


def test_a_failure_leaves_no_folder_that_was_not_there(tmp_path):
    fail_over(tmp_path / "a" / "b" / "c")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_render_writes_nothing(tmp_path, monkeypatch):
    path = write(tmp_path / "tiny.ipynb", (*CELLS[:2], ("code", "1/0")))
    with pytest.raises(execution.NotebookError):
        report.render(path, out=tmp_path / "out")
    monkeypatch.setattr(execution, "run", lambda book, *_, **__: book)
    write(tmp_path / "tiny.ipynb", CELLS[:2])

    def full(self, body):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(publication.NoRoom, match="Nothing was written"):
        report.render(path, out=tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.ipynb"]


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="this system has no exchange")
def test_the_old_report_can_be_read_until_the_new_one_stands_there(old, monkeypatch):
    seen = []
    exchanged = publication._exchanged

    def watched(*folders):
        seen.append((old / "index.html").read_text())
        done = exchanged(*folders)
        seen.append((old / "index.html").read_text())
        return done

    monkeypatch.setattr(publication, "_exchanged", watched)
    monkeypatch.setattr(Path, "rename", lambda *_: pytest.fail("there was a moment without a report"))
    with whole(old) as build:
        (build / "index.html").write_text("new")
    assert seen == ["old", "new"]
    assert files(old.parent) == {"tiny/index.html": b"new"}


def test_a_request_to_stop_waits_for_what_must_not_be_cut(old, monkeypatch):
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    swap = publication._swap

    def asked(*folders):
        signal.raise_signal(signal.SIGTERM)
        swap(*folders)

    monkeypatch.setattr(publication, "_swap", asked)
    try:
        with pytest.raises(SystemExit), whole(old) as build:
            (build / "index.html").write_text("new")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert files(old.parent) == {"tiny/index.html": b"new"}


def test_what_a_killed_run_left_is_tidied(old):
    (old.parent / ".tiny.abc.scratch").mkdir()
    (old.parent / ".tiny.abc.part").mkdir()
    old.rename(old.parent / ".tiny.abc.old")
    assert fail_over(old) == {"index.html": b"old"}
    assert sorted(p.name for p in old.parent.iterdir()) == ["tiny"]


def test_a_second_run_is_refused_while_the_first_writes(old):
    with whole(old) as build:
        (build / "index.html").write_text("new")
        with pytest.raises(Locked, match="Another run is writing islington/tiny"), whole(old):
            raise AssertionError("two runs held the same lock")
    assert files(old.parent) == {"tiny/index.html": b"new"}


def test_a_stale_lock_file_holds_nobody(old):
    (old.parent / ".tiny.lock").touch()
    with whole(old) as build:
        (build / "index.html").write_text("new")
    assert files(old.parent) == {"tiny/index.html": b"new"}


def test_runs_in_turn_never_meet(tmp_path):
    target, met, done = tmp_path / "r", [], []

    def one():
        for _ in range(20):
            try:
                with whole(target) as build:
                    met.append(1)
                    assert len(met) == 1
                    (build / "a").write_text("a")
                    met.pop()
                done.append(1)
            except Locked:
                continue

    threads = [threading.Thread(target=one) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert done
    assert files(tmp_path) == {"r/a": b"a"}


def test_a_new_folder_can_be_read_by_others(old):
    assert old.stat().st_mode & 0o777 == 0o777 & ~publication._umask()


# -- what is asked for -------------------------------------------------------------------------------


def test_nothing_runs_when_a_parameter_is_wrong(notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "run", lambda *_, **__: pytest.fail("it ran"))
    for wrong in ({"parameters": {"yaer": 1}}, {"text": {"year": "x"}}, {"data": tmp_path}):
        with pytest.raises(ParameterError):
            report.render(notebook, out=tmp_path / "out", **wrong)
    for wrong, message in [({"edition": "secret"}, "edition"), ({"date": "31/1/2026"}, "is not a date")]:
        with pytest.raises(ParameterError, match=message):
            report.render(notebook, out=tmp_path / "out", **wrong)
    assert list(tmp_path.iterdir()) == []


COUNTS = "area,year,stage,group,events,denominator\n" + "".join(
    f"{area},{year},arrest,{group},40,900\n"
    for area in ("Islington", "Camden")
    for year in (2022, 2023)
    for group in ("Black", "White")
)


@pytest.fixture
def study(tmp_path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "counts.csv").write_text(COUNTS)
    return folder


SCOPED = [("code", 'data: str = "study"\narea: str = ""\nyear: int = 2020', "parameters")]


def test_area_and_year_come_from_the_study(study, tmp_path):
    path = write(tmp_path / "r.ipynb", SCOPED)
    wanted = request(path)
    assert (wanted.values["area"], wanted.values["year"]) == ("Islington", 2023)
    assert wanted.values["data"] == str(study)
    assert wanted.folder(Path("out")) == Path("out/islington/2023/r")
    assert request(path, values={"area": "Camden"}).values["area"] == "Camden"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"area": "Islingtno"}, r"no area 'Islingtno'\. Did you mean Islington\?"),
        ({"year": 2030}, "no year 2030; it has 2022 to 2023"),
        ({"year": "2023"}, "year must be a whole number"),
        ({"data": "nowhere"}, "no study folder 'nowhere'"),
    ],
)
def test_what_the_study_does_not_have(study, tmp_path, values, message):
    with pytest.raises(ParameterError, match=message):
        request(write(tmp_path / "r.ipynb", SCOPED), values=values)


def test_an_unknown_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match="There is no notebook 'anual_report'"):
        request("anual_report")


def test_the_commit_is_that_of_the_checkout_or_nothing(monkeypatch):
    assert manifest.commit() is None or re.fullmatch(r"[0-9a-f]{40}\+?", manifest.commit())
    monkeypatch.setitem(os.environ, "PATH", "")
    manifest._commit.cache_clear()
    assert manifest.commit() is None
    manifest._commit.cache_clear()


# -- whole, and seen to be -------------------------------------------------------------------------------


def test_every_file_that_is_missing_added_or_changed_is_named(reports, tmp_path):
    def faults() -> list[str]:
        return list(inspection.faults(folder))

    folder = shutil.copytree(reports[0], tmp_path / "copy")
    assert faults() == []
    (folder / "figures" / "more.svg").write_text("<svg/>")
    assert faults() == ["figures/more.svg is not in the manifest"]
    (folder / "figures" / "more.svg").rename(folder / "figures" / "gap.svg")
    assert faults() == ["figures/gap.svg has other bytes than its manifest says"]
    (folder / "figures" / "gap.svg").unlink()
    assert faults() == ["figures/gap.svg is not there"]
    (folder / "manifest.json").unlink()
    assert faults() == ["manifest.json is not there"]


@pytest.mark.parametrize("bit", [1, 4, 128])
def test_every_edit_of_one_byte_is_found(reports, tmp_path, bit):
    folder = shutil.copytree(reports[0], tmp_path / "copy")
    rng = random.Random(bit)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        body = path.read_bytes()
        for at in {0, len(body) - 1, *(rng.randrange(len(body)) for _ in range(8))}:
            path.write_bytes(body[:at] + bytes([body[at] ^ bit]) + body[at + 1 :])
            (found, *_) = inspection.faults(folder)
            assert path.relative_to(folder).as_posix() in found
        path.write_bytes(body)


def test_a_report_with_a_link_that_leads_nowhere_is_not_published(tmp_path):
    cells = (*CELLS, ("markdown", "See [the table](tables/none.csv)."))
    with pytest.raises(ContentError, match=r"index\.html has a link that leads nowhere: tables/none\.csv"):
        report.render(write(tmp_path / "r.ipynb", cells), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
