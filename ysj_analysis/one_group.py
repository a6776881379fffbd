"""One group: how often, out of how many; and its share of a stage over its share of the population."""

import numpy as np

from . import _limits, _p_values
from ._cells import (
    Interval,
    check_amounts,
    check_counts,
    check_within,
    choose,
    normal_quantile,
    numbers,
    refuse,
)

_PROPORTION = {
    "wilson": _limits.wilson,
    "exact": _limits.clopper_pearson,
    "mid-p": _limits.binomial_mid_p,
    "jeffreys": _limits.jeffreys,
}
_RATE = {
    "ohid": _limits.ohid,
    "exact": _limits.garwood,
    "byar": _limits.byar,
    "mid-p": _limits.poisson_mid_p,
    "score": _limits.poisson_score,
}
_REPRESENTATION = {
    "wilson": (_limits.wilson, _p_values.share_score),
    "exact": (_limits.clopper_pearson, _p_values.share_exact),
    "mid-p": (_limits.binomial_mid_p, _p_values.share_mid_p),
}


def proportion(events, denominator, *, method="wilson", level=0.95):
    """Estimate the share of a cohort that had an event.

    Parameters
    ----------
    events : array_like of int
        How many had the event; NaN where suppressed.
    denominator : array_like of int
        How many could have, at least as many. 0 or NaN gives NaN.
    method : {"wilson", "exact", "mid-p", "jeffreys"}
        Wilson's score interval covers 95% on average; ``exact`` (Clopper and Pearson) never under 95%
        and so is wider; ``mid-p`` and ``jeffreys`` lie between.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        Between 0 and 1, and exactly 0 or 1 where nobody or everybody had the event. ``p_value`` is NaN:
        there is nothing to compare with.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22:209-212; Clopper and Pearson
    (1934), Biometrika 26:404-413; Brown, Cai and DasGupta (2001), Statistical Science 16:101-133, for
    Jeffreys with 0 and 1 kept at the ends; Newcombe (1998), Statistics in Medicine 17:857-872, who
    compares them.

    Examples
    --------
    Nobody of 20, and 15 of 148:

    >>> result = proportion([0, 15], [20, 148])
    >>> result.low.round(4), result.high.round(4)
    (array([0.    , 0.0624]), array([0.1611, 0.1605]))
    """
    limits, z = choose(method, _PROPORTION), normal_quantile(level)
    x, n = numbers(events=events, denominator=denominator)
    check_counts(events=x, denominator=n)
    check_within("events", x, "denominator", n)
    known = (n > 0) & ~np.isnan(x)
    x, n = x[known], n[known]
    return Interval.of(known, x / n, *limits(x, n, z))


def rate(events, exposure, *, method="ohid", level=0.95):
    """Estimate events per unit of exposure.

    Parameters
    ----------
    events : array_like of int
        How many events; NaN where suppressed.
    exposure : array_like of float
        Population, or person-years, in the unit the rate is wanted in: children / 1000 for a rate per
        1,000. Need not be whole. 0 or NaN gives NaN.
    method : {"ohid", "exact", "byar", "mid-p", "score"}
        ``ohid`` is ``exact`` (Garwood) below 10 events and ``byar`` from 10, as England's public health
        guidance has it: Byar's limits are within 0.2% of the exact ones there, and up to half off at 1.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        In events per unit of exposure. No events: 0 with a finite upper limit (3.69 events, ``ohid``).
        ``p_value`` is NaN.

    Notes
    -----
    The events are taken to be Poisson: independent, and few beside the exposure. Several offences by
    one child are not independent; count children.

    References
    ----------
    Garwood (1936), Biometrika 28:437-442; Byar's approximation in Breslow and Day (1987), Statistical
    Methods in Cancer Research II; Office for Health Improvement and Disparities, Fingertips Public
    Health Technical Guidance, "Rates".

    Examples
    --------
    5 events among 2,500 children, per 1,000:

    >>> result = rate(5, 2.5)
    >>> print(*(value.round(2) for value in result))
    2.0 0.65 4.67 nan
    """
    limits, z = choose(method, _RATE), normal_quantile(level)
    x, t = numbers(events=events, exposure=exposure)
    check_counts(events=x)
    check_amounts(exposure=t)
    known = (t > 0) & ~np.isnan(x)
    x, t = x[known], t[known]
    low, high = limits(x, z)
    return Interval.of(known, x / t, low / t, high / t)


def representation(events, total, population_share, *, method="wilson", level=0.95):
    """Estimate a group's share of a stage over its share of the population.

    Parameters
    ----------
    events : array_like of int
        The group's events at the stage; NaN where suppressed.
    total : array_like of int
        Everybody's events at the stage, the group's among them. 0 or NaN gives NaN.
    population_share : array_like of float
        The group's share of the population, between 0 and 1, taken as known without error. 0 with
        events counted is a contradiction and raises; 0 without, or NaN, gives NaN.
    method : {"wilson", "exact", "mid-p"}
        How the limits of the share of the stage are had.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        1 is a share like that of the population. ``p_value`` is the test the interval inverts: score
        for ``wilson``, else the smaller binomial tail doubled.

    Notes
    -----
    The index cannot pass 1 / ``population_share``, reached when all events are the group's, so it
    squeezes large disparities and does not compare between groups of unlike shares. And the group is
    part of what it is compared with. A rate ratio has neither fault; show one beside it.

    Where the population share is itself a rounded percentage, rounding alone moves the index: see the
    bounds that ``measures.representation`` gives.

    References
    ----------
    The Youth Justice Plan's over-representation table has this shape. Wilson (1927) for the limits.

    Examples
    --------
    9 of 11 remands from a group that is 39% of children, and 4 of 5 from one that is 38.8%:

    >>> result = representation([9, 4], [11, 5], [0.39, 0.388])
    >>> result.estimate.round(2), result.low.round(2), result.high.round(2)
    (array([2.1 , 2.06]), array([1.34, 0.97]), array([2.43, 2.48]))
    """
    (limits, test), z = choose(method, _REPRESENTATION), normal_quantile(level)
    x, n, share = numbers(events=events, total=total, population_share=population_share)
    check_counts(events=x, total=n)
    check_within("events", x, "total", n)
    check_amounts(population_share=share)
    refuse(share > 1, "population_share", share, "is above 1", "Give a share rather than a percentage.")
    refuse(
        (share == 0) & (x > 0),
        "population_share",
        share,
        "is 0 although events were counted",
        "A group with events has somebody in the population: see that both use the same groups.",
    )
    known = (n > 0) & (share > 0) & ~np.isnan(x)
    x, n, share = x[known], n[known], share[known]
    low, high = limits(x, n, z)
    return Interval.of(known, x / n / share, low / share, high / share, test(x, n, share))
