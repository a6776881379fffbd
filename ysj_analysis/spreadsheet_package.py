"""May this spreadsheet be opened? Its kind by its content, and its size before anything is unpacked.

A spreadsheet comes from outside, and its format can say more than a table: a file of 40 kB that unpacks
to gigabytes, XML that defines entities, macros, links to other files. Everything is checked on the
directory of the package, before a byte of it is unpacked; what is read is then streamed, so that memory
depends on what is kept and not on what the file holds. Nothing is evaluated and no link is followed.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from .tables import DataError, shown


@dataclass(frozen=True)
class Limits:
    """How large a spreadsheet may be. Each limit is named in the message of what exceeds it.

    Attributes
    ----------
    file : int
        Bytes of the file.
    parts : int
        Files inside the package.
    unpacked : int
        Bytes of all parts, unpacked.
    ratio : int
        How many times larger than packed a part of over five million bytes may be. Sheets of published
        tables reach about 100; a bomb reaches 1,000, the most this compression can do.
    sheets, cells : int
        Sheets, and cells of all sheets.
    cell : int
        Characters in one cell, or in one mark of the XML.
    """

    file: int = 100_000_000
    parts: int = 5_000
    unpacked: int = 250_000_000
    ratio: int = 200
    sheets: int = 500
    cells: int = 5_000_000
    cell: int = 2_000_000


LIMITS = Limits()

_ODS = "application/vnd.oasis.opendocument.spreadsheet"
_FEW_NAMES, _DEEP, _CHUNK, _LARGE = 20_000, 200, 1 << 18, 5_000_000


Handlers = tuple[Callable | None, Callable | None]
"""What is called where an element begins and where it ends."""


@dataclass
class Package:
    """A spreadsheet that may be read.

    Attributes
    ----------
    file : Path
        The file.
    kind : {"xlsx", "ods", "xls"}
        By its content; the name decides nothing.
    limits : Limits
        What it was checked against.
    notes : list of str
        What a reader should know: a name that does not fit, macros, links.
    """

    file: Path
    kind: str
    limits: Limits
    notes: list[str] = field(default_factory=list)

    def refuse(self, what: str, do: str, *, first: str = "its first byte") -> DataError:
        """Make the error that says what is wrong with this file, where, and what to do; it is refused as a whole."""
        where = "" if "First: " in what else f" First: {first}."
        return DataError(f"{self.file.name}: {what} 1 of 1 files is refused.{where}\n{do}")

    def parse(self, part: str, handlers: Mapping[str, Handlers], text: Callable) -> Iterator:
        """Stream one part through handlers of its elements; yields after each piece of it.

        Parameters
        ----------
        part : str
            Its name in the package.
        handlers : mapping of str to pair of callable
            Element (namespace, space, name) to what to call with its attributes at its start, and
            with nothing at its end. Other elements are passed over.
        text : callable
            Called with text, in pieces.

        Yields
        ------
        None
            After each quarter of a megabyte, so that rows can be handed on and memory freed.

        Raises
        ------
        DataError
            For XML that is malformed, declares a document type or is nested without end.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.ordered_attributes = False
        starts = {name: pair[0] for name, pair in handlers.items() if pair[0]}
        ends = {name: pair[1] for name, pair in handlers.items() if pair[1]}
        depth = 0

        def here() -> str:
            return f"byte {parser.CurrentByteIndex + 1:,} of that part"

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if name in starts:
                starts[name](attributes)
            if depth > _DEEP:
                raise self.refuse(f"{part} is nested more than {_DEEP} deep.", _UNREAD, first=here())

        def end(name: str) -> None:
            nonlocal depth
            depth -= 1
            if name in ends:
                ends[name]()

        def declared(*_: Any) -> None:
            raise self.refuse(
                f"{part} declares a document type (DOCTYPE), which no spreadsheet needs and which can "
                "define entities that grow or fetch files.",
                "Do not trust this file. If its origin is known, open it and save it again.",
                first=here(),
            )

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, declared
        fed = 0
        try:
            with zipfile.ZipFile(self.file) as package, package.open(part) as stream:
                while chunk := stream.read(_CHUNK):
                    parser.Parse(chunk)
                    fed += len(chunk)
                    if fed - parser.CurrentByteIndex > self.limits.cell + _CHUNK:
                        what = f"{part} has a mark of more than {self.limits.cell:,} characters."
                        raise self.refuse(what, _UNREAD, first=here())
                    if len(parser.intern) > _FEW_NAMES:
                        what = f"{part} has {len(parser.intern):,} different names; at most {_FEW_NAMES:,} are read."
                        raise self.refuse(what, _UNREAD, first=here())
                    yield
                parser.Parse(b"", True)
            yield
        except expat.ExpatError as error:
            raise self.refuse(
                f"{part} is not well-formed XML: {expat.ErrorString(error.code)}.", _DAMAGED,
                first=f"line {error.lineno:,}, column {error.offset + 1:,} of that part",
            ) from None  # fmt: skip
        except (
            zipfile.BadZipFile,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
            _ZLIB_ERROR,
        ) as error:
            raise self.refuse(f"{part} cannot be unpacked ({_why(error)}).", _DAMAGED, first=part) from None

    def parts(self) -> list[str]:
        """Name the parts of the package."""
        with zipfile.ZipFile(self.file) as package:
            return package.namelist()


def _why(error: Exception) -> str:
    """Say what went wrong in the words of the system, without the path that it adds."""
    return (error.strerror if isinstance(error, OSError) else None) or shown(error, 120)


_ZLIB_ERROR = zlib.error
_DAMAGED = "Download it again, or open it and save it again as .xlsx."
_UNREAD = "No published table is so. Open it and save it again, or do not use it."


def opened(file: str | Path, limits: Limits = LIMITS) -> Package:
    """Check a spreadsheet before reading it.

    Parameters
    ----------
    file : path
        An .xlsx, .xlsm, .ods or .xls file under any name.
    limits : Limits
        How large it may be.

    Returns
    -------
    Package
        What kind it is, and what to know about it. Nothing is unpacked yet.

    Raises
    ------
    DataError
        When it is no spreadsheet of these kinds, is encrypted, or is larger than a limit.
    """
    package = Package(Path(file), "", limits)
    size = package.file.stat().st_size
    if size > limits.file:
        raise package.refuse(f"{size:,} bytes; at most {limits.file:,} are read.", _SMALLER)
    with package.file.open("rb") as stream:
        magic = stream.read(512)
    if magic.startswith(b"PK\x03\x04"):
        _check_zip(package, size)
    elif magic.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        _check_ole(package)
    else:
        raise package.refuse(f"not a spreadsheet: {_looks_like(magic)}.", _GIVE)
    suffix = package.file.suffix.lower().lstrip(".")
    usual = {"xlsx": ("xlsx", "xlsm", "xltx"), "ods": ("ods", "ots"), "xls": ("xls", "xlt")}[package.kind]
    if suffix not in usual:
        package.notes.append(f"the file is named {shown('.' + suffix)} and is .{package.kind} by its content")
    return package


_GIVE = "Give an .xlsx, .ods or .xls file; open it and save it as .xlsx if it is anything else."
_SMALLER = "Take out what is not needed and save it again, or give the table as CSV."


def _looks_like(magic: bytes) -> str:
    text = magic.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<table")):
        return "it is a web page under a spreadsheet's name"
    if text.startswith(b"<?xml"):
        return "it is an XML file"
    if not magic:
        return "it is empty"
    if text.startswith(b"%pdf"):
        return "it is a PDF"
    return "its first bytes are of no known kind" if b"\0" in magic else "it is a text file, perhaps CSV"


def _check_zip(package: Package, size: int) -> None:
    """Check the directory of a zip package against every limit, and tell its kind."""
    limits = package.limits
    _check_directory(package, size)
    try:
        with zipfile.ZipFile(package.file) as archive:
            parts = archive.infolist()
            kind = (
                archive.open("mimetype").read(100).decode("latin-1")
                if "mimetype" in archive.NameToInfo
                else ""
            )
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
        _ZLIB_ERROR,
    ) as error:
        raise package.refuse(f"its package cannot be read ({_why(error)}).", _DAMAGED) from None
    names = [part.filename for part in parts]
    if any(part.flag_bits & 1 for part in parts):
        locked = [part.filename for part in parts if part.flag_bits & 1]
        raise package.refuse(
            f"it is encrypted, in {len(locked):,} of {len(parts):,} parts.",
            "Open it with its password and save a copy without one.",
            first=shown(locked[0]),
        )
    odd = [part for part in parts if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]
    if odd or len(set(names)) < len(names) or sum(part.compress_size for part in parts) > size:
        raise package.refuse(
            "its package has parts that overlap, repeat or are packed in an unusual way.", _UNREAD
        )
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.unpacked:
        raise package.refuse(
            f"{size:,} bytes that unpack to {unpacked:,}; at most {limits.unpacked:,} are read.", _SMALLER
        )
    for part in parts:
        if part.file_size > _LARGE and part.file_size > limits.ratio * max(part.compress_size, 1):
            raise package.refuse(
                f"{shown(part.filename)} unpacks to {part.file_size / max(part.compress_size, 1):,.0f} times its "
                f"size; at most {limits.ratio} times is read.",
                _UNREAD,
                first=f"part {parts.index(part) + 1:,} of {len(parts):,}",
            )
    _tell_kind(package, set(names), kind)


def _check_directory(package: Package, size: int) -> None:
    """Refuse a zip whose directory is missing or very long, before it is read into memory."""
    with package.file.open("rb") as stream:
        stream.seek(max(0, size - 65_557))
        tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise package.refuse("its package has no directory: the file is cut short.", _DAMAGED)
    entries, length = struct.unpack_from("<HI", tail, at + 10)
    if (
        entries > package.limits.parts
        or length > 1000 * package.limits.parts
        or b"PK\x06\x07" in tail[at - 20 : at]
    ):
        raise package.refuse(
            f"its package has {entries:,} parts and {length:,} bytes of directory; at most "
            f"{package.limits.parts:,} parts are read, and no package of over 4 GB.",
            _UNREAD,
        )


def _tell_kind(package: Package, names: set[str], mimetype: str) -> None:
    if mimetype.startswith(_ODS) and "content.xml" in names:
        package.kind = "ods"
        if any(name.startswith(("Basic/", "Scripts/")) for name in names):
            package.notes.append("it holds macros, which were neither read nor run")
    elif any(name.lower() == "xl/workbook.xml" for name in names):
        package.kind = "xlsx"
        if any("vbaproject" in name.lower() or "/macrosheets/" in name.lower() for name in names):
            package.notes.append("it holds macros, which were neither read nor run")
        if any(name.lower().startswith("xl/externallinks/") for name in names):
            package.notes.append(
                "it refers to other files, which were not opened; the values saved in it are used"
            )
    elif any(name.lower() == "xl/workbook.bin" for name in names):
        raise package.refuse("an .xlsb workbook, which is not read.", _GIVE)
    else:
        raise package.refuse("a zip package that holds no spreadsheet.", _GIVE)


def _check_ole(package: Package) -> None:
    data = package.file.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise package.refuse("it is encrypted.", "Open it with its password and save a copy without one.")
    if not any(name.encode("utf-16-le") in data for name in ("Workbook", "Book")):
        raise package.refuse("an Office file that holds no workbook.", _GIVE)
    if "_VBA_PROJECT".encode("utf-16-le") in data:
        package.notes.append("it holds macros, which were neither read nor run")
    package.kind = "xls"
