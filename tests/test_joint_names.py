"""Does every count that is shown reach the joint audit, whatever table, sentence or chart shows it?"""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import editions, measures, remand
from ysj_analysis.audit_hidden import hiding, noting
from ysj_analysis.datafile import csv
from ysj_analysis.disclosure import RESTRICTED, release, working
from ysj_analysis.joint_audit import ranges
from ysj_analysis.joint_facts import EARLIER, OWN, REACHED, Count, Fact, named, together
from ysj_analysis.joint_names import names
from ysj_analysis.joint_release import cleared
from ysj_analysis.joint_repair import audited
from ysj_analysis.joint_system import systems
from ysj_analysis.policies import ONS, PUBLIC, DisclosureError


def table(values, *, area="A", year=2023, years=1, stage="custody", unit="episodes", **extra):
    """True counts of some groups, at one stage."""
    rows = [
        {"area": area, "year": year, "years": years, "unit": unit, "stage": stage, "base": "population", "group": g,
         **extra, "events": float(v), "denominator": 1000.0}
        for g, v in values.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def shown(*releases):
    """What the audit is told when these are read."""
    with noting() as noted:
        for one in releases:
            one().table  # noqa: B018  (to read is to show)
    return noted


def every_range(facts):
    out = {}
    for system in systems(together(facts)):
        out |= dict(zip(system.names, map(tuple, ranges(system).astype(int)), strict=True))
    return out


# -- what is noted -----------------------------------------------------------------------------------


def test_what_is_read_is_noted_and_nothing_else():
    true = table({"Black": 40, "White": 3})
    facts = shown(lambda: release(true))
    assert [(f.count.where, f.low, f.high) for f in together(facts)] == [
        ((("group", "Black"),), 38, 42),
        ((("group", "White"),), 0, 7),
    ]
    assert [dict(f.count.where)["group"] for f in shown(lambda: release(true).where(group="White"))] == [
        "White"
    ]
    with noting() as noted:
        release(true)  # made and never read
    assert noted == []
    assert release(true).table["events"].isna().to_list() == [False, True]  # nobody notes: nothing fails


def test_a_measure_tells_of_every_count_it_may_be_made_of():
    true = table({"Black": 40, "White": 50, "Asian": 60})

    def black():
        rates = release(true).measure(measures.relative_rates, reference="all-others")
        return rates.where(group="Black")

    assert {dict(f.count.where)["group"] for f in shown(black)} == {"Black", "White", "Asian"}
    first = release(true).where(group="Black")
    assert shown(lambda: first) == []  # released before anyone noted
    added = lambda t, other: pd.concat([t, other])  # noqa: E731
    both = shown(
        lambda: release(true).where(group="Black").derive(added, other=release(true).where(group="White"))
    )
    assert {dict(f.count.where)["group"] for f in both} == {"Black", "White"}


def test_what_is_not_printed_by_a_protecting_rule_is_not_noted():
    true = table({"Black": 4})
    assert shown(lambda: release(true, policy=RESTRICTED), lambda: working(true)) == []


def test_a_number_that_was_never_there_tells_nothing():
    true = table({"Black": 40, "White": 50}).assign(events=[np.nan, 50])
    assert [(f.low, f.high) for f in shown(lambda: release(true))] == [(48, 52)]


# -- names -------------------------------------------------------------------------------------------

PART = {"area": "A", "year": 2023, "years": 1, "unit": "searches", "stage": "stop_search"}


def search(by, **values):
    return table(values, stage="stop_search", unit="searches", defined_by=by)


def test_two_ways_to_record_ethnicity_divide_the_same_searches():
    """Brute force over all 2 x 2 tables: what the margins of each side leave of a cell of the cross."""
    cross = pd.DataFrame(
        {"self_defined": ["Black", "White"], "Black": [40, 3], "White": [9, 30], "all": [49, 33]}
    )
    facts = [
        Fact(count, int(value), int(value) + 2)
        for row, line in zip(
            names(cross, ("Black", "White", "all"), PART), cross.to_dict("records"), strict=True
        )
        for count, value in ((row[c], line[c]) for c in row if c != "White")
    ]
    seen = search("officer-defined", Black=43, White=39)
    facts += [
        Fact(row["events"], int(v), int(v) + 2)
        for row, v in zip(names(seen, ("events",)), seen["events"], strict=True)
    ]
    here = every_range(facts)
    grid = np.array(np.meshgrid(*[np.arange(60)] * 2, indexing="ij")).reshape(2, -1)
    possible = []
    for bb in range(40, 43):  # Black by both; White by self and Black by the officer is 3 to 5
        for wb in range(3, 6):
            bw, ww = grid
            keep = (abs(bb + bw - 50) <= 1) & (abs(wb + ww - 34) <= 1)
            keep &= (43 <= bb + wb <= 45) & (abs(bw + ww - 40) <= 1)
            possible += bw[keep].tolist()
    assert here[
        "stop_search (reached), A, 2023, group (officer-defined) White, group (self-defined) Black"
    ] == (
        min(possible),
        max(possible),
    )


def test_searches_seen_alike_are_a_cell_of_the_cross():
    same = search("both", Black=40).assign(base="stop_search")
    (row,) = (named(r) for r in same.to_dict("records"))
    (cell,) = names(pd.DataFrame({"self_defined": ["Black"], "Black": [40]}), ("Black",), PART)
    assert row["events"] == cell["Black"]
    assert "not Unknown" in str(row["denominator"])
    other = Count("searches", "stop_search", "A", REACHED, 2023, 2023, (
        ("group (officer-defined)", "Unknown"), ("group (self-defined)", "Black")))  # fmt: skip
    alone = Count("searches", "stop_search", "A", REACHED, 2023, 2023, (("group (self-defined)", "Black"),))
    here = every_range([Fact(row["denominator"], 40, 40), Fact(other, 0, 9), Fact(alone, 43, 44)])
    assert here[str(other)] == (3, 4)


def test_kinds_of_unknown_ethnicity_are_parts_of_the_unknown():
    kinds = search("self-defined", **{"Not stated": 20, "Not known": 3}).assign(base="stop_search")
    whole = search("self-defined", Unknown=23)
    said = [named(r)["events"] for t in (kinds, whole) for r in t.to_dict("records")]
    here = every_range([Fact(said[0], 18, 22), Fact(said[1], 0, 7), Fact(said[2], 23, 23)])
    assert here[str(said[1])] == (1, 5)
    check = pd.DataFrame(
        {"check": ["ethnicity not stated", "undecided"], "stage": ["arrest", "offences.csv"],
         "unit": ["children", "offences"], "events": [20, 30], "denominator": [90, 100]}
    )  # fmt: skip
    found = names(check, ("events", "denominator"), {"area": "A", "year": 2023, "years": 5})
    assert (
        str(found[0]["events"])
        == "arrest (reached), A, 2019 to 2023, group Unknown, kind of unknown not stated"
    )
    assert str(found[0]["denominator"]) == "arrest (reached), A, 2019 to 2023, all"
    rest = every_range([Fact(found[1]["events"], 98, 102), Fact(found[1]["denominator"], 98, 102)])
    assert [r for name, r in rest.items() if name.startswith("not ")] == [(0, 4)]


def test_a_row_of_every_group_is_the_total_of_the_groups():
    """19 in all is 18 to 22, and 12 White children are 8 to 12: at least 6 of the hidden count are left."""
    facts = together(shown(lambda: release(table({"all": 19, "White": 12, "Black": 7}))))
    assert [f.count.where for f in facts] == [(), (("group", "Black"),), (("group", "White"),)]
    assert every_range(facts)["custody (reached), A, 2023, group Black"] == (6, 7)
    assert audited(facts, PUBLIC).plain


def test_what_an_audit_leaves_needs_no_other():
    """Auditing again what an audit of plain figures left hides nothing more: brute force over random tables."""
    rng = np.random.default_rng(20240401)
    coarsened = 0
    for _ in range(30):
        girls, boys = rng.poisson(6, (2, 3))
        parts = {"Asian": 0, "Black": 1, "White": 2}
        tables = [
            table({g: (girls + boys)[i] for g, i in parts.items()}),
            *(
                table({g: who[i] for g, i in parts.items()}, sex=sex)
                for sex, who in (("f", girls), ("m", boys))
            ),
            table({"all": int((girls + boys).sum())}),
        ]
        first = audited(together(shown(*(lambda t=t: release(t) for t in tables))), PUBLIC, steps=(3,))
        assert first.plain
        assert audited(first.facts, PUBLIC, steps=(3,)).facts == first.facts
        coarsened += len(first.coarsened)
    assert coarsened


def test_a_month_is_a_part_of_its_year():
    year, june = (named(search("self-defined", Black=9, **m).iloc[0].to_dict()) for m in ({}, {}))
    june = named(search("self-defined", Black=9).assign(month="06").iloc[0].to_dict())
    columns = ["area", "year", "years", "unit", "stage", "base", "group", "defined_by", "month", "events"]
    row = (
        search("self-defined", Black=9)
        .assign(
            month="06",
        )[columns]
        .assign(denominator=1.0)
    )
    june = named(row.iloc[0].to_dict())
    here = every_range([Fact(year["events"], 20, 20), Fact(june["events"], 18, 22)])
    assert here[str(june["events"])] == (18, 20)
    months = []
    for month in range(1, 13):
        one = named(row.assign(month=f"{month:02d}").iloc[0].to_dict())
        months.append(Fact(one["events"], 0, 1))
    assert every_range([Fact(year["events"], 12, 12), *months])[str(months[0].count)] == (1, 1)


def test_a_line_of_a_ledger_leaves_what_the_next_removes_from():
    lines = pd.DataFrame(
        {"step": "count", "what": ["one", "two", "three"], "why": ["x", "y", "kept, as Unknown"],
         "removed": [5.0, 12.0, 0.0], "left": [100.0, 88.0, 30.0]}
    )  # fmt: skip
    facts = shown(lambda: release(lines, counts=("removed", "left"), texts=("what", "why")))
    removed = next(f for f in facts if f.count.series == "removed 001")
    left = next(f for f in facts if f.count.series == "left 001")
    # 98-102 less 88-92 (88 is printed 90) is 6-14; 12 is printed 10, which is 8-12.
    assert every_range(facts)[str(removed.count)] == (8, 12)
    assert every_range([f for f in facts if f != removed] + [Fact(removed.count, 0, 50)])[
        str(removed.count)
    ] == (6, 14)
    assert every_range(facts)[str(left.count)] == (88, 92)
    other = shown(lambda: release(lines.iloc[::-1].assign(why="x"), counts=("removed", "left")))
    assert not {f.count for f in facts} & {f.count for f in other}


def worded(removed, left, what):
    return pd.DataFrame({"step": "count", "what": what, "why": "x", "removed": removed, "left": left})


def test_the_numbers_in_the_words_of_a_ledger_are_counts_too():
    lines = worded([40.0, 4.0], [100.0, 96.0], ["40 of 140 rows", "4 rows of 2023"])
    show = lambda: release(lines, counts=("removed", "left"), texts=("what", "why"))  # noqa: E731
    said = {str(f.count): (f.low, f.high) for f in shown(show) if "number" in f.count.series}
    assert said == {
        "# of # rows (number 0 of what), , 0, all": (38, 42),
        "# of # rows (number 1 of what), , 0, all": (138, 142),
        "# rows of 2023 (number 0 of what), , 0, all": (0, 7),
    }
    (removed,) = {f.count for f in shown(show) if f.count.series == "removed 000"}
    with hiding([removed]):
        told = shown(show)
        assert show().table["what"].to_list() == ["[c] of [c] rows", "[c] rows of 2023"]
    # A word that goes with a hidden count tells nothing; those of the other line still do.
    assert [f.count.stage for f in told if "number" in f.count.series] == ["# rows of 2023"]
    (of,) = {f.count for f in shown(show) if f.count.series == "number 1 of what"}
    with hiding([of]):
        assert show().table["what"].to_list() == ["40 of [c] rows", "[c] rows of 2023"]
        (fact,) = [f for f in shown(show) if f.count == of]
    assert (fact.low, fact.level) == (8, 3)


def test_lines_that_say_the_same_of_other_counts_are_told_apart():
    lines = worded([40.0, 50.0], [100.0, 50.0], ["up to 120 children", "up to 90 children"])
    facts = shown(lambda: release(lines, counts=("removed", "left"), texts=("what", "why")))
    said = {f.count.series: f.low for f in together(facts) if f.count.series.startswith("number")}
    assert said == {"number 0 of what": 118, "number 0 of what, said 1 times before": 88}


def field(stage, base, values, *, years=1, year=2023, unit="children", **extra):
    rows = [
        {"area": "A", "year": year, "years": years, "unit": unit, "stage": stage, "base": base, "group": g,
         "events": float(v), "denominator": float(n), "note": "", **extra}
        for g, (v, n) in values.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_reoffences_have_a_name_and_are_as_many_as_reoffenders_at_least():
    again = field("reoffended_year", "cohort_year", {"Black": (12, 60), "White": (20, 70)})
    again = again.assign(reoffences=[13.0, 50.0])
    counts = ("events", "denominator", "reoffences")
    facts = shown(lambda: release(again, counts=counts))
    black = [f for f in together(facts) if dict(f.count.where)["group"] == "Black"]
    reoffences = next(f for f in black if f.count.series.startswith("reoffences"))
    assert (reoffences.low, reoffences.high) == (13, 17)
    with hiding([reoffences.count]):
        assert release(again, counts=counts).table["reoffences"].isna().to_list() == [True, False]
    children = Fact(next(f.count for f in black if f.count.series.startswith("through")), 10, 10)
    here = every_range([children, Fact(reoffences.count, 0, 40)])
    assert here[str(reoffences.count)] == (10, 40)


def test_each_child_remanded_is_at_one_place_at_the_furthest():
    places = {"remand_bail": 20, "remand_community": 4, "remand_rlaa": 3, "remand_yda": 9}
    named_, total = {}, 41
    for stage, value in [*places.items(), ("remand_not_recorded", 5)]:
        row = field(stage, "remanded", {"Black": (value, total)}).iloc[0].to_dict()
        named_[stage] = Fact(named(row)["events"], value, value)
    whole = Fact(named(row)["denominator"], 39, 43)
    assert whole.count.stage == "remand_decision"
    rest = Fact(named_["remand_not_recorded"].count, 0, 7)
    assert every_range([*list(named_.values())[:-1], whole, rest])[str(rest.count)] == (3, 7)
    # Without one of them, the others are no more than all.
    some = [named_["remand_bail"], named_["remand_yda"], Fact(named_["remand_rlaa"].count, 0, 99)]
    assert every_range([*some, whole])[str(some[-1].count)] == (0, 14)


def test_reports_propose_custody_or_do_not():
    custody = named(field("custody_proposed", "report", {"Black": (9, 20)}).iloc[0].to_dict())
    other = named(field("custody_unproposed", "community_proposed", {"Black": (1, 12)}).iloc[0].to_dict())
    facts = [
        Fact(custody["events"], 8, 9),
        Fact(custody["denominator"], 20, 20),
        Fact(other["denominator"], 0, 99),
    ]
    assert every_range(facts)[str(other["denominator"])] == (11, 12)


def test_a_child_may_be_elsewhere_in_a_longer_window():
    """Bailed in each of two years and, once, remanded to youth detention: over both, bailed is one child fewer."""
    bail = {
        span: named(
            field("remand_bail", "remanded", {"Black": (1, 9)}, year=span[1], years=n).iloc[0].to_dict()
        )
        for span, n in {(2022, 2022): 1, (2023, 2023): 1, (2022, 2023): 2}.items()
    }
    facts = [
        Fact(one["events"], *span) for one, span in zip(bail.values(), ((9, 9), (3, 3), (8, 20)), strict=True)
    ]
    # Fewer than in 2022 alone can be, more than in both years cannot.
    assert every_range(facts)[str(facts[-1].count)] == (8, 12)
    ever = [
        Fact(one["denominator"], *span)
        for one, span in zip(bail.values(), ((9, 9), (3, 3), (8, 20)), strict=True)
    ]
    assert every_range(ever)[str(ever[-1].count)] == (9, 12)


def test_a_child_may_be_in_a_graver_band_in_a_longer_window():
    rows = [
        field("graded_yda", "graded_remand", {"Black": (0, v)}, year=2023, years=years)
        .assign(gravity=band)[
            ["area", "year", "years", "unit", "stage", "base", "group", "gravity", "events", "denominator"]
        ]
        .iloc[0]
        .to_dict()
        for years, band, v in (
            (1, "low", 9),
            (1, "high", 9),
            (5, "low", 5),
            (5, "high", 15),
            (1, "not known", 0),
            (5, "not known", 0),
        )
    ]
    facts = [Fact(named(r)["denominator"], int(r["denominator"]), int(r["denominator"])) for r in rows]
    here = every_range(facts)  # fewer low in five years than in the last of them is no contradiction
    total = "remand_decision (before), A, 2019 to 2023, all"
    assert here[str(facts[2].count)] == (5, 5)
    with pytest.raises(DisclosureError, match="no whole numbers fit"):
        every_range(
            [*facts[:3], *facts[4:], Fact(facts[3].count, 12, 12)]
        )  # 17 in five years, 18 in the last
    assert total not in here


def test_those_of_unknown_gravity_may_be_left_out_of_a_table():
    """36 to 44 of known gravity, of 43 to 47 in all: up to 11 may be of none, and nothing is narrower for it."""
    bands = {"1 to 4": 30, "5 to 8": 10}
    columns = ["area", "year", "years", "unit", "stage", "base", "group", "gravity", "events", "denominator"]
    rows = [
        field("charge", "arrest", {"Asian": (0, v)}).assign(gravity=band)[columns].iloc[0].to_dict()
        for band, v in bands.items()
    ]
    facts = [Fact(named(r)["denominator"], v - 2, v + 2) for r, v in zip(rows, bands.values(), strict=True)]
    whole = Fact(
        named(field("charge", "arrest", {"Asian": (0, 45)}).iloc[0].to_dict())["denominator"], 43, 47
    )
    here = every_range([*facts, whole])
    assert [here[str(f.count)] for f in (*facts, whole)] == [(28, 32), (8, 12), (43, 47)]
    none = Fact(replace(facts[0].count, where=(("gravity", "not known"), ("group", "Asian"))), 0, 0)
    there = every_range([*facts, none, whole])  # a table that has a row for them says how many
    assert [there[str(f.count)] for f in (*facts, whole)] == [(31, 32), (11, 12), (43, 44)]


def test_a_sum_of_printed_counts_is_no_count_of_its_own(tmp_path):
    """Remand as the Board groups it: 10 and 10 printed make 20, which stands for 16 to 24 and not 18 to 22."""
    parts = pd.concat(
        field(s, "remanded", {"Black": (v, 60)})
        for s, v in (("remand_bail", 40), ("remand_community", 12), ("remand_rlaa", 12), ("remand_yda", 3))
    )

    def run():
        board = release(parts).derive(remand.as_yjb)
        return {"board": {"csv": csv(board.table, board.counts), "policy": "public"}}

    got, found = clear(tmp_path, run)
    assert "yjb_community,remanded,Black,20" in got["board"]["csv"]
    assert not [f for f in found.edition.facts if f.count.stage.startswith("yjb")]
    assert {f.count.stage for f in found.edition.facts} >= {"remand_community", "remand_rlaa"}


def test_any_other_table_is_named_by_its_labels():
    places = pd.DataFrame({"place": ["home", "care", "all"], "events": [20.0, 4.0, 24.0]})
    here = every_range(shown(lambda: release(places)))
    assert here["of place (events), , 0, place care"] == (1, 7)  # 23-27 less 18-22, and hidden
    with (
        noting(),
        pytest.raises(DisclosureError, match=r"1 of 3 rows cannot be told apart.*First: row 1\."),
    ):
        release(places.assign(place=["home", "home", "all"]))


# -- an edition --------------------------------------------------------------------------------------


def clear(folder, run, *, name="report", outside=None, sisters=(), rule=PUBLIC):
    ledger = folder / "editions.jsonl"
    got, found = cleared(
        run, lambda s: s, name=name, rule=rule, ledger=ledger, outside=outside, sisters=sisters
    )  # fmt: skip
    editions.append(ledger, found.edition)
    return got, found


def bundle(*tables):
    releases = [release(t) for t in tables]
    return {str(i): {"csv": csv(r.table, r.counts), "policy": r.policy.name} for i, r in enumerate(releases)}


def test_a_count_that_only_a_sentence_gives_is_audited(tmp_path):
    """Nine of twelve months are told exactly by others; the year is said in a sentence alone."""
    outside = tmp_path / "outside.csv"
    pd.concat([table({"Black": v}, year=2019 + i) for i, v in enumerate((9, 10, 12, 8))]).to_csv(
        outside, index=False
    )

    def run():
        said = release(table({"Black": 41}, years=5)).table["events"].iloc[0]
        return bundle(table({"Black": 2})) | {"said": {"csv": f"sentence\n{said}\n", "policy": "public"}}

    got, found = clear(tmp_path, run, outside=outside)
    assert "nan" in got["said"]["csv"]
    assert [c.first for c in found.edition.hidden] == [2019]


def test_two_areas_and_a_report_on_both_give_neither_away(tmp_path):
    """A printed 10 (8-12), both together 15 (13-17): B would be 1 to 7; with 12 and 13 told by others, 1."""
    mine, theirs = tmp_path / "a", tmp_path / "b"
    clear(mine, lambda: bundle(table({"Black": 40}, area="A")), name="a")
    clear(theirs, lambda: bundle(table({"Black": 3}, area="B")), name="b")
    outside = tmp_path / "outside.csv"
    table({"Black": 40}, area="A").to_csv(outside, index=False)
    both = lambda: bundle(table({"Black": 43}, area="A and B"))  # noqa: E731
    ledgers = [mine / "editions.jsonl", theirs / "editions.jsonl"]
    alone = clear(tmp_path / "c", both, name="both", outside=outside)[1]
    assert not alone.edition.hidden  # 43-47 of both, 40 of A, and B not known to be small
    beside = clear(tmp_path / "d", both, name="both", outside=outside, sisters=ledgers)[1]
    assert {c.area for c in beside.edition.hidden} == {"A and B"}
    # An area that has nothing to do with these is not read into the system.
    assert not clear(tmp_path / "e", lambda: bundle(table({"Black": 43}, area="Z")), sisters=ledgers)[
        1
    ].edition.hidden


def test_a_revised_record_gives_no_difference_away():
    """All together were 12, printed 10; then one late record: 13, printed 15. Alone, 8 to 12 of 13 to 17
    leave the rest at 1 to 7. Supposing one record was revised, all are 13, and the rest 1 to 5.
    """

    def fact(low, high, origin=OWN, edition=0, **where):
        count = Count("episodes", "custody", "A", REACHED, 2023, 2023, tuple(sorted(where.items())))
        return Fact(count, low, high, origin=origin, edition=edition)

    before = [fact(8, 12, EARLIER, 1)]
    now = [fact(0, 7, group="A"), fact(8, 12, group="B"), fact(13, 17)]
    assert audited(now, PUBLIC).coarsened == {}
    # B hidden, but 8 at least, of 13: the rest are 0 to 5, wide enough.
    assert set(audited([*now, *before], PUBLIC, steps=(3,)).coarsened) == {now[1].count}
    # All of them coarser than 12: nothing tells of a revision, so B of 8 at least leaves 4 at most for the rest.
    for steps in ((1, 2, 3), ()):
        with pytest.raises(DisclosureError, match="could be worked out"):
            audited([*now, *before], PUBLIC, steps=steps)
    # Where nothing of the parts is printed, the revision is no secret and there is nothing to work out.
    assert audited([now[2], *before], PUBLIC).coarsened == {}


def test_an_edition_by_another_rule_is_put_beside_the_first(tmp_path):
    """By the one 8-12, by the other 13 or fewer hidden: together still 8-12. A rule of threes would cut it."""
    true = table({"Black": 12, "White": 60})
    clear(tmp_path, lambda: bundle(true), name="one")

    def ons():
        shown_ = release(true, policy=ONS)
        return {"0": {"csv": csv(shown_.table, shown_.counts), "policy": "ons"}}

    assert not clear(tmp_path, ons, name="two", rule=ONS)[1].edition.hidden
    assert [e.policy for e in editions.read(tmp_path / "editions.jsonl")] == ["public", "ons"]


# -- decided from printed numbers alone --------------------------------------------------------------


def alternatives(true: pd.DataFrame, rng: np.random.Generator, number: int):
    """Other true counts that the local rule prints alike."""
    shown_ = PUBLIC.printed(true["events"])
    low, high = np.where(np.isnan(shown_), 0, shown_ - 2), np.where(np.isnan(shown_), 7, shown_ + 2)
    for _ in range(number):
        yield true.assign(events=rng.integers(low.astype(int), high.astype(int) + 1).astype(float))


def test_private_tables_that_print_the_same_give_the_same_edition(tmp_path):
    """The full thousand are in benchmarks/simulatable.py."""
    rng = np.random.default_rng(4)
    split = [table({"Black": 12, "White": 30}, sex=s) for s in "fm"]
    columns = ["area", "year", "years", "unit", "stage", "base", "group", "sex", "events", "denominator"]
    parts = pd.concat(split)[columns].assign(events=[4.0, 30.0, 12.0, 3.0])
    whole = table({"Black": 15, "White": 33})
    outside = tmp_path / "outside.csv"
    table({"Black": 15, "White": 33}).to_csv(outside, index=False)
    seen = set()
    for i, (one, other) in enumerate(
        zip(alternatives(parts, rng, 12), alternatives(whole, rng, 12), strict=True)
    ):
        got, found = clear(tmp_path / str(i), lambda: bundle(one, other), outside=outside)  # noqa: B023
        ledger = (tmp_path / str(i) / "editions.jsonl").read_bytes()
        seen.add((repr(got), ledger, repr(found.usefulness)))
    assert len(seen) == 1
    with hiding([]):
        assert "hidden" not in seen


def test_what_another_area_printed_too_small_to_be_divided_is_not_divided_here(tmp_path):
    """Everyone of a group is printed as 10 on a neighbour's page: with one sex printed, the other is 4 at most."""
    clear(tmp_path / "b", lambda: bundle(table({"Black": 11, "White": 300}, area="Z")))
    sisters = [tmp_path / "b" / "editions.jsonl"]
    printed = set()
    for female in range(12):
        parts = [
            table({"Black": n}, area="Z").assign(sex=s)
            for n, s in ((female, "female"), (11 - female, "male"))
        ]
        split = pd.concat(parts)[["area", "year", "years", "unit", "stage", "base", "group", "sex", "events",
                                  "denominator"]]  # fmt: skip
        shown, _ = clear(tmp_path / str(female), lambda split=split: bundle(split), sisters=sisters)
        rows = pd.read_csv(io.StringIO(shown["0"]["csv"]), dtype=str)
        printed.add(tuple(rows["events"]))
    assert printed == {("[c]", "[c]")}


def test_what_tells_of_a_count_that_is_not_divided_is_audited_still(tmp_path):
    """Ten arrested, said before; now eight at least of the boys among them went on: four girls at most are left."""
    columns = ["area", "year", "years", "unit", "stage", "base", "group", "sex", "events", "denominator"]
    ledger = tmp_path / "editions.jsonl"
    count = Count("episodes", "arrest", "A", "before", 2023, 2023, (("group", "Black"),))
    editions.append(ledger, editions.Edition("first", "public", (Fact(count, 8, 12),)))
    went_on = table({"Black": 9}, stage="charge").assign(base="arrest", denominator=10.0, sex="male")[columns]
    others = table({"Black": 0}, stage="charge").assign(base="arrest", denominator=1.0, sex="female")[columns]
    with pytest.raises(DisclosureError, match="could be worked out from the tables together"):
        clear(tmp_path, lambda: bundle(pd.concat([went_on, others])))
    assert len(editions.read(ledger)) == 1


def test_only_what_is_new_of_an_area_is_audited(tmp_path, monkeypatch):
    """Pages that compare all areas print the same of a neighbour; its own tables are then not looked at again."""
    from ysj_analysis import joint_release

    asked = []
    plain = joint_release.audited
    monkeypatch.setattr(
        joint_release, "audited", lambda facts, *a, **k: asked.append(facts) or plain(facts, *a, **k)
    )
    near, own = table({"Black": 40}, area="Y"), table({"Black": 43}, area="Z")
    clear(tmp_path / "y", lambda: bundle(near, table({"Black": 21}, area="Y", year=2022)))
    sisters = [tmp_path / "y" / "editions.jsonl"]
    clear(tmp_path / "z", lambda: bundle(near, own), sisters=sisters)
    assert {f.count.area for f in asked[-1]} == {"Z"}
    # What differs from what was printed, or is printed more closely, is audited with all that was.
    clear(tmp_path / "x", lambda: bundle(table({"Black": 60}, area="Y"), own), sisters=sisters)
    assert {(f.count.area, f.origin) for f in asked[-1]} == {("Z", "own"), ("Y", "own"), ("Y", "earlier")}
