"""Who may act, and who says so?"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

import click

from commands.entry import at_desk
from commands.lazy import (
    Listing,
    json_lines_option,
    json_option,
    note_done,
    wants_json,
)
from commands.output import Table, civil, clean, emit, emit_json
from commands.plain import say
from models import addresses
from models.addresses import AddressError
from models.vocabulary import Role
from workflow.desk import Desk
from workflow.services import conflicts, delegations, log, office, officers, rosters

_LOGIN = re.compile(r"\S{1,64}")
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
    if _LOGIN.fullmatch(login) and login.isprintable():
        return login
    raise click.BadParameter(
        "write a login of at most 64 characters, without spaces and control characters"
    )


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


def _day(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> date | None:
    if text is None:
        return None
    with suppress(ValueError):
        day = date.fromisoformat(text)
        # The calendar of the machine has no day after its last one.
        if date.min.year < day.year < date.max.year:
            return day
    raise click.BadParameter(
        f"`{text}` is no day; write it as YYYY-MM-DD, such as 2026-03-10, of a year "
        "from 0002 to 9998"
    )


@officer_group.command("list")
@click.option(
    "--at", callback=_day, metavar="YYYY-MM-DD", help="As it was on a day of Rome."
)
@json_option
@at_desk
def list_command(desk: Desk, at: date | None) -> None:
    """List the officers with their roles, retired ones too (responsabili).

    With --at: who held which role on that day, even for a part of it, and who acted
    on behalf of whom.

    \b
    Example:
        sportello officer list --at 2026-03-10
    """
    listed = rosters.listed(desk, at=at)
    table = Table(("login", "name+", "roles+", "standing", "email+"))
    for officer in listed:
        roles = ", ".join([*officer.roles, *map(_delegated, officer.delegations)])
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


_ROLE = click.option(
    "--role", required=True, type=click.Choice(_ROLES), help="In what capacity."
)


@officer_group.command("end-role")
@click.argument("login")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(_ROLES),
    help="In what capacity; once for each.",
)
@json_option
@at_desk
def end_role_command(desk: Desk, login: str, roles: tuple[str, ...]) -> None:
    """End roles of an officer, from now on: it stays known who held them when.

    \b
    Example:
        sportello officer end-role rossi --role manager
    """
    _tell(officers.end_roles(desk, login, [Role(role) for role in roles]))


@officer_group.command("delegate")
@click.argument("login")
@click.argument("to")
@_ROLE
@click.option(
    "--from",
    "first_day",
    required=True,
    callback=_day,
    metavar="YYYY-MM-DD",
    help="First day, in Rome.",
)
@click.option(
    "--to",
    "last_day",
    required=True,
    callback=_day,
    metavar="YYYY-MM-DD",
    help="Last day, in Rome; it still counts.",
)
@click.option("--act", required=True, help='The act: "TYPE NUMBER/DATE".')
@json_option
@at_desk
def delegate_command(  # noqa: PLR0913, PLR0917 - each is an option
    desk: Desk,
    login: str,
    to: str,
    role: str,
    first_day: date,
    last_day: date,
    act: str,
) -> None:
    """Let the officer TO act on behalf of LOGIN in a role, on some days (delega).

    Each entry made so says for whom. Where another person must have proposed what
    is decided, neither of the two may have.

    \b
    Example:
        sportello officer delegate rossi verdi --role manager --from 2026-08-03 \\
            --to 2026-08-21 --act "decreto 12/2026-01-19"
    """
    wanted = delegations.Wanted(login, to, Role(role), first_day, last_day, act)
    _tell(delegations.delegate(desk, wanted))


@officer_group.command("end-delegation")
@click.argument("login")
@click.argument("to")
@_ROLE
@json_option
@at_desk
def end_delegation_command(desk: Desk, login: str, to: str, role: str) -> None:
    """Take a role back that LOGIN delegates to TO, from now on.

    \b
    Example:
        sportello officer end-delegation rossi verdi --role manager
    """
    _tell(delegations.end(desk, login, to, Role(role)))


@officer_group.command("conflict")
@click.argument("login")
@click.argument("application", metavar="APP")
@click.option("--reason", required=True, help="Why, in words, without names.")
@json_option
@at_desk
def conflict_command(desk: Desk, login: str, application: str, reason: str) -> None:
    """Declare a conflict of interests: who has one abstains (art. 6-bis L. 241/1990).

    From then on the officer neither scores nor decides on that application, and a
    score that they gave before that of the board does not count. Everybody declares
    their own; only a manager may record that of another.

    \b
    Example:
        sportello officer conflict verdi 2026/0000001 --reason "a relative works there"
    """
    told = conflicts.declare(desk, login, application, reason=reason)
    note_done(f"conflict of {login} on {told['application']}")
    emit(
        told,
        lambda: say(
            f"{told['application']}: {login} abstains (entry {told['entry']['seq']})"
        ),
    )


@officer_group.command("end-conflict")
@click.argument("login")
@click.argument("application", metavar="APP")
@click.option("--reason", required=True, help="Why, in words, without names.")
@json_option
@at_desk
def end_conflict_command(desk: Desk, login: str, application: str, reason: str) -> None:
    """Take a conflict of interests back: the officer need not abstain any more.

    Who declared their own takes it back; what another has recorded is taken back by
    a responsible officer or a manager, never by whom it concerns. Both stay in the
    register. A score that was given before it does not count again.

    \b
    Example:
        sportello officer end-conflict verdi 2026/0000001 --reason "she has left"
    """
    told = conflicts.end(desk, login, application, reason=reason)
    note_done(f"end of the conflict of {login} on {told['application']}")
    emit(
        told,
        lambda: say(
            f"{told['application']}: {login} abstains no more "
            f"(entry {told['entry']['seq']})"
        ),
    )


@officer_group.command("history")
@json_lines_option
@at_desk
def history_command(desk: Desk) -> None:
    """Show what changed in officers, roles and delegations, and who was refused.

    It is a chain as those of the calls, verified by `log verify` and sealed by the
    anchors. With --json it prints JSON Lines: each entry as it was hashed.

    \b
    Example:
        sportello officer history
    """
    found = office.entries(desk)
    if wants_json():
        for entry in found:
            emit_json(entry)
        return
    logins = log.logins(desk)
    table = Table(("seq>", "when", "event", "officer", "who", "what+"))
    for entry in found:
        actor = entry["actor"]
        table.add(
            entry["seq"],
            civil(entry["at"]),
            entry["event"],
            logins.get(entry["officer"], "-"),
            logins.get(actor["id"]) or actor["kind"],
            _what(entry, logins),
        )
    table.print()
    if not table.rows:
        say("no entry")


def _what(entry: Mapping[str, Any], logins: Mapping[str, str]) -> str:
    said = entry["details"]
    told = said.get("role") or ", ".join(said.get("roles", ()))
    if "to" in said:
        told += f" to {logins.get(said['to'], '?')}"
    if "first_day" in said:
        told += f", {said['first_day']} to {said['last_day']}"
    if entry["refusal"]:
        return f"REFUSED [{entry['refusal']['code']}] {told}".rstrip()
    return str(told)


def _delegated(one: rosters.DelegationView) -> str:
    days = f"{one.first_day.isoformat()} to {one.last_day.isoformat()}"
    return f"{one.role} for {one.delegator} ({days})"


def _tell(officer: rosters.OfficerView) -> None:
    note_done(f"officer {officer.login}")
    held = [*officer.roles, *map(_delegated, officer.delegations)]
    standing = "retired" if officer.retired else ", ".join(held) or "no role"
    emit(
        _as_json(officer),
        lambda: say(clean(f"{officer.login} ({officer.name}): {standing}")),
    )


def _as_json(officer: rosters.OfficerView) -> dict[str, object]:
    return {
        "login": officer.login,
        "name": officer.name,
        "roles": list(officer.roles),
        "retired": officer.retired,
        "email": officer.email,
        "id": str(officer.id),
        "delegations": [
            {
                "role": one.role.value,
                "on_behalf_of": one.delegator,
                "first_day": one.first_day.isoformat(),
                "last_day": one.last_day.isoformat(),
                "ended_at": one.ended_at.isoformat() if one.ended_at else None,
            }
            for one in officer.delegations
        ],
    }
