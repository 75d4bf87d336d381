"""Guards: has a stated day come, and does it fit what happened before?"""

from models.vocabulary import Letter, NoticeStatus
from workflow.facts import ALLOWED, Facts, Verdict
from workflow.machine import Check
from workflow.moves import inputs as stated
from workflow.moves.words import rome, spoken
from workflow.rules.calendar import civil_day


def not_after_today(field: str) -> Check:
    """Make a check that a stated day has come."""

    def check(facts: Facts, given: object) -> Verdict:
        day = getattr(given, field)
        if day is None or day <= facts.today:
            return ALLOWED
        return Verdict(
            "date.future",
            f"--{field.replace('_', '-')} {day.isoformat()} is after today, "
            f"{facts.today.isoformat()}; state a day that has come",
        )

    return check


def not_before(field: str, letter: Letter) -> Check:
    """Make a check that a stated day is not before a letter was written."""

    def check(facts: Facts, given: object) -> Verdict:
        day, notice = getattr(given, field), facts.notice(letter)
        if notice is None or day >= civil_day(notice.created_at):
            return ALLOWED
        return Verdict(
            "date.too_early",
            f"--{field.replace('_', '-')} {day.isoformat()} is before the "
            f"{spoken(letter)}, {civil_day(notice.created_at).isoformat()}",
        )

    return check


def not_before_today(field: str) -> Check:
    """Make a check that a stated day has not passed."""

    def check(facts: Facts, given: object) -> Verdict:
        day = getattr(given, field)
        if day >= facts.today:
            return ALLOWED
        return Verdict(
            "date.past",
            f"--{field.replace('_', '-')} {day.isoformat()} is before today, "
            f"{facts.today.isoformat()}; state a day to come",
        )

    return check


def letter_is_held(facts: Facts, given: stated.ReleaseInputs) -> Verdict:
    """A letter is released once, while it is held back."""
    notice = next((one for one in facts.notices if one.id == given.notice), None)
    if notice is None:
        return Verdict(
            "notice.not_written",
            f"no letter `{given.notice}` was written for this application; see "
            "`sportello show APP` for those that were",
        )
    if notice.status is not NoticeStatus.HELD:
        return Verdict(
            "notice.not_held",
            f"the letter `{notice.letter}` is not held back: it is {notice.status}",
        )
    return ALLOWED


def some_letter_is_held(facts: Facts) -> Verdict:
    """Tell beforehand whether any letter is held back."""
    if any(notice.status is NoticeStatus.HELD for notice in facts.notices):
        return ALLOWED
    return Verdict("notice.none_held", "no letter of this application is held back")


def letter_awaits_delivery(facts: Facts, given: stated.DeliveryInputs) -> Verdict:
    """A letter is delivered once, and after it was written."""
    notice = facts.notice(given.letter)
    if notice is None:
        written = ", ".join(sorted(item.letter for item in facts.notices)) or "none"
        return Verdict(
            "notice.not_written",
            f"no letter `{given.letter}` was written; those written are: {written}",
        )
    if notice.delivered_at is not None:
        return Verdict(
            "notice.delivered",
            f"`{given.letter}` was already delivered, at "
            f"{rome(notice.delivered_at)} (Rome)",
        )
    return not_before("delivered_on", given.letter)(
        facts,
        given.model_copy(update={"delivered_on": given.delivered_on or facts.today}),
    )
