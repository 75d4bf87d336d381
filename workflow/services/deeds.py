"""Who has done on a file what says who may decide on it?"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.tables import Application, Officer, RegisterEntry
from models.vocabulary import Event, Outcome
from workflow.facts import Abstention, Deed, PeopleFacts, Sheet
from workflow.machine import Table
from workflow.services import histories

_ABOUT_PEOPLE = (Event.EVALUATE, Event.DECLARE_CONFLICT, Event.END_CONFLICT)


def matter(table: Table, event: Event) -> bool:
    """Tell whether for an event it matters who did what before."""
    rows = table.of_event(event)
    return event in _ABOUT_PEOPLE or any(move.decides or move.act for move in rows)


def of(
    session: Session,
    table: Table,
    application: Application,
    *,
    about: UUID | None = None,
) -> PeopleFacts:
    """Return what people did on a file, as the register tells it.

    And whether the officer is one whom a command is *about*.
    """
    proposing = {event for move in table.moves for event in move.proposed_by}
    rows = session.exec(
        select(RegisterEntry.seq, RegisterEntry.actor_id, RegisterEntry.body)
        .where(RegisterEntry.call_id == application.call_id)
        .where(RegisterEntry.application_id == application.id)
        .where(RegisterEntry.outcome == Outcome.OK)
        .where(col(RegisterEntry.event).in_({*proposing, *_ABOUT_PEOPLE}))
        .where(col(RegisterEntry.actor_id).is_not(None))
        .order_by(col(RegisterEntry.seq))
    )
    deeds: list[Deed] = []
    sheets: list[Sheet] = []
    conflicts: dict[UUID, Abstention] = {}
    for seq, actor, body in rows:
        said = histories.content(seq, body)
        event = Event(said["event"])
        assert actor is not None  # noqa: S101 - the query wants one
        deed = Deed(event, actor, _behalf(said))
        deeds.append(deed)
        if event is Event.DECLARE_CONFLICT:
            officer = UUID(said["inputs"]["officer"])
            at = datetime.fromisoformat(said["at"])
            conflicts[officer] = Abstention(actor, at, seq)
            # For good: when they need not abstain any more they score anew.
            sheets = [one for one in sheets if officer not in {one.by, one.behalf}]
        elif event is Event.END_CONFLICT:
            conflicts.pop(UUID(said["inputs"]["officer"]), None)
        elif event is Event.EVALUATE and "sheet" in said["findings"]:
            sheet = said["findings"]["sheet"]
            sheets.append(
                Sheet(deed.by, sheet["total"], deed.behalf, sheet["criteria"])
            )
        elif event is Event.EVALUATE:
            sheets.clear()  # the board has given its score: another begins anew
    is_known = about is None or session.get(Officer, about) is not None
    return PeopleFacts(tuple(deeds), tuple(sheets), conflicts, is_known)


def _behalf(said: dict[str, Any]) -> UUID | None:
    found = said["actor"].get("on_behalf_of")
    return UUID(found) if found else None
