"""Does a printed figure say more than the numbers beside it?

Who knows the rule and the code computes every figure again from the printed counts. If all figures of a
column come out as printed, they say nothing new, whatever the true counts were. If one does not, or one is
shown where a count it needs is hidden, the column was computed from true counts, and each of its figures is
a constraint on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from .attack_arithmetic import ONE, end_of, estimate
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
        verdicts = [agrees(c) for c in held]
        unknown = sum(v is None for v in verdicts)
        if unknown:
            release.unread.append(
                f"{column}: not used; there is no arithmetic for {held[0].kind}, {held[0].method}"
            )
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


def agrees(claim: Claim) -> bool | str | None:
    """Say whether a figure follows from the printed counts.

    Returns
    -------
    bool, str or None
        True if it does; ``differs`` if it does not; ``hidden`` if a count it needs is hidden; None if
        there is no arithmetic for it.
    """
    function = None if claim.end == "estimate" else end_of(claim.kind, claim.end, claim.method)
    if claim.end != "estimate" and function is None:
        return None
    counts = np.array(claim.printed, float)
    if np.isnan(counts).any():
        return "hidden"
    if claim.end == "estimate":
        value = float(estimate(claim.kind, *counts, per=claim.per))
    else:
        value = _widened(claim, function, counts)
    same = np.isinf(value) and np.isinf(claim.value)
    return True if same or abs(value - claim.value) <= claim.give * (1 + 1e-6) + 1e-9 else "differs"


def _widened(claim: Claim, function, counts: np.ndarray) -> float:
    """Compute an interval's end, at the least favourable counts the rounding allows if it was widened."""
    corners = [counts]
    if claim.half:
        for sign in (-claim.half, claim.half):
            far = sign * claim.summed
            shift = (sign, -sign) if claim.kind in ONE else (sign, -sign, -far, far)
            corner = counts + shift
            corner[1::2] = np.maximum(corner[1::2], 1)
            corner[::2] = np.maximum(corner[::2], 0)
            if not claim.kind.startswith("rate"):
                corner[::2] = np.minimum(corner[::2], corner[1::2])
            corners.append(corner)
    if claim.kind == "representation_index":
        corners[1:] = [_index_corner(claim, sign) for sign in (-1, 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = [float(function(*corner, per=claim.per)) for corner in corners]
    return min(values) if claim.end == "low" else max(values)


def _index_corner(claim: Claim, sign: int) -> np.ndarray:
    """Leave the corner of a representation index unbounded by its base: its base is a population."""
    far = sign * claim.half * claim.summed
    shift = np.array((claim.half, -claim.half, -far, far)) * (sign, sign, 1, 1)
    return np.maximum(np.array(claim.printed, float) + shift, (0, 1, 0, 1))
