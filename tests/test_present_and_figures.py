"""What is shown comes from printed numbers, is accessible, and does no harm whatever its labels say."""

import csv as csvlib
import io
import json
import re
import tempfile
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ysj_analysis import decompose, disclosure, figures, load, measures, present, references, wording
from ysj_analysis.absent import Absent
from ysj_analysis.attack_drawings import shades
from ysj_analysis.vocabulary import MEASURE
from ysj_analysis.wording import Said, Words

WORDS = Words()
HOSTILE = ["<script>alert(1)</script>", "=HYPERLINK(1)", "\u202eevitageN $x_1$ \x00\u6f22", "x" * 1000]


def rows(groups=("Asian", "Black", "Mixed", "White", "Unknown")):
    """Arrests of the population and charges of the arrested; Mixed too few to show, Unknown without a base."""
    events = {"arrest": (40, 300, 4, 220, 12), "charge": (10, 110, 2, 62, 5)}
    base = {"arrest": (7096, 18962, 10938, 32751, np.nan), "charge": (40, 300, 4, 220, 12)}
    lines = []
    for stage, before in (("arrest", "population"), ("charge", "arrest")):
        for group, x, n in zip(groups, events[stage], base[stage], strict=True):
            lines.append(("Islington", 2023, 5, "children", stage, before, group, float(x), float(n), ""))
    return pd.DataFrame(lines, columns=[*MEASURE[1:8], "events", "denominator", "note"])


COLUMNS = {
    "Number": "events",
    "Out of": "denominator",
    "Rate": "rate_per_1000|proportion.estimate",
    "Relative rate": "rate_ratio|risk_ratio.estimate",
    "95% interval": "rate_ratio|risk_ratio.interval",
}


def shown(table=None, **settings):
    released = disclosure.release(rows() if table is None else table)
    several = [released.measure(measures.rates), released.measure(measures.relative_rates)]
    return present.table(several, name="stages", title="Stages", words=WORDS, columns=COLUMNS, **settings)


class Cells(HTMLParser):
    """The cells of a table, a list a row, and the attributes of its header cells."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.heads, self.ids, self.cell = [], [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.cell = ""
        if tag == "th":
            self.heads.append(given)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


@pytest.mark.parametrize(
    "show",
    [
        lambda t: present.table(t, name="a", title="A", words=WORDS),
        lambda t: present.methods(t),
        lambda t: figures.relative_rates(t, name="a", title="A", words=WORDS),
        lambda t: figures.matrix(t, name="a", title="A", words=WORDS),
        lambda t: figures.cascade(t, name="a", title="A", words=WORDS),
    ],
)
def test_nothing_but_a_released_table_is_shown(show):
    with pytest.raises(TypeError, match=r"only a released table can be shown, not DataFrame"):
        show(measures.relative_rates(rows().iloc[:5].drop(index=4)))


def test_a_number_is_never_typed():
    with pytest.raises(TypeError, match="a text with a number must come from a released table"):
        present.text("There were 3 remands.")
    assert "<p>Few were seen.</p>" in present.text("Few were seen.").html
    assert "<p>40 were.</p>" in present.text(Said("40 were.")).html
    assert "counts of 0 to 7 are shown as [c]" in present.text(disclosure.PUBLIC).html


def test_nothing_to_say_shows_nothing():
    assert "text/html" not in present.text()._repr_mimebundle_()


def test_the_page_says_what_the_rule_says():
    """4 and 2 are hidden; 12 prints 10; no population is known of children of unknown ethnicity."""
    cells = {tuple(r[:1]): r for r in Cells(shown().html).rows[2:7]}
    assert cells[("Black",)][1:3] == ["300", "18,960"]
    assert cells[("Mixed",)][1:] == ["[c]", "10,940", "[c]", "[c]", "[c]"]
    assert cells[("White",)][4:] == ["1.00", "reference"]
    assert cells[("Not known",)][1:4] == ["10", "[x]", "[x]"]
    assert "[c] confidential: too few children to show." in shown().html


def test_headers_have_a_scope_and_the_table_a_caption():
    page = Cells(shown().html)
    assert all(head.get("scope") in ("col", "row", "rowgroup") for head in page.heads)
    assert "<caption>Stages</caption>" in shown().html
    assert len(page.ids) == len(set(page.ids))


def test_every_printed_number_is_in_the_csv():
    data = shown().data
    lines = list(csvlib.DictReader(io.StringIO(data["csv"])))
    assert list(lines[0])[: len(MEASURE)] == list(MEASURE)
    mixed = [r for r in lines if r["group"] == "Mixed" and r["stage"] == "arrest"]
    assert {r["events"] for r in mixed} == {"[c]"}
    assert {r["estimate"] for r in mixed} == {"[c]"}
    white = next(r for r in lines if r["group"] == "White" and r["measure"] == "rate_ratio")
    assert (white["estimate"], white["low"], white["note"]) == ("1", "[z]", "reference")
    unknown = next(r for r in lines if r["group"] == "Unknown" and r["measure"] == "rate_per_1000")
    assert (unknown["events"], unknown["denominator"]) == ("10", "[x]")
    assert "nan" not in data["csv"].lower().replace("nance", "")


def test_the_description_names_every_column_and_mark():
    described = shown().data["csvw"]
    json.dumps(described)
    columns = [c["name"] for c in described["tableSchema"]["columns"]]
    assert columns == shown().data["csv"].splitlines()[0].split(",")
    assert {n["mark"] for n in described["notes"] if "mark" in n} == {"[c]", "[z]", "[x]"}
    assert described["url"] == "stages.csv"


def test_what_is_not_for_everyone_says_so():
    table = disclosure.working(rows()).measure(measures.rates)
    own = present.table(table, name="a", title="A", words=WORDS, columns={"Number": "events"})
    assert "<caption>Working figures, not for publication. A</caption>" in own.html
    board = disclosure.release(rows(), policy=disclosure.RESTRICTED).measure(measures.relative_rates)
    drawn = figures.matrix(board, name="a", title="A", words=WORDS)
    assert "OFFICIAL-SENSITIVE" in drawn.data["svg"]
    assert "<figcaption>A. Rates" in drawn.html, "the page is marked as a whole"
    told = present.data(board, name="a", title="A")
    assert told.data["title"] == "OFFICIAL-SENSITIVE: restricted edition. A"
    assert "<figcaption>A</figcaption>" in told.html


def test_several_tables_of_one_edition_are_handed_over_as_data_one_below_the_other():
    """What is absent is left out; nothing at all shows nothing."""
    given = disclosure.release(rows())
    both = present.data(given.measure(measures.rates), Absent("None."), given, name="a", title="A")
    assert both.data["csv"].count("\n") == 1 + 2 * len(rows())
    assert "nan" not in both.data["csv"]
    assert present.data(Absent("None."), name="a", title="A").html == ""
    with pytest.raises(disclosure.DisclosureError, match="2 rules"):
        present.data(given, disclosure.working(rows()), name="a", title="A")


def test_a_stage_at_which_nothing_is_compared_is_named_and_not_drawn():
    """Custody is hidden in every group: the forest has a line less and its caption says so, the alt keeps it."""
    both = disclosure.release(pd.concat([three(40, 40, 60), three(2, 3, 1).assign(stage="custody")]))
    drawn = figures.relative_rates(both.measure(measures.relative_rates), name="a", title="A", words=WORDS)
    assert "Nothing can be compared at custodial sentence." in drawn.html
    assert ">Custodial sentence<" not in drawn.data["svg"]
    assert "Custodial sentence [c]" in drawn.data["alt"]


def test_two_private_tables_that_print_the_same_show_the_same():
    other = rows().assign(
        events=lambda t: t["events"].replace({300.0: 302.0, 40.0: 42.0, 4.0: 7.0, 220.0: 218.0})
    )
    assert shown(other) == shown()
    ratio = [disclosure.release(t).measure(measures.relative_rates) for t in (rows(), other)]
    drawn = [figures.relative_rates(r, name="a", title="A", words=WORDS) for r in ratio]
    assert drawn[0] == drawn[1]


def hostile():
    return rows(groups=(*HOSTILE[:3], "White", HOSTILE[3]))


def test_hostile_labels_do_no_harm_in_tables():
    page = shown(hostile())
    assert "<script" not in page.html
    for line in csvlib.reader(io.StringIO(page.data["csv"])):
        assert not any(cell.startswith(("=", "+", "@")) for cell in line)


def test_hostile_labels_do_no_harm_in_charts():
    ratios = disclosure.release(hostile()).measure(measures.relative_rates)
    for chart in (figures.matrix, figures.relative_rates):
        drawn = chart(ratios, name="a", title='A "b" <c>', words=Words(own_groups=True))
        assert "<script" not in drawn.html
        assert not re.search("[\u202e\x00]", drawn.html)
        ET.fromstring(drawn.data["svg"])


def ratios():
    return disclosure.release(rows()).measure(measures.relative_rates)


def test_a_chart_says_its_printed_numbers():
    drawn = figures.relative_rates(ratios(), name="rates", title="Rates", words=WORDS)
    row = ratios().table.query("group == 'Black' and stage == 'arrest'").iloc[0]
    assert f"Arrest {row['estimate']:.2f} ({row['low']:.2f} to {row['high']:.2f})" in drawn.data["alt"]
    assert "Mixed: Arrest [c]; Charge [c]." in drawn.data["alt"]
    assert 'role="img"' in drawn.html
    assert "<figcaption>Rates. A point is a relative rate and its bar the 95% interval." in drawn.html


def test_no_point_is_drawn_for_what_is_hidden():
    """Mixed has no interval; each other comparison has one bar."""
    drawn = figures.relative_rates(ratios(), name="rates", title="Rates", words=WORDS)
    tree = ET.fromstring(drawn.data["svg"])
    texts = ["".join(t.itertext()) for t in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("[c]") == 2 + 0
    assert texts.count("Mixed") == 1


def test_a_bar_read_back_from_the_drawing_is_the_printed_interval():
    drawn = figures.relative_rates(ratios().where(group=["Black", "White"], stage="arrest"), name="one", title="One",
                                   words=WORDS)  # fmt: skip
    row = ratios().table.query("group == 'Black' and stage == 'arrest'").iloc[0]
    svg = drawn.data["svg"]
    bars = re.search(r'id="one-LineCollection_\d+">(.*?)</g>', svg, re.DOTALL)[1]
    x0, x1 = (float(v) for v in re.search(r"M ([\d.]+) [\d.]+ \nL ([\d.]+)", bars).groups())
    ticks = re.findall(r'id="one-xtick_\d+">.*?x="([\d.]+)".*?>([\d.]+)</text>', svg, re.DOTALL)
    (p0, v0), (p1, v1) = ((float(p), np.log(float(v))) for p, v in (ticks[0], ticks[-1]))
    read = [float(np.exp(v0 + (x - p0) * (v1 - v0) / (p1 - p0))) for x in (x0, x1)]
    assert read == pytest.approx([row["low"], row["high"]], rel=0.01)


def test_charts_are_the_same_bytes_every_time_and_share_no_id():
    first, again = (figures.cascade(steps(), name="cascade", title="C", words=WORDS) for _ in range(2))
    assert first == again
    other = figures.matrix(ratios(), name="matrix", title="M", words=WORDS)
    ids = [re.findall(r'\bid="([^"]+)"', shown.html) for shown in (first, other)]
    assert not set(ids[0]) & set(ids[1])
    assert all(len(i) == len(set(i)) for i in ids)


def steps():
    return ratios().derive(decompose.cascade, stages=WORDS.stages, to="charge")


def test_the_cascade_says_each_step_and_where_it_leads():
    drawn = figures.cascade(steps(), name="cascade", title="C", words=WORDS)
    last = steps().table.query("group == 'Black'").iloc[-1]
    assert f"Charge times {last['estimate']:.2f}, reaching {last['reached']:.2f}" in drawn.data["alt"]


def test_facts_carry_printed_rows_only():
    bundle = present.facts(counts=disclosure.release(rows()))._repr_mimebundle_()
    hidden = [r["events"] for r in bundle[present.FACTS]["counts"] if r["group"] == "Mixed"]
    assert hidden == ["[c]", "[c]"]


@pytest.mark.parametrize("value", [3, 2.5, rows(), {"counts": [1, 2]}])
def test_facts_are_words_or_released(value):
    with pytest.raises(TypeError, match="only a released table can be shown"):
        present.facts(counts=value)


def test_a_line_that_counts_nothing_is_not_called_hidden():
    ledger = pd.DataFrame({"what": ["a", "b"], "left": [3.0, np.nan], "note": ["", "no_number"]})
    released = disclosure.release(ledger, counts=("left",))
    assert [line["left"] for line in present.facts(ledger=released).data["ledger"]] == ["[c]", "[z]"]
    shown = present.table(released, name="ledger", title="Ledger", words=WORDS)
    assert shown.data["csv"] == "what,left,note\na,[c],\nb,[z],no_number\n"
    assert shown.data["hidden"] == 1


def test_page_and_csv_mark_the_same_cell_alike():
    """A rate has no reference; Unknown has no population; Mixed is hidden."""
    data = shown().data
    lines = list(csvlib.DictReader(io.StringIO(data["csv"])))
    for line in (r for r in lines if r["measure"] == "rate_per_1000"):
        assert {line[c] for c in ("reference_events", "reference_denominator", "p_value")} == {"[z]"}
    unknown = next(r for r in lines if r["group"] == "Unknown" and r["measure"] == "rate_ratio")
    assert (unknown["events"], unknown["denominator"], unknown["estimate"]) == ("10", "[x]", "[x]")
    assert data["hidden"] == 4  # Mixed arrested, charged, and out of how many; the unknown charged


def test_a_denominator_of_nobody_is_not_applicable():
    nobody = rows().assign(events=0.0, denominator=0.0).iloc[5:]
    board = disclosure.release(nobody, policy=disclosure.RESTRICTED).measure(measures.rates)
    table = present.table(board, name="a", title="A", words=WORDS,
                          columns={"Out of": "denominator", "Share": "proportion.estimate"})  # fmt: skip
    assert Cells(table.html).rows[1][1:] == ["0", "[z]"]


def test_two_rows_in_one_place_are_refused():
    both = pd.concat([rows(), rows()]).assign(sex=["F"] * 10 + ["M"] * 10)
    with pytest.raises(ValueError, match="two rows of rate_per_1000 would stand in one place: arrest, Asian"):
        present.table(disclosure.release(both).measure(measures.rates), name="a", title="A", words=WORDS,
                      columns=COLUMNS)  # fmt: skip


def test_a_table_without_rows_says_so():
    empty = disclosure.release(rows().iloc[:0])
    assert present.table(empty, name="a", title="Searches", words=WORDS).html == (
        '<div class="note"><p>Searches: there is nothing to show.</p></div>'
    )


def test_what_rounds_to_nothing_has_no_sign():
    even = rows().assign(
        events=[10, 300, 30, 220, 12] * 2, denominator=[1000, 30_000, 3001, 22_000, 1200] * 2
    )
    table = disclosure.release(even, policy=disclosure.RESTRICTED).measure(measures.parity_gap)
    page = present.table(
        table, name="a", title="A", words=WORDS, columns={"Gap": "events_above_parity.estimate"}
    )
    assert "\N{MINUS SIGN}0<" not in page.html
    assert ",-0," not in page.data["csv"]


@pytest.mark.parametrize(
    "label", ["-1+1", "=1+1", "\t=1+1", "\uff1d1+1", "+1+1", "@SUM(1)", "|cmd", " =1+1", "\u202e=1+1"]
)
def test_no_cell_of_a_csv_is_a_formula(label):
    table = disclosure.release(pd.DataFrame({label: ["a"], "group": [label], "events": [40]}))
    for line in csvlib.reader(
        io.StringIO(present.table(table, name="a", title="A", words=WORDS).data["csv"])
    ):
        assert not any(cell.lstrip()[:1] in tuple("=+-@|\uff1d") for cell in line)


def test_directions_of_writing_do_not_spill_into_the_sentence():
    hebrew = "\u05d9\u05d4\u05d5\u05d3\u05d9"
    assert Words(own_groups=True).people(hebrew) == f"\u2068{hebrew}\u2069 children"
    assert Words(own_groups=True).people("\u202eWhite\x00") == "White children"


@pytest.mark.parametrize("draw", [figures.relative_rates, figures.matrix, figures.cascade])
def test_where_nothing_can_be_drawn_a_sentence_says_so(draw):
    """A study of counts without a population has no first rate, and so no path."""
    nowhere = rows().assign(denominator=np.nan, note="no_denominator")
    table = disclosure.release(nowhere).measure(measures.relative_rates)
    if draw is figures.cascade:
        table = table.derive(decompose.cascade, stages=WORDS.stages, to="charge")
    if draw is figures.matrix:
        table = table.where(group="White")
    drawn = draw(table, name="a", title="Rates", words=WORDS)
    assert drawn.html.startswith(
        '<div class="note"><p>Rates: nothing can be drawn, because there are too few'
    )


def test_many_groups_are_set_in_rows():
    many = pd.concat(
        [rows().iloc[[1]].assign(group=f"Group {i}") for i in range(11)] + [rows().iloc[[3]]]
    ).reset_index(drop=True)
    table = disclosure.release(many).measure(measures.relative_rates)
    drawn = figures.relative_rates(table, name="a", title="A", words=Words(own_groups=True))
    assert drawn.html.count(">Group ") == 11
    figures.matrix(table, name="m", title="M", words=Words(own_groups=True))


def _ends(page):
    """The sets of markers that are drawn."""
    return len(re.findall(r'<g id="a-line2d_\d+">\s*<defs>', page))


def test_an_interval_without_upper_limit_ends_in_an_arrow():
    few = rows().iloc[[6, 8]].assign(events=[30.0, 0.0], denominator=[40.0, 60.0])
    board = disclosure.release(few, policy=disclosure.RESTRICTED).measure(measures.relative_rates)
    assert np.isinf(board.table.loc[0, "high"])
    drawn = figures.relative_rates(board, name="a", title="A", words=WORDS)
    assert "(at least " in drawn.data["alt"]
    assert _ends(drawn.html) == 2  # the tick and the arrow: a ratio without limit has no point


def test_a_clear_point_has_its_number_beside_it():
    clear = ratios().table.query("group == 'Black' and stage == 'arrest'").iloc[0]
    drawn = figures.relative_rates(ratios(), name="a", title="A", words=WORDS)
    assert f">{clear['estimate']:.2f}</text>" in drawn.html


def test_a_favourable_stage_says_that_it_is():
    table = rows().assign(stage=lambda t: t["stage"].replace("charge", "diversion"))
    released = disclosure.release(table).measure(measures.relative_rates)
    assert ">Diversion (favourable)<" in figures.matrix(released, name="a", title="A", words=WORDS).html


def test_a_period_that_all_rows_share_is_said_once_in_the_caption():
    columns = {
        "Number": "events",
        "Relative rate (95% interval)": "rate_ratio.with_interval",
        "Period": "period",
    }
    ratio = disclosure.release(rows().iloc[:4]).measure(measures.relative_rates)
    page = present.table(ratio, name="a", title="Arrest", words=WORDS, columns=columns)
    assert "<caption>Arrest, 2019-20 to 2023-24</caption>" in page.html
    cells = {r[0]: r[1:] for r in Cells(page.html).rows[1:]}
    assert cells["Mixed"] == ["[c]", "[c]"]
    assert cells["White"] == ["220", "1.00 (reference)"]
    assert re.fullmatch(r"2\.36 \(\d\.\d\d to \d\.\d\d\)", cells["Black"][1])
    apart = disclosure.release(rows().iloc[:4].assign(year=[2022, 2022, 2023, 2022]))
    several = present.table(apart, name="a", title="Arrest", words=WORDS, columns=columns)
    assert several.html.count("2019-20 to 2023-24</td>") == 1


def test_a_block_with_another_period_says_so():
    table = rows().iloc[[0, 1, 3, 5, 6, 8]].assign(year=[2023] * 3 + [2022] * 3)
    page = present.table(disclosure.release(table), name="a", title="Stages", words=WORDS,
                         columns={"Number": "events", "Period": "period"})  # fmt: skip
    assert "<caption>Stages, 2018-19 to 2022-23</caption>" in page.html
    assert [r for r in Cells(page.html).rows if len(r) == 1] == [["Arrest (2019-20 to 2023-24)"], ["Charge"]]


def test_methods_are_named_in_words_and_once():
    released = disclosure.release(rows())
    shown = present.methods(released.measure(measures.relative_rates), released.measure(measures.rates))
    lines = Cells(shown.html).rows[1:]
    assert [line[0] for line in lines] == [
        "Rate per 1,000",
        "Rate per 1,000",
        "Relative rate, of the population",
        "Relative rate, of the stage before",
        "Share of the stage before",
    ]
    assert lines[2][1] == "mid-P conditional, widened for rounding to 5"


def test_tables_of_two_editions_never_stand_in_one():
    both = [disclosure.release(rows()).measure(measures.rates),
            disclosure.release(rows(), policy=disclosure.RESTRICTED).measure(measures.relative_rates)]  # fmt: skip
    with pytest.raises(
        disclosure.DisclosureError, match=r"2 tables printed by 2 rules \(public, restricted\)"
    ):
        present.table(both, name="a", title="A", words=WORDS, columns=COLUMNS)


def test_what_unclear_findings_do_not_show_is_said_once():
    """Of two it closes both; of one it stays with it; a line given twice is said once."""
    one, two = Said(f"A. {wording.NO_EVIDENCE}"), Said(f"B. {wording.NO_EVIDENCE} Half of 1.")
    page = present.text(one, two, one).html
    assert page.count("evidence") == 1
    assert page.index("A.") < page.index("B. Half of 1.") < page.index("that is not evidence")
    assert page.count("<p>") == 3
    assert wording.NO_EVIDENCE in present.text(one).html


def three(*counts):
    """One stage and the counts of Asian, Black and White children out of 500, 1,000 and 1,500 child-years."""
    table = rows()
    table = table[(table["stage"] == "arrest") & table["group"].isin(["Asian", "Black", "White"])]
    return table.assign(events=[float(c) for c in counts], denominator=[500.0, 1000.0, 1500.0])


def test_a_block_of_which_nothing_can_be_shown_is_named_and_stays_in_the_csv():
    """Of two stages one is hidden in every group: it has a line under the table, and rows in the CSV."""
    both = pd.concat([three(40, 40, 60), three(2, 3, 1).assign(stage="custody")])
    page = present.table(
        disclosure.release(both), name="t", title="T", words=WORDS,
        columns={"Number": "events", "Out of": "denominator"},
    )  # fmt: skip
    assert "Not laid out, because every number is [c]: custodial sentence." in page.html
    assert page.html.count('<th scope="row">') == 3
    assert page.data["csv"].count("custody") == 3


def test_shares_of_what_is_shown_leave_the_hidden_group_its_row_and_its_mark():
    """Of 40 and 60 shown the shares are 40% and 60%, of the base too, whatever the third is: its mark, no share."""
    given = disclosure.release(three(3, 40, 60))
    shares = given.derive(references.shown).measure(measures.representation)
    page = present.table(
        [given.measure(measures.relative_rates), shares], name="t", title="T", words=WORDS,
        columns={"Share": "representation_index.share", "Index": "representation_index.estimate"},
    )  # fmt: skip
    assert Cells(page.html).rows[1:] == [
        ["Asian", "[c]", "[c]"],
        ["Black", "40.0%", "1.00"],
        ["White", "60.0%", "1.00"],
    ]
    assert given.derive(references.shown).where(group="White").derive(references.shown).table.empty


def test_a_report_says_what_made_it_what_was_corrected_and_who_answers_for_it(tmp_path):
    rows = "".join(f"A,2023,arrest,{g},20,200\n" for g in ("Asian", "Black", "Mixed", "Other", "White"))
    (tmp_path / "counts.csv").write_text(
        f"area,year,stage,group,events,denominator\n{rows}", encoding="utf-8"
    )
    bare = present.provenance(load.study(tmp_path)).html
    assert "Made by ysj_analysis" in bare
    assert "Corrections: none is recorded." in bare
    assert "who was commissioner, analyst, assurer and approver is not recorded." in bare
    (tmp_path / "study.toml").write_text(
        '[[sources]]\nname = "Export"\ndate = 2024-04-02\nnote = "One <service>."\n'
        '[[corrections]]\ndate = 2024-06-01\nwhat = "Arrests of 2022 were counted twice"\n'
        '[[assurance]]\nrole = "analyst"\nname = "A. Lead"\ndate = 2024-05-01\n'
        '[[assurance]]\nrole = "approver"\nname = "Board"\n',
        encoding="utf-8",
    )
    said = present.provenance(load.study(tmp_path)).html
    assert "Source: Export, 2024-04-02. One &lt;service&gt;." in said
    assert "Corrected: Arrests of 2022 were counted twice, 2024-06-01." in said
    assert "Analyst: A. Lead, 2024-05-01" in said
    assert "who was commissioner and assurer is not recorded." in said


@pytest.mark.parametrize(
    "lines", ['[[corrections]]\nwhat = "undated"\n', '[[assurance]]\nrole = "boss"\nname = "B"\n']
)
def test_a_log_that_lacks_a_date_or_names_another_role_is_refused(tmp_path, lines):
    (tmp_path / "counts.csv").write_text("area,year,stage,group,events\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(lines, encoding="utf-8")
    with pytest.raises(load.DataError, match=r"study\.toml: (corrections|assurance) is .* it must be a list"):
        load.study(tmp_path)


def shades_of(drawn):
    """Read the coloured cells of a chart as the intruder does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chart.svg"
        path.write_text(drawn.data["svg"], encoding="utf-8")
        return shades(path)


def test_the_matrix_is_red_where_it_is_worse_for_the_group():
    """Above parity is red at arrest, blue-green at diversion; a caution, neither better nor worse, has no colour."""
    rows = [
        {"area": "A", "year": 2023, "years": 1, "unit": "children", "stage": stage, "base": "arrest", "group": group,
         "events": float(x), "denominator": 200.0, "note": ""}
        for stage in ("charge", "diversion", "caution")
        for group, x in (("Black", 100), ("Mixed", 90), ("White", 50))
    ]  # fmt: skip
    released = disclosure.release(pd.DataFrame(rows)).measure(measures.relative_rates)
    drawn = figures.matrix(released, name="a", title="A", words=WORDS)
    cells = {c.row: c.colour for c in shades_of(drawn)}
    (red, _, blue), (other_red, _, other_blue) = cells["Charge"], cells["Diversion (favourable)"]
    assert red > blue + 20
    assert other_red < other_blue
    assert "Youth caution" not in cells
    assert "(favourable), which is good for a child to reach, that is below 1" in drawn.html
    assert "neither good nor bad to reach has no colour" in drawn.html
    brief = figures.matrix(released, name="a", title="A", words=WORDS, brief=True)
    assert ">Youth caution<" not in brief.html
    assert "has no colour" not in brief.html


@pytest.mark.parametrize(("policy", "said"), [(disclosure.PUBLIC, True), (disclosure.RESTRICTED, False)])
def test_all_of_a_rounded_count_may_be_all_but_a_few(policy, said):
    table = pd.DataFrame(
        {"group": ["Black", "White"], "events": [79, 60], "denominator": [80, 90], "base": "arrest"}
    )
    shares = disclosure.release(table, policy=policy).measure(measures.rates)
    columns = {"Number": "events", "Share": "proportion.estimate"}
    shown = present.table(shares, name="t", title="T", words=WORDS, columns=columns, across="base")
    assert ("100.0%" in shown.html) is said
    assert ("may be of all but a few" in shown.html) is said
