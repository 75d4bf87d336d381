"""Who may do what in the database itself?"""

import re

import click

from commands.entry import open_desk, told_in_words
from commands.lazy import Listing, json_option, note_done
from commands.output import emit, print_wrapped
from workflow.desk import IdentityKind
from workflow.errors import InputError
from workflow.services import rights
from workflow.services.officers import STRENGTH
from workflow.services.rights import Granted, Roles

_NAME = re.compile(r"(?!pg_|public$|none$)[a-z_][a-z0-9_]{0,62}")


def _role(_context: click.Context, _option: click.Parameter, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise click.BadParameter(
            f"`{name}`: write small letters, digits and _, at most 63, and no name "
            "that PostgreSQL keeps for itself"
        )
    return name


@click.group("db", cls=Listing)
@json_option
def db_group() -> None:
    """Say who may do what in the database itself (ruoli della base dati).

    \b
    Example:
        sportello db grants --print
    """


@db_group.command("grants")
@click.option(
    "--application",
    metavar="ROLE",
    default=rights.APPLICATION,
    show_default=True,
    callback=_role,
    help="As whom commands and workers connect.",
)
@click.option(
    "--auditor",
    metavar="ROLE",
    default=rights.AUDITOR,
    show_default=True,
    callback=_role,
    help="As whom an auditor connects.",
)
@click.option(
    "--identity",
    type=click.Choice([kind.value for kind in STRENGTH]),
    help="How it has to be known at least who acts (SPORTELLO_IDENTITY), from now on.",
)
@click.option(
    "--print", "only_print", is_flag=True, help="Print the statements, do nothing."
)
@json_option
def grants_command(
    application: str, auditor: str, identity: str | None, *, only_print: bool
) -> None:
    """Make the roles of the database, and give each what it needs (permessi).

    Only on PostgreSQL, as the owner of the tables. The application can read and add
    to the register and never change it; the auditor can read it, and nothing that
    tells who applied. Roles that are not there are made, without login: make those
    of people and processes members of them. With `--identity database` nobody can
    merely say who they are: the login to the database counts. Repeat it after each
    upgrade; a second time it changes nothing.

    \b
    Example:
        sportello db grants --print
    """
    if application == auditor:
        raise InputError(
            "grants.same_role",
            "--application and --auditor name the same role: one of them may write, "
            "the other may not",
        )
    wanted = IdentityKind(identity) if identity else None
    roles = Roles(application, auditor, wanted)
    with told_in_words():
        desk = open_desk()
        work = rights.planned if only_print else rights.grant
        granted = work(desk, roles)
    if not only_print:
        note_done("the roles have their rights")
    emit(
        {
            "owner": granted.owner,
            "application": application,
            "auditor": auditor,
            "executed": not only_print,
            "statements": granted.statements,
        },
        lambda: _print(granted) if only_print else _tell(granted),
    )


def _print(granted: Granted) -> None:
    for statement in granted.statements:
        click.echo(f"{statement};")


def _tell(granted: Granted) -> None:
    application, auditor = granted.roles.application, granted.roles.auditor
    print_wrapped(f"{granted.owner}: ", "owns the tables; use it for `init` alone")
    print_wrapped(
        f"{application}: ", "works; it adds to the register and cannot change it"
    )
    print_wrapped(f"{auditor}: ", "reads the register, and not who applied")
    click.echo(
        "Make whoever connects a member of one of the two, by the login that the "
        "register is\nto name:\n"
        f"  CREATE ROLE rossi LOGIN PASSWORD '...' IN ROLE {application};\n"
        "Once more after each upgrade: sportello db grants"
    )
