"""Published statistics become tables: every label known, every total set aside, every mark as its source means it.

The layouts are those of public code that reads the real files, and of `docs/sources.md`; the numbers are
made up, and expected values are added up here by hand or with the csv module.
"""

import csv
import os
import re
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from ysj_analysis import load, published_values, sources, study_folder
from ysj_analysis.tables import DataError

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("YSJ_SHARED_DATA", HERE.parent / ".." / "shared" / "data"))
needs_shared_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not here")


def convert(tmp_path, format, *files, **options):
    return sources.convert(format, files, tmp_path / "out", **options)


def events(out, *keys):
    table = load.counts(out)
    return {tuple(row[k] for k in keys): row["events"] for _, row in table.astype({"year": int}).iterrows()}


def ledger(out):
    return pd.read_csv(out / "ledger.csv")


def said(out, text):
    return any(re.search(text, what) for what in ledger(out)["what"])


def write_csv(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_ods(path, **sheets):
    """Write sheets of rows; numbers are typed as such, and a None stands for an empty cell."""

    def cell(value):
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, int | float):
            typed = f'office:value-type="float" office:value="{value}"'
            return f"<table:table-cell {typed}><text:p>{value}</text:p></table:table-cell>"
        escaped = str(value).replace("&", "&amp;").replace("<", "&lt;")
        return f'<table:table-cell office:value-type="string"><text:p>{escaped}</text:p></table:table-cell>'

    spaces = " ".join(
        f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text")
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        with archive.open("content.xml", "w") as content:
            body = "<office:body><office:spreadsheet>"
            content.write(f"<office:document-content {spaces}>{body}".encode())
            for name, rows in sheets.items():
                content.write(f'<table:table table:name="{name}">'.encode())
                for row in rows:
                    content.write(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>".encode())
                content.write(b"</table:table>")
            content.write(b"</office:spreadsheet></office:body></office:document-content>")
    return path


# -- marks, years and labels -------------------------------------------------------------------------


class TestValues:
    @pytest.mark.parametrize(
        ("label", "expected"),
        [
            ("2016", (2016, "single")),
            ("2015/16", (2015, "split")),
            ("2016-17 (OT)", (2016, "split")),
            ("2024-25", (2024, "split")),
            ("1999/00", (1999, "split")),
            ("0", None),
            ("2016-18", None),
            ("Year ending March 2021", (2020, "financial")),
            ("years ending 31 March 2012", (2011, "financial")),
            ("years ending December 2010 to 2020", None),
            ("12 months", None),
        ],
    )
    def test_years_in_all_their_forms(self, label, expected):
        year = published_values.year_in(label)
        assert (year and (year.start, year.kind)) == expected

    def test_one_mark_has_one_meaning_in_each_source(self):
        from ysj_analysis import (
            source_ethnicity_facts,
            source_home_office,
            source_lait,
            source_yjb,
            yjb_tables,
        )

        assert source_ethnicity_facts.MARKS["-"] == published_values.NOUGHT
        assert source_lait.MARKS["-"] == published_values.NOT_GIVEN
        assert yjb_tables.MARKS[".."] == published_values.NOT_GIVEN
        assert source_home_office.MARKS["*"] == published_values.HIDDEN
        assert source_yjb.TABLES

    def test_a_mark_that_is_not_declared_stops(self):
        cells = pd.Series(["1", "c", "2"], index=[5, 6, 7], name="Number")
        with pytest.raises(DataError, match=r"f: 1 of 3 cells of 'Number' .*'c' \(1\)\. First: row 6"):
            published_values.counts(
                cells, {"-": "nought"}, file="f", source="s", ledger=study_folder.Ledger()
            )

    @pytest.mark.parametrize("cell", ["-1", "1.5", "1,23", "٣", "1e3", "=1+1", "<b>1</b>", "x" * 1000])
    def test_what_is_no_count_stops(self, cell):
        cells = pd.Series([cell], name="Number")
        with pytest.raises(DataError, match="1 of 1 cells"):
            published_values.counts(cells, {}, file="f", source="s", ledger=study_folder.Ledger())

    def test_counts_keep_what_their_marks_mean(self):
        cells = pd.Series(["1,234", " -   ", "*", "..", "5.0", "447.4"], name="Number")
        marks = {"-": published_values.NOUGHT, "*": published_values.HIDDEN, "..": published_values.NOT_GIVEN}
        book = study_folder.Ledger()
        found = published_values.counts(cells, marks, file="f", source="s", ledger=book, fractions=True)
        assert found.tolist() == ["1234", "0", "[c]", "", "5", "447"]
        assert len(book.lines) == 4  # one for each mark, one for the average


# -- Youth Justice Board -----------------------------------------------------------------------------

BLOCKS = [None, "Age", None, "Ethnicity", None, None, None, None, None, None, "Sex", None, None, None]
HEADER = [
    "Remand type",
    "10 - 14",
    "15 - 17",
    "Asian",
    "Black",
    "Mixed",
    "Other(4)",
    "White",
    "Ethnic minority groups",
    "Unknown",
    "Boys",
    "Girls",
    "Unknown",
    "Total",
]
TITLE = "Table 6.1: Number of remands(1) given to children, England and Wales, year ending March 2021"


def remand_row(label, *groups):
    total = sum(groups)
    asian, black, mixed, other, white, unknown = groups
    summary = asian + black + mixed + other
    return [label, 1, total - 1, asian, str(black), mixed, other, white, summary, unknown, total, 0, 0, total]


REMAND = [
    [TITLE],
    [],
    BLOCKS,
    HEADER,
    ["Bail remands"],
    remand_row("Unconditional Bail", 10, 20, 11, 5, 50, 4),
    remand_row("Conditional Bail(2)", 6, 14, 9, 3, 30, 2),
    remand_row("Total bail remands", 16, 34, 20, 8, 80, 6),
    ["Community remands with intervention"],
    remand_row("Bail Supervision and Support", 2, 6, 4, 1, 9, 1),
    remand_row("ISS Bail", 1, 5, 3, 0, 4, 0),
    remand_row("Remand to Local Authority Accommodation", 1, 4, 2, 0, 3, 0),
    remand_row("Total community remands with intervention", 4, 15, 9, 1, 16, 1),
    remand_row("Remand to Youth Detention Accommodation", 3, 15, 8, 1, 10, 1),
    remand_row("Total remand episodes", 23, 64, 37, 10, 106, 8),
    [],
    ["Notes"],
    ["(1) 12 of these are counted twice."],
]

CUSTODY = [
    ["Table 7.3: Average monthly youth custody population by ethnicity, years ending March 2020 to 2021(1)"],
    [None, "England and Wales"],
    [],
    ["Demographic", None, "2020", "2021", "% change"],
    ["Sex", "Boys", 750.2, 540.4, -28],
    [None, "Girls", 30.1, 19.3, -36],
    ["Ethnicity", "Asian", 50.4, 40, -21],
    [None, "Black", 220.6, 160, -27],
    [None, "Mixed", 80, "70", -13],
    [None, "Other", 10, "*", "*"],
    [None, "Ethnic minority groups", 361, "*", "*"],
    [None, "White", 420, 290, -31],
    ["Total", None, 780, 560, -28],
]


class TestYouthJusticeBoard:
    def test_remands_by_type_and_group(self, tmp_path):
        out = convert(tmp_path, "yjb", write_ods(tmp_path / "ch6.ods", Cover=[["Chapter 6"]], T61=REMAND))
        found = events(out, "year", "stage", "group")
        # Added up by hand from REMAND: bail is 10 + 6, and so on; the year ending March 2021 starts in 2020.
        assert [found[2020, "bail", g] for g in ("Asian", "Black", "Mixed", "Other", "White", "Unknown")] == [
            16,
            34,
            20,
            8,
            80,
            6,
        ]
        assert [found[2020, s, "Black"] for s in ("community_remand", "rlaa", "yda", "remand_decision")] == [
            11,
            4,
            15,
            64,
        ]
        assert len(found) == 5 * 6
        study = load.study(out)
        assert (study.base, study.unit, study.period, study.years) == (
            "2001",
            "episodes",
            "financial",
            (2020, 2020),
        )
        assert study.stages["remand_decision"].base == "none"
        assert said(out, "summary of several groups and set aside; 5 of 5 are the sum")
        assert said(out, "2 rows of Table 6.1 .* are subtotals")
        assert said(out, "7 totals set aside; the groups add to 7 of them")
        assert said(out, "types of remand in Table 6.1 .* add to all remands in 6 of 6 groups")

    def test_the_old_binary_format_gives_the_same(self, tmp_path):
        out = convert(tmp_path, "yjb", HERE / "published" / "remand-2021.xls")
        found = events(out, "stage", "group")
        assert [
            found["remand_decision", g] for g in ("Asian", "Black", "Mixed", "Other", "White", "Unknown")
        ] == [
            23,
            64,
            37,
            10,
            106,
            8,
        ]

    def test_later_layout_without_blocks_and_with_two_columns_of_labels(self, tmp_path):
        header = [
            "Remand category",
            "Remand type [note 1]",
            "Asian",
            "Black",
            "Mixed",
            "Other",
            "White",
            "Unknown Ethnicity",
            "Girls",
            "Boys",
            "Unknown Sex",
            "Aged 10 to 14",
            "Aged 15 to 17",
            "Total",
        ]

        def row(group, label, *n):
            return [group, label, *n, 1, sum(n) - 1, 0, 2, sum(n) - 2, sum(n)]

        rows = [
            ["Table 6.1: Remands given to children, England and Wales, year ending March 2025"],
            ["This worksheet contains one table."],
            header,
            row("Bail", "Unconditional Bail", 1, 2, 3, 4, 5, 6),
            row("Bail", "Conditional Bail", 1, 1, 1, 1, 1, 1),
            row("Custodial", "Remand to Youth Detention Accommodation", 0, 9, 2, 0, 3, 0),
            row("Total", "Total remand episodes", 2, 12, 6, 5, 9, 7),
            ["Proportion of remands", "Unconditional Bail", *[0.1] * 12],
        ]
        out = convert(tmp_path, "yjb", write_ods(tmp_path / "ch6.ods", T61=rows))
        found = events(out, "year", "stage", "group")
        assert (found[2024, "bail", "Unknown"], found[2024, "yda", "Black"]) == (7, 9)
        assert said(out, "12 cells of Table 6.1 .* are shares")

    def test_custody_filled_down_with_years_across(self, tmp_path):
        out = convert(tmp_path, "yjb", write_ods(tmp_path / "ch7.ods", T73=CUSTODY))
        found = events(out, "year", "group")
        assert {g: found[2019, g] for g in ("Asian", "Black", "Mixed", "Other", "White")} == {
            "Asian": 50,
            "Black": 221,
            "Mixed": 80,
            "Other": 10,
            "White": 420,
        }
        assert found[2020, "Black"] == 160
        assert pd.isna(found[2020, "Other"])  # hidden, and not 0
        assert load.study(out).unit == "children"
        assert said(out, "averages, rounded")
        assert said(out, r"not of ethnicity and set aside")
        assert said(out, r"'% change' set aside")

    def test_groups_in_rows_of_a_block_with_its_own_row(self, tmp_path):
        rows = [
            ["Table 6.3: Demographics of children given remands, years ending March 2020 to 2021"],
            [],
            [],
            ["Demographics for children on remand", "2020", "2021"],
            ["Sex"],
            ["Boys", 90, 80],
            ["Unknown", 1, 2],
            ["Total", 91, 82],
            ["Ethnicity(1)"],
            ["Asian", 10, 9],
            ["Black", 30, 20],
            ["Mixed", 10, 13],
            ["Other", 1, 0],
            ["White", 35, 38],
            ["Unknown", 5, 2],
            ["Total", 91, 83],
            ["Source: Youth Justice Board"],
        ]
        out = convert(tmp_path, "yjb", write_ods(tmp_path / "ch6.ods", T63=rows))
        found = events(out, "year", "group")
        assert (found[2019, "Black"], found[2020, "Unknown"]) == (30, 2)
        assert said(out, r"the groups add to 1 of them, and differ by \+1 to \+1 in 1")

    def test_years_ending_in_december_are_not_joined_with_years_ending_in_march(self, tmp_path):
        entrants = [
            [
                "Table 2.6: First time entrants by ethnicity, England and Wales, years ending December 2019 to 2020"
            ],
            [],
            ["Ethnicity", "2019", "2020"],
            *(
                [group, 10 + i, 20 + i]
                for i, group in enumerate(("Asian", "Black", "Mixed", "Other", "White"))
            ),
        ]
        file = write_ods(
            tmp_path / "ch2.ods", T26=[entrants[0], [], [], entrants[2], ["Ethnicity"], *entrants[3:]]
        )
        out = convert(tmp_path, "yjb", file)
        assert load.study(out).period == "december"
        assert events(out, "year", "group")[2020, "White"] == 24
        both = write_ods(
            tmp_path / "both.ods",
            T61=REMAND,
            T26=[entrants[0], [], entrants[2], ["Ethnicity"], *entrants[3:]],
        )
        with pytest.raises(
            DataError, match=r"2 tables have years of 2 kinds .*Table 6.1 .*: financial; Table 2.6"
        ):
            sources.convert("yjb", [both], tmp_path / "other")

    def test_a_table_by_ethnicity_whose_layout_is_not_found_stops_the_run(self, tmp_path):
        file = write_ods(
            tmp_path / "ch.ods", T61=REMAND, T62=[["Table 6.2: Remands by ethnicity"], ["See Table 6.1"]]
        )
        with pytest.raises(DataError, match="1 of 2 sheets hold a table by ethnicity that is not understood"):
            convert(tmp_path, "yjb", file)

    def test_tables_not_of_ethnicity_are_set_aside_by_name(self, tmp_path):
        local = [
            ["Table 2.9: Children who were first time entrants by area, years ending December 2010 to 2011"],
            [],
            ["Local Authority", "2010", "2011"],
            ["Islington", 100, "90"],
        ]
        out = convert(tmp_path, "yjb", write_ods(tmp_path / "ch.ods", T61=REMAND, T29=local))
        assert said(out, "1 of 2 sheets set aside: .*Children who were first time entrants")

    def test_tables_that_are_not_understood_stop_the_run_and_are_listed(self, tmp_path):
        odd = [
            ["Table 7.30: Median nights in custody by ethnicity, year ending March 2021"],
            [],
            ["Ethnicity", None],
            ["Asian", 90],
            ["Black", 120],
        ]
        file = write_ods(tmp_path / "ch.ods", T61=REMAND, T730=odd)
        with pytest.raises(
            DataError,
            match=r"1 of 2 sheets hold a table by ethnicity that is not understood:\n  ch\.ods, T730: "
            r"Table 7\.30, 'Median nights",
        ):
            convert(tmp_path, "yjb", file)
        assert not (tmp_path / "out").exists()
        assert len(events(convert(tmp_path, "yjb", file, tables="6.1"), "stage", "group")) == 30

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                lambda t: t[5].__setitem__(0, "Secure Remand"),
                r"unknown remand type .*'Secure Remand' \(7\).*Secure Remand",
            ),
            (
                lambda t: t[3].__setitem__(3, "Asiatic"),
                r"unknown ethnic group .*'Asiatic' \(9\).*Did you mean 'Asian'",
            ),
            (
                lambda t: t[6].__setitem__(4, "n/a"),
                r"neither a whole number nor a mark .*'n/a' \(1\)\. First: row 7",
            ),
            (
                lambda t: t[2].__setitem__(1, "Religion"),
                "columns of Table 6.1 .* are not understood: '10 - 14'",
            ),
            (
                lambda t: t[0].__setitem__(0, "Table 6.1: Remands by ethnicity"),
                "has no single year in its title",
            ),
            (lambda t: t.__delitem__(0), "0 of 1 sheets hold a table by ethnicity"),
        ],
    )
    def test_labels_and_layouts_that_are_new_stop_the_run(self, tmp_path, change, message):
        table = [list(row) for row in REMAND]
        change(table)
        with pytest.raises(DataError, match=f"(?s){message}"):
            convert(tmp_path, "yjb", write_ods(tmp_path / "ch6.ods", T61=table))

    def test_two_tables_that_differ_are_refused_and_equal_ones_kept_once(self, tmp_path):
        def demographics(black):
            return [
                ["Table 6.3: Ethnicity of children given remands, years ending March 2021"],
                [],
                ["Demographics", "2021"],
                ["Ethnicity"],
                ["Asian", 23],
                ["Black", black],
                ["Mixed", 37],
                ["Other", 10],
                ["White", 106],
                ["Unknown", 8],
            ]

        out = convert(tmp_path, "yjb", write_ods(tmp_path / "same.ods", T61=REMAND, T63=demographics(64)))
        assert said(out, "6 of 36 counts are in two tables, and equal")
        file = write_ods(tmp_path / "differ.ods", T61=REMAND, T63=demographics(65))
        with pytest.raises(
            DataError, match=r"2 of 36 counts differ .* remand_decision, 2020, Black: 64 in Table 6.1"
        ):
            sources.convert("yjb", [file], tmp_path / "other")

    def test_a_hostile_title_or_label_is_only_text(self, tmp_path):
        table = [list(row) for row in REMAND]
        table[5][0] = "=cmd()<script>\u202e" + "x" * 5000
        with pytest.raises(DataError) as error:
            convert(tmp_path, "yjb", write_ods(tmp_path / "ch6.ods", T61=table))
        assert "\u202e" not in str(error.value)
        assert len(str(error.value)) < 2000


# -- Ethnicity facts and figures ---------------------------------------------------------------------

EFF_HEADER = [
    "Measure",
    "Time",
    "Time_type",
    "Ethnicity",
    "Ethnicity_type",
    "Geography",
    "Geography_type",
    " Number of stop and searches ",
    "Population by ethnicity",
    " Rate per 1,000 population by ethnicity",
    "Notes",
]


def eff_row(
    group,
    number,
    *,
    kind="ONS 2011 5+1",
    time="2021/22",
    area="Metropolitan Police",
    measure="Stop and search",
):
    return [
        measure,
        time,
        "Financial year",
        group,
        kind,
        area,
        "Police Force Area",
        number,
        "1,000",
        " 1.2 ",
        "",
    ]


EFF = [
    eff_row("All", "1,410"),
    eff_row("Asian", " 200 "),
    eff_row("Black", "600"),
    eff_row("Mixed", "90"),
    eff_row("White", "400"),
    eff_row("Other", " -   "),
    eff_row("Unreported", "120"),
    *(
        eff_row(g, "100", kind="ONS 2011 16+1")
        for g in ("Indian", "Pakistani", "Chinese", "Black African", "Arab")
    ),
    eff_row("All", "50", area="City of London"),
    eff_row("Asian", "N/A", area="City of London"),
    eff_row("Black", "20", area="City of London"),
    eff_row("White", "30", area="City of London"),
]


class TestEthnicityFacts:
    def test_each_person_is_counted_once_and_a_dash_is_nought(self, tmp_path):
        out = convert(tmp_path, "ethnicity-facts", write_csv(tmp_path / "eff.csv", [EFF_HEADER, *EFF]))
        found = events(out, "area", "year", "stage", "group")
        met = {group: n for (area, _, _, group), n in found.items() if area == "Metropolitan Police"}
        assert met == {"Asian": 200, "Black": 600, "Mixed": 90, "Other": 0, "White": 400, "Unknown": 120}
        assert sum(met.values()) == 1410
        assert {k[1:3] for k in found} == {(2021, "stop_search")}
        city = {group: n for (area, _, _, group), n in found.items() if area == "City of London"}
        assert city["Black"] == 20
        assert pd.isna([city["Asian"], city["Mixed"]]).all()  # not given is not 0
        study = load.study(out)
        assert (study.base, study.unit, study.period) == ("2011", "searches", "financial")
        assert said(out, r"5 of 14 rows in other classifications than 5\+1 of 2011")
        assert said(out, r"2 of 3 value columns set aside|2 of 4 value columns set aside")
        assert said(out, "read as nought")
        assert said(out, "1 totals set aside; the groups add to 1 of them")

    def test_detailed_groups_alone_are_added_up_on_the_base_asked_for(self, tmp_path):
        rows = [
            eff_row(g, n, kind="ONS 2011 18+1")
            for g, n in (
                ("Indian", "1"),
                ("Chinese", "2"),
                ("Black African", "3"),
                ("Black Caribbean", "4"),
                ("Arab", "5"),
                ("White British", "6"),
                ("Mixed White and Asian", "7"),
                ("Unreported", "8"),
            )
        ]
        out = convert(tmp_path, "ethnicity-facts", write_csv(tmp_path / "eff.csv", [EFF_HEADER, *rows]))
        assert {g: n for (g,), n in events(out, "group").items()} == {
            "Asian": 3,
            "Black": 7,
            "Mixed": 7,
            "Other": 5,
            "White": 6,
            "Unknown": 8,
        }

    def test_rows_for_children_are_kept_where_there_is_an_age(self, tmp_path):
        header = [*EFF_HEADER[:7], "Age", *EFF_HEADER[7:]]
        rows = [[*r[:7], age, *r[7:]] for r in EFF[1:7] for age in ("All", "10-17", "18-24")]
        out = convert(tmp_path, "ethnicity-facts", write_csv(tmp_path / "eff.csv", [header, *rows]))
        assert said(out, "12 of 18 rows where 'Age' is not '10-17' set aside")

    @pytest.mark.parametrize(
        ("rows", "options", "message"),
        [
            (
                [eff_row("Asian", "c")],
                {},
                r"1 of 1 cells of 'Number of stop and searches' .*'c' \(1\)\. First: row 2",
            ),
            (
                [eff_row("Asiatic", "1")],
                {},
                r"label that is not in the code list broad-2021: 'Asiatic' \(1\)",
            ),
            ([eff_row("Asian", "1", measure="Wellbeing")], {}, "1 measures, 1 of them of no known stage"),
            ([eff_row("Asian", "1")], {"column": "Rate"}, "0 of 3 value columns are named 'Rate'"),
            ([eff_row("Asian", "1")], {"stage": "arest"}, "which is no stage. Did you mean 'arrest'"),
            ([eff_row("Asian", "1", kind="Other")], {}, "a classification that is not understood: 'Other'"),
            (
                [eff_row("Asian", "1"), eff_row("Asian", "1")],
                {},
                "1 of 2 rows repeat an area, year and group",
            ),
            (
                [eff_row("Asian", "1"), eff_row("Asian", "1", kind="ONS 2001 5+1", time="2018/19")],
                {},
                "2 census bases in one file: 2001, 2011",
            ),
            ([eff_row("Asian", "1", time="2018/19-2020/21")], {}, "have no single year"),
        ],
    )
    def test_what_is_not_understood_stops_the_run(self, tmp_path, rows, options, message):
        file = write_csv(tmp_path / "eff.csv", [EFF_HEADER, *rows])
        with pytest.raises(DataError, match=message):
            convert(tmp_path, "ethnicity-facts", file, **options)

    def test_another_file_is_refused(self, tmp_path):
        with pytest.raises(DataError, match="5 of 7 columns are missing: Time_type"):
            convert(
                tmp_path, "ethnicity-facts", write_csv(tmp_path / "x.csv", [["Measure", "Time"], ["a", "b"]])
            )


# -- LAIT --------------------------------------------------------------------------------------------

LAIT_HEADER = ["Short Desc", "Data item", "Years", "LA and Regions", "Values", "LA Number", "Region"]
# Rates of nine regions between 237 and 417 that add to 3,072, and the published England "rate" of 3,071:
# as `data-formats` reports of the real file of 2016. The nine are made up.
NINE = (417, 237, 350, 340, 360, 330, 365, 338, 335)


def lait_rows(england="3071", item="Rate per 100,000 aged 10-17", regions=NINE):
    from ysj_analysis.source_lait import REGIONS

    rows = [["First time entrants", item, "2016", "England", england, "970", ""]]
    rows += [
        ["First time entrants", "", "2016", r, str(v), "", r] for r, v in zip(REGIONS, regions, strict=True)
    ]
    return [
        *rows,
        ["First time entrants", "", "2016", "Islington", "537", "206", "London"],
        ["First time entrants", "", "2016", "City of London", "-", "201", "London"],
    ]


def comparators(out):
    return pd.read_csv(out / "comparators.csv", dtype={"label": str}).set_index(["area", "label"])


class TestLait:
    def test_an_england_rate_that_is_the_sum_of_regions_is_set_aside(self, tmp_path):
        assert sum(NINE) == 3072
        rows = lait_rows()
        out = convert(tmp_path, "lait", write_csv(tmp_path / "lait.csv", [LAIT_HEADER, *rows]))
        table = comparators(out)
        assert table.loc[("Islington", "2016"), ["value", "year", "area_code"]].tolist() == [537, 2016, 206]
        assert len(table) == 10  # nine regions and Islington
        line = ledger(out).query("step == 'implausible'").squeeze()
        assert "1 of 1 England values set aside" in line["what"]
        assert "1 are the sum of the regions" in line["what"]
        assert "3,071, regions 237 to 417, which add to 3,072" in line["what"]

    def test_a_number_of_england_is_the_sum_of_regions_and_stays(self, tmp_path):
        rows = lait_rows("3072", "Number of first time entrants")
        out = convert(tmp_path, "lait", write_csv(tmp_path / "lait.csv", [LAIT_HEADER, *rows]))
        assert comparators(out).loc[("England", "2016"), "value"] == 3072

    def test_a_sound_england_rate_stays(self, tmp_path):
        out = convert(tmp_path, "lait", write_csv(tmp_path / "lait.csv", [LAIT_HEADER, *lait_rows("341")]))
        assert comparators(out).loc[("England", "2016"), "value"] == 341

    def test_labels_fill_down_and_not_into_the_next_series(self, tmp_path):
        rows = [
            *lait_rows("341"),
            ["Exclusions", "", "2015/16", "Islington", "0.14%", "206", "London"],
            ["Exclusions", "Permanent, % of pupils", "2016-17 (OT)", "London (Inner)", " 1,234.5 ", "", ""],
            ["Exclusions", "", "0", "Islington", "1", "206", "London"],
        ]
        out = convert(tmp_path, "lait", write_csv(tmp_path / "lait.csv", [LAIT_HEADER, *rows]))
        table = comparators(out)
        assert table.loc[("Islington", "2015/16"), "indicator"] == "Exclusions"
        assert table.loc[("Inner London", "2016-17 (OT)"), ["value", "year", "period"]].tolist() == [
            1234.5,
            2016,
            "two years named",
        ]
        assert (
            table.loc[("Islington", "2016"), "indicator"]
            == "First time entrants - Rate per 100,000 aged 10-17"
        )
        assert said(out, "1 of 15 rows of lait.csv have the year 0")
        assert said(out, r"1 of 14 values of lait.csv are marked and set aside: - \(1\)")
        assert said(out, "1 of 15 area names made the same")
        labels = pd.read_csv(out / "labels.csv", dtype=str, keep_default_na=False).set_index(
            ["field", "label"]
        )
        assert labels.loc[("area", "London (Inner)"), "meaning"] == "Inner London"
        assert labels.loc[("written in place of a number", "-"), "meaning"] == "held back or not there"

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (
                ["F", "", "2016-19", "X", "1", "", ""],
                r"1 of 13 rows have years that are not understood: '2016-19' \(1\)\. First: row 14",
            ),
            (
                ["F", "", "2016", "X", "low", "", ""],
                r"1 of 13 values are neither a number nor a mark .*'low' \(1\)\. First: row 14",
            ),
            (lait_rows()[10], "1 of 12 values repeat an indicator, area and year"),
        ],
    )
    def test_what_is_not_understood_stops_the_run(self, tmp_path, row, message):
        with pytest.raises(DataError, match=message):
            convert(tmp_path, "lait", write_csv(tmp_path / "lait.csv", [LAIT_HEADER, *lait_rows(), row]))

    def test_a_first_row_without_a_label_is_refused(self, tmp_path):
        with pytest.raises(DataError, match="11 of 11 rows have no Data item, the first row among them"):
            convert(tmp_path, "lait", write_csv(tmp_path / "lait.csv", [LAIT_HEADER, *lait_rows()[1:]]))


# -- Home Office -------------------------------------------------------------------------------------

SEARCHES = [
    "financial_year",
    "police_force_area",
    "legislation",
    "self_defined_ethnicity_group",
    "sex",
    "age_group",
    "number_of_searches",
]


def search(group, n, *, age="10-17", year="2022/23", force="Metropolitan Police"):
    return [year, force, "Section 1 PACE", group, "Male", age, n]


class TestHomeOffice:
    def test_children_are_counted_by_force_year_and_group(self, tmp_path):
        rows = [
            search(g, n, age=age, force=force)
            for force in ("Metropolitan Police", "Essex")
            for age in ("10-17", "18-24", "Not Known")
            for g, n in (
                ("Black or Black British", 7),
                ("White", 5),
                ("White", 4),
                ("Not Stated", 3),
                ("Mixed", 1),
            )
        ]
        rows += [
            search("N/A - vehicle search", 9, age="N/A - vehicle search"),
            search("Asian or Asian British", 2),
            search("Other Ethnic Group", 6, year="2023/24"),
        ]
        expected = Counter()
        for r in rows:
            if r[5] == "10-17":
                expected[r[1], 2000 + int(r[0][2:4]), r[3].split(" ")[0]] += r[6]
        out = convert(
            tmp_path,
            "home-office",
            write_ods(tmp_path / "ho.ods", Notes=[["x"]], open_data=[SEARCHES, *rows]),
        )
        found = events(out, "area", "year", "group")
        short = {"Not": "Unknown"}
        assert {k: v for k, v in found.items() if v} == {
            (a, y, short.get(g, g)): n for (a, y, g), n in expected.items()
        }
        assert found["Essex", 2022, "Asian"] == 0  # no row is no search, in this source
        assert load.study(out).unit == "searches"
        assert said(out, "11 of 33 rows, 49 in all, have no age")
        assert said(out, "10 of 33 rows, 40 in all, are of other ages")

    def test_arrests_keep_one_classification(self, tmp_path):
        header = [
            "financial_year",
            "police_force_area",
            "self_defined_ethnicity_group",
            "age_group",
            "number_of_arrests",
        ]
        rows = [
            ["2018/19", "Essex", "Chinese/other", "10 - 17 years", 5],
            ["2018/19", "Essex", "Asian or Asian British", "10 - 17 years", 6],
            ["2020/21", "Essex", "2019/20 onwards - Asian or Asian British", "10 - 17 years", 7],
            ["2020/21", "Essex", "White", "21 years and over", 80],
        ]
        file = write_ods(tmp_path / "arrests.ods", **{"OD_5+1": [header, *rows]})
        new = convert(tmp_path, "home-office", file)
        assert events(new, "year", "group")[2020, "Asian"] == 7
        assert {year for year, _ in events(new, "year", "group")} == {2020}
        assert said(new, "2 of 4 rows, 11 in all, are of years before 2019/20")
        old = sources.convert("home-office", [file], tmp_path / "old", ethnicity_base="2001")
        assert events(old, "year", "group")[2018, "Other"] == 5
        assert (load.study(new).base, load.study(old).base, load.study(old).unit) == (
            "2011",
            "2001",
            "episodes",
        )

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (
                [SEARCHES, search("Asain", 1)],
                r"unknown ethnic group in column 'group': 'Asain' \(1\)\. First: row 2.*",
            ),
            (
                [SEARCHES, search("White", 1, age="15-20")],
                "have an age group that is not understood.* row 2, .*'15-20'",
            ),
            ([SEARCHES, search("White", "c")], r"neither a whole number nor a mark .*'c' \(1\)"),
            ([SEARCHES, search("White", 1, year="2022")], "have no financial year"),
            (
                [[*SEARCHES[:5], "x", SEARCHES[6]], search("White", 1)],
                "has no age group, so it cannot give children",
            ),
            ([["a"], ["b"]], "0 of 1 sheets have a year, a force"),
        ],
    )
    def test_what_is_not_understood_stops_the_run(self, tmp_path, rows, message):
        with pytest.raises(DataError, match=message):
            convert(tmp_path, "home-office", write_ods(tmp_path / "ho.ods", open_data=rows))

    def test_a_long_table_streams(self, tmp_path):
        groups = ("White", "Black or Black British", "Mixed", "Not Stated")
        rows = (search(groups[i % 4], 1 + i % 3, age=("10-17", "18-24")[i // 4 % 2]) for i in range(60_000))
        file = write_ods(tmp_path / "long.ods", open_data=[SEARCHES, *rows])
        code = (
            "import sys, pathlib, re\nfrom ysj_analysis import source_home_office as h\n"
            "t = h.clean(h.read([pathlib.Path(sys.argv[1])])).tables['counts']\n"
            "s = pathlib.Path('/proc/self/status')\n"
            "print(t['events'].astype(int).sum(), re.search(r'VmHWM:\\s+(\\d+)', s.read_text())[1] if "
            "s.exists() else 0)"
        )
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
        )
        total, kilobytes = map(int, done.stdout.split())
        assert total == sum(1 + i % 3 for i in range(60_000) if i // 4 % 2 == 0)
        assert kilobytes < 200_000
        assert time.perf_counter() - start < 30


# -- Nomis and the census custom dataset -------------------------------------------------------------


def nomis(path, *, bands=True, drop=(), cells=None):
    single = {age: f"Age: Aged {age} years; measures: Value" for age in range(8, 20)}
    header = ["date", "geography", "geography code", "Age: Total; measures: Value"]
    if bands:
        header.append("Age: Aged 10 to 15 years; measures: Value")
    header += [name for age, name in single.items() if age not in drop]
    row = {name: str(100 + age) for age, name in single.items()}
    row |= dict(zip(header[:4], ("2021", "Camden", "E09000007", "9999"), strict=True))
    row[header[4]] = str(sum(100 + age for age in range(10, 16))) if bands else row[header[4]]
    row |= cells or {}
    return write_csv(path, [header, [row[name] for name in header]])


class TestNomis:
    def test_single_years_give_the_children_and_bands_are_set_aside(self, tmp_path):
        out = convert(tmp_path, "nomis", nomis(tmp_path / "ts007.csv"))
        table = load.population(out)
        assert table["population"].sum() == sum(100 + age for age in range(10, 18))
        assert table["age"].tolist() == [str(age) for age in range(10, 18)]
        assert said(out, "2 columns of ts007.csv are totals of other columns")
        labels = pd.read_csv(out / "labels.csv", dtype=str)
        assert labels["label"].tolist() == [
            f"Age: Aged {age} years; measures: Value" for age in range(10, 18)
        ]
        assert labels["meaning"].tolist() == [str(age) for age in range(10, 18)]
        assert set(labels["field"]) == {"age"}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                {"drop": (16, 17)},
                "6 of 8 single years from 10 to 17 are there, and 1 bands.\nBands such as 10 to 15 cannot",
            ),
            (
                {"cells": {"Age: Aged 12 years; measures: Value": "c"}},
                "have a count that is not a whole number",
            ),
            (
                {"cells": {"Age: Aged 12 years; measures: Value": "1"}},
                "have a band that is not the sum of its 6 years",
            ),
        ],
    )
    def test_tables_that_cannot_give_children_are_refused(self, tmp_path, arguments, message):
        with pytest.raises(DataError, match=message):
            convert(tmp_path, "nomis", nomis(tmp_path / "ts007.csv", **arguments))

    @needs_shared_data
    def test_the_real_ts007_gives_the_exact_children(self, tmp_path):
        file = SHARED / "census2021_islington_and_neighbours" / "census2021-ts007-ltla.csv"
        table = load.population(convert(tmp_path, "nomis", file)).groupby("area")["population"].sum()
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = {r["geography"]: r for r in csv.DictReader(opened)}
        for area, row in rows.items():
            assert table[area] == sum(
                int(row[f"Age: Aged {a} years; measures: Value"]) for a in range(10, 18)
            )
        assert table["Islington"] == 15343


CUSTOM = [
    "Lower tier local authorities Code",
    "Lower tier local authorities",
    "Age (9 categories) Code",
    "Age (9 categories)",
    "Ethnic group (20 categories) Code",
    "Ethnic group (20 categories)",
    "Sex (2 categories) Code",
    "Sex (2 categories)",
    "Observation",
]
CARIBBEAN = "Black, Black British, Black Welsh, Caribbean or African: Caribbean"


def custom(path, bands, *, extra=()):
    from ysj_analysis.code_lists import labels

    rows = [
        ["E09000019", "Islington", str(i), band, str(j), label, str(s), sex, str(10 + j)]
        for i, band in enumerate(bands)
        for j, label in enumerate(labels("census-2021"))
        for s, sex in enumerate("FM")
    ]
    return write_csv(path, [CUSTOM, *rows, *extra])


class TestOnsCustomDataset:
    def test_bands_that_make_up_10_to_17_are_added_over_sexes(self, tmp_path):
        bands = [
            "Aged 9 years and under",
            "Aged 10 to 15 years",
            "Aged 16 to 17 years",
            "Aged 18 years and over",
        ]
        none = ["E09000019", "Islington", "1", bands[1], "-8", "Does not apply", "1", "F", "0"]
        out = convert(tmp_path, "ons-custom", custom(tmp_path / "c.csv", bands, extra=[none]))
        table = load.population(out)
        assert sorted(table["age"].unique()) == ["10-15", "16-17"]
        assert table["population"].sum() == 2 * 2 * sum(10 + j for j in range(19))
        assert said(out, r"1 of 153 rows of c.csv have the code -8 and 0 people")

    def test_rm032_is_refused_with_the_reason(self, tmp_path):
        bands = [
            "Aged 4 years and under",
            "Aged 5 to 9 years",
            "Aged 10 to 15 years",
            "Aged 16 to 24 years",
            "Aged 25 to 34 years",
            "Aged 35 to 49 years",
            "Aged 50 to 64 years",
            "Aged 65 to 74 years",
            "Aged 75 years and over",
        ]
        with pytest.raises(
            DataError,
            match=r"its 9 age bands cannot give 10 to 17\. Within it are Aged 10 to 15 years; 'Aged 16 to "
            r"24 years' reaches across\.\nChildren of 16 and 17 would be missing, or adults counted in",
        ):
            convert(tmp_path, "ons-custom", custom(tmp_path / "RM032-2021.csv", bands))

    @pytest.mark.parametrize(
        ("extra", "message"),
        [
            (["E", "X", "1", "Aged 10 to 17 years", "1", "Blck", "1", "F", "1"], r"'Blck' \(1\)"),
            (
                ["E", "X", "1", "Aged 10 to 17 years", "1", CARIBBEAN, "1", "F", "c"],
                "have a count that is not a whole number",
            ),
            (
                ["E", "X", "1", "Aged ten", "1", CARIBBEAN, "1", "F", "1"],
                "1 of 2 age labels are not understood. First: 'Aged ten'",
            ),
            (["E", "X", "-8", "Does not apply", "1", CARIBBEAN, "1", "F", "2"], "do not apply"),
        ],
    )
    def test_what_is_not_understood_stops_the_run(self, tmp_path, extra, message):
        with pytest.raises(DataError, match=message):
            convert(
                tmp_path, "ons-custom", custom(tmp_path / "c.csv", ["Aged 10 to 17 years"], extra=[extra])
            )
