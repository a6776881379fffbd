"""What remains after like is compared with like? A relative rate, adjusted block by block.

The raw relative rate, then the same adjusted for who the children are, for what they are said to have done, and
for what practitioners made of them. What is left is a remainder: it holds whatever was not recorded, and loses
whatever a decision had shaped before. It is neither the work of any one decision nor, where it is small, a sign
that there is no disparity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import firth
from .adjusted_blocks import ASSESSED, BLOCKS, Block, nested
from .adjusted_cells import LOGISTIC, POISSON, Cells, collapse, merged
from .adjusted_likelihood import aliased, clustered, maximum
from .adjusted_margins import DIFFERENCE, RATIO, Margins, by_delta, by_profile
from .adjusted_rows import TooFewError, UsableRows, usable_rows
from .adjusted_table import attenuated, rows_of
from .vocabulary import MEASURE

_FEWEST_TO_FIT = 2
"""Under so many events per coefficient nothing is fitted, by Firth's likelihood either."""

METHODS = {
    False: "{family}, standardised, delta on the {scale}, clustered by {cluster}, t",
    True: "Firth {family}, standardised, profile penalised likelihood{widened}",
}
_SCALE = {RATIO: "log", DIFFERENCE: "difference"}


@dataclass(frozen=True, eq=False)
class Fit:
    """Nested models of one outcome.

    Attributes
    ----------
    table : DataFrame
        The columns of ``vocabulary.MEASURE``, ``block`` after the group, ``residual_df`` and ``attenuation``
        last. A block whose ``residual_df`` is 0 is saturated, and gives each cell's own share away.
    formula : str
        The models in words.
    diagnostics : DataFrame
        For each block the rows, children, cells, coefficients, events, events per coefficient, residual
        degrees of freedom, which likelihood and why, and the mediators.
    coefficients : DataFrame
        ``block, term, estimate, standard_error, residual_df``; of the logarithm of the odds or rate.
    dropped : DataFrame
        ``block, what, why, rows``: rows, covariates and blocks that could not be used.
    """

    table: pd.DataFrame
    formula: str
    diagnostics: pd.DataFrame
    coefficients: pd.DataFrame
    dropped: pd.DataFrame


def adjusted(
    cases: pd.DataFrame,
    *,
    blocks: Mapping[str, Sequence[str]] | None = None,
    reference: str = "White",
    outcome: str = "outcome",
    family: str = LOGISTIC,
    exposure: str | None = None,
    cluster: str = "child_id",
    mediators: Sequence[str] = (),
    level: float = 0.95,
) -> Fit:
    """Adjust relative rates and differences for nested blocks of covariates.

    Parameters
    ----------
    cases : DataFrame
        One row a case, as ``models.cases`` gives them: ``group``, the outcome, the cluster and covariates.
        Covariates are taken as categories; a row with a ``note`` is left out. Private: never shown.
    blocks : mapping of str to sequence of str, optional
        Name to the covariates it adds. By default ``adjusted_blocks.BLOCKS``, as far as the cases have the
        columns, with a practitioner's assessment marked as a mediator.
    reference : str
        The group the others are compared with.
    outcome : str
        0 or 1; for ``poisson`` a whole number.
    family : {"logistic", "poisson"}
        Poisson for rates, and for shares if the groups are thought to differ by a factor.
    exposure : str, optional
        For ``poisson``: the column of child-years. Standardised rates are then per child-year.
    cluster : str
        Whose rows may be alike.
    mediators : sequence of str
        Covariates that may themselves carry the disparity: a decision before the outcome (remand, plea), an
        assessment. Such a covariate is refused unless it is named here.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Fit
        ``table`` has a row for each block, measure (``adjusted_risk_ratio`` and ``adjusted_risk_difference``;
        with ``poisson``, ``rate`` for ``risk``) and group. ``attenuation`` is the part of the raw log ratio
        (or difference) that the block took away beyond the blocks before it; below 0 it added. NaN where the
        raw interval includes parity: there is nothing to be parts of. The notes ``sparse``, ``mediator``,
        ``too_few_to_fit`` and ``not_compared`` are in ``vocabulary.NOTES``. A group with no events keeps
        a finite estimate above 0, by Firth's penalty.

    Raises
    ------
    ValueError
        If a column is missing, the outcome is not 0 or 1, or a covariate may carry the disparity and is not
        marked; ``TooFewError``, a kind of it, if the reference or every other group has no rows, or the events
        do not suffice for the raw comparison.

    Notes
    -----
    All blocks use the same rows, those with every covariate of every block, so that they can be compared.

    References
    ----------
    Youth Justice Board (2021), Ethnic disproportionality in remand and sentencing in the youth justice system,
    for the blocks; Lane and Nelder (1982) and Localio et al (2007) for marginal standardisation; Firth (1993).

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black"] * 80 + ["White"] * 80,
    ...                   "gravity": [6] * 60 + [2] * 20 + [6] * 20 + [2] * 60,
    ...                   "outcome": [1, 0] * 30 + [1, 0, 0, 0] * 5 + [1, 0] * 10 + [1, 0, 0, 0] * 15,
    ...                   "child_id": range(160)})
    >>> fit = adjusted(t, blocks={"gravity": ["gravity"]})
    >>> ratios = fit.table[fit.table["measure"].eq("adjusted_risk_ratio") & fit.table["group"].eq("Black")]
    >>> ratios[["block", "estimate", "low", "high", "attenuation"]].round(2)
         block  estimate   low  high  attenuation
    0      raw       1.4  0.92  2.12          NaN
    4  gravity       1.0  0.64  1.57          NaN
    """
    if family not in (LOGISTIC, POISSON):
        raise ValueError(f"family is {family!r}; it must be {LOGISTIC!r} or {POISSON!r}.")
    if blocks is None:
        blocks = {name: [c for c in columns if c in cases] for name, columns in BLOCKS.items()}
        blocks = {name: columns for name, columns in blocks.items() if columns}
        mediators = (*mediators, *ASSESSED)
    steps = nested(blocks, mediators=mediators)
    rows = usable_rows(
        cases,
        steps[-1].columns,
        reference=reference,
        outcome=outcome,
        family=family,
        exposure=exposure,
        cluster=cluster,
    )
    cells = collapse(
        rows.table, ["group", *steps[-1].columns], y=rows.y, exposure=rows.exposure, child=rows.table[cluster]
    )
    cells, joined = merged(cells, ["group", *steps[-1].columns])
    rows.dropped.extend((next(s.name for s in steps if c in s.adds), c, why, 0) for c, why in joined)
    fitted = [_block(cells, step, family=family, level=level, cluster=cluster) for step in steps]
    if not fitted[0]["table"]:
        raise TooFewError(f"{fitted[0]['dropped'][0][2]} Nothing can be compared with what there is.")
    return _fit(cases, rows, cells, steps, fitted, reference=reference, family=family, cluster=cluster)


# -- one block ---------------------------------------------------------------------------------------


def _design(cells: Cells, columns: list[int], names: Sequence[str]) -> tuple[np.ndarray, list[str], list]:
    """Lay out an indicator for every level but the first of the group and the covariates; drop sums of others."""
    parts, terms = [np.ones((len(cells.rows), 1))], ["(intercept)"]
    for column in columns:
        levels = cells.levels[column]
        parts.append((cells.codes[:, column, None] == np.arange(1, len(levels))).astype(float))
        terms += [f"{names[column]}: {level}" for level in levels[1:]]
    design = np.hstack(parts)
    out = aliased(design, cells.rows)
    gone = [
        (t, "tells nothing that the terms before it do not") for t, o in zip(terms, out, strict=True) if o
    ]
    gone += [(names[c], "has one value in all rows") for c in columns if len(cells.levels[c]) == 1]
    return design[:, ~out], [t for t, o in zip(terms, out, strict=True) if not o], gone


def _block(cells: Cells, step: Block, *, family: str, level: float, cluster: str) -> dict:
    """Fit one block: its contrasts, coefficients, diagnostics and what was dropped."""
    columns = list(range(1 + len(step.columns)))
    design, terms, gone = _design(cells, columns, ["group", *step.columns])
    p, groups = design.shape[1], len(cells.levels[0])
    scarce = cells.events.sum()
    if family == LOGISTIC:
        scarce = min(scarce, cells.rows.sum() - scarce)
    dropped = [(step.name, what, why, 0) for what, why in gone]
    why = firth.why_sparse(cells.codes[:, 0], cells.events, cells.exposure, parameters=p, family=family)
    distinct = pd.DataFrame(cells.codes[:, columns]).drop_duplicates().shape[0]
    facts = {
        "block": step.name,
        "rows": int(cells.rows.sum()),
        "children": cells.children,
        "cells": distinct,
        "coefficients": p,
        "events": cells.events.sum(),
        "events_per_coefficient": scarce / p,
        "residual_df": distinct - p,
        "mediators": ", ".join(step.mediators),
    }
    if scarce < _FEWEST_TO_FIT * p:
        needs = (
            f"{scarce:.0f} events{' (or children without)' if family == LOGISTIC else ''} for {p} coefficients; "
            f"{_FEWEST_TO_FIT * p} would be needed. Pool more years, merge categories or leave covariates out."
        )
        refused = {"likelihood": "none", "why": "too_few_to_fit"}
        return {
            "table": {},
            "facts": facts | refused,
            "terms": [],
            "dropped": [*dropped, (step.name, "the whole block", needs, 0)],
        }
    return _maximised(cells, design, why, family, level, cluster, groups) | {
        "facts": facts | {"likelihood": "plain", "why": why},
        "terms": terms,
        "dropped": dropped,
    }


def _maximised(cells: Cells, design, why: str, family: str, level: float, cluster: str, groups: int) -> dict:
    """Maximise the likelihood, or Firth's where the plain one will not do, and standardise."""
    given = design, cells.events, cells.exposure
    converged = False
    if not why:
        beta, point, converged = maximum(*given, family=family)
    if not converged:
        beta, point, found = maximum(*given, family=family, firth=True)
        if not found:
            raise TooFewError(
                f"the penalised likelihood of {design.shape[1]} coefficients on {len(design)} cells has no "
                "maximum that could be found. Leave covariates out or merge their categories."
            )
    covariance = clustered(cells, design, point.mean, point.information)
    margins = Margins(design, cells.rows if family == LOGISTIC else cells.exposure, groups, family)
    alike = len(cells.at) > cells.children
    if converged:
        contrasts = by_delta(margins, beta, covariance, freedom=cells.children - 1, level=level)
    else:
        contrasts = by_profile(
            margins,
            beta,
            cells.events,
            cells.exposure,
            covariance=covariance if alike else None,
            information=point.information,
            level=level,
        )
    widened = f", widened for rows of one {cluster}" if alike else ""
    return {
        "table": contrasts,
        "method": {
            kind: METHODS[not converged].format(
                family=family, scale=_SCALE[kind], cluster=cluster, widened=widened
            )
            for kind in contrasts
        },
        "beta": beta,
        "error": np.sqrt(np.diag(covariance)),
        "plain": converged,
    }


# -- laid out ----------------------------------------------------------------------------------------


def _fit(cases, rows: UsableRows, cells: Cells, steps, fitted, *, reference, family, cluster) -> Fit:
    """Lay the blocks out as one table, with what they were fitted on."""
    blocks = [
        rows_of(rows, cells, step, found, kind, reference, family)
        for step, found in zip(steps, fitted, strict=True)
        for kind in (RATIO, DIFFERENCE)
    ]
    table = attenuated(pd.concat(blocks, ignore_index=True))
    by = MEASURE.index("group") + 1
    for found in fitted:
        if found["table"] and not found["plain"]:
            found["facts"] |= {"likelihood": "Firth", "why": found["facts"]["why"] or "no_maximum"}
    coefficients = [
        pd.DataFrame(
            {"block": s.name, "term": f["terms"], "estimate": f["beta"], "standard_error": f["error"]}
        ).assign(residual_df=f["facts"]["residual_df"])
        for s, f in zip(steps, fitted, strict=True)
        if f["table"]
    ]
    first = rows.scope
    said = "; then ".join(f"+ {s.name} ({', '.join(s.adds)})" for s in steps[1:])
    formula = (
        f"{first['stage']} out of {first['base']}: group{'; then ' if said else ''}{said}. {family.capitalize()}, "
        f"everyone predicted as each group in turn, over {len(cells.at):,} rows of {cells.children:,} by {cluster}; "
        f"compared with {reference}."
    )
    dropped = [*rows.dropped, *(line for found in fitted for line in found["dropped"])]
    return Fit(
        table=table[[*MEASURE[:by], "block", *MEASURE[by:], "residual_df", "attenuation"]],
        formula=formula,
        diagnostics=pd.DataFrame([found["facts"] for found in fitted]),
        coefficients=pd.concat(coefficients, ignore_index=True),
        dropped=pd.DataFrame(dropped, columns=["block", "what", "why", "rows"])
        .drop_duplicates(["what", "why", "rows"])
        .reset_index(drop=True),
    )
