"""How are the letters of a move written, before anything of it is?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config import templates
from models.tables import Call
from models.vocabulary import Event, Letter, TermKind
from workflow.errors import RefusedError
from workflow.facts import Facts
from workflow.letters.contradictions import worth_writing
from workflow.letters.facts import LetterFacts, known
from workflow.letters.gathering import Addressee, Making, for_letter, of_move
from workflow.rules import postings
from workflow.rules.terms import TermFacts
from workflow.services import lookups, suspensions
from workflow.services.case_files import CaseFile

_WAY_OUT = (
    "`sportello letters render` shows what it says: have the file or the call "
    "completed, then try again"
)
_EXTENDING = {Event.EXTEND_TERM, Event.GRANT_EXTENSION}


@dataclass(frozen=True, slots=True)
class Written:
    """A letter with its text."""

    letter: Letter
    text: templates.Text


def write(case: CaseFile, making: Making) -> tuple[Written, ...]:
    """Write the letters of a move that is about to be made.

    Raises:
        RefusedError: one of them speaks of a fact that nobody knows.
    """
    letters = (
        *(() if making.brought.changes_nothing else making.move.letters),
        *worth_writing(making.brought.letters, making.facts),
    )
    if not letters:
        return ()
    facts = of_move(making, addressee(case, making.facts))
    return tuple(
        Written(letter, text_of(letter, for_letter(facts, letter, case.rules)))
        for letter in letters
    )


def text_of(letter: Letter, facts: LetterFacts) -> templates.Text:
    """Write one letter.

    Raises:
        RefusedError: it speaks of a fact that nobody knows.
    """
    try:
        return templates.written(letter, known(facts), facts.family)
    except templates.FactMissingError as error:
        (fact,) = error.args
        raise RefusedError(
            "letter.fact_missing",
            f"the letter `{letter}` cannot be written: nobody knows its fact `{fact}`; "
            f"{_WAY_OUT}",
            {"letter": letter.value, "fact": fact},
        ) from None


class File(Protocol):
    """By what an application is known, also to who enters it again."""

    id: UUID
    portal_id: str
    received_at: datetime | None


def identity(
    call: Call, file: File, letter: Letter, digest: str, *, before: int
) -> UUID:
    """Name a letter; *before* it the file had as many with this very text.

    A draft is known by nothing that would be the same if it were begun again.
    """
    known = (
        str(file.id) if file.received_at is None else f"{call.code}/{file.portal_id}"
    )
    return postings.identity(known, letter.value, digest, before)


def terms_to_reckon(case: CaseFile, event: Event) -> Mapping[TermKind, TermFacts]:
    """Return from what the terms are reckoned that a move may give more time for."""
    if event not in _EXTENDING:
        return {}
    return {  # the latest of each kind comes last
        term.kind: suspensions.facts_of(term, case.rules.terms[term.kind])
        for term in case.terms
    }


def addressee(case: CaseFile, facts: Facts) -> Addressee:
    """Return to whom the letters about a file go."""
    key = facts.application.key
    return Addressee(
        name=case.applicant.name,
        pec=case.applicant.pec,
        portal_id=case.application.portal_id,
        protocol=lookups.numbered(key) if key else None,
    )
