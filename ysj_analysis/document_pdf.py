"""How is a report printed for everyone? PDF/UA-1 by pandoc and Typst, with header cells for every row.

Typst refuses to write PDF/UA-1 where a picture has no description or a heading skips a level, so that a
document that is not accessible is not made at all.
"""

from __future__ import annotations

import io
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .content import ContentError
from .document_source import Source
from .page import LONG, TEMPLATES

_STANDARD = "ua-1"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Written where a format wants a time and the report was given no date."""


def pdf(source: Source, *, date: str | None = None) -> bytes:
    """Print a page as tagged PDF.

    Parameters
    ----------
    source : Source
        From ``document_source.source``.
    date : str, optional
        YYYY-MM-DD, the only time in the file.

    Returns
    -------
    bytes
        PDF/UA-1 on A4, the same for the same page: title and language set, bookmarks for the headings,
        header cells for columns and rows, area, period, edition and marking on every page.

    Raises
    ------
    ContentError
        If the page cannot be made accessible, with what Typst says of it.
    """
    import pypandoc
    import typst

    body = pypandoc.convert_text(
        source.text,
        "typst",
        format="html",
        extra_args=[
            "--wrap=none",
            "--shift-heading-level-by=-1",
            f"--lua-filter={TEMPLATES / 'document' / 'typst.lua'}",
        ],
    )
    body = body.replace("align(center)[#table(", "align(left)[#table(")  # text cannot hold an unescaped #
    heading = _said(source, contents=source.text.count("<h2") > LONG)
    with tempfile.TemporaryDirectory() as folder:
        for name, drawn in source.pictures.items():
            (Path(folder) / name).write_text(drawn, encoding="utf-8")
        main = Path(folder) / "report.typ"
        main.write_text(
            (TEMPLATES / "document" / "report.typ").read_text(encoding="utf-8") + "\n" + body,
            encoding="utf-8",
        )
        try:
            printed = typst.compile(  # type: ignore[call-overload]  # a list of one is a list
                str(main),
                root=folder,
                format="pdf",
                font_paths=[fonts()],
                ignore_system_fonts=True,
                pdf_standards=_STANDARD,
                timestamp=moment(date),
                sys_inputs={"heading": json.dumps(heading, ensure_ascii=False)},
            )
        except typst.TypstError as error:
            raise ContentError(
                f"The page cannot be printed as accessible PDF: {str(error).splitlines()[0]}. Give every figure a "
                "description and let no heading skip a level.",
                detail=str(error),
            ) from None
    return _with_row_headers(printed, source.rows)


def picture(drawn: str) -> bytes:
    """Draw an SVG as PNG, for programs that show no SVG."""
    import typst

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "figure.svg").write_text(drawn, encoding="utf-8")
        page = Path(folder) / "figure.typ"
        page.write_text(
            '#set page(width: auto, height: auto, margin: 0pt)\n#image("figure.svg")\n', encoding="utf-8"
        )
        return typst.compile(
            str(page), root=folder, format="png", ppi=150, font_paths=[fonts()], ignore_system_fonts=True
        )


def fonts() -> str:
    """Folder of the letters that charts are drawn with; the same on every machine."""
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf")


def moment(date: str | None) -> datetime:
    """Make a time of the date a report was given."""
    return datetime.fromisoformat(date).replace(tzinfo=UTC) if date else _EPOCH


def _said(source: Source, *, contents: bool) -> dict[str, Any]:
    """Gather what the running head says."""
    top = source.heading
    name = ": ".join(filter(None, (top.title, top.place)))
    return {
        "title": top.title,
        "name": f"{name} ({top.marking})" if top.marking else name,
        "author": "ysj-analysis",
        "place": top.place,
        "edition": top.edition,
        "marking": top.marking,
        "date": dict(top.facts).get("Date", ""),
        "report": dict(top.facts).get("Report", ""),
        "contents": contents,
    }


def _with_row_headers(printed: bytes, rows: tuple[int, ...]) -> bytes:
    """Make the first cells of each row header cells: Typst marks those of columns only."""
    import pikepdf

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(printed)) as document:
        tables = list(_elements(document.Root.StructTreeRoot, "/Table"))
        for table, heads in zip(tables, rows, strict=True):
            bodies = list(_elements(table, "/TBody")) or [table]
            for row in (row for body in bodies for row in _elements(body, "/TR")):
                for cell in _children(row)[:heads]:
                    if cell.get("/S") == "/TD":
                        cell.S = pikepdf.Name.TH
                        cell.A = _scoped(document, cell.get("/A"))
        document.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def _scoped(document: Any, attributes: Any) -> Any:
    """Add the scope of a header cell of a row to what is said of the cell."""
    import pikepdf

    scope = pikepdf.Dictionary(O=pikepdf.Name.Table, Scope=pikepdf.Name.Row)
    if attributes is None:
        return scope
    if isinstance(attributes, pikepdf.Array):
        return pikepdf.Array([*attributes, scope])
    if attributes.get("/O") == "/Table":
        attributes["/Scope"] = pikepdf.Name.Row
        return attributes
    return pikepdf.Array([attributes, scope])


def _children(element: Any) -> list[Any]:
    """List the structure elements inside one."""
    import pikepdf

    inside = element.get("/K")
    several = list(inside) if isinstance(inside, pikepdf.Array) else [inside]
    return [one for one in several if isinstance(one, pikepdf.Dictionary) and "/S" in one]


def _elements(element: Any, kind: str) -> Any:
    """Find the structure elements of a kind, in reading order; none inside another of its kind."""
    for one in _children(element):
        if one.get("/S") == kind:
            yield one
        else:
            yield from _elements(one, kind)
