"""How are submissions taken in, in the order in which they come?"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import func, literal, tuple_
from sqlmodel import Session, select

from config.logs import log
from models.canonical import digest
from models.session import add_unless_there, transaction
from models.tables import (
    Aid,
    Applicant,
    Application,
    Call,
    CallVersion,
    Document,
    ProtocolCounter,
)
from models.vocabulary import (
    ApplicationState,
    Cents,
    Event,
    Outcome,
    ReceiptClock,
    Role,
)
from workflow import register
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.facts import OrderKey, Place
from workflow.machine import Inputs
from workflow.rules import money
from workflow.rules.calendar import civil_day
from workflow.services import case_files, lookups, moves, officers, submissions
from workflow.services.entries import Draft, append, dated, refusal


def take_in(desk: Desk, code: str, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Take submissions in, in the order of the lines; answer each one.

    A line that is refused, or that cannot be read, is answered and recorded as
    refused, and disturbs no other.

    Raises:
        RefusedError: unknown call, or whoever asks may not take submissions in.
    """
    _check_clerk(desk, code)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield take_one(desk, code, line.strip(), number=number)


def take_one(desk: Desk, code: str, line: bytes, *, number: int = 1) -> dict[str, Any]:
    """Take one submission in, in its own transaction, and answer it."""
    try:
        filed = submissions.read(line)
        with transaction(desk.engine) as session:
            answer = _file(session, desk, code, filed)
    except RefusedError as error:
        instant = _record_refusal(desk, code, line, error)
        named = submissions.portal_id(line)
        log.info("submission_refused", call=code, line=number, code=error.code)
        return {
            "line": number,
            "portal_id": named,
            "outcome": "refused",
            "protocol": None,
            "received_at": instant,
            "position": None,
            "error": {
                "code": error.code,
                "message": error.message,
                "details": error.details,
            },
        }
    log.info("submission_answered", call=code, line=number, outcome=answer["outcome"])
    return {"line": number, **answer}


def _check_clerk(desk: Desk, code: str) -> None:
    """Refuse the whole file when the one who brings it may not."""
    try:
        with transaction(desk.engine, keep=False) as session:
            lookups.find_call(session, code)
            officers.require(
                officers.identify(session, desk.identity), Role.INTAKE, Role.SYSTEM
            )
    except RefusedError as error:
        if error.code != "call.unknown":
            _record_refusal(desk, code, b"", error)
        raise


def _file(
    session: Session, desk: Desk, code: str, filed: submissions.Submission
) -> dict[str, Any]:
    call = lookups.find_call(session, code, lock=True)
    known = _answered(session, call, filed)
    if known is not None:
        return {**known, "outcome": "duplicate"}
    version = session.get_one(CallVersion, (call.id, call.version))
    rules = lookups.rules_of(session, call.id, call.version)
    application = _application(session, desk, call, filed)
    opened = moves.Opened(call, application, rules, version.fingerprint)
    actor = officers.identify(session, desk.identity)
    if filed.draft:
        moves.make(session, desk, opened, actor, Event.REGISTER_DRAFT, given=Inputs())
        answer = _answer(filed, "draft", application, None)
    else:
        key = _next_key(session, desk, opened, filed)
        _make_room(session, desk, opened, key)
        moves.make(
            session,
            desk,
            opened,
            actor,
            Event.SUBMIT,
            given=Inputs(),
            order_key=key,
            key=filed.idempotency_key,
        )
        outcome = "submitted" if application.reserved else "waiting"
        answer = _answer(filed, outcome, application, _position(session, call, key))
    moves.remember(session, call.id, filed.idempotency_key, filed.fingerprint, answer)
    return answer


def _answered(
    session: Session, call: Call, filed: submissions.Submission
) -> dict[str, Any] | None:
    """Return the answer that this submission already had."""
    try:
        return moves.repeated(
            session, call.id, filed.idempotency_key, filed.fingerprint
        )
    except RefusedError as error:
        if filed.key is not None:
            raise
        raise RefusedError(
            "submission.portal_id_used",
            f"`portal_id` {filed.portal_id} was already filed with other contents; "
            "a new application needs a new `portal_id`",
        ) from error


def _make_room(
    session: Session, desk: Desk, opened: moves.Opened, key: OrderKey
) -> None:
    """Take the money back from later arrivals, if an earlier one is handed over."""
    call, application = opened.call, opened.application
    channel = opened.rules.filing.channel
    if application.channel != channel:
        return
    places = case_files.queue(session, call.id, channel)
    for place in money.yielding(
        Cents(application.requested),
        case_files.money_of(call),
        [place for place in places if place.key < key],
        [place for place in places if place.key > key],
    ):
        _give_back(session, desk, call, place)


def _give_back(session: Session, desk: Desk, call: Call, place: Place) -> None:
    held = session.get_one(Application, place.application, with_for_update=True)
    version = session.get_one(CallVersion, (call.id, held.call_version))
    rules = lookups.rules_of(session, call.id, held.call_version)
    moves.make(
        session,
        desk.as_worker("intake"),
        moves.Opened(call, held, rules, version.fingerprint),
        officers.WORKER,
        Event.YIELD_RESERVATION,
        given=Inputs(),
    )


def _answer(
    filed: submissions.Submission,
    outcome: str,
    application: Application,
    position: int | None,
) -> dict[str, Any]:
    received = application.received_at
    return {
        "portal_id": filed.portal_id,
        "outcome": outcome,
        "protocol": lookups.protocol(application),
        "received_at": register.written(received) if received else None,
        "position": position,
        "error": None,
    }


def _application(
    session: Session, desk: Desk, call: Call, filed: submissions.Submission
) -> Application:
    """Return the draft that the line is about, filled with what the line says."""
    applicant = _applicant(session, desk, filed.applicant)
    known = session.exec(
        select(Application)
        .where(Application.call_id == call.id)
        .where(Application.portal_id == filed.portal_id)
        .where(Application.state != ApplicationState.EXPIRED)
    ).first()
    if known is not None and (
        known.state != ApplicationState.DRAFT or known.applicant_id != applicant.id
    ):
        raise RefusedError(
            "submission.portal_id_used",
            f"`portal_id` {filed.portal_id} is already that of "
            f"{lookups.named(known)}; a new application needs a new `portal_id`",
        )
    application = known or Application(
        id=desk.ambient.new_id(),
        call_id=call.id,
        call_version=call.version,
        applicant_id=applicant.id,
        portal_id=filed.portal_id,
        channel=filed.channel,
        state=ApplicationState.DRAFT,
        changed_at=dated(call, desk),
        requested=filed.requested,
        investment=filed.investment,
    )
    application.call_version = call.version
    application.applicant_id = applicant.id
    application.channel = filed.channel
    application.requested = filed.requested
    application.investment = filed.investment
    session.add(application)
    session.flush()
    _attach(session, desk, application, filed)
    return application


def _applicant(
    session: Session, desk: Desk, filed: submissions.FiledApplicant
) -> Applicant:
    query = select(Applicant).where(Applicant.tax_code == filed.tax_code)
    applicant = session.exec(query).first()
    if applicant is None:
        # Another call may be taking the same applicant in at this moment.
        new = Applicant(id=desk.ambient.new_id(), **filed.model_dump())
        add_unless_there(session, new)
        applicant = session.exec(query).one()
    applicant.name, applicant.pec = filed.name, filed.pec
    session.add(applicant)
    session.flush()
    return applicant


def _attach(
    session: Session,
    desk: Desk,
    application: Application,
    filed: submissions.Submission,
) -> None:
    for row in session.exec(
        select(Document).where(Document.application_id == application.id)
    ):
        session.delete(row)
    for row_ in session.exec(select(Aid).where(Aid.application_id == application.id)):
        session.delete(row_)
    session.add_all(
        Document(
            id=desk.ambient.new_id(),
            application_id=application.id,
            filed_at=desk.ambient.now(),
            **document.model_dump(),
        )
        for document in filed.documents
    )
    session.add_all(
        Aid(
            id=desk.ambient.new_id(),
            application_id=application.id,
            **declared.model_dump(),
        )
        for declared in filed.aids
    )
    session.flush()


def _next_key(
    session: Session, desk: Desk, opened: moves.Opened, filed: submissions.Submission
) -> OrderKey:
    at = dated(opened.call, desk)
    filing = opened.rules.filing
    counts = filing.clock == ReceiptClock.PORTAL and filed.channel == filing.channel
    if filed.received_at is not None and not counts:
        raise RefusedError(
            "submission.received_at",
            "`received_at` counts only where the call wants the clock of the portal, "
            "and for what comes through it; leave the field out: the register gives "
            "the instant",
        )
    year = civil_day(at).year
    number = _next_number(session, year)
    return OrderKey(filed.received_at or at, year, number)


def _next_number(session: Session, year: int) -> int:
    """Take the next protocol number of the year (art. 57 DPR 445/2000).

    The counter is one for the whole administration, so it is locked last; a
    refusal undoes it and leaves no gap.
    """
    add_unless_there(session, ProtocolCounter(year=year, last=0))
    counter = session.get_one(ProtocolCounter, year, with_for_update=True)
    counter.last += 1
    session.add(counter)
    session.flush()
    return counter.last


def _position(session: Session, call: Call, key: OrderKey) -> int:
    columns = Application.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    names = ("received_at", "protocol_year", "protocol_number")
    mine = tuple_(*(literal(getattr(key, name), columns[name].type) for name in names))
    count = session.execute(
        select(func.count())
        .select_from(Application)
        .where(Application.call_id == call.id)
        .where(tuple_(*(columns[name] for name in names)) <= mine)
    )
    return int(count.scalar_one())


def _record_refusal(
    desk: Desk, code: str, line: bytes, error: RefusedError
) -> str | None:
    """Record an attempt that was refused: its instant is evidence in court."""
    with transaction(desk.engine) as session:
        try:
            call = lookups.find_call(session, code, lock=True)
        except RefusedError:
            return None
        version = session.get_one(CallVersion, (call.id, call.version))
        try:
            actor = officers.identify(session, desk.identity)
        except RefusedError:
            actor = officers.unknown(desk.identity)
        at = dated(call, desk)
        append(
            session,
            desk,
            call,
            at,
            Draft(
                event=Event.SUBMIT.value,
                outcome=Outcome.REFUSED,
                actor=actor.entered(Role.INTAKE),
                call_version=call.version,
                rules=version.fingerprint,
                findings={
                    "portal_id": submissions.portal_id(line),
                    "sha256": digest(line),
                    **error.details,
                },
                refusal=refusal(error),
            ),
        )
        stated = error.details.get("received_at")
        return str(stated) if stated else register.written(at)
