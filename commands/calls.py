"""Which calls are there, and what do they say?"""

import click

from commands.entry import at_desk, fault_as_json, warn_of_clock
from commands.lazy import Listing, json_option, note_done
from commands.output import Table, civil, emit, euros, instant, print_pairs
from config.loader import CallFileError, Fault, check, find, load
from workflow.desk import Desk
from workflow.errors import SportelloError
from workflow.rules.amounts import format_money
from workflow.services import calls


@click.group("call", cls=Listing)
@json_option
def call_group() -> None:
    """Check, load and look at calls (bandi).

    A call is a file: its window, money, criteria and terms are data. What is
    loaded is frozen under its hash, and another file under the same code needs
    an act.

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
            click.echo(f"{name}: {f'{len(faults)} fault(s)' if faults else 'ok'}")
            for fault in faults:
                click.echo(f"  {fault}")

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


@call_group.command("load")
@click.argument("file")
@click.option("--act", help='The act of the new version: "TYPE NUMBER/DATE".')
@click.option("--reason", help="Why there is a new version, in words.")
@json_option
@at_desk
def load_command(desk: Desk, file: str, act: str | None, reason: str | None) -> None:
    """Load a call, or a new version of it with its act (bando).

    FILE is a path, or the name of a call that comes with the program. The same
    file again changes nothing. Applications already filed stay under the version
    under which they were filed.

    \b
    Example:
        sportello call load ctl-2025
    """
    path = find(file)
    warn_of_clock(desk, call=load(path).code)
    loaded = calls.register_call(desk, path, act=act, reason=reason)
    if loaded.changed:
        note_done(f"version {loaded.version} of {loaded.call}")
    unused = bool(act or reason) and not loaded.changed

    def tell() -> None:
        done = "loaded" if loaded.changed else "was already loaded"
        click.echo(f"{loaded.call} {done}: version {loaded.version}")
        if unused:
            click.echo("  unchanged: the act was not recorded")
        click.echo(f"  hash {loaded.hash}")
        for difference in loaded.differences:
            click.echo(f"  {difference}")

    emit(
        {
            "call": loaded.call,
            "version": loaded.version,
            "hash": loaded.hash,
            "changed": loaded.changed,
            "act_recorded": bool(act) and loaded.changed,
            "differences": [
                {"where": one.where, "before": one.before, "after": one.after}
                for one in loaded.differences
            ],
        },
        tell,
    )


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
        closes = civil(call.rules.window.closes_at)
        money = (euros(call.allocation), euros(call.residual))
        table.add(call.code, call.state, closes, *money, call.title)

    def tell() -> None:
        table.print()
        if not listed:
            click.echo("no call is loaded; load one with `sportello call load`")

    emit({"calls": [_as_json(call) for call in listed]}, tell)


@call_group.command("show")
@click.argument("call")
@json_option
@at_desk
def show_command(desk: Desk, call: str) -> None:
    """Show a call: window, money, terms, and who may apply (bando).

    A value marked "assumed" was chosen so that the call can run; one marked
    "found" was read in a document.

    \b
    Example:
        sportello call show RLF12025051244
    """
    shown = calls.shown(desk, call)
    emit(_as_json(shown), lambda: _tell(shown))


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
            on = f" on {version.act}" if version.act else ""
            when = civil(version.loaded_at)
            click.echo(f"version {version.number}, {when}, {version.loaded_by}{on}")
            click.echo(f"  hash {version.hash}")
            if version.reason:
                click.echo(f"  {version.reason}")
            for difference in version.differences:
                click.echo(f"  {difference}")

    emit(
        {
            "call": call,
            "versions": [
                {
                    "version": version.number,
                    "hash": version.hash,
                    "loaded_at": instant(version.loaded_at),
                    "loaded_by": version.loaded_by,
                    "act": version.act,
                    "reason": version.reason,
                    "differences": [
                        {"where": one.where, "before": one.before, "after": one.after}
                        for one in version.differences
                    ],
                }
                for version in versions
            ],
        },
        tell,
    )


def _as_json(call: calls.CallView) -> dict[str, object]:
    window = call.rules.window
    return {
        "call": call.code,
        "title": call.title,
        "state": call.state.value,
        "published_at": instant(window.published_at),
        "opens_at": instant(window.opens_at),
        "closes_at": instant(window.closes_at),
        "allocation": format_money(call.allocation),
        "reserved": format_money(call.reserved),
        "granted": format_money(call.granted),
        "residual": format_money(call.residual),
        "waiting": call.waiting,
        "filed": call.filed,
        "version": call.version,
        "family": call.rules.family.value,
        "entries": call.entries,
        "beneficiaries": [
            {"tax_code": one.tax_code, "name": one.name}
            for one in call.rules.beneficiaries
        ],
    }


def _tell(call: calls.CallView) -> None:
    rules = call.rules
    click.echo(f"{call.code}  {call.title}")
    print_pairs(
        (
            ("state", f"{call.state}, version {call.version}"),
            ("published", civil(rules.window.published_at)),
            ("opens", civil(rules.window.opens_at)),
            ("closes", civil(rules.window.closes_at)),
            ("allocation", euros(call.allocation)),
            ("reserved", euros(call.reserved)),
            ("granted", euros(call.granted)),
            ("residual", euros(call.residual)),
            ("filed", call.filed),
            ("waiting", call.waiting),
            ("entries", call.entries),
            ("threshold", f"{rules.merit.threshold} of {rules.merit.total} points"),
        ),
        indent="  ",
    )
    terms = Table(
        ("term", "length", "from", "at its end", "source"), title="Terms", indent="  "
    )
    for kind, rule in rules.terms.items():
        length = f"{rule.count} {rule.counting}"
        terms.add(kind, length, rule.starts_on, rule.effect, rule.source)
    terms.print()
    merit = Table(("criterion", "points>", "title+"), title="Merit", indent="  ")
    for criterion in rules.merit.criteria:
        merit.add(criterion.code, criterion.max_points, criterion.title)
    merit.print()
    documents = Table(("document", "title+"), title="Documents", indent="  ")
    for document in rules.documents:
        documents.add(document.kind, document.title)
    documents.print()
    admitted = Table(("tax code", "name+"), title="Who may apply", indent="  ")
    for one in rules.beneficiaries:
        admitted.add(one.tax_code, one.name)
    admitted.print()
