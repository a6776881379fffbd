"""How does a report call a field measure? One line each: count, release, and the words for it.

What a study does not hold comes back as :class:`absent.Absent`, and so does what a public edition cannot show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from . import cross_borough, disclosure, entrants, field_counts, measures, reoffending
from .absent import Absent, where_held
from .disclosure import PUBLIC, Policy, Released
from .field_stages import stages_with
from .load import Study
from .once import once
from .vocabulary import UNKNOWN
from .wording import Words

COUNTED = ("events", "denominator", "reoffences")
PRIVATE = ("squares",)
"""Columns that are no counts of children or offences: a protected edition leaves them out."""


@once
def words(study: Study, *, period: str = "") -> Words:
    """Give the words of a study with those of the field measures.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    period : str
        Another kind of year, such as ``december`` for ``entrants.yjb``.

    Returns
    -------
    Words
        For sentences, tables and figures.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> words(load.study("data/synthetic")).stage("rlaa_instead")
    'RLAA as the alternative to YDA'
    """
    own = Words.of(study)
    return replace(own, stages=stages_with(study.stages), period=period or own.period)


def released(
    function: Callable[..., pd.DataFrame],
    study: Study,
    *,
    area: str,
    year: int,
    years: int = 5,
    policy: Policy = PUBLIC,
    **named,
) -> Released | Absent:
    """Count a field measure for one report, and release it.

    Parameters
    ----------
    function : callable
        Takes a study and ``window``: of ``remand``, ``custody``, ``out_of_court``, ``entrants``, ``timeliness``,
        ``reoffending`` or ``support``.
    study : Study
        From ``load.study``.
    area : str
        One of the study's areas.
    year, years : int
        The last year of the report, and how many are pooled at most: for each stage, the latest window that is mature.
    policy : Policy
        The rule of the edition.
    **named
        What else the function takes.

    Returns
    -------
    Released or Absent
        The counts of the groups of known ethnicity, or the one line that says what the study does not hold.

    Examples
    --------
    >>> from ysj_analysis import load, measures, remand
    >>> study = load.study("data/synthetic")
    >>> shown = released(remand.partition, study, area="Islington", year=2023)
    >>> ratios = shown.where(stage="remand_yda").measure(measures.relative_rates)
    >>> ratios.table["measure"].unique().tolist()
    ['risk_ratio']
    """
    counted = where_held(field_counts.for_report, function, study, area=area, year=year, years=years, **named)
    return _shown(counted, policy)


def for_board(
    function: Callable[..., pd.DataFrame],
    study: Study,
    *,
    area: str,
    year: int,
    years: int = 5,
    policy: Policy,
    **named,
) -> Released | Absent:
    """Give a measure of true days or months to a restricted edition; to a public one, the line that says why not.

    Parameters
    ----------
    function : callable
        ``timeliness.times``, ``custody.lengths`` or another that measures what no printed count holds.
    study, area, year, years, policy, **named
        As for :func:`released`.

    Returns
    -------
    Released or Absent
        The measures of the groups of known ethnicity.

    Examples
    --------
    >>> from ysj_analysis import custody, load
    >>> study = load.study("data/synthetic")
    >>> for_board(custody.lengths, study, area="Islington", year=2023, policy=PUBLIC).why[:52]
    'Medians and means are of single children and cannot '
    """
    if policy.protects:
        return Absent(
            "Medians and means are of single children and cannot be computed from printed counts: the "
            "restricted edition has them."
        )
    return released(function, study, area=area, year=year, years=years, policy=policy, **named)


def rebased(
    study: Study, *, area: str, earlier: int, year: int, policy: Policy = PUBLIC
) -> Released | Absent:
    """Split the change in the rate of first-time entrants, from printed counts.

    Parameters
    ----------
    study, area, policy
        As for :func:`released`.
    earlier, year : int
        The two years.

    Returns
    -------
    Released or Absent
        From ``entrants.rebase``.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> found = rebased(load.study("data/synthetic"), area="Islington", earlier=2020, year=2023)
    >>> found.where(group="all").table["ratio_rebasing"].round(2).to_list()
    [1.15]
    """
    counted = where_held(entrants.on_both_bases, study, area=area, earlier=earlier, year=year)
    shown = _shown(counted, policy)
    if isinstance(shown, Absent):
        return shown
    half = policy.half if policy.protects else 0
    return shown.derive(entrants.rebase, half=half, fewest=policy.ratio_events).derive(_rebased_as_printed)


def _rebased_as_printed(table: pd.DataFrame) -> pd.DataFrame:
    """Round what a change is made of to what is printed: whole numbers of a rate, hundredths of a ratio.

    Parameters
    ----------
    table : DataFrame
        From ``entrants.rebase``.

    Returns
    -------
    DataFrame
        The same rows with ``measure``; parts may add to one more or less than the change. The ends of the interval
        are rounded outwards.

    Examples
    --------
    >>> change = pd.DataFrame({"rate": [391.13], "estimate": [0.7314], "low": [0.2823], "high": [1.8038]})
    >>> _rebased_as_printed(change).drop(columns="measure").iloc[0].to_list()
    [391.0, 0.73, 0.28, 1.81]
    """
    whole = [c for c in table.columns if c in ("earlier_rate", "rate", "change") or str(c).startswith("by_")]
    ratios = [c for c in table.columns if c == "estimate" or str(c).startswith("ratio")]
    ends = {"low": np.floor, "high": np.ceil}
    return table.assign(
        **{c: table[c].round(0) + 0.0 for c in whole},
        **{c: table[c].round(2) for c in ratios},
        **{c: outwards(100 * table[c]) / 100 for c, outwards in ends.items()},
        measure="rate_ratio",
    )


def frequencies(cohorts: Released | Absent) -> Released | Absent:
    """Give the shares who reoffended and both frequencies, of released cohorts.

    Parameters
    ----------
    cohorts : Released or Absent
        From ``released(reoffending.cohorts, ...)``.

    Returns
    -------
    Released or Absent
        From ``reoffending.frequencies``; without intervals of the frequencies where the edition is protected.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> shown = released(reoffending.cohorts, load.study("data/synthetic"), area="Islington", year=2023)
    >>> frequencies(shown).table["measure"].unique().tolist()
    ['proportion', 'frequency_in_cohort', 'frequency_of_reoffenders']
    """
    if isinstance(cohorts, Absent):
        return cohorts
    rule = cohorts.policy
    shown = cohorts.derive(_with_their_children)
    return shown.derive(reoffending.frequencies, half=rule.half if rule.protects else 0)


def reoffended(cohorts: Released | Absent) -> Released | Absent:
    """Keep of released cohorts the children who reoffended, for relative rates.

    Parameters
    ----------
    cohorts : Released or Absent
        As for :func:`frequencies`.

    Returns
    -------
    Released or Absent
        Counts for ``measures``.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> shown = released(reoffending.cohorts, load.study("data/synthetic"), area="Islington", year=2023)
    >>> list(reoffended(shown).table)[-3:]
    ['events', 'denominator', 'note']
    """
    return cohorts.derive(reoffending.children_only) if isinstance(cohorts, Released) else cohorts


def compared(*counts: Released | Absent, reference: str) -> list[Released | Absent]:
    """Take the relative rates of several released counts, as ``field_sentences.together`` says them.

    Parameters
    ----------
    *counts : Released or Absent
        From :func:`released`.
    reference : str
        The group the others are compared with.

    Returns
    -------
    list of Released or Absent
        In order.
    """
    return [one.measure(measures.relative_rates, reference=reference) for one in counts]


def across(
    study: Study, *, stage: str, year: int, years: int = 5, policy: Policy = PUBLIC, **named
) -> Released | Absent:
    """Count one stage for every area of a study, and release it.

    Parameters
    ----------
    study, year, years, policy
        As for :func:`released`.
    stage : str
        The stage.
    **named
        What else ``cross_borough.counts`` takes.

    Returns
    -------
    Released or Absent
        Counts, areas in alphabetical order. A study of one area, or without the stage, says so in one line.

    Examples
    --------
    >>> from ysj_analysis import load, measures
    >>> shown = across(load.study("data/synthetic"), stage="arrest", year=2023)
    >>> placed = shown.measure(measures.rates).derive(cross_borough.against_all)
    >>> sorted(placed.table["place"].unique())
    ['above', 'below', 'within']
    """
    return _shown(
        where_held(cross_borough.counts, study, stage=stage, year=year, years=years, **named), policy
    )


def _with_their_children(table: pd.DataFrame) -> pd.DataFrame:
    """Hide the reoffences of children who are too few to show."""
    return table.assign(reoffences=table["reoffences"].where(table["events"].notna()))


def _shown(counted: pd.DataFrame | Absent, policy: Policy) -> Released | Absent:
    if isinstance(counted, Absent):
        return counted
    kept = counted[counted["group"].astype(str).ne(UNKNOWN)]
    if policy.protects:
        kept = kept.drop(columns=[c for c in PRIVATE if c in kept])
    return disclosure.release(kept, policy=policy, counts=tuple(c for c in COUNTED if c in kept))
