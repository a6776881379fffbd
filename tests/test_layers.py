"""The order of the rooms: each module imports only from modules earlier in one written list."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import ysj_analysis

PACKAGE = Path(ysj_analysis.__file__).parent
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")

# The flow of the kit, from the words to the command line. A star stands for a family of modules that
# together answer one question; they may use each other, but not in a circle.
ORDER = """
    vocabulary                                          which words do we use?
    reading once absent tables                                  is a table usable, and typed?
    ages calendar_periods code_lists          ages, dates and labels as people write them
    ethnicity ethnicity_source label_mapping boundaries calibration

    synthetic*                                          data with a known truth

    case_fields pseudonyms study_folder source_files    how do the files people have become our tables?
    spreadsheet_* workbook case_* police_uk_files
    published_values yjb_* source_* draft_* messy* sources

    large_numbers large large_arrays large_counts large_sql large_faults large_ids large_arrow large_files
    bases settings canonical load                       what data is there?
    rebasing filled_years denominators attach            out of how many, on which base?
    windows from_events from_counts pathways pipeline   who reached each stage, out of whom?

    _limits _p_values _cells _odds _enumerated          how sure?
    one_group two_groups strata intervals
    references countable formulas many measures         how large is the difference?
    comparators clusters
    drift profile_* profiles quality                    how far can the data be trusted?

    officer_defined allocation imputation unknowns      what if the unknown were known?
    homogeneity stratification standardisation          what remains when like is compared with like?
    adjusted_cells adjusted_likelihood firth adjusted* like_cases adultification intersections model_parts models
    path_limits path_rows composition oaxaca decompose            where does the gap open?
    _series _chart_limits charts periods power          is it moving, and is it real?
    shrinkage trends monitor actions action_plan
    field_stages field_counts                           what more is asked at each step of the way?
    remand custody out_of_court entrants survival timeliness
    reoffending support cross_borough
    search_selection searches search_objects complaints                who was stopped and searched?

    policies joint_facts joint_names audit_hidden printed_measures   what may be shown?
    disclosure attack*
    joint_windows joint_system joint_audit joint_repair joint_advice   can anything hidden be worked out?
    wording terms datafile table_layout present drawing figures printout   how do we say it and draw it?
    sentence_parts coverage_sentences sentences plain_words unknown_sentences contrast_sentences court_paragraph
    model_sentences decompose_sentences adultification_sentences action_sentences action_figures part_figures
    quality_sentences quality_figures series_figures
    early_warning flag_sentences
    matched field live_cohort field_sentences follow_up_sentences search_sentences
    printed published plan                              what has been printed by others?

    shell engine
    kernel parameters execution content lengths numbering citations page document_* documents   how is it rendered?
    publication request editions joint_release manifest
    inspection report_folder report verify
    explorer wizard screen                              what does it look like, on one's own screen?
    exit_codes batch*
    command_settings commands_* commands __main__
"""


def names(order: str) -> list[str]:
    """The modules and families of the list: words before two spaces, line by line."""
    return [name for line in order.splitlines() for name in re.split(r"\s{3,}", line.strip())[0].split()]


NAMES = names(ORDER)


def place(module: str) -> int | None:
    """Where a module stands: by its own name, or else by its family's."""
    if module in NAMES:
        return NAMES.index(module)
    return next((i for i, name in enumerate(NAMES) if "*" in name and fnmatchcase(module, name)), None)


def imported(module: str) -> set[str]:
    """The modules of the package that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            found |= {node.module.split(".")[0]} if node.module else {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ysj_analysis"):
            found |= {node.module.split(".")[1]} if "." in node.module else {a.name for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("ysj_analysis.")}
    return found & set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_earlier_ones(module):
    here = place(module)
    assert here is not None, f"{module}.py is not in the list. Add it to ORDER, where its room is."
    later = [other for other in imported(module) if place(other) is None or place(other) > here]
    assert not later, f"{module} imports {', '.join(later)}, later in the list."
    assert module not in imported(module)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_what_others_offer_and_not_what_they_keep(module):
    code = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    taken = [
        a.name
        for n in ast.walk(code)
        if isinstance(n, ast.ImportFrom) and n.level and n.module
        for a in n.names
    ]
    assert not [name for name in taken if name.startswith("_") and not name.startswith("__")]


def test_no_circle_within_a_family():
    waiting = {m: imported(m) for m in MODULES}
    while ready := [m for m, needs in waiting.items() if not needs & set(waiting)]:
        for module in ready:
            del waiting[module]
    assert not waiting


def test_the_list_has_nothing_that_is_not_there():
    assert len(NAMES) == len(set(NAMES))
    assert [name for name in NAMES if not any(fnmatchcase(m, name) for m in MODULES)] == []


# -- imports are quick -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module", ["ysj_analysis", "ysj_analysis.measures", "ysj_analysis.pipeline", "ysj_analysis.__main__"]
)
def test_importing_does_not_bring_in_what_is_slow(module):
    code = (
        f"import sys, {module}\n"
        "slow = {'statsmodels', 'seaborn', 'matplotlib', 'papermill', 'nbconvert', 'IPython'}\n"
        "print(' '.join(sorted(slow & {name.split('.')[0] for name in sys.modules})))"
    )
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (out.returncode, out.stdout.strip()) == (0, ""), out.stderr


# -- documentation -----------------------------------------------------------------------------------

DOCUMENTED = """
    reading tables canonical load settings windows from_events from_counts pipeline
    references countable formulas many measures decompose quality
"""


def public():
    """The public functions of these modules that take arguments."""
    for name in DOCUMENTED.split():
        module = importlib.import_module(f"ysj_analysis.{name}")
        for label, thing in vars(module).items():
            if (
                inspect.isfunction(thing)
                and not label.startswith("_")
                and thing.__module__ == module.__name__
            ):
                yield pytest.param(thing, id=f"{name}.{label}")


@pytest.mark.parametrize("function", list(public()))
def test_a_public_function_says_what_it_takes_and_gives(function):
    text = inspect.getdoc(function) or ""
    assert re.match(r"[A-Z][^\n]+[.?]\n*", text), "no summary line"
    assert "Parameters\n----------" in text
    documented = re.search(r"Parameters\n-+\n(.*?)(\n\n[A-Z]\w+\n-|\Z)", text, re.S)[1]
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^(.*, )?{parameter}(, .*)?( :|$)", documented, re.M), (
            f"{parameter} is not documented"
        )
    assert re.search(r"(Returns|Raises|Yields)\n---", text)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
