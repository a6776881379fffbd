"""What would the rates be if everyone were of one group? Marginal standardisation of a model on cells.

The model predicts every case as each group in turn, whatever its covariates; the mean prediction is the group's
standardised rate, and ratios and differences are taken of those means. Limits come from the covariance by the
delta method, or from the penalised likelihood where that was used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from . import firth
from .adjusted_cells import LOGISTIC

RATIO, DIFFERENCE = "ratio", "difference"


@dataclass(frozen=True, eq=False)
class Margins:
    """A design whose columns 1 to ``groups - 1`` are the groups but the reference, and what weighs its cells.

    ``weight`` is the number of rows, or the exposure where a rate is modelled.
    """

    design: np.ndarray
    weight: np.ndarray
    groups: int
    family: str

    def means(self, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give each group's standardised rate, the reference first, and its gradient by coefficient."""
        own = np.arange(1, self.groups)
        others = np.r_[0, self.groups : self.design.shape[1]]
        shift = np.concatenate([[0.0], beta[own]])
        eta = (self.design[:, others] @ beta[others])[:, None] + shift
        if self.family == LOGISTIC:
            mean = special.expit(eta)
            change = mean * (1 - mean)
        else:
            mean = change = np.exp(np.minimum(eta, 50))
        weight = self.weight / self.weight.sum()
        change = change * weight[:, None]
        gradient = np.zeros((self.groups, self.design.shape[1]))
        gradient[:, others] = change.T @ self.design[:, others]
        gradient[own, own] = change.sum(0)[own]
        return weight @ mean, gradient

    def contrast(self, beta: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Contrast each group but the reference with it: log ratio or difference, and gradients."""
        mean, gradient = self.means(beta)
        if kind == DIFFERENCE:
            return mean[1:] - mean[0], gradient[1:] - gradient[0]
        relative = gradient / mean[:, None]
        return np.log(mean[1:] / mean[0]), relative[1:] - relative[0]


def by_delta(margins: Margins, beta, covariance, *, freedom: float, level: float) -> dict[str, np.ndarray]:
    """Give ratios and differences with limits by the delta method and t.

    Parameters
    ----------
    margins : Margins
        The design.
    beta, covariance : array
        Coefficients and their covariance.
    freedom : float
        Degrees of freedom of t: children less 1.
    level : float
        Confidence level.

    Returns
    -------
    dict of str to array
        For ``ratio`` (limits and test on the logarithm) and ``difference``: four rows, ``estimate, low, high,
        p_value``, a column for each group but the reference.
    """
    found = {}
    for kind in (RATIO, DIFFERENCE):
        value, gradient = margins.contrast(beta, kind)
        error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, covariance, gradient))
        reach = special.stdtrit(freedom, (1 + level) / 2) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            p_value = 2 * special.stdtr(freedom, -np.abs(value) / error)
        ends = np.array([value, value - reach, value + reach])
        found[kind] = np.vstack([np.exp(ends) if kind == RATIO else ends, p_value])
    return found


def by_profile(margins: Margins, beta, events, exposure, *, covariance, information, level):
    """Give ratios and differences with limits from the penalised likelihood.

    Parameters
    ----------
    margins : Margins
        The design.
    beta : array
        Where the penalised likelihood is greatest.
    events, exposure : array
        Sums of the cells.
    covariance : array or None
        Clustered by child; None where no child has two rows. Where it is the larger, the quantile is
        multiplied by its ratio to the model's own: the design effect of the contrast.
    information : array
        At ``beta``.
    level : float
        Confidence level.

    Returns
    -------
    dict of str to array
        As :func:`by_delta`; both tests are that of the group's coefficient.
    """
    model, found = np.linalg.inv(information), {}
    given = margins.design, events, exposure
    for kind in (RATIO, DIFFERENCE):
        value, gradient = margins.contrast(beta, kind)
        widen = np.ones(len(value))
        if covariance is not None:
            spread = [np.einsum("ij,jk,ik->i", gradient, v, gradient) for v in (covariance, model)]
            widen = np.fmax(1.0, spread[0] / spread[1])
        rows = []
        for i in range(len(value)):  # each limit is a search of its own

            def one(b, i=i, kind=kind):
                values, slopes = margins.contrast(b, kind)
                return values[i], slopes[i]

            limits = firth.profile(one, beta, *given, family=margins.family, level=level, widen=widen[i])
            p_value = firth.p_value(beta, *given, i + 1, family=margins.family, widen=widen[i])
            rows.append([value[i], *limits, p_value])
        table = np.array(rows).reshape(-1, 4).T
        table[:3] = np.exp(table[:3]) if kind == RATIO else table[:3]
        found[kind] = table
    return found
