"""How does a report become a Word document? By pandoc, in a council's own house style if it brings one.

The template is any Word document: its styles, page, headers and footers are used and its text is not. What
pandoc leaves to the author is set afterwards: language, header rows, widths of columns, pictures, dates.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from .content import ContentError
from .document_pdf import moment, picture
from .document_source import Source
from .document_style import house_style
from .page import LONG
from .parameters import ParameterError

_LANGUAGE = "en-GB"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_RED = "942514"
_PAPER = 17.0
"""Centimetres between the margins of A4."""


def word(source: Source, *, date: str | None = None, template: str | Path | None = None) -> bytes:
    """Write a page as a Word document.

    Parameters
    ----------
    source : Source
        From ``document_source.source``.
    date : str, optional
        YYYY-MM-DD, the only time in the file.
    template : path, optional
        A Word document whose styles, page, headers and footers are used.

    Returns
    -------
    bytes
        The document, the same for the same page and template: title and language set, the first row of each
        table repeated as its header, a description on every picture.

    Raises
    ------
    ParameterError
        If the template is not a Word document.
    """
    import docx
    import pypandoc

    with tempfile.TemporaryDirectory() as folder:
        text = source.text
        for name, drawn in source.pictures.items():
            drawing = name.replace(".svg", ".png")
            (Path(folder) / drawing).write_bytes(picture(drawn))
            text = text.replace(f'src="{name}"', f'src="{drawing}"')
        reference = Path(folder) / "reference.docx"
        reference.write_bytes(_template(template) if template else house_style())
        made = Path(folder) / "report.docx"
        pypandoc.convert_text(
            text,
            "docx",
            format="html",
            outputfile=str(made),
            extra_args=[
                f"--reference-doc={reference}",
                f"--resource-path={folder}",
                "--shift-heading-level-by=-1",
                f"--metadata=lang:{_LANGUAGE}",
            ],
        )
        document = docx.Document(str(made))
    _opening(document, source)
    _contents(document)
    for table, heads in zip(document.tables, source.rows, strict=True):
        _set(table, heads)
    _describe(document, source)
    _properties(document, source, date)
    _running(document, source, own=template is None)
    out = io.BytesIO()
    document.save(out)
    return _repacked(out.getvalue())


def _repacked(archive: bytes) -> bytes:
    """Write an Office file again with one time on all of its parts.

    Examples
    --------
    >>> out = io.BytesIO()
    >>> with zipfile.ZipFile(out, "w") as made:
    ...     made.writestr("b", "2"), made.writestr("a", "1")
    (None, None)
    >>> [i.date_time[0] for i in zipfile.ZipFile(io.BytesIO(_repacked(out.getvalue()))).infolist()]
    [1980, 1980]
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, date_time=_EARLIEST)
            part.compress_type, part.create_system = zipfile.ZIP_DEFLATED, 0
            new.writestr(part, old.read(name))
    return out.getvalue()


def require_template(template: str | Path | None) -> None:
    """Refuse a template that is not a Word document, before anything is rendered."""
    if template is not None:
        _template(template)


def _template(template: str | Path) -> bytes:
    """Read a council's template, once it is known to be a Word document without macros."""
    path = Path(template)
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        parts = []
    if "word/document.xml" not in parts or any("vbaProject" in part for part in parts):
        raise ParameterError(
            f"{path.name} cannot be the template of 1 of 1 document: it is not a Word document without macros "
            "(.docx). Open it in Word, save it as .docx, and give that file to --template."
        )
    return content


def _opening(document: Any, source: Source) -> None:
    """Put title, place, edition and date before the text."""
    top = source.heading
    first = document.element.body[0]
    lines = [
        ("Title", top.title),
        ("Subtitle", top.place),
        ("Date", ". ".join([top.edition, *(f"{term}: {text}" for term, text in top.facts)])),
    ]
    for style, text in lines:
        if text:
            paragraph = document.add_paragraph(text, style=style if style in document.styles else None)
            first.addprevious(paragraph._p)


def _contents(document: Any) -> None:
    """List the chapters as links before the first of them; Word adds the pages when the list is updated."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    chapters = [p for p in document.paragraphs if p.style.style_id == "Heading1"]
    marks = [p._p.getprevious() for p in chapters]
    names = [m.get(qn("w:name")) if m is not None and m.tag == qn("w:bookmarkStart") else None for m in marks]
    if len(chapters) <= LONG or None in names:
        return

    def field(kind: str) -> Any:
        run, mark = OxmlElement("w:r"), OxmlElement("w:fldChar")
        mark.set(qn("w:fldCharType"), kind)
        run.append(mark)
        return run

    first = marks[0]
    title = document.add_paragraph(
        "Contents", style="TOC Heading" if "TOC Heading" in document.styles else None
    )._p
    lines = [document.add_paragraph() for _ in chapters]
    for line, chapter, name in zip(lines, chapters, names, strict=True):
        link = OxmlElement("w:hyperlink")
        link.set(qn("w:anchor"), name)
        link.append(line.add_run(chapter.text)._r)
        line._p.append(link)
    code = OxmlElement("w:instrText")
    code.text = 'TOC \\o "1-1" \\h \\z \\u'
    instruction = OxmlElement("w:r")
    instruction.append(code)
    start = lines[0]._p[0] if lines[0]._p.pPr is None else lines[0]._p[1]
    for part in (field("begin"), instruction, field("separate")):
        start.addprevious(part)
    lines[-1]._p.append(field("end"))
    for paragraph in (title, *(line._p for line in lines)):
        first.addprevious(paragraph)


def _set(table: Any, heads: int) -> None:
    """Give a table widths that follow its words, a header row, and header cells for its rows."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    properties = table._tbl.tblPr
    look = properties.find(qn("w:tblLook"))
    if look is None:
        look = OxmlElement("w:tblLook")
        properties.append(look)
    look.attrib.clear()
    for name, flag in (("firstRow", 1), ("lastRow", 0), ("firstColumn", int(heads > 0)), ("lastColumn", 0)):
        look.set(qn(f"w:{name}"), str(flag))
    look.set(qn("w:noHBand"), "1")
    look.set(qn("w:noVBand"), "1")
    rows = [row._tr for row in table.rows]
    grid = [[(_words(cell), cell) for cell in row.findall(qn("w:tc"))] for row in rows]
    across = max(len(cells) for cells in grid)
    whole = [[text for text, _ in cells] for cells in grid if len(cells) == across]
    widths = [
        max(3.0, max(min(len(text), 26) for text in column) ** 0.8) for column in zip(*whole, strict=True)
    ]
    unit = _PAPER / sum(widths)
    columns = table._tbl.tblGrid.findall(qn("w:gridCol"))
    for column, width in zip(columns, widths, strict=True):
        column.set(qn("w:w"), str(int(Cm(width * unit).twips)))
    for number, row in enumerate(rows):
        settings = row.get_or_add_trPr()
        settings.append(OxmlElement("w:cantSplit"))
        if number == 0 and settings.find(qn("w:tblHeader")) is None:
            settings.append(OxmlElement("w:tblHeader"))
        strong = number == 0 or len(grid[number]) < across
        for place, (_, cell) in enumerate(grid[number]):
            width = _PAPER if len(grid[number]) < across else widths[place] * unit
            _width(cell, width)
            for run in cell.iter(qn("w:r")):
                _run(run, bold=strong or place < heads)
    for paragraph in table._tbl.iter(qn("w:p")):
        _close(paragraph, Pt(1))


def _words(cell: Any) -> str:
    from docx.oxml.ns import qn

    return "".join(text.text or "" for text in cell.iter(qn("w:t")))


def _width(cell: Any, centimetres: float) -> None:
    from docx.shared import Cm

    cell.width = Cm(centimetres)


def _run(run: Any, *, bold: bool) -> None:
    from docx.shared import Pt
    from docx.text.run import Run

    text = Run(run, None)  # type: ignore[arg-type]  # it stands in no document yet
    text.font.size = Pt(8)
    if bold:
        text.font.bold = True


def _close(paragraph: Any, space: Any) -> None:
    from docx.text.paragraph import Paragraph

    setting = Paragraph(paragraph, None).paragraph_format  # type: ignore[arg-type]
    setting.space_before = setting.space_after = space


def _describe(document: Any, source: Source) -> None:
    """Refuse a picture that lost its description on the way."""
    from docx.oxml.ns import qn

    pictures = list(document.element.body.iter(qn("wp:docPr")))
    described = [p for p in pictures if p.get("descr", "").strip()]
    if len(described) != len(source.pictures):
        raise ContentError(
            f"report.docx: {len(source.pictures) - len(described)} of {len(source.pictures)} pictures have no "
            "description. Give every figure one (alt)."
        )
    for number, one in enumerate(pictures, start=1):
        one.set("id", str(number))
        one.set("name", f"Figure {number}")


def _properties(document: Any, source: Source, date: str | None) -> None:
    """Set what the file says of itself."""
    top, when = source.heading, moment(date).replace(tzinfo=None)
    about = document.core_properties
    about.title = ": ".join(filter(None, (top.title, top.place)))
    about.subject, about.language, about.category = top.edition, _LANGUAGE, top.marking
    about.author = about.last_modified_by = "ysj-analysis"
    about.keywords = about.comments = ""
    about.created = about.modified = when
    about.revision = 1


def _running(document: Any, source: Source, *, own: bool) -> None:
    """Write head and foot of each page in our own style; in a council's, only the marking is added."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    top = source.heading
    for section in document.sections:
        for part, text in (
            (section.header, top.place),
            (section.footer, ", ".join([top.edition, *dict(top.facts).values()])),
        ):
            if not (own or top.marking):
                continue
            part.is_linked_to_previous = False
            paragraph = part.add_paragraph() if part.paragraphs and not own else part.paragraphs[0]
            if top.marking:
                marked = paragraph.add_run(top.marking + ("   " if own else ""))
                marked.bold, marked.font.size = True, Pt(8)
                marked.font.color.rgb = RGBColor.from_string(_RED)
            if own:
                paragraph.add_run(text + ("" if part is section.header else ". Page ")).font.size = Pt(8)
            if own and part is section.footer:
                field = OxmlElement("w:fldSimple")
                field.set(qn("w:instr"), "PAGE")
                paragraph._p.append(field)
