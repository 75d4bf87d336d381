"""Is what somebody sees who only asks what a model of the office has?

Each question is put to the program as a command puts it; what the answer has to be is
said by the model that `tests/integration/test_stateful_people.py` walks with, or
read from the rows, and by no query of the product.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models.vocabulary import Event, Letter, Role
from tests.builders import CTL, ROME
from tests.counters_rows import bodies
from workflow.errors import RefusedError
from workflow.services import (
    accounts,
    calls,
    changes,
    digests,
    entry_explanations,
    explanations,
    forecasts,
    log,
    notices,
    office,
    pasts,
    previews,
    reports,
    retention,
    rosters,
    term_explanations,
    terms,
    views,
)
from workflow.services.moments import Moment

ALLOCATION = 45_000_000
WAITS = {"submitted", "admissible", "evaluated", "waiting"}
GOING = {"running", "suspended"}


def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


# --- the office -----------------------------------------------------------------------


def who_is_there(walk: Any) -> None:
    told = rosters.listed(walk.work.desk)
    staff = walk.staff

    assert {(one.login, frozenset(one.roles), one.retired) for one in told} == {
        (login, frozenset(one.roles), one.retired)
        for login, one in staff.officers.items()
    }
    assert Counter(
        (loan.role, loan.delegator, one.login, loan.first_day, loan.last_day)
        for one in told
        for loan in one.delegations
    ) == Counter(
        (loan.role, loan.giver, loan.taker, loan.first, loan.last)
        for loan in staff.loans
        if not loan.ended and loan.last >= walk.today
    )


def who_changed_what_in_the_office(walk: Any) -> None:
    told = [*office.entries(walk.work.desk)]

    kept = sorted(walk.content["office_entries"], key=lambda row: row["seq"])
    assert [one["hash"] for one in told] == [row["hash"] for row in kept]
    for one, row in zip(told, kept, strict=True):
        body = json.loads(row["body"])
        assert (one["event"], one["outcome"]) == (body["event"], body["outcome"])
        assert (one["actor"], one["officer"]) == (body["actor"], body["officer"])


def what_waits_for_somebody(walk: Any) -> None:
    """Of the digest, what the model knows: reviews to close, proposals to decide on."""
    desk = walk.work.desk
    for login in walk.luck.sample([*walk.staff.officers, "nobody"], 3):
        no_roles = walk.staff.in_the_way(login, tuple(Role), walk.today)
        if refused := no_roles - {"role.missing"}:
            with pytest.raises(RefusedError) as error:
                digests.of(desk, login)
            assert {error.value.code} == refused
            continue
        held = walk.staff.own(login) | walk.staff.lent(login, walk.today).keys()
        told: dict[str, set[str]] = {}
        for one in digests.of(desk, login).waiting:
            told.setdefault(one.heading, set()).add(one.application)
        proposed = walk.proposed | {
            app
            for app, one in walk.model.items()
            if one.revocation and one.state in {"accepted", "in_progress"}
        }
        under_review = {
            app
            for app, one in walk.model.items()
            if one.reviewed and one.state == "submitted" and not one.waits
        }
        for heading, roles, expected in (
            ("Proposals to decide on", {Role.MANAGER}, proposed),
            ("Reviews to close", {Role.OFFICER, Role.RESPONSIBLE}, under_review),
        ):
            assert told.get(heading, set()) == (expected if held & roles else set())


# --- calls and files ------------------------------------------------------------------


def how_calls_stand(walk: Any) -> None:
    (told,) = calls.listed(walk.work.desk)

    files = walk.model.values()
    assert told == calls.shown(walk.work.desk, CTL)
    assert (told.state, told.filed) == (walk.stands, len(walk.model))
    assert (told.reserved, told.granted) == (
        sum(one.reserved for one in files),
        sum(one.granted for one in files),
    )
    assert told.residual == ALLOCATION - told.reserved - told.granted
    assert (told.erased_under is not None) is walk.erased
    (version,) = calls.history(walk.work.desk, CTL)
    assert (version.number, version.differences) == (1, ())


def how_files_stand(walk: Any) -> None:
    told = views.listed(walk.work.desk, call=CTL)

    assert [(one.protocol, one.state, one.reserved, one.granted) for one in told] == [
        (app, one.state, one.reserved, one.granted) for app, one in walk.model.items()
    ]
    for one in told:
        file = walk.model[one.protocol]
        assert (f"Qwzname{file.arrived}" in one.applicant) is not walk.erased
        shown = views.shown(walk.work.desk, str(one.protocol))
        assert shown.score == file.score
        assert shown.channel == ("pec" if file.by_pec else "portal")
        assert [body["seq"] for body in shown.history] == [
            body["seq"]
            for body in bodies(walk.content)
            if body["protocol"] == one.protocol
        ]


def who_is_in_the_queue(walk: Any) -> None:
    told = views.queue(walk.work.desk, CTL)

    there = [app for app, one in walk.model.items() if one.in_queue]
    assert [one.protocol for one in told.items if one.state in WAITS] == there
    for one in told.items:
        file = walk.model[one.protocol]
        for event, allowed in (
            (Event.START_REVIEW, one.may_review),
            (Event.GRANT, one.may_grant),
        ):
            if file.in_queue and not file.waits:
                assert allowed is not bool(walk.of_file(event, file) - {"call.erased"})


def why_it_is_whose_turn(walk: Any) -> None:
    for app, one in walk.luck.sample([*walk.model.items()], 3):
        told = explanations.turn(walk.work.desk, app).result
        if one.by_pec:
            assert told == "it has no place in the order"
        elif one.state == "submitted" and not one.reviewed and not one.waits:
            waits = "order.turn" in walk.of_file(Event.START_REVIEW, one)
            said = "has to wait for" if waits else "may start now"
            assert told.startswith(f"{app}: its review {said}")
        aid = explanations.aid(walk.work.desk, app).result
        granted = any(deed.event == Event.GRANT for deed in one.deeds)
        assert aid.startswith(
            f"{euros(one.granted)} is granted" if granted else "nothing is granted"
        )


def where_the_money_went(walk: Any) -> None:
    told = accounts.money(walk.work.desk, CTL)

    reserved = sum(one.reserved for one in walk.model.values())
    granted = sum(one.granted for one in walk.model.values())
    left = ALLOCATION - reserved - granted
    assert told.result.startswith(
        f"{euros(ALLOCATION)} allocated - {euros(reserved)} reserved - "
        f"{euros(granted)} granted = {euros(left)} residual"
    )
    assert not told.faults


def what_is_reported(walk: Any) -> None:
    told = reports.report(walk.work.desk, reports.Wanted()).total

    files = [*walk.model.values()]
    granted = [
        one for one in files if any(deed.event == Event.GRANT for deed in one.deeds)
    ]
    assert told.money is not None
    assert (told.flows.submitted, told.flows.grants) == (len(files), len(granted))
    assert told.stock.standing == Counter(one.state for one in files)
    assert told.money.reserved == sum(one.reserved for one in files)
    assert told.money.granted == sum(one.granted for one in files)
    assert told.money.undertakings == len(granted)


# --- terms and letters ----------------------------------------------------------------


def which_terms_run(walk: Any) -> None:
    told = terms.listed(walk.work.desk, terms.Wanted()).terms

    rows = {str(row["id"]): row for row in walk.content["terms"]}
    running = {
        name
        for name, row in rows.items()
        if row["status"] in GOING
        or (row["status"] == "expired" and row["settled_at"] is None)
    }
    assert {one.id for one in told} == running
    assert [one.due_at for one in told] == sorted(one.due_at for one in told)
    for one in told:
        row = rows[one.id]
        why = term_explanations.term(walk.work.desk, one.id)
        assert not why.faults
        assert why.result.startswith(f"{one.protocol}/{row['kind']}")
        if row["status"] == "running":
            assert one.due_at == row["due_at"]
            assert f"{row['due_at'].astimezone(ROME):%d/%m/%Y}" in why.result


def what_became_of_letters(walk: Any) -> None:
    told = notices.listed(walk.work.desk)

    rows = {str(row["id"]): row for row in walk.content["notices"]}
    assert {(one.id, one.status) for one in told} == {
        (name, row["status"]) for name, row in rows.items()
    }
    for one in told[-3:]:
        shown = notices.shown(walk.work.desk, one.name)
        assert (shown.id, shown.letter) == (one.id, rows[one.id]["letter"])
        assert (shown.erased_under is not None) is walk.erased
        assert (shown.body is None) is walk.erased


def what_a_letter_would_say(walk: Any) -> None:
    app = [*walk.model][-1]
    told = previews.preview(walk.work.desk, Letter.GRANT, app)

    address = f"qwz{walk.model[app].arrived}@pec.it"
    assert (told.to == address) is not walk.erased
    assert app in told.text.subject + told.text.body


# --- the register ---------------------------------------------------------------------


def what_the_register_says(walk: Any) -> None:
    told = [*log.entries(walk.work.desk, log.Wanted(target=CTL))]

    kept = sorted(walk.content["entries"], key=lambda row: row["seq"])
    assert [one["hash"] for one in told] == [row["hash"] for row in kept]
    for one in (told[-1], *walk.luck.sample(told, 3)):
        why = entry_explanations.entry(walk.work.desk, f"{CTL}#{one['seq']}")
        assert one["event"] in why.result


def how_it_stood_before(walk: Any) -> None:
    """Now is a moment too; between the beginning and now everything has changed."""
    desk, now = (
        walk.work.desk,
        Moment(max(walk.work.clock.now(), walk.own["last_instant"])),
    )
    for app, one in walk.luck.sample([*walk.model.items()], 3):
        assert pasts.file(desk, app, now).seen.file.stands == one.state
    call, queue = pasts.both(desk, CTL, now).seen
    assert call.state == walk.stands
    assert queue == views.queue(desk, CTL)
    (told,) = changes.between(desk, Moment(seq=1), now, CTL)
    assert {one.after.stands.value for one in told.files} == {
        one.state for one in walk.model.values()
    }
    assert len(told.files) == len(walk.model)
    assert told.refused == sum(
        body["outcome"] == "refused" for body in bodies(walk.content)
    )


def what_is_kept_of_people(walk: Any) -> None:
    told = retention.plan(walk.work.desk, CTL)

    stands = set() if told.in_the_way is None else {told.in_the_way.code}
    in_the_way = walk.of_erasing()
    assert bool(stands) is bool(in_the_way)
    assert stands <= in_the_way
    assert told.held is not None
    assert told.held.applicants == (0 if walk.erased else len(walk.model))
    assert (told.erased_under is not None) is walk.erased


QUESTIONS: tuple[Callable[[Any], None], ...] = (
    who_is_there,
    who_changed_what_in_the_office,
    what_waits_for_somebody,
    how_calls_stand,
    how_files_stand,
    who_is_in_the_queue,
    why_it_is_whose_turn,
    where_the_money_went,
    what_is_reported,
    which_terms_run,
    what_became_of_letters,
    what_a_letter_would_say,
    what_the_register_says,
    how_it_stood_before,
    what_is_kept_of_people,
)


def foretold(walk: Any, days: int) -> Counter[tuple[str, str]]:
    """Return what workers would do in some days, as a forecast has it."""
    until = walk.work.clock.now() + timedelta(days=days)
    told = forecasts.forecast(walk.work.desk, until=until, code=CTL)
    return Counter(
        (str(one.event), one.application or "") for one in told.effects if one.event
    )
