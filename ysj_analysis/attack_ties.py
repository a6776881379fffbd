"""How do the cells of the kit's reports hang together? What anyone can read in its code.

Which cells a row counts, and how groups, splits and the outcomes of a decision add up.
"""

from __future__ import annotations

import re
from collections import defaultdict

from .attack_facts import ALL, PERSON_UNITS, Cell, Release, Sum, number

PARTITIONS = {
    "remand_decision": ("bail", "community_remand", "rlaa", "yda"),
    "sentenced": ("first_tier", "community", "custody"),
}
"""Procedures that are there to be divided into outcomes: who did not pass one says nothing of a child."""
UNKNOWN = "Unknown"
_OF_UNKNOWN = ("Not stated", "Not known", "Not recorded")
_EXCLUSIVE = ("outcome: ", "object: ")


def cells(record: dict[str, str], split: list[str]) -> tuple[Cell, Cell]:
    """Say which two cells a row's count and denominator are.

    Parameters
    ----------
    record : dict
        A row of one of the kit's long tables.
    split : list of str
        Its further dimensions.

    Returns
    -------
    tuple of Cell
        The count and its base. On the population both go by the date of the event; on a stage, both
        follow episodes from the year they began in.
    """
    dims = {"area": record.get("area", ""), "group": record["group"]} | {s: record[s] for s in split}
    year, years = number(record.get("year", "")), number(record.get("years", "") or "1")
    window = None if year is None or years is None else (int(year[0] - years[0] + 1), int(year[0]))
    stage, base, unit = record["stage"], record["base"], record.get("unit", "children")
    key = tuple(sorted(dims.items()))
    if base == "population":
        return Cell(stage, unit, key, window), Cell("population", "child-years", key, window)
    if base == stage:
        one = Cell(stage, unit, key, window)
        return one, one.at(group=ALL)
    return Cell(f"{stage} of {base}", unit, key, window), Cell(f"{base}, followed", unit, key, window)


def reference_cell(cell: Cell, reference: str) -> Cell:
    """Give the cell a comparison is with.

    Parameters
    ----------
    cell : Cell
        Of the group compared.
    reference : str
        A group, ``overall`` or ``all-others``; the last two add up groups of known ethnicity.
    """
    if reference == "overall":
        return cell.at(group="(known)")
    if reference == "all-others":
        group = cell.value("group")
        return cell.at(group="(known)" if group == UNKNOWN else f"(known but {group})")
    return cell.at(group=reference)


def tied(release: Release) -> None:
    """Add what everyone knows of how the cells of the kit's reports add up.

    Parameters
    ----------
    release : Release
        Of one or several reports; sums are added to it.
    """
    used = {c.cell for c in release.counts} | {c for f in release.figures for c in f.cells}
    used |= {c for pair in release.within for c in pair}
    groups = defaultdict(set)
    for cell in used:
        if not cell.value("group").startswith("(") and cell.value("group") not in _OF_UNKNOWN:
            groups[cell.what, cell.unit, cell.value("area")].add(cell.value("group"))
    for cell in sorted(used, key=str):
        group, known = cell.value("group"), groups[cell.what, cell.unit, cell.value("area")]
        if group == ALL:
            parts = known
        elif group.startswith("(known"):
            parts = known - {UNKNOWN, group.removeprefix("(known but ").rstrip(")")}
        else:
            continue
        release.sums.append(Sum(cell, tuple(cell.at(group=g) for g in sorted(parts)), True, "groups"))
    _tie_splits(release, used)
    _tie_kinds(release, used)
    _tie_areas(release, used)
    for cell in sorted(used, key=str):
        base = cell.what.removesuffix(", followed")
        if base in PARTITIONS and base != cell.what:
            steps = tuple(cell._replace(what=f"{part} of {base}") for part in PARTITIONS[base])
            if set(steps) <= used:
                release.sums.append(Sum(cell, steps, cell.unit not in PERSON_UNITS, "a partition"))


def _tie_kinds(release: Release, used: set[Cell]) -> None:
    """Add up the kinds of unknown ethnicity, and the outcomes or objects of searches with all others."""
    whole = defaultdict(list)
    for cell in used:
        for kind in _EXCLUSIVE:
            what, _, base = cell.what.partition(" of ")
            if what.startswith(kind) and base:
                whole[cell._replace(what=f"{base}, followed"), kind].append(cell)
        if cell.value("group") in _OF_UNKNOWN:
            whole[cell.at(group=UNKNOWN), ""].append(cell)
    for total, kind in sorted((key for key in whole if key[0] in used), key=str):
        parts = sorted(whole[total, kind], key=str)
        rest = [parts[0]._replace(what=f"{kind}any other of {total.what}")] if kind else []
        exact = bool(kind) or {p.value("group") for p in parts} == set(_OF_UNKNOWN)
        if exact:
            release.sums.append(Sum(total, (*parts, *rest), True, kind or "kinds of unknown"))


def _tie_areas(release: Release, used: set[Cell]) -> None:
    """Add up the areas of a report on several together: a child may have been seen in more than one."""
    areas = {c.value("area") for c in used}
    for joint in sorted(a for a in areas if " and " in a):
        parts = set(re.split(r", | and ", joint))
        if not parts <= areas:
            continue
        for total in sorted((c for c in used if c.value("area") == joint), key=str):
            cells = tuple(total.at(area=a) for a in sorted(parts))
            exact = total.unit not in PERSON_UNITS
            release.sums.append(Sum(total, cells, exact, "areas"))


def _tie_splits(release: Release, used: set[Cell]) -> None:
    """Add up further dimensions: a cell without one is the total of those that have it and all else alike."""
    totals = defaultdict(list)
    for cell in used:
        for name, _ in cell.dims:
            if name not in ("area", "group"):
                rest = tuple(d for d in cell.dims if d[0] != name)
                totals[cell._replace(dims=rest)].append(cell)
    for total in sorted(set(totals) & used, key=str):
        parts = sorted(totals[total], key=str)
        if any(name == "gravity" for part in parts for name, _ in part.dims):
            parts.append(parts[0].at(gravity="gravity not known"))  # which a table may leave out
        release.sums.append(Sum(total, tuple(dict.fromkeys(parts)), True, "splits"))
