"""Which commands are there, without loading any of them?"""

import gc
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import click

_WANTS_JSON = "sportello.json"
_DONE = "sportello.done"
_MANY_OBJECTS = 50_000

_Decorated = TypeVar("_Decorated", bound="Callable[..., Any] | click.Command")


class Lazy(NamedTuple):
    """Where a command is, and the first line of its help."""

    target: str
    help: str


class Listing(click.Group):
    """A group that lists its commands whole, in the order of the file."""

    def lines(self, ctx: click.Context) -> dict[str, str]:
        """Return the first line of the help of each command."""
        commands = {name: self.get_command(ctx, name) for name in self.commands}
        return {
            name: (command.help or "").strip().partition("\n")[0]
            for name, command in commands.items()
            if command is not None
        }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """Name the commands in the order of the file, not of the alphabet."""
        return list(self.commands)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands, none of them cut short."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lines(ctx).items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one may have been meant."""
        known = self.list_commands(ctx)
        if args[0].startswith("-") or args[0] in known:
            return super().resolve_command(ctx, args)
        return ctx.fail(
            f"there is no command `{args[0]}`{did_you_mean(args[0], known)}; "
            f"see `{ctx.command_path} --help`"
        )


class LazyGroup(Listing):
    """A group that loads a command when it is called, not to list it.

    The program starts often, in scripts too, and most of what the commands
    stand on takes longer to load than the command takes to run.
    """

    def __init__(self, *, lazy: Mapping[str, Lazy], **settings: Any) -> None:  # noqa: ANN401 - Click's own
        super().__init__(**settings)
        self.lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """Name the commands in the order of the table."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's signature
        """Load a command."""
        if cmd_name not in self.lazy:
            return None
        return _load(self.lazy[cmd_name].target)

    def lines(self, ctx: click.Context) -> dict[str, str]:  # noqa: ARG002 - as above
        """Return the first line of the help of each command, from the table."""
        return {name: lazy.help for name, lazy in self.lazy.items()}


def _load(target: str) -> click.Command:
    """Load a command without collecting garbage meanwhile.

    Loading makes a hundred thousand objects that all stay: going through them
    again and again would take a fifth of the time. Nor are they gone through
    later, and most commands end before there is anything to collect.
    """
    module, _, name = target.partition(":")
    gc.disable()
    try:
        command: click.Command = getattr(import_module(module), name)
    finally:
        gc.enable()
    gc.freeze()
    gc.set_threshold(_MANY_OBJECTS)
    return command


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word, if there is one."""
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def json_lines_option(function: _Decorated) -> _Decorated:
    """Give a command `--json` that prints one document a line."""
    return _json_option(function, "Print JSON Lines instead of text.")


def json_option(function: _Decorated) -> _Decorated:
    """Give a command `--json`, which may also stand before its name."""
    return _json_option(function, "Print one JSON document instead of text.")


def _json_option(function: _Decorated, text: str) -> _Decorated:
    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_note_json,
        help=text,
    )(function)


def wants_json() -> bool:
    """Tell whether `--json` was given."""
    return bool(click.get_current_context().meta.get(_WANTS_JSON))


def note_done(what: str) -> None:
    """Remember what is written to the database, should the answer get lost."""
    click.get_current_context().meta[_DONE] = what


def done_so_far(context: click.Context) -> str | None:
    """Return what is written to the database, if anything is."""
    return context.meta.get(_DONE)


def _note_json(context: click.Context, _option: click.Parameter, given: bool) -> None:  # noqa: FBT001 - Click's signature
    if given:
        note_json(context)


def note_json(context: click.Context) -> None:
    """Remember that `--json` was given."""
    context.meta[_WANTS_JSON] = True
