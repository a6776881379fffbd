"""Firth's likelihood against brglm2, and its profile interval against its definition, computed in R."""

import numpy as np
import pytest

from ysj_analysis import firth
from ysj_analysis.adjusted_likelihood import maximum

# R 4.2.2: a 2 x 2 table, 0 of 20 against 9 of 30; penalised likelihood maximised by optim, limits by uniroot.
TWO_BY_TWO = {"estimate": -2.896811, "low": -7.779592, "high": -0.7230216, "p": 0.004726191}


def coefficient(column, size):
    return lambda beta: (beta[column], np.eye(size)[column])


def test_two_by_two_with_a_zero_is_that_of_the_definition():
    design, x, n = np.array([[1.0, 1], [1, 0]]), np.array([0.0, 9]), np.array([20.0, 30])
    best, _, found = maximum(design, x, n, family="logistic", firth=True)
    low, high = firth.profile(coefficient(1, 2), best, design, x, n, family="logistic")
    p_value = firth.p_value(best, design, x, n, 1, family="logistic")
    assert found
    assert [best[1], low, high, p_value] == pytest.approx(list(TWO_BY_TWO.values()), abs=2e-5)
    # a saturated table: half an event more and half a child without
    assert best[1] == pytest.approx(np.log(0.5 / 20.5) - np.log(9.5 / 21.5), abs=1e-8)


@pytest.mark.parametrize("split", [1, 7])
def test_cells_give_what_rows_give(split):
    """The same children as rows, or as cells in any number of pieces."""
    rng = np.random.default_rng(split)
    design = np.column_stack([np.ones(40), rng.integers(0, 2, (40, 3))])
    y = (rng.random(40) < 0.2).astype(float)
    rows = maximum(design, y, np.ones(40), family="logistic", firth=True)[0]
    cells, at = np.unique(design, axis=0, return_inverse=True)
    both = np.bincount(at.ravel(), y), np.bincount(at.ravel()).astype(float)
    assert maximum(cells, *both, family="logistic", firth=True)[0] == pytest.approx(rows, abs=1e-7)


def test_poisson_estimate_solves_the_adjusted_score():
    """Firth's Poisson score with one indicator is saturated: half an event more in each group."""
    design = np.array([[1.0, 0], [1, 1]])
    best = maximum(design, np.array([6.0, 0]), np.array([400.0, 150]), family="poisson", firth=True)[0]
    assert np.exp(best) == pytest.approx([6.5 / 400, (0.5 / 150) / (6.5 / 400)], rel=1e-7)


def test_limits_widen_with_the_factor():
    design, x, n = np.array([[1.0, 1], [1, 0]]), np.array([2.0, 9]), np.array([20.0, 30])
    best = maximum(design, x, n, family="logistic", firth=True)[0]
    one, two = (
        firth.profile(coefficient(1, 2), best, design, x, n, family="logistic", widen=w) for w in (1.0, 2.0)
    )
    assert two[0] < one[0] < best[1] < one[1] < two[1]


def test_reasons_for_the_penalty():
    group, n = np.array([0, 1]), np.array([100.0, 90])
    given = {"parameters": 2, "family": "logistic"}
    assert firth.why_sparse(group, np.array([10.0, 20]), n, **given) == ""
    assert firth.why_sparse(group, np.array([100.0, 20]), n, **given) == "empty_cell"
    assert firth.why_sparse(group, np.array([4.0, 5]), n, **given) == "few_per_parameter"
