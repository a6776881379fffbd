"""The command line: ``ysj`` or ``python -m ysj_analysis``. Each command is a few calls of the package."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from . import __version__

DONE, INTERNAL, USAGE, REFUSED, LOCKED = 0, 1, 2, 4, 75

# By name, so that an error can be told apart without importing the module that defines it, and so that
# one raised inside a notebook counts the same.
_CODES = {
    "DisclosureError": REFUSED,
    "Locked": LOCKED,
    "DataError": USAGE,
    "ParameterError": USAGE,
    "CycloptsError": USAGE,
    "NotebookError": INTERNAL,
    "FileExistsError": USAGE,
    "FileNotFoundError": USAGE,
    "PermissionError": USAGE,
}

app = App(
    name="ysj",
    version=__version__,
    help="Ethnic disproportionality in youth justice: relative rates, disclosure control, the annual report.\n\n"
    "With --debug an error comes with its traceback.",
    help_format="plaintext",
    version_flags=["--version"],
)

Settings = Annotated[list[str] | None, Parameter(name=["--parameter", "-p"], negative="", help="KEY=VALUE")]


@app.command
def report(
    notebook: str = "annual_report",
    /,
    *,
    data: Path | None = None,
    area: str | None = None,
    year: int | None = None,
    out: Path = Path("reports"),
    to: str = "html",
    parameter: Settings = None,
    edition: Literal["public", "restricted"] = "public",
    date: str | None = None,
    timeout: int = 600,
) -> int:
    """Render one report and print the path of its page.

    Example: ysj report --data data/synthetic --area Islington --year 2023

    Parameters
    ----------
    notebook : str
        A notebook of the kit by its name, or any other by its path.
    data : path
        The study folder; by default the notebook's own, data/synthetic.
    area : str
        The youth justice service; by default the study's first.
    year : int
        The last year, by the April it starts in; by default the study's last.
    out : path
        Folder of all reports; this one becomes OUT/area/year/notebook/.
    to : str
        Formats, separated by commas.
    parameter : list of str
        A parameter of the notebook as KEY=VALUE; may be repeated. Lists are separated by commas.
    edition : str
        The restricted edition shows true counts and is marked OFFICIAL-SENSITIVE.
    date : str
        Date to print, as YYYY-MM-DD.
    timeout : int
        Seconds one cell may take.
    """
    given = {key: value for key, value in (("area", area), ("year", year)) if value is not None}
    folder = _rendered(
        notebook,
        to,
        data=data,
        out=out,
        parameters=given,
        text=_pairs(parameter),
        edition=edition,
        date=date,
        timeout=timeout,
    )
    print(next(folder.glob("index*.html")))
    return DONE


@app.command
def court_paragraph(
    *,
    group: str,
    stage: str,
    data: Path | None = None,
    area: str | None = None,
    year: int | None = None,
    years: int = 5,
    reference: str = "",
    out: Path = Path("reports"),
    to: str = "html",
    date: str | None = None,
) -> int:
    """Print the paragraph of local figures for a pre-sentence, bail or breach report.

    Example: ysj court-paragraph --group Black --stage custody --area Islington --year 2023

    It is also written as a report, whose counts are checked like any other's. Where there are too few
    children, the figures are those of all areas of the study together, and say so; exit 4 if these are
    too few as well.

    Parameters
    ----------
    group : str
        The ethnic group it is about.
    stage : str
        The decision, such as custody, yda or bail.
    data : path
        The study folder; by default data/synthetic.
    area : str
        The youth justice service; by default the study's first.
    year : int
        The last year, by the April it starts in; by default the study's last.
    years : int
        How many years are pooled.
    reference : str
        The group compared with; by default the study's own.
    out : path
        Folder of all reports.
    to : str
        Formats of the report, separated by commas.
    date : str
        Date to print, as YYYY-MM-DD.
    """
    from json import loads

    given = {
        "group": group,
        "stage": stage,
        "years": years,
        "reference": reference,
        "area": area,
        "year": year,
    }
    folder = _rendered(
        "court_paragraph",
        to,
        data=data,
        out=out,
        parameters={k: v for k, v in given.items() if v is not None},
        date=date,
    )
    print(*loads((folder / "manifest.json").read_text(encoding="utf-8"))["paragraph"], sep="\n\n")
    print(f"Also in {folder}", file=sys.stderr)
    return DONE


def _rendered(notebook: str, to: str, **named) -> Path:
    """Render a report in the formats asked for, or refuse one that does not exist."""
    from .parameters import ParameterError
    from .report import FORMATS, render

    if unknown := [name for name in to.split(",") if name.strip() not in FORMATS]:
        raise ParameterError(f"--to {unknown[0]} cannot be made; the formats are: {', '.join(FORMATS)}.")
    return render(notebook, **named)


@app.command
def measure(
    counts: Path,
    /,
    *,
    reference: str = "White",
    population: Path | None = None,
    out: Path | None = None,
    edition: Literal["working", "public"] = "working",
) -> int:
    """Print the relative rates, with intervals, of any table of counts.

    Example: ysj measure counts.csv --reference White --population population.csv

    Parameters
    ----------
    counts : path
        CSV with the columns area, year, stage, group, events and, if known, denominator.
    reference : str
        The group the others are compared with; also all-others or overall.
    population : path
        CSV with the columns area, year, group and population, for rates of the population.
    out : path
        Write a CSV here instead of printing.
    edition : str
        Working figures are for your own screen; public ones pass the disclosure rules.
    """
    from . import disclosure, load, measures, pipeline, present
    from .printout import aligned

    table = pipeline.stage_counts(load.of_counts(counts, population))
    known = table.groupby(["stage", "base"], observed=True)["denominator"].transform("count") > 0
    if not known.all():  # a stage without any denominator has no rate; say what would give it one
        print("No rates of the population: give it with --population.", file=sys.stderr)
        table = table[known]
    shown = disclosure.working(table) if edition == "working" else disclosure.release(table)
    shown = shown.measure(measures.relative_rates, reference=reference)
    if out is None:
        print(aligned(shown))
    else:
        out.write_text(present.csv(shown.table, shown.counts), encoding="utf-8", newline="")
        print(f"{out} ({shown.policy.heading})", file=sys.stderr)
    return DONE


@app.command
def convert(
    format: str,
    files: list[Path] | None = None,
    /,
    *,
    out: Path | None = None,
    mapping: Path | None = None,
    draft_mapping: Annotated[bool, Parameter(negative="")] = False,
    parameter: Settings = None,
) -> int:
    """Convert real files to a study folder, with a ledger of what was removed.

    Example: ysj convert census-2021 census.csv --out data/census

    Parameters
    ----------
    format : str
        What the files are; an unknown one lists those that exist.
    files : list of path
        The files of that format, in any order.
    out : path
        The folder to make; with --draft-mapping the file to write instead of printing.
    mapping : path
        What the columns and codes of a case-management export mean.
    draft_mapping : bool
        Look at a case-management export and propose its mapping: ysj convert --draft-mapping FILE...
    parameter : list of str
        An option of the format as KEY=VALUE; may be repeated.
    """
    from . import sources

    if draft_mapping:
        return _draft(format, files or [], out)
    if out is None:
        raise ValueError("--out FOLDER is missing: the study folder to make.")
    options = _pairs(parameter) | ({"mapping": str(mapping)} if mapping else {})
    print(sources.convert(format, files or [], out, **options))
    return DONE


def _draft(first: str, others: list[Path], out: Path | None) -> int:
    """Print or write the draft of a mapping; the name of the format may stand before the files."""
    from .draft_mapping import draft

    text = draft([*([] if first == "case-export" else [first]), *others])
    if out is None:
        print(text, end="")
        return DONE
    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise FileExistsError(f"{out} is already there, and nothing was written. Name a new file.") from None
    print(out)
    return DONE


@app.command
def check(folder: Path, /, *, every: Annotated[bool, Parameter(name="--all", negative="")] = False) -> int:
    """Say whether a study folder can be used, what is in it, and how far it can be trusted.

    Example: ysj check data/synthetic

    Parameters
    ----------
    folder : path
        The study folder.
    every : bool
        A line for each check and stage, those that found nothing too.
    """
    from . import disclosure, load, pipeline, quality, quality_sentences
    from .vocabulary import TABLES
    from .wording import Words, clean

    study = load.study(folder)
    title = clean(study.title)
    words, table = Words.of(study), quality.profile(study)
    unusable = table[table["severity"].eq(quality.SEVERITIES[0])]
    print(f"{title}: {'can be used' if unusable.empty else 'cannot be used'}.")
    print(f"  areas   {clean(', '.join(study.areas))}")
    print(f"  years   {study.years[0]} to {study.years[1]} ({study.period})")
    print(f"  groups  {clean(', '.join(study.groups))} (census base: {study.base})")
    for name in TABLES:
        if (rows := getattr(study, name)) is not None:
            print(f"  {name:<11}{len(rows):>9,} rows")
    shown = disclosure.working(table)
    print("", *quality_sentences.lines(shown, words, every=every), sep="\n")
    if study.events is not None or study.counts is not None:
        drift = disclosure.working(quality.drift(pipeline.stage_counts(study), stages=study.stages))
        print(*quality_sentences.some(quality_sentences.jumps(drift, words), every=every), sep="\n")
    print("", *quality_sentences.findings(shown, words), sep="\n")
    for row in unusable.to_dict("records"):
        where = f"{row['events']:,.0f} of {row['denominator']:,.0f} {row['unit']}"
        print(f"{title} cannot be used: {row['check']}, {where}. {row['remedy']}", file=sys.stderr)
    return DONE if unusable.empty else USAGE


@app.command
def synth(
    *, out: Path, seed: int | None = None, messy: Annotated[bool, Parameter(negative="")] = False
) -> int:
    """Write a synthetic study whose true relative rates are known.

    Example: ysj synth --out data/synthetic --seed 1

    Parameters
    ----------
    out : path
        The folder to make.
    seed : int
        The same seed gives the same bytes.
    messy : bool
        Write a damaged case-management export instead, with its mapping and what is true under the damage.
    """
    from . import messy as damaged
    from . import synthetic

    write = damaged.write if messy else synthetic.write
    print(write(out) if seed is None else write(out, seed=seed))
    return DONE


@app.command
def attack(
    folders: list[Path] | None = None,
    /,
    *,
    spec: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Try to work out what reports hide, across all of their files together; exit 4 if it can.

    Example: ysj attack reports/islington/2022 reports/islington/2023

    Parameters
    ----------
    folders : list of path
        Report folders, or folders above them; all are attacked together.
    spec : path
        A description, in TOML, of someone else's published table (docs/attack.md).
    json : bool
        Print JSON instead of a table.
    """
    from json import dumps

    from .attack import attack

    result = attack(folders or [], spec=spec)
    print(dumps(result.plain(), indent=2, ensure_ascii=False) if json else result.text())
    return REFUSED if result.succeeded else DONE


@app.command
def lab() -> int:
    """Open JupyterLab on the exploration notebook.

    Example: ysj lab
    """
    import importlib.util
    import subprocess

    from .request import find_notebook

    notebook = find_notebook("explore")
    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError(
            "JupyterLab is not installed. Install the kit with its lab extra: pip install .[lab]"
        )
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(notebook)])


def _pairs(settings: list[str] | None) -> dict[str, str]:
    """Read KEY=VALUE settings."""
    pairs: dict[str, str] = {}
    for setting in settings or []:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"-p {setting!r} is not of the form KEY=VALUE.")
        if key.strip() in pairs:
            raise ValueError(f"-p {key.strip()} is given twice.")
        pairs[key.strip()] = value
    return pairs


def _exit_code(error: BaseException) -> int:
    """Exit code of an error, by the name of its class or of the one raised in the notebook."""
    names = [getattr(error, "cause", ""), *(kind.__name__ for kind in type(error).__mro__)]
    ours = traceback.extract_tb(error.__traceback__)[-1].filename.startswith(str(Path(__file__).parent))
    argument = USAGE if type(error) is ValueError and ours else INTERNAL  # others' ValueErrors are faults
    return next((_CODES[name] for name in names if name in _CODES), argument)


def _explain(error: BaseException, code: int) -> str:
    if isinstance(error, CycloptsError):
        return f"{error}\nSee ysj --help."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if code != INTERNAL or hasattr(error, "detail"):
        return str(error)
    return f"Internal error: {type(error).__name__}: {error}\nRun again with --debug and report it."


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; errors are one block on standard error."""
    sys.modules.setdefault("rfc3987_syntax", None)  # seconds of imports that nothing here needs
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    _end_cleanly_when_stopped()
    try:
        return app(arguments, exit_on_error=False, print_error=False, result_action="return_value") or DONE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        code = _exit_code(error)
        print(_explain(error, code), file=sys.stderr)
        if debug:
            print(getattr(error, "detail", "") or traceback.format_exc(), file=sys.stderr)
        return code


def _end_cleanly_when_stopped() -> None:
    """Let a polite request to stop unwind: kernels end and nothing half-made stays."""
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    except ValueError:  # not the main thread
        return


if __name__ == "__main__":
    sys.exit(main())
