"""Which record of a child counts? One row a child from all of its records, by a stated rule."""

from __future__ import annotations

import pandas as pd

from .study_folder import Ledger
from .vocabulary import UNKNOWN, broad_groups

_UNKNOWN_CODES = tuple(code for code, group in broad_groups("2021").items() if group == UNKNOWN)

RULES = {
    "latest self-defined": "the latest self-defined known ethnicity; if none, the latest known one",
    "latest": "the latest known ethnicity, whoever said so",
    "first": "the first known ethnicity, whoever said so",
    "not known": "the latest known ethnicity; not known (NK) where known ones differ",
}
"""What each choice of ``ethnicity_changes`` means."""


_DEFAULTS = {
    "recorded": "",
    "sex": "unknown",
    "ethnicity_source": "unknown",
    "birth_date": "",
    "looked_after": "",
    "send": "",
    "area": "",
    "transferred_in": "",
    "transferred_out": "",
}
_TRANSFERS = ("transferred_in", "transferred_out")
_LATEST = ("sex", "birth_date", "looked_after", "send", "area", *_TRANSFERS)


def one_each(records: pd.DataFrame, rule: str, base: str, ledger: Ledger) -> pd.DataFrame:
    """Make one row of all records of each child.

    Parameters
    ----------
    records : DataFrame of str
        ``child_id, ethnicity`` and any of ``recorded`` (ISO day), ``ethnicity_source``, ``sex``,
        ``birth_date`` (month), ``looked_after``, ``send``, ``area``, ``transferred_in``,
        ``transferred_out``. Records without a day count as
        older than those with one; where two are equally old the later one in the file counts.
    rule : str
        One of `RULES`.
    base : str
        Census base, to say how many changes move a child to another broad group.
    ledger : Ledger
        Gets a line for each kind of difference between records of one child.

    Returns
    -------
    DataFrame
        ``child_id, sex, birth_month, ethnicity, ethnicity_source, looked_after, send, area``; unknown
        ethnicity has an unknown source.

    Examples
    --------
    >>> records = pd.DataFrame({"child_id": ["a", "a", "b"], "ethnicity": ["B1", "M1", "NS"],
    ...     "recorded": ["2022-01-05", "2023-06-01", ""], "ethnicity_source": ["self", "officer", "self"]})
    >>> ledger = Ledger()
    >>> one_each(records, "latest self-defined", "2021", ledger)[["child_id", "ethnicity", "ethnicity_source"]]
      child_id ethnicity ethnicity_source
    0        a        B1             self
    1        b        NS          unknown
    """
    transfers = [c for c in _TRANSFERS if c in records]
    records = records.assign(**{k: v for k, v in _DEFAULTS.items() if k not in records})
    records = records.fillna(_DEFAULTS)
    records = records.assign(known=~records["ethnicity"].isin(_UNKNOWN_CODES), order=range(len(records)))
    records = records.sort_values(["child_id", "recorded", "order"], kind="stable", ignore_index=True)
    children = records[["child_id"]].drop_duplicates(ignore_index=True)
    several = int(records["child_id"].duplicated(keep=False).groupby(records["child_id"]).any().sum())
    if several:
        what = (
            f"{len(records):,} records are {len(children):,} children; {several:,} have more than one record"
        )
        ledger.add(
            "children", what, "a child counts once", removed=len(records) - len(children), left=len(children)
        )
    _tell_changes(records, rule, base, len(children), ledger)

    chosen = children.merge(_ethnicity(records, rule), on="child_id")
    for column in _LATEST:
        chosen[column] = _latest(records, column, children["child_id"], ledger)
    source = chosen["ethnicity_source"].where(~chosen["ethnicity"].isin(_UNKNOWN_CODES), "unknown")
    by_source = source[source != "unknown"].value_counts()
    if set(by_source.index) - {"self"}:
        what = "known ethnicity by who said so: " + ", ".join(f"{k} {v:,}" for k, v in by_source.items())
        why = "one count takes one of them: self-defined, unless study.toml names another"
        ledger.add("children", what, why, left=int(by_source.sum()))
    chosen = chosen.assign(ethnicity_source=source).rename(columns={"birth_date": "birth_month"})
    names = [
        "child_id",
        "sex",
        "birth_month",
        "ethnicity",
        "ethnicity_source",
        "looked_after",
        "send",
        "area",
        *transfers,
    ]
    return chosen[names]


def _latest(records: pd.DataFrame, column: str, children: pd.Series, ledger: Ledger) -> pd.Series:
    """Take the latest that is recorded of one column, for each child."""
    said = records[records[column] != _DEFAULTS[column]]
    differ = int(said.groupby("child_id")[column].nunique().gt(1).sum())
    if differ:
        what = f"{differ:,} children with different values of {column} in their records"
        ledger.add("children", what, "the latest that is recorded is kept", left=len(children))
    return looked_up(children, said.groupby("child_id")[column].last(), _DEFAULTS[column])


def looked_up(keys: pd.Series, values: pd.Series, nothing: str = "") -> pd.Series:
    """Look each key up in a series by its index; an absent one gives ``nothing``.

    Examples
    --------
    >>> looked_up(pd.Series(["a", "z"]), pd.Series({"a": "yes"}), "no").tolist()
    ['yes', 'no']
    """
    known = values.to_dict()
    return pd.Series([known.get(key, nothing) for key in keys], index=keys.index, dtype=str)


def _tell_changes(records: pd.DataFrame, rule: str, base: str, children: int, ledger: Ledger) -> None:
    known = records[records["known"]]
    groups = known.assign(group=known["ethnicity"].map(broad_groups(base))).groupby("child_id")
    differ = groups["ethnicity"].nunique().gt(1)
    if differ.any():
        broad = int(groups["group"].nunique().gt(1).sum())
        what = (
            f"{int(differ.sum()):,} children have different known ethnicities in their records, {broad:,} of them "
            f"in different broad groups ({base} base)"
        )
        order = (
            ""
            if records["recorded"].ne("").any()
            else "; records have no day, so the later row is the latest"
        )
        why = f"{RULES[rule]} (ethnicity_changes is {rule!r}){order}"
        ledger.add("children", what, why, left=children)


def _ethnicity(records: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Choose the ethnicity of each child, and who said so, with it."""
    if rule == "first":
        ranked = records.iloc[::-1].sort_values(["child_id", "known"], kind="stable")
    elif rule == "latest self-defined":
        own = records["known"] & records["ethnicity_source"].eq("self")
        ranked = records.assign(own=own).sort_values(["child_id", "own", "known"], kind="stable")
    else:
        ranked = records.sort_values(["child_id", "known"], kind="stable")
    chosen = ranked.drop_duplicates("child_id", keep="last")[["child_id", "ethnicity", "ethnicity_source"]]
    if rule == "not known":
        differ = records[records["known"]].groupby("child_id")["ethnicity"].nunique().gt(1)
        unclear = chosen["child_id"].map(differ).eq(True)
        chosen = chosen.assign(ethnicity=chosen["ethnicity"].mask(unclear, "NK"))
    return chosen
