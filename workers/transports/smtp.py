"""How is a letter given to a mail server, and what does its answer mean?"""

import re
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from pathlib import Path

from config.logs import log
from workers.transports import messages, records
from workers.transports.pace import Pace
from workers.transports.servers import WHOLE_WITHIN, Client, Server, opened
from workflow.errors import PermanentError, TemporaryError, UnknownOutcomeError
from workflow.rules.postings import domain_of, record_name
from workflow.services.postings import Mail

_IDLE = 60.0
"""Seconds after which a connection is not trusted to be there any more."""

_LOOKS_WITHIN = 5.0
_GO_AHEAD = 354
_PERMANENT = 500
_LINE_OF_DOT = re.compile(rb"(?m)^\.")
_WORD = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}")
_SHELF = 2
"""Digits of an identifier: no folder holds too many letters."""


class Smtp:
    """Gives each letter to a mail server, and keeps a copy of what was taken.

    The copy is written before, under another name, and named after the server has
    said yes: so a full disk keeps a letter from leaving rather than from being known
    to have left.
    """

    is_certain = False

    def __init__(
        self, server: Server, *, sender: Address, home: Path, pace: Pace
    ) -> None:
        self._server, self._sender, self._pace = server, sender, pace
        self._records = home / "letters" / "sent"
        self._mine = threading.local()
        self._open: set[Client] = set()
        self._lock = threading.Lock()

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self._sender.domain

    def was_sent(self, mail: Mail) -> bool:
        """Tell whether there is a copy of it."""
        return self._path(mail).exists()

    def admits(self, recipient: str) -> bool:
        """Tell whether one more may be sent to the recipient's domain now."""
        return self._pace.admits(domain_of(recipient))

    def send(self, mail: Mail) -> None:
        """Give a letter to the server."""
        content = messages.written(mail, self._sender)
        with records.prepared(self._path(mail), content) as keep_record:
            self._deliver(messages.address_of(mail.recipient), content)
            _keep(keep_record, mail)

    def close(self) -> None:
        """Leave nothing open."""
        with self._lock:
            for client in self._open:
                client.close()
            self._open.clear()

    def examine(self) -> str:
        """Connect, log in and name the sender, and leave it at that."""
        client = opened(self._server, me=self.domain, patience=_LOOKS_WITHIN)
        try:
            with _before_the_text(self._server):
                _refuse_sender(self._server, client.mail(self._sender.addr_spec))
        finally:
            client.close()
        return f"{self._server.name} takes mail from {self._sender.addr_spec}"

    def _path(self, mail: Mail) -> Path:
        name = record_name(mail.message_id)
        return self._records / name[:_SHELF] / f"{name}.eml"

    # One connection for each thread

    def _deliver(self, recipient: Address, content: bytes) -> None:
        client = self._begun(recipient)
        try:
            _hand_over(client, self._server, recipient, content)
        except BaseException:
            self._drop(client)
            raise
        self._mine.used = time.monotonic()

    def _begun(self, recipient: Address) -> Client:
        """Return a connection on which the server has heard who sends.

        One that was used before may be gone, and nothing is lost by that.
        """
        client, used = getattr(self._mine, "client", None), self._last_used()
        if client is not None and time.monotonic() - used < _IDLE:
            try:
                return self._named(client, recipient)
            except TemporaryError:
                self._drop(client)
        elif client is not None:
            self._drop(client)
        return self._named(self._opened(), recipient)

    def _last_used(self) -> float:
        return float(getattr(self._mine, "used", 0.0))

    def _named(self, client: Client, recipient: Address) -> Client:
        client.deadline = time.monotonic() + WHOLE_WITHIN
        more = []
        if not recipient.username.isascii():
            if not client.has_extn("smtputf8"):
                raise PermanentError(
                    "mail.no_utf8",
                    f"{self._server.name} takes no address with such letters; deliver "
                    "it by other means, and record its delivery",
                )
            more = ["SMTPUTF8"]
        try:
            with _before_the_text(self._server):
                answer = client.mail(self._sender.addr_spec, more)
                _refuse_sender(self._server, answer)
        except BaseException:
            self._drop(client)
            raise
        return client

    def _opened(self) -> Client:
        client = opened(self._server, me=self.domain)
        self._mine.client = client
        with self._lock:
            self._open.add(client)
        return client

    def _drop(self, client: Client) -> None:
        client.close()
        self._mine.client = None
        with self._lock:
            self._open.discard(client)


def _keep(record: Callable[[], None], mail: Mail) -> None:
    """Keep the copy; it was sent, whether that is possible or not."""
    try:
        record()
    except TemporaryError as error:
        log.warn("sent_and_not_recorded", id=str(mail.id), code=error.code)


def _hand_over(
    client: Client, server: Server, recipient: Address, content: bytes
) -> None:
    with _before_the_text(server):
        code, said = client.rcpt(recipient.addr_spec)
        if not _is_yes(code):
            raise _refused(code, said, recipient)
        code, said = client.docmd("DATA")
        if code != _GO_AHEAD:
            raise _refused(code, said, recipient)
    try:
        client.send(_LINE_OF_DOT.sub(b"..", content) + b".\r\n")
        code, said = client.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise UnknownOutcomeError(
            "mail.cut",
            f"{server.name} broke off after it had the letter: it may have been sent",
        ) from error
    if not _is_yes(code):
        raise _refused(code, said, recipient)


@contextmanager
def _before_the_text(server: Server) -> Iterator[None]:
    """Take it that a letter has not left whose text was not sent."""
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        raise TemporaryError(
            "mail.cut_before",
            f"{server.name} broke off before it had the letter",
        ) from error


def _refuse_sender(server: Server, answer: tuple[int, bytes]) -> None:
    """Hold no letter to be refused because of what is set up wrong here."""
    code, _ = answer
    if not _is_yes(code):
        raise TemporaryError(
            "mail.sender",
            f"{server.name} takes nothing from the address in SPORTELLO_SENDER "
            f"({code}), or not now",
        )


def _is_yes(code: int) -> bool:
    return 200 <= code < 300  # noqa: PLR2004 - so RFC 5321 divides them


def _refused(
    code: int, said: bytes, recipient: Address
) -> TemporaryError | PermanentError:
    """Return what an answer means: 5xx is for good, everything else for now."""
    told = f"the mail server refuses it: {code} {_impersonal(said, recipient)}".rstrip()
    if code >= _PERMANENT:
        return PermanentError("mail.refused", told)
    return TemporaryError("mail.not_now", told)


_LONGEST = 120


def _impersonal(said: bytes, recipient: Address) -> str:
    """Return what a server says without whom it speaks of."""
    words = said.decode("ascii", errors="replace").split()
    kept = [
        word
        for word in words
        if "@" not in word and recipient.username.lower() not in word.lower()
    ]
    return "".join(c for c in " ".join(kept) if c.isprintable())[:_LONGEST]
