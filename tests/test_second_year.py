"""A report on the year after, beside the one before: it is published, and neither gives the other away."""

from pathlib import Path

from ysj_analysis import attack
from ysj_analysis.report import render

ROOT = Path(__file__).resolve().parents[1]


def test_the_annual_report_of_the_next_year_is_published(tmp_path):
    for year in (2022, 2023):
        render(
            "annual_report",
            data=ROOT / "data/synthetic",
            out=tmp_path,
            parameters={"area": "Islington", "year": year},
        )
    assert (tmp_path / "islington/2023/annual_report/index.html").is_file()
    assert not attack.attack([tmp_path]).succeeded
