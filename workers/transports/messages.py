"""What does a letter look like as a mail (RFC 5322)?"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from models import addresses
from models.addresses import AddressError
from workflow.errors import PermanentError
from workflow.services.postings import Mail

_UTF8 = SMTP.clone(utf8=True)


def written(mail: Mail, sender: Address | None) -> bytes:
    """Write a letter as a mail, ready to be sent: UTF-8, lines that end in CRLF.

    Without a sender it is a file to be sent by other means.

    Raises:
        PermanentError: the recipient or the subject can stand in no mail.
    """
    recipient = address_of(mail.recipient)
    policy = SMTP if recipient.username.isascii() else _UTF8
    message = EmailMessage(policy=policy)
    try:
        if sender is not None:
            message["From"] = sender
        message["To"] = recipient
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(mail.at)
        # No robot is to answer it, neither on holiday nor otherwise (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        # Quoted-printable passes through any server and still reads as a text.
        message.set_content(mail.body, cte="quoted-printable")
        # The library would break this line, which is what every receipt is matched by.
        named = f"Message-ID: {mail.message_id}\r\n".encode("ascii")
        return named + message.as_bytes()
    except ValueError as error:  # a line break in a header, or half a character
        raise PermanentError(
            "mail.unwritable",
            "the letter has characters that can stand in no mail; deliver it by other "
            "means, and record its delivery",
        ) from error


def address_of(recipient: str) -> Address:
    """Return a recipient as an address that a server can be told.

    Raises:
        PermanentError: it is none.
    """
    try:
        known = addresses.read(recipient)
    except AddressError as error:
        raise PermanentError(
            "mail.address",
            "the recipient's address is none that mail can be sent to; deliver the "
            "letter by other means, and record its delivery",
        ) from error
    return Address(username=known.local, domain=known.domain)
