"""Which lists of ethnic groups do files use? Every label of every list, and where its meaning is from.

The lists are data: `data/ethnicity_labels.csv` has a line for each label, with the detailed group it means
(or the broad group on each base, where a list has no detailed ones), its source and a note. What is from
memory says "(recalled)" there. `ethnicity` recodes by it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from .tables import near, shown
from .vocabulary import BASES

LABELS_FILE = Path(__file__).parent / "data" / "ethnicity_labels.csv"

_DASHES = str.maketrans("\N{EN DASH}\N{EM DASH}\N{NON-BREAKING HYPHEN}\N{MINUS SIGN}", "----")


@dataclass(frozen=True)
class Scheme:
    """One code list.

    Attributes
    ----------
    title : str
        What it is.
    who : {"self", "officer"}
        Who says so: the child (or the school, as the child or parent told it), or an officer who looks.
    detail : {"detailed", "broad"}
        Whether its labels are of detailed groups or of broad ones.
    """

    title: str
    who: str = "self"
    detail: str = "detailed"


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "kit": Scheme("the codes and labels of this kit"),
        "standard": Scheme("Ethnicity facts and figures: standard labels, and labels of the unknown"),
        "police-16+1": Scheme("police and courts, 16+1 (2001): codes and labels"),
        "police-18+1": Scheme("police and courts, 18+1 (2011): codes and labels"),
        "police.uk": Scheme("data.police.uk: self-defined ethnicity, labels of 2016 and of later years"),
        "census-2011": Scheme("Census 2011: 18 groups"),
        "census-2021": Scheme("Census 2021: 19 groups"),
        "nhs": Scheme("health service: letters A to Z and 99, and labels"),
        "dfe": Scheme("schools: pupil codes and labels, where Chinese is a main group of its own"),
        "broad-2001": Scheme("five groups as of 2001, Chinese with Other", detail="broad"),
        "broad-2021": Scheme("five groups as of 2011 and 2021, Chinese with Asian", detail="broad"),
        "dfe-broad": Scheme("schools: six groups, Chinese apart", detail="broad"),
        "police-ic": Scheme("police identity codes IC1 to IC9, as perceived", "officer", "broad"),
        "police-officer": Scheme("data.police.uk: officer-defined ethnicity", "officer", "broad"),
    }
)
"""The code lists, by id."""


# -- the file ----------------------------------------------------------------------------------------


@cache
def _lines() -> tuple[Mapping[str, str], ...]:
    with LABELS_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(MappingProxyType(line) for line in csv.DictReader(file))


def fold(label: object) -> str:
    """Bring a label to the form in which it is looked up: case, spacing and dashes evened out.

    Parameters
    ----------
    label : object
        As it is written.

    Returns
    -------
    str
        Empty for a label of spaces.

    Examples
    --------
    >>> fold("  White \N{EN DASH} british ")
    'white - british'
    """
    return " ".join(str(label).translate(_DASHES).casefold().split())


def schemes() -> pd.DataFrame:
    """List the code lists.

    Returns
    -------
    DataFrame
        ``scheme, title, who, detail, labels``, and ``recalled``, how many of its labels are from memory
        and wait to be checked.

    Examples
    --------
    >>> schemes().query("who == 'officer'")[["scheme", "detail", "labels"]].reset_index(drop=True)
               scheme detail  labels
    0       police-ic  broad      10
    1  police-officer  broad       7
    """
    lines = pd.DataFrame(_lines())
    recalled = lines["source"].str.contains("(recalled)", regex=False)
    table = pd.DataFrame(
        [(name, s.title, s.who, s.detail) for name, s in SCHEMES.items()],
        columns=["scheme", "title", "who", "detail"],
    )
    counts = recalled.groupby(lines["scheme"]).agg(labels="size", recalled="sum")
    return table.join(counts, on="scheme")


def lines(scheme: str) -> pd.DataFrame:
    """Give the lines of one code list, as they are in the file.

    Parameters
    ----------
    scheme : str
        One of `SCHEMES`.

    Returns
    -------
    DataFrame
        ``label, code, group_2001, group_2021, source, note``: a code in detailed lists, groups in others.

    Examples
    --------
    >>> lines("police-ic").loc[4, ["label", "group_2001", "group_2021"]].to_list()
    ['IC5', 'Other', 'Asian']
    """
    named(scheme, SCHEMES)
    table = pd.DataFrame(_lines())
    return table[table["scheme"] == scheme].drop(columns="scheme").reset_index(drop=True)


def labels(scheme: str) -> dict[str, str]:
    """Map the labels of a detailed code list, as they are written, to detailed codes.

    Parameters
    ----------
    scheme : str
        A code list of detailed groups.

    Returns
    -------
    dict of str to str
        Label to code, in the order of the file.

    Examples
    --------
    >>> labels("census-2021")["White: Roma"]
    'W4'
    """
    named(scheme, [s for s in SCHEMES if SCHEMES[s].detail == "detailed"])
    return {line["label"]: line["code"] for line in _lines() if line["scheme"] == scheme}


def recognised(values: Iterable) -> pd.DataFrame:
    """Ask of every code list how many of the values it knows, for a person to choose one.

    Parameters
    ----------
    values : Series or sequence
        Labels as they are in a file.

    Returns
    -------
    DataFrame
        ``scheme, who, detail, labels`` (distinct labels it knows), ``of`` (distinct labels), ``values``
        (how many values those are) and ``share``, the best first. Nothing is decided here: a list that
        knows all labels may still be the wrong one.

    Examples
    --------
    >>> recognised(["WBRI", "WROM", "CHNE", "REFU"]).head(1)[["scheme", "labels", "of", "share"]]
      scheme  labels  of  share
    0    dfe       4   4    1.0
    """
    counts = pd.Series(values, dtype=object).value_counts(dropna=True)
    counts = counts.groupby([fold(text(label)) for label in counts.index]).sum().drop("", errors="ignore")
    rows = []
    for name, scheme in SCHEMES.items():
        known = counts[
            counts.index.isin({fold(line["label"]) for line in _lines() if line["scheme"] == name})
        ]
        rows.append((name, scheme.who, scheme.detail, len(known), len(counts), int(known.sum())))
    table = pd.DataFrame(rows, columns=["scheme", "who", "detail", "labels", "of", "values"])
    table["share"] = table["values"] / max(int(counts.sum()), 1)
    return table.sort_values("share", ascending=False, kind="stable").reset_index(drop=True)


# -- for ethnicity -----------------------------------------------------------------------------------


def named(scheme: str, choices: Iterable[str]) -> None:
    """Refuse a code list that is not one of some, saying which it may have been.

    Parameters
    ----------
    scheme : str
        What was asked for.
    choices : iterable of str
        What could have been.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    choices = list(choices)
    if scheme not in choices:
        raise ValueError(f"scheme {scheme!r} is not one of {', '.join(choices)}.{near(scheme, choices)}")


def group_column(base: str) -> str:
    """Name the column of the file that holds the broad groups of a base.

    Parameters
    ----------
    base : {"2001", "2011", "2021"}
        The census base.

    Returns
    -------
    str
        A column of the file.

    Examples
    --------
    >>> group_column("2011")
    'group_2021'
    """
    if base not in BASES:
        raise ValueError(f"base {base!r} is not one of {', '.join(BASES)}.")
    return "group_2001" if base == "2001" else "group_2021"


def meanings_of(names: Sequence[str], column: str) -> dict[str, str]:
    """Collect what each label means in the code lists.

    Parameters
    ----------
    names : sequence of str
        The code lists.
    column : str
        ``code``, or that of the broad groups of a base.

    Returns
    -------
    dict of str to str
        Folded label to meaning.

    Raises
    ------
    ValueError
        If a list has no groups on that base, or a label means one thing in one list and another in another.

    Examples
    --------
    >>> meanings_of(["police-16+1", "police-18+1"], "code")["o1"]
    'A4'
    """
    known: dict[str, str] = {}
    for line in (line for line in _lines() if line["scheme"] in names):
        label, meaning = fold(line["label"]), line[column]
        if not meaning:
            raise ValueError(
                f"{names[0]!r} has its groups on another base than {column[-4:]}: Chinese children are in a sum there."
            )
        if known.setdefault(label, meaning) != meaning:
            raise ValueError(
                f"{shown(line['label'])} means {known[label]} in one of {', '.join(names)} and {meaning} in another. "
                "Name one of them."
            )
    return known


def text(value: object) -> str:
    """Write a value as a label.

    Parameters
    ----------
    value : object
        Text, a number, or a missing value.

    Returns
    -------
    str
        Empty for a missing value.

    Examples
    --------
    >>> text(99), text(None), text(float("nan"))
    ('99', '', '')
    """
    return "" if value is None or value is pd.NA or value != value else str(value)
