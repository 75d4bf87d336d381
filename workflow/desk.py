"""What is a service given to work with?"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Engine

from workflow.ambient import Ambient, HeldAmbient
from workflow.anchors.stamps import Authority

SOFTWARE = "0.4.0"
"""The version that stands in each entry of the register."""


class IdentityKind(StrEnum):
    """How it was established who is acting."""

    DECLARED = "declared"
    """The operator says so: good for one machine and for rehearsals."""
    OS = "os"
    """The login of the operating system, the real one behind sudo."""
    DATABASE = "database"
    """The session user of the database."""
    SYSTEM = "system"
    """A worker: it never carries a person's name."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who claims to be acting."""

    kind: IdentityKind
    login: str | None


@dataclass(frozen=True, slots=True)
class AnchorFiles:
    """Where the register is sealed, outside of the database."""

    key: Path
    """The private key that signs anchors."""
    lines: Path
    """The anchors themselves, one a line."""
    authority: Authority | None = None
    """Who stamps the time of each; none if nobody does."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The database, the clock, and who is sitting here.

    `typed_at` is when the command was given: what changed after it changed
    under the operator's eyes.
    """

    engine: Engine
    ambient: Ambient
    identity: Identity
    typed_at: datetime
    channel: str = "cli"
    patience: float = 30
    """Seconds for which somebody else's command is waited for."""
    anchor_files: AnchorFiles | None = None
    """Without them nothing is sealed here."""
    receipts: Path | None = None
    """The one folder from which receipts of certified mail are taken in."""

    def as_worker(self, channel: str = "worker") -> "Desk":
        """Return the same desk with nobody sitting at it."""
        return replace(
            self, identity=Identity(IdentityKind.SYSTEM, None), channel=channel
        )

    def at_one_instant(self) -> "Desk":
        """Return the same desk with a clock that stands still from now on.

        What is found due, and what is decided after it, must not be of two sides of
        the end of a term.
        """
        return replace(self, ambient=HeldAmbient(self.ambient, self.ambient.now()))

    def as_officer(self, login: str) -> "Desk":
        """Return the same desk with a declared officer at it, from now on."""
        return replace(
            self,
            identity=Identity(IdentityKind.DECLARED, login),
            typed_at=self.ambient.now(),
        )
