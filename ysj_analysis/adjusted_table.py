"""How is a block laid out as a measure? One row a group, compared or not, and how much each block took away."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .adjusted_blocks import RAW, Block
from .adjusted_cells import LOGISTIC, Cells
from .adjusted_margins import RATIO
from .adjusted_rows import UsableRows
from .vocabulary import UNKNOWN


def rows_of(rows: UsableRows, cells: Cells, step: Block, found, kind: str, reference, family) -> pd.DataFrame:
    """Give the rows of one block and measure: every group of the cases, modelled or not.

    Parameters
    ----------
    rows : UsableRows
        What was fitted.
    cells : Cells
        The rows as cells.
    step : Block
        The block.
    found : dict
        Its contrasts by kind (``table``), ``method`` and ``facts``.
    kind : {"ratio", "difference"}
        Which contrast.
    reference, family : str
        As for ``models.adjusted``.

    Returns
    -------
    DataFrame
        A row a group. ``residual_df`` is that of the block: its cells less its coefficients.
    """
    groups = list(rows.groups)
    levels = pd.Index(cells.levels[0])
    events = np.bincount(cells.codes[:, 0], cells.events, len(levels))
    sizes = np.bincount(cells.codes[:, 0], cells.exposure, len(levels))
    at = levels.get_indexer(groups)
    inside = at >= 0
    values = np.full((4, len(groups)), np.nan)
    if found["table"]:
        values[:, inside] = np.column_stack([np.full(4, np.nan), found["table"][kind]])[:, at[inside]]
    itself = np.array([g == reference for g in groups])
    values[0, itself] = (1.0 if kind == RATIO else 0.0) if found["table"] else np.nan
    why = np.select(
        [itself, [g == UNKNOWN for g in groups], ~inside, np.full(len(groups), not found["table"])],
        ["reference", "not_compared", "no_denominator", "too_few_to_fit"],
        "",
    ).astype(object)
    modelled = inside & ~itself & bool(found["table"])
    zero = modelled & (np.where(inside, events[at], 1) == 0)
    why += np.where(zero, " zero_numerator", "")
    why += np.where(modelled & (not found.get("plain", True)), " sparse", "")
    why += np.where(modelled & bool(step.mediators), " mediator", "")
    seen = pd.DataFrame(rows.beside, columns=["group", "events", "denominator"]).set_index("group")
    return pd.DataFrame(
        {
            **rows.scope,
            "measure": f"adjusted_{'risk' if family == LOGISTIC else 'rate'}_{kind}",
            "group": pd.Categorical(groups, groups, ordered=True),
            "block": step.name,
            "reference": reference,
            "events": np.where(inside, events[at], seen["events"].reindex(groups).fillna(0)),
            "denominator": np.where(inside, sizes[at], seen["denominator"].reindex(groups).fillna(0)),
            "reference_events": events[0],
            "reference_denominator": sizes[0],
            **dict(zip(("estimate", "low", "high", "p_value"), values, strict=True)),
            "method": found["method"][kind] if found["table"] else "none",
            "note": pd.Series(why, dtype=object).str.strip().to_numpy(object),
            "residual_df": found["facts"]["residual_df"],
        }
    )


def attenuated(table: pd.DataFrame) -> pd.DataFrame:
    """Add what part of the raw log ratio or difference each block took away.

    Parameters
    ----------
    table : DataFrame
        The rows of all blocks.

    Returns
    -------
    DataFrame
        With ``attenuation``; NaN where the raw interval holds parity.
    """
    ratio = table["measure"].str.endswith(RATIO)
    size = table["estimate"].where(~ratio, np.log(table["estimate"].where(table["estimate"] > 0)))
    parity = ratio.astype(float)
    off = (table["low"] > parity) | (table["high"] < parity)
    one = [table["measure"], table["group"].astype(str)]
    raw = size.where(table["block"].eq(RAW) & off).groupby(one).transform("first")
    before = size.groupby(one).transform(lambda s: s.ffill().shift())
    return table.assign(attenuation=((before - size) / raw).where(table["block"].ne(RAW)))
