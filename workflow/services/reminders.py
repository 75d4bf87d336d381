"""Is there still something that a reminder reminds of?"""

from datetime import datetime

from sqlmodel import Session, col, select

from models.tables import Notice, RegisterEntry, Term
from models.vocabulary import Letter
from workflow.register import written
from workflow.rules.reminders import is_of_no_use
from workflow.services import histories


def is_too_late(session: Session, notice: Notice, *, now: datetime) -> bool:
    """Tell whether a letter is a reminder that would only confuse.

    The term is over or met, ends at another instant by now, or a later reminder of
    it was written: after a rest they would all leave at once.
    """
    if notice.letter is not Letter.REMINDER:
        return False
    entry = session.get_one(RegisterEntry, (notice.call_id, notice.entry_seq))
    said = histories.content(entry.seq, entry.body)
    kind, days = said["inputs"]["term"], said["findings"]["days"]
    term = session.exec(
        select(Term)
        .where(Term.application_id == notice.application_id)
        .where(Term.kind == kind)
        .order_by(col(Term.ordinal).desc())
    ).first()
    if term is None or is_of_no_use(term.status, term.due_at, now):
        return True
    told = {(one["kind"], one["ordinal"], one["due_at"]) for one in said["terms"]}
    if (kind, term.ordinal, written(term.due_at)) not in told:
        return True
    return term.reminded is not None and term.reminded < days
