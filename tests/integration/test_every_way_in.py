"""Are roles checked alike for who types a command and for a worker, in every family?

All cells of the matrix are held against the tables elsewhere. Here each event that can
be made on what was just filed is tried once for who may and once for who may not, the
events being spread over the families.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from cli import main
from commands.options import flag
from config.loader import load
from models.vocabulary import Event, Role
from tests.builders import CTL, EVERYBODY, Office, office, quiet, submission, usual
from tests.contents import entries
from tests.editions import PLAIN
from tests.filiere import FILIERE, OPENS, proposal
from tests.filiere import file as of_a_list
from tests.integration.test_ranked_call import CODE, SMART, line
from tests.servers import fresh_postgres
from tests.unit.test_permissions import marked
from workers.actors import Filing
from workflow.errors import RefusedError
from workflow.moves.families import TABLES
from workflow.services import calls, installation, moves, officers

ALLOWED = marked("an application")
PEOPLE = {roles[0]: login for login, roles in EVERYBODY.items() if len(roles) == 1}
"""Somebody who holds each role, and no other."""

YES_AND_NO = (True, False)


_TAKES_A_FILE = Event.CHANGE_PARTNERS
"""Which is read before anybody is asked who they are."""


def sampled(position: int, family: str) -> list[Event]:
    """Return every fourth event that can be made by hand after the filing."""
    rows = TABLES[family].moves
    found = [
        move.event for move in rows if move.by_hand and "submitted" in move.sources
    ]
    taken = dict.fromkeys(event for event in found if event is not _TAKES_A_FILE)
    return list(taken)[position :: len(TABLES)]


SAMPLE = [
    (family, event)
    for position, family in enumerate(TABLES)
    for event in sampled(position, family)
]


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def filed(request, tmp_path_factory) -> Iterator[tuple[Office, dict[str, str]]]:
    """Give an office in which a worker has taken one application in of each family."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('families') / 'sportello.db'}"
        with office(url, at=OPENS) as work:
            yield work, furnished(work)
        return
    server = request.getfixturevalue("postgres_server")
    with fresh_postgres(server) as url, office(url, at=OPENS) as work:
        yield work, furnished(work)


def furnished(work: Office) -> dict[str, str]:
    installation.initialise(work.desk.engine, work.clock, rehearsal=True)
    for login, roles in EVERYBODY.items():
        officers.add(work.desk.as_officer("bianchi"), login, login.title(), roles)
    portal = Filing(work.desk)
    names: dict[str, str] = {}
    plain = quiet("competenze-innovazione-2025")
    for file, code, content in (
        (of_a_list(), FILIERE, orjson.dumps(proposal(1))),
        (quiet(SMART), CODE, line(1, "2000000.00", load(quiet(SMART)))),
        (plain, PLAIN, line(2, "50000.00", load(plain), investment="100000.00")),
        (quiet(), CTL, orjson.dumps(submission())),
    ):
        rules = load(file)
        work.clock.move_to(rules.window.published_at)
        calls.register_call(work.desk, file)
        work.clock.move_to(rules.window.opens_at)
        answer = portal.receive_submission(code, content.decode())
        assert answer["protocol"], answer["error"]
        names[rules.family] = answer["protocol"]
    return names


def test_every_event_is_sampled_for_some_family():
    events = {move.event for table in TABLES.values() for move in table.moves}

    assert {family for family, _ in SAMPLE} == set(TABLES)
    assert len({event for _, event in SAMPLE}) > len(events) / 4


def test_whoever_types_a_command_is_held_to_their_role(filed):
    work, names = filed
    wrong = []

    for family, event in SAMPLE:
        own = ALLOWED[event]
        roles = [
            next(role for role in PEOPLE if (role in own) is may) for may in YES_AND_NO
        ]
        for role in roles:
            code = typed(work.sit(PEOPLE[role]), names[family], event)
            if (code != "role.missing") is not (role in own):
                wrong.append((family, event, role, code))

    assert wrong == []


def typed(work: Office, name: str, event: Event) -> str:
    """Type a move and only look at what it would do; return the code of a refusal."""
    stated = usual(event, work.today)
    inputs = stated.pop("inputs", {})
    words = [
        word
        for option, value in {**inputs, **stated}.items()
        for one in (value if isinstance(value, list) else [value])
        for word in (flag(option), str(one))
    ]
    command = ["--json", "advance", name, event.value, *words, "--dry-run"]
    shown = CliRunner().invoke(main, command, obj=work.desk)
    told: dict[str, Any] = orjson.loads(shown.stdout)
    code = str(told.get("error", {}).get("code", ""))
    assert (shown.exit_code, bool(code)) in {(0, False), (1, True)}, shown.output
    return code


def test_a_worker_makes_what_is_marked_for_workers_and_names_nobody(filed):
    work, names = filed
    worker = work.desk.as_worker()
    wrong = []

    for family, event in SAMPLE:
        stated = usual(event, work.today)
        try:
            moves.advance(worker, moves.MoveCommand(names[family], event, **stated))
            code = ""
        except RefusedError as error:
            code = error.code
        if (code != "role.missing") is not (Role.SYSTEM in ALLOWED[event]):
            wrong.append((family, event, code))

    assert wrong == []
    made = [one["actor"] for one in entries(work, event="submit")]
    refused = [one["actor"] for one in entries(work, outcome="refused")]
    assert len(made) == len(TABLES)
    assert refused
    assert {(one["kind"], one["id"]) for one in (*made, *refused)} == {("worker", None)}
