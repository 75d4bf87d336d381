"""Could a project still be carried out, as far as the call lets one end?"""

from datetime import date

from config.schema import CallDefinition
from models.vocabulary import TermKind


def latest_day(rules: CallDefinition) -> date | None:
    """Return the last day on which a project of the call may end, if there is one."""
    rule = rules.terms.get(TermKind.DURATION)
    return None if rule is None else rule.not_after


def has_time(rules: CallDefinition, today: date) -> bool:
    """Tell whether that day has not passed."""
    latest = latest_day(rules)
    return latest is None or today <= latest
