"""What do the certified data (`daticert.xml`) of a certified mail say?"""

from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from workflow.rules.calendar import hour_of_day

LARGEST = 200_000
"""Bytes; those of one recipient have two thousand."""

LONGEST_IDENTIFIER = 120
"""Characters: as many as the notice that it proves can keep."""

_LONGEST_MESSAGE_ID = 998
_YEARS = range(2000, 2200)
"""Beyond the ends of the calendar an instant has no civil day in Rome."""


class UnreadableError(ValueError):
    """It cannot be read, or contradicts itself; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class CertifiedData:
    """What the provider certifies (*dati di certificazione*, DM 2/11/2005)."""

    kind: str
    """In the words of the law, such as `avvenuta-consegna`."""
    error: str
    message_id: str
    at: datetime
    identifier: str
    recipient: str | None
    """Whom it is about (`consegna`)."""
    words: str
    """Why it failed, as the provider says it: they may name people."""


def read(content: bytes) -> CertifiedData:
    """Read them; what is not needed may be missing.

    Raises:
        UnreadableError: it is no such XML, or a part is missing or wrong.
    """
    root = _root(content)
    return CertifiedData(
        kind=root.get("tipo", "").strip(),
        error=root.get("errore", "nessuno").strip(),
        message_id=_needed(root, "msgid", _LONGEST_MESSAGE_ID),
        at=_instant(root),
        identifier=_needed(root, "identificativo", LONGEST_IDENTIFIER),
        recipient=_text(root, "consegna") or None,
        words=_text(root, "errore-esteso"),
    )


def refuse_remote(at: datetime) -> None:
    """Refuse an instant of which the civil day cannot be told.

    Raises:
        UnreadableError: it is beyond the ends of the calendar.
    """
    if at.year not in _YEARS:
        raise UnreadableError(f"{at.year} is no year that can be reckoned with")


def _root(content: bytes) -> Element:
    if len(content) > LARGEST:
        raise UnreadableError(f"daticert.xml has more than {LARGEST} bytes")
    try:
        root: Element = fromstring(content)
    except DefusedXmlException as error:
        raise UnreadableError(
            "daticert.xml declares an entity, as no provider does: nothing of it is "
            "believed"
        ) from error
    except ParseError as error:
        line, column = error.position
        raise UnreadableError(
            "daticert.xml is no well-formed XML: it cannot be read from its line "
            f"{line}, character {column + 1}, on"
        ) from error
    except (ValueError, LookupError) as error:
        raise UnreadableError(
            "daticert.xml is written in an encoding that cannot be read"
        ) from error
    if root.tag != "postacert":
        raise UnreadableError("daticert.xml holds no certified data (`postacert`)")
    return root


def _text(root: Element, name: str) -> str:
    """Return what stands in a part, on one line and without control characters."""
    found = root.findall(f"dati/{name}")
    if len(found) > 1:
        raise UnreadableError(f"daticert.xml has `{name}` more than once")
    words = " ".join("".join(part.text or "" for part in found).split())
    return "".join(sign if sign.isprintable() else " " for sign in words).strip()


def _needed(root: Element, name: str, longest: int) -> str:
    words = _text(root, name)
    if not words:
        raise UnreadableError(f"daticert.xml has no `{name}`")
    if len(words) > longest:
        raise UnreadableError(f"`{name}` has more than {longest} characters")
    return words


def _instant(root: Element) -> datetime:
    """Return when it happened; without a zone the time is Rome's.

    Of an hour that Rome has twice the later one holds: nobody has less time.
    """
    day, hour = _needed(root, "data/giorno", 10), _needed(root, "data/ora", 8)
    stated = root.find("dati/data")
    zone = "" if stated is None else stated.get("zona", "").strip()
    try:
        at = datetime.strptime(
            f"{day} {hour} {zone or '+0000'}", "%d/%m/%Y %H:%M:%S %z"
        )
    except ValueError as error:
        raise UnreadableError(
            f"`{day} {hour} {zone}` is no instant: it is written as "
            "20/01/2026 10:00:00 +0100"
        ) from error
    refuse_remote(at)
    if not zone:
        return hour_of_day(at.date(), at.time())
    return at.astimezone(UTC)
