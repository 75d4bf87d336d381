"""Is what the workers would do told before they do it, and is nothing done?"""

import json
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, make_url
from sqlmodel import col, select

from commands.forecast import WORDS
from models.scratch import scratch_database
from models.session import reading, transaction
from models.tables import Application, Term
from models.vocabulary import (
    CallEvent,
    Cents,
    Event,
    Letter,
    Role,
    TermKind,
    TermStatus,
)
from tests.builders import (
    CLOSING,
    CTL,
    OPENING,
    TO_GRANT,
    TO_PROGRESS,
    Office,
    ctl,
    office,
    rome,
    scores,
    submission,
)
from tests.contents import alter_rules, entries, rows
from tests.contents import dump as contents
from tests.editions import SECOND, edited, open_to_all
from tests.servers import fresh_postgres
from tests.terminals import FIRST, Terminal
from workflow.errors import InputError, RefusedError, TamperedError
from workflow.moves.families import TABLES
from workflow.rules.windows import next_due
from workflow.services import call_acts, calls, copies, intake, sweep
from workflow.services.call_moves import agenda_of
from workflow.services.forecasts import Effect, forecast
from workflow.services.lookups import find_call
from workflow.services.windows import Applied

ACT = "decreto 9/2026-01-20"
MOMENT = timedelta(microseconds=1)
SUMMER = rome(2026, 7, 20, 23, 59)
AFTER_YEARS = rome(2028, 12, 31)


def delivered(work: Office, application: str, letter: Letter) -> None:
    work.move(
        application,
        Event.RECORD_DELIVERY,
        inputs={"letter": letter.value, "receipt": "R-1"},
    )


def furnish(work: Office) -> None:
    """File one application for each way in which time may end something."""
    in_progress, granted, told, signed, refused, asked, scored = map(
        work.file, range(7)
    )
    work.file(7)
    work.take({**submission(8), "draft": True})
    work.routine(in_progress, *TO_PROGRESS)
    for application in (granted, told, signed):
        work.routine(application, *TO_GRANT)
    work.routine(told, Event.RECORD_PUBLICATION, Event.CONVENE_NEGOTIATION)
    delivered(work, told, Letter.GRANT)
    work.routine(signed, Event.RECORD_PUBLICATION, Event.CONVENE_NEGOTIATION)
    work.routine(signed, Event.SIGN_MINUTES)
    work.routine(refused, Event.START_REVIEW, Event.ADMIT)
    low = {"inputs": {"minutes": "3/2026", "score": scores(40)}}
    work.move(refused, Event.EVALUATE, **low)
    work.routine(refused, Event.NOTIFY_REFUSAL)
    delivered(work, refused, Letter.REFUSAL_NOTICE)
    work.routine(asked, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    delivered(work, asked, Letter.COMPLETION_REQUEST)
    work.routine(scored, Event.START_REVIEW, Event.ADMIT)


@pytest.fixture(scope="module")
def sqlite_mixed(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Furnish one SQLite database with files of all kinds, for others to copy."""
    file = tmp_path_factory.mktemp("mixed") / "mixed.db"
    shutil.copyfile(sqlite_template, file)
    with office(f"sqlite:///{file}") as opened:
        furnish(opened)
    return str(file)


@pytest.fixture(scope="module")
def postgresql_mixed(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """Furnish one PostgreSQL database with them, for others to clone."""
    with fresh_postgres(postgres_server, postgres_template) as address:
        with office(address) as opened:
            furnish(opened)
        yield str(make_url(address).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def mixed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """Open an office with files of all kinds, on the day on which they came."""
    ready = str(request.getfixturevalue(f"{request.param}_mixed"))
    if request.param == "sqlite":
        file = shutil.copyfile(ready, tmp_path / "mixed.db")
        place: AbstractContextManager[str] = nullcontext(f"sqlite:///{file}")
    else:
        place = fresh_postgres(request.getfixturevalue("postgres_server"), ready)
    with place as address, office(address) as opened:
        yield opened


def foreseen(work: Office, until: datetime, **wanted: str) -> tuple[Effect, ...]:
    return forecast(work.desk, until=until, **wanted).effects


def told(effects: tuple[Effect, ...]) -> list[tuple[Any, ...]]:
    """Return what a sweep would answer, if time passed as it was told."""
    return [(one.at, one.call, one.application, one.event) for one in effects]


def done(applied: tuple[Applied, ...]) -> list[tuple[Any, ...]]:
    return [(one.due_at, one.call, one.application, one.event) for one in applied]


def watched(work: Office, until: datetime) -> tuple[Applied, ...]:
    """Let time pass from due instant to due instant, and sweep before and at each."""
    applied: tuple[Applied, ...] = ()
    while (at := next_instant(work)) is not None and at <= until:
        work.clock.move_to(at - MOMENT)
        assert sweep.sweep(work.desk).applied == ()
        work.clock.move_to(at)
        applied += sweep.sweep(work.desk).applied
    return applied


def next_instant(work: Office) -> datetime | None:
    checks = "SELECT next_check FROM terms WHERE next_check IS NOT NULL"
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    instants = [
        epoch + timedelta(microseconds=found)
        for (found,) in rows(work.desk.engine, checks)
    ]
    with reading(work.desk.engine) as session:
        window = next_due(agenda_of(session, find_call(session, CTL)), AFTER_YEARS)
    if window is not None:
        instants.append(window.at + MOMENT * (window.event == CallEvent.CLOSE_CALL))
    return min(instants, default=None)


# What is told is what happens


def test_what_is_foreseen_is_what_happens_while_workers_watch(mixed: Office):
    expected = told(foreseen(mixed, SUMMER))

    applied = watched(mixed, SUMMER)

    assert done(applied) == expected
    assert {one.event for one in applied} == {
        CallEvent.CLOSE_CALL,
        Event.EXPIRE,
        Event.EXPIRE_COMPLETION,
        Event.EXPIRE_OBSERVATIONS,
        Event.RELEASE_COR,
        Event.EXPIRE_TERM,
        Event.ESCALATE_TERM,
        Event.PROPOSE_LAPSE,
        Event.EXPIRE_PROPOSAL,
    }
    assert mixed.verified()


@pytest.mark.parametrize("until", [SUMMER, AFTER_YEARS])
def test_what_is_foreseen_is_what_happens_if_workers_sleep_until_the_end(
    mixed: Office, until: datetime
):
    expected = told(foreseen(mixed, until))

    mixed.clock.move_to(until)
    applied = sweep.sweep(mixed.desk).applied

    assert done(applied) == expected
    assert mixed.verified()


def test_years_are_foreseen_to_the_end_of_every_term(mixed: Office):
    effects = foreseen(mixed, AFTER_YEARS)

    applied = watched(mixed, AFTER_YEARS)

    assert done(applied) == told(effects)
    assert next_instant(mixed) is None
    assert Event.DECLARE_END in {one.event for one in effects}


def test_what_entries_will_say_is_foreseen_too(mixed: Office):
    before = len(entries(mixed))
    effects = foreseen(mixed, SUMMER)

    watched(mixed, SUMMER)

    written = entries(mixed)[before:]
    assert [one.event for one in effects] == [entry["event"] for entry in written]
    for one, entry in zip(effects, written, strict=True):
        found = entry["findings"]
        assert one.wakes == found.get("wakes")
        assert one.instead_of == found.get("instead_of")
        assert list(one.letters) == [notice["letter"] for notice in entry["notices"]]
        if one.event in {Event.EXPIRE_TERM, Event.ESCALATE_TERM, Event.PROPOSE_LAPSE}:
            assert one.term == entry["inputs"]["term"]


def test_each_effect_says_what_it_is_about_and_who_has_to_act(mixed: Office):
    effects = {
        (one.application, one.event): one
        for one in foreseen(mixed, rome(2026, 12, 31))
        if one.event
    }

    asked = effects["2026/0000006", Event.EXPIRE_COMPLETION]
    lapsing = effects["2026/0000004", Event.PROPOSE_LAPSE]
    missed = effects["2026/0000008", Event.ESCALATE_TERM]
    closing = effects[None, CallEvent.CLOSE_CALL]
    assert (asked.term, asked.wakes) == (TermKind.COMPLETION, Role.RESPONSIBLE)
    assert asked.at == rome(2026, 1, 31)  # 20/01 and ten days, and they are over
    assert (lapsing.term, lapsing.wakes) == (TermKind.DEFINITIVE_PLAN, Role.MANAGER)
    assert lapsing.letters == (Letter.LAPSE_PROPOSED,)
    assert (missed.term, missed.wakes) == (TermKind.CONCLUSION, Role.MANAGER)
    assert (closing.at, closing.term, closing.wakes) == (CLOSING, None, None)


def test_what_is_late_already_is_foreseen_as_of_its_instant(mixed: Office):
    mixed.clock.move_to(rome(2026, 4, 1, 9))

    effects = foreseen(mixed, SUMMER)

    late = [one for one in effects if one.at < mixed.clock.now()]
    assert (Event.EXPIRE, CLOSING) in [(one.event, one.at) for one in late]
    assert told(tuple(late)) == done(sweep.sweep(mixed.desk).applied)
    assert done(watched(mixed, SUMMER)) == told(effects[len(late) :])


def test_who_takes_money_that_is_announced_is_foreseen(work: Office, tmp_path: Path):
    short = edited(tmp_path, ('amount = "1000000.00"', 'amount = "150000.00"'))
    work.clock.move_to(OPENING - timedelta(days=1))
    calls.register_call(work.desk, short, act="decreto 1/2026-01-19")
    work.clock.move_to(OPENING)
    work.file(0)
    work.file(1)
    later = OPENING + timedelta(days=3)
    call_acts.refinance(
        work.desk,
        CTL,
        allocation=Cents(100_000_000),
        effective_at=later,
        act=ACT,
        reason="more money",
    )
    before = len(entries(work))

    effects = foreseen(work, SUMMER)
    watched(work, SUMMER)

    assert [(one.at, one.application, one.event) for one in effects[:2]] == [
        (later, None, CallEvent.APPLY_VERSION),
        (later, "2026/0000002", Event.PROMOTE),
    ]
    assert effects[0].version == 3
    assert [one.event for one in effects] == [
        entry["event"] for entry in entries(work)[before:]
    ]


def test_a_call_is_foreseen_by_itself_or_with_the_others(work: Office, tmp_path: Path):
    calls.register_call(work.desk, open_to_all(tmp_path))

    alone = foreseen(work, SUMMER, code=SECOND)
    together = foreseen(work, SUMMER)

    assert {one.call for one in alone} == {SECOND}
    assert [one for one in together if one.call == SECOND] == list(alone)
    assert {one.call for one in together} == {CTL, SECOND}
    assert list(together) == sorted(together, key=lambda one: one.at)


def test_a_call_that_was_annulled_is_foreseen_as_it_happens(mixed: Office):
    call_acts.annul(mixed.desk, CTL, act=ACT, reason="a judgment")
    (draft,) = sweep.sweep(mixed.desk).applied
    assert draft.event == Event.EXPIRE, "with the window, at once"

    expected = told(foreseen(mixed, SUMMER))

    assert done(watched(mixed, SUMMER)) == expected


@pytest.fixture(scope="module")
def kept_office(sqlite_mixed: str) -> Iterator[Office]:
    """Keep one office with files of all kinds, which nobody changes."""
    with office(f"sqlite:///{sqlite_mixed}") as opened:
        yield opened


@pytest.fixture(scope="module")
def of_two_years(kept_office: Office) -> tuple[Effect, ...]:
    """Foresee two years of that office, once."""
    return foreseen(kept_office, OPENING + timedelta(days=730))


@settings(max_examples=12)
@given(span=st.timedeltas(timedelta(), timedelta(days=400)))
def test_what_is_foreseen_for_an_instant_is_the_beginning_of_what_is_foreseen_later(
    kept_office: Office, of_two_years: tuple[Effect, ...], span: timedelta
):
    until = OPENING + span

    near = foreseen(kept_office, until)

    assert near == tuple(one for one in of_two_years if one.at <= until)


# How far


def test_it_goes_as_far_as_the_instant_that_is_named_and_no_further(mixed: Office):
    due = rome(2026, 1, 31)

    before = foreseen(mixed, due - MOMENT)
    at = foreseen(mixed, due)

    assert before == ()
    assert [(one.event, one.at) for one in at] == [
        (Event.EXPIRE_OBSERVATIONS, due),
        (Event.EXPIRE_COMPLETION, due),
    ]


def test_at_its_closing_instant_a_counter_is_still_open(work: Office):
    work.file()

    at_the_instant = foreseen(work, CLOSING)
    just_after = foreseen(work, CLOSING + MOMENT)

    assert CallEvent.CLOSE_CALL not in {one.event for one in at_the_instant}
    assert just_after[-1].event == CallEvent.CLOSE_CALL


def test_nothing_is_foreseen_for_an_instant_that_is_over(mixed: Office):
    with pytest.raises(InputError) as error:
        foreseen(mixed, OPENING - MOMENT)

    assert error.value.code == "forecast.past"
    assert foreseen(mixed, OPENING) == ()


def test_no_call_that_is_not_there_is_foreseen(work: Office):
    with pytest.raises(RefusedError) as error:
        foreseen(work, SUMMER, code="OTHER")

    assert error.value.code == "call.unknown"


# Nothing is done


def test_nothing_changes_in_the_real_database(mixed: Office):
    mixed.clock.move_to(rome(2026, 4, 1, 9))  # much of it is late
    before = contents(mixed.desk.engine)

    effects = foreseen(mixed, AFTER_YEARS)

    assert effects
    assert contents(mixed.desk.engine) == before


def test_nothing_changes_in_the_real_database_if_it_fails(mixed: Office):
    before = contents(mixed.desk.engine)

    with pytest.raises(RefusedError):
        foreseen(mixed, SUMMER, code="OTHER")

    assert contents(mixed.desk.engine) == before


def test_new_rows_of_the_copy_are_none_of_those_that_were_copied(
    work: Office, tmp_path: Path
):
    long = open_to_all(tmp_path)
    text = long.read_text(encoding="utf-8")
    long.write_text(text.replace("2026-03-05T16:00:00", "2026-12-31T16:00:00"))
    calls.register_call(work.desk, long)
    application = work.file()
    work.routine(application, *TO_GRANT, Event.RECORD_PUBLICATION)
    work.routine(application, Event.CONVENE_NEGOTIATION, Event.SIGN_MINUTES)
    now = rome(2026, 6, 1, 10)  # the term of the plan is over since weeks
    with office(_address(work), at=now) as other:  # its identifiers begin anew
        line = json.dumps({**submission(1), "portal_id": "OTHER"}).encode()
        tuple(intake.take_in(other.desk, SECOND, [line]))

        effects = foreseen(other, now)

    assert Event.PROPOSE_LAPSE in {one.event for one in effects}


def _address(work: Office) -> str:
    return work.desk.engine.url.render_as_string(hide_password=False)


def test_no_name_or_address_is_copied(mixed: Office):
    with scratch_database() as scratch:
        with reading(mixed.desk.engine) as source, transaction(scratch) as session:
            copies.copy_calls(source, session, code=None, until=AFTER_YEARS)
        copied = contents(scratch)

    copied.pop("call_versions")  # a call names who may apply, in public
    everything = repr(copied)
    assert "DOM-0001" in everything
    assert ctl().beneficiaries[0].name not in everything
    assert "pec.example.it" not in everything
    assert "Director" not in everything


# The copy


def test_only_its_owner_reads_a_scratch_database_and_then_it_is_gone():
    with scratch_database() as engine:
        file = Path(str(engine.url.database))
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)]
        others = list(file.parent.iterdir())

    assert modes == [0o600, 0o700]
    assert others == [file]
    assert not file.parent.exists()


@pytest.fixture
def scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have what is temporary made in a folder of this test's own."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_nothing_of_the_copy_is_left(mixed: Office, scratch_folder: Path):
    foreseen(mixed, SUMMER)

    assert list(scratch_folder.iterdir()) == []


def test_nothing_of_the_copy_is_left_after_an_error(
    mixed: Office, scratch_folder: Path
):
    alter_rules(mixed.desk.engine)

    with pytest.raises(TamperedError) as error:
        foreseen(mixed, SUMMER)

    assert error.value.code == "call.altered"
    assert list(scratch_folder.iterdir()) == []


def test_while_it_is_foreseen_others_write(mixed: Office):
    """The copy is made of one moment: a reader locks nobody out of either engine."""
    with reading(mixed.desk.engine) as source, scratch_database() as scratch:
        find_call(source, CTL)
        mixed.routine("2026/0000008", Event.START_REVIEW)
        with transaction(scratch) as session:
            copies.copy_calls(source, session, code=CTL, until=SUMMER)
        ((started,),) = rows(
            scratch,
            "SELECT count(*) FROM steps JOIN applications ON applications.id = "
            "application_id WHERE protocol_number = 8",
        )

    assert started == 0


# What fails


def _execute(engine: Engine, statement: str) -> None:
    with transaction(engine) as session:
        session.connection().exec_driver_sql(statement)


def break_a_term(work: Office, protocol: int, kind: TermKind) -> None:
    """Give a file a term of which the call knows nothing: no worker can end it."""
    with transaction(work.desk.engine) as session:
        term = session.exec(
            select(Term)
            .join(Application, col(Application.id) == col(Term.application_id))
            .where(Application.protocol_number == protocol, Term.kind == kind)
        ).one()
        term.kind = TermKind.PAYMENT


def test_what_would_fail_is_told_once_and_the_rest_is_foreseen(mixed: Office):
    healthy = told(foreseen(mixed, SUMMER))
    break_a_term(mixed, 8, TermKind.CONCLUSION)

    effects = foreseen(mixed, SUMMER)

    (failing,) = [one for one in effects if one.event is None]
    others = tuple(one for one in effects if one.event)
    assert (failing.application, failing.fault) == ("2026/0000008", "KeyError")
    assert failing.at == rome(2026, 4, 21)
    assert failing.term == TermKind.PAYMENT
    assert told(others) == [one for one in healthy if one[2] != "2026/0000008"]
    assert done(sweep_now_and_then(mixed, SUMMER)) == told(others)


def sweep_now_and_then(work: Office, until: datetime) -> tuple[Applied, ...]:
    """Sweep every ten days and at the end, whatever is parked."""
    applied: tuple[Applied, ...] = ()
    while work.clock.now() < until:
        work.clock.move_to(min(work.clock.now() + timedelta(days=10), until))
        applied += sweep.sweep(work.desk).applied
    return applied


def test_what_is_parked_already_is_foreseen_at_its_next_attempt(mixed: Office):
    break_a_term(mixed, 6, TermKind.COMPLETION)
    mixed.clock.move_to(rome(2026, 2, 1))
    sweep.sweep(mixed.desk)
    before = contents(mixed.desk.engine)

    effects = foreseen(mixed, SUMMER)

    failing = [one for one in effects if one.event is None]
    assert [(one.application, one.fault) for one in failing] == [
        ("2026/0000006", "KeyError")
    ]
    assert failing[0].at == rome(2026, 2, 1, 0, 1)
    assert contents(mixed.desk.engine) == before


def test_a_draft_that_cannot_expire_is_told_once_and_keeps_up_no_term(mixed: Office):
    healthy = told(foreseen(mixed, SUMMER))
    with transaction(mixed.desk.engine) as session:
        draft = session.exec(
            select(Application).where(Application.portal_id == "DOM-0009")
        ).one()
        session.add(
            Term(
                id=draft.id,
                call_id=draft.call_id,
                application_id=draft.id,
                kind=TermKind.PAYMENT,  # a term of which the call knows nothing
                ordinal=1,
                starts_on=mixed.today,
                due_at=SUMMER,
                status=TermStatus.RUNNING,
                suspensions=[],
                holidays=[],
                calendar="",
            )
        )

    effects = foreseen(mixed, SUMMER)

    (failing,) = [one for one in effects if one.event is None]
    others = tuple(one for one in effects if one.event)
    assert (failing.application, failing.at) == ("DOM-0009", CLOSING + MOMENT)
    assert failing.fault == "draft.not_expired"
    assert told(others) == [one for one in healthy if one[2] != "DOM-0009"]
    assert done(sweep_now_and_then(mixed, SUMMER)) == told(others)


def test_a_parked_term_that_was_repaired_is_foreseen_as_done(mixed: Office):
    break_a_term(mixed, 6, TermKind.COMPLETION)
    mixed.clock.move_to(rome(2026, 2, 1))
    sweep.sweep(mixed.desk)
    _execute(
        mixed.desk.engine,
        "UPDATE terms SET kind = 'completion' WHERE kind = 'payment'",
    )

    expected = told(foreseen(mixed, SUMMER))

    assert done(watched(mixed, SUMMER)) == expected
    assert (Event.EXPIRE_COMPLETION, "2026/0000006") in [
        (event, application) for _, _, application, event in expected
    ]


# What people and scripts read


def test_everything_that_workers_do_has_its_words():
    made = {
        move.event
        for table in TABLES.values()
        for move in table.moves
        if move.by_sweep or move.event in {Event.PROMOTE, Event.YIELD_RESERVATION}
    }
    windows = {
        CallEvent.APPLY_VERSION,
        CallEvent.OPEN_CALL,
        CallEvent.REOPEN_CALL,
        CallEvent.CLOSE_CALL,
    }
    declared = {
        Event.EXPIRE,
        Event.EXPIRE_COMPLETION,
        Event.EXPIRE_OBSERVATIONS,
        Event.PROPOSE_LAPSE,
        Event.DECLARE_END,
    }

    assert made | windows | declared == set(WORDS)


def test_it_answers_in_json(terminal: Terminal):
    asked = terminal.ask("forecast", CTL, "--until", "2026-05-31")

    assert set(asked) == {"effects", "more", "now", "until", "written"}
    assert asked["until"] == "2026-05-31T21:59:59.999999Z"
    assert asked["now"] == "2026-01-20T09:00:00.000001Z" or asked["now"]
    assert (asked["more"], asked["written"]) == (0, False)
    assert [one["effect"] for one in asked["effects"]] == [
        "close_call",
        *["expire_term"] * 3,
        *["escalate_term"] * 3,
    ]
    assert asked["effects"][1] == {
        "at": "2026-04-20T22:00:00.000000Z",
        "application": FIRST,
        "effect": "expire_term",
        "call": CTL,
        "term": "conclusion",
        "text": "the term conclusion ends",
        "wakes": "responsible",
        "instead_of": None,
        "letters": [],
        "fault": None,
    }


def test_it_tells_people_in_100_columns_and_says_that_nothing_was_written(
    terminal: Terminal,
):
    shown = terminal.type("forecast", CTL, "--until", "2026-05-31")

    lines = shown.stdout.splitlines()
    assert shown.exit_code == 0
    assert max(map(len, lines)) <= 100
    assert lines[0] == f"{CTL}:"
    assert lines[1].split() == ["when", "(Rome)", "file", "what", "wakes"]
    assert lines[2].split()[:3] == ["05/03/2026", "16:00:00", "-"]
    assert "the counter closes" in lines[2]
    assert lines[3].split() == [
        *("21/04/2026", "00:00:00", FIRST),
        *("the", "term", "conclusion", "ends", "responsible"),
    ]
    assert "conclusion was missed: the manager is told" in lines[6]
    assert "7 thing(s) until 31/05/2026 23:59:59 (Rome)" in lines[-2]
    assert lines[-1].startswith("Nothing was written.")


def test_the_longest_words_fit_into_100_columns():
    widths = (19, len("2026/0000001"), max(map(len, Role)))
    longest = max(
        len(words.format(term=kind.replace("_", " "), version=100))
        for words in (
            *WORDS.values(),
            f"{WORDS[Event.EXPIRE_TERM]}, and nothing else",
        )
        for kind in TermKind
    )

    assert sum(widths) + longest + 6 <= 100


def test_what_is_late_stands_above_what_is_to_come(terminal: Terminal):
    late = Terminal(terminal.home, {"SPORTELLO_CLOCK": "2026-04-22T10:00:00+02:00"})

    lines = late.type("forecast", "--until", "2026-05-31").stdout.splitlines()

    assert lines[2].strip() == "--- due already ---"
    assert lines[7].strip() == "--- from now on ---"


def test_a_long_forecast_is_cut_and_says_so(terminal: Terminal):
    asked = terminal.ask("forecast", "--until", "2026-05-31", "--limit", "2")
    shown = terminal.type("forecast", "--until", "2026-05-31", "--limit", "2")

    assert (len(asked["effects"]), asked["more"]) == (2, 5)
    assert "5 more: see them with --limit 7" in shown.stdout


def test_a_forecast_without_effects_says_so(terminal: Terminal):
    shown = terminal.type("forecast", "--until", "2026-01-20")

    assert shown.stdout.startswith(
        "The workers would do nothing until 20/01/2026 23:59:59 (Rome).\n"
    )
    assert terminal.ask("forecast", "--until", "2026-01-20")["effects"] == []


@pytest.mark.parametrize(
    ("until", "code"),
    [
        ("2026-01-19", "forecast.past"),
        ("2026-01-20T09:59+01:00", "forecast.past"),
        ("0001-01-01", "forecast.past"),
        ("2026-02-30", "usage"),
        ("tomorrow", "usage"),
        ("2026-03-29T02:30", "usage"),
    ],
)
def test_a_wrong_day_is_a_wrong_command_line(until: str, code: str, terminal: Terminal):
    answered = terminal.type("forecast", "--until", until, "--json")

    assert answered.exit_code == 2
    assert json.loads(answered.stdout)["error"]["code"] == code


def test_until_when_has_to_be_said(terminal: Terminal):
    assert terminal.type("forecast").exit_code == 2


def test_the_end_of_the_last_day_of_all_is_foreseen(terminal: Terminal):
    assert terminal.ask("forecast", "--until", "9999-12-31")["effects"]


def test_an_unknown_call_is_refused(terminal: Terminal):
    terminal.refused(
        *("forecast", "OTHER", "--until", "2026-05-31"),
        code="call.unknown",
        exit_code=1,
    )


def test_what_is_logged_of_the_copy_says_that_it_is_a_forecast(terminal: Terminal):
    terminal.query("UPDATE terms SET kind = 'payment'")

    ran = terminal.run("forecast", "--until", "2026-05-31")

    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert ran.returncode == 0
    assert "would do 1 thing(s) and fail in 3 until" in ran.stdout
    assert "FAILS: payment [KeyError]" in ran.stdout
    assert [line["event"] for line in lines] == ["term_put_aside"] * 3
    assert all(line["forecast"] for line in lines)
