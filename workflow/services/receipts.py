"""What does a receipt of certified mail change?"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session, col, or_, select

from config.logs import log
from models import addresses
from models.session import reading, transaction
from models.tables import Application, DeliveryReceipt, Notice
from models.vocabulary import Event, NoticeStatus, ReceiptKind
from workflow.desk import Desk
from workflow.errors import RefusedError
from workflow.moves.inputs import DeliveryInputs
from workflow.moves.words import rome
from workflow.register import written
from workflow.rules import postings, receipts
from workflow.rules.certified_data import UnreadableError
from workflow.rules.receipts import NoReceiptError, PecReceipt
from workflow.services import lookups
from workflow.services.making import make
from workflow.services.moves import Meant, OpenFile, opened_file
from workflow.services.officers import WORKER

CHANNEL = "receipts"

TOO_SOON = "date.future"
"""Why it is refused if by our clock it has not been written yet: try again."""

_WAY_OUT = (
    "get the mail again from the mailbox as the provider sent it, or record what it "
    "proves by the move: `sportello advance ... record_delivery`"
)

_APART = timedelta(minutes=5)
"""How far the provider's clock and ours may be apart."""


class Outcome(StrEnum):
    """What came of one mail."""

    TAKEN_IN = "taken_in"
    REPEATED = "repeated"
    """It was taken in before: nothing changes."""
    UNMATCHED = "unmatched"
    """It fits no letter of ours, or not this one."""
    UNREADABLE = "unreadable"
    IGNORED = "ignored"
    """It is another mail, and no receipt."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of one mail, and how the letter stands now that it is about."""

    outcome: Outcome
    kind: ReceiptKind | None = None
    at: datetime | None = None
    notice: UUID | None = None
    letter: str | None = None
    application: str | None = None
    status: NoticeStatus | None = None
    code: str | None = None
    why: str | None = None
    """If it could not be taken in, or was not worth it."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A receipt and its original."""

    receipt: PecReceipt
    original: bytes
    sha256: str


def take_in(desk: Desk, original: bytes) -> TakenIn:
    """Take one mail in, as it came; the same again changes nothing.

    A delivery is a move of the system, and has its place in the register; all other
    receipts only say how far the letter has come.
    """
    try:
        receipt = receipts.read(original)
    except NoReceiptError as error:
        return TakenIn(Outcome.IGNORED, why=str(error))
    except UnreadableError as error:
        why = f"{error}; {_WAY_OUT}"
        return TakenIn(Outcome.UNREADABLE, code="receipt.unreadable", why=why)
    arrived = _Arrived(receipt, original, hashlib.sha256(original).hexdigest())
    try:
        taken = _taken_in(desk.as_worker(CHANNEL), arrived)
    except RefusedError as error:
        return TakenIn(
            Outcome.UNMATCHED,
            receipt.kind,
            receipt.at,
            receipt.notice,
            code=error.code,
            why=error.message,
        )
    if taken.outcome is Outcome.TAKEN_IN:
        log.info("receipt_taken_in", notice=str(taken.notice), kind=receipt.kind.value)
    return taken


def _taken_in(desk: Desk, arrived: _Arrived) -> TakenIn:
    receipt = arrived.receipt
    with reading(desk.engine) as session:
        notice = _matching(session, receipt)
        if _is_known(session, arrived, notice):
            return _told(session, arrived, notice, Outcome.REPEATED)
        delivers = _delivers(session, receipt, notice)
    if delivers:
        meant = Meant(notice.call_id, notice.application_id)
        with opened_file(desk, meant) as file:
            return _deliver(file, arrived, notice.id)
    with transaction(desk.engine) as session:
        return _note(session, desk, arrived, notice.id)


def _matching(session: Session, receipt: PecReceipt) -> Notice:
    """Return the notice that a receipt is about.

    Raises:
        RefusedError: it is about none of ours, or does not fit it.
    """
    notice = session.get(Notice, receipt.notice) if receipt.notice else None
    if notice is None:
        raise RefusedError(
            "receipt.unknown_letter",
            "it is about a letter that was not sent from here",
        )
    if not notice.recipient:
        raise RefusedError(
            "receipt.erased",
            "it is about a letter whose text and recipient are erased: nothing about "
            "it is kept any more",
        )
    # A letter that was sent again may have arrived the first time.
    known = notice.message_id
    if known is not None and not postings.is_same_letter(receipt.message_id, known):
        raise RefusedError(
            "receipt.other_letter",
            "it is about a letter with another Message-ID than the one that was sent",
        )
    to = receipt.recipient
    if to is not None and not addresses.are_same(to, notice.recipient):
        raise RefusedError(
            "receipt.other_recipient",
            "it speaks of another address than the one that was written to",
        )
    return notice


def _is_known(session: Session, arrived: _Arrived, notice: Notice) -> bool:
    """Tell whether it was taken in, be it with other lines of transport."""
    receipt = arrived.receipt
    said = (col(DeliveryReceipt.notice_id) == notice.id) & (
        (col(DeliveryReceipt.kind) == receipt.kind)
        & (col(DeliveryReceipt.identifier) == receipt.identifier)
    )
    same = or_(col(DeliveryReceipt.sha256) == arrived.sha256, said)
    return session.exec(select(DeliveryReceipt.id).where(same)).first() is not None


def _delivers(session: Session, receipt: PecReceipt, notice: Notice) -> bool:
    """Tell whether it proves delivery: whether a full mailbox does, the call says."""
    if receipt.kind is not ReceiptKind.FULL_BOX:
        return receipt.kind is ReceiptKind.DELIVERED
    application = session.get_one(Application, notice.application_id)
    rules = lookups.rules_of(session, notice.call_id, application.call_version)
    return rules.counting_rules.full_box_counts


def _deliver(file: OpenFile, arrived: _Arrived, identity: UUID) -> TakenIn:
    """Make the move, unless somebody has recorded the delivery before."""
    session, receipt = file.work.session, arrived.receipt
    notice = _locked(session, identity)
    if _is_known(session, arrived, notice):
        return _told(session, arrived, notice, Outcome.REPEATED)
    _refuse_impossible(receipt, notice, file.work.desk.ambient.now())
    if notice.delivered_at is None:
        delivered_at = _instant(receipt, notice)
        early = _early(receipt, notice) > _APART
        full = {"full_box": True} if receipt.kind is ReceiptKind.FULL_BOX else {}
        given = DeliveryInputs(
            letter=notice.letter,
            receipt=receipt.identifier,
            delivered_at=delivered_at,
            notice=notice.id,
        )
        make(
            file.work,
            file.application,
            WORKER,
            Event.RECORD_DELIVERY,
            given=given,
            notes={
                "receipt_sha256": arrived.sha256,
                **full,
                **({"certified_at": written(receipt.at)} if early else {}),
            },
        )
        return _kept(session, file.work.desk, arrived, notice)
    kept = _kept(session, file.work.desk, arrived, notice)
    return replace(kept, why=_which_counts(receipt, notice))


def _early(receipt: PecReceipt, notice: Notice) -> timedelta:
    """Return by how much it is certified to have come before it was written."""
    return max(notice.created_at.replace(microsecond=0) - receipt.at, timedelta(0))


def _instant(receipt: PecReceipt, notice: Notice) -> datetime:
    """Return when it was delivered: never before it was written.

    Clocks that are a little apart would make it seem so. So would a letter that had
    left, and was entered again after a backup was restored: its term runs from then,
    and nobody has less time.
    """
    return notice.created_at if _early(receipt, notice) else receipt.at


def _refuse_impossible(receipt: PecReceipt, notice: Notice, now: datetime) -> None:
    """Refuse an instant at which it cannot have been delivered.

    Raises:
        RefusedError: it is still to come, or was before the letter was written.
    """
    was_found = notice.sent_at is not None and notice.attempts == 0
    if receipt.at > now:
        raise RefusedError(
            TOO_SOON,
            f"it certifies a delivery at {rome(receipt.at)} (Rome), which is still to "
            "come: look at the clock of this machine, then take it in again",
        )
    if _early(receipt, notice) > _APART and not was_found:
        raise RefusedError(
            "date.too_early",
            f"it certifies a delivery at {rome(receipt.at)} (Rome), before the letter "
            f"was written at {rome(notice.created_at)}: it proves nothing",
        )


def _which_counts(receipt: PecReceipt, notice: Notice) -> str | None:
    """Tell that another instant of the delivery was recorded, if one was."""
    recorded = notice.delivered_at
    if recorded is None or recorded == _instant(receipt, notice):
        return None
    return (
        f"it certifies a delivery at {rome(receipt.at)} (Rome); {rome(recorded)} was "
        "recorded before, and counts"
    )


def _note(session: Session, desk: Desk, arrived: _Arrived, identity: UUID) -> TakenIn:
    """Note how far the letter has come; it was sent, whatever was known of that."""
    notice, receipt = _locked(session, identity), arrived.receipt
    if _is_known(session, arrived, notice):
        return _told(session, arrived, notice, Outcome.REPEATED)
    known = notice.message_id
    if known is not None and not receipt.names(known):
        # What became of an earlier attempt says nothing of the one that counts now.
        return _kept(session, desk, arrived, notice)
    if receipt.kind is ReceiptKind.ACCEPTED:
        notice.accepted_at = min(notice.accepted_at or receipt.at, receipt.at)
    status = receipts.status_after(notice.status, receipt.kind)
    if status is not notice.status:
        notice.status, notice.fault = status, receipt.reason
        notice.sent_at = notice.sent_at or receipt.at
        session.add(notice)
    return _kept(session, desk, arrived, notice)


def _locked(session: Session, identity: UUID) -> Notice:
    return session.get_one(
        Notice, identity, with_for_update=True, populate_existing=True
    )


def _kept(session: Session, desk: Desk, arrived: _Arrived, notice: Notice) -> TakenIn:
    """Keep the original: it is the proof."""
    receipt = arrived.receipt
    session.add(
        DeliveryReceipt(
            id=desk.ambient.new_id(),
            notice_id=notice.id,
            kind=receipt.kind,
            at=receipt.at,
            identifier=receipt.identifier,
            reason=receipt.reason,
            sha256=arrived.sha256,
            original=arrived.original,
            taken_in_at=desk.ambient.now(),
        )
    )
    return _told(session, arrived, notice, Outcome.TAKEN_IN)


def _told(
    session: Session, arrived: _Arrived, notice: Notice, outcome: Outcome
) -> TakenIn:
    application = session.get_one(Application, notice.application_id)
    return TakenIn(
        outcome,
        arrived.receipt.kind,
        arrived.receipt.at,
        notice.id,
        notice.letter.value,
        lookups.named(application),
        notice.status,
    )
