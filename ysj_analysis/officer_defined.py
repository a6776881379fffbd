"""What did the officer see, and what did the child say?

In searches both are recorded: the self-defined ethnicity (one of the detailed codes, with three ways of not
being known) and the group as seen by the officer. They answer different questions and are never added into
one count here. Officers choose among Asian, Black, Other and White: there is no Mixed on their list, so
a Mixed child is always seen as something else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from . import intervals
from .ethnicity_source import side_by_side
from .from_events import prepared
from .load import Study
from .reading import NotHeld
from .vocabulary import BROAD, UNKNOWN, broad_groups

_NOT_ON_LIST = "not_on_officers_list"
"""Note: officers have no such group to choose, so none can be filled."""

ALL = "all"

_COLUMNS = (
    "unit", "self_defined", "officer_defined",
    "events", "denominator", "estimate", "low", "high", "method", "note",
)  # fmt: skip


def backfill(
    searches: pd.DataFrame, *, by: Sequence[str] = (), base: str = "2021", unit: str = "searches"
) -> pd.DataFrame:
    """Set beside each self-defined group how many of the unknown the officer put in it.

    Parameters
    ----------
    searches : DataFrame
        ``ethnicity`` (detailed code, self-defined) and ``ethnicity_officer`` (a broad group; empty where
        not recorded), one row a search.
    by : sequence of str
        Columns to split by, such as ``area``.
    base : {"2001", "2011", "2021"}
        Census base of the broad groups.
    unit : str
        What a row is, for the column of that name.

    Returns
    -------
    DataFrame
        ``[by...], unit, group, known, filled, source, method, note``, a row for every broad group:
        ``known`` searches by self-defined ethnicity; ``filled`` those of unknown self-defined ethnicity, by
        the officer's view. ``filled`` adds up to ``known`` of the row ``Unknown``, whose own ``filled`` are
        unknown to both. The two are not added together here and should not be elsewhere. Mixed is
        noted ``not_on_officers_list``: those children are among the other groups' ``filled``.

    Raises
    ------
    ValueError
        If a column is missing, or an officer's label is not a broad group.

    Examples
    --------
    >>> t = pd.DataFrame({"ethnicity": ["B1", "W1", "NS", "NS", "M1", "NK"],
    ...                   "ethnicity_officer": ["Black", "White", "Black", "White", "Black", ""]})
    >>> backfill(t)[["group", "known", "filled", "note"]]
         group  known  filled                  note
    0    Asian      0       0
    1    Black      1       1
    2    Mixed      1       0  not_on_officers_list
    3    Other      0       0
    4    White      1       1
    5  Unknown      3       1
    """
    pairs = _pairs(searches, by, base)
    by = list(by)
    grid = _grid(pairs, by, {"group": BROAD})
    known = pairs.groupby([*by, "self_defined"], observed=True).size().rename("known")
    unknown = pairs[pairs["self_defined"] == UNKNOWN]
    filled = unknown.groupby([*by, "officer_defined"], observed=True).size().rename("filled")
    table = grid.copy()
    for counts in (known, filled):
        table[counts.name] = counts.reindex(
            pd.MultiIndex.from_frame(grid) if by else grid["group"]
        ).to_numpy()
    table = table.fillna({"known": 0, "filled": 0}).astype({"known": int, "filled": int})
    listed = table["group"].isin([*_officers_list(pairs), UNKNOWN])
    table = table.assign(
        unit=unit,
        group=pd.Categorical(table["group"], categories=list(BROAD), ordered=True),
        source="known: self-defined; filled: officer-defined, of those whose self-defined is unknown",
        method="counted side by side, never added",
        note=np.where(listed, "", _NOT_ON_LIST),
    )
    return table[[*by, "unit", "group", "known", "filled", "source", "method", "note"]]


def backfill_children(study: Study) -> pd.DataFrame:
    """Set beside each self-defined group, stage by stage, how many of the unknown an officer put in it.

    Parameters
    ----------
    study : Study
        From ``load.study``, with events and children.

    Returns
    -------
    DataFrame
        As :func:`backfill`, by ``area`` and ``stage``: distinct children with an event dated in the study's
        years. ``known`` is what the children said; ``filled`` is what officers recorded of children who are
        of unknown ethnicity in every count of self-defined ethnicity.

    Raises
    ------
    NotHeld
        If the study holds no records of children, or leaves them where they are (``large``).

    Examples
    --------
    >>> from ysj_analysis import load
    >>> table = backfill_children(load.study("data/synthetic"))
    >>> set(table["unit"]), int(table.loc[table["group"] == "Mixed", "filled"].sum() > 0)
    ({'children'}, 1)
    """
    if study.children is None or not isinstance(study.events, pd.DataFrame):
        raise NotHeld(
            "This study holds no records of children in memory, so what officers recorded of those of unknown "
            "ethnicity cannot be set beside the count. A children.csv with ethnicity_source would show it."
        )
    events = prepared(study)
    events = events[events["year"].between(*study.years)]
    reached = events[["area", "stage", "child_id"]].drop_duplicates().astype({"stage": str})
    pairs = side_by_side(study.children[["child_id", "ethnicity", "ethnicity_source"]], base=study.base)
    pairs = reached.merge(pairs, on="child_id", how="left").fillna(
        {"ethnicity": "NR", "ethnicity_officer": ""}
    )
    return backfill(pairs, by=["area", "stage"], base=study.base, unit="children")


def agreement(
    searches: pd.DataFrame, *, by: Sequence[str] = (), base: str = "2021", level: float = 0.95
) -> pd.DataFrame:
    """Cross self-defined with officer-defined ethnicity, and say how far they agree beyond chance.

    Parameters
    ----------
    searches, by, base
        As for :func:`backfill`.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    DataFrame
        ``measure, [by...], unit, self_defined, officer_defined, events, denominator, estimate, low, high,
        method, note``. First every pair of groups, the unknown included, with ``measure``
        ``share_of_self_defined`` (of children who called themselves this, how many were seen as that; 0 to
        1), then the same pairs with ``share_of_officer_defined``. Then two rows with ``cohens_kappa``
        (-1 to 1), among searches of which both are known: over ``all`` self-defined groups, and without
        those that officers cannot choose (noted ``not_on_officers_list``). ``events`` is then the
        number that agree. Nobody in a row or column: NaN, ``no_denominator``. Only one group
        on either side: kappa is NaN, ``no_events`` to disagree on.

    Raises
    ------
    ValueError
        As for :func:`backfill`.

    Notes
    -----
    With p the share that agrees and c the share that would by chance, kappa = (p - c)/(1 - c). Its
    interval is Wald with the large-sample variance for a kappa other than 0, cut at -1 and 1; where all agree
    that variance is 0 and the interval is not given.

    References
    ----------
    Cohen (1960), Educational and Psychological Measurement 20:37-46; variance: Fleiss, Cohen and Everitt
    (1969), Psychological Bulletin 72:323-327; Wilson (1927) for the shares.

    Examples
    --------
    >>> t = pd.DataFrame({"ethnicity": ["B1"] * 8 + ["W1"] * 9 + ["M1"] * 3,
    ...     "ethnicity_officer": ["Black"] * 7 + ["White"] * 9 + ["Black"] * 4})
    >>> agreement(t).tail(2)[["events", "denominator", "estimate", "low", "high"]].round(2)
        events  denominator  estimate   low  high
    72      15           20      0.57  0.28  0.85
    73      15           17      0.76  0.46  1.00
    """
    pairs = _pairs(searches, by, base)
    by = list(by)
    grid = _grid(pairs, by, {"self_defined": BROAD, "officer_defined": BROAD})
    counts = pairs.groupby([*by, "self_defined", "officer_defined"], observed=True).size()
    events = counts.reindex(pd.MultiIndex.from_frame(grid)).fillna(0).astype(int)
    table = grid.assign(events=events.to_numpy(), note="")
    shares = [
        _shares(table, [*by, side], f"share_of_{side}", level) for side in ("self_defined", "officer_defined")
    ]
    listed = _officers_list(pairs)
    kappas = [_kappa(table, by, BROAD[:-1], level), _kappa(table, by, listed, level)]
    kappas[1]["note"] = kappas[1]["note"].mask(kappas[1]["note"] == "", _NOT_ON_LIST)
    out = pd.concat([*shares, *kappas], ignore_index=True).assign(unit="searches")
    return out[["measure", *by, *_COLUMNS]]


def _pairs(searches: pd.DataFrame, by: Sequence[str], base: str) -> pd.DataFrame:
    """Both groups of every search, and the columns to split by."""
    wanted = ["ethnicity", "ethnicity_officer", *by]
    lacking = [c for c in wanted if c not in searches.columns]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(wanted)} columns are missing: {', '.join(lacking)}. The table has "
            f"{', '.join(map(str, searches.columns))}."
        )
    officer = searches["ethnicity_officer"].astype(object).fillna("").astype(str).str.strip()
    officer = officer.where(officer.ne(""), UNKNOWN)
    broad = broad_groups(base)
    own = searches["ethnicity"].astype(object)
    for name, column, allowed in (
        ("ethnicity_officer", officer, set(BROAD)),
        ("ethnicity", own, set(broad)),
    ):
        wrong = ~column.isin(allowed)
        if wrong.any():
            listed = ", ".join(
                f"{label!r} ({n})" for label, n in column[wrong].value_counts(dropna=False)[:5].items()
            )
            raise ValueError(
                f"{name}: {wrong.sum()} of {len(searches)} searches have a label that is not in the vocabulary: "
                f"{listed}. Correct it; {name} takes {', '.join(sorted(allowed))}."
            )
    return searches[list(by)].assign(self_defined=own.map(broad), officer_defined=officer)


def _officers_list(pairs: pd.DataFrame) -> list[str]:
    """The groups officers choose from: without Mixed, unless this table shows that theirs has it."""
    return [g for g in BROAD if g != UNKNOWN and (g != "Mixed" or (pairs["officer_defined"] == g).any())]


def _grid(pairs: pd.DataFrame, by: list[str], groups: dict) -> pd.DataFrame:
    """Every combination of the values split by that occurs, with every group."""
    names = pd.MultiIndex.from_product(groups.values(), names=groups).to_frame(index=False)
    if not by:
        return names
    return pairs[by].drop_duplicates().sort_values(by).merge(names, how="cross")


def _shares(table: pd.DataFrame, of: list[str], measure: str, level: float) -> pd.DataFrame:
    """Each pair as a share of the group named by one side."""
    whole = table.groupby(of, observed=True)["events"].transform("sum")
    share = intervals.proportion(table["events"], whole, level=level)
    return table.assign(
        measure=measure,
        denominator=whole,
        estimate=share.estimate,
        low=share.low,
        high=share.high,
        method="Wilson",
        note=np.where(whole > 0, "", "no_denominator"),
    )


def _kappa(table: pd.DataFrame, by: list[str], groups: Sequence[str], level: float) -> pd.DataFrame:
    """Cohen's kappa of the searches in which both sides are known, a row for each value split by."""
    both = table[table["self_defined"].isin(groups) & table["officer_defined"].isin(BROAD[:-1])]
    where = both[by].drop_duplicates() if by else pd.DataFrame(index=[0])
    wide = len(groups), len(BROAD) - 1
    square = np.zeros((len(where), wide[1], wide[1]))
    at = [BROAD.index(g) for g in groups]
    square[:, at] = both["events"].to_numpy(float).reshape(len(where), *wide)
    agree, number, estimate, error = cohens_kappa(square)
    z = -special.ndtri((1 - level) / 2)
    error = np.where(error > 0, error, np.nan)
    note = np.select([number == 0, np.isnan(estimate)], ["no_denominator", "no_events"], "")
    return where.assign(
        measure="cohens_kappa",
        self_defined=ALL,
        officer_defined=ALL,
        events=agree.astype(int),
        denominator=number.astype(int),
        estimate=estimate,
        low=np.maximum(estimate - z * error, -1),
        high=np.minimum(estimate + z * error, 1),
        method="Cohen's kappa, Fleiss-Cohen-Everitt variance",
        note=note.astype(object),
    )


def cohens_kappa(square) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Compute kappa from square tables, one on the last two axes of each.

    Parameters
    ----------
    square : array_like of float
        Counts, the same groups in the same order on both axes.

    Returns
    -------
    agree, number, kappa, error : ndarray of float
        How many agree, of how many, kappa and its standard error; NaN if all are in one group on both
        sides, or there are none.
    """
    counts = np.asarray(square, float)
    number = counts.sum(axis=(-2, -1))
    diagonal = np.diagonal(counts, axis1=-2, axis2=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = counts / number[..., None, None]
        same = diagonal / number[..., None]
        row, column = p.sum(axis=-1), p.sum(axis=-2)
        observed, chance = same.sum(axis=-1), (row * column).sum(axis=-1)
        kappa = np.where(chance < 1, (observed - chance) / (1 - chance), np.nan)
        left = 1 - kappa
        pull = column[..., :, None] + row[..., None, :]
        on = (same * (1 - (row + column) * left[..., None]) ** 2).sum(axis=-1)
        on_all = (np.diagonal(pull, axis1=-2, axis2=-1) ** 2 * same).sum(axis=-1)
        off = left**2 * ((p * pull**2).sum(axis=(-2, -1)) - on_all)
        variance = (on + off - (kappa - chance * left) ** 2) / (number * (1 - chance) ** 2)
    return diagonal.sum(axis=-1), number, kappa, np.sqrt(np.maximum(variance, 0))
