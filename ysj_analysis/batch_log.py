"""What does a batch say while nobody looks? A line for each report, and one of health at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

DONE, UNCHANGED, FAILED = "done", "unchanged", "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of one report.

    Attributes
    ----------
    report : str
        Its folder, below the folder of all reports.
    status : str
        done, unchanged or failed.
    seconds, cpu_seconds : float
        On the clock, and of the processor.
    peak_mib : int
        The most memory one of its processes had.
    code : int
        As the exit code of `ysj report`.
    error : str
        Why it failed, in words meant for a log: no value of a child.
    """

    report: str
    status: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: int = 0
    code: int = 0
    error: str = ""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Log:
    """Writes the lines of a batch, and draws a bar where somebody looks.

    Attributes
    ----------
    stream : file
        Where the lines go.
    form : {"text", "json"}
        One line of words, or one object, for each report.
    clock : callable
        Gives the time of a line.
    outcomes : list of Outcome
        What was said so far.
    """

    stream: IO[str]
    form: str = "text"
    clock: Callable[[], datetime] = _now
    outcomes: list[Outcome] = field(default_factory=list)
    _bar: Any = None

    def begin(self) -> None:
        """Draw a bar on a terminal, where the lines do not go there too."""
        if sys.stderr.isatty() and not self.stream.isatty():
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread: this process forks
            self._bar = tqdm(total=0, unit="report", file=sys.stderr, dynamic_ncols=True)

    def more(self, number: int = 1) -> None:
        """Say that there are more reports than was known."""
        if self._bar is not None:
            self._bar.total += number
            self._bar.refresh()

    def add(self, outcome: Outcome) -> None:
        """Write the line of a report."""
        self.outcomes.append(outcome)
        text = f"{outcome.status:<9}  {outcome.report}"
        if outcome.status == DONE:
            text += f"  {outcome.seconds:.1f} s"
        if outcome.error:
            text += f"  (exit {outcome.code}) " + " ".join(outcome.error.split())
        self._line(text, {"event": "report"} | asdict(outcome))
        if self._bar is not None:
            self._bar.update()

    def end(self, *, seconds: float, code: int, stopped: bool = False) -> None:
        """Write the line of health."""
        if self._bar is not None:
            self._bar.close()
        found = {s: sum(o.status == s for o in self.outcomes) for s in (DONE, UNCHANGED, FAILED)}
        cpu = sum(o.cpu_seconds for o in self.outcomes)
        peak = max((o.peak_mib for o in self.outcomes), default=0)
        state = "stopped" if stopped else "partly" if found[FAILED] else "whole"
        self._line(
            f"health     {state}: {found[DONE]} done, {found[UNCHANGED]} unchanged, {found[FAILED]} failed in "
            f"{seconds:.0f} s ({cpu:.0f} s of processor, at most {peak} MiB a process); exit {code}",
            {"event": "health", "state": state, **found, "seconds": round(seconds, 1)}
            | {"cpu_seconds": round(cpu, 1), "peak_mib": peak, "exit": code},
        )

    def _line(self, text: str, record: dict[str, Any]) -> None:
        time = self.clock().isoformat(timespec="seconds")
        plain = self.form == "text"
        line = f"{time}  {text}" if plain else json.dumps({"time": time} | record, ensure_ascii=False)
        print(line, file=self.stream, flush=True)
