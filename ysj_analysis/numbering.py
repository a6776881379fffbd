"""Which number has a table or figure, and where is it spoken of? One count for all pages of a report.

A text names a table by ``@table-NAME`` and a figure by ``@figure-NAME``; the reader sees "Table 3", as a
link where it stands on the same page. All formats, and the sheets of the workbook, have the same numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .content import Content, ContentError

_MENTION = re.compile(r"(?<![\w@])@(table|figure)-([a-z0-9][a-z0-9_-]*)")
_CAPTION = re.compile(r"(<(?:fig)?caption\b[^>]*>)")


@dataclass(frozen=True)
class Numbers:
    """The number of every table and figure of a report.

    Attributes
    ----------
    tables, figures : mapping of str to int
        From 1, by name.
    """

    tables: Mapping[str, int]
    figures: Mapping[str, int]

    def label(self, kind: str, name: str) -> str:
        """Name a table or figure by its number, or raise ``ContentError`` where there is none."""
        known = self.tables if kind == "table" else self.figures
        if name not in known:
            raise ContentError(
                f"A text speaks of the {kind} {name!r}, and the report has {len(known)} {kind}s without it. Show it, "
                f"or take @{kind}-{name} out of the text."
            )
        return f"{kind.capitalize()} {known[name]}"


def numbers(pages: list[Content]) -> Numbers:
    """Number the tables and figures of a report in the order in which they are read.

    Parameters
    ----------
    pages : list of Content
        Its pages, the whole report first.

    Returns
    -------
    Numbers
        One that stands on several pages has the same number on each.

    Examples
    --------
    >>> shown = Content([("html", "", {"name": "b", "csv": "x"}), ("html", "", {"name": "a", "csv": "x"})])
    >>> numbers([shown, shown]).tables
    {'b': 1, 'a': 2}
    """
    tables: dict[str, int] = {}
    figures: dict[str, int] = {}
    for page in pages:
        for kind, name in _shown(page):
            known = tables if kind == "table" else figures
            known.setdefault(name, len(known) + 1)
    return Numbers(tables, figures)


def numbered(page: Content, found: Numbers, *, captions: bool = True) -> Content:
    """Put the number before each caption of a page, and in place of each mention in its text.

    Parameters
    ----------
    page : Content
        A page.
    found : Numbers
        Of its report.
    captions : bool
        Whether the captions get their number: on a page of its own that shows some of them they do not.

    Returns
    -------
    Content
        The page with "Table 1: ..." and "Figure 1: ...".

    Raises
    ------
    ContentError
        If a text speaks of what the report does not show.

    Examples
    --------
    >>> shown = Content([("markdown", "See @table-a.", {}),
    ...                  ("html", "<caption>Gap</caption>", {"name": "a", "csv": "x"})])
    >>> [text for _, text, _ in numbered(shown, numbers([shown])).blocks]
    ['See [Table 1](#table-a).', '<caption>Table 1: Gap</caption>']
    """
    here = set(_shown(page))

    def mention(match: re.Match[str]) -> str:
        label = found.label(match[1], match[2])
        return f"[{label}](#{match[1]}-{match[2]})" if (match[1], match[2]) in here else label

    blocks = []
    for kind, text, bundle in page.blocks:
        if kind == "markdown":
            text = _MENTION.sub(mention, text)
        elif captions and (what := _kind(bundle)):
            label = found.label(what, bundle["name"])
            text = _CAPTION.sub(rf"\g<1>{label}: ", text, count=1)
        blocks.append((kind, text, bundle))
    return replace(page, blocks=blocks)


def _shown(page: Content) -> Iterator[tuple[str, str]]:
    for _, _, bundle in page.blocks:
        if kind := _kind(bundle):
            yield kind, bundle["name"]


def _kind(bundle: Mapping[str, Any]) -> str:
    return "table" if "csv" in bundle else "figure" if "svg" in bundle else ""
