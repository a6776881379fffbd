"""How long is the report? One notebook gives the whole, a page for members, and a page for young people.

A cell tagged ``summary`` stands on the summary as well as in the whole, one tagged ``brief`` on the summary alone;
one tagged ``plain`` stands on the page in plain words alone. All pages are of the same run, so that no number can
differ between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .content import Content


@dataclass(frozen=True)
class Length:
    """One page of a report.

    Attributes
    ----------
    file : str
        Its name.
    label : str
        What it is called in a link.
    tags : tuple of str
        The cells of which tags stand on it; empty for the whole report.
    """

    file: str
    label: str
    tags: tuple[str, ...] = ()


_LENGTHS = (
    Length("index.html", "The whole report"),
    Length("summary.html", "Summary on one page", ("summary", "brief")),
    Length("plain.html", "In plain words, for young people and parents", ("plain",)),
)


def pages(content: Content) -> Iterator[tuple[Length, Content]]:
    """Divide what a notebook showed into its pages.

    Parameters
    ----------
    content : Content
        What it showed.

    Yields
    ------
    tuple of Length and Content
        The whole report, and each other page that has any cell.

    Examples
    --------
    >>> shown = Content([("markdown", "One", {}), ("markdown", "Two", {})], tags=[("summary",), ("plain",)])
    >>> [(page.file, [text for _, text, _ in own.blocks]) for page, own in pages(shown)]
    [('index.html', ['One']), ('summary.html', ['One']), ('plain.html', ['Two'])]
    """
    for length in _LENGTHS:
        kept = [_stands(length.tags, tags) for tags in content.tags]
        if any(kept):
            blocks = [block for block, keep in zip(content.blocks, kept, strict=True) if keep]
            yield length, replace(content, blocks=blocks, tags=[])


_NOT_IN_THE_WHOLE = {"plain", "brief"}


def _stands(wanted: tuple[str, ...], tags: tuple[str, ...]) -> bool:
    return bool(set(wanted) & set(tags)) if wanted else not _NOT_IN_THE_WHOLE & set(tags)
