"""Where are the tables in a chapter of the Youth Justice Board's supplementary tables?

A sheet has a title, blank rows, perhaps a row of blocks that span columns (Age, Ethnicity, Sex), a header,
rows in sections, subtotals, totals and notes; it changes from year to year. A table is found by its title
and its header, never by a fixed row. Each number comes out with everything that says what it is: section,
row label, block and column label. The layouts are those that two public readers of the real files coded
(releases 2009/10 to 2024/25); the files themselves were not seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pandas as pd

from .published_values import number, plain, year_in

_MARKS_OF_NUMBERS = (
    "-",
    "..",
    "*",
    ":",
    "c",
    "[c]",
    "[x]",
    "[z]",
    "[low]",
    "n/a",
    "#div/0!",
    "#n/a",
    "#ref!",
)
"""Cells that stand in place of a number, so that a row of them is a row of the table."""

BLOCKS = {
    "ethnicity": "group",
    "ethnic group": "group",
    "ethnic background": "group",
    "sex": "sex",
    "gender": "sex",
    "age": "age",
    "age group": "age",
}
"""What a block of columns or of rows is of."""

_CELL = ("row", "column", "section", "block_of_row", "label", "block", "head", "text")

_TITLE = re.compile(
    r"(?:supplementary\s+)?table\s+([a-z]{0,2}\.?\d+(?:\.\d+)*[a-z]?)\s*[:.\-\u2013]?\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_NOTE = re.compile(
    r"(?:notes?|sources?|footnotes?|return to|back to|this (?:table|worksheet|sheet)"
    r"|\(?\d{1,2}\)|\d{1,2}[.)]\s|\[note)",
    re.IGNORECASE,
)
_SHARES = re.compile(r"proportion|percentage|\bshare\b|per cent|%", re.IGNORECASE)


@dataclass
class Table:
    """One table of a workbook.

    Attributes
    ----------
    sheet, number, title : str
        Where it is and what it says it is, without footnote marks.
    header : int
        The row of its header.
    cells : DataFrame
        One row a number: ``row, column, section, block_of_row, label, block, head, text``. Labels have no
        footnote marks; ``section`` and ``block_of_row`` are the last label that stood alone in a row above.
    shares : int
        Cells of a part of the table that holds shares of the counts above it; they are not in ``cells``.
    """

    sheet: str
    number: str
    title: str
    header: int
    cells: pd.DataFrame = field(repr=False)
    shares: int = 0

    @property
    def name(self) -> str:
        """Number and sheet, for messages."""
        return f"Table {self.number} (sheet '{self.sheet}')"

    def has_groups(self) -> bool:
        """Whether its title, a block, a header or a label of it is of ethnicity."""
        if "ethnic" in self.title.casefold():
            return True
        said = {word.casefold() for c in ("block", "block_of_row", "head", "label") for word in self.cells[c]}
        return any(BLOCKS.get(word) == "group" for word in said) or {"asian", "black", "white"} <= said


def _title_of(sheet: pd.DataFrame) -> tuple[int, str, str] | None:
    """Find the title in the first rows of a sheet: row, number and words; None when it has none."""
    for row, cells in sheet.head(6).iterrows():
        for cell in cells:
            if match := _TITLE.fullmatch(cell.strip()):
                words = match[2] or _below(sheet, row)
                return row, match[1], plain(words)
    return None


def _below(sheet: pd.DataFrame, row: int) -> str:
    rest = sheet.loc[sheet.index > row].head(1)
    return next((cell for cell in rest.iloc[0] if cell.strip()), "") if len(rest) else ""


def _is_number(cell: str) -> bool:
    """Whether a cell is a number or stands for one."""
    return number(cell) is not None or cell.strip().casefold() in _MARKS_OF_NUMBERS


def table_in(sheet: pd.DataFrame) -> Table | None:
    """Find the table of a sheet.

    Parameters
    ----------
    sheet : DataFrame of str
        From `workbook.read`: the index is the row, the columns are letters.

    Returns
    -------
    Table or None
        None for a sheet without a title such as "Table 6.1: ...". A table without a header and numbers
        under it has no cells.
    """
    found = _title_of(sheet)
    if found is None:
        return None
    top, table_number, title = found
    nothing = pd.DataFrame(columns=list(_CELL))
    table = Table(sheet.attrs.get("sheet", ""), table_number, title, top, nothing)
    body = sheet.loc[sheet.index > top]
    body = body[body.ne("").any(axis=1)]
    first = next((row for row, cells in body.iterrows() if _is_data(cells)), None)
    if first is None:
        return table
    above = body.loc[body.index < first]
    wide = [row for row, cells in above.iterrows() if cells.iloc[1:].str.strip().ne("").any()]
    if not wide:
        return table
    header = wide[-1]
    heads = [plain(cell) for cell in body.loc[header]]
    spans = next((row for row in reversed(wide[:-1]) if _is_blocks(body.loc[row])), None)
    blocks = _spread([plain(cell) for cell in body.loc[spans]]) if spans else [""] * len(heads)
    table.header = header
    _read_rows(table, body.loc[body.index > header], heads, blocks)
    return table


def _is_data(cells: pd.Series) -> bool:
    """Whether a row has a label and numbers that are not all years."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    numbers = [cell for cell in filled[1:] if _is_number(cell)]
    years = [cell for cell in numbers if (y := year_in(cell)) and y.kind in ("single", "split")]
    return bool(numbers) and len(years) < len(numbers) and not _is_number(filled[0])


def _is_blocks(cells: pd.Series) -> bool:
    return any(plain(cell).casefold() in BLOCKS for cell in cells)


def _spread(cells: list[str]) -> list[str]:
    """Give each column the block that begins at it or before it."""
    current, spread = "", []
    for cell in cells:
        current = cell or current
        spread.append(current)
    return spread


def _read_rows(table: Table, rows: pd.DataFrame, heads: list[str], blocks: list[str]) -> None:
    """Collect the numbers below a header until the notes, with what says what they are."""
    labels = _label_columns(rows, heads)
    section = ""
    block = next((heads[at] for at in labels if heads[at].casefold() in BLOCKS), "")
    filled = [""] * len(labels)
    in_shares = False
    found: list = []
    for row, cells in rows.iterrows():
        values = [cell.strip() for cell in cells]
        words = [plain(values[at]) for at in labels]
        rest = [(at, v) for at, v in enumerate(values) if v and at not in labels]
        numbers = [(at, v) for at, v in rest if heads[at]]
        if not rest:
            alone = " ".join(filter(None, words))
            if found and _NOTE.match(alone):
                break
            in_shares |= bool(_SHARES.search(alone))
            block, section = (alone, "") if alone.casefold() in BLOCKS else (block, alone)
            filled = [""] * len(labels)
            continue
        if any(words[:-1]):  # a category is written on the first row of its block and holds below
            filled = [*words[:-1], ""]
            in_shares = bool(_SHARES.search(" ".join(filled)))
            block = next((w for w in filled if w.casefold() in BLOCKS), block)
        if in_shares:
            table.shares += len(numbers)
            continue
        leading = " ".join(w for w in filled[:-1] if w)
        label = words[-1] or leading
        for at, text in numbers:
            found.append(
                (row, rows.columns[at], leading or section, block, label, blocks[at], heads[at], text)
            )
    table.cells = pd.DataFrame(found, columns=list(_CELL))


def _label_columns(rows: pd.DataFrame, heads: list[str]) -> list[int]:
    """Tell the columns at the left that hold labels: those with no number in them."""
    labels: list[int] = []
    for at, column in enumerate(rows.columns):
        cells = [cell.strip() for cell in rows[column] if cell.strip()]
        year = year_in(heads[at]) is not None
        if year or sum(map(_is_number, cells)) * 2 > len(cells) or (labels and not cells):
            break
        labels.append(at)
    return labels or [0]
