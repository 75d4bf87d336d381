"""Does a receipt name everybody who is written to, and a dry run all of them?"""

import json
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import Cents, Event, Letter, Role, SuspensionCause
from tests.builders import CTL, TO_GRANT, Office, rome, usual
from tests.contents import rows
from tests.editions import edited
from tests.terminals import Terminal
from workflow.services import (
    call_acts,
    calls,
    decrees,
    officers,
    previews,
)

FORMAL: dict[str, Any] = {"act": "decreto 2/2026-01-20", "reason": "fine"}
POOR = ('amount = "1000000.00"', 'amount = "222222.22"')
"""Money for two: the third waits."""


@pytest.fixture
def poor(work: Office, tmp_path: Path) -> Office:
    calls.register_call(
        work.desk, edited(tmp_path, POOR), act="decreto 1/2026-01-20", reason="poor"
    )
    return work


def letters(work: Office) -> dict[str, tuple[Any, ...]]:
    """Return every letter in the database, by its identity."""
    found = rows(
        work.desk.engine,
        "SELECT notices.id, protocol_number, letter, recipient, status FROM notices "
        "JOIN applications ON applications.id = application_id",
    )
    return {
        str(identity): (f"2026/{number:07d}", *rest)
        for identity, number, *rest in found
    }


def told(notices: list[dict[str, str]]) -> list[tuple[str, ...]]:
    return [
        (one["application"], one["letter"], one["to"], one["status"]) for one in notices
    ]


def written(work: Office, before: dict[str, tuple[Any, ...]]) -> list[Any]:
    return sorted(
        row for identity, row in letters(work).items() if identity not in before
    )


def test_what_a_dry_run_says_is_what_the_move_then_writes(poor: Office):
    first, second, third = (poor.file(number) for number in range(3))
    asked = (
        (first, Event.START_REVIEW),
        (second, Event.START_REVIEW),
        (first, Event.REQUEST_COMPLETION),
        (first, Event.WITHDRAW),  # its money goes to the third
        (second, Event.ADMIT),
        (third, Event.WITHDRAW),
    )
    others = []

    for application, event in asked:
        before = letters(poor)
        stated = usual(event, poor.today)
        dry = poor.move(application, event, **stated, dry_run=True)
        unchanged = letters(poor)
        done = poor.move(application, event, **stated)

        assert unchanged == before
        assert dry["notices"] == done["notices"]
        assert sorted(told(done["notices"])) == written(poor, before)
        mine = [one["application"] == application for one in done["notices"]]
        assert mine == sorted(mine, reverse=True), "the moved file comes first"
        others += [one for one in told(done["notices"]) if one[0] != application]

    assert others == [(third, "promoted", "cluster3@pec.example.it", "queued")]
    assert poor.verified()


def test_a_move_before_which_the_counter_opens_again_tells_of_all(poor: Office):
    first, second = poor.file(0), poor.file(1)
    before = letters(poor)
    stopped = call_acts.suspend(
        poor.desk, CTL, cause=SuspensionCause.MALFUNCTION, reason="verifica"
    )
    to_all = written(poor, before)
    call_acts.announce_reopening(poor.desk, CTL, at=rome(2026, 1, 22, 9), **FORMAL)
    poor.wait(days=3)
    before = letters(poor)

    dry = poor.move(first, Event.START_REVIEW, dry_run=True)
    done = poor.move(first, Event.START_REVIEW)

    assert told(stopped["letters"]) == to_all
    assert {one[0] for one in to_all} == {first, second}
    assert dry["notices"] == done["notices"]
    assert sorted(told(done["notices"])) == written(poor, before)
    assert [one[:2] for one in told(done["notices"])] == [
        (first, "counter_reopened"),
        (first, "procedure_start"),
        (second, "counter_reopened"),
    ]


def test_a_decree_tells_all_its_letters_beforehand_too(poor: Office):
    names = [poor.file(number) for number in range(3)]
    for application in names[:2]:
        poor.routine(application, *TO_GRANT[:-1])
    listed = [
        {"application": name, **usual(Event.GRANT, poor.today)["inputs"]}
        for name in names[:2]
    ]
    grants = decrees.read(json.dumps(one).encode() for one in listed)
    act, before = f"decreto 9/{poor.today.isoformat()}", letters(poor)

    dry = decrees.grant(poor.desk, CTL, grants, act=act, dry_run=True)
    done = decrees.grant(poor.desk, CTL, grants, act=act)

    assert dry["notices"] == done["notices"]
    assert sorted(told(done["notices"])) == written(poor, before)
    assert [one[:2] for one in told(done["notices"])] == [
        (name, "grant") for name in names[:2]
    ]


def test_new_money_tells_whom_it_promotes(poor: Office):
    for number in range(3):
        poor.file(number)

    entry = call_acts.refinance(poor.desk, CTL, allocation=Cents(100_000_000), **FORMAL)

    assert told(entry["letters"]) == [
        ("2026/0000003", "promoted", "cluster3@pec.example.it", "queued")
    ]
    assert entry["notices"] == []


def test_the_terminal_groups_letters_by_application(terminal: Terminal):
    shown = terminal.type(
        *("call", "suspend", CTL, "--cause", "malfunction", "--reason", "x")
    )

    first = "  writes to 2026/0000001: counter_suspended to cluster1@pec.example.it"
    assert first in shown.stdout.splitlines()


# --- who is responsible -------------------------------------------------------

NAMED = "Responsabile del procedimento: "


def named(work: Office) -> list[str]:
    """Return whom the letters name, in their order."""
    found = rows(work.desk.engine, "SELECT body FROM notices ORDER BY entry_seq")
    return [
        line.removeprefix(NAMED)
        for (body,) in found
        for line in body.splitlines()
        if line.startswith(NAMED)
    ]


def test_of_several_responsible_officers_the_one_who_has_the_file_is_named(
    work: Office,
):
    application = work.sit("clerk").file()
    work.sit("examiner").routine(application, Event.START_REVIEW)
    work.sit("rup").routine(application, Event.REQUEST_COMPLETION)
    stated = usual(Event.WITHDRAW, work.today)
    work.sit("clerk").move(application, Event.WITHDRAW, **stated)

    assert named(work) == ["Rossi", "Rossi", "Rup", "Rup"]


def test_whom_the_call_names_is_named_and_else_the_only_one_there_is(
    work: Office, tmp_path: Path
):
    work.sit("clerk").file(0)
    officers.retire(work.sit("bianchi").desk, "rossi")
    work.sit("clerk").file(1)
    naming = ("held = []", 'held = []\nofficer = "Anna Bianchi"')
    calls.register_call(
        work.sit("director").desk,
        edited(tmp_path, naming),
        act="decreto 1/2026-01-20",
        reason="named",
    )
    work.sit("clerk").file(2)

    assert named(work) == ["Rossi", "Rup", "Anna Bianchi"]


def test_until_somebody_is_responsible_it_is_the_head_of_the_office(work: Office):
    work.file()
    administrator = work.sit("bianchi").desk
    officers.add(administrator, "solo", "Solo", [Role.INTAKE])
    for login in ("rossi", "rup"):
        officers.retire(administrator, login)

    application = work.sit("solo").file(1)
    shown = previews.preview(administrator, Letter.GRANT, application)

    head = "il dirigente preposto all'ufficio"
    assert named(work) == ["Rossi", head]
    assert f"{NAMED}{head}" in shown.text.body
