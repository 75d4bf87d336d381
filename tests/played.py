"""How do tests get a database in which there is something of everything?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import Event, Letter, Role
from tests.builders import CTL, TO_GRANT, Office, submission
from tests.contents import rows
from tests.filiere import some_list
from tests.pec import accepted
from tests.postboxes import Postbox
from workflow.desk import AnchorFiles
from workflow.errors import RefusedError
from workflow.services import (
    anchoring,
    call_acts,
    delegations,
    digests,
    keys,
    officers,
    outbox,
    receipts,
    sweep,
    ticks,
)

UNUSUAL = (
    "Societ\u00e0 \u00abd'\u00c9vian\u00bb \u2013 e\u0301/\u00e9 "
    "\u202e\u05d0\u05d1\u202c \U0001d518\U0001f469\u200d\U0001f52c \u00a0 "
    "\ufb01 \u0130\u0131 \\n '\"; --"
)
"""What a text may hold that a database, a locale or a form could change."""
REASON = UNUSUAL.replace("\u202e", "").replace("\u202c", "")
"""The same, as far as a reason may: nothing that turns the direction of reading."""


def sealing(work: Office, home: Path) -> Office:
    """Return the office with a key, and a file for its anchors, in a folder."""
    files = AnchorFiles(home / "keys" / "register.pem", home / "anchors.jsonl")
    keys.make(files.key)
    return Office(replace(work.desk, anchor_files=files), work.clock)


def play(work: Office) -> str:
    """Play three days of an office; return the application that was granted.

    Afterwards there is a row in every table but those that need another call.
    """
    desk, chief = work.desk, work.sit("bianchi").desk
    officers.add(chief, "controller", UNUSUAL, [Role.AUDITOR], email="a@example.it")
    officers.add(chief, "examiner", "Examiner", [Role.OFFICER], email="e@example.it")
    today, act = work.today, "decreto 1/2026-01-20"
    delegated = delegations.Wanted(
        "director", "bianchi", Role.MANAGER, today, today, act
    )
    delegations.delegate(chief, delegated)
    some_list(work)
    first = work.file(
        0,
        aids=[{"granted_on": "2025-01-31", "amount": "1.00", "grantor": UNUSUAL}],
        applicant={
            **submission(0)["applicant"],
            "name": UNUSUAL,
            "linked": ["01234567897"],
        },
    )
    second = work.file(1)
    work.take(submission(2, draft=True))
    work.take(submission(2, draft=True))
    work.routine(first, *TO_GRANT)
    with pytest.raises(RefusedError):
        work.move(second, Event.ANNUL, reason=REASON)
    work.move(second, Event.START_REVIEW, reason=REASON, key="once")
    ticks.note(desk, ticks.SCHEDULER, holder="front:1", found=1)
    _send(work)
    receipt = accepted(_letter(work), at=work.clock.now(), zone="+0000").mail()
    assert receipts.take_in(desk, receipt).status == "accepted"
    anchoring.seal(desk)
    work.wait(days=1)
    call_acts.record_malfunction(
        desk,
        CTL,
        began_at=work.clock.now().replace(hour=3),
        ended_at=work.clock.now().replace(hour=4),
        evidence=REASON,
    )
    assert digests.write(desk)
    anchoring.seal(desk)
    work.wait(days=1)
    sweep.sweep(desk)
    anchoring.seal(desk)
    return first


def _send(work: Office) -> None:
    for job in outbox.to_send(work.desk, most=100):
        outbox.do(work.desk, job.id, Postbox())


def _letter(work: Office) -> Any:
    """Return the Message-ID under which the grant was written."""
    ((identity,),) = rows(
        work.desk.engine,
        "SELECT message_id FROM notices WHERE letter = :letter AND status = 'sent'",
        letter=Letter.GRANT.value,
    )
    return identity
