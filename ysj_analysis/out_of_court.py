"""For offences of like gravity, who is dealt with out of court and who is charged?"""

from __future__ import annotations

import pandas as pd

from .field_counts import GRAVITY_BANDS, counted, followed, need_gravity
from .load import Study
from .reading import NotHeld

DISPOSALS = ("diversion", "caution")
"""What ends a case out of court: community resolution and other diversion, youth caution and conditional caution."""


def against_court(study: Study, *, window: int = 1, graded: bool = True) -> pd.DataFrame:
    """Count children dealt with out of court, of those dealt with out of court or charged.

    Parameters
    ----------
    study : Study
        From ``load.study``, of events.
    window : int
        Years pooled, ending with ``year``, of the arrest.
    graded : bool
        Whether to divide by the gravity of the offence.

    Returns
    -------
    DataFrame
        ``out_of_court`` on ``resolved``: as ``pipeline.stage_counts``, with ``gravity`` where asked. A child counts
        once, in the band of its gravest episode that was resolved, and was dealt with out of court if no episode of
        the window was charged. Children with whom nothing further was done are in neither.

    Raises
    ------
    NotHeld
        If the study has no events, records neither diversion nor cautions, or no gravity where it is asked for.

    Notes
    -----
    Out-of-court disposals need an admission. Where a group admits less often, for whatever reason, it is charged more
    often at the same gravity.

    Examples
    --------
    >>> from ysj_analysis import load, models
    >>> table = against_court(load.study("data/synthetic"), window=5).query("area == 'Islington' and year == 2023")
    >>> within = models.stratified(table.drop(columns="note"), by=["gravity"])
    >>> bool(within.set_index("group").loc["Black", "estimate"] > 0)
    True
    """
    what = "out-of-court disposals against court"
    events = followed(study, ("charge",), what)
    there = [d for d in DISPOSALS if events["stage"].eq(d).any()]
    if not there:
        raise NotHeld(
            f"This study records no diversion and no cautions, so {what} cannot be shown. Rows of them in events.csv "
            "would show it."
        )
    events = need_gravity(study, events, what) if graded else events
    charged = events["stage"].eq("charge")
    settled = events["stage"].isin(there)
    rows = events.assign(resolved=charged | settled, charged_ever=charged)[charged | settled]
    by = {"gravity": GRAVITY_BANDS} if graded else {}
    late = ("charge", *there)
    table = counted(study, rows, {"charged_ever": "resolved"}, window=window, by=by, late=late)
    # Those never charged in the window are the rest of those resolved.
    stage = pd.Categorical(["out_of_court"] * len(table), ["out_of_court"], ordered=True)
    return table.assign(stage=stage, events=table["denominator"] - table["events"])
