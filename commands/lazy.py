"""Which commands are there, without loading any of them?"""

import gc
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import click

_WANTS_JSON = "sportello.json"

_Decorated = TypeVar("_Decorated", bound="Callable[..., Any] | click.Command")


class Lazy(NamedTuple):
    """Where a command is, and the first line of its help."""

    target: str
    help: str


class LazyGroup(click.Group):
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

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - Click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self.lazy.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one may have been meant."""
        if args[0].startswith("-") or args[0] in self.lazy:
            return super().resolve_command(ctx, args)
        return ctx.fail(
            f"there is no command `{args[0]}`"
            f"{did_you_mean(args[0], self.lazy)}; see `{ctx.command_path} --help`"
        )


def _load(target: str) -> click.Command:
    """Load a command without collecting garbage meanwhile.

    Loading makes a hundred thousand objects that all stay: going through them
    again and again would take a fifth of the time. Nor does it happen later.
    """
    module, _, name = target.partition(":")
    gc.disable()
    try:
        command: click.Command = getattr(import_module(module), name)
    finally:
        gc.enable()
    gc.freeze()
    return command


def did_you_mean(word: str, known: Mapping[str, object] | list[str]) -> str:
    """Suggest the nearest known word, if there is one."""
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def json_option(function: _Decorated) -> _Decorated:
    """Give a command `--json`, which may also stand before its name."""
    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_note_json,
        help="Print one JSON document instead of text.",
    )(function)


def wants_json() -> bool:
    """Tell whether `--json` was given."""
    return bool(click.get_current_context().meta.get(_WANTS_JSON))


def _note_json(context: click.Context, _option: click.Parameter, given: bool) -> None:  # noqa: FBT001 - Click's signature
    if given:
        context.meta[_WANTS_JSON] = True
