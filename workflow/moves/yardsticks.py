"""What decides among those who are ranked together, and is not the same any more?

Nobody may be measured otherwise than the others (*par condicio*).
"""

from config.schema import CallDefinition
from workflow.rules.differences import differences

_SECTIONS = {"ranking", "merit", "aid", "lists"}
_TELLS_NOTHING_APART = ("source", "basis", "assumed", "title")
"""Where a value was read, and what it is called."""


def changed(before: CallDefinition, after: CallDefinition) -> tuple[str, ...]:
    """Name what differs between two versions, of all that decides in a ranking."""
    found = (one.where for one in differences(_decisive(before), _decisive(after)))
    return tuple(where for where in found if _key(where) not in _TELLS_NOTHING_APART)


def _decisive(rules: CallDefinition) -> dict[str, object]:
    said = rules.model_dump(mode="json", include=_SECTIONS, exclude_none=True)
    return {**said, "roles": {"evaluators": rules.duties.evaluators}}


def _key(where: str) -> str:
    return where.rpartition(".")[2].partition("[")[0]
