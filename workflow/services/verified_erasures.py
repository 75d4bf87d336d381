"""Does an entry say of all that is erased under which act it was?"""

from typing import Any

from sqlmodel import Session

from workflow.services.rights import applicants_are_legible
from workflow.services.verified_rows import identity, printable, rows
from workflow.verification.chains import Chain

_WITHOUT_TEXT = """
FROM notices WHERE call_id = :call
    AND digest IS NOT NULL AND subject IS NULL AND body IS NULL
"""
_LOST = f"""
SELECT application_id, letter {_WITHOUT_TEXT} AND entry_seq > :erased
ORDER BY application_id, entry_seq
"""
_COUNTED = f"SELECT count(*) {_WITHOUT_TEXT}"
_NOBODY = """
SELECT applications.id FROM applicants
JOIN applications ON applications.applicant_id = applicants.id
WHERE call_id = :call AND (erased_at IS NOT NULL OR tax_code IS NULL OR name = '')
ORDER BY applications.id
"""


def check_letters(session: Session, call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    """Find letters that lost their text otherwise than by what the entries say.

    An erasure takes what was written before it, and says how much that was.
    """
    beside = chain.beside
    seq = beside.call["erased_seq"] or 0
    for row in rows(session, _LOST, call=call.id, erased=seq):
        name = f"{printable(identity(row.application_id))}: {printable(row.letter)}"
        told = f"application {name} has lost its text, and no entry erased it"
        chain.faults.note(0, told, "erasure")
    count = rows(session, _COUNTED, call=call.id).scalar_one()
    if seq and count > beside.erased_letters:
        told = f"{count} letter(s) have no text, {beside.erased_letters} were erased"
        chain.faults.note(seq, told, "erasure")


def check_applicants(session: Session, call: Any, chain: Chain) -> None:  # noqa: ANN401 - a row
    """Find who was erased in a call of which no entry says that anybody was.

    Whoever has applied to several is erased with the last of them.
    """
    if chain.beside.call["erased_seq"] is None and applicants_are_legible(session):
        for row in rows(session, _NOBODY, call=call.id):
            name = printable(identity(row.id))
            told = f"application {name}: its applicant is gone, and no entry erased it"
            chain.faults.note(0, told, "erasure")
