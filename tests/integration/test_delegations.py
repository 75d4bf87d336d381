"""Does whoever acts on behalf of another do so only on the days of it?"""

from datetime import date

import pytest

from models.vocabulary import Event, Role
from tests.builders import Office
from tests.contents import entries
from workflow.errors import RefusedError
from workflow.services import delegations, officers, rosters

ACT = "decreto 7/2026-01-19"
FIRST, LAST = date(2026, 1, 21), date(2026, 1, 22)


def wanted(**changes: object) -> delegations.Wanted:
    usual = {
        "delegator": "examiner",
        "delegate": "clerk",
        "role": Role.OFFICER,
        "first_day": FIRST,
        "last_day": LAST,
        "act": ACT,
    }
    return delegations.Wanted(**{**usual, **changes})  # type: ignore[arg-type]


def delegated(work: Office, **changes: object) -> None:
    delegations.delegate(work.desk.as_officer("bianchi"), wanted(**changes))


def code_of(work: Office, **changes: object) -> str:
    with pytest.raises(RefusedError) as error:
        delegated(work, **changes)
    return error.value.code


def may_review(work: Office, application: str) -> str:
    """Try to start a review as the clerk; tell what came of it."""
    try:
        work.sit("clerk").move(application, Event.START_REVIEW, dry_run=True)
    except RefusedError as error:
        return error.code
    return "done"


def identity(work: Office, login: str) -> str:
    (found,) = (one.id for one in rosters.listed(work.desk) if one.login == login)
    return str(found)


def test_a_delegation_works_on_its_days_and_the_entry_says_for_whom(work: Office):
    application = work.file()
    delegated(work)
    told = []

    for _ in range(4):  # from the day before to the day after
        told.append(may_review(work, application))
        work.wait(days=1)
    work.wait(days=-2)
    work.sit("clerk").move(application, Event.START_REVIEW)

    assert told == ["role.missing", "done", "done", "role.missing"]
    actor = entries(work, event="start_review", outcome="ok")[-1]["actor"]
    assert (actor["id"], actor["role"]) == (identity(work, "clerk"), "officer")
    assert actor["on_behalf_of"] == identity(work, "examiner")
    assert work.verified()


def test_a_delegation_whose_days_are_over_is_not_among_those_that_stand(work: Office):
    delegated(work)
    told = []

    for _ in range(4):  # from the day before to the day after
        (clerk,) = (one for one in rosters.listed(work.desk) if one.login == "clerk")
        told.append([one.role for one in clerk.delegations])
        work.wait(days=1)
    (then,) = (
        one for one in rosters.listed(work.desk, at=LAST) if one.login == "clerk"
    )

    assert told == [[Role.OFFICER]] * 3 + [[]]
    assert [one.role for one in then.delegations] == [Role.OFFICER]


def test_whoever_delegates_must_hold_the_role_still(work: Office):
    application = work.file()
    delegated(work, first_day=date(2026, 1, 20))
    before = may_review(work, application)

    officers.end_roles(work.desk.as_officer("bianchi"), "examiner", [Role.OFFICER])

    assert (before, may_review(work, application)) == ("done", "role.missing")


@pytest.mark.parametrize("end", ["taken back", "delegator", "delegate"])
def test_a_delegation_ends_before_its_last_day(work: Office, end: str):
    application = work.file()
    delegated(work, first_day=date(2026, 1, 20))
    bianchi = work.desk.as_officer("bianchi")

    if end == "taken back":
        delegations.end(bianchi, "examiner", "clerk", Role.OFFICER)
    else:
        officers.retire(bianchi, "examiner" if end == "delegator" else "clerk")

    expected = "officer.retired" if end == "delegate" else "role.missing"
    assert may_review(work, application) == expected
    (clerk,) = (one for one in rosters.listed(work.desk) if one.login == "clerk")
    assert clerk.delegations == ()
    with pytest.raises(RefusedError, match="neither now nor later"):
        delegations.end(bianchi, "examiner", "clerk", Role.OFFICER)


def test_what_cannot_be_delegated_is_refused(work: Office):
    delegated(work)

    codes = [
        code_of(work),
        code_of(work, first_day=LAST, last_day=date(2026, 2, 1)),
        code_of(work, delegator="rup"),
        code_of(work, delegate="examiner"),
        code_of(work, delegate="rossi"),
        code_of(work, delegate="nobody"),
        code_of(work, role=Role.ADMINISTRATOR, delegator="bianchi"),
        code_of(work, role=Role.SYSTEM),
        code_of(work, first_day=LAST, last_day=FIRST),
        code_of(work, first_day=date(2026, 1, 1), last_day=date(2026, 1, 19)),
        code_of(work, act="decreto 7/2026-02-01"),
    ]
    with pytest.raises(RefusedError) as error:
        delegations.delegate(work.desk.as_officer("examiner"), wanted())

    assert codes == [
        "delegation.overlaps",
        "delegation.overlaps",
        "role.not_held",
        "delegation.to_oneself",
        "delegation.needless",
        "officer.unknown",
        "delegation.not_this_role",
        "delegation.not_this_role",
        "delegation.days",
        "delegation.days",
        "act.future",
    ]
    assert error.value.code == "role.missing"


def test_a_delegated_role_is_not_delegated_further(work: Office):
    delegated(work, first_day=date(2026, 1, 20))

    assert code_of(work, delegator="clerk", delegate="board") == "role.not_held"


def test_an_auditor_can_ask_who_acted_for_whom_on_a_day(work: Office):
    delegated(work)

    def clerk(day: int) -> list[tuple[Role, str]]:
        listed = rosters.listed(work.desk, at=date(2026, 1, day))
        (found,) = (one for one in listed if one.login == "clerk")
        return [(one.role, one.delegator) for one in found.delegations]

    assert [clerk(day) for day in (20, 21, 22, 23)] == [
        [],
        [(Role.OFFICER, "examiner")],
        [(Role.OFFICER, "examiner")],
        [],
    ]


def test_the_act_of_a_delegation_may_be_named_by_somebody_else_afterwards(work: Office):
    application, act = work.file(), f"decreto 7/{work.today}"
    delegated(work, act=act)

    work.sit("director").move(application, Event.ANNUL, act=act, reason="judgment")

    assert work.verified()
