"""How does a raw export become a study? The steps of ``bring_your_data``, each one call and one line of result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import messy, sources
from .draft_mapping import draft as drafted
from .load import DataError

UNDECIDED = '"?"'


@dataclass(frozen=True)
class Export:
    """An export, the folder to work in, and the mapping that says what it means.

    Attributes
    ----------
    files : tuple of Path
        The files of the export.
    folder : Path
        Where the mapping, the key and the study go.
    """

    files: tuple[Path, ...]
    folder: Path

    @property
    def mapping(self) -> Path:
        """The mapping file."""
        return self.folder / "mapping.toml"

    @property
    def study(self) -> Path:
        """The study folder to be made."""
        return self.folder / "study"

    def __repr__(self) -> str:
        return f"Export of {len(self.files)} files: {', '.join(f.name for f in self.files)}"


def export(files: list[str], folder: str) -> Export:
    """Name the files of an export; a made-up one, of no real child, where none is named.

    Parameters
    ----------
    files : list of str
        Paths; empty to try the steps on a made-up export.
    folder : str
        Where to work; ``~`` is the home folder. A private one, not inside a Git repository: the key goes there.

    Returns
    -------
    Export
        What the next steps take.

    Raises
    ------
    DataError
        If a file is not there.
    """
    place = Path(folder).expanduser()
    if not files:
        made = place / "made-up export"
        if not made.is_dir():
            messy.write(made)
        files = [str(f) for f in sorted(made.glob("*.csv"))]
        if not (place / "mapping.toml").exists():
            (place / "mapping.toml").write_bytes((made / "mapping.toml").read_bytes())
    paths = tuple(Path(f) for f in files)
    if gone := [p.name for p in paths if not p.is_file()]:
        raise DataError(
            f"{len(gone)} of {len(paths)} files of the export are not there. First: {gone[0]}. Give whole paths, "
            "or put the files beside this notebook."
        )
    place.mkdir(parents=True, exist_ok=True)
    return Export(paths, place)


def propose(what: Export) -> str:
    """Draft the mapping, unless there is one, and say what it leaves open.

    Parameters
    ----------
    what : Export
        From :func:`export`.

    Returns
    -------
    str
        Where the mapping is, and how many lines are yours to decide.
    """
    if not what.mapping.exists():
        what.mapping.write_text(drafted(list(what.files)), encoding="utf-8", newline="\n")
    text = what.mapping.read_text(encoding="utf-8")
    open_lines = [line.strip() for line in text.splitlines() if UNDECIDED in line.partition("#")[0]]
    left = "Nothing is left to decide." if not open_lines else f"{len(open_lines)} lines are yours to decide:"
    return "\n".join([f"The mapping is {what.mapping.name}, in {what.folder.name}. {left}", *open_lines])


def convert(what: Export) -> str:
    """Convert the export by its mapping, unless that was done before.

    Parameters
    ----------
    what : Export
        From :func:`export`, its mapping decided.

    Returns
    -------
    str
        Where the study is. Its ledger says what was removed, changed or assumed: ``pipeline.ledger``.

    Raises
    ------
    DataError
        If the mapping leaves something open, or a label is not in it: the message says the lines to add. If there
        is a study already, and the mapping or the export has changed since.
    """
    if not what.study.exists():
        key = what.folder / "ysj.key"
        options = {"mapping": str(what.mapping), "key": str(key)} | (
            {} if key.exists() else {"new_key": "yes"}
        )
        sources.convert("case-export", list(what.files), what.study, **options)
    made = (what.study / "ledger.csv").stat().st_mtime
    if later := [p.name for p in (what.mapping, *what.files) if p.stat().st_mtime > made]:
        raise DataError(
            f"{what.study.name}/ in {what.folder.name}/ was made before {later[0]} was last changed. Rename or remove "
            f"{what.study.name}/, then run this cell again."
        )
    return f"The study is {what.study.name}/, in {what.folder.name}."
