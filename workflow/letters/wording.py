"""How are facts worded in a letter, in Italian and on one line?"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from unicodedata import category

from config.schema import ActReference
from models.vocabulary import (
    Channel,
    Counting,
    SuspensionCause,
    TermKind,
)
from workflow.facts import ActFacts
from workflow.rules.calendar import ROME, italian_date

_DAYS = (
    "lunedì",
    "martedì",
    "mercoledì",
    "giovedì",
    "venerdì",
    "sabato",
    "domenica",
)
_MONTHS = (
    "gennaio",
    "febbraio",
    "marzo",
    "aprile",
    "maggio",
    "giugno",
    "luglio",
    "agosto",
    "settembre",
    "ottobre",
    "novembre",
    "dicembre",
)
_SPACES = re.compile(r"\s+")

CHANNELS: Mapping[Channel, str] = {
    Channel.PORTAL: "portale telematico",
    Channel.PEC: "posta elettronica certificata (PEC)",
    Channel.PAPER: "consegna di documenti cartacei",
}
"""By which way an application came."""

CAUSES: Mapping[SuspensionCause, str] = {
    SuspensionCause.EXHAUSTION: "esaurimento delle risorse disponibili",
    SuspensionCause.MALFUNCTION: "disservizio della piattaforma telematica",
    SuspensionCause.ACT: "provvedimento dell'amministrazione",
}
"""Why a counter is suspended."""

TERMS: Mapping[TermKind, str] = {
    TermKind.CONCLUSION: "la conclusione del procedimento",
    TermKind.FORMAL_CHECK: "l'istruttoria formale",
    TermKind.MERIT: "la valutazione di merito",
    TermKind.COMPLETION: "l'integrazione della domanda",
    TermKind.OBSERVATIONS: "la presentazione delle osservazioni",
    TermKind.NEGOTIATION: "la conclusione della negoziazione",
    TermKind.DEFINITIVE_PLAN: "la presentazione del Piano di attività definitivo",
    TermKind.PLAN_CHECK: "la verifica del Piano di attività definitivo",
    TermKind.PLAN_CORRECTION: "la correzione del Piano di attività definitivo",
    TermKind.ACCEPTANCE: "l'accettazione dell'agevolazione",
    TermKind.START: "l'avvio delle attività",
    TermKind.DURATION: "la realizzazione delle attività",
    TermKind.REPORT: "la presentazione della rendicontazione",
    TermKind.PAYMENT: "l'erogazione del saldo",
    TermKind.AID_REGISTRY: "la trasmissione al Registro nazionale degli aiuti",
    TermKind.LAPSE_DECISION: "la decisione sulla proposta di decadenza",
}
"""For what a term is given."""


def line(text: str) -> str:
    """Return what somebody wrote as one line that plays no tricks.

    Line breaks would end a header, control characters play with a terminal, and
    signs that turn the direction of writing show a name that is another.
    """
    if text.isprintable():
        return text.strip()
    kept = (
        " " if sign.isspace() or category(sign) == "Cc" else sign
        for sign in text
        if sign.isspace() or category(sign) not in {"Cf", "Cs", "Co", "Cn"}
    )
    return _SPACES.sub(" ", "".join(kept)).strip()


def money(cents: int) -> str:
    """Write an amount as letters do: `30.000,00 euro`."""
    euros, rest = divmod(abs(cents), 100)
    grouped = f"{euros:,}".replace(",", ".")
    return f"{'-' if cents < 0 else ''}{grouped},{rest:02d} euro"


def long_day(day: date) -> str:
    """Write a day in words: `13 aprile 2026`."""
    ordinal = "1°" if day.day == 1 else str(day.day)
    return f"{ordinal} {_MONTHS[day.month - 1]} {day.year}"


def spelled(instant: datetime) -> str:
    """Spell an instant out on the clocks of Rome, as precisely as it is known.

    A fraction of a second may decide who came before whom.
    """
    local = instant.astimezone(ROME)
    fraction = f",{local.microsecond:06d}" if local.microsecond else ""
    return (
        f"ore {local.hour:02d}:{local.minute:02d}:{local.second:02d}{fraction} di "
        f"{_DAYS[local.weekday()]} {long_day(local)} (ora di Roma)"
    )


def length(count: int, counting: Counting) -> str:
    """Write how long a term is."""
    if counting is Counting.DAYS:
        return "1 giorno" if count == 1 else f"{count} giorni"
    return "1 mese" if count == 1 else f"{count} mesi"


def act(stated: ActFacts) -> str:
    """Name an act as letters do: `decreto n. 1234 del 10/03/2026`."""
    return line(
        f"{stated.kind} n. {stated.number} del {italian_date(stated.signed_on)}"
    )


def published(act_of_call: ActReference) -> str:
    """Name an act of the call; its number may not be known."""
    number = f" n. {act_of_call.number}" if act_of_call.number else ""
    return line(f"{act_of_call.kind}{number} del {italian_date(act_of_call.date)}")
