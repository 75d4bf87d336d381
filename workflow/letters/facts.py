"""What may a letter speak of?

Everything is worded already: a template only puts it in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache

from config.schema import CallDefinition
from models.vocabulary import Family, TermKind
from workflow.letters import wording

PLACES: Mapping[str, str] = {
    "officer": "responsabile del procedimento",
    "protocol": "numero di protocollo",
    "received": "istante di ricevimento",
    "reserved": "importo prenotato",
    "granted": "importo concesso",
    "admitted_investment": "investimento ammesso",
    "asked": "importo richiesto in origine",
    "freed": "importo che torna disponibile",
    "kept": "importo che resta dovuto",
    "recovered": "importo da restituire",
    "recognised": "importo riconosciuto",
    "act": "provvedimento",
    "reason": "motivazione",
    "items": "elementi da integrare",
    "document": "impronta del documento",
    "meeting_on": "giorno dell'incontro",
    "minutes": "numero del verbale",
    "signed_on": "giorno della firma",
    "cor": "codice COR",
    "cup": "codice CUP",
    "more": "durata della proroga",
    "score": "punteggio",
    "place": "posizione in graduatoria",
    "funded": "importo attribuito in tutto",
    "set_closes": "istante di chiusura",
    "cause": "motivo della sospensione",
    "instant": "istante",
    "closing": "istante di chiusura",
}
"""How a preview names a fact that only the move will bring."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A term (*termine*), as a letter tells of it."""

    name: str
    length: str
    hour: str
    """At which it ends on its last day."""
    saturday: bool
    """Whether a Saturday moves it as a holiday does."""
    peremptory: bool
    last: str | None
    """Its last instant; none while it depends on the receipt of the letter."""
    over: bool = False
    """Nobody did in time what it is for."""


@dataclass(frozen=True, slots=True)
class CallWords:
    """What all letters of a call say alike."""

    family: Family
    """It may have its own words for a letter."""
    office: str
    contact: str
    title: str
    code: str
    approved: str
    rules: str
    threshold: str


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """All that a move and its file have to tell; what nobody knows is none.

    Of what is freed, kept or reserved an amount of nothing is none as well: a letter
    does not speak of it.
    """

    # The call
    family: Family
    office: str
    officer: str
    """Who is responsible: by name, or until somebody is the head of the office."""
    contact: str
    title: str
    code: str
    approved: str
    rules: str
    # The application
    applicant: str
    pec: str
    portal_id: str
    protocol: str | None = None
    received: str | None = None
    channel: str | None = None
    requested: str | None = None
    investment: str | None = None
    asked: str | None = None
    reserved: str | None = None
    granted: str | None = None
    admitted_investment: str | None = None
    score: str | None = None
    place: str | None = None
    """In the ranking, where an act has made one."""
    funded: str | None = None
    """All that the ranking gives, reserved or granted."""
    threshold: str | None = None
    exempt: bool = False
    """It is no State aid: there is no COR, and no ceiling."""
    cor: str | None = None
    cup: str | None = None
    # The move
    act: str | None = None
    reason: str | None = None
    items: tuple[str, ...] | None = None
    document: str | None = None
    meeting_on: str | None = None
    minutes: str | None = None
    signed_on: str | None = None
    more: str | None = None
    freed: str | None = None
    kept: str | None = None
    recovered: str | None = None
    recognised: str | None = None
    term: Deadline | None = None
    """The term that the move is about."""
    unannounced: bool = False
    """What the letter would take back has reached nobody."""
    deadlines: Mapping[str, Deadline] = field(default_factory=dict)
    """Those that run, or will from the receipt of the letter, by their kind."""
    # The counter
    cause: str | None = None
    instant: str | None = None
    closing: str | None = None
    set_closes: str | None = None
    """When nobody comes any more who is ranked with it, where an act ranks them."""
    expired: bool = False
    """The draft has expired: there is nothing left that could be filed as it is."""


_NAMES = tuple(one.name for one in fields(LetterFacts))


def known(facts: LetterFacts) -> dict[str, object]:
    """Return what is known, by name; what is blank is as unknown as what is none."""
    found = {name: getattr(facts, name) for name in _NAMES}
    return {name: value for name, value in found.items() if value or name == _TERMS}


_TERMS = "deadlines"


@lru_cache(maxsize=64)
def words_of(rules: CallDefinition) -> CallWords:
    """Return what all letters under one version of a call say."""
    approving = next(act for act in rules.acts if act.approves_call)
    cited = "; ".join(one.citation for one in rules.legal_basis)
    return CallWords(
        family=rules.family,
        office=wording.line(rules.responsible_office),
        contact=wording.line(rules.contact),
        title=wording.line(rules.title),
        code=rules.code,
        approved=wording.published(approving),
        rules=wording.line(cited),
        threshold=str(rules.merit.threshold),
    )


def deadline(
    kind: TermKind, rules: CallDefinition, last: str | None, *, over: bool = False
) -> Deadline:
    """Return a term of a call, with its last instant if there is one yet."""
    rule = rules.terms[kind]
    return Deadline(
        name=wording.TERMS[kind],
        length=wording.length(rule.count, rule.counting),
        hour="23:59:59" if rule.until is None else f"{rule.until:%H:%M:%S}",
        saturday=rules.counting_rules.roll_saturday,
        peremptory=rule.peremptory,
        last=last,
        over=over,
    )
