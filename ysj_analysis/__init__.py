"""Ethnic disproportionality in youth justice: relative rates by stage, at small counts.

The words used throughout, in code, columns and reports:

group
    An ethnic group, as the study names it. "Unknown" is a group, counted and shown.
stage
    A point in the youth justice system: arrest, charge, custody and so on.
base
    What a stage is a share of: the population, or the stage that feeds it.
events, denominator
    How many reached the stage, and out of how many. The unit (children, episodes,
    offences) is written on every row.
reference
    The group the others are compared with.
estimate, low, high
    A measure and the ends of its 95% interval. The method is named on every row.

The flow is ``load`` -> ``pipeline`` -> ``measures`` -> ``disclosure`` -> ``present`` and
``figures`` -> ``report``. Nothing is shown but what ``disclosure.release`` returned.
"""

import sys as _sys

__version__ = "0.1.0"

if "IPython" in _sys.modules and (_shell := _sys.modules["IPython"].get_ipython()) is not None:
    from . import screen as _screen

    _screen.settle(_shell)
