"""Which terms run, when do they end, and which were missed?"""

import sys
from contextlib import suppress
from datetime import date

import click

from commands.entry import at_desk
from commands.lazy import json_option
from commands.numbers import WholeNumber
from commands.output import Table, civil, emit, instant
from commands.plain import say
from models.vocabulary import TermStatus
from workflow.desk import Desk
from workflow.rules.calendar import italian_date
from workflow.services import terms
from workflow.services.terms import Listed, TermView, Wanted

STANDS_STILL = "* its clock stands still: reckoned as if it went on now (provisional)"
"""The footnote of every table in which `last_instant` stands."""

_IN_A_TERMINAL = 40


def _day(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> date | None:
    """Read a civil day, written in the one way that is not misread."""
    if text is None:
        return None
    with suppress(ValueError):
        day = date.fromisoformat(text)
        if day.isoformat() == text:
            return day
    raise click.BadParameter(
        f"`{text}` is no day; write it as YYYY-MM-DD, such as 2026-03-31"
    )


@click.command("terms")
@click.argument("target", metavar="[APP|CALL]", required=False)
@click.option(
    "--due-by",
    metavar="DATE",
    callback=_day,
    help="Only those that end by the end of this day in Rome, YYYY-MM-DD.",
)
@click.option(
    "--status",
    type=click.Choice([status.value for status in TermStatus]),
    metavar="STATUS",
    help=f"Only those that are {', '.join(TermStatus)}.",
)
@click.option("--missed", is_flag=True, help="Only those missed and not settled yet.")
@click.option(
    "--parked", is_flag=True, help="Only those that a worker failed on, and why."
)
@click.option(
    "--limit",
    type=WholeNumber(min=1),
    metavar="N",
    help=f"Only the first N; without it {_IN_A_TERMINAL} in a terminal, else all.",
)
@json_option
@at_desk
def terms_command(  # noqa: PLR0913 - each is an option
    desk: Desk,
    target: str | None,
    due_by: date | None,
    status: str | None,
    *,
    missed: bool,
    parked: bool,
    limit: int | None,
) -> None:
    """Show the terms in the order in which they end (scadenzario).

    Those that run, those whose clock stands still, and those that were missed and
    that nobody settled, with who has to act: of all calls, of one, or of one
    application. `sportello explain term` says why one ends when it does.

    \b
    Example:
        sportello terms RLF12025051244 --due-by 2026-04-30
    """
    wanted_status = TermStatus(status) if status else None
    if missed and wanted_status not in {None, TermStatus.EXPIRED}:
        raise click.UsageError(f"what is missed is expired, and not {status}")
    if limit is None and sys.stdout.isatty():
        limit = _IN_A_TERMINAL
    found = terms.listed(
        desk, Wanted(target, due_by, wanted_status, missed, parked, limit)
    )
    document = {"terms": [as_json(one) for one in found.terms], "more": found.more}
    emit(document, lambda: _tell(found, parked=parked))


def as_json(term: TermView) -> dict[str, object]:
    """Return a term as scripts read it."""
    return {
        "id": term.id,
        "application": term.application,
        "kind": term.kind.value,
        "starts_on": term.starts_on.isoformat(),
        "due_at": instant(term.due_at),
        "status": term.status.value,
        "suspended_days": term.suspended_days,
        "call": term.call,
        "protocol": term.protocol,
        "ordinal": term.ordinal,
        "next_check": instant(term.next_check),
        "settled_at": instant(term.settled_at),
        "escalated_at": instant(term.escalated_at),
        "waits_for": term.waits_for.value if term.waits_for else None,
        "fault": term.fault,
        "attempts": term.attempts,
        "provisional": term.provisional,
    }


def last_instant(term: TermView) -> str:
    """Write when a term ends, with a mark if its clock stands still."""
    return civil(term.due_at) + ("*" if term.provisional else "")


def stood_still(term: TermView) -> str:
    """Write for how long the clock of a term has stood still."""
    if not term.suspended_days:
        return ""
    return f"{term.suspended_days} day{'' if term.suspended_days == 1 else 's'}"


def _tell(found: Listed, *, parked: bool) -> None:
    (_parked if parked else _table)(found).print()
    if not found.terms:
        say(
            "nothing is parked"
            if parked
            else "no term to show: none runs, stands still or was missed like that"
        )
    for line in _footnotes(found, parked=parked):
        say(line)


def _table(found: Listed) -> Table:
    table = Table(
        (
            "protocol",
            "term",
            "from",
            "last instant (Rome)",
            "status",
            "suspended>",
            "has to act",
        )
    )
    for one in found.terms:
        table.add(
            one.name,
            one.kind,
            italian_date(one.starts_on),
            last_instant(one),
            one.status,
            stood_still(one),
            one.waits_for,
        )
    return table


def _parked(found: Listed) -> Table:
    table = Table(
        ("protocol", "term", "last instant (Rome)", "tries>", "next try", "fault+")
    )
    for one in found.terms:
        table.add(
            one.name,
            one.kind,
            last_instant(one),
            one.attempts,
            civil(one.next_check),
            one.fault,
        )
    return table


def _footnotes(found: Listed, *, parked: bool) -> list[str]:
    said = []
    if any(one.provisional for one in found.terms):
        said.append(STANDS_STILL)
    if found.more:
        total = len(found.terms) + found.more
        said.append(f"{found.more} more: see them with --limit {total}")
    failed = sum(one.parked for one in found.terms)
    if parked and failed:
        said.append("`sportello sweep --parked` tries them again at once")
    elif failed:
        said.append(f"{failed} parked, a worker failed on it: see them with --parked")
    unnoticed = sum(_is_unnoticed(one, found) for one in found.terms)
    if unnoticed:
        said.append(
            f"{unnoticed} due already and no worker has noticed: see `sportello sweep`"
        )
    return said


def _is_unnoticed(term: TermView, found: Listed) -> bool:
    due = term.next_check
    return not term.attempts and due is not None and due <= found.now
