"""How do we say how far data can be trusted? What was found, what it means, and what to do about it.

Everything is judged again from the printed counts, so that a word such as "caution" says no more than the
numbers beside it.
"""

from __future__ import annotations

import pandas as pd

from . import wording
from .disclosure import Released, require
from .profile_checks import CAUTION, CLEAR, FOUND, NOT_CHECKED, NOT_SHOWN, NOTE, SEVERITIES, STOPS, judged
from .wording import Words


@wording.said
def findings(profile: Released, words: Words) -> list[str]:
    """Say each finding that asks for care, where it is most common, what it means and what to do.

    Parameters
    ----------
    profile : Released
        Of ``quality.evidence`` or ``quality.profile``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        What makes the study unusable first, then the cautions, and last how many checks found nothing
        that asks for care.
    """
    table = _again(profile).table
    lines = worst(table)
    grave = [_finding(row, words) for row in lines.to_dict("records") if row["severity"] in (STOPS, CAUTION)]
    return [*grave, _rest(table, bool(grave))]


def worst(table: pd.DataFrame) -> pd.DataFrame:
    """Keep of each check the place where it is gravest and most common, the gravest checks first.

    Parameters
    ----------
    table : DataFrame
        As ``quality.judged``.

    Returns
    -------
    DataFrame
        The rows in which something was found, one for each check and unit, with ``places``: in how many
        stages or tables it was found.
    """
    found = table[table["severity"].isin(FOUND)]
    rank = found["severity"].map(SEVERITIES.index)
    order = found.assign(rank=rank, row=range(len(found))).sort_values(
        ["rank", "percent"], ascending=[True, False], kind="stable"
    )
    kinds = order.groupby(["check", "unit"], sort=False)
    best = order.assign(places=kinds["stage"].transform("size")).drop_duplicates(["check", "unit"])
    return (
        best.sort_values(["rank", "row"], kind="stable").drop(columns=["rank", "row"]).reset_index(drop=True)
    )


def _finding(row: dict, words: Words) -> str:
    table = row["stage"].removesuffix(".csv")
    where = (
        f"at {words.stage(table).lower()}"
        if table == row["stage"]
        else f"in the {'ledger' if table == 'ledger' else f'table of {table}'}"
    )
    others = int(row["places"]) - 1
    more = (
        f", and at {others} other {'stage or table' if others == 1 else 'stages or tables'}" if others else ""
    )
    lead = "This makes the study unusable" if row["severity"] == STOPS else "Caution"
    share = f"{row['percent']:.1f}%" if row["percent"] >= 0.05 else "under 0.1%"
    return (
        f"{lead}: {row['check']} ({'most often ' if others else ''}{where}): {wording.count(row['events'])} of "
        f"{wording.count(row['denominator'])} {row['unit']} ({share}){more}. {row['meaning']} {row['remedy']}"
    )


def _rest(table: pd.DataFrame, grave: bool) -> str:
    """Say how many checks found what asks for no care, nothing, or too little to show."""
    number = table["severity"].value_counts()
    parts = [
        f"{number[severity]:,} {what}"
        for severity, what in (
            (NOTE, "found less than asks for care"),
            (CLEAR, "found nothing"),
            (NOT_SHOWN, "found nothing or too few to show"),
            (NOT_CHECKED, "could not be made with this data"),
        )
        if number.get(severity)
    ]
    if not parts:
        return ""
    lead = "Of the other checks" if grave else "No check found anything that asks for care. Of the checks"
    return f"{lead}, stage by stage, {wording.join(parts)}."


@wording.said
def jumps(drift: Released, words: Words) -> list[str]:
    """Name each share that jumped from one year to the next.

    Parameters
    ----------
    drift : Released
        Of ``quality.drift``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence a jump, the surest first; none if no share jumped.
    """
    table = require(drift).table
    table = table[table["jump"].astype(bool)].sort_values("p_value", kind="stable")
    return [_jump(row, words) for row in table.to_dict("records")]


def _jump(row: dict, words: Words) -> str:
    stage = words.stage(row["stage"])
    about = stage if row["group"] == "all" else f"{stage}, share of {words.people(row['group'], row['unit'])}"
    before, after = (
        f"{wording.count(x)} of {wording.count(n)} ({100 * x / n:.1f}%) in {words.when(row | {'year': year})}"
        for x, n, year in (
            (row["earlier_events"], row["earlier_denominator"], row["year"] - 1),
            (row["events"], row["denominator"], row["year"]),
        )
    )
    return f"{wording.clean(row['area'])}. {about}, {row['unit']}: from {before} to {after}."


def some(sentences: list[str], *, every: bool = False, most: int = 5) -> list[str]:
    """Keep the first few sentences, and say how many more there are.

    Examples
    --------
    >>> some(["a", "b", "c"], most=1)
    ['', 'Shares that jump:', '  a', '  and 2 more, with --all']
    """
    kept = sentences if every else sentences[:most]
    more = len(sentences) - len(kept)
    rest = [f"and {more} more, with --all"] if more else []
    return ["", "Shares that jump:", *(f"  {line}" for line in [*kept, *rest])] if sentences else []


def lines(profile: Released, words: Words, *, every: bool = False) -> list[str]:
    """Lay a profile out as text for a terminal, under the heading of its policy.

    Parameters
    ----------
    profile : Released
        Of ``quality.evidence`` or ``quality.profile``.
    words : Words
        The study's words.
    every : bool
        A line for each check and stage, those that found nothing too; otherwise one for each check that
        found something, where it is gravest.

    Returns
    -------
    list of str
        The heading, the names of the columns, and an aligned line a row.
    """
    table = _again(profile).table
    rows = table.assign(places=1) if every else worst(table)
    written = [("", "check", "where", "found", "of", "%", "unit", "")]
    for row in rows.to_dict("records"):
        known = row["events"] == row["events"]
        more = int(row["places"]) - 1
        written.append(
            (
                row["severity"],
                row["check"],
                row["stage"] if row["stage"].endswith(".csv") else words.stage(row["stage"]),
                wording.count(row["events"]) if known else wording.missing("events", row, profile.counts),
                wording.count(row["denominator"]) if known else "",
                f"{row['percent']:.1f}" if known and row["percent"] == row["percent"] else "",
                row["unit"],
                f"and {more} more" if more else "",
            )
        )
    width = [max(len(line[i]) for line in written) for i in range(len(written[0]))]
    right = {3, 4, 5}
    body = [
        "  ".join(
            v.rjust(w) if i in right else v.ljust(w) for i, (v, w) in enumerate(zip(line, width, strict=True))
        )
        for line in written
    ]
    return [profile.policy.heading, *(line.rstrip() for line in body)]


def _again(profile: Released) -> Released:
    """Judge a profile from what is printed."""
    return require(profile).derive(judged)
