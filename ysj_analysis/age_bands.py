"""Is this age band one of children? Bands as recorded, those a spreadsheet took for dates among them.

A spreadsheet that opens a CSV reads `10-17` as October 2017 and writes `Oct-17`; elsewhere in the world it
reads the seventeenth of October and writes `17-Oct`. `5-9` becomes `05-Sep`. Nothing else is changed.
"""

from __future__ import annotations

import re

CHILD, UNDER, ADULT, BLANK = "child", "under 10", "adult", "blank"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_BAND = re.compile(r"(\d{1,2})\s*(?:-|–|to)\s*(\d{1,2})")
_DATED = re.compile(r"([a-z]{3})-(\d{1,2})|(\d{1,2})-([a-z]{3})")
_FULL = re.compile(r"20(?P<year>\d\d)-(?P<month>\d\d)-01(?: 00:00(?::00)?)?|01/(?P<m>\d\d)/20(?P<y>\d\d)")


def repaired(band: str) -> str:
    """Undo what a spreadsheet does to an age band.

    Parameters
    ----------
    band : str
        As it stands in the file.

    Returns
    -------
    str
        The band, lower end first; anything that is not a band taken for a date comes back as it is.

    Examples
    --------
    >>> [repaired(b) for b in ("Oct-17", "17-Oct", "05-Sep", "2017-10-01", "18-24", "over 34")]
    ['10-17', '10-17', '5-9', '10-17', '18-24', 'over 34']
    """
    text = band.strip().casefold()
    if match := _DATED.fullmatch(text):
        name, number = (match[1], match[2]) if match[1] else (match[4], match[3])
        if name not in _MONTHS:
            return band
        ends = _MONTHS.index(name) + 1, int(number)
    elif match := _FULL.fullmatch(text):
        ends = int(match["month"] or match["m"]), int(match["year"] or match["y"])
    else:
        return band
    return f"{min(ends)}-{max(ends)}" if ends[0] != ends[1] else band


def who(band: str) -> str | None:
    """Say whom an age band holds.

    Parameters
    ----------
    band : str
        As recorded, repaired.

    Returns
    -------
    {"child", "under 10", "adult", "blank"} or None
        ``child`` for 10 to 17 or a part of it; None for a band that holds children and others, and for
        what is no band.

    Examples
    --------
    >>> [who(b) for b in ("10-17", "under 10", "over 34", "", "16-24", "ten")]
    ['child', 'under 10', 'adult', 'blank', None, None]
    """
    text = band.strip().casefold()
    if not text:
        return BLANK
    if text == "under 10":
        return UNDER
    if match := re.fullmatch(r"over (\d{1,2})|(\d{1,2})(?:\+| and over)", text):
        return ADULT if int(match[1] or match[2]) >= (17 if match[1] else 18) else None
    if not (match := _BAND.fullmatch(text)):
        return None
    low, high = int(match[1]), int(match[2])
    if low > high:
        return None
    return UNDER if high < 10 else CHILD if low >= 10 and high <= 17 else ADULT if low >= 18 else None
