"""How is a plan, recomputed, put before a reader? The tables and sentences of its notebook.

Every table is of published figures and what follows from them, and names its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import disclosure, present
from .wording import Said, Words, join

PLAN = "Islington Council, Youth Justice Plan 2023-24"
CENSUS = "Office for National Statistics, Census 2021"
_LIKELY = 0.05
"""A p-value below this is worded as more than chance."""


@dataclass(frozen=True)
class Layout:
    """How a table is set: its title, its source, and for each column a heading and a format."""

    title: str
    source: str
    columns: Mapping[str, str]
    note: str = ""


LAYOUTS = {
    "over-representation": Layout(
        "Over-representation in interventions, and what rounding alone leaves open",
        f"{PLAN}, section 6.5",
        {
            "Ethnic group": "{group}",
            "Compared with": "{reference}",
            "% of interventions": "{share:.0f}",
            "% of children": "{population_share:.0f}",
            "Index": "{estimate:.3f}",
            "Lowest": "{low:.2f}",
            "Highest": "{high:.2f}",
        },
        "Lowest and highest are what the printed percentages can be rounded from. They are not a confidence "
        "interval, which needs the number of children.",
    ),
    "sums": Layout(
        "Do the printed percentages add to 100?",
        f"{PLAN}, section 6.5",
        {
            "Column": "{column}",
            "Sum": "{sum:.0f}",
            "Rounding allows from": "{low:.0f}",
            "to": "{high:.0f}",
        },
    ),
    "population": Layout(
        "The printed population shares beside the census",
        f"{PLAN}, section 6.5; {CENSUS}, calibrated to exact ages",
        {
            "Ethnic group": "{group}",
            "Printed, %": "{printed:.0f}",
            "Census, Chinese with Asian, %": "{base_2021:.1f}",
            "Census, Chinese with Other, %": "{base_2001:.1f}",
            "Base that agrees": "{agrees}",
        },
    ),
    "audit": Layout(
        "Can a whole number of the stated cohort give the printed figure?",
        f"{PLAN}, sections 6.2 to 6.5; {CENSUS}, TS007",
        {
            "Measure": "{measure}",
            "Period": "{period}",
            "Section": "{section}",
            "Printed": "{printed} {unit}",
            "Stated cohort": "{cohort:,.0f}",
            "Possible": "{possible}",
            "Nearest": "{nearest}",
            "Smallest count": "{smallest_events}",
            "of": "{smallest_cohort}",
        },
        "The smallest count is of the smallest cohort that gives the printed percentage.",
    ),
    "exact-tests": Layout(
        "Black and Mixed-heritage children remanded and sentenced to custody, tested against the population",
        f"{PLAN}, sections 6.3 to 6.5; {CENSUS}",
        {
            "Measure": "{measure}",
            "Period": "{period}",
            "Black or Mixed": "{events}",
            "of": "{cohort}",
            "Compared with": "{compared_with}",
            "% of children": "{population_share_percent:.1f}",
            "Index": "{estimate:.2f}",
            "Low": "{low:.2f}",
            "High": "{high:.2f}",
            "p": "{p_value:.3f}",
            "Remark": "{note}",
        },
        "Exact binomial test: the chance of every outcome no likelier than the one seen; 4 of 5 is in the upper tail "
        "alone, and its p would be 0.159 if that were doubled. Exact 95% limits leave 2.5% on either side (Clopper and "
        "Pearson 1934). Counts are those the printed percentages imply. Children remanded together are not separate "
        "draws, so the true p is larger.",
    ),
    "reoffending": Layout(
        "Reoffending, with both meanings of frequency",
        f"{PLAN}, section 6.2",
        {
            "Period": "{period}",
            "Cohort": "{cohort}",
            "Reoffended": "{reoffended}",
            "Reoffences": "{reoffences}",
            "% who reoffended": "{binary_percent:.1f}",
            "95% from": "{low_percent:.1f}",
            "95% to": "{high_percent:.1f}",
            "Reoffences per child in the cohort": "{per_child:.2f}",
            "Reoffences per reoffender": "{per_reoffender:.2f}",
        },
        "Wilson intervals. The Plan prints reoffences per child; the Youth Justice Board, per reoffender.",
    ),
    "first-time-entrants": Layout(
        "First-time entrants per 100,000 children, on the old and the new population base",
        f"{PLAN}, section 6.1; {CENSUS}, TS007",
        {
            "Population base": "{base}",
            "Children aged 10 to 17": "{denominator:,.0f}",
            "First-time entrants": "{events}",
            "Rate": "{estimate:.0f}",
            "95% from": "{low:.0f}",
            "95% to": "{high:.0f}",
            "Rounding of the fall, from": "{least:.0f}",
            "to": "{most:.0f}",
            "Over the old base": "{change:.2f}",
        },
    ),
    "custody-rate": Layout(
        "What custodial sentences per 1,000 would be, on the old and the new population base",
        f"{PLAN}, sections 6.1 and 6.3; {CENSUS}, TS007",
        {
            "Population base": "{base}",
            "Children aged 10 to 17": "{denominator:,.0f}",
            "Sentences": "{events}",
            "Rate": "{estimate:.2f}",
            "Rounding of the fall, from": "{least:.2f}",
            "to": "{most:.2f}",
        },
    ),
}
"""The tables of the notebook, by name."""


def table(name: str, values: pd.DataFrame) -> present.Shown:
    """Set one of the notebook's tables.

    Parameters
    ----------
    name : str
        One of `LAYOUTS`; also the name of its CSV.
    values : DataFrame
        What `printed`, `published` or `quality` worked out.

    Returns
    -------
    present.Shown
        For the notebook to show.
    """
    layout = LAYOUTS[name]
    released = disclosure.published(written(values, layout.columns), source=layout.source)
    return present.table(released, name=name, title=layout.title, words=Words(), note=layout.note)


def written(values: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Write each row as text, a heading and a format for each column.

    Parameters
    ----------
    values : DataFrame
        Numbers and text. Beside a column ``x`` of shares, ``x_percent`` may be used.
    columns : mapping of str to str
        Heading to format, such as ``{estimate:.2f}``. A missing value is written as nothing.

    Returns
    -------
    DataFrame of str
        The rows, with the headings as columns.

    Examples
    --------
    >>> written(pd.DataFrame({"n": [1, None], "share": [0.25, 0.5]}),
    ...         {"Count": "{n:.0f}", "%": "{share_percent:.1f}"})
      Count     %
    0     1  25.0
    1        50.0
    """
    numbers = values.select_dtypes("float")
    values = values.join((100 * numbers).add_suffix("_percent"))
    rows = [
        {key: _Blank() if pd.isna(v) else v for key, v in row.items()} for row in values.to_dict("records")
    ]
    cells = {heading: [form.format_map(row) for row in rows] for heading, form in columns.items()}
    return pd.DataFrame(cells, columns=list(columns))


class _Blank:
    """A missing value, written as nothing whatever the format."""

    def __format__(self, spec: str) -> str:
        return ""


def over_represented(index: pd.DataFrame) -> present.Shown:
    """Say which groups are above or below their share whatever the rounding, and by how much."""
    words = Words()
    own = index[index["measure"] == "representation_index"]
    beside = index[index["measure"] == "relative_rate_index"]
    sentences = []
    for row in own[own["low"] > 1].itertuples():
        others = [
            f"{other.estimate:.3f} ({other.low:.2f} to {other.high:.2f}) beside {words.people(other.reference)}"
            for other in beside[beside["group"] == row.group].itertuples()
        ]
        sentences.append(
            f"{_capital(words.people(row.group))} are {row.share:.0f}% of interventions and "
            f"{row.population_share:.0f}% of children: {row.estimate:.2f} times their share, and rounding alone "
            f"leaves {row.low:.2f} to {row.high:.2f}. The index is {join(others)}."
        )
    below = [words.people(group) for group in own.loc[own["high"] < 1, "group"]]
    return present.text(*map(Said, sentences), f"Below their share: {join(below)}." if below else "")


def impossible(audit: pd.DataFrame) -> present.Shown:
    """Say how many printed figures no whole number gives, and which."""
    stated = audit[audit["possible"] != "cannot say"]
    wrong = stated[stated["possible"] == "no"]
    listed = [
        f"{_capital(row.measure)}, {row.period}: {row.printed} {row.unit} of {row.cohort:,.0f}; {row.nearest}"
        + (f" ({row.note})." if row.note else ".")
        for row in wrong.itertuples()
    ]
    return present.text(
        Said(
            f"{len(wrong)} of {len(stated)} printed figures cannot come from a whole number of the count given "
            "for the same thing, or of the nearest to it."
        ),
        *map(Said, listed),
        "A figure that cannot be is most often of something else: children where the count is of episodes, "
        "those of known ethnicity, or another period or population.",
    )


def verdicts(tests: pd.DataFrame) -> present.Shown:
    """Say of each test whether it can be told apart from a draw of the population."""
    sentences = []
    for (measure, period), rows in tests.groupby(["measure", "period"], sort=False):
        first, most, least = rows.iloc[0], rows["p_value"].max(), rows["p_value"].min()
        verdict = (
            "more than chance among so few explains"
            if most < _LIKELY
            else "not to be told apart from chance"
            if least >= _LIKELY
            else "told apart from chance by one comparison and not by another"
        )
        p = f"{least:.3f}" if np.isclose(least, most, atol=5e-4) else f"{least:.3f} to {most:.3f}"
        sentences.append(
            f"{_capital(measure)}, {period}: {first['events']} of {first['cohort']} Black or Mixed, {verdict} "
            f"(exact p = {p})."
        )
    return present.text(*map(Said, sentences))


def rebased(rates: pd.DataFrame) -> present.Shown:
    """Say what the new population base alone does to a rate."""
    old, new = (rates[rates["base"] == base].iloc[0] for base in ("old", "new"))
    return present.text(
        Said(
            f"The same {new['events']} children are {old['estimate']:.0f} per {new['per']:,} on the old base and "
            f"{new['estimate']:.0f} on the new: the base alone multiplies the rate by {new['change']:.2f}."
        )
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
