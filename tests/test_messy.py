"""A messy export of known truth is converted; the counts are the truth except where the ledger says why."""

import csv
import dataclasses
import io
import json
import re
from functools import cache

import pandas as pd
import pytest

from ysj_analysis import entrants, load, messy, pipeline, sources, synthetic, timeliness
from ysj_analysis.from_events import prepared
from ysj_analysis.reading import NotHeld
from ysj_analysis.report import render
from ysj_analysis.vocabulary import broad_groups

folders = {}  # where each converted study is, for the report
EXPORT = ("young_people.csv", "outcomes.csv", "offences.csv", "population.csv")
SEEDS = (1, 2, 3)


@cache
def made(seed):
    return messy.files(seed)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """Convert the export of each seed once: the study and its truth."""
    out = {}
    for seed in SEEDS:
        room = tmp_path_factory.mktemp(f"messy{seed}")
        folder = messy.write(room / "export", seed=seed)
        files = [folder / name for name in EXPORT]
        options = {
            "mapping": str(folder / "mapping.toml"),
            "key": str(room / "private" / "key"),
            "new_key": "yes",
        }
        study = sources.convert("case-export", files, room / "study", **options)
        folders[seed] = study
        out[seed] = load.study(study), json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return out


def removed(study, words):
    """What the ledger says was taken away, in the one line with these words."""
    lines = study.ledger[study.ledger["what"].str.contains(words, regex=False)]
    lines = lines[~lines["what"].str.startswith("offences of")]
    assert len(lines) == 1, (words, lines)
    return int(lines["removed"].iloc[0])


def number(study, words):
    """The number at which a ledger line with these words starts, after the name of a file."""
    lines = study.ledger[study.ledger["what"].str.contains(words, regex=False)]
    assert len(lines) == 1, (words, lines)
    return int(lines["what"].iloc[0].rpartition(".csv: ")[2].split(" ")[0].replace(",", ""))


# -- the acceptance: counts ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("unit", "place"), [("children", 3), ("episodes", 4)])
def test_the_counts_are_the_truth_but_for_events_without_a_possible_date(converted, seed, unit, place):
    study, truth = converted[seed]
    counts = pipeline.stage_counts(study, unit=unit)
    counts = counts[(counts["base"].astype(str) == "population") & (counts["events"] > 0)]
    found = {(r.year, str(r.stage), str(r.group)): r.events for r in counts.itertuples()}
    expected = {tuple(cell[:3]): cell[place] for cell in truth["counts_without_lost"]}
    assert found == expected
    whole = {tuple(cell[:3]): cell[place] for cell in truth["counts"]}
    short = sum(whole.values()) - sum(expected.values())
    assert 0 <= short <= truth["events_lost"]
    assert (
        removed(study, "rows with an impossible date in column 'Outcome Date'")
        == truth["damage"]["impossible event dates"]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_stage_on_every_base_is_that_of_the_clean_study_without_the_lost_events(
    converted, seed, tmp_path
):
    """The clean study, straight from the simulation: the same table of counts, cell by cell."""
    study, truth = converted[seed]
    clean = synthetic.simulate(seed, areas=[messy.AREA, messy.ELSEWHERE], years=messy.YEARS)
    events = clean.events[clean.events["area"] == messy.AREA]
    gone = lost_events(seed)
    events = events[[key not in gone for key in zip(events["episode_id"], events["stage"], strict=True)]]
    children = clean.children[clean.children["child_id"].isin(events["child_id"])]
    for name, table in {"children": children, "events": events, "population": clean.population}.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "study.toml").write_text(
        f'areas = ["{messy.AREA}"]\nethnicity_base = "2021"\nyears = [2021, 2023]\n[population]\nvintage = "2021"\n'
    )
    expected = pipeline.stage_counts(load.study(tmp_path))
    pd.testing.assert_frame_equal(pipeline.stage_counts(study), expected)
    assert truth["events"] - len(events) == truth["events_lost"]


def lost_events(seed):
    """The events whose row has a date that cannot be, read from the export with the csv module."""
    rows = list(
        csv.reader(io.StringIO(made(seed)["outcomes.csv"].decode("utf-16"), newline=""), delimiter="\t")
    )
    bad = {(r[1].lower(), r[2]) for r in rows[3:] if len(r) > 3 and r[3] in messy.IMPOSSIBLE}
    stages = {label: stages for stages, labels in messy.labels.STAGE.items() for label in labels}
    stages |= {messy.labels.REPRIMAND: ("diversion",), messy.labels.TESTING: ()}
    return {(episode, stage) for episode, label in bad for stage in stages[label]}


@pytest.mark.parametrize("seed", SEEDS)
def test_children_episodes_events_and_offences_are_the_truth(converted, seed):
    study, truth = converted[seed]
    assert len(study.children) == truth["children"]
    assert study.events["episode_id"].nunique() == truth["episodes"]
    assert len(study.events) == truth["events"] - truth["events_lost"]
    assert len(study.offences) == truth["offences"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_groups_of_the_children_are_the_simulated_ones(converted, seed):
    study, _ = converted[seed]
    clean = synthetic.simulate(seed, areas=[messy.AREA, messy.ELSEWHERE], years=messy.YEARS).children
    clean = clean[clean["area"] == messy.AREA]
    for column in ("ethnicity", "ethnicity_source", "sex", "looked_after", "send"):
        found = study.children[column].astype(str).value_counts().to_dict()
        assert found == clean[column].astype(str).value_counts().to_dict(), column
    assert set(broad_groups("2021")) >= set(study.children["ethnicity"].astype(str))


# -- the ledger accounts for the damage ---------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ledger_says_of_each_damage_what_was_done_to_it(converted, seed):
    study, truth = converted[seed]
    damage = truth["damage"]
    assert (
        removed(study, "young_people.csv: rows equal to an earlier one") == damage["records exported twice"]
    )
    assert removed(study, "offences.csv: rows equal to an earlier one") == damage["offences exported twice"]
    assert removed(study, "outcomes.csv: rows equal to an earlier one") == damage["outcomes exported twice"]
    assert sum(removed(study, f"{name}: totals rows") for name in EXPORT[:3]) == damage["totals rows"]
    assert removed(study, "impossible dates in column 'Date of Birth'") == damage["impossible dates of birth"]
    assert removed(study, "gravity outside 1 to 8") == damage["gravity out of range"]
    assert removed(study, "children without an event") == damage["children of another service"]
    assert removed(study, "an outcome that reaches no stage") == damage["outcomes that reach no stage"]
    assert (
        number(study, "children have different known ethnicities")
        == damage["children whose ethnicity changes"]
    )
    assert number(study, "obsolete outcome 'Reprimand'") == damage["Outcome 23 sent as Reprimand"]
    assert number(study, "obsolete outcome 'Drug") == damage["Youth Diversion Orders sent as DTTO"]
    assert (
        number(study, "age bands that a spreadsheet turned into dates")
        == damage["age bands turned into dates"]
    )
    assert len(damage) >= 17
    assert min(damage.values()) > 0


def test_every_row_of_the_file_is_accounted_for(converted):
    """Rows read less rows removed are the rows left, step by step, for the outcomes of each seed."""
    for study, _ in converted.values():
        lines = study.ledger[study.ledger["what"].str.startswith("outcomes.csv: ")]
        lines = lines[lines["step"].isin(["read", "rows", "dates"])]
        left = None
        for line in lines.itertuples():
            if int(line.removed) and "above" not in line.what:
                assert left is None or int(line.left) == left - int(line.removed), line.what
                left = int(line.left)


# -- what is in the export ----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    assert messy.files(1) == made(1)
    assert messy.files(2)["outcomes.csv"] != made(1)["outcomes.csv"]


def test_the_damage_is_there():
    people, outcomes, offences = (made(1)[name] for name in EXPORT[:3])
    assert people.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in people
    assert b"Ethnicity(4)" in people
    assert b"<script>" in people
    assert b"../../Camden" in people + outcomes.decode("utf-16").encode()
    assert b"x" * 1_000_000 in people
    text = outcomes.decode("utf-16")
    for sign in (
        "Oct-14",
        "14-Oct",
        "Reprimand",
        "Drug Treatment and Testing Order",
        "31/02/2023",
        "'3",
        "3.0",
        "Grand Total",
    ):
        assert sign in text, sign
    assert b"\x96" in offences  # an en dash of Windows-1252
    with pytest.raises(UnicodeDecodeError):
        offences.decode("utf-8")


def test_nothing_private_of_the_export_reaches_the_study(converted, tmp_path):
    text = made(1)["young_people.csv"].decode("utf-8-sig").replace("x" * 1_000_000, "")
    people = list(csv.reader(io.StringIO(text, newline="")))
    study, _ = converted[1]
    written = (
        study.children.to_csv() + study.events.to_csv() + study.offences.to_csv() + study.ledger.to_csv()
    )
    for row in people[1:60]:
        for place in (0, 1, 2, 11, 12):
            text = row[place].strip().removesuffix(".0")
            alone = rf"(?<![0-9a-z]){re.escape(text)}(?![0-9a-z])"  # not six digits inside a pseudonym
            assert len(text) < 5 or not re.search(alone, written)


def test_a_folder_that_holds_anything_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not an empty folder"):
        messy.write(tmp_path, seed=1)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


# -- and on to a report -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_an_outcome_before_its_offence_has_no_wait_and_stops_nothing(converted, seed):
    study, _ = converted[seed]
    rows, until = timeliness.waits(study)
    known = study.offences["offence_date"] <= study.offences["outcome_date"].fillna(until)
    theirs = study.offences["child_id"].isin(prepared(study)["child_id"])
    assert len(rows) == (known & theirs).sum()
    assert (rows["days"] >= 0).all()


def test_years_ending_in_december_are_as_many_as_are_whole(converted):
    study, _ = converted[1]
    first, last = study.years
    assert entrants.yjb(study, window=last - first + 1)["year"].unique().tolist() == [last]
    one = dataclasses.replace(study, years=(last, last))
    with pytest.raises(NotHeld, match="no whole year ending in December"):
        entrants.yjb(one)


def test_a_damaged_export_becomes_a_report(converted, tmp_path):
    made = render(
        "annual_report", data=folders[1], out=tmp_path / "out", parameters={"area": messy.AREA, "year": 2023}
    )
    page = (made / "index.html").read_text(encoding="utf-8")
    assert "Groups are of self-defined ethnicity; children of whom only officer-defined ethnicity" in page
    assert "What each label of ethnicity in the files was read as" in page
    assert "events of a looked-after child who lives outside the area of the service" in page
    said = pd.read_csv(made / "tables/ledger.csv", dtype=str, keep_default_na=False)
    assert "known ethnicity by who said so: self 4" in " ".join(said["what"])
    for text in [*said["what"], *said["why"]]:
        quoted = re.sub(r"'[^']*'|\bkey \w+", "", text.replace("1 to 8", "").replace("10 to 17", ""))
        for number in re.findall(r"(?<![\w-])\d[\d,]*(?![\w-])", quoted.replace("2021 base", "")):
            value = int(number.replace(",", ""))
            assert value >= 8, text
            assert value % 5 == 0, text
