"""What does a worker do when a term ends, and what never?"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import (
    ApplicationState,
    CallState,
    Event,
    StepKind,
    StepStatus,
    TermKind,
    TermStatus,
)
from tests.builders import (
    CLOSING,
    CTL,
    PAPER,
    ROME,
    TO_ACCEPTANCE,
    TO_GRANT,
    TO_PROGRESS,
    Office,
    office,
    quiet,
    rome,
    submission,
    usual,
)
from tests.click_days import protocols, publish
from tests.contents import dump, entries, refusals
from tests.due_terms import DAY, MOMENT, SECOND, morning_after, terms_of, unwatched
from tests.editions import edited
from workflow.errors import RefusedError
from workflow.register import written
from workflow.services import call_acts, calls, sweep, views

ACT, OLD_ACT = "decreto 9/2026-01-20", "decreto 9/2025-03-01"
TO_MINUTES = (
    *TO_GRANT,
    Event.RECORD_PUBLICATION,
    Event.CONVENE_NEGOTIATION,
    Event.SIGN_MINUTES,
)
TO_REPORT = (*TO_PROGRESS, Event.DECLARE_END)
BY_A_PERSON = {
    Event.LAPSE,
    Event.REVOKE,
    Event.REJECT,
    Event.DECLARE_INADMISSIBLE,
    Event.DECLARE_NOT_RECEIVABLE,
    Event.DECLARE_UNFUNDED,
    Event.GRANT,
    Event.SETTLE,
    Event.ANNUL,
}
"""Acts, which touch the applicant: none of them is a worker's."""


def term(work: Office, application: str, kind: TermKind) -> Any:
    """Return the latest term of a kind."""
    return next(
        one
        for one in reversed(views.shown(work.desk, application).terms)
        if one.kind == kind
    )


def step(work: Office, application: str, kind: StepKind) -> tuple[str, str | None]:
    """Return how the latest step of a kind stands, and how it ended."""
    found = [
        one for one in views.shown(work.desk, application).steps if one.kind == kind
    ]
    return found[-1].status, found[-1].outcome


def deliver(work: Office, application: str, letter: str, **stated: str) -> None:
    inputs = {"letter": letter, "receipt": "R-1", **stated}
    work.move(application, Event.RECORD_DELIVERY, inputs=inputs)


def swept(work: Office, at: datetime) -> list[dict[str, Any]]:
    """Sweep at an instant; return the entries that were written."""
    before = {entry["hash"] for entry in entries(work)}
    work.clock.move_to(at)
    sweep.sweep(work.desk.as_worker())
    assert unwatched(work.desk.engine) == []
    return [entry for entry in entries(work) if entry["hash"] not in before]


def over(work: Office, application: str, kind: TermKind) -> datetime:
    """Return the first instant at which a term is over."""
    due_at: datetime = term(work, application, kind).due_at
    assert due_at.astimezone(ROME).strftime("%H:%M:%S") == "23:59:59"
    return due_at + SECOND


def events(made: Iterable[dict[str, Any]]) -> list[str]:
    return [entry["event"] for entry in made]


def refused(work: Office, application: str, event: Event, **changes: Any) -> str:
    with pytest.raises(RefusedError) as error:
        work.move(application, event, **{**usual(event, work.today), **changes})
    return error.value.code


def executed_late(entry: dict[str, Any], work: Office, due_at: datetime) -> None:
    """Hold both instants of an entry: when it was due and when it was written."""
    assert entry["findings"]["due_at"] == written(due_at)
    assert entry["at"] == written(work.clock.now())
    assert entry["actor"]["kind"] == "worker"
    assert entry["outcome"] == "ok"


# Before the grant


def test_a_draft_expires_with_the_window_as_of_its_closing(work: Office):
    work.take(submission(0, draft=True))
    work.file(1)

    early = swept(work, CLOSING)
    made = swept(work, CLOSING + 3 * DAY)

    assert "expire" not in events(early)
    assert events(made) == ["close_call", "expire"]
    executed_late(made[1], work, CLOSING)
    assert (made[1]["from"], made[1]["to"]) == ("draft", "expired")
    shown = views.shown(work.desk, "DOM-0001").summary
    assert (shown.state, shown.changed_at) == (
        ApplicationState.EXPIRED,
        work.clock.now(),
    )
    assert views.shown(work.desk, "DOM-0002").summary.state != ApplicationState.EXPIRED
    assert work.verified()


def test_a_draft_of_a_call_closed_by_act_expires_as_of_that_act(work: Office):
    work.take(submission(0, draft=True))
    work.wait(days=2)
    call_acts.close(work.desk, CTL, act=ACT, reason="no more money")
    closed_at = work.clock.now()

    made = swept(work, closed_at + 3 * DAY)

    assert events(made) == ["expire"]
    executed_late(made[0], work, closed_at)
    assert work.verified()


def test_a_draft_of_a_call_that_was_annulled_expires_too(work: Office):
    work.take(submission(0, draft=True))
    call_acts.annul(work.desk, CTL, act=ACT, reason="self-protection")

    made = swept(work, CLOSING + DAY)

    assert events(made) == ["expire"]
    assert sweep.due_calls(work.desk) == ()
    assert work.verified()


def test_a_window_closes_by_itself(work: Office):
    work.file()

    made = swept(work, CLOSING + DAY)

    assert events(made) == ["close_call"]
    executed_late(made[0], work, CLOSING)
    assert calls.shown(work.desk, CTL).state == CallState.CLOSED


@pytest.mark.parametrize(
    ("asking", "letter", "kind", "of_step", "event"),
    [
        (
            Event.REQUEST_COMPLETION,
            "completion_request",
            TermKind.COMPLETION,
            StepKind.COMPLETION_REQUEST,
            "expire_completion",
        ),
        (
            Event.NOTIFY_REFUSAL,
            "refusal_notice",
            TermKind.OBSERVATIONS,
            StepKind.REFUSAL_NOTICE,
            "expire_observations",
        ),
    ],
    ids=["completion", "observations"],
)
def test_the_office_stops_waiting_and_the_responsible_officer_is_woken(
    work: Office,
    asking: Event,
    letter: str,
    kind: TermKind,
    of_step: StepKind,
    event: str,
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, asking)
    work.clock.move_to(rome(2026, 1, 22, 9))
    deliver(work, application, letter)
    instant = over(work, application, kind)
    assert instant == rome(2026, 2, 3), "ten days, of which the last is a Sunday"

    early = swept(work, instant - MOMENT)
    made = swept(work, instant + 3 * DAY)

    assert early == []
    assert events(made) == [event]
    executed_late(made[0], work, instant - SECOND)
    assert made[0]["findings"]["wakes"] == "responsible"
    assert step(work, application, of_step) == (StepStatus.CLOSED, "unanswered")
    ended = term(work, application, kind)
    assert (ended.status, ended.settled_at) == (TermStatus.EXPIRED, None)
    clock = term(work, application, TermKind.CONCLUSION)
    assert (clock.status, clock.suspended_days) == (TermStatus.RUNNING, 11)
    closed = views.shown(work.desk, application).steps[-1].closed_at
    assert closed == instant, "as of the end of the term, whenever it was noticed"
    assert work.verified()


def test_who_answers_late_is_still_read_and_the_clock_does_not_stop_again(
    work: Office,
):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    deliver(work, application, "completion_request")
    instant = over(work, application, TermKind.COMPLETION)
    swept(work, instant)
    before = term(work, application, TermKind.CONCLUSION).due_at
    work.wait(days=4)

    answer = work.move(application, Event.ANSWER_COMPLETION, inputs={"document": PAPER})

    assert answer["findings"]["late"] is True
    assert step(work, application, StepKind.COMPLETION_REQUEST) == (
        StepStatus.CLOSED,
        "answered_late",
    )
    assert term(work, application, TermKind.CONCLUSION).due_at == before
    assert term(work, application, TermKind.COMPLETION).settled_at == work.clock.now()
    assert work.verified()


def test_a_clock_that_stands_still_goes_on_by_itself_after_thirty_days(
    work: Office, tmp_path: Path
):
    longer = ("[terms.completion]\ncount = 10", "[terms.completion]\ncount = 40")
    calls.register_call(work.desk, edited(tmp_path, longer), act=ACT)
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    deliver(work, application, "completion_request")
    limit = morning_after(date(2026, 2, 19))

    early = swept(work, limit - MOMENT)
    made = swept(work, limit + 2 * DAY)

    assert early == []
    (went_on,) = [one for one in made if one["event"] == "resume_term"]
    executed_late(went_on, work, limit)
    assert went_on["findings"]["suspended_until"] == "2026-02-19"
    found = term(work, application, TermKind.CONCLUSION)
    assert (found.status, found.suspended_days) == (TermStatus.RUNNING, 30)
    assert found.due_at == rome(2026, 5, 20, 23, 59, 59)
    assert step(work, application, StepKind.COMPLETION_REQUEST)[0] == StepStatus.OPEN
    assert work.verified()


def test_the_end_of_the_wait_after_the_clock_went_on_changes_nothing_for_it(
    work: Office, tmp_path: Path
):
    longer = ("[terms.completion]\ncount = 10", "[terms.completion]\ncount = 40")
    calls.register_call(work.desk, edited(tmp_path, longer), act=ACT)
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    deliver(work, application, "completion_request")

    made = swept(work, rome(2026, 4, 1))

    kept = {"resume_term", "expire_completion"}
    assert [one for one in events(made) if one in kept] == [
        "resume_term",
        "expire_completion",
    ]
    found = term(work, application, TermKind.CONCLUSION)
    assert (found.suspended_days, found.due_at) == (30, rome(2026, 5, 20, 23, 59, 59))
    assert work.verified()


def asked_and_forgotten(work: Office, until: datetime) -> str:
    """Ask for papers on 20/01/2026, and let the term of the office end on 20/04."""
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    swept(work, until)
    ended = term(work, application, TermKind.CONCLUSION)
    assert ended.status == TermStatus.EXPIRED
    return application


@pytest.mark.parametrize("day", [rome(2026, 4, 25, 12), rome(2026, 5, 2, 12)])
def test_a_receipt_of_after_the_end_stops_no_clock_any_more(
    work: Office, day: datetime
):
    application = asked_and_forgotten(work, day)
    before = term(work, application, TermKind.CONCLUSION)

    deliver(work, application, "completion_request", delivered_on="2026-04-24")

    after = term(work, application, TermKind.CONCLUSION)
    assert (after.status, after.due_at, after.escalated_at, after.next_check) == (
        TermStatus.EXPIRED,
        before.due_at,
        before.escalated_at,
        before.next_check,
    )
    assert unwatched(work.desk.engine) == []
    swept(work, rome(2027, 1, 1))
    final = term(work, application, TermKind.CONCLUSION)
    assert (final.status, final.due_at) == (TermStatus.EXPIRED, before.due_at)
    assert len(entries(work, event="escalate_term")) == 1
    assert work.verified()


def test_a_receipt_of_before_the_end_that_comes_after_it_moves_the_end_on(
    work: Office,
):
    application = asked_and_forgotten(work, rome(2026, 4, 22, 12))

    deliver(work, application, "completion_request", delivered_on="2026-04-15")

    clock = term(work, application, TermKind.CONCLUSION)
    assert clock.status == TermStatus.SUSPENDED
    assert clock.next_check == morning_after(date(2026, 5, 15))
    assert unwatched(work.desk.engine) == []
    # Ten days from 15/04 end on a Saturday that is a holiday: Monday the 27th.
    made = swept(work, rome(2026, 4, 28))
    assert events(made) == ["expire_completion"]
    clock = term(work, application, TermKind.CONCLUSION)
    assert (clock.status, clock.suspended_days) == (TermStatus.RUNNING, 12)
    assert clock.due_at == rome(2026, 5, 2, 23, 59, 59)
    assert events(swept(work, rome(2026, 5, 3))) == ["expire_term"]
    assert work.verified()


# The office's own term


def test_the_office_is_warned_of_its_own_term_and_then_the_manager(work: Office):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.ADMIT)
    conclusion = rome(2026, 4, 20, 23, 59, 59)
    escalation = morning_after(date(2026, 4, 30))

    made = swept(work, conclusion + SECOND)
    quiet = swept(work, escalation - MOMENT)
    then = swept(work, escalation + 3 * DAY)

    warned = [one for one in made if one["findings"].get("term") == "conclusion"]
    assert events(warned) == ["expire_term"]
    assert warned[0]["findings"]["due_at"] == written(conclusion)
    assert warned[0]["findings"]["wakes"] == "responsible"
    assert warned[0]["at"] == written(conclusion + SECOND)
    assert quiet == []
    assert events(then) == ["escalate_term"]
    executed_late(then[0], work, escalation)
    assert then[0]["findings"]["wakes"] == "manager"
    assert then[0]["findings"]["term"] == "conclusion"
    found = term(work, application, TermKind.CONCLUSION)
    assert (found.status, found.escalated_at) == (TermStatus.EXPIRED, escalation)
    assert views.shown(work.desk, application).summary.state == (
        ApplicationState.ADMISSIBLE
    )
    assert swept(work, escalation + 400 * DAY) == []
    assert work.verified()


def test_who_decides_before_the_manager_is_told_spares_that(work: Office):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.ADMIT, Event.EVALUATE)
    swept(work, rome(2026, 4, 21))
    work.clock.move_to(rome(2026, 4, 25, 12))

    work.routine(application, Event.GRANT)

    late = term(work, application, TermKind.CONCLUSION)
    assert (late.status, late.settled_at) == (TermStatus.EXPIRED, work.clock.now())
    assert "escalate_term" not in events(swept(work, rome(2026, 5, 10)))
    assert work.verified()


@pytest.mark.parametrize(
    ("before", "kind", "wakes"),
    [
        ((Event.START_REVIEW,), TermKind.FORMAL_CHECK, "responsible"),
        ((Event.START_REVIEW, Event.ADMIT), TermKind.MERIT, "responsible"),
        ((*TO_MINUTES, Event.FILE_PLAN), TermKind.PLAN_CHECK, "responsible"),
    ],
    ids=["formal check", "merit", "plan check"],
)
def test_a_term_of_the_office_that_has_no_manager_only_warns(
    work: Office, before: tuple[Event, ...], kind: TermKind, wakes: str
):
    application = work.file()
    work.routine(application, *before)
    instant = over(work, application, kind)

    made = swept(work, instant)

    (entry,) = [one for one in made if one["findings"].get("term") == kind]
    assert entry["event"] == "expire_term"
    executed_late(entry, work, instant - SECOND)
    assert entry["findings"]["wakes"] == wakes
    assert entry["to"] == entry["from"]
    assert not {"instead_of", "because"} & entry["findings"].keys()
    assert term(work, application, kind).next_check is None


# Lapse


def returned_plan(work: Office, application: str) -> None:
    work.routine(application, *TO_MINUTES, Event.FILE_PLAN, Event.RETURN_PLAN)
    deliver(work, application, "plan_returned")


def determined(work: Office, application: str) -> None:
    work.routine(application, *TO_ACCEPTANCE[:-1])
    deliver(work, application, "amount_determined")


def moved(*path: Event) -> Any:
    def go(work: Office, application: str) -> None:
        work.routine(application, *path)

    return go


@pytest.mark.parametrize(
    ("prepare", "kind"),
    [
        (moved(*TO_MINUTES), TermKind.DEFINITIVE_PLAN),
        (returned_plan, TermKind.PLAN_CORRECTION),
        (determined, TermKind.ACCEPTANCE),
        (moved(*TO_ACCEPTANCE), TermKind.START),
        (moved(*TO_REPORT), TermKind.REPORT),
    ],
    ids=["plan", "correction", "acceptance", "start", "report"],
)
def test_a_missed_peremptory_term_has_its_lapse_proposed_and_never_adopted(
    work: Office, prepare: Any, kind: TermKind
):
    application = work.file()
    prepare(work, application)
    work.routine(application, Event.CONFIRM_COR)
    before = views.shown(work.desk, application).summary
    instant = over(work, application, kind)

    made = swept(work, instant + 3 * DAY)

    (entry,) = [one for one in made if one["event"] == "propose_lapse"]
    executed_late(entry, work, instant - SECOND)
    assert entry["findings"]["wakes"] == "manager"
    assert entry["findings"]["term"] == kind
    assert (entry["to"], entry["money"]["movements"]) == (entry["from"], [])
    assert step(work, application, StepKind.LAPSE_PROPOSAL) == (StepStatus.OPEN, None)
    decision = term(work, application, TermKind.LAPSE_DECISION)
    assert decision.starts_on == instant.astimezone(ROME).date(), "not of the sweep"
    after = views.shown(work.desk, application).summary
    assert (after.state, after.granted) == (before.state, before.granted)
    later = swept(work, instant + 3000 * DAY)
    assert not BY_A_PERSON & set(events(later))
    assert views.shown(work.desk, application).summary.granted == before.granted
    assert work.verified()


def test_a_proposal_on_which_nobody_decides_falls_after_sixty_days(work: Office):
    application = work.file()
    work.routine(application, *TO_MINUTES, Event.CONFIRM_COR)
    missed = over(work, application, TermKind.DEFINITIVE_PLAN)
    assert missed == rome(2026, 2, 20)
    swept(work, missed)
    instant = over(work, application, TermKind.LAPSE_DECISION)
    assert instant == rome(2026, 4, 22), "sixty days from 20/02, the 21st of April"

    early = swept(work, instant - MOMENT)
    made = swept(work, instant + 3 * DAY)

    assert "expire_proposal" not in events(early)
    assert events(made) == ["expire_proposal"]
    executed_late(made[0], work, instant - SECOND)
    assert made[0]["findings"]["wakes"] == "manager"
    assert made[0]["findings"]["subject"] == "definitive_plan"
    assert step(work, application, StepKind.LAPSE_PROPOSAL) == (
        StepStatus.CLOSED,
        "expired",
    )
    work.move(application, Event.PROPOSE_LAPSE, inputs={"term": "definitive_plan"})
    again = term(work, application, TermKind.LAPSE_DECISION)
    assert (again.ordinal, again.status) == (2, TermStatus.RUNNING)
    assert work.verified()


def test_a_proposal_that_was_decided_on_does_not_fall(work: Office):
    dismissed, adopted = work.file(0), work.file(1)
    for application in (dismissed, adopted):
        work.routine(application, *TO_MINUTES, Event.CONFIRM_COR)
    swept(work, rome(2026, 2, 20))
    deliver(work, adopted, "lapse_proposed")
    work.clock.move_to(rome(2026, 3, 4, 12))
    work.routine(dismissed, Event.DISMISS_LAPSE, Event.FILE_PLAN)
    work.routine(adopted, Event.LAPSE)

    made = swept(work, rome(2027, 1, 1))

    assert "expire_proposal" not in events(made)
    assert unwatched(work.desk.engine) == []
    assert work.verified()


def test_in_a_call_without_a_term_for_it_a_proposal_stands_until_it_is_decided(
    work: Office, tmp_path: Path
):
    text = (
        '[terms.lapse_decision]\ncount = 60\ncounting = "days"\n'
        'starts_on = "lapse_proposed"\nfrom_receipt = false\n'
        'effect = "expire_proposal" # a proposal on which nobody decided falls\n'
        'peremptory = false\nsource = "assumed"\n'
        'basis = "not found; two months, chosen so that no proposal stays open for '
        'ever"\n'
    )
    calls.register_call(work.desk, edited(tmp_path, (text, "")), act=ACT)
    application = work.file()
    work.routine(application, *TO_MINUTES)

    swept(work, rome(2027, 6, 1))

    assert step(work, application, StepKind.LAPSE_PROPOSAL) == (StepStatus.OPEN, None)
    assert work.verified()


def test_what_the_call_declares_but_cannot_be_done_is_noted_and_somebody_woken(
    work: Office, tmp_path: Path
):
    """A lapse is proposed for the registry when the plan is missed too."""
    strict = ('effect = "release_cor"', 'effect = "propose_lapse"')
    calls.register_call(work.desk, edited(tmp_path, strict), act=ACT)
    application = work.file()
    work.routine(application, *TO_MINUTES)
    swept(work, rome(2026, 2, 10))
    assert step(work, application, StepKind.LAPSE_PROPOSAL)[0] == StepStatus.OPEN

    made = swept(work, rome(2026, 2, 23))

    assert events(made) == ["expire_term"]
    executed_late(made[0], work, rome(2026, 2, 19, 23, 59, 59))
    assert made[0]["findings"]["instead_of"] == "propose_lapse"
    assert made[0]["findings"]["because"] == "lapse_proposal.open"
    assert made[0]["findings"]["wakes"] == "manager"
    ended = term(work, application, TermKind.DEFINITIVE_PLAN)
    assert (ended.status, ended.settled_at) == (TermStatus.EXPIRED, None)
    assert step(work, application, StepKind.LAPSE_PROPOSAL) == (StepStatus.OPEN, None)
    work.routine(application, Event.DISMISS_LAPSE, Event.PROPOSE_LAPSE)
    assert work.verified()


def test_a_term_that_ends_at_an_hour_is_over_a_microsecond_later(
    work: Office, tmp_path: Path
):
    at_noon = (
        "[terms.definitive_plan]\ncount = 30",
        '[terms.definitive_plan]\nuntil = "12:00"\ncount = 30',
    )
    calls.register_call(work.desk, edited(tmp_path, at_noon), act=ACT)
    application = work.file()
    work.routine(application, *TO_MINUTES, Event.CONFIRM_COR)
    noon = rome(2026, 2, 19, 12)

    early = swept(work, noon)
    made = swept(work, noon + MOMENT)

    assert early == []
    assert events(made) == ["propose_lapse"]
    executed_late(made[0], work, noon)


def test_the_entry_of_a_worker_does_not_say_that_nobody_is_ahead(work: Office):
    work.file(0)
    work.file(1)

    made = swept(work, rome(2026, 4, 21))

    of_second = [one for one in made if one["protocol"] == "2026/0000002"]
    assert [one["order"].get("earlier_waiting") for one in of_second] in ([None], [1])


# The aid registry


def granted(work: Office, number: int = 0) -> str:
    application = work.file(number)
    work.routine(application, *TO_GRANT)
    return application


def test_a_code_of_the_aid_registry_that_was_not_followed_up_is_released(work: Office):
    application = granted(work)
    instant = over(work, application, TermKind.AID_REGISTRY)
    assert instant == rome(2026, 2, 10), "twenty days from 20/01"
    code = views.shown(work.desk, application).cor

    early = swept(work, instant - MOMENT)
    made = swept(work, instant + 3 * DAY)

    assert early == []
    assert events(made) == ["release_cor"]
    executed_late(made[0], work, instant - SECOND)
    assert made[0]["findings"]["cor"] == code
    assert made[0]["findings"]["wakes"] == "officer"
    shown = views.shown(work.desk, application)
    assert (shown.cor, shown.summary.state) == (code, ApplicationState.NEGOTIATING)
    assert shown.summary.granted == 11_111_111, "the grant stands"
    assert work.verified()


def test_a_new_code_starts_its_term_again_and_without_one_nothing_is_settled(
    work: Office,
):
    application = work.file()
    work.routine(application, *TO_REPORT, Event.FILE_REPORT)
    swept(work, over(work, application, TermKind.AID_REGISTRY))

    missing = refused(work, application, Event.SETTLE)
    confirmed = refused(work, application, Event.CONFIRM_COR)
    renewed = {"cor": "7654321", "cor_on": work.today.isoformat()}
    work.move(application, Event.RENEW_COR, inputs=renewed)

    assert (missing, confirmed) == ("cor.lapsed", "cor.late")
    again = term(work, application, TermKind.AID_REGISTRY)
    assert (again.ordinal, again.status, again.starts_on) == (
        2,
        TermStatus.RUNNING,
        work.today,
    )
    assert views.shown(work.desk, application).cor == "7654321"
    assert refused(work, application, Event.RENEW_COR, inputs=renewed) == "cor.valid"
    work.routine(application, Event.CONFIRM_COR, Event.SETTLE)
    assert unwatched(work.desk.engine) == []
    assert work.verified()


def test_a_new_code_that_is_not_followed_up_either_is_released_again(work: Office):
    application = granted(work)
    swept(work, rome(2026, 2, 10))
    work.clock.move_to(rome(2026, 2, 12, 12))
    work.move(
        application,
        Event.RENEW_COR,
        inputs={"cor": "7654321", "cor_on": "2026-02-12"},
    )
    instant = over(work, application, TermKind.AID_REGISTRY)
    assert instant == rome(2026, 3, 5), "twenty days from 12/02"

    made = swept(work, instant)

    assert events(made) == ["release_cor"]
    assert made[0]["findings"]["cor"] == "7654321"
    assert work.verified()


def test_an_act_sent_in_time_and_recorded_late_keeps_its_code(work: Office):
    application = granted(work)
    code = views.shown(work.desk, application).cor
    swept(work, rome(2026, 2, 14))

    work.move(application, Event.CONFIRM_COR, inputs={"sent_on": "2026-02-09"})

    found = term(work, application, TermKind.AID_REGISTRY)
    assert (found.status, found.settled_at) == (TermStatus.EXPIRED, work.clock.now())
    assert views.shown(work.desk, application).cor == code
    renewed = {"cor": "7654321", "cor_on": work.today.isoformat()}
    assert refused(work, application, Event.RENEW_COR, inputs=renewed) == "cor.valid"
    assert refused(work, application, Event.CONFIRM_COR) == "cor.confirmed"
    assert work.verified()


def test_a_new_code_that_is_too_old_is_refused(work: Office):
    application = granted(work)
    swept(work, rome(2026, 3, 14))

    renewed = {"cor": "7654321", "cor_on": "2026-02-12"}

    assert refused(work, application, Event.RENEW_COR, inputs=renewed) == "cor.expired"


def test_a_code_that_was_followed_up_stays(work: Office):
    application = granted(work)
    work.routine(application, Event.CONFIRM_COR)

    made = swept(work, rome(2026, 3, 1))

    assert events(made) == []
    assert views.shown(work.desk, application).cor is not None


def test_what_is_done_after_an_end_that_no_worker_could_note_was_missed(work: Office):
    application = work.file()
    work.routine(application, Event.START_REVIEW)
    with work.desk.engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql(
            "UPDATE terms SET attempts = 1, next_check = next_check + 100000000000000"
            " WHERE kind = 'formal_check'"
        )
    work.clock.move_to(rome(2026, 3, 1, 12))

    work.routine(application, Event.ADMIT)

    found = term(work, application, TermKind.FORMAL_CHECK)
    assert (found.status, found.settled_at) == (TermStatus.EXPIRED, work.clock.now())
    assert found.next_check is None
    assert work.verified()


# The plan


def test_a_plan_ends_by_itself_and_its_report_is_due_from_that_day(work: Office):
    application = work.file()
    work.routine(application, *TO_PROGRESS, Event.CONFIRM_COR)
    instant = over(work, application, TermKind.DURATION)
    assert instant == rome(2027, 1, 21), "twelve months from 20/01/2026"

    swept(work, instant - MOMENT)
    made = swept(work, instant + 3 * DAY)

    assert events(made) == ["declare_end"]
    executed_late(made[0], work, instant - SECOND)
    assert made[0]["findings"]["ended_on"] == "2027-01-20"
    duration = term(work, application, TermKind.DURATION)
    assert (duration.status, duration.settled_at) == (TermStatus.MET, None)
    assert step(work, application, StepKind.REPORT) == (StepStatus.OPEN, None)
    report = term(work, application, TermKind.REPORT)
    assert report.starts_on == date(2027, 1, 20), "not of the sweep"
    assert report.due_at == rome(2027, 3, 22, 23, 59, 59), "sixty days, off a Sunday"
    assert work.verified()


def test_an_extension_of_the_plan_moves_what_is_due(work: Office):
    application = work.file()
    work.routine(application, *TO_PROGRESS, Event.CONFIRM_COR, Event.GRANT_EXTENSION)

    made = swept(work, rome(2027, 4, 20))
    then = swept(work, rome(2027, 4, 21))

    assert "declare_end" not in events(made)
    assert events(then) == ["declare_end"]


def test_more_days_for_one_applicant_move_what_is_due_for_that_one_only(work: Office):
    patient, other = work.file(0), work.file(1)
    for application in (patient, other):
        work.routine(application, *TO_MINUTES, Event.CONFIRM_COR)

    work.move(
        patient,
        Event.EXTEND_TERM,
        inputs={"term": "definitive_plan", "days": 5},
        act=ACT,
        reason="illness",
    )

    proposals = [
        (one["protocol"], one["findings"]["due_at"])
        for one in swept(work, rome(2026, 3, 1))
        if one["event"] == "propose_lapse"
    ]
    assert proposals == [
        (other, written(rome(2026, 2, 19, 23, 59, 59))),
        (patient, written(rome(2026, 2, 24, 23, 59, 59))),
    ]
    assert work.verified()


def test_more_days_are_given_before_the_end_and_not_after(work: Office):
    application = work.file()
    work.routine(application, *TO_MINUTES)
    work.clock.move_to(rome(2026, 2, 20))

    code = refused(
        work,
        application,
        Event.EXTEND_TERM,
        inputs={"term": "definitive_plan", "days": 5},
        act=ACT,
        reason="illness",
    )

    assert code == "term.not_running"


# Nobody makes these by hand


@pytest.fixture
def one_office(sqlite_office_url: str) -> Iterator[Office]:
    """Open an office where the database makes no difference."""
    with office(sqlite_office_url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("event", "inputs"),
    [
        (Event.EXPIRE_TERM, {"term": "conclusion"}),
        (Event.RESUME_TERM, {"term": "conclusion"}),
        (Event.ESCALATE_TERM, {"term": "conclusion"}),
        (Event.EXPIRE_PROPOSAL, {}),
        (Event.RELEASE_COR, {}),
    ],
)
def test_what_only_time_brings_about_nobody_makes_by_hand(
    one_office: Office, event: Event, inputs: dict[str, str]
):
    work = one_office
    application = granted(work)

    code = refused(work, application, event, inputs=inputs)

    assert code == "event.by_sweep"
    assert refusals(work) == ["event.by_sweep"]


@pytest.mark.parametrize("event", sorted(BY_A_PERSON))
def test_no_worker_makes_an_act(one_office: Office, event: Event):
    work = one_office
    application = granted(work)
    worker = Office(work.desk.as_worker(), work.clock)

    assert refused(worker, application, event) in {
        "role.missing",
        "machine.wrong_state",
    }


# The officers see what the workers would have done


def test_an_officer_who_comes_late_finds_the_file_as_a_worker_left_it(work: Office):
    application = work.file()
    work.routine(application, *TO_MINUTES, Event.CONFIRM_COR)
    work.clock.move_to(rome(2026, 2, 23, 9))

    code = refused(work, application, Event.FILE_PLAN)

    assert code == "term.expired"
    proposal = entries(work, event="propose_lapse")[-1]
    executed_late(proposal, work, rome(2026, 2, 19, 23, 59, 59))
    refusal = entries(work)[-1]
    assert refusal["seq"] == proposal["seq"] + 1
    assert swept(work, work.clock.now()) == []
    assert work.verified()


def test_a_dry_run_leaves_what_is_due_to_whoever_comes_next(work: Office):
    application = work.file()
    work.routine(application, *TO_MINUTES, Event.CONFIRM_COR)
    work.clock.move_to(rome(2026, 2, 23, 9))
    before = dump(work.desk.engine)

    work.move(
        application,
        Event.DISMISS_LAPSE,
        act=ACT,
        reason="justified",
        dry_run=True,
    )

    assert dump(work.desk.engine) == before
    assert events(swept(work, work.clock.now())) == ["propose_lapse"]


def test_what_was_due_does_not_count_as_a_change_by_somebody_else(work: Office):
    application = work.file()
    work.routine(application, *TO_MINUTES, Event.CONFIRM_COR)
    seen = views.shown(work.desk, application).summary.version
    work.clock.move_to(rome(2026, 2, 23, 9))

    answer = work.move(
        application,
        Event.DISMISS_LAPSE,
        act=ACT,
        reason="justified",
        expected_version=seen,
    )

    assert answer["version"] == seen + 2


# An annulled call


def test_in_an_annulled_call_terms_end_quietly_and_nothing_comes_back(work: Office):
    asked, planned, running, given = (work.file(number) for number in range(4))
    work.routine(asked, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    deliver(work, asked, "completion_request")
    work.routine(planned, *TO_MINUTES)
    work.routine(running, *TO_PROGRESS)
    work.routine(given, *TO_GRANT)
    call_acts.annul(work.desk, CTL, act=ACT, reason="self-protection")

    made = swept(work, rome(2028, 1, 1))

    assert set(events(made)) == {"expire_term", "resume_term", "escalate_term"}
    instead = {
        (one["findings"]["term"], one["findings"]["instead_of"])
        for one in made
        if one["findings"].get("because") == "call.annulled"
    }
    assert instead == {
        ("completion", "expire_completion"),
        ("definitive_plan", "propose_lapse"),
        ("duration", "declare_end"),
        ("aid_registry", "release_cor"),
    }
    going = {TermStatus.RUNNING, TermStatus.SUSPENDED}
    assert not going & {row["status"] for row in terms_of(work.desk.engine)}
    assert sweep.due_calls(work.desk) == ()
    assert swept(work, rome(2030, 1, 1)) == []
    assert work.verified()


# The plain counter


def test_a_plain_counter_has_its_own_terms_swept(work: Office):
    """What is not started lapses, and who is not paid in time wakes the office."""
    counter = publish(work, quiet("competenze-innovazione-2025"))
    idle, busy = protocols(
        counter.take(*(counter.request(number, "20000.00") for number in (1, 2)))
    )
    counter.examine(idle, busy)
    counter.decree({idle: None, busy: None})
    for application in (idle, busy):
        work.routine(application, Event.RECORD_PUBLICATION, Event.CONFIRM_COR)
        deliver(work, application, "grant")
    work.routine(busy, Event.START, Event.DECLARE_END, Event.FILE_REPORT)
    start, payment = (
        over(work, idle, TermKind.START),
        over(work, busy, TermKind.PAYMENT),
    )

    made = swept(work, payment + DAY)

    proposal, warning = (one for one in made if one["call"] == counter.code)
    assert (proposal["event"], proposal["protocol"]) == ("propose_lapse", idle)
    executed_late(proposal, work, start - SECOND)
    assert (warning["event"], warning["protocol"]) == ("expire_term", busy)
    assert warning["findings"]["term"] == "payment"
    assert warning["findings"]["wakes"] == "responsible"
    work.move(busy, Event.SETTLE, inputs={"recognised": "10000.00"}, act=OLD_ACT)
    assert term(work, busy, TermKind.PAYMENT).settled_at == work.clock.now()
    assert unwatched(work.desk.engine) == []
    assert work.verified()


@pytest.mark.parametrize("delivered_on", ["2026-01-22", "2026-01-26"])
def test_an_older_receipt_does_not_set_a_clock_going_that_a_notice_has_stopped(
    work: Office, delivered_on: str
):
    """The papers came before the receipt of the request for them was recorded."""
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    work.clock.move_to(rome(2026, 1, 25, 12))
    work.routine(application, Event.ANSWER_COMPLETION, Event.NOTIFY_REFUSAL)
    work.clock.move_to(rome(2026, 1, 26, 12))
    deliver(work, application, "refusal_notice")
    work.wait(hours=1)

    deliver(work, application, "completion_request", delivered_on=delivered_on)

    clock = term(work, application, TermKind.CONCLUSION)
    assert clock.status == TermStatus.SUSPENDED
    assert unwatched(work.desk.engine) == []
    made = swept(work, rome(2026, 2, 6))
    assert events(made) == ["expire_observations"]
    clock = term(work, application, TermKind.CONCLUSION)
    stopped = {"2026-01-22": 3 + 10, "2026-01-26": 10}[delivered_on]
    assert (clock.status, clock.suspended_days) == (TermStatus.RUNNING, stopped)
    assert work.verified()
