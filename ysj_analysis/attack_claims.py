"""Does a printed figure say more than the numbers beside it?

Who knows the rule and the code computes every figure again from the printed counts. If all figures of a
column come out as printed, they say nothing new, whatever the true counts were. If one does not, or one is
shown where a count it needs is hidden, the column was computed from true counts, and each of its figures is
a constraint on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from .attack_arithmetic import KINDS, end_of, estimate
from .attack_facts import Cell, Figure, Release


class Claim(NamedTuple):
    """A printed figure, the cells it is of, and what is printed in them.

    Attributes
    ----------
    column : str
        Which column of which file; figures of one column are judged together.
    kind, end, method : str
        The arithmetic, as in ``attack_facts.Figure``.
    cells : tuple of Cell
        Count, base and those of the reference.
    printed : tuple of float
        What is printed in those cells; NaN where hidden.
    per : float
        What it is given per.
    value, give : float
        The figure, and how far it may be from the one that was rounded.
    half : int
        Half the width of the rounding an interval was widened by; 0 if it was not.
    summed : int
        Over how many groups the reference was added up.
    source : str
        File, row and column.
    """

    column: str
    kind: str
    end: str
    method: str
    cells: tuple[Cell, ...]
    printed: tuple[float, ...]
    per: float
    value: float
    give: float
    half: int
    summed: int
    source: str


def settle(claims: Iterable[Claim], *, trust: bool = True) -> Release:
    """Sort figures into those that say nothing new and those that constrain the true counts.

    Parameters
    ----------
    claims : iterable of Claim
        Every figure printed.
    trust : bool
        Whether a column that comes out of the printed counts may have been computed from them. If a
        release says that it computes from true counts, nothing is lost by taking all at their word.

    Returns
    -------
    Release
        Its ``figures``, how many were ``recomputed``, and what there is no arithmetic for.
    """
    columns = defaultdict(list)
    for claim in claims:
        columns[claim.column].append(claim)
    release = Release()
    for column, held in columns.items():
        verdicts = agreement(held)
        if None in verdicts:
            first = held[verdicts.index(None)]
            known = (first.end == "estimate" and first.kind in KINDS) or end_of(
                first.kind, first.end, first.method
            ) is not None
            why = "the printed counts do not give it as widened" if known else "there is no arithmetic for it"
            release.unread.append(f"{column}: not used; {first.kind}, {first.method}: {why}")
        derived = trust and any(v is True for v in verdicts) and not any(v == "differs" for v in verdicts)
        for claim, verdict in zip(held, verdicts, strict=True):
            if verdict is None:
                continue
            if derived and verdict is True:
                release.recomputed += 1
            else:
                low, high = claim.value - claim.give, claim.value + claim.give
                release.figures.append(
                    Figure(
                        claim.kind,
                        claim.end,
                        claim.method,
                        claim.cells,
                        claim.per,
                        low,
                        high,
                        f"{claim.value:.10g}",
                        claim.source,
                    )
                )
    return release


def agreement(claims: Sequence[Claim]) -> list[bool | str | None]:
    """Say of each figure whether it follows from the printed counts.

    Parameters
    ----------
    claims : sequence of Claim
        Of one column.

    Returns
    -------
    list of bool, str or None
        True if it does; ``differs`` if it does not; ``hidden`` if a count it needs is hidden; None if
        there is no arithmetic for it, or it was widened in a way that the printed counts do not give.
    """
    alike = defaultdict(list)
    for i, claim in enumerate(claims):
        alike[claim.method, claim.per, claim.half, claim.summed, len(claim.printed)].append(i)
    verdicts: list[bool | str | None] = [None] * len(claims)
    for places in alike.values():
        first = claims[places[0]]
        function = None if first.end == "estimate" else end_of(first.kind, first.end, first.method)
        if function is None and (first.end != "estimate" or first.kind not in KINDS):
            continue
        counts = np.array([claims[i].printed for i in places], float).T
        if function is None:
            values = [np.broadcast_to(estimate(first.kind, *counts, per=first.per), len(places))]
        else:
            values = _widened(first, function, counts)
        for i, several in zip(places, zip(*values, strict=True), strict=True):
            verdicts[i] = _verdict(claims[i], several)
    return verdicts


def _verdict(claim: Claim, values: Sequence[float]) -> bool | str | None:
    if np.isnan(claim.printed).any():
        return None if claim.half else "hidden"
    reach = claim.give * (1 + 1e-6) + 1e-9
    if any(abs(v - claim.value) <= reach or (np.isinf(v) and np.isinf(claim.value)) for v in values):
        return True
    return None if claim.half else "differs"


def _widened(first: Claim, function: Callable, counts: np.ndarray) -> list[np.ndarray]:
    """Compute interval ends; if they were widened, at the extremes that the rounding allows.

    A count goes up as its base goes down and the reference the other way; of children above parity, both
    of which multiply by a count, every corner may be the extreme. A reference added up over several
    groups moves by the rounding of each, and a share stays within its base.
    """
    size = len(counts)
    ends = [function(*counts, per=first.per)]
    signs = [(-1, 1, 1, -1)[:size], (1, -1, -1, 1)[:size]]
    if first.kind.startswith("events_above"):
        signs = list(product((-1, 1), repeat=size))
    reach = np.array([1, 1, first.summed, first.summed])[:size] * first.half
    for sign in signs if first.half else ():
        corner = np.maximum(counts + (np.array(sign) * reach)[:, None], np.array([0, 1, 0, 1])[:size, None])
        if not first.kind.startswith(("rate", "representation")) and not first.method.endswith("of rates"):
            corner[::2] = np.minimum(corner[::2], corner[1::2])
        with np.errstate(divide="ignore", invalid="ignore"):
            ends.append(function(*corner, per=first.per))
    return [(np.fmin if first.end == "low" else np.fmax).reduce(ends)]
