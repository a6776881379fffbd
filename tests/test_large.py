"""Files too large to hold give the same counts, the same ledger and the same refusals."""

import csv
import random
import sqlite3
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import ibis
import pandas as pd
import pytest

from ysj_analysis import canonical, large, large_files, load, pathways, pipeline, profiles
from ysj_analysis.tables import DataError
from ysj_analysis.vocabulary import ETHNICITIES

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
    same(held, stored)


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
    with sqlite3.connect(tmp_path / "cases.db") as database:
        for name, rows in (("events", events), ("children", children)):
            kinds = ", ".join(f"{c} {'date' if c == 'date' else 'text'}" for c in rows[0])
            database.execute(f"create table {name} ({kinds})")
            marks = ", ".join("?" * len(rows[0]))
            database.executemany(f"insert into {name} values ({marks})", [tuple(r.values()) for r in rows])
    con = ibis.sqlite.connect(tmp_path / "cases.db")
    there = large.stored(con.table("events"), con.table("children"))
    same(held, replace(held, events=there, children=None))


@pytest.mark.parametrize("seed", range(2))
def test_the_profile_of_stored_events_is_that_of_held_ones_or_says_not_checked(tmp_path, monkeypatch, seed):
    events, children = random_study(seed)
    folder = write(tmp_path / "study", events, children)
    held = load.study(folder)
    monkeypatch.setitem(large_files.LARGE, ".csv", 0)
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
        (lambda raw: raw + b"c1,e1,arrest\n", "columns of the header"),
        (lambda raw: raw.replace(b"area", b"place", 1), "required columns are missing"),
        (lambda raw: raw.splitlines(keepends=True)[0], "0 rows"),
    ],
)
def test_a_damaged_file_is_refused_in_the_same_words(tmp_path, monkeypatch, damage, found):
    folder = write(tmp_path / "study", *random_study(3))
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
