"""What the kit rests on: the page names each package once, why it is there, and the licence it really has."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

Requirement = pytest.importorskip("packaging.requirements").Requirement
ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROW = re.compile(r"^\| ([\w-]+) \| (?:`(\w+)`)? ?\| (.+) \| (\w+) \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs/dependencies.md").read_text(encoding="utf-8"))
SAID = {
    "Apache": r"\bApache\b",
    "BSD": r"\bBSD\b",
    "MIT": r"\bMIT\b",
    "MPL": r"\bMPL\b|Mozilla",
    "PSF": r"Python Software Foundation|\bPSF\b",
}
"""How the metadata of a package says that it has a licence."""


def wanted():
    groups = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    return [(Requirement(line).name, extra) for extra, lines in groups.items() for line in lines]


def test_the_page_names_each_package_of_its_extra_once():
    assert sorted((name, extra) for name, extra, _, _ in ROWS) == sorted(wanted())


@pytest.mark.parametrize(
    ("name", "why", "licence"), [(n, w, s) for n, _, w, s in ROWS], ids=[n for n, *_ in ROWS]
)
def test_each_has_a_reason_and_the_licence_it_says(name, why, licence):
    assert len(why.split()) >= 1
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip("not installed")
    kinds = [c for c in told.get_all("Classifier") or [] if c.startswith("License ::")]
    first = (told.get("License") or "").partition("\n")[
        0
    ]  # some give the whole text, with those of what they bundle
    text = " ".join([told.get("License-Expression") or "", first, *kinds])
    assert re.search(SAID[licence], text), text[:200]
    assert not re.search(r"(?<!L)\bA?GPL", text)
