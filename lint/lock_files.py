"""Do the lock files hold names, versions and hashes, and nothing else?

An index address or a path belongs to one machine: committed, it breaks the
others, or sends them where nobody meant them to go.
"""

import re
import sys
from pathlib import Path

PIN = re.compile(
    r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==[a-z0-9.!+]+( ; [^/\\]+)? \\"
)
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def faults(path: Path) -> list[str]:
    """Return one sentence for each line that should not be there."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        f"{path.name}:{number}: neither a pinned version nor a hash: {line}"
        for number, line in enumerate(lines, start=1)
        if not PIN.fullmatch(line) and not HASH.fullmatch(line)
    ]


def main(folder: Path) -> int:
    """Print what is wrong in the lock files of *folder*; return the exit code."""
    peers = folder.glob("benchmarks/peers/*.lock")
    paths = [*sorted(folder.glob("requirements*.lock")), *sorted(peers)]
    found = [fault for path in paths for fault in faults(path)]
    if not paths:
        found = [f"no lock file in {folder}"]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
