"""What remains after like is compared with like?

Two groups of children can differ in a rate because they differ in age, sex or offence, and those differ in
rates. :func:`stratified` compares the groups inside each stratum and pools the comparisons;
:func:`standardised` gives each group the mix of a standard; :func:`adjusted` does so with a model, block by
block, on the rows that :func:`cases` lists; :func:`intersections` crosses characteristics and shrinks small
strata. :func:`like_cases` counts like cases, to be compared from printed counts. None says what
caused the mix: a stratum that earlier decisions shaped (remand, plea, the offence charged) can take away the very
difference one looks for.
"""

from __future__ import annotations

from .adjusted import Fit, adjusted
from .adjusted_cases import cases
from .intersections import Intersections, intersections
from .like_cases import BANDS, like_cases
from .standardisation import standardised
from .stratification import stratified

__all__ = [
    "BANDS",
    "Fit",
    "Intersections",
    "adjusted",
    "cases",
    "intersections",
    "like_cases",
    "standardised",
    "stratified",
]
