"""The documentation: it builds without a warning, its examples run, its commands and links exist."""

import calendar
import contextlib
import gc
import importlib.util
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis import citations, formulas, load, sources
from ysj_analysis.commands import app

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("YSJ_SHARED_DATA", ROOT / ".." / "shared" / "data"))
MADE = ("data-dictionary.md", "bibliography.md")
"""Pages that the site makes of data."""
PAGES = sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts and p.name not in MADE)
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def name(path):
    return str(path.relative_to(ROOT))


def blocks(language):
    return [
        pytest.param(code, id=f"{name(path)}-{number}")
        for path in TEXTS
        for number, (kind, code) in enumerate(BLOCK.findall(path.read_text(encoding="utf-8")))
        if kind == language
    ]


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """A folder with what the examples speak of: the synthetic study, under two names, and a database of it."""
    for here, there in (("data", "data"), ("study", "data/synthetic")):  # links need leave on Windows
        shutil.copytree(ROOT / there, tmp_path / here)
    with contextlib.closing(sqlite3.connect(tmp_path / "cases.db")) as database:
        for table, dates in (("events", ["date"]), ("children", [])):
            rows = pd.read_csv(ROOT / f"data/synthetic/{table}.csv", parse_dates=dates, keep_default_na=False)
            rows.to_sql(table, database, index=False)
    text = (ROOT / "docs/how-to/extend.md").read_text(encoding="utf-8")
    (tmp_path / "mine").mkdir()
    own = next(code for kind, code in BLOCK.findall(text) if kind == "toml")
    (tmp_path / "mine/study.toml").write_text(own, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(formulas, "FORMULAS", dict(formulas.FORMULAS))  # an example adds to it


@pytest.mark.filterwarnings("ignore:The 'future.infer_string':pandas.errors.Pandas4Warning")  # of ibis
@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("code", blocks("python"))
def test_an_example_runs(code):
    if "import ibis" in code:
        pytest.importorskip("ibis.backends.sqlite", reason="needs the extra large")
    if 'load.study("cook")' in code:
        files = sorted((SHARED / "cook_county_stages").glob("*.json"))
        if not files:
            pytest.skip("needs the files of Cook County")
        sources.convert("cook-county", files, "cook")
    names = {"__name__": "example", "study": load.study("study")}
    exec(compile(code, "example", "exec"), names)
    connection = names.pop("con", None)
    names.clear()
    if connection is not None:  # Python 3.13 warns of one that is left open
        gc.collect()
        connection.disconnect()


@pytest.mark.parametrize("code", blocks("toml"))
def test_an_example_of_settings_is_toml(code):
    tomllib.loads(code)


def commands():
    """Every ``ysj ...`` of the texts."""
    found = set()
    for path in TEXTS:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        lines = re.findall(r"^    (?:\S*/|\S*\\)?(ysj .*)$", text, re.MULTILINE)
        lines += re.findall(r"`(ysj [^`]+)`", text)
        found |= {(name(path), line.split("  #")[0].strip()) for line in lines}
    return sorted(found)


@pytest.mark.parametrize(("where", "line"), commands())
def test_a_command_exists_with_its_options(where, line):
    words = [w for w in shlex.split(line.replace("…", "")) if w != "..."][1:]
    names = {n for n in app if not n.startswith("-")}
    command = words[0] if words else ""
    if command.startswith("-"):
        return
    assert command in names, f"{where}: ysj {command} does not exist"
    text = " ".join(
        subprocess.run(
            [sys.executable, "-m", "ysj_analysis", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    )
    for option in (w.split("=")[0] for w in words if w.startswith("--")):
        assert option in text or option == "--debug", f"{where}: ysj {command} has no {option}"


WALKED = ("README.md", "docs/tutorial.md", "docs/case-export.md", "docs/quality.md")
"""Pages whose every command is run, in order. The others name files that are somebody's own or published."""


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("page", WALKED)
def test_the_commands_of_a_page_do_what_it_says(page):
    """The counts are those the page shows; a folder named only once is the one before it."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    Path("my-study").mkdir()
    if table := re.search(r"(?:^    [\w ]+,.*\n){2,}", text, re.MULTILINE):
        for place in (".", "my-study"):
            Path(place, "counts.csv").write_text(textwrap.dedent(table[0]), encoding="utf-8")
    lines = dict.fromkeys(re.findall(r"^    (?:\S*[/\\])?ysj (.*?)(?:\s+#.*)?$", text, re.MULTILINE))
    assert len(lines) >= 2
    if page == "docs/case-export.md":
        shutil.rmtree("study")  # the page makes its own
    for line in lines:
        done = subprocess.run(
            [sys.executable, "-m", "ysj_analysis", *shlex.split(line)], capture_output=True, text=True
        )
        assert done.returncode == 0, (line, done.stderr[-1500:])
        assert done.stdout.strip() or "--out" in line, line


@pytest.mark.parametrize("page", WALKED)
def test_a_page_says_where_ysj_is_before_it_asks_for_it(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.count(".venv\\Scripts\\activate") == 1
    asked = re.search(r"^    ysj (?!report$)", text, re.MULTILINE)  # the README's conda has it on its path
    assert text.index(".venv\\Scripts\\ysj`") < asked.start()


def test_what_extends_the_kit_is_under_thirty_lines():
    text = (ROOT / "docs/how-to/extend.md").read_text(encoding="utf-8")
    examples = [code for kind, code in BLOCK.findall(text) if kind == "python"]
    assert len(examples) == 3
    assert all(len(code.splitlines()) < 30 for code in examples)


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_every_link_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            there = (path.parent / target).resolve()
            assert there.exists() or there.name in MADE, f"{name(path)}: {target}"


@pytest.mark.parametrize("path", [*TEXTS, ROOT / "docs/conf.py"], ids=name)
def test_every_link_has_words(path):
    """A site gives a link without any the title of its page; a page read as text has nothing there."""
    assert re.findall(r"\[\s*\]\([^)]*\)", path.read_text(encoding="utf-8")) == []


NAME = r"(?:De )?[A-Z][A-Za-zé]+(?:-[A-Z][a-z]+)?"
CITED = re.compile(
    rf"({NAME}(?:,\s+{NAME})*(?:,?\s+and\s+(?:{NAME}|others)|\s+et\s+al)?)(?:'s)?[\s`*]*"
    r"(?:\(((?:18|19|20)\d\d)\)|\s((?:18|19|20)\d\d)(?=[);:,.]))"
)
NO_AUTHORS = re.compile(r"Act|Census|Statistics|Write|Other|London|" + "|".join(calendar.month_name[1:]))


@pytest.mark.parametrize("path", [*TEXTS, *sorted((ROOT / "ysj_analysis").glob("*.py"))], ids=name)
def test_what_is_cited_is_in_the_bibliography(path):
    for authors, in_brackets, bare in CITED.findall(path.read_text(encoding="utf-8")):
        year, names = in_brackets or bare, re.split(r",|-|\s+(?:and|et|others|al)\b", authors)
        if NO_AUTHORS.search(authors) or path.name == "citations.py":
            continue
        written = [w.partition(f" ({year})")[0] for w, _ in citations.writings() if f" ({year})" in w]
        assert any(n.strip() and n.strip() in w for n in names for w in written), f"{authors} {year}"


@pytest.mark.skipif(importlib.util.find_spec("sphinx") is None, reason="needs the extra docs")
def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-W",
            "--keep-going",
            "-q",
            "-d",
            str(tmp_path / "d"),
            "docs",
            str(tmp_path / "html"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "html" / "reference" / "measures.html").read_text(encoding="utf-8")
    assert "relative_rates" in page
    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', page)
    assert loaded == []
