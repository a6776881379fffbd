"""How do we say what is done about a flag, and whether it can be seen to work? No more than the numbers bear.

What people wrote is quoted as theirs. A ratio that moved is said to have moved; that the plan moved it is not said.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import wording
from .action_plan import STANDING
from .disclosure import Released, require
from .sentence_parts import sentence
from .vocabulary import POPULATION, UNKNOWN, period_label
from .wording import Words

PLAN_CAVEAT = (
    "A ratio can move with the plan, with other changes, or with who happened to be counted: these numbers cannot "
    "tell which."
)
_NOW = {
    "flagged": "",
    "progress": "; moving as the rule asks",
    "watch": "; now beyond the threshold, not for long enough to be flagged again",
    "not flagged": "; no longer flagged",
    "not assessed": "; now too few to assess",
}


@wording.said
def listed(ledger: Released, words: Words) -> list[str]:
    """Say how many flags are listed and how each stands.

    Parameters
    ----------
    ledger : Released
        From ``actions.listed``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        One sentence for the list, then one for each line.
    """
    rows = require(ledger).table.fillna("").to_dict("records")
    if not rows:
        return [
            "No comparison has been flagged, so there is nothing to explain or change. " + wording.NO_EVIDENCE
        ]
    kinds = ("no decision yet", "to be explained", "to be changed", "review past")
    number = {kind: sum(kind in row["standing"] for row in rows) for kind in kinds}
    shown = wording.join(
        [f"{n} {'with ' if kind in (kinds[0], kinds[3]) else ''}{kind}" for kind, n in number.items() if n]
    )
    lead = f"{len(rows)} {'comparison is' if len(rows) == 1 else 'comparisons are'} on the list of flags: {shown}"
    return [sentence(lead), *(_line(row, words) for row in rows)]


@wording.said
def progress(plan: Released, words: Words) -> list[str]:
    """Say, for each line of the plan with a target, its baseline, its target and where it is.

    Parameters
    ----------
    plan : Released
        From ``action_plan.progress``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each line, and what the numbers cannot tell.
    """
    rows = require(plan).table.to_dict("records")
    return [*(_progress(row, words) for row in rows), PLAN_CAVEAT] if rows else []


@wording.said
def control(series: Released, words: Words) -> list[str]:
    """Say, for each group and stage, in which years its rate was unlike its other years.

    Parameters
    ----------
    series : Released
        From ``monitor.control_chart``.
    words : Words
        The study's words.

    Returns
    -------
    list of str
        A sentence for each group and stage: above or below what chance gives around its own mean, no such year, or
        too few years to say.
    """
    table = require(series).table
    table = table[~table["group"].astype(str).eq(UNKNOWN)]
    keys = [c for c in ("area", "stage", "base", "group", "phase") if c in table]
    parts = table.groupby(keys, observed=True, sort=False)
    return [_control(rows.sort_values("year"), words) for _, rows in parts]


# -- inside ------------------------------------------------------------------------------------------


def _about(row: dict, words: Words) -> str:
    """Say which comparison a line is about."""
    who, other = (words.people(row[c], row.get("unit", "children")) for c in ("group", "reference"))
    base = "the population" if row["base"] == POPULATION else words.out_of(row["base"])
    return f"{who} against {other}, {wording.lower(words.stage(row['stage']))} out of {base}"


def _line(row: dict, words: Words) -> str:
    first, last = (
        period_label(int(row[c]), 1, words.period) if row[c] else ""
        for c in ("first_flagged", "last_flagged")
    )
    when = f"flagged in {first}" if first == last else f"flagged first in {first}, last in {last}"
    flag = (when if first else "put on the list by hand") + _NOW.get(row["flag"], "")
    parts = [f"{_about(row, words)}: {flag}", row["standing"]]
    parts += [
        f"{name} {wording.clean(row[c])}"
        for c, name in (("owner", "owner"), ("review_date", "review on"))
        if row[c]
    ]
    said = sentence("; ".join(parts))
    quoted = [
        f"Written by the owner as {what}: “{wording.clean(row[c])}”."
        for c, what in (("hypothesis", "a hypothesis, not a finding"), ("action", "the action"))
        if row[c]
    ]
    return " ".join([said, *quoted])


def _progress(row: dict, words: Words) -> str:
    years = int(row["years"]) if row.get("years", np.nan) == row.get("years", np.nan) else 1
    began, now = (period_label(int(row[c]), years, words.period) for c in ("baseline_year", "year"))
    row = {k: ("children" if k == "unit" and v != v else v) for k, v in row.items()}
    about, target = _about(row, words), f"the target is {row['target']:.2f}"
    if row["standing"] == "too few":
        return sentence(
            f"{about}: {target}; there are {STANDING['too few']} where it is ({began} against {now})"
        )
    baseline = f"{row['baseline']:.2f} in {began}"
    if not np.isnan(row["baseline_low"]):
        baseline += (
            f" (95% interval {wording.interval(row['baseline_low'], row['baseline_high'], 'risk_ratio')})"
        )
    where = (
        f"{row['estimate']:.2f} in {now} (95% interval {wording.interval(row['low'], row['high'], 'risk_ratio')}; "
        f"{wording.count(row['events'])} in {wording.count(row['denominator'])}, against "
        f"{wording.count(row['reference_events'])} in {wording.count(row['reference_denominator'])})"
    )
    said = sentence(
        f"{about}: the relative rate was {baseline}, {target}, and it is {where}: {STANDING[row['standing']]}"
    )
    return f"{said} This is not evidence that nothing changed." if row["standing"] == "cannot tell" else said


_FEWEST_YEARS = 5
"""Of fewer years in a phase nothing is said."""


def _control(rows: pd.DataFrame, words: Words) -> str:
    """Say the signals of one series."""
    first = rows.iloc[0]
    base = "the population" if first["base"] == POPULATION else words.out_of(first["base"])
    about = f"{words.people(first['group'], first['unit'])}, {wording.lower(words.stage(first['stage']))} out of {base}"
    shown = rows[rows["estimate"].notna() & rows["centre"].notna()]
    if len(shown) < _FEWEST_YEARS:
        return sentence(f"{about}: too few years can be shown to say whether one is unlike the others")
    ends = (period_label(int(y), 1, words.period) for y in (shown["year"].iloc[0], shown["year"].iloc[-1]))
    span = " to ".join(ends)
    odd = shown[shown["signal"].ne("")]
    if odd.empty:
        said = f"{about}: no year from {span} lies outside what chance gives around their mean"
        return f"{sentence(said)} This is not evidence that nothing changed."
    told = [_signal(row, words) for row in odd.to_dict("records")]
    return sentence(
        f"{about}: around the mean from {span}, the rate was further than chance gives {wording.join(told)}"
    )


def _signal(row: dict, words: Words) -> str:
    """Say one year that is unlike the others, with its counts."""
    side = "above" if row["estimate"] > row["centre"] else "below"
    run = "run" in row["signal"] and "outside" not in row["signal"]
    what = f"{side} it for {int(row['run'])} years up to" if run else f"{side} it in"
    return (
        f"{what} {period_label(int(row['year']), 1, words.period)} ({wording.count(row['events'])} in "
        f"{wording.count(row['denominator'])}, {wording.number(row['estimate'], row['measure'])} against "
        f"{wording.number(row['centre'], row['measure'])})"
    )
