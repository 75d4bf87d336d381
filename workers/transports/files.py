"""How do letters leave where there is no mail server: as files, for a person?"""

from email.headerregistry import Address
from pathlib import Path

from workers.transports import messages, records
from workflow.rules.postings import record_name
from workflow.services.postings import Mail

_NOWHERE = "sportello.invalid"
"""A domain that nobody has (RFC 2606), where no sender is set."""


class Files:
    """Writes each letter as a file that a mail program can open and send.

    The file is the record: what has one was sent, what has none was not.
    """

    is_certain = True

    def __init__(self, home: Path, sender: Address | None = None) -> None:
        self._folder, self._sender = home / "letters", sender

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self._sender.domain if self._sender else _NOWHERE

    def was_sent(self, mail: Mail) -> bool:
        """Tell whether the letter is there."""
        return self._path(mail).exists()

    def admits(self, recipient: str) -> bool:  # noqa: ARG002 - as every transport
        """Take any number of letters."""
        return True

    def send(self, mail: Mail) -> None:
        """Write a letter."""
        records.keep(self._path(mail), messages.written(mail, self._sender))

    def close(self) -> None:
        """Leave nothing open."""

    def examine(self) -> str:
        """Tell where the letters are."""
        return f"letters are written to {self._folder}"

    def _path(self, mail: Mail) -> Path:
        name = f"{mail.name}-{record_name(mail.message_id)}.eml"
        return self._folder / mail.folder / name
