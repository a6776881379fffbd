"""What may be shown? Nothing reaches a reader but a :class:`Released`, and only this module makes one.

``release`` prints the counts: small ones become ``[c]``, others are rounded. Everything else a reader
sees is then derived from the **printed** counts alone, so that every published figure can be computed
again from the published table, and two private tables that print the same give the same report.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from .absent import instead
from .audit_hidden import Rows, note, printed_rows
from .countable import refuse_amount
from .once import anew, doing, keeping, once
from .policies import (
    EDITIONS,
    ONS,
    PUBLIC,
    PUBLISHED,
    RESTRICTED,
    WORKING,
    DisclosureError,
    Policy,
    policy,
)
from .printed_measures import as_printed, without_saturated

__all__ = [
    "EDITIONS",
    "ONS",
    "PUBLIC",
    "PUBLISHED",
    "RESTRICTED",
    "WORKING",
    "DisclosureError",
    "Policy",
    "Released",
    "policy",
    "published",
    "release",
    "require",
    "working",
]

_PERIODS = ("year", "years")
_COUNT_NAMES = ("events", "denominator", "reference_events", "reference_denominator")


class Released:
    """A table that may be shown. Made by ``release``, ``working`` or ``published`` and by nothing else.

    It cannot be changed: an attribute cannot be set, and ``table`` is a copy, so that writing to it
    changes nothing that is shown.

    Attributes
    ----------
    table : DataFrame
        Printed numbers only: NaN where hidden, rounded elsewhere. ``note`` says why a value is missing.
    policy : Policy
        The rule it was printed by.
    counts : tuple of str
        Which columns are printed counts.
    source : str
        Where published figures come from; empty for the study's own.
    """

    __slots__ = ("_by_row", "_counts", "_policy", "_rows", "_source", "_table")
    _by_row: bool
    _counts: tuple[str, ...]
    _policy: Policy
    _rows: Rows
    _source: str
    _table: pd.DataFrame

    def __init__(self, *_arguments: object, **_named: object) -> None:
        raise TypeError("Only disclosure.release makes a Released: call disclosure.release(table).")

    def __init_subclass__(cls) -> None:
        raise TypeError("A Released has no other kinds: only disclosure.release makes one.")

    def __setattr__(self, name: str, value: object = None) -> NoReturn:
        raise AttributeError(f"{name} of a released table cannot be set: release another table.")

    __delattr__ = __setattr__

    @property
    def table(self) -> pd.DataFrame:
        """A copy of the printed table. Who reads it may show it, so what it tells is noted for the audit."""
        note(self._rows)
        return self._table.copy()

    @property
    def policy(self) -> Policy:
        """The rule it was printed by."""
        return self._policy

    @property
    def counts(self) -> tuple[str, ...]:
        """Which columns are printed counts."""
        return self._counts

    @property
    def source(self) -> str:
        """Where published figures come from."""
        return self._source

    @property
    def hidden(self) -> int:
        """How many counts are hidden."""
        return int(self._table[list(self.counts)].isna().sum().sum()) if self.counts else 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Released):
            return NotImplemented
        mine, its = ((r.policy, r.counts, r.source) for r in (self, other))
        return mine == its and self._table.equals(other._table)

    __hash__ = None  # type: ignore[assignment]  # as Python says it

    def __copy__(self) -> Released:
        return self

    def __deepcopy__(self, memo: object) -> Released:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A released table cannot be pickled: write its CSV.")

    def __repr__(self) -> str:
        return f"Released({len(self._table)} rows, policy={self.policy.name!r}, counts={self.counts})"

    @once
    def where(self, **values: Any) -> Released:
        """Keep the rows in which each named column has the value, or one of the values.

        Examples
        --------
        >>> t = pd.DataFrame({"stage": ["arrest", "charge"], "events": [40, 20], "denominator": [900, 40]})
        >>> release(t).where(stage="charge").table["events"].to_list()
        [20.0]
        """
        kept = np.ones(len(self._table), bool)
        for column, value in values.items():
            if column not in self._table:
                raise ValueError(
                    f"the released table has no column {column!r} to choose by; it has "
                    f"{', '.join(map(str, self._table.columns))}."
                )
            several = isinstance(value, (list, tuple, set, frozenset))
            wanted = [str(v) for v in (value if several else [value])]
            kept &= self._table[column].astype(str).isin(wanted).to_numpy(bool)
        rows = tuple(itertools.compress(self._rows, kept)) if self._by_row else self._rows
        return self._with(self._table[kept].reset_index(drop=True), rows, by_row=self._by_row)

    @once
    def measure(self, function: Callable[..., pd.DataFrame], **arguments: Any) -> Released:
        """Take a measure of the printed counts.

        Parameters
        ----------
        function : callable
            One of ``measures``: a table of counts in, a table of measures out.
        **arguments
            What else it takes. A table among them, such as a comparator, must be released too.

        Returns
        -------
        Released
            The measure, from printed counts; withheld below the policy's floor; its interval that of
            the least and the most favourable counts the rounding allows; all of it rounded as printed.

        Raises
        ------
        DisclosureError
            If the measure does not keep the printed counts, or has too little to apply the floor to.
        """
        out = self._apply(function, arguments)
        for column in ("events", "denominator"):
            if column in out and column in self.counts and self.policy.protects:
                other = ~out[column].isna() & ~out[column].isin(self._table[column])
                _refuse_other_counts(other, column, len(out))
        out = without_saturated(as_printed(out, self.policy), self.policy)
        return self._with(out, self._together(arguments))

    @once
    def derive(self, function: Callable[..., pd.DataFrame], **arguments: Any) -> Released:
        """Apply a function of the printed table: choose, order, add up, pivot. Nothing else is at hand.

        What a model gives that has few residual degrees of freedom is withheld, as for a measure.
        """
        out = self._apply(function, arguments)
        for column in self.counts:
            if column in out and self.policy.protects:
                _refuse_other_counts(~self.policy.could_print(out[column]), column, len(out))
        return self._with(without_saturated(out, self.policy), self._together(arguments))

    def _apply(self, function: Callable[..., pd.DataFrame], arguments: Mapping[str, Any]) -> pd.DataFrame:
        """Call a function with a copy of the printed table."""
        for name, value in arguments.items():
            if isinstance(value, (pd.DataFrame, pd.Series, np.ndarray)):
                raise TypeError(
                    f"{name} is a {type(value).__name__} that was not released: give disclosure.release({name})."
                )
        plain = {k: v._table.copy() if isinstance(v, Released) else v for k, v in arguments.items()}
        out = function(self._table.copy(), **plain)
        if not isinstance(out, pd.DataFrame):
            raise TypeError(
                f"what is done to a released table must give a table, not {type(out).__name__}, so that it is "
                "still known to be released."
            )
        return out

    def _together(self, arguments: Mapping[str, Any]) -> Rows:
        """Put what this table and released arguments tell into one: any row may now be made of all of it."""
        released = [self, *(v for v in arguments.values() if isinstance(v, Released))]
        return tuple(row for one in released for row in one._rows)

    def _with(self, table: pd.DataFrame, rows: Rows, *, by_row: bool = False) -> Released:
        counts = tuple(c for c in self.counts if c in table.columns)
        return _made(table, self.policy, counts, self.source, rows, by_row=by_row)


@instead(lambda none: none)
def release(
    table: pd.DataFrame,
    *,
    policy: Policy = PUBLIC,
    counts: tuple[str, ...] = ("events", "denominator"),
    texts: tuple[str, ...] = (),
    of: Mapping[str, Any] | None = None,
) -> Released:
    """Print a table of true counts by a policy.

    Parameters
    ----------
    table : DataFrame
        True counts; numbers that are not counts, and dates, would show what is private and are
        refused, but for ``year`` and ``years``.
    policy : Policy
        The rule.
    counts : tuple of str
        The columns that hold counts.
    texts : tuple of str
        Columns of text that may hold counts, such as those of a ledger; printed by the same rule.
    of : mapping, optional
        What the counts are of, where the table itself does not say: ``area, year, years``, ``unit``,
        ``stage``. The joint audit puts them beside other counts by it; nothing of it is shown.

    Returns
    -------
    Released
        The same rows in the same order, each count printed.

    Raises
    ------
    DisclosureError
        If another column holds numbers: measures are taken of what was released, not released. If the
        counts of two rows cannot be told apart by their labels.
    ValueError
        If a count is negative or infinite, or events are no whole number.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["Black", "White"], "events": [4, 13], "denominator": [3772, 6508]})
    >>> release(t).table
       group  events  denominator
    0  Black     NaN       3770.0
    1  White    15.0       6510.0
    """
    _refuse_unlike_table(table, "release")
    if not isinstance(policy, Policy):
        raise TypeError(f"policy is a {type(policy).__name__}; give a Policy, such as disclosure.PUBLIC.")
    counts = tuple(c for c in counts if c in table.columns)
    private = [c for c in table.columns if c not in (*counts, *_PERIODS) and _is_private(table[c])]
    if private and policy.protects:
        raise DisclosureError(
            f"{len(private)} of {table.shape[1]} columns hold numbers that are not counts, or dates: "
            f"{', '.join(map(str, private))}. Release the counts first, then take measures of what was released: "
            "disclosure.release(counts).measure(measures.rates)."
        )
    plain = table.reset_index(drop=True)
    for column in counts:
        refuse_amount(plain, column, whole=column.endswith("events"))
    printed, rows = printed_rows(plain, counts, policy, of, texts=texts)
    doing(anew)  # what is hidden is not among the arguments
    return _known(_made(printed, policy, counts, rows=rows, by_row=True))


def working(table: pd.DataFrame) -> Released:
    """Show a table as it is on the analyst's own screen, headed "not for publication".

    Parameters
    ----------
    table : DataFrame
        Counts or measures of them.

    Returns
    -------
    Released
        The same rows, as they are; no report takes them.
    """
    _refuse_unlike_table(table, "working")
    return _made(table.reset_index(drop=True), WORKING, _count_columns(table))


def published(table: pd.DataFrame, *, source: str) -> Released:
    """Show figures that someone has published already.

    Parameters
    ----------
    table : DataFrame
        The figures, as printed.
    source : str
        Who printed them, where and when.

    Returns
    -------
    Released
        The same rows, under their source.

    Raises
    ------
    DisclosureError
        If there is no source.
    """
    _refuse_unlike_table(table, "published")
    if not source.strip():
        raise DisclosureError("published figures need a source: say who printed them, where and when.")
    return _made(table.reset_index(drop=True), PUBLISHED, _count_columns(table), source)


def require(thing: object) -> Released:
    """Return a Released as it is, and refuse anything else.

    Parameters
    ----------
    thing : object
        What is to be shown.

    Returns
    -------
    Released
        The same.

    Raises
    ------
    TypeError
        If it was not released, saying what to do.

    Examples
    --------
    >>> require(pd.DataFrame())
    Traceback (most recent call last):
    TypeError: only a released table can be shown, not DataFrame: call disclosure.release(table) first.
    """
    if isinstance(thing, Released):
        return thing
    raise TypeError(
        f"only a released table can be shown, not {type(thing).__name__}: call disclosure.release(table) first."
    )


# -- inside ------------------------------------------------------------------------------------------


def _made(
    table: pd.DataFrame,
    rule: Policy,
    counts: tuple[str, ...],
    source: str = "",
    rows: Rows = (),
    *,
    by_row: bool = False,
) -> Released:
    """Make a Released: the one place that does. It keeps a table that no one else holds."""
    one = object.__new__(Released)
    kept = {"_table": table.copy(), "_policy": rule, "_counts": counts, "_source": source}
    for name, value in (kept | {"_rows": rows, "_by_row": by_row and bool(rows)}).items():
        object.__setattr__(one, name, value)
    return one


_printed: dict[tuple, list[Released]] = {}


def _known(one: Released) -> Released:
    """Give the release that prints and tells the same, where there was one in the process of a report."""
    if not keeping():
        return one
    like = _printed.setdefault((one.policy.name, one.counts, *one._table.columns), [])
    for other in like:
        if other == one and other._rows == one._rows and other._by_row == one._by_row:
            return other
    like.append(one)
    return one


def _refuse_unlike_table(table: object, what: str) -> None:
    if isinstance(table, Released):
        raise TypeError(f"{what} takes true counts; this table was released already, so show it as it is.")
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{what} takes a DataFrame of counts, not {type(table).__name__}.")


def _refuse_other_counts(other: Any, column: str, rows: int) -> None:
    """Refuse a function that put a count that was not printed where a printed one stood."""
    if np.any(other):
        first = int(np.flatnonzero(np.asarray(other))[0])
        raise DisclosureError(
            f"{column} is not a printed count in {int(np.sum(other))} of {rows} rows. First: row {first}. What is "
            "done to a released table may choose, order and add up its counts, and bring in no others."
        )


def _is_private(values: pd.Series) -> bool:
    """Say whether a column holds numbers or dates, as numbers, categories or text that is not text."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.categories.to_series()
    if pd.api.types.is_bool_dtype(values) or isinstance(values.dtype, pd.StringDtype):
        return False
    if values.dtype == object:
        return any(not isinstance(v, (str, bool)) for v in values[values.notna()])
    return True


def _count_columns(table: pd.DataFrame) -> tuple[str, ...]:
    return tuple(c for c in _COUNT_NAMES if c in table.columns)
