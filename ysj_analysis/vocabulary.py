"""Which words do we use? Ethnic groups, stages, periods and the shape of every table.

Everything here is data. Other modules ask it questions; none of them repeats a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

UNKNOWN = "Unknown"
"""The group of children whose ethnicity is not stated, not known or not recorded."""


@dataclass(frozen=True)
class Ethnicity:
    """One detailed ethnic group and the broad group it belongs to on each census base."""

    code: str
    label: str
    broad_2001: str
    broad_2021: str


# Codes follow the police "18+1" self-defined ethnicity list, extended with W4 for Roma (added by the
# 2021 census) and with three ways of not being known, which are kept apart from each other and from
# Other. The 2001 base counts Chinese with Other; the 2011 and 2021 censuses count it with Asian.
ETHNICITIES: tuple[Ethnicity, ...] = (
    Ethnicity("A1", "Indian", "Asian", "Asian"),
    Ethnicity("A2", "Pakistani", "Asian", "Asian"),
    Ethnicity("A3", "Bangladeshi", "Asian", "Asian"),
    Ethnicity("A4", "Chinese", "Other", "Asian"),
    Ethnicity("A9", "Any other Asian background", "Asian", "Asian"),
    Ethnicity("B1", "Black Caribbean", "Black", "Black"),
    Ethnicity("B2", "Black African", "Black", "Black"),
    Ethnicity("B9", "Any other Black background", "Black", "Black"),
    Ethnicity("M1", "Mixed White and Black Caribbean", "Mixed", "Mixed"),
    Ethnicity("M2", "Mixed White and Black African", "Mixed", "Mixed"),
    Ethnicity("M3", "Mixed White and Asian", "Mixed", "Mixed"),
    Ethnicity("M9", "Any other Mixed background", "Mixed", "Mixed"),
    Ethnicity("O2", "Arab", "Other", "Other"),
    Ethnicity("O9", "Any other ethnic group", "Other", "Other"),
    Ethnicity("W1", "White British", "White", "White"),
    Ethnicity("W2", "White Irish", "White", "White"),
    Ethnicity("W3", "Gypsy or Irish Traveller", "White", "White"),
    Ethnicity("W4", "Roma", "White", "White"),
    Ethnicity("W9", "Any other White background", "White", "White"),
    Ethnicity("NS", "Not stated", UNKNOWN, UNKNOWN),
    Ethnicity("NK", "Not known", UNKNOWN, UNKNOWN),
    Ethnicity("NR", "Not recorded", UNKNOWN, UNKNOWN),
)

BASES = ("2001", "2011", "2021")
"""Census bases for the broad groups. A study uses one; ``own`` is for groups named by the study."""

BROAD = ("Asian", "Black", "Mixed", "Other", "White", UNKNOWN)
"""The broad groups, in the order tables are printed."""

BROAD_LABELS = MappingProxyType(
    {
        "Asian": "Asian or Asian British",
        "Black": "Black or Black British",
        "Mixed": "Mixed or multiple",
        "Other": "Other ethnic group",
        "White": "White",
        UNKNOWN: "Not known or not stated",
    }
)


def broad_groups(base: str) -> dict[str, str]:
    """Map each detailed code to its broad group on a census base.

    Parameters
    ----------
    base : {"2001", "2011", "2021"}
        2001 counts Chinese children with Other; 2011 and 2021 with Asian.

    Returns
    -------
    dict of str to str
        Detailed code to broad group.

    Examples
    --------
    >>> broad_groups("2001")["A4"], broad_groups("2021")["A4"]
    ('Other', 'Asian')
    """
    if base not in BASES:
        raise ValueError(f"base {base!r} is not one of {', '.join(BASES)}.")
    field = "broad_2001" if base == "2001" else "broad_2021"
    return {e.code: getattr(e, field) for e in ETHNICITIES}


UNITS = ("children", "episodes", "offences", "searches", "cases")
"""What a count counts. It is printed wherever a number is."""

EVENT_UNITS = UNITS[:2]
"""What a count of events may count: a child once in a period, or each of its episodes."""


@dataclass(frozen=True)
class Stage:
    """A point in the system.

    Attributes
    ----------
    id : str
        The word in tables and code.
    label : str
        The words in a report.
    base : str
        ``population``, or the id of the stage that feeds this one.
    kind : {"contact", "decision", "partition", "cohort", "pending"}
        Shares of a partition add to 1. A ``pending`` stage counts cases not yet decided.
    polarity : {"adverse", "neutral", "favourable"}
        Whether a higher rate is worse for the child.
    did : str
        The words in a sentence: "Black children *were charged* at ...".
    """

    id: str
    label: str
    base: str
    kind: str
    polarity: str
    did: str


POPULATION = "population"

_CONTACT, _DECISION, _PARTITION = "contact", "decision", "partition"

# England and Wales. A study may bring its own graph in study.toml.
STAGES = MappingProxyType(
    {
        s.id: s
        for s in (
            Stage(
                "stop_search", "Stop and search", POPULATION, _CONTACT, "adverse", "were stopped and searched"
            ),
            Stage("arrest", "Arrest", POPULATION, _CONTACT, "adverse", "were arrested"),
            Stage(
                "no_further_action",
                "No further action",
                "arrest",
                _DECISION,
                "favourable",
                "had no further action taken",
            ),
            Stage(
                "released_under_investigation",
                "Released under investigation",
                "arrest",
                _DECISION,
                "neutral",
                "were released under investigation",
            ),
            Stage("diversion", "Diversion", "arrest", _DECISION, "favourable", "were diverted"),
            Stage("caution", "Youth caution", "arrest", _DECISION, "neutral", "were cautioned"),
            Stage("charge", "Charge", "arrest", _DECISION, "adverse", "were charged"),
            Stage(
                "first_time_entrant",
                "First-time entrant",
                POPULATION,
                _CONTACT,
                "adverse",
                "became first-time entrants",
            ),
            Stage("intervention", "Intervention", POPULATION, _CONTACT, "adverse", "started an intervention"),
            Stage(
                "remand_decision",
                "Remand decision",
                "charge",
                _DECISION,
                "neutral",
                "had a remand decision made",
            ),
            Stage("bail", "Bail", "remand_decision", _PARTITION, "favourable", "were bailed"),
            Stage(
                "community_remand",
                "Community remand",
                "remand_decision",
                _PARTITION,
                "neutral",
                "were remanded in the community",
            ),
            Stage(
                "rlaa",
                "Remand to local authority accommodation",
                "remand_decision",
                _PARTITION,
                "neutral",
                "were remanded to local authority accommodation",
            ),
            Stage(
                "yda",
                "Remand to youth detention accommodation",
                "remand_decision",
                _PARTITION,
                "adverse",
                "were remanded to youth detention accommodation",
            ),
            Stage("convicted", "Conviction", "charge", _DECISION, "adverse", "were convicted"),
            Stage("sentenced", "Sentence", "convicted", _DECISION, "neutral", "were sentenced"),
            Stage(
                "first_tier",
                "First-tier sentence",
                "sentenced",
                _PARTITION,
                "neutral",
                "received a first-tier sentence",
            ),
            Stage(
                "community",
                "Community sentence",
                "sentenced",
                _PARTITION,
                "neutral",
                "received a community sentence",
            ),
            Stage(
                "custody",
                "Custodial sentence",
                "sentenced",
                _PARTITION,
                "adverse",
                "received a custodial sentence",
            ),
            Stage("custody_population", "In custody", POPULATION, _CONTACT, "adverse", "were in custody"),
            Stage(
                "cohort",
                "Reoffending cohort",
                POPULATION,
                "cohort",
                "neutral",
                "were in the reoffending cohort",
            ),
            Stage("reoffended", "Reoffending", "cohort", _DECISION, "adverse", "reoffended within 12 months"),
        )
    }
)


def chain(stage: str, stages: Mapping[str, Stage] = STAGES) -> list[str]:
    """List the stages a child passes to reach a stage, from the population on.

    Parameters
    ----------
    stage : str
        Id of the last stage.
    stages : mapping of str to Stage
        The stage graph.

    Returns
    -------
    list of str
        Stage ids, first contact first.

    Examples
    --------
    >>> chain("custody")
    ['arrest', 'charge', 'convicted', 'sentenced', 'custody']
    """
    path = [stage]
    while stages[path[0]].base in stages:
        path.insert(0, stages[path[0]].base)
    return path


FIRST_MONTH = MappingProxyType({"financial": 4, "calendar": 1, "academic": 9, "december": 1})
"""The kinds of year and the month each starts in; a year is named by the one it starts in.

``december`` is the twelve months ending in December that the Youth Justice Board uses for first-time
entrants: the calendar year under another name.
"""

PERIODS = tuple(FIRST_MONTH)
"""The kinds of year, the usual one first."""


def period_label(year: int, years: int = 1, period: str = "financial") -> str:
    """Write a period as a reader would.

    Parameters
    ----------
    year : int
        The last year, by the year it starts in.
    years : int
        How many years, ending with ``year``.
    period : {"financial", "calendar", "academic", "december"}
        The kind of year.

    Returns
    -------
    str
        The period in words.

    Examples
    --------
    >>> period_label(2023), period_label(2023, years=5)
    ('2023-24', '2019-20 to 2023-24')
    >>> period_label(2019, years=3, period="calendar"), period_label(2023, period="academic")
    ('2017 to 2019', '2023/24')
    >>> period_label(2023, years=2, period="december")
    'years ending December 2022 to 2023'
    """

    def one(y: int) -> str:
        sign = {"financial": "-", "academic": "/"}.get(period)
        return f"{y}{sign}{(y + 1) % 100:02d}" if sign else str(y)

    text = one(year) if years == 1 else f"{one(year - years + 1)} to {one(year)}"
    return f"{'year' if years == 1 else 'years'} ending December {text}" if period == "december" else text


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    ``kind`` is ``text``, ``count`` (a whole number of 0 or more, or the mark of a hidden one), ``whole``
    (of 0 or more, never hidden), ``year`` (four digits), ``date`` (ISO), ``month`` (YYYY-MM), ``flag``
    (yes, no or empty), ``group`` (of the study) or ``stage`` (of its graph). ``choices`` closes a list.
    ``required`` says that the column must be there, ``blank`` that a cell of it may be empty all the
    same; a column that need not be there may always have empty cells.
    """

    name: str
    kind: str
    meaning: str
    required: bool = True
    choices: tuple[str, ...] = ()
    blank: bool = False


SEX = ("female", "male", "unknown")
SOURCE_LABELS = MappingProxyType(
    {
        "self": "self-defined ethnicity",
        "officer": "officer-defined ethnicity",
        "school": "school-recorded ethnicity",
        "unknown": "ethnicity of unrecorded source",
    }
)
"""Who said a child's ethnicity, and what it is called then. One count uses one of them, and no other."""

SOURCES_OF_ETHNICITY = tuple(SOURCE_LABELS)
TIERS = ("first_tier", "community", "custody")
"""The tiers a court sentences in, which are stages too."""
KINDS = ("need", "programme")
"""What support answers: a need that the key performance indicators follow, or a programme of the service's own."""
_CODES = tuple(e.code for e in ETHNICITIES)

TABLES = MappingProxyType(
    {
        "children": (
            Column("child_id", "text", "pseudonym of the child; never shown"),
            Column("sex", "text", "sex as recorded", choices=SEX),
            Column("birth_month", "month", "month of birth; empty when not known", blank=True),
            Column("ethnicity", "text", "detailed ethnic group", choices=_CODES),
            Column("ethnicity_source", "text", "who said so", choices=SOURCES_OF_ETHNICITY),
            Column("looked_after", "flag", "looked after by a local authority", required=False),
            Column("send", "flag", "special educational needs or disability", required=False),
            Column("area", "text", "home area", required=False),
            Column("transferred_in", "date", "day another service handed the child over", required=False),
            Column("transferred_out", "date", "day the child was handed to another service", required=False),
        ),
        "events": (
            Column("child_id", "text", "pseudonym of the child"),
            Column("episode_id", "text", "one arrest and all that followed from it"),
            Column("stage", "stage", "the decision"),
            Column("date", "date", "day of the decision"),
            Column("area", "text", "the youth justice service"),
            Column("offence_group", "text", "Youth Justice Board offence group", required=False),
            Column("gravity", "whole", "gravity score, 1 to 8", required=False),
            Column("court", "text", "court", required=False),
        ),
        "offences": (
            Column("child_id", "text", "pseudonym of the child"),
            Column("offence_date", "date", "day of the offence"),
            Column("outcome_date", "date", "day of the outcome; empty while undecided", blank=True),
            Column("outcome", "text", "the outcome", required=False),
            Column("gravity", "whole", "gravity score, 1 to 8", required=False),
            Column("offence_group", "text", "Youth Justice Board offence group", required=False),
        ),
        "sentencing": (
            Column("child_id", "text", "pseudonym of the child"),
            Column("episode_id", "text", "the episode that was sentenced"),
            Column("date", "date", "day of the sentence"),
            Column(
                "proposal",
                "text",
                "what the pre-sentence report proposed; empty without a report",
                choices=TIERS,
                blank=True,
            ),
            Column("sentence", "text", "what the court passed", choices=TIERS),
            Column("months", "whole", "length of a custodial sentence in months", required=False),
        ),
        "support": (
            Column("child_id", "text", "pseudonym of the child"),
            Column("area", "text", "the youth justice service"),
            Column("kind", "text", "a need of the key performance indicators, or a programme", choices=KINDS),
            Column("name", "text", "which need or programme"),
            Column("identified", "date", "day the need, or that the programme would suit, was recorded"),
            Column("offered", "date", "day support was offered; empty if it was not", blank=True),
            Column("started", "date", "day the child first attended; empty if it did not", blank=True),
            Column("completed", "date", "day the child completed it; empty if it did not", blank=True),
        ),
        "searches": (
            Column("date", "date", "day of the search"),
            Column("area", "text", "where the search was"),
            Column("sex", "text", "sex as recorded", required=False, choices=SEX),
            Column("age_band", "text", "age band as recorded", required=False),
            Column("ethnicity", "text", "self-defined detailed group", choices=_CODES),
            Column("ethnicity_officer", "text", "group as seen by the officer", required=False),
            Column("legislation", "text", "power used", required=False),
            Column("object", "text", "what was searched for", required=False),
            Column("outcome", "text", "outcome", required=False),
            Column("outcome_linked", "flag", "outcome linked to the object", required=False),
        ),
        "counts": (
            Column("area", "text", "area"),
            Column("year", "year", "year, by the year it starts in"),
            Column("stage", "stage", "stage reached"),
            Column("group", "group", "ethnic group"),
            Column("events", "count", "how many reached the stage"),
            Column("denominator", "count", "out of how many", required=False),
            Column("unit", "text", "what is counted", required=False, choices=UNITS),
            Column("period", "text", "which kind of year", required=False, choices=PERIODS),
            Column("sex", "text", "sex", required=False),
            Column("age", "text", "age or age band", required=False),
        ),
        "population": (
            Column("area", "text", "area"),
            Column("year", "year", "year, by the year it starts in"),
            Column("vintage", "text", "which census or estimate the figure rests on", required=False),
            Column("base", "text", "census base of the groups", required=False, choices=(*BASES, "own")),
            Column("age", "text", "age in years, or an age band", required=False),
            Column("sex", "text", "sex", required=False),
            Column("group", "group", "ethnic group"),
            Column("population", "count", "children aged 10 to 17"),
        ),
    }
)
"""The canonical tables. Extra columns are kept and ignored."""

KEYS = MappingProxyType(
    {
        "children": ("child_id",),
        "events": ("episode_id", "stage", "date"),
        "counts": ("area", "year", "stage", "group", "unit", "sex", "age"),
        "population": ("area", "year", "vintage", "age", "sex", "group"),
    }
)
"""What may occur once only in each table."""

COUNTS = ("area", "year", "years", "unit", "stage", "base", "group")
"""The leading columns of a table of counts; ``by`` columns, ``events`` and ``denominator`` follow."""

MEASURE = (
    "measure",
    *COUNTS,
    "reference",
    "events",
    "denominator",
    "reference_events",
    "reference_denominator",
    "estimate",
    "low",
    "high",
    "p_value",
    "method",
    "note",
)
"""The columns of a measure, ``by`` columns after ``group``."""

NOTES = MappingProxyType(
    {
        "": "",
        "zero_numerator": "no events in this group",
        "zero_reference": "no events in the reference group",
        "no_events": "no events in either group",
        "full_cell": "everyone in a group reached the stage",
        "no_denominator": "no denominator",
        "suppressed": "hidden to protect children",
        "unreliable": "too few expected events for a dependable interval",
        "immature": "too many cases still undecided",
        "no_data": "not in the data",
        "no_number": "this line counts nothing",
        "reference": "the group the others are compared with",
        "too_few_events": "fewer than 10 events in all",
        "weights_vary": "the groups differ much in age or another stratum; see the wider interval",
        "strata_dropped": "strata without anyone to compare, or of unknown size, left out",
        "allocated": "children of unknown ethnicity shared out",
        "no_unknown": "no child of unknown ethnicity",
        "no_known": "no child of known ethnicity",
        "no_finding": "the interval includes parity already",
        "cannot_be_removed": "no sharing out of the unknown removes the finding",
        "not_on_officers_list": "not a group that officers record",
        "overdispersed": "varies more than chance gives",
        "path_ends_early": "the path can be followed only part of the way",
        "whole_near_parity": "the whole cannot be told apart from parity, so its parts have no limits",
        "mediator": "adjusted for what may itself carry the disparity",
        "sparse": "few events: Firth's penalised likelihood",
        "too_few_to_fit": "fewer events than this model needs",
        "not_compared": "ethnicity is not known",
        "shrunk": "drawn towards what its characteristics would give together, as it is small",
    }
)
"""Why a value is missing or should be read with care."""

ROLES = ("commissioner", "analyst", "assurer", "approver")
"""Who answers for an analysis, in the Aqua Book's roles (HM Treasury 2015)."""
