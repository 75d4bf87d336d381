"""Which letters were sent, and nobody says what became of them?"""

from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col

from config.logs import log
from models.session import transaction
from models.tables import Notice
from models.vocabulary import NoticeStatus
from workflow.desk import Desk
from workflow.services.clocks import agreed

PATIENCE = timedelta(hours=24)
"""Within which a provider tells that it could not deliver (DM 2/11/2005)."""

_WAITED_FOR = (NoticeStatus.SENT, NoticeStatus.ACCEPTED)
_WHY = (
    "no receipt came within a day: find out whether it arrived, then record its "
    "delivery or send it again"
)


def note(desk: Desk) -> int:
    """Leave to an officer what nobody answered for; return how many letters.

    It is no move: nothing by law depends on it, and a receipt may still come.
    """
    with transaction(desk.engine) as session:
        late = agreed(session, desk) - PATIENCE
        silent = (
            update(Notice)
            .where(col(Notice.status).in_(_WAITED_FOR), col(Notice.sent_at) <= late)
            .values(status=NoticeStatus.UNKNOWN, fault=_WHY)
        )
        marked = session.connection().execute(silent).rowcount
    if marked:
        log.warn("letters_unanswered", letters=marked)
    return marked
