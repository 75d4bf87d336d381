"""Does a call look at the list of another one as it stood when it counts?"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.vocabulary import Event
from tests.builders import CLOSING, CTL, OPENING, Office, submission, usual
from tests.contents import entries
from tests.editions import SECOND, edited
from tests.filiere import FILIERE, STILL_OPEN, Filiere, partners, published
from workflow.errors import RefusedError
from workflow.services import calls, intake, sweep, views

LISTED, LATER, NEVER = 0, 1, 2
"""Clusters: on the list before the call opens, a day after that, and never."""
REQUIRED = 'effect = "require"\nas_of = "{}"'
REWARDED = 'effect = "reward"\nas_of = "{}"\npoints = {}'


def looking(work: Office, folder: Path, wanted: str, *, of: str = FILIERE) -> None:
    """Load a second call that looks at the list."""
    part = f'[[lists]]\ncall = "{of}"\n{wanted}\nsource = "assumed"\nbasis = "a test"\n'
    path = edited(
        folder,
        (f'code = "{CTL}"', f'code = "{SECOND}"'),
        ("[window]\n", f"{part}\n[window]\n"),
    )
    calls.register_call(work.desk, path)


def take(work: Office, number: int) -> dict[str, Any]:
    """Let a cluster file to that call."""
    line = orjson.dumps({**submission(number), "portal_id": f"S-{number}"})
    (answer,) = intake.take_in(work.desk, SECOND, [line])
    return dict(answer)


def made(work: Office, event: Event) -> list[dict[str, Any]]:
    """Return the entries of an event that was carried out in that call."""
    found = entries(work, event=event, outcome="ok")
    return [entry for entry in found if entry["call"] == SECOND]


@pytest.fixture
def listing(work: Office) -> Filiere:
    """Put one cluster on the list before the call opens, and one a day later."""
    work.clock.move_to(OPENING - timedelta(hours=1))
    call = published(work, STILL_OPEN, at=work.clock.now())
    for number in (LISTED, LATER):
        who = {**submission(number)["applicant"], "kind": "firm"}
        name = call.file(number + 1, applicant=who)
        call.routine(name, Event.START_REVIEW, Event.ADMIT, Event.FIND_WORTHY)
    call.update(add=(f"FIL-{LISTED + 1:04d}",))
    return call


def grow(listing: Filiere) -> None:
    """Put the other one on the list, a day after the opening."""
    listing.work.clock.move_to(OPENING + timedelta(days=1))
    listing.update()


def test_only_who_was_on_the_list_at_the_opening_may_apply(
    listing: Filiere, tmp_path: Path
):
    work = listing.work
    looking(work, tmp_path, REQUIRED.format("opening"))
    work.clock.move_to(OPENING)
    grow(listing)

    taken, later, never = (take(work, number) for number in (LISTED, LATER, NEVER))

    assert taken["outcome"] == "submitted"
    for refused in (later, never):
        error = refused["error"]
        assert error["code"] == "list.not_member"
        assert f"version 1 of the list of {FILIERE}" in error["message"]
        assert "decreto 7/2026-01-20" in error["message"]
        assert error["details"]["as_of"] == "2026-01-20T09:00:00.000000Z"
    (entry,) = made(work, Event.SUBMIT)
    (told,) = entry["findings"]["lists"]
    assert (told["version"], told["member"]) == (1, "2026/0000001")
    work.routine(taken["protocol"], Event.START_REVIEW, Event.ADMIT)
    assert work.verified()


def test_what_counts_at_the_closing_is_decided_at_the_admission(
    listing: Filiere, tmp_path: Path
):
    work = listing.work
    looking(work, tmp_path, REQUIRED.format("closing"))
    work.clock.move_to(OPENING)
    names = [take(work, number)["protocol"] for number in (LISTED, LATER, NEVER)]
    grow(listing)
    for name in names:
        work.routine(name, Event.START_REVIEW)
    with pytest.raises(RefusedError) as early:
        work.routine(names[0], Event.ADMIT)
    (foreseen,) = [
        one for one in views.events(work.desk, names[0])[1] if one.event == Event.ADMIT
    ]
    work.clock.move_to(CLOSING + timedelta(hours=1))
    sweep.sweep(work.desk)

    work.routine(names[0], Event.ADMIT)
    work.routine(names[1], Event.ADMIT)
    with pytest.raises(RefusedError) as refused:
        work.routine(names[2], Event.ADMIT)

    assert early.value.code == "list.not_yet"
    assert not foreseen.allowed
    assert refused.value.code == "list.not_member"
    assert refused.value.details["version"] == 2
    assert work.verified()


def test_a_reward_is_added_to_the_score_of_the_board_up_to_its_total(
    listing: Filiere, tmp_path: Path
):
    work = listing.work
    looking(work, tmp_path, REWARDED.format("opening", 25))
    work.clock.move_to(OPENING)
    names = [take(work, number)["protocol"] for number in (LISTED, NEVER)]

    for name in names:
        work.routine(name, Event.START_REVIEW, Event.ADMIT)
        work.move(name, Event.EVALUATE, **usual(Event.EVALUATE, work.today))

    scores = [entry["findings"]["score"] for entry in made(work, Event.EVALUATE)]
    assert [score["total"] for score in scores] == [100, 80]  # 80 and 25, of 100
    assert (scores[0]["board"], scores[0]["bonus"]) == (80, 25)
    assert "bonus" not in scores[1]
    assert [views.shown(work.desk, name).score for name in names] == [100, 80]
    assert work.verified()


def test_a_partner_of_a_member_is_on_the_list_as_its_lead_is(
    work: Office, tmp_path: Path
):
    work.clock.move_to(OPENING - timedelta(hours=1))
    call = published(work, STILL_OPEN, at=work.clock.now())
    code = submission(NEVER)["applicant"]["tax_code"]
    among = {"tax_code": code, "name": "One of the nine", "kind": "firm"}
    call.file(1, partners=[*partners(1, 8), among])
    call.routine("FIL-0001", Event.START_REVIEW, Event.ADMIT, Event.FIND_WORTHY)
    call.update()
    looking(work, tmp_path, REQUIRED.format("opening"))
    work.clock.move_to(OPENING)

    answers = [take(work, number)["outcome"] for number in (NEVER, LATER)]

    assert answers == ["submitted", "refused"]
    assert work.verified()


def test_a_day_counts_as_it_was_at_its_end(listing: Filiere, tmp_path: Path):
    work = listing.work
    looking(work, tmp_path, f"{REQUIRED.format('day')}\nday = 2026-01-21")
    work.clock.move_to(OPENING)
    early = take(work, NEVER)  # the day is not over: it is decided at the admission
    grow(listing)
    work.clock.move_to(OPENING + timedelta(days=2))

    later, never = take(work, LATER), take(work, 3)

    assert [early["outcome"], later["outcome"]] == ["submitted", "submitted"]
    assert never["error"]["code"] == "list.not_member"


def test_a_list_that_is_not_here_is_told_by_its_name(work: Office, tmp_path: Path):
    looking(work, tmp_path, REQUIRED.format("opening"), of="RLO12022099999")
    name = take(work, LISTED)["protocol"]
    work.routine(name, Event.START_REVIEW)

    with pytest.raises(RefusedError) as refused:
        work.routine(name, Event.ADMIT)

    assert refused.value.code == "list.unknown"
    assert "RLO12022099999" in refused.value.message
