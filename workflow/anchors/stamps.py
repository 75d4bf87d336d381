"""Who else can say that an anchor existed at an instant?

A time stamp (*marca temporale*, RFC 3161) is what an authority outside signs over the
hash of an anchor. The library is loaded by the first stamp: most commands need none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


class StampError(ValueError):
    """A stamp does not hold; the message says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Somebody outside who stamps time, and by what they are known."""

    name: str
    """As people name it, without a password."""
    roots: Path
    """The certificates that are trusted, in a file (PEM)."""
    ask: Callable[[bytes], bytes]
    """Sends a request and returns the answer; raises `UnavailableError`."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an authority is sent."""

    content: bytes
    nonce: int | None
    """By which its answer is known to be new."""


def request(content: bytes) -> Request:
    """Ask for a stamp of some bytes: of their SHA-256, nobody is told more."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder  # noqa: PLC0415 - see the module

    building = TimestampRequestBuilder().data(content)
    built = building.hash_algorithm(HashAlgorithm.SHA256).build()
    return Request(built.as_bytes(), built.nonce)


def stamped_at(
    stamp: bytes,
    content: bytes,
    roots: bytes,
    *,
    nonce: int | None = None,
) -> datetime:
    """Return when some bytes were stamped, in answer to a request with this *nonce*.

    The certificate of the authority had to be good then, not now: it ends long before
    a register does.

    Raises:
        StampError: it is none, of other bytes, or of nobody that is trusted.
    """
    from cryptography import x509  # noqa: PLC0415 - see the module
    from rfc3161_client import (  # noqa: PLC0415 - see the module
        VerificationError,
        VerifierBuilder,
        decode_timestamp_response,
    )

    building = VerifierBuilder(nonce=nonce)
    try:
        trusted = x509.load_pem_x509_certificates(roots)
    except ValueError as error:
        message = "the file of trusted certificates holds none (PEM)"
        raise StampError(message) from error
    for root in dict.fromkeys(trusted):
        building = building.add_root_certificate(root)
    try:
        answer = decode_timestamp_response(stamp)
        building.build().verify_message(answer, content)
        at: datetime = answer.tst_info.gen_time
    except (ValueError, VerificationError) as error:
        raise StampError(str(error).partition(":")[0]) from error  # then it is noise
    return at
