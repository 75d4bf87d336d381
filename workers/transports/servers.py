"""Which mail server, by whom, and how do we get there?"""

import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from workflow.errors import TemporaryError

_CONNECTS_WITHIN, _ANSWERS_WITHIN = 10.0, 60.0
"""Seconds, for the connection and for each answer."""

WHOLE_WITHIN = 200.0
"""Seconds for a whole letter: less than after which an attempt counts as broken off."""

_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, as SPORTELLO_SMTP_URL names it."""

    host: str
    port: int
    is_tls: bool
    """TLS from the first byte; else it is begun where the server offers it."""
    user: str | None = None
    password: str | None = None

    @classmethod
    def at(cls, address: str) -> "Server":
        """Read an address: `smtp://user:password@host:port`."""
        parts = urlsplit(address)
        user, password = parts.username, parts.password
        return cls(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            is_tls=parts.scheme == "smtps",
            user=None if user is None else unquote(user),
            password=None if password is None else unquote(password),
        )

    @property
    def name(self) -> str:
        """How people name it."""
        return f"{self.host}:{self.port}"

    @property
    def is_here(self) -> bool:
        """Whether nobody is between us and it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Client(smtplib.SMTP):
    """A connection that answers in time, or is taken for lost."""

    def __init__(self, server: Server, *, me: str, patience: float) -> None:
        self.deadline = time.monotonic() + patience
        self._tls = ssl.create_default_context() if server.is_tls else None
        super().__init__(
            server.host,
            server.port,
            local_hostname=me,
            timeout=min(patience, _CONNECTS_WITHIN),
        )

    def getreply(self) -> tuple[int, bytes]:
        """Wait for an answer, and not for ever."""
        self._set_patience()
        return super().getreply()

    def send(self, s: Any) -> None:  # noqa: ANN401 - as the library has it
        """Send, if the other side takes it."""
        self._set_patience()
        super().send(s)

    def _set_patience(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            self.close()
            raise smtplib.SMTPServerDisconnected("it took too long")
        if self.sock is not None:
            self.sock.settimeout(min(left, _ANSWERS_WITHIN))

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        if self._tls is None:
            return plain
        return self._tls.wrap_socket(plain, server_hostname=host)


def opened(server: Server, *, me: str, patience: float = WHOLE_WITHIN) -> Client:
    """Open a connection that is ready to take a letter.

    Raises:
        TemporaryError: there is none now. That is the fault of no letter.
    """
    try:
        return _opened(server, me=me, patience=patience)
    except smtplib.SMTPAuthenticationError as error:
        raise TemporaryError(
            "mail.login",
            f"{server.name} does not let us in ({error.smtp_code}); check the user and "
            "the password in SPORTELLO_SMTP_URL",
        ) from error
    except smtplib.SMTPResponseException as error:
        raise TemporaryError(
            "mail.unwilling", f"{server.name} is not willing now: {error.smtp_code}"
        ) from error
    except ssl.SSLError as error:
        raise TemporaryError(
            "mail.tls",
            f"the connection to {server.name} is not secure ({error.reason}); check "
            "its certificate",
        ) from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise TemporaryError(
            "mail.unreachable",
            f"{server.name} does not answer ({type(error).__name__}); check "
            "SPORTELLO_SMTP_URL and whether the mail server is running",
        ) from error


def _opened(server: Server, *, me: str, patience: float) -> Client:
    client = Client(server, me=me, patience=patience)
    try:
        client.ehlo_or_helo_if_needed()
        _secure(client, server)
        if server.user is not None:
            client.login(server.user, server.password or "")
    except BaseException:
        client.close()
        raise
    return client


def _secure(client: Client, server: Server) -> None:
    """Begin TLS where it is offered; without it no password leaves this machine.

    A server on this machine that wants no password is spoken to as it is: nobody
    is in between, and its certificate is seldom one that verifies.
    """
    has_password = server.password is not None
    if server.is_tls or (server.is_here and not has_password):
        return
    if client.has_extn("starttls"):
        client.starttls(context=ssl.create_default_context())
        client.ehlo_or_helo_if_needed()
    elif has_password and not server.is_here:
        raise TemporaryError(
            "mail.plain",
            f"{server.name} offers no TLS, and the password would be sent in the "
            "clear; write smtps:// in SPORTELLO_SMTP_URL, or leave the password out",
        )
