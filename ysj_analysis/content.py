"""What did the notebook show, and may it be published? Its display outputs, gathered and checked.

Outputs are the only channel between a notebook and its report, so that the plain papermill command
shows the same. Three media types carry what the folder holds beside the page: `TABLE`, `FIGURE` and
`FACTS`. Everything else must be a sentence, as HTML or Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from .execution import NotebookError

TABLE = "application/vnd.ysj.table+json"
FIGURE = "application/vnd.ysj.figure+json"
FACTS = "application/vnd.ysj.facts+json"

NO_ALT = "No description has been provided for this image"
"""What nbconvert writes for an image without a description; accessibility checkers accept it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_NOT_A_VALUE = re.compile(r"[-+]?(nan|none|inf|nat|null|<na>)", re.IGNORECASE)
_NAN = re.compile(r"\b(nan|NaN|NaT|inf)\b")


class ContentError(NotebookError):
    """The notebook shows something that may not be published."""


@dataclass(frozen=True)
class Content:
    """Everything a notebook hands over.

    Attributes
    ----------
    blocks : list of tuple
        ``(kind, text, data)`` in reading order; kind is ``markdown`` or ``html``.
    tables, figures : dict
        The bundles, by name.
    facts : dict
        What the notebook adds to the manifest.
    tags : list of tuple of str
        The tags of the cell of each block.
    """

    blocks: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    tags: list[tuple[str, ...]] = field(default_factory=list)


def collect(notebook: Any, *, name: str) -> Content:
    """Gather what a notebook showed.

    Parameters
    ----------
    notebook : NotebookNode
        From `execution.run`.
    name : str
        What to call it in messages.

    Returns
    -------
    Content
        Sentences, tables, figures and facts.

    Raises
    ------
    ContentError
        Naming the cell and what it shows that may not be published.
    """
    content = Content()
    for number, cell in enumerate(notebook.cells, start=1):
        where = f"{name}: cell {number}"
        if cell.cell_type == "markdown":
            content.blocks.append(("markdown", cell.source, {}))
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                _refuse_stream(where, output)
            _take(content, dict(output.get("data", {})), where)
        tags = tuple(cell.metadata.get("tags", ()))
        content.tags.extend([tags] * (len(content.blocks) - len(content.tags)))
    return content


def _refuse_stream(where: str, output: Any) -> None:
    kind = "a warning or message" if output.name == "stderr" else "printed text"
    raise ContentError(  # without its words, which may hold a value of a child
        f"{where} shows {kind}, which may carry what must not be published. Show sentences and tables from "
        "ysj_analysis.present instead; run the cell in JupyterLab to see it."
    )


def _take(content: Content, data: dict[str, Any], where: str) -> None:
    """Take one output."""
    if FACTS in data:
        _merge_facts(content.facts, data[FACTS], where)
    text = data.get("text/html") or data.get("text/markdown")
    if FACTS in data and not text:
        return
    if not text or not text.strip():
        raise ContentError(f"{where} {_plain(data)}")
    kind = "html" if data.get("text/html") else "markdown"
    bundle: dict[str, Any] = {}
    if TABLE in data:
        bundle = _keep(content.tables, data[TABLE], ("title", "csv", "csvw"), "table", where)
    elif FIGURE in data:
        bundle = _keep(content.figures, data[FIGURE], ("svg", "alt"), "figure", where)
    elif re.search(r"<table\b", text, re.IGNORECASE):
        raise ContentError(
            f"{where} shows a table that did not come through ysj_analysis.present. Only released tables may "
            "be shown: each has a title, protected counts and a CSV beside the page."
        )
    check_html(text if kind == "html" else "", where=where)
    content.blocks.append((kind, text, bundle))


def _plain(data: dict[str, Any]) -> str:
    """Say why an output without HTML or Markdown is refused."""
    if any(key.startswith("image/") for key in data):
        return "shows an image without a description. Show figures from ysj_analysis.figures instead."
    if "text/plain" in data:
        return (
            "shows a plain Python value. End the line with ; to show nothing, or show it through "
            "ysj_analysis.present."
        )
    return f"shows {', '.join(sorted(data)) or 'nothing'}, which cannot be published."


def _keep(
    store: dict[str, Any], bundle: Any, needed: tuple[str, ...], what: str, where: str
) -> dict[str, Any]:
    """Keep a table or figure under its name, once."""
    missing = [key for key in ("name", *needed) if not bundle.get(key)]
    if missing:
        raise ContentError(f"{where} shows a {what} without {' or '.join(missing)}.")
    name = bundle["name"]
    if not _NAME.match(name):
        raise ContentError(
            f"{where}: the {what} name {name!r} is not made of small letters, digits, - and _ only."
        )
    if name in store and store[name] != bundle:
        raise ContentError(f"{where}: two different {what}s are called {name!r}; give each its own name.")
    store[name] = bundle
    return bundle


def _merge_facts(facts: dict[str, Any], more: dict[str, Any], where: str) -> None:
    for key, value in more.items():
        if key in facts and facts[key] != value:
            raise ContentError(f"{where}: two different values are given for the fact {key!r}.")
        facts[key] = value


class _Reader(HTMLParser):
    """Reads HTML and notes everything that may not be published."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.images: list[list[bool]] = []  # open <svg>: [described, has a title so far]
        self.cell: str | None = None
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.problems += _element_problems(tag, given)
        if tag == "svg":
            self._open_svg(given)
        if tag in ("td", "th"):
            self.cell = ""
        if tag in ("style", "title"):
            self.open.append(tag)

    def _open_svg(self, given: dict[str, str]) -> None:
        described = given.get("aria-hidden") == "true" or (
            given.get("role") == "img" and bool(given.get("aria-label", "").strip())
        )
        self.images.append([described, given.get("role") == "img"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg" and self.images and not self.images.pop()[0]:
            self.problems.append("a chart without a description (role=img with aria-label or title)")
        if tag in ("td", "th") and self.cell is not None:
            if _NOT_A_VALUE.fullmatch(self.cell.strip()):
                self.problems.append(f"a cell that reads {self.cell.strip()!r}")
            self.cell = None
        if self.open and tag == self.open[-1]:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        if "title" in self.open and self.images and self.images[-1][1] and data.strip():
            self.images[-1][0] = True
        if self.cell is not None:
            self.cell += data
        elif found := _NAN.search(data):
            self.problems.append(f"the word {found[0]!r} where a value is missing")


def _element_problems(tag: str, given: dict[str, str]) -> Iterator[str]:
    if tag in ("script", "iframe", "object", "embed", "link", "base", "form"):
        yield f"a <{tag}> element"
    if any(key.startswith("on") for key in given):
        yield f"a script in a <{tag}> element"
    if tag == "img" and given.get("alt", "").strip() in ("", NO_ALT):
        yield "an image without a description (alt)"
    for key in ("src", "srcset", "poster", "xlink:href", "data"):
        if key in given and not given[key].startswith(("data:", "#")):
            yield f"a <{tag}> that loads {given[key]!r}; a report loads nothing"
    if tag in ("image", "use") and not given.get("href", "#").startswith(("data:", "#")):
        yield f"a <{tag}> that loads {given['href']!r}; a report loads nothing"


def check_html(text: str, *, where: str) -> None:
    """Refuse HTML that is not fit to be published.

    Parameters
    ----------
    text : str
        An output, or a whole page.
    where : str
        What to name in the message.

    Raises
    ------
    ContentError
        If an image has no description, a cell reads "nan", or anything would run or be loaded.
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    problems = reader.problems + ([f"the sentence {NO_ALT!r}"] if NO_ALT in text else [])
    if re.search(r"url\(\s*['\"]?(?!#|data:)|@import", text):
        problems.append("a style that loads a file")
    if problems:
        raise ContentError(f"{where} shows {problems[0]}.", detail="\n".join(problems))
