"""What does a receipt of certified mail say, and about which letter?

Its signature is not verified here. Whatever comes from outside reaches a certified
mailbox inside another mail, and what is inside another mail is never looked at.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any
from uuid import UUID

from models.vocabulary import NoticeStatus, ReceiptKind
from workflow.rules import certified_data, failures
from workflow.rules.certified_data import (
    LONGEST_IDENTIFIER,
    CertifiedData,
    UnreadableError,
)

LARGEST = 5_000_000
"""Bytes of a mail: a receipt may enclose the letter, and that is a short text."""

_MOST_PARTS = 50
_MOST_LINES = 200_000
_MOST_HEADERS, _LONGEST_HEADER = 1_000, 100_000
"""What reading a mail takes grows with each of these, and with their products."""

_CERTIFIED = "daticert.xml"
_XML = {"application/xml", "text/xml"}
_NO_ERROR = "nessuno"

_KINDS = {
    "accettazione": ReceiptKind.ACCEPTED,
    "non-accettazione": ReceiptKind.NOT_ACCEPTED,
    "avvenuta-consegna": ReceiptKind.DELIVERED,
    "preavviso-errore-consegna": ReceiptKind.DELAYED,
    "errore-consegna": ReceiptKind.UNDELIVERED,
    "rilevazione-virus": ReceiptKind.UNDELIVERED,
}
_OF_ONE = {"avvenuta-consegna", "errore-consegna", "preavviso-errore-consegna"}
"""Those that are written for each recipient, and name theirs."""

_OTHERS = {"posta-certificata", "presa-in-carico"}
"""What else a provider writes, and what does not concern us."""

_FAILED = {NoticeStatus.UNDELIVERED, NoticeStatus.FULL_BOX}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class NoReceiptError(ValueError):
    """It is a mail, and no receipt about a letter of ours can be in it."""


@dataclass(frozen=True, slots=True)
class PecReceipt:
    """A receipt of certified mail (*ricevuta PEC*, DPR 68/2005)."""

    kind: ReceiptKind
    message_id: str
    """Of the letter that it is about."""
    at: datetime
    identifier: str
    reason: str | None = None
    """In words of ours."""
    recipient: str | None = None
    """Whom it was delivered to, or was not; None if it says so of the whole letter."""

    @property
    def notice(self) -> UUID | None:
        """The notice that the letter bears in its name, if it is one of ours."""
        name = _bare(self.message_id).partition("@")[0]
        return UUID(name) if _UUID.fullmatch(name) else None

    def names(self, message_id: str) -> bool:
        """Tell whether it is about the letter with this Message-ID."""
        return _bare(self.message_id).lower() == _bare(message_id).lower()


def read(content: bytes) -> PecReceipt:
    """Read one mail, as it came.

    The certified data count; the headers must not contradict them. Without such
    data only an acceptance is believed: it changes nothing by law.

    Raises:
        NoReceiptError: it is another mail, or of a kind that says nothing to us.
        UnreadableError: it cannot be read, or contradicts itself.
    """
    mail = _mail(content)
    if _header(mail, "X-Trasporto"):
        raise NoReceiptError("it is a letter from outside, and no receipt")
    found = [part for part in _parts(mail) if _is_certified(part)]
    if len(found) > 1:
        raise UnreadableError(f"it has more than one {_CERTIFIED}")
    if not found:
        return _by_headers(mail)
    data = certified_data.read(_decoded(found[0]))
    receipt = _by_data(data)
    _refuse_contradiction(mail, data.kind, receipt)
    return receipt


def status_after(status: NoticeStatus, kind: ReceiptKind) -> NoticeStatus:
    """Return how a notice stands after a receipt that proves no delivery.

    They come in any order: a failure outlives the acceptance that preceded it, and
    a delivery everything. A delay is only noted.
    """
    if kind is ReceiptKind.DELAYED or status is NoticeStatus.DELIVERED:
        return status
    if kind is not ReceiptKind.ACCEPTED:
        is_full = kind is ReceiptKind.FULL_BOX
        return NoticeStatus.FULL_BOX if is_full else NoticeStatus.UNDELIVERED
    return status if status in _FAILED else NoticeStatus.ACCEPTED


def _by_data(data: CertifiedData) -> PecReceipt:
    kind = _kind(data.kind)
    if kind is ReceiptKind.DELIVERED and data.error != _NO_ERROR:
        raise UnreadableError("it certifies a delivery, and an error with it")
    if data.kind in _OF_ONE and data.recipient is None:
        raise UnreadableError(
            f"it is `{data.kind}`, and does not say of which address (`consegna`): "
            "it may be that of somebody else"
        )
    # With an error of its own it is no full mailbox, whatever the words beside it.
    may_be_full = data.kind == "errore-consegna" and data.error not in failures.ERRORS
    if may_be_full and failures.is_full(data.words):
        kind = ReceiptKind.FULL_BOX
    return PecReceipt(
        kind,
        data.message_id,
        data.at,
        data.identifier,
        _reason(kind, data),
        data.recipient,
    )


def _by_headers(mail: Message) -> PecReceipt:
    stated = _header(mail, "X-Ricevuta")
    if not stated:
        raise NoReceiptError("it is no receipt of certified mail")
    kind = _kind(stated)
    if kind is not ReceiptKind.ACCEPTED:
        raise UnreadableError(
            f"`{stated}` without {_CERTIFIED}: what is not certified proves nothing"
        )
    about = _header(mail, "X-Riferimento-Message-ID")
    identifier = _bare(_header(mail, "Message-ID"))
    is_named = 0 < len(identifier) <= LONGEST_IDENTIFIER and identifier.isprintable()
    if not about or not is_named:
        raise UnreadableError("its headers do not say which letter it is about")
    return PecReceipt(kind, about, _dated(mail), identifier)


def _kind(stated: str) -> ReceiptKind:
    if stated not in _KINDS:
        shown = f"the kind `{stated}`" if stated in _OTHERS else "another kind"
        raise NoReceiptError(f"a mail of {shown} says nothing about a letter of ours")
    return _KINDS[stated]


def _reason(kind: ReceiptKind, data: CertifiedData) -> str | None:
    if kind in {ReceiptKind.ACCEPTED, ReceiptKind.DELIVERED}:
        return None
    return failures.certified(data.error, data.words)


def _refuse_contradiction(mail: Message, kind: str, receipt: PecReceipt) -> None:
    stated = _header(mail, "X-Ricevuta")
    if stated and stated != kind:
        raise UnreadableError("its header and its certified data are of two kinds")
    about = _header(mail, "X-Riferimento-Message-ID")
    if about and not receipt.names(about):
        raise UnreadableError("its header and its certified data name two letters")


# The mail around it


def _mail(content: bytes) -> Message:
    if len(content) > LARGEST:
        raise UnreadableError(f"it has more than {LARGEST} bytes")
    if content.count(b"\n") + content.count(b"\r") > 2 * _MOST_LINES:
        raise UnreadableError("it has more lines than a receipt")
    if content.lower().count(b"boundary") > _MOST_PARTS:
        raise UnreadableError("it has more parts than a receipt")
    try:
        return message_from_bytes(content, _bounded())
    except UnreadableError:
        raise
    except Exception as error:  # the library breaks in many ways
        raise UnreadableError("it is no well-formed mail") from error


class _Part(Message):
    """A mail, or a part of one, with no more headers than anybody writes."""

    def set_raw(self, name: str, value: str) -> None:
        """Keep a header as it was read."""
        if len(self) == _MOST_HEADERS or len(value) > _LONGEST_HEADER:
            raise UnreadableError("it has more headers, or longer ones, than a receipt")
        super().set_raw(name, value)


def _bounded() -> Callable[..., _Part]:
    """Return what makes the parts of one mail: a receipt has some ten of them."""
    numbers = count()

    def part(policy: Any) -> _Part:  # noqa: ANN401 - as the library has it
        if next(numbers) > _MOST_PARTS:
            raise UnreadableError("it has more parts than a receipt")
        return _Part(policy)

    return part


def _parts(mail: Message) -> Iterator[Message]:
    """Return the parts of a mail, not those of the mails that it encloses."""
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == "message":
            continue
        payload = part.get_payload()
        if isinstance(payload, list):
            waiting += [inner for inner in payload if isinstance(inner, Message)]
        else:
            yield part


def _is_certified(part: Message) -> bool:
    headers = (part.get(name, "") for name in ("Content-Type", "Content-Disposition"))
    is_named = any(_CERTIFIED in str(header).lower() for header in headers)
    return is_named or part.get_content_type() in _XML


def _decoded(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except Exception as error:  # as above
        raise UnreadableError(f"{_CERTIFIED} is not encoded right") from error
    return payload if isinstance(payload, bytes) else b""


def _header(mail: Message, name: str) -> str:
    """Return a header on one line; what stands there twice must be the same."""
    values = {" ".join(str(value).split()) for value in mail.get_all(name, [])}
    if len(values) > 1:
        raise UnreadableError(f"it says `{name}` twice, and not the same")
    return next(iter(values), "")


def _dated(mail: Message) -> datetime:
    try:
        at = parsedate_to_datetime(_header(mail, "Date"))
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise UnreadableError("its headers do not say when it was written") from error
    certified_data.refuse_remote(at)
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _bare(message_id: str) -> str:
    return message_id.strip().removeprefix("<").removesuffix(">").strip()
