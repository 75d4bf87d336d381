"""What is a call asked to do?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from config.schema import CallDefinition
from models.vocabulary import CallEvent
from workflow.facts import ActFacts
from workflow.machine import Inputs
from workflow.moves.calls import SetFacts


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call is to do, and why."""

    event: CallEvent
    inputs: Inputs = field(default_factory=Inputs)
    act: ActFacts | None = None
    reason: str | None = None
    new: CallDefinition | None = None
    """The version to add."""
    as_of: datetime | None = None
    """The instant that counts by law, if it is not the present one."""
    findings: Mapping[str, Any] = field(default_factory=dict)
    ranked: SetFacts | None = None
    """What is known of the set that is to be ranked."""
