"""What earlier editions printed, what the audit hid, and whether a report may appear beside them."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import editions, report
from ysj_analysis.audit_hidden import VARIABLE, hiding
from ysj_analysis.datafile import csv
from ysj_analysis.disclosure import RESTRICTED, release
from ysj_analysis.editions import Edition
from ysj_analysis.joint_facts import Fact, named, of_table
from ysj_analysis.joint_release import cleared, outside_facts
from ysj_analysis.policies import PUBLIC, DisclosureError


def table(values, *, years=1, year=2023, stage="custody", unit="episodes", **extra):
    """True counts of some groups, at one stage."""
    rows = [
        {"area": "A", "year": year, "years": years, "unit": unit, "stage": stage, "base": "population", "group": g,
         **extra, "events": v, "denominator": 1000.0}
        for g, v in values.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def bundle(*tables):
    """What a notebook hands over of each table."""
    shown = [release(t) for t in tables]
    return {str(i): {"csv": csv(s.table, s.counts), "policy": s.policy.name} for i, s in enumerate(shown)}


def facts(*tables):
    return [f for t in bundle(*tables).values() for f in of_table(t["csv"], PUBLIC)]


def clear(tmp_path, *tables, name="report", outside=None):
    shown, found = cleared(
        lambda: bundle(*tables),
        lambda s: s,
        name=name,
        rule=PUBLIC,
        ledger=tmp_path / "editions.jsonl",
        outside=outside,
    )
    editions.append(tmp_path / "editions.jsonl", found.edition)
    return shown, found


# -- the ledger --------------------------------------------------------------------------------------


def test_a_ledger_is_read_once_and_again_when_it_has_changed(tmp_path):
    path = tmp_path / "editions.jsonl"
    one, two = (Edition(n, "public", tuple(facts(table({"B": 40})))) for n in ("one", "two"))
    editions.append(path, one)
    (first,), (again,) = editions.read(path), editions.read(path)
    assert first is again
    editions.append(path, two)
    both = editions.read(path)
    assert [e.name for e in both] == ["one", "two"]
    assert all(a is b for a, b in zip(*(e.by_area.values() for e in both), strict=True))  # alike, held once
    path.write_text(path.read_text("utf-8").replace(" 42", " 43"), "utf-8")
    with pytest.raises(DisclosureError, match="was edited"):
        editions.read(path)


def test_a_ledger_is_added_to_and_read_back(tmp_path):
    path = tmp_path / "a" / "editions.jsonl"
    assert editions.read(path) == []
    one, two = (Edition(n, "public", tuple(facts(table({"B": v})))) for n, v in (("one", 4), ("two", 40)))
    assert editions.append(path, one)
    assert not editions.append(path, one)
    assert editions.append(path, two)
    assert editions.read(path) == [one, two]
    assert {f.origin for f in one.earlier()} == {"earlier"}
    assert len(path.read_text().splitlines()) == 2
    assert [p.name for p in path.parent.iterdir()] == ["editions.jsonl"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0].replace("38", "33"), *lines[1:]], 1),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: [lines[1], lines[0], lines[2]], 1),
        (lambda lines: [*lines[:2], lines[2][:-9]], 3),
        (lambda lines: [*lines[:2], "[]"], 3),
        (lambda lines: [*lines[:1], json.dumps({"hash": "0"}), *lines[2:]], 2),
    ],
)
def test_an_edited_ledger_is_refused(tmp_path, change, line):
    path = tmp_path / "editions.jsonl"
    for i in range(3):
        editions.append(path, Edition(str(i), "public", tuple(facts(table({"B": 40 + 5 * i})))))
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    with pytest.raises(
        DisclosureError, match=rf"editions.jsonl: \d of \d editions cannot be trusted.*First: line {line}\."
    ):
        editions.read(path)
    with pytest.raises(DisclosureError):
        editions.append(path, Edition("x", "public", ()))


# -- hiding ------------------------------------------------------------------------------------------


def test_what_the_audit_hides_is_hidden_by_release(tmp_path):
    true = table({"Black": 40, "White": 50})
    count = named(true.iloc[0].to_dict())["events"]
    with hiding([count]):
        assert VARIABLE in os.environ
        assert release(true).table["events"].isna().to_list() == [True, False]
        noted = release(true.assign(note="")).table
        assert noted["note"].to_list() == ["suppressed", ""]
        assert release(true, policy=RESTRICTED).table["events"].to_list() == [40, 50]
        assert release(true[["group", "events"]]).table["events"].to_list() == [40, 50]
        with hiding([named(true.iloc[1].to_dict())["events"]]):
            assert release(true).table["events"].isna().to_list() == [False, True]
        assert release(true).table["events"].isna().to_list() == [True, False]
    assert VARIABLE not in os.environ
    assert release(true).table["events"].to_list() == [40, 50]
    with hiding([]):
        assert VARIABLE not in os.environ


# -- editions together -------------------------------------------------------------------------------


def by_sex(f, m, **what):
    return [
        table({"Black": f + m}, **what),
        table({"Black": f}, sex="f", **what),
        table({"Black": m}, sex="m", **what),
    ]


def test_an_edition_that_gives_nothing_away_appears_as_it_is(tmp_path):
    shown, found = clear(tmp_path, *by_sex(20, 30))
    assert shown == bundle(*by_sex(20, 30))
    assert found.usefulness == {"cells": 1.0, "value": 1.0}
    assert not found.edition.hidden


def test_a_table_that_gives_a_count_away_is_run_again_with_less(tmp_path):
    tables = by_sex(7, 13)  # 20 is 18-22 and 13 is 13-17, so that the girls are 1 to 7: wide enough
    assert clear(tmp_path, *tables)[0] == bundle(*tables)
    narrow = by_sex(1, 12, year=2022)  # 13 is 13-17, 12 is 8-12: the girls are 1 to 7 as well
    assert clear(tmp_path, *narrow)[0] == bundle(*narrow)
    tight = [*by_sex(4, 12, year=2021), table({"Black": 12}, year=2021, looked_after="no", sex="m")]
    shown, _ = clear(tmp_path, *tight)
    assert shown == bundle(*tight)


def test_exact_figures_of_others_are_taken_into_account(tmp_path):
    """Others print each of four years; our pooled figure would then give the fifth away to within four."""
    outside = tmp_path / "outside.csv"
    told = [table({"Black": v}, year=2019 + i) for i, v in enumerate((9, 10, 12, 8))]
    pd.concat(told).to_csv(outside, index=False)
    assert {(f.low, f.high) for f in outside_facts(outside)} == {(9, 9), (10, 10), (12, 12), (8, 8)}
    ours = table({"Black": 41}, years=5)
    shown, found = clear(tmp_path, ours, table({"Black": 2}), outside=outside)
    assert found.edition.hidden == {named(ours.iloc[0].to_dict())["events"]}
    assert "[c]" in shown["0"]["csv"]
    assert outside_facts(tmp_path / "none.csv") == ()
    (tmp_path / "empty.csv").write_text("area,year\n")
    with pytest.raises(DisclosureError, match=r"empty.csv: 0 of its rows are figures"):
        outside_facts(tmp_path / "empty.csv")


def test_a_window_that_would_give_a_year_away_beside_an_earlier_edition_is_hidden(tmp_path):
    """The Plan printed single years exactly; last year's edition its pool; this year's would complete it."""
    first, later = table({"Black": 13}, years=2, year=2020), table({"Black": 8}, year=2020)
    assert not clear(tmp_path, first, name="2020")[1].edition.hidden
    # 13 is 13-17 and 8 is 8-12, so the year before is 1-9: wide enough.
    assert not clear(tmp_path, later, name="2020b")[1].edition.hidden
    outside = tmp_path / "outside.csv"
    table({"Black": 12}, year=2020).to_csv(outside, index=False)
    # With the 12 known, it is 1-5: four wide. The pool has appeared; our own new print is hidden.
    new = table({"Black": 3}, year=2019)
    shown, found = clear(tmp_path, new, name="2021", outside=outside)
    assert "[c]" in shown["0"]["csv"]
    assert not found.edition.hidden  # others and earlier editions alone give it away already


def test_an_edition_that_has_appeared_appears_again_as_it_was(tmp_path):
    outside = tmp_path / "outside.csv"
    pd.concat([table({"Black": v}, year=2019 + i) for i, v in enumerate((9, 10, 12, 8))]).to_csv(
        outside, index=False
    )
    tables = (table({"Black": 41}, years=5), table({"Black": 2}))
    once = clear(tmp_path, *tables, outside=outside)
    ledger = (tmp_path / "editions.jsonl").read_bytes()
    clear(tmp_path, table({"Black": 60}, years=5, year=2024), name="next")
    again = clear(tmp_path, *tables, outside=outside)
    assert once == again
    assert (tmp_path / "editions.jsonl").read_bytes().startswith(ledger)
    assert len(editions.read(tmp_path / "editions.jsonl")) == 2


def test_a_table_that_release_cannot_hide_is_refused(tmp_path):
    outside = tmp_path / "outside.csv"
    pd.concat([table({"Black": v}, year=2019 + i) for i, v in enumerate((9, 10, 12, 8))]).to_csv(
        outside, index=False
    )
    fixed = bundle(table({"Black": 41}, years=5), table({"Black": 2}))
    with pytest.raises(DisclosureError, match="could not be hidden by running the notebook again"):
        cleared(
            lambda: fixed, lambda s: s, name="x", rule=PUBLIC, ledger=tmp_path / "e.jsonl", outside=outside
        )
    assert not (tmp_path / "e.jsonl").exists()


def test_pairs_of_editions_give_nothing_away(tmp_path):
    """Rolling windows and single years of random boroughs, two years running: all ranges stay wide."""
    from ysj_analysis.joint_audit import failing
    from ysj_analysis.joint_facts import together
    from ysj_analysis.joint_system import systems

    for seed in range(10):
        rng = np.random.default_rng(seed)
        where = tmp_path / str(seed)
        years = rng.poisson(6, (6, 3))
        for end in (2023, 2024):
            at = years[end - 2023 : end - 2018]
            names = ["Asian", "Black", "White"]
            tables = [table(dict(zip(names, at.sum(0), strict=True)), years=5, year=end)]
            tables += [table(dict(zip(names, v, strict=True)), year=end - 4 + i) for i, v in enumerate(at)]
            clear(where, *tables, name=str(end))
        past = [f for e in editions.read(where / "editions.jsonl") for f in e.facts]
        own = [Fact(f.count, f.low, f.high) for f in past]
        assert [f for s in systems(together(own)) for f in failing(s)] == []


# -- a whole report ----------------------------------------------------------------------------------


def test_a_report_is_audited_before_it_appears(tmp_path):
    """Of ten Asian children of Camden charged, ten convicted: the rest would be 0 to 4."""
    folder = report.render("annual_report", out=tmp_path, parameters={"area": "Camden"})
    (edition,) = editions.read(tmp_path / "camden" / "editions.jsonl")
    hidden = {(c.stage, dict(c.where)["group"]) for c in edition.hidden}
    assert ("charge", "Asian") in hidden
    decisions = pd.read_csv(folder / "tables" / "stages-decisions.csv", dtype=str, keep_default_na=False)
    rows = decisions[(decisions["base"] == "charge") & (decisions["group"] == "Asian")]
    assert len(rows) > 3
    assert set(rows["denominator"]) == {"[c]"}
    assert set(rows["estimate"]) == {"[c]"}
    printed = json.loads((folder / "manifest.json").read_text())["printed"]
    assert 0.5 < printed["cells"] < 1
    assert 0.9 < printed["value"] < 1

    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    report.render("annual_report", out=tmp_path, parameters={"area": "Camden"})
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    assert len(editions.read(tmp_path / "camden" / "editions.jsonl")) == 1

    ledger = tmp_path / "camden" / "editions.jsonl"
    ledger.write_text(ledger.read_text().replace('"low": 8', '"low": 3', 1))
    with pytest.raises(DisclosureError, match="the ledger was edited or cut short"):
        report.render("annual_report", out=tmp_path, parameters={"area": "Camden", "year": 2022})
    assert not (tmp_path / "camden" / "2022").exists()


def test_a_restricted_edition_is_not_in_the_ledger(tmp_path):
    report.render("annual_report", out=tmp_path, parameters={"area": "Camden"}, edition="restricted")
    assert not (tmp_path / "camden" / "editions.jsonl").exists()


def test_real_and_made_up_children_of_one_area_have_folders_of_their_own(tmp_path):
    """A ledger says which of them its editions are of; one that does not say refuses nothing."""
    path = tmp_path / "editions.jsonl"
    editions.append(path, Edition("one {}", "public", tuple(facts(table({"B": 40})))))
    for kind in (True, False, None):
        editions.refuse_another_kind(path, kind)
    editions.append(path, Edition("two {}", "public", tuple(facts(table({"B": 40}))), made_up=True))
    assert [e.made_up for e in editions.read(path)] == [None, True]
    for kind in (True, None):
        editions.refuse_another_kind(path, kind)
    with pytest.raises(DisclosureError, match=r"of real children, and 1 of the 2 .* First: two\. .*--out"):
        editions.refuse_another_kind(path, False)
