"""Did searches for the same object find what they were for? The outcome test, like compared with like.

The outcome test compares hit rates: where a group's are lower, it may be searched on weaker grounds. Groups
searched for different objects have different hit rates for that alone, so here they are counted object by
object. What remains is still a comparison of averages and not of the searches at the margin (infra-marginality).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .searches import LINKED, NOT_RECORDED, SEARCH, SELF, Selection, linked
from .vocabulary import COUNTS


def linked_by_object(chosen: Selection, *, defined_by: str = SELF) -> pd.DataFrame:
    """Count searches whose outcome is linked to their object, for each object and group.

    Parameters
    ----------
    chosen : Selection
        From ``searches.select``.
    defined_by : {"self-defined", "officer-defined"}
        Whose word on ethnicity.

    Returns
    -------
    DataFrame
        As ``searches.linked``, with ``object``: a row for every object, the most frequent first, and group; they add to
        its rows. ``matched.matched(released, by=["object"])`` compares within objects. Where the link is recorded of no
        search, events and denominator are NaN and ``note`` is ``no_denominator``.

    References
    ----------
    Knowles, Persico and Todd (2001), Journal of Political Economy 109:203-229, for the outcome test; Simoiu,
    Corbett-Davies and Goel (2017), Annals of Applied Statistics 11:1193-1216, for what averages hide.

    Examples
    --------
    >>> from ysj_analysis import load, searches
    >>> chosen = searches.select(load.study("data/synthetic"), area="Islington", year=2023)
    >>> table = linked_by_object(chosen)
    >>> table["object"].unique().tolist()[:2]
    ['Controlled drugs', 'Offensive weapons']
    >>> float(table["events"].sum()) == float(linked(chosen)["events"].sum())
    True
    """
    whole = linked(chosen, defined_by=defined_by)
    rows = chosen.rows
    sought = rows["object"] if "object" in rows else pd.Series("", rows.index)
    sought = sought.where(sought.ne(""), NOT_RECORDED)
    counted = sought.value_counts().rename_axis("object").reset_index(name="n")
    objects = counted.sort_values(["n", "object"], ascending=[False, True])["object"].tolist()
    groups = whole["group"].astype(str).tolist()
    hit = rows["outcome_linked"].eq("yes") if "outcome_linked" in rows else pd.Series(False, rows.index)
    cells = pd.DataFrame(
        {"object": sought, "group": rows[defined_by.replace("-", "_")].astype(str), "hit": hit}
    )
    found = cells.groupby(["object", "group"])["hit"].agg(events="sum", denominator="size").astype(float)
    grid = pd.MultiIndex.from_product([objects, groups], names=["object", "group"])
    table = found.reindex(grid, fill_value=0.0).reset_index()
    unknown = whole["note"].eq("no_denominator").all()
    table = table.assign(
        **{c: whole[c].iloc[0] for c in COUNTS if c not in ("group", "stage", "base")},
        stage=LINKED,
        base=SEARCH,
        defined_by=defined_by,
        group=pd.Categorical(table["group"], list(whole["group"].cat.categories), ordered=True),
        note="no_denominator" if unknown else "",
    )
    if unknown:
        table = table.assign(events=np.nan, denominator=np.nan)
    return table[[*COUNTS, "defined_by", "object", "events", "denominator", "note"]]
