"""Who is written to when the counter stops, or opens again?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from config.schema import CallDefinition
from models.batch import Batch
from models.tables import Applicant, Application, Call, Notice, OutboxMessage
from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    CallEvent,
    Letter,
    NoticeStatus,
    SuspensionCause,
)
from workflow.errors import TamperedError
from workflow.letters import wording
from workflow.letters.facts import LetterFacts, words_of
from workflow.register import act_of
from workflow.services import histories, lookups, responsible
from workflow.services.call_asked import Asked
from workflow.services.letters import identity as identified
from workflow.services.letters import text_of
from workflow.services.officers import Actor
from workflow.services.open_calls import OpenCall

_OVER = {*FINAL_STATES, ApplicationState.COMPLETED}


def write(
    work: OpenCall,
    letters: Sequence[Letter],
    asked: Asked,
    actor: Actor,
    *,
    at: datetime,
) -> list[dict[str, Any]]:
    """Write the letters of a move of a locked call, and return what its entry says.

    To each applicant with a draft, or with an application that is not over. An
    extension that opens the counter again is told to those as well whose draft had
    expired when it closed: of all, they had waited for it.
    """
    if not letters:
        return []
    session, desk, call = work.session, work.desk, work.call
    batch, told = Batch(session), []
    with_expired = asked.event is CallEvent.EXTEND_CALL
    rows = tuple(_applications(session, call, with_expired=with_expired))
    if asked.event is CallEvent.REOPEN_CALL:
        asked = _as_announced(session, call, asked)
    before = _counted(session, call, letters)
    about = _Words(
        rules := lookups.rules_of(session, call.id, call.version),
        wording.line(responsible.named(work, rules, actor)),
        asked,
        at,
        call.suspended_for,
    )
    for ordinal, (letter, row) in enumerate(
        (letter, row) for letter in letters for row in rows
    ):
        text = text_of(letter, about.facts(row))
        same = before[row.id, letter, text.digest]
        identity = identified(call, row, letter, text.digest, before=same)
        cause = {
            "call_id": call.id,
            "application_id": row.id,
            "entry_seq": call.head_seq + 1,
            "created_at": at,
            "sent_at": None,
        }
        batch.add(
            Notice,
            **cause,
            id=identity,
            letter=letter,
            recipient=row.pec,
            subject=text.subject,
            body=text.body,
            digest=text.digest,
            status=NoticeStatus.QUEUED,
            message_id=None,
            attempts=0,
            begun_at=None,
            maybe_double=False,
            fault=None,
            accepted_at=None,
            delivered_at=None,
            receipt=None,
        )
        batch.add(
            OutboxMessage,
            **cause,
            id=desk.ambient.new_id(),
            kind="send_notice",
            subject_id=identity,
            ordinal=ordinal,
            not_before=None,
        )
        told.append(
            {
                "application": str(row.id),
                "letter": letter.value,
                "id": str(identity),
                "sha256": text.digest,
            }
        )
    batch.flush()
    return told


def _as_announced(session: Session, call: Call, asked: Asked) -> Asked:
    """Name the act that ordered a reopening, which then came by itself."""
    try:
        said = histories.last(session, call.id, CallEvent.ANNOUNCE_REOPENING)
    except TamperedError:  # `log verify` tells; the counter opens all the same
        said = None
    if said is None or said["act"] is None:
        return asked
    act = lookups.read_act(act_of(said) or "")
    return replace(asked, act=act)


def _counted(
    session: Session, call: Call, letters: Sequence[Letter]
) -> Counter[tuple[UUID, Letter, str]]:
    """Count the letters that were written, by file, kind and text."""
    what = col(Notice.application_id), col(Notice.letter), col(Notice.digest)
    query = (
        sqlalchemy.select(*what, sqlalchemy.func.count())
        .where(col(Notice.call_id) == call.id, col(Notice.letter).in_(letters))
        .group_by(*what)
    )
    return Counter({(file, *text): n for file, *text, n in session.execute(query)})


def _applications(session: Session, call: Call, *, with_expired: bool) -> Iterator[Any]:
    session.flush()
    under_way = col(Application.state).not_in(_OVER)
    is_told = under_way | _LOST_ITS_DRAFT if with_expired else under_way
    return iter(
        session.execute(
            sqlalchemy.select(
                col(Application.id),
                col(Application.portal_id),
                col(Application.state),
                col(Application.received_at),
                col(Application.protocol_year),
                col(Application.protocol_number),
                col(Applicant.name),
                col(Applicant.pec),
            )
            .join(Applicant, col(Applicant.id) == col(Application.applicant_id))
            .where(col(Application.call_id) == call.id)
            .where(is_told)
            .order_by(  # drafts at the end, on both databases
                col(Application.filed_seq).is_(None),
                col(Application.filed_seq),
                col(Application.portal_id),
            )
        )
    )


_OTHER = aliased(Application)
_LOST_ITS_DRAFT = sqlalchemy.and_(
    col(Application.state) == ApplicationState.EXPIRED,
    ~sqlalchemy.exists().where(
        col(_OTHER.call_id) == col(Application.call_id),
        col(_OTHER.applicant_id) == col(Application.applicant_id),
        col(_OTHER.id) != col(Application.id),
        col(_OTHER.state).not_in(_OVER)
        | (col(_OTHER.state) == ApplicationState.EXPIRED)
        & (col(_OTHER.changed_at) > col(Application.changed_at)),
    ),
)
"""A draft that expired, of somebody who has no other application under way."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What the letters of one move say alike."""

    rules: CallDefinition
    officer: str
    asked: Asked
    at: datetime
    cause: SuspensionCause | None

    def facts(self, row: Any) -> LetterFacts:  # noqa: ANN401 - columns
        """Return what the letter to one applicant speaks of."""
        words, received, asked = words_of(self.rules), row.received_at, self.asked
        portal_id = wording.line(row.portal_id)
        return LetterFacts(
            family=words.family,
            office=words.office,
            officer=self.officer,
            contact=words.contact,
            title=words.title,
            code=words.code,
            approved=words.approved,
            rules=words.rules,
            # One of whom no name is kept any more must not keep the counter open.
            applicant=wording.line(row.name) or portal_id,
            pec=wording.line(row.pec) or portal_id,
            portal_id=portal_id,
            protocol=lookups.protocol(row),
            received=None if received is None else wording.spelled(received),
            act=None if asked.act is None else wording.act(asked.act),
            reason=None if asked.reason is None else wording.line(asked.reason),
            cause=None if self.cause is None else wording.CAUSES[self.cause],
            instant=wording.spelled(asked.as_of or self.at),
            closing=wording.spelled(self.rules.window.closes_at),
            expired=row.state is ApplicationState.EXPIRED,
        )
