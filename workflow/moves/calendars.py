"""On which calendar are the days of an application counted?"""

from datetime import date

from models.vocabulary import TermKind
from workflow.facts import Facts
from workflow.rules.calendar import Calendar, italian_calendar
from workflow.rules.terms import TermFacts, compute

_LONGEST = 11
"""Years: no term is longer than ten."""


def calendar_from(facts: Facts, first_year: int) -> Calendar:
    """Return the calendar of the call, wide enough for a term that starts then."""
    rules = facts.call.counting_rules
    return italian_calendar(
        first_year,
        max(first_year, facts.today.year) + _LONGEST,
        roll_saturday=rules.roll_saturday,
        local=rules.local_holidays,
    )


def last_sending(facts: Facts, registered: date) -> date | None:
    """Return the last day to send the act of an aid to its registry (*RNA*).

    It is counted from the day of the COR (art. 9 c. 5 DM 115/2017); a call without
    that term sets no such day.
    """
    rule = facts.call.terms.get(TermKind.AID_REGISTRY)
    if rule is None:
        return None
    computed = compute(
        TermFacts(starts_on=registered, count=rule.count, counting=rule.counting),
        calendar_from(facts, registered.year),
        today=facts.today,
    )
    return computed.last_day
