"""What does the register say, and does it verify?"""

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

import click

from commands.anchors import anchor_command, tell_of_anchors, verified_anchors
from commands.call_entries import summary
from commands.entry import at_desk
from commands.lazy import (
    Listing,
    did_you_mean,
    json_lines_option,
    json_option,
    wants_json,
)
from commands.output import Table, civil, emit, emit_json
from commands.receipts import act_of, moved
from models.vocabulary import CallEvent, Event, Outcome
from workflow.desk import Desk
from workflow.errors import TamperedError
from workflow.rules.calendar import ROME
from workflow.services import log

_EVENTS = [event.value for event in (*Event, *CallEvent)]


@click.group("log", cls=Listing)
@json_option
def log_group() -> None:
    """Read, verify and seal the register of transitions (registro).

    Every command that changes something, and every one that was refused, is an
    entry; each names the hash of the entry before it. Once a day an anchor says,
    signed, where every chain stands.

    \b
    Example:
        sportello log verify
    """


def _since(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> datetime | None:
    """Read a day of Rome, or an instant with its offset."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is not None and instant.tzinfo is None and instant.time() == time.min:
        return instant.replace(tzinfo=ROME)
    if instant is None or instant.tzinfo is None:
        raise click.BadParameter(
            f"`{text}`: write a day, such as 2026-01-20, or an instant with its "
            "offset, such as 2026-01-20T10:00:00+01:00"
        )
    return instant


def _event(
    _context: click.Context, _option: click.Parameter, name: str | None
) -> str | None:
    """Accept what stands in the register: no event is not the same as no entry."""
    if name is None:
        return None
    known = name.replace("-", "_")
    if known in _EVENTS:
        return known
    raise click.BadParameter(f"there is no event `{name}`{did_you_mean(name, _EVENTS)}")


@log_group.command("show")
@click.argument("target", metavar="[CALL|APP]", required=False)
@click.option("--since", callback=_since, help="From this day or instant on.")
@click.option("--actor", metavar="LOGIN", help="Only what this officer did.")
@click.option("--event", metavar="EVENT", callback=_event, help="Only this event.")
@click.option(
    "--outcome",
    type=click.Choice([outcome.value for outcome in Outcome]),
    help="Only what was carried out, or only what was refused.",
)
@json_lines_option
@at_desk
def show_command(  # noqa: PLR0913, PLR0917 - each is an option
    desk: Desk,
    target: str | None,
    since: datetime | None,
    actor: str | None,
    event: str | None,
    outcome: str | None,
) -> None:
    """Show the entries of the register, in their order (registro).

    With --json it prints JSON Lines: each entry as it was hashed, and its hash.

    \b
    Example:
        sportello log show RLF12025051244 --since 2026-01-20 --outcome refused
    """
    wanted = log.Wanted(target, since, actor, event, outcome)
    entries = log.entries(desk, wanted)
    if wants_json():
        for entry in entries:
            emit_json(entry)
    else:
        _tell(entries, log.logins(desk))


def _tell(entries: Iterable[Mapping[str, Any]], logins: Mapping[str, str]) -> None:
    table = Table(("seq>", "when", "protocol", "event", "who", "what+", "act+"))
    for entry in entries:
        actor = entry["actor"]
        table.add(
            entry["seq"],
            civil(entry["at"]),
            entry["protocol"] or entry["call"],
            entry["event"],
            logins.get(actor["id"]) or actor["kind"],
            moved(entry) if entry["application"] else summary(entry),
            act_of(entry),
        )
    table.print()
    if not table.rows:
        click.echo("no entry")


@log_group.command("verify")
@click.argument("call", required=False)
@json_option
@click.pass_context
@at_desk
def verify_command(desk: Desk, context: click.Context, call: str | None) -> None:
    """Verify the register: chain, count, anchors, and the files (verifica).

    It recomputes every hash, counts the entries, and checks that what stands
    beside them is what they say: state, place in the order, money, terms, steps
    and letters of every application, the state of the call, when its counter was
    open, and its frozen rules. Anchors must be linked, signed, one for each day,
    the same in their file, and every chain must still be where they saw it. It
    exits with 5 if anything does not hold.

    \b
    Example:
        sportello log verify
    """
    examined = log.examine(desk, call)

    def tell() -> None:
        for one in examined.calls:
            standing = "ok" if one.ok else f"{len(one.faults)} FAULT(S)"
            click.echo(
                f"{one.call}: {one.entries} entries, head {one.head}: {standing}"
            )
            if erased := _erased(one):
                click.echo(f"  {erased}")
            for fault in one.faults:
                where = f"entry {fault.seq}" if fault.seq else "the call"
                click.echo(f"  {where}: {fault.fault}")
        if not examined.calls:
            click.echo("no call is loaded: there is nothing to verify")
        tell_of_anchors(examined.anchors)

    emit(
        {
            "calls": [
                {
                    "call": one.call,
                    "entries": one.entries,
                    "head": one.head,
                    "ok": one.ok,
                    "erased_letters": one.erased,
                    "erased_under": one.erased_under,
                    "faults": [
                        {"seq": fault.seq, "fault": fault.fault} for fault in one.faults
                    ],
                }
                for one in examined.calls
            ],
            "anchors": verified_anchors(examined.anchors),
            "ok": examined.ok,
        },
        tell,
    )
    if not examined.ok:
        context.exit(TamperedError.exit_code)


def _erased(one: log.Verified) -> str | None:
    if one.erased_under is not None:
        return (
            f"personal data erased under {one.erased_under}: of {one.erased} letter(s) "
            "only the hash is left"
        )
    if one.erased:
        return (
            f"{one.erased} letter(s) erased, and no entry says under which act: only "
            "the hash is left"
        )
    return None


log_group.add_command(anchor_command)
