"""How many reached each stage, counted by sorting? The same as ``large_counts``, of events that are arrays.

What is known of a child is one number, so that cells are numbers too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .ethnicity_source import groups
from .large import SPLITS
from .large_numbers import PIECE, tallied, together
from .vocabulary import UNKNOWN, broad_groups

GROUPS = tuple(dict.fromkeys(broad_groups("2021").values()))
"""The broad groups of every census base."""


# -- what is known of a child, as a number -----------------------------------------------------------


def packed(parts: Sequence):
    """Pack the group and the splits of a child into one number.

    Parameters
    ----------
    parts : sequence of int, array or expression of Ibis
        The place of its group in `GROUPS`, and of each characteristic in ``large.SPLITS``.

    Returns
    -------
    int, array or expression
        As the parts are.
    """
    number = parts[0]
    for values, part in zip(SPLITS.values(), parts[1:], strict=True):
        number = number * len(values) + part
    return number


def nobody() -> int:
    """Give the number of a child of whom nothing is known."""
    return packed([GROUPS.index(UNKNOWN), *(len(values) - 1 for values in SPLITS.values())])


def described(who: np.ndarray) -> pd.DataFrame:
    """Say what the numbers of children stand for.

    Parameters
    ----------
    who : array of int
        From the column ``who``.

    Returns
    -------
    DataFrame
        ``group, sex, looked_after, send``.

    Examples
    --------
    >>> described(np.array([27]))
       group     sex looked_after send
    0  Black  female           no   no
    """
    out, left = {}, np.asarray(who, dtype=int)
    for column, values in reversed(list(SPLITS.items())):
        left, at = np.divmod(left, len(values))
        out[column] = pd.Categorical.from_codes(at, list(values))
    out["group"] = pd.Categorical.from_codes(left, list(GROUPS))
    return pd.DataFrame(out)[["group", *SPLITS]]


# -- which events, and whose -------------------------------------------------------------------------


def areas_of(study) -> np.ndarray:
    """Say of each area of the events whether it is the study's: an array of bool."""
    return study.events["area"].isin(study.areas).to_numpy()


def within(study) -> np.ndarray:
    """Say which events ``large_counts.inside`` gives.

    Parameters
    ----------
    study : Study
        Whose ``events`` have ``numbers``.

    Returns
    -------
    array of bool
        One an event.
    """
    numbers, (first, last) = study.events.numbers, study.years
    years = [numbers.years(study.period, which) for which in ("year", "cohort")]
    inside_years = np.logical_or.reduce([(year >= first) & (year <= last) for year in years])
    return inside_years & areas_of(study)[numbers.place]


def _who(study) -> np.ndarray:
    """Give the number of what is known of each child, those without a record too; made once."""
    made = study.events.__dict__.setdefault("_known", {})
    key = (study.base, study.ethnicity_source)
    if key not in made:
        numbers = study.events.numbers
        pairs, at = numbers.said()
        group = groups(pairs, base=study.base, source=study.ethnicity_source)
        parts = [pd.Index(GROUPS).get_indexer(group).astype("int16")[at]]
        for column, values in SPLITS.items():
            last = len(values) - 1
            if column not in numbers.people:
                parts.append(np.int16(last))
                continue
            known = numbers.people[column].cat
            place = pd.Index(values).get_indexer(known.categories).astype("int16")
            parts.append(np.where(place < 0, last, place).astype("int16")[known.codes])
        who = np.full(max(len(at), int(numbers.child.max()) + 1), nobody(), "int16")
        who[: len(at)] = packed(parts)
        made[key] = who
    return made[key]


# -- counts ------------------------------------------------------------------------------------------


def patterns(study, unit: str, year: str, first: int, width: int, window: int) -> pd.DataFrame:
    """Count those who reached the same stages in a cell.

    Parameters
    ----------
    study : Study
        Whose ``events`` have ``numbers``.
    unit : {"children", "episodes"}
        What is counted once.
    year : {"year", "cohort"}
        Which year an event belongs to.
    first, width, window : int
        The year in which the first window ends, how many windows there are, and years in each.

    Returns
    -------
    DataFrame
        ``who, cell, reached, people``. A cell is an area and a window: the place of the one times ``width``, plus
        the place of the other.
    """
    numbers, here, known = study.events.numbers, areas_of(study), _who(study)
    years, stages, cells = numbers.years(study.period, year), len(study.events["stage"]), len(here) * width
    keys = []
    for start in range(0, len(years), PIECE):
        rows = slice(start, start + PIECE)
        place, at, ids = numbers.place[rows], years[rows] - first, numbers.episode[rows]
        ids = (numbers.child[ids] if unit == "children" else ids).astype("int64")
        for end in range(window):
            kept = here[place] & (at + end >= 0) & (at + end < width)
            key = (ids[kept] * cells + place[kept] * width + at[kept] + end) * stages
            keys.append(key + numbers.stage[rows][kept])
    parts = []
    for key, reached in together(keys, stages):
        each, cell = np.divmod(key, cells)
        each = known[each if unit == "children" else numbers.child[each]]
        parts.append((each.astype("int64") * cells + cell, reached))
    if not parts:
        return pd.DataFrame({c: np.zeros(0, int) for c in ("who", "cell", "reached", "people")})
    key, reached = (np.concatenate(part) for part in zip(*parts, strict=True))
    sets, reached = (
        (np.arange(1 << stages), reached) if stages <= 16 else np.unique(reached, return_inverse=True)
    )
    key, people = tallied(key * len(sets) + reached)
    key, at = np.divmod(key, len(sets))
    who, cell = np.divmod(key, cells)
    return pd.DataFrame({"who": who, "cell": cell, "reached": sets[at], "people": people})


def kinds(study) -> np.ndarray:
    """Give each number of what is known of a child, of the children who are counted.

    Parameters
    ----------
    study : Study
        Whose ``events`` have ``numbers``.

    Returns
    -------
    array of int
        Each once, in order.
    """
    numbers = study.events.numbers
    there = np.zeros(packed([len(GROUPS), *(0 for _ in SPLITS)]), dtype=bool)
    there[_who(study)[numbers.child[numbers.episode[within(study)]]]] = True
    return np.flatnonzero(there)


def delays(study) -> pd.DataFrame:
    """Count the events of each stage, cohort year and day, in all areas.

    Parameters
    ----------
    study : Study
        Whose ``events`` have ``numbers``.

    Returns
    -------
    DataFrame
        ``stage`` (its place among those of the events), ``cohort, date, events``.
    """
    numbers = study.events.numbers
    cohort, day = numbers.years(study.period, "cohort"), numbers.day
    years, days = (int(part.max()) - int(part.min()) + 1 for part in (cohort, day))
    key = (numbers.stage.astype("int64") * years + (cohort - cohort.min())) * days + (day - day.min())
    key, events = tallied(key)
    key, day_at = np.divmod(key, days)
    stage, year = np.divmod(key, years)
    date = (day_at + int(day.min())).astype("datetime64[D]")
    return pd.DataFrame({"stage": stage, "cohort": year + int(cohort.min()), "date": date, "events": events})
