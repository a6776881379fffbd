"""What would be flagged, by a rule said before anyone looked? Printed ratios of periods that do not overlap.

The rule stands under ``[flags]`` in ``study.toml``. A study that declares none has no flags: a rule chosen after the
figures were seen could flag, or spare, whatever one likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from . import disclosure, load, measures, monitor, pipeline
from . import settings as toml
from .disclosure import PUBLIC, Policy, Released
from .load import DataError, Study
from .monitor import Rule
from .reading import NotHeld
from .vocabulary import UNKNOWN


def declared(folder: str | Path) -> Rule:
    """Read the rule that a study declares.

    Parameters
    ----------
    folder : path
        The study folder.

    Returns
    -------
    Rule
        What makes a flag.

    Raises
    ------
    NotHeld
        If the study declares none.
    DataError
        If the rule cannot be read.

    Examples
    --------
    >>> print(declared("data/synthetic"))
    ratio above 1.5 for 2 consecutive periods; at least 10 events and 30 in the base, in group and
    reference; declared 2024-04-01
    """
    given = toml.read(load.found(Path(folder))).get("flags")
    if given is None:
        raise NotHeld(
            "This study declares no rule for flags, so nothing is flagged: a rule has to be said before anyone looks. "
            "Write it under [flags] in study.toml, with a threshold, the day it was declared and for how many periods."
        )
    try:
        return Rule(**given)
    except (TypeError, ValueError) as wrong:
        raise DataError(f"study.toml: the rule under [flags] cannot be used: {wrong}") from None


def counts(
    study: Study,
    rule: Rule,
    *,
    area: str,
    year: int,
    years: int = 3,
    stages: Sequence[str] = (),
    unit: str | None = None,
) -> pd.DataFrame:
    """Count the decisions of the periods that the rule looks at: as many as it asks for, none overlapping.

    Parameters
    ----------
    study : Study
        From ``load.study``.
    rule : Rule
        From :func:`declared`.
    area, year, unit
        As for ``pipeline.for_report``.
    years : int
        Years in a period; fewer if the study has not so many times the periods.
    stages : sequence of str
        Which stages; all if empty.

    Returns
    -------
    DataFrame
        As ``pipeline.stage_counts``, each stage on the base that feeds it.

    Raises
    ------
    NotHeld
        If the study has fewer years than the rule has periods.
    """
    held = year - study.years[0] + 1
    if held < rule.years:
        raise NotHeld(
            f"This study holds {held} years up to {year}, and its rule for flags looks at {rule.years} periods. With "
            "more years it could be applied."
        )
    long = min(years, held // rule.years)
    ends = [year - i * long for i in range(rule.years)][::-1]
    whole = pipeline.stage_counts(pipeline.up_to(study, area, year), unit=unit, window=long)
    table = pipeline.conditional(whole[whole["year"].isin(ends)], study.stages)
    table = table[table["stage"].astype(str).isin(stages)] if stages else table
    return table[table["group"].astype(str).ne(UNKNOWN)].reset_index(drop=True)


def flagged(
    study: Study,
    rule: Rule,
    *,
    area: str,
    year: int,
    years: int = 3,
    stages: Sequence[str] = (),
    reference: str = "",
    policy: Policy = PUBLIC,
) -> Released:
    """Apply the rule to printed ratios, so that a flag gives nothing away that is not printed.

    Parameters
    ----------
    study, rule, area, year, years, stages
        As for :func:`counts`.
    reference : str
        The group compared with; the study's own if empty.
    policy : Policy
        The rule of the edition.

    Returns
    -------
    Released
        As ``monitor.concerns``: a row for each period, stage and group.
    """
    released = disclosure.release(
        counts(study, rule, area=area, year=year, years=years, stages=stages), policy=policy
    )
    ratios = released.measure(measures.relative_rates, reference=reference or study.reference)
    return ratios.derive(monitor.concerns, rule=rule, stages=study.stages)


def held_against(policy: Policy, stages: Sequence[str]) -> tuple[str, ...]:
    """Choose the stages that a report holds the rule against.

    Parameters
    ----------
    policy : Policy
        The rule of the edition.
    stages : sequence of str
        Those of which it shows these periods anyhow.

    Returns
    -------
    tuple of str
        These, where counts are hidden: every stage in two more periods would link so many counts to one another, and
        to those of other years' reports, that these could not be published. Else none, which means all.
    """
    return tuple(stages) if policy.protects else ()


def last_period(table: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """Keep the last period, and say how many of its comparisons could be assessed.

    Parameters
    ----------
    table : DataFrame
        Of :func:`flagged`.
    year : int
        The last year of that period.

    Returns
    -------
    DataFrame
        Its rows, with ``compared``, ``not_assessed`` and ``without_base``: how many they are, how many of them could
        not be assessed, and of how many of these it is not known what they are out of; of the others there are too
        few children.
    """
    last = table[table["year"].eq(year)]
    unseen = last["flag"].eq("not assessed")
    nobody = unseen & last["why"].eq("no_denominator")
    numbers = {"compared": len(last), "not_assessed": unseen.sum(), "without_base": nobody.sum()}
    return last.assign(**{c: str(n) for c, n in numbers.items()}).reset_index(drop=True)
