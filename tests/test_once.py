"""Is a count of a study kept only in the process of a report, and only as it was?"""

import pandas as pd
import pytest

from ysj_analysis import once


@pytest.fixture
def report():
    """The process of a report, for as long as the test."""
    once.begin()
    yield
    once._kept = None


def counting():
    """A function of a study, and how often it was asked."""
    asked = []

    def count(study, *, by=()):
        asked.append(by)
        return pd.DataFrame({"events": [len(study)]})

    return once.once(count), asked


def test_outside_a_report_everything_is_counted_again():
    count, asked = counting()
    assert [count("abc").loc[0, "events"] for _ in range(2)] == [3, 3]
    assert len(asked) == 2


def test_in_a_report_the_same_question_is_asked_once(report):
    count, asked = counting()
    for study, by in [("abc", ()), ("abc", ()), ("abcd", ()), ("abc", ("sex",)), ("abcd", ())]:
        assert count(study, by=by).loc[0, "events"] == len(study)
    assert asked == [(), (), ("sex",)]


def test_what_is_kept_cannot_be_changed_from_outside(report):
    count, asked = counting()
    first = count("abc")
    first.loc[0, "events"] = 99
    first["note"] = "mine"
    assert count("abc").to_dict("list") == {"events": [3]}
    assert len(asked) == 1


def test_what_cannot_be_told_apart_is_counted_again(report):
    count, asked = counting()
    assert [count("abc", by=["sex"]).loc[0, "events"] for _ in range(2)] == [3, 3]
    assert len(asked) == 2


def test_a_failure_is_not_kept(report):
    answers = [ValueError("not yet"), "counted"]

    @once.once
    def count(study):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="not yet"):
        count("abc")
    assert count("abc") == "counted"
