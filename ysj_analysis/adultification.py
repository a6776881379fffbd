"""Are some children met as older than they are? Age at entry, disposal by age, and what assessments foresee.

Adultification is what practice calls it when a child is seen as older, more responsible or more of a risk than
other children of the same age. No count shows what anyone saw. Three counts show where to look: how old children
of each group are when they first enter; what becomes of children of one age and one gravity; and whether children
assessed alike later turn out alike. All three come from counts by group. None is a score of any one child, and
none may be made into one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from .adjusted_blocks import ASSESSED
from .adjusted_cases import age_on
from .from_events import prepared
from .like_cases import BANDS, banded, counted, in_window, like_cases
from .load import Study
from .once import once
from .reading import NotHeld
from .vocabulary import COUNTS

ENTRY = {"10 to 13": ("10", "11", "12", "13"), "14 to 15": ("14", "15"), "16 to 17": ("16", "17")}
"""Ages at entry."""

FIRST, AGED = "first ", "aged "
"""What an entry is counted out of, and which part of it: names of their own, so that no other count is meant."""

DISPOSALS = ("charge", "community", "custody")
"""Stages compared for the same age and gravity: charged of those arrested, and two tiers of those sentenced."""

WITHIN = ("age", "gravity")


@once
def entry_ages(
    study: Study,
    *,
    area: str,
    year: int,
    years: int = 5,
    stage: str = "arrest",
    ages: Mapping[str, Sequence[str]] = ENTRY,
) -> pd.DataFrame:
    """Count how old the children of each group were when they first entered.

    Parameters
    ----------
    study : Study
        A study with events and children.
    area : str
        One of the study's areas.
    year : int
        The last year.
    years : int
        Years pooled.
    stage : str
        What counts as entering.
    ages : mapping
        The label of each band, and the ages it holds.

    Returns
    -------
    DataFrame
        ``area, year, years, unit, stage, base, group, events, denominator, note``: of the children who entered
        (``denominator``; ``base`` is ``first`` and the stage), how many were of each age (``events``; ``stage`` is
        ``aged`` and the band); the shares of a group add to 1. A child enters once, in the study's first event at
        the stage anywhere; a child whose record says that it had been proven to offend before is left out. Entries
        before the study began are not seen, so a child in the first years may have entered earlier: prefer a
        window with years of the study before it. An age not recorded, or none of a child, is ``not known``.

    Raises
    ------
    NotHeld
        If the study holds no events, children or months of birth, or the stage is not in it.
    DataError
        If the area or year is not in the study.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> ages = entry_ages(load.study("data/synthetic"), area="Islington", year=2023)
    >>> ages.loc[ages["group"].eq("Black"), "stage"].tolist()
    ['aged 10 to 13', 'aged 14 to 15', 'aged 16 to 17', 'aged not known']
    >>> bool(ages.groupby("group", observed=True)["events"].sum().eq(
    ...     ages.groupby("group", observed=True)["denominator"].first()).all())
    True
    """
    if study.events is None or study.children is None or "birth_month" not in study.children:
        raise NotHeld(
            "This study does not hold children's months of birth with their events, so ages at entry cannot be "
            "counted. Add children.csv with birth_month, and events.csv."
        )
    events = prepared(study)
    events = events[events["stage"].astype(str).eq(stage)]
    if events.empty:
        raise NotHeld(f"This study holds no event of the stage {stage}, so ages at entry cannot be counted.")
    first = events.sort_values("date", kind="stable").drop_duplicates("child_id")
    people = study.children.set_index("child_id")
    if "previous" in people:
        before = first["child_id"].map(people["previous"].astype(str)).fillna("")
        first = first[before.isin(["", "0", "nan", "unknown"])]
    born = first["child_id"].map(people["birth_month"]).fillna("")
    rows = first.assign(
        age=banded(age_on(first["date"], born), ages),
        group=first["group"].astype(str),
        outcome=1.0,
        note="",
    )
    rows, last, years, _ = in_window(rows, study, area, year, years)
    table = counted(rows, {"group": list(study.groups), "age": [*ages, "not known"]})
    total = table.groupby("group", sort=False)["events"].transform("sum")
    return table.assign(
        denominator=total,
        area=pd.Categorical([area] * len(table), list(study.areas), ordered=True),
        year=last,
        years=years,
        unit="children",
        stage=AGED + table["age"],
        base=FIRST + stage,
        note="",
        group=pd.Categorical(table["group"], list(study.groups), ordered=True),
    )[[*COUNTS, "events", "denominator", "note"]]


def disposals(
    study: Study,
    *,
    area: str,
    year: int,
    years: int = 5,
    outcomes: Sequence[str] = DISPOSALS,
    bands=BANDS,
) -> pd.DataFrame:
    """Count what became of children of one age and one gravity, group by group.

    Parameters
    ----------
    study : Study
        A study with events and children.
    area : str
        One of the study's areas.
    year : int
        The last year of the report.
    years : int
        Years pooled.
    outcomes : sequence of str
        Stages, each of those who reached the stage that feeds it.
    bands : mapping
        As for ``like_cases``.

    Returns
    -------
    DataFrame
        As ``like_cases`` gives it, split by ``age`` and ``gravity``, one outcome after another. Release
        it and give it to ``matched.matched`` with ``by=["gravity"]``: for each age, children of the same gravity
        compared.

    Raises
    ------
    NotHeld
        If the study holds no cases, or none of the outcomes.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> found = disposals(load.study("data/synthetic"), area="Islington", year=2023)
    >>> list(dict.fromkeys(found["stage"].astype(str)))
    ['charge', 'community', 'custody']
    """
    there = [] if study.events is None else set(study.events["stage"].astype(str).unique())
    held = [s for s in outcomes if s in there and study.stages[s].base in there]
    if not held:
        raise NotHeld(
            f"This study holds none of the stages {', '.join(outcomes)} as events with the stage before, so disposals "
            "of children alike in age and gravity cannot be compared."
        )
    tables = [
        like_cases(study, outcome=s, area=area, year=year, by=WITHIN, years=years, bands=bands) for s in held
    ]
    return pd.concat(tables, ignore_index=True)


def foreseen(
    study: Study, *, area: str, year: int, years: int = 5, assessment: str | None = None
) -> pd.DataFrame:
    """Count, among children assessed alike, those who reoffended: does a level mean the same for each group?

    Parameters
    ----------
    study : Study
        A study with a reoffending cohort and a column of assessed levels.
    area : str
        One of the study's areas.
    year : int
        The last year of the report.
    years : int
        Years pooled.
    assessment : str, optional
        The column; by default the first of the practitioner's assessments that the study holds.

    Returns
    -------
    DataFrame
        As ``like_cases`` gives it: a row for each group and level, ``events`` those who reoffended, and the
        level in a column ``assessed``, whichever column it came from.

    Raises
    ------
    NotHeld
        If the study holds no assessment, or no reoffending cohort.

    Notes
    -----
    Where children of one group reoffended less often than others assessed at the same level, the level stood for
    less for them. The outcome is itself what was detected and proven, so a group that is policed more closely
    reoffends more often on paper: what looks alike here may not be.
    """
    columns = (
        [] if study.children is None else [*study.children.columns, *getattr(study.events, "columns", [])]
    )
    found = [assessment] if assessment else sorted(ASSESSED & set(columns))
    if not found or found[0] not in columns:
        raise NotHeld(
            "This study does not hold practitioners' assessments, so what they foresaw cannot be set beside what "
            "followed. Add a column such as assessed_reoffending to children.csv."
        )
    table = like_cases(study, outcome="reoffended", area=area, year=year, by=found[:1], years=years)
    return table.rename(columns={found[0]: "assessed"})
