"""What remains after like is compared with like?

Two groups of children can differ in a rate because they differ in age, sex or offence, and those differ in
rates. :func:`stratified` compares the groups inside each stratum and pools the comparisons;
:func:`standardised` gives each group the mix of a standard. Neither says what caused the mix: a stratum that
earlier decisions shaped (remand, plea, the offence charged) can take away the very difference one looks for.
"""

from __future__ import annotations

from .standardisation import standardised
from .stratification import stratified

__all__ = ["standardised", "stratified"]
