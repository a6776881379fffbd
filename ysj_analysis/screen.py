"""How does the kit show itself in a notebook? Tables headed and in words, and errors as what to do.

The package calls :func:`settle` when it is imported in IPython, so that this needs no line of a notebook. In
the process that runs the notebook of a report nothing of it happens: there ``content`` decides what is shown.
"""

from __future__ import annotations

import html
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .kernel import renders

if TYPE_CHECKING:
    import pandas as pd

    from .disclosure import Released
    from .load import Study
    from .present import Shown

COUNTED = frozenset({"events", "denominator", "child_id"})
"""A plain table with one of these columns holds true counts, or children."""
VALUES = ("estimate", "low", "high")
_HEADINGS = {"events": "Number", "denominator": "Out of", "p_value": "p, at most"}
_PASSED = ("absent", "once")
"""Modules that only hand a call on."""
_TO_THE_LEFT = (
    "<style>.ysj table th, .ysj table td, .ysj caption {text-align: left !important} "
    ".ysj table th.n, .ysj table td.n {text-align: right !important}</style>"
)
ROWS = 60
"""The most rows that are shown."""


def settle(shell: Any) -> None:
    """Show the objects and the errors of the kit in an IPython shell as this module says.

    Parameters
    ----------
    shell : InteractiveShell
        From ``IPython.get_ipython()``.
    """
    if renders():
        return
    page = shell.display_formatter.formatters["text/html"]
    page.for_type_by_name("ysj_analysis.disclosure", "Released", released)
    page.for_type_by_name("ysj_analysis.load", "Study", study)
    for module in ("pandas", "pandas.core.frame"):
        page.for_type_by_name(module, "DataFrame", frame)
    bundle = shell.display_formatter.mimebundle_formatter
    bundle.for_type_by_name("ysj_analysis.present", "Shown", laid_out)
    shell.set_custom_exc((Exception,), explain)


# -- tables ------------------------------------------------------------------------------------------


def laid_out(one: Shown, include: object = None, exclude: object = None) -> dict[str, Any]:
    """Show what a report would, its words to the left as on the page: JupyterLab sets every cell to the right.

    Parameters
    ----------
    one : Shown
        From ``present`` or ``figures``.
    include, exclude : object
        As IPython asks; nothing is left out.

    Returns
    -------
    dict
        By media type.

    Examples
    --------
    >>> from ysj_analysis.present import Shown
    >>> laid_out(Shown("<table></table>"))["text/html"].endswith("<table></table></div>")
    True
    """
    shown = one._repr_mimebundle_(include, exclude)
    if page := shown.get("text/html"):
        shown["text/html"] = f'<div class="ysj">{_TO_THE_LEFT}{page}</div>'
    return shown


def released(one: Released) -> str:
    """Lay out a released table: its rule, its counts, each measure with its interval, why a value is missing.

    Parameters
    ----------
    one : Released
        From ``disclosure``.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> import pandas as pd
    >>> from ysj_analysis import disclosure
    >>> few = pd.DataFrame({"group": ["Black", "White"], "events": [4, 13], "denominator": [40, 60]})
    >>> shown = released(disclosure.release(few))
    >>> "[c]" in shown, "1 of 4 counts hidden" in shown
    (True, True)
    """
    import pandas as pd

    from . import wording

    table, words = one.table, wording.Words()
    every = table.to_dict("records")
    same = [c for c in _labels(table) if c != "group" and table[c].nunique() <= 1]
    same = same if every else []
    writing: dict[str, Callable[[Mapping], str]] = {}
    for column in table.columns:
        if column == "estimate":
            writing["Estimate (interval)"] = _estimate
        if column in ("years", "note", "method", *VALUES, *same):
            continue
        writing[_heading(column)] = partial(_cell, column, counts=one.counts, words=words)
    if "note" in table:
        writing["Note"] = lambda row: _why(row["note"])
    cells = pd.DataFrame([{h: write(row) for h, write in writing.items()} for row in every[:ROWS]])
    about = ", ".join(
        ("compared with " if c == "reference" else "") + _cell(c, every[0], counts=one.counts, words=words)
        for c in same
    )
    below = [f"{len(every):,} rows." if len(every) <= ROWS else f"The first {ROWS} of {len(every):,} rows."]
    if not every:
        below += [
            f"Here {c} is one of {', '.join(map(str, table[c].cat.categories))}." for c in _chosen_by(table)
        ]
    if "method" in table and every:
        below.append(f"Methods: {'; '.join(table['method'].astype(str).unique())}.")
    if one.policy.protects:
        below.append(f"{one.hidden:,} of {len(every) * len(one.counts):,} counts hidden.")
    below += [f"{m}: {said}." for m, said in wording.MARKS.items() if cells.isin([m]).any().any()]
    below += [f"Source: {one.source}."] if one.source else []
    return _headed(one.policy.heading, about, _html(cells), " ".join(below))


def _labels(table: pd.DataFrame) -> list[str]:
    """List the columns that say what a row is, not how many."""
    numbers = ("events", "denominator", "reference_events", "reference_denominator", *VALUES, "p_value")
    return [c for c in table.columns if c not in (*numbers, "years", "method", "note")]


def _chosen_by(table: pd.DataFrame) -> list[str]:
    """List the columns whose possible values are known though no row is left: a mistyped one is then found."""
    return [c for c in ("area", "stage", "group") if c in table and table[c].dtype == "category"]


def _cell(column: str, row: Mapping, *, counts: tuple[str, ...], words: Any) -> str:
    """Write one cell in words, or the mark that stands for it."""
    from . import wording

    value = row[column]
    if column == "year":
        return words.when(dict(row) | {"years": row.get("years", 1)})
    written = {"stage": words.stage, "base": words.stage, "group": words.group, "measure": wording.measure}
    if isinstance(value, bool) or not isinstance(value, int | float):
        return written.get(column, wording.clean)(value)
    if value != value:
        return wording.missing(column, row, counts)
    if column in counts or column.endswith(("events", "denominator")):
        return wording.count(value)
    return wording.signed(f"{value:.3g}")


def _estimate(row: Mapping) -> str:
    """Write a measure with its interval."""
    from . import wording

    kind, value = str(row.get("measure", "")), row["estimate"]
    if value != value:
        return wording.missing("estimate", row)
    if row.get("note") == "reference":
        return f"{wording.number(value, kind)} (reference)"
    return f"{wording.number(value, kind)} ({wording.interval(row['low'], row['high'], kind, row.get('note', ''))})"


def _why(note: object) -> str:
    """Say in words what a note means."""
    from .vocabulary import NOTES

    return "; ".join(NOTES.get(code, code) for code in str(note).split())


def frame(table: pd.DataFrame) -> str:
    """Lay out a plain table as pandas does, headed as working figures where it holds true counts or children.

    Parameters
    ----------
    table : DataFrame
        Anything.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> import pandas as pd
    >>> "not for publication" in frame(pd.DataFrame({"events": [3]}))
    True
    >>> "not for publication" in frame(pd.DataFrame({"area": ["Islington"]}))
    False
    """
    from .policies import WORKING

    names = {str(name) for name in (*table.columns, *table.index.names)}
    shown = table._repr_html_() or f"<pre>{html.escape(repr(table))}</pre>"
    return _headed(WORKING.heading if names & COUNTED else "", "", shown, "")


def study(one: Study) -> str:
    """Lay out what a study holds: its areas, years and groups, and how many rows of which table.

    Parameters
    ----------
    one : Study
        From ``load.study``.

    Returns
    -------
    str
        HTML. Numbers are of rows, over all areas and years.

    Examples
    --------
    >>> from ysj_analysis import load
    >>> "Islington" in study(load.study("data/synthetic"))
    True
    """
    import pandas as pd

    from . import wording
    from .policies import WORKING
    from .vocabulary import TABLES, period_label

    held = {name: getattr(one, name) for name in TABLES}
    first, last = (period_label(year, 1, one.period) for year in one.years)
    lines = {
        "Areas": wording.join(list(one.areas)),
        "Years": first if first == last else f"{first} to {last}",
        "Groups": wording.join([wording.Words.of(one).group(g) for g in one.groups]),
        "Compared with": one.reference,
        "Counted in": one.unit,
        "Tables": wording.join([_rows(name, table) for name, table in held.items() if table is not None]),
        "Not held": wording.join([name for name, table in held.items() if table is None]) or "nothing",
        "Sources": "; ".join(s.get("name", "") for s in one.sources) or "not named in study.toml",
    }
    cells = pd.DataFrame({"": lines.keys(), "This study": lines.values()})
    below = "Next: pipeline.for_report(study, area=..., year=...) counts; load.Study? says what each part is."
    return _headed(WORKING.heading, one.title, _html(cells), below)


def _rows(name: str, table: Any) -> str:
    return f"{name} ({len(table):,} rows)" if hasattr(table, "columns") else f"{name} (stored in a file)"


def _heading(column: str) -> str:
    words = _HEADINGS.get(column, str(column).replace("_", " "))
    return words[:1].upper() + words[1:]


def _html(cells: pd.DataFrame) -> str:
    return cells.to_html(index=False, border=0, classes="dataframe", escape=True)


def _headed(heading: str, about: str, page: str, below: str) -> str:
    """Put what a table is above it, and what was left out below."""
    above = [f"<p><strong>{html.escape(heading)}</strong></p>"] if heading else []
    above += [f"<p>{html.escape(about)}</p>"] if about else []
    return "".join([*above, page, f"<p>{html.escape(below)}</p>" if below else ""])


# -- errors ------------------------------------------------------------------------------------------


def explain(shell: Any, kind: type, error: BaseException, tb: Any, tb_offset: int | None = None) -> None:
    """Show an error in its own words where the kit raised it, and by the call where another package did.

    Parameters
    ----------
    shell : InteractiveShell
        Where it was raised.
    kind : type
        Its class.
    error : exception
        The error.
    tb : traceback
        Its traceback, shown whole after ``%xmode Verbose``, and where nothing of the kit was called.
    tb_offset : int, optional
        Given by IPython.
    """
    lines = [] if shell.InteractiveTB.mode == "Verbose" else message(error, tb)
    if lines:
        error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]  # IPython looks for it
    shell.showtraceback((kind, error, tb), tb_offset=tb_offset)


def message(error: BaseException, tb: Any) -> list[str]:
    """Give the lines that an error is shown by; none where the kit was not called.

    Parameters
    ----------
    error : exception
        The error.
    tb : traceback
        Its traceback.

    Returns
    -------
    list of str
        Its own words, or for an error that another package raised, which function of the kit was called.
    """
    home = str(Path(__file__).parent)
    frames = traceback.extract_tb(tb)
    ours = [f for f in frames if f.filename.startswith(home)]
    name = type(error).__name__
    if not ours:
        return []
    if frames[-1] is ours[-1] and isinstance(error, ValueError | TypeError | RuntimeError | OSError):
        return [f"{name}: {error}"]
    called = next(filter(None, map(_called, ours)), "the kit")
    what = f"there is no {error} in it" if isinstance(error, KeyError) else str(error)
    return [
        f"{name}: {called} cannot use what it was given: {what}.",
        f"Type {called}? for what it takes; run %xmode Verbose and the cell again for where it failed.",
    ]


def _called(frame: traceback.FrameSummary) -> str:
    """Name the function of a frame, unless it is one inside another, such as a decorator's."""
    module = Path(frame.filename).stem
    known = module not in _PASSED and hasattr(sys.modules.get(f"{__package__}.{module}"), frame.name)
    return f"{module}.{frame.name}" if known else ""
