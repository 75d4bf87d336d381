"""Does the chain of officers hold, and can nobody act once a role has ended?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import make_url, text

from models.session import DatabaseUnavailableError, open_engine, transaction
from models.vocabulary import Event, OfficeEvent, Role
from tests.builders import CTL, Office, office, rome
from tests.contents import dump, entries, rows, written
from tests.integration.test_upgrade import old  # noqa: F401 - a fixture
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import RefusedError
from workflow.services import (
    delegations,
    installation,
    log,
    moves,
    officers,
    rosters,
    sweep,
)
from workflow.services import office as chain

SINCE = date(2026, 1, 15)
"""When the officers of the tests were added."""


def code_of(work: Office, login: str, application: str) -> str:
    try:
        work.sit(login).move(application, Event.START_REVIEW)
    except RefusedError as error:
        return error.code
    return "done"


def faults(work: Office) -> list[str]:
    found = log.examine(work.desk).office
    assert found is not None
    assert found.ok is (not found.faults)
    return [fault.fault for fault in found.faults]


@pytest.fixture
def freed(work: Office) -> Office:
    """Give an office whose tables somebody can change who owns the database."""
    on = {
        "office_entries": ("no_update", "no_delete", "no_replace"),
        "officer_roles": ("kept", "only_ended", "no_replace"),
        "officers": ("kept", "same", "no_replace"),
    }
    with work.desk.engine.begin() as connection:
        for table, triggers in on.items():
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                continue
            for trigger in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {table}_{trigger}")
    return work


# Roles that end


def test_a_role_that_ended_is_used_no_more_and_can_be_given_anew(work: Office):
    application = work.file()
    bianchi = work.desk.as_officer("bianchi")

    view = officers.end_roles(bianchi, "examiner", [Role.OFFICER])
    refused = code_of(work, "examiner", application)
    officers.add(bianchi, "examiner", "Examiner", [Role.OFFICER])

    assert view.roles == ()
    assert (refused, code_of(work, "examiner", application)) == ("role.missing", "done")
    assert faults(work) == []


def test_who_held_which_role_on_a_day_can_be_asked_for_ever(work: Office):
    officers.retire(work.desk.as_officer("bianchi"), "examiner")
    officers.end_roles(work.desk.as_officer("bianchi"), "rup", [Role.RESPONSIBLE])

    def held(login: str, *day: int) -> object:
        listed = rosters.listed(work.desk, at=date(*day))
        found = [one for one in listed if one.login == login]
        return [(one.roles, one.retired) for one in found]

    for login, role in (("examiner", Role.OFFICER), ("rup", Role.RESPONSIBLE)):
        retired = login == "examiner"
        assert held(login, 2026, 1, 14) == []
        assert held(login, 2026, 1, 15) == [((role,), False)]
        assert held(login, 2026, 1, 20) == [((role,), False)]
        assert held(login, 2026, 1, 21) == [((), retired)]


def test_a_role_that_is_not_held_cannot_end_nor_that_of_the_last_administrator(
    work: Office,
):
    bianchi = work.desk.as_officer("bianchi")
    officers.end_roles(bianchi, "rossi", [Role.ADMINISTRATOR])
    codes = []

    for login, role in (("clerk", Role.MANAGER), ("bianchi", Role.ADMINISTRATOR)):
        with pytest.raises(RefusedError) as error:
            officers.end_roles(bianchi, login, [role])
        codes.append(error.value.code)

    assert codes == ["role.not_held", "officer.last_administrator"]
    refused = [one for one in chain.entries(work.desk) if one["refusal"]]
    assert [one["refusal"]["code"] for one in refused] == codes
    assert "bianchi" not in str(refused)
    ids = {one.login: str(one.id) for one in rosters.listed(work.desk)}
    assert [one["officer"] for one in refused] == [ids["clerk"], ids["bianchi"]]


@pytest.fixture
def impatient(work: Office, office_url: str) -> Iterator[Office]:
    """Give somebody at the same database who waits a second for others."""
    engine = open_engine(office_url, lock_wait=1)
    yield Office(replace(work.desk, engine=engine), work.clock)
    engine.dispose()


def test_nobody_loses_a_role_under_a_move_that_is_being_made(
    work: Office, impatient: Office
):
    bianchi = impatient.desk.as_officer("bianchi")

    with transaction(work.desk.engine) as session:
        officers.identify(session, work.sit("examiner").desk)
        with pytest.raises(DatabaseUnavailableError):
            officers.end_roles(bianchi, "examiner", [Role.OFFICER])

    assert officers.end_roles(bianchi, "examiner", [Role.OFFICER]).roles == ()


def test_a_move_waits_for_the_end_of_a_role_that_was_typed_before_it(
    work: Office, impatient: Office
):
    application = work.file()
    typed = impatient.sit("examiner")

    desk, about = work.desk.as_officer("bianchi"), officers.About("examiner")
    with officers.changing(desk, OfficeEvent.RETIRE_OFFICER, (), about) as change:
        change.resting("examiner")
        with pytest.raises(DatabaseUnavailableError):
            typed.move(application, Event.START_REVIEW)
    officers.retire(work.desk.as_officer("bianchi"), "examiner")
    with pytest.raises(RefusedError) as error:
        typed.move(application, Event.START_REVIEW)

    assert error.value.code == "officer.retired"


# The chain


def test_every_change_is_an_entry_with_who_made_it_and_no_name(work: Office):
    bianchi = work.desk.as_officer("bianchi")
    officers.add(bianchi, "neri", "Carla Neri", [Role.AUDITOR], email="n@example.it")
    officers.add(bianchi, "neri", "Carla Neri", [Role.AUDITOR])  # nothing new
    officers.retire(bianchi, "neri")

    told = list(chain.entries(work.desk))

    assert [one["event"] for one in told[-2:]] == ["add_officer", "retire_officer"]
    assert [one["details"]["roles"] for one in told[-2:]] == [["auditor"], ["auditor"]]
    by_id = {value: key for key, value in log.logins(work.desk).items()}
    assert {one["actor"]["id"] for one in told[-2:]} == {by_id["bianchi"]}
    assert {one["actor"]["role"] for one in told[-2:]} == {"administrator"}
    assert not any(word in str(told).lower() for word in ("neri", "bianchi", "example"))
    assert faults(work) == []


_PROMOTED = (
    "UPDATE officer_roles SET role = 'manager' WHERE role = 'auditor' AND "
    "officer_id IN (SELECT id FROM officers WHERE login = 'controller')"
)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_PROMOTED, "manager"),
        ("UPDATE officer_roles SET ended_at = NULL WHERE role = 'intake'", "role"),
        ("DELETE FROM officer_roles WHERE role = 'evaluator'", "in the entries only"),
        ("UPDATE officers SET retired_at = NULL", "is not as the entries say"),
        (
            "UPDATE officers SET login = 'somebody' WHERE login = 'bianchi'",
            "is not as the entries say",
        ),
        (
            "UPDATE office_entries SET body = replace(body, 'intake', 'manager')",
            "its content does not match its hash",
        ),
        ("DELETE FROM office_entries WHERE seq = 3", "entry 3 is missing"),
        ("DELETE FROM office_entries", "it tells of none of the officers"),
        ("UPDATE office_entries SET at = at + 1", "the columns beside it"),
        ("UPDATE office_entries SET body = 'x' WHERE seq = 2", "it cannot be read"),
    ],
)
def test_what_is_changed_behind_its_back_is_found(
    freed: Office, change: str, fault: str
):
    officers.retire(freed.desk.as_officer("bianchi"), "clerk")
    assert faults(freed) == []

    with freed.desk.engine.begin() as connection:
        connection.exec_driver_sql(change)

    assert any(fault in found for found in faults(freed))
    assert not log.examine(freed.desk).ok


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM officer_roles",
        "DELETE FROM officers",
        "UPDATE officer_roles SET role = 'manager'",
        "UPDATE officer_roles SET since = since - 1",
        "UPDATE officer_roles SET ended_at = NULL WHERE ended_at IS NOT NULL",
        "UPDATE officers SET login = 'somebody' WHERE login = 'bianchi'",
        "UPDATE officers SET created_at = created_at - 1",
        "UPDATE officers SET retired_at = NULL WHERE login = 'clerk'",
    ],
)
def test_a_role_is_only_ended_and_no_officer_deleted(work: Office, change: str):
    officers.retire(work.desk.as_officer("bianchi"), "clerk")
    before = dump(work.desk.engine)

    with (
        pytest.raises(Exception, match=r"only ended|kept for ever|stays who they are"),
        work.desk.engine.begin() as connection,
    ):
        connection.exec_driver_sql(change)

    assert dump(work.desk.engine) == before


@pytest.mark.parametrize(
    "change",
    [
        (
            "INSERT OR REPLACE INTO officer_roles SELECT officer_id, role, since, NULL "
            "FROM officer_roles WHERE ended_at IS NOT NULL"
        ),
        "INSERT OR REPLACE INTO officers SELECT * FROM officers",
        "INSERT OR REPLACE INTO delegations SELECT * FROM delegations",
        "UPDATE acts SET number = '0'",
        "DELETE FROM acts",
    ],
)
def test_on_sqlite_nothing_kept_is_replaced(work: Office, change: str):
    if work.desk.engine.dialect.name != "sqlite":
        change = "UPDATE acts SET number = '0'"  # there is no REPLACE
    bianchi = work.desk.as_officer("bianchi")
    day = date(2026, 1, 20)
    by_act = ("clerk", Role.MANAGER, day, day, "decreto 1/2026-01-20")
    delegations.delegate(bianchi, delegations.Wanted("rossi", *by_act))
    officers.retire(bianchi, "clerk")
    before = dump(work.desk.engine)

    with (
        pytest.raises(Exception, match=r"never replaced|append-only"),
        work.desk.engine.begin() as connection,
    ):
        connection.exec_driver_sql(change)

    assert dump(work.desk.engine) == before


def test_whoever_was_there_before_the_chain_stands_in_its_first_entry(
    old,  # noqa: F811 - the fixture
    database_url: str,
):
    with office(database_url) as work:
        installation.initialise(work.desk.engine, work.clock, rehearsal=True)

        (first,) = chain.entries(work.desk)
        assert faults(work) == []
        listed = rosters.listed(work.desk, at=SINCE)
        officers.retire(work.desk.as_officer("bianchi"), "clerk")

        assert first["event"] == "begin_office"
        assert len(first["details"]["officers"]) == len(listed)
        assert {one.login: one.roles for one in listed}["clerk"] == (Role.INTAKE,)
        assert faults(work) == []
        installation.initialise(work.desk.engine, work.clock, rehearsal=True)
        assert len(list(chain.entries(work.desk))) == 2


def test_a_refused_change_of_officers_changes_nothing_else(work: Office):
    before = dump(work.desk.engine)

    with pytest.raises(RefusedError):
        officers.add(work.desk.as_officer("clerk"), "m", "M", [Role.MANAGER])

    assert written(before, dump(work.desk.engine)) == {"office_entries"}
    last = list(chain.entries(work.desk))[-1]
    assert (last["outcome"], last["refusal"]["code"]) == ("refused", "role.missing")
    assert faults(work) == []


# Who acts


def test_on_postgresql_whoever_logged_in_acts_whatever_they_became(
    postgres_office_url: str,
):
    with office(postgres_office_url) as work:
        officers.add(
            work.desk.as_officer("bianchi"), "verdi_t", "Verdi", [Role.OFFICER]
        )
        application = work.file()
        with work.desk.engine.begin() as connection:
            for sql in (
                "DROP ROLE IF EXISTS verdi_t",
                "CREATE ROLE verdi_t LOGIN",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO verdi_t",
            ):
                connection.execute(text(sql))
        theirs = open_engine(
            make_url(postgres_office_url)
            .set(username="verdi_t")
            .render_as_string(hide_password=False)
        )
        mine = Desk(
            theirs,
            work.clock,
            Identity(IdentityKind.DATABASE, "rossi"),  # what is declared does not count
            work.clock.now(),
        )

        moves.advance(mine, moves.MoveCommand(application, Event.START_REVIEW))

        theirs.dispose()
        with work.desk.engine.begin() as connection:
            connection.execute(text("DROP OWNED BY verdi_t"))
            connection.execute(text("DROP ROLE verdi_t"))
        (entry,) = entries(work, event="start_review")
        by_id = log.logins(work.desk)
    assert by_id[entry["actor"]["id"]] == "verdi_t"
    assert entry["actor"]["identity"] == "database"


def test_no_entry_of_a_worker_carries_a_person(work: Office):
    for number in (0, 1):
        work.file(number)
    work.routine("2026/0000001", Event.START_REVIEW, Event.REQUEST_COMPLETION)
    work.clock.move_to(rome(2027, 1, 20))

    sweep.sweep(work.desk)

    by_workers = [one for one in entries(work) if one["actor"]["kind"] == "worker"]
    nobody = {"kind": "worker", "id": None, "role": "system", "identity": "system"}
    assert len({one["event"] for one in by_workers}) > 2
    assert all(one["actor"] == nobody for one in by_workers)
    assert rows(
        work.desk.engine,
        "SELECT count(*) FROM entries WHERE actor_id IS NOT NULL "
        'AND body LIKE \'%"kind":"worker"%\'',
    ) == [(0,)]
    assert work.verified(), CTL


def test_what_is_refused_says_of_whom_to_whom_and_for_which_days(work: Office):
    ids = {one.login: str(one.id) for one in rosters.listed(work.desk)}
    desk = work.desk.as_officer("clerk")
    days = (date(2026, 1, 21), date(2026, 1, 22))
    act = "decreto 9/2026-01-19"
    wanted = delegations.Wanted("rup", "clerk", Role.RESPONSIBLE, *days, act)

    for change in (
        lambda: officers.retire(desk, "examiner"),
        lambda: delegations.delegate(desk, wanted),
        lambda: officers.retire(desk, "nobody"),
    ):
        with pytest.raises(RefusedError):
            change()

    retiring, delegating, of_nobody = list(chain.entries(work.desk))[-3:]
    assert retiring["officer"] == ids["examiner"]
    assert delegating["officer"] == ids["rup"]
    assert delegating["details"] == {
        "roles": ["responsible"],
        "to": ids["clerk"],
        "first_day": "2026-01-21",
        "last_day": "2026-01-22",
    }
    assert delegating["act"]["number"] == "9"
    assert of_nobody["officer"] is None
    assert log.examine(work.desk).office.ok


@pytest.mark.parametrize("login", ["system", "Worker", "UNKNOWN", "\uff57orker"])
def test_no_officer_is_named_as_who_is_none(work: Office, login: str):
    bianchi = work.desk.as_officer("bianchi")

    with pytest.raises(RefusedError) as error:
        officers.add(bianchi, login, "N. N.", [Role.OFFICER])

    assert error.value.code == "login.reserved"
    assert [one.login for one in rosters.listed(work.desk) if one.login == login] == []


def test_the_names_of_those_who_are_no_officers_find_what_they_did(work: Office):
    sweep.sweep(work.desk)
    application = work.file()
    with pytest.raises(RefusedError):
        work.sit("stranger").move(application, Event.START_REVIEW)

    def kinds(actor: str) -> set[str]:
        wanted = log.Wanted(actor=actor)
        return {entry["actor"]["kind"] for entry in log.entries(work.desk, wanted)}

    assert kinds("system") == kinds("worker") == {"worker"}
    assert kinds("unknown") == {"unknown"}
