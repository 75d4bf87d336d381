"""Which functions, classes and imports does nobody use?

Vulture also reports unused attributes and variables. Here they are columns of
tables, fields of schemas and members of enumerations, which SQLAlchemy,
pydantic and the files of the calls read by name: reporting them would bury
the rest, so only code that should be called is looked at. A use in a test
does not count: code that only a test calls is dead.
"""

import sys
import tomllib
from pathlib import Path

import vulture

KINDS = frozenset(
    {"class", "function", "import", "method", "property", "unreachable_code"}
)
CALLED_BY_FRAMEWORKS = (
    "@*.command",
    "@*.command(*",
    "@*.group",
    "@*.group(*",
    "@click.*",
    "@computed_field*",
    "@event.listens_for*",
    "@field_serializer*",
    "@field_validator*",
    "@listens_for*",
    "@model_serializer*",
    "@model_validator*",
    "@validates*",
)
NAMES_OF_FRAMEWORKS = (
    "cache_ok",
    "downgrade",
    "format_*",  # Click: how help and usage are printed
    "_get_socket",  # smtplib: how a connection is opened
    "get_command",  # Click: lazy groups
    "list_commands",
    "resolve_command",
    "readable",  # io: what a stream is read from
    "readinto",
    "process_bind_param",  # SQLAlchemy: types of columns
    "process_result_value",
    "settings_customise_sources",  # pydantic-settings
    "upgrade",
)
# What stands unused on purpose: its name, and why. A name that came into use,
# or is gone, is a fault too, so that this list never outlives its reasons.
KEPT: dict[str, str] = {
    "page": "lint/docs.py writes the documentation with it",
    "backwards": "the same",
}


def main() -> int:
    """Print what is dead; return the exit code."""
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    finder = vulture.Vulture(
        ignore_names=list(NAMES_OF_FRAMEWORKS),
        ignore_decorators=list(CALLED_BY_FRAMEWORKS),
    )
    finder.scavenge(settings["tool"]["vulture"]["paths"])
    unused = [
        item
        for item in finder.get_unused_code(min_confidence=60)
        if item.typ in KINDS and item.name != "main"
    ]
    faults = [
        f"{item.filename.relative_to(Path.cwd())}:{item.first_lineno}: "
        f"unused {item.typ} {item.name}"
        for item in unused
        if item.name not in KEPT
    ]
    stale = KEPT.keys() - {item.name for item in unused}
    faults += [f"lint/dead_code.py: {name} need not be kept" for name in sorted(stale)]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
