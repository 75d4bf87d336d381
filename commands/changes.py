"""What changed between two instants?"""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from commands import moments
from commands.call_entries import summary
from commands.entry import at_desk
from commands.lazy import json_option
from commands.moments import read_moment
from commands.output import Table, civil, emit, print_wrapped
from commands.plain import say
from commands.receipts import act_of
from workflow.desk import Desk
from workflow.rules.amounts import format_money
from workflow.services import changes
from workflow.services.changes import Balance, CallChange, FileChange, Stand
from workflow.services.moments import Moment
from workflow.services.past_files import PastFile, PastTerm

_AMOUNTS = ("allocation", "reserved", "granted", "residual")


@click.command("diff")
@click.argument("since", metavar="FROM", callback=read_moment)
@click.argument("until", metavar="TO", callback=read_moment)
@click.argument("target", metavar="[CALL|APP]", required=False)
@json_option
@at_desk
def diff_command(desk: Desk, since: Moment, until: Moment, target: str | None) -> None:
    """Tell what changed between two instants (differenze), by the register alone.

    Which applications are new and which moved, by which entries; the money before
    and after; which terms began, ended or got another end; who was overtaken. FROM
    and TO are instants, days of Rome (their ends), or entries of the call (#12).

    \b
    Example:
        sportello log diff 2026-01-19 2026-01-20 RLF12025051244
    """
    found = changes.between(desk, since, until, target)

    def tell() -> None:
        for one in found:
            _tell(one)
        if not found:
            say("nothing was written in between")

    emit({"calls": [_as_json(one) for one in found]}, tell)


# For scripts


def _as_json(one: CallChange) -> dict[str, object]:
    return {
        "call": one.call,
        "from": _stand_as_json(one.before),
        "to": _stand_as_json(one.after),
        "acts": [
            {**_entry_as_json(entry), "from": entry["from"], "to": entry["to"]}
            for entry in one.acts
        ],
        "new": [_file_as_json(file) for file in one.files if file.before is None],
        "changed": [_file_as_json(file) for file in one.files if file.before],
        "overtaken": [
            {
                "entry": told.seq,
                "event": told.event,
                "by": told.protocol,
                "overtaken": list(told.overtaken),
                "act": told.act,
            }
            for told in one.overtakings
        ],
        "refused": one.refused,
    }


def _stand_as_json(stand: Stand) -> dict[str, object]:
    return {
        **moments.as_json(stand.cut),
        "state": stand.state.value if stand.state else None,
        "version": stand.version,
        "money": {name: format_money(getattr(stand.money, name)) for name in _AMOUNTS},
    }


def _entry_as_json(entry: Mapping[str, Any]) -> dict[str, object]:
    return {name: entry[name] for name in ("seq", "at", "event", "act")}


def _file_as_json(file: FileChange) -> dict[str, object]:
    return {
        "application": file.after.application,
        "protocol": file.after.protocol,
        "from": file.before.stands.value if file.before else None,
        "to": file.after.stands.value,
        "changes_state": file.changes_state,
        "reserved": _amounts(file, "reserved"),
        "granted": _amounts(file, "granted"),
        "entries": [_entry_as_json(entry) for entry in file.entries],
        "terms": {
            "started": [_term_as_json(term) for term in file.started],
            "ended": [_term_as_json(term) for term in file.ended],
            "moved": [
                {**_term_as_json(term), "was_due_at": before.due_at}
                for before, term in file.moved
            ],
        },
    }


def _amounts(file: FileChange, name: str) -> list[str]:
    """Return an amount before and after."""
    before = getattr(file.before, name) if file.before else 0
    return [format_money(before), format_money(getattr(file.after, name))]


def _term_as_json(term: PastTerm) -> dict[str, object]:
    return {
        "kind": term.kind.value,
        "ordinal": term.ordinal,
        "status": term.status.value,
        "starts_on": term.starts_on,
        "due_at": term.due_at,
        "entry": term.seq,
    }


# For people


def _tell(one: CallChange) -> None:
    before, after = one.before, one.after
    say(
        f"{one.call} from {civil(before.cut.at)} (entry {before.cut.seq}) "
        f"to {civil(after.cut.at)} (entry {after.cut.seq})"
    )
    state = before.state or "not there"
    say(f"  state {_arrow(state, after.state or 'not there')}")
    say(f"  version {_arrow(before.version, after.version)}")
    for name in _AMOUNTS:
        say(f"  {name} {_arrow(*_both(before.money, after.money, name))}")
    for entry in one.acts:
        text = "; ".join(filter(None, (act_of(entry), summary(entry))))
        colon = ": " if text else ""
        print_wrapped(f"  {entry['seq']} {entry['event']}{colon}", text)
    _files("New", (file for file in one.files if file.before is None)).print()
    _files("Changed", (file for file in one.files if file.before)).print()
    _terms(one.files).print()
    for told in one.overtakings:
        act = act_of({"act": told.act})
        text = f"{', '.join(told.overtaken)}, under {act}"
        print_wrapped(f"\n  {told.seq} {told.protocol} overtook ", text)
    if one.refused:
        say(f"\n  {one.refused} attempt(s) refused in between")


def _both(before: Balance, after: Balance, name: str) -> tuple[str, str]:
    return format_money(getattr(before, name)), format_money(getattr(after, name))


def _arrow(before: object, after: object) -> str:
    return f"{after}" if before == after else f"{before} -> {after}"


def _files(title: str, files: Iterable[FileChange]) -> Table:
    table = Table(
        ("protocol", "state+", "reserved+>", "granted+>", "by+"),
        title=title,
        indent="  ",
    )
    for file in files:
        was = file.before.stands if file.before else file.after.stands
        table.add(
            _name(file.after),
            _arrow(was, file.after.stands),
            _arrow(*_amounts(file, "reserved")),
            _arrow(*_amounts(file, "granted")),
            ", ".join(f"{entry['seq']} {entry['event']}" for entry in file.entries),
        )
    return table


def _name(file: PastFile) -> str:
    return file.protocol or f"draft {file.application[:8]}"


def _terms(files: Iterable[FileChange]) -> Table:
    table = Table(
        ("protocol", "term", "what", "last instant", "entry>"),
        title="Terms",
        indent="  ",
    )
    for file in files:
        ended = file.ended
        told = [
            *((term, "began") for term in file.started if term not in ended),
            *((term, term.status.value) for term in ended),
            *((term, "has another end") for _, term in file.moved),
        ]
        for term, what in told:
            when = civil(term.due_at)
            table.add(_name(file.after), term.kind, what, when, term.seq)
    return table
