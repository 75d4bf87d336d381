"""Does each submission get its place, in the order and the money, and keep it?"""

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.vocabulary import ApplicationState, Event
from tests.builders import (
    CLOSING,
    CTL,
    OPENING,
    TO_ACCEPTANCE,
    TO_GRANT,
    Office,
    rome,
    scores,
    submission,
    usual,
)
from tests.contents import dump, entries, refusals, rows, written
from tests.editions import SECOND, edited
from workflow.errors import RefusedError
from workflow.services import calls, intake, sweep, views

MICROSECOND = timedelta(microseconds=1)
ACROSS_NEW_YEAR = (
    (f'code = "{CTL}"', f'code = "{SECOND}"'),
    ("closes_at = 2026-03-05T16:00:00", "closes_at = 2027-03-05T16:00:00"),
)


def stated(instant: datetime) -> str:
    """Write an instant as the portal does."""
    return instant.isoformat(timespec="microseconds")


def refused(work: Office, application: str, event: Event, **changes: Any) -> str:
    """Make a move with the usual inputs and return the code of its refusal."""
    with pytest.raises(RefusedError) as error:
        work.move(application, event, **{**usual(event, work.today), **changes})
    return error.value.code


def granting(work: Office, **inputs: str) -> dict[str, Any]:
    """Return the usual inputs of a grant with some others."""
    stated = usual(Event.GRANT, work.today)
    return {**stated, "inputs": {**stated["inputs"], **inputs}}


def state(work: Office, application: str) -> ApplicationState:
    return views.shown(work.desk, application).summary.state


def reserved(work: Office, application: str) -> int:
    return views.shown(work.desk, application).summary.reserved


def protocols(work: Office) -> list[str]:
    """Return the protocols in the order of the queue."""
    return [item.protocol for item in views.queue(work.desk, CTL).items]


# The window


def test_the_window_is_open_from_its_first_to_its_last_instant(work: Office):
    moments = {
        OPENING - MICROSECOND: "window.too_early",
        OPENING: "submitted",
        CLOSING - timedelta(seconds=1): "submitted",
        CLOSING: "submitted",
        CLOSING + MICROSECOND: "window.too_late",
        CLOSING + timedelta(seconds=33): "window.too_late",
    }
    told = {}

    for number, at in enumerate(moments):
        work.clock.move_to(at)
        (answer,) = work.take(submission(number))
        told[at] = answer["error"]["code"] if answer["error"] else answer["outcome"]

    assert told == moments


def test_the_first_instant_of_the_window_gives_the_first_place(work: Office):
    (answer,) = work.take(submission())

    assert answer["position"] == 1
    assert answer["protocol"] == "2026/0000001"
    assert answer["received_at"] == "2026-01-20T09:00:00.000000Z"


@pytest.mark.parametrize("late", [1, 33_000_000])
def test_how_late_an_application_was_is_kept_to_the_microsecond(
    work: Office, late: int
):
    received = CLOSING + late * MICROSECOND
    work.clock.move_to(received + timedelta(minutes=1))
    before = dump(work.desk.engine)

    (answer,) = work.take(submission(received_at=stated(received)))

    (entry,) = entries(work, outcome="refused")
    assert entry["findings"]["late_microseconds"] == late
    assert datetime.fromisoformat(entry["findings"]["received_at"]) == received
    assert datetime.fromisoformat(answer["received_at"]) == received
    assert entry["findings"]["portal_id"] == "DOM-0001"
    # The counter opened and closed meanwhile, and nobody had noticed.
    changed = written(before, dump(work.desk.engine))
    assert changed == {"calls", "entries", "openings"}


def test_before_publication_not_even_a_draft_is_noted(work: Office, tmp_path: Path):
    later = ("published_at = 2026-01-15T17:38:00", "published_at = 2026-01-19T00:00:00")
    work.clock.move_to(rome(2026, 1, 18, 23, 59, 59))
    calls.register_call(work.desk, edited(tmp_path, later, (CTL, SECOND)))

    (answer,) = intake.take_in(
        work.desk, SECOND, [orjson.dumps(submission(draft=True))]
    )

    assert answer["error"]["code"] == "window.not_published"


# Whose clock


def test_the_instant_stated_by_the_portal_counts(work: Office):
    received = OPENING + timedelta(seconds=1)
    work.clock.move_to(OPENING + timedelta(hours=5))

    (answer,) = work.take(submission(received_at=stated(received)))

    assert datetime.fromisoformat(answer["received_at"]) == received
    (entry,) = entries(work, event="submit")
    assert entry["order"]["received_at"] == "2026-01-20T09:00:01.000000Z"
    assert entry["at"] == "2026-01-20T14:00:00.000000Z"


def test_the_clock_of_the_portal_may_be_a_minute_ahead_and_no_more(work: Office):
    ahead = OPENING + timedelta(minutes=1)

    late, in_time = work.take(
        submission(0, received_at=stated(ahead + MICROSECOND)),
        submission(1, received_at=stated(ahead)),
    )

    assert late["error"]["code"] == "window.future"
    assert datetime.fromisoformat(in_time["received_at"]) == ahead
    assert work.verified()


def test_where_the_register_gives_the_instant_the_portal_may_not(
    work: Office, tmp_path: Path
):
    path = edited(tmp_path, ('clock = "portal"', 'clock = "register"'), (CTL, SECOND))
    calls.register_call(work.desk, path)
    lines = [submission(0, received_at=stated(OPENING)), submission(1)]

    first, second = intake.take_in(
        work.desk, SECOND, [orjson.dumps(line) for line in lines]
    )

    assert first["error"]["code"] == "submission.received_at"
    assert second["protocol"] == "2026/0000001"


# The order


def test_who_arrived_earlier_takes_the_place_that_is_due_and_goes_first(work: Office):
    work.wait(hours=1)
    late = work.file(0, received_at=stated(OPENING + timedelta(minutes=2)))

    (answer,) = work.take(
        submission(1, received_at=stated(OPENING + timedelta(minutes=1)))
    )

    early = answer["protocol"]
    assert answer["position"] == 1
    assert protocols(work) == [early, late]
    with pytest.raises(RefusedError) as error:
        work.move(late, Event.START_REVIEW)
    assert error.value.code == "order.turn"
    assert error.value.details["blocked_by"] == [early]


def test_within_one_microsecond_the_protocol_number_decides(work: Office):
    answers = work.take(*(submission(number) for number in (4, 2, 7)))

    assert len({answer["received_at"] for answer in answers}) == 1
    assert [answer["position"] for answer in answers] == [1, 2, 3]
    assert protocols(work) == [answer["protocol"] for answer in answers]


def test_after_new_year_the_numbers_restart_and_the_order_holds(
    work: Office, tmp_path: Path
):
    work.clock.move_to(rome(2026, 12, 31, 23, 59, 59))
    calls.register_call(work.desk, edited(tmp_path, *ACROSS_NEW_YEAR))
    taken: list[dict[str, Any]] = []
    for number in range(4):
        taken += intake.take_in(work.desk, SECOND, [orjson.dumps(submission(number))])
        work.clock.advance(timedelta(milliseconds=500))

    assert [answer["protocol"] for answer in taken] == [
        "2026/0000001",
        "2026/0000002",
        "2027/0000001",
        "2027/0000002",
    ]
    queue = views.queue(work.desk, SECOND)
    assert [item.protocol for item in queue.items] == [
        answer["protocol"] for answer in taken
    ]
    assert work.verified()


def test_new_year_begins_at_midnight_in_rome_and_not_in_greenwich(
    work: Office, tmp_path: Path
):
    work.clock.move_to(rome(2027, 1, 1, 0, 30))
    calls.register_call(work.desk, edited(tmp_path, *ACROSS_NEW_YEAR))

    (answer,) = intake.take_in(work.desk, SECOND, [orjson.dumps(submission())])

    assert answer["received_at"] == "2026-12-31T23:30:00.000000Z"
    assert answer["protocol"] == "2027/0000001"


def test_the_instants_of_the_register_never_go_back_with_the_clock(work: Office):
    work.wait(hours=2)
    first = work.file(0)
    work.clock.move_to(work.clock.now() - timedelta(hours=1))

    second = work.file(1)
    work.routine(first, Event.START_REVIEW)

    instants = [entry["at"] for entry in entries(work)]
    assert instants == sorted(instants)
    assert protocols(work) == [first, second]
    assert work.verified()


def test_a_protocol_number_has_at_least_seven_digits(work: Office):
    with work.desk.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO protocol_counters (year, last) VALUES (2026, 9999998)"
        )

    given = [work.file(0), work.file(1)]

    assert given == ["2026/9999999", "2026/10000000"]
    assert protocols(work) == given


def test_a_refusal_leaves_no_gap_in_the_numbers(work: Office):
    answers = work.take(submission(0), submission(1, requested="0.00"), submission(2))

    assert [answer["protocol"] for answer in answers] == [
        "2026/0000001",
        None,
        "2026/0000002",
    ]


# Other channels, and drafts


def test_what_comes_by_pec_is_protocolled_and_declared_not_receivable_by_act(
    work: Office,
):
    application = work.file(0, channel="pec", documents=[])
    assert application == "2026/0000001"
    assert reserved(work, application) == 0

    work.routine(application, Event.DECLARE_NOT_RECEIVABLE)

    assert state(work, application) == ApplicationState.NOT_RECEIVABLE
    assert reserved(work, application) == 0
    (entry,) = entries(work, event="declare_not_receivable")
    assert entry["findings"]["channel"] == "pec"
    assert entry["act"]["kind"] == "decreto"


def test_what_comes_by_pec_holds_no_place_and_no_money(work: Office):
    pec = work.file(0, channel="pec", requested="999999.00")
    work.wait(seconds=1)

    application = work.file(1)
    work.routine(application, *TO_GRANT)

    assert reserved(work, pec) == 0
    assert protocols(work) == []
    assert state(work, application) == ApplicationState.NEGOTIATING
    assert work.verified()


@pytest.mark.parametrize("event", [Event.START_REVIEW, Event.PROMOTE])
def test_what_comes_by_pec_is_neither_examined_nor_given_money(
    work: Office, event: Event
):
    application = work.file(0, channel="pec")

    assert refused(work, application, event) == "receivability.not_receivable"


def test_what_comes_by_pec_may_not_choose_its_instant(work: Office):
    work.wait(hours=1)
    line = submission(0, channel="pec", received_at=stated(OPENING))

    (answer,) = work.take(line)

    assert answer["error"]["code"] == "submission.received_at"
    assert rows(work.desk.engine, "SELECT count(*) FROM applications") == [(0,)]


def test_what_came_in_time_by_the_portal_is_receivable(work: Office):
    application = work.file()

    with pytest.raises(RefusedError) as error:
        work.routine(application, Event.DECLARE_NOT_RECEIVABLE)

    assert error.value.code == "receivability.no_ground"


def test_a_pec_after_the_closing_is_protocolled_with_its_delay(work: Office):
    work.clock.move_to(CLOSING + timedelta(seconds=33))
    application = work.file(0, channel="pec")

    work.routine(application, Event.DECLARE_NOT_RECEIVABLE)

    (entry,) = entries(work, event="declare_not_receivable")
    assert entry["findings"]["late_microseconds"] == 33_000_000


def test_a_draft_has_no_protocol_no_place_and_no_money(work: Office):
    (answer,) = work.take(submission(draft=True))

    assert (answer["outcome"], answer["protocol"], answer["position"]) == (
        "draft",
        None,
        None,
    )
    assert protocols(work) == []
    assert reserved(work, "DOM-0001") == 0
    assert rows(work.desk.engine, "SELECT count(*) FROM protocol_counters") == [(0,)]


def test_a_draft_becomes_the_application_that_is_submitted(work: Office):
    work.take(submission(draft=True, requested="5000.00"))
    work.wait(minutes=1)

    (answer,) = work.take(submission(requested="7000.00"))

    case = views.shown(work.desk, "DOM-0001")
    assert answer["outcome"] == "submitted"
    assert answer["received_at"] == "2026-01-20T09:01:00.000000Z"
    assert (case.summary.requested, case.summary.version) == (700_000, 2)
    assert [entry["event"] for entry in case.history] == ["register_draft", "submit"]
    assert rows(work.desk.engine, "SELECT count(*) FROM documents") == [(4,)]


def test_a_draft_expires_after_the_closing_and_not_before(work: Office):
    work.take(submission(draft=True))
    worker = Office(work.desk.as_worker(), work.clock)
    work.clock.move_to(CLOSING)

    with pytest.raises(RefusedError) as error:
        worker.move("DOM-0001", Event.EXPIRE)
    early = sweep.sweep(worker.desk).applied
    work.clock.move_to(CLOSING + MICROSECOND)
    sweep.sweep(worker.desk)

    assert error.value.code == "window.open"
    assert early == ()
    assert state(work, "DOM-0001") == ApplicationState.EXPIRED
    (expired,) = entries(work, event="expire", outcome="ok")
    assert expired["findings"]["due_at"] == "2026-03-05T15:00:00.000000Z"
    assert work.verified()


def test_a_draft_does_not_keep_its_applicant_from_filing(work: Office):
    work.take(submission(0, draft=True), submission(0, portal_id="D-2", draft=True))

    application = work.file(0, portal_id="D-3")
    (second,) = work.take(submission(0, portal_id="D-2"))

    assert application == "2026/0000001"
    assert second["error"]["code"] == "applicant.already_applied"


def test_a_draft_may_be_announced_again_with_other_contents(work: Office):
    asked = ("5000.00", "6000.00", "7000.00")

    answers = work.take(*(submission(draft=True, requested=one) for one in asked))

    assert [answer["outcome"] for answer in answers] == ["draft"] * 3
    assert views.shown(work.desk, "DOM-0001").summary.requested == 700_000
    assert rows(work.desk.engine, "SELECT count(*) FROM applications") == [(1,)]


def test_a_draft_stays_that_of_its_applicant(work: Office):
    work.take(submission(0, draft=True))
    before = dump(work.desk.engine)

    answers = work.take(
        submission(1, portal_id="DOM-0001"),
        submission(1, portal_id="DOM-0001", draft=True),
    )

    assert {answer["error"]["code"] for answer in answers} == {
        "submission.portal_id_used"
    }
    assert written(before, dump(work.desk.engine)) == {"calls", "entries"}


def test_after_the_closing_no_draft_is_noted(work: Office):
    work.clock.move_to(CLOSING)
    (noted,) = work.take(submission(0, draft=True))
    work.clock.move_to(CLOSING + MICROSECOND)

    (answer,) = work.take(submission(1, draft=True))

    assert noted["outcome"] == "draft"
    assert answer["error"]["code"] == "window.too_late"


@pytest.mark.parametrize("swept", [True, False], ids=["swept", "just due"])
def test_an_expired_draft_does_not_block_its_portal_id(work: Office, *, swept: bool):
    work.take(submission(0, draft=True))
    work.clock.move_to(CLOSING + MICROSECOND)
    if swept:
        sweep.sweep(work.desk)

    in_time, late = work.take(submission(0, received_at=stated(CLOSING)), submission(1))

    assert views.shown(work.desk, "DOM-0001").summary.protocol == in_time["protocol"]
    assert late["error"]["code"] == "window.too_late"
    assert work.verified()


def test_only_the_intake_gives_a_draft_its_protocol(work: Office):
    work.take(submission(draft=True))

    with pytest.raises(RefusedError):
        work.move("DOM-0001", Event.SUBMIT)

    assert state(work, "DOM-0001") == ApplicationState.DRAFT


# Once and no more


def test_the_same_file_again_gives_the_same_numbers_and_writes_nothing(work: Office):
    lines = [submission(0), submission(1, draft=True), submission(2)]
    first = work.take(*lines)
    before = dump(work.desk.engine)
    work.wait(days=1)

    again = work.take(*lines)

    assert [answer["outcome"] for answer in again] == ["duplicate"] * 3
    for name in ("portal_id", "protocol", "received_at", "position"):
        assert [answer[name] for answer in again] == [answer[name] for answer in first]
    assert dump(work.desk.engine) == before


def test_one_key_cannot_carry_two_contents(work: Office):
    work.take(submission(0, key="once"))

    (answer,) = work.take(submission(1, key="once"))

    assert answer["error"]["code"] == "key.reused"


def test_without_a_key_the_id_of_the_portal_is_the_key(work: Office):
    work.take(submission(0))

    (answer,) = work.take(submission(0, requested="1.00"))

    assert answer["error"]["code"] == "submission.portal_id_used"


def test_an_id_of_the_portal_is_filed_once_whatever_the_key(work: Office):
    work.take(submission(0, key="one"))

    (answer,) = work.take(submission(0, key="two"))

    assert answer["error"]["code"] == "submission.portal_id_used"


def test_a_second_application_of_an_applicant_is_refused_naming_the_first(
    work: Office,
):
    first = work.file(0)

    (answer,) = work.take(submission(0, portal_id="DOM-0100"))

    assert answer["error"]["code"] == "applicant.already_applied"
    assert first in answer["error"]["message"]
    assert answer["error"]["details"]["other"] == first


# What cannot be taken in

LINE = orjson.dumps(submission(0))
BAD = {
    "cut short": LINE[:-1],
    "not an object": b"[]",
    "not UTF-8": LINE.replace(b"AFIL", b"\xe8\xff"),
    "a lone surrogate": LINE.replace(b"AFIL", b"\\ud800"),
    "a NUL": LINE.replace(b"AFIL", b"\\u0000"),
    "a NUL in an id": LINE.replace(b"DOM-0001", b"DOM\\u0000"),
    "a NUL in a document": LINE.replace(b"plan_proposal.pdf", b"\\u0000"),
    "a NUL in a kind": LINE.replace(b'"plan_proposal"', b'"\\u0000"'),
    "a NUL in a key": LINE[:-1] + b',"key":"\\u0000"}',
    "a NUL in a PEC": LINE.replace(b"cluster1", b"\\u0000"),
    "an escape": LINE.replace(b"AFIL", b"\\u001b[2J"),
    "a name twice": LINE[:-1] + b',"requested":"1.00"}',
    "a float": LINE.replace(b'"111111.11"', b"111111.11"),
    "a comma": LINE.replace(b"111111.11", b"111111,11"),
    "nothing asked": LINE.replace(b"111111.11", b"0.00"),
    "more than the allocation": LINE.replace(b"111111.11", b"1000000.01"),
    "more than any column": LINE.replace(b"111111.11", b"9" * 30),
    "an investment as large as it gets": LINE.replace(
        b"95424.84", b"90071992547409.92"
    ),
    "an unknown field": LINE[:-1] + b',"colour":"red"}',
    "an unknown field with a NUL": LINE[:-1] + b',"\\u0000":1}',
    "an unknown applicant": LINE.replace(b"99000000010", b"01234567897"),
    "documents missing": LINE.replace(b'"plan_proposal"', b'"plan"'),
    "an instant before Christ": LINE[:-1]
    + b',"received_at":"0001-01-01T00:00:00+01:00"}',
    "deep": b"[" * 50_000,
    "deep inside": LINE[:-1] + b',"aids":' + b"[" * 900 + b"]" * 900 + b"}",
    "huge": LINE.replace(b"AFIL", b"A" * 1_000_001),
}


def test_a_line_that_cannot_be_taken_in_disturbs_no_other(work: Office):
    bad = iter(BAD.values())
    lines = []
    for number in range(1, 9):  # a good one, then four bad ones, and so on
        lines.append(orjson.dumps(submission(number)))
        lines += itertools.islice(bad, 4)

    answers = list(intake.take_in(work.desk, CTL, lines))

    assert [answer["line"] for answer in answers] == list(range(1, len(lines) + 1))
    filed = [answer["protocol"] for answer in answers if answer["protocol"]]
    assert filed == [f"2026/{number:07d}" for number in range(1, 9)]
    assert len(answers) == len(BAD) + 8
    assert work.verified()


def test_every_refused_line_is_answered_and_recorded_and_writes_nothing_else(
    work: Office,
):
    work.file(1)
    before = dump(work.desk.engine)
    told = {}

    for kind, line in BAD.items():
        (answer,) = intake.take_in(work.desk, CTL, [line])
        told[kind] = (answer["outcome"], bool(answer["error"]["message"]))
        after = dump(work.desk.engine)
        assert written(before, after) == {"calls", "entries"}, kind
        before = after

    assert told == dict.fromkeys(BAD, ("refused", True))
    assert len(refusals(work)) == len(BAD)
    assert work.verified()


def test_an_empty_line_is_passed_over_and_counted(work: Office):
    lines = [b"", orjson.dumps(submission(0)), b"  \r", orjson.dumps(submission(1))]

    answers = list(intake.take_in(work.desk, CTL, lines))

    assert [answer["line"] for answer in answers] == [2, 4]


def test_an_unknown_call_is_refused_before_any_line(work: Office):
    with pytest.raises(RefusedError) as error:
        list(intake.take_in(work.desk, "RLF12099000000", [LINE]))

    assert error.value.code == "call.unknown"


def test_personal_data_stay_out_of_the_register(work: Office):
    work.file(0)
    work.take(submission(0, portal_id="DOM-0100"), submission(1, requested="0.00"))

    bodies = "".join(
        body for (body,) in rows(work.desk.engine, "SELECT body FROM entries")
    )

    for personal in ("99000000010", "AFIL", "cluster1@", "99000000028"):
        assert personal not in bodies


# The money


def test_nine_equal_requests_fit_to_the_cent(work: Office):
    answers = work.take(*(submission(number) for number in range(9)))

    assert {answer["outcome"] for answer in answers} == {"submitted"}
    assert views.queue(work.desk, CTL).residual == 1


def ask(work: Office, *euros: int, **changes: Any) -> list[str]:
    """File one application for each amount, a second apart."""
    filed = []
    for number, amount in enumerate(euros):
        filed.append(work.file(number, requested=f"{amount}.00", **changes))
        work.wait(seconds=1)
    return filed


def test_the_first_that_does_not_fit_is_told_that_it_waits(work: Office):
    answers = work.take(
        *(submission(number, requested="120000.00") for number in range(9))
    )

    assert [answer["outcome"] for answer in answers] == ["submitted"] * 8 + ["waiting"]
    assert answers[8]["position"] == 9
    assert views.queue(work.desk, CTL).residual == 4_000_000


def test_who_waits_is_listed_after_merit_and_promoted_when_money_is_set_free(
    work: Office,
):
    filed = ask(work, *[120_000] * 9)
    for event in (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE):
        for application in filed:
            work.routine(application, event)
    last = filed[8]
    worker = Office(work.desk.as_worker(), work.clock)

    with pytest.raises(RefusedError) as unreserved:
        work.routine(last, Event.GRANT)
    worker.move(last, Event.PUT_ON_WAITING_LIST)
    with pytest.raises(RefusedError) as short:
        worker.move(last, Event.PROMOTE)
    work.routine(filed[3], Event.WITHDRAW)

    assert unreserved.value.code == "money.not_reserved"
    assert short.value.code == "money.short"
    assert state(work, last) == ApplicationState.EVALUATED
    assert reserved(work, last) == 12_000_000
    work.routine(last, Event.GRANT)
    assert work.verified()


def test_a_smaller_later_request_does_not_jump_ahead(work: Office):
    filed = ask(work, *[120_000] * 7, 170_000, 50_000)

    with pytest.raises(RefusedError) as error:
        work.move(filed[8], Event.PROMOTE)

    assert [reserved(work, name) for name in filed[7:]] == [0, 0]
    assert error.value.code == "money.not_head"
    assert error.value.details["blocked_by"] == [filed[7]]


def made(event: str, application: str | None, cents: int) -> dict[str, Any]:
    return {"event": event, "application": application, "cents": cents}


def without_entry(source: dict[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in source.items() if name != "entry"}


def test_money_set_free_goes_down_the_list_one_by_one(work: Office):
    filed = ask(work, *[120_000] * 7, 170_000, 50_000)
    done = work.move(filed[0], Event.WITHDRAW, **usual(Event.WITHDRAW, work.today))

    assert [
        (
            one["application"],
            one["amount"],
            [without_entry(of) for of in one["funded_by"]],
        )
        for one in done["promotions"]
    ] == [
        (
            filed[7],
            "170000.00",
            [
                made("load_call", None, 16_000_000),
                made("withdraw", filed[0], 1_000_000),
            ],
        ),
        (filed[8], "50000.00", [made("withdraw", filed[0], 5_000_000)]),
    ]
    assert [reserved(work, name) for name in filed[7:]] == [17_000_000, 5_000_000]
    assert views.queue(work.desk, CTL).residual == 6_000_000
    assert work.verified()


def test_who_arrived_earlier_and_was_handed_over_late_gets_the_money_of_the_last(
    work: Office,
):
    work.wait(hours=1)
    filed = ask(work, *[120_000] * 8)

    (answer,) = work.take(late(8, "120000.00"))

    early = answer["protocol"]
    assert (answer["outcome"], answer["position"]) == ("submitted", 1)
    assert [reserved(work, name) for name in (early, *filed)] == [
        *[12_000_000] * 8,
        0,
    ]
    (entry,) = entries(work, event="yield_reservation")
    assert entry["protocol"] == filed[7]
    assert (entry["actor"]["kind"], entry["actor"]["role"]) == ("worker", "system")
    assert (entry["channel"], entry["from"], entry["to"]) == (
        "intake",
        "submitted",
        "submitted",
    )
    assert entry["money"]["movements"] == [
        {"kind": "release", "reserved": -12_000_000, "granted": 0}
    ]
    for event in (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE):
        for application in (early, *filed):
            work.routine(application, event)
    work.routine(early, Event.GRANT)
    assert refused(work, filed[7], Event.GRANT) == "money.not_reserved"
    assert work.verified()


def late(number: int, euros: str, **changes: Any) -> dict[str, Any]:
    """Return a line that arrived first of all and is handed over now."""
    return submission(number, requested=euros, received_at=stated(OPENING), **changes)


def test_only_as_many_give_way_as_are_needed_and_the_last_first(work: Office):
    work.wait(hours=1)
    filed = ask(work, 300_000, 300_000, 250_000, 100_000)

    early = work.file(8, **late(8, "400000.00"))

    assert reserved(work, early) == 40_000_000
    assert [reserved(work, name) for name in filed] == [30_000_000] * 2 + [0, 0]
    assert [one["protocol"] for one in entries(work, event="yield_reservation")] == [
        filed[3],
        filed[2],
    ]
    assert work.verified()


def test_a_late_line_that_is_refused_leaves_the_draft_it_is_about_as_it_was(
    work: Office,
):
    work.take(submission(8, requested="5000.00", draft=True))
    work.wait(hours=1)
    ask(work, *[120_000] * 8)
    before = dump(work.desk.engine)

    (answer,) = work.take(
        late(8, "120000.00") | {"received_at": stated(OPENING - MICROSECOND)}
    )

    assert answer["error"]["code"] == "window.too_early"
    assert written(before, dump(work.desk.engine)) == {"calls", "entries"}


def test_nobody_gives_way_to_what_comes_by_pec(work: Office):
    filed = ask(work, 300_000, 300_000, 300_000)

    work.file(8, channel="pec", requested="900000.00")

    assert [reserved(work, name) for name in filed] == [30_000_000] * 3
    assert entries(work, event="yield_reservation") == []


def test_nobody_gives_way_where_there_is_enough(work: Office):
    work.wait(hours=1)
    filed = ask(work, 300_000, 300_000)

    early = work.file(8, **late(8, "400000.00"))

    assert [reserved(work, name) for name in (early, *filed)] == [
        40_000_000,
        30_000_000,
        30_000_000,
    ]
    assert entries(work, event="yield_reservation") == []


def test_nobody_holds_money_behind_an_earlier_one_that_is_not_covered_at_all(
    work: Office,
):
    work.wait(hours=1)
    filed = [work.file(number, **LARGE) for number in range(3)]
    scored(work, *filed)
    for application in filed[:2]:
        work.move(application, Event.GRANT, **granting(work, antimafia="BDNA 7"))

    early, second = (
        work.file(number, **late(number, "500000.00")) for number in (7, 8)
    )

    names = (early, second, filed[2])
    assert [reserved(work, name) for name in names] == [0, 0, 0]
    stated = granting(work, antimafia="BDNA 7")
    assert refused(work, filed[2], Event.GRANT, **stated) == "money.not_reserved"
    assert refused(work, filed[2], Event.PROMOTE) == "money.not_head"
    work.routine(early, Event.WITHDRAW)
    work.routine(second, Event.WITHDRAW)
    work.move(filed[2], Event.GRANT, **granting(work, antimafia="BDNA 8"))
    assert views.queue(work.desk, CTL).residual == 10_000_000
    assert work.verified()


LARGE = {"requested": "300000.00", "investment": "317647.06"}
"""Exactly 300,000.00: the fixed 30,000.00 and 85% of the investment."""


def scored(work: Office, *applications: str) -> None:
    for event in (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE):
        for application in applications:
            work.routine(application, event)


def test_who_waits_is_closed_unfunded_only_if_nothing_free_would_be_its_own(
    work: Office,
):
    filed = ask(work, *[120_000] * 9)
    scored(work, *filed)
    last = filed[8]
    work.move(last, Event.PUT_ON_WAITING_LIST)
    open_still = refused(work, last, Event.DECLARE_UNFUNDED)
    work.clock.move_to(CLOSING + MICROSECOND)
    work.routine(filed[3], Event.WITHDRAW)

    code = refused(work, last, Event.DECLARE_UNFUNDED)

    assert (open_still, code) == ("window.open", "machine.wrong_state")
    assert state(work, last) == ApplicationState.EVALUATED
    assert reserved(work, last) == 12_000_000


def test_who_waits_for_money_that_is_not_there_is_closed_unfunded(work: Office):
    filed = ask(work, *[120_000] * 9, investment="200000.00")
    scored(work, *filed)
    for application in filed[:8]:
        work.routine(application, Event.GRANT)
    work.move(filed[8], Event.PUT_ON_WAITING_LIST)
    work.clock.move_to(CLOSING + MICROSECOND)

    work.routine(filed[8], Event.DECLARE_UNFUNDED)

    assert state(work, filed[8]) == ApplicationState.UNFUNDED
    assert work.verified()


def test_the_order_of_the_grants_does_not_change_who_gets_one(work: Office):
    filed = ask(work, 600_000, 300_000, 100_000)
    for event in (Event.START_REVIEW, Event.ADMIT, Event.EVALUATE):
        for application in filed:
            work.routine(application, event)

    for application in (filed[2], filed[0], filed[1]):
        work.routine(application, Event.GRANT)

    amounts = [case.granted for case in views.listed(work.desk, call=CTL)]
    assert amounts == [11_111_111, 11_111_111, 10_000_000]


# The amount of a grant


def granted(work: Office, number: int = 0, **filed: Any) -> int:
    """File and grant one application; return the grant in cents."""
    application = work.file(number, **{"requested": "150000.00", **filed})
    work.routine(application, *TO_GRANT)
    return views.shown(work.desk, application).summary.granted


def test_the_grant_is_the_fixed_part_and_85_percent_to_the_even_cent(work: Office):
    grants = {
        "95424.84": 11_111_111,  # 30,000.00 + 81,111.11 (81,111.114)
        "0.10": 3_000_008,  # 8.5 cents: the even cent below
        "0.30": 3_000_026,  # 25.5 cents: the even cent above
        "0.50": 3_000_042,  # 42.5 cents: the even cent below
        "0.00": 3_000_000,
    }

    given = {
        investment: granted(work, number, investment=investment)
        for number, investment in enumerate(grants)
    }

    assert given == grants


def test_no_more_is_granted_than_was_asked_for(work: Office):
    application = work.file(0, requested="80000.00")

    work.routine(application, *TO_GRANT)

    (case,) = views.listed(work.desk, call=CTL)
    assert (case.granted, case.reserved) == (8_000_000, 0)


def test_what_is_not_granted_of_the_request_is_set_free(work: Office):
    granted(work)

    assert views.queue(work.desk, CTL).residual == 100_000_000 - 11_111_111


def test_the_ceiling_reduces_a_grant_to_what_three_years_have_left(work: Office):
    def aid(day: str, amount: str) -> dict[str, str]:
        return {"granted_on": day, "amount": amount, "grantor": "Regione Lombardia"}

    two_editions = [aid(f"{year}-04-20", "111111.11") for year in (2024, 2025)]
    too_long_ago = [aid("2023-01-20", "200000.00")]
    just_in_time = [aid("2023-01-21", "200000.00")]

    given = [
        granted(work, number, aids=aids, requested="111111.11")
        for number, aids in enumerate((two_editions, too_long_ago, just_in_time))
    ]

    assert given == [30_000_000 - 2 * 11_111_111, 11_111_111, 10_000_000]
    assert work.verified()


USED_UP = {"granted_on": "2025-01-01", "amount": "300000.00", "grantor": "Comune"}


def test_where_the_ceiling_is_used_up_nothing_is_granted_and_it_may_be_refused(
    work: Office,
):
    application = work.file(0, aids=[USED_UP])
    scored(work, application)

    code = refused(work, application, Event.GRANT)
    work.routine(application, Event.NOTIFY_REFUSAL)
    work.move(application, Event.RECORD_DELIVERY, **receipt("refusal_notice"))
    work.wait(days=11)
    work.routine(application, Event.REJECT)

    assert code == "aid.nothing_left"
    assert entries(work, event="expire_observations", outcome="ok")
    assert state(work, application) == ApplicationState.REJECTED
    assert work.verified()


def receipt(letter: str) -> dict[str, Any]:
    return {"inputs": {"letter": letter, "receipt": "R-1"}}


def test_what_can_be_granted_is_not_refused(work: Office):
    application = work.file(0, aids=[{**USED_UP, "amount": "299999.99"}])
    scored(work, application)

    code = refused(work, application, Event.NOTIFY_REFUSAL)
    work.routine(application, Event.GRANT)

    assert code == "score.reaches_threshold"
    assert views.shown(work.desk, application).summary.granted == 1


def in_another_call(work: Office, folder: Path, number: int, **filed: Any) -> str:
    """File to another call of this administration, with the same rules."""
    calls.register_call(work.desk, edited(folder, (CTL, SECOND)))
    line = submission(number, portal_id="ALTRA-1", **filed)
    (answer,) = intake.take_in(work.desk, SECOND, [orjson.dumps(line)])
    return str(answer["protocol"])


@pytest.mark.parametrize("declared", [False, True], ids=["silent", "declared"])
def test_what_another_call_of_ours_granted_counts_under_the_ceiling_once(
    work: Office, tmp_path: Path, declared: bool
):
    other = in_another_call(work, tmp_path, 0, requested="250000.00", **LARGEST)
    scored(work, other)
    work.move(other, Event.GRANT, **granting(work, antimafia="BDNA 7"))
    us = "Regione Lombardia, D.G. Sviluppo"
    aid = {"granted_on": "2026-01-20", "amount": "250000.00", "grantor": us}

    application = work.file(0, aids=[aid] if declared else [])
    work.routine(application, *TO_GRANT)

    assert views.shown(work.desk, application).summary.granted == 5_000_000
    assert work.verified()


LARGEST = {"investment": "300000.00"}


def test_an_aid_of_somebody_else_that_looks_like_a_grant_of_ours_counts_too(
    work: Office, tmp_path: Path
):
    other = in_another_call(work, tmp_path, 0, requested="140000.00", **LARGEST)
    scored(work, other)
    work.move(other, Event.GRANT, **granting(work))
    aid = {"granted_on": "2026-01-20", "amount": "140000.00", "grantor": "Comune"}

    application = work.file(0, aids=[aid])
    work.routine(application, *TO_GRANT)

    assert views.shown(work.desk, application).summary.granted == 2_000_000


def test_a_declared_grant_of_ours_that_was_lowered_since_counts_once(
    work: Office, tmp_path: Path
):
    other = in_another_call(work, tmp_path, 0, requested="250000.00", **LARGEST)
    scored(work, other)
    work.move(other, Event.GRANT, **granting(work, antimafia="BDNA 7"))
    until = TO_ACCEPTANCE.index(Event.DETERMINE_AMOUNT) + 1
    work.routine(other, *TO_ACCEPTANCE[len(TO_GRANT) : until])
    us = {"granted_on": "2026-01-20", "grantor": "Regione Lombardia"}
    at_first = {**us, "amount": "250000.00"}

    application = work.file(0, requested="300000.00", aids=[at_first], **LARGEST)
    work.routine(application, *TO_GRANT[:-1])
    work.move(application, Event.GRANT, **granting(work, antimafia="BDNA 7"))

    (lowered, given) = (
        views.shown(work.desk, name).summary.granted for name in (other, application)
    )
    assert lowered == 11_111_111
    assert given == 30_000_000 - lowered


def test_what_another_applicant_got_does_not_count(work: Office, tmp_path: Path):
    other = in_another_call(work, tmp_path, 1, requested="250000.00", **LARGEST)
    scored(work, other)
    work.move(other, Event.GRANT, **granting(work, antimafia="BDNA 7"))

    assert granted(work, 0) == 11_111_111


def test_no_more_is_admitted_than_was_declared(work: Office):
    application = work.file(0, requested="500000.00")
    scored(work, application)

    above = refused(
        work, application, Event.GRANT, **granting(work, admitted_investment="95424.85")
    )
    work.move(
        application, Event.GRANT, **granting(work, admitted_investment="50000.00")
    )

    assert above == "amount.above_declared"
    assert views.shown(work.desk, application).summary.granted == 7_250_000


def test_the_certificate_of_contributions_is_valid_on_the_day_of_the_grant(
    work: Office,
):
    application = work.file()
    scored(work, application)

    expired = refused(
        work, application, Event.GRANT, **granting(work, durc_until="2026-01-19")
    )
    work.move(application, Event.GRANT, **granting(work, durc_until="2026-01-20"))

    assert expired == "durc.expired"
    assert state(work, application) == ApplicationState.NEGOTIATING


def test_from_150000_on_the_antimafia_information_is_stated(work: Office):
    below = work.file(0, requested="150000.00", investment="141176.46")
    above = work.file(1, requested="150000.00", investment="141176.47")
    scored(work, below, above)

    missing = refused(work, above, Event.GRANT)
    work.routine(below, Event.GRANT)
    work.move(above, Event.GRANT, **granting(work, antimafia="BDNA 7"))

    assert missing == "antimafia.missing"
    assert [case.granted for case in views.listed(work.desk, call=CTL)] == [
        14_999_999,
        15_000_000,
    ]


@pytest.mark.parametrize("code", ["cor", "cup"])
@pytest.mark.parametrize("dry", [False, True], ids=["meant", "dry"])
def test_the_codes_of_one_grant_are_refused_for_another(
    work: Office, tmp_path: Path, code: str, dry: bool
):
    first, other = work.file(0), work.file(1)
    elsewhere = in_another_call(work, tmp_path, 2)
    scored(work, first, other, elsewhere)
    stated = granting(work)
    work.move(first, Event.GRANT, **stated)
    same = granting(work, **{code: stated["inputs"][code]})
    before = dump(work.desk.engine)

    codes = [
        refused(work, name, Event.GRANT, **same, dry_run=dry)
        for name in (other, elsewhere)
    ]

    assert codes == ["grant.code_used"] * 2
    assert written(before, dump(work.desk.engine)) == (
        set() if dry else {"calls", "entries"}
    )
    assert refusals(work) == ([] if dry else codes)
    work.routine(other, Event.GRANT)
    assert work.verified()


def test_the_score_is_given_again_only_after_observations_on_it_are_upheld(
    work: Office,
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.ADMIT)
    low = {"inputs": {"minutes": "3/2026", "score": scores(40)}}
    work.move(application, Event.EVALUATE, **low)
    codes = [refused(work, application, Event.EVALUATE)]

    work.routine(application, Event.NOTIFY_REFUSAL)
    codes.append(refused(work, application, Event.EVALUATE))
    work.routine(application, Event.FILE_OBSERVATIONS)
    codes.append(refused(work, application, Event.EVALUATE))
    work.routine(application, Event.UPHOLD_OBSERVATIONS, Event.EVALUATE)
    codes.append(refused(work, application, Event.EVALUATE))
    work.routine(application, Event.GRANT)

    assert codes == ["score.given"] * 4
    assert work.verified()


def test_observations_on_the_formal_check_do_not_reopen_the_score(work: Office):
    application = work.file()
    work.routine(
        application,
        Event.START_REVIEW,
        Event.NOTIFY_REFUSAL,
        Event.FILE_OBSERVATIONS,
        Event.UPHOLD_OBSERVATIONS,
        Event.ADMIT,
        Event.EVALUATE,
    )

    assert refused(work, application, Event.EVALUATE) == "score.given"


def test_a_score_given_again_and_still_too_low_leads_to_another_notice(work: Office):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.ADMIT)
    low = {"inputs": {"minutes": "3/2026", "score": scores(40)}}
    work.move(application, Event.EVALUATE, **low)
    work.routine(
        application,
        Event.NOTIFY_REFUSAL,
        Event.FILE_OBSERVATIONS,
        Event.UPHOLD_OBSERVATIONS,
    )
    work.move(application, Event.EVALUATE, **low)

    missing = refused(work, application, Event.REJECT)
    work.routine(
        application, Event.NOTIFY_REFUSAL, Event.FILE_OBSERVATIONS, Event.REJECT
    )

    assert missing == "refusal_notice.upheld"
    assert state(work, application) == ApplicationState.REJECTED


def negotiated(work: Office, number: int = 0) -> str:
    """File one application and bring it to its definitive plan."""
    application = work.file(number)
    work.routine(
        application,
        *TO_GRANT,
        Event.RECORD_PUBLICATION,
        Event.CONVENE_NEGOTIATION,
        Event.SIGN_MINUTES,
        Event.FILE_PLAN,
    )
    return application


def test_a_redetermination_only_lowers_and_sets_the_rest_free(work: Office):
    amounts = {"50000.00": 7_250_000, "95424.84": 11_111_111}
    given, moved = [], []

    for number, admitted in enumerate(amounts):
        application = negotiated(work, number)
        receipt = work.move(
            application,
            Event.DETERMINE_AMOUNT,
            inputs={"admitted_investment": admitted},
            act="decreto 2/2026-01-20",
        )
        given.append(views.shown(work.desk, application).summary.granted)
        moved.append([movement["kind"] for movement in receipt["money"]["movements"]])

    assert given == list(amounts.values())
    assert moved == [["redetermine"], []]
    assert views.queue(work.desk, CTL).residual == 100_000_000 - sum(given)
    assert work.verified()


def test_no_more_is_admitted_than_the_definitive_plan_says(work: Office):
    application = negotiated(work)

    code = refused(
        work,
        application,
        Event.DETERMINE_AMOUNT,
        inputs={"admitted_investment": "95424.85"},
    )

    assert code == "amount.above_declared"


def test_the_fixed_part_matures_with_the_definitive_plan(work: Office):
    negotiated(work)

    (entry,) = entries(work, event="file_plan")

    assert entry["findings"]["fixed_part_matured"] == 3_000_000
