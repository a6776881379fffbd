"""Which words do the field measures use? Their stages: remand, sentence, court, entrants, time, return, support.

These count otherwise than the stage graph does (a child once, at the furthest remand; a child at its gravest
episode), so they have names of their own: a count has one meaning under one name in every table of a report.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .vocabulary import POPULATION, STAGES, Stage

FURTHEST_REMAND: Mapping[str, str] = MappingProxyType(
    {
        "remand_bail": "bail",
        "remand_community": "community_remand",
        "remand_rlaa": "rlaa",
        "remand_yda": "yda",
        "remand_not_recorded": "not_decided",
    }
)
"""Remand at the furthest a child came, and the stage it is of; each child is in one of them."""

YJB_REMAND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "yjb_bail": ("remand_bail",),
        "yjb_community": ("remand_community", "remand_rlaa"),
        "yjb_custodial": ("remand_yda",),
        "yjb_not_recorded": ("remand_not_recorded",),
    }
)
"""Remand as the Youth Justice Board groups it: RLAA is a community remand with intervention."""

HORIZONS = (91, 182, 365)
"""Days from offence to outcome that are looked at: a quarter, half and a whole of a year."""

LONG_SENTENCE = 12
"""Custodial sentences of more months than this are called long."""

_PARTITION, _DECISION, _CONTACT = "partition", "decision", "contact"
_ADVERSE, _NEUTRAL, _GOOD = "adverse", "neutral", "favourable"


def _listed(*rows: tuple[str, str, str, str, str, str]) -> dict[str, Stage]:
    return {row[0]: Stage(*row) for row in rows}


# fmt: off
FIELD_STAGES: Mapping[str, Stage] = MappingProxyType(_listed(
    # Remand: each child once, at the furthest it came.
    ("remanded", "Any remand decision", "charge", _DECISION, _NEUTRAL, "had any remand decision made"),
    ("remand_bail", "Bail and no further", "remanded", _PARTITION, _GOOD, "were bailed and no more"),
    ("remand_community", "Community remand at the furthest", "remanded", _PARTITION, _NEUTRAL,
     "were remanded in the community at the furthest"),
    ("remand_rlaa", "Local authority accommodation (RLAA) at the furthest", "remanded", _PARTITION, _NEUTRAL,
     "were remanded to local authority accommodation at the furthest"),
    ("remand_yda", "Youth detention accommodation (YDA)", "remanded", _PARTITION, _ADVERSE,
     "were remanded to youth detention accommodation at any time"),
    ("remand_not_recorded", "Type not recorded", "remanded", _PARTITION, _NEUTRAL, "had no type recorded"),
    ("yjb_bail", "Bail", "remanded", _PARTITION, _GOOD, "were bailed"),
    ("yjb_community", "Community remand with intervention, RLAA among it", "remanded", _PARTITION, _NEUTRAL,
     "were remanded in the community with intervention, or to local authority accommodation"),
    ("yjb_custodial", "Custodial remand", "remanded", _PARTITION, _ADVERSE, "were remanded to custody"),
    ("yjb_not_recorded", "Type not recorded", "remanded", _PARTITION, _NEUTRAL, "had no type recorded"),
    ("remanded_away", "Remand to RLAA or YDA", "remanded", _DECISION, _ADVERSE,
     "were remanded to any accommodation"),
    ("rlaa_instead", "RLAA as the alternative to YDA", "remanded_away", _DECISION, _GOOD,
     "were remanded to local authority accommodation and never to youth detention"),
    ("yda_remanded", "Remand to YDA, followed to the sentence", "remanded", _DECISION, _ADVERSE,
     "were remanded to youth detention accommodation"),
    ("yda_no_custody", "Remanded to YDA, then not sentenced to custody", "yda_remanded", _DECISION, _ADVERSE,
     "were then not sentenced to custody"),
    ("graded_remand", "Remand decision, by gravity", "charge", _DECISION, _NEUTRAL, "had a remand decision made"),
    ("graded_yda", "Youth detention accommodation, by gravity", "graded_remand", _DECISION, _ADVERSE,
     "were remanded to youth detention accommodation"),
    # Sentences.
    ("graded_sentence", "Sentence, by gravity", "convicted", _DECISION, _NEUTRAL, "were sentenced"),
    ("graded_custody", "Custodial sentence, by gravity", "graded_sentence", _DECISION, _ADVERSE,
     "received a custodial sentence"),
    ("report", "Sentence with a pre-sentence report", "sentenced", _DECISION, _NEUTRAL,
     "had a pre-sentence report"),
    ("as_proposed", "Sentence in the tier proposed", "report", _PARTITION, _NEUTRAL,
     "were sentenced in the tier the report proposed"),
    ("above_proposal", "Sentence in a higher tier than proposed", "report", _PARTITION, _ADVERSE,
     "were sentenced in a higher tier than the report proposed"),
    ("below_proposal", "Sentence in a lower tier than proposed", "report", _PARTITION, _GOOD,
     "were sentenced in a lower tier than the report proposed"),
    ("custody_proposed", "Custody proposed", "report", _DECISION, _ADVERSE, "had custody proposed"),
    ("community_proposed", "Custody not proposed", "report", _DECISION, _GOOD,
     "had a sentence without custody proposed"),
    ("custody_unproposed", "Custody, where the report proposed none", "community_proposed", _DECISION, _ADVERSE,
     "received a custodial sentence"),
    ("custody_timed", "Custodial sentence of a known length", "sentenced", _DECISION, _ADVERSE,
     "received a custodial sentence of a known length"),
    ("custody_long", f"Custodial sentence of over {LONG_SENTENCE} months", "custody_timed", _DECISION, _ADVERSE,
     f"received more than {LONG_SENTENCE} months"),
    # Out of court or charged.
    ("resolved", "Dealt with out of court or charged", "arrest", _DECISION, _NEUTRAL,
     "were dealt with out of court or charged"),
    ("out_of_court", "Dealt with out of court, and not charged", "resolved", _DECISION, _GOOD,
     "were dealt with out of court and not charged"),
    # First-time entrants.
    ("entrant_local", "First-time entrants, local measure", POPULATION, _CONTACT, _ADVERSE,
     "became first-time entrants"),
    ("entrant_yjb", "First-time entrants, Youth Justice Board's measure", POPULATION, _CONTACT, _ADVERSE,
     "became first-time entrants"),
    # From offence to outcome.
    *((f"offence_{d}", f"First offence, followed for {d} days", POPULATION, _CONTACT, _NEUTRAL,
       f"had a first offence that could be followed for {d} days") for d in HORIZONS),
    *((f"outcome_{d}", f"Outcome within {d} days of the offence", f"offence_{d}", _DECISION, _GOOD,
       f"had its outcome within {d} days") for d in HORIZONS),
    # Reoffending.
    ("cohort_quarter", "Three-month reoffending cohort", POPULATION, "cohort", _NEUTRAL,
     "were in the three-month cohort"),
    ("reoffended_quarter", "Reoffending, three-month cohort", "cohort_quarter", _DECISION, _ADVERSE,
     "reoffended within 12 months"),
    ("cohort_year", "Twelve-month reoffending cohort", POPULATION, "cohort", _NEUTRAL,
     "were in the twelve-month cohort"),
    ("reoffended_year", "Reoffending, twelve-month cohort", "cohort_year", _DECISION, _ADVERSE,
     "reoffended within 12 months"),
    ("live_cohort", "Live cohort", POPULATION, "cohort", _NEUTRAL, "are being followed now"),
    ("back_so_far", "A further offence recorded so far", "live_cohort", _DECISION, _ADVERSE,
     "have a further offence recorded so far"),
    ("back_early", "A further offence within three months", "live_cohort", _DECISION, _ADVERSE,
     "have a further offence within three months recorded so far"),
    # Support.
    ("on_intervention", "Intervention begun", POPULATION, _CONTACT, _NEUTRAL, "started an intervention"),
    ("need_identified", "Need identified", "on_intervention", _DECISION, _NEUTRAL, "had the need identified"),
    ("need_offered", "Support offered", "need_identified", _DECISION, _GOOD, "were offered support"),
    ("need_attending", "Support attended", "need_offered", _DECISION, _GOOD, "attended"),
    ("programme_suited", "Found suitable", "on_intervention", _DECISION, _NEUTRAL, "were found suitable"),
    ("programme_offered", "Programme offered", "programme_suited", _DECISION, _GOOD, "were offered the programme"),
    ("programme_started", "Programme started", "programme_offered", _DECISION, _GOOD, "started the programme"),
    ("programme_completed", "Programme completed", "programme_started", _DECISION, _GOOD,
     "completed the programme"),
))
# fmt: on
"""The stages of the field measures, by id."""

PARTITIONS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "remanded": (tuple(FURTHEST_REMAND), tuple(YJB_REMAND)),
        "report": (("as_proposed", "above_proposal", "below_proposal"),),
    }
)
"""Stages that add up to their base, whichever way it is divided: for whoever audits the counts together."""


SAME: Mapping[str, str] = MappingProxyType(
    {
        "remanded": "remand_decision",
        "remand_yda": "yda",
        "graded_remand": "remand_decision",
        "graded_yda": "yda",
        "graded_sentence": "sentenced",
        "graded_custody": "custody",
        "entrant_local": "first_time_entrant",
    }
)
"""Stages that count the very children another one of the stage graph does: an audit must know them for one count."""


def stages_with(own: Mapping[str, Stage] = STAGES) -> dict[str, Stage]:
    """Put the stages of the field measures beside those of a study.

    Parameters
    ----------
    own : mapping of str to Stage
        The study's stage graph; where it uses the same id, its own stage stands.

    Returns
    -------
    dict of str to Stage
        Both.

    Examples
    --------
    >>> stages_with()["yda_no_custody"].did
    'were then not sentenced to custody'
    """
    return {**FIELD_STAGES, **own}
