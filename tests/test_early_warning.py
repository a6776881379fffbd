"""The rule that a study declares, what it flags of printed figures, and the list it is written to."""

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis import actions, disclosure, early_warning, flag_sentences, load, wording
from ysj_analysis.__main__ import main
from ysj_analysis.absent import Absent
from ysj_analysis.monitor import Rule
from ysj_analysis.reading import NotHeld

ROOT = Path(__file__).resolve().parents[1]
STUDY = load.study(ROOT / "data/synthetic")
WORDS = wording.Words.of(STUDY)
RULE = Rule(threshold=1.5, declared="2024-04-01", years=2)


def rows_of(ledger):
    return disclosure.release(actions.listed(ledger, area="Islington"), counts=(), texts=actions.TEXTS)


def write(folder, text):
    (folder / "counts.csv").write_text(
        "area,year,stage,group,events,denominator\nA,2023,charge,White,40,80\n"
    )
    (folder / "study.toml").write_text(text)
    return folder


def test_the_rule_is_read_as_declared():
    assert early_warning.declared(ROOT / "data/synthetic") == RULE


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("", NotHeld, "declares no rule for flags"),
        ("[flags]\nthreshold = 2.0\n", load.DataError, "threshold and declared"),
        ('[flags]\nthreshold = 1.0\ndeclared = "2024-04-01"\n', load.DataError, "other than 1"),
        ('[flags]\nthreshold = 2.0\ndeclared = "last spring"\n', load.DataError, "give the day"),
        ('[flags]\nthreshold = 2.0\ndeclared = "2024-04-01"\nyeers = 2\n', load.DataError, "yeers"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(text, error, match, tmp_path):
    with pytest.raises(error, match=match):
        early_warning.declared(write(tmp_path, text))


def test_periods_do_not_overlap_and_end_with_the_year():
    table = early_warning.counts(STUDY, RULE, area="Islington", year=2023, years=5)
    assert sorted(set(zip(table["year"], table["years"], strict=True))) == [(2019, 4), (2023, 4)]
    with pytest.raises(NotHeld, match="looks at 2 periods"):
        early_warning.counts(
            dataclasses.replace(STUDY, years=(2023, 2023)), RULE, area="Islington", year=2023
        )


def test_flags_are_of_printed_ratios_beyond_the_rule_in_every_period():
    """By hand from the printed ratios: above 1.5 for adverse stages, below 0.67 for favourable ones, twice."""
    found = early_warning.flagged(STUDY, RULE, area="Islington", year=2023, years=5).table
    for _, rows in found.groupby(["stage", "group"], observed=True):
        rows = rows.sort_values("year")
        adverse = STUDY.stages[str(rows["stage"].iloc[0])].polarity == "adverse"
        beyond = rows["estimate"].gt(1.5) if adverse else rows["estimate"].lt(0.67)
        assert (rows["flag"].iloc[-1] == "flagged") == bool(beyond.all())
    assert not found["flag"].eq("flagged").all()


def test_what_is_said_of_flags():
    found = early_warning.flagged(STUDY, RULE, area="Islington", year=2023, years=5)
    said = flag_sentences.flags(found.derive(early_warning.last_period, year=2023), WORDS, rule=RULE)
    assert said[0].startswith("The rule, declared before looking: ratio above 1.5 for 2 consecutive periods")
    assert any(s.startswith("Flagged, 2 periods running. Black children were arrested at") for s in said)
    assert said[-1].startswith("A flag is a reason to explain or to change")
    strict = Rule(threshold=50.0, declared="2024-04-01")
    none = early_warning.flagged(STUDY, strict, area="Islington", year=2023, years=5)
    assert "nothing is flagged" in " ".join(
        flag_sentences.flags(none.derive(early_warning.last_period, year=2023), WORDS, rule=strict)
    )


def test_the_command_keeps_what_people_wrote(tmp_path, capsys):
    folder = tmp_path / "study"
    shutil.copytree(ROOT / "data/synthetic", folder)
    before = actions.read(folder)
    assert main(["flags", str(folder), "--area", "Islington", "--no-out"]) == 0
    assert actions.read(folder).equals(before)
    assert main(["flags", str(folder), "--area", "Islington"]) == 0
    after = actions.read(folder)
    capsys.readouterr()
    typed = list(actions.TYPED)
    pd.testing.assert_frame_equal(after[typed].head(len(before)), before[typed])
    assert len(after) > len(before)
    assert set(after["group"]) >= {"Black", "Mixed"}


def test_a_flag_gives_nothing_away():
    """What is written to the list follows from the printed ratios alone."""
    found = early_warning.flagged(STUDY, RULE, area="Islington", year=2023, years=5, policy=disclosure.PUBLIC)
    shown = found.table
    assert shown.loc[shown["estimate"].isna(), "flag"].eq("not assessed").all()


def test_the_favourable_side_and_the_interval_are_said():
    last = early_warning.flagged(STUDY, RULE, area="Islington", year=2023, years=5).derive(
        early_warning.last_period, year=2023
    )
    rule = flag_sentences.flags(last, WORDS, rule=RULE)[0]
    assert "(no further action, diversion and bail), a ratio below 0.67 counts instead" in rule
    assert "The rule looks at the ratio and not at its interval" in rule
    whole = dataclasses.replace(RULE, measured_by="limit")
    assert "not at its interval" not in flag_sentences.flags(last, WORDS, rule=whole)[0]


def test_flags_that_nobody_listed_are_named():
    last = early_warning.flagged(STUDY, RULE, area="Islington", year=2023, years=5).derive(
        early_warning.last_period, year=2023
    )
    ledger = actions.read(ROOT / "data/synthetic")

    def named(lines):
        return flag_sentences.not_listed(last, rows_of(lines), WORDS)

    flagged = last.table.query("flag == 'flagged'")
    have = set(ledger[["stage", "group"]].itertuples(index=False, name=None))
    new = set(flagged[["stage", "group"]].astype(str).itertuples(index=False, name=None)) - have
    (text,) = named(ledger)
    assert text.startswith("Flagged by the rule, and not on this list yet: ")
    assert all(WORDS.people(group) in text for _, group in new)
    assert "Black children (arrest" not in text
    assert named(actions.merged(ledger, flagged.assign(area="Islington"))) == []
    assert flag_sentences.not_listed(Absent("No rule."), rows_of(ledger), WORDS) == []
