"""Guards: has a stated day come, and does it fit what happened before?"""

from models.vocabulary import Letter, NoticeStatus, TermKind
from workflow.facts import ALLOWED, Facts, NoticeRecord, Verdict
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
            f"--{field.replace('_', '-')} {day.isoformat()} is after "
            f"{'today' if facts.arrival is None else '--received-on'}, "
            f"{facts.today.isoformat()}; state a day that has come",
        )

    return check


def not_before(field: str, letter: Letter, started: TermKind | None = None) -> Check:
    """Make a check that a stated day is not before a letter was written.

    Nor before that which had the letter written, where it *started* a term: that
    may have been typed later than it came in.
    """

    def check(facts: Facts, given: object) -> Verdict:
        day, notice = getattr(given, field), facts.notice(letter)
        if notice is None:
            return ALLOWED
        earlier = [term.starts_on for term in facts.terms if term.kind is started]
        first = min((civil_day(notice.created_at), *earlier))
        if day >= first:
            return ALLOWED
        return Verdict(
            "date.too_early",
            f"--{field.replace('_', '-')} {day.isoformat()} is before the "
            f"{spoken(letter)}, {first.isoformat()}",
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
    notice = facts.letter_meant(given.letter, given.notice)
    if notice is None:
        written = ", ".join(sorted(item.letter for item in facts.notices)) or "none"
        if given.notice is not None:
            return Verdict(
                "notice.unknown",
                f"no letter `{given.letter}` with the id {given.notice} was written to "
                f"this applicant; those written are: {written}",
            )
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
    # One that was dropped may have been handed over by other means before.
    if notice.status is NoticeStatus.HELD:
        return Verdict(
            "notice.not_sent",
            f"`{notice.letter}` never left: it is {notice.status}; what is held back "
            "goes with `sportello notices release`",
        )
    return _follows(notice, facts, given)


def _follows(
    notice: NoticeRecord, facts: Facts, given: stated.DeliveryInputs
) -> Verdict:
    """A letter is delivered after it was written, and not after now.

    A receipt tells no more than the second.
    """
    at = given.delivered_at
    if at is None:
        day, written = given.delivered_on or facts.today, civil_day(notice.created_at)
        if day >= written:
            return ALLOWED
        return Verdict(
            "date.too_early",
            f"--delivered-on {day.isoformat()} is before the {spoken(notice.letter)}, "
            f"{written.isoformat()}",
        )
    if at > facts.now:
        return Verdict(
            "date.future",
            f"--delivered-at {rome(at)} (Rome) is after now, {rome(facts.now)}",
        )
    if at >= notice.created_at.replace(microsecond=0):
        return ALLOWED
    return Verdict(
        "date.too_early",
        f"--delivered-at {rome(at)} (Rome) is before the {spoken(notice.letter)}, "
        f"{rome(notice.created_at)}",
    )


def some_letter_awaits_delivery(facts: Facts) -> Verdict:
    """There is something to record only while a letter is not known to be delivered."""
    if any(notice.delivered_at is None for notice in facts.notices):
        return ALLOWED
    return Verdict("notice.all_delivered", "no letter waits for its delivery")
