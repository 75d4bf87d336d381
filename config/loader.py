"""Which calls and plans are there, and what do their files say?"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from config.findings import Finding
from config.handed_in import NO_FILE, is_no_file
from config.indicators import Plan, read_plan
from config.messages import where
from config.places import line_of, locate
from config.reading import read, revive
from config.schema import OF_SOME_FAMILIES, CallDefinition, Part
from models.canonical import digest, encode

_HERE = Path(__file__).parent
_LARGEST = 1_000_000
_MOST_TOLD = 50
_MOST_DOTS = 60
"""In a line: what the parser takes for a key grows with the square of its parts."""

_PLACE_IN_TOML_ERROR = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a file, and its place.

    `line` is `None` where the file as a whole is at fault.
    """

    where: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        """Say place and fault on one line."""
        line = "" if self.line is None else f"line {self.line}, "
        return f"{line}{self.where}: {self.message}"


class FaultyFileError(ValueError):
    """A file cannot be used; every fault of it is told."""

    code: ClassVar[str]
    kind: ClassVar[str]

    def __init__(self, faults: tuple[Fault, ...], path: Path | None = None) -> None:
        self.faults = faults
        self.path = path
        named = path or self.kind
        super().__init__(
            "\n".join([f"{named}: {len(faults)} fault(s)", *first_of(faults)])
        )


def first_of(faults: tuple[Fault, ...]) -> list[str]:
    """Say the first faults; whoever has corrected them sees what is left."""
    more = [f"and {len(faults) - _MOST_TOLD} more"] * (len(faults) > _MOST_TOLD)
    return [*map(str, faults[:_MOST_TOLD]), *more]


class CallFileError(FaultyFileError):
    """A call file cannot be used."""

    code = "call.faults"
    kind = "call"


class PlanFileError(FaultyFileError):
    """A plan file cannot be used."""

    code = "plan.faults"
    kind = "plan"


_Read = TypeVar("_Read", bound=Part)


@dataclass(frozen=True)
class Shelf(Generic[_Read]):
    """The files of one kind: those that are shipped, and any other by its path."""

    folder: Path
    error: type[FaultyFileError]
    read: Callable[[Mapping[str, object]], _Read | tuple[Finding, ...]]

    def shipped(self) -> tuple[str, ...]:
        """Name the files that come with the package."""
        return tuple(sorted(path.stem for path in self.folder.glob("*.toml")))

    def find(self, name: str) -> Path:
        """Find a file by its path, or by the name of a shipped one.

        Raises:
            FaultyFileError: there is neither.
        """
        path = Path(name)
        if name in self.shipped() and not path.is_file():
            return self.folder / f"{name}.toml"
        if name and _is_there(path):
            return path
        kind, known = self.error.kind, ", ".join(self.shipped())
        message = f"no such file, and no shipped {kind} of this name (shipped: {known})"
        raise self.error((Fault("file", message),), path)

    def check(self, path: Path) -> tuple[Fault, ...]:
        """Return all faults of one file, in the order of its lines."""
        outcome = self._outcome(path)
        return outcome if isinstance(outcome, tuple) else ()

    def load(self, path: Path) -> _Read:
        """Read a file.

        Raises:
            FaultyFileError: with all the faults of the file.
        """
        outcome = self._outcome(path)
        if isinstance(outcome, tuple):
            raise self.error(outcome, path)
        return outcome

    def _outcome(self, path: Path) -> _Read | tuple[Fault, ...]:
        try:
            data = _bytes(path, self.error.kind)
            text = data.decode("utf-8-sig")
            if dotted := _too_dotted(text):
                return (dotted,)
            contents = tomllib.loads(text)
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            message = "not written in UTF-8: save it in that encoding"
            return (Fault("file", message, line),)
        except tomllib.TOMLDecodeError as error:
            return (_syntax_fault(str(error), text),)
        except (OSError, ValueError, RecursionError) as error:
            return (Fault("file", f"cannot be read: {_reason(error)}"),)
        outcome = self.read(contents)
        if isinstance(outcome, tuple):
            return _faults(outcome, locate(text.replace("\r\n", "\n")))
        return outcome


CALLS: Shelf[CallDefinition] = Shelf(_HERE / "calls", CallFileError, read)
PLANS: Shelf[Plan] = Shelf(_HERE / "plans", PlanFileError, read_plan)

shipped, find, check, load = CALLS.shipped, CALLS.find, CALLS.check, CALLS.load
"""Of calls, which are what most of the program reads."""


def dump(definition: CallDefinition) -> bytes:
    """Write a call in its frozen form, which is kept and hashed.

    Absent values are left out, so that a key that later versions of the program
    add, optional and unused, does not change the hash of today's calls.
    """
    absent = set(OF_SOME_FAMILIES) - definition.model_fields_set
    return encode(definition.model_dump(mode="json", exclude_none=True, exclude=absent))


def parse(body: bytes) -> CallDefinition:
    """Read a call back from its frozen form.

    Raises:
        CallFileError: the body is not a call of this version of the program.
    """
    outcome = revive(body)
    if isinstance(outcome, CallDefinition):
        return outcome
    raise CallFileError(_faults(outcome, {}))


def fingerprint(definition: CallDefinition) -> str:
    """Return the hash under which a call is frozen (*impronta*)."""
    return digest(dump(definition))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # behind a closed door: whoever reads it will tell
        return True


def _bytes(path: Path, kind: str) -> bytes:
    if path.is_dir():
        msg = f"it is a folder: name the {kind} file in it"
        raise ValueError(msg)
    if is_no_file(path):
        raise ValueError(NO_FILE)
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        msg = f"it is larger than {_LARGEST} bytes, too much for a {kind}"
        raise ValueError(msg)
    return data


def _too_dotted(text: str) -> Fault | None:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > _MOST_DOTS:
            message = (
                f"it has more than {_MOST_DOTS} dots, and no key has so many parts; "
                "break a long text into lines"
            )
            return Fault("file", message, number)
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error)


def _syntax_fault(message: str, text: str) -> Fault:
    match = _PLACE_IN_TOML_ERROR.search(message)
    line = match[1] if match else None
    plain = _PLACE_IN_TOML_ERROR.sub("", message)
    return Fault(
        "file",
        f"not valid TOML: {plain[0].lower()}{plain[1:]}",
        int(line) if line else text.count("\n") + 1,
    )


def _faults(
    findings: tuple[Finding, ...], places: dict[tuple[str | int, ...], int]
) -> tuple[Fault, ...]:
    faults = {
        Fault(where(found.loc), found.message, line_of(places, found.loc))
        for found in findings
    }
    return tuple(sorted(faults, key=lambda f: (f.line or 0, f.where, f.message)))
