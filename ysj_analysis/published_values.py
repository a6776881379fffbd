"""What does a published cell or label mean? Marks, counts, years and footnotes, as each source uses them.

A mark means what its source says and nothing else: ``-`` is nought in Ethnicity Facts and Figures and
"not given" in LAIT. So each adapter declares its own marks, and a mark it has not declared stops it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from .study_folder import Ledger
from .tables import SUPPRESSED, DataError, near, shown
from .vocabulary import BROAD, UNKNOWN

HIDDEN, NOUGHT, NOT_GIVEN = "hidden", "nought", "not given"
"""What a mark can mean: a count kept back, a count of 0, or no count at all."""

_NUMBER = re.compile(r"-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_FOOTNOTE = re.compile(
    r"\s*(?:\((?:\d{1,2}|[rp])(?:\s*[,&]\s*\d{1,2})*\)|\[(?:notes?\s*)?[\d\s,&]+\]|\[[rp]\]|[\u00b9\u00b2\u00b3\u2070-\u2079]+)",
    re.IGNORECASE,
)
_ENDING = re.compile(
    r"years?\s+ending\s+(?:\d{1,2}(?:st)?\s+)?(march|december)\s+((?:19|20)\d\d)\b(?!\s*(?:to|and|-|\u2013))",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"((?:19|20)\d\d)\s*[/\-–]\s*((?:19|20)?\d\d)(?:\s*\([^)]*\))?")
_SINGLE = re.compile(r"((?:19|20)\d\d)(?:\.0)?(?:\s*\([^)]*\))?")


def plain(label: object) -> str:
    """Take footnote marks and stray spaces off a label.

    Examples
    --------
    >>> plain("  Other(4) "), plain("Number of remands(1)(2) by type"), plain("Unknown [note 3]")
    ('Other', 'Number of remands by type', 'Unknown')
    >>> plain("White - White British (W1)"), plain("Aged 10 to 14")
    ('White - White British (W1)', 'Aged 10 to 14')
    """
    return " ".join(_FOOTNOTE.sub("", str(label)).split())


def most_frequent(labels: pd.Series) -> str:
    """List the five most frequent labels with how often each is there.

    Examples
    --------
    >>> most_frequent(pd.Series(["~", "?", "~"]))
    "'~' (2), '?' (1)"
    """
    return ", ".join(f"{shown(label)} ({n:,})" for label, n in labels.value_counts().head(5).items())


@dataclass(frozen=True)
class Year:
    """A year as a label gives it: the one it starts in, and what the label says of its kind.

    ``kind`` is ``financial`` (ending in March), ``december``, ``split`` (two years named, financial or
    academic) or ``single`` (one year named, which may be any kind).
    """

    start: int
    kind: str


def year_in(label: str) -> Year | None:
    """Read a year off a label; None when it holds none, or more than a year.

    Examples
    --------
    >>> year_in("2016"), year_in("2016-17 (OT)"), year_in("0")
    (Year(start=2016, kind='single'), Year(start=2016, kind='split'), None)
    >>> year_in("year ending 31 March 2021"), year_in("Years ending December 2020")
    (Year(start=2020, kind='financial'), Year(start=2020, kind='december'))
    >>> year_in("2016/18"), year_in("2019/2020")
    (None, Year(start=2019, kind='split'))
    """
    text = label.strip()
    if match := _ENDING.search(text):
        march = match[1].lower() == "march"
        return Year(int(match[2]) - march, "financial" if march else "december")
    if match := _SPLIT.fullmatch(text):
        first = int(match[1])
        return Year(first, "split") if int(match[2]) % 100 == (first + 1) % 100 else None
    if match := _SINGLE.fullmatch(text):
        return Year(int(match[1]), "single")
    return None


def number(cell: str) -> float | None:
    """Read a number with its thousands separators; None for anything else.

    Examples
    --------
    >>> number(" 8,166,566 "), number("12.0"), number("-")
    (8166566.0, 12.0, None)
    """
    text = cell.strip()
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def counts(
    cells: pd.Series,
    marks: Mapping[str, str],
    *,
    file: str,
    source: str,
    ledger: Ledger,
    fractions: bool = False,
) -> pd.Series:
    """Read a column of counts, with the marks of its source.

    Parameters
    ----------
    cells : Series of str
        Indexed by the row in the file; the name is the column.
    marks : mapping of str to str
        What each mark means here; spaces around a mark are overlooked.
    file, source : str
        What to call the file, and the module that declares its marks.
    ledger : Ledger
        A line is added for each mark met, and for what was rounded.
    fractions : bool
        Whether the source publishes averages, which are rounded to whole counts.

    Returns
    -------
    Series of str
        A whole number, the mark of a hidden count, or "" where no count is given.

    Raises
    ------
    DataError
        For a cell that is neither a whole number nor a declared mark.
    """
    text = cells.astype(str).str.strip()
    meaning = text.map(marks)
    values = text.map(number).astype(float)
    whole = values.notna() & (values >= 0) & (values % 1 == 0)
    rounded = values.notna() & (values >= 0) & (values % 1 != 0) & fractions
    bad = ~(whole | rounded | meaning.notna())
    if bad.any():
        listed = most_frequent(text[bad])
        raise DataError(
            f"{file}: {bad.sum():,} of {len(cells):,} cells of {shown(cells.name, 60)} are neither a whole "
            f"number nor a mark this source is known to use: {listed}. First: row {text.index[bad][0]:,}.\n"
            f"Correct them, or add the mark with its meaning to MARKS in {source}."
        )
    for mark, what in marks.items():
        if met := int((text == mark).sum()):
            ledger.add(
                "marks",
                f"{met:,} of {len(cells):,} cells of {file} are {mark or 'empty'}, read as {what}",
                "what this mark means in this source; elsewhere it may mean another thing",
                removed=met if what != NOUGHT else 0,
                left=len(cells) - met,
            )
    if rounded.any():
        ledger.add(
            "rounded",
            f"{rounded.sum():,} of {len(cells):,} cells of {file} are averages, rounded to whole numbers",
            "a count is a whole number; the source publishes averages",
            left=len(cells),
        )
    found = values.round().astype("Int64").astype(str).where(values.notna(), "")
    found = found.mask(meaning == NOUGHT, "0").mask(meaning == HIDDEN, SUPPRESSED)
    return found.mask(meaning == NOT_GIVEN, "")


def known(labels: pd.Series, meanings: Mapping[str, str], *, file: str, what: str, source: str) -> pd.Series:
    """Translate labels through a table of an adapter, or stop and list those it lacks.

    Parameters
    ----------
    labels : Series of str
        Indexed by the row in the file; the name is the column. Footnote marks and case are overlooked.
    meanings : mapping of str to str
        Label to meaning.
    file, what, source : str
        What to call the file, the kind of label, and the table to extend.

    Returns
    -------
    Series of str
        Meanings.

    Raises
    ------
    DataError
        Listing unknown labels with their counts and the line to add for each.
    """
    table = {key.casefold(): value for key, value in meanings.items()}
    folded = labels.map(lambda label: plain(label).casefold())
    found = folded.map(table)
    bad = found.isna()
    if bad.any():
        met = labels[bad].map(plain).value_counts()
        listed = ", ".join(f"{shown(label)} ({n:,})" for label, n in met.head(10).items())
        more = f" and {len(met) - 10} more" if len(met) > 10 else ""
        lines = "\n".join(f'    "{shown(label)[1:-1]}": ...,' for label in met.index[:10])
        raise DataError(
            f"{file}: {bad.sum():,} of {len(labels):,} rows have an unknown {what} in column "
            f"{shown(labels.name, 60)}: {listed}{more}. First: row {labels.index[bad][0]:,}."
            f"{near(met.index[0], meanings)}\nNo label is guessed. Correct it, or add to {source}:\n{lines}"
        )
    return found


def in_place(labels: pd.Series, rows: int, filler: str) -> pd.Series:
    """Put labels of some rows where they stand in the file, so that a message can name their rows.

    Examples
    --------
    >>> in_place(pd.Series(["Blck"], index=[2]), 4, "White").tolist()
    ['White', 'White', 'Blck', 'White']
    """
    full = pd.Series(filler, index=range(rows), dtype=object)
    full[labels.index] = labels
    return full


def completed(
    table: pd.DataFrame, groups: Sequence[str], ledger: Ledger, why: str, *, value: str = SUPPRESSED
) -> pd.DataFrame:
    """Add a row for each group that has none where others of its area, year and stage do.

    Parameters
    ----------
    table : DataFrame
        ``area, year, stage, group, events`` and any further columns that are the same in all rows.
    groups : sequence of str
        The groups there must be; the unknown is added only where it occurs at all.
    ledger : Ledger
        Gets a line.
    why : str
        Why there is no row.
    value : str
        What it then is: the mark of a missing count, or "0" where the source says that no row is none.

    Returns
    -------
    DataFrame
        Sorted by area as they come, year, stage and group.
    """
    wanted = [g for g in groups if g != UNKNOWN or (table["group"] == UNKNOWN).any()]
    cells = table[["area", "year", "stage"]].drop_duplicates()
    full = cells.merge(pd.DataFrame({"group": wanted}), how="cross").merge(table, how="left")
    absent = full["events"].isna()
    if absent.any():
        ledger.add(
            "absent",
            f"{absent.sum():,} of {len(full):,} combinations of area, year, stage and group have no row "
            f"and become {value}",
            why,
            left=len(full),
        )
    full["events"] = full["events"].fillna(value)
    for column in full.columns.difference(["area", "year", "stage", "group", "events"]):
        full[column] = full[column].ffill().bfill()
    areas = list(dict.fromkeys(table["area"]))
    keys = {"area": areas, "stage": list(dict.fromkeys(table["stage"])), "group": list(BROAD)}
    for column, order in keys.items():
        full[column] = pd.Categorical(full[column], order)
    full = full.sort_values(["area", "year", "stage", "group"], ignore_index=True)
    return full.astype(dict.fromkeys(keys, str))


def added_up(events: Iterable[str]) -> str:
    """Add counts up as text; a hidden one hides the sum, and none at all gives none.

    Examples
    --------
    >>> added_up(["3", "4"]), added_up(["3", "[c]"]), added_up(["", ""])
    ('7', '[c]', '')
    """
    given = [e for e in events if e]
    if SUPPRESSED in given:
        return SUPPRESSED
    return str(sum(map(int, given))) if given else ""


def against_total(parts: pd.Series, totals: pd.Series, what: str, ledger: Ledger) -> None:
    """Write into the ledger whether the groups add to the published total, and by how much they do not.

    Parameters
    ----------
    parts, totals : Series of float
        Sums of the groups and the published totals, on the same index; missing where one is not known.
    what : str
        What they are the totals of.
    ledger : Ledger
        Gets a line.
    """
    both = parts.notna() & totals.notna()
    if both.any():
        gap = (totals - parts)[both]
        gap = gap[gap != 0]
        differ = len(gap)
        ledger.add(
            "totals",
            f"{what}: {both.sum():,} totals set aside; the groups add to {both.sum() - differ:,} of them"
            + (f", and differ by {gap.min():+,.0f} to {gap.max():+,.0f} in {differ:,}" if differ else ""),
            "a total among its parts would be counted twice",
            removed=int(both.sum()),
            left=len(parts),
        )
