"""How does a command end when something goes wrong?"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from commands.lazy import LazyGroup, done_so_far
from commands.plain import escaped, legible, say
from workflow.errors import SportelloError, UnavailableError

_INTERRUPTED = 130
_NOBODY_READS = 141
"""What a shell says of a program whose reader went away (`… | head`)."""


class Program(LazyGroup):
    """The outermost command: the one place that turns errors into exit codes.

    What is neither refused nor unavailable nor a wrong command line is a bug and
    keeps its traceback.
    """

    def main(  # type: ignore[override]  # our exit codes, whatever the mode
        self,
        args: Sequence[str] | None = None,
        **settings: Any,  # noqa: ANN401 - Click's own
    ) -> None:
        """Run a command line and exit."""
        given = list(sys.argv[1:] if args is None else args)
        settings |= {"prog_name": "sportello", "standalone_mode": False}
        _open_what_is_closed()
        try:
            code = self._run(given, settings)
        except SportelloError as error:
            _tell(given, error.code, error.message, error.details)
            sys.exit(error.exit_code)
        except click.UsageError as error:
            _tell_usage(given, error)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(_INTERRUPTED)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - Click's own
        """Run a command; stop quietly when nobody reads on."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except OSError as error:
            done = done_so_far(ctx)
            # What failed to be written may leave nothing more to flush.
            gone = isinstance(error, BrokenPipeError)
            if not _is_lost() and not gone:
                raise
            if gone and done is None:
                ctx.exit(_NOBODY_READS)
            raise _lost(done) from error
        return result

    def _run(self, given: list[str], settings: dict[str, Any]) -> object:
        try:
            return super().main(given, **settings)
        except OSError as error:  # while showing the help
            if not _is_lost():
                raise
            raise _lost(None) from error


def _open_what_is_closed() -> None:
    """Put something in the place of streams that whoever started us has closed.

    Nothing is read from it; what is written to it fails, as on a full disk, or
    nobody would learn that it got lost. It also keeps the first three
    descriptors from being given to the database.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _is_lost() -> bool:
    """Tell whether the output cannot be written, and stop trying.

    Or the interpreter would try once more, and complain, at its end.
    """
    lost = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            lost = True
    return lost


def _lost(done: str | None) -> UnavailableError:
    said = f"it was done ({done}), but the result" if done else "the result"
    return UnavailableError("output.lost", f"{said} could not be printed")


def _tell(
    given: Sequence[str], code: str, message: str, details: Mapping[str, object]
) -> None:
    if "--json" not in given or code == "output.lost":
        say(legible(f"Error [{code}]: {message}"), err=True)
        return
    # Only for an error: loading it is a good part of the time `--help` takes.
    import json  # noqa: PLC0415

    error = {"code": code, "message": message, "details": details}
    try:
        document = json.dumps({"error": error}, ensure_ascii=False, default=str)
        click.echo(escaped(document))
    except OSError:
        if not _is_lost():
            raise
        click.echo(legible(f"Error [{code}]: {message}"), err=True)


def _tell_usage(given: Sequence[str], error: click.UsageError) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    message = error.format_message()
    message = f"{message[:1].lower()}{message[1:]}".removesuffix(".")
    if error.ctx is not None and "`sportello " not in message:
        see = " See" if message.endswith("?") else "; see"
        message += f"{see} `{error.ctx.command_path} --help`"
    _tell(given, "usage", message, {})
