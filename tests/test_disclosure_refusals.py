"""What the gate refuses, word for word, and what it notes: each line of it is held here by what it does."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import disclosure, intervals, measures
from ysj_analysis.audit_hidden import noting
from ysj_analysis.disclosure import (
    PUBLIC,
    PUBLISHED,
    RESTRICTED,
    WORKING,
    DisclosureError,
    Policy,
    Released,
    published,
    release,
    require,
    working,
)


def table(**more) -> pd.DataFrame:
    """Two groups at one stage, 40 of 900 and 23 of 400."""
    return pd.DataFrame(
        {
            "area": "A",
            "year": 2023,
            "years": 1,
            "unit": "children",
            "stage": "arrest",
            "base": "population",
            "group": ["Black", "White"],
            "events": [40, 23],
            "denominator": [900.0, 400.0],
        }
        | more
    )


def with_true_share(t: pd.DataFrame) -> pd.DataFrame:
    return t.assign(events=[41.0, 25.0])


ONE = table()
FLOAT = "share, when"
SAID = {
    "made by hand": (
        lambda: Released(),
        TypeError,
        "Only disclosure.release makes a Released: call disclosure.release(table).",
    ),
    "of another kind": (
        lambda: type("Mine", (Released,), {}),
        TypeError,
        "A Released has no other kinds: only disclosure.release makes one.",
    ),
    "set": (
        lambda: setattr(release(ONE), "table", 1),
        AttributeError,
        "table of a released table cannot be set: release another table.",
    ),
    "deleted": (
        lambda: delattr(release(ONE), "policy"),
        AttributeError,
        "policy of a released table cannot be set: release another table.",
    ),
    "pickled": (
        lambda: pickle.dumps(release(ONE)),
        TypeError,
        "A released table cannot be pickled: write its CSV.",
    ),
    "chosen by what is not there": (
        lambda: release(ONE[["group", "events"]]).where(sex="male"),
        ValueError,
        "the released table has no column 'sex' to choose by; it has group, events.",
    ),
    "another count": (
        lambda: release(ONE).measure(lambda t: t.assign(measure="rate", events=[40.0, 26.0])),
        DisclosureError,
        "events is not a printed count in 1 of 2 rows. First: row 1. What is done to a released table may choose, "
        "order and add up its counts, and bring in no others.",
    ),
    "another base": (
        lambda: release(ONE).measure(lambda t: t.assign(measure="rate", denominator=[901.0, np.nan])),
        DisclosureError,
        "denominator is not a printed count in 1 of 2 rows. First: row 0. What is done to a released table may "
        "choose, order and add up its counts, and bring in no others.",
    ),
    "a count no rule prints": (
        lambda: release(ONE).derive(with_true_share),
        DisclosureError,
        "events is not a printed count in 1 of 2 rows. First: row 0. What is done to a released table may choose, "
        "order and add up its counts, and bring in no others.",
    ),
    "a private table beside it": (
        lambda: release(ONE).measure(measures.relative_rates, reference=ONE),
        TypeError,
        "reference is a DataFrame that was not released: give disclosure.release(reference).",
    ),
    "a private array beside it": (
        lambda: release(ONE).derive(lambda t, other: t, other=np.ones(2)),
        TypeError,
        "other is a ndarray that was not released: give disclosure.release(other).",
    ),
    "no table": (
        lambda: release(ONE).derive(lambda t: t["events"]),
        TypeError,
        "what is done to a released table must give a table, not Series, so that it is still known to be released.",
    ),
    "released twice": (
        lambda: release(release(ONE)),
        TypeError,
        "release takes true counts; this table was released already, so show it as it is.",
    ),
    "worked on twice": (
        lambda: working(release(ONE)),
        TypeError,
        "working takes true counts; this table was released already, so show it as it is.",
    ),
    "published twice": (
        lambda: published(release(ONE), source="the plan"),
        TypeError,
        "published takes true counts; this table was released already, so show it as it is.",
    ),
    "a list": (lambda: release([1]), TypeError, "release takes a DataFrame of counts, not list."),
    "a list to work on": (lambda: working([1]), TypeError, "working takes a DataFrame of counts, not list."),
    "a published list": (
        lambda: published([1], source="the plan"),
        TypeError,
        "published takes a DataFrame of counts, not list.",
    ),
    "no source": (
        lambda: published(ONE, source="  "),
        DisclosureError,
        "published figures need a source: say who printed them, where and when.",
    ),
    "no policy": (
        lambda: release(ONE, policy=None),
        TypeError,
        "policy is a NoneType; give a Policy, such as disclosure.PUBLIC.",
    ),
    "numbers that are no counts": (
        lambda: release(table(share=[0.1, 0.2], when=pd.Timestamp("2024-01-01"))),
        DisclosureError,
        "2 of 11 columns hold numbers that are not counts, or dates: share, when. Release the counts first, then take "
        "measures of what was released: disclosure.release(counts).measure(measures.rates).",
    ),
    "nothing released": (
        lambda: require({}),
        TypeError,
        "only a released table can be shown, not dict: call disclosure.release(table) first.",
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_a_refusal_says_what_to_do(case):
    call, kind, message = SAID[case]
    with pytest.raises(kind) as refusal:
        call()
    assert type(refusal.value) is kind
    assert str(refusal.value) == message


def test_what_a_released_table_says_of_itself():
    one = release(table(events=[4, 23]))
    assert repr(one) == "Released(2 rows, policy='public', counts=('events', 'denominator'))"
    assert one.hidden == 1
    assert one.source == ""
    assert one.counts == ("events", "denominator")
    some = ONE.drop(columns="denominator")
    assert release(some, counts=("events", "removed")).counts == ("events",)
    assert one.where(group="White").hidden == 0
    assert release(ONE[["group", "stage"]]).hidden == 0
    assert require(one) is one
    assert copy.copy(one) is copy.deepcopy(one) is one


def test_what_is_worked_on_or_published_is_shown_as_it_is():
    true = table(events=[4, 23], share=[0.123456, 0.5], reference_events=23)
    for shown, rule, source in (
        (working(true), WORKING, ""),
        (published(true, source="the plan"), PUBLISHED, "the plan"),
    ):
        assert shown.policy is rule
        assert shown.source == source
        assert shown.counts == ("events", "denominator", "reference_events")
        pd.testing.assert_frame_equal(shown.table, true)
        mine = shown.table
        mine.loc[0, "events"] = 99
        assert shown.table["events"].to_list() == [4, 23]
    late = working(true.iloc[[1]])
    assert late.table.index.to_list() == [0]
    assert published(true.iloc[[1]], source="x").table.index.to_list() == [0]


def test_numbers_that_the_formula_of_their_name_does_not_give_are_refused():
    """They would be widened by it: 0.43, 0.23 to 0.80, became 0.23 to 5.57."""
    counts = table(group=["Black", "White"], events=[45, 30], denominator=[90, 100], base="arrest")

    def of_staying_out(t):
        rows = measures.relative_rates(t)
        x, n, rx, rn = (
            rows[c] for c in ("events", "denominator", "reference_events", "reference_denominator")
        )
        out = intervals.odds_ratio(n - x, n, rn - rx, rn)
        return rows.assign(measure="odds_ratio", **out._asdict())

    with pytest.raises(
        DisclosureError, match=r"1 of 2 rows .*First: row 0, odds_ratio, 0\.4286 .*gives 2\.333 \("
    ):
        release(counts).measure(of_staying_out)
    with pytest.raises(DisclosureError, match="limits of 95%"):
        release(counts).measure(measures.rates, level=0.99)
    assert release(counts, policy=RESTRICTED).measure(measures.rates, level=0.99).table["low"].iloc[0] < 0.37
    assert working(counts).measure(of_staying_out).table["estimate"].iloc[0] == pytest.approx(0.43)


def test_a_restricted_edition_may_bring_in_its_own_counts():
    one = release(ONE, policy=RESTRICTED)
    assert one.derive(with_true_share).table["events"].to_list() == [41, 25]
    kept = one.measure(lambda t: t.assign(measure="proportion", estimate=0.5, events=[41.0, 26.0]))
    assert kept.table["events"].to_list() == [41, 26]
    assert release(table(share=[0.1, 0.2]), policy=RESTRICTED).table["share"].to_list() == [0.1, 0.2]


def test_a_hidden_count_may_stay_hidden_in_what_is_made_of_it():
    one = release(table(events=[4, 23]))
    rated = one.measure(measures.rates)
    assert rated.counts[:2] == ("events", "denominator")
    assert rated.table["events"].isna().to_list() == [True, False]
    assert one.derive(lambda t: t.drop(columns="events")).counts == ("denominator",)
    assert one.derive(lambda t: t.iloc[::-1]).source == ""


def test_equality_is_of_table_policy_counts_and_source():
    one = release(ONE)
    assert one == release(ONE)
    assert one != release(table(events=[40, 33]))
    assert one != release(ONE, policy=Policy("other", "x", 8, 5, 10, 30))
    assert one.derive(lambda t: t) == one
    assert published(ONE, source="a") != published(ONE, source="b")
    assert (one == 1) is False
    assert Released.__hash__ is None


@pytest.mark.parametrize(
    ("values", "private"),
    [
        (pd.Series([1.5, 2.5]), True),
        (pd.Series([1, 2]), True),
        (pd.Series([True, False]), False),
        (pd.Series(["a", "b"]), False),
        (pd.Series(["a", None], dtype=object), False),
        (pd.Series(["a", 3], dtype=object), True),
        (pd.Series([None, 3.0], dtype=object), True),
        (pd.Series([True, "x"], dtype=object), False),
        (pd.Series(["a", "b"], dtype="category"), False),
        (pd.Series([3, 4], dtype="category"), True),
        (pd.Series(["a", "b"], dtype="string"), False),
        (pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"])), True),
    ],
)
def test_which_columns_would_show_what_is_private(values, private):
    given = table(extra=values)
    if private:
        with pytest.raises(DisclosureError, match=r"1 of 10 columns.*: extra\."):
            release(given)
    else:
        assert "extra" in release(given).table


def test_years_are_no_counts_and_texts_are_printed_by_the_rule():
    given = pd.DataFrame({"year": [2023], "years": [5], "what": ["41 events of 3 children"], "removed": [41]})
    shown = release(given, counts=("removed",), texts=("what",)).table
    assert shown["what"].to_list() == ["40 events of [c] children"]
    assert shown["removed"].to_list() == [40]
    assert shown["year"].to_list() == [2023]
    assert release(given, counts=("removed",)).table["what"].to_list() == given["what"].to_list()


# -- what is noted for the audit ---------------------------------------------------------------------


def noted(show) -> list[tuple[str, int, int]]:
    """What the audit is told of a table that somebody reads."""
    with noting() as facts:
        show(release(table(events=[4, 23]), policy=PUBLIC))
    return sorted({(dict(f.count.where).get("group", ""), f.low, f.high) for f in facts})


BLACK, WHITE = ("Black", 0, 7), ("White", 23, 27)


@pytest.mark.parametrize(
    ("show", "told"),
    [
        (lambda one: None, []),
        (lambda one: one.hidden, []),
        (lambda one: one.table, [BLACK, WHITE]),
        (lambda one: one.where(group="White").table, [WHITE]),
        (lambda one: one.where(group="White"), []),
        (lambda one: one.where(group=["Black", "White"]).where(group={"Black"}).table, [BLACK]),
        (lambda one: one.derive(lambda t: t[t["group"] == "White"]).table, [BLACK, WHITE]),
        (lambda one: one.derive(lambda t: t).where(group="White").table, [BLACK, WHITE]),
        (lambda one: one.measure(measures.rates).where(group="White").table, [BLACK, WHITE]),
        (lambda one: one.where(group="White").measure(measures.rates).table, [WHITE]),
        (
            lambda one: (
                one.where(group="White").derive(lambda t, other: t, other=one.where(group="Black")).table
            ),
            [BLACK, WHITE],
        ),
    ],
)
def test_the_audit_is_told_of_what_is_read_and_of_nothing_else(show, told):
    assert noted(show) == told


def test_names_of_what_counts_are_of_are_shown_to_the_audit_alone():
    bare = pd.DataFrame({"group": ["Black", "White"], "events": [40, 23]})
    of = {"area": "A", "year": 2023, "years": 1, "unit": "children", "stage": "arrest"}
    with noting() as facts:
        shown = release(bare, of=of).table
    assert list(shown.columns) == ["group", "events"]
    assert {(f.count.area, f.count.stage, f.count.last) for f in facts} == {("A", "arrest", 2023)}


def test_the_names_of_the_module_are_those_it_lists():
    for name in disclosure.__all__:
        assert getattr(disclosure, name) is not None


# -- choosing, and models ----------------------------------------------------------------------------


def test_every_condition_holds_of_what_is_chosen():
    both = pd.concat([table(), table(stage="charge")])
    assert len(release(both).where(stage="charge", group="White").table) == 1
    assert len(release(both).where(group="White", stage=("charge", "arrest")).table) == 2


@pytest.mark.parametrize("rule", [PUBLIC, RESTRICTED])
def test_a_saturated_model_is_withheld_from_the_public_however_it_is_made(rule):
    def fitted(t: pd.DataFrame) -> pd.DataFrame:
        return measures.rates(t).assign(residual_df=[9, 10])

    one = release(ONE, policy=rule)
    for made in (one.measure(fitted), one.derive(fitted)):
        withheld = made.table["estimate"].isna().to_list()
        assert withheld == ([True, False] if rule is PUBLIC else [False, False])
