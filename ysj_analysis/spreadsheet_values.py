"""How is the value of a cell written as text, and its place in words?"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from .spreadsheet_package import Package
from .tables import DataError

Row = tuple[str, int, list[str]]
"""Sheet, row as a person counts, and cells from column A on."""

ROWS, COLUMNS = 1_048_576, 16_384
"""The largest sheet there can be."""


def too_long(package: Package, where: str) -> DataError:
    """Make the error of a cell beyond the limit."""
    return package.refuse(
        f"a cell has more than {package.limits.cell:,} characters.",
        "Take it out, or give the table as CSV.",
        first=where,
    )


def too_many(package: Package, where: str) -> DataError:
    """Make the error of more cells than the limit."""
    return package.refuse(
        f"more than {package.limits.cells:,} cells.",
        "Keep the sheets that are needed, or give them as CSV.",
        first=f"{where}, where that many are reached",
    )


def whole(raw: str) -> int:
    """Read a whole number of up to nine digits; anything else is -1, which is out of every range.

    Examples
    --------
    >>> whole("12"), whole("-3"), whole("9" * 5000)
    (12, -1, -1)
    """
    return int(raw) if raw.isdecimal() and len(raw) < 10 else -1


def column_number(letters: str) -> int:
    """Number a column by its letters.

    Examples
    --------
    >>> column_number("A"), column_number("AA"), column_number("XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Name a column by its letters, as spreadsheets do.

    Examples
    --------
    >>> column_letters(1), column_letters(27), column_letters(16384)
    ('A', 'AA', 'XFD')
    """
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def number_text(raw: str) -> str:
    """Write a number with the 15 digits a spreadsheet shows; whole numbers without a point.

    Examples
    --------
    >>> number_text("508663.0"), number_text("7.0000000000000007E-2"), number_text("1E3")
    ('508663', '0.07', '1000')
    """
    try:
        value = float(raw) if "_" not in raw else float("nan")
    except ValueError:
        return raw
    if not math.isfinite(value):
        return raw
    if value == value // 1 and abs(value) < 1e15:
        return str(int(value))
    return format(value, ".15g")


def date_text(raw: str, epoch: datetime = datetime(1899, 12, 30)) -> str:
    """Write a spreadsheet's day number as an ISO date, with the time where there is one.

    Examples
    --------
    >>> date_text("45382"), date_text("45382.5"), date_text("0.25")
    ('2024-03-31', '2024-03-31 12:00:00', '06:00:00')
    """
    try:
        days = float(raw)
        if epoch.year == 1899 and 1 <= days < 60:  # spreadsheets count a 29 February 1900
            days += 1
        moment = epoch + timedelta(seconds=round(days * 86_400))
    except (ValueError, OverflowError):
        return number_text(raw)
    if 0 < days < 1:
        return moment.strftime("%H:%M:%S")
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat(" ")
