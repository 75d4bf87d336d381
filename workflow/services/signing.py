"""With which key is the next anchor signed?"""

from dataclasses import dataclass

from models.session import reading
from workflow.anchors.manifests import Signed
from workflow.anchors.signatures import Signer
from workflow.desk import AnchorFiles, Desk
from workflow.errors import RefusedError
from workflow.services import keys
from workflow.services.anchor_rows import stored

_GO_ON = "seal with `sportello log anchor --new-key --lost --because WHY`"
"""After a restore from before a change of key."""

_SHOWN = 16
"""Digits of a key that are enough to tell it from another."""


@dataclass(frozen=True, slots=True)
class Signing:
    """With which key a machine seals the register."""

    path: str
    key: str | None
    """The public key, if there is one here."""
    created: bool
    notice: str | None
    """Why nothing can be sealed from here."""


def prepare(desk: Desk) -> Signing:
    """Make the key if nothing was sealed yet; say so if it was, with another one.

    A second key beside that of the anchors would be nobody's: it is not made.
    """
    files = places(desk)
    with reading(desk.engine, verbatim=True) as session:
        last = max(stored(session), key=lambda one: one.number, default=None)
    path, created, found = str(files.key), False, None
    try:
        found = keys.find(files.key)
        if found is None and last is None:
            found, created = keys.make(files.key), True
        signer_after(files, last)
    except RefusedError as error:
        return Signing(path, found.public if found else None, created, error.message)
    return Signing(path, found.public if found else None, created, None)


def places(desk: Desk) -> AnchorFiles:
    """Return where the key and the file of the anchors are.

    Raises:
        RefusedError: nobody has said so.
    """
    if desk.anchor_files is None:
        raise RefusedError("anchors.nowhere", "nothing is sealed from this desk")
    return desk.anchor_files


def signer_after(files: AnchorFiles, last: Signed | None) -> Signer:
    """Return the key with which the next anchor is signed.

    Raises:
        RefusedError: it is not here.
    """
    found = _current(files, last)
    if found is None:
        raise RefusedError("key.missing", _missing(files, last))
    if last is not None and last.key != found.public:
        raise RefusedError(
            "key.other",
            f"the anchors are signed with the key {last.key[:_SHOWN]}…, and "
            f"{files.key} holds {found.public[:_SHOWN]}…; copy the right one here from "
            "the machine that has it, or from its backup. After a restore of a backup "
            f"from before a change of key nobody needs that one any more: {_GO_ON}",
        )
    return found


def successor_of(
    files: AnchorFiles, last: Signed | None, *, lost: bool
) -> tuple[Signer, Signer | None]:
    """Return the key that comes next, and the one before if it can endorse it.

    Raises:
        RefusedError: the one before is not here, and nobody said that it is lost.
    """
    old = _current(files, last)
    has_signed = old is not None and last is not None and old.public == last.key
    if last is not None and not has_signed and not lost:
        raise RefusedError(
            "key.missing",
            f"the key {last.key[:_SHOWN]}… would have to endorse the new one, and it "
            f"is not at {files.key}; restore it from its backup. If it is gone for "
            "good give --lost: the verification will tell of it for ever",
        )
    if lost and (last is None or has_signed):
        raise RefusedError(
            "key.not_lost", "the key is there and can endorse: leave out --lost"
        )
    return keys.make(keys.successor(files.key)), old if has_signed else None


def _current(files: AnchorFiles, last: Signed | None) -> Signer | None:
    """Return the key that is here.

    If an anchor was signed with the one that was to follow, and the process died
    before that took its place, it does so now.
    """
    found = keys.find(files.key)
    if last is None or (found is not None and found.public == last.key):
        return found
    waiting = keys.find(keys.successor(files.key))
    if waiting is None or waiting.public != last.key:
        return found
    keys.put_in_force(files.key)
    return waiting


def _missing(files: AnchorFiles, last: Signed | None) -> str:
    told = f"there is no key at {files.key} to sign the anchors with; "
    if last is None:
        return f"{told}`sportello init` makes one"
    return (
        f"{told}copy the one of {last.key[:_SHOWN]}… there from the machine that has "
        "it, or from its backup"
    )
