"""Which addresses can mail be sent to?"""

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 254
"""Bytes of an address, as mail servers are told it (RFC 5321, 4.5.3.1.3)."""

EXAMPLE = "office@pec.example.it"

_LONGEST_LOCAL = 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+$){_LABEL}")
"""Two names at least; one of digits alone at the end would be an IP address."""


class AddressError(ValueError):
    """No mail can be sent to it; the message says why, and never what it is."""


@dataclass(frozen=True, slots=True)
class MailAddress:
    """An address (*indirizzo di posta*), as mail servers are told it."""

    local: str
    """What stands before the @; it may have letters that ASCII lacks (RFC 6531)."""
    domain: str
    """In ASCII: a domain with other letters is written as `xn--…`."""


def read(written: str) -> MailAddress:
    """Read an address, as narrowly as it is ever written by people.

    Quotes, comments and addresses of machines are allowed by RFC 5321. Nobody has
    them, and each is a way for two programs to read two recipients.

    Raises:
        AddressError: mail cannot be sent to it.
    """
    if len(written) > LONGEST:
        raise AddressError(f"it is longer than {LONGEST} characters")
    local, at, domain = written.rpartition("@")
    if not at:
        raise AddressError("it has no @")
    # Signs that cannot be seen are none that anybody would miss.
    if not _LOCAL.fullmatch(local) or not local.isprintable():
        raise AddressError(
            "what stands before the @ has letters, digits and signs such as - _ +, "
            "and dots between them"
        )
    if len(local.encode()) > _LONGEST_LOCAL:
        raise AddressError(f"more than {_LONGEST_LOCAL} bytes stand before the @")
    known = _in_ascii(domain)
    if not _DOMAIN.fullmatch(known):
        raise AddressError("what stands after the @ is no domain")
    if len(local.encode()) + 1 + len(known) > LONGEST:
        raise AddressError(f"it is longer than {LONGEST} bytes")
    return MailAddress(local, known)


def are_same(one: str, other: str) -> bool:
    """Tell whether two addresses are of one mailbox, as certified mail compares them.

    Whatever stands in the database counts as it is, were it no address by now.
    """
    return _compared(one) == _compared(other)


def _compared(written: str) -> tuple[str, str]:
    try:
        address = read(written.strip())
    except AddressError:
        return written.strip().lower(), ""
    return address.local.lower(), address.domain.lower()


def _in_ascii(domain: str) -> str:
    """Return a domain in ASCII, if that stands for this one and for no other.

    The way to write it that Python knows (RFC 3490) takes some letters for others,
    such as ß for ss: a letter would go to somebody else.
    """
    if domain.isascii():
        return domain
    try:
        known = domain.encode("idna")
        meant = known.decode("idna").lower()
    except UnicodeError as error:
        raise AddressError("what stands after the @ is no domain") from error
    if meant != unicodedata.normalize("NFC", domain).lower():
        raise AddressError("what stands after the @ could be read as another domain")
    return known.decode("ascii")
