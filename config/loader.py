"""Which calls are there, and what do their files say?"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from config.findings import Finding
from config.messages import where
from config.places import line_of, locate
from config.reading import read, revive
from config.schema import OF_SOME_FAMILIES, CallDefinition
from models.canonical import digest, encode

_SHIPPED = Path(__file__).parent / "calls"
_LARGEST = 1_000_000
_PLACE_IN_TOML_ERROR = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a call file, and its place.

    `line` is `None` where the file as a whole is at fault.
    """

    where: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        """Say place and fault on one line."""
        line = "" if self.line is None else f"line {self.line}, "
        return f"{line}{self.where}: {self.message}"


class CallFileError(ValueError):
    """A call file cannot be used; every fault of it is told."""

    def __init__(self, faults: tuple[Fault, ...], path: Path | None = None) -> None:
        self.faults = faults
        self.path = path
        super().__init__(
            "\n".join([f"{path or 'call'}: {len(faults)} fault(s)", *map(str, faults)])
        )


def shipped() -> tuple[str, ...]:
    """Name the calls that come with the package."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def find(name: str) -> Path:
    """Find a call file by its path, or by the name of a shipped call.

    Raises:
        CallFileError: there is neither such a file nor such a call.
    """
    path = Path(name)
    if name in shipped() and not path.is_file():
        return _SHIPPED / f"{name}.toml"
    if name and _is_there(path):
        return path
    known = ", ".join(shipped())
    message = f"no such file, and no shipped call of this name (shipped: {known})"
    raise CallFileError((Fault("file", message),), path)


def check(path: Path) -> tuple[Fault, ...]:
    """Return all faults of one file, in the order of its lines."""
    outcome = _outcome(path)
    return () if isinstance(outcome, CallDefinition) else outcome


def load(path: Path) -> CallDefinition:
    """Read a call from its file.

    Raises:
        CallFileError: with all the faults of the file.
    """
    outcome = _outcome(path)
    if isinstance(outcome, CallDefinition):
        return outcome
    raise CallFileError(outcome, path)


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


def _outcome(path: Path) -> CallDefinition | tuple[Fault, ...]:
    try:
        data = _bytes(path)
        text = data.decode("utf-8-sig")
        contents = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return (Fault("file", "not written in UTF-8: save it in that encoding", line),)
    except tomllib.TOMLDecodeError as error:
        return (_syntax_fault(str(error), text),)
    except (OSError, ValueError, RecursionError) as error:
        return (Fault("file", f"cannot be read: {_reason(error)}"),)
    outcome = read(contents)
    if isinstance(outcome, CallDefinition):
        return outcome
    return _faults(outcome, locate(text.replace("\r\n", "\n")))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # behind a closed door: whoever reads it will tell
        return True


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        msg = "it is a folder: name the call file in it"
        raise ValueError(msg)
    if path.exists() and not path.is_file():
        msg = "it is a device or a pipe, not a file"
        raise ValueError(msg)
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        msg = f"it is larger than {_LARGEST} bytes, too much for a call"
        raise ValueError(msg)
    return data


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
