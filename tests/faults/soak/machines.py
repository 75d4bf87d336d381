"""What runs on a machine of the office, and by which clock?

Light to import: every process that takes the place of a killed one imports it.
"""

import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from email.headerregistry import Address
from io import StringIO
from pathlib import Path
from typing import Any

import dramatiq.brokers.redis
import dramatiq.worker
from dramatiq.common import current_millis

from tests.faults.soak import hostclocks
from tests.faults.storms import HEARTBEAT, Does, Post, WallClock, be_impatient
from tests.mailservers import SENDER
from tests.servers import LOOPBACK
from workers.transports.connections import Patience
from workers.transports.pace import Pace
from workers.transports.servers import Server
from workers.transports.smtp import Smtp
from workflow.ambient import Ambient, SystemAmbient
from workflow.desk import AnchorFiles, Desk
from workflow.services.postings import Transport

_PATIENCE = Patience(connects=1, answers=1, whole=5)
"""Of the tests, not of the product: a server that hangs costs nobody a minute."""

_LETTERS_A_MINUTE = 6_000
"""More than there are: so each is counted, and none waits for a minute to be over."""

_DEATH_OF_THE_PARENT = 1
"""`PR_SET_PDEATHSIG` of prctl(2)."""


@dataclass(frozen=True)
class Machine(Post):
    """A machine with a clock of its own; all of them share a folder."""

    name: str = "front"
    counts: bool = False
    """Whether its clock counts as that of a host, not as that of a rehearsal."""
    ticks_every = 0.5
    is_witnessed = False  # its disk may be full

    @property
    def clock(self) -> WallClock:
        """Its clock: it may be wrong."""
        return WallClock(self.folder / f"clock-{self.name}", not self.counts)

    def start(self, does: Does) -> Any:
        """Start somebody there, for whom all tells the time of its clock."""
        if not hostclocks.LIBRARY:
            return super().start(does)
        return hostclocks.start(does, self, self.clock.path)

    def be_wrong_by(self, seconds: float) -> None:
        """Let all else that tells the time there be as wrong as its clock."""
        beside = self._wrong.with_suffix(".new")
        beside.write_text(f"{seconds}", encoding="ascii")
        beside.replace(self._wrong)

    @property
    def _wrong(self) -> Path:
        return self.folder / f"wrong-{self.name}"

    def _keep_its_time(self) -> None:
        """Have the library of the broker be wrong, too, in this process.

        It sends its time with whatever it asks of Redis, and by that decides who has
        been silent for so long that he must be dead, and when to try again.
        """

        def millis() -> int:
            return current_millis() + round(1_000 * float(self._wrong.read_text()))

        for module in (dramatiq.brokers.redis, dramatiq.worker):
            vars(module)["current_millis"] = millis

    @property
    def receipts(self) -> Path:
        """Where receipts of certified mail are put."""
        return self.folder / "maildir"

    @property
    def anchor_files(self) -> AnchorFiles:
        """What the register is sealed with."""
        home = self.folder / "home"
        return AnchorFiles(home / "keys" / "register.pem", home / "anchors.jsonl")

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Sit down at a desk that seals the register and takes receipts in.

        What this process logs from then on is kept.
        """
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
        os.dup2(os.open(self.folder / "log", flags, 0o600), sys.stderr.fileno())
        ambient: Ambient = self.clock
        if not hostclocks.LIBRARY:
            self._keep_its_time()
        elif self.counts:
            ambient = SystemAmbient()
        with super().desk() as desk:
            yield replace(
                desk,
                ambient=ambient,
                anchor_files=self.anchor_files,
                receipts=self.receipts,
            )

    def transport(self) -> Transport:
        """Return what gives letters to the mail server."""
        assert self.mail_port is not None
        return Smtp(
            Server(LOOPBACK, self.mail_port, is_tls=False),
            sender=Address("Ufficio bandi", addr_spec=SENDER),
            home=self.folder / "home",
            pace=Pace(self.redis_url, a_minute=_LETTERS_A_MINUTE),
            patience=_PATIENCE,
        )

    def settings(self) -> dict[str, str]:
        """Return the settings of a command that is typed or started here now."""
        return {
            "SPORTELLO_HOME": str(self.folder / "home"),
            "SPORTELLO_MAIL_RATE": f"{_LETTERS_A_MINUTE}",
            "SPORTELLO_DATABASE_URL": self.url,
            "SPORTELLO_BROKER_URL": self.redis_url,
            "SPORTELLO_SMTP_URL": f"smtp://{LOOPBACK}:{self.mail_port}",
            "SPORTELLO_SENDER": SENDER,
            "SPORTELLO_RECEIPTS": str(self.receipts),
            "SPORTELLO_CLOCK": self.clock.now().isoformat(),
            "SPORTELLO_LOCK_WAIT": "20",
        }


# What is started there as an operator starts it


def serving_by_command(post: Machine) -> None:
    """Run `sportello worker`, with hands."""
    _run(post, "worker", "--processes", "2", "--threads", "3", *_BEATS)


def scheduling_by_command(post: Machine) -> None:
    """Run `sportello scheduler`."""
    _run(post, "scheduler", "--every", f"{post.ticks_every:g}")


_BEATS = ("--heartbeat", f"{HEARTBEAT}")


def _run(post: Machine, *words: str) -> None:
    """Run a command until it is told to end, by the clock of its machine."""
    # The whole command line: whoever types nothing does not load it.
    from cli import main  # noqa: PLC0415 - see above

    _end_with_the_tests()
    faulthandler.register(signal.SIGUSR1)
    be_impatient()
    os.environ.update(post.settings())
    with post.desk() as desk, redirect_stdout(StringIO()):
        main(words, obj=desk)


def _end_with_the_tests() -> None:
    """Have the kernel kill this process, should they die and not have killed it.

    Their end ends the fork server, which is the parent of all of these.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    failed = libc.prctl(_DEATH_OF_THE_PARENT, signal.SIGKILL)
    assert not failed, os.strerror(ctypes.get_errno())
