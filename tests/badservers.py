"""Where do the tests get a mail server that fails them at one stage?"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from pathlib import Path
from typing import Any, BinaryIO

from tests.mailservers import SENDER
from tests.servers import LOOPBACK
from workers.transports.connections import Patience
from workers.transports.pace import Pace
from workers.transports.servers import Server
from workers.transports.smtp import Smtp

CUT, HANG, TRICKLE = b"cut", b"hang", b"trickle"
"""What it does at a stage: break off, say nothing, or talk and never come to an end."""

BEFORE = ("banner", "EHLO", "STARTTLS", "handshake", "AUTH", "MAIL", "RCPT", "DATA")
STAGES = (*BEFORE, "text", "dot")
"""Where: before it answers, in the middle of the text, and after its end."""

LONG = "Si comunica che la domanda\n" * 200_000
"""More of a text than fits into the buffers on the way."""

_USUAL = {
    "banner": b"220 bad.test\r\n",
    "EHLO": b"250-bad.test\r\n250-SMTPUTF8\r\n250 AUTH PLAIN\r\n",
    "STARTTLS": b"220 go ahead\r\n",
    "AUTH": b"235 come in\r\n",
    "DATA": b"354 go ahead\r\n",
    "QUIT": b"221 bye\r\n",
}
_TLS = b"250-bad.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
_SMALL = 2_048


@dataclass
class BadServer:
    """Takes letters, but for one: there it fails at one stage."""

    stage: str
    how: bytes
    """How it fails; else it is what it says there."""
    good: int = 0
    """How many letters it takes on each connection before it fails."""
    received: int = 0
    connections: int = 0
    reached: bool = False
    _listening: socket.socket = field(default_factory=socket.socket)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def transport(self, folder: Path, patience: Patience, **server: Any) -> Smtp:
        """Return what sends to it, with a record of its own."""
        about = {"host": LOOPBACK, "user": "bandi", "password": "segreto", **server}
        return Smtp(
            Server(port=self.port, is_tls=False, **about),
            sender=Address("Ufficio bandi", addr_spec=SENDER),
            home=folder / f"{self.stage}-{self.how[:9]!r}",
            pace=Pace("memory://", a_minute=0),
            patience=patience,
        )

    def start(self) -> None:
        # Little fits on the way, so that who writes has to wait for who reads.
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self._listening.bind((LOOPBACK, 0))
        self._listening.listen()
        self._run(self._accept)

    def stop(self) -> None:
        self._over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(30)

    def _run(self, work: Any, *given: Any) -> None:
        self._threads.append(threading.Thread(target=work, args=given, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):  # when it is stopped
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            self._talk(connection, lines)

    def _talk(self, to: socket.socket, lines: BinaryIO) -> None:
        taken = 0
        goes_on = self._says(to, "banner", taken)
        while goes_on and (line := lines.readline()):
            stage = line.split()[0].decode().upper()
            goes_on = self._says(to, stage, taken)
            if stage == "STARTTLS":
                self._says(to, "handshake", taken)
                return
            if stage == "DATA" and goes_on:
                goes_on = self._takes(to, lines, taken)
                taken += 1

    def _takes(self, to: socket.socket, lines: BinaryIO, taken: int) -> bool:
        lines.readline()
        if self._is_to_fail("text", taken):
            return self._says(to, "text", taken)
        while (line := lines.readline()) != b".\r\n":
            if not line:
                return False
        self.received += 1
        return self._says(to, "dot", taken)

    def _is_to_fail(self, stage: str, taken: int) -> bool:
        return stage == self.stage and taken >= self.good

    def _says(self, to: socket.socket, stage: str, taken: int) -> bool:
        """Answer, or fail; tell whether the talk goes on."""
        usual = _USUAL.get(stage, b"250 OK\r\n")
        if stage == "EHLO" and self.stage in {"STARTTLS", "handshake"}:
            usual = _TLS
        if not self._is_to_fail(stage, taken):
            if stage != "handshake":
                to.sendall(usual)
            return True
        self.reached = True
        if self.how == HANG:
            self._over.wait(60)
        elif self.how == TRICKLE:
            while not self._over.wait(0.02):
                to.sendall(b"250-wait\r\n")
        elif self.how == CUT:
            if stage == "handshake":  # Python forgets to close what is reset by then
                return False
            to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            to.sendall(self.how)
            return True
        return False


@contextmanager
def bad_server(stage: str, how: bytes, *, good: int = 0) -> Iterator[BadServer]:
    """Run a mail server that fails at a stage."""
    server = BadServer(stage, how, good)
    server.start()
    try:
        yield server
    finally:
        server.stop()
