"""How is the documentation built? ``make docs``: Sphinx reads these pages and the docstrings, offline."""

from ysj_analysis import __version__

project = "ysj disproportionality kit"
author = "The authors of the ysj disproportionality kit"
copyright = author
version = release = __version__
language = "en-GB"
html_theme = "furo"
html_title = f"{project} {version}"
html_show_copyright = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
smartquotes = False  # what is copied into a file must stay as it is
numpydoc_class_members_toctree = False
suppress_warnings = ["myst.xref_missing"]


def _dictionary() -> str:
    """Write the page of tables, stages and notes from the vocabulary itself."""
    from ysj_analysis import datafile, settings, vocabulary

    lines = [
        "# Data dictionary",
        "",
        "What every table of a study folder may hold. Other columns are kept and ignored.",
        "",
    ]
    for name, columns in vocabulary.TABLES.items():
        lines += [
            f"## `{name}`",
            "",
            "| column | kind | needed | meaning | values |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{c.name}` | {c.kind} | {'yes' if c.required else 'no'} | {c.meaning} | "
            f"{', '.join(c.choices) if len(c.choices) < 30 else f'one of {len(c.choices)} codes'} |"
            for c in columns
        ]
        lines.append("")
    lines += [
        "## Codes of ethnicity",
        "",
        "| code | meaning | group in 2011 and 2021 | in 2001 |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{e.code}` | {e.label} | {e.broad_2021} | {e.broad_2001} |" for e in vocabulary.ETHNICITIES]
    lines += ["", "## Other files of a study", "", "| file | columns | what it is |", "|---|---|---|"]
    lines += [f"| `{name}` | {', '.join(f'`{c}`' for c in c)} | {what} |" for name, c, what in _others()]
    lines += ["", "## Settings of `study.toml`", "", "| setting | meaning | value |", "|---|---|---|"]
    lines += [f"| `{name}` | {s.meaning} | {s.said} |" for name, s in settings.SETTINGS.items()]
    lines += [""]
    lines += [
        "## Stages",
        "",
        "| stage | label | out of | kind | a higher rate is |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{s.id}` | {s.label} | {s.base} | {s.kind} | {s.polarity} |" for s in vocabulary.STAGES.values()
    ]
    lines += ["", "## Columns of a released table", "", "A measure has those from `measure` to `note`.", ""]
    lines += ["| column | meaning |", "|---|---|"]
    lines += [f"| `{c}` | {meaning} |" for c, meaning in datafile.meanings().items()]
    lines += [""]
    lines += ["## Notes", "", "| note | why a value is missing, or to be read with care |", "|---|---|"]
    lines += [f"| `{code}` | {why} |" for code, why in vocabulary.NOTES.items() if code]
    return "\n".join([*lines, ""])


_LAIT = ("indicator", "area", "area_code", "region", "year", "label", "period", "value")


def _others() -> list[tuple]:
    """List the files that stand beside the tables: name, columns, what each is."""
    from ysj_analysis import actions, complaints, label_mapping, study_folder, vocabulary

    return [
        ("comparators.csv", _LAIT, "rates of all children elsewhere; made by `ysj convert lait`"),
        (
            complaints.FILE,
            complaints.COLUMNS,
            "complaints about stop and search, which may have `allegation, outcome`",
        ),
        (actions.FILE, actions.COLUMNS, "what was flagged, which `ysj flags` writes, and what people decide"),
        (label_mapping.FILE, label_mapping.COLUMNS, "what each label was read as; made by `ysj convert`"),
        ("ledger.csv", study_folder.LEDGER, "what was removed, changed or assumed; made by `ysj convert`"),
        (
            "outside.csv",
            (*vocabulary.COUNTS, "events", "denominator"),
            "figures that others have printed, for the audit ([disclosure control](disclosure.md))",
        ),
    ]


def _bibliography() -> str:
    """Write the page of writings from the data that reports cite from."""
    from ysj_analysis import citations

    lines = ["# What the methods come from", ""]
    lines += ["A report lists those of them whose methods its tables name.", ""]
    return "\n".join([*lines, *(f"- {writing}" for writing, _ in citations.writings()), ""])


def setup(app):
    """Write the pages that are made of data before the pages are read."""
    from pathlib import Path

    Path(app.srcdir, "data-dictionary.md").write_text(_dictionary(), encoding="utf-8")
    Path(app.srcdir, "bibliography.md").write_text(_bibliography(), encoding="utf-8")
