"""What does a case-management export look like before anyone has cleaned it? One with a known truth.

A synthetic study is written the way a system such as ChildView exports it, with the kinds of damage seen
in real files: footnote marks and spaces in headers, titles above and totals below the table, three
encodings and separators, four ways of writing dates and some that cannot be, ethnicity in many spellings
and changing between records of one child, rows exported twice, one decision recorded for each offence,
age bands that a spreadsheet took for dates, numbers as text, gravity out of range, outcomes that no longer
exist standing for new ones, children of other services as `Other`, and labels that would do harm if they
were run. `truth.json` says what is under it, and what no cleaning can bring back.

No child in it is real.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from . import messy_labels as labels
from . import synthetic
from .case_fields import OUT_OF_AREA
from .messy_truth import truth_json
from .vocabulary import UNKNOWN, broad_groups

AREA, ELSEWHERE, YEARS = "Islington", "Camden", (2021, 2022, 2023)
_SURNAMES = ("Okafor", "Begum", "Murphy", "Brown", "Zoë-Smith", '=1+1|"cmd"', "<script>alert(1)</script>")
_FORENAMES = ("Sam", "Alex", "Noor", "Jo", "../../etc", "\u202eevil")
_PAIRS = {
    "sentenced": ("first_tier", "community", "custody"),
    "remand_decision": ("bail", "community_remand", "rlaa", "yda"),
}
IMPOSSIBLE = ("31/02/2023", "00/00/0000", "12/03/0202", "01/01/2099")
_MANGLED = ("Oct-14", "14-Oct", "2014-10-01")
_OUT_OF_RANGE = ("0", "9", "99")
_NO_BIRTH = "30/02/2009"
_HUGE = 1_000_000


class _Damage:
    """A stream of chances, and a count of what was done with them."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng([seed, 99]).random
        self.done: Counter[str] = Counter()

    def hit(self, share: float, kind: str = "") -> bool:
        struck = self.random() < share
        if struck and kind:
            self.done[kind] += 1
        return struck

    def one(self, choices: Sequence):
        return choices[int(self.random() * len(choices))]

    def date(self, iso: str) -> str:
        """Write a day in one of the ways the mapping lists."""
        day = pd.Timestamp(iso)
        way = int(self.random() * 10)
        if way < 5:
            return day.strftime("%d/%m/%Y")
        self.done["dates in another form"] += 1
        if way == 5:
            return f"{day:%d/%m/%Y} 00:00:00"
        if way < 8:
            return iso
        return f"{day:%d-%b-%y}" if way == 8 else str((day - pd.Timestamp("1899-12-30")).days)


def write(folder: str | os.PathLike[str], *, seed: int = synthetic.SEED) -> Path:
    """Write the messy export, its mapping and its truth, whole or not at all.

    Parameters
    ----------
    folder : path
        A folder that does not exist yet or is empty.
    seed : int
        Same seed, same bytes.

    Returns
    -------
    Path
        The folder: ``young_people.csv``, ``outcomes.csv``, ``offences.csv``, ``population.csv``,
        ``mapping.toml`` and ``truth.json``.

    Raises
    ------
    FileExistsError
        If the folder holds anything.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there and is not an empty folder. Name a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".messy-", dir=folder.parent))
    try:
        for name, content in files(seed).items():
            (part / name).write_bytes(content)
        part.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def files(seed: int) -> dict[str, bytes]:
    """Make the messy export.

    Parameters
    ----------
    seed : int
        Same seed, same bytes.

    Returns
    -------
    dict of str to bytes
        Content by file name.
    """
    study = synthetic.simulate(seed, areas=[AREA, ELSEWHERE], years=YEARS)
    harm = _Damage(seed)
    own = study.children[study.children["area"] == AREA]
    others = study.children[study.children["area"] == ELSEWHERE].iloc[::6]
    children = pd.concat([own, others]).reset_index(drop=True)
    number = dict(zip(children["child_id"], _numbers(harm, len(children)), strict=True))
    children = children.assign(person=children["child_id"].map(number))
    events, offences = (
        table[table["child_id"].isin(children["child_id"])].assign(person=lambda t: t["child_id"].map(number))
        for table in (study.events, study.offences)
    )
    outcomes, lost = _outcomes(harm, events, children)
    people, told = _people(harm, children), _offences(harm, offences)
    population = study.population.query("area == @AREA")
    real = events[events["area"] == AREA].drop(columns="person")
    real = real.merge(own[["child_id", "ethnicity", "ethnicity_source"]], on="child_id")
    ours = offences[offences["child_id"].isin(own["child_id"])]
    years = (YEARS[0], YEARS[-1])
    return {
        "young_people.csv": _bytes(people, "utf-8-sig", ",", "\r\n"),
        "outcomes.csv": _bytes(outcomes, "utf-16", "\t", "\r\n"),
        "offences.csv": _bytes(told, "cp1252", ";", "\n"),
        "population.csv": population.to_csv(index=False, lineterminator="\n").encode(),
        "mapping.toml": labels.mapping_text(seed, years, study.truth.extract_date).encode(),
        "truth.json": truth_json(seed, AREA, years, own, real, ours, lost, harm.done).encode(),
    }


def _numbers(harm: _Damage, n: int) -> list[str]:
    """Number the children as a system does, in no order that says anything."""
    return [str(100_000 + 7 * i) for i in np.argsort([harm.random() for _ in range(n)])]


def _person(harm: _Damage, number: str) -> str:
    return harm.one([number, number, number, f"{number}.0", f" {number} "])


# -- the three files ---------------------------------------------------------------------------------


def _people(harm: _Damage, children: pd.DataFrame) -> list[list[str]]:
    header = [
        *(
            "Person ID",
            "Surname",
            " Forename ",
            "Date of Birth",
            "Gender",
            "Ethnicity(4)",
            "Ethnicity defined by",
        ),
        *("Ethnicity recorded on", "Looked After?", "EHCP / SEN", "Home authority", "Postcode", "Notes"),
    ]
    rows: list[list[str]] = []
    for child in children.itertuples():
        born = "30/02/2009" if harm.hit(0.01) else harm.date(f"{child.birth_month}-15")
        away = child.area != AREA
        home = harm.one(labels.AREA[OUT_OF_AREA if away else AREA])
        if (
            child.looked_after == "yes"
            and not away
            and harm.hit(0.5, "looked-after children placed elsewhere")
        ):
            home = "Kent"
        harm.done["children of another service"] += away
        before = [harm.one(_SURNAMES), harm.one(_FORENAMES), born, harm.one(labels.SEX[child.sex])]
        after = [
            harm.one(labels.CARED_FOR[child.looked_after]),
            harm.one(labels.NEEDS[child.send]),
            home,
            harm.one(("N1 1AA", "N7 0ZZ", "")),
            "x" * _HUGE if not rows else harm.one(("", "see file", "Mum: 0207 000 000")),
        ]
        for code, source, recorded in _recorded(harm, child):
            label = _ethnicity(harm, code)
            said = [label, harm.one(labels.DEFINED[source]), harm.date(recorded)]
            rows.append([_person(harm, child.person), *before, *said, *after])
    harm.done["impossible dates of birth"] = sum(row[3] == _NO_BIRTH for row in rows)
    rows = _again(harm, rows, "records exported twice")
    total = ["Total", *[""] * 11, str(len(rows))]
    blank, foot = [""] * len(header), ["(4) 18+1 self-defined classification", *[""] * 12]
    harm.done["totals rows"] += 1
    return [header, *rows, total, blank, foot]


def _ethnicity(harm: _Damage, code: str) -> str:
    if code == "NR":
        return harm.one(labels.NOT_RECORDED)
    label = harm.one(labels.ETHNICITY[code])
    return harm.one([label, label, f"{label}  ", label.upper()])


def _recorded(harm: _Damage, child) -> list[tuple[str, str, str]]:
    """Give the records of a child's ethnicity: the last self-defined known one is the truth."""
    known = broad_groups("2021")[child.ethnicity] != UNKNOWN
    records = [(child.ethnicity, child.ethnicity_source, "2024-03-01")]
    if harm.hit(0.85):
        return records
    if not known:
        harm.done["ethnicity refused more than once"] += 1
        return [("NS", "unknown", "2022-05-01"), *records]
    harm.done["children whose ethnicity changes"] += 1
    other = harm.one([c for c in ("B1", "W9", "M1", "A9", "O9") if c != child.ethnicity])
    earlier = (other, child.ethnicity_source, "2022-06-30")
    if child.ethnicity_source == "self" and harm.hit(0.5, "officers who later recorded another ethnicity"):
        return [*records, (other, "officer", "2024-06-01")]
    return [("NS", "unknown", "2021-05-01"), earlier, *records]


def _outcomes(
    harm: _Damage, events: pd.DataFrame, children: pd.DataFrame
) -> tuple[list[list[str]], pd.DataFrame]:
    """Write the decisions, one row each; and list the events that no cleaning can bring back."""
    header = [
        *("Person ID", "Case Ref", " Outcome", "Outcome Date", "Responsible YJS", "Offence type"),
        *("Seriousness (2)", "Court", "Age band", "Worker comments"),
    ]
    born = children.set_index("child_id")["birth_month"]
    paired = events.groupby(["episode_id", "date"])["stage"].transform(lambda s: "|".join(s)).str.split("|")
    rows, lost = [], []
    for event, together in zip(events.itertuples(), paired, strict=True):
        if any(event.stage in tiers and first in together for first, tiers in _PAIRS.items()):
            continue  # written with the stage it belongs to
        stages = (event.stage, *(t for t in _PAIRS.get(event.stage, ()) if t in together))
        label = harm.one(labels.STAGE[stages])
        if event.stage == "diversion" and harm.hit(0.2):
            label = labels.REPRIMAND
        away = event.area != AREA
        date = harm.date(event.date)
        if event.stage != "arrest" and harm.hit(0.01):
            date = harm.one(IMPOSSIBLE)
            lost += [] if away else [(event.episode_id, stage, event.date) for stage in stages]
        grave = harm.one([str(event.gravity), f"{event.gravity}.0", f"'{event.gravity}"])
        if harm.hit(0.01):
            grave = harm.one(_OUT_OF_RANGE)
        area = harm.one(labels.AREA[OUT_OF_AREA if away else AREA])
        row = [_person(harm, event.person), event.episode_id.upper(), label, date, area]
        row += [labels.GROUPS[event.offence_group], grave, harm.one(labels.COURT[event.court])]
        row += [_age_band(harm, event.date, born[event.child_id]), harm.one(("", "text", "=1+1"))]
        rows.append(row)
        if len(stages) > 1 and harm.hit(0.1, "decisions recorded for a second offence"):
            rows.append([*row[:5], "Public Order", "1", *row[7:]])
        if event.stage == "caution" and harm.hit(0.1):
            rows.append([*row[:2], labels.TESTING, *row[3:]])
        if event.stage == "charge" and harm.hit(0.1):
            rows.append([*row[:2], "Breach of Bail", *row[3:]])
    _count_damage(harm, rows)
    rows = _again(harm, rows, "outcomes exported twice")
    harm.done["totals rows"] += 1
    titles = [["Outcomes by case: run 01/10/2024", *[""] * 9], [""] * 10]
    return [*titles, header, *rows, ["Grand Total", "", str(len(rows)), *[""] * 7]], pd.DataFrame(
        lost, columns=["episode_id", "stage", "date"]
    )


def _count_damage(harm: _Damage, rows: list[list[str]]) -> None:
    """Count the rows of outcomes that are damaged in themselves, copies for a second offence among them."""
    dated = [row for row in rows if row[3] not in IMPOSSIBLE]
    labelled = Counter(row[2] for row in dated)
    harm.done |= Counter(
        {
            "impossible event dates": len(rows) - len(dated),
            "gravity out of range": sum(row[6] in _OUT_OF_RANGE for row in rows),
            "age bands turned into dates": sum(row[8] in _MANGLED for row in rows),
            "Outcome 23 sent as Reprimand": labelled[labels.REPRIMAND],
            "Youth Diversion Orders sent as DTTO": labelled[labels.TESTING],
            "outcomes that reach no stage": labelled["Breach of Bail"] + labelled[labels.TESTING],
        }
    )


def _age_band(harm: _Damage, date: str, born: str) -> str:
    months = (int(date[:4]) - int(born[:4])) * 12 + int(date[5:7]) - int(born[5:7])
    band = "10-14" if months < 180 else "15-17" if months < 216 else "18+"
    if band == "10-14" and harm.hit(0.7):
        return harm.one(_MANGLED)
    return band


def _offences(harm: _Damage, offences: pd.DataFrame) -> list[list[str]]:
    header = ["Person ID", "Offence ID", "Case Ref", "Offence Date", "Outcome Date[note 1]", "Legal Outcome"]
    header += ["Seriousness", "Offence type"]
    rows = []
    for i, offence in enumerate(offences.itertuples()):
        closed = harm.date(offence.outcome_date) if offence.outcome_date else harm.one(("", "NULL"))
        outcome = harm.one(labels.OUTCOME[offence.outcome])
        row = [
            _person(harm, offence.person),
            f"OF{i:05d}",
            offence.episode_id,
            harm.date(offence.offence_date),
        ]
        rows.append([*row, closed, outcome, str(offence.gravity), labels.GROUPS[offence.offence_group]])
    rows = _again(harm, rows, "offences exported twice")
    harm.done["totals rows"] += 1
    return [header, *rows, ["Total", str(len(rows)), *[""] * 6]]


def _again(harm: _Damage, rows: list[list[str]], kind: str) -> list[list[str]]:
    return [row for row in rows for _ in range(1 + harm.hit(0.02, kind))]


def _bytes(rows: list[list[str]], encoding: str, separator: str, line_end: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=line_end).writerows(rows)
    if encoding == "utf-16":  # as Windows writes it, whichever the machine's own order of bytes
        return b"\xff\xfe" + text.getvalue().encode("utf-16-le")
    return text.getvalue().encode(encoding)
