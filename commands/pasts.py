"""How is an application shown as the register tells that it stood?"""

from collections.abc import Iterable, Mapping
from typing import Any

from commands import moments
from commands.output import Table, civil, day, euros, instant, print_pairs
from commands.plain import say
from commands.receipts import act_of, moved
from workflow.rules.amounts import format_money
from workflow.services.past_files import PastFile, in_order
from workflow.services.pasts import FileView, Past


def as_json(past: Past[FileView], history: list[dict[str, Any]]) -> dict[str, object]:
    """Return an application as it stood, as scripts read it."""
    view, file = past.seen, past.seen.file
    return {
        "as_of": moments.as_json(past.cut),
        "application": file.application,
        "call": view.call,
        "protocol": file.protocol,
        "state": file.stands.value,
        "version": file.version,
        "call_version": file.call_version,
        "kind": file.together["lead"]["kind"] if file.together else None,
        "partners": [
            {"id": one["applicant"], "kind": one["kind"]} for one in _partners(file)
        ],
        "channel": file.channel.value if file.channel else None,
        "received_at": instant(file.key.received_at) if file.key else None,
        "changed_at": file.changed_at,
        "position": view.position,
        "filed": view.filed,
        "earlier_waiting": view.earlier_waiting,
        "requested": format_money(file.requested) if file.key else None,
        "reserved": format_money(file.reserved),
        "granted": format_money(file.granted),
        "matured": format_money(file.matured),
        "plan_investment": _maybe(file.plan_investment),
        "score": file.score,
        "rank": file.rank,
        "cor": file.stated.get("cor"),
        "cup": file.stated.get("cup"),
        "published_on": file.stated.get("published_on"),
        "published_in": file.stated.get("reference"),
        "started_on": file.stated.get("started_on"),
        "waits_for_applicant": file.waits_for_applicant,
        "steps": [
            {
                "kind": step.kind.value,
                "ordinal": step.ordinal,
                "status": step.status.value,
                "outcome": step.outcome,
                "subject": step.subject,
                "entry": step.seq,
            }
            for step in file.steps.values()
        ],
        "terms": [
            {
                "kind": term.kind.value,
                "ordinal": term.ordinal,
                "starts_on": term.starts_on,
                "due_at": term.due_at,
                "status": term.status.value,
                "suspended_days": term.suspended_days,
                "entry": term.seq,
            }
            for term in in_order(file.terms)
        ],
        "money": [
            {
                "seq": one.seq,
                "at": one.at,
                "kind": one.kind,
                "reserved": format_money(one.reserved),
                "granted": format_money(one.granted),
                "residual": format_money(one.residual),
            }
            for one in view.movements
        ],
        "call_money": {
            "allocation": format_money(view.money.allocation),
            "reserved": format_money(view.money.reserved),
            "granted": format_money(view.money.granted),
            "residual": format_money(view.money.residual),
        },
        "history": history,
    }


def tell(past: Past[FileView], history: list[dict[str, Any]]) -> None:
    """Show an application to people as it stood."""
    view, file = past.seen, past.seen.file
    say(f"{file.name} {moments.headline(past.cut, view.call)}")
    print_pairs(
        (
            ("state", file.stands),
            ("call", f"{view.call}, version {file.call_version}"),
            ("received", _received(view)),
            ("requested", euros(file.requested) if file.key else None),
            ("reserved", euros(file.reserved)),
            ("granted", euros(file.granted)),
            ("matured", _maybe(file.matured or None)),
            ("plan investment", _maybe(file.plan_investment)),
            ("score", file.score),
            ("rank", file.rank),
            ("COR", file.stated.get("cor")),
            ("CUP", file.stated.get("cup")),
            ("published", _day(file, "published_on")),
            ("started", _day(file, "started_on")),
            ("version", file.version),
            ("left in the call", f"{euros(view.money.residual)} residual"),
        ),
        indent="  ",
    )
    _tell_beside(file)
    money = Table(
        ("seq>", "when", "movement", "reserved>", "granted>", "residual of the call>"),
        title="Money",
        indent="  ",
    )
    for one in view.movements:
        amounts = map(euros, (one.reserved, one.granted, one.residual))
        money.add(one.seq, civil(one.at), one.kind, *amounts)
    money.print()
    table = Table(
        ("seq>", "when", "event", "who", "from -> to+", "act+", "reason+"),
        title="History",
        indent="  ",
    )
    for entry in history:
        said = (moved(entry), act_of(entry), entry["reason"])
        when = civil(entry["at"])
        table.add(entry["seq"], when, entry["event"], entry["by"], *said)
    table.print()


def _partners(file: PastFile) -> Iterable[Mapping[str, Any]]:
    """Return who its partners were, as the register refers to them."""
    return file.together["partners"] if file.together else ()


def _tell_beside(file: PastFile) -> None:
    partners = Table(("number>", "kind", "reference"), title="Partners", indent="  ")
    for number, one in enumerate(_partners(file), start=1):
        partners.add(number, one["kind"], one["applicant"])
    partners.print()
    steps = Table(("step", "status", "outcome", "entry>"), title="Steps", indent="  ")
    for step in file.steps.values():
        steps.add(step.kind, step.status, step.outcome, step.seq)
    steps.print()
    terms = Table(
        ("term", "status", "from", "last instant", "suspended>", "entry>"),
        title="Terms",
        indent="  ",
    )
    for term in in_order(file.terms):
        span = (day(term.starts_on), civil(term.due_at), term.suspended_days or None)
        terms.add(term.kind, term.status, *span, term.seq)
    terms.print()


def _received(view: FileView) -> str | None:
    key = view.file.key
    if key is None:
        return None
    place = f"number {view.position} of {view.filed} in the order of arrival"
    return f"{civil(key.received_at, digits=6)} by {view.file.channel}, {place}"


def _day(file: PastFile, name: str) -> str | None:
    said = file.stated.get(name)
    return day(said) if said else None


def _maybe(cents: int | None) -> str | None:
    return None if cents is None else euros(cents)
