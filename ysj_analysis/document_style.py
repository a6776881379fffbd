"""What does a Word document look like when no council's template is given?"""

from __future__ import annotations

import io
import subprocess
from typing import Any

_ACCENT, _SOFT = "12436D", "4A5763"


def house_style() -> bytes:
    """Make our own template of pandoc's.

    Returns
    -------
    bytes
        A Word document without text: A4, Arial, headings in the accent of the page, and the styles
        Headline, Callout and Note that the text uses. A council's template that has styles of these names
        decides how they look.
    """
    import docx
    from docx.shared import Cm, Pt, RGBColor
    from pypandoc import get_pandoc_path

    document = docx.Document(io.BytesIO(_default_reference(get_pandoc_path())))
    sizes = {"Heading 1": 16, "Heading 2": 12.5, "Normal": 10.5, "Body Text": 10.5, "Compact": 8}
    for name, size in sizes.items():
        style = document.styles[name]
        style.font.size, style.font.name = Pt(size), "Arial"
        _east_asian(style, "Arial")
        if name.startswith("Heading"):
            style.font.color.rgb = RGBColor.from_string(_ACCENT)
            style.font.bold = True
            style.paragraph_format.space_before = Pt(18)
            style.paragraph_format.keep_with_next = True
    for name, size in {
        "Title": 22,
        "Subtitle": 13,
        "Table Caption": 10,
        "Image Caption": 9,
        "Caption": 9,
    }.items():
        if name in document.styles:
            style = document.styles[name]
            style.font.size, style.font.name, style.font.italic = Pt(size), "Arial", False
            style.font.color.rgb = RGBColor.from_string(_SOFT if "Image" in name else _ACCENT)
            _east_asian(style, "Arial")
    document.styles["Table Caption"].font.bold = True
    document.styles["Table Caption"].paragraph_format.keep_with_next = True
    for name, size in {"Headline": 11.5, "Callout": 10.5, "Note": 9}.items():
        style = document.styles.add_style(name, 1)
        style.base_style = document.styles["Body Text"]
        style.font.size = Pt(size)
        if name == "Note":
            style.font.color.rgb = RGBColor.from_string(_SOFT)
        if name == "Callout":
            style.paragraph_format.left_indent = Cm(0.6)
    for section in document.sections:
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = Cm(2)
        section.top_margin = section.bottom_margin = Cm(2.2)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _default_reference(pandoc: str) -> bytes:
    return subprocess.run(
        [pandoc, "--print-default-data-file", "reference.docx"], capture_output=True, check=True, timeout=60
    ).stdout


def _east_asian(style: Any, name: str) -> None:
    """Set the font for every script; a theme's own would otherwise win."""
    from docx.oxml.ns import qn

    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for key in list(fonts.attrib):
        del fonts.attrib[key]
    for key in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(key), name)
