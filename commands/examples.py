"""What does a command line that makes a move look like?"""

import shlex
from collections.abc import Mapping

from commands.options import EXAMPLES, flag
from models.vocabulary import ApplicationState, Event
from workflow.machine import Move

ACT = "decreto 1234/2026-03-10"
_DRAFT, _FILED = "DOM-0001", "2026/0000001"
"""A draft has no protocol number: it goes by the portal's id."""
_REASONS: Mapping[Event, str] = {
    Event.DECLARE_NOT_RECEIVABLE: "filed by PEC instead of through the portal",
    Event.NOTIFY_REFUSAL: "the score, 52, is below the threshold of 60",
    Event.UPHOLD_OBSERVATIONS: "the missing signature was filed with them",
    Event.DECLARE_INADMISSIBLE: "incomplete after the completion request",
    Event.REJECT: "the observations do not change the score, 52 of 100",
    Event.RETURN_PLAN: "the budget of activity 2 does not add up",
    Event.CHANGE_PARTNERS: "one firm joins, as the lead has asked",
    Event.APPROVE_VARIATION: "a partner was replaced by one of the same kind",
    Event.GRANT_EXTENSION: "delays in the supplies, documented",
    Event.EXTEND_TERM: "an ordinance closed the offices for a week",
    Event.DISMISS_LAPSE: "the delay was force majeure, documented",
    Event.LAPSE: "the definitive plan was not filed in its term",
    Event.DECLARE_CONFLICT: "a relative works for the applicant",
    Event.END_CONFLICT: "the relative has left the applicant in May",
    Event.PROPOSE_REVOCATION: "the expense was not incurred",
    Event.REVOKE: "the expense was not incurred",
    Event.ANNUL: "judgment of the administrative court",
    Event.FIND_WORTHY: "it covers the whole supply chain",
    Event.FIND_UNWORTHY: "it covers a single step of the chain",
    Event.ENTER_LIST: "worthy, as the board has found",
    Event.CHANGE_ON_LIST: "a partner has left and another has joined",
    Event.LEAVE_LIST: "fewer than ten firms are left",
}


def example(event: Event, row: Move) -> list[str]:
    """Return a command line that is written right, word by word."""
    draft = row.sources == (ApplicationState.DRAFT,)
    words = ["sportello", "advance", _DRAFT if draft else _FILED, event.value]
    for name, field in row.inputs.model_fields.items():
        if field.is_required():
            for value in EXAMPLES.get(name, ("...",)):
                words += [flag(name), value]
    words += ["--act", ACT] if row.act else []
    words += ["--reason", _REASONS[event]] if row.reason else []
    return words


def wrapped(words: list[str]) -> str:
    """Write a command line over as many lines as it needs, to be copied."""
    head, rest = words[:4], words[4:]
    pairs = [shlex.join(rest[at : at + 2]) for at in range(0, len(rest), 2)]
    return " \\\n".join(
        f"{'        ' if number else '    '}{part}"
        for number, part in enumerate([shlex.join(head), *pairs])
    )
