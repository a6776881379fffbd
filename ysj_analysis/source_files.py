"""How is a file read as it is, and how is a fault in it told?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .tables import DataError, shown


def text_table(file: Path) -> pd.DataFrame:
    """Read a CSV as text, nothing guessed; a byte-order mark and Windows line ends do no harm.

    Parameters
    ----------
    file : Path
        The CSV, with its header in the first row.

    Returns
    -------
    DataFrame of str
        Cells and headers without surrounding spaces; the file name is in ``attrs["file"]``.

    Raises
    ------
    DataError
        When it is empty, not UTF-8, or its rows differ in length.
    """
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file.name}: not UTF-8 text; byte {error.start:,} cannot be read.\n"
            "Save the file again as 'CSV UTF-8'."
        ) from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise DataError(
            f"{file.name}: not a table with one header row ({str(error).strip()}).\n"
            "Give the file as it was downloaded."
        ) from None
    if table.empty:
        raise DataError(f"{file.name}: 0 rows under the header.\nGive the file as it was downloaded.")
    table = table.rename(columns=str.strip).fillna("").apply(lambda column: column.str.strip())
    table.attrs["file"] = file.name
    return table


def refuse(table: pd.DataFrame, bad: pd.Series, column: str, what: str, do: str, *, first_row: int) -> None:
    """Raise if any row is bad, saying how many of how many, where the first is, and what to do.

    Parameters
    ----------
    table : DataFrame
        As read, with a plain index; ``attrs["file"]`` names it.
    bad : Series of bool
        The rows at fault.
    column : str
        Where the fault is.
    what, do : str
        The fault ("have no year") and the remedy.
    first_row : int
        The number of the first row as a person counts: 1, or 2 under a header.
    """
    if bad.any():
        row = bad.idxmax()
        raise DataError(
            f"{table.attrs['file']}: {bad.sum():,} of {len(table):,} rows {what}. First: row "
            f"{row + first_row:,}, column {shown(column)}: {shown(table.loc[row, column])}.\n{do}"
        )
