"""What links counts that are not groups or years: searches, checks, ledgers, revisions. Against all whole numbers."""

import dataclasses
import itertools
import os

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ysj_analysis import editions, joint_audit, measures
from ysj_analysis.audit_hidden import SHOWN, drafting, hiding, noting, undrawn
from ysj_analysis.disclosure import release
from ysj_analysis.joint_advice import advice
from ysj_analysis.joint_audit import Budget, Contradiction, OutOfTime, blamed, failing, ranges
from ysj_analysis.joint_facts import (
    BEFORE,
    EARLIER,
    OUTSIDE,
    REACHED,
    THROUGH,
    UNLIMITED,
    Count,
    Fact,
    of_table,
    together,
)
from ysj_analysis.joint_names import AMONG, FOUND, LEFT, REMOVED, names
from ysj_analysis.joint_release import advised, cleared
from ysj_analysis.joint_repair import Audited, audited
from ysj_analysis.joint_system import systems
from ysj_analysis.policies import PUBLIC, DisclosureError, Policy


def fact(
    low,
    high,
    stage="stop_search",
    series=REACHED,
    *,
    unit="searches",
    area="A",
    origin="own",
    edition=0,
    **where,
):
    count = Count(unit, stage, area, series, 2023, 2023, tuple(sorted(where.items())))
    return Fact(count, low, high, origin=origin, edition=edition)


def every_range(facts):
    out = {}
    for system in systems(together(facts)):
        out |= dict(zip(system.names, map(tuple, ranges(system).astype(int)), strict=True))
    return out


def brute(facts, holds, most=30):
    """The least and the most of each count, over all whole numbers up to ``most`` of which ``holds`` is true."""
    spans = [range(f.low, min(f.high, most) + 1) for f in facts]
    left = [x for x in itertools.product(*spans) if holds(*x)]
    return [(min(x[i] for x in left), max(x[i] for x in left)) for i in range(len(facts))]


# -- searches ----------------------------------------------------------------------------------------


def test_searches_are_followed_from_the_day_they_were_made():
    facts = [fact(8, 12, group="Black"), fact(10, 14, series=BEFORE, group="Black")]
    here = every_range(facts)
    assert [here[str(f.count)] for f in facts] == brute(facts, lambda made, followed: made == followed)


@pytest.mark.parametrize("kind", ["outcome: ", "object: "])
def test_a_search_has_one_outcome_at_most(kind):
    facts = [
        fact(8, 12, group="Black"),
        fact(0, 30, f"{kind}one", group="Black"),
        fact(6, 9, f"{kind}two", group="Black"),
    ]
    here = every_range(facts)
    expected = brute(facts, lambda made, one, two: one + two <= made)
    assert [here[str(f.count)] for f in facts] == expected


def test_so_has_a_search_that_is_followed():
    series = f"{THROUGH} stop_search"
    facts = [
        fact(8, 12, series=BEFORE, group="Black"),
        fact(0, 30, "outcome: one", series, group="Black"),
        fact(6, 9, "outcome: two", series, group="Black"),
    ]
    here = every_range(facts)
    expected = brute(facts, lambda made, one, two: one + two <= made)
    assert [here[str(f.count)] for f in facts] == expected


# -- checks and ledgers ------------------------------------------------------------------------------


def test_what_a_check_found_is_among_what_it_looked_at_if_that_is_printed():
    found, among = (fact(8, 40, "arrest", f"{s} no date") for s in (FOUND, AMONG))
    looked = Fact(among.count, 8, 12)
    assert every_range([found, looked])[str(found.count)] == (8, 12)
    assert every_range([found])[str(found.count)] == (8, 40)


def test_a_check_of_ethnicity_of_searches_is_of_those_the_searched_gave_themselves():
    row = {
        "check": "ethnicity unknown",
        "stage": "searches.csv",
        "unit": "searches",
        "area": "A",
        "year": 2023,
    }
    (named,) = names(_frame(row), ("events", "denominator"))
    assert str(named["events"]) == "stop_search (reached), A, 2023, group (self-defined) Unknown"
    (kind,) = names(_frame(row | {"check": "ethnicity not stated"}), ("events", "denominator"))
    assert str(kind["events"]).endswith("kind of unknown (self-defined) not stated")


def _frame(row):
    return pd.DataFrame([row | {"events": 4, "denominator": 9}])


def test_lines_of_a_ledger_that_are_of_other_rows_do_not_follow_on_each_other():
    def line(number, removed, left):
        return [
            Fact(Count("rows", "ledger x", "", f"{s} {number:03d}", 0, 0), *ends)
            for s, ends in ((REMOVED, removed), (LEFT, left))
        ]

    follows = [*line(0, (0, 0), (100, 104)), *line(1, (0, 9), (98, 102))]
    assert every_range(follows)[str(follows[2].count)] == (0, 6)
    apart = [*line(0, (0, 0), (100, 104)), *line(1, (0, 9), (18, 22))]
    assert every_range(apart)[str(apart[2].count)] == (0, 9)


def test_reoffences_without_their_children_stand_alone():
    again = fact(8, 12, "reoffended_year", "reoffences of those through cohort_year", unit="children")
    assert every_range([again])[str(again.count)] == (8, 12)


# -- editions ----------------------------------------------------------------------------------------


def test_of_two_earlier_editions_only_the_one_that_was_revised_is_kept_apart():
    """One edition said 40 for C, which still holds; the one before it 12 of all, where now there are 23 at least."""
    now = [fact(8, 12, group="A"), fact(13, 17, group="B"), fact(23, 27)]
    first = [fact(8, 12, origin=EARLIER, edition=1)]
    second = [fact(8, 12, group="A", origin=EARLIER, edition=2)]
    other = [fact(38, 42, group="C", area="Z", origin=EARLIER, edition=2)]
    out = audited([*now, *first, *second, *other], PUBLIC)
    assert {f.count for f in out.facts} == {f.count for f in now}
    assert not out.plain


def test_a_count_held_then_that_is_divided_otherwise_now_is_tied_to_nothing():
    """By sex then, and not now: nobody can set the one against the other."""
    then = [
        fact(8, 12, group="A", sex="f", origin=EARLIER, edition=1),
        fact(8, 12, group="A", origin=EARLIER, edition=1),
    ]
    now = [fact(18, 22, group="A"), fact(18, 22, group="B"), fact(38, 42)]
    assert {f.level for f in audited([*now, *then], PUBLIC).facts} == {0}


# -- the solver --------------------------------------------------------------------------------------


def naive():
    return [fact(40, 40, group="A"), fact(0, 7, group="B"), fact(42, 42)]


def test_an_audit_that_runs_out_of_steps_or_of_time_is_refused():
    (system,) = systems(together(naive()))
    for budget in (Budget(steps=0), Budget(seconds=0)):
        with pytest.raises(
            OutOfTime, match=r"did not finish in its time: 3 linked counts, first .* Drop a dim"
        ):
            last_of(system, budget)
    budget = Budget()
    last_of(system, budget)
    assert Budget().steps - budget.steps == 2  # a question for each end, and no iteration after propagation


def last_of(system, budget):
    return joint_audit.passing(system, [len(system.names) - 1], budget=budget)


def test_the_steps_are_the_same_each_time():
    sexes = [
        (g, sex, v)
        for g, pair in (("A", (9, 3)), ("B", (31, 4)), ("C", (12, 1)))
        for sex, v in zip("mf", pair, strict=True)
    ]
    local = [(0, 7) if v < 8 else (v - 2, v + 2) for _, _, v in sexes]
    facts = [fact(*ends, group=g, sex=sex) for ends, (g, sex, _) in zip(local, sexes, strict=True)]
    facts += [fact(10, 14, group="A"), fact(33, 37, group="B"), fact(13, 17, group="C")]

    def steps():
        budget = Budget()
        for system in systems(together(facts)):
            failing(system, budget=budget)
        return Budget().steps - budget.steps

    assert steps() == steps() > 2


def test_a_step_that_the_solver_cannot_end_is_refused():
    (system,) = systems(together(naive()))
    solver = joint_audit.Solver(system, *joint_audit.propagated(system))
    solver._solve = lambda cost, whole, near=0.0: joint_audit.highspy.HighsModelStatus.kIterationLimit
    with pytest.raises(OutOfTime, match="could not settle 1 of 3 counts"):
        solver.extreme(0, 1, whole=False)
    assert solver.prices(0, 1) is None


@pytest.mark.parametrize("seed", range(8))
def test_what_is_found_does_not_depend_on_looking_for_many_wide_ones_first(seed, monkeypatch):
    draw = np.random.default_rng(seed)
    true = draw.integers(0, 14, (4, 3))
    cells = [
        ((v, g, s)) for g, row in zip("ABCD", true, strict=True) for s, v in zip("mfx", row, strict=True)
    ]
    cells += [(row.sum(), g, None) for g, row in zip("ABCD", true, strict=True)]
    cells += [(column.sum(), None, s) for s, column in zip("mfx", true.T, strict=True)] + [
        (true.sum(), None, None)
    ]
    ends = [(0, 7) if v < 8 else (v - 1, v + 1) for v, _, _ in cells]
    facts = [
        fact(*e, **{k: w for k, w in (("group", g), ("sex", s)) if w})
        for e, (_, g, s) in zip(ends, cells, strict=True)
    ]
    monkeypatch.setattr(joint_audit, "_MANY", 1_000)
    alone = [(f.name, f.low, f.high) for system in systems(together(facts)) for f in failing(system)]
    every = every_range(facts)
    assert {name for name, _, _ in alone} == {n for n, (a, b) in every.items() if a < 5 and b - a < 5}
    monkeypatch.setattr(joint_audit, "_MANY", 0)
    assert [(f.name, f.low, f.high) for system in systems(together(facts)) for f in failing(system)] == alone


def with_line(system, weights, low, high):
    """The same system, and one more line."""
    return dataclasses.replace(
        system,
        rows=sparse.vstack([system.rows, sparse.csr_matrix([weights])]).tocsr(),
        low=np.r_[system.low, low],
        high=np.r_[system.high, high],
    )


def test_what_propagation_does_not_see_the_solver_does():
    """Three pairs of 15 and more, of three that are 20 together: 2 x 20 is not 45."""
    (tight,) = systems(together([*(fact(0, 20, group=g) for g in "ABC"), fact(20, 20)]))
    for pair in ([1.0, 1, 0], [1, 0, 1], [0, 1, 1]):
        tight = with_line(tight, pair, 15, 20)
    with pytest.raises(Contradiction, match="no whole numbers fit all 4 counts"):
        ranges(tight)


def test_only_whole_numbers_let_a_count_pass():
    """2x + 2y = 2z + 1 has solutions over the reals, however far apart, and none in whole numbers."""
    (system,) = systems(together([*(fact(0, 99, group=g) for g in "ABC"), fact(0, 297)]))
    with pytest.raises(Contradiction, match="no whole numbers fit"):
        failing(with_line(system, [2.0, 2.0, -2.0], 1, 1))


def test_propagation_that_does_not_come_to_an_end_is_left_off():
    """2x = 2y + 1 narrows x and y by a half in turn, for as long as one likes."""
    (system,) = systems(together([fact(0, 9999, group="A"), fact(0, 9999, group="B"), fact(0, 19998)]))
    low, high = joint_audit.propagated(with_line(system, [2.0, -2.0], 1, 1))
    assert (low < high).all()


def test_where_prices_name_no_print_that_can_change_all_own_prints_are_blamed():
    facts = [fact(40, 40, group="A", origin=OUTSIDE), fact(0, 7, group="B"), fact(42, 42, origin=OUTSIDE)]
    (system,) = systems(together(facts))
    (finding,) = failing(system)
    assert [str(system.facts[at].count) for at in blamed(system, finding)] == [str(facts[1].count)]


# -- a release ---------------------------------------------------------------------------------------


def test_nothing_printed_is_wholly_printed():
    assert Audited((), 0).usefulness() == {"cells": 1.0, "value": 1.0}


def test_what_is_not_there_tells_nothing():
    head = "area,year,years,unit,stage,base,group,events,denominator\n"
    text = head + "A,2023,1,children,charge,arrest,B,[c],[x]\n"
    assert [(f.count.stage, f.low, f.high) for f in of_table(text, PUBLIC)] == [("charge", 0, 7)]


def test_a_report_that_never_settles_is_refused(tmp_path):
    """Each run shows another table: what the audit hid in the last is not in the next."""
    runs = itertools.count(2000)

    def run():
        year = next(runs)
        head = "area,year,years,unit,stage,base,group,events,denominator\n"
        rows = [f"A,{year},1,episodes,custody,population,{g},{n},100" for g, n in (("A", 40), ("B", "[c]"))]
        rows += [f"A,{year},1,episodes,yda,remand_decision,A,10,10"]
        return {"t": {"csv": head + "\n".join(rows), "policy": "public"}}

    with pytest.raises(DisclosureError, match=r"could not be hidden by running the notebook again. First: "):
        cleared(run, lambda s: s, name="x", rule=PUBLIC, ledger=tmp_path / "editions.jsonl")


def test_noting_within_noting_and_hiding_within_hiding_leave_the_outer_as_it_was(monkeypatch):
    count = fact(0, 7).count
    with noting() as outer:
        where = os.environ[SHOWN]
        with noting():
            assert os.environ[SHOWN] != where
        assert os.environ[SHOWN] == where
    assert outer == []
    with hiding([count]):
        with hiding([count]), hiding([]):
            pass
        assert "YSJ_HIDDEN_COUNTS" in os.environ
    assert "YSJ_HIDDEN_COUNTS" not in os.environ
    with drafting(False):
        assert not undrawn()
    with drafting(True):
        assert undrawn()
    assert not undrawn()


def test_a_rule_that_hides_and_does_not_round_withholds_and_does_not_widen():
    rule = Policy("exact", "Exact above four", 5, 1, 10, 30)
    rows = [
        {"area": "A", "year": 2023, "years": 1, "unit": "children", "stage": "charge", "base": "arrest", "group": g,
         "events": e, "denominator": d}
        for g, e, d in (("Black", 21.0, 50.0), ("White", 30.0, 90.0), ("Asian", 4.0, 40.0))
    ]  # fmt: skip
    shown = release(pd.DataFrame(rows), policy=rule).measure(measures.relative_rates, reference="White").table
    assert not shown["method"].str.contains("widened").any()
    assert shown.set_index("group")["estimate"].isna().to_dict() == {
        "Black": False,
        "White": False,
        "Asian": True,
    }
    assert shown["estimate"].iloc[0] == round(21 / 50 / (30 / 90), 2)


# -- advice ------------------------------------------------------------------------------------------


def printed(low, high, *, first=2023, **where):
    return Fact(
        Count("children", "custody", "A", REACHED, first, 2023, tuple(sorted(where.items()))), low, high
    )


def said(facts):
    return [line.what for line in advice(facts, PUBLIC)]


def test_advice_pools_no_more_years_than_are_not_pooled_yet():
    small = [printed(0, 7, first=2021, group=g) for g in ("Asian", "Black")]
    assert "Pool 3 years" not in said(small)
    assert said(small) == ["As it is", "Pool 5 years"]
    assert said([printed(0, 7, first=2019, group="Asian")]) == ["As it is"]
    no_groups = [printed(8, 12, group=g) for g in ("Black", "White", "Asian")]
    no_groups += [printed(0, 7, group=g) for g in ("Unknown", "all")]
    assert not any("Unknown" in line or " all" in line for line in said(no_groups))


def test_advice_drops_a_split_only_where_the_whole_is_printed_too():
    split = [printed(0, 7, first=2019, group="Asian", sex=s) for s in "fm"]
    assert said(split) == ["As it is"]
    assert "Drop the split by sex" in said([*split, printed(8, 12, first=2019, group="Asian")])


def test_advice_merges_no_groups_where_there_are_none():
    facts = [printed(0, 7, first=2019, place="home"), printed(0, 7, first=2019, place="care")]
    assert said(facts) == ["As it is"]


def test_advice_merges_no_group_that_the_others_are_compared_with():
    facts = [printed(0, 7, first=2019, group=g) for g in ("Other", "White")]
    facts += [printed(98, 102, first=2019, group=g) for g in ("Asian", "Black")]
    assert "Merge Other and White" in said(facts)
    assert [line.what for line in advice(facts, PUBLIC, alone={"White"})] == [
        "As it is",
        "Merge Other and Asian",
    ]
    two = [f for f in facts if dict(f.count.where)["group"] in ("Other", "White")]
    assert [line.what for line in advice(two, PUBLIC, alone={"White"})] == ["As it is"]


def test_advice_on_a_rendered_report_is_of_its_own_edition_and_reference(tmp_path):
    folder = tmp_path / "a" / "report"
    (folder / "tables").mkdir(parents=True)
    (folder / "manifest.json").write_text(
        '{"notebook": "report", "parameters": {"area": "A"}}', encoding="utf-8"
    )
    (folder / "tables/ratios.csv").write_text("group,reference\nBlack,White\nAsian,\n", encoding="utf-8")
    (folder / "tables/text.csv").write_text("what\nsaid\n", encoding="utf-8")
    assert advised(folder) == []  # in no ledger
    ledger, name = tmp_path / "a/editions.jsonl", editions.name("report", {"area": "A"})
    editions.append(ledger, editions.Edition("another", "public", (printed(0, 7, group="Asian"),)))
    assert advised(folder) == []
    odd = (printed(0, 7, group="Asian"),)
    odd = tuple(dataclasses.replace(f, count=dataclasses.replace(f.count, series="months")) for f in odd)
    editions.append(ledger, editions.Edition(name, "public", odd))
    assert advised(folder) == []
    facts = [printed(0, 7, first=2019, group=g) for g in ("Other", "White")]
    facts += [printed(98, 102, first=2019, group=g) for g in ("Asian", "Black")]
    editions.append(ledger, editions.Edition(name, "public", tuple(facts)))
    first, merged = advised(folder)
    assert first.startswith("As it is: about 50% of counts")
    assert merged.startswith("Merge Other and Asian: ")


def test_advice_reckons_a_merger_with_every_pair_of_values():
    """Of 0-7 and 0-7 each as likely, 36 of 64 pairs make 8 or more: counted one by one."""
    facts = [printed(0, 7, first=2019, group=g) for g in ("Asian", "Black")] + [
        printed(98, 102, first=2019, group="White")
    ]
    merged = next(line for line in advice(facts, PUBLIC) if line.what.startswith("Merge"))
    pairs = list(itertools.product(range(8), repeat=2))
    share = sum(a + b >= 8 for a, b in pairs) / len(pairs)
    assert merged.cells == pytest.approx((1 + share) / 2)
    worth = sum(a + b for a, b in pairs) / len(pairs)
    shown = sum(a + b for a, b in pairs if a + b >= 8) / len(pairs)
    assert merged.value == pytest.approx((100 + shown) / (100 + worth))


def test_advice_takes_what_the_audit_hid_for_no_more_than_its_mark_says():
    by_audit = Fact(printed(8, 12, first=2019, group="Asian").count, 8, UNLIMITED, level=3)
    (now, *_) = advice([by_audit], PUBLIC)
    assert (now.cells, now.value) == (1.0, 1.0)
