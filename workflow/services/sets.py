"""Who stands in the closed set of a call that ranks it?"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from models.canonical import digest, encode
from models.tables import Application, Call
from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    Event,
    TermKind,
)
from workflow import register
from workflow.machine import Inputs
from workflow.moves.counter import PHASE_1
from workflow.moves.families import TABLES
from workflow.services import case_files, lookups, officers
from workflow.services.call_asked import Asked
from workflow.services.entries import dated
from workflow.services.making import carry_out, make
from workflow.services.open_calls import OpenCall

_TOGETHER = 200
"""Files that are read and written together."""


def is_ranked(call: Call) -> bool:
    """Tell whether a call ranks those who came until its closing."""
    return TABLES[call.family].ranked is not None


def frozen(session: Session, call: Call) -> dict[str, Any]:
    """Return what an entry says of the set: who is in it, and the hash of that.

    Whoever came as the call wants and is not over by then, by protocol number. The
    hash is that of the canonical JSON of the list.
    """
    channel = lookups.rules_of(session, call.id, call.version).filing.channel
    rows = session.exec(
        select(Application)
        .where(Application.call_id == call.id)
        .where(Application.channel == channel)
        .where(col(Application.received_at).is_not(None))
        .where(col(Application.state).not_in(FINAL_STATES))
        .order_by(col(Application.protocol_year), col(Application.protocol_number))
    )
    names = [lookups.named(row) for row in rows]
    listed = {"applications": names}
    return {"count": len(names), "sha256": digest(encode(listed)), **listed}


def enter(work: OpenCall, at: datetime, *, only_new: bool = False) -> None:
    """Let the procedure of everybody in the set run from the closing.

    With *only_new* of those alone who were handed over after it.
    """
    work = work.as_worker("counter")
    channel = work.rules().definition.filing.channel
    found = work.session.exec(
        select(Application.id)
        .where(Application.call_id == work.call.id)
        .where(Application.channel == channel)
        .where(col(Application.state).in_(PHASE_1))
        .order_by(col(Application.filed_seq))
    ).all()
    counter = case_files.counter_of(work.session, work.call)
    for first in range(0, len(found), _TOGETHER):
        some = found[first : first + _TOGETHER]
        for case in case_files.read_many(work.session, work.batch, some).values():
            if only_new and any(one.kind == TermKind.CONCLUSION for one in case.terms):
                continue
            carry_out(
                work,
                case,
                case_files.alone(work.call, case, counter, now=at),
                Event.ENTER_SET,
                given=Inputs(),
                actor=officers.WORKER,
                at=dated(work.call, work.desk),
                notes={"due_at": register.written(at)},
            )
        work.flush()
        work.session.expire_all()  # somebody may have read one of these files before


def leave(work: OpenCall, asked: Asked, actor: officers.Actor) -> None:
    """Close whoever was admitted and never funded, with the call (*non finanziata*)."""
    waiting = work.session.exec(
        select(Application)
        .where(Application.call_id == work.call.id)
        .where(Application.state == ApplicationState.WAITING)
        .order_by(col(Application.rank))
        .with_for_update()
    ).all()
    for application in waiting:
        make(
            work,
            application,
            actor,
            Event.DECLARE_UNFUNDED,
            given=Inputs(),
            act=asked.act,
            reason=asked.reason,
        )
