"""Crossing lines: ethnicity by sex by age by looked after by SEND, with small strata pulled towards what is common.

A stratum of six children says little by itself. Here every stratum has an effect of its own, drawn from one
normal distribution, beside the main effects of what it crosses; a small stratum is shrunk towards its main
effects, and the part of the variation that main effects do not account for is what crosses the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from .adjusted_likelihood import aliased
from .adjusted_rows import TooFewError, scope_of
from .like_cases import Bands, banded
from .vocabulary import MEASURE, UNKNOWN

_FEWEST_STRATA = 20
"""Under so many strata the spread of their effects cannot be estimated."""
METHOD = "shrunk: logistic with a normal effect of each stratum; interval given its spread"
_NODES = 25


@dataclass(frozen=True, eq=False)
class Intersections:
    """Strata of crossing characteristics.

    Attributes
    ----------
    table : DataFrame
        A row a stratum in the columns of ``vocabulary.MEASURE``, ``by`` after the group; a stratum is compared
        with nothing, so ``reference`` is empty. Further ``additive, interaction, own_weight``.
    summary : DataFrame
        ``model, variance, share_between, log_likelihood`` of the null and the additive model, and
        ``additive_part`` of the latter: how much of the variance the main effects account for.
    dropped : DataFrame
        ``what, why, rows``.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    dropped: pd.DataFrame


def intersections(
    cases: pd.DataFrame,
    *,
    by: Sequence[str] = ("sex", "age", "looked_after", "send"),
    outcome: str = "outcome",
    cluster: str = "child_id",
    bands: Bands | None = None,
    level: float = 0.95,
) -> Intersections:
    """Estimate every stratum of crossing characteristics, small ones shrunk, and split main effects from crossing.

    Parameters
    ----------
    cases : DataFrame
        As ``models.cases`` gives them; a row with a ``note`` is left out. A child counts once in a stratum,
        with the outcome if any of its rows there has it.
    by : sequence of str
        What is crossed with the group.
    outcome : str
        0 or 1.
    cluster : str
        The child.
    bands : mapping, optional
        For a column, the label of each band and its values: ``models.BANDS`` puts ages and gravities in two each.
    level : float
        Of the intervals, between 0 and 1.

    Returns
    -------
    Intersections
        ``estimate`` is the shrunk proportion, ``additive`` what the main effects alone give, ``interaction`` the
        difference; ``own_weight`` how much of the stratum's own data is in it. The note is ``shrunk``. Limits
        take the spread of the strata as known, so they are somewhat too narrow: read them as points with a
        rough range. A stratum without children has no row; one without events has an estimate above 0.

    Raises
    ------
    ValueError
        If a column is missing; ``TooFewError``, a kind of it, if fewer than 20 strata have children.

    References
    ----------
    Evans, Williams, Onnela and Subramanian (2018), Social Science and Medicine 203:64-73; Merlo (2018), the
    same 203:74-80. The likelihood is integrated by adaptive Gauss-Hermite quadrature (Pinheiro and
    Bates 1995), as ``lme4::glmer(nAGQ = 25)`` does.
    """
    if bands:
        cases = cases.assign(**{c: banded(cases[c], bands[c]) for c in by if c in bands and c in cases})
    strata, dropped, scope = _strata(cases, list(by), outcome, cluster)
    x, n = strata["events"].to_numpy(float), strata["denominator"].to_numpy(float)
    one = np.ones((len(strata), 1))
    main = [one]
    for column in ["group", *by]:
        codes, labels = pd.factorize(strata[column], sort=True)
        main.append((codes[:, None] == np.arange(1, len(labels))).astype(float))
    design = np.hstack(main)
    design = design[:, ~aliased(design, np.ones(len(design)))]
    null, additive = _fitted(one, x, n), _fitted(design, x, n)
    at = MEASURE.index("group") + 1
    return Intersections(
        table=_laid_out(strata, design, x, n, *additive[:2], level).assign(**scope)[
            [*MEASURE[:at], *by, *MEASURE[at:], "additive", "interaction", "own_weight"]
        ],
        summary=_summary(null, additive),
        dropped=pd.DataFrame(dropped, columns=["what", "why", "rows"]),
    )


def _strata(cases: pd.DataFrame, by: list[str], outcome: str, cluster: str):
    """Count children once in each stratum."""
    needed = ["group", *by, outcome, cluster]
    lacking = [c for c in needed if c not in cases]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(needed)} columns are not in the cases: {', '.join(lacking)}. The cases have "
            f"{', '.join(map(str, cases.columns[:20]))}."
        )
    noted = cases["note"].ne("") if "note" in cases else pd.Series(False, cases.index)
    unsaid = (cases["group"].isna() | cases["group"].eq(UNKNOWN)) & ~noted
    missing = cases[needed[1:]].isna().any(axis=1) & ~noted & ~unsaid
    why = ("noted, such as immature", "ethnicity is not known", "a value is missing")
    dropped = [
        ("rows", text, int(out.sum()))
        for text, out in zip(why, (noted, unsaid, missing), strict=True)
        if out.any()
    ]
    kept = cases[~(noted | unsaid | missing)].astype(dict.fromkeys(["group", *by], str))
    children = kept.groupby(["group", *by, cluster], sort=True)[outcome].max()
    strata = children.groupby(level=["group", *by]).agg(["sum", "size"]).reset_index()
    strata = strata.rename(columns={"sum": "events", "size": "denominator"})
    if len(strata) < _FEWEST_STRATA or not 0 < strata["events"].sum() < strata["denominator"].sum():
        raise TooFewError(
            f"{len(strata)} strata have {strata['events'].sum():.0f} events among {strata['denominator'].sum():.0f} "
            f"children; their spread cannot be estimated. At least {_FEWEST_STRATA} strata with some events would be "
            "needed: pool more years, or cross more characteristics."
        )
    return strata, dropped, scope_of(kept, outcome) | {"unit": "children"}


def _modes(eta: np.ndarray, x, n, variance: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the likeliest effect of each stratum, and the curvature there."""
    u = np.zeros(len(eta))
    for _ in range(50):
        p = special.expit(eta + u)
        curvature = n * p * (1 - p) + 1 / variance
        step = (x - n * p - u / variance) / curvature
        u = u + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-11:
            break
    return u, curvature


def _log_likelihood(eta: np.ndarray, x, n, variance: float) -> tuple[float, np.ndarray, float]:
    """Integrate the effects of the strata out; its slope by ``eta`` and by the log of their spread."""
    u, curvature = _modes(eta, x, n, variance)
    nodes, weights = np.polynomial.hermite.hermgauss(_NODES)
    at = u[:, None] + np.sqrt(2 / curvature)[:, None] * nodes
    full = eta[:, None] + at
    logs = x[:, None] * full - n[:, None] * np.logaddexp(0, full) - at**2 / (2 * variance)
    logs += nodes**2 + np.log(weights)
    inside = special.logsumexp(logs, axis=1)
    constant = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
    value = (inside - np.log(variance * curvature) / 2 - np.log(np.pi) / 2 + constant).sum()
    likely = np.exp(logs - inside[:, None])
    slope = x - n * (likely * special.expit(full)).sum(axis=1)
    spread = ((likely * at**2).sum(axis=1) / variance - 1).sum()
    return float(value), slope, float(spread)


def _fitted(design: np.ndarray, x, n) -> tuple[np.ndarray, float, float]:
    """Find coefficients and the variance of the strata with the greatest likelihood."""
    from scipy import optimize

    def loss(theta):
        value, slope, spread = _log_likelihood(design @ theta[:-1], x, n, np.exp(2 * theta[-1]))
        return -value, -np.append(design.T @ slope, spread)

    start = np.zeros(design.shape[1] + 1)
    start[0], start[-1] = special.logit((x.sum() + 0.5) / (n.sum() + 1)), np.log(0.5)
    best = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-12, 12)] * (len(start) - 1) + [(-6, 3)],
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-7},
    )
    return best.x[:-1], float(np.exp(2 * best.x[-1])), -float(best.fun)


def _summary(null, additive) -> pd.DataFrame:
    rows = [
        {"model": name, "variance": v, "share_between": v / (v + np.pi**2 / 3), "log_likelihood": value}
        for name, (_, v, value) in (("strata alone", null), ("with main effects", additive))
    ]
    part = 1 - additive[1] / null[1] if null[1] > 1e-4 else np.nan
    return pd.DataFrame(rows).assign(additive_part=[np.nan, part])


def _laid_out(strata, design, x, n, beta, variance: float, level: float) -> pd.DataFrame:
    """Give each stratum's shrunk proportion; its limits from the joint curvature of main effects and strata."""
    eta = design @ beta
    u, curvature = _modes(eta, x, n, variance)
    weight = curvature - 1 / variance
    own = weight / curvature
    # Schur complement: what the main effects know once the effects of the strata are taken out.
    fixed = np.linalg.pinv(design.T @ (design * (weight / variance / curvature)[:, None]))
    error = np.sqrt(1 / curvature + (1 - own) ** 2 * np.einsum("ij,jk,ik->i", design, fixed, design))
    reach = special.ndtri((1 + level) / 2) * error
    estimate, additive = special.expit(eta + u), special.expit(eta)
    return strata.assign(
        estimate=estimate,
        low=special.expit(eta + u - reach),
        high=special.expit(eta + u + reach),
        additive=additive,
        interaction=estimate - additive,
        own_weight=own,
        method=METHOD,
        note="shrunk",
        measure="shrunk_proportion",
        reference="",
        reference_events=np.nan,
        reference_denominator=np.nan,
        p_value=np.nan,
    )
