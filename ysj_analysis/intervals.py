"""How sure can we be? Estimates, intervals and tests for small counts: arrays in, arrays out.

Counts of children are small, and the questions are asked of them all the same. Every function here
takes numbers or arrays of any shapes that broadcast, and gives an `Interval`: ``estimate``, ``low``,
``high`` and ``p_value``, arrays of the broadcast shape. ``p_value`` is two-sided, against no difference,
and NaN where there is nothing to test.

=========================  ==========================================================================
one group
`proportion`               share of a cohort: wilson, exact, mid-p, jeffreys
`rate`                     events over exposure: ohid, exact, byar, mid-p, score
`representation`           share of a stage over share of the population: wilson, exact, mid-p
two groups
`risk_ratio`               ratio of proportions: miettinen-nurminen, koopman, log
`rate_ratio`               ratio of rates: mid-p, exact, score, log
`odds_ratio`               ratio of odds, given the margins: mid-p, exact
`risk_difference`          difference of proportions: newcombe, miettinen-nurminen
`rate_difference`          difference of rates: MOVER from the limits of each rate
strata, on the last axis
`mantel_haenszel_r..`      one ratio of proportions or rates for all strata, Greenland and Robins' variance
`standardised_rate`        weighted to a standard population: dobson-byar, fay-feuer
`standardised_ratio`       observed over expected: OHID's rule
=========================  ==========================================================================

The first method named is the default. It was chosen by the sampling model and by coverage at counts of
1 to 50 (docs/methods/intervals.md), beforehand, never by which gives the nicer answer.

What holds for every ratio:

* No events in the group: the estimate is 0, ``low`` is exactly 0, ``high`` is finite. No events in the
  reference: the estimate and ``high`` are exactly inf, ``low`` is finite: "at least ...". No events in
  either: the estimate is NaN and the interval all of [0, inf]. Nothing is added to a count. The one
  exception is ``method="log"``, and the pooled ratios, which have no finite limit at zero: all of
  [0, inf] is given, and for ``log`` no p-value.
* A denominator that is 0 or missing, or a count that is missing (suppressed), gives NaN throughout.
* The interval holds the estimate.
* A test and its interval agree: ``p_value < 0.05`` where the 95% interval leaves out no difference.
  Exceptions are named where they occur.
* Exchanging the groups inverts a ratio (negates a difference) and leaves the p-value as it is:
  ``low`` is exactly one over the ``high`` of the exchanged.
* Counts that are negative, infinite or not whole, and cohorts smaller than their events, raise
  ``ValueError`` saying how many, where the first is, and what to do.

`note` gives the codes that must stand beside a comparison of two groups.

Examples
--------
4 of 11 Black children and 6 of 30 White children at a stage, and nobody in a third group of 5:

>>> from ysj_analysis import intervals
>>> result = intervals.risk_ratio([4, 0], [11, 5], 6, 30)
>>> result.estimate.round(2)
array([1.82, 0.  ])
>>> result.low.round(2), result.high.round(2)
(array([0.61, 0.  ]), array([4.91, 2.63]))
"""

from ._cells import Interval, note
from .one_group import proportion, rate, representation
from .strata import (
    mantel_haenszel_rate_ratio,
    mantel_haenszel_risk_ratio,
    standardised_rate,
    standardised_ratio,
)
from .two_groups import odds_ratio, rate_difference, rate_ratio, risk_difference, risk_ratio

__all__ = [
    "Interval",
    "mantel_haenszel_rate_ratio",
    "mantel_haenszel_risk_ratio",
    "note",
    "odds_ratio",
    "proportion",
    "rate",
    "rate_difference",
    "rate_ratio",
    "representation",
    "risk_difference",
    "risk_ratio",
    "standardised_rate",
    "standardised_ratio",
]
