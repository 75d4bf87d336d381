"""What does the register say, and does it verify?"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click

from commands import moments
from commands.anchors import anchor_command, tell_of_anchors, verified_anchors
from commands.applications import show_past
from commands.call_entries import summary
from commands.calls import past_as_json, tell_call
from commands.changes import diff_command
from commands.entry import at_desk
from commands.exports import export_command
from commands.handed_in import HandedIn
from commands.lazy import (
    Listing,
    did_you_mean,
    json_lines_option,
    json_option,
    wants_json,
)
from commands.moments import as_of_option, read_since, read_until
from commands.numbers import WholeNumber
from commands.offices import tell_of_office, verified_office
from commands.output import Table, civil, emit, emit_json, print_wrapped
from commands.plain import say
from commands.queue import queue_as_json, tell_queue
from commands.receipts import act_of, moved
from models.vocabulary import CallEvent, Event, Outcome
from workflow.desk import Desk
from workflow.errors import TamperedError
from workflow.services import log, pasts
from workflow.services.anchor_copies import Trusted
from workflow.services.moments import Moment

_PAGE = 1_000
"""How many entries are held at once, to be shown."""
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
@click.option("--since", callback=read_since, help="From this instant or day on.")
@click.option("--until", callback=read_until, help="Up to this instant or day.")
@click.option(
    "--actor",
    metavar="LOGIN",
    help="Only what this officer did, or `system` (the workers), or `unknown`.",
)
@click.option("--event", metavar="EVENT", callback=_event, help="Only this event.")
@click.option(
    "--outcome",
    type=click.Choice([outcome.value for outcome in Outcome]),
    help="Only what was carried out, or only what was refused.",
)
@click.option("--limit", type=WholeNumber(min=1), help="Only the first N.")
@click.option("--last", type=WholeNumber(1, _PAGE), help="Only the last N.")
@as_of_option
@json_lines_option
@at_desk
def show_command(
    desk: Desk,
    /,
    target: str | None,
    as_of: Moment | None,
    **filters: Any,  # noqa: ANN401 - each has a type of its own
) -> None:
    """Show the entries of the register, in their order (registro).

    A day is one of Rome; an instant without an offset is its civil time. With
    --json it prints JSON Lines: each entry as it was hashed, and its hash.

    With --as-of it tells instead what the entries up to an instant add up to: how
    a call, its money and its queue stood then, or one application.

    \b
    Example:
        sportello log show RLF12025051244 --since 2026-01-20 --outcome refused
    """
    if as_of is not None:
        _refuse_filters(target, filters)
        _show_as_of(desk, str(target), as_of)
        return
    entries = log.entries(desk, log.Wanted(target, **filters))
    if wants_json():
        for entry in entries:
            emit_json(entry)
    else:
        _tell(entries, log.logins(desk))


def _refuse_filters(target: str | None, filters: Mapping[str, object]) -> None:
    given = [f"--{name}" for name, value in filters.items() if value is not None]
    if given:
        raise click.UsageError(
            f"--as-of tells how something stood, not which entries there are: leave "
            f"out {', '.join(given)}"
        )
    if target is None:
        raise click.UsageError("--as-of needs a call or an application")


def _show_as_of(desk: Desk, target: str, as_of: Moment) -> None:
    if not pasts.is_call(desk, target):
        show_past(desk, target, as_of)
        return
    past = pasts.both(desk, target, as_of)
    call, queue = past.seen

    def tell() -> None:
        say(moments.headline(past.cut, target))
        tell_call(call, now=False)
        say()
        tell_queue(queue, None)

    told = {"call": past_as_json(call), "queue": queue_as_json(queue, queue.items)}
    emit({"as_of": moments.as_json(past.cut), **told}, tell)


def _tell(entries: Iterable[Mapping[str, Any]], logins: Mapping[str, str]) -> None:
    """Show entries to people, a page at a time: there may be a million of them."""
    entries, shown = iter(entries), False
    while some := list(islice(entries, _PAGE)):
        table = Table(("seq>", "when", "protocol", "event", "who", "what+", "act+"))
        for entry in some:
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
        shown = True
    if not shown:
        say("no entry")


def _key(
    _context: click.Context, _option: click.Parameter, given: str | None
) -> str | None:
    if given is None or re.fullmatch("[0-9a-fA-F]{64}", given):
        return given
    raise click.BadParameter("it is 64 digits in hex")


@log_group.command("verify")
@click.argument("call", required=False)
@click.option(
    "--key", metavar="HEX", callback=_key, help="The public key that you trust."
)
@click.option(
    "--anchors",
    metavar="FILE",
    type=HandedIn(path_type=Path),
    help="Your own copies of anchors, one a line: the database must have the same.",
)
@json_option
@click.pass_context
@at_desk
def verify_command(
    desk: Desk,
    context: click.Context,
    call: str | None,
    *,
    key: str | None,
    anchors: Path | None,
) -> None:
    """Verify the register: chain, count, anchors, and the files (verifica).

    It recomputes every hash, counts the entries, and checks that what stands
    beside them is what they say: state, place in the order, money, terms, steps
    and letters of every application, the state of the call, when its counter was
    open, and its frozen rules. Each move must be one that the program allowed then,
    each officer and each act must be there. Anchors must be linked, signed, one for
    each day, the same in their file, and every chain must still be where they saw
    it. Of each kind of fault the first is told, with --json a hundred. It exits with
    5 if anything does not hold; others may go on working meanwhile.

    \b
    Example:
        sportello log verify
    """
    trusted = Trusted(key, anchors)
    with _progress() as bar:
        examined = log.examine(desk, call, trusted=trusted, tell=bar)

    def tell() -> None:
        for one in examined.calls:
            count = sum(one.counts.values()) or len(one.faults)
            standing = f"{count} FAULT(S)" if count else "ok"
            say(f"{one.call}: {one.entries} entries: {standing}")
            say(f"  head {one.head}")
            if erased := _erased(one):
                print_wrapped("  ", erased)
            if one.unread:
                print_wrapped(
                    "  ",
                    f"{one.unread} letter(s) not compared: the user of the database "
                    "may not read their text",
                )
            if one.unnamed:
                print_wrapped(
                    "  ",
                    f"{one.unnamed} application(s) not compared with who filed them: "
                    "the user of the database may not read it",
                )
            for fault, more in one.first:
                where = f"entry {fault.seq}" if fault.seq else "the call"
                told = f"; and {more} more like it" if more else ""
                print_wrapped(f"  {where}: ", f"{fault.fault}{told}")
        if not examined.calls:
            say("no call is loaded: there is nothing to verify")
        if call is None or not examined.office.ok:
            tell_of_office(examined.office)
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
                    "unread_letters": one.unread,
                    "erased_applicants": one.nameless,
                    "unread_applicants": one.unnamed,
                    "erased_under": one.erased_under,
                    "faults": [
                        {"seq": fault.seq, "fault": fault.fault, "kind": fault.kind}
                        for fault in one.faults
                    ],
                    "counts": dict(one.counts),
                }
                for one in examined.calls
            ],
            "office": verified_office(examined.office),
            "anchors": verified_anchors(examined.anchors),
            "ok": examined.ok,
        },
        tell,
    )
    if not examined.ok:
        context.exit(TamperedError.exit_code)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how far the verification has come."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    with click.progressbar(length=1, label="verified", file=sys.stderr) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = max(done, total)
            bar.update(done - bar.pos)

        yield tell


def _erased(one: log.Verified) -> str | None:
    if one.erased_under is not None:
        return (
            f"personal data erased under {one.erased_under}: of {one.erased} letter(s) "
            "only the hash is left, and nobody can tell any more who filed "
            f"{one.nameless} application(s)"
        )
    if one.erased:
        return (
            f"{one.erased} letter(s) erased, and no entry says under which act: only "
            "the hash is left"
        )
    return None


log_group.add_command(diff_command)
log_group.add_command(anchor_command)
log_group.add_command(export_command)
