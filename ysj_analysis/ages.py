"""Do these ages make 10 to 17? Single years and bands, and what cannot be added up to the right children.

The youth justice system is for children aged 10 to 17. Many published tables have bands that do not end
there: 10 to 15 leaves out 16 and 17, and 16 to 24 holds seven years of adults. Islington had 11,777
children aged 10 to 15, 3,566 aged 16 or 17 and 27,291 people aged 16 to 24 at the census of 2021: no sum of
the two bands is 15,343. Spreadsheets also take bands for dates (`Oct-17`); these are turned back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from .tables import DataError, shown

CHILD, UNDER, ADULT, BLANK = "child", "under 10", "adult", "blank"
"""Whom an age band holds."""

AGES = range(10, 18)
"""The ages of children in the youth justice system of England and Wales."""

_SINGLE = re.compile(r"(?:aged? )?(\d{1,3})(?: years?)?(?: old)?")
_BAND = re.compile(r"(?:aged? )?(\d{1,3}) ?(?:-|\N{EN DASH}|to) ?(\d{1,3})(?: years?)?(?: old)?")
_OPEN = re.compile(r"(?:aged? )?(\d{1,3})(?: years?)?(?: ?\+| (?:and|or) over| (?:and|or) older)")
_UNDER = re.compile(r"under (\d{1,3})")
_OVER = re.compile(r"over (\d{1,3})")
_OLDEST = 150
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATED = re.compile(r"([a-z]{3})-(\d{1,2})|(\d{1,2})-([a-z]{3})")
_FULL = re.compile(r"20(?P<year>\d\d)-(?P<month>\d\d)-01(?: 00:00(?::00)?)?|01/(?P<m>\d\d)/20(?P<y>\d\d)")
_REMEDY = (
    "Bands that do not end at 10 and 17 cannot give the children aged 10 to 17: 10 to 15 leaves out 16 and 17, and "
    "16 to 24 holds adults. Use a table of single years of age."
)


def span(age: object) -> range | None:
    """Read an age or a band of ages.

    Parameters
    ----------
    age : object
        ``10``, ``Aged 10 years``, ``10-17``, ``Aged 10 to 15 years``, ``100 or over``, ``90+``, ``under 10`` or
        ``over 34``.

    Returns
    -------
    range or None
        The ages it holds; None for what is neither.

    Examples
    --------
    >>> span("12"), span("Aged 10 to 15 years"), span("100 or over"), span("Total")
    (range(12, 13), range(10, 16), range(100, 151), None)
    """
    text = str(age).strip().casefold().removesuffix(".0")
    if match := _SINGLE.fullmatch(text):
        return range(int(match[1]), int(match[1]) + 1)
    if match := _BAND.fullmatch(text):
        return range(int(match[1]), int(match[2]) + 1) or None
    if match := _OPEN.fullmatch(text):
        return range(int(match[1]), _OLDEST + 1) or None
    if match := _UNDER.fullmatch(text):
        return range(int(match[1])) or None
    if match := _OVER.fullmatch(text):
        return range(int(match[1]) + 1, _OLDEST + 1) or None
    return None


def repaired(band: str) -> str:
    """Undo what a spreadsheet does to an age band.

    One that opens a CSV reads `10-17` as October 2017 and writes `Oct-17`; elsewhere in the world it reads
    the seventeenth of October and writes `17-Oct`. `5-9` becomes `05-Sep`. Nothing else is changed.

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
    """Say whom an age or a band of ages holds.

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
    if not band.strip():
        return BLANK
    years = span(band)
    if years is None:
        return None
    kinds = {
        UNDER: years[-1] < AGES[0],
        CHILD: years[0] in AGES and years[-1] in AGES,
        ADULT: years[0] > AGES[-1],
    }
    return next((kind for kind, holds in kinds.items() if holds), None)


def fault(labels: Iterable[object]) -> str:
    """Say why a set of ages does not make 10 to 17, each year once.

    Parameters
    ----------
    labels : iterable
        Ages and bands, as `span` reads them; one that is repeated counts once.

    Returns
    -------
    str
        The first reason; empty when they do.

    Examples
    --------
    >>> fault(range(10, 18)), fault(["10-14", "15-17"]), fault(["10-15", "16-24"])
    ('', '', "'16-24' holds ages outside 10 to 17")
    >>> fault(["10-15"]), fault([10, "10-17"])
    ('ages 16, 17 are missing', "age 10 is in both '10' and '10-17'")
    """
    seen: dict[int, object] = {}
    for label in dict.fromkeys(map(str, labels)):
        years = span(label)
        if years is None:
            return f"{shown(label)} is neither an age nor a band of ages"
        if years[0] not in AGES or years[-1] not in AGES:
            return f"{shown(label)} holds ages outside {AGES[0]} to {AGES[-1]}"
        if twice := next((year for year in years if year in seen), None):
            return f"age {twice} is in both {shown(seen[twice])} and {shown(label)}"
        seen |= dict.fromkeys(years, label)
    missing = ", ".join(str(year) for year in AGES if year not in seen)
    return f"ages {missing} are missing" if missing else ""


def refuse_other_ages(table: pd.DataFrame, by: Sequence[str], file: str) -> None:
    """Refuse a population whose ages, within each of its cells, are not 10 to 17, each year once.

    Parameters
    ----------
    table : DataFrame
        With ``age``, indexed by the row in the file.
    by : sequence of str
        What tells cells apart; columns the table lacks are passed over.
    file : str
        What to call the table in a message.

    Raises
    ------
    DataError
        With the first cell at fault and what is wrong with its ages.

    Examples
    --------
    >>> refuse_other_ages(pd.DataFrame({"area": "A", "age": range(10, 18)}), ["area"], "population.csv")
    """
    written = table["age"].astype(str)
    wrong = written.map({age: fault([age]) for age in written.unique()})
    outside = wrong.str.contains("outside|neither")
    if outside.any():
        first = table.index[outside][0]
        raise DataError(
            f"{file}: {outside.sum():,} of {len(table):,} rows are not of ages {AGES[0]} to {AGES[-1]}: "
            f"{shown(written[first])}. First: row {first:,}, column age. Take them out: all the ages in the table are "
            f"added up. {_REMEDY}"
        )
    keys = [k for k in by if k in table and k != "age"]
    cell = (
        table.groupby(keys, observed=True, sort=False, dropna=False).ngroup()
        if keys
        else pd.Series(0, table.index)
    )
    sets = written.groupby(cell).agg(lambda ages: tuple(sorted(set(ages))))
    faults = sets.map({ages: fault(ages) for ages in sets.unique()})
    if faults.ne("").any():
        at = faults.index[faults.ne("")][0]
        row = table.index[cell == at][0]
        named = ", ".join(f"{v:.0f}" if isinstance(v, float) else shown(v) for v in table.loc[row, keys])
        raise DataError(
            f"{file}: in {faults.ne('').sum():,} of {len(faults):,} combinations of {', '.join(keys) or 'rows'} the "
            f"ages are not {AGES[0]} to {AGES[-1]}, each once: {faults[at]}. First: {named}, row {row:,}, column "
            f"age. {_REMEDY}"
        )


def aged_10_to_17(
    table: pd.DataFrame, *, by: Sequence[str], count: str = "population", file: str = "population"
) -> pd.DataFrame:
    """Add a table by age up to the children aged 10 to 17.

    Parameters
    ----------
    table : DataFrame
        With ``age`` (single years of any age, or bands that fit) and a count.
    by : sequence of str
        What to add up within: area, year, group and so on.
    count : str
        The column of counts; a missing one leaves its sum missing.
    file : str
        What to call the table in a message.

    Returns
    -------
    DataFrame
        A row for each combination of ``by``. Rows wholly of other ages are left out.

    Raises
    ------
    DataError
        When a band straddles 10 or 17, an age from 10 to 17 is missing somewhere, or a row has no age,
        such as a total.

    Examples
    --------
    >>> t = pd.DataFrame({"area": "A", "age": range(5, 30), "population": 100})
    >>> aged_10_to_17(t, by=["area"])
      area  population
    0    A         800
    """
    spans = table["age"].map({age: span(age) for age in table["age"].unique()})
    apart = spans.map(lambda s: s is not None and (s[-1] < AGES[0] or s[0] > AGES[-1])).astype(bool)
    kept = table[~apart]
    if kept.empty:
        raise DataError(f"{file}: 0 of {len(table):,} rows are of ages {AGES[0]} to {AGES[-1]}. {_REMEDY}")
    refuse_other_ages(kept, by, file)
    return kept.groupby(list(by), observed=True, sort=False, as_index=False)[count].sum(skipna=False)
