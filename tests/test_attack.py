"""Each way of giving small numbers away, on a release that does it and on the local rule's own.

Every true table is written out here, so that what the intruder says can be checked by eye.
"""

import json
from itertools import product

import numpy as np
import pytest
from scipy import special

from ysj_analysis import attack as intruder
from ysj_analysis.__main__ import main
from ysj_analysis.attack_facts import Cell, Count, Release

BY_RULE = "round_to = 5\nhidden_below = 8\n"


def by_rule(count) -> str:
    """Print a count by the kit's local rule."""
    return "[c]" if count < 8 else str(5 * ((count + 2) // 5))


def under_five(count) -> str:
    """Print a count as many do: an asterisk for 1 to 4."""
    return "*" if 1 <= count <= 4 else str(count)


STARS = 'marks = { "*" = [1, 4] }\n'


def table(columns, rows, body="", *, print_by=str, name="t.csv") -> dict:
    """Describe a table: its CSV, with whole numbers printed by a rule, and the rest of its spec."""
    lines = [",".join(print_by(v) if isinstance(v, int) else str(v) for v in row) for row in rows]
    return {"name": name, "csv": "\n".join([",".join(columns), *lines]) + "\n", "body": body}


@pytest.fixture
def attacked(tmp_path):
    """Write tables and their spec, attack them, and give each small number worked out."""

    def run(*tables, small=7):
        spec = [f"small = {small}"]
        for one in tables:
            (tmp_path / one["name"]).write_text(one["csv"], encoding="utf-8")
            spec.append(f'[[table]]\nfile = "{one["name"]}"\n{one["body"]}')
        (tmp_path / "spec.toml").write_text("\n".join(spec), encoding="utf-8")
        found = intruder.attack([], spec=tmp_path / "spec.toml")
        assert not found.contradictions
        return {_short(f.cell): (f.low, f.high) for f in found.findings}

    return run


def _short(cell):
    values = [v for _, v in cell.dims]
    return " ".join([*(values or [cell.what]), *map(str, dict.fromkeys(cell.window or ()))])


GROUPS = 'unit = "sentences"\ndimensions = ["group"]\ncounts = ["n"]\ntotal = { group = "All" }\nadds = ["group"]\n'
CUSTODY = [("White", 12), ("Black", 9), ("Mixed", 3), ("Other", 8), ("All", 32)]


def test_one_hidden_cell_with_its_total(attacked):
    naive = table(["group", "n"], CUSTODY, GROUPS + STARS, print_by=under_five)
    assert attacked(naive)["Mixed"] == (3, 3)
    assert attacked(table(["group", "n"], CUSTODY, GROUPS + BY_RULE, print_by=by_rule)) == {}


SEXES = [  # group, sex, n: Mixed girls are 3; hiding the next smallest hides Black girls, 8
    *[("White", "girls", 12), ("Black", "girls", 8), ("Mixed", "girls", 3), ("All", "girls", 23)],
    *[("White", "boys", 30), ("Black", "boys", 25), ("Mixed", "boys", 11), ("All", "boys", 66)],
    *[("White", "All", 42), ("Black", "All", 33), ("Mixed", "All", 14), ("All", "All", 89)],
]
TWO_WAY = (
    'unit = "sentences"\ndimensions = ["group", "sex"]\ncounts = ["n"]\n'
    'total = { group = "All", sex = "All" }\nadds = ["group", "sex"]\n'
)


def test_hiding_the_next_smallest_as_well(attacked):
    hidden = [(g, s, "*" if (g, s) in {("Mixed", "girls"), ("Black", "girls")} else n) for g, s, n in SEXES]
    naive = table(["group", "sex", "n"], hidden, TWO_WAY + 'marks = { "*" = [1, 999] }\n')
    assert attacked(naive)["Mixed girls"] == (3, 3)
    assert attacked(table(["group", "sex", "n"], SEXES, TWO_WAY + BY_RULE, print_by=by_rule)) == {}


SHARE = 'figures = [{ column = "percent", is = "share", of = "n", out_of = { group = "All" } }]\n'


def test_exact_percentages_beside_rounded_counts(attacked):
    rows = [(g, n, f"{100 * n / 32:.1f}") for g, n in CUSTODY]
    naive = table(["group", "n", "percent"], rows, GROUPS + BY_RULE + SHARE, print_by=by_rule)
    assert attacked(naive)["Mixed"] == (3, 3)
    ours = [(g, n, "[c]" if n < 8 else f"{100 * float(by_rule(n)) / 30:.1f}") for g, n in CUSTODY]
    assert attacked(table(["group", "n", "percent"], ours, GROUPS + BY_RULE + SHARE, print_by=by_rule)) == {}


RATES = (
    'unit = "sentences"\ndimensions = ["group"]\ncounts = ["n", "people"]\nbases = ["people"]\nwithin = {}\n'
    'figures = [{ column = "ratio", is = "rate_ratio", of = "n", out_of = "people", '
    'against = { group = "White" } }]\n'
)
PEOPLE = {"White": 6508, "Black": 3772, "Mixed": 2191}


def test_relative_rates_in_full_beside_a_reference_count(attacked):
    n = {"White": 13, "Black": 9, "Mixed": 2}
    ratio = {g: (n[g] / PEOPLE[g]) / (13 / 6508) for g in n}
    rows = [(g, by_rule(n[g]), PEOPLE[g], repr(ratio[g])) for g in n]
    naive = table(["group", "n", "people", "ratio"], rows, RATES + BY_RULE)
    assert attacked(naive)["Mixed"] == (2, 2)
    # from the printed counts, and none where a count is hidden
    ours = [(g, by_rule(n[g]), PEOPLE[g], "[c]" if n[g] < 10 else repr(ratio[g])) for g in n]
    assert attacked(table(["group", "n", "people", "ratio"], ours, RATES + BY_RULE)) == {}


ENDS = (
    'unit = "sentences"\ndimensions = ["group"]\ncounts = ["n", "people"]\nbases = ["people"]\nfigures = [\n'
    '  { column = "low", is = "rate", of = "n", out_of = "people", per = 1000, end = "low", method = "exact" },\n'
    '  { column = "high", is = "rate", of = "n", out_of = "people", per = 1000, end = "high", method = "exact" },\n'
    "]\n"
)


def test_the_ends_of_an_interval(attacked):
    def exact(count, people):  # Garwood (1936), by the gamma distribution
        low = special.gammaincinv(count, 0.025) if count else 0.0
        return [f"{1000 * v / people:.2f}" for v in (low, special.gammaincinv(count + 1, 0.975))]

    rows = [(g, by_rule(n), PEOPLE[g], *exact(n, PEOPLE[g])) for g, n in (("White", 13), ("Mixed", 4))]
    naive = table(["group", "n", "people", "low", "high"], rows, ENDS + BY_RULE)
    assert attacked(naive)["Mixed"] == (4, 4)
    ours = [
        ("White", "15", PEOPLE["White"], *exact(15, PEOPLE["White"])),
        ("Mixed", "[c]", PEOPLE["Mixed"], "[c]", "[c]"),
    ]
    assert attacked(table(["group", "n", "people", "low", "high"], ours, ENDS + BY_RULE)) == {}


YEARS = {2019: 9, 2020: 14, 2021: 2, 2022: 11, 2023: 10}
SPANS = [
    *[(y, y) for y in (2019, 2020, 2021, 2022, 2023)],
    *[(2019, 2021), (2020, 2022), (2021, 2023), (2019, 2023)],
]
ROLLING = 'counts = ["n"]\nperiod = { from = "first", to = "last" }\n'


@pytest.mark.parametrize("length", [3, 5])
def test_rolling_windows_beside_single_years(attacked, length):
    rows = [
        (f"y{a}", f"y{b}", sum(YEARS[y] for y in range(a, b + 1)))
        for a, b in SPANS
        if b - a in (0, length - 1)
    ]
    rows = [(a[1:], b[1:], n) for a, b, n in rows]
    body = 'unit = "episodes"\n' + ROLLING
    naive = table(["first", "last", "n"], rows, body + STARS, print_by=under_five)
    assert attacked(naive)["n 2021"] == (2, 2)
    assert attacked(table(["first", "last", "n"], rows, body + BY_RULE, print_by=by_rule)) == {}


def test_children_who_return_loosen_windows_and_do_not_close_them(attacked):
    """9 children in 2021 and 12 in both years: at least 3 in 2022, and any more had been there before."""
    rows = [("2021", "2021", 9), ("2022", "2022", 4), ("2021", "2022", 12)]
    children = table(
        ["first", "last", "n"], rows, 'unit = "children"\n' + ROLLING + STARS, print_by=under_five
    )
    assert attacked(children)["n 2022"] == (3, 4)
    episodes = table(
        ["first", "last", "n"], [*rows[:1], ("2021", "2022", "12")], 'unit = "episodes"\n' + ROLLING
    )
    assert attacked(episodes)["n 2022"] == (3, 3)


def test_cumulative_quarters(attacked):
    rows = [("1", 9), ("2", 12), ("3", 22), ("4", 23)]
    body = 'unit = "sentences"\ncounts = ["n"]\nperiod = { cumulative = "quarter" }\n'
    assert attacked(table(["quarter", "n"], rows, body)) == {"n 2": (3, 3), "n 4": (1, 1)}
    assert attacked(table(["quarter", "n"], rows, body + BY_RULE, print_by=by_rule)) == {}


AREA = 'dimensions = ["area"]\ncounts = ["n"]\ntotal = { area = "Both" }\noverlaps = ["area"]\n'


def test_a_borough_and_the_joint_report(attacked):
    rows = [("North", 12), ("South", 3), ("Both", 15)]
    sentences = table(["area", "n"], rows, 'unit = "sentences"\n' + AREA + STARS, print_by=under_five)
    assert attacked(sentences)["South"] == (3, 3)
    # a child seen in both boroughs is one child: South may have 4, one of them seen in the north too
    children = table(["area", "n"], rows, 'unit = "children"\n' + AREA + STARS, print_by=under_five)
    assert attacked(children)["South"] == (3, 4)
    assert (
        attacked(table(["area", "n"], rows, 'unit = "children"\n' + AREA + BY_RULE, print_by=by_rule)) == {}
    )


def test_a_margin_computed_again_without_a_group(attacked):
    """One table is of all 32 children, another only of the 29 of known ethnicity, added up anew."""
    body = GROUPS.replace('"All"', '"all"') + BY_RULE
    naive = [("all", "32"), ("known", "29"), ("unknown", "[c]")]
    assert attacked(table(["group", "n"], naive, body))["unknown"] == (3, 3)
    ours = [("all", 32), ("known", 29), ("unknown", 3)]
    assert attacked(table(["group", "n"], ours, body, print_by=by_rule)) == {}


def test_a_percentage_change(attacked):
    body = (
        'unit = "sentences"\ncounts = ["n"]\nperiod = { last = "year" }\ndimensions = []\n'
        + BY_RULE
        + "figures = ["
        '{ column = "change", is = "change", of = "n", before = { year = -1 } }]\n'
    )
    assert attacked(
        table(["year", "n", "change"], [("2021", "10", ""), ("2022", "[c]", "-58.3%")], body)
    ) == {
        "n 2022": (5, 5)  # of 8 to 12, only 5 of 12 is 58.3% down
    }
    assert attacked(table(["year", "n", "change"], [("2021", "10", ""), ("2022", "[c]", "[c]")], body)) == {}


def test_everyone_in_one_group(attacked):
    rows = [("Black", "[c]", "100%"), ("White", "[c]", "0%"), ("All", "6", "100%")]
    assert attacked(table(["group", "n", "percent"], rows, GROUPS + BY_RULE + SHARE))["Black"] == (6, 6)
    ours = [("Black", "[c]", "[c]"), ("White", "[c]", "[c]"), ("All", "[c]", "[c]")]
    assert attacked(table(["group", "n", "percent"], ours, GROUPS + BY_RULE + SHARE)) == {}


def test_two_kinds_of_mark(attacked):
    rows = [("White", "21"), ("Black", "[s]"), ("Mixed", "[c]"), ("All", "27")]
    told_apart = 'marks = { "[c]" = [1, 4], "[s]" = [5, 9999] }\n'
    assert attacked(table(["group", "n"], rows, GROUPS + told_apart)) == {"Black": (5, 5), "Mixed": (1, 1)}
    alike = 'marks = { "[c]" = [1, 9999], "[s]" = [1, 9999] }\n'
    assert attacked(table(["group", "n"], rows, GROUPS + alike)) == {}
    local = [("White", 21), ("Black", 5), ("Mixed", 1), ("All", 27)]
    assert attacked(table(["group", "n"], local, GROUPS + BY_RULE, print_by=by_rule)) == {}


def _bars(heights, scale=20.0) -> str:
    """Draw a bar for each group as matplotlib would; 0 at the foot, 10 at the upper tick."""
    tick = '<g id="{s}tick_{i}"><path d="M {x} {y} L {x} {y}"/><text>{t}</text></g>'
    foot = 300.0
    ticks = [tick.format(s="y", i=i, x=0, y=foot - v * scale, t=v) for i, v in enumerate((0, 10))]
    bars = []
    for i, (group, height) in enumerate(heights.items()):
        x, top = 50.0 + 40 * i, foot - height * scale
        ticks.append(tick.format(s="x", i=i, x=x, y=foot, t=group))
        bars.append(
            f'<g id="patch_{i}"><path d="M {x - 10} {foot} L {x + 10} {foot} L {x + 10} {top:.6f} '
            f'L {x - 10} {top:.6f} z"/></g>'
        )
    inside = "".join(ticks + bars)
    return f'<svg xmlns="http://www.w3.org/2000/svg"><g id="axes_1">{inside}</g></svg>'


def test_exact_coordinates_in_a_path(attacked, tmp_path):
    drawn = (
        GROUPS + BY_RULE + 'drawings = [{ file = "bars.svg", category = "group", is = "count", of = "n" }]\n'
    )
    true = {g: n for g, n in CUSTODY if g != "All"}
    (tmp_path / "bars.svg").write_text(_bars(true), encoding="utf-8")
    assert attacked(table(["group", "n"], CUSTODY, drawn, print_by=by_rule))["Mixed"] == (3, 3)
    # a chart of the printed counts has no bar where one is hidden
    printed = {g: float(by_rule(n)) for g, n in true.items() if n >= 8}
    (tmp_path / "bars.svg").write_text(_bars(printed), encoding="utf-8")
    assert attacked(table(["group", "n"], CUSTODY, drawn, print_by=by_rule)) == {}


PLAN = """\
title = "Islington Youth Justice Plan 2023-24, section 6.4"

[[table]]
name = "custodial sentences 2022-23"
unit = "children"
dimensions = ["group"]
counts = ["children"]
total = { group = "All" }
adds = ["group"]
rows = [
  { group = "All", children = "5", percent = "" },
  { group = "Black or Mixed", children = "", percent = "80%" },
  { group = "other groups", children = "", percent = "" },
]
figures = [{ column = "percent", is = "share", of = "children", out_of = { group = "All" } }]
"""


def test_the_boroughs_own_published_plan(tmp_path, capsys):
    """Five custodial sentences, 80% of them to Black or Mixed-heritage children: four, and one."""
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    assert main(["attack", "--spec", str(tmp_path / "plan.toml"), "--json"]) == 4
    found = {f["group"]: (f["low"], f["high"]) for f in json.loads(capsys.readouterr().out)["worked_out"]}
    assert found["Black or Mixed"] == (4, 4)
    assert found["other groups"] == (1, 1)


def test_the_reasons_are_enough_and_no_more(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    found = intruder.attack([], spec=tmp_path / "plan.toml")
    one = next(f for f in found.findings if f.cell.value("group") == "other groups")
    assert one.sources == (
        "custodial sentences 2022-23 row 1 children: 5",
        "custodial sentences 2022-23 row 2 percent: 80",
    )
    assert "exactly        1  children (children): other groups" in found.text()


# -- the integer program against brute force ---------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_windows_of_children_against_every_possible_set_of_children(seed):
    """Every way of up to 2 children having each pattern of years, and what the printed windows leave of it."""
    rng = np.random.default_rng(seed)
    patterns = [p for p in product((0, 1), repeat=3) if any(p)]
    true = rng.integers(0, 3, len(patterns))
    windows = [(1, 1), (2, 2), (3, 3), (1, 2), (2, 3), (1, 3)]
    hits = np.array([[any(p[a - 1 : b]) for a, b in windows] for p in patterns])
    every = _up_to(len(patterns), 3)
    counts = every @ hits
    seen = rng.permutation(len(windows))[:3]
    fits = (counts[:, seen] == (true @ hits)[seen]).all(axis=1)
    cells = [Cell("custody", "children", (), w) for w in windows]
    printed = [Count(cells[i], v := int((true @ hits)[i]), v, str(v), "here") for i in seen]
    most = int(every.max() * len(patterns))
    limits = [Count(c, 0, most, "", "here") for c in cells]
    result = intruder.work_out(Release(counts=printed + limits, small=most))
    inside = {f.cell.window: (f.low, f.high) for f in result.findings}
    for i, window in enumerate(windows):
        low, high = counts[fits, i].min(), counts[fits, i].max()
        if window in inside:  # enumeration stops at 3 of a pattern: it may see less, never more
            assert inside[window][0] <= low
            assert inside[window][1] >= high
        if high - low > 2:
            assert window not in inside


def _up_to(size: int, most: int) -> np.ndarray:
    return np.array(list(product(range(most + 1), repeat=size)))


def test_what_contradicts_itself_is_said_and_not_used(tmp_path):
    body = table(["group", "n"], [("White", "12"), ("Black", "9"), ("All", "20")], GROUPS)
    (tmp_path / "t.csv").write_text(body["csv"], encoding="utf-8")
    (tmp_path / "s.toml").write_text(f'[[table]]\nfile = "t.csv"\n{body["body"]}', encoding="utf-8")
    found = intruder.attack([], spec=tmp_path / "s.toml")
    assert len(found.contradictions) == 1
    assert "Contradictory:" in found.text()
    assert not found.succeeded
