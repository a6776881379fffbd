"""Who reoffends within twelve months, and how often?

A child enters a cohort on the day of its caution or sentence. It is followed for twelve months of offences, and six
more for their outcomes: a cohort younger than that is immature. "Frequency" has two meanings, and both are given:
reoffences per child in the cohort, and per child who reoffended.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from . import intervals, measures
from .calendar_periods import year_of
from .field_counts import counted, followed, last_in_window, refuse_stored
from .load import Study
from .reading import NotHeld
from .vocabulary import COUNTS, FIRST_MONTH, MEASURE, UNKNOWN

FOLLOW, PROVE = 12, 6
"""Months of offences, and months more for their outcomes."""

PROVEN = ("caution", "convicted", "first_tier", "community", "custody")
"""Outcomes that prove an offence, as ``offences`` words them."""

QUARTERS = ("Q1", "Q2", "Q3", "Q4")
PER_CHILD, PER_REOFFENDER = "frequency_in_cohort", "frequency_of_reoffenders"
FEWEST = 3
"""Fewer children than this who reoffended have no interval of a frequency, which rests on how they differ."""

_METHOD = "t on the log, variance between children"


def cohorts(study: Study, *, cohort: str = "year", window: int = 1) -> pd.DataFrame:
    """Count each cohort, those of it who reoffended, and their reoffences.

    Parameters
    ----------
    study : Study
        From ``load.study``, of events with cohorts, and ``offences``.
    cohort : {"year", "quarter"}
        ``year``: a child counts once in a window, by its first entry. ``quarter``: three-month cohorts, a child
        once in each, with the column ``quarter`` (of the study's year).
    window : int
        Years pooled, ending with ``year``, of the entry; 1 where ``cohort`` is ``quarter``.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``: ``reoffended_year`` on ``cohort_year``, or ``reoffended_quarter`` on
        ``cohort_quarter``. After the counts stand ``reoffences`` (offences, not children) and ``squares`` (the sum over
        children of their reoffences squared, which an interval of a frequency needs and a public edition leaves out).
        ``note`` is ``immature`` where the last entries were not followed for ``FOLLOW + PROVE`` months.

    Raises
    ------
    NotHeld
        If the study has no cohorts, or no offences with their dates and outcomes.
    ValueError
        For another cohort, or quarters pooled over years.

    References
    ----------
    Ministry of Justice, Proven reoffending statistics, definitions and measurement: twelve months of follow-up, six
    more for the court; three-month cohorts since October 2015.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = cohorts(load.study("data/synthetic")).query("area == 'Islington' and year >= 2021")
    >>> table.groupby("year")["note"].first().to_dict()
    {2021: '', 2022: 'immature', 2023: 'immature'}
    """
    if cohort not in ("year", "quarter") or (cohort == "quarter" and window != 1):
        raise ValueError(
            f"cohort is {cohort!r} with a window of {window}; give 'year', or 'quarter' with a window of 1 year."
        )
    entries, until = _followed(study)
    months = 12 if cohort == "year" else 3
    quarter = (entries["date"].dt.month - FIRST_MONTH[study.period]) % 12 // 3
    entries = entries.assign(quarter=np.array(QUARTERS, object)[quarter.to_numpy(int)])
    stage, base = f"reoffended_{cohort}", f"cohort_{cohort}"
    if cohort == "year":
        first = last_in_window(entries, study, window, last=False)
    else:
        first = entries.sort_values("date", kind="stable").drop_duplicates(["who", "area", "year", "quarter"])
        first = first[first["year"].between(*study.years)]
        first = first.assign(end=first["year"], who=first["who"].astype(str) + " " + first["quarter"])
    by = {} if cohort == "year" else {"quarter": QUARTERS}
    first = first.assign(**{base: True, stage: first["again"] > 0})
    table = counted(study, first, {stage: base}, window=window, by=by)
    keys = ["area", "end", "group", *by]
    found = first.assign(squares=first["again"] ** 2).astype({"area": str, "group": str})
    sums = found.groupby(keys)[["again", "squares"]].sum().rename(columns={"again": "reoffences"})
    text = table.astype({"area": str, "group": str, **dict.fromkeys(by, str)}).rename(columns={"year": "end"})
    added = text[keys].join(sums, on=keys)[["reoffences", "squares"]].fillna(0.0)
    opened = table["quarter"].astype(str).map(QUARTERS.index) * 3 if by else pd.Series(0, table.index)
    late = _closing(table["year"], opened.astype(int), months, study.period) > until
    note = np.where(late, "immature", "")
    return table.assign(**{c: added[c].to_numpy(float) for c in added}, note=note)[
        [*COUNTS, *by, "events", "denominator", "reoffences", "squares", "note"]
    ]


def apart(counts: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Leave reoffending out of a table of stages, where :func:`cohorts` can count it as it is defined.

    A report then gives one figure for it: of children followed for twelve months, and not also of those who happen to
    have come so far by the day of the extract.

    Parameters
    ----------
    counts : DataFrame
        As ``pipeline.stage_counts``.
    study : Study
        What was counted.

    Returns
    -------
    DataFrame
        The rows of the other stages; all rows where the study does not hold what cohorts need.
    """
    try:
        _held(study)
    except NotHeld:
        return counts
    return counts[~counts["stage"].isin(["cohort", "reoffended"])].reset_index(drop=True)


def children_only(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the reoffences out, so that the children who reoffended can be compared.

    Parameters
    ----------
    table : DataFrame
        As :func:`cohorts` gives it, or as released from it.

    Returns
    -------
    DataFrame
        The same rows, as ``pipeline.stage_counts``.
    """
    return table.drop(columns=["reoffences", "squares"], errors="ignore")


def frequencies(table: pd.DataFrame, *, level: float = 0.95, half: int = 0) -> pd.DataFrame:
    """Give the share who reoffended, and both frequencies, with their intervals.

    Parameters
    ----------
    table : DataFrame
        As :func:`cohorts` gives it, or as released from it: ``group, base, events`` (children who reoffended),
        ``denominator`` (children in the cohort), ``reoffences`` and, for intervals of the frequencies, ``squares``.
    level : float
        Confidence level, between 0 and 1.
    half : int
        How far a printed count can be from the true one: the interval of the share then holds that of every count that
        prints the same.

    Returns
    -------
    DataFrame
        Three rows for each, with ``vocabulary.MEASURE`` and ``reoffences``: ``proportion`` (Wilson),
        ``frequency_in_cohort`` and ``frequency_of_reoffenders``. The intervals of the last two rest on how much
        children differ, for one child brings several reoffences; without ``squares``, or with fewer than ``FEWEST`` who
        reoffended, there is none. Nobody in the cohort, or nobody who reoffended: NaN, ``no_denominator``.

    Examples
    --------
    The first three months of 2021-22 in Islington's Youth Justice Plan 2023-24: 11 children, 3 who reoffended, 7
    reoffences.

    >>> plan = pd.DataFrame({"group": ["all"], "base": "cohort_quarter", "events": 3, "denominator": 11,
    ...                      "reoffences": 7})
    >>> frequencies(plan)[["measure", "estimate"]].round(2)
                         measure  estimate
    0                 proportion      0.27
    1       frequency_in_cohort      0.64
    2  frequency_of_reoffenders      2.33
    """
    _need(table, ("events", "denominator", "reoffences"))
    extra = table["reoffences"].to_numpy(float)
    plain = table.drop(columns=["reoffences", "squares"], errors="ignore")
    binary = measures.rates(plain, level=level).assign(reoffences=extra)
    x, n = (binary[c].to_numpy(float) for c in ("events", "denominator"))
    if half:
        binary = _widened(binary, x, n, half, level)
    squares = table["squares"].to_numpy(float) if "squares" in table else np.full(len(table), np.nan)
    hidden = binary["note"].to_numpy(object)
    parts = [binary]
    for measure, size in ((PER_CHILD, n), (PER_REOFFENDER, x)):
        mean, error = _mean(extra, squares, size)
        sure = (x >= FEWEST) & (error > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.exp(special.stdtrit(np.maximum(size - 1, 1), (1 + level) / 2) * error / mean)
        known = np.select(
            [np.isin(hidden, ["immature", "suppressed"]), np.isnan(extra), ~(size > 0)],
            [hidden, "suppressed", "no_denominator"],
            "",
        ).astype(object)
        shown = known == ""
        parts.append(
            binary.assign(
                measure=measure,
                estimate=np.where(shown, mean, np.nan),
                low=np.where(shown & sure, mean / reach, np.nan),
                high=np.where(shown & sure, mean * reach, np.nan),
                p_value=np.nan,
                method=np.where(shown & sure, _METHOD, "no interval: needs how children differ"),
                note=known,
            )
        )
    return pd.concat(parts, ignore_index=True)


def frequency_ratios(table: pd.DataFrame, *, reference: str = "White", level: float = 0.95) -> pd.DataFrame:
    """Compare the frequencies of each group with the reference's.

    Parameters
    ----------
    table : DataFrame
        As :func:`cohorts` gives it, with ``squares``: true counts, for a restricted edition or for work.
    reference : str
        The group the others are compared with.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        Two rows for each, with ``vocabulary.MEASURE``: ``frequency_in_cohort_ratio`` and
        ``frequency_of_reoffenders_ratio``. Fewer than ``FEWEST`` who reoffended in the group or the reference: NaN and
        ``too_few_to_fit``. Children of unknown ethnicity are not compared.

    Raises
    ------
    ValueError
        If a column is missing, or the reference.

    Examples
    --------
    >>> two = pd.DataFrame({"area": "A", "year": 2021, "group": ["Black", "White"], "base": "cohort_year",
    ...                     "events": 20, "denominator": 60, "reoffences": [60, 30], "squares": [240, 60]})
    >>> frequency_ratios(two)[["group", "measure", "estimate", "low", "high"]].round(2).head(2)
       group                     measure  estimate   low  high
    0  Black  frequency_in_cohort_ratio       2.0  1.06  3.79
    1  White  frequency_in_cohort_ratio       1.0   NaN   NaN
    """
    _need(table, ("events", "denominator", "reoffences", "squares"))
    group = table["group"].astype(str)
    if not group.eq(reference).any():
        raise ValueError(
            f"reference {reference!r} is not one of the {group.nunique()} groups in the table "
            f"({', '.join(group.unique())})."
        )
    keys = [c for c in table if c not in ("group", "events", "denominator", "reoffences", "squares", "note")]
    own = table[group.eq(reference)].drop(columns=["group", "note"], errors="ignore")
    own = own.rename(
        columns={c: f"reference_{c}" for c in ("events", "denominator", "reoffences", "squares")}
    )
    both = table.merge(own, on=keys, how="left", validate="many_to_one")
    at = {
        side: [both[f"{side}{c}"].to_numpy(float) for c in ("events", "denominator", "reoffences", "squares")]
        for side in ("", "reference_")
    }
    itself = both["group"].astype(str).eq(reference).to_numpy()
    few = ~((at[""][0] >= FEWEST) & (at["reference_"][0] >= FEWEST))
    earlier = both["note"].to_numpy(object) if "note" in both else np.full(len(both), "", object)
    unknown = both["group"].astype(str).eq(UNKNOWN).to_numpy()
    note = np.select(
        [earlier != "", itself, unknown, few], [earlier, "reference", "not_compared", "too_few_to_fit"], ""
    ).astype(object)
    parts = []
    for measure, size in ((PER_CHILD, 1), (PER_REOFFENDER, 0)):
        (mean, error), (other, other_error) = (_mean(s[2], s[3], s[size]) for s in at.values())
        with np.errstate(divide="ignore", invalid="ignore"):
            log, spread = np.log(mean / other), np.sqrt((error / mean) ** 2 + (other_error / other) ** 2)
            degrees = np.maximum(np.minimum(at[""][size], at["reference_"][size]) - 1, 1)
            reach = special.stdtrit(degrees, (1 + level) / 2) * spread
            p_value = 2 * special.stdtr(degrees, -np.abs(log) / spread)
        shown = note == ""
        limits = {"low": np.exp(log - reach), "high": np.exp(log + reach), "p_value": p_value}
        parts.append(
            both.assign(
                measure=f"{measure}_ratio",
                reference=reference,
                estimate=np.where(note == "reference", 1.0, np.where(shown, np.exp(log), np.nan)),
                **{c: np.where(shown, v, np.nan) for c, v in limits.items()},
                method=f"{_METHOD}, degrees of freedom of the smaller group",
                note=note,
            )
        )
    out = pd.concat(parts, ignore_index=True)
    by = [c for c in keys if c not in MEASURE]
    return out[[c for c in (*MEASURE[:8], *by, *MEASURE[8:]) if c in out]]


# -- inside ------------------------------------------------------------------------------------------


def _held(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the events of a study and its offences that were proven, if it holds both."""
    refuse_stored(study, "reoffending")
    events = followed(study, ("cohort",), "reoffending")
    offences = study.offences
    if offences is None or "outcome" not in offences:
        raise NotHeld(
            "This study holds no offences with their dates and outcomes, so reoffending cannot be counted. A table "
            "offences.csv would show it."
        )
    proven = offences[offences["outcome"].isin(PROVEN) & offences["outcome_date"].notna()]
    if proven.empty:
        raise NotHeld(
            f"This study records no proven offence: none of its outcomes is {', '.join(PROVEN)}. Give "
            "outcomes by these words in offences.csv."
        )
    return events, proven


def _followed(study: Study) -> tuple[pd.DataFrame, pd.Timestamp]:
    """List every entry into a cohort with the number of reoffences after it; and the last day followed."""
    events, proven = _held(study)
    until = max(study.events["date"].max(), study.offences["outcome_date"].max())
    entries = events[events["stage"].eq("cohort")]
    entries = entries.assign(year=year_of(entries["date"], study.period), entry=np.arange(len(entries)))
    pairs = entries[["who", "entry", "date"]].merge(
        proven[["child_id", "offence_date", "outcome_date"]], left_on="who", right_on="child_id"
    )
    last = pairs["date"] + pd.DateOffset(months=FOLLOW)
    proven_by = pairs["date"] + pd.DateOffset(months=FOLLOW + PROVE)
    inside = pairs["offence_date"].gt(pairs["date"]) & pairs["offence_date"].le(last)
    again = pairs.loc[inside & pairs["outcome_date"].le(proven_by), "entry"].value_counts()
    return entries.assign(again=entries["entry"].map(again).fillna(0.0)), until


def _closing(year: pd.Series, opened: pd.Series, months: int, period: str) -> pd.Series:
    """Give the day by which the last entries of a cohort have been followed."""
    since = year.astype(int) * 12 + FIRST_MONTH[period] - 1 + opened + months + FOLLOW + PROVE
    return pd.to_datetime({"year": since // 12, "month": since % 12 + 1, "day": 1}) - pd.Timedelta(days=1)


def _mean(total: np.ndarray, squares: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give a mean over children and its standard error, from sums."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(size > 0, total / size, np.nan)
        variance = (squares - total**2 / size) / (size - 1)
        return mean, np.sqrt(np.maximum(variance, 0) / size)


def _widened(binary: pd.DataFrame, x: np.ndarray, n: np.ndarray, half: int, level: float) -> pd.DataFrame:
    """Widen the intervals of shares to those of every count that prints the same."""
    fewer, more = np.maximum(x - half, 0), np.minimum(x + half, np.maximum(n - half, 1))
    low = intervals.proportion(fewer, n + half, level=level).low
    high = intervals.proportion(more, np.maximum(n - half, 1), level=level).high
    return binary.assign(
        low=np.where(binary["low"].isna(), np.nan, low),
        high=np.where(binary["high"].isna(), np.nan, high),
        method=binary["method"] + f", widened for rounding to {2 * half + 1}",
    )


def _need(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    if missing := [c for c in columns if c not in table]:
        raise ValueError(
            f"{len(missing)} of {len(columns)} columns are missing: {', '.join(missing)}. Give the cohorts "
            "that reoffending.cohorts counts."
        )
