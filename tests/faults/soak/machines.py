"""What runs on a machine of the office, and by which clock?

Light to import: every process that takes the place of a killed one imports it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.headerregistry import Address
from pathlib import Path

from tests.faults.storms import Post, WallClock
from tests.mailservers import SENDER
from tests.servers import LOOPBACK
from workers.transports.connections import Patience
from workers.transports.pace import Pace
from workers.transports.servers import Server
from workers.transports.smtp import Smtp
from workflow.desk import AnchorFiles, Desk
from workflow.services.postings import Transport

_PATIENCE = Patience(connects=1, answers=1, whole=5)
"""Of the tests, not of the product: a server that hangs costs nobody a minute."""


@dataclass(frozen=True)
class Machine(Post):
    """A machine with a clock of its own; all of them share a folder."""

    name: str = "front"
    ticks_every = 0.5

    @property
    def clock(self) -> WallClock:
        """Its clock: it may be wrong."""
        return WallClock(self.folder / f"clock-{self.name}")

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
        with super().desk() as desk:
            yield replace(desk, anchor_files=self.anchor_files, receipts=self.receipts)

    def transport(self) -> Transport:
        """Return what gives letters to the mail server."""
        assert self.mail_port is not None
        return Smtp(
            Server(LOOPBACK, self.mail_port, is_tls=False),
            sender=Address("Ufficio bandi", addr_spec=SENDER),
            home=self.folder / "home",
            pace=Pace("memory://", a_minute=0),
            patience=_PATIENCE,
        )

    def settings(self) -> dict[str, str]:
        """Return the settings of a command that is typed here now."""
        return {
            "SPORTELLO_DATABASE_URL": self.url,
            "SPORTELLO_BROKER_URL": self.redis_url,
            "SPORTELLO_SMTP_URL": f"smtp://{LOOPBACK}:{self.mail_port}",
            "SPORTELLO_SENDER": SENDER,
            "SPORTELLO_RECEIPTS": str(self.receipts),
            "SPORTELLO_CLOCK": self.clock.now().isoformat(),
            "SPORTELLO_LOCK_WAIT": "20",
        }
