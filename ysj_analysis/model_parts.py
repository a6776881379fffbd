"""What may a report say of a model? One part of one fit for one area and period, or a line in its place.

A model is fitted to true counts, so the public edition has none of it: there, like cases are compared from printed
counts. Where the cases cannot carry a model, a restricted report says what would be needed, and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from .absent import Absent
from .adjusted import adjusted
from .adjusted_cases import cases
from .adjusted_rows import TooFewError
from .intersections import intersections
from .like_cases import BANDS, Bands, banded, in_window
from .load import Study
from .once import once
from .reading import NotHeld

PUBLIC_LINE = (
    "A model is fitted to the true counts of children, so what remains after adjustment is in the restricted edition "
    "alone. Here children alike in one thing are compared, from printed counts."
)


@once
def remainders(
    study: Study,
    *,
    outcome: str,
    area: str,
    year: int,
    policy,
    years: int = 5,
    reference: str = "White",
    blocks: Mapping[str, Sequence[str]] | None = None,
    mediators: Sequence[str] = (),
    family: str = "logistic",
    part: str = "table",
) -> pd.DataFrame | Absent:
    """Adjust one stage of one area, block by block, for a report.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    outcome : str
        The stage.
    area : str
        One of the study's areas.
    year : int
        The last year; as for ``models.like_cases``.
    policy : Policy
        Of the edition.
    years : int
        Years pooled.
    reference, blocks, mediators, family
        As for ``models.adjusted``. Ages and gravities are in the bands of ``models.BANDS``.
    part : {"table", "diagnostics", "coefficients", "dropped"}
        Which table of the fit.

    Returns
    -------
    DataFrame or Absent
        To be released. :class:`Absent` in a public edition, where the study holds no cases, and where they are
        too few: the line then says so.

    Raises
    ------
    DataError
        If the area or year is not in the study.

    Examples
    --------
    >>> from ysj_analysis import disclosure, load
    >>> study, ask = load.study("data/synthetic"), {"outcome": "charge", "area": "Islington", "year": 2023}
    >>> remainders(study, policy=disclosure.RESTRICTED, **ask)["block"].unique().tolist()
    ['raw', 'demographics', 'offence, gravity and history']
    >>> remainders(study, policy=disclosure.PUBLIC, **ask).why.split(",")[0]
    'A model is fitted to the true counts of children'
    """

    def fit(rows: pd.DataFrame):
        rows = rows.assign(**{c: banded(rows[c], BANDS[c]) for c in BANDS if c in rows})
        return adjusted(rows, blocks=blocks, reference=reference, mediators=mediators, family=family)

    return _part(study, fit, part, outcome=outcome, area=area, year=year, years=years, policy=policy)


@once
def crossings(
    study: Study,
    *,
    outcome: str,
    area: str,
    year: int,
    policy,
    years: int = 5,
    by: Sequence[str] = ("sex", "age", "looked_after", "send"),
    bands: Bands = BANDS,
    part: str = "table",
) -> pd.DataFrame | Absent:
    """Cross characteristics for a report, small strata shrunk.

    Parameters
    ----------
    study, outcome, area, year, policy, years
        As for :func:`remainders`.
    by, bands
        As for ``models.intersections``; columns that the cases lack are left out.
    part : {"table", "summary", "dropped"}
        Which table.

    Returns
    -------
    DataFrame or Absent
        As :func:`remainders`.

    Raises
    ------
    DataError
        If the area or year is not in the study.
    """

    def fit(rows: pd.DataFrame):
        return intersections(rows, by=[c for c in by if c in rows], bands=bands)

    return _part(study, fit, part, outcome=outcome, area=area, year=year, years=years, policy=policy)


def _part(study: Study, fit, part: str, *, outcome: str, area: str, year: int, years: int, policy):
    """Fit what a report may show, or say in a line why there is nothing."""
    if policy.protects:
        return Absent(PUBLIC_LINE)
    try:
        rows, *_, note = in_window(cases(study, outcome=outcome), study, area, year, years)
    except NotHeld as missing:
        return Absent(str(missing))
    if note:
        return Absent("Too much is still undecided in every year to fit a model.")
    try:
        return getattr(fit(rows), part)
    except TooFewError as few:
        return Absent(f"No model can be fitted: {few}")
