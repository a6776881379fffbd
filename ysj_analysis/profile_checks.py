"""What is looked for in the data, when is it serious, and what is to be done? The checks, as data.

A check is judged from two numbers, how many and of how many, and from nothing else. So it can be judged
again from the numbers a report prints, and says no more than they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

STOPS, CAUTION, NOTE, CLEAR = "stops", "caution", "note", "clear"
NOT_CHECKED, NOT_SHOWN = "not checked", "not shown"
SEVERITIES = (STOPS, CAUTION, NOTE, CLEAR, NOT_CHECKED, NOT_SHOWN)
"""How serious a finding is: the study cannot be used; read with care; good to know; nothing found; the
data cannot show it; the numbers are hidden."""

FOUND = (STOPS, CAUTION, NOTE)
"""The severities of something that was found."""

EVIDENCE = ("check", "stage", "unit", "events", "denominator", "meaning", "remedy", "note")
"""What is found, before it is judged. ``stage`` is a stage, or the table a check is about."""

PROFILE = (
    "check",
    "stage",
    "unit",
    "events",
    "denominator",
    "percent",
    "severity",
    "meaning",
    "remedy",
    "note",
)
"""The columns of a profile."""


@dataclass(frozen=True)
class Check:
    """One question asked of the data.

    Attributes
    ----------
    meaning, remedy : str
        What it means when something is found, and what to do. No number stands in them.
    caution : float, optional
        The share from which a finding is a caution; with 0 any finding is, with None none.
    stops : float, optional
        The share from which the study cannot be used.
    """

    meaning: str
    remedy: str
    caution: float | None = None
    stops: float | None = None


_BOUNDS = "Show the bounds with unknown ethnicity beside every ratio of this stage."

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "ethnicity unknown, in all": Check(
            "These children are part of no group. Where they are the majority, a gap could be of any size.",
            "Record ethnicity before comparing groups.",
            0.05,
            0.50,
        ),
        "ethnicity unknown": Check(
            "These are part of no group, and may not be like the others.", _BOUNDS, 0.05
        ),
        "ethnicity not stated": Check(
            "The children were asked and did not say. They belong to no group, and not to Other.",
            _BOUNDS,
            0.05,
        ),
        "ethnicity not known": Check(
            "Nobody asked, or nobody could say.", f"Ask at the next contact. {_BOUNDS}", 0.05
        ),
        "ethnicity not recorded": Check(
            "The field is empty; whether anyone asked is not known.", f"Fill it in. {_BOUNDS}", 0.05
        ),
        "self-defined ethnicity alone": Check(
            "What these children said of themselves is not what this study counts; they are counted as unknown.",
            "Count self-defined ethnicity, unless there is a reason not to.",
            0.0,
        ),
        "officer-defined ethnicity alone": Check(
            "Only an officer's view is recorded, and officers record no Mixed group. The two are never mixed in "
            "one count, so these children are counted as unknown.",
            "Ask the children; until then the officers' view can stand beside the count, and never in it.",
            0.05,
        ),
        "school-recorded ethnicity alone": Check(
            "Only a school's record is there, mostly made with the parents. It is not what the child said, so "
            "these children are counted as unknown.",
            "Ask the children, and keep the school's record beside the answer.",
            0.05,
        ),
        "source of ethnicity unknown": Check(
            "Whether the child, an officer or a school said it is not recorded, so these children are counted as "
            "unknown.",
            "Record who said it.",
            0.05,
        ),
        "ethnicity changes between records": Check(
            "Records of one child name different groups, and one had to be chosen.",
            "Ask the child; read the line of the ledger that says which record was taken.",
            0.05,
        ),
        "self-defined and officer-defined differ": Check(
            "The officer saw another group than the child named, or one that officers do not record.",
            "Choose one of the two for a comparison, and never mix them.",
        ),
        "child without a record": Check(
            "Nothing is known of these children; they are counted as of unknown ethnicity.",
            "Export their records too, or correct the ids.",
            0.0,
            0.50,
        ),
        "sex not known": Check("They are left out when the sexes are shown apart.", "Record it.", 0.05),
        "birth month not known": Check(
            "No age can be told, so ages and dates of these children are not checked.", "Record it.", 0.05
        ),
        "event before birth": Check(
            "The date of the event or the date of birth is wrong.", "Correct it in the system.", 0.0, 0.50
        ),
        "under 10 at the event": Check(
            "Children under 10 are under the age of criminal responsibility: a date is wrong.",
            "Correct it in the system.",
            0.0,
            0.50,
        ),
        "over 17 at the event": Check(
            "They were 18 or older on the day. They may have turned 18 before the outcome; the population "
            "they are compared with ends at 17.",
            "Look at the earliest event of each: where that is at 18 too, leave the child out.",
            0.10,
        ),
        "outcome before offence": Check("One of the two dates is wrong.", "Correct it in the system.", 0.0),
        "date after the extract": Check(
            "It is later than the latest date of any source of the study.",
            "Correct the date, or the date of the source in study.toml.",
            0.0,
            0.50,
        ),
        "row repeated": Check(
            "Rows equal to another in every column. They may be true: several people are searched at once, and "
            "offences alike happen on one day. Nothing is dropped.",
            "Compare some with the system. Where one was exported twice, export again.",
            0.25,
        ),
        "decision repeated in another episode": Check(
            "Two episodes of one child have a decision that is alike in all but the episode: one hearing of two "
            "cases, or one case recorded twice. Counts of children are not affected, counts of episodes are.",
            "Compare some with the system; count children.",
            0.25,
        ),
        "gravity out of range": Check(
            "Offences score from 1 (least) to 8 (most); another scale may have been used.",
            "Correct the score. It is used as it stands where gravity is compared.",
            0.0,
        ),
        "obsolete outcome": Check(
            "An outcome that had ended by then: a system without a code for a new outcome sends an old one, such "
            "as Reprimand for Outcome 23.",
            "Find out what it stands for, and say so under [obsolete] in the mapping.",
            0.0,
        ),
        "lives in another area": Check(
            "The child's home is not in the area of the service, so the child is no part of the population it "
            "is divided by. Looked-after children may be placed elsewhere.",
            "Decide who is counted (out_of_area and looked_after_elsewhere in the mapping), and say it.",
            0.10,
        ),
        "episode in more than one area": Check(
            "The case was passed from one service to another; each counts the part it decided.",
            "Decide which service counts it, the same in every area.",
            0.05,
        ),
        "child in more than one area": Check(
            "The child is counted once in each area, so areas do not add up to distinct children.",
            "Add areas only in a study of all of them.",
        ),
        "child handed over by or to another service": Check(
            "What was decided elsewhere is not in this data, so an episode may lack its beginning or its end.",
            "Ask the other service, and read the stages before and after the day with that in mind.",
        ),
        "event while another service had the child": Check(
            "The event is dated before the child was handed over to this service, or after it was handed on.",
            "Correct the day of the transfer, or decide which service counts the event.",
            0.05,
        ),
        "without the stage that feeds it": Check(
            "These episodes did not pass the stage before, in this data. They count as a contact, and not as a "
            "decision.",
            "Look for the missing step: another service, an earlier year, or a stage nobody records.",
            0.05,
        ),
        "before the stage that feeds it": Check(
            "The decision is dated before the one it follows from.", "Correct one of the two dates.", 0.0
        ),
        "parts more than the whole": Check(
            "More have one of the outcomes than reached the stage, or some have two that exclude each other.",
            "Find those counted twice; shares of this stage add to more than they should.",
            0.0,
        ),
        "parts less than the whole": Check(
            "They reached the stage and have none of its outcomes: undecided, or an outcome that is not recorded.",
            "Find the missing outcomes; shares of this stage add to less than they should.",
            0.05,
        ),
        "undecided": Check(
            "What is decided first is not a fair sample of what will be decided.",
            "Show years in which few are undecided; count again later.",
            0.20,
        ),
        "followed for too short a time": Check(
            "They entered too late for this stage to be seen: in years like theirs more than a fifth of it is "
            "still to come.",
            "These years are not shown for this stage. Count again later.",
            0.0,
        ),
        "share jumps between years": Check(
            "A share changed from one year to the next by more than chance readily gives: the practice may "
            "have changed, or the way it is recorded.",
            "Ask what changed that year before pooling years across it.",
            0.0,
        ),
        "hidden in the source": Check(
            "The source hides these counts, and every sum they are part of.",
            "Ask the source for pooled years or groups.",
            0.20,
        ),
    }
)
"""The checks, in the order they are printed. Shares from which a finding is a caution are judgements: one in
twenty for what is missing (services expect fewer), one in ten for what is often right, none for what cannot be."""


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Judge what was found, from the counts as they stand in the table.

    Parameters
    ----------
    table : DataFrame
        With `EVIDENCE` columns; true counts, or printed ones.

    Returns
    -------
    DataFrame
        The same rows with ``percent`` (to one decimal) and ``severity``, in the order of `PROFILE`. A
        hidden count is ``not shown``, one the data cannot give ``not checked``, 0 is ``clear``, and 0 of
        0 is ``not checked``.

    Examples
    --------
    >>> found = pd.DataFrame({"check": ["gravity out of range", "sex not known"], "events": [1, 2],
    ...     "denominator": [400, 400], "note": ""})
    >>> judged(found)[["check", "percent", "severity"]]
                      check  percent severity
    0  gravity out of range      0.2  caution
    1         sex not known      0.5     note
    """
    events, size = table["events"].to_numpy(float), table["denominator"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = events / size
    rules = [CHECKS[c] for c in table["check"]]
    caution, stops = (
        np.array([np.inf if v is None else v for v in limit], float)
        for limit in ([r.caution for r in rules], [r.stops for r in rules])
    )
    severity = np.select(
        [
            table["note"].eq("no_data").to_numpy(bool) | (size == 0),
            np.isnan(share),
            events == 0,
            share >= stops,
            share >= caution,
        ],
        [NOT_CHECKED, NOT_SHOWN, CLEAR, STOPS, CAUTION],
        NOTE,
    )
    out = table.assign(percent=np.where(size > 0, np.round(100 * share, 1), np.nan), severity=severity)
    return out[[c for c in PROFILE if c in out]]


def evidence(rows: list[tuple]) -> pd.DataFrame:
    """Lay out what was found, with its meaning and remedy, in the order of the checks.

    Parameters
    ----------
    rows : list of tuple
        ``check, stage, unit, events, denominator``; None for numbers the data cannot give.

    Returns
    -------
    DataFrame
        With `EVIDENCE` columns; ``note`` is ``no_data`` where the data cannot show it.
    """
    table = pd.DataFrame(rows, columns=list(EVIDENCE[:5]))
    order = table["check"].map({name: i for i, name in enumerate(CHECKS)})
    table = table.assign(
        events=table["events"].astype(float),
        denominator=table["denominator"].astype(float),
        meaning=[CHECKS[c].meaning for c in table["check"]],
        remedy=[CHECKS[c].remedy for c in table["check"]],
        note=np.where(table["events"].isna(), "no_data", ""),
    )
    return table.iloc[order.argsort(kind="stable")].reset_index(drop=True)
