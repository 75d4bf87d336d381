"""Does every letter say what it has to, from every move that sends it?"""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any

import pytest

from config import templates
from config.families import model
from config.loader import load
from models.vocabulary import (
    ApplicationState,
    CallEvent,
    Cents,
    Channel,
    Counting,
    Event,
    Family,
    Letter,
    StepKind,
    SuspensionCause,
    TermKind,
    TermStatus,
)
from tests.builders import ctl, quiet, rome, usual
from tests.builders_facts import NOW, act, facts, step, term
from tests.filiere import filiere
from workflow.errors import RefusedError
from workflow.letters import wording
from workflow.letters.facts import Deadline
from workflow.letters.gathering import Making, for_letter, from_receipt, of_move
from workflow.machine import Inputs
from workflow.moves import calls
from workflow.moves.families import TABLES
from workflow.rules.terms import TermFacts
from workflow.services import counter_letters, letters
from workflow.services.call_asked import Asked

ROOT = Path(__file__).parents[2]
PLAIN = Family("plain_counter")
CALLS = {
    Family("negotiated_counter"): "ctl-2025",
    PLAIN: "competenze-innovazione-2025",
    Family("ranked_call"): "smart-mobility-2024",
}
RESPONSIBLE = "Anna Bianchi"
REASON = "il piano dei costi non è coerente con il progetto"
DUE = rome(2026, 4, 13, 23, 59, 59)
BY_DUE = "entro le ore 23:59:59 di lunedì 13 aprile 2026 (ora di Roma)"
FROM_RECEIPT = re.compile(r"entro \d+ (giorni|mesi) dal ricevimento della presente")
APPEAL = ("60 giorni", "artt. 29 e 41 c.p.a.", "120 giorni")
NEGATIVE = {
    Letter.NOT_RECEIVABLE,
    Letter.INADMISSIBLE,
    Letter.REJECTED,
    Letter.UNFUNDED,
    Letter.LAPSED,
    Letter.REVOKED,
    Letter.ANNULLED,
}
STATED = {
    Event.EXTEND_TERM: {"term": "report", "days": 15},
    Event.PROPOSE_LAPSE: {"term": "report"},
    Event.REMIND_TERM: {"term": "report", "days": 3},
    Event.REVOKE: {"recover": "1000.00"},
}
LISTS = Family("expression_of_interest")
SENT = [
    pytest.param(table, move, letter, id=f"{table.family}-{number}-{letter}")
    for table in TABLES.values()
    for number, move in enumerate(table.moves)
    for letter in move.letters
]


def rules_of(family):
    if family == LISTS:
        return filiere()
    return load(quiet(CALLS[family])) if family in CALLS else modelled(family)


@cache
def modelled(family):
    """Return the call of its model: a new family needs no other to be tried."""
    file = Path(mkdtemp(prefix="sportello-")) / "model.toml"
    file.write_text(model(family).replace("000000", "000001", 1), encoding="utf-8")
    return load(file)


def making(family, move, **changes):
    """Return a move on a file in which every term runs to the same instant."""
    rules = rules_of(family)
    known = facts(
        call=rules,
        state=move.sources[0],
        act=act() if move.act else None,
        reason=REASON if move.reason else None,
        granted=Cents(3_000_000),
        score=50,
        terms=sum((term(kind, DUE) for kind in rules.terms), ()),
        steps=step(StepKind.LAPSE_PROPOSAL, subject="report"),
        **changes,
    )
    usually = usual(move.event, known.today).get("inputs", {})
    inputs: dict[str, Any] = STATED.get(move.event, usually)  # type: ignore[assignment]
    if inputs.get("term") not in {None, *rules.terms}:
        inputs = {**inputs, "term": TermKind.CONCLUSION.value}
    given = move.inputs.model_validate(inputs)
    reckoned = {
        kind: TermFacts(date(2026, 1, 20), rule.count, rule.counting)
        for kind, rule in rules.terms.items()
    }
    return Making(move, known, given, move.effect(known, given), reckoned, RESPONSIBLE)


def file_of(rules, **applicant):
    who = {"name": "Società di prova S.r.l.", "pec": "prova@pec.example.it"}
    return SimpleNamespace(
        rules=rules,
        applicant=SimpleNamespace(**{**who, **applicant}),
        application=SimpleNamespace(portal_id="DOM-0010"),
        terms=[],
    )


def written(family, event, letter=None, *, who=None, **changes):
    """Write the letter of the last row of an event that has one."""
    move = [one for one in TABLES[family].of_event(event) if one.letters][-1]
    found = letters.write(
        file_of(rules_of(family), **(who or {})), making(family, move, **changes)
    )
    return next(one.text for one in found if letter in {None, one.letter})


NEGOTIATED = Family("negotiated_counter")


# --- all of them --------------------------------------------------------------


@pytest.mark.parametrize(("table", "move", "letter"), SENT)
def test_every_letter_is_whole_from_every_move_that_sends_it(table, move, letter):
    about = making(table.family, move)
    case = file_of(about.facts.call)

    (text,) = [one.text for one in letters.write(case, about) if one.letter is letter]

    rules = about.facts.call
    title, _, rest = text.subject.partition(" - ")
    assert rest == f"bando {rules.code}, protocollo n. 2026/0000010"
    assert title == templates.title(letter) or has_own_words(table.family, letter)
    assert len(text.subject) <= templates.LONGEST_SUBJECT
    for said in (
        rules.title,
        "protocollo n. 2026/0000010, ricevuta alle ore 10:00:10 di martedì 20 gennaio",
        "Società di prova S.r.l.",
        f"Responsabile del procedimento: {RESPONSIBLE}",
        rules.contact,
        "Riferimenti normativi: ",
        "PEC",
        *((REASON,) if move.reason else ()),
        *(("decreto n. 100 del 20/01/2026",) if move.act else ()),
        *(APPEAL if letter in NEGATIVE else ()),
    ):
        assert said in text.body
    assert not re.search(r"[«»{}]|None|\n\n\n| \n|  ", text.body)
    assert text.body.endswith("\n")


@pytest.mark.parametrize(("table", "move", "letter"), SENT)
def test_a_term_from_receipt_is_told_by_its_length_and_never_by_a_date(
    table, move, letter
):
    about = making(table.family, move)
    rules = about.facts.call
    facts_of_letter = for_letter(of_move(about, to()), letter, rules)

    for kind in from_receipt(letter, rules):
        told = facts_of_letter.deadlines[kind.value]
        assert told.last is None
        assert told.length == wording.length(
            rules.terms[kind].count, rules.terms[kind].counting
        )
        assert FROM_RECEIPT.search(letters.text_of(letter, facts_of_letter).body)


def has_own_words(family, letter):
    return (ROOT / "config" / "letters" / family / f"{letter}.j2").exists()


def to():
    return letters.addressee(file_of(ctl()), facts())


def test_every_letter_has_a_template_and_a_title_of_its_own():
    titles = {templates.title(letter) for letter in Letter}

    assert len(titles) == len(Letter)
    assert all(title[0].isupper() and len(title) < 80 for title in titles)


def test_the_counter_alone_sends_the_letters_to_all():
    by_files = {one.values[2] for one in SENT}
    by_calls = {letter for row in calls.TABLE.moves for letter in row.letters}

    assert by_calls == {Letter.COUNTER_SUSPENDED, Letter.COUNTER_REOPENED}
    assert by_files | by_calls == set(Letter)
    assert not by_files & by_calls


TO_ALL = [
    pytest.param(row, letter, id=f"{number}-{row.event}-{letter}")
    for number, row in enumerate(calls.TABLE.moves)
    for letter in row.letters
]
STATED_OF_CALL = {
    CallEvent.SUSPEND_CALL: calls.SuspendInputs(cause=SuspensionCause.MALFUNCTION),
    CallEvent.EXTEND_CALL: calls.ExtendInputs(closes_at=DUE),
}
STANDING = {
    ApplicationState.EVALUATED: "conserva il suo posto",
    ApplicationState.DRAFT: "domanda in preparazione",
    ApplicationState.EXPIRED: "domanda in preparazione",
}


@pytest.mark.parametrize("state", STANDING)
@pytest.mark.parametrize(("row", "letter"), TO_ALL)
def test_every_letter_to_all_is_whole_from_every_move_that_sends_it(row, letter, state):
    filed = state is ApplicationState.EVALUATED
    rules = ctl()
    asked = Asked(
        row.event,
        STATED_OF_CALL.get(row.event, Inputs()),
        act=act() if row.act else None,
        reason=REASON if row.reason else None,
    )
    suspended = letter is Letter.COUNTER_SUSPENDED
    cause = SuspensionCause.MALFUNCTION if suspended else None
    one = SimpleNamespace(
        name="Società di prova S.r.l.",
        pec="prova@pec.example.it",
        portal_id="DOM-0010",
        state=state,
        received_at=NOW if filed else None,
        protocol_year=2026 if filed else None,
        protocol_number=10 if filed else None,
    )

    words = counter_letters._Words(rules, RESPONSIBLE, asked, NOW, cause)
    text = letters.text_of(letter, words.facts(one))

    number = ", protocollo n. 2026/0000010" if filed else ""
    title = f"{templates.title(letter)} - bando {rules.code}"
    assert text.subject == f"{title}{number}"
    for said in (
        rules.title,
        "protocollo n. 2026/0000010, ricevuta alle" if filed else "come DOM-0010",
        f"Responsabile del procedimento: {RESPONSIBLE}",
        rules.contact,
        "Riferimenti normativi: ",
        wording.spelled(NOW),
        *((REASON,) if row.reason and suspended else ()),
        *(("decreto n. 100 del 20/01/2026",) if row.act else ()),
    ):
        assert said in text.body
    assert STANDING[state] in text.body.lower()
    expired = not suspended and state is ApplicationState.EXPIRED
    assert ("una nuova domanda" in text.body) is expired
    assert not re.search(r"[«»{}]|None|\n\n\n| \n|  ", text.body)


# --- what some of them say ----------------------------------------------------


def test_a_receipt_tells_the_end_of_the_procedure_and_what_is_reserved():
    text = written(NEGOTIATED, Event.SUBMIT, reserved=Cents(0), channel=Channel.PORTAL)

    # Ninety days from its receipt on 20 January end on 20 April, a Monday.
    assert "entro le ore 23:59:59 di lunedì 20 aprile 2026 (ora di Roma)" in text.body
    assert "Importo richiesto: 111.111,11 euro" in text.body
    assert "Risorse prenotate: 111.111,11 euro" in text.body


def test_what_came_by_another_channel_is_not_told_of_money():
    text = written(NEGOTIATED, Event.SUBMIT, reserved=Cents(0), channel=Channel.PEC)

    assert "Risorse prenotate" not in text.body
    assert "posta elettronica certificata" in text.body


def test_a_completion_request_lists_what_is_missing_and_how_its_end_is_found():
    body = written(NEGOTIATED, Event.REQUEST_COMPLETION).body

    assert "- signature of the plan\n" in body
    assert "entro 10 giorni dal ricevimento della presente" in body
    assert "il giorno della consegna non si conta" in body
    assert "è domenica o festivo" in body


def test_a_grant_tells_what_the_applicant_has_to_do_in_each_procedure():
    negotiated = written(NEGOTIATED, Event.GRANT).body
    plain = written(PLAIN, Event.GRANT).body

    assert "La negoziazione si conclude entro 30 giorni dal ricevimento" in negotiated
    assert "accettata" not in plain
    assert "Le attività sono avviate" in plain
    assert "entro 3 mesi dal ricevimento" in plain or FROM_RECEIPT.search(plain)


def test_an_extension_tells_the_new_end_and_a_reminder_the_old_one():
    extended = written(PLAIN, Event.EXTEND_TERM).body
    reminded = written(PLAIN, Event.REMIND_TERM).body

    assert BY_DUE in reminded
    assert "Non ha effetti giuridici" in reminded
    assert BY_DUE not in extended
    assert "è prorogato di 15 giorni" in extended


def test_a_proposal_of_lapse_tells_the_term_that_was_missed_and_how_to_answer():
    body = written(PLAIN, Event.PROPOSE_LAPSE).body

    assert (
        f"la presentazione della rendicontazione, che andava rispettato {BY_DUE}"
        in (body)
    )
    assert "osservazioni" in body
    assert "entro 10 giorni dal ricevimento della presente" in body


def test_a_rejection_tells_the_score_and_the_threshold():
    assert "Il punteggio attribuito è 50; la soglia prevista dal bando è 60" in (
        written(PLAIN, Event.REJECT).body
    )


def test_a_revocation_tells_what_has_to_come_back():
    assert "da restituire: 1.000,00 euro" in written(PLAIN, Event.REVOKE).body


def test_who_begins_late_says_that_the_end_of_the_procedure_has_passed():
    missed = term(TermKind.CONCLUSION, DUE, TermStatus.EXPIRED)
    move = TABLES[PLAIN].of_event(Event.START_REVIEW)[0]
    about = making(PLAIN, move)
    about = replace(about, facts=replace(about.facts, terms=missed))

    (found,) = letters.write(file_of(about.facts.call), about)

    late = "è scaduto alle ore 23:59:59 di lunedì 13 aprile 2026 (ora di Roma)"
    assert late in found.text.body
    assert BY_DUE not in found.text.body


# --- what nobody can slip in --------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Rossi\r\nBcc: spia@example.it", "Rossi Bcc: spia@example.it"),
        ("{{ 7 * 7 }} {% raw %}", "{{ 7 * 7 }} {% raw %}"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("abc\u202etxt.exe", "abctxt.exe"),
        ("a\u2028b\u0085c\u00a0d\u200be", "a b c de"),
        ("\x1b[31mrosso", "[31mrosso"),
        ("Ditta  Doppia", "Ditta  Doppia"),
    ],
)
def test_a_name_stays_one_line_of_plain_words(name, told):
    text = written(NEGOTIATED, Event.SUBMIT, who={"name": name}, reserved=Cents(0))

    assert f"\nA: {told}\n" in text.body
    assert "\n" not in text.subject
    assert text.subject.isprintable()


def test_a_reason_stays_in_its_paragraph():
    move = TABLES[PLAIN].of_event(Event.REJECT)[0]
    about = making(PLAIN, move)
    about = replace(about, facts=replace(about.facts, reason="uno\n\nOggetto: due"))

    (found,) = letters.write(file_of(about.facts.call), about)

    assert "Motivazione: uno Oggetto: due\n" in found.text.body
    assert found.text.subject.startswith("Non ammissione")


@pytest.mark.parametrize("name", ["", " ", "\u202e", "\u200b\u2060"])
def test_a_letter_that_lacks_a_fact_is_refused_naming_it(name):
    with pytest.raises(RefusedError) as refused:
        written(NEGOTIATED, Event.SUBMIT, who={"name": name}, reserved=Cents(0))

    assert refused.value.code == "letter.fact_missing"
    assert refused.value.details == {
        "letter": "submission_receipt",
        "fact": "applicant",
    }
    assert "letters render" in refused.value.message


def test_a_score_that_nobody_gave_is_a_fact_that_is_missing():
    about = making(NEGOTIATED, TABLES[NEGOTIATED].of_event(Event.REJECT)[0])
    unscored = replace(about.facts.application, score=None)
    about = replace(about, facts=replace(about.facts, application=unscored))

    with pytest.raises(RefusedError) as refused:
        letters.write(file_of(about.facts.call), about)

    assert refused.value.details["fact"] == "score"


# --- words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (DUE, "ore 23:59:59 di lunedì 13 aprile 2026 (ora di Roma)"),
        (
            datetime(2026, 3, 1, 11, 0, 0, 5, tzinfo=UTC),
            "ore 12:00:00,000005 di domenica 1° marzo 2026 (ora di Roma)",
        ),
    ],
)
def test_an_instant_is_spelled_out_on_the_clocks_of_rome(instant, words):
    assert wording.spelled(instant) == words


@pytest.mark.parametrize(
    ("cents", "words"),
    [
        (0, "0,00 euro"),
        (5, "0,05 euro"),
        (3_000_000, "30.000,00 euro"),
        (123_456_789_01, "123.456.789,01 euro"),
        (-150, "-1,50 euro"),
    ],
)
def test_an_amount_is_written_as_acts_do(cents, words):
    assert wording.money(cents) == words


def test_a_length_is_written_in_its_unit():
    assert wording.length(1, Counting.DAYS) == "1 giorno"
    assert wording.length(10, Counting.DAYS) == "10 giorni"
    assert wording.length(1, Counting.MONTHS) == "1 mese"
    assert wording.length(18, Counting.MONTHS) == "18 mesi"


def test_every_word_that_letters_use_is_there():
    assert set(wording.TERMS) == set(TermKind)
    assert set(wording.CHANNELS) == set(Channel)
    assert all(len(name) > 5 for name in wording.TERMS.values())


def test_a_saturday_is_told_only_where_it_moves_an_end():
    shared = templates._environment().get_template("shared.j2").make_module().__dict__
    usual_one = Deadline("x", "10 giorni", "12:00:00", False, True, None)

    told = shared["counted"](usual_one)
    rolled = shared["counted"](replace(usual_one, saturday=True))

    assert "domenica o festivo" in told
    assert "domenica, sabato o festivo" in rolled
    assert "alle ore 12:00:00 (ora di Roma)" in told
    assert told.endswith("Il termine è perentorio.")


def test_nothing_depends_on_the_hour_of_writing():
    later = NOW + timedelta(hours=3)

    one = written(NEGOTIATED, Event.SUBMIT, reserved=Cents(0))
    other = written(NEGOTIATED, Event.SUBMIT, reserved=Cents(0), now=later)

    assert one.digest == other.digest
