"""What can go wrong, by what the caller must do about it."""

from collections.abc import Mapping


class SportelloError(Exception):
    """The root: a stable code, a sentence, and details for scripts."""

    exit_code = 1

    def __init__(
        self,
        code: str,
        message: str,
        details: Mapping[str, object] | None = None,
        *,
        recorded: str | None = None,
    ) -> None:
        super().__init__(message)
        self.recorded = recorded or message
        """What the register keeps: the message, without anything personal."""
        self.code = code
        self.message = message
        self.details = dict(details or {})


class RefusedError(SportelloError):
    """A rule says no: do not retry, do what the sentence says."""

    exit_code = 1


class InputError(SportelloError):
    """The command line, or a file it names, is wrong: correct it."""

    exit_code = 2


class UnavailableError(SportelloError):
    """Something outside failed: try again later."""

    exit_code = 3


class TemporaryError(UnavailableError):
    """It was certainly not handed over now: try again later."""


class UnknownOutcomeError(UnavailableError):
    """Nobody knows whether it was handed over: try again, it may come twice."""


class PermanentError(RefusedError):
    """It will never be taken like this: do not try again."""


class ConflictError(SportelloError):
    """Somebody else changed the file meanwhile: look again, then decide."""

    exit_code = 4


class TamperedError(SportelloError):
    """Something that must verify does not: call the auditor."""

    exit_code = 5
