"""Does whoever types really mean it?"""

import sys

import click

from commands.output import clean
from workflow.errors import InputError, RefusedError


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
