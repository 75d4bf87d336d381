"""Who was drawn, and in which order?"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from models.tables import Application, Call, Draw
from models.vocabulary import OrderPolicy
from workflow.facts import OrderKey, Place
from workflow.moves.calls import DrawInputs
from workflow.rules import strategies
from workflow.services import case_files, lookups

METHOD = "ascending SHA-256, in hexadecimal, of the seed, a colon, the protocol number"


def arrived(session: Session, call: Call, week: str) -> tuple[Place, ...]:
    """Return who arrived in a week and still holds a place, by instant of arrival."""
    rules = lookups.rules_of(session, call.id, call.version)
    queued = case_files.queue(session, call.id, rules.filing.channel)
    return tuple(
        place
        for place in queued
        if strategies.period(rules.counter.order, place.key.received_at) == week
    )


def is_held(session: Session, call: Call, week: str) -> bool:
    """Tell whether a week was drawn."""
    return session.get(Draw, (call.id, week)) is not None


def hold(
    session: Session,
    call: Call,
    stated: DrawInputs,
    drawn: Iterable[Place],
    at: datetime,
) -> dict[str, Any]:
    """Give everybody of a week its rank (*sorteggio*); return what the entry says.

    One row at a time: a list of all who came in a week has no bound, and the
    parameters of one statement have.
    """
    files = {place.protocol: place.application for place in drawn}
    order = strategies.draw(stated.seed, tuple(files))
    session.execute(
        update(Application),
        [
            {"id": files[protocol], "rank": rank}
            for rank, protocol in enumerate(order, start=1)
        ],
    )
    session.add(Draw(call_id=call.id, week=stated.week, seed=stated.seed, drawn_at=at))
    return {"method": METHOD, "order": list(order)}


def rank_of_latecomer(
    session: Session, call: Call, policy: OrderPolicy, key: OrderKey
) -> int | None:
    """Return the rank of who is handed over after its week was drawn: the last."""
    if policy is not OrderPolicy.SAME_WEEK_DRAW:
        return None
    week = strategies.period(policy, key.received_at)
    if week is None or not is_held(session, call, week):
        return None
    begins, ends = strategies.week_around(key.received_at)
    last = session.exec(
        select(func.max(Application.rank))
        .where(Application.call_id == call.id)
        .where(col(Application.received_at) >= begins)
        .where(col(Application.received_at) < ends)
    ).one()
    return (last or 0) + 1
