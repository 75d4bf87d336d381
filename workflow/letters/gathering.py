"""What do a move and its file have to tell in a letter?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from config.schema import CallDefinition
from models.vocabulary import Event, Letter, TermKind, TermStatus
from workflow.facts import ApplicationFacts, Facts, TermRecord
from workflow.letters import wording
from workflow.letters.contradictions import reached_nobody
from workflow.letters.facts import Deadline, LetterFacts, deadline, words_of
from workflow.machine import Consequences, Inputs, Move
from workflow.moves import inputs as stated
from workflow.moves.calendars import calendar_of
from workflow.moves.effects.deliveries import STARTED_BY_DELIVERY
from workflow.rules import terms as calculus

_GOING = (TermStatus.RUNNING, TermStatus.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a letter goes, and how their application is called."""

    name: str
    pec: str
    portal_id: str
    protocol: str | None


@dataclass(frozen=True, slots=True)
class Making:
    """A move that is about to be made, with what it will bring."""

    move: Move
    facts: Facts
    given: Inputs
    brought: Consequences
    terms: Mapping[TermKind, calculus.TermFacts]
    """From what the latest term of each kind is reckoned, if it is to be again."""
    responsible: str | None = None
    """Who is named as responsible; none where no letter is written."""


def of_move(making: Making, to: Addressee) -> LetterFacts:
    """Return what the letters of a move may speak of.

    But for the terms that run from their receipt: see `for_letter`.
    """
    facts, brought = making.facts, making.brought
    words, held = words_of(facts.call), facts.application
    updates = brought.updates
    requested = updates.get("requested", held.requested)
    granted = held.granted + sum(change.granted for change in brought.money)
    reserved = held.reserved + sum(change.reserved for change in brought.money)
    received = held.received_at
    return LetterFacts(
        family=words.family,
        office=words.office,
        officer=wording.line(making.responsible or ""),
        contact=words.contact,
        title=words.title,
        code=words.code,
        approved=words.approved,
        rules=words.rules,
        threshold=words.threshold,
        applicant=wording.line(to.name),
        pec=wording.line(to.pec),
        portal_id=wording.line(to.portal_id),
        protocol=to.protocol,
        received=None if received is None else wording.spelled(received),
        channel=wording.CHANNELS[held.channel],
        requested=_asked(facts.call, requested),
        investment=_asked(facts.call, held.investment),
        reserved=_amount(reserved),
        granted=wording.money(granted),
        exempt=facts.call.aid.regime == "none",
        act=None if facts.act is None else wording.act(facts.act),
        reason=None if facts.reason is None else wording.line(facts.reason),
        deadlines=_running(making),
        **_of_file(held, updates),
        **_of_move(making),
    )


def for_letter(
    facts: LetterFacts, letter: Letter, rules: CallDefinition
) -> LetterFacts:
    """Return the same facts with the terms that run from receipt of a letter."""
    kinds = from_receipt(letter, rules)
    if not kinds:
        return facts
    more = {kind.value: deadline(kind, rules, None) for kind in kinds}
    return replace(facts, deadlines={**facts.deadlines, **more})


def from_receipt(letter: Letter, rules: CallDefinition) -> tuple[TermKind, ...]:
    """Return the terms that run from the receipt of a letter."""
    if letter is Letter.LAPSE_PROPOSED:
        # No term of its own: whoever adopts the lapse waits as long as for those.
        return (TermKind.OBSERVATIONS,)
    start = STARTED_BY_DELIVERY.get(letter)
    if start is None:
        return ()
    return tuple(k for k, rule in rules.terms.items() if rule.starts_on is start)


def _asked(rules: CallDefinition, cents: Any) -> str | None:  # noqa: ANN401 - a column
    """Word what is asked for; of a call without money a letter does not speak of it."""
    return wording.money(cents) if rules.allocation.amount else None


def _amount(cents: Any) -> str | None:  # noqa: ANN401 - a column, or a finding
    return wording.money(cents) if cents else None


def _known(cents: Any) -> str | None:  # noqa: ANN401 - as above
    """Word an amount that may be nothing, once it is known."""
    return None if cents is None else wording.money(cents)


def _of_file(held: ApplicationFacts, updates: Mapping[str, object]) -> dict[str, Any]:
    """Return what comes with the later phases, most files of which never see any."""
    if not updates and held.score is None:
        return {}
    admitted = updates.get("admitted_investment", held.admitted_investment)
    return {
        "asked": _amount(updates.get("asked", held.asked)),
        "admitted_investment": _known(admitted),
        "cor": _code(updates.get("cor", held.cor)),
        "cup": _code(updates.get("cup", held.cup)),
        "score": None if held.score is None else str(held.score),
        **_of_ranking(held, updates),
    }


def _of_ranking(
    held: ApplicationFacts, updates: Mapping[str, object]
) -> dict[str, Any]:
    rank = updates.get("rank", held.rank)
    return {} if rank is None else {"place": str(rank)}


def _code(value: object) -> str | None:
    return None if value is None else str(value)


def _of_move(making: Making) -> dict[str, Any]:
    """Return what was stated with the move, and what it found."""
    found, given = making.brought.findings, making.given
    told: dict[str, Any] = {}
    if isinstance(given, stated.FundingInputs):
        told["funded"] = _amount(given.amount)
    if closes := found.get("set_closes"):
        told["set_closes"] = wording.spelled(datetime.fromisoformat(str(closes)))
    for name, key in (
        ("freed", "freed"),
        ("kept", "kept"),
        ("recovered", "to_recover"),
    ):
        if key in found:
            told[name] = _amount(found[key])
    if type(given) is not Inputs:
        told.update(_stated(given))
        if kind := getattr(given, "term", None):
            told["term"] = _about(kind, making)
    if making.move.event is Event.DISMISS_LAPSE:
        told["term"] = _restarted(making)
        told["unannounced"] = reached_nobody(Letter.LAPSE_PROPOSED, making.facts)
    return told


def _stated(given: Inputs) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in ("meeting_on", "signed_on"):
        if day := getattr(given, name, None):
            told[name] = wording.long_day(day)
    for name in ("document", "minutes"):
        if words := getattr(given, name, None):
            told[name] = wording.line(words)
    if isinstance(given, stated.CompletionInputs):
        told["items"] = tuple(wording.line(item) for item in given.item)
    if isinstance(given, stated.SettlementInputs):
        told["recognised"] = wording.money(given.recognised)
    if isinstance(given, stated.ExtensionInputs):
        told["more"] = "1 mese" if given.months == 1 else f"{given.months} mesi"
    if isinstance(given, stated.TermExtensionInputs):
        told["more"] = "1 giorno" if given.days == 1 else f"{given.days} giorni"
    return told


# Terms


def _running(making: Making) -> dict[str, Deadline]:
    """Return the terms that run once the move is made, with their last instants."""
    facts, brought = making.facts, making.brought
    found = {
        term.kind.value: deadline(
            term.kind,
            facts.call,
            wording.spelled(term.due_at),
            over=term.status is TermStatus.EXPIRED,
        )
        for term in facts.terms
        if term.status in _GOING or _is_owed(term)
    }
    for change in brought.terms:
        if change.extra_days or change.extra_months:
            found[change.kind.value] = _extended(change.kind, making)
    since = brought.since or facts.today
    started = (*making.move.starts, *brought.starts)
    for kind in _anew(facts.call, started, brought.restarts):
        found[kind.value] = _started(kind, facts.call, since, facts.today)
    return found


def _is_owed(term: TermRecord) -> bool:
    """Tell whether the office has missed the end of the whole procedure."""
    missed = term.status is TermStatus.EXPIRED
    return missed and term.kind is TermKind.CONCLUSION


def _anew(
    rules: CallDefinition, started: Iterable[Any], restarts: Iterable[TermKind]
) -> Iterable[TermKind]:
    if not started and not restarts:
        return ()
    return [
        kind
        for kind, rule in rules.terms.items()
        if rule.starts_on in started or kind in restarts
    ]


@lru_cache(maxsize=256)
def _started(
    kind: TermKind, rules: CallDefinition, since: date, today: date
) -> Deadline:
    rule = rules.terms[kind]
    computed = calculus.compute(
        calculus.TermFacts(
            starts_on=since,
            count=rule.count,
            counting=rule.counting,
            until=rule.until,
            not_after=rule.not_after,
        ),
        calendar_of(rules, since, today),
        today=today,
    )
    return deadline(kind, rules, wording.spelled(computed.due_at))


def _extended(kind: TermKind, making: Making) -> Deadline:
    rules, today = making.facts.call, making.facts.today
    known = making.terms[kind]
    more = [change for change in making.brought.terms if change.kind is kind]
    computed = calculus.compute(
        replace(
            known,
            extension_days=known.extension_days + sum(c.extra_days for c in more),
            extension_months=known.extension_months + sum(c.extra_months for c in more),
        ),
        calendar_of(rules, known.starts_on, today),
        today=today,
    )
    return deadline(kind, rules, wording.spelled(computed.due_at))


def _about(kind: TermKind, making: Making) -> Deadline | None:
    """Return the term that a move is about, as it stands after it."""
    term = making.facts.term(kind)
    if term is None:
        return None
    if making.move.event is Event.EXTEND_TERM:
        return _extended(kind, making)
    return deadline(kind, making.facts.call, wording.spelled(term.due_at))


def _restarted(making: Making) -> Deadline | None:
    kind = next(iter(making.brought.restarts), None)
    if kind is None:
        return None
    today = making.facts.today
    return _started(kind, making.facts.call, making.brought.since or today, today)
