"""What was each label in a study's files read as? The mapping as data, kept with the study.

A conversion writes `labels.csv` beside the tables it makes: every label that could be read, from which code
list, as what. It is the whole list and not the labels that occurred, so it tells nothing of any child, and a
report prints the labels of ethnicity among its methods. A source without ethnic groups keeps what it read its
ages, areas and marks as.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from .code_lists import SCHEMES, group_column, lines
from .reading import NotHeld, read
from .vocabulary import ETHNICITIES, broad_groups

FILE = "labels.csv"
COLUMNS = ("field", "code_list", "label", "meaning")
"""The columns of `labels.csv`: ``meaning`` is a detailed code, or a broad group; of `AGE`, `AREA`, `MARK` a word."""

SELF_DEFINED, OFFICER_DEFINED = "self-defined ethnicity", "officer-defined ethnicity"
AS_PUBLISHED = "ethnic group as published"
RECORDED, WHO_SAID_IT = "recorded ethnicity", "who said it"
"""Fields: whose word the labels are, as far as the source says."""

AGE, AREA, MARK = "age", "area", "written in place of a number"
"""Fields that are not of ethnicity."""

LONGEST = 80
"""Characters of a label that are printed; what is longer is cut, with a mark."""

_NAMES = {e.code: e.label for e in ETHNICITIES}


def of_list(scheme: str, *, base: str, field: str) -> pd.DataFrame:
    """Give every label of a code list of the kit, with its meaning on a census base.

    Parameters
    ----------
    scheme : str
        One of ``code_lists.SCHEMES``.
    base : {"2001", "2011", "2021"}
        Census base of the broad groups, for a list that has no detailed ones.
    field : str
        Whose word the labels are.

    Returns
    -------
    DataFrame
        `COLUMNS`, a row a label, in the order of the list.

    Examples
    --------
    >>> of_list("police-officer", base="2021", field="officer-defined ethnicity").head(2)
                           field       code_list  label meaning
    0  officer-defined ethnicity  police-officer  Asian   Asian
    1  officer-defined ethnicity  police-officer  Black   Black
    """
    column = "code" if SCHEMES[scheme].detail == "detailed" else group_column(base)
    table = lines(scheme)
    return _table(field, scheme, zip(table["label"], table[column], strict=True))


def of_pairs(meanings: Mapping[str, str], *, code_list: str, field: str) -> pd.DataFrame:
    """Give the labels of a mapping that is not a code list of the kit.

    Parameters
    ----------
    meanings : mapping of str to str
        Label to detailed code or broad group.
    code_list : str
        What to call the list, as ``mapping.toml``.
    field : str
        Whose word the labels are.

    Returns
    -------
    DataFrame
        `COLUMNS`, a row a label.

    Examples
    --------
    >>> of_pairs({"Blk Carib": "B1"}, code_list="mapping.toml", field="recorded ethnicity").iloc[0].to_list()
    ['recorded ethnicity', 'mapping.toml', 'Blk Carib', 'B1']
    """
    return _table(field, code_list, meanings.items())


def _table(field: str, code_list: str, pairs) -> pd.DataFrame:
    rows = [(field, code_list, label, meaning) for label, meaning in pairs]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=str)


def of_folder(folder: Path) -> pd.DataFrame | None:
    """Read the mapping kept in a study folder; None where a study was not converted from labels."""
    path = folder / FILE
    return read(path, empty=True).reset_index(drop=True).reindex(columns=COLUMNS) if path.is_file() else None


def read_as(study) -> pd.DataFrame:
    """Lay out, for the methods section of a report, what each label was read as.

    Parameters
    ----------
    study : load.Study
        Its ``labels`` of ethnicity and its ``base`` are used.

    Returns
    -------
    DataFrame
        ``field, label, code, detailed_group, group, code_list``, all text: ``code`` and ``detailed_group``
        are empty for a label of a broad group. No row is counted.

    Raises
    ------
    NotHeld
        If the study keeps no mapping: its tables were made with the codes of the kit, or elsewhere.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> labels = of_pairs({"Chinese": "A4", "White": "White"}, code_list="own", field="self-defined ethnicity")
    >>> read_as(SimpleNamespace(labels=labels, base="2001"))[["label", "code", "detailed_group", "group"]]
         label code detailed_group  group
    0  Chinese   A4        Chinese  Other
    1    White                      White
    """
    labels = pd.DataFrame(columns=COLUMNS, dtype=str) if study.labels is None else study.labels
    labels = labels[~labels["field"].isin([AGE, AREA, MARK])].reset_index(drop=True)
    if labels.empty:
        raise NotHeld(
            "This study keeps no mapping of labels: its tables hold the codes of the kit, or groups as the source "
            "names them. A study made by ysj convert keeps one."
        )
    meaning = labels["meaning"]
    coded = meaning.isin(_NAMES)
    group = meaning.map(broad_groups(study.base)) if study.base != "own" else meaning.map(_NAMES)
    return pd.DataFrame(
        {
            "field": labels["field"],
            "label": labels["label"].map(
                lambda text: text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
            ),
            "code": meaning.where(coded, ""),
            "detailed_group": meaning.map(_NAMES).where(coded, ""),
            "group": group.where(coded, meaning),
            "code_list": labels["code_list"],
        }
    )
