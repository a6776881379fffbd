"""Areas in a funnel, and years under the line that pools them: drawn and described from printed numbers alone."""

import re

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import cross_borough, disclosure, measures, series_figures
from ysj_analysis.disclosure import DisclosureError
from ysj_analysis.vocabulary import MEASURE
from ysj_analysis.wording import Words

WORDS = Words()
COLUMNS = [*MEASURE[1:8], "events", "denominator", "note"]


def areas(hide=()):
    """Arrests in four areas; Black children in D too few to show."""
    lines = [
        (area, 2023, 5, "children", "arrest", "population", group, float(x), float(n), "")
        for group, events in (("Black", (300, 160, 90, 3)), ("White", (220, 150, 140, 160)))
        for area, x, n in zip("ABCD", events, (19_000, 18_000, 9_000, 4_000), strict=True)
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def years(window, events):
    lines = [
        ("A", year, window, "children", "arrest", "population", group, float(x), float(n * window), "")
        for group, n in (("Black", 3_800), ("White", 6_500))
        for year, x in zip((2021, 2022, 2023), events[group], strict=True)
    ]
    return disclosure.release(pd.DataFrame(lines, columns=COLUMNS)).measure(
        measures.relative_rates, reference="White"
    )


LONG = {"Black": (150, 160, 170), "White": (120, 125, 130)}
SHORT = {"Black": (50, 5, 60), "White": (40, 40, 45)}


def placed(table):
    return disclosure.release(table).measure(measures.rates).derive(cross_borough.against_all)


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_a_funnel_names_every_area_it_shows_and_states_its_numbers():
    found = placed(areas())
    shown = series_figures.funnel(found, name="funnel", title="Arrests", words=WORDS).data
    for row in found.table.to_dict("records"):
        stated = (
            "[c]"
            if np.isnan(row["estimate"])
            else f"{row['estimate']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        )
        assert f"{row['area']} {stated}" in shown["alt"]
    drawn = texts(shown["svg"])
    assert (drawn.count("A"), drawn.count("D")) == (2, 1)  # Black children in D are hidden: no point, no name


def test_only_areas_whose_interval_leaves_the_rate_of_all_out_are_called_above_or_below():
    found = placed(areas())
    alt = series_figures.funnel(found, name="funnel", title="Arrests", words=WORDS).data["alt"]
    rows = found.table[found.table["estimate"].notna()]
    outside = (rows["low"] > rows["target"]) | (rows["high"] < rows["target"])
    assert 0 < outside.sum() < len(rows)
    assert len(re.findall(r", (?:above|below)", alt)) == outside.sum()


def test_a_trend_states_single_and_pooled_years_and_marks_what_is_hidden():
    shown = series_figures.trend(
        years(3, LONG), years(1, SHORT), name="trend", title="Arrests", words=WORDS
    ).data
    # by hand: (150/11,400)/(120/19,500) = 2.138 and (60/3,800)/(45/6,500) = 2.281
    assert "2019-20 to 2021-22 2.14 (" in shown["alt"]
    assert "2023-24 2.28 (" in shown["alt"]
    assert "2022-23 [c]" in shown["alt"]
    assert "[c]" in texts(shown["svg"])


def test_the_same_numbers_give_the_same_drawing():
    one, two = (
        series_figures.trend(years(3, LONG), years(1, SHORT), name="t", title="T", words=WORDS) for _ in "ab"
    )
    assert one.data["svg"] == two.data["svg"]


def test_what_is_hidden_leaves_no_trace_in_the_drawing():
    """Two studies that differ only in a hidden count are drawn alike."""
    other = SHORT | {"Black": (50, 2, 60)}
    one, two = (
        series_figures.trend(years(3, LONG), years(1, s), name="t", title="T", words=WORDS)
        for s in (SHORT, other)
    )
    assert dict(one.data) == dict(two.data)


def test_nothing_to_draw_is_said():
    few = {"Black": (1, 2, 3), "White": (3, 2, 1)}
    said = series_figures.trend(years(3, few), years(1, few), name="t", title="Arrests", words=WORDS)
    assert "Arrests: nothing can be drawn" in said.html
    bare = areas().assign(events=2.0)
    assert (
        "nothing can be drawn" in series_figures.funnel(placed(bare), name="f", title="F", words=WORDS).html
    )


def test_only_released_tables_of_one_rule_are_drawn():
    with pytest.raises(TypeError, match=r"only a released table can be shown"):
        series_figures.funnel(areas(), name="f", title="F", words=WORDS)
    working = disclosure.working(areas()).measure(measures.relative_rates, reference="White")
    with pytest.raises(
        DisclosureError, match=r"2 tables printed by 2 rules .*Release them both by one policy"
    ):
        series_figures.trend(years(3, LONG), working, name="t", title="T", words=WORDS)
