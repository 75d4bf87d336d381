"""When is a letter tried again, and under which identifier does it travel?"""

import re
from datetime import timedelta
from uuid import UUID, uuid5

UNKNOWN_FOR = timedelta(minutes=5)
"""An attempt that has told nothing for so long has broken off."""

_FIRST, _LONGEST = timedelta(minutes=1), timedelta(hours=4)
_GIVEN_UP_AFTER = timedelta(hours=48)
_DOUBLINGS = 10
"""By then the longest rest is reached: further powers mean nothing."""

_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=10)
_GRAIN = 1 << 16
_OURS = UUID("6f1d2a52-3c0b-4b55-9d0e-5f0a4c8e7b11")
_ID = re.compile(
    r"<(?P<id>[^@<>]+)@(?:again-(?P<times>[0-9]+)\.)?(?P<domain>[A-Za-z0-9.-]+)>"
)


def rest(attempts: int, *, noise: int, unknown: bool = False) -> timedelta | None:
    """Return for how long a letter rests after an attempt, or None: it is given up.

    A minute, then twice as long each time, up to four hours; all of it in at most
    48 hours. By chance up to a quarter less, so that not all come back at once.
    """
    if is_given_up(attempts):
        return None
    resting = _less(_doubled(attempts), noise)
    return max(resting, UNKNOWN_FOR) if unknown else resting


def is_given_up(attempts: int) -> bool:
    """Tell whether that many attempts are enough."""
    rests = (_doubled(number) for number in range(1, attempts + 1))
    return sum(rests, timedelta()) > _GIVEN_UP_AFTER


def wait(age: timedelta, *, noise: int) -> timedelta:
    """Return for how long a letter waits that was not tried, because of others.

    The longer it has waited already, the less it matters.
    """
    return _less(min(max(age / 4, _SHORTEST_WAIT), _LONGEST_WAIT), noise)


def identity(*of: str | int) -> UUID:
    """Name a letter after what it is, so that it is the same whenever it is written.

    What is entered again after a backup was restored writes the same letters, and the
    record of what was sent knows them.
    """
    # Written as a list, no two lists of parts read the same.
    return uuid5(_OURS, repr(of))


def message_id(identity: UUID, domain: str) -> str:
    """Return the Message-ID under which a letter travels, the same at each attempt."""
    return f"<{identity}@{domain}>"


def next_message_id(used: str) -> str:
    """Return another for a letter that was handed over, and is to be sent anew.

    What stands before the @ stays: by that every receipt is matched.
    """
    identity, times, domain = _parts(used)
    return f"<{identity}@again-{times + 1}.{domain}>"


def is_same_letter(one: str, other: str) -> bool:
    """Tell whether two Message-IDs are of one letter, at whichever attempts."""
    try:
        (mine, _, here), (theirs, _, there) = _parts(one.lower()), _parts(other.lower())
    except ValueError:
        return False
    return (mine, here) == (theirs, there)


def record_name(used: str) -> str:
    """Name the record of what was sent; the domain of the sender may change."""
    identity, times, _ = _parts(used)
    return identity if times == 1 else f"{identity}-again-{times}"


def domain_of(address: str) -> str:
    """Return the domain of an address, as domains are compared."""
    return address.rpartition("@")[2].lower()


def _parts(used: str) -> tuple[str, int, str]:
    match = _ID.fullmatch(used)
    if match is None:
        raise ValueError(used)
    return match["id"], int(match["times"] or 1), match["domain"]


def _doubled(attempts: int) -> timedelta:
    return min(_FIRST * (1 << min(attempts - 1, _DOUBLINGS)), _LONGEST)


def _less(span: timedelta, noise: int) -> timedelta:
    return span - span / 4 * (noise % _GRAIN) / _GRAIN
