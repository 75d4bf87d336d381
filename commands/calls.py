"""Which calls are there, and what do they say?"""

import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from commands import call_acts, lists, moments, rankings
from commands.call_entries import CAUSES, with_civil_time
from commands.confirmation import Said, do_once_confirmed, is_typed
from commands.entry import at_desk, fault_as_json, warn_of_clock
from commands.instants import read_instant
from commands.lazy import Listing, json_option
from commands.moments import as_of_option
from commands.output import Table, civil, clean, emit, euros, instant, print_pairs
from commands.plain import say
from config.loader import CallFileError, Fault, check, find, first_of, load
from config.schema import CallDefinition
from models.vocabulary import (
    CallEvent,
    CallState,
    OrderPolicy,
    ShortMoneyPolicy,
    WaitingPhase,
)
from workflow.desk import Desk
from workflow.errors import SportelloError
from workflow.moves.calls import TABLE, keeps_a_list
from workflow.rules import counter
from workflow.rules.amounts import format_money
from workflow.rules.calendar import italian_date
from workflow.rules.differences import Difference
from workflow.services import calls, new_calls, pasts
from workflow.services.moments import Moment


@click.group("call", cls=Listing)
@json_option
def call_group() -> None:
    """Check, load, look at and act on calls (bandi).

    A call is a file: its window, money, criteria and terms are data. What is
    loaded is frozen under its hash, and another file under the same code needs
    an act. A call opens and closes by itself; everything else is an act. Whoever
    types one sees first what it does, and types the code of the call; --yes skips
    the question, --dry-run only shows. Scripts are not asked.

    \b
    Example:
        sportello call check ctl-2025
    """


@call_group.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@json_option
@click.pass_context
def check_command(context: click.Context, files: tuple[str, ...]) -> None:
    """Check call files, and tell all faults at once with their places (bando).

    FILE is a path, or the name of a call that comes with the program. Nothing is
    loaded and no database is needed.

    \b
    Example:
        sportello call check ctl-2025
    """
    checked = [(name, _faults(name)) for name in files]

    def tell() -> None:
        for name, faults in checked:
            found = f"{len(faults)} fault(s)" if faults else "ok"
            say(f"{clean(name)}: {found}")
            for fault in first_of(faults):
                say(f"  {clean(fault)}")

    emit(
        {
            "files": [
                {
                    "file": name,
                    "ok": not faults,
                    "faults": [fault_as_json(fault) for fault in faults],
                }
                for name, faults in checked
            ]
        },
        tell,
    )
    if any(faults for _, faults in checked):
        context.exit(SportelloError.exit_code)


def _faults(name: str) -> tuple[Fault, ...]:
    try:
        return check(find(name))
    except CallFileError as error:
        return error.faults


@call_group.command("new")
@click.argument("family")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def new_command(family: str, file: Path) -> None:
    """Begin a call file from the model of its family (nuovo bando).

    The model is a whole call with comments: what each key means and which values it
    can have. Nothing is loaded and no database is needed. An unknown FAMILY, as
    `?`, is answered with those that there are.

    \b
    Example:
        sportello call new plain_counter voucher-2026.toml
    """
    new_calls.write(family, file)

    def tell() -> None:
        name = clean(shlex.quote(str(file)))
        say(f"{clean(str(file))} is written; put in it what your call says, and then:")
        say(f"  sportello call check {name}")
        say(f"  sportello call load {name}")

    emit({"file": str(file), "family": family}, tell)


@call_group.command("load")
@click.argument("file")
@click.option("--act", help='The act of the new version: "TYPE NUMBER/DATE".')
@click.option("--reason", help="Why there is a new version, in words.")
@click.option(
    "--effective",
    metavar="INSTANT",
    callback=read_instant,
    help="From when the new version is in force; now, if nothing is said.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
@at_desk
def load_command(  # noqa: PLR0913 - each is an option
    desk: Desk,
    file: str,
    *,
    act: str | None,
    reason: str | None,
    effective: datetime | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Load a call, or a new version of it with its act (bando).

    FILE is a path, or the name of a call that comes with the program. The same
    file again changes nothing. Applications already filed stay under the version
    under which they were filed. Whoever types it sees first what a new version
    changes, and is asked to type the code of the call.

    \b
    Example:
        sportello call load ctl-2025
    """
    path = find(file)
    code = load(path).code
    warn_of_clock(desk, call=code)

    def run(**how: Any) -> dict[str, Any]:  # noqa: ANN401 - those of an act
        loaded = calls.register_call(
            desk, path, act=act, reason=reason, effective_at=effective, **how
        )
        return _loaded_as_json(loaded, dry_run=how.get("dry_run", False), act=act)

    do_once_confirmed(
        code,
        run,
        partial(_tell_loaded, unused=bool(act or reason)),
        said=Said("would be loaded", "will be loaded", "loaded"),
        written=lambda told: f"version {told['version']} of {code}",
        dry_run=dry_run,
        yes=yes or not (act and is_typed()),
        changes=lambda told: bool(told["changed"] and told["differences"]),
    )


def _loaded_as_json(
    loaded: calls.Loaded, *, dry_run: bool, act: str | None
) -> dict[str, Any]:
    residual = loaded.residual
    return {
        "call": loaded.call,
        "version": loaded.version,
        "hash": loaded.hash,
        "changed": loaded.changed,
        "act_recorded": bool(act) and loaded.changed,
        "effective_at": instant(loaded.effective_at),
        "waits": loaded.waits,
        "residual": None if residual is None else format_money(residual),
        "differences": [
            {"where": one.where, "before": one.before, "after": one.after}
            for one in loaded.differences
        ],
        "dry_run": dry_run,
    }


def _tell_loaded(
    told: Mapping[str, Any], verb: str, *, unused: bool, err: bool = False
) -> None:
    done = verb if told["changed"] else "was already loaded"
    lines = [f"{told['call']} {done}: version {told['version']}"]
    if told["waits"]:
        lines.append(f"  takes effect {civil(told['effective_at'])}")
    if unused and not told["changed"]:
        lines.append("  unchanged: the act was not recorded")
    lines.append(f"  hash {told['hash']}")
    lines += [f"  {_readable(Difference(**one))}" for one in told["differences"]]
    if told["residual"] is not None:
        lines.append(f"  residual of the call {told['residual']}")
    say("\n".join(lines), err=err)


@call_group.command("list")
@json_option
@at_desk
def list_command(desk: Desk) -> None:
    """List the calls with their state and money (bandi).

    \b
    Example:
        sportello call list
    """
    listed = calls.listed(desk)
    table = Table(("call", "state", "closes", "allocation>", "residual>", "title+"))
    for call in listed:
        closes = civil(call.closed_at or call.rules.window.closes_at)
        money = (euros(call.allocation), euros(call.residual))
        table.add(call.code, call.state, closes, *money, call.title)

    def tell() -> None:
        table.print()
        if not listed:
            say("no call is loaded; load one with `sportello call load`")

    emit({"calls": [call_as_json(call) for call in listed]}, tell)


@call_group.command("show")
@click.argument("call")
@as_of_option
@json_option
@at_desk
def show_command(desk: Desk, call: str, as_of: Moment | None) -> None:
    """Show a call: window, money, terms, and who may apply (bando).

    A value marked "assumed" was chosen so that the call can run; one marked
    "found" was read in a document. With --as-of it is shown as it stood at an
    instant, by the register alone.

    \b
    Example:
        sportello call show RLF12025051244
    """
    if as_of is None:
        shown = calls.shown(desk, call)
        emit(call_as_json(shown), lambda: tell_call(shown))
        return
    past = pasts.call(desk, call, as_of)

    def tell() -> None:
        say(moments.headline(past.cut, call))
        tell_call(past.seen, now=False)

    emit({"as_of": moments.as_json(past.cut), **past_as_json(past.seen)}, tell)


@call_group.command("history")
@click.argument("call")
@json_option
@at_desk
def history_command(desk: Desk, call: str) -> None:
    """Show the versions of a call and what each changed (storico del bando).

    \b
    Example:
        sportello call history RLF12025051244
    """
    versions = calls.history(desk, call)

    def tell() -> None:
        for version in versions:
            _tell_version(version)

    emit(
        {
            "call": call,
            "versions": [_version_as_json(version) for version in versions],
        },
        tell,
    )


_EVENTS = {
    CallEvent.LOAD_CALL: "loaded",
    CallEvent.CHANGE_CALL: "corrected (rettifica)",
    CallEvent.EXTEND_CALL: "extended (proroga)",
    CallEvent.REFINANCE_CALL: "refinanced (rifinanziamento)",
}


def _tell_version(version: calls.VersionView) -> None:
    on = f" on {version.act}" if version.act else ""
    when = civil(version.loaded_at)
    say(f"version {version.number}, {when}, {version.loaded_by}{on}")
    say(
        f"  {_EVENTS[CallEvent(version.event)]}, in force from "
        f"{civil(version.effective_at)}"
    )
    say(f"  hash {version.hash}")
    if version.reason:
        say(f"  {clean(version.reason)}")
    for difference in version.differences:
        say(f"  {_readable(difference)}")


def _version_as_json(version: calls.VersionView) -> dict[str, object]:
    return {
        "version": version.number,
        "hash": version.hash,
        "event": version.event,
        "loaded_at": instant(version.loaded_at),
        "loaded_by": version.loaded_by,
        "effective_at": instant(version.effective_at),
        "act": version.act,
        "reason": version.reason,
        "differences": [
            {"where": one.where, "before": one.before, "after": one.after}
            for one in version.differences
        ],
    }


def _readable(difference: Difference) -> str:
    return clean(with_civil_time(str(difference)))


def past_as_json(call: calls.CallView) -> dict[str, object]:
    """Return a call that is past as scripts read it: nothing can be done in it."""
    told = call_as_json(call)
    del told["acts"]
    return told


def call_as_json(call: calls.CallView) -> dict[str, object]:
    """Return a call as scripts read it."""
    window = call.rules.window
    return {
        "call": call.code,
        "title": call.title,
        "state": call.state.value,
        "published_at": instant(window.published_at),
        "opens_at": instant(window.opens_at),
        "closes_at": instant(window.closes_at),
        "closed_at": instant(call.closed_at),
        "acts": _acts(call),
        "suspended_for": call.suspended_for.value if call.suspended_for else None,
        "suspended_since": instant(call.suspended_since),
        "suspended_because": call.suspended_because,
        "reopens_at": instant(call.reopens_at),
        "openings": [
            {
                "opened_at": instant(opening.opened_at),
                "ended_at": instant(opening.ended_at),
            }
            for opening in call.openings
        ],
        "allocation": format_money(call.allocation),
        "reserved": format_money(call.reserved),
        "granted": format_money(call.granted),
        "residual": format_money(call.residual),
        "waiting": call.waiting,
        "waiting_amount": format_money(call.waiting_amount),
        "filed": call.filed,
        "version": call.version,
        "announced": _version_as_json(call.announced) if call.announced else None,
        "malfunctions": [
            {
                "malfunction": one.ordinal,
                "from": instant(one.began_at),
                "to": instant(one.ended_at),
                "evidence": one.evidence,
                "decision": one.decision.value if one.decision else None,
                "decided_at": instant(one.decided_at),
            }
            for one in call.malfunctions
        ],
        "family": call.rules.family,
        "list": _list_as_json(call),
        "separate": [one.value for one in call.rules.duties.separate],
        "evaluators": call.rules.duties.evaluators,
        "partnership": _partnership(call.rules),
        "entries": call.entries,
        "erased_under": call.erased_under,
        "beneficiaries": [
            {"tax_code": one.tax_code, "name": one.name}
            for one in call.rules.beneficiaries
        ],
    }


_ACTS = {
    CallEvent.SUSPEND_CALL: "suspend",
    CallEvent.ANNOUNCE_REOPENING: "reopen",
    CallEvent.EXTEND_CALL: "extend",
    CallEvent.REFINANCE_CALL: "refinance",
    CallEvent.CHANGE_CALL: "load",
    CallEvent.CLOSE_CALL: "close",
    CallEvent.CONCLUDE_CALL: "conclude",
    CallEvent.ANNUL_CALL: "annul",
    CallEvent.RECORD_DRAW: "draw",
    CallEvent.RANK_CALL: "rank",
    CallEvent.FUND_CALL: "fund",
    CallEvent.RECORD_MALFUNCTION: "malfunction",
    CallEvent.UPDATE_LIST: "update-list",
}
"""By which command of `sportello call` an officer does what the table says."""


def _acts(call: calls.CallView) -> list[str]:
    """Name the commands that the table of moves has from the state of a call."""
    events = {move.event for move in TABLE.from_state(call.state) if not move.automatic}
    if call.rules.counter.order != OrderPolicy.SAME_WEEK_DRAW:
        events.discard(CallEvent.RECORD_DRAW)
    if call.rules.counter.order != OrderPolicy.RANKING:
        events -= {CallEvent.RANK_CALL, CallEvent.FUND_CALL}
    if not keeps_a_list(call.rules):
        events.discard(CallEvent.UPDATE_LIST)
    if not _has_money(call.rules):
        events -= {
            CallEvent.REFINANCE_CALL,
            CallEvent.RANK_CALL,
            CallEvent.FUND_CALL,
        }
    return [name for event, name in _ACTS.items() if event in events]


def _state(call: calls.CallView) -> str:
    """Say in words where a call stands."""
    if call.suspended_for is not None:
        since = civil(call.suspended_since)
        return f"suspended since {since}: {CAUSES[call.suspended_for]}"
    if call.state == CallState.OPEN and call.openings:
        return f"open since {civil(call.openings[-1].opened_at)}"
    return call.state.value


def _closing(call: calls.CallView) -> str:
    """Say when it closes, and when it did if that was another instant."""
    planned = civil(call.rules.window.closes_at)
    if call.closed_at is None:
        return planned
    if call.closed_at == call.rules.window.closes_at:
        return f"{planned}, as planned"
    return f"{civil(call.closed_at)} by act; it was planned for {planned}"


def _partnership(rules: CallDefinition) -> dict[str, object] | None:
    said = rules.partnership
    if said is None:
        return None
    return {
        "minimum": said.minimum,
        "minimum_firms": said.minimum_firms,
        "maximum": said.maximum,
        "one_application_each": said.one_application_each,
        "invited_only": said.invited_only,
    }


_WAITS = {
    WaitingPhase.BEFORE_REVIEW: "is not examined meanwhile",
    WaitingPhase.AFTER_REVIEW: "is examined like the others",
}


def _takes(rules: CallDefinition) -> str:
    """Say up to what sum requests are taken in, and what waiting means."""
    if rules.counter.order is OrderPolicy.RANKING:
        return "requests of any sum; an act ranks them after the closing"
    if rules.allocation.short_money is ShortMoneyPolicy.STOP:
        return (
            f"requests up to {euros(rules.allocation.amount)}; nobody waits for money"
        )
    beyond = counter.overbooking(rules.counter, rules.allocation.amount)
    limit = "requests of any sum"
    if beyond is not None:
        limit = f"requests up to {euros(rules.allocation.amount + beyond)}"
    return f"{limit}; who waits for money {_WAITS[rules.counter.waiting_list]}"


def _together(rules: CallDefinition) -> str | None:
    """Say how many may apply together; nothing where each applies alone."""
    said = rules.partnership
    if said is None:
        return None
    most = f" to {said.maximum}" if said.maximum else " or more"
    parts = [f"{said.minimum}{most} members, the lead included"]
    parts += [f"{said.minimum_firms} firms at least"] if said.minimum_firms else []
    parts += ["all of them invited"] if said.invited_only else []
    parts += ["nobody in two applications"] if said.one_application_each else []
    return "; ".join(parts)


def tell_call(call: calls.CallView, *, now: bool = True) -> None:
    """Show a call to people; what can be done only if it stands so *now*."""
    rules = call.rules
    say(f"{call.code}  {call.title}")
    print_pairs(
        (
            ("procedure", _procedure(rules)),
            ("state", _state(call)),
            ("because", call.suspended_because),
            ("reopens", civil(call.reopens_at) if call.reopens_at else None),
            ("published", civil(rules.window.published_at)),
            ("opens", civil(rules.window.opens_at)),
            ("closes", _closing(call)),
            *(_money(call) if _has_money(rules) else (("money", _NO_MONEY),)),
            ("filed", call.filed),
            *(_beyond(call) if _has_money(rules) else ()),
            ("version", call.version),
            ("entries", call.entries),
            ("list", _approved(call)),
            *_worth(rules),
            ("two persons", ", ".join(rules.duties.separate) or "for nothing"),
            ("together", _together(rules)),
            ("acts now", (", ".join(_acts(call)) or "none") if now else None),
            ("erased under", call.erased_under),
        ),
        indent="  ",
    )
    if call.announced is not None:
        say("\nAnnounced")
        _tell_version(call.announced)
    _tell_openings(call)
    terms = Table(
        ("term", "length", "from", "at its end", "source"), title="Terms", indent="  "
    )
    for kind, rule in rules.terms.items():
        length = f"{rule.count} {rule.counting}"
        if rule.not_after is not None:
            length += f", by {italian_date(rule.not_after)}"
        terms.add(kind, length, rule.starts_on, rule.effect, rule.source)
    terms.print()
    merit = Table(("criterion", "points>", "title+"), title="Merit", indent="  ")
    for criterion in rules.merit.criteria:
        merit.add(criterion.code, criterion.max_points, criterion.title)
    merit.print()
    worthy = Table(("criterion", "title+"), title="Worthy", indent="  ")
    for one in rules.assessment.criteria:
        worthy.add(one.code, one.title)
    worthy.print()
    documents = Table(("document", "title+"), title="Documents", indent="  ")
    for document in rules.documents:
        documents.add(document.kind, document.title)
    documents.print()
    admitted = Table(("tax code", "name+"), title="Who may apply", indent="  ")
    for listed in rules.beneficiaries:
        admitted.add(listed.tax_code, listed.name)
    admitted.print()


def _approved(call: calls.CallView) -> str | None:
    """Say how its own list stands, where it keeps one."""
    listed = call.listed
    if listed is None:
        return None
    if not listed.version:
        return "no act has approved one yet"
    return f"version {listed.version}, {len(listed.members)} member(s), {listed.act}"


def _list_as_json(call: calls.CallView) -> dict[str, object] | None:
    listed = call.listed
    if listed is None:
        return None
    members = len(listed.members)
    return {"version": listed.version, "act": listed.act, "members": members}


_NO_MONEY = "none: this call gives none"


def _has_money(rules: CallDefinition) -> bool:
    return "allocation" in rules.model_fields_set


def _procedure(rules: CallDefinition) -> str:
    if not _has_money(rules):
        return f"{rules.family}, in any order"
    return f"{rules.family}, order: {rules.counter.order}"


def _money(call: calls.CallView) -> Iterator[tuple[str, str]]:
    yield "allocation", euros(call.allocation)
    yield "reserved", euros(call.reserved)
    yield "granted", euros(call.granted)
    yield "residual", euros(call.residual)


def _beyond(call: calls.CallView) -> Iterator[tuple[str, str]]:
    yield "waiting", f"{call.waiting} file(s)"
    yield "asked beyond", f"{euros(call.waiting_amount)} by those without money"
    yield "takes", _takes(call.rules)


def _worth(rules: CallDefinition) -> Iterator[tuple[str, str]]:
    """Say what makes an application good enough, with points or without."""
    if rules.assessment.criteria:
        there = len(rules.assessment.criteria)
        yield "worthy", f"meets at least {rules.assessment.minimum} of {there} criteria"
    if rules.merit.criteria:
        yield "threshold", f"{rules.merit.threshold} of {rules.merit.total} points"
    if rules.assessment.criteria or rules.merit.criteria:
        yield "evaluators", str(rules.duties.evaluators)
    for one in rules.list_requirements:
        when = f"the end of {one.day}" if one.day else f"the {one.as_of}"
        gives = f"gives {one.points} points" if one.points else "is required"
        yield "list", f"to be on that of {one.call} at {when} {gives}"


def _tell_openings(call: calls.CallView) -> None:
    openings = Table(("opened", "last instant"), title="Openings", indent="  ")
    for opening in call.openings if len(call.openings) > 1 else ():
        last = civil(opening.ended_at, digits=6) if opening.ended_at else None
        openings.add(civil(opening.opened_at), last)
    openings.print()
    malfunctions = Table(
        ("n>", "from", "to", "decision", "evidence+"),
        title="Malfunctions",
        indent="  ",
    )
    for one in call.malfunctions:
        malfunctions.add(
            one.ordinal,
            civil(one.began_at),
            civil(one.ended_at),
            one.decision or "not decided yet",
            one.evidence,
        )
    malfunctions.print()


for _command in (
    *call_acts.COMMANDS,
    *rankings.COMMANDS,
    lists.update_list_command,
):
    call_group.add_command(_command)
