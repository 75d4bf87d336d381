"""What changed between two versions of a call?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that changed, by its place; `None` where there was nothing."""

    where: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.where}: {_shown(self.before)} -> {_shown(self.after)}"


def differences(before: Any, after: Any, where: str = "") -> Iterator[Difference]:  # noqa: ANN401 - JSON
    """Walk two documents and name what is not the same."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            place = f"{where}.{key}" if where else key
            yield from differences(before.get(key), after.get(key), place)
    elif _is_list(before) and _is_list(after) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True), 1):
            yield from differences(one, other, f"{where}[{number}]")
    elif before != after:
        yield Difference(where, before, after)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
