"""Is a command that is sent twice carried out once?"""

import pytest

from models.vocabulary import Event
from tests.builders import PAPER, TO_GRANT, Office, office, submission, usual
from tests.contents import dump, entries, refusals, written
from tests.integration.test_races import moving
from tests.processes import Place, together
from workflow.errors import InputError, RefusedError
from workflow.services import moves, officers


def test_the_same_key_and_input_give_the_same_answer_and_write_nothing(work: Office):
    application = work.file()
    first = work.move(application, Event.START_REVIEW, key="k-1")
    work.wait(days=1)
    before = dump(work.desk.engine)

    again = work.move(application, Event.START_REVIEW, key="k-1")

    assert again == first
    assert dump(work.desk.engine) == before


def test_the_answer_is_the_same_long_after_the_file_went_on(work: Office):
    application = work.file()
    first = work.move(application, Event.START_REVIEW, key="k-1")
    work.routine(application, *TO_GRANT[1:], Event.WITHDRAW)
    before = dump(work.desk.engine)

    again = work.move(application, Event.START_REVIEW, key="k-1")

    assert again == first
    assert dump(work.desk.engine) == before


def test_without_a_key_the_same_command_again_is_another_command(work: Office):
    application = work.file()
    work.move(application, Event.START_REVIEW)

    with pytest.raises(RefusedError) as error:
        work.move(application, Event.START_REVIEW)

    assert error.value.code == "review.started"


@pytest.mark.parametrize(
    "other",
    [
        {"event": Event.WITHDRAW, "inputs": {"document": PAPER}},
        {"inputs": {"item": ["stamp"]}},
        {"reason": "because"},
        {"act": "decreto 1/2026-01-20"},
    ],
    ids=["event", "input", "reason", "act"],
)
def test_the_same_key_for_another_command_is_refused(
    sqlite_office_url: str, other: dict[str, object]
):
    with office(sqlite_office_url) as work:
        application = work.file()
        work.routine(application, Event.START_REVIEW)
        command = {"inputs": {"item": ["signature"]}, "event": Event.REQUEST_COMPLETION}
        work.move(application, **command, key="k-1")  # type: ignore[arg-type]
        before = dump(work.desk.engine)

        with pytest.raises(RefusedError) as error:
            work.move(application, **{**command, **other}, key="k-1")  # type: ignore[arg-type]

        assert error.value.code == "key.reused"
        assert written(before, dump(work.desk.engine)) == {"calls", "entries"}
        assert refusals(work) == ["key.reused"]
        assert work.verified()


def test_the_same_key_for_another_application_is_refused(work: Office):
    first, second = work.file(0), work.file(1)
    work.move(first, Event.START_REVIEW, key="k-1")

    with pytest.raises(RefusedError) as error:
        work.move(second, Event.START_REVIEW, key="k-1")

    assert error.value.code == "key.reused"


def test_keys_of_moves_and_of_submissions_do_not_meet(work: Office):
    (answer,) = work.take(submission(0, key="once"))
    application = str(answer["protocol"])

    receipts = [
        work.move(application, Event.START_REVIEW, key="once"),
        work.move(
            application,
            Event.REQUEST_COMPLETION,
            **usual(Event.REQUEST_COMPLETION, work.today),
            key="DOM-0002",
        ),
    ]
    (other,) = work.take(submission(1))

    assert [one["event"] for one in receipts] == ["start_review", "request_completion"]
    assert other["outcome"] == "submitted"


def test_who_asks_is_checked_before_a_key_is_answered(work: Office):
    application = work.file()
    work.move(application, Event.START_REVIEW, key="k-1")
    officers.retire(work.desk.as_officer("bianchi"), "examiner")
    codes = []

    for login in ("nobody", "examiner", "clerk"):
        with pytest.raises(RefusedError) as error:
            work.sit(login).move(application, Event.START_REVIEW, key="k-1")
        codes.append(error.value.code)

    assert codes == ["officer.unknown", "officer.retired", "role.missing"]
    assert refusals(work) == codes


@pytest.mark.parametrize("option", ["reason", "key"])
@pytest.mark.parametrize("words", ["", " \t ", "a\x1b[2J", "\udc80", "x" * 2_001])
def test_words_that_no_register_can_hold_are_a_wrong_command(
    sqlite_office_url: str, option: str, words: str
):
    with office(sqlite_office_url) as work:
        application = work.file()
        before = dump(work.desk.engine)

        with pytest.raises(InputError) as error:
            work.move(application, Event.START_REVIEW, **{option: words})

        assert error.value.code == "input.invalid"
        assert dump(work.desk.engine) == before


def test_a_reason_of_two_thousand_characters_is_kept(work: Office):
    application = work.file()

    work.move(application, Event.START_REVIEW, reason="è" * 2_000)

    assert entries(work)[-1]["reason"] == "è" * 2_000


def test_a_key_of_a_refused_command_can_be_used_when_the_way_is_free(work: Office):
    first, second = work.file(0), work.file(1)
    with pytest.raises(RefusedError):
        work.move(second, Event.START_REVIEW, key="k-2")
    work.move(first, Event.START_REVIEW, key="k-1")

    receipt = work.move(second, Event.START_REVIEW, key="k-2")

    assert receipt["event"] == "start_review"
    assert work.verified()


def test_a_dry_run_does_not_use_its_key_up(work: Office):
    application = work.file()
    before = dump(work.desk.engine)

    predicted = work.move(application, Event.START_REVIEW, key="k-1", dry_run=True)
    untouched = dump(work.desk.engine) == before
    done = work.move(application, Event.START_REVIEW, key="k-1")

    assert untouched
    assert (predicted["dry_run"], done["dry_run"]) == (True, False)
    assert predicted["to"] == done["to"]


def test_the_entry_names_the_key_of_its_command(work: Office):
    application = work.file()

    work.move(application, Event.START_REVIEW, key="k-1")

    (entry,) = entries(work, event="start_review")
    assert entry["key"] == "k-1"


def test_one_command_sent_by_several_processes_at_once_is_carried_out_once(
    work: Office, office_url: str
):
    application = work.file()
    place = Place.at(office_url, work.clock.now())
    command = moves.MoveCommand(
        application,
        Event.WITHDRAW,
        key="k-1",
        **usual(Event.WITHDRAW, work.today),
    )

    ended = together(moving, [(place, [command])] * 3)

    assert [one.outcome for (one,) in ended] == ["done"] * 3
    first, second, third = (one.value for (one,) in ended)
    assert first == second == third
    assert len(entries(work, event="withdraw")) == 1
    assert work.verified()
