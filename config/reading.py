"""Which call do these contents declare, or what is wrong with them?"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from config.checks import Draft, Finding, disagreements
from config.messages import place, sentence
from config.schema import (
    ActReference,
    Aid,
    Allocation,
    Beneficiary,
    CallDefinition,
    Conflict,
    Merit,
    RequiredDocument,
    TermRule,
    Window,
)
from models.vocabulary import ProcedureFamily

_Model = TypeVar("_Model", bound=BaseModel)


def read(contents: Mapping[str, object]) -> CallDefinition | tuple[Finding, ...]:
    """Read the contents of a call file, or return all that is wrong with them."""
    try:
        call = CallDefinition.model_validate(contents)
    except ValidationError as error:
        findings = _findings(error)
        return findings + disagreements(_salvaged(contents, findings))
    return disagreements(Draft.of(call)) or call


def revive(body: bytes) -> CallDefinition | tuple[Finding, ...]:
    """Read the frozen form of a call, or return all that is wrong with it."""
    try:
        call = CallDefinition.model_validate_json(body)
    except ValidationError as error:
        return _findings(error)
    return disagreements(Draft.of(call)) or call


def _findings(error: ValidationError) -> tuple[Finding, ...]:
    details = error.errors(include_url=False)
    return tuple(Finding(place(detail), sentence(detail)) for detail in details)


def _salvaged(contents: Mapping[str, object], findings: tuple[Finding, ...]) -> Draft:
    """Take the parts that could be read, so that checks between them are made."""
    wrong = {finding.loc[0] for finding in findings}
    terms = contents.get("terms")
    return Draft(
        code=None if "code" in wrong else str(contents["code"]).strip(),
        year=None if "year" in wrong else int(str(contents["year"])),
        family=(
            None if "family" in wrong else ProcedureFamily(str(contents["family"]))
        ),
        acts=_each(ActReference, contents.get("acts")),
        window=_one(Window, contents.get("window")),
        allocation=_one(Allocation, contents.get("allocation")),
        aid=_one(Aid, contents.get("aid")),
        documents=_each(RequiredDocument, contents.get("documents")),
        merit=_one(Merit, contents.get("merit")),
        terms=(
            {name: _one(TermRule, rule) for name, rule in terms.items()}
            if isinstance(terms, dict)
            else None
        ),
        beneficiaries=_each(Beneficiary, contents.get("beneficiaries")),
        conflicts=_each(Conflict, contents.get("conflicts")),
    )


def _one(model: type[_Model], contents: object) -> _Model | None:
    try:
        return model.model_validate(contents)
    except ValidationError:
        return None


def _each(model: type[_Model], contents: object) -> tuple[_Model | None, ...] | None:
    if not isinstance(contents, list):
        return None
    return tuple(_one(model, item) for item in contents)
