"""Is a report whole? All files its manifest names, with those bytes, no other, and links that lead somewhere."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .content import ContentError
from .manifest import digest, sha256

MANIFEST = "manifest.json"


def faults(folder: str | Path) -> Iterator[str]:
    """Look for what is missing, changed or added in a report, without rendering it.

    Parameters
    ----------
    folder : path
        Of the report.

    Yields
    ------
    str
        What is wrong with one file, the first first; nothing where the report is whole.
    """
    folder = Path(folder)
    stated = read_manifest(folder)
    if isinstance(stated, str):
        yield stated
        return
    there = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    outputs = stated.get("outputs", {})
    for name, expected in outputs.items():
        if name not in there:
            yield f"{name} is not there"
        elif sha256(there[name].read_bytes()) != expected:
            yield f"{name} has other bytes than its manifest says"
    for name in there.keys() - outputs.keys() - {MANIFEST}:
        yield f"{name} is not in the manifest"
    for name, path in there.items():
        if name.endswith(".html"):
            for link in _broken_links(name, path.read_text(encoding="utf-8", errors="replace"), set(there)):
                yield f"{name} has a link that leads nowhere: {link}"


def read_manifest(folder: Path) -> dict[str, Any] | str:
    """Read the manifest of a report; or say in words why it cannot be trusted."""
    try:
        text = (folder / MANIFEST).read_bytes().decode()
        stated = json.loads(text)
    except FileNotFoundError:
        return f"{MANIFEST} is not there"
    except ValueError:
        return f"{MANIFEST} cannot be read"
    if not isinstance(stated, dict) or not isinstance(stated.get("outputs"), dict):
        return f"{MANIFEST} is not the manifest of a report"
    if stated.get("digest") != digest(text) or not text.endswith("}\n"):
        return f"{MANIFEST} was changed after it was written"
    return stated


class _Links(HTMLParser):
    """Lists the links of a page and the places it can be entered at."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.places |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


def _broken_links(name: str, page: str, there: set[str]) -> Iterator[str]:
    """List the links of a page that lead to no file of the report and to no place of the page.

    Parameters
    ----------
    name : str
        Of the page in its folder.
    page : str
        Its HTML.
    there : set of str
        Every file of the report. Links to other sites are not followed.

    Yields
    ------
    str
        The link.

    Examples
    --------
    >>> list(_broken_links("index.html", '<a href="#x">x</a> <a href="tables/a.csv">a</a>', {"tables/a.csv"}))
    ['#x']
    """
    found = _Links()
    found.feed(page)
    for link in dict.fromkeys(found.links):
        path, _, place = link.partition("#")
        if ":" in path.split("/")[0]:
            continue
        if path and posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path))) not in there:
            yield link
        if not path and place and unquote(place) not in found.places:
            yield link


def require_whole(folder: Path) -> None:
    """Refuse to publish a report that is not whole."""
    if problem := next(faults(folder), None):
        raise ContentError(f"The report is not whole and was not published: {problem}.")
