"""How is an act about many applications recorded, when it is refused?"""

from models.vocabulary import Event, Outcome, Role
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.facts import ActFacts
from workflow.services import officers
from workflow.services.entries import Draft, chain, dated, refusal
from workflow.services.windows import opened


def record(
    desk: Desk,
    code: str,
    event: Event,
    error: RefusedError,
    about: tuple[ActFacts, str | None],
) -> None:
    """Write one refused entry in the chain of the call, if the call is there.

    *about* is the act and the reason that were stated.
    """
    if error.code == "call.unknown":
        return
    act, reason = about
    with opened(desk, code) as work:
        actor = officers.whoever(work.session, desk)
        chain(
            work.batch,
            desk,
            work.call,
            dated(work.call, desk),
            Draft(
                event=event.value,
                outcome=Outcome.REFUSED,
                actor=actor.entered(Role.MANAGER),
                call_version=work.call.version,
                rules=work.rules().fingerprint,
                act=act,
                reason=reason,
                findings=dict(error.details),
                refusal=refusal(error),
            ),
        )
