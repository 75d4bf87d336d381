"""How are those who work here written to?"""

from sqlmodel import Session

from models.session import add_unless_there
from models.tables import Memo, OutboxMessage
from models.vocabulary import MemoKind, NoticeStatus
from workflow.desk import Desk
from workflow.rules import postings


def write(  # noqa: PLR0913 - what makes a mail
    session: Session,
    desk: Desk,
    kind: MemoKind,
    *,
    cause: str,
    recipient: str,
    subject: str,
    body: str,
) -> bool:
    """Write a memo (*promemoria*), to be sent after the commit; tell whether it is new.

    Of one cause there is one, however often it is written.
    """
    now, identity = desk.ambient.now(), postings.identity(kind.value, cause, recipient)
    memo = Memo(
        id=identity,
        kind=kind,
        cause=cause,
        recipient=recipient,
        subject=subject,
        body=body,
        status=NoticeStatus.QUEUED,
        created_at=now,
    )
    if not add_unless_there(session, memo):
        return False
    session.add(
        OutboxMessage(
            id=desk.ambient.new_id(),
            kind="send_memo",
            subject_id=identity,
            created_at=now,
        )
    )
    return True
