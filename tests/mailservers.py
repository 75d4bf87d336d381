"""Where do the tests get a real mail server that does as it is told?"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tests.servers import LOOPBACK, free_port
from workers.transports.pace import Pace
from workers.transports.servers import Server
from workers.transports.smtp import Smtp
from workflow.services.postings import Mail

SENDER = "bandi@pec.regione.example.it"
CUT = "cut"
"""In the place of an answer: the connection is cut."""


@dataclass(frozen=True)
class Received:
    """A mail that the server had whole, whatever it said to it."""

    recipient: str
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def id(self) -> str:
        """What stands before the @ of its Message-ID."""
        return str(self.mail["Message-ID"]).strip("<>").partition("@")[0]


@dataclass
class MailServer:
    """A mail server on a port of its own, with answers prepared for what comes."""

    port: int
    settings: dict[str, Any] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    answers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What it says next at a stage, or to a recipient; usually yes."""
    when_it_has_one: Callable[[Received], None] = lambda _: None
    _controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        self._controller = _Controller(self)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def answer(self, stage: str, usual: str = "250 OK") -> str:
        return self.answers[stage].pop(0) if self.answers[stage] else usual

    def ids(self) -> list[str]:
        """Return which letters came, each time that one did."""
        return [one.id for one in self.received]

    def transport(self, folder: Path, *, a_minute: int = 0, **server: Any) -> Smtp:
        """Return what sends to it, with its record in a folder."""
        about = {"host": LOOPBACK, "port": self.port, "is_tls": False, **server}
        return Smtp(
            Server(**about),
            sender=Address("Ufficio bandi", addr_spec=SENDER),
            home=folder / "home",
            pace=Pace("memory://", a_minute=a_minute),
        )


class _Controller(Controller):
    def __init__(self, server: MailServer) -> None:
        self._mine = server
        super().__init__(
            _Handler(server),
            hostname=LOOPBACK,
            port=server.port,
            ready_timeout=30,
        )

    def factory(self) -> SMTP:
        self._mine.connections += 1
        return _Session(
            self.handler, own=self._mine, hostname="mail.test", **self._mine.settings
        )


class _Session(SMTP):
    """Takes mail, or cuts the connection where it is told to."""

    def __init__(self, *args: Any, own: MailServer, **more: Any) -> None:
        self._own = own
        super().__init__(*args, **more)

    def cut(self) -> str:
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.abort()
        return ""

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - its name there
        if self._own.answer("EHLO") == CUT:
            self.cut()
            return
        await super().smtp_EHLO(hostname)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the same
        said = self._own.answer("DATA", "354")
        if said == CUT:
            self.cut()
        elif said != "354":
            await self.push(said)
        else:
            await super().smtp_DATA(arg)


class _Handler:
    def __init__(self, own: MailServer) -> None:
        self._own = own

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:  # noqa: N802 - aiosmtpd's
        said = self._own.answer("MAIL")
        if said == CUT:
            return str(server.cut())
        envelope.mail_from = address
        return said

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802 - the same
        said = self._own.answer(address, self._own.answer("RCPT"))
        if said == CUT:
            return str(server.cut())
        envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - the same
        assert len(envelope.rcpt_tos) == 1, "one recipient for each letter"
        one = Received(envelope.rcpt_tos[0], envelope.content)
        said = self._own.answer("TEXT")
        if said.startswith(("250", CUT)):
            self._own.received.append(one)
            self._own.when_it_has_one(one)
        return str(server.cut()) if said == CUT else said


def login(user: str, password: str) -> Callable[..., AuthResult]:
    """Return what lets one user in."""

    def check(_server, _session, _envelope, _mechanism, given) -> AuthResult:
        good = (given.login, given.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=False)

    return check


@contextmanager
def mail_server(**settings: Any) -> Iterator[MailServer]:
    """Run a mail server."""
    server = MailServer(free_port(), settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def tls_of(folder: Path) -> ssl.SSLContext:
    """Return the TLS of a server whose certificate is `folder/server.pem`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def a_mail(**changes: Any) -> Mail:
    """Return a letter to be sent."""
    identity = changes.pop("id", UUID("01a2043d-8030-74ab-9455-b3058e3710ae"))
    usual = {
        "id": identity,
        "message_id": f"<{identity}@pec.regione.example.it>",
        "recipient": "cluster1@pec.example.it",
        "subject": "Avviso: la domanda è ricevuta",
        "body": "Si comunica che la domanda è ricevuta.\n.\nCordiali saluti\n",
        "at": datetime(2026, 1, 20, 9, tzinfo=UTC),
        "folder": "RLF12025051244",
        "name": "2026-0000001-grant",
    }
    return Mail(**{**usual, **changes})
