"""How do tests get another edition of the shipped call?"""

import json
import re
from pathlib import Path
from typing import Any

from tests.builders import CTL, shipped

SECOND = "RLF12025051245"
PLAIN = "RLF12024099901"
"""The code of the shipped plain counter, `competenze-innovazione-2025`."""
_BENEFICIARY = re.compile(r"^\[\[beneficiaries\]\]\n(?:.+\n)+\n?", re.MULTILINE)


def edited(
    folder: Path,
    *changes: tuple[str, str],
    name: str = "edited",
    of: str = "ctl-2025",
) -> Path:
    """Write a shipped call with some texts replaced, each found exactly once."""
    text = shipped(of)
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return _written(folder, name, text)


def open_to_all(folder: Path, code: str = SECOND, euros: int = 90_000_000) -> Path:
    """Write a rich call that takes any applicant, for many applications."""
    text = shipped()
    text = _BENEFICIARY.sub("", text)
    text = text.replace(f'code = "{CTL}"', f'code = "{code}"\nbeneficiaries = []')
    text = text.replace('amount = "1000000.00"', f'amount = "{euros}.00"')
    return _written(folder, code, text)


def together(
    folder: Path, *, code: str = SECOND, invited: bool = False, **rules: Any
) -> Path:
    """Write a call in which several may apply together, under some rules.

    It is open to all; with *invited*, to the nine clusters of its list alone.
    """
    path = open_to_all(folder, code)
    if invited:
        path = edited(folder, (f'code = "{CTL}"', f'code = "{code}"'), name=code)
    said = {
        "one_application_each": True,
        "invited_only": invited,
        "source": "assumed",
        "basis": "chosen for a test",
        **rules,
    }
    section = "".join(f"{key} = {json.dumps(said[key])}\n" for key in said)
    text = path.read_text(encoding="utf-8")
    return _written(folder, code, f"{text}\n[partnership]\n{section}")


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path
