"""Which letters were written, and did they arrive?"""

import sys
from collections.abc import Sequence
from uuid import UUID

import click

from commands.entry import at_desk
from commands.lazy import Listing, json_option, note_done
from commands.numbers import WholeNumber
from commands.output import Table, civil, emit, instant, print_pairs, print_wrapped
from commands.plain import say
from models.vocabulary import NoticeStatus
from workflow.desk import Desk
from workflow.services import notices, releases
from workflow.services.notices import NoticeView

_LIST = "list"
_HELP = {"--help", "-h"}
_IN_A_TERMINAL = 40


class _Notices(Listing):
    """A group that lists letters if no command of it is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Understand `notices APP` as `notices list APP`."""
        first = next((word for word in args if word != "--json"), None)
        if first is None or (first not in self.commands and first not in _HELP):
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


@click.group("notices", cls=_Notices)
@json_option
def notices_group() -> None:
    """Show letters and what became of them (comunicazioni).

    Without a command it lists them: `sportello notices APP` is `sportello notices
    list APP`.

    \b
    Example:
        sportello notices 2026/0000001
    """


@notices_group.command(_LIST)
@click.argument("app", required=False)
@click.option(
    "--status",
    type=click.Choice([status.value for status in NoticeStatus]),
    metavar="STATUS",
    help=f"Only those that are {', '.join(NoticeStatus)}.",
)
@click.option(
    "--limit",
    type=WholeNumber(min=1),
    metavar="N",
    help=f"Only the first N; without it {_IN_A_TERMINAL} in a terminal, else all.",
)
@json_option
@at_desk
def list_command(
    desk: Desk, app: str | None, status: str | None, limit: int | None
) -> None:
    """List letters, the oldest first, with what became of each (comunicazioni).

    Those of one application, or of all. What could not be sent says why; with
    `sportello notices retry` it is tried again, and with `sportello advance APP
    record_delivery` it is noted that it was delivered by other means.

    \b
    Example:
        sportello notices list --status undelivered
    """
    if limit is None and sys.stdout.isatty():
        limit = _IN_A_TERMINAL
    wanted = NoticeStatus(status) if status else None
    more = None if limit is None else limit + 1
    found = notices.listed(desk, application=app, status=wanted, limit=more)
    shown = found[:limit]
    emit(
        {"notices": [as_json(one) for one in shown], "more": len(found) > len(shown)},
        lambda: _tell(shown, more=len(found) > len(shown)),
    )


@notices_group.command("show")
@click.argument("notice")
@json_option
@at_desk
def show_command(desk: Desk, notice: str) -> None:
    """Show a letter as it was written (comunicazione).

    NOTICE is APP/LETTER, and /2 for the second of that kind, or the letter's id.

    \b
    Example:
        sportello notices show 2026/0000001/submission_receipt
    """
    one = notices.shown(desk, notice)
    emit({**as_json(one), "body": one.body}, lambda: _tell_whole(one))


@notices_group.command("retry")
@click.argument("names", metavar="NOTICE...", nargs=-1, required=True)
@json_option
@at_desk
def retry_command(desk: Desk, names: tuple[str, ...]) -> None:
    """Send letters again that could not be sent or delivered (nuovo invio).

    NOTICE is APP/LETTER, and /2 for the second of that kind, or the letter's id. All
    of them are sent again, or none.

    \b
    Example:
        sportello notices retry 2026/0000001/submission_receipt
    """
    found = notices.retry(desk, names)
    note_done(f"{len(found)} letter(s) to be sent again")
    emit(
        {"notices": [as_json(one) for one in found]},
        lambda: say("\n".join(f"{one.name}: waits to be sent" for one in found)),
    )


@notices_group.command("release")
@click.argument("names", metavar="NOTICE...", nargs=-1, required=True)
@json_option
@at_desk
def release_command(desk: Desk, names: tuple[str, ...]) -> None:
    """Let letters go that the call holds back (rilascio).

    Each is a move on its application, by the responsible officer. What a letter says
    is as it was written: `sportello notices show` shows it. NOTICE is APP/LETTER, and
    /2 for the second of that kind, or the letter's id.

    \b
    Example:
        sportello notices release 2026/0000001/submission_receipt
    """
    found = [notices.shown(desk, name) for name in names]
    done = []
    for one in found:
        done.append(releases.release(desk, UUID(one.id)))
        note_done(f"{len(done)} of {len(names)} letter(s) released")
    emit(
        {"released": done},
        lambda: say("\n".join(f"{one.name}: may go" for one in found)),
    )


def as_json(one: NoticeView) -> dict[str, object]:
    """Return a letter as scripts read it, without its text."""
    return {
        "id": one.id,
        "application": one.application,
        "letter": one.letter.value,
        "to": one.to,
        "erased_under": one.erased_under,
        "status": one.status.value,
        "attempts": one.attempts,
        "message_id": one.message_id,
        "name": one.name,
        "call": one.call,
        "protocol": one.protocol,
        "subject": one.subject,
        "created_at": instant(one.created_at),
        "sent_at": instant(one.sent_at),
        "delivered_at": instant(one.delivered_at),
        "receipt": one.receipt,
        "fault": one.fault,
        "maybe_double": one.maybe_double,
    }


def _tell(shown: Sequence[NoticeView], *, more: bool) -> None:
    table = Table(("letter", "status", "tries>", "when (Rome)", "why+"))
    for one in shown:
        when = one.delivered_at or one.sent_at or one.created_at
        table.add(one.name, one.status, one.attempts, civil(when), _why(one))
    table.print()
    if not shown:
        say("no letter to show")
    if more:
        say("and more: see them with --limit")


def _why(one: NoticeView) -> str | None:
    double = "may have been sent twice" if one.maybe_double else None
    return "; ".join(filter(None, (one.fault, double))) or None


def _tell_whole(one: NoticeView) -> None:
    print_pairs(
        (
            ("letter", one.name),
            ("to", one.to),
            ("status", one.status),
            ("why", _why(one)),
            ("written", civil(one.created_at)),
            ("sent", civil(one.sent_at)),
            ("delivered", civil(one.delivered_at)),
            ("receipt", one.receipt),
        )
    )
    lost = "no text was kept" if one.erased_under is None else one.to
    print_wrapped("subject    ", one.subject or lost)
    for line in (one.body or "").splitlines():
        print_wrapped("  " if line else "", line)
