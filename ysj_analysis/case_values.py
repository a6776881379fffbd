"""What does a cell of an export say? Dates, numbers, ages and codes, and everything that cannot be read.

Each distinct text is looked at once. Nothing is raised here: what cannot be read is collected in a
`Faults`, so that an analyst sees all of it at once. A fault quotes labels of code lists and nothing else.
"""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from .ages import ADULT, BLANK, CHILD, UNDER, repaired, span, who
from .case_fields import CHOICES, NOTHING_RECORDED, plain
from .reading import alike
from .tables import DataError, near, shown

_EARLIEST = datetime.date(1970, 1, 1)
"""A date before it is impossible: of an event, and of the birth of a child in a system in use today."""

LISTED, MOST_LABELS, LONGEST_LABEL = 40, 60, 120
_SELDOM = 3
_OF_SOMEONE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|\d\d/\d\d/|@|\d{4,}", re.IGNORECASE)
"""An address, a date or a number of a person."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TOKENS = {
    "DD": r"(?P<d>\d{1,2})",
    "MMM": r"(?P<b>[A-Za-z]{3,9})",
    "MM": r"(?P<m>\d{1,2})",
    "YYYY": r"(?P<y>\d{4})",
    "YY": r"(?P<s>\d{2})",
}
_TIME = r"(?P<time>[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AP]M)?)?(?P<zone> ?(Z|UTC|[+-]\d{2}:?\d{2}))?"
_LONDON = ZoneInfo("Europe/London")
_SERIAL_START = datetime.date(1899, 12, 30)  # day 0 of a spreadsheet, its missing leap day allowed for


@dataclass
class Faults:
    """Everything that stops a conversion, told together."""

    blocks: list[str] = field(default_factory=list)

    def add(self, file: str, bad: pd.Series, header: str, what: str, do: str) -> None:
        """Add a fault of rows: how many, the first, and what to do; no value is shown."""
        if bad.any():
            self.blocks.append(
                f"{file}: {int(bad.sum()):,} of {len(bad):,} rows {what} in column {shown(header)}. First: row "
                f"{bad.idxmax():,}.\n{do}"
            )

    def stop(self) -> None:
        """Raise if anything was added."""
        if self.blocks:
            raise DataError("\n\n".join(self.blocks))


# -- dates -------------------------------------------------------------------------------------------


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """Turn ``DD/MM/YYYY`` into an expression; a time and a zone may follow any date."""
    parts = re.split("(DD|MMM|MM|YYYY|YY)", form)
    return re.compile("".join(_TOKENS.get(p) or re.escape(p) for p in parts) + _TIME, re.IGNORECASE)


def _day(text: str, form: str, latest: datetime.date) -> datetime.date | str | None:
    """Read one date in one form: a date, ``"impossible"``, or None when it is not of that form."""
    if form.upper() == "EXCEL":
        serial = re.fullmatch(r"(\d{5})(\.\d+)?", text)
        return _SERIAL_START + datetime.timedelta(days=int(serial[1])) if serial else None
    match = _pattern(form).fullmatch(text)
    if not match:
        return None
    part = match.groupdict()
    month = _MONTHS.index(part["b"][:3].lower()) + 1 if (part.get("b") or "")[:3].lower() in _MONTHS else 0
    year = int(part.get("y") or 0) or 2000 + int(part.get("s") or 0)
    if part.get("s") and year > latest.year:
        year -= 100
    try:
        date = datetime.date(year, month or int(part.get("m") or 0), int(part.get("d") or 1))
        if part["zone"] and part["time"]:
            clock = re.sub(r"^(\d):", r"0\1:", part["time"][1:].strip())
            zone = part["zone"].strip().upper().replace("UTC", "Z")
            date = datetime.datetime.fromisoformat(f"{date}T{clock}{zone}").astimezone(_LONDON).date()
    except ValueError:
        return "impossible"
    return date


def dates(
    values: pd.Series, forms: Sequence[str], latest: datetime.date
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Read dates written in one or several known ways.

    Parameters
    ----------
    values : Series of str
        As in the file.
    forms : sequence of str
        How dates may be written: ``DD/MM/YYYY``, ``YYYY-MM-DD``, ``DD-MMM-YY``, ``EXCEL`` (a serial
        number) and the like. A time may follow; with a zone it is turned to London's day.
    latest : date
        Nothing can be dated after the day of the export.

    Returns
    -------
    dates, impossible, unread : Series
        ISO days (empty where there is none); cells with a date that cannot be (31 February, the year
        202, after the export); cells in no known form, or that two forms read differently.

    Examples
    --------
    >>> days, impossible, unread = dates(
    ...     pd.Series(["03/04/2023", "2023-04-03", "31/02/2023", "3 April", ""]),
    ...     ["DD/MM/YYYY", "YYYY-MM-DD"], datetime.date(2024, 9, 30))
    >>> days.tolist()
    ['2023-04-03', '2023-04-03', '', '', '']
    >>> impossible.tolist().index(True), unread.tolist().index(True)
    (2, 3)
    """
    days, impossible, unread = {"": ""}, set(), set()
    for text in (t for t in values.unique() if t):
        read = {day for form in forms if (day := _day(text, form, latest)) is not None}
        real = {day for day in read if isinstance(day, datetime.date)}
        if len(real) > 1 or not read:
            unread.add(text)
        elif not real or not _EARLIEST <= min(real) <= latest:
            impossible.add(text)
        else:
            days[text] = min(real).isoformat()
    return values.map(days).fillna("").astype(str), values.isin(impossible), values.isin(unread)


# -- numbers and ages --------------------------------------------------------------------------------


def gravity(values: pd.Series) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Read gravity scores, 1 to 8, also where a spreadsheet wrote ``3.0`` or ``'3``.

    Parameters
    ----------
    values : Series of str
        As in the file.

    Returns
    -------
    scores, out_of_range, unread : Series
        The score as text, empty where there is none; numbers outside 1 to 8; what is no number.

    Examples
    --------
    >>> [s.tolist() for s in gravity(pd.Series(["3.0", "9", "", "high"]))]
    [['3', '', '', ''], [False, True, False, False], [False, False, False, True]]
    """
    tidy = values.str.removeprefix("'").str.replace(r"^([+-]?\d+)\.0*$", r"\1", regex=True)
    number = tidy.str.fullmatch(r"[+-]?\d+(\.\d+)?")
    score = tidy.str.fullmatch("0*[1-8]")
    return (
        tidy.str.lstrip("0").where(score, "").astype(str),
        number & ~score,
        ~number & tidy.ne(""),
    )


def ages(values: pd.Series) -> tuple[pd.Series, pd.Series, pd.Series, pd.Series]:
    """Read ages and age bands, also where a spreadsheet made ``Oct-14`` of 10-14.

    Parameters
    ----------
    values : Series of str
        As in the file: ``15``, ``10-14``, ``18+``, ``Under 10``.

    Returns
    -------
    ages, outside, repaired, unread : Series
        The age or band; bands wholly outside 10 to 17; those repaired; what is no age.

    Examples
    --------
    >>> age, outside, repaired, unread = ages(pd.Series(["10-14", "Oct-14", "05-Sep", "18+", "n/k"]))
    >>> age.tolist()
    ['10-14', '10-14', '5-9', '18+', '']
    >>> outside.tolist(), repaired.tolist(), unread.tolist()[-1]
    ([False, False, True, True, False], [False, True, True, False, False], True)
    """
    read = {text: _age(text) for text in values.unique()}
    found = values.map({text: age for text, (age, _) in read.items()}).astype(str)
    outside = values.map({text: who in (UNDER, ADULT) for text, (_, who) in read.items()}).astype(bool)
    mended = {text for text, (age, _) in read.items() if age and repaired(text) != text}
    return found, outside, values.isin(mended), found.eq("") & values.ne("")


def _age(text: str) -> tuple[str, str]:
    """Read one age or band, and whom it holds; nothing when it is neither."""
    band = repaired(text)
    years = span(band)
    if years is None:
        return "", BLANK
    return str(years[0]) if len(years) == 1 else band, who(band) or CHILD


# -- codes -------------------------------------------------------------------------------------------


def toml_line(label: str, value: str = "?") -> str:
    r"""Write a label of a code list as a line for the mapping, harmless on any screen.

    Examples
    --------
    >>> print(toml_line('Order "X"'))
    "Order \"X\"" = "?"
    """
    quoted = json.dumps(label, ensure_ascii=False)
    return f"{''.join(_escaped(c) for c in quoted)} = {json.dumps(value)}"


def _escaped(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Cn"):
        return f"\\u{ord(character):04X}" if ord(character) < 0x10000 else f"\\U{ord(character):08X}"
    return character


def coded(
    values: pd.Series, name: str, codes: Mapping[str, Any], blank: Sequence[str], default: Any = None
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Look labels up in a code list.

    Parameters
    ----------
    values : Series of str
        As in the file.
    name : str
        The coded field.
    codes : mapping of str to code
        By label as `plain` writes it.
    blank : sequence of str
        Marks that mean nothing is recorded.
    default : code, optional
        What nothing recorded means; by default as `NOTHING_RECORDED` has it.

    Returns
    -------
    codes, empty, unknown : Series
        The code of each cell (None where unknown); cells with nothing recorded that the code list does
        not explain; cells whose label it does not have.
    """
    nothing = NOTHING_RECORDED.get(name, "") if default is None else default
    marks = {plain(mark) for mark in blank} | {""}
    labels = {text: plain(text) for text in values.unique()}
    meant = {text: codes.get(p, nothing if p in marks else None) for text, p in labels.items()}
    empty = {text for text, p in labels.items() if p in marks and p not in codes}
    unknown = {text for text, code in meant.items() if code is None}
    found = pd.Series([meant[v] for v in values], index=values.index, dtype=object)
    return found, values.isin(empty), values.isin(unknown)


def tell_unknown(
    faults: Faults, file: str, header: str, name: str, labels: pd.Series, rows: int, choices
) -> None:
    """Add the labels a mapping does not know, with their counts and the lines to add to it.

    Parameters
    ----------
    faults : Faults
        Where to add them.
    file, header : str
        Where they are.
    name : str
        The coded field.
    labels : Series of str
        The unknown labels, a row each, indexed by the row in the file.
    rows : int
        Of how many rows.
    choices : sequence of str
        The labels the mapping has, to name a near one.
    """
    if labels.empty:
        return
    counts = labels.value_counts()
    start = (
        f"{file}: {len(labels):,} of {rows:,} rows have a label in column {shown(header)} that [codes.{name}] "
        f"does not have. First: row {labels.index[0]:,}."
    )
    longest = counts.index.str.len().max()
    names = 2 * len(labels) > rows and len(counts) > 5 and len(labels) < 2 * len(counts)
    if names or len(counts) > MOST_LABELS or longest > 10 * LONGEST_LABEL:
        faults.blocks.append(
            f"{start}\nThey are {len(counts):,} different texts, the longest of {longest:,} characters: this looks "
            "like names or free text, not a code list, so none is shown. Check which column is mapped."
        )
        return
    lines = [_line(str(label), count, labels, choices) for label, count in counts.head(LISTED).items()]
    lines += [f"# ... and {len(counts) - LISTED} more"] * (len(counts) > LISTED)
    known = f" ({', '.join(c or repr('') for c in CHOICES[name])})" if name in CHOICES else ""
    faults.blocks.append(
        f"{start}\nAdd under [codes.{name}] what each means{known}; labels are never guessed:\n"
        + "\n".join(lines)
    )


def _line(label: str, count: int, labels: pd.Series, choices: Sequence[str]) -> str:
    """Write the line to add for an unknown label; not where it is seldom and may be of a child, by a shifted cell."""
    if len(label) > LONGEST_LABEL:
        return f"# a label of {len(label):,} characters, {count:,} rows: {shown(label)}"
    if count < _SELDOM and not alike(label, choices) and _OF_SOMEONE.search(label):
        row = labels.index[labels.eq(label)][0]
        return f"# a label in {count:,} row{'s' * (count > 1)}, not shown, as it may be of a child. See row {row:,}."
    return f"{toml_line(label)}  # {count:,} row{'s' * (count > 1)}.{near(label, choices)}"
