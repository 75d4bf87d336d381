"""Which moves did each version of the program allow, for whoever judges without it?"""

from collections import defaultdict
from typing import Any

from workflow.desk import SOFTWARE
from workflow.moves.editions import known


def released() -> dict[str, Any]:
    """Return of each version, table and event: from where to where, in which roles."""
    return {
        "versions": {
            version: _tables(allowed)
            for version, allowed in sorted(known(SOFTWARE).items())
        }
    }


def _tables(allowed: Any) -> dict[str, Any]:  # noqa: ANN401 - see Allowed
    roles: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for *move, role in allowed:
        roles[tuple(move)].append(role)
    tables: dict[str, Any] = {}
    for (table, event, source, target), held in sorted(
        roles.items(), key=lambda one: tuple(map(str, one[0]))
    ):
        leads = tables.setdefault(table, {}).setdefault(event, [])
        leads.append([source, target, sorted(held)])
    return tables
