"""Who was searched, and with what result? From a table of searches to tables of counts.

A search has no child id, so searches are counted, never children. Self-defined and officer-defined
ethnicity are two countings of the same searches: each table is of one of them, named in the column
``defined_by``, and nothing here adds them together.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .load import Study
from .officer_defined import agreement, cohens_kappa
from .search_selection import Selection, officers_list, select
from .vocabulary import BROAD, ETHNICITIES, POPULATION, UNKNOWN, Stage

__all__ = [
    "ARREST",
    "LINKED",
    "OFFICER",
    "SEARCH",
    "SELF",
    "Selection",
    "agreements",
    "cross",
    "crossed_counts",
    "kappa",
    "ledger",
    "linked",
    "objects",
    "officer_defined",
    "outcomes",
    "part",
    "select",
    "self_defined",
    "stages",
    "unknown",
]

SELF, OFFICER, BOTH = "self-defined", "officer-defined", "both"
SEARCH = "stop_search"
LINKED = "outcome_linked"
ARREST = "outcome: Arrest"
NOT_RECORDED = "Not recorded"


def self_defined(chosen: Selection) -> pd.DataFrame:
    """Count searches by what children said of themselves, out of the children of each group.

    Parameters
    ----------
    chosen : Selection
        From `select`.

    Returns
    -------
    DataFrame
        ``area, year, years, unit, stage, base, group, defined_by, events, denominator``: a row for
        every group, those without searches and the unknown too. The denominator is child-years in
        the period, NaN for the unknown and where there is no population.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> june = select(load.study("data/synthetic"), area="Islington", year=2023, month=6)
    >>> self_defined(june)[["group", "unit", "defined_by", "denominator"]].head(2)
       group      unit    defined_by  denominator
    0  Asian  searches  self-defined        120.0
    1  Black  searches  self-defined        320.0
    """
    return _rates(chosen, SELF, _all(chosen))


def officer_defined(chosen: Selection) -> pd.DataFrame:
    """Count searches by the group the officer saw, out of the children of each group.

    Parameters, Returns
        As `self_defined`. Officers choose among Asian, Black, Other and White: there is no row for
        Mixed unless these searches show one, and children who call themselves Mixed are counted in
        another group's searches but not in its children, which makes its rate too high.
    """
    return _rates(chosen, OFFICER, _all(chosen))


def objects(chosen: Selection, *, defined_by: str = SELF) -> pd.DataFrame:
    """Count searches for each object by group, out of the children of each group.

    Parameters
    ----------
    chosen : Selection
        From `select`.
    defined_by : {"self-defined", "officer-defined"}
        Whose word on ethnicity.

    Returns
    -------
    DataFrame
        As `self_defined`, all searches first; then a stage of the table is an object of `stages`, the most
        frequent first. The objects of a group add to its searches.
    """
    return _rates(chosen, defined_by, _all(chosen) | _each(chosen, "object"))


def outcomes(chosen: Selection, *, defined_by: str = SELF) -> pd.DataFrame:
    """Count searches with each outcome by group, out of the searches of each group.

    Parameters
    ----------
    chosen, defined_by
        As for `objects`.

    Returns
    -------
    DataFrame
        As `self_defined`; a stage of the table is an outcome of `stages`, most frequent first, and the
        base is ``stop_search``. The outcomes of a group add to its searches.
    """
    return _shares(chosen, defined_by, _each(chosen, "outcome"))


def linked(chosen: Selection, *, defined_by: str = SELF) -> pd.DataFrame:
    """Count searches whose outcome is linked to their object: the hit rate, out of the searches of each group.

    Parameters
    ----------
    chosen, defined_by
        As for `objects`.

    Returns
    -------
    DataFrame
        As `outcomes`, with the one stage ``outcome_linked``. A search of which the link is not recorded is
        in the denominator; where it is recorded of none, events and denominator are NaN and ``note`` is
        ``no_denominator``.
    """
    flags = chosen.rows.get("outcome_linked", pd.Series("", chosen.rows.index))
    table = _shares(chosen, defined_by, {LINKED: flags.eq("yes")})
    if flags.isin(["yes", "no"]).any():
        return table.assign(note="")
    return table.assign(events=np.nan, denominator=np.nan, note="no_denominator")


def unknown(chosen: Selection) -> pd.DataFrame:
    """Count, for each side, how many searches have no ethnicity, out of all searches.

    Parameters
    ----------
    chosen : Selection
        From `select`.

    Returns
    -------
    DataFrame
        As `self_defined`, a row for each way of not being known: ``group`` is Not stated, Not known or Not
        recorded. The base is ``stop_search`` and the denominator all searches.
    """
    labels = {e.code: e.label for e in ETHNICITIES if e.broad_2021 == UNKNOWN}
    codes = chosen.rows["ethnicity"].astype(str)
    counted = [(SELF, label, int(codes.eq(code).sum())) for code, label in labels.items()]
    blank = int(chosen.rows["officer_defined"].eq(UNKNOWN).sum())
    table = pd.DataFrame(
        [*counted, (OFFICER, NOT_RECORDED, blank)], columns=["defined_by", "group", "events"]
    )
    return _laid_out(table.assign(stage=SEARCH, base=SEARCH, denominator=len(chosen.rows)), chosen)


def agreements(chosen: Selection) -> pd.DataFrame:
    """Count, for each self-defined group, the searches in which the officer saw the same.

    Parameters
    ----------
    chosen : Selection
        From `select`.

    Returns
    -------
    DataFrame
        As `self_defined`, for each group officers can choose: how many were seen as it, out of the
        searches of that group in which the officer recorded one. ``defined_by`` is "both".
    """
    pairs = _pairs(chosen)
    known = pairs[(pairs["self_defined"] != UNKNOWN) & (pairs["officer_defined"] != UNKNOWN)]
    seen = known[known["self_defined"] == known["officer_defined"]].set_index("self_defined")["events"]
    table = known.groupby("self_defined", sort=False)["events"].sum().rename("denominator").to_frame()
    table = table.assign(events=seen).reset_index(names="group")
    table = table[table["group"].isin(officers_list(chosen))]
    return _laid_out(table.assign(defined_by=BOTH, stage=SEARCH, base=SEARCH), chosen)


def cross(chosen: Selection) -> pd.DataFrame:
    """Cross self-defined with officer-defined ethnicity, a row for each self-defined group.

    Parameters
    ----------
    chosen : Selection
        From `select`.

    Returns
    -------
    DataFrame
        ``self_defined`` and a column of counts for each group officers choose from, then
        ``not_recorded`` and ``all``.
    """
    seen = [*officers_list(chosen), UNKNOWN]
    pairs = _pairs(chosen).pivot(index="self_defined", columns="officer_defined", values="events")
    table = pairs.loc[list(BROAD), seen].rename(columns={UNKNOWN: "not_recorded"})
    table = table.assign(all=table.sum(axis=1)).astype(float).reset_index()
    return table.rename_axis(None, axis=1)


def part(chosen: Selection) -> dict[str, object]:
    """Say which area and which period a table is of that does not say so itself, for its release."""
    month = {"month": f"{chosen.month:02d}"} if chosen.month else {}
    return {
        "area": chosen.area,
        "year": chosen.year,
        "years": 1,
        "unit": "searches",
        "stage": SEARCH,
        **month,
    }


def crossed_counts(chosen: Selection) -> tuple[str, ...]:
    """Name the columns of `cross` that hold counts."""
    return (*officers_list(chosen), "not_recorded", "all")


def kappa(crossed: pd.DataFrame) -> float:
    """Say how far the two sides agree beyond chance, from a printed table; NaN if a cell of it is hidden.

    Parameters
    ----------
    crossed : DataFrame
        From `cross`, as printed.

    Returns
    -------
    float
        Cohen's kappa over the groups officers choose from, of searches with both recorded: from -1 to 1; NaN
        where there are none, or all of them are of one group on both sides.
    """
    groups = [c for c in crossed.columns if c in BROAD]
    square = crossed.set_index("self_defined").loc[groups, groups].to_numpy(float)
    return float(cohens_kappa(square)[2]) if np.isfinite(square).all() else float("nan")


def stages(chosen: Selection) -> Mapping[str, Stage]:
    """Give the stages of these tables: the search, each object, each outcome and the link, with their words.

    Parameters
    ----------
    chosen : Selection
        From `select`.

    Returns
    -------
    mapping of str to Stage
        A stage graph of its own: searches are counted, not children.
    """
    found = [Stage(SEARCH, "All searches", POPULATION, "contact", "adverse", "were made")]
    for stage in _each(chosen, "object"):
        label = stage.partition(": ")[2]
        did = (
            "with no object recorded were made" if label == NOT_RECORDED else f"for {_lower(label)} were made"
        )
        found.append(Stage(stage, label, POPULATION, "contact", "adverse", did))
    for stage in _each(chosen, "outcome"):
        label = stage.partition(": ")[2]
        did = "have no outcome recorded" if label == NOT_RECORDED else f"ended in {_lower(label)}"
        found.append(Stage(stage, label, SEARCH, "partition", "neutral", did))
    found.append(
        Stage(LINKED, "Outcome linked to the object of the search", SEARCH, "decision", "neutral",
              "had an outcome linked to their object")
    )  # fmt: skip
    return {stage.id: stage for stage in found}


def ledger(study: Study, chosen: Selection) -> pd.DataFrame:
    """List what was removed, kept apart or assumed on the way to these counts.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    chosen : Selection
        From `select`.

    Returns
    -------
    DataFrame
        ``step, what, why, removed, left, note``: the lines of the conversion, then those of counting.
    """
    names = ["step", "what", "why", "removed", "left"]
    here, total = int(study.searches["area"].eq(chosen.area).sum()), len(study.searches)
    without = int((chosen.rows["self_defined"] == UNKNOWN).sum())
    own = [
        ("count", "searches in other areas, or in none", "not this area's", total - here, here),
        ("count", f"searches outside {chosen.label}", "not this period's", here - len(chosen.rows), len(chosen.rows)),
        ("count", "searches of unknown self-defined ethnicity", f"kept, as {UNKNOWN}", 0, without),
    ]  # fmt: skip
    lines = pd.concat(
        [study.ledger.reindex(columns=names), pd.DataFrame(own, columns=names)], ignore_index=True
    )
    lines = lines.assign(**{c: pd.to_numeric(lines[c], errors="coerce").astype(float) for c in names[3:]})
    return lines.assign(note=np.where(lines["removed"].isna() & lines["left"].isna(), "no_number", ""))


# -- inside ------------------------------------------------------------------------------------------


def _all(chosen: Selection) -> dict[str, pd.Series]:
    return {SEARCH: pd.Series(True, chosen.rows.index)}


def _each(chosen: Selection, column: str) -> dict[str, pd.Series]:
    """Which searches have each value of a column, the most frequent first; ids name the column too."""
    values = chosen.rows.get(column, pd.Series("", chosen.rows.index))
    values = values.where(values.ne(""), NOT_RECORDED)
    counted = values.value_counts().rename_axis("label").reset_index(name="n")
    labels = counted.sort_values(["n", "label"], ascending=[False, True])["label"]
    return {f"{column}: {label}": values.eq(label) for label in labels}


def _group(chosen: Selection, defined_by: str) -> pd.Series:
    """The group of every search, by one side alone."""
    if defined_by not in (SELF, OFFICER):
        raise ValueError(f"defined_by is {defined_by!r}; it must be {SELF!r} or {OFFICER!r}.")
    groups = list(chosen.groups) if defined_by == SELF else [*officers_list(chosen), UNKNOWN]
    return pd.Series(pd.Categorical(chosen.rows[defined_by.replace("-", "_")], categories=groups))


def _counted(chosen: Selection, defined_by: str, kinds: Mapping[str, pd.Series]) -> pd.DataFrame:
    group = _group(chosen, defined_by)
    parts = [
        group[has.to_numpy()].value_counts(sort=False).rename_axis("group").reset_index(name="events").assign(stage=kind)
        for kind, has in kinds.items()
    ]  # fmt: skip
    table = (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["group", "events", "stage"])
    )
    return table.astype({"group": str}).assign(defined_by=defined_by)


def _rates(chosen: Selection, defined_by: str, kinds: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Counts out of the children of each group."""
    table = _counted(chosen, defined_by, kinds)
    return _laid_out(
        table.assign(base=POPULATION, denominator=table["group"].map(chosen.child_years)), chosen
    )


def _shares(chosen: Selection, defined_by: str, kinds: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Counts out of the searches of each group."""
    table = _counted(chosen, defined_by, kinds)
    return _laid_out(
        table.assign(base=SEARCH, denominator=table["group"].map(_group(chosen, defined_by).value_counts())),
        chosen,
    )


def _laid_out(table: pd.DataFrame, chosen: Selection) -> pd.DataFrame:
    order = list(dict.fromkeys([*chosen.groups, *table["group"]]))
    table = table.assign(
        area=chosen.area,
        year=chosen.year,
        years=1,
        unit="searches",
        group=pd.Categorical(table["group"], order, ordered=True).remove_unused_categories(),
    ).astype({"events": float, "denominator": float})
    columns = [
        "area",
        "year",
        "years",
        "unit",
        "stage",
        "base",
        "group",
        "defined_by",
        *(["month"] if chosen.month else []),
        "events",
        "denominator",
    ]
    if chosen.month:  # the counts of a month are a part of those of the year
        table = table.assign(month=f"{chosen.month:02d}")
    return table[columns].reset_index(drop=True)


def _pairs(chosen: Selection) -> pd.DataFrame:
    """Count every pair of a self-defined and an officer-defined group."""
    columns = chosen.rows.reindex(columns=["ethnicity", "ethnicity_officer"])
    crossed = agreement(columns.assign(ethnicity=columns["ethnicity"].astype(str)), base=chosen.base)
    pairs = crossed[crossed["measure"] == "share_of_self_defined"]
    return pairs[["self_defined", "officer_defined", "events"]].reset_index(drop=True)


def _lower(label: str) -> str:
    """Write a label inside a sentence."""
    return label[:1].lower() + label[1:]
