"""Do the letters of a call wait, and remind, where that makes sense?"""

from collections.abc import Iterator, Sequence

from config.findings import Finding
from config.schema import OF_THE_APPLICANT, CallDefinition
from models.vocabulary import Letter, TermKind

NEVER_HELD = frozenset(
    {
        Letter.SUBMISSION_RECEIPT,
        Letter.REMINDER,
        Letter.COUNTER_SUSPENDED,
        Letter.COUNTER_REOPENED,
    }
)
"""The letters that are due at once (art. 18-bis L. 241/1990), or soon of no use."""

MAY_BE_REMINDED = (*OF_THE_APPLICANT, TermKind.DURATION)
"""The terms of which it helps the applicant to be reminded."""


def letters_are_not_held_too_long(call: CallDefinition) -> Iterator[Finding]:
    """Tell the letters that cannot wait until an officer releases them."""
    if call.notices is None:
        return
    for index, letter in enumerate(call.notices.held):
        if letter in NEVER_HELD:
            yield Finding(
                ("notices", "held", index),
                f'"{letter}" is sent at once: remove it, it cannot wait for a release',
            )


def reminders_are_of_the_applicant(call: CallDefinition) -> Iterator[Finding]:
    """Tell the terms of the office: nobody who gets a letter could meet them."""
    if call.notices is None:
        return
    for index, kind in enumerate(call.notices.reminded):
        if kind not in MAY_BE_REMINDED:
            yield Finding(
                ("notices", "reminded", index),
                f'"{kind}" is a term of the office, of which no applicant is reminded: '
                "remove it",
            )


def lists_of_notices_repeat_nothing(call: CallDefinition) -> Iterator[Finding]:
    """Tell what is listed twice."""
    if call.notices is None:
        return
    for key in ("held", "reminders", "reminded"):
        listed: Sequence[object] = vars(call.notices).get(key, ())
        for index, value in enumerate(listed):
            if value in listed[:index]:
                yield Finding(("notices", key, index), f"{value} is listed already")
