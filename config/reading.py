"""Which call do these contents declare, or what is wrong with them?"""

from collections.abc import Mapping

from pydantic import ValidationError

from config.checks import disagreements
from config.findings import Finding
from config.messages import is_true, place, sentence
from config.salvage import salvaged
from config.schema import CallDefinition


def read(contents: Mapping[str, object]) -> CallDefinition | tuple[Finding, ...]:
    """Read the contents of a call file, or return all that is wrong with them."""
    try:
        call = CallDefinition.model_validate(contents)
    except ValidationError as error:
        return _findings(error) + disagreements(salvaged(contents))
    return disagreements(call) or call


def revive(body: bytes) -> CallDefinition | tuple[Finding, ...]:
    """Read the frozen form of a call, or return all that is wrong with it."""
    try:
        call = CallDefinition.model_validate_json(body)
    except ValidationError as error:
        return _findings(error)
    return disagreements(call) or call


def _findings(error: ValidationError) -> tuple[Finding, ...]:
    details = error.errors(include_url=False)
    return tuple(
        Finding(place(detail), sentence(detail))
        for detail in details
        if is_true(detail)
    )
