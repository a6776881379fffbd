"""How long do children wait from offence to outcome, those still waiting included?

Each child counts once, by its first offence of the window. Offences nobody has recorded yet are in no table, so the
latest years can only look too quick: shares within so many days are of years followed that long.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import survival
from .calendar_periods import year_of
from .field_counts import counted, last_in_window, refuse_stored
from .field_stages import HORIZONS
from .from_events import prepared
from .load import DataError, Study
from .reading import NotHeld
from .vocabulary import FIRST_MONTH, MEASURE, UNKNOWN
from .windows import grid, levels

FEWEST_CHILDREN = 10
"""Of fewer children neither median nor mean is given."""

_MEDIAN = "Kaplan-Meier; Brookmeyer-Crowley interval on log(-log)"
_MEAN = "area under Kaplan-Meier up to {} days; Greenwood, normal"


def within(study: Study, *, window: int = 1) -> pd.DataFrame:
    """Count the children whose first offence had its outcome within so many days.

    Parameters
    ----------
    study : Study
        From ``load.study``, with ``offences``.
    window : int
        Years pooled, ending with ``year``, of the offence.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``: ``outcome_91`` on ``offence_91``, and so for each of
        ``field_stages.HORIZONS``. ``immature`` where the window's last offences were not followed that long.

    Raises
    ------
    NotHeld
        If the study holds no offences with their dates, or children cannot be looked up in it.
    DataError
        If every outcome stands before its offence.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = within(load.study("data/synthetic"), window=5).query("year == 2023")
    >>> table.groupby("stage", observed=True)["note"].max().to_dict()
    {'outcome_91': '', 'outcome_182': 'immature', 'outcome_365': 'immature'}
    """
    rows, until = waits(study)
    first = last_in_window(rows, study, window, last=False)
    flags = {f"offence_{d}": True for d in HORIZONS}
    flags |= {f"outcome_{d}": first["ended"] & (first["days"] <= d) for d in HORIZONS}
    steps = {f"outcome_{d}": f"offence_{d}" for d in HORIZONS}
    table = counted(study, first.assign(**flags), steps, window=window)
    closed = pd.to_datetime({"year": table["year"] + 1, "month": FIRST_MONTH[study.period], "day": 1})
    days = table["stage"].astype(str).map({f"outcome_{d}": d for d in HORIZONS}).astype(int)
    # The last offences are of the day before the year closes.
    late = closed + pd.to_timedelta(days - 1, unit="D") > until
    return table.assign(note=np.where(late, "immature", ""))


def times(
    study: Study, *, window: int = 1, reference: str | None = None, horizon: int = 365, level: float = 0.95
) -> pd.DataFrame:
    """Give the median and the restricted mean of days from offence to outcome, and how the means differ.

    They are of true days: they can be released for a restricted edition or for work, and stand in the public one as
    the counts of :func:`within`.

    Parameters
    ----------
    study, window
        As for :func:`within`.
    reference : str, optional
        The group whose restricted mean is subtracted; the study's own by default.
    horizon : int
        Days up to which the mean is taken: longer waits count as this.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        The columns of ``vocabulary.MEASURE`` and ``horizon``, for each area, window and group three rows:
        ``median_days``, ``restricted_mean_days`` and ``restricted_mean_difference_days``. ``events`` are
        outcomes seen and ``denominator`` children; children still waiting count for as long as they have
        waited. ``note`` is ``too_few_to_fit`` under ``FEWEST_CHILDREN``, ``immature`` where too few have
        ended for the value, ``reference``.

    Raises
    ------
    NotHeld, DataError
        As :func:`within`.
    ValueError
        For a reference the study does not have.

    References
    ----------
    Royston and Parmar (2013), BMC Medical Research Methodology 13:152, on differences in restricted means.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = times(load.study("data/synthetic"), window=5).query("area == 'Islington' and year == 2023")
    >>> table["measure"].unique().tolist()
    ['median_days', 'restricted_mean_days', 'restricted_mean_difference_days']
    """
    reference = reference or study.reference
    if reference not in study.groups:
        raise ValueError(
            f"reference {reference!r} is not one of the {len(study.groups)} groups ({', '.join(study.groups)})."
        )
    rows, _ = waits(study)
    first = last_in_window(rows, study, window, last=False)
    cells = _cells(first, study, window, horizon, level)
    medians = cells.assign(measure="median_days", method=_MEDIAN, reference="", p_value=np.nan)
    means, gaps = _means(cells, reference, _MEAN.format(horizon), level)
    table = pd.concat([medians, means, gaps], ignore_index=True)
    few = table["denominator"].lt(FEWEST_CHILDREN)
    itself = table["group"].eq(table["reference"])
    note = np.select(
        [itself, few | table["reference_denominator"].lt(FEWEST_CHILDREN), table["estimate"].isna()],
        ["reference", "too_few_to_fit", "immature"],
        "",
    )
    hidden = note == "too_few_to_fit"
    values = {c: table[c].mask(hidden) for c in ("estimate", "low", "high", "p_value")}
    table = table.assign(note=note, **values)
    table = table.assign(
        group=pd.Categorical(table["group"], list(study.groups), ordered=True),
        area=pd.Categorical(table["area"], list(study.areas), ordered=True),
    )
    return table.assign(horizon=horizon)[[*(c for c in MEASURE if c in table), "horizon"]]


def waits(study: Study) -> tuple[pd.DataFrame, pd.Timestamp]:
    """List the offences with how long each waited, and the day up to which the study was followed.

    The table is private: it has a row for each offence and is never shown. An offence dated after its outcome has
    no wait that could be told and is left out; ``quality.profile`` counts such offences.

    Parameters
    ----------
    study : Study
        As for :func:`within`.

    Returns
    -------
    DataFrame
        ``who, area, group, year, date`` (of the offence), ``days`` and ``ended``.
    Timestamp
        The last day in the study's tables.

    Raises
    ------
    NotHeld, DataError
        As :func:`within`.
    """
    refuse_stored(study, "the time from offence to outcome")
    if study.offences is None or study.events is None:
        raise NotHeld(
            "This study holds no offences with the days of offence and outcome, so the time between them "
            "cannot be shown. A table offences.csv beside events.csv would show it."
        )
    until = max(study.events["date"].max(), study.offences["outcome_date"].max())
    rows = study.offences
    ended = rows["outcome_date"].notna()
    days = (rows["outcome_date"].fillna(until) - rows["offence_date"]).dt.days
    possible = days >= 0
    if not possible.any():
        raise DataError(
            f"offences.csv: {len(rows):,} of {len(rows):,} offences have their outcome, or the last day of the study, "
            "before the offence. First: row 2, column outcome_date. Correct the dates."
        )
    rows, days, ended = rows[possible], days[possible], ended[possible]
    who = prepared(study).drop_duplicates("child_id")[["child_id", "area", "group"]]
    rows = rows.assign(
        days=days.astype(float),
        ended=ended,
        date=rows["offence_date"],
        year=year_of(rows["offence_date"], study.period),
    ).merge(who, on="child_id", how="inner", validate="many_to_one")
    # Of several offences of one day the one decided last stands for the wait.
    rows = rows.assign(who=rows["child_id"]).sort_values(
        ["date", "days"], ascending=[True, False], kind="stable"
    )
    return rows[["who", "area", "group", "year", "date", "days", "ended"]].reset_index(drop=True), until


# -- inside ------------------------------------------------------------------------------------------


def _cells(first: pd.DataFrame, study: Study, window: int, horizon: int, level: float) -> pd.DataFrame:
    """Give the median and the restricted mean of every area, window and group."""

    def one(rows: pd.DataFrame) -> pd.Series:
        mean, error = survival.restricted_mean(rows["days"], rows["ended"], horizon=horizon)
        middle = survival.median(rows["days"], rows["ended"], level=level)
        counts = {"events": float(rows["ended"].sum()), "denominator": float(len(rows))}
        return pd.Series(counts | middle._asdict() | {"mean": mean, "error": error})

    keys = ["area", "end", "group"]
    found = first.astype({"area": str, "group": str}).groupby(keys)[["days", "ended"]].apply(one)
    cells = grid({k: v for k, v in levels(study, ["offence"], {}, window).items() if k != "stage"})
    table = cells.join(found, on=keys).fillna({"events": 0.0, "denominator": 0.0})
    return table.rename(columns={"end": "year"}).assign(
        years=int(window), unit="children", stage="outcome", base="offence"
    )


def _means(
    cells: pd.DataFrame, reference: str, method: str, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay out the restricted means, and their differences from the reference's."""
    low, high, _ = survival.around(cells["mean"], cells["error"], level=level)
    means = cells.assign(
        measure="restricted_mean_days",
        estimate=cells["mean"],
        low=np.maximum(low, 0),
        high=high,
        p_value=np.nan,
        method=method,
        reference="",
    )
    own = cells[cells["group"].eq(reference)].set_index(["area", "year"])
    own = own[["events", "denominator", "mean", "error"]].add_prefix("reference_")
    both = cells[cells["group"].ne(UNKNOWN)].join(own, on=["area", "year"])
    gap = both["mean"] - both["reference_mean"]
    error = np.sqrt(both["error"] ** 2 + both["reference_error"] ** 2)
    error = error.where(both["group"].ne(reference), np.nan)
    low, high, p_value = survival.around(gap, error, level=level)
    gaps = both.assign(
        measure="restricted_mean_difference_days",
        estimate=gap,
        low=low,
        high=high,
        p_value=p_value,
        method=f"difference; {method}",
        reference=reference,
    )
    return means, gaps
