"""Write the generated pages of the documentation, or tell whether they are stale.

`python lint/docs.py` writes them, `python lint/docs.py --check` only looks.
"""

import sys
from pathlib import Path

from workflow.moves import permissions
from workflow.moves.diagrams import page
from workflow.moves.families import TABLES

DOCS = Path(__file__).parent.parent / "docs"


def main() -> int:
    """Return 1 if a page had to be written and only a look was wanted."""
    stale = 0
    pages = {f"moves-{family}.md": page(table) for family, table in TABLES.items()}
    pages["roles-matrix.md"] = permissions.page()
    for name, text in pages.items():
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv:
            print(f"{path.name} is not what the table of moves says: run `make docs`")
            stale = 1
        else:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
