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
numpydoc_class_members_toctree = False
suppress_warnings = ["myst.xref_missing"]


def _dictionary() -> str:
    """Write the page of tables, stages and notes from the vocabulary itself."""
    from ysj_analysis import vocabulary

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
            f"{', '.join(c.choices) if len(c.choices) < 12 else f'one of {len(c.choices)} codes'} |"
            for c in columns
        ]
        lines.append("")
    lines += [
        "## Stages",
        "",
        "| stage | label | out of | kind | a higher rate is |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{s.id}` | {s.label} | {s.base} | {s.kind} | {s.polarity} |" for s in vocabulary.STAGES.values()
    ]
    lines += ["", "## Columns of a measure", "", ", ".join(f"`{c}`" for c in vocabulary.MEASURE), ""]
    lines += ["## Notes", "", "| note | why a value is missing, or to be read with care |", "|---|---|"]
    lines += [f"| `{code}` | {why} |" for code, why in vocabulary.NOTES.items() if code]
    return "\n".join([*lines, ""])


def setup(app):
    """Write the page of the vocabulary before the pages are read."""
    from pathlib import Path

    Path(app.srcdir, "data-dictionary.md").write_text(_dictionary(), encoding="utf-8")
