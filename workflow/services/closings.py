"""Who is closed at the end, because the money has run out?"""

from collections.abc import Mapping
from typing import Any

from sqlmodel import col, select

from config.logs import log
from models.tables import Application
from models.vocabulary import ApplicationState, Event, Role
from workflow.desk import Desk
from workflow.errors import ConflictError, RefusedError
from workflow.facts import ActFacts
from workflow.machine import Inputs
from workflow.rules import strategies
from workflow.services import case_files, lookups, mailings, officers, refusals
from workflow.services.making import make
from workflow.services.open_calls import OpenCall
from workflow.services.windows import opened


def close_waiting_list(  # noqa: PLR0913 - the parts of an act
    desk: Desk,
    code: str,
    *,
    act: str,
    reason: str | None = None,
    dry_run: bool = False,
    meant: bool = False,
    seen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Declare unfunded everybody on the waiting list, by one act: all, or none.

    *meant* and *seen* are those of `decrees.grant`.

    Raises:
        RefusedError: nobody waits, or one of them cannot be closed: the counter is
            still open, or there is money for it.
        InputError: the act or the reason cannot be read.
        ConflictError: who waits is not any more who was seen.
    """
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    stated = lookups.read_act(act)
    try:
        with opened(desk, code, keep=not dry_run) as work:
            closed = _close(work, stated, reason)
            notices = mailings.written_since(work.session, work.call, work.began)
            if seen is not None and closed != seen["unfunded"]:
                raise ConflictError(
                    "waiting_list.changed",
                    f"the waiting list of {code} changed meanwhile, and nobody was "
                    "closed; look at it again",
                )
    except RefusedError as error:
        if meant or not dry_run:
            refusals.record(desk, code, Event.DECLARE_UNFUNDED, error, (stated, reason))
        raise
    if not dry_run:
        log.info("waiting_list_closed", call=code, count=len(closed))
    return {
        "call": code,
        "act": str(stated),
        "unfunded": closed,
        "notices": notices,
        "dry_run": dry_run,
    }


def _close(work: OpenCall, act: ActFacts, reason: str | None) -> list[str]:
    """Close the last first: money that is too little for one is not the next one's."""
    actor = officers.identify(work.session, work.desk)
    officers.require(actor, Role.MANAGER)
    waiting = _waiting(work)
    if not waiting:
        raise RefusedError(
            "waiting_list.empty",
            f"nobody is on the waiting list of {work.call.code}; see "
            f"`sportello queue {work.call.code}`",
        )
    for application in reversed(waiting):
        make(
            work,
            application,
            actor,
            Event.DECLARE_UNFUNDED,
            given=Inputs(),
            act=act,
            reason=reason,
            notes={"waiting_list": {"of": len(waiting)}},
        )
    return [lookups.named(application) for application in waiting]


def _waiting(work: OpenCall) -> list[Application]:
    """Return the waiting list, in the order in which money is given."""
    rules = work.rules().definition
    queued = case_files.queue(work.session, work.call.id, rules.filing.channel)
    listed = [
        place.application
        for place in strategies.in_order(rules.counter.order, queued)
        if place.state == ApplicationState.WAITING
    ]
    found = work.session.exec(
        select(Application).where(col(Application.id).in_(listed)).with_for_update()
    )
    files = {file.id: file for file in found}
    return [files[identity] for identity in listed]
