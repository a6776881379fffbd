"""Which column of an export is which field? By the words of its header and by what its values look like.

No value is ever returned but labels of coded columns, and of these only what is safe to show: see `shown_labels`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from .case_fields import OBSOLETE_OUTCOMES, plain
from .case_files import tidy
from .case_values import ages, dates, gravity
from .draft_labels import meaning

FORMS = (
    *("DD/MM/YYYY", "MM/DD/YYYY", "YYYY-MM-DD", "DD-MMM-YYYY", "DD-MMM-YY", "DD MMM YYYY", "DD.MM.YYYY"),
    *("DD/MM/YY", "YYYY/MM/DD", "DD-MM-YYYY", "EXCEL"),
)
MARKS = ("null", "n/a", "na", "-", "nan", "#n/a", "(blank)")
RARE, MOST_LABELS, LONGEST = 3, 60, 80
ENOUGH, MOST = 0.6, 0.9

_PRIVATE = re.compile(
    r"\b(name|surname|forename|alias|first|last|middle|address|postcode|post code|street|e-?mail|phone|telephone|tel|"
    r"mobile|notes?|comments?|remarks?|narrative|description|details|text|by|worker|officer|manager|author|user|"
    r"solicitor|victim|parent|carer|mother|father|school|gp|nhs|upn|pnc|crn|nino|passport|key ?worker|contact)\b"
)
_ID = r"\b(id|ids|no|number|ref|reference|urn|identifier|code|num)\b"
_HEADERS: Mapping[str, str] = {
    "birth_date": r"\bdob\b|birth",
    "transferred_in": r"transfer\w* in\b|transfer.*\bfrom\b",
    "transferred_out": r"transfer\w* out\b|transfer.*\bto\b",
    "recorded": r"(ethnic|record|updat|modif).*\b(on|date|when)\b|date (recorded|updated|modified)",
    "ethnicity_source": r"ethnic.*(defin|source|by)|(source|basis) of ethnic",
    "ethnicity": r"ethnic",
    "offence_id": rf"offen[cs]e.*{_ID}",
    "offence_date": r"offen[cs]e.*date|date.*offen[cs]e|committed",
    "offence_group": r"offen[cs]e.*(type|group|categ|class)|(type|group|category) of offen[cs]e",
    "outcome_date": r"(outcome|disposal|decision|sentence|result).*date|date.*(outcome|disposal|decision|sentence)",
    "child_id": rf"(person|child|client|young|\byp|service user|subject|individual).*{_ID}|^id$|\bypid\b",
    "episode_id": rf"(case|episode|arrest|custody|incident|occurrence|intervention|programme).*{_ID}",
    "sex": r"\b(sex|gender)\b",
    "looked_after": r"looked after|\b(lac|cla|cwlac)\b|in care|care status",
    "send": r"\b(sen|send|ehcp?|aln)\b|special educational",
    "area": r"authority|\b(yot|yjs|yos|borough|area|lad?)\b",
    "gravity": r"gravity|seriousness",
    "age": r"\bage\b",
    "stage": r"outcome|disposal|decision|stage|result",
}
_DATES = (
    "birth_date",
    "transferred_in",
    "transferred_out",
    "recorded",
    "offence_date",
    "outcome_date",
    "date",
)


@dataclass(frozen=True)
class Guess:
    """What a column seems to be.

    Attributes
    ----------
    header : str
        Tidied.
    field : str
        A field of ``FIELDS``, ``date`` for an event's or an unknown date; empty when nothing fits.
    sure : str
        ``sure`` (header and values agree), ``likely`` (one of them), ``unsure`` (they disagree).
    why : str
        In words, without any value.
    forms : tuple of str
        Ways its dates are written.
    """

    header: str
    field: str
    sure: str
    why: str
    forms: tuple[str, ...] = ()


def guess(header: str, values: pd.Series) -> Guess:
    """Say what a column seems to be.

    Parameters
    ----------
    header : str
        As in the file.
    values : Series of str
        Its cells.

    Returns
    -------
    Guess
        Without any value of the column in it.

    Examples
    --------
    >>> found = guess("Gender ", pd.Series(["Male", "F", "Male"]))
    >>> found.field, found.sure, found.why
    ('sex', 'sure', 'by its header, and 100% of 3 values fit')
    >>> guess("Forename", pd.Series(["Male", "F", "Male"])).field
    ''
    """
    name = tidy(header)
    words = plain(name).replace("_", " ")
    filled = values[~values.map(plain).isin({*MARKS, ""})]
    if filled.empty:
        return Guess(name, "", "unsure", "it is empty")
    by_header = next((f for f, pattern in _HEADERS.items() if re.search(pattern, words)), "")
    private = bool(_PRIVATE.search(words))
    if private and by_header not in ("ethnicity_source", "child_id"):
        return Guess(name, "", "unsure", "it may hold names or free text")
    share, forms = _written(filled)
    if by_header in _DATES or (share >= MOST and not by_header):
        kind = by_header if by_header in _DATES else "date"
        why = f"{share:.0%} of {len(filled):,} values are dates"
        if by_header:
            return Guess(
                name, kind, "sure" if share >= ENOUGH else "unsure", f"by its header, and {why}", forms
            )
        return Guess(name, kind, "likely" if "date" in words else "unsure", why, forms)
    if by_header.endswith("_id"):
        return Guess(name, by_header, "likely", "by its header; ids are not looked at")
    fit = {field: _fit(field, filled) for field in ("ethnicity", "stage", "sex", "offence_group")}
    if by_header and by_header not in fit:
        fit[by_header] = _fit(by_header, filled)
    by_value = max(fit, key=lambda f: fit[f])
    said = f"{fit[by_header or by_value]:.0%} of {len(filled):,} values fit"
    if by_header == "area":
        return Guess(name, "area", "likely", "by its header; names of places cannot be checked")
    if by_header and fit[by_header] >= ENOUGH:
        return Guess(name, by_header, "sure", f"by its header, and {said}")
    if not private and fit[by_value] >= MOST and filled.nunique() > 1:
        said = f"{fit[by_value]:.0%} of {len(filled):,} values fit"
        return Guess(name, by_value, "likely", f"by its values alone: {said}")
    if by_header:
        return Guess(name, by_header, "unsure", f"its header fits, but only {said}")
    return Guess(name, "", "unsure", "neither its header nor its values are known")


def _fit(field: str, values: pd.Series) -> float:
    """Return the share of values that look like a field."""
    if field == "gravity":
        scores, beyond, _ = gravity(values)
        return float((scores.ne("") | beyond).mean())
    if field == "age":
        return float(ages(values)[0].ne("").mean())
    known = {v for v in values.unique() if len(v) < 500 and _known(field, v)}
    return float(values.isin(known).mean())


def _known(field: str, label: str) -> bool:
    return meaning(field, label) is not None or (
        field in ("stage", "outcome") and plain(label) in OBSOLETE_OUTCOMES
    )


def _written(values: pd.Series) -> tuple[float, tuple[str, ...]]:
    """Say which share of values are dates, and in which forms; of two that fit, the likelier stays."""
    latest = date(2200, 1, 1)
    sample = values[values.str.len() < 40].drop_duplicates().head(2_000)
    read = {form: _is_date(sample, form, latest) for form in FORMS}
    forms = [form for form in FORMS if read[form].any()]
    day_first, month_first = (int(read[f].sum()) for f in FORMS[:2])
    forms = [f for f in forms if f != ("DD/MM/YYYY" if month_first > day_first else "MM/DD/YYYY")]
    rest, kept = pd.Series(True, index=sample.index), []
    for form in sorted(forms, key=lambda f: -int(read[f].sum())):
        if (read[form] & rest).any():
            kept.append(form)
            rest &= ~read[form]
    return (float((~rest).sum() / len(sample)) if len(sample) else 0.0), tuple(kept)


def _is_date(sample: pd.Series, form: str, latest: date) -> pd.Series:
    days, impossible, _ = dates(sample, [form], latest)
    return days.ne("") & ~impossible


def shown_labels(field: str, values: pd.Series) -> tuple[list[str], int, int]:
    """List the labels of a coded column that may be shown: code-list labels, never what a person typed.

    A label is shown if the kit knows it; or if most rows of the column hold known labels (or, for areas,
    the column is short), and it is in at least three rows, short, and has nothing of an id, a date, an
    address or a postcode.

    Parameters
    ----------
    field : str
        The coded field.
    values : Series of str
        Its cells.

    Returns
    -------
    labels, kinds, rows
        Labels with the most frequent first; how many are not shown, and in how many rows those are.

    Examples
    --------
    >>> labels, kinds, rows = shown_labels("sex", pd.Series(["Male"] * 5 + ["ask Ms Smith"]))
    >>> labels, kinds, rows
    (['Male'], 1, 1)
    """
    text = values[~values.map(plain).isin({*MARKS, ""})]
    counts = (
        text.groupby(text.map(plain))
        .agg(["first", "size"])
        .sort_values("size", ascending=False, kind="stable")
    )
    known = {label for label in counts["first"] if len(label) <= 10 * LONGEST and _known(field, label)}
    share = text.isin(known).mean() if len(text) else 0.0
    open_list = len(counts) <= MOST_LABELS and (share >= 0.5 or field == "area")
    labels = [
        label
        for label, rows in zip(counts["first"], counts["size"], strict=True)
        if label in known or (open_list and rows >= RARE and _harmless(label))
    ]
    hidden = ~counts["first"].isin(labels)
    return labels, int(hidden.sum()), int(counts.loc[hidden, "size"].sum())


def _harmless(label: str) -> bool:
    """Whether a label has nothing of an id, a date, an address or a postcode in it."""
    doubtful = re.search(r"\d{4}|\d[/.]\d|@|\b[a-z]{1,2}\d[a-z\d]?\s*\d[a-z]{2}\b", label, re.IGNORECASE)
    return len(label) <= LONGEST and not doubtful
