"""May each person do what their role says, and nothing else?"""

import pytest

from models.vocabulary import ApplicationState, Event, Role
from tests.builders import (
    PAPER,
    TO_ACCEPTANCE,
    TO_GRANT,
    TO_PROGRESS,
    Office,
    office,
    rome,
    submission,
    usual,
)
from tests.contents import dump, entries, refusals, written
from workflow.desk import Desk, Identity, IdentityKind
from workflow.errors import RefusedError
from workflow.moves.families.negotiated_counter import TABLE
from workflow.services import installation, moves, officers, rosters, sweep, views

PEOPLE = {
    Role.INTAKE: "clerk",
    Role.OFFICER: "examiner",
    Role.RESPONSIBLE: "rup",
    Role.EVALUATOR: "board",
    Role.MANAGER: "director",
    Role.AUDITOR: "controller",
    Role.ADMINISTRATOR: "bianchi",
}
BY_COMMAND = [move for move in TABLE.moves if move.by_hand]


def refusal(work: Office, login: str, *arguments: object) -> str:
    with pytest.raises(RefusedError) as error:
        officers.add(work.desk.as_officer(login), *arguments)  # type: ignore[arg-type]
    return error.value.code


# Who keeps the officers


def test_somebody_has_to_be_the_first_and_then_only_administrators_add(
    database_url: str,
):
    with office(database_url, at=rome(2026, 1, 15, 9)) as empty:
        installation.initialise(empty.desk.engine, empty.clock)

        officers.add(empty.desk, "clerk", "Clerk", [Role.INTAKE])
        officers.add(empty.desk, "bianchi", "Bianchi", [Role.ADMINISTRATOR])
        codes = [
            refusal(empty, login, "mallory", "Mallory", [Role.MANAGER])
            for login in ("clerk", "mallory", "")
        ]
        officers.add(
            empty.desk.as_officer("bianchi"), "neri", "Neri", [Role.ADMINISTRATOR]
        )

        listed = [one.login for one in rosters.listed(empty.desk)]

    assert codes == ["role.missing", "officer.unknown", "officer.undeclared"]
    assert listed == ["bianchi", "clerk", "neri"]


def test_no_person_holds_the_role_of_the_workers(work: Office):
    code = refusal(work, "bianchi", "robot", "Robot", [Role.SYSTEM])

    assert code == "role.system"


def test_roles_given_later_are_added_to_those_held(work: Office):
    view = officers.add(
        work.desk.as_officer("bianchi"), "clerk", "Clerk", [Role.OFFICER]
    )

    assert view.roles == (Role.INTAKE, Role.OFFICER)


def test_a_retired_officer_can_do_nothing_new_and_past_entries_stay(work: Office):
    application = work.sit("clerk").file()
    officers.retire(work.desk.as_officer("bianchi"), "clerk")
    before = dump(work.desk.engine)

    with pytest.raises(RefusedError) as error:
        work.sit("clerk").move(application, Event.WITHDRAW, inputs={"document": PAPER})

    filed, refused = entries(work, target=application)
    assert error.value.code == "officer.retired"
    assert filed["actor"]["id"] == str(identity(work, "clerk"))
    assert (refused["actor"]["kind"], refused["actor"]["id"]) == ("unknown", None)
    assert written(before, dump(work.desk.engine)) == {"calls", "entries"}
    assert refusal(work, "bianchi", "clerk", "C", [Role.INTAKE]) == "officer.retired"


def identity(work: Office, login: str) -> object:
    (found,) = (one.id for one in rosters.listed(work.desk) if one.login == login)
    return found


def test_the_last_administrator_cannot_retire(work: Office):
    officers.retire(work.desk.as_officer("bianchi"), "rossi")

    with pytest.raises(RefusedError) as error:
        officers.retire(work.desk.as_officer("bianchi"), "bianchi")

    assert error.value.code == "officer.last_administrator"
    assert not {one.login: one.retired for one in rosters.listed(work.desk)}["bianchi"]


def test_only_an_administrator_retires_and_only_who_is_there(work: Office):
    codes = []

    for login, target in (("director", "clerk"), ("bianchi", "nobody")):
        with pytest.raises(RefusedError) as error:
            officers.retire(work.desk.as_officer(login), target)
        codes.append(error.value.code)

    assert codes == ["role.missing", "officer.unknown"]


def test_who_is_not_known_is_refused_and_recorded_as_unknown(work: Office):
    application = work.file()
    codes = []

    for login in ("mallory", ""):
        with pytest.raises(RefusedError) as error:
            work.sit(login).move(application, Event.START_REVIEW)
        codes.append(error.value.code)

    assert codes == ["officer.unknown", "officer.undeclared"]
    actors = [entry["actor"] for entry in entries(work, outcome="refused")]
    assert (
        actors
        == [{"kind": "unknown", "id": None, "role": "officer", "identity": "declared"}]
        * 2
    )


def test_on_postgresql_the_login_of_the_session_is_who_acts(postgres_office_url: str):
    with office(postgres_office_url) as work:
        officers.add(
            work.desk.as_officer("bianchi"), "postgres", "Postgres", [Role.OFFICER]
        )
        application = work.file()
        mine = Desk(
            work.desk.engine,
            work.clock,
            Identity(IdentityKind.DATABASE, "rossi"),  # what is declared does not count
            work.clock.now(),
        )

        moves.advance(mine, moves.MoveCommand(application, Event.START_REVIEW))

        (entry,) = entries(work, event="start_review")
        expected = str(identity(work, "postgres"))
    assert (entry["actor"]["id"], entry["actor"]["identity"]) == (expected, "database")


def test_a_submission_is_taken_in_only_by_the_intake(work: Office):
    codes = {}

    for role, login in PEOPLE.items():
        try:
            work.sit(login).take(submission(0))
        except RefusedError as error:
            codes[role] = error.code

    assert codes == dict.fromkeys(PEOPLE.keys() - {Role.INTAKE}, "role.missing")
    assert len(refusals(work)) == len(codes)


# Who makes which move


def furnished(work: Office) -> dict[ApplicationState, str]:
    """Bring an application to each of the states that moves start from."""
    work.take(submission(0, draft=True))
    standing = {ApplicationState.DRAFT: "DOM-0001"}
    for number, (state, events) in enumerate(
        {
            ApplicationState.IN_PROGRESS: TO_PROGRESS,
            ApplicationState.ACCEPTED: TO_ACCEPTANCE,
            ApplicationState.NEGOTIATING: TO_GRANT,
            ApplicationState.EVALUATED: TO_GRANT[:3],
            ApplicationState.WAITING: (*TO_GRANT[:3], Event.PUT_ON_WAITING_LIST),
            ApplicationState.ADMISSIBLE: TO_GRANT[:2],
            ApplicationState.SUBMITTED: (),
        }.items(),
        start=1,
    ):
        short = state == ApplicationState.WAITING
        asked = "999999.00" if short else "10000.00"
        standing[state] = work.file(number, requested=asked)
        work.routine(standing[state], *events)
    return standing


def attempted(work: Office, application: str, event: Event) -> str:
    """Try a move with the usual inputs, undone; return the code of its refusal."""
    try:
        work.move(application, event, dry_run=True, **usual(event, work.today))
    except RefusedError as error:
        return error.code
    return "done"


def test_every_move_is_for_its_role_and_for_no_other(work: Office):
    standing = furnished(work)
    before = dump(work.desk.engine)
    wrong = []

    for move in BY_COMMAND:
        application = next(standing[one] for one in move.sources if one in standing)
        for role, login in PEOPLE.items():
            code = attempted(work.sit(login), application, move.event)
            if (code != "role.missing") != (role in move.roles):
                wrong.append((move.event, role, code))

    assert wrong == []
    assert dump(work.desk.engine) == before


def test_a_worker_makes_the_automatic_moves_and_no_other(work: Office):
    standing = furnished(work)
    worker = Office(work.desk.as_worker(), work.clock)
    wrong = []

    for move in BY_COMMAND:
        application = next(standing[one] for one in move.sources if one in standing)
        code = attempted(worker, application, move.event)
        if (code != "role.missing") != move.automatic:
            wrong.append((move.event, code))

    assert wrong == []


def test_no_automatic_move_needs_an_act():
    assert [move.event for move in TABLE.moves if move.automatic and move.act] == []


def test_a_refused_role_leaves_nothing_but_its_refusal(work: Office):
    application = work.file()
    before = dump(work.desk.engine)

    with pytest.raises(RefusedError) as error:
        work.sit("controller").move(application, Event.START_REVIEW)

    assert "`officer`" in error.value.message
    assert "auditor" in error.value.message
    assert error.value.details["required"] == ["officer"]
    assert written(before, dump(work.desk.engine)) == {"calls", "entries"}
    refused = entries(work)[-1]
    assert refused["refusal"]["code"] == "role.missing"
    assert refused["actor"]["id"] == str(identity(work, "controller"))
    assert views.shown(work.desk, application).summary.version == 1


def test_what_a_worker_does_carries_no_person(work: Office):
    work.take(submission(0, draft=True))
    worker = Office(work.desk.as_worker(), work.clock)
    work.clock.move_to(rome(2026, 3, 6))

    sweep.sweep(worker.desk)
    with pytest.raises(RefusedError):
        worker.move("DOM-0001", Event.EXPIRE)

    done, refused = entries(work, target="DOM-0001")[-2:]
    for entry in (done, refused):
        assert entry["actor"]["kind"] == "worker"
        assert entry["actor"]["id"] is None
        assert entry["channel"] == "worker"
    assert done["actor"]["role"] == "system"


def test_the_entry_of_a_move_says_in_which_capacity_it_was_made(work: Office):
    application = work.file()

    work.routine(application, Event.START_REVIEW, Event.ADMIT)

    told = [entry["actor"]["role"] for entry in entries(work, target=application)]
    assert told == ["intake", "officer", "responsible"]
