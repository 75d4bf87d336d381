"""How does a command end when something goes wrong?"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from commands.lazy import LazyGroup
from workflow.errors import SportelloError

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
        settings = {"prog_name": "sportello", **settings, "standalone_mode": False}
        try:
            code = super().main(given, **settings)
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
        except BrokenPipeError:
            # Or the interpreter would flush, and complain, at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(_NOBODY_READS)
        return result


def _tell(
    given: Sequence[str], code: str, message: str, details: Mapping[str, object]
) -> None:
    if "--json" not in given:
        click.echo(f"Error [{code}]: {message}", err=True)
        return
    # Only for an error: loading it is a good part of the time `--help` takes.
    import json  # noqa: PLC0415

    error = {"code": code, "message": message, "details": details}
    click.echo(json.dumps({"error": error}, ensure_ascii=False, default=str))


def _tell_usage(given: Sequence[str], error: click.UsageError) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    message = error.format_message()
    message = f"{message[:1].lower()}{message[1:]}".removesuffix(".")
    if error.ctx is not None and "`sportello " not in message:
        message += f"; see `{error.ctx.command_path} --help`"
    _tell(given, "usage", message, {})
