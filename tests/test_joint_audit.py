"""Can anything hidden be worked out? Against brute force, and on random studies."""

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from ysj_analysis import load, measures, pipeline
from ysj_analysis.datafile import csv as csv_text
from ysj_analysis.disclosure import release
from ysj_analysis.joint_audit import OutOfTime, failing, outer, passing, possible, propagated, ranges
from ysj_analysis.joint_facts import (
    BEFORE,
    EARLIER,
    OUTSIDE,
    OWN,
    REACHED,
    THROUGH,
    UNLIMITED,
    Count,
    Fact,
    as_record,
    coarser,
    from_record,
    named,
    of_table,
    together,
)
from ysj_analysis.joint_repair import audited
from ysj_analysis.joint_system import systems
from ysj_analysis.policies import PUBLIC, PUBLISHED, DisclosureError


def _benchmark(name):
    """A script of benchmarks/, as a module."""
    path = Path(__file__).parents[1] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


studies = _benchmark("audit")
BASE = "remand_decision"


def fact(
    low, high, *, stage="custody", series=REACHED, first=2023, last=2023, unit="episodes", origin=OWN, **where
):
    """One print of a count."""
    count = Count(unit, stage, "A", series, first, last, tuple(sorted(where.items())))
    return Fact(count, low, high, origin=origin)


def local(true, **what):
    """A count as the local rule prints it."""
    value = PUBLIC.printed([true])[0]
    return fact(0, 7, **what) if np.isnan(value) else fact(int(value) - 2, int(value) + 2, **what)


def found(facts, **arguments):
    """Every range, by name."""
    out = {}
    for system in systems(together(facts), **arguments):
        out |= dict(zip(system.names, map(tuple, ranges(system).astype(int)), strict=True))
    return out


def span(values):
    return int(values.min()), int(values.max())


# -- against brute force -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_groups_sexes_and_totals(seed):
    """Every 2 x 2 table of 0 to 6 that agrees with random intervals on cells and margins."""
    rng = np.random.default_rng(seed)
    tables = np.array(list(itertools.product(range(7), repeat=4)))
    true = tables[rng.integers(len(tables))]
    cells = [{"group": g, "sex": s} for g in "AB" for s in "fm"]
    sums = {(): [0, 1, 2, 3], ("group", "A"): [0, 1], ("group", "B"): [2, 3], ("sex", "f"): [0, 2]}
    facts, keep = [], np.ones(len(tables), bool)
    for where, at in [
        *zip(cells, [[0], [1], [2], [3]], strict=True),
        *((dict([k]) if k else {}, a) for k, a in sums.items()),
    ]:
        low = max(int(true[at].sum()) - int(rng.integers(3)), 0)
        high = min(int(true[at].sum()) + int(rng.integers(3)), 6 if len(at) == 1 else 99)
        facts.append(fact(low, high, **where))
        keep &= (tables[:, at].sum(1) >= low) & (tables[:, at].sum(1) <= high)
    left = tables[keep]
    here = found(facts)
    for where, column in zip(cells, left.T, strict=True):
        assert here[str(fact(0, 0, **where).count)] == span(column)
    assert here[str(fact(0, 0).count)] == span(left.sum(1))


@pytest.mark.parametrize("seed", range(8))
def test_windows_of_children(seed):
    """Children by the years in which they were there, 7 kinds of them, 0 to 2 of each: 2,187 tables."""
    rng = np.random.default_rng(seed)
    kinds = [k for k in itertools.product((0, 1), repeat=3) if any(k)]
    tables = np.array(list(itertools.product(range(3), repeat=len(kinds))))
    windows = [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2)]
    inside = np.array([[any(k[a : b + 1]) for k in kinds] for a, b in windows])
    sizes = tables @ inside.T
    true = sizes[rng.integers(len(sizes))]
    keep, facts = np.ones(len(sizes), bool), []
    for i in rng.choice(6, 4, replace=False):
        low, high = max(true[i] - int(rng.integers(2)), 0), true[i] + int(rng.integers(2))
        first, last = windows[i]
        facts.append(
            fact(int(low), int(high), first=2020 + first, last=2020 + last, unit="children", group="A")
        )
        keep &= (sizes[:, i] >= low) & (sizes[:, i] <= high)
    here = found(facts)
    for f in facts:
        i = windows.index((f.count.first - 2020, f.count.last - 2020))
        low, high = here[str(f.count)]
        # The tables stop at two children of a kind, so what they allow is within the range found.
        assert low <= sizes[keep, i].min()
        assert high >= sizes[keep, i].max()
        assert f.low <= low
        assert high <= f.high


def test_windows_of_children_by_hand():
    years = [fact(8, 12, first=y, last=y, unit="children") for y in (2019, 2020)]
    # Two years of at most 12 cannot hold 25 children; one of 25 to 27 needs both at 12 and more.
    both = fact(23, 27, first=2019, last=2020, unit="children")
    assert found([*years, both])[str(both.count)] == (23, 24)
    # A window is at least each that is within it, whichever end they share.
    for long in ((0, 2), (-1, 1)):
        nobody = [children(0, 0, *long), children(0, 0, 0, 0), children(0, 1, 0, 1)]
        assert found(nobody)[str(nobody[2].count)] == (0, 0)
    # A window is at least each of its years.
    small = fact(0, 7, first=2019, last=2020, unit="children")
    year = fact(5, 7, first=2019, last=2019, unit="children")
    assert found([small, year])[str(small.count)] == (5, 7)


def seen(kinds, first, last):
    """How many children of each kind were there between two years."""
    return [any(kind[first : last + 1]) for kind in kinds]


def children(low, high, first, last, **what):
    return fact(low, high, first=2019 + first, last=2019 + last, unit="children", **what)


def test_two_windows_that_share_a_year_bound_it():
    """As one study of 208 printed it: threes of at most 7 that share 2021, and five years of at least 13.

    Whoever was there in 2021 is in both threes, so 7 + 7 - 13 = 1 at most was. The audit passed it while it
    knew only that windows that cover another have at least as many.
    """
    facts = [children(0, 7, 0, 2), children(0, 7, 2, 4), children(13, 17, 0, 4), children(0, 7, 2, 2)]
    year = str(facts[-1].count)
    assert found(facts)[year] == (0, 1)
    assert year in [f.name for s in systems(together(facts)) for f in failing(s)]
    out = audited(facts, PUBLIC)
    assert {c.first for c in out.coarsened} == {2019}
    assert {c.last for c in out.coarsened} == {2023}
    assert [f for s in systems(out.facts) for f in failing(s)] == []


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_windows_of_children_are_known_exactly(data):
    """What two solvers say of windows: of the numbers of them, and of children by the years they were there."""
    years = 4
    kinds = [k for k in itertools.product((0, 1), repeat=years) if any(k)]
    there = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(kinds), max_size=len(kinds))))
    windows = list(itertools.combinations_with_replacement(range(years), 2))
    printed = data.draw(st.lists(st.sampled_from(windows), min_size=2, max_size=6, unique=True))
    facts, low, high = [], [], []
    for first, last in printed:
        true = int(there @ seen(kinds, first, last))
        low.append(max(true - data.draw(st.integers(0, 2)), 0))
        high.append(true + data.draw(st.integers(0, 2)))
        facts.append(children(low[-1], high[-1], first, last))
    here = found(facts)
    lines = LinearConstraint(np.array([seen(kinds, *w) for w in printed], float), low, high)
    for (first, last), f in zip(printed, facts, strict=True):
        cost = np.array(seen(kinds, first, last), float)
        ends = [milp(sign * cost, constraints=lines, integrality=np.ones(len(cost))).fun for sign in (1, -1)]
        assert here[str(f.count)] == (round(ends[0]), round(-ends[1]))


def test_what_the_solver_loses_beforehand_is_found():
    """HiGHS 1.15.1 says, after its presolve, that no whole numbers fit these; 14 to 20 do, by all kinds of children."""
    ends = {(2, 3): (17, 18), (3, 3): (12, 12), (0, 3): (18, 20), (1, 2): (14, 18)}
    facts = [children(*e, *window) for window, e in ends.items()]
    ((least, most),) = [r for name, r in found(facts).items() if "2019 to 2021" in name]
    kinds = [k for k in itertools.product((0, 1), repeat=4) if any(k)]
    lines = LinearConstraint(np.array([seen(kinds, *w) for w in ends], float), *np.array([*ends.values()]).T)
    cost, whole = np.array(seen(kinds, 0, 2), float), np.ones(len(kinds))
    both = [milp(sign * cost, constraints=lines, integrality=whole).fun for sign in (1, -1)]
    assert (least, most) == (both[0], -both[1]) == (14, 20)


def test_who_went_on_in_a_year_was_there_in_it():
    """A year that neither stage prints is within the windows that both do."""
    before = [
        children(8, 9, 0, 1, stage=BASE, series=BEFORE),
        children(12, 14, 0, 2, stage=BASE, series=BEFORE),
    ]
    after = [
        children(a, b, *w, stage="yda", series=f"{THROUGH} {BASE}")
        for a, b, w in ((0, 8, (0, 1)), (9, 9, (0, 2)))
    ]
    exact = [children(2, 2, 2, 2, stage=BASE, series=BEFORE, origin=OUTSIDE)]
    # At most 2 came in the third year, so at least 7 of the 9 who went on were there in the first two.
    assert found([*before[:1], *after, *exact])[str(after[0].count)] == (7, 8)


def test_who_went_on_in_both_years_was_there_in_both():
    stage = {"before": (BASE, BEFORE), "after": ("yda", f"{THROUGH} {BASE}")}
    sizes = {
        "before": (20, 20, 40),
        "after": (10, 10, 10),
    }  # nobody twice; those who went on, all of them twice
    facts = [
        children(n, n, *w, stage=stage[k][0], series=stage[k][1])
        for k, three in sizes.items()
        for n, w in zip(three, ((0, 0), (1, 1), (0, 1)), strict=True)
    ]
    with pytest.raises(DisclosureError, match="no whole numbers fit"):
        audited(facts, PUBLIC)
    facts[-1] = children(18, 22, 0, 1, stage="yda", series=f"{THROUGH} {BASE}")
    assert found(facts)[str(facts[-1].count)] == (20, 20)


def test_years_of_episodes_add():
    years = [local(t, first=y, last=y) for y, t in zip(range(2019, 2023), (9, 10, 12, 8), strict=True)]
    pooled = local(41, first=2019, last=2023)
    last = fact(0, 7, first=2023, last=2023)
    assert found([*years, pooled, last])[str(last.count)] == (0, 7)
    exact = [
        fact(t, t, first=y, last=y, origin=OUTSIDE)
        for y, t in zip(range(2019, 2023), (9, 10, 12, 8), strict=True)
    ]
    assert found([*exact, pooled, last])[str(last.count)] == (0, 3)  # 38..42 less 39


def test_a_later_stage_is_within_the_one_before_and_the_rest_is_a_count_too():
    after = local(10, stage="yda", series=f"{THROUGH} {BASE}", group="A")
    before = local(10, stage=BASE, series=BEFORE, group="A")
    here = found([after, before])
    assert here[f"not {after.count}"] == (0, 4)
    (only,) = systems([after, before])
    assert [f.name for f in failing(only)] == [f"not {after.count}"]


def test_a_procedure_that_all_pass_says_nothing():
    after = local(10, stage="sentenced", series=f"{THROUGH} convicted", group="A")
    before = local(10, stage="convicted", series=BEFORE, group="A")
    assert [failing(s) for s in systems([after, before])] == [[]]


@pytest.mark.parametrize(("unit", "high"), [("episodes", 12), ("children", 12)])
def test_outcomes_of_a_decision_add_up(unit, high):
    what = {"unit": unit, "group": "A"}
    outcomes = {"bail": (8, 12), "community_remand": (0, 7), "rlaa": (0, 7), "yda": (0, 7)}
    parts = [fact(a, b, stage=s, series=f"{THROUGH} {BASE}", **what) for s, (a, b) in outcomes.items()]
    here = found([*parts, fact(31, 33, stage=BASE, series=BEFORE, **what)])
    assert here[str(parts[0].count)] == (10, high)
    assert here[str(parts[1].count)] == (5, 7)
    # Without one of the outcomes nothing adds up.
    assert found([*parts[1:], fact(31, 33, stage=BASE, series=BEFORE, **what)])[str(parts[1].count)] == (0, 7)


def test_propagation_never_cuts_off_the_truth():
    for seed in range(5):
        facts, true = studies.printed(studies.study(np.random.default_rng(seed)), "singles, threes, five")
        for system in systems(together(facts)):
            low, high = outer(system, *propagated(system))
            for name, a, b in zip(system.names, low, high, strict=True):
                value = {str(c): v for c, v in true.items()}.get(name)
                assert value is None or a <= value <= b


def test_parts_that_nothing_links_are_apart():
    facts = [local(40, group=g, stage=s) for g in "AB" for s in ("custody", "charge")]
    assert [len(s.facts) for s in systems(facts)] == [1, 1, 1, 1]
    assert len(systems([*facts, local(80, stage="custody")])) == 3


# -- repair ------------------------------------------------------------------------------------------


def naive():
    """A hidden count between exact figures: 40 + ? = 42."""
    return [fact(40, 40, group="A"), fact(0, 7, group="B"), fact(42, 42)]


def test_what_gives_a_count_away_is_printed_coarser():
    (system,) = systems(together(naive()))
    assert [(f.name.split(", ")[-1], f.low, f.high) for f in failing(system)] == [("group B", 2, 2)]
    out = audited(naive(), PUBLIC)
    assert [(c.where, level) for c, level in out.coarsened.items()] == [((), 1)]
    (mended,) = systems(list(out.facts))
    assert failing(mended) == []
    assert out.usefulness()["cells"] == 2 / 3
    assert [(f.low, f.high) for f in out.facts if f.level] == [(38, 47)]
    assert audited(naive(), PUBLIC) == out


def test_nothing_is_coarsened_that_need_not_be():
    """Each print that was coarsened is needed: put back alone, something could be worked out again."""
    facts, _ = studies.printed(studies.study(np.random.default_rng(1)), "five, by sex")
    out = audited(facts, PUBLIC, steps=(3,))
    local_prints = {f.count: f for f in facts}
    assert out.coarsened
    for count in out.coarsened:
        back = [local_prints[count] if f.count == count else f for f in out.facts]
        assert [f for s in systems(together(back)) for f in failing(s)]


def test_the_repair_depends_on_prints_alone():
    """Any order of the tables, and any true table behind them, gives the same."""
    rng = np.random.default_rng(3)
    facts, _ = studies.printed(studies.study(rng), "five, by sex")
    shuffled = [facts[i] for i in rng.permutation(len(facts))]
    assert audited(facts, PUBLIC) == audited(shuffled, PUBLIC)


def test_no_repair_is_a_refusal_that_says_what_to_drop():
    theirs = [fact(40, 40, group="A", origin=OUTSIDE), fact(0, 60, group="B", origin=OUTSIDE)]
    with pytest.raises(
        DisclosureError,
        match=r"1 of 3 linked counts could be worked out.*First: custody.*Drop one of the stages",
    ):
        audited(
            [
                *theirs,
                fact(41, 41),
            ],
            PUBLIC,
            steps=(),
        )
    with pytest.raises(DisclosureError, match="Drop the split by sex"):
        audited(
            [
                *(fact(40, 40, group="A", sex=s) for s in "f"),
                fact(0, 7, group="A", sex="m"),
                fact(41, 41, group="A"),
            ],
            PUBLIC,
            steps=(),
        )


def test_what_others_have_given_away_already_is_not_ours_to_mend():
    theirs = [fact(2, 2, group="B", origin=OUTSIDE)]
    out = audited([*theirs, local(40, group="A"), local(42)], PUBLIC)
    assert out.already == (str(theirs[0].count),)
    assert not out.coarsened


def test_figures_that_contradict_each_other():
    with pytest.raises(DisclosureError, match="two printed figures contradict each other"):
        audited([fact(8, 12), fact(30, 30, origin=OUTSIDE)], PUBLIC)
    with pytest.raises(DisclosureError, match="no whole numbers fit all 3 counts"):
        audited([fact(8, 12, group="A"), fact(8, 12, group="B"), fact(90, 90, origin=OUTSIDE)], PUBLIC)
    wrong = systems([fact(8, 12, group="A"), fact(8, 12, group="B"), fact(90, 90)])[0]
    assert not possible(wrong)


def test_an_edition_that_was_revised_since_is_left_out():
    own = [local(20, group="A"), local(3, group="B"), local(23)]
    revised = audited([*own, fact(58, 62, group="A", origin=EARLIER)], PUBLIC)
    assert revised.facts == audited(own, PUBLIC).facts
    whole = audited([*own, fact(48, 52, group="C", origin=EARLIER)], PUBLIC)
    assert whole.facts == audited(own, PUBLIC).facts


def test_a_total_that_is_not_that_of_its_parts_stands_alone():
    """Searches of which officers recorded no group are in the total, and in none of the groups."""
    facts = [fact(8, 12, group="A"), fact(0, 7, group="B"), fact(98, 102)]
    assert set(audited(facts, PUBLIC).facts) == set(facts)
    # A figure of someone else that contradicts parts which agree is still refused.
    with pytest.raises(DisclosureError, match="no whole numbers fit all 4 counts"):
        audited([*facts[:2], fact(8, 12), fact(60, 60, group="C", origin=OUTSIDE)], PUBLIC)


def test_a_partition_that_does_not_hold_is_left_out():
    outcomes = ("bail", "community_remand", "rlaa", "yda")
    parts = [fact(8, 12, stage=s, series=f"{THROUGH} {BASE}") for s in outcomes]
    assert audited([*parts, fact(98, 102, stage=BASE, series=BEFORE)], PUBLIC).facts


def test_the_time_is_kept():
    with pytest.raises(OutOfTime, match="did not finish in its time: 3 linked counts"):
        audited(naive(), PUBLIC, most=0)


def test_steps_of_coarsening():
    one, at = local(23), []
    while one is not None:
        at.append((one.low, one.high, one.level))
        one = coarser(one, PUBLIC)
    assert at == [(23, 27, 0), (18, 27, 1), (8, UNLIMITED, 2), (8, UNLIMITED, 3)]
    assert coarser(local(23, origin=EARLIER), PUBLIC) is None
    straight = audited(naive(), PUBLIC, steps=(3,))
    assert set(straight.coarsened.values()) == {3}
    assert {f.count: f.level for f in straight.facts if f.level} == straight.coarsened


@pytest.mark.parametrize("shape", ["one year", "five pooled", "singles and five", "five, by sex"])
def test_random_studies_give_away_nothing_after_repair(shape):
    """True counts of 1 to 4, and a range of at most two either side; the full numbers are in benchmarks."""
    for seed in range(4):
        facts, true = studies.printed(studies.study(np.random.default_rng(100 + seed)), shape)
        out = audited(facts, PUBLIC)
        assert studies.given_away(out.facts, true) == 0
        assert [f for s in systems(list(out.facts)) for f in failing(s)] == []


def test_splitting_by_sex_gives_counts_away_if_nothing_is_repaired():
    facts, true = studies.printed(studies.study(np.random.default_rng(1)), "five, by sex")
    assert studies.given_away(facts, true) > 0


def test_one_target_can_be_asked_for():
    (system,) = systems(together(naive()))
    at = [n.endswith("group B") for n in system.names].index(True)
    assert [found.high for found in failing(system, among=[at])] == [2]
    other = [n.endswith("group A") for n in system.names].index(True)
    assert failing(system, among=[other]) == []
    assert passing(system, [other])
    assert not passing(system, [other, at])


# -- what tables print -------------------------------------------------------------------------------


def test_tables_are_read_as_they_are_printed():
    study = load.study("data/synthetic")
    counts = pipeline.for_report(study, area="Islington", year=2023, years=5)
    shown = release(pipeline.conditional(counts, study.stages))
    text = csv_text(shown.measure(measures.relative_rates, reference="White").table, shown.counts)
    facts = {f.count: f for f in together(of_table(text, PUBLIC))}
    true = pipeline.conditional(counts, study.stages)
    for row in true[true["note"].eq("")].to_dict("records"):
        what = named(row)
        for column, count in what.items():
            assert facts[count].low <= row[column] <= facts[count].high
    assert audited(list(facts.values()), PUBLIC).usefulness()["value"] > 0.8


def test_tables_that_name_no_counts_and_figures_of_others():
    assert list(of_table("step,removed\na,[c]\n", PUBLIC)) == []
    text = "area,year,years,unit,stage,base,group,events,denominator\nA,2023,1,children,custody,population,B,4,[x]\n"
    assert [(f.low, f.high, f.origin) for f in of_table(text, PUBLISHED)] == [(4, 4, OUTSIDE)]
    hidden = text.replace(",4,", ",[c],")
    (one,) = of_table(hidden, PUBLIC)
    assert (one.low, one.high, one.level) == (0, 7, 0)
    (by_audit,) = of_table(hidden, PUBLIC, hidden=frozenset({one.count}))
    assert (by_audit.low, by_audit.high, by_audit.level) == (8, UNLIMITED, 3)
    assert from_record(as_record(by_audit)) == by_audit
