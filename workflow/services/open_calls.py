"""What is held while a call is locked?"""

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session

from config.schema import CallDefinition
from models.batch import Batch
from models.tables import Application, Call, CallVersion
from models.vocabulary import QUEUED_STATES
from workflow.desk import Desk
from workflow.machine import Table
from workflow.moves.families import TABLES
from workflow.services import funds, lookups


class Rules(NamedTuple):
    """A version of a call, and the hash under which it is frozen."""

    definition: CallDefinition
    fingerprint: str


@dataclass
class OpenCall:
    """A call that is locked, and all that its transaction is going to write."""

    session: Session
    desk: Desk
    call: Call
    batch: Batch = field(init=False)
    began: int = field(init=False)
    """The last entry of the call before anything was done."""
    unfunded: int = 0
    """Cents reserved so far for which no fund has been charged yet."""
    responsible: dict[UUID, str] | None = None
    """Officers who have that role, by name, once somebody has asked."""

    _known: dict[int, Rules] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Begin with nothing to write."""
        self.batch = Batch(self.session)
        self.began = self.call.head_seq

    @property
    def table(self) -> Table:
        """The table of moves that the call follows."""
        return TABLES[self.call.family]

    def as_worker(self, channel: str) -> "OpenCall":
        """Return the same call, worked on by nobody in person."""
        self.flush()
        worker = self.desk.as_worker(channel)
        return OpenCall(self.session, worker, self.call, responsible=self.responsible)

    def rules(self, version: int | None = None) -> Rules:
        """Return a version of the call: the one in force unless another is named."""
        number = self.call.version if version is None else version
        if number not in self._known:
            row = self.session.get_one(CallVersion, (self.call.id, number))
            definition = lookups.rules_of(self.session, self.call.id, number)
            self._known[number] = Rules(definition, row.fingerprint)
        return self._known[number]

    def without_money(self, application: Application) -> int:
        """Return the cents that a file waits for, if it holds a place without them.

        What came by another channel holds no place.
        """
        channel = self.rules(application.call_version).definition.filing.channel
        waits = (
            application.state in QUEUED_STATES
            and application.channel == channel
            and application.reserved < application.requested
        )
        return application.requested if waits else 0

    def flush(self) -> None:
        """Write everything that has been gathered so far."""
        self.batch.flush()
        if self.unfunded:
            funds.take(self.session, self.call, self.unfunded)
            self.unfunded = 0
