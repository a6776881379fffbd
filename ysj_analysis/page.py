"""How does what a notebook showed become one accessible page? Through nbconvert and our own template."""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
import warnings
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from .content import Content, ContentError, check_html
from .execution import quick_imports
from .wording import NO_EVIDENCE, NO_EVIDENCE_ANYWHERE

TEMPLATES = Path(__file__).resolve().parent / "templates"
LONG = 3
"""A page or document of more chapters than this has a list of contents."""


@dataclass(frozen=True)
class Heading:
    """What the top of the page says.

    Attributes
    ----------
    title : str
        Title of the report.
    place : str
        Area and period, as read under the title.
    edition : str
        "Public edition" or "Restricted edition".
    marking : str
        Protective marking, or empty.
    facts : tuple of (str, str)
        Further lines: term and text.
    pages : tuple of (str, str)
        The other pages of the report: address and label.
    """

    title: str
    place: str = ""
    edition: str = "Public edition"
    marking: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    pages: tuple[tuple[str, str], ...] = ()


def slug(text: str) -> str:
    """Turn words into a name for an address or a folder.

    Examples
    --------
    >>> slug("Where does the gap open?")
    'where-does-the-gap-open'
    >>> slug("Ynys Môn")
    'ynys-mon'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "x"


def first_heading(content: Content) -> tuple[str, Content]:
    """Take the notebook's own top heading out of the text: the page prints it in its header.

    Parameters
    ----------
    content : Content
        What the notebook showed.

    Returns
    -------
    tuple of str and Content
        The heading, or an empty text, and the content without it.
    """
    blocks = list(content.blocks)
    for place, (kind, text, data) in enumerate(blocks):
        if kind == "markdown" and (match := re.search(r"^#[ \t]+(.+?)[ \t]*#*$", text, re.MULTILINE)):
            rest = (text[: match.start()] + text[match.end() :]).strip()
            blocks[place] = (kind, rest, data)
            return match[1], replace(content, blocks=blocks)
    return "", content


def render_page(content: Content, heading: Heading, *, table_files: dict[str, str]) -> str:
    """Write the page.

    Parameters
    ----------
    content : Content
        What the notebook showed, without its top heading.
    heading : Heading
        What the top of the page says.
    table_files : dict
        Address of the CSV of each table, by the table's name.

    Returns
    -------
    str
        One self-contained HTML document, the same for the same content.

    Raises
    ------
    ContentError
        If it is not fit to be published.
    """
    with quick_imports(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what nbconvert's own imports say
        from nbconvert.exporters import HTMLExporter, TemplateExporter
        from nbformat import v4

        class Exporter(HTMLExporter):
            def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
                # HTMLExporter reparses the page, which would rewrite every chart, and excuses images
                # that have no description; we refuse those.
                return TemplateExporter.from_notebook_node(self, nb, resources, **kw)

        exporter = Exporter(
            extra_template_basedirs=[str(TEMPLATES)],
            template_name="report",
            exclude_input=True,
            exclude_anchor_links=True,
        )
        exporter.register_filter("contents", _contents)
        exporter.register_filter("anchored", _anchored)
        cells = [
            v4.new_markdown_cell(text, metadata={"kind": kind}, id=f"c{number:03d}")
            for number, (kind, text) in enumerate(_blocks(content, table_files))
        ]
        page, _ = exporter.from_notebook_node(v4.new_notebook(cells=cells), {"page": heading})
    page = "\n".join(line.rstrip() for line in page.strip().splitlines()) + "\n"
    check_html(page, where="The page")
    _check_structure(page)
    return page


def _apart(text: str, own: str) -> str:
    """Give every drawing of a text ids of its own."""
    return _SVG.sub(lambda drawn: _own_ids(drawn[0], own), text)


def _blocks(content: Content, table_files: dict[str, str]) -> list[tuple[str, str]]:
    """Finish each block: tables get a scrolling region and a link, charts ids of their own."""
    done = []
    said: set[str] = set()
    unsure = False
    for number, (kind, text, bundle) in enumerate(content.blocks):
        if kind == "markdown" and "## " in text:
            said.clear()
        if kind == "html" and not bundle:
            text, unsure = _once_a_page(_once_a_section(text, said), unsure)
        if "csv" in bundle:
            text = _finish_table(text, bundle, table_files[bundle["name"]])
        elif "svg" in bundle:
            text = _finish_chart(_apart(text, f"{bundle['name']}-{number}-"), bundle)
        done.append((kind, text))
    return done


def _once_a_section(text: str, said: set[str]) -> str:
    """Leave out a paragraph on what the study lacks that its section has said already."""
    for line in re.findall(r"<p>This study .*?</p>", text, re.DOTALL):
        text = text.replace(line, "", 1) if line in said else text
        said.add(line)
    return text


def _once_a_page(text: str, said: bool) -> tuple[str, bool]:
    """Say what an unclear finding does not show after the first of a page, for all of them."""
    closing = f"<p>{NO_EVIDENCE_ANYWHERE}</p>"
    without = text.replace(f" {NO_EVIDENCE}", "").replace(closing, "")
    if said or without == text:
        return without, said
    head, end, tail = without.rpartition("</div>")
    return f"{head}{closing}{end}{tail}", True


def _finish_table(text: str, bundle: dict[str, Any], address: str) -> str:
    """Let a wide table scroll where a keyboard can reach it, and link its data."""
    text = _scrolling(text, "table", bundle["title"])
    if address in text:
        return text
    if "<table" not in text:  # a table that is data alone: its line is its link
        return text.replace("</figcaption>", f' <a href="{address}">{address}</a></figcaption>', 1)
    link = f'<p class="source">Data: <a href="{address}">{address}</a></p>'
    return text.replace("</figure>", f"{link}</figure>", 1) if "</figure>" in text else text + link


def _finish_chart(text: str, bundle: dict[str, Any]) -> str:
    """Let a chart keep a legible size on a phone, and scroll."""
    return _scrolling(text, "svg", f"Chart: {bundle.get('caption') or bundle['alt']}")


def _scrolling(text: str, element: str, label: str) -> str:
    """Put an element into a region that scrolls and that a keyboard can reach, unless it is in one."""
    if 'role="region"' in text:
        return text
    opening = f'<div class="scroll" role="region" aria-label="{html.escape(label)}" tabindex="0">'
    start, end = text.find(f"<{element}"), text.rfind(f"</{element}>") + len(f"</{element}>")
    return f"{text[:start]}{opening}{text[start:end]}</div>{text[end:]}" if start >= 0 else text


def _own_ids(text: str, prefix: str) -> str:
    """Give the ids inside a chart a prefix: two charts must not share one."""
    text = re.sub(r'(\bid=")([^"]+")', rf"\g<1>{prefix}\2", text)
    text = re.sub(r'(\b(?:xlink:)?href="#)([^"]+")', rf"\g<1>{prefix}\2", text)
    text = re.sub(r"(url\(#)([^)]+\))", rf"\g<1>{prefix}\2", text)

    def several(match: re.Match[str]) -> str:
        return match[1] + " ".join(prefix + one for one in match[2].split()) + '"'

    return re.sub(r'(\baria-(?:labelledby|describedby)=")([^"]+)"', several, text)


_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_H = re.compile(r"<h([2-6])((?:\s[^>]*)?)>(.*?)</h\1>", re.DOTALL | re.IGNORECASE)


def _anchored(text: str) -> str:
    """Give every heading an id made from its words."""
    used: dict[str, int] = {}

    def one(match: re.Match[str]) -> str:
        level, attributes, words = match.groups()
        name = slug(_plain(words))
        used[name] = used.get(name, 0) + 1
        name = name if used[name] == 1 else f"{name}-{used[name]}"
        attributes = re.sub(r"""\s+id=("[^"]*"|'[^']*')""", "", attributes)
        return f'<h{level}{attributes} id="s-{name}">{words}</h{level}>'

    return _H.sub(one, text)


def _contents(text: str) -> str:
    """List the second-level headings; nothing for a page that is not ``LONG``."""
    headings = re.findall(r'<h2[^>]* id="([^"]+)">(.*?)</h2>', _anchored(text), re.DOTALL)
    if len(headings) <= LONG:
        return ""
    items = "\n".join(
        f'<li><a href="#{name}">{html.escape(_plain(words))}</a></li>' for name, words in headings
    )
    return (
        '<nav class="contents" aria-labelledby="contents"><h2 id="contents">Contents</h2>\n'
        f"<ol>\n{items}\n</ol></nav>"
    )


def _plain(words: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", words)).strip()


class _Structure(HTMLParser):
    """Notes headings, ids and tables of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.problems: list[str] = []
        self.captioned = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a" and (given.get("href") or "").startswith("#"):
            self.links.append(str(given["href"])[1:])
        if tag == "table":
            self.captioned = False
        if tag == "caption":
            self.captioned = True
        if tag == "th" and given.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
            self.problems.append("a table header without a scope")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and not self.captioned:
            self.problems.append("a table without a caption")


def _check_structure(page: str) -> None:
    """Refuse a page that a screen reader could not find its way in."""
    seen = _Structure()
    seen.feed(page)
    seen.close()
    problems = seen.problems
    if seen.levels.count(1) != 1:
        problems.append(f"{seen.levels.count(1)} top headings; a notebook has one (# ...)")
    levels = [1, *seen.levels[1:]]
    if any(b > a + 1 for a, b in itertools.pairwise(levels)):
        problems.append("a heading that skips a level")
    if twice := {i for i in seen.ids if seen.ids.count(i) > 1}:
        problems.append(f"the id {min(twice)!r} twice")
    if lost := set(seen.links) - set(seen.ids):
        problems.append(f"a link to #{min(lost)}, which is not on the page")
    if problems:
        raise ContentError(f"The page has {problems[0]}.", detail="\n".join(problems))
