"""Who may act, and who says so?"""

import re

import click

from commands.entry import at_desk
from commands.lazy import Listing, json_option, note_done
from commands.output import Table, emit
from models import addresses
from models.addresses import AddressError
from models.vocabulary import Role
from workflow.desk import Desk
from workflow.services import officers

_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_LONGEST_NAME = 200
_ROLES = [role.value for role in Role if role != Role.SYSTEM]


@click.group("officer", cls=Listing)
@json_option
def officer_group() -> None:
    """Keep the list of who may do what (responsabili).

    Until there is an administrator anybody may add officers; then only
    administrators may.

    \b
    Example:
        sportello officer list
    """


def _login(_context: click.Context, _option: click.Parameter, login: str) -> str:
    if _LOGIN.fullmatch(login):
        return login
    raise click.BadParameter("write a login of at most 64 characters, without spaces")


def _name(_context: click.Context, _option: click.Parameter, name: str) -> str:
    name = " ".join(name.split())
    if name and name.isprintable() and len(name) <= _LONGEST_NAME:
        return name
    raise click.BadParameter("write a name and surname of at most 200 characters")


def _email(
    _context: click.Context, _option: click.Parameter, address: str | None
) -> str | None:
    try:
        if address:
            addresses.read(address)
    except AddressError as error:
        raise click.BadParameter(
            f"`{address}` is no address: {error}; write one, such as "
            "maria.rossi@regione.example.it"
        ) from error
    return address


@officer_group.command("add")
@click.argument("login", callback=_login)
@click.option("--name", required=True, callback=_name, help="Name and surname.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(_ROLES),
    help="In what capacity; once for each.",
)
@click.option(
    "--email",
    callback=_email,
    metavar="ADDRESS",
    help='Where the digest of each day goes; "" for nowhere.',
)
@json_option
@at_desk
def add_command(
    desk: Desk, login: str, name: str, roles: tuple[str, ...], email: str | None
) -> None:
    """Add an officer, or give more roles to one who is there (responsabile).

    \b
    Roles: intake (protocollo), officer (istruttore), responsible (RUP),
    evaluator (nucleo di valutazione), manager (dirigente), auditor (organo di
    controllo), administrator.

    \b
    Example:
        sportello officer add rossi --name "Maria Rossi" --role administrator
    """
    wanted = [Role(role) for role in roles]
    _tell(officers.add(desk, login, name, wanted, email=email))


@officer_group.command("list")
@json_option
@at_desk
def list_command(desk: Desk) -> None:
    """List the officers with their roles, retired ones too (responsabili).

    \b
    Example:
        sportello officer list
    """
    listed = officers.listed(desk)
    table = Table(("login", "name+", "roles+", "standing", "email+"))
    for officer in listed:
        roles = ", ".join(officer.roles)
        standing = "retired" if officer.retired else "active"
        table.add(officer.login, officer.name, roles, standing, officer.email)
    emit({"officers": [_as_json(officer) for officer in listed]}, table.print)


@officer_group.command("retire")
@click.argument("login")
@json_option
@at_desk
def retire_command(desk: Desk, login: str) -> None:
    """Retire an officer: past entries stay, nothing new can be done.

    \b
    Example:
        sportello officer retire rossi
    """
    _tell(officers.retire(desk, login))


def _tell(officer: officers.OfficerView) -> None:
    note_done(f"officer {officer.login}")
    standing = "retired" if officer.retired else ", ".join(officer.roles)
    emit(
        _as_json(officer),
        lambda: click.echo(f"{officer.login} ({officer.name}): {standing}"),
    )


def _as_json(officer: officers.OfficerView) -> dict[str, object]:
    return {
        "login": officer.login,
        "name": officer.name,
        "roles": list(officer.roles),
        "retired": officer.retired,
        "email": officer.email,
        "id": str(officer.id),
    }
