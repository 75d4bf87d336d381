"""Why was a letter not taken, in words of ours?

What servers and providers say in theirs may name people, and nobody can know. So only
codes are kept of it, and what is said beside them is what their standards mean.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "no-dest": "there is no such mailbox",
        "no-dominio": "there is no such domain",
        "virus": "it is said to hold a virus",
    }
)
"""What a provider of certified mail may find (DM 2/11/2005), but for `altro`."""

_OTHER = "altro"
_FULL = "the mailbox is full"

_ANSWERS: Mapping[int, str] = MappingProxyType(
    {
        421: "it is busy, or about to stop",
        450: "the mailbox cannot be had now, or who is not known there has to wait",
        451: "something went wrong there",
        452: "there is no room now",
        550: "there is no such mailbox, or it takes nothing from us",
        551: "the recipient is not there any more",
        552: "it is more than the mailbox takes",
        553: "the address is not right",
        554: "it takes no such letter",
    }
)
"""Answers of mail servers (RFC 5321, 4.2.3)."""

_STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "1.1": "there is no such mailbox",
        "1.2": "there is no such domain",
        "1.3": "the address is not right",
        "1.6": "the mailbox has moved",
        "1.10": "the domain takes no mail",
        "2.1": "the mailbox is closed",
        "2.2": _FULL,
        "2.3": "the letter is too long for the mailbox",
        "3.1": "there is no room on the server",
        "3.2": "the server takes nothing now",
        "3.4": "the letter is too long for the server",
        "4.1": "the recipient's server does not answer",
        "4.4": "there is no way to the recipient's server",
        "4.5": "the server is too busy",
        "4.6": "the letter went round in circles",
        "4.7": "it could not be delivered in time",
        "7.1": "the server's rules do not let it in, or not yet",
        "7.25": "the address of our mail server has no name",
    }
)
"""What the two last parts of a status mean (RFC 3463, and the list of the IANA)."""

_SUBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "1": "something is wrong with the address",
        "2": "something is wrong with the mailbox",
        "3": "something is wrong with the recipient's server",
        "4": "something is wrong on the way to the recipient's server",
        "5": "the servers do not understand each other",
        "6": "the server does not take what is in the letter",
        "7": "the server's rules do not let it in",
    }
)
"""What the second part means by itself."""

_STATUS = re.compile(r"(?<![\w.])[45]\.([0-7])\.([0-9]{1,2})(?![\w]|\.[0-9])")
_MAILBOX_FULL = ("2", 2)
_WORDS = (
    (re.compile(r"casella\s+piena|mailbox\s+(is\s+)?full|\bquota\b"), _FULL),
    (re.compile(r"\b(24|ventiquattro)\s*ore\b"), "it was not delivered in 24 hours"),
    (re.compile(r"\b(12|dodici)\s*ore\b"), "it was not delivered in 12 hours"),
)
"""Words that providers use for lack of a code."""


def answered(code: int, words: str) -> str:
    """Tell what a mail server means: `550 5.1.1 (there is no such mailbox)`."""
    status, meaning = _status(words)
    return _told(f"{code} {status}", meaning or _ANSWERS.get(code))


def certified(error: str, words: str) -> str:
    """Tell what a provider of certified mail means, by its error and its words."""
    status, meaning = _status(words)
    full = _FULL if is_full(words) else None
    meaning = ERRORS.get(error) or full or meaning or _meant(words)
    named = error if error in ERRORS else _OTHER
    return _told(f"{named} {status}", meaning or "the receipt itself says more")


def is_full(words: str) -> bool:
    """Tell whether words or a status say that the mailbox is full."""
    codes = {(found[1], int(found[2])) for found in _STATUS.finditer(words)}
    return _MAILBOX_FULL in codes or _meant(words) == _FULL


def _status(words: str) -> tuple[str, str | None]:
    """Return the status that stands among words, and what it means."""
    found = _STATUS.search(words)
    if found is None:
        return "", None
    subject, detail = found[1], found[2]
    meaning = _STATUSES.get(f"{subject}.{int(detail)}") or _SUBJECTS.get(subject)
    return found[0], meaning


def _meant(words: str) -> str | None:
    said = words.lower()
    return next((meaning for sign, meaning in _WORDS if sign.search(said)), None)


def _told(codes: str, meaning: str | None) -> str:
    return f"{codes.strip()} ({meaning})" if meaning else codes.strip()
