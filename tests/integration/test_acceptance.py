"""Do two real calls come out as their numbers say, from the first to the last cent?

Competenze & Innovazione is the fixture made from public figures: 179 applications
for 8.8 million of 7, then 59 grants for 2.5. CTL is the call of the nine clusters.
"""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import (
    ApplicationState,
    CallState,
    Event,
    Letter,
    SuspensionCause,
    TermKind,
    TermStatus,
)
from tests.builders import Office, office, quiet, rome
from tests.click_days import Counter, protocols, publish, stated
from tests.editions import edited
from tests.servers import fresh_postgres
from workflow.errors import RefusedError
from workflow.rules.calendar import civil_day
from workflow.services import call_acts, moves
from workflow.services.views import ApplicationView

ASKED = ("50000.00",) * 175 + ("15000.00",) * 3 + ("5000.00",)
GRANTED = ("60000.00",) * 50 + ("63571.43",) * 8 + ("62857.14",)
"""Investments admitted: 70% is 42,000.00, 44,500.00 and 44,000.00."""
FIRST = rome(2025, 1, 15, 10, 30)
EVERY = timedelta(minutes=11)
AFTER = rome(2025, 1, 17, 12)
GRANT_DAY = rome(2025, 4, 14, 12)
STOP = (
    ('short_money = "waiting_list"', 'short_money = "stop"'),
    ('overbooking_percent = "50.00" # requests are taken in up to 10.5 million\n', ""),
)


@dataclass(frozen=True)
class Seen:
    """What the office saw at one moment."""

    files: tuple[ApplicationView, ...]
    money: dict[str, int]
    state: CallState


@dataclass(frozen=True)
class Play:
    """The whole case, with what was answered on the way."""

    counter: Counter
    answers: list[dict[str, Any]]
    filled: Seen
    too_late: dict[str, Any]
    decree: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """Protocols by order of arrival."""
        return protocols(self.answers)


def seen(counter: Counter) -> Seen:
    call = counter.call
    return Seen(
        counter.files,
        {
            "allocation": call.allocation,
            "reserved": call.reserved,
            "granted": call.granted,
            "residual": call.residual,
            "asked for without money": call.waiting_amount,
        },
        call.state,
    )


def everybody_files(counter: Counter, asked: tuple[str, ...] = ASKED) -> Any:
    """Let everybody file through the portal, one every eleven minutes."""
    lines = [
        counter.request(number, amount, received_at=stated(arrival(number)))
        for number, amount in enumerate(asked, start=1)
    ]
    counter.work.clock.move_to(AFTER)
    return counter.take(*lines)


def arrival(number: int) -> datetime:
    """Return the instant at which an application is received."""
    return FIRST + (number - 1) * EVERY


def competenze(work: Office, file: Path) -> Play:
    """Play the case: the counter fills, an act suspends it, 59 are granted."""
    counter = publish(work, file)
    answers = everybody_files(counter)
    work.clock.move_to(AFTER + timedelta(minutes=1))
    call_acts.suspend(
        work.desk,
        counter.code,
        cause=SuspensionCause.ACT,
        act="determinazione 12/2025-01-17",
        reason="requests pass the allocation by 1.8 million",
    )
    filled = seen(counter)
    at = AFTER + timedelta(minutes=1, microseconds=1)
    too_late = counter.take_at(at, counter.request(180, "50000.00"))
    names = protocols(answers)
    work.clock.move_to(GRANT_DAY - timedelta(days=20))
    counter.examine(*names[:59])
    work.clock.move_to(GRANT_DAY)
    decree = counter.decree(dict(zip(names, GRANTED, strict=False)))
    return Play(counter, answers, filled, too_late, decree)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def play(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Play]:
    """Play the case once for all who only look at it."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("competenze") / "sportello.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        place: AbstractContextManager[str] = nullcontext(f"sqlite:///{file}")
    else:
        place = fresh_postgres(
            request.getfixturevalue("postgres_server"),
            request.getfixturevalue("postgres_template"),
        )
    with place as url, office(url) as work:
        yield competenze(work, quiet("competenze-innovazione-2025"))


def totals(files: tuple[ApplicationView, ...]) -> dict[ApplicationState, int]:
    """Count the files in each state."""
    states = [file.state for file in files]
    return {state: states.count(state) for state in sorted(set(states))}


# Competenze & Innovazione: the counter fills


def test_the_first_140_take_the_allocation_to_the_cent(play: Play):
    funded = [file for file in play.filled.files if file.reserved]

    assert [file.protocol for file in funded] == play.names[:140]
    assert {file.reserved for file in funded} == {5_000_000}
    assert {file.state for file in funded} == {ApplicationState.SUBMITTED}
    assert play.filled.money["residual"] == 0


def test_the_39_beyond_the_money_wait_for_1_800_000(play: Play):
    waiting = [file for file in play.filled.files if not file.reserved]

    assert [file.protocol for file in waiting] == play.names[140:]
    assert len(waiting) == 39
    assert {file.state for file in waiting} == {ApplicationState.WAITING}
    assert play.filled.money == {
        "allocation": 700_000_000,
        "reserved": 700_000_000,
        "granted": 0,
        "residual": 0,
        "asked for without money": 180_000_000,
    }
    assert {a["outcome"] for a in play.answers[:140]} == {"submitted"}
    assert {a["outcome"] for a in play.answers[140:]} == {"waiting"}


def test_who_waits_is_told_so_and_no_clock_runs_for_them(play: Play):
    last = play.counter.file(play.names[-1])

    assert last.terms == ()
    assert [notice.letter for notice in last.notices] == [
        Letter.SUBMISSION_RECEIPT,
        Letter.WAITING_LIST,
        Letter.COUNTER_SUSPENDED,
    ]
    with pytest.raises(RefusedError) as error:
        play.counter.work.move(play.names[-1], Event.START_REVIEW, dry_run=True)
    assert error.value.code == "machine.wrong_state"


def test_an_act_suspends_the_counter_and_not_the_money(play: Play):
    (entry,) = play.counter.entries(event="suspend_call")

    assert play.filled.state == CallState.SUSPENDED
    assert entry["act"]["number"] == "12"
    assert entry["actor"]["kind"] == "person"
    assert entry["findings"]["suspended_for"] == "act"
    assert entry["findings"]["opening"]["ended_at"] == "2025-01-17T11:01:00.000000Z"


def test_number_180_is_refused_and_its_instant_is_kept(play: Play):
    (entry,) = play.counter.entries(event="submit", outcome="refused")

    assert play.too_late["error"]["code"] == "call.suspended"
    assert play.too_late["protocol"] is None
    assert entry["refusal"]["code"] == "call.suspended"
    assert entry["at"] == "2025-01-17T11:01:00.000001Z"
    assert entry["findings"]["received_at"] == "2025-01-17T11:01:00.000001Z"
    assert entry["findings"]["suspended_at"] == "2025-01-17T11:01:00.000000Z"
    assert entry["findings"]["portal_id"] == "P-0180"
    assert len(play.counter.files) == 179


# Competenze & Innovazione: one decree, and what it sets free


def test_one_decree_grants_2_500_000_to_the_first_59(play: Play):
    granted = [file for file in play.counter.files if file.granted]

    assert [file.protocol for file in granted] == play.names[:59]
    assert [file.granted for file in granted] == [
        *[4_200_000] * 50,
        *[4_450_000] * 8,
        4_400_000,
    ]
    assert sum(file.granted for file in granted) == 250_000_000
    entries = play.counter.entries(event="grant")
    assert {entry["act"]["number"] for entry in entries} == {"7"}
    assert [entry["findings"]["decree"] for entry in entries] == [
        {"number": number, "of": 59} for number in range(1, 60)
    ]


def test_the_450_000_set_free_promote_exactly_nine(play: Play):
    promoted = [told["application"] for told in play.decree["promotions"]]

    assert promoted == play.names[140:149]
    assert {told["amount"] for told in play.decree["promotions"]} == {"50000.00"}
    assert play.decree["residual"] == "0.00"


def test_every_promotion_names_the_grants_it_was_paid_by_to_the_cent(play: Play):
    freed = {
        (entry["seq"], entry["protocol"]): 5_000_000
        - entry["money"]["movements"][0]["granted"]
        for entry in play.counter.entries(event="grant")
    }
    assert sum(freed.values()) == 45_000_000

    oldest = iter(sorted(freed))
    for entry in play.counter.entries(event="promote"):
        sources = entry["findings"]["funded_by"]
        assert sum(source["cents"] for source in sources) == 5_000_000
        assert entry["actor"]["kind"] == "worker"
        for source in sources:
            assert source["event"] == "grant"
            freed[source["entry"], source["application"]] -= source["cents"]
    assert set(freed.values()) == {0}
    first = play.counter.entries(event="promote")[0]["findings"]["funded_by"][0]
    assert (first["entry"], first["application"]) == next(oldest)


def test_81_stay_reserved_9_are_promoted_30_wait_and_nothing_is_left(play: Play):
    files = play.counter.files
    call = play.counter.call

    assert totals(files) == {
        ApplicationState.GRANTED: 59,
        ApplicationState.SUBMITTED: 81 + 9,
        ApplicationState.WAITING: 30,
    }
    assert (call.reserved, call.granted) == (450_000_000, 250_000_000)
    assert (call.residual, call.waiting, call.waiting_amount) == (0, 30, 135_000_000)
    assert play.counter.residual_told().startswith(
        "7000000.00 allocated - 4500000.00 reserved - 2500000.00 granted = 0.00"
    )
    assert play.counter.work.verified()


def test_the_clock_of_who_is_promoted_starts_with_the_money(play: Play):
    always_funded = play.counter.file(play.names[139])
    promoted = play.counter.file(play.names[140])

    (from_filing,) = always_funded.terms
    (from_promotion,) = promoted.terms
    assert from_filing.kind == from_promotion.kind == TermKind.CONCLUSION
    # What the portal hands over later was protocolled when the portal took it.
    assert from_filing.starts_on == civil_day(arrival(140)) < civil_day(AFTER)
    assert from_promotion.starts_on == civil_day(GRANT_DAY)
    assert from_promotion.status == TermStatus.RUNNING
    assert promoted.notices[-1].letter == Letter.PROMOTED


def test_the_money_ends_in_the_queue_before_the_thirtieth_from_the_end(play: Play):
    end = play.counter.queue.first_without_money

    assert end is not None
    assert (end.protocol, end.position) == (play.names[149], 150)


# Competenze & Innovazione: a counter that stops


def test_a_counter_that_stops_takes_140_and_refuses_39(work: Office, tmp_path: Path):
    file = edited(tmp_path, *STOP, of="competenze-innovazione-2025")
    counter = publish(work, file)

    answers = everybody_files(counter)

    assert [a["outcome"] for a in answers] == ["submitted"] * 140 + ["refused"] * 39
    assert counter.call.residual == 0
    assert counter.call.waiting == 0
    assert counter.call.suspended_for == SuspensionCause.EXHAUSTION
    (opening,) = counter.call.openings
    assert opening.ended_at == arrival(140)
    refused = counter.entries(event="submit", outcome="refused")
    assert {entry["refusal"]["code"] for entry in refused} == {"call.suspended"}
    assert [entry["findings"]["received_at"] for entry in refused] == [
        answer["received_at"] for answer in answers[140:]
    ]
    assert work.verified()


# CTL: nine clusters


def clusters_file(counter: Counter, amount: str, **of_the_last: Any) -> Any:
    """Let the nine clusters ask for the same, a second apart."""
    opening = counter.rules.window.opens_at
    answers = []
    for number in range(1, 10):
        changes = of_the_last if number == 9 else {}
        at = opening + timedelta(seconds=number)
        answers.append(counter.take_at(at, counter.request(number, amount, **changes)))
    return answers


def ctl(work: Office, folder: Path, *changes: tuple[str, str]) -> Counter:
    """Publish the call of the clusters, changed, under another code."""
    other = ('code = "RLF12025051244"', 'code = "RLF12025051245"')
    return publish(work, edited(folder, other, *changes))


def money_of(counter: Counter, number: int) -> tuple[int, int]:
    """Return what a file asks for and what is reserved for it."""
    file = counter.files[number - 1]
    return file.requested, file.reserved


def test_nine_requests_of_111_111_11_all_fit(work: Office, tmp_path: Path):
    counter = ctl(work, tmp_path)

    answers = clusters_file(counter, "111111.11")

    assert {answer["outcome"] for answer in answers} == {"submitted"}
    assert counter.call.reserved == 99_999_999
    assert counter.call.residual == 1


def test_of_nine_requests_of_120_000_the_ninth_waits(work: Office, tmp_path: Path):
    counter = ctl(work, tmp_path)

    answers = clusters_file(counter, "120000.00")

    assert [a["outcome"] for a in answers] == ["submitted"] * 8 + ["waiting"]
    assert counter.call.residual == 4_000_000
    assert counter.call.waiting_amount == 12_000_000
    assert money_of(counter, 9) == (12_000_000, 0)
    assert counter.call.state == CallState.OPEN


def test_the_ninth_takes_what_a_withdrawal_adds_to_the_40_000(
    work: Office, tmp_path: Path
):
    counter = ctl(work, tmp_path)
    names = protocols(clusters_file(counter, "120000.00"))

    work.move(names[2], Event.WITHDRAW, inputs={"document": "a" * 64})

    assert money_of(counter, 9) == (12_000_000, 12_000_000)
    (entry,) = counter.entries(event="promote")
    assert entry["protocol"] == names[8]
    assert [
        (source["event"], source["application"], source["cents"])
        for source in entry["findings"]["funded_by"]
    ] == [("load_call", None, 4_000_000), ("withdraw", names[2], 8_000_000)]
    assert counter.call.residual == 4_000_000


def test_the_ninth_takes_the_40_000_that_are_left_if_it_consents(
    work: Office, tmp_path: Path
):
    partial = ('short_money = "waiting_list"', 'short_money = "partial"')
    counter = ctl(work, tmp_path, partial)

    answers = clusters_file(counter, "120000.00", accepts_less=True)

    assert answers[-1]["outcome"] == "submitted"
    assert money_of(counter, 9) == (4_000_000, 4_000_000)
    assert counter.call.residual == 0
    assert counter.call.waiting_amount == 0
    entry = counter.entries(event="submit")[-1]
    assert entry["findings"]["placement"] == "partly_reserved"


def test_the_ninth_waits_for_all_of_it_if_it_does_not_consent(
    work: Office, tmp_path: Path
):
    partial = ('short_money = "waiting_list"', 'short_money = "partial"')
    counter = ctl(work, tmp_path, partial)

    answers = clusters_file(counter, "120000.00")

    assert answers[-1]["outcome"] == "waiting"
    assert money_of(counter, 9) == (12_000_000, 0)
    assert counter.call.residual == 4_000_000


def test_the_ninth_is_refused_by_a_counter_that_stops(work: Office, tmp_path: Path):
    stop = ('short_money = "waiting_list"', 'short_money = "stop"')
    counter = ctl(work, tmp_path, stop)

    answers = clusters_file(counter, "120000.00")

    assert [a["outcome"] for a in answers] == ["submitted"] * 8 + ["refused"]
    assert answers[-1]["error"]["code"] == "counter.exhausted"
    assert answers[-1]["error"]["details"] == {
        "limit": "1000000.00",
        "taken": "960000.00",
    }
    assert counter.call.suspended_for == SuspensionCause.EXHAUSTION
    assert counter.call.residual == 4_000_000


def test_what_the_last_grants_leave_is_what_the_queue_shows(
    work: Office, tmp_path: Path
):
    counter = ctl(work, tmp_path)
    names = protocols(clusters_file(counter, "120000.00"))
    work.clock.move_to(rome(2026, 3, 9, 12))
    counter.examine(*names)

    told = counter.decree(dict.fromkeys(names[:8]))

    assert told["residual"] == "40000.00"
    assert [item.protocol for item in counter.queue.items] == names[8:]
    assert not counter.queue.items[0].may_grant
    with pytest.raises(RefusedError) as error:
        counter.decree({names[8]: None})
    assert error.value.code == "money.not_reserved"
    told_again = moves.advance(
        work.desk, moves.MoveCommand(names[8], Event.PUT_ON_WAITING_LIST)
    )
    assert told_again["to"] == ApplicationState.WAITING
