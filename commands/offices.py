"""How is the chain of the officers told?"""

from typing import Any

from commands.plain import say
from workflow.services.office import VerifiedOffice


def tell_of_office(found: VerifiedOffice) -> None:
    """Say whether the chain of officers and roles holds, and what does not."""
    standing = "ok" if found.ok else f"{len(found.faults)} FAULT(S)"
    say(f"officers: {found.entries} entries, head {found.head}: {standing}")
    for fault in found.faults:
        where = f"entry {fault.seq}" if fault.seq else "the officers"
        say(f"  {where}: {fault.fault}")


def verified_office(found: VerifiedOffice) -> dict[str, Any]:
    """Return the same as scripts read it."""
    return {
        "entries": found.entries,
        "head": found.head,
        "ok": found.ok,
        "faults": [{"seq": fault.seq, "fault": fault.fault} for fault in found.faults],
    }
