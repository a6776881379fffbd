"""How far can this data be trusted? Every check of the kit, one row a finding.

``evidence`` counts, ``profile`` counts and judges. A report releases the evidence and judges it from the
printed counts (``judged``), so that its words say no more than its numbers.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd

from . import profile_rows, profile_stages
from .calendar_periods import year_of
from .drift import drift
from .from_events import prepared
from .large import Stored
from .load import DataError, Study
from .once import once
from .pipeline import stage_counts
from .profile_checks import evidence as laid_out
from .profile_checks import judged
from .profile_stored import of_stored
from .tables import near, shown

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def profile(
    study: Study, *, area: str | None = None, year: int | None = None, years: int = 0
) -> pd.DataFrame:
    """Check a study in every way the kit knows.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    area : str, optional
        One of its areas; all of them by default.
    year : int, optional
        The last year; the study's last by default.
    years : int
        How many years, ending with ``year``; 0 for all.

    Returns
    -------
    DataFrame
        A row for each check and stage (or table): ``check, stage, unit, events`` (how many),
        ``denominator`` (of how many), ``percent, severity, meaning, remedy, note``. Nothing found is a row
        too, ``clear``; so is a check the data cannot make, ``not checked``. These are true counts: release
        :func:`evidence` for a report. ``disclosure.release`` refuses this table.

    Raises
    ------
    DataError
        If the study does not have the area or the year.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = profile(load.study("data/synthetic"))
    >>> set(table["severity"]) <= {"caution", "note", "clear", "not checked"}
    True
    """
    found = evidence(study, area=area, year=year, years=years)
    jumps = _jumps(_within(study, area, year, years))
    return judged(laid_out([*found[list(found.columns[:5])].itertuples(index=False, name=None), *jumps]))


@once
def evidence(
    study: Study, *, area: str | None = None, year: int | None = None, years: int = 0
) -> pd.DataFrame:
    """Count what :func:`profile` judges, for a report to release and judge from its printed counts.

    Parameters
    ----------
    study, area, year, years
        As for :func:`profile`.

    Returns
    -------
    DataFrame
        ``check, stage, unit, events, denominator, meaning, remedy, note``, without the changes of shares:
        these are tests, and a report makes them of printed counts (``drift``).

    Raises
    ------
    DataError
        If the study does not have the area or the year.
    """
    scope = _within(study, area, year, years)
    rows = [] if study.searches is None else _of_searches(study, scope)
    held = isinstance(study.events, pd.DataFrame)  # a large file is counted where it lies, not row by row
    if held:
        rows += _of_events(study, scope)
    elif isinstance(study.events, Stored):
        rows += of_stored(scope, study.years, _extract(study))
    elif study.counts is not None:
        rows += profile_stages.of_counts(scope)
    if study.events is not None or study.counts is not None:
        earlier = replace(scope, years=(study.years[0], scope.years[1]))
        rows += profile_stages.of_follow_up(earlier, scope.years[0])
    return laid_out(rows)


def _within(study: Study, area: str | None, year: int | None, years: int) -> Study:
    """Take one area of a study, and its years up to one of them."""
    if area is not None and area not in study.areas:
        raise DataError(
            f"area {shown(area)} is not one of the {len(study.areas)} areas of this study: "
            f"{', '.join(map(shown, study.areas))}.{near(area, study.areas)} Choose one of them."
        )
    first, last = study.years
    end = last if year is None else year
    if not first <= end <= last:
        raise DataError(
            f"year {year} is not one of the years of this study, {first} to {last}. Choose one of them."
        )
    start = max(first, end - years + 1) if years else first
    return replace(study, areas=study.areas if area is None else (area,), years=(start, end))


def _of_events(study: Study, scope: Study) -> list[tuple]:
    """Check the events in scope, and the children and offences they are of."""
    events, extract = prepared(scope), _extract(study)
    children = study.children[profile_rows.among(study.children["child_id"], events["child_id"])]
    followed = events[events["cohort"].between(*scope.years)]
    first = profile_stages.first_dates(followed)
    first = first[[s for s in study.stages if s in first]]
    everywhere = prepared(replace(scope, areas=tuple(study.events["area"].unique())))
    rows = [
        *profile_rows.of_children(children, events, study.ethnicity_source),
        *profile_rows.of_events(_with_strays(study, scope, events), study.children, extract),
        *profile_rows.of_areas(children, everywhere, scope.areas),
        *profile_rows.of_transfers(children, events),
        *profile_rows.of_changes(study, events),
        *profile_stages.of_ethnicity(
            events[events["year"].between(*scope.years)], children, study.ethnicity_source
        ),
        *profile_stages.of_order(first, study.stages),
        *profile_stages.of_parts_of_episodes(first, study.stages),
    ]
    if study.offences is not None:
        offences = study.offences[profile_rows.among(study.offences["child_id"], events["child_id"])]
        rows += profile_rows.of_offences(offences, extract)
    return rows


def _with_strays(study: Study, scope: Study, events: pd.DataFrame) -> pd.DataFrame:
    """Add the events that lie outside all of the study's years: a date that is wrong may have put them there."""
    held: pd.DataFrame = study.events
    here = held[held["area"].isin(scope.areas)]
    stray = here[~year_of(here["date"], study.period).between(*study.years)]
    names = list(held.columns)
    return pd.concat([events[names], stray]).drop_duplicates(["episode_id", "stage", "date"])


def _of_searches(study: Study, scope: Study) -> list[tuple]:
    """Check the searches in scope."""
    searches = study.searches[study.searches["area"].isin(scope.areas)]
    inside = year_of(searches["date"], study.period).between(*scope.years)
    return profile_rows.of_searches(searches[inside], study.base, _extract(study))


def _extract(study: Study) -> pd.Timestamp | None:
    """Give the latest day any source of the study is of; nothing in its tables can be later."""
    days = [str(source.get("date", "")) for source in study.sources]
    return max((pd.Timestamp(day) for day in days if _DAY.fullmatch(day)), default=None)


def _jumps(scope: Study) -> list[tuple]:
    """Count, for each stage, the shares that jump from one year to the next."""
    if scope.events is None and scope.counts is None:
        return []
    table = drift(stage_counts(scope), stages=scope.stages)
    jumps = table.groupby("stage", sort=False)["jump"].agg(["sum", "size"])
    return [
        ("share jumps between years", stage, "comparisons", int(row["sum"]), int(row["size"]))
        for stage, row in jumps.iterrows()
    ]
