"""What is a command given to work with?"""

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import update_wrapper
from pathlib import Path
from typing import Concatenate, ParamSpec

import click
from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError

from commands.damage import told_from_bugs
from commands.output import civil
from commands.plain import say
from config.loader import FaultyFileError, first_of
from config.logs import log
from config.settings import Settings, SettingsError, read_settings
from models.session import (
    DatabaseForbiddenError,
    DatabaseUnavailableError,
    normalised,
    open_engine,
)
from workflow.ambient import Ambient, ShiftedAmbient, SystemAmbient
from workflow.anchors.stamps import Authority
from workflow.desk import AnchorFiles, Desk, Identity, IdentityKind
from workflow.errors import InputError, RefusedError, UnavailableError
from workflow.services import doctor, installation

_Stated = ParamSpec("_Stated")


def at_desk(
    function: Callable[Concatenate[Desk, _Stated], None],
) -> Callable[_Stated, None]:
    """Give a command the desk, once its database is in the right form."""

    def wrapped(*args: _Stated.args, **kwargs: _Stated.kwargs) -> None:
        with told_in_words():
            desk = open_desk()
            installation.check_form(desk.engine)
            if desk.ambient.simulated:
                installation.refuse_simulated_clock(desk.engine)
            else:
                _refuse_host_clock(desk)
            with told_from_bugs(desk):
                function(desk, *args, **kwargs)

    return update_wrapper(wrapped, function)


def _refuse_host_clock(desk: Desk) -> None:
    """Keep today's date out of a rehearsal: its register would end there."""
    if installation.is_rehearsal(desk.engine):
        raise RefusedError(
            "clock.missing",
            "this is a rehearsal: set SPORTELLO_CLOCK to the instant it is to be, "
            "or use another database",
        )


def warn_of_clock(
    desk: Desk, *, call: str | None = None, application: str | None = None
) -> None:
    """Say on standard error that a simulated clock is behind the register."""
    if not desk.ambient.simulated:
        return
    last = doctor.behind(desk, call=call, application=application)
    if last is not None:
        say(
            "Warning: SPORTELLO_CLOCK is before the last entry of the call; what is "
            f"written is dated {civil(last)} (Rome), not before",
            err=True,
        )


@contextmanager
def told_in_words() -> Iterator[None]:
    """Turn what the lower layers raise into errors with an exit code."""
    try:
        yield
    except SettingsError as error:
        raise InputError("settings.invalid", str(error)) from error
    except DatabaseForbiddenError as error:
        raise RefusedError(error.code, error.message) from error
    except DatabaseUnavailableError as error:
        raise UnavailableError(error.code, error.message) from error
    except FaultyFileError as error:
        listed = "".join(f"\n  {fault}" for fault in first_of(error.faults))
        raise RefusedError(
            error.code,
            f"{error.path or f'the {error.kind}'} cannot be used, correct it:{listed}",
            {"faults": [fault_as_json(fault) for fault in error.faults]},
        ) from error


def fault_as_json(fault: object) -> dict[str, object]:
    """Return a fault of a file as scripts read it."""
    return {name: getattr(fault, name) for name in ("where", "message", "line")}


def open_desk() -> Desk:
    """Build the desk from the settings; the database is not touched yet.

    Raises:
        SettingsError: a setting is wrong.
        InputError: a setting does not fit with the others.
    """
    typed = click.get_current_context().obj
    if isinstance(typed, Desk):
        return typed
    settings = read_settings()
    log.speak_from(settings.log_level)
    ambient: Ambient = SystemAmbient()
    if settings.clock is not None:
        ambient = ShiftedAmbient(settings.clock)
    engine = engine_of(
        settings.database, "SPORTELLO_DATABASE_URL", lock_wait=settings.lock_wait
    )
    click.get_current_context().call_on_close(engine.dispose)
    return Desk(
        engine=engine,
        ambient=ambient,
        identity=_identity(settings),
        typed_at=ambient.now() if ambient.simulated else _instant(typed),
        patience=settings.lock_wait,
        anchor_files=AnchorFiles(
            settings.key_file, settings.anchors_file, _authority(settings)
        ),
        receipts=settings.receipts,
    )


def _authority(settings: Settings) -> Authority | None:
    if settings.tsa_url is None:
        return None
    # What asks over the net takes a while to load.
    from workers.transports import authorities  # noqa: PLC0415 - see above

    return authorities.build(settings)


def _instant(typed: object) -> datetime:
    if not isinstance(typed, datetime):
        raise TypeError(typed)
    return typed


def engine_of(database: str, named: str, *, lock_wait: int) -> Engine:
    """Return the database at an address; *named* says where that was written.

    Raises:
        InputError: it is no address, or that of a database in memory.
    """
    try:
        address = normalised(database)
    except (ArgumentError, ValueError) as error:
        raise InputError(
            "settings.invalid",
            f"{named} is not the address of a database; write "
            "sqlite:////folder/file.db or postgresql://user@host/database",
        ) from error
    if "@" in (address.host or ""):
        # A part of the password would be looked up as a host, and told.
        raise InputError(
            "settings.invalid",
            f"{named} has more than one @: write one that belongs to the password as "
            "%40",
        )
    if address.get_backend_name() == "sqlite" and address.database in {
        None,
        "",
        ":memory:",
    }:
        raise InputError(
            "settings.invalid",
            f"{named} names a database in memory, which is gone when "
            "the command ends; name a file, as in sqlite:////folder/file.db",
        )
    return open_engine(database, lock_wait=lock_wait)


def _identity(settings: Settings) -> Identity:
    kind = IdentityKind(settings.identity)
    if kind == IdentityKind.DECLARED:
        return Identity(kind, settings.officer)
    if kind == IdentityKind.OS:
        return Identity(kind, _login())
    if settings.database.startswith("sqlite"):
        raise InputError(
            "settings.invalid",
            "SPORTELLO_IDENTITY is `database`, but SQLite has no users; set it to "
            "`os` or `declared`, or use PostgreSQL",
        )
    return Identity(kind, None)


_AUDITED = Path("/proc/self/loginuid")
"""Where Linux keeps who logged in, whatever they became since; only root sets it."""

_NOT_SET = 2**32 - 1


def _login() -> str:
    """Return the login of the system, the real one behind sudo and su.

    The kernel says who logged in, where it keeps account of it. Else only root may
    say who is behind: for anybody else SUDO_USER is a wish.
    """
    with suppress(OSError, ValueError, KeyError):
        logged_in = int(_AUDITED.read_text(encoding="ascii"))
        if logged_in != _NOT_SET:
            return pwd.getpwuid(logged_in).pw_name
    user = os.getuid()
    if user == 0 and (behind := os.environ.get("SUDO_USER")):
        return behind
    return pwd.getpwuid(user).pw_name
