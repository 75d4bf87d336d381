"""How is a move made from a command line?"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NoReturn

import click

from commands import receipts
from commands.confirmation import confirm, nobody_to_ask
from commands.entry import at_desk, warn_of_clock
from commands.examples import ACT, example, wrapped
from commands.lazy import (
    LazyGroup,
    did_you_mean,
    json_option,
    note_done,
    note_json,
    wants_json,
)
from commands.options import CODES, flag, options_of, read
from commands.output import emit
from commands.plain import say
from models.vocabulary import Event
from workflow.desk import Desk
from workflow.machine import Inputs, Move
from workflow.moves.families import TABLES
from workflow.services import moves
from workflow.services.moves import MoveCommand

_MANY_SOURCES = 3
_CODED = {"checked", "score"}
_BEFORE_EVENT = ("--yes", "--dry-run", "--overtake")

_DISCIPLINE = {
    "act": f'The act it stands on: TYPE NUMBER/DATE, such as "{ACT}" (provvedimento).',
    "reason": "The reason in words, kept in the register (motivazione).",
    "key": "Your own key: the same command again under it changes nothing.",
    "expect": "Do it only if the file is still at this version.",
}


def rows_by_event() -> dict[Event, tuple[Move, ...]]:
    """Return the moves that a person may make, by event, of every family.

    Where they word a row differently, that of the family with the most rows is shown.
    """
    found: dict[Event, tuple[Move, ...]] = {}
    for table in sorted(TABLES.values(), key=lambda table: -len(table.moves)):
        for event in table.events:
            rows = tuple(row for row in table.of_event(event) if row.by_hand)
            if rows:
                found[event] = (*found.get(event, ()), *rows)
    return found


class Moves(LazyGroup):
    """One command for each event of the tables of moves, made when it is asked for."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - Click's own
        super().__init__(lazy={}, **settings)
        self.rows = {event.value: rows for event, rows in rows_by_event().items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """Name the events in the order of the tables."""
        return list(self.rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's signature
        """Make the command of an event; hyphens are as good as underscores."""
        name = cmd_name.replace("-", "_")
        return _command(Event(name), self.rows[name]) if name in self.rows else None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - Click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the events by the state from which they start."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, rows in self.rows.items():
            sections.setdefault(_section(rows), []).append((name, rows[0].help))
        for title, listed in sections.items():
            with formatter.section(title):
                formatter.write_dl(listed)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find an event; `--help`, `--json` and mere flags may stand before it."""
        before = []
        while args and args[0] in {"--json", *_BEFORE_EVENT}:
            if args[0] == "--json":
                note_json(ctx)
            else:
                before.append(args[0])
            args = args[1:]
        if not args:
            _ask_for_event(ctx)
        if args[0] in ctx.help_option_names:
            command = self.get_command(ctx, ctx.params["application"])
            about = click.Context(command, ctx, command.name) if command else ctx
            click.echo(about.get_help())
            ctx.exit()
        command = self.get_command(ctx, args[0])
        if command is None and args[0].startswith("-"):
            ctx.fail(
                f"say the event before `{args[0]}`: "
                f"`sportello advance {ctx.params['application']} EVENT [OPTIONS]`"
            )
        if command is None:
            ctx.fail(_unknown(args[0], self.rows, ctx.params["application"]))
        return command.name, command, [*before, *args[1:]]

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - Click's own
        """Ask for the event if there is none."""
        if not (ctx._protected_args or ctx.args):  # noqa: SLF001 - where Click keeps it
            _ask_for_event(ctx)
        return super().invoke(ctx)


@click.group("advance", cls=Moves, subcommand_metavar="EVENT [OPTIONS]")
@click.argument("application", metavar="APP")
@json_option
@click.pass_context
def advance_group(context: click.Context, application: str) -> None:
    """Make one move on an application (avanzamento).

    It first shows what will happen: the new state, the money, the terms that
    start or stop, who will be written to, in other files too. Then it asks you to
    type the protocol number. --yes skips the question; --dry-run only shows.

    `sportello events APP` shows what can be done now, and `sportello advance APP
    EVENT --help` what an event needs.

    \b
    Example:
        sportello advance 2026/0000001 start_review --dry-run
    """
    context.meta[__name__] = application


def _section(rows: Iterable[Move]) -> str:
    sources = list(dict.fromkeys(source for row in rows for source in row.sources))
    if len(sources) > _MANY_SOURCES:
        return "From most states"
    return f"From {sources[0]}"


def _ask_for_event(ctx: click.Context) -> NoReturn:
    name = ctx.params["application"]
    ctx.fail(f"say which event; `sportello events {name}` shows them")


def _unknown(name: str, known: Iterable[str], application: str) -> str:
    event = name.replace("-", "_")
    if any(
        row.by_sweep
        for table in TABLES.values()
        for row in table.moves
        if row.event == event
    ):
        return (
            f"`{name}` is made by the workers when its instant has come; see "
            "`sportello sweep --help`"
        )
    if event in set(Event):
        return (
            f"`{name}` is made by taking a submission in; see `sportello intake --help`"
        )
    return (
        f"there is no event `{name}`{did_you_mean(name, list(known))}; "
        f"`sportello events {application}` shows what can be done"
    )


def _command(event: Event, rows: tuple[Move, ...]) -> click.Command:
    row = rows[0]
    # Which family it is, is known once the file is open: then it wants what it wants.
    least = min((one.inputs for one in rows), key=_required)
    options = options_of(row.inputs)
    needs = {"act": row.act, "reason": row.reason}
    for name, text in _DISCIPLINE.items():
        required = " [required]" if needs.get(name) else ""
        kind = int if name == "expect" else str
        options.append(click.Option([flag(name)], help=text + required, type=kind))
    options += [
        click.Option(["--dry-run"], is_flag=True, help="Show what would happen."),
        click.Option(["--yes"], is_flag=True, help="Do it without asking."),
    ]

    @click.pass_context
    @at_desk
    def run(desk: Desk, context: click.Context, /, **given: Any) -> None:  # noqa: ANN401 - one for each option
        command = MoveCommand(
            application=context.meta[__name__],
            event=event,
            inputs=read(least, given),
            act=given["act"],
            reason=given["reason"],
            key=given["key"],
            expected_version=given["expect"],
        )
        _make(desk, command, dry_run=given["dry_run"], yes=given["yes"])

    return json_option(
        click.Command(
            event.value,
            params=list(options),
            callback=run,
            help=_help(event, rows),
            short_help=row.help,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
    )


def _required(inputs: type[Inputs]) -> int:
    return sum(field.is_required() for field in inputs.model_fields.values())


def _help(event: Event, rows: tuple[Move, ...]) -> str:
    row = rows[0]
    worker = " A worker may make it too." if row.automatic else ""
    letters = ", ".join(row.letters)
    lines = [
        row.help,
        *_paths(event),
        f"Role: {row.role}.{worker} Legal basis: {row.basis}.",
    ]
    if letters:
        lines.append(f"It writes to the applicant: {letters}.")
    if _CODED & row.inputs.model_fields.keys():
        lines.append(f"The codes are those of `{CODES} CALL`.")
    lines.append(f"\b\nExample:\n{wrapped(example(event, row))}")
    return "\n\n".join(lines)


def _paths(event: Event) -> list[str]:
    """Say from where to where it leads, by family unless it is so in all of them."""
    families: dict[str, list[str]] = {}
    for family, table in TABLES.items():
        rows = [row for row in table.of_event(event) if row.by_hand]
        if rows:
            told = " ".join(dict.fromkeys(map(_path, rows)))
            families.setdefault(told, []).append(family)
    if len(families) == 1:
        return list(families)
    return [f"{', '.join(names)}: {told}" for told, names in families.items()]


def _path(row: Move) -> str:
    sources = ", ".join(row.sources)
    if row.target:
        return f"From {sources} to {row.target}."
    return f"In {sources}; the state stays."


# Doing it


def _make(desk: Desk, command: MoveCommand, *, dry_run: bool, yes: bool) -> None:
    warn_of_clock(desk, application=command.application)
    if dry_run:
        receipt = moves.advance(desk, replace(command, dry_run=True))
        emit(receipt, lambda: _show(receipt, f"Would do: {receipts.headline(receipt)}"))
        return
    if yes:
        receipt = moves.advance(desk, command)
    elif wants_json():
        raise nobody_to_ask()
    else:
        receipt = _after_asking(desk, command)
    note_done(f"entry {receipt['entry']['seq']} of {receipt['entry']['call']}")
    emit(receipt, lambda: _show(receipt, _done(receipt)))


def _after_asking(desk: Desk, command: MoveCommand) -> dict[str, Any]:
    """Show what will happen, have it confirmed, and do just that."""
    preview = moves.advance(desk, replace(command, dry_run=True, meant=True))
    if not preview["dry_run"]:
        return preview  # done before, under the same key
    _show(preview, f"This will happen: {receipts.headline(preview)}", err=True)
    confirm(preview["application"])
    seen = preview["version"] - 1
    return moves.advance(desk, replace(command, expected_version=seen))


def _done(receipt: dict[str, Any]) -> str:
    entry = receipt["entry"]
    return (
        f"Done: {receipts.headline(receipt)} "
        f"(entry {entry['seq']} of {entry['call']}, version {receipt['version']})"
    )


def _show(receipt: dict[str, Any], headline: str, *, err: bool = False) -> None:
    say("\n".join([headline, *receipts.details(receipt)]), err=err)
