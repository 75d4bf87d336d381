"""Who is written to when the counter stops, or opens again?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlmodel import Session, col

from models.batch import Batch
from models.tables import Applicant, Application, Call, Notice, OutboxMessage
from models.vocabulary import (
    FINAL_STATES,
    ApplicationState,
    Letter,
    NoticeStatus,
)
from workflow.desk import Desk
from workflow.letters import wording
from workflow.letters.facts import LetterFacts, words_of
from workflow.services import lookups
from workflow.services.call_asked import Asked
from workflow.services.letters import identity as identified
from workflow.services.letters import text_of

_OVER = {*FINAL_STATES, ApplicationState.COMPLETED}


def write(  # noqa: PLR0913 - what the letters say
    session: Session,
    desk: Desk,
    call: Call,
    letters: Sequence[Letter],
    asked: Asked,
    *,
    at: datetime,
) -> list[dict[str, Any]]:
    """Write the letters of a move of a locked call, and return what its entry says.

    To each applicant with a draft, or with an application that is not over.
    """
    if not letters:
        return []
    batch, told = Batch(session), []
    rows, before = tuple(_applications(session, call)), _counted(session, call, letters)
    for ordinal, (letter, row) in enumerate(
        (letter, row) for letter in letters for row in rows
    ):
        text = text_of(letter, _facts(session, call, row, asked, at))
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


def _applications(session: Session, call: Call) -> Iterator[Any]:
    session.flush()
    return iter(
        session.execute(
            sqlalchemy.select(
                col(Application.id),
                col(Application.portal_id),
                col(Application.received_at),
                col(Application.protocol_year),
                col(Application.protocol_number),
                col(Applicant.name),
                col(Applicant.pec),
            )
            .join(Applicant, col(Applicant.id) == col(Application.applicant_id))
            .where(col(Application.call_id) == call.id)
            .where(col(Application.state).not_in(_OVER))
            .order_by(  # drafts at the end, on both databases
                col(Application.filed_seq).is_(None),
                col(Application.filed_seq),
                col(Application.portal_id),
            )
        )
    )


def _facts(
    session: Session,
    call: Call,
    row: Any,  # noqa: ANN401 - columns
    asked: Asked,
    at: datetime,
) -> LetterFacts:
    rules = lookups.rules_of(session, call.id, call.version)
    words, received, cause = words_of(rules), row.received_at, call.suspended_for
    portal_id, counts_from = wording.line(row.portal_id), asked.as_of or at
    return LetterFacts(
        office=words.office,
        officer=words.officer,
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
        cause=None if cause is None else wording.CAUSES[cause],
        instant=wording.spelled(counts_from),
        closing=wording.spelled(rules.window.closes_at),
    )
