"""Freeze the moves that the present version of the program allows.

`python lint/released.py` writes `workflow/moves/released.py` again, with the rows of
the present tables for the version that runs. Whoever releases a version runs it;
what is written there of older ones stays as it is.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from workflow.desk import SOFTWARE
from workflow.moves.editions import NONE, SAME, Allowed, edition, frozen, present

PAGE = Path(__file__).parent.parent / "workflow" / "moves" / "released.py"

HEAD = '''"""Which moves did each version allow that was released?

Written by `python lint/released.py`, once for each release; never changed by hand.
An old entry is judged by the moves of the version that wrote it. Each line names
the versions, the tables, the event, from where to where it leads, and the roles.
"""

RELEASED = """
'''
TAIL = '''"""
'''


def page(editions: Mapping[str, Allowed]) -> str:
    """Return the module that says these editions."""
    roles = defaultdict(set)
    for version, rows in editions.items():
        for table, event, source, target, role in rows:
            leads = SAME if target == source else target
            roles[version, table, event, source or NONE, leads].add(role)
    tables, sources, versions = defaultdict(set), defaultdict(set), defaultdict(set)
    for (version, table, event, source, target), held in roles.items():
        by = " ".join(sorted(held))
        tables[version, event, source, target, by].add(table)
    for (version, event, source, target, by), found in tables.items():
        sources[version, event, target, by, " ".join(sorted(found))].add(source)
    for (version, event, target, by, of), starts in sources.items():
        versions[of, event, " ".join(sorted(starts)), target, by].add(version)
    lines = sorted(
        f"{of} | {event} | {starting} > {target} | {by} | {' '.join(sorted(told))}"
        for (of, event, starting, target, by), told in versions.items()
    )
    return HEAD + "".join(f"{line}\n" for line in lines) + TAIL


def main() -> None:
    """Write the page again."""
    editions = {**frozen(), edition(SOFTWARE): present()}
    PAGE.write_text(page(editions), encoding="utf-8")


if __name__ == "__main__":
    main()
