"""Which mail server, by whom, and how do we get there?"""

import smtplib
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from workers.transports.connections import Client, TimeLeft
from workflow.errors import TemporaryError

_PORTS = {"smtp": 25, "smtp+plain": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, as SPORTELLO_SMTP_URL names it."""

    host: str
    port: int
    is_tls: bool
    """TLS from the first byte; else it is begun where the server offers it."""
    user: str | None = None
    password: str | None = None
    may_be_plain: bool = False
    """Whether letters may go over a net in the clear, because its owner says so."""

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
            may_be_plain=parts.scheme == "smtp+plain",
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


def opened(server: Server, *, me: str, left: TimeLeft) -> Client:
    """Open a connection that is ready to take a letter.

    Raises:
        TemporaryError: there is none now. That is the fault of no letter.
    """
    try:
        return _opened(server, me=me, left=left)
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
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise TemporaryError(
            "mail.unreachable",
            f"{server.name} does not answer ({type(error).__name__}); check "
            "SPORTELLO_SMTP_URL and whether the mail server is running",
        ) from error


def _opened(server: Server, *, me: str, left: TimeLeft) -> Client:
    client = Client(server.host, server.port, me=me, is_tls=server.is_tls, left=left)
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
    """Begin TLS where it is offered; without it no letter leaves this machine.

    Letters are about people, and passwords let others write in our name. Who trusts
    the net in between says so for the letters, and nobody can for a password.

    A server on this machine that wants no password is spoken to as it is: nobody
    is in between, and its certificate is seldom one that verifies.
    """
    has_password = server.password is not None
    if server.is_tls or (server.is_here and not has_password):
        return
    if client.has_extn("starttls"):
        client.starttls(context=ssl.create_default_context())
        client.ehlo_or_helo_if_needed()
    elif not server.is_here and (has_password or not server.may_be_plain):
        raise TemporaryError(
            "mail.plain",
            f"{server.name} offers no TLS, and letters would be sent in the clear; "
            "write smtps:// in SPORTELLO_SMTP_URL, or, if the net in between is to be "
            "trusted, smtp+plain:// without a password",
        )
