"""What several tests ask of a rendered report: is every number of its prose in the tables beside it?"""

import html
import re

import hypothesis
import numpy as np
import pandas as pd
import pytest

hypothesis.settings.register_profile("kit", deadline=None)  # no test is about time; a loaded machine is slow
hypothesis.settings.load_profile("kit")

NOT_FIGURES = re.compile(
    r"\b20\d\d-\d\d(?:-\d\d)?\b|\b95%|years ending December 20\d\d to 20\d\d|\d+ periods|aged \d+ to \d+|"
    r"within \d+ (?:days|months)|first \d+ days|“[^”]*”|The rule, declared.*|per [\d,]+|seed \d+|"
    r"nearest \d|Census 20\d\d[^;.]*"
)
"""Periods, ages, times, rules, names of sources, and what an owner wrote: numbers that nobody computes."""
COUNTED = re.compile(
    r"\b(\d+) (?:other )?(?:relative rates?|rates?|comparisons?) (?:that can|are shown|has|have|,)"
)
"""How many comparisons a sentence is of."""
INTERVAL = re.compile(r"95% interval ([−\d.,]*\d)%? to ([−\d.,]*\d)")


def prose(folder):
    """The paragraphs between tables and charts, but for the methods."""
    page = next(folder.glob("index*.html")).read_text(encoding="utf-8")
    main = re.search(r"<main[^>]*>(.*)</main>", page, re.DOTALL)[1]
    main = re.sub(r"<(svg|table|figcaption|nav)\b.*?</\1>", "", main, flags=re.DOTALL)
    main = re.split(r'id="s-which-[a-z-]*rules', main)[0]
    said = re.findall(r"<p(?:\s[^>]*)?>(.*?)</p>", main, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", p)) for p in said if not p.startswith("Data:")]


def computed(folder):
    """For each CSV a row for each of its rows: its numbers, the shares they make, and both in percent; and its sums.

    Sums are of counts over areas and bands, since what is pooled over them is said of all of them together.
    """
    for path in sorted(folder.glob("tables/*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        n = table.apply(pd.to_numeric, errors="coerce").astype(float)
        if {"measure", "stage", "group", "events", "denominator"} <= set(table):
            by = [table[c] for c in ("measure", "stage", "group")]
            yield n[["events", "denominator"]].groupby(by).sum(min_count=1).to_numpy()
        pairs = [("events", "denominator"), ("reference_events", "reference_denominator")]
        with np.errstate(all="ignore"):
            n = n.assign(**{a + "/": n[a] / n[b] for a, b in pairs if {a, b} <= set(n)})
        yield np.hstack([n.to_numpy(), 100 * n.to_numpy()])


def near(written):
    """A written number without its sign, and how far what it is written of may be from it."""
    plain = written.strip("%+−").replace(",", "")
    return float(plain), 0.501 * 10.0 ** -len(plain.partition(".")[2])


@pytest.fixture(scope="session")
def prose_audit():
    """Look up every number of a report's prose in its CSVs: both ends of an interval in one row, others in any."""

    def audit(folder):
        rows = [np.abs(m) for m in computed(folder)]
        every = np.concatenate([m.ravel() for m in rows]) if rows else np.array([])
        intervals, figures, wrong = 0, 0, []
        most = max((len(m) for m in rows), default=0)
        for text in prose(folder):
            wrong += [f"{n}: {text}" for n in COUNTED.findall(text) if int(n) > most]
            text = COUNTED.sub(" ", text)
            for ends in INTERVAL.findall(text):
                (low, a), (high, b) = (near(end) for end in ends)
                both = [((np.abs(m - low) < a).any(1) & (np.abs(m - high) < b).any(1)).any() for m in rows]
                wrong += [] if any(both) else [f"{ends}: {text}"]
                intervals += 1
            for written in re.findall(r"(?<![\w.])[−+]?\d[\d,]*(?:\.\d+)?", NOT_FIGURES.sub(" ", text)):
                value, reach = near(written.rstrip(","))
                wrong += [] if (np.abs(every - value) < reach).any() else [f"{written}: {text}"]
                figures += 1
        return intervals, figures, wrong

    return audit
