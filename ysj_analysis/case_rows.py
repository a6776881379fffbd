"""What does one section of the mapping make of one file? Text under the export's headers to typed fields.

What cannot be read goes to the faults, what is changed or removed by a decision to the ledger. Rows keep
the row number of their file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from . import case_values
from .case_fields import FIELDS, NOT_COUNTED, OBSOLETE_OUTCOMES, plain
from .case_files import Found, header_row, located, matching, short_name, tidy
from .case_mapping import CaseMapping, Section
from .case_values import Faults
from .pseudonyms import plain_ids
from .study_folder import Ledger
from .tables import DataError, shown

ISO = "YYYY-MM-DD"
"""The form that is always read: no other form reads it as another day."""

_JOIN = "\x1f"
_DECIDED = {  # needed dates: an event without its day cannot be put in a year
    ("events", "date"),
    ("offences", "offence_date"),
}


@dataclass
class Reader:
    """A mapping at work: the grids, and where faults and ledger lines go.

    Attributes
    ----------
    mapping : CaseMapping
        What the export means.
    raw : mapping of str to DataFrame
        From ``case_files.grids``.
    ledger : Ledger
        Lines are added as rows are read.
    faults : Faults
        Everything that stops the run.
    """

    mapping: CaseMapping
    raw: Mapping[str, pd.DataFrame]
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)

    def check_files(self) -> None:
        """Refuse a file the mapping does not speak of, and a file it speaks of that is not given."""
        files = self.mapping.files
        found = {alias: matching(patterns, list(self.raw)) for alias, patterns in files.items()}
        if absent := [alias for alias, names in found.items() if not names]:
            raise DataError(
                f"{len(absent)} of {len(files)} files of {self.mapping.name} are not given. First: "
                f"{', '.join(shown(p) for alias in absent for p in files[alias])}.\nGive them, or correct [files]."
            )
        used = {name for names in found.values() for name in names}
        if unused := [name for name in self.raw if name not in used and "#" not in name]:
            are = "is" if len(unused) == 1 else "are"
            raise DataError(
                f"{len(unused)} of {len(self.raw)} files {are} not in [files] of {self.mapping.name}. First: "
                f"{shown(unused[0])}.\nLeave out what is not to be read, or write under [files]:\n"
                + "\n".join(self._lines_for(unused))
            )

    def _lines_for(self, unused: Sequence[str]) -> list[str]:
        """Write the lines of ``[files]`` that would name these files; a short name that is taken gets one more."""
        lines: dict[str, list[str]] = {}
        for name in unused:
            grid = self.raw[name]
            short = short_name(name, [tidy(str(cell)) for cell in grid.loc[header_row(grid)]])
            lines.setdefault(short, list(self.mapping.files.get(short, ()))).append(name)
        written = []
        for short, names in lines.items():
            listed = ", ".join(case_values.toml_line(name).rpartition(" = ")[0] for name in names)
            new = short != "population" and short not in self.mapping.files
            written.append(
                f"{short} = {listed if len(names) == 1 else f'[{listed}]'}"
                + (f'  # and file = "{short}" in a part that says what is read from it' if new else "")
            )
        return written

    def table(self, name: str) -> pd.DataFrame:
        """Read all sections of one table.

        Parameters
        ----------
        name : {"children", "events", "offences"}
            Which table.

        Returns
        -------
        DataFrame
            The fields of ``FIELDS``, a column each where any section has it; ``stage`` holds tuples.
        """
        parts = [
            self._rows(section, located(self.raw[file], _headers(section), file, self.ledger))
            for section in self.mapping.sections
            if section.table == name
            for file in matching(self.mapping.files[section.file], list(self.raw))
        ]
        if not parts:
            return pd.DataFrame(columns=[*FIELDS[name]], dtype=object)
        return pd.concat(parts, ignore_index=True)

    def _rows(self, section: Section, found: Found) -> pd.DataFrame:
        """Read one section of one file."""
        kinds = FIELDS[section.table]
        raw = {k: found.table[headers[0]] for k, headers in section.columns.items()}
        kept = self._with_id(section, found, raw, self._once(section, found))
        raw = {k: values.loc[kept] for k, values in raw.items()}
        out = pd.DataFrame(index=kept)
        for key, values in raw.items():
            match kinds[key]:
                case "id":
                    out[key] = _ids(found.table.loc[kept, list(section.columns[key])])
                case "date" | "birth":
                    out[key] = self._dates(section, found.file, key, values)
                case "gravity":
                    out[key] = self._gravity(section, found.file, key, values)
                case "age":
                    out[key] = self._ages(section, found.file, key, values)
        for key, meant in section.always.items():
            out[key] = [(meant,)] * len(out) if key == "stage" else meant
        out = self._dated(section, found.file, out)
        for key in (k for k in raw if kinds[k] == "code"):
            out[key] = self._codes(section, found.file, key, raw[key].loc[out.index], out)
        return out

    def _once(self, section: Section, found: Found) -> pd.Index:
        """Set aside rows that are there twice, but for offences: two alike on one day are real."""
        repeats = found.repeats
        if not repeats.any():
            return found.table.index
        left, n = int((~repeats).sum()), int(repeats.sum())
        if section.table == "offences" and "offence_id" not in section.columns:
            what = f"{found.file}: {n} rows equal to an earlier one, kept"
            self.ledger.add(
                "rows", what, "two offences alike on one day are real; no offence id is mapped", left=n
            )
            return found.table.index
        what = f"{found.file}: rows equal to an earlier one in every column"
        self.ledger.add("rows", what, f"one record of {section.table} exported twice", removed=n, left=left)
        return found.table.index[~repeats]

    def _with_id(self, section: Section, found: Found, raw: Mapping, kept: pd.Index) -> pd.Index:
        """Set aside or refuse rows without the id of a child."""
        ids = self._unmarked(raw["child_id"].loc[kept])
        none = ids.eq("")
        if none.any() and self.mapping.decisions["no_child_id"] == "stop":
            do = 'Fill it in, or write no_child_id = "remove" under [decisions] to leave these rows out.'
            header = section.columns["child_id"][0]
            self.faults.add(found.file, none, header, "have no child id", do)
        elif none.any():
            why = "nobody can say whose they are; no_child_id is remove"
            what = f"{found.file}: rows without a child id"
            self.ledger.add("rows", what, why, removed=int(none.sum()), left=int((~none).sum()))
        return kept[~none]

    def _unmarked(self, values: pd.Series) -> pd.Series:
        """Empty the cells that hold a mark for nothing recorded."""
        marks = {plain(mark) for mark in self.mapping.blank}
        empty = {text for text in values.unique() if plain(text) in marks}
        return values.mask(values.isin(empty), "") if empty else values

    def _dates(self, section: Section, file: str, key: str, values: pd.Series) -> pd.Series:
        """Read dates; ``!`` stands for one that cannot be, until it is decided what to do."""
        days, impossible, unread = case_values.dates(
            self._unmarked(values), (*self.mapping.dates, ISO), self.mapping.extract_date
        )
        do = (
            "Add the form to [reading] dates, as DD/MM/YYYY, or take out a form that reads the same text as "
            f"another day. Its forms now: {', '.join(self.mapping.dates)}."
        )
        header = section.columns[key][0]
        self.faults.add(file, unread, header, "have a date in no form, or in two, of the mapping", do)
        if FIELDS[section.table][key] == "birth":
            days = days.str[:7]
        needed = (section.table, key) in _DECIDED
        if impossible.any() and self.mapping.decisions["impossible_dates"] == "stop":
            effect = "leave these rows out" if needed else "take these dates as not recorded"
            self.faults.add(
                file,
                impossible,
                header,
                "have an impossible date (no such day, before 1970 or after the export)",
                f'Correct them in the system, or write impossible_dates = "remove" under [decisions] to {effect}.',
            )
        elif impossible.any() and not needed:
            what = f"{file}: impossible dates in column {shown(header)} taken as not recorded"
            why = "no such day, before 1970 or after the export; impossible_dates is remove"
            self.ledger.add("dates", what, why, removed=int(impossible.sum()), left=int(days.ne("").sum()))
        return days.mask(impossible, "!") if needed else days

    def _dated(self, section: Section, file: str, out: pd.DataFrame) -> pd.DataFrame:
        """Set aside rows whose needed date is impossible or not there."""
        for table, key in _DECIDED:
            if section.table != table or key not in out:
                continue
            blank, impossible = out[key].eq(""), out[key].eq("!")
            header = section.columns[key][0]
            if "stage" in section.always:
                why = f"no date under {shown(header)}: the stage {section.always['stage']} was not reached"
            else:
                why = "without its day a record cannot be put in a year; impossible_dates is remove"
                if blank.any() and self.mapping.decisions["impossible_dates"] == "stop":
                    do = 'Fill it in, or write impossible_dates = "remove" under [decisions].'
                    self.faults.add(file, blank, header, "have no date", do)
            for rows, what, reason in (
                (blank, f"{file}: rows without a date in column {shown(header)}", why),
                (
                    impossible,
                    f"{file}: rows with an impossible date in column {shown(header)}",
                    "no such day, before 1970 or after the export; impossible_dates is remove",
                ),
            ):
                if rows.any():
                    out = out[~rows.reindex(out.index)]
                    self.ledger.add("dates", what, reason, removed=int(rows.sum()), left=len(out))
        return out

    def _gravity(self, section: Section, file: str, key: str, values: pd.Series) -> pd.Series:
        scores, beyond, unread = case_values.gravity(self._unmarked(values))
        header = section.columns[key][0]
        do = "Map the column of gravity scores, 1 to 8, or add the mark to [reading] blank."
        self.faults.add(file, unread, header, "have a gravity that is no number", do)
        if beyond.any() and self.mapping.decisions["impossible_gravity"] == "stop":
            do = 'Correct them, or write impossible_gravity = "blank" under [decisions] to take them as not known.'
            self.faults.add(file, beyond, header, "have a gravity outside 1 to 8", do)
        elif beyond.any():
            what = f"{file}: gravity outside 1 to 8 taken as not known"
            why = "the scale is 1 to 8; the rows stay; impossible_gravity is blank"
            self.ledger.add("gravity", what, why, removed=int(beyond.sum()), left=int(scores.ne("").sum()))
        return scores

    def _ages(self, section: Section, file: str, key: str, values: pd.Series) -> pd.Series:
        read, _, repaired, unread = case_values.ages(self._unmarked(values))
        header = section.columns[key][0]
        do = "Map a column of ages or bands (15, 10-14, 18+), or add the mark to [reading] blank."
        self.faults.add(file, unread, header, "have an age that is none", do)
        if repaired.any():
            forms = values[repaired].value_counts()
            listed = ", ".join(f"{shown(a)} to {shown(read[values == a].iloc[0])}" for a in forms.index[:4])
            what = (
                f"{file}: {int(repaired.sum())} age bands that a spreadsheet turned into dates, turned back"
            )
            self.ledger.add("ages", what, listed, left=len(values))
        return read

    def _codes(
        self, section: Section, file: str, key: str, values: pd.Series, out: pd.DataFrame
    ) -> pd.Series:
        """Look labels up; unknown ones stop the run, obsolete ones need a meaning of their own."""
        codes, header = self.mapping.codes.get(key, {}), section.columns[key][0]
        default = () if key == "stage" else None
        found, empty, unknown = case_values.coded(values, key, codes, self.mapping.blank, default)
        if empty.any() and key == "ethnicity":
            what = f"{file}: {int(empty.sum())} empty cells of column {shown(header)} are not recorded (NR)"
            self.ledger.add(
                "codes", what, "not stated, not known and not recorded are kept apart", left=len(values)
            )
        if key == "stage":
            found, unknown = self._obsolete(file, header, values, out.get("date"), found, unknown | empty)
        case_values.tell_unknown(self.faults, file, header, key, values[unknown], len(values), list(codes))
        return found

    def _obsolete(self, file, header, values, date, found, unknown) -> tuple[pd.Series, pd.Series]:
        """Read outcomes that no longer exist as what the mapping says they stand for, or refuse them."""
        for label in values.unique():
            name = plain(label)
            ended, entry = OBSOLETE_OUTCOMES.get(name), self.mapping.obsolete.get(name)
            if ended is None and entry is None:
                continue
            late = values.eq(label)
            if ended is not None and date is not None:
                late &= date.ge(ended.isoformat())
            if not late.any():
                continue
            unknown = unknown & ~late
            if entry is None:
                self.faults.add(
                    file,
                    late,
                    header,
                    f"have the outcome {shown(label)} from {ended} on, when it no longer existed,",
                    "It is sent in place of an outcome the system has no code for. Say which:\n"
                    f'[obsolete.{case_values.toml_line(label).rpartition(" = ")[0]}]\nmeans = "?"\nstage = "?"',
                )
                continue
            found = found.mask(late, pd.Series([entry.stages] * len(found), index=found.index))
            what = (
                f"{file}: {int(late.sum())} rows with the obsolete outcome {shown(label)} read as "
                f"{shown(entry.means)}: {', '.join(entry.stages)}"
            )
            since = f"it ended on {ended}; " if ended else ""
            self.ledger.add("codes", what, f"{since}the mapping says what it stands for", left=len(values))
        return found, unknown


def _headers(section: Section) -> list[str]:
    return list(dict.fromkeys(header for headers in section.columns.values() for header in headers))


def _ids(table: pd.DataFrame) -> pd.Series:
    """Put the parts of an id together; an id of which a part is empty is empty."""
    parts = [plain_ids(table[header]) for header in table.columns]
    whole = parts[0]
    for part in parts[1:]:
        whole = (whole + _JOIN + part).mask(whole.eq("") | part.eq(""), "")
    return whole


def counted(events: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Turn each row into one event a stage, and set aside outcomes that reach none.

    Parameters
    ----------
    events : DataFrame
        ``stage`` holds tuples.
    ledger : Ledger
        Gets a line for each.

    Returns
    -------
    DataFrame
        One row an event.
    """
    none = events["stage"].map(lambda stages: NOT_COUNTED in (stages or ()))
    if none.any():
        why = f'the mapping says "{NOT_COUNTED}": understood, and no stage of the graph'
        left = int((~none).sum())
        ledger.add(
            "codes", "rows with an outcome that reaches no stage", why, removed=int(none.sum()), left=left
        )
    rows = events[~none]
    out = rows.explode("stage", ignore_index=True)
    if len(out) > len(rows):
        why = "one outcome says several things: a referral order is a sentence, of the first tier"
        ledger.add("codes", f"{len(rows):,} outcomes are {len(out):,} events", why, left=len(out))
    return out
