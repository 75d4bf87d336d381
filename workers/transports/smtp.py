"""How is a letter given to a mail server, and what does its answer mean?"""

import re
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.headerregistry import Address
from pathlib import Path

from config.logs import log
from workers.transports import messages, records
from workers.transports.connections import Client, Patience, TimeLeft
from workers.transports.pace import Pace
from workers.transports.servers import Server, opened
from workflow.errors import PermanentError, TemporaryError, UnknownOutcomeError
from workflow.rules import failures
from workflow.rules.postings import domain_of, record_name
from workflow.services.postings import Mail

_IDLE = 60.0
"""Seconds after which a connection is not trusted to be there any more."""

_LOOKS_WITHIN = 5.0
USUAL = Patience()
_GO_AHEAD = 354
_TEMPORARY, _PERMANENT, _NONE = 400, 500, 600
"""Where the answers begin that say so (RFC 5321, 4.2.1)."""

_DOT = b".\r\n"
_LINE_OF_DOT = re.compile(rb"(?m)^\.")
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
        self,
        server: Server,
        *,
        sender: Address,
        home: Path,
        pace: Pace,
        patience: Patience = USUAL,
    ) -> None:
        self._server, self._sender, self._pace = server, sender, pace
        self._patience = patience
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
        """Give a letter to the server, in one time for all that this takes."""
        left = TimeLeft(self._patience)
        content = messages.written(mail, self._sender)
        with records.prepared(self._path(mail), content) as keep_record:
            self._deliver(messages.address_of(mail.recipient), content, left)
            _keep(keep_record, mail)

    def close(self) -> None:
        """Leave nothing open."""
        with self._lock:
            for client in self._open:
                client.close()
            self._open.clear()

    def examine(self) -> str:
        """Connect, log in and name the sender, and leave it at that."""
        left = TimeLeft(replace(self._patience, whole=_LOOKS_WITHIN))
        client = opened(self._server, me=self.domain, left=left)
        try:
            with _before_the_dot(self._server):
                _refuse_sender(self._server, client.mail(self._sender.addr_spec))
        finally:
            client.close()
        return f"{self._server.name} takes mail from {self._sender.addr_spec}"

    def _path(self, mail: Mail) -> Path:
        name = record_name(mail.message_id)
        return self._records / name[:_SHELF] / f"{name}.eml"

    # One connection for each thread

    def _deliver(self, recipient: Address, content: bytes, left: TimeLeft) -> None:
        client = self._begun(recipient, left)
        try:
            _hand_over(client, self._server, recipient, content)
        except BaseException:
            self._drop(client)
            raise
        self._mine.used = time.monotonic()

    def _begun(self, recipient: Address, left: TimeLeft) -> Client:
        """Return a connection on which the server has heard who sends.

        One that was used before may be gone, and nothing is lost by that.
        """
        client, used = getattr(self._mine, "client", None), self._last_used()
        if client is not None and time.monotonic() - used < _IDLE:
            client.left = left
            try:
                return self._named(client, recipient)
            except TemporaryError:
                self._drop(client)
        elif client is not None:
            self._drop(client)
        return self._named(self._opened(left), recipient)

    def _last_used(self) -> float:
        return float(getattr(self._mine, "used", 0.0))

    def _named(self, client: Client, recipient: Address) -> Client:
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
            with _before_the_dot(self._server):
                answer = client.mail(self._sender.addr_spec, more)
                _refuse_sender(self._server, answer)
        except BaseException:
            self._drop(client)
            raise
        return client

    def _opened(self, left: TimeLeft) -> Client:
        client = opened(self._server, me=self.domain, left=left)
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
    with _before_the_dot(server):
        code, said = client.rcpt(recipient.addr_spec)
        if not _is_yes(code):
            raise _refused(code, said)
        code, said = client.docmd("DATA")
        if code != _GO_AHEAD:
            raise _refused(code, said)
        client.send(_LINE_OF_DOT.sub(b"..", content))
    code, said = _after_the_dot(client, server)
    if not _is_yes(code):
        raise _refused(code, said)


def _after_the_dot(client: Client, server: Server) -> tuple[int, bytes]:
    """End the letter; from then on only a yes or a no tells what became of it."""
    try:
        client.send(_DOT)
        code, said = client.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise UnknownOutcomeError(
            "mail.cut",
            f"{server.name} broke off after it had the letter: it may have been sent",
        ) from error
    if not (_is_yes(code) or _TEMPORARY <= code < _NONE):
        raise UnknownOutcomeError(
            "mail.no_answer",
            f"{server.name} had the letter and answered neither yes nor no ({code}): "
            "it may have been sent",
        )
    return code, said


@contextmanager
def _before_the_dot(server: Server) -> Iterator[None]:
    """Take it that a letter has not left whose end was not sent (RFC 5321, 4.1.1.4)."""
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


def _refused(code: int, said: bytes) -> TemporaryError | PermanentError:
    """Return what an answer means: 5xx is for good, everything else for now."""
    words = said.decode("ascii", errors="replace")
    told = f"the mail server refuses it: {failures.answered(code, words)}"
    if code >= _PERMANENT:
        return PermanentError("mail.refused", told)
    return TemporaryError("mail.not_now", told)
