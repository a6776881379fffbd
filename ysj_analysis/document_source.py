"""How does a page become something to print? Its own text, tables and charts, without what only a screen needs.

Word and PDF are made of the finished page, so that no number can differ from it: each chart becomes a
picture with its description, each table keeps its caption and header cells, and the regions that scroll,
the links to files beside the page and the ids inside charts are left out.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import Any

from .content import ContentError
from .page import Heading
from .wording import clean

_MAIN = re.compile(r"<main[^>]*>(.*)</main>", re.DOTALL)
_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_LABEL = re.compile(r'aria-label="([^"]*)"')
_TITLE = re.compile(r"<title[^>]*>([^<]*)</title>")
_SIZE = re.compile(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"')
_NUMBERS = "n"
_STYLES = {"headline": "Headline", "callout": "Callout", "note": "Note", "methods": "Note", "source": "Note"}
"""Style of a paragraph, in Word and on paper, for each class of the page."""


@dataclass(frozen=True)
class Source:
    """What a document is made of.

    Attributes
    ----------
    text : str
        HTML of headings, paragraphs, lists, tables and figures.
    pictures : dict of str to str
        SVG of each figure, by the name it has in ``text``.
    heading : Heading
        What the top of the page says.
    rows : tuple of int
        How many cells head each row, table by table.
    """

    text: str
    pictures: dict[str, str]
    heading: Heading
    rows: tuple[int, ...]


def source(page: str, heading: Heading) -> Source:
    """Take out of a finished page what a document is made of.

    Parameters
    ----------
    page : str
        From ``page.render_page``.
    heading : Heading
        What its top says.

    Returns
    -------
    Source
        The same words and numbers in the same order.

    Raises
    ------
    ContentError
        If the page has no main part, or a chart on it has no description.
    """
    from bs4 import BeautifulSoup

    main = _MAIN.search(page)
    if main is None:
        raise ContentError("The page has no main part, so no document can be made of it.")
    pictures: dict[str, str] = {}

    def picture(match: re.Match[str]) -> str:
        drawn = match[0]
        found = _LABEL.search(drawn.split(">", 1)[0]) or _TITLE.search(drawn)
        if not found or not found[1].strip():
            raise ContentError(f"Chart {len(pictures) + 1} of the page has no description.")
        name = f"figure-{len(pictures) + 1}.svg"
        pictures[name] = _standalone(drawn)
        return f'<img src="{name}" alt="{html.escape(html.unescape(found[1]))}">'

    tree = BeautifulSoup(_SVG.sub(picture, main[1]), "html.parser")
    rows = tuple(_plain_table(table) for table in tree.find_all("table"))
    _flatten(tree)
    return Source(str(tree), pictures, _cleaned(heading), rows)


def _cleaned(heading: Heading) -> Heading:
    """Take out of the names at the top what would turn or disturb the text around them."""
    facts = tuple((term, clean(text)) for term, text in heading.facts)
    return replace(heading, title=clean(heading.title), place=clean(heading.place), facts=facts)


def _standalone(drawn: str) -> str:
    """Give a chart the size in which it stands alone; a page sets it by its own width."""
    if "xmlns=" not in drawn.split(">", 1)[0]:
        drawn = drawn.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    size = _SIZE.search(drawn)
    return drawn.replace("<svg", f'<svg width="{size[1]}" height="{size[2]}"', 1) if size else drawn


def _plain_table(table: Any) -> int:
    """Say in each cell of a table which way it is set; return how many cells head a row."""
    for cell in table.find_all(["td", "th"]):
        cell["style"] = f"text-align: {'right' if _NUMBERS in cell.get('class', []) else 'left'}"
        if cell.get("scope") == "rowgroup":
            cell.string = cell.get_text()
    lines = table.find("tbody")
    body = [row.find_all("th", scope="row") for row in lines.find_all("tr")] if lines else []
    return max((len(heads) for heads in body), default=0)


def _flatten(tree: Any) -> None:
    """Take regions, empty figures around tables and links to files away, and mark paragraphs by style."""
    for figure in tree.find_all("figure", class_="table"):
        if figure.table is not None and figure.get("id"):
            figure.table["id"] = figure["id"]
        elif figure.table is None and figure.figcaption is not None:
            figure.figcaption.name = "p"
            figure.p.attrs = {"class": ["note"]}
        figure.unwrap()
    for region in tree.find_all("div", role="region"):
        region.unwrap()
    for link in tree.find_all("a"):
        if not link.get("href", "").startswith(("https:", "#")):
            link.unwrap()
    for block in tree.find_all(["div", "p"]):
        style = next((_STYLES[name] for name in block.get("class", []) if name in _STYLES), None)
        block.attrs = {}
        if style and block.name == "p":
            block.wrap(tree.new_tag("div", attrs={"custom-style": style}))
        elif style:
            block["custom-style"] = style
    for figure in tree.find_all("figure"):
        figure.attrs = {"id": figure["id"]} if figure.get("id") else {}
