"""Which call do these contents declare, or what is wrong with them?"""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from config.checks import disagreements
from config.findings import Finding
from config.messages import findings_of
from config.salvage import salvaged
from config.schema import AS_BEFORE, SEPARATED, CallDefinition
from config.values import euros

_FAMILIES_THEN = ("negotiated_counter", "plain_counter")
"""Those that version 0.1 had: all of their calls have a counter."""


def read(contents: Mapping[str, object]) -> CallDefinition | tuple[Finding, ...]:
    """Read the contents of a call file, or return all that is wrong with them.

    What a file does not say of roles is said for it: so it is frozen, and a call
    frozen before it could be said goes on as it was.
    """
    contents = {"roles": SEPARATED.model_dump(), **contents}
    try:
        call = CallDefinition.model_validate(contents)
    except ValidationError as error:
        return findings_of(error) + disagreements(salvaged(contents, CallDefinition))
    return disagreements(call) or call


def revive(body: bytes) -> CallDefinition | tuple[Finding, ...]:
    """Read the frozen form of a call, or return all that is wrong with it."""
    try:
        call = CallDefinition.model_validate_json(_completed(body))
    except ValidationError as error:
        return findings_of(error)
    return disagreements(call) or call


def _completed(body: bytes) -> bytes:
    """Say of a call frozen by version 0.1 what calls could not say then.

    Files have to write it; a frozen call is never written again, so what it stood
    for is filled in. Everything else is left to the checks.
    """
    try:
        contents = from_json(body)
    except ValueError:
        return body
    if not isinstance(contents, dict) or "counter" in contents:
        return body
    if contents.get("family") not in _FAMILIES_THEN:
        return body  # it may well be one without a counter
    contents["counter"] = AS_BEFORE.model_dump(mode="json", exclude_none=True)
    procedure, aid = contents.get("procedure"), contents.get("aid")
    if isinstance(procedure, dict):
        procedure.setdefault("acceptance", True)
    if isinstance(aid, dict) and aid.get("fixed") == euros(0):
        aid.pop("fixed_matures_on", None)  # it had to be written, due or not
    return to_json(contents)
