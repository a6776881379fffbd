"""Can what a report hides be worked out? Our own motivated intruder.

It knows the rule and the code, reads only the files that were given out, and shares nothing with the modules
that made them: its own reading, its own arithmetic, its own integer program. For every number of children
that could be small it finds the smallest and largest value that all the files together allow.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import attack_reading, attack_ties
from .attack_facts import MOST, Cell, Release
from .attack_program import Program
from .attack_solve import Contradiction, Part, Solver, doubted, narrowed, parts

PINNED = 2
"""A range this wide or narrower counts as worked out: exactly, to one, or to two."""

_EXPLAINED = 15
_HIDDEN = 7
_WORDS = {0: "exactly", 1: "to one", 2: "to two"}


@dataclass(frozen=True)
class Finding:
    """A small number that can be worked out, between which values, and from what.

    Attributes
    ----------
    cell : Cell
        Which number.
    low, high : int
        The smallest and largest value it can have.
    sources : tuple of str
        The printed numbers that are enough to work it out; empty if not looked for.
    guess : bool
        Whether it rests on which of several marks hide a count that is not small: then others may be so,
        and nobody can know it to be true.
    """

    cell: Cell
    low: int
    high: int
    sources: tuple[str, ...] = ()
    guess: bool = False

    @property
    def how(self) -> str:
        """Say how closely: exactly, to one or to two."""
        return _WORDS[self.high - self.low]


@dataclass
class Attack:
    """What came of it.

    Attributes
    ----------
    findings : list of Finding
        Every small number worked out, the closest first, and guesses last.
    narrowed : int
        How many numbers above ``small``, but hidden, are known as closely.
    tried : int
        How many numbers could be small.
    facts : int
        How many printed numbers were used.
    recomputed : int
        How many figures follow from printed counts and so add nothing.
    doubted : int
        How many ``[c]``, at the least, must hide a count that is not small.
    unread : list of str
        What was seen and not used.
    finer : list of str
        Numbers said, drawn or coloured that no table prints.
    contradictions : list of str
        Cells about which the files contradict each other; nothing is said of them or what they touch.
    """

    findings: list[Finding] = field(default_factory=list)
    narrowed: int = 0
    tried: int = 0
    facts: int = 0
    recomputed: int = 0
    doubted: int = 0
    unread: list[str] = field(default_factory=list)
    finer: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether anything was worked out that is more than a guess."""
        return any(not f.guess for f in self.findings)

    def text(self) -> str:
        """Write the result as a table to read."""
        lines = [
            f"Tried to work out {self.tried:,} numbers that could be small, from {self.facts:,} printed ones; "
            f"{self.recomputed:,} more figures follow from printed counts and add nothing."
        ]
        sure = [f for f in self.findings if not f.guess]
        counts = [sum(f.how == w for f in sure) for w in _WORDS.values()]
        if not sure:
            lines.append("None could be worked out exactly, to one or to two.")
        else:
            lines.append(
                f"{len(sure)} worked out: {counts[0]} exactly, {counts[1]} to one, {counts[2]} to two."
            )
        if self.doubted:
            lines.append(
                f"At least {self.doubted} [c] hide a count that is not small. If no more do so than must, "
                f"{len(self.findings) - len(sure)} numbers can be guessed, which may be wrong."
            )
        if self.narrowed:
            lines.append(
                f"{self.narrowed} more are known as closely, but are larger than what could point to a child."
            )
        for f in self.findings:
            value = f"{f.low}" if f.low == f.high else f"{f.low} to {f.high}"
            lines.append(f"\n{'a guess' if f.guess else f.how:<8} {value:>7}  {f.cell}")
            lines += [f"{'':18}from {s}" for s in f.sources]
        unread = defaultdict(list)
        for place, _, why in (u.partition(": not used; ") for u in self.unread):
            unread[why].append(place)
        held = [f"{why}: {len(places)} of these, the first {places[0]}" for why, places in unread.items()]
        for heading, said in (
            ("Contradictory", self.contradictions),
            ("In no table", self.finer),
            ("Not used", held),
        ):
            if said:
                lines.append(f"\n{heading}:")
                lines += [textwrap.fill(h, 110, initial_indent="  ", subsequent_indent="    ") for h in said]
        return "\n".join(lines)

    def plain(self) -> dict:
        """Give the result as plain values, for JSON."""
        return {
            "worked_out": [
                {
                    "cell": str(f.cell),
                    "what": f.cell.what,
                    "unit": f.cell.unit,
                    **dict(f.cell.dims),
                    "window": f.cell.window,
                    "low": f.low,
                    "high": f.high,
                    "how": f.how,
                    "guess": f.guess,
                    "from": list(f.sources),
                }
                for f in self.findings
            ],
            "narrowed": self.narrowed,
            "tried": self.tried,
            "facts": self.facts,
            "recomputed": self.recomputed,
            "doubted": self.doubted,
            "contradictions": self.contradictions,
            "in_no_table": self.finer,
            "not_used": self.unread,
        }


def attack(folders: Sequence[Path] = (), *, spec: Path | None = None) -> Attack:
    """Try to work out what reports hide, across all of their files together.

    Parameters
    ----------
    folders : sequence of path
        Report folders; a folder of reports stands for all in it.
    spec : path, optional
        A description of someone else's tables (``docs/attack.md``), attacked together with them.

    Returns
    -------
    Attack
        What could be worked out.

    Raises
    ------
    ValueError
        If there is nothing to attack, a folder is not a public report, or the spec cannot be used.
    """
    release = Release(small=0)
    for folder, name in _names(found(folders)).items():
        release.add(attack_reading.report(folder, name))
    attack_ties.tied(release)
    if spec is not None:
        from . import attack_spec

        release.add(attack_spec.read(Path(spec)))
    if not release.counts and not release.figures:
        raise ValueError("0 tables to attack: name a report folder, or describe a table with --spec.")
    return work_out(release)


def found(folders: Sequence[Path]) -> list[Path]:
    """List the report folders in what was named, each once; restricted ones are left out of a search.

    Parameters
    ----------
    folders : sequence of path
        Report folders, or folders above them.

    Returns
    -------
    list of path
        Folders with a ``tables`` folder.
    """
    reports: list[Path] = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise FileNotFoundError(2, "No such folder", str(folder))
        inside = sorted({p.parent for p in folder.glob("**/tables") if "restricted" not in str(p.parent)})
        own = [folder] if (folder / "tables").is_dir() or not inside else inside
        reports += own
    return list(dict.fromkeys(reports))


def _names(folders: Sequence[Path]) -> dict[Path, str]:
    """Name each folder by as much of the end of its path as tells it from the others."""
    for length in range(1, max((len(f.parts) for f in folders), default=0) + 1):
        names = {f: "/".join(f.parts[-length:]) for f in folders}
        if len(set(names.values())) == len(folders):
            return names
    return {f: str(f) for f in folders}


def work_out(release: Release) -> Attack:
    """Work out every small number that a release pins.

    Parameters
    ----------
    release : Release
        All that is known.

    Returns
    -------
    Attack
        What could be worked out.
    """
    program = Program(release)
    result = Attack(
        facts=len(program.facts),
        recomputed=release.recomputed,
        unread=list(release.unread),
        finer=list(release.finer),
    )
    wanted = np.zeros(len(program.cells), bool)
    wanted[program.targets] = True
    for part in parts(program):
        targets = wanted[part.places]
        try:
            try:
                found = _work_out_part(program, part, targets, release.small, result)
            except Contradiction:
                part, number = doubted(part)
                result.doubted += number
                targets = np.r_[targets, np.zeros(len(part.places) - len(targets), bool)]
                found = _work_out_part(program, part, targets, release.small, result, guess=True)
        except Contradiction as error:
            result.contradictions.append(str(program.cells[part.places[int(error.args[0])]]))
            continue
        result.findings += found
    result.findings.sort(key=lambda f: (f.guess, f.high - f.low, str(f.cell)))
    return result


def _work_out_part(
    program: Program, part: Part, wanted: np.ndarray, small: int, result: Attack, *, guess: bool = False
) -> list[Finding]:
    """Find the range of each wanted unknown of a component, and explain those pinned."""
    if not part.facts():
        return []
    lower, upper, rows = narrowed(part)
    solver = Solver(lower.copy(), upper.copy(), rows)
    open_to = (lower <= max(small, _HIDDEN)) & (upper >= 1) & ((upper < MOST) | (lower > 0))
    places = np.flatnonzero(wanted & open_to)
    solver.spread(places, PINNED + 1)
    ranges = [(place, *solver.range(place, enough=PINNED + 1)[:2]) for place in places.tolist()]
    pinned = [(place, low, high) for place, low, high in ranges if high - low <= PINNED and high >= 1]
    result.tried += len(places)
    result.narrowed += sum(low > small for _, low, _ in pinned)
    found: list[Finding] = []
    for place, low, high in pinned:
        if low > small:
            continue
        because: tuple[str, ...] = ()
        if not guess and len(result.findings) + len(found) < _EXPLAINED:
            because = tuple(program.facts[f] for f in _reasons(part, place, high - low, len(program.facts)))
        found.append(Finding(program.cells[part.places[place]], low, high, because, guess))
    return found


def _reasons(part: Part, place: int, width: int, size: int) -> list[int]:
    """Find few facts that are enough: leave out half of those that remain, then less, while it still works."""
    needed = part.facts()
    step = max(len(needed) // 2, 1)
    while True:
        start = 0
        while start < len(needed):
            tried = needed[:start] + needed[start + step :]
            if _still(part, place, width, tried, size):
                needed = tried
            else:
                start += step
        if step == 1:
            return needed
        step = max(step // 2, 1)


def _still(part: Part, place: int, width: int, facts: list[int], size: int) -> bool:
    """Say whether some facts alone pin an unknown as closely."""
    believed = np.zeros(size, bool)
    believed[facts] = True
    lower, upper, rows = narrowed(part, believed)
    if upper[place] - lower[place] <= width:
        return True
    if upper[place] >= MOST:
        return False
    low, high, _ = Solver(lower, upper, rows).range(place, enough=width + 1)
    return high - low <= width
