"""Is the program in order here?"""

import os
from contextlib import closing

import click

from commands.damage import told_from_bugs
from commands.entry import open_desk, told_in_words
from commands.lazy import did_you_mean, json_option
from commands.output import emit, print_wrapped
from config.settings import (
    PREFIX,
    Settings,
    SettingsError,
    masked,
    read_settings,
)
from workflow.desk import Desk
from workflow.errors import UnavailableError
from workflow.services import doctor, keys
from workflow.services.doctor import Check


@click.command("doctor")
@json_option
@click.pass_context
def doctor_command(context: click.Context) -> None:
    """Check that everything the program stands on is in order (diagnosi).

    It looks at the settings, the home, the database and its form, the clock, who
    you are, when the scheduler was last at work, what is due and late, what was put
    aside, the jobs of the workers, their broker and the mail, and exits with 3 if
    something is not right.

    \b
    Example:
        sportello doctor
    """
    with told_in_words():
        settings, desk = read_settings(), open_desk()
        checks: tuple[Check, ...]
        with told_from_bugs(desk):
            checks = (
                _settings(settings),
                *doctor.examine(
                    desk,
                    settings.home,
                    keeps_data=_keeps_data(settings),
                ),
                _broker(settings),
                *_receipts(settings),
            )
            if all(check.ok for check in checks if check.name == "database"):
                checks += (_mail(desk, settings),)

    def tell() -> None:
        for check in checks:
            standing = "ok    " if check.ok else "FAILED"
            print_wrapped(f"{standing}  {check.name:<9}  ", check.detail)

    emit(
        {
            "checks": [
                {"name": check.name, "ok": check.ok, "detail": check.detail}
                for check in checks
            ]
        },
        tell,
    )
    if not all(check.ok for check in checks):
        context.exit(UnavailableError.exit_code)


def _keeps_data(settings: Settings) -> bool:
    """Tell whether something stands in the home that nobody else may read."""
    return str(settings.home) in settings.database or keys.is_there(settings.key_file)


def _receipts(settings: Settings) -> tuple[Check, ...]:
    """Look for the folder of receipts, if there is to be one."""
    folder = settings.receipts
    if folder is None:
        return ()
    new = folder / "new"
    looked_at = new if new.is_dir() else folder
    if not looked_at.is_dir() or not os.access(looked_at, os.R_OK | os.X_OK):
        detail = f"{folder} is no folder that can be read; see SPORTELLO_RECEIPTS"
        return (Check("receipts", ok=False, detail=detail),)
    if looked_at is folder:
        return (Check("receipts", ok=True, detail=f"{folder}, a folder of mails"),)
    waiting = sum(1 for _ in new.iterdir())
    detail = f"{folder}, a maildir with {waiting} new mail(s)"
    return (Check("receipts", ok=True, detail=detail),)


def _settings(settings: Settings) -> Check:
    """Find names that are misspelt: such a setting is not there."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    stray = [name for name in os.environ if name.startswith(PREFIX)]
    stray = [name for name in stray if name not in known]
    if stray:
        listed = "; ".join(f"{name}{did_you_mean(name, known)}" for name in stray)
        return Check("settings", ok=False, detail=f"not a setting: {listed}")
    shown = [
        f"{PREFIX}{name.upper()}={masked(str(getattr(settings, name)))}"
        for name in sorted(settings.model_fields_set)
    ]
    return Check("settings", ok=True, detail=" ".join(shown) or "all by default")


def _mail(desk: Desk, settings: Settings) -> Check:
    """See how letters leave, and which did not."""
    from workers.transports import choice  # noqa: PLC0415 - as below

    try:
        transport = choice.build(settings)
    except SettingsError as error:
        return Check("mail", ok=False, detail=str(error))
    with closing(transport):
        answered = settings.smtp_url is not None
        return doctor.mail(desk, transport.examine, answered=answered)


def _broker(settings: Settings) -> Check:
    """See whether the broker answers, and what it alone knows of."""
    shown = masked(settings.broker_url)
    if settings.broker_url.startswith("memory:"):
        return Check("broker", ok=True, detail="in process, for `sportello run`")
    # Only where there is a Redis: loading what talks to it takes a while.
    from workers import broker, sending  # noqa: PLC0415 - see above

    try:
        failed = sending.given_up(broker.build(settings.broker_url))
    except UnavailableError as error:
        return Check("broker", ok=False, detail=f"{shown}: {error.message}")
    if failed:
        detail = f"{shown} answers; {failed} submission(s) failed for good in a week"
        return Check(
            "broker", ok=False, detail=f"{detail}: the log of `worker` says why"
        )
    return Check("broker", ok=True, detail=f"{shown} answers")
