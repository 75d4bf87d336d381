"""How long is a mail server waited for, and what counts as its answer?"""

import io
import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

_PIECE = 1 << 14
"""Bytes that are sent at once: for each there is the time that is left."""

_A_MOMENT = 0.001
_MOST_LINES, _LONGEST_LINE = 100, 4096
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r\n]*))?\r?\n")
"""One line of an answer (RFC 5321, 4.2): a code, a dash if more follow, words."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a mail server is waited for."""

    connects: float = 10.0
    answers: float = 60.0
    whole: float = 200.0
    """For a letter, from beginning to end, on however many connections: less than
    after which an attempt counts as broken off, and another worker begins."""


class TimeLeft:
    """What is left of the time for one letter."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._ends = time.monotonic() + patience.whole

    def to_connect(self) -> float:
        """Return how long to wait for a connection.

        Raises:
            TimeoutError: nothing is left.
        """
        return self._at_most(self._patience.connects)

    def to_answer(self) -> float:
        """Return how long to wait for the next sign of life.

        Raises:
            TimeoutError: nothing is left.
        """
        return self._at_most(self._patience.answers)

    def _at_most(self, seconds: float) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, seconds)


class Client(smtplib.SMTP):
    """A connection that answers in time and in order, or is taken for lost."""

    def __init__(
        self, host: str, port: int, *, me: str, is_tls: bool, left: TimeLeft
    ) -> None:
        self.left = left
        """For the letter that it serves now."""
        self._tls = ssl.create_default_context() if is_tls else None
        super().__init__(host, port, local_hostname=me)

    def getreply(self) -> tuple[int, bytes]:
        """Wait for an answer.

        What is none ends the connection: nobody knows what the next would be about.
        """
        try:
            code, said = self._answer()
        except (OSError, smtplib.SMTPException):
            self.close()
            raise
        # What follows may not be an answer: TLS is begun on the bare socket.
        self._wait(self._left_or_a_moment())
        return code, said

    def send(self, s: Any) -> None:  # noqa: ANN401 - as the library has it
        """Send, if the other side takes it in time."""
        whole = s.encode(self.command_encoding) if isinstance(s, str) else bytes(s)
        for begin in range(0, len(whole), _PIECE):
            self._wait(self.left.to_answer())
            super().send(whole[begin : begin + _PIECE])

    def _answer(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(_InTime(self))
        codes: set[bytes] = set()
        said: list[bytes] = []
        while len(said) < _MOST_LINES:
            line = _LINE.fullmatch(self.file.readline(_LONGEST_LINE))
            if line is None:
                break
            codes.add(line[1])
            said.append((line[3] or b"").strip())
            if line[2] != b"-":
                if len(codes) > 1:
                    break
                return int(line[1]), b"\n".join(said)
        raise smtplib.SMTPServerDisconnected("it broke off, or gave no answer")

    def _left_or_a_moment(self) -> float:
        try:
            return self.left.to_answer()
        except TimeoutError:
            return _A_MOMENT

    def _wait(self, seconds: float) -> None:
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def read_into(self, buffer: Any) -> int:  # noqa: ANN401 - as below
        """Read what has come, and wait for it as long as there is time."""
        if self.sock is None:
            return 0
        self._wait(self.left.to_answer())
        return self.sock.recv_into(buffer)

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:  # noqa: ANN401, ARG002 - as the library has it
        plain = self._connected(host, port)
        # The end of a letter is sent by itself, and is not to wait for an echo.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return plain
        try:
            plain.settimeout(self.left.to_connect())
            return self._tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def _connected(self, host: str, port: int) -> socket.socket:
        """Try each address of a server; all of them have one time."""
        failed = OSError(f"{host} has no address")
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            where = (str(address[0]), int(address[1]))
            try:
                return socket.create_connection(where, self.left.to_connect())
            except OSError as error:
                failed = error
        raise failed


class _InTime(io.RawIOBase):
    """What a client reads from: each time there is less left."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as the library has it
        return self._client.read_into(buffer)
