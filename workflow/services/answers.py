"""Was this command carried out already, and what was the answer?"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlmodel import Session

from models.batch import Batch
from models.tables import Command
from workflow.errors import RefusedError


class Given(NamedTuple):
    """An answer that was given, and the digest of the command that it answers."""

    digest: str
    answer: str
    """JSON."""


def repeated(
    session: Session, call_id: UUID, key: str, fingerprint: str
) -> dict[str, Any] | None:
    """Return the answer already given under an idempotency key.

    Raises:
        RefusedError: the key was used for something else.
    """
    known = session.get(Command, (call_id, key))
    if known is None:
        return None
    return same(key, Given(known.digest, known.answer), fingerprint)


def same(key: str, given: Given, fingerprint: str) -> dict[str, Any]:
    """Return an answer, to the same command only.

    Raises:
        RefusedError: the key was used for something else.
    """
    if given.digest != fingerprint:
        raise RefusedError(
            "key.reused",
            f"the key `{key.partition(':')[2]}` was already used for something else; "
            "choose a new key",
        )
    if not given.answer:
        raise RefusedError(
            "key.erased",
            f"the command with the key `{key.partition(':')[2]}` was carried out; "
            "what was answered is erased with the personal data of the call",
        )
    answer: dict[str, Any] = orjson.loads(given.answer)
    return answer


def remember(
    batch: Batch, call_id: UUID, key: str, fingerprint: str, answer: Mapping[str, Any]
) -> Given:
    """Keep the answer to a command under its key, in the command's transaction."""
    given = Given(fingerprint, orjson.dumps(dict(answer)).decode())
    batch.add(
        Command, call_id=call_id, key=key, digest=given.digest, answer=given.answer
    )
    return given
