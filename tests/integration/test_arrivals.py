"""Is what came in in time filed as such, however late somebody types it?"""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import (
    ApplicationState,
    Event,
    Letter,
    StepKind,
    TermKind,
    TermStatus,
)
from tests.builders import (
    OPENING,
    ROME,
    TO_ACCEPTANCE,
    TO_GRANT,
    TO_PROGRESS,
    Office,
    rome,
    usual,
)
from tests.contents import entries, refusals
from tests.due_terms import DAY, SECOND, content_of, unwatched
from tests.postboxes import send_all
from tests.twins import twins_of
from workflow.errors import RefusedError
from workflow.services import sweep, term_explanations, views

PROOF = "A1.2026.0012345"
TO_MINUTES = (
    *TO_GRANT,
    Event.RECORD_PUBLICATION,
    Event.CONVENE_NEGOTIATION,
    Event.SIGN_MINUTES,
)
AWAITED: Mapping[str, tuple[Event, TermKind]] = {
    "2026/0000001": (Event.ANSWER_COMPLETION, TermKind.COMPLETION),
    "2026/0000002": (Event.FILE_OBSERVATIONS, TermKind.OBSERVATIONS),
    "2026/0000003": (Event.FILE_PLAN, TermKind.DEFINITIVE_PLAN),
    "2026/0000004": (Event.FILE_PLAN, TermKind.PLAN_CORRECTION),
    "2026/0000005": (Event.ACCEPT, TermKind.ACCEPTANCE),
    "2026/0000006": (Event.START, TermKind.START),
    "2026/0000007": (Event.FILE_REPORT, TermKind.REPORT),
}
"""What is awaited from seven applicants, and within which term."""
OF_A_PROPOSAL = {StepKind.LAPSE_PROPOSAL, TermKind.LAPSE_DECISION}


def files_that_wait(work: Office) -> None:
    """Wait for the answer of each of seven applicants, since the same day."""
    for number in range(len(AWAITED)):
        work.file(number)
    asked, observing, planning, correcting, accepting, starting, reporting = AWAITED
    work.routine(asked, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    work.routine(observing, Event.START_REVIEW, Event.NOTIFY_REFUSAL)
    work.routine(planning, *TO_MINUTES)
    work.routine(correcting, *TO_MINUTES, Event.FILE_PLAN, Event.RETURN_PLAN)
    work.routine(accepting, *TO_ACCEPTANCE[:-1])
    work.routine(starting, *TO_ACCEPTANCE)
    work.routine(reporting, *TO_PROGRESS, Event.DECLARE_END)
    deliver(work, asked, "completion_request")
    deliver(work, observing, "refusal_notice")
    deliver(work, correcting, "plan_returned")
    deliver(work, accepting, "amount_determined")


def deliver(work: Office, application: str, letter: str) -> None:
    inputs = {"letter": letter, "receipt": "R-1"}
    work.move(application, Event.RECORD_DELIVERY, inputs=inputs)


def filed(
    work: Office, application: str, event: Event, on: date | None = None, **said: str
) -> dict[str, Any]:
    """File what came in, today or on a day that is over."""
    stated = usual(event, on or work.today)
    if on is not None:
        stated["inputs"] |= {"received_on": on.isoformat(), "proof": PROOF}
    stated["inputs"] |= said
    return work.move(application, event, **stated)


def last_days(work: Office) -> dict[str, date]:
    return {
        name: term(work, name, kind).due_at.astimezone(ROME).date()
        for name, (_, kind) in AWAITED.items()
    }


def term(work: Office, application: str, kind: TermKind) -> Any:
    """Return the latest term of a kind."""
    found = [
        one for one in views.shown(work.desk, application).terms if one.kind == kind
    ]
    return max(found, key=lambda one: one.ordinal)


def step(work: Office, application: str, kind: StepKind) -> Any:
    found = [
        one for one in views.shown(work.desk, application).steps if one.kind == kind
    ]
    return max(found, key=lambda one: one.ordinal)


def stands(work: Office) -> dict[str, Any]:
    """Return how every file stands, but for what a worker proposed meanwhile."""
    content = content_of(work.desk.engine)
    names = {row["id"]: row["portal_id"] for row in content["applications"]}
    terms = {
        (names[row["application_id"]], row["kind"], row["ordinal"]): [
            row[name]
            for name in (
                "status",
                "starts_on",
                "due_at",
                "suspended_days",
                "settled_at",
                "escalated_at",
                "next_check",
            )
        ]
        for row in content["terms"]
        if row["kind"] not in OF_A_PROPOSAL
    }
    steps = {
        (names[row["application_id"]], row["kind"], row["ordinal"]): [
            row["status"],
            row["outcome"],
            row["subject"],
            row["closed_at"] and row["closed_at"].astimezone(ROME).date(),
        ]
        for row in content["steps"]
        if row["kind"] not in OF_A_PROPOSAL
    }
    states = {
        row["portal_id"]: (row["state"], row["waits_for_applicant"], row["started_on"])
        for row in content["applications"]
    }
    return {"terms": terms, "steps": steps, "states": states}


def explained(work: Office) -> list[str]:
    """Return what does not agree in the explanation of any term."""
    faults: list[str] = []
    for name in AWAITED:
        for one in views.shown(work.desk, name).terms:
            told = term_explanations.term(work.desk, str(one.id))
            faults += told.faults
    return faults


@pytest.mark.parametrize("over", [False, True], ids=["running", "over"])
def test_typed_late_all_stands_as_if_it_had_been_typed_when_it_came_in(
    work: Office,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    *,
    over: bool,
):
    files_that_wait(work)
    came_in = {
        name: last if over else OPENING.date() + timedelta(days=3)
        for name, last in last_days(work).items()
    }
    end = rome(2026, 4, 20, 12)
    dialect = work.desk.engine.dialect.name
    admin = (
        request.getfixturevalue("postgres_server") if dialect == "postgresql" else None
    )

    with twins_of(work, tmp_path, admin) as twins:
        at_once, late = twins.diligent, twins.sleepy
        for name, day in sorted(came_in.items(), key=lambda item: item[1]):
            event, kind = AWAITED[name]
            at_once.clock.move_to(rome(day.year, day.month, day.day, 12))
            filed(at_once, name, event)
            late.clock.move_to(at_once.clock.now() + 2 * DAY)
            sweep.sweep(late.desk)
            send_all(late)  # what has left is answered, what has not is dropped
            missed = term(late, name, kind).status is TermStatus.EXPIRED
            receipt = filed(late, name, event, day)
            assert missed is over
            assert (receipt["findings"].get("met_in_time") == [kind]) is over
        for office in (at_once, late):
            office.clock.move_to(end)
            while sweep.sweep(office.desk).remaining:
                pass

        assert stands(late) == stands(at_once)
        assert unwatched(late.desk.engine) == []
        assert explained(late) == []
        assert late.verified()
        assert {
            entry["protocol"]
            for entry in entries(late)
            if entry["inputs"].get("proof") == PROOF
        } == set(AWAITED)
        dismissed = [
            entry["protocol"]
            for entry in entries(late)
            for notice in entry["notices"]
            if notice["letter"] == Letter.LAPSE_DISMISSED
        ]
        assert sorted(dismissed) == (list(AWAITED)[2:] if over else [])
        outcomes = {
            one.outcome
            for name, (_, kind) in AWAITED.items()
            for one in views.shown(late.desk, name).steps
            if one.kind is StepKind.LAPSE_PROPOSAL and one.subject == kind
        }
        assert outcomes == ({"without_object"} if over else set())


def planned(work: Office) -> tuple[str, date]:
    """Await a definitive plan; return its last day."""
    application = work.file()
    work.routine(application, *TO_MINUTES, Event.CONFIRM_COR)
    return application, term(
        work, application, TermKind.DEFINITIVE_PLAN
    ).due_at.astimezone(ROME).date()


def refused(work: Office, application: str, event: Event, on: date) -> RefusedError:
    with pytest.raises(RefusedError) as error:
        filed(work, application, event, on)
    return error.value


def test_what_came_after_the_end_is_as_late_as_ever_and_a_day_must_fit(work: Office):
    application, last = planned(work)
    work.clock.move_to(OPENING + timedelta(days=35))
    sweep.sweep(work.desk)
    before = stands(work)

    late = refused(work, application, Event.FILE_PLAN, last + DAY)
    early = refused(work, application, Event.FILE_PLAN, OPENING.date() - DAY)
    future = refused(work, application, Event.FILE_PLAN, work.today + DAY)

    assert [late.code, early.code, future.code] == refusals(work)
    assert refusals(work) == ["term.expired", "date.too_early", "date.future"]
    assert "by --received-on it came in after that" in late.message
    assert "--received-on 2026-01-19 is before the term" in early.message
    assert "--received-on 2026-02-25 is after today, 2026-02-24" in future.message
    assert stands(work) == before
    assert step(work, application, StepKind.LAPSE_PROPOSAL).outcome is None
    assert work.verified()


def test_a_proposal_that_has_fallen_meanwhile_leaves_nothing_to_decide(work: Office):
    application, last = planned(work)
    work.clock.move_to(OPENING + timedelta(days=120))
    sweep.sweep(work.desk)  # after a long rest: it had fallen before it left
    fallen = term(work, application, TermKind.LAPSE_DECISION)

    receipt = filed(work, application, Event.FILE_PLAN, last)

    assert fallen.status is TermStatus.EXPIRED
    settled = term(work, application, TermKind.LAPSE_DECISION)
    assert settled.settled_at == work.clock.now()
    assert receipt["notices"] == [], "nobody is told that nothing comes of nothing"
    proposal = step(work, application, StepKind.LAPSE_PROPOSAL)
    assert (proposal.outcome, proposal.closed_at) == ("expired", fallen.due_at + SECOND)
    assert term(work, application, TermKind.DEFINITIVE_PLAN).status is TermStatus.MET
    assert unwatched(work.desk.engine) == []
    assert work.verified()


def test_no_document_undoes_an_act_and_the_way_out_is_told(work: Office):
    application, last = planned(work)
    work.clock.move_to(OPENING + timedelta(days=35))
    sweep.sweep(work.desk)
    deliver(work, application, "lapse_proposed")
    work.wait(days=15)
    work.routine(application, Event.LAPSE)

    error = refused(work, application, Event.FILE_PLAN, last)

    assert error.code == "received.decided"
    assert "self-protection (art. 21-nonies L. 241/1990)" in error.message
    state = views.shown(work.desk, application).summary.state
    assert state is ApplicationState.LAPSED
    assert work.verified()


def test_an_answer_taken_as_late_is_put_right_also_after_a_notice_of_refusal(
    work: Office,
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    deliver(work, application, "completion_request")
    work.clock.move_to(OPENING + timedelta(days=20))
    late = filed(work, application, Event.ANSWER_COMPLETION)
    work.routine(application, Event.NOTIFY_REFUSAL)
    deliver(work, application, "refusal_notice")
    work.wait(days=1)

    right = filed(work, application, Event.ANSWER_COMPLETION, date(2026, 1, 28))

    assert late["findings"] == {"late": True}
    assert right["findings"] == {"met_in_time": ["completion"]}
    answered = step(work, application, StepKind.COMPLETION_REQUEST)
    assert answered.outcome == "answered"
    assert answered.closed_at == rome(2026, 1, 28, 23, 59, 59)
    met = term(work, application, TermKind.COMPLETION)
    assert (met.status, met.settled_at) == (TermStatus.MET, None)
    clock = term(work, application, TermKind.CONCLUSION)
    assert (clock.status, clock.suspended_days) == (TermStatus.SUSPENDED, 9)
    told = term_explanations.term(work.desk, str(clock.id))
    went_on = [one.text for one in told.steps if one.rule == "term.clock_goes_on"]
    given_up, answered_after_all = went_on
    assert given_up == (
        "no answer was known yet when its term ended: the clock goes on"
    )
    assert answered_after_all == (
        "the answer was filed on Tue 10/02/2026; it came in on Wed 28/01/2026, as "
        f"`{PROOF}` proves: the clock goes on after Wed 28/01/2026"
    )
    assert told.faults == ()
    waits = content_of(work.desk.engine)["applications"][0]["waits_for_applicant"]
    assert waits, "for the observations"
    assert work.verified()


def test_who_starts_before_the_acceptance_was_typed_starts_after_it_came_in(
    work: Office,
):
    application = work.file()
    work.routine(application, *TO_ACCEPTANCE[:-1])
    deliver(work, application, "amount_determined")
    work.wait(days=5)
    filed(work, application, Event.ACCEPT, work.today - 3 * DAY)

    filed(
        work,
        application,
        Event.START,
        work.today - 2 * DAY,
        started_on=(work.today - 2 * DAY).isoformat(),
    )

    duration = term(work, application, TermKind.DURATION)
    assert duration.starts_on == work.today - 2 * DAY
    told = term_explanations.term(
        work.desk, str(term(work, application, TermKind.START).id)
    )
    texts = {one.rule: one.text for one in told.steps}
    assert texts["term.started"].startswith(
        f"`accept` was made on Sun 25/01/2026; it came in on Thu 22/01/2026, as "
        f"`{PROOF}` proves"
    )
    assert texts["term.met"].endswith(
        f"it came in on Fri 23/01/2026, as `{PROOF}` proves"
    )
    assert told.faults == ()
    assert work.verified()
