"""On which calendar are the days of an application counted?"""

from datetime import date

from config.schema import CallDefinition
from models.vocabulary import TermKind
from workflow.facts import Facts
from workflow.rules.calendar import Calendar, italian_calendar
from workflow.rules.terms import TermFacts, compute

_AHEAD = 20
"""Years: ten for the longest term, and what extends it or stops its clock."""


def calendar_of(rules: CallDefinition, start: date, today: date) -> Calendar:
    """Return the calendar of a call, wide enough for a term that starts then."""
    policy = rules.counting_rules
    return italian_calendar(
        start.year,
        max(start.year, today.year) + _AHEAD,
        roll_saturday=policy.roll_saturday,
        local=policy.local_holidays,
    )


def calendar_from(facts: Facts, start: date) -> Calendar:
    """Return the same for the file of which the facts speak."""
    return calendar_of(facts.call, start, facts.today)


def last_sending(facts: Facts, registered: date | None) -> date | None:
    """Return the last day to send the act of an aid to its registry (*RNA*).

    It is counted from the day of the COR (art. 9 c. 5 DM 115/2017); a call without
    that term sets no such day.
    """
    rule = facts.call.terms.get(TermKind.AID_REGISTRY)
    if rule is None or registered is None:
        return None
    computed = compute(
        TermFacts(starts_on=registered, count=rule.count, counting=rule.counting),
        calendar_from(facts, registered),
        today=facts.today,
    )
    return computed.last_day
