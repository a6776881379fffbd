"""Files too large to hold give the same counts, the same ledger and the same refusals."""

import contextlib
import csv
import gc
import random
import sqlite3
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysj_analysis import (
    canonical,
    large,
    large_arrow,
    large_files,
    large_ids,
    large_numbers,
    load,
    pathways,
    pipeline,
    profiles,
)
from ysj_analysis.tables import DataError
from ysj_analysis.vocabulary import ETHNICITIES, STAGES

SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic"
REACHED = ["arrest", "charge", "caution", "convicted", "sentenced", "custody"]
WAYS = (
    {},
    {"window": 3},
    {"unit": "episodes"},
    {"by": ("sex",)},
    {"by": ("looked_after", "send"), "window": 2},
)


@pytest.fixture
def any_size(monkeypatch):
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
    monkeypatch.setitem(large_files.LARGE, ".parquet", 0)


def as_parquet(folder, out):
    """The same study with its tables in Parquet, typed as a database would write them."""
    import duckdb

    out.mkdir()
    for file in folder.iterdir():
        if file.name in ("events.csv", "children.csv"):
            options = "all_varchar=true, header=true" + (
                ", types={'date': 'DATE'}" if "events" in file.name else ""
            )
            options = options.replace("all_varchar=true, header=true, types", "header=true, types")
            duckdb.sql(f"copy (from read_csv('{file}', {options})) to '{out / file.stem}.parquet'")
        elif file.suffix in (".csv", ".toml"):
            (out / file.name).write_bytes(file.read_bytes())
    return out


def write(folder, events, children, settings="years = [2019, 2022]\n"):
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(settings, encoding="utf-8")
    for name, rows in (("events", events), ("children", children)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            out.writeheader()
            out.writerows(rows)
    return folder


def random_study(seed):
    """Children who return, move, skip stages, repeat them, cross years, and some without a record."""
    draw = random.Random(seed)
    children = [
        {
            "child_id": f"c{i}",
            "sex": draw.choice(["male", "female", "unknown"]),
            "birth_month": draw.choice(["2006-03", ""]),
            "ethnicity": draw.choice(ETHNICITIES).code,
            "ethnicity_source": draw.choice(["self", "self", "self", "officer", "school", "unknown"]),
            "looked_after": draw.choice(["yes", "no", ""]),
            "area": draw.choice(["Hackney", "Camden", "Kent", ""]),
        }
        for i in range(60)
    ]
    events = []
    for e in range(150):
        child, year = f"c{draw.randrange(64)}", draw.randrange(2018, 2023)
        for stage in draw.sample(
            ["arrest", "charge", "caution", "convicted", "sentenced", "custody"], draw.randint(1, 5)
        ):
            date = f"{year + draw.randrange(2)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
            row = {"child_id": child, "episode_id": f"e{e}", "stage": stage, "date": date}
            events.append(row | {"area": draw.choice(["Hackney", "Camden", "Elsewhere"]), "gravity": "4"})
    return events, children


def same(one, other):
    for way in WAYS:
        if "send" in way.get("by", ()) and "send" not in (one.children.columns):
            way = {"by": ("looked_after", "sex"), "window": 2}
        pd.testing.assert_frame_equal(pipeline.stage_counts(one, **way), pipeline.stage_counts(other, **way))
    pd.testing.assert_frame_equal(pipeline.ledger(one), pipeline.ledger(other))


# -- the same figures --------------------------------------------------------------------------------


def test_the_synthetic_study_from_csv_and_parquet(tmp_path, any_size, monkeypatch):
    parquet = load.study(as_parquet(SYNTHETIC, tmp_path / "parquet"))
    stored = load.study(SYNTHETIC)
    assert isinstance(stored.events, large.Stored)
    assert isinstance(parquet.events, large.Stored)
    monkeypatch.setitem(large_files.LARGE, ".csv", 10**9)
    held = load.study(SYNTHETIC)
    same(held, stored)
    pd.testing.assert_frame_equal(pipeline.stage_counts(held), pipeline.stage_counts(parquet))
    one = {"area": "Camden", "year": 2021}
    pd.testing.assert_frame_equal(pipeline.for_report(held, **one), pipeline.for_report(stored, **one))
    pd.testing.assert_frame_equal(pathways.pathways(held), pathways.pathways(stored))


@pytest.mark.parametrize("seed", range(4))
def test_random_studies(tmp_path, monkeypatch, seed):
    areas = "" if seed % 2 else 'areas = ["Camden", "Hackney"]\n'
    folder = write(tmp_path / "study", *random_study(seed), areas + "years = [2019, 2022]\n")
    held = load.study(folder)
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
    stored = load.study(folder)
    assert stored.areas == held.areas
    assert stored.events.numbers is not None
    same(held, stored)
    monkeypatch.setattr(large_arrow, "read", lambda *files, stages: None)  # the second look gives the same
    second = load.study(folder)
    assert second.events.numbers is None
    same(held, second)


def test_more_stages_than_a_table_of_all_their_sets(tmp_path, monkeypatch):
    draw, names = random.Random(4), [f"step {i}" for i in range(20)]
    graph = "".join(
        f'[[stages]]\nid = "{s}"\nlabel = "{s}"\nbase = "{b}"\nkind = "decision"\npolarity = "adverse"\n'
        f'did = "reached {s}"\n'
        for s, b in zip(names, ["none", *names], strict=False)
    )
    children = [{"child_id": f"c{i}", "sex": "male", "birth_month": "", "ethnicity": draw.choice(["B1", "W1"]),
                 "ethnicity_source": "self"} for i in range(30)]  # fmt: skip
    rows = [(e, f"c{draw.randrange(30)}", draw.randint(1, 20)) for e in range(80)]
    events = [{"child_id": c, "episode_id": f"e{e}", "stage": s, "date": "2020-05-01", "area": "Kent"}
              for e, c, n in rows for s in names[:n]]  # fmt: skip
    folder = write(tmp_path / "study", events, children, "years = [2020, 2020]\n" + graph)
    held = load.study(folder)
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
    stored = load.study(folder)
    assert stored.events.numbers is not None
    pd.testing.assert_frame_equal(pipeline.stage_counts(held), pipeline.stage_counts(stored))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=40), st.integers(1, 9))
def test_the_stages_reached_together(pairs, piece):
    keys = [
        np.array([5 * who + stage for who, stage in part], dtype="int64")
        for part in (pairs[::2], pairs[1::2])
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_numbers, "PIECE", piece)
        found = {int(k): int(r) for key, reached in large_numbers.together(keys, 5)
                 for k, r in zip(key, reached, strict=True)}  # fmt: skip
    expected = defaultdict(int)
    for who, stage in pairs:
        expected[who] |= 1 << stage
    assert found == expected


IDS = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=30)


@given(
    st.lists(IDS | st.sampled_from(["a", "aa", "c0000001", "c00000011", "é" * 9]), min_size=1),
    st.integers(0, 3),
)
def test_the_same_ids_have_the_same_number(ids, skipped):
    """Beside a dictionary; text that starts further on in its buffer, and in two pieces of other lengths."""
    whole = pyarrow.array(["x" * 5] * skipped + ids).slice(skipped)
    half = len(ids) // 2
    pieces = [large_ids.digests(part) for part in (whole.slice(0, half), whole.slice(half)) if len(part)]
    found = large_ids.numbered(*(np.concatenate(part) for part in zip(*pieces, strict=True)))
    order = list(dict.fromkeys(ids))
    assert found.tolist() == [order.index(i) for i in ids]


@pytest.mark.parametrize("bad", ["", " a", "a\u3000", "\u00a0a", "a" * 1001])
def test_ids_that_need_a_second_look(bad):
    with pytest.raises(large_ids.Unfit):
        large_ids.digests(pyarrow.array(["a", bad, "b"]))


# -- files that are used as they are, or not ---------------------------------------------------------


def taken(folder, kind):
    """Whether the first look was enough."""
    files = (folder / f"{name}.{kind}" for name in ("events", "children"))
    return large_arrow.read(*files, stages=STAGES) is not None


def test_ids_are_numbered_in_order_of_appearance_whatever_the_order_of_rows(tmp_path, monkeypatch):
    events, children = random_study(6)
    random.Random(1).shuffle(events)
    folder = write(tmp_path / "study", events, children)
    monkeypatch.setattr(large_arrow, "_PIECE", 2000)  # several pieces
    numbers, values = large_arrow.read(folder / "events.csv", folder / "children.csv", stages=STAGES)
    episodes = list(dict.fromkeys(row["episode_id"] for row in events))
    ids = [c["child_id"] for c in children]
    ids += [c for c in dict.fromkeys(row["child_id"] for row in events) if c not in ids]
    assert [episodes[i] for i in numbers.episode] == [row["episode_id"] for row in events]
    assert [ids[numbers.child[i]] for i in numbers.episode] == [row["child_id"] for row in events]
    assert [values["stage"][i] for i in numbers.stage] == [row["stage"] for row in events]
    assert values["area"] == list(dict.fromkeys(row["area"] for row in events))
    assert [values["area"][i] for i in numbers.place] == [row["area"] for row in events]
    days = numbers.day.astype("datetime64[D]").astype(str).tolist()
    assert days == [row["date"] for row in events]
    first = defaultdict(lambda: "9")
    for row in events:
        first[row["episode_id"]] = min(first[row["episode_id"]], row["date"])
    began = numbers.began.astype("datetime64[D]").astype(str).tolist()
    assert began == [first[e] for e in episodes]


KINDS = {
    "categories": (
        True,
        lambda e: e.astype({"stage": "category", "area": "category", "episode_id": "category"}),
    ),
    "times at midnight": (True, lambda e: e.assign(date=pd.to_datetime(e["date"]))),
    "days": (True, lambda e: e.assign(date=pd.to_datetime(e["date"]).dt.date)),
    "whole numbers": (True, lambda e: e.assign(gravity=e["gravity"].astype("int8"))),
    "a number missing": (True, lambda e: e.assign(gravity=e["gravity"].astype("Int64").mask(e.index == 3))),
    "times of day": (False, lambda e: e.assign(date=pd.to_datetime(e["date"]) + pd.Timedelta("1h"))),
    "a number below 0": (
        False,
        lambda e: e.assign(gravity=e["gravity"].astype("int8").mask(e.index == 3, -1)),
    ),
    "an id missing": (False, lambda e: e.assign(child_id=e["child_id"].mask(e.index == 3))),
    "an area missing": (False, lambda e: e.assign(area=e["area"].mask(e.index == 3))),
    "numbers for ids": (False, lambda e: e.assign(episode_id=e["episode_id"].str[1:].astype(int))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_types_of_parquet(tmp_path, monkeypatch, kind):
    events, children = random_study(7)
    folder = write(tmp_path / "study", events, children)
    enough, change = KINDS[kind]
    change(pd.DataFrame(events)).to_parquet(folder / "events.parquet")
    pd.DataFrame(children).to_parquet(folder / "children.parquet")
    (folder / "events.csv").unlink()
    (folder / "children.csv").unlink()
    assert taken(folder, "parquet") is enough

    def outcome():
        try:
            return load.study(folder)
        except DataError as error:
            return str(error)

    held = outcome()
    monkeypatch.setitem(large_files.LARGE, ".parquet", 0)
    stored = outcome()
    if isinstance(held, str):
        assert stored == held
    else:
        same(held, stored)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n", b"\r\n"),
        (b",Camden,", b',"Camden",'),
        (b",Camden,", b',"Cam\nden",'),
        (b",Camden,", b',"Cam""den",'),
        (b",Camden,", ",\u00c9vry,".encode()),
        (b"c1,", "\u00c9\u00e9,".encode()),
        (b",4\n", b",\n"),
        (b",4\n", b',"1,000.00"\n'),
        (b",4\n", b",4\n\n"),
    ],
)
def test_odd_but_sound_files_need_no_second_look(tmp_path, monkeypatch, old, new):
    folder = write(tmp_path / "study", *random_study(8))
    for name in ("events", "children"):
        path = folder / f"{name}.csv"
        path.write_bytes(path.read_bytes().replace(old, new))
    held = load.study(folder)
    assert taken(folder, "csv")
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
    same(held, load.study(folder))


def test_a_count_by_hand(tmp_path, any_size):
    events, children = random_study(9)
    counts = pipeline.stage_counts(load.study(write(tmp_path / "study", events, children)))
    reached = defaultdict(set)
    for row in events:
        year = int(row["date"][:4]) - (int(row["date"][5:7]) < 4)
        reached[row["area"], year, row["stage"]].add(row["child_id"])
    rates = (
        counts[counts["base"] == "population"]
        .groupby(["area", "year", "stage"], observed=True)["events"]
        .sum()
    )
    expected = {k: len(v) for k, v in reached.items() if 2019 <= k[1] <= 2022}
    assert {k: int(n) for k, n in rates.items() if n} == expected


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")  # asked by Ibis 12
def test_the_same_step_in_sqlite(tmp_path):
    events, children = random_study(5)
    held = load.study(write(tmp_path / "study", events, children))
    with contextlib.closing(sqlite3.connect(tmp_path / "cases.db")) as database, database:
        for name, rows in (("events", events), ("children", children)):
            kinds = ", ".join(f"{c} {'date' if c == 'date' else 'text'}" for c in rows[0])
            database.execute(f"create table {name} ({kinds})")
            marks = ", ".join("?" * len(rows[0]))
            database.executemany(f"insert into {name} values ({marks})", [tuple(r.values()) for r in rows])
    con = ibis.sqlite.connect(tmp_path / "cases.db")
    there = large.stored(con.table("events"), con.table("children"))
    same(held, replace(held, events=there, children=None))
    del there
    gc.collect()  # its temporary tables go before the connection does
    con.disconnect()


@pytest.mark.parametrize(("seed", "database"), [(0, False), (1, False), (2, True)])
def test_the_profile_of_stored_events_is_that_of_held_ones_or_says_not_checked(
    tmp_path, monkeypatch, seed, database
):
    events, children = random_study(seed)
    draw = random.Random(seed)
    for row in events[::7]:
        row |= {
            "gravity": draw.choice(["", "0", "9", "1,000.0"]),
            "date": draw.choice(["2004-05-01", "2031-01-01"]),
        }
    for child in children[::4]:
        child["birth_month"] = draw.choice(["2003-01", "2012-11"])
    source = '[[sources]]\nname = "x"\ndate = "2022-06-01"\nnote = ""\n'
    folder = write(tmp_path / "study", events, children, "years = [2019, 2022]\n" + source)
    held = load.study(folder)
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
    if database:
        monkeypatch.setattr(large_arrow, "read", lambda *files, stages: None)
    stored = load.study(folder)
    keys = ["check", "stage", "unit"]
    for scope in ({}, {"area": "Camden", "year": 2021, "years": 2}):
        whole = profiles.evidence(held, **scope).set_index(keys)[["events", "denominator"]]
        there = profiles.evidence(stored, **scope).set_index(keys)[["events", "denominator"]]
        made = there[there["events"].notna()]
        assert {"ethnicity not stated", "without the stage that feeds it"} <= set(
            made.index.get_level_values("check")
        )
        pd.testing.assert_frame_equal(made, whole.loc[made.index])
        if not database:
            assert set(whole.index) == set(there.index)
            left = set(whole[whole["events"].notna()].index) - set(made.index)
            assert {check for check, *_ in left} == {"decision repeated in another episode"}
        told = {check for check, *_ in there.index}
        assert {check for check, *_ in whole[whole["events"].gt(0)].index} <= told


# -- the same refusals -------------------------------------------------------------------------------

FAULTS = {
    "a label": lambda e, c: e[7].update(stage="arest"),
    "a date": lambda e, c: e[3].update(date="01/02/2020"),
    "a slash": lambda e, c: e[3].update(date="2020/02/01"),
    "an empty id": lambda e, c: e[4].update(child_id=" "),
    "no area": lambda e, c: e[5].update(area=""),
    "gravity": lambda e, c: e[6].update(gravity="high"),
    "two faults": lambda e, c: (e[6].update(gravity="high"), e[8].update(stage="<b>x</b>")),
    "two children": lambda e, c: e[0].update(child_id="c999") or e[1].update(episode_id=e[0]["episode_id"]),
    "an ethnicity": lambda e, c: c[2].update(ethnicity="B7"),
    "twice a child": lambda e, c: c[2].update(child_id="c1"),
    "a month": lambda e, c: c[2].update(birth_month="March"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_in_the_same_words(tmp_path, monkeypatch, fault):
    events, children = random_study(3)
    FAULTS[fault](events, children)
    folder = write(tmp_path / "study", events, children)
    with pytest.raises(DataError) as held:
        load.study(folder)
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
    with pytest.raises(DataError) as stored:
        load.study(folder)
    assert str(stored.value) == str(held.value)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda raw: raw.replace(b"Camden", b"Camd\xe9n", 1), "UTF-8"),
        (lambda raw: raw.replace(b"Court", b"Co\xfcrt", 1), "UTF-8"),  # in a column that nobody counts
        (lambda raw: raw + b"c1,e1,arrest\n", "columns of the header"),
        (lambda raw: raw.replace(b"area", b"place", 1), "required columns are missing"),
        (lambda raw: raw.splitlines(keepends=True)[0], "0 rows"),
    ],
)
def test_a_damaged_file_is_refused_in_the_same_words(tmp_path, monkeypatch, damage, found):
    events, children = random_study(3)
    folder = write(tmp_path / "study", [row | {"court": "Court"} for row in events], children)
    path = folder / "events.csv"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=found) as held:
        load.study(folder)
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
    with pytest.raises(DataError) as stored:
        load.study(folder)
    assert str(stored.value) == str(held.value)


def test_untidy_but_usable(tmp_path, monkeypatch):
    folder = write(tmp_path / "study", *random_study(2))
    path = folder / "events.csv"
    text = path.read_text(encoding="utf-8").replace(",arrest,", ", arrest ,").replace("Camden", "\tCamden ")
    path.write_bytes(("\ufeff" + text.replace("\n", "\r\n") + ",,,,,\r\n\r\n").encode())
    held = load.study(folder)
    assert not taken(folder, "csv")
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
    same(held, load.study(folder))


def test_hostile_labels_travel_as_text(tmp_path, any_size):
    events, children = random_study(1)
    name = "x'); drop table events; --\"<script>\u202e=1+1" + "é" * 100_000
    for row in events:
        row["area"] = name
    study = load.study(write(tmp_path / "study", events, children))
    assert study.areas == (name,)
    assert set(pipeline.stage_counts(study)["area"]) == {name}


def test_a_table_in_two_files_and_a_file_that_is_no_parquet(tmp_path):
    folder = write(tmp_path / "study", *random_study(1))
    (folder / "events.parquet").write_bytes(b"PAR1, or not")
    with pytest.raises(DataError, match="Keep one"):
        load.study(folder)
    (folder / "events.csv").unlink()
    with pytest.raises(DataError, match="not a Parquet file"):
        load.study(folder)


def test_small_parquet_tables_are_held_and_typed_alike(tmp_path):
    study = load.study(as_parquet(SYNTHETIC, tmp_path / "parquet"))
    plain = canonical.events(SYNTHETIC)
    common = ["child_id", "episode_id", "stage", "date", "area", "offence_group"]
    pd.testing.assert_frame_equal(study.events[common], plain[common])
    assert "events.parquet" in study.hashes
