"""Who is sentenced to custody, for how long, and against what proposal of the report?

The rate per 1,000 children is that of ``pipeline.cumulative``, stage ``custody``; here are the parts that counts by
stage do not hold.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .calendar_periods import year_of
from .field_counts import GRAVITY_BANDS, counted, followed, last_in_window, need_gravity, refuse_stored
from .field_stages import LONG_SENTENCE
from .from_events import prepared
from .load import Study
from .reading import NotHeld
from .vocabulary import COUNTS, TIERS

FEWEST_FOR_MEDIAN = 6
"""Of fewer sentences no two bound a median with 95% confidence."""

METHOD = "median; exact interval of two of the values (binomial)"


def by_gravity(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count custodial sentences by the gravity of the offence, for like to be compared with like.

    Parameters
    ----------
    study : Study
        From ``load.study``, of events with gravity.
    window : int
        Years pooled, ending with ``year``, of the arrest.

    Returns
    -------
    DataFrame
        ``graded_custody`` on ``graded_sentence`` with ``gravity``: each child once, in the band of its gravest episode
        sentenced. To be compared as ``remand.by_gravity``, with the same caution.

    Raises
    ------
    NotHeld
        If the study has no events, no sentences, or records no gravity.

    Examples
    --------
    >>> from ysj_analysis import load, models
    >>> table = by_gravity(load.study("data/synthetic"), window=5).query("area == 'Islington' and year == 2023")
    >>> within = models.stratified(table.drop(columns="note"), by=["gravity"])
    >>> within["measure"].unique().tolist()
    ['mantel_haenszel_risk_ratio']
    """
    what = "custody"
    events = need_gravity(study, followed(study, ("sentenced", "custody"), what), what)
    rows = events.assign(
        graded_sentence=events["stage"].eq("sentenced"), graded_custody=events["stage"].eq("custody")
    )
    bands, late = {"gravity": GRAVITY_BANDS}, ("sentenced", "custody")
    return counted(study, rows, {"graded_custody": "graded_sentence"}, window=window, by=bands, late=late)


def proposals(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count how sentences compare with what the pre-sentence report proposed.

    Parameters
    ----------
    study : Study
        From ``load.study``, with ``sentencing``.
    window : int
        Years pooled, ending with ``year``, of the sentence.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``, each child once, by its last sentence with a report in the window:

        ``as_proposed``, ``above_proposal``, ``below_proposal``
            on ``report``: the tiers are first-tier, community and custody; the three add to those with a report.
        ``custody_proposed``
            on ``report``.
        ``custody_unproposed``
            on ``community_proposed``: custody, of those for whom the report proposed none.

    Raises
    ------
    NotHeld
        If the study holds no sentences with what was proposed.

    Notes
    -----
    A report is written knowing the case: what it proposes can carry a difference as well as what the court passes, so
    agreement of the two says nothing of either alone.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = proposals(load.study("data/synthetic"), window=5)
    >>> one = table.query("area == 'Islington' and year == 2023 and group == 'White' and base == 'report'")
    >>> parts = one.set_index("stage")["events"]
    >>> bool(parts[["as_proposed", "above_proposal", "below_proposal"]].sum() == one["denominator"].iloc[0])
    True
    """
    rows = _sentences(study, "what reports proposed against what courts passed")
    rows = rows[rows["proposal"].notna()]
    if rows.empty:
        raise NotHeld(
            "This study records no proposal of a pre-sentence report. A column proposal in sentencing.csv "
            "would show how often courts follow it."
        )
    tier = {t: i for i, t in enumerate(TIERS)}
    given, asked = (rows[c].astype(str).map(tier).to_numpy() for c in ("sentence", "proposal"))
    custody = tier["custody"]
    return _last_in_window(
        study,
        rows.assign(
            report=True,
            as_proposed=given == asked,
            above_proposal=given > asked,
            below_proposal=given < asked,
            custody_proposed=asked == custody,
            community_proposed=asked != custody,
            custody_unproposed=(asked != custody) & (given == custody),
        ),
        {
            "as_proposed": "report",
            "above_proposal": "report",
            "below_proposal": "report",
            "custody_proposed": "report",
            "custody_unproposed": "community_proposed",
        },
        window,
    )


def long_sentences(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count custodial sentences of more than ``LONG_SENTENCE`` months, out of those of a known length.

    Parameters
    ----------
    study, window
        As for :func:`proposals`.

    Returns
    -------
    DataFrame
        ``custody_long`` on ``custody_timed``, each child by its last custodial sentence in the window.

    Raises
    ------
    NotHeld
        If the study holds no length of sentence.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> long_sentences(load.study("data/synthetic"))["stage"].unique().tolist()
    ['custody_long']
    """
    rows = _timed(study)
    rows = rows.assign(custody_timed=True, custody_long=rows["months"] > LONG_SENTENCE)
    return _last_in_window(study, rows, {"custody_long": "custody_timed"}, window)


def lengths(study: Study, *, window: int = 1, level: float = 0.95) -> pd.DataFrame:
    """Give the median length of custodial sentences in months, with its interval.

    The median is of true lengths: it can be released for a restricted edition or for work, and stands in the public
    one as the counts of :func:`long_sentences`.

    Parameters
    ----------
    study, window
        As for :func:`proposals`.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        ``measure`` (``median_months``), ``area, year, years, unit, stage, base, group, events`` (sentences of a known
        length), ``estimate, low, high, method, note``. The interval runs from one of the lengths to another and has at
        least the level asked for. Of fewer than ``FEWEST_FOR_MEDIAN`` neither is given, for they would bound nothing
        and name a child's sentence: the note is ``too_few_to_fit``, or ``no_events``.

    Raises
    ------
    NotHeld
        If the study holds no length of sentence.

    References
    ----------
    Conover (1999), Practical Nonparametric Statistics, section 3.2: confidence interval for a quantile.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = lengths(load.study("data/synthetic"), window=5)
    >>> bool((table["low"].isna() == table["note"].ne("")).all())
    True
    """
    rows = _timed(study)
    table = _last_in_window(
        study, rows.assign(custody_timed=True), {"custody_timed": "custody_timed"}, window, keep="months"
    )
    medians = [median(v, level=level) for v in table.pop("months")]
    estimate, low, high = np.array(medians, float).reshape(-1, 3).T
    return table.drop(columns="denominator").assign(
        measure="median_months",
        estimate=estimate,
        low=low,
        high=high,
        method=METHOD,
        note=np.select([table["events"] == 0, np.isnan(low)], ["no_events", "too_few_to_fit"], ""),
    )[["measure", *COUNTS, "events", "estimate", "low", "high", "method", "note"]]


def median(values, *, level: float = 0.95) -> tuple[float, float, float]:
    """Give a median with its exact interval.

    Parameters
    ----------
    values : array of float
        The lengths.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of float
        ``estimate, low, high``; NaN where there are too few.

    Examples
    --------
    Of 15 values the 4th and the 12th bound the median with at least 95%.

    >>> tuple(map(float, median(range(1, 16))))
    (8.0, 4.0, 12.0)
    >>> median([4, 6, 12])
    (nan, nan, nan)
    """
    values = np.asarray(list(values), float)
    if values.size < FEWEST_FOR_MEDIAN:
        return np.nan, np.nan, np.nan
    from scipy import stats  # slow to import, and only the restricted edition has medians

    low, high = stats.quantile_test(values, q=0, p=0.5).confidence_interval(confidence_level=level)
    return float(np.median(values)), float(low), float(high)


# -- inside ------------------------------------------------------------------------------------------


def _sentences(study: Study, what: str) -> pd.DataFrame:
    """List the sentences with the child's group and the study's year of each."""
    refuse_stored(study, what)
    if study.sentencing is None or study.events is None or study.children is None:
        raise NotHeld(
            f"This study holds no sentences with their proposals and lengths, so {what} cannot be shown. A table "
            "sentencing.csv, with a row for each episode sentenced, would show it."
        )
    events = prepared(study)
    who = events.drop_duplicates("episode_id")[["episode_id", "area", "group"]]
    table = study.sentencing.merge(who, on="episode_id", how="inner", validate="many_to_one")
    return table.assign(who=table["child_id"], year=year_of(table["date"], study.period))


def _timed(study: Study) -> pd.DataFrame:
    rows = _sentences(study, "the length of sentences")
    rows = rows[rows["sentence"].eq("custody")]
    if "months" not in rows or rows["months"].isna().all():
        raise NotHeld(
            "This study records no length of a custodial sentence. A column months in sentencing.csv would "
            "show the median."
        )
    return rows[rows["months"].notna()]


def _last_in_window(
    study: Study, rows: pd.DataFrame, steps: Mapping[str, str], window: int, keep: str = ""
) -> pd.DataFrame:
    """Count each child by its last row in the window; with ``keep``, also list that column's values in each cell."""
    last = last_in_window(rows, study, window)
    table = counted(study, last, steps, window=window)
    if not keep:
        return table
    values = last.groupby(["area", "end", "group"], observed=True)[keep].agg(list)
    at = zip(table["area"].astype(str), table["year"], table["group"].astype(str), strict=True)
    return table.assign(**{keep: [values.get(key, []) for key in at]})
