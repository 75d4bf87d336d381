"""What would a letter say, and when is each letter sent?"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from config import templates
from models.session import reading
from models.tables import Call
from models.vocabulary import Letter, TermKind
from workflow.desk import Desk
from workflow.facts import Facts
from workflow.letters import wording
from workflow.letters.facts import PLACES, Deadline, LetterFacts, deadline, known
from workflow.letters.gathering import Addressee, Making, for_letter, of_move
from workflow.machine import Consequences, Inputs, Move
from workflow.moves import calls
from workflow.moves.families import TABLES
from workflow.services import case_files, erasures, letters, lookups, responsible

_OPEN = "«ultimo istante»"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A move that sends a letter."""

    procedure: str
    """The family of the call; `call` for the moves of the call itself."""
    event: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A letter, and all the moves that send it."""

    letter: Letter
    title: str
    occasions: tuple[Occasion, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """A letter as it would be written now."""

    letter: Letter
    application: str
    to: str
    text: templates.Text
    unknown: tuple[str, ...]
    """The facts that only a move will bring: places are kept for them."""


def listed() -> tuple[Listed, ...]:
    """Return every letter with the moves that send it, from the tables of moves."""
    occasions = tuple(_occasions())
    return tuple(
        Listed(
            letter,
            templates.title(letter),
            tuple(one for sent, one in occasions if sent is letter),
        )
        for letter in Letter
    )


def preview(desk: Desk, letter: Letter, name: str) -> Preview:
    """Write a letter to an applicant from the file as it stands; nothing is kept.

    Raises:
        RefusedError: there is no such application.
    """
    with reading(desk.engine) as session:
        row = lookups.find_application(session, name)
        call = session.get_one(Call, row.call_id)
        case = case_files.read(session, row)
        counter = case_files.counter_of(session, call)
        facts = case_files.alone(call, case, counter, now=desk.ambient.now())
        officer = case.rules.letters.officer or responsible.among(
            session, responsible.registered(session), file=row.id
        )
        to = letters.addressee(case, facts)
        if act := erasures.erased_under(session).get(call.id):
            to = replace(to, name=erasures.told(act), pec=erasures.told(act))
        said = _facts(letter, call, case, facts, to, officer)
        text, unknown = _written(letter, said, facts)
        return Preview(letter, lookups.named(row), to.pec, text, unknown)


def _facts(  # noqa: PLR0913, PLR0917 - what a letter is about
    letter: Letter,
    call: Call,
    case: case_files.CaseFile,
    facts: Facts,
    to: Addressee,
    officer: str,
) -> LetterFacts:
    making = Making(_NO_MOVE, facts, Inputs(), Consequences(), {}, officer)
    said = of_move(making, to)
    cause = call.suspended_for
    return replace(
        for_letter(said, letter, case.rules),
        granted=said.granted if facts.application.granted else None,
        cause=None if cause is None else wording.CAUSES[cause],
        closing=wording.spelled(case.rules.window.closes_at),
    )


def _written(
    letter: Letter, said: LetterFacts, facts: Facts
) -> tuple[templates.Text, tuple[str, ...]]:
    """Write a letter, with a place kept for each fact that is not known yet."""
    told, family = known(said), facts.call.family
    unknown: list[str] = []
    while True:
        try:
            return templates.written(letter, told, family), tuple(unknown)
        except templates.FactMissingError as error:
            (fact,) = error.args
            unknown.append(fact)
            told = _with_place(told, fact, facts)


def _with_place(told: dict[str, Any], fact: str, facts: Facts) -> dict[str, Any]:
    if fact in set(TermKind):
        kind = TermKind(fact)
        there = kind in facts.call.terms
        place = deadline(kind, facts.call, _OPEN) if there else _DEADLINE
        return {**told, "deadlines": {**told["deadlines"], fact: place}}
    if fact == "term":
        return {**told, fact: _DEADLINE}
    place_of = f"«{PLACES.get(fact, fact)}»"
    return {**told, fact: (place_of,) if fact == "items" else place_of}


def _occasions() -> Iterable[tuple[Letter, Occasion]]:
    for family, table in TABLES.items():
        for move in table.moves:
            for letter in move.letters:
                yield letter, _occasion(family, move)
    for row in calls.TABLE.moves:
        for letter in row.letters:
            yield letter, _occasion("call", row)


def _occasion(procedure: str, row: Move | calls.CallMove) -> Occasion:
    return Occasion(
        procedure, row.event.value, tuple(state.value for state in row.sources)
    )


_NO_MOVE = replace(
    next(iter(TABLES.values())).moves[0], letters=(), starts=(), act=False, reason=False
)
"""A preview is of no move: it brings nothing, and starts no term."""

_DEADLINE = Deadline(
    name="«adempimento»",
    length="«durata»",
    hour="23:59:59",
    saturday=False,
    peremptory=False,
    last=_OPEN,
)
