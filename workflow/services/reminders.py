"""Is there still something that a reminder reminds of?"""

from datetime import datetime

import orjson
from sqlmodel import Session, col, select

from models.tables import Notice, RegisterEntry, Term
from models.vocabulary import Letter
from workflow.rules.reminders import is_of_no_use


def is_too_late(session: Session, notice: Notice, *, now: datetime) -> bool:
    """Tell whether a letter is a reminder of a term that is over, or was met."""
    if notice.letter is not Letter.REMINDER:
        return False
    entry = session.get_one(RegisterEntry, (notice.call_id, notice.entry_seq))
    kind = orjson.loads(entry.body)["inputs"]["term"]
    term = session.exec(
        select(Term)
        .where(Term.application_id == notice.application_id)
        .where(Term.kind == kind)
        .order_by(col(Term.ordinal).desc())
    ).first()
    return term is None or is_of_no_use(term.status, term.due_at, now)
