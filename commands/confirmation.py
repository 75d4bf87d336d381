"""Does whoever types really mean it?"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from commands.lazy import note_done, wants_json
from commands.output import clean, emit
from workflow.errors import InputError, RefusedError


class Said(NamedTuple):
    """What stands above the files that are shown, before it is done and after."""

    would: str
    will: str
    done: str


def do_once_confirmed(  # noqa: PLR0913 - what is done, how it is told, and what was typed
    call: str,
    run: Callable[..., dict[str, Any]],
    show: Callable[..., None],
    *,
    said: Said,
    written: Callable[[Mapping[str, Any]], str],
    dry_run: bool,
    yes: bool,
    changes: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> None:
    """Do something to many files of a call, once whoever types has seen it.

    *run* is then held to what was shown, so that nothing else is done. *written*
    says what stands in the database by then, should the answer get lost. Nobody is
    asked about what *changes* nothing.

    Raises:
        InputError: nobody could be asked, or nobody answered.
        RefusedError: it was not confirmed, or it may not be done.
    """
    if dry_run:
        told = run(dry_run=True)
        emit(told, lambda: show(told, said.would))
        return
    seen = None
    if not yes:
        if wants_json():
            raise nobody_to_ask()
        seen = run(dry_run=True, meant=True)
        if changes(seen):
            show(seen, said.will, err=True)
            confirm(call)
    told = run(seen=seen)
    note_done(written(told))
    emit(told, lambda: show(told, said.done))


def is_typed() -> bool:
    """Tell whether somebody sits there and types, and no script does."""
    return sys.stdin.isatty() and not wants_json()


def nobody_to_ask() -> InputError:
    """Return what is said where only a program reads the question."""
    return InputError(
        "confirmation.missing",
        "with --json there is nobody to ask: add --yes to do it, or --dry-run to "
        "see what would happen",
    )


def confirm(name: str) -> None:
    """Have something confirmed by typing its name.

    Raises:
        InputError: there is nobody who answers.
        RefusedError: something else was typed.
    """
    click.echo(f"Type {name} to confirm: ", nl=False, err=True)
    typed = sys.stdin.readline()
    if not (typed and sys.stdin.isatty()):
        click.echo(err=True)  # nobody has pressed the key that ends the line
    if not typed:
        raise InputError(
            "confirmation.missing",
            "nothing was done: nobody confirmed; add --yes to do it without asking",
        )
    if typed.strip() != name:
        raise RefusedError(
            "confirmation.wrong",
            f"nothing was done: `{clean(typed.strip())}` is not {name}",
        )
