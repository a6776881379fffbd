"""What does one table of the Youth Justice Board count? Its numbers by year, stage and group.

Groups stand across, with a stage in each row, or down, with a year in each column. Every label has to be
known. Totals, subtotals and the summary of several groups are compared with their parts and set aside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from .published_values import (
    HIDDEN,
    NOT_GIVEN,
    NOUGHT,
    Year,
    added_up,
    against_total,
    counts,
    known,
    year_in,
)
from .study_folder import Ledger
from .tables import SUPPRESSED, DataError, shown
from .yjb_layout import BLOCKS, Table

MARKS = {
    "-": NOUGHT,
    "..": NOT_GIVEN,
    "*": HIDDEN,
    "[c]": HIDDEN,
    "[x]": NOT_GIVEN,
    "[z]": NOT_GIVEN,
    ":": NOT_GIVEN,
}
"""What is written in place of a number, in this source. ``..`` is coded so by a public reader of the
real files; ``-`` and ``*`` are recalled."""

GROUPS = {
    "Asian": "Asian",
    "Asian or Asian British": "Asian",
    "Black": "Black",
    "Black or Black British": "Black",
    "Mixed": "Mixed",
    "Other": "Other",
    "Other ethnic group": "Other",
    "Chinese or other": "Other",
    "Chinese or other ethnic group": "Other",
    "White": "White",
    "Unknown": "Unknown",
    "Unknown ethnicity": "Unknown",
    "Not known": "Unknown",
}
"""Labels of groups."""

_SUMMARIES = {
    "ethnic minority groups",
    "ethnic minorities",
    "black, asian and minority ethnic",
    "minority ethnic groups",
    "all ethnic minority groups",
    "bame",
}
"""Labels of sums over several groups."""

TOTALS = {"total", "all", "all children", "england and wales", "total ethnicity", "grand total"}
_SUBTOTALS = {
    "total bail remands",
    "total bail",
    "total community remands with intervention",
    "total community remands",
    "total custodial remands",
    "total remands to youth detention accommodation",
}
"""Rows of the remand table that are sums of the rows above them."""

_REMANDS = {
    "Unconditional Bail": "bail",
    "Conditional Bail": "bail",
    "Bail Supervision and Support": "community_remand",
    "ISS Bail": "community_remand",
    "Remand to Local Authority Accommodation": "rlaa",
    "Remand to Youth Detention Accommodation": "yda",
    "Total remand episodes": "remand_decision",
    "Total remands": "remand_decision",
    "Total": "remand_decision",
}
"""Rows of the remand table, and the stage each belongs to."""


@dataclass(frozen=True)
class Known:
    """A table that is understood: words its title has and has not, and what it counts."""

    has: tuple[str, ...]
    stage: str
    unit: str
    lacks: tuple[str, ...] = ()


def counted(table: Table, how: Known, file: str, ledger: Ledger) -> pd.DataFrame:
    """Turn one table into counts.

    Parameters
    ----------
    table : Table
        From `yjb_layout.table_in`.
    how : Known
        What it counts.
    file : str
        What to call the file.
    ledger : Ledger
        Gets a line for all that is set aside.

    Returns
    -------
    DataFrame
        ``year, kind, stage, group, events, area, unit, table``.

    Raises
    ------
    DataError
        For a label, a column or a mark that is not understood, or a title without a year.
    """
    cells = table.cells.assign(place=table.cells["row"])
    if table.shares:
        ledger.add(
            "shares", f"{table.shares:,} cells of {table.name} are shares and set aside", "they follow "
            "from the counts",
            removed=table.shares, left=len(cells),
        )  # fmt: skip
    across = any(
        year_in(head) is None for head in cells.loc[cells["head"].str.casefold().isin(_GROUP_WORDS), "head"]
    )
    part = _across(table, cells, how, file, ledger) if across else _down(table, cells, file, ledger)
    part = part.set_index("place")
    part["events"] = counts(part["text"].rename(f"numbers of {table.name}"), MARKS, file=file, source="yjb_tables",
                            ledger=ledger, fractions=True)  # fmt: skip
    part["events"] = part["events"].where(part["events"] != "", SUPPRESSED)
    if "stage" not in part:
        part["stage"] = how.stage
    if "year" not in part:
        year = _year_of(table.title)
        if year is None:
            raise DataError(
                f"{file}: {table.name} has no single year in its title: {shown(table.title, 100)}.\nCorrect the "
                "title."
            )
        part["year"], part["kind"] = year.start, year.kind
    part = _without_sums(part, table, ledger)
    if how.stage == "remand_decision":
        _compare_types(part, table, ledger)
    if "england and wales" not in table.title.casefold():
        ledger.add("area", f"{table.name} does not name its area; read as England and Wales", "the Board's tables by "
                   "ethnicity are national", left=len(part))  # fmt: skip
    keys = ["year", "kind", "stage", "group"]
    summed = part.groupby(keys, sort=False, as_index=False)["events"].agg(added_up)
    return summed.assign(area="England and Wales", unit=how.unit, table=table.name)


_GROUP_WORDS = {label.casefold() for label in GROUPS} - {"other", "unknown"}


def _year_of(title: str) -> Year | None:
    """Read the one year of a title: "year ending March 2021", or 2020/21."""
    if (year := year_in(title)) is not None:
        return year
    found = {match[0] for match in re.finditer(r"(?:19|20)\d\d\s*[/-]\s*\d{2,4}", title)}
    year = year_in(found.pop()) if len(found) == 1 else None
    return year and Year(year.start, "financial")


def _across(table: Table, cells: pd.DataFrame, how: Known, file: str, ledger: Ledger) -> pd.DataFrame:
    """Read a table with groups across: each row is a stage, of the year in the title."""
    kinds = cells["block"].str.casefold().map(BLOCKS)
    named = cells["head"].str.casefold().isin(_GROUP_WORDS | _SUMMARIES | {"unknown ethnicity"})
    has_blocks = kinds.eq("group").any()
    total = cells["head"].str.casefold().isin(TOTALS)
    mine = (kinds.eq("group") if has_blocks else named | cells["head"].str.casefold().eq("other")) & ~total
    other = ~mine & ~total
    strange = other & ~kinds.isin(["sex", "age"]) if has_blocks else other & ~cells["head"].str.contains(
        r"^(?:girls|boys|unknown sex|unknown age|male|female|aged\b|\d)", case=False, regex=True
    )  # fmt: skip
    if strange.any():
        _not_understood(table, file, cells.loc[strange, "head"], "columns")
    ledger.add(
        "blocks",
        f"{int(other.sum()):,} of {len(cells):,} cells of {table.name} are of age or sex and set aside",
        "they are the same children in other groups; Unknown and Total stand in each block",
        removed=int(other.sum()),
        left=int(mine.sum()),
    )
    kept, totals = cells[mine].copy(), cells[total]
    kept["group"] = _group(kept["head"], file)
    if how.stage == "remand_decision":
        folded = kept["label"].str.casefold()
        sub = folded.isin(_SUBTOTALS)
        if sub.any():
            ledger.add(
                "totals", f"{kept[sub]['row'].nunique()} rows of {table.name} are subtotals and set aside",
                "their parts stand above them", removed=int(sub.sum()), left=int((~sub).sum()),
            )  # fmt: skip
        kept = kept[~sub]
        labels = kept.set_index("row")["label"]
        kept["stage"] = known(
            labels, _REMANDS, file=file, what="remand type", source="_REMANDS in yjb_tables"
        ).to_numpy()
    elif kept["row"].nunique() > 1:
        rows = kept["label"].str.casefold().isin(TOTALS)
        if not rows.any():
            _not_understood(table, file, kept["label"], "rows")
        kept = kept[rows]
    sums = pd.to_numeric(kept.loc[~kept["group"].eq("summary"), "text"].str.replace(",", ""), errors="coerce")
    sums = sums.groupby(kept["row"]).agg(lambda v: v.sum(min_count=len(v)))
    published = pd.to_numeric(totals.set_index("row")["text"].str.replace(",", ""), errors="coerce")
    against_total(sums, published.groupby(level=0).last().reindex(sums.index), table.name, ledger)
    return kept


def _down(table: Table, cells: pd.DataFrame, file: str, ledger: Ledger) -> pd.DataFrame:
    """Read a table with groups down and years across."""
    in_block = cells["block_of_row"].str.casefold().map(BLOCKS).eq("group")
    kept = cells[in_block].copy()
    years = kept["head"].map(year_in)
    if kept.empty or years.isna().all():
        _not_understood(table, file, cells["head"], "columns")
    if years.isna().any():
        gone = kept.loc[years.isna(), "head"]
        ledger.add(
            "columns",
            f"{len(gone):,} cells of {table.name} under {', '.join(map(shown, gone.unique()))} set aside",
            "they are not of one year",
            removed=len(gone),
            left=int(years.notna().sum()),
        )
        kept, years = kept[years.notna()], years.dropna()
    words = table.title.casefold()
    december = "december" in words
    kept["year"] = [y.start - (y.kind == "single" and not december) for y in years]
    kept["kind"] = "december" if december else "financial"
    if not december and "march" not in words and any(y.kind == "single" for y in years):
        ledger.add(
            "years", f"years of {table.name} are read as ending in March of the year named", "its title "
            "does not say",
            left=len(kept),
        )  # fmt: skip
    if not in_block.all():
        ledger.add(
            "blocks",
            f"{(~in_block).sum():,} of {len(cells):,} cells of {table.name} are not of ethnicity and set aside",
            "they are the same children in other groups",
            removed=int((~in_block).sum()),
            left=int(in_block.sum()),
        )
    total = kept["label"].str.casefold().isin(TOTALS)
    groups = kept.loc[~total].copy()
    groups["group"] = _group(groups.set_index("row")["label"], file).to_numpy()
    parts = groups[~groups["group"].eq("summary")]
    sums = pd.to_numeric(parts["text"].str.replace(",", ""), errors="coerce").groupby(parts["year"]).agg(
        lambda v: v.sum(min_count=len(v))
    )  # fmt: skip
    published = (
        pd.to_numeric(kept.loc[total, "text"].str.replace(",", ""), errors="coerce")
        .groupby(kept["year"])
        .last()
    )
    against_total(sums, published.reindex(sums.index), table.name, ledger)
    return groups


def _compare_types(part: pd.DataFrame, table: Table, ledger: Ledger) -> None:
    """Say whether the types of remand add to all remands in each group."""
    numbers = pd.to_numeric(part["events"], errors="coerce")
    types = part["stage"] != "remand_decision"
    if types.any() and not types.all():
        sums = numbers[types].groupby(part.loc[types, "group"]).agg(lambda v: v.sum(min_count=len(v)))
        whole = numbers[~types].groupby(part.loc[~types, "group"]).last().reindex(sums.index)
        ledger.add(
            "stages",
            f"types of remand in {table.name} add to all remands in {int((sums == whole).sum())} of {len(sums)} groups",
            "bail, community remand, RLAA and YDA are the parts of all remands",
            left=len(part),
        )


def _group(labels: pd.Series, file: str) -> pd.Series:
    meanings = GROUPS | dict.fromkeys(_SUMMARIES, "summary")
    return known(labels, meanings, file=file, what="ethnic group", source="GROUPS in yjb_tables")


def _without_sums(part: pd.DataFrame, table: Table, ledger: Ledger) -> pd.DataFrame:
    """Set aside the summary of several groups, saying whether it is their sum."""
    summary = part["group"] == "summary"
    if not summary.any():
        return part
    keys = ["year", "stage"]
    numbers = pd.to_numeric(part["events"], errors="coerce")
    minority = ~summary & ~part["group"].isin(["White", "Unknown"])
    sums = (
        numbers[minority]
        .groupby([part.loc[minority, k] for k in keys])
        .agg(lambda v: v.sum(min_count=len(v)))
    )
    told = numbers[summary].groupby([part.loc[summary, k] for k in keys]).sum(min_count=1)
    equal = int((sums.reindex(told.index) == told).sum())
    ledger.add(
        "totals",
        f"{summary.sum():,} cells of {table.name} are a summary of several groups and set aside; {equal} of "
        f"{len(told)} are the sum of Asian, Black, Mixed and Other",
        "the groups stand beside it, and children would be counted twice; groups are never added up here",
        removed=int(summary.sum()),
        left=int((~summary).sum()),
    )
    return part[~summary]


def _not_understood(table: Table, file: str, labels: pd.Series, what: str) -> None:
    listed = ", ".join(f"{shown(label)} ({n:,})" for label, n in labels.value_counts().head(10).items())
    raise DataError(
        f"{file}: {labels.nunique()} {what} of {table.name} are not understood: {listed}. First: row "
        f"{table.cells.loc[labels.index[0], 'row']}, header in row {table.header}.\n"
        "Its layout is new: leave it out with -p tables=..., or extend yjb_tables."
    )
