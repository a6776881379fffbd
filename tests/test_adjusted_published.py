"""Adjusted models against answers that others have printed, on cases that come with statsmodels or in print."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.datasets import china_smoking, spector

from ysj_analysis import models
from ysj_analysis.adjusted_likelihood import maximum

# Applicants to the six largest departments of Berkeley's graduate school in autumn 1973 (Bickel, Hammel and O'Connell
# 1975, Science 187:398-404, as tabulated by Freedman, Pisani and Purves): admitted and rejected men, then women.
BERKELEY = {
    "A": (512, 313, 89, 19),
    "B": (353, 207, 17, 8),
    "C": (120, 205, 202, 391),
    "D": (138, 279, 131, 244),
    "E": (53, 138, 94, 299),
    "F": (22, 351, 24, 317),
}


@pytest.fixture(scope="module")
def applicants():
    """One row an applicant."""
    cells = [
        (group, department, outcome, count)
        for department, four in BERKELEY.items()
        for (group, outcome), count in zip(
            [("men", 1), ("men", 0), ("women", 1), ("women", 0)], four, strict=True
        )
    ]
    table = pd.DataFrame(cells, columns=["group", "department", "outcome", "count"])
    rows = table.loc[table.index.repeat(table.pop("count"))].reset_index(drop=True)
    return rows.assign(child_id=range(len(rows)))


def test_berkeley(applicants):
    """R 4.2, glm(Admit ~ Dept + Gender, family = binomial, data = UCBAdmissions, weights = Freq).

    GenderFemale 0.09987 (0.08085); DeptB -0.04340 (0.10984); DeptC -1.26260 (0.10663); DeptD -1.29461 (0.10582);
    DeptE -1.73931 (0.12611); DeptF -3.30648 (0.16998); intercept 0.58205 (0.06899).
    """
    fit = models.adjusted(applicants, blocks={"department": ["department"]}, reference="men")
    terms = fit.coefficients[fit.coefficients["block"].eq("department")].set_index("term")
    printed = {
        "(intercept)": (0.58205, 0.06899),
        "group: women": (0.09987, 0.08085),
        "department: B": (-0.04340, 0.10984),
        "department: C": (-1.26260, 0.10663),
        "department: D": (-1.29461, 0.10582),
        "department: E": (-1.73931, 0.12611),
        "department: F": (-3.30648, 0.16998),
    }
    for term, (estimate, error) in printed.items():
        assert terms.loc[term, "estimate"] == pytest.approx(estimate, abs=5e-6)
        # R's errors are the model's, ours are of clusters of one: alike where the model is nearly right.
        assert terms.loc[term, "standard_error"] == pytest.approx(error, rel=0.06)


def test_berkeley_like_with_like(applicants):
    """In these six departments together 30.4% of women and 44.5% of men; within them that turns round."""
    table = models.adjusted(applicants, blocks={"department": ["department"]}, reference="men").table
    ratios = table[table["measure"].eq("adjusted_risk_ratio") & table["group"].eq("women")].set_index("block")
    share = applicants.groupby("group")["outcome"].mean()
    assert share.round(3).tolist() == [0.445, 0.304]
    assert ratios.loc["raw", "estimate"] == pytest.approx(share["women"] / share["men"], rel=1e-9)
    assert ratios.loc["raw", "high"] < 1
    assert ratios.loc["department", "low"] < 1 < ratios.loc["department", "high"]
    assert ratios.loc["department", "estimate"] > 1
    assert ratios.loc["department", "attenuation"] > 1


def test_spector():
    """Spector and Mazzeo (1980), as fitted by Greene, Econometric Analysis (5th edition 2003), table 21.1, logit."""
    data = spector.load_pandas()
    design = np.column_stack([np.ones(32), data.exog[["GPA", "TUCE", "PSI"]]])
    grade = data.endog.to_numpy(float)
    beta, point, found = maximum(design, grade, np.ones(32), family="logistic")
    assert found
    assert beta == pytest.approx([-13.021, 2.826, 0.095, 2.379], abs=5e-4)
    assert point.value == pytest.approx(-12.890, abs=5e-4)
    errors = np.sqrt(np.diag(np.linalg.inv(point.information)))
    assert errors == pytest.approx([4.931, 1.263, 0.142, 1.065], abs=5e-4)


def test_smoking_in_eight_cities():
    """Liu (1992), International Journal of Epidemiology 21:197-201: within the cities the odds ratio is 2.17."""
    data = china_smoking.load_pandas().data
    cells = [
        (group, city, outcome, count)
        for city, four in data.iterrows()
        for (group, outcome), count in zip([("yes", 1), ("yes", 0), ("no", 1), ("no", 0)], four, strict=True)
    ]
    table = pd.DataFrame(cells, columns=["group", "city", "outcome", "count"])
    rows = table.loc[table.index.repeat(table.pop("count"))].reset_index(drop=True)
    fit = models.adjusted(rows.assign(child_id=range(len(rows))), blocks={"city": ["city"]}, reference="no")
    term = fit.coefficients[fit.coefficients["block"].eq("city")].set_index("term").loc["group: yes"]
    assert np.exp(term["estimate"]) == pytest.approx(2.17, abs=0.01)
    pooled = sm.stats.StratifiedTable([np.array(f).reshape(2, 2) for f in data.to_numpy(int)])
    assert term["estimate"] == pytest.approx(pooled.logodds_pooled, abs=0.002)
    assert term["standard_error"] == pytest.approx(pooled.logodds_pooled_se, rel=0.02)
