"""What happens to an application before each event, from its filing on?"""

from typing import Any

from models.vocabulary import Event
from tests.builders import TO_ACCEPTANCE, TO_GRANT, TO_PROGRESS

LOW_SCORE = ("strategy=15", "quality=15", "impact=12", "international=5")
LOW = {
    "inputs": {"minutes": "3/2026", "score": [*LOW_SCORE, "governance=5"]},
}


def delivered(letter: str) -> dict[str, object]:
    return {"inputs": {"letter": letter, "receipt": f"PEC {letter}"}}


REVIEWED = ("2026-02-02", Event.START_REVIEW)
ASKED = (
    REVIEWED,
    ("2026-02-03", Event.REQUEST_COMPLETION),
    ("2026-02-03", Event.RECORD_DELIVERY, delivered("completion_request")),
)
BELOW = (
    REVIEWED,
    ("2026-02-03", Event.ADMIT),
    ("2026-02-04", Event.EVALUATE, LOW),
)
REFUSED = (
    *BELOW,
    ("2026-02-05", Event.NOTIFY_REFUSAL),
    ("2026-02-05", Event.RECORD_DELIVERY, delivered("refusal_notice")),
)
OBSERVED = (*REFUSED, ("2026-02-10", Event.FILE_OBSERVATIONS))
INCOMPLETE = (
    *ASKED,
    ("2026-02-20", Event.NOTIFY_REFUSAL),
    ("2026-02-20", Event.RECORD_DELIVERY, delivered("refusal_notice")),
    ("2026-02-24", Event.FILE_OBSERVATIONS),
)


def on(day: str, *events: Event) -> tuple[tuple[str, Event], ...]:
    return tuple((day, event) for event in events)


EVALUATED = on("2026-03-09", *TO_GRANT[:-1])
GRANTED = on("2026-03-10", *TO_GRANT)
CONVENED = (
    *GRANTED,
    *on("2026-03-12", Event.RECORD_PUBLICATION, Event.CONVENE_NEGOTIATION),
)
MINUTES = (*CONVENED, *on("2026-03-12", Event.SIGN_MINUTES))
REGISTERED = (*GRANTED, *on("2026-03-12", Event.CONFIRM_COR))
PLAN = on("2026-03-10", *TO_ACCEPTANCE[:-2])
DETERMINED = on("2026-03-10", *TO_ACCEPTANCE[:-1])
ACCEPTED = on("2026-05-29", *TO_ACCEPTANCE)
GOING = (*REGISTERED, *on("2026-03-12", *TO_PROGRESS[len(TO_GRANT) :]))
ENDED = (*GOING, *on("2026-06-10", Event.DECLARE_END))
REPORTED = (*ENDED, *on("2026-06-10", Event.FILE_REPORT))
LAPSING = (
    *MINUTES,
    ("2026-05-04", Event.RECORD_DELIVERY, delivered("lapse_proposed")),
)

STORY: dict[Event, tuple[str, tuple[Any, ...]]] = {
    Event.EXPIRE: ("2026-03-10", ()),
    Event.DECLARE_NOT_RECEIVABLE: ("2026-03-10", ()),
    Event.START_REVIEW: ("2026-03-10", ()),
    Event.REQUEST_COMPLETION: ("2026-03-10", (REVIEWED,)),
    Event.ANSWER_COMPLETION: ("2026-02-05", ASKED),
    Event.EXPIRE_COMPLETION: ("2026-03-10", ASKED),
    Event.ADMIT: ("2026-03-10", (REVIEWED,)),
    Event.NOTIFY_REFUSAL: ("2026-03-10", BELOW),
    Event.FILE_OBSERVATIONS: ("2026-02-06", REFUSED),
    Event.EXPIRE_OBSERVATIONS: ("2026-03-10", REFUSED),
    Event.UPHOLD_OBSERVATIONS: ("2026-02-25", INCOMPLETE),
    Event.DECLARE_INADMISSIBLE: ("2026-03-10", INCOMPLETE),
    Event.EVALUATE: ("2026-03-10", (REVIEWED, ("2026-02-03", Event.ADMIT))),
    Event.REJECT: ("2026-03-10", OBSERVED),
    Event.PUT_ON_WAITING_LIST: ("2026-03-10", EVALUATED),
    Event.PROMOTE: ("2026-03-10", ()),
    Event.DECLARE_UNFUNDED: (
        "2026-03-10",
        (*EVALUATED, ("2026-03-09", Event.PUT_ON_WAITING_LIST)),
    ),
    Event.GRANT: ("2026-03-10", EVALUATED),
    Event.RECORD_PUBLICATION: ("2026-03-12", GRANTED),
    Event.CONFIRM_COR: ("2026-03-12", GRANTED),
    Event.RECORD_DELIVERY: ("2026-03-10", GRANTED),
    Event.RELEASE_NOTICE: ("2026-03-10", on("2026-03-09", Event.START_REVIEW)),
    Event.CONVENE_NEGOTIATION: (
        "2026-03-12",
        (*GRANTED, *on("2026-03-12", Event.RECORD_PUBLICATION)),
    ),
    Event.SIGN_MINUTES: ("2026-03-25", CONVENED),
    Event.FILE_PLAN: ("2026-03-25", MINUTES),
    Event.RETURN_PLAN: ("2026-03-11", PLAN),
    Event.DETERMINE_AMOUNT: ("2026-03-11", PLAN),
    Event.ACCEPT: ("2026-03-11", DETERMINED),
    Event.START: ("2026-06-03", ACCEPTED),
    Event.APPROVE_VARIATION: ("2026-06-10", GOING),
    Event.GRANT_EXTENSION: ("2026-06-10", GOING),
    Event.DECLARE_END: ("2026-06-10", GOING),
    Event.FILE_REPORT: ("2026-06-10", ENDED),
    Event.SETTLE: ("2026-06-10", REPORTED),
    Event.PROPOSE_LAPSE: ("2026-09-01", MINUTES),
    Event.DISMISS_LAPSE: ("2026-05-05", LAPSING),
    Event.LAPSE: ("2026-05-20", LAPSING),
    Event.EXTEND_TERM: ("2026-03-25", MINUTES),
    Event.RENEW_COR: ("2026-03-10", on("2026-02-10", *TO_GRANT)),
    Event.WITHDRAW: ("2026-03-10", ()),
    Event.CHANGE_PARTNERS: ("2026-03-10", ()),
    Event.DECLARE_CONFLICT: ("2026-03-10", ()),
    Event.END_CONFLICT: (
        "2026-03-10",
        on("2026-03-09", Event.DECLARE_CONFLICT),
    ),
    Event.PROPOSE_REVOCATION: ("2026-06-10", GOING),
    Event.REVOKE: ("2026-06-10", GOING),
    Event.ANNUL: ("2026-03-10", ()),
}
"""The day of each event, and what happened before it, in the call of the clusters."""
