"""Where do the letters of tests go that are not about sending?"""

from dataclasses import dataclass, field
from pathlib import Path

from tests.builders import Office
from workers.transports.files import Files
from workflow.services import outbox
from workflow.services.postings import Mail


def files(folder: Path) -> Files:
    """Return what writes letters beside the other things of a test."""
    return Files(folder / "home")


@dataclass
class Postbox:
    """A transport that takes everything and remembers it."""

    mails: list[Mail] = field(default_factory=list)
    is_certain: bool = True
    domain: str = "pec.example.it"

    def was_sent(self, mail: Mail) -> bool:
        return mail.message_id in {sent.message_id for sent in self.mails}

    def admits(self, recipient: str) -> bool:
        return True

    def send(self, mail: Mail) -> None:
        self.mails.append(mail)

    def close(self) -> None:
        """It has nothing open."""

    def examine(self) -> str:
        return "a postbox"


def send_all(work: Office) -> Postbox:
    """Send everything that waits to be sent."""
    postbox = Postbox()
    for job in outbox.to_send(work.desk, most=9_999, resend=None):
        outbox.do(work.desk, job.id, postbox)
    return postbox
