"""Which applications are there, and what is in their files?"""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from commands import pasts
from commands.entry import at_desk
from commands.lazy import json_option
from commands.moments import as_of_option
from commands.output import (
    Table,
    civil,
    clean,
    day,
    emit,
    euros,
    instant,
    print_pairs,
    print_wrapped,
)
from commands.plain import say
from commands.receipts import act_of, moved
from commands.terms import STANDS_STILL, last_instant, stood_still
from commands.terms import as_json as term_as_json
from models.tables import Notice
from models.vocabulary import ApplicationState, NoticeStatus
from workflow.desk import Desk
from workflow.rules.amounts import format_money
from workflow.rules.calendar import italian_date
from workflow.services import log, terms, views
from workflow.services import pasts as services
from workflow.services.moments import Moment
from workflow.services.terms import TermView


@click.command("list")
@click.argument("call", required=False)
@click.option(
    "--state",
    type=click.Choice([state.value for state in ApplicationState]),
    metavar="STATE",
    help="Only those in this state, such as submitted or negotiating.",
)
@json_option
@at_desk
def list_command(desk: Desk, call: str | None, state: str | None) -> None:
    """List the applications (domande).

    They stand by call and in the order of arrival; drafts come last.

    \b
    Example:
        sportello list RLF12025051244 --state submitted
    """
    wanted = ApplicationState(state) if state else None
    listed = views.listed(desk, call=call, state=wanted)
    table = Table(
        ("protocol", "received", "state", "requested>", "granted>", "applicant+")
    )
    for one in listed:
        received = civil(one.received_at, digits=3)
        money = (euros(one.requested), euros(one.granted))
        name = one.protocol or one.portal_id
        table.add(name, received, one.state, *money, one.applicant)

    def tell() -> None:
        table.print()
        if not listed:
            say("no application")

    emit({"applications": [_summary(one) for one in listed]}, tell)


@click.command("show")
@click.argument("application", metavar="APP")
@as_of_option
@json_option
@at_desk
def show_command(desk: Desk, application: str, as_of: Moment | None) -> None:
    """Show one application with its whole file (fascicolo).

    Who applies, and together with whom; what it asks for and what it was given,
    the steps that are open, the terms with their last instant and who has to act
    about those that were missed, the money, the letters and the history.

    APP is a protocol number, the portal's id or the application's own id. With
    --as-of it is shown as it stood at an instant, by the register alone: without
    names, which the register does not hold.

    \b
    Example:
        sportello show 2026/0000001
    """
    if as_of is not None:
        show_past(desk, application, as_of)
        return
    case = views.shown(desk, application)
    running = terms.of_file(desk, case.summary.id)
    logins = log.logins(desk)
    history = [_entry(entry, logins) for entry in case.history]
    emit(_as_json(case, running, history), lambda: _tell(case, running, history))


def show_past(desk: Desk, application: str, as_of: Moment) -> None:
    """Show one application as it stood."""
    past, logins = services.file(desk, application, as_of), log.logins(desk)
    history = [_entry(entry, logins) for entry in past.seen.entries]
    emit(pasts.as_json(past, history), lambda: pasts.tell(past, history))


def _summary(one: views.ApplicationView) -> dict[str, object]:
    return {
        "application": one.id,
        "call": one.call,
        "protocol": one.protocol,
        "portal_id": one.portal_id,
        "applicant": one.applicant,
        "erased_under": one.erased_under,
        "state": one.state.value,
        "version": one.version,
        "received_at": instant(one.received_at),
        "changed_at": instant(one.changed_at),
        "requested": format_money(one.requested),
        "reserved": format_money(one.reserved),
        "granted": format_money(one.granted),
    }


def _entry(entry: Mapping[str, Any], logins: Mapping[str, str]) -> dict[str, Any]:
    actor = entry["actor"]
    return {
        "seq": entry["seq"],
        "at": entry["at"],
        "event": entry["event"],
        "outcome": entry["outcome"],
        "from": entry["from"],
        "to": entry["to"],
        "by": logins.get(actor["id"]) or actor["kind"],
        "role": actor["role"],
        "act": entry["act"],
        "reason": entry["reason"],
        "refusal": entry["refusal"],
    }


def _as_json(
    case: views.CaseView, running: Sequence[TermView], history: list[dict[str, Any]]
) -> dict[str, object]:
    return {
        **_summary(case.summary),
        "kind": case.lead_kind.value if case.lead_kind else None,
        "partners": [
            {"id": one.id, "name": one.name, "kind": one.kind.value}
            for one in case.partners
        ],
        "channel": case.channel,
        "call_version": case.call_version,
        "investment": format_money(case.investment),
        "admitted_investment": _maybe(case.admitted_investment),
        "plan_investment": _maybe(case.plan_investment),
        "matured": format_money(case.matured),
        "score": case.score,
        "rank": case.rank,
        "cor": case.cor,
        "cup": case.cup,
        "published_on": case.published_on,
        "published_in": case.published_in,
        "started_on": case.started_on,
        "steps": [
            {
                "kind": step.kind.value,
                "ordinal": step.ordinal,
                "status": step.status.value,
                "outcome": step.outcome,
                "opened_at": instant(step.opened_at),
                "closed_at": instant(step.closed_at),
            }
            for step in case.steps
        ],
        "terms": [term_as_json(term) for term in running],
        "money": [
            {
                "seq": movement.entry_seq,
                "at": instant(movement.at),
                "kind": movement.kind.value,
                "reserved": format_money(movement.reserved),
                "granted": format_money(movement.granted),
                "residual": format_money(movement.residual),
            }
            for movement in case.movements
        ],
        "notices": [
            {
                "id": str(notice.id),
                "letter": notice.letter.value,
                "to": _recipient(case, notice),
                "status": notice.status.value,
                "created_at": instant(notice.created_at),
                "sent_at": instant(notice.sent_at),
                "delivered_at": instant(notice.delivered_at),
                "receipt": notice.receipt,
                "attempts": notice.attempts,
                "fault": notice.fault,
                "maybe_double": notice.maybe_double,
            }
            for notice in case.notices
        ],
        "history": history,
    }


def _tell(
    case: views.CaseView, running: Sequence[TermView], history: list[dict[str, Any]]
) -> None:
    one = case.summary
    say(clean(f"{one.protocol or one.portal_id}  {one.applicant}"))
    print_pairs(
        (
            ("state", one.state),
            ("call", f"{one.call}, version {case.call_version}"),
            ("kind", case.lead_kind),
            ("portal id", one.portal_id),
            ("received", civil(one.received_at, digits=6) + f" by {case.channel}"),
            (
                "requested",
                f"{euros(one.requested)}, declared investment {euros(case.investment)}",
            ),
            ("admitted investment", _maybe(case.admitted_investment)),
            ("plan investment", _maybe(case.plan_investment)),
            ("reserved", euros(one.reserved)),
            ("granted", euros(one.granted)),
            ("matured", _maybe(case.matured or None)),
            ("score", case.score),
            ("rank", case.rank),
            ("COR", case.cor),
            ("CUP", case.cup),
            ("published", _published(case)),
            ("started", case.started_on and day(case.started_on)),
            ("version", one.version),
        ),
        indent="  ",
    )
    _tell_partners(case)
    _tell_steps(case)
    _tell_terms(running)
    _tell_money(case)
    _tell_notices(case)
    table = Table(
        ("seq>", "when", "event", "who", "from -> to+", "act+", "reason+"),
        title="History",
        indent="  ",
    )
    for entry in history:
        table.add(
            entry["seq"],
            civil(entry["at"]),
            entry["event"],
            entry["by"],
            moved(entry),
            act_of(entry),
            entry["reason"],
        )
    table.print()
    refused = sum(entry["outcome"] == "refused" for entry in history)
    if refused:
        name = one.protocol or one.portal_id
        say(
            f"\n{refused} refused attempt(s): "
            f"`sportello log show {name} --outcome refused --json` says why"
        )


def _recipient(case: views.CaseView, notice: Notice) -> str:
    """Return to whom a letter went; what stands there once it is erased."""
    one = case.summary
    return notice.recipient if one.erased_under is None else one.applicant


def _maybe(cents: int | None) -> str | None:
    return None if cents is None else euros(cents)


def _published(case: views.CaseView) -> str | None:
    if case.published_on is None:
        return None
    where = f", {case.published_in}" if case.published_in else ""
    return f"{day(case.published_on)}{where}"


def _tell_partners(case: views.CaseView) -> None:
    table = Table(("number>", "kind", "partner+"), title="Partners", indent="  ")
    for number, partner in enumerate(case.partners, start=1):
        table.add(number, partner.kind, partner.name)
    table.print()


def _tell_steps(case: views.CaseView) -> None:
    steps = Table(
        ("step", "status", "outcome", "opened", "closed"), title="Steps", indent="  "
    )
    for step in case.steps:
        times = (civil(step.opened_at), civil(step.closed_at))
        steps.add(step.kind, step.status, step.outcome, *times)
    steps.print()


def _tell_terms(running: Sequence[TermView]) -> None:
    table = Table(
        ("term", "status", "from", "last instant", "suspended>", "has to act"),
        title="Terms",
        indent="  ",
    )
    for term in running:
        span = (italian_date(term.starts_on), last_instant(term), stood_still(term))
        table.add(term.kind, term.status, *span, term.waits_for)
    table.print()
    if any(term.provisional for term in running):
        say(f"  {STANDS_STILL}")


def _tell_money(case: views.CaseView) -> None:
    table = Table(
        ("seq>", "when", "movement", "reserved>", "granted>", "residual of the call>"),
        title="Money",
        indent="  ",
    )
    for movement in case.movements:
        amounts = (movement.reserved, movement.granted, movement.residual)
        when = civil(movement.at)
        table.add(movement.entry_seq, when, movement.kind, *map(euros, amounts))
    table.print()


def _tell_notices(case: views.CaseView) -> None:
    table = Table(
        ("letter", "written", "status", "delivered", "to+"),
        title="Letters",
        indent="  ",
    )
    for notice in case.notices:
        times = (civil(notice.created_at), notice.status, civil(notice.delivered_at))
        table.add(notice.letter, *times, _recipient(case, notice))
    table.print()
    for notice in case.notices:
        if notice.fault is not None:
            print_wrapped(f"    {notice.letter}: ", clean(notice.fault))
        if notice.status is NoticeStatus.HELD:
            say(f"  `{notice.letter}` is held back; let it go with")
            say(f"    sportello notices release {notice.id}")
