"""How is a study written down? Tables, `study.toml` and a ledger, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from .label_mapping import FILE as LABELS
from .tables import DataError
from .vocabulary import Stage

LEDGER = ("step", "what", "why", "removed", "left")


@dataclass
class Ledger:
    """What was removed, changed or assumed on the way, one line each.

    Examples
    --------
    >>> ledger = Ledger()
    >>> ledger.add("read", "45 records of intake.json", "as they are", left=45)
    >>> ledger.table()
       step                       what          why  removed  left
    0  read  45 records of intake.json  as they are        0    45
    """

    lines: list[tuple[str, str, str, int, int]] = field(default_factory=list)

    def add(self, step: str, what: str, why: str, *, removed: int = 0, left: int) -> None:
        """Add a line.

        Parameters
        ----------
        step : str
            Where in the conversion.
        what, why : str
            What was done, and the reason.
        removed, left : int
            How many rows, records or cells it took away, and how many stayed.
        """
        self.lines.append((step, what, why, int(removed), int(left)))

    def table(self) -> pd.DataFrame:
        """Return the ledger as a table of `LEDGER` columns."""
        return pd.DataFrame(self.lines, columns=list(LEDGER))


@dataclass(frozen=True)
class Source:
    """Where figures came from: its name, its date, and what to know about it."""

    name: str
    date: str
    note: str


@dataclass(frozen=True)
class StudyFolder:
    """Everything a study folder holds, before it is written.

    Attributes
    ----------
    title : str
        What the study is.
    areas : list of str
        Areas, in the order to print them.
    ethnicity_base : {"2001", "2011", "2021", "own"}
        The census base of the groups; ``own`` when the study names its groups itself.
    reference : str
        The group the others are compared with unless another is asked for.
    period : {"financial", "calendar", "academic", "december"}
        The kind of year.
    years : tuple of int
        First and last year.
    tables : mapping of str to DataFrame
        Canonical tables by name.
    ledger : Ledger
        What was removed, changed or assumed.
    sources : list of Source
        Where the figures came from.
    groups : list of str
        The study's own groups, in order; only with the base ``own``.
    unit : str
        What a count counts; empty when the tables hold no counts.
    vintage : str
        Which census or estimate the population rests on; empty when there is none.
    stages : list of Stage
        The study's own stage graph; empty for the graph of England and Wales.
    ethnicity_source : {"self", "officer", "school", "unknown", ""}
        Whose word the counted groups are; empty where the source does not say, or the study counts what
        children said.
    labels : DataFrame, optional
        What each label of ethnicity was read as, from ``label_mapping``.
    """

    title: str
    areas: list[str]
    ethnicity_base: str
    reference: str
    period: str
    years: tuple[int, int]
    tables: Mapping[str, pd.DataFrame]
    ledger: Ledger
    sources: list[Source]
    groups: list[str] = field(default_factory=list)
    unit: str = ""
    vintage: str = ""
    stages: list[Stage] = field(default_factory=list)
    ethnicity_source: str = ""
    labels: pd.DataFrame | None = None

    def settings(self) -> dict:
        """Return the content of `study.toml`."""
        plain = {
            "title": self.title,
            "areas": self.areas,
            "ethnicity_base": self.ethnicity_base,
            "ethnicity_source": self.ethnicity_source,
            "groups": self.groups,
            "reference": self.reference,
            "unit": self.unit,
            "period": self.period,
            "years": list(self.years),
        }
        tables = {
            "population": {"vintage": self.vintage} if self.vintage else {},
            "sources": [asdict(source) for source in self.sources],
            "stages": [asdict(stage) for stage in self.stages],
        }
        return {key: value for key, value in (plain | tables).items() if value not in ("", [], {})}

    def write(self, out: str | Path) -> Path:
        """Write the folder, whole or not at all.

        Parameters
        ----------
        out : path
            The folder to make. Its parent is made when absent.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        DataError
            When ``out`` is a file, or a folder that holds anything.
        """
        with whole_folder(out) as part:
            files = {f"{name}.csv": table for name, table in self.tables.items()}
            if self.labels is not None:
                files[LABELS] = self.labels
            for name, table in (files | {"ledger.csv": self.ledger.table()}).items():
                table.to_csv(part / name, index=False, lineterminator="\n", encoding="utf-8")
            (part / "study.toml").write_text(toml(self.settings()), encoding="utf-8", newline="\n")
        return Path(out)


@contextmanager
def whole_folder(out: str | Path) -> Iterator[Path]:
    """Make a folder whole or not at all: fill the one given, and it is put in place at the end.

    Parameters
    ----------
    out : path
        The folder to make. Its parent is made when absent; it may exist if it is empty.

    Yields
    ------
    Path
        A hidden folder beside it, to fill. When anything fails, nothing is left of it.

    Raises
    ------
    DataError
        When ``out`` is a file, or a folder that holds anything.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(
            f"{out.name} is already there and is not an empty folder, and nothing was written.\n"
            "Name a folder that does not exist yet, or move this one away."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield part
        part.chmod(0o755)
        if out.exists():
            out.rmdir()
        os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def toml(settings: Mapping) -> str:
    r"""Write settings as TOML; `tomllib` reads them back unchanged.

    Parameters
    ----------
    settings : mapping of str to value
        Values are text, whole numbers, flags, lists of these, a table (mapping) of these, or a list
        of such tables.

    Returns
    -------
    str
        TOML, tables last, as its grammar wants.

    Raises
    ------
    ValueError
        For any other value.

    Examples
    --------
    >>> print(toml({"title": 'A "study"', "years": [2011, 2019], "stages": [{"id": "intake"}]}))
    title = "A \"study\""
    years = [2011, 2019]
    <BLANKLINE>
    [[stages]]
    id = "intake"
    <BLANKLINE>
    """
    lines: list[str] = []
    tables: list[str] = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            tables += ["", f"[{_word(key)}]", *_pairs(value)]
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            tables += [line for item in value for line in ("", f"[[{_word(key)}]]", *_pairs(item))]
        else:
            lines += _pairs({key: value})
    return "\n".join([*lines, *tables, ""])


def _pairs(table: Mapping) -> Iterable[str]:
    return [f"{_word(key)} = {_value(value)}" for key, value in table.items()]


def _word(key: str) -> str:
    return key if key.isascii() and key.replace("_", "").isalnum() else _value(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            # The escapes of JSON are escapes of TOML too; TOML also wants DEL escaped, and it knows no
            # half of a surrogate pair, so that encoding fails here rather than when it is read.
            value.encode("utf-8")
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
        case list():
            return f"[{', '.join(_value(item) for item in value)}]"
    raise ValueError(f"study.toml holds text, whole numbers, flags and lists of them, not {value!r}.")
