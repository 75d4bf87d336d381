"""Which personal data of a call is still kept, and may it be erased?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from commands.confirmation import confirm, nobody_to_ask
from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option, note_done, wants_json
from commands.output import civil, emit, instant, print_pairs, print_wrapped
from commands.plain import say
from commands.receipts import act_of
from config.settings import Settings, read_settings
from workers.transports import erasing
from workflow.desk import Desk
from workflow.rules.calendar import italian_date
from workflow.services import retention
from workflow.services.retention import Plan

_HELD = {
    "applicants": "applicants",
    "links": "links between undertakings",
    "letters": "letters",
    "receipts": "receipts",
    "documents": "names of documents",
    "answers": "answers with addresses",
}

_UNREAD = "the user of the database may not read who applied"


@click.command("retention")
@click.argument("call")
@click.option("--erase", is_flag=True, help="Erase it; without this it is only told.")
@click.option("--act", help='The act: "TYPE NUMBER/DATE".')
@click.option("--reason", help="Why, in words.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
@at_desk
def retention_command(  # noqa: PLR0913 - each is an option
    desk: Desk,
    call: str,
    *,
    erase: bool,
    act: str | None,
    reason: str | None,
    yes: bool,
) -> None:
    """Tell which personal data is kept, and erase it (conservazione).

    It tells how much there is, until when it is kept and who is kept for another
    call. With --erase it is erased, by an act of the manager, once its time is
    over: names, tax codes and addresses, what letters and receipts said. The
    register stays, and still verifies. Nothing brings it back.

    \b
    Example:
        sportello retention RLF12025051244
    """
    if not erase and (act or reason or yes):
        raise click.UsageError("--act, --reason and --yes belong to --erase")
    warn_of_clock(desk, call=call)
    settings, plan = read_settings(), retention.plan(desk, call)
    copies = tuple(erasing.copies(settings.home, plan.call, plan.letters))
    elsewhere = list(_elsewhere(desk, settings))
    told = {**_as_json(plan, copies), "elsewhere": elsewhere}
    if not erase:
        emit({**told, "done": False}, lambda: _tell(plan, told, "Would erase"))
        return
    if not yes:
        _ask(plan, told)
    entry = retention.erase(
        desk, call, act=act, reason=reason, seen=None if yes else plan.held
    )
    if entry is not None:
        note_done(f"entry {entry['seq']} of {entry['call']}")
    erasing.erase(copies)
    pages = retention.forget(desk)
    told |= {"done": True, "entry": entry, "pages": pages, "copies": len(copies)}
    told["erased_under"] = _act(entry) or plan.erased_under
    emit(told, lambda: _tell_done(told, entry))


def _ask(plan: Plan, told: Mapping[str, Any]) -> None:
    """Have it confirmed, unless it will be refused or nothing is left."""
    if plan.in_the_way is not None or plan.held is None or plan.held.is_nothing:
        return
    if wants_json():
        raise nobody_to_ask()
    _tell(plan, told, "This will erase", err=True)
    confirm(plan.call)


def _as_json(plan: Plan, copies: Sequence[Path]) -> dict[str, object]:
    kept, wrong = plan.retention, plan.in_the_way
    return {
        "call": plan.call,
        "state": plan.state.value,
        "over_on": instant(plan.over_on),
        "over_since": kept.over_since.isoformat(),
        "years": kept.years,
        "basis": plan.basis,
        "last_day": kept.last_day.isoformat(),
        "may_be_erased_from": kept.may_be_erased_from.isoformat(),
        "possible": wrong is None,
        "in_the_way": wrong and {"code": wrong.code, "message": wrong.message},
        "erased_under": plan.erased_under,
        "personal_data": None if plan.held is None else asdict(plan.held),
        "kept_for": dict(plan.kept_for),
        "copies": len(copies),
    }


def _elsewhere(desk: Desk, settings: Settings) -> Iterator[str]:
    """Name what this command cannot reach."""
    if desk.engine.dialect.name != "sqlite":
        yield (
            "old rows in the pages of PostgreSQL, until a VACUUM FULL by who runs it"
        )
    if settings.receipts is not None:
        yield f"receipts as they came, in {settings.receipts}"
    if settings.smtp_url is not None:
        yield f"letters under {settings.home / 'letters'} of other machines"
    yield "backups of the database, the portal, the mailbox of the office"


def _tell(plan: Plan, told: Mapping[str, Any], verb: str, *, err: bool = False) -> None:
    kept, amounts = plan.retention, told["personal_data"]
    over = "not yet" if plan.over_on is None else civil(plan.over_on)
    say(plan.call, err=err)
    print_pairs(
        (
            ("state", plan.state),
            ("concluded or annulled", over),
            ("last thing done", italian_date(kept.over_since)),
            ("kept for", f"{kept.years} year(s), until {italian_date(kept.last_day)}"),
            ("because", plan.basis),
            ("erased under", plan.erased_under),
        ),
        "  ",
        err=err,
    )
    say(f"{verb} of its personal data:", err=err)
    counts: list[tuple[str, object]] = [("not counted", _UNREAD)]
    if amounts is not None:
        counts = [(name, str(amounts[key])) for key, name in _HELD.items()]
    print_pairs([*counts, ("copies as files", str(told["copies"]))], "  ", err=err)
    _tell_kept(plan.kept_for, err=err)
    if err:
        return
    if plan.in_the_way is not None:
        print_wrapped("Not now: ", plan.in_the_way.message)
    _tell_elsewhere(told["elsewhere"])


def _tell_kept(kept_for: Mapping[str, int], *, err: bool = False) -> None:
    for code, number in kept_for.items():
        say(f"  kept, because of {code}: {number} applicant(s)", err=err)


def _tell_done(told: Mapping[str, Any], entry: Mapping[str, Any] | None) -> None:
    if entry is None:
        say(f"{told['call']}: nothing was left, erased under {told['erased_under']}")
    else:
        findings = entry["findings"]
        say(f"{told['call']}: personal data erased under {told['erased_under']}")
        counts = [(name, str(findings["erased"][key])) for key, name in _HELD.items()]
        print_pairs(counts, "  ")
        _tell_kept(findings["kept_for"])
        say(f"  entry {entry['seq']} of the register")
    if told["copies"]:
        say(f"  {told['copies']} copies as files erased")
    if told["pages"]:
        say("  the file of the database was written anew")
    _tell_elsewhere(told["elsewhere"])


def _tell_elsewhere(places: Sequence[str]) -> None:
    say("What this command cannot reach:")
    for place in places:
        print_wrapped("  ", place)


def _act(entry: Mapping[str, Any] | None) -> str | None:
    return None if entry is None else act_of(entry)
